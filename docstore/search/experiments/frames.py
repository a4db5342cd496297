"""The trials and the observations of an experiment as pandas frames, whose columns have fixed dtypes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from docstore.search.experiments.read import (
    Decode,
    StoredExperiment,
    StoredTrials,
    arms_of,
    at,
    decoded,
    moment_of,
    parameter_types,
    records_of,
    seconds_between,
)
from docstore.search.frames import frame

if TYPE_CHECKING:
    import pandas

_OBSERVED: Final = {
    "experiment": "object",
    "project": "object",
    "trial_index": "int64",
    "arm_name": "object",
    "metric_name": "object",
    "step": "float64",
    "mean": "float64",
    "sem": "float64",
    "start_time": "object",
    "end_time": "object",
    "id": "object",
}
_TRIED: Final = {
    "experiment": "object",
    "project": "object",
    "trial_index": "int64",
    "status": "Int64",
    "status_name": "object",
    "arm_name": "object",
    "arms": "object",
    "parameters": "",
    "generator_run_type": "Int64",
    "generator_run_type_name": "object",
    "time_created": "datetime64[us, UTC]",
    "time_run_started": "datetime64[us, UTC]",
    "time_completed": "datetime64[us, UTC]",
    "run_time": "float64",
    "changed_in_version": "int64",
    "id": "object",
}
"""The columns of the view ``trials`` and their dtypes; ``parameters`` becomes one column per parameter."""


def observations_frame(stored: StoredExperiment, project: str, decode: Decode) -> pandas.DataFrame:
    """Return a frame with a row for each observation, by trial, in the order of attachment.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    indices: list[int] = []
    records: list[dict[str, Any]] = []
    for index, record in records_of(stored, decode):
        indices.append(index)
        records.append(record)
    columns = _shared(stored, project, len(records)) | {"trial_index": indices}
    columns |= {name: [record.get(name) for record in records] for name in _OBSERVED if name not in columns}
    return frame({name: columns[name] for name in _OBSERVED}, _OBSERVED, "observations()")


def trials_frame(stored: StoredTrials, project: str, decode: Decode) -> pandas.DataFrame:
    """Return a frame with a row for each trial, with its first arm.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    types = parameter_types(stored.experiment.head)
    columns = _trial_columns(stored, decode) | _shared(stored.experiment, project, len(stored.experiment.trials))
    parameters = columns.pop("parameters")
    dtypes: dict[str, str] = {}
    for column, dtype in _TRIED.items():
        if column != "parameters":
            dtypes[column] = dtype
            continue
        names = dict.fromkeys([*types, *(name for each in parameters for name in each)])
        for name in names:
            spread = _column_of(name, names)
            columns[spread] = [each.get(name) for each in parameters]
            dtypes[spread] = _PARAMETER.get(types.get(name, ""), "object")
    return frame({name: columns[name] for name in dtypes}, dtypes, "trials()")


def _column_of(name: str, names: Collection[str]) -> str:
    """Return the column of the parameter *name*, which no other column or parameter has; *names* are of parameters."""
    column = f"parameters.{name}" if name in _TRIED else name
    while column != name and column in names:
        column = f"parameters.{column}"
    return column


_PARAMETER: Final = {"FLOAT": "float64", "INT": "Int64", "BOOL": "boolean"}
"""The dtype of a parameter's column; ``object`` for other types."""


def _shared(stored: StoredExperiment, project: str, rows: int) -> dict[str, list[Any]]:
    """Return the columns that have one value in all rows."""
    return {"experiment": [stored.name] * rows, "project": [project] * rows, "id": [stored.id] * rows}


def _trial_columns(stored: StoredTrials, decode: Decode) -> dict[str, list[Any]]:
    """Return the columns that differ from trial to trial; ``parameters`` of the first arm as dicts."""
    bodies = list(stored.experiment.trials.values())
    rows = [stored.columns[index] for index in stored.experiment.trials]
    arms = [list(arms_of(body)) for body in bodies]
    parameters = [decoded(each[0][1], decode) if each else {} for each in arms]
    times = {
        key: [moment_of(at(body, key), decode) for body in bodies]
        for key in ("time_created", "time_run_started", "time_completed")
    }
    return {
        "trial_index": list(stored.experiment.trials),
        "status": [row.status for row in rows],
        "status_name": [_name(stored.names, "trial_status", row.status) for row in rows],
        "arm_name": [each[0][0] if each else None for each in arms],
        "arms": [list(dict.fromkeys(name for name, _ in each)) for each in arms],
        "parameters": [each if isinstance(each, dict) else {} for each in parameters],
        "generator_run_type": [row.type for row in rows],
        "generator_run_type_name": [_name(stored.names, "generator_run_type", row.type) for row in rows],
        **times,
        "run_time": list(map(seconds_between, times["time_run_started"], times["time_completed"])),
        "changed_in_version": [row.version for row in rows],
    }


def _name(names: Mapping[tuple[str, int], str], column: str, value: int | None) -> str | None:
    return None if value is None else names.get((column, value))
