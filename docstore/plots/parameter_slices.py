"""Slices: the objective against one parameter, or against each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docstore.errors import InvalidValueError
from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import Dimension, experiment_data
from docstore.search.experiments.data import ExperimentData, Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class SlicePoint:
    """One arm in one trial: where its parameter is on the axis, and the value of the objective."""

    trial: int
    position: float
    value: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The objective against one parameter.

    Attributes:
        feasible, infeasible: the arms; infeasible is what is not known to fulfil each constraint.
        best: the best of the feasible arms; None if there is none, or no direction.
    """

    name: str
    target: Target
    dimension: Dimension
    feasible: tuple[SlicePoint, ...]
    infeasible: tuple[SlicePoint, ...]
    best: SlicePoint | None


def slice_of(data: ExperimentData, target: Target, dimension: Dimension) -> Slice:
    """Return *target* against the parameter of *dimension*."""
    feasible: list[SlicePoint] = []
    infeasible: list[SlicePoint] = []
    best: SlicePoint | None = None
    for arm in data.arms:
        measured, position = target.drawable_on(arm), dimension.position(arm)
        if measured is None or position is None:
            continue
        point = SlicePoint(arm.trial_index, position, measured[0])
        (feasible if arm.is_feasible else infeasible).append(point)
        if arm.is_feasible and (best is None or target.is_better(point.value, best.value)):
            best = point
    return Slice(
        data.name, target, dimension, tuple(feasible), tuple(infeasible), None if target.minimize is None else best
    )


def slice(experiment: Any, parameter: str, *, metric: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the objective against one *parameter*, on the scale that the search space gives it, and return the axes.

    Args:
        experiment, metric, ax: as for ``objective``.
        parameter: the name of one that is not fixed.

    Raises:
        InvalidValueError: there is no such parameter; or as ``objective``.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    found = slice_of(data, _target(data, metric), data.dimension(parameter))
    ax = drawing.axes_for(ax)
    drawing.label(ax, found.name, parameter, found.target.directed_label)
    _draw(ax, found)
    drawing.legend(ax)
    return ax


def slices(experiment: Any, *, parameters: Iterable[str] | None = None, metric: str | None = None) -> list[Axes]:
    """Draw the objective against each parameter, and return the axes of each, which are on one new figure.

    Args:
        experiment, metric: as for ``objective``.
        parameters: the names of those to draw; by default, of all that are not fixed, or of the first 40.

    Raises:
        InvalidValueError: there is no such parameter, or none at all; or as ``objective``.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    target = _target(data, metric)
    dimensions, title = data.chosen(parameters)
    if not dimensions:
        raise InvalidValueError("parameters", [], f"Experiment {data.name!r} has none that varies: name another.")
    columns = min(len(dimensions), 4)
    rows = math.ceil(len(dimensions) / columns)
    grid = drawing.new_grid(rows, columns, (1.2 + 2.9 * columns, 0.8 + 2.4 * rows))
    drawn = grid[: len(dimensions)]
    for place, (ax, dimension) in enumerate(zip(drawn, dimensions, strict=True)):
        drawing.label(ax, "", dimension.name, target.directed_label if place % columns == 0 else "")
        _draw(ax, slice_of(data, target, dimension))
        ax.sharey(drawn[0])
        ax.tick_params(labelleft=place % columns == 0)
    for ax in grid[len(dimensions) :]:
        ax.remove()
    figure = drawing.figure_of(drawn)
    figure.suptitle(drawing.plain(title, 60 if columns > 1 else 40), fontsize="medium", x=0.01, ha="left")
    drawing.figure_legend(drawn, columns)
    return drawn


def _target(data: ExperimentData, metric: str | None) -> Target:
    return data.target(metric, otherwise="Name one by metric='...'.")


def _draw(ax: Axes, found: Slice) -> None:
    total = len(found.feasible) + len(found.infeasible)
    _set_scale(ax, found.dimension, [each.position for each in (*found.feasible, *found.infeasible)])
    if not total:
        drawing.say(ax, "no data: no trial has a value", axis="")
        return
    solid: Style = {"color": drawing.BLUE, "zorder": 2, "label": "measured"}
    for drawn, style in ((found.feasible, solid), (found.infeasible, drawing.HOLLOW)):
        if drawn:
            x = [each.position + _shift(each.trial, found.dimension) for each in drawn]
            drawing.points(ax, x, [each.value for each in drawn], total=total, **style)
    if found.best is not None:
        x = [found.best.position + _shift(found.best.trial, found.dimension)]
        star: Style = {
            "marker": "*",
            "s": 150.0,
            "color": drawing.VERMILLION,
            "edgecolors": ax.get_facecolor(),
            "label": "best",
        }
        ax.scatter(x, [found.best.value], zorder=4, **star)


def _shift(trial: int, dimension: Dimension) -> float:
    """Return how far to the side a point of a choice is drawn, so that not all are on one line."""
    return 0.5 * ((trial * 0.618034) % 1.0 - 0.5) if dimension.scale == "choice" else 0.0


def _set_scale(ax: Axes, dimension: Dimension, positions: Sequence[float]) -> None:
    """Give the x axis the scale and the bounds of the search space, wider where arms are outside of them."""
    if dimension.scale == "choice":
        longest = max((len(each) for each in dimension.choices), default=0)
        turned = longest * len(dimension.choices) > 24
        texts = [drawing.plain(each, 14) for each in dimension.choices]
        few = range(0, len(texts), max(1, math.ceil(len(texts) / 12)))
        ax.set_xticks(
            [*few], [texts[each] for each in few], rotation=35 if turned else 0, ha="right" if turned else "center"
        )
        ax.set_xlim(-0.6, len(texts) - 0.4)
        return
    ax.set_xscale(dimension.scale)
    if dimension.bounds is not None:
        low, high = min([dimension.bounds[0], *positions]), max([dimension.bounds[1], *positions])
        if dimension.scale == "linear":
            margin = 0.03 * (high - low)
            ax.set_xlim(low - margin, high + margin)
        else:
            ax.update_datalim([(low, 0.0), (high, 0.0)], updatey=False)
            ax.autoscale_view(scaley=False)
