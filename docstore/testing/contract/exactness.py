"""Promises of values: they come back the same to the bit, whatever the database would make of them."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections import OrderedDict, defaultdict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import docstore
from docstore.errors import EncodeError, InvalidValueError
from docstore.testing.contract.setting import Setting
from docstore.testing.exact import identity


def double(bits: int) -> float:
    """Return the float with these 64 bits."""
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    return float(value)


def nested(levels: int, bottom: Any = None) -> Any:
    """Return *bottom* in so many lists and dicts, in turns."""
    value = bottom
    for level in range(levels):
        value = {"in": value} if level % 2 else [value]
    return value


NUMBERS: Final = {
    "nothing and truth": [None, True, False],
    "one, in three types": [1, 1.0, True],
    "zeros": [0, 0.0, -0.0, False],
    "NaNs of every kind": [math.nan, double(0xFFF8 << 48), double(0x7FF8 << 48 | 1), double(0x7FF4 << 48 | 1)],
    "infinities": [math.inf, -math.inf],
    "floats that look like integers": [1e15, 9007199254740993.0, 1e16, -1e16, 1e22, 1e300],
    "the smallest and the largest floats": [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308],
    "floats of every magnitude": [sign * 1.1 * 2.0**power for sign in (1, -1) for power in range(-1074, 1024)],
    "integers to 53 bits and beyond": [2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1],
    "integers to 64 bits and beyond": [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64],
    "integers to 10**40": [sign * 10**power for sign in (1, -1) for power in range(41)],
    "decimals": list(map(Decimal, ["1.50", "-0", "1E+3", "0E-10", "NaN", "-sNaN7", "Infinity", "1" * 50])),
    "complex": [complex(0.0, -0.0), complex(math.nan, math.inf)],
}
TEXTS: Final = {
    "empty": "",
    "JSON": '{"a": [null, "\\u0000"]}',
    "quotes and backslashes": "it's \"good\" \\ \\\\ \\' `",
    "NUL": "a\x00b\x00\x00",
    "lone surrogates": "\ud800 \udfff\ud800",
    "two halves that are no pair": "\ud83d\ude00 is not \U0001f600",
    "control characters": "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f\u2028\u2029",
    "what SQL, printf and drivers look for": "%s %(a)s :a ? $1 {} ; -- /* */ \\x00 %",
    "normal forms": "\u00e9 e\u0301 \ufb01 fi \u212b \u00c5",
    "directions and joiners": "\u202e\u200d\u200b\ufeff\ufffe\uffff",
    "of every plane": "".join(chr(plane << 16 | 0x1234) for plane in range(17)),
}
TIMES: Final = {
    "the first and the last": [datetime.min, datetime.max, date.min, date.max, time.min, time.max],
    "microseconds": [datetime(2026, 1, 2, 3, 4, 5, 1), datetime(2026, 1, 2, 3, 4, 5, 999_999, UTC)],
    "offsets": [datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))), time(1, tzinfo=UTC)],
    "odd offsets": [
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(microseconds=-1))),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1), "summer \u2603")),
    ],
    "zones, and both hours that one clock shows": [
        datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold) for fold in (0, 1)
    ],
    "spans": [timedelta.min, timedelta.max, timedelta(microseconds=-1)],
}
CONTAINERS: Final = {
    "empty": [[], {}, (), set(), frozenset(), OrderedDict(), b""],
    "tuples in lists in dicts": {"a": [(1, [2, (3,)]), ()]},
    "sets": [{1, "1", 1.5, None, (2, frozenset({3}))}, frozenset({math.nan})],
    "dicts with odd keys": {1: "a", "1": "b", 1.5: "c", None: "d", (1, 2): "e", b"1": "f", -0.0: "g"},
    "keys that paths are made of": {"": {"": 1}, "/": 1, "~": 2, "~1": 3, "a/b": 4, "a.b": 5, "$": 6, "0": 7, "[0]": 8},
    "keys with quotes": {'"': 1, "'": 2, "\\": 3, "`": 4, "%": 5, ":a": 6},
    "keys that differ little": {"a": 1, "A": 2, "a ": 3, "\u00e9": 4, "e\u0301": 5, "\u00e4": 6},
    "keys that tags are made of": {"__type": "Experiment", "value": 1},
    "keys of docstore's own": {"__format": 99, "__class__": 1, "name": "n", "trials": {"0": {}}, "type": 1, "data": []},
    "keys with NUL and surrogates": {"a\x00": {"\ud800": [1]}},
    "dicts in an order": OrderedDict([("b", 1), ("a", OrderedDict([(2, 1), (1, 2)]))]),
    "dicts that make their items": [defaultdict(list, {1: [2], "b": []}), defaultdict(None, a=1)],
    "bytes": [bytes(range(256)), bytearray(b"\x00\xff")],
    "ranges, slices and patterns": [
        range(2**70),
        slice("a", None, -0.0),
        re.compile("\x00+", re.I),
        re.compile(b"\xff"),
    ],
    "identifiers and paths": [UUID(int=7), Path("a/b"), PurePosixPath("/\ud800"), PureWindowsPath("C:/a\\b")],
}
ALONE: Final[dict[str, Any]] = {
    "nothing": None,
    "truth": True,
    "an integer": 0,
    "an integer beyond 64 bits": 10**30,
    "a float": 1.5,
    "a whole float": 1.0,
    "minus zero": -0.0,
    "NaN": math.nan,
    "minus infinity": -math.inf,
    "a word that JSON knows": "null",
    "an empty list": [],
    "an empty dict": {},
    "a tuple of a set": (1, {2}),
    "a decimal": Decimal("1.50"),
    "a moment": datetime(2026, 1, 2, tzinfo=UTC),
}
THEMES: Final[dict[str, dict[str, Any]]] = {
    "numbers": NUMBERS,
    "text": TEXTS,
    "times": TIMES,
    "containers": CONTAINERS,
    "alone": ALONE,
}
VALUES: Final = {f"{theme}: {title}": value for theme, values in THEMES.items() for title, value in values.items()}


class ExactnessPromises(Setting):
    """A JSON value, with all that docstore tags, is put under a name."""

    def check(self, store: docstore.Store, value: Any) -> None:
        """Put *value* between two others, and fail unless it is the same to the bit, newest and as a past version."""
        store.put("note", "n1", {"first": 1})
        store.put("note", "n1", value)
        assert identity(store.get("n1", kind="note")) == identity(value)
        assert identity(store.load("n1", kind="note")) == identity(value)
        store.put("note", "n1", "another")
        assert identity(store.get("n1", kind="note", version=2)) == identity(value)
        assert store.get("n1", kind="note", version=1) == {"first": 1}
        assert store.verify() == []

    @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
    def test_a_value_comes_back_to_the_bit(self, store: docstore.Store, value: Any) -> None:
        """Now, and from the history."""
        self.check(store, value)

    def test_every_code_point_comes_back(self, store: docstore.Store) -> None:
        """NUL, surrogates and those that stand for nothing too; first apart from those that docstore tags."""
        every = "".join(map(chr, range(0x110000)))

        self.check(store, [every.translate(dict.fromkeys([0, *range(0xD800, 0xE000)])), every])

    def test_a_code_point_of_every_category_comes_back_as_text_and_as_a_key(self, store: docstore.Store) -> None:
        by_category: dict[str, str] = {unicodedata.category(chr(point)): chr(point) for point in range(0x110000)}

        self.check(store, [by_category, {text: category for category, text in by_category.items()}])

    @pytest.mark.parametrize(
        ("levels", "bottom"), [(250, None), (248, (1.0,)), (246, {"__type": -0.0})], ids=["JSON", "a tuple", "a tag"]
    )
    def test_a_value_nested_250_levels_deep_comes_back(self, store: docstore.Store, levels: int, bottom: Any) -> None:
        """A tuple's tag makes two levels, that of a dict four."""
        self.check(store, nested(levels, bottom))

    def test_a_value_nested_too_deeply_is_refused_with_its_place(self, store: docstore.Store) -> None:
        with pytest.raises(EncodeError, match="nested deeper than") as caught:
            store.put("note", "n1", nested(300))

        assert caught.value.pointer.startswith("/in/0/in/0/")
        assert store.find() == []

    def test_five_megabytes_in_one_text_come_back(self, store: docstore.Store) -> None:
        self.check(store, {"text": "0123456789abcde\u2603" * (5 * 2**20 // 18)})

    def test_five_megabytes_of_numbers_come_back(self, store: docstore.Store) -> None:
        self.check(store, [number / 7 for number in range(5 * 2**20 // 18)])

    @pytest.mark.parametrize(
        ("old", "new"),
        [(1, 1.0), (1, True), (0.0, -0.0), ([1], [True]), ("1", 1), (None, False), ("a", "a "), ("\u00e9", "e\u0301")],
    )
    def test_values_that_differ_in_type_or_bits_alone_make_two_versions(
        self, store: docstore.Store, old: Any, new: Any
    ) -> None:
        for name, before, after in (("alone", old, new), ("inside", {"a": old}, {"a": new})):
            store.put("note", name, before)

            assert store.put("note", name, after).number == 2
            states = [identity(store.get(name, kind="note", version=number)) for number in (1, 2)]
            assert states == [identity(before), identity(after)]

    def test_an_equal_value_makes_no_new_version(self, store: docstore.Store) -> None:
        store.put("note", "n1", {"a": math.nan, "b": -0.0, "c": {1, 2}})

        assert store.put("note", "n1", {"c": {2, 1}, "b": -0.0, "a": math.nan}).number == 1

    def test_get_gives_a_nested_value_by_its_pointer(self, store: docstore.Store) -> None:
        store.put("note", "n1", {"a/b": [{"~": {"": (1, math.nan)}}]})

        assert identity(store.get("n1", kind="note", pointer="/a~1b/0/~0/")) == identity((1, math.nan))

    def test_a_message_comes_back_with_every_character(self, store: docstore.Store) -> None:
        message = 'it\'s "good" \\ \n % \u2603 \U0001f370 ' * 100

        store.put("note", "n1", 1, message=message)

        assert store.history("n1", kind="note")[0].message == message

    @pytest.mark.parametrize(
        "said",
        [{"message": "a\x00"}, {"message": "\ud800"}, {"author": "a\x00"}, {"author": "x" * 256}],
        ids=["NUL", "a surrogate", "NUL in the author", "a long author"],
    )
    def test_a_message_or_author_that_not_every_database_takes_is_refused(
        self, store: docstore.Store, said: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidValueError, match="without NUL or lone surrogates"):
            store.put("note", "n1", 1, **said)

        assert store.find() == []

    def test_an_object_that_cannot_be_written_is_refused_with_its_place(self, store: docstore.Store) -> None:
        with pytest.raises(EncodeError, match=r"at /a/0: builtins\.object"):
            store.put("note", "n1", {"a": [object()]})

        assert store.find() == []
