"""Conditions without the values that are bound: of many questions, one form, whose SQL is made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import sqlalchemy as sa

from docstore.documents.canonical import JSON, dumps
from docstore.search.conditions import All, AnyOf, Condition, Not, Stored
from docstore.sql.dialects.json_path import SHORT, is_bare

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
