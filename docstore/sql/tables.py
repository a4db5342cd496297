"""The tables, as SQLAlchemy knows them: documents and their parts, names, versions, states, tags, codes, place_indexes.

Migrations make them; a test compares the two. Each unique key of ``documents`` and ``versions`` contains ``id``, so a
database can partition or distribute them by it.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from docstore.sql.dialects import ExactText, JsonText, LongText, UtcTime, Whole

metadata: Final = sa.MetaData()

VERSION_TABLE: Final = "docstore_schema"
"""The table in which Alembic keeps the current migration; named so that it does not clash with a user's own Alembic."""

migration: Final = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))
"""That table; Alembic makes it."""


def _has_indexes_of_some_rows(
    ddl: sa.schema.BaseDDLElement, *ignored: object, dialect: Dialect, **rest: object
) -> bool:
    return dialect.name in ("sqlite", "postgresql")


_LIVE_HEADS: Final = "path = '' AND deleted_at IS NULL"


def _index(name: str, *columns: str, where: str, is_everywhere: bool = False) -> sa.Index:
    """Return a partial index, of the rows *where*; MariaDB has none: there an index of all rows, or no index."""
    index = sa.Index(name, *columns, info={"where": where})
    return index if is_everywhere else index.ddl_if(callable_=_has_indexes_of_some_rows)


@sa.event.listens_for(metadata, "before_create")
def _limit_indexes(metadata: sa.MetaData, connection: Connection, **ignored: Any) -> None:
    """Add the conditions of partial indexes; ``postgresql_where=`` would import SQLAlchemy's modules for PostgreSQL."""
    name = connection.dialect.name
    if name in ("sqlite", "postgresql"):
        for index in [index for table in metadata.tables.values() for index in table.indexes if "where" in index.info]:
            index.dialect_kwargs[f"{name}_where"] = sa.text(index.info["where"])


LISTED: Final = {
    "documents_listed": (),
    "documents_listed_type": ("type",),
    "documents_listed_status": ("status",),
    "documents_listed_type_status": ("type", "status"),
}
"""The indexes of live heads that lists use, each with its columns between kind and name."""

documents: Final = sa.Table(
    "documents",
    metadata,
    sa.Column("id", ExactText(32, True), primary_key=True),
    sa.Column("path", ExactText(255, True), primary_key=True),
    sa.Column("project", ExactText(100), nullable=False),
    sa.Column("kind", ExactText(64, True), nullable=False),
    sa.Column("name", ExactText(255)),
    sa.Column("owner", ExactText(32)),
    sa.Column("position", Whole),
    sa.Column("type", Whole),
    sa.Column("status", Whole),
    # Trials only: the name of the arm, and the beginning of a digest of its parameters.
    sa.Column("arm", ExactText(255)),
    sa.Column("signature", ExactText(16)),
    # Head only, as the times below: what parts have in common with their head. ``of_head`` reads such a column.
    sa.Column("model", ExactText(32)),
    sa.Column("version", Whole(True), nullable=False),
    # Part only: the version that added it. The times of both versions are in the table versions; those of the first and
    # of the current version are in the head's row.
    sa.Column("added", Whole),
    sa.Column("created_at", UtcTime),
    sa.Column("updated_at", UtcTime),
    sa.Column("deleted_at", UtcTime),
    sa.Column("deleted_by", ExactText(255)),
    # Head only: a copy of the document's rows in the table tags, so that the loss of one is noticed; and the digest of
    # this copy and of the two columns before it.
    sa.Column("tags", JsonText),
    sa.Column("seal", ExactText(64)),
    sa.Column("digest", ExactText(64, True), nullable=False),
    # Head only: the number and the sum of the parts' digests; NULL without parts. With the head's digest it gives the
    # digest of the whole document.
    sa.Column("parts_digest", ExactText(255)),
    sa.Column("body", JsonText(True), nullable=False),
    # A deleted document keeps its name for undelete; the table names makes those of live ones unique.
    _index("documents_name", "name", "kind", "project", where=_LIVE_HEADS, is_everywhere=True),
    # For lists, ordered, by type and status. Not on MariaDB, where they would contain all trials too: it sorts.
    *(_index(name, "project", "kind", *columns, "name", where=_LIVE_HEADS) for name, columns in LISTED.items()),
    # By time before kind: for the newest of all kinds. For a rare kind, the index alone is read, not the rows.
    _index("documents_changed", "project", "updated_at", "kind", where=_LIVE_HEADS),
    # For undelete, and for what the error for a wrong name says. MariaDB's documents_name has deleted documents too.
    _index("documents_deleted", "project", "kind", "name", where="path = '' AND deleted_at IS NOT NULL"),
    _index("documents_type", "kind", "type", where="type IS NOT NULL", is_everywhere=True),
    sa.Index("documents_status", "kind", "status"),
    _index("documents_owner", "owner", where="owner IS NOT NULL", is_everywhere=True),
    # For joins of views of parts, such as trials with observations. Heads have no position: they are read by their key.
    _index("documents_position", "id", "position", where="position IS NOT NULL", is_everywhere=True),
    # For the trials of an arm, in their order.
    _index("documents_arm", "id", "arm", where="arm IS NOT NULL", is_everywhere=True),
    _index("documents_signature", "id", "signature", "position", where="signature IS NOT NULL", is_everywhere=True),
)

IS_HEAD: Final = documents.c.path == sa.literal_column("''")
"""With a literal in place of a parameter, so that any driver can use a partial index of heads."""


def of_head(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return a column that only heads have, a text or a time, as that of a head: it is never NULL there."""
    text = column.type
    return sa.type_coerce(column, ExactText(text.length or 0, True) if isinstance(text, ExactText) else UtcTime(True))


names: Final = sa.Table(
    "names",
    metadata,
    # The primary key makes the names of live documents unique, and is the lock: two writers cannot insert one name.
    sa.Column("project", ExactText(100, True), primary_key=True),
    sa.Column("kind", ExactText(64, True), primary_key=True),
    sa.Column("name", ExactText(255, True), primary_key=True),
    sa.Column("id", ExactText(32, True), nullable=False),
    sqlite_with_rowid=False,
)

versions: Final = sa.Table(
    "versions",
    metadata,
    # The primary key is the lock: of two writers that both read version 3, only one can insert version 4.
    sa.Column("id", ExactText(32, True), primary_key=True),
    sa.Column("version", Whole(True), primary_key=True, autoincrement=False),
    sa.Column("created_at", UtcTime(True), nullable=False),
    sa.Column("author", ExactText(255, True), nullable=False),
    sa.Column("message", LongText, nullable=False),
    # They lead back to the newest kept version before this one; JSON null if this one is not kept.
    sa.Column("changes", JsonText(True), nullable=False),
    sa.Column("digest", ExactText(64, True), nullable=False),
    sa.Column("chain", ExactText(64, True), nullable=False),
    # The version of another document from which this one came, by a branch or a merge.
    sa.Column("parent", JsonText),
    # Set when the changes are replaced by folding: the digest of the changes that were saved.
    sa.Column("folded", ExactText(64)),
)

states: Final = sa.Table(
    "states",
    metadata,
    # By version before path: the rows of one full state lie together.
    sa.Column("id", ExactText(32, True), primary_key=True),
    sa.Column("version", Whole(True), primary_key=True, autoincrement=False),
    sa.Column("path", ExactText(255, True), primary_key=True),
    sa.Column("digest", ExactText(64, True), nullable=False),
    sa.Column("body", JsonText(True), nullable=False),
)

tags: Final = sa.Table(
    "tags",
    metadata,
    sa.Column("id", ExactText(32, True), primary_key=True),
    sa.Column("tag", ExactText(255, True), primary_key=True),
    sa.Column("version", Whole(True), nullable=False),
    sa.Column("created_at", UtcTime(True), nullable=False),
    sa.Column("author", ExactText(255, True), nullable=False),
    sa.ForeignKeyConstraint(["id", "version"], ["versions.id", "versions.version"], name="tags_version"),
)

codes: Final = sa.Table(
    "codes",
    metadata,
    sa.Column("column", ExactText(64), primary_key=True),
    sa.Column("value", Whole, primary_key=True, autoincrement=False),
    sa.Column("name", ExactText(255), nullable=False),
    sa.UniqueConstraint("column", "name", name="codes_name"),
)

place_indexes: Final = sa.Table(
    "place_indexes",
    metadata,
    sa.Column("name", ExactText(64, True), primary_key=True),
    sa.Column("kind", ExactText(64, True), nullable=False),
    # The kind of the parts that contain the place; NULL for a place in the head.
    sa.Column("part", ExactText(64)),
    sa.Column("pointer", LongText, nullable=False),
    sa.Column("created_at", UtcTime(True), nullable=False),
)
