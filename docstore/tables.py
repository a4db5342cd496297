"""The tables: one for documents and their parts, one for their versions, one for what their integers mean."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from docstore.dialect import JsonText, UtcTime

metadata: Final = sa.MetaData()

VERSION_TABLE: Final = "docstore_schema"
"""Where Alembic keeps which migration the tables are at: a name of our own, beside a user's own Alembic."""

documents: Final = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("path", sa.String(255), primary_key=True),
    sa.Column("project", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("owner", sa.String(32)),
    sa.Column("position", sa.Integer),
    sa.Column("type", sa.Integer),
    sa.Column("status", sa.Integer),
    sa.Column("model", sa.String(32), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Column("deleted_at", UtcTime),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", JsonText, nullable=False),
    # A deleted document gives its name free, and keeps it for undelete.
    sa.Index(
        "documents_name",
        "name",
        "kind",
        "project",
        unique=True,
        sqlite_where=sa.text("path = '' AND deleted_at IS NULL"),
        postgresql_where=sa.text("path = '' AND deleted_at IS NULL"),
    ),
    sa.Index("documents_type", "kind", "type"),
    sa.Index("documents_status", "kind", "status"),
    sa.Index("documents_owner", "owner"),
)

versions: Final = sa.Table(
    "versions",
    metadata,
    # The primary key is the lock: of two writers that both read version 3, only one can insert version 4.
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("author", sa.String(255), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("changes", JsonText, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("chain", sa.String(64), nullable=False),
)

codes: Final = sa.Table(
    "codes",
    metadata,
    sa.Column("column", sa.String(64), primary_key=True),
    sa.Column("value", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.UniqueConstraint("column", "name", name="codes_name"),
)
