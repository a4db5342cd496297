"""How objects read: HTML tables for notebooks, with nothing in them that is loaded or run; lists; times and counts."""

from __future__ import annotations

import operator
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import islice
from typing import Any, Final, Protocol, TypeAlias, TypeVar, overload

from docstore.errors import short_repr

T = TypeVar("T")

ENDS: Final = 10
"""Rows at each end of a sequence that is too long to show."""

_COLUMNS: Final = 40
"""Columns of a table; an experiment may have thousands of parameters."""

_LONG: Final = 200
"""Characters of a cell."""

# Inline, as some notebook viewers drop style sheets; without colours, to be readable on a light page and on a dark one.
_CELL: Final = "padding:2px 8px;text-align:left;vertical-align:top;white-space:pre-wrap;overflow-wrap:break-word"

Row: TypeAlias = Mapping[Any, object]
"""The cells of a row by column.

A column is its heading, or a pair of a group and a heading, so that a parameter may be named as another column is.
A cell is a text, None for nothing, or a value that is shown by its repr, a float to six digits.
"""


class Markup(str):
    """Text that is HTML already, and is not escaped."""

    __slots__ = ()


def html_table(rows: Iterable[Row | int], *, title: str = "", note: str = "") -> str:
    """Return a self-contained HTML table of *rows*, between a title and a note; every text is escaped.

    A number in place of a row says how many are left out there. There is a column for each key under which some row has
    a cell that is not None; without one there is no table.
    """
    rows = list(rows)
    cells = [row for row in rows if not isinstance(row, int)]
    used = {key for row in cells for key, value in row.items() if value is not None}
    columns = [key for key in dict.fromkeys(key for row in cells for key in row) if key in used]
    more = len(columns) - _COLUMNS
    del columns[_COLUMNS:]
    heads = [*columns, *([f"… {more:,} more"] if more > 0 else [])]
    head = "".join(
        f'<th style="{_CELL}">{_html(key[-1] if isinstance(key, tuple) and key else key)}</th>' for key in heads
    )
    body = "".join(_row(row, columns, len(heads)) for row in rows)
    table = f'<table style="color:inherit"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f"{_paragraph(title)}{table if columns else ''}{_paragraph(note)}"


def _paragraph(text: str) -> str:
    return f"<p>{_html(text)}</p>" if text else ""


def _row(row: Row | int, columns: Sequence[Any], width: int) -> str:
    if isinstance(row, int):
        return f'<tr><td style="{_CELL}" colspan="{width}">… {row:,} more …</td></tr>'
    cells = (f'<td style="{_CELL}">{_html(row.get(key))}</td>' for key in columns)
    return f"<tr>{''.join(cells)}</tr>"


def _html(value: object) -> str:
    if isinstance(value, Markup):
        return value
    text = "" if value is None else value if isinstance(value, str) else _value(value)
    cut = text if len(text) <= _LONG else f"{text[:_LONG]}…"
    return escape(cut.encode("utf-8", "backslashreplace").decode())  # a lone surrogate cannot be sent to a browser


def _value(value: object) -> str:
    return f"{value:.6g}" if type(value) is float else short_repr(value)


def first_and_last(items: Sequence[T], row: Callable[[T], Row]) -> Iterator[Row | int]:
    """Yield the *row* of each of *items*; of many, of the first and the last, and how many are left out between."""
    hidden = len(items) - 2 * ENDS
    yield from map(row, items[:ENDS] if hidden > 0 else items)
    if hidden > 0:
        yield hidden
        yield from map(row, items[-ENDS:])


def first_few(items: Iterable[T]) -> tuple[list[T], bool]:
    """Return the first of *items*, as many as a long sequence shows, and whether there are more."""
    few = list(islice(items, 2 * ENDS + 1))
    return few[: 2 * ENDS], len(few) > 2 * ENDS


class InTable(Protocol):
    """What is a row of a table."""

    def _row(self) -> Row: ...


InTableT = TypeVar("InTableT", bound=InTable)


class Listed(list[InTableT]):
    """A list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return html_table(first_and_last(self, lambda item: item._row()), note="" if self else "none")


class LazySequence(Sequence[T]):
    """A sequence that is read as far as one looks. It equals a list, or another one, of the same items."""

    @abstractmethod
    def _up_to(self, stop: int | None) -> Sequence[T]:
        """Return the first *stop* items, at least, or as many as there are; without a stop, all."""

    def _more(self, shown: int) -> str:
        """Return how ``repr`` tells that there are more items than the first *shown*."""
        return "..."

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            ends = (index.start or 0, -1 if index.stop is None else index.stop, index.step or 1)
            return list(self._up_to(_countable(index.stop) if min(ends) >= 0 else None)[index])
        position = operator.index(index)
        return self._up_to(_countable(position + 1) if position >= 0 else None)[position]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (LazySequence, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def __repr__(self) -> str:
        shown, are_more = first_few(self)
        return f"[{', '.join([*map(repr, shown), *([self._more(len(shown))] if are_more else [])])}]"


def _countable(stop: int) -> int:
    """Return *stop* as ``islice`` takes it, which refuses more than ``sys.maxsize``."""
    return min(operator.index(stop), sys.maxsize)


def shown_time(time: datetime) -> str:
    """Return *time* to the second: ``2026-11-29 10:00:05 UTC``."""
    return time.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")


def counted(number: int, thing: str) -> str:
    """Return ``1 trial``, ``2 trials``, ``10,000 trials``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
