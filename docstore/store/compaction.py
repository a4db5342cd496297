"""Compaction: fold old versions of a document, and prove its history on the way.

The row of a folded version stays: its author, time, message, digest and link of the chain. Its changes are replaced by
their digest, so that the chain can still be proved. The changes of a kept version lead back to the kept one before it.
Full states of folded versions are deleted: no changes lead back from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, Absent, MaybeJSON, digest, loads
from docstore.documents.changeset import changeset_of, same_layout
from docstore.documents.digests import piece
from docstore.documents.display import counted
from docstore.documents.history import (
    NOT_KEPT,
    Parent,
    Rollback,
    Version,
    changes_text,
    lineage,
    rebuild,
)
from docstore.documents.kinds import HEAD, Kind, kind_named
from docstore.documents.patch import Change
from docstore.errors import CodecError, DamagedDocumentError, InvalidValueError, PatchError, short_repr
from docstore.progress import Report, Tally, reporting
from docstore.sql import full_states, paging, rows, tagging
from docstore.sql.dialects import backend_of, forget
from docstore.sql.reader import State, history_rows, parents_of, read
from docstore.sql.rows import HeadRow
from docstore.sql.transactions import Transactions
from docstore.sql.writer import check_size

Keep: TypeAlias = int | timedelta
"""Which versions stay: so many of the newest, or those that were current in so long a time until now."""

_PAGE: Final = 100
"""Versions that are read at once; each has the old values of a save."""

_BEGIN: Final = (Change("add", HEAD),)
"""The changes of the oldest version that is kept, the same as of version 1: there is nothing before it."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """The history of a document after a compaction.

    Attributes:
        versions: how many it has, folded ones too.
        kept: the numbers of those that can be loaded, oldest first.
        folded: how many were folded by this call.
        freed: by how many characters the text of its changes is shorter, or 0.
    """

    kind: str
    name: str
    versions: int
    kept: tuple[int, ...]
    folded: int
    freed: int

    def __repr__(self) -> str:
        kept = f"{len(self.kept)} of {counted(self.versions, 'version')} kept"
        freed = counted(self.freed, "character")
        return f"Compacted({self.kind} {short_repr(self.name)}, {kept}, {self.folded} folded, {freed} freed)"


def compact(transactions: Transactions, kind: str, name: str, keep: Keep, progress: bool | Report = False) -> Compacted:
    """Fold the versions of a document that need not stay; ``Store.compact`` says which.

    Raises:
        InvalidValueError: *keep* is neither a number of versions nor a time; or *progress* is invalid.
        DocumentNotFoundError: there is no such document.
        DamagedDocumentError: its history is not what was saved. Nothing was changed.
        TooLargeError: the changes between two versions that stay are larger than the database takes.
    """
    checked_keep(keep)
    with reporting(progress) as report:
        return _compact(transactions, kind, name, keep, report)


def _compact(transactions: Transactions, kind: str, name: str, keep: Keep, report: Report) -> Compacted:
    def work(connection: Connection) -> tuple[str, int | None, Compacted]:
        head = transactions.head(connection, kind, name)
        with backend_of(connection).erasing(connection), backend_of(connection).long_read_timeout(connection):
            folding = _Folding(connection, head, _wanted(connection, head, keep), Tally(head.version, report))
            done = folding.run()
        return head.id, folding.oldest_folded, done

    def is_committed(connection: Connection, done: tuple[str, int | None, Compacted]) -> bool:
        id, folded, _ = done
        row = rows.version_row(connection, id, folded) if folded is not None else None
        return folded is None or (row is not None and row.changes == NOT_KEPT)

    *_, done = transactions.writing(work, is_committed)
    if done.folded:
        forget(transactions.engine)
    return done


def checked_keep(keep: object) -> None:
    """Validate *keep*, before anything is read.

    Raises:
        InvalidValueError: it is neither a number of versions nor a time.
    """
    is_number = type(keep) is int and keep >= 1
    is_time = isinstance(keep, timedelta) and keep > timedelta(0)
    if not (is_number or is_time):
        remedy = "Give how many of the newest versions to keep, 1 or more, or for how long, as in timedelta(days=90)."
        raise InvalidValueError("keep", keep, remedy)


# --- which versions stay ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The versions that stay: all from ``first`` on, and those in ``named``."""

    first: int
    named: frozenset[int]

    def __contains__(self, number: int) -> bool:
        return number >= self.first or number in self.named


def _wanted(connection: Connection, head: HeadRow, keep: Keep) -> _Wanted:
    tagged = {row.version for row in tagging.tag_rows(connection, head.id)}
    return _Wanted(_first(connection, head, keep), frozenset(tagged | _merge_bases(connection, head)))


def _first(connection: Connection, head: HeadRow, keep: Keep) -> int:
    if isinstance(keep, timedelta):
        try:
            since = datetime.now(UTC) - keep
        except OverflowError:  # before the year 1
            return 1
        return min(rows.version_at(connection, head.id, since) or 1, head.version)
    return max(1, head.version - keep + 1)


def _merge_bases(connection: Connection, head: HeadRow) -> set[int]:
    """Return the versions that other documents name as parents, which a merge with them needs.

    A version that a branch shares with a purged document is a version of the branch.
    """
    named: set[tuple[str, int]] = set()
    for id, text in rows.parent_texts(connection):
        if id != head.id:
            try:
                parent = Parent.from_json(loads(text))
            except (CodecError, PatchError):
                continue  # damaged, and not this document
            named.add((parent.id, parent.version))
    saved_in = lineage(parents_of(connection, head), head.id)
    ours = {(id, version) for id, version in named if version <= head.version and saved_in(version) == id}
    # Other documents' heads are not locked: two compactions would wait for each other.
    there = {id for id, _ in ours if paging.project_of(connection, id) is not None}
    return {version for id, version in named if id == head.id} | {version for id, version in ours if id not in there}


# --- the walk back ---------------------------------------------------------------------------------------------------


class _Walk:
    """A document taken back from version to version, and the pieces that changed since the last kept version."""

    def __init__(self, kind: Kind, state: State) -> None:
        self._named = kind
        self._document = Rollback(kind, state.pieces, state.digests)
        self.mark()

    @property
    def digest(self) -> str:
        """The document's digest as it is now."""
        return self._document.digest()

    def mark(self) -> None:
        """Make this version the one that ``changes`` lead back from."""
        self._from: dict[str, MaybeJSON] = {}
        self._from_kind = self._named.of(self._document.pieces[HEAD])

    def back(self, changes: Sequence[Change]) -> None:
        """Undo the changes of a version; as ``Rollback.undo``."""
        for path, body in self._document.undo(changes).items():
            self._from.setdefault(path, body)

    def changes(self) -> tuple[Change, ...]:
        """Return the changes that lead back to here from the marked version; their old values are those of here.

        Raises:
            PatchError: no changes lead back exactly.
        """
        pieces = self._document.pieces
        if not same_layout(self._named, pieces[HEAD], self._then()[HEAD]):
            # The layout differs: one change has the whole document of here.
            self._from = {**pieces, **self._from}
        then = {path: piece(path, body) for path, body in self._then().items() if path in self._from}
        here = {path: pieces[path] for path in self._from if path in pieces}
        changes = changeset_of(self._from_kind, here, then).changes
        self._check(changes)
        return changes

    def _then(self) -> dict[str, JSON]:
        """Return the head as it was at the marked version, and the parts that changed since, as they were there."""
        now = {HEAD: self._document.pieces[HEAD], **self._from}
        return {path: body for path, body in now.items() if not isinstance(body, Absent)}

    def _check(self, changes: Sequence[Change]) -> None:
        """Check that the changes lead back all together; for each piece alone this is known already."""
        is_whole = any(change.path == HEAD for change in changes)
        restored = rebuild(self._then(), self._named, [changes], partial=not is_whole)
        for path in self._from:
            found = piece(path, restored[path]).digest if path in restored else None
            if found != self._document.digests.get(path):
                raise PatchError("no change leads back to the version before it that stays", pointer=path)


class _Folding:
    """The history of one document, proved and folded in one walk from the newest version to the first."""

    def __init__(self, connection: Connection, head: HeadRow, wanted: _Wanted, tally: Tally) -> None:
        self._connection = connection
        self._head = head
        self._wanted = wanted
        self._tally = tally
        self._walk = _Walk(kind_named(head.kind), read(connection, head))
        self._kept: list[int] = []
        self._waiting: list[tuple[int, str, str]] = []
        self._folded = self._freed = 0
        self.oldest_folded: int | None = None

    def run(self) -> Compacted:
        """Fold the versions that need not stay.

        Raises:
            DamagedDocumentError: the history is not what was saved; the transaction is to be rolled back.
        """
        self._tally.begin(self._head.name)
        stays: sa.Row[Any] | None = None  # the last row seen that stays
        is_led = True  # whether its changes lead back to the next row that stays
        pending: tuple[Change, ...] = ()  # the changes of the last version seen that can be loaded
        for row, version in self._history():
            if not version.is_kept:
                if stays is None:
                    raise self._damaged(version.number, "it is the current version, and its changes are missing")
                continue
            if stays is not None:
                self._back(version, pending)
            if self._walk.digest != version.digest:
                raise self._damaged(version.number, "what is rebuilt has another digest")
            pending = version.changes
            if version.number not in self._wanted:
                self._fold(row)
                is_led = False
                continue
            if stays is not None and not is_led:
                self._lead(stays, self._walk.changes())
            self._kept.append(version.number)
            self._walk.mark()
            stays, is_led = row, True
        if stays is None or pending != _BEGIN:
            raise self._damaged(self._kept[-1], "its changes lead to a version before it, and none is kept")
        if not is_led:
            self._lead(stays, _BEGIN)
        self._write()
        head, kept = self._head, tuple(reversed(self._kept))
        whole = full_states.numbers(self._connection, head.id)
        full_states.delete(self._connection, head.id, set(whole).difference(kept))
        return Compacted(head.kind, head.name, head.version, kept, self._folded, max(0, self._freed))

    def _back(self, version: Version, changes: Sequence[Change]) -> None:
        try:
            self._walk.back(changes)
        except (PatchError, CodecError) as error:
            raise self._damaged(version.number, f"it cannot be rebuilt: {error}") from error

    def _fold(self, row: sa.Row[Any]) -> None:
        self._put(row, NOT_KEPT)
        self._folded += 1
        self.oldest_folded = row.version

    def _lead(self, row: sa.Row[Any], changes: Sequence[Change]) -> None:
        text = changes_text(changes)
        check_size(self._connection, self._head.name, f"version {row.version}", text.encode())
        self._put(row, text)

    def _put(self, row: sa.Row[Any], changes: str) -> None:
        """Replace the changes of *row* by *changes*, and keep the digest of those that were saved."""
        self._freed += len(row.changes) - len(changes)
        self._waiting.append((row.version, changes, row.folded or digest(row.changes.encode())))
        if changes != NOT_KEPT or len(self._waiting) >= _PAGE:
            self._write()

    def _write(self) -> None:
        rows.compact_versions(self._connection, self._head.id, self._waiting)
        self._waiting = []

    def _history(self) -> Iterator[tuple[sa.Row[Any], Version]]:
        """Yield each row of history with its version, newest first, proved to follow on the one before it.

        Raises:
            DamagedDocumentError: a row does not follow, or is missing.
        """
        before: int | None = None
        while page := history_rows(self._connection, self._head, before, _PAGE):
            yield from page
            self._tally.versions(len(page))
            before = page[-1][1].number

    def _damaged(self, number: int, problem: str) -> DamagedDocumentError:
        return DamagedDocumentError(self._head.name, where=f"version {number}", problem=problem)
