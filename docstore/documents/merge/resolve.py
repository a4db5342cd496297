"""Resolve concurrent edits of one document: merge both sides, or list the conflicts.

A merged experiment is checked as a whole before it is stored: see ``checked``.

Documents are merged with a null for each optional member that an object lacks: conflicts show None there, and a null in
an older document is no change. The merged document is stored without these nulls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast, get_args

from docstore.documents.canonical import (
    ABSENT,
    JSON,
    Absent,
    join_pointer,
    same_json,
    split_pointer,
)
from docstore.documents.digests import Piece, bodies_of, pieces_of
from docstore.documents.kinds import EXPERIMENT, GENERATION_STRATEGY, HEAD, Kind, in_order, join, without_bookkeeping
from docstore.documents.merge.three_way import Decide, Sides, changed_places, merge, merge_sparse
from docstore.documents.merge.trial_conflicts import (
    arm_conflicts,
    data_of_disputed_trials,
    inconsistencies,
    shared_name_conflicts,
)
from docstore.documents.merge.trials import (
    NONE_TAKEN,
    RUNS,
    TRIALS,
    Pieces,
    TakenNumbers,
    moved_path,
    new_arm_names,
    new_numbers,
    renumbered,
    trials_in,
)
from docstore.documents.optional_members import NO_MEMBERS, OptionalMembers, pieces_with_nulls, without_nulls
from docstore.errors import Conflict, InvalidValueError

Policy: TypeAlias = Literal["merge", "error", "overwrite"]

OnConflict: TypeAlias = Policy | Callable[[Conflict], Any]
"""What a save does if others saved since: a policy, or a function that is called with each conflict.

The function returns the JSON value for that place: ``conflict.mine``, ``conflict.theirs`` or another one, ``ABSENT`` to
remove it, or ``NotImplemented`` to leave the conflict.
"""

_POLICIES: Final = get_args(Policy)

_SAVE_APART: Final = (
    ", and you also changed a trial with theirs, which has that name: save that trial alone first, by save_trial(), "
    "and this save keeps both"
)


def check_policy(policy: object) -> None:
    """Validate on_conflict.

    Raises:
        InvalidValueError: unknown policy.
    """
    if not (isinstance(policy, str) and policy in _POLICIES) and not callable(policy):
        remedy = f"Use one of {', '.join(map(repr, _POLICIES))}, or a function that is called with each conflict."
        raise InvalidValueError("on_conflict", policy, remedy)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The changes of both sides together.

    Attributes:
        target: the pieces, at least those that either side changed.
        conflicts: the places that both changed and nobody decided, where *target* has *mine*.
        numbers: the new numbers of trials of mine whose number theirs has given to another trial.
        names: the new names of arms of mine.
        problem: what the conflicts are, where their pointers alone do not say it; otherwise empty.
    """

    target: Mapping[str, Piece]
    conflicts: tuple[Conflict, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def moved(self, path: str) -> str:
        """Return the path in *target* of the piece that is at *path* in mine."""
        return moved_path(path, self.numbers) if self.numbers else path


def resolve(
    kind: Kind,
    sides: Sides[Pieces],
    *,
    policy: OnConflict = "merge",
    paths: Collection[str] | None = None,
    taken: TakenNumbers = NONE_TAKEN,
    optional: OptionalMembers = NO_MEMBERS,
) -> Resolution:
    """Return the changes of both sides, merged.

    Two trials, or two runs of a strategy, that were made under one number stay two: mine takes a free number. Of two
    arms that were named after one trial, mine takes the next free name. Where a function decides whether a trial stays,
    its data stay or go with it.

    Shapes:
        sides: pieces by path: all that either side changed, and the head
        paths: the pieces to merge, where others are given only for comparison; None for all
        optional: the members that are None where an object lacks them
    """
    with_nulls = _with_nulls(sides, optional)
    mine, numbers, names, arms, shared = _fitted(kind, with_nulls, taken)
    fitted = with_nulls._replace(mine=mine)
    if paths is not None:
        wanted = {HEAD, *paths, *(moved_path(path, numbers) for path in paths)}
        fitted = Sides(*({path: each[path] for path in wanted & each.keys()} for each in fitted))
    bodies, conflicts = _merged(kind, fitted, policy if callable(policy) else None)
    if kind.name == EXPERIMENT.name:
        bodies = _with(bodies, data_of_disputed_trials(fitted, bodies))
    target = _to_store(bodies, fitted.theirs, sides.theirs, optional)
    problem = _problem_of((*arms, *shared), conflicts) + (_SAVE_APART if shared else "")
    return Resolution(target, (*conflicts, *arms, *shared), numbers, names, problem)


class _Fitted(NamedTuple):
    """Mine with numbers and names that theirs leaves free.

    Attributes:
        numbers, names: the new ones, by those that mine had.
        arms: the conflicts of its arms with arms of theirs.
        shared: the conflicts of arms that have one name within mine.
    """

    mine: Pieces
    numbers: Mapping[int, int] = MappingProxyType({})
    names: Mapping[str, str] = MappingProxyType({})
    arms: tuple[Conflict, ...] = ()
    shared: tuple[Conflict, ...] = ()


def _fitted(kind: Kind, sides: Sides[Pieces], taken: TakenNumbers) -> _Fitted:
    if kind.name == EXPERIMENT.name:
        return _fitted_trials(sides, taken)
    if kind.name == GENERATION_STRATEGY.name:
        changed = _changed(sides)
        numbers = new_numbers(sides.base.keys(), changed, sides.theirs, taken=taken, rule=RUNS)
        return _Fitted(_replaced(sides.mine, changed, renumbered(changed, numbers, {})), numbers)
    return _Fitted(sides.mine)


def _fitted_trials(sides: Sides[Pieces], taken: TakenNumbers) -> _Fitted:
    base, mine, theirs = sides
    changed = _changed(sides)
    numbers = new_numbers(base.keys(), changed, theirs, taken=taken)
    names = new_arm_names(base, changed, theirs, {**{each: each for each in trials_in(changed)}, **numbers})
    fitted = renumbered(changed, numbers, names)
    arms = _before_renumbering(arm_conflicts(base, fitted, theirs), numbers)
    shared = () if arms else shared_name_conflicts(base, changed, theirs, names)
    return _Fitted(_replaced(mine, changed, fitted), numbers, names, arms, shared)


def _replaced(pieces: Pieces, before: Pieces, after: Pieces) -> Pieces:
    """Return *pieces* with those of *after* in place of those of *before*."""
    return {**{path: body for path, body in pieces.items() if path not in before}, **after}


def _changed(sides: Sides[Pieces]) -> Pieces:
    """Return the pieces that mine changed."""
    return {path: body for path, body in sides.mine.items() if not same_json(body, sides.base.get(path, ABSENT))}


def _with_nulls(sides: Sides[Pieces], optional: OptionalMembers) -> Sides[Pieces]:
    return Sides(*(pieces_with_nulls(each, optional) for each in sides))


def merged(
    kind: Kind, sides: Sides[Pieces], *, decide: Decide | None = None, optional: OptionalMembers = NO_MEMBERS
) -> tuple[dict[str, Piece], tuple[Conflict, ...]]:
    """Return the pieces with the changes of both sides, and the conflicts; as ``resolve``, but no number is changed.

    Which lists are keyed is declared in the document of theirs.
    """
    with_nulls = _with_nulls(sides, optional)
    bodies, conflicts = _merged(kind, with_nulls, decide)
    return _to_store(bodies, with_nulls.theirs, sides.theirs, optional), conflicts


def _merged(kind: Kind, sides: Sides[Pieces], decide: Decide | None) -> tuple[dict[str, JSON], tuple[Conflict, ...]]:
    """Return the merged pieces, and the conflicts."""
    head = sides.theirs[HEAD]
    keys, lists = kind.of(head).merge_keys, sorted(kind.lists(head))
    documents = [join(pieces, sparse=lists) for pieces in sides]
    items = {name: [_taken(document, name) for document in documents] for name in lists}
    document, conflicts = merge(*documents, keys=keys, decide=decide)
    for name, three in items.items():
        merged_items, more = merge_sparse(*three, at=join_pointer((name,)), keys=keys.at(name), decide=decide)
        conflicts += more
        if isinstance(document, dict):
            document = {**document, name: cast(JSON, merged_items)}
    return kind.split(document, lists=lists), conflicts


def _to_store(bodies: Pieces, theirs: Pieces, as_stored: Pieces, optional: OptionalMembers) -> dict[str, Piece]:
    """Return the merged pieces as they are written: without nulls of optional members.

    Shapes:
        theirs, as_stored: the pieces of the other side, with nulls and as stored; an unchanged one stays as stored
    """
    stays = {path for path, body in bodies.items() if path in theirs and same_json(body, theirs[path])}
    written = {path: as_stored[path] if path in stays else without_nulls(bodies[path], optional) for path in bodies}
    return pieces_of(written)


def _taken(document: JSON, field: str) -> dict[str, JSON]:
    """Remove the sparse list *field* from *document*, and return its items."""
    assert isinstance(document, dict)  # it has fields, and join made it for us
    return cast("dict[str, JSON]", document.pop(field))


def _before_renumbering(conflicts: Iterable[Conflict], numbers: Mapping[int, int]) -> tuple[Conflict, ...]:
    """Return the *conflicts* with the pointers of the live object: if there are any, its trials keep their numbers."""
    back = {new: old for old, new in numbers.items()}
    places = [(each, split_pointer(each.pointer)) for each in conflicts]
    return tuple(
        replace(each, pointer=moved_path(join_pointer(tokens[:2]), back) + join_pointer(tokens[2:]))
        for each, tokens in places
    )


def _problem_of(arms: Collection[Conflict], others: Collection[Conflict]) -> str:
    if not arms:
        return ""
    changed = ", ".join(each.pointer or "all of it" for each in others)
    names = [f"arm {each.mine['name']!r} ({each.pointer})" for each in arms]  # type: ignore[index]  # an arm is a dict
    added = f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} added by both sides with different parameters"
    return f"both changed {changed}, and {added}" if changed else added


def _with(bodies: Pieces, decided: Mapping[str, JSON | Absent]) -> dict[str, JSON]:
    made = {path: body for path, body in decided.items() if not isinstance(body, Absent)}
    return {**{path: body for path, body in bodies.items() if path not in decided}, **made}


def checked(
    resolution: Resolution, sides: Sides[Pieces], *, numbers: Mapping[int, int], names: Mapping[str, str]
) -> Resolution:
    """Return *resolution*, with a conflict for each trial that the merge would leave inconsistent.

    Every merged experiment is checked here before it is stored, whoever merged it and whatever a user's function
    decided. The check relies on the merge for the numbers of trials only: arms are compared by their parameters. With
    conflicts, nothing is stored, and so nothing is checked.

    Shapes:
        sides: the three states that were merged; mine with its own numbers and names
        numbers, names: of trials and arms of mine that have another number or name in *resolution*
    """
    if resolution.conflicts:
        return resolution
    target = bodies_of(resolution.target)
    found = inconsistencies(sides, target, numbers=numbers, names=names)
    if not found:
        return resolution
    shown = sides._replace(mine=renumbered(sides.mine, numbers, {}))
    paths = [TRIALS.path(number) for number in sorted(found)]
    places = (Conflict(path, *(each.get(path, ABSENT) for each in shown)) for path in paths)
    problem = f"the merged document is invalid at {', '.join(paths)}: {'; '.join(found.values())}"
    return replace(resolution, conflicts=tuple(places), problem=problem)


def all_places(sides: Sides[Pieces], optional: OptionalMembers = NO_MEMBERS) -> tuple[Conflict, ...]:
    """Return each place that either side changed, in all pieces, with its three values, for a person to read.

    Bookkeeping, such as which fields were set, is left out, unless nothing else changed.
    """
    return without_bookkeeping(every_place(_with_nulls(sides, optional)), attrgetter("pointer"))


def every_place(sides: Sides[Pieces]) -> Iterator[Conflict]:
    """Yield each place that either side changed, in all pieces, with its three values."""
    for path in sorted(set().union(*sides), key=in_order):
        yield from changed_places(*(each.get(path, ABSENT) for each in sides), at=path)
