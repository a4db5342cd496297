"""The SELECTs of a search: the columns of each row, the conditions on columns, and the order.

Searches of one form share a statement, which is made once, with values bound by name: SQLAlchemy takes longer to make
one than a database takes to find a document by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.sql.visitors import replacement_traverse

from docstore.documents.canonical import is_plain
from docstore.search.query import Order, Query
from docstore.sql.dialects.expressions import OrderedJoin, unindexed
from docstore.sql.tables import IS_HEAD, codes, documents, of_head, versions

Clause: TypeAlias = sa.ColumnElement[bool]

_HEADS: Final = documents.alias("heads")
"""The heads of the documents that parts belong to."""

_TYPES: Final = codes.alias("type_codes")
_STATUSES: Final = codes.alias("status_codes")
_OWNERS: Final = documents.alias("owners")

_IS_PART: Final = documents.c.path != sa.literal_column("''")
"""With a literal, as ``IS_HEAD`` has one."""

# --- the order of rows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """A term of ORDER BY: NULLs first, if it is *nullable*; reversed, if it is *descending*."""

    expression: sa.ColumnElement[Any]
    descending: bool = False
    nullable: bool = False

    def clauses(self) -> list[sa.ColumnElement[Any]]:
        """Return the ORDER BY clauses; with the place of NULLs, in which databases differ."""
        each = [self.expression.is_not(None), self.expression] if self.nullable else [self.expression]
        return [clause.desc() if self.descending else clause.asc() for clause in each]

    def same(self, value: Any) -> Clause:
        """Return the condition that a row has *value* there."""
        return self.expression.is_(None) if value is None else sa.and_(self.expression == value)

    def beyond(self, value: Any) -> Clause:
        """Return the condition that a row comes after those with *value*."""
        if value is None:
            return sa.false() if self.descending else self.expression.is_not(None)
        if not self.descending:
            return sa.and_(self.expression > value)
        last = self.expression.is_(None) if self.nullable else sa.false()
        return sa.or_(self.expression < value, last)


def after(terms: Sequence[Term], there: Sequence[bool]) -> Clause:
    """Return the condition that a row comes after another, whose ``values_after`` are to be bound.

    Args:
        there: for each of *terms*, whether the other row has a value.
    """
    values = [
        sa.bindparam(f"after_{number}", type_=term.expression.type) if is_there else None
        for number, (term, is_there) in enumerate(zip(terms, there, strict=True))
    ]
    reached = [
        sa.and_(
            *(term.same(value) for term, value in zip(terms[:depth], values, strict=False)), terms[depth].beyond(last)
        )
        for depth, last in enumerate(values)
    ]
    # Repeated for the first term alone, so that an index on it can be used.
    first, start = terms[0], values[0]
    if start is None or first.nullable or len(terms) == 1:
        return sa.or_(*reached)
    return sa.and_(first.expression <= start if first.descending else first.expression >= start, sa.or_(*reached))


def values_after(values: Sequence[Any]) -> dict[str, Any]:
    """Return the *values* of a row by the names of the parameters of ``after``."""
    return {f"after_{number}": value for number, value in enumerate(values) if value is not None}


_NULLABLE: Final = frozenset({"type", "status", "owner", "deleted_at", "index"})


def column_term(order: Order, columns: Mapping[str, sa.ColumnElement[Any]]) -> Term:
    """Return the term that orders rows by one of their *columns*."""
    return Term(columns[order.by], order.descending, order.by in _NULLABLE)


def ties(query: Query) -> list[str]:
    """Return the columns that order rows which are otherwise equal, so that no two have the same place.

    As few as possible: for live documents of one kind in one project the name is enough, and its index serves.
    """
    kind = ["kind"] if query.part is None else ["document_kind"]
    found = [*(kind if query.kind is None else []), "name", *(["project"] if len(query.projects) > 1 else [])]
    return [*found, *(["id"] if query.deleted else []), *(["index", "path"] if query.part is not None else [])]


# --- columns and tables ----------------------------------------------------------------------------------------------


def _columns(is_part: bool) -> dict[str, sa.ColumnElement[Any]]:
    """Return the selected columns by the field of ``DocumentInfo`` or ``PartInfo``, in their order."""
    c, h = documents.c, _HEADS.c
    names = {"type": _TYPES.c.name, "status": _STATUSES.c.name}
    if not is_part:
        document = {"id": c.id, "project": c.project, "kind": c.kind, "name": c.name}
        times = {"created_at": of_head(c.created_at), "updated_at": of_head(c.updated_at), "deleted_at": c.deleted_at}
        return {**document, **names, "owner": c.owner, "model": of_head(c.model), "version": c.version, **times}
    document = {"id": c.id, "project": c.project, "document_kind": h.kind, "name": h.name}
    part = {"path": c.path, "index": c.position, "kind": c.kind}
    times = {"created_at": _time_of(c.added), "updated_at": _time_of(c.version), "deleted_at": h.deleted_at}
    return {**document, **part, **names, "model": of_head(h.model), "version": c.version, **times}


def _time_of(number: sa.Column[int]) -> sa.ColumnElement[Any]:
    """Return the time of the version of a document whose *number* a column of a part has."""
    v = versions.c
    saved = sa.select(v.created_at).where(v.id == documents.c.id, v.version == number)
    return saved.correlate(documents).scalar_subquery()


DOCUMENT_COLUMNS: Final = _columns(is_part=False)
PART_COLUMNS: Final = _columns(is_part=True)


def _source(form: StatementForm, columns: Collection[str]) -> sa.FromClause:
    """Return the join of the tables that have *columns*."""
    source: sa.FromClause = _parts_with_heads(form) if form.is_part else documents
    for column, table in (("type", _TYPES), ("status", _STATUSES)):
        if column in columns:
            # The name in the table ``codes`` of the enum whose integers this column has.
            bound = sa.bindparam(f"{column}_column", type_=table.c.column.type)
            name = bound if form.is_part or form.has_kind else documents.c.kind + f"_{column}"
            source = source.outerjoin(table, (table.c.column == name) & (table.c.value == documents.c[column]))
    return source


def _parts_with_heads(form: StatementForm) -> sa.FromClause:
    same, is_head = _HEADS.c.id == documents.c.id, _HEADS.c.path == sa.literal_column("''")
    if form.first == "parts":
        return OrderedJoin(documents, _HEADS, same & is_head)
    if form.first == "heads":
        return OrderedJoin(_HEADS, documents, same & is_head & _IS_PART)
    return documents.join(_HEADS, same & is_head)


def _code_columns(query: Query) -> dict[str, str]:
    """Return the values of the parameters of ``_source``."""
    if query.part is not None:
        codes = {"type": query.part.type, "status": query.part.status}
        return {f"{column}_column": code.column if code else "" for column, code in codes.items()}
    return {f"{each}_column": f"{query.kind.name}_{each}" for each in ("type", "status")} if query.kind else {}


# --- conditions on columns -------------------------------------------------------------------------------------------


Operator: TypeAlias = Literal[
    "is", "in", "from", "before", "null", "not_null", "never", "owned_by_live", "owned_by_any"
]
"""How a column compares with a value, or values. ``from`` is ``>=``, ``before`` is ``<``; the next three need no value,
and ``never`` holds for no row. The last two compare the ids of owners with the name of an experiment.
"""


@dataclass(frozen=True, slots=True)
class ColumnCondition:
    """A condition on one column, without its value."""

    column: str
    operator: Operator

    @property
    def parameter(self) -> str:
        """The name that its value is bound by."""
        return f"{self.column}_{self.operator}"

    def sql(self, column: sa.ColumnElement[Any]) -> Clause:
        """Return the condition as SQL of *column*."""
        bound: sa.BindParameter[Any] = sa.bindparam(self.parameter, type_=column.type, expanding=self.operator == "in")
        match self.operator:
            case "is":
                return sa.and_(column == bound)
            case "in":
                return column.in_(bound)
            case "from":
                return sa.and_(column >= bound)
            case "before":
                return sa.and_(column < bound)
            case "null":
                return column.is_(None)
            case "not_null":
                return column.is_not(None)
            case "never":
                return sa.false()
            case "owned_by_live" | "owned_by_any":
                return column.in_(_owners(self))


def _owners(condition: ColumnCondition) -> sa.Select[Any]:
    """Return the SELECT of the ids of the experiments whose name is bound."""
    o = _OWNERS.c
    of_project = o.project.in_(sa.bindparam("owner_projects", type_=o.project.type, expanding=True))
    ids = sa.select(o.id).where(o.path == sa.literal_column("''"), o.kind == "experiment", of_project)
    ids = ids.where(o.name == sa.bindparam(condition.parameter, type_=o.name.type))
    return ids if condition.operator == "owned_by_any" else ids.where(o.deleted_at.is_(None))


def column_conditions(query: Query) -> tuple[tuple[ColumnCondition, ...], dict[str, Any]]:
    """Return the conditions of *query* on columns, and the values to bind, by the names of their parameters."""
    found: dict[ColumnCondition, Any] = (
        {ColumnCondition("part", "is"): query.part.name} if query.part is not None else {}
    )
    found |= _one_of("project", query.projects)
    kind = None if query.kind is None else query.kind.name
    for column, text in (("kind", kind), ("name", query.name), ("model", query.model)):
        if text is not None:
            found |= _one_of(column, [text])
    found[ColumnCondition("deleted_at", "not_null" if query.deleted else "null")] = None
    if query.prefix is not None:
        found |= _starts_with("name", query.prefix)
    values: dict[str, Any] = {**_code_columns(query)}
    if query.owner is not None:
        owned: Operator = "owned_by_any" if query.deleted else "owned_by_live"
        found[ColumnCondition("owner", owned if is_plain(query.owner) else "never")] = query.owner
        values["owner_projects"] = [each for each in query.projects if is_plain(each)]
    for column, integers in (("type", query.types), ("status", query.statuses)):
        if integers is not None:
            found |= _is_or_in(column, list(integers))
    for column, moments in (("created_at", query.created), ("updated_at", query.updated)):
        ends = (ColumnCondition(column, "from"), ColumnCondition(column, "before"))
        found |= {end: moment for end, moment in zip(ends, moments, strict=True) if moment is not None}
    bound = {each.parameter: v for each, v in found.items() if v is not None and each.operator != "never"}
    return tuple(found), {**values, **bound}


def _one_of(column: str, texts: Iterable[str]) -> dict[ColumnCondition, Any]:
    plain = [text for text in texts if is_plain(text)]  # no row has another, and not every database would take it
    return _is_or_in(column, plain)


def _is_or_in(column: str, values: Sequence[Any]) -> dict[ColumnCondition, Any]:
    if len(values) > 1:
        return {ColumnCondition(column, "in"): values}
    return {ColumnCondition(column, "is"): values[0]} if values else {ColumnCondition(column, "never"): None}


def _starts_with(column: str, prefix: str) -> dict[ColumnCondition, Any]:
    """Return the range of names that start with *prefix*: an index serves it, and no character is special in it."""
    if not is_plain(prefix):
        return {ColumnCondition(column, "never"): None}
    start = {ColumnCondition(column, "from"): prefix}
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return start
    following = ord(kept[-1]) + 1
    end = kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # between the two there are no characters
    return {**start, ColumnCondition(column, "before"): end}


# --- statements ------------------------------------------------------------------------------------------------------


First: TypeAlias = Literal["parts", "heads", ""]


@dataclass(frozen=True, slots=True)
class StatementForm:
    """What the SQL of columns depends on, except for the values that are bound.

    Attributes:
        order: the columns in the order of the rows.
        is_ordered: whether ORDER BY has these columns; False if a place is in the order, which is then added elsewhere.
        is_limited: whether there is a LIMIT, bound as ``most``.
        is_narrow: whether an index on a place, or on the owner, leads to the rows: then indexes on the kind are hidden.
        first: the table that a search for parts reads first, if the planner may not choose: the parts; or the heads of
            their documents, whose ids then lead to the parts in place of an index on their kind.
    """

    is_part: bool
    has_kind: bool
    conditions: tuple[ColumnCondition, ...]
    order: tuple[Order, ...] = ()
    is_ordered: bool = True
    is_limited: bool = False
    is_narrow: bool = False
    first: First = ""


@lru_cache(maxsize=256)
def statement(form: StatementForm, columns: tuple[str, ...], *, with_terms: bool = False) -> sa.Select[Any]:
    """Return the SELECT of *columns* (none: of the count), on request followed by the terms of the order."""
    known = PART_COLUMNS if form.is_part else DOCUMENT_COLUMNS
    terms = [column_term(order, known) for order in form.order if form.is_ordered]
    source = _source(form, {*columns, *(order.by for order in form.order)})
    selected: list[sa.ColumnElement[Any]] = [known[name].label(name) for name in columns]
    selected = selected or [sa.func.count()]
    select = sa.select(*selected, *(term.expression for term in terms if with_terms)).select_from(source)
    select = select.where(_IS_PART if form.is_part else IS_HEAD)
    select = select.where(*(each.sql(_column_of(form, each)) for each in form.conditions))
    select = select.order_by(*(clause for term in terms for clause in term.clauses()))
    return select.limit(sa.bindparam("most", type_=sa.Integer)) if form.is_limited else select


def with_values(select: sa.Select[Any], values: Mapping[str, Any]) -> sa.Select[Any]:
    """Return *select* with its values, under unique names, so that it can be combined with another search."""

    def replaced(element: Any, **ignored: Any) -> sa.BindParameter[Any] | None:
        if not isinstance(element, sa.BindParameter) or element.key not in values:
            return None
        value = values[element.key]
        return sa.bindparam(element.key, value, type_=element.type, unique=True, expanding=element.expanding)

    return cast("sa.Select[Any]", replacement_traverse(select, {}, replaced))


def _column_of(form: StatementForm, condition: ColumnCondition) -> sa.ColumnElement[Any]:
    """Return the column of a condition, without its index where that would mislead the planner."""
    if form.is_part and condition.column in ("created_at", "updated_at"):
        return PART_COLUMNS[condition.column]
    is_of_head = form.is_part and condition.column in ("project", "kind", "name", "owner", "model", "deleted_at")
    column = (_HEADS if is_of_head else documents).c["kind" if condition.column == "part" else condition.column]
    others: tuple[str, ...] = ("project", "kind", "part") if form.is_narrow else ()
    others += ("part", "type", "status") if form.first == "heads" else ()
    return unindexed(column) if condition.column in others else column
