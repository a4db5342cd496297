"""A plot as SVG, without a library: where its points, error bars, lines and labels are; ``chart.html`` writes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from docstore.web.formats import number

WIDTH: Final = 720
HEIGHT: Final = 320

SMALL: Final = (460, 240)
"""The width and the height of a plot that stands beside others."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 34, 44
"""The margins; labels stand in them."""

_NO_LABEL: Final = 14
"""The margin at the top of a plot whose y axis has no label."""

_TICKS: Final = 7
"""At most about so many labels of an axis."""

_MOST: Final = 1e300
"""Values beyond it are not plotted: the length of an axis has to be a float, too."""

_BARS: Final = 0.5
"""How far error bars make the axis longer than the values do, at most, at each end; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value at *x*, with its standard error if there is one, and *text* about it for who points at it.

    Attributes:
        x_sem: the standard error of *x*, if it was measured too.
        mark: how its dot is drawn, as ``style.css`` names it.
    """

    x: float
    y: float
    sem: float | None
    text: str
    x_sem: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis, and where it is."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the plot; *mark* as in ``Measured``."""

    x: float
    y: float
    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot of *width* by *height* units; y goes downward.

    Attributes:
        title, summary: what it shows, for who cannot see it.
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
    width: int
    height: int

    @property
    def left(self) -> int:
        """Where the x axis begins."""
        return _LEFT

    @property
    def right(self) -> int:
        """Where the x axis ends."""
        return self.width - _RIGHT

    @property
    def bottom(self) -> int:
        """Where the x axis is."""
        return self.height - _BOTTOM


@dataclass(frozen=True, slots=True)
class Labels:
    """The texts of a plot; see ``Chart``. Without *y*, the label of that axis stands elsewhere."""

    title: str
    summary: str
    x: str
    y: str


def chart(
    values: Sequence[Measured],
    line: Sequence[tuple[float, float]],
    labels: Labels,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    *,
    by_trial: bool = True,
) -> Chart | None:
    """Return the plot of *values* and of a *line* of steps through these points; None if no value is finite.

    Args:
        size: its width and its height.
        by_trial: whether x is the index of a trial, and no value that was measured.
    """
    shown = [each for each in values if _is_plotted(each.x, each.y)]
    if not shown:
        return None
    width, height = size
    xs = [(each.x, each.x_sem) for each in shown]
    across = _Axis(*(_range([x for x, _ in xs]) if by_trial else _with_bars(xs)), _LEFT, width - _RIGHT)
    down = _Axis(*_with_bars([(each.y, each.sem) for each in shown]), height - _BOTTOM, _TOP if labels.y else _NO_LABEL)
    steps = [(across.place(x), down.place(y)) for x, y in line if _is_plotted(x, y)]
    return Chart(
        labels.title,
        labels.summary,
        labels.x,
        labels.y,
        across.ticks(whole=by_trial),
        down.ticks(),
        [Dot(across.place(each.x), down.place(each.y), each.text, each.mark) for each in shown],
        "".join(_bars(each, across, down) for each in shown),
        _steps(steps),
        len(shown) > 300,
        width,
        height,
    )


def _is_plotted(x: float, y: float) -> bool:
    return abs(x) < _MOST and abs(y) < _MOST


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if low < high else (low - _half(low), high + _half(high))


def _half(value: float) -> float:
    """Return half of the length of an axis that has one value only."""
    return abs(value) / 2 or 0.5


def _with_bars(values: Sequence[tuple[float, float | None]]) -> tuple[float, float]:
    """Return the ends of an axis that has room for the values, and for their error bars unless they are very long."""
    low, high = _range([value for value, _ in values])
    most = _BARS * (high - low)
    sems = [(value, sem) for value, sem in values if sem is not None and math.isfinite(sem)]
    lowest = max(min([low, *(value - sem for value, sem in sems)]), low - most)
    highest = min(max([high, *(value + sem for value, sem in sems)]), high + most)
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


def _bars(value: Measured, across: _Axis, down: _Axis) -> str:
    """Return the path of the error bars of a value: upright, and flat if x was measured too."""
    x, y = across.place(value.x), down.place(value.y)
    ends = _ends(value.y, value.sem, down)
    flat = _ends(value.x, value.x_sem, across)
    return (f"M{x:g} {ends[0]:g}V{ends[1]:g}" if ends else "") + (f"M{flat[0]:g} {y:g}H{flat[1]:g}" if flat else "")


def _ends(value: float, sem: float | None, axis: _Axis) -> tuple[float, float] | None:
    if sem is None or not math.isfinite(sem) or sem <= 0:
        return None
    return axis.place(value - sem), axis.place(value + sem)


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
