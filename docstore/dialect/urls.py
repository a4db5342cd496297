"""Database URLs: which database one is of, with its driver spelled out, and what of it a person may see."""

from __future__ import annotations

import re
from os import PathLike
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from docstore.dialect.backend import Backend
from docstore.errors import InvalidValueError

EXAMPLES: Final = "sqlite:///lab.db, postgresql://user:password@host/database or mysql://user:password@host/database"

_SECRET: Final = re.compile(r"((?:password|passwd|pwd|passphrase|secret|token)=)[^&;\s]*", re.IGNORECASE)

_FORGOTTEN: Final = re.compile(r"(://[^:/?#]*:)(?!\d{1,5}(?:[/?#]|$))[^/?#]*")
"""Where a password stands in a URL whose ``@host`` was forgotten: in the place of the port."""


def parsed(url: str | sa.URL, backends: tuple[Backend, ...]) -> tuple[sa.URL, Backend]:
    """Return *url* with its driver spelled out, and which of *backends* it is of.

    Raises:
        InvalidValueError: it is not a database URL; or of a database, or a driver, that docstore does not know.
    """
    try:
        made = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InvalidValueError("database URL", redacted(url), f"Write one like {EXAMPLES}.") from error
    scheme, _, driver = made.drivername.partition("+")
    backend = next((each for each in backends if scheme in each.schemes), None)
    if backend is None:
        raise unsupported("database URL", redacted(url), backends)
    spelled = made.set(drivername="+".join(filter(None, (backend.schemes[scheme], driver or backend.driver))))
    try:
        is_async = spelled.get_dialect().is_async
    except (NoSuchModuleError, ValueError) as error:
        remedy = f"There is no driver {driver!r}: write {scheme}://."
        raise InvalidValueError("database URL", redacted(url), remedy) from error
    if is_async:
        remedy = f"docstore waits for its database: write {scheme}://, without an asynchronous driver."
        raise InvalidValueError("database URL", redacted(url), remedy)
    return spelled, backend


def of_server(url: sa.URL) -> sa.URL:
    """Return *url* with the user and the password in their places, also where they stood among the options.

    There, SQLAlchemy shows them in the ``repr`` of an engine.

    Raises:
        InvalidValueError: a part of the password would be taken for the host, and told as such.
    """
    if "@" in f"{url.host}{url.database}":
        remedy = "In a user and a password, write %40 for @, %3A for :, %2F for / and %25 for %."
        raise InvalidValueError("database URL", redacted(url.render_as_string(hide_password=False)), remedy)
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    password = options.get("password", options.get("passwd"))
    moved = url.difference_update_query(("user", "password", "passwd"))
    # None leaves it as it is.
    return moved.set(username=options.get("user"), password=password)


def unsupported(thing: str, value: object, backends: tuple[Backend, ...]) -> InvalidValueError:
    """Return the error of a database that is none of *backends*."""
    titles = ", ".join(backend.title for backend in backends)
    return InvalidValueError(thing, value, f"docstore stores documents in {titles}. Write a URL like {EXAMPLES}.")


def shown(url: sa.URL) -> str:
    """Return *url* as a person may see it: a password is hidden, also one among its options."""
    return _SECRET.sub(r"\1***", url.render_as_string(hide_password=True))


def for_administrator(url: sa.URL) -> str:
    """Return *url* with words where an administrator has a name and a password to write."""
    anonymous = url.difference_update_query(("user", "password", "passwd"))
    filled = anonymous.set(username="ADMIN", password="PASSWORD").render_as_string(hide_password=False)
    return _SECRET.sub(r"\1***", filled)


def redacted(url: str | PathLike[str] | sa.URL | Engine) -> str:
    """Return what may be shown of what was given for a URL; of all that may hold a password in it, nothing."""
    if not isinstance(url, str):
        return shown(url.url if isinstance(url, Engine) else url) if isinstance(url, (Engine, sa.URL)) else repr(url)
    head, at, tail = url.rpartition("@")
    scheme, separator, _ = head.partition("://")
    hidden = f"{scheme if separator else ''}{separator}***@{tail}" if at else _FORGOTTEN.sub(r"\1***", url)
    return _SECRET.sub(r"\1***", hidden)


def without_password(text: str, url: sa.URL) -> str:
    """Return *text*, a driver's complaint, without the password of *url*, should the driver have put it there."""
    password = str(url.password or "")
    # One of a letter or two is in every sentence, and hidden there it would be spelled out by the gaps.
    hidden = text.replace(password, "***") if len(password) > 3 else text
    return _SECRET.sub(r"\1***", hidden)
