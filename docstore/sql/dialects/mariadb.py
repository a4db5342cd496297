"""The backend for MariaDB: documents as text, names in a binary collation; a writer locks a head."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from docstore.errors import ConnectionLostError, DatabaseError, NotAllowedError, RaceLostError, TablesError
from docstore.sql.dialects.base import Backend, Fault, Meaning, Opening, Setting
from docstore.sql.dialects.servers import (
    DENIED,
    FULL,
    HELD,
    LOST,
    NO_LOGIN,
    NO_TABLES,
    RACE,
    READ_ONLY,
    TOO_MANY,
    UNKNOWN,
    note_end,
    pooled_engine,
)
from docstore.sql.dialects.urls import shown

_BESIDE: Final = 4096
"""Bytes left in a packet for the statement around a text, and its other columns."""

_NAME_IT: Final = "Name the database in the URL: mariadb://user:password@host/database."
_TOO_SLOW: Final = Meaning(DatabaseError, "It took longer than the server's max_statement_time.")
_NO_USER: Final = Meaning(DatabaseError, "There is no such user: CREATE USER first, and say USER@HOST if not at any.")
_NO_HOST: Final = Meaning(DatabaseError, "Check the host and the port in the URL. Is the server running there?")

_SILENT: Final = Meaning(
    ConnectionLostError,
    "Is the server running? Set a longer connect_timeout or read_timeout in the URL: ?read_timeout=600.",
)
_NO_CLUSTER: Final = Meaning(
    ConnectionLostError,
    "This node of Galera is not in its cluster: connect to another one, or try again when it has joined.",
)

_NETWORK: Final = {"connect_timeout": 30, "read_timeout": 120, "write_timeout": 60}
"""Timeouts in seconds; above the 50 that the server lets a statement wait for a lock by default."""

_PATIENCE: Final = 3600
"""Seconds that a statement that reads or changes all rows may take."""

_MEANINGS: Final = {
    1062: RACE,  # duplicate entry
    1050: RACE,  # table exists: made at another node of a cluster meanwhile, as are the next two
    1060: RACE,  # duplicate column
    1061: RACE,  # duplicate name of a key
    1213: RACE,  # deadlock
    1020: RACE,  # record has changed since last read
    1205: HELD,  # lock wait timeout
    3572: HELD,  # NOWAIT
    1047: _NO_CLUSTER,
    0: LOST,  # PyMySQL's code for a connection that it closed before
    1053: LOST,  # server shutdown in progress
    1077: LOST,  # normal shutdown
    1079: LOST,  # shutdown complete
    1080: LOST,  # forcing close of a thread
    1152: LOST,  # aborted connection
    1156: LOST,  # packets out of order
    1157: LOST,  # couldn't uncompress a packet
    1158: LOST,  # error reading a packet
    1159: LOST,  # timeout reading a packet
    1160: LOST,  # error writing a packet
    1161: LOST,  # timeout writing a packet
    1184: LOST,  # aborted connection, of a login
    1927: LOST,  # connection was killed
    2006: LOST,  # server has gone away
    2013: LOST,  # lost connection during query
    2014: LOST,  # commands out of sync
    2027: LOST,  # malformed packet
    2055: LOST,  # lost connection, with the system's error
    1146: NO_TABLES,
    1347: Meaning(TablesError, "It is not docstore's: name a database of its own in the URL."),  # a table, no view
    1142: DENIED,
    1143: DENIED,
    1044: Meaning(
        NotAllowedError, "Is the name right? An administrator can GRANT it."
    ),  # also for one that does not exist
    1227: DENIED,
    1370: DENIED,
    1045: NO_LOGIN,
    1698: NO_LOGIN,
    1049: Meaning(DatabaseError, "Make it, as with: CREATE DATABASE NAME, or name another in the URL."),
    1046: Meaning(DatabaseError, _NAME_IT),
    1130: Meaning(DatabaseError, "An administrator can let this user in from here: CREATE USER NAME@HOST."),
    2002: _NO_HOST,
    2003: _NO_HOST,
    2005: _NO_HOST,
    1133: _NO_USER,
    1290: READ_ONLY,
    1792: READ_ONLY,
    1836: READ_ONLY,
    1021: FULL,
    1114: FULL,
    1040: TOO_MANY,
    1203: TOO_MANY,  # of this user, the server's max_user_connections
    1226: TOO_MANY,  # of this user, what the account was given
    1969: _TOO_SLOW,
    1153: Meaning(DatabaseError, "Raise the server's max_allowed_packet."),
    1366: Meaning(DatabaseError, "The connection's charset has to be utf8mb4."),
}


_SMALL_PACKET: Final = 16 << 20
"""Bytes; the default of MariaDB."""


class MariaDB(Backend):
    """Readers see one snapshot. Writers see what others committed, and lock the head of each document they write."""

    title: ClassVar = "MariaDB"
    schemes: ClassVar = {"mysql": "mysql", "mariadb": "mariadb"}
    driver: ClassVar = "pymysql"
    modules: ClassVar = {"pymysql": "mysql+pymysql"}
    has_transactional_ddl: ClassVar = False

    def engine(self, url: sa.URL, opening: Opening) -> Engine:
        """Return an engine whose connections refuse to truncate values and give up a silent server."""
        is_pymysql = opening.creator is None and url.get_driver_name() == "pymysql"
        network = {name: _seconds(url, name) for name in _NETWORK} if is_pymysql else {}
        options: dict[str, Any] = {}
        if opening.creator is not None:
            options["creator"] = opening.creator
        elif is_pymysql:
            # The driver's connect_timeout ends when the socket is connected, and read_timeout applies to the login.
            # Once that is done, read_timeout is set to its own value.
            login = {"read_timeout": min(network["connect_timeout"], network["read_timeout"])}
            options["connect_args"] = {"charset": "utf8mb4", **network, **login}
            if url.password is not None:
                # The driver would encode it as Latin-1; servers store passwords that were set in UTF-8.
                options["connect_args"]["password"] = str(url.password).encode()
        engine = pooled_engine(url, opening, **options)
        if is_pymysql:
            # The driver would say that it knows no such option with a TypeError, at each connection.
            arguments, keywords = engine.dialect.create_connect_args(url)
            inspect.signature(engine.dialect.loaded_dbapi.connect).bind(*arguments, **keywords)

        @sa.event.listens_for(engine, "connect")
        def be_strict(connection: Any, record: Any) -> None:
            if is_pymysql:
                connection._read_timeout = network["read_timeout"]
            if hasattr(connection, "set_character_set"):
                connection.set_character_set("utf8mb4")
            cursor = connection.cursor()
            cursor.execute("SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES')")
            if opening.read_only:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.close()

        return engine

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin as a writer (READ COMMITTED, which locks no gaps between rows) or as a reader (REPEATABLE READ)."""
        if connection.dialect.default_schema_name is None:
            # Checked first, as SQLAlchemy assumes that there is one.
            raise DatabaseError(f"{shown(connection.engine.url)}: no database is chosen. {_NAME_IT}")
        level = "READ COMMITTED" if write else "REPEATABLE READ"
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {level}")
        connection.exec_driver_sql("START TRANSACTION" if write else "START TRANSACTION READ ONLY")

    def commit(self, connection: Connection, *, write: bool) -> None:
        """Commit; the drivers would send a ROLLBACK after it, which waits for the server once more."""
        connection.commit()
        note_end(connection)

    def check_settings(self, connection: Connection) -> None:
        """Refuse MySQL, a charset that lacks characters, and a server that cuts off what a column does not take."""
        charset = "@@character_set_client, @@character_set_results, @@character_set_connection"
        query = f"SELECT @@version, @@sql_mode, {charset}"
        version, mode, *charsets = map(str, connection.exec_driver_sql(query).one())
        url = shown(connection.engine.url)
        if "MariaDB" not in version:
            raise mysql_error(connection.engine, version)
        if {*charsets} != {"utf8mb4"}:
            problem = f"its connections have the charset {charsets[0]}, which lacks characters"
            raise DatabaseError(f"{url}: {problem}. Set charset=utf8mb4.")
        if "STRICT" not in mode:
            problem = f"its sql_mode {mode!r} lets the server cut off what a column does not take"
            raise DatabaseError(f"{url}: {problem}. Add STRICT_ALL_TABLES to it.")

    def size(self, connection: Connection, tables: Sequence[str]) -> int:
        """Return the bytes of *tables* and their indexes, as the server estimates them."""
        columns, names = "data_length + index_length", ", ".join(f"'{table}'" for table in tables)
        where = f"table_schema = DATABASE() AND table_name IN ({names})"
        query = f"SELECT coalesce(sum({columns}), 0) FROM information_schema.tables WHERE {where}"
        return int(connection.exec_driver_sql(query).scalar_one())

    def settings(self, connection: Connection) -> Sequence[Setting]:
        """Return the version of the server, the database's texts, and the limits and the safety of saves."""
        query = "SELECT @@version, @@collation_database, @@max_allowed_packet, @@innodb_flush_log_at_trx_commit"
        version, collation, packet, flush = connection.exec_driver_sql(query).one()
        names = "'transaction_isolation', 'tx_isolation'"  # the second on MariaDB before 11.1
        level = connection.exec_driver_sql(f"SHOW VARIABLES WHERE Variable_name IN ({names})").all()[0][1]
        is_small = int(packet) < _SMALL_PACKET
        small = "A trial, or the changes of a save, may be no larger: raise it to 64M or more on the server."
        lost = "The last saves may be lost in a crash of the server: set it to 1."
        return [
            Setting("server", str(version)),
            Setting("collation", str(collation)),
            Setting("isolation", str(level)),
            Setting("max_allowed_packet", f"{int(packet):,}", small if is_small else ""),
            Setting("innodb_flush_log_at_trx_commit", str(flush), "" if int(flush) == 1 else lost),
        ]

    def meaning(self, error: DBAPIError) -> Meaning:
        """Return the meaning of the error's number."""
        arguments = getattr(error.orig, "args", ())
        code = arguments[0] if arguments else None
        if code == 2013 and "timed out" in str(error.orig):
            return _SILENT
        if isinstance(getattr(error.orig, "original_exception", None), (ConnectionResetError, BrokenPipeError)):
            return LOST  # in the login, for which PyMySQL reports every failure as 2003
        if code in _MEANINGS:
            return _MEANINGS[code]
        if str(code).startswith("Packet sequence number wrong"):
            return LOST
        if "No space left on device" in str(error.orig):
            return FULL
        return LOST if error.connection_invalidated else UNKNOWN

    def says_nothing_kept(self, error: DBAPIError) -> bool:
        """Return whether the transaction lost a race; after any other error, as KILL QUERY, it may be committed."""
        return self.meaning(error).error is RaceLostError

    @contextmanager
    def long_read_timeout(self, connection: Connection) -> Iterator[None]:
        """Raise PyMySQL's read timeout in the block, by a private attribute, as there is no public one."""
        driver: Any = connection.connection.driver_connection
        usual = getattr(driver, "_read_timeout", None)
        if usual is None:
            yield
            return
        driver._read_timeout = max(usual, _PATIENCE)
        try:
            yield
        finally:
            driver._read_timeout = usual

    def insert_many(self, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows*; the driver makes statements of many rows, each up to a megabyte or of one row."""
        connection.execute(table.insert(), list(rows))

    def largest_text(self, connection: Connection, text: bytes) -> tuple[int, int]:
        """Return the bytes of *text* escaped in a statement, and how many of them a packet holds."""
        packet = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
        return len(text) + sum(map(text.count, (b'"', b"'", b"\\"))), int(packet) - _BESIDE

    def faults(self, connection: Connection, tables: Sequence[str]) -> Iterator[Fault]:
        """Yield the findings of CHECK TABLE; the server commits the transaction before that statement."""
        quote = connection.dialect.identifier_preparer.quote
        checked = connection.exec_driver_sql(f"CHECK TABLE {', '.join(map(quote, tables))} EXTENDED")
        for table, _, sort, text in checked.all():
            if sort in ("error", "warning", "Error", "Warning") or (sort == "status" and text != "OK"):
                yield Fault(str(table).rpartition(".")[2], "its rows and indexes", str(text))

    @contextmanager
    def migrating(self, connection: Connection, schema: str | None) -> Iterator[None]:
        """Take the migration lock, which survives the implicit commit of each CREATE TABLE."""
        connection.exec_driver_sql("SET SESSION default_storage_engine = InnoDB")
        lock = "CONCAT('docstore ', SHA1(DATABASE()))"
        if connection.exec_driver_sql(f"SELECT GET_LOCK({lock}, 60)").scalar() != 1:
            raise DatabaseError("another process has been making the tables for a minute. Try again.")
        try:
            yield
        except BaseException:
            connection.invalidate()  # it would keep the lock in the pool
            raise
        # Before the lock is released: the last row of a migration is the one thing without an implicit commit.
        connection.commit()
        connection.exec_driver_sql(f"SELECT RELEASE_LOCK({lock})")

    def grant(self, connection: Connection, user: str, *, write: Sequence[str], read: Sequence[str]) -> None:
        """Let *user*, as ``name`` or ``name@host``, write to some tables of the current database and read others."""
        name, _, host = user.rpartition("@") if "@" in user else (user, "", "%")
        account = {"name": name, "host": host}
        for rights, tables in (("SELECT, INSERT, UPDATE, DELETE", write), ("SELECT", read)):
            for table in tables:
                connection.execute(sa.text(f"GRANT {rights} ON {table} TO :name@:host"), account)


def mysql_error(engine: Engine, version: str) -> DatabaseError:
    """Return the error of a server that is MySQL, of this *version*."""
    problem = f"the server is MySQL {version}, on which docstore was never tested"
    return DatabaseError(f"{shown(engine.url)}: {problem}. Use MariaDB 10.6 or later, PostgreSQL or SQLite.")


def _seconds(url: sa.URL, option: str) -> int:
    """Return the timeout that *url* sets, or docstore's default."""
    given = url.query.get(option)
    return int(given) if isinstance(given, str) else _NETWORK[option]
