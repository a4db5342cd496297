"""The arms of an experiment that was loaded lazily: found in the database, they get the names that they would get."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from fuzzing import fuzz
from hypothesis import strategies as st

from docstore.errors import InvalidValueError
from docstore.model import Arm
from docstore.testing.experiments import new_experiment, observe

X = [0.0, -0.0, 0.25, 1]
"""What JSON holds of them differs; -0.0 is written with a tag."""

ARMS = st.tuples(st.sampled_from(X), st.sampled_from([None, None, None, "0_0", "1_0", "4_0", "best", "\x00"]))


def arm_of(x: float, name: str | None) -> Arm:
    return Arm({"x": x, "flour": "rye"}, name)


def new_trial(experiment: Any, arm: Any) -> None:
    trial = experiment.new_trial()
    trial.add_arm(arm_of(*arm))
    if trial.index % 2:
        observe(experiment, trial.index, 1.0)


def new_batch(experiment: Any, *arms: Any) -> None:
    batch = experiment.new_batch_trial()
    for arm in arms:
        batch.add_arm(arm_of(*arm))


def new_empty_trial(experiment: Any) -> None:
    experiment.new_trial()


def remove(experiment: Any, number: int, with_data: bool) -> None:
    if keys := list(experiment.trials):
        key = keys[number % len(keys)]
        del experiment.trials[key]
        if with_data:
            experiment._data.pop(key, None)


def rename(experiment: Any, number: int, name: str) -> None:
    """Write another name over that of an arm, as only a program that does not call the model's methods does."""
    trials = [trial for trial in experiment.trials.values() if trial.arms]
    for run in trials[number % len(trials)].generator_runs if trials else ():
        run.arms[0]._name = name


def read(experiment: Any, number: int) -> None:
    experiment.trials.get(number)


def set_status_quo(experiment: Any, arm: Any) -> None:
    experiment.status_quo = arm_of(*arm)


NUMBERS = st.integers(0, 6)
STEPS = st.one_of(
    st.tuples(st.just(new_trial), ARMS),
    st.tuples(st.just(new_trial), ARMS),
    st.tuples(st.just(new_batch), ARMS, ARMS),
    st.tuples(st.just(new_empty_trial)),
    st.tuples(st.just(remove), NUMBERS, st.booleans()),
    st.tuples(st.just(rename), NUMBERS, st.sampled_from(["0_0", "renamed"])),
    st.tuples(st.just(set_status_quo), ARMS),
)
ASKED = st.one_of(STEPS, st.tuples(st.just(read), NUMBERS))


def done(experiment: Any, step: Any) -> str | None:
    """Take a step; return what refused it."""
    function, *arguments = step
    try:
        function(experiment, *arguments)
    except InvalidValueError as error:
        return str(error)
    return None


def names_alike(ada: Any, bob: Any, names: itertools.count[int], before: Any, since: Any, steps: Any) -> None:
    """Check that a lazy and another experiment do the same, whatever was saved before and since they were loaded."""
    name = f"e{next(names)}"
    made = new_experiment(name)
    for step in before:
        done(made, step)
    ada.save(made)
    whole, lazy = ada.load(name), ada.load(name, lazy=True)
    his = bob.load(name)
    for step in since:
        done(his, step)
        bob.save(his)
    for step in steps:
        assert done(lazy, step) == done(whole, step)
    assert lazy._arms().next_index == whole._arms().next_index
    assert arms_in(lazy) == arms_in(whole)


def arms_in(experiment: Any) -> Any:
    return {key: [(arm.name, arm.signature) for arm in trial.arms] for key, trial in experiment.trials.items()}


class TestAnyExperiment:
    """Random search: trials, batches, removed ones and renamed arms, and what others save in between."""

    @pytest.mark.fuzz
    @pytest.mark.parametrize("backend", ["sqlite"])
    def test_names_its_arms_as_one_that_was_not_loaded_lazily(self, ada, bob):
        law = functools.partial(names_alike, ada, bob, itertools.count())
        fuzz(law, st.lists(STEPS, max_size=8), st.lists(STEPS, max_size=3), st.lists(ASKED, max_size=6), in_ci=25)


@pytest.fixture
def asked(ada: Any) -> Callable[[Any], Any]:
    """Saves an experiment, loads it lazily and adds an arm."""

    def ask(experiment: Any, arm: Arm) -> str:
        ada.save(experiment)
        lazy = ada.load("cakes", lazy=True)
        name: str = lazy.new_trial().add_arm(arm).arm.name
        return name

    return ask


class TestAnArm:
    def test_of_many_trials_has_the_name_that_it_has_in_the_first(self, asked):
        experiment = new_experiment()
        for _ in range(20):
            new_trial(experiment, (0.25, None))
        for trial in list(experiment.trials.values())[1:]:
            trial.arm._name = "renamed"

        assert asked(experiment, arm_of(0.25, None)) == "0_0"

    def test_has_it_though_a_later_trial_was_read_first(self, ada):
        experiment = new_experiment()
        new_trial(experiment, (0.25, None)), new_trial(experiment, (0.25, None))
        experiment.trials[1].arm._name = "renamed"
        ada.save(experiment)
        lazy = ada.load("cakes", lazy=True)
        read(lazy, 1)

        assert lazy.new_trial().add_arm(arm_of(0.25, None)).arm.name == "0_0"

    def test_has_it_though_the_trial_was_read_after_another_arm_was_looked_up(self, ada):
        experiment = new_experiment()
        new_trial(experiment, (0.25, None)), new_trial(experiment, (0.5, None)), new_trial(experiment, (0.75, "best"))
        ada.save(experiment)
        lazy = ada.load("cakes", lazy=True)
        new_trial(lazy, (0.125, None))
        read(lazy, 1), read(lazy, 2)

        assert lazy.new_trial().add_arm(arm_of(0.5, None)).arm.name == "1_0"
        with pytest.raises(InvalidValueError, match="Other parameters have it"):
            new_trial(lazy, (0.375, "best"))

    def test_is_found_though_the_first_trials_of_it_were_removed_here(self, ada):
        experiment = new_experiment()
        for _ in range(20):
            new_trial(experiment, (0.25, None))
        for trial in list(experiment.trials.values())[10:]:
            trial.arm._name = "renamed"
        ada.save(experiment)
        lazy = ada.load("cakes", lazy=True)
        for key in range(15):
            del lazy.trials[key]

        assert lazy.new_trial().add_arm(arm_of(0.25, None)).arm.name == "renamed"

    @pytest.mark.parametrize("x", X)
    def test_is_not_one_with_an_equal_value_of_another_type(self, asked, x):
        experiment = new_experiment()
        for each in X:
            experiment.new_trial().add_arm(arm_of(each, None))

        assert asked(experiment, arm_of(x, None)) == f"{X.index(x) if x else 0 if str(x) == '0.0' else 1}_0"

    def test_may_not_have_the_name_of_one_in_a_batch(self, asked):
        experiment = new_experiment()
        new_batch(experiment, (0.25, "best"), (0.5, None))

        with pytest.raises(InvalidValueError, match="Other parameters have it"):
            asked(experiment, arm_of(0.75, "best"))

    def test_that_is_the_status_quo_may_not_have_the_name_of_one_that_was_not_read(self, ada):
        experiment = new_experiment()
        new_trial(experiment, (0.25, None))
        ada.save(experiment)
        lazy = ada.load("cakes", lazy=True)

        with pytest.raises(InvalidValueError, match="Other parameters have it"):
            lazy.status_quo = arm_of(0.75, "0_0")
        with pytest.raises(InvalidValueError, match="known as '0_0'"):
            lazy.status_quo = arm_of(0.25, "base")
