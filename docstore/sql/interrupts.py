"""Ctrl-C deferred, from a COMMIT until the program knows what it committed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Deferral:
    """Defers Ctrl-C between ``begin`` and ``end``; a second one takes effect at once, in case something hangs."""

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        self._came = 0

    def begin(self) -> None:
        """Defer Ctrl-C from now on; do nothing in another thread, or if Python does not handle Ctrl-C."""
        handler = signal.getsignal(signal.SIGINT)
        if self._handler is not None or not callable(handler):
            return
        self._handler = handler
        try:
            signal.signal(signal.SIGINT, self._note)
        except ValueError:  # only the main thread may, and only it is interrupted
            self._handler = None

    def end(self) -> None:
        """Stop deferring; a Ctrl-C that came takes effect now."""
        if self._handler is None:
            return
        signal.signal(signal.SIGINT, self._handler)
        self._handler, came, self._came = None, self._came, 0
        if came == 1:
            signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came += 1
        if self._came > 1 and self._handler is not None:
            self._handler(number, frame)


@contextmanager
def deferring() -> Iterator[Deferral]:
    """Give a deferral of Ctrl-C that ends with the block at the latest."""
    deferral = Deferral()
    try:
        yield deferral
    finally:
        deferral.end()
