"""Learning curves: a metric by step, a line for each arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from docstore.errors import InvalidValueError
from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import experiment_data
from docstore.search.experiments.best import IGNORED_STATUSES, number
from docstore.search.experiments.data import ExperimentData, Target, TriedArm, is_drawable
from docstore.search.experiments.read import records_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEST: Final = 5
"""So many curves have a colour and a name; the others are grey."""
_FEW: Final = 200
"""With more curves, no cross says which ones were stopped early."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One arm in one trial: its steps in order, and the mean and the standard error at each."""

    arm: TriedArm
    steps: tuple[float, ...]
    means: tuple[float, ...]
    sems: tuple[float | None, ...]

    @property
    def counts(self) -> bool:
        """Whether the trial neither failed nor was given up."""
        return self.arm.status not in IGNORED_STATUSES


@dataclass(frozen=True, slots=True)
class LearningCurves:
    """The curves of a metric, first those whose last value is best; without a direction, by trial.

    After them come those of arms that are not known to fulfil each constraint, and at last, those of trials that failed
    or were abandoned.
    """

    name: str
    target: Target
    curves: tuple[Curve, ...]


def learning_curves(data: ExperimentData, target: Target) -> LearningCurves:
    """Return the curves of *target*, a single metric."""
    [metric] = target.weights
    arms = {(arm.trial_index, arm.name): arm for arm in data.arms}
    points: dict[tuple[int, str], dict[float, tuple[float, float | None]]] = {}
    for index, record in records_of(data.stored, data.decode):
        step, mean, arm = number(record.get("step")), number(record.get("mean")), str(record.get("arm_name"))
        if record.get("metric_name") != metric or step is None or mean is None:
            continue
        if is_drawable(step) and is_drawable(mean):
            points.setdefault((index, arm), {})[step] = mean, number(record.get("sem"))
    curves = [Curve(arms[key], *_columns(found)) for key, found in points.items() if key in arms]
    sign = {True: 1.0, False: -1.0, None: 0.0}[target.minimize]
    curves.sort(
        key=lambda each: (not each.counts, not each.arm.is_feasible, sign * each.means[-1], each.arm.trial_index)
    )
    return LearningCurves(data.name, target, tuple(curves))


def _columns(found: dict[float, tuple[float, float | None]]) -> tuple[Any, Any, Any]:
    steps = sorted(found)
    return tuple(steps), tuple(found[step][0] for step in steps), tuple(found[step][1] for step in steps)


def curves(experiment: Any, *, metric: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw a metric by step, a line for each arm, and return the axes.

    The five arms whose last value is best have colours and names, with a band of one standard error, those that are
    known to fulfil each outcome constraint before any other; the others are grey. A trial that was stopped early ends
    in a cross, if there are no more than 200.

    Args:
        experiment, ax: as for ``objective``.
        metric: one that was observed with steps; by default, the objective.

    Raises:
        InvalidValueError: there is no such metric; or, without *metric*, the objective is not a single metric.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    target = data.target(metric, otherwise="Name one by metric='...'.")
    if len(target.weights) > 1:
        remedy = f"Give metric=..., one of its metrics: {', '.join(map(repr, target.weights))}."
        raise InvalidValueError("objective of learning curves", target.label, remedy)
    found = learning_curves(data, target)
    ax = drawing.axes_for(ax)
    drawing.label(ax, found.name, "step", found.target.directed_label)
    if all(step == int(step) for each in found.curves for step in (each.steps[0], each.steps[-1])):
        drawing.whole_numbers(ax)
    if not found.curves:
        return drawing.say(ax, f"no data: no observation of {drawing.plain(target.label)} has a step")
    best = [each for each in found.curves if each.counts][:BEST]
    total = sum(len(each.steps) for each in found.curves)
    _draw_others(ax, found.curves[len(best) :], total)
    for place, each in enumerate(best):
        _draw_best(ax, each, drawing.COLOURS[place], drawing.LINES[place])
    stopped = [(each.steps[-1], each.means[-1]) for each in found.curves if each.arm.status == "EARLY_STOPPED"]
    if stopped and len(found.curves) <= _FEW:
        style: Style = {"marker": "x", "color": drawing.ink(ax), "label": "stopped early", "zorder": 3}
        x, y = zip(*stopped, strict=True)
        ax.scatter(x, y, s=16.0, linewidths=0.8, **style)
    titled = "best by last value" if target.minimize is not None else "first trials"
    drawing.legend(ax, titled if len(found.curves) <= _FEW else f"{len(stopped):,} stopped early\n{titled}")
    return ax


def _draw_others(ax: Axes, others: Sequence[Curve], total: int) -> None:
    from matplotlib.collections import LineCollection

    if others:
        paths = [list(zip(each.steps, each.means, strict=True)) for each in others]
        alpha = max(0.06, min(0.8, 8.0 / math.sqrt(len(others)) / 2))
        lines = LineCollection(paths, colors=drawing.GREY, linewidths=0.8, alpha=alpha, label=f"{len(others):,} others")
        lines.set_rasterized(total > drawing.MANY)
        ax.add_collection(lines)
        alone = [path[0] for path in paths if len(path) == 1]
        if alone:
            drawing.points(ax, *zip(*alone, strict=True), total=len(alone), color=drawing.GREY)
        ax.autoscale_view()


def _draw_best(ax: Axes, each: Curve, colour: str, line: Any) -> None:
    _draw_band(ax, each, colour)
    name = f"{drawing.plain(each.arm.label)}: {each.means[-1]:.4g}"
    drawn: Style = {"color": colour, "linestyle": line, "linewidth": 1.6, "label": name, "zorder": 4}
    ax.plot(each.steps, each.means, rasterized=len(each.steps) > drawing.MANY, **drawn)


def _draw_band(ax: Axes, curve: Curve, colour: str) -> None:
    known = [(s, m, e) for s, m, e in zip(curve.steps, curve.means, curve.sems, strict=True) if e is not None]
    if known:
        low, high = [m - e for _, m, e in known], [m + e for _, m, e in known]
        ax.fill_between([s for s, _, _ in known], low, high, color=colour, alpha=0.15, linewidth=0.0)
