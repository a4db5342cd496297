"""What a database must tell: how it is opened, how a transaction begins, how rows go in, what its errors mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from docstore.errors import ConnectionLostError, InvalidValueError, StoreError


@dataclass(frozen=True, slots=True)
class Opening:
    """How an engine is to be made: what ``connect`` was told."""

    creator: Callable[[], Any] | None = None
    synchronous: str = "FULL"
    pool_pre_ping: bool = True
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a driver's error means: the error to raise, and what its reader can do."""

    error: type[StoreError]
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding of the database's own integrity check: the table, the place in it (or its index), and the problem."""

    table: str
    where: str
    problem: str


class Backend(ABC):
    """One database: all that docstore does in its own way there.

    Attributes:
        title: its name for people.
        schemes: SQLAlchemy's dialect for each scheme of a URL.
        driver: the one of a URL that names none; empty for the one that SQLAlchemy takes.
        modules: SQLAlchemy's ``dialect+driver`` for the module that a connection is of.
        has_transactional_ddl: whether a rollback undoes CREATE TABLE; else each such statement commits.
        locks_rows: whether a writer takes its turn by locking the head's row; else the whole database is its own.
        has_schemas: whether the tables can stand in a schema that ``connect`` names.
    """

    title: ClassVar[str]
    schemes: ClassVar[Mapping[str, str]]
    driver: ClassVar[str]
    modules: ClassVar[Mapping[str, str]]
    has_transactional_ddl: ClassVar[bool] = True
    locks_rows: ClassVar[bool] = True
    has_schemas: ClassVar[bool] = False

    @abstractmethod
    def engine(self, url: sa.URL, opening: Opening) -> Engine:
        """Return an engine for *url*, set up for many writers."""

    @contextmanager
    def around_transaction(self, engine: Engine) -> Iterator[None]:
        """Wrap a transaction, from before its connection is taken from the pool until it is returned."""
        yield

    @abstractmethod
    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin a transaction: a reader's sees one state throughout, a writer's sees what others committed."""

    def commit(self, connection: Connection, *, write: bool) -> None:
        """Commit a transaction that ``begin`` began."""
        connection.commit()

    def check_settings(self, connection: Connection) -> None:  # noqa: B027  # SQLite has no such settings
        """Refuse a connection that would not keep each text as it is; one of an Engine that the user set up may be so.

        Raises:
            DatabaseError: so it is; says what to set.
        """

    @abstractmethod
    def meaning(self, error: DBAPIError) -> Meaning:
        """Return what the driver's *error* means."""

    def says_nothing_kept(self, error: DBAPIError) -> bool:
        """Return whether *error*, the answer to a COMMIT, says that the transaction was rolled back."""
        return self.meaning(error).error is not ConnectionLostError

    @contextmanager
    def long_read_timeout(self, connection: Connection) -> Iterator[None]:
        """Raise the driver's read timeout in the block, for statements that may take long."""
        yield

    @abstractmethod
    def insert_many(self, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows*, all with the same columns."""

    def execute_many(self, connection: Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute *statement* for each of *rows*."""
        connection.execute(statement, list(rows))

    @abstractmethod
    def largest_text(self, connection: Connection, text: bytes) -> tuple[int, int]:
        """Return the size of *text* as this database counts it, and the largest it takes; both in bytes."""

    @contextmanager
    def erasing(self, connection: Connection) -> Iterator[None]:
        """Overwrite what is deleted in the meantime, in the transaction of *connection*, where the database can."""
        yield

    def forget(self, engine: Engine) -> None:  # noqa: B027  # servers do so by themselves, in their own time
        """Let go of what was deleted and stands in a log still, as far as others allow it."""

    def faults(self, connection: Connection, tables: Sequence[str]) -> Iterator[Fault]:
        """Yield what the database's own integrity check finds in *tables* and their indexes, where it has one.

        The check may end the transaction, so nothing may be read after it.
        """
        yield from ()

    @contextmanager
    def migrating(self, connection: Connection, schema: str | None) -> Iterator[None]:
        """Keep other processes from making the tables, while this one does, in the transaction of *connection*."""
        yield

    def grant(self, connection: Connection, user: str, *, write: Sequence[str], read: Sequence[str]) -> None:
        """Let *user* write to some tables and read others.

        Raises:
            InvalidValueError: this database has no users.
        """
        raise InvalidValueError("grant", user, f"{self.title} has no users.")
