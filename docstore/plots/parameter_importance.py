"""The importance of each parameter: how much of the objective's ranking it explains alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from docstore.documents.display import counted
from docstore.plots import drawing
from docstore.plots.drawing import Style
from docstore.plots.experiment_data import Dimension, PlotData, experiment_data
from docstore.search.experiments.data import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST: Final = 20
"""Fewer arms with a value tell nothing about importance."""
_GROUPS: Final = 8
"""The most groups that the values of a parameter are put into."""


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one parameter.

    Attributes:
        effect: the share of the variance of the objective's ranks that is between the groups of the parameter's
            values, less what chance gives: eta squared of the Kruskal-Wallis test, (H - k + 1) / (n - k). It is below 0
            where they differ less than by chance.
        by_chance: what a parameter without any effect exceeds in one case of twenty.
        groups: into how many groups its values were put; a number into groups of equal size.
    """

    parameter: str
    effect: float
    by_chance: float
    groups: int


@dataclass(frozen=True, slots=True)
class ParameterImportance:
    """The importance of each parameter that has two values or more, the most important one first; and of how many arms.

    Attributes:
        constant: the names of the parameters of which all arms have one value.
    """

    name: str
    target: Target
    arms: int
    parameters: tuple[Importance, ...]
    constant: tuple[str, ...]


def parameter_importance(data: PlotData, target: Target) -> ParameterImportance:
    """Return the importance of each parameter for *target*."""
    measured = [(arm, found[0]) for arm in data.arms if (found := target.drawable_on(arm)) is not None]
    if len(measured) < FEWEST:
        return ParameterImportance(data.name, target, len(measured), (), ())
    each_one: list[Importance] = []
    constant: list[str] = []
    for dimension in data.dimensions:
        placed = [(place, value) for arm, value in measured if (place := dimension.position(arm)) is not None]
        groups = _grouped(dimension, [place for place, _ in placed])
        if len(set(groups)) < 2 or len(placed) < FEWEST:
            constant.append(dimension.name)
            continue
        each_one.append(_importance(dimension.name, groups, _ranks([value for _, value in placed])))
    each_one.sort(key=lambda each: -each.effect)
    return ParameterImportance(data.name, target, len(measured), tuple(each_one), tuple(constant))


def _grouped(dimension: Dimension, places: Sequence[float]) -> list[int]:
    """Return the group of each value: of a choice, the value itself, rare ones together; of a number, by its rank."""
    most = max(2, min(_GROUPS, len(places) // (5 if dimension.scale == "choice" else 10)))
    if dimension.scale == "choice":
        common = [place for place, _ in Counter(places).most_common(most)]
        kept = common if len(set(places)) <= most else common[:-1]
        return [kept.index(place) if place in kept else most - 1 for place in places]
    ordered = sorted(places)
    edges = sorted({ordered[len(ordered) * step // most] for step in range(1, most)} - {ordered[0]}) if ordered else []
    return [bisect_right(edges, place) for place in places]


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1; equal values share the mean of theirs."""
    ranks = [0.0] * len(values)
    before = 0
    for _, equal in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        places = list(equal)
        for place in places:
            ranks[place] = before + (len(places) + 1) / 2
        before += len(places)
    return ranks


def _importance(name: str, groups: Sequence[int], ranks: Sequence[float]) -> Importance:
    n, k = len(ranks), len(set(groups))
    chance = (_chi_squared_of_95_percent(k - 1) - k + 1) / (n - k)
    return Importance(name, _effect(groups, ranks), chance, k)


def _effect(groups: Sequence[int], ranks: Sequence[float]) -> float:
    """Return eta squared of the ranks in these groups; 0 if all values are equal."""
    by_group: dict[int, list[float]] = {}
    for group, rank in zip(groups, ranks, strict=True):
        by_group.setdefault(group, []).append(rank)
    n, k, mean = len(ranks), len(by_group), math.fsum(ranks) / len(ranks)
    spread = math.fsum((rank - mean) ** 2 for rank in ranks)
    if spread <= 0.0:
        return 0.0
    between = math.fsum(len(each) * (math.fsum(each) / len(each) - mean) ** 2 for each in by_group.values())
    h = (n - 1) * between / spread  # Kruskal and Wallis, corrected for ties
    return (h - k + 1) / (n - k)


def _chi_squared_of_95_percent(freedom: int) -> float:
    """Return what chi squared exceeds in one case of twenty, by Wilson and Hilferty: to one percent."""
    term = 2 / (9 * freedom)
    return float(freedom * (1 - term + 1.6448536 * math.sqrt(term)) ** 3)


def importance(experiment: Any, *, metric: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw how much of the objective's ranking each parameter explains alone, and return the axes.

    The measure is eta squared of the Kruskal-Wallis test, from 0 to 1: the values of a parameter are put into groups (a
    choice by its values, a number into up to 8 of equal size), and it is the share of the variance of the objective's
    ranks that lies between them, less what chance gives. The line says what a parameter without any effect exceeds in
    one case of twenty. Both directions of an effect count, and so does an optimum in the middle. What parameters do
    only together does not; and where the search tried two of them together, each has the effect of both. With fewer
    than 20 arms it draws no bars, and says so.

    Args:
        experiment, metric, ax: as for ``objective``.

    Raises:
        InvalidValueError, EncodeError, MissingDependencyError: as ``objective``.
    """
    data = experiment_data(experiment)
    found = parameter_importance(data, data.target(metric, otherwise="Name one by metric='...'."))
    drawn = found.parameters[::-1]
    ax = drawing.axes_for(ax, (7.2, max(2.4, 1.3 + 0.27 * len(drawn))))
    drawing.label(ax, found.name)
    measure = f"{drawing.plain(found.target.label)}: share of its ranking explained\n(Kruskal-Wallis η², alone)"
    ax.set_xlabel(measure, fontsize="x-small" if drawing.has_legend_inside(ax) else None)
    if found.arms < FEWEST:
        return drawing.say(ax, f"too few trials: {found.arms} have a value,\nand importance needs {FEWEST}")
    if not drawn:
        return drawing.say(ax, "no parameter has two values")
    rows = range(len(drawn))
    bars: Style = {"color": drawing.SKY, "edgecolor": drawing.BLUE, "label": "effect"}
    ax.barh(rows, [max(0.0, each.effect) for each in drawn], height=0.65, linewidth=0.6, **bars)
    ax.plot([], [], color=drawing.VERMILLION, linewidth=1.6, label="by chance\n(1 in 20 exceeds)")
    ax.vlines([e.by_chance for e in drawn], [r - 0.4 for r in rows], [r + 0.4 for r in rows], color=drawing.VERMILLION)
    ax.set_yticks(rows, [drawing.plain(each.parameter, 32) for each in drawn])
    ax.set_ylim(-0.6, len(drawn) - 0.4)
    ax.set_xlim(left=0.0)
    constant = f"\nnot varied: {counted(len(found.constant), 'parameter')}" if found.constant else ""
    drawing.legend(ax, f"{found.arms:,} arms{constant}")
    return ax
