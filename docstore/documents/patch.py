"""What changed between two JSON values: as changes that lead back, and as a standard patch that leads forward.

Equal means equal in canonical text, everywhere here: 1, 1.0 and True differ, and so do 0.0 and -0.0. Nothing that is
given is ever changed. Results share the containers that they did not touch with what they were made from: copy one
before you change it.
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

from docstore.documents.canonical import ABSENT, JSON, Absent, MaybeJSON, dumps, join_pointer, same_json, split_pointer
from docstore.errors import PatchError, short_repr

# Possessive, here: of what could be matched in another way, Python would remember each place, a hundred bytes and more.
_POINTER: Final = re.compile(r"(?:/[^/~]*+(?:~[01][^/~]*+)*+)*+")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_OPS: Final = ("add", "remove", "replace")

_MODEST: Final = 2**14
"""The most pairs of list items that are aligned one by one: 128 by 128."""

_FEW: Final = 16
"""Changes in a list that stay apart even where its old value would take less room."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step between two versions, kept so that it can be undone: *op* was done at *path*, where *old* stood before.

    Shapes:
        path: an RFC 6901 pointer
        old: what stood there; ``ABSENT`` for an ``add`` and only there, so that a null cannot be restored by oversight

    Raises:
        PatchError: *op* is none of ours, *path* is no pointer, or *old* is missing or superfluous.

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

    def to_json(self) -> dict[str, JSON]:
        """Return ``{"op", "path"}``, and ``"old"`` where there is one."""
        record: dict[str, JSON] = {"op": self.op, "path": self.path}
        return record if self.old is ABSENT else {**record, "old": self.old}

    @classmethod
    def from_json(cls, record: JSON) -> Change:
        """Return the change that *record* spells.

        Raises:
            PatchError: it spells none; it may have been read from a database that something else wrote to.
        """
        if not isinstance(record, dict) or not {"op", "path"} <= record.keys() <= {"op", "path", "old"}:
            raise PatchError(f"a change has op, path and perhaps old; this is {short_repr(record)}", pointer="")
        return cls(cast(Any, record["op"]), cast(Any, record["path"]), record.get("old", ABSENT))


def diff(old: JSON, new: JSON, *, at: str = "") -> tuple[Change, ...]:
    """Return the changes that, taken in order, lead from *old* to *new*; ``undo`` takes them backwards.

    Shapes:
        at: the pointer of both in their document; it is put before each path

    Cost:
        Equal members are passed over at the speed of ``==`` and one writing; levels above a change are compared once
        for each level. Lists: n log n in their length, for the items between the first and the last that differ.
    """
    return () if same_json(old, new) else tuple(_steps(at, old, new))


def checked_diff(old: JSON, new: JSON, *, at: str = "") -> tuple[Change, ...]:
    """Return the changes of ``diff``, once they have been undone and gave the bytes of *old*.

    If they had not, one ``replace`` of the whole value stands in for them.

    Raises:
        PatchError: not even that restores *old*.

    Cost:
        That of ``diff``, of undoing it, and of writing *old* twice.
    """
    wanted = dumps(old)
    for changes in (diff(old, new), (Change("replace", "", old),)):
        if _restores(new, changes, wanted):
            return tuple(Change(change.op, at + change.path, change.old) for change in changes)
    raise PatchError("no change leads back to the old value; it is not stored", pointer=at)


def undo(new: JSON, changes: Sequence[Change]) -> JSON:
    """Return the older document: *changes* are taken back in reverse order.

    Raises:
        PatchError: a change does not fit *new*; has its pointer.

    Cost:
        A shallow copy of each container on the way to a change; the rest is shared with *new* and *changes*.
    """
    return undo_all(new, [changes])


def undo_all(new: JSON, newest_first: Iterable[Sequence[Change]]) -> JSON:
    """Return the document as it stood before all these changes; ``undo`` for each, but a container is copied once.

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

    Each operation carries the value that stood there when its turn came, which later ones may have changed again: so
    it is read off on the way back.

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
    """Return what a JSON Patch of ``add``, ``remove`` and ``replace`` makes of *old*.

    Raises:
        PatchError: an operation is malformed, is another one, or does not fit.

    Source:
        RFC 6902: an ``add`` where a member stands replaces it, and ``-`` is the end of a list.
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


# ---------------------------------------------------------------------------------------------------------- comparing


def _steps(path: str, old: MaybeJSON, new: MaybeJSON) -> list[Change]:
    """Return the changes between two values that are not alike."""
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
    """Return first what makes the list as long as the new one, then what changes inside items, by their new indices."""
    moves: list[Change] = []
    inside: list[Change] = []
    for i, j, k, m in _unlike(old, new):
        paired = min(j - i, m - k)
        for index, was, now in zip(range(k, k + paired), old[i:j], new[k:m], strict=False):
            if not same_json(was, now):
                inside += _steps(f"{path}/{index}", was, now)
        moves += (Change("remove", f"{path}/{k + paired}", gone) for gone in old[i + paired : j])
        moves += (Change("add", f"{path}/{index}") for index in range(k + paired, m))
    steps = moves + inside
    whole = [Change("replace", path, old)]
    return whole if len(steps) > _FEW and _room(steps) > _room(whole) else steps


def _room(changes: Sequence[Change]) -> int:
    return len(dumps([change.to_json() for change in changes]))


def _unlike(old: list[JSON], new: list[JSON]) -> Iterator[tuple[int, int, int, int]]:
    """Yield where the lists differ: ``old[i:j]`` became ``new[k:m]``. Between these, items are equal one by one."""
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
        n log n. Aligning item by item takes n squared or more, so it is left to short lists, which need no landmarks.

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


# ------------------------------------------------------------------------------------------------------------ walking


class _Draft:
    """A document under change: a container is copied when a change first leads through it, and never again."""

    def __init__(self, value: JSON) -> None:
        self._top: dict[str, JSON] = {"": value}
        # By id, and kept alive here: the id of a container that has gone could be given to another.
        self._copies: dict[int, JSON] = {id(self._top): self._top}

    @property
    def value(self) -> JSON:
        return self._top[""]

    def add(self, path: str, value: JSON, *, over: bool = False) -> None:
        """Put *value* where nothing stands, or, in a list, before what stands there; *over*: as RFC 6902 has it."""
        holder, token = self._reach(path)
        if isinstance(holder, list):
            end = len(holder)
            holder.insert(end if over and token == "-" else _index(token, end + 1, path), value)
        elif token in holder and not over:
            raise PatchError("something stands here already", pointer=path)
        else:
            holder[token] = value

    def remove(self, path: str) -> JSON:
        """Take away what stands at *path*, and return it."""
        if not path:
            raise PatchError("a whole document can be replaced, and neither added nor removed", pointer=path)
        holder, token = self._reach(path)
        gone: JSON = holder.pop(_key(holder, token, path))
        return gone

    def replace(self, path: str, value: JSON) -> JSON:
        """Put *value* in place of what stands at *path*, and return that."""
        holder, token = self._reach(path)
        key = _key(holder, token, path)
        gone: JSON = holder[key]
        holder[key] = value
        return gone

    def _reach(self, path: str) -> tuple[Any, str]:
        """Return the container that *path* ends in, ours to change, and its last token; the root is in one too."""
        holder: Any = self._top
        last = ""
        for token in split_pointer(path):
            key = _key(holder, last, path)
            held = self._own(holder[key], path)
            holder[key] = held
            holder, last = held, token
        return holder, last

    def _own(self, container: JSON, path: str) -> JSON:
        if id(container) in self._copies:
            return container
        if not isinstance(container, (dict, list)):
            raise PatchError(f"the way leads through {short_repr(container)}", pointer=path)
        copied = container.copy()
        self._copies[id(copied)] = copied
        return copied


def _key(holder: dict[str, JSON] | list[JSON], token: str, path: str) -> str | int:
    """Return *token* as *holder* takes it: a list's is a number."""
    if isinstance(holder, list):
        return _index(token, len(holder), path)
    if token not in holder:
        raise PatchError(f"there is no {short_repr(token)}", pointer=path)
    return token


def _index(token: str, limit: int, path: str) -> int:
    if not _INDEX.fullmatch(token) or int(token) >= limit:
        raise PatchError(f"{short_repr(token)} is no index here, where they are below {limit}", pointer=path)
    return int(token)


def _step_back(draft: _Draft, change: Change) -> MaybeJSON:
    """Undo one change, and return what it had put there."""
    if change.op == "add":
        return draft.remove(change.path)
    old = cast(JSON, change.old)
    if change.op == "replace":
        return draft.replace(change.path, old)
    draft.add(change.path, old)
    return ABSENT


def _restores(new: JSON, changes: Sequence[Change], wanted: bytes) -> bool:
    try:
        return dumps(undo(new, changes)) == wanted
    except PatchError:
        return False
