"""Names of documents, and of files, completed by the shell."""

from __future__ import annotations

import threading
from typing import Final

import click
from click.shell_completion import CompletionItem

from docstore.cli.settings import Settings
from docstore.cli.text import printable

_MOST: Final = 100
"""Names that a shell is given."""

_SECONDS: Final = 2.0
"""How long a person who pressed Tab is kept waiting, for a server that does not answer."""


def complete_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of documents that begin with *incomplete*; none if no database is configured or answers."""
    found: list[str] = []
    kind = ctx.params.get("kind")

    def look() -> None:
        try:
            with ctx.ensure_object(Settings).open() as store:
                found.extend(store.find(kind, name_prefix=incomplete, limit=_MOST).names())
        except Exception:
            return  # Tab has no place for an error: it completes nothing; the command itself says what is wrong

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    return [CompletionItem(name) for name in dict.fromkeys(found) if printable(name) == name]


def complete_files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what makes the shell complete a path; for an argument that may be a URL or ``-`` as well."""
    return [CompletionItem(incomplete, type="file")]
