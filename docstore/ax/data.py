"""Data: its rows as records, those of one trial or of all trials, and the order of rows of several trials.

Ax keeps one ``Data`` for all trials of an experiment. A document has it trial by trial, as the light model does. Where
rows of several trials interleave, a record says at which place its row was.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeAlias

from ax.core.data import Data, DataRow

from docstore.ax.entries import cache, entry
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.classes.field_tables import Field
from docstore.codec.classes.part_holders import PartHolder
from docstore.codec.side_data import WeakIdentityMap
from docstore.errors import EncodeError

Place: TypeAlias = "tuple[int, int]"
"""Where a row was that came after rows of later trials: the number of the last trial that had rows by then, and how
many rows had come since its first one."""

PLACE: Final = "row_place"
"""The member of a record that has the place of its row, if it has one."""

PLACES: Final = "_docstore_row_places"
"""The attribute of the ``Data`` of one trial that has the places of its rows."""

_OPTIONAL: Final = ("step", "start_time", "end_time", "n")
"""The members of a record that are left out if they are None."""


def _record_of(row: Any) -> dict[str, Any]:
    """Return the members of the record of *row*."""
    state = vars(row)
    record = {
        "trial_index": state["trial_index"],
        "arm_name": state["arm_name"],
        "metric_name": state["metric_name"],
        "metric_signature": state["metric_signature"],
        "mean": state["mean"],
        "sem": state["se"],
    }
    for name in _OPTIONAL:
        if state[name] is not None:
            record[name] = state[name]
    return record


def _row_of(record: Mapping[str, Any]) -> Any:
    """Return the row of a *record*."""
    row = object.__new__(DataRow)
    vars(row).update(
        trial_index=record["trial_index"],
        arm_name=record["arm_name"],
        metric_name=record["metric_name"],
        metric_signature=record["metric_signature"],
        mean=record["mean"],
        se=record["sem"],
        step=record.get("step"),
        start_time=record.get("start_time"),
        end_time=record.get("end_time"),
        n=record.get("n"),
    )
    return row


def data_of(rows: list[Any], places: Sequence[Place | None] = ()) -> Any:
    """Return the ``Data`` of *rows*, which it keeps; it also knows their *places*, if it is the data of one trial."""
    data = object.__new__(Data)
    data._memo_df = None
    _set_rows(data, rows)
    if any(places):
        vars(data)[PLACES] = [*places]
    return data


def _set_rows(data: Any, rows: list[Any]) -> None:
    data._data_rows = rows
    data.has_step_column = any(row.step is not None for row in rows)


def rows_of(experiment: Any) -> list[Any]:
    """Return the rows of the data of *experiment*.

    Raises:
        EncodeError: the data are more than rows, and that would be lost: a document has the rows of each trial.
    """
    data = experiment.data
    if type(data) is not Data:
        remedy = "As Ax does when data are attached, make them plain: experiment.data = Data(data_rows=...)."
        raise EncodeError(f"the data of an experiment are of the class {type(data).__qualname__}. {remedy}")
    if lost := sorted(vars(data).keys() - _ATTRIBUTES):
        remedy = "Keep it in the experiment's properties: Ax, too, loses it when data are attached."
        raise EncodeError(f"the data have the attribute {lost[0]!r}, which would be lost. {remedy}")
    rows: list[Any] = data._data_rows
    return rows


# --- the rows of one trial -------------------------------------------------------------------------------------------

_TRIAL: Final = attrgetter("trial_index")


def by_trial(rows: Sequence[Any]) -> dict[int, Any]:
    """Return the ``Data`` of each trial, which knows the places of its rows."""
    if _in_turn([*map(_TRIAL, rows)]):
        return {index: data_of([*own]) for index, own in groupby(rows, _TRIAL)}
    found: dict[int, list[tuple[Any, Place | None]]] = {}
    for row, place in _with_places(rows):
        found.setdefault(row.trial_index, []).append((row, place))
    return {index: _data_of_pairs(pairs) for index, pairs in found.items()}


def _in_turn(indices: list[int]) -> bool:
    """Return whether the rows of each trial come after those of the trials before it: then no row needs a place."""
    return indices == sorted(indices)


def _with_places(rows: Iterable[Any]) -> Iterator[tuple[Any, Place | None]]:
    last, since = -1, 0
    for row in rows:
        index = row.trial_index
        if index > last:
            last, since = index, 0
        yield row, (last, since) if index < last else None
        since += 1


def _data_of_pairs(pairs: list[tuple[Any, Place | None]]) -> Any:
    return data_of([row for row, _ in pairs], [place for _, place in pairs])


def together(parts: Mapping[int, Any]) -> list[Any]:
    """Return the rows of the ``Data`` of all trials in the order in which they came.

    If two writers gave rows the same place, that of the smaller trial comes first.
    """
    if not any(PLACES in vars(part) for part in parts.values()):
        return [row for _, part in sorted(parts.items()) for row in part._data_rows]
    in_turn: dict[int, list[Any]] = {}
    late: dict[int, list[tuple[int, int, Any]]] = {}
    for index, part in sorted(parts.items()):
        for row, place in zip(part._data_rows, _places(part), strict=True):
            if place is None:
                in_turn.setdefault(index, []).append(row)
            else:
                late.setdefault(place[0], []).append((place[1], index, row))
    for index, rows in late.items():
        for offset, _, row in sorted(rows, key=lambda each: each[:2]):
            in_turn.setdefault(index, []).insert(offset, row)
    return [row for _, rows in sorted(in_turn.items()) for row in rows]


def _places(data: Any) -> list[Place | None]:
    """Return the place of each row of *data*."""
    return vars(data).get(PLACES) or [None] * len(data._data_rows)


def _of_trial(data: Any, index: int) -> Any:
    """Return the same data for the trial with this number; rows of another trial are copied."""
    rows = [row if row.trial_index == index else _moved(row, index) for row in data._data_rows]
    return data_of(rows, _places(data))


def _moved(row: Any, index: int) -> Any:
    moved = object.__new__(DataRow)
    vars(moved).update({**vars(row), "trial_index": index})
    return moved


# --- the rows of an experiment that grows ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Index:
    """The rows of data that grow, and the trial of each.

    Attributes:
        trials: the number of the trial of each row.
        in_turn: whether the rows of each trial come after those of the trials before it.
    """

    rows: list[Any] = field(default_factory=list)
    trials: list[int] = field(default_factory=list)
    in_turn: bool = True

    def extend(self, rows: list[Any]) -> bool:
        """Add those of *rows* that come after as many as are known; return whether those are the known ones.

        Cost:
            A comparison of the addresses of known rows, in C: none of them is looked at.
        """
        added = rows[len(self.rows) :]
        trials = [*map(_TRIAL, added)]
        self.in_turn = self.in_turn and _in_turn([*self.trials[-1:], *trials])
        self.rows += added
        self.trials += trials
        return self.rows == rows


_INDEXES: Final[WeakIdentityMap[_Index]] = WeakIdentityMap()
"""The index of the rows of an experiment whose trials are saved one by one."""


def _of_one_trial(owner: Any, number: int) -> Any:
    """Return what ``by_trial`` has for this trial, or None, without making the others.

    A row's trial is read when the row comes in, and must not be changed in the row later: Ax makes a new row.
    """
    rows = rows_of(owner)
    index = _INDEXES.take(owner) or _Index()
    if not index.extend(rows):  # some were taken out or replaced
        index = _Index()
        index.extend(rows)
    _INDEXES.set(owner, index)
    if index.in_turn:
        own = rows[bisect_left(index.trials, number) : bisect_right(index.trials, number)]
        return data_of(own) if own else None
    pairs = [pair for pair in _with_places(rows) if pair[0].trial_index == number]
    return _data_of_pairs(pairs) if pairs else None


# --- in an experiment ------------------------------------------------------------------------------------------------


class DataHolder(PartHolder):
    """Holds the data of each trial: its rows in the experiment's one ``Data``, which is made anew when they change.

    The place of a row is among rows of a later trial: these are put in first.
    """

    is_filled_backwards = True

    def keys(self, owner: Any) -> list[Any]:
        return list(by_trial(owner.data._data_rows))

    def get(self, owner: Any, key: Any) -> Any:
        found = _of_one_trial(owner, key)
        if found is None:
            raise KeyError(key)
        return found

    def replace(self, owner: Any, key: Any, former: Any, value: Any) -> bool:
        data = owner.data
        parts = by_trial(data._data_rows)
        if not _has_same_rows(parts.pop(key, MISSING), former) or owner.data is not data:
            return False
        if value is not MISSING:
            parts[key] = _of_trial(value, key)
        owner.data = data_of(together(parts))
        return True


def _has_same_rows(one: Any, other: Any) -> bool:
    if one is MISSING or other is MISSING:
        return one is other
    return [*map(id, one._data_rows)] == [*map(id, other._data_rows)]


# --- the class -----------------------------------------------------------------------------------------------------


def _records(data: Any) -> list[dict[str, Any]]:
    if {*map(len, map(vars, data._data_rows))} - {len(_ROW)}:
        _refuse_attributes_of_rows(data._data_rows)
    if PLACES not in vars(data):
        return [*map(_record_of, data._data_rows)]
    pairs = zip(data._data_rows, _places(data), strict=True)
    return [_record_of(row) if place is None else {**_record_of(row), PLACE: [*place]} for row, place in pairs]


def _refuse_attributes_of_rows(rows: Iterable[Any]) -> None:
    for name in sorted({name for row in rows for name in vars(row)} - _ROW):
        remedy = "Keep it in the properties of the trial."
        raise EncodeError(f"a row of the data has the attribute {name!r}, which would be lost. {remedy}")


def _restore_data(data: Any, records: list[dict[str, Any]]) -> None:
    for name in _COMPUTED:
        vars(data).pop(name, None)
    _set_rows(data, [*map(_row_of, records)])
    places = [record.get(PLACE) for record in records]
    if any(places):
        vars(data)[PLACES] = [None if place is None else (place[0], place[1]) for place in places]


_COMPUTED: Final = ("full_df", "metric_names", "trial_indices")
"""The attributes that a ``Data`` computes of its rows when they are first read."""

_ROW: Final = frozenset({"trial_index", "arm_name", "metric_name", "metric_signature", "mean", "se", *_OPTIONAL})
"""The attributes of a row."""

_ATTRIBUTES: Final = frozenset({"_data_rows", "has_step_column", "_memo_df", "_db_id", PLACES, *_COMPUTED})
"""The attributes that the ``Data`` of an experiment may have."""

ENTRIES = (
    entry(
        Data,
        Field("_data_rows", stored=False),
        Field("records", list[dict[str, Any]], get=_records),
        Field("has_step_column", stored=False),
        cache("_memo_df"),
        *(Field(name, stored=False) for name in (*_COMPUTED, PLACES)),
        restored=_restore_data,
    ),
)
