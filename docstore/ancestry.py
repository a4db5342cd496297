"""What two documents have in common: the newest version of any document whose changes both have taken in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.history import Parent
from docstore.kinds import kind_named
from docstore.reader import State, parents_of, read_version, version_numbered
from docstore.rows import HeadRow


@dataclass(frozen=True, slots=True)
class Common:
    """A version that both documents stand on.

    Attributes:
        id: of the document that it was saved in.
        state: the document as it was then, as one that has it in its history gives it.
    """

    id: str
    version: int
    state: State


@dataclass(frozen=True, slots=True)
class _Held:
    """A version, and the document in whose history it is read."""

    id: str
    version: int
    created_at: datetime
    head: HeadRow


class Ancestry:
    """Which versions of which documents are in a version, by the branches and merges in their histories."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._parents: dict[str, dict[int, Parent]] = {}
        self._heads: dict[str, HeadRow | None] = {}

    def common(self, a: HeadRow, b: HeadRow) -> Common | None:
        """Return the newest version that both *a* and *b* stand on, of those that are kept; None where there is none.

        Cost:
            The rows of branches and merges of both, and one state.
        """
        of_a, of_b = self._seen(a.id, a.version), self._seen(b.id, b.version)
        shared = {id: min(of_a[id], of_b[id]) for id in of_a.keys() & of_b.keys()}
        held = [found for id, version in shared.items() if (found := self._held(id, version, (a, b)))]
        newest = [
            each
            for each in held
            if not any(
                self._seen(other.id, other.version).get(each.id, 0) >= each.version for other in held if other != each
            )
        ]
        # Of two documents that were merged crosswise, several may be left; any will do, and the last has most.
        best = max(newest, key=lambda each: each.created_at, default=None)
        if best is None:
            return None
        state = read_version(self._connection, best.head, kind_named(best.head.kind), best.version)
        return Common(best.id, best.version, state)

    def has(self, head: HeadRow, id: str, version: int) -> bool:
        """Return whether the document at *head* has taken in *version* of the document with this id."""
        return self._seen(head.id, head.version).get(id, 0) >= version

    def parents(self, id: str) -> Mapping[int, Parent]:
        """Return the parents of a document's versions, by number; none of a document that was purged."""
        if id not in self._parents:
            head = self._head(id)
            self._parents[id] = parents_of(self._connection, head) if head else {}
        return self._parents[id]

    def _head(self, id: str) -> HeadRow | None:
        if id not in self._heads:
            self._heads[id] = rows.head_of(self._connection, id)
        return self._heads[id]

    def _seen(self, id: str, version: int) -> dict[str, int]:
        """Return the newest version of each document that is in *version* of this one."""
        seen: dict[str, int] = {}
        pending = [(id, version)]
        while pending:
            id, version = pending.pop()
            if seen.get(id, 0) >= version:
                continue
            seen[id] = version
            pending += [(each.id, each.version) for number, each in self.parents(id).items() if number <= version]
        return seen

    def _held(self, id: str, version: int, both: tuple[HeadRow, HeadRow]) -> _Held | None:
        """Return where the state of a version can be read: in its own document, or in a branch that shares it."""
        sharing = [head for head in both if self._shares(head, id, version)]
        for head in (*filter(None, [self._head(id)]), *sharing):
            if version <= head.version:
                told = version_numbered(self._connection, head, version)
                if told.is_kept:
                    return _Held(id, version, told.created_at, head)
        return None

    def _shares(self, head: HeadRow, id: str, version: int) -> bool:
        """Return whether *version* of the document with this id is one of the past that a branch shares."""
        forks = [(number, each) for number, each in self.parents(head.id).items() if each.how == "branch"]
        before = 0
        for number, parent in sorted(forks, key=lambda fork: fork[0]):
            if parent.id == id and before <= version < number:
                return True
            before = number
        return False
