"""An experiment of MLflow that is imported is one like any other, and is exported with each value of each run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, ViewType
from mlflow_samples import STARTED, diverse, everything, run

from docstore import (
    Arm,
    ChoiceParameter,
    Data,
    Experiment,
    FixedParameter,
    ParameterType,
    RangeParameter,
    SearchSpace,
    TrialStatus,
)
from docstore.errors import InvalidValueError
from docstore.mlflow import export_experiment, import_experiments


@pytest.fixture(scope="session")
def sample(client):
    """The name of an experiment whose runs have all that runs can have."""
    diverse(client, "diverse")
    return "diverse"


@pytest.fixture
def target(other_uri):
    """A client of the database that tests export to."""
    return MlflowClient(tracking_uri=other_uri)


class TestAnExperimentThatIsImportedAndExported:
    def test_has_each_value_of_each_run(self, store, client, target, sample, request):
        import_experiments(store, client, names=[sample])

        exported = export_experiment(store, sample, target, experiment_name=request.node.name)

        assert everything(target, exported.name) == everything(client, sample)

    def test_is_the_same_when_it_is_imported_again(self, lab, target, client, sample, request):
        """What MLflow's database changes when it is written to, as infinite values, was changed at first."""
        import_experiments(lab, client, names=[sample])
        name = export_experiment(lab, sample, target, experiment_name=request.node.name).name
        import_experiments(lab, target, names=[name])

        there, here = (lab.load(each) for each in (name, sample))

        assert [trial.arm.parameters for trial in there.trials.values()] == [
            trial.arm.parameters for trial in here.trials.values()
        ]
        assert repr(there.data.records) == repr(here.data.records)
        assert (there.description, there.properties["team"]) == (here.description, here.properties["team"])

    def test_has_its_deleted_run_as_a_deleted_one(self, lab, client, target, request):
        experiment_id = client.create_experiment(name := request.node.name)
        deleted = run(client, experiment_id)
        import_experiments(lab, client, names=[name])
        client.delete_run(deleted)
        import_experiments(lab, client, names=[name])

        exported = export_experiment(lab, name, target)

        [there] = target.search_runs([exported.experiment_id], run_view_type=ViewType.DELETED_ONLY)
        assert there.data.metrics == {"loss": 0.5}

    def test_has_a_history_longer_than_a_batch(self, lab, client, target, request):
        experiment_id = client.create_experiment(name := request.node.name)
        metrics = [Metric("loss", 1 / (step + 1), STARTED + step, step) for step in range(1002)]
        params = {f"p{number}": str(number) for number in range(101)}
        run_id = run(client, experiment_id, metrics=metrics[:1000], params=dict([*params.items()][:100]))
        client.log_batch(run_id, metrics[1000:])
        client.log_param(run_id, "p100", "100")
        import_experiments(lab, client, names=[name])

        export_experiment(lab, name, target)

        assert everything(target, name) == everything(client, name)


class TestTheExperimentOfARun:
    """It is read as any experiment is: by its trials, its search space and its data."""

    @pytest.fixture
    def imported(self, lab, client, sample):
        import_experiments(lab, client, names=[sample])
        return lab.load(sample)

    def test_has_a_trial_for_each_run_in_the_order_in_which_they_began(self, imported):
        names = [trial.properties["mlflow"]["tags"]["mlflow.runName"] for trial in imported.trials.values()]

        assert names == [f"run {number}" for number in range(6)]

    def test_has_its_statuses(self, imported):
        assert [trial.status for trial in imported.trials.values()] == [
            TrialStatus.COMPLETED,
            TrialStatus.RUNNING,
            TrialStatus.STAGED,
            TrialStatus.FAILED,
            TrialStatus.ABANDONED,
            TrialStatus.COMPLETED,
        ]

    def test_has_times_in_utc_to_the_millisecond(self, imported):
        trial = imported.trials[0]

        assert trial.time_run_started == datetime(2026, 3, 28, 23, 59, 59, 999_000, tzinfo=UTC)
        assert trial.time_completed == datetime(2026, 3, 29, 0, 1, 1, tzinfo=UTC)

    def test_has_each_step_of_a_metric(self, imported):
        records = imported.lookup_data([0]).filter(metric_names=["loss"]).records

        assert {(record["step"], repr(record["mean"])) for record in records} >= {(0, "1.0"), (1, "nan"), (3, "0.25")}
        assert len(records) == 10

    def test_has_numbers_where_the_texts_of_all_runs_are_numbers(self, imported):
        parameters = imported.search_space.parameters

        assert parameters == {
            "depth": ChoiceParameter("depth", ParameterType.STRING, ["8", "auto"], is_ordered=False, sort_values=False),
            "empty": FixedParameter("empty", ParameterType.STRING, ""),
            "lr": RangeParameter("lr", ParameterType.FLOAT, 1e-05, 0.5),
            "on": ChoiceParameter("on", ParameterType.BOOL, [False, True], is_ordered=False, sort_values=False),
            "path": FixedParameter("path", ParameterType.STRING, "a b\n'c' ü"),
            "zeros": FixedParameter("zeros", ParameterType.STRING, "007"),
        }
        assert imported.trials[0].arm.parameters == {"depth": "8", "lr": 1e-05, "on": True}

    def test_has_tags_of_users_as_properties_and_the_note_as_description(self, imported):
        assert (imported.description, imported.properties["team"]) == ("all *kinds*", "vision")
        assert imported.trials[1].properties["fold"] == "1"


class TestAnExperimentThatWasNotImported:
    @pytest.fixture
    def experiment(self, request):
        space = SearchSpace([RangeParameter("x", ParameterType.FLOAT, 0, 1)])
        made = Experiment(space, request.node.name, description="a plain one", properties={"team": "vision", "n": [1]})
        trial = made.new_trial(parameters={"x": 0.25}).mark_running(no_runner_required=True)
        trial.complete({"loss": (0.5, 0.125)})
        return made

    def test_is_exported_with_its_values(self, lab, target, experiment):
        lab.save(experiment)

        exported = export_experiment(lab, experiment.name, target)

        assert exported.tags["mlflow.note.content"] == "a plain one"
        assert (exported.tags["team"], exported.tags["n"]) == ("vision", "[1]")
        [there] = everything(target, experiment.name)["runs"].values()
        assert (there["status"], there["params"]) == ("FINISHED", {"x": "0.25"})
        assert [value[:2] for key in ("loss", "loss.sem") for value in there["metrics"][key]] == [
            ("0.5", 0),
            ("0.125", 0),
        ]

    def test_with_a_batch_trial_is_refused_and_nothing_is_written(self, lab, target, experiment):
        experiment.new_batch_trial().add_arms_and_weights([Arm({"x": 0.5}), Arm({"x": 1.0})])
        lab.save(experiment)

        with pytest.raises(InvalidValueError, match="make a Trial of each arm"):
            export_experiment(lab, experiment.name, target)

        assert target.get_experiment_by_name(experiment.name) is None

    def test_with_a_value_that_mlflow_would_cut_is_refused(self, lab, target, experiment):
        experiment.trials[0].properties["log"] = "x" * 8001
        lab.save(experiment)

        with pytest.raises(InvalidValueError, match="MLflow keeps 8,000 characters"):
            export_experiment(lab, experiment.name, target)

    def test_with_a_name_that_mlflow_refuses_leaves_the_name_of_the_experiment_free(self, lab, target, experiment):
        experiment.trials[0].properties["a;b"] = "odd"
        lab.save(experiment)

        with pytest.raises(InvalidValueError, match="MLflow refuses it"):
            export_experiment(lab, experiment.name, target)

        assert target.get_experiment_by_name(experiment.name) is None

    def test_with_half_a_step_is_refused(self, lab, target, experiment):
        experiment.attach_data(Data([{**experiment.data.records[0], "step": 0.5}]))
        lab.save(experiment)

        with pytest.raises(InvalidValueError, match="whole number"):
            export_experiment(lab, experiment.name, target)


def test_an_experiment_that_the_target_has_is_not_overwritten(lab, client, sample):
    import_experiments(lab, client, names=[sample])

    with pytest.raises(InvalidValueError, match="give experiment_name="):
        export_experiment(lab, sample, client)


def test_a_name_that_is_too_long_for_a_document_is_cut_and_kept(lab, client, target):
    name = "lr=0.1, " * 60
    run(client, client.create_experiment(name))

    [here] = import_experiments(lab, client, names=[name]).imported

    assert export_experiment(lab, here, target).name == name
