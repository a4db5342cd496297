"""Dicts and sets made of keys that a document names: of such as can be hashed, and in time that grows as they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from docstore.errors import DecodeError

T = TypeVar("T")

MOST_ALIKE: Final = 1_000
"""Keys of one hash in a dict or set. Numbers have a hash that who writes the document knows, and each key is compared
with all before it that share its own."""


def hashed(make: Callable[[list[Any]], T], items: list[Any], keys: Iterable[Any] | None = None) -> T:
    """Return the dict or set that *make* makes of *items*, whose *keys* are the items themselves if none are given.

    Raises:
        DecodeError: one cannot be hashed, or so many share a hash that this would take time in their square.
    """
    try:
        if len(items) > MOST_ALIKE:
            [(_, alike)] = Counter(map(hash, items if keys is None else keys)).most_common(1)
            if alike > MOST_ALIKE:
                raise DecodeError(f"{alike} keys of a dict, or items of a set, have one hash; {MOST_ALIKE} may have")
        made = make(items)
        if len(made) != len(items):  # type: ignore[arg-type]  # a dict or a set
            raise DecodeError("two keys of a dict, or two items of a set, are one here, and one would be lost")
        return made
    except DecodeError:
        raise
    except Exception as error:
        # Objects of a registered class are hashed and compared by its own methods, whatever the document put in them.
        raise DecodeError(f"a key or a set's item cannot be hashed: {error!s:.200}") from error
