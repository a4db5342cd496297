"""How results are printed: rows as a table, JSON, JSON Lines, CSV or Markdown; a record; lines; and the pager.

A row is a dict of values; the command says which columns there are, in which order. Rows are printed as they come, so
that the first ones are seen before the last ones are read.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import click

from docstore.cli.text import printable, printable_json

Row: TypeAlias = Mapping[str, object]
"""The values of a row by column: texts, numbers, times, None, and lists and dicts of these."""

FORMATS: Final = ("table", "json", "jsonl", "csv", "md")

_SAMPLE: Final = 500
"""Rows by which the columns of a table are made as wide as they must be; later cells may be wider."""

_NARROWEST: Final = 4
"""Characters that a column of text keeps, however narrow the terminal."""

_GAP: Final = "  "

_COLOURS: Final = {
    "RUNNING": "yellow",
    "STAGED": "yellow",
    "COMPLETED": "green",
    "FAILED": "red",
    "ABANDONED": "red",
}
"""Of a status. The word is there too, for those who do not see the colour."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's results go, in the format that was chosen."""

    format: str = "table"
    names_only: bool = False

    def rows(self, rows: Iterable[Row], columns: Sequence[str], *, name: str = "name", none: str = "") -> None:
        """Print *rows*.

        Args:
            columns: which are printed, in this order.
            name: the column that ``-q`` prints alone.
            none: what to say, on a terminal, if there are no rows.
        """
        rows = iter(rows)
        first = next(rows, None)
        if first is None and none and self.format == "table" and not self.names_only and is_terminal():
            print(none, file=sys.stderr)
        rows = itertools.chain([] if first is None else [first], rows)
        if self.names_only:
            emit(f"{printable(str(row[name]))}\n" for row in rows)
        else:
            emit(_WRITERS[self.format](rows, list(columns)))

    def record(self, record: Row) -> None:
        """Print one thing with its fields: a table has a line for each, JSON one object."""
        fields = {key: value for key, value in record.items() if value not in (None, "", [], {})}
        if self.format == "table":
            emit(_fields(fields))
        elif self.format == "json":
            emit([f"{_json(record, indent=2)}\n"])
        else:
            emit(_WRITERS[self.format](iter([record]), list(record)))

    def value(self, value: object) -> None:
        """Print one JSON value in lines; as one line with ``jsonl``."""
        emit([f"{_json(value, indent=None if self.format == 'jsonl' else 2)}\n"])

    def lines(self, lines: Iterable[str]) -> None:
        """Print texts, one a line; the caller has made them ``printable``."""
        emit(f"{line}\n" for line in lines)


def spread(rows: Iterable[Row], columns: Sequence[str], *groups: str) -> tuple[list[Row], list[str]]:
    """Return *rows* and *columns* with a column for each member of the dicts in the columns *groups*, which come last.

    A member with the name of another column is ``GROUP.NAME``.
    """
    rows = list(rows)
    taken = dict.fromkeys(columns)
    names: dict[tuple[str, str], str] = {}
    for group in groups:
        members = dict.fromkeys(member for row in rows for member in _members(row, group))
        for member in members:
            column = member
            while column in taken or (column != member and column in members):
                column = f"{group}.{column}"
            names[group, member] = column
            taken[column] = None
    made: list[Row] = [
        {**row, **{column: _members(row, group).get(member) for (group, member), column in names.items()}}
        for row in rows
    ]
    return made, list(taken)


def _members(row: Row, group: str) -> Mapping[str, object]:
    members = row.get(group)
    return members if isinstance(members, Mapping) else {}


# --- the terminal ----------------------------------------------------------------------------------------------------


def is_terminal() -> bool:
    """Return whether results are seen by a person, and not read by a program."""
    return sys.stdout.isatty()


def is_styled() -> bool:
    """Return whether results have colours: on a terminal that knows them, unless ``NO_COLOR`` is set."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, **style: Any) -> str:
    """Return *text* with a style, as ``click.style`` takes it, where results have colours."""
    return click.style(text, **style) if is_styled() else text


def emit(chunks: Iterable[str]) -> None:
    """Write texts to stdout, each a line or more with its end; on a terminal by a pager, if they do not fit in it."""
    chunks = iter(chunks)
    if is_terminal():
        room = shutil.get_terminal_size().lines - 1
        seen: list[str] = []
        height = 0
        for chunk in chunks:
            seen.append(chunk)
            height += chunk.count("\n")
            if height > room:
                click.echo_via_pager(itertools.chain(seen, chunks), color=None if is_styled() else False)
                return
        chunks = iter(seen)
    for chunk in chunks:
        sys.stdout.write(chunk)


# --- a value as text -------------------------------------------------------------------------------------------------


def cell(value: object) -> str:
    """Return a value as a table shows it, on one line: times to the second, floats to six digits."""
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        from docstore.documents.display import shown_time

        return shown_time(value)
    if isinstance(value, Mapping):
        members = [f"{cell(key)}={cell(each)}" for key, each in value.items()]
        return ("; " if any(", " in each for each in members) else ", ").join(members)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(cell, value))
    return printable(str(value))


def _json(value: object, indent: int | None = None) -> str:
    """Return *value* as JSON; what JSON lacks as text."""
    from docstore.documents.plain import plain

    return printable_json(json.dumps(plain(value, "nan"), ensure_ascii=False, indent=indent))


# --- the formats -----------------------------------------------------------------------------------------------------


def _json_array(rows: Iterator[Row], columns: list[str]) -> Iterator[str]:
    separator = "["
    for row in rows:
        yield f"{separator}\n  {_json(_picked(row, columns))}"
        separator = ","
    yield "[]\n" if separator == "[" else "\n]\n"


def _json_lines(rows: Iterator[Row], columns: list[str]) -> Iterator[str]:
    return (f"{_json(_picked(row, columns))}\n" for row in rows)


def _csv(rows: Iterator[Row], columns: list[str]) -> Iterator[str]:
    """Yield the lines of a CSV file; for a person, on a terminal, with control characters escaped."""
    from docstore.documents.plain import csv_value

    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    shown: Callable[[str], str] = printable if is_terminal() else str
    for values in itertools.chain([columns], ([csv_value(row.get(key), "nan") for key in columns] for row in rows)):
        writer.writerow(map(shown, values))
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _markdown(rows: Iterator[Row], columns: list[str]) -> Iterator[str]:
    yield _markdown_row(columns)
    yield f"|{'---|' * len(columns)}\n"
    for row in rows:
        yield _markdown_row(cell(row.get(key)) for key in columns)


def _markdown_row(cells: Iterable[str]) -> str:
    escaped = (each.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for each in cells)
    return f"| {' | '.join(escaped)} |\n"


def _picked(row: Row, columns: Sequence[str]) -> dict[str, object]:
    return {key: row.get(key) for key in columns}


def _fields(fields: Row) -> Iterator[str]:
    width = max(map(cell_width, fields), default=0)
    return (f"{styled(_padded(key, width), bold=True)}{_GAP}{cell(value)}\n" for key, value in fields.items())


# --- tables ----------------------------------------------------------------------------------------------------------


def _table(rows: Iterator[Row], columns: list[str]) -> Iterator[str]:
    """Yield the lines of a table: on a terminal cut to its width, without empty columns; elsewhere never cut."""
    sample = list(itertools.islice(rows, _SAMPLE))
    if not sample:
        return
    numeric = {key for key in columns if all(_is_number(row.get(key)) for row in sample)}
    widths = {key: max([cell_width(key), *(cell_width(cell(row.get(key))) for row in sample)]) for key in columns}
    room = shutil.get_terminal_size().columns
    if is_terminal() and _excess(widths, room) > 0 and len(sample) < _SAMPLE:  # these are all the rows
        widths = {key: width for key, width in widths.items() if any(cell(row.get(key)) for row in sample)} or widths
    most = _fitting(widths, room) if is_terminal() else None
    line = _Line(most or widths, numeric, cuts=most is not None)
    yield line.text({key: key for key in columns}, is_head=True)
    for row in itertools.chain(sample, rows):
        yield line.text({key: cell(row.get(key)) for key in columns})


@dataclass(frozen=True, slots=True)
class _Line:
    """How the lines of a table are made: the width of each column, those that have numbers, whether cells are cut."""

    widths: Mapping[str, int]
    numeric: set[str]
    cuts: bool

    def text(self, cells: Mapping[str, str], *, is_head: bool = False) -> str:
        *_, last = self.widths
        shown = []
        for key, width in self.widths.items():
            text = _cut(cells[key], width) if self.cuts else cells[key]
            padded = text.rjust(width) if key in self.numeric else text if key == last else _padded(text, width)
            colour = None if is_head or key != "status" else _COLOURS.get(text)
            shown.append(styled(padded, bold=True) if is_head else styled(padded, fg=colour) if colour else padded)
        return f"{_GAP.join(shown).rstrip()}\n"


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _fitting(widths: Mapping[str, int], room: int) -> dict[str, int]:
    """Return widths that fit in *room*, or nearly: the widest columns become narrower first, and the first one last."""
    fitting = {key: min(width, room) for key, width in widths.items()}
    first, *others = fitting
    for _ in range(_excess(fitting, room)):
        widest = max((key for key in others if fitting[key] > _NARROWEST), key=fitting.__getitem__, default=first)
        fitting[widest] -= fitting[widest] > _NARROWEST
    return fitting


def _excess(widths: Mapping[str, int], room: int) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1) - room


def cell_width(text: str) -> int:
    """Return how many columns of a terminal *text* takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_width(text))


def _cut(text: str, width: int) -> str:
    """Return *text*, cut to *width* columns, an ellipsis at its end, if it is wider."""
    if cell_width(text) <= width:
        return text
    taken = 0
    for position, character in enumerate(text):
        taken += _width(character)
        if taken > width - 1:
            return f"{text[:position]}…"
    return text


_WRITERS: Final[Mapping[str, Callable[[Iterator[Row], list[str]], Iterator[str]]]] = {
    "table": _table,
    "json": _json_array,
    "jsonl": _json_lines,
    "csv": _csv,
    "md": _markdown,
}
