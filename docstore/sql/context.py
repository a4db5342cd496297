"""The documents of one project inside a transaction: found by name, or an error that says what there is instead."""

from __future__ import annotations

import difflib
import getpass
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import FrameType
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy.engine import Connection, Engine

from docstore.documents.arguments import checked_key
from docstore.documents.history import Version
from docstore.documents.kinds import Kind, kind_named
from docstore.errors import (
    CHANGES_UNKNOWN,
    NOTHING_CHANGED,
    ConnectionLostError,
    DatabaseError,
    DocstoreError,
    DocumentExistsError,
    DocumentNotFoundError,
    FileReplacedError,
    RaceLostError,
    StoreError,
    called,
)
from docstore.sql import rows
from docstore.sql.dialects import transaction
from docstore.sql.reader import State, read, read_version
from docstore.sql.rows import HeadRow
from docstore.sql.version_names import number_of

# Ctrl-C put off for a moment: from a COMMIT until the program has learned what it committed.


class Deferral:
    """Puts Ctrl-C off between ``begin`` and ``end``; a second one comes through at once, if something hangs."""

    def __init__(self) -> None:
        self._handler: Callable[[int, FrameType | None], Any] | None = None
        self._came = 0

    def begin(self) -> None:
        """Put off what comes from now on; in another thread, or where Ctrl-C is not Python's to handle, do nothing."""
        handler = signal.getsignal(signal.SIGINT)
        if self._handler is not None or not callable(handler):
            return
        self._handler = handler
        try:
            signal.signal(signal.SIGINT, self._note)
        except ValueError:  # only the main thread may, and only it is interrupted
            self._handler = None

    def end(self) -> None:
        """Put off no more; one that came takes effect now."""
        if self._handler is None:
            return
        signal.signal(signal.SIGINT, self._handler)
        self._handler, came, self._came = None, self._came, 0
        if came == 1:
            signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came += 1
        if self._came > 1 and self._handler is not None:
            self._handler(number, frame)


@contextmanager
def deferring() -> Iterator[Deferral]:
    """Give what puts Ctrl-C off, at the longest until the end of the block."""
    deferral = Deferral()
    try:
        yield deferral
    finally:
        deferral.end()


_TRIES: Final = 20
"""How often a write that lost a race is made again, on what the winner wrote."""

_STEP: Final = 0.002
"""Seconds, twice as many each time and at most 64 of them, within which a loser waits a random while."""

_RANDOM: Final = random.SystemRandom()
"""A generator of its own, so that a save does not advance the random numbers of a program that set a seed."""


class Stored(Protocol):
    """What a save returns: which version of which document it made."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> Version: ...


T = TypeVar("T")
S = TypeVar("S", bound=Stored)


class StoreContext:
    """Reads and writes of one project in one database."""

    def __init__(self, engine: Engine, project: str) -> None:
        self.engine = engine
        self.project = project

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one state throughout."""
        return transaction(self.engine, write=False)

    def saving(self, work: Callable[[Connection], S], learn: Callable[[S], None] | None = None) -> S:
        """Return what *work* saves in a transaction of its own; as ``writing``."""

        def landed(connection: Connection, done: S) -> bool:
            return rows.chain_of(connection, done.id, done.version.number) == done.version.chain

        return self.writing(work, landed, learn)

    def writing(
        self,
        work: Callable[[Connection], T],
        landed: Callable[[Connection, T], bool],
        learn: Callable[[T], None] | None = None,
    ) -> T:
        """Return what *work* does in a transaction of its own.

        Again, if another writer was first; and once more, if the connection was lost and nothing was committed.

        Args:
            landed: whether what *work* returned is in the database. Asked if the connection was lost in the COMMIT,
                which may or may not have reached the server, or is on its way to it.
            learn: is given it once it is committed. Ctrl-C waits from the COMMIT to the end of that, so that an object
                is not saved without knowing it.

        Raises:
            RaceLostError: others were first each time.
            ConnectionLostError: it was lost again; says whether anything may have been changed.
        """
        with deferring() as interrupts:
            done = self._tried(work, landed, interrupts)
            if learn is not None:
                interrupts.begin()
                learn(done)
        return done

    def _tried(
        self, work: Callable[[Connection], T], landed: Callable[[Connection, T], bool], interrupts: Deferral
    ) -> T:
        unsure: list[T] = []
        lost = False
        for attempt in range(_TRIES):
            interrupts.end()
            if self._any_landed(landed, unsure):
                return unsure[0]
            try:
                with transaction(self.engine, write=True) as connection:
                    done = work(connection)
                    interrupts.begin()
                return done
            except RaceLostError as error:
                if attempt == _TRIES - 1:
                    raise _refused(error, unsure=bool(unsure)) from error
                _step_aside(attempt)
            except FileReplacedError:
                raise  # another try would find the same
            except DatabaseError as error:
                if error.committing:
                    unsure.append(done)
                if lost:
                    raise _lost(error, unsure=bool(unsure)) from error
                if not (error.committing or isinstance(error, ConnectionLostError)):
                    raise
                lost = True
            except DocstoreError:
                # What is in the way may be what this call wrote itself, by a COMMIT that came through since.
                if self._any_landed(landed, unsure):
                    return unsure[0]
                raise
        raise AssertionError("the loop returns or raises")

    def _any_landed(self, landed: Callable[[Connection, T], bool], unsure: Sequence[T]) -> bool:
        """Return whether the database holds what was written; raise ConnectionLostError if it cannot be read either."""
        if not unsure:
            return False
        try:
            with self.reading() as connection:
                return landed(connection, unsure[0])
        except StoreError as error:
            problem = f"the connection was lost in the COMMIT, and reading what became of it failed: {_problem(error)}"
            raise ConnectionLostError(problem, changes=CHANGES_UNKNOWN) from error

    def head(self, connection: Connection, kind: str, name: str, *, argument: str = "name") -> HeadRow:
        """Return the live document of this name.

        Raises:
            DocumentNotFoundError: there is none; names some like it.
            InvalidValueError: the kind or the name is not a str; names the *argument*.
        """
        kind, name = checked_key("kind", kind), checked_key(argument, name)
        found = rows.head_named(connection, self.project, kind, name)
        if found is not None:
            return found
        if rows.head_deleted(connection, self.project, kind, name) is not None:
            raise DocumentNotFoundError(
                name, kind=kind, hint=f"It was deleted; undelete({called(name, kind)}) brings it back."
            )
        raise DocumentNotFoundError(
            name, kind=kind, near=difflib.get_close_matches(name, rows.live_names(connection, self.project, kind))
        )

    def again(self, connection: Connection, head: HeadRow) -> HeadRow:
        """Return the row of a document as it is now.

        Raises:
            DocumentNotFoundError: it was purged.
        """
        found = rows.head_of(connection, head.id)
        if found is None:
            raise DocumentNotFoundError(head.name, kind=head.kind, hint="It was purged just now.")
        return found

    def deleted(self, connection: Connection, kind: str, name: str) -> HeadRow:
        """Return the document of this name that was deleted last.

        Raises:
            DocumentNotFoundError: there is none.
            InvalidValueError: the kind or the name is not a str.
        """
        kind, name = checked_key("kind", kind), checked_key("name", name)
        found = rows.head_deleted(connection, self.project, kind, name)
        if found is None:
            raise DocumentNotFoundError(name, kind=kind, hint="None of that name was deleted.")
        return found

    def living(self, connection: Connection, id: str, kind: Kind, name: str) -> HeadRow:
        """Return the row of the document with this *id*, which an object came from.

        Raises:
            DocumentNotFoundError: it was deleted, or purged.
        """
        found = rows.head_of(connection, id)
        if found is None:
            raise DocumentNotFoundError(
                name, kind=kind.name, hint="It was purged after you read it; save(..., as_new=True) makes a new one."
            )
        if found.deleted_at is not None:
            raise DocumentNotFoundError(
                name,
                kind=kind.name,
                hint=f"It was deleted after you read it; undelete({called(name, kind.name)}) brings it back.",
            )
        return found

    def unsaved(self, connection: Connection, kind: Kind, name: str) -> Exception:
        """Return the error of an object that was to be saved in part, and came from no document here."""
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
        """Return a document's row and its state: the current one, that of *version*, *at* a time, or of a *tag*.

        Raises:
            DocumentNotFoundError, VersionNotFoundError: there is no such document, or no such version.
            InvalidValueError: several of them are given, or a time has no zone.
        """
        head = self.head(connection, kind, name)
        number = number_of(connection, head, version, at, tag)
        return head, read(connection, head) if number is None else read_version(
            connection, head, kind_named(kind), number
        )


def _step_aside(attempt: int) -> None:
    """Wait a random while, so that those who met once do not meet again."""
    if attempt:
        time.sleep(_RANDOM.uniform(0, _STEP * 2 ** min(attempt, 6)))


def _refused(error: RaceLostError, *, unsure: bool) -> RaceLostError:
    return RaceLostError(f"{_TRIES} tries to write were refused: {error.problem}", changes=_changes(unsure))


def _lost(error: DatabaseError, *, unsure: bool) -> ConnectionLostError:
    problem = f"the connection was lost, and a second try failed: {error.problem}"
    return ConnectionLostError(problem, changes=_changes(unsure))


def _changes(unsure: bool) -> str:
    return CHANGES_UNKNOWN if unsure else NOTHING_CHANGED


def _problem(error: StoreError) -> str:
    """Return what went wrong, without the sentence on changes: a read makes none."""
    return error.problem if isinstance(error, DatabaseError) else str(error)


def os_user() -> str:
    """Return who runs this process, as the operating system says, or ``unknown``."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
