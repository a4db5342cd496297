"""Text for people: how a JSON value reads on one line, and how two values read side by side."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import takewhile
from operator import eq
from typing import Final, TypeAlias

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, dumps
from docstore.documents.kinds import BOOKKEEPING, class_name

_Members: TypeAlias = "Mapping[str, JSON]"

LONG: Final = 60
"""Characters of a value that a line shows."""

_LEAD: Final = 20
"""Characters shown before the first difference, in values too long to show."""

_WORD: Final = re.compile(r"[^\W\d][\w./@+-]*")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d(:\d\d)?)?)?")
_NO_WORDS: Final = frozenset({"null", "true", "false", "none", "nan", "inf", "infinity"})
_NAME: Final = re.compile(r"""[^\s"'\[({](\S*[^\s:;,])?""")


def on_one_line(text: str) -> str:
    """Return *text* with an escape for each unprintable character, such as the end of a line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shortened(*texts: str) -> list[str]:
    """Return one or two texts, cut where they are long; of two long texts, the parts around the first difference."""
    start = max(0, _shared(*texts) - _LEAD) if len(texts) == 2 else 0
    return [_from(start, text) for text in texts]


def _shared(a: str, b: str) -> int:
    """Return how many characters the two have in common before the first difference."""
    return sum(takewhile(bool, map(eq, a, b)))


def _from(start: int, text: str) -> str:
    if len(text) <= LONG:
        return text
    start = min(start, len(text) - LONG)
    return f"{'…' * (start > 0)}{text[start : start + LONG]}{'…' * (start + LONG < len(text))}"


def short(text: str) -> str:
    """Return *text* on one line, cut where it is long."""
    return on_one_line(shortened(text)[0])


def read_name(name: str) -> str:
    """Return a name as it reads within a line: in quotes if it is long, has spaces, or is ambiguous without them."""
    return on_one_line(name if _NAME.fullmatch(name) and len(shortened(name)[0]) == len(name) else _in_quotes(name))


def _in_quotes(text: str) -> str:
    return shortened(dumps(text).decode())[0]


def read_one(value: JSON) -> str:
    """Return how *value* reads on one line, cut where it is long."""
    return short(read_in_full(value))


def read_both(was: MaybeJSON, now: MaybeJSON) -> tuple[str | None, str | None]:
    """Return how two values read, None for ``ABSENT``; different values never read the same.

    Two long values are cut to the parts around the first difference.
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


def shown_keys(members: _Members) -> AbstractSet[str]:
    """Return the keys of *members* that a person looks for: of an object, all but its bookkeeping."""
    return members.keys() - BOOKKEEPING.keys() if isinstance(members.get(TAG), str) else members.keys()


def _members(value: _Members) -> str:
    """Return an object as ``Arm(name 0_0)``, and any other dict as ``{name: 0_0}``."""
    tag = value.get(TAG)
    if isinstance(tag, str) and _WORD.fullmatch(tag):
        keys = sorted(shown_keys(value) - {TAG})
        inner = ", ".join(f"{read_in_full(key)} {read_in_full(value[key])}" for key in keys)
        return f"{class_name(tag)}({inner})"
    return f"{{{', '.join(f'{read_in_full(key)}: {read_in_full(value[key])}' for key in sorted(value))}}}"


# --- tagged values ----------------------------------------------------------------------------------------------------


def _tagged(value: _Members) -> str | None:
    """Return how a tagged value reads, or None if it is not one, or has members that its text would not show."""
    tag = value.get(TAG)
    read = _READERS.get((tag, frozenset(value) - {TAG})) if isinstance(tag, str) else None
    return read(value) if read else None


def _text_of(key: str, pattern: str = r"\S+") -> Callable[[_Members], str | None]:
    def read(value: _Members) -> str | None:
        text = value[key]
        return text if isinstance(text, str) and re.fullmatch(pattern, text) else None

    return read


def _items(start: str, end: str) -> Callable[[_Members], str | None]:
    def read(value: _Members) -> str | None:
        items = value["items"]
        return f"{start}{_listed(items)}{end}" if isinstance(items, list) else None

    return read


def _pairs(start: str, end: str) -> Callable[[_Members], str | None]:
    def read(value: _Members) -> str | None:
        items = value["items"]
        if not isinstance(items, list) or not all(isinstance(item, list) and len(item) == 2 for item in items):
            return None
        texts = [": ".join(map(read_in_full, item)) for item in items if isinstance(item, list)]
        return f"{start}{', '.join(texts)}{end}"

    return read


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


_READERS: Final[Mapping[tuple[str, frozenset[str]], Callable[[_Members], str | None]]] = {
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
"""By tag and members. A value with any other member reads as an object does."""
