"""Make an object from its stored state: by its constructor, by Pydantic's validation, or field by field.

Whatever a constructor does with its arguments, the object holds what was stored; ``round_trip`` finds the exceptions.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from copy import copy
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

from docstore.codec.classes import class_fields, pydantic_objects, stored_fields
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.generated import is_name_in_source
from docstore.codec.classes.misfits import misfits
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.errors_at import ENOUGH, REFUSALS
from docstore.codec.registry import Entry
from docstore.errors import CodecError, DecodeError, DocstoreError

T = TypeVar("T")

Make: TypeAlias = "Callable[[dict[str, Any]], Any]"
"""Takes an object's state, by attribute, and returns the object."""

HOOK: Final = "__docstore_restored__"
"""The method of a class that restores what is not stored, called once an object has its stored fields. Its name cannot
clash with a method of a user's class."""


def is_bare(cls: type, restore: bool) -> bool:
    """Return whether instances of *cls* are made without their constructor, so that what was stored always loads.

    A Struct or a Pydantic model never is: only its library can make one.
    """
    if class_fields.is_struct(cls) or class_fields.is_model(cls):
        return False
    return restore or stored_fields.is_rebuilt(cls)


def maker(entry: Entry, *, bare: bool) -> Make:
    """Return a function that makes an instance of *entry*'s class and calls its hook; see ``hook_caller``.

    The instance holds each value as it was stored, even if a constructor or a validation replaces it or, if it is a
    container, changes it in place: a list to which a ``__post_init__`` appends has its stored items only.

    Raises, when it is called:
        DecodeError: the class refuses what was stored.
    """
    cls, stored = entry.cls, entry.stored_fields
    if bare:
        return _calling_hook(entry, _rebuilding(entry))
    make = pydantic_objects.validating(cls, stored) if class_fields.is_validated(cls) else _constructing(cls, stored)
    if stored_fields.runs_own_code(cls):
        make = _keeping(make)
    return _calling_hook(entry, make)


def made(make: Callable[[], Any], name: str) -> Any:
    """Return the result of *make*, a user's own code.

    Raises:
        DecodeError: it raises an error; says that *name* was to be made.
    """
    try:
        return make()
    except REFUSALS as error:
        raise _unmade(name, error) from error


def _unmade(name: str, error: BaseException) -> DecodeError:
    return DecodeError(f"{name} cannot be made of what was stored: {error!s:.200}")


def _rebuilding(entry: Entry) -> Make:
    cls = entry.cls
    slots, unstored = stored_fields.slot_names(cls), tuple(entry.unstored_defaults.items())

    def make(state: dict[str, Any]) -> Any:
        for name, default in unstored:
            state[name] = default()
        instance: Any = object.__new__(cls)
        if slots:
            for name in slots & state.keys():
                object.__setattr__(instance, name, state.pop(name))
        if state:
            # Not instance.__dict__ = state, which a frozen class refuses.
            object.__setattr__(instance, "__dict__", state)
        return instance

    return make


def _constructing(cls: type, stored: tuple[StoredField, ...]) -> Make:
    arguments = [(field.argument, field.name) for field in stored if field.argument]
    plain = [field.name for field in stored if not field.maybe_private]
    held = [field for field in stored if field.maybe_private]
    force = stored_fields.setter(cls)

    def make(state: dict[str, Any]) -> Any:
        try:
            instance = cls(**{argument: state[name] for argument, name in arguments if name in state})
            for name in plain:
                # A constructor may keep another value than its argument.
                if name in state and getattr(instance, name, MISSING) is not state[name]:
                    force(instance, name, state[name])
            for field in held:
                stored_fields.put(instance, field, state[field.name])
        except REFUSALS as error:
            raise DecodeError(f"{cls.__qualname__}(...) refuses what was stored: {error!s:.200}") from error
        return instance

    return make


def _calling_hook(entry: Entry, make: Make) -> Make:
    call = hook_caller(entry)
    return make if call is None else lambda state, /, **given: call(make(state), **given)


def hook_caller(entry: Entry) -> Callable[..., Any] | None:
    """Return a function that calls the hook of an instance and returns it; None if there is no hook.

    The hook is that of the table of fields, or the class's ``__docstore_restored__``. It takes the instance and, by
    name, the values of fields that are no attributes.
    """
    name, table = entry.cls.__name__, entry.fields
    hook = getattr(entry.cls, HOOK, None) if table is None or table.restored is None else table.restored
    if hook is None:
        return None

    def call(instance: T, /, **given: Any) -> T:
        try:
            hook(instance, **given)
        except DecodeError:
            raise  # it says where and why itself
        except REFUSALS as error:
            wrong = [] if isinstance(error, DocstoreError) else [*islice(misfits(instance, entry.cls), ENOUGH)]
            raise CodecError.together(wrong or [_unmade(name, error)]) from error
        return instance

    return call


def takes_attributes(entry: Entry) -> bool:
    """Return whether setting the attributes of an instance of *entry*'s class one by one calls no code of the class."""
    cls = entry.cls
    names = [*(field.name for field in entry.stored_fields if field.get is None), *entry.unstored_defaults]
    own_code = cls.__setattr__ is not object.__setattr__  # type: ignore[comparison-overlap]  # mypy: never
    if own_code or stored_fields.slot_names(cls) or not cls.__dictoffset__:
        return False
    members = (inspect.getattr_static(cls, name, None) for name in names)
    return all(map(is_name_in_source, names)) and not any(hasattr(type(member), "__set__") for member in members)


# --- constructors that change their arguments ------------------------------------------------------------------------

_CONTAINERS: Final = frozenset({list, bytearray, dict, OrderedDict, defaultdict, set})


def _keeping(make: Make) -> Make:
    """Return *make*, changed so that each container in its argument holds afterwards what it held before.

    It is restored in place, so that a reference that the constructor kept stays valid. What is inside is not looked
    into: ``round_trip`` refuses an object whose constructor changes that, before it is written.
    """

    def keep(state: dict[str, Any]) -> Any:
        held = [(value, copy(value)) for value in state.values() if type(value) in _CONTAINERS]
        made = make(state)
        for value, items in held:
            value.clear()
            (value.extend if isinstance(value, (list, bytearray)) else value.update)(items)
        return made

    return keep
