"""The context of a store: its database, the classes of this process, what objects were loaded from, and who saves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.engine import Connection

from docstore.codec import Codec
from docstore.codec.core import Unknown
from docstore.codec.live.live_object import LiveObject
from docstore.codec.locking import locked
from docstore.codec.mapper import Mapper
from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.history import Version
from docstore.errors import InvalidValueError
from docstore.registry.bundle import RegistryBundle, mapper_of
from docstore.sql.enum_codes import EnumCodes
from docstore.sql.transactions import Transactions
from docstore.sql.writer import Note, Saved, Writer
from docstore.store.tracking import LoadedState, Tracker, origins_in

_ELSEWHERE: Final = 7
"""In how many other databases an object says what it came from; what it was saved to longest ago is left out."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class StoreContext:
    """What every function of a store is given.

    Attributes:
        transactions: reads and writes of the project in its database.
        writer: writes documents and their versions.
        codes: the integers of types and statuses.
        tracker: which stored version each object in memory came from.
        raw: decodes tagged JSON values; knows no classes.
        bundle: the user's own classes, or None.
        unknown: what ``load`` does with a class that is not registered.
        author: who saves, unless a call says so.
    """

    transactions: Transactions
    writer: Writer
    codes: EnumCodes
    tracker: Tracker
    raw: Codec
    bundle: RegistryBundle | None
    unknown: Unknown
    author: str

    @property
    def project(self) -> str:
        """The project whose documents are read and written."""
        return self.transactions.project

    def mapper(self, unknown: Unknown = "error") -> Mapper:
        """Return the mapper of the classes that are registered now.

        Raises:
            RegistryError: a class is registered wrongly.
            InvalidValueError: *unknown* is neither ``"error"`` nor ``"keep"``.
        """
        if isinstance(unknown, str) and unknown == "members":
            raise InvalidValueError("unknown", unknown, "Use 'error' or 'keep': such objects could not be saved again.")
        return mapper_of(self.bundle, unknown=unknown)

    def kind_name(self, kind: str | type) -> str:
        """Return the name of *kind*; for a class, of the kind of document that its objects are.

        Raises:
            InvalidValueError: objects of the class are no documents.
        """
        if not isinstance(kind, type):
            return kind
        entry = self.mapper().codec.registry.of_class(kind)
        if entry is None or entry.kind is None:
            raise InvalidValueError(
                "kind", kind, "Give a class that is decorated with @docstore.document(kind=...), or the kind as a text."
            )
        return entry.kind.name

    def note(self, message: str, author: str | None) -> Note:
        """Return the author and the message of a save, checked."""
        who = checked_text("author", self.author if author is None else author, LONGEST_NAME)
        return Note(who, checked_text("message", message, shortest=0))

    def locked(self, obj: Any) -> AbstractContextManager[None]:
        """Lock *obj* in the block, so that no other thread saves it.

        Raises:
            EncodeError: *obj* is not a document.
            ObjectBusyError: this thread is inside a save of *obj*; or another thread has the lock, and this one is
                inside a save of another object and must not wait.
        """
        self.mapper().kind_of(obj)
        return locked(obj)

    def committed(self, work: Callable[[Connection], Saved]) -> Version:
        """Return the version that *work* writes in a transaction of its own, once it is committed."""
        with self.transactions.saved(work) as saved:
            self.codes.learn(saved.codes)
        return saved.version

    def remember(self, obj: Any, state: LoadedState, mapper: Mapper) -> None:
        """Remember that *obj* came from *state*, also for its copies and pickles."""
        before = self.tracker.get(obj)
        if before is not state:
            self.tracker.set(obj, state)
        state.origin = state.as_origin()
        stale = {state.id, state.id if before is None else before.id}
        elsewhere = [each for each in origins_in(obj) if each.id not in stale]
        LiveObject(mapper, obj).mark_origin((state.origin, *elsewhere[:_ELSEWHERE]))
