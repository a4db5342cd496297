"""Backend: what each database does in its own way, from opening an engine to the meaning of its driver's errors."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, ClassVar, Final, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from docstore.errors import ConnectionLostError, DatabaseError, InvalidValueError, StoreError
from docstore.sql.dialects.urls import shown, without_password

_RANDOM: Final = random.SystemRandom()
"""A generator of its own, so that a program that set a seed draws the same random numbers."""

READ_ONLY: Final = "docstore_read_only"
"""The execution option of an engine that was opened to be read only."""

_SHORTEST_WAIT: Final = 0.002
"""Seconds; each further attempt waits up to twice as long, at most 64 times as long."""


def backoff(attempt: int) -> None:
    """Sleep a random while, longer with each *attempt* (from 0), so that those who collided do not collide again.

    Units:
        From 0 to 2 ms at the first attempt, to 128 ms from the seventh on.
    """
    time.sleep(_RANDOM.uniform(0, _SHORTEST_WAIT * 2 ** min(attempt, 6)))


def schema_of(bind: Connection | Engine) -> str | None:
    """Return the schema of the tables for *bind*, or None for the server's default."""
    schema: str | None = bind.get_execution_options().get("schema_translate_map", {}).get(None)
    return schema


@dataclass(frozen=True, slots=True)
class Opening:
    """The arguments of ``connect`` that say how an engine is made."""

    creator: Callable[[], Any] | None = None
    synchronous: str = "FULL"
    pool_pre_ping: bool = True
    echo: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a driver's error: the error of ours to raise, and the remedy that it names."""

    error: type[StoreError]
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding of the database's own integrity check: the table, the place in it (or its index), and the problem."""

    table: str
    where: str
    problem: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A fact about a database or its settings, for people; and what is wrong with it, if anything, with the remedy."""

    name: str
    value: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """An INSERT, UPDATE or DELETE, and the rows that it is executed for, all with the same names."""

    statement: sa.Insert | sa.Update | sa.Delete
    rows: Sequence[Mapping[str, Any]]


class Backend(ABC):
    """One database and all that differs there.

    Attributes:
        title: its name, for messages.
        schemes: SQLAlchemy's dialect for each scheme of a URL.
        driver: the default driver; empty for SQLAlchemy's default.
        modules: SQLAlchemy's ``dialect+driver`` for the top module of a connection's class.
        has_transactional_ddl: whether a rollback undoes CREATE TABLE; otherwise each such statement commits.
        locks_rows: whether a writer locks the row of the head; otherwise it locks the whole database.
        has_schemas: whether ``connect`` can name a schema for the tables.
        read_only_options: SQLAlchemy's execution options of an engine whose transactions may only read.
    """

    title: ClassVar[str]
    schemes: ClassVar[Mapping[str, str]]
    driver: ClassVar[str]
    modules: ClassVar[Mapping[str, str]]
    has_transactional_ddl: ClassVar[bool] = True
    locks_rows: ClassVar[bool] = True
    has_schemas: ClassVar[bool] = False
    read_only_options: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def engine(self, url: sa.URL, opening: Opening) -> Engine:
        """Return an engine for *url*, set up for many writers."""

    @contextmanager
    def around_transaction(self, engine: Engine) -> Iterator[None]:
        """Wrap a transaction, from before its connection is taken from the pool until it is returned."""
        yield

    @abstractmethod
    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin a transaction: a reader sees one state throughout, a writer sees what others committed."""

    def commit(self, connection: Connection, *, write: bool) -> None:
        """Commit a transaction that ``begin`` began."""
        connection.commit()

    def check_settings(self, connection: Connection) -> None:  # noqa: B027  # SQLite has no such settings
        """Refuse a connection that would change some texts, as one of an Engine that the user set up may do.

        Raises:
            DatabaseError: the connection is such a one; says what to set.
        """

    @abstractmethod
    def meaning(self, error: DBAPIError) -> Meaning:
        """Return what the driver's *error* means."""

    def error_for(self, error: DBAPIError, url: sa.URL, *, changes: str = "") -> StoreError:
        """Return our error for a driver's, of the database at *url*; to be raised with the driver's as its cause.

        Args:
            changes: the sentence on what became of the changes, or empty.
        """
        meaning = self.meaning(error)
        # After these lines PostgreSQL quotes the statement, or JSON, which may be a part of a document.
        lines = takewhile(lambda line: not line.startswith(("LINE ", "CONTEXT:")), str(error.orig).strip().splitlines())
        message = without_password(" ".join(map(str.strip, lines)), url).rstrip(".")
        problem = f"{shown(url)}: {message}{'' if message.endswith(('?', '!')) else '.'} {meaning.remedy}".rstrip()
        if issubclass(meaning.error, DatabaseError):
            return meaning.error(problem, changes=changes)
        return meaning.error(problem)

    def says_nothing_kept(self, error: DBAPIError) -> bool:
        """Return whether *error*, the answer to a COMMIT, means that the transaction was rolled back."""
        return self.meaning(error).error is not ConnectionLostError

    def ask(self, connection: Connection, question: str) -> sa.CursorResult[Any]:
        """Execute *question*, one statement that a person wrote, on a connection that may only read.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses it: it writes, it is not one statement, or it has an error.
        """
        # No percent sign or colon in the text is a parameter.
        return connection.execution_options(no_parameters=True).exec_driver_sql(question)

    @contextmanager
    def long_read_timeout(self, connection: Connection) -> Iterator[None]:
        """Raise the driver's read timeout in the block, for statements that may take long."""
        yield

    @abstractmethod
    def insert_many(self, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows*, all with the same columns, by as few statements as the database takes."""

    def execute_many(self, connection: Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute *statement* for each of *rows*, in batches no longer than the database takes."""
        connection.execute(statement, list(rows))

    def write(self, connection: Connection, writes: Sequence[Write]) -> None:
        """Execute *writes*, by one statement where the database can; no two of them write the same row."""
        for each in writes:
            if isinstance(each.statement, sa.Insert):
                self.insert_many(connection, cast(sa.Table, each.statement.table), each.rows)
            else:
                self.execute_many(connection, each.statement, each.rows)

    @abstractmethod
    def largest_text(self, connection: Connection, text: bytes) -> tuple[int, int]:
        """Return the size of *text* as this database counts it, and the largest it takes; both in bytes."""

    @contextmanager
    def erasing(self, connection: Connection) -> Iterator[None]:
        """Overwrite what the block deletes, in the transaction of *connection*, where the database can."""
        yield

    def forget(self, engine: Engine) -> None:  # noqa: B027  # servers do so by themselves, in their own time
        """Drop deleted rows from the log too, as far as other readers allow it."""

    def faults(self, connection: Connection, tables: Sequence[str]) -> Iterator[Fault]:
        """Yield the findings of the database's own integrity check in *tables* and their indexes, where it has one.

        The check may end the transaction, so nothing may be read after it.
        """
        yield from ()

    @abstractmethod
    def size(self, connection: Connection, tables: Sequence[str]) -> int:
        """Return the bytes on disk of *tables* and their indexes; on SQLite, of the whole file and its log."""

    @abstractmethod
    def settings(self, connection: Connection) -> Sequence[Setting]:
        """Return the version of the database, and the settings on which safety and speed depend."""

    @contextmanager
    def migrating(self, connection: Connection, schema: str | None) -> Iterator[None]:
        """Keep other processes from making the tables during the block, which is in the transaction of *connection*."""
        yield

    def grant(self, connection: Connection, user: str, *, write: Sequence[str], read: Sequence[str]) -> None:
        """Let *user* write to some tables and read others.

        Raises:
            InvalidValueError: this database has no users.
        """
        raise InvalidValueError("grant", user, f"{self.title} has no users.")
