"""Whether two values are exactly the same: by type, bits, time zone and contents, which ``==`` does not tell."""

from __future__ import annotations

import re
import struct
import types
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from docstore.codec.classes.stored_fields import unstored_names
from docstore.errors import InvalidValueError
from docstore.model.lazy_part_dict import PART_DICTS


def identity(value: Any) -> Any:
    """Return plain data that is equal for two values only if they are exactly the same.

    The order of a plain dict does not count, nor do attributes that are not stored. The extras of a Pydantic model, and
    the names of the fields that were set, count.

    Raises:
        InvalidValueError: it holds a value that cannot be compared so, such as a lock or a weak reference.

    Cost:
        One visit of every value; an array is copied. What contains itself is never done (RecursionError).
    """
    cls = type(value)
    contents = _BUILTIN.get(cls)
    if contents is not None:
        # An experiment makes a PartDict of any dict of trials or data.
        return dict if cls in PART_DICTS else cls, contents(value)
    if isinstance(value, type):
        return cls, value
    if isinstance(value, Enum):
        return cls, value.name, identity(value.value)
    library = _library(cls)
    if library is not None:
        return cls, library(value)
    for kind, contents in _KINDS:
        if isinstance(value, kind):
            return cls, contents(value), attributes(value)
    if cls.__module__ == "builtins":
        return cls, repr(value)
    return cls, attributes(value), _made_in_c(value)


def attributes(value: Any) -> list[tuple[str, Any]]:
    """Return the name and identity of each attribute of *value*, by name, without those that are not stored."""
    kept = {**{name: getattr(value, name) for name in slots_of(value)}, **getattr(value, "__dict__", {})}
    unstored = unstored_names(type(value)) if kept else frozenset()
    return [(name, identity(kept[name])) for name in sorted(kept.keys() - unstored)]


def slots_of(value: Any) -> list[str]:
    """Return the attributes that *value* has now outside of its ``__dict__``."""
    names = [*getattr(type(value), "__struct_fields__", ())]
    for base in type(value).__mro__:
        # A path's slots contain only caches; its text identifies it.
        slots = () if base.__module__.startswith("pathlib") else vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            hidden = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if hidden else name)
    return [name for name in dict.fromkeys(names) if name not in _NO_STATE and hasattr(value, name)]


_NO_STATE: Final = frozenset({"__dict__", "__weakref__", "_attrs_cached_hash"})


# --- types of Python -------------------------------------------------------------------------------------------------


def _itself(value: Any) -> Any:
    return value


def _pairs(value: Any) -> Any:
    return [(identity(key), identity(item)) for key, item in value.items()]


def _unordered_pairs(value: Any) -> Any:
    return sorted(_pairs(value), key=lambda pair: pair[0][1] if pair[0][0] is str else repr(pair))


def _items(value: Any) -> Any:
    return [identity(item) for item in value]


def _unordered_items(value: Any) -> Any:
    return sorted(map(identity, value), key=repr)


def _moment(value: Any) -> Any:
    return value.replace(tzinfo=None).isoformat(), value.fold, _zone(value.tzinfo)


def _zone(zone: Any) -> Any:
    if isinstance(zone, timezone):
        return type(zone), zone.__getinitargs__()  # type: ignore[attr-defined]  # not in typeshed
    if isinstance(zone, ZoneInfo):
        return type(zone), zone.key
    return type(zone), repr(zone)


_BUILTIN: Final[dict[type, Callable[[Any], Any]]] = {
    type(None): _itself,
    bool: _itself,
    str: _itself,
    bytes: _itself,
    bytearray: bytes,
    int: hex,  # 1 == True, and Python may refuse to write a long one in decimals
    float: lambda value: struct.pack(">d", value),
    complex: lambda value: struct.pack(">dd", value.real, value.imag),
    list: _items,
    tuple: _items,
    **dict.fromkeys((dict, *PART_DICTS), _unordered_pairs),
    set: _unordered_items,
    frozenset: _unordered_items,
    datetime: _moment,
    time: _moment,
    date: repr,
    timedelta: repr,
    range: lambda value: (value.start, value.stop, value.step),
    slice: lambda value: _items((value.start, value.stop, value.step)),
    re.Pattern: lambda value: (identity(value.pattern), value.flags),
}

_KINDS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...]] = (
    (OrderedDict, _pairs),
    (dict, lambda value: (_unordered_pairs(value), identity(getattr(value, "default_factory", None)))),
    ((set, frozenset), _unordered_items),
    ((list, tuple), _items),
    ((datetime, time), _moment),
    (tzinfo, _zone),
    (Decimal, lambda value: tuple(value.as_tuple())),
    (PurePath, str),
    (UUID, lambda value: (value.int, value.is_safe)),
    # A user's subclass of these may override the conversion to text or number.
    (str, lambda value: str.__getnewargs__(value)),
    (bytes, lambda value: bytes.__getnewargs__(value)),
    (float, lambda value: struct.pack(">d", value)),
    (complex, lambda value: struct.pack(">dd", value.real, value.imag)),
    (int, lambda value: hex(int.__index__(value))),
)


# --- NumPy, pandas and PyTorch ----------------------------------------------------------------------------------------


def _library(cls: type) -> Callable[[Any], Any] | None:
    """Return the function for values of NumPy, pandas or PyTorch, or None for other classes."""
    for base in cls.__mro__:
        root = base.__module__.partition(".")[0]
        if root == "numpy":
            return _of_numpy
        if root == "pandas":
            return _of_pandas
        if root == "torch":
            return _of_torch
    return None


def _of_numpy(value: Any) -> Any:
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        return _array_contents(value)
    return _dtype_contents(value) if hasattr(value, "isalignedstruct") else _made_in_c(value)


def _array_contents(array: Any) -> Any:
    """Return the dtype, shape, order and bytes of an array or scalar of NumPy; of objects, each one's identity."""
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    if array.dtype.hasobject:
        return _dtype_contents(array.dtype), array.shape, order, _items(array.ravel().tolist())
    # In memory order: in another order, NumPy fills the bytes between a structure's fields arbitrarily.
    return _dtype_contents(array.dtype), array.shape, order, array.tobytes("A")


def _dtype_contents(dtype: Any) -> Any:
    """Return plain data that identifies a dtype of NumPy."""
    return repr(dtype), dtype.str, dtype.type, dtype.itemsize, dtype.isalignedstruct


def _of_pandas(value: Any) -> Any:
    """Return plain data that identifies a value of pandas: dtypes, indexes, names, time zones, and every item.

    Raises:
        InvalidValueError: it is a kind of value that docstore does not write.
    """
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [_column(value.iloc[:, position].array) for position in range(value.shape[1])]
        return identity(value.index), identity(value.columns), columns, _extras(value)
    if isinstance(value, pd.Series):
        return _column(value.array), identity(value.index), identity(value.name), _extras(value)
    if isinstance(value, pd.Index):
        return _index(value)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _column(value)
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        zone = identity(getattr(value, "tz", None))
        return identity(value.asm8), value.unit, zone, getattr(value, "fold", 0)
    if value is pd.NaT or value is pd.NA:
        return repr(value)
    raise InvalidValueError("value", value, f"identity() cannot look into a {type(value).__name__}.")


def _extras(value: Any) -> Any:
    return identity(dict(value.attrs)), value.flags.allows_duplicate_labels


def _index(index: Any) -> Any:
    import numpy as np
    import pandas as pd

    names = [identity(name) for name in index.names]
    if isinstance(index, pd.MultiIndex):
        codes = [identity(np.asarray(codes)) for codes in index.codes]
        order = index.sortorder  # type: ignore[attr-defined,unused-ignore]  # not in every pandas-stubs
        return names, [identity(level) for level in index.levels], codes, order
    if isinstance(index, pd.RangeIndex):
        return names, (index.start, index.stop, index.step)
    return names, _column(index.array), repr(getattr(index, "freq", None))


def _column(array: Any) -> Any:
    """Return plain data that identifies an array of pandas, whatever it holds where a value is missing."""
    import numpy as np
    import pandas as pd

    kind, dtype = type(array), array.dtype
    if isinstance(dtype, np.dtype):
        return kind, _array_contents(array.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return kind, dtype.ordered, identity(dtype.categories), identity(np.asarray(array.codes))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return kind, dtype.unit, identity(dtype.tz), array.asi8.tobytes()
    if isinstance(dtype, pd.StringDtype):
        missing = repr(dtype.na_value)
        return (
            kind,
            dtype.storage,
            missing,
            [item if type(item) is str else missing for item in array],
            array.isna().tolist(),
        )
    if hasattr(dtype, "numpy_dtype") and hasattr(array, "_mask"):
        plain = array.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
        return kind, repr(dtype), array.isna().tolist(), _array_contents(plain)
    return kind, repr(dtype), [identity(item) for item in array]


def _of_torch(value: Any) -> Any:
    """Return plain data that identifies a tensor, to the bit, or a size, dtype or device of PyTorch.

    Raises:
        InvalidValueError: it is another kind of object, such as a module.
    """
    import torch  # type: ignore[import-not-found,unused-ignore]  # an optional library

    if isinstance(value, torch.Tensor):
        flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        held = flat.view(torch.uint8).tolist() if flat.numel() else []
        return repr(value.dtype), tuple(value.shape), repr(value.device), value.requires_grad, bytes(held)
    if isinstance(value, (torch.Size, torch.dtype, torch.device)):
        return repr(value)
    raise InvalidValueError("value", value, f"identity() cannot look into a {type(value).__name__}.")


# --- state kept in C -------------------------------------------------------------------------------------------------


def _made_in_c(value: Any) -> Any:
    """Return what *value* gives pickle beside its attributes: the items of a deque, the bytes of an array."""
    cls = type(value)
    has_attributes = hasattr(value, "__dict__") or any("__slots__" in vars(base) for base in cls.__mro__)
    reduce: Any = cls.__reduce__
    is_reduced_in_c = not isinstance(reduce, types.FunctionType) and reduce is not object.__reduce__
    if has_attributes and (not is_reduced_in_c or hasattr(cls, "__struct_fields__")):
        return None
    try:
        maker, arguments, *rest = value.__reduce_ex__(4)
    except Exception as error:  # each type complains in its own way
        raise InvalidValueError("value", value, f"identity() cannot look into a {cls.__name__}.") from error
    state, *items = [*rest, None, None, None][:3]
    state = None if has_attributes else state
    return maker, identity(arguments), identity(state), [_items(each or ()) for each in items]
