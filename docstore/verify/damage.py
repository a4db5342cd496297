"""Damage, what ``verify`` returns, with the key of the row; and Subject, the document under test, which makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docstore.documents.kinds import HEAD


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class RowKey(Mapping[str, str | int]):
    """The columns that identify a row, or all rows of one document, with their values; equal to a dict of the same."""

    columns: tuple[tuple[str, str | int], ...] = ()

    def __getitem__(self, column: str) -> str | int:
        return dict(self.columns)[column]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.columns))

    def __len__(self) -> int:
        return len(self.columns)

    def __hash__(self) -> int:
        return hash(frozenset(self.columns))

    def __repr__(self) -> str:
        return repr(dict(self.columns))


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is not as it was saved.

    Attributes:
        kind, name: of the document; if its head is gone, those of its row in ``names``, or
            ``"unknown"`` and the id.
        table, where: the table, and the row in words: ``version 3``, ``its head``, ``/trials/3``.
        problem: what is wrong with the row.
        key: the columns that identify the row: ``{"id": ..., "path": "/trials/3"}`` in ``documents``,
            ``{"id": ..., "version": 3}`` in ``versions``, and in ``states`` for all rows of a full state, ``{"id":
            ..., "tag": ...}`` in ``tags``, ``{"project": ..., "kind": ..., "name": ...}`` in ``names``, ``{"column":
            ..., "value": ...}`` in ``codes``. The id alone if the row is not known.
        pointer: the place in the document, if known: of the piece, of the change that does not fit, or of the value
            that does not decode; empty for the whole document.
    """

    kind: str
    name: str
    table: str
    where: str
    problem: str
    key: RowKey = RowKey()
    pointer: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}: table {self.table}, {self.where}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Subject:
    """The document that is being verified; makes its damages."""

    kind: str
    name: str
    id: str

    def piece(self, path: str, problem: str, pointer: str | None = None) -> Damage:
        """Return the damage of the head's or a part's row, with the *pointer* of the damaged value if it is known."""
        where = pointer if pointer is not None else path
        return self._damage("documents", path or "its head", problem, {"path": path}, where)

    def version(self, number: int, problem: str, pointer: str = "") -> Damage:
        """Return the damage of a row of history."""
        return self._damage("versions", f"version {number}", problem, {"version": number}, pointer)

    def state(self, number: int, problem: str) -> Damage:
        """Return the damage of the full state of version *number*, with the remedy."""
        remedy = "Nothing is lost: delete its rows, and older versions are rebuilt from a newer state"
        where = f"the full state of version {number}"
        return self._damage("states", where, f"{problem}. {remedy}", {"version": number})

    def tag(self, tag: str, problem: str) -> Damage:
        """Return the damage of a tag."""
        return self._damage("tags", f"tag {tag!r}", problem, {"tag": tag})

    def named(self, project: str, problem: str) -> Damage:
        """Return the damage of the document's row in ``names``."""
        key = RowKey((("project", project), ("kind", self.kind), ("name", self.name)))
        return Damage(self.kind, self.name, "names", "its name", problem, key)

    def rows(self, table: str, problem: str, where: str = "its rows") -> Damage:
        """Return a damage of *table* that concerns no single row."""
        return self._damage(table, where, problem, {})

    def head(self, problem: str) -> Damage:
        """Return the damage of the head's row."""
        return self.piece(HEAD, problem)

    def _damage(self, table: str, where: str, problem: str, key: Mapping[str, str | int], pointer: str = "") -> Damage:
        return Damage(self.kind, self.name, table, where, problem, RowKey((("id", self.id), *key.items())), pointer)
