"""Whether a file or a URL is that of a database, or has JSON in it."""

from __future__ import annotations


def is_database(text: str) -> bool:
    """Return whether *text* is the URL of a database, or the path of a SQLite file."""
    from docstore.sql.dialects.engines import BACKENDS
    from docstore.sql.dialects.urls import is_path

    scheme, separator, _ = text.partition("://")
    return is_path(text) or (bool(separator) and any(scheme.partition("+")[0] in each.schemes for each in BACKENDS))
