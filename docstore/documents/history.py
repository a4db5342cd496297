"""The past of a document: its versions, the chain that makes their history tamper-evident, and older states rebuilt."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, cast

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, digest, dumps, join_pointer, loads, split_pointer
from docstore.documents.diff.format import on_one_line
from docstore.documents.digests import DigestTree, piece
from docstore.documents.kinds import FORMAT_KEY, HEAD, LAYOUT_KEY, Kind, join
from docstore.documents.patch import Change, undo_all
from docstore.errors import PatchError, UnreadableError, short_repr

GENESIS: Final = "0" * 64
"""What stands for the chain before version 1."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The version of another document that a version came from.

    Attributes:
        how: ``"branch"``: the versions before this one are the parent's own, up to *version*; ``"merge"``: what was
            changed in the parent up to *version* has been taken in.
        id, version: of the parent.
        numbers, names: of a merge, where trials went that have another number in the parent, so that the next merge
            knows them again; and what arms are called here that have another name in the parent.
    """

    how: Literal["branch", "merge"]
    id: str
    version: int
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """Return it as stored; numbers and names as pairs, old and new."""
        record: dict[str, JSON] = {"how": self.how, "id": self.id, "version": self.version}
        numbers: list[JSON] = [[old, new] for old, new in sorted(self.numbers.items())]
        names: list[JSON] = [[old, new] for old, new in sorted(self.names.items())]
        return {**record, **({"numbers": numbers} if numbers else {}), **({"names": names} if names else {})}

    @classmethod
    def from_json(cls, record: JSON) -> Parent:
        """Return the parent that *record* spells.

        Raises:
            PatchError: it spells none.
        """
        match record:
            case {"how": "branch" | "merge" as how, "id": str(id), "version": int(version), **rest}:
                numbers, names = (_pairs(rest.pop(key, []), cls) for key, cls in (("numbers", int), ("names", str)))
                if not rest and numbers is not None and names is not None:
                    return cls(cast(Any, how), id, version, numbers, names)
        raise PatchError(f"a parent has how, id and version; this is {short_repr(record)}", pointer="")


def _pairs(listed: object, cls: type) -> dict[Any, Any] | None:
    """Return the dict of a list of pairs, or None if it is none."""
    if not isinstance(listed, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in listed):
        return None
    pairs = cast("list[list[Any]]", listed)
    return dict(map(tuple, pairs)) if all(type(each) is cls for pair in pairs for each in pair) else None


def lineage(parents: Mapping[int, Parent], own: str) -> Callable[[int], str]:
    """Return what gives the id of the document that a version was saved in: before a branch, it is the parent's.

    Shapes:
        parents: of the versions that have one, by number
    """
    forks = sorted((number, parent.id) for number, parent in parents.items() if parent.how == "branch")

    def saved_in(number: int) -> str:
        return next((id for fork, id in forks if number < fork), own)

    return saved_in


@dataclass(frozen=True, slots=True)
class Version:
    """One save of a document.

    Attributes:
        number: counts the saves of this document, from 1.
        created_at: in UTC; later than the version before it, whatever the clock said.
        changes: from the version before, with the old values; version 1's is the ``add`` of the whole.
        digest: of the whole document as it was saved; the same in a file and in every database.
        chain: SHA-256 of the chain before it and of this version, so that no row of the past can be edited unseen.
        parent: the version of another document that it came from, by ``branch`` or ``merge``.
        folded: empty, or, once ``compact`` put others in the place of the changes that were saved, the digest of those.
        is_kept: whether it can be loaded; of one that was folded, only what is told here is known.
    """

    number: int
    created_at: datetime
    author: str
    message: str
    changes: tuple[Change, ...]
    digest: str
    chain: str
    parent: Parent | None = None
    folded: str = ""
    is_kept: bool = True

    @property
    def places(self) -> tuple[str, ...]:
        """The pointers of the changes."""
        return tuple(change.path for change in self.changes)

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each sort: ``add``, ``remove``, ``replace``."""
        found = Counter(change.op for change in self.changes)
        return {op: found[op] for op in ("add", "remove", "replace")}

    def __str__(self) -> str:
        when = self.created_at.isoformat(sep=" ", timespec="seconds")
        note = f": {self.message}" if self.message else ""
        count = f"{len(self.changes)} change{'' if len(self.changes) == 1 else 's'}" if self.is_kept else "folded"
        return on_one_line(f"version {self.number}, {when}, {self.author}, {count}{note}")


NOT_KEPT: Final = "null"
"""What stands for the changes of a version that was folded, and is not kept."""


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
    """Return the chain of *version* after the chain *previous*.

    Shapes:
        document: the id of the one that the version was saved in; of a branch's past, its parent's
        changes: the text of the changes as stored; what counts is the digest of those that were saved
    """
    row: list[JSON] = [
        document,
        version.number,
        version.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        version.author,
        version.message,
        version.digest,
        version.parent.to_json() if version.parent else None,
        version.folded or digest(changes.encode()),
    ]
    return hashlib.sha256(b"\n".join((previous.encode(), dumps(row)))).hexdigest()


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


def piece_at(kind: Kind, pointer: str) -> tuple[str, bool]:
    """Return the path of the piece that *pointer* leads into, and whether it leads to more than that piece."""
    tokens = split_pointer(pointer)
    if not tokens or kind.rule(pointer) is None:
        return HEAD, not tokens
    return (join_pointer(tokens[:2]), False) if len(tokens) > 1 else (HEAD, True)


def pieces_touched(kind: Kind, changes: Iterable[Change]) -> set[str]:
    """Return the paths of the pieces that *changes* are within."""
    return {piece_of(kind, change) for change in changes}


# A document taken back version by version: only what the changes of a version touched is digested anew.

_LAYOUT: Final = frozenset({TAG, FORMAT_KEY, LAYOUT_KEY})
"""Members of a head that say, of a user's kind, which pieces are parts."""


class Rollback:
    """A document as it stood at a version, from the current one back."""

    def __init__(self, kind: Kind, pieces: Mapping[str, JSON], digests: DigestTree) -> None:
        """Args: kind as it is named: what the document says of itself may have been another at each version."""
        self._named = kind
        self._kind = kind.of(pieces[HEAD])
        self._pieces = dict(pieces)
        self._digests = digests.copy()

    @property
    def pieces(self) -> Mapping[str, JSON]:
        """The head and the parts by path; not to be changed."""
        return self._pieces

    @property
    def digests(self) -> DigestTree:
        """Their digests; not to be changed."""
        return self._digests

    def digest(self) -> str:
        """Return the digest of the whole document."""
        return self._digests.digest()

    def document(self) -> JSON:
        """Return the whole document."""
        return join(self._pieces)

    def drop(self, path: str) -> None:
        """Go on without the part at *path*."""
        del self._pieces[path]
        self._digests.update({path: None})

    def touched(self, changes: Iterable[Change]) -> set[str] | None:
        """Return the paths of the pieces that *changes* are within, or None where other pieces may have been parts."""
        changes = tuple(changes)
        if any(self._lays_out_anew(change.path) for change in changes):
            return None
        return pieces_touched(self._kind, changes)

    def undo(self, changes: Sequence[Change]) -> dict[str, MaybeJSON]:
        """Take the document back to before *changes*, and return what stood at each piece that they touched.

        Raises:
            PatchError, CodecError: they do not fit; it is of no use any more.

        Cost:
            In proportion to the changes and the pieces touched, and a look at each member of the head.
        """
        touched = self.touched(changes)
        if touched is None:
            now: dict[str, MaybeJSON] = dict(self._pieces)
            self._pieces = rebuild(self._pieces, self._named, [changes])
            self._kind = self._named.of(self._pieces[HEAD])
            self._digests = DigestTree({path: piece(path, body).digest for path, body in self._pieces.items()})
            return {path: now.get(path, ABSENT) for path in now.keys() | self._pieces.keys()}
        before = {path: self._pieces[path] for path in {HEAD, *touched} if path in self._pieces}
        after = rebuild(before, self._named, [changes], partial=True)
        changed: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
        for path, body in after.items():
            if path != HEAD or not _is_same(before[HEAD], body):
                changed[path] = piece(path, body).digest
        for path in before:
            del self._pieces[path]
        self._pieces.update(after)
        self._digests.update(changed)
        return {path: before.get(path, ABSENT) for path in changed}

    def _lays_out_anew(self, path: str) -> bool:
        tokens = split_pointer(path)
        return not tokens or tokens[0] in _LAYOUT or (len(tokens) == 1 and self._kind.rule(path) is not None)


def _is_same(old: JSON, new: JSON) -> bool:
    """Return whether a head is as it was, at the cost of a look at each member.

    What no change led through is the same object still; but for the fields of parts, which are emptied anew each time.
    """
    if not isinstance(old, dict) or not isinstance(new, dict) or old.keys() != new.keys():
        return False
    return all(value is old[key] or _are_empty(value, old[key]) for key, value in new.items())


def _are_empty(a: JSON, b: JSON) -> bool:
    return isinstance(a, (dict, list)) and type(a) is type(b) and not a and not b
