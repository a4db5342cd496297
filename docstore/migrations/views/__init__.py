"""The views for people with database tools: made by the first migration, and made anew by each later one.

Names, columns and rows are the same on every database (``definitions``, ``computed_columns``). A database's module has
its SQL, as ``base`` asks for it, and says what it cannot show.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.migrations.views.base import ViewSQL
from docstore.migrations.views.comments import comment
from docstore.migrations.views.definitions import selects
from docstore.migrations.views.mariadb import MariaDB
from docstore.migrations.views.postgresql import PostgreSQL
from docstore.migrations.views.sqlite import SQLite

_DATABASES: Final[dict[str, type[ViewSQL]]] = {
    "sqlite": SQLite,
    "postgresql": PostgreSQL,
    "mysql": MariaDB,
    "mariadb": MariaDB,
}


def views(dialect_name: str) -> dict[str, str]:
    """Return the SELECT of each view, by name, for SQLAlchemy's dialect *dialect_name*.

    It contains no percent sign, no word after a colon, and no backslash, so that ``exec_driver_sql`` runs it unchanged,
    with any driver and any settings of the session.
    """
    return selects(_DATABASES[dialect_name]())


def create_views(connection: Connection, rights: Iterable[str] = ()) -> None:
    """Make the views, and all comments on tables and views.

    Args:
        rights: the result of ``drop_views``.
    """
    # MariaDB commits each view by itself, so an interrupted migration has left some.
    create = "CREATE OR REPLACE VIEW" if connection.dialect.name in ("mysql", "mariadb") else "CREATE VIEW"
    for name, select in views(connection.dialect.name).items():
        connection.exec_driver_sql(f"{create} {name} AS {select}")
    for right in rights:
        connection.exec_driver_sql(right)
    comment(connection)


def drop_views(connection: Connection) -> list[str]:
    """Drop the views, so that the tables below them can be changed; return the statements that grant their use again.

    A later migration calls this first, changes the tables, and calls ``create_views`` with the result.
    """
    name = connection.dialect.name
    rights = _rights(connection) if name == "postgresql" else []
    for view in views(name):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
    return rights


def _rights(connection: Connection) -> list[str]:
    """Return the GRANT statements of the rights to read, which PostgreSQL drops with a view."""
    query = sa.text("""
        SELECT quote_ident(c.relname),
               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE CAST(CAST(a.grantee AS regrole) AS text) END
        FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
        WHERE c.oid = to_regclass(:view) AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner""")
    found = (row for view in views("postgresql") for row in connection.execute(query, {"view": view}))
    return [f"GRANT SELECT ON {view} TO {user}" for view, user in found]
