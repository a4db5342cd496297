"""What Alembic runs: the migrations, on the connection it was given, or on the URL of ``alembic -x url=...``."""

from alembic import context
from sqlalchemy.engine import Connection

from docstore.dialect import engine_from_url, transaction
from docstore.tables import VERSION_TABLE, metadata


def run(connection: Connection) -> None:
    """Run the migrations on *connection*."""
    context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        raise SystemExit("Which database? Write: alembic -x url=sqlite:///lab.db upgrade head")
    engine = engine_from_url(str(url))
    with transaction(engine, write=True) as opened:
        run(opened)
    engine.dispose()
