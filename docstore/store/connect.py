"""A store opened: the engine made of what the user gave, the tables made or brought up to date."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from os import PathLike
from typing import Any

from sqlalchemy.engine import URL, Engine

from docstore import migrations
from docstore.documents.arguments import checked_flag
from docstore.sql.dialects import make_engine
from docstore.store.store import Store


def connect(
    url: str | PathLike[str] | URL | Engine | None = None,
    *,
    creator: Callable[[], Any] | None = None,
    synchronous: str = "FULL",
    pool_pre_ping: bool = True,
    schema: str | None = None,
    body_index: bool = False,
    **options: Any,
) -> Store:
    """Return a store, its tables made or brought up to date.

    Args:
        url: like ``sqlite:///lab.db``, ``postgresql://user:password@host/lab`` or ``mysql://user:password@host/lab``;
            the Path of a SQLite file; or a ready Engine, which is used as it is set up. Its options are the driver's;
            docstore sets default timeouts, which options like ``?connect_timeout=30`` override.
        creator: a function that gives connections, in place of a URL.
        synchronous: SQLite only: ``"FULL"`` keeps every save through a power cut, ``"NORMAL"`` may lose the last ones.
        pool_pre_ping: servers only: whether a pooled connection is tried before it is used. It costs a short message,
            and spares an error after the server closed the connection.
        schema: PostgreSQL only: the schema for the tables, made if it is not there; by default, where the server
            looks first.
        body_index: PostgreSQL only: whether to index all that stands in the bodies (GIN, ``jsonb_path_ops``), for SQL
            like ``body @> '{"status": "RUNNING"}'``. Once made it stays.
        options: what ``Store`` takes: project, bundle, experiment_type_enum, generator_run_type_enum, author.

    Raises:
        InvalidValueError: not a URL of a database that docstore knows.
        MissingDependencyError: the driver is not installed; names the extra.
        TablesError: the tables were made by a later docstore; or the database's user may not make them: the message
            has the command for an administrator.
        DatabaseError: the database cannot be opened.
    """
    checked_flag("pool_pre_ping", pool_pre_ping)
    engine = make_engine(url, creator=creator, synchronous=synchronous, pool_pre_ping=pool_pre_ping, schema=schema)
    store = Store(engine, **options)
    if not isinstance(url, Engine):
        # Closed when the store is garbage, at the latest when Python ends: the engine is nobody else's.
        weakref.finalize(store, engine.dispose)
    migrations.ensure(engine, body_index=body_index)
    return store
