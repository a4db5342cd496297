"""Patches between two JSON values: diff and undo by changes that lead back, and JSON Patch (RFC 6902) forward.

Equality is that of canonical texts throughout: 1, 1.0 and True differ, and so do 0.0 and -0.0. No argument is changed.
A result shares unchanged containers with the values it was made from: copy one before you change it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, takewhile
from typing import Any, Final, Literal, cast

from docstore.documents.canonical import (
    ABSENT,
    JSON,
    Absent,
    MaybeJSON,
    digest,
    dumps,
    join_pointer,
    same_json,
    split_pointer,
)
from docstore.errors import PatchError, short_repr

# Possessive, as Python would remember each place at which to backtrack, a hundred bytes and more.
_POINTER: Final = re.compile(r"(?:/[^/~]*+(?:~[01][^/~]*+)*+)*+")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_OPS: Final = ("add", "remove", "replace")

_MODEST: Final = 2**14
"""The most pairs of list items that are aligned one by one: 128 by 128."""

_FEW: Final = 16
"""Changes in a list that are kept apart even if its old value would be shorter."""


@dataclass(frozen=True, slots=True)
class Change:
    """One operation between two versions that can be undone: *op* at *path*, where *old* was before.

    Shapes:
        path: an RFC 6901 pointer
        old: the value before; ``ABSENT`` for an ``add`` and only there, so that no null is restored by mistake

    Raises:
        PatchError: *op* is unknown, *path* is not a pointer, or *old* is missing or superfluous.

    Source:
        Operations as in RFC 6902, section 4, each with the old value in place of the new, as RCS keeps its past.
    """

    op: Literal["add", "remove", "replace"]
    path: str
    old: JSON | Absent = ABSENT

    def __post_init__(self) -> None:
        if not isinstance(self.path, str) or not _POINTER.fullmatch(self.path):
            raise PatchError(f"the path {short_repr(self.path)} of a change is not a pointer", pointer="")
        if self.op not in _OPS:
            raise PatchError(f"a change is one of {', '.join(_OPS)}, not {short_repr(self.op)}", pointer=self.path)
        if (self.op == "add") != (self.old is ABSENT):
            raise PatchError(f"{self.op!r} {'has no' if self.op == 'add' else 'needs an'} old value", pointer=self.path)

    def __repr__(self) -> str:
        old = "" if self.old is ABSENT else f", old={short_repr(self.old)}"
        return f"Change({self.op!r}, {self.path!r}{old})"

    def to_json(self) -> dict[str, JSON]:
        """Return ``{"op", "path"}``, and ``"old"`` if there is an old value."""
        record: dict[str, JSON] = {"op": self.op, "path": self.path}
        return record if self.old is ABSENT else {**record, "old": self.old}

    @classmethod
    def from_json(cls, record: JSON) -> Change:
        """Return the change of *record*.

        Raises:
            PatchError: it is malformed, as in a database that something else wrote to.
        """
        try:
            return cls(**cast(Any, record))
        except TypeError:
            text = f"a change has op, path and perhaps old; this is {short_repr(record)}"
            raise PatchError(text, pointer="") from None


def diff(old: JSON, new: JSON) -> tuple[Change, ...]:
    """Return the changes that, in order, lead from *old* to *new*; ``undo`` applies them backwards.

    Cost:
        Equal members are skipped at the speed of ``==`` and one writing; levels above a change are compared once for
        each level. Lists: n log n in the number of items between the first and the last that differ.
    """
    return () if same_json(old, new) else tuple(_steps("", old, new))


def checked_diff(old: JSON, new: JSON, *, at: str = "") -> tuple[Change, ...]:
    """Return the changes of ``diff``, after a check that undoing them gives the bytes of *old*.

    If it does not, one ``replace`` of the whole value is returned instead.

    Shapes:
        at: the pointer of both in their document; it is put before each path

    Raises:
        PatchError: not even that restores *old*.

    Cost:
        That of ``diff``, of undoing it, and of writing *old* twice.
    """
    # A digest, as two texts of a large value at once would take much memory.
    wanted = digest(dumps(old))
    for changes in (diff(old, new), (Change("replace", "", old),)):
        if _restores(new, changes, wanted):
            return tuple(Change(change.op, at + change.path, change.old) for change in changes)
    raise PatchError("no change leads back to the old value, so that nothing is stored", pointer=at)


def undo(new: JSON, changes: Sequence[Change]) -> JSON:
    """Return the older document: *changes* are undone in reverse order.

    Raises:
        PatchError: a change does not fit *new*; has its pointer.

    Cost:
        A shallow copy of each container on the way to a change; the rest is shared with *new* and *changes*.
    """
    return undo_all(new, [changes])


def undo_all(new: JSON, newest_first: Iterable[Sequence[Change]]) -> JSON:
    """Return the document before all these changes: ``undo`` for each, but a container is copied only once.

    Raises:
        PatchError: a change does not fit; has its pointer.

    Cost:
        A shallow copy of each container on the way to any change, then time in proportion to the changes.
    """
    draft = _Draft(new)
    for changes in newest_first:
        for change in reversed(changes):
            _step_back(draft, change)
    return draft.value


def forward(new: JSON, changes: Sequence[Change]) -> list[dict[str, JSON]]:
    """Return the same changes as a JSON Patch that leads from the older document to *new*.

    The value of each operation is what the operation put there, which later ones may have changed again: it is read
    while the changes are undone.

    Raises:
        PatchError: a change does not fit *new*; has its pointer.

    Source:
        RFC 6902.
    """
    draft = _Draft(new)
    patch: list[dict[str, JSON]] = []
    for change in reversed(changes):
        value = _step_back(draft, change)
        step: dict[str, JSON] = {"op": change.op, "path": change.path}
        patch.append(step if value is ABSENT else {**step, "value": value})
    return patch[::-1]


def apply(old: JSON, patch: Sequence[Mapping[str, JSON]]) -> JSON:
    """Return *old* with a JSON Patch of ``add``, ``remove`` and ``replace`` applied.

    Raises:
        PatchError: an operation is malformed, is another one, or does not fit.

    Source:
        RFC 6902: an ``add`` at an existing member replaces it, and ``-`` is the end of a list.
    """
    draft = _Draft(old)
    for step in patch:
        op, path, value = step.get("op"), step.get("path"), step.get("value", ABSENT)
        if not isinstance(path, str) or not _POINTER.fullmatch(path) or op not in _OPS:
            raise PatchError(f"not an operation of a patch: {short_repr(step)}", pointer="")
        if op == "remove":
            draft.remove(path)
        elif value is ABSENT:
            raise PatchError(f"{op!r} needs a value", pointer=path)
        elif op == "replace" or not path:
            draft.replace(path, value)
        else:
            draft.add(path, value, over=True)
    return draft.value


# --- comparing --------------------------------------------------------------------------------------------------------


def _steps(path: str, old: MaybeJSON, new: MaybeJSON) -> list[Change]:
    """Return the changes between two values that differ."""
    if old is ABSENT:
        return [Change("add", path)]
    if new is ABSENT:
        return [Change("remove", path, old)]
    if isinstance(old, dict) and isinstance(new, dict):
        return _member_steps(path, old, new)
    if isinstance(old, list) and isinstance(new, list):
        return _item_steps(path, old, new)
    return [Change("replace", path, old)]


def _member_steps(path: str, old: dict[str, JSON], new: dict[str, JSON]) -> list[Change]:
    sides = {key: (old.get(key, ABSENT), new.get(key, ABSENT)) for key in old.keys() | new.keys()}
    steps: list[Change] = []
    for key in sorted(key for key, pair in sides.items() if not same_json(*pair)):
        steps += _steps(path + join_pointer((key,)), *sides[key])
    return steps


def _item_steps(path: str, old: list[JSON], new: list[JSON]) -> list[Change]:
    """Return the changes that make the list as long as the new one, then those inside items, by their new indices."""
    moves: list[Change] = []
    inside: list[Change] = []
    for i, j, k, m in _regions(old, new):
        paired = min(j - i, m - k)
        for index, was, now in zip(range(k, k + paired), old[i:j], new[k:m], strict=False):
            if not same_json(was, now):
                inside += _steps(f"{path}/{index}", was, now)
        moves += (Change("remove", f"{path}/{k + paired}", gone) for gone in old[i + paired : j])
        moves += (Change("add", f"{path}/{index}") for index in range(k + paired, m))
    steps = moves + inside
    whole = [Change("replace", path, old)]
    return whole if len(steps) > _FEW and _size(steps) > _size(whole) else steps


def _size(changes: Sequence[Change]) -> int:
    return len(dumps([change.to_json() for change in changes]))


def _regions(old: list[JSON], new: list[JSON]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the regions that differ: ``old[i:j]`` became ``new[k:m]``. Between them, items are equal one by one."""
    head = _run(zip(old, new, strict=False))
    tail = _run(islice(zip(reversed(old), reversed(new), strict=False), min(len(old), len(new)) - head))
    a = [dumps(item) for item in old[head : len(old) - tail]]
    b = [dumps(item) for item in new[head : len(new) - tail]]
    i = k = 0
    for j, m in (*_landmarks(a, b), (len(a), len(b))):
        if 0 < (j - i) * (m - k) <= _MODEST:
            matcher = SequenceMatcher(None, a[i:j], b[k:m], autojunk=False)
            for tag, from_i, to_j, from_k, to_m in matcher.get_opcodes():
                if tag != "equal":
                    yield head + i + from_i, head + i + to_j, head + k + from_k, head + k + to_m
        elif j > i or m > k:
            yield head + i, head + j, head + k, head + m
        i, k = j + 1, m + 1


def _run(pairs: Iterable[tuple[JSON, JSON]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: same_json(*pair), pairs))


def _landmarks(a: Sequence[bytes], b: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return pairs of indices of equal items, rising on both sides, that cut a long alignment into short ones.

    Cost:
        n log n. Item by item, alignment takes n squared or more, so short lists alone are aligned without landmarks.

    Source:
        Patience diff (Bram Cohen): items that occur once on each side; the longest rising run by patience sorting.
    """
    if len(a) * len(b) <= _MODEST:
        return []
    in_a, in_b, index = Counter(a), Counter(b), {text: y for y, text in enumerate(b)}
    tops: list[int] = []
    piles: list[Any] = []  # each a chain (x, y, the chain that it continues)
    for x, y in ((x, index[text]) for x, text in enumerate(a) if in_a[text] == in_b[text] == 1):
        pile = bisect_left(tops, y)
        tops[pile : pile + 1] = [y]
        piles[pile : pile + 1] = [(x, y, piles[pile - 1] if pile else None)]
    rising = []
    chain = piles[-1] if piles else None
    while chain:
        x, y, chain = chain
        rising.append((x, y))
    return rising[::-1]


# --- applying ---------------------------------------------------------------------------------------------------------


class _Draft:
    """A document that is being changed: a container is copied when a change first leads through it, and only then."""

    def __init__(self, value: JSON) -> None:
        self._top: dict[str, JSON] = {"": value}
        # By id, and kept alive: Python may give the id of a deleted container to another one.
        self._copies: dict[int, JSON] = {id(self._top): self._top}

    @property
    def value(self) -> JSON:
        return self._top[""]

    def add(self, path: str, value: JSON, *, over: bool = False) -> None:
        """Put *value* under a free key, or into a list before the item at the index; *over*: as in RFC 6902."""
        holder, token = self._reach(path)
        if isinstance(holder, list):
            end = len(holder)
            holder.insert(end if over and token == "-" else _index(token, end + 1, path), value)
        elif token in holder and not over:
            raise PatchError("there is a value here already", pointer=path)
        else:
            holder[token] = value

    def remove(self, path: str) -> JSON:
        """Remove the value at *path*, and return it."""
        if not path:
            raise PatchError("a whole document can be replaced, but not added or removed", pointer=path)
        holder, token = self._reach(path)
        gone: JSON = holder.pop(_key(holder, token, path))
        return gone

    def replace(self, path: str, value: JSON) -> JSON:
        """Replace the value at *path*, and return the old one."""
        holder, token = self._reach(path)
        key = _key(holder, token, path)
        gone: JSON = holder[key]
        holder[key] = value
        return gone

    def _reach(self, path: str) -> tuple[Any, str]:
        """Return the container of the value at *path*, a copy of our own, and the last token; the root has one too."""
        holder: Any = self._top
        last = ""
        for token in split_pointer(path):
            key = _key(holder, last, path)
            held = holder[key]
            if id(held) not in self._copies:
                held = holder[key] = self._copied(held, path)
            holder, last = held, token
        return holder, last

    def _copied(self, container: JSON, path: str) -> JSON:
        if not isinstance(container, (dict, list)):
            raise PatchError(f"the pointer leads through {short_repr(container)}", pointer=path)
        copied = container.copy()
        self._copies[id(copied)] = copied
        return copied


def _key(holder: dict[str, JSON] | list[JSON], token: str, path: str) -> str | int:
    """Return *token* as a key of *holder*: of a list, an index."""
    if isinstance(holder, list):
        return _index(token, len(holder), path)
    if token not in holder:
        raise PatchError(f"there is no {short_repr(token)}", pointer=path)
    return token


def _index(token: str, limit: int, path: str) -> int:
    if not _INDEX.fullmatch(token) or int(token) >= limit:
        raise PatchError(f"{short_repr(token)} is not an index below {limit}", pointer=path)
    return int(token)


def _step_back(draft: _Draft, change: Change) -> MaybeJSON:
    """Undo one change, and return the value that it had put there."""
    if change.op == "add":
        return draft.remove(change.path)
    old = cast(JSON, change.old)
    if change.op == "replace":
        return draft.replace(change.path, old)
    draft.add(change.path, old)
    return ABSENT


def _restores(new: JSON, changes: Sequence[Change], wanted: str) -> bool:
    try:
        return digest(dumps(undo(new, changes))) == wanted
    except PatchError:
        return False
