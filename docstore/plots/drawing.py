"""How plots look: new axes without pyplot, colours and markers that differ without colour, legends beside the data."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from docstore.errors import InvalidValueError, MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

Style: TypeAlias = dict[str, Any]
"""Keyword arguments of Matplotlib."""

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
"""The palette of Okabe and Ito without its yellow, which is too light for a line, and with grey for black."""
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY = COLOURS
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
LINES: Final[Sequence[Any]] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))

MANY: Final = 2_000
"""More points than this are a picture of pixels in a PDF or an SVG, which would be slow to open otherwise."""

_LONGEST: Final = 40
"""Characters of a name that a plot shows."""


def axes_for(ax: Axes | None, size: tuple[float, float] = (7.2, 4.0)) -> Axes:
    """Return *ax*; or the axes of a new figure of *size* inches, which pyplot does not know.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
        InvalidValueError: *ax* is no axes.
    """
    if ax is None:
        return new_grid(1, 1, size)[0]
    _check_installed()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise InvalidValueError("ax", ax, "Give axes, as plt.subplots() returns them: figure, ax = plt.subplots().")
    return ax


def new_grid(rows: int, columns: int, size: tuple[float, float]) -> list[Axes]:
    """Return the axes of a new figure of *size* inches, row by row; pyplot does not know it.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    _check_installed()
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    shown = _shown_axes()
    return [figure.add_subplot(rows, columns, place + 1, axes_class=shown) for place in range(rows * columns)]


def _check_installed() -> None:
    try:
        import matplotlib  # noqa: F401  # whether it is there
    except ImportError as error:
        raise MissingDependencyError("Matplotlib", extra="plot", purpose="docstore.plots") from error


@cache
def _shown_axes() -> type[Axes]:
    """Return a class of axes that a notebook shows as a picture, though pyplot does not know their figure."""
    from matplotlib.axes import Axes

    class ShownAxes(Axes):
        def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
            figure, file = figure_of(self), io.BytesIO()
            write(figure, file, format="png", dpi=160)
            width, height = figure.get_size_inches()
            return file.getvalue(), {"width": round(width * 80), "height": round(height * 80)}

    return ShownAxes


def write(figure: Figure, file: Any, **options: Any) -> None:
    """Save *figure*; characters that no font of Matplotlib's settings has are boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        figure.savefig(file, **options)


def plain(text: str, longest: int = _LONGEST) -> str:
    """Return *text* as ``abbreviated`` does, so that Matplotlib reads no mathematics in it."""
    shown = abbreviated(text, longest).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown  # a legend leaves out what begins with an underscore


def abbreviated(text: str, longest: int) -> str:
    """Return *text* on one line, without control characters, and cut in the middle where it is too long."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    tail = longest // 3
    return line if len(line) <= longest else f"{line[: longest - tail - 1]}…{line[-tail:]}"


def title(ax: Axes, text: str) -> None:
    """Write the title."""
    ax.set_title(plain(text, 60), loc="left", fontsize="medium")


def label(ax: Axes, name: str, x: str = "", y: str = "") -> None:
    """Write the *name* of the experiment as the title, and those of both axes."""
    title(ax, name)
    ax.set_xlabel(plain(x, 60))
    ax.set_ylabel(plain(y, 48))
    ax.spines[["top", "right"]].set_visible(False)


def say(ax: Axes, text: str, axis: str = "xy") -> Axes:
    """Write *text* in place of a plot, take away the ticks of each *axis*, and return *ax*."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, wrap=True)
    if "x" in axis:
        ax.set_xticks([])
    ax.set_yticks([])
    return ax


def ink(ax: Axes) -> Any:
    """Return the colour of text on *ax*, which a style sheet of the user's may have made white."""
    return ax.xaxis.label.get_color()


def is_dark(ax: Axes) -> bool:
    """Return whether the background of *ax* is dark."""
    from matplotlib.colors import to_rgb

    return sum(to_rgb(ax.get_facecolor())) < 1.5


def is_narrow(ax: Axes) -> bool:
    """Return whether *ax* is narrower than four inches, as one of several on a page is."""
    return ax.bbox.width < 4.0 * ax.figure.dpi


def has_legend_inside(ax: Axes) -> bool:
    """Return whether there is no room beside *ax*: they are narrow, or no layout engine of their figure makes any."""
    return is_narrow(ax) or figure_of(ax).get_layout_engine() is None


def legend(ax: Axes, title: str | None = None, *, inside: str = "best", **options: Any) -> None:
    """Put the legend at the right, outside of the data; or, if there is no room, *inside* the axes."""
    handles, texts = ax.get_legend_handles_labels()
    if texts:
        size = "x-small" if is_narrow(ax) else "small"
        options |= {"title": title, "title_fontsize": size, "alignment": "left", "fontsize": size}
        if has_legend_inside(ax):
            options |= {"loc": inside, "framealpha": 0.7, "handlelength": 1.4}
        else:
            options |= {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0, "frameon": False}
        _readable(ax.legend(handles, texts, **options))


def legend_above(ax: Axes) -> None:
    """Put the legend above the data, below the title: side by side, or on narrow axes one below the other."""
    texts = ax.get_legend_handles_labels()[1]
    if texts:
        columns = 1 if is_narrow(ax) else len(texts)
        ax.set_title(ax.get_title("left"), loc="left", fontsize="medium", pad=8.0 + 13.0 * len(texts) / columns)
        place: Style = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.0, "borderpad": 0.2}
        _readable(ax.legend(frameon=False, fontsize="small", ncols=columns, **place))


def figure_legend(drawn: Sequence[Axes], columns: int) -> None:
    """Put one legend of several axes above them, at the right; below them, if they have less than 3 *columns*."""
    found: dict[str, Any] = {}
    for ax in drawn:
        for handle, text in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(text, handle)
    if found:
        is_wide = columns > 2
        place: Style = {"loc": f"outside {'upper right' if is_wide else 'lower left'}", "frameon": False}
        place |= {"ncols": len(found) if is_wide else columns, "fontsize": "small"}
        _readable(figure_of(drawn).legend(found.values(), found.keys(), **place))


def _readable(legend: Legend) -> None:
    """Let the markers of *legend* be large and opaque, however small those of the data are."""
    from matplotlib.collections import PathCollection

    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
        if isinstance(handle, PathCollection):
            handle.set_sizes([max(24.0, *handle.get_sizes())])
            widths: Any = handle.get_linewidth()
            handle.set_linewidth(max(1.0, *widths))


HOLLOW: Final[Style] = {
    "marker": "s",
    "facecolors": "none",
    "edgecolors": ORANGE,
    "zorder": 1.9,
    "label": "constraint violated\nor unknown",
}
"""The marker of what is not known to fulfil each constraint."""


def points(ax: Axes, x: Sequence[float], y: Sequence[float], *, total: int, **style: Any) -> None:
    """Draw a point for each pair: the smaller and the more transparent, the more the plot has in *total*."""
    given: Style = {"s": size_of(total), "alpha": alpha_of(total), "linewidths": 0.5 if total <= 200 else 0.0}
    if style.get("facecolors") == "none":
        given["linewidths"] = 1.1 if total <= 200 else 0.6
    else:
        given["edgecolors"] = ax.get_facecolor()
    ax.scatter(x, y, rasterized=total > MANY, **(given | style))


def size_of(total: int) -> float:
    """Return the area of a marker, in square points, if there are *total* of them."""
    return min(34.0, max(5.0, 34.0 * math.sqrt(40 / max(total, 1))))


def alpha_of(total: int) -> float:
    """Return the opacity of a marker if there are *total* of them."""
    return min(0.9, max(0.35, 0.9 - 0.25 * math.log10(max(total, 1) / 100)))


def error_bars(ax: Axes, x: Sequence[float], y: Sequence[float], sems: Sequence[float | None], *, total: int) -> None:
    """Draw a standard error up and down for each point that has one."""
    known = [(a, b, sem) for a, b, sem in zip(x, y, sems, strict=True) if sem is not None]
    if known:
        a, b, sem = zip(*known, strict=True)
        width, alpha = (1.1, 0.8) if total <= 200 else (0.5, 0.25)
        bars = ax.errorbar(a, b, yerr=sem, fmt="none", ecolor=GREY, elinewidth=width, alpha=alpha)
        rasterize(bars.get_children(), total)


def rasterize(artists: Iterable[Artist], total: int) -> None:
    """Let *artists* be pixels in a PDF or an SVG if they have more than ``MANY`` points."""
    for each in artists:
        each.set_rasterized(total > MANY)


def edge_marks(ax: Axes, x: Sequence[float], label: str, *, height: float, marker: str, color: str) -> None:
    """Mark trials without a value along the lower edge, at *height* of the axes; many are thin lines."""
    if not x:
        return
    is_many = len(x) > 200
    ax.scatter(
        x,
        [height] * len(x),
        s=26.0,
        marker="|" if is_many else marker,
        color=color,
        linewidths=0.5 if is_many else 1.1,
        alpha=0.5 if is_many else 1.0,
        transform=ax.get_xaxis_transform(),
        label=label,
        rasterized=len(x) > MANY,
        zorder=3,
    )
    # The height is not of the data, so Matplotlib would not look at these for the limits.
    ax.update_datalim([(each, 0.0) for each in x], updatey=False)
    ax.autoscale_view(scaley=False)


def date_axis(ax: Axes, times: Sequence[datetime]) -> None:
    """Let the x axis show dates: *times* are in UTC, or none has a zone."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]  # Matplotlib's own gap
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # the same
    has_zone = any(each.tzinfo is not None for each in times)
    # At the right is what all dates have in common, the year or the day.
    text = "time (UTC)" if has_zone else "time (as saved, without a zone)"
    ax.set_xlabel(text, loc="left" if is_narrow(ax) else "center")


def whole_numbers(ax: Axes, axis: str = "x") -> None:
    """Let the ticks of an axis be at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    which = ax.xaxis if axis == "x" else ax.yaxis
    which.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def figure_of(drawn: Axes | Sequence[Axes]) -> Figure:
    """Return the figure that axes, or several of them, are on."""
    figure: Any = (drawn[0] if isinstance(drawn, Sequence) else drawn).figure
    return figure.figure  # type: ignore[no-any-return]  # of a figure itself, and of a part of one, the whole
