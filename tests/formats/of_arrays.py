"""How the kept documents of NumPy's values are made: each sort of dtype, shape and order, readable and in base64.

On POSIX, as C's own names for its types (``longlong``) mean other ones elsewhere. A release adds functions; it edits
none, as the documents of earlier ones are held to what they make.
"""

from __future__ import annotations

from typing import Any

import numpy as np

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")


def arrays() -> Any:
    """Return arrays of every sort of dtype."""
    return {
        "bool": np.array([True, False]),
        "integers": [np.array([0, 1, np.iinfo(name).max, np.iinfo(name).min], name) for name in INTEGERS],
        "of C's names": [np.array([1, 2], name) for name in ("longlong", "ulonglong")],
        "floats": [np.array([0.0, -0.0, 0.1, np.nan, np.inf, -np.inf], name) for name in FLOATS],
        "bits of NaN": np.array([0x7FF8000000000001, 0xFFF0000000000001], "u8").view("f8"),
        "complex": [np.array([1 + 2j, -0.0, complex("nan-infj")], name) for name in ("complex64", "complex128")],
        "big-endian": [np.array([1, 2, 3], f">{char}") for char in ("i2", "u4", "i8", "f4", "f8", "c16")],
        "text": [np.array(["a", "\u00e9\U0001f370", ""], "<U3"), np.array(["a\0b", "\ud800"], ">U3")],
        "padded text": np.array(["a", "b"], "<U400"),
        "bytes": [np.array([b"a", b"\xff\0c"], "S3"), np.array([b"\0\1", b"ab"], "V2")],
        "times": [
            np.array(["2026-03-01T12:00", "NaT"], f"M8[{unit}]")
            for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "25s")
        ],
        "attoseconds": np.array([0, 10**17], "i8").view("M8[as]"),
        "durations": [np.array([-1, 0, 7], f"m8[{unit}]") for unit in ("D", "s", "ns", "7h")],
        "no unit": [np.array([1, 2], "i8").view("m8"), np.array([3], "i8").view("M8")],
        "other order of times": np.array(["2026-03-01"], "M8[D]").astype(">M8[D]"),
    }


def structures() -> Any:
    """Return arrays whose items have fields."""
    padded = {"names": ["a", "b"], "formats": ["u1", "f8"], "offsets": [3, 16], "itemsize": 40}
    overlapping = {"names": ["low", "whole"], "formats": ["u1", "u4"], "offsets": [0, 0]}
    nested = [("inner", [("x", "?"), ("y", "M8[s]")]), ("grid", "<f4", (2, 3)), ("n\u00e4me", "<U2")]
    return [
        np.array([(1, 2.5), (3, -0.0)], [("a", "<i4"), ("b", ">f8")]),
        np.zeros(2, np.dtype(nested)),
        np.zeros(3, np.dtype([("a", "u1"), ("b", "f8")], align=True)),
        np.zeros(1, np.dtype(padded)),
        np.frombuffer(bytearray(range(8)), np.dtype(overlapping)),
        np.zeros(2, np.dtype([])),
    ]


def shapes() -> Any:
    """Return arrays of every sort of shape and order in memory, small ones and one that is not readable."""
    square = np.arange(6, dtype="int64").reshape(2, 3)
    return {
        "no dimension": np.array(1.5, "float64"),
        "empty": [np.zeros(0, "float64"), np.zeros((3, 0, 2), "int32")],
        "orders": [square, np.asfortranarray(square), square.T, np.ones((2, 1, 3), "uint8")],
        "1000 items": np.arange(1000, dtype="uint8"),
        "1001 items": np.arange(1001, dtype="uint16"),
        "large and in Fortran's order": np.asfortranarray(np.arange(2400, dtype="float32").reshape(40, 60)),
    }


def scalars() -> Any:
    """Return NumPy's scalars."""
    return {
        "bool": np.True_,
        "integers": [np.dtype(name).type(7) for name in (*INTEGERS, "longlong")],
        "largest": [np.int64(-(2**63)), np.uint64(2**64 - 1)],
        "floats": [np.dtype(name).type(value) for name in FLOATS for value in (0.1, -0.0, np.nan, np.inf)],
        "bits of NaN": np.array([0x7FF8000000000001], "u8").view("f8")[0],
        "complex": [np.complex64(1 - 2j), np.complex128(complex("nan+infj"))],
        "text": [np.str_("a\0\u00e9"), np.str_(""), np.bytes_(b"a\0"), np.void(b"\0\1")],
        "times": [np.datetime64("2026-03-01T12:00:00.000000001"), np.datetime64("NaT", "s"), np.timedelta64(-7, "D")],
        "in a tuple": (np.float32(0.5), {"k": np.int8(-1)}),
        "of fields": np.array([(1, 2.5)], [("a", "<i4"), ("b", "<f8")])[0],
    }
