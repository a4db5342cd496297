"""What a store promises of documents that one person saves, loads, finds and deletes."""

from __future__ import annotations

import gc
import math
import secrets
import sqlite3
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pymysql
import pytest
import sqlalchemy as sa
from administration import administrator
from backends import REMOTES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.schema import CreateSchema, DropSchema

import docstore
from docstore import Arm, GenerationNode, GenerationStrategy, GeneratorRun, Metric
from docstore.documents import canonical
from docstore.documents.patch import apply
from docstore.errors import (
    ConnectionLostError,
    DatabaseError,
    DecodeError,
    DocumentNotFoundError,
    EncodeError,
    InvalidValueError,
    UnknownCodeError,
)
from docstore.testing.experiments import add_trial, new_experiment, observe


@pytest.fixture
def store(shared_stores, backend):
    """A store in which nothing is; what is saved there is removed when the test ends."""
    with shared_stores.emptied(backend) as store:
        yield store


class ExperimentType(Enum):
    DEFAULT = 0
    BAKING = 7


class RunType(Enum):
    MANUAL = 1
    SOBOL = 5


def rows_of(store: docstore.Store) -> dict[str, list[tuple]]:
    """Every row of every table."""
    with store.engine.connect() as connection:
        tables = ("documents", "versions", "codes")
        return {table: sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}"))) for table in tables}


def with_everything(name: str = "cakes") -> docstore.Experiment:
    """An experiment of odd values: what JSON lacks, what databases change, text that needs care."""
    experiment = new_experiment(name, trials=2, description='it\'s "good" \\ \n\t\x7f ☃ \U0001f370')
    experiment.properties.update(
        nothing=None,
        numbers=[1, 1.0, True, -0.0, 0.1, 5e-324, 1e16, 1e300, 2**53 + 1, 2**64, -(2**63), math.inf, math.nan],
        tuples=(1, (2, [3])),
        odd={"a\x00b": "\ud800", "__type": "mine", "": ""},
        by_number={1: "one", None: "none"},
        when=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        exact=Decimal("1.50"),
        id=UUID(int=7),
        ordered=OrderedDict(b=1, a=2),
        binary=b"\x00\xff",
    )
    batch = experiment.new_batch_trial(should_add_status_quo_arm=False)
    batch.add_arm(Arm({"x": 1.0, "flour": "spelt"}), weight=2.0)
    observe(experiment, 0, math.inf)
    observe(experiment, 1, 1e20)
    return experiment


class TestNames:
    """A name is 1 to 255 characters, whatever they are, and none of them is like another."""

    def test_are_found_in_the_order_of_code_points(self, store):
        kinds = ["Note", "note", "n\u00f6te", "\uffff", "\U0001f370"]
        names = [
            "",
            " ",
            "-",
            "10",
            "2",
            "A",
            "Z",
            "_",
            "a",
            "a ",
            "aa",
            "z",
            "\u00c9",
            "\u00e9",
            "\uffff",
            "\U0001f370",
        ]
        documents = [(kind, f"n{name}") for kind in kinds for name in names]
        for kind, name in sorted(documents, key=lambda each: each[1][::-1]):
            store.put(kind, name, 1)

        assert [(info.kind, info.name) for info in store.find()] == sorted(documents)

    @pytest.mark.parametrize("name", ["a\0", "\ud800", "x" * 256], ids=ascii)
    @pytest.mark.parametrize("call", ["load", "get", "history", "delete", "undelete", "purge"])
    def test_one_that_no_document_has_is_not_there(self, store, call, name):
        store.save(new_experiment("a"))

        with pytest.raises(DocumentNotFoundError):
            getattr(store, call)(name)

    @pytest.mark.parametrize("name", ["a\0", "\ud800", "x" * 256], ids=ascii)
    def test_one_that_no_document_has_is_not_found(self, store, name):
        store.save(new_experiment("a"))

        assert store.find(name=name) == []

    @pytest.mark.parametrize("kind", ["a\0", "\ud800", "x" * 256, ""], ids=ascii)
    def test_a_kind_that_there_is_not_is_told_with_those_that_there_are(self, store, kind):
        store.put("note", "a", 1)

        with pytest.raises(InvalidValueError, match=r"Known kinds: 'analysis_card', .*'experiment', .*'note'"):
            store.find(kind=kind)

    @pytest.mark.parametrize(
        ("backend", "kind"),
        [
            ("sqlite", "a\0"),
            ("postgresql", "a\0"),
            ("mariadb", "a\0"),
            *((backend, "\ud800") for backend in ("sqlite", "postgresql", "mariadb")),
        ],
        ids=ascii,
        indirect=["backend"],
    )
    def test_a_kind_that_no_document_has_has_none(self, store, kind):
        with pytest.raises(DocumentNotFoundError):
            store.load("a", kind=kind)


@dataclass
class Unregistered:
    name: str


class TestAnObjectThatCannotBeSaved:
    """The error says what to do, and nothing is written."""

    @pytest.mark.parametrize(
        ("thing", "remedy"),
        [
            (Metric("taste"), r"a Metric is no document by itself.*put\(kind, name, value\)"),
            (new_experiment(trials=1).trials[0], r"a Trial is no document by itself.*save_trial\(experiment, trial\)"),
            ({"a": 1}, r"a dict is no document by itself.*put\(kind, name, value\)"),
            (Unregistered("n"), r"Unregistered is no document.*@docstore\.document\(kind='unregistered'\).*register"),
            (type("Mine", (docstore.Experiment,), {})(new_experiment().search_space, "m"), "RegistryBundle"),
        ],
        ids=["a part", "a trial", "plain JSON", "of an unregistered class", "of an unregistered subclass"],
    )
    def test_is_no_document(self, store, thing, remedy):
        with pytest.raises(EncodeError, match=remedy):
            store.save(thing)


def test_a_version_tells_a_person_what_it_is(store):
    experiment = new_experiment()
    store.save(experiment)
    add_trial(experiment)

    version = store.save(experiment, message="one")

    assert str(version) == f"version 2, {version.created_at:%Y-%m-%d %H:%M:%S}+00:00, {version.author}, 2 changes: one"


class TestAChangeInsideATrial:
    """One field of one trial, one of the head, and one observation."""

    @pytest.fixture
    def changed(self, store):
        experiment = new_experiment(trials=2)
        store.save(experiment)
        experiment.trials[1].run_metadata["oven"] = 3
        experiment.description = "now with salt"
        observe(experiment, 0, 0.5)
        return store.save(experiment)

    def test_is_told_in_words(self, store, changed):
        words = store.diff("cakes", 1, 2).words

        assert words[0] == 'description: null -> "now with salt"'
        assert words[-1] == "trial 1: run_metadata/oven 3 added"

    def test_is_kept_with_the_old_values_alone(self, changed):
        kept = {change.path: (change.op, change.old) for change in changed.changes}

        assert kept["/description"] == ("add", canonical.ABSENT)
        assert kept["/trials/1/run_metadata/oven"][0] == "add"


class TestGet:
    """The JSON of a document, for who has none of its classes."""

    @pytest.fixture
    def saved(self, store):
        experiment = with_everything()
        store.save(experiment)
        return experiment

    def test_gives_members_and_tagged_values(self, store, saved):
        got = store.get("cakes")

        assert (got["__type"], got["name"], got["status"]) == ("Experiment", "cakes", "DRAFT")
        assert got["properties"]["when"] == saved.properties["when"]

    @pytest.mark.parametrize("pointer", ["/nothing", "/trials/7", "/name/x", "name"])
    def test_says_where_a_pointer_leads_nowhere(self, store, saved, pointer):
        with pytest.raises(DecodeError, match=r"there is no value here|is not a pointer"):
            store.get("cakes", pointer=pointer)


class TestAValuePutUnderAName:
    """Any JSON value, and what docstore tags."""

    def test_is_reverted_under_its_own_name(self, store):
        store.put("note", "n1", {"name": "Bob", "x": 1})
        store.put("note", "n1", {"name": "Bob", "x": 2})

        store.revert("n1", 1, kind="note")

        assert store.get("n1", kind="note") == {"name": "Bob", "x": 1}

    @pytest.mark.parametrize(("old", "new"), [(1, "x"), ([1, 2, 3], [2, 3, 4]), ({"a": [0]}, {"a": [0, {"b": 1}]})])
    def test_gives_the_difference_as_a_patch(self, store, old, new):
        store.put("note", "n1", old)
        store.put("note", "n1", new)

        assert apply(old, store.diff("n1", 1, 2, kind="note").patch) == new


class TestFind:
    def test_needs_times_with_a_zone(self, store):
        with pytest.raises(InvalidValueError, match=r"created_at: .* Give it a time zone"):
            store.find(created=(datetime(2026, 1, 1), None))

    def test_says_which_types_there_are(self, database, connect):
        store = connect(database, experiment_type_enum=ExperimentType)

        with pytest.raises(UnknownCodeError, match=r"'BREWING'.*ExperimentType has DEFAULT, BAKING.*BREWING = 8"):
            store.find(kind="experiment", type="BREWING")


class TestTypesOfExperiments:
    """They are stored as integers, in an indexed column."""

    def column(self, store, column="type", path=""):
        with store.engine.connect() as connection:
            query = sa.text(f"SELECT {column} FROM documents WHERE path = :path ORDER BY name")
            return list(connection.execute(query, {"path": path}).scalars())

    def codes(self, store):
        return {(column, name): value for column, value, name in rows_of(store)["codes"]}

    def test_have_the_integers_of_the_enum(self, database, connect):
        store = connect(database, experiment_type_enum=ExperimentType)
        store.save(new_experiment(experiment_type=ExperimentType.BAKING))

        assert self.column(store) == [7]
        assert self.codes(store)["experiment_type", "BAKING"] == 7

    def test_may_be_of_an_int_enum(self, database, connect):
        kinds = IntEnum("kinds", {"CAKE": 3})
        store = connect(database, experiment_type_enum=kinds)
        store.save(new_experiment(experiment_type=kinds.CAKE))

        assert [info.name for info in store.find(kind="experiment", type=kinds.CAKE)] == ["cakes"]

    def test_are_found_by_name_without_an_enum(self, store):
        store.save(new_experiment(experiment_type="CAKE"))

        assert [info.type for info in store.find(kind="experiment", type="CAKE")] == ["CAKE"]
        assert store.find(kind="experiment", type="BREAD") == []

    def test_that_the_database_has_as_another_integer_are_not_stored(self, database, connect):
        connect(database).save(new_experiment("bread", experiment_type="BAKING"))
        store = connect(database, experiment_type_enum=ExperimentType)

        with pytest.raises(UnknownCodeError, match=r"gives it 7, and this database has it as 0. Write: BAKING = 0"):
            store.save(new_experiment(experiment_type="BAKING"))

    def test_of_generator_runs_stand_with_the_trial(self, database, connect):
        store = connect(database, generator_run_type_enum=RunType)
        experiment = new_experiment()
        run = GeneratorRun([Arm({"x": 0.5, "flour": "rye"})], type=RunType.SOBOL)
        experiment.new_trial(generator_run=run)
        store.save(experiment)

        assert self.column(store, path="/trials/0") == [5]

    def test_of_a_batchs_first_generator_run_stand_with_it(self, database, connect):
        store = connect(database, generator_run_type_enum=RunType)
        experiment = new_experiment()
        arms = [Arm({"x": x, "flour": "rye"}) for x in (0.25, 0.5)]
        experiment.new_batch_trial(generator_run=GeneratorRun(arms, type=RunType.SOBOL))
        store.save(experiment)

        assert self.column(store, path="/trials/0") == [5]

    def test_of_trials_are_their_statuses_integers(self, store):
        experiment = new_experiment(trials=1)
        store.save(experiment)

        assert self.column(store, "status", "/trials/0") == [3]


class Empty(Enum):
    DEFAULT: 0
    BAKING: 7


@pytest.mark.parametrize("argument", ["experiment_type_enum", "generator_run_type_enum"])
class TestAnEnumThatGivesNoIntegers:
    """It is refused before anything is opened, with what to write."""

    def test_has_annotations_where_members_were_meant(self, database, argument):
        with pytest.raises(
            InvalidValueError, match=r"equals sign.*Write: class Empty\(Enum\): DEFAULT = 0; BAKING = 7"
        ):
            docstore.connect(database, **{argument: Empty})

    def test_has_no_members_at_all(self, database, argument):
        with pytest.raises(InvalidValueError, match=r"has no members. Write: class Nothing\(Enum\): DEFAULT = 0"):
            docstore.connect(database, **{argument: Enum("Nothing", {})})

    @pytest.mark.parametrize("value", ["zero", True, 1.0, None])
    def test_has_a_member_that_is_no_integer(self, database, argument, value):
        with pytest.raises(InvalidValueError, match=rf"{argument}: Odd.A: .* Give it an integer, as in A = 0"):
            docstore.connect(database, **{argument: Enum("Odd", {"A": value})})


class TestAGenerationStrategy:
    """A document of its own, which belongs to the experiment that it names."""

    @pytest.fixture
    def strategy(self):
        return GenerationStrategy([GenerationNode("sobol"), GenerationNode("gp")], "gs", experiment_name="cakes")

    def test_may_come_before_its_owner(self, store, strategy):
        store.save(strategy)

        assert store.find(kind="generation_strategy")[0].owner is None

    def test_has_versions(self, store, strategy):
        store.save(strategy)
        strategy.current_node_name = "gp"
        store.save(strategy)

        assert store.load("cakes", kind="generation_strategy", version=1).current_node_name == "sobol"

    def test_has_no_trials_to_save(self, store, strategy):
        store.save(strategy)

        with pytest.raises(InvalidValueError, match=r"part of generation_strategy"):
            store.save_trial(strategy, GenerationNode("sobol"))


class TestADeletedDocument:
    """It was saved twice, then deleted."""

    @pytest.fixture
    def saved(self, store):
        experiment = new_experiment(trials=1)
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)
        store.delete("cakes")
        return experiment

    def test_purged_leaves_nothing(self, store, saved):
        store.purge("cakes")

        rows = rows_of(store)

        assert (rows["documents"], rows["versions"]) == ([], [])


class TestSaveTrial:
    """Of an experiment with two trials that was saved whole."""

    @pytest.fixture
    def experiment(self, store):
        experiment = new_experiment(trials=2)
        store.save(experiment)
        return experiment

    def test_saves_data_that_were_taken_away(self, store, experiment):
        del experiment._data[0]

        assert store.save_trial(experiment, experiment.trials[0]).places == ("/data/0",)
        assert store.load("cakes").data.trial_indices == {1}


class TestASaveThatIsInterrupted:
    """In the middle of its transaction: the database is as it was, and the object can be saved again."""

    @pytest.fixture
    def store(self, fresh_database, connect, backend):
        """A store whose connections nobody else goes on with."""
        return connect(fresh_database(backend))

    STATEMENTS = ("UPDATE documents", "INSERT INTO documents", "INSERT INTO versions", "DELETE FROM documents")

    @pytest.fixture
    def experiment(self, store):
        experiment = new_experiment(trials=3)
        store.save(experiment)
        add_trial(experiment)
        experiment.trials[0].run_metadata["a"] = 1
        del experiment._trials[2], experiment._data[2]
        return experiment

    def interrupt(self, store, event, sign, error):
        @sa.event.listens_for(store.engine, event)
        def interrupt(*arguments):
            if any(isinstance(argument, str) and sign in argument for argument in arguments):
                sa.event.remove(store.engine, event, interrupt)
                raise error

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
    @pytest.mark.parametrize(
        "events",
        [("before_cursor_execute",), ("do_execute", "do_executemany"), ("after_cursor_execute",)],
        ids=["before", "in", "after"],
    )
    @pytest.mark.parametrize("sign", STATEMENTS)
    def test_leaves_no_trace(self, store, experiment, events, sign, error):
        before = rows_of(store)
        for event in events:
            self.interrupt(store, event, sign, error)

        with pytest.raises(error):
            store.save(experiment)

        assert rows_of(store) == before

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    @pytest.mark.parametrize("sign", STATEMENTS)
    def test_is_made_good_by_the_next(self, store, experiment, sign, error):
        self.interrupt(store, "before_cursor_execute", sign, error)
        with pytest.raises(error):
            store.save(experiment)

        version = store.save(experiment)

        assert (version.number, version.digest) == (2, docstore.digest(experiment))
        assert store.verify() == []

    def test_the_first_of_all_is_made_good_too(self, store):
        experiment = new_experiment(trials=1)
        self.interrupt(store, "before_cursor_execute", "INSERT INTO versions", KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            store.save(experiment)

        assert store.save(experiment).number == 1

    # The interrupted pool has lost its connection; Python 3.13 says so when it is collected.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_after_it_was_committed_is_found_to_be_there(self, store, experiment):
        @sa.event.listens_for(store.engine, "checkin")
        def interrupt(*arguments):
            sa.event.remove(store.engine, "checkin", interrupt)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.save(experiment)

        gc.collect()
        assert (store.save(experiment).number, store.verify()) == (2, [])


class TestSeveralDatabasesAndProjects:
    """There is no global state behind a store."""

    def test_two_databases_know_nothing_of_each_other(self, connect, tmp_path):
        one, two = (connect(f"sqlite:///{tmp_path}/{name}.db") for name in ("one", "two"))
        experiment = new_experiment(trials=1)
        one.save(experiment)
        add_trial(experiment)

        assert two.save(experiment).number == 1
        assert one.save(experiment).number == 2

    def test_an_owner_is_of_the_same_project(self, database, connect):
        connect(database, project="ours").save(new_experiment())
        theirs = connect(database, project="theirs")
        theirs.save(GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="cakes"))

        assert theirs.find()[0].owner is None


class TestConnect:
    """By a URL, an Engine, or a function that makes connections."""

    def test_makes_the_tables_once(self, empty_database, connect):
        connect(empty_database).save(new_experiment())

        assert connect(empty_database).load("cakes").name == "cakes"

    def test_takes_a_url_object(self, database, connect):
        assert connect(sa.make_url(database)).save(new_experiment()).number == 1

    @pytest.mark.parametrize("options", [{}, {"url": "sqlite://", "creator": lambda: sqlite3.connect(":memory:")}])
    def test_takes_one_of_the_three(self, options):
        with pytest.raises(InvalidValueError, match=r"an Engine, or creator=..., and only one"):
            docstore.connect(**options)

    def test_refuses_a_database_that_it_does_not_know(self):
        with pytest.raises(InvalidValueError, match=r"docstore stores documents in SQLite, PostgreSQL"):
            docstore.connect("oracle://scott:tiger@host/db")

    def test_shows_the_database_and_the_project_and_no_password(self, database, connect):
        url = sa.make_url(database)

        shown = repr(connect(database, project="ours"))

        assert shown == f"Store({url.render_as_string(hide_password=True)!r}, project='ours')"
        assert not url.password or url.password not in shown


# The option came with Python 3.12. With True the driver's commit() does nothing: what was saved is lost.
SQLITES_AUTOCOMMIT = [("sqlite", {"autocommit": value}) for value in (True, False) if sys.version_info >= (3, 12)]


class TestAFunctionThatMakesConnections:
    """By the driver itself, as a user writes it."""

    @pytest.fixture
    def database(self, empty_database):
        """Its tables are made by way of that function, too."""
        return empty_database

    @pytest.fixture
    def made(self):
        """The connections that were made."""
        return []

    @pytest.fixture
    def creator(self, database, made):
        """The function."""
        url = sa.make_url(database)
        server = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}

        def creator(**options):
            match url.get_backend_name():
                case "sqlite":
                    connection = sqlite3.connect(url.database, check_same_thread=False, **options)
                case "postgresql":
                    connection = psycopg2.connect(
                        **server, dbname=url.database, options=url.query["options"], **options
                    )
                case _:
                    connection = pymysql.connect(**server, database=url.database, **options)
            made.append(connection)
            return connection

        return creator

    def test_gives_a_store_in_its_database(self, database, connect, creator):
        experiment = with_everything()
        store = connect(creator=creator)
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)

        other = connect(database)

        assert docstore.dumps(other.load("cakes")) == docstore.dumps(experiment)
        assert (other.load("cakes", version=1).num_trials, other.verify()) == (3, [])

    def test_finds_what_was_saved_by_the_url(self, database, connect, creator):
        experiment = with_everything()
        connect(database).save(experiment)

        assert docstore.dumps(connect(creator=creator).load("cakes")) == docstore.dumps(experiment)

    def test_is_called_once_where_one_connection_does(self, connect, creator, made):
        store = connect(creator=creator)
        for number in range(3):
            store.put("note", "n1", number)

        assert len(made) == 1

    def test_leaves_no_connection_open_when_the_store_is_closed(self, connect, creator, made):
        connect(creator=creator).close()

        # Each driver says it in its own words.
        with pytest.raises((sqlite3.ProgrammingError, psycopg2.InterfaceError, pymysql.err.InterfaceError)):
            made[0].cursor().execute("SELECT 1")

    @pytest.mark.parametrize(
        ("backend", "options"),
        [
            ("sqlite", {"isolation_level": None}),
            ("sqlite", {"isolation_level": "IMMEDIATE"}),
            *SQLITES_AUTOCOMMIT,
            ("sqlite", {"factory": type("Mine", (sqlite3.Connection,), {})}),
            ("postgresql", {"connection_factory": type("Mine", (psycopg2.extensions.connection,), {})}),
            ("postgresql", {"cursor_factory": psycopg2.extensions.cursor}),
            ("mariadb", {"autocommit": True}),
            ("mariadb", {"sql_mode": ""}),
        ],
        ids=str,
        indirect=["backend"],
    )
    def test_may_set_them_up_in_its_own_way(self, database, connect, creator, options):
        experiment = with_everything("\u2603" * 255)
        store = connect(creator=lambda: creator(**options))

        store.save(experiment)

        assert docstore.dumps(connect(database).load("\u2603" * 255)) == docstore.dumps(experiment)

    @pytest.mark.parametrize("charset", ["utf8mb3", "latin1"])
    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_with_a_charset_that_lacks_characters_loses_none(self, database, connect, creator, charset):
        store, experiment = connect(database), with_everything()

        connect(creator=lambda: creator(charset=charset)).save(experiment)

        assert docstore.dumps(store.load(experiment.name)) == docstore.dumps(experiment)

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_may_set_autocommit_where_it_is_an_attribute(self, database, connect, creator):
        def autocommitting():
            connection = creator()
            connection.autocommit = True
            return connection

        store = connect(creator=autocommitting)
        store.save(new_experiment(trials=2))

        assert connect(database).load("cakes").num_trials == 2

    def test_of_sqlites_may_lack_what_threads_need_and_that_is_told(self, connect):
        connection = sqlite3.connect(":memory:")
        store = connect(creator=lambda: connection)
        errors = []

        def save():
            try:
                store.save(new_experiment())
            except DatabaseError as error:
                errors.append(str(error))

        thread = threading.Thread(target=save)
        thread.start()
        thread.join()
        connection.close()

        assert "check_same_thread=False" in errors[0]

    @pytest.mark.parametrize("creator", [lambda: object(), lambda: None])
    def test_of_something_else_is_refused(self, creator):
        with pytest.raises(InvalidValueError, match=r"return a connection of psycopg, psycopg2, pymysql, sqlite3"):
            docstore.connect(creator=creator)


class TestAReadyEngine:
    """It is used as it is set up, and saves are as they are without it."""

    @pytest.fixture
    def database(self, empty_database):
        """Its tables are made by way of such an engine, too."""
        return empty_database

    @pytest.fixture(params=[{}, {"isolation_level": "AUTOCOMMIT"}, {"isolation_level": "SERIALIZABLE"}], ids=str)
    def engine(self, request, database):
        engine = sa.create_engine(database, **request.param)
        yield engine
        engine.dispose()

    @pytest.fixture
    def store(self, engine, connect):
        return connect(engine)

    def test_saves_and_loads_exactly(self, database, store, connect):
        experiment = with_everything()
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(experiment)
        assert docstore.dumps(connect(database).load("cakes")) == docstore.dumps(experiment)
        assert store.verify() == []

    def test_makes_a_change_and_merges_it_with_another(self, database, store, connect):
        store.save(new_experiment(trials=2))
        mine, other = store.load("cakes"), connect(database)
        theirs = other.load("cakes")
        theirs.trials[0].run_metadata["a"] = 1
        other.save(theirs)
        mine.trials[1].run_metadata["b"] = 2

        store.save(mine)

        assert docstore.dumps(mine) == docstore.dumps(other.load("cakes"))
        assert (mine.trials[0].run_metadata, store.verify()) == ({"a": 1}, [])

    @pytest.mark.parametrize("sign", ["INSERT INTO documents", "UPDATE documents", "INSERT INTO versions"])
    def test_saves_all_or_nothing(self, database, store, connect, sign):
        experiment = new_experiment(trials=3)
        store.save(experiment)
        before = rows_of(connect(database))
        experiment.trials[0].run_metadata["a"] = 1
        add_trial(experiment)

        @sa.event.listens_for(store.engine, "after_cursor_execute")
        def interrupt(connection, cursor, statement, parameters, context, executemany):
            if sign in statement:
                sa.event.remove(store.engine, "after_cursor_execute", interrupt)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            store.save(experiment)

        assert rows_of(connect(database)) == before
        assert store.save(experiment).number == 2

    def test_reads_one_state_throughout(self, database, store, connect):
        store.save(new_experiment(trials=2))
        other = connect(database)
        theirs = other.load("cakes")
        theirs.trials[0].run_metadata["a"] = 1
        saves = [lambda: other.save(theirs)]

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def save_meanwhile(connection, cursor, statement, parameters, context, executemany):
            if saves and statement.startswith("SELECT documents.path"):
                saves.pop()()

        assert store.load("cakes").trials[0].run_metadata == {}
        assert store.load("cakes").trials[0].run_metadata == {"a": 1}

    def test_keeps_what_each_of_many_threads_saves(self, store):
        store.save(new_experiment(trials=4))
        loaded = [store.load("cakes") for _ in range(4)]

        def save(number):
            for turn in range(3):
                loaded[number].trials[number].run_metadata[str(turn)] = number
                store.save_trial(loaded[number], loaded[number].trials[number])

        threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [len(trial.run_metadata) for trial in store.load("cakes").trials.values()] == [3] * 4
        assert store.verify() == []

    @pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
    def test_of_sqlite_may_begin_transactions_by_itself(self, tmp_path, connect, begin):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/lab.db")

        @sa.event.listens_for(engine, "connect")
        def no_begin_of_the_drivers(connection, record):
            connection.isolation_level = None

        @sa.event.listens_for(engine, "begin")
        def begin_it(connection):
            connection.exec_driver_sql(begin)

        assert connect(engine).save(new_experiment()).number == 1


class TestAFileOfSQLite:
    """It is set up for many writers, and keeps every save through a power cut unless told otherwise."""

    @pytest.fixture
    def file(self, tmp_path):
        return f"sqlite:///{tmp_path}/lab.db"

    def pragma(self, store, name):
        with store.engine.connect() as connection:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    def test_is_set_up_for_many_writers(self, file, connect):
        store = connect(file)

        assert [self.pragma(store, name) for name in ("journal_mode", "busy_timeout")] == ["wal", 30000]

    @pytest.mark.parametrize(("name", "number"), [("NORMAL", 1), ("FULL", 2), ("EXTRA", 3)])
    def test_has_the_durability_asked_for(self, file, connect, name, number):
        assert self.pragma(connect(file, synchronous=name), "synchronous") == number

    def test_has_the_full_durability_by_default(self, file, connect):
        assert self.pragma(connect(file), "synchronous") == 2

    def test_says_which_durability_there_is(self, file):
        with pytest.raises(InvalidValueError, match=r"'FULL' .the default., 'EXTRA' or 'NORMAL'"):
            docstore.connect(file, synchronous="OFF")

    def test_says_that_its_folder_is_missing(self, tmp_path):
        with pytest.raises(DatabaseError, match=r"unable to open database file. Does its folder exist"):
            docstore.connect(f"sqlite:///{tmp_path}/nowhere/lab.db")

    def test_says_that_it_is_something_else(self, tmp_path, file):
        (tmp_path / "lab.db").write_text("Dear diary, " * 1000)

        with pytest.raises(DatabaseError, match=r"file is not a database. This file has another format"):
            docstore.connect(file)


READS = {
    "load": (lambda store: store.load("cakes").num_trials, 1),
    "find": (lambda store: [info.name for info in store.find()], ["cakes"]),
    "history": (lambda store: len(store.history("cakes")), 1),
    "verify": (lambda store: store.verify(), []),
}
WRITES = {
    "save": (lambda store: store.save(new_experiment("bread")).number, 1),
    "put": (lambda store: store.put("note", "n1", 1).number, 1),
    "delete": (lambda store: store.delete("cakes"), None),
}


class TestAConnectionThatTheServerClosed:
    """While it was idle in the pool: as servers do after some hours, and when they are restarted."""

    @pytest.fixture(params=list(REMOTES))
    def backend(self, request):
        return request.param

    @pytest.fixture
    def idle(self, database, connect):
        """Makes a store with the one experiment, whose one connection the server has closed."""

        def idle(**options):
            store = connect(database, **options)
            store.save(new_experiment(trials=1))
            with store.engine.connect() as connection:
                driver = connection.connection.driver_connection
            with administrator(database) as other:
                if other.dialect.name == "postgresql":
                    # Waits until it is gone.
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({driver.info.backend_pid}, 10000)")
                else:
                    other.exec_driver_sql(f"KILL {driver.thread_id()}")
            return store

        return idle

    @pytest.mark.parametrize(("call", "given"), [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
    def test_is_not_noticed(self, idle, call, given):
        assert call(idle()) == given

    @pytest.mark.parametrize(("call", "given"), WRITES.values(), ids=WRITES)
    def test_is_not_noticed_by_who_writes_even_where_connections_are_not_tried(self, idle, call, given):
        assert call(idle(pool_pre_ping=False)) == given

    @pytest.mark.parametrize(("call", "given"), READS.values(), ids=READS)
    def test_is_told_once_to_who_reads_where_connections_are_not_tried(self, idle, call, given):
        store = idle(pool_pre_ping=False)

        with pytest.raises(ConnectionLostError, match=r"Is the server running\?"):
            call(store)

        assert call(store) == given

    @pytest.mark.parametrize(("options", "tried"), [({}, True), ({"pool_pre_ping": False}, False)], ids=str)
    def test_is_looked_for_unless_told_otherwise(self, database, connect, options, tried):
        assert connect(database, **options).engine.pool._pre_ping is tried


class TestASchema:
    """PostgreSQL's: a folder for tables in a database."""

    @pytest.fixture
    def named(self, postgresql):
        """Makes the name of a schema that is not there, and is dropped with all in it at the end."""
        names = []

        def named(name):
            names.append(f"{name} {secrets.token_hex(8)}")
            return names[-1]

        yield named
        with administrator(postgresql) as connection:
            for name in names:
                connection.execute(DropSchema(name, cascade=True, if_exists=True))

    def relations(self, url, schema=None):
        """What tables and views there are in a schema, or where the server looks first."""
        with administrator(url) as connection:
            inspector = sa.inspect(connection)
            return {*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)}

    @pytest.mark.parametrize(
        "name", ["lab", 'My "lab"', "it's", "100%", "%s", "%(id)s", "a.b", ":a", "LAB", "select", "\u00e9"]
    )
    def test_is_made_and_has_everything(self, postgresql, connect, named, name):
        schema = named(name)
        experiment = with_everything()
        store = connect(postgresql, schema=schema)
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)

        again = connect(postgresql, schema=schema)

        assert docstore.dumps(again.load("cakes")) == docstore.dumps(experiment)
        assert (again.load("cakes", version=1).num_trials, again.verify()) == (3, [])
        assert self.relations(postgresql, schema) >= {"documents", "versions", "codes", "experiments", "trials"}
        assert self.relations(postgresql) == set()

    def test_has_the_whole_life_of_a_document(self, postgresql, connect, named):
        schema = named("lab")
        store = connect(postgresql, schema=schema)
        experiment = new_experiment(trials=2, experiment_type="CAKE")
        store.save(experiment)
        store.save_trial(experiment, add_trial(experiment))
        store.revert("cakes", 1)
        store.delete("cakes")
        store.undelete("cakes")
        store.purge("cakes")

        assert (store.find(), store.verify(), self.relations(postgresql)) == ([], [], set())

    def test_may_be_there_already(self, postgresql, connect, named):
        schema = named("lab")
        with administrator(postgresql) as connection:
            connection.execute(CreateSchema(schema))

        assert connect(postgresql, schema=schema).save(new_experiment()).number == 1

    def test_has_views_that_show_what_is_in_it(self, postgresql, connect, named):
        schema = named('My "lab"')
        connect(postgresql, schema=schema).save(new_experiment(trials=2))

        with administrator(postgresql) as connection:
            trials = sa.table("trials", sa.column("experiment"), schema=schema)
            assert connection.execute(sa.select(trials.c.experiment)).scalars().all() == ["cakes", "cakes"]

    def test_knows_nothing_of_another(self, postgresql, connect, named):
        schemas = [named("ours"), named("theirs"), None]
        stores = [connect(postgresql, schema=schema) for schema in schemas]
        for store, schema in zip(stores, schemas, strict=True):
            store.save(new_experiment(description=str(schema), experiment_type=str(schema)))
        stores[1].purge("cakes")

        assert [[info.type for info in store.find()] for store in stores] == [[schemas[0]], [], ["None"]]
        assert [store.verify() for store in stores] == [[], [], []]

    def test_takes_an_object_of_another_for_a_new_one(self, postgresql, connect, named):
        experiment = new_experiment()
        connect(postgresql, schema=named("ours")).save(experiment)

        assert connect(postgresql, schema=named("theirs")).save(experiment).number == 1

    def test_is_reached_by_a_ready_engine_that_stays_as_it_is(self, postgresql, connect, named):
        schema = named('My "lab"')
        engine = sa.create_engine(postgresql)
        before = engine.get_execution_options()
        connect(engine, schema=schema).save(new_experiment(trials=1))

        assert connect(postgresql, schema=schema).load("cakes").num_trials == 1
        assert (engine.get_execution_options(), self.relations(postgresql)) == (before, set())

    def test_is_reached_by_a_function_that_makes_connections(self, postgresql, connect, named):
        schema = named('My "lab"')
        arguments, options = sa.make_url(postgresql).get_dialect()().create_connect_args(sa.make_url(postgresql))
        store = connect(creator=lambda: psycopg2.connect(*arguments, **options), schema=schema)
        store.save(new_experiment(trials=1))

        assert connect(postgresql, schema=schema).load("cakes").num_trials == 1
        assert self.relations(postgresql) == set()

    def test_has_the_index_of_bodies_that_is_asked_for(self, postgresql, connect, named):
        schema = named('My "lab"')
        for _ in range(2):
            connect(postgresql, schema=schema, body_index=True)

        with administrator(postgresql) as connection:
            indexes = {index["name"] for index in sa.inspect(connection).get_indexes("documents", schema=schema)}
        assert "documents_body" in indexes

    @pytest.mark.parametrize(
        "schema",
        [
            "",
            "x" * 64,
            "\u00e9" * 32,
            "a\0",
            7,
            "[lab]",
            "\ud800",
        ],
        ids=ascii,
    )
    def test_needs_a_name_that_the_server_takes(self, postgresql, schema):
        with pytest.raises(InvalidValueError, match=r"schema: .* Give a name of 1 to 63 bytes"):
            docstore.connect(postgresql, schema=schema)

    @pytest.mark.parametrize("backend", ["sqlite", "mariadb"], indirect=True)
    def test_is_refused_where_there_is_none(self, database):
        with pytest.raises(InvalidValueError, match=r"schema: 'lab' cannot be used. .* has none: name the database"):
            docstore.connect(database, schema="lab")


class TestADatabaseInMemory:
    """All threads share one connection to it."""

    @pytest.mark.parametrize(
        "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:lab?mode=memory&cache=shared&uri=true"]
    )
    def test_is_seen_by_every_thread(self, connect, url):
        store = connect(url)
        threads = [threading.Thread(target=store.put, args=("note", f"n{number}", number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [info.name for info in store.find()] == [f"n{number}" for number in range(8)]

    def test_is_not_lost_when_a_save_is_interrupted(self, connect):
        store = connect("sqlite://")
        store.save(new_experiment("bread"))

        @sa.event.listens_for(store.engine, "do_execute")
        def interrupt(cursor, statement, parameters, context):
            if statement.startswith("INSERT INTO versions"):
                sa.event.remove(store.engine, "do_execute", interrupt)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.save(new_experiment("cakes"))

        assert [info.name for info in store.find()] == ["bread"]

    def test_is_another_for_another_store(self, connect):
        connect("sqlite://").save(new_experiment())

        assert connect("sqlite://").find() == []


# --- edits of an experiment, by Hypothesis ---------------------------------------------------------------------------

_NUMBERS = st.one_of(st.floats(), st.integers(-(2**70), 2**70))
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), _NUMBERS, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4), st.tuples(inner)
    ),
    max_leaves=8,
)


def _pick(experiment, index):
    return experiment.trials[sorted(experiment.trials)[index % len(experiment.trials)]]


def _complete(experiment, index):
    trial = _pick(experiment, index)
    if not trial.status.is_terminal:
        trial.mark_running(no_runner_required=True, unsafe=True).mark_completed()


def _remove_trial(experiment, index):
    trial = _pick(experiment, index)
    del experiment._trials[trial.index]
    experiment._data.pop(trial.index, None)


ON_AN_EXPERIMENT = {
    "add a trial": lambda e, i, v: e.new_trial(parameters={"x": (len(e.trials) + i) / 2**20, "flour": "rye"}),
    "add a batch": lambda e, i, v: e.new_batch_trial(),
    "rename a metric": lambda e, i, v: e.remove_tracking_metric(e.tracking_metrics[0].name).add_tracking_metric(
        Metric(f"m{i}")
    ),
    "set a property": lambda e, i, v: e.properties.update({str(i): v}),
    "drop the properties": lambda e, i, v: e.properties.clear(),
    "describe": lambda e, i, v: setattr(e, "description", repr(v)),
}
ON_A_TRIAL = {
    "complete": lambda e, i, v: _complete(e, i),
    "note metadata": lambda e, i, v: _pick(e, i).run_metadata.update({str(i): v}),
    "remove a trial": lambda e, i, v: _remove_trial(e, i),
    "remove data": lambda e, i, v: e._data.pop(_pick(e, i).index, None),
    "observe": lambda e, i, v: _pick(e, i).arms and observe(e, _pick(e, i).index, float(i), f"m{i % 3}"),
}
EDITS = {**ON_AN_EXPERIMENT, **ON_A_TRIAL}


def edit(experiment, name, index, value):
    if name in ON_AN_EXPERIMENT or experiment.trials:
        EDITS[name](experiment, index, value)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    saves=st.lists(
        st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 9), _VALUES), max_size=4),
        min_size=1,
        max_size=6,
    )
)
def test_every_version_ever_saved_loads_back_exactly(store, saves):
    experiment = new_experiment(trials=2)
    store.save(experiment, on_conflict="overwrite")
    texts = {}
    for edits in saves:
        for name, index, value in edits:
            edit(experiment, name, index, value)
        version = store.save(experiment)
        texts[version.number] = docstore.dumps(experiment)
        assert version.digest == docstore.digest(experiment)

    loaded = {number: docstore.dumps(store.load("cakes", version=number)) for number in texts}
    text = canonical.loads(texts[min(texts)])
    patched = apply(text, store.diff("cakes", min(texts), max(texts)).patch)
    store.purge("cakes")

    assert loaded == texts
    assert canonical.dumps(patched) == texts[max(texts)]


class TestABatchWithRunsOfSeveralTypes:
    """Each generator run has a type; the first one's stands in the trial's row."""

    @pytest.fixture
    def experiment(self):
        experiment = new_experiment(trials=0)
        batch = experiment.new_batch_trial()
        for value, name in ((0.1, "DEFAULT"), (0.2, "LATER")):
            batch.add_arm(docstore.Arm({"x": value, "flour": "rye"}), generator_run_type=name)
        return experiment

    def test_has_an_integer_for_each(self, store, experiment):
        store.save(experiment)

        with store.engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT type_name, type FROM generator_runs ORDER BY position")).all()
        assert rows == [("DEFAULT", 0), ("LATER", 1)]

    def test_is_refused_where_the_enum_lacks_any(self, database, connect, experiment):
        class GeneratorRunType(Enum):
            DEFAULT = 0

        with pytest.raises(UnknownCodeError, match="LATER = 1"):
            connect(database, generator_run_type_enum=GeneratorRunType).save(experiment)


@pytest.mark.parametrize("kind", ["experiment", "trial", "data", "generation_strategy", "analysis_card"])
def test_a_kind_of_docstores_own_cannot_be_put(store, kind):
    with pytest.raises(InvalidValueError, match=r"use save\(\). Choose another kind"):
        store.put(kind, "mine", {"records": []})


@pytest.mark.parametrize("as_new", [False, True], ids=["new", "as_new"])
class TestAFirstSaveThatIsInterrupted:
    """After the COMMIT, before the caller knows: Ctrl-C while the connection goes back to the pool."""

    @pytest.fixture
    def store(self, fresh_database, connect, backend):
        """A store whose connections nobody else goes on with."""
        return connect(fresh_database(backend))

    @pytest.fixture
    def interrupted(self, store, as_new):
        experiment, left = new_experiment(trials=1), [KeyboardInterrupt]
        if as_new:
            experiment.name = "bread"
            store.save(experiment)
            experiment.name = "cakes"
            store.delete("bread")

        @sa.event.listens_for(store.engine, "reset")
        def interrupt(connection, record, state):
            if left:
                raise left.pop()

        with pytest.raises(KeyboardInterrupt):
            store.save(experiment, as_new=as_new)
        return experiment

    def test_is_known_to_the_next_save(self, store, interrupted):
        assert store.save(interrupted).number == 1
        assert [found.version for found in store.find()] == [1]

    def test_is_gone_on_from(self, store, interrupted):
        interrupted.description = "changed"

        assert store.save(interrupted).number == 2
        assert docstore.dumps(store.load("cakes")) == docstore.dumps(interrupted)
        assert store.verify() == []
