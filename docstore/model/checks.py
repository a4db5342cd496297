"""How a wrong value is recognised and refused, for what several classes of the model check alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum
from numbers import Real
from types import MappingProxyType
from typing import Any, TypeGuard

from docstore.errors import InvalidValueError


def is_number(value: object) -> TypeGuard[float]:
    """Return whether *value* is a real number, NaN and infinities included; True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_finite(thing: str, value: object) -> float:
    """Return *value* if it is a finite number."""
    if not is_number(value) or not math.isfinite(value):
        raise InvalidValueError(thing, value, "Give a finite number.")
    return value


def check_name(thing: str, value: object) -> str:
    """Return *value* if it is a string with at least one character."""
    if not isinstance(value, str) or not value:
        raise InvalidValueError(thing, value, "Give a string that is not empty.")
    return value


def check_unique(thing: str, names: Iterable[str], remedy: str) -> None:
    """Refuse *names* of which one occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidValueError(thing, name, f"It is there twice. {remedy}")
        seen.add(name)


def check_instances(thing: str, values: Iterable[Any], cls: type) -> None:
    """Refuse *values* of which one is no instance of *cls*."""
    for value in values:
        if not isinstance(value, cls):
            raise InvalidValueError(thing, value, f"Give a {cls.__name__}.")


def name_of(thing: str, value: str | Enum | None) -> str | None:
    """Return the name that *value* is kept as: a member's name, not its integer, so that the code can be renumbered."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, Enum):
        return value.name
    raise InvalidValueError(thing, value, "Give a string, or a member of an Enum.")


# Which attributes of a model object are left out when it is stored.
#
# Every dataclass field is stored, under its name without one leading underscore. A field that can be worked out from
# the others, or points back at its owner, is declared ``field(metadata=NOT_STORED)``.
NOT_STORED = MappingProxyType({"stored": False})
