"""The tables, their indexes, and the views in which a person reads them.

A migration spells out what it made, whatever ``sql.tables`` says by now; a test compares the two. The views are an
exception: there is one definition of them, and each later migration makes them anew (``drop_views`` before it changes
the tables, ``create_views`` after).

MySQL commits each table by itself. So there, an interrupted run leaves some of them, and the next makes the others.
"""

import sqlalchemy as sa
from alembic import op

from docstore.errors import TablesError
from docstore.migrations.views import create_views, views
from docstore.sql.dialects import ExactText, JsonText, LongText, UtcTime

revision = "0001_initial"
down_revision = None

_LIVE_HEADS = sa.text("path = '' AND deleted_at IS NULL")


def upgrade() -> None:
    """Make everything; on MySQL, what an interrupted run has left out."""
    connection = op.get_bind()
    if _is_mysql():
        _refuse_what_is_of_others()
    _documents()
    if _is_mysql():
        _live_names_of_mysql()
    else:
        _live_names()
    _index("documents_type", ["kind", "type"])
    _index("documents_status", ["kind", "status"])
    _index("documents_owner", ["owner"])
    if not _is_mysql():
        _listed()
    _versions()
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
    "versions": "chain",
    "tags": "version",
    "codes": "value",
    "place_indexes": "pointer",
}
"""A column of each table, by which a table of ours is known."""


def _refuse_what_is_of_others() -> None:
    """Refuse tables and views of our names that an interrupted run did not make; elsewhere, CREATE refuses them."""
    inspector, names = _inspector(), views("mysql")
    tables = set(inspector.get_table_names())
    others = tables & names.keys()
    others |= {name for name, column in _OUR_COLUMNS.items() if name in tables and column not in _columns(name)}
    there = set(inspector.get_view_names()) & names.keys()
    others |= {name for name in there if "documents" not in str(inspector.get_view_definition(name))}
    for name in sorted(others):
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
        sa.Column("model", ExactText(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("updated_at", UtcTime, nullable=False),
        sa.Column("deleted_at", UtcTime),
        sa.Column("digest", ExactText(64), nullable=False),
        sa.Column("body", JsonText, nullable=False),
        if_not_exists=_is_mysql(),
    )


def _live_names() -> None:
    """Make the names of live heads unique."""
    columns = ["name", "kind", "project"]
    op.create_index(
        "documents_name",
        "documents",
        columns,
        unique=True,
        sqlite_where=_LIVE_HEADS,
        postgresql_where=_LIVE_HEADS,
    )


def _live_names_of_mysql() -> None:
    """Do the same by a column that is NULL for all other rows, since an index there is of all rows."""
    if "live" not in _columns("documents"):
        live = sa.Computed("CASE WHEN path = '' AND deleted_at IS NULL THEN 1 END")
        op.add_column("documents", sa.Column("live", sa.SmallInteger, live))
    _index("documents_name", ["name", "kind", "project", "live"], unique=True)


def _listed() -> None:
    """Keep live heads in the order in which documents are listed; where an index is of all rows, they are sorted."""
    for name, columns in (
        ("documents_listed", ()),
        ("documents_listed_type", ("type",)),
        ("documents_listed_status", ("status",)),
        ("documents_listed_type_status", ("type", "status")),
    ):
        listed = ["project", "kind", *columns, "name"]
        op.create_index(name, "documents", listed, sqlite_where=_LIVE_HEADS, postgresql_where=_LIVE_HEADS)


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
        if_not_exists=_is_mysql(),
    )


def _tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", ExactText(32), primary_key=True),
        sa.Column("tag", ExactText(255), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("author", ExactText(255), nullable=False),
        if_not_exists=_is_mysql(),
    )


def _codes() -> None:
    op.create_table(
        "codes",
        sa.Column("column", ExactText(64), primary_key=True),
        sa.Column("value", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", ExactText(255), nullable=False),
        sa.UniqueConstraint("column", "name", name="codes_name"),
        if_not_exists=_is_mysql(),
    )


def _place_indexes() -> None:
    op.create_table(
        "place_indexes",
        sa.Column("name", ExactText(64), primary_key=True),
        sa.Column("kind", ExactText(64), nullable=False),
        sa.Column("part", ExactText(64)),
        sa.Column("pointer", LongText, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        if_not_exists=_is_mysql(),
    )


def _index(name: str, columns: list[str], *, unique: bool = False) -> None:
    if not _is_mysql() or name not in {index["name"] for index in _inspector().get_indexes("documents")}:
        op.create_index(name, "documents", columns, unique=unique)


def _columns(table: str) -> set[str]:
    return {column["name"] for column in _inspector().get_columns(table)}


def _inspector() -> sa.Inspector:
    return sa.inspect(op.get_bind())


def _is_mysql() -> bool:
    return op.get_bind().dialect.name in ("mysql", "mariadb")
