"""The difference of two states of a document: as a JSON Patch for programs, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from docstore.digests import piece
from docstore.kinds import HEAD, Kind, join, position_of
from docstore.merge import describe
from docstore.patch import Change, forward
from docstore.revision import revise
from docstore.values import ABSENT, JSON, Absent


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from one state of a document to another.

    Attributes:
        changes: as stored: they lead from the newer state back to the older, each with the old value.
        patch: as RFC 6902 JSON Patch: they lead from the older state to the newer.
        words: one line for each place.
    """

    changes: tuple[Change, ...]
    patch: tuple[dict[str, JSON], ...]
    words: tuple[str, ...]

    def describe(self) -> str:
        """Return the difference in words, a line for each place."""
        return "\n".join(self.words) or "no difference"

    __str__ = describe


def difference(kind: Kind, old: Mapping[str, JSON], new: Mapping[str, JSON], unequal: set[str]) -> Diff:
    """Return the difference of two states; *unequal* are the paths of the pieces that are not the same in both.

    Cost:
        In proportion to the unequal pieces; a DeepDiff of each, for the words.
    """
    before = {path: old[path] for path in unequal if path in old}
    after = {path: new[path] for path in unequal if path in new}
    changes = revise(kind, before, {path: piece(path, body) for path, body in after.items()}).changes
    steps = forward(join({HEAD: new[HEAD], **after}), changes)
    words = [
        line
        for path in sorted(unequal, key=_rank)
        for line in _words(kind, path, before.get(path, ABSENT), after.get(path, ABSENT))
    ]
    return Diff(changes, tuple(steps), tuple(words))


def _words(kind: Kind, path: str, before: JSON | Absent, after: JSON | Absent) -> list[str]:
    rule = kind.rule(path) if path != HEAD else None
    label = f"{rule.name} {path.rpartition('/')[2]}: " if rule else ""
    if not isinstance(before, Absent) and not isinstance(after, Absent):
        return [label + line.removeprefix("/") for line in describe(before, after)]
    there = after if isinstance(before, Absent) else before
    status = rule.status.name_in(there) if rule and rule.status and not isinstance(there, Absent) else None
    return [f"{label}{'added' if there is after else 'removed'}{f', {status}' if status else ''}"]


def _rank(path: str) -> tuple[str, int, str]:
    position = position_of(path)
    return path.rpartition("/")[0], -1 if position is None else position, path
