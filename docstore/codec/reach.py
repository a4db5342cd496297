"""Which classes the annotations of a class name, at any depth, and whether what they name can be stored."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Literal

from docstore.codec import storable
from docstore.codec.annotations import hints, remember, remembered
from docstore.codec.storable import Refusal
from docstore.codec.stored_fields import stored_fields
from docstore.errors import UnresolvedError


def reachable(
    cls: type, namespace: Mapping[str, Any] | None = None, *, known: Callable[[type], bool] = lambda cls: False
) -> list[type]:
    """Return the classes that have to be registered for an instance of *cls* to be stored, but *cls* itself.

    They are those that the annotations of stored fields name, at any depth, and theirs in turn: classes that are made
    of fields, namedtuples and enums. Each comes once, as it is met.

    Args:
        namespace: what the definition of *cls* could see; it is remembered, for classes of the same function too.
        known: classes that are registered already: neither they nor what they name is in the result.

    Raises:
        UnresolvedError: an annotation of one of them names what is not there.
    """
    if namespace is not None:
        remember(cls, namespace)
    found: dict[type, None] = {cls: None}
    waiting = [cls]
    while waiting:
        owner = waiting.pop(0)
        for _, annotation in _stored(owner):
            for each in _named(annotation):
                if each not in found and storable.has_fields(each) and not known(each):
                    found[each] = None
                    waiting.append(each)
                    if remembered(each) is None and "<locals>" in each.__qualname__:
                        remember(each, remembered(owner) or {})
    return list(found)[1:]


def unstorable(cls: type, known: Callable[[type], bool], namespace: Mapping[str, Any] | None = None) -> list[str]:
    """Return a sentence for each stored field of *cls* in which nothing that fits its annotation can be stored.

    Of a union, every member but None has to be storable, and of a container the items; what is abstract, Any or a type
    variable may be anything. The sentence names the field, the annotation and what to do.

    Args:
        known: whether a class is registered, or will be.

    Raises:
        UnresolvedError: an annotation names what is not there.
    """
    if namespace is not None:
        remember(cls, namespace)
    sentences = []
    for name, annotation in _stored(cls):
        refusals = (storable.refusal(each, known) for each in _named(annotation, surely=True))
        refusal = next(filter(None, refusals), None)
        if refusal is not None:
            sentences.append(
                f"{cls.__qualname__}.{name} is annotated {spelled(annotation)}, and {refusal.problem}. "
                f"{_remedy(cls, refusal)}."
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


def _stored(cls: type) -> list[tuple[str, Any]]:
    """Return the name and the annotation of each stored field of *cls*."""
    if issubclass(cls, Enum):
        return []
    if storable.is_namedtuple(cls):
        known = hints(cls)
        return [(name, known.get(name, Any)) for name in cls._fields]  # type: ignore[attr-defined]  # a namedtuple
    return [(field.name, field.annotation) for field in stored_fields(cls)]


def _named(annotation: Any, *, surely: bool = False, aliases: frozenset[Any] = frozenset()) -> Iterator[type]:
    """Yield the classes that *annotation* names, at any depth.

    Args:
        surely: only those that values have to be of: not the arguments of a user's generic class, which may hold no
            value of that type, and none of a union with Any.
        aliases: those that are being looked into, as a type alias may name itself.
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
    if cls in (collections.abc.Callable, type) or cls.__module__.partition(".")[0] in ("numpy", "pandas"):
        return False
    return not surely or cls.__module__ in ("builtins", "collections", "collections.abc")


def aliased(alias: Any) -> Any:
    """Return what a type alias stands for.

    Raises:
        UnresolvedError: it names what is not there.
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


def spelled(annotation: Any) -> str:
    """Return *annotation* as one writes it, with the modules of classes other than Python's own."""
    if typing.get_origin(annotation) is None and hasattr(annotation, "__qualname__"):
        module = annotation.__module__
        return annotation.__qualname__ if module == "builtins" else f"{module}.{annotation.__qualname__}"
    return repr(annotation).replace("typing.", "")
