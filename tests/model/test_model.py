"""What the light model promises about trials: their arms, names, generator runs and statuses."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum

import pytest

import docstore
from docstore.errors import InvalidTransitionError, InvalidValueError
from docstore.model import (
    Arm,
    ChoiceParameter,
    Experiment,
    ExperimentStatus,
    GeneratorRun,
    GeneratorRunType,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
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


class TestATrialOfOneArm:
    def test_is_made_from_parameters(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5, "c": "a"})

        assert trial.arm == Arm({"x": 0.5, "c": "a"}, name="0_0")
        assert experiment.trials == {0: trial}

    def test_is_made_from_a_generator_run(self, experiment):
        run = GeneratorRun([Arm({"x": 0.5, "c": "a"})])

        trial = experiment.new_trial(generator_run=run, ttl_seconds=60)

        assert (trial.generator_run, trial.ttl_seconds) == (run, 60)

    def test_can_get_its_arm_later(self, experiment):
        trial = experiment.new_trial()
        assert (trial.arm, trial.arms) == (None, [])

        assert trial.add_arm(Arm({"x": 0.5, "c": "a"})) is trial

        assert list(trial.arms_by_name) == ["0_0"]

    def test_gets_one_arm_only(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5, "c": "a"})

        with pytest.raises(InvalidValueError, match="make a new trial"):
            trial.add_arm(Arm({"x": 0.6, "c": "a"}))

    def test_refuses_a_run_of_several_arms(self, experiment):
        run = GeneratorRun([Arm({"x": 0.5, "c": "a"}), Arm({"x": 0.6, "c": "a"})])

        with pytest.raises(InvalidValueError, match="new_batch_trial"):
            experiment.new_trial(generator_run=run)

    def test_takes_parameters_or_a_generator_run(self, experiment):
        with pytest.raises(InvalidValueError, match="not both"):
            experiment.new_trial(GeneratorRun([Arm({"x": 0.5, "c": "a"})]), parameters={"x": 0.5, "c": "a"})

    def test_knows_its_experiment(self, experiment):
        assert experiment.new_trial().experiment is experiment

    @pytest.mark.parametrize("seconds", [0, -1, "60", True])
    def test_refuses_a_time_to_live_that_is_none(self, experiment, seconds):
        with pytest.raises(InvalidValueError, match="ttl_seconds"):
            experiment.new_trial(ttl_seconds=seconds)

    def test_prints_in_a_line(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5, "c": "a"})

        assert repr(trial) == "Trial(index=0, status=CANDIDATE, arm=Arm(name='0_0', parameters={'x': 0.5, 'c': 'a'}))"
        assert repr(experiment) == "Experiment('tuning', 1 trial)"


class TestWrongParameters:
    @pytest.mark.parametrize(
        ("parameters", "problem"),
        [
            ({"x": 0.5}, "Give 'c' as well"),
            ({"x": 0.5, "c": "a", "y": 1}, "parameter name: 'y' cannot be used. The search space has 'x', 'c'"),
            ({"x": 1.5, "c": "a"}, "value of parameter 'x': 1.5 cannot be used. Give a number from 0.0 to 1.0"),
            ({"x": math.nan, "c": "a"}, "value of parameter 'x': nan"),
            ({"x": "0.5", "c": "a"}, "Give a value of type float"),
            ({"x": True, "c": "a"}, "Give a value of type float"),
            ({"x": 0.5, "c": "z"}, "Give one of 'a', 'b', 'd'"),
            ({"x": 0.5, "c": ["a"]}, "Give a str, bool, int, float or None"),
        ],
    )
    def test_are_refused_with_the_remedy(self, experiment, parameters, problem):
        with pytest.raises(InvalidValueError) as caught:
            experiment.new_trial(parameters=parameters)

        assert problem in str(caught.value)

    def test_leave_no_trial_and_no_arm_behind(self, experiment):
        runs = [GeneratorRun([Arm({"x": 0.5, "c": "a"})]), GeneratorRun([Arm({"x": 5.0, "c": "a"})])]
        with pytest.raises(InvalidValueError):
            experiment.new_batch_trial(generator_runs=runs)

        assert (experiment.trials, experiment.arms_by_name) == ({}, {})

    def test_may_be_off_by_a_rounding(self, experiment):
        """A bound that an optimizer took to another scale and back may miss itself."""
        assert experiment.new_trial(parameters={"x": 1.0 + 1e-9, "c": "a"}).arm.parameters["x"] == 1.0 + 1e-9


class TestNamesOfArms:
    def test_are_the_trial_and_the_position(self, experiment):
        experiment.new_trial(parameters={"x": 0.1, "c": "a"})
        batch = experiment.new_batch_trial()

        batch.add_arm(Arm({"x": 0.2, "c": "a"})).add_arm(Arm({"x": 0.3, "c": "a"}))

        assert list(experiment.arms_by_name) == ["0_0", "1_0", "1_1"]

    def test_stay_with_the_parameters(self, experiment):
        experiment.new_trial(parameters={"x": 0.1, "c": "a"})

        again = experiment.new_trial(parameters={"c": "a", "x": 0.1})

        assert again.arm.name == "0_0"

    def test_that_are_given_are_kept(self, experiment):
        assert experiment.new_trial().add_arm(Arm({"x": 0.1, "c": "a"}, name="mine")).arm.name == "mine"

    def test_do_not_go_to_other_parameters(self, experiment):
        experiment.new_trial(parameters={"x": 0.1, "c": "a"})

        with pytest.raises(InvalidValueError, match=r"clone\(clear_name=True\)"):
            experiment.new_trial().add_arm(Arm({"x": 0.2, "c": "a"}, name="0_0"))

    def test_do_not_change_for_known_parameters(self, experiment):
        experiment.new_trial(parameters={"x": 0.1, "c": "a"})

        with pytest.raises(InvalidValueError, match="known as '0_0'"):
            experiment.new_trial().add_arm(Arm({"x": 0.1, "c": "a"}, name="other"))

    def test_do_not_change_once_given(self):
        arm = Arm({}, name="mine")

        with pytest.raises(InvalidValueError, match="clear_name"):
            arm.name = "other"

    def test_skip_those_that_are_taken(self, experiment):
        experiment.new_trial().add_arm(Arm({"x": 0.1, "c": "a"}, name="1_0"))

        assert experiment.new_trial(parameters={"x": 0.2, "c": "a"}).arm.name == "1_1"

    def test_are_found_without_reading_all_trials_again(self, experiment):
        experiment.new_trial(parameters={"x": 0.1, "c": "a"})
        index = experiment._arm_index

        experiment.new_trial(parameters={"x": 0.2, "c": "a"})

        assert experiment._arm_index is index

    def test_follow_when_trials_come_by_another_way(self, experiment):
        other = Experiment(space())
        other.new_trial(parameters={"x": 0.1, "c": "a"})
        assert experiment.arms_by_name == {}

        experiment.trials[0] = other.trials[0]

        assert list(experiment.arms_by_name) == ["0_0"]
        assert experiment.new_trial(parameters={"x": 0.2, "c": "a"}).index == 1


class TestATrialThatIsNotMade:
    def test_leaves_its_arms_without_a_name(self, experiment):
        run, outside = GeneratorRun([Arm({"x": 0.5, "c": "a"})]), GeneratorRun([Arm({"x": 7.0, "c": "a"})])
        with pytest.raises(InvalidValueError):
            experiment.new_batch_trial(generator_runs=[run, outside])
        experiment.new_trial(parameters={"x": 0.25, "c": "a"})

        assert experiment.new_batch_trial(run).arms[0].name == "1_0"


class TestAnArm:
    def test_does_not_change_through_the_dict_it_gives_or_was_given(self):
        given = {"x": 1}
        arm = Arm(given)

        given["x"] = 2
        arm.parameters["x"] = 3

        assert arm.parameters == {"x": 1}

    def test_has_one_signature_whatever_the_order(self):
        assert Arm({"x": 1, "y": 2}).signature == Arm({"y": 2, "x": 1}).signature

    def test_has_another_signature_for_another_type(self):
        assert len({Arm({"x": value}).signature for value in (1, 1.0, True)}) == 3

    def test_is_equal_to_one_of_the_same_signature(self):
        class Color(StrEnum):
            RED = "red"

        class Size(IntEnum):
            LARGE = 2

        same = Arm({"c": "red", "n": 2}), Arm({"n": Size.LARGE, "c": Color.RED})

        assert len({arm.signature for arm in same}) == len({*same}) == 1
        assert len({Arm({"x": value}) for value in (1, 1.0, True, "1", 0.0, -0.0, None, math.nan)}) == 8

    def test_is_compared_also_if_a_document_gave_it_other_values(self):
        read = [docstore.loads('{"__type":"Arm","parameters":{"x":{"__type":"bytes","base64":"AA=="}}}') for _ in "ab"]

        assert read[0] == read[1] != Arm({"x": "b'\\x00'"})

    def test_without_a_name_says_what_to_do(self):
        with pytest.raises(InvalidValueError, match="Add the arm to a trial"):
            _ = Arm({}).name


class TestABatchTrial:
    def test_adds_up_the_weights_of_its_generator_runs(self, experiment):
        first, second = {"x": 0.1, "c": "a"}, {"x": 0.2, "c": "a"}
        runs = [GeneratorRun([Arm(first), Arm(second)], [1.0, 2.0]), GeneratorRun([Arm(first)], [3.0])]

        batch = experiment.new_batch_trial(generator_runs=runs)

        assert {arm.name: weight for arm, weight in batch.arm_weights.items()} == {"0_0": 4.0, "0_1": 2.0}
        assert list(batch.normalized_arm_weights().values()) == [4 / 6, 2 / 6]

    def test_takes_the_status_quo(self, experiment):
        experiment.status_quo = Arm({"x": 7.0, "c": "a"})  # what is run today may lie outside

        batch = experiment.new_batch_trial(should_add_status_quo_arm=True)

        assert list(batch.arms_by_name) == ["status_quo"]
        assert batch.generator_runs[0].generator_run_type == "STATUS_QUO"
        assert batch.status_quo is experiment.status_quo

    def test_needs_a_status_quo_to_take_it(self, experiment):
        with pytest.raises(InvalidValueError, match=r"experiment.status_quo"):
            experiment.new_batch_trial(should_add_status_quo_arm=True)

    @pytest.mark.parametrize("weight", [0.0, math.nan, "heavy"])
    def test_takes_the_status_quo_with_a_weight_above_zero(self, experiment, weight):
        experiment.status_quo = Arm({"x": 0.5, "c": "a"})

        with pytest.raises(InvalidValueError, match="weight of the status quo"):
            experiment.new_batch_trial().add_status_quo_arm(weight)

    def test_takes_one_status_quo_only(self, experiment):
        experiment.status_quo = Arm({"x": 0.5, "c": "a"})
        batch = experiment.new_batch_trial(should_add_status_quo_arm=True)

        with pytest.raises(InvalidValueError, match="status quo"):
            batch.add_arm(Arm({"x": 0.6, "c": "a"}), generator_run_type=GeneratorRunType.STATUS_QUO)

    def test_keeps_which_arms_were_abandoned_and_why(self, experiment):
        batch = experiment.new_batch_trial(GeneratorRun([Arm({"x": 0.1, "c": "a"}), Arm({"x": 0.2, "c": "a"})]))

        batch.mark_arm_abandoned("0_1", reason="broken")

        assert [arm.name for arm in batch.abandoned_arms] == ["0_1"]
        assert batch.abandoned_arms_metadata[0].reason == "broken"

    def test_abandons_no_arm_that_it_lacks(self, experiment):
        with pytest.raises(InvalidValueError, match="trial 0"):
            experiment.new_batch_trial().mark_arm_abandoned("9_9")


class TestAGeneratorRun:
    def test_has_a_weight_for_each_arm_before_they_have_names(self):
        whole, real = Arm({"x": 1}), Arm({"x": 1.0})

        assert [*GeneratorRun([whole, real], [1.0, 2.0]).arm_weights.values()] == [1.0, 2.0]

    def test_gives_each_arm_the_weight_one(self):
        assert GeneratorRun([Arm({"x": 1}), Arm({"x": 2})]).weights == [1.0, 1.0]

    def test_holds_an_arm_once_with_all_its_weight(self):
        run = GeneratorRun([Arm({"x": 1}), Arm({"x": 2}), Arm({"x": 1})], [1, 2, 3])

        assert (run.arms, run.weights) == ([Arm({"x": 1}), Arm({"x": 2})], [4, 2])

    @pytest.mark.parametrize("weights", [[1.0], [1.0, math.nan], [1.0, "2"]])
    def test_refuses_weights_that_do_not_fit(self, weights):
        with pytest.raises(InvalidValueError, match="weight"):
            GeneratorRun([Arm({"x": 1}), Arm({"x": 2})], weights)

    @pytest.mark.parametrize("argument", ["type", "generator_run_type"])
    def test_keeps_the_name_of_its_type(self, argument):
        class MyType(Enum):
            SOBOL = 7

        assert GeneratorRun([], **{argument: MyType.SOBOL}).generator_run_type == "SOBOL"
        assert GeneratorRun([], **{argument: "SOBOL"}).generator_run_type == "SOBOL"

    def test_refuses_an_integer_as_its_type(self):
        with pytest.raises(InvalidValueError, match="member of an Enum"):
            GeneratorRun([], type=7)


PATHS = {
    TrialStatus.CANDIDATE: [],
    TrialStatus.STAGED: ["staged"],
    TrialStatus.RUNNING: ["running"],
    TrialStatus.COMPLETED: ["running", "completed"],
    TrialStatus.FAILED: ["running", "failed"],
    TrialStatus.EARLY_STOPPED: ["running", "early_stopped"],
    TrialStatus.ABANDONED: ["abandoned"],
    TrialStatus.STALE: ["stale"],
}
ALLOWED = {
    (TrialStatus.CANDIDATE, TrialStatus.STAGED),
    (TrialStatus.CANDIDATE, TrialStatus.RUNNING),
    (TrialStatus.CANDIDATE, TrialStatus.ABANDONED),
    (TrialStatus.CANDIDATE, TrialStatus.STALE),
    (TrialStatus.STAGED, TrialStatus.RUNNING),
    (TrialStatus.STAGED, TrialStatus.ABANDONED),
    (TrialStatus.RUNNING, TrialStatus.COMPLETED),
    (TrialStatus.RUNNING, TrialStatus.FAILED),
    (TrialStatus.RUNNING, TrialStatus.EARLY_STOPPED),
    (TrialStatus.RUNNING, TrialStatus.ABANDONED),
}
STEPS = [(a, b) for a in PATHS for b in PATHS if a is not b and b is not TrialStatus.CANDIDATE]


def trial_that_is(status: TrialStatus) -> Trial:
    trial = Experiment(space()).new_trial(parameters={"x": 0.5, "c": "a"})
    for step in PATHS[status]:
        getattr(trial, f"mark_{step}")()
    return trial


class TestAStatus:
    @pytest.mark.parametrize(("present", "wanted"), [step for step in STEPS if step in ALLOWED])
    def test_follows_where_it_can(self, present, wanted):
        trial = trial_that_is(present)

        assert trial.mark_as(wanted) is trial
        assert trial.status is wanted

    @pytest.mark.parametrize(("present", "wanted"), [step for step in STEPS if step not in ALLOWED])
    def test_is_refused_where_it_cannot(self, present, wanted):
        with pytest.raises(InvalidTransitionError) as caught:
            trial_that_is(present).mark_as(wanted)

        assert (caught.value.present, caught.value.wanted) == (present.name, wanted.name)
        assert "trial 0" in str(caught.value)

    def test_can_be_forced(self):
        assert trial_that_is(TrialStatus.FAILED).mark_running(unsafe=True).status is TrialStatus.RUNNING

    def test_that_is_there_already_changes_nothing(self):
        trial = trial_that_is(TrialStatus.COMPLETED)
        before = trial.time_completed

        assert trial.mark_completed().time_completed is before

    def test_keeps_its_reason(self):
        assert trial_that_is(TrialStatus.RUNNING).mark_failed(reason="no disk").status_reason == "no disk"

    def test_keeps_when_it_was_reached_in_utc(self):
        trial = trial_that_is(TrialStatus.STAGED).mark_running(no_runner_required=True).mark_completed()

        times = [trial.time_created, trial.time_staged, trial.time_run_started, trial.time_completed]
        assert times == sorted(times)
        assert {time.tzinfo for time in times} == {UTC}

    def test_takes_the_time_that_a_trial_started(self):
        started = datetime(2024, 1, 2, 3, 4, 5, 6)  # what the user passes is kept as it is

        assert trial_that_is(TrialStatus.CANDIDATE).mark_running(started_time=started).time_run_started is started

    @pytest.mark.parametrize("status", [TrialStatus.CANDIDATE, "RUNNING", None])
    def test_is_one_that_can_be_marked(self, status):
        with pytest.raises(InvalidValueError, match=r"TrialStatus.RUNNING"):
            trial_that_is(TrialStatus.STAGED).mark_as(status)

    def test_closes_the_trial_for_more_arms(self):
        batch = Experiment(space()).new_batch_trial().mark_running()

        with pytest.raises(InvalidValueError, match="make a new trial"):
            batch.add_arm(Arm({"x": 0.5, "c": "a"}))

    def test_finds_its_trials(self, experiment):
        running, waiting = experiment.new_trial().mark_running(), experiment.new_trial()

        by_status = experiment.trials_by_status

        assert by_status[TrialStatus.RUNNING] == [running]
        assert by_status[TrialStatus.CANDIDATE] == [waiting]
        assert by_status[TrialStatus.FAILED] == []

    def test_has_the_integer_of_ax(self):
        assert {s.name: s.value for s in TrialStatus} == {
            "CANDIDATE": 0,
            "STAGED": 1,
            "FAILED": 2,
            "COMPLETED": 3,
            "RUNNING": 4,
            "ABANDONED": 5,
            "DISPATCHED": 6,
            "EARLY_STOPPED": 7,
            "STALE": 8,
        }
        assert [s.value for s in ExperimentStatus] == [0, 1, 2, 4]
        assert [s.value for s in ParameterType] == [0, 1, 2, 3]


class TestAWrongArgumentOfAStatus:
    """It is refused before anything changes."""

    @pytest.mark.parametrize(
        ("mark", "thing"),
        [
            (lambda trial: trial.mark_failed(reason=5), "reason"),
            (lambda trial: trial.mark_completed(time_completed="yesterday"), "time_completed"),
            (lambda trial: trial.complete({"loss": 1.0}, time_completed="yesterday"), "time_completed"),
        ],
    )
    def test_leaves_a_running_trial_as_it_is(self, experiment, mark, thing):
        trial = experiment.new_trial(parameters={"x": 0.5, "c": "a"}).mark_running()

        with pytest.raises(InvalidValueError, match=f"{thing} of trial 0"):
            mark(trial)

        assert (trial.status, trial.status_reason, experiment.data.empty) == (TrialStatus.RUNNING, None, True)

    def test_leaves_a_new_trial_as_it_is(self, experiment):
        trial = experiment.new_trial(parameters={"x": 0.5, "c": "a"})

        with pytest.raises(InvalidValueError, match="started_time of trial 0"):
            trial.mark_running(started_time=0.0)

        assert trial.status is TrialStatus.CANDIDATE

    def test_adds_no_metadata(self, experiment):
        trial = experiment.new_trial().mark_running()

        with pytest.raises(InvalidValueError, match="run_metadata of trial 0"):
            trial.update_run_metadata([("job", 1), 5])
        with pytest.raises(InvalidValueError, match=r"run_metadata of trial 0: None .* Give a dict"):
            trial.update_run_metadata(None)
        with pytest.raises(InvalidValueError, match=r"stop_metadata of trial 0: None .* Give a dict"):
            trial.update_stop_metadata(None)

        assert trial.run_metadata == {}

    def test_abandons_no_arm(self, experiment):
        batch = experiment.new_batch_trial().add_arm(Arm({"x": 0.5, "c": "a"}))

        with pytest.raises(InvalidValueError, match="reason of trial 0"):
            batch.mark_arm_abandoned("0_0", reason=5)

        assert batch.abandoned_arms == []


class TestATrialThatIsCompletedWithItsResults:
    """``complete`` attaches the data and marks the trial, in one call."""

    @pytest.mark.parametrize("present", [TrialStatus.CANDIDATE, TrialStatus.STAGED, TrialStatus.RUNNING])
    def test_has_them_as_its_data(self, present):
        trial = trial_that_is(present)

        assert trial.complete({"loss": 0.5, "time": (2, 0.25)}) is trial

        assert trial.status is TrialStatus.COMPLETED
        assert trial.lookup_data().records == [
            {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss", "mean": 0.5, "sem": None},
            {"trial_index": 0, "arm_name": "0_0", "metric_name": "time", "mean": 2, "sem": 0.25},
        ]

    def test_keeps_when_it_was_marked_as_running(self):
        trial = trial_that_is(TrialStatus.RUNNING)
        started = trial.time_run_started

        assert trial.complete({"loss": 0.5}).time_run_started is started
        assert trial_that_is(TrialStatus.CANDIDATE).complete({"loss": 0.5}).time_run_started is not None

    def test_of_several_arms_takes_those_of_each(self, experiment):
        batch = experiment.new_batch_trial().add_arms_and_weights([Arm({"x": x, "c": "a"}) for x in (0.1, 0.2)])

        batch.complete({"0_0": {"loss": 0.5}, "0_1": {"loss": (0.25, 0.1)}})

        assert batch.status is TrialStatus.COMPLETED
        assert [(each["arm_name"], each["mean"], each["sem"]) for each in batch.lookup_data().records] == [
            ("0_0", 0.5, None),
            ("0_1", 0.25, 0.1),
        ]

    @pytest.mark.parametrize("final", [TrialStatus.COMPLETED, TrialStatus.ABANDONED, TrialStatus.FAILED])
    def test_must_not_have_ended(self, final):
        trial = trial_that_is(final)

        with pytest.raises(InvalidValueError, match=f"trial 0, which is {final.name}: .*attach_data"):
            trial.complete({"loss": 0.5})

        assert trial.lookup_data().empty

    @pytest.mark.parametrize(
        ("results", "problem"),
        [
            ({}, "{'loss': 0.1}"),
            (0.1, "{'loss': 0.1}"),
            ({"0_0": {"loss": 0.1}}, "'0_0' of trial 0.*a number, or a mean with its standard error"),
            ({"loss": "low"}, "'loss' of trial 0.*a number, or a mean with its standard error"),
            ({"loss": (0.1, 0.2, 0.3)}, "'loss' of trial 0.*a number, or a mean with its standard error"),
            ({"loss": (0.1, -1.0)}, "sem"),
            ({3: 0.1}, "metric_name"),
        ],
        ids=repr,
    )
    def test_stays_as_it_is_if_they_are_wrong(self, results, problem):
        trial = trial_that_is(TrialStatus.CANDIDATE)

        with pytest.raises(InvalidValueError, match=problem):
            trial.complete(results)

        assert (trial.status, trial.lookup_data().empty) == (TrialStatus.CANDIDATE, True)

    @pytest.mark.parametrize("results", [{"loss": (0.1, 0.2)}, {"0_7": {"loss": 0.1}}, {}], ids=repr)
    def test_of_several_arms_says_which_there_are(self, experiment, results):
        batch = experiment.new_batch_trial().add_arm(Arm({"x": 0.5, "c": "a"}))

        with pytest.raises(InvalidValueError, match="'0_0'"):
            batch.complete(results)

    def test_needs_an_arm(self, experiment):
        with pytest.raises(InvalidValueError, match=r"trial 0.*add_arm"):
            experiment.new_trial().complete({"loss": 0.1})


class TestAMetricThatMayBeMisspelled:
    @pytest.fixture
    def trial(self):
        config = OptimizationConfig(Objective("-loss"))
        experiment = Experiment(space(), "tuning", config, tracking_metrics=[Metric("time")])
        return experiment.new_trial(parameters={"x": 0.5, "c": "a"})

    def test_is_warned_of_where_the_objective_is_missing(self, trial):
        told = "has no value of the objective 'loss', but one of 'lsos', which is no metric of the experiment"
        with pytest.warns(UserWarning, match=f"trial 0 {told}: is it misspelled"):
            trial.complete({"lsos": 0.5, "time": 2.0})

        assert trial.status is TrialStatus.COMPLETED

    @pytest.mark.parametrize("results", [{"loss": 0.5, "more": 1.0}, {"time": 2.0}])
    def test_is_not_where_it_is_there_or_no_other_is_unknown(self, trial, results):
        trial.complete(results)  # a warning would be an error

        assert trial.status is TrialStatus.COMPLETED


class TestArgumentsInTheWrongPlace:
    """The error names the argument, or the call, that takes what was given."""

    def test_of_a_trial_are_its_parameters(self, experiment):
        with pytest.raises(InvalidValueError, match=r"new_trial\(parameters=\{'x': 0.5, 'c': 'a'\}\)"):
            experiment.new_trial({"x": 0.5, "c": "a"})

        assert experiment.trials == {}

    def test_of_a_trial_are_an_arm(self, experiment):
        with pytest.raises(InvalidValueError, match=r"new_trial\(\)\.add_arm\(arm\)"):
            experiment.new_trial(Arm({"x": 0.5, "c": "a"}))

    @pytest.mark.parametrize("arms", [[Arm({"x": 0.5, "c": "a"})], [{"x": 0.5, "c": "a"}], Arm({"x": 0.5, "c": "a"})])
    def test_of_a_batch_are_its_arms(self, experiment, arms):
        with pytest.raises(InvalidValueError, match=r"new_batch_trial\(\)\.add_arms_and_weights\(\[Arm\(\.\.\.\)\]\)"):
            experiment.new_batch_trial(arms)

    def test_of_an_objective_are_its_metric(self):
        with pytest.raises(InvalidValueError, match=r"Objective\(metric=\.\.\., minimize=True\)"):
            Objective(Metric("loss"), minimize=True)

    def test_of_a_config_are_text_in_place_of_an_objective(self):
        with pytest.raises(InvalidValueError, match=r"Give an Objective\."):
            OptimizationConfig("-loss")
