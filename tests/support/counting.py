"""What a call costs, counted and not timed: the functions that it calls, the statements that it sends."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from docstore.documents import digests


def calls_of(function: Any, *arguments: Any, of: Collection[str] = ("call", "c_call")) -> int:
    """Return how many functions *function* calls, at any depth; with ``of=["call"]``, only those that are in Python."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in of

    sys.setprofile(note)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return count


BEGINNINGS = ("BEGIN", "START TRANSACTION", "SET TRANSACTION", "SELECT set_config('lock_timeout'")
"""How the statements begin by which a transaction does; they are not counted."""


def statements_of(engine: sa.Engine, function: Any, *arguments: Any, **options: Any) -> list[str]:
    """Return the statements that *function* sends by *engine*, but for those that begin a transaction."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(BEGINNINGS):
            sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        function(*arguments, **options)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return sent


def rows_of(engine: sa.Engine, beginning: str, function: Any) -> list[Any]:
    """Return the rows that *function* reads from *engine* by statements that begin so, as they are without quotes."""
    found: list[Any] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.replace("`", "").lstrip().startswith(beginning):
            cursor.execute(statement, parameters)
            found.extend(cursor.fetchall())

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        function()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return found


def steps_of(engine: sa.Engine, ask: Any) -> int:
    """Return how many instructions SQLite needs for what *ask* asks by *engine*."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def watch(connection: Any, *ignored: Any) -> None:
        connection.set_progress_handler(count, 1)

    sa.event.listen(engine, "checkout", watch)
    try:
        ask()
    finally:
        sa.event.remove(engine, "checkout", watch)
    return steps


def encoded_by(function: Any) -> list[str]:
    """Return the paths of the pieces that *function* encodes, in order."""
    paths: list[str] = []

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is digests.piece.__code__:
            paths.append(frame.f_locals["path"])

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return sorted(paths)
