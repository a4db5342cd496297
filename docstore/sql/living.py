"""Which of many documents are there: one statement for all that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import is_plain
from docstore.sql.tables import IS_HEAD, documents

AT_ONCE: Final = 10_000
"""The most that may be asked for: SQLite binds 32,766 values at most."""

_LIVING: Final = sa.select(documents.c.name, documents.c.id, documents.c.version).where(
    IS_HEAD,
    documents.c.project == sa.bindparam("of_project"),
    documents.c.kind == sa.bindparam("of_kind"),
    documents.c.name.in_(sa.bindparam("of_names", expanding=True)),
    documents.c.deleted_at.is_(None),
)


def living_named(connection: Connection, project: str, kind: str, names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Return the id and the version of the live documents that have one of *names*, at most ``AT_ONCE``, by name.

    No turn is taken at them.
    """
    plain = [name for name in names if is_plain(name)]
    if not plain:
        return {}
    values = {"of_project": project, "of_kind": kind, "of_names": plain}
    return {row.name: (row.id, row.version) for row in connection.execute(_LIVING, values)}


_VERSIONS: Final = sa.select(documents.c.id, documents.c.version).where(
    IS_HEAD, documents.c.id.in_(sa.bindparam("of_ids", expanding=True)), documents.c.deleted_at.is_(None)
)


def living_versions(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Return the version of each document with one of *ids*, at most ``AT_ONCE``, that is there and not deleted."""
    if not ids:
        return {}
    return {row.id: row.version for row in connection.execute(_VERSIONS, {"of_ids": list(ids)})}
