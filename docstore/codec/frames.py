"""pandas objects to JSON members and back: their dtypes, indexes, names, time zones and every item.

Only ``ecosystem`` imports this module, when a value or a document needs pandas.

A *column* is what pandas keeps in one array: the values of a Series, of an Index, or of one column of a DataFrame. Its
``dtype`` says how the members beside it are read. What has no row here (sparse, Arrow, periods, ...) is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from docstore.codec import arrays
from docstore.codec.arrays import inside, refusing
from docstore.codec.tagged import Decode, Encode, Members, Tagged, member
from docstore.errors import DecodeError, EncodeError, MissingDependencyError
from docstore.values import JSON

_UNITS: Final = (("s", 1), ("ms", 1), ("us", 1), ("ns", 1))
_REMEDIES: Final = {
    pd.SparseDtype: "Use .sparse.to_dense().",
    pd.ArrowDtype: "Use .astype(...) with one of pandas' own dtypes, as 'Int64', 'Float64', 'boolean' or 'str'.",
    pd.PeriodDtype: "Use .to_timestamp(), or .astype('int64') and the frequency.",
    pd.IntervalDtype: "Use its .left and .right, or .astype('str').",
}


# --- time zones ------------------------------------------------------------------------------------------------------


def _zone_encode(zone: tzinfo | None, encode: Encode) -> Members:
    """Return the member ``tz``: "UTC" and a ZoneInfo("UTC") are two things, so a ZoneInfo is spelled as an object."""
    if zone is None:
        return {}
    if zone is UTC:
        return {"tz": "UTC"}
    if type(zone) is ZoneInfo and zone.key is not None:
        return {"tz": {"zone": zone.key}}
    if type(zone) is timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]  # (offset,) or (offset, name); not in typeshed
        return {"tz": {"offset": encode(offset), **({"name": encode(name[0])} if name else {})}}
    raise EncodeError(
        f"the time zone {zone!r} is of type {type(zone).__module__}.{type(zone).__qualname__}, which cannot be written "
        f"exactly. Use .tz_convert(zoneinfo.ZoneInfo(key)) or .tz_convert('UTC')."
    )


def _zone_decode(members: Members, decode: Decode) -> tzinfo | None:
    if "tz" not in members:
        return None
    spelled = member(members, "tz", str, dict)
    if spelled == "UTC":
        return UTC
    with inside("tz"), refusing("time zone"):
        if "zone" in spelled:
            return ZoneInfo(member(spelled, "zone", str))
        offset = decode(spelled["offset"])
        if type(offset) is not timedelta:
            raise DecodeError(f"'offset' should be a timedelta, and is {offset!r:.80}")
        return timezone(offset, decode(spelled["name"])) if "name" in spelled else timezone(offset)


# --- columns ---------------------------------------------------------------------------------------------------------


def column_encode(values: Any, encode: Encode) -> Members:
    """Return the members of the Series, Index or array *values*: ``dtype`` and what that needs; no index, no name.

    Raises:
        EncodeError: no members give exactly this dtype back; with what to use instead.
    """
    dtype = values.dtype
    if values.ndim != 1:
        raise EncodeError(f"an array of shape {values.shape} cannot be written as a column. Use .ravel().")
    if isinstance(dtype, np.dtype):
        return _plain_encode(values.to_numpy(), encode)
    write = _WRITERS.get(type(dtype))
    if write is None:
        remedy = _REMEDIES.get(type(dtype)) or "Use .astype(...) with one of pandas' own dtypes."
        raise EncodeError(f"values of dtype {dtype!r:.100} cannot be written exactly. {remedy}")
    return write(getattr(values, "array", values), encode)


def column_decode(members: Members, decode: Decode) -> Any:
    """Return the NumPy or pandas array that *members* say.

    Raises:
        DecodeError: they are not what ``column_encode`` writes.
    """
    dtype = members.get("dtype")
    read = _READERS.get(dtype) if type(dtype) is str else None
    with refusing("column"):
        return read(members, decode) if read else _plain_decode(members, decode)


def _plain_encode(values: Any, encode: Encode) -> Members:
    if values.dtype.kind != "O":
        return arrays.data_encode(values, encode)
    with inside("data"):
        return {"dtype": "object", "data": encode(list(values))}


def _plain_decode(members: Members, decode: Decode) -> Any:
    array, zone = arrays.data_decode(members, decode), _zone_decode(members, decode)
    kind = array.dtype.kind
    known = np.datetime_data(array.dtype) in _UNITS if kind in "mM" else kind in "biufc"
    if not known or (zone is not None and kind != "M"):
        raise DecodeError(f"pandas has no column of dtype {array.dtype}{' in a time zone' if zone else ''}")
    return array if zone is None else pd.DatetimeIndex(array).tz_localize(UTC).tz_convert(zone).array


def _zoned_encode(values: Any, encode: Encode) -> Members:
    """Return the moments in UTC, beside their zone: a local time alone is ambiguous when clocks are set back."""
    moments = values.asi8.view(f"M8[{values.dtype.unit}]")
    return {**arrays.data_encode(moments, encode), **_zone_encode(values.dtype.tz, encode)}


def _object_decode(members: Members, decode: Decode) -> Any:
    items = _listed(members, "data", decode)
    # np.array(items) would look into items that are lists or arrays themselves.
    return np.fromiter(items, dtype=object, count=len(items))


def _string_encode(values: Any, encode: Encode) -> Members:
    items = [None if missing else item for item, missing in zip(values, values.isna(), strict=True)]
    for item in _other_than_text(items):
        raise EncodeError(f"the item {item!r:.80} among text is of type {type(item).__qualname__}. Use str.")
    missing = "NA" if values.dtype.na_value is pd.NA else "nan"
    return {"dtype": "string", "storage": values.dtype.storage, "missing": missing, "data": encode(items)}


def _string_decode(members: Members, decode: Decode) -> Any:
    storage, missing = member(members, "storage", str), member(members, "missing", str)
    if storage not in ("python", "pyarrow") or missing not in ("NA", "nan"):
        raise DecodeError(f"not a dtype of text: storage {storage!r:.80}, missing {missing!r:.80}")
    items = _listed(members, "data", decode)
    for item in _other_than_text(items):
        raise DecodeError(f"'data' should be text or null, and holds {item!r:.80}")
    try:
        dtype: Any = pd.StringDtype(storage, na_value=pd.NA if missing == "NA" else np.nan)  # type: ignore[call-overload,unused-ignore]  # a literal each
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="pandas", purpose="reading text that pyarrow holds") from error
    return pd.array(items, dtype=dtype)


def _other_than_text(items: list[Any]) -> list[Any]:
    return [item for item in items if type(item) not in (str, type(None))]


_MASKED: Final[dict[str, Any]] = {
    str(dtype): dtype
    for dtype in (
        *(pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype()),
        *(pd.UInt8Dtype(), pd.UInt16Dtype(), pd.UInt32Dtype(), pd.UInt64Dtype()),
        *(pd.Float32Dtype(), pd.Float64Dtype(), pd.BooleanDtype()),
    )
}


def _masked_encode(values: Any, encode: Encode) -> Members:
    """Return the values, with 0 where one is missing, and the positions of those."""
    plain = values.to_numpy(dtype=values.dtype.numpy_dtype, na_value=0)
    missing: list[JSON] = [*np.flatnonzero(values.isna()).tolist()]
    return {**arrays.data_encode(plain, encode), "dtype": str(values.dtype), "missing": missing}


def _masked_decode(members: Members, decode: Decode) -> Any:
    dtype = _MASKED[member(members, "dtype", str)]
    plain = arrays.data_decode({**members, "dtype": dtype.numpy_dtype.name}, decode)
    missing = member(members, "missing", list)
    if not all(type(position) is int and 0 <= position < plain.size for position in missing):
        raise DecodeError(f"'missing' should hold positions below {plain.size}, and is {missing!r:.80}")
    mask = np.zeros(plain.size, bool)
    mask[np.array(missing, np.intp)] = True
    return dtype.construct_array_type()(plain, mask)


def _category_encode(values: Any, encode: Encode) -> Members:
    with inside("categories"):
        categories = encode(values.categories)
    codes: JSON = arrays.data_encode(np.asarray(values.codes), encode)
    return {"dtype": "category", "ordered": values.ordered, "categories": categories, "codes": codes}


def _category_decode(members: Members, decode: Decode) -> Any:
    categories = _decoded(members, "categories", pd.Index, decode)
    with inside("codes"):
        codes = _codes_decode(member(members, "codes", dict), decode)
    dtype = pd.CategoricalDtype(categories, ordered=member(members, "ordered", bool))
    return pd.Categorical.from_codes(codes, dtype=dtype)  # type: ignore[arg-type,unused-ignore]  # the stubs want a list


def _codes_decode(members: Members, decode: Decode) -> Any:
    codes = arrays.data_decode(members, decode)
    if codes.dtype.kind != "i":
        raise DecodeError(f"codes should be integers, and are {codes.dtype}")
    return codes


def _listed(members: Members, key: str, decode: Decode) -> list[Any]:
    with inside(key):
        return [*decode(member(members, key, list))]


def _decoded(members: Members, key: str, cls: type, decode: Decode) -> Any:
    with inside(key):
        value = decode(members.get(key))
        if not isinstance(value, cls):
            raise DecodeError(f"should be a {cls.__name__}, and is {value!r:.80}")
        return value


_WRITERS: Final[dict[type, Callable[[Any, Encode], Members]]] = {
    pd.DatetimeTZDtype: _zoned_encode,
    pd.CategoricalDtype: _category_encode,
    pd.StringDtype: _string_encode,
    **dict.fromkeys(map(type, _MASKED.values()), _masked_encode),
}
_READERS: Final[dict[str, Callable[[Members, Decode], Any]]] = {
    "object": _object_decode,
    "category": _category_decode,
    "string": _string_decode,
    **dict.fromkeys(_MASKED, _masked_decode),
}


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
        raise DecodeError(f"'range' should be [start, stop, step], and is {bounds!r:.80}")
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
    codes: list[JSON] = [arrays.data_encode(np.asarray(codes), encode) for codes in index.codes]
    with inside("levels"):
        levels = encode(list(index.levels))
    order: Members = {} if index.sortorder is None else {"sortorder": int(index.sortorder)}
    return {"levels": levels, "codes": codes, **order}


def _refuse_unusual_levels(index: Any) -> None:
    """Raise if pandas' checks, which *index* may have been built without, would refuse it or change its codes."""
    try:
        again = pd.MultiIndex(index.levels, index.codes, sortorder=index.sortorder)
    except ValueError:
        again = None
    if again is None or not all(map(np.array_equal, again.codes, index.codes)):
        raise EncodeError("levels that repeat or miss a value cannot be written. Use MultiIndex.from_tuples(index).")


def _levels_decode(members: Members, decode: Decode) -> Any:
    levels = _listed(members, "levels", decode)
    if not all(isinstance(level, pd.Index) for level in levels):
        raise DecodeError(f"each of the 'levels' should be a pandas.Index: {levels!r:.80}")
    with refusing("pandas.MultiIndex"):
        codes = []
        for position, spelled in enumerate(member(members, "codes", list)):
            with inside("codes", str(position)):
                codes.append(_codes_decode(member({"codes": spelled}, "codes", dict), decode))
        order = member(members, "sortorder", int) if "sortorder" in members else None
        return pd.MultiIndex(levels, codes, sortorder=order, names=[level.name for level in levels])


# --- series and frames -----------------------------------------------------------------------------------------------


def _extras_encode(values: Any, encode: Encode) -> Members:
    """Return what a Series or DataFrame carries beside its values, where it does."""
    extras: Members = {}
    if values.attrs:
        with inside("attrs"):
            extras["attrs"] = encode(dict(values.attrs))
    if not values.flags.allows_duplicate_labels:
        extras["allows_duplicate_labels"] = False
    return extras


def _with_extras(values: Any, members: Members, decode: Decode) -> Any:
    if "attrs" in members:
        values.attrs = _decoded(members, "attrs", dict, decode)
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
    index, array = _decoded(members, "index", pd.Index, decode), column_decode(members, decode)
    with refusing("pandas.Series"):
        return _with_extras(_series(array, index, decode(members.get("name"))), members, decode)


def _frame_encode(frame: Any, encode: Encode) -> Members:
    with inside("index"):
        index = encode(frame.index)
    with inside("columns"):
        columns = encode(frame.columns)
    data: list[JSON] = []
    # By position: a label may stand over several columns.
    for position in range(frame.shape[1]):
        with inside("data", str(position)):
            data.append(column_encode(frame.iloc[:, position], encode))
    return {"index": index, "columns": columns, "data": data, **_extras_encode(frame, encode)}


def _frame_decode(members: Members, decode: Decode) -> Any:
    index = _decoded(members, "index", pd.Index, decode)
    columns = _decoded(members, "columns", pd.Index, decode)
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
    """Return the datetime64 in UTC, beside its zone; and ``fold``, where UTC does not say it already."""
    members = {**arrays.scalar_encode(moment.asm8, encode), **_zone_encode(moment.tz, encode)}
    return {**members, "fold": 1} if moment.fold and moment.tz is None else members


def _moment_decode(members: Members, decode: Decode) -> Any:
    with refusing("pandas.Timestamp"):
        moment: Any = _of_unit(pd.Timestamp, members, decode)
        zone = _zone_decode(members, decode)
        if zone is not None:
            return moment.tz_localize(UTC).tz_convert(zone)
        return moment.replace(fold=1) if members.get("fold") == 1 else moment


def _duration_encode(duration: Any, encode: Encode) -> Members:
    return arrays.scalar_encode(duration.asm8, encode)


def _duration_decode(members: Members, decode: Decode) -> Any:
    with refusing("pandas.Timedelta"):
        return _of_unit(pd.Timedelta, members, decode)


def _of_unit(cls: Any, members: Members, decode: Decode) -> Any:
    scalar = arrays.scalar_decode(members, decode)
    value: Any = cls(scalar) if type(scalar) in (np.datetime64, np.timedelta64) else None
    if type(value) is not cls or np.datetime_data(scalar.dtype) != (value.unit, 1):
        raise DecodeError(f"not a pandas.{cls.__name__}: {scalar!r:.80}")
    return value


def _array_decode(members: Members, decode: Decode) -> Any:
    array = column_decode(members, decode)
    if type(array) not in _ARRAYS:
        raise DecodeError(f"values of dtype {array.dtype} stand in no pandas.array of their own")
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

_ROWS: Final = (
    Tagged("pandas.DataFrame", pd.DataFrame, _frame_encode, _frame_decode),
    Tagged("pandas.Series", pd.Series, _series_encode, _series_decode),
    *(Tagged("pandas.Index", cls, _index_encode, _index_decode) for cls in _INDEXES),
    *(Tagged("pandas.array", cls, column_encode, _array_decode) for cls in _ARRAYS),
    Tagged("pandas.Timestamp", pd.Timestamp, _moment_encode, _moment_decode),
    Tagged(
        "pandas.Timedelta",
        pd.Timedelta,
        lambda value, encode: arrays.scalar_encode(value.asm8, encode),
        _duration_decode,
    ),
    Tagged("pandas.NaT", type(pd.NaT), lambda value, encode: {}, lambda members, decode: pd.NaT),
    Tagged("pandas.NA", type(pd.NA), lambda value, encode: {}, lambda members, decode: pd.NA),
)
BY_TAG: Final = {row.tag: row for row in _ROWS}
_BY_TYPE: Final = {row.type: row for row in _ROWS}


def row_of_type(cls: type) -> Tagged | None:
    """Return the row that writes *cls*.

    Raises:
        EncodeError: it is an array of pandas that stands in a Series only.
    """
    if cls in _BY_TYPE or not issubclass(cls, pd.api.extensions.ExtensionArray):
        return _BY_TYPE.get(cls)
    raise EncodeError(f"a {cls.__module__}.{cls.__qualname__} cannot be written by itself. Use pandas.Series(array).")
