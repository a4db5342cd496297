"""What a condition finds, on every database: what a plain reading of its meaning finds in the JSON."""

from __future__ import annotations

import copy
import functools
import math
import operator
import pickle
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_stores import SharedStores

import docstore
from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.canonical import ABSENT, JSON, dumps, split_pointer, value_at_pointer
from docstore.documents.kinds import EXPERIMENT, Kind, kind_declared
from docstore.errors import EncodeError, InvalidValueError
from docstore.search.compile import Rows, compiled, order_terms, parameterized
from docstore.search.conditions import All, AnyOf, Condition, Encode, Place, checked_where, q
from docstore.search.indexes import indexes_in
from docstore.sql.dialects import backend_of, transaction
from docstore.sql.dialects.json_path import places_of
from docstore.sql.tables import documents
from docstore.testing.experiments import new_experiment

encode = Codec(Registry()).encode
NOTE = Kind("note")


def row(name: str, value: JSON, *, path: str = "", kind: str = "note", id: str = "") -> dict[str, Any]:
    """A row of the table, as a save writes it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    columns = {"type": None, "status": None, "position": None, "owner": None, "deleted_at": None}
    times = {"added": None, "created_at": moment, "updated_at": moment}
    of_head = {"model": "user", **times}
    own = dict.fromkeys(of_head, None) | {"added": 1} if path else of_head
    rest = {**own, "project": "default", "version": 1, "digest": "0" * 64}
    place = {"id": id or name.zfill(32), "path": path, "kind": kind, "name": None if path else name}
    return {**columns, **rest, **place, "body": dumps(value).decode()}


def on_json(where: Any, encode: Encode = encode) -> Condition | None:
    """The condition on documents in which no object lacks a member that is None."""
    return checked_where(where, encode, lambda member: ())


def query_of(store: docstore.Store, where: Any, kind: Kind | None = NOTE, **options: Any) -> sa.Select[Any]:
    condition = on_json(where)
    asked = compiled(condition, Rows(places_of(store.engine.dialect.name), kind, **options))
    return sa.select(documents.c.name).where(documents.c.path == "", asked)


def names(connection: sa.Connection, query: sa.Select[Any]) -> list[str]:
    return sorted(connection.execute(query).scalars())


def found(store: docstore.Store, where: Any, kind: Kind | None = NOTE) -> list[str]:
    """The names of the documents of which the condition holds."""
    with transaction(store.engine, write=False) as connection:
        return names(connection, query_of(store, where, kind))


class Undone(Exception):
    """What is raised so that a transaction is rolled back."""


@contextmanager
def holding(store: docstore.Store, values: list[JSON]) -> Iterator[sa.Connection]:
    """A transaction in which *values* are documents that are named by their index, and nothing is kept."""
    try:
        with transaction(store.engine, write=True) as connection:
            if values:
                backend_of(connection).insert_many(
                    connection, documents, [row(str(n), value) for n, value in enumerate(values)]
                )
            yield connection
            raise Undone
    except Undone:
        pass


# --- the meaning, in Python -----------------------------------------------------------------------------------------


def at(value: JSON, pointer: str) -> Any:
    """What stands at the pointer, or ABSENT."""
    try:
        return value_at_pointer(value, pointer)
    except docstore.DocstoreError:
        return ABSENT


def number_of(stored: Any) -> int | float | None:
    """The number that a JSON value is, tagged or not; None for what is none, NaN too."""
    if type(stored) in (int, float):
        return stored
    if isinstance(stored, dict) and stored.get("__type") in ("int", "float"):
        number = Codec(Registry()).decode(stored)
        return None if number != number else number
    return None


def same(stored: Any, value: Any) -> bool:
    """Whether ``==`` holds."""
    if stored is ABSENT:
        return False
    if type(value) in (int, float) and value == value:
        number = number_of(stored)
        return number is not None and number == value
    return dumps(stored) == dumps(encode(value))


def ordered(stored: Any, operator: str, value: Any) -> bool:
    left = number_of(stored) if type(value) in (int, float) else stored if type(stored) is str else None
    if left is None:
        return False
    return {"<": left < value, "<=": left <= value, ">": left > value, ">=": left >= value}[operator]


def matches(text: str, pattern: str) -> bool:
    """Whether LIKE holds: by trying, character by character."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(matches(text[i:], pattern[1:]) for i in range(len(text) + 1))
    if pattern[0] == "\\":
        pattern = pattern[1:]
    elif pattern[0] == "_":
        return bool(text) and matches(text[1:], pattern[1:])
    return bool(text) and text[0] == pattern[0] and matches(text[1:], pattern[1:])


def has(stored: Any, value: Any) -> bool:
    if isinstance(stored, list):
        return any(same(item, value) for item in stored)
    return isinstance(stored, str) and isinstance(value, str) and isinstance(encode(value), str) and value in stored


Meaning = Callable[[JSON], bool]
Asked = tuple[Condition, Meaning]


# --- what is drawn --------------------------------------------------------------------------------------------------

KEYS = [
    *(
        "a",
        "b",
        "0",
        "1",
        "01",
        "-1",
        "",
        " 1",
        "+1",
        "a.b",
        "$",
        "[0]",
        'q"q',
        "b\\s",
        "n\nl",
        "\x01",
        "é",
        "😀",
        "%",
        "*",
    ),
    *("a/b", "~", "'", '"', "\\", "#", "@", "-", "?", ":x", "%s", "%(x)s", "\x7f", "a b", "{a}", ",", "null", "__type"),
]
NUMBERS = [
    *(0, -0.0, 1, 1.0, -1, 2, 0.5, 0.1, 1e-7, 5e-324, 2**53, 2**53 + 1, float(2**53), 9007199254740994.0, 1e15 + 0.5),
    *(1e16, 10**16, 10**16 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, float(2**63), 1e22, 10**22, 1e23, 10**23),
    *(10**25, -(10**25), 10**309, -(10**309), 2**2048, 2**2049, -(2**2049), 1.7e308, -1.7e308, math.inf, -math.inf),
    # SQLite reads these wrong, in the last bit.
    *(187566.0139112498, 0.530287416685363, -300, -55.32224068525964, 3143176.092439492, 1.6823770439020111e-18),
]
TEXTS = [
    *(
        "",
        "a",
        "A",
        "b",
        "ab",
        "a%",
        "a_",
        "%",
        "_",
        "\\",
        "a\\b",
        "1",
        "true",
        "null",
        "é",
        "É",
        "😀",
        "\uffff",
        "a ",
        "'",
    ),
    *('"', "a\n", "*", "?", "[a]", "|", "x" * 301, "x" * 302, "]", "{}"),
]
UNSAFE = ["\0", "a\0b", "\ud800", "a\udfff"]


def stepped(number: int | float) -> st.SearchStrategy[int | float]:
    """The number, or one next to it."""
    near: list[int | float] = [number]
    if type(number) is float:
        near += [math.nextafter(number, math.inf), math.nextafter(number, -math.inf)]
    elif type(number) is int:
        near += [number + 1, number - 1]
    return st.sampled_from(near)


any_float = st.binary(min_size=8, max_size=8).map(lambda bits: struct.unpack(">d", bits)[0]).filter(lambda x: x == x)
numbers = st.one_of(st.sampled_from(NUMBERS).flatmap(stepped), st.integers(), any_float, st.floats(-1e6, 1e6))
texts = st.one_of(st.sampled_from(TEXTS), st.text("abAé%_\\ ", max_size=4), st.text(max_size=5))
any_text = st.one_of(texts, st.sampled_from(UNSAFE))
scalars = st.one_of(st.none(), st.booleans(), numbers, any_text, st.just(math.nan))
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
bodies = st.one_of(values, st.dictionaries(keys, values, min_size=1, max_size=4)).map(encode)


def places_in(value: JSON) -> list[str]:
    """The pointer of each place in a document."""
    found = [""]
    members: list[tuple[str, JSON]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = [(str(index), item) for index, item in enumerate(value)]
    for key, member in members:
        token = key.replace("~", "~0").replace("/", "~1")
        found += [f"/{token}{inner}" for inner in places_in(member)]
    return found


def pointers(stored: list[JSON]) -> st.SearchStrategy[str]:
    there = sorted({pointer for value in stored for pointer in places_in(value)})
    tokens = keys.map(lambda key: "/" + key.replace("~", "~0").replace("/", "~1"))
    strange = st.lists(st.one_of(tokens, st.sampled_from(["/\0", "/2", "/-1", "/00"])), max_size=3).map("".join)
    return st.one_of(st.sampled_from(there), st.sampled_from(there), strange)


@st.composite
def leaves(draw: st.DrawFn, stored: list[JSON]) -> Asked:
    """A comparison of one place, mostly one that there is, mostly with what stands somewhere; and what it means."""
    pointer = draw(pointers(stored))
    place = q(pointer)
    wanted = values
    there = [number_of(each) for each in (at(value, pointer) for value in stored) if number_of(each) is not None]
    near = numbers if not there else st.one_of(numbers, st.sampled_from(there).flatmap(stepped))
    plain = [
        each for each in (at(value, pointer) for value in stored) if type(each) in (bool, int, float, str, type(None))
    ]
    if plain:
        wanted = st.one_of(values, st.sampled_from(plain))
    match draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "contains", "exists", "like"])):
        case "==":
            value = draw(wanted)
            return place == value, lambda body: same(at(body, pointer), value)
        case "!=":
            value = draw(wanted)
            return place != value, lambda body: not same(at(body, pointer), value)
        case "in":
            several = draw(st.lists(wanted, max_size=3))
            return place.in_(several), lambda body: any(same(at(body, pointer), each) for each in several)
        case "contains":
            value = draw(wanted)
            return place.contains(value), lambda body: has(at(body, pointer), value)
        case "exists":
            return place.exists(), lambda body: at(body, pointer) is not ABSENT
        case "like":
            pattern = draw(any_text.filter(lambda text: (len(text) - len(text.rstrip("\\"))) % 2 == 0))
            like = lambda text: isinstance(text, str) and matches(text, pattern)  # noqa: E731  # a def would need its name
            return place.like(pattern), lambda body: like(at(body, pointer))
        case operator:
            value = draw(st.one_of(near, any_text))
            compare = {"<": Place.__lt__, "<=": Place.__le__, ">": Place.__gt__, ">=": Place.__ge__}[operator]
            return compare(place, value), lambda body: ordered(at(body, pointer), operator, value)


@st.composite
def conditions(draw: st.DrawFn, stored: list[JSON], depth: int = 2) -> Asked:
    how = draw(st.sampled_from(["leaf", "leaf", "and", "or", "not"])) if depth else "leaf"
    if how == "leaf":
        return draw(leaves(stored))
    one, means_one = draw(conditions(stored, depth - 1))
    if how == "not":
        return ~one, lambda body: not means_one(body)
    two, means_two = draw(conditions(stored, depth - 1))
    if how == "and":
        return one & two, lambda body: means_one(body) and means_two(body)
    return one | two, lambda body: means_one(body) or means_two(body)


@st.composite
def searches(draw: st.DrawFn) -> tuple[list[JSON], list[Asked]]:
    stored = draw(st.lists(bodies, min_size=1, max_size=5))
    return stored, draw(st.lists(conditions(stored), min_size=1, max_size=4))


def check(store: docstore.Store, search: tuple[list[JSON], list[Asked]], **options: Any) -> None:
    stored, asked = search
    with holding(store, stored) as connection:
        if store.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for condition, means in asked:
            expected = sorted(str(n) for n, body in enumerate(stored) if means(body))

            query = query_of(store, condition, **options).where(documents.c.kind == "note")
            assert names(connection, query) == expected, condition
            kept = parameterized(on_json(condition))
            if kept is not None:
                form, texts = kept
                query = query_of(store, form, **options).where(documents.c.kind == "note")
                assert sorted(connection.execute(query, texts).scalars()) == expected, condition


class TestEveryCondition:
    """Of documents of any JSON, on each database."""

    @given(searches())
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    def test_finds_what_it_means(self, store, search):
        check(store, search)

    @given(search=searches())
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    def test_finds_the_same_by_an_index(self, indexed, search):
        with transaction(indexed.engine, write=False) as connection:
            there = {each.pointer: each.name for each in indexes_in(connection)}

        check(indexed, search, indexes=there)


@pytest.fixture
def indexed(shared_stores: SharedStores, backend: str) -> Iterator[docstore.Store]:
    """A store with indexes on some of the places that documents are drawn with; nothing may be kept in it."""
    with shared_stores.filled(backend, "indexes of experiments", with_indexes) as store:
        yield store


def with_indexes(store: docstore.Store) -> None:
    for pointer in ("/a", "/b", "/0", "/a/0", "/0/1", "/é", "/%25s", "/%s", "/'", "/a b", "/", "/$", "/__type", "/😀"):
        store.create_index(pointer)


class TestAPlace:
    """Compared, by itself and in ways that mean something else in Python."""

    @pytest.mark.parametrize("pointer", ["a", "a/b", "/~2", "/~", 1, None, b"/a", ["a"]])
    def test_is_no_place_without_a_pointer(self, pointer):
        with pytest.raises(InvalidValueError, match=r"^pointer: .* cannot be used. Write a JSON pointer"):
            q(pointer)

    @pytest.mark.parametrize("value", [True, None, [1], {}, math.nan, b"a", Decimal(1), date(2026, 1, 1), 1j, q("/b")])
    @pytest.mark.parametrize("compare", [Place.__lt__, Place.__le__, Place.__gt__, Place.__ge__])
    def test_has_no_order_but_among_numbers_and_texts(self, compare, value):
        with pytest.raises(InvalidValueError, match="Only numbers and texts have an order"):
            compare(q("/a"), value)

    @pytest.mark.parametrize(
        "ask",
        [
            lambda: q("/a") == 1 and q("/b") == 2,
            lambda: 1 < q("/a") < 5,
            lambda: not q("/a").exists(),
            lambda: q("/a") == 1 == 1.0,
        ],
        ids=["and", "chain", "not", "chain of =="],
    )
    def test_has_no_truth_value_when_compared(self, ask):
        with pytest.raises(InvalidValueError, match="no truth value before the database is asked"):
            bool(ask())

    @pytest.mark.parametrize(
        "ask",
        [
            lambda: q("/a") == (1 & q("/b")),
            lambda: q("/a") | q("/b"),
            lambda: ~q("/a"),
            lambda: bool(q("/a")),
            lambda: 1 in q("/a"),
            lambda: (q("/a") == 1) & q("/b"),
            lambda: (q("/a") == 1) | 5,
            lambda: None & (q("/a") == 1),
            lambda: 5 | (q("/a") == 1),
            lambda: (q("/a") == 1) & True,
        ],
    )
    def test_combines_only_when_compared(self, ask):
        with pytest.raises(InvalidValueError, match="mind the parentheses"):
            ask()

    @pytest.mark.parametrize("ask", [lambda: q("/a") == q("/b"), lambda: q("/a").in_([q("/b") == 1])])
    def test_is_not_compared_with_another(self, ask):
        with pytest.raises(InvalidValueError, match="two places cannot be compared"):
            ask()

    @pytest.mark.parametrize("name", ["startswith", "regexp", "eq", "_private"])
    def test_tells_of_operators_that_it_has(self, name):
        with pytest.raises(InvalidValueError, match=r"A place has ==, !=, <, <=, >, >=, in_\(\), contains\(\)"):
            getattr(q("/a"), name)

    def test_cannot_be_changed(self):
        with pytest.raises(InvalidValueError, match="cannot be changed"):
            q("/a").pointer = "/b"

    @pytest.mark.parametrize("values", ["abc", b"abc", {"a": 1}, 5, None])
    def test_is_one_of_several_only_where_they_are_several(self, values):
        with pytest.raises(InvalidValueError, match=r"^in_: .* Give a list of values"):
            q("/a").in_(values)

    @pytest.mark.parametrize("pattern", ["a\\", "\\\\\\", "x" * 10_001, 5, None, b"a%"])
    def test_is_like_a_pattern_only(self, pattern):
        with pytest.raises(InvalidValueError, match=r"^like: .* Give a text of at most 10,000 characters"):
            q("/a").like(pattern)

    def test_is_copied_and_pickled(self):
        place, condition = q("/a"), ~((q("/a") >= 1) | q("/b").contains("x"))

        assert copy.deepcopy(place).pointer == pickle.loads(pickle.dumps(place)).pointer == "/a"
        assert pickle.loads(pickle.dumps(condition)) == copy.deepcopy(condition) == condition
        assert repr(place) == "q('/a')"

    @pytest.mark.parametrize(
        ("condition", "written"),
        [
            (q("/a") == 1, "q('/a') == 1"),
            (q("/a") != "x", "~(q('/a') == 'x')"),
            (q("/a").in_([1, "x"]), "q('/a').in_([1, 'x'])"),
            (q("/a").in_([]), "q('/a').in_([])"),
            (q("/a").contains(1), "q('/a').contains(1)"),
            (q("/a").exists(), "q('/a').exists()"),
            (q("/a").like("x%"), "q('/a').like('x%')"),
            ((q("/a") >= 1) & (q("/b") < "x"), "(q('/a') >= 1) & (q('/b') < 'x')"),
            (~((q("/a") > 1) | q("/b").exists()), "~((q('/a') > 1) | (q('/b').exists()))"),
            (q("/a") == "x" * 1000, f"q('/a') == '{'x' * 120}'..."),
            (
                All(tuple(q("/a") == n for n in range(50))),
                " & ".join([f"(q('/a') == {n})" for n in range(12)] + ["..."]),
            ),
            (~(~All((AnyOf((All((q("/a") == 1,)),)),)) & q("/b").exists()), "~((~(...)) & (q('/b').exists()))"),
        ],
    )
    def test_is_told_as_it_was_written(self, condition, written):
        assert repr(condition) == written


class TestWhere:
    """What ``where=`` takes."""

    @pytest.mark.parametrize("where", ["/a", 5, True, [q("/a") == 1], q("/a"), object()])
    def test_is_a_mapping_or_a_condition(self, where):
        with pytest.raises(InvalidValueError, match=r"^where: .* Give {pointer: value}, or a condition"):
            on_json(where)

    @pytest.mark.parametrize("pointer", ["a", 1, None])
    def test_has_pointers_as_keys(self, pointer):
        with pytest.raises(InvalidValueError, match=r"^pointer: "):
            on_json({pointer: 1})

    @pytest.mark.parametrize("ask", [lambda v: {"/a": v}, lambda v: q("/a").in_([v]), lambda v: q("/a").contains(v)])
    def test_has_values_that_documents_can_have(self, ask):
        with pytest.raises(EncodeError):
            on_json(ask(object()))

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (np.int64(1), ["float", "int", "numpy.int64"]),
            (np.uint8(1), ["float", "int"]),
            (np.float64(1), ["float", "int"]),
            (np.float64(0.5), ["numpy.float64"]),
            (np.bool_(True), ["bool", "numpy.bool"]),
            (np.float32(0.1), ["rounded"]),
        ],
        ids=repr,
    )
    def test_finds_what_a_number_of_numpy_is_stored_as_and_what_it_equals(self, store, number, expected):
        kept = {"int": 1, "float": 1.0, "bool": True, "text": "1", "rounded": 0.10000000149011612, "near": 0.1}
        kept |= {"numpy.int64": np.int64(1), "numpy.float64": np.float64(0.5), "numpy.bool": np.bool_(True)}
        for name, value in kept.items():
            store.put("note", name, {"a": value})

        assert store.find("note", where={"/a": number}).names() == expected
        assert store.find("note", where=q("/a").in_(np.array([number]))).names() == expected

    @pytest.mark.parametrize("number", [np.int64(2), np.float32(2), np.uint8(2)], ids=repr)
    def test_has_the_order_of_a_number_of_numpy(self, store, number):
        for value in (1, 2, 2.5, "3"):
            store.put("note", repr(value), {"a": value})

        assert store.find("note", where=q("/a") >= number).names() == ["2", "2.5"]

    @pytest.mark.parametrize("time", [datetime(2026, 1, 2), date(2026, 1, 2), time(1)], ids=repr)
    def test_tells_where_the_text_of_a_time_is(self, store, time):
        with pytest.raises(InvalidValueError, match="is an object, whose text is in '/a/value'"):
            q("/a") > time  # noqa: B015

        store.put("note", "timed", {"a": time})
        assert store.find("note", where=q("/a/value") >= time.isoformat()).names() == ["timed"]

    def test_may_be_none(self):
        assert on_json(None) is None

    def test_holds_if_every_member_of_a_mapping_does(self, store):
        store.put("note", "both", {"a": 1, "b": "x"})
        store.put("note", "one", {"a": 1, "b": "y"})

        assert found(store, {"/a": 1.0, "/b": "x"}) == ["both"]
        assert found(store, {}) == ["both", "one"]

    @pytest.mark.parametrize(
        "value",
        [
            docstore.TrialStatus.FAILED,
            datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
            datetime(2026, 1, 2, fold=1),
            date(2026, 1, 2),
            Decimal("1.50"),
            UUID(int=5),
            (1, "a"),
            {1, 2},
            b"x",
            {1: 2},
            frozenset([(1,)]),
            "a\0b",
            math.nan,
            10**30,
        ],
        ids=repr,
    )
    def test_finds_what_a_value_is_stored_as(self, store, value):
        with store._context.transactions.reading() as connection:
            condition = on_json({"/a": value}, store._context.mapper().codec.encode)
        store.put("note", "other", {"a": "other"})
        with transaction(store.engine, write=True) as connection:
            backend_of(connection).insert_many(
                connection, documents, [row("tagged", {"a": store._context.mapper().codec.encode(value)})]
            )

        with transaction(store.engine, write=False) as connection:
            asked = compiled(condition, Rows(places_of(store.engine.dialect.name), NOTE))
            assert names(connection, sa.select(documents.c.name).where(asked)) == ["tagged"]


class TestPlacesInParts:
    """Of experiments, whose trials have rows of their own."""

    @pytest.fixture
    def kept(self, shared_stores, backend):
        with shared_stores.filled(backend, "places in parts", self.fill) as store:
            yield store

    @staticmethod
    def fill(store: docstore.Store) -> None:
        for name, trials in (("none", 0), ("two", 2)):
            store.save(new_experiment(name, trials=trials))
        store.put("note", "plain", {"trials": [{"index": 0}, {"index": 1}], "data": 5})

    @pytest.mark.parametrize("kind", [EXPERIMENT, None], ids=["experiments", "all kinds"])
    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (q("/trials/1/index") == 1, {"two", "plain"}),
            (q("/trials/1/index") >= 1.0, {"two", "plain"}),
            (q("/trials/1").exists(), {"two", "plain"}),
            (q("/trials/2").exists(), set()),
            (~q("/trials/1").exists(), {"none"}),
            (q("/trials/1/index") != 1, {"none"}),
            (q("/trials/1/__type") == "Trial", {"two"}),
            ((q("/trials/0/index") == 0) & ~(q("/name") == "x"), {"two", "plain"}),
            (q("/trials/nowhere/a").in_([1, None]), set()),
            (q("/__type") == "Experiment", {"none", "two"}),
        ],
    )
    def test_are_looked_for_there(self, kept, kind, where, expected):
        mine = expected if kind is None else expected - {"plain"}

        query = query_of(kept, where, kind)
        with transaction(kept.engine, write=False) as connection:
            query = query if kind is None else query.where(documents.c.kind == kind.name)
            assert names(connection, query) == sorted(mine)

    @pytest.mark.parametrize("pointer", ["", "/trials", "/data"])
    @pytest.mark.parametrize("kind", [EXPERIMENT, None], ids=["experiments", "all kinds"])
    def test_are_not_all_compared_at_once(self, store, kind, pointer):
        with pytest.raises(InvalidValueError, match="has rows of its own: name a place inside"):
            query_of(store, q(pointer).exists(), kind)

    def test_may_be_a_document_of_another_kind(self, kept):
        assert found(kept, q("/data") == 5, NOTE) == ["plain"]
        assert "plain" in found(kept, q("").exists(), NOTE)

    def test_of_a_part_start_at_the_part(self, kept):
        places = places_of(kept.engine.dialect.name)
        condition = on_json((q("/index") >= 1) & (q("") != 5))
        asked = compiled(condition, Rows(places, EXPERIMENT, part=EXPERIMENT.parts[0]))

        with transaction(kept.engine, write=False) as connection:
            query = sa.select(documents.c.path).where(documents.c.kind == "trial", asked)
            assert connection.execute(query).scalars().all() == ["/trials/1"]

    def test_of_a_user_s_kind_may_stand_in_the_document_or_in_a_part(self, store):
        kind = kind_declared("recipe", name_field="name", parts=["/steps/*"])
        rows = [
            row("cut", {"steps": {}}, kind="recipe"),
            row("cut", {"minutes": 5}, path="/steps/a~1b", kind="recipe.steps", id="cut".zfill(32)),
            row("whole", {"steps": {"a/b": {"minutes": 6}}}, kind="recipe"),
        ]
        with transaction(store.engine, write=True) as connection:
            backend_of(connection).insert_many(connection, documents, rows)

        for known in (kind, None):
            assert found(store, q("/steps/a~1b/minutes") >= 5, known) == ["cut", "whole"]
            assert found(store, q("/steps/a~1b/minutes") == 5, known) == ["cut"]
            assert found(store, q("/steps/a~1b/minutes") != 5, known) == ["whole"]


class TestParameterizedConditions:
    """The SQL of conditions of one form is made once, whatever their values are."""

    ALIKE: ClassVar = [
        1,
        1.5,
        True,
        False,
        "1",
        "true",
        "",
        "[1]",
        '{"a":1}',
        "'",
        "é",
        2**63 - 1,
        1e15,
        "x" * 189,
    ]

    @pytest.mark.parametrize("pointer", ["/a", "/0", '/a"b', "/-x"])
    def test_tell_their_values_apart(self, store, pointer):
        [key] = split_pointer(pointer)
        stored: list[JSON] = [{key: value} for value in [*self.ALIKE, None, [1], {"a": 1}, "[2]"]]
        with holding(store, stored) as connection:
            for number, value in enumerate(self.ALIKE):
                kept = parameterized(on_json({pointer: value}))
                assert kept is not None
                query = query_of(store, kept[0])
                assert connection.execute(query, kept[1]).scalars().all() == [str(number)], value

    def test_have_one_form(self):
        forms = [parameterized(on_json(q("/a") == value)) for value in ("x", "y", "[", "")]
        x, bracket, empty = (forms[number] for number in (0, 2, 3))

        assert forms[1][0] == x[0] == empty[0] != bracket[0]
        assert (x[1], bracket[1], empty[1]) == ({"place_0": '"x"'}, {"place_0": '"["'}, {"place_0": '""'})

    @pytest.mark.parametrize(
        "where",
        [
            q("/a") > "x" * 200,
            q("/a") == None,  # noqa: E711  # a place is compared
            q("/a") == [1],
            q("/a") == "x" * 190,
            q("/a") == "\n" * 100,
            q("/a") == 0,
            q("/a") == 2**64,
            q("/a") == "a\0b",
            q("/a").in_([*map(str, range(17))]),
            q("/a").contains("x"),
            (q("/a") == "x") & ~(q("/a").like("x" * 200)),
        ],
        ids=str,
    )
    def test_have_only_few_short_scalars(self, where):
        assert parameterized(on_json(where)) is None

    @pytest.mark.parametrize("where", [q("/a") > 1, q("/a") <= "x", q("/a").like("x%"), q("/a").exists()], ids=str)
    def test_keep_the_ends_of_ranges_and_patterns(self, where):
        """Their SQL is made once all the same."""
        condition = on_json((q("/b") == "x") & where)

        form, texts = parameterized(condition)

        assert form.conditions[1] == condition.conditions[1]
        assert (texts, hash(form)) == ({"place_0": '"x"'}, hash(parameterized(condition)[0]))

    def test_do_not_nest_deep(self):
        where = q("/a") == "x"
        for _ in range(10):
            where = (where & (q("/b") == "x")) | (q("/c") == "x")

        assert parameterized(on_json(where)) is None


class TestNeighbours:
    """Three floats, one next to the other. SQLite reads some of them wrong, in the last bit."""

    @pytest.mark.parametrize(
        "number",
        [187566.0139112498, 0.530287416685363, -55.32224068525964, 1.6823770439020111e-18, 1e16, 1e22, 0.0, 2**53],
    )
    def test_are_told_apart(self, store, number):
        below, above = (math.nextafter(number, end) for end in (-math.inf, math.inf))
        for name, value in (("below", below), ("it", number), ("above", above)):
            store.put("note", name, {"a": value})

        for value, smaller, larger in ((number, ["below"], ["above"]), (below, [], ["above", "it"])):
            assert found(store, q("/a") < value) == smaller
            assert found(store, q("/a") > value) == larger
            assert found(store, (q("/a") <= value) & (q("/a") >= value)) == found(store, q("/a") == value)


class TestAnEndThatNoStoredNumberHas:
    """It lies between two integers, or between two floats: each form of a number has an end of its own."""

    STORED = (-3, -2.5, -2, 2, 2.5, 3, 2**53 - 1, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, 2**63, -(2**63), 1e300)
    ENDS = (-2.75, -2.25, 2.25, 2.75, 2**53 + 1, 2**53 + 3, 2**63 - 513, 2**64 + 1, -(2**63) - 1, 10**300)
    LARGEST = sys.float_info.max

    @pytest.fixture
    def numbers(self, shared_stores, backend):
        """A store with a note of each number, named by its place."""
        with shared_stores.filled(backend, "numbers", self.fill) as store:
            yield store

    def fill(self, store: docstore.Store) -> None:
        for number, value in enumerate(self.STORED):
            store.put("note", f"{number:02}", {"a": value})

    @pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
    def test_divides_them_as_in_python(self, numbers, compare):
        for end in self.ENDS:
            expected = [f"{number:02}" for number, value in enumerate(self.STORED) if compare(value, end)]
            assert found(numbers, compare(q("/a"), end)) == expected, end

    @pytest.mark.parametrize("end", [LARGEST, -LARGEST, 10**400, -(10**400), math.inf, -math.inf])
    @pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
    def test_is_spelled_as_every_shell_takes_it(self, numbers, compare, end):
        looked_for = numbers.find("note", where=compare(q("/a"), end))

        with numbers.engine.connect() as connection:
            pasted = connection.execute(sa.text(looked_for.sql().replace(":", "\\:"))).all()

        assert [row.name for row in pasted] == looked_for.names()
        assert len(pasted) == sum(compare(value, end) for value in self.STORED)

    @pytest.mark.parametrize(
        ("ends", "expected"),
        [
            ([(operator.gt, 2), (operator.lt, 3)], ["04"]),
            ([(operator.lt, 3), (operator.gt, 2)], ["04"]),
            ([(operator.ge, -3), (operator.gt, -3), (operator.le, 2), (operator.lt, 2)], ["01", "02"]),
            ([(operator.lt, math.inf), (operator.ge, 2**63)], ["11", "13"]),
            ([(operator.gt, math.inf), (operator.ge, 2)], []),
            ([(operator.lt, 3), (operator.gt, 3)], []),
        ],
    )
    def test_is_one_of_several(self, numbers, ends, expected):
        conditions = [compare(q("/a"), end) for compare, end in ends]

        assert found(numbers, functools.reduce(operator.and_, conditions)) == expected


class TestADeepDocument:
    """Of 40 levels; MariaDB's JSON functions read 31."""

    @pytest.mark.parametrize("pointer", ["/a", "/b/0", "/z", "/deep/0/0"])
    def test_is_found_but_on_mariadb(self, indexed, backend, pointer):
        deep: Any = []
        for _ in range(39):
            deep = [deep]

        with holding(indexed, [{"a": 1, "b": [1], "deep": deep, "z": 1}]) as connection:
            for there in ({}, {each.pointer: each.name for each in indexes_in(connection)}):
                for asked in (q(pointer).exists(), q(pointer).in_([1, deep[0][0]])):
                    expected = [] if backend == "mariadb" else ["0"]
                    assert names(connection, query_of(indexed, asked, indexes=there)) == expected


class TestOrder:
    """What stands at a place puts rows in one order on every database."""

    NUMBERS = (-math.inf, -(10**25), -1e22, -1.5, -0.5, 0, 1e-7, 0.5, 1, 1.5, 1e17, 2**62, 10**25, 1e200, math.inf)
    TEXTS = ("", "A", "a", "a ", "b", "é", "\uffff", "😀")
    VALUES = (ABSENT, None, False, True, *NUMBERS, *TEXTS, [], {})

    @pytest.mark.parametrize("pointer", ["/a", "/0/a", '/x"y/-1', "/-"])
    def test_is_by_type_and_within_it_by_size(self, store, pointer):
        tokens = pointer[1:].split("/")
        bodies: list[JSON] = []
        for value in self.VALUES:
            body: Any = {} if value is ABSENT else {tokens[-1]: encode(value)}
            for token in tokens[-2::-1]:
                body = [body] if token == "0" else {token: body}
            bodies.append(body)
        places = places_of(store.engine.dialect.name)
        terms = order_terms(pointer, Rows(places, NOTE))

        with holding(store, bodies) as connection:
            query = sa.select(documents.c.name, *terms).order_by(*(term.desc() for term in terms), documents.c.id)
            rows = connection.execute(query).all()

        assert None not in {value for each in rows for value in each}
        assert [int(each.name) for each in reversed(rows)] == list(range(len(self.VALUES)))

    def test_of_numbers_that_no_double_holds_is_even(self, store):
        terms = order_terms("/a", Rows(places_of(store.engine.dialect.name), NOTE))
        large = [10**400, 2**2100, math.inf, 1.5e308, 10**305]

        with holding(store, [{"a": encode(sign * each)} for sign in (1, -1) for each in large]) as connection:
            found = {tuple(each) for each in connection.execute(sa.select(*terms))}

        assert found == {(4, sys.float_info.max, ""), (4, -sys.float_info.max, "")}

    def test_of_a_place_in_a_part_is_read_there(self, store):
        for name, status in (("one", 1), ("two", 2)):
            store.save(new_experiment(name, trials=status))
        terms = order_terms("/trials/1/index", Rows(places_of(store.engine.dialect.name), EXPERIMENT))

        with transaction(store.engine, write=False) as connection:
            query = sa.select(documents.c.name, *terms).where(documents.c.path == "").order_by(*terms)
            assert [tuple(each) for each in connection.execute(query)] == [("one", 0, 0.0, ""), ("two", 4, 1.0, "")]


class TestAVeryLargeCondition:
    """It is told before the database, or Python, gives up."""

    def count(self, store, where):
        store.put("note", "n", {"x": 3})
        return store.find("note", where=where).count()

    @pytest.mark.parametrize(("combine", "found"), [(operator.or_, 1), (operator.and_, 0)], ids=["or", "and"])
    def test_of_many_comparisons_is_asked(self, store, combine, found):
        assert self.count(store, functools.reduce(combine, [q("/x") == number for number in range(250)])) == found

    def test_of_too_many_is_refused(self, store):
        with pytest.raises(InvalidValueError, match="at most 250 times; in_"):
            self.count(store, functools.reduce(operator.or_, [q("/x") == number for number in range(251)]))
        with pytest.raises(InvalidValueError, match="at most 250 times; in_"):
            self.count(store, {f"/key {number}": 1 for number in range(251)})

    def test_negated_twice_is_itself(self):
        condition = q("/x") == 3

        assert ~~condition is condition

    @pytest.mark.parametrize("pointer", ["/0" * 9, "/a" * 253], ids=["numbers", "levels"])
    def test_a_pointer_of_too_many_tokens_is_refused(self, pointer):
        with pytest.raises(InvalidValueError, match=r"252 tokens, .* 8 of them that are numbers"):
            q(pointer)

    def test_a_pointer_of_many_is_asked(self, store):
        assert self.count(store, q("/0" * 8) == 1) == self.count(store, q("/a" * 252) == 1) == 0
