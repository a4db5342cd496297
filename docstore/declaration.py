"""What is said of a class when it is registered, checked against the fields that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import Enum, Flag
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin
from uuid import UUID

from docstore.codec.core import RESERVED_TAGS
from docstore.codec.fields import StoredField, stored_fields, stored_names
from docstore.codec.shapes import without_none
from docstore.entries import Decoder, Encoder, Entry
from docstore.errors import RegistryError
from docstore.kinds import Kind, kind_declared
from docstore.values import is_plain

Aliases: TypeAlias = Iterable[str] | Mapping[str, str]
"""Former tags of a class; or, by former name, the present name: of the class, or of a member of an enum."""

Encode: TypeAlias = Callable[[Any], Any]
"""Gives what stands for an object."""

Decode: TypeAlias = Callable[[Any], Any]
"""Takes what stands for an object, and gives the object."""

_LONGEST_TAG: Final = 255

_VALUE: Final = "__value"
"""The member that holds what an encoder gave, where that was no dict."""


def entry_declared(
    cls: type,
    tag: str | None,
    aliases: Aliases,
    version: int,
    compatible_from: int | None,
    *,
    encode: Encode | None = None,
    decode: Decode | None = None,
) -> Entry:
    """Return the entry of *cls*.

    Raises:
        RegistryError: it is no class, or what is said of it makes no sense; names the argument.
    """
    if not isinstance(cls, type):
        raise RegistryError(f"{cls!r:.80} is no class. Register the class itself.")
    if type(version) is not int or version < 1:
        raise RegistryError(f"{cls.__name__}: version={version!r} is no schema number; they are counted from 1.")
    if compatible_from is not None and not (type(compatible_from) is int and 1 <= compatible_from <= version):
        raise RegistryError(f"{cls.__name__}: compatible_from={compatible_from!r} should be from 1 to {version}.")
    if version > 1 and issubclass(cls, Enum) and encode is None:
        raise RegistryError(
            f"{cls.__name__}: version={version}, and an enum has no schema: its members are stored by name. Use "
            f"aliases={{'OLD': 'NEW'}} for a member that was renamed."
        )
    tag = _checked_tag(cls, "tag", cls.__name__ if tag is None else tag)
    former, renamed = _former(cls, tag, aliases)
    entry = Entry(cls, tag, schema=version, compatible_from=compatible_from, aliases=former, renamed=renamed)
    if encode is None and decode is None:
        return entry
    if not callable(encode) or not callable(decode):
        raise RegistryError(f"register({cls.__name__}): give encode and decode both, each for the other's result.")
    return replace(entry, encode=_members_of(encode), decode=_of_members(decode))


def _members_of(encode: Encode) -> Encoder:
    def members(value: Any) -> dict[str, Any]:
        given = encode(value)
        are_members = type(given) is dict and _VALUE not in given and all(type(key) is str for key in given)
        return given if are_members else {_VALUE: given}

    return members


def _of_members(decode: Decode) -> Decoder:
    return lambda members: decode(members.get(_VALUE, members))


def _checked_tag(cls: type, argument: str, tag: object) -> str:
    # Not a subclass of str, such as a member of a StrEnum: a document's text has the tag itself.
    if type(tag) is not str or not 1 <= len(tag) <= _LONGEST_TAG or not is_plain(tag):
        raise RegistryError(
            f"{cls.__name__}: {argument}: {tag!r:.80} is no tag. Give a text of 1 to {_LONGEST_TAG} characters, "
            f"without NUL or lone surrogates."
        )
    if tag in RESERVED_TAGS:
        raise RegistryError(f"{cls.__name__}: the tag {tag!r} is docstore's own. Give another: {argument}=...")
    return tag


def _former(cls: type, tag: str, aliases: Aliases) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the former tags of a class and, of an enum, the present name of each member by its former one."""
    if isinstance(aliases, str) or not isinstance(aliases, Iterable):
        raise RegistryError(f"{cls.__name__}: aliases={aliases!r}: give several, as in aliases=[{aliases!r}].")
    if not isinstance(aliases, Mapping):
        return tuple(_checked_tag(cls, "aliases", old) for old in aliases), {}
    members = cls.__members__ if issubclass(cls, Enum) else {}
    renamed = {old: new for old, new in aliases.items() if new != tag}
    for old, new in renamed.items():
        if new not in members or old in members or type(old) is not str:
            has = f"it has {', '.join(members)}" if members else "it is no Enum"
            raise RegistryError(f"{cls.__name__}: aliases={{{old!r}: {new!r}}} should rename a member, and {has}.")
    return tuple(_checked_tag(cls, "aliases", old) for old, new in aliases.items() if new == tag), renamed


def kind_of(
    cls: type,
    *,
    kind: str,
    name: str,
    type: str | None,
    status: str | None,
    parts: Iterable[str],
) -> Kind:
    """Return the kind of document that instances of *cls* are; the arguments are as for ``registry.document``.

    Only the names of fields are looked at: what they are annotated with may be defined later. See ``check_fit``.

    Raises:
        RegistryError: a field is not there, or an argument is no text; or an object could not be known again.
    """
    keys = stored_names(cls)

    def key(argument: str, wanted: object) -> str:
        wanted = _text(cls, argument, wanted)
        if wanted not in keys:
            raise RegistryError(
                f"{cls.__name__} has no stored field {wanted!r} for {argument}=; it has {', '.join(keys) or 'none'}."
            )
        return keys[wanted]

    made = kind_declared(
        _text(cls, "kind", kind),
        name_field=key("name", name),
        type=None if type is None else key("type", type),
        status=None if status is None else key("status", status),
        parts=_patterns(cls, parts),
    )
    for rule in made.parts:
        if rule.field not in keys.values():
            raise RegistryError(f"{cls.__name__} has no stored field {rule.field!r} to take parts from.")
    _check_slots(cls)
    return made


def _text(cls: type, argument: str, given: object) -> str:
    if type(given) is not str:
        raise RegistryError(f"{cls.__name__}: {argument}={given!r:.80} should be a text.")
    return given


def _patterns(cls: type, parts: object) -> list[str]:
    if isinstance(parts, str) or not isinstance(parts, Iterable):
        raise RegistryError(f"{cls.__name__}: parts={parts!r:.80}: give several, as in parts=[{parts!r:.80}].")
    return [_text(cls, "parts", each) for each in parts]


def check_fit(cls: type, kind: Kind) -> None:
    """Refuse *cls* if one of its fields is annotated with what cannot be what *kind* says that the field is.

    Raises:
        RegistryError: names the field, its annotation and what it should be.
        UnresolvedError: an annotation names what is not there.
    """
    fields = {field.key: field for field in stored_fields(cls)}
    _check(cls, fields[kind.name_field], "name", _names_a_document, "str, int or UUID")
    for argument, code in (("type", kind.type), ("status", kind.status)):
        if code is not None:
            _check(cls, fields[code.field], argument, _is_small_enum, "an Enum, str, or a Literal of texts")
    for rule in kind.parts:
        _check(cls, fields[rule.field], "parts", _has_parts, "dict[str, ...], dict[int, ...] or list[...]")


def _check_slots(cls: type) -> None:
    if not cls.__weakrefoffset__:
        raise RegistryError(
            f"{cls.__name__} has __slots__ without __weakref__, so a store could not remember which version an object "
            f"is. Write @dataclass(slots=True, weakref_slot=True), or {cls.__name__}(msgspec.Struct, weakref=True)."
        )


def _check(cls: type, field: StoredField, argument: str, fits: Callable[[Any], bool], wanted: str) -> None:
    if not fits(without_none(field.annotation)):
        raise RegistryError(
            f"{cls.__name__}.{field.name} is annotated {field.annotation!r}, and for {argument}= it should be {wanted}."
        )


def _names_a_document(annotation: Any) -> bool:
    return annotation in (str, int, UUID, Any)


def _is_small_enum(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return all(isinstance(each, str) for each in get_args(annotation))
    if annotation is str:
        return True
    return isinstance(annotation, type) and issubclass(annotation, Enum) and not issubclass(annotation, Flag)


def _has_parts(annotation: Any) -> bool:
    key, *_ = (*get_args(annotation), None)
    if get_origin(annotation) is list:
        return True
    return get_origin(annotation) is dict and (key in (str, int) or (isinstance(key, type) and issubclass(key, Enum)))
