"""The SQL that reads a document of any size in bounded memory: which rows there are, then those rows page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.history import NOT_KEPT
from docstore.sql.dialects import AsText, JsonText, only_row
from docstore.sql.grouping import grouped
from docstore.sql.tables import IS_HEAD, documents, states, versions

R = TypeVar("R")

Singles: TypeAlias = "Iterable[tuple[str | int, sa.Select[Any]]]"
"""The key of each row of a page, and the SELECT of that row alone."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """How much of a document one page has; a row larger than ``text`` is a page by itself.

    Units:
        rows: of ``documents`` or ``versions``
        text: characters of their JSON and messages, together
    """

    rows: int = 500
    text: int = 8 * 2**20


class Key(NamedTuple):
    """The state of a head or part: the version that changed it last, and its digest. A change gives another key."""

    version: int
    digest: str


class Link(NamedTuple):
    """A version's link in the chain of its history: when it was made, its chain digest, and the document's digest."""

    created_at: datetime
    chain: str
    digest: str
    is_folded: bool


# --- which rows there are --------------------------------------------------------------------------------------------


def keys(connection: Connection, id: str) -> dict[str, Key]:
    """Return the key of the head and of each part, by path.

    Cost:
        No body is read; memory for a digest of each part.
    """
    c = documents.c
    query = sa.select(c.path, c.version, c.digest).where(c.id == id).order_by(c.path)
    return {row.path: Key(row.version, row.digest) for row in connection.execute(query)}


def project_of(connection: Connection, id: str) -> str | None:
    """Return the project of the document with this id, or None if there is none."""
    query = sa.select(documents.c.project).where(documents.c.id == id, IS_HEAD)
    return connection.execute(query).scalar()


def link(connection: Connection, id: str, number: int) -> Link | None:
    """Return the link of version *number*, or None if its row is missing."""
    c = versions.c
    is_folded = (AsText(c.changes) == NOT_KEPT).label("is_folded")
    query = sa.select(c.created_at, c.chain, c.digest, is_folded).where(c.id == id, c.version == number)
    row = only_row(connection.execute(query))
    return None if row is None else Link(row.created_at, row.chain, row.digest, row.is_folded)


# --- the rows, a page at a time --------------------------------------------------------------------------------------


def text_length(json: sa.Column[Any]) -> sa.ColumnElement[int]:
    """Return the SQL of the length, in characters, of the text of a JSON column, as it is fetched."""
    return sa.func.char_length(JsonText().column_expression(json))


_LENGTHS: Final[dict[str, sa.ColumnElement[int]]] = {
    "documents": text_length(documents.c.body),
    "versions": text_length(versions.c.changes) + sa.func.char_length(versions.c.message),
    "states": text_length(states.c.body),
    "tags": sa.literal_column("0", sa.Integer),
}


def piece_pages(connection: Connection, id: str, paths: Iterable[str], size: PageSize) -> Iterator[list[sa.Row[Any]]]:
    """Yield pages of the rows at *paths*: the head and parts; missing ones are skipped."""
    return _pages_at(connection, documents, documents.c.id == id, paths, size)


def state_pages(
    connection: Connection, id: str, number: int, paths: Iterable[str], size: PageSize
) -> Iterator[list[sa.Row[Any]]]:
    """Yield pages of the rows at *paths* in the full state of version *number*; missing ones are skipped."""
    return _pages_at(connection, states, (states.c.id == id) & (states.c.version == number), paths, size)


def _pages_at(
    connection: Connection, table: sa.Table, of: sa.ColumnElement[bool], paths: Iterable[str], size: PageSize
) -> Iterator[list[sa.Row[Any]]]:
    wanted = iter(paths)
    while chunk := list(islice(wanted, size.rows)):
        yield from pages(connection, table.c.path, of & table.c.path.in_(chunk), size, _fetched)


def version_pages(connection: Connection, id: str, size: PageSize, *, after: int = 0) -> Iterator[list[sa.Row[Any]]]:
    """Yield pages of the rows of history after version *after*, oldest first."""
    c = versions.c
    return pages(connection, c.version, (c.id == id) & (c.version > after), size, _fetched)


def _fetched(connection: Connection, page: sa.Select[Any], _: Singles) -> list[sa.Row[Any]]:
    return list(connection.execute(page))


def pages(
    connection: Connection,
    key: sa.Column[Any],
    of: sa.ColumnElement[bool],
    size: PageSize,
    fetch: Callable[[Connection, sa.Select[Any], Singles], list[R]],
    *,
    falling: bool = False,
) -> Iterator[list[R]]:
    """Yield the rows *of* a document in the table of *key*, ordered by *key*, in pages; memory for one page.

    Args:
        of: the condition of the rows; with it, *key* identifies a row.
        fetch: executes the SELECT of a page; it also gets the key and the SELECT of each of its rows.

    Cost:
        Two SELECTs for a page.
    """
    table, order = key.table, key.desc() if falling else key
    # The sizes are asked for first: a driver may fetch the whole of a result, however little of it is read.
    measure = sa.select(key, _LENGTHS[table.name].label("size")).where(of).order_by(order).limit(size.rows)
    rows, query = sa.select(table).where(of), measure
    while sizes := {row[0]: row.size or 0 for row in connection.execute(query)}:
        for page in grouped(sizes, sizes.__getitem__, size.rows, size.text):
            at = key.between(page[-1], page[0]) if falling else key.between(page[0], page[-1])
            yield fetch(connection, rows.where(at).order_by(order), ((each, rows.where(key == each)) for each in page))
        if len(sizes) < size.rows:
            return
        last = next(reversed(sizes))
        query = measure.where(key < last if falling else key > last)
