"""Two objectives against each other, with their Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from docstore.errors import InvalidValueError
from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import experiment_data
from docstore.search.experiments.data import ExperimentData, Target
from docstore.search.experiments.pareto_front import ParetoFront, pareto_front

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pareto(experiment: Any, *, metrics: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the outcomes of two objectives and their Pareto front, and return the axes.

    The front is that of the values as they were measured, with the standard errors beside it. No arm
    is on it that is not known to fulfil each outcome constraint. The front of more than two objectives would have more
    points than that of two: the plot says which two it shows.

    Args:
        experiment: as for ``objective``.
        metrics: the names of two metrics with a direction; by default, those of the first two objectives.
        ax: as for ``objective``.

    Raises:
        InvalidValueError: there are not two objectives, or nothing says whether a metric is minimized.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    found = pareto_front(data, *_two_targets(data, metrics))
    ax = drawing.axes_for(ax, (7.2, 4.6))
    better = {True: "(← better)", False: "(better →)", None: ""}
    x, y = (f"{target.label} {better[target.minimize]}" for target in (found.x, found.y))
    drawing.label(ax, found.name, x, y)
    total = sum(map(len, (found.front, found.dominated, found.infeasible)))
    if not total:
        return drawing.say(ax, "no data: no trial has both values")
    grey: Style = {"color": drawing.GREY, "zorder": 2, "label": "dominated"}
    for drawn, style in ((found.dominated, grey), (found.infeasible, drawing.HOLLOW)):
        if drawn:
            drawing.points(ax, [each.x for each in drawn], [each.y for each in drawn], total=total, **style)
    _draw_front(ax, found)
    for axis, limit in found.thresholds:
        line, style = ax.axvline if axis == "x" else ax.axhline, {"color": drawing.PURPLE, "linestyle": "--"}
        line(limit, linewidth=1.0, label="threshold" if axis == found.thresholds[0][0] else None, **style)
    drawing.legend(ax, f"these 2 of {len(data.targets)} objectives" if len(data.targets) > 2 else None)
    return ax


def _draw_front(ax: Axes, found: ParetoFront) -> None:
    if not found.front:
        return
    x, y = [each.x for each in found.front], [each.y for each in found.front]
    known = [each for each in found.front if each.x_sem is not None or each.y_sem is not None]
    if known:
        sems: Style = {"xerr": [each.x_sem or 0.0 for each in known], "yerr": [each.y_sem or 0.0 for each in known]}
        options: Style = {"fmt": "none", "ecolor": drawing.BLUE, "elinewidth": 1.0, "alpha": 0.6}
        bars = ax.errorbar([each.x for each in known], [each.y for each in known], **sems, **options)
        drawing.rasterize(bars.get_children(), len(known))
    # Between two points of the front, what is known to be possible is the worse value of each.
    line: Style = {"color": drawing.BLUE, "linewidth": 1.2, "drawstyle": "steps-post", "zorder": 3}
    ax.plot(x, y, rasterized=len(x) > drawing.MANY, **line)
    drawn = f"Pareto front{' ± standard error' if known else ''}"
    drawing.points(ax, x, y, total=len(x), marker="D", color=drawing.BLUE, label=drawn, zorder=4)


def _two_targets(data: ExperimentData, metrics: Sequence[str] | None) -> tuple[Target, Target]:
    if metrics is not None and (isinstance(metrics, str) or len(metrics) != 2):
        raise InvalidValueError("metrics", metrics, "Give the names of two: metrics=('loss', 'latency').")
    if metrics is None and len(data.targets) < 2:
        shown = [target.label for target in data.targets] or None
        remedy = "A front needs two: give metrics=('loss', 'latency'), or draw plots.objective()."
        raise InvalidValueError(f"objectives of {data.name!r}", shown, remedy)
    found = [data.target(each, otherwise="") for each in metrics] if metrics else list(data.targets[:2])
    for target in found:
        if target.minimize is None:
            remedy = "Nothing says whether it is minimized: give the metric lower_is_better, or make it an objective."
            raise InvalidValueError("metric of a front", target.label, remedy)
    return found[0], found[1]
