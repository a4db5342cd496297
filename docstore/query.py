"""Which documents there are: found by kind, name, type, status and time, without reading their bodies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from docstore.dialect import checked_moment
from docstore.tables import IS_HEAD, codes, documents
from docstore.values import is_plain


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A stored document's columns; ``type`` and ``status`` are the names of their integers."""

    id: str
    project: str
    kind: str
    name: str
    type: str | None
    status: str | None
    owner: str | None
    model: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


def info_of(row: sa.Row[Any]) -> DocumentInfo:
    """Return what a row of ``select_documents`` tells."""
    return DocumentInfo(*row)  # type: ignore[call-arg]  # the columns are the fields, in order; a Row's are not typed


_TYPE: Final = codes.alias("type_codes")
_STATUS: Final = codes.alias("status_codes")


def select_documents(project: str, kind: str | None) -> sa.Select[Any]:
    """Return the SELECT of a DocumentInfo for each document of *project*, by kind and name."""
    c = documents.c
    query = (
        sa.select(
            c.id,
            c.project,
            c.kind,
            c.name,
            _TYPE.c.name,
            _STATUS.c.name,
            c.owner,
            c.model,
            c.version,
            c.created_at,
            c.updated_at,
            c.deleted_at,
        )
        .select_from(documents)
        .outerjoin(_TYPE, (_TYPE.c.column == c.kind + "_type") & (_TYPE.c.value == c.type))
        .outerjoin(_STATUS, (_STATUS.c.column == c.kind + "_status") & (_STATUS.c.value == c.status))
        .where(IS_HEAD, c.project == project)
        .order_by(c.kind, c.name)
    )
    return query if kind is None else query.where(c.kind == kind if is_plain(kind) else sa.false())


def within(
    query: sa.Select[Any],
    *,
    created: tuple[datetime | None, datetime | None] = (None, None),
    updated: tuple[datetime | None, datetime | None] = (None, None),
) -> sa.Select[Any]:
    """Return *query* of documents made, and last saved, from the first time of a pair to before the second.

    Raises:
        InvalidValueError: a time has no zone.
    """
    for column, (start, end) in ((documents.c.created_at, created), (documents.c.updated_at, updated)):
        if start is not None:
            query = query.where(column >= checked_moment(column.name, start))
        if end is not None:
            query = query.where(column < checked_moment(column.name, end))
    return query


def with_codes(
    query: sa.Select[Any], *, types: Collection[int] | None, statuses: Collection[int] | None
) -> sa.Select[Any]:
    """Return *query* of documents with one of these types, and one of these statuses."""
    if types is not None:
        query = query.where(documents.c.type.in_(types))
    if statuses is not None:
        query = query.where(documents.c.status.in_(statuses))
    return query


def named(query: sa.Select[Any], name: str | None, *, deleted: bool) -> sa.Select[Any]:
    """Return *query* of documents of this name, of those that are deleted or of those that are not."""
    query = query.where(documents.c.deleted_at.is_not(None) if deleted else documents.c.deleted_at.is_(None))
    return query if name is None else query.where(documents.c.name == name if is_plain(name) else sa.false())
