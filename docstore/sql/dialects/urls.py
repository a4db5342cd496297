"""Database URLs: parse them, and show them without their passwords."""

from __future__ import annotations

import os
import re
from os import PathLike
from typing import Final
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError

from docstore.documents.canonical import is_plain
from docstore.errors import InvalidValueError, MissingFileError

EXAMPLES: Final = "sqlite:///lab.db, postgresql://user:password@host/database or mariadb://user:password@host/database"

_ENDINGS: Final = (".db", ".sqlite", ".sqlite3")

_OF_URLS: Final = frozenset(":@?#")
"""Characters of URLs. A text with one is no path: a URL with a typo, which may have a password, must make no file."""

_SECRET: Final = re.compile(r"((?:password|passwd|pwd|passphrase|secret|token)=)[^&;\s]*", re.IGNORECASE)

_SECRET_ON: Final = re.compile(_SECRET.pattern.replace(r"[^&;\s]*", ".+"), re.IGNORECASE | re.DOTALL)
"""The same in text that is not a URL, where the end of such a value is not known."""

_FORGOTTEN: Final = re.compile(r"(://[^:?#]*:|^(?!sqlite:)[^:]*:(?!//))(?!\d{1,5}(?:[/?#]|$)).+", re.DOTALL)
"""The place of a password if the ``@host`` was forgotten: in the place of the port, or after the first colon."""

ESCAPES: Final = "In a user and a password, write %40 for @, %3A for :, %2F for / and %25 for %."

_DSN: Final = re.compile(
    r"invalid dsn|invalid port number|invalid integer value|missing \"=\"|percent-encoded|query parameter|in URI|"
    r"host name \"[^\"]*@"
)
"""Errors of libpq about a connection string that it cannot parse, or a host name that is a piece of a password."""


def parse(url: str | sa.URL) -> sa.URL:
    """Return *url* parsed by SQLAlchemy.

    Raises:
        InvalidValueError: it is not a database URL, or has an unescaped ``@`` in its password. Without a cause or
            context: SQLAlchemy's parser quotes what it took for a port, which may be a password.
    """
    if not isinstance(url, (str, sa.URL)) or not all(map(is_plain, _texts_of(url))):
        remedy = f"Write one like {EXAMPLES}, without NUL or lone surrogates."
        raise InvalidValueError("database URL", type(url) if isinstance(url, sa.URL) else redacted(url), remedy)
    made = _made(url)
    if made is None:
        paths = f"A path of a SQLite file ends in {' or '.join(_ENDINGS)}, or is a pathlib.Path."
        raise InvalidValueError("database URL", redacted(url), f"Write one like {EXAMPLES}. {paths}")
    if isinstance(url, str) and made.username is not None and (url.count("@") > 1 or "@" in _of_secret(url)):
        # SQLAlchemy ends the password at the first @: the rest would be shown as a host or an option.
        raise InvalidValueError("database URL", redacted(url), ESCAPES)
    return made


def is_path(text: str) -> bool:
    """Return whether *text* is the path of a SQLite file, by its ending or since there is such a file."""
    if _OF_URLS & {*text}:
        return False
    return text.endswith(_ENDINGS) or _is_sqlite_file(text)


def _is_sqlite_file(path: str) -> bool:
    if not os.path.isfile(path):
        return False  # of a pipe, what is read here would be lost
    try:
        with open(path, "rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except (OSError, ValueError):
        return False


def check_database_file(url: sa.URL, remedy: str = "") -> None:
    """Check that the file of a SQLite database is there: whoever opens it to write would make it.

    Raises:
        MissingFileError: there is none.
    """
    path = (url.get_backend_name() == "sqlite" and url.database) or ":memory:"
    if path != ":memory:" and not path.startswith("file:") and not os.path.exists(path):
        raise MissingFileError(path, f"there is no such database file{remedy and f'. {remedy}'}")


def _made(url: str | sa.URL) -> sa.URL | None:
    """Return *url* parsed by SQLAlchemy; None if that fails or the port is out of range."""
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):
        return None
    return made if made.port is None or made.port <= 0xFFFF else None


def _of_secret(url: str) -> str:
    """Return the part of *url* that begins with a password among its options; empty if there is none."""
    found = _SECRET_ON.search(url)
    return found[0] if found else ""


def _texts_of(url: str | sa.URL) -> list[str]:
    """Return every text in *url*, since a URL with a lone surrogate cannot be rendered as a whole."""
    if isinstance(url, str):
        return [url]
    options = [each for value in url.query.values() for each in ((value,) if isinstance(value, str) else value)]
    texts = (url.username, url.password, url.host, url.database, *url.query, *options)
    return [str(each) for each in texts if each is not None]


def _is_torn(url: sa.URL) -> bool:
    """Return whether a piece of a password may have been taken for the host or the database."""
    if url.get_backend_name() == "sqlite" and not url.host:
        return False
    return "@" in f"{url.host}{url.database}" or (not url.host and ":" in f"{url.database}")


def of_server(url: sa.URL) -> sa.URL:
    """Return *url* with the user and the password moved from its options to their proper places.

    Options are shown in the ``repr`` of an engine.

    Raises:
        InvalidValueError: a part of the password would be taken for the host, and shown.
    """
    if _is_torn(url):
        raise InvalidValueError("database URL", redacted(url), ESCAPES)
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    password = options.get("password", options.get("passwd"))
    moved = url.difference_update_query(("user", "password", "passwd"))
    # None leaves a field unchanged.
    return moved.set(username=options.get("user"), password=password)


def shown(url: sa.URL) -> str:
    """Return *url* as text without its password, also if it is an option."""
    text = _SECRET.sub(r"\1***", url.render_as_string(hide_password=True))
    if url.get_backend_name() == "sqlite" and url.database:
        # A path as it was given: SQLAlchemy quotes the letters that ASCII lacks, and the colons of :memory:.
        _, mark, query = text.partition("?")
        return f"{url.drivername}:///{url.database}{mark}{query}"
    return text


def for_administrator(url: sa.URL) -> str:
    """Return *url* with placeholders for the name and the password of an administrator."""
    anonymous = url.difference_update_query(("user", "password", "passwd"))
    filled = anonymous.set(username="ADMIN", password="PASSWORD").render_as_string(hide_password=False)
    return _SECRET.sub(r"\1***", filled)


def redacted(url: object) -> str:
    """Return what was given as a URL, without anything that may be a password, for an error message."""
    if isinstance(url, (Engine, sa.URL)):
        made = url.url if isinstance(url, Engine) else url
        return f"{made.drivername}://***" if _is_torn(made) else shown(made)
    if isinstance(url, PathLike):
        return repr(url)
    if not isinstance(url, str):
        return f"something of type {type(url).__qualname__}"
    url = _SECRET_ON.sub(r"\1***", url)
    head, at, tail = url.rpartition("@")
    scheme, separator, _ = head.partition("://")
    return f"{scheme if separator else ''}{separator}***@{tail}" if at else _FORGOTTEN.sub(r"\1***", url)


def without_password(text: str, url: sa.URL) -> str:
    """Return *text*, a driver's message, without the password of *url*."""
    password = str(url.password or "")
    # A password of a letter or two occurs in every sentence, and replacing it would give it away.
    if len(password) > 3:
        for form in (password, repr(password)[1:-1], quote(password, safe=""), quote_plus(password)):
            text = text.replace(form, "***")
    return _SECRET.sub(r"\1***", text)


def shows_dsn(text: str) -> bool:
    """Return whether *text*, a driver's message, quotes a piece of the connection string."""
    return _DSN.search(text) is not None
