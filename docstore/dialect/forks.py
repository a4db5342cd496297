"""Engines in a forked process: connections of the parent are not the child's to use, nor to close."""

from __future__ import annotations

import os
import weakref
from typing import Final

from sqlalchemy.engine import Engine

# A hook of the interpreter's cannot be taken back, so there is one for all engines. It holds none of them alive.
_ENGINES: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()


def leave_behind(engine: Engine) -> None:
    """Let a child that is forked later open connections of its own; two processes would speak at once on one."""
    _ENGINES.add(engine)


def _in_child() -> None:
    for engine in tuple(_ENGINES):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
