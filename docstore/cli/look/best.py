"""``docstore best``: the best arms of an experiment."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output, spread
from docstore.cli.settings import Settings

_COLUMNS: Final = ("value", "arm", "trial", "feasible")


@command("best")
@options.name
@options.revision
@click.option("--top", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@options.output(names="the names of the arms")
def best(settings: Settings, output: Output, *, name: str, revision: options.Revision | None, top: int) -> None:
    """List the best arms of an experiment.

    By its objective; first those that fulfil its outcome constraints. Trials that failed or were abandoned do not
    count.

    Examples:
        docstore best cakes             the best arm, with its parameters and metrics
        docstore best cakes --top 10
        docstore best cakes -r published -o json    as it was in the version with this tag
    """
    with settings.open() as store:
        arms = store.best(name, top, **options.version_of(revision))
    known = {"arm_name": "arm", "trial_index": "trial", "is_feasible": "feasible"}
    rows = [{known.get(key, key): value for key, value in asdict(arm).items()} for arm in arms]
    shown = spread(rows, _COLUMNS, "parameters", "metrics")
    none = "The objective was measured on no arm; `docstore trials` shows what was measured."
    output.rows(*shown, name="arm", none=none)
