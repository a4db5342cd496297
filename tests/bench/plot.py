"""A picture of cost against n: an SVG of straight lines on logarithmic axes, a panel for each database."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

Curves: TypeAlias = Mapping[str, Sequence[tuple[int, float]]]
"""The milliseconds at each n, by operation."""

COLOURS = ("#4269d0", "#efb118", "#ff725c", "#3ca951", "#a463f2", "#6cc5b0")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, LEGEND = 330, 300, 56, 26, 34, 42, 34


def write(path: Path, panels: Mapping[str, Curves], caption: str) -> None:
    """Write the picture of *panels*, each with its title; all have the same axes."""
    curves = [points for panel in panels.values() for points in panel.values()]
    titles = list(dict.fromkeys(title for panel in panels.values() for title in panel))
    colours = dict(zip(titles, COLOURS, strict=False))
    sizes = [n for points in curves for n, _ in points]
    costs = [cost for points in curves for _, cost in points]
    axes = Axes(min(sizes), max(sizes), min(costs), max(costs))
    parts = [part for i, (title, panel) in enumerate(panels.items()) for part in axes.panel(i, title, panel, colours)]
    width, height = max(WIDTH * len(panels), 840), HEIGHT + LEGEND + 22 * (1 + (len(titles) - 1) // 3)
    parts += legend(colours, caption)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11" fill="#333"><rect width="{width}" height="{height}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


class Axes:
    """Where a size and a cost are in a panel."""

    def __init__(self, least: int, most: int, cheapest: float, dearest: float) -> None:
        self.x = math.log10(least), math.log10(max(most, least * 10))
        self.y = math.floor(math.log10(cheapest)), math.ceil(math.log10(dearest))

    def place(self, panel: int, n: float, cost: float) -> tuple[float, float]:
        """Return the point of a cost at n."""
        across = (math.log10(n) - self.x[0]) / (self.x[1] - self.x[0])
        up = (math.log10(cost) - self.y[0]) / (self.y[1] - self.y[0])
        x = panel * WIDTH + LEFT + across * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1)

    def panel(self, index: int, title: str, curves: Curves, colours: Mapping[str, str]) -> Iterator[str]:
        """Yield the parts of one panel: its title, its grid and its lines."""
        left, right = index * WIDTH + LEFT, (index + 1) * WIDTH - RIGHT
        yield f'<text x="{left}" y="20" font-size="13" font-weight="bold">{title}</text>'
        for power in range(self.y[0], self.y[1] + 1):
            y = self.place(index, 10 ** self.x[0], 10**power)[1]
            yield f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>'
            yield f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{milliseconds(10.0**power)}</text>'
        for power in range(math.ceil(self.x[0]), math.floor(self.x[1]) + 1):
            x = self.place(index, 10**power, 10 ** self.y[0])[0]
            yield f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{10**power:,}</text>'
        middle = (left + right) / 2
        yield f'<text x="{middle}" y="{HEIGHT - BOTTOM + 32}" text-anchor="middle" fill="#777">trials</text>'
        for name, points in curves.items():
            places = [self.place(index, n, cost) for n, cost in points]
            line = " ".join(f"{x},{y}" for x, y in places)
            yield f'<polyline points="{line}" fill="none" stroke="{colours[name]}" stroke-width="2"/>'
            yield from (f'<circle cx="{x}" cy="{y}" r="3" fill="{colours[name]}"/>' for x, y in places)


def legend(colours: Mapping[str, str], caption: str) -> Iterator[str]:
    """Yield the names of the lines, three side by side, and the caption."""
    for i, (name, colour) in enumerate(colours.items()):
        x, y = LEFT + (i % 3) * 270, HEIGHT + 16 + 22 * (i // 3)
        yield f'<line x1="{x}" x2="{x + 18}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>'
        yield f'<text x="{x + 24}" y="{y}">{name}</text>'
    rows = 1 + (len(colours) - 1) // 3
    yield f'<text x="{LEFT}" y="{HEIGHT + 16 + 22 * rows}" fill="#777">{caption}</text>'


def milliseconds(value: float) -> str:
    """Return a power of ten of milliseconds as one says it."""
    return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"
