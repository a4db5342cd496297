"""Pause Python's cycle collector while a document is read, encoded or decoded: whatever is made then is kept."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LOCK: Final = threading.RLock()
_PAUSES: Final[dict[object, bool]] = {}
"""The pauses that have not ended, each with whether the collector was on before the first of them."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Switch the cycle collector off in the block: it would visit all objects of a large document again and again.

    It is off in all threads of the process. Cycles of references that they drop meanwhile are freed after the block;
    all else is freed at once, as always. So the block must wait for nothing but the rows of one document. Blocks may
    overlap: the last one to end switches the collector on again, if it was on before the first.
    """
    pause = object()
    try:
        with _LOCK:
            _PAUSES[pause] = next(iter(_PAUSES.values()), gc.isenabled())
            gc.disable()
        yield
    finally:
        with _LOCK:
            was_on = _PAUSES.pop(pause, False)
            if was_on and not _PAUSES:
                gc.enable()


def _in_child() -> None:
    """End the pauses of the parent's threads, which do not exist in the child."""
    if any(_PAUSES.values()):
        gc.enable()
    _PAUSES.clear()
    _LOCK.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_in_child)
