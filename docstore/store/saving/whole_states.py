"""Whole states of a document merged: of two branches, or of a JSON text and what others saved since."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docstore.codec.live.adopt import check_merged_object
from docstore.codec.mapper import Mapper
from docstore.codec.values.tags import tagged_if_json
from docstore.documents.canonical import ABSENT, JSON, SCHEMA, dumps, same_json
from docstore.documents.changeset import Changeset, changeset_of, same_layout
from docstore.documents.digests import bodies_of, pieces_of
from docstore.documents.kinds import EXPERIMENT, HEAD, Kind, join
from docstore.documents.merge.resolve import OnConflict, Resolution, all_places, checked, resolve
from docstore.documents.merge.three_way import Sides
from docstore.documents.merge.trials import Pieces
from docstore.documents.optional_members import OptionalMembers
from docstore.errors import Conflict, ConflictError, DecodeError, InvalidValueError
from docstore.sql.rows import HeadRow

_ELSEWHERE = "others saved it since the version that both have in common: on_conflict='merge' would keep both"
_LAYOUT = (
    "its schema is another one, or its parts are stored otherwise there, so that only on_conflict='overwrite' is "
    "possible"
)


@dataclass(frozen=True, slots=True)
class WholeStates:
    """The three states of a merge, each with the name, the numbers of trials and the names of arms of the target.

    Attributes:
        kind: that of the target, with its parts.
        version: the newest of the versions in common.
        sides: the merge base, the source ("mine") and the target ("theirs").
        source: the source as it is stored.
        optional: the members that are None where an object lacks them.
        numbers, names: of trials and arms of the source that have another number or name in the target.
        undecided: the value in the base at places where the versions in common disagree; None if there is only one.
    """

    kind: Kind
    version: int
    sides: Sides[Pieces]
    source: Pieces
    optional: OptionalMembers
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    undecided: str | None = None

    @property
    def have_same_layout(self) -> bool:
        """Whether the three can be compared piece by piece, and what is in mine means in theirs what it means there.

        That is more than ``same_layout``: only a changeset from one to the other may lead to another schema.
        """
        base, mine, theirs = self.sides
        return _schema(mine) == _schema(theirs) and all(
            same_layout(self.kind, side[HEAD], theirs[HEAD]) for side in (base, mine)
        )

    def moves(self, resolution: Resolution) -> tuple[dict[int, int], dict[str, str]]:
        """Return the new number of each trial of the source, and the new names of its arms, this merge included."""
        return _composed(self.numbers, resolution.numbers), _composed(self.names, resolution.names)

    def checked(self, resolution: Resolution) -> Resolution:
        """Return *resolution*, with a conflict for each trial that would be inconsistent; see ``resolve.checked``."""
        if self.kind.name != EXPERIMENT.name:
            return resolution
        numbers, names = self.moves(resolution)
        return checked(resolution, self.sides._replace(mine=self.source), numbers=numbers, names=names)

    def changed_by_both(self) -> tuple[Conflict, ...]:
        """Return the places that either side changed in pieces that both changed; if there are none, in all pieces."""
        base, mine, theirs = self.sides
        paths = unlike(base, mine) & unlike(base, theirs)
        both = Sides(*({path: each[path] for path in paths & each.keys()} for each in self.sides))
        return all_places(both, self.optional) or all_places(self.sides, self.optional)

    def shown(self, conflict: Conflict) -> Conflict:
        """Return *conflict* as a user sees it: without a base, if the versions in common disagree."""
        base = conflict.base
        if self.undecided is None or base is ABSENT:
            return conflict
        has_base = self.undecided.encode() not in dumps(base)  # type: ignore[arg-type]  # it is JSON
        return conflict if has_base else dataclasses.replace(conflict, base=ABSENT)

    def deciding(self, decide: Any) -> Any:
        """Return the user's function *decide*, called with conflicts as the user sees them, its values tagged."""
        return lambda conflict: tagged_if_json(decide(self.shown(conflict)))


def _schema(pieces: Pieces) -> JSON:
    head = pieces[HEAD]
    return head.get(SCHEMA) if isinstance(head, dict) else None


def resolution_of(
    mapper: Mapper, target: HeadRow, states: WholeStates, policy: OnConflict, *, source: str = ""
) -> Resolution:
    """Return the merged document, as the policy says.

    Args:
        mapper: keeps objects whose classes are not registered.
        source: the name of the branch that is merged.

    Raises:
        ConflictError: both changed the same place, or the policy refuses.
    """

    def refused(problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
        return ConflictError(
            target.name,
            yours=states.version,
            head=target.version,
            places=[states.shown(each) for each in places],
            problem=problem,
            kind=target.kind,
            source=source,
        )

    base, mine, theirs = states.sides
    if policy == "overwrite" or not unlike(base, theirs):
        resolution = states.checked(Resolution(pieces_of(mine)))
        if resolution.conflicts:
            raise refused(resolution.problem, resolution.conflicts)
        return resolution
    if policy == "error":
        raise refused(_ELSEWHERE, all_places(states.sides, states.optional))
    if not states.have_same_layout:
        raise refused(_LAYOUT)
    decide = states.deciding(policy) if callable(policy) else policy
    resolution = states.checked(resolve(states.kind, states.sides, policy=decide, optional=states.optional))
    if resolution.conflicts:
        raise refused(resolution.problem, resolution.conflicts)
    problem = _problem_with(mapper, bodies_of(resolution.target), theirs)
    if problem:
        raise refused(f"the merged document is invalid: {problem.removesuffix('.')}", states.changed_by_both())
    return resolution


def _problem_with(mapper: Mapper, merged: Mapping[str, JSON], theirs: Mapping[str, JSON]) -> str:
    """Return why *merged* cannot be read though *theirs* can; nothing if it can, or if neither can."""
    try:
        before = mapper.decode(join(theirs))
    except DecodeError:
        return ""
    try:
        check_merged_object(mapper.decode(join(merged)), before)
    except (DecodeError, InvalidValueError) as error:
        return str(error)
    return ""


def changeset_to(states: WholeStates, resolution: Resolution) -> Changeset:
    """Return the changeset from the target to the *resolution*."""
    goal, theirs = resolution.target, states.sides.theirs
    if not same_layout(states.kind, theirs[HEAD], goal[HEAD].body):
        return changeset_of(states.kind, theirs, goal)
    changed = unlike(theirs, bodies_of(goal))
    current = {path: body for path, body in theirs.items() if path in changed}
    return changeset_of(states.kind, current, {path: piece for path, piece in goal.items() if path in changed})


def _composed(first: Mapping[Any, Any], then: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the renaming *first*, followed by *then*; names that do not change are left out."""
    taken = set(first.values())
    moved = {old: then.get(new, new) for old, new in first.items()}
    moved.update({old: new for old, new in then.items() if old not in first and old not in taken})
    return {old: new for old, new in moved.items() if old != new}


def unlike(a: Mapping[str, JSON], b: Mapping[str, JSON]) -> set[str]:
    """Return the paths of the pieces that differ."""
    return {path for path in a.keys() | b.keys() if not same_json(a.get(path, ABSENT), b.get(path, ABSENT))}
