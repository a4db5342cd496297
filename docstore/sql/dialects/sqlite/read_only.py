"""Open a SQLite file that may only be read: since the caller said so, or since this user may not write to it.

Readers of a database in WAL mode need two files beside it, ``-wal`` and ``-shm``, and make them if they are missing.
What SQLite 3.46 does for a user who

- may write neither to the file nor to its folder: it reads if both are there, as while the database is in use.
  Otherwise it refuses: "attempt to write a readonly database", or "unable to open database file";
- may write to the folder, but not to the file: it makes both files, which belong to the reader and stay. The owner of
  the database can save nothing any more;
- is not the owner, may write to both, and opens the database with ``mode=ro``: the same. Without ``mode=ro``, the files
  are removed when the database is closed.

Therefore such a file is opened with ``immutable=1`` while nobody else uses it: nothing is made beside it then. SQLite
takes no locks in this mode, ignores the log, and does not notice changes; so the file is looked at before and after
each transaction.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from sqlalchemy.engine import Connection

from docstore.errors import DatabaseError

_KEY: Final = "docstore_immutable"
"""The key in ``Connection.info``, and in that of the pool's record."""

_State: TypeAlias = "tuple[int, int, int, int]"
"""A file's device, inode, time of the last change and size: another one after each write."""


@dataclass(frozen=True, slots=True)
class _Immutable:
    """A file that was opened as immutable, as it was then."""

    path: str
    state: _State | None


def uri_of(filename: str, info: MutableMapping[str, Any], *, is_uri: bool, read_only: bool) -> str | None:
    """Return the URI by which to open a file, or None to open it as it is given.

    Args:
        filename: a path, or, *is_uri*, a URI of SQLite.
        info: that of the connection; a file that is to be opened as immutable is noted in it.

    Raises:
        DatabaseError: it is a folder; there is no such file, which is *read_only*; or this user cannot read its last
            saves.
    """
    info.pop(_KEY, None)
    uri, _, query = (filename if is_uri else Path(filename).as_uri()).partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    # The log is beside the file that a link leads to.
    path = os.path.realpath(unquote(urlsplit(uri).path, errors="surrogateescape") if is_uri else filename)
    if os.path.isdir(path):
        raise DatabaseError(f"{path}: this is a folder. Give the path of a file in it.")
    if read_only:
        if not os.path.exists(path):
            problem = "there is no such file. Check the path; without read_only=True, connect() makes the file."
            raise DatabaseError(f"{path}: {problem}")
        options["mode"] = "ro"
    if "immutable" not in options and os.path.exists(path) and _is_immutable(path, read_only=read_only):
        info[_KEY] = _Immutable(path, _state(path))
        options["immutable"] = "1"
    elif not read_only:
        return None
    return f"{uri}?{urlencode(options)}"


def is_outdated(info: MutableMapping[str, Any]) -> bool:
    """Return whether a connection opened a file as immutable that others have used since.

    Cost:
        Of such a connection, three ``os.stat``.
    """
    opened: _Immutable | None = info.get(_KEY)
    return opened is not None and (opened.state is None or _state(opened.path) != opened.state)


def check(connection: Connection) -> None:
    """Refuse what was read from a file as immutable, if another program wrote to it meanwhile.

    Raises:
        DatabaseError: one did.
    """
    if is_outdated(connection.info):
        path = connection.info[_KEY].path
        raise DatabaseError(f"{path}: another program wrote to the file while it was read. Read again.")


def _is_immutable(path: str, *, read_only: bool) -> bool:
    """Return whether what this user would make beside a file keeps its owner from saving, and nobody seems to use it.

    Raises:
        DatabaseError: its last saves are in a log that this user cannot read.
    """
    if os.path.exists(f"{path}-wal") and os.path.exists(f"{path}-shm"):
        return False
    is_writable = _is_writable(path) and _is_writable(os.path.dirname(path))
    if is_writable and (_is_of_this_user(path) or not read_only):
        return False
    if _state(path) is None:
        if is_writable:
            return False
        raise DatabaseError(
            f"{path}: its last saves are in a file of the same name with -wal or -journal at the end, which only a "
            f"user who may write to both the file and its folder can read. Let one open the database once and close "
            f"it, or copy both files to a folder of yours."
        )
    return True


def _is_of_this_user(path: str) -> bool:
    # Root's files get the owner of the database. Windows has no such owners.
    return os.name != "posix" or os.geteuid() in (0, os.stat(path).st_uid)


def _is_writable(path: str) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _state(path: str) -> _State | None:
    """Return the present state of a file; None if it is gone, or a log with changes is beside it."""
    try:
        if any(os.path.exists(log) and os.path.getsize(log) for log in (f"{path}-wal", f"{path}-journal")):
            return None
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
