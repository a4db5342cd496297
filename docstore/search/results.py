"""What a search found: a sequence that is read as one looks at it, page by page, with no transaction left open."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.arguments import checked_number
from docstore.documents.canonical import JSON, MaybeJSON, split_pointer
from docstore.documents.kinds import HEAD, join
from docstore.errors import DatabaseError, short_repr
from docstore.search import cursors
from docstore.search import read as frames
from docstore.search.conditions import checked_pointer_of_column
from docstore.search.cursors import Cursor
from docstore.search.info import DocumentInfo, PartInfo
from docstore.search.query import Query
from docstore.search.read import Whole, at, check_codes, place_in, read_around, read_bodies, read_documents
from docstore.search.selection import Selection
from docstore.sql.context import Transactions

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")
S = TypeVar("S")

_PAGE: Final = 500
"""Rows that are read at once."""

_FEW: Final = 16
"""Documents that are read at first, before it is known how large they are."""

_ENOUGH: Final = 8 << 20
"""Characters of text that are read at once, about; or one document."""

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """How what was found is read: by which database, and what is made of it.

    Attributes:
        decode: gives the value of a document's JSON, tagged values decoded.
        made: gives the object of a document.
        part: gives the object at a path of another.
    """

    access: Transactions
    decode: Callable[[JSON], Any]
    made: Callable[[Whole], Any]
    part: Callable[[Any, str], Any]


class Page(Sequence[T], Generic[T]):
    """Some rows of a search. ``cursor`` is a text by which ``page(after=)`` goes on, at any time; at the end, None."""

    def __init__(self, rows: Sequence[T], cursor: str | None) -> None:
        self._rows = list(rows)
        self.cursor = cursor

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._rows[index]

    def __eq__(self, other: object) -> bool:
        return self._rows == list(other) if isinstance(other, (Page, Found, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def __repr__(self) -> str:
        return f"Page({self._rows!r}, cursor={self.cursor!r})"


class Found(Sequence[T], Generic[T]):
    """The documents, or parts, that ``Store.find`` was asked for, read when one looks.

    A row comes from columns, which no digest covers. ``documents``, ``load`` and ``to_frame`` with pointers compare its
    type and status with the document and refuse a difference; ``Store.verify`` checks what is not read.

    The first 500 are kept once they were read, so that one can look again; those after them are read anew each time, by
    where the page before ended. No transaction is left open between pages: what others save in between may be seen.
    All that has a name here asks the database anew: ``count``, ``names``, ``documents`` and the rest.

    Raises:
        DatabaseError: the database cannot be read, or returns a page that repeats the last row of the one before; when
            one looks.

    Cost:
        A SELECT for every 500 rows that one looks at; ``len`` of more than 500 counts them.
    """

    def __init__(self, reading: Reading, sought: Query) -> None:
        self._reading = reading
        self._sought = sought
        self._selection = Selection(reading.access.engine, sought)
        self._info: Any = DocumentInfo if sought.part is None else PartInfo
        self._start = Cursor((), sought.limit)
        self._kept: tuple[list[T], Cursor | None] | None = None

    # --- as a sequence -------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[T]:
        rows, cursor = self._first()
        yield from rows
        while cursor is not None:
            with self._reading.access.reading() as connection:
                rows, cursor = self._rows(connection, _PAGE, cursor)
            yield from rows

    def __len__(self) -> int:
        rows, cursor = self._first()
        return len(rows) if cursor is None else self.count()

    def __bool__(self) -> bool:
        return bool(self._first()[0])

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            ends = (index.start or 0, -1 if index.stop is None else index.stop, index.step or 1)
            return list(islice(self, _within(index.stop)) if min(ends) >= 0 else self)[index]
        position = operator.index(index)
        return (list(islice(self, _within(position + 1))) if position >= 0 else list(self))[position]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Found, Page, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def __repr__(self) -> str:
        shown = list(islice(self, _SHOWN + 1))
        more = [f"... {len(self) - _SHOWN} more"] if len(shown) > _SHOWN else []
        return f"[{', '.join([*map(repr, shown[:_SHOWN]), *more])}]"

    def _first(self) -> tuple[list[T], Cursor | None]:
        if self._kept is None:
            with self._reading.access.reading() as connection:
                self._kept = self._rows(connection, _PAGE, self._start)
        return self._kept

    def _rows(self, connection: Connection, size: int, start: Cursor) -> tuple[list[T], Cursor | None]:
        """Return up to *size* rows from *start*, and where they end, if there are more."""
        size = size if start.left is None else min(size, start.left)
        if size == 0:
            return [], None
        rows = self._selection.page(connection, size + 1, start.values or None)
        width = len(self._selection.fields)
        if start.values and any(tuple(row[width:]) == start.values for row in rows):
            raise _not_after(start)
        found = [self._info(*row[:width]) for row in rows[:size]]
        left = None if start.left is None else start.left - size
        ended = len(rows) <= size or left == 0
        return found, None if ended else Cursor(tuple(rows[size - 1][width:]), left)

    # --- looked at otherwise -------------------------------------------------------------------------------------

    def count(self) -> int:  # type: ignore[override]  # how often one row is in it, a sequence would say: once
        """Return how many there are; the database counts them.

        Cost:
            A SELECT.
        """
        with self._reading.access.reading() as connection:
            return self._selection.count(connection)

    def exists(self) -> bool:
        """Return whether there are any.

        Cost:
            A SELECT of one row.
        """
        with self._reading.access.reading() as connection:
            return self._selection.any(connection)

    def first(self) -> T | None:
        """Return the first of them, or None where there are none.

        Cost:
            A SELECT of one row.
        """
        with self._reading.access.reading() as connection:
            rows, _ = self._rows(connection, 1, self._start)
        return rows[0] if rows else None

    def names(self) -> list[str]:
        """Return the name of each document, in their order; of parts, those of the documents that have them, once each.

        Cost:
            A SELECT of one column; memory for all names.
        """
        with self._reading.access.reading() as connection:
            names = self._selection.names(connection)
        return names if self._sought.part is None else list(dict.fromkeys(names))

    def page(self, size: int = 100, *, after: str | None = None) -> Page[T]:
        """Return the first *size* of them, or those *after* the cursor of the page before.

        Raises:
            InvalidValueError: *size* is no number of 1 or more; or *after* is no cursor of this search.

        Cost:
            A SELECT of so many rows, however many come before them.
        """
        size = checked_number("size", size, least=1)
        start = self._start if after is None else cursors.read(after, self._sought, self._selection.types)
        with self._reading.access.reading() as connection:
            rows, cursor = self._rows(connection, size, start)
        return Page(rows, None if cursor is None else cursors.written(cursor, self._sought))

    # --- what stands in them -------------------------------------------------------------------------------------

    def documents(self) -> Iterator[JSON]:
        """Yield the whole JSON of each document, or of each part, as ``get`` gives it; no class is needed.

        Raises:
            DamagedDocumentError: one is not what was saved; when one comes to it.

        Cost:
            Three SELECTs for a page of up to 500 documents (two of parts), or of about 8 MB of text; memory for a page.
        """
        if self._sought.part is not None:
            for body in self._each(lambda connection, rows: read_bodies(connection, rows)):
                yield self._reading.decode(body.value)
        else:
            for whole in self._each(_wholes):
                yield self._reading.decode(join(whole.state.pieces))

    def load(self) -> Iterator[Any]:
        """Yield the object of each document, as ``Store.load`` gives it: to be changed and saved.

        Of parts, the object in its document, which is loaded whole, and once for all of its parts that follow one
        another: ``store.save_trial(trial.experiment, trial)`` saves one. A document of another project is new to this
        store: saved here, it becomes a document of this one.

        Raises:
            DecodeError: a class that one needs is not registered, or is another now; when one comes to it.
            DamagedDocumentError: one is not what was saved.

        Cost:
            As ``documents``; of parts, the documents that they are in.
        """
        if self._sought.part is None:
            for whole in self._each(_wholes):
                yield self._reading.made(whole)
            return
        last: tuple[str, Any] | None = None
        for info, whole in self._each(_wholes_of_parts):
            if last is None or last[0] != info.id:
                last = info.id, self._reading.made(whole)
            yield self._reading.part(last[1], info.path)

    def _each(self, read: Callable[[Connection, Any], Sequence[Any]]) -> Iterator[Any]:
        """Yield what *read* gives of each row, with its size: of so many rows at once as make a page of text."""
        size, cursor = _FEW, self._start
        while True:
            with self._reading.access.reading() as connection:
                rows, following = self._rows(connection, size, cursor)
                found = read(connection, rows) if rows else []
            yield from found
            if following is None:
                return
            cursor = following
            text = sum(_size(each) for each in found)
            size = max(1, min(_PAGE, _ENOUGH * len(found) // max(1, text)))

    # --- for other tools -----------------------------------------------------------------------------------------

    def select(self) -> sa.Select[Any]:
        """Return the SELECT of the rows, to go on with in SQLAlchemy; its columns have the names of what is told.

        It has the order of the rows; a UNION takes it without: ``.order_by(None)``.

        Cost:
            Nothing is read; on MariaDB and SQLite, which indexes there are, if *where* was asked.
        """
        return self._knowing_indexes(self._selection.rows)

    def sql(self) -> str:
        """Return the SELECT with its values in it, to be pasted into the database's own shell."""
        return self._knowing_indexes(self._selection.text)

    def _knowing_indexes(self, spell: Callable[[Connection | None], S]) -> S:
        if not self._selection.needs_indexes:
            return spell(None)
        with self._reading.access.reading() as connection:
            return spell(connection)

    def to_frame(self, *pointers: str) -> pandas.DataFrame:
        """Return a pandas frame: a column for each field of ``DocumentInfo``, and one for what stands at each pointer.

        Values keep their types: a column of integers with gaps stays one of objects. None stands where nothing does.

        Raises:
            MissingDependencyError: pandas is not installed.
            InvalidValueError: one of *pointers* is none.

        Cost:
            As a look at each; with *pointers*, of each document the head and the parts that they lead into.
        """
        return frames.to_frame(self._columns(pointers))

    def to_arrow(self, *pointers: str) -> Any:
        """Return a ``pyarrow.Table`` with the columns of ``to_frame``.

        A column whose values are of several types, or of none that Arrow has, is one of JSON texts.

        Raises:
            MissingDependencyError: pyarrow is not installed.
            InvalidValueError: one of *pointers* is none.
        """
        return frames.to_arrow(self._columns(pointers))

    def _columns(self, pointers: Sequence[str]) -> frames.Columns:
        pointers = list(dict.fromkeys(map(checked_pointer_of_column, pointers)))
        told: list[Any] = []
        places: list[list[MaybeJSON]] = []
        cursor: Cursor | None = self._start
        while cursor is not None:
            with self._reading.access.reading() as connection:
                rows, cursor = self._rows(connection, _PAGE, cursor)
                told += rows
                if pointers and rows:
                    places += self._places(connection, rows, pointers)
        return frames.Columns(self._selection.fields, told, pointers, places, self._reading.decode)

    def _places(self, connection: Connection, rows: list[Any], pointers: Sequence[str]) -> list[list[MaybeJSON]]:
        if self._sought.part is not None:
            return [[at(body.value, pointer) for pointer in pointers] for body in read_bodies(connection, rows)]
        if any(len(tokens := split_pointer(pointer)) < 2 and self._may_hold_parts(tokens) for pointer in pointers):
            wholes = read_documents(connection, [row.id for row in rows])
            pieces = {id: whole.state.pieces for id, whole in wholes.items()}
        else:
            pieces = read_around(connection, {row.id: row.name for row in rows}, pointers)
        for row in rows:
            check_codes(row, pieces[row.id][HEAD])
        return [[place_in(pieces[row.id], pointer) for pointer in pointers] for row in rows]

    def _may_hold_parts(self, tokens: list[str]) -> bool:
        kind = self._sought.kind
        if kind is None:
            return True
        fields = {rule.field for rule in kind.parts}
        return bool(fields) if not tokens else tokens[0] in fields


def _not_after(start: Cursor) -> DatabaseError:
    """Return the error for a page that repeats the row after which it should begin."""
    place = ", ".join(map(short_repr, start.values))
    return DatabaseError(
        f"asked for the rows after ({place}), the database returned that row again, so the pages would never end. "
        f"Choose another order_by=, and report this: it is a bug of docstore or of the database."
    )


def _within(stop: int | None) -> int | None:
    """Return *stop* as ``islice`` takes it: none of more rows than there can be."""
    return None if stop is None else min(operator.index(stop), sys.maxsize)


def _wholes(connection: Connection, rows: Sequence[DocumentInfo]) -> list[Whole]:
    found = read_documents(connection, [row.id for row in rows])
    for row in rows:
        check_codes(row, found[row.id].state.pieces[HEAD])
    return [found[row.id] for row in rows]


def _wholes_of_parts(connection: Connection, rows: Sequence[PartInfo]) -> list[tuple[PartInfo, Whole]]:
    found = read_documents(connection, list(dict.fromkeys(row.id for row in rows)))
    for row in rows:
        check_codes(row, found[row.id].state.pieces[row.path])
    return [(row, found[row.id]) for row in rows]


def _size(read: Any) -> int:
    return int(read[1].size if isinstance(read, tuple) else read.size)
