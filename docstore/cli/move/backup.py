"""``docstore backup``: the SQLite file, while others use it."""

from __future__ import annotations

import os

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.completion import complete_files
from docstore.cli.progress import bar
from docstore.cli.settings import Settings


@command("backup")
@click.argument("file", shell_complete=complete_files)
@options.yes
@options.dry_run
def backup(settings: Settings, *, file: str, yes: bool, dry_run: bool) -> None:
    """Back up the SQLite file, while others use it.

    FILE is the database as of one moment, all projects with their history. Do not copy a database by `cp`: what was
    written last is in the log beside it. A server has a tool of its own, which is named with its options. The files of
    artifacts are not in it: copy their folder afterwards.

    Examples:
        docstore backup monday.db
        docstore backup monday.db -y    in place of the one that is there
    """
    from docstore.store.backup import backup as write_backup
    from docstore.store.backup import checked_target

    engine = settings.engine()
    try:
        if dry_run:
            target = checked_target(engine, file)
            settings.open().close()
            exits.say(f"the database would be backed up to {target}", dry_run=True)
            return
        if os.path.exists(file) and engine.dialect.name == "sqlite":
            options.confirm(f"{file} is there already. Replace it?", yes=yes)
        size = write_backup(engine, file, progress=bar())
    finally:
        engine.dispose()
    exits.say(f"{file}: {size:,} bytes. `docstore verify --url {file}` checks it.")
