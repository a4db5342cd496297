"""Make an engine of a URL, or of a function that returns connections; or check a given one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from os import PathLike, fsdecode
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from docstore.documents.canonical import is_plain
from docstore.errors import NOTHING_CHANGED, DatabaseError, InvalidValueError, MissingDependencyError, ReadOnlyError
from docstore.sql.dialects.base import READ_ONLY, Backend, Opening
from docstore.sql.dialects.mariadb import MariaDB
from docstore.sql.dialects.postgresql import PostgreSQL
from docstore.sql.dialects.sqlite.backend import SQLite, is_read_only
from docstore.sql.dialects.urls import (
    ESCAPES,
    EXAMPLES,
    is_path,
    of_server,
    parse,
    redacted,
    shown,
    shows_dsn,
    without_password,
)

BACKENDS: Final[tuple[Backend, ...]] = (SQLite(), PostgreSQL(), MariaDB())

_PACKAGES: Final = {
    "pymysql": ("PyMySQL", "mysql"),
    "MySQLdb": ("mysqlclient", ""),
    "mysql": ("mysql-connector-python", ""),
    "psycopg2": ("psycopg2-binary", ""),
    "psycopg": ("psycopg", "psycopg"),
}
"""The package that has the module of a driver, if it is named otherwise, and docstore's extra that installs it."""


def backend_of(bind: Connection | Engine) -> Backend:
    """Return the backend for the database of *bind*.

    Raises:
        InvalidValueError: docstore does not support the database.
    """
    dialect = bind.dialect.name
    for backend in BACKENDS:
        if dialect in backend.schemes.values():
            return backend
    raise _unsupported("database", dialect)


def checked_engine(engine: object) -> Engine:
    """Return *engine* if it is a SQLAlchemy Engine.

    Raises:
        InvalidValueError: it is not.
    """
    if isinstance(engine, Engine):
        return engine
    # Not shown: a URL may have a password in it.
    raise InvalidValueError("engine", type(engine), "Give an Engine of SQLAlchemy; docstore.connect takes a URL.")


def make_engine(
    url: str | PathLike[str] | sa.URL | Engine | None,
    *,
    creator: Callable[[], Any] | None = None,
    synchronous: str = "FULL",
    pool_pre_ping: bool = True,
    schema: str | None = None,
    echo: bool = False,
    read_only: bool = False,
) -> Engine:
    """Return an engine for *url*, or for a *creator* of connections; an Engine is returned as it is.

    Args:
        synchronous: SQLite only: ``"FULL"`` keeps every save through a power cut, ``"NORMAL"`` may lose the last.
        pool_pre_ping: servers only: whether a pooled connection is tested before it is used.
        schema: PostgreSQL only: the schema of the tables; by default, the first in the server's search path.
        read_only: whether the engine begins no transaction that writes.

    Raises:
        InvalidValueError: neither is given, or both; or it is of a database that docstore does not know.
        MissingDependencyError: the driver is not installed.
    """
    if (url is None) == (creator is None):
        raise InvalidValueError(
            "database",
            None if url is None else redacted(url),
            "Give a URL like sqlite:///lab.db, an Engine, or creator=..., and only one.",
        )
    opening = Opening(synchronous=synchronous, pool_pre_ping=pool_pre_ping, echo=echo, read_only=read_only)
    if isinstance(url, Engine):
        engine = url
    elif creator is not None:
        engine = engine_from_creator(creator, opening)
    else:
        assert url is not None  # one of the two was given
        # As a URL, a path that holds a question mark or a percent sign would be another.
        if isinstance(url, PathLike) or (isinstance(url, str) and is_path(url)):
            url = sa.URL.create("sqlite", database=fsdecode(url))
        engine = engine_from_url(url, opening)
    backend = backend_of(engine)
    if read_only:
        engine = engine.execution_options(**{READ_ONLY: True}, **backend.read_only_options)
    return engine if schema is None else _in_schema(engine, backend, schema)


def check_writable(engine: Engine) -> None:
    """Refuse to write by an engine that was opened to be read only.

    Raises:
        ReadOnlyError: it was.
    """
    if may_only_read(engine):
        remedy = "To write, connect without read_only=True, and without mode=ro in the URL."
        raise ReadOnlyError(f"{shown(engine.url)}: it was opened to be read only. {remedy}", changes=NOTHING_CHANGED)


def may_only_read(engine: Engine) -> bool:
    """Return whether *engine* was opened to be read only."""
    return bool(engine.get_execution_options().get(READ_ONLY)) or is_read_only(engine.url)


def engine_from_url(url: str | sa.URL, opening: Opening | None = None) -> Engine:
    """Return an engine for *url*, set up for many writers.

    Raises:
        InvalidValueError: it is not a database URL, or of a database that docstore does not support.
        MissingDependencyError: the driver is not installed.
    """
    complete, backend = _with_driver(url)
    if not isinstance(backend, SQLite):
        complete = of_server(complete)
    elif complete.host:
        raise InvalidValueError("database URL", redacted(url), "Write three slashes, as in sqlite:///lab.db.")
    try:
        return backend.engine(complete, opening or Opening())
    except ModuleNotFoundError as error:
        raise _missing(error, complete.drivername, backend) from error
    except InvalidValueError:
        raise
    except (ArgumentError, TypeError, ValueError) as error:
        problem = without_password(str(error), complete)
    # Without a cause, which may contain a value of the URL.
    raise InvalidValueError("database URL", redacted(url), f"{problem}. Check the options in the URL.")


def _with_driver(url: str | sa.URL) -> tuple[sa.URL, Backend]:
    """Return *url* with its driver named, and the backend that it is of.

    Raises:
        InvalidValueError: as ``parse``; or docstore does not know the database, or SQLAlchemy the driver, or the driver
            is asynchronous.
    """
    made = parse(url)
    scheme, _, driver = made.drivername.partition("+")
    backend = next((each for each in BACKENDS if scheme in each.schemes), None)
    if backend is None:
        raise _unsupported("database URL", redacted(url))
    complete = made.set(drivername="+".join(filter(None, (backend.schemes[scheme], driver or backend.driver))))
    try:
        if not complete.get_dialect().is_async:
            return complete, backend
        remedy = f"docstore waits for its database: write {scheme}://, without an asynchronous driver."
    except (NoSuchModuleError, ValueError):
        remedy = f"There is no driver {driver!r}: write {scheme}://."
    raise InvalidValueError("database URL", redacted(url), remedy)


def _unsupported(thing: str, value: object) -> InvalidValueError:
    titles = ", ".join(backend.title for backend in BACKENDS)
    return InvalidValueError(thing, value, f"docstore stores documents in {titles}. Write a URL like {EXAMPLES}.")


def engine_from_creator(creator: Callable[[], Any], opening: Opening | None = None) -> Engine:
    """Return an engine whose connections *creator* makes; the first is made now, to see which database it is.

    Raises:
        InvalidValueError: docstore does not support the driver of the connection.
    """
    if not callable(creator):
        raise InvalidValueError("creator", type(creator), "Give a function that returns a connection.")
    opening = opening or Opening()
    first = _first(creator)
    known = _of_driver(first)
    if known is None:
        if callable(close := getattr(first, "close", None)):
            close()
        # The creator itself is not shown: the repr of a functools.partial has the password that it connects with.
        drivers = ", ".join(sorted(module for backend in BACKENDS for module in backend.modules))
        raise InvalidValueError("creator", type(first), f"It should return a connection of {drivers}.")
    backend, drivername = known
    handed_out = [first]

    def create() -> Any:
        return handed_out.pop() if handed_out else creator()

    opened = replace(opening, creator=create)
    return backend.engine(make_url(f"{drivername}://"), opened)


def _first(creator: Callable[[], Any]) -> Any:
    """Return the first connection, its driver's errors translated; SQLAlchemy wraps those of later connections."""
    try:
        return creator()
    except Exception as error:
        known = _of_driver(error)
        if known is None:
            raise
        backend, drivername = known
        if not shows_dsn(str(error)):
            raise backend.error_for(DBAPIError(None, None, error), make_url(f"{drivername}://")) from error
    # Without a cause, which quotes the connection string with the password.
    problem = f"the driver of {backend.title} cannot parse the connection string of the creator"
    raise DatabaseError(f"{drivername}://***: {problem}. Check the URL in it: {ESCAPES}")


def _of_driver(made: object) -> tuple[Backend, str] | None:
    """Return the backend and the driver of a driver's connection or error; None if docstore does not know it."""
    known = {module: (backend, name) for backend in BACKENDS for module, name in backend.modules.items()}
    modules = (cls.__module__.partition(".")[0] for cls in type(made).__mro__)
    return next((known[module] for module in modules if module in known), None)


def _in_schema(engine: Engine, backend: Backend, schema: str) -> Engine:
    if not backend.has_schemas:
        raise InvalidValueError("schema", schema, f"{backend.title} has none: name the database in the URL.")
    # SQLAlchemy does not take a name with square brackets for a schema.
    if (
        not isinstance(schema, str)
        or not is_plain(schema)
        or not 1 <= len(schema.encode()) <= 63
        or {*"[]"} & {*schema}
    ):
        raise InvalidValueError("schema", schema, "Give a name of 1 to 63 bytes, without NUL or square brackets.")
    return engine.execution_options(schema_translate_map={None: schema})


def _missing(error: ModuleNotFoundError, drivername: str, backend: Backend) -> MissingDependencyError:
    module = (error.name or drivername.partition("+")[2]).partition(".")[0]
    package, extra = _PACKAGES.get(module, (module, ""))
    scheme = next(iter(backend.schemes))
    otherwise = "" if module == backend.driver else f"; or write {scheme}+{backend.driver}://"
    return MissingDependencyError(package, extra=extra, purpose="this database URL", otherwise=otherwise)
