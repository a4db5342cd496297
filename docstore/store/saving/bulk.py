"""Save many objects: the new ones together, one transaction for each batch; those with local changes one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.engine import Connection

from docstore.codec.collector import collector_paused
from docstore.codec.locking import locked
from docstore.documents.arguments import checked_iterable, checked_number
from docstore.documents.document import Document
from docstore.documents.kinds import Kind
from docstore.errors import DatabaseError, InvalidValueError
from docstore.progress import Progress, Report, reporting
from docstore.sql import rows
from docstore.sql.reader import version_numbered
from docstore.sql.rows import AT_ONCE, live_versions
from docstore.sql.writer import New, Note, SavedMany
from docstore.store.context import StoreContext
from docstore.store.saving.after_commit import remember_many
from docstore.store.saving.local_changes import Encoding, local_changes_of
from docstore.store.saving.origins import origin_of
from docstore.store.saving.pipeline import save_encoded
from docstore.store.tracking import LoadedState

_ENOUGH: Final = 32 << 20
"""Bytes of text at which a batch is written, however few its objects are: it is kept in memory."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An object that was encoded, and the version that it was loaded from.

    Attributes:
        snapshot: ``Tracker.snapshot`` of the object, by which a save of another thread since is noticed.
        new: the document to insert, if it is a new one.
        changed: the document that the object was encoded to, if it has local changes. It waits for no other object.
    """

    obj: Any
    kind: Kind
    name: str
    origin: LoadedState | None
    snapshot: object
    new: New | None = None
    changed: Document | None = None


@dataclass(slots=True)
class Batch:
    """What is saved in one transaction: new documents to insert, and unchanged objects to look up."""

    objects: list[Encoded] = field(default_factory=list)
    _ids: set[int] = field(default_factory=set)
    _names: set[tuple[str, str]] = field(default_factory=set)
    _size: int = 0

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def new(self) -> list[tuple[Any, New]]:
        """The objects that make new documents, with these documents."""
        return [(each.obj, each.new) for each in self.objects if each.new]

    def add(self, encoded: Encoded) -> None:
        """Add an object."""
        self.objects.append(encoded)
        if encoded.new:
            self._ids.add(id(encoded.obj))
            self._names.add((encoded.kind.name, encoded.name))
            self._size += sum(len(each.text) for each in encoded.new.pieces)

    def holds(self, encoded: Encoded) -> bool:
        """Return whether it has that object, or a new document of that name: then this one has to come later."""
        return (encoded.kind.name, encoded.name) in self._names or id(encoded.obj) in self._ids

    def is_full(self, size: int) -> bool:
        """Return whether it is to be written now."""
        return len(self) >= size or self._size >= _ENOUGH


def save_many(context: StoreContext, objects: Iterable[Any], note: Note, batch: int, progress: bool | Report) -> int:
    """Save *objects*, at most *batch* in a transaction, and return how many there were; as ``Store.save_many``."""
    with reporting(progress, "documents") as report:
        return Bulk(context, note, report).save(objects, batch)


class Bulk:
    """One call of ``save_many``; ``saved`` counts the objects that are saved."""

    def __init__(self, context: StoreContext, note: Note, report: Report) -> None:
        self._context, self._note, self._report = context, note, report
        self._mapper = context.mapper()
        self._total: int | None = None
        self.saved = 0

    def save(self, objects: Iterable[Any], size: int) -> int:
        """Save *objects*, at most *size* in a transaction, and return how many there were.

        Raises:
            InvalidValueError: *objects* is not an iterable of objects, or *size* is out of range.
            BaseException: whatever an object, the database or the iterator raises, with ``saved`` and a note.
        """
        batch, given = Batch(), iter(_checked(objects, size))
        self._total = len(objects) if isinstance(objects, Sized) else None
        try:
            for obj in given:
                batch = self._with(obj, batch)
                if batch.is_full(size):
                    batch = self._write(batch)
            self._write(batch)
        except BaseException as error:
            _add_saved(error, self.saved)
            raise
        return self.saved

    def _with(self, obj: Any, batch: Batch) -> Batch:
        """Return the batch with *obj* in it, or a later one."""
        encoded = self._encoded(obj)
        if batch.holds(encoded):
            batch = self._write(batch)
            encoded = self._encoded(obj)
        if encoded.changed is None:
            batch.add(encoded)
            return batch
        # It is merged with what others saved, and locks its document: not while a thousand others wait to be written.
        batch = self._write(batch)
        self._save_alone(encoded)
        return batch

    def _encoded(self, obj: Any) -> Encoded:
        """Encode *obj* as it is now. Its lock is released: the iterator of objects may wait for other threads."""
        context = self._context
        self._mapper.kind_of(obj)
        with locked(obj), collector_paused():
            document = self._mapper.document(obj)
            kind, name = document.kind, document.name
            origin = origin_of(context, obj, kind, name)
            snapshot = context.tracker.snapshot(obj)
            if origin is None:
                new = New.of(context.tracker.try_first(obj, name), document)
                return Encoded(obj, kind, name, origin, snapshot, new)
            is_changed = local_changes_of(document, origin).paths or origin.behind
            return Encoded(obj, kind, name, origin, snapshot, changed=document if is_changed else None)

    def _is_current(self, encoded: Encoded) -> bool:
        return self._context.tracker.snapshot(encoded.obj) == encoded.snapshot

    def _save_alone(self, encoded: Encoded) -> None:
        """Save an object by itself, encoded again if another thread saved it since."""
        obj, document, origin = encoded.obj, encoded.changed, encoded.origin
        with locked(obj):
            if document is None or not self._is_current(encoded):
                document = self._mapper.document(obj)
                origin = origin_of(self._context, obj, document.kind, document.name)
            save_encoded(self._context, obj, Encoding(document), origin, "merge", self._note)
        self.saved += 1
        self._tell(document.name)

    def _write(self, batch: Batch) -> Batch:
        """Write *batch*, and return an empty one."""
        new = [each for each in batch.objects if each.new]
        with locked(*(each.obj for each in new)):
            is_current = all(map(self._is_current, new))
            if new and is_current:
                self._insert(batch)
        if not is_current:
            for each in batch.objects:
                self._save_alone(each)
        elif batch.objects and not new:
            with self._context.transactions.reading() as connection:
                self._look_up(connection, batch)
            self.saved += len(batch)
        if is_current and batch.objects:
            self._tell(batch.objects[-1].name)
        return Batch()

    def _tell(self, last: str) -> None:
        self._report(Progress(self.saved, self._total, last))

    def _insert(self, batch: Batch) -> None:
        documents = [new for _, new in batch.new]

        def work(connection: Connection) -> SavedMany:
            self._look_up(connection, batch)
            return self._context.writer.create_many(connection, documents, self._note)

        def is_committed(connection: Connection, saved: SavedMany) -> bool:
            return rows.chain_of(connection, documents[0].id, 1) == saved.versions[0].chain

        with self._context.transactions.committed(work, is_committed) as saved:
            remember_many(self._context, self._mapper, batch.new, saved)
            self.saved += len(batch)

    def _look_up(self, connection: Connection, batch: Batch) -> None:
        """Check that documents are there in the version that their unchanged objects came from, as ``save`` does."""
        same = [(each.origin, each) for each in batch.objects if each.origin]
        stored = live_versions(connection, {origin.id for origin, _ in same})
        for origin, each in same:
            if stored.get(origin.id, 0) < origin.version:
                head = self._context.transactions.live_head(connection, origin.id, each.kind, each.name)
                version_numbered(connection, head, origin.version)


def _checked(objects: Iterable[Any], size: int) -> Iterable[Any]:
    checked_number("batch", size, least=1, most=AT_ONCE)
    if isinstance(objects, Mapping):
        remedy = "save_many takes an iterable of objects; a dict gives its keys. Give its values(), if you mean them."
        raise InvalidValueError("objects", objects, remedy)
    return checked_iterable("objects", objects, "save_many([experiment])")


def _add_saved(error: BaseException, saved: int) -> None:
    """Add to *error* how many objects are saved: as ``saved``, for a program, and in a note for a person."""
    at_least = "at least " if isinstance(error, DatabaseError) and error.committing else ""
    note = f"save_many: the first {at_least}{saved:,} objects are saved, and none after them."
    # An error of the user's own class may have slots.
    with contextlib.suppress(AttributeError):
        error.saved = saved  # type: ignore[attr-defined]  # of whatever class it is
    error.add_note(note)
