"""What stands when two writers changed one document: both their changes, or the places that both changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from docstore.documents.canonical import ABSENT, JSON, Absent, join_pointer, same_json, split_pointer
from docstore.documents.changeset import merged
from docstore.documents.digests import Piece, piece
from docstore.documents.kinds import EXPERIMENT, HEAD, Kind, in_order
from docstore.documents.merge.three_way import changed_places
from docstore.documents.merge.trial_conflicts import arm_conflicts, data_decided, inconsistencies
from docstore.documents.merge.trials import TRIALS, Pieces, moved_path, names_for, numbers_for, renumbered, trials_in
from docstore.errors import Conflict, InvalidValueError

Policy: TypeAlias = Literal["merge", "error", "overwrite"]

OnConflict: TypeAlias = Policy | Callable[[Conflict], Any]
"""What is done where others saved since: a policy, or a function that is given each place that both changed.

The function returns the JSON value that shall stand there: ``conflict.mine``, ``conflict.theirs`` or another one,
``ABSENT`` for none; or ``NotImplemented`` for a place that it does not decide.
"""

_POLICIES: Final = get_args(Policy)


def check_policy(policy: object) -> None:
    """Refuse what is no policy, before anything is read or written.

    Raises:
        InvalidValueError: so it is.
    """
    if not (isinstance(policy, str) and policy in _POLICIES) and not callable(policy):
        remedy = f"Use one of {', '.join(map(repr, _POLICIES))}, or a function that is given each conflict."
        raise InvalidValueError("on_conflict", policy, remedy)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What both sides' changes make together.

    Attributes:
        target: the pieces, at least those that either side changed.
        conflicts: the places that both changed and nobody decided, at which *mine* stands in *target*.
        numbers: where trials of mine went that had the number of another one of theirs.
        names: the new names of arms of mine.
        arms: those of the conflicts that are about the name of an arm.
        inconsistency: why the conflicts are trials that would be inconsistent, though no place is in dispute; or empty.
    """

    target: Mapping[str, Piece]
    conflicts: tuple[Conflict, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    arms: tuple[Conflict, ...] = ()
    inconsistency: str = ""

    @property
    def problem(self) -> str:
        """What the conflicts are, where their places alone do not say it; else nothing."""
        if not self.arms:
            return self.inconsistency
        changed = [each.pointer or "all of it" for each in self.conflicts if all(each is not arm for arm in self.arms)]
        names = [f"the name {each.mine['name']!r} to an arm ({each.pointer})" for each in self.arms]  # type: ignore[index]  # an arm is a dict
        both = [f"both changed {', '.join(changed)}"] if changed else []
        return " and ".join([*both, f"both gave {', '.join(names)}, of other parameters each"])

    def moved(self, path: str) -> str:
        """Return where the piece of mine at *path* is now."""
        return moved_path(path, self.numbers) if self.numbers else path


def resolve(
    kind: Kind,
    base: Mapping[str, JSON],
    mine: Mapping[str, JSON],
    theirs: Mapping[str, JSON],
    *,
    policy: OnConflict = "merge",
    paths: Collection[str] | None = None,
    stored: Iterable[int] = (),
    held: Iterable[int] = (),
) -> Resolution:
    """Return what *mine* and *theirs* make together, both of which came from *base*.

    Two trials that were made under one number stay two: mine takes a free one. Of two arms that were named after one
    trial, mine takes the next free name. Where a function decides whether a trial stands, its data do as the trial.

    Shapes:
        base, mine, theirs: pieces by path: all that either side changed, and the head
        paths: the pieces that are to be put together, where others are given to be looked at; None for all
        stored, held: numbers of trials that are not free; see ``numbers_for``
    """
    fit = _Fit(mine) if kind.name != EXPERIMENT.name else _fit(base, mine, theirs, stored, held)
    mine = fit.mine
    if paths is not None:
        wanted = {HEAD, *paths, *(moved_path(path, fit.numbers) for path in paths)}
        base, mine, theirs = ({path: each[path] for path in wanted & each.keys()} for each in (base, mine, theirs))
    target, conflicts = merged(kind, base, mine, theirs, decide=policy if callable(policy) else None)
    if kind.name == EXPERIMENT.name:
        target = _with(target, data_decided(base, mine, theirs, target))
    return Resolution(target, (*conflicts, *fit.arms), fit.numbers, fit.names, fit.arms)


def checked(
    settled: Resolution,
    base: Pieces,
    mine: Pieces,
    theirs: Pieces,
    *,
    numbers: Mapping[int, int],
    names: Mapping[str, str],
) -> Resolution:
    """Return *settled*, with a conflict for each trial that the merge would leave inconsistent.

    Every merged experiment is checked here before it is stored, whoever merged it and whatever a user's function
    decided. The check relies on the merge for the numbers of trials only: arms are compared by their parameters. With
    conflicts, nothing is stored, and so nothing is checked.

    Shapes:
        base, mine, theirs: the three states that were merged; *mine* with its own numbers and names
        numbers, names: of trials and arms of *mine* that have another number or name in *settled*
    """
    if settled.conflicts:
        return settled
    target = {path: each.body for path, each in settled.target.items()}
    found = inconsistencies(base, mine, theirs, target, numbers=numbers, names=names)
    if not found:
        return settled
    own = renumbered(mine, numbers, {})
    paths = [TRIALS.path(number) for number in sorted(found)]
    places = (Conflict(path, *(each.get(path, ABSENT) for each in (base, own, theirs))) for path in paths)
    problem = f"merging {', '.join(paths)} gives an inconsistent experiment: {'; '.join(found.values())}"
    return replace(settled, conflicts=tuple(places), inconsistency=problem)


@dataclass(frozen=True, slots=True)
class _Fit:
    """My side of an experiment, with other numbers and names where theirs has taken them.

    Attributes:
        mine: the pieces, renumbered.
        arms: conflicts about the names of arms, at their places in the live object.
    """

    mine: Mapping[str, JSON]
    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    arms: tuple[Conflict, ...] = ()


def _fit(base: Pieces, mine: Pieces, theirs: Pieces, stored: Iterable[int], held: Iterable[int]) -> _Fit:
    changed = {path: body for path, body in mine.items() if not same_json(body, base.get(path, ABSENT))}
    unchanged = {path: body for path, body in mine.items() if path not in changed}
    numbers = numbers_for(base.keys(), changed, theirs, stored=stored, held=held)
    names = names_for(base, changed, theirs, {**{each: each for each in trials_in(changed)}, **numbers})
    if numbers or names:
        changed = renumbered(changed, numbers, names)
    mine = {**unchanged, **changed}
    arms = _in_hand(arm_conflicts(base, changed, theirs), numbers)
    return _Fit(mine, numbers, names, arms)


def _in_hand(clashes: Iterable[Conflict], numbers: Mapping[int, int]) -> tuple[Conflict, ...]:
    """Return *clashes* with the pointers that the arms have in the object in hand, as nothing is renumbered then."""
    back = {new: old for old, new in numbers.items()}
    places = [(clash, split_pointer(clash.pointer)) for clash in clashes]
    return tuple(
        replace(clash, pointer=moved_path(join_pointer(tokens[:2]), back) + join_pointer(tokens[2:]))
        for clash, tokens in places
    )


def _with(target: Mapping[str, Piece], pieces: Mapping[str, JSON | Absent]) -> dict[str, Piece]:
    made = {path: piece(path, body) for path, body in pieces.items() if not isinstance(body, Absent)}
    return {**{path: each for path, each in target.items() if path not in pieces}, **made}


# --- what does not fit though no place was changed by both ------------------------------------------------------------


def all_places(base: Pieces, mine: Pieces, theirs: Pieces) -> tuple[Conflict, ...]:
    """Return each place that either side changed, in whichever piece, with the three values."""
    paths = sorted(base.keys() | mine.keys() | theirs.keys(), key=in_order)
    three = {path: [each.get(path, ABSENT) for each in (base, mine, theirs)] for path in paths}
    return tuple(place for path, each in three.items() for place in changed_places(*each, at=path))
