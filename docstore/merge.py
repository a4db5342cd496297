"""Two edits of one JSON value made into one.

Equal means equal in canonical text, everywhere here: 1, 1.0 and True differ, and so do 0.0 and -0.0. Nothing that is
given is ever changed; a merged value shares containers with what it was made from: copy one before you change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap
from typing import cast

from docstore.errors import Conflict
from docstore.values import ABSENT, JSON, SCHEMA, TAG, MaybeJSON, alike, join_pointer, token_order


def merge(base: JSON, mine: JSON, theirs: JSON, *, at: str = "") -> tuple[JSON, tuple[Conflict, ...]]:
    """Return *base* with what both sides made of it, and the places of which they made different things.

    A side that left a place alone gives way to the other. Dicts merge by key, but for objects of different classes or
    schemas, whose members do not mean the same. Lists merge by index, if all three are equally long and no item was
    changed by both: beyond that, an index does not say which item is meant. A deletion against a change is a conflict,
    and so is one key added with two values. At a conflict *mine* stands in the result.

    Shapes:
        at: the pointer of all three in their document; it is put before the pointer of each conflict
        conflicts: by pointer, in the order of sorted keys; ``ABSENT`` in one is a value that was not there

    Cost:
        Levels above a change made by both are compared once for each level; the rest once, by ``==`` and one writing.
    """
    conflicts: list[Conflict] = []
    merged = _merged(base, mine, theirs, at, conflicts)
    return cast(JSON, merged), tuple(conflicts)


def _undisputed(base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON) -> tuple[MaybeJSON, ...]:
    """Return the one value that stands, or nothing if each side made something else of the place."""
    if alike(mine, theirs) or alike(base, theirs):
        return (mine,)
    return (theirs,) if alike(base, mine) else ()


def _merged(base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON, path: str, conflicts: list[Conflict]) -> MaybeJSON:
    standing = _undisputed(base, mine, theirs)
    if not standing and isinstance(base, dict) and isinstance(mine, dict) and isinstance(theirs, dict):
        are_alike = _is_of_one_schema(base, mine) and _is_of_one_schema(base, theirs)
        if are_alike:
            return _merged_members(base, mine, theirs, path, conflicts)
    if not standing and isinstance(base, list) and isinstance(mine, list) and isinstance(theirs, list):
        standing = _merged_items(base, mine, theirs)
    if standing:
        return standing[0]
    conflicts.append(Conflict(path, base, mine, theirs))
    return mine


def _is_of_one_schema(a: dict[str, JSON], b: dict[str, JSON]) -> bool:
    # Without a tag it is a dict of the user's own, and the number's key is a key as any other.
    return a.get(TAG) == b.get(TAG) and (TAG not in a or a.get(SCHEMA) == b.get(SCHEMA))


def merge_sparse(
    base: Mapping[str, JSON], mine: Mapping[str, JSON], theirs: Mapping[str, JSON], *, at: str
) -> tuple[dict[str, JSON], tuple[Conflict, ...]]:
    """Return a list with what both sides made of it, of which some items may be left out: each by its index.

    As in any list, an item is merged if one side changed it. A list that became longer or shorter at its end keeps its
    items; one that changed in between has its items at other places, and merges with no change of the other side.

    Shapes:
        base, mine, theirs: the same items of each, at least all that any side changed, by index as text
    """
    moved = _is_moved(base, mine), _is_moved(base, theirs)
    changed = not alike(dict(base), dict(mine)), not alike(dict(base), dict(theirs))
    lengths = _growth(base, mine) * _growth(base, theirs)
    if (moved[0] and changed[1]) or (moved[1] and changed[0]) or lengths < 0:
        if alike(dict(mine), dict(theirs)):
            return dict(mine), ()
        return dict(mine), (Conflict(at, dict(base), dict(mine), dict(theirs)),)
    merged: dict[str, JSON] = {}
    conflicts: list[Conflict] = []
    for key in base.keys() | mine.keys() | theirs.keys():
        was, ours, other = base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT)
        standing = _undisputed(was, ours, other)
        if not standing:
            conflicts.append(Conflict(at + join_pointer((key,)), was, ours, other))
        value = standing[0] if standing else ours
        if value is not ABSENT:
            merged[key] = value
    return merged, tuple(sorted(conflicts, key=lambda conflict: token_order(conflict.pointer.rpartition("/")[2])))


def _is_moved(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> bool:
    """Return whether items stand at other places now, as after an insertion: both their number and some are others."""
    return base.keys() != side.keys() and any(not alike(base[key], side[key]) for key in base.keys() & side.keys())


def _growth(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> int:
    return len(side) - len(base)


def _merged_members(
    base: dict[str, JSON], mine: dict[str, JSON], theirs: dict[str, JSON], path: str, conflicts: list[Conflict]
) -> dict[str, JSON]:
    merged: dict[str, JSON] = {}
    for key in sorted(base.keys() | mine.keys() | theirs.keys()):
        was, ours, other = base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT)
        value = _merged(was, ours, other, path + join_pointer((key,)), conflicts)
        if value is not ABSENT:
            merged[key] = value
    return merged


def _merged_items(base: list[JSON], mine: list[JSON], theirs: list[JSON]) -> tuple[list[JSON], ...]:
    """Return the one list that has the items of both sides, or nothing if there is none."""
    if not len(base) == len(mine) == len(theirs):
        return ()
    items = list(starmap(_undisputed, zip(base, mine, theirs, strict=True)))
    return ([cast(JSON, item[0]) for item in items],) if all(items) else ()
