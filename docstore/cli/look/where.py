"""Conditions on the contents of documents, as one types them: ``/properties/team=vision``."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from docstore.search.conditions import Condition

_FORM: Final = re.compile(r"(/.*?)(?:(!=|<=|>=|==?|<|>|~(?![01]))(.*))?", re.DOTALL)
"""A pointer, an operator and a value. In a pointer ``~0`` and ``~1`` stand for ``~`` and ``/``."""

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def condition_of(texts: Iterable[str]) -> Condition | None:
    """Return the condition that all of *texts* hold; None without any.

    Raises:
        click.UsageError: one is no condition.
    """
    conditions = list(map(_parsed, texts))
    return reduce(operator.and_, conditions) if conditions else None


def _parsed(text: str) -> Condition:
    from docstore.search.conditions import q

    found = _FORM.fullmatch(text)
    if found is None:
        form = "Write a pointer, an operator and a value, as in /properties/team=vision."
        raise click.UsageError(f"--where {text!r} is no condition. {form}")
    place = q(found[1])
    if found[2] is None:
        return place.exists()
    if found[2] == "~":
        return place.like(found[3])
    condition: Condition = _COMPARISONS[found[2]](place, _value(found[3]))
    return condition


def _value(text: str | None) -> Any:
    """Return the number, true, false, null or quoted text that *text* is in JSON, or the text itself."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return text
    return text if isinstance(value, (dict, list)) else value
