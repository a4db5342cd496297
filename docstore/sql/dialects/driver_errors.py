"""A driver's complaint, told once in our words: where, what it says without a password, and what to do."""

from __future__ import annotations

from itertools import takewhile

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from docstore.errors import DatabaseError, StoreError
from docstore.sql.dialects.base import Backend
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
