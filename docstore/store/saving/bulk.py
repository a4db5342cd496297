"""Many objects saved: the new ones together, in one transaction for each batch, and those that are known as ever."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.engine import Connection

from docstore.codec.locking import locked
from docstore.documents.arguments import checked_iterable, checked_number
from docstore.documents.digests import DigestTree
from docstore.documents.document import Document
from docstore.errors import DatabaseError
from docstore.sql import rows
from docstore.sql.reader import version_numbered
from docstore.sql.rows import AT_ONCE, living_versions
from docstore.sql.writer import New, Note, SavedMany
from docstore.store.context import StoreContext
from docstore.store.saving.local_changes import local_changes_of
from docstore.store.saving.origins import origin_of
from docstore.store.saving.pipeline import save_encoded
from docstore.store.tracking import LoadedState

_ENOUGH: Final = 32 << 20
"""Bytes of text at which a batch is written, however few its objects are: it stands in memory."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An object, the document that it was encoded to, and the version that it was loaded from.

    Attributes:
        snapshot: ``Tracker.snapshot`` of the object, by which a save of another thread since is noticed.
        new: the document to insert, if it is a new one.
        is_same: whether the object has no local changes.
    """

    obj: Any
    document: Document
    origin: LoadedState | None
    snapshot: object
    new: New | None
    is_same: bool


@dataclass(slots=True)
class Batch:
    """What is to be saved in one transaction: new documents, and objects to be found as they were saved."""

    taken: list[Taken] = field(default_factory=list)
    _ids: set[int] = field(default_factory=set)
    _names: set[tuple[str, str]] = field(default_factory=set)
    _size: int = 0

    def __len__(self) -> int:
        return len(self.taken)

    @property
    def new(self) -> list[New]:
        """The documents that are to be inserted."""
        return [each.new for each in self.taken if each.new]

    def add(self, taken: Taken) -> None:
        """Add an object."""
        self.taken.append(taken)
        if taken.new:
            self._ids.add(id(taken.obj))
            self._names.add((taken.document.kind.name, taken.document.name))
            self._size += sum(len(each.text) for each in taken.document.pieces.values())

    def holds(self, obj: Any, document: Document) -> bool:
        """Return whether it has *obj* itself, or a new document of that name: one can only come after the other."""
        return (document.kind.name, document.name) in self._names or id(obj) in self._ids

    def is_full(self, size: int) -> bool:
        """Return whether it is to be written now."""
        return len(self) >= size or self._size >= _ENOUGH


class Bulk:
    """Saves many objects, once; ``saved`` counts those that are."""

    def __init__(self, context: StoreContext, note: Note) -> None:
        self._context, self._note = context, note
        self._mapper = context.mapper()
        self.saved = 0

    def save(self, objects: Iterable[Any], size: int) -> int:
        """Save *objects*, so many of them in a transaction, and return how many there were.

        Raises:
            InvalidValueError: *objects* are none, or *size* is no such number.
            BaseException: whatever one of them, the database, or whoever gives them raises, with ``saved`` and a note.
        """
        batch, given = Batch(), iter(_checked(objects, size))
        try:
            for obj in given:
                batch = self._added(obj, batch)
                if batch.is_full(size):
                    batch = self._written(batch)
            self._written(batch)
        except BaseException as error:
            _tell(error, self.saved)
            raise
        return self.saved

    def _added(self, obj: Any, batch: Batch) -> Batch:
        """Return the batch with *obj* in it, or a later one."""
        taken = self._taken(obj)
        if batch.holds(obj, taken.document):
            batch = self._written(batch)
            taken = self._taken(obj)
        if taken.new or taken.is_same:
            batch.add(taken)
            return batch
        # It takes its turn at its document, and on what others saved: not while a thousand others wait to be written.
        batch = self._written(batch)
        self._save_alone(taken)
        return batch

    def _taken(self, obj: Any) -> Taken:
        """Encode *obj* as it is now. Its lock is released: the iterator of objects may wait for other threads."""
        self._mapper.kind_of(obj)
        with locked(obj):
            document = self._mapper.document(obj)
            origin = origin_of(self._context, obj, document.kind, document.name)
            snapshot = self._context.tracker.snapshot(obj)
            if origin is not None:
                is_same = not local_changes_of(document, origin).paths and not origin.behind
                return Taken(obj, document, origin, snapshot, None, is_same)
            digests = DigestTree({path: each.digest for path, each in document.pieces.items()})
            new = New(self._context.tracker.try_first(obj, document.name), document, digests)
            return Taken(obj, document, None, snapshot, new, is_same=False)

    def _is_current(self, taken: Taken) -> bool:
        return self._context.tracker.snapshot(taken.obj) == taken.snapshot

    def _save_alone(self, taken: Taken) -> None:
        """Save an object by itself, encoded again if another thread saved it since."""
        with locked(taken.obj):
            document, origin = taken.document, taken.origin
            if not self._is_current(taken):
                document = self._mapper.document(taken.obj)
                origin = origin_of(self._context, taken.obj, document.kind, document.name)
            save_encoded(self._context, taken.obj, document, origin, "merge", self._note)
        self.saved += 1

    def _written(self, batch: Batch) -> Batch:
        """Write *batch*, and return an empty one."""
        added = [each for each in batch.taken if each.new]
        with locked(*(each.obj for each in added)):
            is_current = all(map(self._is_current, added))
            if added and is_current:
                self._insert(batch)
        if not is_current:
            for each in batch.taken:
                self._save_alone(each)
        elif batch.taken and not added:
            with self._context.transactions.reading() as connection:
                self._find(connection, batch)
            self.saved += len(batch)
        return Batch()

    def _insert(self, batch: Batch) -> None:
        new = batch.new

        def work(connection: Connection) -> SavedMany:
            self._find(connection, batch)
            return self._context.writer.create_many(connection, new, self._note)

        def landed(connection: Connection, done: SavedMany) -> bool:
            return rows.chain_of(connection, new[0].id, 1) == done.versions[0].chain

        self._context.transactions.writing(work, landed, lambda done: self._learn(batch, done))

    def _learn(self, batch: Batch, done: SavedMany) -> None:
        self._context.codes.learn(done.codes)
        for obj, new in ((each.obj, each.new) for each in batch.taken if each.new):
            self._context.remember(obj, LoadedState(new.id, new.document.name, 1, new.digests), self._mapper)
        self.saved += len(batch)

    def _find(self, connection: Connection, batch: Batch) -> None:
        """Look whether documents are there in the version that their unchanged objects came from, as ``save`` does."""
        same = [(each.origin, each.document) for each in batch.taken if each.origin]
        stored = living_versions(connection, {origin.id for origin, _ in same})
        for origin, document in same:
            if stored.get(origin.id, 0) < origin.version:
                head = self._context.transactions.living(connection, origin.id, document.kind, document.name)
                version_numbered(connection, head, origin.version)


def save_many(context: StoreContext, objects: Iterable[Any], note: Note, batch: int) -> int:
    """Save many objects, and return how many there were; as ``Store.save_many``."""
    return Bulk(context, note).save(objects, batch)


def _checked(objects: Iterable[Any], size: int) -> Iterable[Any]:
    checked_number("batch", size, least=1, most=AT_ONCE)
    return checked_iterable("objects", objects, "save_many([experiment])")


def _tell(error: BaseException, saved: int) -> None:
    """Say in *error* how many objects are saved: as ``saved``, for a program, and in a note for a person."""
    at_least = "at least " if isinstance(error, DatabaseError) and error.committing else ""
    note = f"save_many: the first {at_least}{saved:,} objects are saved, and none after them."
    # One of a stranger's may have slots.
    with contextlib.suppress(AttributeError):
        error.saved = saved  # type: ignore[attr-defined]  # of whatever class it is
    error.add_note(note)
