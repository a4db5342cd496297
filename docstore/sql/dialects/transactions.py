"""Transactions of readers and writers, with drivers' errors translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from docstore.errors import (
    CHANGES_KEPT,
    CHANGES_UNKNOWN,
    NOTHING_CHANGED,
    ConnectionLostError,
    DatabaseError,
    MissingDependencyError,
    UnreadableError,
)
from docstore.sql.dialects.base import schema_of
from docstore.sql.dialects.engines import backend_of, check_writable
from docstore.sql.dialects.mariadb import mysql_error
from docstore.sql.dialects.urls import shown, without_password

_WRITES: Final = "docstore_writes"
"""The option of a connection that is in a writer's transaction."""

_ROLLED_BACK: Final = "docstore_rolled_back"
"""The option of an engine whose writes are never committed."""

_NEEDED: Final = re.compile(r"'(\w+)' package is required")
"""PyMySQL's error if the server wants a password hash for this user that needs another package."""

_NO_MARIADB: Final = re.compile(r"MySQL version (\S+) is not a MariaDB variant")
"""SQLAlchemy's error if the URL says ``mariadb://`` and the server is MySQL."""


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """Give a connection in one transaction: committed at the end, rolled back on any error.

    A reader sees one state throughout. A writer locks: on SQLite the whole database, at once; elsewhere each document
    whose head it reads.

    Raises:
        RaceLostError: another writer was first; nothing was changed.
        ConnectionLostError: the connection was lost; says whether in the COMMIT; if not, nothing was changed.
        FileReplacedError: the SQLite file was deleted or replaced since the engine opened it.
        ReadOnlyError: *write*, by an engine or in a database that may only be read.
        DatabaseError, TablesError: the database refused; the driver's error is the cause.
    """
    with _transaction(engine, write=write, changes=NOTHING_CHANGED if write else "") as connection:
        yield connection


@contextmanager
def _transaction(engine: Engine, *, write: bool, changes: str) -> Iterator[Connection]:
    """As ``transaction``; *changes* is the sentence of an error before the COMMIT on what became of the changes."""
    if write:
        check_writable(engine)
    backend = backend_of(engine)
    with (
        translated(engine, changes=changes),
        backend.around_transaction(engine),
        _connected(engine, changes) as connection,
    ):
        try:
            connection.execution_options(**{_WRITES: write})
            backend.begin(connection, write=write)
            yield connection
        except DBAPIError as error:
            _drop_if_lost(connection, error)
            raise
        if write and _ROLLED_BACK in engine.get_execution_options():
            return  # what is not committed is rolled back with the connection's return
        try:
            with committing(engine, changes=changes):
                backend.commit(connection, write=write)
        except BaseException as error:
            _drop_if_lost(connection, error.__cause__)
            _end(connection)
            raise


def roll_back_writes(engine: Engine) -> None:
    """Let each transaction of *engine* that writes be rolled back at its end: a dry run, which does everything else."""
    engine.update_execution_options(**{_ROLLED_BACK: True})


@contextmanager
def committing(engine: Engine, *, changes: str = NOTHING_CHANGED) -> Iterator[None]:
    """Translate a driver's error that answers a COMMIT.

    Args:
        changes: the sentence on what became of the changes if the database refused them; empty if there were none.
    """
    try:
        yield
    except DBAPIError as error:
        backend = backend_of(engine)
        unknown = changes and not backend.says_nothing_kept(error)
        raise backend.error_for(error, engine.url, changes=CHANGES_UNKNOWN if unknown else changes) from error


def _connected(engine: Engine, changes: str) -> Connection:
    try:
        return engine.connect()
    except InvalidRequestError as error:
        if found := _NO_MARIADB.search(str(error)):
            raise mysql_error(engine, found[1]) from error
        raise
    except (OSError, LookupError, TypeError, ValueError, AssertionError) as error:
        # The driver did not understand an option, or returned rows that are not tuples.
        problem = f"no connection could be made: {without_password(repr(error), engine.url)}"
    # Without a cause, whose arguments may contain the password, as in a UnicodeEncodeError of the driver.
    remedy = "Check the options of the URL, or what the creator sets."
    raise DatabaseError(f"{shown(engine.url)}: {problem}. {remedy}", changes=changes)


def _drop_if_lost(connection: Connection, error: BaseException | None) -> None:
    """Discard a connection that is lost according to *error*, as SQLAlchemy may not notice and log a traceback."""
    if connection.closed or connection.invalidated or not isinstance(error, DBAPIError):
        return
    if backend_of(connection).meaning(error).error is ConnectionLostError:
        connection.invalidate()


def _end(connection: Connection) -> None:
    """Roll back what could not be committed.

    SQLAlchemy regards the transaction as ended, and would return the connection to the pool with its locks.
    """
    if connection.invalidated:
        return
    try:
        connection.connection.rollback()
    except BaseException as error:
        connection.invalidate()
        if not isinstance(error, Exception):
            raise


@contextmanager
def translated(engine: Engine, *, changes: str = "") -> Iterator[None]:
    """Translate a driver's error into one of ours, with a remedy.

    Args:
        changes: the sentence on what became of the changes; empty if there were none.
    """
    try:
        yield
    except DBAPIError as error:
        raise backend_of(engine).error_for(error, engine.url, changes=changes) from error
    except sa.exc.TimeoutError as error:
        problem = f"{shown(engine.url)}: {error.args[0]}. Close what you no longer use."
        raise DatabaseError(problem, changes=changes) from error
    except UnicodeEncodeError as error:
        if error.encoding in ("utf-8", "ascii"):
            raise
        # From PyMySQL, on a connection that the user made.
        problem = f"{error.encoding} lacks a character. The connection's charset has to be utf8mb4."
        raise DatabaseError(f"{shown(engine.url)}: {problem}", changes=changes) from error
    except RuntimeError as error:
        if needed := _NEEDED.search(str(error)):
            raise MissingDependencyError(needed[1], purpose="this user's password") from error
        raise


def only_row(found: sa.CursorResult[Any]) -> sa.Row[Any] | None:
    """Return the only row of a query that finds one at most, or None.

    Raises:
        UnreadableError: there are several: an index is damaged, or two live documents have one name.
    """
    rows = found.fetchmany(2)
    found.close()
    if len(rows) > 1:
        raise UnreadableError(
            "two rows were found where there can be one: an index is damaged, or something other than docstore wrote "
            "one of them. verify() of the whole store says which."
        )
    return rows[0] if rows else None


def locks_rows(connection: Connection) -> bool:
    """Return whether a head is to be locked when it is read: in a writer's transaction, if the database locks rows."""
    return bool(connection.get_execution_options().get(_WRITES)) and backend_of(connection).locks_rows


def forget(engine: Engine) -> None:
    """Drop deleted rows from SQLite's log (the file ``-wal``) too, as far as other readers allow it.

    Servers do so by themselves. PostgreSQL keeps deleted rows until it vacuums their table, and MariaDB until no
    transaction can see them; both keep a log of writes for as long as they are configured to.
    """
    with translated(engine, changes=CHANGES_KEPT):
        backend_of(engine).forget(engine)


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a writer's transaction that holds the migration lock.

    Raises:
        RaceLostError: another node of a cluster, for which the lock does not hold, made the tables.
    """
    backend = backend_of(engine)
    changes = NOTHING_CHANGED if backend.has_transactional_ddl else ""
    with (
        _transaction(engine, write=True, changes=changes) as connection,
        backend.long_read_timeout(connection),
        backend.migrating(connection, schema_of(connection)),
    ):
        yield connection
