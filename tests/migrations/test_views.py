"""What a person with a database tool reads in the views: names, numbers and whole documents, by plain SQL.

All databases show the same, but for what ``DIFFERENCES`` says.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from formats import make, of_store
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore import (
    Arm,
    Data,
    Experiment,
    ExperimentStatus,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    Metric,
    registry,
)
from docstore.documents import canonical
from docstore.documents.kinds import kind_named
from docstore.migrations.views import views
from docstore.model import (
    ChoiceParameter,
    DerivedParameter,
    FixedParameter,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    ScalarizedObjective,
    SearchSpace,
)
from docstore.model.statuses import TrialStatus
from docstore.sql.tables import codes, documents
from docstore.testing.experiments import add_trial, new_experiment, observe, search_space

NAME = """it's "good" \\ ☃"""
COLUMNS = {
    "experiments": """
        name project type type_name status status_name is_test description trials candidate staged running
        completed failed abandoned early_stopped stale dispatched objective minimize best_value version created_at
        updated_at model id
    """,
    "trials": """
        experiment project trial_index status status_name arm_name arms parameters generator_run_type
        generator_run_type_name time_created time_run_started time_completed run_time changed_in_version id
    """,
    "arms": "experiment project trial_index generator_run position arm_name weight parameters id",
    "parameters_long": "experiment project trial_index arm_name parameter_name type number text id",
    "observations": "experiment project trial_index arm_name metric_name step mean sem start_time end_time id",
    "generator_runs": "experiment project trial_index position type_name type generator_key arms json id",
    "search_space": """
        experiment project parameter_name class parameter_type lower upper log_scale choices value id
    """,
    "versions_log": "kind name project version created_at author message changes is_folded tags digest id",
    "document_json": "kind name project version json id",
}
"""Of each view, in order."""

VIEWS = list(COLUMNS)


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
def store(shared_stores, backend):
    """A store in which nothing is; what is saved there is removed when the test ends."""
    with shared_stores.emptied(backend) as store:
        yield store


@pytest.fixture(scope="module")
def plain_engines():
    """Engines that know nothing of docstore, by their URLs."""
    engines = {}
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.fixture
def engine_of(plain_engines):
    """Gives an engine that knows nothing of docstore, on the database of a store."""

    def engine_of(store):
        url = store.engine.url
        if url not in plain_engines:
            # The driver of PostgreSQL would parse JSON, and lose the text of its numbers.
            plain_engines[url] = sa.create_engine(url, json_deserializer=str)
        return plain_engines[url]

    return engine_of


@pytest.fixture
def engine(engine_of, store):
    """An engine that knows nothing of docstore, on tables that are made."""
    return engine_of(store)


@pytest.fixture
def query(engine, differences):
    """Reads what a SELECT gives: a list of dicts."""

    def as_text(value):
        is_json = isinstance(value, str) and value[:1] in ("{", "[")
        return canonical.dumps(canonical.loads(value)).decode() if is_json else value

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
        return query(f"SELECT * FROM {name} WHERE {where} ORDER BY 1, 2, 3, 4, 5")

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

        assert canonical.loads(first["json"])["time_created"] == "2026-01-02T00:00:00+00:00"


class TestObservations:
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
        members = canonical.loads(docstore.dumps(experiment))
        overwrite("", whole.replace("DATA", "{}").replace("TRIALS", "{}"))

        [row] = view("document_json")

        for name in ("data", "trials"):
            whole = whole.replace(name.upper(), canonical.dumps(members[name]).decode())
        assert row["json"] == whole

    def test_is_there_for_other_kinds(self, view, store):
        strategy = GenerationStrategy([GenerationNode("sobol")], "gs")
        strategy.add_generator_run(GeneratorRun([Arm({"x": 1.0})]))
        strategy.add_generator_run(GeneratorRun([Arm({"x": 2.0})]))
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

        of_two_parameters = {"parameters_long": 2, "search_space": 2}
        assert {name: len(rows) for name, rows in shown.items()} == dict.fromkeys(VIEWS, 1) | of_two_parameters

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


# --- what experiments are after, and how far they are -----------------------------------------------------------------


def metrics(*names):
    return [Metric(name, lower_is_better=False) for name in names]


class TestTheObjective:
    @pytest.mark.parametrize(
        ("objective", "shown"),
        [
            (Objective("taste"), ("taste", 0)),
            (Objective("-taste"), ("taste", 1)),
            (Objective("+taste"), ("taste", 0)),
            (Objective("2.5*taste"), ("taste", 0)),
            (Objective("-1e-3*taste"), ("taste", 1)),
            (Objective(" - 2 * taste / 4 "), ("taste", None)),
            (Objective("-taste/1000"), ("taste", 1)),
            (Objective("taste * 2e5"), ("taste", 0)),
            (Objective("train/loss:a.b"), ("train/loss:a.b", 0)),
            (Objective("-crème_1/brûlée"), ("crème_1/brûlée", 1)),
            (Objective(metric=Metric("val-loss"), minimize=True), ("val-loss", 1)),
            (Objective(metric=Metric("7 days, (a*b) + c"), minimize=False), ("7 days, (a*b) + c", 0)),
            (Objective(metric=Metric('"quoted" it\'s \\ ☃'), minimize=True), ('"quoted" it\'s \\ ☃', 1)),
            (Objective("2*recall + 1e-3*f1"), ("recall, f1", None)),
            (Objective("taste + taste"), ("taste", None)),
            (Objective("(taste)/2"), ("taste", None)),
            (ScalarizedObjective(metrics("a", "b c-d"), [0.5, 2e-300]), ("a, b c-d", None)),
            (ScalarizedObjective(metrics("a"), [0.5]), ("a", 0)),
            (ScalarizedObjective([Metric("a"), Metric("b")], [1.0, 2.0], minimize=True), ("a, b", None)),
            (MultiObjective([Objective("a"), Objective("-b/c")]), ("a, b/c", None)),
            (MultiObjective([Objective(metric=Metric("b"), minimize=True), Objective("a")]), ("b, a", None)),
            (
                MultiObjective([Objective(metric=each, minimize=False) for each in metrics("d-e", "c")]),
                ("d-e, c", None),
            ),
        ],
        ids=lambda value: value.expression if isinstance(value, Objective) else "",
    )
    def test_has_its_names_and_direction(self, view, store, objective, shown):
        several = objective.is_multi_objective
        config = (MultiObjectiveOptimizationConfig if several else OptimizationConfig)(objective)
        store.save(new_experiment(optimization_config=config))

        [row] = view("experiments")

        assert row["objective"] == ", ".join(objective.metric_names)
        assert shown is None or (row["objective"], row["minimize"]) == shown

    def test_of_an_experiment_without_one_is_null(self, view, store):
        store.save(new_experiment(trials=1))

        [row] = view("experiments")

        assert (row["objective"], row["minimize"], row["best_value"]) == (None, None, None)


class TestTheBestValue:
    @pytest.fixture
    def best(self, view, store):
        """Saves an experiment with an objective and observations, and reads its best value."""

        def best(objective, *observed):
            several = "," in objective
            config = (MultiObjectiveOptimizationConfig if several else OptimizationConfig)(Objective(objective))
            experiment = new_experiment(optimization_config=config)
            for metric, mean in observed:
                add_trial(experiment)
                observe(experiment, experiment.num_trials - 1, mean, metric)
            store.save(experiment)
            [row] = view("experiments")
            return row["best_value"]

        return best

    @pytest.mark.parametrize(("objective", "value"), [("taste", 7.0), ("-taste", -2.5), ("-0.5*taste", -2.5)])
    def test_is_the_largest_or_the_smallest_mean(self, best, objective, value):
        found = best(objective, ("taste", 1.5), ("taste", 7), ("taste", -2.5), ("price", 100.0), ("TASTE", 99.0))

        assert (type(found), found) == (float, value)

    def test_is_of_the_means_that_are_finite_numbers(self, best):
        assert best("taste", ("taste", math.nan), ("taste", math.inf), ("taste", -math.inf), ("taste", 1e300)) == 1e300

    @pytest.mark.parametrize(
        "mean", [-1.2680087646881142e-97, 2.2250738585072014e-308, -1.7976931348623157e299, -1e-7 / 3]
    )
    def test_has_each_digit(self, best, mean):
        assert best("taste", ("taste", mean)).hex() == mean.hex()

    @pytest.mark.fuzz
    def test_is_the_value_of_the_arm_that_best_puts_first(self, store, query):
        numbers = itertools.count()

        def law(trials: list[Any], goal: str) -> None:
            name = f"e{next(numbers)}"
            store.save(observed_at_random(name, trials, goal))
            # The view has no infinities, as MariaDB has none.
            values = [arm.value for arm in store.best(name, 1000) if abs(arm.value) <= 1e300]

            [row] = query(f"SELECT best_value FROM experiments WHERE name = '{name}'")

            best = None if not values else min(values) if goal[0] == "-" else max(values)
            found = row["best_value"]
            # The bits are compared, but for the sign of zero.
            assert (None if found is None else (found + 0.0).hex()) == (None if best is None else (best + 0.0).hex())

        fuzz(law, st.lists(TRIED, max_size=6), st.sampled_from(["taste", "-taste", "-0.5*taste"]), in_ci=40)

    def test_is_null_where_there_is_none(self, best):
        assert best("taste", ("taste", math.nan), ("price", 1.0)) is None

    def test_is_null_of_several_objectives(self, best):
        assert best("taste, -price", ("taste", 1.0), ("price", 1.0)) is None

    def test_is_of_all_arms_of_all_trials_of_this_experiment(self, view, store):
        for name, means in (("a", (1.0, 3.0, 2.0)), ("b", (9.0,))):
            experiment = new_experiment(name, optimization_config=OptimizationConfig(Objective("taste")))
            for mean in means:
                add_trial(experiment, mean)
            store.save(experiment)

        assert [(row["name"], row["best_value"]) for row in view("experiments")] == [("a", 3.0), ("b", 9.0)]


MEANS = [0.1, 0.2, 0.3, 1 / 3, -2.5, 7, 0.0, -0.0, 2**53 + 1, 1e16, -1e16, 1e300, -1e299, 5e-324]
MEANS += [math.nan, math.inf, -math.inf, 1e301]
OBSERVED = st.tuples(
    st.integers(0, 1),
    st.sampled_from([None, None, math.nan, 0, 1, 2.5, 10, -1, math.inf, -math.inf]),
    st.sampled_from(MEANS) | st.floats(-1e9, 1e9),
    st.sampled_from(["taste", "taste", "taste", "price"]),
)
TRIED = st.tuples(
    st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=1, max_size=2, unique=True),
    st.sampled_from(["", "", "", "FAILED", "ABANDONED", "STALE", "COMPLETED", "EARLY_STOPPED"]),
    st.booleans(),
    st.lists(OBSERVED, max_size=4),
)
"""The arms of a trial, its status, whether its first arm is abandoned, and what was observed of which arm."""


def observed_at_random(name, trials, goal):
    """An experiment of *trials* as ``TRIED`` draws them."""
    experiment = new_experiment(name, optimization_config=OptimizationConfig(Objective(goal)))
    for index, (places, status, is_abandoned, observations) in enumerate(trials):
        arms = [Arm({"x": x, "flour": "rye"}) for x in places]
        if len(arms) == 1:
            trial = experiment.new_trial(parameters=arms[0].parameters)
        else:
            trial = experiment.new_batch_trial()
            trial.add_arms_and_weights(arms)
            if is_abandoned:
                trial.mark_arm_abandoned(trial.arms[0].name)
        trial._status = TrialStatus[status] if status else trial.status
        records = [
            {
                "trial_index": index,
                "arm_name": trial.arms[nth % len(trial.arms)].name,
                "metric_name": metric,
                "mean": mean,
                **({} if step is None else {"step": step}),
            }
            for nth, step, mean, metric in observations
        ]
        if records:
            experiment.attach_data(Data.from_records(records))
    return experiment


class TestTrialsByStatus:
    def test_are_counted(self, view, store):
        experiment = new_experiment(trials=2)
        running = [
            experiment.new_trial(parameters={"x": x, "flour": "rye"}).mark_running(no_runner_required=True)
            for x in (0.25, 0.5, 0.75, 0.875)
        ]
        running[0].mark_failed()
        running[1].mark_abandoned()
        running[2].mark_early_stopped()
        experiment.new_trial().mark_staged()
        experiment.new_trial()
        experiment.new_trial().mark_stale()
        store.save(experiment)

        [row] = view("experiments")

        counts = ["candidate", "staged", "running", "completed", "failed", "abandoned", "early_stopped", "stale"]
        assert [row[each] for each in counts] == [1, 1, 1, 2, 1, 1, 1, 1]
        assert row["trials"] == 9

    @pytest.mark.parametrize("status", TrialStatus, ids=lambda status: status.name)
    def test_have_a_column_for_each_status(self, view, store, status):
        experiment = new_experiment(trials=1)
        experiment.trials[0]._status = status
        store.save(experiment)

        [row] = view("experiments")

        assert {each.name: row[each.name.lower()] for each in TrialStatus} == {
            each.name: int(each is status) for each in TrialStatus
        }

    def test_are_none_where_no_trial_is(self, view, store):
        store.save(new_experiment(is_test=True, description='"so"'))

        [row] = view("experiments")

        assert (row["trials"], row["completed"], row["is_test"], row["description"]) == (0, 0, 1, '"so"')


MARQUESAS = timezone(-timedelta(hours=9, minutes=30))


class TestTheRunTime:
    @pytest.mark.parametrize(
        ("start", "end", "seconds"),
        [
            (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2, 0, 0, 0, 1, tzinfo=UTC), 1e-6),
            (datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC), 0.321099),
            (datetime(2024, 2, 28, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), 2 * 86400.0),
            (datetime(2100, 2, 28, tzinfo=UTC), datetime(2100, 3, 1, tzinfo=UTC), 86400.0),
            (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), None),
            (datetime(2026, 3, 29, 1, tzinfo=ZoneInfo("Europe/Berlin")), datetime(2026, 3, 29, 1, tzinfo=UTC), 3600.0),
            (datetime(2026, 1, 2, tzinfo=MARQUESAS), datetime(2026, 1, 2, tzinfo=UTC), -34200.0),
            (datetime(2026, 1, 2), datetime(2026, 1, 2, 0, 0, 0, 1), 1e-6),
        ],
    )  # fmt: skip
    def test_is_in_seconds_to_the_microsecond(self, view, store, start, end, seconds):
        experiment = new_experiment()
        trial = experiment.new_trial().mark_running(no_runner_required=True)
        trial.mark_completed()
        trial.time_run_started, trial.time_completed = start, end
        store.save(experiment)

        [row] = view("trials")

        assert row["run_time"] == (end - start) / timedelta(seconds=1)
        assert seconds is None or row["run_time"] == seconds

    @pytest.mark.parametrize("times", [{"time_completed": None}, {"time_run_started": None}])
    def test_is_null_where_a_time_is_missing(self, view, store, overwrite, times):
        experiment = new_experiment(trials=1)
        store.save(experiment)
        trial = canonical.loads(docstore.dumps(experiment))["trials"]["0"]
        overwrite("/trials/0", canonical.dumps({**trial, **times}).decode())

        assert [row["run_time"] for row in view("trials")] == [None]

    @pytest.mark.parametrize(
        "time",
        ["noon", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05.678+00:00", "2026-01-02T03:04:05Z", 5],
    )
    def test_is_null_where_a_text_is_no_time_or_only_one_has_a_zone(self, view, store, overwrite, time):
        store.save(new_experiment(trials=1))
        times = {"time_run_started": "2026-01-02T03:04:05+00:00", "time_completed": time}
        overwrite("/trials/0", canonical.dumps(times).decode())

        assert [row["run_time"] for row in view("trials")] == [None]


# --- tidy tables ------------------------------------------------------------------------------------------------------


class TestArms:
    def test_has_a_row_for_each_of_each_generator_run(self, view, saved):
        keys = ("trial_index", "generator_run", "position", "arm_name", "weight")

        assert [tuple(row[key] for key in keys) for row in view("arms")] == [
            (0, 0, 0, "0_0", 1.0),
            (1, 0, 0, "1_0", 1.0),
            (1, 0, 1, "1_1", 1.0),
            (1, 1, 0, "1_2", 1.0),
        ]

    def test_has_parameters_and_weights(self, view, store):
        experiment = new_experiment()
        arms = [Arm({"x": x, "flour": "rye"}) for x in (0.25, 1e-6, 1e-300)]
        experiment.new_batch_trial().add_generator_run(GeneratorRun(arms, weights=[1.5, 0, 2**70]))
        store.save(experiment)

        assert [(row["weight"], row["parameters"]) for row in view("arms")] == [
            (1.5, '{"flour":"rye","x":0.25}'),
            (0.0, '{"flour":"rye","x":1e-6}'),
            (float(2**70), '{"flour":"rye","x":1e-300}'),
        ]


class TestAnArmOfSeveralGeneratorRuns:
    """A batch trial got the same arm from two generator runs: it is one arm, as the object has it."""

    @pytest.fixture
    def batch(self, store):
        """Saves a batch trial of these generator runs, each as pairs of x and a weight."""

        def batch(*runs):
            experiment = new_experiment()
            trial = experiment.new_batch_trial()
            for run in runs:
                arms = [Arm({"x": x, "flour": "rye"}) for x, _ in run]
                trial.add_generator_run(GeneratorRun(arms, weights=[weight for _, weight in run]))
            store.save(experiment)
            return trial

        return batch

    def test_is_one_row_with_the_weights_added_up(self, view, batch):
        trial = batch([(0.25, 1), (0.5, 2.5)], [(0.75, 4), (0.25, 1)])

        shown = [(row["arm_name"], row["weight"]) for row in view("arms")]

        assert shown == [(arm.name, weight) for arm, weight in trial.arm_weights.items()]
        assert shown == [("0_0", 2.0), ("0_1", 2.5), ("0_2", 4.0)]

    def test_says_where_it_stands_first(self, view, batch):
        batch([(0.25, 1), (0.5, 1)], [(0.75, 1), (0.5, 1)], [(0.75, 1)])

        keys = ("arm_name", "generator_run", "position")
        assert [tuple(row[key] for key in keys) for row in view("arms")] == [
            ("0_0", 0, 0),
            ("0_1", 0, 1),
            ("0_2", 1, 0),
        ]

    def test_has_its_name_once_in_the_trial(self, view, batch):
        trial = batch([(0.25, 1), (0.5, 1)], [(0.25, 1)], [(0.75, 1), (0.5, 1)])

        [row] = view("trials")

        assert canonical.loads(row["arms"]) == [arm.name for arm in trial.arms] == ["0_0", "0_1", "0_2"]

    def test_has_its_parameters_once(self, view, batch):
        batch([(0.25, 1), (0.5, 1)], [(0.25, 1)])

        shown = [(row["arm_name"], row["parameter_name"], row["text"]) for row in view("parameters_long")]

        assert shown == [("0_0", "flour", "rye"), ("0_0", "x", "0.25"), ("0_1", "flour", "rye"), ("0_1", "x", "0.5")]

    def test_is_joined_with_each_observation_once(self, query, store, batch):
        experiment = batch([(0.25, 1), (0.5, 1)], [(0.25, 1)]).experiment
        observation = {"trial_index": 0, "arm_name": "0_0", "metric_name": "taste", "mean": 2.5}
        experiment.attach_data(Data.from_records([observation]))
        store.save(experiment)

        rows = query("""
            SELECT p.number, o.mean FROM parameters_long p JOIN observations o USING (id, trial_index, arm_name)
            WHERE p.parameter_name = 'x'""")

        assert rows == [{"number": 0.25, "mean": 2.5}]

    @pytest.mark.parametrize(
        "weights",
        [(0.1, 0.2, 0.3), (0.3, 0.2, 0.1), (1e16, 1.0, 1.0), (1e-300, 5e-324), (2**60, 0.5), (0.0, 0.0)],
        ids=repr,
    )
    def test_has_the_sum_of_python_to_the_bit(self, view, batch, weights):
        trial = batch(*([(0.25, weight)] for weight in weights))

        assert [row["weight"] for row in view("arms")] == trial.weights

    def test_has_no_weight_where_the_sum_may_be_too_large(self, view, batch):
        batch([(0.25, 1.7e308), (0.5, 1.7e308)], [(0.25, 1.7e308)])

        assert [row["weight"] for row in view("arms")] == [None, 1.7e308]

    def test_is_known_by_its_whole_name(self, view, store):
        names = ["a", "A", "a ", 'a", "b', '"', "\\", "é", "☃", "1", "0_1"]
        experiment = new_experiment()
        trial = experiment.new_batch_trial()
        for _ in range(2):
            arms = [Arm({"x": i / 16, "flour": "rye"}, name) for i, name in enumerate(names)]
            trial.add_generator_run(GeneratorRun(arms))
        store.save(experiment)

        [row] = view("trials")

        assert canonical.loads(row["arms"]) == names
        assert {row["arm_name"]: row["weight"] for row in view("arms")} == dict.fromkeys(names, 2.0)
        assert len(view("parameters_long")) == 2 * len(names)

    def test_is_one_of_each_of_many_trials(self, view, store):
        experiment = new_experiment()
        for _ in range(3):
            trial = experiment.new_batch_trial()
            for _ in range(2):
                trial.add_generator_run(GeneratorRun([Arm({"x": 0.25, "flour": "rye"})]))
        store.save(experiment)

        keys = ("trial_index", "arm_name", "weight")
        assert [tuple(row[key] for key in keys) for row in view("arms")] == [(i, "0_0", 2.0) for i in range(3)]

    @pytest.mark.parametrize(
        ("arms", "shown"),
        [
            ('[{"name":"a"},{"name":"a"}]', ["a"]),
            ('[{"name":null},{"name":null},{}]', [None, None, None]),
            ('[{"name":1},{"name":1},{"name":"1"}]', [None, None, "1"]),
            ('["a",{"name":"a"},1,null]', [None, "a", None, None]),
        ],
    )
    def test_is_one_that_has_a_name(self, view, store, overwrite, arms, shown):
        store.save(new_experiment(trials=1))
        overwrite("/trials/0", f'{{"generator_run":{{"arms":{arms}}}}}')

        rows = sorted(view("arms"), key=lambda row: row["position"])

        assert [row["arm_name"] for row in rows] == shown
        assert canonical.loads(view("trials")[0]["arms"]) == [name for name in shown if name]


class TestParametersLong:
    @pytest.mark.parametrize(
        ("value", "type", "number", "text"),
        [
            (1, "number", 1.0, "1"),
            (1.0, "number", 1.0, "1.0"),
            (-0.0, "number", 0.0, "-0.0"),
            (0.1, "number", 0.1, "0.1"),
            (1e-5, "number", 1e-5, "0.00001"),
            (1e-6, "number", 1e-6, "1e-6"),
            (-1.5e-7, "number", -1.5e-7, "-1.5e-7"),
            (5e-324, "number", 5e-324, "5e-324"),
            (1e15, "number", 1e15, "1000000000000000.0"),
            (1e16, "number", 1e16, "1e+16"),
            (2**63 - 1, "number", 2.0**63, "9223372036854775807"),
            (2**70, "number", 2.0**70, "1180591620717411303424"),
            (math.inf, "number", math.inf, "inf"),
            (math.nan, "number", math.nan, "nan"),
            (True, "boolean", None, "true"),
            (False, "boolean", None, "false"),
            (None, "null", None, None),
            ("rye", "text", None, "rye"),
            ("1", "text", None, "1"),
            ("", "text", None, ""),
            ('"é" ☃\\', "text", None, '"é" ☃\\'),
            ([1, "a"], "json", None, '[1,"a"]'),
        ],
        ids=repr,
    )
    def test_has_the_value_with_its_type(self, view, store, overwrite, differences, value, type, number, text):
        experiment = new_experiment(trials=1)
        store.save(experiment)
        trial = canonical.loads(docstore.dumps(experiment))["trials"]["0"]
        trial["generator_run"]["arms"][0]["parameters"] = {"x": canonical.loads(docstore.dumps(value))}
        overwrite("/trials/0", canonical.dumps(trial).decode())

        [row] = view("parameters_long")

        if number is not None and not math.isfinite(number):
            number = differences.nan if number != number else differences.inf
        assert (row["arm_name"], row["parameter_name"], row["type"], row["text"]) == ("0_0", "x", type, text)
        assert comparable(row["number"]) == comparable(number)

    def test_has_each_name_as_it_is(self, view, store, overwrite):
        names = ["a", "A", "é", "a.b", "$", "'", '"', "\\", "a~b/c", "[0]", " "]
        experiment = new_experiment(trials=1)
        store.save(experiment)
        trial = canonical.loads(docstore.dumps(experiment))["trials"]["0"]
        trial["generator_run"]["arms"][0]["parameters"] = {name: i + 0.5 for i, name in enumerate(names)}
        overwrite("/trials/0", canonical.dumps(trial).decode())

        found = {row["parameter_name"]: (row["number"], row["text"]) for row in view("parameters_long")}

        assert found == {name: (i + 0.5, str(i + 0.5)) for i, name in enumerate(names)}

    def test_joins_with_observations(self, query, saved):
        [row] = query("""
            SELECT p.number AS x, max(o.mean) AS best FROM parameters_long p
            JOIN observations o ON o.id = p.id AND o.trial_index = p.trial_index AND o.arm_name = p.arm_name
            WHERE p.parameter_name = 'x' AND o.step = 1 GROUP BY p.number""")

        assert (row["x"], row["best"]) == (0.5, 0.5)


class TestSearchSpace:
    def test_has_a_row_for_each_parameter(self, view, store):
        parameters = [
            RangeParameter("lr", ParameterType.FLOAT, 1e-6, 1.0, log_scale=True),
            RangeParameter("n", ParameterType.INT, -10, 2**62),
            ChoiceParameter("flour", ParameterType.STRING, ["rye", "état ☃"]),
            FixedParameter("salt", ParameterType.STRING, "sea"),
            FixedParameter("batch", ParameterType.INT, 7),
            FixedParameter("on", ParameterType.BOOL, True),
            DerivedParameter("both", ParameterType.FLOAT, expression_str="2*lr + 0.5"),
        ]
        store.save(Experiment(SearchSpace(parameters), "spaces"))

        keys = ("parameter_name", "class", "parameter_type", "lower", "upper", "log_scale", "choices", "value")
        assert sorted(tuple(row[key] for key in keys) for row in view("search_space")) == [
            ("batch", "fixed", "INT", None, None, None, None, "7"),
            ("both", "derived", "FLOAT", None, None, None, None, None),
            ("flour", "choice", "STRING", None, None, None, '["rye","état ☃"]', None),
            ("lr", "range", "FLOAT", 1e-6, 1.0, 1, None, None),
            ("n", "range", "INT", -10.0, 2.0**62, 0, None, None),
            ("on", "fixed", "BOOL", None, None, None, None, "true"),
            ("salt", "fixed", "STRING", None, None, None, None, '"sea"'),
        ]


class TestVersionsLog:
    def test_has_who_saved_what_and_why(self, view, store):
        experiment = new_experiment(trials=1)
        store.save(experiment, message="an empty oven", author="Ann ☃")
        experiment.description = "warm"
        add_trial(experiment)
        store.save(experiment, author="Bob")
        store.put("note", "n1", 1)

        first, second, note = view("versions_log")

        assert [(row["kind"], row["name"], row["version"]) for row in (first, second, note)] == [
            ("experiment", "cakes", 1),
            ("experiment", "cakes", 2),
            ("note", "n1", 1),
        ]
        assert [(row["author"], row["message"]) for row in (first, second)] == [("Ann ☃", "an empty oven"), ("Bob", "")]
        versions = {each.number: each for each in store.history("cakes")}
        assert [row["digest"] for row in (first, second)] == [versions[1].digest, versions[2].digest]
        assert [row["changes"] for row in (first, second)] == [len(versions[n].changes) for n in (1, 2)]
        assert [in_utc(row["created_at"]) for row in (first, second)] == [versions[n].created_at for n in (1, 2)]

    def test_has_the_tags_and_what_was_folded(self, view, store):
        experiment = new_experiment()
        for text in "abcd":
            experiment.description = text
            store.save(experiment)
        for tag in ('"quoted"', "best", "Best", "a"):
            store.tag("cakes", tag, version=2)
        store.compact("cakes", keep=1)

        rows = view("versions_log")

        assert [(row["is_folded"], row["changes"] is None) for row in rows] == [(1, 1), (0, 0), (1, 1), (0, 0)]
        assert [row["tags"] for row in rows] == ["[]", '["\\"quoted\\"","Best","a","best"]', "[]", "[]"]


# --- documents of a user's own ----------------------------------------------------------------------------------------


@dataclass
class Plan:
    id: str
    steps: list[Any] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    a: dict[str, Any] = field(default_factory=dict)
    z: list[Any] = field(default_factory=list)
    rest: Any = None


class TestADocumentOfAUsersKind:
    @pytest.fixture(autouse=True)
    def _forgotten(self):
        with registry.scope():
            yield

    @pytest.fixture
    def text_of(self, view, store):
        """Saves a plan with these parts, and gives its text in the view, and the one that it should have."""

        def text_of(plan, *parts):
            docstore.document(kind="plan", name="id", parts=list(parts))(Plan)
            store.save(plan)
            [row] = view("document_json")
            return row["json"].encode(), docstore.dumps(plan)

        return text_of

    @pytest.mark.parametrize(
        "parts",
        [(), ("/steps/*",), ("/notes/*",), ("/z/*", "/steps/*", "/notes/*", "/a/*"), ("/a/*", "/notes/*", "/steps/*")],
    )
    @pytest.mark.parametrize(
        "plan",
        [
            Plan("empty"),
            Plan("full", [1, [2], {"three": 3.0}], {"x": 1, "y": {"notes": {}, "steps": []}}, {"a": {}}, ["z", None]),
            Plan("long", list(range(112)), {str(n): n for n in range(25)}),
            Plan("keys", [], {"a/b": 1, "a~b": 2, "a0": 3, "a": 4, "~": 5, "/": 6, '"': 7, "\\": 8, "é": 9, "a.b": 10}),
            Plan("no key", [], {"": 1}, {"": {"": []}}),
            Plan("odd keys", [], {"": 1, "/": 2, "//": 3, "~": 4, "~1": 5, "0": 6, "☃é": 7, '"': 8, "'": 9, " ": 10}),
            Plan("tricky", ['","k":"', '", "k":"', "{}"], {"steps": [], "k": '"'}, {}, [[]], {"steps": [], "a": {}}),
            Plan("tagged", [(1, 2)], {"1": "one"}, {"__type": 5}, [math.nan], {"notes": {}, "q": ',"notes":{}'}),
        ],
        ids=lambda value: value.id if isinstance(value, Plan) else "",
    )  # fmt: skip
    def test_is_the_text_that_dumps_gives(self, text_of, plan, parts):
        found, text = text_of(plan, *parts)

        assert found == text

    def test_is_the_text_however_deep_and_long_it_is(self, text_of):
        deep = "bottom"
        for _ in range(150):
            deep = [deep]
        plan = Plan("deep", [deep, '"\\\n\u2028' * 200_000, *range(10)], {"deep": deep, "long": "x" * 2_000_000})

        found, text = text_of(plan, "/steps/*", "/notes/*")

        assert found == text

    @pytest.mark.parametrize(
        "layout",
        ['"text"', "[]", '{"parts":"/steps/*"}', '{"parts":{}}', '{"parts":[1,null,[],{},"","/","/*","//*","/steps"]}',
         '{"parts":["/steps/*","/steps/*","/no/*"]}', '{"parts":["/~/*","/\\"/*","/\\\\/*","/a.b/*"]}'],
    )  # fmt: skip
    def test_that_says_odd_things_of_itself_keeps_no_other_from_being_read(self, view, store, overwrite, layout):
        docstore.document(kind="plan", name="id", parts=["/steps/*"])(Plan)
        store.save(Plan("p", [1]))
        overwrite("", f'{{"__document":{layout},"a":1}}')
        store.put("note", "n1", 1)

        assert [row["json"] for row in view("document_json")] == ["1", f'{{"__document":{layout},"a":1}}']


# --- all databases alike ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_sqlite(tmp_path_factory):
    """The stores, by project, of a database of everything."""
    path = tmp_path_factory.mktemp("same") / "lab.db"
    with make.filled(path) as stores:
        yield stores


def plain(value):
    """A value as all databases can show it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and value[:1] in ("{", "["):
        with contextlib.suppress(docstore.errors.DecodeError):
            return canonical.dumps(canonical.loads(value)).decode()
    return value


def rows_of(engine, name):
    """All rows of a view, as text."""
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name}").mappings()]
    for row in rows:
        row.update({key: in_utc(row[key]) for key in ("created_at", "updated_at") if key in row})
    return sorted(repr({key: plain(value) for key, value in row.items()}) for row in rows)


def everything_small():
    """An experiment with an objective, a trial that was observed, and a batch."""
    config = OptimizationConfig(Objective(metric=Metric("taste"), minimize=True))
    experiment = new_experiment("small", trials=1, optimization_config=config, description="so")
    observe(experiment, 0, 2.5)
    arms = [Arm({"x": x, "flour": "rye"}) for x in (0.25, 1e-6)]
    experiment.new_batch_trial().add_generator_run(GeneratorRun(arms, weights=[1, 2.5], type="BO"))
    return experiment


ODD = [1, 1.5, 1e-7, -0.5, 2**60, True, False, None, "", "text", '"', "1", "null", 'q"uo\\te', "é☃", [], {}, [1], [[]],
    [{}], {"a": 1}, {"name": "q"}, {"value": "x"}, {"a~b": {}, "c/d": []}, {"__type": "float", "value": "inf"},
    {"__type": "float", "value": "nan"}, {"__type": "float", "value": "1e+300"}, {"__type": "float", "value": {}},
    {"__type": "int", "value": "123456789012345678901234567890"}, {"__type": "float"}, "-2*taste", "a, -b", "(taste)",
    "2*x/3 + y", "2026-02-30T25:61:61+99:99", "2026-01-02T03:04:05.000001+05:30",
    {"__type": "datetime", "value": "2026-01-02T03:04:05+01:00", "zone": "Europe/Berlin"}]  # fmt: skip
"""What stands where it should not."""

READ_BY_VIEWS = {"optimization_config", "search_space", "generator_run", "generator_runs", "records"}


def with_damage(body, chance):
    """A copy of *body*, of JSON, with something odd in one to three places."""
    body = canonical.loads(canonical.dumps(body))
    for _ in range(chance.randint(1, 3)):
        places = [place for place in places_in(body) if READ_BY_VIEWS & set(place[:1]) and len(place) > 1]
        *way, last = chance.choice(places or [(chance.choice(sorted(body)),)])
        holder = body
        for step in way:
            holder = holder[step]
        holder[last] = copy.deepcopy(chance.choice(ODD))
    return body


def places_in(value, place=()):
    yield place
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places_in(item, (*place, key))


class TestAllDatabases:
    """What the views show of a database of everything is the same as SQLite shows of it, value by value."""

    @pytest.fixture
    def copied(self, shared_stores, backend, of_sqlite):
        """A store on a copy of that database."""

        def fill(store):
            for project, source in of_sqlite.items():
                source.copy_to(docstore.Store(store.engine, project=project, **of_store.OPTIONS))

        with shared_stores.filled(backend, "everything", fill) as store:
            yield store

    @pytest.fixture
    def twin(self, shared_stores):
        """Another store in which nothing is, on SQLite."""
        with shared_stores.emptied("sqlite") as twin:
            yield twin

    @pytest.mark.parametrize("name", VIEWS)
    def test_show_the_same(self, of_sqlite, copied, engine_of, name):
        shown = rows_of(engine_of(copied), name)

        assert shown == rows_of(engine_of(of_sqlite["default"]), name) != []

    @pytest.mark.parametrize("seed", range(12))
    def test_show_the_same_whatever_json_something_else_wrote(self, store, twin, engine_of, seed):
        twin.save(everything_small())
        twin.copy_to(store)
        chance = random.Random(seed)
        pieces = kind_named("experiment").split(canonical.loads(docstore.dumps(everything_small())))
        damaged = {path: canonical.dumps(with_damage(body, chance)).decode() for path, body in pieces.items()}
        for each in (store, twin):
            with each.engine.begin() as connection:
                for path, body in damaged.items():
                    connection.execute(documents.update().where(documents.c.path == path).values(body=body))

        shown = {name: rows_of(engine_of(store), name) for name in VIEWS}

        assert shown == {name: rows_of(engine_of(twin), name) for name in VIEWS}


# --- one experiment of many -------------------------------------------------------------------------------------------


FINDS_A_NAME = {
    "sqlite": lambda row: "d USING INDEX documents_name (name=?" in row["detail"],
    "postgresql": lambda row: "Scan using documents_name on documents d" in row["QUERY PLAN"],
    "mariadb": lambda row: (row["table"], row["key"]) == ("d", "documents_name"),
}

READS_ALL = {
    "sqlite": lambda row: row["detail"].startswith(("SCAN d", "SCAN p", "SCAN v")),
    "postgresql": lambda row: (
        "Seq Scan on documents" in row["QUERY PLAN"] or "Seq Scan on versions" in row["QUERY PLAN"]
    ),
    "mariadb": lambda row: row["type"] == "ALL" and row["table"] in ("d", "p", "v"),
}


class TestOneExperimentOfMany:
    @pytest.fixture
    def many(self, shared_stores, backend):
        """A store with so many rows that to read them all is never the shortest way, and whose database knows that."""
        with shared_stores.filled(backend, "many", self.fill) as store:
            yield store

    @staticmethod
    def fill(store):
        store.save(new_experiment("one", trials=2))
        [info] = store.find(name="one")
        columns = ", ".join(c.name for c in documents.c if c.name not in ("id", "name"))
        named = "CASE WHEN path = '' THEN :name END"
        copies = [{"one": info.id, "id": f"{n:032}", "name": f"other {n}"} for n in range(700)]
        with store.engine.begin() as connection:
            for insert in (
                f"INSERT INTO documents (id, name, {columns}) SELECT :id, {named}, {columns} FROM documents",
                "INSERT INTO versions SELECT :id, version, created_at, author, message, changes, digest, chain, "
                "parent, folded FROM versions",
            ):
                connection.execute(sa.text(f"{insert} WHERE id = :one"), copies)
        with store.engine.begin() as connection:
            analyze = {"mariadb": "ANALYZE TABLE documents"}.get(store.engine.dialect.name, "ANALYZE")
            connection.exec_driver_sql(analyze).close()

    @pytest.fixture
    def plan(self, many, engine_of, backend):
        """What the database says that it does for a SELECT, with statistics of what it holds."""

        def plan(statement):
            explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN ", "mariadb": "EXPLAIN "}[backend]
            with engine_of(many).connect() as connection:
                return [dict(row) for row in connection.exec_driver_sql(explain + statement).mappings()]

        return plan

    @pytest.mark.parametrize(("name", "column"), [(name, COLUMNS[name].split()[0]) for name in VIEWS])
    def test_is_found_by_the_index_of_names_and_no_other_is_read(self, plan, backend, name, column):
        column = "name" if column == "kind" else column

        steps = plan(f"SELECT * FROM {name} WHERE {column} = 'one'")

        assert any(map(FINDS_A_NAME[backend], steps)), steps
        assert not any(map(READS_ALL[backend], steps)), steps


# --- every view -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIEWS)
class TestEachView:
    def test_has_these_columns(self, engine, name):
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT * FROM {name}").keys()

        assert list(found) == COLUMNS[name].split()

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

        assert (repr(view(name)) != before) == (name != "search_space")

    @pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "mariadb"])
    def test_is_the_same_statement_whoever_executes_it(self, name, dialect):
        """Drivers take a percent sign for a value's place, SQLAlchemy a word after a colon; a backslash is as set."""
        statement = views(dialect)[name]

        assert not {"%", "\\"} & set(statement)
        assert sa.text(statement).compile().params == {}
