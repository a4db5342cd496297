"""How far a verification is: told to a function, or drawn as a bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from docstore.errors import InvalidValueError, MissingDependencyError


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
