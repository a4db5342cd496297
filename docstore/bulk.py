"""Many objects saved: the new ones together, in one transaction for each batch, and those that are known as ever."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.access import Access
from docstore.coding import Codes
from docstore.digests import DigestTree
from docstore.documents import Document, Documents
from docstore.errors import ConnectionLostError, InvalidValueError
from docstore.kinds import Kind
from docstore.living import AT_ONCE, living_versions
from docstore.mine import Mine, mine_whole
from docstore.origins import Origin, Origins
from docstore.reader import version_numbered
from docstore.writer import New, Note, SavedMany, Writer

_ENOUGH: Final = 32 << 20
"""Bytes of text at which a batch is written, however few its objects are: it stands in memory."""


@dataclass(slots=True)
class Batch:
    """What is to be saved in one transaction: new documents, and objects to be found as they were saved."""

    objects: list[Any] = field(default_factory=list)
    new: list[New] = field(default_factory=list)
    same: list[tuple[Origin, Kind, str]] = field(default_factory=list)
    _ids: set[int] = field(default_factory=set)
    _names: set[tuple[str, str]] = field(default_factory=set)
    _size: int = 0

    def __len__(self) -> int:
        return len(self.new) + len(self.same)

    def add(self, obj: Any, new: New) -> None:
        """Add a document that is to be inserted, and the object that it was made of."""
        self.objects.append(obj)
        self.new.append(new)
        self._ids.add(id(obj))
        self._names.add((new.document.kind.name, new.document.name))
        self._size += sum(len(each.text) for each in new.document.pieces.values())

    def holds(self, obj: Any, document: Document) -> bool:
        """Return whether it has *obj* itself, or a new document of that name: one can only come after the other."""
        return (document.kind.name, document.name) in self._names or id(obj) in self._ids

    def is_full(self, size: int) -> bool:
        """Return whether it is to be written now."""
        return len(self) >= size or self._size >= _ENOUGH


class Bulk:
    """Saves many objects, once; ``saved`` counts those that are.

    Args:
        origin_of: gives where an object of some name came from.
        save_known: saves an object that came from the database and was changed, and brings it up to what is stored.
    """

    def __init__(
        self,
        access: Access,
        writer: Writer,
        codes: Codes,
        origins: Origins,
        documents: Documents,
        note: Note,
        *,
        origin_of: Callable[[Any, str], Origin | None],
        save_known: Callable[[Any, Origin, Mine, Note], object],
    ) -> None:
        self._access, self._writer, self._codes, self._origins = access, writer, codes, origins
        self._documents, self._note, self._origin_of, self._save_known = documents, note, origin_of, save_known
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
                batch = self._taken(obj, batch)
                if batch.is_full(size):
                    batch = self._written(batch)
            self._written(batch)
        except BaseException as error:
            _tell(error, self.saved)
            raise
        return self.saved

    def _taken(self, obj: Any, batch: Batch) -> Batch:
        """Return the batch with *obj* in it, or a later one."""
        document = self._documents.document(obj)
        if batch.holds(obj, document):
            batch = self._written(batch)
        origin = self._origin_of(obj, document.name)
        if origin is None:
            digests = DigestTree({path: each.digest for path, each in document.pieces.items()})
            batch.add(obj, New(self._origins.try_first(obj, document.name), document, digests))
            return batch
        mine = mine_whole(document, origin)
        if not mine.paths and not origin.behind:
            batch.same.append((origin, document.kind, document.name))
            return batch
        # It takes its turn at its document, and on what others saved: not while a thousand others wait to be written.
        batch = self._written(batch)
        self._save_known(obj, origin, mine, self._note)
        self.saved += 1
        return batch

    def _written(self, batch: Batch) -> Batch:
        """Write *batch*, and return an empty one."""
        if batch.new:
            self._insert(batch)
        elif batch.same:
            with self._access.reading() as connection:
                self._find(connection, batch.same)
            self.saved += len(batch)
        return Batch()

    def _insert(self, batch: Batch) -> None:
        def work(connection: Connection) -> SavedMany:
            self._find(connection, batch.same)
            return self._writer.create_many(connection, batch.new, self._note)

        def landed(connection: Connection, done: SavedMany) -> bool:
            return rows.chain_of(connection, batch.new[0].id, 1) == done.versions[0].chain

        self._access.writing(work, landed, lambda done: self._learn(batch, done))

    def _learn(self, batch: Batch, done: SavedMany) -> None:
        self._codes.learn(done.codes)
        for obj, new in zip(batch.objects, batch.new, strict=True):
            self._origins.set(obj, Origin(new.id, new.document.name, 1, new.digests))
        self.saved += len(batch)

    def _find(self, connection: Connection, same: Sequence[tuple[Origin, Kind, str]]) -> None:
        """Look whether documents are there in the version that their unchanged objects came from, as ``save`` does."""
        stored = living_versions(connection, {origin.id for origin, *_ in same})
        for origin, kind, name in same:
            if stored.get(origin.id, 0) < origin.version:
                head = self._access.living(connection, origin, kind, name)
                version_numbered(connection, head, origin.version)


def _checked(objects: Iterable[Any], size: int) -> Iterable[Any]:
    if type(size) is not int or not 1 <= size <= AT_ONCE:
        raise InvalidValueError("batch", size, f"Give how many to save in one transaction, from 1 to {AT_ONCE:,}.")
    if isinstance(objects, str) or not isinstance(objects, Iterable):
        raise InvalidValueError("objects", objects, "Give several, as in save_many([experiment]).")
    return objects


def _tell(error: BaseException, saved: int) -> None:
    """Say in *error* how many objects are saved: as ``saved``, for a program, and in a note for a person."""
    at_least = "at least " if isinstance(error, ConnectionLostError) and error.committing else ""
    note = f"save_many: the first {at_least}{saved:,} objects are saved, and none after them."
    # One of a stranger's may have slots.
    with contextlib.suppress(AttributeError):
        error.saved = saved  # type: ignore[attr-defined]  # of whatever class it is
    error.add_note(note)
