"""The trials of an experiment and what was measured, read once for each version: for the table and the plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from docstore.codec.collector import collector_paused
from docstore.documents.canonical import JSON
from docstore.documents.diff.format import read_one
from docstore.documents.history import Version
from docstore.errors import InvalidValueError
from docstore.search.experiments.best import BestArm, Goal, best_arms, goal_of, last_observations
from docstore.search.experiments.read import (
    Decode,
    StoredExperiment,
    arms_of,
    at,
    decoded,
    items,
    parameter_types,
    read_experiment,
)
from docstore.web.formats import Table
from docstore.web.source import Source

_BEST: Final = 5
"""Best arms that are shown."""

ALWAYS: Final = ("trial", "status", "arm")
"""Columns that are shown though they do not vary."""

Means = Mapping[str, tuple[float, float | None]]
"""The mean and the standard error of each metric."""


@dataclass(frozen=True, slots=True)
class TrialTable:
    """The trials of one version of an experiment.

    Attributes:
        table: a row for each trial; the columns are those in which some trials differ.
        same: the value of each column in which all trials have the same one.
    """

    table: Table
    same: dict[str, object]


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was measured in one version of an experiment, and which arms are best.

    Attributes:
        statuses: by the index of the trial.
        means: by trial and arm, the mean and the standard error of each metric at its largest step.
        goal: what arms are ranked by; None, and why in *problem*, if ``Store.best`` cannot rank them.
        best: the best arms, as ``Store.best`` returns them.
    """

    statuses: dict[int, str]
    means: dict[tuple[int, str], dict[str, tuple[float, float | None]]]
    goal: Goal | None
    best: list[BestArm]
    problem: str = ""


def trial_table(source: Source, name: str, version: Version) -> TrialTable:
    """Return the table of the trials of an experiment at *version*; kept in the cache by its digest.

    Cost:
        All trials and data are read, by two SELECTs; at an older version, also the changes since.
    """

    @collector_paused()
    def make() -> TrialTable:
        stored = read_experiment(source.transactions, name, number=version.number)
        return TrialTable(*_table(_columns(stored, last_means(stored, source.decode), source.decode)))

    return source.cached(version, "trials", make, lambda made: len(made.table.rows) * len(made.table.columns) + 100)


def ranked(source: Source, name: str, version: Version) -> Ranked:
    """Return what was measured, and the best arms; as ``trial_table``."""

    @collector_paused()
    def make() -> Ranked:
        stored, decode = read_experiment(source.transactions, name, number=version.number), source.decode
        means = last_means(stored, decode)
        statuses = {index: str(at(body, "status")) for index, body in stored.trials.items()}
        try:
            goal = goal_of(stored, decode)
            return Ranked(statuses, means, goal, best_arms(stored, goal, decode, _BEST))
        except InvalidValueError as error:
            return Ranked(statuses, means, None, [], str(error))

    return source.cached(version, "ranked", make, lambda made: 8 * len(made.means) + 100)


def last_means(
    stored: StoredExperiment, decode: Decode
) -> dict[tuple[int, str], dict[str, tuple[float, float | None]]]:
    """Return the mean and the standard error of each metric by trial and arm.

    Which observation counts of several, is as ``last_observations`` has it.
    """
    found: dict[tuple[int, str], dict[str, tuple[float, float | None]]] = {}
    for (arm, metric, index), (_, mean, sem) in last_observations(stored, decode).items():
        found.setdefault((index, arm), {})[metric] = (mean, sem)
    return found


# --- the table of trials ---------------------------------------------------------------------------------------------


def _columns(
    stored: StoredExperiment, means: Mapping[tuple[int, str], Means], decode: Decode
) -> dict[str, dict[int, object]]:
    """Return the columns of the table, each by the index of the trial; of several arms, those of the first."""
    columns: dict[str, dict[int, object]] = {"trial": {}, "status": {}, "arm": {}}
    for name in parameter_types(stored.head):
        columns.setdefault(_free(name), {})
    for index, body in stored.trials.items():
        for key, value in _cells(index, body, decode):
            columns.setdefault(key, {})[index] = value
    for (index, arm), each in means.items():
        if columns["arm"].get(index) == arm:
            for metric, (mean, _) in each.items():
                columns.setdefault(metric if metric not in _OWN else f"mean of {metric}", {})[index] = mean
    return columns


_OWN: Final = frozenset({*ALWAYS, "arms", "made by", "run time in s"})


def _free(name: str) -> str:
    """Return the column of a parameter, which may be named as one of the table's own."""
    return f"parameter {name}" if name in _OWN else name


def _cells(index: int, body: JSON, decode: Decode) -> Iterator[tuple[str, object]]:
    yield "trial", index
    yield "status", at(body, "status")
    arms = list(arms_of(body))
    if arms:
        yield "arm", arms[0][0]
        parameters = decoded(arms[0][1], decode)
        for name, value in parameters.items() if isinstance(parameters, dict) else ():
            yield _free(name), value if isinstance(value, (int, float, str)) else None if value is None else str(value)
    if len(arms) > 1:
        yield "arms", len(arms)
    runs = [at(body, "generator_run"), *items(body, "generator_runs")]
    made_by = [at(run, key) for run in runs for key in ("generator_key", "generator_run_type")]
    yield "made by", next((each for each in made_by if each is not None), None)
    yield "run time in s", _seconds(at(body, "time_run_started"), at(body, "time_completed"))


def _seconds(start: JSON, end: JSON) -> float | None:
    """Return the seconds between two times; None if one is missing, or only one has a zone."""
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return None


def _table(columns: Mapping[str, Mapping[int, object]]) -> tuple[Table, dict[str, object]]:
    """Return the columns that vary as a table, and the values of those that do not."""
    trials = list(columns["trial"])
    varying, same = [], {}
    for key, cells in columns.items():
        values = {(type(each), each) for each in (cells.get(index) for index in trials)}
        if key in ALWAYS or len(values) > 1:
            varying.append(key)
        elif values:
            same[key] = next(iter(values))[1]
    rows = [[columns[key].get(index) for key in varying] for index in trials]
    return Table(tuple(varying), rows), {key: value for key, value in same.items() if value is not None}


def shown(value: JSON) -> Any:
    """Return a number as it is, and any other JSON value as a text."""
    return value if isinstance(value, (int, float)) else "" if value is None else read_one(value)
