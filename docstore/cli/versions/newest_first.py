"""Versions, and changes by versions, as the library lists them: the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import dropwhile
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from docstore.documents.history import Version
    from docstore.store.timeline import Blame

V = TypeVar("V", "Version", "Blame")


def up_to(version: Version, newest_first: Iterable[V]) -> Iterator[V]:
    """Return those that are not newer than *version*."""
    return dropwhile(lambda each: each.number > version.number, newest_first)
