"""The views of the first migration, in each database's SQL: what a person with a database tool reads."""

from __future__ import annotations

from docstore.migrations.views_0001 import mysql
from docstore.migrations.views_0001.postgresql import PostgreSQL
from docstore.migrations.views_0001.shape import selects
from docstore.migrations.views_0001.sqlite import SQLite


def views(dialect_name: str) -> dict[str, str]:
    """Return the SELECT of each view, by name, for the database of SQLAlchemy's dialect *dialect_name*."""
    if dialect_name == "sqlite":
        return selects(SQLite())
    if dialect_name == "postgresql":
        return selects(PostgreSQL())
    return mysql.views()
