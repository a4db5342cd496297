"""The SELECTs of verify: the ids of documents, and their rows in pages, where an unreadable row hides no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import is_plain, loads
from docstore.documents.history import NOT_KEPT, Parent
from docstore.errors import DecodeError, PatchError, UnreadableError
from docstore.sql import paging
from docstore.sql.dialects import AsText, only_row, reading_times, translated, unchecked
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


def pages(connection: Connection, key: sa.Column[Any], id: str, *, falling: bool = False) -> Iterator[list[Row]]:
    """Yield the rows of a document in the table of *key*, ordered by *key*, in pages; memory for one page.

    Raises:
        UnreadableError: a key is not even of its type, so that the row cannot be identified.

    Cost:
        Two SELECTs for a page; if one of its rows is unreadable, one more for each of its rows.
    """
    with reading(connection):
        yield from paging.pages(connection, key, key.table.c.id == id, PageSize(), _fetched, falling=falling)


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


class FullState(NamedTuple):
    """A version that has a full state; its *digest* is None if there is no such version."""

    number: int
    size: int
    digest: str | None
    is_folded: bool


def state_groups(connection: Connection, id: str) -> list[list[FullState]]:
    """Return the full states of a document, ordered by version, in groups that fit into memory.

    Raises:
        UnreadableError: a version is not a number.
    """
    c, v = states.c, versions.c
    size = sa.cast(sa.func.coalesce(sa.func.sum(text_length(c.body)), 0), sa.Integer).label("size")
    g = sa.select(c.version, size).where(c.id == id).group_by(c.version).subquery().c
    query = (
        sa.select(g.version, g.size, unchecked(v.digest), AsText(v.changes) == NOT_KEPT)
        .join_from(g.version.table, versions, (v.id == id) & (v.version == g.version), isouter=True)
        .order_by(g.version)
    )
    with reading(connection):
        found = [FullState(*row) for row in connection.execute(query)]
    return list(grouped(found, lambda each: each.size, len(found), PageSize().text))


def state_rows(connection: Connection, id: str, group: list[FullState]) -> list[sa.Row[Any]]:
    """Return the rows of a group of full states, ordered by version.

    Raises:
        UnreadableError: a row has a value that docstore does not write.
    """
    c = states.c
    query = sa.select(states).where(c.id == id, c.version.between(group[0].number, group[-1].number))
    with reading(connection):
        return list(connection.execute(query.order_by(c.version)))
