"""Data: one record for each observation of a metric on an arm."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

from docstore.documents.display import counted
from docstore.errors import InvalidValueError, MissingDependencyError
from docstore.model.checks import check_name, check_unique, is_number, plain
from docstore.model.html import data_html

if TYPE_CHECKING:
    import pandas

_NEEDED = ("trial_index", "arm_name", "metric_name", "mean")
_DTYPES: Final[Mapping[str, str]] = {"trial_index": "int64", "mean": "float64", "sem": "float64", "step": "float64"}


@dataclass(init=False, repr=False)
class Data:
    """Observations, each a dict: ``Data(records)``; or ``Data(df=frame)``, of the rows of a pandas DataFrame.

    Keys:
        trial_index, arm_name, metric_name: what was observed, and of which arm
        mean: the value measured, a number or NaN
        sem: the standard error of the mean, in the metric's unit; None or NaN if it isn't known
        step: how far the trial was, a number; absent or None if there is one observation only
        start_time, end_time: when
        any other key: kept as it is

    Each cell of a frame becomes the plain value that pandas gives for it: an int of an ``int64``, a ``Timestamp`` of a
    ``datetime64``. A cell without a value (None, NaN, NA, NaT) is left out, except for the ``mean``: there, NaN is a
    mean that could not be measured. The index is not looked at.
    """

    records: list[dict[str, Any]] = field(default_factory=list)

    def __init__(self, records: Iterable[Mapping[str, Any]] = (), *, df: pandas.DataFrame | None = None) -> None:
        """Check and copy *records*, or the rows of *df*; a missing ``sem`` is None.

        Raises:
            InvalidValueError: a needed column is missing or of a wrong type; the error names the record and the column.
        """
        if df is not None and records != ():
            raise InvalidValueError("df", df, "Give records or df, not both.")
        if _is_frame(records):
            raise InvalidValueError("records", records, "Name the argument: Data(df=...).")
        records = records if df is None else _rows(df)
        self.records = [_checked(record, position) for position, record in enumerate(records)]

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Data:
        """Return the Data of *records*, each copied and checked; a missing ``sem`` is None.

        Raises:
            InvalidValueError: a needed column is missing or of a wrong type; the error names the record and the column.
        """
        return cls(records)

    @classmethod
    def from_multiple_data(cls, data: Iterable[Data]) -> Data:
        """Return all records of *data* in one."""
        return cls._of(record for part in data for record in part.records)

    @classmethod
    def _of(cls, records: Iterable[dict[str, Any]]) -> Data:
        """Return the Data of *records* that were checked before, each copied."""
        data = cls()
        data.records = [record.copy() for record in records]
        return data

    @property
    def full_df(self) -> pandas.DataFrame:
        """The observations as a new frame, a row for each, with the columns that some record has.

        ``trial_index`` is ``int64``; ``mean``, ``sem`` and ``step`` are ``float64``, with NaN where there is none; the
        others are ``object``, with None where there is none. ``Data(df=data.full_df)`` has the same records, except
        that an int mean, sem or step is a float then, and that what is None or NaN in a further column is left out.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return _frame(self.records)

    @property
    def df(self) -> pandas.DataFrame:
        """The last step of each trial, arm and metric, as ``full_df``; all observations, if none has a step.

        An observation without a step was made at the end of its trial.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        if not self.has_step_column:
            return self.full_df
        last: dict[tuple[int, str, str], dict[str, Any]] = {}
        for record in self.records:
            former = last.setdefault(_key(record)[:3], record)
            if _progress(record) > _progress(former):
                last[_key(record)[:3]] = record
        chosen = set(map(id, last.values()))
        return _frame([record for record in self.records if id(record) in chosen])

    @property
    def empty(self) -> bool:
        """Whether there is no observation."""
        return not self.records

    @property
    def trial_indices(self) -> set[int]:
        """The index of each trial that was observed."""
        return {record["trial_index"] for record in self.records}

    @property
    def metric_names(self) -> set[str]:
        """The name of each metric that was observed."""
        return {record["metric_name"] for record in self.records}

    @property
    def has_step_column(self) -> bool:
        """Whether some observation has a step."""
        return any(_step(record) is not None for record in self.records)

    def filter(self, trial_indices: Iterable[int] | None = None, metric_names: Iterable[str] | None = None) -> Data:
        """Return the observations of the given trials and metrics; None means all."""
        trials = None if trial_indices is None else set(trial_indices)
        metrics = None if metric_names is None else set(metric_names)
        return self._of(
            record
            for record in self.records
            if (trials is None or record["trial_index"] in trials)
            and (metrics is None or record["metric_name"] in metrics)
        )

    def updated_by(self, records: Sequence[dict[str, Any]]) -> Data:
        """Return these observations and *records*, which replace those of the same arm, metric and step.

        *records* are copied; the other records are shared with these observations.
        """
        by_key = {_key(record): record for record in self.records}
        by_key.update((_key(record), record.copy()) for record in records)
        updated = Data()
        updated.records = list(by_key.values())
        return updated

    def by_trial(self) -> dict[int, list[dict[str, Any]]]:
        """Return the records of each trial."""
        grouped: dict[int, list[dict[str, Any]]] = {}
        for record in self.records:
            grouped.setdefault(record["trial_index"], []).append(record)
        return grouped

    def __len__(self) -> int:
        return len(self.records)

    def __bool__(self) -> bool:
        # Otherwise `data or default` would drop Data without observations.
        return True

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.metric_names)) or "nothing"
        return f"Data({counted(len(self.records), 'observation')} of {names})"

    def _repr_html_(self) -> str:
        return data_html(self)


def _frame(records: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """Return a frame with a row for each of *records*; see ``Data.full_df``."""
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError("pandas", extra="pandas", purpose="Data.df") from error
    names = dict.fromkeys([*_NEEDED, "sem", *(name for record in records for name in record)])
    columns = {name: [record.get(name) for record in records] for name in names}
    return pandas.DataFrame(
        {name: pandas.Series(values, dtype=_DTYPES.get(name, "object")) for name, values in columns.items()}
    )


def _is_frame(value: object) -> bool:
    """Return whether *value* is a DataFrame of pandas, without importing it."""
    return any(
        base.__name__ == "DataFrame" and base.__module__.partition(".")[0] == "pandas" for base in type(value).__mro__
    )


def _rows(frame: pandas.DataFrame) -> Iterable[dict[str, Any]]:
    """Return a record for each row of *frame*, without the cells that have no value."""
    if not _is_frame(frame):
        raise InvalidValueError("df", frame, "Give a pandas.DataFrame; Data([...]) takes records.")
    names = [check_name("column of the frame", name) for name in frame.columns]
    check_unique("column of the frame", names, "Rename one of the two.")
    columns = [frame.iloc[:, position].tolist() for position in range(len(names))]
    for cells in zip(*columns, strict=True):
        yield {name: cell for name, cell in zip(names, cells, strict=True) if name in _NEEDED or not _is_missing(cell)}


def _is_missing(cell: object) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and cell != cell)


def _key(record: Mapping[str, Any]) -> tuple[int, str, str, Any]:
    return record["trial_index"], record["arm_name"], record["metric_name"], _step(record)


def _step(record: Mapping[str, Any]) -> Any:
    """Return the step of *record*, or None; a table has NaN for a missing one."""
    step = record.get("step")
    return None if step != step else step


def _progress(record: Mapping[str, Any]) -> Any:
    """Return how far the trial was: the step, or infinity without one."""
    step = _step(record)
    return math.inf if step is None else step


def _checked(record: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Return a copy of *record*, checked, with a ``sem``."""
    if not isinstance(record, Mapping):
        raise InvalidValueError(f"record {position} of the data", record, "Give a dict from column to value.")
    copy = {**record}
    for column in _NEEDED:
        if column not in copy:
            raise InvalidValueError(
                f"record {position} of the data", copy, f"It lacks {column!r}: give {', '.join(_NEEDED)}."
            )
    copy.setdefault("sem", None)
    _check_columns(copy, f"of record {position} of the data")
    copy["trial_index"] = operator.index(copy["trial_index"])
    for column in ("arm_name", "metric_name", "mean", "sem", "step"):
        if column in copy:
            copy[column] = plain(copy[column])
    return copy


def _check_columns(record: Mapping[str, Any], where: str) -> None:
    index, sem, step = record["trial_index"], record["sem"], record.get("step")
    if not isinstance(index, Integral) or isinstance(index, bool) or index < 0:
        raise InvalidValueError(f"trial_index {where}", index, "Give the index of a trial, an int from 0.")
    for column in ("arm_name", "metric_name"):
        if not isinstance(record[column], str) or not record[column]:
            raise InvalidValueError(f"{column} {where}", record[column], "Give a string that is not empty.")
    if not is_number(record["mean"]):
        raise InvalidValueError(f"mean {where}", record["mean"], "Give a number; NaN if it could not be measured.")
    if sem is not None and (not is_number(sem) or sem < 0):
        raise InvalidValueError(f"sem {where}", sem, "Give a number from 0; None or NaN if it isn't known.")
    if step is not None and not is_number(step):
        raise InvalidValueError(f"step {where}", step, "Give a number, or leave it out.")
