"""What all database servers share: a connection pool that survives lost connections and forks, and errors' meanings."""

from __future__ import annotations

import os
import weakref
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import PoolResetState

from docstore.errors import (
    ConnectionLostError,
    DatabaseError,
    NotAllowedError,
    RaceLostError,
    ReadOnlyError,
    TablesError,
)
from docstore.sql.dialects.base import Meaning, Opening
from docstore.sql.dialects.fork_gate import ForkGate

RACE: Final = Meaning(RaceLostError, "Another writer was first.")
LOST: Final = Meaning(ConnectionLostError, "Is the server running?")
HELD: Final = Meaning(DatabaseError, "Another transaction held it; try again.")
FULL: Final = Meaning(DatabaseError, "Free some space on the server's disk and save again.")
READ_ONLY: Final = Meaning(ReadOnlyError, "This database may only be read: save to the primary, or ask who set it so.")
DENIED: Final = Meaning(NotAllowedError, "An administrator can GRANT it.")
NO_LOGIN: Final = Meaning(DatabaseError, "Check the user and the password in the URL.")
NO_TABLES: Final = Meaning(TablesError, "Call create_all_tables(engine), or docstore.connect(url), which makes them.")
TOO_MANY: Final = Meaning(DatabaseError, "The server takes no more connections: close some, or raise its limit.")
UNKNOWN: Final = Meaning(DatabaseError)


_ENDED: Final = "docstore_ended"
"""In the ``info`` of a connection: its transaction was ended by the last statement before it is returned."""


def note_end(connection: Connection) -> None:
    """Note that the transaction of *connection*, which is returned to its pool now, was ended."""
    connection.connection.info[_ENDED] = True


# A hook of the interpreter cannot be removed, so one serves all engines. It keeps none of them alive.
_ENGINES: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()


def pooled_engine(url: sa.URL, opening: Opening, **options: Any) -> Engine:
    """Return an engine for a server; *options* are passed to ``create_engine`` beside what *opening* sets.

    Its pool rolls back each returned connection, as SQLAlchemy's does, except after ``note_end``. Where that fails,
    since the connection was lost, SQLAlchemy would log a traceback, which Python writes to stderr if the program has
    not set up logging.
    """
    echo, ping = opening.echo, opening.pool_pre_ping
    engine = sa.create_engine(url, echo=echo, pool_pre_ping=ping, pool_reset_on_return=None, **options)
    _ENGINES.add(engine)
    dialect = engine.dialect
    connect = dialect.connect

    def connect_inside(*arguments: Any, **options: Any) -> Any:
        with _CONNECTING.inside():
            return connect(*arguments, **options)

    # No listener of "do_connect": the first that returns a connection is the last, and a user may have one.
    dialect.connect = connect_inside  # type: ignore[method-assign]

    @sa.event.listens_for(engine, "reset")
    def roll_back(connection: Any, record: Any, state: PoolResetState) -> None:
        if state.transaction_was_reset or (record is not None and record.info.pop(_ENDED, False)):
            return
        try:
            dialect.do_rollback(connection)
        except dialect.loaded_dbapi.Error as error:
            if record is not None:
                record.invalidate(error)

    return engine


_CONNECTING: Final = ForkGate()
"""A fork waits for the threads that connect: the libraries of the drivers hold locks meanwhile, for which a child that
connects would wait for ever, as it has no thread that releases them."""

_PATIENCE: Final = 2.0
"""Seconds that a fork waits for threads that connect."""


def _disconnect_child() -> None:
    """Let a forked child open its own connections: two processes cannot speak on one socket."""
    _CONNECTING.after_fork_in_child()
    for engine in tuple(_ENGINES):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(
        before=lambda: _CONNECTING.before_fork(_PATIENCE),
        after_in_parent=_CONNECTING.after_fork_in_parent,
        after_in_child=_disconnect_child,
    )
