"""The result of ``find``: a lazy sequence, read page by page, with no transaction left open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from typing_extensions import TypeVar

from docstore.codec.collector import collector_paused
from docstore.documents.arguments import checked_number
from docstore.documents.canonical import JSON, MaybeJSON, split_pointer
from docstore.documents.display import LazySequence, Row, counted, first_and_last, first_few, html_table
from docstore.documents.kinds import HEAD, join
from docstore.errors import DatabaseError, StoreClosedError, short_repr
from docstore.search.conditions import checked_pointer_of_column
from docstore.search.cursors import Cursor, read_cursor, write_cursor
from docstore.search.frames import Columns, to_arrow, to_frame
from docstore.search.info import DocumentInfo, PartInfo
from docstore.search.query import Query
from docstore.search.read import (
    StoredDocument,
    at_pointer,
    check_codes,
    place_in,
    read_bodies,
    read_documents,
    read_pieces_at,
)
from docstore.search.selection import Selection
from docstore.sql.reader import State
from docstore.sql.transactions import Transactions

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")
D = TypeVar("D", default=Any)  # of the objects of a search, which not everyone who names its rows needs to name
S = TypeVar("S")

_PAGE: Final = 500
"""Rows of a page."""

_FEW: Final = 16
"""Documents of the first page, before their size is known."""

_ENOUGH: Final = 8 << 20
"""Characters of text of a page of documents, about, if it has more than one."""


@dataclass(frozen=True, slots=True)
class Loader:
    """The database to read from, and what makes values and objects of what is read.

    Attributes:
        decode: returns the value of a document's JSON, tagged values decoded.
        made: returns the object of a document.
        part: returns the object at a path of another object.
    """

    transactions: Transactions
    decode: Callable[[JSON], Any]
    made: Callable[[StoredDocument, State], Any]
    part: Callable[[Any, str], Any]


class Page(list[T]):
    """One page of a search. ``page(after=cursor)`` returns the next, at any time; *cursor* is None on the last one."""

    def __init__(self, rows: Iterable[T], cursor: str | None) -> None:
        super().__init__(rows)
        self.cursor = cursor

    def __repr__(self) -> str:
        return f"Page({super().__repr__()}, cursor={self.cursor!r})"

    def _repr_html_(self) -> str:
        return html_table(first_and_last(self, _row), title=f"Page · {counted(len(self), 'row')}")


class Found(LazySequence[T], Generic[T, D]):
    """The documents or parts that ``Store.find`` found: a sequence of their columns, read on access.

    No digest covers the columns. ``documents``, ``load`` and ``to_frame`` with pointers compare type and status with
    the document and refuse a difference; ``Store.verify`` checks the rest.

    The first 500 rows are kept once they were read; further rows are read again on each access, page by page, each page
    from where the one before ended. No transaction is left open between pages, so what others save meanwhile may
    appear. The methods (``count``, ``names``, ``documents``, ...) query the database on each call.

    Raises:
        DatabaseError: on access: the database cannot be read, or returns a page that repeats the last row of the page
            before.

    Cost:
        A SELECT for every 500 rows that are accessed; ``len`` of more than 500 counts them. With *where*, on MariaDB
        also a SELECT of the indexes on places each time, on SQLite once: an index that is created later is not used.
    """

    def __init__(self, reading: Loader, query: Query) -> None:
        self._reading = reading
        self._query = query
        self._selection = Selection(reading.transactions.engine, query)
        self._info: Any = DocumentInfo if query.part is None else PartInfo
        self._start = Cursor((), query.limit)
        self._kept: tuple[list[T], Cursor | None] | None = None

    # --- the sequence --------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[T]:
        rows, cursor = self._first()
        yield from rows
        while cursor is not None:
            with self._reading.transactions.reading() as connection:
                rows, cursor = self._rows(connection, _PAGE, cursor)
            yield from rows

    def __len__(self) -> int:
        rows, cursor = self._first()
        return len(rows) if cursor is None else self.count()

    def __bool__(self) -> bool:
        return bool(self._first()[0])

    def _up_to(self, stop: int | None) -> Sequence[T]:
        return list(islice(self, stop))

    def _more(self, shown: int) -> str:
        return f"... {len(self) - shown} more"

    def __repr__(self) -> str:
        try:
            return super().__repr__()
        except StoreClosedError:
            return "<Found: its store is closed>"  # a debugger shows it, too

    def _repr_html_(self) -> str:
        try:
            shown, are_more = first_few(self)
            total = len(self) if are_more else len(shown)
        except StoreClosedError:
            return html_table([], title="Found · its store is closed")
        rows: list[Row | int] = [*map(_row, shown), *([total - len(shown)] if are_more else [])]
        return html_table(rows, title=f"Found · {counted(total, 'row')}")

    def _first(self) -> tuple[list[T], Cursor | None]:
        if self._kept is None:
            with self._reading.transactions.reading() as connection:
                self._kept = self._rows(connection, _PAGE, self._start)
        return self._kept

    def _rows(self, connection: Connection, size: int, start: Cursor) -> tuple[list[T], Cursor | None]:
        """Return up to *size* rows from *start* on, and the cursor of their end if there are more."""
        size = size if start.left is None else min(size, start.left)
        if size == 0:
            return [], None
        rows = self._selection.page(connection, size + 1, start.values or None)
        width = len(self._selection.fields)
        if start.values and any(tuple(row[width:]) == start.values for row in rows):
            raise _repeated(start)
        found = [self._info(*row[:width]) for row in rows[:size]]
        left = None if start.left is None else start.left - size
        ended = len(rows) <= size or left == 0
        return found, None if ended else Cursor(tuple(rows[size - 1][width:]), left)

    # --- other queries -------------------------------------------------------------------------------------------

    def count(self) -> int:  # type: ignore[override]  # a sequence's counts one item, which is here once
        """Return the number of rows, which the database counts.

        Cost:
            A SELECT.
        """
        with self._reading.transactions.reading() as connection:
            return self._selection.count(connection)

    def exists(self) -> bool:
        """Return whether there are any rows.

        Cost:
            A SELECT of at most 100 ids.
        """
        with self._reading.transactions.reading() as connection:
            return self._selection.any(connection)

    def first(self) -> T | None:
        """Return the first row, or None if there are none.

        Cost:
            A SELECT of one row.
        """
        with self._reading.transactions.reading() as connection:
            rows, _ = self._rows(connection, 1, self._start)
        return rows[0] if rows else None

    def names(self) -> list[str]:
        """Return the names of the documents, in order; for parts, of the documents that they belong to, once each.

        Cost:
            A SELECT of one column; memory for all names.
        """
        with self._reading.transactions.reading() as connection:
            names = self._selection.names(connection)
        return names if self._query.part is None else list(dict.fromkeys(names))

    def page(self, size: int = 100, *, after: str | None = None) -> Page[T]:
        """Return the first *size* rows, or those *after* the cursor of a page.

        Raises:
            InvalidValueError: *size* is not an integer of 1 or more; or *after* is not a cursor of this search.

        Cost:
            A SELECT of *size* rows, however many come before them.
        """
        size = checked_number("size", size, least=1)
        start = self._start if after is None else read_cursor(after, self._query, self._selection.types)
        with self._reading.transactions.reading() as connection:
            rows, cursor = self._rows(connection, size, start)
        return Page(rows, None if cursor is None else write_cursor(cursor, self._query))

    # --- contents ------------------------------------------------------------------------------------------------

    def documents(self) -> Iterator[JSON]:
        """Yield the whole JSON of each document, or part, as ``get`` returns it; no class is needed.

        Raises:
            DamagedDocumentError: a document is not what was saved; when the iteration reaches it.

        Cost:
            Three SELECTs (two for parts) for a page of up to 500 documents, or of about 8 MB of text; memory for a
            page.
        """
        if self._query.part is not None:
            for body in self._each(lambda connection, rows: read_bodies(connection, rows)):
                yield self._reading.decode(body.value)
        else:
            for info, whole in self._each(_wholes):
                yield self._reading.decode(join(_checked(info, whole).pieces))

    def load(self) -> Iterator[D]:
        """Yield the object of each document, as ``Store.load`` returns it, to be changed and saved.

        For parts, the object inside its document, which is loaded whole, once for consecutive parts of one document:
        ``store.save_trial(trial.experiment, trial)`` saves one. A document of another project is new to this store:
        saving it makes a document of this project.

        Raises:
            DecodeError: a class is not registered, or has changed; when the iteration reaches the document.
            DamagedDocumentError: a document is not what was saved.

        Cost:
            As ``documents``; for parts, of the documents that they belong to.
        """
        if self._query.part is None:
            for info, whole in self._each(_wholes):
                yield self._object(whole, info)[0]
            return
        last: tuple[str, Any, State] | None = None
        for info, whole in self._each(_wholes):
            if last is None or last[0] != info.id:
                last = (info.id, *self._object(whole))
            check_codes(info, last[2].pieces[info.path])
            yield self._reading.part(last[1], info.path)

    @collector_paused()
    def _object(self, whole: StoredDocument, info: DocumentInfo | None = None) -> tuple[Any, State]:
        """Return the object of a document, and the state that it was made from."""
        state = whole.state() if info is None else _checked(info, whole)
        return self._reading.made(whole, state), state

    def _each(self, read: Callable[[Connection, Any], Sequence[Any]]) -> Iterator[Any]:
        """Yield what *read* returns for each row, in pages of about ``_ENOUGH`` text."""
        size, cursor = _FEW, self._start
        while True:
            with self._reading.transactions.reading() as connection:
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
        """Return the SELECT of the rows, to use in SQLAlchemy; its columns are named as the fields of the rows.

        It is ordered; a UNION needs it without order: ``.order_by(None)``.

        Cost:
            None; with *where*, on MariaDB and SQLite, a SELECT of the indexes on places.
        """
        return self._knowing_indexes(self._selection.rows)

    def sql(self) -> str:
        """Return the SELECT as text with its values, to paste into the database's own shell."""
        return self._knowing_indexes(self._selection.text)

    def _knowing_indexes(self, make: Callable[[Connection | None], S]) -> S:
        if not self._selection.needs_indexes:
            return make(None)
        with self._reading.transactions.reading() as connection:
            return make(connection)

    def to_frame(self, *pointers: str) -> pandas.DataFrame:
        """Return a pandas frame with a column for each field of the rows, and one for the values at each pointer.

        Values keep their types: integers with gaps are a column of objects. A missing value is None.

        Raises:
            MissingDependencyError: pandas is not installed.
            InvalidValueError: one of *pointers* is not a JSON pointer.

        Cost:
            Reads all rows; with *pointers*, also the head of each document and the parts that they lead into.
        """
        return to_frame(self._columns(pointers))

    def to_arrow(self, *pointers: str) -> Any:
        """Return a ``pyarrow.Table`` with the columns of ``to_frame``.

        Values of several types, or of a type that Arrow lacks, become JSON texts.

        Raises:
            MissingDependencyError: pyarrow is not installed.
            InvalidValueError: one of *pointers* is not a JSON pointer.
        """
        return to_arrow(self._columns(pointers))

    def _columns(self, pointers: Sequence[str]) -> Columns:
        pointers = list(dict.fromkeys(map(checked_pointer_of_column, pointers)))
        found: list[Any] = []
        places: list[list[MaybeJSON]] = []
        cursor: Cursor | None = self._start
        while cursor is not None:
            with self._reading.transactions.reading() as connection:
                rows, cursor = self._rows(connection, _PAGE, cursor)
                found += rows
                if pointers and rows:
                    places += self._places(connection, rows, pointers)
        return Columns(self._selection.fields, found, pointers, places, self._reading.decode)

    def _places(self, connection: Connection, rows: list[Any], pointers: Sequence[str]) -> list[list[MaybeJSON]]:
        if self._query.part is not None:
            return [[at_pointer(body.value, pointer) for pointer in pointers] for body in read_bodies(connection, rows)]
        if any(len(tokens := split_pointer(pointer)) < 2 and self._may_hold_parts(tokens) for pointer in pointers):
            wholes = read_documents(connection, [row.id for row in rows])
            pieces = {id: whole.state().pieces for id, whole in wholes.items()}
        else:
            pieces = read_pieces_at(connection, {row.id: row.name for row in rows}, pointers)
        for row in rows:
            check_codes(row, pieces[row.id][HEAD])
        return [[place_in(pieces[row.id], pointer) for pointer in pointers] for row in rows]

    def _may_hold_parts(self, tokens: list[str]) -> bool:
        kind = self._query.kind
        if kind is None:
            return True
        fields = {rule.field for rule in kind.parts}
        return bool(fields) if not tokens else tokens[0] in fields


def _row(info: Any) -> Row:
    return info._row()  # type: ignore[no-any-return]  # a DocumentInfo or PartInfo


def _repeated(start: Cursor) -> DatabaseError:
    """Return the error of a page that repeats the row after which it should begin."""
    place = ", ".join(map(short_repr, start.values))
    return DatabaseError(
        f"asked for the rows after ({place}), the database returned that row again, so the pages would never end. "
        f"Choose another order_by=, and report this: it is a bug of docstore or of the database."
    )


def _wholes(connection: Connection, rows: Sequence[Any]) -> list[tuple[Any, StoredDocument]]:
    """Return each document with its row, or with that of a part of it. They are not parsed: a page has many."""
    found = read_documents(connection, list(dict.fromkeys(row.id for row in rows)))
    return [(row, found[row.id]) for row in rows]


def _checked(info: DocumentInfo, whole: StoredDocument) -> State:
    state = whole.state()
    check_codes(info, state.pieces[HEAD])
    return state


def _size(read: Any) -> int:
    return int(read[1].size if isinstance(read, tuple) else read.size)
