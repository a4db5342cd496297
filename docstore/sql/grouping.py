"""Group items by number and size: the rows of one statement, or of one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def grouped(items: Iterable[T], size: Callable[[T], int], most_items: int, most_size: int) -> Iterator[list[T]]:
    """Yield *items* in groups of at most *most_items*, whose sizes add up to at most *most_size*.

    An item that is larger is a group by itself. One group is kept in memory, and one more by a caller that keeps it.
    """
    group: list[T] = []
    total = 0
    for item in items:
        its = size(item)
        if group and (len(group) == most_items or total + its > most_size):
            yield group
            group, total = [], 0
        group.append(item)
        total += its
    if group:
        yield group
