"""The documentation's table of what each backend holds and where its limits are: every line is backed by a test."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import unicodedata
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import EncodeError, InvalidValueError
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.sql import dialects, rows, tables
from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "reference" / "limits.md").read_text()

COLUMNS = {"file": "JSON file", "sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

# Lines that are backed by whole tests elsewhere: file, class.
ELSEWHERE = {
    "a connection lost in a save": ("test_lost_connections.py", "TestAConnectionLost"),
    "making the tables, interrupted, leaves": ("test_migrations.py", "TestAMigrationThatIsInterrupted"),
    "NaN in the views": ("test_views.py", "TestObservations"),
    "infinities in the views": ("test_views.py", "TestObservations"),
    "`document_json`": ("test_views.py", "TestDocumentJson"),
}


def table() -> dict[str, dict[str, str]]:
    """The table's lines, by what they are of; each a text by backend."""
    lines = PAGE.partition("\n| | JSON file |")[2].partition("\n\n")[0].splitlines()
    split = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in ["| | JSON file |" + lines[0], *lines[2:]]
    ]
    assert split[0][1:] == list(COLUMNS.values())
    return {name: dict(zip(COLUMNS, cells, strict=True)) for name, *cells in split[1:]}


TABLE = table()
BACKED: set[str] = set(ELSEWHERE)


def backs(line: str):
    """Mark a test as what the table's *line* rests on."""
    BACKED.add(line)
    return lambda test: test


def figure(line: str, backend: str) -> int:
    """The first number of a cell."""
    return int(re.match(r"[\d,]+", TABLE[line][backend])[0].replace(",", ""))


class TestTheTable:
    @pytest.mark.parametrize("line", sorted(TABLE))
    def test_has_a_test_for_this_line(self, line):
        assert line in BACKED

    def test_has_a_line_for_each_of_these_tests(self):
        assert BACKED - TABLE.keys() == set()

    @pytest.mark.parametrize(("file", "name"), sorted(set(ELSEWHERE.values())))
    def test_rests_on_tests_elsewhere_that_are_there(self, file, name):
        [path] = TESTS.rglob(file)
        classes = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}

        assert any(each.startswith(name) for each in classes)


@backs("tested with")
def test_the_database_is_one_that_docstore_was_tested_with(store, backend):
    with store.engine.connect() as connection:
        query = "SELECT sqlite_version()" if backend == "sqlite" else "SELECT version()"
        version = tuple(map(int, re.search(r"(\d+)\.(\d+)", connection.exec_driver_sql(query).scalar()).groups()))

    cell = TABLE["tested with"][backend]
    if backend == "sqlite":
        assert version >= tuple(map(int, re.search(r"(\d+)\.(\d+)", cell).groups()))
    else:
        assert re.search(rf"\b{version[0] if backend == 'postgresql' else '.'.join(map(str, version))}\b", cell)


@backs("driver")
@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb"])
def test_a_driver_comes_with_docstore_or_with_its_extra(backend):
    driver = TABLE["driver"][backend].split("`")[1]  # the one that a URL without a driver means

    wanted = [each for each in importlib.metadata.requires("docstore") if each.lower().startswith(driver.lower())]
    if backend == "sqlite":
        assert wanted == []  # it comes with Python
        assert importlib.import_module(driver).sqlite_version
    else:
        assert any("extra" not in each for each in wanted) == (backend == "postgresql")
        assert any(re.search(r"extra == .mysql", each) for each in wanted) == (backend == "mariadb")


@backs("JSON is kept as")
@pytest.mark.parametrize(("table", "column"), [("documents", "body"), ("versions", "changes")])
def test_the_type_of_a_json_column(store, backend, table, column):
    [found] = [each for each in sa.inspect(store.engine).get_columns(table) if each["name"] == column]

    assert str(found["type"]).split()[0] == TABLE["JSON is kept as"][backend]


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


class TestNesting:
    @backs("levels of nesting")
    def test_to_the_limit_comes_back(self, store, backend):
        value = nested(figure("levels of nesting", backend))

        store.put("note", "deep", value)

        assert store.get("deep", kind="note") == value

    def test_to_the_limit_can_be_replaced(self, store, backend):
        value = nested(figure("levels of nesting", backend))
        store.put("note", "deep", value)

        store.put("note", "deep", {"flat": 1})

        assert store.get("deep", kind="note", version=1) == value

    def test_beyond_it_is_refused_and_nothing_is_written(self, store, backend):
        with pytest.raises(EncodeError):
            store.put("note", "deep", nested(figure("levels of nesting", backend) + 1))

        assert store.find() == []

    def test_has_the_same_limit_in_a_file(self, tmp_path):
        # An experiment's own members are the first two levels.
        limit = figure("levels of nesting", "file") - 2
        save_experiment(new_experiment(properties={"deep": nested(limit)}), str(tmp_path / "a.json"))

        assert load_experiment(str(tmp_path / "a.json")).properties["deep"] == nested(limit)
        with pytest.raises(EncodeError):
            save_experiment(new_experiment(properties={"deep": nested(limit + 1)}), str(tmp_path / "a.json"))


@backs("bytes of a head, of a part, or of all old values that a save replaces")
def test_the_largest_text_is_what_the_table_says(store, backend):
    """That a larger one is refused, with its place, and nothing written, is tested in test_database_errors.py."""
    with dialects.transaction(store.engine, write=False) as connection:
        size, limit = dialects.backend_of(connection).largest_text(connection, b'a"b')

    assert limit == figure("bytes of a head, of a part, or of all old values that a save replaces", backend)
    assert size == (4 if backend == "mariadb" else 3)


class TestAName:
    @backs("characters of a name")
    def test_of_the_longest_comes_back(self, store, backend):
        name = "\U0001f370" * figure("characters of a name", backend)

        store.save(new_experiment(name))

        assert store.load(name).name == name

    def test_of_one_more_is_refused(self, store, backend):
        with pytest.raises(EncodeError, match=r"1 to 255 characters"):
            store.save(new_experiment("a" * (figure("characters of a name", backend) + 1)))

    def test_of_any_length_is_kept_in_a_file(self, tmp_path):
        save_experiment(new_experiment("a" * 100_000), str(tmp_path / "a.json"))

        assert load_experiment(str(tmp_path / "a.json")).name == "a" * 100_000

    @backs("names that differ only in case, accents or blanks at the end")
    @pytest.mark.parametrize(
        "other",
        ["CAFE\u0301", "cafe", "caf\u00e9 ", "caf\u00e9\t", unicodedata.normalize("NFD", "caf\u00e9")],
        ids=ascii,
    )
    def test_is_another_than_one_almost_like_it(self, store, backend, other):
        assert TABLE["names that differ only in case, accents or blanks at the end"][backend] == "are two"
        store.save(new_experiment("caf\u00e9"))

        store.save(new_experiment(other))

        assert {found.name for found in store.find()} == {"caf\u00e9", other}
        assert [found.name for found in store.find(name=other)] == [other]

    @backs("order of `find()`")
    def test_stands_in_the_order_of_code_points(self, store, backend):
        names = ["a", "B", "b ", "b", "\u00e4", "z", "Z", "_", "\uffee", "\U0001f370", "a b", "a-b", "10", "9"]
        for name in names:
            store.put("note", name, 1)

        assert [found.name for found in store.find(kind="note")] == sorted(names)


@backs("times of versions")
def test_a_time_is_kept_to_the_microsecond(store):
    store.put("note", "n", 1)
    moment = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
    with dialects.transaction(store.engine, write=True) as connection:
        connection.execute(tables.versions.update().values(created_at=moment))
        found = connection.execute(sa.select(tables.versions.c.created_at)).scalar_one()

    assert (found, found.tzinfo) == (moment, UTC)


class TestAnIntegerOfAType:
    @backs("integers of types and statuses")
    @pytest.mark.parametrize("power", [1, -1])
    def test_is_kept_to_the_limit(self, connect, database, backend, power):
        limit = 2 ** (figure("integers of types and statuses", backend) - 1)
        Kinds = Enum("Kinds", {"FAR": limit - 1 if power > 0 else -limit})
        store = connect(database, experiment_type_enum=Kinds)

        store.save(new_experiment(experiment_type="FAR"))

        assert [found.type for found in store.find(kind="experiment", type=Kinds.FAR)] == ["FAR"]

    @pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
    def test_beyond_it_is_refused(self, connect, database, value):
        with pytest.raises(InvalidValueError, match=r"32 bits"):
            connect(database, experiment_type_enum=Enum("Kinds", {"FAR": value}))

    def test_beyond_it_is_found_nowhere(self, store):
        store.save(new_experiment(experiment_type="FAR"))

        assert store.find(kind="experiment", type=2**70) == []


class TestAWriterInTheMidst:
    """It has read the document ``mine``, which it will write, and has not committed."""

    @pytest.fixture
    def writing(self, store):
        for name in ("mine", "yours"):
            store.save(new_experiment(name, trials=1))
        with dialects.transaction(store.engine, write=True) as connection:
            assert rows.head_named(connection, "default", "experiment", "mine")
            yield connection

    @pytest.fixture
    def other(self, store, connect, database):
        """Another process, with little patience."""
        other = connect(database)
        settings = {
            "sqlite": "PRAGMA busy_timeout = 100",
            "postgresql": "SET lock_timeout = 200",
            "mysql": "SET innodb_lock_wait_timeout = 1",
            "mariadb": "SET innodb_lock_wait_timeout = 1",
        }

        @sa.event.listens_for(other.engine, "checkout")
        def be_impatient(connection, record, proxy):
            cursor = connection.cursor()
            cursor.execute(settings[other.engine.dialect.name])
            cursor.close()
            if not hasattr(connection, "in_transaction"):
                connection.commit()

        return other

    @backs("writers wait for each other")
    def test_is_waited_for_as_the_table_says(self, other, backend, writing):
        yours = other.load("yours")
        yours.description = "mine"

        if TABLE["writers wait for each other"][backend].startswith("on one document"):
            assert other.save(yours).number == 2
        else:
            with pytest.raises(docstore.errors.DatabaseError):
                other.save(yours)

    def test_is_waited_for_on_its_document(self, other, writing):
        mine = other.load("mine")
        mine.description = "yours"

        with pytest.raises(docstore.errors.DatabaseError):
            other.save(mine)

    @backs("readers see one state, and wait for nobody")
    def test_is_not_waited_for_by_readers(self, other, writing):
        writing.execute(sa.text("UPDATE documents SET digest = 'half' WHERE path = '' AND name = 'mine'"))

        assert other.load("mine").name == "mine"

    def test_that_commits_is_not_seen_by_a_reader_who_was_there_before(self, store, connect, database):
        experiment = new_experiment("mine", trials=1)
        store.save(experiment)
        with dialects.transaction(connect(database).engine, write=False) as reader:
            before = rows.head_named(reader, "default", "experiment", "mine")

            experiment.description = "changed"
            store.save(experiment)

            assert rows.head_named(reader, "default", "experiment", "mine") == before


@backs("a save that fails leaves")
@pytest.mark.parametrize("sign", ["INSERT INTO versions", "INSERT INTO documents", "UPDATE documents"])
def test_a_save_that_fails_leaves_the_old_version(store, sign):
    experiment = new_experiment(trials=2)
    store.save(experiment)
    before = docstore.dumps(store.load("cakes"))
    experiment.trials[0].run_metadata["a"] = 1
    experiment.new_trial()

    def fail(connection, cursor, statement, parameters, context, executemany):
        if sign in statement:
            raise MemoryError

    sa.event.listen(store.engine, "after_cursor_execute", fail)
    with pytest.raises(MemoryError):
        store.save(experiment)
    sa.event.remove(store.engine, "after_cursor_execute", fail)

    assert docstore.dumps(store.load("cakes")) == before
    assert store.verify() == []
    assert store.save(experiment).number == 2
    assert identity(store.load("cakes")) == identity(experiment)


class TestAnOptionOfOneDatabase:
    @backs("`schema=`")
    def test_schema(self, connect, database, backend):
        if TABLE["`schema=`"][backend] == "yes":
            connect(database, schema="lab").put("note", "n", 1)
            assert connect(database).find() == []
        else:
            with pytest.raises(InvalidValueError, match=r"schema: 'lab' cannot be used"):
                connect(database, schema="lab")

    @backs("`body_index=`")
    def test_body_index(self, connect, database, backend):
        if TABLE["`body_index=`"][backend] == "yes":
            store = connect(database, body_index=True)
            names = {index["name"] for index in sa.inspect(store.engine).get_indexes("documents")}
            assert "documents_body" in names
        else:
            with pytest.raises(InvalidValueError, match=r"body_index: True cannot be used. Only PostgreSQL"):
                connect(database, body_index=True)
