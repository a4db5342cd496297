"""Two edits of one JSON value made into one.

Equal means equal in canonical text, everywhere here: 1, 1.0 and True differ, and so do 0.0 and -0.0. Nothing that is
given is ever changed; a merged value shares containers with what it was made from: copy one before you change it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any, TypeAlias, cast

from docstore.documents.canonical import (
    ABSENT,
    COMPATIBLE,
    JSON,
    SCHEMA,
    TAG,
    MaybeJSON,
    dumps,
    join_pointer,
    loads,
    same_json,
    split_pointer,
    token_order,
)
from docstore.documents.merge_keys import ANY, Key, Keyed, below
from docstore.errors import Conflict, EncodeError, InvalidValueError

Decide: TypeAlias = Callable[[Conflict], Any]
"""Returns the JSON value that shall stand at a conflict, ``ABSENT`` for none, or ``NotImplemented`` to leave it."""


def merge(
    base: JSON,
    mine: JSON,
    theirs: JSON,
    *,
    at: str = "",
    keyed: Sequence[Keyed] = (),
    decide: Decide | None = None,
) -> tuple[JSON, tuple[Conflict, ...]]:
    """Return *base* with what both sides made of it, and the places of which they made different things.

    A side that left a place alone gives way to the other. Dicts merge by key, but for objects of different classes or
    schemas, whose members do not mean the same. Lists merge by index, if all three are equally long and no item was
    changed by both: beyond that, an index does not say which item is meant. A deletion against a change is a conflict,
    and so is one key added with two values. At a conflict *mine* stands in the result.

    A keyed list merges by the keys of its items, as a dict does, if in all three each item has a key of its own; one
    that was not there had no items. What one side added stands in its order; where both could come next, the item
    whose key sorts first does. If one side moved items, its order stands, unless the other added, removed or moved some
    too: then the list is the conflict. An object that both added is one, if it is nothing but keyed lists.

    Shapes:
        at: the pointer of all three in their document; it is put before the pointer of each conflict
        keyed: the keyed lists of the document
        decide: is asked at each conflict what shall stand there; one that it does not decide is left
        conflicts: by pointer, in the order of sorted keys; ``ABSENT`` in one is a value that was not there. An item of
            a keyed list has its index in *mine*; if it is not there, in *theirs*

    Cost:
        Levels above a change made by both are compared once for each level; the rest once, by ``==`` and one writing.
        Of a keyed list that both changed, the key of each item is written too.
    """
    standing = _undisputed(base, mine, theirs)
    conflicts = _Conflicts(decide)
    merged = standing[0] if standing else _disputed(base, mine, theirs, _place(at, keyed), conflicts)
    return cast(JSON, merged), tuple(conflicts.left)


def changed_places(base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON, *, at: str = "") -> Iterator[Conflict]:
    """Yield each place that either side changed, with the three values: the other side may have it as it was.

    Lists are gone into by index, if all three are equally long; else the list is the place.

    Shapes:
        at: the pointer of all three in their document
    """
    if same_json(base, mine) and same_json(base, theirs):
        return
    three = (base, mine, theirs)
    if isinstance(base, dict) and isinstance(mine, dict) and isinstance(theirs, dict):
        for key in sorted({key for each in (base, mine, theirs) for key in each}):
            values = (each.get(key, ABSENT) for each in (base, mine, theirs))
            yield from changed_places(*values, at=at + join_pointer((key,)))
    elif all(isinstance(each, list) for each in three) and len({len(cast("list[JSON]", each)) for each in three}) == 1:
        for index, items in enumerate(zip(*cast("tuple[list[JSON], ...]", three), strict=True)):
            yield from changed_places(*items, at=f"{at}/{index}")
    else:
        yield Conflict(at, base, mine, theirs)


class _Conflicts:
    """The places of which each side made something else: those that are decided, and those that are left."""

    def __init__(self, decide: Decide | None) -> None:
        self.decide = decide
        self.left: list[Conflict] = []

    def resolve(self, pointer: str, base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON) -> MaybeJSON:
        """Return what shall stand at a place of conflict: of one that is left, *mine*."""
        decided = NotImplemented
        if self.decide is not None:
            # Copies, with which it may do as it likes: theirs is what the next version is compared with.
            decided = self.decide(Conflict(pointer, *map(_copied, (base, mine, theirs))))
        if decided is not NotImplemented:
            return _checked(decided, pointer)
        self.left.append(Conflict(pointer, base, mine, theirs))
        return mine


def _copied(value: MaybeJSON) -> MaybeJSON:
    return ABSENT if value is ABSENT else loads(dumps(value))


def _checked(decided: Any, pointer: str) -> MaybeJSON:
    """Return a copy of what was *decided*."""
    try:
        stands = _copied(decided)
        if stands != decided:
            raise EncodeError("it does not come back as it is")
        if decided is ABSENT and not pointer:
            raise EncodeError("a document cannot be absent")
        return stands
    except EncodeError as error:
        remedy = f"Return a JSON value, ABSENT, or NotImplemented to leave it: {error.problem}."
        raise InvalidValueError(f"what on_conflict gave for {pointer or 'the root'}", decided, remedy) from error


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a document, and the keyed lists that may be there or below: their patterns from here on."""

    pointer: str
    keyed: tuple[Keyed, ...]

    @property
    def items(self) -> Keyed | None:
        """How the items of a list here are known, if they are known by a key."""
        return next((each for each in self.keyed if not each.pattern), None)

    def under(self, key: str) -> _Place:
        return _Place(self.pointer + join_pointer((key,)), below(self.keyed, key))

    def at(self, index: int) -> _Place:
        # Each side may have the item at another index: in a pattern, no index is meant but any.
        return _Place(f"{self.pointer}/{index}", below(self.keyed, ANY))


def _place(pointer: str, keyed: Sequence[Keyed]) -> _Place:
    found = tuple(keyed)
    for token in split_pointer(pointer):
        found = below(found, token)
    return _Place(pointer, found)


def _undisputed(base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON) -> tuple[MaybeJSON, ...]:
    """Return the one value that stands, or nothing if each side made something else of the place."""
    if same_json(mine, theirs) or same_json(base, theirs):
        return (mine,)
    return (theirs,) if same_json(base, mine) else ()


def _disputed(base: MaybeJSON, mine: MaybeJSON, theirs: MaybeJSON, place: _Place, conflicts: _Conflicts) -> MaybeJSON:
    """Return what stands at a place of which each side made something else; note the conflicts in it."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        origin = _frame(mine, theirs, place) if base is ABSENT else base
        if isinstance(origin, dict) and _is_of_one_schema(origin, mine) and _is_of_one_schema(origin, theirs):
            return _merged_members(origin, mine, theirs, place, conflicts)
    if (base is ABSENT or isinstance(base, list)) and isinstance(mine, list) and isinstance(theirs, list):
        by_key = _merged_by_key([] if base is ABSENT else base, mine, theirs, place, conflicts)
        standing = _merged_by_index(base, mine, theirs) if by_key is None and base is not ABSENT else by_key
        if standing:
            return standing[0]
    return conflicts.resolve(place.pointer, base, mine, theirs)


def _is_of_one_schema(a: dict[str, JSON], b: dict[str, JSON]) -> bool:
    # Without a tag it is a dict of the user's own, and the number's key is a key as any other.
    return a.get(TAG) == b.get(TAG) and (TAG not in a or a.get(SCHEMA) == b.get(SCHEMA))


def _frame(mine: dict[str, JSON], theirs: dict[str, JSON], place: _Place) -> MaybeJSON:
    """Return an object that both sides added without the keyed lists in it, if it is nothing else; or ABSENT.

    Such an object, the data of a trial, only holds the items: two people who each make it for the first of theirs mean
    the same. One with members beside, such as a trial, may be two things that came to stand in one place.
    """
    lists = {key for key in mine.keys() & theirs.keys() if place.under(key).items}
    lists = {key for key in lists if isinstance(mine[key], list) and isinstance(theirs[key], list)}
    ours, others = ({key: side[key] for key in side.keys() - lists} for side in (mine, theirs))
    return ours if lists and ours.keys() <= {TAG, SCHEMA, COMPATIBLE} and same_json(ours, others) else ABSENT


def _merged_members(
    base: dict[str, JSON], mine: dict[str, JSON], theirs: dict[str, JSON], place: _Place, conflicts: _Conflicts
) -> dict[str, JSON]:
    merged: dict[str, JSON] = {}
    for key in sorted(base.keys() | mine.keys() | theirs.keys()):
        was, ours, other = base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT)
        standing = _undisputed(was, ours, other)
        value = standing[0] if standing else _disputed(was, ours, other, place.under(key), conflicts)
        if value is not ABSENT:
            merged[key] = value
    return merged


def _merged_by_index(base: list[JSON], mine: list[JSON], theirs: list[JSON]) -> tuple[list[JSON], ...]:
    """Return the one list that has the items of both sides, or nothing if there is none."""
    if not len(base) == len(mine) == len(theirs):
        return ()
    items = list(starmap(_undisputed, zip(base, mine, theirs, strict=True)))
    return ([cast(JSON, item[0]) for item in items],) if all(items) else ()


# --- lists whose items are known by a key ----------------------------------------------------------------------------


def _merged_by_key(
    base: list[JSON], mine: list[JSON], theirs: list[JSON], place: _Place, conflicts: _Conflicts
) -> tuple[list[JSON], ...] | None:
    """Return the one list that has the items of both sides, nothing if there is none, or None if they have no keys."""
    known = place.items
    were, ours, others = [known.places(items) if known else None for items in (base, mine, theirs)]
    if known is None or were is None or ours is None or others is None:
        return None
    if _is_order_disputed([*were], [*ours], [*others]):
        return ()
    merged: dict[Key, JSON] = {}
    inside = _Conflicts(conflicts.decide)
    for key in {**ours, **others}:
        three = (_at(base, were, key), _at(mine, ours, key), _at(theirs, others, key))
        standing = _undisputed(*three)
        index = ours[key] if key in ours else others[key]
        value = standing[0] if standing else _disputed(*three, place.at(index), inside)
        if value is not ABSENT:
            merged[key] = value
    of_mine, of_theirs = [key for key in ours if key in merged], [key for key in others if key in merged]
    if not _is_in_order(of_mine, of_theirs):
        # One side alone moved items. All that the other can have beyond it is what it changed and the first removed.
        if [*were] == [*ours]:
            of_mine = [key for key in of_mine if key not in others]
        else:
            of_theirs = [key for key in of_theirs if key not in ours]
    items = [merged[key] for key in _shuffled(of_mine, of_theirs)]
    if _is_name_taken_twice(known, items, mine, theirs):
        return ()
    conflicts.left += inside.left
    return (items,)


def _at(items: list[JSON], places: Mapping[Key, int], key: Key) -> MaybeJSON:
    return items[places[key]] if key in places else ABSENT


def _is_order_disputed(base: list[Key], mine: list[Key], theirs: list[Key]) -> bool:
    """Return whether one side moved items and the other did more than change some; or both added some in two orders."""
    if mine == theirs or base in (mine, theirs):
        return False
    return not (_is_in_order(base, mine) and _is_in_order(base, theirs) and _is_in_order(mine, theirs))


def _is_in_order(some: Iterable[Key], others: Iterable[Key]) -> bool:
    """Return whether what both have stands in one order."""
    some, others = dict.fromkeys(some), dict.fromkeys(others)
    return [key for key in some if key in others] == [key for key in others if key in some]


def _shuffled(some: Sequence[Key], others: Sequence[Key]) -> list[Key]:
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


def _is_name_taken_twice(known: Keyed, items: list[JSON], mine: list[JSON], theirs: list[JSON]) -> bool:
    """Return whether two things in *items* have one name, where they had not on either side."""
    if not known.names:
        return False
    sides = known.named_in(mine), known.named_in(theirs)
    named = known.named_in(items).items()
    return any(len(things) > max(len(side.get(name, ())) for side in sides) for name, things in named)


# --- lists of which some items are left out --------------------------------------------------------------------------


def merge_sparse(
    base: Mapping[str, JSON],
    mine: Mapping[str, JSON],
    theirs: Mapping[str, JSON],
    *,
    at: str,
    keyed: Sequence[Keyed] = (),
    decide: Decide | None = None,
) -> tuple[dict[str, JSON], tuple[Conflict, ...]]:
    """Return a list with what both sides made of it, of which some items may be left out: each by its index.

    As in any list, an item is merged if one side changed it. If both did, it is merged further only where the list is
    keyed and the key says that it is one item in all three: else another may have come to stand at its index, which
    need not show, as some are left out. A list that became longer or shorter at its end keeps its items; one that
    changed in between has its items at other places, and merges with no change of the other side.

    Shapes:
        base, mine, theirs: the same items of each, at least all that any side changed, by index as text
        at, keyed, decide: as in ``merge``
    """
    if _is_index_disputed(base, mine, theirs):
        if same_json(dict(mine), dict(theirs)):
            return dict(mine), ()
        # Not asked of anyone: what stands at which index is not known here, as some are left out.
        return dict(mine), (Conflict(at, dict(base), dict(mine), dict(theirs)),)
    place = _place(at, keyed)
    merged: dict[str, JSON] = {}
    conflicts = _Conflicts(decide)
    for key in sorted(base.keys() | mine.keys() | theirs.keys(), key=token_order):
        was, ours, other = base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT)
        standing = _undisputed(was, ours, other)
        if standing:
            value = standing[0]
        elif _is_one_item(place.items, (was, ours, other)):
            value = _disputed(was, ours, other, place.at(int(key)), conflicts)
        else:
            value = conflicts.resolve(place.under(key).pointer, was, ours, other)
        if value is not ABSENT:
            merged[key] = value
    return merged, tuple(conflicts.left)


def _is_one_item(known: Keyed | None, three: Collection[MaybeJSON]) -> bool:
    keys = {known.key_of(item) for item in three} if known else set()
    return len(keys) == 1 and None not in keys


def _is_index_disputed(base: Mapping[str, JSON], mine: Mapping[str, JSON], theirs: Mapping[str, JSON]) -> bool:
    """Return whether one side moved items and the other changed some; or one made the list longer, one shorter."""
    moved = _is_moved(base, mine), _is_moved(base, theirs)
    changed = not same_json(dict(base), dict(mine)), not same_json(dict(base), dict(theirs))
    return (moved[0] and changed[1]) or (moved[1] and changed[0]) or _growth(base, mine) * _growth(base, theirs) < 0


def _is_moved(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> bool:
    """Return whether items stand at other places now, as after an insertion: both their number and some are others."""
    return base.keys() != side.keys() and any(not same_json(base[key], side[key]) for key in base.keys() & side.keys())


def _growth(base: Mapping[str, JSON], side: Mapping[str, JSON]) -> int:
    return len(side) - len(base)
