"""``docstore plot``: a picture of an experiment or of its history, in a file."""

from __future__ import annotations

from typing import Final

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.completion import complete_files
from docstore.cli.settings import Settings

PLOTS: Final = (
    "objective",
    "pareto",
    "slices",
    "parallel",
    "importance",
    "edf",
    "curves",
    "statuses",
    "history",
)
"""The keys of ``docstore.plots.PLOTS``, which is not imported for help or completion; a test compares them."""


@command("plot")
@options.name
@click.option("--plot", type=click.Choice(PLOTS), default=PLOTS[0], show_default=True, help="Which picture.")
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Draw this metric in place of the objective; pareto: two.",
)
@options.revision
@click.option(
    "-o",
    "--output",
    "file",
    metavar="FILE",
    required=True,
    shell_complete=complete_files,
    help="Where to write it: a .pdf, .svg or .png file, or a URL of one.",
)
@click.option("--dpi", type=click.FloatRange(min=1, max=2400), default=200, show_default=True, help="Dots per inch.")
def plot(
    settings: Settings,
    *,
    name: str,
    plot: str,
    metrics: tuple[str, ...],
    revision: options.Revision | None,
    file: str,
    dpi: float,
) -> None:
    """Draw a picture of an experiment into a file.

    The objective by trial with the best so far, the Pareto front of several objectives, slices by parameter, parallel
    coordinates, the importance of parameters, the distribution (EDF), learning curves, trials by status over time, or
    the history: who changed what.

    Examples:
        docstore plot cakes -o cakes.png
        docstore plot cakes --plot slices --metric taste -o slices.pdf
        docstore plot cakes --plot pareto --metric taste --metric price -o front.pdf
        docstore plot cakes --plot statuses -r published -o statuses.svg
        docstore plot cakes --plot history -o history.pdf
    """
    from docstore import plots
    from docstore.cli.move.targets import shown

    metric = metrics[0] if len(metrics) == 1 else metrics or None
    with settings.open() as store:
        figure = plots.figure(plot, store, name, metric=metric, **options.version_of(revision))
    plots.save(figure, file, dpi=dpi)
    exits.say(f"the plot {plot} of {name!r} is in {shown(file)}")
