"""The backend for SQLite: a file or a database in memory; a writer locks the whole database."""

from __future__ import annotations

import contextlib
import functools
import itertools
import operator
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import QueuePool

from docstore.errors import (
    CHANGES_KEPT,
    DatabaseError,
    InvalidValueError,
    RaceLostError,
    ReadOnlyError,
    TablesError,
    UnreadableError,
)
from docstore.sql.dialects.base import READ_ONLY, Backend, Fault, Meaning, Opening, Setting, backoff
from docstore.sql.dialects.sqlite import database_file, read_only
from docstore.sql.dialects.sqlite.forks import SQLITE, close_before
from docstore.sql.dialects.types import UtcTime
from docstore.sql.dialects.urls import shown

_OLDEST: Final = (3, 38)
"""The first with the operators ``->`` and ``->>``."""

_PATIENCE: Final = 30
"""Seconds to wait for a lock."""

_PATIENCE_WITH_READERS: Final = 1000
"""Milliseconds to wait for readers that need the log; one may be in this very thread, and never end."""

_BESIDE: Final = 4096
"""Bytes left for the other columns of a row, which has the same limit as a text."""

_MOST_FAULTS: Final = 10_000
"""The most lines of ``PRAGMA integrity_check``; its default is 100."""

_OF_INDEX: Final = re.compile(r"\bindex (\S+)$")
_OF_TREE: Final = re.compile(r"^(?:Tree (\d+)|On tree page (\d+))")

_MEANINGS: Final = {
    "UNIQUE constraint failed": Meaning(RaceLostError, "Another writer was first."),
    "database is locked": Meaning(
        DatabaseError, "Another process held it for 30 s; try again, or look for a transaction left open."
    ),
    "unable to open database file": Meaning(DatabaseError, "Does its folder exist, and may you write there?"),
    "readonly database": Meaning(ReadOnlyError, "Nothing can be saved here: check the file's permissions."),
    "disk is full": Meaning(DatabaseError, "Free some space and save again."),
    "disk I/O error": Meaning(
        DatabaseError, "Is the disk full or failing, or a limit on the size of files reached (ulimit -f)?"
    ),
    "malformed": Meaning(UnreadableError, "The file is damaged. verify() lists the damage, if the file can be opened."),
    "file is not a database": Meaning(DatabaseError, "This file has another format: choose another path."),
    "can only be used in that same thread": Meaning(
        DatabaseError, "Let the creator pass check_same_thread=False to sqlite3.connect."
    ),
    "Could not decode to UTF-8": Meaning(UnreadableError, "Another program wrote it. verify() says where."),
    "already exists": Meaning(TablesError, "It is not docstore's: give docstore a file of its own."),
    "no such table": Meaning(
        TablesError, "Call create_all_tables(engine), or docstore.connect(url), which makes them."
    ),
}


_LEVELS: Final = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
"""What ``PRAGMA synchronous`` means."""


class SQLite(Backend):
    """Writers begin with BEGIN IMMEDIATE: one that read first would find the database changed when it writes."""

    title: ClassVar = "SQLite"
    schemes: ClassVar = {"sqlite": "sqlite"}
    driver: ClassVar = ""
    modules: ClassVar = {"sqlite3": "sqlite+pysqlite"}
    locks_rows: ClassVar = False

    def engine(self, url: sa.URL, opening: Opening) -> Engine:
        """Return an engine: a file's in WAL mode, one in memory with a single connection."""
        if sqlite3.sqlite_version_info < _OLDEST:
            needed = ".".join(map(str, _OLDEST))
            raise InvalidValueError(
                "SQLite", sqlite3.sqlite_version, f"docstore's views need {needed}: use a later Python."
            )
        if opening.synchronous not in ("FULL", "NORMAL", "EXTRA"):
            raise InvalidValueError(
                "synchronous", opening.synchronous, "Use 'FULL' (the default), 'EXTRA' or 'NORMAL'."
            )
        if is_read_only(url):
            opening = replace(opening, read_only=True)
            if "uri" not in url.query:
                url = url.difference_update_query(["mode"])  # which SQLAlchemy would ignore, with a warning
        marked = {READ_ONLY: opening.read_only}
        options: dict[str, Any] = {"poolclass": QueuePool, "echo": opening.echo, "execution_options": marked}
        in_memory = _is_memory(url) if opening.creator is None else False
        if opening.creator is not None:
            options["creator"], in_memory = _looked_at(opening.creator)
        else:
            options["connect_args"] = {"check_same_thread": False}
        if in_memory:
            # Each connection to a database in memory is a database of its own: all threads take turns with one.
            options |= {"pool_size": 1, "max_overflow": 0}
        engine = sa.create_engine(url, **options)
        _set_up(engine, opening, in_memory=in_memory)
        if opening.creator is None and not in_memory:
            _open_as_allowed(engine, is_read_only=opening.read_only)
        return engine

    @contextlib.contextmanager
    def around_transaction(self, engine: Engine) -> Iterator[None]:
        """Keep forks waiting, and refuse to open another file than the pool's other connections have open."""
        with SQLITE.inside(engine):
            database_file.check_before_opening(engine)
            yield

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin at once as a writer, or as a reader; refuse a file that was replaced."""
        connection.begin()
        with _driver_errors():
            _begin_by_hand(connection.connection.driver_connection)
            if database_file.note_file(connection):
                close_before(connection.engine)
            database_file.check_process(connection)
            database_file.check(connection)
        if getattr(connection.connection.driver_connection, "in_transaction", False):
            # An Engine set up as SQLAlchemy's pages advise has begun by itself, and as a reader.
            connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")

    def commit(self, connection: Connection, *, write: bool) -> None:
        """Commit, and check that the file still has its name; otherwise what was written, or read, is lost."""
        database_file.check_process(connection)
        if write:
            connection.commit()
        else:
            connection.rollback()  # after a read of a malformed page, SQLite refuses even an empty COMMIT
        with _driver_errors():
            database_file.note_log(connection, committed=write)
            database_file.check(connection, committed=write)
            read_only.check(connection)

    def meaning(self, error: DBAPIError) -> Meaning:
        """Return the meaning of the message, as SQLite's codes are coarser."""
        text = str(error.orig)
        known = (meaning for sign, meaning in _MEANINGS.items() if sign in text)
        return next(known, Meaning(DatabaseError))

    def insert_many(self, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows* by one statement.

        Cost:
            The driver's alone: the values are bound as they are, since SQLAlchemy's way of binding a row costs more
            than its insert. All rows of one save share their times, so each is converted once.
        """
        statement, columns, as_bound = _bulk_insert(connection.dialect, table, tuple(rows[0]))
        convert = functools.cache(as_bound)
        values = [map(convert, map(get, rows)) if is_time else map(get, rows) for get, is_time in columns]
        connection.exec_driver_sql(statement, list(zip(*values, strict=True)))

    def ask(self, connection: Connection, question: str) -> sa.CursorResult[Any]:
        """Execute *question*, which may attach no other file: ATTACH and VACUUM INTO make one that is not there."""
        driver: Any = connection.connection.driver_connection
        driver.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else 0)
        try:
            return super().ask(connection, question)
        finally:
            driver.set_authorizer(None)

    def largest_text(self, connection: Connection, text: bytes) -> tuple[int, int]:
        """Return the bytes of *text*, and what SQLite was built, or set, to take."""
        driver = connection.connection.driver_connection
        return len(text), driver.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) - _BESIDE if driver is not None else 0

    def faults(self, connection: Connection, tables: Sequence[str]) -> Iterator[Fault]:
        """Yield each line of ``PRAGMA integrity_check``, which covers the whole file and not *tables* alone.

        Cost:
            A read of the file, and a lookup in each index for each row.
        """
        schema = connection.exec_driver_sql("SELECT name, tbl_name, type, rootpage FROM sqlite_master").all()
        roots = {row.rootpage: row for row in schema if row.rootpage}
        indexes = {row.name: row for row in schema if row.type == "index"}
        for (text,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_FAULTS})"):
            for line in str(text).splitlines():
                if line == "ok" or line.startswith("***"):
                    continue
                index, tree = _OF_INDEX.search(line), _OF_TREE.search(line)
                found = indexes.get(index[1]) if index else roots.get(int(tree[1] or tree[2])) if tree else None
                if found is None:
                    yield Fault("(any)", "the database file", line)
                else:
                    where = f"index {found.name}" if found.type == "index" else "its rows"
                    yield Fault(found.tbl_name, where, line)

    def size(self, connection: Connection, tables: Sequence[str]) -> int:
        """Return the bytes of the file, and of the log beside it."""
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        log = database_file.path_of(connection.connection.driver_connection) + b"-wal"
        in_log = os.path.getsize(log) if os.path.exists(log) else 0
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one() + in_log)

    def settings(self, connection: Connection) -> Sequence[Setting]:
        """Return the version of SQLite, and how the file is written."""
        mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
        if _is_wal(database_file.path_of(connection.connection.driver_connection)):
            mode = "wal"  # SQLite does not say so of a file that it opens as an immutable one
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        waits = "Readers wait for writers. The next command that writes sets it to wal, if the disk allows it."
        may_lose = "The last saves may be lost in a power cut: connect(..., synchronous='FULL')."
        return [
            Setting("SQLite", sqlite3.sqlite_version),
            Setting("journal_mode", mode, "" if mode in ("wal", "memory") else waits),
            Setting("synchronous", _LEVELS.get(level, str(level)), "" if level >= 2 else may_lose),
        ]

    @contextlib.contextmanager
    def erasing(self, connection: Connection) -> Iterator[None]:
        """Overwrite what is deleted with zeros: SQLite would leave it in the file until the space is used again."""
        before = connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
        connection.exec_driver_sql("PRAGMA secure_delete = ON").close()
        try:
            yield
        finally:
            # The PRAGMA returns a number: 2 is FAST, which overwrites only where that costs no further write.
            connection.exec_driver_sql(f"PRAGMA secure_delete = {'FAST' if before == 2 else before}").close()

    def forget(self, engine: Engine) -> None:
        """Write the log (the file ``-wal``), which has old pages, into the database, and empty it.

        Readers of an older state need the log. After waiting a second for them, it is left to a later checkpoint.
        """
        with SQLITE.inside(engine), contextlib.closing(engine.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            _begin_by_hand(driver)
            patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
            driver.execute(f"PRAGMA busy_timeout = {_PATIENCE_WITH_READERS}")
            try:
                # If others prevent it, this raises nothing.
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error as error:
                problem = f"{shown(engine.url)}: the file -wal could not be emptied: {error}."
                raise DatabaseError(problem, changes=CHANGES_KEPT) from error
            finally:
                driver.execute(f"PRAGMA busy_timeout = {patience}")


@contextlib.contextmanager
def _driver_errors() -> Iterator[None]:
    """Wrap errors of the driver itself in a DBAPIError, as SQLAlchemy does in its own calls."""
    try:
        yield
    except sqlite3.Error as error:
        raise DBAPIError.instance(None, None, error, sqlite3.Error) from error


def _begin_by_hand(driver: Any) -> None:
    """Let docstore begin and end transactions: with ``autocommit`` (Python 3.12), ``commit()`` would do nothing."""
    by_hand = getattr(sqlite3, "LEGACY_TRANSACTION_CONTROL", None)
    if by_hand is not None and getattr(driver, "autocommit", by_hand) != by_hand:
        driver.autocommit = by_hand
        if driver.in_transaction:
            driver.execute("ROLLBACK")


def is_read_only(url: sa.URL) -> bool:
    """Return whether *url* asks for a SQLite database that is only read."""
    return url.get_backend_name() == "sqlite" and url.query.get("mode") == "ro"


def _is_memory(url: sa.URL) -> bool:
    return url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"


def _looked_at(creator: Callable[[], Any]) -> tuple[Callable[[], Any], bool]:
    """Return a creator that first returns the connection made here, and whether its database is in memory."""
    first = creator()
    in_memory = not database_file.path_of(first)
    handed_out = [first]
    return lambda: handed_out.pop() if handed_out else creator(), in_memory


def _is_wal(path: bytes) -> bool:
    """Return whether the header of a file says that its journal is a write-ahead log."""
    if not path:
        return False
    with open(path, "rb") as file:
        return file.read(20)[18:] == b"\2\2"


def _write_ahead(cursor: Any) -> None:
    """Set the journal to WAL; if several processes do so on a new file at once, SQLite refuses some without waiting."""
    last = time.monotonic() + _PATIENCE
    attempts = itertools.count()
    # Asked first, since to set it takes a lock even where it is set already.
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "readonly" in str(error):
                return  # it is read in the mode that it has
            if "locked" not in str(error) or time.monotonic() > last:
                raise
        backoff(next(attempts))


def _open_as_allowed(engine: Engine, *, is_read_only: bool) -> None:
    """Open the file of *engine* to be read alone, if the caller wants it or this user may do no more."""

    @sa.event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
        is_uri = bool(options.get("uri"))
        uri = read_only.uri_of(arguments[0], record.info, is_uri=is_uri, read_only=is_read_only)
        if uri is None:
            return dialect.connect(*arguments, **options)
        return dialect.connect(uri, **{**options, "uri": True})

    @sa.event.listens_for(engine, "checkout")
    def checkout(connection: Any, record: Any, proxy: Any) -> None:
        if read_only.is_outdated(record.info):
            raise DisconnectionError  # the pool opens another connection


def _set_up(engine: Engine, opening: Opening, *, in_memory: bool) -> None:
    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        _begin_by_hand(connection)
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA synchronous = {opening.synchronous}")
        # Debian's default, and not everyone's. A purge could not find what is left of a value that a save replaced.
        cursor.execute("PRAGMA secure_delete = ON")
        if opening.read_only:
            cursor.execute("PRAGMA query_only = ON")
        elif not in_memory:
            _write_ahead(cursor)
        cursor.close()

    @sa.event.listens_for(engine, "close")
    def closing(connection: Any, record: Any) -> None:
        database_file.checkpoint_on_close(connection, record.info)

    @sa.event.listens_for(engine, "handle_error")
    def keep_it(context: Any) -> None:
        # SQLAlchemy closes a connection that Ctrl-C hit. Of a database in memory all would be gone with it; of a file
        # it would keep the write lock, for as long as the traceback holds its cursor.
        context.is_disconnect = False


@functools.lru_cache(maxsize=16)
def _bulk_insert(
    dialect: Dialect, table: sa.Table, columns: tuple[str, ...]
) -> tuple[str, Sequence[tuple[operator.itemgetter[str], bool]], Callable[[Any], Any]]:
    """Return the statement; for each of its values, what gets it from a row, and whether it is a time; a converter."""
    insert = table.insert().compile(dialect=dialect, column_keys=list(columns))
    names = insert.positiontup or ()
    values = [(operator.itemgetter(name), isinstance(table.c[name].type, UtcTime)) for name in names]
    return str(insert), values, UtcTime().dialect_impl(dialect).bind_processor(dialect) or _unchanged


def _unchanged(value: Any) -> Any:
    return value
