"""What is said of a class when it is registered, checked against the fields that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, Flag
from typing import Any, Literal, TypeAlias, get_args, get_origin
from uuid import UUID

from docstore.codec.core import RESERVED_TAGS
from docstore.codec.fields import StoredField, stored_fields
from docstore.codec.shapes import without_none
from docstore.entries import Entry
from docstore.errors import RegistryError
from docstore.kinds import Kind, kind_declared

Aliases: TypeAlias = Iterable[str] | Mapping[str, str]
"""Former tags of a class; or, by former name, the present name: of the class, or of a member of an enum."""


def entry_declared(cls: type, tag: str | None, aliases: Aliases, version: int, compatible_from: int | None) -> Entry:
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
    tag = tag or cls.__name__
    if tag in RESERVED_TAGS:
        raise RegistryError(f"{cls.__name__}: the tag {tag!r} is docstore's own. Give another: tag=...")
    former, renamed = _former(cls, tag, aliases)
    return Entry(cls, tag, schema=version, compatible_from=compatible_from, aliases=former, renamed=renamed)


def _former(cls: type, tag: str, aliases: Aliases) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the former tags of a class and, of an enum, the present name of each member by its former one."""
    if isinstance(aliases, str):
        raise RegistryError(f"{cls.__name__}: aliases={aliases!r}: give several, as in aliases=[{aliases!r}].")
    if not isinstance(aliases, Mapping):
        return tuple(aliases), {}
    members = cls.__members__ if issubclass(cls, Enum) else {}
    renamed = {old: new for old, new in aliases.items() if new != tag}
    for old, new in renamed.items():
        if new not in members or old in members:
            has = f"it has {', '.join(members)}" if members else "it is no Enum"
            raise RegistryError(f"{cls.__name__}: aliases={{{old!r}: {new!r}}} should rename a member, and {has}.")
    return tuple(old for old, new in aliases.items() if new == tag), renamed


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

    Raises:
        RegistryError: a field is not there, or cannot be what it is said to be; or an object could not be known again.
    """
    fields = {field.name: field for field in stored_fields(cls)}

    def key(argument: str, wanted: str) -> str:
        if wanted not in fields:
            raise RegistryError(
                f"{cls.__name__} has no stored field {wanted!r} for {argument}=; it has {', '.join(fields) or 'none'}."
            )
        return fields[wanted].key

    made = kind_declared(
        kind,
        name_field=key("name", name),
        type=key("type", type) if type else None,
        status=key("status", status) if status else None,
        parts=parts if isinstance(parts, str) else [*parts],
    )
    _check(cls, fields[name], "name", _names_a_document, "str, int or UUID")
    for argument, wanted in (("type", type), ("status", status)):
        if wanted:
            _check(cls, fields[wanted], argument, _is_small_enum, "an Enum, str, or a Literal of texts")
    _check_parts(cls, {field.key: field for field in fields.values()}, made)
    _check_slots(cls)
    return made


def _check_parts(cls: type, fields: Mapping[str, StoredField], kind: Kind) -> None:
    for rule in kind.parts:
        if rule.field not in fields:
            raise RegistryError(f"{cls.__name__} has no stored field {rule.field!r} to take parts from.")
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
