"""How the kept documents of plain values are made: all that JSON holds, and each tag to the edges of what it can say.

A release adds functions; it edits none, as the documents of earlier ones are held to what they make.
"""

from __future__ import annotations

import re
import struct
from collections import OrderedDict, defaultdict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

ZURICH = ZoneInfo("Europe/Zurich")
KATHMANDU = timezone(timedelta(hours=5, minutes=45))


def double(bits: int) -> float:
    """Return the float of these 64 bits."""
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    return float(value)


def plain() -> Any:
    """Return what JSON holds by itself."""
    return {
        "constants": [None, True, False],
        "integers": [0, 1, -1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)],
        "floats": [0.0, 1.0, -1.0, 0.1, 1 / 3, 1e-7, 5e-324, -2.2250738585072014e-308, 1.5, 9007199254740993.0],
        "below the limit": [9999999999999998.0, -9999999999999998.0, 1e15, 123456789012345.6],
        "texts": ["", "a", "\u00e9", "e\u0301", "\U0001f370", "\ufeff", "\u2028", "\x7f", "\x1f\n\t\"\\/'", " a "],
        "empty": [[], {}, [[]], {"": {}}],
        "keys": {"a/b": 1, "~0~1": 2, "a.b": 3, "": 4, "0": 5, "__class__": 6, "\U0001f370": 7, "\uffff": 8},
        "deep": nested(100),
    }


def ranges_and_patterns() -> Any:
    """Return ranges, slices, and regular expressions of text and of bytes."""
    return {
        "ranges": [range(0), range(3), range(10, 0, -3), range(2**70)],
        "slices": [slice(None), slice(1, 2), slice(None, -1, 2)],
        "patterns": [re.compile(""), re.compile("a.b", re.IGNORECASE | re.DOTALL), re.compile(b"[\\x00-\\xff]+")],
    }


def nested(levels: int) -> Any:
    """Return a value of so many levels, lists and dicts by turns."""
    value: Any = 0.5
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


def numbers_and_texts() -> Any:
    """Return numbers and texts that some JSON would change or refuse."""
    return {
        "not finite": [float("nan"), float("inf"), float("-inf")],
        "bits of NaN": [double(bits) for bits in (0x7FF8000000000001, 0xFFF8000000000000, 0x7FFFFFFFFFFFFFFF)],
        "a signalling NaN": double(0x7FF0000000000001),
        "negative zero": [-0.0, {"k": -0.0}],
        "large floats": [1e16, -1e16, 1e22, 1.7976931348623157e308, 12345678901234567.0],
        "integers beyond 64 bits": [2**63, -(2**63) - 1, 2**64, 10**40, -(10**40)],
        "of more than 2048 bits": [2**2048 - 1, 2**2048, -(16**600)],
        "NUL": ["\0", "a\0b", "\\u0000", "\\\0\\"],
        "surrogates": ["\ud800", "a\udfffb", "\ud83d\ude00", "\U0001f600", "\\ud800\ud800"],
    }


def containers() -> Any:
    """Return containers that JSON lacks, inside one another, and dicts whose keys are not all plain texts."""
    return {
        "tuples": [(), (1,), (1, 1.0, True, None), ((), [()])],
        "sets": [set(), {1, 2, 3}, {"b", "a"}, {(1, "x"), (2.5, None)}, {frozenset({1}), frozenset()}],
        "frozensets": [frozenset(), frozenset({-0.0, 2**64})],
        "ordered": [OrderedDict(), OrderedDict([("b", 1), ("a", 2)]), OrderedDict([(2, "x"), (1, [OrderedDict()])])],
        "keys": [
            {1: "one", 2.5: "float", None: "none", False: "false"},
            {(1, 2): "tuple", "text": "text", b"b": "bytes", date(2026, 3, 1): "date"},
            {"__type": "a key that is the tag's"},
            {"a\0": 1, "\ud800": 2, "plain": 3},
            {2**64: -0.0, frozenset({1}): {"inner": {3: 4}}},
        ],
    }


def default_dicts() -> Any:
    """Return dicts that make the items they lack, each factory once."""
    made = [defaultdict(factory, {"b": factory(), (1, 2): None}) for factory in (int, float, list, dict, set, str)]
    return [*made, defaultdict(None), defaultdict(list, {"__type": [defaultdict(int, {1: 2})]})]


def bytes_and_numbers() -> Any:
    """Return bytes, and numbers of other types."""
    payload = double(0xFFF8000000000123)
    return {
        "bytes": [b"", b"\0\xff", bytes(range(256))],
        "bytearrays": [bytearray(), bytearray(b"\0\xff")],
        "complex": [
            0j,
            complex(-0.0, 1e16),
            complex(float("nan"), float("-inf")),
            complex(1.5, -0.0),
            complex(payload, 0.5),
        ],
        "decimals": [
            Decimal(text)
            for text in ("0", "-0", "1.50", "1E+3", "-0E+5", "1E-999", "NaN", "-NaN9", "sNaN", "Infinity", "0.1")
        ],
        "uuids": [
            UUID("12345678-1234-5678-1234-567812345678"),
            UUID(int=0),
            UUID(int=2**128 - 1, is_safe=SafeUUID.safe),
            UUID(int=1, is_safe=SafeUUID.unsafe),
        ],
        "paths": [
            *(Path(text) for text in ("", "/", "a/../b", "~/\u00e9", "a\udcffb", "//host/x")),
            *(PurePosixPath(text) for text in ("a/b.txt", "C:\\x")),
            *(PureWindowsPath(text) for text in ("C:/x", "C:x", "\\\\host\\share\\x", "a/b")),
        ],
    }


def moments() -> Any:
    """Return dates and times: with and without a zone, of either fold, of every sort of offset."""
    noon, doubled = datetime(2026, 3, 1, 12), datetime(2026, 10, 25, 2, 30)
    zones = [
        *(UTC, timezone(timedelta(0)), KATHMANDU, timezone(timedelta(hours=-3, seconds=-17, microseconds=5))),
        *(timezone(timedelta(hours=1), "CET"), timezone(timedelta(0), "Z"), timezone(timedelta(hours=1), "a\0\ud800")),
        *(timezone(timedelta(microseconds=1)), timezone(timedelta(microseconds=-999_999), "almost")),
        *(timezone(timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)), ZURICH, ZoneInfo("UTC")),
    ]
    return {
        "datetimes": [datetime.min, datetime.max, noon, noon.replace(microsecond=1), noon.replace(fold=1)],
        "zones": [noon.replace(tzinfo=zone) for zone in zones],
        "twice on the clock": [doubled.replace(tzinfo=ZURICH, fold=fold) for fold in (0, 1)],
        "never on the clock": [datetime(2026, 3, 29, 2, 30, tzinfo=ZURICH, fold=fold) for fold in (0, 1)],
        "folds": [doubled.replace(tzinfo=zone, fold=1) for zone in (UTC, KATHMANDU)],
        "dates": [date.min, date(2024, 2, 29), date.max],
        "times": [time.min, time.max, time(2, 30, fold=1), time(12, tzinfo=UTC), time(12, tzinfo=ZURICH, fold=1)],
        "times of named offsets": [time(12, tzinfo=timezone(timedelta(hours=1), "CET")), time(12, tzinfo=KATHMANDU)],
        "durations": [timedelta(0), timedelta.min, timedelta.max, timedelta(microseconds=-1), timedelta(1, 2, 3)],
    }
