"""An online backup of a SQLite file; for a server, the command line of its own tool."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from os import PathLike
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from docstore.documents.arguments import checked_path
from docstore.errors import FileAccessError, InvalidValueError
from docstore.json_store.files import replacing
from docstore.json_store.remote import local_path, url_of
from docstore.json_store.remote import shown as url_shown
from docstore.progress import Progress, Report, reporting
from docstore.sql.dialects import backend_of, shown, transaction
from docstore.sql.tables import documents

_AT_ONCE: Final = 4096
"""Pages copied between two reports of progress: 16 MB."""


def backup(engine: Engine, path: str | PathLike[str], *, progress: bool | Report = False) -> int:
    """Write the SQLite database of *engine*, as of one moment, to the file *path*, and return its size in bytes.

    Others read and write meanwhile. A file that was there is replaced, once the new one is whole on the disk.

    Args:
        progress: as for ``Store.verify``: told how many pages are copied.

    Raises:
        InvalidValueError: the database is on a server: names the command that backs it up; or *path* is the database
            itself, is in use as a database, or is a URL.
        FileAccessError: the file cannot be written.
        DatabaseError: the database cannot be read.

    Cost:
        A read of the whole file. The database's log, ``-wal``, grows with what is written meanwhile.
    """
    target = checked_target(engine, path)
    with reporting(progress, "pages") as report, _explained(target), replacing(target) as new:
        _copy(engine, new, target, report)
    return os.path.getsize(target)


def checked_target(engine: Engine, path: str | PathLike[str]) -> str:
    """Return the path of the local file to which the database of *engine* can be backed up.

    Raises:
        InvalidValueError: as ``backup``.
    """
    target = checked_path("path", path)
    if engine.dialect.name != "sqlite":
        remedy = f"It is on a server, whose own tool backs it up: {_command(engine.url, target)}"
        raise InvalidValueError("database", engine.url.database, remedy)
    if url_of(target) is not None:
        raise InvalidValueError(
            "path", url_shown(target), "SQLite writes to local files: back up to one, and send that."
        )
    target = local_path(target)
    _check_unused(target, engine.url.database or "")
    return target


def _copy(engine: Engine, new: Path, name: str, report: Report) -> None:
    with transaction(engine, write=False) as connection, backend_of(connection).long_read_timeout(connection):
        # With a transaction that has read, every step copies the same state; without, a writer starts the copy anew.
        connection.execute(sa.select(documents.c.id).limit(1)).all()
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)  # the dialect is SQLite's
        with closing(sqlite3.connect(new)) as target:
            target.execute("PRAGMA journal_mode = OFF")  # a new file has nothing to go back to
            source.backup(
                target,
                pages=_AT_ONCE,
                progress=lambda _, remaining, total: report(Progress(total - remaining, total, name)),
            )
            # A file with a write-ahead log gets two others beside it when it is read, and whoever only reads leaves
            # them there. The first connect that may write sets it again.
            target.execute("PRAGMA journal_mode = DELETE")


def _check_unused(target: str, source: str) -> None:
    """Refuse a file whose log another program would need, or that is the database itself."""
    if os.path.exists(target) and os.path.exists(source) and os.path.samefile(target, source):
        raise InvalidValueError("path", target, "It is the database itself: name another file.")
    for log in (f"{target}-wal", f"{target}-journal"):
        if os.path.exists(log) and os.path.getsize(log):
            raise InvalidValueError("path", target, f"It is in use: there is {log}. Name another file.")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Raise an error of the new file's connection, of a full disk say, as a FileAccessError."""
    try:
        yield
    except sqlite3.Error as error:
        raise FileAccessError(path, f"{error}. Is there room for it? A file that was there is as it was.") from error


def _command(url: sa.URL, path: str) -> str:
    """Return the command line of the server's own tool, without a password."""
    if url.get_backend_name() == "postgresql":
        address = shown(url._replace(drivername="postgresql", password=None))
        words = ["pg_dump", "--format=custom", f"--file={path}", f"--dbname={address}"]
    else:
        given = {"host": url.host, "port": url.port, "user": url.username}
        options = [f"--{name}={value}" for name, value in given.items() if value]
        words = ["mariadb-dump", "--single-transaction", *options, f"--result-file={path}", url.database or "DATABASE"]
    return shlex.join(words)
