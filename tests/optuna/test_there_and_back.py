"""A study that is imported is an experiment like any other, and is exported with each attribute of each trial."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState
from optuna_samples import DIVERSE, STARTED, everything, fill, trial

from docstore import (
    ChoiceParameter,
    Experiment,
    FixedParameter,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    TrialStatus,
)
from docstore.errors import DocumentNotFoundError, InvalidValueError
from docstore.optuna import export_study, import_studies


class TestAStudyThatIsImportedAndExported:
    """Each trial of the sample has something that the model of experiments has no place for."""

    def test_has_each_attribute_of_each_trial_in_memory(self, store, memory):
        study = fill(memory, DIVERSE)

        import_studies(store, memory)

        assert everything(export_study(store, "branin", optuna.storages.InMemoryStorage())) == everything(study)

    @pytest.mark.parametrize("kind", ["journal", "rdb"])
    def test_has_them_in_a_file(self, lab, new_storage, kind):
        study = fill(new_storage(kind), DIVERSE)
        import_studies(lab, study._storage)

        exported = export_study(lab, "branin", new_storage(kind))

        assert everything(exported) == everything(study)

    def test_has_the_choice_that_equals_another_one_in_a_file(self, lab, memory, rdb):
        study = fill(memory, [each for each in DIVERSE if "c" in each.params])
        import_studies(lab, memory)

        exported = export_study(lab, "branin", rdb)

        assert [repr(each.params["c"]) for each in exported.trials] == [repr(each.params["c"]) for each in study.trials]

    def test_has_its_directions_and_the_names_of_its_metrics(self, lab, memory):
        study = fill(memory, [trial(values=[1.0, 2.0, math.inf])], directions=3)
        names = ["loss", "f1-score, weighted", "size"]
        memory.set_study_system_attr(study._study_id, "study:metric_names", names)

        import_studies(lab, memory)

        assert lab.load("branin").optimization_config.objective.metric_names == names
        assert everything(export_study(lab, "branin", optuna.storages.InMemoryStorage())) == everything(study)

    def test_keeps_its_own_name_under_a_prefix(self, lab, memory):
        fill(memory, [])
        import_studies(lab, memory, prefix="lab 2/")

        exported = export_study(lab, "lab 2/branin", optuna.storages.InMemoryStorage())

        assert exported.study_name == "branin"

    def test_may_have_no_name(self, lab, memory):
        fill(memory, DIVERSE[:1], name="")

        report = import_studies(lab, memory)

        assert report.renamed == {"(no name)": ""}
        assert export_study(lab, "(no name)", optuna.storages.InMemoryStorage()).study_name == ""

    def test_is_whole_as_a_document_too(self, lab, memory):
        fill(memory, DIVERSE)

        import_studies(lab, memory)

        assert lab.verify("branin", decode=True) == []


class TestTheExperimentOfAStudy:
    """What people, views and searches see of it."""

    @pytest.fixture
    def experiment(self, lab, memory):
        fill(memory, DIVERSE)
        import_studies(lab, memory)
        return lab.load("branin")

    def test_has_a_parameter_for_each_distribution(self, experiment):
        parameters = experiment.search_space.parameters

        assert list(parameters) == ["x", "c", "late", "one", "only", "half", "far"]
        assert parameters["x"] == RangeParameter("x", ParameterType.FLOAT, -1.0, 1.0)
        assert parameters["late"] == RangeParameter("late", ParameterType.INT, 1, 1024, log_scale=True)
        assert parameters["one"] == FixedParameter("one", ParameterType.FLOAT, 2.0)
        assert parameters["only"] == FixedParameter("only", ParameterType.STRING, "a")

    def test_has_choices_of_several_types_as_texts(self, experiment):
        parameter = experiment.search_space.parameters["c"]

        assert isinstance(parameter, ChoiceParameter)
        assert parameter.values == ["None", "True", "1", "1.0", "'1'", "'None'", "''", "-0.0", "0.0"]
        assert experiment.trials[7].arm.parameters == {"c": "True"}

    def test_has_a_status_for_each_state(self, experiment):
        statuses = [experiment.trials[number].status for number in range(5)]

        assert statuses == [
            TrialStatus.COMPLETED,
            TrialStatus.CANDIDATE,
            TrialStatus.RUNNING,
            TrialStatus.EARLY_STOPPED,
            TrialStatus.FAILED,
        ]

    def test_has_intermediate_values_as_a_metric_with_steps(self, experiment):
        records = experiment.lookup_data([3]).records

        assert [(record["metric_name"], record["step"], record["mean"]) for record in records] == [
            ("intermediate_value", 0, 1.0),
            ("intermediate_value", 5, 0.5),
        ]

    def test_has_the_user_attributes_as_properties(self, experiment):
        assert experiment.properties["team"] == {"vision": [1, None]}
        assert experiment.trials[21].properties["optuna"] == {"system_attrs": {"constraints": [0.1, -1]}}

    def test_has_times_with_their_zone(self, lab, memory):
        fill(memory, [trial()])

        import_studies(lab, memory, zone="America/New_York")

        started = lab.load("branin").trials[0].time_run_started
        assert started == (STARTED + timedelta(hours=4)).replace(tzinfo=UTC)
        assert started.utcoffset() == timedelta(hours=-4)

    def test_has_the_best_trial_that_optuna_has(self, lab, memory):
        trials = [trial(values=[3.0]), trial(values=[2.0]), trial(state=TrialState.PRUNED, values=[1.0])]
        study = fill(memory, [*trials, trial(state=TrialState.RUNNING, intermediate_values={0: 0.0})])

        import_studies(lab, memory)

        [best] = lab.best("branin")
        assert (best.trial_index, best.value) == (study.best_trial.number, study.best_value) == (1, 2.0)

    def test_has_each_trial_as_an_arm_of_its_own(self, lab, memory):
        fill(memory, [trial(values=[1.0]), trial(values=[3.0])])

        import_studies(lab, memory)

        assert lab.best("branin")[0].value == 1.0


class TestAnExperimentThatIsNoStudyOfOptuna:
    """It was made by docstore alone; Optuna can express some."""

    @pytest.fixture
    def experiment(self):
        space = SearchSpace(
            [
                RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
                ChoiceParameter("c", ParameterType.STRING, ["a", "b", "c"]),
            ]
        )
        config = OptimizationConfig(Objective(metric=Metric("loss"), minimize=True))
        return Experiment(space, "cakes", optimization_config=config)

    def test_is_exported_with_its_trials(self, lab, experiment):
        experiment.new_trial(parameters={"x": 0.5, "c": "b"}).complete({"loss": 0.25})
        lab.save(experiment)

        [exported] = export_study(lab, "cakes", optuna.storages.InMemoryStorage()).trials

        assert exported.params == {"x": 0.5, "c": "b"}
        assert exported.distributions["c"] == CategoricalDistribution(["a", "b", "c"])
        assert exported.values == [0.25]

    def test_keeps_the_numbers_of_its_trials(self, lab, experiment):
        for _ in range(3):
            experiment.new_trial(parameters={"x": 0.5, "c": "b"})
        del experiment.trials[1]
        lab.save(experiment)

        exported = export_study(lab, "cakes", optuna.storages.InMemoryStorage()).trials

        assert [each.state for each in exported] == [TrialState.WAITING, TrialState.FAIL, TrialState.WAITING]
        assert exported[1].system_attrs == {"docstore:missing": True}

    def test_is_refused_without_an_objective(self, lab):
        lab.save(Experiment(SearchSpace([]), "cakes"))

        with pytest.raises(InvalidValueError, match="objective of experiment 'cakes'"):
            export_study(lab, "cakes", optuna.storages.InMemoryStorage())

    def test_is_refused_with_a_batch_of_arms_and_leaves_no_study(self, lab, memory, experiment):
        experiment.new_batch_trial()
        lab.save(experiment)

        with pytest.raises(InvalidValueError, match="trial 0"):
            export_study(lab, "cakes", memory)

        assert memory.get_all_studies() == []


def fill_and_load(lab, memory):
    """Import a study of two trials, and return its experiment."""
    fill(memory, [trial(), trial()])
    import_studies(lab, memory)
    return lab.load("branin")


class TestAnExportThatCannotBeMade:
    def test_of_a_name_that_the_target_has_names_the_argument(self, lab, memory):
        fill(memory, [])
        import_studies(lab, memory)

        with pytest.raises(InvalidValueError, match="study_name="):
            export_study(lab, "branin", memory)

        assert export_study(lab, "branin", memory, study_name="branin 2").study_name == "branin 2"

    def test_of_no_experiment_says_so(self, lab, memory):
        with pytest.raises(DocumentNotFoundError):
            export_study(lab, "branin", memory)

    def test_leaves_no_study_if_optuna_refuses_a_trial(self, lab, memory, rdb):
        experiment = fill_and_load(lab, memory)
        experiment.trials[1].properties["optuna"] = {
            "distributions": [["x", {"class": "IntDistribution", "low": 0, "high": 1}]]
        }
        lab.save(experiment)

        with pytest.raises(InvalidValueError, match=r"^trial 1: .* different distribution kind"):
            export_study(lab, "branin", rdb)

        assert rdb.get_all_studies() == []


def test_progress_counts_the_trials(lab, memory):
    fill(memory, DIVERSE[:3])
    import_studies(lab, memory)
    told = []

    export_study(lab, "branin", optuna.storages.InMemoryStorage(), progress=told.append)

    assert [(each.done, each.total) for each in told] == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("prefix", ["", "machine 2/"])
def test_a_name_that_is_too_long_for_a_document_is_cut_and_kept(lab, memory, prefix):
    name = "lr=0.1, " * 60
    fill(memory, [trial()], name=name)
    import_studies(lab, memory, prefix=prefix)

    [here] = lab.find().names()

    assert here.startswith(f"{prefix}lr=0.1, ")
    assert export_study(lab, here, optuna.storages.InMemoryStorage()).study_name == name
    assert import_studies(lab, memory, prefix=prefix).unchanged == [here]


def test_microseconds_are_kept(lab, memory):
    fill(memory, [trial(datetime_start=datetime(2026, 1, 2, 3, 4, 5, 678_901))])

    import_studies(lab, memory)

    assert lab.load("branin").trials[0].time_run_started.microsecond == 678_901
