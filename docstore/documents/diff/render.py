"""The lines of a diff as a table: in HTML for a notebook, and by rich for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias

from docstore.documents.diff.lines import Line
from docstore.documents.display import Markup, html_table

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

NO_DIFFERENCE: Final = "no difference"

_MOST: Final = 500
"""Rows of an HTML table; a browser is slow with more."""

_Cells: TypeAlias = "tuple[str, str, str | None, str | None]"

_COLUMNS: Final = ("subject", "what", "was", "now")

# Translucent, to be readable on a light page and on a dark one.
_OLD: Final = "text-decoration:none;background:rgba(248,81,73,0.25)"
_NEW: Final = "text-decoration:none;background:rgba(46,160,67,0.25)"


def as_html(lines: Sequence[Line]) -> str:
    """Return a self-contained HTML table; every text is escaped."""
    if not lines:
        return f"<p>{NO_DIFFERENCE}</p>"
    rows = (
        dict(zip(_COLUMNS, (subject, what, _marked("del", _OLD, was), _marked("ins", _NEW, now)), strict=True))
        for subject, what, was, now in _rows(lines[:_MOST])
    )
    more = len(lines) - _MOST
    return html_table(rows, note=f"and {more} more: describe() has them all" if more > 0 else "")


def _marked(tag: str, style: str, text: str | None) -> Markup:
    return Markup(f'<{tag} style="{style}">{escape(text)}</{tag}>' if text else "")


def _rows(lines: Sequence[Line]) -> Iterator[_Cells]:
    """Yield the cells of each line; of successive lines with one subject, only the first shows it."""
    above = ""
    for line in lines:
        if not line.subject:
            yield line.what, line.verb, line.was, line.now
        else:
            subject = line.subject if line.subject != above else ""
            # Otherwise a thing that was added or removed without more to say would have a row without a value.
            was, now = (line.verb if line.what and text == "" else text for text in (line.was, line.now))
            yield subject, line.what or line.verb, was, now
        above = line.subject


def as_rich(lines: Sequence[Line]) -> Table | Text:
    """Return a table for rich, in which no text is taken for markup."""
    from rich.table import Table
    from rich.text import Text

    if not lines:
        return Text(NO_DIFFERENCE)
    table = Table(pad_edge=False, box=None)
    for name, style in zip(_COLUMNS, ("bold", "", "red", "green"), strict=True):
        table.add_column(name, style=style, overflow="fold")
    for cells in _rows(lines):
        table.add_row(*(Text(cell or "") for cell in cells))
    return table
