"""What changed between two JSON values, told to a person: a line for each place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from operator import eq
from typing import Any, Final, TypeAlias

from docstore.documents.canonical import ABSENT, JSON, MaybeJSON, alike, dumps, join_pointer, token_order

Way: TypeAlias = "tuple[str | int, ...]"
"""The tokens of a pointer, before they are put together."""

Place: TypeAlias = "tuple[Way, MaybeJSON, MaybeJSON]"

LONG: Final = 60
"""Characters of a value that a line shows."""

_REPETITIVE: Final = 2**16
"""Pairs of equal items, in two lists, beyond which they are compared index by index."""

_LEAD: Final = 20
"""Characters shown before the first that differs, in values too long to show."""


def describe(old: JSON, new: JSON, *, at: str = "") -> list[str]:
    """Return the difference in words, a line for each place, by pointer: ``/trials/12/status: "A" -> "B"``.

    A removed list item is named by its old index; all else is named by where it stands now.

    Cost:
        Lists are aligned item by item, unless so many of their items are equal that this would take minutes.

    Source:
        DeepDiff, for lists. It pairs and compares by ``==``, so it is given each item as its canonical text: of the
        items themselves, it takes ``[1]`` for ``[True]``, and 0.0 for -0.0.
    """
    return [_line(at + join_pointer(way), was, now) for way, was, now in unlike_places(old, new)]


def unlike_places(old: JSON, new: JSON) -> list[Place]:
    """Return each place that differs, by pointer: the way to it, what was there and what is there now, or ``ABSENT``.

    Cost:
        As of ``describe``.
    """
    places = [] if alike(old, new) else list(_unlike_places(old, new, ()))
    return sorted(places, key=lambda place: ([token_order(str(token)) for token in place[0]], _line("", *place[1:])))


def _unlike_places(old: MaybeJSON, new: MaybeJSON, way: Way) -> Iterator[Place]:
    """Yield each place in which two values that differ do so; *way* leads to both."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            was, now = old.get(key, ABSENT), new.get(key, ABSENT)
            if not alike(was, now):
                yield from _unlike_places(was, now, (*way, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _unlike_items(old, new, way)
    else:
        yield way, old, new


def _unlike_items(old: list[JSON], new: list[JSON], way: Way) -> Iterator[Place]:
    # Here and not above: it takes several times as long to import as all of docstore.
    from deepdiff import DeepDiff

    # By default it does not look into dicts that have few keys in common.
    options: dict[str, Any] = {"view": "tree", "threshold_to_diff_deeper": 0}
    for kind, levels in DeepDiff(*_items_in_texts(list(map(_text, old)), list(map(_text, new))), **options).items():
        for level in levels:
            (before,), (after,) = (level.path(output_format="list", use_t2=later) for later in (False, True))
            was = ABSENT if kind.endswith("_added") else old[before]
            now = ABSENT if kind.endswith("_removed") else new[after]
            yield from _unlike_places(was, now, (*way, after))


def _items_in_texts(old: list[str], new: list[str]) -> tuple[Any, Any]:
    """Return both as DeepDiff shall see them: lists of texts, or, if too repetitive to align, dicts of them by index.

    DeepDiff aligns texts, and pairs anything else by index.
    """
    often = Counter(new)
    repetitive = sum(often[text] for text in old) > _REPETITIVE
    return (dict(enumerate(old)), dict(enumerate(new))) if repetitive else (old, new)


def _text(value: JSON) -> str:
    return dumps(value).decode()


def _line(pointer: str, was: MaybeJSON, now: MaybeJSON) -> str:
    texts = shortened(*(_text(value) for value in (was, now) if value is not ABSENT))
    verb = "added " if was is ABSENT else "removed " if now is ABSENT else ""
    return on_one_line(f"{pointer or 'the root'}: {verb}{' -> '.join(texts)}")


def shortened(*texts: str) -> list[str]:
    """Return each of one or two texts, or of a long one a part: of two long texts, one wants to see where they part."""
    start = max(0, _shared(*texts) - _LEAD) if len(texts) == 2 else 0
    return [_from(start, text) for text in texts]


def _shared(a: str, b: str) -> int:
    """Return how many characters the two have in common before they part."""
    return sum(takewhile(bool, map(eq, a, b)))


def _from(start: int, text: str) -> str:
    if len(text) <= LONG:
        return text
    start = min(start, len(text) - LONG)
    return f"{'…' * (start > 0)}{text[start : start + LONG]}{'…' * (start + LONG < len(text))}"


def on_one_line(text: str) -> str:
    """Return *text* with an escape for each character that does not print, such as the end of a line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
