"""What is told of one thing that is not as it was saved: of which document, in which row, where in it, and what."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from docstore.documents.kinds import HEAD
from docstore.errors import InvalidValueError, MissingDependencyError


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
        kind, name: of the document; of what is left of one, ``"unknown"`` and the id, unless the table of names has
            them.
        table, where: the row, as a person calls it: ``version 3``, ``its head``, ``/trials/3``.
        problem: what is wrong with it.
        key: what finds the row: ``{"id": ..., "path": "/trials/3"}`` in ``documents``, ``{"id": ..., "version": 3}`` in
            ``versions``, ``{"id": ..., "tag": ...}`` in ``tags``, ``{"project": ..., "kind": ..., "name": ...}`` in
            ``names``, ``{"column": ..., "value": ...}`` in ``codes``. The id alone where it is not known which row it
            is.
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

    def named(self, project: str, problem: str) -> Damage:
        """Return the damage of the document's row in ``names``."""
        key = RowKey((("project", project), ("kind", self.kind), ("name", self.name)))
        return Damage(self.kind, self.name, "names", "its name", problem, key)

    def rows(self, table: str, problem: str, where: str = "its rows") -> Damage:
        """Return a damage that is of no single row of *table*."""
        return self._damage(table, where, problem, {})

    def head(self, problem: str) -> Damage:
        """Return the damage of the head's row."""
        return self.piece(HEAD, problem)

    def _damage(self, table: str, where: str, problem: str, key: Mapping[str, str | int], pointer: str = "") -> Damage:
        return Damage(self.kind, self.name, table, where, problem, RowKey((("id", self.id), *key.items())), pointer)


# How far a verification is: told to a function, or drawn as a bar.


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a verification is done.

    Units:
        done, total: versions, of all documents that are verified

    Attributes:
        name: of the document that is being looked at.
    """

    done: int
    total: int
    name: str


Report: TypeAlias = Callable[[Progress], None]


@contextmanager
def reporting(progress: bool | Report) -> Iterator[Report]:
    """Give what is to be told of the progress: the function that was given, or a bar on stderr.

    Raises:
        MissingDependencyError: a bar is wanted, and ``rich`` is not installed.
        InvalidValueError: *progress* is neither.
    """
    if progress is True:
        with _bar() as report:
            yield report
    elif callable(progress):
        yield progress
    elif progress is False:
        yield lambda _: None
    else:
        raise InvalidValueError("progress", progress, "Give True for a bar, or a function that takes a Progress.")


@contextmanager
def _bar() -> Iterator[Report]:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError as error:
        raise MissingDependencyError("rich", extra="rich", purpose="progress=True") from error
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("versions"), TimeRemainingColumn())
    # A name is a text of the user's, and no markup.
    bar = Bar(TextColumn("{task.description}", markup=False), *columns, console=Console(file=sys.stderr))
    task = bar.add_task("", total=None)

    def report(progress: Progress) -> None:
        bar.update(task, completed=progress.done, total=progress.total, description=progress.name)
        if not bar.live.is_started:  # not before there is something to tell
            bar.start()

    try:
        yield report
    finally:
        # Also after Ctrl-C: the cursor is hidden while the bar is drawn.
        if bar.live.is_started:
            bar.stop()
