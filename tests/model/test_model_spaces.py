"""What the light model promises about parameters, search spaces, metrics, objectives, constraints and cards."""

from __future__ import annotations

import math
from datetime import datetime

import numpy
import pytest

import docstore
from docstore.errors import InvalidValueError
from docstore.model import (
    AnalysisCard,
    AnalysisCardGroup,
    Arm,
    ChoiceParameter,
    ComparisonOp,
    Data,
    DerivedParameter,
    Experiment,
    FixedParameter,
    GenerationNode,
    GenerationStrategy,
    GeneratorRun,
    MapMetric,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    ObjectiveThreshold,
    OptimizationConfig,
    OutcomeConstraint,
    ParameterConstraint,
    ParameterType,
    RangeParameter,
    Runner,
    ScalarizedObjective,
    ScalarizedOutcomeConstraint,
    SearchSpace,
)
from docstore.model.expressions import Linear, build, parse

FLOAT, INT, STRING, BOOL = ParameterType.FLOAT, ParameterType.INT, ParameterType.STRING, ParameterType.BOOL


class TestARange:
    def test_keeps_its_bounds_in_its_own_type(self):
        parameter = RangeParameter("x", FLOAT, 0, 1)

        assert [repr(bound) for bound in (parameter.lower, parameter.upper)] == ["0.0", "1.0"]

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({"lower": 2}, "upper bound of parameter 'x': 1 cannot be used. Give one above the lower bound 2"),
            ({"lower": 1}, "Give one above the lower bound 1"),
            ({"lower": math.nan}, "lower bound of parameter 'x'"),
            ({"upper": math.inf}, "upper bound of parameter 'x'"),
            ({"lower": "0"}, "Give a value of type float"),
            ({"log_scale": True}, "On a log scale, give one above 0"),
            ({"logit_scale": True}, "On a logit scale"),
            ({"lower": 0.1, "upper": 0.9, "log_scale": True, "logit_scale": True}, "not both"),
            ({"digits": -1}, "digits of parameter 'x'"),
            ({"step_size": 0}, "step_size of parameter 'x'"),
            ({"step_size": 0.3}, "in whole steps"),
            ({"parameter_type": STRING}, "ParameterType.INT or ParameterType.FLOAT"),
            ({"parameter_type": "FLOAT"}, "Give one of ParameterType.BOOL"),
            ({"parameter_type": INT, "lower": 0.5}, "Give a value of type int"),
            ({"name": ""}, "name of a parameter"),
            ({"is_fidelity": True}, "target_value of parameter 'x'"),
        ],
    )
    def test_refuses_what_is_none(self, arguments, problem):
        with pytest.raises(InvalidValueError) as caught:
            RangeParameter(**{"name": "x", "parameter_type": FLOAT, "lower": 0, "upper": 1, **arguments})

        assert problem in str(caught.value)

    @pytest.mark.parametrize(("value", "fits"), [(0.0, True), (1, True), (0.25, True), (0.3, False), (1.25, False)])
    def test_with_steps_takes_what_lies_on_one(self, value, fits):
        assert RangeParameter("x", FLOAT, 0, 1, step_size=0.25).validate(value) is fits

    @pytest.mark.parametrize(("value", "fits"), [(1, True), (1.0, True), (0.5, False), (True, False), ("1", False)])
    def test_of_integers_takes_whole_numbers(self, value, fits):
        assert RangeParameter("x", INT, 0, 1).validate(value) is fits

    def test_of_integers_has_integer_bounds_if_they_are_given_as_whole_floats(self):
        parameter = RangeParameter("x", INT, 0.0, 5.0)

        assert repr((parameter.lower, parameter.upper)) == "(0, 5)"
        assert repr(parameter.update_range(upper=7.0).upper) == "7"

    def test_of_integers_leaves_a_whole_float_in_an_arm_as_it_is(self):
        experiment = Experiment(SearchSpace([RangeParameter("x", INT, 0, 5)]), "e")

        assert repr(experiment.new_trial(parameters={"x": 3.0}).arm.parameters["x"]) == "3.0"

    @pytest.mark.parametrize("kind", [INT, FLOAT])
    def test_ends_below_what_no_float_holds(self, kind):
        with pytest.raises(InvalidValueError, match="upper bound of parameter 'x'"):
            RangeParameter("x", kind, 0, 10**400)

    @pytest.mark.parametrize("name", ["target_value", "backfill_value", "default_value"])
    def test_has_no_other_value_of_another_type(self, name):
        with pytest.raises(InvalidValueError, match=f"{name} of parameter 'x'"):
            RangeParameter("x", FLOAT, 0, 1, **{name: "abc"})

    def test_can_be_changed_to_another_range_only(self):
        parameter = RangeParameter("x", INT, 0, 1)

        assert parameter.update_range(upper=5).upper == 5
        with pytest.raises(InvalidValueError, match="above the lower bound 9"):
            parameter.update_range(lower=9)

    @pytest.mark.parametrize(
        ("parameter", "bound"),
        [
            (RangeParameter("x", FLOAT, 1, 2, log_scale=True), {"lower": -1.0}),
            (RangeParameter("x", FLOAT, 0, 1, step_size=0.25), {"upper": 1.1}),
        ],
        ids=["below a log scale", "between two steps"],
    )
    def test_stays_as_it_is_if_another_range_is_refused(self, parameter, bound):
        before = repr(parameter)

        with pytest.raises(InvalidValueError):
            parameter.update_range(**bound)

        assert repr(parameter) == before


class TestAChoice:
    @pytest.mark.parametrize(
        ("parameter_type", "values", "is_ordered"),
        [
            (STRING, ["a", "b", "c"], False),
            (STRING, ["a", "b"], True),
            (INT, [3, 1, 2], True),
            (BOOL, [True, False], True),
        ],
    )
    def test_is_ordered_unless_it_is_among_many_strings(self, parameter_type, values, is_ordered):
        assert ChoiceParameter("c", parameter_type, values).is_ordered is is_ordered

    def test_keeps_the_order_of_its_values(self):
        assert ChoiceParameter("c", INT, [3, 1, 2]).values == [3, 1, 2]

    def test_keeps_each_value_once_and_warns(self):
        with pytest.warns(UserWarning, match="'c': each is kept once; 2 of them were there before") as caught:
            parameter = ChoiceParameter("c", FLOAT, [3, 1.0, 3.0, 1])

        assert parameter.values == [3.0, 1.0]
        assert caught[0].filename == __file__

    def test_of_integers_has_integers_if_they_are_given_as_whole_floats(self):
        assert repr(ChoiceParameter("c", INT, [1.0, 3]).values) == "[1, 3]"
        assert repr(FixedParameter("f", INT, 3.0).value) == "3"

    @pytest.mark.parametrize("values", [[], ["a"], ["a", "a"], ["a", 1], "ab", None])
    def test_needs_two_values_of_its_type(self, values):
        with pytest.raises(InvalidValueError, match="parameter 'c'"):
            ChoiceParameter("c", STRING, values)

    def test_has_a_log_scale_above_zero_only(self):
        with pytest.raises(InvalidValueError, match="log_scale"):
            ChoiceParameter("c", INT, [0, 1], log_scale=True)

    def test_lets_others_depend_on_its_own_values_only(self):
        with pytest.raises(InvalidValueError, match="'z'"):
            ChoiceParameter("c", STRING, ["a", "b"], dependents={"z": ["x"]})


class TestADerivedParameter:
    def test_is_computed_from_others(self):
        parameter = DerivedParameter("d", FLOAT, "2*x - y/4 + 1")

        assert parameter.compute({"x": 3, "y": 2}) == 6.5

    def test_may_copy_another_of_any_type(self):
        assert DerivedParameter("d", STRING, "c").compute({"c": "a"}) == "a"

    @pytest.mark.parametrize("expression", ["x*y", "3", "x +", "x, y", "__import__('os')", "", None, "1e999*x"])
    def test_refuses_what_is_not_linear(self, expression):
        with pytest.raises(InvalidValueError, match="parameter 'd'"):
            DerivedParameter("d", FLOAT, expression)

    def test_need_not_be_given_but_must_be_right(self):
        space = SearchSpace([RangeParameter("x", INT, 0, 9), DerivedParameter("d", INT, "2*x")])

        assert space.check_membership({"x": 2})
        assert space.check_membership({"x": 2, "d": 4})
        with pytest.raises(InvalidValueError, match="It is derived: give 4"):
            space.check_membership({"x": 2, "d": 5}, raise_error=True)

    @pytest.mark.parametrize("given", [{"x": 1, "d": 1}, {"d": 1}], ids=["it is no integer", "it lacks its source"])
    def test_is_outside_of_the_search_space_if_it_cannot_be_computed(self, given):
        x = RangeParameter("x", INT, 0, 9, backfill_value=0)
        space = SearchSpace([x, DerivedParameter("d", INT, "0.5*x")])

        assert space.check_membership(given) is False
        with pytest.raises(InvalidValueError, match="value of parameter 'd': 1 cannot be used"):
            space.check_membership(given, raise_error=True)


class TestASearchSpace:
    def test_keeps_the_order_of_its_parameters(self):
        names = ["z", "a", "m"]

        assert list(SearchSpace([RangeParameter(name, INT, 0, 1) for name in names]).parameters) == names

    def test_may_be_empty(self):
        assert SearchSpace(parameters=[]).check_membership({})

    def test_takes_one_parameter_in_a_list_too(self):
        with pytest.raises(InvalidValueError, match=r"Give a list: SearchSpace\(\[parameter\]\)"):
            SearchSpace(RangeParameter("x", INT, 0, 1))

    def test_refuses_a_name_twice(self):
        with pytest.raises(InvalidValueError, match=r"'x' cannot be used. It is there twice"):
            SearchSpace([RangeParameter("x", INT, 0, 1), FixedParameter("x", INT, 0)])

    @pytest.mark.parametrize(
        "parameter",
        [DerivedParameter("d", FLOAT, "y"), ChoiceParameter("c", STRING, ["a", "b"], dependents={"a": ["y"]})],
    )
    def test_refuses_a_parameter_that_leans_on_one_it_lacks(self, parameter):
        with pytest.raises(InvalidValueError, match=r"refers to a parameter: 'y'.*has 'x'"):
            SearchSpace([RangeParameter("x", INT, 0, 1), parameter])

    def test_asks_only_for_what_the_chosen_values_need(self):
        space = SearchSpace(
            [
                ChoiceParameter(
                    "model", STRING, ["linear", "tree"], dependents={"linear": ["rate"], "tree": ["depth"]}
                ),
                RangeParameter("rate", FLOAT, 0, 1),
                RangeParameter("depth", INT, 1, 9),
            ]
        )

        assert space.check_membership({"model": "linear", "rate": 0.5})
        assert not space.check_membership({"model": "linear", "depth": 3})

    def test_does_not_ask_for_what_was_added_later(self):
        space = SearchSpace([RangeParameter("x", INT, 0, 1), RangeParameter("y", INT, 0, 1, backfill_value=0)])

        assert space.check_membership({"x": 1})

    def test_replaces_a_parameter_by_one_of_its_type(self):
        space = SearchSpace([RangeParameter("x", INT, 0, 1)])

        space.update_parameter(RangeParameter("x", INT, 0, 5))

        assert space["x"] == RangeParameter("x", INT, 0, 5)
        with pytest.raises(InvalidValueError, match="It is INT"):
            space.update_parameter(RangeParameter("x", FLOAT, 0, 5))

    @pytest.mark.parametrize(
        "parameter",
        [
            RangeParameter("x", FLOAT, 1, 2, log_scale=True),
            FixedParameter("x", FLOAT, 1.0, dependents={1.0: ["nope"]}),
            DerivedParameter("x", FLOAT, expression_str="y"),
            "x",
        ],
        ids=["breaks a constraint", "refers to one that is not there", "is what another is derived from", "is none"],
    )
    def test_stays_as_it_is_if_a_parameter_does_not_fit(self, parameter):
        x, y = RangeParameter("x", FLOAT, 0, 1), RangeParameter("y", FLOAT, 0, 1)
        z = DerivedParameter("z", FLOAT, expression_str="2*x")
        space = SearchSpace([x, y, z], [ParameterConstraint("x + y <= 1")])

        with pytest.raises(InvalidValueError):
            space.update_parameter(parameter)

        assert space["x"] is x

    def test_names_its_parameters_when_one_is_not_there(self):
        with pytest.raises(InvalidValueError, match=r"'y' cannot be used. The search space has 'x'"):
            SearchSpace([RangeParameter("x", INT, 0, 1)])["y"]


class TestAConstraintOnParameters:
    @pytest.mark.parametrize(
        ("given", "weights", "bound"),
        [
            ("x + 2*y <= 3", {"x": 1.0, "y": 2.0}, 3.0),
            ("x >= y", {"x": -1.0, "y": 1.0}, 0.0),
            ("1 <= x", {"x": -1.0}, -1.0),
            ("2*(x - y) - 1 <= 3*x", {"x": -1.0, "y": -2.0}, 1.0),
        ],
    )
    def test_is_a_weighted_sum_below_a_bound(self, given, weights, bound):
        constraint = ParameterConstraint(given)

        assert (constraint.constraint_dict, constraint.bound) == (weights, bound)
        assert math.copysign(1, constraint.bound) == math.copysign(1, bound)

    def test_may_be_given_as_weights(self):
        assert ParameterConstraint(constraint_dict={"x": 1, "y": 2}, bound=3) == ParameterConstraint("x + 2*y <= 3")

    @pytest.mark.parametrize(("x", "holds"), [(1.0, True), (1.0 + 1e-12, True), (0.9, False)])
    def test_may_be_an_equality(self, x, holds):
        assert ParameterConstraint(equality="x == 1").check({"x": x}) is holds

    @pytest.mark.parametrize("text", ["x", "x < 1", "x == 1", "x*y <= 1", "1 <= 2", "x <= 1, y <= 2", "x <= ", ""])
    def test_refuses_what_is_none(self, text):
        with pytest.raises(InvalidValueError, match="ParameterConstraint"):
            ParameterConstraint(text)

    @pytest.mark.parametrize("text", ["x <= 1e999", "1e308*x + 1e308*x <= 1"])
    def test_has_finite_numbers_only(self, text):
        with pytest.raises(InvalidValueError, match="finite number"):
            ParameterConstraint(text)

    def test_refuses_weights_that_are_no_dict(self):
        with pytest.raises(InvalidValueError, match="Give a dict"):
            ParameterConstraint(constraint_dict=["x"], bound=1.0)

    @pytest.mark.parametrize("weight", [math.nan, "abc", None, True])
    def test_has_a_number_for_each_weight_that_is_given(self, weight):
        with pytest.raises(InvalidValueError, match="weight of 'x'"):
            ParameterConstraint(constraint_dict={"x": weight}, bound=1.0)

    def test_binds_the_arms(self):
        space = SearchSpace(
            [RangeParameter("x", FLOAT, 0, 1), RangeParameter("y", FLOAT, 0, 1)], [ParameterConstraint("x + y <= 1")]
        )

        with pytest.raises(InvalidValueError, match=r"x \+ y <= 1.0"):
            space.check_membership({"x": 0.7, "y": 0.7}, raise_error=True)

    @pytest.mark.parametrize(
        "parameter",
        [
            RangeParameter("z", FLOAT, 0, 1),
            ChoiceParameter("x", STRING, ["a", "b"]),
            ChoiceParameter("x", INT, [1, 2], is_ordered=False),
            RangeParameter("x", FLOAT, 1, 2, log_scale=True),
        ],
        ids=["unknown", "text", "unordered", "log"],
    )
    def test_is_on_known_numbers_in_order_on_a_linear_scale(self, parameter):
        with pytest.raises(InvalidValueError, match="'x'"):
            SearchSpace([parameter], [ParameterConstraint("x <= 1")])


class TestALinearExpression:
    @pytest.mark.parametrize(
        ("text", "weights", "constant"),
        [
            ("train/loss + a.b:c", {"train/loss": 1.0, "a.b:c": 1.0}, 0.0),
            ("x/2 - 1e3", {"x": 0.5}, -1000.0),
            ("-(x + -y)*2", {"x": -2.0, "y": 2.0}, 0.0),
            ("x - x", {"x": 0.0}, 0.0),
            ("lambda", {"lambda": 1.0}, 0.0),
        ],
    )
    def test_is_read(self, text, weights, constant):
        assert parse(text, thing="it") == [Linear(weights, constant)]

    @pytest.mark.parametrize(
        "text", ["x**2", "x / y", "x/0", "f(x)", "x y", "x if y else z", "True*x", "'x'", "(" * 500]
    )
    def test_is_refused_where_it_is_none(self, text):
        with pytest.raises(InvalidValueError, match="Write a sum"):
            parse(text, thing="it")

    def test_may_hold_any_name_that_is_known(self):
        assert parse("-val-loss, 2*a, b", thing="it", known=["val-loss", "a, b"]) == [
            Linear({"val-loss": -1.0}, -0.0),
            Linear({"a, b": 2.0}),
        ]

    @pytest.mark.parametrize("weight", [1.0, -1.0, 0.1, -2.5e-300, 1e22, 1 / 3])
    def test_comes_back_from_its_text_exactly(self, weight):
        weights = {"a": weight, "b": -weight}

        assert parse(build(weights), thing="it")[0].weights == weights

    @pytest.mark.parametrize("name", ["a + -b", "-b", "a - b"])
    @pytest.mark.parametrize("weight", [1.0, -1.0, -0.5])
    def test_comes_back_from_its_text_with_names_that_look_like_sums(self, name, weight):
        weights = {"c": 1.0, name: weight}

        assert parse(build(weights), thing="it", known=weights)[0].weights == weights

    def test_may_be_of_one_metric_whose_name_looks_like_a_sum(self):
        assert Objective(metric=Metric("a + -b"), minimize=False).metric_weights == [("a + -b", 1.0)]


class TestAMetric:
    def test_can_be_subclassed_without_a_decorator(self):
        class MyMetric(Metric):
            pass

        assert MyMetric(name="m").name == "m"
        assert MyMetric(name="m") == MyMetric(name="m") != Metric(name="m")

    def test_can_have_an_init_of_its_own(self):
        class Scaled(Metric):
            def __init__(self, name, scale):
                super().__init__(name=name)
                self.scale = scale

        assert Scaled("m", 2).scale == 2
        assert Scaled("m", 2) != Scaled("m", 3)

    @pytest.mark.parametrize(
        "arguments",
        [{"name": ""}, {"name": 1}, {"name": "m", "lower_is_better": "yes"}, {"name": "m", "properties": "p"}],
    )
    def test_refuses_what_is_none(self, arguments):
        with pytest.raises(InvalidValueError):
            Metric(**arguments)

    def test_fetches_nothing_by_itself(self):
        with pytest.raises(InvalidValueError, match="override fetch_trial_data"):
            Metric("m").fetch_trial_data(None)

    def test_of_several_steps_says_so(self):
        assert (Metric("m").has_map_data, MapMetric("m").has_map_data) == (False, True)


class TestARunner:
    def test_can_be_subclassed_without_a_decorator(self):
        class MyRunner(Runner):
            def run():
                pass

        assert MyRunner() == MyRunner() != Runner()

    @pytest.mark.parametrize("method", ["run", "stop", "poll_trial_status"])
    def test_runs_nothing_by_itself(self, method):
        with pytest.raises(InvalidValueError, match=f"override {method}"):
            getattr(Runner(), method)(None)


class TestAnObjective:
    def test_maximizes_an_expression(self):
        objective = Objective("2*accuracy - loss")

        assert objective.metric_weights == [("accuracy", 2.0), ("loss", -1.0)]
        assert objective.is_scalarized_objective

    def test_is_made_from_a_metric(self):
        objective = Objective(metric=Metric("val-loss, mean"), minimize=True)

        assert (objective.metric, objective.minimize) == (Metric("val-loss, mean"), True)

    def test_knows_the_direction_from_the_metric(self):
        assert Objective(metric=Metric("loss", lower_is_better=True)).minimize

    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"expression": "a", "metric": Metric("a")},
            {"expression": "a + 1"},
            {"expression": "a - a"},
            {"expression": "3"},
            {"metric": Metric("a")},
            {"metric": Metric("a", lower_is_better=True), "minimize": False},
            {"metric": "a", "minimize": True},
            {"expression": "a", "minimize": True},
            {"expression": "-a", "minimize": False},
            {"expression": "a, -b", "minimize": True},
        ],
    )
    def test_refuses_what_is_none(self, arguments):
        with pytest.raises(InvalidValueError):
            Objective(**arguments)

    def test_needs_a_weight(self):
        with pytest.raises(InvalidValueError, match=r"'0\*a' cannot be used\. .* with a weight other than 0"):
            Objective("0*a")

    def test_names_each_metric_once(self):
        with pytest.raises(InvalidValueError, match=r"'a' cannot be used. It is there twice"):
            Objective("a, -a")

    def test_may_be_several(self):
        loss, speed = (Objective(metric=Metric(name), minimize=name == "loss") for name in ("loss", "speed"))

        multi = MultiObjective(objectives=[loss, speed])

        assert multi.objectives == [loss, speed]
        assert multi.metric_weights == Objective("-loss, speed").metric_weights

    def test_may_not_be_several_of_one_metric(self):
        with pytest.raises(InvalidValueError, match="'loss'"):
            MultiObjective([Objective("loss"), Objective("-loss")])

    def test_may_be_a_weighted_sum(self):
        scalarized = ScalarizedObjective([Metric("a"), Metric("b")], weights=[0.1, -2.0], minimize=True)

        assert (scalarized.minimize, scalarized.weights) == (True, [0.1, -2.0])
        assert scalarized.metric_weights == [("a", -0.1), ("b", 2.0)]

    @pytest.mark.parametrize("weights", [[1.0], [1.0, math.inf]])
    def test_has_a_weight_for_each_metric(self, weights):
        with pytest.raises(InvalidValueError, match="weight"):
            ScalarizedObjective([Metric("a"), Metric("b")], weights)


class TestAConstraintOnOutcomes:
    @pytest.mark.parametrize(
        ("expression", "op", "bound", "relative"),
        [
            ("qps >= 700", ComparisonOp.GEQ, 700.0, False),
            ("700 <= qps", ComparisonOp.GEQ, 700.0, False),
            ("2*qps <= 1", ComparisonOp.LEQ, 0.5, False),
            ("qps >= 0.95 * baseline", ComparisonOp.GEQ, -5.0, True),
            ("qps >= baseline", ComparisonOp.GEQ, 0.0, True),
            ("baseline / 2 <= qps", ComparisonOp.GEQ, -50.0, True),
            ("qps - 1.05 * baseline <= 0", ComparisonOp.LEQ, 5.0, True),
            ("2 * qps + 1 <= 2 * (baseline + 0.5)", ComparisonOp.LEQ, 0.0, True),
        ],
    )
    def test_is_read_from_an_expression(self, expression, op, bound, relative):
        constraint = OutcomeConstraint(expression)

        assert (constraint.op, constraint.bound, constraint.relative) == (op, bound, relative)
        assert constraint.metric_weights == [("qps", 1.0)]

    @pytest.mark.parametrize(
        "expression",
        [
            "qps >= 3 + baseline",
            "qps >= 2 * baseline + 1",
            "baseline - 1 >= qps",
            "qps + 1 >= baseline",
            "qps >= baseline * baseline",
            "qps >= qps * baseline",
            "qps >= 1 / baseline",
            "qps >= 0 * baseline",
            "qps >= baseline - baseline",
            "baseline >= 3",
            "qps / baseline >= 1",
            "qps/baseline >= 0.95",
            "qps.baseline >= 0.95",
            "baseline:qps >= 0.95",
            "qps >= 1e400 * baseline",
            "qps >= 1e400",
            "1e400 * qps >= 1",
            "qps >= 1 # + baseline",
        ],
    )
    def test_that_says_anything_else_is_refused(self, expression):
        with pytest.raises(InvalidValueError, match=r"OutcomeConstraint|finite"):
            OutcomeConstraint(expression)

    def test_to_the_status_quo_is_relative(self):
        with pytest.raises(InvalidValueError, match=r"relative of an OutcomeConstraint: False.*leave this out"):
            OutcomeConstraint("qps >= 0.95 * baseline", relative=False)

    def test_of_a_sum_is_relative_to_the_sum(self):
        constraint = OutcomeConstraint("a + 2*b <= 1.1 * baseline")

        assert (constraint.metric_weights, constraint.bound) == ([("a", 1.0), ("b", 2.0)], 10.0)
        assert constraint.relative

    def test_is_made_from_a_metric(self):
        constraint = OutcomeConstraint(metric=Metric("qps"), op=ComparisonOp.GEQ, bound=1, relative=True)

        assert (constraint.metric, constraint.bound, constraint.relative) == (Metric("qps"), 1, True)

    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"expression": "qps"},
            {"expression": "qps == 1"},
            {"expression": "1 >= 2"},
            {"metric": Metric("qps"), "bound": 1},
            {"metric": Metric("qps"), "op": ComparisonOp.GEQ},
            {"metric": Metric("qps"), "op": ComparisonOp.GEQ, "bound": math.nan},
        ],
    )
    def test_refuses_what_is_none(self, arguments):
        with pytest.raises(InvalidValueError):
            OutcomeConstraint(**arguments)

    def test_may_be_on_a_weighted_sum(self):
        constraint = ScalarizedOutcomeConstraint([Metric("a"), Metric("b")], ComparisonOp.LEQ, 1.0)

        assert constraint.metric_weights == [("a", 0.5), ("b", 0.5)]

    @pytest.mark.parametrize("weights", [None, [1.0]])
    def test_needs_a_metric_for_each_weight(self, weights):
        with pytest.raises(InvalidValueError, match="weights"):
            ScalarizedOutcomeConstraint([], ComparisonOp.LEQ, 1.0, weights=weights)

    def test_as_a_threshold_follows_the_metric(self):
        assert ObjectiveThreshold(Metric("loss", lower_is_better=True), 0.5).op is ComparisonOp.LEQ
        with pytest.raises(InvalidValueError, match="lower_is_better"):
            ObjectiveThreshold(Metric("loss"), 0.5)


class TestAnOptimizationConfig:
    def test_knows_every_metric(self):
        metric = MapMetric("qps")
        constraint = OutcomeConstraint(metric=metric, op=ComparisonOp.GEQ, bound=1)

        config = OptimizationConfig(Objective("-loss"), [constraint])

        assert config.metrics == {"loss": Metric("loss"), "qps": metric}

    def test_does_not_bound_its_one_objective(self):
        with pytest.raises(InvalidValueError, match="is the objective"):
            OptimizationConfig(Objective("-loss"), [OutcomeConstraint("loss <= 1")])

    def test_does_not_bound_a_metric_twice_from_one_side(self):
        OptimizationConfig(Objective("a"), [OutcomeConstraint("b <= 1"), OutcomeConstraint("b >= 0")])
        with pytest.raises(InvalidValueError, match="leave one of them out"):
            OptimizationConfig(Objective("a"), [OutcomeConstraint("b <= 1"), OutcomeConstraint("b <= 2")])

    def test_of_several_objectives_is_another_class(self):
        with pytest.raises(InvalidValueError, match="MultiObjectiveOptimizationConfig"):
            OptimizationConfig(Objective("a, b"))
        with pytest.raises(InvalidValueError, match="OptimizationConfig"):
            MultiObjectiveOptimizationConfig(Objective("a"))

    def test_of_several_objectives_has_thresholds(self):
        threshold = OutcomeConstraint("loss <= 1")

        config = MultiObjectiveOptimizationConfig(Objective("a, -loss"), objective_thresholds=[threshold])

        assert config.objective_thresholds_dict == {"loss": threshold}
        assert config.is_moo_problem

    @pytest.mark.parametrize("threshold", ["loss >= 1", "other <= 1", "a + loss <= 1"])
    def test_has_thresholds_on_its_objectives_from_their_side(self, threshold):
        with pytest.raises(InvalidValueError, match="objective threshold"):
            MultiObjectiveOptimizationConfig(Objective("a, -loss"), objective_thresholds=[OutcomeConstraint(threshold)])


class TestAnAnalysisCard:
    def test_keeps_its_table_as_rows(self):
        class Frame:
            def to_dict(self, orient):
                return [{"x": 1}] if orient == "records" else None

        assert AnalysisCard("c", "Title", df=Frame(), blob="{}").df == [{"x": 1}]

    def test_copies_its_rows(self):
        rows = [{"x": 1}]
        card = AnalysisCard("c", df=rows)

        rows[0]["x"] = 2

        assert card.df == [{"x": 1}]

    @pytest.mark.parametrize("arguments", [{"name": ""}, {"name": "c", "df": [1]}, {"name": "c", "blob": b"x"}])
    def test_refuses_what_is_none(self, arguments):
        with pytest.raises(InvalidValueError):
            AnalysisCard(**arguments)

    def test_may_be_in_groups_of_groups(self):
        first, second = AnalysisCard("a"), AnalysisCard("b")

        assert AnalysisCardGroup("g", children=[first, AnalysisCardGroup("h", children=[second])]).flatten() == [
            first,
            second,
        ]


class TestALinearExpressionOfAHostileFile:
    """It may be of any size and depth; it is refused as any other that is none."""

    @pytest.mark.parametrize("expression", ["-" * 20_000 + "a", "(" * 500 + "a" + ")" * 500, "1" + "0" * 400 + "*a"])
    def test_is_refused(self, expression):
        with pytest.raises(InvalidValueError):
            Objective(expression=expression)


class TestWhatIsGivenByAGenerator:
    """It can be read once only."""

    @pytest.mark.parametrize(
        "made",
        [
            lambda given: SearchSpace(given([RangeParameter("x", FLOAT, 0, 1)]))._parameters,
            lambda given: (
                SearchSpace(
                    [RangeParameter("x", FLOAT, 0, 1)], given([ParameterConstraint("x <= 0.5")])
                ).parameter_constraints
            ),
            lambda given: OptimizationConfig(Objective("a"), given([OutcomeConstraint("b <= 1")])).outcome_constraints,
            lambda given: (
                MultiObjectiveOptimizationConfig(
                    Objective("a, b"), objective_thresholds=given([OutcomeConstraint("a >= 1")])
                ).objective_thresholds
            ),
            lambda given: Experiment(SearchSpace([]), tracking_metrics=given([Metric("m")])).tracking_metrics,
            lambda given: Experiment(SearchSpace([])).add_tracking_metrics(given([Metric("m")])).tracking_metrics,
            lambda given: GeneratorRun(given([Arm({"x": 1.0})])).arms,
            lambda given: GeneratorRun([Arm({"x": 1.0})], given([2.0])).weights,
            lambda given: GenerationStrategy(given([GenerationNode("n")])).nodes,
            lambda given: MultiObjective(given([Objective("a"), Objective("b")])).metric_names,
            lambda given: ScalarizedObjective(given([Metric("a", lower_is_better=False)])).metrics,
            lambda given: ScalarizedOutcomeConstraint(given([Metric("a")]), ComparisonOp.LEQ, 1.0).metrics,
            lambda given: [card.name for card in AnalysisCardGroup("g", children=given([AnalysisCard("c")])).children],
        ],
    )
    def test_is_there_as_what_is_given_by_a_list(self, made):
        assert made(iter) == made(list) != []

    def test_is_refused_if_it_is_not_several_at_all(self):
        with pytest.raises(InvalidValueError, match="Give a Parameter, in a list"):
            SearchSpace(5)


class TestANumPyScalar:
    """Optimizers return them. They mean the same as plain values, and are stored as another type."""

    @pytest.mark.parametrize(
        "made",
        [
            lambda x: OutcomeConstraint(metric=Metric("a"), op=ComparisonOp.LEQ, bound=x),
            lambda x: ScalarizedOutcomeConstraint([Metric("a")], ComparisonOp.LEQ, x, weights=[x]),
            lambda x: ScalarizedObjective([Metric("a")], [x]),
            lambda x: ParameterConstraint(constraint_dict={"x": x}, bound=x),
            lambda x: GeneratorRun([], fit_time=x, gen_time=x).fit_time,
            lambda x: GeneratorRun([Arm({"x": x})], [x]).weights,
            lambda x: RangeParameter("x", FLOAT, x, 3.0, step_size=x, target_value=x, is_fidelity=True),
            lambda x: FixedParameter("x", FLOAT, x, backfill_value=x, default_value=x),
            lambda x: Data([{"trial_index": 0, "arm_name": "a", "metric_name": "m", "mean": x, "sem": x, "step": x}]),
        ],
    )
    def test_is_kept_as_a_plain_number(self, made):
        assert docstore.dumps(made(numpy.float64(1.5))) == docstore.dumps(made(1.5))

    @pytest.mark.parametrize(
        "made",
        [
            lambda name: Metric(name),
            lambda name: Arm({name: name}, name),
            lambda name: FixedParameter(name, STRING, name),
            lambda name: GenerationNode(name),
            lambda name: AnalysisCard(name, timestamp=datetime(2026, 1, 1)).name,
            lambda name: Data([{"trial_index": 0, "arm_name": name, "metric_name": name, "mean": 1.0}]),
        ],
    )
    def test_is_kept_as_a_plain_name(self, made):
        assert docstore.dumps(made(numpy.str_("a"))) == docstore.dumps(made("a"))

    def test_says_whether_lower_is_better(self):
        assert Metric("a", lower_is_better=numpy.bool_(False)).lower_is_better is False

    def test_is_a_bound_of_integers(self):
        assert repr(RangeParameter("x", INT, numpy.int64(0), 5).lower) == "0"


class TestAnArray:
    def test_is_no_value_of_a_parameter(self):
        with pytest.raises(InvalidValueError, match="value of parameter 'x'"):
            Arm({"x": numpy.array([1.0, 2.0])})
