"""The past of a document: its versions, the chain that makes their history tamper-evident, and older states rebuilt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from docstore.errors import PatchError, UnreadableError
from docstore.kinds import HEAD, Kind, join
from docstore.patch import Change, undo_all
from docstore.values import JSON, dumps, join_pointer, loads, split_pointer

GENESIS: Final = "0" * 64
"""What stands for the chain before version 1."""


@dataclass(frozen=True, slots=True)
class Version:
    """One save of a document.

    Attributes:
        number: counts the saves of this document, from 1.
        created_at: in UTC; later than the version before it, whatever the clock said.
        changes: from the version before, with the old values; version 1's is the ``add`` of the whole.
        digest: of the whole document as it was saved; the same in a file and in every database.
        chain: SHA-256 of the chain before it and of this version, so that no row of the past can be edited unseen.
    """

    number: int
    created_at: datetime
    author: str
    message: str
    changes: tuple[Change, ...]
    digest: str
    chain: str

    @property
    def places(self) -> tuple[str, ...]:
        """The pointers of the changes."""
        return tuple(change.path for change in self.changes)

    def __str__(self) -> str:
        when = self.created_at.isoformat(sep=" ", timespec="seconds")
        note = f": {self.message}" if self.message else ""
        count = f"{len(self.changes)} change{'' if len(self.changes) == 1 else 's'}"
        return f"version {self.number}, {when}, {self.author}, {count}{note}"


def changes_text(changes: Sequence[Change]) -> str:
    """Return the canonical text of *changes*, as stored."""
    return dumps([change.to_json() for change in changes]).decode()


def changes_from(text: str) -> tuple[Change, ...]:
    """Return the changes that *text* spells.

    Raises:
        PatchError: they are not changes.
    """
    records = loads(text)
    if not isinstance(records, list):
        raise PatchError("the changes of a version are a list", pointer="")
    return tuple(map(Change.from_json, records))


def chained(previous: str, document: str, version: Version, changes: str) -> str:
    """Return the chain of *version* after the chain *previous*; *changes* is the text of its changes."""
    row: list[JSON] = [
        document,
        version.number,
        version.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        version.author,
        version.message,
        version.digest,
    ]
    return hashlib.sha256(b"\n".join((previous.encode(), dumps(row), changes.encode()))).hexdigest()


def next_moment(previous: datetime | None) -> datetime:
    """Return the time of a save now: after *previous*, so that a time always names one version.

    Raises:
        UnreadableError: *previous* is the last time that there is.
    """
    now = datetime.now(UTC)
    if previous is None or now > previous:
        return now
    try:
        return previous + timedelta(microseconds=1)
    except OverflowError as error:
        raise UnreadableError(f"the newest version is said to be of {previous}, which nothing can follow") from error


def rebuild(
    pieces: Mapping[str, JSON], kind: Kind, newest_first: Iterable[Sequence[Change]], *, partial: bool = False
) -> dict[str, JSON]:
    """Return the head and parts as they stood before the given changes.

    Shapes:
        pieces: the current head and parts, all of them; *partial*: at least those that the changes touch
        newest_first: the changes of the current version, of the one before it, ...

    Raises:
        PatchError: the changes do not fit: the history, or the document, is damaged.

    Cost:
        One copy of the pieces, then time in proportion to the operations undone.
    """
    lists = kind.of(pieces[HEAD]).lists(pieces[HEAD]) if partial else ()
    return kind.split(undo_all(join(pieces, sparse=lists), newest_first), lists=lists)


def piece_of(kind: Kind, change: Change) -> str:
    """Return the path of the piece, the head or a part, that *change* is within."""
    tokens = split_pointer(change.path)
    is_part = len(tokens) > 1 and kind.rule(change.path) is not None
    return join_pointer(tokens[:2]) if is_part else HEAD


def pieces_touched(kind: Kind, changes: Iterable[Change]) -> set[str]:
    """Return the paths of the pieces that *changes* are within."""
    return {piece_of(kind, change) for change in changes}
