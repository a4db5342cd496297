"""Names, kinds and tags of documents, and files, completed by the shell.

A SQLite file is asked by the standard library's module, as importing this library takes longer than all the rest. A
server is asked by a store, which knows its passwords and options.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

from docstore.cli.settings import Settings

_MOST: Final = 100
"""Names that a shell is given."""

_SECONDS: Final = 2.0
"""How long a person who pressed Tab is kept waiting, for a server that does not answer."""

_SQLITE: Final = re.compile(r"(?:sqlite(?:\+pysqlite)?:///)?([^?]+)")
"""The URL of a SQLite file without options, or its path."""


def complete_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of documents that begin with *incomplete*; none if no database is configured or answers."""
    return _completed(lambda: _names(ctx, incomplete, deleted=False), incomplete)


def complete_deleted(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the same of deleted documents."""
    return _completed(lambda: _names(ctx, incomplete, deleted=True), incomplete)


def complete_kinds(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the kinds of the documents that there are, as ``complete_names`` their names."""
    return _completed(lambda: _kinds(ctx, incomplete), incomplete)


def complete_tags(ctx: click.Context, incomplete: str, written: Callable[[str], str]) -> list[CompletionItem]:
    """Return the tags of the document that is named before, as *written*, if they begin so."""
    return _completed(lambda: filter(lambda tag: tag.startswith(incomplete), map(written, _tags(ctx))), incomplete)


def complete_files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what makes the shell complete a path; for an argument that may be a URL or ``-`` as well."""
    return [CompletionItem(incomplete, type="file")]


def _completed(ask: Callable[[], Iterable[str]], incomplete: str) -> list[CompletionItem]:
    """Return the answers of a database that are fit for a command line; none if it does not answer in time."""
    found: list[str] = []

    def look() -> None:
        try:
            found.extend(ask())
        except Exception:
            return  # Tab has no place for an error: it completes nothing; the command itself says what is wrong

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    # What begins with a dash would be an option.
    return [CompletionItem(each) for each in found if each.isprintable() and (incomplete or each[:1] != "-")]


def _names(ctx: click.Context, prefix: str, *, deleted: bool) -> Iterable[str]:
    settings, kind = ctx.ensure_object(Settings), ctx.params.get("kind")
    which, index = ("IS NOT NULL", "") if deleted else ("IS NULL", "INDEXED BY documents_name")
    names = _in_file(
        settings,
        f"SELECT DISTINCT name FROM documents {index} WHERE path = '' AND deleted_at {which} AND project = :project"
        f"{' AND kind = :kind' if kind else ''} AND name >= :prefix AND name < :prefix || char(0x10ffff) "
        "ORDER BY name LIMIT :most",
        kind=kind,
        prefix=prefix,
        most=_MOST,
    )
    if names is not None:
        return names
    with settings.open() as store:
        return dict.fromkeys(store.find(kind, name_prefix=prefix, deleted=deleted, limit=_MOST).names())


def _kinds(ctx: click.Context, prefix: str) -> Iterable[str]:
    settings = ctx.ensure_object(Settings)
    kinds = _in_file(settings, "SELECT DISTINCT kind FROM names WHERE project = :project")
    if kinds is None:
        with settings.open() as store:
            kinds = store.kinds()
    return (kind for kind in kinds if kind.startswith(prefix))


def _tags(ctx: click.Context) -> Iterable[str]:
    settings, kind = ctx.ensure_object(Settings), ctx.params.get("kind") or "experiment"
    # Where a line ends in an option without its value, click does not come to the arguments.
    name = ctx.params.get("name") or ctx.args[0]
    tags = _in_file(
        settings,
        "SELECT tag FROM documents JOIN tags USING (id) WHERE path = '' AND deleted_at IS NULL AND project = :project "
        "AND kind = :kind AND name = :name ORDER BY tag",
        kind=kind,
        name=name,
    )
    if tags is not None:
        return tags
    with settings.open() as store:
        return store.tags(name, kind=kind)


def _in_file(settings: Settings, statement: str, **values: object) -> list[str] | None:
    """Return the texts that a statement selects in the SQLite file of this user; None if the store is to be asked.

    Whatever is not quite simple is left to it: a file of another user, in which reading may need more care, too.
    """
    url, project = settings.database()
    found = _SQLITE.fullmatch(url)
    path = Path(found[1]).absolute() if found else None
    if path is None or not path.is_file() or (hasattr(os, "geteuid") and path.stat().st_uid != os.geteuid()):
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return [text for (text,) in connection.execute(statement, {**values, "project": project})]
    except sqlite3.Error:
        return None
