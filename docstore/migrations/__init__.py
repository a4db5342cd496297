"""Make the tables and bring them up to date: ``connect`` does it, or ``alembic``, or ``python -m docstore.migrations``.

A new migration is a module in ``versions``, and ``HEAD`` names it.
"""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from docstore.documents.arguments import checked_flag
from docstore.errors import DatabaseError, InvalidValueError, NotAllowedError, RaceLostError, TablesError
from docstore.sql import optuna_tables
from docstore.sql.dialects import (
    backend_of,
    for_administrator,
    may_only_read,
    migrating,
    schema_of,
    shown,
    transaction,
)
from docstore.sql.tables import VERSION_TABLE, metadata, migration

__all__ = ["current", "ensure", "statements"]

HEAD: Final = "0001_initial"
"""The newest migration."""

BODY_INDEX: Final = "documents_body"

_KNOWN: Final = frozenset({HEAD})

_BEFORE_RELEASE: Final = frozenset({"0001", "0002", "0003"})
"""Migrations of checkouts from before the first release."""

_TRIES: Final = 10
"""How often the migrations are tried while another node of a cluster runs them too."""

_STEP: Final = 0.01
"""Seconds; a try that lost waits up to this long, the next up to twice as long, and so on."""

_RANDOM: Final = random.SystemRandom()
"""A generator of its own, so that a program that set a seed draws the same random numbers."""

_one_at_a_time = threading.Lock()
"""Alembic keeps the running migration in module state, so a process can run one at a time."""


def _in_child() -> None:
    """Replace the lock in a forked process, where no thread of the parent can release it."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)


def ensure(engine: Engine, *, body_index: bool = False) -> None:
    """Make the tables, or bring older ones up to date; write nothing if they are current.

    Args:
        body_index: PostgreSQL only: also make an index of the contents of all bodies, for ``body @> ...``.

    Raises:
        TablesError: the tables were made by a later docstore, or by a checkout from before the first release; or they
            are missing, and the database's user may not make them.
        InvalidValueError: a *body_index* on another database than PostgreSQL, or of an engine that may only read.
        DatabaseError: the connections have settings by which texts would be lost.
    """
    if checked_flag("body_index", body_index) and engine.dialect.name != "postgresql":
        raise InvalidValueError("body_index", body_index, "Only PostgreSQL has one.")
    if may_only_read(engine):
        return _require(engine, body_index)
    with _naming_the_command(engine, body_index):
        for attempt in range(_TRIES):
            try:
                return _ensure(engine, body_index)
            except RaceLostError:
                # The lock of migrations is of one node. In a cluster (Galera), another node has made a table, column or
                # index first; on MariaDB, a migration continues where an earlier run stopped.
                if attempt == _TRIES - 1:
                    raise
                time.sleep(_RANDOM.uniform(0, 2**attempt * _STEP))


def ensure_for_optuna(engine: Engine) -> None:
    """Make the tables of Optuna's studies, unless they are there; few databases need them.

    Raises:
        TablesError: the database's user may not make them, or not use them.
        ReadOnlyError: they are missing, and the engine may only read.
    """
    with transaction(engine, write=False) as connection:
        if optuna_tables.are_there(connection):
            return
    with _naming_the_command(engine, body_index=False), migrating(engine) as connection:
        optuna_tables.metadata.create_all(connection)
        optuna_tables.rows_of(connection, study_id=0)  # others may have made them, and granted nothing


@contextlib.contextmanager
def _naming_the_command(engine: Engine, body_index: bool) -> Iterator[None]:
    """Name the command by which an administrator makes the tables, in the error of a user who may not."""
    try:
        yield
    except NotAllowedError as error:
        raise TablesError(
            f"this user may not make docstore's tables, or not use them: {error} An administrator runs once: "
            f"{_command(engine, body_index)}"
        ) from error


def _require(engine: Engine, body_index: bool) -> None:
    """Raise unless the tables are current: an engine that may only read makes none.

    Raises:
        TablesError: they are not.
    """
    if body_index:
        raise InvalidValueError("body_index", body_index, "It cannot be made by a store that may only read.")
    found = None
    with contextlib.suppress(TablesError), transaction(engine, write=False) as connection:
        backend_of(connection).check_settings(connection)
        found = _found(connection)
    if not is_head(found):
        what = "it has no tables of docstore" if found is None else f"its tables are at {found!r}, and not {HEAD!r}"
        raise TablesError(
            f"{shown(engine.url)}: {what}, and it was opened to be read only. Whoever may write to it makes them, or "
            f"brings them up to date, by docstore.connect(url) without read_only=True."
        )


def current(engine: Engine) -> str | None:
    """Return the migration that the tables are at, as ``"0001_initial"``; None if there are none.

    Raises:
        DatabaseError: the database cannot be read.
    """
    with contextlib.suppress(TablesError), transaction(engine, write=False) as connection:
        return _found(connection)
    return None


def statements(engine: Engine) -> list[str]:
    """Return the SQL that makes the tables and views in an empty database, as ``ensure`` does; nothing is executed.

    Comments are in it for PostgreSQL alone.
    """
    from sqlalchemy.engine.mock import MockConnection

    from docstore.migrations.views import views
    from docstore.migrations.views.comments import comments_as_sql

    made: list[str] = []

    def note(statement: sa.schema.ExecutableDDLElement, *ignored: object, **rest: object) -> None:
        made.append(str(statement.compile(dialect=engine.dialect)).strip())

    connection = MockConnection(engine.dialect, note)
    for tables in (metadata, migration.metadata):
        tables.create_all(connection, checkfirst=False)
    made += [f"CREATE VIEW {name} AS {select}" for name, select in views(engine.dialect.name).items()]
    made += comments_as_sql(engine.dialect.name)
    return [*made, f"INSERT INTO {VERSION_TABLE} (version_num) VALUES ('{HEAD}')"]


def _ensure(engine: Engine, body_index: bool) -> None:
    if _is_done(engine, body_index):
        return
    with _one_at_a_time, migrating(engine) as connection:
        # Another process may have made the tables while this one waited for the lock.
        if not _is_current(connection):
            upgrade(connection)
        if body_index and _lacks_body_index(connection):
            connection.exec_driver_sql(f"CREATE INDEX {BODY_INDEX} ON documents USING gin (body jsonb_path_ops)")


def _is_done(engine: Engine, body_index: bool) -> bool:
    """Return whether the tables, and the index if it is wanted, are current.

    Cost:
        One SELECT if they are: to read the version table costs less than to look whether there is one.
    """
    found, lacks_index = None, False
    with contextlib.suppress(TablesError), transaction(engine, write=False) as connection:
        backend_of(connection).check_settings(connection)
        found = _found(connection)
        lacks_index = body_index and found == HEAD and _lacks_body_index(connection)
    return is_head(found) and not lacks_index


def upgrade(connection: Connection) -> None:
    """Run the missing migrations, in the transaction of *connection*.

    Raises:
        RaceLostError: another process ran one of them meanwhile.
    """
    # Imported here: the import takes as long as SQLAlchemy's, and is needed once per database.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    # The option's parser interpolates percent signs.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if "expected to match one row" not in str(error):
            raise
        # Alembic records a migration by an UPDATE that expects the number of the one before.
        raise RaceLostError(f"{shown(connection.engine.url)}: another process ran a migration meanwhile.") from error


def _command(engine: Engine, body_index: bool) -> str:
    """Return the shell command that makes the tables and grants the user of *engine* their use."""
    user, default_schema = _user(engine)
    schema = engine.get_execution_options().get("schema_translate_map", {}).get(None) or default_schema
    words = ["python", "-m", "docstore.migrations", for_administrator(engine.url)]
    schemas, indexes = ["--schema", schema] if schema else [], ["--body-index"] if body_index else []
    return shlex.join([*words, *schemas, *indexes, "--grant", user])


def _user(engine: Engine) -> tuple[str, str | None]:
    """Return the user as the database knows it (on MariaDB with a host), and the user's default schema."""
    schema = "current_schema()" if engine.dialect.name == "postgresql" else "NULL"
    try:
        with transaction(engine, write=False) as connection:
            name, first = connection.exec_driver_sql(f"SELECT CURRENT_USER, {schema}").one()
    except DatabaseError:
        # MariaDB refuses a user without any right in the database; then only the URL names the user.
        return engine.url.username or "USER", None
    return str(name), first


def _is_current(connection: Connection) -> bool:
    if not sa.inspect(connection).has_table(VERSION_TABLE, schema=schema_of(connection)):
        return False
    return is_head(_found(connection))


def _found(connection: Connection) -> str | None:
    found: str | None = connection.execute(sa.select(migration.c.version_num)).scalar()
    return found


def is_head(found: str | None) -> bool:
    """Return whether *found*, the migration that tables are at, is the newest one; None is that of no tables.

    Raises:
        TablesError: this docstore does not know it.
    """
    if found in _BEFORE_RELEASE:
        raise TablesError(
            f"the tables are at migration {found!r}, made by a docstore from before its first release, and this one "
            f"cannot read them. Nothing was changed. Write its documents to files with the docstore that made it, by "
            f"docstore.json_store.save.save_experiment(store.load(name), filepath), and save them in a new database."
        )
    if found is not None and found not in _KNOWN:
        raise TablesError(
            f"the tables are at migration {found!r}, which this docstore does not know; it knows up to {HEAD!r}. "
            f"Upgrade with: pip install -U docstore"
        )
    return found == HEAD


def _lacks_body_index(connection: Connection) -> bool:
    indexes = sa.inspect(connection).get_indexes("documents", schema=schema_of(connection))
    return BODY_INDEX not in {index["name"] for index in indexes}
