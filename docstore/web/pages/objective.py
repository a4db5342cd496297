"""The objective of an experiment by trial; of several objectives each, and the Pareto front of two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Final, TypeVar

from docstore.documents.display import counted
from docstore.search.experiments.best import BestArm
from docstore.search.experiments.data import Target, TriedArm
from docstore.search.experiments.pareto_front import Outcome
from docstore.search.experiments.summary import direction_text, goal_text
from docstore.web.charts import HEIGHT, SMALL, WIDTH, Chart, Labels, Measured, chart
from docstore.web.formats import Stamp, Table, number
from docstore.web.pages.changes import ChangeRow, shown_version
from docstore.web.pages.measured import Ranked, ranked
from docstore.web.source import EXPERIMENT, Source

T = TypeVar("T")

MOST_POINTS: Final = 2_000
"""Points of all plots of objectives by trial together, and of a front."""

_OBJECTIVES: Final = 12
"""Objectives that are plotted."""

_ON_FRONT: Final = 100
"""Arms on a front that its table has."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value of an objective: of an arm in a trial.

    Attributes:
        best: the best of this and all earlier ones that are feasible; None if there is none.
        is_feasible: whether all constraints are known to be fulfilled.
    """

    trial: int
    arm: str
    value: float
    sem: float | None
    best: float | None
    is_feasible: bool = True


@dataclass(frozen=True, slots=True)
class Series:
    """An objective by trial, with the best so far.

    Attributes:
        points: those that are plotted: all, or of many the best, the worst and the last of each stretch.
        of: how many there are.
    """

    goal: str
    minimize: bool
    points: list[Point]
    of: int

    @property
    def best(self) -> float | None:
        """The best of all; None if no value is feasible."""
        return self.points[-1].best if self.points else None

    @property
    def is_constrained(self) -> bool:
        """Whether some values are not feasible."""
        return not all(each.is_feasible for each in self.points)

    @property
    def chart(self) -> Chart | None:
        """The plot; None if there is no value to plot."""
        return self._chart((WIDTH, HEIGHT), self.goal)

    @property
    def small_chart(self) -> Chart | None:
        """The same for a place beside others, which says above it what it is of."""
        return self._chart(SMALL, "")

    def _chart(self, size: tuple[int, int], label: str) -> Chart | None:
        if not self.points:
            return None
        marks = {True: "", False: "infeasible"}
        values = [
            Measured(each.trial, each.value, each.sem, _point_text(each), mark=marks[each.is_feasible])
            for each in self.points
        ]
        best = "None is feasible" if self.best is None else f"Best so far {number(self.best)}"
        line = [(each.trial, each.best) for each in self.points if each.best is not None]
        bars = " Bars are one standard error." if any(each.sem for each in self.points) else ""
        summary = f"{best} after {counted(self.of, 'value')}.{bars} A table on this page has the values."
        labels = Labels(f"{self.goal} by trial", summary, "trial", label)
        return chart(values, line, labels, size)


def _point_text(point: Point) -> str:
    return f"trial {point.trial}: {_with_sem(point.value, point.sem)}"


def _with_sem(value: float, sem: float | None) -> str:
    return number(value) if sem is None else f"{number(value)} \N{PLUS-MINUS SIGN} {number(sem, 3)}"


@dataclass(frozen=True, slots=True)
class Front:
    """Both values of each arm in each trial of an experiment with two objectives, and which of them no other beats.

    Attributes:
        x, y: the objectives, as ``minimize loss``.
        front: those that fulfil the constraints and that no other such one beats in one value without being worse in
            the other, from the best x on; *on_front* counts them.
        parameters: of the first ones of *front*.
        dominated, infeasible: the others.
        of: how many there are; of more than 2,000, some of each are here.
    """

    x: str
    y: str
    front: list[Outcome]
    on_front: int
    parameters: list[Mapping[str, Any]]
    dominated: list[Outcome]
    infeasible: list[Outcome]
    of: int

    @property
    def table(self) -> Table:
        """The arms as a table, those on the front first."""
        columns = ("trial", "arm", self.x, self.y, "x_sem", "y_sem", "place")
        places = (("front", self.front), ("dominated", self.dominated), ("infeasible", self.infeasible))
        found = [(place, each) for place, outcomes in places for each in outcomes]
        rows = [(o.trial, o.arm_name, o.x, o.y, o.x_sem, o.y_sem, place) for place, o in found]
        return Table(columns, rows)

    @property
    def chart(self) -> Chart | None:
        """The plot, with error bars on the front; None if there is no value to plot."""
        others = [(each, mark) for mark in ("dominated", "infeasible") for each in getattr(self, mark)]
        values = [
            *(Measured(each.x, each.y, None, _outcome_text(each), None, mark) for each, mark in others),
            *(Measured(each.x, each.y, each.y_sem, _outcome_text(each), each.x_sem, "front") for each in self.front),
        ]
        summary = f"{self.on_front:,} of {counted(self.of, 'arm')} on the front. A table on this page has them."
        labels = Labels(f"{self.y} against {self.x}", summary, self.x, self.y)
        return chart(values, [(each.x, each.y) for each in self.front], labels, by_trial=False)


def _outcome_text(outcome: Outcome) -> str:
    return f"trial {outcome.trial}: {_with_sem(outcome.x, outcome.x_sem)}, {_with_sem(outcome.y, outcome.y_sem)}"


@dataclass(frozen=True, slots=True)
class Objective:
    """What an experiment aims at, by trial: its objective, or each of several.

    Attributes:
        version: the number of the one that is shown; *head* is that of the newest.
        series: the objectives, the first 12 of *objectives*.
        front: of two objectives; None if there are more or fewer.
        best: the best arms, as ``Store.best`` returns them; none of several objectives.
        problem: why there are none, or why all arms count as feasible.
    """

    name: str
    version: int
    head: int
    goal: str
    series: list[Series]
    objectives: int
    front: Front | None
    best: list[BestArm]
    problem: str
    newest: ChangeRow
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The values as a table: with the objective, if there are several; of two, each arm with both."""
        if self.front is not None:
            return self.front.table
        columns = ("trial", "arm", "value", "sem", "best_so_far", "is_feasible")
        rows = [
            (series.goal, each.trial, each.arm, each.value, each.sem, each.best, each.is_feasible)
            for series in self.series
            for each in series.points
        ]
        if len(self.series) > 1:
            return Table(("objective", *columns), rows)
        return Table(columns, [row[1:] for row in rows])


def objective(source: Source, name: str, wanted: str = "") -> Objective:
    """Return the objectives of an experiment by trial; *wanted* and errors as for ``experiment_page``.

    Cost:
        That of ``ranked``: all trials and data are read, once for each version.
    """
    shown = shown_version(source, name, EXPERIMENT, wanted)
    found = ranked(source, name, shown.version)
    return Objective(
        name,
        shown.version.number,
        shown.head,
        goal_text(source.head(name, version=shown.number_if_old)),
        [_series(found, target) for target in found.targets[:_OBJECTIVES]],
        len(found.targets),
        _front(found),
        found.best,
        found.problem,
        shown.newest,
        Stamp(repr((shown.version.chain, shown.newest))),
    )


def _series(found: Ranked, target: Target) -> Series:
    points = objective_points(found.arms, target)
    most = MOST_POINTS // min(_OBJECTIVES, len(found.targets))
    kept = thinned(points, minimize=target.minimize is True, most=most)
    return Series(_goal(target), target.minimize is True, kept, len(points))


def _goal(target: Target) -> str:
    return direction_text(target.weights, minimize=target.minimize is True)


def objective_points(arms: Sequence[TriedArm], target: Target) -> list[Point]:
    """Return the value of an objective of each arm in each trial, in the order of the trials.

    Trials that failed, were abandoned or are stale have none, nor have abandoned arms. The best so far is that of the
    values here that are known to fulfil all constraints.
    """
    points: list[Point] = []
    best: float | None = None
    for arm in arms:
        measured = target.measured_on(arm)
        if measured is not None:
            value, sem = measured
            if arm.is_feasible and (best is None or target.is_better(value, best)):
                best = value
            points.append(Point(arm.trial_index, arm.name, value, sem, best, arm.is_feasible))
    return points


def thinned(points: Sequence[Point], *, minimize: bool, most: int = MOST_POINTS) -> list[Point]:
    """Return at most *most* of *points*: of each of equally long stretches the best, the worst and the last.

    So the best and the worst of all, and the last, are among them. The best is a feasible one, if there is one.
    """
    if len(points) <= most:
        return list(points)
    values = [point.value if minimize else -point.value for point in points]
    size = math.ceil(len(points) / (most // 3))
    kept: set[int] = set()
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        feasible = [i for i in stretch if points[i].is_feasible] or stretch
        kept |= {min(feasible, key=values.__getitem__), max(stretch, key=values.__getitem__), stretch[-1]}
    return [points[index] for index in sorted(kept)]


def best_trials(found: Ranked) -> list[int]:
    """Return the trials, the best first: those on the front, if there is one, and then the best by each objective."""
    front = [each.trial for each in found.front.front] if found.front else []
    turns = zip_longest(*(_by_value(found.arms, target) for target in found.targets[:_OBJECTIVES]))
    return list(dict.fromkeys([*front, *(trial for trial in chain.from_iterable(turns) if trial is not None)]))


def _by_value(arms: Sequence[TriedArm], target: Target) -> list[int]:
    sign = 1 if target.minimize else -1
    points = sorted(objective_points(arms, target), key=lambda each: (not each.is_feasible, sign * each.value))
    return [point.trial for point in points]


def _front(found: Ranked) -> Front | None:
    front = found.front
    if front is None:
        return None
    kept = _evenly(front.front, MOST_POINTS // 4)
    x, y = map(_goal, found.targets)
    arms = {(arm.trial_index, arm.name): arm for arm in found.arms}
    return Front(
        x,
        y,
        kept,
        len(front.front),
        [arms[each.trial, each.arm_name].parameters for each in kept[:_ON_FRONT]],
        _evenly(front.dominated, MOST_POINTS // 2),
        _evenly(front.infeasible, MOST_POINTS // 4),
        len(front.front) + len(front.dominated) + len(front.infeasible),
    )


def _evenly(values: Sequence[T], most: int) -> list[T]:
    """Return at most *most* of *values*, from all of their range."""
    return list(values) if len(values) <= most else [values[i * len(values) // most] for i in range(most)]
