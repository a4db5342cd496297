"""What changed between two JSON values, told to a person: a line for each place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import takewhile
from operator import eq
from typing import Any, Final, TypeAlias

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, dumps, join_pointer, same_json, token_order

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
    places = [] if same_json(old, new) else list(_unlike_places(old, new, ()))
    return sorted(places, key=lambda place: ([token_order(str(token)) for token in place[0]], _line("", *place[1:])))


def _unlike_places(old: MaybeJSON, new: MaybeJSON, way: Way) -> Iterator[Place]:
    """Yield each place in which two values that differ do so; *way* leads to both."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            was, now = old.get(key, ABSENT), new.get(key, ABSENT)
            if not same_json(was, now):
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


# How a JSON value reads: on one line, with what JSON lacks as a person would write it.

_Members: TypeAlias = "Mapping[str, JSON]"

_WORD: Final = re.compile(r"[^\W\d][\w./@+-]*")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d(:\d\d)?)?)?")
_NO_WORDS: Final = frozenset({"null", "true", "false", "none", "nan", "inf", "infinity"})
_NAME: Final = re.compile(r"""[^\s"'\[({](\S*[^\s:;,])?""")


def read_name(name: str) -> str:
    """Return a name as it reads within a line: in quotes if it is long, has spaces, or could be taken for more."""
    return on_one_line(name if _NAME.fullmatch(name) and len(shortened(name)[0]) == len(name) else _in_quotes(name))


def _in_quotes(text: str) -> str:
    return shortened(dumps(text).decode())[0]


def short(text: str) -> str:
    """Return *text* on one line, and a part of it if it is long."""
    return on_one_line(shortened(text)[0])


def read_one(value: JSON) -> str:
    """Return how *value* reads, on one line, and a part of it if that is long."""
    return short(read_in_full(value))


def read_both(was: MaybeJSON, now: MaybeJSON) -> tuple[str | None, str | None]:
    """Return how the two read, and None for ``ABSENT``; those that differ never read the same.

    Of two that are long, the parts that are shown are those where they part.
    """
    if was is ABSENT or now is ABSENT:
        return None if was is ABSENT else read_one(was), None if now is ABSENT else read_one(now)
    texts = read_in_full(was), read_in_full(now)
    if texts[0] == texts[1]:
        # A date and its text, say.
        texts = dumps(was).decode(), dumps(now).decode()
    before, after = map(on_one_line, shortened(*texts))
    return before, after


def read_in_full(value: JSON) -> str:
    """Return how *value* reads: numbers as in JSON, words without quotes, ``nan`` for a tagged NaN."""
    if isinstance(value, str):
        return value if _is_bare(value) else dumps(value).decode()
    if isinstance(value, list):
        return f"[{_listed(value)}]"
    if isinstance(value, dict):
        return _tagged(value) or _members(value)
    return dumps(value).decode()


def _is_bare(text: str) -> bool:
    word = _WORD.fullmatch(text) and text.casefold() not in _NO_WORDS
    return bool(word or _MOMENT.fullmatch(text))


def _listed(items: list[JSON]) -> str:
    return ", ".join(map(read_in_full, items))


def _members(value: _Members) -> str:
    """Return an object as ``Arm(name 0_0)``, and any other dict as ``{name: 0_0}``."""
    tag = value.get(TAG)
    if isinstance(tag, str) and _WORD.fullmatch(tag):
        inner = ", ".join(f"{read_in_full(key)} {read_in_full(value[key])}" for key in sorted(value) if key != TAG)
        return f"{tag}({inner})"
    return f"{{{', '.join(f'{read_in_full(key)}: {read_in_full(value[key])}' for key in sorted(value))}}}"


# --- what JSON lacks -------------------------------------------------------------------------------------------------


def _tagged(value: _Members) -> str | None:
    """Return how a tagged value reads, or None where it is none, or has members that its text would not show."""
    tag = value.get(TAG)
    spell = _SPELLINGS.get((tag, frozenset(value) - {TAG})) if isinstance(tag, str) else None
    return spell(value) if spell else None


def _text_of(key: str, pattern: str = r"\S+") -> Callable[[_Members], str | None]:
    def spell(value: _Members) -> str | None:
        text = value[key]
        return text if isinstance(text, str) and re.fullmatch(pattern, text) else None

    return spell


def _items(start: str, end: str) -> Callable[[_Members], str | None]:
    def spell(value: _Members) -> str | None:
        items = value["items"]
        return f"{start}{_listed(items)}{end}" if isinstance(items, list) else None

    return spell


def _pairs(start: str, end: str) -> Callable[[_Members], str | None]:
    def spell(value: _Members) -> str | None:
        items = value["items"]
        if not isinstance(items, list) or not all(isinstance(item, list) and len(item) == 2 for item in items):
            return None
        return (
            f"{start}{', '.join(': '.join(map(read_in_full, item)) for item in items if isinstance(item, list))}{end}"
        )

    return spell


def _zoned(value: _Members) -> str | None:
    moment, zone = value["value"], value["zone"]
    return f"{moment} {zone}" if isinstance(moment, str) and isinstance(zone, str) else None


def _duration(value: _Members) -> str | None:
    days, seconds, microseconds = value["days"], value["seconds"], value["microseconds"]
    if not (isinstance(days, int) and isinstance(seconds, int) and isinstance(microseconds, int)):
        return None
    try:
        return str(timedelta(days, seconds, microseconds))
    except OverflowError:
        return None


_SPELLINGS: Final[Mapping[tuple[str, frozenset[str]], Callable[[_Members], str | None]]] = {
    ("float", frozenset({"value"})): _text_of("value"),
    ("int", frozenset({"value"})): _text_of("value", "-?[0-9]+"),
    ("Decimal", frozenset({"value"})): _text_of("value"),
    ("UUID", frozenset({"value"})): _text_of("value"),
    ("date", frozenset({"value"})): _text_of("value"),
    ("time", frozenset({"value"})): _text_of("value"),
    ("datetime", frozenset({"value"})): _text_of("value"),
    ("datetime", frozenset({"value", "zone"})): _zoned,
    ("timedelta", frozenset({"days", "seconds", "microseconds"})): _duration,
    ("tuple", frozenset({"items"})): _items("(", ")"),
    ("set", frozenset({"items"})): _items("{", "}"),
    ("frozenset", frozenset({"items"})): _items("frozenset {", "}"),
    ("dict", frozenset({"items"})): _pairs("{", "}"),
    ("OrderedDict", frozenset({"items"})): _pairs("OrderedDict {", "}"),
}
"""By tag and members. Where others stand beside them, the value reads as any other object does."""
