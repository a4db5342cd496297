"""Check that nothing outside of an object refers into it, so that nobody can change it unnoticed.

CPython's cycle collector finds garbage in the same way: the references from inside an object are counted, and compared
with the counts of all references. If an interpreter does not count references exactly, every object counts as shared.
"""

from __future__ import annotations

import gc
import operator
import sys
import sysconfig
import weakref
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

_FIXED: Final[frozenset[type]] = frozenset(
    {str, int, float, bool, type(None), bytes, complex, range, type}
    | {datetime, date, time, timedelta, timezone, Decimal, Fraction, UUID}
)
"""Types whose objects never change."""

_CONTAINERS: Final[frozenset[type]] = frozenset({dict, list, set, tuple, frozenset})
"""Types whose objects tell the garbage collector of everything that they hold."""

_NUMBERS: Final = "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"


class Sharing:
    """Checks whether objects are shared, that is, referred to from outside.

    Args:
        owner: holds the objects, and may be referred to by them: the experiment of trials.
        records: the classes, written in Python, whose objects consist of their attributes.
        fixed: further types whose objects never change, such as enums.
        own: how many references ``is_shared`` has itself to an object.
    """

    def __init__(
        self, owner: Any, records: Collection[type], fixed: Collection[type] = (), own: int | None = None
    ) -> None:
        self._owner, self._own = id(owner), _own_references() if own is None else own
        self._fixed = _FIXED.union(fixed, _number_types())
        self._inside = _CONTAINERS.union(records)

    def is_shared(self, take: Callable[[], Any]) -> bool:
        """Return whether the object that *take* returns, or anything in it, is referred to from outside.

        The one place from which *take* takes it does not count. Also true if it holds an object that others may change,
        or one of a type that may hold more than it tells the collector: an array, a lock, an open file.

        Cost:
            Some 10 µs for a trial.
        """
        if self._own is None:
            return True
        nodes, seen = [take()], list[Any]()
        inside = self._collect(nodes, seen)
        if inside is None:
            return True
        again, counts, weak = _look(nodes)
        if any(weak) or len(again) != len(seen) or not all(map(operator.is_, again, seen)):
            return True
        # Each reference from inside is also in ``seen`` and in ``again``.
        wanted = [3 * inside[id(node)] + self._own for node in nodes]
        wanted[0] += 1  # the place that the first was taken from
        return bool(counts != wanted)

    def _collect(self, nodes: list[Any], seen: list[Any]) -> dict[int, int] | None:
        """Return how often each object in the first of *nodes* that may change is referred to from inside, by id.

        It is None if one of them is of a type that is not known.

        Args:
            nodes: the objects that are found are added.
            seen: each reference is added, in the collector's order.
        """
        inside: dict[int, int] = {id(nodes[0]): 0}
        fixed, done = self._fixed, 0
        while done < len(nodes):
            found = gc.get_referents(*nodes[done:])
            done = len(nodes)
            seen += found
            for each in [each for each in found if type(each) not in fixed]:
                if id(each) in inside:
                    inside[id(each)] += 1
                elif id(each) == self._owner or issubclass(type(each), type) or _is_constant(each, fixed):
                    continue
                elif type(each) in self._inside:
                    inside[id(each)] = 1
                    nodes.append(each)
                else:
                    return None
        return inside


def _look(nodes: list[Any]) -> list[list[Any]]:
    """Return the references from *nodes*; how many there are to each; and how many weak ones."""
    strong: Any = partial(list, map(sys.getrefcount, nodes))
    weak: Any = partial(list, map(weakref.getweakrefcount, nodes))
    # Called by C code, so that no other thread runs between the three.
    return list(map(operator.call, (partial(gc.get_referents, *nodes), strong, weak)))


def _is_constant(value: Any, fixed: Collection[type]) -> bool:
    """Return whether *value* is a tuple, or a frozenset, of what never changes; the compiler shares such tuples."""
    return type(value) in (tuple, frozenset) and all(type(item) in fixed for item in value)


@cache
def _own_references() -> int | None:
    """Return how many references to an object ``is_shared`` has itself; None if references are not counted here."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    nodes: list[Any] = [[]]
    counts = _look(nodes)[1]
    own = int(counts[0])
    return own if _each_is_noticed(own) else None


class _Probe:
    """An object that every kind of reference can be taken of."""

    def __init__(self) -> None:
        self.items: list[Any] = [{}]


def _each_is_noticed(own: int) -> bool:
    """Return whether references are noticed while they are there, and only then; Python 3.13.0 misses ``vars(x)``."""
    place = [_Probe()]
    sharing = Sharing(None, {_Probe}, own=own)

    def is_shared() -> bool:
        return sharing.is_shared(partial(place.__getitem__, 0))

    found = [is_shared()]
    for take in (_itself, vars, weakref.ref, lambda probe: probe.items, lambda probe: probe.items[0]):
        held = [take(place[0])]
        found.append(is_shared())
        held.clear()
        found.append(is_shared())
    return found == [False] + 5 * [True, False]


def _itself(value: Any) -> Any:
    return value


def _number_types() -> frozenset[type]:
    """Return NumPy's types of single numbers, if it is imported: there are none in memory otherwise."""
    numpy = sys.modules.get("numpy")
    return frozenset(getattr(numpy, name) for name in _NUMBERS.split()) if numpy is not None else frozenset()
