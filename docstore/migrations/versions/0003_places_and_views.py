"""An index in the order of lists, a table of those on places in documents, the views as they are now, and comments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

from docstore.errors import TablesError
from docstore.migrations.views_0001 import views as older_views
from docstore.migrations.views_0003 import views
from docstore.migrations.views_0003.commenting import comment
from docstore.sql.dialects import ExactText, LongText, UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, the views and the comments; on MySQL, what an interrupted run has left out."""
    connection = op.get_bind()
    if _is_mysql(connection):
        _refuse_those_of_others(connection)
    _place_indexes(connection)
    if not _is_mysql(connection):
        _listed()
    _views(connection)
    comment(connection)


def downgrade() -> None:
    """Refuse: which places have an index would be lost."""
    raise SystemExit("docstore's migration 0003 cannot be undone: which places have an index would be lost.")


def _is_mysql(connection: Connection) -> bool:
    return connection.dialect.name in ("mysql", "mariadb")


def _refuse_those_of_others(connection: Connection) -> None:
    """Refuse a table or view of one of the new names that an interrupted run did not make; elsewhere CREATE refuses."""
    inspector = sa.inspect(connection)
    others = set(inspector.get_table_names()) & {*views("mysql")}
    if inspector.has_table("place_indexes"):
        columns = {column["name"] for column in inspector.get_columns("place_indexes")}
        others |= set() if "pointer" in columns else {"place_indexes"}
    for name in set(inspector.get_view_names()) & ({*views("mysql")} - {*older_views("mysql")}):
        others |= set() if "documents" in str(inspector.get_view_definition(name)) else {name}
    for name in sorted(others):
        raise TablesError(f"{name!r} exists and is not docstore's. Name a database of its own in the URL.")


def _place_indexes(connection: Connection) -> None:
    op.create_table(
        "place_indexes",
        sa.Column("name", ExactText(64), primary_key=True),
        sa.Column("kind", ExactText(64), nullable=False),
        sa.Column("part", ExactText(64)),
        sa.Column("pointer", LongText, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        if_not_exists=_is_mysql(connection),
    )


def _listed() -> None:
    """Keep live heads in the order in which documents are listed; where an index is of all rows, they are sorted."""
    live = sa.text("path = '' AND deleted_at IS NULL")
    for name, columns in (
        ("documents_listed", ()),
        ("documents_listed_type", ("type",)),
        ("documents_listed_status", ("status",)),
        ("documents_listed_type_status", ("type", "status")),
    ):
        listed = ["project", "kind", *columns, "name"]
        op.create_index(name, "documents", listed, sqlite_where=live, postgresql_where=live)


def _views(connection: Connection) -> None:
    """Make the new ones in the place of the older ones; who may read those may read these."""
    if _is_mysql(connection):
        for name, select in views(connection.dialect.name).items():
            connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {name} AS {select}")
        return
    rights = _rights(connection) if connection.dialect.name == "postgresql" else []
    for name in older_views(connection.dialect.name):
        connection.exec_driver_sql(f"DROP VIEW {name}")
    for name, select in views(connection.dialect.name).items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {select}")
    for right in rights:
        connection.exec_driver_sql(right)


def _rights(connection: Connection) -> list[str]:
    """Return the statements that give the rights to read again, which PostgreSQL drops with a view."""
    query = sa.text("""
        SELECT quote_ident(c.relname),
               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE CAST(CAST(a.grantee AS regrole) AS text) END
        FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
        WHERE c.oid = to_regclass(:view) AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner""")
    found = (row for view in older_views("postgresql") for row in connection.execute(query, {"view": view}))
    return [f"GRANT SELECT ON {view} TO {user}" for view, user in found]
