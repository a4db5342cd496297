"""How a JSON value reads: on one line, with what JSON lacks as a person would write it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, dumps
from docstore.documents.diff.format import on_one_line, shortened

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


def _text(key: str, pattern: str = r"\S+") -> Callable[[_Members], str | None]:
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
    ("float", frozenset({"value"})): _text("value"),
    ("int", frozenset({"value"})): _text("value", "-?[0-9]+"),
    ("Decimal", frozenset({"value"})): _text("value"),
    ("UUID", frozenset({"value"})): _text("value"),
    ("date", frozenset({"value"})): _text("value"),
    ("time", frozenset({"value"})): _text("value"),
    ("datetime", frozenset({"value"})): _text("value"),
    ("datetime", frozenset({"value", "zone"})): _zoned,
    ("timedelta", frozenset({"days", "seconds", "microseconds"})): _duration,
    ("tuple", frozenset({"items"})): _items("(", ")"),
    ("set", frozenset({"items"})): _items("{", "}"),
    ("frozenset", frozenset({"items"})): _items("frozenset {", "}"),
    ("dict", frozenset({"items"})): _pairs("{", "}"),
    ("OrderedDict", frozenset({"items"})): _pairs("OrderedDict {", "}"),
}
"""By tag and members. Where others stand beside them, the value reads as any other object does."""
