"""Everything that differs between databases: engines, transactions, column types, SQL, and drivers' errors.

``engines`` opens a database, ``transactions`` begins and ends in it. Each database has a ``Backend`` (``base``), in
``sqlite``, ``postgresql`` or ``mariadb``, which ``backend_of`` finds; ``servers`` is what the last two share. ``types``
has the column types, ``json_path`` the SQL of one place in a JSON column, ``patterns`` that of LIKE, ``expressions``
other SQL; ``urls`` hides passwords.

A new database is a module here with its ``Backend``, listed in ``engines.BACKENDS``; one in ``json_path``; and one for
its views in ``docstore.migrations.views``.
"""

from __future__ import annotations

from docstore.sql.dialects.base import Write, backoff, schema_of
from docstore.sql.dialects.engines import backend_of, check_writable, checked_engine, make_engine, may_only_read
from docstore.sql.dialects.expressions import pasteable
from docstore.sql.dialects.transactions import (
    committing,
    forget,
    locks_rows,
    migrating,
    only_row,
    roll_back_writes,
    transaction,
    translated,
)
from docstore.sql.dialects.types import (
    AsText,
    ExactText,
    JsonText,
    LongText,
    UtcTime,
    Whole,
    checked_moment,
    reading_times,
    text_rows,
    unchecked,
)
from docstore.sql.dialects.urls import for_administrator, shown

__all__ = [
    "AsText",
    "ExactText",
    "JsonText",
    "LongText",
    "UtcTime",
    "Whole",
    "Write",
    "backend_of",
    "backoff",
    "check_writable",
    "checked_engine",
    "checked_moment",
    "committing",
    "for_administrator",
    "forget",
    "locks_rows",
    "make_engine",
    "may_only_read",
    "migrating",
    "only_row",
    "pasteable",
    "reading_times",
    "roll_back_writes",
    "schema_of",
    "shown",
    "text_rows",
    "transaction",
    "translated",
    "unchecked",
]
