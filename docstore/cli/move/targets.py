"""Files and URLs on a command line: whether one is that of a database, and how it is shown."""

from __future__ import annotations


def is_database(text: str) -> bool:
    """Return whether *text* is the URL of a database, or the path of a SQLite file."""
    from docstore.sql.dialects.engines import BACKENDS
    from docstore.sql.dialects.urls import is_path

    scheme, separator, _ = text.partition("://")
    return is_path(text) or (bool(separator) and any(scheme.partition("+")[0] in each.schemes for each in BACKENDS))


def shown(text: str) -> str:
    """Return a file or a URL as a message shows it, without a password."""
    from docstore.json_store.remote import shown as without_password

    return without_password(text)
