"""Objects of another schema than their class has today: older ones are lifted first, newer ones read or refused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from docstore.codec.tagged import Decode, Encode, Members
from docstore.entries import Entry, Registry, Upcast
from docstore.errors import DecodeError, NewerSchemaError
from docstore.values import COMPATIBLE, JSON, SCHEMA, TAG

CARRIED: Final = "_docstore_carried"
"""The attribute of an object of a newer schema that holds what this program's class has no fields for."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What an object of a newer schema holds beside the fields of its class, to be written back with it."""

    members: Members


def carried_by(value: Any) -> Members:
    """Return the members that *value* carries beside its fields, in no container that it shares."""
    carried = getattr(value, "__dict__", {}).get(CARRIED)
    return deepcopy(carried.members) if isinstance(carried, Carried) else {}


def writing(entry: Entry, encode: Encode) -> Encode:
    """Return *encode*, with the schema number of *entry* in what it writes."""
    numbers: Members = {SCHEMA: entry.schema}
    if entry.compatible_from is not None and entry.compatible_from < entry.schema:
        numbers[COMPATIBLE] = entry.compatible_from

    def write(value: Any) -> JSON:
        written = encode(value)
        return {**numbers, **written} if type(written) is dict else written

    return write


def reading(registry: Registry, entry: Entry, decode: Decode, keys: Callable[[], Collection[str] | None]) -> Decode:
    """Return *decode* for objects of any schema of *entry*.

    Args:
        keys: the members that the class has today, or None where a function of its own takes them all.
    """
    steps = registry.upcasts_of(entry)

    def read(value: Any) -> Any:
        found = value.get(SCHEMA, 1)
        if type(found) is not int or found < 1:
            raise DecodeError(f"{SCHEMA!r} should be the number of a schema, and is {found!r:.80}")
        if found > entry.schema:
            return _read_newer(entry, decode, keys(), value, found)
        members = {key: item for key, item in value.items() if key not in _NUMBERS}
        if found == entry.schema:
            return decode({**members, TAG: entry.tag})
        members = deepcopy(members)
        for schema in range(found, entry.schema):
            members = _lifted(entry, schema, steps[schema], members)
        return decode({**members, TAG: entry.tag})

    return read


_NUMBERS: Final = frozenset({TAG, SCHEMA, COMPATIBLE})


def _lifted(entry: Entry, schema: int, lift: Upcast, members: Members) -> Members:
    try:
        lifted = lift(members)
    except Exception as error:
        raise DecodeError(
            f"the upcast of {entry.tag} from schema {schema} failed: {type(error).__name__}: {error}. It was given the "
            f"members {', '.join(members) or 'of none'}."
        ) from error
    if type(lifted) is not dict:
        raise DecodeError(f"the upcast of {entry.tag} from schema {schema} should give a dict, and gave {lifted!r:.80}")
    return lifted


def _read_newer(entry: Entry, decode: Decode, keys: Collection[str] | None, value: Members, found: int) -> Any:
    """Return the object of a newer schema, if it says that this one may read it; what is new is carried along."""
    oldest = value.get(COMPATIBLE)
    if type(oldest) is not int or oldest > entry.schema:
        raise NewerSchemaError(entry.tag, found=found, known=entry.schema)
    if keys is None:
        return decode({key: item for key, item in value.items() if key not in (SCHEMA, COMPATIBLE)})
    made = decode({key: item for key, item in value.items() if key in keys or key == TAG})
    news = {key: item for key, item in value.items() if key not in keys and key != TAG}
    if not hasattr(made, "__dict__") or hasattr(entry.cls, "__pydantic_fields__"):
        # There is no place for what is new: the next save would lose it.
        raise NewerSchemaError(entry.tag, found=found, known=entry.schema)
    made.__dict__[CARRIED] = Carried(deepcopy(news))
    return made
