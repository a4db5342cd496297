"""An object in hand brought up to a newer state, so that whoever holds a piece of it holds the newer one."""

from __future__ import annotations

import gc
import operator
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from functools import cached_property, lru_cache, partial
from types import MemberDescriptorType
from typing import Any, Final, TypeAlias, TypeVar, cast

from docstore.codec import fields
from docstore.codec.carried import CARRIED
from docstore.codec.core import Codec
from docstore.codec.declared import ORIGIN, is_frozen
from docstore.codec.making import RESTORED
from docstore.codec.tagged import BY_TYPE
from docstore.codec.validation import fields_beside
from docstore.errors import CodecError, RegistryError
from docstore.keyed import ANY, Keyed, below
from docstore.kinds import Kind, split_path
from docstore.values import ABSENT, JSON, Absent, dumps

T = TypeVar("T")

Names: TypeAlias = "dict[str, str]"
"""By the attributes of a class that may hold its stored fields, their keys."""

_MAPPINGS: Final = (dict, OrderedDict)
_COLLECTIONS: Final = (list, tuple, set, frozenset)
_INERT: Final = frozenset({type(None), bool, *BY_TYPE}) - {*_MAPPINGS, *_COLLECTIONS, bytearray}
"""Types whose values never change, and hold nothing that does."""


class Adoption:
    """What it takes to bring *root* up to a newer state: worked out first, while nothing is changed, then written.

    What has the same JSON in both states stays the object that it is. A list, a dict and an object of fields that
    changed is changed in place, member by member. Whatever else changed gives way to what takes its place:

    - values of other types, such as tuples, sets and arrays, and objects that a function of the user's own writes;
    - objects that are frozen, or hashed by what they hold, as they may be keys somewhere; but docstore's own arms;
    - what stands in two places of *root*, as one of them may not have changed;
    - an object with all in it, where code of its class keeps references from one thing in it to another beside the
      fields: they would lead to what is no longer there.

    Of a keyed list, items of one key are one item. Of any other, those are one item that are the same, and then those
    at one index, if the list kept its length: beyond that, an index does not say which item is meant.

    Cost:
        An encoding of both states of what is given, and of a change once more for each level above it. Where anything
        is changed in place, a look at every value in *root*.
    """

    def __init__(self, codec: Codec, root: Any, kind: Kind) -> None:
        self._codec, self._root, self._keyed = codec, root, kind.keyed
        self._fields = {rule.field: codec.attribute(type(root), rule.field) for rule in kind.parts}
        self._containers = {name: fields.value_of(root, name) for name in self._fields.values()}
        self._names: dict[type, Names | None] = {type(root): _names_of(type(root))}
        # What is known of objects by their ids holds while they live.
        self._alive: list[Any] = []
        self._whole: set[int] = set()
        self._writes: list[Callable[[], None]] = []

    def part(self, path: str, present: Any, fresh: Any) -> Any:
        """Return what shall stand at *path* of the root: *present*, which does, if it is or can become *fresh*.

        An object that cannot be changed member by member becomes *fresh* as a whole.
        """
        field, key = split_path(path)
        self._look_into(fresh, self._names_in(type(fresh)))
        keyed = below(below(self._keyed, field), key)
        stands = self._tried(lambda: self._settled(present, fresh, keyed), otherwise=fresh)
        if stands is present or type(present) is not type(fresh) or id(present) in self._twice:
            return stands
        if not fields.can_take_on(present) or is_frozen(type(present)):
            return fresh
        self._writes.append(partial(_take_on, present, fresh, {}, frozenset()))
        return present

    def become(self, fresh: Any, *, keep: bool) -> None:
        """Have the root become *fresh*, an object of its class; of its parts, those stay that it has, if *keep*."""
        apart = {*self._fields, *(field.key for field in fields_beside(type(fresh)))}
        known = self._names_in(type(fresh)) or {}
        names = {name: key for name, key in known.items() if key not in apart}
        self._look_into(fresh, names)
        members: dict[str, Any] = {}
        if id(fresh) not in self._whole:
            members = self._tried(lambda: self._members(self._root, fresh, names, self._keyed), otherwise=members)
        kept = frozenset(self._fields.values() if keep else ())
        self._writes.append(partial(_take_on, self._root, fresh, members, kept))

    def write(self) -> None:
        """Change the root, by no code of its classes."""
        for write in self._writes:
            write()

    def finish(self) -> None:
        """Have the root's hook put back what is not stored, and let dicts of parts be the objects that they were."""
        hook = getattr(type(self._root), RESTORED, None)
        if hook is not None:
            hook(self._root)
        for name, items in self._containers.items():
            stands = fields.value_of(self._root, name)
            if items is stands or type(items) is not type(stands) or type(items) not in (dict, list):
                continue
            _refill(items, stands.items() if isinstance(stands, dict) else stands)
            fields.assign(self._root, name, items)

    def _tried(self, work: Callable[[], T], otherwise: T) -> T:
        """Return what *work* does, or *otherwise* where values nest too deeply for it: then it has done nothing."""
        before = len(self._writes)
        try:
            return work()
        except RecursionError:
            del self._writes[before:]
            return otherwise

    # --- what stands, and becomes what -------------------------------------------------------------------------------

    def _settled(self, old: Any, fresh: Any, keyed: tuple[Keyed, ...]) -> Any:
        """Return what shall stand where *old* does and *fresh* is to: *old*, if it is the same, or is going to be."""
        cls = type(old)
        if old is fresh or cls is not type(fresh):
            return fresh
        text = _text(self._json(old))
        if text is not None and text == _text(self._json(fresh)):
            return old
        is_record = self._is_record(old)
        if not (is_record or cls is list or cls in _MAPPINGS) or id(fresh) in self._whole or id(old) in self._twice:
            return fresh
        if is_record:
            members = self._members(old, fresh, self._names_in(cls) or {}, keyed)
            self._writes.append(partial(_take_on, old, fresh, members, frozenset()))
        else:
            items = self._items(old, fresh, keyed) if cls is list else self._pairs(old, fresh, keyed)
            self._writes.append(partial(_refill, old, items))
        return old

    def _members(self, old: Any, fresh: Any, names: Names, keyed: tuple[Keyed, ...]) -> dict[str, Any]:
        had = _state(old)
        return {
            name: self._settled(had[name], value, below(keyed, names[name]))
            for name, value in _state(fresh).items()
            if name in names and name in had
        }

    def _pairs(self, old: Mapping[Any, Any], fresh: Mapping[Any, Any], keyed: tuple[Keyed, ...]) -> list[Any]:
        """Return the pairs of *fresh*, as they shall stand in *old*; in its order, where the order is not stored."""
        had = {self._spelled(key): (place, key, value) for place, (key, value) in enumerate(old.items())}
        pairs = []
        for key, value in fresh.items():
            # Of several keys that are NaN, each is another: the first that is found is all that is left.
            place, former, held = had.pop(self._spelled(key), (len(old), key, value))
            token = key.name if isinstance(key, Enum) else str(key)
            pairs.append((place, (former, self._settled(held, value, below(keyed, token)))))
        if type(old) is dict:
            pairs.sort(key=operator.itemgetter(0))
        return [pair for _, pair in pairs]

    def _items(self, old: list[Any], fresh: list[Any], keyed: tuple[Keyed, ...]) -> list[Any]:
        known = next((each for each in keyed if not each.pattern), None)
        inner = below(keyed, ANY)
        partners = _partners([self._json(item) for item in old], [self._json(item) for item in fresh], known)
        return [
            item if place is None else self._settled(old[place], item, inner)
            for item, place in zip(fresh, partners, strict=True)
        ]

    def _json(self, value: Any) -> JSON | Absent:
        """Return the JSON of *value*; ABSENT where only what holds it could write it."""
        try:
            return self._codec.encode(value)
        except CodecError:
            return ABSENT

    def _spelled(self, key: Any) -> Any:
        """Return what is equal for keys that are the same: 1, 1.0 and True are not."""
        if type(key) in (str, int, bool):
            return type(key), key
        return _text(self._json(key)) or id(key)

    # --- what may be changed -----------------------------------------------------------------------------------------

    def _is_record(self, value: Any) -> bool:
        """Return whether *value* is an object of fields that can be changed in place without anyone's losing it."""
        cls = type(value)
        if self._names_in(cls) is None or is_frozen(cls) or not fields.can_take_on(value):
            return False
        entry = self._codec.registry.of_class(cls)
        # The name of an arm, by which it is hashed too, changes in its life: nothing of ours has it for a key.
        return (entry is not None and entry.restore) or not _is_hashed(value)

    @cached_property
    def _twice(self) -> set[int]:
        """The ids of what stands in more than one place of the root."""
        seen, twice, to_visit, held = {id(self._root)}, set(), [self._root], self._held
        while to_visit:
            for member in held(to_visit.pop()):
                if type(member) in _INERT:
                    continue
                key = id(member)
                if key in seen:
                    twice.add(key)
                else:
                    seen.add(key)
                    to_visit.append(member)
        return twice

    def _look_into(self, top: Any, names: Names | None) -> None:
        """Note what of *top* must be taken as a whole, since code of its classes keeps references beside the fields.

        Of what has its references made again at the end, by the root's hook, nothing is noted.
        """
        state = _state(top)
        inside = self._held(top) if names is None else [state[name] for name in names if name in state]
        above = {id(top): id(top)}
        found = [top]
        for value in found:
            for member in inside if value is top else self._held(value):
                if type(member) not in _INERT and id(member) not in above:
                    above[id(member)] = id(value)
                    found.append(member)
        self._alive.append(found)
        for value in found[1:] if hasattr(type(self._root), RESTORED) else found:
            reached = _reached(self._beside(value), above)
            if reached:
                self._whole.add(_common([_way_up(each, above) for each in (id(value), *reached)]))

    def _held(self, value: Any) -> Iterable[Any]:
        """Return what is stored in *value*."""
        cls: Any = type(value)
        if cls in _MAPPINGS:
            return [*value, *value.values()]
        if isinstance(value, _COLLECTIONS):
            return value
        names = self._names[cls] if cls in self._names else self._names_in(cls)
        if names is not None:
            if not _slots(cls) and hasattr(value, "__dict__"):
                return [item for name, item in vars(value).items() if name in names]
            return [item for name, item in _state(value).items() if name in names]
        return () if isinstance(value, (Enum, type)) else _state(value).values()

    def _beside(self, value: Any) -> list[Any]:
        """Return what *value* keeps beside its fields."""
        names = self._names_in(type(value))
        if names is None:
            return []
        return [item for name, item in _state(value).items() if name not in names and name not in (CARRIED, ORIGIN)]

    def _names_in(self, cls: type) -> Names | None:
        """Return the attributes of *cls* that are stored, if its objects are written and read by their fields."""
        if cls not in self._names:
            entry = self._codec.registry.of_class(cls)
            is_of_fields = entry is not None and not (entry.encode or entry.decode or issubclass(cls, (Enum, tuple)))
            self._names[cls] = _names_of(cls) if is_of_fields else None
        return self._names[cls]


def _names_of(cls: type) -> Names:
    try:
        stored = (*fields.stored_fields(cls), *fields_beside(cls))
    except (RegistryError, ValueError):  # only functions of its own know what is stored, or its constructor is in C
        return {}
    return {name: field.key for field in stored for name in field.names}


def _state(value: Any) -> dict[str, Any]:
    """Return every attribute that *value* itself has, by no code of its class."""
    cls: Any = type(value)
    state = dict(getattr(value, "__dict__", ()))
    for name, slot in _slots(cls).items():
        with suppress(AttributeError):  # it was never set
            state[name] = slot.__get__(value)
    return state


@lru_cache(maxsize=1000)
def _slots(cls: type) -> Mapping[str, MemberDescriptorType]:
    return fields.slots_of(cls)


def _is_hashed(value: Any) -> bool:
    """Return whether *value* has a hash, and one that what it holds decides."""
    cls: Any = type(value)
    if cls.__hash__ is object.__hash__:
        return False
    try:
        hash(value)
    except Exception:  # whatever a class of the user's own raises
        return False
    return True


def _text(value: JSON | Absent) -> bytes | None:
    try:
        return None if isinstance(value, Absent) else dumps(value)
    except CodecError:  # nested deeper than a document may be
        return None


def _partners(old: Sequence[JSON | Absent], fresh: Sequence[JSON | Absent], known: Keyed | None) -> list[int | None]:
    """Return for each item of *fresh* the index of the one in *old* that it is, or None for one that is new."""
    texts, wanted = [_text(item) for item in old], [_text(item) for item in fresh]
    found: list[int | None] = [
        place if text is not None and texts[place : place + 1] == [text] else None for place, text in enumerate(wanted)
    ]
    free = [place for place in reversed(range(len(old))) if place >= len(found) or found[place] is None]
    same: dict[bytes | None, list[int]] = {}
    for place in free:
        same.setdefault(texts[place], []).append(place)
    for index, text in enumerate(wanted):
        if found[index] is None and text is not None and same.get(text):
            found[index] = same[text].pop()
    left = set(free).difference(place for place in found if place is not None)
    for index, at in enumerate(_by_rank(old, fresh, known)):
        if found[index] is None and at in left:
            found[index] = at
    return found


def _by_rank(old: Sequence[JSON | Absent], fresh: Sequence[JSON | Absent], known: Keyed | None) -> list[int | None]:
    """Return for each item of *fresh* where the one of its key, or else of its index, stands in *old*."""
    # What has no JSON has no key.
    had, has = (known.places(cast(Sequence[JSON], items)) if known else None for items in (old, fresh))
    if had is not None and has is not None:
        return [had.get(key) for key in has]
    return [place if len(old) == len(fresh) else None for place in range(len(fresh))]


def _reached(beside: Iterable[Any], inside: Collection[int]) -> set[int]:
    """Return which of the objects with the ids *inside* the values *beside* lead to; all, if that cannot be told."""
    reached: set[int] = set()
    seen: set[int] = set()
    to_visit = list(beside)
    while to_visit:
        value = to_visit.pop()
        if type(value) in _INERT or isinstance(value, (Enum, type)) or id(value) in seen:
            continue
        seen.add(id(value))
        if id(value) in inside and not isinstance(value, (tuple, frozenset)):
            reached.add(id(value))
        if isinstance(value, _COLLECTIONS):
            to_visit += value
        elif isinstance(value, dict):
            to_visit += [*value, *value.values()]
        elif not (state := _state(value)) and gc.is_tracked(value):
            return set(inside)  # a function, say: what it refers to is not looked for
        else:
            to_visit += state.values()
    return reached


def _way_up(value: int, above: Mapping[int, int]) -> list[int]:
    way = [value]
    while above[way[-1]] != way[-1]:
        way.append(above[way[-1]])
    return way


def _common(ways: Sequence[list[int]]) -> int:
    """Return the first object that all of *ways* lead through."""
    shared = set(ways[0]).intersection(*ways[1:])
    return next(each for each in ways[0] if each in shared)


# --- writing: nothing here can fail ----------------------------------------------------------------------------------


def _take_on(target: Any, source: Any, members: Mapping[str, Any], keep: Collection[str]) -> None:
    """Make *target* what *source* is, but with *members* in the place of those, and what it has itself to *keep*."""
    fields.take_on(target, source, keep)
    slots, force = fields.slots_of(type(target)), fields.setter(type(target))
    for name, value in members.items():
        if name in slots:
            force(target, name, value)
        else:
            vars(target)[name] = value


def _refill(target: Any, items: Iterable[Any]) -> None:
    """Have *target*, a list or a dict, hold *items*: of a dict, pairs."""
    target.clear()
    (target.update if isinstance(target, dict) else target.extend)(items)
