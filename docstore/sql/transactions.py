"""Transactions on one project, retried after a lost race or a lost connection; and documents found by name in them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Final, Protocol, TypeVar

from sqlalchemy.engine import Connection, Engine

from docstore.documents.arguments import checked_key
from docstore.documents.history import Version
from docstore.documents.kinds import Kind, kind_named
from docstore.errors import (
    CHANGES_UNKNOWN,
    NOTHING_CHANGED,
    ConnectionLostError,
    DamagedDocumentError,
    DatabaseError,
    DocstoreError,
    DocumentExistsError,
    DocumentNotFoundError,
    FileReplacedError,
    RaceLostError,
    StoreClosedError,
    StoreError,
    called,
)
from docstore.sql import rows
from docstore.sql.dialects import backoff, shown, transaction
from docstore.sql.interrupts import Deferral, deferring
from docstore.sql.not_found import not_deleted, not_found
from docstore.sql.reader import State, read, read_version
from docstore.sql.rows import HeadRow
from docstore.sql.version_names import chosen_version

_TRIES: Final = 20
"""How often a write that lost a race is tried; each try starts from what the winner wrote."""


class Stored(Protocol):
    """A version of a document that was written."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> Version: ...


T = TypeVar("T")
S = TypeVar("S", bound=Stored)


class Transactions:
    """Reads and writes of one project in one database, each in a transaction, and the documents in it by name."""

    def __init__(self, engine: Engine, project: str) -> None:
        self.engine = engine
        self.project = project
        self._is_closed = False

    def __str__(self) -> str:
        return f"the store on {shown(self.engine.url)}, project {self.project!r},"

    def close(self) -> None:
        """Refuse each further transaction; one that has begun ends as usual."""
        self._is_closed = True

    def check_open(self) -> None:
        """Refuse a call of a store that was closed.

        Raises:
            StoreClosedError: it was.
        """
        if self._is_closed:
            raise StoreClosedError(str(self))

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection to read from; it sees one state of the database until the block ends."""
        self.check_open()
        return transaction(self.engine, write=False)

    def saved(self, work: Callable[[Connection], S]) -> AbstractContextManager[S]:
        """As ``committed``, for *work* that writes one version."""
        return self.committed(work, is_stored)

    def writing(self, work: Callable[[Connection], T], is_committed: Callable[[Connection, T], bool]) -> T:
        """As ``committed``, with no block: return what *work* returns, once it is committed."""
        with self.committed(work, is_committed) as done:
            return done

    @contextmanager
    def committed(self, work: Callable[[Connection], T], is_committed: Callable[[Connection, T], bool]) -> Iterator[T]:
        """Run *work* in a transaction of its own; after the COMMIT, give what it returned.

        Ctrl-C waits from the COMMIT to the end of the block, so that no object is saved without knowing its version.
        *work* is called again if another writer was first, and once more if the connection was lost and nothing was
        committed.

        Args:
            is_committed: returns whether the result of *work* is in the database. It is called if the connection was
                lost in the COMMIT, which may have reached the server, or may still reach it.

        Raises:
            RaceLostError: other writers were first in every try.
            DamagedDocumentError: every try was refused, as a row of ``names`` without a document has the name.
            ConnectionLostError: the connection was lost again; the error says whether anything may have changed.
            StoreClosedError: the store was closed.
        """
        self.check_open()
        with deferring() as interrupts:
            done = self._retried(work, is_committed, interrupts)
            interrupts.begin()
            yield done

    def _retried(
        self, work: Callable[[Connection], T], is_committed: Callable[[Connection, T], bool], interrupts: Deferral
    ) -> T:
        """Run *work* in a transaction, again after each lost race, and once more after a lost connection."""
        done: list[T] = []  # what *work* returned last

        def attempt() -> T:
            with transaction(self.engine, write=True) as connection:
                done[:] = [work(connection)]
                interrupts.begin()
            return done[0]

        try:
            return self._raced(attempt, interrupts, [])
        except FileReplacedError:
            raise  # another try would fail in the same way
        except DatabaseError as error:
            if not (error.committing or isinstance(error, ConnectionLostError)):
                raise
            unsure = done[:] if error.committing else []

        def again() -> T:
            if self._was_committed(is_committed, unsure):
                return unsure[0]
            try:
                return attempt()
            except (RaceLostError, FileReplacedError):
                raise
            except DatabaseError as error:
                raise _lost(error, unsure=bool(unsure) or error.committing) from error
            except DocstoreError:
                # The cause may be this call's own write: a COMMIT that has reached the server since.
                if self._was_committed(is_committed, unsure):
                    return unsure[0]
                raise

        return self._raced(again, interrupts, unsure)

    def _raced(self, attempt: Callable[[], T], interrupts: Deferral, unsure: Sequence[T]) -> T:
        """Return the result of *attempt*, which is called again whenever another writer was first.

        Args:
            unsure: what was written before by a COMMIT that was not answered.
        """
        for number in range(_TRIES):
            interrupts.end()
            try:
                return attempt()
            except RaceLostError as error:
                if number == _TRIES - 1:
                    if not unsure:
                        self._check_names()
                    raise _refused(error, unsure=bool(unsure)) from error
                if number:
                    backoff(number)
        raise AssertionError("the loop returns or raises")

    def _was_committed(self, is_committed: Callable[[Connection, T], bool], unsure: Sequence[T]) -> bool:
        """Return whether the write whose COMMIT was not answered is in the database.

        Raises:
            ConnectionLostError: the database cannot be read either.
        """
        if not unsure:
            return False
        try:
            with self.reading() as connection:
                return is_committed(connection, unsure[0])
        except StoreError as error:
            problem = (
                f"the connection was lost in the COMMIT, and reading whether it was done failed: {_problem(error)}"
            )
            raise ConnectionLostError(problem, changes=CHANGES_UNKNOWN) from error

    def _check_names(self) -> None:
        """Refuse a name that is taken by no document: who wants it loses each race, though there is no other writer.

        Raises:
            DamagedDocumentError: there is one.
        """
        with self.reading() as connection:
            for row in rows.orphaned_names(connection, self.project):
                problem = "it is in the table names, and there is no such document, so that none can take it"
                raise DamagedDocumentError(row.name, where="its name", problem=problem)

    # --- documents by name -------------------------------------------------------------------------------------------

    def head(self, connection: Connection, kind: str, name: str, *, argument: str = "name") -> HeadRow:
        """Return the head row of the live document with this name.

        Raises:
            DocumentNotFoundError: there is none; the error says where the name is, or lists similar ones.
            InvalidValueError: the kind or the name is not a str; the error names the *argument*.
        """
        kind, name = checked_key("kind", kind), checked_key(argument, name)
        found = rows.head_named(connection, self.project, kind, name)
        if found is not None:
            return found
        if rows.head_deleted(connection, self.project, kind, name) is not None:
            raise DocumentNotFoundError(
                name, kind=kind, hint=f"It was deleted; undelete({called(name, kind)}) brings it back."
            )
        raise not_found(connection, self.project, kind, name)

    def reread(self, connection: Connection, head: HeadRow) -> HeadRow:
        """Return the current head row of a document.

        Raises:
            DocumentNotFoundError: the document was purged meanwhile.
        """
        found = rows.head_of(connection, head.id)
        if found is None:
            raise DocumentNotFoundError(head.name, kind=head.kind, hint="It was purged just now.")
        return found

    def deleted(self, connection: Connection, kind: str, name: str) -> HeadRow:
        """Return the head row of the most recently deleted document with this name.

        Raises:
            DocumentNotFoundError: there is none.
            InvalidValueError: the kind or the name is not a str.
        """
        kind, name = checked_key("kind", kind), checked_key("name", name)
        found = rows.head_deleted(connection, self.project, kind, name)
        if found is None:
            raise not_deleted(connection, self.project, kind, name)
        return found

    def live_head(self, connection: Connection, id: str, kind: Kind, name: str) -> HeadRow:
        """Return the head row of the document that an object was loaded from, by its *id*.

        Raises:
            DocumentNotFoundError: the document was deleted, or purged; the error says if another one has its name now.
        """
        found = rows.head_of(connection, id)
        if found is not None and found.deleted_at is None:
            return found
        happened = "purged" if found is None else "deleted"
        if rows.id_named(connection, self.project, kind.name, name) is not None:
            raise DocumentNotFoundError(
                name,
                kind=kind.name,
                problem=f"the {kind.name} {name!r} that this object came from was {happened}, and another one has its "
                f"name now",
                hint=f"Call load({called(name, kind.name)}) and change that object; or save(obj, as_new=True) under "
                f"another name.",
            )
        remedy = "save(..., as_new=True) makes a new one"
        if found is not None:
            remedy = f"undelete({called(found.name, kind.name)}) brings it back"
        raise DocumentNotFoundError(name, kind=kind.name, hint=f"It was {happened} after you read it; {remedy}.")

    def unsaved_error(self, connection: Connection, kind: Kind, name: str) -> Exception:
        """Return the error for a save of single parts of an object that has never been saved here."""
        taken = rows.head_named(connection, self.project, kind.name, name)
        if taken is not None:
            return DocumentExistsError(name, kind=kind.name, head=taken.version)
        return DocumentNotFoundError(name, kind=kind.name, hint="save() it whole once, then its trials.")

    def state(
        self,
        connection: Connection,
        kind: str,
        name: str,
        *,
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
    ) -> tuple[HeadRow, State]:
        """Return a document's head row and its state: the current one, or that of *version*, *at* a time, or of *tag*.

        Raises:
            DocumentNotFoundError, VersionNotFoundError: there is no such document, or no such version.
            InvalidValueError: more than one of the three is given, or a time has no zone.
        """
        head = self.head(connection, kind, name)
        number = chosen_version(connection, head, version, at, tag)
        return head, read(connection, head) if number is None else read_version(
            connection, head, kind_named(kind), number
        )


def is_stored(connection: Connection, saved: Stored) -> bool:
    """Return whether the database has the version that was written."""
    return rows.chain_of(connection, saved.id, saved.version.number) == saved.version.chain


def _refused(error: RaceLostError, *, unsure: bool) -> RaceLostError:
    return RaceLostError(f"{_TRIES} tries to write were refused: {error.problem}", changes=_changes(unsure))


def _lost(error: DatabaseError, *, unsure: bool) -> ConnectionLostError:
    problem = f"the connection was lost, and a second try failed: {error.problem}"
    return ConnectionLostError(problem, changes=_changes(unsure))


def _changes(unsure: bool) -> str:
    return CHANGES_UNKNOWN if unsure else NOTHING_CHANGED


def _problem(error: StoreError) -> str:
    """Return the problem without the sentence on changes: a read makes none."""
    return error.problem if isinstance(error, DatabaseError) else str(error)


def os_user() -> str:
    """Return the name of the user who runs this process, or ``unknown``."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
