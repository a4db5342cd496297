"""What something else than docstore writes into a database: also what its foreign keys would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def without_foreign_keys(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in a transaction in which foreign keys are not checked; on PostgreSQL, they are dropped."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # it does not take this inside a transaction
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql("ALTER TABLE tags DROP CONSTRAINT IF EXISTS tags_version")
                elif engine.dialect.name != "sqlite":
                    connection.exec_driver_sql("SET foreign_key_checks = 0")
                yield connection
        finally:
            if engine.dialect.name == "sqlite":
                connection.connection.cursor().execute("PRAGMA foreign_keys = ON")
            elif engine.dialect.name != "postgresql":
                connection.exec_driver_sql("SET foreign_key_checks = 1")
