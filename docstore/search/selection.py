"""One search in one database: its rows, a page of them, how many there are, and the SELECT to paste elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from docstore.documents.kinds import Kind, PartRule
from docstore.search.compile import is_served, lifted, order_terms, spelled
from docstore.search.conditions import Condition
from docstore.search.indexes import IndexedPlace, indexed_places
from docstore.search.query import Order, Query
from docstore.search.statements import (
    DOCUMENTS,
    PARTS,
    First,
    Form,
    Term,
    Where,
    after,
    asked_of,
    column_term,
    statement,
    ties,
    values_after,
    with_values,
)
from docstore.sql.dialects import UtcTime, pasteable, reading_times
from docstore.sql.dialects.expressions import like
from docstore.sql.dialects.json_path import places_of
from docstore.sql.tables import documents


@dataclass(frozen=True, slots=True)
class Places:
    """What is asked of places in the documents of *kind*, or in their parts, in one database.

    Attributes:
        order: what the rows come by.
        where: with its values, or without them.
        indexes: those that the database has to be told of.
    """

    dialect: str
    kind: Kind | None = field(hash=False)  # a large thing; those of one name are seldom different
    part: PartRule | None = field(hash=False)
    order: tuple[Order, ...]
    where: Condition | None
    indexes: tuple[IndexedPlace, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of the order."""
        return tuple(term for each in self.order for term in self._terms_of(each))

    def _terms_of(self, order: Order) -> list[Term]:
        if not order.is_pointer:
            return [column_term(order, PARTS if self.part else DOCUMENTS)]
        terms = order_terms(order.by, documents, self.kind, places_of(self.dialect), part=self.part)
        # A constant puts nothing in order, and servers take one for the number of a column.
        return [Term(term, order.descending) for term in terms if not isinstance(term, sa.BindParameter)]

    @property
    def are_served(self) -> bool:
        """Whether indexes on places, that were told of, lead to the rows."""
        return self.where is not None and is_served(self.where, {index.pointer for index in self.indexes})

    @property
    def is_ordered(self) -> bool:
        """Whether the rows come by places."""
        return any(order.is_pointer for order in self.order)

    def condition(self) -> list[Where]:
        """Return what is asked as SQL.

        Raises:
            InvalidValueError: a place cannot be asked.
        """
        if self.where is None:
            return []
        places = places_of(self.dialect)
        return [spelled(self.where, documents, self.kind, places, part=self.part, indexes=self.indexes)]


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a SELECT depends on, but for the values that are bound.

    Attributes:
        columns: what is told of each row; nothing, for how many there are.
        with_terms: whether it has what rows are ordered by, once more at the end.
        start: of each term, whether the row after which it begins has a value there; empty for the first row.
    """

    places: Places
    form: Form
    columns: tuple[str, ...]
    with_terms: bool = False
    start: tuple[bool, ...] = ()

    def query(self, where: list[Where]) -> sa.Select[Any]:
        """Return the SELECT, of the rows that are as *where*, which the places are asked."""
        query, terms = statement(self.form, self.columns, with_terms=self.with_terms), self.places.terms
        query = query.where(*where)
        if self.places.is_ordered and self.columns not in ((), ("id",)):
            query = query.order_by(*(clause for term in terms for clause in term.clauses()))
            query = query.add_columns(*(term.expression for term in terms)) if self.with_terms else query
        return query.where(after(terms, self.start)) if self.start else query


@lru_cache(maxsize=256)
def _condition(places: Places) -> list[Where]:
    return places.condition()


@lru_cache(maxsize=256)
def _query(asked: Asked) -> sa.Select[Any]:
    return asked.query(asked.places.condition())


class Selection:
    """What is *sought*, as SELECTs for the database of *engine*."""

    def __init__(self, engine: Engine, sought: Query) -> None:
        self.sought = sought
        self._engine = engine
        is_part = sought.part is not None
        self._columns = PARTS if is_part else DOCUMENTS
        asked, self._values = asked_of(sought)
        by = {order.by for order in sought.order}
        order = (*sought.order, *(Order(column) for column in ties(sought) if column not in by))
        # Of values that can be bound later, the SQL was made when others were asked for.
        form = None if sought.where is None else lifted(sought.where)
        self._is_kept = sought.where is None or form is not None
        where, texts = form or (sought.where, {})
        self._values |= texts
        self._places = Places(engine.dialect.name, sought.kind, sought.part, order, where)
        # A place that cannot be asked is told now.
        self._conditions: dict[tuple[IndexedPlace, ...], list[Where]] = {}
        self._condition(self._places)
        if self._places.is_ordered:
            self._places.terms  # noqa: B018  # as well
        self._form = Form(is_part, sought.kind is not None, asked)
        columns = tuple(each for each in order if not each.is_pointer)
        self._ordered = replace(self._form, order=columns, is_ordered=not self._places.is_ordered)

    def _condition(self, places: Places) -> list[Where]:
        """Return what *places* are asked, spelled once; for all searches of this form, if there may be more."""
        if self._is_kept:
            return _condition(places)
        if places.indexes not in self._conditions:
            self._conditions[places.indexes] = places.condition()
        return self._conditions[places.indexes]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of what is told of a row, in the order of its columns."""
        return tuple(self._columns)

    @property
    def types(self) -> tuple[type | None, ...]:
        """The Python type of what a row has of each term of the order; None where SQLAlchemy does not know it."""
        return tuple(_python_type(term.expression.type) for term in self._places.terms)

    @property
    def needs_indexes(self) -> bool:
        """Whether the database is to be asked which indexes there are, for them to be used."""
        return (
            self.sought.where is not None
            and self.sought.kind is not None
            and places_of(self._places.dialect).reads_indexes
        )

    # --- what the database says ----------------------------------------------------------------------------------

    def page(self, connection: Connection, size: int, start: Sequence[Any] | None) -> Sequence[sa.Row[Any]]:
        """Return *size* rows after the one at *start*, each with what it is ordered by at its end."""
        form, there = self._limited(self._ordered), tuple(value is not None for value in start or ())
        query = self._query(connection, form, self.fields, with_terms=True, start=there)
        with reading_times():
            return connection.execute(query, {**self._values, **values_after(start or ()), "most": size}).all()

    def names(self, connection: Connection) -> list[str]:
        """Return the name of each row, in order."""
        limit = self.sought.limit
        form = self._ordered if limit is None else self._limited(self._ordered)
        query = self._query(connection, form, ("name",))
        return list(connection.execute(query, {**self._values, "most": limit}).scalars())

    def any(self, connection: Connection) -> bool:
        """Return whether there are any rows."""
        query = self._query(connection, self._limited(self._form), ("id",))
        return self.sought.limit != 0 and connection.execute(query, {**self._values, "most": 1}).first() is not None

    def count(self, connection: Connection) -> int:
        """Return how many rows there are."""
        limit = self.sought.limit
        if limit is None:
            query = self._query(connection, self._form, ())
        else:
            rows = self._query(connection, self._limited(self._form), ("id",))
            query = sa.select(sa.func.count()).select_from(rows.subquery())
        return int(connection.execute(query, {**self._values, "most": limit}).scalar_one())

    def rows(self, connection: Connection | None) -> sa.Select[Any]:
        """Return the SELECT of all rows, in order, with its values.

        Args:
            connection: is asked for the indexes, if it ``needs_indexes``.
        """
        query = self._query(connection, self._ordered, self.fields)
        return with_values(query, self._values).limit(self.sought.limit)

    def text(self, connection: Connection | None) -> str:
        """Return the SELECT of all rows with its values in it, as people paste it."""
        return pasteable(self._engine, self.rows(connection))

    # --- what that is made of ------------------------------------------------------------------------------------

    def _query(
        self,
        connection: Connection | None,
        form: Form,
        columns: tuple[str, ...],
        *,
        with_terms: bool = False,
        start: tuple[bool, ...] = (),
    ) -> sa.Select[Any]:
        indexes = self._indexes(connection)
        places = replace(self._places, indexes=indexes) if indexes else self._places
        form = self._planned(form, places)
        asked = Asked(places, form, columns, with_terms, start)
        query = _query(asked) if self._is_kept else asked.query(self._condition(places))
        if self.sought.like is not None:
            query = query.where(like(self._engine.dialect.name, self._columns["name"], self.sought.like))
        return query

    def _planned(self, form: Form, places: Places) -> Form:
        """Return *form* with the hints for the planner."""
        has_statistics = not places_of(places.dialect).prefers_lists
        is_narrow = not has_statistics and (self.sought.owner is not None or places.are_served)
        first: First = ""
        if self.sought.part is not None:
            first = "parts" if self._leads_to_parts(places) else "" if has_statistics else "heads"
        return replace(form, is_narrow=is_narrow, first=first)

    def _leads_to_parts(self, places: Places) -> bool:
        """Return whether an index on type and status or on a place leads to the parts, and no name to few heads.

        Where the database is not asked for its indexes, any place may have one.
        """
        sought = self.sought
        if not (sought.name is None and sought.prefix is None and sought.owner is None):
            return False
        may_be_served = sought.where is not None and not places_of(places.dialect).reads_indexes
        return sought.types is not None or sought.statuses is not None or places.are_served or may_be_served

    @staticmethod
    def _limited(form: Form) -> Form:
        return replace(form, is_limited=True)

    def _indexes(self, connection: Connection | None) -> tuple[IndexedPlace, ...]:
        kind, part = self.sought.kind, self.sought.part
        if connection is None or kind is None or not self.needs_indexes:
            return ()
        return indexed_places(connection, kind.name, None if part is None else part.name)


def _python_type(type_: sa.types.TypeEngine[Any]) -> type | None:
    if isinstance(type_, UtcTime):
        return datetime
    try:
        return type_.python_type
    except NotImplementedError:
        return None
