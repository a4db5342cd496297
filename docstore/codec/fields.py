"""Which attributes of a class are stored, under which keys, and how an object is made of them again."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, Final

from docstore.errors import DecodeError, RegistryError
from docstore.values import TAG

MISSING: Final = dataclasses.MISSING


@dataclass(frozen=True, slots=True)
class StoredField:
    """One stored attribute: ``name`` on the object, ``key`` in the JSON."""

    name: str
    key: str
    annotation: Any
    default: Callable[[], Any] | None
    """Gives the value of a field that an older document lacks; None where the document must have it."""
    argument: str | None
    """The constructor's argument that sets it, if one does."""
    maybe_private: bool = False
    """The class does not declare the attribute: it has the argument's name, or that name behind an underscore."""

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that may hold it."""
        return (self.name, f"_{self.name}") if self.maybe_private else (self.name,)

    @property
    def read(self) -> Callable[[Any], Any]:
        """What reads it off an object."""
        if not self.maybe_private:
            return attrgetter(self.name)
        public, private = self.names
        return lambda owner: getattr(owner, public) if hasattr(owner, public) else getattr(owner, private)


def stored_fields(cls: type) -> tuple[StoredField, ...]:
    """Return the stored fields of *cls*, in the order of the class.

    A dataclass's are its fields, but those with ``metadata={"stored": False}``; any other class's, and those that a
    subclass's own ``__init__`` adds, are the arguments of ``__init__``, each kept in the attribute of its name, or of
    its name behind an underscore. A field's key is its name without one leading underscore.

    Raises:
        RegistryError: two fields share a key, or ``__init__`` takes ``*args`` or ``**kwargs``.
    """
    fields = {field.key: field for field in _dataclass_fields(cls)}
    author = _author_of_init(cls)
    if author is not None:
        fields = {key: dataclasses.replace(field, argument=None) for key, field in fields.items()}
        for argument in _arguments(cls):
            known = fields.get(argument.key)
            if known is not None:
                default = known.default or argument.default
                fields[argument.key] = dataclasses.replace(known, argument=argument.argument, default=default)
            elif "__dataclass_params__" not in vars(author):
                fields[argument.key] = argument
    if TAG in fields:
        raise RegistryError(f"{cls.__qualname__}: a field cannot be stored under the key {TAG!r}. Rename it.")
    return tuple(fields.values())


def reader(stored: tuple[StoredField, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads all of the fields off an object, in their order."""
    if len(stored) > 1 and not any(field.maybe_private for field in stored):
        return attrgetter(*(field.name for field in stored))
    reads = [field.read for field in stored]
    return lambda owner: tuple([read(owner) for read in reads])


def unstored_names(cls: type) -> frozenset[str]:
    """Return the attributes that an instance may have beside its stored fields without losing them by a save."""
    unstored = {field.name for field in _all_dataclass_fields(cls) if not _is_stored(field)}
    cached = {
        name for base in cls.__mro__ for name, member in vars(base).items() if isinstance(member, cached_property)
    }
    return frozenset(unstored | cached)


def unstored_defaults(cls: type) -> dict[str, Callable[[], Any]]:
    """Return what to set the unstored fields of *cls* to when an object is rebuilt without its constructor."""
    defaults = {field.name: _default(field) for field in _all_dataclass_fields(cls) if not _is_stored(field)}
    return {name: default for name, default in defaults.items() if default is not None}


def construct(cls: type, fields: tuple[StoredField, ...], state: dict[str, Any]) -> Any:
    """Return an instance of *cls* from its constructor, the fields that it does not take set afterwards.

    Raises:
        DecodeError: the constructor refuses what was stored.
    """
    arguments = {field.argument: state[field.name] for field in fields if field.argument}
    try:
        instance = cls(**arguments)
        for field in fields:
            _put(instance, field, state[field.name])
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise DecodeError(f"{cls.__qualname__}(...) refuses what was stored: {error}") from error
    return instance


def _put(instance: Any, field: StoredField, value: Any) -> None:
    """Put *value* where ``field.read`` reads it, if it is not there: a constructor may make something else of it."""
    if not field.maybe_private:
        if getattr(instance, field.name, MISSING) is not value:
            object.__setattr__(instance, field.name, value)
        return
    # A property works out what it gives from what the constructor kept; only a plain attribute holds the value itself.
    name = next((name for name in field.names if hasattr(instance, name)), field.name)
    if name in getattr(instance, "__dict__", ()):
        instance.__dict__[name] = value


def check_constructor(cls: type, fields: tuple[StoredField, ...]) -> None:
    """Refuse *cls* if its constructor needs an argument that no stored field gives: it could be written, never read.

    Raises:
        RegistryError: names the argument, and the remedy.
    """
    if cls.__init__ is object.__init__:  # type: ignore[misc]  # as in _arguments
        return
    given = {field.argument for field in fields}
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:  # type: ignore[misc]  # as above
        if parameter.default is parameter.empty and parameter.name not in given:
            raise RegistryError(
                f"{cls.__qualname__}.__init__ needs {parameter.name!r}, which no field of the class keeps, so it could "
                f"not be loaded again. Give it a default, make it a field, or register the class with a decoder."
            )


def slot_names(cls: type) -> frozenset[str]:
    """Return the attributes that *cls* and its bases keep in ``__slots__``."""
    slots = [vars(base).get("__slots__", ()) for base in cls.__mro__]
    names = {name for several in slots for name in ((several,) if isinstance(several, str) else several)}
    return frozenset(names - {"__dict__", "__weakref__"})


def _all_dataclass_fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()


def _is_stored(field: dataclasses.Field[Any]) -> bool:
    return bool(field.metadata.get("stored", True))


def _default(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not MISSING:
        return field.default_factory
    if field.default is not MISSING:
        value = field.default
        return lambda: value
    return None


def _dataclass_fields(cls: type) -> Iterator[StoredField]:
    hints = _annotations(cls)
    keys: dict[str, str] = {}
    for field in filter(_is_stored, _all_dataclass_fields(cls)):
        key = field.name.removeprefix("_")
        if key in keys:
            raise RegistryError(
                f"{cls.__qualname__}: the fields {keys[key]!r} and {field.name!r} share the key {key!r}."
            )
        keys[key] = field.name
        yield StoredField(
            field.name, key, hints.get(field.name, Any), _default(field), field.name if field.init else None
        )


def _author_of_init(cls: type) -> type | None:
    """Return the class that wrote the constructor of *cls* by hand, or None where ``@dataclass`` wrote it."""
    for base in cls.__mro__:
        if "__init__" in vars(base):
            return None if base is object or _is_generated(base) else base
    return None


def _is_generated(base: type) -> bool:
    """Return whether ``@dataclass`` wrote the ``__init__`` of *base*: it leaves alone one that is there."""
    parameters = vars(base).get("__dataclass_params__")
    code = getattr(vars(base)["__init__"], "__code__", None)
    return bool(parameters and parameters.init) and getattr(code, "co_filename", "") == "<string>"


def _arguments(cls: type) -> Iterator[StoredField]:
    init = cls.__init__  # type: ignore[misc]  # the constructor of this very class is what is asked about
    hints = _annotations(init)
    for parameter in list(inspect.signature(init).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise RegistryError(
                f"{cls.__qualname__}.__init__ takes {parameter}, so its stored fields cannot be told. "
                f"Name its arguments, or register the class with an encoder and a decoder."
            )
        annotation = hints.get(parameter.name, Any)
        yield StoredField(
            parameter.name,
            parameter.name.removeprefix("_"),
            annotation,
            _argument_default(parameter),
            parameter.name,
            True,
        )


def _argument_default(parameter: inspect.Parameter) -> Callable[[], Any] | None:
    value = parameter.default
    return None if value is parameter.empty else lambda: value


def _annotations(thing: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(thing)
    except (NameError, TypeError, AttributeError, SyntaxError):
        # An annotation that cannot be resolved at run time guides nothing: its values are written as they are.
        return {}
