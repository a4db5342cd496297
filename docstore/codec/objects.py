"""How the objects of a registered class are written and read: by its own encoder, as an enum, or field by field."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, Flag
from typing import Any, Final, TypeAlias

from docstore.codec import fields
from docstore.codec.shapes import Plain, Shape, shape_of
from docstore.codec.tagged import int_encode
from docstore.entries import Decoder, Encoder, Entry
from docstore.errors import CodecError, DecodeError, EncodeError
from docstore.values import JSON, TAG

FieldShapes: TypeAlias = "dict[str, tuple[str, Shape]]"
"""By stored key: the attribute, and the shape of its annotation."""

_REFUSALS: Final = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What a class, or a user's encoder or decoder, raises when a value is not what it takes."""


def object_shape(entry: Entry, plain: Plain) -> Shape:
    """Return how instances of *entry*'s class are written and read; *plain* is the shape of any value."""
    cls = entry.cls
    if issubclass(cls, Enum):
        shape = _enum(cls, entry.tag, plain)
    elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
        shape = _namedtuple(cls, entry.tag, plain)
    elif _is_a_value_itself(cls):
        shape = _refused(cls)
    elif entry.encode is None or entry.decode is None:
        shape = _record(entry, plain)
    else:
        shape = plain
    encode = _custom_encode(entry.encode, entry.tag, plain) if entry.encode else shape.encode
    decode = _custom_decode(entry.decode, entry.tag, plain) if entry.decode else shape.decode
    return Shape(encode, decode)


def _is_a_value_itself(cls: type) -> bool:
    """Return whether instances hold more than attributes: the text of a str's subclass, what ``__new__`` was given."""
    makes = getattr(cls, "__new__", None)
    return makes is not object.__new__ or any(b.__module__ == "builtins" for b in cls.__mro__ if b is not object)


def _refused(cls: type) -> Shape:
    problem = (
        f"a {cls.__qualname__} is more than its attributes, and would lose the rest. Pass RegistryBundle("
        f"json_encoder_registry={{{cls.__name__}: ...}}, json_decoder_registry={{{cls.__name__!r}: ...}}), with a "
        f"function that gives its members as a dict, and one that makes it of them."
    )

    def encode(value: Any) -> JSON:
        raise EncodeError(problem)

    def decode(value: JSON) -> Any:
        raise DecodeError(problem)

    return Shape(encode, decode)


def field_shapes(cls: type, plain: Plain) -> FieldShapes:
    """Return how each stored field of *cls* is written, by its key."""
    return {field.key: (field.name, shape_of(field.annotation, plain)) for field in fields.stored_fields(cls)}


def inside(error: CodecError | RecursionError, token: str) -> CodecError:
    """Return *error* as one that happened at *token* of the value in hand."""
    if isinstance(error, RecursionError):
        error = EncodeError("it contains itself, or is nested too deeply to be written")
    error.inside(token)
    return error


# --- enums, namedtuples, and classes with functions of their own -----------------------------------------------------


def _enum(cls: type[Enum], tag: str, plain: Shape) -> Shape:
    flag = issubclass(cls, Flag)  # a combination of flags has no name that is sure to be found again

    def encode(value: Any) -> JSON:
        return {TAG: tag, "value": int_encode(value.value)} if flag else {TAG: tag, "name": value.name}

    def decode(value: Any) -> Any:
        try:
            return cls(plain.decode(value["value"])) if flag else cls[value["name"]]
        except (KeyError, ValueError, TypeError) as error:
            raise DecodeError(f"{cls.__name__} has no such member: {error}") from error

    return Shape(encode, decode)


def _namedtuple(cls: type[Any], tag: str, plain: Shape) -> Shape:
    def encode(value: Any) -> JSON:
        if getattr(value, "__dict__", None):
            lost = next(iter(vars(value)))
            raise EncodeError(f"this {tag} has the attribute {lost!r}, which would be lost. Make it a field.")
        return {**_members(dict(zip(cls._fields, value, strict=True)), plain), TAG: tag}

    def decode(value: Any) -> Any:
        members = {**cls._field_defaults, **plain.decode(_untagged(value))}
        if members.keys() != set(cls._fields):
            raise DecodeError(f"{tag} has the fields {', '.join(cls._fields)}; here are {', '.join(members) or 'none'}")
        # A __new__ of the class's own may change what it is given: the tuple is made as it was.
        return _made(lambda: cls._make(members[name] for name in cls._fields), tag)

    return Shape(encode, decode)


def _custom_encode(encoder: Encoder, tag: str, plain: Shape) -> Callable[[Any], JSON]:
    def encode(value: Any) -> JSON:
        try:
            members = dict(encoder(value))
        except _REFUSALS as error:
            raise EncodeError(f"the encoder of {tag} should give a dict of its members, and failed: {error}") from error
        # An encoder in Ax's style names the tag itself.
        own_tag = members.pop(TAG, tag)
        if type(own_tag) is not str:
            raise EncodeError(f"the encoder of {tag} should give a text as {TAG!r}, and gave {own_tag!r:.80}")
        return {**_members(members, plain), TAG: own_tag}

    return encode


def _custom_decode(decoder: Decoder, tag: str, plain: Shape) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        members = plain.decode(_untagged(value))
        return _made(lambda: decoder(members), tag)

    return decode


def _members(members: dict[str, Any], plain: Shape) -> dict[str, JSON]:
    encoded = plain.encode(members)
    if type(encoded) is not dict or TAG in encoded:
        raise EncodeError("the keys of an object's members should be plain text")
    return encoded


def _untagged(value: dict[str, JSON]) -> dict[str, JSON]:
    return {key: item for key, item in value.items() if key != TAG}


def _made(make: Callable[[], Any], tag: str) -> Any:
    try:
        return make()
    except _REFUSALS as error:
        raise DecodeError(f"{tag} cannot be made of what was stored: {error}") from error


# --- records: a class's fields say it all ----------------------------------------------------------------------------


def _record(entry: Entry, plain: Plain) -> Shape:
    shapes = field_shapes(entry.cls, plain)
    return Shape(_record_encode(entry, shapes, plain), _record_decode(entry, shapes, plain))


def _record_encode(entry: Entry, shapes: FieldShapes, plain: Plain) -> Callable[[Any], JSON]:
    cls, tag = entry.cls, entry.tag
    # In the order of the canonical text, which then need not be sorted.
    stored = tuple(sorted(fields.stored_fields(cls), key=lambda field: field.key))
    read, by_type = fields.reader(stored), plain.by_type
    # A field of which nothing is known is written by its value's type, without a call in between.
    shaped = [(field.key, shapes[field.key][1]) for field in stored]
    guided = [(key, None if shape is plain else shape.encode) for key, shape in shaped]
    declared = fields.unstored_names(cls).union(*(field.names for field in stored))
    slots = fields.slot_names(cls) - declared
    if entry.decode is None and not entry.restore:
        fields.check_constructor(cls, stored)

    def encode(value: Any) -> JSON:
        members: dict[str, JSON] = {TAG: tag}
        key = ""
        try:
            for (key, encode_field), item in zip(guided, read(value), strict=True):
                members[key] = None if item is None else (encode_field or by_type[type(item)])(item)
        except (CodecError, RecursionError) as error:
            raise inside(error, key) from None
        except AttributeError as error:
            raise _unreadable(cls, error) from error
        if slots or not declared.issuperset(getattr(value, "__dict__", ())):
            _refuse_undeclared(value, declared, slots, entry)
        return members

    return encode


def _record_decode(entry: Entry, shapes: FieldShapes, plain: Plain) -> Callable[[Any], Any]:
    cls = entry.cls
    stored = fields.stored_fields(cls)
    guides = [None if shapes[field.key][1] is plain else shapes[field.key][1].decode for field in stored]
    steps = [(field.key, field.name, guide, field.default) for field, guide in zip(stored, guides, strict=True)]
    decode_plain = plain.decode
    unstored = tuple(fields.unstored_defaults(cls).items())

    def decode(value: Any) -> Any:
        state: dict[str, Any] = {}
        key, missing = "", 0
        try:
            for key, name, decode_field, default in steps:
                if key in value:
                    item = value[key]
                    if item is not None:
                        if decode_field is not None:
                            item = decode_field(item)
                        elif type(item) is dict or type(item) is list:
                            item = decode_plain(item)
                    state[name] = item
                elif default is None:
                    raise DecodeError(f"{cls.__name__} needs it, and it is missing")
                else:
                    state[name] = default()
                    missing += 1
        except CodecError as error:
            error.inside(key)
            raise
        if len(value) != len(steps) - missing + 1:
            _refuse_unknown_members(value, shapes, entry)
        if not entry.restore:
            return _restored(fields.construct(cls, stored, state))
        for name, default in unstored:
            state[name] = default()
        return _restored(_bare_instance(cls, state))

    return decode


def _bare_instance(cls: type, state: dict[str, Any]) -> Any:
    """Return an instance of *cls* with this state, by no constructor: what was stored loads, always."""
    instance: Any = object.__new__(cls)
    # Not instance.__dict__ = state, which a frozen class refuses.
    object.__setattr__(instance, "__dict__", state)
    return instance


def _restored(instance: Any) -> Any:
    """Return *instance* after its ``_restored``, if it has one, has put back what is not stored."""
    hook = getattr(instance, "_restored", None)
    if hook is not None:
        _made(hook, type(instance).__name__)
    return instance


def _unreadable(cls: type, error: AttributeError) -> EncodeError:
    return EncodeError(
        f"{cls.__qualname__} keeps no attribute {error.name!r}, though its constructor takes one of that name "
        f"({error}). Keep it under that name, or register the class with an encoder and a decoder."
    )


def _refuse_undeclared(value: Any, declared: frozenset[str], slots: frozenset[str], entry: Entry) -> None:
    """Refuse an attribute that no field declares: it would be lost. A constructor makes its private ones again."""
    present = [*getattr(value, "__dict__", ()), *(name for name in sorted(slots) if hasattr(value, name))]
    undeclared = [name for name in present if name not in declared and (entry.restore or name[0] != "_")]
    if undeclared:
        raise EncodeError(
            f"this {type(value).__qualname__} has the attribute {undeclared[0]!r}, which is not one of its fields "
            f"and would be lost. Declare it as a field, make it an argument of __init__, or keep it in a field such as "
            f"properties."
        )


def _refuse_unknown_members(value: dict[str, JSON], shapes: FieldShapes, entry: Entry) -> None:
    unknown = sorted(key for key in value if key != TAG and key not in shapes)
    if unknown:
        raise DecodeError(
            f"{entry.tag} has the member {unknown[0]!r}, which {entry.cls.__qualname__} lacks here and would lose. "
            f"Load it with the version of the class that wrote it, or add the field."
        )
