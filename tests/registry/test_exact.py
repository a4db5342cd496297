"""``identity`` tells two values apart wherever something could be lost between them, and never two equal ones."""

from __future__ import annotations

import copy
import functools
import re
import subprocess
import sys
import threading
from array import array
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

import attrs
import msgspec
import numpy as np
import pandas as pd
import pydantic
import pytest
from case_names import case_name

from docstore.errors import InvalidValueError
from docstore.registry.proof.exact import identity

Pair = namedtuple("Pair", "a b")


class Name(str):
    pass


class Number(int):
    pass


class Day(date):
    pass


class Queue(deque):  # type: ignore[type-arg]  # of anything
    pass


class Tags(list):  # type: ignore[type-arg]  # of anything
    pass


class Color(Enum):
    RED = 1
    ROUGE = 2


@dataclass
class Data:
    a: Any = 1
    unstored: int = field(default=0, metadata={"stored": False})


@dataclass(frozen=True, slots=True)
class Slotted:
    a: Any = 1


@attrs.define
class Attrs:
    a: Any = 1
    __hidden: int = 2


class Struct(msgspec.Struct, frozen=True):
    a: Any = 1


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    a: Any = 1


class Hidden:
    __slots__ = ("__a",)

    def __init__(self, a: int) -> None:
        self.__a = a


class Cached:
    def __init__(self, a: int) -> None:
        self.a = a

    @functools.cached_property
    def b(self) -> int:
        return self.a


def with_attribute(value: Any, name: str, attribute: Any) -> Any:
    setattr(value, name, attribute)
    return value


def fortran(values: Any) -> Any:
    return np.asfortranarray(values)


ZONED = pd.date_range("2024-01-01", periods=2, tz="UTC")

DIFFERENT: dict[str, list[Any]] = {
    "one, in many types": [
        1,
        1.0,
        True,
        Decimal(1),
        Fraction(1),
        1 + 0j,
        Number(1),
        Number(2),
        np.int64(1),
        np.int32(1),
        "1",
        b"1",
    ],
    "zeros": [0, 0.0, -0.0, False, None, "", b"", bytearray(), [], (), {}, set(), frozenset(), np.zeros(0)],
    "complex": [complex(0.0, 0.0), complex(0.0, -0.0), complex(-0.0, 0.0)],
    "decimals": [Decimal("1.5"), Decimal("1.50"), Decimal("-1.5")],
    "fractions": [Fraction(1, 3), Fraction(1, 2)],
    "text": ["a", "a\0", Name("a"), Name("b"), with_attribute(Name("a"), "x", 1), np.str_("a"), np.str_("a\0")],
    "sequences": [[1], (1,), Pair(1, 2), (1, 2), [1, 2], Tags([1]), with_attribute(Tags([1]), "x", 1), deque([1])],
    "queues": [deque([1]), deque([1], 3), deque([1, 2], 3), Queue([1]), Queue([2]), with_attribute(Queue([1]), "x", 1)],
    "dicts": [{1: 2}, {True: 2}, OrderedDict({1: 2}), defaultdict(int, {1: 2}), defaultdict(list, {1: 2})],
    "order": [OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)],
    "bytes": [b"a", bytearray(b"a"), array("b", b"a"), array("B", b"a"), np.bytes_(b"a"), np.bytes_(b"a\0")],
    "days": [date(2024, 1, 1), date(2024, 1, 2), Day(2024, 1, 1), Day(2024, 1, 2), datetime(2024, 1, 1)],
    "moments": [
        datetime(2024, 1, 1),
        datetime(2024, 1, 1, fold=1),
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(0), "Z")),
        pd.Timestamp("2024-01-01"),
        pd.Timestamp("2024-01-01").as_unit("s"),
        pd.Timestamp("2024-01-01", tz="UTC"),
        np.datetime64("2024-01-01"),
        time(0),
        time(0, tzinfo=UTC),
    ],
    "zones": [UTC, timezone(timedelta(hours=1)), ZoneInfo("UTC"), ZoneInfo("Europe/Paris")],
    "spans": [timedelta(1), timedelta(2), pd.Timedelta(days=1), np.timedelta64(1, "D")],
    "paths": [Path("a"), Path("b"), PureWindowsPath("a"), PurePosixPath("a") / "b", "a"],
    "ranges": [range(0), range(1, 1), range(3), range(0, 3, 2), slice(3), slice(3.0), slice(0, 3)],
    "patterns": [re.compile("a"), re.compile("a", re.I), re.compile("b"), re.compile(b"a")],
    "ids": [UUID(int=1), UUID(int=1, is_safe=SafeUUID.safe), UUID(int=2)],
    "members": [*Color, 1, "RED"],
    "classes": [int, str, type, Color, Data, namedtuple("Twin", "a"), namedtuple("Twin", "a")],
    "objects": [
        *(cls(value) for cls in (Data, Slotted, Attrs, Struct) for value in (1, 1.0, "1")),
        *(Hidden(1), Hidden(2), Cached(1), Cached(2), ValueError(1), ValueError(2), KeyError(1)),
        *(Model(), Model(a=1), Model(a=2), Model(a=1, b=1), Model(a=1, b=2)),
        with_attribute(Data(), "other", 1),
    ],
    "arrays": [
        np.zeros(4),
        np.zeros(4, "f4"),
        np.zeros(4, ">f8"),
        -np.zeros(4),
        np.zeros((2, 2)),
        fortran(np.zeros((2, 2))),
        np.zeros((2, 2, 1)),
        np.zeros(4, "M8[s]"),
        np.zeros(4, "M8[ms]"),
        np.array([1, "a"], object),
        np.array([1.0, "a"], object),
        np.array(0.0),
        np.float64(0),
    ],
    "dtypes": [np.dtype("i4"), np.dtype(">i4"), np.dtype([("a", "i4")]), np.dtype([("b", "i4")])],
    "generators": [np.random.default_rng(1), np.random.default_rng(2)],
    "series": [
        pd.Series([1, 2]),
        pd.Series([1.0, 2.0]),
        pd.Series([1, 2], name="a"),
        pd.Series([1, 2], index=[1, 0]),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1, 0], dtype="Int64"),
        pd.Series([True, False]),
        pd.Series(["a", "b"]),
        pd.Series(["a", None]),
        pd.Series(["a", "b"], dtype=object),
        pd.Series(["a", "b"], dtype="category"),
        pd.Series(pd.Categorical(["a", "b"], ["b", "a"])),
        pd.Series(ZONED),
        pd.Series(ZONED.tz_convert("Europe/Paris")),
        pd.DataFrame({"a": [1, 2]}),
        pd.DataFrame({"b": [1, 2]}),
        pd.DataFrame({"a": [1, 2]}).rename_axis(index="i"),
        pd.DataFrame({"a": [1, 2], "b": [1, 2]}),
        pd.Index([1, 2]),
        pd.RangeIndex(1, 3),
        pd.MultiIndex.from_tuples([(1, 2)]),
        pd.MultiIndex.from_tuples([(1, 3)]),
        pd.MultiIndex.from_tuples([(1, 2), (1, 3)]),
        pd.MultiIndex.from_tuples([(1, 3), (1, 2)]),
        ZONED,
        pd.DatetimeIndex(ZONED, freq=None),
        pd.Categorical(["a"]),
        pd.Categorical(["b"]),
        pd.NA,
        pd.NaT,
    ],
}
ALL = [value for group in DIFFERENT.values() for value in group]


def cases(values: Any) -> Any:
    return pytest.mark.parametrize("value", values, ids=lambda value: f"{type(value).__name__} {case_name(value):.40}")


class TestTwoValues:
    @pytest.mark.parametrize("group", DIFFERENT.values(), ids=DIFFERENT)
    def test_that_differ_in_anything_are_told_apart(self, group):
        told = [identity(value) for value in group]

        assert [value for index, value in enumerate(group) if told[index] in told[:index]] == []

    @cases(ALL)
    def test_of_which_one_is_a_copy_are_the_same(self, value):
        assert identity(copy.deepcopy(value)) == identity(value)

    @cases(ALL)
    def test_are_told_apart_inside_of_others_too(self, value):
        assert identity([{"a": (value, Data(value))}]) != identity([{"a": (value, Data(object()))}])

    def test_are_the_same_whatever_order_a_dict_or_set_has(self):
        assert identity({"a": 1, 2: {3, "b"}}) == identity({2: {"b", 3}, "a": 1})

    def test_are_the_same_but_for_what_is_not_stored(self):
        seen = Cached(1)
        assert seen.b == 1

        assert identity(seen) == identity(Cached(1))
        assert identity(Data(1, unstored=2)) == identity(Data(1))


class TestAValueThatCannotBeLookedInto:
    @cases([threading.Lock(), pd.Period("2024"), pd.Interval(0, 1)])
    def test_is_refused(self, value):
        with pytest.raises(InvalidValueError, match=r"identity\(\) cannot look into a"):
            identity([value])

    def test_is_one_that_contains_itself(self):
        endless: list[Any] = []
        endless.append(endless)

        with pytest.raises(RecursionError):
            identity(endless)


class TestImportingIt:
    @pytest.mark.parametrize(
        "module", ["docstore.registry.proof.exact", "docstore.testing.exact", "docstore.registry.proof"]
    )
    def test_imports_no_library_that_is_not_needed(self, module):
        program = (
            f"import {module}, sys; print([n for n in ('numpy', 'pandas', 'attrs', 'pydantic') if n in sys.modules])"
        )

        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert done.stdout == "[]\n"
