"""One search in one database: its rows, a page of them, how many there are, and the SELECT to paste elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from docstore.dialect import UtcTime, pasteable, reading_times
from docstore.dialect.matching import like
from docstore.dialect.places import Places, places_of
from docstore.finding.indexes import PlaceIndex, indexes_in
from docstore.finding.selecting import (
    DOCUMENTS,
    PARTS,
    Form,
    Term,
    Where,
    after,
    asked_of,
    column_term,
    statement,
    ties,
    with_values,
)
from docstore.finding.sought import Order, Sought
from docstore.finding.spelling import order_terms, spelled
from docstore.tables import documents


class Selection:
    """What is *sought*, as SELECTs for the database of *engine*."""

    def __init__(self, engine: Engine, sought: Sought) -> None:
        self.sought = sought
        self._engine = engine
        self._columns = DOCUMENTS if sought.part is None else PARTS
        asked, self._values = asked_of(sought)
        by = {order.by for order in sought.order}
        self._order = (*sought.order, *(Order(column) for column in ties(sought) if column not in by))
        self._is_plain = not any(order.is_pointer for order in sought.order)
        self._form = Form(sought.part is not None, sought.kind is not None, asked)
        columns = tuple(order for order in self._order if not order.is_pointer)
        self._ordered = replace(self._form, order=columns, is_ordered=self._is_plain)
        self._asked_of_places(())  # a place that cannot be asked is told now
        self.terms: list[Term] = [term for order in self._order for term in self._terms_of(order)]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of what is told of a row, in the order of its columns."""
        return tuple(self._columns)

    @property
    def types(self) -> tuple[type | None, ...]:
        """The Python type of what a row has of each term of the order; None where SQLAlchemy does not know it."""
        return tuple(_python_type(term.expression.type) for term in self.terms)

    @property
    def needs_indexes(self) -> bool:
        """Whether the database is to be asked which indexes there are, for them to be used."""
        return self.sought.where is not None and self.sought.kind is not None and self._places.reads_indexes

    # --- what the database says ----------------------------------------------------------------------------------

    def page(self, connection: Connection, size: int, start: Sequence[Any] | None) -> Sequence[sa.Row[Any]]:
        """Return *size* rows after the one at *start*, each with what it is ordered by at its end."""
        query = self._query(connection, self._limited(self._ordered), self.fields, with_terms=True)
        if start is not None:
            query = query.where(after(self.terms, start))
        with reading_times():
            return connection.execute(query, {**self._values, "most": size}).all()

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
        self, connection: Connection | None, form: Form, columns: tuple[str, ...], *, with_terms: bool = False
    ) -> sa.Select[Any]:
        query = statement(form, columns, with_terms=with_terms)
        if self.sought.like is not None:
            query = query.where(like(self._engine.dialect.name, self._columns["name"], self.sought.like))
        if self.sought.where is not None:
            query = query.where(*self._asked_of_places(self._indexes(connection)))
        if not self._is_plain and columns not in ((), ("id",)):
            query = query.order_by(*(clause for term in self.terms for clause in term.clauses()))
            query = query.add_columns(*(term.expression for term in self.terms)) if with_terms else query
        return query

    @staticmethod
    def _limited(form: Form) -> Form:
        return replace(form, is_limited=True)

    @property
    def _places(self) -> Places:
        return places_of(self._engine.dialect.name)

    def _asked_of_places(self, indexes: Collection[PlaceIndex]) -> list[Where]:
        sought, is_part = self.sought, self.sought.part is not None
        if sought.where is None:
            return []
        return [spelled(sought.where, documents, sought.kind, self._places, is_part=is_part, indexes=indexes)]

    def _indexes(self, connection: Connection | None) -> list[PlaceIndex]:
        if connection is None or not self.needs_indexes:
            return []
        kind, part = self.sought.kind, self.sought.part
        there = indexes_in(connection)
        return [each for each in there if kind and (each.kind, each.part) == (kind.name, part and part.name)]

    def _terms_of(self, order: Order) -> list[Term]:
        if not order.is_pointer:
            return [column_term(order, self._columns)]
        sought = self.sought
        terms = order_terms(order.by, documents, sought.kind, self._places, is_part=sought.part is not None)
        # A constant puts nothing in order, and servers take one for the number of a column.
        return [Term(term, order.descending) for term in terms if not isinstance(term, sa.BindParameter)]


def _python_type(type_: sa.types.TypeEngine[Any]) -> type | None:
    if isinstance(type_, UtcTime):
        return datetime
    try:
        return type_.python_type
    except NotImplementedError:
        return None
