"""The plots of parameters: slices, parallel coordinates and importance."""

from __future__ import annotations

import math
import random
from statistics import mean

import matplotlib as mpl
import pytest
from plotted import breads, losses, many_breads, new_trial

from docstore import (
    ChoiceParameter,
    Experiment,
    FixedParameter,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    plots,
)
from docstore.errors import InvalidValueError
from docstore.plots.experiment_data import Dimension, experiment_data
from docstore.plots.parallel_coordinates import parallel_coordinates
from docstore.plots.parameter_importance import parameter_importance
from docstore.plots.parameter_slices import slice_of


def sliced(experiment, parameter):
    data = experiment_data(experiment)
    return slice_of(data, data.targets[0], data.dimension(parameter))


def importance_of(experiment):
    data = experiment_data(experiment)
    return parameter_importance(data, data.targets[0])


def labels(ax):
    return ax.get_legend_handles_labels()[1]


class TestASlice:
    def test_has_each_arm_where_its_parameter_is(self):
        found = sliced(breads(*losses(3.0, 2.0)), "minutes")

        assert [(point.position, point.value) for point in found.feasible] == [(20.0, 3.0), (37.0, 2.0)]

    def test_has_the_best_of_the_arms_that_fulfil_the_constraints(self):
        experiment = breads(
            {"loss": 1.0, "price": 9.0}, {"loss": 2.0, "price": 1.0}, {"loss": 3.0, "price": 1.0},
            constraints=["price <= 5.0"],
        )  # fmt: skip

        assert sliced(experiment, "sugar").best.trial == 1

    def test_has_the_scale_and_the_bounds_of_the_search_space(self):
        ax = plots.slice(breads(*losses(3.0, 2.0)), "sugar")

        low, high = ax.get_xlim()
        assert ax.get_xscale() == "log"
        assert low <= 1e-3 < 1.0 <= high

    def test_has_a_place_for_each_choice(self):
        ax = plots.slice(breads(*losses(3.0, 2.0)), "flour")

        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["rye", "wheat", "spelt"]

    def test_of_an_unknown_parameter_is_refused_with_those_that_there_are(self):
        with pytest.raises(
            InvalidValueError, match=r"'salt' cannot be used\. .* these that vary: 'sugar', 'minutes', 'fl"
        ):
            plots.slice(breads(*losses(3.0)), "salt")

    def test_of_each_parameter_is_on_one_figure(self):
        found = plots.slices(breads(*losses(3.0, 2.0)))

        assert [ax.get_xlabel() for ax in found] == ["sugar", "minutes", "flour"]
        assert len({id(ax.figure) for ax in found}) == 1
        assert found[0].get_ylim() == found[2].get_ylim()

    def test_of_some_parameters_has_these(self):
        found = plots.slices(breads(*losses(3.0)), parameters=["flour"])

        assert [ax.get_xlabel() for ax in found] == ["flour"]


class TestVeryManyParameters:
    @pytest.fixture
    def experiment(self):
        names = [f"p{number}" for number in range(60)]
        space = SearchSpace([RangeParameter(name, ParameterType.FLOAT, 0.0, 1.0) for name in names])
        experiment = Experiment(space, "wide", OptimizationConfig(Objective("-loss")))
        experiment.new_trial(parameters=dict.fromkeys(names, 0.5)).mark_running(no_runner_required=True)
        return experiment

    def test_are_drawn_up_to_forty_and_the_title_says_so(self, experiment):
        drawn, axes = plots.slices(experiment), plots.parallel(experiment)

        assert len(drawn) == 40
        assert drawn[0].figure.get_suptitle() == "the first 40 of 60 parameters of wide"
        assert axes.get_title(loc="left") == "the first 40 of 60 parameters of wide"

    def test_are_all_drawn_if_they_are_named(self, experiment):
        assert len(plots.slices(experiment, parameters=[f"p{number}" for number in range(42)])) == 42


class TestAParameterAsAnAxis:
    def dimensions(self, *parameters, **values):
        experiment = Experiment(SearchSpace([*parameters]), "bread")
        experiment.new_trial(parameters=values)
        return experiment_data(experiment).dimensions

    def test_is_left_out_if_it_is_fixed(self):
        x = RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0)

        found = self.dimensions(x, FixedParameter("oven", ParameterType.STRING, "big"), x=0.5, oven="big")

        assert [each.name for each in found] == ["x"]

    def test_of_many_numbers_to_choose_from_is_a_scale(self):
        sizes = ChoiceParameter("size", ParameterType.INT, [2**each for each in range(20)], log_scale=True)

        assert self.dimensions(sizes, size=4) == (Dimension("size", "log"),)

    def test_of_few_numbers_has_a_place_for_each(self):
        sizes = ChoiceParameter("size", ParameterType.FLOAT, [1.0, 2.5])

        assert self.dimensions(sizes, size=1) == (Dimension("size", "choice", choices=("1", "2.5")),)

    def test_of_a_bool_has_two_places(self):
        steam = ChoiceParameter("steam", ParameterType.BOOL, [True, False])

        assert self.dimensions(steam, steam=True) == (Dimension("steam", "choice", choices=("False", "True")),)


class TestParallelCoordinates:
    def found(self, experiment):
        data = experiment_data(experiment)
        return parallel_coordinates(data, data.targets[0], data.dimensions)

    def test_have_an_axis_for_each_parameter_and_the_objective(self):
        found = self.found(breads(*losses(3.0, 2.0)))

        assert [axis.name for axis in found.axes] == ["sugar", "minutes", "flour", "loss (minimized)"]
        assert found.axes[1].ticks == ((0.0, "20"), (1.0, "60"))

    def test_have_a_line_for_each_arm_the_best_at_last(self):
        found = self.found(breads(*losses(1.0, 2.0)))

        assert [line.trial for line in found.lines] == [1, 0]
        assert found.lines[-1].heights == pytest.approx((1.0, 0.0, 0.0, 0.0))

    def test_stand_at_the_logarithm_on_a_logarithmic_scale(self):
        experiment = breads()
        experiment.new_trial(parameters={"sugar": 10**-1.5, "minutes": 20, "flour": "rye"}).complete({"loss": 1.0})

        assert self.found(experiment).lines[0].heights[0] == pytest.approx(0.5)

    def test_show_the_best_arm_that_fulfils_the_constraints(self):
        ax = plots.parallel(
            breads({"loss": 1.0, "price": 9.0}, {"loss": 2.0, "price": 1.0}, constraints=["price <= 5.0"])
        )

        assert labels(ax) == ["constraint violated or unknown", "best: trial 1, 2"]

    def test_have_the_strongest_colour_for_the_best_on_a_dark_background_too(self):
        experiment = many_breads(24)
        light = plots.parallel(experiment)
        with mpl.rc_context({"axes.facecolor": "black"}):
            dark = plots.parallel(experiment)

        assert [ax.collections[0].get_cmap().name for ax in (light, dark)] == ["cividis", "cividis_r"]

    def test_go_on_without_a_parameter_that_an_arm_lacks(self):
        experiment = breads(*losses(1.0))
        salt = RangeParameter("salt", ParameterType.FLOAT, 0.0, 1.0, backfill_value=0.5)
        experiment.search_space.add_parameter(salt)

        assert self.found(experiment).lines[0].heights[3] is None


class TestImportance:
    def test_finds_a_parameter_whose_best_value_is_in_the_middle(self):
        found = importance_of(many_breads(60))

        assert found.parameters[0].parameter == "sugar"
        assert found.parameters[0].effect > 0.8

    def test_is_eta_squared_of_the_test_of_kruskal_and_wallis(self):
        """Computed by its formula for three flours, which are tried in turn, of which the last is the worst."""
        values = [place + (12.5 if place % 3 == 2 else 0.0) for place in range(24)]
        ranks = [sorted(values).index(value) + 1 for value in values]

        [flour] = [each for each in importance_of(breads(*losses(*values))).parameters if each.parameter == "flour"]

        h = 12 / (24 * 25) * sum(8 * mean(ranks[group::3]) ** 2 for group in range(3)) - 3 * 25
        assert h > 2
        assert flour.effect == pytest.approx((h - 2) / 21)

    def test_exceeds_chance_in_about_one_case_of_twenty(self):
        chance = random.Random(0)
        exceeded = 0
        for _ in range(30):
            experiment = breads(*losses(*(chance.random() for _ in range(40))))
            exceeded += sum(each.effect > each.by_chance for each in importance_of(experiment).parameters)

        assert exceeded / 90 == pytest.approx(0.05, abs=0.04)

    def test_of_equal_values_is_nothing(self):
        assert {each.effect for each in importance_of(breads(*losses(*[1.0] * 24))).parameters} == {0.0}

    def test_leaves_out_a_parameter_of_one_value(self):
        experiment = breads()
        for place in range(24):
            trial = experiment.new_trial(parameters={"sugar": 0.1, "minutes": 20 + place, "flour": "rye"})
            trial.complete({"loss": math.sin(place)})

        found = importance_of(experiment)

        assert [each.parameter for each in found.parameters] == ["minutes"]
        assert found.constant == ("sugar", "flour")
        title = plots.importance(experiment).get_legend().get_title().get_text()
        assert title == "24 arms\nnot varied: 2 parameters"

    def test_of_too_few_trials_is_not_drawn(self):
        ax = plots.importance(many_breads(19))

        assert [text.get_text() for text in ax.texts] == ["too few trials: 19 have a value,\nand importance needs 20"]

    def test_names_its_measure_and_the_number_of_arms(self):
        ax = plots.importance(many_breads(40))

        assert ax.get_xlabel() == "loss: share of its ranking explained\n(Kruskal-Wallis η², alone)"
        assert ax.get_legend().get_title().get_text() == "40 arms"

    def test_counts_arms_that_were_given_up_as_without_a_value(self):
        experiment = many_breads(20)
        new_trial(experiment, 20).mark_failed()

        assert importance_of(experiment).arms == 20
