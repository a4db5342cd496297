"""Checks of arguments that several classes of the model share, and the mark of fields that are not stored."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from datetime import datetime
from enum import Enum
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, TypeGuard, TypeVar

from docstore.errors import InvalidValueError, short_repr, with_article

T = TypeVar("T")

NOT_STORED = MappingProxyType({"stored": False})
"""The metadata of a field that is not stored: it follows from others, or refers back to its owner."""


def chosen_fields(instance: Any) -> dict[str, str]:
    """Return the text of each field of a dataclass's *instance* that does not have its default; enums by name."""
    chosen = {}
    for each in fields(instance):
        value = getattr(instance, each.name)
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if type(value) is not type(default) or value != default:
            chosen[each.name] = value.name if isinstance(value, Enum) else short_repr(value)
    return chosen


def short_dataclass_repr(instance: Any) -> str:
    """Return the repr of a dataclass's *instance* without the fields that have their default."""
    return f"{type(instance).__name__}({', '.join(f'{name}={text}' for name, text in chosen_fields(instance).items())})"


def is_number(value: object) -> TypeGuard[float]:
    """Return whether *value* is a real number, NaN and infinities included; True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """Return *value*; of a NumPy scalar, the plain Python value: it means the same, but is stored as another type."""
    is_numpy = type(value).__module__ == "numpy" and getattr(value, "size", 0) == 1
    return value.item() if is_numpy else value


def check_finite(thing: str, value: object) -> float:
    """Return *value*, which has to be a finite number, as an int or a float."""
    with suppress(OverflowError):  # an int beyond all floats
        if is_number(value) and math.isfinite(value):
            return operator.index(value) if isinstance(value, Integral) else float(value)
    raise InvalidValueError(thing, value, "Give a finite number.")


def check_name(thing: str, value: object) -> str:
    """Return *value*, which has to be a string with at least one character."""
    if not isinstance(value, str) or not value:
        raise InvalidValueError(thing, value, "Give a string that is not empty.")
    return plain(value)  # type: ignore[no-any-return]  # a str, as it was


def check_text(thing: str, value: object) -> str | None:
    """Return *value*, which has to be a string or None."""
    if value is not None and not isinstance(value, str):
        raise InvalidValueError(thing, value, "Give a text, or None.")
    return value


def check_time(thing: str, value: object) -> datetime | None:
    """Return *value*, which has to be a datetime or None."""
    if value is not None and not isinstance(value, datetime):
        raise InvalidValueError(thing, value, "Give a datetime.datetime, or None for now.")
    return value


def check_dict(thing: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return *value*, which has to be a dict, as a new one."""
    if not isinstance(value, Mapping):
        raise InvalidValueError(thing, value, "Give a dict.")
    return dict(value)


def check_unique(thing: str, names: Iterable[str], remedy: str) -> None:
    """Check that no name occurs twice in *names*."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidValueError(thing, name, f"It is there twice. {remedy}")
        seen.add(name)


def check_instances(thing: str, values: Iterable[Any], cls: type[T]) -> list[T]:
    """Return *values* in a new list; all of them have to be instances of *cls*."""
    if not isinstance(values, Iterable):
        raise InvalidValueError(thing, values, f"Give {with_article(cls.__name__)}, in a list.")
    checked = list(values)
    for value in checked:
        if not isinstance(value, cls):
            raise InvalidValueError(thing, value, f"Give {with_article(cls.__name__)}.")
    return checked


def name_of(thing: str, value: str | Enum | None) -> str | None:
    """Return *value* as a name: the name of an Enum's member, not its integer, so that the Enum can be renumbered."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, Enum):
        return value.name
    raise InvalidValueError(thing, value, "Give a string, or a member of an Enum.")
