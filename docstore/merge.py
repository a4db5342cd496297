"""Two edits of one JSON value made into one, and what changed told to a person.

Equal means equal in canonical text, everywhere here: 1, 1.0 and True differ, and so do 0.0 and -0.0. Nothing that is
given is ever changed; a merged value shares containers with what it was made from: copy one before you change it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import starmap, takewhile
from operator import eq, getitem
from typing import Any, Final, TypeAlias, cast

from docstore.errors import Conflict
from docstore.values import ABSENT, JSON, SCHEMA, TAG, Absent, dumps, join_pointer, same

_MaybeJSON: TypeAlias = "JSON | Absent"
_Way: TypeAlias = "tuple[str | int, ...]"

_LONG: Final = 60
"""Characters of a value that a line shows."""

_REPETITIVE: Final = 2**16
"""Pairs of equal items, in two lists, beyond which they are compared index by index."""

_LEAD: Final = 20
"""Characters shown before the first that differs, in values too long to show."""


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


def describe(old: JSON, new: JSON, *, at: str = "") -> list[str]:
    """Return the difference in words, a line for each place, by pointer: ``/trials/12/status: "A" -> "B"``.

    A removed list item is named by its old index; all else is named by where it stands now.

    Cost:
        Lists are aligned item by item, unless so many of their items are equal that this would take minutes.

    Source:
        DeepDiff. It pairs and compares by ``==``, so it is given each scalar as its canonical text: of the scalars
        themselves, it takes ``[1]`` for ``[True]``, and 0.0 for -0.0.
    """
    places = [] if _alike(old, new) else _unlike_places(old, new, ())
    lines = [([_rank(str(token)) for token in way], _line(at + join_pointer(way), *pair)) for way, *pair in places]
    return [line for _, line in sorted(lines)]


def _alike(a: _MaybeJSON, b: _MaybeJSON) -> bool:
    """Return whether the canonical texts are equal, and write them only where ``==`` cannot tell."""
    return a is b or (a == b and same(cast(JSON, a), cast(JSON, b)))


def _undisputed(base: _MaybeJSON, mine: _MaybeJSON, theirs: _MaybeJSON) -> tuple[_MaybeJSON, ...]:
    """Return the one value that stands, or nothing if each side made something else of the place."""
    if _alike(mine, theirs) or _alike(base, theirs):
        return (mine,)
    return (theirs,) if _alike(base, mine) else ()


def _merged(base: _MaybeJSON, mine: _MaybeJSON, theirs: _MaybeJSON, path: str, conflicts: list[Conflict]) -> _MaybeJSON:
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
    changed = not _alike(dict(base), dict(mine)), not _alike(dict(base), dict(theirs))
    lengths = _growth(base, mine) * _growth(base, theirs)
    if (moved[0] and changed[1]) or (moved[1] and changed[0]) or lengths < 0:
        if _alike(dict(mine), dict(theirs)):
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
    return merged, tuple(sorted(conflicts, key=lambda conflict: _rank(conflict.pointer.rpartition("/")[2])))


def _is_moved(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> bool:
    """Return whether items stand at other places now, as after an insertion: both their number and some are others."""
    return base.keys() != side.keys() and any(not _alike(base[key], side[key]) for key in base.keys() & side.keys())


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


def _unlike_places(old: JSON, new: JSON, way: _Way) -> Iterator[tuple[_Way, _MaybeJSON, _MaybeJSON]]:
    """Yield each place below *way* that differs, with what was there and what is there now."""
    # Here and not above: it takes several times as long to import as all of docstore.
    from deepdiff import DeepDiff

    # By default it passes over keys like "__type", and does not look into dicts that have few keys in common.
    options: dict[str, Any] = {"view": "tree", "ignore_private_variables": False, "threshold_to_diff_deeper": 0}
    for kind, levels in DeepDiff(*_in_texts(old, new), **options).items():
        for level in levels:
            before, after = (level.path(output_format="list", use_t2=later) for later in (False, True))
            was = ABSENT if kind.endswith("_added") else reduce(getitem, before, cast(Any, old))
            now = ABSENT if kind.endswith("_removed") else reduce(getitem, after, cast(Any, new))
            if isinstance(was, (dict, list)) and type(was) is type(now):
                yield from _unlike_places(cast(JSON, was), cast(JSON, now), (*way, *after))
            else:
                yield (*way, *after), was, now


def _in_texts(old: JSON, new: JSON) -> tuple[Any, Any]:
    """Return both as DeepDiff shall see them: dicts without the members that they share, and all else as texts.

    So are the items of a list, whatever they are: DeepDiff aligns texts, and pairs anything else by index.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        was: dict[str, Any] = {key: _text(old[key]) for key in old.keys() - new.keys()}
        now: dict[str, Any] = {key: _text(new[key]) for key in new.keys() - old.keys()}
        for key in old.keys() & new.keys():
            if not _alike(old[key], new[key]):
                was[key], now[key] = _in_texts(old[key], new[key])
        return was, now
    if isinstance(old, list) and isinstance(new, list):
        return _items_in_texts(list(map(_text, old)), list(map(_text, new)))
    return _text(old), _text(new)


def _items_in_texts(old: list[str], new: list[str]) -> tuple[Any, Any]:
    """Return both, or, if they are too repetitive to align, as dicts by index."""
    often = Counter(new)
    repetitive = sum(often[text] for text in old) > _REPETITIVE
    return (dict(enumerate(old)), dict(enumerate(new))) if repetitive else (old, new)


def _text(value: JSON) -> str:
    return dumps(value).decode()


def _rank(token: str) -> tuple[bool, int, str]:
    """Return a key that sorts numbers by size, before words."""
    number = token.isascii() and token.isdigit() and len(token) < 19
    return not number, int(token) if number else 0, token


def _line(pointer: str, was: _MaybeJSON, now: _MaybeJSON) -> str:
    texts = [_text(value) for value in (was, now) if value is not ABSENT]
    start = max(0, _shared(*texts) - _LEAD) if len(texts) == 2 else 0
    shown = " -> ".join(_shortened(text, start) for text in texts)
    verb = "added " if was is ABSENT else "removed " if now is ABSENT else ""
    return _on_one_line(f"{pointer or 'the root'}: {verb}{shown}")


def _shared(a: str, b: str) -> int:
    """Return how many characters the two have in common before they part."""
    return sum(takewhile(bool, map(eq, a, b)))


def _shortened(text: str, start: int) -> str:
    """Return *text*, or, if it is long, what follows *start*: of two long values, one wants to see where they part."""
    if len(text) <= _LONG:
        return text
    start = min(start, len(text) - _LONG)
    return f"{'…' * (start > 0)}{text[start : start + _LONG]}{'…' * (start + _LONG < len(text))}"


def _on_one_line(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
