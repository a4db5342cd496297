"""The ancestry of versions: which versions of other documents are part of one, by branches and merges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from docstore.documents.history import Parent, lineage
from docstore.documents.kinds import kind_named
from docstore.sql import rows
from docstore.sql.reader import State, parents_of, read_version, version_numbered
from docstore.sql.rows import HeadRow


@dataclass(frozen=True, slots=True)
class Held:
    """A version that can be read.

    Attributes:
        id: that of the document that it was saved in.
        head: the head row of the document that it is read from: that one, or a branch that shares its past.
    """

    id: str
    version: int
    created_at: datetime
    head: HeadRow


class Ancestry:
    """The branches and merges in the histories of *heads*, read in one transaction."""

    def __init__(self, connection: Connection, *heads: HeadRow) -> None:
        self.connection = connection
        self._heads: dict[str, HeadRow | None] = {head.id: head for head in heads}
        self._all = heads
        self._parents: dict[str, dict[int, Parent]] = {}

    def parents(self, id: str) -> Mapping[int, Parent]:
        """Return the parents of a document's versions, by number; none if the document was purged."""
        if id not in self._parents:
            head = self._head(id)
            self._parents[id] = parents_of(self.connection, head) if head else {}
        return self._parents[id]

    def saved_in(self, id: str, version: int) -> str:
        """Return the id of the document that a version was saved in; before a branch, that is the parent."""
        return lineage(self.parents(id), id)(version)

    def seen(self, id: str, version: int) -> dict[str, int]:
        """Return the newest version of each document that is in *version* of this one, itself included.

        Cost:
            The rows of branches and merges of each of these documents, read once.
        """
        seen: dict[str, int] = {}
        pending = [(id, version)]
        while pending:
            id, version = pending.pop()
            id = self.saved_in(id, version)
            if seen.get(id, 0) >= version:
                continue
            seen[id] = version
            pending += [(each.id, each.version) for number, each in self.parents(id).items() if number <= version]
        return seen

    def common(self, one: Mapping[str, int], other: Mapping[str, int]) -> list[Held]:
        """Return the newest versions that are in both, oldest first; none is an ancestor of another.

        Two documents that were merged into each other at the same time have two.

        Shapes:
            one, other: what ``seen`` gives
        """
        shared = {id: min(one[id], other[id]) for id in one.keys() & other.keys()}
        held = [found for id, version in shared.items() if (found := self.held(id, version))]
        newest = [each for each in held if not any(self._is_in(each, other) for other in held if other != each)]
        return sorted(newest, key=lambda each: each.created_at)

    def held(self, id: str, version: int) -> Held | None:
        """Return where a version can be read: in its own document, or in a branch that shares it.

        None if the document was purged, or the version was folded.
        """
        sharing = [head for head in self._all if version < head.version and self.saved_in(head.id, version) == id]
        for head in (*filter(None, [self._head(id)]), *sharing):
            if version <= head.version:
                found = version_numbered(self.connection, head, version)
                if found.is_kept:
                    return Held(id, version, found.created_at, head)
        return None

    def state(self, held: Held) -> State:
        """Return the whole state of a version."""
        return read_version(self.connection, held.head, kind_named(held.head.kind), held.version)

    def _is_in(self, one: Held, other: Held) -> bool:
        return self.seen(other.id, other.version).get(one.id, 0) >= one.version

    def _head(self, id: str) -> HeadRow | None:
        if id not in self._heads:
            self._heads[id] = rows.head_of(self.connection, id)
        return self._heads[id]
