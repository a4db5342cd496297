"""One search in one database: a page of its rows, their number, their names, and the SELECT to paste elsewhere.

SQLAlchemy takes longer to make a SELECT than a database to find a document, so all searches that differ only in values
share one. This is the way of the 1 in ``find("note", where=q("/a") == 1)``:

1. ``checked_query`` encodes it: the condition compares with JSON, as documents store it.
2. ``parameterized`` replaces it by a ``BoundValue``, the parameter ``place_0``, and returns ``{"place_0": "1"}``.
   Likewise, ``column_conditions`` makes of ``"note"`` the condition ``kind`` ``is``, and ``{"kind_is": "note"}``.
3. What is left has no such values and can be hashed: a ``SelectForm`` says all that the SQL depends on.
   ``_kept_select`` makes its SELECT, with the SQL of the condition from ``compiled``, once for all searches.
4. The SELECT is executed with the values of step 2, those of the row after which the page begins (``values_after``),
   and ``most``.

What ``parameterized`` refuses, such as a comparison with a list, is compiled with its values, for this search alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from docstore.documents.kinds import Kind, PartRule
from docstore.search.compile import Rows, compiled, order_terms, parameterized, uses_index
from docstore.search.conditions import Condition, pointers_in
from docstore.search.indexes import IndexedPlace, indexed_places
from docstore.search.query import Order, Query
from docstore.search.statements import (
    DOCUMENT_COLUMNS,
    PART_COLUMNS,
    Clause,
    First,
    StatementForm,
    Term,
    after,
    column_conditions,
    column_term,
    statement,
    ties,
    values_after,
    with_values,
)
from docstore.sql.dialects import UtcTime, pasteable, reading_times
from docstore.sql.dialects.expressions import like
from docstore.sql.dialects.json_path import places_of

_ENOUGH: Final = 100
"""The ids that ``any`` asks for. For one, PostgreSQL would read the documents in turn, hoping for an early match."""

# --- a SELECT without its values, made once and kept ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlaceQuery:
    """The part of a query that is about places in the bodies of rows, in one database.

    Attributes:
        order: the whole order of the rows, columns included.
        where: ``parameterized``, if that is possible.
        indexes: the indexes that the SQL has to name or to be written for.
    """

    dialect: str
    kind: Kind | None = field(hash=False)  # slow to hash; kinds of one name seldom differ
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
            return [column_term(order, PART_COLUMNS if self.part else DOCUMENT_COLUMNS)]
        # A constant orders nothing, and servers take one for the number of a column.
        return [
            Term(term, order.descending)
            for term in order_terms(order.by, self._rows)
            if not isinstance(term, sa.BindParameter)
        ]

    @property
    def _rows(self) -> Rows:
        return Rows(places_of(self.dialect), self.kind, self.part, dict(self.indexes))

    @property
    def uses_index(self) -> bool:
        """Whether one of ``indexes`` leads to the rows."""
        return self.where is not None and uses_index(self.where, {index.pointer for index in self.indexes})

    @property
    def is_ordered(self) -> bool:
        """Whether a place is in the order."""
        return any(order.is_pointer for order in self.order)

    def check_pointers(self) -> None:
        """Refuse a pointer of the order or of ``where`` that leads to no place that can be compared.

        Raises:
            InvalidValueError: there is one.
        """
        for pointer in (*(each.by for each in self.order if each.is_pointer), *pointers_in(self.where)):
            self._rows.rules(pointer)

    def conditions(self) -> list[Clause]:
        """Return ``where`` as SQL; an empty list without one."""
        return [] if self.where is None else [compiled(self.where, self._rows)]


@dataclass(frozen=True, slots=True)
class SelectForm:
    """Everything that a SELECT depends on, except for the values that are bound.

    Attributes:
        columns: of each row; empty to count the rows.
        with_terms: whether the terms of the order are selected too, after the columns.
        start: for each term, whether the row after which the page begins has a value there; empty for the first page.
    """

    places: PlaceQuery
    form: StatementForm
    columns: tuple[str, ...]
    with_terms: bool = False
    start: tuple[bool, ...] = ()

    def select(self, where: list[Clause]) -> sa.Select[Any]:
        """Return the SELECT; *where* is ``places.conditions()``."""
        select, terms = statement(self.form, self.columns, with_terms=self.with_terms), self.places.terms
        select = select.where(*where)
        if self.places.is_ordered and self.columns not in ((), ("id",)):
            select = select.order_by(*(clause for term in terms for clause in term.clauses()))
            select = select.add_columns(*(term.expression for term in terms)) if self.with_terms else select
        return select.where(after(terms, self.start)) if self.start else select


@lru_cache(maxsize=256)
def _kept_select(form: SelectForm) -> sa.Select[Any]:
    return form.select(form.places.conditions())


# --- the search -------------------------------------------------------------------------------------------------------


class Selection:
    """A query as SELECTs for the database of *engine*."""

    def __init__(self, engine: Engine, query: Query) -> None:
        self.query = query
        self._engine = engine
        is_part = query.part is not None
        self._columns = PART_COLUMNS if is_part else DOCUMENT_COLUMNS
        conditions, self._values = column_conditions(query)
        by = {order.by for order in query.order}
        order = (*query.order, *(Order(column) for column in ties(query) if column not in by))
        found = None if query.where is None else parameterized(query.where)
        self._is_kept = query.where is None or found is not None
        where, texts = found or (query.where, {})
        self._values |= texts
        self._places = places = PlaceQuery(engine.dialect.name, query.kind, query.part, order, where)
        places.check_pointers()  # before anything is read
        self._indexes: tuple[IndexedPlace, ...] | None = None
        # For the pages of this search, if its SELECT is not kept for others.
        self._conditions = lru_cache(maxsize=1)(lambda indexes: replace(places, indexes=indexes).conditions())
        self._form = StatementForm(is_part, query.kind is not None, conditions)
        columns = tuple(each for each in order if not each.is_pointer)
        self._ordered = replace(self._form, order=columns, is_ordered=not self._places.is_ordered)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a row's info, in the order of the columns."""
        return tuple(self._columns)

    @property
    def types(self) -> tuple[type | None, ...]:
        """The Python type of each term of the order; None where SQLAlchemy does not know it."""
        return tuple(_python_type(term.expression.type) for term in self._places.terms)

    @property
    def needs_indexes(self) -> bool:
        """Whether the SQL depends on which indexes on places exist."""
        query = self.query
        return query.where is not None and query.kind is not None and places_of(self._places.dialect).reads_indexes

    # --- what the database returns -------------------------------------------------------------------------------

    def page(self, connection: Connection, size: int, start: Sequence[Any] | None) -> Sequence[sa.Row[Any]]:
        """Return *size* rows after the one at *start*, each followed by the values of its order."""
        form, there = self._limited(self._ordered), tuple(value is not None for value in start or ())
        select = self._select(connection, form, self.fields, with_terms=True, start=there)
        with reading_times():
            return connection.execute(select, {**self._values, **values_after(start or ()), "most": size}).all()

    def names(self, connection: Connection) -> list[str]:
        """Return the name of each row, in order."""
        limit = self.query.limit
        form = self._ordered if limit is None else self._limited(self._ordered)
        select = self._select(connection, form, ("name",))
        return list(connection.execute(select, {**self._values, "most": limit}).scalars())

    def any(self, connection: Connection) -> bool:
        """Return whether there are any rows."""
        select = self._select(connection, self._limited(self._form), ("id",))
        return (
            self.query.limit != 0 and connection.execute(select, {**self._values, "most": _ENOUGH}).first() is not None
        )

    def count(self, connection: Connection) -> int:
        """Return the number of rows."""
        limit = self.query.limit
        if limit is None:
            select = self._select(connection, self._form, ())
        else:
            rows = self._select(connection, self._limited(self._form), ("id",))
            select = sa.select(sa.func.count()).select_from(rows.subquery())
        return int(connection.execute(select, {**self._values, "most": limit}).scalar_one())

    def rows(self, connection: Connection | None) -> sa.Select[Any]:
        """Return the SELECT of all rows, in order, with its values.

        Args:
            connection: to read the indexes, if it ``needs_indexes``.
        """
        return with_values(self._select(connection, self._ordered, self.fields), self._values).limit(self.query.limit)

    def text(self, connection: Connection | None) -> str:
        """Return the same SELECT as text, with its values as literals."""
        return pasteable(self._engine, self.rows(connection))

    # --- making the SELECT ---------------------------------------------------------------------------------------

    def _select(
        self,
        connection: Connection | None,
        form: StatementForm,
        columns: tuple[str, ...],
        *,
        with_terms: bool = False,
        start: tuple[bool, ...] = (),
    ) -> sa.Select[Any]:
        indexes = self._known_indexes(connection)
        places = replace(self._places, indexes=indexes) if indexes else self._places
        complete = SelectForm(places, self._planned(form, places), columns, with_terms, start)
        select = _kept_select(complete) if self._is_kept else complete.select(self._conditions(indexes))
        if self.query.like is not None:
            select = select.where(like(self._engine.dialect.name, self._columns["name"], self.query.like))
        return select

    def _known_indexes(self, connection: Connection | None) -> tuple[IndexedPlace, ...]:
        """Return the indexes on places of the kind, or of the part, where the SQL depends on them.

        Read once, where SQL for an index that was dropped since is only slower; else each time.
        """
        kind, part = self.query.kind, self.query.part
        if connection is None or kind is None or not self.needs_indexes:
            return ()
        if self._indexes is None or places_of(self._places.dialect).indexes_have_columns:
            self._indexes = indexed_places(connection, kind.name, None if part is None else part.name)
        return self._indexes

    def _planned(self, form: StatementForm, places: PlaceQuery) -> StatementForm:
        """Return *form* with hints for the planner."""
        has_statistics = not places_of(places.dialect).prefers_lists
        is_narrow = not has_statistics and (self.query.owner is not None or places.uses_index)
        first: First = ""
        if self.query.part is not None:
            first = "parts" if self._leads_to_parts(places) else "" if has_statistics else "heads"
        return replace(form, is_narrow=is_narrow, first=first)

    def _leads_to_parts(self, places: PlaceQuery) -> bool:
        """Return whether an index on type and status or on a place leads to the parts, and no name leads to few heads.

        Where the indexes are not known, any place may have one.
        """
        query = self.query
        if not (query.name is None and query.prefix is None and query.owner is None):
            return False
        may_use_index = query.where is not None and not places_of(places.dialect).reads_indexes
        return query.types is not None or query.statuses is not None or places.uses_index or may_use_index

    @staticmethod
    def _limited(form: StatementForm) -> StatementForm:
        return replace(form, is_limited=True)


def _python_type(type_: sa.types.TypeEngine[Any]) -> type | None:
    if isinstance(type_, UtcTime):
        return datetime
    try:
        return type_.python_type
    except NotImplementedError:
        return None
