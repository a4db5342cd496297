"""Damage, what ``verify`` returns; and Progress, what long calls tell meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from docstore.documents.diff.format import on_one_line
from docstore.documents.kinds import HEAD
from docstore.errors import InvalidValueError, MissingDependencyError


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
            ``{"id": ..., "version": 3}`` in ``versions``, the same with ``"path"`` in ``states``, ``{"id": ...,
            "tag": ...}`` in ``tags``, ``{"project": ..., "kind": ..., "name": ...}`` in ``names``, ``{"column": ...,
            "value": ...}`` in ``codes``. The id alone if the row is not known.
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

    def state(self, number: int, path: str, problem: str) -> Damage:
        """Return the damage of the row of the head or a part in the full state of version *number*."""
        where = f"{path or 'its head'} in the full state of version {number}"
        return self._damage("states", where, problem, {"version": number, "path": path}, path)

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


# --- progress --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long call is.

    Units:
        done, total: versions of all documents together (``verify``, ``copy_to``, ``compact``), or documents
            (``save_many``, ``upgrade``), or artifacts (``verify`` after the versions, ``collect``)

    Attributes:
        total: None if it is not known, as of objects that an iterator gives.
        name: of the document that the call is at; of documents, the last one that is done.
    """

    done: int
    total: int | None
    name: str


Report: TypeAlias = Callable[[Progress], None]


class Tally:
    """Counts the versions that are done, document by document, and reports the sum; what it reports never falls."""

    def __init__(self, total: int, report: Report) -> None:
        self._total, self._report = total, report
        self._name, self._before, self._of_this, self._reported = "", 0, 0, -1

    def begin(self, name: str) -> None:
        """Begin with the document *name*."""
        self._name = name
        self.reach(0)

    def versions(self, more: int) -> None:
        """Count *more* versions of this document as done."""
        self.reach(self._of_this + more)

    def reach(self, versions: int) -> None:
        """Count so many *versions* of this document as done; fewer than before, if a transaction is tried again."""
        self._of_this = versions
        self._update()

    def document(self, versions: int) -> None:
        """Count all *versions* of this document as done, however far its history could be read."""
        self._before, self._of_this = self._before + versions, 0
        self._update()

    def _update(self) -> None:
        done = min(self._before + self._of_this, self._total)
        if self._total and done > self._reported:
            self._reported = done
            self._report(Progress(done, self._total, self._name))


@contextmanager
def reporting(progress: bool | Report, unit: str = "versions") -> Iterator[Report]:
    """Give the function to call with the progress: the given one, or one that draws a bar on stderr.

    Args:
        unit: what is counted, as the bar shows it.

    Raises:
        MissingDependencyError: *progress* is True, and ``rich`` is not installed.
        InvalidValueError: *progress* is neither a bool nor a function.
    """
    if progress is True:
        with _bar(unit) as report:
            yield report
    elif callable(progress):
        yield progress
    elif progress is False:
        yield lambda _: None
    else:
        raise InvalidValueError("progress", progress, "Give True for a bar, or a function that takes a Progress.")


@contextmanager
def _bar(unit: str) -> Iterator[Report]:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError as error:
        raise MissingDependencyError("rich", extra="rich", purpose="progress=True") from error
    rate = TextColumn("{task.fields[rate]}")
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), rate, TimeRemainingColumn())
    # A name is the user's text, not markup.
    bar = Bar(TextColumn("{task.description}", markup=False), *columns, console=Console(file=sys.stderr))
    task = bar.add_task("", total=None, rate="")

    def report(progress: Progress) -> None:
        bar.update(task, completed=progress.done, total=progress.total, description=on_one_line(progress.name))
        bar.update(task, rate=f"{speed:,.1f}/s" if (speed := bar.tasks[0].speed) else "")
        if not bar.live.is_started:  # not before there is any progress
            bar.start()

    try:
        yield report
    finally:
        # Also after Ctrl-C: the cursor is hidden while the bar is drawn.
        if bar.live.is_started:
            bar.stop()
