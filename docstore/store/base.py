"""What every part of a store has: its database, its project, the classes of this process, and who saves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum
from typing import Any, Self

from sqlalchemy.engine import Connection, Engine

from docstore import model, registry
from docstore.codec import Codec
from docstore.codec.core import Unknown
from docstore.codec.locking import locked
from docstore.codec.mapper import Mapper, origin_mark
from docstore.codec.registry import Registry
from docstore.documents.arguments import LONGEST_NAME, checked_enum, checked_text
from docstore.documents.kinds import Kind
from docstore.errors import InvalidValueError, NameChangedError
from docstore.registry.bundle import RegistryBundle, mapper_of
from docstore.sql.context import StoreContext, os_user
from docstore.sql.dialects import checked_engine, shown
from docstore.sql.enum_codes import EnumCodes
from docstore.sql.paging import project_of
from docstore.sql.rows import head_of
from docstore.sql.writer import Note, Saved, Writer
from docstore.store.saving import made_unseen
from docstore.store.tracking import LoadedState, Tracker


class Base:
    """A project of a database, opened; ``Store`` says what the arguments are."""

    def __init__(
        self,
        engine: Engine,
        *,
        project: str = "default",
        bundle: RegistryBundle | None = None,
        experiment_type_enum: type[Enum] | None = None,
        generator_run_type_enum: type[Enum] | None = None,
        author: str | None = None,
        unknown: Unknown = "error",
        origins: Tracker | None = None,
    ) -> None:
        enums: dict[str, type[Enum]] = {"trial_status": model.TrialStatus, "experiment_status": model.ExperimentStatus}
        if experiment_type_enum is not None:
            enums["experiment_type"] = checked_enum(experiment_type_enum, "experiment_type_enum")
        if generator_run_type_enum is not None:
            enums["generator_run_type"] = checked_enum(generator_run_type_enum, "generator_run_type_enum")
        self.engine = checked_engine(engine)
        self.project = checked_text("project", project, 100)
        self._access = StoreContext(engine, self.project)
        self.author = checked_text("author", os_user() if author is None else author, LONGEST_NAME)
        self._bundle, self._unknown = bundle, unknown
        self._raw = Codec(Registry(), unknown="members")
        self._documents(unknown)  # what is registered wrongly is told now
        registry.check()
        self._codes = EnumCodes(enums)
        self._writer = Writer(self.project, self._codes)
        self._origins = origins or Tracker()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.engine.url)!r}, project={self.project!r})"

    def close(self) -> None:
        """Close the connections to the database, as a ``with`` block does at its end; a later call opens new ones."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _documents(self, unknown: Unknown = "error") -> Mapper:
        """Return the maker of documents of the classes that are registered now."""
        if isinstance(unknown, str) and unknown == "members":
            raise InvalidValueError("unknown", unknown, "Use 'error' or 'keep': such objects could not be saved again.")
        return mapper_of(self._bundle, unknown=unknown)

    def _write(self, work: Callable[[Connection], Saved], learn: Callable[[Saved], None] = lambda saved: None) -> Saved:
        saved = self._access.saving(work, learn)
        self._codes.learn(saved.codes)
        return saved

    def _locked(self, obj: Any) -> AbstractContextManager[None]:
        """Lock *obj* in the block, so that no other thread saves it.

        Raises:
            EncodeError: *obj* is not a document.
            ObjectBusyError: this thread is inside a save of *obj*; or another thread has the lock, and this one is
                inside a save of another object and must not wait.
        """
        self._documents().kind_of(obj)
        return locked(obj)

    def _origin_of(self, obj: Any, kind: Kind, name: str) -> LoadedState | None:
        """Return where *obj* came from, or None if it makes a new document.

        Raises:
            NameChangedError: *name* is not that of the document that *obj*, or the object it is a copy of, came from.

        Cost:
            A SELECT if the name was changed, or *obj* is a copy.
        """
        origin = self._origins.get(obj)
        if origin is None or origin.name != name:
            origin = self._made_unseen(obj, origin) or origin
        if origin is not None and origin.name == name:
            return origin
        id = origin_mark(obj) if origin is None else origin.id
        if id is None:
            return None
        with self._access.reading() as connection:
            head = head_of(connection, id)
            if origin is None and (head is None or head.deleted_at or project_of(connection, id) != self.project):
                return None  # a copy of an object of another database or project
        called = head.name if head is not None else name if origin is None else origin.name
        if called != name:
            raise NameChangedError(called, name, kind=kind.name, may_be_copy=origin is None)
        return origin

    def _remember(self, obj: Any, origin: LoadedState, documents: Mapper) -> None:
        self._origins.set(obj, origin)
        documents.mark_origin(obj, origin.id)

    def _made_unseen(self, obj: Any, known: LoadedState | None) -> LoadedState | None:
        """Return where *obj* was saved by a call that was interrupted before it knew; None if it was not.

        Args:
            known: where it came from before that call, which made a new document of it.
        """
        tried = self._origins.tried(obj)
        if tried is None or (known is not None and known.id == tried[1]):
            return None
        with self._access.reading() as connection:
            made = made_unseen(connection, tried[1])
        if made is not None:
            self._remember(obj, made, self._documents())
        return made

    def _note(self, message: str, author: str | None) -> Note:
        who = checked_text("author", self.author if author is None else author, LONGEST_NAME)
        return Note(who, checked_text("message", message, shortest=0))
