"""Full states: whole copies of a document as it was at some versions, so that no version is far from one.

An old version is rebuilt from the next full state, or from the current state, by undoing the changes in between. A full
state is made when undoing the changes since the last one would take about as long as reading the document: a version is
rebuilt in up to twice that time. All full states together need one to two times the space of the changes.

They are derived: without them, every version is rebuilt from the current state.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.digests import Digests
from docstore.sql.dialects import JsonText, Whole, text_rows, unchecked
from docstore.sql.rows import PieceRow, piece_columns, pieces_by_path
from docstore.sql.tables import documents, states, versions

LEAST: Final = 8
"""The fewest versions between two full states."""

_PIECE: Final = 500
"""Characters that a head or part counts beside its JSON: reading a row takes as long as parsing and hashing so many."""

_VERSION: Final = 850
"""Characters that a version counts beside its changes: a piece that they touch is written and hashed again."""


# --- made, copied, deleted -------------------------------------------------------------------------------------------


def _weight(json: sa.Column[Any], each: int, *where: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    """Return the SQL of a sum over the rows *where*: the length of the text of *json*, and *each* for every row."""
    text = sa.func.coalesce(sa.func.sum(sa.func.char_length(JsonText().column_expression(json))), 0)
    return sa.select(sa.type_coerce(text + sa.func.count() * each, Whole())).where(*where).scalar_subquery()


_OF_ID: Final[sa.BindParameter[Any]] = sa.bindparam("of_id")
_LAST: Final = sa.select(sa.func.coalesce(sa.func.max(states.c.version), 0)).where(states.c.id == _OF_ID)
_IS_DUE: Final = sa.select(
    _weight(versions.c.changes, _VERSION, versions.c.id == _OF_ID, versions.c.version > _LAST.scalar_subquery())
    >= _weight(documents.c.body, _PIECE, documents.c.id == _OF_ID)
)
_MAKE: Final = states.insert().from_select(
    ["id", "version", "path", "digest", "body"],
    sa.select(
        documents.c.id,
        sa.bindparam("of_version", type_=Whole(True)),
        documents.c.path,
        documents.c.digest,
        documents.c.body,
    ).where(documents.c.id == _OF_ID),
)


def make_if_due(connection: Connection, id: str, number: int, digests: Digests) -> None:
    """Copy the current state of a document, which is its version *number*, if it is far from the last full state.

    Shapes:
        digests: the digests of the document; only their number is used

    Cost:
        Nothing for most versions; for one of eight, or of as many as an eighth of its parts, a SELECT that measures the
        document and its changes since; rarely an INSERT of the whole document.
    """
    if number % LEAST or number % (1 << (digests.count // 8).bit_length()):
        return
    if connection.execute(_IS_DUE, {"of_id": id}).scalar():
        connection.execute(_MAKE, {"of_id": id, "of_version": number})


def copy(connection: Connection, id: str, new_id: str, *, upto: int) -> None:
    """Copy the full states of a document, up to a version, to the document *new_id*, which shares these versions."""
    c = states.c
    columns = [sa.literal(new_id), c.version, c.path, c.digest, c.body]
    query = sa.select(*columns).where(c.id == id, c.version <= upto)
    connection.execute(states.insert().from_select([column.name for column in c], query))


def delete(connection: Connection, id: str, numbers: Collection[int]) -> None:
    """Delete the full states of the versions *numbers*."""
    for number in numbers:
        connection.execute(states.delete().where(states.c.id == id, states.c.version == number))


# --- read ------------------------------------------------------------------------------------------------------------

_PIECES: Final = sa.select(*piece_columns(states)).where(
    states.c.id == _OF_ID, states.c.version == sa.bindparam("of_version")
)
_PIECES_AT: Final = _PIECES.where(states.c.path.in_(sa.bindparam("at_paths", expanding=True)))
_DIGESTS: Final = sa.select(unchecked(states.c.path), unchecked(states.c.digest)).where(
    states.c.id == _OF_ID, states.c.version == sa.bindparam("of_version")
)


def numbers(connection: Connection, id: str) -> list[int]:
    """Return the versions of a document that have a full state, oldest first."""
    c = states.c
    return list(connection.execute(sa.select(c.version).where(c.id == id).distinct().order_by(c.version)).scalars())


def pieces(connection: Connection, id: str, number: int, paths: Collection[str] | None = None) -> list[PieceRow]:
    """Return the head and parts of the full state of version *number*, or only those at *paths*, in no order."""
    return pieces_by_path(connection, (_PIECES, _PIECES_AT), {"of_id": id, "of_version": number}, paths)


def digests(connection: Connection, id: str, number: int) -> dict[str, str]:
    """Return the digest of the head and of each part in the full state of version *number*, by path."""
    return dict(map(tuple, text_rows(connection.execute(_DIGESTS, {"of_id": id, "of_version": number}))))
