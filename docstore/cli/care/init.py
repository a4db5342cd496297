"""``docstore init``: the database file and its tables."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("init")
@click.option("--body-index", is_flag=True, help="PostgreSQL: index the contents of all documents.")
@options.dry_run
def init(settings: Settings, *, body_index: bool, dry_run: bool) -> None:
    """Make the SQLite file, and the tables and views.

    On a server, the database itself is made by its own program: createdb, or CREATE DATABASE. Where everything is there
    already, nothing is done.

    Examples:
        docstore init --url sqlite:///lab.db
        docstore init --url postgresql://ada@host/lab
    """
    from docstore import migrations
    from docstore.sql.dialects import shown

    if dry_run:
        url = shown(settings.engine().url)
        exits.say(f"{url}: what is not there yet would be made; `docstore migrate --sql` prints the statements.")
        return
    engine = settings.engine(writes=True, create=True)
    try:
        before = migrations.current(engine)
        migrations.ensure(engine, body_index=body_index)
    finally:
        engine.dispose()
    what = "the tables were there already" if before == migrations.HEAD else "the tables and views are made"
    exits.say(f"{shown(engine.url)}: {what}, at migration {migrations.HEAD}.")
