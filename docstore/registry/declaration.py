"""The arguments of ``register`` and ``document``, checked against the fields of the class: its entry and its kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, MutableSequence, Sequence
from dataclasses import replace
from enum import Enum, Flag
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin
from uuid import UUID

from docstore.codec.classes.class_fields import declares, is_model, is_struct
from docstore.codec.classes.field_tables import Field, field_table
from docstore.codec.classes.objects import check_restorable
from docstore.codec.classes.storable import is_namedtuple
from docstore.codec.classes.stored_fields import StoredField, stored_fields, stored_names
from docstore.codec.core import RESERVED_TAGS
from docstore.codec.registry import Decoder, Encoder, Entry
from docstore.codec.values.by_annotation import without_none
from docstore.documents.canonical import is_plain, join_pointer
from docstore.documents.kinds import Kind, kind_declared
from docstore.documents.merge_keys import ANY, Keyed, KeyedBy
from docstore.errors import RegistryError, short_repr

Aliases: TypeAlias = Iterable[str] | Mapping[str, str]
"""Former tags of a class; or the present name by the former one, of the class or of a member of an enum."""

Encode: TypeAlias = Callable[[Any], Any]
"""Returns what represents an object: its members, or one value."""

Decode: TypeAlias = Callable[[Any], Any]
"""Takes what represents an object, and returns the object."""

Restored: TypeAlias = Callable[..., object]
"""Takes an object whose attributes are set, and by name the values of fields that are none."""

_LONGEST_TAG: Final = 255

_VALUE: Final = "__value"
"""The member that holds the result of an encoder that is no dict by text."""


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
        RegistryError: it is no class, or its objects cannot be restored, or an argument (which is named) does not fit.
    """
    if not isinstance(cls, type):
        raise RegistryError(f"{short_repr(cls)} is no class. Register the class itself.")
    if encode is None and decode is None:
        check_restorable(cls)
    if type(version) is not int or version < 1:
        raise RegistryError(
            f"{cls.__name__}: version={short_repr(version)} is no schema number; they are counted from 1."
        )
    if compatible_from is not None and not (type(compatible_from) is int and 1 <= compatible_from <= version):
        raise RegistryError(
            f"{cls.__name__}: compatible_from={short_repr(compatible_from)} should be from 1 to {short_repr(version)}."
        )
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


def with_fields(entry: Entry, fields: Iterable[str | Field] | None, restored: Restored | None) -> Entry:
    """Return *entry* with the table of *fields*, if there are any.

    Raises:
        RegistryError: the class has functions, or can have no table; or a field contradicts another, or itself.
    """
    cls = entry.cls
    if fields is None:
        if restored is not None:
            raise RegistryError(f"register({cls.__name__}): restored= goes with fields=, which say what is stored.")
        return entry
    if entry.encode is not None:
        raise RegistryError(f"register({cls.__name__}): give fields=, or encode= and decode=, and not both.")
    if issubclass(cls, Enum) or is_namedtuple(cls) or is_struct(cls) or is_model(cls):
        raise RegistryError(f"register({cls.__name__}): the class says itself what is stored. Leave out fields=.")
    return replace(entry, fields=field_table(cls, fields, restored))


def _members_of(encode: Encode) -> Encoder:
    def members(value: Any) -> dict[str, Any]:
        given = encode(value)
        are_members = type(given) is dict and _VALUE not in given and all(type(key) is str for key in given)
        return given if are_members else {_VALUE: given}

    return members


def _of_members(decode: Decode) -> Decoder:
    return lambda members: decode(members.get(_VALUE, members))


def _checked_tag(cls: type, argument: str, tag: object) -> str:
    # A subclass of str, such as a member of a StrEnum, is refused: the document holds the plain text.
    if type(tag) is not str or not 1 <= len(tag) <= _LONGEST_TAG or not is_plain(tag):
        raise RegistryError(
            f"{cls.__name__}: {argument}: {short_repr(tag)} is no tag. Give a text of 1 to {_LONGEST_TAG} characters, "
            f"without NUL or lone surrogates."
        )
    if tag in RESERVED_TAGS:
        raise RegistryError(f"{cls.__name__}: the tag {tag!r} is docstore's own. Give another: {argument}=...")
    return tag


def _former(cls: type, tag: str, aliases: Aliases) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the former tags of a class and, for an enum, the present name of each member by its former one."""
    if isinstance(aliases, str) or not isinstance(aliases, Iterable):
        raise RegistryError(
            f"{cls.__name__}: aliases={short_repr(aliases)}: give several, as in aliases=[{short_repr(aliases)}]."
        )
    if not isinstance(aliases, Mapping):
        return tuple(_checked_tag(cls, "aliases", old) for old in aliases), {}
    members = cls.__members__ if issubclass(cls, Enum) else {}
    renamed = {old: new for old, new in aliases.items() if type(new) is not str or new != tag}
    for old, new in renamed.items():
        if type(new) is not str or new not in members or old in members or type(old) is not str:
            has = f"it has {', '.join(members)}" if members else "it is no Enum"
            raise RegistryError(
                f"{cls.__name__}: aliases={{{short_repr(old)}: {short_repr(new)}}} should rename a member, and {has}."
            )
    return tuple(_checked_tag(cls, "aliases", old) for old in aliases if old not in renamed), renamed


def kind_of(
    entry: Entry,
    *,
    kind: str,
    name: str,
    type: str | None,
    status: str | None,
    parts: Iterable[str],
    keyed: KeyedBy | None,
) -> Kind:
    """Return the kind of document that objects of *entry*'s class are; takes the arguments of ``registry.document``.

    Only the names of fields are checked, as their types may be defined later; ``check_fit`` checks the types.

    Raises:
        RegistryError: a field does not exist, or an argument is no text; or a store could not track such objects.
    """
    cls, table = entry.cls, entry.fields
    # A field of a table goes by its key: its attribute is mostly private.
    keys = stored_names(cls) if table is None else {field.key: field.key for field in table.stored}
    if not keys and not declares(cls):
        raise RegistryError(
            f"{cls.__name__} declares no fields. Write @docstore.document above @dataclass, or what else declares "
            f"them: the lowest decorator is applied first."
        )

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
        keyed=keyed,
    )
    _check_fields(cls, made, keys.values())
    _check_slots(cls)
    return made


def _text(cls: type, argument: str, given: object) -> str:
    if type(given) is not str:
        raise RegistryError(f"{cls.__name__}: {argument}={short_repr(given)} should be a text.")
    return given


def _patterns(cls: type, parts: object) -> list[str]:
    if isinstance(parts, str) or not isinstance(parts, Iterable):
        given = short_repr(parts)
        raise RegistryError(f"{cls.__name__}: parts={given}: give several, as in parts=[{given}].")
    return [_text(cls, "parts", each) for each in parts]


def _check_fields(cls: type, kind: Kind, keys: Collection[str]) -> None:
    wanted = [(rule.field, "to take parts from") for rule in kind.parts]
    wanted += [(each.pattern[0], f"where keyed= has {each.pointer!r}") for each in kind.keyed]
    for field, use in wanted:
        if field not in keys:
            raise RegistryError(f"{cls.__name__} has no stored field {field!r} {use}.")


def check_fit(entry: Entry, kind: Kind) -> None:
    """Check that the fields of *entry*'s class are annotated with types that fit their use in *kind*.

    Raises:
        RegistryError: one is not; names the field, its annotation and what it should be.
        UnresolvedError: an annotation names something that does not exist.
    """
    cls, fields = entry.cls, {field.key: field for field in entry.stored_fields}
    _check(cls, fields[kind.name_field], "name", _names_a_document, "str, int or UUID")
    for argument, code in (("type", kind.type), ("status", kind.status)):
        if code is not None:
            _check(cls, fields[code.field], argument, _is_small_enum, "an Enum, str, or a Literal of texts")
    for rule in kind.parts:
        _check(cls, fields[rule.field], "parts", _has_parts, "dict[str, ...], dict[int, ...] or list[...]")
    for keyed in kind.keyed:
        _check_keyed(cls, keyed, fields[keyed.pattern[0]].annotation, kind.keyed)


def _check_keyed(cls: type, keyed: Keyed, annotation: Any, all_keyed: Collection[Keyed]) -> None:
    """Refuse a keyed list that no object can have, as far as annotations tell: a subclass may have further fields."""
    patterns = {each.pattern for each in all_keyed}
    for depth in range(1, len(keyed.pattern)):
        annotation, token = without_none(annotation), keyed.pattern[depth]
        if _is_list(annotation) and (token != ANY or keyed.pattern[:depth] not in patterns):
            outer = join_pointer(keyed.pattern[:depth])
            raise RegistryError(
                f"{cls.__name__}: keyed: {keyed.pointer!r} is in items of the list {outer!r}, which an index does "
                f"not identify. Write '*' for it, and by what those items are known: keyed={{{outer!r}: "
                f"(...), {keyed.pointer!r}: {keyed.members!r}}}."
            )
        annotation = _annotation_under(annotation, token)
    annotation = without_none(annotation)
    may_be_list = _is_list(annotation) or annotation in (Any, object)
    if not may_be_list and (isinstance(annotation, type) or get_origin(annotation) is dict):
        raise RegistryError(f"{cls.__name__}: keyed: {keyed.pointer!r} is annotated {annotation!r}, which is no list.")
    item = without_none(_annotation_under(annotation, ANY))
    names = list(stored_names(item).values()) if isinstance(item, type) and declares(item) else keyed.members
    missing = next((member for member in keyed.members if member not in names), None)
    if missing is not None:
        raise RegistryError(
            f"{cls.__name__}: keyed: an item of {keyed.pointer!r} has no stored field {missing!r}; a {item.__name__} "
            f"has {', '.join(names) or 'none'}."
        )


def _annotation_under(annotation: Any, token: str) -> Any:
    """Return the annotation of the value at *token* in a value of *annotation*; Any if it does not say."""
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return arguments[1]
    if _is_list(annotation):
        return Any if not arguments or (get_origin(annotation) is tuple and arguments[-1] is not ...) else arguments[0]
    fields = stored_fields(annotation) if isinstance(annotation, type) and declares(annotation) else ()
    return next((field.annotation for field in fields if field.key == token), Any)


def _is_list(annotation: Any) -> bool:
    return (get_origin(annotation) or annotation) in (list, tuple, set, frozenset, Sequence, MutableSequence)


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
