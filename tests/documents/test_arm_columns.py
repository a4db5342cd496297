"""The columns of a trial's row by which it is found: they say of the JSON what the object says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from docstore.documents.arm_columns import IN_BODY, NO_ARM, arm_columns, short_signature
from docstore.model import Arm
from docstore.registry.bundle import mapper_of
from docstore.testing.experiments import new_experiment

PLAIN = [0, 1, 1.0, True, False, None, 0.1, -3, 1e-7, 123456789.125, "", "1", "é\u2028\U0001f600", 'a"b\\c\n']
TAGGED = [-0.0, float("nan"), float("inf"), 1e16, 2**63, "\x00", "\ud800"]


def trial_with(parameters: dict[str, Any], name: str = "an arm") -> tuple[Arm, Any]:
    """Return an arm and the JSON of a trial of it, which need not be in a search space."""
    trial, arm = new_experiment().new_trial(parameters={"x": 0.5, "flour": "rye"}), Arm(parameters, name)
    trial.generator_run.arms[0] = arm
    return arm, mapper_of().encode(trial)


class TestATrialOfOneArm:
    @pytest.mark.parametrize("value", PLAIN, ids=repr)
    def test_has_the_arms_name_and_signature(self, value):
        arm, trial = trial_with({"x": value, "a": 2, "é": "z"})

        assert arm_columns(trial) == ("an arm", short_signature(arm.signature))

    def test_has_one_signature_for_any_order_of_the_parameters(self):
        assert trial_with({"a": 1, "b": 2})[1] != trial_with({"a": 1, "b": 2.0})[1]
        assert arm_columns(trial_with({"a": 1, "b": 2})[1]) == arm_columns(trial_with({"b": 2, "a": 1})[1])

    def test_has_different_signatures_for_1_and_true(self):
        found = {arm_columns(trial_with({"x": value})[1]).signature for value in (1, 1.0, True, "1", None)}

        assert len(found) == 5

    @pytest.mark.parametrize("value", TAGGED, ids=ascii)
    def test_is_read_whole_if_json_lacks_a_value(self, value):
        assert arm_columns(trial_with({"x": value})[1]) == (None, IN_BODY)

    @pytest.mark.parametrize("name", ["n" * 256, "\x00", "\ud800"], ids=ascii)
    def test_is_read_whole_if_the_column_cannot_hold_the_name(self, name):
        assert arm_columns(trial_with({"x": 1}, name)[1]) == (None, IN_BODY)

    @pytest.mark.parametrize(
        "change",
        [
            lambda trial: trial.update({"__type": "lab.Trial"}),
            lambda trial: trial["generator_run"].update({"__type": "lab.Run"}),
            lambda trial: trial["generator_run"]["arms"][0].update({"__schema": 2}),
            lambda trial: trial["generator_run"]["arms"][0].update({"parameters": [1]}),
            lambda trial: trial["generator_run"]["arms"][0].pop("name"),
            lambda trial: trial["generator_run"].update({"arms": {}}),
            lambda trial: trial.update({"generator_run": 1}),
        ],
    )
    def test_is_read_whole_if_it_is_written_otherwise_than_the_models(self, change):
        _, trial = trial_with({"x": 1})
        change(trial)

        assert arm_columns(trial) == (None, IN_BODY)

    @pytest.mark.parametrize("trial", [None, 1, [], {}])
    def test_is_read_whole_if_it_is_no_trial(self, trial):
        assert arm_columns(trial) == (None, IN_BODY)


class TestAnotherTrial:
    def test_without_an_arm_has_neither(self):
        experiment = new_experiment()

        assert arm_columns(mapper_of().encode(experiment.new_trial())) == NO_ARM
        assert arm_columns(mapper_of().encode(experiment.new_batch_trial())) == NO_ARM

    def test_of_several_arms_is_read_whole(self):
        batch = new_experiment().new_batch_trial().add_arm(Arm({"x": 0.75, "flour": "spelt"}))

        assert arm_columns(mapper_of().encode(batch)) == (None, IN_BODY)
