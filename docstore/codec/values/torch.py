"""PyTorch's tensors, sizes, dtypes and devices to JSON members and back, to the bit.

Only ``optional_types`` imports this module, when a value or a document needs PyTorch. NumPy is not needed.

A small tensor of plain numbers is a readable flat list, ``data``, in the order of its indexes; any other is the
``base64`` of its bytes. The only texts of a document that are passed to PyTorch are the name of a dtype, one of those
here, and the type of a device.
"""

from __future__ import annotations

import base64
import ctypes
import math
from collections.abc import Callable
from typing import Any, Final

import torch  # type: ignore[import-not-found,unused-ignore]  # an optional library

from docstore.codec.values.arrays import READABLE_ITEMS, inside, refusing, shape_of
from docstore.codec.values.tags import Decode, Encode, Members, Tagged, member
from docstore.documents.canonical import JSON
from docstore.errors import DecodeError, EncodeError, short_repr

_INTEGERS: Final = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_ITEM: Final[dict[str, type]] = {
    "bool": bool,
    **dict.fromkeys(_INTEGERS, int),
    **dict.fromkeys(("float16", "bfloat16", "float32", "float64"), float),
}
"""By the name of a dtype, the type of the items of a readable list."""

_OTHERS: Final = (
    *("complex64", "complex128"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
_DTYPES: Final[dict[str, Any]] = {
    name: getattr(torch, name) for name in (*_ITEM, *_OTHERS) if isinstance(getattr(torch, name, None), torch.dtype)
}
"""The dtypes that this PyTorch has, by name. Quantized ones hold more than bits, and complex32 warns at each use."""
_NAMES: Final = {dtype: name for name, dtype in _DTYPES.items()}


# --- dtypes, sizes and devices ---------------------------------------------------------------------------------------


def _dtype_encode(dtype: Any, encode: Encode) -> Members:
    if dtype not in _NAMES:
        raise EncodeError(f"{dtype} cannot be written exactly. Write one of {', '.join(_DTYPES)}.")
    return {"name": _NAMES[dtype]}


def _dtype_decode(members: Members, decode: Decode) -> Any:
    return _dtype_named(member(members, "name", str))


def _dtype_named(name: str) -> Any:
    if name not in _DTYPES:
        raise DecodeError(f"{short_repr(name)} is no dtype that this PyTorch has and docstore writes")
    return _DTYPES[name]


def _size_decode(members: Members, decode: Decode) -> Any:
    with refusing("size"):
        return torch.Size(shape_of(members, "sizes"))


def _device_encode(device: Any, encode: Encode) -> Members:
    return {"type": device.type} if device.index is None else {"type": device.type, "index": device.index}


def _device_decode(members: Members, decode: Decode) -> Any:
    kind = member(members, "type", str)
    if not (kind.isascii() and kind.isalpha()):
        raise DecodeError(f"{short_repr(kind)} is no type of device")
    with refusing("device"):
        return torch.device(kind, member(members, "index", int)) if "index" in members else torch.device(kind)


# --- tensors ---------------------------------------------------------------------------------------------------------


def _tensor_encode(tensor: Any, encode: Encode) -> Members:
    refused = next((text for is_so, text in _REFUSED if is_so(tensor)), None)
    if refused is not None:
        raise EncodeError(f"a tensor {refused}")
    name = _NAMES.get(tensor.dtype)
    if name is None:
        raise EncodeError(f"a tensor of {tensor.dtype} cannot be written exactly. Write .to() of another dtype.")
    flat = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    items = _items_of(flat, name)
    held = {"base64": base64.b64encode(_bytes_of(flat)).decode("ascii")} if items is None else {"data": encode(items)}
    grad: Members = {"requires_grad": True} if tensor.requires_grad else {}
    return {"dtype": name, **held, "shape": list(tensor.shape), **grad}


def _has_names(tensor: Any) -> bool:
    return any(getattr(tensor, "names", ()))  # PyTorch 2.13 took names of dimensions out


_REFUSED: Final[tuple[tuple[Callable[[Any], bool], str], ...]] = (
    (lambda tensor: tensor.layout is not torch.strided, "that is not dense cannot be written. Write .to_dense()."),
    (lambda tensor: tensor.is_quantized, "that is quantized cannot be written. Write .dequantize()."),
    (lambda tensor: tensor.device.type != "cpu", "on another device than the CPU cannot be written. Write .cpu()."),
    (lambda tensor: not tensor.is_leaf, "that was computed from others would lose how. Write .detach()."),
    (
        lambda tensor: tensor.grad is not None,
        "that has a gradient would lose it. Write .detach(), and .grad beside it.",
    ),
    (_has_names, "with named dimensions would lose the names. Write .rename(None)."),
    (lambda tensor: bool(vars(tensor)), "with attributes of its own would lose them. Keep them beside it."),
)
"""What a tensor may be or have beside its items, and what to write instead."""


def _bytes_of(flat: Any) -> bytes:
    # PyTorch runs on little-endian machines. Its own way to bytes leads through NumPy, or item by item.
    return ctypes.string_at(flat.data_ptr(), flat.numel() * flat.element_size()) if flat.numel() else b""


def _items_of(flat: Any, name: str) -> list[Any] | None:
    """Return the items of *flat* for the readable form, or None if they are too many or would lose bits."""
    if name not in _ITEM or flat.numel() > READABLE_ITEMS:
        return None
    items: list[Any] = flat.tolist()
    # A NaN may have other bits than the one that Python writes.
    return items if _bytes_of(torch.tensor(items, dtype=flat.dtype)) == _bytes_of(flat) else None


def _tensor_decode(members: Members, decode: Decode) -> Any:
    name, shape = member(members, "dtype", str), shape_of(members)
    dtype = _dtype_named(name)
    flat = _of_items(members, name, dtype, decode) if "data" in members else _of_bytes(members, dtype)
    if flat.numel() != math.prod(shape):
        raise DecodeError(f"the shape has {math.prod(shape)} items, and there are {flat.numel()}")
    with refusing("tensor"):
        tensor = flat.reshape(shape)
        return tensor.requires_grad_() if members.get("requires_grad") is True else tensor


def _of_items(members: Members, name: str, dtype: Any, decode: Decode) -> Any:
    with inside("data"):
        items: list[JSON] = decode(member(members, "data", list))
    item = _ITEM.get(name)
    for index, each in enumerate(items):
        if type(each) is not item:
            raise DecodeError(f"{short_repr(each)} is no item of {name} in a list", pointer=f"/data/{index}")
    with refusing(f"list of {name}"):
        flat = torch.tensor(items, dtype=dtype)
    # PyTorch rounds a float to the dtype: then docstore did not write it.
    if repr(flat.tolist()) != repr(items):
        raise DecodeError(f"an item does not fit the dtype {name}", pointer="/data")
    return flat


def _of_bytes(members: Members, dtype: Any) -> Any:
    text = member(members, "base64", str)
    with refusing("base64 text"):
        raw = bytearray(base64.b64decode(text, validate=True))
        # Copied, since PyTorch cannot resize what Python owns.
        return torch.frombuffer(raw, dtype=dtype).clone() if raw else torch.empty(0, dtype=dtype)


# --- the rows --------------------------------------------------------------------------------------------------------

_ROWS: Final = (
    Tagged("torch.Tensor", torch.Tensor, "dtype data|base64 shape requires_grad", _tensor_encode, _tensor_decode),
    Tagged("torch.Size", torch.Size, "sizes", lambda size, encode: {"sizes": list(size)}, _size_decode),
    Tagged("torch.dtype", torch.dtype, "name", _dtype_encode, _dtype_decode),
    Tagged("torch.device", torch.device, "type index", _device_encode, _device_decode),
)
BY_TAG: Final = {row.tag: row for row in _ROWS}
_BY_TYPE: Final = {row.type: row for row in _ROWS}


def row_of_type(cls: type) -> Tagged | None:
    """Return the row of *cls*, if it can be written.

    Raises:
        EncodeError: it is a kind of tensor that holds more than its items, such as a parameter of a module.
    """
    if cls not in _BY_TYPE and issubclass(cls, torch.Tensor):
        raise EncodeError(f"a {cls.__module__}.{cls.__qualname__} cannot be written exactly. Write .detach() of it.")
    return _BY_TYPE.get(cls)
