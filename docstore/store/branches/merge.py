"""What was changed in one document taken into another, with which it has a version in common."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy.engine import Connection

from docstore.codec.mapper import Mapper, check_sense
from docstore.documents.canonical import ABSENT, JSON, dumps, same_json
from docstore.documents.changeset import changeset_of, same_layout
from docstore.documents.digests import piece
from docstore.documents.document import Document
from docstore.documents.history import Parent
from docstore.documents.kinds import EXPERIMENT, HEAD, Kind, is_document, join, kind_named
from docstore.documents.merge.resolve import OnConflict, Resolution, all_places, checked, merged, resolve
from docstore.documents.merge.trials import Pieces, numbers_in, renumbered, trials_in
from docstore.errors import Conflict, ConflictError, DecodeError, InvalidValueError, called
from docstore.sql.context import StoreContext
from docstore.sql.reader import State, read, version_numbered
from docstore.sql.rows import HeadRow
from docstore.sql.writer import Note, Saved, Writer
from docstore.store.branches.ancestry import Ancestry, Held
from docstore.store.branches.trial_identity import ArmNames, Kinship

_ELSEWHERE = "others saved it since the version that both have in common: on_conflict='merge' would keep both"
_LAID_OUT = "it keeps its parts otherwise there, so that nothing but 'overwrite' can be done"


class Merger:
    """Merges documents of one project.

    Args:
        documents: decodes what is merged; a class that is not registered is left unread.
    """

    def __init__(self, access: StoreContext, writer: Writer, documents: Mapper) -> None:
        self._access = access
        self._writer = writer
        self._documents = documents

    def merge(self, connection: Connection, kind: str, name: str, into: str, policy: OnConflict, note: Note) -> Saved:
        """Take what was changed in *name* into *into*, as its next version; as ``Past.merge``."""
        source = self._access.head(connection, kind, name)
        target = self._access.head(connection, kind, into, argument="into")
        if source.id == target.id:
            raise InvalidValueError("into", into, "It is the document itself: name another one.")
        both = _Both(Ancestry(connection, source, target), source, target)
        theirs = read(connection, target)
        sides = None if both.is_taken_in else both.sides(read(connection, source), theirs)
        if sides is None or not _unlike(sides.base, sides.mine):
            # Nothing was done in it that is not in the target already.
            return Saved(target.id, version_numbered(connection, target, target.version), {})
        settled = self._settled(source, target, sides, policy)
        goal = settled.target
        changed = _unlike(sides.theirs, {path: piece.body for path, piece in goal.items()})
        if same_layout(sides.kind, sides.theirs[HEAD], goal[HEAD].body):
            goal = {path: piece for path, piece in goal.items() if path in changed}
            current = {path: body for path, body in sides.theirs.items() if path in changed}
        else:
            current = dict(sides.theirs)
        revision = changeset_of(sides.kind, current, goal)
        parent = Parent("merge", source.id, source.version, *sides.moves(settled))
        document = Document(sides.kind.of(settled.target[HEAD].body), target.name, target.model, settled.target)
        said = Note(note.author, note.message or f"merge of {name!r} at version {source.version}")
        return self._writer.write(connection, target, document, revision, theirs.digests, said, parent)

    def _settled(self, source: HeadRow, target: HeadRow, sides: _Sides, policy: OnConflict) -> Resolution:
        def refused(problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
            yours, head = sides.version, target.version
            return ConflictError(
                target.name,
                yours=yours,
                head=head,
                places=[sides.shown(each) for each in places],
                problem=problem,
                kind=target.kind,
                source=source.name,
            )

        if policy == "overwrite" or not _unlike(sides.base, sides.theirs):
            settled = sides.checked(Resolution({path: piece(path, body) for path, body in sides.mine.items()}))
            if settled.conflicts:
                raise refused(settled.problem, settled.conflicts)
            return settled
        if policy == "error":
            raise refused(_ELSEWHERE, all_places(sides.base, sides.mine, sides.theirs))
        if not sides.are_laid_out_alike:
            raise refused(_LAID_OUT)
        decide = sides.deciding(policy) if callable(policy) else policy
        settled = sides.checked(resolve(sides.kind, sides.base, sides.mine, sides.theirs, policy=decide))
        if settled.conflicts:
            raise refused(settled.problem, settled.conflicts)
        problem = self._problem_with({path: piece.body for path, piece in settled.target.items()}, sides.theirs)
        if problem:
            raise refused(
                f"what both made of it makes no sense together: {problem.removesuffix('.')}", sides.changed_by_both()
            )
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


@dataclass(frozen=True, slots=True)
class _Sides:
    """The source, the target, and what they have in common: each with the target's name and numbers of trials.

    Attributes:
        kind: as the target has it.
        version: the newest of those in common.
        source: the source as it is stored.
        numbers, names: of trials and arms of the source that have another number or name in the target.
        unsettled: what stands in *base* where the versions in common disagree.
    """

    kind: Kind
    version: int
    base: Mapping[str, JSON]
    mine: Mapping[str, JSON]
    theirs: Mapping[str, JSON]
    source: Mapping[str, JSON]
    numbers: Mapping[int, int]
    names: Mapping[str, str]
    unsettled: str

    @property
    def are_laid_out_alike(self) -> bool:
        """Whether the three can be compared piece by piece."""
        return all(same_layout(self.kind, side[HEAD], self.theirs[HEAD]) for side in (self.base, self.mine))

    def moves(self, settled: Resolution) -> tuple[dict[int, int], dict[str, str]]:
        """Return where trials of the source went in all, and what their arms are called now."""
        return _composed(self.numbers, settled.numbers), _composed(self.names, settled.names)

    def checked(self, settled: Resolution) -> Resolution:
        """Return *settled*, with a conflict for each trial that would be inconsistent; see ``settling.checked``."""
        if self.kind.name != EXPERIMENT.name:
            return settled
        numbers, names = self.moves(settled)
        return checked(settled, self.base, self.source, self.theirs, numbers=numbers, names=names)

    def changed_by_both(self) -> tuple[Conflict, ...]:
        """Return the places that either side changed in pieces that both did; if there are none, in all."""
        paths = _unlike(self.base, self.mine) & _unlike(self.base, self.theirs)
        three = (self.base, self.mine, self.theirs)
        both = all_places(*({path: each[path] for path in paths & each.keys()} for each in three))
        return both or all_places(*three)

    def shown(self, conflict: Conflict) -> Conflict:
        """Return *conflict* as a user sees it: where the versions in common disagree, there is no base."""
        base = conflict.base
        is_settled = base is ABSENT or self.unsettled.encode() not in dumps(base)  # type: ignore[arg-type]  # it is JSON
        return conflict if is_settled else dataclasses.replace(conflict, base=ABSENT)

    def deciding(self, decide: Any) -> Any:
        """Return the user's function, to be asked of conflicts as the user sees them."""
        return lambda conflict: decide(self.shown(conflict))


def _composed(first: Mapping[Any, Any], then: Mapping[Any, Any]) -> dict[Any, Any]:
    taken = set(first.values())
    moved = {old: then.get(new, new) for old, new in first.items()}
    moved.update({old: new for old, new in then.items() if old not in first and old not in taken})
    return {old: new for old, new in moved.items() if old != new}


class _Both:
    """The source and the target of a merge, with what they have in common."""

    def __init__(self, ancestry: Ancestry, source: HeadRow, target: HeadRow) -> None:
        self._ancestry, self._source, self._target = ancestry, source, target
        self._of_source, self._of_target = (ancestry.seen(head.id, head.version) for head in (source, target))
        self._kind = kind_named(target.kind)
        self._unsettled = f"unsettled {uuid.uuid4().hex}"

    @property
    def is_taken_in(self) -> bool:
        """Whether the target has all of the source already."""
        return self._of_target.get(self._source.id, 0) >= self._source.version

    def sides(self, mine: State, theirs: State) -> _Sides:
        """Return the three states as the target would have them.

        Raises:
            InvalidValueError: they have no version in common, or none that is kept.
        """
        common = self._ancestry.common(self._of_source, self._of_target)
        if not common:
            it = called(self._source.name, self._source.kind)
            remedy = f"No version that it has in common with {it} is kept: branch() makes documents that have one."
            raise InvalidValueError("into", self._target.name, remedy)
        kin = Kinship(self._ancestry, {*self._of_source, *self._of_target}, self._target.kind)
        arms = ArmNames(theirs.pieces if self._target.kind == EXPERIMENT.name else {})
        base, kind = self._named(self._merged(common, kin, arms)), self._kind.of(theirs.pieces[HEAD])
        numbers = self._numbers(self._source.id, mine.pieces, kin)
        numbers = _displaced(numbers_in(mine.pieces), numbers_in(theirs.pieces), numbers)
        names, own = self._translated(mine.pieces, numbers, arms)
        return _Sides(
            kind,
            common[-1].version,
            base,
            self._named(own),
            theirs.pieces,
            mine.pieces,
            numbers,
            names,
            self._unsettled,
        )

    def _numbers(self, id: str, pieces: Pieces, kin: Kinship) -> dict[int, int]:
        """Return the number in the target of each trial of the document *id* that has another one there."""
        is_experiment = self._target.kind == EXPERIMENT.name
        return kin.numbers(id, self._target.id, trials_in(pieces)) if is_experiment else {}

    def _translated(
        self, pieces: Pieces, numbers: Mapping[int, int], arms: ArmNames
    ) -> tuple[dict[str, str], dict[str, JSON]]:
        """Return the names in the target of arms of *pieces*, and the pieces with these names and *numbers*."""
        if self._target.kind != EXPERIMENT.name:
            return {}, dict(pieces)
        names = arms.of(pieces, numbers)
        return names, renumbered(pieces, numbers, names)

    def _merged(self, common: Sequence[Held], kin: Kinship, arms: ArmNames) -> dict[str, JSON]:
        """Return the state of the versions in common: of several, what they make together.

        One of several alone would have only the changes of one side, and to take back such a change on the other
        would look like no change at all.
        """
        pieces, seen = self._state(common[0], kin, arms), self._ancestry.seen(common[0].id, common[0].version)
        for each in common[1:]:
            other, its = self._state(each, kin, arms), self._ancestry.seen(each.id, each.version)
            before = self._ancestry.common(seen, its)
            if not before or not same_layout(self._kind, pieces[HEAD], other[HEAD]):
                pieces = other
                continue
            base = self._merged(before, kin, arms)
            made, _ = merged(self._kind, base, pieces, other, decide=lambda _: self._unsettled)
            pieces = {path: piece.body for path, piece in made.items()}
            seen = {id: max(seen.get(id, 0), its.get(id, 0)) for id in seen.keys() | its.keys()}
        return pieces

    def _state(self, held: Held, kin: Kinship, arms: ArmNames) -> dict[str, JSON]:
        # In any document, its name is its own: else it would be a change of each.
        pieces = self._ancestry.state(held).pieces
        _, pieces = self._translated(pieces, self._numbers(held.id, pieces, kin), arms)
        return self._named(pieces)

    def _named(self, pieces: Mapping[str, JSON]) -> dict[str, JSON]:
        return {**pieces, HEAD: self._kind.of(pieces[HEAD]).renamed(pieces[HEAD], self._target.name)}


def _displaced(mine: AbstractSet[int], theirs: AbstractSet[int], numbers: Mapping[int, int]) -> dict[int, int]:
    """Return *numbers*, with new ones for trials of the source whose number belongs to another trial in the target.

    The source may have reused the number that one of its trials has in the target.

    Shapes:
        mine, theirs: all numbers in the source, and in the target
        numbers: of trials that are in both, under another number in the target
    """
    displaced = sorted(mine & set(numbers.values()) - numbers.keys())
    if not displaced:
        return dict(numbers)
    occupied = theirs | {numbers.get(number, number) for number in mine - set(displaced)}
    free = (number for number in count(displaced[0]) if number not in occupied)
    return {**numbers, **dict(zip(displaced, free, strict=False))}


def _unlike(a: Mapping[str, JSON], b: Mapping[str, JSON]) -> set[str]:
    return {path for path in a.keys() | b.keys() if not same_json(a.get(path, ABSENT), b.get(path, ABSENT))}
