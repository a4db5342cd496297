"""What a person with a database tool reads in the views: names, numbers and whole documents, by plain SQL.

All databases show the same, but for what ``DIFFERENCES`` says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

import docstore
from docstore import Arm, Data, Experiment, ExperimentStatus, GenerationNode, GenerationStrategy, GeneratorRun, Metric
from docstore.migrations.views_0001 import views
from docstore.tables import codes, documents
from docstore.testing.experiments import add_trial, new_experiment, search_space

NAME = """it's "good" \\ ☃"""
VIEWS = ["experiments", "trials", "generator_runs", "observations", "document_json"]


@dataclass(frozen=True)
class Differences:
    """How a database shows what not all can show.

    Attributes:
        nan, inf: these numbers; None is SQL's NULL.
        parsed_json: whether JSON is kept parsed: then its text has blanks, and is compared when written anew.
        any_depth: whether what stands after, or in, 32 levels of nesting is found.
    """

    nan: float | None
    inf: float | None
    parsed_json: bool = False
    any_depth: bool = True


DIFFERENCES = {
    "sqlite": Differences(nan=None, inf=math.inf),
    "postgresql": Differences(nan=math.nan, inf=math.inf, parsed_json=True),
    "mariadb": Differences(nan=None, inf=None, any_depth=False),
}


@pytest.fixture
def differences(backend):
    return DIFFERENCES[backend]


@pytest.fixture
def engine(database, store):
    """An engine that knows nothing of docstore, on tables that are made."""
    # The driver of PostgreSQL would parse JSON, and lose the text of its numbers.
    engine = sa.create_engine(database, json_deserializer=str)
    yield engine
    engine.dispose()


@pytest.fixture
def query(engine, differences):
    """Reads what a SELECT gives: a list of dicts."""

    def as_text(value):
        is_json = isinstance(value, str) and value[:1] in ("{", "[")
        return docstore.values.dumps(docstore.values.loads(value)).decode() if is_json else value

    def query(statement):
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.exec_driver_sql(statement).mappings()]
        return (
            [{key: as_text(value) for key, value in row.items()} for row in rows] if differences.parsed_json else rows
        )

    return query


@pytest.fixture
def view(query):
    """Reads a view, in the order of the first columns."""

    def view(name, where="1 = 1"):
        return query(f"SELECT * FROM {name} WHERE {where} ORDER BY 1, 2, 3")

    return view


@pytest.fixture
def overwrite(engine):
    """Puts a JSON text in the place of a stored body, as a hand with a database tool might."""

    def overwrite(path, body):
        with engine.begin() as connection:
            connection.execute(documents.update().where(documents.c.path == path).values(body=body))

    return overwrite


def in_utc(moment):
    """A moment as SQLite's text, MariaDB's naive datetime or PostgreSQL's aware one."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def comparable(*numbers):
    """NaN is not even equal to itself."""
    return tuple("nan" if number != number else number for number in numbers)


@pytest.fixture
def saved(store):
    """An experiment with a typed trial, a batch of two generator runs and an empty trial; and an empty experiment."""
    experiment = Experiment(search_space(), NAME, tracking_metrics=[Metric("taste")], experiment_type="CAKE")
    experiment.status = ExperimentStatus.OPTIMIZATION
    arm = Arm({"x": 0.5, "flour": "rye"})
    run = GeneratorRun([arm], type="SOBOL", generator_key="Sobol", time_created=datetime(2026, 1, 2, tzinfo=UTC))
    trial = experiment.new_trial(generator_run=run)
    trial.mark_running(no_runner_required=True)
    trial.mark_completed(time_completed=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
    batch = experiment.new_batch_trial()
    batch.add_generator_run(GeneratorRun([Arm({"x": x, "flour": "rye"}) for x in (0.25, 0.75)], type="BO"))
    batch.add_generator_run(GeneratorRun([Arm({"x": 1.0, "flour": "spelt"})], type="MANUAL"))
    experiment.new_trial()
    observations = [
        {"mean": 0.5, "sem": 0.25, "step": 1},
        {"mean": math.nan, "sem": math.nan, "step": 2.5},
        {"mean": math.inf, "sem": None, "step": 3},
        {"mean": -math.inf, "step": 4},
        {"mean": 1e20, "sem": 1e300, "step": 5},
        {"mean": -0.0, "step": 6},
        {"mean": 10**30, "step": 7},
        {
            "mean": 7,
            "step": 8,
            "start_time": datetime(2026, 1, 2, tzinfo=UTC),
            "end_time": "tomorrow",
        },
        {"mean": 0.25},
    ]
    experiment.attach_data(
        Data.from_records(
            {"trial_index": 0, "arm_name": "0_0", "metric_name": 'the "taste"', **observation}
            for observation in observations
        )
    )
    store.save(experiment)
    store.save(new_experiment("bread"))
    gone = new_experiment("gone", trials=2)
    store.save(gone)
    store.delete("gone")
    return experiment


class TestExperiments:
    def test_has_a_row_for_each_with_the_names_of_its_integers(self, view, saved):
        rows = view("experiments")

        assert [(row["name"], row["type_name"], row["status_name"], row["trials"], row["version"]) for row in rows] == [
            ("bread", None, "DRAFT", 0, 1),
            (NAME, "CAKE", "OPTIMIZATION", 3, 1),
        ]

    def test_has_these_columns(self, view, saved):
        assert list(view("experiments")[0]) == [
            "name",
            "project",
            "type",
            "type_name",
            "status",
            "status_name",
            "trials",
            "version",
            "created_at",
            "updated_at",
            "model",
            "id",
        ]

    def test_has_the_integers_too(self, view, saved):
        assert [(row["type"], row["status"]) for row in view("experiments")] == [(None, 0), (0, 2)]

    def test_has_the_times_of_the_first_and_the_last_save(self, view, store, saved):
        saved.description = "later"
        store.save(saved)
        [row] = view("experiments", "type_name = 'CAKE'")
        last, first = store.history(NAME)

        times = [in_utc(row[column]) for column in ("created_at", "updated_at")]

        assert times == [first.created_at, last.created_at]


class TestTrials:
    def test_has_these_columns(self, view, saved):
        assert list(view("trials")[0]) == [
            "experiment",
            "trial_index",
            "status",
            "status_name",
            "generator_run_type",
            "generator_run_type_name",
            "arms",
            "parameters",
            "time_created",
            "time_completed",
            "changed_in_version",
            "id",
        ]

    def test_has_a_row_for_each_of_the_experiments_that_are_not_deleted(self, view, saved):
        assert [(row["experiment"], row["trial_index"]) for row in view("trials")] == [(NAME, 0), (NAME, 1), (NAME, 2)]

    def test_has_names_for_its_integers(self, view, saved):
        assert [(row["status"], row["status_name"], row["generator_run_type_name"]) for row in view("trials")] == [
            (3, "COMPLETED", "SOBOL"),
            (0, "CANDIDATE", "BO"),
            (0, "CANDIDATE", None),
        ]

    def test_has_the_arms_and_the_first_ones_parameters(self, view, saved):
        rows = view("trials")

        assert [row["arms"] for row in rows] == ['["0_0"]', '["1_0","1_1","1_2"]', "[]"]
        assert [row["parameters"] for row in rows] == [
            '{"flour":"rye","x":0.5}',
            '{"flour":"rye","x":0.25}',
            None,
        ]

    def test_has_times_as_text(self, view, saved):
        completed, *others = view("trials")

        assert completed["time_completed"] == "2026-01-02T03:04:05.678901+00:00"
        assert datetime.fromisoformat(completed["time_created"]) == saved.trials[0].time_created
        assert [row["time_completed"] for row in others] == [None, None]

    def test_has_the_text_of_a_time_in_a_named_zone(self, view, store):
        experiment = new_experiment()
        trial = experiment.new_trial().mark_running(no_runner_required=True)
        trial.mark_completed(time_completed=datetime(2026, 1, 2, 3, 4, 5, tzinfo=ZoneInfo("Europe/Berlin")))
        store.save(experiment)

        assert [row["time_completed"] for row in view("trials")] == ["2026-01-02T03:04:05+01:00"]

    def test_says_in_which_version_each_changed_last(self, view, store, saved):
        saved.trials[1].run_metadata["a"] = 1
        store.save(saved)

        assert [row["changed_in_version"] for row in view("trials")] == [1, 2, 1]


class TestGeneratorRuns:
    def test_has_these_columns(self, view, saved):
        assert list(view("generator_runs")[0]) == [
            "experiment",
            "trial_index",
            "position",
            "type_name",
            "type",
            "generator_key",
            "arms",
            "json",
            "id",
        ]

    def test_has_a_row_for_each_of_each_trial(self, view, saved):
        assert [
            (row["trial_index"], row["position"], row["type_name"], row["generator_key"], row["arms"])
            for row in view("generator_runs")
        ] == [(0, 0, "SOBOL", "Sobol", 1), (1, 0, "BO", None, 2), (1, 1, "MANUAL", None, 1)]

    def test_has_the_integer_of_its_type(self, view, engine, saved):
        with engine.connect() as connection:
            rows = connection.execute(sa.select(codes).where(codes.c.column == "generator_run_type")).all()
        integers = {row.name: row.value for row in rows}

        # Of a batch, the first run's type is the trial's: only that one has an integer.
        assert [row["type"] for row in view("generator_runs")] == [
            integers["SOBOL"],
            integers["BO"],
            integers.get("MANUAL"),
        ]

    def test_has_its_json(self, view, saved):
        first = view("generator_runs")[0]

        assert docstore.values.loads(first["json"])["time_created"] == "2026-01-02T00:00:00+00:00"


class TestObservations:
    def test_has_these_columns(self, view, saved):
        assert list(view("observations")[0]) == [
            "experiment",
            "trial_index",
            "arm_name",
            "metric_name",
            "step",
            "mean",
            "sem",
            "start_time",
            "end_time",
            "id",
        ]

    def test_has_a_row_for_each_with_numbers_as_numbers(self, view, saved, differences):
        nan, inf = differences.nan, differences.inf
        rows = sorted(view("observations"), key=lambda row: row["step"] or 0)

        assert [comparable(row["step"], row["mean"], row["sem"]) for row in rows] == [
            (None, 0.25, None),
            (1, 0.5, 0.25),
            comparable(2.5, nan, nan),
            (3, inf, None),
            (4, inf and -inf, None),
            (5, 1e20, 1e300),
            (6, 0.0, None),
            (7, 1e30, None),
            (8, 7, None),
        ]

    @pytest.mark.parametrize(
        "number", [5e-324, 2.2250738585072014e-308, 0.1, 1.7976931348623155e308, -1e16, 2**63 - 1, 2**64 + 1]
    )
    def test_has_the_nearest_double(self, view, store, number):
        experiment = new_experiment()
        add_trial(experiment.new_trial().experiment, mean=number)
        store.save(experiment)

        assert [float(row["mean"]) for row in view("observations")] == [float(number)]

    def test_says_of_what(self, view, saved):
        row = view("observations")[0]

        assert (row["experiment"], row["trial_index"], row["arm_name"], row["metric_name"]) == (
            NAME,
            0,
            "0_0",
            'the "taste"',
        )

    def test_has_times_as_text(self, view, saved):
        [row] = view("observations", "step = 8")

        assert (row["start_time"][:19], row["end_time"]) == ("2026-01-02T00:00:00", "tomorrow")

    def test_can_be_summed_up(self, query, saved):
        [row] = query("SELECT max(mean) AS best, count(*) AS n FROM observations WHERE mean BETWEEN -1e19 AND 1e19")

        assert (row["best"], row["n"]) == (7, 4)

    @pytest.mark.parametrize("metric", ['THE "TASTE"', 'thé "taste"', 'the "taste" '])
    def test_are_not_found_by_a_name_that_is_like_it(self, view, saved, metric):
        assert view("observations", f"metric_name = '{metric}'") == []


class TestDocumentJson:
    def test_has_these_columns(self, view, saved):
        assert list(view("document_json")[0]) == ["kind", "name", "project", "version", "json", "id"]

    @pytest.mark.parametrize("name", [NAME, "bread"])
    def test_is_the_text_that_dumps_gives(self, view, store, saved, name):
        texts = {row["name"]: row["json"] for row in view("document_json")}

        assert texts[name].encode() == docstore.dumps(store.load(name))

    def test_is_the_text_with_more_than_ten_trials(self, view, store):
        experiment = new_experiment(trials=12)
        store.save(experiment)

        [row] = view("document_json")

        assert row["json"].encode() == docstore.dumps(experiment)

    def test_is_the_text_of_several_megabytes(self, view, store):
        experiment = new_experiment(trials=3)
        for trial in experiment.trials.values():
            trial.run_metadata["log"] = '"\\\n\u2028' * 200_000
        store.save(experiment)

        [row] = view("document_json")

        assert row["json"].encode() == docstore.dumps(experiment)

    @pytest.mark.parametrize(
        "value",
        [
            '\x01\x1f\x7f\t\n"\\/',
            "\u2028é☃\U0001f370",
            "a\0b\ud800",
            [1.0, 1e-7, 1e15, 0.1, 1e16, -0.0, 5e-324, 1.7976931348623157e308],
            [2**63 - 1, -(2**63), 2**64],
            {"": "", "a.b": 1, "$": [], '"': {}},
            [[], {}, None, True],
            '", "k":"',
            {
                'x,"data': {},
                "data": {},
                "trials": {},
                "z": [{"data": {}, "trials": {}}, ',"data":{}', '\\",\\"trials":{}'],
            },
        ],
        ids=repr,
    )
    def test_is_the_text_whatever_it_holds(self, view, store, value):
        experiment = new_experiment(trials=1, properties={"value": value, "data": {}, "trials": {}})
        experiment.trials[0].run_metadata["value"] = value
        store.save(experiment)

        [row] = view("document_json")

        assert row["json"].encode() == docstore.dumps(experiment)

    def test_is_the_text_however_deep_it_is(self, view, store):
        deep = []
        for _ in range(200):
            deep = [deep]
        experiment = new_experiment(trials=1, properties={"deep": deep})
        experiment.trials[0].run_metadata["deep"] = deep
        store.save(experiment)

        [row] = view("document_json")

        assert row["json"].encode() == docstore.dumps(experiment)

    @pytest.mark.parametrize(
        "whole",
        [
            '{"a":{"b":"[","c":[{}],"data":{}},"data":DATA,"trials":TRIALS}',
            '{"a":1,"data":DATA,"trials":TRIALS,"z":{"a":0,"data":{},"trials":{}}}',
            '{"data":DATA,"trials":TRIALS}',
            '{"trials":TRIALS}',
            '{"a":1,"data":{"__type":"dict","items":[]},"trials":null}',
            "[1,2]",
            '"text"',
        ],
    )
    def test_has_the_members_at_the_documents_own_fields_and_nowhere_else(self, view, store, overwrite, whole):
        experiment = new_experiment(trials=1)
        store.save(experiment)
        members = docstore.values.loads(docstore.dumps(experiment))
        overwrite("", whole.replace("DATA", "{}").replace("TRIALS", "{}"))

        [row] = view("document_json")

        for field in ("data", "trials"):
            whole = whole.replace(field.upper(), docstore.values.dumps(members[field]).decode())
        assert row["json"] == whole

    def test_is_there_for_other_kinds(self, view, store):
        strategy = GenerationStrategy([GenerationNode("sobol")], "gs")
        store.save(strategy)
        store.put("note", "n1", [1, 1.50, None])

        texts = {row["kind"]: row["json"] for row in view("document_json")}

        assert texts == {"generation_strategy": docstore.dumps(strategy).decode(), "note": "[1,1.5,null]"}

    @pytest.mark.parametrize("value", [1.5, 1e300, "x", None, 0, True, "1.50"])
    def test_is_there_for_a_scalar(self, view, store, value):
        store.put("note", "n1", value)

        assert view("document_json")[0]["json"].encode() == docstore.dumps(value)


class TestOtherJsonThanDocstoreWrites:
    """A hand with a database tool wrote it. One odd row must not keep the others from being read."""

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            *((path, body) for path in ("", "/trials/0", "/data/0") for body in ("1", '"text"', "null", "[]", "{}")),
            ("/trials/0", '{"generator_run":"text","generator_runs":"text","time_created":1,"time_completed":{}}'),
            ("/trials/0", '{"generator_run":{"arms":"text","generator_run_type":1}}'),
            ("/trials/0", '{"generator_run":{"arms":["text",1,null,[],{},{"name":1}]}}'),
            ("/trials/0", '{"generator_runs":["text",1,null,[],{},{"arms":{}}]}'),
            ("/data/0", '{"records":"text"}'),
            ("/data/0", '{"records":{"a":{}}}'),
            ("/data/0", '{"records":["text",1,null,[],{}]}'),
            ("/data/0", '{"records":[{"arm_name":1,"metric_name":[],"mean":{},"start_time":{},"end_time":1}]}'),
        ],
    )
    def test_keeps_no_other_row_from_being_read(self, view, store, overwrite, path, body):
        store.save(new_experiment("a", trials=1))
        overwrite(path, body)
        store.save(new_experiment("b", trials=1))

        shown = {name: [row for row in view(name) if "b" in (row.get("name"), row.get("experiment"))] for name in VIEWS}

        assert {name: len(rows) for name, rows in shown.items()} == dict.fromkeys(VIEWS, 1)

    @pytest.mark.parametrize(
        ("mean", "shown"),
        [
            ('{"value":"1e+20"}', 1e20),
            ('{"value":"-2.5E-3"}', -0.0025),
            ('{"value":"1e-999"}', 0.0),
            ('{"value":"text"}', None),
            ('{"value":"1.5 g"}', None),
            ('{"value":""}', None),
            ('{"value":null}', None),
            ('{"value":{}}', None),
            ('"1.5"', None),
            ("true", None),
            ("[1]", None),
            ("null", None),
        ],
    )
    def test_is_a_number_if_it_says_one(self, view, store, overwrite, mean, shown):
        store.save(new_experiment(trials=1))
        overwrite("/data/0", f'{{"records":[{{"mean":{mean}}}]}}')

        assert [row["mean"] for row in view("observations")] == [shown]

    @pytest.mark.parametrize("number", ["1e999", "1e99999999999", "1" * 400, "1" * 200_000], ids="{:.20}".format)
    def test_that_is_too_large_a_number_is_infinite_or_nothing(self, view, store, overwrite, number):
        store.save(new_experiment(trials=1))
        overwrite("/data/0", f'{{"records":[{{"mean":{{"value":"{number}"}}}}]}}')

        assert [row["mean"] in (math.inf, None) for row in view("observations")] == [True]


class TestATrialWithDeepMetadata:
    @pytest.fixture
    def deep(self, store):
        deep = "bottom"
        for _ in range(150):
            deep = {"deeper": deep}
        experiment = new_experiment(trials=2)
        experiment.trials[0].run_metadata["deep"] = deep
        store.save(experiment)
        return experiment

    def test_shows_its_arms_and_its_generator_run(self, view, deep):
        rows = view("trials")

        assert [(row["arms"], row["parameters"]) for row in rows] == [
            ('["0_0"]', '{"flour":"rye","x":0.0}'),
            ('["1_0"]', '{"flour":"rye","x":9.5367431640625e-7}'),
        ]
        assert len(view("generator_runs")) == 2

    def test_shows_times_that_stand_after_it_where_the_database_can(self, view, deep, differences):
        rows = view("trials")

        assert [row["time_completed"] is not None for row in rows] == [differences.any_depth, True]


@pytest.mark.parametrize("name", VIEWS)
class TestEachView:
    def test_does_not_show_what_was_deleted(self, view, store, name):
        store.save(new_experiment(trials=2))
        store.delete("cakes")

        assert view(name) == []

    def test_shows_it_again_when_it_is_back(self, view, store, name):
        store.save(new_experiment(trials=2))
        before = repr(view(name))
        store.delete("cakes")
        store.undelete("cakes")

        assert repr(view(name)) == before != "[]"

    def test_shows_a_trial_that_was_added(self, view, store, name):
        experiment = new_experiment(trials=2)
        store.save(experiment)
        before = repr(view(name))
        add_trial(experiment)
        store.save(experiment)

        assert repr(view(name)) != before

    @pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mariadb"])
    def test_is_the_same_statement_whoever_executes_it(self, name, dialect):
        """Drivers take a percent sign for a value's place, SQLAlchemy a word after a colon; a backslash is as set."""
        statement = views(dialect)[name]

        assert not {"%", "\\"} & set(statement)
        assert sa.text(statement).compile().params == {}
