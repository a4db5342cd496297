"""What an experiment of the light model promises: data, metrics, trial types, and what of it is stored."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import typing
from enum import Enum

import pytest

import docstore
from docstore import model
from docstore.errors import DecodeError, InvalidValueError
from docstore.model import (
    Arm,
    AuxiliaryExperiment,
    AuxiliaryExperimentPurpose,
    BatchTrial,
    ChoiceParameter,
    Data,
    Experiment,
    ExperimentStatus,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    MapMetric,
    Metric,
    MultiTypeExperiment,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    Runner,
    SearchSpace,
    Trial,
    TrialStatus,
)


def space() -> SearchSpace:
    return SearchSpace(
        [
            RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
            ChoiceParameter("c", ParameterType.STRING, ["a", "b", "d"]),
        ]
    )


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(space(), "tuning")


def observation(**changed: object) -> dict[str, object]:
    return {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss", "mean": 0.5, **changed}


def stored(cls: type) -> list[dataclasses.Field[object]]:
    return [field for field in dataclasses.fields(cls) if field.metadata.get("stored", True)]


def rebuilt(value: typing.Any) -> typing.Any:
    """Return *value* as the codec makes it: field by field, children first, the keys of dicts sorted as text."""
    if isinstance(value, list):
        return [rebuilt(item) for item in value]
    if isinstance(value, dict):
        return {key: rebuilt(value[key]) for key in sorted(value, key=str)}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    made = type(value).__new__(type(value))
    for field in dataclasses.fields(value):
        if field in stored(type(value)):
            made.__dict__[field.name] = rebuilt(value.__dict__[field.name])
        elif field.default_factory is not dataclasses.MISSING:
            made.__dict__[field.name] = field.default_factory()
        else:
            made.__dict__[field.name] = field.default
    if hasattr(made, "__docstore_restored__"):
        made.__docstore_restored__()
    return made


class TestRecords:
    def test_are_copied_and_kept_type_exact(self):
        given = observation(mean=1, sem=0.5, step=3, note={"free": [1]})

        data = Data.from_records([given])
        given["mean"] = 2

        assert data.records == [observation(mean=1, sem=0.5, step=3, note={"free": [1]})]
        assert [type(data.records[0][key]) for key in ("mean", "step")] == [int, int]

    def test_without_a_standard_error_have_none(self):
        given = observation()

        assert Data.from_records([given]).records[0]["sem"] is None
        assert "sem" not in given

    def test_may_hold_nan(self):
        assert math.isnan(Data.from_records([observation(mean=math.nan, sem=math.nan)]).records[0]["mean"])

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("trial_index", "0"),
            ("trial_index", 0.0),
            ("trial_index", True),
            ("trial_index", -1),
            ("arm_name", 0),
            ("metric_name", ""),
            ("mean", None),
            ("mean", "0.5"),
            ("mean", True),
            ("sem", "0.5"),
            ("sem", -1),
            ("step", "3"),
        ],
    )
    def test_of_a_wrong_type_are_refused_by_their_place(self, column, value):
        with pytest.raises(InvalidValueError, match=f"{column} of record 1"):
            Data.from_records([observation(), observation(**{column: value})])

    @pytest.mark.parametrize("column", ["trial_index", "arm_name", "metric_name", "mean"])
    def test_that_lack_a_column_are_refused_by_their_place(self, column):
        lacking = {key: value for key, value in observation().items() if key != column}

        with pytest.raises(InvalidValueError, match=f"record 0 of the data.*It lacks '{column}'"):
            Data.from_records([lacking])

    def test_are_found_by_trial_and_metric(self):
        data = Data.from_records([observation(), observation(trial_index=1), observation(metric_name="time")])

        assert len(data.filter(trial_indices=[0], metric_names=["loss"])) == 1
        assert (data.trial_indices, data.metric_names) == ({0, 1}, {"loss", "time"})


class TestAttachedData:
    @pytest.fixture
    def measured(self, experiment):
        for x in (0.1, 0.2):
            experiment.new_trial(parameters={"x": x, "c": "a"})
        experiment.attach_data(Data.from_records([observation(), observation(metric_name="time"), observation(step=1)]))
        return experiment

    def test_take_the_place_of_the_same_observation(self, measured):
        measured.attach_data(Data.from_records([observation(mean=9), observation(step=2)]))

        assert [(r["metric_name"], r.get("step"), r["mean"]) for r in measured.data.records] == [
            ("loss", None, 9),
            ("time", None, 0.5),
            ("loss", 1, 0.5),
            ("loss", 2, 0.5),
        ]

    def test_change_nothing_of_other_trials(self, measured):
        before = measured._data[0]

        measured.attach_data(Data.from_records([observation(trial_index=1, arm_name="1_0")]))

        assert measured._data[0] is before
        assert len(measured.lookup_data()) == 4
        assert len(measured.trials[1].lookup_data()) == 1

    def test_for_a_trial_that_is_not_there_are_refused(self, measured):
        with pytest.raises(InvalidValueError, match=r"7 cannot be used. It has trials 0 to 1"):
            measured.attach_data(Data.from_records([observation(mean=9), observation(trial_index=7)]))

        assert measured.data.records[0]["mean"] == 0.5

    def test_for_an_arm_that_the_trial_lacks_are_refused(self, measured):
        with pytest.raises(InvalidValueError, match=r"data for trial 1: '0_0'.*arms are '1_0'"):
            measured.attach_data(Data.from_records([observation(trial_index=1)]))

    @pytest.mark.parametrize("data", [Data(), [observation()], None])
    def test_are_data_and_not_none(self, measured, data):
        with pytest.raises(InvalidValueError, match=r"Data.from_records"):
            measured.attach_data(data)

    def test_do_not_change_with_what_was_given_or_asked(self, measured):
        given = Data.from_records([observation(mean=9)])
        measured.attach_data(given)

        given.records[0]["mean"] = 10
        measured.data.records[0]["mean"] = 11

        assert measured.data.records[0]["mean"] == 9


class TestAnExperiment:
    def test_keeps_the_name_of_its_type(self):
        class Kind(Enum):
            VISION = 3

        experiment = Experiment(space(), experiment_type=Kind.VISION)
        assert experiment.experiment_type == "VISION"

        experiment.experiment_type = "TEXT"
        assert experiment.experiment_type == "TEXT"

    def test_knows_its_own_metrics_and_those_it_optimizes(self):
        config = OptimizationConfig(Objective("-loss"))
        experiment = Experiment(space(), optimization_config=config, tracking_metrics=[Metric("time")])

        assert experiment.metrics == {"loss": Metric("loss"), "time": Metric("time")}
        assert experiment.tracking_metrics == [Metric("time")]

    def test_prefers_its_own_metric_to_a_mere_name(self):
        own = MapMetric("loss")
        experiment = Experiment(space(), "e", OptimizationConfig(Objective("-loss")), metrics=[own])

        assert experiment.metrics == {"loss": own}
        assert experiment.tracking_metrics == []

    def test_refuses_a_metric_twice(self, experiment):
        experiment.add_tracking_metric(Metric("time"))

        with pytest.raises(InvalidValueError, match=r"'time'.*update_tracking_metric"):
            experiment.add_tracking_metric(Metric("time"))

    def test_updates_and_removes_a_metric(self, experiment):
        experiment.add_tracking_metrics([Metric("time"), Metric("size")])

        experiment.update_tracking_metric(Metric("time", lower_is_better=True)).remove_tracking_metric("size")

        assert experiment.metrics == {"time": Metric("time", lower_is_better=True)}

    def test_is_made_by_a_subclass_that_adds_metrics_and_returns_nothing(self):
        class Logged(Experiment):
            def add_tracking_metrics(self, metrics):
                super().add_tracking_metrics(metrics)

        experiment = Logged(space(), tracking_metrics=[Metric("time")], metrics=iter([Metric("size")]))

        assert list(experiment.metrics) == ["time", "size"]
        with pytest.raises(InvalidValueError, match="Give a Metric, in a list"):
            Logged(space(), tracking_metrics=Metric("time"))

    def test_updates_a_metric_by_another_metric_only(self, experiment):
        with pytest.raises(InvalidValueError, match="Give a Metric"):
            experiment.update_tracking_metric("size")

    def test_does_not_remove_a_metric_that_it_lacks(self, experiment):
        with pytest.raises(InvalidValueError, match="'size'"):
            experiment.remove_tracking_metric("size")

    def test_keeps_its_status_quo_once_there_are_trials(self, experiment):
        experiment.status_quo = Arm({"x": 0.5, "c": "a"})
        experiment.new_trial()

        with pytest.raises(InvalidValueError, match="new experiment"):
            experiment.status_quo = Arm({"x": 0.6, "c": "a"})

    @pytest.mark.parametrize(("name", "remedy"), [("0_0", "choose another"), (None, "give the status quo a name")])
    def test_has_a_status_quo_of_another_name_than_arms_with_other_parameters(self, experiment, name, remedy):
        experiment.new_trial(parameters={"x": 0.5, "c": "a"})
        experiment.new_trial().add_arm(Arm({"x": 0.25, "c": "a"}, "status_quo"))

        with pytest.raises(InvalidValueError, match=f"Other parameters have it: {remedy}"):
            experiment.status_quo = Arm({"x": 0.75, "c": "a"}, name)
        assert experiment.status_quo is None

    def test_has_a_status_quo_of_the_name_of_the_arm_with_its_parameters(self, experiment):
        experiment.new_trial(parameters={"x": 0.5, "c": "a"})

        with pytest.raises(InvalidValueError, match="known as '0_0'"):
            experiment.status_quo = Arm({"x": 0.5, "c": "a"}, "base")
        experiment.status_quo = Arm({"x": 0.5, "c": "a"})

        assert experiment.status_quo.name == "0_0"

    def test_may_give_the_name_of_its_former_status_quo_to_the_next(self, experiment):
        experiment.status_quo = Arm({"x": 0.5, "c": "a"}, "today")
        experiment.status_quo = Arm({"x": 0.25, "c": "a"}, "today")

        assert experiment.new_trial(parameters={"x": 0.25, "c": "a"}).arm.name == "today"

    @pytest.mark.parametrize(
        "arguments",
        [
            {"search_space": None},
            {"name": ""},
            {"name": 7},
            {"runner": "r"},
            {"optimization_config": Objective("a")},
            {"properties": "p"},
        ],
    )
    def test_refuses_what_is_no_part_of_one(self, arguments):
        with pytest.raises(InvalidValueError):
            Experiment(**{"search_space": space(), **arguments})

    def test_has_one_type_of_trials(self, experiment):
        with pytest.raises(InvalidValueError, match="MultiTypeExperiment"):
            experiment.new_trial(trial_type="long")

    def test_learns_from_others(self, experiment):
        purpose = AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT
        auxiliary = AuxiliaryExperiment(Experiment(space(), "source"))

        experiment.add_auxiliary_experiment(purpose, auxiliary)

        assert experiment.auxiliary_experiments_by_purpose == {purpose: [auxiliary]}

    def test_learns_from_data_only(self):
        with pytest.raises(InvalidValueError, match="data of an auxiliary experiment"):
            AuxiliaryExperiment(Experiment(space(), "source"), data="x")

    def test_runs_a_trial_by_its_runner(self):
        class Local(Runner):
            def run(self, trial):
                return {"job": trial.index}

        trial = Experiment(space(), runner=Local()).new_trial(parameters={"x": 0.5, "c": "a"}).run()

        assert (trial.status, trial.run_metadata) == (TrialStatus.RUNNING, {"job": 0})

    def test_is_a_draft_at_first(self, experiment):
        assert experiment.status is ExperimentStatus.DRAFT


class TestAnExperimentOfSeveralTrialTypes:
    @pytest.fixture
    def tuned(self):
        return MultiTypeExperiment("m", space(), "long", Runner(), OptimizationConfig(Objective("loss")))

    def test_gives_each_type_its_runner_and_metrics(self, tuned):
        class Simulator(Runner):
            pass

        tuned.add_trial_type("short", Simulator()).add_tracking_metric(Metric("guess"), "short", "loss")

        assert tuned.new_trial(trial_type="short").runner == Simulator()
        assert tuned.new_trial().runner == Runner()
        assert tuned.metric_to_trial_type == {"loss": "long", "guess": "short"}
        assert tuned.metrics_for_trial_type("short") == [Metric("guess")]
        assert tuned.default_trials == {1}

    def test_runs_trials_of_its_own_type_by_the_runner_that_it_was_given_last(self, tuned):
        tuned.runner = None
        assert tuned.new_trial().runner is None

        tuned.runner = Runner()
        assert tuned.trials[0].runner == Runner()

    def test_stores_no_runner_of_its_own_type_that_it_no_longer_has(self, tuned):
        assert json.loads(docstore.dumps(tuned))["trial_type_to_runner"] == {"long": {"__type": "Runner"}}

        tuned.runner = None

        stored = json.loads(docstore.dumps(tuned))
        assert "runner" not in stored
        assert stored["trial_type_to_runner"] == {"long": None}

    def test_refuses_a_type_that_it_lacks(self, tuned):
        with pytest.raises(InvalidValueError, match="add_trial_type"):
            tuned.new_trial(trial_type="short")

    @pytest.mark.parametrize(
        "change",
        [
            lambda tuned: tuned.add_trial_type("third", "r"),
            lambda tuned: tuned.update_runner(tuned.default_trial_type, "r"),
            lambda tuned: tuned.add_tracking_metric(Metric("size"), canonical_name=5),
        ],
        ids=["a new type's runner", "another runner", "a metric's other name"],
    )
    def test_refuses_what_is_none_before_it_changes(self, tuned, change):
        before = docstore.dumps(tuned)

        with pytest.raises(InvalidValueError):
            change(tuned)

        assert docstore.dumps(tuned) == before

    def test_refuses_a_type_twice(self, tuned):
        with pytest.raises(InvalidValueError, match="update_runner"):
            tuned.add_trial_type("long", None)


class TestAGenerationStrategy:
    def test_starts_at_its_first_node_and_moves_on(self):
        strategy = GenerationStrategy([GenerationNode("Sobol"), GenerationNode("BoTorch")], experiment_name="tuning")
        assert (strategy.name, strategy.current_node.name) == ("Sobol+BoTorch", "Sobol")

        strategy.current_node_name = "BoTorch"

        assert strategy.current_node is strategy.nodes[1]

    def test_keeps_what_it_generated_and_where(self):
        strategy, run = GenerationStrategy([GenerationNode("Sobol")]), GeneratorRun([])

        strategy.add_generator_run(run)

        assert strategy.last_generator_run is run
        assert run.generation_node_name == "Sobol"

    @pytest.mark.parametrize("names", [[], ["a", "a"], [""]])
    def test_needs_nodes_with_names_of_their_own(self, names):
        with pytest.raises(InvalidValueError, match="node"):
            GenerationStrategy([GenerationNode(name) for name in names])

    def test_moves_to_no_node_that_it_lacks(self):
        with pytest.raises(InvalidValueError, match=r"'BoTorch'.*'Sobol'"):
            GenerationStrategy([GenerationNode("Sobol")]).current_node_name = "BoTorch"


class TestWhatIsStored:
    """The contract with the codec: fields, and nothing but fields."""

    @pytest.mark.parametrize("cls", model.CLASSES)
    def test_has_a_key_for_each_field(self, cls):
        keys = [field.name.removeprefix("_") for field in stored(cls)]

        assert len(keys) == len(set(keys))

    @pytest.mark.parametrize("cls", model.CLASSES)
    def test_has_types_that_are_known_at_run_time(self, cls):
        assert typing.get_type_hints(cls).keys() >= {field.name for field in dataclasses.fields(cls)}

    def test_is_known_by_these_tags(self):
        """A tag that goes makes stored documents unreadable, and one that comes can be in them for good."""
        assert " ".join(cls.__name__ for cls in model.CLASSES) == (
            "AbandonedArm AnalysisCard AnalysisCardGroup Arm Artifact AuxiliaryExperiment BatchTrial ChoiceParameter "
            "Data DerivedParameter Experiment FixedParameter GenerationNode GenerationStrategy GeneratorRun MapMetric "
            "Metric MultiObjective MultiObjectiveOptimizationConfig MultiTypeExperiment Objective ObjectiveThreshold "
            "OptimizationConfig OutcomeConstraint ParameterConstraint RangeParameter Runner ScalarizedObjective "
            "ScalarizedOutcomeConstraint SearchSpace Trial"
        )
        assert " ".join(cls.__name__ for cls in model.ENUMS) == (
            "AuxiliaryExperimentPurpose ComparisonOp ExperimentStatus GeneratorRunType ParameterType TrialStatus"
        )

    def test_changes_by_one_trial_when_one_is_added(self, experiment):
        experiment.new_trial(parameters={"x": 0.1, "c": "a"})
        before = rebuilt(experiment)

        experiment.new_trial(parameters={"x": 0.2, "c": "a"})

        changed = [f.name for f in stored(Experiment) if getattr(before, f.name) != getattr(experiment, f.name)]
        assert changed == ["_trials"]
        assert before.trials[0] == experiment.trials[0]

    def test_is_few_fields_where_there_are_thousands(self):
        assert len(stored(Trial)) <= 15
        assert len(stored(BatchTrial)) <= 15
        assert len(stored(GeneratorRun)) <= 12


class TestAnExperimentInATextThatAPersonWrote:
    @pytest.mark.parametrize("member", ["trials", "data"])
    def test_is_refused_where_it_lists_what_it_has_by_trial(self, experiment, member):
        text = docstore.dumps(experiment).replace(b'"%b":{}' % member.encode(), b'"%b":[]' % member.encode())

        with pytest.raises(DecodeError, match=rf"^at /{member}: \[\] is no JSON object, with a member for each trial$"):
            docstore.loads(text)


class TestARebuiltExperiment:
    @pytest.fixture
    def original(self):
        experiment = Experiment(space(), "tuning", OptimizationConfig(Objective(metric=Metric("loss"), minimize=True)))
        experiment.status_quo = Arm({"x": 0.0, "c": "a"})
        for i in range(12):
            experiment.new_trial(parameters={"x": i / 20, "c": "b"})
        experiment.new_batch_trial(should_add_status_quo_arm=True)
        experiment.attach_data(Data.from_records([observation()]))
        return experiment

    def test_is_equal(self, original):
        assert rebuilt(original) == original

    def test_has_only_fields(self, original):
        names = {field.name for field in dataclasses.fields(Experiment)}

        assert vars(rebuilt(original)).keys() == names == vars(original).keys()

    def test_has_trials_that_know_it(self, original):
        again = rebuilt(original)

        assert {trial.experiment is again for trial in again.trials.values()} == {True}

    def test_has_parameters_in_the_order_of_the_search_space(self, original):
        assert list(rebuilt(original).trials[3].arm.parameters) == ["x", "c"]

    def test_has_trials_in_the_order_of_their_indices(self, original):
        assert list(rebuilt(original).trials) == list(range(13))

    def test_knows_its_arms(self, original):
        again = rebuilt(original)

        assert again.new_trial(parameters={"x": 0.05, "c": "b"}).arm.name == "1_0"
        assert again.new_trial(parameters={"x": 0.99, "c": "b"}).arm.name == "14_0"


def test_nothing_but_the_standard_library_is_imported():
    """Whoever has no NumPy, pandas or Ax can use the model."""
    code = "import sys, docstore.model; print({'numpy', 'pandas', 'torch', 'ax'} & sys.modules.keys())"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
