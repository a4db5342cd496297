"""The fields that a class declares by its library: a dataclass, an attrs class, a Struct or a Pydantic model.

No library is imported here: its classes are recognized by their attributes, and then the library is loaded already.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import BuiltinFunctionType, MemberDescriptorType
from typing import Any, Final, Generic

from docstore.errors import UnresolvedError

MISSING: Final = dataclasses.MISSING


def left_out() -> Any:
    """Stand for a default that only the constructor can compute: the argument is left out."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Always:
    """A default that is always the same value."""

    value: Any

    def __call__(self) -> Any:
        """Return the value."""
        return self.value


def is_none(default: Callable[[], Any] | None) -> bool:
    """Return whether a *default* is always None."""
    return isinstance(default, Always) and default.value is None


@dataclass(frozen=True, slots=True)
class Declared:
    """One field as a class declares it."""

    name: str
    default: Callable[[], Any] | None
    """Returns the default value, or is ``left_out``; None if there is no default."""
    argument: str | None
    """The constructor's argument that sets it, if one does."""
    stored: bool = True
    annotation: Any = None
    """Its type, if the library knows it; None if it has to be resolved from the annotations of the class."""


def declared_fields(cls: type) -> tuple[Declared, ...]:
    """Return the fields that *cls* and its bases declare, in their order; none for a class of no such library."""
    if is_model(cls):
        return tuple(_of_model(cls))
    if is_struct(cls):
        return tuple(_of_struct(cls))
    for base in cls.__mro__:
        if "__attrs_attrs__" in vars(base):
            return tuple(_of_attrs(cls))
        if "__dataclass_fields__" in vars(base):
            return tuple(_of_dataclass(cls))
    return ()


def declares(base: type) -> bool:
    """Return whether *base* itself, not just one of its bases, declares its fields by a library."""
    return not vars(base).keys().isdisjoint(_MARKS) or is_model(base) or is_struct(base)


_MARKS: Final = frozenset({"__attrs_attrs__", "__dataclass_fields__"})


def is_struct(cls: type) -> bool:
    """Return whether *cls* is a msgspec ``Struct``."""
    return hasattr(cls, "__struct_fields__")


def is_model(cls: type) -> bool:
    """Return whether *cls* is a Pydantic model, of version 2."""
    return hasattr(cls, "__pydantic_root_model__")


def is_validated(cls: type) -> bool:
    """Return whether Pydantic makes the instances of *cls*, a model or a Pydantic dataclass."""
    author = next(base for base in cls.__mro__ if "__init__" in vars(base))
    return is_model(cls) or "__is_pydantic_dataclass__" in vars(author)


def wrote_init(base: type) -> bool:
    """Return whether a library generated the ``__init__`` of *base*; a library keeps one that a user wrote."""
    file = getattr(getattr(vars(base)["__init__"], "__code__", None), "co_filename", "")
    if "__attrs_attrs__" in vars(base):
        return file.startswith("<attrs generated ")
    parameters = vars(base).get("__dataclass_params__")
    return "__is_pydantic_dataclass__" in vars(base) or (bool(parameters and parameters.init) and file == "<string>")


def has_hooks(cls: type) -> bool:
    """Return whether the library calls a user's code when it makes an instance of *cls*: a hook, a validator."""
    if is_validated(cls):
        return _calls_functions(cls.__pydantic_core_schema__)  # type: ignore[attr-defined]  # what is validated has one
    if any(hasattr(cls, hook) for hook in _HOOKS) or _has_own_setattr(cls):
        return True
    attributes = getattr(cls, "__attrs_attrs__", ())
    return any(attribute.converter or _is_own_code(attribute.validator) for attribute in attributes)


_HOOKS: Final = ("__post_init__", "__attrs_pre_init__", "__attrs_post_init__")


def _is_own_code(validator: Any) -> bool:
    """Return whether *validator* is a user's, or one of attrs (such as ``and_``) that contains a user's."""
    if validator is None or isinstance(validator, (type, BuiltinFunctionType)):
        return False
    if not type(validator).__module__.startswith("attr."):
        return True
    parts = [getattr(validator, part.name) for part in getattr(validator, "__attrs_attrs__", ())]
    each = [one for part in parts for one in (part if isinstance(part, tuple) else [part])]
    return any(_is_own_code(one) for one in each if callable(one))


def _has_own_setattr(cls: type) -> bool:
    """Return whether setting a field calls code of the class: a ``__setattr__``, or a property of the field's name."""
    bases = [vars(base) for base in cls.__mro__ if base is not object]
    sets = any("__setattr__" in base and not base.get("__attrs_own_setattr__") for base in bases)
    if sets and not (is_struct(cls) or is_frozen(cls)):
        return True
    members = (inspect.getattr_static(cls, field.name, None) for field in declared_fields(cls))
    return any(hasattr(type(member), "__set__") and not isinstance(member, MemberDescriptorType) for member in members)


def _calls_functions(schema: Any) -> bool:
    """Return whether Pydantic calls a function when it validates by *schema*, a part of a core schema."""
    if isinstance(schema, (list, tuple)):
        return any(map(_calls_functions, schema))
    if not isinstance(schema, Mapping):  # a deferred schema is no dict
        return False
    if str(schema.get("type", "")).startswith("function-") or schema.get("post_init") or schema.get("custom_init"):
        return True
    parts = (part for key, part in schema.items() if key not in ("metadata", "serialization"))
    return any(map(_calls_functions, parts))


def is_frozen(cls: type) -> bool:
    """Return whether attributes of an instance of *cls* cannot be set: it is declared frozen, or is a namedtuple."""
    if is_struct(cls):
        return bool(cls.__struct_config__.frozen)  # type: ignore[attr-defined]  # a Struct has it
    if is_model(cls):
        return bool(cls.model_config.get("frozen"))  # type: ignore[attr-defined]  # a model has it
    parameters = getattr(cls, "__dataclass_params__", None)
    if (parameters and parameters.frozen) or (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        return True
    return getattr(cls.__setattr__, "__name__", "") == "_frozen_setattrs"  # the only mark that attrs leaves


def needs_init_var(cls: type) -> bool:
    """Return whether *cls* is a dataclass with an ``InitVar`` that has no default."""
    variables = getattr(cls, "__dataclass_fields__", {}).values()
    return any(_kind(field) is _INIT_VAR and _dataclass_default(field) is None for field in variables)


ORIGIN: Final = "_docstore_origin"
"""The attribute, or the note, that holds what an object came from, in each database; copies and pickles take it along.
"""


def made_again(cls: type) -> frozenset[str]:
    """Return the attributes of an instance that Python or a library makes again by itself, such as caches."""
    cached = {
        name for base in cls.__mro__ for name, member in vars(base).items() if isinstance(member, cached_property)
    }
    for base in cls.__mro__:
        if "__attrs_attrs__" in vars(base):
            cached |= {"_attrs_cached_hash", *_attrs_cached(base)}
    if Generic in cls.__mro__:
        cached.add("__orig_class__")
    if is_model(cls):
        cached.add("__pydantic_private__")
    return frozenset(cached | {"__dict__", "__weakref__", ORIGIN})


# --- dataclasses -----------------------------------------------------------------------------------------------------


def _of_dataclass(cls: Any) -> Iterator[Declared]:
    infos = getattr(cls, "__pydantic_fields__", {})
    for field in dataclasses.fields(cls):
        known = infos.get(field.name)
        yield Declared(
            field.name,
            _dataclass_default(field) if known is None else _pydantic_default(known),
            field.name if field.init else None,
            bool(field.metadata.get("stored", True)),
            None if known is None else known.annotation,
        )


def _kind(field: dataclasses.Field[Any]) -> Any:
    return field._field_type  # type: ignore[attr-defined]  # there is no other mark of an InitVar


_INIT_VAR: Final = dataclasses._FIELD_INITVAR  # type: ignore[attr-defined]  # as above


def _dataclass_default(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not MISSING:
        return field.default_factory
    return None if field.default is MISSING else Always(field.default)


# --- attrs -----------------------------------------------------------------------------------------------------------


def _of_attrs(cls: Any) -> Iterator[Declared]:
    for attribute in cls.__attrs_attrs__:
        yield Declared(
            attribute.name,
            _attrs_default(attribute),
            attribute.alias if attribute.init else None,
            bool(attribute.metadata.get("stored", True)),
            None if isinstance(attribute.type, str) else attribute.type,
        )


def _attrs_default(attribute: Any) -> Callable[[], Any] | None:
    attr = sys.modules["attr"]
    default = attribute.default
    if default is attr.NOTHING:
        return None
    if not isinstance(default, attr.Factory):
        return Always(default)
    return left_out if default.takes_self else default.factory


def _attrs_cached(base: type) -> frozenset[str]:
    """Return the cached properties of a class with slots, which attrs replaces by slots and a ``__getattr__``."""
    found = vars(base).get("__getattr__")
    parameters = inspect.signature(found).parameters if inspect.isfunction(found) else {}
    known = parameters.get("cached_properties")
    return frozenset(known.default if known is not None else ())


# --- msgspec ---------------------------------------------------------------------------------------------------------


def _of_struct(cls: Any) -> Iterator[Declared]:
    names, defaults = cls.__struct_fields__, cls.__struct_defaults__
    for name, default in zip(names, (MISSING,) * (len(names) - len(defaults)) + defaults, strict=True):
        yield Declared(name, _struct_default(default), name)


def _struct_default(default: Any) -> Callable[[], Any] | None:
    core = sys.modules["msgspec._core"]
    if default is MISSING or default is core.NODEFAULT:
        return None
    return default.factory if isinstance(default, core.Factory) else Always(default)


# --- Pydantic --------------------------------------------------------------------------------------------------------


def _of_model(cls: Any) -> Iterator[Declared]:
    if not cls.__pydantic_complete__:
        try:
            cls.model_rebuild()
        except NameError as error:
            raise UnresolvedError(
                f"{cls.__qualname__}: one of its fields is annotated with {error.name!r}, which is not there at run "
                f"time. Import or define it at the top of the module, before the class is used."
            ) from error
    for name, info in cls.__pydantic_fields__.items():
        yield Declared(name, _pydantic_default(info), name, annotation=info.annotation)


def _pydantic_default(info: Any) -> Callable[[], Any] | None:
    return None if info.is_required() else left_out  # it may be made of the other values
