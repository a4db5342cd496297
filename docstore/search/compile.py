"""Conditions as SQL: which row each place is in, and what is asked of it there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeGuard, cast

import sqlalchemy as sa

from docstore.documents.canonical import JSON, UNSAFE_TEXT, dumps, is_plain, join_pointer, split_pointer
from docstore.documents.kinds import KINDS, Kind, PartRule
from docstore.errors import InvalidValueError
from docstore.search.conditions import All, AnyOf, Condition, Not, Stored
from docstore.sql.dialects.json_path import SHORT, Bound, Places, Spot, can_stand, is_bare
from docstore.sql.tables import documents as table

# Conditions without the values that are bound: of many questions, one form, whose SQL is made once.

_MOST: Final = 16
"""Values of a condition whose SQL is kept."""

_DEEPEST: Final = 16
"""Levels of the same."""


@dataclass(frozen=True, slots=True)
class Later:
    """A value of a condition that is bound by *name* when a statement is executed: a short scalar that is not null.

    Attributes:
        is_bare: of the value, what ``dialect.places.is_bare`` says.
    """

    name: str
    is_bare: bool

    @property
    def text(self) -> sa.BindParameter[str]:
        """Its canonical text."""
        return sa.bindparam(self.name, type_=sa.Text())


def lifted(condition: Condition) -> tuple[Condition, dict[str, str]] | None:
    """Return *condition* with the values that it is ``==`` bound later, and the text of each.

    None if one of them cannot be, or if it is so large that another of the same form is not to be expected.

    What it returns can be hashed, and is equal for conditions of which the SQL is: it holds of each value that is bound
    later whether it ``is_bare``, and nothing else. Ends of ranges and patterns are in it: 1 and 1.0 are the same end.

    Args:
        condition: from ``checked_where``.
    """
    texts: dict[str, str] = {}
    form = _lifted(condition, texts, _DEEPEST)
    return None if form is None else (form, texts)


def _lifted(condition: Condition, texts: dict[str, str], levels: int) -> Condition | None:
    if levels == 0:
        return None
    if isinstance(condition, Stored):
        return _lifted_leaf(condition, texts)
    if isinstance(condition, Not):
        inner = _lifted(condition.condition, texts, levels - 1)
        return None if inner is None else Not(inner)
    assert isinstance(condition, (All, AnyOf))  # checked_where gives no other
    each = [_lifted(inner, texts, levels - 1) for inner in condition.conditions]
    found = tuple(inner for inner in each if inner is not None)
    return type(condition)(found) if len(found) == len(each) else None


def _lifted_leaf(asked: Stored, texts: dict[str, str]) -> Condition | None:
    if not asked.values:
        return asked
    if asked.operator in ("<", "<=", ">", ">=", "like"):
        # Their SQL is another for many an end; the same is asked again and again, as by who looks for what is new.
        return asked if not isinstance(asked.values[0], str) or len(asked.values[0]) <= SHORT else None
    if len(texts) + len(asked.values) > _MOST:
        return None
    found = [_short_text(value) for value in asked.values] if asked.operator == "in" else [None]
    laters = []
    for value, text in zip(asked.values, found, strict=False):
        if text is None:
            return None
        later = Later(f"place_{len(texts)}", is_bare(value))
        texts[later.name] = text
        laters.append(later)
    return Stored(asked.pointer, "in", cast("tuple[JSON, ...]", tuple(laters)))


def _short_text(value: JSON) -> str | None:
    """Return the canonical text of *value*, if it is a scalar that can be bound later."""
    if not isinstance(value, (str, bool, int, float)) or (isinstance(value, str) and len(value) > SHORT):
        return None
    text = dumps(value).decode()
    return text if len(text) <= SHORT else None


_HEAD: Final[sa.ColumnElement[str]] = sa.literal_column("''")

_PARTS_OF_ALL: Final = tuple(rule for kind in KINDS.values() for rule in kind.parts)


class Indexed(Protocol):
    """An index on a place, as ``indexes_in`` gives it."""

    @property
    def name(self) -> str: ...

    @property
    def pointer(self) -> str: ...


def spelled(
    condition: Condition,
    documents: sa.FromClause,
    kind: Kind | None,
    places: Places,
    *,
    part: PartRule | None = None,
    indexes: Collection[Indexed] = (),
) -> sa.ColumnElement[bool]:
    """Return the SQL of *condition* (of ``checked_where``), for a row of *documents*, the table or an alias of it.

    It may be NULL where the condition does not hold. A pointer that no document has gives no rows.

    Args:
        condition: of its form that is ``lifted``, the texts are to be bound.
        kind: of the documents; None if they are of several, or of one that is not known here. Then a place is looked
            for in the head and in the parts of each.
        part: of the rows that are parts, in whose own bodies the pointers lead; None if the rows are heads.
        indexes: those that there are, where ``places.reads_indexes``; else none need be given.

    Raises:
        InvalidValueError: a place holds parts (``/trials``, or the whole of an experiment).
    """
    rows = _Rows(documents, kind, places, part, {each.pointer: each.name for each in indexes})
    return _spelled(condition, rows)


def is_served(condition: Condition, indexed: Collection[str]) -> bool:
    """Return whether indexes on the pointers *indexed* lead to the rows for which *condition* may hold."""
    if isinstance(condition, Stored):
        by_value = condition.operator == "in" and None not in condition.values
        return condition.pointer in indexed and (by_value or condition.operator[0] in "<>")
    if isinstance(condition, All):
        return any(is_served(inner, indexed) for inner in condition.conditions)
    if isinstance(condition, AnyOf):
        return bool(condition.conditions) and all(is_served(inner, indexed) for inner in condition.conditions)
    return False


def order_terms(
    pointer: str, documents: sa.FromClause, kind: Kind | None, places: Places, *, part: PartRule | None = None
) -> list[sa.ColumnElement[Any]]:
    """Return three expressions, none of them ever NULL, that order rows by what stands at *pointer*.

    Shapes:
        [rank of the type (integer), number (double), text]: first nothing, then null, false, true, numbers, texts,
        lists, objects. Several lists are equal in it, and so are several objects, and numbers beyond 1e300.

    Raises:
        InvalidValueError: as ``spelled``.
    """
    rows = _Rows(documents, kind, places, part, {})
    nothing: list[sa.ColumnElement[Any]] = [sa.literal(0), sa.literal(0.0), sa.literal("")]
    found = rows.found(pointer)
    if not found:
        return nothing
    [head, *parts] = [_terms(where) for where in found]
    if not parts:
        return head
    # Of the head and a part, the place is in one at most.
    in_part, in_head = head[0] == 0, head
    return [sa.case((in_part, other), else_=mine) for mine, other in zip(in_head, parts[0], strict=True)]


@dataclass(frozen=True, slots=True)
class _Found:
    """One place that a pointer may mean: in the row itself, or in the row of a part."""

    spot: Spot
    part: sa.FromClause | None = None
    is_it: sa.ColumnElement[bool] | None = None
    """Which row of *part* it is."""
    which: sa.ColumnElement[bool] | None = None
    """Which rows an index on the place is to look for, if there is one that has to be told."""


def _terms(found: _Found) -> list[sa.ColumnElement[Any]]:
    terms = found.spot.order()
    if found.part is None or found.is_it is None:
        return terms
    nothing = [sa.literal(0), sa.literal(0.0), sa.literal("")]
    looked_up = [
        sa.select(term).select_from(found.part).where(found.is_it).correlate_except(found.part).scalar_subquery()
        for term in terms
    ]
    return [sa.func.coalesce(each, none) for each, none in zip(looked_up, nothing, strict=True)]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that are looked at."""

    documents: sa.FromClause
    kind: Kind | None
    places: Places
    part: PartRule | None
    indexes: dict[str, str]

    def found(self, pointer: str) -> list[_Found]:
        """Return where *pointer* may lead: first in the row itself; nowhere, if no document can have it.

        Raises:
            InvalidValueError: it holds parts.
        """
        tokens = split_pointer(pointer)
        rules = () if self.part else self._rules(tokens)
        if not can_stand(tokens):
            return []
        index = self.indexes.get(pointer)
        head = _Found(self.places.spot(self.documents, tokens, index), which=self.which if index else None)
        if self.part or len(tokens) < 2 or not (rules or self.kind is None):
            return [head]
        part = table.alias()
        path = join_pointer(tokens[:2])
        is_it = (part.c.id == self.documents.c.id) & (part.c.path == path)
        in_part = _Found(self.places.spot(part, tokens[2:]), part, is_it)
        return [in_part] if self.kind is not None and self.kind.name in KINDS else [head, in_part]

    @property
    def which(self) -> sa.ColumnElement[bool] | None:
        """Which rows they are, where an index is to hear it beside the place."""
        c, rule = self.documents.c, self.part or self.kind
        if rule is None or not self.places.prefers_lists:
            return None
        return sa.and_(c.path != _HEAD if self.part else c.path == _HEAD, c.kind == sa.literal(rule.name))

    def _rules(self, tokens: list[str]) -> tuple[PartRule, ...]:
        """Return the rules of the parts that the first of *tokens* names."""
        known = _PARTS_OF_ALL if self.kind is None else self.kind.parts
        rules = tuple(rule for rule in known if tokens and rule.field == tokens[0])
        if (rules and len(tokens) == 1) or (known and not tokens):
            fields = ", ".join(f"'/{rule.field}'" for rule in known)
            place = "/trials/0/status" if known[0].field == "trials" else f"/{known[0].field}/0"
            remedy = f"What stands at {fields} has rows of its own: name a place inside, as in {place!r}"
            remedy += "." if self.kind else "; or say kind= of documents that have no such parts."
            raise InvalidValueError("pointer", join_pointer(tokens), remedy)
        return rules


def _spelled(condition: Condition, rows: _Rows) -> sa.ColumnElement[bool]:
    if isinstance(condition, Stored):
        return _spelled(All((condition,)), rows) if _is_range(condition) else _leaf(condition, rows)
    if isinstance(condition, Not):
        return sa.not_(sa.func.coalesce(_spelled(condition.condition, rows), sa.false(), type_=sa.Boolean()))
    if isinstance(condition, AnyOf):
        return sa.or_(sa.false(), *(_spelled(inner, rows) for inner in condition.conditions))
    assert isinstance(condition, All)  # checked_where gives no other
    bounds: dict[str, list[Bound]] = {}
    for inner in condition.conditions:
        if _is_range(inner):
            bounds.setdefault(inner.pointer, []).append(Bound(cast(Any, inner.operator), cast(Any, inner.values[0])))
    others = [_spelled(inner, rows) for inner in condition.conditions if not _is_range(inner)]
    return sa.and_(sa.true(), *others, *(_ranges(pointer, each, rows) for pointer, each in bounds.items()))


def _is_range(condition: Condition) -> TypeGuard[Stored]:
    """Return whether it is a range of numbers."""
    return isinstance(condition, Stored) and condition.operator[0] in "<>" and not isinstance(condition.values[0], str)


def _ranges(pointer: str, bounds: Sequence[Bound], rows: _Rows) -> sa.ColumnElement[bool]:
    """Return whether a number is in each range, spelled together: an index then serves both ends."""

    def ask(found: _Found) -> sa.ColumnElement[bool]:
        return sa.or_(*(_of(found, alternative) for alternative in found.spot.within(bounds)))

    return _somewhere(pointer, rows, ask)


def _leaf(asked: Stored, rows: _Rows) -> sa.ColumnElement[bool]:
    by_index = is_served(asked, rows.indexes)

    def ask(found: _Found) -> sa.ColumnElement[bool]:
        sql = _ASKED[asked.operator](found.spot, asked)
        return _of(found, sql) if by_index else sql

    return _somewhere(asked.pointer, rows, ask)


def _of(found: _Found, asked: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return asked if found.which is None else sa.and_(found.which, asked)


def _somewhere(pointer: str, rows: _Rows, ask: Callable[[_Found], sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
    """Return whether what *ask* asks holds at one of the places that *pointer* may mean."""
    each = []
    for found in rows.found(pointer):
        sql = ask(found)
        if found.part is not None and found.is_it is not None:
            inside: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(found.part).where(found.is_it, sql)
            sql = sa.exists(inside.correlate_except(found.part))
        each.append(sql)
    return sa.or_(sa.false(), *each)


def _in(spot: Spot, asked: Stored) -> sa.ColumnElement[bool]:
    later = [each for each in cast("tuple[object, ...]", asked.values) if isinstance(each, Later)]
    if later:  # then all of them are
        return spot.is_one_of([each.text for each in later], are_bare=all(each.is_bare for each in later))
    return spot.equals(asked.values) if asked.values else sa.false()


def _contains(spot: Spot, asked: Stored) -> sa.ColumnElement[bool]:
    texts = [each for each in asked.values if isinstance(each, str)]
    return sa.or_(spot.has_item(asked.values), *map(spot.has_text, texts))


def _like(spot: Spot, asked: Stored) -> sa.ColumnElement[bool]:
    [pattern] = cast("tuple[str]", asked.values)
    # A text that has such a character is stored tagged.
    return spot.like(pattern) if is_plain(pattern) else sa.false()


def _texts_within(spot: Spot, asked: Stored) -> sa.ColumnElement[bool]:
    [end] = cast("tuple[str]", asked.values)
    return spot.text_within(*_plain_end(asked.operator, end))


def _plain_end(operator: str, text: str) -> tuple[str, str]:
    """Return an end that the same texts are before, or after, and that every database takes.

    No text in a document, as far as it is one and not tagged, has NUL or a lone surrogate; so none is between
    ``"a"`` and ``"a\\0b"``, nor between ``"a\\ud800"`` and the next character that is none.
    """
    unsafe = UNSAFE_TEXT.search(text)
    if unsafe is None:
        return operator, text
    start = text[: unsafe.start()]
    if unsafe[0] == "\0":
        return ("<=", start) if operator[0] == "<" else (">", start)
    return ("<", f"{start}\ue000") if operator[0] == "<" else (">=", f"{start}\ue000")


_ASKED: Final[dict[str, Callable[[Spot, Stored], sa.ColumnElement[bool]]]] = {
    "in": _in,
    "contains": _contains,
    "like": _like,
    "exists": lambda spot, asked: spot.exists(),
    **dict.fromkeys(("<", "<=", ">", ">="), _texts_within),
}
