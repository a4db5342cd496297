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
    subclass's own ``__init__`` adds, are the arguments of ``__init__``, each kept in the attribute of its name, or of its
    name behind an underscore. A field's key is its name without one leading underscore.

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
    """Return an instance of *cls* from its constructor, with the fields that the constructor does not take set after it.

    Raises:
        DecodeError: the constructor refuses what was stored.
    """
    arguments = {field.argument: state[field.name] for field in fields if field.argument}
    try:
        instance = cls(**arguments)
        for field in fields:
            if not field.argument:
                object.__setattr__(instance, field.name, state[field.name])
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise DecodeError(f"{cls.__qualname__}(...) refuses what was stored: {error}") from error
    return instance


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
            parameters = vars(base).get("__dataclass_params__")
            return None if base is object or (parameters and parameters.init) else base
    return None


def _arguments(cls: type) -> Iterator[StoredField]:
    init = cls.__init__  # type: ignore[misc]  # the constructor of this very class is what is asked about
    hints = _annotations(init)
    for parameter in list(inspect.signature(init).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise RegistryError(
                f"{cls.__qualname__}.__init__ takes {parameter}, so its stored fields cannot be told. Name its arguments, "
                f"or register the class with an encoder and a decoder."
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
    except (NameError, TypeError):
        # An annotation that cannot be resolved at run time guides nothing: its values are written as they are.
        return {}
