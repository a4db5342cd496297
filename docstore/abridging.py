"""A value as a message shows it: whatever it is, in one line."""

from __future__ import annotations

from enum import Enum
from itertools import islice
from typing import Any, Final

_SHOWN: Final = 120  # characters of a text that a message shows
_PLAIN: Final = frozenset({"builtins", "datetime", "decimal", "pathlib", "uuid", "docstore.search.conditions"})
"""Modules of classes whose repr is made at once, and says what a person wrote."""
_BRACKETS: Final[dict[type, str]] = {dict: "{}", list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def abridged(value: object, levels: int = 3) -> str:
    """Return *value* as a message shows it: its repr, cut where it is long or deep; of an object, its class.

    A repr would be made whole before it could be cut; of an object with fields of wrong types, it may never end.
    """
    cls = type(value)
    if isinstance(value, (str, bytes, bytearray)):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}..."
    if cls in _BRACKETS and value:
        return _members_abridged(value, levels - 1)
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"  # Python may refuse to spell it
    text = repr(value) if cls.__module__ in _PLAIN or isinstance(value, Enum) else f"<{cls.__qualname__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _members_abridged(value: Any, levels: int) -> str:
    members = value.items() if type(value) is dict else ((item,) for item in value)
    texts = [": ".join(abridged(part, levels) for part in each) for each in islice(members, 4 * levels)]
    return ", ".join([*texts, *["..."] * (len(value) > len(texts))]).join(_BRACKETS[type(value)])
