"""Plan and write the update of an object in place, so that references to things in it stay valid."""

from __future__ import annotations

import gc
import operator
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property, partial
from typing import Any, Final, TypeAlias, cast

from docstore.codec import side_data
from docstore.codec.classes import stored_fields
from docstore.codec.classes.class_fields import MISSING, ORIGIN, is_frozen
from docstore.codec.classes.construct import HOOK
from docstore.codec.classes.field_tables import FieldTable
from docstore.codec.classes.pydantic_objects import fields_beside
from docstore.codec.classes.stored_fields import state_of
from docstore.codec.core import Codec
from docstore.codec.live.edits import attribute, edit_dict, edit_list, edit_object
from docstore.codec.live.parts import Parts
from docstore.codec.registry import Entry
from docstore.codec.side_data import CARRIED
from docstore.codec.values.tags import BY_TYPE
from docstore.documents.canonical import ABSENT, JSON, Absent, dumps
from docstore.documents.kinds import HEAD, Kind, split_path
from docstore.documents.merge_keys import ANY, NO_KEYS, Key, Keyed, MergeKeys
from docstore.errors import CodecError, RegistryError
from docstore.model.lazy_part_dict import PART_DICTS
from docstore.model.part_dict import in_memory

Names: TypeAlias = "dict[str, str]"
"""The keys of the stored fields of a class, by the attributes that may hold them."""

_MAPPINGS: Final = (dict, OrderedDict, *PART_DICTS)
_FIELDS_SET: Final = "__pydantic_fields_set__"
_COLLECTIONS: Final = (list, tuple, set, frozenset)
_INERT: Final = frozenset({type(None), bool, *BY_TYPE}) - {*_MAPPINGS, *_COLLECTIONS, bytearray, defaultdict}
"""Types whose values never change, and hold nothing that changes."""


class InPlaceUpdate:
    """An update of *root* to a newer state: planned first, while nothing is changed, then written.

    Three states are compared: what *root* holds now (old), what was saved of it (saved), and what others made of that
    (fresh). Only the places that others changed are written, so that another thread may change other places of *root*
    meanwhile. Lists, dicts and objects with fields are changed in place, item by item and field by field. Everything
    else is replaced:

    - values of other types, such as tuples, sets and arrays, and objects that a user's function encodes;
    - objects that are frozen, or hashed by what they hold, as they may be keys somewhere (docstore's arms are not);
    - an object that is in two places of *root*, as one of them may not have changed;
    - an object as a whole, if code of its class keeps references between things in it beside the fields: they would
      refer to things that are no longer in it.

    In a keyed list, items with the same key are the same item. In another list, equal items are, and then items at the
    same index, if the list kept its length; otherwise an index does not identify an item.

    A piece is left as it is if *root* was changed, since it was saved, in a place that others changed too, or if that
    cannot be determined, as in a list whose items have no key. So are the pieces that belong together with it.

    Cost:
        An encoding of all three states of what is given, and of a changed value once more for each level above it. If
        anything is changed in place, a look at every value in *root*.
    """

    def __init__(self, codec: Codec, root: Any, kind: Kind) -> None:
        self._codec, self._parts, self._root, self._kind = codec, Parts(codec), root, kind
        self._fields = {rule.field: codec.attribute(type(root), rule.field) for rule in kind.parts}
        entry = codec.registry.of_class(type(root))
        assert entry is not None  # the mapper has looked
        self._names: dict[type, Names | None] = {type(root): _names_of(entry)}
        # They are identified by id, which another object may have once they are gone.
        self._kept_alive: list[Any] = []
        self._whole: set[int] = set()
        """The ids of objects of the others' state that take the place of the present ones as a whole."""
        self._path = HEAD
        self._writes: dict[str, list[Callable[[], bool]]] = {}
        self._edited: set[int] = set()
        self._left: set[str] = set()
        self._given: dict[str, Any] = {}

    def part(self, path: str, saved: Any, fresh: Any) -> None:
        """Plan to change the part at *path* from *saved* to *fresh*; MISSING new for no object."""
        self._begin(path)
        present = self._parts.get(self._root, path, MISSING)
        field, key = split_path(path)
        keys = self._kind.merge_keys.at(field).at(key)
        had = state_of(present)
        self._find_wholes(fresh, self._names_in(type(fresh)))
        is_made = self._parts.are_made_anew(type(self._root), field)
        if is_made:  # an edit of the part would be an edit of what was made of the root
            self._kept_alive.append(fresh)
            self._whole.add(id(fresh))
        new = self._or_whole(lambda: self._updated(present, saved, fresh, keys), present, saved, fresh)
        if new is not present:
            is_one = not is_made and type(present) is type(fresh) and id(present) not in self._twice
            if not is_one or not stored_fields.consists_of_attributes(present) or is_frozen(type(present)):
                self._write(partial(self._parts.replace, self._root, path, present, new))
                return
            self._become(present, had, fresh, {}, self._names_in(type(present)) or {})
            table = self._table(type(present))
            self._call_hook(present, table.values(fresh) if table is not None else {})
        self._check_held(present, partial(self._parts.get, self._root, path, MISSING))

    def become(self, saved: Any, fresh: Any, keep: Collection[str]) -> None:
        """Plan to change the root from *saved* to *fresh*, all three of one class, except for the fields to *keep*."""
        self._begin(HEAD)
        kept = {self._fields[field] for field in keep}
        kept |= {f"_{name}" for name in kept}
        names = {name: key for name, key in (self._names_in(type(fresh)) or {}).items() if name not in kept}
        self._find_wholes(fresh, names)
        had, was, becomes = state_of(self._root), state_of(saved), state_of(fresh)
        members: dict[str, Any] = {}
        for name, value in becomes.items():
            if name in names and name in had:
                old, base = had[name], was.get(name, MISSING)
                if name == _FIELDS_SET:
                    members[name] = (old & value) | ((old | value) - was[name])
                elif id(fresh) in self._whole:
                    members[name] = self._replaced(old, base, value)
                else:
                    keys = self._kind.merge_keys.at(names[name])
                    members[name] = self._or_whole(partial(self._updated, old, base, value, keys), old, base, value)
                    self._check_held(members[name], partial(attribute, self._root, name))
        self._become(self._root, had, fresh, members, names, kept)
        self._given = self._given_values(self._root, saved, fresh, self._kind.merge_keys, kept)

    def leave(self, path: str) -> None:
        """Leave the piece at *path* as it is."""
        self._left.add(path)

    def write(self) -> set[str]:
        """Change the root, without calling code of its classes; return the paths of the pieces left as they are."""
        together = {split_path(path)[1] for path in self._left if path != HEAD} if self._kind.part_key else set()
        for path, writes in self._writes.items():
            is_left = path in self._left or (path != HEAD and split_path(path)[1] in together)
            if is_left or not all([write() for write in writes]):  # noqa: C419  # all are made, even after one fails
                self._left.add(path)
        return self._left

    def finish(self) -> None:
        """Call the hook by which the root restores what is not stored."""
        table = self._table(type(self._root))
        if table is not None and table.restored is not None:
            changed = {} if HEAD in self._left else self._given
            table.restored(self._root, **{**table.values(self._root), **changed})
        hook = getattr(type(self._root), HOOK, None)
        if hook is not None:
            hook(self._root)

    def _begin(self, path: str) -> None:
        self._path, self._writes[path] = path, []

    def _write(self, write: Callable[[], bool]) -> None:
        self._writes[self._path].append(write)

    def _edit(self, old: Any, write: Callable[[], bool]) -> None:
        self._edited.add(id(old))
        self._write(write)

    def _check_held(self, value: Any, found: Callable[[], Any]) -> None:
        """If *value* is changed in place, check after the write that it is still in its place, the result of *found*.

        Another thread may have replaced it meanwhile by a value without the others' changes. Then the piece counts as
        left, and the next save merges it.
        """
        if id(value) in self._edited:
            self._write(lambda: found() is value)

    def _become(
        self,
        old: Any,
        had: Mapping[str, Any],
        fresh: Any,
        members: Mapping[str, Any],
        names: Names,
        kept: Collection[str] = (),
    ) -> None:
        """Plan to change *old*, whose attributes were *had*, to *fresh*, but with *members*, and without *kept*."""
        table = self._table(type(old))
        # What a table's hook or the class itself makes again stays until then.
        made_again = table.unstored - table.defaults.keys() if table is not None else frozenset()
        former, wanted = (
            {name: value for name, value in each.items() if name not in kept and name not in {ORIGIN, *made_again}}
            for each in (had, {**state_of(fresh), **members})
        )
        self._edit(old, partial(edit_object, old, former, wanted, names))
        self._write(partial(_carry, fresh, old))

    def _or_whole(self, work: Callable[[], Any], old: Any, saved: Any, fresh: Any) -> Any:
        """Return the result of *work*; if values are nested too deeply for it, *old* or *fresh* as a whole."""
        writes = self._writes[self._path]
        before = len(writes)
        try:
            return work()
        except RecursionError:
            del writes[before:]
            return self._replaced(old, saved, fresh)

    # --- planning ----------------------------------------------------------------------------------------------------

    def _updated(self, old: Any, saved: Any, fresh: Any, keys: MergeKeys) -> Any:
        """Return the value that replaces *old*, saved as *saved* and to become *fresh*; MISSING for no value.

        It is *old* itself if others changed nothing in it, if it equals *fresh* already, or if it is changed in place.
        """
        cls = type(old)
        if old is fresh or saved is fresh:
            return old
        text, own = self._text(fresh), self._text(old)
        if text is not None and (text == self._text(saved) or (own == text and cls is type(fresh))):
            return old
        is_record = self._is_record(old)
        is_container = is_record or cls is list or cls in _MAPPINGS
        if not (is_container and cls is type(saved) is type(fresh)) or self._must_be_replaced(old, fresh):
            return self._replaced(old, saved, fresh)
        # The contents are copied first, then compared. The write notices what another thread changes later.
        if is_record:
            names, had = self._names_in(cls) or {}, state_of(old)
            members = self._members(had, saved, fresh, names, keys)
            self._become(old, had, fresh, members, names)
            for name, member in members.items():
                self._check_held(member, partial(attribute, old, name))
            self._call_hook(old, self._given_values(old, saved, fresh, keys))
        elif cls is list:
            items = list(old)
            wanted = self._items(items, saved, fresh, keys)
            self._edit(old, partial(edit_list, old, items, wanted))
            for item in wanted:
                self._check_held(item, partial(_found_in, old, item))
        else:
            pairs = list(old.items())
            becomes = self._pairs(pairs, saved, fresh, keys)
            self._edit(old, partial(edit_dict, old, pairs, becomes))
            for key, value in becomes:
                self._check_held(value, partial(old.get, key))
        return old

    def _replaced(self, old: Any, saved: Any, fresh: Any) -> Any:
        """Return *fresh* to replace *old*; or *old*, and leave the piece, if it was changed since it was *saved*."""
        if self._is_as_saved(old, saved):
            return fresh
        self.leave(self._path)
        return old

    def _is_as_saved(self, old: Any, saved: Any) -> bool:
        """Return whether both have the same JSON; two values that only their owner can encode count as the same."""
        if old is saved or old is MISSING or saved is MISSING:
            return old is saved
        return self._text(old) == self._text(saved)

    def _members(self, had: Mapping[str, Any], saved: Any, fresh: Any, names: Names, keys: MergeKeys) -> dict[str, Any]:
        was = state_of(saved)
        return {
            name: self._updated(had[name], was.get(name, MISSING), value, keys.at(names[name]))
            for name, value in state_of(fresh).items()
            if name in names and name in had
        }

    def _given_values(
        self, old: Any, saved: Any, fresh: Any, keys: MergeKeys, without: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return the new values of the fields of *old* that are no attributes, and that its hook takes back."""
        table = self._table(type(old))
        given = {}
        for field in table.given(but=without) if table is not None else ():
            now, was, becomes = (field.read(each) for each in (old, saved, fresh))
            self._kept_alive += [now, was, becomes]
            given[field.name] = self._updated(now, was, becomes, keys.at(field.key))
        return given

    def _call_hook(self, old: Any, given: Mapping[str, Any]) -> None:
        """Plan to call the hook that the table of *old*'s class has, if there is one, with the values *given*."""
        table = self._table(type(old))
        hook = table.restored if table is not None else None
        if hook is not None:
            self._write(lambda: hook(old, **given) is not MISSING)

    def _pairs(
        self,
        pairs: list[tuple[Any, Any]],
        saved: Mapping[Any, Any],
        fresh: Mapping[Any, Any],
        keys: MergeKeys,
    ) -> list[tuple[Any, Any]]:
        """Return the new *pairs* of a dict; in the order of *fresh* if the order is stored (an OrderedDict)."""
        had = {self._key(key): (place, key, value) for place, (key, value) in enumerate(pairs)}
        was = {self._key(key): value for key, value in saved.items()}
        is_ambiguous = len(had) != len(pairs) or len(was) != len(saved)
        if is_ambiguous:  # NaN keys are all different keys with one JSON
            if not self._is_as_saved(dict(pairs), dict(saved)):
                self.leave(self._path)
                return pairs
            was = {identity: value for identity, (_, _, value) in had.items()}
        made: list[tuple[int, tuple[Any, Any]]] = []
        for key, value in fresh.items():
            identity, token = self._key(key), key.name if isinstance(key, Enum) else str(key)
            place, former, held = had.pop(identity, (len(pairs), key, MISSING))
            new = value
            if held is not MISSING or not is_ambiguous:
                new = self._updated(held, was.get(identity, MISSING), value, keys.at(token))
            made.append((place, (former, new)))
        for identity, (place, key, held) in had.items():
            made.append((place, (key, self._updated(held, was.get(identity, MISSING), MISSING, NO_KEYS))))
        if type(fresh) is dict:
            made.sort(key=operator.itemgetter(0))
        return [pair for _, pair in made if pair[1] is not MISSING]

    def _items(self, items: list[Any], saved: list[Any], fresh: list[Any], keys: MergeKeys) -> list[Any]:
        """Return the new *items* of a list."""
        known, inner = keys.here, keys.at(ANY)
        own, base, made = ([self._json(item) for item in each] for each in (items, saved, fresh))
        if len(items) == len(saved) and all(map(self._is_as_saved, items, saved)):
            return [
                item if place is None else self._updated(items[place], saved[place], item, inner)
                for item, place in zip(fresh, _partners(own, made, known), strict=True)
            ]
        had, was, becomes = (_indexes_by_key(each, known) for each in (own, base, made))
        if had is None or was is None or becomes is None:
            self.leave(self._path)
            return items

        def at(each: Sequence[Any], place: int | None) -> Any:
            return MISSING if place is None else each[place]

        new = [
            self._updated(at(items, had.get(key)), at(saved, was.get(key)), at(fresh, becomes.get(key)), inner)
            for key in {**had, **becomes}
        ]
        return [item for item in new if item is not MISSING]

    def _json(self, value: Any) -> JSON | Absent:
        """Return the JSON of *value*; ABSENT if it can only be encoded as a part of its owner."""
        try:
            return self._codec.encode(value)
        except CodecError:
            return ABSENT

    def _key(self, key: Any) -> Any:
        """Return a value that is equal for the same dict keys only: 1, 1.0 and True are different keys."""
        if type(key) in (str, int, bool):
            return type(key), key
        return _text(self._json(key)) or id(key)

    def _text(self, value: Any) -> bytes | None:
        return None if value is MISSING else _text(self._json(value))

    # --- what may be changed in place --------------------------------------------------------------------------------

    def _must_be_replaced(self, old: Any, fresh: Any) -> bool:
        """Return whether *old* can only be replaced as a whole."""
        return id(fresh) in self._whole or id(old) in self._twice

    def _is_record(self, value: Any) -> bool:
        """Return whether *value* is an object with fields that can safely be changed in place."""
        cls = type(value)
        if self._names_in(cls) is None or is_frozen(cls) or not stored_fields.consists_of_attributes(value):
            return False
        entry = self._codec.registry.of_class(cls)
        # docstore's own classes may: an arm is hashed by its name too, which changes, so it is never kept as a key.
        return (entry is not None and entry.restore) or not _is_hashed(value)

    @cached_property
    def _twice(self) -> set[int]:
        """The ids of the objects that are in more than one place of the root."""
        seen, twice, to_visit, held = {id(self._root)}, set(), [self._root], self._held
        while to_visit:
            members = held(to_visit.pop())
            self._kept_alive.append(members)
            for member in members:
                if type(member) in _INERT:
                    continue
                key = id(member)
                if key in seen:
                    twice.add(key)
                else:
                    seen.add(key)
                    to_visit.append(member)
        return twice

    def _find_wholes(self, top: Any, names: Names | None) -> None:
        """Note the objects in *top* to replace as a whole, since their classes keep references beside the fields.

        If the root's hook makes references anew at the end, those that *top* itself keeps do not count.
        """
        state = state_of(top)
        inside = self._held(top) if names is None else [state[name] for name in names if name in state]
        above = {id(top): id(top)}
        found = [top]
        for value in found:
            for member in inside if value is top else self._held(value):
                if type(member) not in _INERT and id(member) not in above:
                    above[id(member)] = id(value)
                    found.append(member)
        self._kept_alive.append(found)
        for value in found[1:] if hasattr(type(self._root), HOOK) else found:
            reached = _reached(self._beside(value), above)
            if reached:
                self._whole.add(_first_common([_owners_of(each, above) for each in (id(value), *reached)]))

    def _held(self, value: Any) -> Iterable[Any]:
        """Return the values that are stored in *value*."""
        cls: Any = type(value)
        table = self._table(cls)
        if table is not None:
            parts = self._fields.values() if value is self._root else ()
            state = [item for name, item in state_of(value).items() if name not in table.unstored]
            return [*state, *table.values(value, but=parts).values()]
        # Each container is copied at once, since another thread may add to it.
        if cls in _MAPPINGS or cls is defaultdict:
            return [each for pair in in_memory(value) for each in pair]
        if isinstance(value, _COLLECTIONS):
            return list(value)
        names = self._names[cls] if cls in self._names else self._names_in(cls)
        if names is not None:
            if not stored_fields.slots_of(cls) and hasattr(value, "__dict__"):
                return [item for name, item in list(vars(value).items()) if name in names]
            return [item for name, item in state_of(value).items() if name in names]
        return () if isinstance(value, (Enum, type)) else state_of(value).values()

    def _beside(self, value: Any) -> list[Any]:
        """Return the values that *value* keeps beside its fields; none if a table says that they are made again."""
        names = self._names_in(type(value))
        if names is None or self._table(type(value)) is not None:
            return []
        return [item for name, item in state_of(value).items() if name not in names and name not in (CARRIED, ORIGIN)]

    def _table(self, cls: type) -> FieldTable | None:
        entry = self._codec.registry.of_class(cls)
        return entry.fields if entry is not None else None

    def _names_in(self, cls: type) -> Names | None:
        """Return the attributes of *cls* that are stored, if its objects are written and read by their fields."""
        if cls not in self._names:
            entry = self._codec.registry.of_class(cls)
            self._names[cls] = _names_of(entry) if entry is not None and entry.form == "fields" else None
        return self._names[cls]


def _names_of(entry: Entry) -> Names:
    try:
        stored = (*entry.stored_fields, *fields_beside(entry.cls))
    except (RegistryError, ValueError):  # only a user's functions know what is stored, or its constructor is in C
        return {}
    return {name: field.key for field in stored for name in field.names}


def _found_in(items: Sequence[Any], value: Any) -> Any:
    return next((item for item in list(items) if item is value), MISSING)


def _carry(source: Any, target: Any) -> bool:
    """Pass the side data of *source* on to *target*."""
    side_data.pass_on(source, target)
    return True


def _is_hashed(value: Any) -> bool:
    """Return whether *value* is hashed by what it holds, not by identity."""
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
    """Return for each item of *fresh* the index of the same item in *old*, or None for a new item."""
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
    for index, at in enumerate(_by_key_or_index(old, fresh, known)):
        if found[index] is None and at in left:
            found[index] = at
    return found


def _indexes_by_key(items: Sequence[JSON | Absent], known: Keyed | None) -> dict[Key, int] | None:
    # What has no JSON has no key.
    return known.places(cast(Sequence[JSON], items)) if known else None


def _by_key_or_index(
    old: Sequence[JSON | Absent], fresh: Sequence[JSON | Absent], known: Keyed | None
) -> list[int | None]:
    """Return for each item of *fresh* the index in *old* of the item with its key or, without keys, with its index."""
    had, has = (_indexes_by_key(items, known) for items in (old, fresh))
    if had is not None and has is not None:
        return [had.get(key) for key in has]
    return [place if len(old) == len(fresh) else None for place in range(len(fresh))]


def _reached(beside: Iterable[Any], inside: Collection[int]) -> set[int]:
    """Return which of the ids *inside* are of objects that *beside* refers to; all, if that cannot be determined."""
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
        elif not (state := state_of(value)) and gc.is_tracked(value):
            return set(inside)  # a function, say: what it refers to is not looked for
        else:
            to_visit += state.values()
    return reached


def _owners_of(value: int, above: Mapping[int, int]) -> list[int]:
    way = [value]
    while above[way[-1]] != way[-1]:
        way.append(above[way[-1]])
    return way


def _first_common(ways: Sequence[list[int]]) -> int:
    """Return the first object that is on all of *ways*."""
    shared = set(ways[0]).intersection(*ways[1:])
    return next(each for each in ways[0] if each in shared)
