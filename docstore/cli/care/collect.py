"""``docstore collect``: files beside the database that no document refers to."""

from __future__ import annotations

from datetime import timedelta

import click

from docstore.cli import exits, options, progress
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings
from docstore.cli.text import counted


@command("collect")
@click.option("--artifacts", metavar="URL", required=True, help="The folder or URL of the files beside the database.")
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Keep what was put since then.",
)
@options.dry_run
@options.yes
@options.output(names="the digests")
def collect(settings: Settings, output: Output, *, artifacts: str, days: int, dry_run: bool, yes: bool) -> None:
    """Delete artifacts that no version of any document refers to.

    The folder must belong to this database alone. Files that were put in the last days stay, as the save that refers to
    them may follow.

    Examples:
        docstore collect --artifacts lab-artifacts -n    list them
        docstore collect --artifacts s3://lab/artifacts --days 7 -y
    """
    with settings.open(writes=not dry_run, artifacts=artifacts) as store:
        if not dry_run:
            options.confirm("Delete the artifacts that no document refers to, for good?", yes=yes)
        found = store.artifacts.collect(grace=timedelta(days=days), dry_run=dry_run, progress=progress.bar())
    output.rows(({"digest": digest} for digest in found.digests), ("digest",), name="digest")
    done = "would be deleted" if dry_run else "deleted"
    exits.say(f"{counted(len(found.digests), 'artifact')} {done}, {counted(found.freed, 'byte')}; {found.kept:,} kept.")
