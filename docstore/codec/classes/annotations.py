"""The annotations of a class or a function, resolved to types; one that cannot be resolved is an error.

The stored text depends on them: a datetime in a field annotated ``datetime`` is bare ISO text, and would come back as a
str if the annotation were ignored when the document is read.
"""

from __future__ import annotations

import re
import sys
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import InitVar
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

from docstore.errors import RegistryError, UnresolvedError

_CLASS_VARIABLE: Final = re.compile(r"(\w+\s*\.\s*)*ClassVar\b")


def hints(
    thing: Any,
    *,
    namespace: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    owner: type | None = None,
) -> dict[str, Any]:
    """Return the annotations of a class (with its bases) or a function, by name, each resolved to a type.

    ``Annotated``, ``Required``, ``Final`` and ``InitVar`` are removed, as they do not change the values; a bare
    ``Final`` is Any. A ``ClassVar`` is no attribute of an instance, and is left out.

    Args:
        namespace: names to look up beside those of the declaring module, the class, and ``remember``.
        only: the names to resolve; other annotations may name things that do not exist.
        owner: the class of a function; its name may occur in the function's annotations.

    Raises:
        UnresolvedError: an annotation names something that does not exist; has the class, the field, the annotation's
            text, and the remedy.
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
    """Look up the annotations of *cls* in *namespace* too from now on: the names that its definition could see."""
    _remembered[cls] = dict(namespace)


def remembered(cls: type) -> Mapping[str, Any] | None:
    """Return the names that the definition of *cls* could see, or None if they were not remembered."""
    return _remembered.get(cls)


# Module-level state, as a later caller has only the class whose annotations it asks for.
_remembered: Final[WeakKeyDictionary[Any, Mapping[str, Any]]] = WeakKeyDictionary()


class _Names(dict[str, Any]):
    """The names in an annotation's scope: of its module first, as in Python, its class, the namespace."""

    def __init__(self, thing: Any, own: Mapping[str, Any], namespace: Mapping[str, Any], owner: type | None) -> None:
        self.thing = thing
        super().__init__({"typing": typing, **namespace})  # make_dataclass writes 'typing.Any', wherever it is called
        owner = thing if isinstance(thing, type) else owner
        if owner is not None:
            # A default is no type: in a class with "date: date | None = None", "date" does not mean None.
            self.update({name: member for name, member in vars(owner).items() if name not in own})
            self[owner.__name__] = owner
        self.update(_globals(thing))
        if owner is not None and owner.__qualname__.endswith(f"<locals>.{owner.__name__}"):
            self[owner.__name__] = owner  # a class defined in a function hides the module's class of the same name
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
    """Return the annotations of *thing* itself, without those of its bases, unresolved."""
    if isinstance(thing, types.WrapperDescriptorType):
        return {}
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(thing, format=annotationlib.Format.FORWARDREF)
    source = vars(thing) if isinstance(thing, type) else {"__annotations__": getattr(thing, "__annotations__", None)}
    found = source.get("__annotations__")
    return dict(found) if isinstance(found, Mapping) else {}  # a class written in C may have a descriptor there


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _CLASS_VARIABLE.match(annotation) is not None
    return annotation is ClassVar or typing.get_origin(annotation) is ClassVar


def _resolved(annotation: Any, names: _Names, name: str) -> Any:
    # get_type_hints knows the forward references of each Python version, but takes only the annotations of an object.
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
