"""The history of a document: its versions, the hash chain that makes edits of them evident, and older states rebuilt.

A version is stored as the changes from the one before, with the old values, so that they can be undone: ``rebuild``
goes back to one state, and ``Rollback`` visits one version after the other.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final, Literal, cast

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, digest, dumps, join_pointer, loads, split_pointer
from docstore.documents.diff.format import on_one_line
from docstore.documents.digests import Digests, piece
from docstore.documents.display import Row, counted, first_few, html_table, shown_time
from docstore.documents.kinds import FORMAT_KEY, HEAD, LAYOUT_KEY, Kind, join, without_bookkeeping
from docstore.documents.patch import Change, undo_all
from docstore.errors import DamagedDocumentError, DecodeError, PatchError, UnreadableError, short_repr

GENESIS: Final = "0" * 64
"""The chain before version 1."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The version of another document that a version came from.

    Attributes:
        how: ``"branch"``: the versions before this one are the parent's own, up to *version*; ``"merge"``: the parent's
            changes up to *version* are contained.
        id, version: of the parent.
        numbers, names: of a merge, the numbers of trials and the names of arms, by the ones that they have in the
            parent, where they differ: the next merge needs them.
    """

    how: Literal["branch", "merge"]
    id: str
    version: int
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, JSON]:
        """Return the parent as it is stored; numbers and names as pairs, old and new."""
        record: dict[str, JSON] = {"how": self.how, "id": self.id, "version": self.version}
        numbers: list[JSON] = [[old, new] for old, new in sorted(self.numbers.items())]
        names: list[JSON] = [[old, new] for old, new in sorted(self.names.items())]
        return {**record, **({"numbers": numbers} if numbers else {}), **({"names": names} if names else {})}

    @classmethod
    def from_json(cls, record: JSON) -> Parent:
        """Return the parent of *record*.

        Raises:
            PatchError: it is malformed.
        """
        match record:
            case {"how": "branch" | "merge" as how, "id": str(id), "version": int(version), **rest}:
                numbers, names = (_pairs(rest.pop(key, []), cls) for key, cls in (("numbers", int), ("names", str)))
                if not rest and numbers is not None and names is not None:
                    return cls(cast(Any, how), id, version, numbers, names)
        raise PatchError(f"a parent has how, id and version; this is {short_repr(record)}", pointer="")


def _pairs(listed: object, cls: type) -> dict[Any, Any] | None:
    """Return the dict of a list of pairs of *cls*, or None if it is not such a list."""
    if not isinstance(listed, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in listed):
        return None
    pairs = cast("list[list[Any]]", listed)
    return dict(map(tuple, pairs)) if all(type(each) is cls for pair in pairs for each in pair) else None


def lineage(parents: Mapping[int, Parent], own: str) -> Callable[[int], str]:
    """Return a function from a version to the id of the document it was saved in: before a branch, the parent's.

    Shapes:
        parents: by number, of the versions that have one
    """
    forks = sorted((number, parent.id) for number, parent in parents.items() if parent.how == "branch")

    def saved_in(number: int) -> str:
        return next((id for fork, id in forks if number < fork), own)

    return saved_in


class _ParsedLate:
    """Parses the changes of a version when they are first asked for: a list of versions needs none of them."""

    __slots__ = ("_text",)

    def __getattr__(self, name: str) -> Any:
        # Called for an attribute that is not set, as the changes are in what ``unparsed`` returns.
        if name != "changes":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        document, text = self._text
        changes = changes_of(document, cast(Version, self).number, text)
        object.__setattr__(self, "changes", changes)
        return changes


@dataclass(frozen=True, slots=True)
class Version(_ParsedLate):
    """One save of a document.

    Attributes:
        number: counts the saves of this document, from 1.
        created_at: in UTC; later than the version before it, whatever the clock said.
        changes: from the version before, with the old values; version 1 has one, the ``add`` of the whole.
        digest: of the whole document as it was saved; the same in a file and in every database.
        chain: SHA-256 of the chain before it and of this version, so that no edit of an older row stays hidden.
        parent: the version of another document that it came from, by ``branch`` or ``merge``.
        folded: the digest of the changes that were saved, if ``compact`` has replaced them; otherwise empty.
        is_kept: whether it can be loaded; ``compact`` keeps only this record of a version that it folded.
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
        """The pointers of the changes.

        Bookkeeping, such as which fields of an object were set, is left out, unless nothing else changed.
        """
        return without_bookkeeping((change.path for change in self.changes), str)

    @property
    def counts(self) -> dict[str, int]:
        """The number of changes of each operation: ``add``, ``remove``, ``replace``."""
        found = Counter(change.op for change in self.changes)
        return {op: found[op] for op in ("add", "remove", "replace")}

    @property
    def _count(self) -> str:
        return counted(len(self.places), "change") if self.is_kept else "folded"

    def __str__(self) -> str:
        when = self.created_at.isoformat(sep=" ", timespec="seconds")
        note = f": {self.message}" if self.message else ""
        return on_one_line(f"version {self.number}, {when}, {self.author}, {self._count}{note}")

    def __repr__(self) -> str:
        facts = [str(self.number), self._count, f"by {self.author}", shown_time(self.created_at)]
        note = [short_repr(self.message)] if self.message else []
        return on_one_line(f"Version({', '.join([*facts, *note])})")

    def _row(self) -> Row:
        """Return the cells of a table of versions."""
        return {
            "version": self.number,
            "saved": shown_time(self.created_at),
            "by": self.author,
            "message": self.message or None,
            "changes": len(self.places) if self.is_kept else "folded",
            "from": f"{self.parent.how} of version {self.parent.version}" if self.parent else None,
        }

    def _repr_html_(self) -> str:
        places, are_more = first_few(self.places)
        changed = ", ".join([*filter(None, places), *(["…"] if are_more else [])])
        return html_table([self._row()], note=f"changed: {changed}" if changed else "")


def unparsed(version: Version, document: str, text: str) -> Version:
    """Return *version* itself, just made, with the changes in *text*, which are parsed when they are first asked for.

    If they are malformed, a DamagedDocumentError of the document *document* is raised then.
    """
    object.__delattr__(version, "changes")
    object.__setattr__(version, "_text", (document, text))
    return version


NOT_KEPT: Final = "null"
"""The text of the changes of a version that ``compact`` folded."""


def changes_text(changes: Sequence[Change]) -> str:
    """Return the canonical text of *changes*, as stored."""
    return dumps([change.to_json() for change in changes]).decode()


def changes_from(text: str) -> tuple[Change, ...]:
    """Return the changes of *text*.

    Raises:
        PatchError: it is malformed.
    """
    records = loads(text)
    if not isinstance(records, list):
        raise PatchError("the changes of a version are a list", pointer="")
    return tuple(map(Change.from_json, records))


def changes_of(document: str, number: int, text: str) -> tuple[Change, ...]:
    """Return the changes in *text*, those of version *number* of *document*.

    Raises:
        DamagedDocumentError: they are malformed.
    """
    try:
        return changes_from(text)
    except (DecodeError, PatchError) as error:
        raise DamagedDocumentError(document, where=f"version {number}", problem=str(error)) from error


def chained(previous: str, document: str, version: Version, changes: str) -> str:
    """Return the chain of *version* after the chain *previous*.

    Shapes:
        document: the id of the document that the version was saved in: before a branch, the parent's
        changes: the text of the changes as stored; the chain contains the digest of those that were saved
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
    """Return the time of a save now, but after *previous*, so that a time identifies one version.

    Raises:
        UnreadableError: *previous* is the last time that Python has.
    """
    now = datetime.now(UTC)
    if previous is None or now > previous:
        return now
    try:
        return previous + timedelta(microseconds=1)
    except OverflowError as error:
        raise UnreadableError(f"the newest version has the time {previous}, and no later time exists") from error


def rebuild(
    pieces: Mapping[str, JSON], kind: Kind, newest_first: Iterable[Sequence[Change]], *, partial: bool = False
) -> dict[str, JSON]:
    """Return the head and parts before the given changes.

    Shapes:
        pieces: the current head and parts, all of them; if *partial*, at least those that the changes touch
        newest_first: the changes of the current version, of the one before it, ...

    Raises:
        PatchError: the changes do not fit: the history, or the document, is damaged.

    Cost:
        One copy of the pieces, then time in proportion to the operations undone.
    """
    lists = kind.of(pieces[HEAD]).lists(pieces[HEAD]) if partial else ()
    return kind.split(undo_all(join(pieces, sparse=lists), newest_first), lists=lists)


def piece_of(kind: Kind, change: Change) -> str:
    """Return the path of the piece, the head or a part, that contains the place of *change*."""
    return _piece_around(kind, change.path)


def _piece_around(kind: Kind, pointer: str) -> str:
    end = pointer.find("/", 1)
    if end < 0 or kind.rule(pointer) is None:
        return HEAD
    end = pointer.find("/", end + 1)
    return pointer if end < 0 else pointer[:end]


def piece_at(kind: Kind, pointer: str) -> tuple[str, bool]:
    """Return the path of the piece that *pointer* leads into, and whether its value has other pieces too."""
    tokens = split_pointer(pointer)
    if not tokens or kind.rule(pointer) is None:
        return HEAD, not tokens
    return (join_pointer(tokens[:2]), False) if len(tokens) > 1 else (HEAD, True)


def pieces_touched(kind: Kind, changes: Iterable[Change]) -> set[str]:
    """Return the paths of the pieces that *changes* touch."""
    return {_piece_around(kind, path) for path in {change.path for change in changes}}


# --- the version that last changed each place -------------------------------------------------------------------------


def last_changed(newest_first: Iterable[Version], pointers: Sequence[str]) -> dict[str, Version]:
    """Return the version that last changed the value at each of *pointers*, or something in it.

    An item of a list is meant by its index, as it was at each version. A place without an entry was changed before the
    versions that were given, or was never there.

    Cost:
        The versions are read until each place has one; all of them, if one never changed since version 1. Time in
        proportion to their changes and the number of *pointers*.
    """
    waiting, found = set(pointers), {}
    inside: dict[str, list[str]] = {}
    for pointer in waiting:
        for way in _ways(pointer):
            inside.setdefault(way, []).append(pointer)
    for version in newest_first:
        if not waiting:
            break
        for path, _ in groupby(change.path for change in version.changes) if version.is_kept else ():
            touched = waiting.intersection([*inside.pop(path, ()), *_ways(path)])
            found.update(dict.fromkeys(touched, version))
            waiting -= touched
    return found


def _ways(pointer: str) -> Iterator[str]:
    """Yield *pointer* and the pointers of all that contains it, the longest first."""
    while pointer:
        yield pointer
        pointer = pointer.rpartition("/")[0]
    yield ""


# --- every version, one after the other -------------------------------------------------------------------------------

_LAYOUT: Final = frozenset({TAG, FORMAT_KEY, LAYOUT_KEY})
"""Members of a head that decide, for a user's kind, which members are parts."""


def pieces_changed(kind: Kind, versions: Iterable[Sequence[Change]]) -> set[str] | None:
    """Return the paths of the pieces that the changes of *versions* touch; None if other pieces may have been parts."""
    paths = {change.path for changes in versions for change in changes}
    if any(_changes_layout(kind, path) for path in paths):
        return None
    return {_piece_around(kind, path) for path in paths}


def _changes_layout(kind: Kind, path: str) -> bool:
    tokens = split_pointer(path)
    return not tokens or tokens[0] in _LAYOUT or (len(tokens) == 1 and kind.rule(path) is not None)


class Rollback:
    """A document that is taken back version by version; only the pieces that changed are digested again."""

    def __init__(self, kind: Kind, pieces: Mapping[str, JSON], digests: Digests) -> None:
        """Args: kind by its name alone: the layout in the document may have been another at each version."""
        self._named = kind
        self._kind = kind.of(pieces[HEAD])
        self._pieces = dict(pieces)
        self._digests = digests.copy()

    @property
    def pieces(self) -> Mapping[str, JSON]:
        """The head and the parts by path; do not change them."""
        return self._pieces

    @property
    def digests(self) -> Digests:
        """Their digests; do not change them."""
        return self._digests

    def digest(self) -> str:
        """Return the digest of the whole document."""
        return self._digests.digest()

    def document(self) -> JSON:
        """Return the whole document."""
        return join(self._pieces)

    def drop(self, path: str) -> None:
        """Remove the part at *path*."""
        del self._pieces[path]
        self._digests.update({path: None})

    def touched(self, changes: Iterable[Change]) -> set[str] | None:
        """Return the paths of the pieces that *changes* touch, or None if other pieces may have been parts before."""
        return pieces_changed(self._kind, [tuple(changes)])

    def undo(self, changes: Sequence[Change]) -> dict[str, MaybeJSON]:
        """Undo *changes*, and return the pieces that they touched, as they were until now; as ``undo_versions``."""
        return self.undo_versions([changes])

    def undo_versions(self, newest_first: Sequence[Sequence[Change]]) -> dict[str, MaybeJSON]:
        """Undo the changes of several versions, and return the pieces that they touched, as they were until now.

        Raises:
            PatchError, CodecError: they do not fit; the document is unusable afterwards.

        Cost:
            In proportion to the changes and the pieces touched, and to the members of the head. Each piece is digested
            once, however often it changed.
        """
        touched = pieces_changed(self._kind, newest_first)
        if touched is None:
            return self._undo_all(newest_first)
        before = {path: self._pieces[path] for path in {HEAD, *touched} if path in self._pieces}
        after = rebuild(before, self._named, newest_first, partial=True)
        changed: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
        for path, body in after.items():
            if path != HEAD or not _is_same(before[HEAD], body):
                changed[path] = piece(path, body).digest
        for path in before:
            del self._pieces[path]
        self._pieces.update(after)
        self._digests.update(changed)
        return {path: before.get(path, ABSENT) for path in changed}

    def _undo_all(self, newest_first: Sequence[Sequence[Change]]) -> dict[str, MaybeJSON]:
        """Undo changes before which other pieces may have been parts."""
        now: dict[str, MaybeJSON] = dict(self._pieces)
        self._pieces = rebuild(self._pieces, self._named, newest_first)
        self._kind = self._named.of(self._pieces[HEAD])
        self._digests = Digests.of({path: piece(path, body).digest for path, body in self._pieces.items()})
        return {path: now.get(path, ABSENT) for path in now.keys() | self._pieces.keys()}


def _is_same(old: JSON, new: JSON) -> bool:
    """Return whether a head is unchanged, by the identity of its members.

    A member that no change led through is the same object as before; the fields of parts are empty ones, made anew.
    """
    if not isinstance(old, dict) or not isinstance(new, dict) or old.keys() != new.keys():
        return False
    return all(value is old[key] or _are_empty(value, old[key]) for key, value in new.items())


def _are_empty(a: JSON, b: JSON) -> bool:
    return isinstance(a, (dict, list)) and type(a) is type(b) and not a and not b
