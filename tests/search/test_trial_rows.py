"""The trials of an experiment as rows, of any version, without pandas."""

from __future__ import annotations

import pytest

from docstore import Arm, Data
from docstore.search.experiments.rows import TrialRow, trial_rows
from docstore.testing.experiments import add_trial, new_experiment, observe


@pytest.fixture
def store(fresh_database, connect):
    """A store on SQLite: the rows are made of JSON, which is the same on each database."""
    return connect(fresh_database("sqlite"))


def rows_of(store, experiment, **version):
    store.save(experiment)
    return trial_rows(store.get(experiment.name, **version))


class TestATrial:
    def test_is_a_row_with_its_parameters_in_the_order_of_the_search_space(self, store):
        experiment = new_experiment()
        add_trial(experiment, 0.5)

        [row] = rows_of(store, experiment)

        assert row == TrialRow(0, "COMPLETED", "0_0", {"x": 0.0, "flour": "rye"}, {"taste": 0.5})
        assert list(row.parameters) == ["x", "flour"]

    def test_has_what_was_measured_though_it_failed(self, store):
        experiment = new_experiment()
        trial = experiment.new_trial(parameters={"x": 0.5, "flour": "rye"}).mark_running(no_runner_required=True)
        observe(experiment, trial.index, 0.5)
        trial.mark_failed()

        [row] = rows_of(store, experiment)

        assert (row.status, row.metrics) == ("FAILED", {"taste": 0.5})

    def test_has_the_mean_at_the_largest_step(self, store):
        experiment = new_experiment()
        add_trial(experiment)
        shared = {"trial_index": 0, "arm_name": "0_0", "metric_name": "taste", "sem": None}
        records = [{**shared, "mean": mean, "step": step} for mean, step in [(0.25, 1.0), (0.75, 3.0), (0.5, 2.0)]]
        experiment.attach_data(Data.from_records(records))

        [row] = rows_of(store, experiment)

        assert row.metrics == {"taste": 0.75}

    def test_of_several_arms_is_a_row_for_each(self, store):
        experiment = new_experiment()
        trial = experiment.new_batch_trial()
        trial.add_arm(Arm({"x": 0.0, "flour": "rye"}, "a")).add_arm(Arm({"x": 0.5, "flour": "rye"}, "b"))

        assert [(row.trial, row.arm, row.parameters["x"]) for row in rows_of(store, experiment)] == [
            (0, "a", 0.0),
            (0, "b", 0.5),
        ]

    def test_without_an_arm_is_a_row_too(self, store):
        experiment = new_experiment()
        experiment.new_batch_trial()

        assert rows_of(store, experiment) == [TrialRow(0, "CANDIDATE", None, {}, {})]


def test_trials_are_in_the_order_of_their_numbers(store):
    assert [row.trial for row in rows_of(store, new_experiment(trials=11))] == list(range(11))


def test_trials_are_those_of_the_version(store):
    experiment = new_experiment(trials=1)
    store.save(experiment)
    add_trial(experiment)

    assert [row.trial for row in rows_of(store, experiment, version=1)] == [0]


@pytest.mark.parametrize("document", [{}, {"trials": None}, [], "text", None])
def test_another_document_has_no_trials(document):
    assert trial_rows(document) == []
