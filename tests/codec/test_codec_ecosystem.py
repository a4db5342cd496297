"""NumPy and pandas values come back to the bit, and neither library is imported before it is needed."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.canonical import dumps, loads
from docstore.errors import DecodeError, EncodeError

CODEC = Codec(Registry())


def round_trip(value: Any) -> Any:
    """Return *value* by way of the canonical text."""
    return CODEC.decode(loads(dumps(CODEC.encode(value))))


def written(value: Any) -> Any:
    return loads(dumps(CODEC.encode(value)))


def tagged(tag: str, **members: Any) -> dict[str, Any]:
    return {"__type": tag, **members}


# --- exact comparison: == and assert_frame_equal forgive too much ----------------------------------------------------


def identity(value: Any) -> Any:
    """Return plain data that is equal for two values only where they agree in type, dtype and bits."""
    if isinstance(value, np.ndarray):
        return array_identity(value)
    if isinstance(value, np.generic):
        return type(value), dtype_identity(value.dtype), value.tobytes()
    if isinstance(value, pd.DataFrame):
        columns = [column_identity(value.iloc[:, position].array) for position in range(value.shape[1])]
        return type(value), identity(value.index), identity(value.columns), columns, extras_identity(value)
    if isinstance(value, pd.Series):
        parts = column_identity(value.array), identity(value.index), identity(value.name)
        return type(value), *parts, extras_identity(value)
    if isinstance(value, pd.Index):
        return index_identity(value)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return column_identity(value)
    if isinstance(value, pd.Timestamp):
        return type(value), identity(value.asm8), value.unit, identity_of_zone(value.tz), value.fold
    if isinstance(value, pd.Timedelta):
        return type(value), identity(value.asm8), value.unit
    if isinstance(value, (list, tuple)):
        return type(value), [identity(item) for item in value]
    if isinstance(value, dict):
        return type(value), sorted((repr(key), identity(item)) for key, item in value.items())
    return type(value), repr(value), dumps(CODEC.encode(value))


def dtype_identity(dtype: np.dtype[Any]) -> Any:
    return repr(dtype), dtype.str, dtype.type, dtype.itemsize, dtype.isalignedstruct


def array_identity(array: np.ndarray[Any, Any]) -> Any:
    if array.dtype == object:
        return type(array), array.shape, [identity(item) for item in array.ravel()]
    # In memory order: in another, NumPy makes up the bytes between a structure's fields.
    return type(array), array.shape, dtype_identity(array.dtype), array.tobytes("A")


def index_identity(index: Any) -> Any:
    names = [identity(name) for name in index.names]
    if isinstance(index, pd.MultiIndex):
        codes = [array_identity(np.asarray(codes)) for codes in index.codes]
        return type(index), names, [index_identity(level) for level in index.levels], codes, index.sortorder
    if isinstance(index, pd.RangeIndex):
        return type(index), names, (index.start, index.stop, index.step)
    return type(index), names, column_identity(index.array), repr(getattr(index, "freq", None))


def column_identity(array: Any) -> Any:
    kind, dtype = type(array), array.dtype
    if kind is pd.arrays.NumpyExtensionArray or isinstance(dtype, np.dtype):
        return kind, array_identity(array.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return kind, dtype.ordered, index_identity(dtype.categories), array_identity(np.asarray(array.codes))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return kind, dtype.unit, identity_of_zone(dtype.tz), array.asi8.tobytes()
    if isinstance(dtype, pd.StringDtype):
        return kind, dtype.storage, repr(dtype.na_value), [(type(item), repr(item)) for item in array]
    plain = array.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
    return kind, repr(dtype), array.isna().tolist(), array_identity(plain)


def identity_of_zone(zone: Any) -> Any:
    return type(zone), repr(zone)


def extras_identity(value: Any) -> Any:
    return identity(dict(value.attrs)), value.flags.allows_duplicate_labels


# --- NumPy -----------------------------------------------------------------------------------------------------------

NUMBERS = ["?", *"bBhHiIlLqQefdFD"]
DTYPES = [
    *NUMBERS,
    *(f">{char}" for char in "hHlLefdFD"),
    *("<U0", "<U3", ">U3", "S0", "S4", "V1", "V7"),
    *("M8", "m8", "M8[ns]", ">M8[us]", "M8[25s]", "M8[Y]", "M8[as]", "m8[D]", ">m8[ms]", "m8[7h]"),
    [("a", "<i4"), ("b", ">f8"), ("näme", "U2")],
    [("inner", [("x", "?"), ("y", "M8[s]")]), ("grid", "<f4", (2, 3))],
    {"names": ["a", "b"], "formats": ["u1", "f8"], "offsets": [3, 16], "itemsize": 40},
    {"names": ["low", "whole"], "formats": ["u1", "u4"], "offsets": [0, 0]},
    [],
]
SHAPES = [(), (0,), (1,), (7,), (2, 3), (3, 0, 2), (2, 1, 2, 2)]


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """Any bit pattern in any dtype that we write, small or large, in either memory order."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(st.sampled_from([*SHAPES, (40, 30)]))
    count = int(np.prod(shape)) * dtype.itemsize
    some = draw(st.binary(min_size=1, max_size=max(1, min(count, 64))))
    raw = bytearray((some * (count // len(some) + 1))[:count])
    if dtype.kind == "b":
        raw = bytearray(byte & 1 for byte in raw)
    if draw(st.booleans()):
        return np.ndarray(shape[::-1], dtype, buffer=raw).T
    return np.ndarray(shape, dtype, buffer=raw)


class TestAnArray:
    @given(array=arrays())
    def test_comes_back_with_its_dtype_shape_order_and_bytes(self, array):
        if not array.dtype.itemsize and array.size > 1000:
            return

        back = round_trip(array)

        assert identity(back) == identity(array)
        if array.nbytes:
            assert back.flags.f_contiguous == array.flags.f_contiguous
            assert back.flags.c_contiguous == array.flags.c_contiguous
        assert back.flags.writeable

    @given(value=st.floats(width=32, allow_nan=True) | st.sampled_from([-0.0, np.inf, -np.inf]))
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_of_ordinary_floats_is_readable(self, value, dtype):
        array = np.array([value, 1.0], dtype)

        assert "data" in written(array)
        assert identity(round_trip(array)) == identity(array)

    @pytest.mark.parametrize("bits", [0x7FA00001, 0xFFC00000, 0x7FC00001, 0x80000000, 0x00000001])
    def test_keeps_the_bits_of_unusual_floats(self, bits):
        array = np.array([bits], "u4").view("f4")

        assert identity(round_trip(array)) == identity(array)

    @pytest.mark.parametrize(
        "array",
        [np.arange(12).reshape(3, 4)[:, ::2], np.arange(10)[::-1], np.broadcast_to(np.float64(1.5), (2, 2))],
        ids=["columns", "reversed", "broadcast"],
    )
    def test_that_is_not_contiguous_comes_back_contiguous(self, array):
        back = round_trip(array)

        assert identity(back) == identity(array)
        assert back.flags.c_contiguous

    @pytest.mark.parametrize("dtype", ["V0", []], ids=["void", "structure"])
    @pytest.mark.parametrize("shape", [(2, 3), (1, 3), (0, 3), (2, 0, 3), (2, 3, 4)])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_of_items_of_no_bytes_has_the_same_text_once_it_came_back(self, dtype, shape, order):
        text = dumps(CODEC.encode(np.zeros(shape, dtype, order=order)))

        loaded = CODEC.decode(loads(text))

        assert dumps(CODEC.encode(loaded)) == text
        assert (loaded.shape, loaded.dtype) == (shape, np.dtype(dtype))

    def test_of_an_aligned_structure_stays_aligned(self):
        array = np.zeros(3, np.dtype([("a", "u1"), ("b", "f8")], align=True))

        assert identity(round_trip(array)) == identity(array)

    def test_that_is_not_contiguous_shows_nothing_of_the_memory_between_its_fields(self):
        array = np.frombuffer(b"\xff" * 64, {"names": ["a"], "formats": ["u1"], "offsets": [3], "itemsize": 8})[::2]

        assert written(array)["base64"] == base64_of(b"\0\0\0\xff\0\0\0\0" * 4)

    def test_of_text_keeps_nul_and_surrogates(self):
        array = np.array(["a\0b", "\ud800", "", "é😀"], "U6")

        assert identity(round_trip(array)) == identity(array)

    def test_of_code_points_beyond_unicode_keeps_its_bytes(self):
        array = np.array([0x11111111], "u4").view("U1")

        assert "base64" in written(array)
        assert identity(round_trip(array)) == identity(array)

    def test_that_was_encoded_is_unchanged(self):
        array = np.array([[1.5, np.nan]])
        before = identity(array)

        CODEC.encode(array)

        assert identity(array) == before


class TestTheJsonOfAnArray:
    """Small arrays are for people to read; large ones are bytes."""

    @pytest.mark.parametrize(
        ("array", "json"),
        [
            (np.array([[1, 2], [3, 4]]), {"dtype": "int64", "shape": [2, 2], "data": [1, 2, 3, 4]}),
            (
                np.array([[1, 2], [3, 4]], order="F"),
                {"dtype": "int64", "shape": [2, 2], "data": [1, 3, 2, 4], "order": "F"},
            ),
            (np.array(True), {"dtype": "bool", "shape": [], "data": [True]}),
            (np.array(["ab", "c"]), {"dtype": "<U2", "shape": [2], "data": ["ab", "c"]}),
            (np.array([0.5], ">f4"), {"dtype": ">f4", "shape": [1], "data": [0.5]}),
            (np.array(["2024-02-29"], "M8[D]"), {"dtype": "datetime64[D]", "shape": [1], "data": ["2024-02-29"]}),
            (np.array([90], "m8[s]"), {"dtype": "timedelta64[s]", "shape": [1], "data": [90]}),
            (np.array([1j]), {"dtype": "complex128", "shape": [1], "base64": "AAAAAAAAAAAAAAAAAADwPw=="}),
        ],
        ids=str,
    )
    def test_is_this(self, array, json):
        assert written(array) == tagged("numpy.ndarray", **json)

    @pytest.mark.parametrize(("size", "form"), [(1000, "data"), (1001, "base64")])
    def test_is_a_list_up_to_a_thousand_items(self, size, form):
        assert form in written(np.arange(size))

    def test_is_bytes_where_short_texts_have_a_wide_dtype(self):
        array = np.array(["a", "b"], "U200000")

        assert "base64" in written(array)
        assert identity(round_trip(array)) == identity(array)


SCALARS = [
    *(np.dtype(char).type(1) for char in NUMBERS),
    *(np.float64(x) for x in (0.1, -0.0, np.nan, -np.inf, 1e300)),
    *(
        np.float32(0.1),
        np.float16(65504),
        np.complex64(complex(-0.0, np.nan)),
        np.uint64(2**64 - 1),
        np.int64(-(2**63)),
    ),
    *(np.str_(""), np.str_("a\0"), np.str_("\ud800"), np.bytes_(b""), np.bytes_(b"a\0")),
    *(
        np.datetime64("2024-01-01T00:00:00.000000001"),
        np.datetime64("NaT", "us"),
        np.datetime64(1, "25s"),
    ),
    *(np.timedelta64(5, "s"), np.timedelta64(-7, "ns"), np.timedelta64("NaT", "D")),
    np.void(b"abc"),
    np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])[0],
]


class TestAScalar:
    @pytest.mark.parametrize("value", SCALARS, ids=lambda value: f"{type(value).__name__}-{value!r:.40}")
    def test_comes_back_with_its_type_and_bits(self, value):
        assert identity(round_trip(value)) == identity(value)

    @pytest.mark.parametrize("value", [np.str_("a\0"), np.str_("")])
    def test_text_keeps_its_length(self, value):
        assert "".join(round_trip(value)) == "".join(value)

    def test_is_readable(self):
        assert written(np.float64(0.5)) == tagged("numpy.scalar", dtype="float64", value=0.5)
        assert written(np.str_("a")) == tagged("numpy.scalar", dtype="str", value="a")

    def test_inside_plain_values_keeps_its_type(self):
        value = {"a": [np.float64(1), (np.int8(2), 1.0)]}

        assert identity(round_trip(value)) == identity(value)


RECORDS = np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])


class TestWhatNumpyHasThatIsRefused:
    @pytest.mark.parametrize(
        ("value", "remedy"),
        [
            (np.array([{}], object), "tolist"),
            (np.array(["a"], np.dtypes.StringDType()), "astype\\(str\\)"),
            (np.longdouble(1), "float64"),
            (np.clongdouble(1), "complex128"),
            (np.zeros(2, np.longdouble), "float64"),
            (np.array([(1, None)], [("a", "i4"), ("b", "O")]), "tolist"),
            (np.array([1], np.dtype("i4", metadata={"a": 1})), "astype"),
            (np.ones((1, 1)).view(np.matrix), "np.asarray"),
            (np.ma.array([1], mask=[True]), "filled"),
            (np.ma.masked, "filled"),
            (RECORDS, "np.asarray"),
            (RECORDS[0], "item\\(\\)"),
            (np.asarray(RECORDS), "astype"),
            (np.zeros(1, [(("title", "name"), "i4")]), "titles"),
            (np.zeros(2000, []), "no bytes"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_refused_with_a_remedy(self, value, remedy):
        with pytest.raises(EncodeError, match=remedy):
            CODEC.encode(value)

    def test_names_its_pointer(self):
        with pytest.raises(EncodeError) as caught:
            CODEC.encode({"a": [np.ones((1, 1)).view(np.matrix)]})

        assert caught.value.pointer == "/a/0"


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


HUGE = 2**62
HOSTILE_ARRAYS = [
    {},
    {"dtype": "float64"},
    {"dtype": "float64", "data": [1.0]},
    {"dtype": "float64", "data": [1.0], "shape": [2]},
    {"dtype": "float64", "data": [1.0], "shape": [-1]},
    {"dtype": "float64", "data": [1.0], "shape": [True]},
    {"dtype": "float64", "data": [1.0], "shape": [1.0]},
    {"dtype": "float64", "data": [1.0], "shape": "1"},
    {"dtype": "float64", "data": [], "shape": [0, HUGE, HUGE]},
    {"dtype": "float64", "data": [], "shape": [HUGE]},
    {"dtype": "float64", "data": [1.0], "shape": [1] * 65},
    {"dtype": "float64", "data": [1], "shape": [1]},
    {"dtype": "float64", "data": [None], "shape": [1]},
    {"dtype": "float64", "data": [[1.0]], "shape": [1]},
    {"dtype": "float64", "data": "1.0", "shape": [1]},
    {"dtype": "float32", "data": [0.1], "shape": [1]},
    {"dtype": "float16", "data": [1e300], "shape": [1]},
    {"dtype": "int8", "data": [128], "shape": [1]},
    {"dtype": "uint8", "data": [-1], "shape": [1]},
    {"dtype": "int64", "data": [True], "shape": [1]},
    {"dtype": "bool", "data": [1], "shape": [1]},
    {"dtype": "<U1", "data": ["ab"], "shape": [1]},
    {"dtype": "<U999999999", "data": ["a"], "shape": [1]},
    {"dtype": "<U99999999", "data": ["a"] * 10, "shape": [10]},
    {"dtype": "|V0", "base64": "", "shape": [HUGE]},
    {"dtype": {"fields": [], "itemsize": 0}, "base64": "", "shape": [HUGE]},
    {"dtype": "complex128", "data": [1.0], "shape": [1]},
    {"dtype": "datetime64[D]", "data": ["today"], "shape": [1]},
    {"dtype": "datetime64[D]", "data": ["2024-13-01"], "shape": [1]},
    {"dtype": "datetime64[D]", "data": ["2024-01-01T05"], "shape": [1]},
    {"dtype": "datetime64[ns]", "data": ["99999-01-01"], "shape": [1]},
    {"dtype": "datetime64[D]", "data": [5], "shape": [1]},
    {"dtype": "timedelta64[D]", "data": [2**63], "shape": [1]},
    {"dtype": "int64", "base64": "AAAA", "shape": [1]},
    {"dtype": "int64", "base64": "A", "shape": [1]},
    {"dtype": "int64", "base64": "é", "shape": [1]},
    {"dtype": "int64", "base64": "****", "shape": [1]},
    {"dtype": "int64", "base64": base64_of(bytes(16)), "shape": [1]},
    {"dtype": "int64", "base64": [0], "shape": [1]},
    *(
        {"dtype": dtype, "base64": base64_of(bytes(8)), "shape": [1]}
        for dtype in (
            *(
                "O",
                "|O",
                "object",
                "<f16",
                "longdouble",
                "f8,f8",
                "(2,)f4",
                "U",
                "|S",
                "i4",
                "int",
                "float64 ",
                "",
                "os.system",
            ),
            *(
                "float64\n",
                "<U٣",
                "datetime64[0s]",
                "datetime64[x]",
                "T",
                "StringDType()",
                8,
                None,
                True,
                [],
                ["float64"],
            ),
        )
    ),
    *(
        {"dtype": dtype, "base64": base64_of(bytes(8)), "shape": [1]}
        for dtype in (
            {},
            {"fields": []},
            {"fields": {}, "itemsize": 8},
            {"fields": [5], "itemsize": 8},
            {"fields": [{"name": "a", "dtype": "O", "offset": 0}], "itemsize": 8},
            {"fields": [{"name": "a", "dtype": "int64", "offset": 1}], "itemsize": 8},
            {"fields": [{"name": "a", "dtype": "int64", "offset": -8}], "itemsize": 8},
            {"fields": [{"name": "a", "dtype": "int64", "offset": 0}], "itemsize": 2**40},
            {"fields": [{"name": "a", "dtype": "int64", "offset": 2**70}], "itemsize": 8},
            {"fields": [{"name": 5, "dtype": "int64", "offset": 0}], "itemsize": 8},
            {"fields": [{"name": "a", "dtype": "int32", "offset": 0}] * 2, "itemsize": 8},
            {"fields": [{"name": "a", "dtype": "int64", "offset": "0"}], "itemsize": 8},
            {"base": "int8", "shape": [HUGE]},
            {"base": "int8", "shape": [-1]},
            {"base": "O", "shape": [1]},
        )
    ),
]
HOSTILE_SCALARS = [
    {},
    {"dtype": "str", "value": 5},
    {"dtype": "bytes", "base64": "A"},
    {"dtype": "float64", "value": 1},
    {"dtype": "float64", "value": None},
    {"dtype": "float64"},
    {"dtype": "float64", "base64": base64_of(bytes(16))},
    {"dtype": "int8", "value": 300},
    {"dtype": "O", "value": 1},
]


class TestAMalformedArray:
    @pytest.mark.parametrize("members", HOSTILE_ARRAYS, ids=lambda members: repr(members)[:70])
    def test_is_a_decode_error(self, members):
        with pytest.raises(DecodeError):
            CODEC.decode(tagged("numpy.ndarray", **members))

    @pytest.mark.parametrize("members", HOSTILE_SCALARS, ids=lambda members: repr(members)[:70])
    def test_or_scalar_is_a_decode_error(self, members):
        with pytest.raises(DecodeError):
            CODEC.decode(tagged("numpy.scalar", **members))

    def test_names_the_item(self):
        json = {"a": tagged("numpy.ndarray", dtype="int8", shape=[2], data=[1, "x"])}

        with pytest.raises(DecodeError) as caught:
            CODEC.decode(json)

        assert caught.value.pointer == "/a/data/1"


# --- pandas ----------------------------------------------------------------------------------------------------------

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
# The hour that is there twice, when clocks are set back.
TWICE = pd.DatetimeIndex(["2024-10-27T00:30", "2024-10-27T01:30"], tz="UTC").tz_convert(AMSTERDAM)


def of_objects(*items: Any) -> np.ndarray[Any, Any]:
    return np.fromiter(items, object, len(items))


COLUMNS = {
    **{str(np.dtype(char)) + char: pd.Series(np.array([0, 1], char)) for char in NUMBERS},
    "floats": pd.Series([0.1, -0.0, np.nan, np.inf]),
    "signalling NaN": pd.Series(np.array([0x7FF4000000000001], "u8").view("f8")),
    "signalling NaN of 32 bits": pd.Series(np.array([0x7FA00001], "u4").view("f4")),
    "big-endian": pd.Series(np.array([1, 2], ">i4")),
    "2000 items": pd.Series(np.arange(2000) / 7),
    **{
        f"datetime64[{unit}]": pd.Series(np.array(["2024-02-29T12:00:00", "NaT"], f"M8[{unit}]"))
        for unit in ("s", "ms", "us", "ns")
    },
    **{f"timedelta64[{unit}]": pd.Series(np.array([-5, "NaT"], f"m8[{unit}]")) for unit in ("s", "ms", "us", "ns")},
    "UTC": pd.Series(pd.to_datetime(["2024-01-01", None], utc=True)),
    "ZoneInfo UTC": pd.Series(pd.DatetimeIndex(["2024"], tz=ZoneInfo("UTC"))),
    "Amsterdam": pd.Series(TWICE),
    "Amsterdam, seconds": pd.Series(TWICE.as_unit("s")),
    "offset": pd.Series(pd.DatetimeIndex(["2024"], tz=timezone(timedelta(hours=-5, minutes=-30)))),
    "named offset": pd.Series(pd.DatetimeIndex(["2024"], tz=timezone(timedelta(hours=1), "é"))),
    "category": pd.Series(["b", None, "a"], dtype="category"),
    "ordered category": pd.Series(pd.Categorical([3, 1], categories=[3, 2, 1], ordered=True)),
    "category of dates": pd.Series(pd.Categorical(TWICE, categories=TWICE[::-1])),
    "category, named": pd.Series(pd.Categorical(["a"], categories=pd.Index(["a", "b"], name="x"))),
    "category without categories": pd.Series(pd.Categorical([None])),
    "300 categories": pd.Series(range(300), dtype="category"),
    "str": pd.Series(["a", None, "\0\ud800é", ""], dtype=pd.StringDtype("python", na_value=np.nan)),
    "string": pd.Series(["a", None], dtype=pd.StringDtype("python", na_value=pd.NA)),
    **{
        name: pd.Series([1, None, 0], dtype=name)
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "boolean")
    },
    "Int64, all missing": pd.Series([None, None], dtype="Int64"),
    "UInt64, large": pd.Series([2**64 - 1, None], dtype="UInt64"),
    "Float64, NaN and NA": pd.Series(
        pd.arrays.FloatingArray(np.array([np.nan, 1.0, -0.0]), np.array([False, True, False]))
    ),
    "Int64, 2000 items": pd.Series([*range(1999), None], dtype="Int64"),
    "object": pd.Series(
        of_objects(
            None, np.nan, pd.NaT, pd.NA, 1, True, 1.0, "a", (1, 2), [1], {"a": 1}, np.float32(1), Decimal("1.0")
        ),
        dtype=object,
    ),
    "object of text": pd.Series(["a", "b"], dtype=object),
    "object of dates": pd.Series([date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)], dtype=object),
    "object of Timestamps": pd.Series([pd.Timestamp("2024", tz="UTC"), pd.Timedelta(5)], dtype=object),
    "object of arrays": pd.Series(of_objects(np.arange(3), np.array(5), OrderedDict(a=1)), dtype=object),
    "object of frames": pd.Series(of_objects(pd.Series([1]), pd.DataFrame({"a": [1]})), dtype=object),
    "empty": pd.Series([], dtype="float64"),
    "empty object": pd.Series([], dtype=object),
    "empty str": pd.Series([], dtype="str"),
    "empty category": pd.Series([], dtype="category"),
}

INDEXES = {
    "range": pd.RangeIndex(5),
    "range with a step": pd.RangeIndex(10, -3, -4, name="x"),
    "empty range": pd.RangeIndex(0),
    "int64": pd.Index([3, 1, 3], name=("a", 1)),
    "int8": pd.Index([3, 1], dtype="int8"),
    "float": pd.Index([0.5, np.nan, -0.0]),
    "bool": pd.Index([True, False]),
    "complex": pd.Index([1j]),
    "str": pd.Index(["a", None], name=1.0),
    "object of text": pd.Index(["a", "b"], dtype=object),
    "object": pd.Index(of_objects(1, "a", None, (1, 2), 1.0, pd.NaT), dtype=object),
    "object of tuples": pd.Index(of_objects((1, 2), (3,)), dtype=object),
    "object of Timestamps": pd.Index(of_objects(pd.Timestamp("2024")), dtype=object),
    "Int64": pd.Index([1, None], dtype="Int64"),
    "boolean": pd.Index([True, None], dtype="boolean"),
    "string": pd.Index(["a"], dtype="string"),
    "dates": pd.DatetimeIndex(["2024-01-01", "NaT"], name="when"),
    "days": pd.date_range("2024-01-01", periods=3, freq="D"),
    "business days": pd.date_range("2024-01-01", periods=9, freq="B", unit="s"),
    "months": pd.date_range("2024-01-31", periods=3, freq="2ME"),
    "quarters": pd.date_range("2024-01-31", periods=3, freq="QS-FEB"),
    "weeks": pd.date_range("2024-01-31", periods=3, freq="W-TUE"),
    "hours over a clock change": pd.date_range("2024-10-26", periods=40, freq="h", tz=AMSTERDAM),
    "days over a clock change": pd.date_range("2024-10-26", periods=4, freq="D", tz=AMSTERDAM),
    "reversed days": pd.date_range("2024-01-01", periods=3, freq="D")[::-1],
    "no days": pd.date_range("2024-01-01", periods=0, freq="D"),
    "durations": pd.TimedeltaIndex(["1s", "NaT"], name="t"),
    "durations with a frequency": pd.timedelta_range("1h", periods=3, freq="90min"),
    "category": pd.CategoricalIndex(["b", "a", None], categories=["b", "a", "c"], ordered=True, name="c"),
    "multi": pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", 2)], names=["x", None]),
    "multi with a gap": pd.MultiIndex.from_arrays([["a", None], [1.0, np.nan]]),
    "multi of dates": pd.MultiIndex.from_product(
        [pd.date_range("2024", periods=2), [True, False]], names=["d", ("b", 1)]
    ),
    "multi with unused levels": pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])[:1],
    "multi, sorted": pd.MultiIndex([["b", "a"], [1]], [[0, 1], [0, 0]], sortorder=0),
    "multi of one level": pd.MultiIndex.from_arrays([[1, 2]]),
    "multi of categories": pd.MultiIndex.from_arrays([pd.Categorical(["a", "b"]), pd.array([1, 2], dtype="Int8")]),
    "multi, repeated names": pd.MultiIndex.from_arrays([[1], [2]], names=["a", "a"]),
    "empty multi": pd.MultiIndex.from_arrays([[], []]),
}


def with_attrs(value: Any, **attrs: Any) -> Any:
    value.attrs = attrs
    return value


FRAMES = {
    "every column": pd.DataFrame({name: column for name, column in COLUMNS.items() if len(column) == 2}),
    "empty": pd.DataFrame(),
    "rows without columns": pd.DataFrame(index=[1, 2]),
    "columns without rows": pd.DataFrame({"a": pd.Series([], dtype="int8"), "b": pd.Series([], dtype="str")}),
    "repeated labels": pd.DataFrame([[1, "a", 2.0]], columns=["a", "a", "b"]),
    "repeated rows": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[7, 7]),
    "labels of many types": pd.DataFrame(
        [[1, 2, 3, 4]], columns=pd.Index(of_objects(1, "1", (1, "a"), None), dtype=object)
    ),
    "labels that are numbers": pd.DataFrame([[1, 2]]),
    "labels that are dates": pd.DataFrame([[1, 2]], columns=pd.date_range("2024", periods=2, name="day")),
    "labels in levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], [1, 2]], names=["x", "y"])),
    "named index": pd.DataFrame({"a": [1]}, index=pd.Index(["r"], name="row")).rename_axis(columns="c"),
    "one block": pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=list("abc")),
    "objects in one block": pd.DataFrame({"a": ["x", 1], "b": [None, (1,)]}, dtype=object),
    "attrs": with_attrs(pd.DataFrame({"a": [1]}), unit="kg", when=datetime(2024, 1, 1), shape=(1, 2)),
    "no repeated labels": pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
    "2000 rows": pd.DataFrame({"a": np.arange(2000), "b": pd.Series(["x"] * 2000), "c": pd.NaT}),
}

VALUES = {
    "NaT": pd.NaT,
    "NA": pd.NA,
    "Timestamp": pd.Timestamp("2024-02-29 12:34:56.123456789"),
    **{f"Timestamp in {unit}": pd.Timestamp("2024-02-29").as_unit(unit) for unit in ("s", "ms", "us", "ns")},
    "Timestamp, UTC": pd.Timestamp("2024", tz="UTC"),
    "Timestamp, first of two": TWICE[0],
    "Timestamp, second of two": TWICE[1],
    "Timestamp, fold": pd.Timestamp(datetime(2024, 1, 1, fold=1)),
    "Timestamp, far away": pd.Timestamp(np.datetime64(-(10**11), "s")),
    "Timestamp, offset": pd.Timestamp("2024", tz=timezone(timedelta(seconds=3601), "odd")),
    **{f"Timedelta in {unit}": pd.Timedelta(-5, "s").as_unit(unit) for unit in ("s", "ms", "us", "ns")},
    "Timedelta": pd.Timedelta(1, "ns"),
    "Categorical": pd.Categorical(["a", None], categories=["b", "a"], ordered=True),
    "IntegerArray": pd.array([1, None], dtype="Int16"),
    "FloatingArray": pd.array([0.1, None], dtype="Float32"),
    "BooleanArray": pd.array([True, None], dtype="boolean"),
    "StringArray": pd.array(["a", None], dtype=pd.StringDtype("python", na_value=pd.NA)),
    "StringArray with NaN": pd.array(["a", None], dtype=pd.StringDtype("python", na_value=np.nan)),
    "Series with everything": with_attrs(
        pd.Series([1, 2], index=pd.Index(["x", "y"], name="i"), name=("a", 1)), a=[np.float32(1)]
    ).set_flags(allows_duplicate_labels=False),
}


def cases(values: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("value", values.values(), ids=values.keys())


class TestAPandasValue:
    @cases(COLUMNS)
    def test_series_comes_back_exactly(self, value):
        assert identity(round_trip(value)) == identity(value)

    @cases(COLUMNS)
    def test_column_of_a_frame_comes_back_exactly(self, value):
        frame = value.to_frame("a")

        assert identity(round_trip(frame)) == identity(frame)

    @cases(INDEXES)
    def test_index_comes_back_exactly(self, value):
        assert identity(round_trip(value)) == identity(value)

    @cases(INDEXES)
    def test_index_of_a_frame_comes_back_exactly(self, value):
        frame = pd.DataFrame({"a": np.arange(len(value))}, index=value)

        assert identity(round_trip(frame)) == identity(frame)

    @cases(INDEXES)
    def test_index_over_columns_comes_back_exactly(self, value):
        frame = pd.DataFrame([np.arange(len(value))], columns=value)

        assert identity(round_trip(frame)) == identity(frame)

    @cases(FRAMES)
    def test_frame_comes_back_exactly(self, value):
        back = round_trip(value)

        assert identity(back) == identity(value)
        pd.testing.assert_frame_equal(back, value, check_exact=True, check_freq=True)

    @cases(VALUES)
    def test_other_value_comes_back_exactly(self, value):
        assert identity(round_trip(value)) == identity(value)

    @cases({**COLUMNS, **INDEXES, **FRAMES, **VALUES})
    def test_has_one_text(self, value):
        assert dumps(CODEC.encode(round_trip(value))) == dumps(CODEC.encode(value))

    def test_frame_that_came_back_can_be_changed(self):
        back = round_trip(pd.DataFrame({"a": np.arange(2000)}))

        back.loc[0, "a"] = 7

        assert back.loc[0, "a"] == 7


class TestTheJsonOfAFrame:
    def test_is_readable(self):
        frame = pd.DataFrame(
            {"a": [1, 2], "b": pd.Series(["x", None], dtype=pd.StringDtype("python", na_value=np.nan))}
        )
        frame.columns = frame.columns.astype(object)

        assert written(frame) == tagged(
            "pandas.DataFrame",
            index=tagged("pandas.Index", range=[0, 2, 1]),
            columns=tagged("pandas.Index", dtype="object", data=["a", "b"]),
            data=[
                {"dtype": "int64", "data": [1, 2]},
                {"dtype": "string", "storage": "python", "missing": "nan", "data": ["x", None]},
            ],
        )

    @pytest.mark.parametrize(
        ("value", "json"),
        [
            (
                pd.Timestamp("2024-01-01", tz="UTC").as_unit("s"),
                {"dtype": "datetime64[s]", "value": "2024-01-01T00:00:00", "tz": "UTC"},
            ),
            (pd.Timedelta(5, "s").as_unit("s"), {"dtype": "timedelta64[s]", "value": 5}),
            (pd.array([1, None], dtype="Int64"), {"dtype": "Int64", "data": [1, 0], "missing": [1]}),
            (
                pd.Categorical(["b"], categories=pd.Index(["a", "b"], dtype=object)),
                {
                    "dtype": "category",
                    "ordered": False,
                    "categories": tagged("pandas.Index", dtype="object", data=["a", "b"]),
                    "codes": {"dtype": "int8", "data": [1]},
                },
            ),
        ],
        ids=["Timestamp", "Timedelta", "array", "Categorical"],
    )
    def test_and_of_other_values_is_this(self, value, json):
        members = written(value)

        assert members.pop("__type").startswith("pandas.")
        assert members == json


class Odd(tzinfo):
    """A time zone of a class of its own."""

    def utcoffset(self, when: datetime | None) -> timedelta:
        return timedelta(hours=1)

    def dst(self, when: datetime | None) -> None:
        return None

    def tzname(self, when: datetime | None) -> str:
        return "odd"


class TestWhatPandasHasThatIsRefused:
    @pytest.mark.parametrize(
        ("value", "remedy"),
        [
            (pd.Series([0, 1], dtype="Sparse[int]"), "to_dense"),
            (pd.Series(pd.period_range("2024", periods=2, freq="M")), "to_timestamp"),
            (pd.period_range("2024", periods=2, freq="M"), "to_timestamp"),
            (pd.interval_range(0, 3), "left"),
            (pd.cut([1, 2], 2), "left"),
            (pd.arrays.SparseArray([0, 1]), "pandas.Series"),
            (pd.Series([1]).array, "pandas.Series"),
            (pd.DatetimeIndex(["2024"]).array, "pandas.Series"),
            (pd.Series(pd.DatetimeIndex(["2024"], tz=Odd())), "ZoneInfo"),
            (pd.Timestamp("2024", tz=Odd()), "ZoneInfo"),
            (pd.date_range("2024", periods=2, freq=pd.DateOffset(months=1, days=1)), "freq"),
            (pd.date_range("2024", periods=2, freq=pd.offsets.CDay(holidays=["2024-01-02"])), "freq"),
            (pd.Series([np.longdouble(1)], dtype=np.longdouble), "float64"),
            (pd.MultiIndex([["a", "a"]], [[0, 1]], verify_integrity=False), "from_tuples"),
            (pd.MultiIndex([[np.nan, 1.0]], [[0, 1]], verify_integrity=False), "from_tuples"),
            (pd.array([1, 2], dtype="Int64").reshape(1, 2), "ravel"),
            (pd.Period("2024"), "cannot be written"),
            (pd.Interval(0, 1), "cannot be written"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_refused_with_a_remedy(self, value, remedy):
        with pytest.raises(EncodeError, match=remedy):
            CODEC.encode(value)

    @pytest.mark.parametrize(
        ("value", "pointer"),
        [
            (pd.DataFrame({"a": [1], "b": [object()]}), "/data/1/data/0"),
            (pd.DataFrame({"a": [1]}, index=pd.interval_range(0, 1)), "/index"),
            (with_attrs(pd.Series([1]), a=object()), "/attrs/a"),
            (pd.Series([1], name=object()), "/name"),
        ],
        ids=["item", "index", "attrs", "name"],
    )
    def test_names_its_pointer(self, value, pointer):
        with pytest.raises(EncodeError) as caught:
            CODEC.encode(value)

        assert caught.value.pointer == pointer


RANGE = tagged("pandas.Index", range=[0, 1, 1])
INTS = {"dtype": "int64", "data": [1]}
HOSTILE_COLUMNS = [
    {},
    {"dtype": "int64"},
    {"dtype": "int64", "data": [1, 2]},
    {"dtype": "int64", "data": []},
    {"dtype": "no such dtype", "data": [1]},
    {"dtype": ["object"], "data": [1]},
    {"dtype": "object", "data": "a"},
    {"dtype": "<U1", "data": ["a"]},
    {"dtype": "|V8", "base64": base64_of(bytes(8))},
    {"dtype": "datetime64[D]", "data": ["2024-01-01"]},
    {"dtype": "datetime64", "base64": base64_of(bytes(8))},
    {"dtype": "timedelta64[2s]", "data": [1]},
    {"dtype": "int64", "data": [1], "tz": "UTC"},
    *(
        {"dtype": "datetime64[s]", "data": ["2024-01-01T00:00:00"], "tz": zone}
        for zone in (
            *("Mars", 5, {}, {"zone": "../../etc/passwd"}, {"zone": "Europe"}, {"zone": "No/Where"}, {"zone": 5}),
            *({"offset": 5}, {"offset": tagged("timedelta", days=9, seconds=0, microseconds=0)}),
            {"offset": tagged("timedelta", days=0, seconds=60, microseconds=0), "name": 5},
        )
    ),
    {"dtype": "string", "data": ["a"]},
    {"dtype": "string", "storage": "c", "missing": "nan", "data": ["a"]},
    {"dtype": "string", "storage": "python", "missing": "nil", "data": ["a"]},
    {"dtype": "string", "storage": "python", "missing": "nan", "data": [1]},
    {"dtype": "string", "storage": "python", "missing": "nan", "data": "a"},
    {"dtype": "Int64", "data": [1]},
    {"dtype": "Int64", "data": [1.0], "missing": []},
    {"dtype": "Int64", "data": [1], "missing": [1]},
    {"dtype": "Int64", "data": [1], "missing": [-1]},
    {"dtype": "Int64", "data": [1], "missing": [False]},
    {"dtype": "Int64", "data": [1], "missing": 0},
    {"dtype": "boolean", "data": [1], "missing": []},
    *(
        {"dtype": "category", "ordered": False, "categories": RANGE, "codes": INTS, **change}
        for change in (
            {},
            {"codes": {"dtype": "int64", "data": [-2]}},
            {"codes": {"dtype": "float64", "data": [0.0]}},
            {"codes": [0]},
            {"categories": [0]},
            {"categories": tagged("pandas.Index", dtype="int64", data=[1, 1]), "codes": {"dtype": "int8", "data": [0]}},
            {"categories": tagged("pandas.Index", dtype="float64", data=[tagged("float", value="nan")])},
            {"ordered": 1},
        )
    ),
]
HOSTILE_INDEXES = [
    {},
    {"range": [0, 1]},
    {"range": [0, 1, 0]},
    {"range": [0, 1, 1.0]},
    {"range": [False, True, True]},
    {"range": "abc"},
    {"range": [0, 1, 1], "name": [1]},
    {"dtype": "float16", "data": [1.0]},
    {"dtype": "int64", "data": [1], "freq": "D"},
    {"dtype": "datetime64[s]", "data": ["2024-01-01T00:00:00", "2024-01-03T00:00:00"], "freq": "D"},
    {"dtype": "datetime64[s]", "data": ["2024-01-01T00:00:00"], "freq": "no such"},
    {"dtype": "datetime64[s]", "data": ["2024-01-01T00:00:00"], "freq": "9" * 40 + "D"},
    {"dtype": "datetime64[s]", "data": ["2024-01-01T00:00:00"], "freq": 5},
    {"levels": []},
    {"levels": [], "codes": []},
    {"levels": [5], "codes": [INTS]},
    {"levels": [RANGE], "codes": []},
    {"levels": [RANGE], "codes": [INTS]},
    {"levels": [RANGE], "codes": [5]},
    {"levels": [RANGE], "codes": [{"dtype": "float64", "data": [0.0]}]},
    {"levels": [RANGE, RANGE], "codes": [{"dtype": "int8", "data": [0]}, {"dtype": "int8", "data": []}]},
    {"levels": [RANGE], "codes": [{"dtype": "int8", "data": [0]}], "sortorder": "x"},
    {"levels": [RANGE], "codes": [{"dtype": "int8", "data": [0]}], "sortorder": 9},
    {"levels": RANGE, "codes": [INTS]},
]


class TestAMalformedPandasValue:
    @pytest.mark.parametrize("members", HOSTILE_COLUMNS, ids=lambda members: repr(members)[:70])
    def test_series_is_a_decode_error(self, members):
        with pytest.raises(DecodeError):
            CODEC.decode(tagged("pandas.Series", index=RANGE, **members))

    @pytest.mark.parametrize("members", HOSTILE_COLUMNS, ids=lambda members: repr(members)[:70])
    def test_column_is_a_decode_error(self, members):
        with pytest.raises(DecodeError):
            CODEC.decode(tagged("pandas.DataFrame", index=RANGE, columns=RANGE, data=[members]))

    @pytest.mark.parametrize("members", HOSTILE_INDEXES, ids=lambda members: repr(members)[:70])
    def test_index_is_a_decode_error(self, members):
        with pytest.raises(DecodeError):
            CODEC.decode(tagged("pandas.Index", **members))

    @pytest.mark.parametrize(
        "json",
        [
            tagged("pandas.DataFrame"),
            tagged("pandas.DataFrame", index=RANGE, columns=RANGE, data=[]),
            tagged("pandas.DataFrame", index=RANGE, columns=RANGE, data=[5]),
            tagged("pandas.DataFrame", index=RANGE, columns=RANGE, data={}),
            tagged("pandas.DataFrame", index=RANGE, columns=[0], data=[INTS]),
            tagged("pandas.DataFrame", index=tagged("pandas.Index", range=[0, 10**15, 1]), columns=RANGE, data=[INTS]),
            tagged("pandas.DataFrame", index=RANGE, columns=RANGE, data=[INTS], attrs=5),
            tagged("pandas.Series", **INTS),
            tagged("pandas.Series", **INTS, index=5),
            tagged("pandas.Series", **INTS, index=tagged("pandas.NaT")),
            tagged("pandas.Series", **INTS, index=RANGE, name=[1]),
            tagged("pandas.Series", **INTS, index=RANGE, attrs=[1]),
            tagged("pandas.array", **INTS),
            tagged("pandas.array", dtype="object", data=[1]),
            tagged("pandas.Timestamp"),
            tagged("pandas.Timestamp", dtype="datetime64[D]", value="2024-01-01"),
            tagged("pandas.Timestamp", dtype="datetime64[s]", value="NaT"),
            tagged("pandas.Timestamp", dtype="timedelta64[s]", value=1),
            tagged("pandas.Timestamp", dtype="int64", value=1),
            tagged("pandas.Timestamp", dtype="datetime64[s]", value="2024-01-01T00:00:00", tz="Mars"),
            tagged("pandas.Timedelta", dtype="timedelta64[s]", value="1"),
            tagged("pandas.Timedelta", dtype="datetime64[s]", value="2024-01-01T00:00:00"),
            tagged("pandas.Timedelta", dtype="timedelta64[ns]", value=-(2**63)),
        ],
        ids=lambda json: repr(json)[:80],
    )
    def test_of_any_kind_is_a_decode_error(self, json):
        with pytest.raises(DecodeError):
            CODEC.decode(json)

    def test_names_the_item(self):
        with pytest.raises(DecodeError) as caught:
            CODEC.decode(
                [tagged("pandas.DataFrame", index=RANGE, columns=RANGE, data=[{"dtype": "int8", "data": [True]}])]
            )

        assert caught.value.pointer == "/0/data/0/data/0"


# --- neither library is needed by those who do not use it ------------------------------------------------------------


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestTheLibrariesAreOptional:
    def test_importing_the_codec_imports_neither(self):
        loaded = run("import sys, docstore.codec; print({'numpy', 'pandas'} & set(sys.modules))")

        assert loaded == "set()"

    @pytest.mark.parametrize(
        ("library", "tag"),
        [
            ("numpy", "numpy.ndarray"),
            ("numpy", "numpy.scalar"),
            ("pandas", "pandas.DataFrame"),
            ("pandas", "pandas.NaT"),
        ],
    )
    def test_a_document_that_needs_one_says_which_to_install(self, library, tag):
        message = run(
            f"import sys; sys.modules[{library!r}] = None\n"
            "from docstore.codec import Codec\n"
            "from docstore.errors import MissingDependencyError\n"
            "from docstore.codec.registry import Registry\n"
            f"try: Codec(Registry()).decode({{'__type': {tag!r}}})\n"
            "except MissingDependencyError as error: print(error.package, error.extra, error)"
        )

        assert message == (
            f"{library} {library} reading {tag} needs {library}. Install it with: pip install 'docstore[{library}]'"
        )

    def test_a_tag_that_is_not_ours_is_unknown_and_imports_nothing(self):
        loaded = run(
            "import sys\n"
            "from docstore.codec import Codec\n"
            "from docstore.errors import UnknownTagError\n"
            "from docstore.codec.registry import Registry\n"
            "try: Codec(Registry()).decode({'__type': 'pandas.read_pickle'})\n"
            "except UnknownTagError: print({'numpy', 'pandas'} & set(sys.modules))"
        )

        assert loaded == "set()"
