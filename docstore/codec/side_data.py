"""What is known of objects, beside them, for as long as they live."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from docstore.codec.classes import class_fields
from docstore.codec.values.tags import Members

T = TypeVar("T")


class WeakIdentityMap(Generic[T]):
    """Something about each of some objects, weakly: by identity, since two that are equal may differ in it."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], T]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, obj: Any) -> T | None:
        """Return what is known of *obj*, or None."""
        found = self._known.get(id(obj))
        return found[1] if found is not None and found[0]() is obj else None

    def set(self, obj: Any, value: T) -> None:
        """Remember *value* of *obj*, until that is garbage.

        Raises:
            TypeError: it has slots, and none for weak references.
        """
        self._known[id(obj)] = (self._reference(obj), value)

    def first(self, obj: Any, make: Callable[[], T]) -> T:
        """Return what is known of *obj*, or set it to the result of *make*; every thread gets the same.

        Raises:
            TypeError: as ``set``.
        """
        found = self.get(obj)
        return self._known.setdefault(id(obj), (self._reference(obj), make()))[1] if found is None else found

    def _reference(self, obj: Any) -> weakref.ref[Any]:
        key = id(obj)

        def forget(reference: weakref.ref[Any], known: dict[int, Any] = self._known) -> None:
            # Another object may have the id by now.
            if key in known and known[key][0] is reference:
                del known[key]

        return weakref.ref(obj, forget)

    def drop(self, obj: Any) -> None:
        """Know nothing more of *obj*."""
        if self.get(obj) is not None:
            del self._known[id(obj)]


# What an object of a newer schema holds beside the fields of its class: carried along, and written back with it.

CARRIED: Final = "_docstore_carried"
"""The attribute of an object of a newer schema that holds what this program's class has no fields for."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What an object of a newer schema holds beside the fields of its class, to be written back with it."""

    members: Members


BESIDE: Final[WeakIdentityMap[Carried]] = WeakIdentityMap()
"""What objects carry that have no attribute for it: those with slots only, and those whose library takes each attribute
for a field. It is state of the process, as there is no place in the object; nothing is in it but where a program reads
documents of a newer one. A copy of such an object carries nothing."""


def carry(value: Any, members: Members) -> None:
    """Have *value* carry *members*.

    Raises:
        TypeError: it has no attributes but its slots, and none for weak references.
    """
    carried = Carried(deepcopy(members))
    if hasattr(value, "__dict__") and not class_fields.is_validated(type(value)):
        value.__dict__[CARRIED] = carried
    else:
        BESIDE.set(value, carried)


def carried_by(value: Any) -> Members:
    """Return the members that *value* carries beside its fields, in no container that it shares."""
    carried = getattr(value, "__dict__", {}).get(CARRIED) or BESIDE.get(value)
    return deepcopy(carried.members) if isinstance(carried, Carried) else {}


def pass_on(source: Any, target: Any) -> None:
    """Have *target* carry what *source* has beside it, and nothing else."""
    carried = BESIDE.get(source)
    if carried is not None:
        BESIDE.set(target, carried)
    else:
        BESIDE.drop(target)
