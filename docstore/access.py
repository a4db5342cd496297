"""The documents of one project inside a transaction: found by name, or an error that says what there is instead."""

from __future__ import annotations

import difflib
import getpass
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from docstore import rows
from docstore.codec.tagged import UNSAFE_TEXT
from docstore.dialect import transaction
from docstore.errors import (
    DatabaseError,
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
)
from docstore.kinds import Kind, kind_named
from docstore.origins import Origin
from docstore.reader import State, number_at, read, read_version
from docstore.rows import HeadRow

T = TypeVar("T")

_TRIES: Final = 20
"""How often a write that lost a race is made again, on what the winner wrote."""


class Access:
    """Reads and writes of one project in one database."""

    def __init__(self, engine: Engine, project: str) -> None:
        self.engine = engine
        self.project = project

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one state throughout."""
        return transaction(self.engine, write=False)

    def writing(self, work: Callable[[Connection], T]) -> T:
        """Return what *work* does in a transaction of its own, again if another writer was first.

        Raises:
            DatabaseError: others were first each time.
        """
        for attempt in range(_TRIES):
            try:
                with transaction(self.engine, write=True) as connection:
                    return work(connection)
            except IntegrityError as error:
                # The primary key is the lock: of two writers of version 4, one gets here, and reads again.
                if attempt == _TRIES - 1:
                    raise DatabaseError(
                        f"{_TRIES} tries to write were refused: {error.orig}. Nothing was changed."
                    ) from error
        raise AssertionError("the loop returns or raises")

    def head(self, connection: Connection, kind: str, name: str) -> HeadRow:
        """Return the live document of this name.

        Raises:
            DocumentNotFoundError: there is none; names some like it.
        """
        found = rows.head_named(connection, self.project, kind, name)
        if found is not None:
            return found
        if rows.head_deleted(connection, self.project, kind, name) is not None:
            raise DocumentNotFoundError(name, kind=kind, hint=f"It was deleted; undelete({name!r}) brings it back.")
        raise DocumentNotFoundError(
            name, kind=kind, near=difflib.get_close_matches(name, rows.names(connection, self.project, kind))
        )

    def deleted(self, connection: Connection, kind: str, name: str) -> HeadRow:
        """Return the document of this name that was deleted last.

        Raises:
            DocumentNotFoundError: there is none.
        """
        found = rows.head_deleted(connection, self.project, kind, name)
        if found is None:
            raise DocumentNotFoundError(name, kind=kind, hint="None of that name was deleted.")
        return found

    def living(self, connection: Connection, origin: Origin, kind: Kind, name: str) -> HeadRow:
        """Return the document that an object came from.

        Raises:
            DocumentNotFoundError: it was deleted, or purged.
        """
        found = rows.head_of(connection, origin.id)
        if found is None:
            raise DocumentNotFoundError(
                name, kind=kind.name, hint="It was purged after you read it; a copy.copy() of the object is new."
            )
        if found.deleted_at is not None:
            raise DocumentNotFoundError(
                name, kind=kind.name, hint=f"It was deleted after you read it; undelete({name!r}) brings it back."
            )
        return found

    def unsaved(self, connection: Connection, kind: Kind, name: str) -> Exception:
        """Return the error of an object that was to be saved in part, and came from no document here."""
        taken = rows.head_named(connection, self.project, kind.name, name)
        if taken is not None:
            return DocumentExistsError(name, kind=kind.name, head=taken.version)
        return DocumentNotFoundError(name, kind=kind.name, hint="save() it whole once, then its trials.")

    def state(
        self, connection: Connection, kind: str, name: str, version: int | None, at: datetime | None
    ) -> tuple[HeadRow, State]:
        """Return a document's row and its state: the current one, that of *version*, or that *at* a time.

        Raises:
            InvalidValueError: both are given, or a time has no zone.
        """
        head = self.head(connection, kind, name)
        if version is not None and at is not None:
            raise InvalidValueError("at", at, f"Give it or version={version}, not both.")
        if at is not None:
            version = number_at(connection, head, at)
        return head, read(connection, head) if version is None else read_version(
            connection, head, kind_named(kind), version
        )


def checked_text(argument: str, value: object, longest: int | None = None, *, shortest: int = 1) -> str:
    """Return *value* if it is a text that every database takes, of no more than *longest* characters.

    Raises:
        InvalidValueError: it is not; names the *argument*.
    """
    if isinstance(value, str) and shortest <= len(value) <= (longest or len(value)) and not UNSAFE_TEXT.search(value):
        return value
    length = f" of {shortest} to {longest} characters" if longest else ""
    raise InvalidValueError(argument, value, f"Give a text{length}, without NUL or lone surrogates.")


def os_user() -> str:
    """Return who runs this process, as the operating system says, or ``unknown``."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
