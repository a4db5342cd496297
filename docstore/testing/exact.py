"""When two values are exactly the same: by type, bits, zone and contents, where ``==`` forgives too much."""

from __future__ import annotations

import struct
from collections import OrderedDict
from datetime import datetime, time, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from docstore.codec.fields import slot_names, unstored_names
from docstore.errors import InvalidValueError

_BY_VALUE = (type(None), bool, str, bytes)


def identity(value: Any) -> Any:
    """Return plain data that is equal for two values only where these are exactly the same.

    The order of a plain dict does not count, and nor do attributes that are not stored.

    Raises:
        InvalidValueError: there is a value in it of which it cannot tell: a NumPy array, a pandas frame.
    """
    cls = type(value)
    if cls in _BY_VALUE:
        return cls, value
    if cls is int:
        return cls, hex(value)
    if cls is float:
        return cls, struct.pack(">d", value)
    if cls is complex:
        return cls, identity(value.real), identity(value.imag)
    if isinstance(value, Enum):
        return cls, value.name, identity(value.value)
    if isinstance(value, OrderedDict):
        return cls, [(identity(key), identity(item)) for key, item in value.items()]
    if isinstance(value, dict):
        pairs = [(identity(key), identity(item)) for key, item in value.items()]
        return cls, sorted(pairs, key=lambda pair: pair[0][1] if pair[0][0] is str else repr(pair))
    if isinstance(value, (set, frozenset)):
        return cls, sorted(map(identity, value), key=repr)
    if isinstance(value, (list, tuple)):
        return cls, [identity(item) for item in value], _attributes(value)
    if isinstance(value, (datetime, time)):
        return cls, value.replace(tzinfo=None).isoformat(), value.fold, _zone(value.tzinfo)
    if isinstance(value, Decimal):
        return cls, value.as_tuple()
    if isinstance(value, UUID):
        return cls, value.int, value.is_safe
    if cls.__module__.partition(".")[0] in ("builtins", "datetime", "pathlib"):
        return cls, repr(value)
    if cls.__module__.partition(".")[0] in ("numpy", "pandas") or not (hasattr(value, "__dict__") or slot_names(cls)):
        raise InvalidValueError("value", value, f"identity() cannot look into a {cls.__name__}: compare it by itself.")
    return cls, _attributes(value)


def _attributes(value: Any) -> Any:
    cls = type(value)
    slots = [
        name
        for base in cls.__mro__
        for name in getattr(base, "__slots__", ())
        if name.isidentifier() and hasattr(value, name)
    ]
    names = {*getattr(value, "__dict__", ()), *slots} - unstored_names(cls)
    return [(name, identity(getattr(value, name))) for name in sorted(names)]


def _zone(zone: Any) -> Any:
    if isinstance(zone, timezone):
        return type(zone), zone.__getinitargs__()  # type: ignore[attr-defined]  # not in typeshed
    if isinstance(zone, ZoneInfo):
        return type(zone), zone.key
    return type(zone), repr(zone)
