"""The trials of an experiment as a table of the columns that vary, and a single trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from docstore.documents.canonical import JSON, TAG, Absent
from docstore.documents.diff.format import read_one
from docstore.documents.history import Version
from docstore.documents.kinds import BOOKKEEPING
from docstore.errors import DecodeError, InvalidValueError
from docstore.search.experiments.best import by_trial_and_arm, last_observations
from docstore.search.experiments.read import StoredExperiment, arms_of, at, items, parameter_types, records_of
from docstore.search.experiments.running import RunningTrial, still_running
from docstore.web.formats import Stamp, Table
from docstore.web.pages.artifacts import MOST, ArtifactRow, artifacts_in
from docstore.web.pages.changes import ChangeRow, change_row, shown_version
from docstore.web.pages.measured import TrialTable, readable, trial_table
from docstore.web.source import EXPERIMENT, Source

PAGE: Final = 200
"""Trials of a page, if they have few columns."""

_CELLS: Final = 10_000
"""Cells of a page: more columns make it shorter."""

_COLUMNS: Final = 500
"""Columns of a page."""

_ARMS: Final = 200
"""Arms of a trial that its page shows."""

_RECORDS: Final = 500
"""Observations of a trial that its page shows."""

# --- the page of all trials ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrialsPage:
    """One page of the trials of an experiment.

    Attributes:
        rows, columns: of this page; only columns in which some trials of the experiment differ.
        same: what is the same in all trials.
        left_out: how many columns are left out, of very many.
        start: how many trials come before this page, of *total*; each page has *size* of them.
        sort: the column that they are sorted by, ``-`` before it for the largest first.
        version: the number of the one that is shown; *head* is that of the newest.
        running: those that run in an Optuna storage, at the newest version.
    """

    name: str
    version: int
    head: int
    columns: tuple[str, ...]
    rows: list[Sequence[object]]
    same: dict[str, object]
    left_out: int
    start: int
    size: int
    total: int
    sort: str
    running: list[RunningTrial]
    newest: ChangeRow
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The rows of this page as a table."""
        return Table(self.columns, self.rows)


def trials_page(source: Source, name: str, start: int = 0, sort: str = "trial", wanted: str = "") -> TrialsPage:
    """Return the trials of an experiment from the one with the rank *start* on, at the version *wanted*.

    Raises:
        VersionNotFoundError: there is no such version.
        InvalidValueError: there is no column to *sort* by; lists those that there are.

    Cost:
        Of the first page of a version, that of ``trial_table``; of the others, a sort. The running trials are read
        for any version.
    """
    running = source.store.running_trials(name)  # first: one that ends meanwhile is in the version then
    shown = shown_version(source, name, EXPERIMENT, wanted)
    found = trial_table(source, name, shown.version)
    running = [] if shown.number_if_old else still_running(running, found.cells["status"])
    trials = _sorted(found, sort)
    size = min(PAGE, max(1, _CELLS // min(_COLUMNS, len(found.cells))))
    table = found.table(trials[start : start + size], _COLUMNS)
    return TrialsPage(
        name,
        shown.version.number,
        shown.head,
        table.columns,
        list(table.rows),
        dict(list(found.same.items())[:_COLUMNS]),
        len(found.cells) - len(table.columns),
        start,
        size,
        len(trials),
        sort,
        running,
        shown.newest,
        Stamp(repr((shown.version.chain, shown.newest, running))),
    )


def _sorted(table: TrialTable, sort: str) -> list[int]:
    """Return the indices of the trials, sorted by a column."""
    column = sort.removeprefix("-")
    if column not in table.cells:
        raise InvalidValueError("sort", sort, f"The columns are {', '.join(table.cells)}.")
    if sort == "trial":
        return table.trials
    cells = table.cells[column]
    missing = [index for index in table.trials if cells.get(index) is None]
    present = [index for index in table.trials if cells.get(index) is not None]

    def key(index: int) -> tuple[str, Any]:
        value = cells[index]
        return ("", value) if isinstance(value, (int, float)) else (type(value).__name__, value)

    return sorted(present, key=key, reverse=sort.startswith("-")) + missing


# --- the page of one trial -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrialPage:
    """A trial at a version: its arms with their parameters and means, its observations, and who changed it.

    Attributes:
        version: the number of the version; *head* is that of the newest.
        arms: name, parameters and means of each.
        artifacts: files that the trial and its data refer to, at most 200; *has_files* if they can be downloaded.
        facts: times, reasons, metadata, by their names.
        records: observations as they were attached, at most 500; *of* is how many there are.
        changes: the versions that changed the trial or its data until then, newest first.
        earlier, later: the trials before and after it; None where there is none.
    """

    name: str
    version: int
    head: int
    index: int
    status: str
    arms: list[dict[str, Any]]
    parameters: list[str]
    metrics: list[str]
    artifacts: list[ArtifactRow]
    has_files: bool
    facts: dict[str, str]
    records: list[dict[str, Any]]
    of: int
    changes: list[ChangeRow]
    earlier: int | None
    later: int | None
    newest: ChangeRow
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The observations as a table."""
        columns = ("arm_name", "metric_name", "step", "mean", "sem", "start_time", "end_time")
        return Table(columns, [[record.get(column) for column in columns] for record in self.records])


def trial_page(source: Source, name: str, index: int, wanted: str = "") -> TrialPage:
    """Return the page of a trial at the version that a number or a tag names, by default as it is now.

    Of a trial that runs in an Optuna storage now, it has what its process last wrote.

    Raises:
        VersionNotFoundError: there is no such version.
        DecodeError: there is no such trial.

    Cost:
        The trial and its data are read, and the versions that changed them: the same for any number of trials. At an
        older version, all trials are read. The running trials are read for any version.
    """
    running = source.store.running_trials(name)  # first: one that ends meanwhile is stored then
    shown = shown_version(source, name, EXPERIMENT, wanted)
    number = shown.number_if_old
    trial, data = (_part(source, name, f"/{field}/{index}", number) for field in ("trials", "data"))
    running = [] if number else still_running(running, {index: at(trial, "status")})
    now = next((each for each in running if each.trial == index), None)
    if now is not None:
        trial, data = _with_running(now, trial)
    if not isinstance(trial, dict):
        raise DecodeError(f"experiment {name!r} has no such trial", pointer=f"/trials/{index}")
    records, arms = _measured(source, trial, data, index)
    head = dict(source.head(name, version=number))
    changes = _changes(source, name, index, shown.version.number)
    beside = source.trials_beside(name, index) if number is None else _beside(source, name, shown.version, index)
    return TrialPage(
        name,
        shown.version.number,
        shown.head,
        index,
        str(trial.get("status", "")),
        arms,
        list(dict.fromkeys(chain(parameter_types(head), *(arm["parameters"] for arm in arms)))),
        list(dict.fromkeys(str(record.get("metric_name")) for record in records)),
        _artifacts(source, trial, data, index),
        source.has_files,
        dict(_facts(trial)),
        records[:_RECORDS],
        len(records),
        changes,
        *beside,
        shown.newest,
        Stamp(repr((shown.version.chain, shown.newest, changes, now))),
    )


def _with_running(running: RunningTrial, trial: JSON) -> tuple[JSON, JSON]:
    """Return a trial and its data, in the form of stored ones, with what is known of it while it runs."""
    arm: JSON = {"name": "", "parameters": dict(running.parameters)}
    times = {"since, on its machine": running.since, "last heard of": running.heard_of}
    known = {what: time.isoformat(" ", "seconds") for what, time in times.items() if time is not None}
    stored = trial if isinstance(trial, dict) else {}
    records: list[JSON] = [
        {"arm_name": "", "metric_name": name, "mean": mean} for name, mean in running.metrics.items()
    ]
    return {**stored, "status": "RUNNING", "generator_run": {"arms": [arm]}, **known}, {"records": records}


def _beside(source: Source, name: str, version: Version, index: int) -> tuple[int | None, int | None]:
    """Return the trials before and after *index* at an older version; None where there is none."""
    trials = trial_table(source, name, version).trials
    earlier, later = [each for each in trials if each < index], [each for each in trials if each > index]
    return max(earlier, default=None), min(later, default=None)


def _measured(source: Source, trial: JSON, data: JSON, index: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the observations of a trial, and its first arms with their parameters and means."""
    stored = StoredExperiment("", "", None, {}, {index: data})
    means = by_trial_and_arm(last_observations(stored, source.decode))
    arms = [_arm(arm, parameters, means.get((index, arm), {})) for arm, parameters in islice(arms_of(trial), _ARMS)]
    return [record for _, record in records_of(stored, source.decode)], arms


def _part(source: Source, name: str, pointer: str, number: int | None) -> JSON:
    """Return the JSON of a part, now or at the version *number*; None if there is none."""
    try:
        found = source.stored(name, pointer, version=number)
    except DecodeError:
        return None
    return None if isinstance(found, Absent) else found


def _artifacts(source: Source, trial: JSON, data: JSON, index: int) -> list[ArtifactRow]:
    found = chain(artifacts_in(source, trial, f"/trials/{index}"), artifacts_in(source, data, f"/data/{index}"))
    return list(islice(found, MOST))


def _arm(name: str, parameters: JSON, means: Mapping[str, tuple[float, float | None]]) -> dict[str, Any]:
    values = {key: readable(value) for key, value in parameters.items()} if isinstance(parameters, dict) else {}
    return {"name": name, "parameters": values, "means": {metric: mean for metric, (mean, _) in means.items()}}


def _facts(trial: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    """Yield the members of a trial but its arms, its status and what is empty, each with its text."""
    for key, value in trial.items():
        hidden = key in ("status", "index", TAG, "generator_run", "generator_runs") or key in BOOKKEEPING
        if not hidden and value not in (None, {}, []):
            yield key, read_one(value)
    runs = [trial["generator_run"]] if "generator_run" in trial else items(dict(trial), "generator_runs")
    for run in runs:
        made_by = at(run, "generator_key") or at(run, "generator_run_type")
        if made_by is not None:
            yield "made by", read_one(made_by)


def _changes(source: Source, name: str, index: int, last: int) -> list[ChangeRow]:
    """Return the versions up to *last* that changed the trial or its data, newest first; of many, the newest 50."""
    found: dict[int, Version] = {}
    for pointer in (f"/trials/{index}", f"/data/{index}"):
        until = (each for each in source.store.history(name, pointer=pointer) if each.number <= last)
        for version in islice(until, 50):
            found[version.number] = version
    return [change_row(source, name, EXPERIMENT, found[number]) for number in sorted(found, reverse=True)[:50]]
