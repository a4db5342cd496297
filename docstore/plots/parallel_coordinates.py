"""Parallel coordinates: an axis for each parameter and one for the objective, and a line for each arm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import Dimension, experiment_data
from docstore.search.experiments.data import ExperimentData, Target, TriedArm

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class ParallelAxis:
    """One vertical axis: its name, and its ticks by their height from 0 to 1."""

    name: str
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class ParallelLine:
    """One arm in one trial: its height on each axis, from 0 to 1, None where it has no value; and the objective."""

    trial: int
    label: str
    heights: tuple[float | None, ...]
    value: float
    is_feasible: bool


@dataclass(frozen=True, slots=True)
class ParallelCoordinates:
    """An axis for each parameter and a last one for the objective.

    Attributes:
        lines: from the worst arm to the best; those that are not known to fulfil each constraint come first.
    """

    name: str
    target: Target
    axes: tuple[ParallelAxis, ...]
    lines: tuple[ParallelLine, ...]


def parallel_coordinates(data: ExperimentData, target: Target, dimensions: Sequence[Dimension]) -> ParallelCoordinates:
    """Return the arms as lines through *dimensions* and *target*."""
    arms = [(arm, measured[0]) for arm in data.arms if (measured := target.drawable_on(arm)) is not None]
    scales = [_Scale.of(dimension, [arm for arm, _ in arms]) for dimension in dimensions]
    values = [value for _, value in arms]
    goal = _Scale("linear", min(values, default=0.0), max(values, default=1.0))
    lines = [
        ParallelLine(
            arm.trial_index,
            arm.label,
            (
                *(_height(scale, dimension, arm) for scale, dimension in zip(scales, dimensions, strict=True)),
                goal.height(value),
            ),
            value,
            arm.is_feasible,
        )
        for arm, value in arms
    ]
    lines.sort(key=lambda line: (line.is_feasible, -line.value if target.minimize else line.value))
    axes = [
        ParallelAxis(dimension.name, scale.ticks(dimension.choices))
        for scale, dimension in zip(scales, dimensions, strict=True)
    ]
    return ParallelCoordinates(
        data.name, target, (*axes, ParallelAxis(target.directed_label, goal.ticks(()))), tuple(lines)
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps values from *low* to *high* to heights from 0 to 1."""

    scale: str
    low: float
    high: float

    @classmethod
    def of(cls, dimension: Dimension, arms: Iterable[TriedArm]) -> _Scale:
        if dimension.scale == "choice":
            return cls("choice", 0.0, float(max(1, len(dimension.choices) - 1)))
        found = [place for arm in arms if (place := dimension.position(arm)) is not None]
        ends = [*found, *(dimension.bounds or ())] or [0.1, 0.9]
        return cls(dimension.scale, min(ends), max(ends))

    def height(self, value: float) -> float:
        low, high = self._moved(self.low), self._moved(self.high)
        return 0.5 if high <= low else (self._moved(value) - low) / (high - low)

    def ticks(self, choices: Sequence[str]) -> tuple[tuple[float, str], ...]:
        if self.scale == "choice":
            return tuple((self.height(float(place)), text) for place, text in enumerate(choices))
        ends = (self.low,) if self.high <= self.low else (self.low, self.high)
        return tuple((self.height(end), f"{end:.3g}") for end in ends)

    def _moved(self, value: float) -> float:
        if self.scale == "log":
            return math.log(value)
        return math.log(value / (1 - value)) if self.scale == "logit" else value


def _height(scale: _Scale, dimension: Dimension, arm: TriedArm) -> float | None:
    place = dimension.position(arm)
    return None if place is None else scale.height(place)


def parallel(
    experiment: Any, *, parameters: Iterable[str] | None = None, metric: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw each arm as a line through its parameters and the objective, and return the axes.

    The colour is the rank of the objective, dark for the best (light on dark axes), so that one extreme value does not
    take all colours; the lines of the best arms are on top, the very best one in another colour. Grey and dotted is
    what is not known to fulfil each outcome constraint. Narrow axes have no colour bar. A parameter's axis has the
    scale and the bounds that the search space gives it.

    Args:
        experiment, metric, ax: as for ``objective``.
        parameters: the names of those to draw, in this order; by default, of all that are not fixed, or of the first
            40.

    Raises:
        InvalidValueError: there is no such parameter; or as ``objective``.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    target = data.target(metric, otherwise="Name one by metric='...'.")
    dimensions, title = data.chosen(parameters)
    found = parallel_coordinates(data, target, dimensions)
    ax = drawing.axes_for(ax, (max(7.2, 2.4 + 0.62 * len(found.axes)), 4.4))
    drawing.label(ax, title)
    ax.spines[:].set_visible(False)
    ax.set_yticks([])
    if not found.lines:
        return drawing.say(ax, "no data: no trial has a value")
    _draw_lines(ax, found)
    _draw_axes(ax, found.axes)
    return ax


def _draw_lines(ax: Axes, found: ParallelCoordinates) -> None:
    from matplotlib.collections import LineCollection

    total = len(found.lines)
    is_many = total > drawing.MANY
    width, alpha = (1.2, 0.9) if total <= 100 else (0.6, max(0.08, 0.8 - 0.36 * math.log10(total / 100)))
    style: Style = {}
    infeasible = [_path(line) for line in found.lines if not line.is_feasible]
    if infeasible:
        style = {"colors": drawing.GREY, "linestyles": ":", "label": "constraint violated or unknown"}
        ax.add_collection(
            LineCollection(infeasible, linewidths=width, alpha=alpha, rasterized=is_many, **style), autolim=False
        )
    feasible = [line for line in found.lines if line.is_feasible]
    if feasible:
        ranks = [1.0 - place / max(1, len(feasible) - 1) for place in range(len(feasible))]
        colours = "cividis_r" if drawing.is_dark(ax) else "cividis"
        style = {"array": ranks, "cmap": colours, "clim": (0.0, 1.0), "linewidths": width, "alpha": alpha}
        lines = LineCollection([_path(line) for line in feasible], rasterized=is_many, **style)
        ax.add_collection(lines, autolim=False)
        if len(feasible) > 1 and not drawing.is_narrow(ax):
            _draw_colour_bar(ax, lines, [line.value for line in feasible[::-1]], found.target)
    if feasible and found.target.minimize is not None:
        best = feasible[-1]
        name = f"best: {drawing.plain(best.label)}, {best.value:.4g}"
        ax.plot(*zip(*_path(best), strict=True), color=drawing.VERMILLION, linewidth=2.0, label=name, zorder=3)
    drawing.legend_above(ax)


def _path(line: ParallelLine) -> list[tuple[float, float]]:
    return [(float(x), height) for x, height in enumerate(line.heights) if height is not None]


def _draw_colour_bar(ax: Axes, lines: Any, values: Sequence[float], target: Target) -> None:
    """Draw what the colours of *lines* mean: *values*, the best first."""
    from matplotlib.cm import ScalarMappable

    opaque = ScalarMappable(norm=lines.norm, cmap=lines.cmap)
    bar = drawing.figure_of(ax).colorbar(opaque, ax=ax, pad=0.02, aspect=30)
    steps = min(4, len(values) - 1)
    shares = [step / steps for step in range(steps + 1)]
    bar.set_ticks(shares, labels=[f"{values[round(share * (len(values) - 1))]:.3g}" for share in shares])
    bar.set_label(drawing.plain(f"{target.label}, colours by rank", 60))
    bar.outline.set_visible(False)
    if target.minimize is not True:
        bar.ax.invert_yaxis()


def _draw_axes(ax: Axes, axes: Sequence[ParallelAxis]) -> None:
    ax.set_xlim(-0.3, len(axes) - 0.6)
    ax.set_ylim(-0.04, 1.04)
    longest = 14 if len(axes) <= 8 else 9
    for x, each in enumerate(axes):
        ax.axvline(x, color=drawing.GREY, linewidth=0.8, zorder=2)
        step = max(1, math.ceil(len(each.ticks) / 10))
        for height, text in each.ticks[::step]:
            box = {"facecolor": ax.get_facecolor(), "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
            style: Style = {"xytext": (3, 0), "textcoords": "offset points", "bbox": box, "va": "center"}
            ax.annotate(drawing.plain(text, longest), (x, height), fontsize="x-small", zorder=4, **style)
    turned = len(axes) > 6
    width = 30 if turned else 16
    names = ["\n".join(map(drawing.plain, wrap(drawing.abbreviated(each.name, 30), width))) for each in axes]
    ax.set_xticks(
        range(len(axes)), names, rotation=30 if turned else 0, ha="right" if turned else "center", fontsize="small"
    )
    ax.tick_params(length=0)
