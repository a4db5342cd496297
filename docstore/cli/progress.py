"""Progress on stderr, where that is a terminal, for whatever may take longer than two seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def bar() -> bool:
    """Return what a call of a store takes as ``progress=``: True on a terminal, and it draws a bar there."""
    return sys.stderr.isatty()


def tracked(items: Iterable[T], unit: str, *, total: int | None = None, label: str = "") -> Iterator[T]:
    """Yield *items*, and draw how many are done: for a loop in a command.

    Args:
        unit: what is counted, as the bar shows it: ``documents``
        total: how many there are, if it is known.
        label: stands before the bar.
    """
    from docstore.progress import Progress, reporting

    with reporting(bar(), unit) as report:
        for done, item in enumerate(items, 1):
            yield item
            report(Progress(done, total, label))
