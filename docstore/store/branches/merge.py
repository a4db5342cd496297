"""Merge the changes of one document into another one that shares a part of its history."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy.engine import Connection

from docstore.codec.live.adopt import check_merged_object
from docstore.codec.mapper import Mapper
from docstore.documents.canonical import ABSENT, JSON, dumps, same_json
from docstore.documents.changeset import Changeset, changeset_of, same_layout
from docstore.documents.digests import piece
from docstore.documents.document import Document
from docstore.documents.history import Parent, Version
from docstore.documents.kinds import EXPERIMENT, HEAD, Kind, is_document, join, kind_named
from docstore.documents.merge.resolve import OnConflict, Resolution, all_places, checked, merged, resolve
from docstore.documents.merge.trials import Pieces, numbers_in, renumbered, trials_in
from docstore.documents.optional_members import OptionalMembers
from docstore.errors import Conflict, ConflictError, DecodeError, InvalidValueError, called
from docstore.sql.reader import State, read, version_numbered
from docstore.sql.rows import HeadRow
from docstore.sql.writer import Note, Saved
from docstore.store.branches.ancestry import Ancestry, Held
from docstore.store.branches.trial_identity import ArmNames, TrialIdentity
from docstore.store.context import StoreContext
from docstore.store.saving.direct import write_version

_ELSEWHERE = "others saved it since the version that both have in common: on_conflict='merge' would keep both"
_LAYOUT = "its parts are stored otherwise there, so that only on_conflict='overwrite' is possible"


def merge(context: StoreContext, kind: str, name: str, into: str, policy: OnConflict, note: Note) -> Version:
    """Merge what was changed in *name* into *into*; as ``Store.merge``."""
    mapper = context.mapper("keep")  # classes need not be registered

    def work(connection: Connection) -> Saved:
        source = context.transactions.head(connection, kind, name)
        target = context.transactions.head(connection, kind, into, argument="into")
        if source.id == target.id:
            raise InvalidValueError("into", into, "It is the document itself: name another one.")
        comparison = _Comparison(Ancestry(connection, source, target), source, target, mapper.codec.optional_members)
        theirs = read(connection, target)
        sides = None if comparison.is_merged_already else comparison.sides(read(connection, source), theirs)
        if sides is None or not _unlike(sides.base, sides.mine):
            # The target has all of its changes already.
            return Saved(target.id, version_numbered(connection, target, target.version), {})
        resolution = _resolution(mapper, source, target, sides, policy)
        parent = Parent("merge", source.id, source.version, *sides.moves(resolution))
        document = Document(sides.kind.of(resolution.target[HEAD].body), target.name, target.model, resolution.target)
        said = Note(note.author, note.message or f"merge of {name!r} at version {source.version}")
        changeset = _changeset(sides, resolution)
        return context.writer.write(connection, target, document, changeset, theirs.digests, said, parent)

    return write_version(context, work)


def _changeset(sides: _Sides, resolution: Resolution) -> Changeset:
    """Return the changeset from the target to the resolution."""
    goal = resolution.target
    if not same_layout(sides.kind, sides.theirs[HEAD], goal[HEAD].body):
        return changeset_of(sides.kind, sides.theirs, goal)
    changed = _unlike(sides.theirs, {path: piece.body for path, piece in goal.items()})
    current = {path: body for path, body in sides.theirs.items() if path in changed}
    return changeset_of(sides.kind, current, {path: piece for path, piece in goal.items() if path in changed})


def _resolution(mapper: Mapper, source: HeadRow, target: HeadRow, sides: _Sides, policy: OnConflict) -> Resolution:
    """Return the merged document, as the policy says.

    Raises:
        ConflictError: both changed the same place, or the policy refuses.
    """

    def refused(problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
        yours, head = sides.version, target.version
        shown = [sides.shown(each) for each in places]
        return ConflictError(
            target.name,
            yours=yours,
            head=head,
            places=shown,
            problem=problem,
            kind=target.kind,
            source=source.name,
        )

    if policy == "overwrite" or not _unlike(sides.base, sides.theirs):
        resolution = sides.checked(Resolution({path: piece(path, body) for path, body in sides.mine.items()}))
        if resolution.conflicts:
            raise refused(resolution.problem, resolution.conflicts)
        return resolution
    if policy == "error":
        raise refused(_ELSEWHERE, all_places(sides.base, sides.mine, sides.theirs, sides.optional))
    if not sides.have_same_layout:
        raise refused(_LAYOUT)
    decide = sides.deciding(policy) if callable(policy) else policy
    three = (sides.base, sides.mine, sides.theirs)
    resolution = sides.checked(resolve(sides.kind, *three, policy=decide, optional=sides.optional))
    if resolution.conflicts:
        raise refused(resolution.problem, resolution.conflicts)
    problem = _problem_with(mapper, {path: piece.body for path, piece in resolution.target.items()}, sides.theirs)
    if problem:
        raise refused(f"the merged document is invalid: {problem.removesuffix('.')}", sides.changed_by_both())
    return resolution


def _problem_with(mapper: Mapper, merged: Mapping[str, JSON], theirs: Mapping[str, JSON]) -> str:
    """Return why *merged* cannot be read though *theirs* can; nothing if it can, or if neither can."""
    if not is_document(theirs[HEAD]):
        return ""
    try:
        before = mapper.decode(join(theirs))
    except DecodeError:
        return ""
    try:
        check_merged_object(mapper.decode(join(merged)), before)
    except (DecodeError, InvalidValueError) as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class _Sides:
    """The three sides of a merge, each with the name, the numbers of trials and the names of arms of the target.

    Attributes:
        kind: that of the target, with its parts.
        version: the newest of the versions in common.
        base: the merge base; mine: the source; theirs: the target.
        source: the source as it is stored.
        numbers, names: of trials and arms of the source that have another number or name in the target.
        undecided: the value in *base* at places where the versions in common disagree.
        optional: the members that are None where an object lacks them.
    """

    kind: Kind
    version: int
    base: Mapping[str, JSON]
    mine: Mapping[str, JSON]
    theirs: Mapping[str, JSON]
    source: Mapping[str, JSON]
    numbers: Mapping[int, int]
    names: Mapping[str, str]
    undecided: str
    optional: OptionalMembers

    @property
    def have_same_layout(self) -> bool:
        """Whether the three can be compared piece by piece."""
        return all(same_layout(self.kind, side[HEAD], self.theirs[HEAD]) for side in (self.base, self.mine))

    def moves(self, resolution: Resolution) -> tuple[dict[int, int], dict[str, str]]:
        """Return the new number of each trial of the source, and the new names of its arms, this merge included."""
        return _composed(self.numbers, resolution.numbers), _composed(self.names, resolution.names)

    def checked(self, resolution: Resolution) -> Resolution:
        """Return *resolution*, with a conflict for each trial that would be inconsistent; see ``resolve.checked``."""
        if self.kind.name != EXPERIMENT.name:
            return resolution
        numbers, names = self.moves(resolution)
        return checked(resolution, self.base, self.source, self.theirs, numbers=numbers, names=names)

    def changed_by_both(self) -> tuple[Conflict, ...]:
        """Return the places that either side changed in pieces that both changed; if there are none, in all pieces."""
        paths = _unlike(self.base, self.mine) & _unlike(self.base, self.theirs)
        three = (self.base, self.mine, self.theirs)
        base, mine, theirs = ({path: each[path] for path in paths & each.keys()} for each in three)
        return all_places(base, mine, theirs, self.optional) or all_places(*three, self.optional)

    def shown(self, conflict: Conflict) -> Conflict:
        """Return *conflict* as a user sees it: without a base, if the versions in common disagree."""
        base = conflict.base
        has_base = base is ABSENT or self.undecided.encode() not in dumps(base)  # type: ignore[arg-type]  # it is JSON
        return conflict if has_base else dataclasses.replace(conflict, base=ABSENT)

    def deciding(self, decide: Any) -> Any:
        """Return the user's function *decide*, called with conflicts as the user sees them."""
        return lambda conflict: decide(self.shown(conflict))


def _composed(first: Mapping[Any, Any], then: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the renaming *first*, followed by *then*; names that do not change are left out."""
    taken = set(first.values())
    moved = {old: then.get(new, new) for old, new in first.items()}
    moved.update({old: new for old, new in then.items() if old not in first and old not in taken})
    return {old: new for old, new in moved.items() if old != new}


class _Comparison:
    """The source and the target of a merge, compared by their histories."""

    def __init__(self, ancestry: Ancestry, source: HeadRow, target: HeadRow, optional: OptionalMembers) -> None:
        self._ancestry, self._source, self._target, self._optional = ancestry, source, target, optional
        self._of_source, self._of_target = (ancestry.seen(head.id, head.version) for head in (source, target))
        self._kind = kind_named(target.kind)
        self._undecided = f"undecided {uuid.uuid4().hex}"

    @property
    def is_merged_already(self) -> bool:
        """Whether the target contains the newest version of the source already."""
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
        identity = TrialIdentity(self._ancestry, {*self._of_source, *self._of_target}, self._target.kind)
        arms = ArmNames(theirs.pieces if self._target.kind == EXPERIMENT.name else {})
        base, kind = self._named(self._merged(common, identity, arms)), self._kind.of(theirs.pieces[HEAD])
        numbers = self._numbers(self._source.id, mine.pieces, identity)
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
            self._undecided,
            self._optional,
        )

    def _numbers(self, id: str, pieces: Pieces, identity: TrialIdentity) -> dict[int, int]:
        """Return the number in the target of each trial of the document *id* that has another one there."""
        is_experiment = self._target.kind == EXPERIMENT.name
        return identity.numbers(id, self._target.id, trials_in(pieces)) if is_experiment else {}

    def _translated(
        self, pieces: Pieces, numbers: Mapping[int, int], arms: ArmNames
    ) -> tuple[dict[str, str], dict[str, JSON]]:
        """Return the names in the target of arms of *pieces*, and the pieces with these names and *numbers*."""
        if self._target.kind != EXPERIMENT.name:
            return {}, dict(pieces)
        names = arms.of(pieces, numbers)
        return names, renumbered(pieces, numbers, names)

    def _merged(self, common: Sequence[Held], identity: TrialIdentity, arms: ArmNames) -> dict[str, JSON]:
        """Return the merge base: the state of the version in common, or of several the merge.

        One of several alone would have only the changes of one side; if the other side took such a change back, it
        would look unchanged.
        """
        pieces, seen = self._state(common[0], identity, arms), self._ancestry.seen(common[0].id, common[0].version)
        for each in common[1:]:
            other, its = self._state(each, identity, arms), self._ancestry.seen(each.id, each.version)
            before = self._ancestry.common(seen, its)
            if not before or not same_layout(self._kind, pieces[HEAD], other[HEAD]):
                pieces = other
                continue
            base = self._merged(before, identity, arms)
            made, _ = merged(self._kind, base, pieces, other, decide=lambda _: self._undecided, optional=self._optional)
            pieces = {path: piece.body for path, piece in made.items()}
            seen = {id: max(seen.get(id, 0), its.get(id, 0)) for id in seen.keys() | its.keys()}
        return pieces

    def _state(self, held: Held, identity: TrialIdentity, arms: ArmNames) -> dict[str, JSON]:
        # Every state gets the name of the target, so that the name is no change of either side.
        pieces = self._ancestry.state(held).pieces
        _, pieces = self._translated(pieces, self._numbers(held.id, pieces, identity), arms)
        return self._named(pieces)

    def _named(self, pieces: Mapping[str, JSON]) -> dict[str, JSON]:
        return {**pieces, HEAD: self._kind.of(pieces[HEAD]).kept_under(pieces[HEAD], self._target.name)}


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
