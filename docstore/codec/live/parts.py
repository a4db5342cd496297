"""Parts of an object, the items of its dict and list fields: encoded, decoded, found and replaced one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Final

from docstore.codec.classes.class_fields import MISSING
from docstore.codec.core import Codec
from docstore.codec.live.edits import replace_item, replace_slice
from docstore.codec.values.by_annotation import Shape
from docstore.documents.canonical import JSON, TAG, join_pointer, split_pointer
from docstore.errors import CodecError, InvalidValueError, RegistryError
from docstore.model.part_dict import PartDict, peek

_DICTS: Final = (dict, PartDict)


class Parts:
    """The parts of objects by their pointers, ``/field/key``; the key of a list's item is its index."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def encode(self, owner: Any, pointer: str) -> JSON:
        """Return the JSON that an encoding of *owner* has at *pointer*, without encoding anything else.

        Raises:
            LookupError: the field has no such key.
        """
        items, shape, key = self._place(owner, pointer)
        field, name = split_pointer(pointer)
        assert shape.item is not None  # see _shape
        try:
            return shape.item.encode(peek(items, key))
        except CodecError as error:
            error.inside(name)
            error.inside(field)
            raise

    def get(self, owner: Any, pointer: str, default: Any = None) -> Any:
        """Return the object at *pointer* of *owner*, or *default* if there is none."""
        items, _, key = self._place(owner, pointer)
        try:
            return items[key]
        except LookupError:
            return default

    def container(self, owner: Any, field: str) -> JSON:
        """Return ``{}`` or ``[]``: the value of *field* in the head, if its items are parts.

        Raises:
            InvalidValueError: its present value is written otherwise, so its items are no parts.
        """
        attribute, shape = self._shape(type(owner), field)
        held = getattr(owner, attribute)
        written = shape.encode(dict.fromkeys(held)) if type(held) in _DICTS else [] if type(held) is list else None
        if isinstance(written, list) or (isinstance(written, dict) and TAG not in written):
            return [] if isinstance(written, list) else {}
        raise InvalidValueError(
            f"{type(owner).__qualname__}.{attribute}",
            type(held),
            "Its items are parts only in a plain dict with keys as annotated, or in a plain list. Use save().",
        )

    def alias_among(self, owner: type, pointer: str, others: Iterable[str]) -> str | None:
        """Return the one of *others*, pointers of the same field, whose key is a former name of this pointer's key."""
        decode = self._shape(owner, split_pointer(pointer)[0])[1].key_decode
        assert decode is not None  # see _shape
        key = decode(split_pointer(pointer)[1])
        if not isinstance(key, Enum):
            return None
        for other in others:
            with suppress(CodecError, ValueError):
                if decode(split_pointer(other)[1]) is key:
                    return other
        return None

    def pointers_of(self, owner: Any, field: str, part: Any) -> list[str]:
        """Return the pointers in *field* at which *part* is the very object, not an equal one.

        Cost:
            A look at every item.
        """
        items = getattr(owner, self._codec.attribute(type(owner), field))
        pairs = list(items.items() if isinstance(items, dict) else enumerate(items or ()))
        return [join_pointer((field, _token(key))) for key, item in pairs if item is part]

    def replace(self, owner: Any, pointer: str, former: Any, value: Any) -> bool:
        """Replace *former* at *pointer* of *owner* by *value*; MISSING stands for no item.

        Return False, and change nothing, if something else is there by now; in a list, also if an item to be removed is
        not the last one, or one to be added would not be.
        """
        items, _, key = self._place(owner, pointer)
        if not isinstance(items, list):
            return replace_item(items, key, former, value)
        is_at_its_end = key == len(items) - (former is not MISSING)
        if (former is MISSING or value is MISSING) and not is_at_its_end:
            return False
        removed, added = ([] if each is MISSING else [each] for each in (former, value))
        return replace_slice(items, key, removed, added)

    def move(self, owner: Any, field: str, keys: Mapping[int, int], free: Iterator[int]) -> dict[int, int]:
        """Move the items of the dict *field* of *owner* to other *keys*, all at once; nothing if it is no dict.

        An item at one of the new keys that is not moved itself, since another thread just put it there, gets a *free*
        key. Nothing is ever overwritten: after an interrupt, an item may be there twice, but none is lost.

        Returns:
            The new keys of items that made room, by their old ones.
        """
        items = getattr(owner, self._codec.attribute(type(owner), field))
        if type(items) not in _DICTS:
            return {}
        room: dict[int, int] = {}
        waiting = {key: keys[key] for key in sorted(keys) if key in items}
        while waiting:
            # The last first, as mostly each moves to the key of the next. In a circle, one gets a free key meanwhile.
            key = next((key for key in reversed(waiting) if waiting[key] not in waiting), None)
            if key is None:
                key, goal = waiting.popitem()
                waiting[_put(items, items[key], free)] = goal
            else:
                goal = waiting.pop(key)
                other = items.setdefault(goal, items[key])
                if other is not items[key]:
                    room[goal] = _put(items, other, free)
                    items[goal] = items[key]
            del items[key]
        return room

    def decode(self, owner: type, pointer: str, value: JSON) -> Any:
        """Return the object that *value* decodes to as the part at *pointer* of an instance of *owner*."""
        shape = self._shape(owner, split_pointer(pointer)[0])[1]
        assert shape.item is not None  # see _shape
        return shape.item.decode(value)

    def _place(self, owner: Any, pointer: str) -> tuple[Any, Shape, Any]:
        field, key = split_pointer(pointer)
        attribute, shape = self._shape(type(owner), field)
        assert shape.key_decode is not None  # see _shape
        return getattr(owner, attribute), shape, shape.key_decode(key)

    def _shape(self, owner: type, field: str) -> tuple[str, Shape]:
        shape = self._codec.fields_of(owner).get(field)
        if shape is None or shape[1].item is None:
            raise RegistryError(
                f"{owner.__qualname__} has no dict or list field stored as {field!r} to take parts from; annotate it "
                f"as dict[int, ...], dict[str, ...] or list[...]."
            )
        return shape


def _token(key: Any) -> str | int:
    return key.name if isinstance(key, Enum) else key


def _put(items: dict[Any, Any], item: Any, free: Iterator[int]) -> int:
    """Put *item* under the next *free* key that no other thread has taken meanwhile, and return the key."""
    return next(key for key in free if items.setdefault(key, item) is item)
