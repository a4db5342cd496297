"""All that differs between databases: engines, transactions, column types, and the errors of their drivers.

``types`` has the columns, ``engines`` opens a database, ``transactions`` begins and ends in it. What each database
does in its own way stands in one module for each (``sqlite``, ``postgresql``, ``mysql``), behind one ``backend``; what
errors of drivers are translated by ``meanings`` and ``complaints``; ``forks`` handles forked processes, and
``database_file`` notices a SQLite file that was replaced.
"""

from __future__ import annotations

from docstore.sql.dialects.base import Fault
from docstore.sql.dialects.engines import checked_engine, engine_from_creator, engine_from_url, make_engine
from docstore.sql.dialects.text import pasteable
from docstore.sql.dialects.transactions import (
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
    schema_of,
    transaction,
    translated,
)
from docstore.sql.dialects.types import ExactText, JsonText, LongText, UtcTime, Whole, checked_moment, reading_times
from docstore.sql.dialects.urls import for_administrator, shown

__all__ = [
    "ExactText",
    "Fault",
    "JsonText",
    "LongText",
    "UtcTime",
    "Whole",
    "check_settings",
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
    "migrating",
    "only_row",
    "pasteable",
    "reading_times",
    "schema_of",
    "shown",
    "transaction",
    "translated",
]
