"""MariaDB and MySQL: documents as text, names in a binary collation. Writers of one document take turns at its head."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from docstore.dialect.backend import Backend, Meaning, Opening
from docstore.dialect.forks import leave_behind
from docstore.dialect.meanings import DENIED, FULL, HELD, LOST, NO_LOGIN, NO_TABLES, RACE, READ_ONLY, TOO_MANY, UNKNOWN
from docstore.dialect.urls import shown
from docstore.errors import DatabaseError, NotAllowedError, TablesError

_BESIDE: Final = 4096
"""Bytes kept free in a packet for the statement around a text, and its other columns."""

_NAME_IT: Final = "Name the database in the URL: mysql://user:password@host/database."
_TOO_SLOW: Final = Meaning(DatabaseError, "Nothing was changed. It took longer than the server's max_statement_time.")
_NO_USER: Final = Meaning(DatabaseError, "There is no such user: CREATE USER first, and say USER@HOST if not at any.")
_NO_HOST: Final = Meaning(DatabaseError, "Check the host and the port in the URL. Is the server running there?")

_MEANINGS: Final = {
    1062: RACE,  # duplicate entry
    1213: RACE,  # deadlock
    1020: RACE,  # record has changed since last read
    1205: HELD,  # lock wait timeout
    3572: HELD,  # NOWAIT
    1053: LOST,  # server shutdown in progress
    1927: LOST,  # connection was killed
    1146: NO_TABLES,
    1347: Meaning(TablesError, "It is not docstore's: name a database of its own in the URL."),  # a table, no view
    1142: DENIED,
    1143: DENIED,
    1044: Meaning(NotAllowedError, "Is the name right? An administrator can GRANT it."),  # said of none there, too
    1227: DENIED,
    1370: DENIED,
    1045: NO_LOGIN,
    1698: NO_LOGIN,
    1049: Meaning(DatabaseError, "Make it, as with: CREATE DATABASE NAME, or name another in the URL."),
    1046: Meaning(DatabaseError, _NAME_IT),
    2003: _NO_HOST,
    2005: _NO_HOST,
    1133: _NO_USER,
    1410: _NO_USER,  # as MySQL says it
    1290: READ_ONLY,
    1792: READ_ONLY,
    1836: READ_ONLY,
    1021: FULL,
    1114: FULL,
    1040: TOO_MANY,
    1203: TOO_MANY,  # of this user, the server's max_user_connections
    1226: TOO_MANY,  # of this user, what the account was given
    1969: _TOO_SLOW,
    3024: _TOO_SLOW,  # as MySQL says it
    1153: Meaning(DatabaseError, "Nothing was changed. Raise the server's max_allowed_packet."),
    1366: Meaning(DatabaseError, "Nothing was changed. The connection's charset has to be utf8mb4."),
}


class MySQL(Backend):
    """Readers see one snapshot. Writers see what others committed, and lock the head of the document they write."""

    title: ClassVar = "MariaDB and MySQL"
    schemes: ClassVar = {"mysql": "mysql", "mariadb": "mariadb"}
    driver: ClassVar = "pymysql"
    modules: ClassVar = {"pymysql": "mysql+pymysql"}

    def engine(self, url: sa.URL, opening: Opening) -> Engine:
        """Return an engine of connections that refuse what a column would cut off."""
        options: dict[str, Any] = {"echo": opening.echo, "pool_pre_ping": opening.pool_pre_ping}
        if opening.creator is not None:
            options["creator"] = opening.creator
        elif url.get_driver_name() == "pymysql":
            options["connect_args"] = {"charset": "utf8mb4"}
        engine = sa.create_engine(url, **options)
        leave_behind(engine)
        if "connect_args" in options:
            # The driver would say that it knows no such option with a TypeError, at each connection.
            arguments, keywords = engine.dialect.create_connect_args(url)
            inspect.signature(engine.dialect.loaded_dbapi.connect).bind(*arguments, **keywords)

        @sa.event.listens_for(engine, "connect")
        def be_strict(connection: Any, record: Any) -> None:
            if hasattr(connection, "set_character_set"):
                connection.set_character_set("utf8mb4")
            cursor = connection.cursor()
            cursor.execute("SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES')")
            cursor.close()

        return engine

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin as a writer (READ COMMITTED, which locks no gaps between rows) or as a reader (REPEATABLE READ)."""
        if connection.dialect.default_schema_name is None:
            # Said before anything else: SQLAlchemy takes for granted that there is one.
            raise DatabaseError(f"{shown(connection.engine.url)}: no database is chosen. {_NAME_IT}")
        level = "READ COMMITTED" if write else "REPEATABLE READ"
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {level}")
        connection.exec_driver_sql("START TRANSACTION" if write else "START TRANSACTION READ ONLY")

    def check_settings(self, connection: Connection) -> None:
        """Refuse a charset that lacks characters, and a server that cuts off what a column does not take."""
        query = "SELECT @@character_set_client, @@character_set_results, @@character_set_connection, @@sql_mode"
        *charsets, mode = map(str, connection.exec_driver_sql(query).one())
        told = shown(connection.engine.url)
        if {*charsets} != {"utf8mb4"}:
            problem = f"its connections have the charset {charsets[0]}, which lacks characters"
            raise DatabaseError(f"{told}: {problem}. Set charset=utf8mb4.")
        if "STRICT" not in mode:
            problem = f"its sql_mode {mode!r} lets the server cut off what a column does not take"
            raise DatabaseError(f"{told}: {problem}. Add STRICT_ALL_TABLES to it.")

    def meaning(self, error: DBAPIError) -> Meaning:
        """Return what the error's number means."""
        arguments = getattr(error.orig, "args", ())
        code = arguments[0] if arguments else None
        if code in _MEANINGS:
            return _MEANINGS[code]
        if "No space left on device" in str(error.orig):
            return FULL
        return LOST if error.connection_invalidated else UNKNOWN

    def insert_many(self, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows*; the driver makes statements of many rows of them, each of a megabyte or of one row."""
        connection.execute(table.insert(), list(rows))

    def largest_text(self, connection: Connection, text: bytes) -> tuple[int, int]:
        """Return the bytes of *text* as a statement spells it, and what a packet holds of them."""
        packet = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
        return len(text) + sum(map(text.count, (b'"', b"'", b"\\"))), int(packet) - _BESIDE

    @contextmanager
    def migrating(self, connection: Connection, schema: str | None) -> Iterator[None]:
        """Take the lock of migrations: it outlives the commit that this database makes of each table."""
        connection.exec_driver_sql("SET SESSION default_storage_engine = InnoDB")
        lock = "CONCAT('docstore ', SHA1(DATABASE()))"
        if connection.exec_driver_sql(f"SELECT GET_LOCK({lock}, 60)").scalar() != 1:
            raise DatabaseError("another process has been making the tables for a minute. Try again.")
        try:
            yield
        except BaseException:
            connection.invalidate()  # it would keep the lock in the pool
            raise
        # Before others have their turn: the last row of a migration is the one thing that is not committed by itself.
        connection.commit()
        connection.exec_driver_sql(f"SELECT RELEASE_LOCK({lock})")

    def grant(self, connection: Connection, user: str, *, write: Sequence[str], read: Sequence[str]) -> None:
        """Let *user*, as ``name`` or ``name@host``, write to some tables of the current database and read others."""
        name, _, host = user.rpartition("@") if "@" in user else (user, "", "%")
        account = {"name": name, "host": host}
        for rights, tables in (("SELECT, INSERT, UPDATE, DELETE", write), ("SELECT", read)):
            for table in tables:
                connection.execute(sa.text(f"GRANT {rights} ON {table} TO :name@:host"), account)
