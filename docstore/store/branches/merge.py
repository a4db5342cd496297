"""Merge the changes of one document into another one that shares a part of its history."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import count

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON
from docstore.documents.changeset import same_layout
from docstore.documents.digests import bodies_of
from docstore.documents.document import Document
from docstore.documents.history import Parent, Version
from docstore.documents.kinds import EXPERIMENT, HEAD, kind_named
from docstore.documents.merge.resolve import OnConflict, merged
from docstore.documents.merge.three_way import Sides
from docstore.documents.merge.trials import Pieces, numbers_in, renumbered, trials_in
from docstore.documents.optional_members import OptionalMembers
from docstore.errors import InvalidValueError, called
from docstore.sql.reader import State, read, version_numbered
from docstore.sql.rows import HeadRow
from docstore.sql.writer import Note, Saved
from docstore.store.branches.ancestry import Ancestry, Held
from docstore.store.branches.trial_identity import ArmNames, TrialIdentity
from docstore.store.context import StoreContext
from docstore.store.saving.whole_states import WholeStates, changeset_to, resolution_of, unlike


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
        states = None if comparison.is_merged_already else comparison.states(read(connection, source), theirs)
        if states is None or not unlike(states.sides.base, states.sides.mine):
            # The target has all of its changes already.
            return Saved(target.id, version_numbered(connection, target, target.version), {})
        resolution = resolution_of(mapper, target, states, policy, source=source.name)
        parent = Parent("merge", source.id, source.version, *states.moves(resolution))
        document = Document(states.kind.of(resolution.target[HEAD].body), target.name, target.model, resolution.target)
        said = Note(note.author, note.message or f"merge of {name!r} at version {source.version}", parent)
        changeset = changeset_to(states, resolution)
        return context.writer.write(connection, target, document, changeset, theirs.digests, said)

    return context.committed(work)


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

    def states(self, mine: State, theirs: State) -> WholeStates:
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
        sides, version = Sides(base, self._named(own), theirs.pieces), common[-1].version
        return WholeStates(kind, version, sides, mine.pieces, self._optional, numbers, names, self._undecided)

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
            sides = Sides(base, pieces, other)
            made, _ = merged(self._kind, sides, decide=lambda _: self._undecided, optional=self._optional)
            pieces = bodies_of(made)
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
