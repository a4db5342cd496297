"""``docstore trials``: the trials of an experiment, with their parameters and what was measured."""

from __future__ import annotations

from dataclasses import asdict
from operator import itemgetter
from typing import Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output, spread
from docstore.cli.settings import Settings

_COLUMNS: Final = ("trial", "status", "arm")

_OF_RUNNING: Final = ("since", "heard_of")
"""Columns that are there while a trial runs."""


@command("trials")
@options.name
@options.revision
@click.option("--status", "statuses", metavar="STATUS", multiple=True, help="Of this status; repeat it for others.")
@options.output(names="the numbers of the trials")
def trials(
    settings: Settings, output: Output, *, name: str, revision: options.Revision | None, statuses: tuple[str, ...]
) -> None:
    """List the trials of an experiment.

    A trial with several arms has a line for each. A metric has its mean at the largest step, the last one. Trials that
    run in an Optuna storage of docstore's are RUNNING; they began at since, by the clock of their machine.

    Examples:
        docstore trials cakes                    with parameters and metrics
        docstore trials cakes --status FAILED
        docstore trials cakes -r 3 -o csv        as they were in version 3
    """
    from docstore.model.statuses import TrialStatus
    from docstore.search.experiments.rows import trial_rows
    from docstore.search.experiments.running import still_running

    wanted = {status.upper() for status in statuses}
    with settings.open() as store:
        found = store.running_trials(name) if revision is None else []
        rows = [asdict(row) for row in trial_rows(store.get(name, **options.version_of(revision)))]
    running = {each.trial: each for each in still_running(found, {row["trial"]: row["status"] for row in rows})}
    rows = [row for row in rows if row["trial"] not in running]
    rows += [{"status": "RUNNING", **asdict(each)} for each in running.values()]
    known = [*TrialStatus.__members__, *sorted({row["status"] or "" for row in rows} - TrialStatus.__members__.keys())]
    if unknown := wanted.difference(known):
        raise click.UsageError(f"a trial has no status {min(unknown)!r}. There is {', '.join(filter(None, known))}.")
    shown = sorted((row for row in rows if not wanted or row["status"] in wanted), key=itemgetter("trial"))
    columns = (*_COLUMNS, *(_OF_RUNNING if any("since" in row for row in shown) else ()))
    output.rows(*spread(shown, columns, "parameters", "metrics"), name="trial", none="There are no such trials.")
