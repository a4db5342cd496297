"""Connect to a database: make the engine and the store, and make the tables or bring them up to date."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from os import PathLike
from typing import Any

from sqlalchemy.engine import URL, Engine

from docstore import migrations
from docstore.codec.core import Unknown
from docstore.documents.arguments import checked_flag
from docstore.registry.bundle import RegistryBundle
from docstore.sql.dialects import make_engine
from docstore.store.store import Store


def connect(
    url: str | PathLike[str] | URL | Engine | None = None,
    *,
    creator: Callable[[], Any] | None = None,
    read_only: bool = False,
    synchronous: str = "FULL",
    pool_pre_ping: bool = True,
    schema: str | None = None,
    body_index: bool = False,
    project: str = "default",
    bundle: RegistryBundle | None = None,
    experiment_type_enum: type[Enum] | None = None,
    generator_run_type_enum: type[Enum] | None = None,
    author: str | None = None,
    unknown: Unknown = "error",
    artifacts: str | PathLike[str] | None = None,
) -> Store:
    """Return a store, its tables made or brought up to date.

    Args:
        url: like ``sqlite:///lab.db``, ``postgresql://user:password@host/lab`` or ``mariadb://user:password@host/lab``;
            the path of a SQLite file: a Path, or a str that ends in ``.db``, ``.sqlite`` or ``.sqlite3``, or that leads
            to such a file; or a ready Engine, which is used as it is set up, and stays open when the store is closed.
            Its options are the driver's; docstore sets default timeouts, which options like ``?connect_timeout=30``
            override.
        creator: a function that gives connections, in place of a URL.
        read_only: whether the store only reads: a call that writes raises a ReadOnlyError, and ``connect`` makes no
            tables. The database refuses what else is written by ``store.engine``, unless that was given. ``?mode=ro``
            in the URL of a SQLite file means the same.
        synchronous: SQLite only: ``"FULL"`` keeps every save through a power cut, ``"NORMAL"`` may lose the last ones.
        pool_pre_ping: servers only: whether a pooled connection is tried before it is used. It costs a short message,
            and spares an error after the server closed the connection.
        schema: PostgreSQL only: the schema for the tables, made if it is not there; by default, where the server
            looks first.
        body_index: PostgreSQL only: whether to index all that stands in the bodies (GIN, ``jsonb_path_ops``), for SQL
            like ``body @> '{"status": "RUNNING"}'``. Once made it stays.
        project: names are unique within it and a kind.
        bundle: the user's own classes.
        experiment_type_enum, generator_run_type_enum: the integers of the types in the indexed columns. Without one,
            a new type gets the next free integer.
        author: who saves, unless a call says so; by default the user of the operating system.
        unknown: what ``load`` does with a class that is not registered, unless a call says so: ``"error"`` or
            ``"keep"``.
        artifacts: the folder of the files that documents refer to, for ``store.artifacts``; or its URL, for fsspec.
            One folder belongs to one database.

    Raises:
        InvalidValueError: not a URL of a database that docstore knows.
        MissingDependencyError: the driver is not installed; names the extra.
        TablesError: the tables were made by a later docstore; or the database's user may not make them: the message
            has the command for an administrator; or, *read_only*, they are missing or older.
        DatabaseError: the database cannot be opened.
    """
    engine = make_engine(
        url,
        creator=creator,
        read_only=checked_flag("read_only", read_only),
        synchronous=synchronous,
        pool_pre_ping=checked_flag("pool_pre_ping", pool_pre_ping),
        schema=schema,
    )
    store = Store(
        engine,
        project=project,
        bundle=bundle,
        experiment_type_enum=experiment_type_enum,
        generator_run_type_enum=generator_run_type_enum,
        author=author,
        unknown=unknown,
        artifacts=artifacts,
    )
    if not isinstance(url, Engine):
        store._own_engine()
    migrations.ensure(engine, body_index=body_index)
    return store
