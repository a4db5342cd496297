"""One array of pandas as JSON members and back: the values of a Series, an Index or a frame's column.

The member ``dtype`` determines how the others are read. A dtype without a row here (sparse, Arrow, periods, ...) is
refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any, Final

import numpy as np
import pandas as pd

from docstore.codec.values import numpy
from docstore.codec.values.arrays import inside, refusing
from docstore.codec.values.tags import Decode, Encode, Members, is_zone, member, zone_of
from docstore.documents.canonical import JSON
from docstore.errors import DecodeError, EncodeError, MissingDependencyError, short_repr

_UNITS: Final = (("s", 1), ("ms", 1), ("us", 1), ("ns", 1))
_REMEDIES: Final = {
    pd.SparseDtype: "Use .sparse.to_dense().",
    pd.ArrowDtype: "Use .astype(...) with one of pandas' own dtypes, as 'Int64', 'Float64', 'boolean' or 'str'.",
    pd.PeriodDtype: "Use .to_timestamp(), or .astype('int64') and the frequency.",
    pd.IntervalDtype: "Use its .left and .right, or .astype('str').",
}


# --- time zones ------------------------------------------------------------------------------------------------------


def zone_encode(zone: tzinfo | None, encode: Encode) -> Members:
    """Return the member ``tz``; a ZoneInfo is written as an object, as ZoneInfo("UTC") differs from "UTC"."""
    if zone is None:
        return {}
    if zone is UTC:
        return {"tz": "UTC"}
    if is_zone(zone):
        return {"tz": {"zone": zone.key}}
    if type(zone) is timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]  # (offset,) or (offset, name); not in typeshed
        return {"tz": {"offset": encode(offset), **({"name": encode(name[0])} if name else {})}}
    raise EncodeError(
        f"the time zone {zone!r} is of type {type(zone).__module__}.{type(zone).__qualname__}, which cannot be written "
        f"exactly. Use .tz_convert(zoneinfo.ZoneInfo(key)) or .tz_convert('UTC')."
    )


def zone_decode(members: Members, decode: Decode) -> tzinfo | None:
    if "tz" not in members:
        return None
    written = member(members, "tz", str, dict)
    if written == "UTC":
        return UTC
    with inside("tz"), refusing("time zone"):
        if "zone" in written:
            return zone_of(member(written, "zone", str))
        offset = decode(written["offset"])
        if type(offset) is not timedelta:
            raise DecodeError(f"'offset' should be a timedelta, and is {short_repr(offset)}")
        return timezone(offset, decode(written["name"])) if "name" in written else timezone(offset)


# --- columns ---------------------------------------------------------------------------------------------------------

COLUMN: Final = "dtype data|base64 tz storage missing categories codes ordered"
"""The names of all members that ``column_encode`` may return."""


def column_encode(values: Any, encode: Encode) -> Members:
    """Return the members for the values of a Series, Index or array: ``dtype`` and its data; no index, no name.

    Raises:
        EncodeError: its dtype cannot be written exactly; says what to use instead.
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
    """Return the NumPy or pandas array that *members* were encoded from.

    Raises:
        DecodeError: ``column_encode`` does not write such members.
    """
    dtype = members.get("dtype")
    read = _READERS.get(dtype) if type(dtype) is str else None
    with refusing("column"):
        return read(members, decode) if read else _plain_decode(members, decode)


def _plain_encode(values: Any, encode: Encode) -> Members:
    if values.dtype.kind != "O":
        return numpy.data_encode(values, encode)
    with inside("data"):
        return {"dtype": "object", "data": encode(list(values))}


def _plain_decode(members: Members, decode: Decode) -> Any:
    array, zone = numpy.data_decode(members, decode), zone_decode(members, decode)
    kind = array.dtype.kind
    known = np.datetime_data(array.dtype) in _UNITS if kind in "mM" else kind in "biufc"
    if not known or (zone is not None and kind != "M"):
        raise DecodeError(f"pandas has no column of dtype {array.dtype}{' in a time zone' if zone else ''}")
    return array if zone is None else pd.DatetimeIndex(array).tz_localize(UTC).tz_convert(zone).array


def _zoned_encode(values: Any, encode: Encode) -> Members:
    """Return the moments in UTC, beside their zone: a local time alone is ambiguous when clocks are set back."""
    moments = values.asi8.view(f"M8[{values.dtype.unit}]")
    return {**numpy.data_encode(moments, encode), **zone_encode(values.dtype.tz, encode)}


def _object_decode(members: Members, decode: Decode) -> Any:
    items = listed(members, "data", decode)
    # np.array(items) would look into items that are lists or arrays themselves.
    return np.fromiter(items, dtype=object, count=len(items))


def _string_encode(values: Any, encode: Encode) -> Members:
    items = [None if missing else item for item, missing in zip(values, values.isna(), strict=True)]
    for item in _other_than_text(items):
        raise EncodeError(f"the item {short_repr(item)} among text is of type {type(item).__qualname__}. Use str.")
    missing = "NA" if values.dtype.na_value is pd.NA else "nan"
    return {"dtype": "string", "storage": values.dtype.storage, "missing": missing, "data": encode(items)}


def _string_decode(members: Members, decode: Decode) -> Any:
    storage, missing = member(members, "storage", str), member(members, "missing", str)
    if storage not in ("python", "pyarrow") or missing not in ("NA", "nan"):
        raise DecodeError(f"not a dtype of text: storage {short_repr(storage)}, missing {short_repr(missing)}")
    items = listed(members, "data", decode)
    for item in _other_than_text(items):
        raise DecodeError(f"'data' should be text or null, and holds {short_repr(item)}")
    # NA is the default of every pandas; another value can be given only from 2.3 on.
    other: dict[str, Any] = {} if missing == "NA" else {"na_value": np.nan}
    try:
        dtype: Any = pd.StringDtype(storage, **other)
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
    """Return the values, with 0 for missing ones, and the positions of the missing ones."""
    plain = values.to_numpy(dtype=values.dtype.numpy_dtype, na_value=0)
    missing: list[JSON] = [*np.flatnonzero(values.isna()).tolist()]
    return {**numpy.data_encode(plain, encode), "dtype": str(values.dtype), "missing": missing}


def _masked_decode(members: Members, decode: Decode) -> Any:
    dtype = _MASKED[member(members, "dtype", str)]
    plain = numpy.data_decode({**members, "dtype": dtype.numpy_dtype.name}, decode)
    missing = member(members, "missing", list)
    if not all(type(position) is int and 0 <= position < plain.size for position in missing):
        raise DecodeError(f"'missing' should hold positions below {plain.size}, and is {short_repr(missing)}")
    mask = np.zeros(plain.size, bool)
    mask[np.array(missing, np.intp)] = True
    return dtype.construct_array_type()(plain, mask)


def _category_encode(values: Any, encode: Encode) -> Members:
    with inside("categories"):
        categories = encode(values.categories)
    codes: JSON = numpy.data_encode(np.asarray(values.codes), encode)
    return {"dtype": "category", "ordered": values.ordered, "categories": categories, "codes": codes}


def _category_decode(members: Members, decode: Decode) -> Any:
    categories = decoded(members, "categories", pd.Index, decode)
    with inside("codes"):
        codes = codes_decode(member(members, "codes", dict), decode)
    dtype = pd.CategoricalDtype(categories, ordered=member(members, "ordered", bool))
    return pd.Categorical.from_codes(codes, dtype=dtype)  # type: ignore[arg-type,unused-ignore]  # the stubs want a list


def codes_decode(members: Members, decode: Decode) -> Any:
    codes = numpy.data_decode(members, decode)
    if codes.dtype.kind != "i":
        raise DecodeError(f"codes should be integers, and are {codes.dtype}")
    return codes


def listed(members: Members, key: str, decode: Decode) -> list[Any]:
    with inside(key):
        return [*decode(member(members, key, list))]


def decoded(members: Members, key: str, cls: type, decode: Decode) -> Any:
    with inside(key):
        value = decode(members.get(key))
        if not isinstance(value, cls):
            raise DecodeError(f"should be a {cls.__name__}, and is {short_repr(value)}")
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
