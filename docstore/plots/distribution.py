"""The empirical distribution (EDF) of the objective, of one experiment or of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docstore.errors import InvalidValueError
from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import experiment_data
from docstore.search.experiments.data import ExperimentData, Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of the objective that were measured in an experiment, the smallest first."""

    name: str
    target: Target
    values: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the values up to each."""
        return tuple((place + 1) / len(self.values) for place in range(len(self.values)))


def distribution(data: ExperimentData, target: Target) -> Distribution:
    """Return the distribution of *target*."""
    found = (target.drawable_on(arm) for arm in data.arms)
    return Distribution(data.name, target, tuple(sorted(each[0] for each in found if each is not None)))


def edf(*experiments: Any, metric: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw which share of the arms had an objective of at most each value, and return the axes.

    The line of a good search rises early where the objective is minimized, and late where it is maximized.
    Arms count whether they fulfil the outcome constraints or not, as the axis then says; those without a finite value
    are left out.

    Args:
        experiments: one or several, each as for ``objective``.
        metric, ax: as for ``objective``.

    Raises:
        InvalidValueError: no experiment is given, or they have other objectives; or as ``objective``.
        EncodeError, MissingDependencyError: as ``objective``.
    """
    read = [experiment_data(each) for each in experiments]
    found = [distribution(data, data.target(metric, otherwise="Name one by metric='...'.")) for data in read]
    target = _common(found)
    ax = drawing.axes_for(ax)
    counted = "share of arms, feasible or not" if any(data.constraints for data in read) else "share of arms"
    drawing.label(ax, found[0].name if len(found) == 1 else "", target.directed_label, counted)
    if not any(each.values for each in found):
        return drawing.say(ax, "no data: no trial has a value")
    for place, each in enumerate(found):
        colour = drawing.COLOURS[place % len(drawing.COLOURS)]
        # After 7 experiments, the same colours come with other lines.
        line = drawing.LINES[(place + place // len(drawing.COLOURS)) % len(drawing.LINES)]
        name = f"{drawing.plain(each.name, 28)} ({len(each.values):,})"
        values = (each.values[0], *each.values) if each.values else ()
        shares = (0.0, *each.shares) if each.values else ()
        style: Style = {"color": colour, "linestyle": line, "linewidth": 1.6, "label": name, "drawstyle": "steps-post"}
        ax.plot(values, shares, rasterized=len(values) > drawing.MANY, **style)
    ax.set_ylim(-0.02, 1.02)
    drawing.legend(ax, "experiment (arms)")
    return ax


def _common(found: Sequence[Distribution]) -> Target:
    """Return the objective of all of *found*."""
    if not found:
        raise InvalidValueError("experiments", (), "Give one or more: plots.edf(experiment).")
    target = found[0].target
    for each in found[1:]:
        if dict(each.target.weights) != dict(target.weights) or each.target.minimize != target.minimize:
            remedy = f"{found[0].name!r} has {target.directed_label!r}: give metric=..., one that all have."
            raise InvalidValueError(f"objective of {each.name!r}", each.target.directed_label, remedy)
    return target
