"""Progress, which long calls report meanwhile, and the bar on stderr that draws it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from docstore.documents.diff.format import on_one_line
from docstore.errors import InvalidValueError, MissingDependencyError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long call is.

    Units:
        done, total: versions of all documents together (``verify``, ``copy_to``, ``compact``, a report), or documents
            (``save_many``, ``upgrade``), or artifacts (``verify`` after the versions, ``collect``); of imports and
            exports to other libraries, experiments, trials or runs

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
