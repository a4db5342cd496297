"""The lines of a diff: each a place that changed, with the value before and after, in words.

Two values are walked together as a ``Pair``. Members of dicts pair by key. Items of a list pair by a key that
a ``ListOf`` knows, otherwise by an alignment of the two lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from docstore.documents.canonical import (
    ABSENT,
    JSON,
    TAG,
    Absent,
    MaybeJSON,
    dumps,
    join_pointer,
    same_json,
    token_order,
)
from docstore.documents.diff.format import on_one_line, read_both, read_in_full, read_name, short, shortened, shown_keys
from docstore.documents.kinds import BOOKKEEPING, class_name


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that changed; ``str`` makes a sentence of it: ``trial 7: mean of accuracy 0.31 -> 0.33``.

    Attributes:
        subject: ``trial 7``, ``parameter x``; empty for a place that is its own subject.
        what: ``mean of accuracy``, or a place: ``properties/team``; empty if it is the subject as a whole.
        was, now: the texts of the values, on one line; None where there is no value; empty if there is no more to say.
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


def whole(subject: str, was: str | None, now: str | None) -> Line:
    """Return the line of a subject that was added, removed, or replaced, with the texts of its values."""
    return Line(subject, "", was, now)


Members: TypeAlias = "dict[str, JSON]"


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing before and after; ``ABSENT`` where it is not there.

    Attributes:
        way: the tokens of its pointer, below its subject.
        key: the text that identifies it, if it is an item of a list.
    """

    was: MaybeJSON
    now: MaybeJSON
    way: tuple[str | int, ...] = ()
    key: str = ""

    @property
    def either(self) -> JSON:
        """The value now, or, if it was removed, before."""
        value = self.was if self.now is ABSENT else self.now
        assert value is not ABSENT  # a pair is made of something
        return value

    @property
    def dicts(self) -> tuple[Members, Members] | None:
        """The values, if both are dicts."""
        return (self.was, self.now) if isinstance(self.was, dict) and isinstance(self.now, dict) else None

    @property
    def differs(self) -> bool:
        """Whether the values are not the same JSON."""
        return not same_json(self.was, self.now)

    def member(self, key: str) -> Pair:
        """Return the pair of a member, ABSENT in what is not a dict."""
        return Pair(member(self.was, key), member(self.now, key), (*self.way, key))

    @property
    def alone(self) -> Pair:
        """The same values as a subject of their own: pointers start here."""
        return Pair(self.was, self.now)

    def without(self, keys: AbstractSet[str]) -> Pair:
        """Return the pair of two dicts without the members under *keys*, as a subject of its own."""
        was, now = self.dicts or ({}, {})
        return Pair({key: was[key] for key in was.keys() - keys}, {key: now[key] for key in now.keys() - keys})

    def read(self, text: Callable[[JSON], str]) -> tuple[str | None, str | None]:
        """Return *text* of each value, None where it is absent."""
        return None if self.was is ABSENT else text(self.was), None if self.now is ABSENT else text(self.now)


def plain_lines(subject: str, pair: Pair, *, of: str = "") -> list[Line]:
    """Return a line for each place in which the two values differ: at least one, if they do.

    Args:
        of: the owner of the places: ``accuracy``, for ``mean of accuracy``.

    Cost:
        Lists are aligned item by item, unless so many of their items are equal that this would take minutes.
    """
    places = [pair] if ABSENT in (pair.was, pair.now) else sorted(_places(pair), key=_by_pointer)
    return [line(subject, _what(subject, each, of), *_values(each)) for each in places]


def _what(subject: str, pair: Pair, of: str) -> str:
    way = pair.way
    if _tags(pair) is not None:
        owner = " of ".join(filter(None, (join_pointer(way[:-1]).removeprefix("/"), of)))
        return f"class of {owner}" if owner else "class"
    pointer = join_pointer(way)
    # Without its slash, the pointer of an empty key would be no text at all.
    place = pointer.removeprefix("/") or pointer
    if of:
        return f"{place} of {of}" if place else of
    return place if place or subject else "the root"


def _values(pair: Pair) -> tuple[MaybeJSON, MaybeJSON]:
    """Return the values of *pair*; for two tags, the names of the classes, unless both have one name."""
    was, now = map(class_name, _tags(pair) or ("", ""))
    return (pair.was, pair.now) if was == now else (was, now)


def _tags(pair: Pair) -> tuple[str, str] | None:
    """Return the tags of an object whose class changed; None if *pair* is something else."""
    is_tag = pair.way[-1:] == (TAG,) and isinstance(pair.was, str) and isinstance(pair.now, str)
    return (str(pair.was), str(pair.now)) if is_tag else None


def _by_pointer(pair: Pair) -> tuple[list[Any], str]:
    """Return a key that sorts by pointer, and by text the items of a list that were added and removed at one index."""
    texts = [dumps(value).decode() for value in (pair.was, pair.now) if not isinstance(value, Absent)]
    verb = "added " if pair.was is ABSENT else "removed " if pair.now is ABSENT else ""
    return [token_order(str(token)) for token in pair.way], on_one_line(verb + " -> ".join(shortened(*texts)))


# --- places that differ -----------------------------------------------------------------------------------------------

_REPETITIVE: Final = 2**16
"""Pairs of equal items, in two lists, beyond which they are compared index by index."""


def _places(pair: Pair) -> Iterator[Pair]:
    """Yield each place in which the two values differ; a removed item of a list has its old index, all else the new."""
    if not pair.differs:
        return
    if pair.dicts is not None:
        for key in shown_keys(pair.dicts[0]) | shown_keys(pair.dicts[1]):
            yield from _places(pair.member(key))
    elif isinstance(pair.was, list) and isinstance(pair.now, list):
        for each in _aligned(pair.was, pair.now, pair.way):
            yield from _places(each)
    else:
        yield pair


def _aligned(was: list[JSON], now: list[JSON], way: tuple[str | int, ...]) -> Iterator[Pair]:
    """Yield the items that differ.

    Source:
        DeepDiff. It pairs and compares by ``==``, and would take ``[1]`` for ``[True]`` and 0.0 for -0.0, so it gets
        each item as its canonical text.
    """
    # Here and not above: it takes several times as long to import as all of docstore.
    from deepdiff import DeepDiff

    # By default it does not look into dicts that have few keys in common.
    options: dict[str, Any] = {"view": "tree", "threshold_to_diff_deeper": 0}
    texts = [[dumps(item).decode() for item in items] for items in (was, now)]
    for kind, levels in DeepDiff(*_alignable(*texts), **options).items():
        for level in levels:
            (before,), (after,) = (level.path(output_format="list", use_t2=later) for later in (False, True))
            old = ABSENT if kind.endswith("_added") else was[before]
            new = ABSENT if kind.endswith("_removed") else now[after]
            yield Pair(old, new, (*way, after))


def _alignable(was: list[str], now: list[str]) -> tuple[Any, Any]:
    """Return both as lists, which DeepDiff aligns; if too repetitive to align, as dicts by index."""
    often = Counter(now)
    repetitive = sum(often[text] for text in was) > _REPETITIVE
    return (dict(enumerate(was)), dict(enumerate(now))) if repetitive else (was, now)


# --- lines in a document's own terms ----------------------------------------------------------------------------------

Describe: TypeAlias = Callable[[str, Pair], list[Line]]
"""Describes a pair that differs, of a subject. No lines mean: the values have an unknown shape."""


def member_lines(subject: str, pair: Pair, described: Mapping[str, Describe]) -> list[Line]:
    """Return the lines of the members that differ: first those that are *described*, in its order, then all others."""
    assert pair.dicts is not None  # its caller has looked
    was, now = pair.dicts
    lines: list[Line] = []
    for key in (*described, *sorted((shown_keys(was) | shown_keys(now)) - described.keys())):
        each = pair.member(key)
        if each.differs:
            own = described[key](subject, each) if key in described else []
            lines += own or plain_lines(subject, each)
    return lines


@dataclass(frozen=True, slots=True)
class ListOf:
    """Describes two lists of *things*: the items that differ, by ``describe``, then a change in the order of the rest.

    A key is a text that reads well; items with one key are paired in their order. None counts as an empty list. If an
    item has no key, there is no line at all.
    """

    things: str
    key: Callable[[JSON], str | None]
    describe: Callable[[str, Sequence[Pair]], list[Line]]

    def __call__(self, subject: str, pair: Pair) -> list[Line]:
        """Return the lines."""
        before, after = self._by_key(pair.was), self._by_key(pair.now)
        if before is None or after is None:
            return []
        lines = self.describe(subject, _paired(pair.way, before, after))
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


_Key: TypeAlias = "tuple[str, int]"
"""The key of an item, and how many of that key came before it."""


def _paired(
    way: tuple[str | int, ...], was: Mapping[_Key, tuple[int, JSON]], now: Mapping[_Key, tuple[int, JSON]]
) -> list[Pair]:
    """Return the items that differ: those that were removed, then those that are there now."""
    removed = [Pair(item, ABSENT, (*way, index), key[0]) for key, (index, item) in was.items() if key not in now]
    nothing = -1, ABSENT
    present = [Pair(was.get(key, nothing)[1], item, (*way, index), key[0]) for key, (index, item) in now.items()]
    return removed + [pair for pair in present if pair.differs]


def one_by_one(describe: Describe) -> Callable[[str, Sequence[Pair]], list[Line]]:
    """Return a function that describes several items one after the other."""
    return lambda subject, pairs: [line for pair in pairs for line in describe(subject, pair)]


# --- members of a value -----------------------------------------------------------------------------------------------


def member(value: MaybeJSON, key: str) -> MaybeJSON:
    """Return a member of *value*, or ABSENT if it has none, or is not a dict."""
    return value.get(key, ABSENT) if isinstance(value, dict) else ABSENT


def items(value: MaybeJSON) -> list[JSON]:
    """Return *value* if it is a list, otherwise an empty list."""
    return value if isinstance(value, list) else []


def text_of(value: MaybeJSON, key: str) -> str | None:
    """Return a member of *value* if it is a text, otherwise None."""
    found = member(value, key)
    return found if isinstance(found, str) else None


def with_bookkeeping(value: JSON) -> JSON:
    """Return a copy of *value* in which the bookkeeping of objects has names to show, and is shown."""
    if isinstance(value, list):
        return [with_bookkeeping(item) for item in value]
    if not isinstance(value, dict):
        return value
    names = BOOKKEEPING if isinstance(value.get(TAG), str) else {}
    return {names.get(key, key): with_bookkeeping(item) for key, item in value.items()}


def without_tag(members: Members, *empty: JSON) -> Members:
    """Return the *members* without the tag and without values that equal one of *empty*."""
    shown = shown_keys(members) - {TAG}
    return {key: value for key, value in members.items() if key in shown and value not in empty}


def in_brackets(members: Members, hidden: Collection[str]) -> str:
    """Return ``(sem 0.02, source a.csv)``: the members that are neither null nor *hidden*; empty if there are none."""
    shown = [key for key in sorted(shown_keys(members) - set(hidden)) if members[key] is not None]
    return f"({short(', '.join(f'{read_name(key)} {read_in_full(members[key])}' for key in shown))})" if shown else ""


def by(key: str) -> Callable[[JSON], str | None]:
    """Return a function that returns an item's member *key* as it reads, if it is a text."""

    def read(item: JSON) -> str | None:
        name = text_of(item, key)
        return None if name is None else read_name(name)

    return read
