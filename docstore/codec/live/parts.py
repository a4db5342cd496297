"""Parts of an object, the items of its dict and list fields: encoded, decoded, found and replaced one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Final

from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.part_holders import PartHolder
from docstore.codec.core import Codec
from docstore.codec.live.edits import replace_item, replace_slice
from docstore.codec.values.by_annotation import Shape
from docstore.documents.canonical import JSON, TAG, join_pointer, split_pointer
from docstore.errors import CodecError, InvalidValueError, RegistryError
from docstore.model.lazy_part_dict import PART_DICTS
from docstore.model.part_dict import in_memory, peek

_DICTS: Final = (dict, *PART_DICTS)


class Items(PartHolder):
    """Holds parts as the items of a dict or a list in one attribute; the key of a list's item is its index."""

    def __init__(self, attribute: str) -> None:
        self._attribute = attribute

    def of(self, owner: Any) -> Any:
        """Return the dict or the list."""
        return getattr(owner, self._attribute)

    def keys(self, owner: Any) -> list[Any]:
        items = self.of(owner)
        return list(items if isinstance(items, dict) else range(len(items or ())))

    def get(self, owner: Any, key: Any) -> Any:
        return self.of(owner)[key]

    def replace(self, owner: Any, key: Any, former: Any, value: Any) -> bool:
        """Replace an item; also False in a list if one to be removed is not the last, or one added would not be."""
        items = self.of(owner)
        if not isinstance(items, list):
            return replace_item(items, key, former, value)
        is_at_its_end = key == len(items) - (former is not MISSING)
        if (former is MISSING or value is MISSING) and not is_at_its_end:
            return False
        removed, added = ([] if each is MISSING else [each] for each in (former, value))
        return replace_slice(items, key, removed, added)


class Parts:
    """The parts of objects by their pointers, ``/field/key``."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def encode(self, owner: Any, pointer: str) -> JSON:
        """Return the JSON that an encoding of *owner* has at *pointer*, without encoding anything else.

        Raises:
            LookupError: the field has no such key.
        """
        holder, shape, key = self._place(owner, pointer)
        field, name = split_pointer(pointer)
        assert shape.item is not None  # see _shape
        part = peek(holder.of(owner), key) if isinstance(holder, Items) else holder.get(owner, key)
        try:
            return shape.item.encode(part)
        except CodecError as error:
            error.inside(name)
            error.inside(field)
            raise

    def get(self, owner: Any, pointer: str, default: Any = None) -> Any:
        """Return the object at *pointer* of *owner*, or *default* if there is none."""
        holder, _, key = self._place(owner, pointer)
        try:
            return holder.get(owner, key)
        except LookupError:
            return default

    def are_made_anew(self, owner: type, field: str) -> bool:
        """Return whether the parts in *field* are made of what *owner* holds each time, and are not held themselves."""
        return not isinstance(self._holder(owner, field), Items)

    def are_filled_backwards(self, owner: type, field: str) -> bool:
        """Return whether, of several parts in *field*, those of the greatest keys are to be replaced first."""
        return self._holder(owner, field).is_filled_backwards

    def container(self, owner: Any, field: str) -> JSON:
        """Return ``{}`` or ``[]``: the value of *field* in the head, if its items are parts.

        Raises:
            InvalidValueError: its present value is written otherwise, so its items are no parts.
        """
        shape = self._shape(type(owner), field)[1]
        holder = self._holder(type(owner), field)
        if not isinstance(holder, Items):
            return {}
        held = holder.of(owner)
        written = shape.encode(dict.fromkeys(held)) if type(held) in _DICTS else [] if type(held) is list else None
        if isinstance(written, list) or (isinstance(written, dict) and TAG not in written):
            return [] if isinstance(written, list) else {}
        raise InvalidValueError(
            f"{type(owner).__qualname__}.{self._codec.attribute(type(owner), field)}",
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
        holder = self._holder(type(owner), field)
        if isinstance(holder, Items):
            items = holder.of(owner)
            # Nothing is handed out, so nothing is touched; what was not read yet is not the part.
            pairs = in_memory(items) if isinstance(items, dict) else list(enumerate(items or ()))
        else:
            pairs = holder.items(owner)
        return [join_pointer((field, _token(key))) for key, item in pairs if item is part]

    def numbers(self, owner: Any, field: str) -> set[int]:
        """Return the integers that are keys of parts in *field*; none for a list, whose keys are places."""
        holder = self._holder(type(owner), field)
        if isinstance(holder, Items) and not isinstance(holder.of(owner), dict):
            return set()
        return {key for key in holder.keys(owner) if type(key) is int}

    def replace(self, owner: Any, pointer: str, former: Any, value: Any) -> bool:
        """Replace *former* at *pointer* of *owner* by *value*; MISSING stands for no item.

        Return False, and change nothing, if something else is there by now; see ``Items.replace`` for a list.
        """
        holder, _, key = self._place(owner, pointer)
        return holder.replace(owner, key, former, value)

    def move(self, owner: Any, field: str, keys: Mapping[int, int], free: Iterator[int]) -> dict[int, int]:
        """Move the parts in *field* of *owner* to other *keys*, all at once; nothing if they are in a list.

        A part at one of the new keys that is not moved itself, since another thread just put it there, gets a *free*
        key. Nothing is ever overwritten: after an interrupt, a part may be there twice, but none is lost.

        Returns:
            The new keys of parts that made room, by their old ones.
        """
        holder = self._holder(type(owner), field)
        if isinstance(holder, Items) and type(holder.of(owner)) not in _DICTS:
            return {}
        room: dict[int, int] = {}
        present = self.numbers(owner, field)
        waiting = {key: keys[key] for key in sorted(keys) if key in present}
        while waiting:
            # The last first, as mostly each moves to the key of the next. In a circle, one gets a free key meanwhile.
            key = next((key for key in reversed(waiting) if waiting[key] not in waiting), None)
            if key is None:
                key, goal = waiting.popitem()
                part = holder.get(owner, key)
                waiting[_put(holder, owner, part, free)] = goal
            else:
                goal, part = waiting.pop(key), holder.get(owner, key)
                if not holder.replace(owner, goal, MISSING, part):
                    other = holder.get(owner, goal)
                    room[goal] = _put(holder, owner, other, free)
                    holder.replace(owner, goal, other, part)
            holder.replace(owner, key, part, MISSING)
        return room

    def decode(self, owner: type, pointer: str, value: JSON) -> Any:
        """Return the object that *value* decodes to as the part at *pointer* of an instance of *owner*."""
        shape = self._shape(owner, split_pointer(pointer)[0])[1]
        assert shape.item is not None  # see _shape
        return shape.item.decode(value)

    def _place(self, owner: Any, pointer: str) -> tuple[PartHolder, Shape, Any]:
        field, key = split_pointer(pointer)
        shape = self._shape(type(owner), field)[1]
        assert shape.key_decode is not None  # see _shape
        return self._holder(type(owner), field), shape, shape.key_decode(key)

    def _holder(self, owner: type, field: str) -> PartHolder:
        entry = self._codec.registry.of_class(owner)
        own = entry.part_holders.get(field) if entry is not None else None
        return Items(self._codec.attribute(owner, field)) if own is None else own

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


def _put(holder: PartHolder, owner: Any, part: Any, free: Iterator[int]) -> int:
    """Put *part* under the next *free* key that no other thread has taken meanwhile, and return the key."""
    return next(key for key in free if holder.replace(owner, key, MISSING, part))
