"""The comments put into a database that keeps them: PostgreSQL those of tables and views, MariaDB those of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from docstore.migrations.views_0003.comments import LIVE, TABLES, VIEWS, Comments

_COLUMN: Final = re.compile(r"^  (`(\w+)` .*?)(?: COMMENT '(?:[^']|'')*')?,?$", re.MULTILINE)
"""A column in what MariaDB and MySQL give as a table's statement: all that makes it, and its name."""


def comment(connection: Connection) -> None:
    """Put all comments on the tables and views that there are; SQLite keeps none."""
    name = connection.dialect.name
    if name == "postgresql":
        for statement in _of_postgresql():
            connection.exec_driver_sql(statement)
    elif name in ("mysql", "mariadb"):
        for table, said in TABLES.items():
            [(_, made)] = connection.exec_driver_sql(f"SHOW CREATE TABLE {table}")
            connection.exec_driver_sql(_of_mysql(table, made, said))
        _comment_live_of_mysql(connection)


def described(metadata: MetaData) -> MetaData:
    """Return the tables of *metadata* with their comments, for who compares them with those of a database."""
    found = MetaData()
    for table in metadata.sorted_tables:
        copy, said = table.to_metadata(found), TABLES[table.name]
        copy.comment = said.text
        for column in copy.columns:
            column.comment = said.columns[column.name]
    return found


def _of_postgresql() -> Iterator[str]:
    for word, several in (("TABLE", TABLES), ("VIEW", VIEWS)):
        for name, said in several.items():
            yield f"COMMENT ON {word} {name} IS '{said.text}'"
            for column, text in said.columns.items():
                yield f"COMMENT ON COLUMN {name}.\"{column}\" IS '{text}'"


def _of_mysql(table: str, made: str, said: Comments) -> str:
    """Return the statement for a table that *made* makes.

    A column's comment is changed by saying all of the column again: just as the server says it, since what is left out
    would be changed. It refuses if that were to touch a row.
    """
    columns = (
        f"MODIFY COLUMN {column} COMMENT '{said.columns[name]}'"
        for column, name in _COLUMN.findall(made)
        if name in said.columns
    )
    changes = ", ".join([*columns, f"COMMENT = '{said.text}'"])
    return f"ALTER TABLE {table} {changes} /*M!, ALGORITHM = INSTANT */"


def _comment_live_of_mysql(connection: Connection) -> None:
    """Put the comment on the computed column ``live`` where there is no document yet.

    Servers copy the whole table for that, and lock it meanwhile: a comment is not worth it to who has documents.
    """
    if connection.exec_driver_sql("SELECT 1 FROM documents LIMIT 1").first() is None:
        [(_, made)] = connection.exec_driver_sql("SHOW CREATE TABLE documents")
        [column] = (column for column, name in _COLUMN.findall(made) if name == "live")
        connection.exec_driver_sql(f"ALTER TABLE documents MODIFY COLUMN {column} COMMENT '{LIVE}'")
