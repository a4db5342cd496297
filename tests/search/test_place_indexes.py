"""Indexes on places in documents: databases use them for what ``find`` asks, and none is in the way of a save."""

from __future__ import annotations

import contextlib
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from backends import BACKENDS
from counting import statements_of, steps_of
from test_conditions import encode, on_json, row

import docstore
from docstore.documents.kinds import EXPERIMENT, Kind
from docstore.errors import DatabaseError, InvalidValueError
from docstore.search import indexes
from docstore.search.compile import Rows, compiled
from docstore.search.conditions import q
from docstore.search.results import Found
from docstore.sql.dialects import backend_of, transaction
from docstore.sql.dialects.json_path import places_of
from docstore.sql.tables import documents, versions
from docstore.testing.experiments import new_experiment

CROWD = 3_000
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN", "mariadb": "EXPLAIN"}
NOTE = Kind("note")


def create(store, pointer, *, kind="note", part=None):
    return store.create_index(pointer, kind=kind, part=part)


def drop(store, pointer, *, kind="note", part=None):
    store.drop_index(pointer, kind=kind, part=part)


def query_of(store, connection, where, part=None):
    places = places_of(store.engine.dialect.name)
    there = {i.pointer: i.name for i in indexes.indexes_in(connection)} if places.reads_indexes else {}
    asked = compiled(on_json(where), Rows(places, EXPERIMENT if part else NOTE, part, there))
    which = documents.c.path != sa.literal_column("''") if part else documents.c.path == sa.literal_column("''")
    return sa.select(documents.c.id).where(which, documents.c.kind == (part or NOTE).name, asked)


def used(store, where, part=None) -> str:
    """What the database plans to do for a condition."""

    def ask() -> None:
        with transaction(store.engine, write=False) as connection:
            connection.execute(query_of(store, connection, where, part)).all()

    return planned(store, ask)


def planned(store, ask) -> str:
    """What the database plans to do for the last statement of what *ask* sends."""
    issued: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        issued.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    statement, parameters = issued[-1]
    with transaction(store.engine, write=False) as connection:
        explain = EXPLAIN[store.engine.dialect.name]
        plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(" ".join(map(str, step)) for step in plan)


def fill(store: docstore.Store, rows: Iterator[dict[str, Any]]) -> None:
    written = list(rows)
    history = {"version": 1, "author": "ada", "message": "", "changes": "[]", "digest": "", "chain": ""}
    with transaction(store.engine, write=True) as connection:
        backend_of(connection).insert_many(connection, documents, written)
        saved = ({"id": each["id"], "created_at": each["created_at"]} for each in written if not each["path"])
        backend_of(connection).insert_many(connection, versions, [{**history, **each} for each in saved])


def crowd(kind: str = "note") -> Iterator[dict[str, Any]]:
    for n in range(CROWD):
        body = encode({"properties": {"team": f"team {n}", "budget": n, "share": n / 7, "list": [n]}})
        yield row(f"n{n}", body, kind=kind)
        yield row(f"n{n}", body, path="/trials/0", kind="trial", id=f"n{n}".zfill(32))


SERVED = {
    "text": ("/properties/team", q("/properties/team") == "team 7"),
    "text in brackets": ("/properties/team", q("/properties/team") == "[7]"),
    "texts": ("/properties/team", q("/properties/team").in_(["team 7", "team 8"])),
    "number": ("/properties/budget", q("/properties/budget") == 7),
    "numbers": ("/properties/budget", q("/properties/budget").in_([7, 8.0])),
    "above": ("/properties/budget", q("/properties/budget") > CROWD - 10),
    "below": ("/properties/budget", q("/properties/budget") < 5.5),
    "between": ("/properties/share", (q("/properties/share") >= 1) & (q("/properties/share") <= 2)),
    "item": ("/properties/list/0", q("/properties/list/0") == 7),
}
"""What one index serves: the place that it is on, and the condition."""

EITHER = {
    "one or the other": ("/properties/budget", (q("/properties/budget") == 7) | (q("/properties/budget") == 8)),
    "of two places": ("/properties/team", (q("/properties/budget") == 7) | (q("/properties/team") == "team 8")),
    "one of two": ("/properties/budget", (q("/properties/budget") == 7) & q("/properties/share").exists()),
    "not one of a few": ("/properties/budget", ~(q("/properties/budget") == 7) & (q("/properties/budget") < 20)),
}
"""The same of several comparisons."""


@pytest.fixture(scope="class", params=[(name, part) for name in BACKENDS for part in (None, "trial")], ids=str)
def indexed(request, backends, tmp_path_factory):
    """A store of documents or of parts, and the name of each index: for all tests that only look."""
    backend, part = request.param
    kind = "experiment" if part else "note"
    file = tmp_path_factory.mktemp("indexed") / "lab.db"
    with backends.fresh(backend, file) as url, docstore.connect(url) as store:
        fill(store, crowd(kind))
        yield (
            store,
            kind,
            part,
            {pointer: create(store, pointer, kind=kind, part=part) for pointer, _ in SERVED.values()},
        )


class TestTheIndex:
    """Of three thousand documents, on a place that each has."""

    @pytest.mark.parametrize("rule", [None, EXPERIMENT.parts[0]], ids=["documents", "parts"])
    def test_is_used(self, fresh_database, connect, backend, rule):
        store = connect(fresh_database(backend))
        fill(store, crowd())
        kind, part = ("experiment", rule.name) if rule else ("note", None)
        before = {title: used(store, where, rule) for title, (_, where) in SERVED.items()}

        for indexed in dict.fromkeys(pointer for pointer, _ in SERVED.values()):
            name = create(store, indexed, kind=kind, part=part)
            for title, (pointer, where) in SERVED.items():
                if pointer == indexed:
                    assert name not in before[title], title
                    plan = used(store, where, rule)
                    assert name in plan, title
                    if store.engine.dialect.name == "sqlite":  # else it reads all of the kind, by the same index
                        assert plan.count(f"{name} (kind=? AND <expr>") == plan.count("SEARCH documents "), title
            drop(store, indexed, kind=kind, part=part)

    @pytest.mark.parametrize("look", [Found.count, Found.names, Found.page, Found.exists, list])
    def test_is_used_by_find(self, indexed, look):
        """Which has the rows in an order, of which the database may have another index, and binds some values later."""
        store, kind, part, created = indexed
        searches = [*SERVED.values(), *EITHER.values()]

        for pointer, where in searches:
            found = store.find(kind, part=part, where=where)
            assert created[pointer] in planned(store, lambda found=found: look(found)), where


class TestOneIndexTooMany:
    """MariaDB has 64 at most on a table, and each statement that alters one is a transaction of its own."""

    def test_leaves_nothing_behind(self, mariadb, connect):
        store = connect(mariadb)
        with pytest.raises(DatabaseError, match=r"Too many keys.*Nothing was changed"):
            fill_with_indexes(store)

        made = {index.name for index in store.indexes()}
        assert len(made) >= 28
        assert columns_of(store) == {f"{name}{what}" for name in made for what in ("_json", "_number")}

    def test_has_room_again_once_another_is_dropped(self, mariadb, connect):
        store = connect(mariadb)
        with contextlib.suppress(DatabaseError):
            fill_with_indexes(store)

        drop(store, "/properties/p3", kind="experiment")
        create(store, "/properties/one more", kind="experiment")

        assert "/properties/one more" in [index.pointer for index in store.indexes()]


def fill_with_indexes(store: docstore.Store) -> None:
    """Make indexes until there is no room for one more, and that is an error."""
    for number in range(40):
        create(store, f"/properties/p{number}", kind="experiment")


def columns_of(store: docstore.Store) -> set[str]:
    """The columns that indexes have on MariaDB."""
    query = sa.text(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = database() AND table_name = 'documents' AND column_name LIKE 'place\\_%'"
    )
    with store.engine.connect() as connection:
        return set(connection.execute(query).scalars())


class TestASearchByTheIndexOnSQLite:
    """Its plan does not say how much of an index is read; its steps are counted."""

    budget: ClassVar = q("/properties/budget")
    ENDS: ClassVar = [
        (budget > 7) & (budget < 12),
        (budget < 12) & (budget > 7),
        (budget >= 9) & (budget <= 10) & (budget > 2),
        (budget > CROWD - 5) & (budget <= sys.float_info.max),
    ]

    @pytest.fixture
    def crowded(self, shared_stores):
        with shared_stores.filled("sqlite", "crowd with indexes", self.fill) as store:
            yield store

    @staticmethod
    def fill(store: docstore.Store) -> None:
        fill(store, crowd())
        for pointer in dict.fromkeys(pointer for pointer, _ in SERVED.values()):
            create(store, pointer)

    @pytest.mark.parametrize("where", [*(where for _, where in (*SERVED.values(), *EITHER.values())), *ENDS], ids=repr)
    def test_takes_fewer_steps_than_there_are_documents(self, crowded, where):
        found = crowded.find("note", where=where)

        assert steps_of(crowded.engine, found.names) < CROWD


HOSTILE_KEYS = [
    *("%", "%s", "%(x)s", "'", "''", ";", "; DROP TABLE documents; --", ":a", "?", "$", "[0]", "*", "a.b", "é", "😀"),
    *(" ", "", "0", "01", "{a,b}", ",", "NULL", "/*", "`", "\x7f", "x" * 400, "{}", "(", "a-b", "@", "#", "~", "a/b"),
]

VALUES = [
    "x" * 1_000_000,
    "😀" * 300,
    "é" * 1000,
    '"\\' * 1000,
    "a\0b",
    "\ud800",
    "",
    [1] * 100_000,
    [[]] * 1000,
    [5e-324] * 100,
    {f"{n:05}": n for n in range(10_000)},
    {"__type": 5},
    "[" * 40,
    5e-324,
    -5e-324,
    1e-320,
    1.7976931348623157e308,
    -1.7976931348623157e308,
    math.inf,
    -math.inf,
    math.nan,
    -0.0,
    2**63 - 1,
    -(2**63),
    2**63,
    10**300,
    -(10**308),
    10**600,
    2**5000,
    -(2**5000),
    True,
    None,
    "1e999",
    "9" * 400,
    (1, 2),
    b"x" * 10_000,
    datetime(2026, 1, 1, tzinfo=UTC),
]


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


EVERYTHING = [*VALUES, *([value] for value in VALUES), deep(20), deep(40), deep(250)]


def put_all(store: docstore.Store, instead: Any = None) -> None:
    """Save a document of each value, or of *instead*."""
    for number, value in enumerate(EVERYTHING):
        store.put("note", f"n{number}", instead or {"a": value})


def got_all(store: docstore.Store) -> list[str]:
    return [repr(store.get(f"n{number}", kind="note")["a"]) for number in range(len(EVERYTHING))]


class TestASave:
    """Of documents with an index on a place."""

    def test_takes_any_value_there(self, store):
        store.put("note", "n", 1)
        for pointer in ("/a", "/a/0"):
            create(store, pointer)

        put_all(store, {"a": 1})
        put_all(store)

        assert got_all(store) == list(map(repr, EVERYTHING))
        assert store.verify() == []

    def test_may_have_been_before_the_index_was_made(self, store):
        put_all(store)

        for pointer in ("/a", "/a/0"):
            create(store, pointer)

        assert got_all(store) == list(map(repr, EVERYTHING))

    @pytest.mark.parametrize(
        "tagged",
        [
            {"__type": "float", "value": "1e+999"},
            {"__type": "float", "value": "9.9e+308"},
            {"__type": "float", "value": "garbage"},
            {"__type": "float", "value": "1" * 10_000},
            {"__type": "float", "value": 5},
            {"__type": "float", "value": None},
            {"__type": "float"},
            {"__type": "int", "value": "x"},
            {"__type": "int", "value": ""},
            {"__type": "int", "hex": 5},
            {"__type": "int", "value": [1]},
            {"__type": "int", "value": "9" * 290},
            {"__type": ["int"]},
            {"__type": None, "value": "1"},
        ],
        ids=lambda tagged: str(tagged)[:60],
    )
    def test_takes_what_looks_like_a_number_and_is_none(self, store, tagged):
        create(store, "/a", kind="experiment")

        with transaction(store.engine, write=True) as connection:
            backend_of(connection).insert_many(connection, documents, [row("n", {"a": tagged})])
        create(store, "/b", kind="experiment")

        for where in (q("/a") > 1, q("/a") < 2.5, q("/a") <= 10**400, q("/a") == 1, q("/a") >= -math.inf):
            with transaction(store.engine, write=False) as connection:
                assert connection.execute(query_of(store, connection, where)).all() in ([], [("n".zfill(32),)])

    def test_takes_the_longest_names_of_kinds(self, store):
        kind = "😀" * 64
        store.put(kind, "n", {"a": 1})
        create(store, "/a", kind=kind)

        store.put(kind, "n", {"a": "😀" * 400})

        assert store.get("n", kind=kind) == {"a": "😀" * 400}

    def test_of_an_experiment_goes_on_as_before(self, store):
        create(store, "/name", kind="experiment")
        create(store, "/index", kind="experiment", part="trial")
        experiment = new_experiment(trials=2)
        store.save(experiment)
        experiment.description = "with salt"
        del experiment._trials[1], experiment._data[1]
        store.save(experiment)

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(experiment)
        assert store.verify() == []


class TestIndexes:
    """Made, listed and dropped."""

    def test_are_listed(self, store):
        store.put("note", "n", 1)
        names = [create(store, "/b"), create(store, "/a"), create(store, "/index", kind="experiment", part="trial")]

        found = store.indexes()

        assert [(each.kind, each.part, each.pointer) for each in found] == [
            ("experiment", "trial", "/index"),
            ("note", None, "/a"),
            ("note", None, "/b"),
        ]
        assert {each.name for each in found} == set(names)
        assert all(re.fullmatch("place_[0-9a-f]{32}", name) for name in names)

    def test_are_made_once(self, store):
        assert create(store, "/name", kind="experiment") == create(store, "/name", kind="experiment")
        assert len(store.indexes()) == 1

    def test_of_a_field_of_parts_are_those_of_its_parts(self, store):
        one = create(store, "/index", kind="experiment", part="trials")

        assert one == create(store, "/index", kind="experiment", part="trial")
        drop(store, "/index", kind="experiment", part="trials")
        assert store.indexes() == []

    def test_of_parts_of_ones_own_are_named_by_field_or_kind_and_outlive_the_documents(self, store):
        @dataclass
        class Memo:
            title: str
            lines: dict[str, dict[str, int]]

        with docstore.registry.scope():
            docstore.document(kind="memo", name="title", parts=["/lines/*"])(Memo)
            store.save(Memo("m", {"a": {"x": 1}}))
            made = [create(store, "/x", kind="memo", part=part) for part in ("lines", "memo.lines")]
        assert create(store, "/x", kind="memo", part="lines") == made[0] == made[1]
        with pytest.raises(InvalidValueError, match=r"name a place inside them, with part='memo\.lines'\."):
            create(store, "/lines/a/x", kind="memo")
        store.purge("m", kind="memo")

        drop(store, "/x", kind="memo", part="lines")

        assert store.indexes() == []

    def test_are_dropped_and_made_again(self, store):
        name = create(store, "/name", kind="experiment")
        drop(store, "/name", kind="experiment")
        assert store.indexes() == []

        assert create(store, "/name", kind="experiment") == name
        store.save(new_experiment())

    def test_are_made_where_only_the_list_has_them(self, store):
        """As after someone dropped it by hand."""
        name = create(store, "/name", kind="experiment")
        with store.engine.begin() as connection:
            places_of(connection.dialect.name).drop_index(connection, indexes._table(), name)

        create(store, "/name", kind="experiment")

        assert name in in_database(store)

    @pytest.mark.parametrize("key", HOSTILE_KEYS)
    def test_are_of_any_key(self, store, key):
        pointer = "/" + key.replace("~", "~0").replace("/", "~1")
        store.put("note", "n", {key: "it's", "other": 1})
        store.put("note", "m", {key + "x": "it's"})
        name = create(store, pointer)

        with transaction(store.engine, write=False) as connection:
            query = query_of(store, connection, q(pointer) == "it's").with_only_columns(documents.c.name)
            assert connection.execute(query).scalars().all() == ["n"]
        assert name in in_database(store)
        drop(store, pointer)
        assert name not in in_database(store)

    @pytest.mark.parametrize("pointer", ["/-1", "/-", '/a"b', "/a\\b", "/a\nb", "/a/-x"])
    def test_are_of_no_key_of_which_some_database_has_none(self, store, pointer):
        with pytest.raises(
            InvalidValueError, match="Not every database has an index on a key that starts with a hyphen"
        ):
            create(store, pointer, kind="experiment")

    @pytest.mark.parametrize("pointer", ["", "/a\0b", "/\ud800", "/" + "x" * 1001])
    def test_are_of_a_place_inside(self, store, pointer):
        with pytest.raises(InvalidValueError, match=r"Name a place inside the document, in at most 1,000 characters"):
            create(store, pointer, kind="experiment")

    @pytest.mark.parametrize("pointer", ["a", 5, None, "/~x"])
    def test_are_of_a_pointer(self, store, pointer):
        with pytest.raises(InvalidValueError, match="Write a JSON pointer"):
            create(store, pointer, kind="experiment")

    @pytest.mark.parametrize("kind", ["nothing", "", "a\0b", 5, None, ["note"], {}])
    def test_are_of_a_kind_that_there_is(self, store, kind):
        store.put("note", "n", 1)

        with pytest.raises(
            InvalidValueError, match=r"Known kinds: 'analysis_card', 'experiment', 'generation_strategy', 'note'\."
        ):
            create(store, "/a", kind=kind)

    @pytest.mark.parametrize("part", ["nothing", "", "a\0b", 5, "experiment", ["trial"], {}])
    def test_are_of_a_part_that_there_is(self, store, part):
        with pytest.raises(InvalidValueError, match=r"part of experiment: .* Known parts: 'trial', 'data'\."):
            create(store, "/a", kind="experiment", part=part)

    @pytest.mark.parametrize("pointer", ["/trials", "/trials/0/status", "/data/0/records"])
    def test_of_what_is_in_parts_are_of_the_parts(self, store, pointer):
        with pytest.raises(InvalidValueError, match=r"name a place inside them, with part='(trial|data)'\."):
            create(store, pointer, kind="experiment")

    def test_that_are_not_there_are_not_dropped(self, store):
        create(store, "/name", kind="experiment")

        for pointer, options in (("/other", {}), ("/name", {"part": "trial"}), ("/name", {"kind": "note"})):
            with pytest.raises(InvalidValueError, match=r"Existing indexes: \('/name', kind='experiment'\)\."):
                drop(store, pointer, **{"kind": "experiment", **options})


def in_database(store) -> str:
    """The names of all indexes on the table."""
    query = {
        "sqlite": "SELECT name FROM sqlite_master",
        "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()",
        "mariadb": "SELECT index_name FROM information_schema.statistics WHERE table_schema = database()",
    }
    with store.engine.connect() as connection:
        return " ".join(connection.exec_driver_sql(query[store.engine.dialect.name]).scalars())


class TestASearchThatIsUsedAgain:
    """One result of find(), asked several times."""

    @pytest.fixture
    def search(self, store):
        for number in range(3):
            store.put("note", f"n{number}", {"a": number})
        create(store, "/a")
        return store.find("note", where=q("/a") >= 1)

    def test_reads_the_indexes_once_where_an_outdated_list_only_costs_time(self, store, backend, search):
        asked = [*statements_of(store.engine, search.count), *statements_of(store.engine, search.count)]

        times = {"sqlite": 1, "postgresql": 0, "mariadb": 2}[backend]
        assert len([each for each in asked if "FROM place_indexes" in each]) == times

    def test_finds_the_same_when_an_index_was_dropped_or_made_meanwhile(self, store, search):
        assert search.names() == ["n1", "n2"]
        drop(store, "/a")
        assert search.names() == ["n1", "n2"]
        create(store, "/a")
        assert (search.names(), search.count()) == (["n1", "n2"], 2)
