"""How much there is: documents, versions and parts by kind, and the room that they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from docstore.sql import optuna_tables
from docstore.sql.dialects import backend_of
from docstore.sql.tables import IS_HEAD, documents, metadata
from docstore.sql.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Stats:
    """How much there is in a project.

    Attributes:
        documents: how many there are of each kind, without those that are deleted.
        deleted: how many are deleted, and not purged.
        versions: of all documents, deleted ones and folded versions too.
        parts: how many there are of each kind.
        bytes: on disk, of all projects; on SQLite, of the whole file.
    """

    documents: Mapping[str, int]
    deleted: int
    versions: int
    parts: Mapping[str, int]
    bytes: int


def stats(transactions: Transactions) -> Stats:
    """Return how much there is in the project.

    Cost:
        Two SELECTs, in which the database counts the rows of the table documents; and one for the room.
    """
    c = documents.c
    live = sa.func.sum(sa.case((c.deleted_at.is_(None), 1), else_=0))
    heads = sa.select(c.kind, live, sa.func.count(), sa.func.sum(c.version)).group_by(c.kind)
    parts = sa.select(c.kind, sa.func.count()).group_by(c.kind)
    of_project = c.project == transactions.project
    with transactions.reading() as connection, backend_of(connection).long_read_timeout(connection):
        found = sorted(connection.execute(heads.where(IS_HEAD, of_project)).all())
        in_parts = sorted(connection.execute(parts.where(~IS_HEAD, of_project)).all())
        room = backend_of(connection).size(connection, [*metadata.tables, *optuna_tables.metadata.tables])
    return Stats(
        documents={kind: int(living) for kind, living, *_ in found if living},
        deleted=sum(int(each) - int(living) for _, living, each, _ in found),
        versions=sum(int(versions) for *_, versions in found),
        parts={kind: int(count) for kind, count in in_parts},
        bytes=room,
    )
