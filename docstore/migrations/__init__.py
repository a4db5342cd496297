"""The tables made, and brought up to date: run by ``connect``, or by ``alembic`` for who would rather do it by hand."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from docstore.dialect import transaction
from docstore.errors import TablesError
from docstore.tables import VERSION_TABLE

HEAD: Final = "0001"
"""The newest migration."""

_KNOWN: Final = frozenset({"0001"})

# Alembic keeps the migration that is running in a module of its own, so one process can run one at a time.
_ONE_AT_A_TIME: Final = threading.Lock()


def ensure(engine: Engine) -> None:
    """Make the tables, or bring older ones up to date; where they are, nothing is written.

    Raises:
        TablesError: a later docstore made them.
    """
    with transaction(engine, write=False) as connection:
        if _is_current(connection):
            return
    with _ONE_AT_A_TIME, transaction(engine, write=True) as connection:
        # Another process may have made them while this one waited for its turn.
        if not _is_current(connection):
            upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of *connection*."""
    # Imported here: it takes as long as SQLAlchemy itself, and is needed once in a database's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # The parser of this option takes a percent sign for its own.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_current(connection: Connection) -> bool:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return False
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if found is not None and found not in _KNOWN:
        raise TablesError(
            f"the tables are at migration {found!r}, which this docstore does not know; it knows up to {HEAD!r}. "
            f"Upgrade with: pip install -U docstore"
        )
    return bool(found == HEAD)
