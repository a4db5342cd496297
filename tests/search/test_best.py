"""What a store tells of one experiment: its best arms, and its trials and observations as pandas frames."""

from __future__ import annotations

import gc
import math
import pickle
import sys
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from counting import statements_of

import docstore
from docstore import (
    Arm,
    BestArm,
    ChoiceParameter,
    ComparisonOp,
    Data,
    Experiment,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterType,
    RangeParameter,
    ScalarizedObjective,
    ScalarizedOutcomeConstraint,
    SearchSpace,
    registry,
)
from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.errors import (
    DamagedDocumentError,
    DocumentNotFoundError,
    InvalidValueError,
    MissingDependencyError,
    VersionNotFoundError,
)
from docstore.search.experiments.read import decoded
from docstore.sql.tables import documents, versions
from docstore.testing.experiments import new_experiment, search_space

GAIN = Objective("gain")


def tried(*outcomes, objective=GAIN, constraints=(), config=None, **options):
    """An experiment ``cakes`` with a trial for each of *outcomes*, ``{metric: mean}``, at x = 0.0, 0.125 and so on."""
    config = config or OptimizationConfig(objective, [OutcomeConstraint(each) for each in constraints])
    experiment = Experiment(search_space(), "cakes", optimization_config=config, **options)
    for index, outcome in enumerate(outcomes):
        experiment.new_trial(parameters={"x": index / 8, "flour": "rye"})
        if outcome:
            observe(experiment, index, **outcome)
    return experiment


def observe(experiment, index, step=None, arm=None, **means):
    """Attach a mean of each metric, of an arm of one trial."""
    arm = arm or experiment.trials[index].arms[0].name
    told = {} if step is None else {"step": step}
    experiment.attach_data(
        Data.from_records(
            {"trial_index": index, "arm_name": arm, "metric_name": metric, "mean": mean, **told}
            for metric, mean in means.items()
        )
    )


@pytest.fixture
def best(store):
    """Saves an experiment, and gives its best arms."""

    def best(experiment, n=10):
        store.save(experiment)
        return store.best(experiment.name, n)

    return best


def told(arms):
    """The value of each arm, by its name."""
    return [(arm.arm_name, arm.value) for arm in arms]


class TestTheBestArm:
    def test_is_the_one_of_the_largest_mean(self, store):
        store.save(tried({"gain": 1.0}, {"gain": 3.0, "cost": 7.0}, {"gain": 2.0}))

        assert store.best("cakes") == [
            BestArm("1_0", 1, {"x": 0.125, "flour": "rye"}, 3.0, {"gain": 3.0, "cost": 7.0}, True)
        ]

    def test_is_the_one_of_the_smallest_mean_where_it_is_minimized(self, best):
        arms = best(tried({"loss": 1.0}, {"loss": 3.0}, {"loss": -2.0}, objective=Objective("-loss")))

        assert told(arms) == [("2_0", -2.0), ("0_0", 1.0), ("1_0", 3.0)]

    def test_has_the_value_of_the_metric_whatever_its_weight(self, best):
        assert told(best(tried({"gain": 1.0}, {"gain": 3.0}, objective=Objective("2 * gain"))))[0] == ("1_0", 3.0)

    def test_is_the_earlier_of_equals(self, best):
        assert told(best(tried({"gain": 2.0}, {"gain": 2.0}))) == [("0_0", 2.0), ("1_0", 2.0)]

    def test_has_its_parameters_in_the_order_of_the_search_space(self, best):
        (arm,) = best(tried({"gain": 1.0}))

        assert list(arm.parameters) == ["x", "flour"]

    def test_has_its_bits(self, best):
        mean = math.nextafter(0.1, 1)
        experiment = tried({"gain": mean, "cost": 1e300, "left": math.inf, "right": -math.inf})
        experiment.new_trial(parameters={"x": math.nextafter(0.5, 1), "flour": "rye"})
        observe(experiment, 1, gain=0.0)

        first, second = best(experiment)

        assert (first.value, first.metrics) == (
            mean,
            {"gain": mean, "cost": 1e300, "left": math.inf, "right": -math.inf},
        )
        assert second.parameters["x"] == math.nextafter(0.5, 1)

    def test_is_a_value(self, best):
        (arm,) = best(tried({"gain": 1}))

        assert pickle.loads(pickle.dumps(arm)) == arm
        assert type(arm.value) is type(arm.metrics["gain"]) is float
        with pytest.raises(AttributeError):
            arm.value = 2.0

    def test_is_told_without_the_metrics_class(self, store, database, connect):
        with registry.scope():
            Taste = docstore.register(type("Taste", (Metric,), {"__module__": __name__}))
            store.save(tried({"taste": 1.0}, objective=Objective(metric=Taste("taste"), minimize=False)))

        (arm,) = connect(database).best("cakes")

        assert arm.value == 1.0

    def test_is_told_without_the_class_of_the_objective(self, store, database, connect):
        with registry.scope():
            encode, decode = (lambda goal: {"expression": goal.expression}), (lambda members: goal(**members))
            goal = docstore.register(type("Goal", (Objective,), {}), encode=encode, decode=decode)
            store.save(tried({"taste": 1.0}, {"taste": 2.0}, objective=goal("-taste")))

        assert told(connect(database).best("cakes")) == [("0_0", 1.0)]

    def test_is_refused_where_the_objective_has_no_expression(self, store, database, connect):
        with registry.scope():
            encode, decode = (lambda goal: {"aim": goal.expression}), (lambda members: goal(members["aim"]))
            goal = docstore.register(type("Goal", (Objective,), {}), encode=encode, decode=decode)
            store.save(tried({"taste": 1.0}, objective=goal("taste")))

        with pytest.raises(InvalidValueError, match=r"'aim': 'taste'.*without one"):
            connect(database).best("cakes")

    def test_is_none_where_nothing_was_measured(self, best):
        assert best(tried({}, {"cost": 1.0}, {"gain": math.nan})) == []


class TestTheBestArmOfAnOlderVersion:
    @pytest.fixture
    def then(self, store):
        """The time of version 1, with tag ``first``, after which a better arm was tried."""
        experiment = tried({"gain": 1.0}, {})
        version = store.save(experiment)
        store.tag("cakes", "first")
        observe(experiment, 1, gain=2.0)
        store.save(experiment)
        return version.created_at

    def test_is_the_one_that_was_best_then(self, store, then):
        assert told(store.best("cakes")) == [("1_0", 2.0)]
        assert told(store.best("cakes", version=1)) == [("0_0", 1.0)]
        assert told(store.best("cakes", tag="first")) == [("0_0", 1.0)]
        assert told(store.best("cakes", at=then)) == [("0_0", 1.0)]

    def test_is_refused_where_there_is_no_such_version(self, store, then):
        with pytest.raises(VersionNotFoundError):
            store.best("cakes", version=7)


class TestHowMany:
    def test_are_as_many_as_asked_for(self, store):
        store.save(tried(*({"gain": float(index)} for index in range(5))))

        assert [arm.value for arm in store.best("cakes", 2)] == [4.0, 3.0]
        assert [arm.value for arm in store.best("cakes", n=9)] == [4.0, 3.0, 2.0, 1.0, 0.0]

    @pytest.mark.parametrize("n", [0, -1, True, 1.0, "1", None])
    def test_are_a_number(self, store, n):
        store.save(tried({"gain": 1.0}))

        with pytest.raises(InvalidValueError, match="how many, from 1"):
            store.best("cakes", n)


class TestSeveralObservationsOfAnArm:
    def test_at_steps_count_by_the_last_step(self, best):
        experiment = tried({})
        for step, mean in ((2, 5.0), (10, 1.0), (9, 7.0)):
            observe(experiment, 0, step=step, gain=mean)

        assert told(best(experiment)) == [("0_0", 1.0)]

    @pytest.mark.parametrize("order", [[None, 1, 2], [2, None, 1], [1, 2, None]], ids=str)
    @pytest.mark.parametrize("none", [None, math.nan])
    def test_of_which_one_has_no_step_count_by_that_one(self, best, order, none):
        experiment = tried({})
        for step in order:
            observe(experiment, 0, step=none if step is None else step, gain=float(step or 7))

        assert told(best(experiment)) == [("0_0", 7.0)]

    def test_count_without_those_that_are_nan(self, best):
        experiment = tried({})
        for step, mean in ((1, 5.0), (2, math.nan)):
            observe(experiment, 0, step=step, gain=mean)

        assert told(best(experiment)) == [("0_0", 5.0)]

    def test_of_several_trials_count_by_their_mean_and_the_last_trial(self, best):
        experiment = tried({"gain": 1.0}, {"gain": 2.5})
        experiment.new_trial(parameters={"x": 0.0, "flour": "rye"})
        observe(experiment, 2, gain=6.0)

        arms = best(experiment)

        assert [(arm.arm_name, arm.trial_index, arm.value) for arm in arms] == [("0_0", 2, 3.5), ("1_0", 1, 2.5)]

    def test_are_added_up_in_the_order_of_the_trials(self, best):
        """As the views do, so that both give the same value to the last bit."""
        experiment = tried({"gain": 0.1}, {"gain": 1.0})
        for _ in range(2, 12):
            experiment.new_trial(parameters={"x": 0.0, "flour": "rye"})
        for index, mean in ((11, 1e16), (10, 0.3), (2, 0.2)):
            observe(experiment, index, gain=mean)

        assert told(best(experiment))[0] == ("0_0", (((0.1 + 0.2) + 0.3) + 1e16) / 4)

    def test_of_a_batch_count_each_for_its_arm(self, best):
        experiment = tried({"gain": 1.0})
        batch = experiment.new_batch_trial()
        batch.add_arms_and_weights([Arm({"x": x, "flour": "spelt"}) for x in (0.5, 0.75)])
        observe(experiment, 1, arm="1_0", gain=5.0)
        observe(experiment, 1, arm="1_1", gain=7.0)

        assert told(best(experiment)) == [("1_1", 7.0), ("1_0", 5.0), ("0_0", 1.0)]


class TestWhatDoesNotCount:
    @pytest.mark.parametrize("end", ["mark_failed", "mark_abandoned", "mark_stale"])
    def test_are_trials_that_came_to_nothing(self, best, end):
        experiment = tried({"gain": 1.0}, {"gain": 9.0})
        trial = experiment.trials[1]
        if end == "mark_failed":
            trial.mark_running(no_runner_required=True)
        getattr(trial, end)()

        assert told(best(experiment)) == [("0_0", 1.0)]

    def test_are_arms_that_were_abandoned(self, best):
        experiment = tried({"gain": 1.0})
        batch = experiment.new_batch_trial()
        batch.add_arms_and_weights([Arm({"x": x, "flour": "spelt"}) for x in (0.5, 0.75)])
        batch.mark_arm_abandoned("1_0")
        observe(experiment, 1, arm="1_0", gain=5.0)
        observe(experiment, 1, arm="1_1", gain=7.0)

        assert told(best(experiment)) == [("1_1", 7.0), ("0_0", 1.0)]


class TestConstraints:
    def test_that_are_broken_make_an_arm_come_last(self, best):
        arms = best(tried({"gain": 9.0, "cost": 11.0}, {"gain": 1.0, "cost": 10.0}, constraints=["cost <= 10"]))

        assert [(arm.arm_name, arm.is_feasible) for arm in arms] == [("1_0", True), ("0_0", False)]

    @pytest.mark.parametrize(
        ("constraint", "holds"),
        [
            ("cost >= 10", [False, True, True]),
            ("cost <= 10", [True, True, False]),
            ("cost + 2*gain <= 12", [True, True, False]),
        ],
    )
    def test_hold_at_the_bound(self, store, constraint, holds):
        store.save(tried(*({"gain": 1.0, "cost": cost} for cost in (9.0, 10.0, 11.0)), constraints=[constraint]))

        arms = {arm.arm_name: arm.is_feasible for arm in store.best("cakes", 3)}

        assert [arms[f"{index}_0"] for index in range(3)] == holds

    def test_do_not_hold_where_their_metric_was_not_measured(self, best):
        (arm,) = best(tried({"gain": 1.0}, constraints=["cost <= 10"]))

        assert not arm.is_feasible

    def test_may_be_of_a_weighted_sum(self, best):
        sum_of_both = ScalarizedOutcomeConstraint(
            [Metric("a"), Metric("b")], ComparisonOp.LEQ, 3.0, relative=False, weights=[1.0, 2.0]
        )
        config = OptimizationConfig(GAIN, [sum_of_both])

        arms = best(tried({"gain": 1.0, "a": 1.0, "b": 1.0}, {"gain": 2.0, "a": 1.0, "b": 2.0}, config=config))

        assert [arm.is_feasible for arm in arms] == [True, False]


class TestConstraintsThatAreRelative:
    """To a status quo on which the metric was measured as 10, or something else."""

    def experiment(self, costs, constraint, *, measured=True, baseline=10.0):
        status_quo = Arm({"x": 1.0, "flour": "rye"}, "status_quo")
        experiment = tried(
            *({"gain": 1.0, "cost": cost} for cost in costs), constraints=[constraint], status_quo=status_quo
        )
        trial = experiment.new_trial(parameters=status_quo.parameters)
        if measured:
            observe(experiment, trial.index, gain=0.0, cost=baseline)
        return experiment

    def test_allow_a_share_of_it(self, best):
        arms = best(self.experiment([9.5, 9.6], "cost <= 0.95 * baseline"))

        assert [(arm.arm_name, arm.is_feasible) for arm in arms] == [
            ("0_0", True),
            ("1_0", False),
            ("status_quo", False),
        ]

    @pytest.mark.parametrize(
        ("constraint", "holds"),
        [
            ("cost <= 1.05 * baseline", {-10.6, -10.5, -10.0, -9.5}),
            ("cost >= 0.95 * baseline", {-10.0, -9.5, -9.4, 10.0, -10.5}),
            ("cost <= 0.95 * baseline", {-10.5, -10.6}),
            ("cost >= 1.05 * baseline", {-9.5, -9.4, 10.0}),
            ("cost <= baseline", {-10.0, -10.5, -10.6}),
        ],
    )
    def test_to_a_negative_value_allow_more_or_less_and_not_the_other_way(self, best, constraint, holds):
        costs = [-10.6, -10.5, -9.5, -9.4, 10.0]
        arms = best(self.experiment(costs, constraint, baseline=-10.0))

        found = {arm.metrics["cost"] for arm in arms if arm.is_feasible}

        assert found == holds

    @pytest.mark.parametrize("baseline", [10.0, -10.0, 0.0, -0.0])
    @pytest.mark.parametrize("constraint", ["cost >= 0.9 * baseline", "cost <= 1.1 * baseline", "cost <= baseline"])
    def test_that_allow_something_worse_allow_the_status_quo(self, best, constraint, baseline):
        [arm] = best(self.experiment([], constraint, baseline=baseline))

        assert arm.is_feasible

    def test_are_refused_by_their_text(self, best):
        with pytest.raises(InvalidValueError, match=r"2\.0\*cost - gain <= 0\.95 \* baseline"):
            best(self.experiment([9.5], "2*cost - gain <= 0.95 * baseline", measured=False))

    def test_are_refused_where_it_was_not_measured(self, best):
        with pytest.raises(InvalidValueError, match="relative to the status quo"):
            best(self.experiment([9.5], "cost <= 0.95 * baseline", measured=False))

    def test_are_refused_where_there_is_none(self, best):
        with pytest.raises(InvalidValueError, match="relative to the status quo"):
            best(tried({"gain": 1.0, "cost": 1.0}, constraints=["cost <= 0.95 * baseline"]))


class TestSeveralMetrics:
    def test_in_a_weighted_sum_are_maximized(self, best):
        arms = best(tried({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 0.5}, {"a": 9.0}, objective=Objective("2*a + b")))

        assert told(arms) == [("1_0", 4.5), ("0_0", 4.0)]

    def test_in_a_scalarized_objective_are_minimized_if_it_is(self, best):
        objective = ScalarizedObjective([Metric("a"), Metric("b")], [2.0, 1.0], minimize=True)

        arms = best(tried({"a": 2.0, "b": 0.5}, {"a": 1.0, "b": 2.0}, objective=objective))

        assert told(arms) == [("1_0", 4.0), ("0_0", 4.5)]

    def test_are_minimized_by_the_sign_of_the_only_weight(self, best):
        arms = best(tried({"a": 2.0}, {"a": 1.0}, objective=ScalarizedObjective([Metric("a")], [-1.0])))

        assert told(arms) == [("1_0", 1.0), ("0_0", 2.0)]

    def test_at_once_are_refused(self, best):
        objective = MultiObjective([Objective("a"), Objective("-b")])

        with pytest.raises(InvalidValueError, match=r"several.*observations\(\)"):
            best(tried({"a": 1.0}, config=MultiObjectiveOptimizationConfig(objective)))


def test_an_experiment_without_an_objective_has_no_best_arm(store):
    store.save(new_experiment(trials=1))

    with pytest.raises(InvalidValueError, match="'cakes' has no objective"):
        store.best("cakes")


@pytest.mark.parametrize("call", ["best", "trials", "observations"])
class TestANameThatIsNone:
    def test_is_told_with_those_like_it(self, store, call):
        store.save(new_experiment())

        with pytest.raises(DocumentNotFoundError, match="cakes"):
            getattr(store, call)("cake")

    @pytest.mark.parametrize("name", [None, 1, b"cakes", ["cakes"]])
    def test_is_no_text(self, store, call, name):
        with pytest.raises(InvalidValueError, match="a text"):
            getattr(store, call)(name)

    @pytest.mark.parametrize("name", ["", "\x00", "'; DROP TABLE documents; --", "%"])
    def test_is_data(self, store, call, name):
        with pytest.raises(DocumentNotFoundError):
            getattr(store, call)(name)


@pytest.mark.parametrize("call", ["best", "trials", "observations"])
def test_a_damaged_trial_is_told(store, call):
    store.save(tried({"gain": 1.0}))
    with store.engine.begin() as connection:
        connection.execute(sa.update(documents).where(documents.c.path == "/trials/0").values(digest="0" * 64))

    with pytest.raises(DamagedDocumentError, match="/trials/0"):
        getattr(store, call)("cakes")


@pytest.mark.parametrize("call", ["best", "trials", "observations"])
class TestRowsThatSqlChanged:
    """Each row by itself is as its digest says."""

    @pytest.fixture(autouse=True)
    def saved(self, store):
        store.save(tried({"gain": 1.0}, {"gain": 2.0}))

    def run(self, store, statement):
        with store.engine.begin() as connection:
            assert connection.execute(statement).rowcount == 1

    @pytest.mark.parametrize("path", ["", "/trials/0", "/data/1"])
    def test_with_their_digest_are_told(self, store, call, path):
        at = documents.c.path == path
        with store.engine.connect() as connection:
            body = connection.execute(sa.select(documents.c.body).where(at)).scalar_one()
        forged = body.replace("1.0", "3.0").replace("2.0", "3.0").replace("0.0", "0.5").replace("rye", "oat")
        assert forged != body

        self.run(store, sa.update(documents).where(at).values(body=forged, digest=sha256(forged.encode()).hexdigest()))

        with pytest.raises(DamagedDocumentError, match="its rows"):
            getattr(store, call)("cakes")

    @pytest.mark.parametrize("path", ["/trials/0", "/data/1"])
    def test_are_told_where_one_is_gone(self, store, call, path):
        self.run(store, sa.delete(documents).where(documents.c.path == path))

        with pytest.raises(DamagedDocumentError, match="its rows"):
            getattr(store, call)("cakes")

    def test_are_told_where_the_version_is_gone(self, store, call):
        self.run(store, sa.delete(versions))

        with pytest.raises(DamagedDocumentError, match="version 1"):
            getattr(store, call)("cakes")


class TestWhatIsRead:
    @pytest.mark.parametrize(("call", "statements"), [("best", 2), ("observations", 3), ("trials", 5)])
    def test_takes_as_many_statements_whatever_the_number_of_trials(self, store, call, statements):
        store.save(tried(*({"gain": float(index)} for index in range(8))))

        assert len(statements_of(store.engine, getattr(store, call), "cakes")) == statements

    @pytest.mark.parametrize(("call", "path"), [("observations", "/trials/0"), ("trials", "/data/0")])
    def test_has_no_body_that_is_not_needed(self, store, call, path):
        store.save(tried({"gain": 1.0}))
        expected = getattr(store, call)("cakes")
        with store.engine.begin() as connection:
            connection.execute(sa.update(documents).where(documents.c.path == path).values(body="{}"))

        pd.testing.assert_frame_equal(getattr(store, call)("cakes"), expected)

    @pytest.mark.parametrize(
        "body",
        [
            {"x": 1, "flour": "rye", "on": None},
            {"x": {"__type": "float", "value": "nan"}},
            {"x": [{"__type": "tuple", "items": [1]}]},
            {"__type": "dict", "items": [[1, 2]]},
        ],
    )
    def test_is_the_decoded_value_of_its_json(self, body):
        decode = Codec(Registry(), unknown="members").decode

        assert repr(decoded(body, decode)) == repr(decode(body))

    def test_is_not_decoded_where_it_has_no_tags(self):
        assert decoded({"x": 1, "flour": "rye"}, pytest.fail) == {"x": 1, "flour": "rye"}


class TestTrialsAsAFrame:
    @pytest.fixture
    def experiment(self, store):
        space = SearchSpace(
            [
                RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
                RangeParameter("k", ParameterType.INT, 0, 2**62),
                ChoiceParameter("on", ParameterType.BOOL, [True, False]),
                ChoiceParameter("status", ParameterType.STRING, ["a", "b"]),
            ]
        )
        experiment = Experiment(space, "many")
        trial = experiment.new_trial(parameters={"x": 0.1, "k": 2**53 + 1, "on": True, "status": "a"})
        trial.mark_running(no_runner_required=True, started_time=datetime(2026, 1, 1, tzinfo=UTC))
        trial.mark_completed(time_completed=datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC))
        batch = experiment.new_batch_trial()
        batch.add_arms_and_weights([Arm({"x": x, "k": 1, "on": False, "status": "b"}) for x in (0.5, 0.75)])
        store.save(experiment)
        return experiment

    def test_has_the_columns_of_the_view_with_one_for_each_parameter(self, store, experiment):
        names = [column["name"] for column in sa.inspect(store.engine).get_columns("trials")]
        at = names.index("parameters")

        frame = store.trials("many")

        assert list(frame.columns) == [*names[:at], "x", "k", "on", "parameters.status", *names[at + 1 :]]

    def test_has_the_types_that_are_said(self, store, experiment):
        assert {name: str(dtype) for name, dtype in store.trials("many").dtypes.items()} == {
            "experiment": "object",
            "project": "object",
            "trial_index": "int64",
            "status": "Int64",
            "status_name": "object",
            "arm_name": "object",
            "arms": "object",
            "x": "float64",
            "k": "Int64",
            "on": "boolean",
            "parameters.status": "object",
            "generator_run_type": "Int64",
            "generator_run_type_name": "object",
            "time_created": "datetime64[us, UTC]",
            "time_run_started": "datetime64[us, UTC]",
            "time_completed": "datetime64[us, UTC]",
            "run_time": "float64",
            "changed_in_version": "int64",
            "id": "object",
        }

    def test_has_a_row_for_each_trial(self, store, experiment):
        first, second = store.trials("many").to_dict("records")

        assert (first["trial_index"], first["status_name"], first["arm_name"]) == (0, "COMPLETED", "0_0")
        assert (first["x"], first["k"], first["on"], first["parameters.status"]) == (0.1, 2**53 + 1, True, "a")
        assert (first["run_time"], first["time_completed"]) == (1.5, pd.Timestamp("2026-01-01 00:00:01.5+00:00"))
        assert (second["arms"], second["arm_name"], second["x"]) == (["1_0", "1_1"], "1_0", 0.5)
        assert second["time_completed"] is pd.NaT

    def test_tells_the_version_that_changed_each(self, store, experiment):
        experiment.trials[1].run_metadata["a"] = 1
        store.save(experiment)

        assert store.trials("many")["changed_in_version"].tolist() == [1, 2]

    def test_is_the_same_as_the_view(self, store, experiment):
        shared = ["trial_index", "status", "status_name", "arm_name", "run_time", "changed_in_version", "id"]
        with store.engine.connect() as connection:
            rows = pd.read_sql(sa.text(f"SELECT {', '.join(shared)} FROM trials ORDER BY trial_index"), connection)

        assert store.trials("many")[shared].astype(object).values.tolist()[0] == rows.astype(object).values.tolist()[0]

    def test_of_no_trials_has_no_rows_and_all_columns(self, store):
        store.save(new_experiment())

        frame = store.trials("cakes")

        assert (len(frame), str(frame["x"].dtype), str(frame["time_created"].dtype)) == (
            0,
            "float64",
            "datetime64[us, UTC]",
        )

    @pytest.mark.parametrize("names", [("status", "parameters.status"), ("parameters.status", "status")], ids=" ".join)
    def test_has_a_column_for_each_parameter_whatever_their_names(self, store, names):
        space = SearchSpace([RangeParameter(name, ParameterType.FLOAT, 0.0, 1.0) for name in names])
        experiment = Experiment(space, "many")
        experiment.new_trial(parameters={"status": 0.25, "parameters.status": 0.75})
        store.save(experiment)

        [row] = store.trials("many").to_dict("records")

        found = {name: row[name] for name in row if name.endswith("status")}
        assert found == {"status": 0, "parameters.status": 0.75, "parameters.parameters.status": 0.25}

    def test_keeps_times_without_a_zone_as_they_are(self, store):
        experiment = tried({})
        experiment.trials[0].mark_running(no_runner_required=True, started_time=datetime(2026, 1, 1))
        store.save(experiment)

        frame = store.trials("cakes")

        assert frame["time_run_started"].tolist() == [datetime(2026, 1, 1)]
        assert str(frame["time_run_started"].dtype) == "object"

    @pytest.mark.parametrize(
        ("completed", "seconds"),
        [(datetime(2026, 1, 1, 0, 0, 1, 500_000), [1.5]), (datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC), [])],
        ids=["without a zone", "with a zone"],
    )
    def test_tells_how_long_a_trial_ran_since_a_time_without_a_zone(self, store, completed, seconds):
        experiment = tried({})
        experiment.trials[0].mark_running(no_runner_required=True, started_time=datetime(2026, 1, 1))
        experiment.trials[0].mark_completed(time_completed=completed)
        store.save(experiment)

        with store.engine.connect() as connection:
            found = connection.scalars(sa.text("SELECT run_time FROM trials WHERE run_time IS NOT NULL")).all()

        assert found == store.trials("cakes")["run_time"].dropna().tolist() == seconds


class TestObservationsAsAFrame:
    def test_has_the_columns_of_the_view(self, store):
        store.save(tried({"gain": 1.0}))
        names = [column["name"] for column in sa.inspect(store.engine).get_columns("observations")]

        assert list(store.observations("cakes").columns) == names

    def test_has_the_types_that_are_said_and_the_bits(self, store):
        experiment = tried({"gain": math.nextafter(0.1, 1), "cost": math.inf, "left": math.nan})
        observe(experiment, 0, step=3, curve=-0.0)
        store.save(experiment)

        frame = store.observations("cakes")

        assert {str(frame[name].dtype) for name in ("step", "mean", "sem")} == {"float64"}
        assert str(frame["trial_index"].dtype) == "int64"
        assert frame["metric_name"].tolist() == ["gain", "cost", "left", "curve"]
        expected = np.array([math.nextafter(0.1, 1), math.inf, math.nan, -0.0])
        assert frame["mean"].to_numpy().tobytes() == expected.tobytes()
        assert frame["step"].to_numpy().tobytes() == np.array([math.nan, math.nan, math.nan, 3.0]).tobytes()

    def test_has_times_as_they_were_attached(self, store):
        experiment = tried({})
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        record = {"trial_index": 0, "arm_name": "0_0", "metric_name": "gain", "mean": 1.0, "start_time": moment}
        experiment.attach_data(Data.from_records([record]))
        store.save(experiment)

        assert store.observations("cakes")["start_time"].tolist() == [moment]

    def test_of_no_data_has_no_rows_and_all_columns(self, store):
        store.save(new_experiment())

        frame = store.observations("cakes")

        assert (len(frame), str(frame["mean"].dtype)) == (0, "float64")


@pytest.mark.parametrize("call", ["trials", "observations"])
def test_without_pandas_a_frame_says_what_to_install(store, call, monkeypatch):
    store.save(new_experiment(trials=1))
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(MissingDependencyError, match=r"docstore\[pandas\]"):
        getattr(store, call)("cakes")


class TestTheCycleCollector:
    @pytest.mark.parametrize("call", ["best", "trials", "observations"])
    def test_is_paused_while_an_experiment_is_read(self, store, call):
        store.save(tried({"gain": 1.0}))
        was_on = []
        sa.event.listen(store.engine, "before_cursor_execute", lambda *_: was_on.append(gc.isenabled()))

        getattr(store, call)("cakes")

        assert was_on
        assert not any(was_on)
        assert gc.isenabled()
