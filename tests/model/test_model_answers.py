"""What objects of the light model answer about themselves, under the names that users of Ax ask by."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from docstore.errors import InvalidValueError
from docstore.model import (
    AnalysisCardBase,
    Arm,
    AuxiliaryExperiment,
    AuxiliaryExperimentPurpose,
    BaseTrial,
    ChoiceParameter,
    ComparisonOp,
    Data,
    DerivedParameter,
    Experiment,
    ExperimentStatus,
    FixedParameter,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    MultiTypeExperiment,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterType,
    RangeParameter,
    Runner,
    SearchSpace,
    TrialStatus,
)

X = RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0)
C = ChoiceParameter("c", ParameterType.STRING, ["a", "b"], dependents={"a": ["x"]})
F = FixedParameter("f", ParameterType.INT, 1)


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(SearchSpace([X]), "tuning")


@pytest.fixture
def tuned() -> MultiTypeExperiment:
    return MultiTypeExperiment("tuned", SearchSpace([X]), "real").add_trial_type("simulated", None)


class TestTheStatusOfATrial:
    @pytest.mark.parametrize(
        ("question", "statuses"),
        [
            ("is_terminal", {"FAILED", "COMPLETED", "ABANDONED", "EARLY_STOPPED", "STALE"}),
            ("is_deployed", {"STAGED", "RUNNING"}),
            ("expecting_data", {"RUNNING", "COMPLETED", "EARLY_STOPPED"}),
            ("is_candidate", {"CANDIDATE"}),
            ("is_running", {"RUNNING"}),
            ("is_completed", {"COMPLETED"}),
            ("is_failed", {"FAILED"}),
            ("is_abandoned", {"ABANDONED"}),
            ("is_early_stopped", {"EARLY_STOPPED"}),
            ("is_stale", {"STALE"}),
        ],
    )
    def test_says_what_it_means(self, question, statuses):
        assert {status.name for status in TrialStatus if getattr(status, question)} == statuses

    def test_of_an_experiment_is_active_while_trials_run(self):
        active = {status for status in ExperimentStatus if status.is_active}

        assert active == {ExperimentStatus.INITIALIZATION, ExperimentStatus.OPTIMIZATION}


class TestATrial:
    def test_says_whether_it_completed(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5}).mark_running()

        assert not trial.completed_successfully
        assert trial.mark_completed().completed_successfully

    def test_has_its_arm_among_the_abandoned_ones_once_it_is_abandoned(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5})

        assert (trial.is_abandoned, trial.abandoned_arms) == (False, [])

        trial.mark_abandoned()

        assert (trial.is_abandoned, trial.abandoned_arms) == (True, [trial.arm])

    def test_gathers_what_is_known_of_its_end(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5})
        trial.update_stop_metadata({"host": "a"})

        assert trial.update_stop_metadata({"code": 1}) == {"host": "a", "code": 1}

    @pytest.mark.parametrize("mark", [BaseTrial.mark_staged, BaseTrial.mark_running])
    def test_keeps_the_time_of_a_status_that_is_marked_twice(self, experiment, mark):
        trial = mark(experiment.new_trial(parameters={"x": 0.5}))
        times = trial.time_staged, trial.time_run_started

        mark(trial)

        assert (trial.time_staged, trial.time_run_started) == times

    def test_without_a_runner_cannot_be_run(self, experiment):
        with pytest.raises(InvalidValueError, match=r"runner of trial 0.*experiment\.runner = "):
            experiment.new_trial(parameters={"x": 0.5}).run()

    def test_that_was_taken_out_of_its_experiment_says_so(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5})
        trial._experiment = None

        with pytest.raises(InvalidValueError, match="Load the experiment, and take its trial"):
            trial.experiment  # noqa: B018  # a property

    def test_of_no_kind_has_no_generator_runs(self, experiment):
        with pytest.raises(InvalidValueError, match="Use Trial or BatchTrial"):
            BaseTrial(experiment, 0).generator_runs  # noqa: B018  # a property


class TestATrialOfSeveralArms:
    def test_has_a_weight_for_each_arm(self, experiment):
        trial = experiment.new_batch_trial(GeneratorRun([Arm({"x": 0.1}), Arm({"x": 0.2})], [3, 1]))

        assert trial.weights == [3, 1]
        assert list(trial.normalized_arm_weights().values()) == [0.75, 0.25]

    def test_without_arms_has_no_weights_to_scale(self, experiment):
        with pytest.raises(InvalidValueError, match="total weight of trial 0"):
            experiment.new_batch_trial().normalized_arm_weights()

    def test_takes_a_generator_run_and_nothing_else(self, experiment):
        with pytest.raises(InvalidValueError, match="Give a GeneratorRun"):
            experiment.new_batch_trial().add_generator_run(Arm({"x": 0.1}))

    def test_takes_generator_runs_by_one_argument(self, experiment):
        run = GeneratorRun([Arm({"x": 0.1})])

        with pytest.raises(InvalidValueError, match="not both"):
            experiment.new_batch_trial(run, [run])

    def test_takes_the_status_quo_with_one_weight(self, experiment):
        experiment.status_quo = Arm({"x": 0.0})
        trial = experiment.new_batch_trial().add_status_quo_arm(2.0)

        assert trial.add_status_quo_arm(2.0).weights == [2.0]
        with pytest.raises(InvalidValueError, match="It is there with 2"):
            trial.add_status_quo_arm(1.0)

    def test_takes_no_status_quo_without_weight(self, experiment):
        experiment.status_quo = Arm({"x": 0.0})

        with pytest.raises(InvalidValueError, match="above 0"):
            experiment.new_batch_trial().add_status_quo_arm(0.0)

    def test_abandons_an_arm_once(self, experiment):
        trial = experiment.new_batch_trial(GeneratorRun([Arm({"x": 0.1})]))
        trial.mark_arm_abandoned("0_0", "slow").mark_arm_abandoned("0_0", "too slow")

        assert [(each.name, each.reason) for each in trial.abandoned_arms_metadata] == [("0_0", "slow")]


class TestAnArm:
    def test_goes_by_its_name_or_a_part_of_its_signature(self):
        arm = Arm({"x": 0.1})

        assert arm.signature.endswith(arm.name_or_short_signature)
        assert Arm({"x": 0.1}, "first").name_or_short_signature == "first"

    def test_keeps_a_numpy_scalar_as_the_plain_number(self):
        assert type(Arm({"x": np.float64(0.1)}).parameters["x"]) is float

    def test_has_its_parameters_in_a_dict(self):
        with pytest.raises(InvalidValueError, match="Give a dict from parameter name to value"):
            Arm([("x", 0.1)])

    def test_has_a_weight_in_its_generator_run(self):
        arm = Arm({"x": 0.1})

        assert GeneratorRun([arm], [2.0]).arm_weights == {arm: 2.0}


class TestData:
    def test_say_whether_they_have_steps(self):
        record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss", "mean": 0.5}

        assert not Data([record]).has_step_column
        assert Data([record, {**record, "step": 1}]).has_step_column

    def test_are_true_even_without_observations(self):
        assert Data()

    def test_keep_a_numpy_scalar_as_the_plain_number(self):
        data = Data([{"trial_index": np.int64(0), "arm_name": "0_0", "metric_name": "loss", "mean": np.float64(0.5)}])

        assert [type(data.records[0][column]) for column in ("trial_index", "mean")] == [int, float]

    def test_are_dicts(self):
        with pytest.raises(InvalidValueError, match="record 0 of the data"):
            Data([("loss", 0.5)])


class TestDataThatTwoThreadsAttachToOneTrial:
    def attach(self, experiment, **columns):
        record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss", "mean": 0.5}
        experiment.attach_data(Data([{**record, **columns}]))

    def attach_while(self, experiment, work):
        """Attach an observation; while it is compared, another thread does its *work*."""

        class AnotherThreadsTurn(float):
            turns = 1

            def __ne__(self, other: object) -> bool:
                if AnotherThreadsTurn.turns:
                    AnotherThreadsTurn.turns -= 1
                    work()
                return super().__ne__(other)

        self.attach(experiment, step=AnotherThreadsTurn(1.0))

    def test_are_both_kept(self, experiment):
        experiment.new_trial(parameters={"x": 0.5})

        self.attach_while(experiment, lambda: self.attach(experiment, metric_name="cost"))

        assert experiment.data.metric_names == {"loss", "cost"}

    def test_are_both_kept_if_one_is_put_into_the_list_in_place(self, experiment):
        experiment.new_trial(parameters={"x": 0.5})
        self.attach(experiment)
        records = experiment._data[0].records

        self.attach_while(experiment, lambda: records.append({**records[0], "metric_name": "cost"}))

        assert experiment.data.metric_names == {"loss", "cost"}

    def test_are_both_kept_if_one_is_a_change_of_a_record_in_place(self, experiment):
        experiment.new_trial(parameters={"x": 0.5})
        self.attach(experiment)
        record = experiment._data[0].records[0]

        self.attach_while(experiment, lambda: record.update(mean=0.25))

        assert [each["mean"] for each in experiment.data.records] == [0.25, 0.5]


class TestAGenerationStrategy:
    def test_leaves_a_generator_run_the_node_that_it_names(self):
        strategy = GenerationStrategy([GenerationNode("sobol"), GenerationNode("bo")])

        strategy.add_generator_run(GeneratorRun([Arm({"x": 0.1})], generation_node_name="bo"))

        assert strategy.last_generator_run.generation_node_name == "bo"

    def test_keeps_the_generator_runs_that_two_threads_add_at_once(self):
        strategy = GenerationStrategy([GenerationNode("sobol")])
        first, second = GeneratorRun([Arm({"x": 0.1})]), GeneratorRun([Arm({"x": 0.2})])

        class AnotherThreadsTurn(dict):
            """Whoever asks for the numbers that there are gets them, and then the other thread adds a run."""

            def __iter__(self):
                numbers = [*super().__iter__()]
                self.setdefault(0, first)
                return iter(numbers)

        strategy._generator_runs = AnotherThreadsTurn()
        strategy.add_generator_run(second)

        assert [*strategy._generator_runs.values()] == [first, second]

    def test_belongs_to_an_experiment_by_its_name(self):
        with pytest.raises(InvalidValueError, match="experiment_name"):
            GenerationStrategy([GenerationNode("sobol")], experiment_name=5)


class TestAnExperiment:
    def test_says_whether_it_has_a_name(self, experiment):
        assert experiment.has_name
        assert not Experiment(SearchSpace([X])).has_name

    def test_says_whether_it_has_several_objectives(self, experiment):
        several = MultiObjectiveOptimizationConfig(Objective("a, -b"))

        assert not experiment.is_moo_problem
        assert Experiment(SearchSpace([X]), optimization_config=several).is_moo_problem

    def test_is_given_the_experiments_that_it_learns_from(self, experiment):
        purpose, known = AuxiliaryExperimentPurpose.PE_EXPERIMENT, AuxiliaryExperiment(experiment)

        learning = Experiment(SearchSpace([X]), auxiliary_experiments_by_purpose={purpose: [known]})

        assert learning.auxiliary_experiments_by_purpose == {purpose: [known]}


class TestAnExperimentOfSeveralTrialTypes:
    def test_lets_another_runner_run_a_type(self, tuned):
        real, simulated = Runner(), Runner()

        tuned.update_runner("real", real).update_runner("simulated", simulated)

        assert (tuned.runner, tuned.runner_for_trial_type("simulated")) == (real, simulated)

    def test_refuses_a_runner_of_a_type_that_it_lacks(self, tuned):
        with pytest.raises(InvalidValueError, match="Call add_trial_type first; there are 'real', 'simulated'"):
            tuned.update_runner("imagined", None)

    def test_forgets_the_type_of_a_metric_that_is_removed(self, tuned):
        tuned.add_tracking_metric(Metric("loss"), "simulated", canonical_name="true_loss")

        tuned.remove_tracking_metric("loss").add_tracking_metric(Metric("loss"))

        assert tuned.metric_to_trial_type == {"loss": "real"}


class TestASearchSpace:
    def test_sorts_its_parameters(self):
        space = SearchSpace([X, C, F])

        assert list(space.range_parameters) == ["x"]
        assert list(space.tunable_parameters) == ["x", "c"]
        assert (space.is_hierarchical, C.is_hierarchical, X.is_hierarchical) == (True, True, False)

    def test_refuses_parameters_outside_of_it(self):
        with pytest.raises(InvalidValueError, match="value of parameter 'x'"):
            SearchSpace([X]).validate_membership({"x": 2.0})

    def test_derives_a_number_from_numbers_only(self):
        derived = DerivedParameter("d", ParameterType.FLOAT, "2*x + 1")
        text = ChoiceParameter("x", ParameterType.STRING, ["a", "b"])

        with pytest.raises(InvalidValueError, match="expression_str of parameter 'd'"):
            SearchSpace([text, derived])


class TestADerivedParameter:
    def test_has_a_constant(self):
        assert DerivedParameter("d", ParameterType.FLOAT, "2*x + 1").intercept == 1.0

    def test_of_text_is_a_copy(self):
        with pytest.raises(InvalidValueError, match="Only numbers are computed"):
            DerivedParameter("d", ParameterType.STRING, "2*x")

    def test_needs_each_parameter_that_it_is_computed_from(self):
        with pytest.raises(InvalidValueError, match="Give y as well"):
            DerivedParameter("d", ParameterType.FLOAT, "x + y").compute({"x": 1.0})

    def test_of_integers_is_computed_as_one(self):
        derived = DerivedParameter("d", ParameterType.INT, "0.5*x")

        assert (derived.compute({"x": 4}), type(derived.compute({"x": 4}))) == (2, int)
        with pytest.raises(InvalidValueError, match="make it a FLOAT parameter"):
            derived.compute({"x": 3})


class TestAMetric:
    def test_is_known_elsewhere_by_its_signature(self):
        assert Metric("loss").signature == "loss"
        assert Metric("loss", signature_override="nll").signature == "nll"


class TestARunner:
    def test_runs_several_trials(self, experiment):
        class Noting(Runner):
            def run(self, trial):
                return {"index": trial.index}

        trials = [experiment.new_trial(parameters={"x": x}) for x in (0.1, 0.2)]

        assert Noting().run_multiple(trials) == {0: {"index": 0}, 1: {"index": 1}}


class TestAnExpressionOfSeveralMetrics:
    @pytest.mark.parametrize("question", ["metric", "minimize"])
    def test_has_no_answer_for_one_as_an_objective(self, question):
        with pytest.raises(InvalidValueError, match="It has several"):
            operator.attrgetter(question)(Objective("a + b"))

    def test_has_no_answer_for_one_as_a_constraint(self):
        with pytest.raises(InvalidValueError, match="It has several"):
            OutcomeConstraint("a + b <= 1").metric  # noqa: B018  # a property

    def test_makes_no_objectives_of_several_metrics_in_one(self):
        with pytest.raises(InvalidValueError, match="of one metric each"):
            MultiObjective([Objective("a + b"), Objective("c")])

    def test_that_cancel_out_make_no_constraint(self):
        with pytest.raises(InvalidValueError, match="cancels out"):
            OutcomeConstraint("a - a <= 1")

    def test_is_one_side_of_a_comparison(self):
        with pytest.raises(InvalidValueError, match="without commas"):
            OutcomeConstraint("a, b <= 1")

    def test_may_have_a_plus_sign(self):
        assert OutcomeConstraint("+a >= 1").op is ComparisonOp.GEQ


class TestWhatIsAskedOfABaseClass:
    def test_is_refused_by_a_card(self):
        with pytest.raises(InvalidValueError, match="Use AnalysisCard or AnalysisCardGroup"):
            AnalysisCardBase("summary").flatten()

    def test_is_answered_by_an_optimization_config_of_one_objective(self):
        assert not OptimizationConfig(Objective("a")).is_moo_problem
