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
"""The pauses that are not over, and whether the collector was on before the first of them."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cycle collector from looking through the objects of a large document again and again as they are made.

    It is off in all threads of the process: cycles of references that they drop in the meantime are freed after the
    block, and all else at once, as ever. So a block must not wait for anything but the rows of one document. Blocks may
    overlap; the last one to end switches the collector on again, if it was on before the first.
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
    """End the pauses of the parent's threads, which a fork does not take along."""
    if any(_PAUSES.values()):
        gc.enable()
    _PAUSES.clear()
    _LOCK.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_in_child)
