"""``docstore trials``: the trials of an experiment, with their parameters and what was measured."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output, spread
from docstore.cli.settings import Settings

_COLUMNS: Final = ("trial", "status", "arm")


@command("trials")
@options.name
@options.revision
@click.option("--status", "statuses", metavar="STATUS", multiple=True, help="Of this status; repeat it for others.")
@options.output(names="the numbers of the trials")
def trials(
    settings: Settings, output: Output, *, name: str, revision: options.Revision | None, statuses: tuple[str, ...]
) -> None:
    """List the trials of an experiment.

    A trial with several arms has a line for each. Of a metric, it is the mean at the largest step, the last one.

    Examples:
        docstore trials cakes                    with parameters and metrics
        docstore trials cakes --status FAILED
        docstore trials cakes -r 3 -o csv        as they were in version 3
    """
    from docstore.search.experiments.rows import trial_rows

    wanted = {status.upper() for status in statuses}
    with settings.open() as store:
        rows = trial_rows(store.get(name, **options.version_of(revision)))
    shown = [asdict(row) for row in rows if not wanted or row.status in wanted]
    output.rows(*spread(shown, _COLUMNS, "parameters", "metrics"), name="trial", none="There are no such trials.")
