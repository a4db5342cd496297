"""The SELECTs of a search: what is told of each row, which rows there are, and in which order they come.

Of what is asked of columns, a statement is made once for each form of question, with its values bound by name: to make
one takes SQLAlchemy longer than a database takes to find a document by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.sql.visitors import replacement_traverse

from docstore.documents.canonical import is_plain
from docstore.search.query import Order, Query
from docstore.sql.dialects.expressions import OrderedJoin, unindexed
from docstore.sql.tables import IS_HEAD, codes, documents

Where: TypeAlias = sa.ColumnElement[bool]

_HEADS: Final = documents.alias("heads")
"""Of a part, the head of its document."""

_TYPES: Final = codes.alias("type_codes")
_STATUSES: Final = codes.alias("status_codes")
_OWNERS: Final = documents.alias("owners")

IS_PART: Final = documents.c.path != sa.literal_column("''")
"""With a literal, as ``IS_HEAD`` has one."""


@dataclass(frozen=True, slots=True)
class Term:
    """What rows are ordered by: first all that are NULL, where it is *nullable*; reversed where it is *descending*."""

    expression: sa.ColumnElement[Any]
    descending: bool = False
    nullable: bool = False

    def clauses(self) -> list[sa.ColumnElement[Any]]:
        """Return it as ORDER BY takes it; of NULL, each database would have its own opinion."""
        each = [self.expression.is_not(None), self.expression] if self.nullable else [self.expression]
        return [clause.desc() if self.descending else clause.asc() for clause in each]

    def same(self, value: Any) -> Where:
        """Return the condition of the rows that have *value* there."""
        return self.expression.is_(None) if value is None else sa.and_(self.expression == value)

    def beyond(self, value: Any) -> Where:
        """Return the condition of the rows that come after those with *value*."""
        if value is None:
            return sa.false() if self.descending else self.expression.is_not(None)
        if not self.descending:
            return sa.and_(self.expression > value)
        last = self.expression.is_(None) if self.nullable else sa.false()
        return sa.or_(self.expression < value, last)


def after(terms: Sequence[Term], there: Sequence[bool]) -> Where:
    """Return the condition of the rows that come after another, whose ``values_after`` are bound.

    Args:
        there: whether that one has a value, for each of *terms*.
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
    # Said once more of the first term alone, so that an index on it can serve.
    first, start = terms[0], values[0]
    if start is None or first.nullable or len(terms) == 1:
        return sa.or_(*reached)
    return sa.and_(first.expression <= start if first.descending else first.expression >= start, sa.or_(*reached))


def values_after(values: Sequence[Any]) -> dict[str, Any]:
    """Return *values* of the row that others come after, by the names that they are bound by."""
    return {f"after_{number}": value for number, value in enumerate(values) if value is not None}


# --- what is told of each row ----------------------------------------------------------------------------------------


def columns_of(is_part: bool) -> dict[str, sa.ColumnElement[Any]]:
    """Return the columns of what is sought, by the field of ``DocumentInfo`` or ``PartInfo``, in their order."""
    c, h = documents.c, _HEADS.c
    told = {"type": _TYPES.c.name, "status": _STATUSES.c.name}
    saved = {"version": c.version, "created_at": c.created_at, "updated_at": c.updated_at}
    if not is_part:
        document = {"id": c.id, "project": c.project, "kind": c.kind, "name": c.name}
        return {**document, **told, "owner": c.owner, "model": c.model, **saved, "deleted_at": c.deleted_at}
    document = {"id": c.id, "project": c.project, "document_kind": h.kind, "name": h.name}
    part = {"path": c.path, "index": c.position, "kind": c.kind}
    return {**document, **part, **told, "model": c.model, **saved, "deleted_at": h.deleted_at}


DOCUMENTS: Final = columns_of(is_part=False)
PARTS: Final = columns_of(is_part=True)


def _source(form: Form, columns: Collection[str]) -> sa.FromClause:
    """Return the tables in which *columns* stand."""
    source: sa.FromClause = _parts_with_heads(form) if form.is_part else documents
    for column, table in (("type", _TYPES), ("status", _STATUSES)):
        if column in columns:
            # What says, in the table ``codes``, that an integer is one of this column.
            known = sa.bindparam(f"{column}_column", type_=table.c.column.type)
            said = known if form.is_part or form.has_kind else documents.c.kind + f"_{column}"
            at = (table.c.column == said) & (table.c.value == documents.c[column])
            source = source.outerjoin(table, at)
    return source


def _parts_with_heads(form: Form) -> sa.FromClause:
    same, is_head = _HEADS.c.id == documents.c.id, _HEADS.c.path == sa.literal_column("''")
    if form.first == "parts":
        return OrderedJoin(documents, _HEADS, same & is_head)
    if form.first == "heads":
        return OrderedJoin(_HEADS, documents, same & is_head & IS_PART)
    return documents.join(_HEADS, same & is_head)


def _code_columns(sought: Query) -> dict[str, str]:
    if sought.part is not None:
        codes = {"type": sought.part.type, "status": sought.part.status}
        return {f"{column}_column": code.column if code else "" for column, code in codes.items()}
    return {f"{each}_column": f"{sought.kind.name}_{each}" for each in ("type", "status")} if sought.kind else {}


# --- which rows there are --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing asked of a column.

    Attributes:
        how: ``is`` or ``in`` what is asked for, ``from`` or ``before`` it, ``null`` or ``not null``, ``never`` what it
            can be; ``owned`` by a living experiment, or ``once owned``.
    """

    column: str
    how: str

    @property
    def value(self) -> str:
        """The name that its value is bound by."""
        return f"{self.column}_{self.how}"

    def condition(self, column: sa.ColumnElement[Any]) -> Where:
        """Return it as SQL."""
        bound: sa.BindParameter[Any] = sa.bindparam(self.value, type_=column.type, expanding=self.how == "in")
        if self.how in ("owned", "once owned"):
            return column.in_(_owners(self))
        made: dict[str, Callable[[], Where]] = {
            "is": lambda: sa.and_(column == bound),
            "in": lambda: column.in_(bound),
            "from": lambda: sa.and_(column >= bound),
            "before": lambda: sa.and_(column < bound),
            "null": lambda: column.is_(None),
            "not null": lambda: column.is_not(None),
            "never": lambda: sa.false(),
        }
        return made[self.how]()


def _owners(asked: Asked) -> sa.Select[Any]:
    """Return the SELECT of the ids of the experiments of the name that is bound."""
    o = _OWNERS.c
    of_project = o.project.in_(sa.bindparam("owner_projects", type_=o.project.type, expanding=True))
    ids = sa.select(o.id).where(o.path == sa.literal_column("''"), o.kind == "experiment", of_project)
    ids = ids.where(o.name == sa.bindparam(asked.value, type_=o.name.type))
    return ids if asked.how == "once owned" else ids.where(o.deleted_at.is_(None))


def asked_of(sought: Query) -> tuple[tuple[Asked, ...], dict[str, Any]]:
    """Return what is asked of the columns, and the values to bind."""
    asked: dict[Asked, Any] = {Asked("part", "is"): sought.part.name} if sought.part is not None else {}
    asked |= _one_of("project", sought.projects)
    kind = None if sought.kind is None else sought.kind.name
    for column, text in (("kind", kind), ("name", sought.name), ("model", sought.model)):
        if text is not None:
            asked |= _one_of(column, [text])
    asked[Asked("deleted_at", "not null" if sought.deleted else "null")] = None
    if sought.prefix is not None:
        asked |= _starts_with("name", sought.prefix)
    values: dict[str, Any] = {**_code_columns(sought)}
    if sought.owner is not None:
        how = "once owned" if sought.deleted else "owned"
        asked[Asked("owner", how if is_plain(sought.owner) else "never")] = sought.owner
        values["owner_projects"] = [each for each in sought.projects if is_plain(each)]
    for column, integers in (("type", sought.types), ("status", sought.statuses)):
        if integers is not None:
            asked |= _is_or_in(column, list(integers))
    for column, moments in (("created_at", sought.created), ("updated_at", sought.updated)):
        ends = zip(("from", "before"), moments, strict=True)
        asked |= {Asked(column, how): moment for how, moment in ends if moment is not None}
    bound = {each.value: value for each, value in asked.items() if value is not None and each.how != "never"}
    return tuple(asked), {**values, **bound}


def _one_of(column: str, texts: Iterable[str]) -> dict[Asked, Any]:
    plain = [text for text in texts if is_plain(text)]  # no row has another, and not every database would take it
    return _is_or_in(column, plain)


def _is_or_in(column: str, values: Sequence[Any]) -> dict[Asked, Any]:
    if len(values) > 1:
        return {Asked(column, "in"): values}
    return {Asked(column, "is"): values[0]} if values else {Asked(column, "never"): None}


def _starts_with(column: str, prefix: str) -> dict[Asked, Any]:
    """Return what an index serves, and in which no character means another: names sort by code points."""
    if not is_plain(prefix):
        return {Asked(column, "never"): None}
    start = {Asked(column, "from"): prefix}
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return start
    following = ord(kept[-1]) + 1
    end = kept[:-1] + chr(0xE000 if following == 0xD800 else following)  # between the two there are no characters
    return {**start, Asked(column, "before"): end}


# --- statements ------------------------------------------------------------------------------------------------------


First: TypeAlias = Literal["parts", "heads", ""]


@dataclass(frozen=True, slots=True)
class Form:
    """What a statement depends on, but for the values that are bound.

    Attributes:
        asked: of the columns.
        order: columns by which the rows come, or some of what they come by: then it ``is_ordered`` elsewhere.
        is_limited: whether at most so many rows are asked for, as is bound by ``most``.
        is_narrow: whether an index on a place, or on the owner, leads to the rows: then none on their kind is taken.
        first: which table of a search for parts is read first, if the planner may not choose: the parts, or the heads
            of their documents, whose ids then lead to the parts in place of an index on their kind.
    """

    is_part: bool
    has_kind: bool
    asked: tuple[Asked, ...]
    order: tuple[Order, ...] = ()
    is_ordered: bool = True
    is_limited: bool = False
    is_narrow: bool = False
    first: First = ""


@lru_cache(maxsize=256)
def statement(form: Form, columns: tuple[str, ...], *, with_terms: bool = False) -> sa.Select[Any]:
    """Return the SELECT of *columns* of the rows; with those that they come by once more at the end, on request."""
    there = PARTS if form.is_part else DOCUMENTS
    terms = [column_term(order, there) for order in form.order if form.is_ordered]
    source = _source(form, {*columns, *(order.by for order in form.order)})
    told: list[sa.ColumnElement[Any]] = [there[name].label(name) for name in columns]
    told = told or [sa.func.count()]
    query = sa.select(*told, *(term.expression for term in terms if with_terms)).select_from(source)
    query = query.where(
        IS_PART if form.is_part else IS_HEAD, *(each.condition(_asked(form, each)) for each in form.asked)
    )
    query = query.order_by(*(clause for term in terms for clause in term.clauses()))
    return query.limit(sa.bindparam("most", type_=sa.Integer)) if form.is_limited else query


def with_values(query: sa.Select[Any], values: Mapping[str, Any]) -> sa.Select[Any]:
    """Return *query* with its values in it, under names of their own: in one statement, another search has others."""

    def replaced(element: Any, **ignored: Any) -> sa.BindParameter[Any] | None:
        if not isinstance(element, sa.BindParameter) or element.key not in values:
            return None
        value = values[element.key]
        return sa.bindparam(element.key, value, type_=element.type, unique=True, expanding=element.expanding)

    return cast("sa.Select[Any]", replacement_traverse(query, {}, replaced))


def _asked(form: Form, asked: Asked) -> sa.ColumnElement[Any]:
    """Return the column that is asked for something."""
    is_heads = form.is_part and asked.column in ("project", "kind", "name", "owner", "deleted_at")
    column = (_HEADS if is_heads else documents).c["kind" if asked.column == "part" else asked.column]
    others: tuple[str, ...] = ("project", "kind", "part") if form.is_narrow else ()
    others += ("part", "type", "status") if form.first == "heads" else ()
    return unindexed(column) if asked.column in others else column


# --- in which order they come ----------------------------------------------------------------------------------------

_NULLABLE: Final = frozenset({"type", "status", "owner", "deleted_at", "index"})


def column_term(order: Order, columns: Mapping[str, sa.ColumnElement[Any]]) -> Term:
    """Return the term that orders rows by one of their *columns*."""
    return Term(columns[order.by], order.descending, order.by in _NULLABLE)


def ties(sought: Query) -> list[str]:
    """Return the columns by which rows come at last, so that no two are in the same place.

    No more than it takes: of live documents of one kind in one project it is the name, and the index of names serves.
    """
    unique = ["kind"] if sought.part is None else ["document_kind"]
    found = [*(unique if sought.kind is None else []), "name", *(["project"] if len(sought.projects) > 1 else [])]
    return [*found, *(["id"] if sought.deleted else []), *(["index", "path"] if sought.part is not None else [])]
