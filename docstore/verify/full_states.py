"""Check the full states of a document: the rows of each are what the digest of its version says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.digests import Digests
from docstore.errors import UnreadableError
from docstore.sql.rows import body_problem
from docstore.verify import statements
from docstore.verify.damage import Damage, Subject
from docstore.verify.statements import FullState


def damaged_states(connection: Connection, subject: Subject) -> Iterator[Damage]:
    """Yield the damage of each full state.

    Raises:
        UnreadableError: the version of one is not a number.
    """
    for group in statements.state_groups(connection, subject.id):
        yield from _damaged(connection, subject, group)


def _damaged(connection: Connection, subject: Subject, group: list[FullState]) -> Iterator[Damage]:
    try:
        rows = statements.state_rows(connection, subject.id, group)
    except UnreadableError as error:
        if len(group) == 1:
            yield subject.state(group[0].number, str(error).rstrip("."))
        else:
            for each in group:
                yield from _damaged(connection, subject, [each])
        return
    states = {each.number: each for each in group}
    for number, of_state in groupby(rows, lambda row: row.version):
        if problem := _problem(states.get(number), list(of_state)):
            yield subject.state(number, problem)


def _problem(state: FullState | None, rows: list[sa.Row[Any]]) -> str | None:
    if state is None or state.digest is None:
        return "there is no such version"
    if state.is_folded:
        return "that version was folded"
    if Digests.of({row.path: row.digest for row in rows}).digest() != state.digest:
        return "its rows are not the ones that version has"
    return next(filter(None, (body_problem(row.digest, row.body) for row in rows)), None)
