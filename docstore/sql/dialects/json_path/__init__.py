"""The SQL of one place in a JSON column, for each database: comparisons, text search, order and indexes.

``base`` has the interface (``Places``, ``Spot``), and ``bounds`` the ends of ranges of numbers.
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
