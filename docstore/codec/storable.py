"""Of which classes an instance can be stored, to judge by the class alone."""

from __future__ import annotations

import array
import collections
import collections.abc
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from docstore.codec import optional_types
from docstore.codec.stored_fields import slots_of
from docstore.codec.tags import BY_TYPE
from docstore.errors import EncodeError, MissingDependencyError

JSON_TYPES: Final = frozenset({type(None), bool, int, float, str, list, dict})

TAKE_OUT: Final = "Take it out of what is saved"
"""The remedy for a value that nothing can store."""

_LIBRARIES: Final = frozenset({"attr", "attrs", "enum", "msgspec", "pydantic"})
"""What makes classes of their fields; a class of such a library itself, as ``BaseModel``, stands for all made by it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no instance of a class can be stored, and what to do: nothing, where only leaving it out helps."""

    problem: str
    remedy: str = ""


def has_fields(cls: type) -> bool:
    """Return whether *cls* says itself what it is made of, so that docstore needs no more than its registration.

    That is a dataclass, an attrs class, a Pydantic model, a msgspec Struct, a namedtuple or an Enum.
    """
    if cls.__module__.partition(".")[0] in _LIBRARIES or inspect.isabstract(cls) or is_protocol(cls):
        return False
    if issubclass(cls, Enum):
        return len(cls.__members__) > 0
    return is_namedtuple(cls) or any(hasattr(cls, mark) for mark in _MARKS)


_MARKS: Final = ("__dataclass_fields__", "__attrs_attrs__", "__struct_fields__", "__pydantic_fields__")


def is_namedtuple(cls: type) -> bool:
    """Return whether *cls* is a namedtuple."""
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_protocol(cls: type) -> bool:
    """Return whether *cls* is a Protocol: what fits it need not inherit from it."""
    return bool(vars(cls).get("_is_protocol", False))


def why_not_restorable(cls: type) -> Refusal | None:
    """Return why instances of *cls* cannot be restored from their fields, and the remedy; None if they can.

    Such a class can only be registered with functions, or not at all.
    """
    if issubclass(cls, Enum) or is_namedtuple(cls):
        return None
    if cls in JSON_TYPES or cls in BY_TYPE or (_is_of_ecosystem(cls) and _of_ecosystem(cls) is None):
        return Refusal(f"docstore stores values of type {cls.__qualname__} as they are", "It needs no registration")
    found = no_data(cls) or (_of_ecosystem(cls) if _is_of_ecosystem(cls) else None)
    if found is None and is_more_than_attributes(cls):
        return Refusal(
            f"a {cls.__qualname__} is more than its attributes, and would lose the rest",
            f"Register it with functions of your own: docstore.register({cls.__name__}, encode=..., decode=...)",
        )
    return found


def is_more_than_attributes(cls: type) -> bool:
    """Return whether instances of *cls* hold more than attributes: the text of a str subclass, what C code keeps."""
    if any(base.__module__ == "builtins" for base in cls.__mro__ if base is not object):
        return True
    if getattr(cls, "__new__", None) is not object.__new__:
        return True
    # As pickle does: an instance has a place for each slot; only C code knows what is beyond these.
    places = len(slots_of(cls)) + (cls.__dictoffset__ > 0) + (cls.__weakrefoffset__ > 0)
    return cls.__basicsize__ > object.__basicsize__ + places * _POINTER


_POINTER: Final = tuple.__itemsize__


def no_data(cls: type) -> Refusal | None:
    """Return why no function could store instances of *cls*, and what to store instead; None if one could."""
    for never in (cls, *{type, typing.IO}.intersection(cls.__mro__)):
        if never in _NEVER:
            return _NEVER[never]
    if cls.__module__ in ("builtins", "itertools") and issubclass(cls, collections.abc.Iterator):
        return _ITERATOR
    if cls.__module__ == "builtins" and not issubclass(cls, BaseException) and cls is not object:
        return _FUNCTION if "__call__" in vars(cls) else _running(cls)
    bases = [] if has_fields(cls) else [base for base in cls.__mro__ if base is not types.SimpleNamespace]
    return _running(cls) if any(base.__module__.partition(".")[0] in _RUNNING for base in bases) else None


def _running(cls: type) -> Refusal:
    return Refusal(f"{_name(cls)} belongs to the program that runs, and cannot be stored")


def _is_of_ecosystem(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("numpy", "pandas")


def refusal(cls: type, known: Callable[[type], bool]) -> Refusal | None:
    """Return why no instance of *cls*, or of a subclass that is *known*, can be stored; None if one may be."""
    if known(cls) or cls in JSON_TYPES or cls in BY_TYPE or has_fields(cls):
        return None
    for never in (cls, *{type, typing.IO}.intersection(cls.__mro__)):
        if never in _NEVER:
            return _NEVER[never]
    if _stands_for_others(cls) or any(known(other) or other in BY_TYPE for other in _subclasses(cls)):
        return None
    return _of_ecosystem(cls) if _is_of_ecosystem(cls) else _of_another(cls)


def _stands_for_others(cls: type) -> bool:
    """Return whether values of other classes are meant: by an abstract class, a Protocol, the base of all models."""
    is_open = cls.__module__.partition(".")[0] in _LIBRARIES or (issubclass(cls, Enum) and not cls.__members__)
    return cls is object or is_open or inspect.isabstract(cls) or is_protocol(cls)


def _subclasses(cls: type) -> Iterator[type]:
    subclasses: list[type] = type.__subclasses__(cls)
    for each in subclasses:
        yield each
        yield from _subclasses(each)


def _of_ecosystem(cls: type) -> Refusal | None:
    """Return what the module that writes a library's values says of *cls*, which may be the base of such values."""
    found = Refusal(f"{_name(cls)} cannot be written exactly")
    for each in (cls, *_subclasses(cls)):
        try:
            if optional_types.tagged_type(each):
                return None
        except EncodeError as error:
            if each is cls:
                problem, _, remedy = error.problem.partition(". ")
                found = Refusal(problem, remedy.rstrip("."))
        except MissingDependencyError:
            return None  # told when such a value is met
    return found


def _of_another(cls: type) -> Refusal:
    for base in cls.__mro__[1:]:
        if base in BY_TYPE or base in _MORE_THAN_ATTRIBUTES:
            return Refusal(
                f"{cls.__qualname__} is a {base.__name__}, and more than its attributes",
                f"Register it with functions of your own: docstore.register({cls.__name__}, encode=..., decode=...)",
            )
    if cls.__module__.partition(".")[0] in _RUNNING or cls.__module__ == "builtins":
        return _running(cls)
    return Refusal(
        f"docstore does not know what {cls.__qualname__} is made of",
        f"Register it: docstore.register({cls.__name__}, ...)",
    )


def _name(cls: type) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


_MORE_THAN_ATTRIBUTES: Final = (BaseException, collections.deque, array.array)

_RUNNING: Final = frozenset(
    {
        *("_asyncio", "_contextvars", "_io", "_queue", "_socket", "_thread", "_weakref", "_weakrefset"),
        *("asyncio", "concurrent", "contextvars", "io", "logging", "multiprocessing", "queue", "select", "selectors"),
        *("socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "types", "weakref"),
    }
)

_FUNCTION: Final = Refusal("a function is no data")
_ITERATOR: Final = Refusal("an iterator is used up when it is read", "Keep a list or a tuple")
_WAITING: Final = Refusal("what is still awaited belongs to the program that runs, and cannot be stored")
_FILE: Final = Refusal("an open file belongs to the program that runs, and cannot be stored", "Keep its Path")


def _instead(what: str, keep: str) -> Refusal:
    return Refusal(f"{what} cannot be stored", f"Keep {keep}")


_NEVER: Final[dict[Any, Refusal]] = {
    **dict.fromkeys((collections.abc.Callable, types.FunctionType, types.MethodType), _FUNCTION),
    **dict.fromkeys((types.BuiltinFunctionType, types.MethodWrapperType), _FUNCTION),
    **dict.fromkeys((collections.abc.Iterator, collections.abc.Generator, types.GeneratorType), _ITERATOR),
    **dict.fromkeys((collections.abc.AsyncIterator, collections.abc.AsyncGenerator), _ITERATOR),
    **dict.fromkeys((collections.abc.AsyncIterable, types.AsyncGeneratorType), _ITERATOR),
    **dict.fromkeys((collections.abc.Awaitable, collections.abc.Coroutine, types.CoroutineType), _WAITING),
    typing.IO: _FILE,
    type: Refusal("a class is no data"),
    types.ModuleType: Refusal("a module is no data", "Keep its name"),
    memoryview: _instead("memoryview", "bytes"),
    range: _instead("range", "a list or a tuple"),
    slice: _instead("slice", "a tuple"),
    collections.defaultdict: _instead("defaultdict", "a dict"),
    collections.Counter: _instead("Counter", "a dict"),
    collections.ChainMap: _instead("ChainMap", "a dict"),
    types.MappingProxyType: _instead("mappingproxy", "a dict"),
    types.SimpleNamespace: _instead("SimpleNamespace", "a dict"),
    type({}.keys()): _instead("dict_keys", "a list"),
    type({}.values()): _instead("dict_values", "a list"),
    type({}.items()): _instead("dict_items", "a list"),
    collections.deque: _instead("deque", "a list"),
    array.array: _instead("array.array", "a list, or a NumPy array"),
}
"""What a value is never stored as, itself or by a base, and what can be."""
