"""One thing that changed, as a row of a description: of what, what of it, what was there, and what is there now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from docstore.documents.canonical import ABSENT, JSON, MaybeJSON, join_pointer, same_json
from docstore.documents.diff.format import (
    Way,
    on_one_line,
    read_both,
    read_in_full,
    read_name,
    short,
    shortened,
    unlike_places,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that changed; ``str`` makes a sentence of it: ``trial 7: mean of accuracy 0.31 -> 0.33``.

    Attributes:
        subject: ``trial 7``, ``parameter x``; empty for a place that stands for itself.
        what: ``mean of accuracy``, or a place: ``properties/team``; empty if it is the subject as a whole.
        was, now: how the values read, on one line; None where nothing was, or is; empty where there is no more to say.
    """

    subject: str
    what: str
    was: str | None
    now: str | None

    @property
    def verb(self) -> str:
        """``added``, ``removed``, or nothing for a change."""
        return "added" if self.was is None else "removed" if self.now is None else ""

    def __str__(self) -> str:
        value = " -> ".join(text for text in (self.was, self.now) if text is not None)
        if self.subject and self.what:
            rest = _spaced(self.what, value, self.verb)
        elif self.subject:
            rest = ", ".join(filter(None, (self.verb, value)))
        else:
            return f"{self.what}: {_spaced(self.verb, value)}"
        return f"{self.subject}: {rest}"


def _spaced(*texts: str) -> str:
    return " ".join(filter(None, texts))


def line(subject: str, what: str, was: MaybeJSON, now: MaybeJSON) -> Line:
    """Return the line of two values."""
    return Line(subject, on_one_line(what), *read_both(was, now))


def plain_lines(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON, *, of: str = "") -> list[Line]:
    """Return a line for each place in which the two values differ, at the end of *way*: at least one, if they do.

    Args:
        of: what the places are of: ``accuracy``, for ``mean of accuracy``.
    """
    places = [((), was, now)] if was is ABSENT or now is ABSENT else unlike_places(was, now)
    return [line(subject, _what(subject, (*way, *rest), of), *pair) for rest, *pair in places]


def _what(subject: str, way: Way, of: str) -> str:
    pointer = join_pointer(way)
    # Without its slash, the pointer of an empty key would be no text at all.
    place = pointer.removeprefix("/") or pointer
    if of:
        return f"{place} of {of}" if place else of
    return place if place or subject else "the root"


def whole(subject: str, was: str | None, now: str | None) -> Line:
    """Return the line of a subject that came, went, or became another, with what there is to say of it."""
    return Line(subject, "", was, now)


# The lines of two dicts or lists, member by member; an item of a list is known by its key, not by where it stands.

Members: TypeAlias = "dict[str, JSON]"

Tell: TypeAlias = Callable[[str, Way, MaybeJSON, MaybeJSON], list[Line]]
"""Tells of two values that differ, of a subject and at the end of a way. No line means: they have no shape I know."""


def tell_members(subject: str, way: Way, was: Members, now: Members, tells: Mapping[str, Tell]) -> list[Line]:
    """Return the lines of the members that differ: those that *tells* knows, in its order, then all others."""
    lines: list[Line] = []
    for key in (*tells, *sorted((was.keys() | now.keys()) - tells.keys())):
        before, after, there = was.get(key, ABSENT), now.get(key, ABSENT), (*way, key)
        if not same_json(before, after):
            told = tells[key](subject, there, before, after) if key in tells else []
            lines += told or plain_lines(subject, there, before, after)
    return lines


@dataclass(frozen=True, slots=True)
class Pair:
    """What of two lists has one key: the item before and the item now, or ABSENT; and the way to where it stands."""

    key: str
    was: MaybeJSON
    now: MaybeJSON
    way: Way

    @property
    def either(self) -> JSON:
        """The item now, or, where it is gone, as it was."""
        there = self.was if self.now is ABSENT else self.now
        assert there is not ABSENT  # a key is of one of the two
        return there

    def read(self, text: Callable[[JSON], str]) -> tuple[str | None, str | None]:
        """Return what *text* says of each that there is."""
        return None if self.was is ABSENT else text(self.was), None if self.now is ABSENT else text(self.now)


@dataclass(frozen=True, slots=True)
class ListOf:
    """Tells of two lists of *things*: by ``tell`` of the items that differ, then of another order of those that stay.

    A key is a text that reads well; items with one key are taken in their order. None counts as an empty list. Where an
    item has no key, there is no line at all.
    """

    things: str
    key: Callable[[JSON], str | None]
    tell: Callable[[str, Sequence[Pair]], list[Line]]

    def __call__(self, subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
        before, after = self._by_key(was), self._by_key(now)
        if before is None or after is None:
            return []
        lines = self.tell(subject, _pairs(way, before, after))
        return lines + self._moved(subject, [k for k in before if k in after], [k for k in after if k in before])

    def _by_key(self, items: MaybeJSON) -> dict[_Key, tuple[int, JSON]] | None:
        if items is None or items is ABSENT:
            return {}
        if not isinstance(items, list):
            return None
        found: dict[_Key, tuple[int, JSON]] = {}
        times: Counter[str] = Counter()
        for index, item in enumerate(items):
            key = self.key(item)
            if key is None:
                return None
            found[key, times[key]] = index, item
            times[key] += 1
        return found

    def _moved(self, subject: str, was: list[_Key], now: list[_Key]) -> list[Line]:
        if was == now:
            return []
        texts = (", ".join(key for key, _ in keys) for keys in (was, now))
        return [Line(subject, f"order of {self.things}", *shortened(*texts))]


def one_by_one(tell: Callable[[str, Pair], list[Line]]) -> Callable[[str, Sequence[Pair]], list[Line]]:
    """Return what tells of several items one after the other."""
    return lambda subject, pairs: [line for pair in pairs for line in tell(subject, pair)]


_Key: TypeAlias = "tuple[str, int]"
"""The key of an item, and how many of that key came before it."""


def _pairs(way: Way, was: Mapping[_Key, tuple[int, JSON]], now: Mapping[_Key, tuple[int, JSON]]) -> list[Pair]:
    """Return what differs: what was removed, then what is there now."""
    gone = [Pair(key[0], item, ABSENT, (*way, index)) for key, (index, item) in was.items() if key not in now]
    nothing = -1, ABSENT
    there = [Pair(key[0], was.get(key, nothing)[1], item, (*way, index)) for key, (index, item) in now.items()]
    return gone + [pair for pair in there if not same_json(pair.was, pair.now)]


def member(value: MaybeJSON, key: str) -> MaybeJSON:
    """Return a member of *value*, or ABSENT where it has none, or is no dict."""
    return value.get(key, ABSENT) if isinstance(value, dict) else ABSENT


def items(value: MaybeJSON) -> list[JSON]:
    """Return *value* if it is a list, or none."""
    return value if isinstance(value, list) else []


def text_of(value: MaybeJSON, key: str) -> str | None:
    """Return a member of *value* that is a text, or None where it has no such."""
    found = member(value, key)
    return found if isinstance(found, str) else None


def in_brackets(members: Members, hidden: Collection[str]) -> str:
    """Return ``(sem 0.02, source a.csv)``: those members that are not null, but for the *hidden* ones; or nothing."""
    shown = [key for key in sorted(members.keys() - set(hidden)) if members[key] is not None]
    return f"({short(', '.join(f'{read_name(key)} {read_in_full(members[key])}' for key in shown))})" if shown else ""


def by(key: str) -> Callable[[JSON], str | None]:
    """Return the function that gives an item's member *key*, as it reads, if it is a text."""

    def read(item: JSON) -> str | None:
        name = text_of(item, key)
        return None if name is None else read_name(name)

    return read
