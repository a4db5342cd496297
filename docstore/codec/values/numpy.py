"""NumPy arrays and scalars to JSON members and back, to the bit: dtype, shape, memory order and bytes.

Only ``optional_types`` imports this module, when a value or a document needs NumPy.

A small array of plain kinds is a readable flat list, ``data``, in memory order; any other is the ``base64`` of its
bytes. The only text of a document that is passed to NumPy is a dtype, in one of the few forms that are written here.
"""

from __future__ import annotations

import base64
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from docstore.codec.values.arrays import READABLE_ITEMS, REFUSALS, inside, refusing, shape_of
from docstore.codec.values.tags import Decode, Encode, Members, Tagged, member
from docstore.documents.canonical import JSON
from docstore.errors import DecodeError, EncodeError, short_repr

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
DType: TypeAlias = "np.dtype[Any]"


# --- dtypes ----------------------------------------------------------------------------------------------------------


def _little(text: str) -> DType:
    """Return the dtype of a *text* without a byte order: NumPy takes this machine's, a document means little-endian."""
    dtype: DType = np.dtype(text)
    # newbyteorder("<") would mark the dtype as not native even where it is, and its repr would show it.
    return dtype if sys.byteorder == "little" else dtype.newbyteorder("<")


# C's names are types of their own: if int64 is C's long, NumPy's longlong is another type with the same bits.
_C_NAMES: Final = {"q": "longlong", "Q": "ulonglong", "i": "intc", "I": "uintc"}
_NAMES: Final = {
    name: _little(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128", *_C_NAMES.values()),
    )
}
_UNIT: Final = r"(?:\[(?:[1-9][0-9]{0,8})?(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?"
_SPELLING: Final = re.compile(
    rf"(?:datetime64|timedelta64){_UNIT}"
    rf"|[<>](?:[iu][248]|f[248]|c8|c16|U[0-9]{{1,8}}|[mM]8{_UNIT})"
    r"|\|[SV][0-9]{1,9}"
)

_DTYPE_REMEDIES: Final = {
    "O": "Its items may be any Python objects. Write .tolist(), or give it a dtype: .astype(float).",
    "T": "Use .astype(str) for text of fixed width, or .tolist().",
    "g": "Its bits differ from machine to machine. Use .astype('float64').",
    "G": "Its bits differ from machine to machine. Use .astype('complex128').",
}


def dtype_encode(dtype: DType, encode: Encode) -> JSON:
    """Return the JSON of *dtype*: a text, or its ``fields``, or its subarray's ``base`` and ``shape``.

    Raises:
        EncodeError: it cannot be written exactly; says what to use instead.
    """
    written: JSON = None
    if dtype.char not in _DTYPE_REMEDIES and dtype.metadata is None:
        written = _structure(dtype, encode) if dtype.names is not None else _array_dtype(dtype, encode)
    if written is None:
        remedy = _DTYPE_REMEDIES.get(dtype.char) or (
            "Its metadata would be lost. Use .astype(dtype.str)."
            if dtype.metadata
            else "Use .astype(...) with one of NumPy's standard dtypes."
        )
        raise EncodeError(f"the dtype {dtype!r:.200} cannot be written exactly. {remedy}")
    return written


def _array_dtype(dtype: DType, encode: Encode) -> JSON:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": dtype_encode(base, encode), "shape": list(shape)}
    for text in (dtype.name, _C_NAMES.get(dtype.char, ""), dtype.str):
        if (text in _NAMES or _SPELLING.fullmatch(text)) and _is_same(_dtype_of(text), dtype):
            return text
    return None


def _structure(dtype: DType, encode: Encode) -> JSON:
    fields: Mapping[str, Any] = dtype.fields or {}
    if dtype.type is not np.void or any(len(field) > 2 for field in fields.values()):
        raise EncodeError(
            f"the dtype {dtype!r:.200} is of records or has titles, and cannot be written exactly. Use "
            f".astype(np.dtype(dtype.descr)), with names only, of an np.asarray."
        )
    fields_written: list[JSON] = []
    for name in dtype.names or ():
        with inside(name):
            fields_written.append(
                {"name": encode(name), "dtype": dtype_encode(fields[name][0], encode), "offset": fields[name][1]}
            )
    aligned: Members = {"aligned": True} if dtype.isalignedstruct else {}
    return {"fields": fields_written, "itemsize": dtype.itemsize, **aligned}


def dtype_decode(written: JSON, decode: Decode) -> DType:
    """Return the dtype that *written* encodes.

    Raises:
        DecodeError: ``dtype_encode`` does not write such JSON.
    """
    if type(written) is str and (written in _NAMES or _SPELLING.fullmatch(written)):
        return _dtype_of(written)
    if type(written) is not dict:
        raise DecodeError(f"{short_repr(written)} is not a dtype that docstore writes")
    with refusing("dtype"):
        if "base" in written:
            return np.dtype((dtype_decode(written["base"], decode), shape_of(written)))
        fields = [_field_of(field, decode) for field in member(written, "fields", list)]
        names, formats, offsets = zip(*fields, strict=True) if fields else ((), (), ())
        layout = {"names": names, "formats": formats, "offsets": offsets, "itemsize": member(written, "itemsize", int)}
        return np.dtype(layout, align=written.get("aligned") is True)  # type: ignore[call-overload,no-any-return]  # a dict of tuples


def _field_of(field: JSON, decode: Decode) -> tuple[str, DType, int]:
    if type(field) is not dict:
        raise DecodeError(f"each field should be an object, and one is {short_repr(field)}")
    name = decode(field.get("name"))
    if type(name) is not str:
        raise DecodeError(f"a field's name should be text, and is {short_repr(name)}")
    return name, dtype_decode(field.get("dtype"), decode), member(field, "offset", int)


def _dtype_of(text: str) -> DType:
    if text in _NAMES:
        return _NAMES[text]
    with refusing("dtype"):
        return _little(text) if text[0] in "dt" else np.dtype(text)


def _is_same(one: DType, other: DType) -> bool:
    return one == other and one.type is other.type


# --- items that can be read ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Readable:
    """How a kind of dtype is written item by item: the type of the items, and the functions to them and back."""

    item: type
    items: Callable[[Array], list[Any]]
    build: Callable[[list[Any], DType], Array]


_ISO: Final = re.compile(
    r"NaT|[+-]?[0-9]{4,20}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,18})?)?)?)?)?)?"
)


def _dates(texts: list[str], dtype: DType) -> Array:
    for text in texts:
        # NumPy would take "today" and "now" too.
        if not _ISO.fullmatch(text):
            raise DecodeError(f"{short_repr(text)} is not a date and time in ISO 8601")
    return np.array(texts, dtype)


def _plain(flat: Array) -> list[Any]:
    if flat.dtype.kind == "U":
        codes = np.frombuffer(flat.tobytes(), flat.dtype.str[0] + "u4")
        if codes.size and codes.max() > sys.maxunicode:
            # NumPy would make a str of it all the same, which fails wherever it is read.
            raise ValueError("not Unicode")
    return list(flat.tolist())


_PLAIN: Final = {
    kind: _Readable(item, _plain, lambda items, dtype: np.array(items, dtype))
    for kind, item in {"b": bool, "i": int, "u": int, "f": float, "U": str}.items()
}
_READABLE: Final = {
    **_PLAIN,
    "M": _Readable(str, lambda flat: list(np.datetime_as_string(flat).tolist()), _dates),
    # Counts of the dtype's unit; NaT is the least int64.
    "m": _Readable(
        int, lambda flat: list(flat.astype("i8").tolist()), lambda items, dtype: np.array(items, "i8").astype(dtype)
    ),
}


_NO_UNIT: Final = ("datetime64", "timedelta64")  # NumPy will accept only bytes for these


def _items_of(flat: Array) -> list[Any] | None:
    """Return the items of *flat* for the readable form, or None if they are too many or would lose bits."""
    readable = _READABLE.get(flat.dtype.kind)
    if readable is None or flat.size > READABLE_ITEMS or flat.dtype.name in _NO_UNIT:
        return None
    try:
        items = readable.items(flat)
        if _is_padded(items, flat.dtype):
            return None
        # A signalling NaN becomes a quiet one on its way through a Python float of another width: compare the bytes.
        again = readable.build(items, flat.dtype)
    except (*REFUSALS, DecodeError):
        return None
    return items if again.dtype == flat.dtype and again.tobytes() == flat.tobytes() else None


def _is_padded(items: list[Any], dtype: DType) -> bool:
    """Return whether *items* are short texts of a dtype of long ones: ten letters of ``<U99999999`` take gigabytes."""
    return dtype.kind == "U" and dtype.itemsize * len(items) > 16 * (sum(map(len, items)) + 8 * len(items) + 8)


def _from_items(items: list[Any], dtype: DType) -> Array:
    readable = _READABLE.get(dtype.kind)
    if readable is None:
        raise DecodeError(f"items of dtype {dtype!s:.200} are written in base64, not as a list")
    for index, item in enumerate(items):
        if type(item) is not readable.item:
            raise DecodeError(f"should be {readable.item.__name__}, and is {short_repr(item)}", pointer=f"/{index}")
    if _is_padded(items, dtype):
        raise DecodeError(f"such short texts of dtype {dtype} are written in base64, not as a list")
    with refusing(f"list of {dtype}"), np.errstate(all="ignore"):
        flat = readable.build(items, dtype)
        # Few at a time: texts of all at once would be larger than the document.
        for start in range(0, len(items), READABLE_ITEMS):
            few = slice(start, start + READABLE_ITEMS)
            # NumPy cuts a text that is too long, and rounds a float to the dtype: neither was written by docstore.
            if repr(readable.items(flat[few])) != repr(items[few]):
                raise DecodeError(f"an item does not fit the dtype {dtype}")
    return flat


# --- arrays ----------------------------------------------------------------------------------------------------------


def data_encode(array: Array, encode: Encode) -> Members:
    """Return the ``dtype`` and the ``data`` or ``base64`` of *array*, in C order; its shape is not among them."""
    with inside("dtype"):
        dtype = dtype_encode(array.dtype, encode)
    if not array.dtype.itemsize and array.size > READABLE_ITEMS:
        raise EncodeError(f"{array.size} items of no bytes cannot be written. Use a dtype that holds something.")
    array = array if array.flags.c_contiguous else _compact(array)
    items = _items_of(array.ravel())
    if items is None:
        return {"dtype": dtype, "base64": base64.b64encode(array.tobytes()).decode("ascii")}
    return {"dtype": dtype, "data": encode(items)}


def _compact(array: Array) -> Array:
    # Not array.copy(): that leaves arbitrary bytes between the fields of a structure, and so another text each time.
    compact = np.zeros(array.shape, array.dtype)
    compact[...] = array
    return compact


def data_decode(members: Members, decode: Decode, count: int | None = None) -> Array:
    """Return the flat array of *members*, of *count* items if that is known. It takes no more memory than they do."""
    with inside("dtype"):
        dtype = dtype_decode(members.get("dtype"), decode)
    if "data" in members:
        with inside("data"):
            flat = _from_items(decode(member(members, "data", list)), dtype)
    else:
        with inside("base64"):
            flat = _from_bytes(member(members, "base64", str), dtype, count)
    if count is not None and flat.size != count:
        raise DecodeError(f"the shape has {count} items, and there are {flat.size}")
    return flat


def _from_bytes(text: str, dtype: DType, count: int | None) -> Array:
    with refusing("base64 text"):
        # A bytearray, so that the array can be written to; and no copy of it, which would lose bytes between fields.
        raw = bytearray(base64.b64decode(text, validate=True))
        if dtype.itemsize:
            count = len(raw) // dtype.itemsize
        if count is None or count * dtype.itemsize != len(raw) or (not dtype.itemsize and count > READABLE_ITEMS):
            raise DecodeError(f"{len(raw)} bytes are not items of dtype {dtype!s:.200}, of {dtype.itemsize} each")
        return np.ndarray((count,), dtype, buffer=raw)


def _array_encode(array: Array, encode: Encode) -> Members:
    transposed = array.flags.f_contiguous and not array.flags.c_contiguous
    order: Members = {"order": "F"} if transposed else {}
    return {**data_encode(array.T if transposed else array, encode), "shape": list(array.shape), **order}


def _array_decode(members: Members, decode: Decode) -> Array:
    shape, transposed = shape_of(members), members.get("order") == "F"
    flat = data_decode(members, decode, math.prod(shape))
    with refusing("shape"):
        # Not .T: with items of zero bytes all strides are 0, and the result would count as both C and F order.
        return flat.reshape(shape, order="F" if transposed else "C")


# --- scalars ---------------------------------------------------------------------------------------------------------


def scalar_encode(value: np.generic, encode: Encode) -> Members:
    """Return the ``dtype`` and the ``value`` or ``base64`` of *value*."""
    # An array would drop the trailing NULs of these two; and so would str(value).
    if type(value) is np.str_:
        return {"dtype": "str", "value": encode("".join(value))}
    if type(value) is np.bytes_:
        return {"dtype": "bytes", "base64": base64.b64encode(value).decode("ascii")}
    members = data_encode(np.array(value).reshape(1), encode)
    if "data" in members:
        members["value"] = members.pop("data")[0]  # type: ignore[index]  # a list of one item
    return members


def scalar_decode(members: Members, decode: Decode) -> Any:
    """Return the scalar, of exactly the dtype's type."""
    if members.get("dtype") == "str":
        text = decode(members.get("value"))
        if type(text) is not str:
            raise DecodeError(f"'value' should be text, and is {short_repr(text)}")
        return np.str_(text)
    if members.get("dtype") == "bytes":
        with refusing("base64 text"):
            return np.bytes_(base64.b64decode(member(members, "base64", str), validate=True))
    if "value" in members:
        members = {"dtype": members.get("dtype"), "data": [members["value"]]}
    return data_decode(members, decode, 1)[0]


# --- the rows --------------------------------------------------------------------------------------------------------

_SCALAR: Final = Tagged("numpy.scalar", np.generic, "dtype value|base64", scalar_encode, scalar_decode)
_ARRAY: Final = Tagged("numpy.ndarray", np.ndarray, "dtype data|base64 shape order", _array_encode, _array_decode)
BY_TAG: Final = {row.tag: row for row in (_SCALAR, _ARRAY)}

_SCALAR_TYPES: Final = frozenset(np.sctypeDict.values()) - {np.object_}
_KIND_REMEDIES: Final = {
    np.ma.MaskedArray: "Write its .data and its .mask, or .filled(...).",
    np.recarray: "Write np.asarray(array).astype(np.dtype(array.dtype.descr)), and index it by field name.",
    np.record: "Write .item(), a tuple.",
    np.ndarray: "Write np.asarray(array).",
}


def row_of_type(cls: type) -> Tagged | None:
    """Return the row of *cls*, if it can be written.

    Raises:
        EncodeError: it is a kind of array that holds more than NumPy's own arrays do.
    """
    if cls is np.ndarray:
        return _ARRAY
    if cls in _SCALAR_TYPES:
        return _SCALAR
    for kind, remedy in _KIND_REMEDIES.items():
        if issubclass(cls, kind):
            raise EncodeError(f"a {cls.__module__}.{cls.__qualname__} cannot be written exactly. {remedy}")
    return None
