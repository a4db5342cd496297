"""Conditions as SQL: ``parameterized`` takes their values out, ``compiled`` gives the SQL.

Conditions that differ only in values have one parameterized form, whose SQL is made once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard, cast

import sqlalchemy as sa

from docstore.documents.canonical import JSON, UNSAFE_TEXT, dumps, is_plain, join_pointer, split_pointer
from docstore.documents.kinds import KINDS, Kind, PartRule
from docstore.errors import InvalidValueError
from docstore.search.conditions import All, AnyOf, Condition, EncodedComparison, Not
from docstore.sql.dialects.json_path import SHORT, Bound, Places, Spot, can_stand, is_bare
from docstore.sql.tables import documents

# --- conditions without their values ---------------------------------------------------------------------------------

_MOST: Final = 16
"""Values of a condition whose SQL is kept."""

_DEEPEST: Final = 16
"""Levels of a condition whose SQL is kept."""


@dataclass(frozen=True, slots=True)
class BoundValue:
    """A value that is bound by *name* when the statement is executed: a short scalar, not null.

    Attributes:
        is_bare: whether the value ``is_bare``, on which the SQL depends.
    """

    name: str
    is_bare: bool

    @property
    def text(self) -> sa.BindParameter[str]:
        """The parameter for its canonical text."""
        return sa.bindparam(self.name, type_=sa.Text())


def parameterized(condition: Condition) -> tuple[Condition, dict[str, str]] | None:
    """Return *condition* with a ``BoundValue`` for each value of an ``==``, and the canonical texts to bind, by name.

    None if a value cannot be bound, or if the condition is too large for another of the same form to be likely.

    The result can be hashed, and two are equal only if their SQL is: it contains no bound value, only whether that
    ``is_bare``. Ends of ranges and patterns stay in it (1 and 1.0 are the same end).

    Args:
        condition: from ``checked_where``.
    """
    texts: dict[str, str] = {}
    form = _parameterized(condition, texts, _DEEPEST)
    return None if form is None else (form, texts)


def _parameterized(condition: Condition, texts: dict[str, str], levels: int) -> Condition | None:
    if levels == 0:
        return None
    if isinstance(condition, EncodedComparison):
        return _parameterized_comparison(condition, texts)
    if isinstance(condition, Not):
        inner = _parameterized(condition.condition, texts, levels - 1)
        return None if inner is None else Not(inner)
    assert isinstance(condition, (All, AnyOf))  # checked_where gives no other
    each = [_parameterized(inner, texts, levels - 1) for inner in condition.conditions]
    found = tuple(inner for inner in each if inner is not None)
    return type(condition)(found) if len(found) == len(each) else None


def _parameterized_comparison(comparison: EncodedComparison, texts: dict[str, str]) -> Condition | None:
    if not comparison.values:
        return comparison
    if comparison.operator in ("<", "<=", ">", ">=", "like"):
        # Their SQL depends on the value. The same one often comes again, as from a program that polls for new rows.
        first = comparison.values[0]
        return comparison if not isinstance(first, str) or len(first) <= SHORT else None
    if len(texts) + len(comparison.values) > _MOST:
        return None
    found = [_short_text(value) for value in comparison.values] if comparison.operator == "in" else [None]
    bound = []
    for value, text in zip(comparison.values, found, strict=False):
        if text is None:
            return None
        parameter = BoundValue(f"place_{len(texts)}", is_bare(value))
        texts[parameter.name] = text
        bound.append(parameter)
    return EncodedComparison(comparison.pointer, "in", cast("tuple[JSON, ...]", tuple(bound)))


def _short_text(value: JSON) -> str | None:
    """Return the canonical text of *value* if it is a scalar that can be bound, else None."""
    if not isinstance(value, (str, bool, int, float)) or (isinstance(value, str) and len(value) > SHORT):
        return None
    text = dumps(value).decode()
    return text if len(text) <= SHORT else None


# --- the rows and their places ---------------------------------------------------------------------------------------

_HEAD: Final[sa.ColumnElement[str]] = sa.literal_column("''")

_ALL_PARTS: Final = tuple(rule for kind in KINDS.values() for rule in kind.parts)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the table ``documents`` that a condition is about.

    Attributes:
        places: the SQL of one place in a body, of the database.
        kind: of the documents; None for documents of several kinds, or of one that is not known here. Then a place is
            looked for in the head and in the parts of each.
        part: if the rows are parts, in whose own bodies the pointers lead; None if they are heads.
        indexes: the names of the indexes on places, by pointer, where ``places.reads_indexes``; elsewhere empty.
    """

    places: Places
    kind: Kind | None
    part: PartRule | None = None
    indexes: Mapping[str, str] = field(default_factory=dict)

    def spots(self, pointer: str) -> list[_FoundSpot]:
        """Return the places that *pointer* may mean, the one in the row itself first; none if no document can have it.

        Raises:
            InvalidValueError: a place holds parts.
        """
        tokens, rules = split_pointer(pointer), self.rules(pointer)
        if not can_stand(tokens):
            return []
        index = self.indexes.get(pointer)
        head = _FoundSpot(
            self.places.spot(documents, tokens, index), indexed_rows=self._indexed_rows if index else None
        )
        if self.part or len(tokens) < 2 or not (rules or self.kind is None):
            return [head]
        part = documents.alias()
        is_it = (part.c.id == documents.c.id) & (part.c.path == join_pointer(tokens[:2]))
        in_part = _FoundSpot(self.places.spot(part, tokens[2:]), part, is_it)
        return [in_part] if self.kind is not None and self.kind.name in KINDS else [head, in_part]

    @property
    def _indexed_rows(self) -> sa.ColumnElement[bool] | None:
        """The condition on kind and path that an index has to get beside the place; None where it needs none."""
        c, rule = documents.c, self.part or self.kind
        if rule is None or not self.places.prefers_lists:
            return None
        return sa.and_(c.path != _HEAD if self.part else c.path == _HEAD, c.kind == sa.literal(rule.name))

    def rules(self, pointer: str) -> tuple[PartRule, ...]:
        """Return the rules of the parts that *pointer* may lead into from a head.

        Raises:
            InvalidValueError: a place holds parts.
        """
        tokens = split_pointer(pointer)
        known = () if self.part else _ALL_PARTS if self.kind is None else self.kind.parts
        rules = tuple(rule for rule in known if tokens and rule.field == tokens[0])
        if (rules and len(tokens) == 1) or (known and not tokens):
            fields = ", ".join(f"'/{rule.field}'" for rule in known)
            place = "/trials/0/status" if known[0].field == "trials" else f"/{known[0].field}/0"
            remedy = f"What stands at {fields} has rows of its own: name a place inside, as in {place!r}"
            remedy += "." if self.kind else "; or say kind= of documents that have no such parts."
            raise InvalidValueError("pointer", pointer, remedy)
        return rules


@dataclass(frozen=True, slots=True)
class _FoundSpot:
    """One place that a pointer may mean: in the row itself, or in the row of a part.

    Attributes:
        part: the alias of ``documents`` for the part, and *is_it* the condition that selects it.
        indexed_rows: as ``Rows._indexed_rows``.
    """

    spot: Spot
    part: sa.FromClause | None = None
    is_it: sa.ColumnElement[bool] | None = None
    indexed_rows: sa.ColumnElement[bool] | None = None


# --- conditions as SQL -----------------------------------------------------------------------------------------------


def compiled(condition: Condition, rows: Rows) -> sa.ColumnElement[bool]:
    """Return the SQL of *condition* for a row of the table ``documents``.

    It may be NULL where the condition does not hold. A pointer that no document can have matches no row.

    Args:
        condition: from ``checked_where``, or ``parameterized`` with its texts to be bound.

    Raises:
        InvalidValueError: a place holds parts (``/trials``, or the whole of an experiment).
    """
    if isinstance(condition, EncodedComparison):
        return compiled(All((condition,)), rows) if _is_range(condition) else _comparison(condition, rows)
    if isinstance(condition, Not):
        return sa.not_(sa.func.coalesce(compiled(condition.condition, rows), sa.false(), type_=sa.Boolean()))
    if isinstance(condition, AnyOf):
        return sa.or_(sa.false(), *(compiled(each, rows) for each in condition.conditions))
    assert isinstance(condition, All)  # checked_where gives no other
    bounds: dict[str, list[Bound]] = {}
    for each in condition.conditions:
        if _is_range(each):
            bounds.setdefault(each.pointer, []).append(Bound(cast(Any, each.operator), cast(Any, each.values[0])))
    others = [compiled(each, rows) for each in condition.conditions if not _is_range(each)]
    return sa.and_(sa.true(), *others, *(_within(pointer, each, rows) for pointer, each in bounds.items()))


def uses_index(condition: Condition, indexed: Collection[str]) -> bool:
    """Return whether indexes on the pointers *indexed* lead to all rows for which *condition* may hold."""
    if isinstance(condition, EncodedComparison):
        by_value = condition.operator == "in" and None not in condition.values
        return condition.pointer in indexed and (by_value or condition.operator[0] in "<>")
    if isinstance(condition, All):
        return any(uses_index(inner, indexed) for inner in condition.conditions)
    if isinstance(condition, AnyOf):
        return bool(condition.conditions) and all(uses_index(inner, indexed) for inner in condition.conditions)
    return False


def _is_range(condition: Condition) -> TypeGuard[EncodedComparison]:
    """Return whether *condition* is a range of numbers."""
    if not isinstance(condition, EncodedComparison):
        return False
    return condition.operator[0] in "<>" and not isinstance(condition.values[0], str)


def _within(pointer: str, bounds: Sequence[Bound], rows: Rows) -> sa.ColumnElement[bool]:
    """Return the SQL of a number in all ranges, side by side: an index then serves both ends."""

    def ask(found: _FoundSpot) -> sa.ColumnElement[bool]:
        return sa.or_(*(_with_indexed_rows(found, alternative) for alternative in found.spot.within(bounds)))

    return _anywhere(pointer, rows, ask)


def _comparison(comparison: EncodedComparison, rows: Rows) -> sa.ColumnElement[bool]:
    by_index = uses_index(comparison, rows.indexes)

    def ask(found: _FoundSpot) -> sa.ColumnElement[bool]:
        sql = _OPERATORS[comparison.operator](found.spot, comparison)
        return _with_indexed_rows(found, sql) if by_index else sql

    return _anywhere(comparison.pointer, rows, ask)


def _with_indexed_rows(found: _FoundSpot, sql: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sql if found.indexed_rows is None else sa.and_(found.indexed_rows, sql)


def _anywhere(pointer: str, rows: Rows, ask: Callable[[_FoundSpot], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    """Return the SQL of *ask* holding at one of the places that *pointer* may mean."""
    each = []
    for found in rows.spots(pointer):
        sql = ask(found)
        if found.part is not None and found.is_it is not None:
            inside: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(found.part).where(found.is_it, sql)
            sql = sa.exists(inside.correlate_except(found.part))
        each.append(sql)
    return sa.or_(sa.false(), *each)


def _in(spot: Spot, comparison: EncodedComparison) -> sa.ColumnElement[bool]:
    bound = [each for each in cast("tuple[object, ...]", comparison.values) if isinstance(each, BoundValue)]
    if bound:  # then all of them are
        return spot.is_one_of([each.text for each in bound], are_bare=all(each.is_bare for each in bound))
    return spot.equals(comparison.values) if comparison.values else sa.false()


def _contains(spot: Spot, comparison: EncodedComparison) -> sa.ColumnElement[bool]:
    texts = [each for each in comparison.values if isinstance(each, str)]
    return sa.or_(spot.has_item(comparison.values), *map(spot.has_text, texts))


def _like(spot: Spot, comparison: EncodedComparison) -> sa.ColumnElement[bool]:
    [pattern] = cast("tuple[str]", comparison.values)
    # A text with such a character is stored tagged, and matches no pattern.
    return spot.like(pattern) if is_plain(pattern) else sa.false()


def _text_within(spot: Spot, comparison: EncodedComparison) -> sa.ColumnElement[bool]:
    [end] = cast("tuple[str]", comparison.values)
    return spot.text_within(*_plain_end(comparison.operator, end))


def _plain_end(operator: str, text: str) -> tuple[str, str]:
    """Return the end of an equal range of untagged texts, without characters that some database refuses.

    No untagged text in a document has NUL or a lone surrogate; so none is between ``"a"`` and ``"a\\0b"``, nor between
    ``"a\\ud800"`` and the next character that is not a surrogate.
    """
    unsafe = UNSAFE_TEXT.search(text)
    if unsafe is None:
        return operator, text
    start = text[: unsafe.start()]
    if unsafe[0] == "\0":
        return ("<=", start) if operator[0] == "<" else (">", start)
    return ("<", f"{start}\ue000") if operator[0] == "<" else (">=", f"{start}\ue000")


_OPERATORS: Final[dict[str, Callable[[Spot, EncodedComparison], sa.ColumnElement[bool]]]] = {
    "in": _in,
    "contains": _contains,
    "like": _like,
    "exists": lambda spot, comparison: spot.exists(),
    **dict.fromkeys(("<", "<=", ">", ">="), _text_within),
}


# --- order -----------------------------------------------------------------------------------------------------------


def order_terms(pointer: str, rows: Rows) -> list[sa.ColumnElement[Any]]:
    """Return three expressions, none of them ever NULL, that order rows by the value at *pointer*.

    Shapes:
        [rank of the type (integer), number (double), text]: first rows without a value, then null, false, true,
        numbers, texts, lists, objects. All lists are equal in it, all objects, and all numbers beyond 1e300.

    Raises:
        InvalidValueError: as ``compiled``.
    """
    found = rows.spots(pointer)
    if not found:
        return [sa.literal(0), sa.literal(0.0), sa.literal("")]
    [first, *others] = [_terms(each) for each in found]
    if not others:
        return first
    # The value is in the head or in a part, never in both.
    return [sa.case((first[0] == 0, other), else_=own) for own, other in zip(first, others[0], strict=True)]


def _terms(found: _FoundSpot) -> list[sa.ColumnElement[Any]]:
    terms = found.spot.order()
    if found.part is None or found.is_it is None:
        return terms
    nothing = [sa.literal(0), sa.literal(0.0), sa.literal("")]
    looked_up = [
        sa.select(term).select_from(found.part).where(found.is_it).correlate_except(found.part).scalar_subquery()
        for term in terms
    ]
    return [sa.func.coalesce(each, none) for each, none in zip(looked_up, nothing, strict=True)]
