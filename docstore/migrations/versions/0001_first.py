"""The tables documents, versions and codes, and the views in which a person reads them.

A migration is history: it spells out what it made, whatever the code says by now. A test holds it to
``tables``.
"""

import sqlalchemy as sa
from alembic import op

from docstore.errors import TablesError
from docstore.migrations.views_0001 import views
from docstore.sql.dialects import ExactText, JsonText, LongText, UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything; on MySQL, which commits each table by itself, what an interrupted run has left out."""
    connection = op.get_bind()
    if _is_mysql():
        _refuse_tables_of_others()
    _documents()
    if _is_mysql():
        _live_names_of_mysql()
    else:
        _live_names()
    _index("documents_type", ["kind", "type"])
    _index("documents_status", ["kind", "status"])
    _index("documents_owner", ["owner"])
    _versions()
    _codes()
    create = "CREATE OR REPLACE VIEW" if _is_mysql() else "CREATE VIEW"
    for name, select in views(connection.dialect.name).items():
        connection.exec_driver_sql(f"{create} {name} AS {select}")


def downgrade() -> None:
    """Refuse: going back would drop every document."""
    raise SystemExit(
        "docstore's first migration cannot be undone: it would drop every document. Drop the tables by hand."
    )


def _refuse_tables_of_others() -> None:
    """Refuse a table of one of our names that an interrupted run did not make; elsewhere CREATE TABLE refuses it."""
    there = _inspector().get_table_names()
    for name, column in (("documents", "digest"), ("versions", "chain"), ("codes", "value")):
        if name in there and column not in _columns(name):
            raise TablesError(f"table {name!r} exists and is not docstore's. Name a database of its own in the URL.")


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
    live = sa.text("path = '' AND deleted_at IS NULL")
    columns = ["name", "kind", "project"]
    op.create_index("documents_name", "documents", columns, unique=True, sqlite_where=live, postgresql_where=live)


def _live_names_of_mysql() -> None:
    """Do the same by a column that is NULL for all other rows, since an index there is of all rows."""
    if "live" not in _columns("documents"):
        live = sa.Computed("CASE WHEN path = '' AND deleted_at IS NULL THEN 1 END")
        op.add_column("documents", sa.Column("live", sa.SmallInteger, live))
    _index("documents_name", ["name", "kind", "project", "live"], unique=True)


def _index(name: str, columns: list[str], *, unique: bool = False) -> None:
    if not _is_mysql() or name not in {index["name"] for index in _inspector().get_indexes("documents")}:
        op.create_index(name, "documents", columns, unique=unique)


def _columns(table: str) -> set[str]:
    return {column["name"] for column in _inspector().get_columns(table)}


def _inspector() -> sa.Inspector:
    return sa.inspect(op.get_bind())


def _is_mysql() -> bool:
    return op.get_bind().dialect.name in ("mysql", "mariadb")


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
