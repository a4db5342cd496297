"""The SQL that reads a document of any size in bounded memory: which rows there are, then those rows page by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.history import NOT_KEPT
from docstore.sql.dialects import AsText, JsonText, only_row
from docstore.sql.tables import IS_HEAD, documents, states, versions

T = TypeVar("T", str, int)


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
    # The sizes are asked for first: a driver may fetch the whole of a result, however little of it is read.
    c = table.c
    measure = sa.select(c.path, text_length(c.body).label("size")).where(of)
    wanted = iter(paths)
    while chunk := list(islice(wanted, size.rows)):
        sizes = {row.path: row.size or 0 for row in connection.execute(measure.where(c.path.in_(chunk)))}
        for page in _within(size.text, [path for path in chunk if path in sizes], sizes):
            yield list(connection.execute(sa.select(table).where(of, c.path.in_(page)).order_by(c.path)))


def version_pages(connection: Connection, id: str, size: PageSize, *, after: int = 0) -> Iterator[list[sa.Row[Any]]]:
    """Yield pages of the rows of history after version *after*, oldest first."""
    c = versions.c
    length = text_length(c.changes) + sa.func.char_length(c.message)
    measure = sa.select(c.version, length.label("size")).where(c.id == id).order_by(c.version).limit(size.rows)
    while True:
        found = connection.execute(measure.where(c.version > after))
        sizes = {row.version: row.size or 0 for row in found}
        if not sizes:
            return
        for page in _within(size.text, list(sizes), sizes):
            at = (c.id == id) & c.version.between(page[0], page[-1])
            yield list(connection.execute(sa.select(versions).where(at).order_by(c.version)))
            after = page[-1]


def text_length(json: sa.Column[Any]) -> sa.ColumnElement[int]:
    """Return the SQL of the length, in characters, of the text of a JSON column, as it is fetched."""
    return sa.func.char_length(JsonText().column_expression(json))


def _within(most: int, found: Sequence[T], sizes: Mapping[T, int]) -> Iterator[list[T]]:
    """Yield *found* in groups whose sizes sum to at most *most*; a larger one is a group by itself."""
    page: list[T] = []
    text = 0
    for each in found:
        if page and text + sizes[each] > most:
            yield page
            page, text = [], 0
        page.append(each)
        text += sizes[each]
    if page:
        yield page
