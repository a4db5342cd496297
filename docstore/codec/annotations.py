"""What the annotations of a class or a function say before any value is seen: none is lost in silence.

The stored text depends on it: a datetime in a field that is annotated ``datetime`` is bare ISO text, and would come
back as text if the annotation were not there when the document is read.
"""

from __future__ import annotations

import collections.abc
import re
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import InitVar
from enum import Enum
from typing import Any, ClassVar, Final, Literal
from weakref import WeakKeyDictionary

from docstore.codec import storable
from docstore.codec.storable import Refusal
from docstore.errors import RegistryError, UnresolvedError

_CLASS_VARIABLE: Final = re.compile(r"(\w+\s*\.\s*)*ClassVar\b")


# --- what a class or a function annotates ----------------------------------------------------------------------------


def hints(
    thing: Any,
    *,
    namespace: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    owner: type | None = None,
) -> dict[str, Any]:
    """Return what a class (with its bases) or a function annotates, by name, with no text left in place of a type.

    ``Annotated``, ``Required``, ``Final`` and ``InitVar`` are taken off, as they say nothing of the values; a bare
    ``Final`` is Any. A ``ClassVar`` is no attribute of an instance, and is left out.

    Args:
        namespace: names that are neither in the module that declares the annotation, nor in the class, nor remembered.
        only: the names to look at; what else is annotated may be beyond resolving.
        owner: the class that a function belongs to, whose name may stand in the function's annotations.

    Raises:
        UnresolvedError: an annotation names what is not there; names the class, the field, its text, and the remedy.
        RegistryError: an annotation is no type.
    """
    found: dict[str, Any] = {}
    for base in reversed(thing.__mro__) if isinstance(thing, type) else [thing]:
        own = _own(base)
        if own:
            known = {**_remembered.get(owner or thing, {}), **_remembered.get(base, {}), **(namespace or {})}
            names = _Names(base, own, known, owner)
            for name, annotation in own.items():
                if _is_class_variable(annotation):
                    found.pop(name, None)
                elif only is None or name in only:
                    found[name] = _resolved(annotation, names, name)
    return found


def remember(cls: type, namespace: Mapping[str, Any]) -> None:
    """Have the annotations of *cls* looked up in *namespace* too, from now on: what its definition could see."""
    _remembered[cls] = dict(namespace)


# The one module-level state: whoever asks for a class's annotations later, has no more than the class.
_remembered: Final[WeakKeyDictionary[Any, Mapping[str, Any]]] = WeakKeyDictionary()


class _Names(dict[str, Any]):
    """What a text may name: the module of *thing* first, as in Python, then the class, then what the caller gives."""

    def __init__(self, thing: Any, own: Mapping[str, Any], namespace: Mapping[str, Any], owner: type | None) -> None:
        self.thing = thing
        super().__init__({"typing": typing, **namespace})  # make_dataclass writes 'typing.Any', wherever it is called
        owner = thing if isinstance(thing, type) else owner
        if owner is not None:
            # A default is no type: "date" is not None in a class that says "date: date | None = None".
            self.update({name: member for name, member in vars(owner).items() if name not in own})
            self[owner.__name__] = owner
        self.update(_globals(thing))
        if owner is not None and owner.__qualname__.endswith(f"<locals>.{owner.__name__}"):
            self[owner.__name__] = owner  # of two classes of one name, the function's own hides the module's
        for source in (owner, thing):
            self.update({variable.__name__: variable for variable in getattr(source, "__type_params__", ())})


def _globals(thing: Any) -> dict[str, Any]:
    while hasattr(thing, "__wrapped__"):
        thing = thing.__wrapped__
    found: dict[str, Any] = getattr(thing, "__globals__", None) or getattr(
        sys.modules.get(thing.__module__), "__dict__", {}
    )
    return found


def _own(thing: Any) -> dict[str, Any]:
    """Return the annotations that *thing* has itself, as they are written."""
    if isinstance(thing, types.WrapperDescriptorType):
        return {}
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(thing, format=annotationlib.Format.FORWARDREF)
    source = vars(thing) if isinstance(thing, type) else {"__annotations__": getattr(thing, "__annotations__", None)}
    return dict(source.get("__annotations__") or {})


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _CLASS_VARIABLE.match(annotation) is not None
    return annotation is ClassVar or typing.get_origin(annotation) is ClassVar


def _resolved(annotation: Any, names: _Names, name: str) -> Any:
    # get_type_hints knows how each Python spells a reference, and it takes no annotation but those of a thing.
    holder = type("Holder", (), {"__annotations__": {name: annotation}})
    try:
        found = typing.get_type_hints(holder, names, {})[name]
    except Exception as error:  # the text is an expression, and may raise anything
        raise _unresolved(annotation, names.thing, name, error) from error
    if isinstance(found, InitVar):
        return _resolved(found.type, names, name)
    if typing.get_origin(found) is typing.Final:
        return typing.get_args(found)[0]
    return Any if found is typing.Final else found


def _unresolved(annotation: Any, thing: Any, name: str, error: Exception) -> RegistryError:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", repr(annotation))
    text = text.strip("'\"")
    opening = f"{thing.__qualname__}.{name} is annotated {text!r}, "
    if not isinstance(thing, type):
        opening = f"{thing.__qualname__} has the argument {name!r}, which is annotated {text!r}, "
    if not isinstance(error, NameError):
        return RegistryError(f"{opening}which cannot be resolved: {error}. Annotate it with a type.")
    opening += "which is" if error.name == text else f"and {error.name!r} is"
    remedy = "Import it outside `if TYPE_CHECKING:`, or define it before the class is used."
    if "<locals>" in thing.__qualname__:
        remedy = "Import or define it at the top of the module: what is in a function only, cannot be looked up."
    return UnresolvedError(f"{opening} not there at run time. {remedy}")


# --- what annotations name -------------------------------------------------------------------------------------------


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
                    if each not in _remembered and "<locals>" in each.__qualname__:
                        remember(each, _remembered.get(owner, {}))
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
    from docstore.codec.fields import stored_fields  # here, as fields reads annotations itself

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
