"""The backend for PostgreSQL: documents as JSONB, tables in a schema if one is named; a writer locks a head."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, Final, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError

from docstore.errors import DatabaseError, NotAllowedError, StoreError, TablesError
from docstore.sql.dialects.base import Backend, Fault, Meaning, Opening, Setting, Write, schema_of
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
    pooled_engine,
)
from docstore.sql.dialects.urls import shown
from docstore.sql.grouping import grouped

_Shape: TypeAlias = "tuple[sa.Insert | sa.Update | sa.Delete, tuple[str, ...], int]"

_LARGEST: Final = 0x0FFFFFFF - 1024
"""Bytes that JSONB takes in one string, array or object: lengths have 28 bits, minus its own overhead."""

_BATCH: Final = 1000, 8 << 20
"""The most rows, and bytes of text, of one execution; the server refuses a statement above a gigabyte."""

_MOST_IN_ONE_STATEMENT: Final = 8
"""The most rows that are written by one statement; each number of rows has a statement text of its own."""

_BIND: Final = re.compile(r"(?<!%)%\((\w+)\)s")
"""A value's place in a statement; in a name of a schema, SQLAlchemy has doubled the percent sign."""

_WORTH_A_COPY: Final = 50
"""Rows from which on COPY is quicker than INSERT."""

_COPY: Final = "COPY "
"""The beginning of the statement, which no other statement for many rows has."""

_HAS_ROW_SECURITY: Final = sa.text("SELECT row_security_active(:place)")
"""Whether an administrator's policies apply to this user's rows of a table: the server refuses COPY then."""

_CHUNK: Final = 1 << 16
"""Characters that psycopg2 sends at once."""

_PATIENCE: Final = "SELECT set_config('lock_timeout', '30s', true) WHERE current_setting('lock_timeout') = '0'"
"""A lock timeout, unless the user set one: a save would wait forever for a process that stopped in a save.

Set in each transaction, since PgBouncer may run the next one in another session of the server.
"""

_NETWORK: Final = {
    "connect_timeout": "30",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Options by which libpq notices within a minute that the network is gone; a save would wait for hours.

``connect_timeout`` covers the TCP connection and the login, for each address of the host.
"""

_DRIVERS: Final = ("psycopg2", "psycopg")
"""The drivers that connect by libpq, as SQLAlchemy names them; the second is psycopg 3.

An Engine that the user made may have another one, which names parameters differently and has no COPY.
"""

_TOO_LARGE: Final = Meaning(DatabaseError, "A part of the document is larger than JSONB takes.")
_NOT_YET: Final = Meaning(DatabaseError, "The server is starting or stopping: try again in a moment.")
_OPTIONS: Final = Meaning(DatabaseError, "Check the options in the URL.")
_NO_DATABASE: Final = Meaning(DatabaseError, "Make it, as with: createdb NAME, or name another in the URL.")
_NO_HOST: Final = Meaning(DatabaseError, "Check the name of the host in the URL.")
_NO_ANSWER: Final = Meaning(DatabaseError, "Nothing answers there: check the host and the port in the URL.")

_MEANINGS: Final = {
    "23505": RACE,  # unique_violation
    "40001": RACE,  # serialization_failure
    "40P01": RACE,  # deadlock_detected
    "57P01": LOST,  # admin_shutdown
    "57P02": LOST,  # crash_shutdown
    "57P04": LOST,  # database_dropped
    "57P05": LOST,  # idle_session_timeout
    "25P03": LOST,  # idle_in_transaction_session_timeout
    "25P04": LOST,  # transaction_timeout
    "40003": LOST,  # statement_completion_unknown
    "08004": TOO_MANY,  # sqlserver_rejected_establishment_of_sqlconnection
    "57P03": _NOT_YET,
    "42P01": NO_TABLES,
    "42P07": Meaning(TablesError, "It is not docstore's: give docstore a schema of its own, connect(url, schema=...)."),
    "42501": DENIED,
    "25006": READ_ONLY,
    "3F000": Meaning(NotAllowedError, "Name one that there is, and that you may use: connect(url, schema=...)."),
    "42704": Meaning(DatabaseError, "A user is made by: CREATE ROLE NAME LOGIN PASSWORD '...'."),
    "53100": FULL,  # disk_full
    "53200": Meaning(DatabaseError, "The server is out of memory."),
    "53300": TOO_MANY,
    "54000": _TOO_LARGE,  # program_limit_exceeded
    "55P03": HELD,
    "57014": Meaning(DatabaseError, "It took longer than the server's statement_timeout."),
    "22P05": Meaning(DatabaseError, "The database's encoding has to be UTF8."),
    "28P01": NO_LOGIN,
    "28000": NO_LOGIN,
    "3D000": _NO_DATABASE,
}

_LOST_TEXTS: Final = (
    # libpq: fe-misc.c, fe-secure.c, fe-exec.c, fe-protocol3.c
    "closed the connection unexpectedly",
    "connection has been closed unexpectedly",
    "could not receive data from server",
    "could not send data to server",
    "could not wait for socket",
    "connection not open",
    "no connection to the server",
    "connection pointer is NULL",
    "lost synchronization with server",
    "message contents do not agree with length",
    "insufficient data left in message",
    "terminating connection",
    # libpq: fe-secure-openssl.c, fe-secure-gssapi.c
    "SSL SYSCALL error",
    "bad record mac",
    "unexpected eof while reading",
    "GSSAPI unwrap error",
    "GSSAPI wrap error",
    # the system's
    "Connection reset by peer",
    "Broken pipe",
    "Software caused connection abort",
    "forcibly closed by the remote host",
    # psycopg2
    "connection already closed",
    "cursor already closed",
    "and no message from the libpq",
    # psycopg 3
    "the connection is closed",
    "the connection is lost",
    # PgBouncer
    "server conn crashed",
)
"""Messages for a lost connection that come without a code; SQLAlchemy does not recognize them while connecting."""

# Errors of connecting have no code, only a message. The first text that occurs in it counts.
_AT_CONNECT: Final = {
    "invalid connection option": _OPTIONS,
    "invalid integer value": _OPTIONS,
    "invalid sslmode value": _OPTIONS,
    "unsupported startup parameter": _OPTIONS,
    "too many connections for": TOO_MANY,
    "too many clients": TOO_MANY,
    "remaining connection slots": TOO_MANY,
    "starting up": _NOT_YET,
    "shutting down": _NOT_YET,
    "in recovery mode": _NOT_YET,
    "accepting connections": _NOT_YET,  # "not", or "not yet"
    "not permitted to log in": NO_LOGIN,
    'FATAL:  role "': NO_LOGIN,
    "no pg_hba.conf entry": Meaning(DatabaseError, "An administrator can let this user in from here: pg_hba.conf."),
    "permission denied for database": Meaning(DatabaseError, "An administrator can GRANT CONNECT ON DATABASE."),
    "password authentication failed": NO_LOGIN,
    "no password supplied": NO_LOGIN,
    "could not translate host name": _NO_HOST,
    "failed to resolve host": _NO_HOST,  # psycopg 3
    "Connection refused": Meaning(DatabaseError, "Is the server running there, and does it listen on that port?"),
    "timeout expired": _NO_ANSWER,
    "Connection timed out": _NO_ANSWER,
    "No route to host": _NO_ANSWER,
    "Host is down": _NO_ANSWER,
    "Network is unreachable": _NO_ANSWER,
    "does not exist": _NO_DATABASE,
}


_AMCHECK: Final = """
    SELECT quote_ident(n.nspname) || '.bt_index_check' FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace
    JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = 'bt_index_check'
    WHERE e.extname = 'amcheck' AND p.pronargs = 2
    AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
"""
"""The function that checks an index, if this user may call it."""

_INDEXES: Final = """
    SELECT c.relname AS "table", i.relname AS name, x.indexrelid AS id FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_am a ON a.oid = i.relam
    WHERE a.amname = 'btree' AND x.indisvalid AND c.oid = ANY (CAST(:tables AS regclass[])) ORDER BY 1, 2
"""

_QUESTION: Final = sa.text(
    "SELECT set_config('docstore.question', :question, true), set_config('cursor_tuple_fraction', '1', true)"
)
"""Hands over a statement of which all rows will be read, not the first ones alone, to ``_OPEN_CURSOR``."""

_OPEN_CURSOR: Final = """
    DO $$ DECLARE answer refcursor := 'docstore_answer';
    BEGIN OPEN answer FOR EXECUTE current_setting('docstore.question'); END $$
"""

_CORRUPTED: Final = frozenset({"XX001", "XX002"})
"""The SQLSTATEs by which amcheck reports a damaged index."""


class PostgreSQL(Backend):
    """Readers see one snapshot. Writers see what others committed, and lock the head of each document they write."""

    title: ClassVar = "PostgreSQL"
    schemes: ClassVar = {"postgresql": "postgresql", "postgres": "postgresql"}
    driver: ClassVar = "psycopg2"
    modules: ClassVar = {"psycopg2": "postgresql+psycopg2", "psycopg": "postgresql+psycopg"}
    has_schemas: ClassVar = True
    # Of each transaction: the setting of a session would reach other clients of PgBouncer.
    read_only_options: ClassVar = {"postgresql_readonly": True}

    def engine(self, url: sa.URL, opening: Opening) -> Engine:
        """Return an engine that sends UPDATEs and DELETEs of many rows in batches, and waits 30 s for a lock."""
        options: dict[str, Any] = {}
        driver = url.get_driver_name()
        if driver in _DRIVERS:
            # SQLAlchemy would ask each new connection whether the server has the type hstore.
            options["use_native_hstore"] = False
            options["connect_args"] = {name: each for name, each in _NETWORK.items() if name not in url.query}
        if driver == "psycopg2":
            options["executemany_mode"] = "values_plus_batch"
        if driver == "psycopg":
            # It would prepare what is executed often, in a session that PgBouncer gives to another client.
            options["connect_args"]["prepare_threshold"] = None
        if opening.creator is not None:
            options["creator"] = opening.creator
        engine = pooled_engine(url, opening, **options)

        @sa.event.listens_for(engine, "connect")
        def connected(connection: Any, record: Any) -> None:
            _speak_utf8(connection)

        @sa.event.listens_for(engine, "checkin")
        def returned(connection: Any, record: Any) -> None:
            if hasattr(connection, "set_session") and not connection.closed:
                # SQLAlchemy has named the server's defaults; psycopg2 would set them once more at each pre-ping.
                connection.set_session("DEFAULT", "DEFAULT", "DEFAULT")

        return engine

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin as a writer (READ COMMITTED) or as a reader (REPEATABLE READ); the driver sends both with the BEGIN."""
        connection.execution_options(isolation_level="READ COMMITTED" if write else "REPEATABLE READ")
        if write:
            connection.exec_driver_sql(_PATIENCE)

    def check_settings(self, connection: Connection) -> None:
        """Refuse another encoding than UTF-8 between here and the server."""
        encoding = connection.exec_driver_sql("SHOW client_encoding").scalar_one()
        if encoding != "UTF8":
            problem = f"its connections have the encoding {encoding}, which lacks characters"
            raise DatabaseError(f"{shown(connection.engine.url)}: {problem}. Set client_encoding to utf8.")

    def ask(self, connection: Connection, question: str) -> sa.CursorResult[Any]:
        """Execute *question* by a cursor, which is of one statement with rows.

        The drivers send several statements at once, of which the first could end the transaction that may only read.
        """
        connection.execute(_QUESTION, {"question": question})
        super().ask(connection, _OPEN_CURSOR)
        return super().ask(connection, "FETCH ALL FROM docstore_answer")

    def meaning(self, error: DBAPIError) -> Meaning:
        """Return the meaning of the SQLSTATE, or, without one, of the message."""
        code, text = _state(error), str(error.orig)
        otherwise = LOST if error.connection_invalidated else UNKNOWN
        if "invalid memory alloc request size" in text:
            return _TOO_LARGE  # without a code of its own: an array of some 16 million items
        if code is not None:
            return _MEANINGS.get(code, LOST if code.startswith("08") else otherwise)
        if any(sign in text for sign in _LOST_TEXTS):
            return LOST
        return next((meaning for sign, meaning in _AT_CONNECT.items() if sign in text), otherwise)

    def error_for(self, error: DBAPIError, url: sa.URL, *, changes: str = "") -> StoreError:
        """Return our error for a driver's, which is its cause; no password is in either."""
        if getattr(error.orig, "_pgconn", None) is not None:
            # psycopg 3 keeps the parts of the connection string there, and there is no public way to take them out.
            cast(Any, error.orig)._pgconn = None
        return super().error_for(error, url, changes=changes)

    def says_nothing_kept(self, error: DBAPIError) -> bool:
        """Return whether the server refused; an error without a SQLSTATE is the driver's, and about the connection."""
        return _state(error) is not None and super().says_nothing_kept(error)

    def insert_many(self, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows*; many of them by COPY, which takes a third of the time."""
        place = _place(connection, table.name)
        is_copied = len(rows) >= _WORTH_A_COPY and connection.dialect.driver in _DRIVERS
        if is_copied and not connection.execute(_HAS_ROW_SECURITY, {"place": place}).scalar_one():
            _copy_in(connection, table, place, rows)
        else:
            self.execute_many(connection, table.insert(), rows)

    def execute_many(self, connection: Connection, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute *statement* for *rows* in batches, none of them too long for the server."""
        for batch in grouped(rows, _length, *_BATCH):
            connection.execute(statement, batch)

    def write(self, connection: Connection, writes: Sequence[Write]) -> None:
        """Execute *writes*; if they have few rows, by one statement, which takes a third of the time of three.

        The parts of such a statement do not see what the others write, so no two of them may write the same row.
        """
        rows = [row for each in writes for row in each.rows]
        is_small = len(rows) <= _MOST_IN_ONE_STATEMENT and sum(map(_length, rows)) <= _BATCH[1]
        if not is_small or connection.dialect.driver not in _DRIVERS:
            return super().write(connection, writes)
        shapes = tuple((each.statement, tuple(each.rows[0]), len(each.rows)) for each in writes)
        values = {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.items()}
        connection.exec_driver_sql(_joined(connection.dialect, schema_of(connection), shapes), values)

    def largest_text(self, connection: Connection, text: bytes) -> tuple[int, int]:
        """Return the bytes of *text*, and what JSONB takes; it takes fewer bytes of many short items, and says so."""
        return len(text), _LARGEST

    def size(self, connection: Connection, tables: Sequence[str]) -> int:
        """Return the bytes of *tables*, with their indexes and large values."""
        places = (sa.func.to_regclass(_place(connection, table)) for table in tables)
        sizes = (sa.func.coalesce(sa.func.pg_total_relation_size(place), 0) for place in places)
        return int(sum(connection.execute(sa.select(*sizes)).one()))

    def settings(self, connection: Connection) -> Sequence[Setting]:
        """Return the version of the server, the database's texts, and whether saves outlive a crash."""
        names = ("server_version", "server_encoding", "default_transaction_isolation", "fsync", "synchronous_commit")
        found = {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names}
        collation = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
        found["collation"] = str(connection.exec_driver_sql(collation).scalar_one())
        wrong = {
            "server_encoding": ""
            if found["server_encoding"] == "UTF8"
            else "Some texts cannot be saved: make it UTF8.",
            "fsync": "A crash of the server can destroy the database: set it to on." if found["fsync"] == "off" else "",
            "synchronous_commit": "The last saves may be lost in a crash of the server: set it to on."
            if found["synchronous_commit"] == "off"
            else "",
        }
        return [Setting(name, value, wrong.get(name, "")) for name, value in found.items()]

    def faults(self, connection: Connection, tables: Sequence[str]) -> Iterator[Fault]:
        """Yield the findings of amcheck in the indexes of *tables*, if it is installed and this user may call it.

        Cost:
            A read of each index and of its table, to find rows that the index lacks.
        """
        check = connection.exec_driver_sql(_AMCHECK).scalar()
        if check is None:
            return
        named = {"tables": [_place(connection, table) for table in tables]}
        for index in connection.execute(sa.text(_INDEXES), named).all():
            try:
                with connection.begin_nested():
                    connection.execute(sa.text(f"SELECT {check}(CAST(:index AS regclass), true)"), {"index": index.id})
            except DBAPIError as error:
                if _state(error) not in _CORRUPTED:
                    raise
                yield Fault(index.table, f"index {index.name}", str(error.orig).strip().splitlines()[0])

    @contextmanager
    def migrating(self, connection: Connection, schema: str | None) -> Iterator[None]:
        """Take the lock of migrations until the transaction ends, and make *schema* where the tables go to."""
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('docstore migrations'))")
        if schema is not None:
            quoted = connection.dialect.identifier_preparer.quote(schema)
            there = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :schema")
            # IF NOT EXISTS would ask for the right to make one also where it is there.
            if connection.execute(there, {"schema": schema}).scalar() is None:
                connection.exec_driver_sql(f"CREATE SCHEMA {quoted}")
            connection.exec_driver_sql(f"SET LOCAL search_path TO {quoted}")
        yield

    def grant(self, connection: Connection, user: str, *, write: Sequence[str], read: Sequence[str]) -> None:
        """Let *user*, a role, write to some tables of the current schema and read others."""
        quote = connection.dialect.identifier_preparer.quote
        role, schema = quote(user), quote(connection.exec_driver_sql("SELECT current_schema()").scalar_one())
        for rights, tables in (("SELECT, INSERT, UPDATE, DELETE", write), ("SELECT", read)):
            connection.exec_driver_sql(f"GRANT {rights} ON {', '.join(map(quote, tables))} TO {role}")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {role}")


def _speak_utf8(connection: Any) -> None:
    """Set the encoding of a driver's connection: by default it is the database's own, which may lack characters."""
    if hasattr(connection, "set_client_encoding"):
        connection.set_client_encoding("UTF8")
    elif connection.info.encoding != "utf-8":  # psycopg 3
        connection.execute("SET client_encoding TO 'UTF8'")
        connection.commit()


def _state(error: DBAPIError) -> str | None:
    """Return the SQLSTATE, which only the server gives."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)


# --- several writes in one statement ----------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _joined(dialect: Dialect, schema: str | None, shapes: tuple[_Shape, ...]) -> str:
    """Return one statement that executes several, each for its rows; the names of a row's values end in its number.

    Shapes:
        shapes: the statements, each with the names in its rows and the number of its rows
    """
    texts: list[str] = []
    for statement, names, count in shapes:
        options: dict[str, Any] = {"schema_translate_map": {None: schema}, "render_schema_translate": True}
        text = str(statement.compile(dialect=dialect, column_keys=list(names), **(options if schema else {})))
        texts += [_BIND.sub(rf"%(\1_{number})s", text) for number in range(len(texts), len(texts) + count)]
    *others, last = texts
    beside = ", ".join(f"write_{number} AS ({text})" for number, text in enumerate(others))
    return f"WITH {beside} {last}" if others else last


# --- COPY -------------------------------------------------------------------------------------------------------------


def _place(connection: Connection, table: str) -> str:
    """Return the name of *table* in SQL without parameters, with the schema that the store was opened with, if any."""
    quote, schema = connection.dialect.identifier_preparer.quote, schema_of(connection)
    place = f"{quote(schema)}.{quote(table)}" if schema else quote(table)
    return place.replace("%%", "%")  # SQLAlchemy doubles it, for statements with parameters


def _copy_in(connection: Connection, table: sa.Table, place: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows*, all with the same columns, by COPY into *place*, in batches that bound the memory for their text.

    A batch of one row is inserted.
    """
    dialect = connection.dialect
    if not sa.event.contains(dialect, "do_executemany", _send_copy):
        sa.event.listen(dialect, "do_executemany", _send_copy)
    columns = list(rows[0])
    statement = f"{_COPY}{place} ({', '.join(map(dialect.identifier_preparer.quote, columns))}) FROM STDIN"
    for batch in grouped(rows, _length, len(rows), _BATCH[1]):
        if len(batch) == 1:  # SQLAlchemy would not call do_executemany
            connection.execute(table.insert(), batch)
        else:
            connection.exec_driver_sql(statement, [tuple([row[column] for column in columns]) for row in batch])


def _send_copy(cursor: Any, statement: str, rows: Iterable[Sequence[Any]], context: object) -> bool:
    """Execute a COPY for SQLAlchemy, with its logs and errors; each driver has a call of its own for that."""
    if not statement.startswith(_COPY):
        return False
    copied = _copier()
    text = "".join(["\t".join(map(copied, row)) + "\n" for row in rows])
    if hasattr(cursor, "copy_expert"):
        cursor.copy_expert(statement, io.StringIO(text), size=_CHUNK)
    else:  # psycopg 3
        with cursor.copy(statement) as copy:
            copy.write(text)
    return True


def _copier() -> Callable[[str | int | datetime | None], str]:
    """Return what writes a value in COPY's text format; all rows of one save share their times, each written once."""
    written = functools.cache(datetime.__str__)

    def copied(value: str | int | datetime | None) -> str:
        if isinstance(value, str):
            return value.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
        return r"\N" if value is None else written(value) if isinstance(value, datetime) else str(value)

    return copied


def _length(row: Mapping[str, Any]) -> int:
    return sum([len(value) for value in row.values() if isinstance(value, str)])
