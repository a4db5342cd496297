"""What goes in comes out: the same type, bits, zone and contents, by way of the canonical text.

NumPy and pandas have a file of their own; so has the promise that no field is forgotten.
"""

from __future__ import annotations

import re
import struct
import uuid
from collections import OrderedDict, deque, namedtuple
from collections.abc import Collection, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from copy import deepcopy
from dataclasses import KW_ONLY, InitVar, dataclass, field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum, auto
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal, NamedTuple, NewType, TypedDict, TypeVar
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import pytest
import typing_extensions
from case_names import case_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

import docstore
from docstore import DocstoreError, Metric, RegistryBundle, Runner, UnknownObject
from docstore.codec import Codec
from docstore.codec.registry import Entry, Registry
from docstore.codec.values.tags import BY_TAG, tagged_where_unsafe
from docstore.documents.canonical import DOCUMENT_DEPTH, TAG, dumps, loads
from docstore.errors import DecodeError, EncodeError, RegistryError, UnknownTagError
from docstore.registry.model_classes import model_registry
from docstore.testing.exact import identity
from docstore.testing.strategies import scalars, texts

# --- classes to write ------------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "r"
    GREEN = ("g", 1.5)
    CRIMSON = "r"  # an alias


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Taste(StrEnum):
    SWEET = "sweet"
    SOUR = "SWEET"  # the value of one is the name of another


class Right(Flag):
    READ = auto()
    WRITE = auto()
    ADMIN = 1 << 70


class Mode(IntFlag):
    A = 1
    B = 2


Pair = namedtuple("Pair", "left right", defaults=[None])


class Named(NamedTuple):
    key: str
    when: datetime | None = None


@dataclass(frozen=True)
class Point:
    x: Any
    y: Any = 0


CLASSES = (Colour, Size, Taste, Right, Mode, Pair, Named, Point)
CODEC = Codec(Registry(Entry(cls, cls.__name__) for cls in CLASSES))


def written(value: Any) -> Any:
    return loads(dumps(CODEC.encode(value)))


def round_trip(value: Any, codec: Codec = CODEC) -> Any:
    return codec.decode(loads(dumps(codec.encode(value))))


def codec_of(*classes: type) -> Codec:
    return Codec(Registry(Entry(cls, cls.__name__) for cls in classes))


def double(bits: int) -> float:
    return struct.unpack(">d", bits.to_bytes(8, "big"))[0]


def nested(levels: int, bottom: Any = 0) -> Any:
    value = bottom
    for _ in range(levels):
        value = [value]
    return value


# --- every row of the table ------------------------------------------------------------------------------------------

BERLIN, LHI, LMT = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe"), datetime(1880, 1, 1, 12)

JSON_HOLDS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63 - 1,
    -(2**63),
    0.0,
    1.0,
    0.1,
    5e-324,
    1.7976931348623157e-308,
    9999999999999998.0,
    -9999999999999998.0,
    "",
    "ü\U0001f600\u2028\x7f\x01",
    "\ufeff\uffff",
    [],
    [1, [True, [1.0]]],
    {},
    {"": {"a/b": 1, "~": [], "__TYPE": 2, "__format": 3, "\u2028": 4}},
]

NUMBERS = [
    2**63,
    -(2**63) - 1,
    2**64,
    10**30,
    -(10**639),
    10**640,
    2**2048 - 1,
    2**2048,
    -(10**5000),
    -0.0,
    1e16,
    -1e16,
    1e16 + 2,
    1e22,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    double(0xFFF8000000000000),
    double(0x7FF8000000000001),
    double(0x7FF0000000000001),
    complex(0.0, -0.0),
    complex(float("nan"), double(0xFFF8000000000002)),
    complex(1e300, -1e16),
    Decimal("0"),
    Decimal("-0"),
    Decimal("0E-10"),
    Decimal("1.10"),
    Decimal("1E+3"),
    Decimal("1E+999999"),
    Decimal("-1E-999999"),
    Decimal("NaN"),
    Decimal("-NaN123"),
    Decimal("sNaN"),
    Decimal("-sNaN7"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    Decimal("1234567890" * 10),
]

TEXTS = [
    "\x00",
    "a\x00b\\u0000",
    "\\",
    "\\u0000",
    "\\\x00\\\\",
    "\ud800",
    "\udfff\ud800",
    "\ud83d\ude00",  # two halves of a pair, which is not the character they would spell
    "\ud83d\U0001f600\ude00",
    "\\ud83d\ud83d",
    b"",
    b"\x00\xff",
    bytearray(b"ab"),
]

TIMES = [
    datetime(1, 1, 1),
    datetime.max,
    datetime(2024, 2, 29, 12, 30, 15, 1),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(0), "UTC")),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    datetime(2024, 1, 1, tzinfo=timezone(-timedelta(hours=23, minutes=59, seconds=59, microseconds=999999))),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(microseconds=-1))),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1), "")),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(seconds=1), "half \x00 \ud800 past")),
    datetime(2024, 1, 1, fold=1),
    datetime(2024, 1, 1, tzinfo=UTC, fold=1),
    datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=0),
    datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
    datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN),  # a time that there was not
    datetime(2024, 4, 7, 1, 45, tzinfo=LHI, fold=1),
    LMT.replace(tzinfo=BERLIN),
    datetime(1, 1, 1, tzinfo=LHI),
    datetime.max.replace(tzinfo=BERLIN),
    datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
    date(1, 1, 1),
    date.max,
    time(0, 0),
    time.max,
    time(1, 2, 3, 4, tzinfo=UTC),
    time(1, 2, tzinfo=BERLIN, fold=1),
    time(1, 2, tzinfo=timezone(timedelta(minutes=-1, microseconds=1), "odd")),
    range(3),
    range(0),
    range(5, -(2**70), -2),
    slice(None),
    slice(1, None, 2),
    slice("a", (1.0, [None]), -0.0),
    re.compile(""),
    re.compile("a|b", re.IGNORECASE | re.VERBOSE),
    re.compile(r"(?ai)\w+ \x00\ud800", re.DOTALL),
    re.compile("half \x00 \ud800 past"),
    re.compile(rb"\xff+", re.MULTILINE),
    re.compile(b"(?L)a"),
    timedelta(0),
    timedelta.min,
    timedelta.max,
    timedelta(microseconds=-1),
]

CONTAINERS = [
    (),
    (1,),
    ((), [()], {"a": ({},)}),
    set(),
    {1, "1", 1.5, (2, frozenset({3})), None},
    frozenset({frozenset(), (float("nan"),)}),
    {TAG: "Experiment"},
    {TAG: {"value": 1}, "value": "2"},
    {"a": {TAG: None}},
    {"__format": 1, "a": 1},
    {"__format": 99},
    {1: "a", "1": "b", 1.5: "c", None: "d", (1, 2): "e", b"1": "f"},
    {True: 1},
    {-0.0: 1},
    {"a\x00": 1},
    {"\ud800": 1, "\\ud800": 2},
    {date(2024, 1, 1): {Colour.RED: {Size.SMALL: {UUID(int=1): 2**64}}}},
    OrderedDict(),
    OrderedDict([("b", 1), ("a", OrderedDict([(1, 2)]))]),
    OrderedDict([((1,), 1), (TAG, 2)]),
    Pair(1),
    Pair((), Pair({1}, {})),
    Named("k", datetime(2024, 1, 1, tzinfo=BERLIN)),
    Point(Point((1, 2)), {1: Point(3)}),
    {Point(1): Point(2)},
]

OTHERS = [
    UUID(int=0),
    UUID("12345678-1234-5678-1234-567812345678"),
    UUID(int=7, is_safe=SafeUUID.safe),
    UUID(int=7, is_safe=SafeUUID.unsafe),
    Path("a/b.txt"),
    Path("/"),
    Path(""),
    Path("a\x00\udc80"),
    PurePosixPath("a/../b"),
    PurePosixPath("//a"),
    PureWindowsPath("C:/a\\b"),
    PureWindowsPath("C:a"),
    PureWindowsPath("//server/share/x"),
    PureWindowsPath("x/c:y"),
    Colour.RED,
    Colour.GREEN,
    Colour.CRIMSON,
    Size.LARGE,
    Taste.SWEET,
    Taste.SOUR,
    Right.READ,
    Right(0),
    Right.READ | Right.ADMIN,
    Mode.A | Mode.B,
    Mode(8),
    Mode(-1),
]

VALUES = [*JSON_HOLDS, *NUMBERS, *TEXTS, *TIMES, *CONTAINERS, *OTHERS]


def cases(values: list[Any]) -> list[Any]:
    return [
        pytest.param(value, id=f"{value:x}"[:20] if type(value) is int else case_name(value)[:60]) for value in values
    ]


class TestAValue:
    @pytest.mark.parametrize("value", cases(VALUES))
    def test_comes_back_exactly(self, value):
        assert identity(round_trip(value)) == identity(value)

    @pytest.mark.parametrize("value", cases(VALUES))
    def test_comes_back_exactly_through_the_public_functions(self, value):
        bundle = RegistryBundle(classes=CLASSES)

        assert identity(docstore.loads(docstore.dumps(value, bundle), bundle)) == identity(value)

    @pytest.mark.parametrize("value", cases(VALUES))
    def test_comes_back_exactly_from_an_untyped_field(self, value):
        assert identity(round_trip(Point(value, [value]))) == identity(Point(value, [value]))

    @pytest.mark.parametrize("value", cases(VALUES))
    def test_is_not_changed_by_being_written(self, value):
        before = identity(value)

        written(value)

        assert identity(value) == before

    @pytest.mark.parametrize("value", cases(JSON_HOLDS))
    def test_that_json_holds_is_not_tagged(self, value):
        assert identity(written(value)) == identity(value)

    @pytest.mark.parametrize("value", cases([*NUMBERS, *TIMES, *OTHERS, "\x00", "\ud800", (), set(), {1: 2}, {TAG: 1}]))
    def test_that_json_or_a_database_would_lose_is_tagged(self, value):
        assert TAG in written(value)

    @pytest.mark.parametrize("value", cases(VALUES))
    def test_is_written_without_what_jsonb_refuses_or_changes(self, value):
        """NUL and lone surrogates; -0.0, floats from 1e16 on and integers beyond 64 bits."""
        text = dumps(CODEC.encode([value])).decode()

        assert "\\u0000" not in text.replace("\\\\", "")
        assert all(isinstance(n, int) or (abs(n) < 1e16 and str(n) != "-0.0") for n in _numbers(loads(text)))


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value] if type(value) in (int, float) else []


# --- any value at all ------------------------------------------------------------------------------------------------

_LEAVES = scalars() | st.sampled_from([*Colour, *Size, *Taste, *Right, Right.READ | Right.WRITE, Mode(5)])


@st.composite
def leaves(draw: st.DrawFn) -> Any:
    """Draw a value without others in it. A strategy with a name: Hypothesis warns of those that are long to show."""
    return draw(_LEAVES)


_HASHABLE = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3),
        st.builds(Pair, inner, inner),
        st.builds(Point, inner, inner),
    ),
    max_leaves=4,
)


@st.composite
def hashables(draw: st.DrawFn) -> Any:
    """Draw what may be a key."""
    return draw(_HASHABLE)


HASHABLE = hashables()
_ANYTHING = st.recursive(
    HASHABLE | st.binary().map(bytearray) | st.just(Decimal("sNaN")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(texts(), inner, max_size=4),
        st.dictionaries(HASHABLE, inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(HASHABLE, max_size=3),
        st.lists(st.tuples(HASHABLE, inner), max_size=3).map(OrderedDict),
        st.builds(Pair, inner, inner),
        st.builds(Point, inner, inner),
    ),
    max_leaves=10,
)


@st.composite
def values(draw: st.DrawFn) -> Any:
    """Draw any value that can be written."""
    return draw(_ANYTHING)


ANYTHING = values()
PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
slowly = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class TestAnyValueAtAll:
    @slowly
    @given(ANYTHING)
    def test_comes_back_exactly(self, value):
        assert identity(round_trip(value)) == identity(value)

    @slowly
    @given(ANYTHING)
    def test_has_the_same_text_once_it_came_back(self, value):
        text = dumps(CODEC.encode(value))

        assert dumps(CODEC.encode(CODEC.decode(loads(text)))) == text

    @slowly
    @given(ANYTHING)
    def test_is_written_into_containers_of_its_own(self, value):
        assert not _containers(CODEC.encode(value)) & _containers(value)

    @slowly
    @given(ANYTHING)
    def test_is_not_changed_by_being_written(self, value):
        before = identity(value)

        CODEC.encode(value)

        assert identity(value) == before

    @slowly
    @given(ANYTHING)
    def test_is_read_without_changing_its_json(self, value):
        encoded = CODEC.encode(value)
        before = dumps(encoded)

        decoded = CODEC.decode(encoded)

        assert dumps(encoded) == before
        assert not _containers(decoded) & _containers(encoded)

    @slowly
    @given(ANYTHING)
    def test_has_a_text_in_which_nothing_is_left_to_be_tagged(self, value):
        encoded = CODEC.encode(value)

        assert dumps(tagged_where_unsafe(encoded)) == dumps(encoded)

    @given(st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | PLAIN_TEXT)
    def test_that_a_person_wrote_without_a_tag_gets_the_tag_that_it_needs(self, value):
        written = loads(dumps({"a": [value]}))

        assert dumps(tagged_where_unsafe(written)) == dumps(CODEC.encode({"a": [value]}))

    @given(texts())
    def test_that_is_text_comes_back_to_the_code_point(self, value):
        assert round_trip([value, {value: value}]) == [value, {value: value}]

    @given(st.integers(0, 2**64 - 1))
    def test_that_is_a_float_comes_back_to_the_bit(self, bits):
        assert struct.pack(">d", round_trip(double(bits))) == bits.to_bytes(8, "big")

    @given(texts())
    def test_that_is_a_path_of_another_system_comes_back_exactly(self, text):
        value = PureWindowsPath(text)

        assert round_trip(value) == value
        assert str(round_trip(value)) == str(value)


def _containers(value: Any) -> set[int]:
    if isinstance(value, dict):
        return {id(value)}.union(*(_containers(item) for item in value.values()))
    if isinstance(value, list):
        return {id(value)}.union(*(_containers(item) for item in value))
    if isinstance(value, (Point, Pair)):
        return set().union(*map(_containers, (value.x, value.y) if isinstance(value, Point) else value))
    return set()


class TestTheTextOfAValue:
    @given(st.dictionaries(HASHABLE, st.integers()), st.randoms())
    def test_does_not_depend_on_the_order_of_a_dict(self, value, random):
        items = list(value.items())
        random.shuffle(items)

        assert dumps(CODEC.encode(dict(items))) == dumps(CODEC.encode(value))

    @given(st.lists(HASHABLE), st.randoms())
    def test_does_not_depend_on_the_order_of_a_set(self, items, random):
        value = set(items)
        shuffled = list(value)
        random.shuffle(shuffled)

        assert dumps(CODEC.encode(set(shuffled))) == dumps(CODEC.encode(value))

    def test_depends_on_the_order_of_an_ordered_dict(self):
        items = [("a", 1), ("b", 2)]

        assert written(OrderedDict(items)) != written(OrderedDict(reversed(items)))

    def test_has_sorted_keys(self):
        assert dumps(CODEC.encode({"b": 1, "a": Point(1, 2)})) == b'{"a":{"__type":"Point","x":1,"y":2},"b":1}'

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (2**63, b'{"__type":"int","value":"9223372036854775808"}'),
            (-0.0, b'{"__type":"float","value":"-0.0"}'),
            (1e16, b'{"__type":"float","value":"1e+16"}'),
            (float("nan"), b'{"__type":"float","value":"nan"}'),
            ("a\x00\\", b'{"__type":"str","escaped":"a\\\\u0000\\\\\\\\"}'),
            ((1, [2]), b'{"__type":"tuple","items":[1,[2]]}'),
            ({2, 10}, b'{"__type":"set","items":[10,2]}'),
            ({2: 1, 1: 2}, b'{"__type":"dict","items":[[1,2],[2,1]]}'),
            (b"ab", b'{"__type":"bytes","base64":"YWI="}'),
            (complex(1, 2), b'{"__type":"complex","imag":2.0,"real":1.0}'),
            (Decimal("1.10"), b'{"__type":"Decimal","value":"1.10"}'),
            (datetime(2024, 1, 1, tzinfo=UTC), b'{"__type":"datetime","value":"2024-01-01T00:00:00+00:00"}'),
            (date(2024, 1, 1), b'{"__type":"date","value":"2024-01-01"}'),
            (range(1, 7, 2), b'{"__type":"range","start":1,"step":2,"stop":7}'),
            (slice(0.5), b'{"__type":"slice","start":null,"step":null,"stop":0.5}'),
            (re.compile("a+", re.I), b'{"__type":"re.Pattern","flags":"iu","pattern":"a+"}'),
            (timedelta(1, 2, 3), b'{"__type":"timedelta","days":1,"microseconds":3,"seconds":2}'),
            (PurePosixPath("a"), b'{"__type":"Path","class":"PurePosixPath","value":"a"}'),
            (OrderedDict(a=1), b'{"__type":"OrderedDict","items":[["a",1]]}'),
            (Colour.CRIMSON, b'{"__type":"Colour","name":"RED"}'),
            (Right.READ | Right.WRITE, b'{"__type":"Right","value":3}'),
            (Pair(1), b'{"__type":"Pair","left":1,"right":null}'),
        ],
    )
    def test_is_held_to_forever(self, value, text):
        """Files and databases have it: a change here needs a new format number."""
        assert dumps(CODEC.encode(value)) == text


# --- fields with annotations -----------------------------------------------------------------------------------------


@dataclass
class Guided:
    """A field of each annotation that guides how a value is written."""

    moment: datetime | None = None
    day: date | None = None
    amount: Decimal | None = None
    key: UUID | None = None
    colour: Colour | None = None
    taste: Taste | None = None
    right: Right | None = None
    items: list[Colour] | None = None
    row: tuple[datetime, ...] | None = None
    fixed: tuple[int, datetime] | None = None
    group: set[Taste] | None = None
    frozen: frozenset[Decimal] | None = None
    by_number: dict[int, Colour] | None = None
    by_text: dict[str, tuple[int, ...]] | None = None
    by_colour: dict[Colour, list[UUID]] | None = None
    by_size: dict[Size, Any] | None = None
    by_float: dict[float, Colour] | None = None
    plain: dict[str, Any] | None = None
    either: int | Colour | None = None
    bare_list: list | None = None  # type: ignore[type-arg]  # on purpose
    deep: dict[str, list[tuple[Colour, ...]]] | None = None


GUIDED = codec_of(*CLASSES, Guided)
NAMES = list(Guided.__dataclass_fields__)

FITTING = {
    "moment": [datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 0, 1)],
    "day": [date(2024, 1, 1)],
    "amount": [Decimal("1.10"), Decimal("sNaN"), Decimal("-0")],
    "key": [UUID(int=5)],
    "colour": [Colour.RED, Colour.CRIMSON],
    "taste": [Taste.SOUR],
    "items": [[], [Colour.RED, Colour.GREEN]],
    "row": [(), (datetime(2024, 1, 1),)],
    "group": [set(), {Taste.SWEET, Taste.SOUR}],
    "frozen": [frozenset({Decimal("1.0"), Decimal("2")})],
    "by_number": [{}, {1: Colour.RED, -2: Colour.GREEN, 2**63 - 1: Colour.RED}],
    "by_text": [{"a/b": (1, 2)}],
    "by_colour": [{Colour.RED: [UUID(int=1)]}],
    "by_size": [{Size.SMALL: 1}],
    "deep": [{"a": [(Colour.RED,), ()]}],
}

ODD = [
    None,
    "",
    "2024-01-01",
    "2024-01-01T00:00:00",
    "RED",
    "SWEET",
    "sweet",
    "1.10",
    str(UUID(int=5)),
    "\x00",
    datetime(2024, 1, 1, fold=1),
    datetime(2024, 1, 1, tzinfo=BERLIN),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1), "CET")),
    date(2024, 1, 1),
    1,
    True,
    -0.0,
    Size.SMALL,
    Taste.SWEET,
    Right.READ | Right.WRITE,
    UUID(int=7, is_safe=SafeUUID.safe),
    [],
    ["RED", None, Taste.SWEET, [Colour.RED]],
    (),
    ("RED", None, (Colour.RED,)),
    set(),
    {"RED", None, Colour.RED},
    frozenset({"RED"}),
    {},
    {"RED": "RED", "1": 1},
    {"007": Colour.RED},
    {"+7": 1},
    {"٣": 1},
    {1: "RED", "1": "RED"},
    {1: None, 2: [Colour.RED]},
    {True: Colour.RED},
    {1.0: Colour.RED},
    {2**70: Colour.RED},
    {10**4000: Colour.RED},
    {TAG: (1, 2)},
    {"a": None, "b": [1, 2], "c": (1.0, 2)},
    {"\x00": (1,), "\ud800": (2,)},
    {Colour.RED: None, Size.SMALL: None},
    {Colour.RED: (UUID(int=1),)},
    {Size.LARGE: {Colour.RED: 1}},
    {"a": {"b": [(Colour.RED, "RED")]}},
    {"items": [[1, 2]]},
    Pair(1, 2),
    OrderedDict([("b", (1,)), ("a", (2,))]),
    Point(1),
]


Many = typing_extensions.TypeAliasType("Many", list[datetime] | None)


class Json:
    """What ``type Json = dict[str, Json] | list[Json] | datetime | int | None`` makes, from Python 3.12 on."""


Json.__value__ = dict[str, Json] | list[Json] | datetime | int | None  # type: ignore[attr-defined]  # only so can it name itself
Moment = NewType("Moment", datetime)
Moments = NewType("Moments", list[Moment])
U = TypeVar("U")


def one_field(annotation: Any) -> tuple[type, Codec]:
    """Return a class ``Wider`` of one field, and the codec of it and of the classes that its value may be of."""
    cls = make_dataclass("Wider", [("a", annotation)])
    return cls, codec_of(*CLASSES, cls)


class TestAFieldWhoseAnnotationBecameWider:
    """What was written while it named one type is still of that type, or is refused."""

    MOMENT = datetime(2024, 1, 1)

    @pytest.mark.parametrize(
        ("narrow", "wide", "value"),
        [
            (datetime, datetime | int, MOMENT),
            (Colour, Colour | None | float, Colour.RED),
            (Decimal, Decimal | list[int], Decimal("1.10")),
            (datetime, datetime | Many, MOMENT),
            (datetime, Literal[1, None] | datetime, MOMENT),
            (Moment, Moment | int, MOMENT),
            (list[datetime], list[datetime] | datetime, [MOMENT]),
            (list[datetime], Many, [MOMENT]),
            (list[datetime], int | Many, [MOMENT]),
            (list[datetime], int | Moments, [MOMENT]),
            (list[datetime], Sequence[datetime], [MOMENT]),
            (list[datetime], MutableSequence[datetime] | int, [MOMENT]),
            (list[datetime], Collection[datetime], [MOMENT]),
            (list[datetime], Iterable[datetime] | str, [MOMENT]),
            (list[Colour], list[Colour] | str, [Colour.RED]),
            (list[datetime], Json, [MOMENT]),
            (tuple[datetime, ...], tuple[datetime, ...] | int, (MOMENT,)),
            (tuple[int, Colour], int | tuple[int, Colour], (1, Colour.RED)),
            (set[int], set[int] | dict[int, int], {1}),
            (set, set | int, {1}),
            (tuple, tuple | None | UUID, (1,)),
            (frozenset[Colour], frozenset[Colour] | None | int, frozenset({Colour.RED})),
            (dict[int, int], dict[int, int] | int, {1: 1}),
            (dict[int, Colour], Mapping[int, Colour], {1: Colour.RED}),
            (dict[Colour, int], MutableMapping[Colour, int] | int, {Colour.RED: 1}),
            (dict[str, datetime], dict[str, datetime] | list[datetime], {"a": MOMENT}),
            (dict[str, dict[str, datetime]], Json, {"a": {"b": MOMENT}}),
        ],
        ids=str,
    )
    def test_is_read_as_it_was_written(self, narrow, wide, value):
        former, writer = one_field(narrow)
        _, codec = one_field(wide)

        read = codec.decode(loads(dumps(writer.encode(former(value)))))

        assert identity(read.a) == identity(value)
        assert identity(round_trip(read, codec).a) == identity(value)

    @pytest.mark.parametrize(
        "annotation",
        [datetime | str, datetime | Any, datetime | object, datetime | Literal["RED"], datetime | U],
        ids=str,
    )
    def test_to_text_has_text(self, annotation):
        _, codec = one_field(annotation)

        assert codec.decode({TAG: "Wider", "a": "2024-01-01T00:00:00"}).a == "2024-01-01T00:00:00"

    @pytest.mark.parametrize("annotation", [datetime | date, int | datetime | Colour | None], ids=str)
    def test_to_several_types_that_are_written_as_text_is_refused(self, annotation):
        _, codec = one_field(annotation)

        with pytest.raises(DecodeError, match=r"'RED' was written .* could be any of .*datetime.*an upcast") as caught:
            codec.decode({TAG: "Wider", "a": "RED"})

        assert caught.value.pointer == "/a"

    @pytest.mark.parametrize(
        "annotation", [set[int] | list[int], list[int] | Any, tuple[datetime, ...] | Sequence[int]], ids=str
    )
    def test_to_several_types_that_are_written_as_a_list_has_a_list(self, annotation):
        assert one_field(annotation)[1].decode({TAG: "Wider", "a": [1]}).a == [1]

    def test_to_several_types_that_are_written_as_an_object_has_a_dict_of_texts(self):
        keyed = TypedDict("keyed", {"1": int})

        assert one_field(dict[int, int] | keyed)[1].decode({TAG: "Wider", "a": {"1": 1}}).a == {"1": 1}


UNIONS = [
    datetime | date,
    datetime | Colour | int,
    datetime | str,
    Literal["RED"] | datetime,
    list[datetime] | int,
    list[datetime] | datetime | dict[int, Colour],
    tuple[datetime, ...] | UUID,
    tuple[int, Colour] | None | str,
    set[Taste] | int,
    frozenset[Decimal] | Decimal,
    set[int] | list[datetime],
    frozenset | int,
    tuple | Colour,
    list | dict,
    dict[int, Colour] | int,
    dict[Colour, list[UUID]] | list[UUID],
    Sequence[datetime],
    Iterable[Colour] | str,
    Mapping[int, Colour],
    MutableMapping[Colour, datetime] | datetime,
    Json,
    Moments,
]

SEVERAL = make_dataclass("Several", [(f"field_{number}", annotation) for number, annotation in enumerate(UNIONS)])


class TestAFieldOfSeveralTypes:
    CODEC = codec_of(*CLASSES, SEVERAL)

    @pytest.mark.parametrize("value", cases([*ODD, *(value for values in FITTING.values() for value in values)]))
    def test_has_any_value_come_back_exactly(self, value):
        several = SEVERAL(*[value] * len(UNIONS))

        assert identity(round_trip(several, self.CODEC)) == identity(several)

    @slowly
    @given(ANYTHING)
    def test_has_any_value_at_all_come_back_exactly(self, value):
        several = SEVERAL(*[value] * len(UNIONS))

        assert identity(round_trip(several, self.CODEC)) == identity(several)

    def test_points_to_what_is_wrong_in_it(self):
        with pytest.raises(DecodeError) as caught:
            one_field(int | dict[int, list[datetime]])[1].decode({TAG: "Wider", "a": {"1": ["2024-01-01", "x"]}})

        assert caught.value.pointer == "/a/1/1"


class TestADictInWhichTwoTextsAreOneKey:
    @pytest.mark.parametrize(
        "texts", [("RED", "CRIMSON"), ("CRIMSON", "RED"), ("RED", "SCARLET"), ("SCARLET", "CRIMSON")]
    )
    def test_is_refused_with_both(self, texts):
        today, _ = one_field(dict[Colour, int])
        codec = Codec(Registry([Entry(Colour, "Colour", renamed={"SCARLET": "RED"}), Entry(today, "Wider")]))

        with pytest.raises(DecodeError, match=f"'{texts[0]}' and '{texts[1]}' are one key") as caught:
            codec.decode({TAG: "Wider", "a": {"GREEN": 0, texts[0]: 1, texts[1]: 2}})

        assert caught.value.pointer == "/a"


class TestATupleWithATypeForEachItem:
    PAIR = make_dataclass("Pair", [("a", tuple[int, Colour, tuple[datetime, ...]])])
    CODEC = Codec(Registry([Entry(PAIR, "Pair"), Entry(Colour, "Colour")]))

    def test_is_written_as_a_list(self):
        value = self.PAIR((1, Colour.RED, (datetime(2024, 1, 1),)))

        assert self.CODEC.encode(value)["a"] == [1, "RED", ["2024-01-01T00:00:00"]]

    @pytest.mark.parametrize(
        "value",
        [
            (1, Colour.RED, ()),
            (1.0, "RED", [1]),
            (1, Colour.RED),
            (),
            [1, Colour.RED, ()],
            (None, None, None),
            None,
        ],
        ids=repr,
    )
    def test_comes_back_exactly_whether_it_fits_or_not(self, value):
        assert identity(self.CODEC.decode(loads(dumps(self.CODEC.encode(self.PAIR(value))))).a) == identity(value)

    @pytest.mark.parametrize("item", ["PINK", {TAG: "tuple"}])
    def test_points_to_the_item_that_is_wrong(self, item):
        with pytest.raises(DecodeError) as caught:
            self.CODEC.decode({TAG: "Pair", "a": [1, item, []]})

        assert caught.value.pointer == "/a/1"

    def test_points_to_the_item_that_cannot_be_written(self):
        with pytest.raises(EncodeError) as caught:
            self.CODEC.encode(self.PAIR((1, Colour.RED, (Stranger(),))))

        assert caught.value.pointer == "/a/2/0"

    def test_of_another_length_is_an_error(self):
        with pytest.raises(DecodeError, match="should have 3 items, and has 1") as caught:
            self.CODEC.decode({"__type": "Pair", "a": [1]})

        assert caught.value.pointer == "/a"


class TestAnAnnotatedField:
    @pytest.mark.parametrize(("name", "value"), [(name, value) for name in FITTING for value in FITTING[name]])
    def test_of_a_value_that_fits_needs_no_tag(self, name, value):
        text = dumps(GUIDED.encode(Guided(**{name: value})))

        assert text.count(TAG.encode()) == 1
        assert identity(round_trip(Guided(**{name: value}), GUIDED)) == identity(Guided(**{name: value}))

    @pytest.mark.parametrize("value", cases(ODD))
    def test_of_a_value_that_does_not_fit_comes_back_exactly(self, value):
        def is_exact(name):
            return identity(round_trip(Guided(**{name: value}), GUIDED)) == identity(Guided(**{name: value}))

        assert [name for name in NAMES if not is_exact(name)] == []

    @slowly
    @given(st.sampled_from(NAMES), ANYTHING)
    def test_of_any_value_comes_back_exactly(self, name, value):
        assert identity(round_trip(Guided(**{name: value}), GUIDED)) == identity(Guided(**{name: value}))

    @slowly
    @given(st.sampled_from(NAMES), ANYTHING)
    def test_of_any_value_shares_no_container(self, name, value):
        encoded = GUIDED.encode(Guided(**{name: value}))

        assert not _containers(encoded) & _containers(value)

    @pytest.mark.parametrize(
        ("name", "json", "pointer"),
        [
            ("moment", "yesterday", "/moment"),
            ("day", "2024-13-01", "/day"),
            ("amount", "1,5", "/amount"),
            ("key", "5", "/key"),
            ("colour", "PINK", "/colour"),
            ("items", ["RED", "PINK"], "/items/1"),
            ("by_number", {"1": "RED", "2": "PINK"}, "/by_number/2"),
            ("by_number", {"007": "RED"}, "/by_number/007"),
            ("by_number", {"x/y": "RED"}, "/by_number/x~1y"),
            ("by_number", {"9" * 5000: "RED"}, "/by_number/" + "9" * 5000),
            ("by_colour", {"PINK": []}, "/by_colour/PINK"),
            ("by_colour", {"RED": ["5"]}, "/by_colour/RED/0"),
            ("deep", {"a": [["RED", "PINK"]]}, "/deep/a/0/1"),
            ("group", [["RED"]], "/group"),
            ("group", [{"__type": "tuple", "items": [{}]}], "/group"),
        ],
    )
    def test_of_json_that_is_no_such_value_is_refused_with_the_place(self, name, json, pointer):
        with pytest.raises(DecodeError) as caught:
            GUIDED.decode({TAG: "Guided", name: json})

        assert caught.value.pointer == pointer


# --- errors ----------------------------------------------------------------------------------------------------------


class Stranger:
    pass


class Strange(Enum):
    ONE = 1


class TestWhatCannotBeWritten:
    @pytest.mark.parametrize(
        ("value", "pointer"),
        [
            (Stranger(), ""),
            ([0, Stranger()], "/1"),
            ({"a": [0, {"b": Stranger()}]}, "/a/1/b"),
            ({"a/b": {"~": Stranger()}}, "/a~1b/~0"),
            ((0, {"a": Stranger()}), "/1/a"),
            ({"a": (0, (Stranger(),))}, "/a/1/0"),
            ({1: 0, "bad": Stranger()}, "/bad"),
            ({"ok": 0, 1: 0, 2: [Stranger()]}, "/2/0"),
            ({(1, 2): Stranger()}, "/(1, 2)"),
            (OrderedDict([("a", 0), ("b", [Stranger()])]), "/b/0"),
            (Point(0, [Stranger()]), "/y/0"),
            (Pair(0, Stranger()), "/right"),
            ({"set": {Stranger()}}, "/set"),
            (Guided(by_number={1: [0, Stranger()]}), "/by_number/1/1"),
            (Guided(items=[0, Stranger()]), "/items/1"),
            (Guided(deep={"a/b": [(Stranger(),)]}), "/deep/a~1b/0/0"),
        ],
    )
    def test_is_refused_with_its_pointer(self, value, pointer):
        with pytest.raises(EncodeError) as caught:
            GUIDED.encode(value)

        assert caught.value.pointer == pointer

    @pytest.mark.parametrize(
        "value",
        [
            Stranger(),
            Strange.ONE,
            object(),
            len,
            int,
            deque([3]),
            iter([]),
            memoryview(b"a"),
            type("Sub", (str,), {})("a"),
            type("Sub", (int,), {})(1),
            type("Sub", (float,), {})(1),
            type("Sub", (dict,), {})(),
            type("Sub", (list,), {})(),
            type("Sub", (tuple,), {})(),
            type("Sub", (datetime,), {})(2024, 1, 1),
            type("Sub", (Point,), {})(1),
            type("Sub", (Pair,), {})(1),
        ],
        ids=case_name,
    )
    def test_is_every_class_that_is_not_registered_even_if_its_base_is(self, value):
        remedy = r"RegistryBundle|docstore\.register\(Sub, encode=|Take it out|Keep (bytes|a list)"
        with pytest.raises(EncodeError, match=remedy):
            CODEC.encode(value)

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            (
                datetime(2024, 1, 1, tzinfo=type("Zone", (tzinfo,), {"utcoffset": lambda *_: timedelta(0)})()),
                "time zone",
            ),
            (time(1, tzinfo=type("Zone", (tzinfo,), {"utcoffset": lambda *_: None})()), "time zone"),
        ],
    )
    def test_is_a_time_zone_without_a_name(self, value, problem):
        with pytest.raises(EncodeError, match=problem):
            CODEC.encode(value)

    def test_is_a_time_zone_read_from_a_file_without_a_key(self):
        file = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
        zone = ZoneInfo.from_file(BytesIO(file))

        with pytest.raises(EncodeError, match="time zone"):
            CODEC.encode(datetime(2024, 1, 1, tzinfo=zone))

    def test_is_a_pattern_that_prints_what_it_is(self, capsys):
        with pytest.raises(EncodeError, match=r"without re\.DEBUG"):
            CODEC.encode(re.compile("a", re.DEBUG))

    def test_is_a_pattern_of_a_text_of_another_class(self):
        with pytest.raises(EncodeError, match="Compile plain str or bytes"):
            CODEC.encode(re.compile(type("Sub", (str,), {})("a")))

    def test_is_named_by_the_bound_of_a_slice(self):
        with pytest.raises(EncodeError) as caught:
            CODEC.encode([slice(0, Stranger())])

        assert caught.value.pointer == "/0/stop"

    def test_leaves_the_value_as_it_was(self):
        value = {"a": [1, {2: (3,)}], "b": Stranger}
        before = deepcopy(value)

        with pytest.raises(EncodeError):
            CODEC.encode(value)

        assert value == before


class TestWhatContainsItself:
    @pytest.mark.parametrize("make", ["list", "dict", "object", "tuple", "odd keys", "annotated"])
    def test_is_refused(self, make):
        inner: list[Any] = []
        value = {
            "list": inner,
            "dict": {"a": inner},
            "object": Point(inner),
            "tuple": (inner,),
            "odd keys": {1: inner},
            "annotated": Guided(items=inner),
        }[make]
        inner.append(value)

        with pytest.raises(EncodeError, match="contains itself"):
            GUIDED.encode(value)

    def test_is_refused_in_an_experiment(self):
        experiment = small_experiment()
        experiment.properties["me"] = experiment

        with pytest.raises(EncodeError, match="contains itself") as caught:
            docstore.dumps(experiment)

        assert caught.value.pointer.startswith("/properties/me/properties/me")
        assert len(str(caught.value)) < 500

    def test_may_hold_one_value_twice(self):
        twice = [1]

        assert round_trip([twice, twice]) == [[1], [1]]


class TestANestedValue:
    @pytest.mark.parametrize("levels", [1, 250, DOCUMENT_DEPTH])
    def test_comes_back_up_to_the_limit(self, levels):
        assert docstore.loads(docstore.dumps(nested(levels))) == nested(levels)

    @pytest.mark.parametrize("levels", [DOCUMENT_DEPTH + 1, 300, 1000, 100_000])
    def test_is_refused_beyond_it(self, levels):
        with pytest.raises(EncodeError, match="deep"):
            docstore.dumps(nested(levels))

    @pytest.mark.parametrize("levels", [DOCUMENT_DEPTH + 1, 300, 1000, 100_000])
    def test_is_read_or_refused_if_someone_else_wrote_it(self, levels):
        text = "[" * levels + "]" * levels

        try:
            depth = _depth(docstore.loads(text))
        except DecodeError:
            depth = levels

        assert depth == levels

    @pytest.mark.parametrize("bottom", [(1,), {1: 2}, {1}, Point(1), datetime(2024, 1, 1)])
    @pytest.mark.parametrize("levels", range(DOCUMENT_DEPTH - 4, DOCUMENT_DEPTH + 1))
    def test_comes_back_or_is_refused_when_a_tag_takes_it_over_the_limit(self, levels, bottom):
        value = nested(levels, bottom)

        try:
            back = round_trip(value)
        except EncodeError:
            back = value

        assert identity(back) == identity(value)

    def test_with_keys_of_many_kinds_takes_no_longer_for_each_level(self):
        """Twice the work for each of 100 levels would never end."""
        value: Any = 0
        for _ in range(60):
            value = {"first": value, 1: 0}

        assert identity(round_trip(value)) == identity(value)

    def test_in_annotated_fields_takes_no_longer_for_each_level(self):
        value: Any = Guided()
        for _ in range(60):
            value = Guided(by_text={"first": value, TAG: 0})

        assert len(dumps(GUIDED.encode(value))) > 60


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0] if value else None
    return depth


# --- reading what is not right ---------------------------------------------------------------------------------------


class TestAnUnknownTag:
    DATA = b'{"a":[{"__type":"Lost","deep":{"__type":"tuple","items":[1]},"name":"n"}]}'

    def test_is_an_error_that_names_it_and_the_place(self):
        with pytest.raises(UnknownTagError, match=r"'Lost'.*RegistryBundle.*unknown='keep'") as caught:
            docstore.loads(self.DATA)

        assert (caught.value.tag, caught.value.pointer) == ("Lost", "/a/0")

    def test_is_named_with_the_place_in_the_json_within_a_tagged_value(self):
        with pytest.raises(UnknownTagError) as caught:
            docstore.loads(b'{"__type":"tuple","items":[0,{"__type":"dict","items":[[1,{"__type":"Lost"}]]}]}')

        assert caught.value.pointer == "/items/1/items/0/1"

    def test_can_be_kept_and_is_written_back_unchanged(self):
        kept = docstore.loads(self.DATA, unknown="keep")

        assert type(kept["a"][0]) is UnknownObject
        assert kept["a"][0].tag == "Lost"
        assert docstore.dumps(kept) == self.DATA

    def test_that_is_kept_tells_its_plain_members(self):
        kept = docstore.loads(self.DATA, unknown="keep")["a"][0]

        assert kept.name == "n"
        with pytest.raises(AttributeError, match="Lost"):
            kept.nothing  # noqa: B018  # reading it is the point
        assert deepcopy(kept) == kept

    def test_that_is_kept_shares_nothing_with_what_is_written(self):
        kept = docstore.loads(self.DATA, unknown="keep")

        assert not _containers(CODEC.encode(kept)) & _containers(kept["a"][0].json)

    def test_of_a_whole_document_is_written_back_unchanged(self):
        data = b'{"__format":1,"__type":"Lost","name":"n"}'

        assert docstore.dumps(docstore.loads(data, unknown="keep")) == data

    @pytest.mark.parametrize("name", NAMES)
    def test_can_be_kept_in_any_field(self, name):
        data = dumps({**GUIDED.encode(Guided()), name: {TAG: "Lost", "a": [1]}})
        codec = Codec(GUIDED.registry, unknown="keep")

        assert dumps(codec.encode(codec.decode(loads(data)))) == data

    def test_can_be_read_as_its_members(self):
        value = docstore.loads(self.DATA, unknown="members")

        assert value == {"a": [{TAG: "Lost", "deep": (1,), "name": "n"}]}

    @pytest.mark.parametrize("tag", [None, 1, True, 1.5, [], {}, {"__type": "tuple", "items": []}])
    def test_that_is_no_text_is_an_error(self, tag):
        with pytest.raises(DecodeError, match="should name a class") as caught:
            docstore.loads(dumps({"a": {TAG: tag}}))

        assert caught.value.pointer == "/a"

    @pytest.mark.parametrize("tag", ["os.system", "builtins.eval", "subprocess.Popen", "this", "docstore.model.Arm"])
    def test_imports_nothing(self, tag):
        with pytest.raises(UnknownTagError):
            docstore.loads(dumps({TAG: tag, "args": ["true"]}))


class TestAMember:
    def test_that_the_class_lacks_is_refused(self):
        with pytest.raises(DecodeError, match="'z', which Point lacks") as caught:
            CODEC.decode([{TAG: "Point", "x": 1, "z": 2}])

        assert caught.value.pointer == "/0"

    def test_that_is_missing_has_its_default(self):
        assert CODEC.decode({TAG: "Point", "x": 1}) == Point(1, 0)

    def test_that_is_missing_and_has_no_default_is_named(self):
        with pytest.raises(DecodeError, match="needs it") as caught:
            CODEC.decode({"a": {TAG: "Point", "y": 1}})

        assert caught.value.pointer == "/a/x"

    @pytest.mark.parametrize("members", [{}, {"left": 1, "middle": 2}, {"right": 1}])
    def test_of_a_namedtuple_must_be_one_of_its_fields(self, members):
        with pytest.raises(DecodeError, match="left, right"):
            CODEC.decode({TAG: "Pair", **members})

    def test_of_an_object_of_docstores_own_that_is_unknown_is_refused(self):
        with pytest.raises(DecodeError, match="'shade', which Arm lacks"):
            docstore.loads(b'{"__type":"Arm","name":null,"parameters":{},"shade":1}')

    @pytest.mark.parametrize("json", [{"name": "PINK"}, {"name": None}, {"name": []}, {"value": 1}, {}])
    def test_of_an_enum_must_be_there(self, json):
        with pytest.raises(DecodeError, match="no such member"):
            CODEC.decode({TAG: "Colour", **json})

    @pytest.mark.parametrize(
        "json", [{"value": 8}, {"value": "READ"}, {"value": None}, {"value": []}, {"name": "READ"}]
    )
    def test_of_a_flag_must_be_there(self, json):
        with pytest.raises(DecodeError, match="no such member"):
            CODEC.decode({TAG: "Right", **json})


MEMBER_NAMES = [
    *["value", "items", "bits", "hex", "escaped", "base64", "real", "imag", "days", "seconds", "microseconds"],
    *["zone", "zone_name", "fold", "class", "name", "is_safe", "left", "right", "x", "y", "metrics", "expression"],
    *["trials", "data", "parameters", "arms", "search_space", "index", "status", "records"],
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    [
        *["nan", "1e999", "7ff8000000000001", "\\u0000", "\\ud800", "\\", "a" * 5000, "9" * 5000, "-", "==", "YWI"],
        *["Europe/Berlin", "Europe", "../x", "/etc/passwd", "UTC\x00", "PosixPath", "WindowsPath", "RED", "sNaN"],
        *["2024-01-01", "2024-01-01T00:00:00+00:00", "24:00", "9999-12-31T23:59:59+00:00", "12", "-a + b", "a, b"],
    ]
)
NUMBER = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1, 5)
TAGS = st.sampled_from([*BY_TAG, *(entry.tag for entry in model_registry().entries), *(c.__name__ for c in CLASSES)])
HOSTILE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(MEMBER_NAMES) | TEXT, inner, max_size=4),
        st.builds(
            lambda tag, members: {TAG: tag, **members},
            TAGS,
            st.dictionaries(st.sampled_from(MEMBER_NAMES), inner, max_size=4),
        ),
        st.builds(
            lambda tag, items: {TAG: tag, "items": items}, TAGS, st.lists(st.lists(inner, max_size=2), max_size=3)
        ),
        st.builds(lambda format_, rest: {"__format": format_, TAG: rest}, inner, inner),
    ),
    max_leaves=12,
)
BUNDLE = RegistryBundle(classes=CLASSES)


def read(value: Any) -> Any:
    """Return what *value* spells, or the error that docstore raises on purpose: any other is a bug."""
    try:
        return docstore.loads(dumps(value), BUNDLE)
    except DocstoreError as error:
        return error


def small_experiment() -> docstore.Experiment:
    """Return an experiment that holds most classes of the model."""
    space = docstore.SearchSpace(
        [
            docstore.RangeParameter("x", docstore.ParameterType.FLOAT, 0, 1),
            docstore.ChoiceParameter("c", docstore.ParameterType.STRING, ["a", "b"]),
            docstore.FixedParameter("f", docstore.ParameterType.BOOL, True),
        ],
        [docstore.ParameterConstraint("x <= 1")],
    )
    config = docstore.MultiObjectiveOptimizationConfig(
        docstore.MultiObjective(
            [
                docstore.Objective(metric=Metric("m"), minimize=True),
                docstore.Objective(metric=Metric("n"), minimize=False),
            ]
        ),
        [docstore.OutcomeConstraint("o >= 0.5")],
        [docstore.ObjectiveThreshold(Metric("m", True), 2.0, relative=False)],
    )
    made = docstore.Experiment(space, "e", optimization_config=config, runner=Runner(), properties={"a": (1, {2})})
    made.status_quo = docstore.Arm({"x": 0.5, "c": "a", "f": True})
    made.new_trial(parameters={"x": 0.25, "c": "b", "f": True}).mark_running().mark_completed()
    made.new_batch_trial(docstore.GeneratorRun([docstore.Arm({"x": 0.75, "c": "b", "f": True})], [2.0]))
    made.attach_data(
        docstore.Data.from_records([{"trial_index": 0, "arm_name": "0_0", "metric_name": "m", "mean": 1.0}])
    )
    return made


WHOLE = loads(docstore.dumps(small_experiment()))


def places(value: Any, tokens: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [tokens, *(place for key, item in items for place in places(item, (*tokens, key)))]


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


def is_read_or_refused(value):
    """Whether JSON is refused, or made to an object that can be written; any other error is raised."""
    result = read(value)
    return isinstance(result, DocstoreError) or bool(docstore.dumps(result, BUNDLE))


class TestJsonThatNobodyMeant:
    """Whatever it is, it is read or refused by an error of docstore's own; what was read can be written."""

    @slowly
    @given(HOSTILE)
    def test_is_read_or_refused(self, value):
        assert is_read_or_refused(value)

    @slowly
    @given(st.sampled_from(places(WHOLE)), HOSTILE)
    def test_in_the_place_of_any_part_of_an_experiment_is_read_or_refused(self, place, value):
        assert is_read_or_refused(replaced(WHOLE, place, value))

    @slowly
    @given(st.sampled_from(places(WHOLE)), st.sampled_from(places(WHOLE)))
    def test_is_read_or_refused_where_one_part_stands_in_the_place_of_another(self, place, other):
        value = WHOLE
        for token in other:
            value = value[token]

        assert is_read_or_refused(replaced(WHOLE, place, value))

    @pytest.mark.parametrize("place", [place for place in places(WHOLE) if place], ids=str)
    def test_in_each_place_of_an_experiment_is_read_or_refused(self, place):
        values = [None, 0, "x", [[]], {"0": {}}]

        assert [value for value in values if not is_read_or_refused(replaced(WHOLE, place, value))] == []

    @slowly
    @given(st.binary() | st.text())
    def test_is_read_or_refused_if_it_is_no_json_either(self, data):
        try:
            result = docstore.loads(data)
        except DecodeError:
            result = DocstoreError()

        assert isinstance(result, DocstoreError) or docstore.dumps(result)

    @pytest.mark.parametrize("tag", sorted(BY_TAG))
    @pytest.mark.parametrize("name", sorted({"value", "items", "escaped", "base64", "real", "days", "class"}))
    def test_under_a_tag_of_ours_is_read_or_refused(self, tag, name):
        values = [None, True, 1, 1.5, "?", [1], [[1]], [[[], 1]], {}, {"a": 1}]

        assert [value for value in values if not is_read_or_refused({TAG: tag, name: value, "junk": 1})] == []

    @pytest.mark.parametrize("tag", sorted(BY_TAG))
    def test_under_a_tag_of_ours_without_members_is_refused(self, tag):
        with pytest.raises(DecodeError) as caught:
            docstore.loads(dumps({"a": {TAG: tag}}))

        assert caught.value.pointer == "/a"

    @pytest.mark.parametrize(
        "value",
        [
            {TAG: "int", "value": "1.5"},
            {TAG: "int", "value": ""},
            {TAG: "int", "value": "1_000"},
            {TAG: "int", "value": "٣"},
            {TAG: "int", "value": "9" * 5000},
            {TAG: "int", "hex": "0x1"},
            {TAG: "float", "bits": "00"},
            {TAG: "float", "bits": "zz"},
            {TAG: "float", "value": "one"},
            {TAG: "bytes", "base64": "?"},
            {TAG: "bytes", "base64": "é"},
            {TAG: "set", "items": [[]]},
            {TAG: "dict", "items": [[{}, 1]]},
            {TAG: "dict", "items": [[1]]},
            {TAG: "dict", "items": {"a": 1}},
            {TAG: "complex", "real": 1, "imag": 2.0},
            {TAG: "datetime", "value": "2024-02-30"},
            {TAG: "datetime", "value": "2024-01-01", "zone": "Nowhere/Town"},
            {TAG: "datetime", "value": "2024-01-01", "zone": "../../etc/passwd"},
            {TAG: "datetime", "value": "2024-01-01", "zone_name": "CET"},
            {TAG: "datetime", "value": "2024-01-01T00:00:00+01:00", "zone_name": 1},
            {TAG: "range", "start": 0, "stop": 1, "step": 0},
            {TAG: "range", "start": 0, "stop": 1.0, "step": 1},
            {TAG: "range", "start": 0, "stop": True, "step": 1},
            {TAG: "range", "start": 0, "stop": 1},
            {TAG: "slice", "start": 0, "stop": 1},
            {TAG: "re.Pattern", "flags": "u", "pattern": "("},
            {TAG: "re.Pattern", "flags": "u", "pattern": "(" * 10_000},
            {TAG: "re.Pattern", "flags": "u", "pattern": f"a{{{10**30}}}"},
            {TAG: "re.Pattern", "flags": "u", "pattern": ["a"]},
            {TAG: "re.Pattern", "flags": "au", "pattern": "a"},
            {TAG: "re.Pattern", "flags": "", "pattern": "a"},
            {TAG: "re.Pattern", "flags": "ud", "pattern": "a"},
            {TAG: "re.Pattern", "flags": 32, "pattern": "a"},
            {TAG: "timedelta", "days": 10**10, "seconds": 0, "microseconds": 0},
            {TAG: "time", "value": "12:00", "zone_microseconds": 10**18},
            {TAG: "timedelta", "days": True, "seconds": 0, "microseconds": 0},
            {TAG: "Decimal", "value": "1,5"},
            {TAG: "UUID", "value": "1"},
            {TAG: "UUID", "value": str(UUID(int=1)), "is_safe": "maybe"},
            {TAG: "Path", "class": "Popen", "value": "a"},
            {TAG: "Path", "class": "PurePosixPath", "value": 1},
            {TAG: "Path", "class": "WindowsPath", "value": "a"},
        ],
        ids=case_name,
    )
    def test_that_is_malformed_in_itself_is_refused(self, value):
        with pytest.raises(DecodeError) as caught:
            docstore.loads(dumps({"a": [value]}))

        assert caught.value.pointer.startswith("/a/0")


# --- classes that are not made for this ------------------------------------------------------------------------------


class Plain:
    def __init__(self, name, size=3):
        self.name = name
        self._size = size
        self._cache = {}


class Empty:
    pass


class Slotted:
    __slots__ = ("_hidden", "a", "b")

    def __init__(self, a):
        self.a = a
        self._hidden = None


class WithProperty:
    """Keeps the argument in private, and shows something else under its name."""

    def __init__(self, items: list[int]) -> None:
        self._items = list(items)

    @property
    def items(self) -> list[int]:
        return list(self._items)


class Doubling:
    """A constructor that is no inverse of reading."""

    def __init__(self, x):
        self.x = x * 2


class NotKept:
    def __init__(self, a):
        self.b = a


class Star:
    def __init__(self, *parts, **named):
        self.parts, self.named = parts, named


class PositionalOnly:
    def __init__(self, a, /):
        self.a = a


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: tuple[int, ...] = ()
    c: int = field(init=False, default=5)


@dataclass
class Private:
    _a: int
    _b: dict[int, str] = field(default_factory=dict)


@dataclass
class LateField:
    a: int
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = self.a * 2


@dataclass
class Changing:
    a: int

    def __post_init__(self) -> None:
        self.a *= 2


@dataclass
class NeedsInitVar:
    a: int
    scale: InitVar[int]

    def __post_init__(self, scale: int) -> None:
        self.a *= scale


@dataclass
class MayHaveInitVar:
    a: int
    scale: InitVar[int] = 3

    def __post_init__(self, scale: int) -> None:
        self.a *= scale


@dataclass
class KeywordOnly:
    a: int
    _: KW_ONLY
    b: int = 1


@dataclass
class OwnInit:
    """``@dataclass`` leaves an ``__init__`` alone that is there."""

    a: int

    def __init__(self, a: int = 0) -> None:
        self.a = a


@dataclass
class OtherInit:
    a: int

    def __init__(self, text: str) -> None:
        self.a = int(text)


@dataclass
class Base:
    a: int
    when: datetime | None = None


@dataclass
class Derived(Base):
    c: list[Colour] = field(default_factory=list)


class DerivedByHand(Base):
    def __init__(self, a: int, extra: str) -> None:
        super().__init__(a)
        self.extra = extra


@dataclass
class TwoKeys:
    a: int = 0
    _a: int = 1


@dataclass
class Unstored:
    a: int
    owner: Any = field(default=None, metadata={"stored": False})

    @cached_property
    def worked_out(self) -> int:
        return self.a + 1


class NewTuple(namedtuple("Base", "a b")):
    """A ``__new__`` that changes what it is given."""

    __slots__ = ()

    def __new__(cls, a, b=None):
        return super().__new__(cls, a * 2, b)


class LooseTuple(namedtuple("Base", "a")):
    pass


def same_class(value: Any) -> Any:
    return round_trip(value, codec_of(type(value), Colour))


class TestAClassThatKnowsNothingOfDocstore:
    @pytest.mark.parametrize(
        "value",
        [
            Plain("n"),
            Plain(("n",), {1: 2}),
            Empty(),
            Slotted([1]),
            WithProperty([1, 2]),
            Doubling(2),
            Frozen(1, (2, 3)),
            Private(1, {2: "b"}),
            LateField(3),
            Changing(2),
            NeedsInitVar(1, 2),
            MayHaveInitVar(2),
            KeywordOnly(1, b=2),
            OwnInit(7),
            Derived(1, datetime(2024, 1, 1), [Colour.RED]),
            DerivedByHand(1, "x"),
            Unstored(1),
            NewTuple(1),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_comes_back_exactly(self, value):
        assert identity(same_class(value)) == identity(value)

    def test_comes_back_with_what_was_assigned_after_it_was_made(self):
        late, frozen, by_hand = LateField(3), Frozen(1), DerivedByHand(1, "x")
        late.total = 100
        object.__setattr__(frozen, "c", 9)
        by_hand.when = datetime(2024, 1, 1, tzinfo=BERLIN)

        assert same_class(late).total == 100
        assert same_class(frozen).c == 9
        assert identity(same_class(by_hand)) == identity(by_hand)

    def test_has_its_constructor_called(self):
        assert same_class(Plain("n"))._cache == {}

    def test_has_its_unstored_fields_left_as_the_constructor_leaves_them(self):
        value = Unstored(1, owner=object())
        value.worked_out  # noqa: B018  # it is cached from now on

        loaded = same_class(value)

        assert vars(loaded) == {"a": 1, "owner": None}

    @pytest.mark.parametrize("value", [Star(1, a=2), PositionalOnly(1), OtherInit("3"), TwoKeys()])
    def test_is_refused_at_once_if_it_could_not_be_made_again(self, value):
        with pytest.raises(RegistryError, match=type(value).__name__):
            codec_of(type(value)).encode(value)

    def test_is_refused_if_it_does_not_keep_its_argument(self):
        with pytest.raises(EncodeError, match="keeps no attribute"):
            codec_of(NotKept).encode(NotKept(1))

    @pytest.mark.parametrize(
        "value", [Plain("n"), Empty(), Slotted(1), Base(1), Unstored(1), LooseTuple(1)], ids=case_name
    )
    def test_is_refused_with_an_attribute_that_would_be_lost(self, value):
        value.b = 5

        with pytest.raises(EncodeError, match=r"'b'.*would be lost"):
            codec_of(type(value)).encode(value)

    def test_whose_constructor_refuses_what_was_stored_is_an_error(self):
        with pytest.raises(DecodeError, match="refuses what was stored") as caught:
            codec_of(Doubling).decode({"a": {TAG: "Doubling", "x": {}}})

        assert caught.value.pointer == "/a"

    def test_may_have_functions_of_its_own_where_its_fields_do_not_do(self):
        entry = Entry(
            OtherInit, "OtherInit", encode=lambda value: {"text": str(value.a)}, decode=lambda m: OtherInit(m["text"])
        )

        assert round_trip(OtherInit("3"), Codec(Registry([entry]))) == OtherInit("3")


class TestAFieldThatAClassGotLater:
    def test_has_its_default_in_an_older_document(self):
        assert codec_of(Derived).decode({TAG: "Derived", "a": 1}) == Derived(1)

    def test_has_a_default_of_its_own(self):
        codec = codec_of(Derived)

        codec.decode({TAG: "Derived", "a": 1}).c.append(1)

        assert codec.decode({TAG: "Derived", "a": 1}).c == []

    def test_of_an_argument_has_its_default_too(self):
        assert codec_of(Plain).decode({TAG: "Plain", "name": "n"})._size == 3


class Sensor(Metric):
    """Undecorated, with an ``__init__`` of its own."""

    def __init__(self, name: str, unit: str, lower_is_better: bool | None = None) -> None:
        super().__init__(name, lower_is_better=lower_is_better)
        self.unit = unit
        self._connection = [unit]


class Lab(Runner):
    """Undecorated, with an ``__init__`` of its own."""

    def __init__(self, rooms: list[str], key: bytes = b"") -> None:
        self.rooms = rooms
        self._key = key


class TestACustomMetricOrRunnerInAnExperiment:
    BUNDLE = RegistryBundle({Sensor: None}, {Lab: None})

    def experiment(self) -> docstore.Experiment:
        made = small_experiment()
        made.runner = Lab(["a", "b"], b"\x00")
        made.add_tracking_metric(Sensor("temperature", "K", True))
        return made

    def test_comes_back_with_all_it_has(self):
        experiment = self.experiment()

        loaded = docstore.loads(docstore.dumps(experiment, self.BUNDLE), self.BUNDLE)

        assert identity(loaded) == identity(experiment)
        assert loaded.runner._key == b"\x00"
        assert loaded.metrics["temperature"]._connection == ["K"]

    def test_is_named_with_its_pointer_where_the_bundle_is_missing(self):
        with pytest.raises(EncodeError, match=r"metric_clss=\{Sensor: None\}") as caught:
            docstore.dumps(self.experiment(), RegistryBundle(runner_clss={Lab: None}))

        assert caught.value.pointer == "/tracking_metrics/0"

    def test_can_be_kept_unread(self):
        data = docstore.dumps(self.experiment(), self.BUNDLE)

        assert docstore.dumps(docstore.loads(data, unknown="keep")) == data


class TestADocument:
    def test_says_its_format(self):
        assert WHOLE["__format"] == 1

    def test_of_a_later_format_is_refused(self):
        with pytest.raises(DecodeError, match="upgrade") as caught:
            docstore.loads(dumps({**WHOLE, "__format": 2}))

        assert caught.value.pointer == "/__format"

    def test_comes_back_exactly(self):
        experiment = small_experiment()

        assert identity(docstore.loads(docstore.dumps(experiment))) == identity(experiment)

    def test_has_no_attribute_that_would_be_lost(self):
        experiment = small_experiment()
        experiment.trials[0].note = "x"

        with pytest.raises(EncodeError, match=r"'note'.*would be lost") as caught:
            docstore.dumps(experiment)

        assert caught.value.pointer == "/trials/0"

    def test_is_read_into_other_objects_each_time(self):
        data = docstore.dumps(small_experiment())

        first, second = docstore.loads(data), docstore.loads(data)

        assert first.trials[0] is not second.trials[0]
        assert first.trials[0].run_metadata is not second.trials[0].run_metadata


def test_a_uuid_made_now_comes_back_with_what_it_knows_of_its_safety():
    value = uuid.uuid1()

    assert identity(round_trip(value)) == identity(value)


class TestAnObjectThatCannotBeWrittenOrRead:
    def test_holds_extra_members_that_hold_it(self):
        class Open(BaseModel):
            model_config = ConfigDict(extra="allow")

        value = Open(own=1)
        value.__pydantic_extra__["own"] = value

        with pytest.raises(EncodeError, match="it contains itself") as caught:
            codec_of(Open).encode(value)

        assert caught.value.pointer.startswith("/__extra/own")

    def test_lacks_the_attribute_that_its_property_reads(self):
        class Half:
            def __init__(self, size: int = 0) -> None:
                pass

            @property
            def size(self) -> int:
                return self._size

        with pytest.raises(EncodeError, match=r"keeps no attribute '_size'"):
            codec_of(Half).encode(Half())

    def test_is_more_than_its_attributes(self):
        class Essay(str):
            __qualname__ = "Essay"

        with pytest.raises(DecodeError, match="an Essay is more than its attributes"):
            codec_of(Essay).decode({TAG: "Essay"})

    def test_has_a_field_under_a_key_of_docstore(self):
        cls = make_dataclass("Odd", [("___format", int)])

        with pytest.raises(RegistryError, match="a field cannot be stored under the key '__format'"):
            codec_of(cls).encode(cls(1))

    def test_is_a_set_of_equal_items_also_where_unknown_objects_are_read_as_members(self):
        with pytest.raises(DecodeError, match="two items of a set, are one here"):
            Codec(Registry([]), unknown="members").decode({TAG: "set", "items": [1, 1]})
