"""The trials and the observations of an experiment as pandas frames, whose columns have fixed dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from docstore.documents.canonical import JSON
from docstore.errors import MissingDependencyError
from docstore.search.experiments.read import (
    Decode,
    Part,
    StoredExperiment,
    arms_of,
    at,
    in_order,
    parameter_types,
    records_of,
)

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
    shared = {"experiment": stored.name, "project": project, "id": stored.id}
    rows = [{**record, **shared, "trial_index": index} for index, record in records_of(stored, decode)]
    return _frame({name: [row.get(name) for row in rows] for name in _OBSERVED}, _OBSERVED, "observations()")


def trials_frame(stored: StoredExperiment, project: str, decode: Decode) -> pandas.DataFrame:
    """Return a frame with a row for each trial, with its first arm.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    types = parameter_types(stored.head)
    rows = [_trial_row(stored, project, part, decode) for part in stored.trials.values()]
    names = dict.fromkeys([*types, *(name for row in rows for name in in_order(row["parameters"], types))])
    columns: dict[str, list[Any]] = {}
    dtypes: dict[str, str] = {}
    for column, dtype in _TRIED.items():
        if column != "parameters":
            columns[column], dtypes[column] = [row[column] for row in rows], dtype
            continue
        for name in names:
            spread = f"parameters.{name}" if name in _TRIED else name
            columns[spread] = [row["parameters"].get(name) for row in rows]
            dtypes[spread] = _PARAMETER.get(types.get(name, ""), "object")
    return _frame(columns, dtypes, "trials()")


_PARAMETER: Final = {"FLOAT": "float64", "INT": "Int64", "BOOL": "boolean"}
"""The dtype of a parameter's column; ``object`` for other types."""


def _trial_row(stored: StoredExperiment, project: str, part: Part, decode: Decode) -> dict[str, Any]:
    arms = list(arms_of(part.body))
    name, parameters = arms[0] if arms else (None, {})
    created, started, completed = (
        _moment(decode(at(part.body, key))) for key in ("time_created", "time_run_started", "time_completed")
    )
    decoded = decode(parameters)
    return {
        "experiment": stored.name,
        "project": project,
        "trial_index": part.index,
        "status": part.status,
        "status_name": _name(stored.names, "trial_status", part.status),
        "arm_name": name,
        "arms": list(dict.fromkeys(name for name, _ in arms)),
        "parameters": decoded if isinstance(decoded, dict) else {},
        "generator_run_type": part.type,
        "generator_run_type_name": _name(stored.names, "generator_run_type", part.type),
        "time_created": created,
        "time_run_started": started,
        "time_completed": completed,
        "run_time": _seconds(started, completed),
        "changed_in_version": part.version,
        "id": stored.id,
    }


def _name(names: Mapping[tuple[str, int], str], column: str, value: int | None) -> str | None:
    return None if value is None else names.get((column, value))


def _moment(value: JSON | datetime) -> datetime | None:
    try:
        return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds between two times; None if only one has a zone."""
    if start is None or end is None or (start.tzinfo is None) != (end.tzinfo is None):
        return None
    return (end - start).total_seconds()


def _frame(columns: Mapping[str, list[Any]], dtypes: Mapping[str, str], purpose: str) -> pandas.DataFrame:
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError("pandas", extra="pandas", purpose=purpose) from error
    return pandas.DataFrame(
        {name: pandas.Series(values, dtype=_fitting(values, dtypes[name])) for name, values in columns.items()}
    )


_TAKES: Final[Mapping[str, tuple[type, ...]]] = {"float64": (int, float), "Int64": (int,), "boolean": (bool,)}


def _fitting(values: Iterable[Any], dtype: str) -> Any:
    """Return *dtype* if it stores each of *values* unchanged (float64 rounds large integers), else ``object``."""
    there = [value for value in values if value is not None]
    if dtype.startswith("datetime"):
        fits = all(value.tzinfo is not None for value in there)
    elif dtype in _TAKES:
        fits = all(type(value) in _TAKES[dtype] for value in there)
        fits = fits and (dtype == "boolean" or all(_is_small(value) for value in there))
    else:
        fits = True
    return dtype if fits else "object"


def _is_small(value: float) -> bool:
    return isinstance(value, float) or -(2**63) <= value < 2**63
