"""How the kept documents of pandas' values are made: frames, series, indexes, their dtypes, names, zones and gaps.

Each dtype is named: what pandas takes text for by itself, and in which unit it counts time, differs from release to
release. A release of docstore adds functions; it edits none, as the documents of earlier ones are held to what they
make.
"""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

ZURICH = ZoneInfo("Europe/Zurich")
MASKED = (
    *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"),
    "boolean",
)
UNITS = ("s", "ms", "us", "ns")


def labels(*names: Any, name: Any = None) -> Any:
    """Return an index of objects."""
    return pd.Index([*names], dtype=object, name=name)


def series(values: Any, dtype: Any, index: Any = None, name: Any = None) -> Any:
    """Return a series of that dtype."""
    return pd.Series(values, index=index, dtype=dtype, name=name)


def text(*items: Any) -> Any:
    """Return an array of text that Python holds, in which NA is missing."""
    return pd.array([*items], dtype=pd.StringDtype("python"))


def moments(unit: str = "ns") -> Any:
    """Return times without a zone."""
    return np.array(["2026-10-25T00:30", "2026-10-25T01:30", "NaT"], f"M8[{unit}]")


def zoned(zone: Any, unit: str = "ns") -> Any:
    """Return times in a zone."""
    return pd.DatetimeIndex(moments(unit)).tz_localize(UTC).tz_convert(zone)


def frames() -> Any:
    """Return frames: of columns of many dtypes, of repeated labels, of levels, of nothing."""
    columns = {
        0: series([1, 2, 3], "int64"),
        1: series([0.5, -0.0, np.nan], "float32"),
        2: series([True, False, True], "bool"),
        3: series(["a", None, (1, 2.5)], object),
        4: series(text("rye", None, "\u00e9\0"), None),
        5: series([1, None, 2**63 - 1], "Int64"),
        6: series(zoned(ZURICH), None),
        7: series(pd.Categorical.from_codes([0, 1, -1], categories=labels("b", "a"), ordered=True), None),
        8: series(moments("s"), None),
    }
    many = pd.DataFrame(columns, index=pd.RangeIndex(10, 16, 2, name="row"))
    many.columns = labels(*"abcdefg", "a", ("t", 1), name="of")
    many.attrs = {"unit": "g", "of": (1, 2)}
    tall = pd.DataFrame({0: series([0.25] * 1001, "float64")}, index=pd.RangeIndex(1001))
    levels = pd.DataFrame({0: series([1, 2], "int8")}, index=levelled())
    levels.columns = labels("n")
    unique = pd.DataFrame(index=labels("x", "y")).set_flags(allows_duplicate_labels=False)
    return {"many": many, "tall": tall, "levels": levels, "no columns": unique, "nothing": pd.DataFrame(index=labels())}


def levelled() -> Any:
    """Return an index of two levels, with a gap."""
    numbers = pd.Index(np.array([1, 2], "int64"), name="n")
    return pd.MultiIndex(levels=[labels("a", "b", name=("l", 1)), numbers], codes=[[0, 1], [1, -1]], sortorder=0)


def columns() -> Any:
    """Return series and arrays of every sort of dtype."""
    return {
        "plain": [series([0, 1], name) for name in ("int8", "uint64", "float16", "float64", "bool", "complex128")],
        "nullable": [series([1, None, 0], name, name="n") for name in MASKED],
        "arrays": [pd.array([1, None], dtype=name) for name in ("Int64", "Float64", "boolean")],
        "text": [series(text("a", None, "\ud800"), None), text("", "a\0", None)],
        "objects": series([None, 1, "a", [1], {"k": (1,)}, float("nan"), np.float32(0.5)], object, name=("a", 1)),
        "moments": [series(moments(unit), None) for unit in UNITS],
        "durations": [series(np.array([-1, 7], f"m8[{unit}]"), None) for unit in UNITS],
        "zones": [series(zoned(zone), None) for zone in (UTC, ZURICH, ZoneInfo("UTC"))],
        "offsets": [series(zoned(timezone(timedelta(hours=1), *name), "s"), None) for name in ((), ("CET",))],
        "categories": [
            pd.Categorical.from_codes([1, -1, 0], categories=pd.Index(np.array([5, 7], "int64"))),
            series(pd.Categorical.from_codes([0], categories=labels("x"), ordered=True), None),
        ],
        "indexed": series([1.5, 2.5], "float64", index=levelled(), name="of two levels"),
    }


def text_where_nan_is_missing() -> Any:
    """Return text in which NaN is missing: what pandas 3 takes text for, and pandas 2.3 on request."""
    dtype = pd.StringDtype("python", na_value=np.nan)
    array = pd.array(["a", None], dtype=dtype)
    return {"series": pd.Series(array, dtype=dtype), "index": pd.Index(array, dtype=dtype, name="t"), "array": array}


def indexes() -> Any:
    """Return indexes of every sort."""
    days = pd.DatetimeIndex(np.array(["2026-03-01", "2026-03-02", "2026-03-03"], "M8[ns]"))
    return {
        "ranges": [pd.RangeIndex(3), pd.RangeIndex(5, -5, -3, name="r"), pd.RangeIndex(0)],
        "numbers": [pd.Index(np.array([1, 1, 2], name), name=1.5) for name in ("int64", "uint8", "float64", "bool")],
        "objects": labels("a", 1, None, (1, 2), name=("n", 1)),
        "text": pd.Index(text("a", None), name="t"),
        "nullable": pd.Index(pd.array([1, None], dtype="Int64")),
        "categories": pd.CategoricalIndex(pd.Categorical.from_codes([0, 0], categories=labels("x")), name="c"),
        "days": pd.DatetimeIndex(days, freq="D"),
        "hours": pd.TimedeltaIndex(np.array([0, 2, 4], "m8[h]").astype("m8[ns]"), freq="2h"),
        "zones": [zoned(ZURICH), zoned(UTC, "ms")],
        "levels": levelled(),
    }


def scalars() -> Any:
    """Return pandas' scalars."""
    noon = np.datetime64("2026-03-01T12:00:00")
    return {
        "missing": [pd.NaT, pd.NA],
        "timestamps": [pd.Timestamp(noon.astype(f"M8[{unit}]")) for unit in UNITS],
        "to the nanosecond": pd.Timestamp(np.datetime64("2026-03-01T12:00:00.000000001")),
        "in zones": [pd.Timestamp(noon).tz_localize(UTC).tz_convert(zone) for zone in (UTC, ZURICH)],
        "twice on the clock": list(zoned(ZURICH)[:2]),
        "of another fold": pd.Timestamp(noon).replace(fold=1),
        "durations": [pd.Timedelta(np.timedelta64(-7, unit)) for unit in UNITS],
        "deeper": {"k": (pd.Timedelta(np.timedelta64(1, "ns")), [pd.NA])},
    }
