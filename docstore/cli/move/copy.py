"""``docstore copy``: documents into another database, with their whole history."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Final

import click

from docstore.cli import exits, options, progress
from docstore.cli.command import command
from docstore.cli.completion import complete_files, complete_names
from docstore.cli.move.targets import open_target
from docstore.cli.output import Output
from docstore.cli.settings import Settings

_COLUMNS: Final = ("kind", "name", "versions", "status")


@command("copy")
@click.argument("names", nargs=-1, shell_complete=complete_names)
@click.option(
    "--to",
    metavar="URL",
    required=True,
    shell_complete=complete_files,
    help="The other database; a SQLite file is made.",
)
@click.option("--to-project", metavar="NAME", help="The project in it; without it, the one of the same name.")
@options.any_kind
@options.dry_run
@options.output(names="the names")
def copy(
    settings: Settings,
    output: Output,
    *,
    names: tuple[str, ...],
    to: str,
    to_project: str | None,
    kind: str | None,
    dry_run: bool,
) -> None:
    """Copy documents to another database, with their whole history.

    NAMES are documents of the kind, or experiments, which are copied with what belongs to them; without any, all of the
    project are copied, deleted ones too. Each is verified before it is committed. After an interruption, and when
    documents were saved since, the same command copies what is missing.

    Examples:
        docstore copy --to postgresql://ada@host/lab     everything
        docstore copy cakes pies --to archive.db
        docstore copy -k note --to archive.db -n         what would become of each
    """
    _, project = settings.database()
    with settings.open() as store:
        for name in names:
            store.version(name, kind=kind or "experiment")  # a name that is wrong makes no file
        with open_target(to, to_project or project, dry_run=dry_run) as target:
            done = store.copy_to(target, names or None, kind=kind, dry_run=dry_run, progress=progress.bar())
    output.rows(map(asdict, done), _COLUMNS)
    counts = Counter(each.status for each in done)
    said = ", ".join(f"{counts[status]:,} {status}" for status in ("copied", "updated", "unchanged"))
    exits.say(f"{said}.", dry_run=dry_run)
