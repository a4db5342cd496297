"""A weak identity map: data attached to objects without touching them; and what objects have in such a map.

An object read with an older class than it was written with carries the members that the class has no fields for, and is
written back with them. An object of a library has notes, which its copies and pickles have too.
"""

from __future__ import annotations

import copyreg
import weakref
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from docstore.codec.classes import class_fields
from docstore.codec.values.tags import Members

T = TypeVar("T")


class WeakIdentityMap(Generic[T]):
    """A value for each of some objects, by identity (equal objects may have different values), while they live."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[weakref.ref[Any], T]] = {}
        """The values by the objects' ids, to look whether there are any without a call."""

    def __len__(self) -> int:
        return len(self.known)

    def get(self, obj: Any) -> T | None:
        """Return the value of *obj*, or None."""
        found = self.known.get(id(obj))
        return found[1] if found is not None and found[0]() is obj else None

    def set(self, obj: Any, value: T) -> None:
        """Set the value of *obj*, until *obj* is garbage.

        Raises:
            TypeError: *obj* has slots, and none for weak references.
        """
        self.known[id(obj)] = (self._reference(obj), value)

    def first(self, obj: Any, make: Callable[[], T]) -> T:
        """Return the value of *obj*, set to the result of *make* if there is none; every thread gets the same value.

        Raises:
            TypeError: as ``set``.
        """
        found = self.get(obj)
        return self.known.setdefault(id(obj), (self._reference(obj), make()))[1] if found is None else found

    def _reference(self, obj: Any) -> weakref.ref[Any]:
        key = id(obj)

        def forget(reference: weakref.ref[Any], known: dict[int, Any] = self.known) -> None:
            # Another object may have the id by now.
            if key in known and known[key][0] is reference:
                del known[key]

        return weakref.ref(obj, forget)

    def take(self, obj: Any) -> T | None:
        """Remove the value of *obj* and return it, to one thread only; None if there is none."""
        found = self.known.pop(id(obj), None)
        return found[1] if found is not None and found[0]() is obj else None

    def drop(self, obj: Any) -> None:
        """Remove the value of *obj*, if there is one."""
        if self.get(obj) is not None:
            del self.known[id(obj)]


# --- members of a newer schema ---------------------------------------------------------------------------------------

CARRIED: Final = "_docstore_carried"
"""The attribute of an object of a newer schema that holds its ``Carried`` members."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The members of an object of a newer schema that its class here has no fields for, to be written back with it."""

    members: Members


BESIDE: Final[WeakIdentityMap[Carried]] = WeakIdentityMap()
"""The carried members of objects that cannot have the attribute: those with slots only, and those whose library takes
every attribute for a field. It is state of the process, since the object has no place for it, and empty unless
documents of a newer program are read. A copy of such an object carries nothing."""


def carry(value: Any, members: Members) -> None:
    """Attach *members*, copied, to *value*.

    Raises:
        TypeError: it has slots only, and none for weak references.
    """
    carried = Carried(deepcopy(members))
    if hasattr(value, "__dict__") and not class_fields.is_validated(type(value)):
        value.__dict__[CARRIED] = carried
    else:
        BESIDE.set(value, carried)


def carried_by(value: Any) -> Members:
    """Return a copy of the members that *value* carries beside its fields."""
    carried = getattr(value, "__dict__", {}).get(CARRIED) or BESIDE.get(value)
    return deepcopy(carried.members) if isinstance(carried, Carried) else {}


def pass_on(source: Any, target: Any) -> None:
    """Make *target* carry what ``BESIDE`` holds for *source*, and nothing else."""
    carried = BESIDE.get(source)
    if carried is not None:
        BESIDE.set(target, carried)
    else:
        BESIDE.drop(target)


# --- notes that copies have too --------------------------------------------------------------------------------------

_NOTES: Final[WeakIdentityMap[Mapping[str, object]]] = WeakIdentityMap()
"""The notes on each object, by their names. It is state of the process, as the objects are."""


def note(obj: Any, name: str, value: object) -> None:
    """Note an immutable *value* about *obj*, whose copies and pickles have the note too.

    It is for an object of a library whose code compares, or writes, all attributes: none can be added. ``copyreg`` is
    told how objects of the class are copied and pickled, unless it knows that already: then only *obj* has the note.

    Raises:
        TypeError: *obj* has slots, and none for weak references.
    """
    if type(obj) not in copyreg.dispatch_table:
        copyreg.pickle(type(obj), _reduced)
    _NOTES.set(obj, {**(_NOTES.get(obj) or {}), name: value})


def noted(obj: Any, name: str) -> Any:
    """Return the note *name* of *obj*, or of the object that it is a copy of; None if there is none."""
    return (_NOTES.get(obj) or {}).get(name)


def _reduced(obj: Any) -> Any:
    """Return how *obj* is made again, as ``__reduce_ex__``, with its notes.

    They are taken first, so that a copy made while the object is brought up to date may be newer than its note says,
    and never older.
    """
    notes = _NOTES.get(obj)
    reduced = obj.__reduce_ex__(4)
    if notes is None or isinstance(reduced, str):
        return reduced
    make, arguments, *state = reduced
    return (_made_with_notes, (notes, make, arguments), *state)


def _made_with_notes(notes: Mapping[str, object], make: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Return the object that *make* returns, with its *notes*. Pickles name this function."""
    obj = make(*arguments)
    for name, value in notes.items():
        note(obj, name, value)
    return obj
