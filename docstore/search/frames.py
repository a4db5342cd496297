"""Columns as a pandas frame or an Arrow table, two optional packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from docstore.documents.canonical import ABSENT, JSON, Absent, MaybeJSON, dumps, is_plain
from docstore.errors import MissingDependencyError

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of found rows, and the values at some places of each.

    Attributes:
        fields: of ``DocumentInfo`` or ``PartInfo``.
        places: for each row, the JSON at each of *pointers*, or ABSENT.
        decode: returns the value of a JSON.
    """

    fields: Sequence[str]
    rows: Sequence[Any]
    pointers: Sequence[str]
    places: Sequence[Sequence[MaybeJSON]]
    decode: Callable[[JSON], Any]

    def of_fields(self) -> dict[str, list[Any]]:
        """Return the values of each field, by its name."""
        return {field: [getattr(row, field) for row in self.rows] for field in self.fields}

    def of_places(self) -> dict[str, list[MaybeJSON]]:
        """Return the JSON at each place, by its pointer."""
        return {pointer: [row[number] for row in self.places] for number, pointer in enumerate(self.pointers)}

    def values(self, column: Sequence[MaybeJSON]) -> list[Any]:
        """Return the decoded values of a column of JSON, with None for ABSENT."""
        return [None if isinstance(each, Absent) else self.decode(each) for each in column]


# --- pandas ----------------------------------------------------------------------------------------------------------

_WITHOUT_GAPS: Final = {"version": "int64", **dict.fromkeys(("created_at", "updated_at"), "datetime64[us, UTC]")}
"""The dtypes of fields that are never None, also in a frame without rows."""


def to_frame(columns: Columns) -> pandas.DataFrame:
    """Return a frame with a column for each field and each place.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    places = {pointer: columns.values(each) for pointer, each in columns.of_places().items()}
    return frame({**columns.of_fields(), **places}, _WITHOUT_GAPS, "to_frame()")


def frame(columns: Mapping[str, Sequence[Any]], dtypes: Mapping[str, str], purpose: str) -> pandas.DataFrame:
    """Return a pandas frame of *columns*, with each value unchanged.

    Args:
        dtypes: of some columns; one that does not store each value unchanged becomes ``object``. Those of the others
            are inferred where all values are of one type.
        purpose: the call that needs pandas.

    Raises:
        MissingDependencyError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDependencyError("pandas", extra="pandas", purpose=purpose) from error
    series = {}
    for name, values in columns.items():
        dtype = dtypes.get(name)
        made = pandas.Series(values, dtype="object" if dtype is None else _fitting(values, dtype))
        # With None among them, pandas would make integers floats: a column of several types keeps dtype object.
        is_inferred = dtype is None and len(set(map(type, values))) == 1
        series[name] = made.infer_objects() if is_inferred else made
    return pandas.DataFrame(series)


_TAKES: Final[Mapping[str, set[type]]] = {"float64": {int, float}, "Int64": {int}, "boolean": {bool}}


def _fitting(values: Sequence[Any], dtype: str) -> Any:
    """Return *dtype* if it stores each of *values* unchanged (float64 rounds large integers), else ``object``."""
    types = set(map(type, values)) - {type(None)}
    fits = True
    if dtype.startswith("datetime"):
        fits = all(value is None or value.tzinfo is not None for value in values)
    elif dtype in _TAKES:
        fits = types <= _TAKES[dtype]
        fits = fits and (int not in types or all(-(2**63) <= value < 2**63 for value in values if type(value) is int))
    return dtype if fits else "object"


# --- Arrow -----------------------------------------------------------------------------------------------------------

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
    """Return whether Arrow stores *value* unchanged."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return not isinstance(value, str) or is_plain(value)
