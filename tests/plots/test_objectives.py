"""The plots of values: the objective by trial, the Pareto front, the distribution, and learning curves."""

from __future__ import annotations

import math

import pytest
from plotted import breads, losses, many_breads, new_trial, stepped

from docstore import Arm, BatchTrial, Data, OutcomeConstraint, plots
from docstore.errors import InvalidValueError
from docstore.plots.distribution import distribution
from docstore.plots.experiment_data import experiment_data
from docstore.plots.learning_curves import learning_curves
from docstore.plots.objective_by_trial import Point, objective_by_trial
from docstore.search.experiments.pareto_front import pareto_front

UNDRAWABLE = [math.nan, math.inf, -1e308]


def by_trial(experiment, metric=None):
    data = experiment_data(experiment)
    return objective_by_trial(data, data.target(metric, otherwise=""))


def front_of(experiment):
    data = experiment_data(experiment)
    return pareto_front(data, *data.targets)


def curves_of(experiment, metric="loss"):
    data = experiment_data(experiment)
    return learning_curves(data, data.target(metric, otherwise=""))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def labels(ax):
    return ax.get_legend_handles_labels()[1]


class TestTheObjectiveByTrial:
    def test_has_each_value_with_its_standard_error(self):
        found = by_trial(breads({"loss": (0.5, 0.1)}, {"loss": 0.25}))

        assert found.feasible == (Point(0, 0.5, 0.1), Point(1, 0.25, None))

    def test_has_the_best_so_far_and_goes_on_to_the_last_trial(self):
        found = by_trial(breads(*losses(3.0, 4.0, 2.0, 2.0), None))

        assert found.best == ((0, 3.0), (2, 2.0), (4, 2.0))

    def test_takes_more_for_better_where_the_objective_is_maximized(self):
        found = by_trial(breads(*losses(3.0, 2.0, 4.0), objective="loss"))

        assert found.best == ((0, 3.0), (2, 4.0), (2, 4.0))
        assert found.target.directed_label == "loss (maximized)"

    def test_has_no_best_where_a_constraint_is_violated_or_not_measured(self):
        experiment = breads(
            {"loss": 1.0, "price": 9.0}, {"loss": 2.0, "price": 3.0}, {"loss": 0.5}, constraints=["price <= 5.0"]
        )

        found = by_trial(experiment)

        assert [point.trial for point in found.infeasible] == [0, 2]
        assert found.best == ((1, 2.0), (2, 2.0))

    def test_takes_a_bound_relative_to_the_status_quo(self):
        experiment = breads(constraints=["price <= 1.1 * baseline"])
        experiment.status_quo = Arm({"sugar": 0.1, "minutes": 30, "flour": "rye"}, name="today")
        experiment.new_trial().add_arm(experiment.status_quo).complete({"loss": 1.0, "price": 10.0})
        for price in (10.5, 11.5):
            new_trial(experiment, int(price)).complete({"loss": 0.5, "price": price})

        assert [point.trial for point in by_trial(experiment).infeasible] == [2]

    def test_marks_what_failed_or_was_abandoned(self):
        experiment = breads({"loss": 1.0}, None)
        new_trial(experiment, 2).mark_abandoned()

        assert by_trial(experiment).given_up == (1, 2)

    @pytest.mark.parametrize("value", UNDRAWABLE)
    def test_marks_a_trial_that_ended_without_a_value_that_can_be_drawn(self, value):
        found = by_trial(breads({"loss": 1.0}, {"loss": value}))

        assert found.without_value == (1,)
        assert found.total == 1

    def test_has_a_point_for_each_arm_of_a_batch_that_was_not_abandoned(self):
        experiment = breads()
        arms = [Arm({"sugar": 0.1, "minutes": minutes, "flour": "rye"}) for minutes in (20, 30, 40)]
        batch = experiment.new_batch_trial().add_arms_and_weights(arms)
        assert isinstance(batch, BatchTrial)
        batch.mark_arm_abandoned("0_2", "burnt")
        batch.complete({f"0_{place}": {"loss": float(place)} for place in range(3)})

        found = by_trial(experiment)

        assert [point.value for point in found.feasible] == [0.0, 1.0]
        assert found.given_up == (0,)

    def test_adds_up_a_weighted_sum_of_metrics_with_its_standard_error(self):
        found = by_trial(breads({"loss": (1.0, 0.3), "price": (2.0, 0.2)}, objective="2*loss + price"))

        [point] = found.feasible
        assert (point.value, point.sem) == (4.0, pytest.approx(math.hypot(0.6, 0.2)))

    def test_names_the_unit_that_the_metric_has(self):
        assert plots.objective(breads({"loss": 1.0}, unit="nats")).get_ylabel() == "loss [nats] (minimized)"

    def test_draws_another_metric_without_a_best_if_nothing_says_which_is_better(self):
        found = by_trial(breads({"loss": 1.0, "taste": 3.0}), "taste")

        assert found.feasible == (Point(0, 3.0, None),)
        assert found.best == ()

    def test_refuses_an_unknown_metric_and_lists_those_that_there_are(self):
        with pytest.raises(InvalidValueError, match=r"metric: 'los' cannot be used. .* has these: 'loss', 'price'"):
            plots.objective(breads({"loss": 1.0, "price": 3.0}), metric="los")

    def test_refuses_several_objectives_and_says_what_to_do(self):
        with pytest.raises(InvalidValueError, match=r"Name one by metric='\.\.\.', or draw plots\.pareto"):
            plots.objective(breads({"loss": 1.0, "price": 3.0}, objective="-loss, -price"))

    def test_draws_points_bars_the_best_line_and_marks_with_a_legend_for_each(self):
        ax = plots.objective(breads({"loss": (1.0, 0.1)}, None, {"loss": math.nan}))

        assert labels(ax) == [
            "measured ± standard error",
            "best so far",
            "failed, abandoned\nor stale",
            "no finite value",
        ]
        assert ax.lines[0].get_xydata().tolist() == [[0.0, 1.0], [2.0, 1.0]]
        assert ax.get_legend().get_bbox_to_anchor().transformed(ax.transAxes.inverted()).x0 > 1.0


class TestTheParetoFront:
    def test_has_what_no_other_arm_beats(self):
        experiment = breads(
            {"loss": 1.0, "taste": 1.0},
            {"loss": 2.0, "taste": 3.0},
            {"loss": 2.0, "taste": 2.0},
            {"loss": 3.0, "taste": 3.0},
            objective="-loss, taste",
        )

        found = front_of(experiment)

        assert [point.trial for point in found.front] == [0, 1]
        assert [point.trial for point in found.dominated] == [2, 3]

    def test_has_both_of_two_equal_arms(self):
        experiment = breads(*[{"loss": 1.0, "taste": 1.0}] * 2, objective="-loss, taste")

        assert [point.trial for point in front_of(experiment).front] == [0, 1]

    def test_leaves_out_what_violates_a_constraint(self):
        experiment = breads(
            {"loss": 1.0, "taste": 9.0, "price": 9.0},
            {"loss": 2.0, "taste": 3.0, "price": 1.0},
            objective="-loss, taste",
            constraints=["price <= 5.0"],
        )

        assert [point.trial for point in front_of(experiment).front] == [1]

    def test_is_joined_by_steps_that_promise_no_more_than_was_measured(self):
        """Between the best loss and the best taste, the taste of the first is what is known to be possible."""
        ax = plots.pareto(breads({"loss": 1.0, "taste": 1.0}, {"loss": 2.0, "taste": 3.0}, objective="-loss, taste"))

        [line] = ax.lines
        assert line.get_xydata().tolist() == [[1.0, 1.0], [2.0, 3.0]]
        assert line.get_drawstyle() == "steps-post"

    def test_says_which_direction_is_better(self):
        ax = plots.pareto(breads({"loss": 1.0, "taste": 1.0}, objective="-loss, taste"))

        assert (ax.get_xlabel(), ax.get_ylabel()) == ("loss (← better)", "taste (better →)")

    def test_needs_two_objectives(self):
        with pytest.raises(InvalidValueError, match=r"A front needs two: give metrics=\('loss', 'latency'\)"):
            plots.pareto(breads({"loss": 1.0}))

    def test_needs_a_direction_of_each_metric(self):
        with pytest.raises(InvalidValueError, match=r"metric of a front: 'taste' .* lower_is_better"):
            plots.pareto(breads({"loss": 1.0, "taste": 1.0}), metrics=("loss", "taste"))

    def test_says_that_there_are_more_objectives_than_it_shows(self):
        result = {"loss": 1.0, "taste": 1.0, "price": 1.0}

        ax = plots.pareto(breads(result, objective="-loss, taste, -price"))

        assert ax.get_legend().get_title().get_text() == "these 2 of 3 objectives"


class TestTheDistribution:
    def test_has_the_share_of_arms_up_to_each_finite_value(self):
        data = experiment_data(breads(*losses(3.0, math.nan, 1.0, 2.0, 2.0), None))

        found = distribution(data, data.targets[0])

        assert found.values == (1.0, 2.0, 2.0, 3.0)
        assert found.shares == (0.25, 0.5, 0.75, 1.0)

    def test_of_several_experiments_is_a_line_for_each_that_differs_without_colour_too(self):
        ax = plots.edf(*(breads(*losses(1.0, 2.0), name=name) for name in ("rye", "wheat", "_oat")))

        assert labels(ax) == ["rye (2)", "wheat (2)", " _oat (2)"]
        assert len({str(line._unscaled_dash_pattern) for line in ax.lines}) == 3

    def test_says_that_it_counts_arms_that_fulfil_the_constraints_and_others(self):
        free, bound = losses(1.0, 2.0), ["price <= 1.0"]

        assert plots.edf(breads(*free)).get_ylabel() == "share of arms"
        assert plots.edf(breads(*free, constraints=bound)).get_ylabel() == "share of arms, feasible or not"

    def test_of_other_objectives_is_refused(self):
        with pytest.raises(InvalidValueError, match=r"objective of 'oat': 'loss .maximized.' cannot be used"):
            plots.edf(breads(*losses(1.0)), breads(*losses(1.0), objective="loss", name="oat"))

    def test_needs_an_experiment(self):
        with pytest.raises(InvalidValueError, match=r"Give one or more: plots\.edf\(experiment\)"):
            plots.edf()


class TestLearningCurves:
    def test_of_a_batch_are_named_by_their_arms(self):
        experiment = breads()
        arms = [Arm({"sugar": 0.1, "minutes": minutes, "flour": "rye"}) for minutes in (20, 30)]
        experiment.new_batch_trial().add_arms_and_weights(arms)
        known = {"trial_index": 0, "metric_name": "loss", "step": 1}
        experiment.attach_data(Data([{**known, "arm_name": f"0_{place}", "mean": float(place)} for place in (0, 1)]))

        assert labels(plots.curves(experiment)) == ["trial 0, arm 0_0: 0", "trial 0, arm 0_1: 1"]

    def test_are_in_order_of_their_last_value(self):
        found = curves_of(stepped([[3.0, 2.0], [3.0, 1.0, 1.5], [2.5, 1.0]]))

        assert [curve.arm.trial_index for curve in found.curves] == [2, 1, 0]
        assert found.curves[1].means == (3.0, 1.0, 1.5)

    def test_are_in_order_of_their_steps(self):
        experiment = stepped([[3.0, 2.0]])
        known = {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss"}
        experiment.attach_data(Data([{**known, "mean": 4.0, "step": -1.0}]))

        assert curves_of(experiment).curves[0].steps == (-1.0, 0, 1)

    def test_leave_out_observations_without_a_step_or_a_finite_mean(self):
        experiment = stepped([[3.0, math.nan, 1.0]])
        known = {"trial_index": 0, "arm_name": "0_0", "metric_name": "loss"}
        experiment.attach_data(Data([{**known, "mean": 4.0}]))

        assert curves_of(experiment).curves[0].steps == (0, 2)

    def test_of_the_five_best_have_names_and_the_others_are_grey(self):
        ax = plots.curves(stepped([[3.0, float(place)] for place in range(7)]))

        assert labels(ax) == ["2 others", *(f"trial {place}: {place}" for place in range(5))]
        assert [line.get_ydata()[-1] for line in ax.lines] == [0.0, 1.0, 2.0, 3.0, 4.0]

    def test_of_trials_that_failed_are_never_among_the_best(self):
        experiment = stepped([[3.0, 2.0]])
        trial = new_trial(experiment, 1)
        known = {"trial_index": 1, "arm_name": trial.arm.name, "metric_name": "loss"}
        experiment.attach_data(Data([{**known, "mean": 0.0, "step": 0}]))
        trial.mark_failed()

        assert [curve.arm.trial_index for curve in curves_of(experiment).curves] == [0, 1]

    def test_end_in_a_cross_where_the_trial_was_stopped_early(self):
        experiment = stepped([[3.0, 2.0]])
        trial = new_trial(experiment, 1)
        known = {"trial_index": 1, "arm_name": trial.arm.name, "metric_name": "loss"}
        experiment.attach_data(Data([{**known, "mean": 2.5, "step": 4}]))
        trial.mark_early_stopped()

        ax = plots.curves(experiment)

        assert ax.collections[-1].get_offsets().tolist() == [[4.0, 2.5]]
        assert "stopped early" in labels(ax)

    def test_of_a_metric_without_steps_are_not_drawn(self):
        assert texts(plots.curves(many_breads(3))) == ["no data: no observation of loss has a step"]

    def test_of_a_sum_of_metrics_need_the_name_of_one(self):
        with pytest.raises(InvalidValueError, match=r"Give metric=\.\.\., one of its metrics: 'loss', 'price'"):
            plots.curves(breads({"loss": 1.0, "price": 1.0}, objective="loss + price"))


def test_a_constraint_relative_to_a_status_quo_that_was_not_measured_is_not_known_to_hold():
    experiment = breads({"loss": 1.0, "price": 3.0})
    experiment.optimization_config.outcome_constraints = [OutcomeConstraint("price <= 0.5 * baseline")]

    assert [point.trial for point in by_trial(experiment).infeasible] == [0]
