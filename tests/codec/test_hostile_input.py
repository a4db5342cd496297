"""What a document can do to who reads it: nothing but be read, or be refused by a DocstoreError.

Nothing that it names is imported, evaluated or called unless it was registered, and reading it takes no more room than
its text gives reason for.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import json
import math
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
import pytest
from hostile import HOSTILE, MEGABYTE, examples, is_settled, nested, peak, soup, spoilt, tagged, text, written_to
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import CLASSES, sample

import docstore
from docstore import ParameterType, RegistryBundle
from docstore.codec import Codec, UnknownObject
from docstore.codec.registry import Entry, Registry
from docstore.codec.values.tags import MOST_ALIKE
from docstore.errors import (
    DecodeError,
    DocstoreError,
    EncodeError,
    InvalidValueError,
    UnknownTagError,
    short_repr,
)
from docstore.json_store.load import load_experiment
from docstore.testing.strategies import experiments, json_documents

RAW = Codec(Registry(), unknown="members")
"""How ``Store.get`` reads."""

# --- nothing runs ----------------------------------------------------------------------------------------------------


class Bomb:
    """Tells of whatever is done to it."""

    ran: ClassVar[list[str]] = []

    def __new__(cls, *arguments: Any, **options: Any) -> Bomb:
        cls.ran.append("__new__")
        return super().__new__(cls)

    def __init__(self, fuse: Any = None) -> None:
        self.ran.append("__init__")
        self.fuse = fuse

    def __init_subclass__(cls) -> None:
        cls.ran.append("__init_subclass__")

    def __setstate__(self, state: Any) -> None:
        self.ran.append("__setstate__")


@dataclass
class Fuse:
    """Its constructor, too, tells."""

    length: int = 0

    def __post_init__(self) -> None:
        Bomb.ran.append("__post_init__")


@pytest.fixture
def ran():
    """What ran of ``Bomb`` and ``Fuse`` in this test."""
    Bomb.ran.clear()
    return Bomb.ran


NAMES = [
    *("os.system", "os:system", "builtins.eval", "eval", "exec", "__import__", "subprocess.Popen", "pickle.loads"),
    *("docstore.store.Store", "docstore.connect", "Store", "Enum", "type", "Codec", "docstore"),
    *("Bomb", "test_hostile_input.Bomb", f"{__name__}:Bomb", "Bomb.__init__", "Metric.__class__", "Type[Metric]"),
    *("numpy.load", "numpy.memmap", "numpy.matrix", "pandas.eval", "pandas.read_pickle", "__main__", "", " Arm", "arm"),
]


READERS_OF_NAMES = [
    (tagged("Path", value="x"), "class"),
    (tagged("TrialStatus"), "name"),
    (tagged("datetime", value="2026-01-01T00:00:00"), "zone"),
    (tagged("numpy.ndarray", shape=[0], data=[]), "dtype"),
    (tagged("numpy.scalar", value=0), "dtype"),
    (tagged("pandas.Index", data=[]), "dtype"),
    (tagged("pandas.Index", dtype="<M8[ns]", data=["2026-01-01T00:00:00.000000000"]), "freq"),
    (tagged("pandas.array", dtype="string", missing="NA", data=[]), "storage"),
    (tagged("Experiment", name="x", search_space=None, trials={}), "status"),
]


class TestADocumentThatNamesWhatIsNotRegistered:
    @pytest.mark.parametrize("name", NAMES)
    def test_is_refused_by_that_name(self, name, ran):
        with pytest.raises(UnknownTagError) as caught:
            docstore.loads(text(tagged(name, fuse="rm -rf /", args=["rm -rf /"])))

        assert (caught.value.tag, ran) == (name, [])

    @pytest.mark.parametrize("name", NAMES)
    def test_is_carried_along_as_json_when_told_so(self, name, ran):
        document = tagged(name, fuse="rm -rf /", **{"class": name})

        kept = docstore.loads(text(document), unknown="keep")

        assert (type(kept), json.loads(docstore.dumps(kept)), ran) == (UnknownObject, document, [])

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(("document", "member"), READERS_OF_NAMES, ids=lambda part: str(part)[:40])
    def test_is_refused_where_another_name_is_read(self, document, member, name, ran):
        with pytest.raises(DecodeError):
            docstore.loads(text({**document, member: name}))

        assert ran == []

    @pytest.mark.parametrize(
        "document",
        [
            tagged("hostile_module"),
            tagged("hostile_module.Bomb"),
            tagged("Metric", name="m", properties={"a": tagged("hostile_module.Bomb")}),
            tagged("Type[Metric]", **{"class": "hostile_module.Bomb"}),
            tagged("datetime", value="2026-01-01", zone="hostile_module/Bomb"),
            tagged("numpy.ndarray", dtype="hostile_module", shape=[0], data=[]),
            tagged("pandas.Index", dtype="hostile_module", data=[]),
        ],
        ids=str,
    )
    def test_imports_no_module(self, document, tmp_path, monkeypatch):
        (tmp_path / "hostile_module.py").write_text("raise SystemExit('imported')")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()

        with pytest.raises(DocstoreError):
            docstore.loads(text(document))

        assert "hostile_module" not in sys.modules


class TestAClassThatIsRegistered:
    """Under one tag, and to be made of its own fields."""

    codec = Codec(Registry([Entry(Fuse, "SafeName")]))

    @pytest.mark.parametrize("tag", ["Fuse", f"{__name__}.Fuse", "safename", "SafeName "])
    def test_is_not_called_under_another_tag(self, tag, ran):
        with pytest.raises(UnknownTagError):
            self.codec.decode(tagged(tag, length=1))

        assert ran == []

    @pytest.mark.parametrize(
        "members",
        [{"length": 1, "more": 2}, {"length": tagged("Bomb")}, {"length": tagged("int", value="x")}, {"__init__": 1}],
    )
    def test_is_not_called_with_what_it_has_not(self, members, ran):
        with pytest.raises(DecodeError):
            self.codec.decode(tagged("SafeName", **members))

        assert ran == []

    def test_is_called_under_its_own(self, ran):
        assert (self.codec.decode(tagged("SafeName", length=1)), ran) == (Fuse(1), ["__post_init__"] * 2)

    @pytest.mark.parametrize("expression", ["__import__('os')", "(lambda: 1)()", "[a][0]", "a**b", "a if b else c"])
    @pytest.mark.parametrize("before", ["", "a + ", "2*"])
    def test_has_no_expression_evaluated(self, before, expression):
        with pytest.raises(DecodeError):
            docstore.loads(text(tagged("Objective", expression=before + expression)))


# --- any bytes, any JSON, any document that something was done to ----------------------------------------------------

DOCUMENTS = st.sampled_from(examples())
DRAWN = (experiments() | json_documents(deepest=20)).map(lambda value: json.loads(docstore.dumps(value)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all examples: each overwrites the file of the one before."""
    return tmp_path_factory.mktemp("hostile")


class TestWhateverIsRead:
    """It gives a value, or a DocstoreError; and so do a copy and a save of the value."""

    @given(st.binary(max_size=200) | st.text(st.characters(), max_size=100))
    def test_from_bytes_or_text(self, data):
        assert is_settled(lambda: docstore.loads(data))

    @given(soup())
    def test_from_tags_without_sense(self, value):
        assert is_settled(lambda: docstore.loads(text(value)))

    @given(spoilt(DOCUMENTS))
    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
    def test_from_a_document_in_which_something_else_stands(self, document):
        assert is_settled(lambda: docstore.loads(text(document)))

    @given(spoilt(DRAWN))
    @settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    def test_from_any_document_in_which_something_else_stands(self, document):
        assert is_settled(lambda: docstore.loads(text(document)))

    @given(spoilt(DOCUMENTS))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_when_unknown_classes_are_kept(self, document):
        assert is_settled(lambda: docstore.loads(text(document), unknown="keep"))

    @given(spoilt(DOCUMENTS) | soup())
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_when_it_is_read_as_json_with_values(self, document):
        assert is_settled(lambda: RAW.decode(document))

    @given(spoilt(DOCUMENTS), st.sampled_from([lambda data: data, gzip.compress]))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_from_a_file(self, folder, document, pack):
        path = written_to(folder, "experiment.json", pack(text(document)))

        assert is_settled(lambda: load_experiment(path))

    @given(st.binary(max_size=100), st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]))
    def test_from_a_file_of_any_bytes(self, folder, data, start):
        path = written_to(folder, "experiment.json", start + data)

        assert is_settled(lambda: load_experiment(path))

    @given(st.data())
    def test_from_a_compressed_file_that_was_damaged(self, folder, data):
        packed = bytearray(gzip.compress(b'{"__format":1,"__type":"Experiment"}' * 20, mtime=0))
        for place in data.draw(st.lists(st.integers(0, len(packed) - 1), min_size=1, max_size=5)):
            packed[place] ^= data.draw(st.integers(1, 255))
        path = written_to(folder, "experiment.json", bytes(packed))

        assert is_settled(lambda: load_experiment(path))


def _members_of_every_class() -> list[Any]:
    stored = {cls: json.loads(docstore.dumps(sample(cls))) for cls in CLASSES}
    return [
        pytest.param(document, member, id=f"{cls.__name__}.{member}")
        for cls, document in stored.items()
        for member in document
    ]


class TestAFieldOfAWrongType:
    """Of each class of the model, each stored member; in each, whatever JSON can hold."""

    @pytest.mark.parametrize(("document", "member"), _members_of_every_class())
    def test_is_read_or_refused(self, document, member):
        texts = [text({**document, member: value}) for value in HOSTILE]

        assert all(is_settled(partial(docstore.loads, each)) for each in texts)


# --- values that ask for more than they are --------------------------------------------------------------------------


SAME_HASH = 2**61 - 1
"""Python's integers are hashed modulo this number."""

ALIKE = [tagged("int", hex=f"{SAME_HASH * number:x}") for number in range(MOST_ALIKE + 2)]

TOO_MANY_OF_ONE_HASH = {
    "a set": tagged("set", items=ALIKE),
    "a frozenset": tagged("frozenset", items=ALIKE),
    "a dict": tagged("dict", items=[[key, 0] for key in ALIKE]),
    "an OrderedDict": tagged("OrderedDict", items=[[key, 0] for key in ALIKE]),
    "a set of tuples": tagged("set", items=[tagged("tuple", items=[key]) for key in ALIKE]),
    "a set of frozensets": tagged("set", items=[tagged("frozenset", items=[key]) for key in ALIKE]),
    "a set of Decimals": tagged(
        "set", items=[tagged("Decimal", value=str(SAME_HASH * number)) for number in range(MOST_ALIKE + 2)]
    ),
    "a set in a field": tagged("Bag", items=ALIKE),
    "trials": tagged(
        "Experiment",
        name="cakes",
        search_space=tagged("SearchSpace", parameters=[]),
        trials={str(SAME_HASH * number): None for number in range(MOST_ALIKE + 2)},
    ),
}


@dataclass
class Bag:
    items: set[int]


class TestKeysThatAreOne:
    """Python takes 1, 1.0 and True for one key: of two values, one would be lost."""

    @pytest.mark.parametrize(
        "document",
        [
            tagged("dict", items=[[1, "a"], [True, "b"]]),
            tagged("OrderedDict", items=[["a", 1], ["a", 2]]),
            tagged("set", items=[1, tagged("float", value="1.0")]),
            tagged("frozenset", items=["a", "a"]),
        ],
        ids=str,
    )
    def test_are_refused(self, document):
        with pytest.raises(DecodeError, match="would be lost"):
            docstore.loads(text(document))


class TestKeysChosenToHaveOneHash:
    """A dict or set of n of them takes time in proportion to n squared."""

    @pytest.mark.parametrize("document", TOO_MANY_OF_ONE_HASH.values(), ids=TOO_MANY_OF_ONE_HASH)
    def test_are_refused(self, document):
        with pytest.raises(DecodeError):
            docstore.loads(text(document), RegistryBundle(classes=[Bag]))

    @pytest.mark.parametrize("tag", ["set", "frozenset"])
    def test_may_be_as_many_as_happen_to_be(self, tag):
        assert len(docstore.loads(text(tagged(tag, items=ALIKE[:MOST_ALIKE])))) == MOST_ALIKE

    def test_do_not_keep_a_large_set_from_being_read(self):
        assert docstore.loads(docstore.dumps(set(range(100_000)))) == set(range(100_000))

    def test_of_what_is_hashed_by_its_own_class_are_refused_as_it_fails(self):
        arm = tagged("Arm", name=[1], parameters={})  # whose hash has that of its name in it

        with pytest.raises(DecodeError, match="cannot be hashed"):
            docstore.loads(text(tagged("set", items=[arm])))


class TestDeepNesting:
    @pytest.mark.parametrize(
        "data",
        [
            nested(1024, "[", "", "]"),
            nested(1025, "[", "", "]"),
            nested(MEGABYTE, "[", "", ""),
            nested(1020, '{"a":', "1", "}"),
            nested(500, '{"__type":"tuple","items":[', "", "]}"),
            nested(500, '{"__type":"frozenset","items":[', "", "]}"),
            nested(330, '{"__type":"dict","items":[[1,', "1", "]]}"),
            nested(500, '{"__type":"OrderedDict","items":[["a",', "1", "]]}")[:20_000],
            nested(480, '{"__type":"Metric","name":"m","properties":{"a":', "1", "}}"),
            nested(900, '{"__type":"SearchSpace","parameters":', "1", "}"),
            nested(200, '{"__type":"numpy.ndarray","shape":[1],"base64":"AAAAAAAAAAA=","dtype":', '"x"', "}"),
            text(tagged("Objective", expression="(" * 10_000)),
            text(tagged("Objective", expression="-" * 10_000 + "a")),
        ],
        ids=lambda data: data[:45].decode(),
    )
    def test_is_refused(self, data):
        with pytest.raises(DecodeError):
            docstore.loads(data)

    @pytest.mark.parametrize("tag", ["frozenset", "dict", "set", "OrderedDict"])
    def test_of_sets_that_cannot_be_hashed_does_not_double_the_work_at_each_level(self, tag):
        item = '{"__type":"X"}'
        levels = nested(60, f'{{"__type":"{tag}","items":[', item, "]}")
        pairs = nested(60, f'{{"__type":"{tag}","items":[[', item, ",0]]}")

        assert is_settled(lambda: RAW.decode(orjson.loads(levels)))
        assert is_settled(lambda: RAW.decode(orjson.loads(pairs)))

    def test_of_an_unknown_tag_is_refused_when_it_is_written(self):
        kept = docstore.loads(nested(1000, '{"__type":"X","a":', "1", "}"), unknown="keep")

        with pytest.raises(EncodeError):
            docstore.dumps(kept)


ARRAYS = {
    "of a dtype that is large": tagged("numpy.ndarray", dtype="|S1000000000", shape=[1], base64=""),
    "of a dtype that is no dtype of ours": tagged("numpy.ndarray", dtype="(1000000,)f8", shape=[1], data=[0.0]),
    "of objects": tagged("numpy.ndarray", dtype="O", shape=[1], data=[0]),
    "of pickled objects": tagged("numpy.ndarray", dtype="|O", shape=[1], base64="AAAAAAAAAAA="),
    "of a large subarray": tagged(
        "numpy.ndarray", dtype={"base": "float64", "shape": [2**16] * 4}, shape=[1], base64="AAAAAAAAAAA="
    ),
    "with a field outside": tagged(
        "numpy.ndarray",
        dtype={"fields": [{"name": "a", "dtype": "float64", "offset": 2**31}], "itemsize": 8},
        shape=[1],
        base64="AAAAAAAAAAA=",
    ),
    "with a field before": tagged(
        "numpy.ndarray",
        dtype={"fields": [{"name": "a", "dtype": "float64", "offset": -8}], "itemsize": 8},
        shape=[1],
        base64="AAAAAAAAAAA=",
    ),
    "of a shape whose product overflows": tagged("numpy.ndarray", dtype="int8", shape=[2**62, 4], data=[]),
    "of a shape of many dimensions": tagged("numpy.ndarray", dtype="int8", shape=[1] * 65, data=[0]),
    "of a shape that is huge, and empty": tagged("numpy.ndarray", dtype="float64", shape=[0, 2**63 - 1], data=[]),
    "of a negative shape": tagged("numpy.ndarray", dtype="int8", shape=[-1], data=[0]),
    "of a shape that is no number": tagged("numpy.ndarray", dtype="int8", shape=[True], data=[0]),
    "with too few bytes": tagged("numpy.ndarray", dtype="float64", shape=[2], base64="AAAAAAAAAAA="),
    "with too many bytes": tagged("numpy.ndarray", dtype="int8", shape=[2], base64="AAAAAAAAAAA="),
    "with half an item": tagged("numpy.ndarray", dtype="float64", shape=[1], base64="AAAA"),
    "with bytes that are none": tagged("numpy.ndarray", dtype="int8", shape=[1], base64="?"),
    "of items of no bytes": tagged("numpy.ndarray", dtype="|V0", shape=[10**9], base64=""),
    "of days that depend on the day": tagged("numpy.ndarray", dtype="<M8[D]", shape=[1], data=["today"]),
    "of numbers that do not fit": tagged("numpy.ndarray", dtype="int8", shape=[1], data=[1000]),
    "of letters that are none": tagged("numpy.scalar", dtype="<U1", base64=None),
    "of a frequency that is none": tagged("pandas.Index", dtype="<M8[ns]", data=["2026-01-01"], freq="D" * 1000),
    "of a range without a step": tagged("pandas.Index", range=[0, 1, 0]),
    "of a range of two": tagged("pandas.Index", range=[0, 1]),
    "of an index of another length": tagged(
        "pandas.Series", dtype="int8", data=[0], index=tagged("pandas.Index", range=[0, 10**12, 1])
    ),
    "of a frame of many columns": tagged(
        "pandas.DataFrame",
        index=tagged("pandas.Index", range=[0, 1, 1]),
        columns=tagged("pandas.Index", range=[0, 10**12, 1]),
        data=[],
    ),
}

TEXTS = {
    "an int of too many digits": tagged("int", value="9" * 641),
    "an int of a megabyte of digits": tagged("int", value="9" * MEGABYTE),
    "an int of other digits": tagged("int", value="\u0661"),
    "an int in hex that is none": tagged("int", hex="0x1f"),
    "a float of too few bits": tagged("float", bits="7ff8"),
    "a float of too many bits": tagged("float", bits="00" * MEGABYTE),
    "a float that is none": tagged("float", value="0x1p3"),
    "a float with bits in groups": tagged("float", bits="7ff8 0000 0000 0001"),
    "a float as Python's source may have it": tagged("float", value="1_0"),
    "a float between spaces": tagged("float", value="  1.5 "),
    "a float of other digits": tagged("float", value="\u0661"),
    "a Decimal as Python's source may have it": tagged("Decimal", value="1_0"),
    "a Decimal between spaces": tagged("Decimal", value=" 1"),
    "a Decimal of other digits": tagged("Decimal", value="\u0661"),
    "an int in two forms": tagged("int", value="1", hex="2"),
    "a float in two forms": tagged("float", value="1", bits="7ff8000000000001"),
    "a text in two forms": tagged("str", value="a", escaped="b"),
    "an array in two forms": tagged("numpy.ndarray", dtype="int8", shape=[1], data=[1], base64="AA=="),
    "a scalar in two forms": tagged("numpy.scalar", dtype="int8", value=1, base64="AA=="),
    "an index in two forms": tagged("pandas.Index", dtype="int64", data=[1], range=[0, 1, 1]),
    "a fold that is neither": tagged("datetime", value="2026-01-01", fold=2),
    "a Decimal that is none": tagged("Decimal", value="1e"),
    "a Decimal of no exponent": tagged("Decimal", value="1E+99999999999999999999"),
    "a Decimal that signals, as a key": tagged("dict", items=[[tagged("Decimal", value="sNaN"), 0]]),
    "a range of no step": tagged("range", start=0, stop=10**15, step=0),
    "a range of texts": tagged("range", start="0", stop="1", step="1"),
    "a pattern of open groups": tagged("re.Pattern", flags="u", pattern="(" * 100_000),
    "a pattern that prints what it is": tagged("re.Pattern", flags="D", pattern="a"),
    "a pattern that repeats too often": tagged("re.Pattern", flags="u", pattern=f"a{{{10**20}}}"),
    "a timedelta of too many days": tagged("timedelta", days=10**9, seconds=0, microseconds=0),
    "a timedelta of a long int": tagged("timedelta", days=tagged("int", hex="f" * 99), seconds=0, microseconds=0),
    "an offset of days": tagged("datetime", value="2026-01-01", zone_microseconds=2**62),
    "an offset of too many days": tagged("time", value="00:00", zone_microseconds=86_400_000_000),
    "a name for a zone's own": tagged("datetime", value="2026-01-01", zone="Europe/Berlin", zone_name="x"),
    "a name for a time's zone": tagged("time", value="00:00", zone="Europe/Berlin", zone_name="x"),
    "a date that is none": tagged("date", value="2026-02-30"),
    "a date of a megabyte": tagged("date", value="2" * MEGABYTE),
    "a datetime of a megabyte": tagged("datetime", value="2" * MEGABYTE),
    "a UUID that is none": tagged("UUID", value="x" * MEGABYTE),
    "a UUID of a safety that is none": tagged("UUID", value="0" * 32, is_safe="__class__"),
    "bytes that are none": tagged("bytes", base64="A"),
    "bytes of other letters": tagged("bytes", base64="\u00e9\u00e9\u00e9\u00e9"),
    "a path of a class of its own": tagged("Path", value="x", **{"class": "os.PathLike"}),
    "a pair of three": tagged("dict", items=[[1, 2, 3]]),
    "a tag that is a list": tagged([1]),
    "a tag of a megabyte": tagged("t" * MEGABYTE),
    "a member of a megabyte": tagged("Metric", name="m", **{"k" * MEGABYTE: 1}),
    "an expression of a megabyte": tagged("Objective", expression="(" * MEGABYTE),
    "a format of a megabyte": tagged("Experiment", name="x", __format="9" * MEGABYTE),
    "a schema of a megabyte": tagged("Arm", __schema="9" * MEGABYTE),
    "an object with a wrong field": tagged("numpy.scalar", dtype="str", value=tagged("Data", records=[1])),
    "an object whose repr never ends": tagged(
        "numpy.scalar",
        dtype="str",
        value=tagged("GeneratorRun", arms=[], weights=tagged("pandas.Index", range=[0, 10**15, 1])),
    ),
}

ZONES = [
    *("/etc/passwd", "../../etc/passwd", "Europe/../Europe/Berlin", "./Europe/Berlin", "Europe//Berlin", "Europe/"),
    *(
        "Europe",
        "posix",
        "zone.tab",
        "tzdata.zi",
        "",
        " ",
        "\0",
        "Europe/Berlin\0",
        "a.b/c",
        "..x/y",
        "\u00e9",
        "x/" * 9,
    ),
    *("x" * MEGABYTE, "__init__", "resources", "utc\n", "C:\\x"),
]


TAGGED_VALUES = [
    *(2**64, math.nan, "\0", {1: 2}, (1,), {1}, defaultdict(int), b"x", 1j, date(2026, 1, 1), timedelta(1)),
    *(range(2), slice(2), re.compile("a"), Decimal(1), UUID(int=0), Path("a"), np.int8(1), np.zeros(2)),
    *(pd.NaT, pd.NA, pd.Timestamp(0), pd.Timedelta(1), pd.Index([1]), pd.Series([1]), pd.DataFrame({"a": [1]})),
    *(pd.array([1]), ParameterType.INT),
]


class TestAValueThatIsNone:
    """The tag is docstore's own, the members are not."""

    @pytest.mark.parametrize("document", (TEXTS | ARRAYS).values(), ids=TEXTS | ARRAYS)
    def test_is_refused(self, document):
        with pytest.raises(DecodeError):
            docstore.loads(text(document))

    @pytest.mark.parametrize("document", (TEXTS | ARRAYS).values(), ids=TEXTS | ARRAYS)
    def test_is_refused_in_few_words(self, document):
        with pytest.raises(DecodeError) as caught:
            docstore.loads(text([document]))

        assert len(str(caught.value)) < 1500

    def test_is_refused_by_its_text(self):
        with pytest.raises(DecodeError, match=r"at the root: '1_0' is not a Decimal$"):
            docstore.loads(text(tagged("Decimal", value="1_0")))

    @pytest.mark.parametrize("key", ZONES, ids=short_repr)
    @pytest.mark.parametrize("tag", ["datetime", "time"])
    def test_is_refused_where_it_names_no_zone(self, tag, key):
        with pytest.raises(DecodeError) as caught:
            docstore.loads(text(tagged(tag, value="00:00" if tag == "time" else "2026-01-01", zone=key)))

        assert len(str(caught.value)) < 500

    @pytest.mark.parametrize("key", ["a.b/c", "..x/y", "tzdata.zi", "resources.x"])
    def test_is_refused_before_a_module_of_its_name_is_looked_for(self, key):
        with pytest.raises(DecodeError, match="is not the name of a time zone"):
            docstore.loads(
                text(tagged("pandas.Timestamp", dtype="<M8[s]", value="2026-01-01T00:00:00", tz={"zone": key}))
            )

    def test_in_a_zone_of_the_users_own_making_cannot_be_written_either(self):
        with Path("/usr/share/zoneinfo/UTC").open("rb") as file:
            zone = ZoneInfo.from_file(file, key="my.zone")

        with pytest.raises(EncodeError, match="time zone"):
            docstore.dumps(docstore.loads(text(tagged("datetime", value="2026-01-01"))).replace(tzinfo=zone))

    @pytest.mark.parametrize("value", TAGGED_VALUES, ids=short_repr)
    def test_is_refused_with_a_member_that_its_type_lacks(self, value):
        document = json.loads(docstore.dumps(value)) | {"note": "kept by hand"}

        with pytest.raises(DecodeError, match="note"):
            docstore.loads(text(document))

    @pytest.mark.parametrize(
        "data",
        [
            *(b"", b" ", b"\xef\xbb\xbf{}", b'"\xff"', b'"\\ud800"', b'"\\udc00\\ud800"', b"1e999", b"9" * 10_000),
            *(b"NaN", b"-", b"01", b"{]", b'{"a"}', b'{"a":1,}', b"[1,]", b"'a'", b"nul", b"\0", b'"\0"', b"Infinity"),
        ],
        ids=lambda data: repr(data[:20]),
    )
    def test_is_refused_where_it_is_not_even_json(self, data):
        with pytest.raises(DecodeError, match="not JSON"):
            docstore.loads(data)


class TestANumpyTimeWithoutAUnit:
    """NumPy is about to give them up, and warns of nearly all that one does with them."""

    @pytest.mark.parametrize("dtype", ["M8", "m8"])
    def test_is_written_and_read_without_a_warning(self, dtype):
        array = np.zeros(2, np.int64).view(dtype)

        again = docstore.loads(docstore.dumps(array))

        assert (again.dtype, again.tobytes()) == (array.dtype, array.tobytes())

    def test_in_a_list_is_refused_where_numpy_warns_of_it(self):
        with contextlib.suppress(DecodeError):
            array = docstore.loads(text(tagged("numpy.ndarray", dtype="datetime64", shape=[1], data=["NaT"])))
            assert (array.dtype, np.isnat(array).all()) == (np.dtype("datetime64"), True)


# --- messages --------------------------------------------------------------------------------------------------------


class Looping:
    """Its repr asks for itself."""

    def __repr__(self) -> str:
        return repr(self)


class TestAValueShownInAMessage:
    @pytest.mark.parametrize("value", [None, 1, "x", b"x", [], {}, (), (1, 2), {"a": [1, "b"]}, 0.5, {1, 2}, [True]])
    def test_is_its_repr_where_it_is_short(self, value):
        assert short_repr(value) == repr(value)

    @pytest.mark.parametrize(
        "value",
        [
            *("x" * MEGABYTE, b"x" * MEGABYTE, 10**MEGABYTE, ["x" * MEGABYTE] * 9, list(range(MEGABYTE))),
            *({"k" * MEGABYTE: "v" * MEGABYTE}, {n: [{n: n}] for n in range(MEGABYTE // 100)}, np.zeros(MEGABYTE)),
            *(Looping(), [Looping()], sample(docstore.Experiment), set(range(MEGABYTE // 10))),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_short_whatever_it_is(self, value):
        assert len(short_repr(value)) <= 1500

    def test_is_short_in_the_errors_of_the_model_too(self):
        with pytest.raises(InvalidValueError) as caught:
            docstore.SearchSpace(["x" * MEGABYTE])

        assert len(str(caught.value)) < 500

    def test_is_not_made_whole_first(self):
        value = {"a": ["x" * MEGABYTE] * 10}

        assert peak(short_repr, value) < MEGABYTE // 10


class TestInAProcessOfItsOwn:
    """With little memory, as in a container: what is refused is refused before it is made."""

    def test_hostile_values_are_refused(self):
        documents = [text(each).decode() for each in ARRAYS.values()]
        script = f"""
            import resource, docstore, numpy, pandas
            from docstore.errors import DocstoreError
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
            for document in {documents!r}:
                try:
                    docstore.loads(document)
                except DocstoreError:
                    continue
                raise AssertionError(document)
        """

        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
        )

        assert (done.returncode, done.stderr) == (0, "")
