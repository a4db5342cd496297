"""Alembic's entry point: run the migrations on a given connection, or on the URL of ``alembic -x url=...``."""

from alembic import context
from sqlalchemy.engine import Connection

from docstore.migrations.views.comments import described
from docstore.sql.dialects import make_engine, migrating, schema_of
from docstore.sql.tables import LISTED, VERSION_TABLE, metadata

# Indexes that not every database has: one is an option on PostgreSQL, and MariaDB lacks the others.
OPTIONAL = {"documents_body", "documents_changed", "documents_deleted", *LISTED}


def run(connection: Connection) -> None:
    """Run the migrations on *connection*."""
    context.configure(
        connection=connection,
        target_metadata=described(metadata),
        version_table=VERSION_TABLE,
        version_table_schema=schema_of(connection),
        include_object=lambda object, name, type_, reflected, compare_to: name not in OPTIONAL,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("Which database? Write: alembic -x url=sqlite:///lab.db upgrade head")
    engine = make_engine(str(url), schema=context.get_x_argument(as_dictionary=True).get("schema"))
    with migrating(engine) as opened:
        run(opened)
    engine.dispose()
