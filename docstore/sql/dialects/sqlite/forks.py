"""SQLite in a process that forks: a fork waits for open transactions, so that the child inherits no locks.

SQLite's library keeps a table in memory of the file locks that the process holds. A forked child inherits the table
without the locks: its connections would wait for threads of the parent that do not exist in it, and rely on locks that
it does not hold, so that the parent could remove the log (``-wal``) that the child writes. Therefore a fork waits for
the transactions of other threads and closes the open connections, and the child starts with an empty table. If the
wait is too long, the child refuses to use SQLite.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool, Pool, QueuePool

from docstore.errors import DatabaseError
from docstore.sql.dialects.fork_gate import ForkGate
from docstore.sql.dialects.sqlite.database_file import inherit_file
from docstore.sql.dialects.urls import shown

PATIENCE: Final = 2.0
"""Seconds that a fork waits for the transactions of other threads."""

_INHERITED: Final = (
    "this process was forked in the middle of a transaction of its parent, whose locks SQLite takes for this process's "
    "own. Nothing was read or changed, and this process can use no SQLite database. Fork while no thread is in a long "
    "transaction, or start processes afresh: multiprocessing.get_context('spawn')."
)

# A hook of the interpreter cannot be removed, so one serves all engines. It keeps none of them alive.
_OF_FILES: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()


def close_before(engine: Engine) -> None:
    """Close the idle connections of *engine*, to a SQLite file, before each fork; parent and child open new ones.

    A pool that shares one connection between users is left alone, as its connection is never known to be idle.
    """
    if isinstance(engine.pool, (QueuePool, NullPool)):
        _OF_FILES.add(engine)


class SQLiteGate:
    """Tracks which threads use SQLite; a fork waits until no other thread does, and lets none begin meanwhile."""

    def __init__(self) -> None:
        self._gate = ForkGate()
        self._inherited: list[Pool] = []
        self.is_closed = False
        """Whether this process is a child in which SQLite cannot be used."""

    @contextmanager
    def inside(self, engine: Engine) -> Iterator[None]:
        """Use SQLite in this thread.

        Raises:
            DatabaseError: this process was forked while its parent used SQLite.
        """
        with self._gate.inside():
            if self.is_closed:
                raise DatabaseError(f"{shown(engine.url)}: {_INHERITED}")
            yield

    def before_fork(self) -> None:
        """Wait at most ``PATIENCE`` until no other thread is inside, and let none begin; close what is idle."""
        self._gate.before_fork(PATIENCE)
        for engine in tuple(_OF_FILES):
            pool = engine.pool
            if not _is_used(pool):  # else the child cannot use SQLite
                engine.dispose()
                inherit_file(pool, engine.pool)

    def after_fork_in_parent(self) -> None:
        """Let other threads begin again."""
        self._gate.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Forget the parent's threads and locks. If any thread was inside, this process cannot use SQLite."""
        self.is_closed = self._gate.after_fork_in_child() or self.is_closed
        for engine in tuple(_OF_FILES):
            pool = engine.pool
            if _is_used(pool) or (isinstance(pool, QueuePool) and pool.checkedin()):
                self.is_closed = True
                self._inherited.append(pool)  # kept alive, as the child must not close the parent's connections
            engine.dispose(close=False)
            inherit_file(pool, engine.pool)


def _is_used(pool: Pool) -> bool:
    return isinstance(pool, QueuePool) and pool.checkedout() > 0


SQLITE: Final = SQLiteGate()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=SQLITE.before_fork,
        after_in_parent=SQLITE.after_fork_in_parent,
        after_in_child=SQLITE.after_fork_in_child,
    )
