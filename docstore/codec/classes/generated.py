"""The functions that write and read the objects of one class, made as Python source from the table of its fields.

attrs makes ``__init__`` in the same way. There is a statement for each field, and so no loop, and no call for a plain
value. The source is readable, and tracebacks show it under the name of the class. For a field ``index: int`` it is::

    item = value.index
    if type(item) is int and -9223372036854775808 <= item <= 9223372036854775807:
        members['index'] = item
    elif item is None:
        members['index'] = None
    else:
        key = 'index'
        members['index'] = by_type[type(item)](item)

A field's value need not be of the annotated type: the annotation only says which types are tried first. ``key`` is the
field at which an error was raised.
"""

from __future__ import annotations

import keyword
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, EnumType
from functools import lru_cache
from math import copysign
from types import CodeType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

from docstore.codec.classes.class_fields import is_none, left_out
from docstore.codec.values.by_annotation import Plain, Shape, members_of, without_none
from docstore.codec.values.tags import FLOAT_LIMIT, INT_MAX, INT_MIN
from docstore.documents.canonical import JSON, moment_text

_PLAIN_IF: Final[Mapping[type, str]] = {
    str: r"{0}.isascii() and '\0' not in {0}",
    int: f"{INT_MIN} <= {{0}} <= {INT_MAX}",
    float: f"-{FLOAT_LIMIT} < {{0}} < {FLOAT_LIMIT} and ({{0}} or copysign(1.0, {{0}}) > 0.0)",
    bool: "",
}
"""The types that JSON has, and the condition under which a value needs no tag: ``values/tags`` decides it."""


@dataclass(frozen=True, slots=True)
class FieldCode:
    """One row of the table: a field, and how it is written and read.

    Attributes:
        read: returns the field's value of an object; None if that is the attribute *name*.
        default: as in ``StoredField``.
        omitted: whether None is not written.
        may_lack: whether an object may lack the attribute, and so a document the key; *read* returns ``absent`` then.
        is_given: whether its value is passed to the hook by *name*, and is no attribute.
        in_dict: whether it is mostly in the ``__dict__`` of the object, so that *read* is called only if it is not.
    """

    name: str
    key: str
    annotation: Any
    shape: Shape
    default: Callable[[], Any] | None
    read: Callable[[Any], Any] | None = None
    omitted: bool = False
    may_lack: bool = False
    is_given: bool = False
    in_dict: bool = False

    @property
    def is_looked_up(self) -> bool:
        """Whether the ``__dict__`` of the object is asked for it, which need not have it."""
        return self.in_dict or (self.read is None and self.may_lack)


# --- writing ---------------------------------------------------------------------------------------------------------


def encoder(
    cls: type, tag: JSON, fields: Sequence[FieldCode], plain: Plain, known: Mapping[str, Any]
) -> Callable[[Any], dict[str, JSON]]:
    """Return the function that writes the *fields* of objects of *cls*, in this order, after the *tag*.

    Args:
        known: the names that the source uses. ``failed`` is called with the object, the key and the error if one of
            ``errors`` is raised. ``finish`` is called with the object and its members if the object may have more than
            its fields: if ``beside`` is not empty, or an attribute is not in ``declared``, or there are ``slots``.
    """
    names: dict[str, Any] = {"by_type": plain.by_type, "copysign": copysign, "UTC": UTC, "moment_text": moment_text}
    body = [line for number, field in enumerate(fields) for line in _writing(number, field, plain, names)]
    source = [
        "def encode(value):",
        "    key = ''",
        f"    members = {{'__type': {tag!r}}}",
        *(["    held = value.__dict__.get"] if any(field.is_looked_up for field in fields) else []),
        "    try:",
        *(f"        {line}" for line in body or ["pass"]),
        "    except errors as error:",
        "        failed(value, key, error)",
        *_finishing(cls, has_slots=bool(known["slots"])),
        "    return members",
    ]
    return _made("encode", cls, source, {**names, **known})  # type: ignore[no-any-return]  # what the source defines


def _finishing(cls: type, *, has_slots: bool) -> list[str]:
    if has_slots:
        return ["    finish(value, members)"]
    condition = "beside or not declared.issuperset(value.__dict__)" if cls.__dictoffset__ else "beside"
    return [f"    if {condition}:", "        finish(value, members)"]


def _writing(number: int, field: FieldCode, plain: Plain, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that write *field*; add what they name to *names*."""
    target = f"members[{field.key!r}]"
    yield from _getting(number, field, names)
    word = "if"
    for condition, result in _quickly_written(number, field, plain, names):
        yield f"{word} {condition}:"
        if "moment_text" in result:  # a call, at which Python may have no room for one more
            yield f"    key = {field.key!r}"
        yield f"    {target} = {result}"
        word = "elif"
    yield f"{word} item is None:"
    yield "    pass" if field.omitted else f"    {target} = None"
    if field.may_lack:
        yield "elif item is absent:"
        yield "    pass"
    yield "else:"
    yield f"    key = {field.key!r}"
    if field.shape.encode is plain.encode:
        yield f"    {target} = by_type[type(item)](item)"
    else:
        names[f"encode_{number}"] = field.shape.encode
        yield f"    {target} = encode_{number}(item)"


def _getting(number: int, field: FieldCode, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that assign the value of *field* to ``item``; add what they name to *names*."""
    if field.is_looked_up:
        yield f"item = held({field.name!r}, absent)"
        if field.read is None:
            return
        yield "if item is absent:"
    elif field.read is None and is_name_in_source(field.name):
        yield f"item = value.{field.name}"
        return
    names[f"read_{number}"] = field.read or (lambda value: getattr(value, field.name))
    yield f"{'    ' if field.is_looked_up else ''}item = read_{number}(value)"


def _quickly_written(number: int, field: FieldCode, plain: Plain, names: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield conditions on the value under which it is written without the encoder, and the expression for its JSON."""
    if field.shape.encode is plain.encode:
        for cls in _plain_types(field.annotation):
            yield _is_plain(cls, "item"), "item"
        return
    annotation = without_none(field.annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        names[f"type_{number}"] = annotation
        yield f"type(item) is type_{number}", "item._name_"
    elif annotation is datetime:
        names["datetime"] = datetime
        yield (
            "type(item) is datetime and (item.tzinfo is None or item.tzinfo is UTC) and not item.fold",
            "moment_text(item)",
        )
    elif get_origin(annotation) is list and field.shape.item is not None and field.shape.item.encode is plain.encode:
        types = _plain_types(get_args(annotation)[0])
        if len(types) == 1:
            # Every item of the list is plain if none is left out here.
            items = f"[each for each in item if {_is_plain(types[0], 'each')}]"
            yield f"type(item) is list and len(items := {items}) == len(item)", "items"


def _plain_types(annotation: Any) -> list[type]:
    """Return the types that JSON has among those that *annotation* allows."""
    allowed = members_of([annotation])
    if any(each in (Any, object) or isinstance(each, TypeVar) for each in allowed):
        return list(_PLAIN_IF)
    values = [value for each in allowed if get_origin(each) is Literal for value in get_args(each)]
    return [cls for cls in _PLAIN_IF if cls in allowed or cls in map(type, values)]


def _is_plain(cls: type, name: str) -> str:
    condition = _PLAIN_IF[cls].format(name)
    return f"type({name}) is {cls.__name__}{' and ' if condition else ''}{condition}"


# --- reading ---------------------------------------------------------------------------------------------------------


def decoder(
    cls: type, fields: Sequence[FieldCode], plain: Plain, known: Mapping[str, Any], *, new: bool
) -> Callable[[Any], Any]:
    """Return the function that reads the *fields* of objects of *cls* from a JSON object, and makes the instance.

    Args:
        known: the names that the source uses. ``failed`` is called with the JSON, the key and the error if one is
            raised. ``missing`` returns the error for a member that is absent. ``unknown`` is called with JSON that has
            more members. ``make`` returns the instance with the given attributes.
        new: whether the attributes of a new instance are set one by one, without its constructor. ``unstored`` has
            the defaults of its other attributes; ``make`` is called with the instance, unless it is None. If a field is
            no attribute, its value is passed to ``make`` by its name.
    """
    names: dict[str, Any] = {"CodecError": known["CodecError"], "decode_plain": plain.decode}
    body = [line for number, field in enumerate(fields) for line in _reading(number, field, plain, names, new=new)]
    unstored: Mapping[str, Callable[[], Any]] = known["unstored"] if new else {}
    for number, (name, default) in enumerate(unstored.items()):
        body.append(f"made.{name} = {_default(f'unstored_{number}', default, names)}")
    has_given = any(field.is_given for field in fields)
    source = [
        "def decode(value):",
        "    key, missed = '', 0",
        "    made = new(cls)" if new else "    made = {}",
        *(["    given = {}"] if has_given else []),
        "    try:",
        *(f"        {line}" for line in body or ["pass"]),
        "    except (CodecError, ValueError, ArithmeticError) as error:",
        "        failed(value, key, error)",
        f"    if len(value) != {len(fields) + 1} - missed:",
        "        unknown(value)",
        "    return made" if known["make"] is None else f"    return make(made{', **given' if has_given else ''})",
    ]
    names |= {"new": object.__new__, "cls": cls}
    return _made("decode", cls, source, {**names, **known})  # type: ignore[no-any-return]  # as above


def _reading(number: int, field: FieldCode, plain: Plain, names: dict[str, Any], *, new: bool) -> Iterator[str]:
    """Yield the lines that read *field*; add what they name to *names*."""
    key, target = f"key = {field.key!r}", f"made.{field.name}" if new else f"made[{field.name!r}]"
    if field.is_given:
        target = f"given[{field.name!r}]"
    yield f"if {field.key!r} in value:"
    yield f"    item = value[{field.key!r}]"
    if field.shape.decode is plain.decode:
        yield "    if type(item) is dict or type(item) is list:"
        yield f"        {key}"
        yield "        item = decode_plain(item)"
    else:
        names[f"decode_{number}"] = field.shape.decode
        for line in _quickly_read(number, field, plain, names):
            yield f"    {line}"
        yield f"        {key}"
        yield f"        item = decode_{number}(item)"
    yield f"    {target} = item"
    yield "else:"
    if field.default is None:
        yield f"    {key}"
        yield "    raise missing()"
        return
    yield "    missed += 1"
    if field.default is not left_out:
        yield f"    {target} = {_default(f'default_{number}', field.default, names)}"


def _quickly_read(number: int, field: FieldCode, plain: Plain, names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that read JSON of the usual form without the decoder, and the condition for any other."""
    annotation = without_none(field.annotation)
    if isinstance(annotation, EnumType) and type(annotation).__getitem__ is EnumType.__getitem__:
        members: dict[str, Any] = {**annotation.__members__}
        former = plain.renamed(annotation) or {}
        names[f"members_{number}"] = {name: members[name] for name in members if name not in former}
        yield f"if type(item) is str and item in members_{number}:"
        yield f"    item = members_{number}[item]"
        yield "elif item is not None:"
    elif annotation is datetime:
        names["moment_of"] = datetime.fromisoformat
        yield "if type(item) is str:"
        yield f"    key = {field.key!r}"
        yield "    item = moment_of(item)"
        yield "elif item is not None:"
    else:
        yield "if item is not None:"


def _default(name: str, default: Callable[[], Any], names: dict[str, Any]) -> str:
    """Return the expression for a default."""
    if is_none(default):
        return "None"
    names[name] = default
    return f"{name}()"


def is_name_in_source(name: str) -> bool:
    """Return whether source can have an attribute of this *name*."""
    # Python normalizes other letters in source, but not in setattr.
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


# --- source ----------------------------------------------------------------------------------------------------------


def _made(function: str, cls: type, source: Sequence[str], names: Mapping[str, Any]) -> Any:
    """Return the *function* that *source* defines, with *names* as its globals."""
    made: dict[str, Any] = dict(names)
    exec(_compiled(f"{function} {cls.__qualname__}", "\n".join(source) + "\n"), made)
    return made[function]


@lru_cache(maxsize=1000)
def _compiled(title: str, source: str) -> CodeType:
    """Return the code of *source*, whose lines tracebacks show under a name with *title*."""
    file, number = f"<docstore {title}>", 1
    while file in linecache.cache and linecache.getlines(file) != source.splitlines(keepends=True):
        number += 1  # another class of this name, or this class as it was defined before
        file = f"<docstore {title} {number}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")
