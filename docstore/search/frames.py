"""What was found as columns: a pandas frame, or an Arrow table. Both packages are optional."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from docstore.documents.canonical import ABSENT, JSON, Absent, MaybeJSON, dumps, is_plain
from docstore.errors import MissingDependencyError

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows, and what stands at some places of each.

    Attributes:
        fields: of what is told of each row.
        places: for each row, the JSON at each of *pointers*, or ABSENT.
        decode: gives the value of a JSON.
    """

    fields: Sequence[str]
    told: Sequence[Any]
    pointers: Sequence[str]
    places: Sequence[Sequence[MaybeJSON]]
    decode: Callable[[JSON], Any]

    def of_fields(self) -> dict[str, list[Any]]:
        """Return the values of each field, by its name."""
        return {field: [getattr(row, field) for row in self.told] for field in self.fields}

    def of_places(self) -> dict[str, list[MaybeJSON]]:
        """Return the JSON at each place, by its pointer."""
        return {pointer: [row[number] for row in self.places] for number, pointer in enumerate(self.pointers)}

    def values(self, column: Sequence[MaybeJSON]) -> list[Any]:
        """Return the values of a column of JSON, None where nothing stands."""
        return [None if isinstance(each, Absent) else self.decode(each) for each in column]


_WITHOUT_GAPS: Final = {"version": "int64", **dict.fromkeys(("created_at", "updated_at"), "datetime64[us, UTC]")}
"""The types of the fields that every row has: the same in a frame without rows."""


def to_frame(columns: Columns) -> pandas.DataFrame:
    """Return a frame with a column for each field and each place.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError("pandas", purpose="to_frame()") from error
    values = {**columns.of_fields(), **{name: columns.values(each) for name, each in columns.of_places().items()}}
    series = {}
    for name, each in values.items():
        if name in _WITHOUT_GAPS:
            series[name] = pandas.Series(each, dtype=_WITHOUT_GAPS[name])
            continue
        made = pandas.Series(each, dtype=object)
        # None makes floats of integers: where all are of one type, the column is of that type, else of objects.
        series[name] = made.infer_objects() if len({type(value) for value in each}) == 1 else made
    return pandas.DataFrame(series)


_ARROW: Final = frozenset({bool, int, float, str})


def to_arrow(columns: Columns) -> Any:
    """Return a table with a column for each field and each place.

    Raises:
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        pyarrow: Any = import_module("pyarrow")  # without type hints
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="arrow", purpose="to_arrow()") from error
    times = pyarrow.timestamp("us", tz="UTC")
    whole = {"index": pyarrow.int64(), "version": pyarrow.int64()}
    arrays = {
        name: pyarrow.array(each, whole.get(name) or (times if name.endswith("_at") else pyarrow.string()))
        for name, each in columns.of_fields().items()
    }
    for name, found in columns.of_places().items():
        values = columns.values(found)
        types = {type(value) for value in values if value is not None}
        if len(types) < 2 and types <= _ARROW and all(map(_fits, values)):
            arrays[name] = pyarrow.array(values)
        else:
            arrays[name] = pyarrow.array([None if each is ABSENT else dumps(each).decode() for each in found])
    return pyarrow.table(arrays)


def _fits(value: object) -> bool:
    """Return whether Arrow keeps *value* as it is."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return not isinstance(value, str) or is_plain(value)
