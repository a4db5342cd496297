"""The views of the third migration, in each database's SQL, and what each table, view and column is, in words.

Names, columns and rows are the same everywhere (``shape``). What a database cannot show as the others do, its own
module says, here or in ``views_0001``, on which they build.
"""

from __future__ import annotations

from docstore.migrations.views_0003 import mysql
from docstore.migrations.views_0003.postgresql import PostgreSQL
from docstore.migrations.views_0003.shape import selects
from docstore.migrations.views_0003.sqlite import SQLite


def views(dialect_name: str) -> dict[str, str]:
    """Return the SELECT of each view, by name, for SQLAlchemy's dialect *dialect_name*.

    They are made with ``connection.exec_driver_sql(f"CREATE VIEW {name} AS {select}")``; on MySQL, where that cannot be
    rolled back, with ``CREATE OR REPLACE VIEW``. No driver or setting of a session changes what they say: there is no
    percent sign in them, no word after a colon, and no backslash.
    """
    if dialect_name in ("mysql", "mariadb"):
        return mysql.views()
    return selects({"sqlite": SQLite, "postgresql": PostgreSQL}[dialect_name]())
