"""Plots of experiments and of histories by Matplotlib: each function takes axes, and returns those that it drew on.

``plots.objective(experiment)`` draws on new axes, which a notebook shows as a picture; with ``ax=``, on yours. An
experiment is one of docstore or of Ax, or the JSON that ``store.get`` returns, at any version. Neither ``rcParams`` nor
pyplot is touched: a new figure is known to nobody but its axes, and is gone with them.

Where an experiment has nothing to draw yet, the axes say so. An argument that can never be drawn raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from inspect import signature
from io import BytesIO
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Final

from docstore.errors import InvalidValueError
from docstore.json_store.files import write
from docstore.json_store.remote import shown as without_password
from docstore.plots import drawing
from docstore.plots.distribution import edf
from docstore.plots.learning_curves import curves
from docstore.plots.objective_by_trial import objective
from docstore.plots.parallel_coordinates import parallel
from docstore.plots.parameter_importance import importance
from docstore.plots.parameter_slices import slice, slices
from docstore.plots.pareto_front import pareto
from docstore.plots.trial_statuses import statuses
from docstore.plots.version_changes import history

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from docstore.store.store import Store

__all__ = [
    "PLOTS",
    "curves",
    "edf",
    "figure",
    "history",
    "importance",
    "objective",
    "parallel",
    "pareto",
    "save",
    "slice",
    "slices",
    "statuses",
]

PLOTS: Final[Mapping[str, Callable[..., Axes | list[Axes]]]] = {
    "objective": objective,
    "pareto": pareto,
    "slices": slices,
    "parallel": parallel,
    "importance": importance,
    "edf": edf,
    "curves": curves,
    "statuses": statuses,
    "history": history,
}
"""The plots of one document, by the name that ``figure`` takes."""

FORMATS: Final = ("pdf", "svg", "png")


def figure(
    plot: str,
    store: Store,
    name: str,
    *,
    metric: str | Sequence[str] | None = None,
    version: int | None = None,
    tag: str | None = None,
    at: datetime | None = None,
) -> Figure:
    """Return a new figure of a stored experiment, as it is now or was at one version.

    Args:
        plot: one of ``PLOTS``; the history is of all versions.
        metric: what to draw in place of the objective, where the plot takes one; for ``"pareto"`` two.
        version, tag, at: which version, as for ``store.get``.

    Raises:
        InvalidValueError: there is no such plot, or it takes no metric or no version; or as the plot.
        DocumentNotFoundError, VersionNotFoundError, DamagedDocumentError: as ``store.get``.
        MissingDependencyError: Matplotlib is not installed.
    """
    if plot not in PLOTS:
        raise InvalidValueError("plot", plot, f"Give one of {', '.join(map(repr, PLOTS))}.")
    options: drawing.Style = {} if metric is None else {"metrics" if plot == "pareto" else "metric": metric}
    if not options.keys() <= signature(PLOTS[plot]).parameters.keys():
        raise InvalidValueError(f"metric of the plot {plot!r}", metric, "It takes none: leave it out.")
    if plot != "history":
        drawn = PLOTS[plot](store.get(name, version=version, tag=tag, at=at), **options)
        return drawing.figure_of(drawn)
    for argument, value in {"version": version, "tag": tag, "at": at}.items():
        if value is not None:
            raise InvalidValueError(f"{argument} of the plot 'history'", value, "It is of all versions: leave it out.")
    ax = history(store.history(name))
    drawing.title(ax, name)
    return drawing.figure_of(ax)


def save(drawn: Axes | list[Axes] | Figure, path: str | PathLike[str], *, dpi: float = 200.0) -> None:
    """Write a figure to *path*: a PDF, an SVG or a PNG by its ending; the same picture gives the same PDF and PNG.

    The path may be a URL. A file that is there is replaced as a whole.

    Args:
        drawn: a figure, or axes on it.
        dpi: of a PNG, and of what a PDF or an SVG has as pixels: the points of a plot that has more than 2,000.

    Raises:
        InvalidValueError: the path has another ending.
        FileAccessError: the file cannot be written.
        MissingDependencyError: it is a URL, and a package that writes there is not installed.
    """
    file = fspath(path)
    ending = file.rpartition(".")[2].lower()
    if ending not in FORMATS:
        raise InvalidValueError("path of a plot", without_password(file), f"End it in one of .{', .'.join(FORMATS)}.")
    # Without the time at which the file was written.
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[ending]
    shown: Any = drawn if hasattr(drawn, "savefig") else drawing.figure_of(drawn)
    data = BytesIO()
    drawing.write(shown, data, format=ending, dpi=dpi, metadata=undated)
    write(file, data.getvalue())
