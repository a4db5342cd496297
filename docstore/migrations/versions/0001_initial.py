"""Migration 0001: make the tables, their indexes, and the views for people.

A migration lists what it makes itself, as ``sql.tables`` will change; a test compares the two. The views are the
exception: they have one definition, and each later migration makes them anew (``drop_views`` before it changes the
tables, ``create_views`` after).

MariaDB commits each table by itself, so an interrupted run leaves some tables there, and the next run makes the others.
"""

import sqlalchemy as sa
from alembic import op

from docstore.errors import TablesError
from docstore.migrations.views import create_views, views
from docstore.sql.dialects import ExactText, JsonText, LongText, UtcTime

revision = "0001_initial"
down_revision = None

_LIVE_HEADS = "path = '' AND deleted_at IS NULL"


def upgrade() -> None:
    """Make everything; on MariaDB, what an interrupted run has not made."""
    connection = op.get_bind()
    if _is_mariadb():
        _refuse_foreign_tables()
    _documents()
    _indexes()
    _names()
    _versions()
    _states()
    _tags()
    _codes()
    _place_indexes()
    create_views(connection)


def downgrade() -> None:
    """Refuse: going back would drop every document."""
    raise SystemExit(
        "docstore's first migration cannot be undone: it would drop every document. Drop the tables by hand."
    )


_OUR_COLUMNS = {
    "documents": "digest",
    "names": "project",
    "versions": "chain",
    "states": "digest",
    "tags": "version",
    "codes": "value",
    "place_indexes": "pointer",
}
"""A column by which each table of ours is recognized."""


def _refuse_foreign_tables() -> None:
    """Refuse tables and views with our names that are not ours; on other databases, CREATE refuses them."""
    inspector, names = _inspector(), views("mysql")
    tables = set(inspector.get_table_names())
    foreign = tables & names.keys()
    foreign |= {name for name, column in _OUR_COLUMNS.items() if name in tables and column not in _columns(name)}
    there = set(inspector.get_view_names()) & names.keys()
    foreign |= {name for name in there if "documents" not in str(inspector.get_view_definition(name))}
    for name in sorted(foreign):
        raise TablesError(f"{name!r} exists and is not docstore's. Name a database of its own in the URL.")


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", ExactText(32), primary_key=True),
        sa.Column("path", ExactText(255), primary_key=True),
        sa.Column("project", ExactText(100), nullable=False),
        sa.Column("kind", ExactText(64), nullable=False),
        sa.Column("name", ExactText(255)),
        sa.Column("owner", ExactText(32)),
        sa.Column("position", sa.Integer),
        sa.Column("type", sa.Integer),
        sa.Column("status", sa.Integer),
        sa.Column("arm", ExactText(255)),
        sa.Column("signature", ExactText(16)),
        sa.Column("model", ExactText(32)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("added", sa.Integer),
        sa.Column("created_at", UtcTime),
        sa.Column("updated_at", UtcTime),
        sa.Column("deleted_at", UtcTime),
        sa.Column("deleted_by", ExactText(255)),
        sa.Column("tags", JsonText),
        sa.Column("seal", ExactText(64)),
        sa.Column("digest", ExactText(64), nullable=False),
        sa.Column("parts_digest", ExactText(255)),
        sa.Column("body", JsonText, nullable=False),
        if_not_exists=_is_mariadb(),
    )


def _indexes() -> None:
    _index("documents_name", ["name", "kind", "project"], where=_LIVE_HEADS)
    if not _is_mariadb():  # it has no partial indexes: these would contain all parts
        _index("documents_listed", ["project", "kind", "name"], where=_LIVE_HEADS)
        _index("documents_listed_type", ["project", "kind", "type", "name"], where=_LIVE_HEADS)
        _index("documents_listed_status", ["project", "kind", "status", "name"], where=_LIVE_HEADS)
        _index("documents_listed_type_status", ["project", "kind", "type", "status", "name"], where=_LIVE_HEADS)
        _index("documents_changed", ["project", "updated_at", "kind"], where=_LIVE_HEADS)
        _index("documents_deleted", ["project", "kind", "name"], where="path = '' AND deleted_at IS NOT NULL")
    _index("documents_type", ["kind", "type"], where="type IS NOT NULL")
    _index("documents_status", ["kind", "status"])
    _index("documents_owner", ["owner"], where="owner IS NOT NULL")
    _index("documents_position", ["id", "position"], where="position IS NOT NULL")
    _index("documents_arm", ["id", "arm"], where="arm IS NOT NULL")
    _index("documents_signature", ["id", "signature", "position"], where="signature IS NOT NULL")


def _names() -> None:
    op.create_table(
        "names",
        sa.Column("project", ExactText(100), primary_key=True),
        sa.Column("kind", ExactText(64), primary_key=True),
        sa.Column("name", ExactText(255), primary_key=True),
        sa.Column("id", ExactText(32), nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=_is_mariadb(),
    )


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("id", ExactText(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("author", ExactText(255), nullable=False),
        sa.Column("message", LongText, nullable=False),
        sa.Column("changes", JsonText, nullable=False),
        sa.Column("digest", ExactText(64), nullable=False),
        sa.Column("chain", ExactText(64), nullable=False),
        sa.Column("parent", JsonText),
        sa.Column("folded", ExactText(64)),
        if_not_exists=_is_mariadb(),
    )


def _states() -> None:
    op.create_table(
        "states",
        sa.Column("id", ExactText(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("path", ExactText(255), primary_key=True),
        sa.Column("digest", ExactText(64), nullable=False),
        sa.Column("body", JsonText, nullable=False),
        if_not_exists=_is_mariadb(),
    )


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", ExactText(32), primary_key=True),
        sa.Column("tag", ExactText(255), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("author", ExactText(255), nullable=False),
        sa.ForeignKeyConstraint(["id", "version"], ["versions.id", "versions.version"], name="tags_version"),
        if_not_exists=_is_mariadb(),
    )


def _codes() -> None:
    op.create_table(
        "codes",
        sa.Column("column", ExactText(64), primary_key=True),
        sa.Column("value", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", ExactText(255), nullable=False),
        sa.UniqueConstraint("column", "name", name="codes_name"),
        if_not_exists=_is_mariadb(),
    )


def _place_indexes() -> None:
    op.create_table(
        "place_indexes",
        sa.Column("name", ExactText(64), primary_key=True),
        sa.Column("kind", ExactText(64), nullable=False),
        sa.Column("part", ExactText(64)),
        sa.Column("pointer", LongText, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        if_not_exists=_is_mariadb(),
    )


def _index(name: str, columns: list[str], *, where: str | None = None) -> None:
    """Make a partial index, of the rows *where*; on MariaDB, an index of all rows."""
    if not _is_mariadb() or name not in {index["name"] for index in _inspector().get_indexes("documents")}:
        some = sa.text(where) if where else None
        op.create_index(name, "documents", columns, sqlite_where=some, postgresql_where=some)


def _columns(table: str) -> set[str]:
    return {column["name"] for column in _inspector().get_columns(table)}


def _inspector() -> sa.Inspector:
    return sa.inspect(op.get_bind())


def _is_mariadb() -> bool:
    return op.get_bind().dialect.name in ("mysql", "mariadb")
