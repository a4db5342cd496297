"""Databases in a state that many tests begin with: it is made once, and its rows are put back for each of them.

To make a database for a test, to connect to it, and to save there what the test is about, takes longer than most tests.
A test that takes ``ready`` has one that is kept for the tests of its backend. A class says what is in it at first::

    @pytest.fixture
    def state(self):
        return two_trials  # a function of a module, which saves them to a store

Load it with ``pytest_plugins = ["ready"]``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from backends import BACKENDS, Backends

import docstore
from docstore.sql.tables import metadata

Make = Callable[[docstore.Store], Any]
"""Saves to a store without documents; what it returns is ``ready.made``, for each test the same object."""

_QUOTED: Final = {"sqlite": "quote({})", "postgresql": "quote_nullable({}::text)", "mariadb": "quote({})"}
"""A column as a literal of SQL; each database makes its own."""

_READS: Final = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_CHANGES_TABLES: Final = re.compile(r"\s*(ALTER|CREATE|DROP|RENAME)\b", re.IGNORECASE)


@dataclass(frozen=True)
class _State:
    """What a function saved: the statements that insert the rows, and what it returned."""

    inserts: tuple[str, ...]
    made: Any


_NOTHING: Final = _State((), None)


class _Kept:
    """A database that is kept for many tests, one after the other, with the engine of all their stores."""

    def __init__(self, backends: Backends, backend: str, file: Path) -> None:
        self._backend = backend
        self._open = contextlib.ExitStack()
        self.url = self._open.enter_context(backends.fresh(backend, file))
        self._store = self._open.enter_context(docstore.connect(self.url))
        self.engine = self._store.engine
        self.state: _State | None = None
        """What is in it; None if other statements than SELECTs ran since. Those of a driver's cursor are not seen."""

        self.is_given_away = False
        """Whether another engine was used: what it did is not seen."""

        self._has_other_tables = False
        sa.event.listen(self.engine, "before_cursor_execute", self._note)

    @property
    def is_spoilt(self) -> bool:
        """Whether more than rows may be changed, or a test kept a connection and with it perhaps a lock."""
        is_in_use = self.engine.pool.checkedout() > 0  # type: ignore[attr-defined]  # a QueuePool
        return self.is_given_away or self._has_other_tables or is_in_use

    def made_by(self, make: Make) -> _State:
        """Return what *make* saves; it is made here."""
        self.put(_NOTHING)
        made = make(docstore.Store(self.engine))
        with self.engine.connect() as connection:
            inserts = [text for table in metadata.sorted_tables for text in self._inserts(connection, table)]
        return _State(tuple(inserts), made)

    def put(self, state: _State) -> None:
        """Put the rows of *state* in place of all others."""
        if self.state is state:
            return
        deletes = [f"DELETE FROM {self._named(table)}" for table in reversed(metadata.sorted_tables)]
        with self.engine.connect().execution_options(no_parameters=True) as connection, connection.begin():
            for statement in (*deletes, *state.inserts):
                connection.exec_driver_sql(statement)
        self.state = state

    def close(self) -> None:
        self._open.close()

    def _named(self, named: sa.Table | sa.Column[Any]) -> str:
        return self.engine.dialect.identifier_preparer.quote(named.name)

    def _inserts(self, connection: sa.Connection, table: sa.Table) -> Iterator[str]:
        columns = [self._named(column) for column in table.c]
        literals = ", ".join(_QUOTED[self._backend].format(column) for column in columns)
        rows = connection.exec_driver_sql(f"SELECT {literals} FROM {self._named(table)}")
        for some in rows.partitions(100):
            values = ", ".join(f"({', '.join(map(str, row))})" for row in some)
            yield f"INSERT INTO {self._named(table)} ({', '.join(columns)}) VALUES {values}"

    def _note(self, connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not _READS.match(statement):
            self.state = None
        if _CHANGES_TABLES.match(statement):
            self._has_other_tables = True


class Ready:
    """The database of one test, in the state that the test begins with."""

    def __init__(self, kept: _Kept, made: Any) -> None:
        self._kept = kept
        self.made: Final = made
        """What the function that made the state returned."""

    @property
    def url(self) -> str:
        """The URL, with the password, for stores with engines of their own. The next test has another database."""
        self._kept.is_given_away = True
        return self._kept.url

    def store(self, **options: Any) -> docstore.Store:
        """A store that knows nothing of what others saved; the engine's connections are shared, its events are not."""
        return docstore.Store(self._kept.engine.execution_options(), **options)


class ReadyDatabases:
    """The databases that are kept, each made when it is first asked for, until ``close``."""

    def __init__(self, backends: Backends, folder: Path) -> None:
        self._backends = backends
        self._files = (folder / f"{number}.db" for number in count())
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._states: dict[tuple[str, Make | None], _State] = dict.fromkeys(
            ((name, None) for name in BACKENDS), _NOTHING
        )

    def ready(self, backend: str, make: Make | None = None, *, role: str = "") -> Ready:
        """A database with what *make* saves, or with nothing. A test that needs two gives each another *role*."""
        kept = self._kept.get((backend, role))
        if kept is not None and kept.is_spoilt:
            kept.close()
            kept = None
        if kept is None:
            kept = self._kept[backend, role] = _Kept(self._backends, backend, next(self._files))
        if make is not None and (backend, make) not in self._states:
            self._states[backend, make] = kept.made_by(make)
        state = self._states[backend, make]
        kept.put(state)
        return Ready(kept, state.made)

    def close(self) -> None:
        for kept in self._kept.values():
            kept.close()


@pytest.fixture(scope="session")
def ready_databases(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyDatabases]:
    """The databases that are kept for the tests of this process."""
    with contextlib.closing(ReadyDatabases(backends, tmp_path_factory.mktemp("ready"))) as databases:
        yield databases


@pytest.fixture
def state() -> Make | None:
    """What saves all that is in the database of ``ready`` at first; None if nothing is."""
    return None


@pytest.fixture
def ready(ready_databases: ReadyDatabases, backend: str, state: Make | None) -> Ready:
    """A database on each backend, in the state that the test begins with."""
    return ready_databases.ready(backend, state)
