"""The objective by trial, with the best value so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import experiment_data
from docstore.search.experiments.best import IGNORED_STATUSES
from docstore.search.experiments.data import ExperimentData, Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one arm in one trial, and its standard error; None if that is not known."""

    trial: int
    value: float
    sem: float | None


@dataclass(frozen=True, slots=True)
class ObjectiveByTrial:
    """The objective by trial.

    Attributes:
        feasible, infeasible: the arms that have a value; infeasible is what is not known to fulfil each constraint.
        best: the trials at which the best value of the feasible arms changed, with it; and at last, the last trial.
        given_up: the trials with an arm that failed, was abandoned or is stale.
        without_value: the trials that ended, and have no finite value.
    """

    name: str
    target: Target
    feasible: tuple[Point, ...]
    infeasible: tuple[Point, ...]
    best: tuple[tuple[int, float], ...]
    given_up: tuple[int, ...]
    without_value: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many points there are."""
        return len(self.feasible) + len(self.infeasible)


def objective_by_trial(data: ExperimentData, target: Target) -> ObjectiveByTrial:
    """Return *target* by trial."""
    feasible: list[Point] = []
    infeasible: list[Point] = []
    given_up: list[int] = []
    without_value: list[int] = []
    for arm in data.arms:
        measured = target.drawable_on(arm)
        if arm.status in IGNORED_STATUSES:
            given_up.append(arm.trial_index)
        elif measured is not None:
            (feasible if arm.is_feasible else infeasible).append(Point(arm.trial_index, *measured))
        elif arm.status in ("COMPLETED", "EARLY_STOPPED"):
            without_value.append(arm.trial_index)
    last = max((arm.trial_index for arm in data.arms), default=0)
    best = _best_so_far(feasible, target, last)
    marks = (tuple(dict.fromkeys(trials)) for trials in (given_up, without_value))
    return ObjectiveByTrial(data.name, target, tuple(feasible), tuple(infeasible), best, *marks)


def _best_so_far(feasible: Sequence[Point], target: Target, last: int) -> tuple[tuple[int, float], ...]:
    best: list[tuple[int, float]] = []
    for point in feasible if target.minimize is not None else ():
        if not best or target.is_better(point.value, best[-1][1]):
            best.append((point.trial, point.value))
    return (*best, (last, best[-1][1])) if best else ()


def objective(experiment: Any, *, metric: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the objective by trial, with its standard errors and the best value so far, and return the axes.

    Each point is one arm in one trial, as it was measured there; hollow is what is not known to fulfil each outcome
    constraint, and never the best. (``Store.best`` takes the mean of an arm that several trials measured.) Trials that
    failed or were abandoned, and those that ended without a finite value, are marked at the lower edge.

    Args:
        experiment: an experiment of docstore or of Ax, or its JSON as ``store.get`` returns it.
        metric: what to draw in place of the objective.
        ax: where to draw; by default, axes of a new figure.

    Raises:
        InvalidValueError: there is no such metric; or, without *metric*, there is no objective, or there are several.
        EncodeError: the experiment has an object of a class that is not registered; ``store.get`` needs no class.
        MissingDependencyError: Matplotlib is not installed.
    """
    data = experiment_data(experiment)
    found = objective_by_trial(data, data.target(metric, otherwise="Name one by metric='...', or draw plots.pareto()."))
    ax = drawing.axes_for(ax)
    drawing.label(ax, found.name, "trial", found.target.directed_label)
    drawing.whole_numbers(ax)
    if not found.total + len(found.given_up) + len(found.without_value):
        return drawing.say(ax, "no data: no trial has ended")
    _draw_points(ax, found)
    if found.best:
        style: Style = {"color": drawing.VERMILLION, "linewidth": 1.6, "drawstyle": "steps-post"}
        ax.plot(*zip(*found.best, strict=True), label="best so far", zorder=3, **style)
    drawing.edge_marks(
        ax, found.given_up, "failed, abandoned\nor stale", height=0.02, marker="x", color=drawing.ink(ax)
    )
    drawing.edge_marks(ax, found.without_value, "no finite value", height=0.06, marker="1", color=drawing.PURPLE)
    drawing.legend(ax)
    return ax


def _draw_points(ax: Axes, found: ObjectiveByTrial) -> None:
    every, total = (*found.feasible, *found.infeasible), found.total
    if not every:
        drawing.say(ax, "no trial has a value", axis="y")
        return
    ax.set_ymargin(0.12)  # room for the marks at the edge
    drawing.error_bars(ax, [p.trial for p in every], [p.value for p in every], [p.sem for p in every], total=total)
    has_sem = any(point.sem is not None for point in every)
    solid: Style = {"color": drawing.BLUE, "zorder": 2, "label": f"measured{' ± standard error' if has_sem else ''}"}
    for drawn, style in ((found.feasible, solid), (found.infeasible, drawing.HOLLOW)):
        if drawn:
            drawing.points(ax, [p.trial for p in drawn], [p.value for p in drawn], total=total, **style)
