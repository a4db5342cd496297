"""A page as JSON and as CSV; numbers, times and values as texts for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from docstore.documents.diff.format import on_one_line
from docstore.documents.display import shown_time
from docstore.documents.plain import csv_value, plain
from docstore.errors import short_repr


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the names of its columns, and rows of as many cells."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an answer was made of, for its ETag.

    Attributes:
        made_of: a text that changes when the page does.
        is_fixed: whether the page at this address never changes.
    """

    made_of: str
    is_fixed: bool = False


def to_json(page: object) -> bytes:
    """Return a page as JSON, but for its stamp; NaN is null, which is a gap in a plot."""
    members = plain(page)
    members.pop("stamp", None)
    return json.dumps(members, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def to_csv(table: Table) -> bytes:
    """Return a table as CSV (RFC 4180) in UTF-8: times in ISO format, nothing for None and NaN."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(table.columns)
    writer.writerows(map(csv_value, row) for row in table.rows)
    return file.getvalue().encode("utf-8", "backslashreplace")


def read_number(text: str) -> int | None:
    """Return the number from 0 that a text of an address or a form is; None for any other, and for one of 16 digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


# --- texts for people ------------------------------------------------------------------------------------------------


def number(value: object, digits: int = 6) -> str:
    """Return a number as it reads: ``10,000``, ``0.0312346``, a true minus; of None and NaN, nothing.

    Args:
        digits: significant ones of a float.
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "\N{MINUS SIGN}")
    if isinstance(value, float):
        return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")
    return str(value)


_LONGEST_CELL: Final = 300
"""Characters of a text in a table."""


def cell(value: object) -> str:
    """Return the text of a cell of a table: a number as ``number``, a time in UTC, a text on one line, cut if long."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str):
        return cut(value, _LONGEST_CELL)
    if isinstance(value, (dict, list, tuple)):
        return short_repr(value)
    return number(value)


def is_numeric(value: object) -> bool:
    """Return whether a cell is a number, which stands at the right of its column."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def moment(value: datetime) -> str:
    """Return a time to the second: ``2026-11-29 10:00:05 UTC``."""
    return shown_time(value.astimezone(UTC) if value.tzinfo else value)


def cut(text: str, most: int) -> str:
    """Return *text* on one line, cut after so many characters."""
    text = on_one_line(text[: most + 1])
    return text if len(text) <= most else f"{text[:most]}…"
