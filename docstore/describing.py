"""What changed between two JSON values, told to a person: a line for each place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import reduce
from itertools import takewhile
from operator import eq, getitem
from typing import Any, Final, TypeAlias, cast

from docstore.values import ABSENT, JSON, MaybeJSON, alike, dumps, join_pointer, token_order

_Way: TypeAlias = "tuple[str | int, ...]"

_LONG: Final = 60
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
        DeepDiff. It pairs and compares by ``==``, so it is given each scalar as its canonical text: of the scalars
        themselves, it takes ``[1]`` for ``[True]``, and 0.0 for -0.0.
    """
    places = [] if alike(old, new) else _unlike_places(old, new, ())
    lines = [
        ([token_order(str(token)) for token in way], _line(at + join_pointer(way), *pair)) for way, *pair in places
    ]
    return [line for _, line in sorted(lines)]


def _unlike_places(old: JSON, new: JSON, way: _Way) -> Iterator[tuple[_Way, MaybeJSON, MaybeJSON]]:
    """Yield each place below *way* that differs, with what was there and what is there now."""
    # Here and not above: it takes several times as long to import as all of docstore.
    from deepdiff import DeepDiff

    # By default it passes over keys like "__type", and does not look into dicts that have few keys in common.
    options: dict[str, Any] = {"view": "tree", "ignore_private_variables": False, "threshold_to_diff_deeper": 0}
    for kind, levels in DeepDiff(*_in_texts(old, new), **options).items():
        for level in levels:
            before, after = (level.path(output_format="list", use_t2=later) for later in (False, True))
            was = ABSENT if kind.endswith("_added") else reduce(getitem, before, cast(Any, old))
            now = ABSENT if kind.endswith("_removed") else reduce(getitem, after, cast(Any, new))
            if isinstance(was, (dict, list)) and type(was) is type(now):
                yield from _unlike_places(cast(JSON, was), cast(JSON, now), (*way, *after))
            else:
                yield (*way, *after), was, now


def _in_texts(old: JSON, new: JSON) -> tuple[Any, Any]:
    """Return both as DeepDiff shall see them: dicts without the members that they share, and all else as texts.

    So are the items of a list, whatever they are: DeepDiff aligns texts, and pairs anything else by index.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        was: dict[str, Any] = {key: _text(old[key]) for key in old.keys() - new.keys()}
        now: dict[str, Any] = {key: _text(new[key]) for key in new.keys() - old.keys()}
        for key in old.keys() & new.keys():
            if not alike(old[key], new[key]):
                was[key], now[key] = _in_texts(old[key], new[key])
        return was, now
    if isinstance(old, list) and isinstance(new, list):
        return _items_in_texts(list(map(_text, old)), list(map(_text, new)))
    return _text(old), _text(new)


def _items_in_texts(old: list[str], new: list[str]) -> tuple[Any, Any]:
    """Return both, or, if they are too repetitive to align, as dicts by index."""
    often = Counter(new)
    repetitive = sum(often[text] for text in old) > _REPETITIVE
    return (dict(enumerate(old)), dict(enumerate(new))) if repetitive else (old, new)


def _text(value: JSON) -> str:
    return dumps(value).decode()


def _line(pointer: str, was: MaybeJSON, now: MaybeJSON) -> str:
    texts = [_text(value) for value in (was, now) if value is not ABSENT]
    start = max(0, _shared(*texts) - _LEAD) if len(texts) == 2 else 0
    shown = " -> ".join(_shortened(text, start) for text in texts)
    verb = "added " if was is ABSENT else "removed " if now is ABSENT else ""
    return _on_one_line(f"{pointer or 'the root'}: {verb}{shown}")


def _shared(a: str, b: str) -> int:
    """Return how many characters the two have in common before they part."""
    return sum(takewhile(bool, map(eq, a, b)))


def _shortened(text: str, start: int) -> str:
    """Return *text*, or, if it is long, what follows *start*: of two long values, one wants to see where they part."""
    if len(text) <= _LONG:
        return text
    start = min(start, len(text) - _LONG)
    return f"{'…' * (start > 0)}{text[start : start + _LONG]}{'…' * (start + _LONG < len(text))}"


def _on_one_line(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
