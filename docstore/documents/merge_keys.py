"""Lists whose items are known by a key, wherever they stand: which those are, and what the key of an item is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from docstore.documents.canonical import JSON, dumps, is_plain, join_pointer, split_pointer
from docstore.errors import DecodeError, RegistryError, short_repr

ANY: Final = "*"
"""The token of a pattern that stands for any."""

Key: TypeAlias = "tuple[tuple[int, int | float, str], ...]"
"""What an item is known by. Keys are equal where their canonical texts are, so that 1, 1.0 and True differ.

They sort: null, false, true, numbers by value, texts, and at last what is none of these, by its canonical text.
"""

KeyedBy: TypeAlias = Mapping[str, str | Sequence[str]]
"""By the pattern of a list, ``/steps/*/readings``, the members that make the key of its items."""

_PATTERN: Final = re.compile(r"(/(\*|([^/~*]|~[01])+))+")
_FORM: Final = "Write it as in keyed={'/steps/*/readings': ('time',)}."


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list in which an item is known by the values of some of its members, and not by its index.

    Attributes:
        pattern: the tokens of the list's pointer; ``*`` stands for any.
        members: the names of the members that make the key. A member that an item lacks counts as null.
        names: the tokens that lead from an item to the names of things in it, which the list has once under each name:
            of generator runs, the names of arms.
    """

    pattern: tuple[str, ...]
    members: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def pointer(self) -> str:
        """The pattern as it is written."""
        return join_pointer(self.pattern)

    def places(self, items: Sequence[JSON]) -> dict[Key, int] | None:
        """Return the index of each item by its key, in their order; or None where two have one key, or one has none."""
        found: dict[Key, int] = {}
        for index, item in enumerate(items):
            key = self.key_of(item)
            if key is None or key in found:
                return None
            found[key] = index
        return found

    def key_of(self, item: object) -> Key | None:
        """Return the key of *item*, or None if it is no object that has one of the members."""
        if not isinstance(item, dict) or not any(member in item for member in self.members):
            return None
        return tuple(_sorting(item.get(member)) for member in self.members)

    def named_in(self, items: Sequence[JSON]) -> dict[str, set[bytes]]:
        """Return the canonical texts of the things that *items* name, by name: one for each name, as it should be."""
        found: dict[str, set[bytes]] = {}
        for thing in _things(list(items), (ANY, *self.names[:-1])) if self.names else ():
            name = thing.get(self.names[-1])
            if isinstance(name, str):
                found.setdefault(name, set()).add(dumps(thing))
        return found


def below(keyed: Sequence[Keyed], token: str) -> tuple[Keyed, ...]:
    """Return those of *keyed* that match under *token*, each with the rest of its pattern."""
    if not keyed:
        return ()
    matching = (each for each in keyed if each.pattern and each.pattern[0] in (token, ANY))
    return tuple(Keyed(each.pattern[1:], each.members, each.names) for each in matching)


def _sorting(value: JSON) -> tuple[int, int | float, str]:
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool):
        return 1, value, ""
    if isinstance(value, (int, float)):
        return 2, value, dumps(value).decode()
    return (3, 0, value) if isinstance(value, str) else (4, 0, dumps(value).decode())


def _things(value: JSON, tokens: tuple[str, ...]) -> Iterator[dict[str, JSON]]:
    if not tokens:
        if isinstance(value, dict):
            yield value
    elif isinstance(value, list) and tokens[0] == ANY:
        for item in value:
            yield from _things(item, tokens[1:])
    elif isinstance(value, dict) and tokens[0] in value:
        yield from _things(value[tokens[0]], tokens[1:])


# --- how a user says it ----------------------------------------------------------------------------------------------


def keyed_declared(declared: KeyedBy) -> tuple[Keyed, ...]:
    """Return the keyed lists of a user's kind, in the order of their patterns.

    Raises:
        RegistryError: a pattern or a member makes no sense; shows it.
    """
    if not isinstance(declared, Mapping):
        raise RegistryError(f"keyed={short_repr(declared)} is no dict by pattern. {_FORM}")
    made = []
    for pattern, members in declared.items():
        problem = _problem_of(pattern, members)
        if problem is not None:
            raise RegistryError(f"keyed: {problem}. {_FORM}")
        made.append(Keyed(tuple(split_pointer(pattern)), (members,) if isinstance(members, str) else tuple(members)))
    return tuple(sorted(made, key=lambda each: each.pattern))


def keyed_said(said: JSON, *, at: str) -> KeyedBy:
    """Return what a document says of its keyed lists, *said*, as it was declared; *at* is the pointer of it.

    Raises:
        DecodeError: it makes no sense; names the pattern.
    """
    if not isinstance(said, dict):
        raise DecodeError("should say by which members the items of lists are known", pointer=at)
    for pattern, members in said.items():
        problem = _problem_of(pattern, members) if isinstance(members, list) else f"{short_repr(members)} is no list"
        if problem is not None:
            raise DecodeError(problem, pointer=at + join_pointer((pattern,)))
    return said  # type: ignore[return-value]  # looked at above


def as_said(keyed: Sequence[Keyed]) -> dict[str, JSON]:
    """Return what a document says of the lists *keyed*."""
    return {each.pointer: list(each.members) for each in keyed}


def _problem_of(pattern: object, members: object) -> str | None:
    """Return what is wrong with a pattern and the members of its items' key, or None."""
    if not (isinstance(pattern, str) and is_plain(pattern) and _PATTERN.fullmatch(pattern)):
        return f"{short_repr(pattern)} is no pattern of a list's pointer"
    if pattern.startswith(f"/{ANY}"):
        return f"{short_repr(pattern)} should begin with a field of the document"
    each = [members] if isinstance(members, str) else members
    if not isinstance(each, (list, tuple)) or not each:
        return f"{short_repr(members)} names no members of the items of {pattern!r}"
    for member in each:
        if type(member) is not str or not member or not is_plain(member):
            return f"{short_repr(member)} is no name of a member of the items of {pattern!r}"
    twice = next((member for member in each if each.count(member) > 1), None)
    return None if twice is None else f"{twice!r} stands twice in the key of the items of {pattern!r}"
