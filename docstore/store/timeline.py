"""The past of a document: its versions, the changes of one value (blame), and the difference of two versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeAlias, overload

from sqlalchemy.engine import Connection

from docstore.documents.arguments import checked_key
from docstore.documents.canonical import ABSENT, JSON, MaybeJSON, join_pointer, same_json, split_pointer
from docstore.documents.diff.diff import Diff, difference
from docstore.documents.diff.format import on_one_line, read_one
from docstore.documents.display import (
    InTableT,
    LazySequence,
    Row,
    counted,
    first_and_last,
    first_few,
    html_table,
    shown_time,
)
from docstore.documents.history import Rollback, Version, piece_at
from docstore.documents.kinds import HEAD, Kind, kind_named, with_siblings
from docstore.documents.optional_members import OptionalMembers, value_at, with_nulls
from docstore.documents.patch import undo
from docstore.errors import (
    CodecError,
    DamagedDocumentError,
    DecodeError,
    InvalidValueError,
    PatchError,
    VersionNotFoundError,
    short_repr,
)
from docstore.registry.model_classes import optional_members
from docstore.sql.partial import read_around, read_changed
from docstore.sql.reader import State, history_page, read, read_version, touching_page, version_numbered
from docstore.sql.rows import HeadRow
from docstore.sql.transactions import Transactions
from docstore.sql.version_names import When, kept_version_number, version_number
from docstore.store.context import StoreContext

# --- blame: when the value at a pointer changed, found in the changes of each version ---------------------------------

Decode: TypeAlias = Callable[[JSON], Any]
"""Decodes the tagged values in a JSON value."""


@dataclass(frozen=True, slots=True)
class Blame:
    """One change of a value: the version that made it, and the value before and after.

    Versions that ``compact`` folded keep only their digests and the log: a change in them was made by one or more of
    the versions ``first`` to ``number``, and it is not known by which.

    Attributes:
        version: the one that made the change; the newest, if several were folded together.
        was, became: the JSON as stored; ``ABSENT`` for no value.
        first: the number of the oldest version that may have made the change; ``number``, if it is known.
        authors: who saved the versions from *first* on, without repetition, oldest first.
    """

    version: Version
    was: MaybeJSON
    became: MaybeJSON
    first: int
    authors: tuple[str, ...]
    decode: Decode = field(compare=False, repr=False)

    @property
    def old(self) -> Any:
        """The value before, as ``get`` gives it, decoded at each call; ``ABSENT`` for none."""
        return ABSENT if self.was is ABSENT else self.decode(self.was)

    @property
    def new(self) -> Any:
        """The value after, as ``get`` gives it, decoded at each call; ``ABSENT`` for none."""
        return ABSENT if self.became is ABSENT else self.decode(self.became)

    @property
    def number(self) -> int:
        """The number of the version; that of the newest, if several were folded together."""
        return self.version.number

    @property
    def is_exact(self) -> bool:
        """Whether it is known that this version made the change, and not one that was folded into it."""
        return self.first == self.number

    @property
    def created_at(self) -> datetime:
        """When the version was saved; the newest, if several were folded together."""
        return self.version.created_at

    @property
    def author(self) -> str | None:
        """Who saved the version; None if versions of several authors were folded together."""
        return self.authors[0] if len(self.authors) == 1 else None

    @property
    def message(self) -> str:
        """The message of the version; that of the newest, if several were folded together."""
        return self.version.message

    def __str__(self) -> str:
        row = self._row()
        version = f"version {self.number}" if self.is_exact else row["version"]
        return on_one_line(f"{row['was']} -> {row['became']}, {version}, by {row['by']}, {row['saved']}")

    def __repr__(self) -> str:
        return f"Blame({self})"

    def _row(self) -> Row:
        return {
            "version": self.number if self.is_exact else f"one of versions {self.first} to {self.number}",
            "saved": shown_time(self.created_at),
            "by": " or ".join(self.authors),
            "message": self.message or None,
            "was": _shown(self.was),
            "became": _shown(self.became),
        }

    def _repr_html_(self) -> str:
        return html_table([self._row()])


def _shown(value: MaybeJSON) -> str:
    if isinstance(value, dict):
        return read_one(value)
    return "nothing" if value is ABSENT else short_repr(value)


def changes_at(
    document: JSON,
    pointer: str,
    within: str,
    newest_first: Iterable[Version],
    decode: Decode,
    optional: OptionalMembers,
) -> Iterator[Blame]:
    """Yield each change of the value at *pointer*, with the values before and after; newest first.

    Shapes:
        document: the current one, with at least the part that *pointer* leads into, or all parts if it leads to
            several; list items that are parts are by index
        pointer: names an item of a list by the index that it has at each version
        within: the pointer of the part, or of the member of the head, that *pointer* leads into
        newest_first: the versions from the current one back; those without a change *within* may be left out
        optional: the members that are None where an object lacks them

    Raises:
        PatchError: the changes do not fit: the history, or the document, is damaged.

    Cost:
        In proportion to the changes *within*; where versions were folded, a look at each of them.
    """
    now = _at(document, pointer, optional)
    for version, first, authors in _with_folded(newest_first):
        replaced = [change for change in version.changes if change.path == HEAD]
        if any(change.old is ABSENT for change in replaced):
            if now is not ABSENT:
                yield Blame(version, ABSENT, now, first, authors, decode)
            return
        within = HEAD if replaced else within  # from here on, the place may have been anywhere in the document
        ours = [change for change in version.changes if f"{change.path}/".startswith(f"{within}/") or within == HEAD]
        if not ours:
            continue
        document = undo(document, ours)
        before = _at(document, pointer, optional)
        if not _reads_the_same(before, now, optional):
            yield Blame(version, before, now, first, authors, decode)
        now = before


def _with_folded(newest_first: Iterable[Version]) -> Iterator[tuple[Version, int, tuple[str, ...]]]:
    """Yield each version that is kept, the number of the oldest one folded into it, and the authors of all of these.

    The versions before a kept one are read only if some were folded into it.
    """
    rest = iter(newest_first)
    version = next(rest, None)
    while version is not None:
        first, authors, older = version.number, [version.author], None
        if version.folded:
            while (older := next(rest, None)) is not None and not older.is_kept:
                first = older.number
                authors.append(older.author)
        yield version, first, tuple(dict.fromkeys(reversed(authors)))
        version = older or next(rest, None)


def _at(document: JSON, pointer: str, optional: OptionalMembers) -> MaybeJSON:
    try:
        return value_at(document, pointer, optional)
    except DecodeError:
        return ABSENT


def _reads_the_same(a: MaybeJSON, b: MaybeJSON, optional: OptionalMembers) -> bool:
    """Return whether both are the same value, where one may have null for an optional member that the other lacks."""
    if a is ABSENT or b is ABSENT or same_json(a, b):
        return same_json(a, b)
    return same_json(with_nulls(a, optional), with_nulls(b, optional))


# --- history ----------------------------------------------------------------------------------------------------------

_PAGE: Final = 100
"""Versions that are read at once; each has the old values of a save."""


class Timeline(Sequence[Version]):
    """The versions of one document as it stood when it was asked for: ``timeline[0]`` is the newest.

    Cost:
        The newest 100 are read at once, so that damage is reported early, and a SELECT looks for a later one. After
        that, a SELECT for every 100, or for one by its index; the length is known.

    Raises:
        DamagedDocumentError: a version is missing, cannot be read, or is not as the chain says; raised when one comes
            to it. Or there is a later one than the document's column says.
        DocumentNotFoundError: the document was purged since.
    """

    def __init__(self, transactions: Transactions, connection: Connection, head: HeadRow) -> None:
        self._transactions = transactions
        self._head = head
        self._newest = history_page(connection, head, None, _PAGE)

    def __len__(self) -> int:
        return self._head.version

    def __iter__(self) -> Iterator[Version]:
        yield from self._newest
        yield from self._before(self._newest[-1].number, _PAGE)

    @overload
    def __getitem__(self, index: int) -> Version: ...
    @overload
    def __getitem__(self, index: slice) -> list[Version]: ...
    def __getitem__(self, index: int | slice) -> Version | list[Version]:
        indices = range(len(self))[index]
        if isinstance(indices, int):
            is_read = indices < len(self._newest)
            return self._newest[indices] if is_read else next(self._before(len(self) - indices + 1, 1))
        if not indices:
            return []
        first, last = min(indices), max(indices)
        found = list(islice(self._before(len(self) - first + 1, min(_PAGE, last - first + 1)), last - first + 1))
        return [found[each - first] for each in indices]

    def __repr__(self) -> str:
        return f"Timeline({self._head.name!r}, {counted(len(self), 'version')})"

    def _repr_html_(self) -> str:
        title = f"{self._head.kind} {self._head.name} · {counted(len(self), 'version')}"
        return html_table(first_and_last(self, Version._row), title=title)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Timeline, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def _before(self, number: int, size: int) -> Iterator[Version]:
        while number > 1:
            with _reading(self._transactions, self._head) as connection:
                page = history_page(connection, self._head, number, size)
            yield from page
            number = page[-1].number


class PlaceHistory:
    """Reads the versions that may have changed the value at one pointer, from the current one back.

    The document is read when this is made, the versions as one comes to them.

    Raises:
        DecodeError: *pointer* is invalid.
        DamagedDocumentError: what is stored is not what was saved, or the history does not lead back. A version that
            changed nothing there is not read: it is an error only if its row is missing.
        DocumentNotFoundError: the document was purged meanwhile.
        InvalidValueError: versions were folded after those that came before them were read.
    """

    def __init__(self, transactions: Transactions, connection: Connection, head: HeadRow, pointer: str) -> None:
        self._transactions, self._head, self._pointer = transactions, head, pointer
        history_page(connection, head, None, 1)  # the newest version, whose digest proves the document, is as saved
        kind, self._document = read_around(connection, head, pointer)
        self._within = _within(kind, self._document, pointer)
        self._newest = touching_page(connection, head, head.version + 1, _PAGE, _texts(self._within))

    def changes(self, decode: Decode, optional: OptionalMembers) -> Iterator[Blame]:
        """Yield each change of the value, newest first, with the values before and after."""
        found = self._leading_back()
        try:
            yield from changes_at(self._document, self._pointer, self._within, found, decode, optional)
        except PatchError as error:
            raise DamagedDocumentError(self._head.name, where=error.pointer, problem=str(error)) from error

    def _leading_back(self) -> Iterator[Version]:
        """Yield the versions to undo, newest first. Before a version that replaced the whole document, these are all.

        Raises:
            InvalidValueError: some were folded meanwhile.
        """
        page, texts = self._newest, _texts(self._within)
        undone: Version | None = None
        while page:
            for version in page:
                yield version
                undone = version if version.is_kept else undone
                if texts and any(change.path == HEAD for change in version.changes):
                    texts = ()
                    break
            if version.number == 1:
                return
            with _reading(self._transactions, self._head) as connection:
                page = touching_page(connection, self._head, version.number, _PAGE, texts)
                if undone is not None and version_numbered(connection, self._head, undone.number) != undone:
                    remedy = "Older versions were folded by compact() while you looked at them. Ask again."
                    raise InvalidValueError("history", self._head.name, remedy)


@contextmanager
def _reading(transactions: Transactions, head: HeadRow) -> Iterator[Connection]:
    """Read older versions in a transaction; the document may be gone, and is not damaged then.

    Raises:
        DocumentNotFoundError: it was purged meanwhile.
    """
    with transactions.reading() as connection:
        try:
            yield connection
        except DamagedDocumentError:
            transactions.reread(connection, head)
            raise


_SAFE: Final = re.compile(r"[A-Za-z0-9_ ./~-]{0,100}")
"""The start of a pointer that is the same text in JSON, whichever database writes it."""


def _within(kind: Kind, document: JSON, pointer: str) -> str:
    """Return the pointer of the part, or of the member of the head, that *pointer* leads into."""
    piece, _ = piece_at(kind, pointer)
    if piece != HEAD or not isinstance(document, dict):
        return piece
    return join_pointer(split_pointer(pointer)[:1])


def _texts(within: str) -> tuple[str, ...]:
    """Return texts to search changes for: those that touch *within*, or replace the whole document, contain one.

    It is empty if any change may.
    """
    if within == HEAD:
        return ()
    start = _SAFE.match(within)
    assert start is not None  # it matches the empty text, too
    return f'"{start[0]}', '""'


class Lazily(LazySequence[InTableT]):
    """A sequence of what an iterator gives, read as far as one looks, and kept.

    If the iterator raises, so does every later look beyond that item.
    """

    def __init__(self, iterator: Iterator[InTableT]) -> None:
        self._rest = iterator
        self._read: list[InTableT] = []
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[InTableT]:
        index = 0
        while self._has(index):
            yield self._read[index]
            index += 1

    def _has(self, index: int) -> bool:
        return index < len(self._up_to(index + 1))

    def _up_to(self, stop: int | None) -> Sequence[InTableT]:
        missing = None if stop is None else max(0, stop - len(self._read))
        if missing != 0 and self._error is not None:
            raise self._error
        try:
            self._read.extend(islice(self._rest, missing))
        except BaseException as error:  # an iterator that has raised ends: the next look would find no more items
            self._error = error
            raise
        return self._read

    def __len__(self) -> int:
        return len(self._up_to(None))

    def __bool__(self) -> bool:
        return self._has(0)

    def _repr_html_(self) -> str:
        shown, are_more = first_few(self)
        note = "and more" if are_more else "" if shown else "no changes"
        return html_table((each._row() for each in shown), note=note)


# --- the calls of a store ---------------------------------------------------------------------------------------------


def history(context: StoreContext, kind: str, name: str, pointer: str | None) -> Sequence[Version]:
    """Return the versions of a document, newest first; as ``Store.history``."""
    transactions = context.transactions
    if pointer is not None:
        return Lazily(blame.version for blame in _place_history(context, kind, name, pointer))
    with transactions.reading() as connection:
        return Timeline(transactions, connection, transactions.head(connection, kind, name))


def version(context: StoreContext, kind: str, name: str, which: When | None) -> Version:
    """Return one version of a document; as ``Store.version``."""
    with context.transactions.reading() as connection:
        head = context.transactions.head(connection, kind, name)
        number = head.version if which is None else version_number(connection, head, which)
        if not 1 <= number <= head.version:
            raise VersionNotFoundError(name, wanted=number, head=head.version, kind=kind)
        return version_numbered(connection, head, number)


def blame(context: StoreContext, kind: str, name: str, pointer: str) -> Sequence[Blame]:
    """Return when the value at *pointer* changed, newest first; as ``Store.blame``."""
    return Lazily(_place_history(context, kind, name, pointer))


def _place_history(context: StoreContext, kind: str, name: str, pointer: str) -> Iterator[Blame]:
    transactions = context.transactions
    with transactions.reading() as connection:
        head = transactions.head(connection, kind, name)
        found = PlaceHistory(transactions, connection, head, pointer)
    return found.changes(context.raw.decode, optional_members())


def diff(context: StoreContext, kind: str, name: str, a: When, b: When | None, other: str) -> Diff:
    """Return what changed from version *a* to version *b*; as ``Store.diff``."""
    checked_key("other", other)
    transactions = context.transactions
    with transactions.reading() as connection:
        head = transactions.head(connection, kind, name)
        target = transactions.head(connection, kind, other, argument="other") if other else head
        which = kind_named(head.kind)
        first = kept_version_number(connection, head, a)
        last = target.version if b is None else kept_version_number(connection, target, b)
        if not other and (changed := read_changed(connection, head, first, last)) is not None:
            return difference(which, changed.old, changed.new, changed.unequal, optional_members())
        old = read_version(connection, head, which, first)
        new = read_version(connection, target, which, last)
    unequal = old.digests.unequal(new.digests)
    return difference(which, old.pieces, new.pieces, unequal, optional_members())


def diffs(context: StoreContext, kind: str, name: str) -> Iterator[tuple[Version, Diff]]:
    """Yield each version and its difference from the one before it, newest first; as ``Store.diffs``."""
    transactions = context.transactions
    with transactions.reading() as connection:
        head = transactions.head(connection, kind, name)
        found = Timeline(transactions, connection, head)
        state = read(connection, head)
    return _diffs(kind_named(head.kind), name, state, found)


def _diffs(kind: Kind, name: str, state: State, newest_first: Iterable[Version]) -> Iterator[tuple[Version, Diff]]:
    document = Rollback(kind, state.pieces, state.digests)
    optional = optional_members()
    for version in newest_first:
        if not version.is_kept:
            continue
        if any(change.path == HEAD and change.old is ABSENT for change in version.changes):
            return  # before it, there was no document
        if document.digest() != version.digest:
            problem = "the rebuilt state has another digest"
            raise DamagedDocumentError(name, where=f"version {version.number}", problem=problem)
        try:
            changed = document.undo(version.changes)
        except (PatchError, CodecError) as error:
            raise DamagedDocumentError(name, where=f"version {version.number}", problem=str(error)) from error
        shown = with_siblings(kind, changed)
        old = {path: document.pieces[path] for path in shown if path in document.pieces}
        new = {path: body for path, body in {**old, **changed}.items() if body is not ABSENT}
        yield version, difference(kind, old, new, set(changed), optional)
