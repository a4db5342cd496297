"""Everything that differs between databases: engines, transactions, column types, SQL, and drivers' errors.

``engines`` opens a database, ``transactions`` begins and ends in it. Both ask the database's ``Backend`` (``base``), in
``sqlite``, ``postgresql`` or ``mysql``; ``servers`` is what the last two share. ``types`` has the column types,
``json_path`` the SQL of one place in a JSON column, ``expressions`` other SQL; ``urls`` hides passwords.

A new database is a module here with its ``Backend``, listed in ``engines.BACKENDS``; one in ``json_path``; and one for
its views in ``docstore.migrations.views``.
"""

from __future__ import annotations

from docstore.sql.dialects.base import Fault, Setting, Write, backoff, schema_of
from docstore.sql.dialects.engines import (
    check_writable,
    checked_engine,
    engine_from_creator,
    engine_from_url,
    make_engine,
    may_only_read,
)
from docstore.sql.dialects.expressions import pasteable
from docstore.sql.dialects.transactions import (
    ask,
    check_settings,
    committing,
    erasing,
    execute_many,
    faults,
    forget,
    grant,
    insert_many,
    largest_text,
    locks_rows,
    long_read_timeout,
    migrating,
    only_row,
    roll_back_writes,
    settings,
    size,
    transaction,
    translated,
    write,
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
    "Fault",
    "JsonText",
    "LongText",
    "Setting",
    "UtcTime",
    "Whole",
    "Write",
    "ask",
    "backoff",
    "check_settings",
    "check_writable",
    "checked_engine",
    "checked_moment",
    "committing",
    "engine_from_creator",
    "engine_from_url",
    "erasing",
    "execute_many",
    "faults",
    "for_administrator",
    "forget",
    "grant",
    "insert_many",
    "largest_text",
    "locks_rows",
    "long_read_timeout",
    "make_engine",
    "may_only_read",
    "migrating",
    "only_row",
    "pasteable",
    "reading_times",
    "roll_back_writes",
    "schema_of",
    "settings",
    "shown",
    "size",
    "text_rows",
    "transaction",
    "translated",
    "unchecked",
    "write",
]
