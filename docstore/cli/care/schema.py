"""``docstore schema``: the tables and views, and what their columns mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output, Row
from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_COLUMNS: Final = ("table", "column", "type", "meaning")


@command("schema")
@click.argument("tables", nargs=-1)
@options.output(names="the names of the tables and views")
def schema(settings: Settings, output: Output, *, tables: tuple[str, ...]) -> None:
    """List the tables and views with their columns, and what these mean.

    TABLES are those to list. Questions in SQL are best asked of the views: `docstore sql`. The tables
    optuna_studies and optuna_running are made by the first Optuna storage of docstore's in a database, and by
    `python -m docstore.migrations`.

    Examples:
        docstore schema                  all of them
        docstore schema experiments trials
        docstore schema -q               their names
        docstore schema -o md > schema.md
    """
    from docstore.migrations.views.comments import TABLES, VIEWS
    from docstore.sql import optuna_tables

    known = {name: comments.columns for name, comments in {**VIEWS, **TABLES}.items()}
    for table in optuna_tables.metadata.tables.values():
        known[table.name] = {column.name: column.comment or "" for column in table.columns}
    for name in tables:
        if name not in known:
            raise click.UsageError(f"there is no table or view {name!r}. There is {', '.join(known)}.")
    chosen = tables or tuple(known)
    if output.names_only:
        output.rows(({"table": name} for name in chosen), _COLUMNS, name="table")
        return
    with settings.open() as store:
        output.rows((row for name in chosen for row in _rows(store.engine, name, known[name])), _COLUMNS)


def _rows(engine: Engine, table: str, meanings: Mapping[str, str]) -> Iterator[Row]:
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    for column in inspector.get_columns(table) if inspector.has_table(table) else ():
        name, type = column["name"], column["type"].compile(engine.dialect)
        # Views of SQLite have columns without a type, which SQLAlchemy calls NULL.
        yield {"table": table, "column": name, "type": None if type == "NULL" else type, "meaning": meanings.get(name)}
