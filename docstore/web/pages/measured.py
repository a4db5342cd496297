"""The trials of an experiment and what was measured, read once for each version: for the table and the plot."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docstore.codec.collector import collector_paused
from docstore.documents.canonical import JSON
from docstore.documents.diff.format import read_one
from docstore.documents.history import Version
from docstore.errors import InvalidValueError
from docstore.search.experiments.best import BestArm, best_arms, goal_of, last_observations, objectives_of
from docstore.search.experiments.data import ExperimentData, Target, TriedArm
from docstore.search.experiments.pareto_front import ParetoFront, pareto_front
from docstore.search.experiments.read import (
    Decode,
    StoredExperiment,
    arms_of,
    at,
    decoded,
    items,
    moment_of,
    parameter_types,
    read_experiment,
    seconds_between,
)
from docstore.web.formats import Table
from docstore.web.source import Source

_BEST: Final = 5
"""Best arms that are shown."""

ALWAYS: Final = ("trial", "status", "arm")
"""Columns that are shown though they do not vary."""


@dataclass(frozen=True, slots=True)
class TrialTable:
    """The trials of one version of an experiment.

    Attributes:
        trials: their indices.
        cells: the columns in which some trials differ, each by the index of the trial.
        same: the value of each column in which all trials have the same one.
    """

    trials: list[int]
    cells: Mapping[str, Mapping[int, object]]
    same: dict[str, object]

    def table(self, trials: Sequence[int], most: int) -> Table:
        """Return the rows of some trials, with the first *most* columns."""
        columns = list(self.cells.items())[:most]
        rows = [[cells.get(index) for _, cells in columns] for index in trials]
        return Table(tuple(key for key, _ in columns), rows)


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was measured in one version of an experiment, and which arms are best.

    Attributes:
        trials: how many there are.
        arms: each arm of each trial.
        targets: the objectives; several, if there are several at once.
        best: the best arms, as ``Store.best`` returns them; none of several objectives.
        problem: why there are none, or why all arms count as feasible.
        front: which arms are best by two objectives; None if there are more or fewer.
    """

    trials: int
    arms: Sequence[TriedArm]
    targets: Sequence[Target]
    best: list[BestArm]
    problem: str
    front: ParetoFront | None


def trial_table(source: Source, name: str, version: Version) -> TrialTable:
    """Return the table of the trials of an experiment at *version*; kept in the cache by its digest.

    Cost:
        All trials and data are read, by two SELECTs; at an older version, also the changes since.
    """

    @collector_paused()
    def make() -> TrialTable:
        stored = read_experiment(source.transactions, name, number=version.number)
        return _table(stored, source.decode)

    return source.by_digest(version, "trials", make, lambda made: len(made.trials) * len(made.cells) + 100)


def ranked(source: Source, name: str, version: Version) -> Ranked:
    """Return what was measured, and the best arms; as ``trial_table``."""

    @collector_paused()
    def make() -> Ranked:
        stored = read_experiment(source.transactions, name, number=version.number)
        return _ranked(stored, source.decode)

    return source.by_digest(version, "ranked", make, lambda made: 12 * len(made.arms) + 100)


def _ranked(stored: StoredExperiment, decode: Decode) -> Ranked:
    data, problem = ExperimentData(stored, decode), ""
    try:
        data.arms, data.thresholds  # noqa: B018  # read the constraints
    except InvalidValueError as error:
        data, problem = data.unconstrained(), str(error)
    targets = targets_of(data)
    best: list[BestArm] = []
    if len(targets) < 2 and not problem:
        try:
            best = best_arms(stored, goal_of(stored, decode), decode, _BEST, data.observations)
        except InvalidValueError as error:
            problem = str(error)
    return Ranked(len(stored.trials), data.arms, targets, best, problem, front_of(data))


def front_of(data: ExperimentData) -> ParetoFront | None:
    """Return the Pareto front of an experiment with two objectives; None if there are more or fewer."""
    targets = targets_of(data)
    return pareto_front(data, *targets) if len(targets) == 2 else None


def objectives_in(head: JSON) -> list[tuple[dict[str, float], bool]]:
    """Return the weights of the metrics in each objective, and whether less is better; none if they cannot be read."""
    try:
        return objectives_of(at(head, "optimization_config", "objective"))
    except InvalidValueError:
        return []


def targets_of(data: ExperimentData) -> Sequence[Target]:
    """Return the objectives of an experiment; none if they cannot be read."""
    try:
        return data.targets
    except InvalidValueError:
        return ()


# --- the table of trials ---------------------------------------------------------------------------------------------


def _table(stored: StoredExperiment, decode: Decode) -> TrialTable:
    """Return the columns of the trials; of several arms, those of the first."""
    columns: dict[str, dict[int, object]] = {key: {} for key in ALWAYS}
    places: dict[str, dict[int, object]] = {}
    for name in parameter_types(stored.head):
        places[name] = columns[_free("parameter", name, columns)] = {}
    columns |= {"made by": {}, "run time in s": {}}
    for index, body in stored.trials.items():
        columns["trial"][index] = index
        columns["status"][index] = at(body, "status")
        arms = list(arms_of(body))
        for name, value in _parameters(arms, decode).items():
            if name not in places:
                places[name] = columns[_free("parameter", name, columns)] = {}
            places[name][index] = value if isinstance(value, _PLAIN) else str(value)
        if arms:
            columns["arm"][index] = arms[0][0]
        if len(arms) > 1:
            columns.setdefault("arms", {})[index] = len(arms)
        columns["made by"][index] = _made_by(body)
        started, ended = (moment_of(at(body, key), decode) for key in ("time_run_started", "time_completed"))
        columns["run time in s"][index] = seconds_between(started, ended)
    means: dict[str, dict[int, object]] = {}
    for (arm, metric, index), (_, mean, _) in last_observations(stored, decode).items():
        if columns["arm"].get(index) == arm:
            if metric not in means:
                means[metric] = columns[_free("mean of", metric, columns)] = {}
            means[metric][index] = mean
    return _varying(list(stored.trials), columns)


_OWN: Final = frozenset({*ALWAYS, "arms", "made by", "run time in s"})

_PLAIN: Final = (int, float, str, type(None))


def _free(what: str, name: str, taken: Collection[str]) -> str:
    """Return the column of a parameter or a metric: its name, or one with *what* before it that no other column has."""
    while name in _OWN or name in taken:
        name = f"{what} {name}"
    return name


def _parameters(arms: Sequence[tuple[str, JSON]], decode: Decode) -> Mapping[str, object]:
    found = decoded(arms[0][1], decode) if arms else None
    return found if isinstance(found, dict) else {}


def _made_by(body: JSON) -> JSON:
    """Return the name of what made the first of a trial's generator runs that says so."""
    for run in (at(body, "generator_run"), *items(body, "generator_runs")):
        for key in ("generator_key", "generator_run_type"):
            if (name := at(run, key)) is not None:
                return name
    return None


def _varying(trials: list[int], columns: Mapping[str, Mapping[int, object]]) -> TrialTable:
    """Return the table of the columns that vary, and the values of those that do not."""
    varying, same = {}, {}
    for key, cells in columns.items():
        values = (cells.get(index) for index in trials)
        first = next(values, None)
        if key in ALWAYS or any(type(each) is not type(first) or each != first for each in values):
            varying[key] = cells
        elif first is not None:
            same[key] = first
    return TrialTable(trials, varying, same)


def readable(value: JSON) -> Any:
    """Return a number as it is, and any other JSON value as a text."""
    return value if isinstance(value, (int, float)) else "" if value is None else read_one(value)
