"""The command with which an administrator makes the tables: ``python -m docstore.migrations URL --grant USER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy.engine import Engine

from docstore import migrations
from docstore.errors import DocstoreError
from docstore.migrations.views import views
from docstore.sql import optuna_tables
from docstore.sql.dialects import backend_of, make_engine, migrating, shown
from docstore.sql.tables import VERSION_TABLE, metadata


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the tables, or bring them up to date, and return the process's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docstore.migrations", description="Make docstore's tables, or bring them up to date."
    )
    parser.add_argument("url", help="the database, with a user who may make tables: postgresql://admin@host/lab")
    parser.add_argument("--schema", help="PostgreSQL: the schema for the tables, made if it is not there")
    parser.add_argument("--grant", metavar="USER", help="who may read and write documents; on MariaDB also USER@HOST")
    parser.add_argument("--body-index", action="store_true", help="PostgreSQL: index the contents of all documents")
    given, more = parser.parse_known_args(arguments)
    if more:
        # They are not shown: they may be the second half of a password.
        parser.error("too many arguments. Put the URL in quotes.")
    try:
        engine = make_engine(given.url, schema=given.schema)
        migrations.ensure(engine, body_index=given.body_index)
        migrations.ensure_for_optuna(engine)
        if given.grant:
            _grant(engine, given.grant)
    except DocstoreError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{shown(engine.url)}: the tables are at migration {migrations.HEAD}.")
    engine.dispose()
    return 0


def _grant(engine: Engine, user: str) -> None:
    with migrating(engine) as connection:
        read = [VERSION_TABLE, *views(connection.dialect.name)]
        write = [*metadata.tables, *optuna_tables.metadata.tables]
        backend_of(connection).grant(connection, user, write=write, read=read)


if __name__ == "__main__":
    sys.exit(main())
