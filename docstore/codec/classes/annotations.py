"""What the annotations of a class or a function say before any value is seen: none is lost in silence.

The stored text depends on it: a datetime in a field that is annotated ``datetime`` is bare ISO text, and would come
back as text if the annotation were not there when the document is read.
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


def remembered(cls: type) -> Mapping[str, Any] | None:
    """Return what the definition of *cls* could see, or None where nobody said."""
    return _remembered.get(cls)


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
    found = source.get("__annotations__")
    return dict(found) if isinstance(found, Mapping) else {}  # a class written in C may have a descriptor there


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
