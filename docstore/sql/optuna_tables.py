"""The tables of Optuna's studies and running trials: what Optuna needs of a trial before it is part of its experiment.

``optuna_studies`` gives each study an integer, as Optuna knows studies by one, and counts the numbers of its trials.
``optuna_running`` has a row for each trial that runs: its state as its process last wrote it, and when it was last
heard of. Both are made by the first ``optuna.Storage``, or by ``python -m docstore.migrations``; they are no part of a
document, its history or its copies.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.sql.dialects import ExactText, LongText, Whole, schema_of
from docstore.sql.rows import largest_position

metadata: Final = sa.MetaData()

studies: Final = sa.Table(
    "optuna_studies",
    metadata,
    # An identity, and no serial number of PostgreSQL, whose sequence would need a right of its own.
    sa.Column("study_id", sa.Integer, sa.Identity(), primary_key=True, comment="The number by which Optuna knows it"),
    sa.Column(
        "document",
        ExactText(32, True),
        nullable=False,
        unique=True,
        comment="The id of the experiment, which it keeps whatever it is renamed to",
    ),
    sa.Column("next_number", Whole(True), nullable=False, comment="The number of its next trial"),
    comment="Which number a study of Optuna has, and the number of its next trial: of those in an optuna.Storage.",
)

running: Final = sa.Table(
    "optuna_running",
    metadata,
    # The primary key is the lock: of two processes that take one waiting trial, only one can insert its row.
    sa.Column("study_id", Whole(True), primary_key=True, autoincrement=False, comment="The number of the study"),
    sa.Column("number", Whole(True), primary_key=True, autoincrement=False, comment="The number of the trial"),
    sa.Column("owner", ExactText(32, True), nullable=False, comment="Identifies the optuna.Storage that runs it"),
    sa.Column("state", LongText, nullable=False, comment="The trial as its process last wrote it, as JSON"),
    sa.Column(
        "heard_of",
        sa.BigInteger,
        comment="When its process was last alive, in seconds since 1970 by the clock of the database; "
        "NULL before the first heartbeat",
    ),
    comment="Trials of Optuna that run now, and are not in their experiments before they end.",
)

_NOW: Final = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER)",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)",
}


def _now(connection: Connection) -> sa.TextClause:
    return sa.text(_NOW.get(connection.dialect.name, "UNIX_TIMESTAMP()"))


_SEEN: Final = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = :name",
    "postgresql": "SELECT 1 FROM information_schema.tables WHERE table_name = :name "
    "AND table_schema = coalesce(:schema, current_schema())",
}
"""Looks for a table that the user has a right to."""

_SEEN_ON_MYSQL: Final = "SELECT 1 FROM information_schema.tables WHERE table_name = :name AND table_schema = DATABASE()"


def are_there(connection: Connection) -> bool:
    """Return whether the tables were made, and the user may read them."""
    query = _SEEN.get(connection.dialect.name, _SEEN_ON_MYSQL)
    given = {"name": studies.name} | ({"schema": schema_of(connection)} if ":schema" in query else {})
    return connection.execute(sa.text(query), given).scalar() is not None


# --- studies ---------------------------------------------------------------------------------------------------------


def study_of(connection: Connection, document: str) -> int | None:
    """Return the number of the study whose experiment is *document*, or None if it has none yet."""
    return connection.execute(sa.select(studies.c.study_id).where(studies.c.document == document)).scalar()


def document_of(connection: Connection, study_id: int) -> str | None:
    """Return the id of the document of a study, or None if there is no such study."""
    return connection.execute(sa.select(studies.c.document).where(studies.c.study_id == study_id)).scalar()


def add_study(connection: Connection, document: str) -> int:
    """Give a document the number of a study, if it has none yet, and return its number.

    Raises:
        RaceLostError: another process did so just now.
    """
    found = study_of(connection, document)
    if found is not None:
        return found
    connection.execute(studies.insert().values(document=document, next_number=0))
    added = study_of(connection, document)
    assert added is not None  # it was just inserted
    return added


# --- running trials --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunningRow:
    """A trial that runs, as its process last wrote it; *heard_of* is only read."""

    study_id: int
    number: int
    owner: str
    state: str
    heard_of: int | None = None


def next_number(connection: Connection, study_id: int, document: str) -> int:
    """Return the number of the next trial of a study, which nobody else gets.

    The row of the study is locked until the transaction ends.
    """
    its_own = studies.c.study_id == study_id
    connection.execute(studies.update().where(its_own).values(next_number=studies.c.next_number + 1))
    number: int = connection.execute(sa.select(studies.c.next_number).where(its_own)).scalar_one() - 1
    # Trials that an import, or docstore itself, has added.
    stored = largest_position(connection, document)
    if number <= stored:
        number = stored + 1
        connection.execute(studies.update().where(its_own).values(next_number=number + 1))
    return number


def insert(connection: Connection, row: RunningRow) -> None:
    """Insert the row of a trial that begins.

    Raises:
        RaceLostError: the trial has one already.
    """
    values = {"study_id": row.study_id, "number": row.number, "owner": row.owner, "state": row.state}
    connection.execute(running.insert().values(values))


def update(connection: Connection, row: RunningRow) -> None:
    """Write the state of a trial that runs."""
    connection.execute(running.update().where(_is(row.study_id, [row.number])).values(state=row.state))


def delete(connection: Connection, study_id: int, numbers: Collection[int], owner: str) -> None:
    """Delete the rows that *owner* has of trials that have ended, or wait: another one may have taken a trial since."""
    if numbers:
        connection.execute(running.delete().where(_is(study_id, numbers), running.c.owner == owner))


def delete_all(connection: Connection, study_id: int) -> None:
    """Delete the rows of all trials of a study."""
    connection.execute(running.delete().where(running.c.study_id == study_id))


def purge(connection: Connection, document: str) -> None:
    """Delete the rows of the trials of *document*, if it is a study; its number is not given to another one."""
    if are_there(connection):
        study_id = study_of(connection, document)
        if study_id is not None:
            delete_all(connection, study_id)


def rows_of(connection: Connection, study_id: int, numbers: Collection[int] | None = None) -> list[RunningRow]:
    """Return the rows of the trials with *numbers*, or of all, in their order."""
    where = running.c.study_id == study_id if numbers is None else _is(study_id, numbers)
    return [RunningRow(*row) for row in connection.execute(sa.select(running).where(where).order_by(running.c.number))]


def hear_of(connection: Connection, study_id: int, number: int) -> None:
    """Note that the process of a trial is alive."""
    connection.execute(running.update().where(_is(study_id, [number])).values(heard_of=_now(connection)))


def unheard_of(connection: Connection, study_id: int, seconds: int) -> list[int]:
    """Return the numbers of the trials whose processes were heard of, but not in the last *seconds*."""
    is_stale = running.c.heard_of < sa.literal_column(f"{_now(connection).text} - {seconds:d}")
    query = sa.select(running.c.number).where(running.c.study_id == study_id, is_stale)
    return list(connection.execute(query.order_by(running.c.number)).scalars())


def _is(study_id: int, numbers: Collection[int]) -> sa.ColumnElement[Any]:
    return (running.c.study_id == study_id) & running.c.number.in_(numbers)
