"""Connection pools for servers, which discard a lost connection without logging a traceback."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import PoolResetState

from docstore.sql.dialects.base import Opening
from docstore.sql.dialects.forks import leave_behind


def pooled_engine(url: sa.URL, opening: Opening, **options: Any) -> Engine:
    """Return an engine for a server; *options* are passed to ``create_engine`` beside what *opening* sets.

    Its pool rolls back each returned connection, as SQLAlchemy's does. Where that fails, since the connection was lost,
    SQLAlchemy would log a traceback, which Python writes to stderr if the program has not set up logging.
    """
    echo, ping = opening.echo, opening.pool_pre_ping
    engine = sa.create_engine(url, echo=echo, pool_pre_ping=ping, pool_reset_on_return=None, **options)
    leave_behind(engine)
    dialect = engine.dialect

    @sa.event.listens_for(engine, "reset")
    def roll_back(connection: Any, record: Any, state: PoolResetState) -> None:
        if state.transaction_was_reset:
            return
        try:
            dialect.do_rollback(connection)
        except dialect.loaded_dbapi.Error as error:
            if record is not None:
                record.invalidate(error)

    return engine
