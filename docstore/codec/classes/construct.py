"""Make an object from its stored state: by its constructor, by Pydantic's validation, or field by field.

Whatever a constructor does with its arguments, the object holds what was stored.
"""

from __future__ import annotations

import inspect
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from itertools import islice
from types import MemberDescriptorType
from typing import Any, Final, TypeAlias, TypeVar

from docstore.codec.classes import class_fields, pydantic_objects, stored_fields
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.generated import is_name_in_source
from docstore.codec.classes.misfits import misfits
from docstore.codec.classes.pydantic_objects import fields_beside
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.errors_at import ENOUGH, REFUSALS
from docstore.codec.registry import Entry
from docstore.errors import CodecError, DecodeError, RegistryError

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

    The instance holds each value as it was stored, even if a constructor or a validation replaces it or changes it in
    place: a list to which a ``__post_init__`` appends has its stored items only.

    Cost:
        The call of the constructor; for a class with code of its own, also that of ``preserving``.

    Raises, when it is called:
        DecodeError: the class refuses what was stored.
    """
    cls, stored = entry.cls, entry.stored_fields
    if bare:
        return _calling_hook(entry, _rebuilding(entry))
    make = pydantic_objects.validating(cls, stored) if class_fields.is_validated(cls) else _constructing(cls, stored)
    if stored_fields.runs_own_code(cls):
        make = preserving(make)
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
    table = entry.fields
    hook = getattr(entry.cls, HOOK, None) if table is None or table.restored is None else table.restored
    if hook is None:
        return None

    def call(instance: T, /, **given: Any) -> T:
        try:
            hook(instance, **given)
        except DecodeError:
            raise  # it says where and why itself
        except REFUSALS as error:
            raise _refusal_of_hook(entry, instance, error) from error
        return instance

    return call


_OF_A_WRONG_TYPE: Final = (TypeError, AttributeError, KeyError)
"""What Python raises where code is given a value of another type; any other error has a reason of its own."""


def _refusal_of_hook(entry: Entry, instance: Any, error: Exception) -> CodecError:
    refusal = _unmade(entry.cls.__name__, error)
    wrong = [*islice(misfits(instance, entry.cls), ENOUGH)] if isinstance(error, _OF_A_WRONG_TYPE) else []
    if not wrong:
        return refusal
    # The hook may have refused something else, and raised one of these errors itself.
    first = DecodeError(f"{wrong[0].problem}. {refusal.problem}", pointer=wrong[0].pointer)
    return CodecError.together([first, *wrong[1:]])


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

Slots: TypeAlias = "Mapping[str, MemberDescriptorType]"

Plan: TypeAlias = "tuple[frozenset[str] | None, Slots]"
"""For a class: the attributes that are looked into (None means all), and the slots that may hold them."""


def preserving(make: Callable[[dict[str, Any]], T]) -> Callable[[dict[str, Any]], T]:
    """Return *make*, changed so that each container in its argument holds afterwards what it held before.

    Containers are lists, dicts, sets, bytearrays and NumPy arrays, at any depth in one another and in tuples and
    frozensets; and the stored attributes of objects in them, but not of objects inside those, which their own classes
    made. They are restored in place, so that a reference that the constructor kept stays valid. Objects of other
    libraries, such as a pandas frame, are not looked into.

    Cost:
        A visit of every value, and a shallow copy of every container while *make* runs; twice for an object inside
        another.
    """
    plans: dict[type, Plan] = {}

    def preserve(state: dict[str, Any]) -> T:
        found = list(_containers(state.values(), plans))
        try:
            return make(state)
        finally:
            # Inner ones first: the hash of an item that is put back into a set may depend on them.
            for container, held in reversed(found):
                _put_back(container, held, plans)

    return preserve


_ATOMS: Final = frozenset({type(None), bool, int, float, complex, str, bytes})


def _containers(roots: Iterable[Any], plans: dict[type, Plan]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each container in *roots*, outer ones first, with what it holds.

    That is a list of its items; for a dict, of its keys and then its values; for an object, of the names of its
    attributes and then their values.
    """
    seen: set[int] = set()
    to_visit = [(root, False) for root in roots]
    while to_visit:
        value, is_inside = to_visit.pop()
        cls = type(value)
        if cls in _ATOMS or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (tuple, frozenset)):
            to_visit += [(item, is_inside) for item in value]
        elif cls in _HELD or not is_inside:
            held = _held(value, plans)
            to_visit += [(item, is_inside or cls not in _HELD) for item in held if type(item) not in _ATOMS]
            if held or cls in _HELD:
                yield value, held


def _held(value: Any, plans: dict[type, Plan]) -> list[Any]:
    cls = type(value)
    if cls in _HELD:
        return _HELD[cls](value)
    if (cls.__module__, cls.__name__) == _ARRAY:
        return [value.tobytes()] if value.flags.writeable and not value.dtype.hasobject else []
    if cls not in plans:
        plans[cls] = _plan(cls)
    return _attributes(value, plans[cls])


_ARRAY: Final = ("numpy", "ndarray")


_HELD: Final[dict[type, Callable[[Any], list[Any]]]] = {
    list: list,
    set: list,
    bytearray: list,
    dict: lambda value: [*value, *value.values()],
    OrderedDict: lambda value: [*value, *value.values()],
    defaultdict: lambda value: [*value, *value.values()],
}


def _plan(cls: type) -> Plan:
    if issubclass(cls, (Enum, type)):
        return frozenset(), {}
    slots = stored_fields.slots_of(cls)
    try:
        stored = (*stored_fields.stored_fields(cls), *fields_beside(cls))
    except (RegistryError, ValueError):  # only the user's functions know what is stored, or its constructor is in C
        return None, slots
    names = frozenset(name for field in stored for name in field.names)
    return names, {name: slot for name, slot in slots.items() if name in names}


def _attributes(value: Any, plan: Plan) -> list[Any]:
    names, slots = plan
    held = getattr(value, "__dict__", {})
    found = {name: item for name, item in held.items() if names is None or name in names}
    for name, slot in slots.items():
        with suppress(AttributeError):  # it was never set
            found[name] = slot.__get__(value)
    return [*found, *found.values()]


def _put_back(container: Any, held: list[Any], plans: dict[type, Plan]) -> None:
    cls, half = type(container), len(held) // 2
    if (cls.__module__, cls.__name__) == _ARRAY:
        if container.tobytes() != held[0]:
            container[...] = sys.modules["numpy"].frombuffer(held[0], container.dtype).reshape(container.shape)
    elif cls in plans:
        if not _are_same(_attributes(container, plans[cls]), held):
            for name, item in zip(held[:half], held[half:], strict=True):
                stored_fields.setter(cls)(container, name, item)
    elif not _are_same(_HELD[cls](container), held):
        container.clear()
        if issubclass(cls, dict):
            container.update(zip(held[:half], held[half:], strict=True))
        elif cls is set:
            container.update(held)
        else:
            container.extend(held)


def _are_same(some: list[Any], others: list[Any]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))
