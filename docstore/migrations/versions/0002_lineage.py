"""What a version came from, tags, and a chain that can be followed when old changes are folded.

The chain of a version was taken over the text of its changes; now it is taken over the digest of that text. So each is
computed again: where the old one held, the new one does, and where it did not, the new one does not either.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection

from docstore.documents.canonical import dumps
from docstore.errors import TablesError, UnreadableError
from docstore.sql.dialects import ExactText, JsonText, LongText, UtcTime, Whole, reading_times

revision = "0002"
down_revision = "0001"

_PAGE = 200
"""Rows that are read at once; each has the old values of a save."""

_versions = sa.table(
    "versions",
    sa.column("id", ExactText(32, True)),
    sa.column("version", Whole(True)),
    sa.column("created_at", UtcTime(True)),
    sa.column("author", ExactText(255, True)),
    sa.column("message", LongText()),
    sa.column("changes", JsonText(True)),
    sa.column("digest", ExactText(64, True)),
    sa.column("chain", ExactText(64, True)),
)


def upgrade() -> None:
    """Add the columns and the table, and compute each chain again; on MySQL, what an interrupted run has left out."""
    connection = op.get_bind()
    there = {column["name"] for column in sa.inspect(connection).get_columns("versions")}
    for column in (sa.Column("parent", JsonText), sa.Column("folded", ExactText(64))):
        if column.name not in there:
            op.add_column("versions", column)
    _tags(connection)
    for id in list(connection.execute(sa.select(_versions.c.id).distinct()).scalars()):
        # Of a document that cannot be read, verify() tells; it keeps no one from the others.
        with suppress(UnreadableError):
            _chain_again(connection, id)


def downgrade() -> None:
    """Refuse: tags and what versions came from would be lost."""
    raise SystemExit("docstore's migration 0002 cannot be undone: tags, branches and merges would be lost.")


def _tags(connection: Connection) -> None:
    is_mysql = connection.dialect.name in ("mysql", "mariadb")
    if is_mysql and sa.inspect(connection).has_table("tags"):
        if "version" not in {column["name"] for column in sa.inspect(connection).get_columns("tags")}:
            raise TablesError("table 'tags' exists and is not docstore's. Name a database of its own in the URL.")
        return
    op.create_table(
        "tags",
        sa.Column("id", ExactText(32), primary_key=True),
        sa.Column("tag", ExactText(255), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("author", ExactText(255), nullable=False),
    )


def _chain_again(connection: Connection, id: str) -> None:
    c = _versions.c
    before, after = "0" * 64, "0" * 64
    for row in _rows(connection, id):
        text = [id, row.version, row.created_at.astimezone(UTC).isoformat(timespec="microseconds")]
        text += [row.author, row.message, row.digest]
        old = _sha256(before.encode(), dumps(text), row.changes.encode())
        new = _sha256(after.encode(), dumps([*text, None, _sha256(row.changes.encode())]))
        before = row.chain
        # One that does not hold stays as it is, and does not hold after the new one either.
        after = new if old == row.chain else row.chain
        if after != row.chain:
            connection.execute(_versions.update().where(c.id == id, c.version == row.version).values(chain=after))


def _rows(connection: Connection, id: str) -> Iterator[Any]:
    c, number = _versions.c, -(2**31)
    while True:
        query = sa.select(_versions).where(c.id == id, c.version > number).order_by(c.version).limit(_PAGE)
        with reading_times():
            page = list(connection.execute(query))
        yield from page
        if len(page) < _PAGE:
            return
        number = page[-1].version


def _sha256(*texts: bytes) -> str:
    return hashlib.sha256(b"\n".join(texts)).hexdigest()
