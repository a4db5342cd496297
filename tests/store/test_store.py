"""What a store promises of documents that one person saves, loads, finds and deletes."""

from __future__ import annotations

import gc
import math
import secrets
import sqlite3
import sys
import threading
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
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
from docstore import AnalysisCard, Arm, ExperimentStatus, GenerationNode, GenerationStrategy, GeneratorRun, Metric
from docstore.documents import canonical
from docstore.documents.patch import apply
from docstore.errors import (
    ConnectionLostError,
    DatabaseError,
    DecodeError,
    DocumentExistsError,
    DocumentNotFoundError,
    EncodeError,
    InvalidValueError,
    UnknownCodeError,
    UnknownTagError,
    VersionNotFoundError,
)
from docstore.json_store.load import load_experiment
from docstore.json_store.save import save_experiment
from docstore.testing.experiments import add_trial, new_experiment, new_multi_type_experiment, observe


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


class TestASavedExperiment:
    """It was saved once."""

    @pytest.mark.parametrize(
        "make",
        [new_experiment, lambda: new_experiment(trials=3), with_everything, new_multi_type_experiment],
        ids=["empty", "with trials", "with everything", "of several trial types"],
    )
    def test_is_loaded_exactly(self, store, make):
        experiment = make()
        store.save(experiment)

        loaded = store.load("cakes")

        assert type(loaded) is type(experiment)
        assert docstore.dumps(loaded) == docstore.dumps(experiment)

    def test_is_loaded_exactly_by_another_process(self, database, store, connect):
        experiment = with_everything()
        store.save(experiment)

        assert docstore.dumps(connect(database).load("cakes")) == docstore.dumps(experiment)

    def test_is_at_version_1(self, store):
        before = datetime.now(UTC)

        version = store.save(new_experiment(trials=1), message="first", author="ada")

        assert (version.number, version.message, version.author) == (1, "first", "ada")
        assert before <= version.created_at <= datetime.now(UTC)
        assert version.created_at.tzinfo is not None

    def test_has_the_digest_that_needs_no_database(self, store):
        experiment = with_everything()

        assert store.save(experiment).digest == docstore.digest(experiment)

    def test_has_the_digest_and_the_text_of_its_json_file(self, store, tmp_path):
        experiment = with_everything()
        save_experiment(experiment, tmp_path / "cakes.json")

        version = store.save(load_experiment(tmp_path / "cakes.json"))

        assert version.digest == docstore.digest(experiment)
        assert docstore.dumps(store.load("cakes")) == (tmp_path / "cakes.json").read_bytes()

    def test_is_not_changed_by_saving_it(self, store):
        experiment = with_everything()
        before = docstore.dumps(experiment)

        store.save(experiment)

        assert docstore.dumps(experiment) == before

    def test_is_by_whom_the_store_says_unless_the_call_does(self, database, connect):
        store = connect(database, author="ada")

        assert store.save(new_experiment()).author == "ada"

    def test_can_hold_a_class_of_the_users_own(self, database, connect):
        class Taste(Metric):
            pass

        experiment = new_experiment(tracking_metrics=[Taste("taste")])
        store = connect(database, bundle=docstore.RegistryBundle(metric_clss={Taste: None}))
        store.save(experiment)

        assert type(store.load("cakes").metrics["taste"]) is Taste

    def test_with_a_class_of_the_users_own_is_not_guessed_at(self, database, connect):
        class Taste(Metric):
            pass

        bundle = docstore.RegistryBundle(metric_clss={Taste: None})
        connect(database, bundle=bundle).save(new_experiment(tracking_metrics=[Taste("taste")]))

        with pytest.raises(UnknownTagError, match=r"/tracking_metrics/0.*'Taste'.*RegistryBundle"):
            connect(database).load("cakes")


class TestNames:
    """A name is 1 to 255 characters, whatever they are, and none of them is like another."""

    @pytest.mark.parametrize(
        "name",
        [
            "it's",
            'the "best"',
            "a/b~c",
            "a\\b",
            "%d",
            "%(x)s",
            ":x",
            " ",
            "\t",
            "x" * 255,
            "\U0001f370" * 255,
            "\u200d",
        ],
        ids=ascii,
    )
    def test_any_is_found(self, store, name):
        store.save(new_experiment(name))

        assert store.load(name).name == name
        assert [info.name for info in store.find(name=name)] == [name]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("cakes", "CAKES"),
            ("cakes", "cakes "),
            ("cakes", " cakes"),
            ("cafe", "caf\u00e9"),
            ("caf\u00e9", "cafe\u0301"),
            ("stra\u00dfe", "strasse"),
            ("\u0130", "i"),
            ("\U0001f370", "\U0001f382"),
            ("x", "x\u200d"),
            ("x" * 254, "x" * 255),
        ],
        ids=ascii,
    )
    def test_each_is_another_document(self, store, one, other):
        store.save(new_experiment(one, description="one"))

        store.save(new_experiment(other, description="other"))

        assert [store.load(name).description for name in (one, other)] == ["one", "other"]
        assert [[info.name for info in store.find(name=name)] for name in (one, other)] == [[one], [other]]

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


class TestAnObjectThatCannotBeSaved:
    """The error says what to do, and nothing is written."""

    @pytest.mark.parametrize("name", [None, "x" * 256, "a\0", "\ud800"], ids=ascii)
    def test_lacks_a_name_that_fits(self, store, name):
        with pytest.raises(EncodeError, match=r"at /name: this experiment needs a name of 1 to 255 characters"):
            store.save(new_experiment(name))

        assert store.find() == []

    @pytest.mark.parametrize(
        ("thing", "remedy"),
        [
            (Metric("taste"), r"a Metric is no document by itself.*put\(kind, name, value\)"),
            ({"a": 1}, "dict is not registered"),
            (type("Mine", (docstore.Experiment,), {})(new_experiment().search_space, "m"), "RegistryBundle"),
        ],
        ids=["a part", "plain JSON", "of an unregistered class"],
    )
    def test_is_no_document(self, store, thing, remedy):
        with pytest.raises(EncodeError, match=remedy):
            store.save(thing)

    def test_holds_something_that_cannot_be_written(self, store):
        experiment = new_experiment(trials=1)
        store.save(experiment)
        before = rows_of(store)
        add_trial(experiment)
        experiment.trials[0].run_metadata["handle"] = object()

        with pytest.raises(EncodeError, match=r"at /trials/0/run_metadata/handle: builtins.object"):
            store.save(experiment)

        assert rows_of(store) == before

    @pytest.mark.parametrize("arguments", [{"author": "x" * 256}, {"author": "a\0"}, {"message": "\ud800"}])
    def test_comes_with_a_note_that_not_every_database_takes(self, store, arguments):
        with pytest.raises(InvalidValueError, match=r"without NUL or lone surrogates"):
            store.save(new_experiment(), **arguments)

        assert store.find() == []

    @pytest.mark.parametrize("project", ["", "x" * 101, "a\0", None])
    def test_would_be_of_a_project_without_a_name_that_fits(self, database, project):
        with pytest.raises(InvalidValueError, match=r"project: .*1 to 100 characters"):
            docstore.connect(database, project=project)


class TestAnExperimentSavedThreeTimes:
    """First empty, then with one trial, then with two."""

    @pytest.fixture
    def saved(self, store):
        experiment = new_experiment()
        texts, versions = [], []
        for message in ("empty", "one", "two"):
            versions.append(store.save(experiment, message=message))
            texts.append(docstore.dumps(experiment))
            add_trial(experiment)
        return texts, versions

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_is_loaded_as_each_version(self, store, saved, number):
        texts, _ = saved

        assert docstore.dumps(store.load("cakes", version=number)) == texts[number - 1]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_is_loaded_as_it_stood_at_the_very_time_of_a_version(self, store, saved, number):
        texts, versions = saved

        assert docstore.dumps(store.load("cakes", at=versions[number - 1].created_at)) == texts[number - 1]

    @pytest.mark.parametrize("number", [2, 3])
    def test_is_loaded_as_it_stood_just_before_a_version(self, store, saved, number):
        texts, versions = saved
        moment = versions[number - 1].created_at - timedelta(microseconds=1)

        assert docstore.dumps(store.load("cakes", at=moment)) == texts[number - 2]

    def test_is_the_newest_at_any_later_time_in_any_zone(self, store, saved):
        texts, versions = saved
        moment = versions[2].created_at.astimezone(tz=None) + timedelta(days=1)

        assert docstore.dumps(store.load("cakes", at=moment)) == texts[2]

    def test_was_not_there_before_the_first(self, store, saved):
        _, versions = saved
        moment = versions[0].created_at - timedelta(microseconds=1)

        with pytest.raises(
            VersionNotFoundError, match=r"versions 1 to 3, and none is from .* or before.*history\('cakes'\)"
        ):
            store.load("cakes", at=moment)

    @pytest.mark.parametrize(
        ("moment", "problem"),
        [
            (datetime(2026, 1, 31), r"Give it a time zone, as in datetime\("),
            ("2026-01-31", "Give a time with a zone"),
            (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "the years 1 to 9999"),
        ],
        ids=["no zone", "text", "before all"],
    )
    def test_needs_a_time_with_a_zone(self, store, saved, moment, problem):
        with pytest.raises(InvalidValueError, match=f"at: .* {problem}"):
            store.load("cakes", at=moment)

    def test_is_not_asked_for_by_version_and_time_at_once(self, store, saved):
        with pytest.raises(InvalidValueError, match=r"Give it or version=1, not both"):
            store.load("cakes", version=1, at=datetime.now(UTC))

    @pytest.mark.parametrize("number", [0, -1, 4])
    def test_has_no_other_version(self, store, saved, number):
        with pytest.raises(VersionNotFoundError, match=r"has versions 1 to 3, and none is"):
            store.load("cakes", version=number)

    def test_tells_its_history_newest_first(self, store, saved):
        _, versions = saved

        assert store.history("cakes") == versions[::-1]

    def test_tells_a_person_what_each_version_is(self, store, saved):
        newest = store.history("cakes")[0]

        assert str(newest) == f"version 3, {newest.created_at:%Y-%m-%d %H:%M:%S}+00:00, {newest.author}, 2 changes: two"

    def test_names_the_places_that_a_version_changed(self, store, saved):
        assert store.history("cakes")[0].places == ("/data/1", "/trials/1")

    def test_has_a_digest_for_each_version(self, store, saved):
        digests = [docstore.digest(store.load("cakes", version=number)) for number in (3, 2, 1)]

        assert [version.digest for version in store.history("cakes")] == digests

    def test_says_the_difference_in_words(self, store, saved):
        assert str(store.diff("cakes", 1, 3)) == (
            "trial 0: added, COMPLETED, arm 0_0 (x 0.0, flour rye)\n"
            "trial 0: taste nan (sem 0.25) added\n"
            "trial 1: added, COMPLETED, arm 1_0 (x 9.5367431640625e-7, flour rye)\n"
            "trial 1: taste nan (sem 0.25) added"
        )

    def test_says_the_difference_backwards_too(self, store, saved):
        assert store.diff("cakes", 3, 2).words == (
            "trial 1: removed, COMPLETED, arm 1_0 (x 9.5367431640625e-7, flour rye)",
            "trial 1: taste nan (sem 0.25) removed",
        )

    def test_has_no_difference_from_itself(self, store, saved):
        diff = store.diff("cakes", 2, 2)

        assert (str(diff), diff.changes, diff.patch) == ("no difference", (), ())

    @pytest.mark.parametrize(("a", "b"), [(1, 2), (1, 3), (3, 1), (2, 3), (2, 2)])
    def test_gives_the_difference_as_a_patch_from_one_to_the_other(self, store, saved, a, b):
        texts, _ = saved
        old, new = (canonical.loads(texts[number - 1]) for number in (a, b))

        assert canonical.dumps(apply(old, store.diff("cakes", a, b).patch)) == canonical.dumps(new)

    def test_reverted_is_as_it_was_then(self, store, saved):
        texts, _ = saved

        version = store.revert("cakes", 1)

        assert (version.number, version.message) == (4, "revert to version 1")
        assert docstore.dumps(store.load("cakes")) == texts[0]

    def test_reverted_keeps_its_history(self, store, saved):
        texts, _ = saved
        store.revert("cakes", 1)

        assert docstore.dumps(store.load("cakes", version=3)) == texts[2]

    def test_reverted_to_what_it_is_makes_no_version(self, store, saved):
        assert store.revert("cakes", 3).number == 3

    def test_is_not_reverted_to_a_version_that_it_lacks(self, store, saved):
        with pytest.raises(VersionNotFoundError, match=r"none is 9"):
            store.revert("cakes", 9)


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

        assert kept["/description"] == ("replace", None)
        assert kept["/trials/1/run_metadata/oven"][0] == "add"

    def test_does_not_touch_the_version_before(self, store, changed):
        assert store.load("cakes", version=1).trials[1].run_metadata == {}


class TestGet:
    """The JSON of a document, for who has none of its classes."""

    @pytest.fixture
    def saved(self, store):
        experiment = with_everything()
        store.save(experiment)
        experiment.properties["tuples"] = ()
        return experiment, store.save(experiment)

    def test_gives_members_and_tagged_values(self, store, saved):
        experiment, _ = saved

        got = store.get("cakes")

        assert (got["__type"], got["name"], got["status"]) == ("Experiment", "cakes", "DRAFT")
        assert got["properties"]["when"] == experiment.properties["when"]

    @pytest.mark.parametrize(
        ("pointer", "value"),
        [
            ("/name", "cakes"),
            ("/trials/1/status", "COMPLETED"),
            ("/trials/2/generator_runs/0/arms/0/parameters", {"x": 1.0, "flour": "spelt"}),
            ("/data/1/records/0/mean", 1e20),
            ("/properties/exact", Decimal("1.50")),
            ("/properties/binary", b"\x00\xff"),
        ],
    )
    def test_gives_what_stands_at_a_pointer(self, store, saved, pointer, value):
        got = store.get("cakes", pointer=pointer)

        assert (type(got), got) == (type(value), value)

    def test_gives_what_stood_at_a_pointer_in_a_version(self, store, saved):
        assert store.get("cakes", pointer="/properties/tuples", version=1) == (1, (2, [3]))

    def test_gives_what_stood_at_a_pointer_at_a_time(self, store, saved):
        _, newest = saved
        moment = newest.created_at - timedelta(microseconds=1)

        assert store.get("cakes", pointer="/properties/tuples", at=moment) == (1, (2, [3]))

    @pytest.mark.parametrize("pointer", ["/nothing", "/trials/7", "/name/x", "name"])
    def test_says_where_a_pointer_leads_nowhere(self, store, saved, pointer):
        with pytest.raises(DecodeError, match=r"nothing stands here|is not a pointer"):
            store.get("cakes", pointer=pointer)

    def test_needs_no_class_of_the_users_own(self, database, connect):
        class Taste(Metric):
            pass

        bundle = docstore.RegistryBundle(metric_clss={Taste: None})
        connect(database, bundle=bundle).save(new_experiment(tracking_metrics=[Taste("taste")]))

        assert connect(database).get("cakes", pointer="/tracking_metrics/0/__type") == "Taste"


VALUES = [
    None,
    True,
    0,
    1,
    1.0,
    1.50,
    -0.0,
    1e300,
    5e-324,
    2**53 + 1,
    10**30,
    math.nan,
    -math.inf,
    "",
    "x",
    "null",
    "a\0\ud800",
    [],
    [1, 1.0, True, [None]],
    {},
    {"": [], "name": "another", "trials": {"0": {}}, "type": 1},
    {"__type": "Experiment"},
    {"__format": 1, "a": 2},
    {"__format": 99},
    (1, {2}),
    {1: "one"},
    Decimal("1.50"),
    datetime(2026, 1, 2, tzinfo=UTC),
]


class TestAValuePutUnderAName:
    """Any JSON value, and what docstore tags."""

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_comes_back_as_it_went_in(self, store, value):
        store.put("note", "n1", value)

        got = store.get("n1", kind="note")

        assert (type(got), repr(got)) == (type(value), repr(value))

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_is_loaded_as_it_is_got(self, store, value):
        store.put("note", "n1", value)

        assert repr(store.load("n1", kind="note")) == repr(value)

    @pytest.mark.parametrize("value", VALUES, ids=repr)
    def test_takes_the_place_of_another_and_leaves_it_in_the_history(self, store, value):
        store.put("note", "n1", {"old": 1})

        store.put("note", "n1", value)

        assert repr(store.get("n1", kind="note", version=1)) == "{'old': 1}"
        assert store.verify() == []

    @pytest.mark.parametrize(("old", "new"), [(1, 1.0), (1, True), (0.0, -0.0), ([1], [True]), ("1", 1), (None, False)])
    def test_is_a_new_version_where_only_the_type_differs(self, store, old, new):
        store.put("note", "n1", old)

        assert store.put("note", "n1", new).number == 2

    def test_is_no_new_version_where_nothing_differs(self, store):
        store.put("note", "n1", {"a": math.nan})

        assert store.put("note", "n1", {"a": math.nan}).number == 1

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

    @pytest.mark.parametrize("kind", ["experiment", "generation_strategy", "analysis_card"])
    def test_is_not_of_a_kind_that_is_made_of_objects(self, store, kind):
        with pytest.raises(InvalidValueError, match=r"use save\(\). Choose another kind"):
            store.put(kind, "n1", {})

    @pytest.mark.parametrize(
        ("kind", "name"), [("", "n1"), ("note", ""), ("x" * 65, "n"), ("note", "a\0"), ("note", 1)]
    )
    def test_needs_a_kind_and_a_name_that_fit(self, store, kind, name):
        with pytest.raises(InvalidValueError, match=r"Give a text of 1 to"):
            store.put(kind, name, {})

    def test_is_not_an_object_of_an_unknown_class(self, store):
        with pytest.raises(EncodeError, match=r"at /a/0: builtins.object cannot be written"):
            store.put("note", "n1", {"a": [object()]})

    def test_is_told_apart_by_its_kind(self, store):
        store.put("note", "n1", "a note")
        store.put("memo", "n1", "a memo")

        assert store.get("n1", kind="note") == "a note"


class TestFind:
    """An experiment of each of two types, a draft and a completed one, and a note."""

    @pytest.fixture
    def store(self, database, connect):
        store = connect(database, experiment_type_enum=ExperimentType)
        done = new_experiment("cakes", experiment_type=ExperimentType.BAKING)
        done.status = ExperimentStatus.COMPLETED
        store.save(done)
        store.save(new_experiment("bread", experiment_type="DEFAULT"))
        store.put("note", "n1", 1)
        return store

    def names(self, store, **criteria):
        return [info.name for info in store.find(**criteria)]

    def test_gives_all_by_kind_and_name(self, store):
        assert self.names(store) == ["bread", "cakes", "n1"]

    def test_tells_all_that_the_columns_say(self, store):
        [info] = store.find(name="cakes")
        [version] = store.history("cakes")

        assert (info.project, info.kind, info.name) == ("default", "experiment", "cakes")
        assert (info.type, info.status, info.owner, info.model) == ("BAKING", "COMPLETED", None, "docstore")
        assert (info.version, info.created_at, info.updated_at, info.deleted_at) == (
            1,
            version.created_at,
            version.created_at,
            None,
        )

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            ({"kind": "experiment"}, ["bread", "cakes"]),
            ({"kind": "note"}, ["n1"]),
            ({"name": "cakes"}, ["cakes"]),
            ({"name": "cake"}, []),
            ({"type": ExperimentType.BAKING}, ["cakes"]),
            ({"type": "BAKING"}, ["cakes"]),
            ({"type": 7}, ["cakes"]),
            ({"type": 0}, ["bread"]),
            ({"type": 99}, []),
            ({"status": ExperimentStatus.COMPLETED}, ["cakes"]),
            ({"status": "DRAFT"}, ["bread"]),
            ({"status": 0}, ["bread"]),
            ({"status": ["DRAFT", ExperimentStatus.COMPLETED]}, ["bread", "cakes"]),
            ({"status": ["OPTIMIZATION"]}, []),
            ({"status": []}, []),
            ({"type": "BAKING", "status": "DRAFT"}, []),
            ({"deleted": True}, []),
        ],
        ids=str,
    )
    def test_finds_by(self, store, criteria, found):
        if {"type", "status"} & criteria.keys():
            criteria = {"kind": "experiment", **criteria}

        assert self.names(store, **criteria) == found

    @pytest.mark.parametrize("column", ["created", "updated"])
    def test_finds_by_time_from_the_first_to_before_the_second(self, store, column):
        first, second = (store.history(name)[0].created_at for name in ("cakes", "bread"))

        assert self.names(store, kind="experiment", **{column: (first, second)}) == ["cakes"]
        assert self.names(store, kind="experiment", **{column: (second, None)}) == ["bread"]
        assert self.names(store, kind="experiment", **{column: (None, first)}) == []

    def test_finds_by_the_time_of_the_last_save(self, store):
        loaded = store.load("cakes")
        loaded.description = "later"
        moment = store.save(loaded).created_at

        assert self.names(store, updated=(moment, None)) == ["cakes"]
        assert self.names(store, created=(moment, None)) == []

    def test_needs_times_with_a_zone(self, store):
        with pytest.raises(InvalidValueError, match=r"created_at: .* Give it a time zone"):
            store.find(created=(datetime(2026, 1, 1), None))

    @pytest.mark.parametrize("criteria", [{"type": "DEFAULT"}, {"kind": "note", "status": "DRAFT"}])
    def test_needs_a_kind_that_has_what_is_asked_for(self, store, criteria):
        with pytest.raises(InvalidValueError, match=r"Say kind='experiment'"):
            store.find(**criteria)

    def test_says_which_types_there_are(self, store):
        with pytest.raises(UnknownCodeError, match=r"'BREWING'.*ExperimentType has DEFAULT, BAKING.*BREWING = 8"):
            store.find(kind="experiment", type="BREWING")

    def test_finds_nothing_of_a_status_that_nothing_ever_had(self, store):
        assert self.names(store, kind="experiment", status=ExperimentStatus.OPTIMIZATION) == []

    def test_finds_by_the_type_it_has_now(self, store):
        loaded = store.load("cakes")
        loaded.experiment_type = "DEFAULT"
        store.save(loaded)

        assert self.names(store, kind="experiment", type="DEFAULT") == ["bread", "cakes"]


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

    def test_get_the_next_free_integer_without_an_enum(self, store):
        for name, kind in (("a", "CAKE"), ("b", "BREAD"), ("c", "CAKE"), ("d", None)):
            store.save(new_experiment(name, experiment_type=kind))

        assert self.column(store) == [0, 1, 0, None]

    def test_are_found_by_name_without_an_enum(self, store):
        store.save(new_experiment(experiment_type="CAKE"))

        assert [info.type for info in store.find(kind="experiment", type="CAKE")] == ["CAKE"]
        assert store.find(kind="experiment", type="BREAD") == []

    def test_that_the_enum_lacks_are_told_with_the_line_to_write(self, database, connect):
        store = connect(database, experiment_type_enum=ExperimentType)

        with pytest.raises(UnknownCodeError, match=r"'BREWING'.*class ExperimentType\(Enum\): ... BREWING = 8"):
            store.save(new_experiment(experiment_type="BREWING"))

        assert store.find() == []

    def test_that_the_database_has_as_another_integer_are_not_stored(self, database, connect):
        connect(database).save(new_experiment("bread", experiment_type="BAKING"))
        store = connect(database, experiment_type_enum=ExperimentType)

        with pytest.raises(UnknownCodeError, match=r"gives it 7, and this database has it as 0. Write: BAKING = 0"):
            store.save(new_experiment(experiment_type="BAKING"))

    def test_whose_integer_the_database_has_for_another_are_not_stored(self, database, connect):
        connect(database).save(new_experiment("bread", experiment_type="OTHER"))
        store = connect(database, experiment_type_enum=ExperimentType)

        with pytest.raises(UnknownCodeError, match=r"gives it 0, which this database knows as 'OTHER'"):
            store.save(new_experiment(experiment_type="DEFAULT"))

    def test_are_forgotten_when_the_save_that_brought_them_failed(self, store):
        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def fail(connection, cursor, statement, parameters, context, executemany):
            if "INSERT INTO versions" in statement:
                raise RuntimeError

        with pytest.raises(RuntimeError):
            store.save(new_experiment("bread", experiment_type="BREAD"))
        sa.event.remove(store.engine, "before_cursor_execute", fail)

        store.save(new_experiment(experiment_type="CAKE"))
        store.save(new_experiment("bread", experiment_type="BREAD"))

        assert (self.codes(store)["experiment_type", "CAKE"], self.codes(store)["experiment_type", "BREAD"]) == (0, 1)

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

    def test_is_loaded_exactly(self, store, strategy):
        strategy.add_generator_run(GeneratorRun([Arm({"x": 0.5})]))
        store.save(strategy)

        assert docstore.dumps(store.load("gs", kind="generation_strategy")) == docstore.dumps(strategy)

    def test_names_its_owner(self, store, strategy):
        store.save(new_experiment())
        store.save(strategy)
        [owner] = store.find(name="cakes")

        [info] = store.find(kind="generation_strategy")

        assert info.owner == owner.id

    def test_may_come_before_its_owner(self, store, strategy):
        store.save(strategy)

        assert store.find(kind="generation_strategy")[0].owner is None

    def test_is_not_taken_for_an_experiment_of_its_name(self, store, strategy):
        store.save(new_experiment("gs"))
        store.save(strategy)

        assert [(info.kind, info.name) for info in store.find()] == [
            ("experiment", "gs"),
            ("generation_strategy", "gs"),
        ]

    def test_has_versions(self, store, strategy):
        store.save(strategy)
        strategy.current_node_name = "gp"
        store.save(strategy)

        assert store.load("gs", kind="generation_strategy", version=1).current_node_name == "sobol"

    def test_has_no_trials_to_save(self, store, strategy):
        store.save(strategy)

        with pytest.raises(InvalidValueError, match=r"part of generation_strategy"):
            store.save_trial(strategy, GenerationNode("sobol"))


class TestAnAnalysisCard:
    def test_is_loaded_exactly(self, store):
        card = AnalysisCard("card", title="Tastes", df=[{"x": math.nan}], blob="# hello")
        store.save(card)

        assert docstore.dumps(store.load("card", kind="analysis_card")) == docstore.dumps(card)


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

    def test_is_not_found(self, store, saved):
        assert store.find() == []

    def test_is_found_among_the_deleted(self, store, saved):
        [info] = store.find(deleted=True)

        assert (info.name, info.version) == ("cakes", 2)
        assert info.deleted_at >= info.updated_at

    @pytest.mark.parametrize("call", ["load", "get", "history", "delete"])
    def test_is_not_given_and_the_error_says_how_to_have_it_back(self, store, saved, call):
        with pytest.raises(DocumentNotFoundError, match=r"'cakes'. It was deleted; undelete\('cakes'\) brings it back"):
            getattr(store, call)("cakes")

    def test_comes_back_with_its_history(self, store, saved):
        store.undelete("cakes")

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(saved)
        assert [version.number for version in store.history("cakes")] == [2, 1]

    def test_come_back_can_be_saved_by_the_object_that_it_came_from(self, store, saved):
        store.undelete("cakes")
        add_trial(saved)

        assert store.save(saved).number == 3

    def test_gives_its_name_free(self, store, saved):
        other = new_experiment(description="another")

        assert store.save(other).number == 1
        assert store.load("cakes").description == "another"

    def test_does_not_come_back_where_its_name_is_taken(self, store, saved):
        store.save(new_experiment(description="another"))

        with pytest.raises(DocumentExistsError, match=r"rename\('cakes', \.\.\.\) or delete\('cakes'\) it"):
            store.undelete("cakes")

    def test_comes_back_last_deleted_first(self, store, saved):
        store.save(new_experiment(description="another"))
        store.delete("cakes")

        store.undelete("cakes")

        assert store.load("cakes").description == "another"

    def test_is_there_once_more_when_the_other_is_purged(self, store, saved):
        store.save(new_experiment(description="another"))
        store.purge("cakes")

        store.undelete("cakes")

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(saved)

    def test_purged_leaves_nothing(self, store, saved):
        store.purge("cakes")

        rows = rows_of(store)

        assert (rows["documents"], rows["versions"]) == ([], [])

    def test_purged_does_not_come_back(self, store, saved):
        store.purge("cakes")

        with pytest.raises(DocumentNotFoundError, match=r"None of that name was deleted"):
            store.undelete("cakes")


class TestADocumentThatIsNotThere:
    """The error says what there is."""

    @pytest.mark.parametrize("call", ["load", "get", "history", "delete", "undelete", "purge"])
    def test_is_an_error_for(self, store, call):
        with pytest.raises(DocumentNotFoundError, match=r"there is no experiment named 'cakes'"):
            getattr(store, call)("cakes")

    def test_has_names_like_it(self, store):
        store.save(new_experiment("cakes"))

        with pytest.raises(DocumentNotFoundError, match=r"named 'cake'. Names like it: 'cakes'") as caught:
            store.load("cake")

        assert (caught.value.name, caught.value.kind, caught.value.near) == ("cake", "experiment", ("cakes",))

    def test_is_also_a_lookup_error(self, store):
        with pytest.raises(LookupError):
            store.load("cakes")

    def test_has_no_trials_to_save(self, store):
        experiment = new_experiment(trials=1)

        with pytest.raises(DocumentNotFoundError, match=r"save\(\) it whole once, then its trials"):
            store.save_trial(experiment, experiment.trials[0])


class TestAnExperimentSavedAsNew:
    """It is a new document; the old one stays as it is."""

    @pytest.fixture
    def renamed(self, store):
        experiment = new_experiment(trials=1)
        store.save(experiment)
        experiment.name = "bread"
        add_trial(experiment)
        store.save(experiment, as_new=True)
        return experiment

    def test_is_a_new_document(self, store, renamed):
        assert [version.number for version in store.history("bread")] == [1]
        assert docstore.dumps(store.load("bread")) == docstore.dumps(renamed)

    def test_leaves_the_old_one_as_it_was(self, store, renamed):
        assert store.load("cakes").num_trials == 1

    def test_is_saved_on_under_its_new_name(self, store, renamed):
        add_trial(renamed)

        assert store.save_trial(renamed, renamed.trials[2]).number == 2
        assert len(store.history("cakes")) == 1

    def test_does_not_take_the_name_of_another(self, store, renamed):
        renamed.name = "cakes"

        with pytest.raises(DocumentExistsError, match=r"'cakes' is stored already, at version 1"):
            store.save(renamed, as_new=True)


class TestSaveTrial:
    """Of an experiment with two trials that was saved whole."""

    @pytest.fixture
    def experiment(self, store):
        experiment = new_experiment(trials=2)
        store.save(experiment)
        return experiment

    def test_saves_a_new_trial_and_its_data(self, store, experiment):
        trial = add_trial(experiment)

        version = store.save_trial(experiment, trial, message="one more")

        assert (version.number, version.message, version.places) == (2, "one more", ("/data/2", "/trials/2"))
        assert docstore.dumps(store.load("cakes")) == docstore.dumps(experiment)

    def test_saves_nothing_else(self, store, experiment):
        experiment.description = "not yet"
        experiment.trials[1].run_metadata["a"] = 1
        experiment.trials[0].run_metadata["a"] = 1

        version = store.save_trial(experiment, experiment.trials[0])

        assert version.places == ("/trials/0/run_metadata/a",)

    def test_leaves_the_rest_to_a_later_save(self, store, experiment):
        experiment.description = "not yet"
        add_trial(experiment)
        store.save_trial(experiment, experiment.trials[2])

        version = store.save(experiment)

        assert version.places == ("/description",)

    def test_saves_several(self, store, experiment):
        trials = [add_trial(experiment), add_trial(experiment)]

        version = store.save_trials(experiment, trials)

        assert version.digest == docstore.digest(experiment)

    def test_saves_data_that_were_taken_away(self, store, experiment):
        del experiment._data[0]

        assert store.save_trial(experiment, experiment.trials[0]).places == ("/data/0",)
        assert store.load("cakes").data.trial_indices == {1}

    @pytest.mark.parametrize("trials", [[], [0]], ids=["none", "one unchanged"])
    def test_of_nothing_new_makes_no_version(self, store, experiment, trials):
        before = rows_of(store)

        assert store.save_trials(experiment, [experiment.trials[index] for index in trials]).number == 1
        assert rows_of(store) == before

    def test_of_a_trial_of_another_experiment_is_refused(self, store, experiment):
        with pytest.raises(InvalidValueError, match=r"part of experiment.*Give one that Experiment holds"):
            store.save_trial(experiment, new_experiment(trials=1).trials[0])


class TestASaveThatIsInterrupted:
    """In the middle of its transaction: the database is as it was, and the object can be saved again."""

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
            if any(isinstance(argument, str) and argument.startswith(sign) for argument in arguments):
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

    def test_two_projects_in_one_database_may_use_one_name(self, database, connect):
        ours, theirs = connect(database, project="ours"), connect(database, project="theirs")
        ours.save(new_experiment(description="ours"))
        theirs.save(new_experiment(description="theirs"))

        assert [ours.load("cakes").description, theirs.load("cakes").description] == ["ours", "theirs"]

    def test_a_project_finds_its_own_alone(self, database, connect):
        connect(database, project="ours").save(new_experiment())
        theirs = connect(database, project="theirs")

        assert (theirs.find(), theirs.verify()) == ([], [])
        with pytest.raises(DocumentNotFoundError):
            theirs.purge("cakes")

    def test_an_owner_is_of_the_same_project(self, database, connect):
        connect(database, project="ours").save(new_experiment())
        theirs = connect(database, project="theirs")
        theirs.save(GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="cakes"))

        assert theirs.find()[0].owner is None

    def test_an_object_of_one_project_is_new_in_another(self, database, connect):
        experiment = new_experiment()
        connect(database, project="ours").save(experiment)

        assert connect(database, project="theirs").save(experiment).number == 1


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

    def test_opens_again_after_it_was_closed(self, store):
        store.save(new_experiment())
        store.close()

        assert store.load("cakes").name == "cakes"


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
    def test_with_a_charset_that_lacks_characters_loses_none(self, store, connect, creator, charset):
        experiment = with_everything()

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
        with pytest.raises(InvalidValueError, match=r"It should return a connection of psycopg2, pymysql, sqlite3"):
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

    def test_is_the_stores(self, engine, store):
        assert store.engine is engine

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
            if statement.startswith(sign):
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
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({driver.get_backend_pid()}, 10000)")
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

    @pytest.mark.parametrize("name", ["lab", 'My "lab"', "it's", "100%", "%s", "a.b", ":a", "LAB", "select", "\u00e9"])
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


class TestOneStoreInManyThreads:
    def test_keeps_what_each_saves(self, store):
        def save(number):
            experiment = new_experiment(f"e{number}", experiment_type=f"TYPE_{number % 3}")
            for _ in range(3):
                add_trial(experiment)
                store.save(experiment)

        threads = [threading.Thread(target=save, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [info.version for info in store.find()] == [3] * 6
        assert store.verify() == []


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


@pytest.mark.parametrize("kind", ["experiment", "trial", "data", "analysis_card"])
def test_a_kind_of_docstores_own_cannot_be_put(store, kind):
    with pytest.raises(InvalidValueError, match="use save"):
        store.put(kind, "mine", {"records": []})


@pytest.mark.parametrize("as_new", [False, True], ids=["new", "as_new"])
class TestAFirstSaveThatIsInterrupted:
    """After the COMMIT, before the caller knows: Ctrl-C while the connection goes back to the pool."""

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
