"""The difference of two states of a document: as a JSON Patch for programs, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from docstore.describing import describe
from docstore.digests import piece
from docstore.kinds import HEAD, Kind, in_order, join
from docstore.patch import Change, checked_diff, forward
from docstore.revision import laid_out_alike, revise
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
    if not laid_out_alike(kind, old[HEAD], new[HEAD]):
        # Other pieces are parts: the two are compared as wholes.
        was, now = join(old), join(new)
        anew = checked_diff(was, now)
        return Diff(anew, tuple(forward(now, anew)), tuple(describe(was, now)))
    kind = kind.of(new[HEAD])
    before = {path: old[path] for path in unequal if path in old}
    after = {path: new[path] for path in unequal if path in new}
    changes = revise(kind, before, {path: piece(path, body) for path, body in after.items()}).changes
    steps = forward(join({HEAD: new[HEAD], **after}, sparse=kind.lists(new[HEAD])), changes)
    words = [
        line
        for path in sorted(unequal, key=in_order)
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
