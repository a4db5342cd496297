"""The functions that encode and decode the objects of a class are made as source: no call for a plain value."""

from __future__ import annotations

import dataclasses
import traceback
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any, Literal

import msgspec
import pytest
from counting import calls_of

from docstore.codec import Codec
from docstore.codec.classes.field_tables import Field, field_table
from docstore.codec.registry import Entry, Registry
from docstore.documents.canonical import TAG
from docstore.errors import DecodeError, EncodeError
from docstore.testing.exact import identity


class Heat(Enum):
    LOW = 1
    HIGH = 2


@dataclass
class Oven:
    name: str = "big"
    shelves: int = 3
    volume: float = 0.5
    is_hot: bool = False
    heat: Heat = Heat.LOW
    fuel: Literal["gas", "wood"] = "gas"
    built: datetime | None = None
    grades: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    anything: Any = None


@dataclass
class Kitchen:
    ovens: list[Oven]


class Cupboard:
    def __init__(self) -> None:
        vars(self).update(light="on", _cold=True)


class Fridge(Cupboard):
    """It has a default of its class for one attribute, and a property that hides the other."""

    light = "off"

    @property
    def _cold(self) -> bool:
        raise NotImplementedError


def codec_of(*classes: type, **options: Any) -> Codec:
    return Codec(Registry(Entry(cls, cls.__name__, **options) for cls in classes))


@pytest.fixture
def codec():
    return codec_of(Oven, Kitchen, Heat)


FILLED = {
    "built": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "grades": [0.5] * 50,
    "notes": {f"note {number}": number for number in range(50)} | {"text": "x", "is": True, "none": None, "mean": 0.25},
    "anything": "plain",
}


class TestAPlainValue:
    @pytest.mark.parametrize("function", ["encode", "decode"])
    def test_takes_no_call_of_a_function_in_python(self, codec, function):
        """50 grades and 50 notes take as many calls as none."""
        bare, filled = Oven(built=FILLED["built"], anything=""), Oven(**FILLED)
        written = {id(each): codec.encode(each) for each in (bare, filled)}
        codec.decode(written[id(bare)])  # makes the functions

        def calls(oven: Oven) -> int:
            value = oven if function == "encode" else written[id(oven)]
            return calls_of(getattr(codec, function), value, of=["call"])

        assert calls(filled) == calls(bare)

    def test_takes_no_call_if_the_class_has_a_default_or_a_property_of_that_name(self):
        fields = [Field("light", omits_none=True), Field("_cold", omits_none=True)]
        tables = [Entry(cls, cls.__name__, fields=field_table(cls, fields)) for cls in (Fridge, Cupboard)]
        codec = Codec(Registry(dataclasses.replace(table, restore=True) for table in tables))
        fridge, cupboard = Fridge(), Cupboard()
        written = [codec.encode(each) for each in (fridge, cupboard)]

        assert calls_of(codec.encode, fridge, of=["call"]) == calls_of(codec.encode, cupboard, of=["call"])
        assert [vars(codec.decode(each)) for each in written] == [vars(fridge), vars(cupboard)]

    def test_takes_no_call_if_it_is_a_moment_without_a_zone(self, codec):
        none, naive = Oven(), Oven(built=datetime(2026, 1, 2))
        codec.encode(naive)

        assert calls_of(codec.encode, naive, of=["call"]) == calls_of(codec.encode, none, of=["call"]) + 1  # its text

    @pytest.mark.parametrize("shelves", [1, 2**70, True, 1.0, "\0", float("nan"), -0.0, 1e16, Heat.LOW, [1], {"a": {}}])
    @pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Oven)])
    def test_of_any_type_comes_back_in_a_field_of_any_type(self, codec, name, shelves):
        oven = Oven(**{name: shelves})

        assert identity(codec.decode(codec.encode(oven))) == identity(oven)

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2026, 1, 2, 3, 4, 5),
            datetime(1, 1, 1, microsecond=10),
            datetime(2026, 1, 2, 3, 4, 5, fold=1),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC),
            datetime(2026, 1, 2, 3, 4, 5, fold=1, tzinfo=UTC),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(0))),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(0), "UTC")),
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1))),
        ],
        ids=str,
    )
    def test_of_a_moment_comes_back(self, codec, moment):
        oven = Oven(built=moment)

        assert identity(codec.decode(codec.encode(oven))) == identity(oven)

    def test_that_is_no_plain_value_after_all_has_its_tag(self, codec):
        """The annotation says which types are tried first, and nothing more: a bool is no int, a subclass no str."""
        oven = Oven(shelves=True, volume=3, name=b"x", grades=[0.5, 1, True, -0.0, 1e300])

        written = codec.encode(oven)

        assert (written["shelves"], written["volume"]) == (True, 3)
        assert type(written["shelves"]) is bool
        assert [each if type(each) is not dict else each[TAG] for each in written["grades"]] == [
            0.5,
            1,
            True,
            "float",
            "float",
        ]


class TestTheSource:
    def test_is_in_a_traceback_under_the_name_of_the_class(self, codec):
        with pytest.raises(EncodeError) as raised:
            codec.encode(Oven(anything=object()))

        text = "".join(traceback.format_exception(raised.value))
        assert 'File "<docstore encode Oven' in text
        assert "    failed(value, key, error)" in text

    def test_of_two_classes_of_one_name_is_that_of_each(self):
        for names in (["a"], ["a", "b"]):
            cls = make_dataclass("Twin", [(name, Any) for name in names])
            with pytest.raises(DecodeError) as raised:
                codec_of(cls).decode({TAG: "Twin"} | {key: {TAG: "tuple"} for key in names})

            assert "    failed(value, key, error)" in "".join(traceback.format_exception(raised.value))

    def test_names_any_attribute(self):
        """One may be a word of Python's, or be written in letters that Python reads as others."""
        cls = msgspec.defstruct("Odd", [("class", int), ("ﬁ", int)])
        odd = cls(1, 2)
        codec = codec_of(cls)

        assert identity(codec.decode(codec.encode(odd))) == identity(odd)

    def test_names_any_key(self):
        cls = make_dataclass("Quoted", [("_x", int)])
        quoted = cls(1)
        codec = codec_of(cls)

        assert codec.encode(quoted) == {TAG: "Quoted", "x": 1}
        assert identity(codec.decode(codec.encode(quoted))) == identity(quoted)


class TestAnError:
    def test_of_text_that_is_no_moment_has_its_place(self, codec):
        written = codec.encode(Kitchen([Oven(), Oven(**FILLED)]))
        written["ovens"][1]["built"] = "noon"

        with pytest.raises(DecodeError, match="'noon' is not a datetime") as raised:
            codec.decode(written)

        assert raised.value.pointer == "/ovens/1/built"

    def test_of_a_default_that_fails_is_that_error(self):
        def fail() -> int:
            raise ValueError("no default today")

        cls = make_dataclass("Late", [("x", int, field(default_factory=fail))])

        with pytest.raises(ValueError, match="no default today"):
            codec_of(cls).decode({TAG: "Late"})

    def test_deep_inside_costs_no_more_than_a_shallow_one(self):
        cls = make_dataclass("Node", [("next", Any), ("then", Any, field(default=None))])
        codec, node = codec_of(cls), {TAG: "Node", "next": {TAG: "tuple"}}
        for _ in range(40):
            node = {TAG: "Node", "next": node}

        with pytest.raises(DecodeError) as raised:
            codec.decode(node)

        assert raised.value.pointer == "/next" * 41
