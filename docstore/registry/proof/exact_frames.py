"""What tells one value of pandas from another: dtypes, indexes, names, time zones, and every item to the bit.

Only ``exact`` imports this module, when it is given a value of pandas.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from docstore.errors import InvalidValueError
from docstore.registry.proof.exact import array_contents, identity


def contents(value: Any) -> Any:
    """Return plain data that is equal for two values of one class only where they are exactly the same.

    Raises:
        InvalidValueError: it is a kind of value that docstore does not write.
    """
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
    names = [identity(name) for name in index.names]
    if isinstance(index, pd.MultiIndex):
        codes = [identity(np.asarray(codes)) for codes in index.codes]
        order = index.sortorder  # type: ignore[attr-defined,unused-ignore]  # not in every pandas-stubs
        return names, [identity(level) for level in index.levels], codes, order
    if isinstance(index, pd.RangeIndex):
        return names, (index.start, index.stop, index.step)
    return names, _column(index.array), repr(getattr(index, "freq", None))


def _column(array: Any) -> Any:
    """Return what tells one array of pandas from another, whatever it holds where a value is missing."""
    kind, dtype = type(array), array.dtype
    if isinstance(dtype, np.dtype):
        return kind, array_contents(array.to_numpy())
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
        return kind, repr(dtype), array.isna().tolist(), array_contents(plain)
    return kind, repr(dtype), [identity(item) for item in array]
