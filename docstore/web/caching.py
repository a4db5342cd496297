"""What is derived from a version, kept by its digest in bounded memory; and one question for all browsers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, cast
from weakref import WeakValueDictionary

T = TypeVar("T")


class BoundedCache:
    """Values by key; those that were used longest ago are dropped when all together weigh more than *most*.

    A value that several threads ask for is made once: the others wait. An error is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._total = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        # A lock is gone when no thread has it: one that failed leaves it to those that wait.
        self._making: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()

    def get(self, key: Hashable, make: Callable[[], T], weigh: Callable[[T], int] = lambda value: 1) -> T:
        """Return the value of *key*, made by *make* if it is not kept; *weigh* says how much it counts."""
        with self._lock:
            if key in self._kept:
                return self._found(key)
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    return self._found(key)
            value = make()
            self._keep(key, value, weigh(value))
        return value

    def peek(self, key: Hashable) -> object | None:
        """Return the value of *key* if it is kept."""
        with self._lock:
            return self._found(key) if key in self._kept else None

    def _found(self, key: Hashable) -> T:  # type: ignore[type-var]  # a key has values of one type
        self._kept.move_to_end(key)
        return cast(T, self._kept[key][0])

    def _keep(self, key: Hashable, value: object, weight: int) -> None:
        with self._lock:
            self._kept[key] = (value, weight)
            self._total += weight
            while self._total > self._most and self._kept:
                self._total -= self._kept.popitem(last=False)[1][1]


class Shared(Generic[T]):
    """An answer that all share: *ask* is called at most once in so many seconds, by one thread; an error is shared too.

    The others wait for the answer and take it.
    """

    def __init__(self, ask: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._seconds, self._clock = ask, seconds, clock
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._answer: Callable[[], T]

    def get(self) -> T:
        """Return the answer, at most so many seconds old; raises what *ask* raised."""
        with self._lock:
            now = self._clock()
            if self._asked is None or now - self._asked >= self._seconds:
                self._answer = _answered(self._ask)
                self._asked = self._clock()
            return self._answer()


def _answered(ask: Callable[[], T]) -> Callable[[], T]:
    """Return a function that returns what *ask* returned, or raises what it raised."""
    try:
        value = ask()
    except Exception as error:
        failure = error

        def fail() -> T:
            raise failure

        return fail
    return lambda: value
