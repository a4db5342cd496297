"""Files and URLs on a command line: whether one is that of a database, opened to copy to, and how it is shown."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING

from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from docstore.store.store import Store


def is_database(text: str) -> bool:
    """Return whether *text* is the URL of a database, also one with a scheme that is nearly right; or a SQLite file."""
    from docstore.sql.dialects.engines import BACKENDS
    from docstore.sql.dialects.urls import is_path

    scheme, separator, _ = text.partition("://")
    schemes = [scheme for backend in BACKENDS for scheme in backend.schemes]
    return is_path(text) or bool(separator and get_close_matches(scheme.partition("+")[0], schemes, n=1, cutoff=0.8))


def open_target(url: str, project: str, *, dry_run: bool) -> Store:
    """Return a store to copy documents to, which is made if it is not there; the caller closes it.

    Args:
        dry_run: nothing is made or written. If there are no tables yet, it is an empty store in memory.
    """
    target = Settings(url, project)
    if not dry_run:
        return target.open(writes=True, create=True)
    return target.open() if _has_tables(target) else Settings("sqlite://", project).open(writes=True, create=True)


def _has_tables(target: Settings) -> bool:
    from docstore import migrations

    engine = target.engine()
    try:
        if engine.dialect.name == "sqlite" and not os.path.exists(engine.url.database or ""):
            return False
        return migrations.current(engine) is not None
    finally:
        engine.dispose()


def shown(text: str) -> str:
    """Return a file or a URL as a message shows it, without a password."""
    from docstore.json_store.remote import shown as without_password

    return without_password(text)
