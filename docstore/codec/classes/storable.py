"""Whether instances of a class can be stored, judged by the class alone, and which other classes its fields name."""

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
from typing import Any, Final, Literal, TypeAlias

from docstore.codec.classes.annotations import hints, remember, remembered
from docstore.codec.classes.stored_fields import slots_of, stored_fields
from docstore.codec.values.optional_types import is_of_values, tagged_type
from docstore.codec.values.tags import BY_TYPE
from docstore.errors import EncodeError, MissingDependencyError, UnresolvedError, with_article

JSON_TYPES: Final = frozenset({type(None), bool, int, float, str, list, dict})

TAKE_OUT: Final = "Take it out of what is saved"
"""The remedy for a value that nothing can store."""

_LIBRARIES: Final = frozenset({"attr", "attrs", "enum", "msgspec", "pydantic"})
"""Libraries that make classes from their fields. A class of the library, like ``BaseModel``, stands for all of them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no instance of a class can be stored, and the remedy; an empty one if it can only be left out."""

    problem: str
    remedy: str = ""


def has_fields(cls: type) -> bool:
    """Return whether *cls* declares its fields: a dataclass, attrs class, Pydantic model, Struct, namedtuple or Enum.

    Such a class needs no more than to be registered.
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
    """Return whether *cls* is a Protocol; the classes that fit it need not inherit from it."""
    return bool(vars(cls).get("_is_protocol", False))


def why_not_restorable(cls: type) -> Refusal | None:
    """Return why instances of *cls* cannot be restored from their fields, and the remedy; None if they can.

    A class that is refused can only be registered with functions, or not at all.
    """
    if issubclass(cls, Enum) or is_namedtuple(cls):
        return None
    if is_stored_as_it_is(cls):
        return Refusal(f"docstore stores values of type {cls.__qualname__} as they are", "It needs no registration")
    found = no_data(cls) or (_of_ecosystem(cls) if is_of_values(cls) else None)
    if found is None and is_more_than_attributes(cls):
        return Refusal(
            f"{with_article(cls.__qualname__)} is more than its attributes, and would lose the rest",
            f"Register it with functions of your own: docstore.register({cls.__name__}, encode=..., decode=...)",
        )
    return found


def is_stored_as_it_is(cls: type) -> bool:
    """Return whether values of type *cls* are stored without a registration: those of JSON, and those with a tag."""
    return cls in JSON_TYPES or cls in BY_TYPE or (is_of_values(cls) and _of_ecosystem(cls) is None)


def is_more_than_attributes(cls: type) -> bool:
    """Return whether instances of *cls* hold more than attributes: the text of a str subclass, or state kept in C."""
    if any(base.__module__ == "builtins" for base in cls.__mro__ if base is not object):
        return True
    if getattr(cls, "__new__", None) is not object.__new__:
        return True
    # The check that pickle makes: an instance has room for its slots; anything beyond is known to C code only.
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


def refusal(cls: type, known: Callable[[type], bool]) -> Refusal | None:
    """Return why no instance of *cls*, or of a subclass that is *known*, can be stored; None if one may be."""
    if known(cls) or is_stored_as_it_is(cls) or has_fields(cls):
        return None
    if cls not in _NEVER and (
        _stands_for_others(cls) or any(known(other) or other in BY_TYPE for other in _subclasses(cls))
    ):
        return None
    return why_not_restorable(cls) or Refusal(
        f"docstore does not know what {cls.__qualname__} is made of",
        f"Register it: docstore.register({cls.__name__}, ...)",
    )


def _stands_for_others(cls: type) -> bool:
    """Return whether *cls* stands for values of other classes: abstract, a Protocol, or the base of all models."""
    is_open = cls.__module__.partition(".")[0] in _LIBRARIES or (issubclass(cls, Enum) and not cls.__members__)
    return cls is object or is_open or inspect.isabstract(cls) or is_protocol(cls)


def _subclasses(cls: type) -> Iterator[type]:
    subclasses: list[type] = type.__subclasses__(cls)
    for each in subclasses:
        yield each
        yield from _subclasses(each)


def _of_ecosystem(cls: type) -> Refusal | None:
    """Return why no value of *cls*, of NumPy, pandas or PyTorch, or of a subclass can be written; None if one can."""
    found = Refusal(f"{_name(cls)} cannot be written exactly")
    for each in (cls, *_subclasses(cls)):
        try:
            if tagged_type(each):
                return None
        except EncodeError as error:
            if each is cls:
                problem, _, remedy = error.problem.partition(". ")
                found = Refusal(problem, remedy.rstrip("."))
        except MissingDependencyError:
            return None  # the error is raised when such a value is met
    return found


def _name(cls: type) -> str:
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


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
"""Classes whose instances are never stored, and what to store instead."""


# --- the classes that the fields of a class name ---------------------------------------------------------------------


def annotated_fields(cls: type) -> list[tuple[str, Any]]:
    """Return the name and the annotation of each stored field that *cls* declares."""
    if issubclass(cls, Enum):
        return []
    if is_namedtuple(cls):
        known = hints(cls)
        return [(name, known.get(name, Any)) for name in cls._fields]  # type: ignore[attr-defined]  # a namedtuple
    return [(field.name, field.annotation) for field in stored_fields(cls)]


AnnotatedFields: TypeAlias = Callable[[type], "list[tuple[str, Any]]"]
"""Returns the name and the annotation of each stored field of a class."""


def reachable(
    cls: type, *, known: Callable[[type], bool] = lambda cls: False, fields: AnnotatedFields = annotated_fields
) -> list[type]:
    """Return the other classes that have to be registered so that an instance of *cls* can be stored.

    They are the classes with fields, namedtuples and enums that the annotations of its stored fields name, at any
    depth, and those that their fields name in turn. Each comes once, in the order in which they are found.

    Args:
        known: whether a class is registered already; then neither it nor what it names is in the result.

    Raises:
        UnresolvedError: an annotation of one of them names what is not there.
    """
    found: dict[type, None] = {cls: None}
    waiting = [cls]
    while waiting:
        owner = waiting.pop(0)
        for _, annotation in fields(owner):
            for each in _named(annotation):
                if each not in found and has_fields(each) and not known(each):
                    found[each] = None
                    waiting.append(each)
                    if remembered(each) is None and "<locals>" in each.__qualname__:
                        remember(each, remembered(owner) or {})
    return list(found)[1:]


def unstorable(cls: type, known: Callable[[type], bool], fields: AnnotatedFields = annotated_fields) -> list[str]:
    """Return a sentence for each stored field of *cls* whose annotation allows no value that can be stored.

    Every member of a union but None has to be storable, and the items of a container; an abstract class, Any and a type
    variable may be anything. The sentence names the field, the annotation and what to do.

    Args:
        known: whether a class is registered, or will be.

    Raises:
        UnresolvedError: an annotation names what is not there.
    """
    sentences = []
    for name, annotation in fields(cls):
        refused = next(filter(None, (refusal(each, known) for each in _named(annotation, surely=True))), None)
        if refused is not None:
            sentences.append(
                f"{cls.__qualname__}.{name} is annotated {annotation_text(annotation)}, and {refused.problem}. "
                f"{_remedy(cls, refused)}."
            )
    return sentences


def _remedy(cls: type, refusal: Refusal) -> str:
    if hasattr(cls, "__pydantic_root_model__"):
        leave_out = "make it a private attribute: PrivateAttr(...)"
    elif hasattr(cls, "__dataclass_fields__") or hasattr(cls, "__attrs_attrs__"):
        leave_out = "leave the field out: field(metadata={'stored': False})"
    else:
        leave_out = "keep it out of the class"
    return f"{refusal.remedy.rstrip('.')}; or {leave_out}" if refusal.remedy else leave_out[0].upper() + leave_out[1:]


def _named(annotation: Any, *, surely: bool = False, aliases: frozenset[Any] = frozenset()) -> Iterator[type]:
    """Yield the classes that *annotation* names, at any depth.

    Args:
        surely: only classes that the values must have: not the arguments of a user's generic class, which may hold no
            value of that type, and no member of a union with Any.
        aliases: the type aliases that are being resolved, as an alias may name itself.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    subject = annotation if origin is None else origin
    if origin in (typing.Union, types.UnionType):
        arguments = () if surely and not {Any, object}.isdisjoint(arguments) else arguments
    elif hasattr(subject, "__value__") and hasattr(subject, "__type_params__"):  # a TypeAliasType, whoever made it
        arguments = () if subject in aliases else (*arguments, aliased(subject))
        aliases |= {subject}
    elif isinstance(annotation, typing.NewType):
        arguments = (annotation.__supertype__,)
    elif typing.is_typeddict(annotation):
        arguments = () if annotation in aliases else tuple(hints(annotation).values())
        aliases |= {annotation}
    elif origin is typing.Annotated:
        arguments = arguments[:1]
    elif origin is Literal:
        arguments = tuple(map(type, arguments))
    elif isinstance(subject, type) and subject is not Any:
        yield subject
        arguments = arguments if _holds_arguments(subject, surely) else ()
    elif isinstance(annotation, (types.FunctionType, types.BuiltinFunctionType)):
        yield type(annotation)  # threading.Lock is a function in Python 3.12 and before
    for argument in arguments:
        yield from _named(argument, surely=surely, aliases=aliases)


def _holds_arguments(cls: type, surely: bool) -> bool:
    """Return whether an instance of ``cls[T]`` holds values of T: a list does, a function or a NumPy array does not."""
    if cls in (collections.abc.Callable, type) or is_of_values(cls):
        return False
    return not surely or cls.__module__ in ("builtins", "collections", "collections.abc")


def aliased(alias: Any) -> Any:
    """Return the annotation that a type alias stands for.

    Raises:
        UnresolvedError: it names something that does not exist.
    """
    try:
        value = alias.__value__
    except NameError as error:
        raise UnresolvedError(
            f"the type alias {alias.__name__} names {error.name!r}, which is not there at run time. Import it outside "
            f"`if TYPE_CHECKING:`, or define it before a class with this alias is used."
        ) from error
    here = {"__annotations__": {"__value__": value}, "__module__": alias.__module__}
    return hints(type(alias.__name__, (), here))["__value__"]


def annotation_text(annotation: Any) -> str:
    """Return *annotation* as source text, with the modules of classes other than Python's own."""
    if typing.get_origin(annotation) is None and hasattr(annotation, "__qualname__"):
        module = annotation.__module__
        return annotation.__qualname__ if module == "builtins" else f"{module}.{annotation.__qualname__}"
    return repr(annotation).replace("typing.", "")
