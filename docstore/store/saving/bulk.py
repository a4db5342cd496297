"""Save many objects: new ones together, a batch in one transaction; those with local changes one by one, by ``save``.

A new document that was encoded waits in the batch without the lock of its object. An object with local changes is
encoded and written while its lock is held, as others could change and save it in between; the batch before it is
written first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.engine import Connection

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
from docstore.store.saving import pipeline
from docstore.store.saving.after_commit import remember_many, remember_unchanged
from docstore.store.saving.pipeline import is_nothing_to_save, save_changes, whole_to_save
from docstore.store.tracking import LoadedState

_ENOUGH: Final = 32 << 20
"""Bytes of text at which a batch is written, however few its objects are: it is kept in memory."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An object that is saved together with others.

    Attributes:
        state: the version that it came from, and is as it was; None if it makes a new document.
        new: that document.
    """

    obj: Any
    kind: Kind
    name: str
    state: LoadedState | None = None
    new: New | None = None


@dataclass(slots=True)
class Batch:
    """What is saved in one transaction: new documents to insert, and unchanged objects to look up."""

    objects: list[Waiting] = field(default_factory=list)
    _ids: set[int] = field(default_factory=set)
    _names: set[tuple[str, str]] = field(default_factory=set)
    _size: int = 0

    def __len__(self) -> int:
        return len(self.objects)

    @property
    def new(self) -> list[tuple[Any, New]]:
        """The objects that make new documents, with these documents."""
        return [(each.obj, each.new) for each in self.objects if each.new]

    def add(self, waiting: Waiting) -> None:
        """Add an object."""
        self.objects.append(waiting)
        if waiting.new:
            self._ids.add(id(waiting.obj))
            self._names.add((waiting.kind.name, waiting.name))
            self._size += sum(len(each.text) for each in waiting.new.pieces)

    def holds(self, obj: Any, document: Document) -> bool:
        """Return whether it has *obj*, or a new document with the name of *document*, to insert."""
        return (document.kind.name, document.name) in self._names or id(obj) in self._ids

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
        """Return the batch with *obj* in it; or an empty one, if *obj* was saved by itself, after the batch.

        The lock of *obj* is released while it waits in the batch: the iterator of objects may wait for other threads.
        It is released, too, while a batch is written before *obj*, which is encoded again after that.
        """
        context = self._context
        with context.locked(obj):
            document, save = whole_to_save(context, obj, "merge")
            kind, name, is_saved = document.kind, document.name, False
            if save is None:
                if not batch.holds(obj, document):
                    batch.add(Waiting(obj, kind, name, new=New.of(context.tracker.try_first(obj, name), document)))
                    return batch
            elif is_nothing_to_save(save):
                remember_unchanged(context, save)
                batch.add(Waiting(obj, kind, name, save.state))
                return batch
            elif not batch.objects:
                save_changes(context, save, self._note)
                self.saved += 1
                is_saved = True
        # It is merged with what others saved, and locks its document: not while a thousand others wait to be written.
        if not is_saved:
            return self._with(obj, self._write(batch))
        self._tell(name)
        return batch

    def _write(self, batch: Batch) -> Batch:
        """Write *batch*, and return an empty one; object by object, if another thread saved a new one of them since."""
        new = [obj for obj, _ in batch.new]
        with locked(*new):
            is_new = all(self._context.tracker.get(obj) is None for obj in new)
            if new and is_new:
                self._insert(batch)
        if not is_new:
            for each in batch.objects:
                pipeline.save(self._context, each.obj, self._note, "merge")
                self.saved += 1
                self._tell(each.name)
        elif batch.objects:
            if not new:
                with self._context.transactions.reading() as connection:
                    self._look_up(connection, batch)
                self.saved += len(batch)
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
        same = [(each.state, each) for each in batch.objects if each.state]
        stored = live_versions(connection, {state.id for state, _ in same})
        for state, each in same:
            if stored.get(state.id, 0) < state.version:
                head = self._context.transactions.live_head(connection, state.id, each.kind, each.name)
                version_numbered(connection, head, state.version)


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
