"""Other values than a given one, of its type or by its annotation, to find out whether a field is stored at all."""

from __future__ import annotations

import math
import re
import sys
import types
import typing
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path, PurePath
from typing import Any, Final, Literal
from uuid import UUID

from docstore.codec.classes import class_fields, storable, stored_fields
from docstore.codec.classes.annotations import hints
from docstore.codec.classes.storable import aliased
from docstore.errors import InvalidValueError, RegistryError
from docstore.registry.proof.exact import identity, slots_of


def others(value: Any, annotation: Any = Any) -> list[Any]:
    """Return a few other values that may replace *value*: similar ones first, then some by the annotation.

    The list is empty if there is no other value (an Enum of one member, an object without attributes), or if nothing is
    known about the type.
    """
    annotation = _bare(annotation)
    choices = _choices(annotation)
    found = choices if choices is not None else [*_like(value, annotation), *made(annotation)]
    if value is None and not found and annotation is Any:
        found = ["a text", 7]
    return different(found, value)


def different(values: Iterable[Any], value: Any) -> list[Any]:
    """Return those of *values* that are neither *value* nor one another."""
    found: list[Any] = []
    known = [_identity(value)]
    for each in values:
        found_identity = _identity(each)
        if found_identity not in known:
            known.append(found_identity)
            found.append(each)
    return found


def _identity(value: Any) -> Any:
    try:
        return identity(value)
    except (InvalidValueError, RecursionError):
        return None


def twin(value: Any) -> Any:
    """Return a shallow copy of *value*, made without its constructor, to be changed; None if there cannot be one."""
    cls = type(value)
    if not class_fields.is_model(cls):
        try:
            bare = object.__new__(cls)
        except TypeError:  # it is more than its attributes
            pass
        else:
            stored_fields.replace_attributes(bare, value)
            return bare
    made = copy(value)
    return None if made is value else made


def contents(value: Any) -> Any:
    """Return the contents of an instance of a user's subclass of a built-in type, as that type; otherwise None."""
    for base in _WITH_CONTENTS:
        if isinstance(value, base) and type(value) is not base and not isinstance(value, Enum):
            if base in (list, dict, set):
                return base.copy(value)
            return tuple(value) if base is tuple else base.__getnewargs__(value)[0]
    return None


def with_contents(value: Any, held: Any) -> Any:
    """Return a copy of *value*, of a user's subclass of a built-in type, with the contents *held*; or None."""
    base: Any = type(held)
    if base in (list, dict, set):
        made = twin(value)
        if made is not None:
            base.clear(made)
            base.extend(made, held) if base is list else base.update(made, held)
        return made
    made = base.__new__(type(value), held)
    getattr(made, "__dict__", {}).update(getattr(value, "__dict__", {}))
    return made


_WITH_CONTENTS: Final[tuple[Any, ...]] = (list, dict, set, tuple, frozenset, str, bytes, int, float, complex)


# --- annotations -----------------------------------------------------------------------------------------------------


def _bare(annotation: Any) -> Any:
    """Return *annotation* without Annotated, NewType and aliases."""
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__") and hasattr(annotation, "__type_params__"):
            annotation = aliased(annotation)
        else:
            return annotation


def _members(annotation: Any) -> list[Any]:
    """Return the members of the union *annotation*; itself, if it is no union."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return [_bare(each) for each in typing.get_args(annotation)] if is_union else [annotation]


def _choices(annotation: Any) -> list[Any] | None:
    """Return all possible values, if *annotation* lists them (Literal)."""
    members = [each for each in _members(annotation) if each is not type(None)]
    if not members or any(typing.get_origin(each) is not Literal for each in members):
        return None
    values = [value for each in members for value in typing.get_args(each)]
    return values + [None] * (len(members) < len(_members(annotation)))


def made(annotation: Any, depth: int = 3) -> list[Any]:
    """Return a few values that *annotation* allows; none if it does not say which."""
    annotation = _bare(annotation)
    members = _members(annotation)
    if len(members) > 1:
        return [value for each in members for value in made(each, depth)[:2]]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    cls = annotation if origin is None else origin
    if origin is Literal:
        return [*arguments]
    if cls in _EXAMPLES:
        return [*_EXAMPLES[cls]]
    if cls in _CONTAINERS and depth:
        return list(_filled(cls, arguments, depth - 1))
    if isinstance(cls, type) and issubclass(cls, Enum):
        return [*cls][:2]
    if isinstance(cls, type) and cls is not Any:
        return [*_library_examples(cls), *(_by_default(cls) if storable.has_fields(cls) else ())]
    return []


def _filled(cls: Any, arguments: tuple[Any, ...], depth: int) -> Iterator[Any]:
    if cls in (dict, OrderedDict):
        key, item = arguments or (str, str)
        keys, items = made(key, depth), made(item, depth) or ["a text"]
        yield from (cls({key: items[0]}) for key in keys[:1])
    elif cls is tuple and arguments and arguments[-1] is not ...:
        items = [made(argument, depth)[:1] for argument in arguments]
        if all(items):
            yield tuple(item for (item,) in items)
    else:
        yield from (cls(items[:1]) for items in [made((arguments or (str,))[0], depth)] if items)


def _by_default(cls: type) -> list[Any]:
    try:
        return [cls()]
    except Exception:  # whatever a constructor raises that needs more than its defaults
        return []


_CONTAINERS: Final = frozenset({list, tuple, set, frozenset, dict, OrderedDict})
_MOMENT: Final = datetime(2024, 2, 29, 23, 59, 59, 1)
_EXAMPLES: Final[dict[Any, tuple[Any, ...]]] = {
    type(None): (None,),
    bool: (True, False),
    int: (7, 0),
    float: (0.1, 2.5),
    str: ("a text", ""),
    bytes: (b"\x00\xff",),
    bytearray: (bytearray(b"\x00\xff"),),
    complex: (0.1 + 2j,),
    datetime: (_MOMENT, _MOMENT.replace(tzinfo=UTC)),
    date: (_MOMENT.date(),),
    time: (_MOMENT.time(),),
    timedelta: (timedelta(days=1, microseconds=1),),
    Decimal: (Decimal("1.50"),),
    UUID: (UUID(int=1),),
    range: (range(1, 6, 2),),
    slice: (slice(1, None),),
    re.Pattern: (re.compile("a|b", re.IGNORECASE),),
    **dict.fromkeys((Path, PurePath, type(Path())), (Path("a/b"),)),
}


# --- values like a given one -----------------------------------------------------------------------------------------


def _like(value: Any, annotation: Any) -> Iterator[Any]:
    cls = type(value)
    if isinstance(value, Flag):
        yield from (value ^ member for member in cls)
    elif isinstance(value, Enum):
        yield from [member for member in cls if member is not value][:2]
    elif cls in _CONTAINERS:
        yield from _containers_like(value, annotation)
    elif cls in _LIKE or isinstance(value, PurePath):
        yield from _possible(_LIKE.get(cls, lambda path: [path / "x"])(value))
    elif root := next((r for r in ("numpy", "pandas") if cls.__module__.partition(".")[0] == r), ""):
        yield from (_arrays_like if root == "numpy" else _frames_like)(value)
    elif value is not None and not isinstance(value, type):
        yield from _objects_like(value)


def _possible(values: Iterable[Any]) -> Iterator[Any]:
    """Yield *values* up to one that is beyond what its type can hold."""
    try:
        yield from values
    except (ArithmeticError, ValueError):
        return


def _floats_like(value: float) -> Iterator[float]:
    if math.isfinite(value):
        yield from (math.nextafter(value, math.inf), math.nextafter(value, -math.inf), value + 1.0)
    yield 0.1


def _moments_like(value: datetime) -> Iterator[datetime]:
    yield value.replace(microsecond=(value.microsecond + 1) % 1_000_000)
    if value.tzinfo is not None:
        yield value.replace(tzinfo=timezone(timedelta(hours=1)))
    yield value + timedelta(days=1)


def _decimals_like(value: Decimal) -> Iterator[Decimal]:
    sign, digits, exponent = value.as_tuple()
    if isinstance(exponent, int):
        yield Decimal((sign, (*digits, 0), exponent - 1))  # equal, and not the same
        yield Decimal((sign, (*digits, 1), exponent - 1))
    yield Decimal("0.10")


_LIKE: Final[dict[type, Callable[[Any], Iterable[Any]]]] = {
    bool: lambda value: [not value],
    int: lambda value: [value + 1, value - 1],
    float: _floats_like,
    complex: lambda value: [complex(value.real, value.imag + 1), complex(value.real + 1, value.imag)],
    str: lambda value: [f"{value}x"],
    bytes: lambda value: [value + b"x"],
    bytearray: lambda value: [value + b"x"],
    datetime: _moments_like,
    date: lambda value: (value + timedelta(days=days) for days in (1, -1)),
    time: lambda value: [value.replace(microsecond=(value.microsecond + 1) % 1_000_000)],
    timedelta: lambda value: (value + timedelta(microseconds=step) for step in (1, -1)),
    Decimal: _decimals_like,
    UUID: lambda value: [UUID(int=value.int ^ 1)],
    range: lambda value: [
        range(value.start, value.stop, value.step * 2),
        range(value.start + 1, value.stop, value.step),
    ],
    slice: lambda value: [slice(value.start, value.stop, 2), slice(None)],
    re.Pattern: lambda value: [re.compile(value.pattern, value.flags ^ re.MULTILINE), re.compile(value.pattern[:0])],
}


def _containers_like(value: Any, annotation: Any) -> Iterator[Any]:
    """Yield containers with one item changed, and with one more item, by *annotation*."""
    arguments: tuple[Any, ...] = ()
    for each in _members(annotation):
        arguments = typing.get_args(each) if typing.get_origin(each) is type(value) else arguments
    if isinstance(value, dict):
        yield from _dicts_like(value, *(arguments or (Any, Any)))
    elif isinstance(value, (set, frozenset)):
        present = next(iter(value), None)
        for item in [*others(present, (arguments or (Any,))[0])]:
            if item not in value and item is not None:
                yield value | {item}
    else:
        fixed = isinstance(value, tuple) and bool(arguments) and arguments[-1] is not ...
        kinds = arguments if fixed else (arguments or (Any,))[:1] * len(value)
        for index, kind in enumerate(kinds[: len(value)]):
            for item in others(value[index], kind)[:1]:
                yield type(value)([*value[:index], item, *value[index + 1 :]])
        if not fixed:
            item = [*value[-1:], *made((arguments or (Any,))[0]), "a text"][0]
            yield type(value)([*value, item])


def _dicts_like(value: Any, key_annotation: Any, annotation: Any) -> Iterator[Any]:
    for key, item in value.items():
        for other in others(item, annotation)[:1]:
            yield type(value)({**value, key: other})
    item = [*value.values(), *made(annotation), "a text"][0]
    for key in others(next(iter(value), "a key" if key_annotation is Any else None), key_annotation):
        if key not in value and key is not None:
            yield type(value)({**value, key: item})
            break
    if isinstance(value, OrderedDict):
        yield OrderedDict(reversed(value.items()))


def _objects_like(value: Any) -> Iterator[Any]:
    """Yield copies of *value*, of a user's class, with one attribute changed: the first that can have another value."""
    held = contents(value)
    is_namedtuple = storable.is_namedtuple(type(value))
    if held is not None and not is_namedtuple:
        yield from [made for other in others(held) if (made := with_contents(value, other)) is not None]
    for name, annotation in attributes_of(value):
        for other in others(getattr(value, name), annotation)[:1]:
            if is_namedtuple:
                yield value._replace(**{name: other})
                return
            made = twin(value)
            if made is not None:
                stored_fields.assign(made, name, other)
                yield made
                return


def attributes_of(value: Any) -> list[tuple[str, Any]]:
    """Return the name and annotation of each attribute of *value*, without those that are not stored on purpose."""
    cls: Any = type(value)
    if storable.is_namedtuple(cls):
        said = hints(cls)
        return [(name, said.get(name, Any)) for name in cls._fields]
    try:
        known = {name: field.annotation for field in stored_fields.stored_fields(cls) for name in field.names}
    except RegistryError:  # a class with functions of its own need not say what its constructor takes
        known = {}
    names = dict.fromkeys((*slots_of(value), *getattr(value, "__dict__", ())))
    unstored = stored_fields.unstored_names(cls) | {"__pydantic_fields_set__", "__pydantic_extra__"}
    return [(name, known.get(name, Any)) for name in names if name not in unstored]


# --- NumPy and pandas: if there is a value or a class of theirs, they are imported -----------------------------------


def _library_examples(cls: Any) -> Iterator[Any]:
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and cls is numpy.ndarray:
        yield numpy.array([0.1, 2.5])
    elif numpy is not None and issubclass(cls, numpy.number):
        yield from (cls(7) for _ in [0] if not any(cls.__subclasses__()))
    elif pandas is not None and cls in (pandas.DataFrame, pandas.Series, pandas.Index, pandas.Categorical):
        yield cls({"x": [0.1, 2.5]}) if cls is pandas.DataFrame else cls(["x", "y"])
    elif pandas is not None and cls in (pandas.Timestamp, pandas.Timedelta):
        yield cls(86_400_000_000_001)  # nanoseconds


def _arrays_like(value: Any) -> Iterator[Any]:
    numpy: Any = sys.modules["numpy"]
    if not isinstance(value, numpy.ndarray):
        if isinstance(value, numpy.generic):
            yield from (other[0] for other in _arrays_like(numpy.array([value])) if len(other) == 1)
        return
    if value.size and value.dtype.kind in "biufcmM":
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        raw = bytearray(value.tobytes(order))
        raw[value.dtype.itemsize - 1 if value.dtype.str[0] == ">" else 0] ^= 1
        yield numpy.frombuffer(raw, value.dtype).reshape(value.shape, order=order)
    if value.ndim:
        yield numpy.concatenate([value, value]) if value.size else numpy.ones(1, value.dtype)


def _frames_like(value: Any) -> Iterator[Any]:
    pandas: Any = sys.modules["pandas"]
    if isinstance(value, (pandas.DataFrame, pandas.Series)):
        yield pandas.concat([value, value]) if len(value) else next(_library_examples(type(value)))
    elif isinstance(value, pandas.Index):
        yield value.append(value) if len(value) else pandas.Index(["x"])
    elif isinstance(value, pandas.api.extensions.ExtensionArray):
        yield value[::-1] if len(value) > 1 else value.take([0, 0][: 2 * len(value)])
    elif isinstance(value, (pandas.Timestamp, pandas.Timedelta)):
        yield from _possible(value + pandas.Timedelta(step, "ns") for step in (1, -1))
