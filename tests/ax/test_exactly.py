"""The comparison that the other tests rely on: it notices what Ax's own equality does not."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from datetime import UTC, datetime

import pytest
import torch
from ax.core.arm import Arm
from ax.utils.testing import core_stubs
from exactly import differences


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (0.1 + 0.2, 0.3),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 0, 1)),
        (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)),
        ((1, 2), [1, 2]),
        (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
        ({"a": 1}, {"a": 1, "b": None}),
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.ones(2), torch.ones(2, requires_grad=True)),
        (Arm({"x": 1, "y": 2}), Arm({"y": 2, "x": 1})),
        (Arm({"x": 1}), Arm({"x": 1.0})),
        (int, float),
    ],
)
def test_values_that_differ_are_told_apart(one, other):
    assert differences(one, other)


def test_a_nan_is_like_itself():
    assert differences(math.nan, math.nan) == []


def test_an_experiment_is_like_its_copy():
    """It contains itself: each trial refers to it."""
    experiment = core_stubs.get_experiment_with_batch_and_single_trial()

    assert differences(experiment, copy.deepcopy(experiment)) == []


class TestADifferenceDeepInside:
    def test_is_named_with_its_path(self):
        experiment = core_stubs.get_experiment_with_batch_and_single_trial()
        other = copy.deepcopy(experiment)
        other._trials[1]._run_metadata["seconds"] = 1

        assert differences(experiment, other) == ["._trials[1]._run_metadata: keys [] became keys ['seconds']"]

    def test_of_an_attribute_that_is_missing_is_named(self):
        arm, other = Arm({}), Arm({})
        del other._name

        assert differences(arm, other) == ["._name: there became missing"]


def test_a_row_in_the_database_of_ax_does_not_count():
    one, other = Arm({}), Arm({})
    other.db_id = 7

    assert differences(one, other) == []
