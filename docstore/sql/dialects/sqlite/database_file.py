"""Notice that the file of a SQLite database was deleted or replaced while connections have it open.

A file that is deleted or replaced lives on without a name for those who have it open; what is saved in it is lost when
they close it. And SQLite would apply the old file's log (``-wal``), which kept its name, to the new file.
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
"""A file's device and inode, which no other file gets while anyone has it open."""

_CLOSE: Final = "call store.close() (if you gave an Engine, its dispose() as well)"

_KEY: Final = "docstore_database_file"
"""The key in ``Connection.info``."""

# By pool and not by engine: after Engine.dispose, the new pool opens the file that has the name then.
_FIRST_OPENED: Final[weakref.WeakKeyDictionary[Pool, _Opened]] = weakref.WeakKeyDictionary()


@dataclass(slots=True)
class _Opened:
    """The files that a connection has open.

    Attributes:
        log: the file ``-wal``; None before the first transaction.
        process: the id of the process that opened them.
    """

    path: bytes
    file: _Identity
    log: _Identity | None = None
    process: int = field(default_factory=os.getpid)


def path_of(driver: Any) -> bytes:
    """Return the path of the file of a driver's connection; empty for a database in memory."""
    # As bytes, since a file name need not be UTF-8.
    path: bytes = _execute(driver, "SELECT CAST(file AS BLOB) FROM pragma_database_list WHERE name = 'main'")[0]
    return path


def inherit_file(pool: Pool, new: Pool) -> None:
    """Bind *new*, which replaces *pool*, to the same file."""
    if (opened := _FIRST_OPENED.get(pool)) is not None:
        _FIRST_OPENED[new] = opened


def check_before_opening(engine: Engine) -> None:
    """Refuse to open a connection if the file that the pool's other connections have open was deleted or replaced.

    Raises:
        FileReplacedError: it was.

    Cost:
        An ``os.stat``; nothing if the pool has an idle connection, which ``check`` looks at.
    """
    opened = _FIRST_OPENED.get(engine.pool)
    if opened is None or (isinstance(engine.pool, QueuePool) and engine.pool.checkedin()):
        return
    if (found := _identity(opened.path)) != opened.file:
        raise _replaced(opened.path, found, committed=False)


def note_file(connection: Connection) -> bool:
    """Note which file a connection has open, at its first transaction; return whether it has a file and was noted now.

    Raises:
        FileReplacedError: it is another file than the pool's other connections have open.

    Cost:
        A PRAGMA and an ``os.stat`` for each new connection.
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
        # Which of the two files this connection has open is not known.
        connection.invalidate()
        raise _replaced(path, file, committed=False)
    connection.info[_KEY] = _Opened(path, file)
    _FIRST_OPENED.setdefault(connection.engine.pool, _Opened(path, file))
    return True


def check(connection: Connection, *, committed: bool = False) -> None:
    """Refuse a connection whose file or log was deleted, moved or replaced.

    Args:
        committed: whether changes were just committed, which the error then mentions.

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
    """Before a connection to a replaced file is closed, empty its log, which would damage the new file.

    Args:
        info: ``info`` of the connection.
    """
    opened: _Opened | None = info.get(_KEY)
    if opened is None or opened.process != os.getpid():
        return
    with contextlib.suppress(DatabaseError):  # the file cannot be looked at: a close has no caller to tell
        if _identity(opened.path) != opened.file:
            _checkpoint(driver, opened)


def check_process(connection: Connection) -> None:
    """Refuse a connection that was inherited by a fork.

    Raises:
        DatabaseError: another process opened it.
    """
    opened: _Opened | None = connection.info.get(_KEY)
    if opened is not None and opened.process != os.getpid():
        remedy = "In the child, call engine.dispose(close=False) before anything else."
        raise DatabaseError(
            f"{_shown(opened.path)}: the connection was opened before this process was forked. {remedy}"
        )


def note_log(connection: Connection, *, committed: bool) -> None:
    """Note which log a connection has open, after its first transaction.

    SQLite does not replace the log while the connection is open: to delete it, as the last connection or to leave the
    WAL mode, takes an exclusive lock.
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
    """Return whether the database is in WAL mode; a user may have set another journal mode by this connection."""
    return bool(_execute(driver, "PRAGMA journal_mode")[0] == "wal")


def _execute(driver: Any, statement: str) -> Any:
    """Return the first row of *statement*."""
    cursor = driver.cursor()
    try:
        return cursor.execute(statement).fetchone()
    finally:
        cursor.close()


def _checkpoint(driver: Any, opened: _Opened) -> str:
    """Checkpoint the log into the file that it belongs to, and truncate it; return a remedy if that is not possible.

    The file, which may have another name now, is complete then. A log that is not empty would be applied to the file
    that has the name now, and damage it.
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
    return f" First move {name} away, and {name.removesuffix('wal')}shm: they belong to the file that the store opened."


def _replaced(path: bytes, found: _Identity | None, *, committed: bool, rest: str = "") -> FileReplacedError:
    if found is None:
        what = "the file was deleted or moved away while the store had it open"
        remedy = f"Put it back; or {_CLOSE}, and connect() to begin with a new file."
    else:
        what = "another file has taken the place of the one that the store has open"
        remedy = f"To go on with the file that is there now, {_CLOSE}, and connect() again; verify() checks it."
    return FileReplacedError(_shown(path), f"{what}. {remedy}{rest}", changes=_changes(committed))


def _log_replaced(opened: _Opened, found: _Identity | None, *, committed: bool) -> FileReplacedError:
    what = "was deleted or moved away" if found is None else "was replaced by another"
    remedy = (
        f"In each process that uses the database, {_CLOSE}: the last one to close writes what it still has of the log "
        f"into the file. Then verify() shows whether anything is missing."
    )
    problem = f"its log {_shown(_log(opened))}, which has the last saves, {what} while the store had it open"
    return FileReplacedError(_shown(opened.path), f"{problem}. {remedy}", changes=_changes(committed))


def _changes(committed: bool) -> str:
    return CHANGES_UNKNOWN if committed else NOTHING_CHANGED


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
