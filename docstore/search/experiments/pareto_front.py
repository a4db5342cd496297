"""The Pareto front of two objectives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from docstore.search.experiments.data import ExperimentData, Target


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both values of one arm in one trial, and their standard errors; None for one that is not known."""

    trial: int
    arm_name: str
    x: float
    y: float
    x_sem: float | None
    y_sem: float | None


@dataclass(frozen=True, slots=True)
class ParetoFront:
    """The outcomes of two objectives.

    Attributes:
        front: the feasible ones that no other feasible one beats in one value without being worse in the other; by x.
        dominated: the other feasible ones.
        infeasible: those that are not known to fulfil each constraint.
        thresholds: of the objectives, by ``"x"`` and ``"y"``.
    """

    name: str
    x: Target
    y: Target
    front: tuple[Outcome, ...]
    dominated: tuple[Outcome, ...]
    infeasible: tuple[Outcome, ...]
    thresholds: tuple[tuple[str, float], ...]


def pareto_front(data: ExperimentData, x: Target, y: Target) -> ParetoFront:
    """Return the outcomes of *x* and *y*, and which of them are on the front."""
    feasible: list[Outcome] = []
    infeasible: list[Outcome] = []
    for arm in data.arms:
        a, b = x.drawable_on(arm), y.drawable_on(arm)
        if a is not None and b is not None:
            outcome = Outcome(arm.trial_index, arm.name, a[0], b[0], a[1], b[1])
            (feasible if arm.is_feasible else infeasible).append(outcome)
    front = _front(feasible, x, y)
    on_front = set(front)
    dominated = tuple(each for each in feasible if each not in on_front)
    thresholds = tuple(
        (axis, bound.limit)
        for axis, target in (("x", x), ("y", y))
        for bound in data.thresholds
        if not bound.is_relative and dict(bound.weights) == dict(target.weights)
    )
    return ParetoFront(data.name, x, y, front, dominated, tuple(infeasible), thresholds)


def _front(outcomes: Iterable[Outcome], x: Target, y: Target) -> tuple[Outcome, ...]:
    """Return the outcomes that none of the others dominates, from the best x to the best y."""
    x_sign, y_sign = (1.0 if target.minimize else -1.0 for target in (x, y))
    front: list[Outcome] = []
    for each in sorted(outcomes, key=lambda each: (x_sign * each.x, y_sign * each.y, each.trial)):
        is_equal = bool(front) and (each.x, each.y) == (front[-1].x, front[-1].y)
        if not front or y_sign * each.y < y_sign * front[-1].y or is_equal:
            front.append(each)
    return tuple(front)
