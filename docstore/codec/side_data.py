"""What is known of objects, beside them, for as long as they live."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
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
