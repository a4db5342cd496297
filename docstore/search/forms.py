"""The JSON that a value may be stored as: what a search for it looks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, Flag
from numbers import Real
from typing import Any, Final

from docstore.codec.tags import BARE, float_encode, int_encode
from docstore.documents.canonical import JSON, alike

_LARGEST: Final = int(math.ldexp(2 - 2**-52, 1023))


def forms_of(value: Any, encode: Callable[[Any], JSON]) -> list[JSON]:
    """Return each JSON value that *value* may be stored as; no two of them have the same text."""
    if type(value) is int or type(value) is float:
        return _number_forms(value)
    forms = [encode(value)]
    number = plain_number(value)
    if number is not value:
        # A NumPy number looks for those of its own type, and for all that equal it.
        return [*forms, *(_number_forms(number) if type(number) is not bool else [number])]
    bare = _bare(value)
    if bare is not None and not any(alike(bare, form) for form in forms):
        forms.append(encode(bare))
    return forms


def plain_number(value: Any) -> Any:
    """Return the number, or the bool, of Python that equals a NumPy number; anything else as it is."""
    cls = type(value)
    if cls.__module__ != "numpy" or not (isinstance(value, Real) or cls.__name__ in ("bool", "bool_")):
        return value
    number = value.item()
    return number if type(number) in (int, float, bool) else value


def _bare(value: Any) -> str | None:
    """Return the text that a field of its own type has *value* as, if it is such a one."""
    if isinstance(value, Enum) and not isinstance(value, Flag):
        return value.name
    return BARE[type(value)][0](value) if type(value) in BARE else None


def _number_forms(number: int | float) -> list[JSON]:
    """Return the JSON of the integer and of the float that equal *number*, as far as there are."""
    forms: list[JSON] = []
    if type(number) is int or float(number).is_integer():
        forms.append(int_encode(int(number)))
        if number == 0:
            forms.append(float_encode(-0.0))
    if type(number) is float or (abs(number) <= _LARGEST and float(number) == number):
        forms.append(float_encode(abs(float(number)) if number == 0 else float(number)))
    return forms
