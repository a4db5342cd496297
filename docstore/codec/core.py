"""Python objects to JSON values and back, exactly: the one encoding path of files and databases."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from docstore.codec import ecosystem
from docstore.codec.objects import FieldShapes, field_shapes, inside, object_shape
from docstore.codec.shapes import Plain, Shape
from docstore.codec.tagged import (
    BY_TAG,
    BY_TYPE,
    Decode,
    Encode,
    dict_encode,
    float_encode,
    int_encode,
    str_encode,
)
from docstore.entries import Entry, Registry
from docstore.errors import CodecError, DecodeError, EncodeError, RegistryError, UnknownTagError
from docstore.values import JSON, TAG, UNSAFE_TEXT, split_pointer

Unknown: TypeAlias = Literal["error", "keep", "members"]

_RESERVED: Final = frozenset(BY_TAG) | ecosystem.TAGS


@dataclass(frozen=True, slots=True)
class UnknownObject:
    """An object whose class is not registered, carried along unread; it is written back unchanged."""

    tag: str
    json: dict[str, JSON]

    def __getattr__(self, name: str) -> JSON:
        # What holds a custom metric asks for its name, also where its class is not known.
        if not name.startswith("_") and name in self.json:
            return self.json[name]
        raise AttributeError(f"{self.tag}, which is not registered, was saved without {name!r}", name=name, obj=self)


class Codec:
    """Encodes and decodes by a registry; plans for each class are made when it is first met, then kept.

    Args:
        unknown: what an unregistered tag is: an ``"error"``, something to ``"keep"`` as an ``UnknownObject``, or a
            dict of the tag and the decoded ``"members"``.
    """

    def __init__(self, registry: Registry, *, unknown: Unknown = "error") -> None:
        for entry in registry.entries:
            if entry.tag in _RESERVED:
                raise RegistryError(
                    f"the tag {entry.tag!r} of {entry.cls.__qualname__} is docstore's own. Choose another."
                )
        self.registry = registry
        self._unknown = unknown
        self._safe_keys: set[str] = set()
        self._objects: dict[type, Shape] = {}
        self._fields: dict[type, FieldShapes] = {}
        self._decoders: dict[str, Decode] = {}
        self._encoders = _Encoders(self._encoder_of)
        self._encoders |= {
            type(None): _itself,
            bool: _itself,
            int: int_encode,
            float: float_encode,
            str: _encode_str,
            list: self._encode_list,
            dict: self._encode_dict,
            UnknownObject: lambda value: deepcopy(value.json),
        }
        self._plain = Plain(self._encode, self._decode, by_type=self._encoders)

    def encode(self, value: Any) -> JSON:
        """Return the JSON value of *value*, with what JSON lacks tagged.

        Raises:
            EncodeError: something in it cannot be written exactly; with its pointer, and what to do.

        Cost:
            One visit of every value; *value* is not changed, and what is returned shares no container with it.
        """
        try:
            return self._encode(value)
        except RecursionError:
            raise EncodeError("it contains itself, or is nested too deeply to be written") from None

    def decode(self, value: JSON) -> Any:
        """Return what *value* was encoded from.

        Raises:
            DecodeError: it is not what this registry writes; with its pointer.
            UnknownTagError: it names a class that the registry lacks.
        """
        try:
            return self._decode(value)
        except RecursionError:
            raise DecodeError("nested too deeply to be read") from None

    # --- parts: items of an object's dict fields, written without the rest of it ---------------------------------

    def encode_part(self, owner: Any, pointer: str) -> JSON:
        """Return the JSON that ``encode(owner)`` has at *pointer*, ``/field/key``, without encoding anything else.

        Raises:
            KeyError: the field has no such key.
        """
        items, shape, key = self._part(owner, pointer)
        field, name = split_pointer(pointer)
        assert shape.item is not None  # a part's field is a dict by its annotation, see _part
        try:
            return shape.item.encode(items[key])
        except CodecError as error:
            error.inside(name)
            error.inside(field)
            raise

    def attribute(self, owner: type, field: str) -> str:
        """Return the attribute of *owner* that is stored as *field*."""
        return self._fields_of(owner)[field][0]

    def part(self, owner: Any, pointer: str) -> Any:
        """Return the object at *pointer* of *owner*, or None where there is none."""
        items, _, key = self._part(owner, pointer)
        return items.get(key)

    def set_part(self, owner: Any, pointer: str, value: Any) -> None:
        """Put *value* at *pointer* of *owner*. An object of the same class that stands there takes on its state."""
        items, _, key = self._part(owner, pointer)
        present = items.get(key)
        if type(present) is type(value) and hasattr(present, "__dict__"):
            present.__dict__.clear()
            present.__dict__.update(value.__dict__)
        else:
            items[key] = value

    def decode_part(self, owner: type, pointer: str, value: JSON) -> Any:
        """Return the object that *value* spells at *pointer* of an instance of *owner*."""
        shape = self._part_shape(owner, split_pointer(pointer)[0])[1]
        assert shape.item is not None  # as above
        return shape.item.decode(value)

    def drop_part(self, owner: Any, pointer: str) -> None:
        """Take what stands at *pointer* out of *owner*."""
        items, _, key = self._part(owner, pointer)
        items.pop(key, None)

    def _part(self, owner: Any, pointer: str) -> tuple[dict[Any, Any], Shape, Any]:
        field, key = split_pointer(pointer)
        attribute, shape = self._part_shape(type(owner), field)
        assert shape.key_decode is not None  # as above
        return getattr(owner, attribute), shape, shape.key_decode(key)

    def _part_shape(self, owner: type, field: str) -> tuple[str, Shape]:
        attribute, shape = self._fields_of(owner).get(field, ("", self._plain))
        if shape.item is None:
            raise RegistryError(
                f"{owner.__qualname__} has no dict field stored as {field!r} to take parts from; annotate it as "
                f"dict[int, ...] or dict[str, ...]."
            )
        return attribute, shape

    def _fields_of(self, cls: type) -> FieldShapes:
        if cls not in self._fields:
            self._fields[cls] = field_shapes(cls, self._plain)
        return self._fields[cls]

    # --- encoding ------------------------------------------------------------------------------------------------

    def _encode(self, value: Any) -> JSON:
        return self._encoders[type(value)](value)

    def _encode_list(self, value: list[Any]) -> JSON:
        items: list[JSON] = []
        append, encoders = items.append, self._encoders
        try:
            for item in value:
                append(encoders[type(item)](item))
        except (CodecError, RecursionError) as error:
            raise inside(error, str(len(items))) from None
        return items

    def _encode_dict(self, value: dict[Any, Any]) -> JSON:
        members: dict[str, JSON] = {}
        encoders, safe, key = self._encoders, self._safe_keys, ""
        try:
            for key, item in value.items():
                if type(key) is not str or (key not in safe and not self._is_safe(key)):
                    break
                members[key] = encoders[type(item)](item)
            else:
                return members
        except (CodecError, RecursionError) as error:
            raise inside(error, key) from None
        return dict_encode(value, self._encode, members)

    def _is_safe(self, key: str) -> bool:
        if key == TAG or UNSAFE_TEXT.search(key):
            return False
        if len(self._safe_keys) < 10_000:
            self._safe_keys.add(key)
        return True

    def _encoder_of(self, cls: type) -> Encode:
        entry = self.registry.of_class(cls)
        if entry is not None:
            encoder = self._object(entry).encode
        elif row := BY_TYPE.get(cls) or ecosystem.tagged_type(cls):
            tag, members = row.tag, row.encode
            encoder = lambda value: {**members(value, self._encode), TAG: tag}  # noqa: E731  # a def would need a name for what has none
        else:
            raise EncodeError(
                f"{cls.__module__}.{cls.__qualname__} cannot be written exactly. {self.registry.remedy(cls)}"
            )
        return encoder

    def _object(self, entry: Entry) -> Shape:
        if entry.cls not in self._objects:
            self._objects[entry.cls] = object_shape(entry, self._plain)
        return self._objects[entry.cls]

    # --- decoding ------------------------------------------------------------------------------------------------

    def _decode(self, value: JSON) -> Any:
        if type(value) is dict:
            if TAG in value:
                return self._decode_tagged(value)
            return self._decode_dict(value)
        if type(value) is list:
            items: list[Any] = []
            append, decode = items.append, self._decode
            try:
                for item in value:
                    append(decode(item) if type(item) is dict or type(item) is list else item)
            except CodecError as error:
                error.inside(str(len(items)))
                raise
            return items
        return value

    def _decode_dict(self, value: dict[str, JSON]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        decode, key = self._decode, ""
        try:
            for key, item in value.items():
                members[key] = decode(item) if type(item) is dict or type(item) is list else item
        except CodecError as error:
            error.inside(key)
            raise
        return members

    def _decode_tagged(self, value: dict[str, JSON]) -> Any:
        tag = value[TAG]
        if type(tag) is not str:
            raise DecodeError(f"{TAG!r} should name a class, and is {tag!r:.80}")
        decode = self._decoders.get(tag)
        if decode is None:
            decode = self._decoders[tag] = self._decoder_of(tag)
        return decode(value)

    def _decoder_of(self, tag: str) -> Decode:
        entry = self.registry.of_tag(tag)
        if entry is not None:
            return self._object(entry).decode
        row = BY_TAG.get(tag) or ecosystem.tagged_name(tag)
        if row is not None:
            members = row.decode
            return lambda value: members(value, self._decode)  # type: ignore[arg-type]  # a tagged value is a dict
        if self._unknown == "keep":
            return lambda value: UnknownObject(tag, value)  # type: ignore[arg-type]  # as above
        if self._unknown == "members":
            return lambda value: self._decode_dict(value)  # type: ignore[arg-type]  # as above
        raise UnknownTagError(tag)


class _Encoders(dict[type, Encode]):
    """The encoder of each type, found when the type is first met."""

    def __init__(self, find: Callable[[type], Encode]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, cls: type) -> Encode:
        encode = self[cls] = self._find(cls)
        return encode


def _itself(value: Any) -> JSON:
    return value  # type: ignore[no-any-return]  # None or a bool


def _encode_str(value: str) -> JSON:
    return value if value.isascii() and "\0" not in value else str_encode(value)
