"""Objects of another schema than their class has now: older ones are upcast, newer ones read or refused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from enum import Enum
from functools import partial
from typing import Any, Final

from docstore.codec.registry import Entry, Registry, Upcast
from docstore.codec.side_data import carry
from docstore.codec.values.tags import Decode, Encode, Members
from docstore.documents.canonical import COMPATIBLE, JSON, SCHEMA, TAG
from docstore.errors import DecodeError, NewerSchemaError, short_repr


def numbers(entry: Entry) -> Members:
    """Return the members with the schema numbers of objects of *entry*; none for the first schema."""
    if entry.schema == 1:
        return {}
    if entry.compatible_from is None or entry.compatible_from == entry.schema:
        return {SCHEMA: entry.schema}
    return {SCHEMA: entry.schema, COMPATIBLE: entry.compatible_from}


def writing(entry: Entry, encode: Encode) -> Encode:
    """Return *encode*, with the schema numbers of *entry* added to its result."""
    said = numbers(entry)

    def write(value: Any) -> JSON:
        written = encode(value)
        return {**said, **written} if type(written) is dict else written

    return write


def reading(registry: Registry, entry: Entry, decode: Decode, keys: Callable[[], Collection[str] | None]) -> Decode:
    """Return *decode*, extended to objects of any schema of *entry*.

    Args:
        keys: the members that the class has now, or None if a user's function takes them all.
    """
    steps = registry.upcasts_of(entry)

    def read(value: Any) -> Any:
        found = value.get(SCHEMA, 1)
        if type(found) is not int or found < 1:
            raise DecodeError(f"{SCHEMA!r} should be the number of a schema, and is {short_repr(found)}")
        if found > entry.schema:
            return _read_newer(entry, decode, keys, value, found)
        members = {key: item for key, item in value.items() if key not in _NUMBERS}
        if found == entry.schema:
            return decode({**members, TAG: entry.tag})
        members = deepcopy(members)
        for schema in range(found, entry.schema):
            members = _upcast(entry, schema, steps[schema], members)
        return decode({**members, TAG: entry.tag})

    return read


_NUMBERS: Final = frozenset({TAG, SCHEMA, COMPATIBLE})


def _upcast(entry: Entry, schema: int, upcast: Upcast, members: Members) -> Members:
    try:
        result = upcast(members)
    except Exception as error:
        raise DecodeError(
            f"the upcast of {entry.tag} from schema {schema} failed: {type(error).__name__}: {error!s:.200}. It was "
            f"given the members {short_repr(list(members))}."
        ) from error
    if type(result) is not dict:
        raise DecodeError(
            f"the upcast of {entry.tag} from schema {schema} should give a dict, and gave {short_repr(result)}"
        )
    return result


def _read_newer(
    entry: Entry, decode: Decode, keys: Callable[[], Collection[str] | None], value: Members, found: int
) -> Any:
    """Return the object of a newer schema that this one may read; the object carries its new members.

    Raises:
        NewerSchemaError: this schema may not read it; or the object cannot carry new members, and they would be lost.
    """
    oldest = value.get(COMPATIBLE)
    newer = partial(NewerSchemaError, entry.tag, found=found, known=entry.schema)
    if type(oldest) is not int or oldest > entry.schema:
        raise newer()
    if entry.decode is not None:
        raise newer(reason="whose own function reads it, and could not give back what is new")
    if issubclass(entry.cls, Enum):
        return _newer_member(decode, value, newer)
    if issubclass(entry.cls, tuple):
        raise newer(reason="a tuple, which has no place for what is new")
    known = {TAG, *(keys() or ())}
    made = decode({key: item for key, item in value.items() if key in known})
    try:
        carry(made, {key: item for key, item in value.items() if key not in known})
    except TypeError as error:
        raise newer(
            reason="and no place for what is new, as it has slots only. Give it one for weak references, by "
            "weakref_slot=True, or weakref=True of a Struct"
        ) from error
    return made


def _newer_member(decode: Decode, value: Members, newer: Callable[..., NewerSchemaError]) -> Any:
    """Return the member of an enum of a newer schema, if the enum here has it."""
    if value.keys() - {*_NUMBERS, "name", "value"}:
        raise newer(reason="an enum, which has no place for what is new")
    try:
        return decode({key: item for key, item in value.items() if key not in (SCHEMA, COMPATIBLE)})
    except DecodeError as error:
        raise newer(reason=f"and {error.problem.rstrip('.')}") from error
