"""pandas objects to JSON members and back: their dtypes, indexes, names, time zones and every item.

Only ``optional_types`` imports this module, when a value or a document needs pandas.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from docstore.codec.values import numpy
from docstore.codec.values.arrays import inside, refusing
from docstore.codec.values.pandas_columns import (
    COLUMN,
    codes_decode,
    column_decode,
    column_encode,
    decoded,
    listed,
    zone_decode,
    zone_encode,
)
from docstore.codec.values.tags import Decode, Encode, Members, Tagged, member
from docstore.documents.canonical import JSON
from docstore.errors import DecodeError, EncodeError, short_repr

# --- indexes ---------------------------------------------------------------------------------------------------------


def _index_encode(index: Any, encode: Encode) -> Members:
    if type(index) is pd.MultiIndex:
        return _levels_encode(index, encode)
    if type(index) is pd.RangeIndex:
        members: Members = {"range": [encode(bound) for bound in (index.start, index.stop, index.step)]}
    else:
        members = {**column_encode(index, encode), **_freq_encode(index)}
    return {**members, **_name_encode(index, encode)}


def _index_decode(members: Members, decode: Decode) -> Any:
    if "levels" in members:
        return _levels_decode(members, decode)
    name = decode(members.get("name"))
    with refusing("pandas.Index"):
        if "range" in members:
            return pd.RangeIndex(_range(member(members, "range", list)), name=name)
        array = column_decode(members, decode)
        index: Any = pd.Index(array, dtype=array.dtype, name=name)
        if index.dtype != array.dtype:
            raise DecodeError(f"pandas has no index of dtype {array.dtype}")
        return type(index)(index, freq=member(members, "freq", str)) if "freq" in members else index


def _range(bounds: list[JSON]) -> range:
    start, stop, step = bounds
    if not (type(start) is type(stop) is type(step) is int):
        raise DecodeError(f"'range' should be [start, stop, step], and is {short_repr(bounds)}")
    return range(start, stop, step)


def _name_encode(values: Any, encode: Encode) -> Members:
    with inside("name"):
        return {} if values.name is None else {"name": encode(values.name)}


def _freq_encode(index: Any) -> Members:
    freq = getattr(index, "freq", None)
    if freq is None:
        return {}
    try:
        # Its text says neither a calendar's holidays nor a DateOffset's parts.
        same = to_offset(freq.freqstr) == freq and type(index)(index, freq=freq.freqstr).freq == freq
    except ValueError:
        same = False
    if not same:
        raise EncodeError(f"the frequency {freq!r} cannot be written exactly. Use type(index)(index, freq=None).")
    return {"freq": freq.freqstr}


def _levels_encode(index: Any, encode: Encode) -> Members:
    _refuse_unusual_levels(index)
    codes: list[JSON] = [numpy.data_encode(np.asarray(codes), encode) for codes in index.codes]
    with inside("levels"):
        levels = encode(list(index.levels))
    order: Members = {} if index.sortorder is None else {"sortorder": int(index.sortorder)}
    return {"levels": levels, "codes": codes, **order}


def _refuse_unusual_levels(index: Any) -> None:
    """Refuse an *index* that pandas' own checks would refuse or change; it may have been built without them."""
    try:
        again = pd.MultiIndex(index.levels, index.codes, sortorder=index.sortorder)
    except ValueError:
        again = None
    if again is None or not all(map(np.array_equal, again.codes, index.codes)):
        raise EncodeError("levels that repeat or miss a value cannot be written. Use MultiIndex.from_tuples(index).")


def _levels_decode(members: Members, decode: Decode) -> Any:
    levels = listed(members, "levels", decode)
    if not all(isinstance(level, pd.Index) for level in levels):
        raise DecodeError(f"each of the 'levels' should be a pandas.Index: {short_repr(levels)}")
    with refusing("pandas.MultiIndex"):
        codes = []
        for position, written in enumerate(member(members, "codes", list)):
            with inside("codes", str(position)):
                codes.append(codes_decode(member({"codes": written}, "codes", dict), decode))
        order = member(members, "sortorder", int) if "sortorder" in members else None
        return pd.MultiIndex(levels, codes, sortorder=order, names=[level.name for level in levels])


# --- series and frames -----------------------------------------------------------------------------------------------


def _extras_encode(values: Any, encode: Encode) -> Members:
    """Return the members for what a Series or DataFrame has beside its values, if it has any."""
    extras: Members = {}
    if values.attrs:
        with inside("attrs"):
            extras["attrs"] = encode(dict(values.attrs))
    if not values.flags.allows_duplicate_labels:
        extras["allows_duplicate_labels"] = False
    return extras


def _with_extras(values: Any, members: Members, decode: Decode) -> Any:
    if "attrs" in members:
        values.attrs = decoded(members, "attrs", dict, decode)
    if members.get("allows_duplicate_labels") is False:
        values.flags.allows_duplicate_labels = False
    return values


def _series(array: Any, index: Any, name: Any = None) -> Any:
    if len(array) != len(index):
        raise DecodeError(f"the index has {len(index)} items, and there are {len(array)}")
    series = pd.Series(array, index=index, dtype=array.dtype, name=name)
    if series.dtype != array.dtype:
        raise DecodeError(f"pandas has no column of dtype {array.dtype}")
    return series


def _series_encode(series: Any, encode: Encode) -> Members:
    with inside("index"):
        index = encode(series.index)
    return {
        **column_encode(series, encode),
        "index": index,
        **_name_encode(series, encode),
        **_extras_encode(series, encode),
    }


def _series_decode(members: Members, decode: Decode) -> Any:
    index, array = decoded(members, "index", pd.Index, decode), column_decode(members, decode)
    with refusing("pandas.Series"):
        return _with_extras(_series(array, index, decode(members.get("name"))), members, decode)


def _frame_encode(frame: Any, encode: Encode) -> Members:
    with inside("index"):
        index = encode(frame.index)
    with inside("columns"):
        columns = encode(frame.columns)
    data: list[JSON] = []
    # By position: several columns may have one label.
    for position in range(frame.shape[1]):
        with inside("data", str(position)):
            data.append(column_encode(frame.iloc[:, position], encode))
    return {"index": index, "columns": columns, "data": data, **_extras_encode(frame, encode)}


def _frame_decode(members: Members, decode: Decode) -> Any:
    index = decoded(members, "index", pd.Index, decode)
    columns = decoded(members, "columns", pd.Index, decode)
    data = member(members, "data", list)
    if len(data) != len(columns):
        raise DecodeError(f"there are {len(columns)} labels and {len(data)} columns")
    with refusing("pandas.DataFrame"):
        series = {}
        for position in range(len(data)):
            with inside("data", str(position)):
                column = member({"column": data[position]}, "column", dict)
                series[position] = _series(column_decode(column, decode), index)
        frame = pd.DataFrame(series, index=index)
        frame.columns = columns
        return _with_extras(frame, members, decode)


# --- scalars and arrays ----------------------------------------------------------------------------------------------


def _moment_encode(moment: Any, encode: Encode) -> Members:
    """Return the datetime64 in UTC and its zone; and ``fold``, if there is no zone that determines it."""
    members = {**numpy.scalar_encode(moment.asm8, encode), **zone_encode(moment.tz, encode)}
    return {**members, "fold": 1} if moment.fold and moment.tz is None else members


def _moment_decode(members: Members, decode: Decode) -> Any:
    with refusing("pandas.Timestamp"):
        moment: Any = _of_unit(pd.Timestamp, members, decode)
        zone = zone_decode(members, decode)
        if zone is not None:
            return moment.tz_localize(UTC).tz_convert(zone)
        return moment.replace(fold=member(members, "fold", int)) if "fold" in members else moment


def _duration_decode(members: Members, decode: Decode) -> Any:
    with refusing("pandas.Timedelta"):
        return _of_unit(pd.Timedelta, members, decode)


def _of_unit(cls: Any, members: Members, decode: Decode) -> Any:
    scalar = numpy.scalar_decode(members, decode)
    value: Any = cls(scalar) if type(scalar) in (np.datetime64, np.timedelta64) else None
    if type(value) is not cls or np.datetime_data(scalar.dtype) != (value.unit, 1):
        raise DecodeError(f"not a pandas.{cls.__name__}: {short_repr(scalar)}")
    return value


def _array_decode(members: Members, decode: Decode) -> Any:
    array = column_decode(members, decode)
    if type(array) not in _ARRAYS:
        raise DecodeError(f"there is no pandas.array of dtype {array.dtype} by itself")
    return array


_ARRAYS: Final = frozenset(
    {
        pd.Categorical,
        *(pd.arrays.BooleanArray, pd.arrays.FloatingArray, pd.arrays.IntegerArray),
        *(pd.arrays.StringArray, pd.arrays.ArrowStringArray),
    }
)
_INDEXES: Final = (
    *(pd.Index, pd.RangeIndex, pd.MultiIndex, pd.CategoricalIndex, pd.DatetimeIndex, pd.TimedeltaIndex),
    *(pd.PeriodIndex, pd.IntervalIndex),
)


# --- the rows --------------------------------------------------------------------------------------------------------

_INDEX: Final = COLUMN.replace("base64", "base64|range|levels")
_ROWS: Final = (
    Tagged(
        "pandas.DataFrame",
        pd.DataFrame,
        "index columns data attrs allows_duplicate_labels",
        _frame_encode,
        _frame_decode,
    ),
    Tagged(
        "pandas.Series", pd.Series, f"{COLUMN} index name attrs allows_duplicate_labels", _series_encode, _series_decode
    ),
    *(Tagged("pandas.Index", cls, f"{_INDEX} freq name sortorder", _index_encode, _index_decode) for cls in _INDEXES),
    *(Tagged("pandas.array", cls, COLUMN, column_encode, _array_decode) for cls in _ARRAYS),
    Tagged("pandas.Timestamp", pd.Timestamp, "dtype value|base64 tz fold", _moment_encode, _moment_decode),
    Tagged(
        "pandas.Timedelta",
        pd.Timedelta,
        "dtype value|base64",
        lambda value, encode: numpy.scalar_encode(value.asm8, encode),
        _duration_decode,
    ),
    Tagged("pandas.NaT", type(pd.NaT), "", lambda value, encode: {}, lambda members, decode: pd.NaT),
    Tagged("pandas.NA", type(pd.NA), "", lambda value, encode: {}, lambda members, decode: pd.NA),
)
BY_TAG: Final = {row.tag: row for row in _ROWS}
_BY_TYPE: Final = {row.type: row for row in _ROWS}


def row_of_type(cls: type) -> Tagged | None:
    """Return the row of *cls*, if it can be written.

    Raises:
        EncodeError: it is an array of pandas that can only be written in a Series.
    """
    if cls in _BY_TYPE or not issubclass(cls, pd.api.extensions.ExtensionArray):
        return _BY_TYPE.get(cls)
    raise EncodeError(f"a {cls.__module__}.{cls.__qualname__} cannot be written by itself. Use pandas.Series(array).")
