"""The SELECTs of verify: the ids of documents, and their rows in pages, where an unreadable row hides no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import is_plain, loads
from docstore.documents.history import Parent
from docstore.errors import DecodeError, PatchError, UnreadableError
from docstore.sql import paging
from docstore.sql.dialects import only_row, reading_times, translated
from docstore.sql.grouping import grouped
from docstore.sql.paging import PageSize, Singles, text_length
from docstore.sql.rows import HeadRow
from docstore.sql.tables import IS_HEAD, documents, names, states, tags, versions


@dataclass(frozen=True, slots=True)
class Unread:
    """An unreadable row, with a value that docstore does not write: its key in the document, and the problem."""

    key: str | int
    problem: str


Row: TypeAlias = "sa.Row[Any] | Unread"

_PAGE: Final = PageSize()


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """Raise UnreadableError for whatever a driver raises on values that docstore does not write."""
    with translated(connection.engine), reading_times():
        yield


# --- documents -------------------------------------------------------------------------------------------------------


def ids(connection: Connection, project: str, kind: str | None) -> list[str]:
    """Return the ids of the documents of *project*, deleted ones too; only those of *kind*, if given."""
    c = documents.c
    query = sa.select(c.id).where(IS_HEAD, c.project == project).order_by(c.kind, c.name, c.id)
    with reading(connection):
        return list(connection.execute(query if kind is None else query.where(c.kind == kind)).scalars())


def find_id(connection: Connection, project: str, kind: str, name: str) -> str | None:
    """Return the id of the document of this name: the live one or, without one, the one that was deleted last."""
    if not is_plain(kind) or not is_plain(name):
        return None
    c = documents.c
    query = sa.select(c.id).where(IS_HEAD, c.project == project, c.kind == kind, c.name == name)
    with reading(connection):
        return connection.execute(query.order_by(c.deleted_at.is_not(None), c.deleted_at.desc()).limit(1)).scalar()


def called(connection: Connection, id: str) -> tuple[str, str] | None:
    """Return the kind and the name of the document with this id, or None if there is none."""
    query = sa.select(documents.c.kind, documents.c.name).where(documents.c.id == id, IS_HEAD)
    with reading(connection):
        row = only_row(connection.execute(query))
    return None if row is None else (row.kind, row.name)


def id_in_names(connection: Connection, project: str, head: HeadRow) -> str | None:
    """Return the id in the table ``names`` for the name of *head*, or None if it has no row."""
    c = names.c
    query = sa.select(c.id).where(c.project == project, c.kind == head.kind, c.name == head.name)
    with reading(connection):
        return connection.execute(query).scalar()


def counts(connection: Connection, project: str) -> dict[str, int]:
    """Return the number of rows of history of each document of *project*."""
    of_project = sa.select(documents.c.id).where(IS_HEAD, documents.c.project == project)
    query = sa.select(versions.c.id, sa.func.count()).where(versions.c.id.in_(of_project)).group_by(versions.c.id)
    with reading(connection):
        return {row[0]: row[1] for row in connection.execute(query)}


def ids_with_foreign_head(connection: Connection, project: str) -> list[str]:
    """Return the ids that have parts in *project* and their head in another project."""
    head = documents.alias("head")
    c = documents.c
    elsewhere = sa.select(head.c.id).where(head.c.path == sa.literal_column("''"), head.c.project != project)
    query = sa.select(c.id).where(c.project == project, c.id.in_(elsewhere)).distinct().order_by(c.id)
    with reading(connection):
        return list(connection.execute(query).scalars())


def orphaned_tags(connection: Connection) -> list[sa.Row[Any]]:
    """Return the tags without a document, in any project."""
    heads = sa.select(documents.c.id).where(IS_HEAD)
    query = sa.select(tags.c.id, tags.c.tag).where(tags.c.id.not_in(heads)).order_by(tags.c.id, tags.c.tag)
    with reading(connection):
        return list(connection.execute(query))


# --- the rows of one document ----------------------------------------------------------------------------------------


def parents(connection: Connection, id: str) -> dict[int, Parent]:
    """Return the parents of the versions that have one, by number; invalid ones are reported when the row is read."""
    c = versions.c
    query = sa.select(c.version, c.parent).where(c.id == id, c.parent.is_not(None))
    found: dict[int, Parent] = {}
    try:
        with reading(connection):
            rows = list(connection.execute(query))
    except UnreadableError:
        return found
    for row in rows:
        try:
            found[row.version] = Parent.from_json(loads(row.parent))
        except (DecodeError, PatchError):
            continue
    return found


def pages(
    connection: Connection,
    key: sa.Column[Any],
    id: str,
    *,
    falling: bool = False,
    where: sa.ColumnElement[bool] | None = None,
) -> Iterator[list[Row]]:
    """Yield the rows of a document in the table of *key*, or those *where*, ordered by *key*; memory for one page.

    Raises:
        UnreadableError: a key is not even of its type, so that the row cannot be identified.

    Cost:
        Two SELECTs for a page; if one of its rows is unreadable, one more for each of its rows.
    """
    of = key.table.c.id == id if where is None else (key.table.c.id == id) & where
    with reading(connection):
        yield from paging.pages(connection, key, of, PageSize(), _fetched, falling=falling)


def state_groups(connection: Connection, id: str) -> list[list[int]]:
    """Return the versions of a document that have a full state, the newest first, in groups that fit into memory."""
    c = states.c
    size = sa.func.sum(text_length(c.body))
    query = sa.select(c.version, sa.cast(size, sa.Integer).label("size")).where(c.id == id)
    with reading(connection):
        found = connection.execute(query.group_by(c.version).order_by(c.version.desc()))
        sizes = {row.version: row.size or 0 for row in found}
    return list(grouped(sizes, sizes.__getitem__, len(sizes), _PAGE.text))


def state_rows(connection: Connection, id: str, numbers: list[int]) -> Iterator[tuple[int, Row]]:
    """Yield the rows of the full states of versions *numbers*, a group of ``state_groups``, each with its version.

    Raises:
        UnreadableError: a key is not even of its type, so that the row cannot be identified.

    Cost:
        One SELECT; more for a single version that is larger than a page, or if a row is unreadable.
    """
    c = states.c
    if len(numbers) > 1:
        query = sa.select(states).where(c.id == id, c.version.between(numbers[-1], numbers[0]))
        try:
            with reading(connection):
                found = list(connection.execute(query.order_by(c.version.desc(), c.path)))
        except UnreadableError:
            pass
        else:
            yield from ((row.version, row) for row in found)
            return
    for number in numbers:
        for page in pages(connection, c.path, id, where=c.version == number):
            yield from ((number, row) for row in page)


def _fetched(connection: Connection, page: sa.Select[Any], singles: Singles) -> list[Row]:
    try:
        with reading(connection):
            return list(connection.execute(page))
    except UnreadableError:
        return [row for key, single in singles if (row := _single(connection, single, key)) is not None]


def _single(connection: Connection, query: sa.Select[Any], key: str | int) -> Row | None:
    try:
        with reading(connection):
            return only_row(connection.execute(query))
    except UnreadableError as error:
        return Unread(key, str(error))
