"""When a place in a document changed, and who did it: the past of one pointer, found in the changes of each version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from docstore.abridging import abridged
from docstore.documents.canonical import ABSENT, JSON, MaybeJSON, alike, resolve
from docstore.documents.diff.format import on_one_line
from docstore.documents.history import Version, piece_at, piece_of
from docstore.documents.kinds import HEAD, Kind
from docstore.documents.patch import undo
from docstore.errors import DecodeError

Decode: TypeAlias = Callable[[JSON], Any]
"""Makes values of what is tagged in a JSON value."""


@dataclass(frozen=True, slots=True)
class Blame:
    """One change of a place: the version that made it, and what stood there before and since.

    Of versions that ``compact`` folded, their digests and the log are left: a change of theirs was made in one or more
    of the versions ``first`` to ``number``, and which of them is not known any more.

    Attributes:
        version: the one that made it; of several that were folded together, the newest.
        was, became: the JSON as stored; ``ABSENT`` where nothing stood there.
        first: the number of the oldest version that may have made it; ``number``, if it is known.
        authors: who saved the versions from *first* on, without repetition, oldest first.
    """

    version: Version
    was: MaybeJSON
    became: MaybeJSON
    first: int
    authors: tuple[str, ...]
    decode: Decode = field(compare=False, repr=False)

    @property
    def old(self) -> Any:
        """What stood there before, as ``get`` gives it, made at each call; ``ABSENT`` for nothing."""
        return ABSENT if self.was is ABSENT else self.decode(self.was)

    @property
    def new(self) -> Any:
        """What stands there since, as ``get`` gives it, made at each call; ``ABSENT`` for nothing."""
        return ABSENT if self.became is ABSENT else self.decode(self.became)

    @property
    def number(self) -> int:
        """The number of the version; of several that were folded together, of the newest."""
        return self.version.number

    @property
    def is_exact(self) -> bool:
        """Whether that version made the change, and not perhaps one that was folded into it."""
        return self.first == self.number

    @property
    def created_at(self) -> datetime:
        """When it was saved; of several that were folded together, when the newest was."""
        return self.version.created_at

    @property
    def author(self) -> str | None:
        """Who saved it; None where versions of several authors were folded together, so that it may be any of them."""
        return self.authors[0] if len(self.authors) == 1 else None

    @property
    def message(self) -> str:
        """What was said of it; of several that were folded together, of the newest."""
        return self.version.message

    def __str__(self) -> str:
        change = f"{_shown(self.was)} -> {_shown(self.became)}"
        when = self.created_at.isoformat(sep=" ", timespec="seconds")
        if self.is_exact:
            return on_one_line(f"version {self.number}, {when}, {self.author}: {change}")
        among = f"in versions {self.first} to {self.number}, folded together, until {when}"
        return on_one_line(f"{among}, by {' or '.join(self.authors)}: {change}")


def _shown(value: MaybeJSON) -> str:
    return "nothing" if value is ABSENT else abridged(value)


def changes_at(
    kind: Kind, document: JSON, pointer: str, newest_first: Iterable[Version], decode: Decode
) -> Iterator[Blame]:
    """Yield each change of what stands at *pointer*, with the values before and after; newest first.

    A list's item is meant by its index as it was at each version.

    Shapes:
        document: the current one; of its parts, at least the one that *pointer* leads into, or all, if it leads to
            several; items of a list that are parts by their index
        newest_first: the versions from the current one on

    Raises:
        PatchError: the changes do not fit: the history, or the document, is damaged.

    Cost:
        In proportion to the changes of the piece; where versions were folded, a look at each of them.
    """
    now = _at(document, pointer)
    piece, is_whole = piece_at(kind, pointer)
    for version, first, authors in _with_folded(newest_first):
        if any(change.path == HEAD and change.old is ABSENT for change in version.changes):
            if now is not ABSENT:
                yield Blame(version, ABSENT, now, first, authors, decode)
            return
        is_whole_since = is_whole or any(change.path == HEAD for change in version.changes)
        ours = [change for change in version.changes if is_whole_since or piece_of(kind, change) == piece]
        if not ours:
            continue
        document = undo(document, ours)
        is_whole = is_whole_since
        before = _at(document, pointer)
        if not alike(before, now):
            yield Blame(version, before, now, first, authors, decode)
        now = before


def _with_folded(newest_first: Iterable[Version]) -> Iterator[tuple[Version, int, tuple[str, ...]]]:
    """Yield each version that is kept, the number of the oldest that was folded into it, and the authors of these.

    Of one that others were not folded into, the versions before it are not looked at yet.
    """
    rest = iter(newest_first)
    version = next(rest, None)
    while version is not None:
        first, authors, older = version.number, [version.author], None
        if version.folded:
            while (older := next(rest, None)) is not None and not older.is_kept:
                first = older.number
                authors.append(older.author)
        yield version, first, tuple(dict.fromkeys(reversed(authors)))
        version = older or next(rest, None)


def _at(document: JSON, pointer: str) -> MaybeJSON:
    try:
        return resolve(document, pointer)
    except DecodeError:
        return ABSENT
