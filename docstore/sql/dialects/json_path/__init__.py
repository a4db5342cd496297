"""The SQL of one place in a JSON column, for each database: comparisons, text search, order and indexes.

``base`` has the interface: ``Places`` are those of a column in one database, a ``Spot`` is one of them, and ``Tagged``
has the members of a number there that is stored as an object. In SQLite, a spot is ``_Reached`` by a path or, if a key
cannot be in a path, ``_Walked`` to, member by member. ``bounds`` has the ends of ranges of numbers.
"""

from __future__ import annotations

from typing import Final

from docstore.sql.dialects.json_path.base import SHORT, Places, Spot, can_stand, is_bare
from docstore.sql.dialects.json_path.bounds import Bound
from docstore.sql.dialects.json_path.mariadb import MariaDB
from docstore.sql.dialects.json_path.postgresql import PostgreSQL
from docstore.sql.dialects.json_path.sqlite import SQLite

__all__ = ["SHORT", "Bound", "Places", "Spot", "can_stand", "is_bare", "places_of"]

_PLACES: Final[dict[str, Places]] = {
    "sqlite": SQLite(),
    "postgresql": PostgreSQL(),
    "mysql": MariaDB(),
    "mariadb": MariaDB(),
}


def places_of(dialect_name: str) -> Places:
    """Return the places for SQLAlchemy's dialect *dialect_name*."""
    return _PLACES[dialect_name]
