"""Which documents there are, by what is asked: kind, name, type, status and times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from docstore import query
from docstore.access import Access
from docstore.coding import Codes, Wanted
from docstore.kinds import Kind, kind_named
from docstore.query import DocumentInfo

Moments: TypeAlias = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked for; see ``Store.find``."""

    kind: str | None
    name: str | None
    type: Wanted
    status: Wanted
    created: Moments
    updated: Moments
    deleted: bool


def find_documents(
    access: Access, codes: Codes, declared: Callable[[str], Kind | None], sought: Sought
) -> list[DocumentInfo]:
    """Return the documents of the project that are as *sought*, by kind and name.

    Args:
        declared: gives a kind of which there are classes here.
    """
    kind = Kind("") if sought.kind is None else declared(sought.kind) or kind_named(sought.kind)
    with access.reading() as connection:
        select = query.select_documents(access.project, sought.kind)
        select = query.named(select, sought.name, deleted=sought.deleted)
        select = query.within(select, created=sought.created, updated=sought.updated)
        select = query.with_codes(
            select,
            types=codes.integers(connection, "type", kind, sought.type),
            statuses=codes.integers(connection, "status", kind, sought.status),
        )
        return [query.info_of(row) for row in connection.execute(select)]
