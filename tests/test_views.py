"""What a person with a database tool reads in the views: names, numbers and whole documents, by plain SQL."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime

import pytest
from experiments import add_trial, new_experiment, search_space

import docstore
from docstore import Arm, Data, Experiment, ExperimentStatus, GenerationNode, GenerationStrategy, GeneratorRun, Metric

NAME = """it's "good" \\ ☃"""


@pytest.fixture
def view(tmp_path, connect):
    """Reads a view with the module sqlite3 alone: a list of dicts, in the order of the first columns."""
    connection = sqlite3.connect(tmp_path / "lab.db")
    connection.row_factory = sqlite3.Row

    def view(name, where="1"):
        return [dict(row) for row in connection.execute(f"SELECT * FROM {name} WHERE {where} ORDER BY 1, 2")]

    yield view
    connection.close()


@pytest.fixture
def store(tmp_path, connect):
    """These views are read with sqlite3, so the database is always a file of its."""
    return connect(f"sqlite:///{tmp_path}/lab.db")


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

        times = [datetime.fromisoformat(row[column]).replace(tzinfo=UTC) for column in ("created_at", "updated_at")]

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

    def test_has_the_integer_of_its_type(self, view, saved):
        codes = {row["name"]: row["value"] for row in view("codes", "\"column\" = 'generator_run_type'")}

        # Of a batch, the first run's type is the trial's: only that one has an integer.
        assert [row["type"] for row in view("generator_runs")] == [codes["SOBOL"], codes["BO"], codes.get("MANUAL")]

    def test_has_its_json(self, view, saved):
        first = view("generator_runs")[0]

        assert docstore.values.loads(first["json"])["time_created"] == "2026-01-02T00:00:00+00:00"


class TestObservations:
    def test_has_a_row_for_each_with_numbers_as_numbers(self, view, saved):
        rows = sorted(view("observations"), key=lambda row: row["step"] or 0)

        assert [(row["step"], row["mean"], row["sem"]) for row in rows] == [
            (None, 0.25, None),
            (1, 0.5, 0.25),
            (2.5, None, None),
            (3, math.inf, None),
            (4, -math.inf, None),
            (5, 1e20, 1e300),
            (6, 0.0, None),
            (7, 1e30, None),
            (8, 7, None),
        ]

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

    def test_can_be_summed_up(self, view, saved):
        [row] = view("(SELECT experiment, max(mean) AS best, count(*) AS n FROM observations WHERE mean < 1e19)")

        assert (row["best"], row["n"]) == (7, 5)


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
        ],
        ids=repr,
    )
    def test_is_the_text_whatever_it_holds(self, view, store, value):
        experiment = new_experiment(trials=1, properties={"value": value})
        experiment.trials[0].run_metadata["value"] = value
        store.save(experiment)

        [row] = view("document_json")

        assert row["json"].encode() == docstore.dumps(experiment)

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


@pytest.mark.parametrize("name", ["experiments", "trials", "generator_runs", "observations", "document_json"])
class TestEachView:
    def test_does_not_show_what_was_deleted(self, view, store, name):
        store.save(new_experiment(trials=2))
        store.delete("cakes")

        assert view(name) == []

    def test_shows_it_again_when_it_is_back(self, view, store, name):
        store.save(new_experiment(trials=2))
        before = view(name)
        store.delete("cakes")
        store.undelete("cakes")

        assert view(name) == before != []

    def test_shows_a_trial_that_was_added(self, view, store, name):
        experiment = new_experiment(trials=2)
        store.save(experiment)
        before = view(name)
        add_trial(experiment)
        store.save(experiment)

        assert view(name) != before
