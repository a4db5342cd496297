"""``docstore sql``: questions in SQL, which can change nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, takewhile
from typing import Any, Final

import click

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings

_REMEDY: Final = "A question is one statement, and read-only; `docstore schema` lists tables and columns."


@command("sql")
@click.argument("query")
@options.output()
def sql(settings: Settings, output: Output, *, query: str) -> None:
    """Ask the database in SQL; nothing can be changed.

    QUERY is one statement; with -, it is read from the standard input. The views experiments, trials, generator_runs
    and observations have names and numbers; they are of all projects.

    Examples:
        docstore sql "SELECT name, best_value FROM experiments ORDER BY best_value"
        docstore sql "SELECT metric_name, avg(mean) FROM observations GROUP BY metric_name" -o csv
        docstore sql - < question.sql
    """
    from docstore.sql.dialects import backend_of

    text = sys.stdin.read() if query == "-" else query
    if not text.strip():
        raise click.UsageError("the question is empty. Write one statement of SQL.")
    with settings.open() as store, store.engine.connect() as connection, _translated():
        with _ended_by_ctrl_c():
            result = backend_of(connection).ask(connection, text)
            first = result.fetchone() if result.returns_rows else None
        if result.returns_rows:
            columns = _distinct(result.keys())
            rows = chain([] if first is None else [first], result)
            output.rows((dict(zip(columns, row, strict=True)) for row in rows), columns, none="No rows.")
        connection.rollback()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what the database says as the error of a command.

    Raises:
        click.ClickException: the database refuses the statement.
    """
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        said = str(error.orig.args[-1] if error.orig and error.orig.args else error)
        # After these lines PostgreSQL says how it was asked.
        lines = takewhile(lambda line: not line.startswith(("QUERY:", "CONTEXT:")), said.strip().splitlines())
        raise click.ClickException(f"the database refuses it: {' '.join(lines).rstrip(' .')}. {_REMEDY}") from error


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process at once: Python would wait for the driver's answer first, and nothing is written."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _distinct(names: Any) -> list[str]:
    """Return *names*, those that were there before with a number: ``name``, ``name_2``."""
    seen: dict[str, int] = {}
    for name in names:
        column, number = str(name), 1
        while column in seen:
            number += 1
            column = f"{name}_{number}"
        seen[column] = number
    return list(seen)
