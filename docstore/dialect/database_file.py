"""The file of a SQLite database: whether what has its name is still what the store's connections have open.

A file that is deleted or replaced lives on, without a name, for who has it open: what is saved there is gone when that
is closed. And whoever opens the new file finds the old one's log beside it (``-wal``), and puts the two together.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool, QueuePool

from docstore.errors import CHANGES_UNKNOWN, NOTHING_CHANGED, DatabaseError, FileReplacedError

_Identity: TypeAlias = "tuple[int, int]"
"""A file's device and inode: they are its own for as long as anyone has it open, whatever its name."""

_KEY: Final = "docstore_database_file"
"""Where a connection's own notes have what is known of it."""

# Of a pool and not of an engine: when the engine is disposed of, its next pool opens what is there then.
_FIRST_OPENED: Final[weakref.WeakKeyDictionary[Pool, _Opened]] = weakref.WeakKeyDictionary()


@dataclass(slots=True)
class _Opened:
    """What a connection has open.

    Attributes:
        log: the file ``-wal``; None as long as none was seen.
        process: the one that opened it.
    """

    path: bytes
    file: _Identity
    log: _Identity | None = None
    process: int = field(default_factory=os.getpid)


def path_of(driver: Any) -> bytes:
    """Return the path of the file that the driver's connection has open, empty for a database in memory."""
    # As bytes, since a name need not be UTF-8.
    path: bytes = _execute(driver, "SELECT CAST(file AS BLOB) FROM pragma_database_list WHERE name = 'main'")[0]
    return path


def inherit_file(pool: Pool, new: Pool) -> None:
    """Let the connections of the pool *new* have open what those of *pool*, in whose place it is, had."""
    if (opened := _FIRST_OPENED.get(pool)) is not None:
        _FIRST_OPENED[new] = opened


def check_before_opening(engine: Engine) -> None:
    """Refuse to open what has taken the place of the file that other connections of the pool have open.

    Raises:
        FileReplacedError: so it has, or the file is gone.

    Cost:
        Nothing where an open connection waits in the pool: ``check`` looks at that. Else an ``os.stat``.
    """
    opened = _FIRST_OPENED.get(engine.pool)
    if opened is None or (isinstance(engine.pool, QueuePool) and engine.pool.checkedin()):
        return
    if (found := _identity(opened.path)) != opened.file:
        raise _replaced(opened.path, found, committed=False)


def note_file(connection: Connection) -> bool:
    """Note which file a connection has open, at its first transaction; return whether there is one to be noted now.

    A database in memory has no file.

    Raises:
        FileReplacedError: it is not the one that other connections of the pool have open.

    Cost:
        A PRAGMA and an ``os.stat`` for each connection that is opened.
    """
    if _KEY in connection.info:
        return False
    path = path_of(connection.connection.driver_connection)
    if not path:
        connection.info[_KEY] = None
        return False
    file = _identity(path)
    first = _FIRST_OPENED.get(connection.engine.pool)
    if file is None or (first is not None and file != first.file):
        # Which of the two it has open is not known.
        connection.invalidate()
        raise _replaced(path, file, committed=False)
    connection.info[_KEY] = _Opened(path, file)
    _FIRST_OPENED.setdefault(connection.engine.pool, _Opened(path, file))
    return True


def check(connection: Connection, *, committed: bool = False) -> None:
    """Refuse a connection to a file that no longer has its name, or whose log does not.

    Args:
        committed: whether changes were just committed; the error tells of them.

    Raises:
        FileReplacedError: the file or its log was deleted, moved or replaced.

    Cost:
        An ``os.stat`` of each of the two.
    """
    opened: _Opened | None = connection.info[_KEY]
    if opened is None:
        return
    driver = connection.connection.driver_connection
    found = _identity(opened.path, committed=committed)
    if found != opened.file:
        raise _replaced(opened.path, found, committed=committed, rest=_checkpoint(driver, opened))
    if opened.log is None:
        return
    if (log := _identity(_log(opened), committed=committed)) != opened.log and _logs(driver):
        raise _log_replaced(opened, log, committed=committed)


def checkpoint_on_close(driver: Any, info: Mapping[str, Any]) -> None:
    """Leave nothing beside a file that has taken the place of the one that a connection has open, and that is closed.

    Args:
        info: the connection's own notes.
    """
    opened: _Opened | None = info.get(_KEY)
    if opened is None or opened.process != os.getpid():
        return
    with contextlib.suppress(DatabaseError):  # of a file that cannot be looked at: there is nobody to be told
        if _identity(opened.path) != opened.file:
            _checkpoint(driver, opened)


def check_process(connection: Connection) -> None:
    """Refuse a connection that the process has from the one that it was forked from.

    Raises:
        DatabaseError: so it has.
    """
    opened: _Opened | None = connection.info.get(_KEY)
    if opened is not None and opened.process != os.getpid():
        remedy = "In the child, call engine.dispose(close=False) before anything else."
        raise DatabaseError(
            f"{_shown(opened.path)}: the connection was opened before this process was forked. {remedy}"
        )


def note_log(connection: Connection, *, committed: bool) -> None:
    """Note which log a connection has open: after its first transaction it has.

    From then on it stays the same for as long as the connection is open: who else would delete it, at the end of the
    last connection or to leave the WAL mode, needs a lock that this connection is in the way of.
    """
    opened: _Opened | None = connection.info.get(_KEY)
    if opened is not None and opened.log is None:
        opened.log = _identity(_log(opened), committed=committed)


def _identity(path: bytes, *, committed: bool = False) -> _Identity | None:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        problem = f"the file cannot be looked at: {error.strerror}. Check its folder and its permissions."
        raise DatabaseError(f"{_shown(path)}: {problem}", changes=_changes(committed)) from error
    return found.st_dev, found.st_ino


def _log(opened: _Opened) -> bytes:
    return opened.path + b"-wal"


def _logs(driver: Any) -> bool:
    """Return whether the database has a log; someone may have set it to another journal by this very connection."""
    return bool(_execute(driver, "PRAGMA journal_mode")[0] == "wal")


def _execute(driver: Any, statement: str) -> Any:
    """Return the first row of *statement*."""
    cursor = driver.cursor()
    try:
        return cursor.execute(statement).fetchone()
    finally:
        cursor.close()


def _checkpoint(driver: Any, opened: _Opened) -> str:
    """Write what is in the log into the file that it is of, empty it, and return what to say of it.

    That file may have another name now, and is whole then. The log, which has kept its name, would be taken for that of
    the file that is there now, and damage it.
    """
    log = _identity(_log(opened))
    if log is None or log != opened.log:
        return ""
    with contextlib.suppress(sqlite3.Error):
        if not _logs(driver):
            return ""
        patience = _execute(driver, "PRAGMA busy_timeout")[0]
        _execute(driver, "PRAGMA busy_timeout = 0")
        is_busy = _execute(driver, "PRAGMA wal_checkpoint(TRUNCATE)")[0]
        _execute(driver, f"PRAGMA busy_timeout = {patience}")
        if not is_busy:
            return ""
    name = _shown(_log(opened))
    return f" First move {name} away, and {name.removesuffix('wal')}shm: they belong to the file that was opened."


def _replaced(path: bytes, found: _Identity | None, *, committed: bool, rest: str = "") -> FileReplacedError:
    if found is None:
        what = "the file was deleted or moved away while the store had it open"
        remedy = "Put it back; or call store.close(), and connect() to begin with a new file."
    else:
        what = "another file has taken the place of the one that the store has open"
        remedy = "Call store.close(): then the store opens the file that is there now, and verify() looks at it."
    return FileReplacedError(_shown(path), f"{what}. {remedy}{rest}", changes=_changes(committed))


def _log_replaced(opened: _Opened, found: _Identity | None, *, committed: bool) -> FileReplacedError:
    what = "was deleted or moved away" if found is None else "was replaced by another"
    remedy = (
        "Call store.close() in each process that uses the database: the last one to close it writes what it still has "
        "of the log into the file. Then verify() tells whether that is all."
    )
    problem = f"its log {_shown(_log(opened))}, which has the last saves, {what} while the store had it open"
    return FileReplacedError(_shown(opened.path), f"{problem}. {remedy}", changes=_changes(committed))


def _changes(committed: bool) -> str:
    return CHANGES_UNKNOWN if committed else NOTHING_CHANGED


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
