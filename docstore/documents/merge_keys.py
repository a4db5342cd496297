"""Merge keys: the lists whose items are identified by members of theirs, not by index, wherever the lists stand.

A kind declares its keyed lists (``Keyed``); they are compiled once into a tree of lookups (``MergeKeys``), which is
handed down level by level. The last section reads and writes what a user declares by ``keyed=``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from docstore.documents.canonical import JSON, dumps, is_plain, join_pointer, split_pointer
from docstore.errors import DecodeError, RegistryError, short_repr

ANY: Final = "*"
"""The token of a pattern that matches every key and every index."""

Key: TypeAlias = "tuple[tuple[int, int | float, str], ...]"
"""The merge key of an item. Keys are equal where their canonical texts are, so that 1, 1.0 and True differ.

They sort: null, false, true, numbers by value, texts, then everything else by its canonical text.
"""

KeyedBy: TypeAlias = Mapping[str, str | Sequence[str]]
"""By the pattern of a list, ``/steps/*/readings``, the members that make the key of its items."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A list whose items are identified by the values of some of their members.

    Attributes:
        pattern: the tokens of the list's pointer; ``*`` matches any.
        members: the names of the members that make the key. A member that an item lacks counts as null.
        names: the tokens that lead from an item to names that must be unique in the list: of generator runs, the names
            of arms.
    """

    pattern: tuple[str, ...]
    members: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def pointer(self) -> str:
        """The pattern as one text: ``/steps/*/readings``."""
        return join_pointer(self.pattern)

    def places(self, items: Sequence[JSON]) -> dict[Key, int] | None:
        """Return the index of each item by its key, in order; None if two items have one key, or one has no key."""
        found: dict[Key, int] = {}
        for index, item in enumerate(items):
            key = self.key_of(item)
            if key is None or key in found:
                return None
            found[key] = index
        return found

    def key_of(self, item: object) -> Key | None:
        """Return the key of *item*, or None if it is not an object that has at least one of the members."""
        if not isinstance(item, dict) or not any(member in item for member in self.members):
            return None
        return tuple(_sortable(item.get(member)) for member in self.members)

    def named_in(self, items: Sequence[JSON]) -> dict[str, set[bytes]]:
        """Return the canonical texts of the named things in *items*, by name; several under one name are a conflict."""
        found: dict[str, set[bytes]] = {}
        for thing in _objects_at(list(items), (ANY, *self.names[:-1])) if self.names else ():
            name = thing.get(self.names[-1])
            if isinstance(name, str):
                found.setdefault(name, set()).add(dumps(thing))
        return found


def _sortable(value: JSON) -> tuple[int, int | float, str]:
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool):
        return 1, value, ""
    if isinstance(value, (int, float)):
        return 2, value, dumps(value).decode()
    return (3, 0, value) if isinstance(value, str) else (4, 0, dumps(value).decode())


def _objects_at(value: JSON, tokens: tuple[str, ...]) -> Iterator[dict[str, JSON]]:
    if not tokens:
        if isinstance(value, dict):
            yield value
    elif isinstance(value, list) and tokens[0] == ANY:
        for item in value:
            yield from _objects_at(item, tokens[1:])
    elif isinstance(value, dict) and tokens[0] in value:
        yield from _objects_at(value[tokens[0]], tokens[1:])


class MergeKeys:
    """The keyed lists at one place of a document and below it.

    Attributes:
        here: the keyed list at this very place, or None.
    """

    __slots__ = ("_any", "_under", "here")

    def __init__(self, lists: Sequence[Keyed], *, depth: int = 0) -> None:
        """Compile *lists*, whose patterns have matched up to *depth* tokens; of equal patterns, the first counts."""
        self.here: Keyed | None = next((each for each in lists if len(each.pattern) == depth), None)
        below = [each for each in lists if len(each.pattern) > depth]

        def under(*tokens: str) -> MergeKeys:
            return MergeKeys([each for each in below if each.pattern[depth] in tokens], depth=depth + 1)

        tokens = {each.pattern[depth] for each in below}
        self._any: MergeKeys = under(ANY) if ANY in tokens else NO_KEYS if lists else self
        self._under = {token: under(token, ANY) for token in tokens - {ANY}}

    def at(self, token: str) -> MergeKeys:
        """Return the keyed lists under the member *token*, or ``ANY`` for an item of a list."""
        return self._under.get(token, self._any)


NO_KEYS: Final = MergeKeys(())


# --- declarations: keyed= of a class, and "keyed" in a stored document ------------------------------------------------

_PATTERN: Final = re.compile(r"(/(\*|([^/~*]|~[01])+))+")
_FORM: Final = "Write it as in keyed={'/steps/*/readings': ('time',)}."


def keyed_declared(declared: KeyedBy) -> tuple[Keyed, ...]:
    """Return the keyed lists that a user declares for a kind, in the order of their patterns.

    Raises:
        RegistryError: a pattern or a member is malformed; shows it.
    """
    if not isinstance(declared, Mapping):
        raise RegistryError(f"keyed={short_repr(declared)} is not a dict by pattern. {_FORM}")
    made = []
    for pattern, members in declared.items():
        problem = _problem_of(pattern, members)
        if problem is not None:
            raise RegistryError(f"keyed: {problem}. {_FORM}")
        made.append(Keyed(tuple(split_pointer(pattern)), (members,) if isinstance(members, str) else tuple(members)))
    return tuple(sorted(made, key=lambda each: each.pattern))


def keyed_from_json(stored: JSON, *, at: str) -> KeyedBy:
    """Return the declaration that a document contains at the pointer *at*.

    Raises:
        DecodeError: it is malformed; names the pattern.
    """
    if not isinstance(stored, dict):
        raise DecodeError("should be an object: by the pattern of a list, the members that make its keys", pointer=at)
    for pattern, members in stored.items():
        problem = _problem_of(pattern, members) if isinstance(members, list) else f"{short_repr(members)} is not a list"
        if problem is not None:
            raise DecodeError(problem, pointer=at + join_pointer((pattern,)))
    return stored  # type: ignore[return-value]  # checked above


def keyed_to_json(keyed: Sequence[Keyed]) -> dict[str, JSON]:
    """Return the declaration of the lists *keyed*, as a document contains it."""
    return {each.pointer: list(each.members) for each in keyed}


def _problem_of(pattern: object, members: object) -> str | None:
    """Return what is wrong with a pattern or with the members of its key, or None."""
    if not (isinstance(pattern, str) and is_plain(pattern) and _PATTERN.fullmatch(pattern)):
        return f"{short_repr(pattern)} is not a pattern of a list's pointer"
    if pattern.startswith(f"/{ANY}"):
        return f"{short_repr(pattern)} should begin with a field of the document"
    each = [members] if isinstance(members, str) else members
    if not isinstance(each, (list, tuple)) or not each:
        return f"{short_repr(members)} names no members of the items of {pattern!r}"
    for member in each:
        if type(member) is not str or not member or not is_plain(member):
            return f"{short_repr(member)} is not a name of a member of the items of {pattern!r}"
    twice = next((member for member in each if each.count(member) > 1), None)
    return None if twice is None else f"the key of the items of {pattern!r} has {twice!r} twice"
