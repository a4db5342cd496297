"""How objects of a registered class are encoded: by a user's functions, as an enum or namedtuple, or field by field.

Also how a value that is a class itself, not an instance, is encoded, and which classes are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, Flag
from typing import Any

from docstore.codec.classes.construct import is_bare, made
from docstore.codec.classes.records import record_shape
from docstore.codec.classes.storable import TAKE_OUT, is_more_than_attributes, is_namedtuple, why_not_restorable
from docstore.codec.classes.stored_fields import check_constructor, check_hashable
from docstore.codec.errors_at import REFUSALS
from docstore.codec.registry import Decoder, Encoder, Entry, Registry
from docstore.codec.values.by_annotation import Plain, Shape
from docstore.codec.values.tags import Encode, int_encode
from docstore.documents.canonical import JSON, TAG
from docstore.documents.kinds import RESERVED_KEYS
from docstore.errors import DecodeError, EncodeError, RegistryError, short_repr, with_article


def object_shape(entry: Entry, plain: Plain) -> Shape:
    """Return the encoder and decoder of instances of *entry*'s class; *plain* is the shape of any value.

    Raises:
        RegistryError: they cannot be written or read.
    """
    entry.check()
    cls = entry.cls
    if issubclass(cls, Enum):
        shape = _enum(cls, entry, plain)
    elif is_namedtuple(cls):
        shape = _namedtuple(cls, entry.tag, plain)
    elif is_more_than_attributes(cls):
        shape = _refused(cls)
    elif entry.encode is None or entry.decode is None:
        shape = record_shape(entry, plain)
    else:
        shape = plain
    encode = custom_encode(entry.encode, entry.tag, plain) if entry.encode else shape.encode
    decode = custom_decode(entry.decode, entry.tag, plain) if entry.decode else shape.decode
    return Shape(encode, decode)


def check_readable(entry: Entry) -> None:
    """Check that what is written of instances of *entry*'s class can be read again.

    Raises:
        RegistryError: an instance holds more than its fields, as a lock does; or the constructor needs an argument that
            no field keeps; or a field is a set, or a dict by keys, of a type that cannot be hashed. Says what to do.
    """
    cls = entry.cls
    if entry.form != "functions":
        check_restorable(cls)
    if entry.decode is not None or issubclass(cls, (Enum, tuple)) or is_more_than_attributes(cls):
        return
    check_hashable(cls, entry.stored_fields)
    if not is_bare(cls, entry.skips_constructor):
        check_constructor(cls, entry.stored_fields)


def check_restorable(cls: type) -> None:
    """Check that instances of *cls* can be restored from their fields.

    Raises:
        RegistryError: they cannot; suggests functions to register, if they would help, or what to store instead.
    """
    refused = why_not_restorable(cls)
    if refused is not None:
        raise RegistryError(f"register({cls.__name__}): {refused.problem}. {refused.remedy or TAKE_OUT}.")


def _refused(cls: type) -> Shape:
    problem = (
        f"{with_article(cls.__qualname__)} is more than its attributes, and would lose the rest. Pass RegistryBundle("
        f"json_encoder_registry={{{cls.__name__}: ...}}, json_decoder_registry={{{cls.__name__!r}: ...}}), with a "
        f"function that gives its members as a dict, and one that makes it of them."
    )

    def encode(value: Any) -> JSON:
        raise EncodeError(problem)

    def decode(value: JSON) -> Any:
        raise DecodeError(problem)

    return Shape(encode, decode)


# --- enums and namedtuples -------------------------------------------------------------------------------------------


def _enum(cls: type[Enum], entry: Entry, plain: Shape) -> Shape:
    tag, renamed = entry.tag, entry.renamed
    flag = issubclass(cls, Flag)  # a combination of flags has no name that is sure to be found again
    key = "value" if flag else "name"

    def encode(value: Any) -> JSON:
        return {TAG: tag, key: int_encode(value.value) if flag else value.name}

    def decode(value: Any) -> Any:
        if value.keys() > {TAG, key}:
            raise DecodeError(f"{tag} has only the member {key!r}; here are {', '.join(sorted(_untagged(value)))}")
        try:
            return cls(plain.decode(value[key])) if flag else cls[renamed.get(value[key], value[key])]
        except (KeyError, ValueError, TypeError) as error:
            found = short_repr(value.get(key))
            raise DecodeError(
                f"{cls.__name__} has no such member: {found}. It has {', '.join(cls.__members__)}; add the one that "
                f"was saved, or load it with the version of the enum that wrote it."
            ) from error

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
        return made(lambda: cls._make(members[name] for name in cls._fields), tag)

    return Shape(encode, decode)


# --- a user's functions ----------------------------------------------------------------------------------------------


def custom_encode(encoder: Encoder, tag: str, plain: Shape) -> Callable[[Any], JSON]:
    """Return an encoder that writes a value under *tag* by a user's function."""

    def encode(value: Any) -> JSON:
        try:
            members = dict(encoder(value))
        except REFUSALS as error:
            raise EncodeError(
                f"the encoder of {tag} should give a dict of its members, and failed: {error!s:.200}"
            ) from error
        # An encoder in Ax's style names the tag itself.
        own_tag = members.pop(TAG, tag)
        if type(own_tag) is not str:
            raise EncodeError(f"the encoder of {tag} should give a text as {TAG!r}, and gave {short_repr(own_tag)}")
        for key in RESERVED_KEYS & members.keys():
            raise EncodeError(
                f"the encoder of {tag} gave a member {key!r}, which is a name of docstore's own. Choose another."
            )
        return {**_members(members, plain), TAG: own_tag}

    return encode


def custom_decode(decoder: Decoder, tag: str, plain: Shape) -> Callable[[Any], Any]:
    """Return a decoder that reads a value with *tag* by a user's function."""

    def decode(value: Any) -> Any:
        members = plain.decode(_untagged(value))
        return made(lambda: decoder(members), tag)

    return decode


def _members(members: dict[str, Any], plain: Shape) -> dict[str, JSON]:
    encoded = plain.encode(members)
    if type(encoded) is not dict or TAG in encoded:
        raise EncodeError("the keys of an object's members should be plain text")
    return encoded


def _untagged(value: dict[str, JSON]) -> dict[str, JSON]:
    return {key: item for key, item in value.items() if key != TAG}


# --- values that are classes -----------------------------------------------------------------------------------------


def class_encode(registry: Registry, plain: Plain) -> Encode:
    """Return an encoder of classes by *registry*'s functions: a class is written by the function of its closest base.

    The tag is ``Type[Base]``, unless the function names its own.
    """

    def encode(cls: Any) -> JSON:
        found = registry.class_encoder(cls)
        if found is not None:
            base, encoder = found
            return custom_encode(encoder, f"Type[{base.__name__}]", plain)(cls)
        name = cls.__name__
        raise EncodeError(
            f"the class {cls.__module__}.{cls.__qualname__} is a value here, not an instance of it, and no function "
            f"writes it. Pass bundle=RegistryBundle(json_class_encoder_registry={{{name}: ...}}, "
            f"json_class_decoder_registry={{'Type[{name}]': ...}}), with a function that returns a dict which "
            f"identifies the class, and one that finds it by that; those of a base serve for its subclasses."
        )

    return encode
