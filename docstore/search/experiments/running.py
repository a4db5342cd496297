"""The trials that run in an ``optuna.Storage``, which are in a table of their own until they end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.engine import Connection

from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents import canonical
from docstore.documents.display import Listed, Row, html_table, shown_time
from docstore.documents.kinds import EXPERIMENT
from docstore.model import TrialStatus
from docstore.search.experiments.read import at
from docstore.sql import optuna_tables
from docstore.sql.optuna_tables import RunningRow
from docstore.sql.reader import read_pieces
from docstore.sql.rows import HeadRow
from docstore.sql.transactions import Transactions

_CODEC: Final = Codec(Registry(), unknown="members")

_TERMINAL: Final = {status.name for status in TrialStatus if status.is_terminal}


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial as its process last wrote it.

    Attributes:
        trial: its number.
        metrics: the last intermediate value, under the name that it will have in the experiment, if there is one.
        since: when it began, by the clock of the machine that runs it, and without a zone; None if that is not known.
        heard_of: when its process was last alive; None without heartbeats.
    """

    trial: int
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    since: datetime | None
    heard_of: datetime | None

    def _row(self) -> Row:
        parameters = {("parameter", name): value for name, value in self.parameters.items()}
        metrics = {("metric", name): value for name, value in self.metrics.items()}
        times = {"since": self.since, "heard of": self.heard_of}
        shown = {heading: time and shown_time(time) for heading, time in times.items()}
        return {"trial": self.trial, **shown, **parameters, **metrics}

    def _repr_html_(self) -> str:
        return html_table([self._row()])


def running_trials(transactions: Transactions, name: str) -> list[RunningTrial]:
    """Return the trials of an experiment that run in an ``optuna.Storage``; as ``Store.running_trials``."""
    with transactions.reading() as connection:
        head = transactions.head(connection, EXPERIMENT.name, name)
        study_id = optuna_tables.study_of(connection, head.id) if optuna_tables.are_there(connection) else None
        rows = [] if study_id is None else optuna_tables.rows_of(connection, study_id)
        ended = _ended(connection, head, rows) if rows else set()
    found = ((row, _CODEC.decode(canonical.loads(row.state))) for row in rows if row.number not in ended)
    return Listed(_trial(row, state) for row, state in found if state["state"] == TrialStatus.RUNNING.name)


def still_running(running: Iterable[RunningTrial], statuses: Mapping[int, object]) -> list[RunningTrial]:
    """Return the trials of *running* that have not ended by their *statuses* in the experiment, which was read later.

    In this order, a trial that ends meanwhile is in one of the two.
    """
    return [each for each in running if statuses.get(each.trial) not in _TERMINAL]


def _ended(connection: Connection, head: HeadRow, rows: list[RunningRow]) -> set[int]:
    """Return the numbers of the trials that have ended in the experiment; their rows are deleted a little later."""
    numbers = {f"/trials/{row.number}": row.number for row in rows}
    found, _ = read_pieces(connection, head, set(numbers))
    return {numbers[path] for path, trial in found.items() if at(trial, "status") in _TERMINAL}


def _trial(row: RunningRow, state: Mapping[str, Any]) -> RunningTrial:
    reported = [value for _, value in state["intermediate_values"]]
    return RunningTrial(
        row.number,
        dict(state["params"]),
        {"intermediate_value": reported[-1]} if reported else {},
        state["datetime_start"],
        None if row.heard_of is None else datetime.fromtimestamp(row.heard_of, UTC),
    )
