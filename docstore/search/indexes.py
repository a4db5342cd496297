"""Indexes on places in documents: create, list and drop them. ``find`` uses them by itself."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.codec.registry import Registry
from docstore.documents.arguments import checked_key
from docstore.documents.canonical import dumps, split_pointer
from docstore.documents.kinds import Kind, kind_named, part_kind
from docstore.errors import InvalidValueError
from docstore.search.conditions import checked_pointer
from docstore.search.kinds import resolve
from docstore.sql.dialects import ExactText, JsonText, backend_of
from docstore.sql.dialects.json_path import can_stand, places_of
from docstore.sql.tables import documents, place_indexes
from docstore.sql.transactions import Transactions

_INDEXED_PLACES: Final = sa.select(*(place_indexes.c[name] for name in ("kind", "part", "pointer", "name")))
"""Made once, as most searches execute it."""

_KEY: Final = re.compile(r'(?!-)[^"\\\x00-\x1f]*')
"""A key that every database can index: the paths of SQLite and MariaDB take no others."""

_LONGEST: Final = 1000
"""Characters of an indexed pointer; the statement that makes the index has it several times."""


@dataclass(frozen=True, slots=True)
class PlaceIndex:
    """An index on the value at one pointer of all documents of a kind, or of all their parts of one kind.

    Attributes:
        name: the index's name in the database; on MariaDB, the start of the names of its columns.
        kind: of the documents.
        part: the kind of the parts (``trial``); None for an index on documents themselves.
    """

    name: str
    kind: str
    part: str | None
    pointer: str
    created_at: datetime


class IndexedPlace(NamedTuple):
    """The pointer and the name of an index, for a search."""

    pointer: str
    name: str


def create_index(
    transactions: Transactions, registry: Registry, kind: str, pointer: str, part: str | None
) -> PlaceIndex:
    """Make an index on *pointer*, unless there is one, and return it.

    Args:
        part: the kind of parts, or their field; None for a place in the document.

    Raises:
        InvalidValueError: there is no such kind or part; or *pointer* is not one, or cannot be indexed.
        NotAllowedError: the database's user may not make indexes.

    Cost:
        A read of all documents. On PostgreSQL and SQLite nothing can be saved meanwhile.
    """
    pointer = _indexable(pointer)

    def make(connection: Connection) -> PlaceIndex:
        of_kind, rule = resolve(connection, registry, kind, part)
        if rule is None:
            _refuse_parts(of_kind, pointer)
        on = (of_kind.name, None if rule is None else rule.name, pointer)
        index = PlaceIndex(_name_of(*on), *on, datetime.now(UTC))
        # The index first: MariaDB commits each statement, and a listed index has to exist.
        tokens, of_parts = split_pointer(pointer), rule is not None
        with backend_of(connection).long_read_timeout(connection):
            places_of(connection.dialect.name).create_index(connection, _table(), index.name, tokens, of_parts=of_parts)
        found = _found(connection, index.name)
        if found is None:
            connection.execute(place_indexes.insert().values(**asdict(index)))
        return found or index

    return transactions.writing(make, lambda connection, index: _found(connection, index.name) is not None)


def drop_index(transactions: Transactions, kind: str, pointer: str, part: str | None) -> None:
    """Drop the index on *pointer*; arguments as of ``create_index``.

    Raises:
        InvalidValueError: there is no such index; lists the existing ones.
    """
    kind, pointer = checked_key("kind", kind), checked_key("pointer", pointer)
    parts = {None} if part is None else _kinds_of_part(kind, checked_key("part", part))

    def drop(connection: Connection) -> str:
        there = indexes_in(connection)
        found = next((i for i in there if (i.kind, i.pointer) == (kind, pointer) and i.part in parts), None)
        if found is None:
            listed = ", ".join(map(_arguments, there)) or "none"
            raise InvalidValueError("index", pointer, f"There is no such index. Existing indexes: {listed}.")
        connection.execute(place_indexes.delete().where(place_indexes.c.name == found.name))
        with backend_of(connection).long_read_timeout(connection):
            places_of(connection.dialect.name).drop_index(connection, _table(), found.name)
        return found.name

    transactions.writing(drop, lambda connection, dropped: _found(connection, dropped) is None)


def indexes(transactions: Transactions) -> list[PlaceIndex]:
    """Return all indexes on places, sorted by kind, part and pointer."""
    with transactions.reading() as connection:
        return indexes_in(connection)


def indexes_in(connection: Connection) -> list[PlaceIndex]:
    """Return the same as ``indexes``, in the transaction of *connection*."""
    c = place_indexes.c
    rows = connection.execute(sa.select(c.name, c.kind, c.part, c.pointer, c.created_at))
    found = [PlaceIndex(*row) for row in rows]
    return sorted(found, key=lambda index: (index.kind, index.part or "", index.pointer))


def indexed_places(connection: Connection, kind: str, part: str | None) -> tuple[IndexedPlace, ...]:
    """Return the indexes on documents of *kind*, or on their parts of the kind *part*."""
    rows = connection.execute(_INDEXED_PLACES)
    return tuple(
        sorted(IndexedPlace(*index) for row_kind, row_part, *index in rows if (row_kind, row_part) == (kind, part))
    )


def _found(connection: Connection, name: str) -> PlaceIndex | None:
    return next((each for each in indexes_in(connection) if each.name == name), None)


def _arguments(index: PlaceIndex) -> str:
    """Return the arguments of ``drop_index`` that name *index*."""
    part = f", part={index.part!r}" if index.part else ""
    return f"({index.pointer!r}, kind={index.kind!r}{part})"


def _name_of(kind: str, part: str | None, pointer: str) -> str:
    return f"place_{hashlib.sha256(dumps([kind, part, pointer])).hexdigest()[:32]}"


def _table() -> sa.Table:
    """Return a copy of the table for an index: SQLAlchemy would add the index to the shared one."""
    c = documents.c
    columns = [sa.Column(each.name, ExactText(255)) for each in (c.kind, c.path)]
    return sa.Table(documents.name, sa.MetaData(), *columns, sa.Column("body", JsonText))


def _indexable(pointer: object) -> str:
    pointer = checked_pointer(pointer)
    tokens = split_pointer(pointer)
    if not tokens or not can_stand(tokens) or len(pointer) > _LONGEST:
        remedy = f"Name a place inside the document, in at most {_LONGEST:,} characters, without NUL."
        raise InvalidValueError("pointer", pointer, remedy)
    if not all(map(_KEY.fullmatch, tokens)):
        remedy = "Not every database has an index on a key that starts with a hyphen, or has a quote, a backslash or a "
        raise InvalidValueError("pointer", pointer, f"{remedy}control character in it.")
    return pointer


def _kinds_of_part(kind: str, part: str) -> set[str | None]:
    """Return what *part* may mean, the kind of parts or their field; documents of *kind* may be gone by now."""
    return {part, part_kind(kind, part), *(rule.name for rule in kind_named(kind).parts if rule.field == part)}


def _refuse_parts(kind: Kind, pointer: str) -> None:
    rule = next((rule for rule in kind.parts if rule.field == split_pointer(pointer)[0]), None)
    if rule is not None:
        remedy = f"It is stored in rows of their own: name a place inside them, with part={rule.name!r}."
        raise InvalidValueError("pointer", pointer, remedy)
