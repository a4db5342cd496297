"""Three-way merge of JSON values: *base*, and what two sides, *mine* and *theirs*, made of it.

Equality is that of canonical texts throughout: 1, 1.0 and True differ, and so do 0.0 and -0.0. No argument is changed.
A merged value shares containers with the values it was made from: copy one before you change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

from docstore.documents.canonical import (
    ABSENT,
    COMPATIBLE,
    EXTRA,
    FIELDS_SET,
    JSON,
    SCHEMA,
    TAG,
    MaybeJSON,
    dumps,
    join_pointer,
    loads,
    same_json,
    token_order,
)
from docstore.documents.merge_keys import ANY, NO_KEYS, Key, Keyed, MergeKeys
from docstore.errors import Conflict, EncodeError, InvalidValueError

T_co = TypeVar("T_co", covariant=True)

Decide: TypeAlias = Callable[[Conflict], Any]
"""Resolves a conflict: returns its JSON value, ``ABSENT`` for none, or ``NotImplemented`` to leave the conflict."""


class Sides(NamedTuple, Generic[T_co]):
    """One thing in three states: the merge base, and what each side made of it."""

    base: T_co
    mine: T_co
    theirs: T_co


class _Place(NamedTuple):
    """A place in a document: its pointer, and the keyed lists there and below."""

    pointer: str
    keys: MergeKeys

    def under(self, key: str) -> _Place:
        return _Place(self.pointer + join_pointer((key,)), self.keys.at(key))

    def at(self, index: int) -> _Place:
        # Each side may have the item at another index, so patterns match items by * alone.
        return _Place(f"{self.pointer}/{index}", self.keys.at(ANY))


def merge(
    base: JSON, mine: JSON, theirs: JSON, *, keys: MergeKeys = NO_KEYS, decide: Decide | None = None
) -> tuple[JSON, tuple[Conflict, ...]]:
    """Return *base* with the changes of both sides, and the conflicts: the places that both changed differently.

    Where only one side changed a place, its value is taken. Dicts merge by key, unless they are objects of different
    classes or schemas, whose members differ in meaning. Lists merge by index, if all three are equally long and no item
    was changed by both: otherwise an index does not identify an item. A deletion against a change is a conflict, and so
    is one key added with two values. At a conflict the result has *mine*.

    A keyed list merges by the keys of its items, as a dict does, if in all three each item has a key of its own; a list
    that was absent had no items. Items that one side added keep their order; where both could come next, the item whose
    key sorts first does. If one side moved items, its order is kept, unless the other added, removed or moved some too:
    then the list is the conflict. An object that both added is merged if all its members are keyed lists.

    Which fields of an object were set (``__set``) is a set: it gets what either side added, without what either
    removed, and is never a conflict. The members beside its fields (``__extra``) merge by key, whoever was the first to
    add some.

    Shapes:
        keys: the keyed lists of the value
        decide: called at each conflict for the value; a conflict that it does not decide is returned
        conflicts: by pointer, in the order of sorted keys; ``ABSENT`` is a value that was not there. An item of a keyed
            list has its index in *mine*, or in *theirs* if *mine* has no such item

    Cost:
        Levels above a change made by both are compared once for each level; the rest once, by ``==`` and one writing.
        In a keyed list that both changed, the key of each item is written too.
    """
    merging = _Merge(decide)
    merged = merging.value(Sides(base, mine, theirs), _Place("", keys))
    return cast(JSON, merged), tuple(merging.conflicts)


def changed_places(base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON, *, at: str = "") -> Iterator[Conflict]:
    """Yield each place that either side changed, with its three values; the other side may have left it alone.

    Lists are compared by index, if all three are equally long; otherwise the list is the place.

    Shapes:
        at: the pointer of all three in their document
    """
    if same_json(base, mine) and same_json(base, theirs):
        return
    sides = (base, mine, theirs)
    if isinstance(base, dict) and isinstance(mine, dict) and isinstance(theirs, dict):
        for key in sorted(base.keys() | mine.keys() | theirs.keys()):
            yield from changed_places(*_under(Sides(base, mine, theirs), key), at=at + join_pointer((key,)))
    elif all(isinstance(each, list) for each in sides) and len({len(cast("list[JSON]", each)) for each in sides}) == 1:
        for index, items in enumerate(zip(*cast("tuple[list[JSON], ...]", sides), strict=True)):
            yield from changed_places(*items, at=f"{at}/{index}")
    else:
        yield Conflict(at, base, mine, theirs)


def _under(sides: Sides[dict[str, JSON]] | Sides[Mapping[str, JSON]], key: str) -> Sides[MaybeJSON]:
    base, mine, theirs = sides
    return Sides(base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT))


def _unopposed(sides: Sides[MaybeJSON]) -> tuple[MaybeJSON, ...]:
    """Return the one value that is left, in a tuple; an empty tuple if both sides changed *base*, and differently."""
    base, mine, theirs = sides
    if same_json(mine, theirs) or same_json(base, theirs):
        return (mine,)
    return (theirs,) if same_json(base, mine) else ()


class _Merge:
    """One merge: the conflicts are collected while the values are walked."""

    def __init__(self, decide: Decide | None) -> None:
        self._decide = decide
        self.conflicts: list[Conflict] = []

    def value(self, sides: Sides[MaybeJSON], place: _Place) -> MaybeJSON:
        """Return the merged value."""
        unopposed = _unopposed(sides)
        return unopposed[0] if unopposed else self.disputed(sides, place)

    def disputed(self, sides: Sides[MaybeJSON], place: _Place) -> MaybeJSON:
        """Return the merged value of a place that both sides changed, and differently."""
        base, mine, theirs = sides
        if isinstance(mine, dict) and isinstance(theirs, dict):
            origin = _lists_apart(mine, theirs, place) if base is ABSENT else base
            if isinstance(origin, dict) and _are_of_one_schema(origin, mine) and _are_of_one_schema(origin, theirs):
                return self._members(Sides(origin, mine, theirs), place)
        if (base is ABSENT or isinstance(base, list)) and isinstance(mine, list) and isinstance(theirs, list):
            lists = Sides([] if base is ABSENT else base, mine, theirs)
            indices = _indices(lists, place.keys.here)
            if indices is not None:
                merged = self._items(lists, indices, place)
            else:
                merged = None if base is ABSENT else _merged_by_index(lists)
            if merged is not None:
                return merged
        return self.conflict(sides, place.pointer)

    def conflict(self, sides: Sides[MaybeJSON], pointer: str) -> MaybeJSON:
        """Return what was decided for a place that both sides changed; if nothing was, record it and return *mine*."""
        decided = NotImplemented
        if self._decide is not None:
            # Copies, which the function may change: the next version is compared with theirs.
            decided = self._decide(Conflict(pointer, *map(_copied, sides)))
        if decided is not NotImplemented:
            return _checked(decided, pointer)
        self.conflicts.append(Conflict(pointer, *sides))
        return sides.mine

    def _members(self, sides: Sides[dict[str, JSON]], place: _Place) -> dict[str, JSON]:
        merged: dict[str, JSON] = {}
        may_have_extra = TAG in sides.mine and any(EXTRA in side for side in sides)
        if may_have_extra:  # an object without extra members has no dict of them
            sides = Sides(*({EXTRA: {}, **side} for side in sides))
        were_set = _fields_set_on_each(sides)
        keys = sides.base.keys() | sides.mine.keys() | sides.theirs.keys()
        for key in sorted(keys if were_set is None else keys - {FIELDS_SET}):
            three = _under(sides, key)
            unopposed = _unopposed(three)
            # Pointers are made only where they are needed: one side at most changed most members.
            value = unopposed[0] if unopposed else self.disputed(three, place.under(key))
            if value is not ABSENT:
                merged[key] = value
        if may_have_extra and merged.get(EXTRA) == {}:
            del merged[EXTRA]
        if were_set is not None:
            base, mine, theirs = were_set
            together = (mine & theirs) | ((mine | theirs) - base)
            if together != _all_fields(merged):
                merged[FIELDS_SET] = [*sorted(together)]
        return merged

    def _items(self, lists: Sides[list[JSON]], indices: Sides[dict[Key, int]], place: _Place) -> list[JSON] | None:
        """Return the keyed list with the items of both sides, or None if their order or a name is in dispute."""
        were, mine, theirs = indices
        if _is_order_disputed([*were], [*mine], [*theirs]):
            return None
        merged: dict[Key, JSON] = {}
        inside = _Merge(self._decide)
        for key in {**mine, **theirs}:
            three = Sides(
                lists.base[were[key]] if key in were else ABSENT,
                lists.mine[mine[key]] if key in mine else ABSENT,
                lists.theirs[theirs[key]] if key in theirs else ABSENT,
            )
            unopposed = _unopposed(three)
            index = mine[key] if key in mine else theirs[key]
            value = unopposed[0] if unopposed else inside.disputed(three, place.at(index))
            if value is not ABSENT:
                merged[key] = value
        items_merged = [merged[key] for key in _in_order_of_both(indices, merged)]
        if _is_name_taken_twice(place.keys.here, items_merged, lists):
            return None
        self.conflicts += inside.conflicts
        return items_merged


def _copied(value: MaybeJSON) -> MaybeJSON:
    return ABSENT if value is ABSENT else loads(dumps(value))


def _checked(decided: Any, pointer: str) -> MaybeJSON:
    """Return a copy of what was *decided*.

    Raises:
        InvalidValueError: it is neither a JSON value nor ABSENT, or it is ABSENT for a whole document.
    """
    try:
        copied = _copied(decided)
        if copied != decided:
            raise EncodeError("it does not come back as it is")
        if decided is ABSENT and not pointer:
            raise EncodeError("a document cannot be absent")
        return copied
    except EncodeError as error:
        remedy = f"Return a JSON value, ABSENT, or NotImplemented to leave it: {error.problem}."
        raise InvalidValueError(f"what on_conflict gave for {pointer or 'the root'}", decided, remedy) from error


def _are_of_one_schema(a: dict[str, JSON], b: dict[str, JSON]) -> bool:
    # Without a tag it is a dict of the user's own, in which the schema number's key is a key like any other.
    return a.get(TAG) == b.get(TAG) and (TAG not in a or a.get(SCHEMA) == b.get(SCHEMA))


def _lists_apart(mine: dict[str, JSON], theirs: dict[str, JSON], place: _Place) -> MaybeJSON:
    """Return an object that both sides added without its keyed lists, or ABSENT if it is more than keyed lists.

    An object such as the data of a trial only holds the items: two people who each make it for their first item mean
    the same object. One with other members, such as a trial, may be two things that were put in one place.
    """
    lists = {key for key in mine.keys() & theirs.keys() if place.keys.at(key).here}
    lists = {key for key in lists if isinstance(mine[key], list) and isinstance(theirs[key], list)}
    own, other = ({key: side[key] for key in side.keys() - lists} for side in (mine, theirs))
    return own if lists and own.keys() <= {TAG, SCHEMA, COMPATIBLE} and same_json(own, other) else ABSENT


def _merged_by_index(lists: Sides[list[JSON]]) -> list[JSON] | None:
    """Return the list with the items of both sides, or None if both changed one item, or the lengths differ."""
    if len({*map(len, lists)}) > 1:
        return None
    items = [_unopposed(Sides(*each)) for each in zip(*lists, strict=True)]
    return [cast(JSON, item[0]) for item in items] if all(items) else None


# --- the fields that were set -----------------------------------------------------------------------------------------


def _fields_set_on_each(sides: Sides[dict[str, JSON]]) -> Sides[set[str]] | None:
    """Return the fields of an object that were set, on each side; None if no side says it, or one is malformed."""
    if TAG not in sides.mine or not any(FIELDS_SET in side for side in sides):
        return None
    base, mine, theirs = map(_fields_set, sides)
    return None if base is None or mine is None or theirs is None else Sides(base, mine, theirs)


def _fields_set(obj: dict[str, JSON]) -> set[str] | None:
    listed = obj.get(FIELDS_SET, ABSENT)
    if listed is ABSENT:
        return _all_fields(obj)
    if not isinstance(listed, list):
        return None
    names = {name for name in listed if isinstance(name, str)}
    return names if len(names) == len(listed) else None


def _all_fields(obj: dict[str, JSON]) -> set[str]:
    # No field of Pydantic begins with an underscore; an extra member may.
    extra = obj.get(EXTRA)
    return {key for key in obj if not key.startswith("__")} | ({*extra} if isinstance(extra, dict) else set())


# --- keyed lists ------------------------------------------------------------------------------------------------------


def _indices(lists: Sides[list[JSON]], keyed: Keyed | None) -> Sides[dict[Key, int]] | None:
    """Return the index of each item by its key; None if a list has items without a key of their own."""
    if keyed is None:
        return None
    base, mine, theirs = map(keyed.places, lists)
    return None if base is None or mine is None or theirs is None else Sides(base, mine, theirs)


def _is_order_disputed(base: list[Key], mine: list[Key], theirs: list[Key]) -> bool:
    """Return whether one side moved items and the other did more than change some; or both added some in two orders."""
    if mine == theirs or base in (mine, theirs):
        return False
    return not (_is_in_order(base, mine) and _is_in_order(base, theirs) and _is_in_order(mine, theirs))


def _is_in_order(some: Iterable[Key], others: Iterable[Key]) -> bool:
    """Return whether the keys that both have stand in one order."""
    some, others = dict.fromkeys(some), dict.fromkeys(others)
    return [key for key in some if key in others] == [key for key in others if key in some]


def _in_order_of_both(indices: Sides[dict[Key, int]], merged: Mapping[Key, JSON]) -> list[Key]:
    """Return the keys of the items that were *merged*, in the order of both sides."""
    mine, theirs = ([key for key in side if key in merged] for side in (indices.mine, indices.theirs))
    if not _is_in_order(mine, theirs):
        # Only one side moved items. The other can have no more beyond it than what it changed and the first removed.
        if [*indices.base] == [*indices.mine]:
            mine = [key for key in mine if key not in indices.theirs]
        else:
            theirs = [key for key in theirs if key not in indices.mine]
    return _interleaved(mine, theirs)


def _interleaved(some: Sequence[Key], others: Sequence[Key]) -> list[Key]:
    """Return the keys of both, each in its order; where both could come next, the one that sorts first."""
    shared = set(some) & set(others)
    result: list[Key] = []
    one = other = 0
    while one < len(some) and other < len(others):
        a, b = some[one], others[other]
        takes_one = a == b or (a not in shared and (b in shared or a < b))
        takes_other = a == b or not takes_one
        result.append(a if takes_one else b)
        one, other = one + takes_one, other + takes_other
    return [*result, *some[one:], *others[other:]]


def _is_name_taken_twice(keyed: Keyed | None, items: list[JSON], lists: Sides[list[JSON]]) -> bool:
    """Return whether two things in the merged *items* have one name that on neither side both had."""
    if keyed is None or not keyed.names:
        return False
    sides = keyed.named_in(lists.mine), keyed.named_in(lists.theirs)
    named = keyed.named_in(items).items()
    return any(len(things) > max(len(side.get(name, ())) for side in sides) for name, things in named)


# --- sparse lists: some items are left out ----------------------------------------------------------------------------


def merge_sparse(
    base: Mapping[str, JSON],
    mine: Mapping[str, JSON],
    theirs: Mapping[str, JSON],
    *,
    at: str,
    keys: MergeKeys = NO_KEYS,
    decide: Decide | None = None,
) -> tuple[dict[str, JSON], tuple[Conflict, ...]]:
    """Return a list, by index, with the changes of both sides; some items of it may be left out.

    As in any list, an item is merged if one side changed it. If both did, it is merged further only where the list is
    keyed and its key says that it is one item in all three: otherwise another item may have come to its index, which
    need not show, as some are left out. A list that became longer or shorter at its end keeps its items; a list that
    changed in between has its items at other indices, and merges with no change of the other side.

    Shapes:
        base, mine, theirs: the same items of each, at least all that any side changed, by index as text
        at: the pointer of the list in its document
        keys: the keyed lists at that pointer and below
        decide: as in ``merge``
    """
    sides = Sides(base, mine, theirs)
    if _is_index_disputed(sides):
        if same_json(dict(mine), dict(theirs)):
            return dict(mine), ()
        # Nobody is asked to decide: which item is at which index is unknown here, as some are left out.
        return dict(mine), (Conflict(at, dict(base), dict(mine), dict(theirs)),)
    merging, place = _Merge(decide), _Place(at, keys)
    merged: dict[str, JSON] = {}
    for key in sorted(base.keys() | mine.keys() | theirs.keys(), key=token_order):
        items = _under(sides, key)
        if _unopposed(items) or _is_one_item(items, keys.here):
            value = merging.value(items, place.at(int(key)))
        else:
            value = merging.conflict(items, place.under(key).pointer)
        if value is not ABSENT:
            merged[key] = value
    return merged, tuple(merging.conflicts)


def _is_one_item(items: Sides[MaybeJSON], keyed: Keyed | None) -> bool:
    keys = {keyed.key_of(item) for item in items} if keyed else set()
    return len(keys) == 1 and None not in keys


def _is_index_disputed(sides: Sides[Mapping[str, JSON]]) -> bool:
    """Return whether one side moved items and the other changed some; or one made the list longer, one shorter."""
    base, mine, theirs = sides
    moved = _is_moved(base, mine), _is_moved(base, theirs)
    changed = not same_json(dict(base), dict(mine)), not same_json(dict(base), dict(theirs))
    return (moved[0] and changed[1]) or (moved[1] and changed[0]) or _growth(base, mine) * _growth(base, theirs) < 0


def _is_moved(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> bool:
    """Return whether items have other indices now, as after an insertion: both their number and some items differ."""
    return base.keys() != side.keys() and any(not same_json(base[key], side[key]) for key in base.keys() & side.keys())


def _growth(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> int:
    return len(side) - len(base)
