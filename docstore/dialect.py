"""All that differs between databases: engines, transactions, column types, and the errors of their drivers."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from os import PathLike, fspath
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Dialect, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool
from sqlalchemy.types import TypeDecorator, UserDefinedType

from docstore.errors import DatabaseError, InvalidValueError, MissingDependencyError

SUPPORTED: Final = ("sqlite",)

_SQLITE: Final = (3, 38)
"""The first with the operators ``->`` and ``->>``."""

_DRIVERS: Final = {"sqlite3": "sqlite", "psycopg2": "postgresql+psycopg2", "pymysql": "mysql+pymysql"}
_EXTRAS: Final = {"pymysql": ("PyMySQL", "mysql"), "MySQLdb": ("PyMySQL", "mysql")}


# --- column types ----------------------------------------------------------------------------------------------------


class JsonText(UserDefinedType[str]):
    """A JSON column that takes and gives the canonical text itself: no driver parses it or writes it again."""

    cache_ok = True

    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the column as text, where the database would give a parsed value."""
        return sa.type_coerce(_AsText(colexpr), sa.Text)


class _AsText(sa.sql.expression.ColumnElement[str]):
    """The text of a JSON column."""

    inherit_cache = True
    _traverse_internals = [("column", sa.sql.visitors.InternalTraversal.dp_clauseelement)]  # noqa: RUF012  # SQLAlchemy's own form

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.column = column
        self.type = sa.Text()


@compiles(_AsText)
def _as_text(element: _AsText, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.column, **options))


@compiles(_AsText, "postgresql")
def _as_text_postgresql(element: _AsText, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.column, **options)} AS TEXT)"


@compiles(JsonText)
def _json_text(type_: JsonText, compiler: Any, **options: Any) -> str:
    # Not JSON: a column declared so has numeric affinity in SQLite, which makes the document 1.50 a 1.5.
    return "TEXT"


@compiles(JsonText, "postgresql")
def _json_text_postgresql(type_: JsonText, compiler: Any, **options: Any) -> str:
    return str(compiler.process(postgresql.JSONB(), **options))


class UtcTime(TypeDecorator[datetime]):
    """A moment, to the microsecond: aware in Python, UTC in the database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        process = super().result_processor(dialect, coltype)

        def read(value: Any) -> datetime | None:
            try:
                return process(value) if process is not None else value
            except (TypeError, ValueError) as error:
                # SQLite keeps a time as text, and takes any text for one.
                raise DatabaseError(f"the time {value!r:.40} in the database is none. verify() says where.") from error

        return read

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def insert_many(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows*, all with the same columns, by one statement.

    Cost:
        On SQLite the driver's alone: the values are bound as they are, since SQLAlchemy's way of binding a row costs
        more than its insert. All rows of one save share their times, so each is converted once.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(table.insert(), list(rows))
        return
    statement, order, as_bound = _bulk_insert(connection.dialect, table, tuple(rows[0]))
    convert = functools.cache(as_bound)
    values = [tuple([convert(row[name]) if is_time else row[name] for name, is_time in order]) for row in rows]
    connection.exec_driver_sql(statement, values)


@functools.lru_cache(maxsize=16)
def _bulk_insert(
    dialect: Dialect, table: sa.Table, columns: tuple[str, ...]
) -> tuple[str, list[tuple[str, bool]], Callable[[Any], Any]]:
    """Return the statement, its columns in order, each with whether it is a time, and how a time is bound."""
    insert = table.insert().compile(dialect=dialect, column_keys=list(columns))
    order = [(name, isinstance(table.c[name].type, UtcTime)) for name in insert.positiontup or ()]
    return str(insert), order, UtcTime().dialect_impl(dialect).bind_processor(dialect) or _unchanged


def _unchanged(value: Any) -> Any:
    return value


# --- engines ---------------------------------------------------------------------------------------------------------


def make_engine(
    url: str | PathLike[str] | sa.URL | Engine | None,
    *,
    creator: Callable[[], Any] | None = None,
    synchronous: str = "FULL",
    echo: bool = False,
) -> Engine:
    """Return the engine that *url* or a *creator* of connections stands for; an Engine is used as it is set up.

    Raises:
        InvalidValueError: neither is given, or both; or it is of a database that docstore does not know.
        MissingDependencyError: the driver is not installed.
    """
    if (url is None) == (creator is None):
        raise InvalidValueError(
            "database",
            url and _redacted(url),
            "Give a URL like sqlite:///lab.db, an Engine, or creator=..., and only one.",
        )
    if isinstance(url, Engine):
        _require_supported(url.dialect.name)
        return url
    if creator is not None:
        return engine_from_creator(creator, synchronous=synchronous, echo=echo)
    assert url is not None  # one of the two was given
    if isinstance(url, PathLike):
        # As a URL, a path that holds a question mark or a percent sign would be another.
        url = sa.URL.create("sqlite", database=fspath(url))
    return engine_from_url(url, synchronous=synchronous, echo=echo)


def engine_from_url(url: str | sa.URL, *, synchronous: str = "FULL", echo: bool = False) -> Engine:
    """Return an engine for *url*, set up for many writers.

    Args:
        synchronous: SQLite only: ``"FULL"`` keeps every save through a power cut, ``"NORMAL"`` may lose the last.

    Raises:
        InvalidValueError: it is not a database URL, or names a database that docstore does not know.
        MissingDependencyError: the driver is not installed.
    """
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise InvalidValueError("database URL", _redacted(url), "Write one like sqlite:///lab.db.") from error
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    _require_supported(parsed.get_backend_name())
    if parsed.get_backend_name() == "sqlite":
        if parsed.host:
            raise InvalidValueError("database URL", _redacted(url), "Write three slashes, as in sqlite:///lab.db.")
        return _sqlite_engine(parsed, None, in_memory=_is_memory(parsed), synchronous=synchronous, echo=echo)
    try:
        return sa.create_engine(parsed, echo=echo)
    except ModuleNotFoundError as error:
        raise _missing(error) from error


def engine_from_creator(creator: Callable[[], Any], *, synchronous: str = "FULL", echo: bool = False) -> Engine:
    """Return an engine whose connections *creator* makes; the first is made now, to see which database it is of.

    Raises:
        InvalidValueError: the connection is of no driver that docstore knows.
    """
    first = creator()
    modules = [cls.__module__.partition(".")[0] for cls in type(first).__mro__]
    module = next((module for module in modules if module in _DRIVERS), None)
    if module is None:
        raise InvalidValueError("creator", creator, f"It should return a connection of {', '.join(sorted(_DRIVERS))}.")
    url = make_url(f"{_DRIVERS[module]}://")
    try:
        _require_supported(url.get_backend_name())
    except InvalidValueError:
        first.close()
        raise
    handed_out = [first]

    def create() -> Any:
        return handed_out.pop() if handed_out else creator()

    if module == "sqlite3":
        in_memory = not first.execute("PRAGMA database_list").fetchone()[2]
        return _sqlite_engine(url, create, in_memory=in_memory, synchronous=synchronous, echo=echo)
    return sa.create_engine(url, creator=create, echo=echo)


def _require_supported(backend: str) -> None:
    if backend not in SUPPORTED:
        raise InvalidValueError("database", backend, f"docstore stores documents in {', '.join(SUPPORTED)}.")


def _is_memory(url: sa.URL) -> bool:
    return url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"


def _sqlite_engine(
    url: sa.URL, creator: Callable[[], Any] | None, *, in_memory: bool, synchronous: str, echo: bool
) -> Engine:
    if sqlite3.sqlite_version_info < _SQLITE:
        needed = ".".join(map(str, _SQLITE))
        raise InvalidValueError(
            "SQLite", sqlite3.sqlite_version, f"docstore's views need {needed}: use a later Python."
        )
    if synchronous not in ("FULL", "NORMAL", "EXTRA"):
        raise InvalidValueError("synchronous", synchronous, "Use 'FULL' (the default), 'EXTRA' or 'NORMAL'.")
    options: dict[str, Any] = {"poolclass": QueuePool, "echo": echo}
    if in_memory:
        # Each connection to a database in memory is a database of its own: all threads take turns with one.
        options |= {"pool_size": 1, "max_overflow": 0}
    if creator is None:
        options["connect_args"] = {"check_same_thread": False}
    else:
        options["creator"] = creator
    engine = sa.create_engine(url, **options)

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 30000")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        # Asked first, since to set it takes a lock even where it is so already.
        if not in_memory and cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    @sa.event.listens_for(engine, "handle_error")
    def keep_it(context: Any) -> None:
        # SQLAlchemy closes a connection that Ctrl-C hit. Of a database in memory all would be gone with it; of a file
        # it would keep the write lock, for as long as the traceback holds its cursor.
        context.is_disconnect = False

    return engine


_SECRET: Final = re.compile(r"((?:password|passwd|pwd|passphrase|secret|token)=)[^&;\s]*", re.IGNORECASE)


def shown(url: sa.URL) -> str:
    """Return *url* as a person may see it: a password is hidden, also one among its options."""
    return _SECRET.sub(r"\1***", url.render_as_string(hide_password=True))


def _redacted(url: str | PathLike[str] | sa.URL | Engine) -> str:
    """Return what may be shown of what was given for a URL; of all that may hold a password in it, nothing."""
    if not isinstance(url, str):
        return shown(url.url if isinstance(url, Engine) else url) if isinstance(url, (Engine, sa.URL)) else repr(url)
    head, at, tail = url.rpartition("@")
    scheme, separator, _ = head.partition("://")
    return _SECRET.sub(r"\1***", f"{scheme if separator else ''}{separator}***@{tail}" if at else url)


def _missing(error: ModuleNotFoundError) -> MissingDependencyError:
    package, extra = _EXTRAS.get(error.name or "", (error.name or "its driver", "mysql"))
    return MissingDependencyError(package, extra=extra, purpose="this database URL")


# --- transactions ----------------------------------------------------------------------------------------------------


@contextmanager
def transaction(engine: Engine, *, write: bool) -> Iterator[Connection]:
    """Give a connection in one transaction: committed at the end, rolled back on any error.

    A reader sees one state throughout. On SQLite a writer takes its turn at once: one that read first and asked to
    write later would find the database changed under it.

    Raises:
        DatabaseError: the database refused; the driver's error is its cause.
    """
    with translated(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.begin()
            if getattr(connection.connection.driver_connection, "in_transaction", False):
                # An Engine set up as SQLAlchemy's pages advise has begun by itself, and as a reader.
                connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")
        yield connection
        connection.commit()


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn a driver's error into a DatabaseError that says what to do, but for the loss of a race: IntegrityError."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except DBAPIError as error:
        raise DatabaseError(f"{shown(engine.url)}: {error.orig}. {_remedy(error)}") from error


def _remedy(error: DBAPIError) -> str:
    text = str(error.orig)
    remedies = {
        "database is locked": "Another process held it for 30 s; try again, or look for a transaction left open.",
        "unable to open database file": "Does its folder exist, and may you write there?",
        "readonly database": "Nothing can be saved here: check the file's permissions.",
        "disk is full": "Free some space and save again; nothing was changed.",
        "file is not a database": "This file is something else; choose another path.",
        "can only be used in that same thread": "Let the creator pass check_same_thread=False to sqlite3.connect.",
        "no such table": "Call create_all_tables(engine), or docstore.connect(url), which makes them.",
    }
    return next((remedy for sign, remedy in remedies.items() if sign in text), "Nothing was changed.")
