"""A driver's complaint, told once in our words: where, what it says without a password, and what to do."""

from __future__ import annotations

from itertools import takewhile
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from docstore.errors import ConnectionLostError, DatabaseError, NotAllowedError, RaceLostError, StoreError, TablesError
from docstore.sql.dialects.base import Backend, Meaning
from docstore.sql.dialects.urls import shown, without_password


def told(error: DBAPIError, url: sa.URL, backend: Backend, *, changes: str = "") -> StoreError:
    """Return the error of ours for a driver's, of the database at *url*; to be raised with that as its cause.

    Args:
        changes: the sentence on what became of the changes, or empty.
    """
    meaning = backend.meaning(error)
    # Further down PostgreSQL shows where in the statement, or in JSON, which may be a part of a document.
    lines = takewhile(lambda line: not line.startswith(("LINE ", "CONTEXT:")), str(error.orig).strip().splitlines())
    said = without_password(" ".join(map(str.strip, lines)), url).rstrip(".")
    problem = f"{shown(url)}: {said}{'' if said.endswith(('?', '!')) else '.'} {meaning.remedy}".rstrip()
    if issubclass(meaning.error, DatabaseError):
        return meaning.error(problem, changes=changes)
    return meaning.error(problem)


# What drivers' errors mean on every server: the error to raise, and what its reader can do.

RACE: Final = Meaning(RaceLostError, "Another writer was first.")
LOST: Final = Meaning(ConnectionLostError, "Is the server running?")
HELD: Final = Meaning(DatabaseError, "Another transaction held it; try again.")
FULL: Final = Meaning(DatabaseError, "Free some space on the server's disk and save again.")
READ_ONLY: Final = Meaning(DatabaseError, "This database may only be read: save to the primary, or ask who set it so.")
DENIED: Final = Meaning(NotAllowedError, "An administrator can GRANT it.")
NO_LOGIN: Final = Meaning(DatabaseError, "Check the user and the password in the URL.")
NO_TABLES: Final = Meaning(TablesError, "Call create_all_tables(engine), or docstore.connect(url), which makes them.")
TOO_MANY: Final = Meaning(DatabaseError, "The server takes no more connections: close some, or raise its limit.")
UNKNOWN: Final = Meaning(DatabaseError)
