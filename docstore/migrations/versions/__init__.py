"""The migrations, in the order in which Alembic runs them. Released ones are never edited."""
