"""A lock for each object, so that threads that save the same object take turns."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from docstore.codec.side_data import WeakIdentityMap
from docstore.errors import ObjectBusyError

# Module state, as the objects are the process's: an object has one lock, however many stores save it.
_LOCKS: Final[dict[int, WeakIdentityMap[threading.Lock]]] = {}
"""The locks of objects, by process id: a fork needs new ones, as no thread of the parent can release the old ones."""

_THREAD: Final = threading.local()
"""``held``: the ids of the objects whose locks this thread holds."""


@contextmanager
def locked(*objects: Any) -> Iterator[None]:
    """Hold the locks of *objects* in the block.

    Deadlocks are impossible: locks are taken in one order, and a thread that holds some never waits for others.

    Raises:
        ObjectBusyError: this thread holds the lock of one of *objects*; or it holds others and would have to wait.
    """
    held: set[int] = _THREAD.__dict__.setdefault("held", set())
    may_wait = not held
    if len(objects) == 1:
        with _locked(objects[0], held, may_wait):
            yield
        return
    with ExitStack() as stack:
        for obj in sorted({id(obj): obj for obj in objects}.values(), key=id):
            stack.enter_context(_locked(obj, held, may_wait))
        yield


@contextmanager
def _locked(obj: Any, held: set[int], may_wait: bool) -> Iterator[None]:
    key = id(obj)
    if key in held:
        raise ObjectBusyError(type(obj), by_this_thread=True)
    process = os.getpid()
    locks = _LOCKS[process] if process in _LOCKS else _LOCKS.setdefault(process, WeakIdentityMap())
    lock = locks.first(obj, threading.Lock)
    with lock if may_wait else _at_once(lock, obj):
        try:
            # An interrupt shows after a call: from here on it leads to the discard, before which there is none.
            held.add(key)
            yield
        finally:
            held.discard(key)


@contextmanager
def _at_once(lock: threading.Lock, obj: Any) -> Iterator[None]:
    if not lock.acquire(blocking=False):
        raise ObjectBusyError(type(obj), by_this_thread=False)
    try:
        yield
    finally:
        lock.release()
