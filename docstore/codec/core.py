"""The codec: Python objects to JSON values and back, exactly; files and databases both use it."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from math import copysign
from typing import Any, Final, Literal, TypeAlias

from docstore.codec import round_trip, upcast
from docstore.codec.classes.objects import class_encode, custom_decode, object_shape
from docstore.codec.classes.records import FieldShapes, field_shapes, without_values
from docstore.codec.classes.storable import TAKE_OUT, why_not_restorable
from docstore.codec.errors_at import REFUSALS, raise_in_dict, raise_in_list
from docstore.codec.registry import Entry, Registry
from docstore.codec.side_data import carried_by
from docstore.codec.values import optional_types
from docstore.codec.values.by_annotation import Plain, Shape
from docstore.codec.values.tags import (
    BY_TAG,
    BY_TYPE,
    FLOAT_LIMIT,
    INT_MAX,
    INT_MIN,
    Decode,
    Encode,
    Tagged,
    dict_encode,
    float_encode,
    int_encode,
    str_encode,
)
from docstore.documents.canonical import COMPATIBLE, JSON, SCHEMA, TAG, UNSAFE_TEXT, dumps, same_json
from docstore.documents.kinds import AX, class_name
from docstore.errors import (
    CodecError,
    DecodeError,
    EncodeError,
    NewerSchemaError,
    RegistryError,
    UnknownTagError,
    short_repr,
)
from docstore.model.lazy_part_dict import LazyPartDict
from docstore.model.part_dict import PartDict

Unknown: TypeAlias = Literal["error", "keep", "members"]

_REMEMBERED: Final = 10_000
_TRIES: Final = 20
"""How often the encoding of an object is tried that another thread changes meanwhile."""

_SHORT: Final = 255
"""The longest key or tag that a codec remembers; it remembers up to ``_REMEMBERED`` of them."""

_CONTAINERS: Final = frozenset({dict, list})
"""The types of JSON values that hold others."""

_HASHED: Final = frozenset({set, frozenset, dict, OrderedDict, defaultdict})
RESERVED_TAGS: Final = frozenset(BY_TAG) | optional_types.TAGS
"""The tags of docstore's own types, which no registered class can have."""


@dataclass(frozen=True, slots=True, eq=False)
class UnknownObject:
    """An object whose class is not registered: its JSON is kept as it is, and written back unchanged."""

    tag: str
    json: dict[str, JSON]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnknownObject) and same_json(self.json, other.json)

    def __hash__(self) -> int:
        # It may be an item of a set, as the object itself was.
        return hash(dumps(self.json))

    def __getattr__(self, name: str) -> JSON:
        # The owner of a custom metric asks for its name, even if the metric's class is not registered.
        if not name.startswith("_") and name in self.json:
            return self.json[name]
        raise AttributeError(f"{self.tag}, which is not registered, was saved without {name!r}", name=name, obj=self)


class Codec:
    """Encodes and decodes values by a registry; how a class is encoded is worked out once, at its first instance.

    Args:
        unknown: what to do with an unregistered tag: raise an ``"error"``, ``"keep"`` the object as an
            ``UnknownObject``, or return a dict of the tag and the decoded ``"members"``.
        compares: whether to check that an object of a class with code of its own survives a round trip; see
            ``round_trip``.
    """

    def __init__(self, registry: Registry, *, unknown: Unknown = "error", compares: bool = True) -> None:
        check_usable(registry)
        self.registry = registry
        self._unknown, self._compares = unknown, compares
        self._safe_keys: set[str] = set()
        self._objects: dict[type, Shape] = {}
        self._fields: dict[type, FieldShapes] = {}
        self._heads: dict[type, Encode] = {}
        self._decoders: dict[str, Decode] = {}
        self._numbered: dict[str, Decode] = {}
        self._encoders = _Encoders(self._encoder_of)
        self._encoders |= {
            type(None): _itself,
            bool: _itself,
            int: int_encode,
            float: float_encode,
            str: _encode_str,
            list: self._encode_list,
            dict: self._encode_dict,
            PartDict: self._encode_dict,
            LazyPartDict: self._encode_dict,
        }
        self._plain = Plain(
            self._encode, self._decode, by_type=self._encoders, renamed=self._renamed, with_stand_in=self._with_stand_in
        )

    def encode(self, value: Any) -> JSON:
        """Return the JSON value of *value*; types that JSON lacks are tagged. The two share no container.

        Raises:
            EncodeError: something in it cannot be written exactly, or would not be decoded to the same value; with
                its pointer and the remedy.

        Cost:
            One visit of every value, and a ``RoundTrip`` of objects whose class has code of its own.
        """
        try:
            return retry_if_changed(lambda: self._encode(value))
        except RecursionError:
            raise EncodeError("it contains itself, or is nested too deeply to be written") from None

    def encode_without(self, value: Any, fields: Collection[str]) -> dict[str, JSON]:
        """Return the JSON of *value*, of a class that is written by its fields, with ``{}`` for these *fields*.

        They hold dicts, of which nothing is read. They are the same for all objects of one class.

        Raises:
            EncodeError: as ``encode``.
        """
        cls = type(value)
        encoder = self._heads.get(cls)
        if encoder is None:
            entry = self.registry.of_class(cls)
            assert entry is not None  # the caller has looked
            encoder = without_values(entry, self._plain, fields)
            self._heads[cls] = upcast.writing(entry, encoder) if entry.schema > 1 else encoder
        try:
            found = retry_if_changed(lambda: encoder(value))
        except RecursionError:
            raise EncodeError("it contains itself, or is nested too deeply to be written") from None
        assert isinstance(found, dict)  # a record is
        return found

    def decode(self, value: JSON) -> Any:
        """Return the object that *value* was encoded from.

        Raises:
            DecodeError: it is not what this registry writes; with its pointer.
            UnknownTagError: it names a class that the registry lacks.
        """
        try:
            return self._decode(value)
        except RecursionError:
            raise DecodeError("nested too deeply to be read") from None

    @cached_property
    def uncompared(self) -> Codec:
        """A codec of the same registry without the round-trip check; it keeps unregistered objects."""
        return Codec(self.registry, unknown="keep", compares=False)

    def frame(self, value: Any) -> dict[str, JSON]:
        """Return the tag and the schema numbers that *value*, an object of a registered class, is written with."""
        entry = self.registry.of_class(type(value))
        assert entry is not None  # the caller has looked
        carried = carried_by(value)
        carried = {key: carried[key] for key in (SCHEMA, COMPATIBLE) if key in carried}
        return {TAG: entry.tag, **upcast.numbers(entry), **carried}

    def attribute(self, owner: type, field: str) -> str:
        """Return the attribute of *owner* that is stored as *field*."""
        return self.fields_of(owner)[field][0]

    def fields_of(self, cls: type) -> FieldShapes:
        """Return the attribute and the shape of each stored field of *cls*, by its key."""
        if cls not in self._fields:
            entry = self.registry.of_class(cls)
            self._fields[cls] = field_shapes(Entry(cls, cls.__name__) if entry is None else entry, self._plain)
        return self._fields[cls]

    @cached_property
    def optional_members(self) -> Mapping[str, frozenset[str]]:
        """The members, by tag, that an object is written without if they are None.

        They are the fields of docstore's own classes whose default is None, and those of which a table says so; Ax's
        classes, which need not be registered here, have those of docstore's. Other classes have no such members: their
        defaults may change, and a member that is missing would then be read as another value.
        """
        own = [entry for entry in self.registry.entries if entry.omits_none or entry.fields is not None]
        found = {tag: entry.optional_keys for entry in own for tag in entry.tags}
        of_model = {tag: found[tag] for entry in own if entry.omits_none for tag in entry.tags}
        return {f"{AX}{class_name(tag)}": members for tag, members in of_model.items()} | found

    # --- encoding ------------------------------------------------------------------------------------------------

    def _encode(self, value: Any) -> JSON:
        return self._encoders[type(value)](value)

    def _encode_list(self, value: list[Any]) -> JSON:
        items: list[JSON] = []
        append, encoders = items.append, self._encoders
        try:
            for item in value:
                cls = type(item)
                if (  # as in values/tags, which decides what is plain; without a call
                    (cls is float and -FLOAT_LIMIT < item < FLOAT_LIMIT and (item or copysign(1.0, item) > 0.0))
                    or (cls is str and item.isascii() and "\0" not in item)
                    or (cls is int and INT_MIN <= item <= INT_MAX)
                    or item is None
                    or cls is bool
                ):
                    append(item)
                else:
                    append(encoders[cls](item))
        except (CodecError, RecursionError) as error:
            raise_in_list(error, value, len(items), self._encode)
        return items

    def _encode_dict(self, value: dict[Any, Any]) -> JSON:
        members: dict[str, JSON] = {}
        encoders, safe, key = self._encoders, self._safe_keys, ""
        try:
            # Copied at once, since another thread may add to it.
            for key, item in list(value.items()):
                if type(key) is not str or (key not in safe and not self._is_safe(key)):
                    break
                cls = type(item)
                if (  # as in values/tags, which decides what is plain; without a call
                    (cls is float and -FLOAT_LIMIT < item < FLOAT_LIMIT and (item or copysign(1.0, item) > 0.0))
                    or (cls is str and item.isascii() and "\0" not in item)
                    or (cls is int and INT_MIN <= item <= INT_MAX)
                    or item is None
                    or cls is bool
                ):
                    members[key] = item
                else:
                    members[key] = encoders[cls](item)
            else:
                return members
        except (CodecError, RecursionError) as error:
            raise_in_dict(error, value, len(members), key, self._encode_dict)
        return dict_encode(value, self._encode, members)

    def _is_safe(self, key: str) -> bool:
        if key == TAG or UNSAFE_TEXT.search(key):
            return False
        if len(self._safe_keys) < _REMEMBERED and len(key) <= _SHORT:
            self._safe_keys.add(key)
        return True

    def _encoder_of(self, cls: type) -> Encode:
        entry = self.registry.of_class(cls)
        if entry is not None:
            encoder = self._object(entry).encode
            if entry.schema > 1:
                encoder = upcast.writing(entry, encoder)
            if self._compares and round_trip.is_needed(entry):
                encoder = round_trip.RoundTrip(entry, encoder, self.uncompared).encode
        elif issubclass(cls, UnknownObject):
            encoder = lambda value: deepcopy(value.json)  # noqa: E731  # as below
        elif issubclass(cls, type):
            encoder = class_encode(self.registry, self._plain)
        elif row := BY_TYPE.get(cls) or optional_types.tagged_type(cls):
            tag, members = row.tag, row.encode
            encoder = lambda value: {**members(value, self._encode), TAG: tag}  # noqa: E731  # a def would only add a name
        else:
            raise self._refusal(cls)
        return encoder

    def _refusal(self, cls: type) -> EncodeError:
        refused, name = why_not_restorable(cls), f"{cls.__module__}.{cls.__qualname__}"
        if refused is None:
            return EncodeError(f"{name} cannot be written exactly. {self.registry.remedy(cls)}")
        says_so = "cannot be written exactly" in refused.problem
        problem = refused.problem if says_so else f"{name} cannot be written exactly: {refused.problem}"
        return EncodeError(f"{problem}. {refused.remedy or TAKE_OUT}.")

    def _object(self, entry: Entry) -> Shape:
        if entry.cls not in self._objects:
            self._objects[entry.cls] = object_shape(entry, self._plain)
        return self._objects[entry.cls]

    # --- decoding ------------------------------------------------------------------------------------------------

    def _decode(self, value: JSON) -> Any:
        if type(value) is dict:
            if TAG not in value:
                return self._decode_dict(value)
            decode = None if SCHEMA in value or type(value[TAG]) is not str else self._decoders.get(value[TAG])
            return self._decode_tagged(value) if decode is None else decode(value)
        if type(value) is list:
            if _CONTAINERS.isdisjoint(map(type, value)):
                return value.copy()
            items: list[Any] = []
            append, decode = items.append, self._decode
            try:
                for item in value:
                    append(decode(item) if type(item) is dict or type(item) is list else item)
            except CodecError as error:
                raise_in_list(error, value, len(items), decode)
            return items
        return value

    def _decode_dict(self, value: dict[str, JSON]) -> dict[str, Any]:
        if _CONTAINERS.isdisjoint(map(type, value.values())):
            return value.copy()
        members: dict[str, Any] = {}
        decode, key = self._decode, ""
        try:
            for key, item in value.items():
                members[key] = decode(item) if type(item) is dict or type(item) is list else item
        except CodecError as error:
            raise_in_dict(error, value, len(members), key, self._decode_dict)
        return members

    def _decode_tagged(self, value: dict[str, JSON]) -> Any:
        tag = value[TAG]
        if type(tag) is not str:
            raise DecodeError(f"{TAG!r} should name a class, and is {short_repr(tag)}")
        decoders = self._numbered if SCHEMA in value else self._decoders
        decode = decoders.get(tag)
        if decode is None:
            decode = self._decoder_of(tag, numbered=SCHEMA in value)
            if len(decoders) < _REMEMBERED and len(tag) <= _SHORT:  # a document may have any number of unknown tags
                decoders[tag] = decode
        return decode(value)

    def _decoder_of(self, tag: str, *, numbered: bool) -> Decode:
        entry = self.registry.of_tag(tag)
        if entry is not None:
            return self._reader_of(entry) if numbered or entry.schema > 1 else self._object(entry).decode
        if decoder := self.registry.class_decoder(tag):
            return custom_decode(decoder, tag, self._plain)
        row = BY_TAG.get(tag) or optional_types.tagged_name(tag)
        if row is not None:
            return self._value_decoder(row)
        if self._unknown == "keep":
            return lambda value: UnknownObject(tag, value)  # type: ignore[arg-type]  # as above
        if self._unknown == "members":
            return lambda value: self._decode_dict(value)  # type: ignore[arg-type]  # as above
        self.registry.library_of_tag(tag)  # that it is not installed is another error
        raise UnknownTagError(tag)

    def _value_decoder(self, row: Tagged) -> Decode:
        names = frozenset(row.members.replace("|", " ").split())
        one_of = frozenset(next((each for each in row.members.split() if "|" in each), "").split("|"))
        known, hashed = names | {TAG}, self._unknown == "members" and row.type in _HASHED

        def decode(value: JSON) -> Any:
            assert isinstance(value, dict)  # a tagged value is
            if not value.keys() <= known:
                extra = min(value.keys() - known)
                raise DecodeError(
                    f"a value tagged {row.tag!r} has the member {short_repr(extra)}, which would be lost; its members "
                    f"are {', '.join(sorted(names)) or 'none'}"
                )
            if len(value) > 2 and len(both := one_of.intersection(value)) > 1:
                raise DecodeError(
                    f"a value tagged {row.tag!r} has the members {' and '.join(sorted(both))}, and one would be lost"
                )
            return self._decode_hashed(row, value) if hashed else row.decode(value, self._decode)

        return decode

    def _decode_hashed(self, row: Tagged, value: dict[str, JSON]) -> Any:
        """Return a set or a dict; or its decoded members, if it holds objects that are read as dicts (unhashable)."""
        # The items are decoded once: twice for each level would take exponential time for sets in sets.
        members = self._decode_dict(value)
        try:
            return row.decode(members, _itself)
        except DecodeError as error:
            if isinstance(error.__cause__, TypeError):
                return members
            raise

    def _reader_of(self, entry: Entry) -> Decode:
        """Return a decoder of objects of any schema."""
        read = upcast.reading(self.registry, entry, self._object(entry).decode, lambda: self._keys_of(entry))
        if self._unknown != "keep":
            return read

        def read_or_keep(value: JSON) -> Any:
            try:
                return read(value)
            except NewerSchemaError as error:
                if error.pointer:
                    raise
                assert isinstance(value, dict)  # a tagged value is
                return UnknownObject(entry.tag, value)

        return read_or_keep

    def _keys_of(self, entry: Entry) -> Collection[str] | None:
        return None if entry.decode is not None else self.fields_of(entry.cls)

    def _with_stand_in(self, cls: type) -> Decode | None:
        """Return the decoder for an annotation that names *cls*, if something stands for an unregistered subclass."""
        entry = self.registry.of_class(cls)
        make = entry.stand_in if entry is not None and self._unknown == "keep" else None
        if make is None:
            return None

        def decode(value: JSON) -> Any:
            kept = self._decode(value)
            if type(kept) is not UnknownObject:
                return kept
            shapes = {key: shape for key, shape in self.fields_of(cls).items() if key in kept.json}
            try:
                members = {name: shape.decode(kept.json[key]) for key, (name, shape) in shapes.items()}
                return make(kept.tag, kept.json, members)
            except REFUSALS:  # it lacks the members of its base: a user's function wrote it otherwise
                return kept

        return decode

    def _renamed(self, cls: type) -> Mapping[str, str] | None:
        entry = self.registry.of_class(cls)
        if entry is None:
            return {}
        return None if entry.form == "functions" else entry.renamed


def check_usable(registry: Registry) -> None:
    """Check that a codec can write and read by *registry*.

    Raises:
        RegistryError: a class has a tag of docstore's own, or lacks an upcast, or has one too many.
    """
    for tag in (*(tag for entry in registry.entries for tag in entry.tags), *registry.class_decoders):
        if tag in RESERVED_TAGS:
            raise RegistryError(f"the tag {tag!r} is docstore's own, and can name no class of yours. Choose another.")
    registry.check_upcasts()


def retry_if_changed(encode: Callable[[], JSON]) -> JSON:
    """Call *encode*, again if another thread added or removed items of a container during the iteration over it.

    Raises:
        EncodeError: this happened each time.
    """
    for _ in range(_TRIES):
        try:
            return encode()
        except (RuntimeError, EncodeError) as error:
            # docstore's own encoders copy each container first; a user's encoder may iterate over it.
            if "during iteration" not in str(error.__cause__ or error):
                raise
            last = error
    raise EncodeError(f"it was changed while it was written, {_TRIES} times in a row ({last})") from last


class _Encoders(dict[type, Encode]):
    """The encoder of each type, made at the first value of the type."""

    def __init__(self, find: Callable[[type], Encode]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, cls: type) -> Encode:
        encode = self[cls] = self._find(cls)
        return encode


def _itself(value: Any) -> JSON:
    return value  # type: ignore[no-any-return]  # None or a bool


def _encode_str(value: str) -> JSON:
    # As in values/tags, which decides what is plain; without a search.
    return value if value.isascii() and "\0" not in value else str_encode(value)
