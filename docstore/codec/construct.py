"""How an object is made of its stored state: by its constructor, by Pydantic's validation, or field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from docstore.codec import class_fields, pydantic_objects, stored_fields
from docstore.codec.class_fields import MISSING
from docstore.codec.contents import preserving
from docstore.codec.errors_at import REFUSALS
from docstore.codec.stored_fields import StoredField
from docstore.errors import DecodeError

Make: TypeAlias = "Callable[[dict[str, Any]], Any]"
"""Takes an object's state, by attribute, and gives the object."""

RESTORED: Final = "__docstore_restored__"
"""The hook of a class that restores what is not stored, called once an object has its stored fields. The name cannot
clash with a method of a user's class."""


def is_bare(cls: type, restore: bool) -> bool:
    """Return whether instances of *cls* are made without their constructor: what was stored loads, always.

    A Struct or a Pydantic model never is: nothing but its library makes one.
    """
    if class_fields.is_struct(cls) or class_fields.is_model(cls):
        return False
    return restore or stored_fields.is_rebuilt(cls)


def maker(cls: type, stored: tuple[StoredField, ...], *, bare: bool) -> Make:
    """Return a function that makes an instance of *cls* and calls its ``__docstore_restored__``, if it has one.

    What it makes holds each value as it was stored, whatever a constructor or a validation makes of it, and whatever
    one puts into it: a list that a ``__post_init__`` appends to has its items only.

    Cost:
        Where code of the class's own runs, that of ``preserving``; else nothing but the call of the constructor.

    Raises, when it is called:
        DecodeError: the class refuses what was stored.
    """
    if bare:
        return _restoring(cls, _rebuilding(cls))
    make = pydantic_objects.validating(cls, stored) if class_fields.is_validated(cls) else _constructing(cls, stored)
    if stored_fields.runs_own_code(cls):
        make = preserving(make)
    return _restoring(cls, make)


def made(make: Callable[[], Any], name: str) -> Any:
    """Return what *make*, a user's own code, gives.

    Raises:
        DecodeError: it refuses; names what was to be made.
    """
    try:
        return make()
    except REFUSALS as error:
        raise DecodeError(f"{name} cannot be made of what was stored: {error!s:.200}") from error


def _rebuilding(cls: type) -> Make:
    slots, unstored = stored_fields.slot_names(cls), tuple(stored_fields.unstored_defaults(cls).items())

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
                # A constructor may make something else of what it is given.
                if name in state and getattr(instance, name, MISSING) is not state[name]:
                    force(instance, name, state[name])
            for field in held:
                stored_fields.put(instance, field, state[field.name])
        except REFUSALS as error:
            raise DecodeError(f"{cls.__qualname__}(...) refuses what was stored: {error!s:.200}") from error
        return instance

    return make


def _restoring(cls: type, make: Make) -> Make:
    """Return *make*, with the hook of *cls* called after it, if the class has one."""
    hook = getattr(cls, RESTORED, None)
    if hook is None:
        return make

    def make_whole(state: dict[str, Any]) -> Any:
        instance = make(state)
        made(lambda: hook(instance), cls.__name__)
        return instance

    return make_whole
