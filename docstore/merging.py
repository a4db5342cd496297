"""What was changed in one document taken into another, with which it has a version in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from sqlalchemy.engine import Connection

from docstore.access import Access
from docstore.ancestry import Ancestry, Common
from docstore.branching import renamed
from docstore.digests import piece
from docstore.documents import Document, Documents, check_sense
from docstore.errors import Conflict, ConflictError, DecodeError, InvalidValueError, called
from docstore.history import Parent
from docstore.kinds import HEAD, Kind, is_document, join, kind_named
from docstore.reader import State, read, version_numbered
from docstore.renumbering import names_for, numbers_in, renumbered
from docstore.revision import laid_out_alike, revise
from docstore.rows import HeadRow
from docstore.settling import OnConflict, Settled, settle
from docstore.values import ABSENT, JSON, alike
from docstore.writer import Note, Saved, Writer

_ELSEWHERE = "others saved it since the version that both have in common: on_conflict='merge' would keep both"


@dataclass(frozen=True, slots=True)
class _Sides:
    """The source, the target, and what they have in common: each with the target's name and numbers of trials."""

    base: Mapping[str, JSON]
    mine: Mapping[str, JSON]
    theirs: Mapping[str, JSON]
    numbers: Mapping[int, int]
    names: Mapping[str, str]


class Merger:
    """Merges documents of one project.

    Args:
        documents: decodes what is merged; a class that is not registered is left unread.
    """

    def __init__(self, access: Access, writer: Writer, documents: Documents) -> None:
        self._access = access
        self._writer = writer
        self._documents = documents

    def merge(self, connection: Connection, kind: str, name: str, into: str, policy: OnConflict, note: Note) -> Saved:
        """Take what was changed in *name* into *into*, as its next version; as ``Past.merge``."""
        source, target = (self._access.head(connection, kind, each) for each in (name, into))
        if source.id == target.id:
            raise InvalidValueError("into", into, "It is the document itself: name another one.")
        ancestry = Ancestry(connection)
        if ancestry.has(target, source.id, source.version):
            return Saved(target.id, version_numbered(connection, target, target.version), {})
        common = ancestry.common(source, target)
        if common is None:
            remedy = f"It has no version in common with {called(name, kind)}: branch() makes documents that do."
            raise InvalidValueError("into", into, remedy)
        said = Note(note.author, note.message or f"merge of {name!r} at version {source.version}")
        return self._write(connection, source, target, ancestry, common, policy, said)

    def _write(
        self,
        connection: Connection,
        source: HeadRow,
        target: HeadRow,
        ancestry: Ancestry,
        common: Common,
        policy: OnConflict,
        note: Note,
    ) -> Saved:
        mine, theirs = read(connection, source), read(connection, target)
        kind = kind_named(target.kind).of(theirs.pieces[HEAD])
        sides = _sides(source, target, ancestry, common, mine, theirs)
        if not _unlike(sides.base, sides.mine):
            # A branch in which nothing was done has nothing to tell.
            return Saved(target.id, version_numbered(connection, target, target.version), {})
        settled = self._settled(source, target, common, kind, sides, policy)
        changed = _unlike(sides.theirs, {path: piece.body for path, piece in settled.target.items()})
        goal = {path: piece for path, piece in settled.target.items() if path in changed}
        revision = revise(kind, {path: sides.theirs[path] for path in changed & sides.theirs.keys()}, goal)
        numbers, names = {**sides.numbers, **settled.numbers}, {**sides.names, **settled.names}
        parent = Parent("merge", source.id, source.version, numbers, names)
        document = Document(kind, target.name, target.model, settled.target)
        return self._writer.write(connection, target, document, revision, theirs.digests, note, parent)

    def _settled(
        self, source: HeadRow, target: HeadRow, common: Common, kind: Kind, sides: _Sides, policy: OnConflict
    ) -> Settled:
        def refused(problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
            yours, head = common.version, target.version
            return ConflictError(
                target.name, yours=yours, head=head, places=places, problem=problem, kind=kind.name, source=source.name
            )

        heads = [side[HEAD] for side in (sides.base, sides.mine, sides.theirs)]
        if not all(laid_out_alike(kind, head, heads[-1]) for head in heads):
            raise refused("its parts are laid out otherwise there")
        if policy == "overwrite":
            return Settled({path: piece(path, body) for path, body in sides.mine.items()})
        if policy == "error" and _unlike(sides.base, sides.theirs):
            raise refused(_ELSEWHERE)
        settled = settle(kind, sides.base, sides.mine, sides.theirs, policy=policy)
        if settled.conflicts:
            raise refused("", settled.conflicts)
        problem = self._problem_with({path: piece.body for path, piece in settled.target.items()}, sides.theirs)
        if problem:
            raise refused(f"what both made of it makes no sense together: {problem}")
        return settled

    def _problem_with(self, merged: Mapping[str, JSON], theirs: Mapping[str, JSON]) -> str:
        """Return why *merged* cannot be read though *theirs* can; nothing if it can, or if neither can."""
        if not is_document(theirs[HEAD]):
            return ""
        try:
            before = self._documents.decode(join(theirs))
        except DecodeError:
            return ""
        try:
            check_sense(self._documents.decode(join(merged)), before)
        except (DecodeError, InvalidValueError) as error:
            return str(error)
        return ""


def _unlike(a: Mapping[str, JSON], b: Mapping[str, JSON]) -> set[str]:
    return {path for path in a.keys() | b.keys() if not alike(a.get(path, ABSENT), b.get(path, ABSENT))}


def _sides(source: HeadRow, target: HeadRow, ancestry: Ancestry, common: Common, mine: State, theirs: State) -> _Sides:
    """Return the three states as the target would have them."""
    numbers, names = _translation(source, target, ancestry)
    base = common.state.pieces
    if common.id == source.id:
        base = renumbered(base, numbers, names)
    here = numbers_in(mine.pieces)
    # Under a number that a trial of the source has in the target, the source may have made another one since.
    displaced = sorted(here & set(numbers.values()) - numbers.keys())
    occupied = numbers_in(theirs.pieces) | {numbers.get(number, number) for number in here.difference(displaced)}
    moved = dict(
        zip(displaced, (free for free in count(min(displaced, default=0)) if free not in occupied), strict=False)
    )
    if moved:
        names = {**names, **names_for(base, mine.pieces, theirs.pieces, moved)}
    numbers = {**numbers, **moved}
    own = renumbered(mine.pieces, numbers, names)
    which = kind_named(target.kind)
    named = [_named(which, pieces, target.name) for pieces in (base, own, theirs.pieces)]
    return _Sides(named[0], named[1], named[2], numbers, names)


def _named(kind: Kind, pieces: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    return {**pieces, HEAD: renamed(kind.of(pieces[HEAD]), pieces[HEAD], name)}


def _translation(source: HeadRow, target: HeadRow, ancestry: Ancestry) -> tuple[dict[int, int], dict[str, str]]:
    """Return what the source's trials and arms are called in the target, by the merges that there were either way."""
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for parent in ancestry.parents(target.id).values():
        if parent.how == "merge" and parent.id == source.id:
            numbers.update(parent.numbers)
            names.update(parent.names)
    for parent in ancestry.parents(source.id).values():
        if parent.how == "merge" and parent.id == target.id:
            numbers.update({new: old for old, new in parent.numbers.items()})
            names.update({new: old for old, new in parent.names.items()})
    return numbers, names
