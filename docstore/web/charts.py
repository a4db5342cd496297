"""A plot as SVG, without a library: where its points, error bars, lines and labels are; ``chart.html`` writes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from docstore.web.formats import number

WIDTH: Final = 720
HEIGHT: Final = 320

_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 34, 44
"""The margins; labels stand in them."""

_TICKS: Final = 7
"""At most about so many labels of an axis."""

_MOST: Final = 1e300
"""Values beyond it are not plotted: the length of an axis has to be a float, too."""

_BARS: Final = 0.5
"""How far error bars make the axis longer than the values do, at most, at each end; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value at *x*, with its standard error if there is one, and *text* about it for who points at it."""

    x: float
    y: float
    sem: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis, and where it is."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the plot."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot of *WIDTH* by *HEIGHT* units; y goes downward.

    Attributes:
        title, summary: what it shows, for who cannot see it.
        left, right, top, bottom: the ends of the axes.
        bars, line: paths of SVG: the error bars, and the best so far.
        is_dense: whether there are so many dots that they are drawn small.
    """

    title: str
    summary: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    dots: list[Dot]
    bars: str
    line: str
    is_dense: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class Labels:
    """The texts of a plot; see ``Chart``."""

    title: str
    summary: str
    x: str
    y: str


def chart(values: Sequence[Measured], line: Sequence[tuple[float, float]], labels: Labels) -> Chart | None:
    """Return the plot of *values* and of a *line* of steps through these points; None if no value is finite."""
    shown = [each for each in values if _is_plotted(each.x, each.y)]
    if not shown:
        return None
    across = _Axis(*_range([each.x for each in shown]), _LEFT, WIDTH - _RIGHT)
    down = _Axis(*_with_bars(shown), HEIGHT - _BOTTOM, _TOP)
    steps = [(across.place(x), down.place(y)) for x, y in line if _is_plotted(x, y)]
    return Chart(
        labels.title,
        labels.summary,
        labels.x,
        labels.y,
        across.ticks(whole=True),
        down.ticks(),
        [Dot(across.place(each.x), down.place(each.y), each.text) for each in shown],
        "".join(_bar(each, across, down) for each in shown),
        _steps(steps),
        len(shown) > 300,
    )


def _is_plotted(x: float, y: float) -> bool:
    return abs(x) < _MOST and abs(y) < _MOST


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - _half(low), high + _half(high))


def _half(value: float) -> float:
    """Return half of the length of an axis that has one value only."""
    return abs(value) / 2 or 0.5


def _with_bars(values: Sequence[Measured]) -> tuple[float, float]:
    """Return the ends of an axis that has room for the values, and for their error bars unless they are very long."""
    low, high = _range([each.y for each in values])
    most = _BARS * (high - low)
    sems = [(each.y, each.sem) for each in values if each.sem is not None and math.isfinite(each.sem)]
    lowest = max(min([low, *(y - sem for y, sem in sems)]), low - most)
    highest = min(max([high, *(y + sem for y, sem in sems)]), high + most)
    room = (highest - lowest) / 40
    return lowest - room, highest + room


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis from *low* to *high*, which stand at *start* and *end*."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return where *value* is, to a tenth of a unit; what is beyond an end is at the end."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * min(max(share, 0.0), 1.0), 1)

    def ticks(self, *, whole: bool = False) -> list[Tick]:
        """Return labels at round numbers; only at *whole* ones, if so."""
        return [Tick(self.place(each), number(each)) for each in _round_numbers(self.low, self.high, whole=whole)]


def _round_numbers(low: float, high: float, *, whole: bool) -> Iterator[float]:
    """Yield three to eight multiples of 1, 2 or 5 times a power of ten from *low* to *high*."""
    rough = (high - low) / _TICKS
    if rough < 1 / _MOST:
        return
    power = math.floor(math.log10(rough))
    step = next(each for each in (1, 2, 5, 10) if rough <= each * 10.0**power) * 10.0**power
    if whole:
        step = max(step, 1.0)
    for count in range(math.ceil(low / step), math.floor(high / step) + 1):
        value = round(count * step, max(0, 1 - power))
        yield int(value) if whole else value


def _bar(value: Measured, across: _Axis, down: _Axis) -> str:
    if value.sem is None or not math.isfinite(value.sem) or value.sem <= 0:
        return ""
    x, low, high = across.place(value.x), down.place(value.y - value.sem), down.place(value.y + value.sem)
    return f"M{x:g} {low:g}V{high:g}"


def _steps(points: Sequence[tuple[float, float]]) -> str:
    """Return the path that goes from each point straight on, and then up or down to the next."""
    if not points:
        return ""
    path, last = [f"M{points[0][0]:g} {points[0][1]:g}"], points[0]
    for x, y in points[1:]:
        if y != last[1]:
            path.append(f"H{x:g}V{y:g}")
            last = (x, y)
    return "".join([*path, f"H{points[-1][0]:g}"])
