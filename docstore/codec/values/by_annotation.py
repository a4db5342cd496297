"""The encoder and decoder for an annotation.

The JSON need not name a type that the annotation names: an enum is its bare name, a datetime its ISO text, a tuple a
list, a dict with integer keys an object. A value that is not of the annotated type is written with its tag, so that it
still comes back exactly.
"""

from __future__ import annotations

import types
import typing
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, Flag
from functools import cache
from typing import Any, Final, Literal

from docstore.codec.errors_at import raise_in_dict, raise_in_list
from docstore.codec.values.tags import (
    BARE,
    BY_TAG,
    BY_TYPE,
    INT_MAX,
    INT_MIN,
    Decode,
    Encode,
    canonical_order,
    hashed,
    ordered_members,
    tag,
)
from docstore.documents.canonical import JSON, TAG, is_plain, join_pointer
from docstore.errors import CodecError, DecodeError, short_repr
from docstore.model.lazy_part_dict import PART_DICTS
from docstore.model.part_dict import peek_pairs


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of one annotation are written and read."""

    encode: Encode
    decode: Decode
    key_decode: Callable[[str], Any] | None = None
    """Decodes a key of a dict from a member's name, or the index of a list from a text; None for other types."""
    item: Shape | None = None
    """The shape of a dict's values or of a list's items; None for other types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Shape):
    """The shape of a value without an annotation: it is written by its type, with the encoders in ``by_type``."""

    by_type: Mapping[type, Encode]
    renamed: Callable[[type], Mapping[str, str] | None]
    """Returns the present name of an enum's members by their former name; None if the enum has a user's functions."""
    with_stand_in: Callable[[type], Decode | None]
    """Returns the decoder for a class that something stands for where its subclass is not registered, or None."""


def shape_of(annotation: Any, plain: Plain) -> Shape:
    """Return the shape of *annotation*; *plain* is the shape of a value without one."""
    annotation = _aliased(annotation)
    origin, arguments = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin in _UNIONS:
        return _union(members_of(arguments), plain)
    if origin in _LISTS and arguments:
        return replace(_sequence(list, item := shape_of(arguments[0], plain), plain), key_decode=_list_index, item=item)
    if origin is tuple:
        return _tuple(arguments, plain)
    if origin in (set, frozenset):
        return _sequence(origin, shape_of(arguments[0], plain) if arguments else plain, plain)
    if origin in _DICTS and arguments:
        return _mapping(arguments[0], shape_of(arguments[1], plain), plain)
    return _text(annotation, plain) or _with_stand_in(annotation, plain) or plain


def _with_stand_in(annotation: Any, plain: Plain) -> Shape | None:
    """Return the shape of a class that something stands for where its subclass is not registered, or None."""
    decode = plain.with_stand_in(annotation) if isinstance(annotation, type) else None
    return None if decode is None else Shape(plain.encode, decode)


def ordered(shape: Shape, plain: Plain) -> Shape:
    """Return *shape*, that of a dict, changed so that the order of its keys is written too: as pairs, with a tag.

    Its keys and items are written by their own types. A dict that was written without its order is still read.
    """

    def encode(value: Any) -> JSON:
        return tag("dict", ordered_members(value, plain.encode)) if type(value) is dict else shape.encode(value)

    return replace(shape, encode=encode)


_UNIONS: Final = (typing.Union, types.UnionType)
_LISTS: Final = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
_DICTS: Final = (dict, abc.Mapping, abc.MutableMapping)
"""The annotations of a list and a dict. A value of another type that fits them, such as a tuple, has its tag."""


def _text(annotation: Any, plain: Plain) -> Shape | None:
    """Return the shape of a type that is written as bare text, or None for another type."""
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, Enum) and not issubclass(annotation, Flag):
        renamed = plain.renamed(annotation)
        return None if renamed is None else _bare(annotation, _name_of, _named(annotation, renamed), plain)
    return _bare(annotation, *BARE[annotation], plain) if annotation in BARE else None


def members_of(arguments: Iterable[Any]) -> list[Any]:
    """Return the types of a union except None, with those of unions in it that are named by a type alias."""
    found: list[Any] = []
    for each in map(_aliased, arguments):
        if typing.get_origin(each) in _UNIONS:
            found += members_of(typing.get_args(each))
        elif each is not type(None):
            found.append(each)
    return found


def _union(members: list[Any], plain: Plain) -> Shape:
    """Return the shape of a union; null means None everywhere, so ``T | None`` has the shape of T.

    A stored value may be from the time when the field had only one of the types, and must still be read as that type.
    So if one type is written as a list, lists are written and read by its shape; likewise dicts. Bare text is read as
    the one type that is written as text; if there are several, it is refused, as it could be any of them. Other values
    have their tags. If several types are written as a list or as a dict (``set[int] | list[int]``), or if anything is
    allowed, a bare list or dict is read as just that.
    """
    if len(members) == 1:
        return shape_of(members[0], plain)
    if any(each in (Any, object) or isinstance(each, typing.TypeVar) for each in members):
        return plain
    encoders: dict[type, Encode] = {}
    decoders: dict[type, Decode] = {}
    texts = [each for each in members if _text(each, plain)]
    if texts and not any(map(_may_be_text, members)):
        encoders[str] = lambda value: _tagged_if(value, plain, str)
        decoders[str] = shape_of(texts[0], plain).decode if len(texts) == 1 else _refusing(members)
    for bare, types_ in _WRITTEN_AS.items():
        found = [each for each in members if _origin(each) in types_ or (bare is dict and typing.is_typeddict(each))]
        if len(found) == 1 and (typing.get_args(found[0]) or found[0] in (tuple, set, frozenset)):
            encode, decode = _later(found[0], plain)
            encoders |= dict.fromkeys(types_, encode)
            decoders[bare] = decode
    if not decoders:
        return plain
    return Shape(
        lambda value: encoders.get(type(value), plain.encode)(value),
        lambda value: decoders.get(type(value), plain.decode)(value),
    )


def _later(annotation: Any, plain: Plain) -> tuple[Encode, Decode]:
    """Return the encoder and decoder of *annotation*, made at their first use: a type may name itself in a union."""
    shape = cache(lambda: shape_of(annotation, plain))
    return lambda value: shape().encode(value), lambda value: shape().decode(value)


_WRITTEN_AS: Final[dict[type, tuple[type, ...]]] = {list: (*_LISTS, tuple, set, frozenset), dict: _DICTS}


def _origin(annotation: Any) -> Any:
    return typing.get_origin(annotation) or annotation


def _may_be_text(member: Any) -> bool:
    """Return whether the *member* of a union allows a str: it is str, or a Literal of texts."""
    return member is str or (_origin(member) is Literal and any(type(each) is str for each in typing.get_args(member)))


def _refusing(members: list[Any]) -> Decode:
    names = " | ".join(each.__name__ if isinstance(each, type) else str(each) for each in members)

    def decode(value: JSON) -> Any:
        raise DecodeError(
            f"{short_repr(value)} was written while the field had one type, and could be any of {names} now. Count up "
            f"the version of the class, and write an upcast that says which."
        )

    return decode


def without_none(annotation: Any) -> Any:
    """Return T for ``T | None``, and Any for a union of several others."""
    annotation = _aliased(annotation)
    if typing.get_origin(annotation) in _UNIONS:
        others = [argument for argument in typing.get_args(annotation) if argument is not type(None)]
        return _aliased(others[0]) if len(others) == 1 else Any
    return annotation


def _aliased(annotation: Any) -> Any:
    """Return the type that *annotation* is another name for."""
    while isinstance(annotation, typing.NewType) or hasattr(annotation, "__value__"):
        annotation = getattr(annotation, "__supertype__", None) or annotation.__value__
    return annotation


def _name_of(member: Enum) -> str:
    return member._name_  # what ``name`` gives, without the call


def _named(cls: type[Enum], renamed: Mapping[str, str]) -> Callable[[str], Enum]:
    def parse(name: str) -> Enum:
        try:
            return cls[renamed.get(name, name)]
        except KeyError:
            raise DecodeError(f"{cls.__name__} has no member {name!r}; it has {', '.join(cls.__members__)}") from None

    return parse


def _tagged_if(value: Any, plain: Plain, claimed: type) -> JSON:
    """Return the JSON of *value*, with its tag if it would be bare JSON of type *claimed*, which means another type."""
    encoded = plain.encode(value)
    if type(encoded) is not claimed or (type(encoded) is dict and TAG in encoded):
        return encoded
    return tag(claimed.__name__, BY_TYPE[claimed].encode(value, plain.encode))


def _bare(cls: type, to_text: Callable[[Any], str | None], parse: Callable[[str], Any], plain: Plain) -> Shape:
    def encode(value: Any) -> JSON:
        if value is None:
            return None
        text = to_text(value) if type(value) is cls else None
        return _tagged_if(value, plain, str) if text is None else text

    def decode(value: JSON) -> Any:
        if type(value) is not str:
            return plain.decode(value)
        try:
            return parse(value)
        except (ValueError, ArithmeticError) as error:
            raise DecodeError(f"{short_repr(value)} is not a {cls.__name__}: {error!s:.200}") from error

    return Shape(encode, decode)


def _sequence(cls: type[Any], item: Shape, plain: Plain) -> Shape:
    unordered = cls in (set, frozenset)
    guided, decode_item = None if item.encode is plain.encode else item.encode, item.decode
    is_plain = decode_item is plain.decode

    def encode(value: Any) -> JSON:
        if type(value) is not cls:
            return None if value is None else _tagged_if(value, plain, list)
        items: list[JSON] = []
        append, encode_item, by_type = items.append, guided, plain.by_type
        try:
            for member in list(value) if unordered else value:
                append((encode_item or by_type[type(member)])(member))
        except CodecError as error:
            raise_in_list(error, value, len(items), item.encode)
        return canonical_order(items) if unordered else items

    def decode(value: JSON) -> Any:
        if type(value) is not list:
            return plain.decode(value)
        items: list[Any] = []
        append = items.append
        try:
            for member in value:
                is_itself = is_plain and type(member) is not dict and type(member) is not list
                append(member if is_itself else decode_item(member))
        except CodecError as error:
            raise_in_list(error, value, len(items), decode_item)
        return hashed(cls, items) if unordered else items if cls is list else cls(items)

    return Shape(encode, decode)


def _tuple(items: tuple[Any, ...], plain: Plain) -> Shape:
    """Return the shape of a tuple of any length, or of one with a type for each item."""
    if not items or (len(items) == 2 and items[1] is ...):
        return _sequence(tuple, shape_of(items[0], plain) if items else plain, plain)
    shapes = [shape_of(item, plain) for item in items]

    def encode(value: Any) -> JSON:
        if type(value) is not tuple or len(value) != len(shapes):
            return None if value is None else _tagged_if(value, plain, list)
        return _each([shape.encode for shape in shapes], value)

    def decode(value: JSON) -> Any:
        if type(value) is not list:
            return plain.decode(value)
        if len(value) != len(shapes):
            raise DecodeError(f"should have {len(shapes)} items, and has {len(value)}")
        return tuple(_each([shape.decode for shape in shapes], value))

    return Shape(encode, decode)


def _each(convert: list[Callable[[Any], Any]], items: Iterable[Any]) -> list[Any]:
    made: list[Any] = []
    try:
        for function, item in zip(convert, items, strict=True):
            made.append(function(item))
    except CodecError as error:
        error.inside(str(len(made)))
        raise
    return made


def _mapping(key: Any, item: Shape, plain: Plain) -> Shape:
    """Return the shape of a dict whose keys are all of type *key*: int, an enum, or text."""
    to_text, parse = _key_text(key, plain)
    if to_text is None or parse is None:
        return plain
    if key is str and item is plain:
        return Shape(plain.encode, plain.decode, parse, item)

    return Shape(_mapping_encode(key, to_text, item, plain), _mapping_decode(key, parse, item, plain), parse, item)


def _mapping_encode(key: Any, to_text: Callable[[Any], str | None], item: Shape, plain: Plain) -> Encode:
    guided, by_type = None if item.encode is plain.encode else item.encode, plain.by_type

    def encode(value: Any) -> JSON:
        if type(value) is not dict and type(value) not in PART_DICTS:
            return None if value is None else _tagged_if(value, plain, dict)
        # All keys before any value: otherwise nested dicts would be encoded twice for each level. The items are copied
        # first, since another thread may add to the dict.
        pairs = peek_pairs(value)
        texts: list[str] = []
        for name, _ in pairs:
            text_of_key = to_text(name) if type(name) is key else None
            if text_of_key is None or text_of_key == TAG or not is_plain(text_of_key):
                return tag("dict", BY_TAG["dict"].encode(value, plain.encode))
            texts.append(text_of_key)
        members: dict[str, JSON] = {}
        text = ""
        try:
            for text, (_, member) in zip(texts, pairs, strict=True):
                members[text] = (guided or by_type[type(member)])(member)
        except CodecError as error:
            raise_in_dict(error, value, len(members), text, encode)
        return members

    return encode


def _mapping_decode(key: Any, parse: Callable[[str], Any], item: Shape, plain: Plain) -> Decode:
    decode_item = item.decode

    def decode(value: JSON) -> Any:
        if type(value) is not dict or TAG in value:
            return plain.decode(value)
        members: dict[Any, Any] = {}
        text = ""
        try:
            for text, member in value.items():
                members[parse(text)] = decode_item(member)
        except CodecError as error:
            raise_in_dict(error, value, list(value).index(text), text, decode)
        except ValueError as error:
            place = join_pointer((text,))
            raise DecodeError(f"{short_repr(text)} is not a key of type {key.__name__}", pointer=place) from error
        if len(members) != len(value):
            raise _same_keys(value, parse)
        return members

    return decode


def _same_keys(texts: Iterable[str], parse: Callable[[str], Any]) -> DecodeError:
    """Return the error for a dict in which two of *texts* are one key, such as two names of an enum's member."""
    known: dict[Any, str] = {}
    for text in texts:
        former = known.setdefault(parse(text), text)
        if former != text:
            break
    return DecodeError(f"{former!r} and {text!r} are one key, so one of their two values would be lost. Drop one.")


def _key_text(key: Any, plain: Plain) -> tuple[Callable[[Any], str | None] | None, Callable[[str], Any] | None]:
    if key is int:
        return _int_text, _int_key
    if key is str:
        return str, str
    if isinstance(key, type) and issubclass(key, Enum) and not issubclass(key, Flag):
        renamed = plain.renamed(key)
        return (None, None) if renamed is None else (_name_of, _named(key, renamed))
    return None, None


def _int_text(number: int) -> str | None:
    return str(number) if INT_MIN <= number <= INT_MAX else None  # Python may refuse to convert a long one


def _list_index(text: str) -> int:
    index = _int_key(text)
    if index < 0:
        raise ValueError(text)  # Python would count from the end
    return index


def _int_key(text: str) -> int:
    number = int(text)
    # "007" or "+7" would be written back as "7"; and beyond 64 bits, any number of keys have one hash.
    if str(number) != text or not INT_MIN <= number <= INT_MAX:
        raise ValueError(text)
    return number
