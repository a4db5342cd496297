"""Optional members: members of docstore's own objects that are not written if they are None.

An object that lacks one is read as if it had null there. Objects of users' classes are written with every member: a
member that one of them lacks is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from docstore.documents.canonical import JSON, TAG, join_pointer, split_pointer, value_at_pointer
from docstore.errors import DecodeError

OptionalMembers: TypeAlias = Mapping[str, frozenset[str]]
"""The optional members of objects, by tag; a tag that is not docstore's own has none."""

NO_MEMBERS: Final[OptionalMembers] = MappingProxyType({})
"""No optional members: whatever an object lacks is absent."""

_NONE: Final[frozenset[str]] = frozenset()


def value_at(value: JSON, pointer: str, optional: OptionalMembers) -> JSON:
    """Return the value at *pointer* in *value*, as ``resolve``; None for an optional member that an object lacks.

    Raises:
        DecodeError: there is none; has the pointer up to the first token that leads nowhere.
    """
    try:
        return value_at_pointer(value, pointer)
    except DecodeError:
        if is_optional(value, pointer, optional):
            return None
        raise


def is_optional(value: JSON, pointer: str, optional: OptionalMembers) -> bool:
    """Return whether *pointer* leads to an optional member of an object in *value*, whether it is there or not."""
    try:
        *way, key = split_pointer(pointer) or [""]
        owner = value_at_pointer(value, join_pointer(way))
    except DecodeError:
        return False
    tag = owner.get(TAG) if isinstance(owner, dict) else None
    return isinstance(tag, str) and key in optional.get(tag, _NONE)


def with_nulls(value: JSON, optional: OptionalMembers) -> JSON:
    """Return *value* with null for each optional member that an object in it lacks; *value* itself if none does.

    Cost:
        A visit of each container, and a shallow copy of those on the way to such an object.
    """

    def fill(obj: dict[str, JSON]) -> dict[str, JSON]:
        missing = optional.get(str(obj[TAG]), _NONE) - obj.keys()
        return {**obj, **dict.fromkeys(missing)} if missing else obj

    return _with_objects(value, fill)


def without_nulls(value: JSON, optional: OptionalMembers) -> JSON:
    """Return *value* without optional members that are null, as objects are written; *value* itself if it has none.

    Cost:
        As ``with_nulls``.
    """

    def strip(obj: dict[str, JSON]) -> dict[str, JSON]:
        null = {key for key in optional.get(str(obj[TAG]), _NONE) if key in obj and obj[key] is None}
        return {key: item for key, item in obj.items() if key not in null} if null else obj

    return _with_objects(value, strip)


def pieces_with_nulls(
    pieces: Mapping[str, JSON], optional: OptionalMembers, paths: Collection[str] | None = None
) -> dict[str, JSON]:
    """Return *pieces*, those at *paths* (by default all) with nulls, as ``with_nulls`` makes them."""
    chosen = pieces.keys() if paths is None else pieces.keys() & paths
    return {**pieces, **{path: with_nulls(pieces[path], optional) for path in chosen}}


def _with_objects(value: JSON, change: Callable[[dict[str, JSON]], dict[str, JSON]]) -> JSON:
    """Return *value* with each object in it changed, inner ones first; containers in which none is are shared."""
    if isinstance(value, list):
        items = [_with_objects(item, change) if isinstance(item, (dict, list)) else item for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if not isinstance(value, dict):
        return value
    inside = {key: _with_objects(item, change) for key, item in value.items() if isinstance(item, (dict, list))}
    if any(new is not value[key] for key, new in inside.items()):
        value = {**value, **inside}
    return change(value) if isinstance(value.get(TAG), str) else value
