"""What is told of one thing that is not as it was saved: of which document, in which row, where in it, and what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docstore.documents.kinds import HEAD


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class RowKey(Mapping[str, str | int]):
    """What finds a row, or several of one document: a column's value by its name. It equals a dict of the same."""

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
        kind, name: of the document; of what is left of one, ``"unknown"`` and the id.
        table, where: the row, as a person calls it: ``version 3``, ``its head``, ``/trials/3``.
        problem: what is wrong with it.
        key: what finds the row: ``{"id": ..., "path": "/trials/3"}`` in ``documents``, ``{"id": ..., "version": 3}`` in
            ``versions``, ``{"id": ..., "tag": ...}`` in ``tags``. The id alone where it is not known which row it is.
        pointer: the place in the document where one is known: of the piece, of the change that does not fit, or of the
            value that does not decode; else empty, as it is for all of it.
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
    """The document that is looked at: what every damage of it says."""

    kind: str
    name: str
    id: str

    def piece(self, path: str, problem: str, pointer: str | None = None) -> Damage:
        """Return the damage of the head's or a part's row; *pointer* if that leads into the piece."""
        where = pointer if pointer is not None else path
        return self._damage("documents", path or "its head", problem, {"path": path}, where)

    def version(self, number: int, problem: str, pointer: str = "") -> Damage:
        """Return the damage of a row of history."""
        return self._damage("versions", f"version {number}", problem, {"version": number}, pointer)

    def tag(self, tag: str, problem: str) -> Damage:
        """Return the damage of a tag."""
        return self._damage("tags", f"tag {tag!r}", problem, {"tag": tag})

    def rows(self, table: str, problem: str, where: str = "its rows") -> Damage:
        """Return a damage that is of no single row of *table*."""
        return self._damage(table, where, problem, {})

    def head(self, problem: str) -> Damage:
        """Return the damage of the head's row."""
        return self.piece(HEAD, problem)

    def _damage(self, table: str, where: str, problem: str, key: Mapping[str, str | int], pointer: str = "") -> Damage:
        return Damage(self.kind, self.name, table, where, problem, RowKey((("id", self.id), *key.items())), pointer)
