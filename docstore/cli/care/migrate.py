"""``docstore migrate``: tables brought up to date, or the SQL that makes them."""

from __future__ import annotations

import click

from docstore.cli import exits, options
from docstore.cli.command import command
from docstore.cli.settings import Settings


@command("migrate")
@click.option("--sql", is_flag=True, help="Only print the statements that make the tables of an empty database.")
@options.dry_run
def migrate(settings: Settings, *, sql: bool, dry_run: bool) -> None:
    """Bring the tables up to date, or print the SQL that makes them.

    Every command that writes does so by itself. This one is for a database whose users may not make tables: run it as
    an administrator, or let an administrator run what --sql prints. `python -m docstore.migrations --help` grants
    users the right to use them.

    Examples:
        docstore migrate --url postgresql://admin@host/lab
        docstore migrate --sql > tables.sql
    """
    from docstore import migrations
    from docstore.cli.output import Output
    from docstore.sql.dialects import shown

    engine = settings.engine(writes=not (sql or dry_run))
    try:
        if sql:
            Output().lines(f"{statement};" for statement in migrations.statements(engine))
            return
        before = migrations.current(engine)
        is_current = migrations.is_head(before)
        if not dry_run:
            migrations.ensure(engine)
    finally:
        engine.dispose()
    where = f"{shown(engine.url)}: the tables"
    if is_current:
        exits.say(f"{where} are at migration {before} already.")
    else:
        what = "would be" if dry_run else "are now"
        exits.say(f"{where} {what} at migration {migrations.HEAD}, and were {before or 'not there'}.")
