"""Semantic conflicts: a merged experiment compared with both sides, so that no data go to another arm."""

from __future__ import annotations

import pytest

from docstore.documents.canonical import JSON
from docstore.documents.merge.three_way import Sides
from docstore.documents.merge.trial_conflicts import inconsistencies

Pieces = dict[str, JSON]


def arm(name: str, x: float) -> JSON:
    return {"name": name, "parameters": {"x": x}}


def batch(arms: dict[str, float] | list[tuple[str, float]], *, created: str = "today") -> JSON:
    """A trial with a generator run for each arm."""
    pairs = arms.items() if isinstance(arms, dict) else arms
    return {"index": 0, "time_created": created, "generator_runs": [{"arms": [arm(*each)]} for each in pairs]}


def measured(means: dict[str, float]) -> JSON:
    """The data of the trial: an observation of each arm."""
    record = {"trial_index": 0, "metric_name": "taste"}
    return {"records": [{**record, "arm_name": name, "mean": mean} for name, mean in means.items()]}


def pieces(trial: JSON, data: JSON) -> Pieces:
    return {"": {"status_quo": None}, "/trials/0": trial, "/data/0": data}


BASE = pieces(batch({"0_0": 0.0}), measured({}))
MINE = pieces(batch({"0_0": 0.0, "0_1": 0.5}), measured({"0_1": 5.0}))
THEIRS = pieces(batch({"0_0": 0.0, "0_1": 0.75}), measured({"0_1": 7.5}))
"""Both added an arm ``0_1``; mine is to be called ``0_2``."""

NAMES = {"0_1": "0_2"}
BOTH = {"0_0": 0.0, "0_1": 0.75, "0_2": 0.5}


def found(target: Pieces, *, mine: Pieces = MINE, theirs: Pieces = THEIRS) -> dict[int, str]:
    return inconsistencies(Sides(BASE, mine, theirs), target, numbers={}, names=NAMES)


class TestWhatBothMadeOfABatch:
    def test_fits_where_each_arm_has_its_own_data(self):
        assert found(pieces(batch(BOTH), measured({"0_1": 7.5, "0_2": 5.0}))) == {}

    def test_does_not_where_two_arms_have_one_name(self):
        target = pieces(batch([("0_0", 0.0), ("0_1", 0.75), ("0_1", 0.5)]), measured({"0_1": 7.5}))

        assert found(target) == {0: "trial 0 would have an arm '0_1', and another arm has that name"}

    def test_does_not_where_the_data_of_two_arms_are_exchanged(self):
        target = pieces(batch(BOTH), measured({"0_1": 5.0, "0_2": 7.5}))

        assert found(target) == {0: 'trial 0 would have "taste" of an arm with different parameters'}

    def test_does_not_where_the_names_of_two_arms_are_exchanged(self):
        target = pieces(batch({"0_0": 0.0, "0_1": 0.5, "0_2": 0.75}), measured({"0_1": 7.5, "0_2": 5.0}))

        assert found(target) == {0: 'trial 0 would have "taste" of an arm with different parameters'}

    def test_does_not_where_an_arm_is_gone_and_its_data_are_not(self):
        target = pieces(batch({"0_0": 0.0, "0_1": 0.75}), measured({"0_1": 7.5, "0_2": 5.0}))

        assert found(target) == {0: "trial 0 would have \"taste\" of arm '0_2', which is missing"}

    def test_does_not_where_it_is_half_of_another_trial(self):
        remade = pieces(batch({"0_0": 0.0}, created="tomorrow"), measured({}))
        target = pieces(batch({"0_0": 0.0, "0_1": 0.5}, created="tomorrow"), measured({"0_1": 5.0}))

        [problem] = inconsistencies(Sides(BASE, MINE, remade), target, numbers={}, names={}).values()

        assert problem == "trial 0 would be half of one trial and half of another"

    def test_may_be_wrong_in_a_way_in_which_one_side_was_already(self):
        twice = batch([("0_0", 0.0), ("0_1", 0.75), ("0_1", 0.25)])
        theirs = pieces(twice, measured({"0_1": 7.5}))

        assert found(pieces(twice, measured({"0_1": 7.5, "0_2": 5.0})), theirs=theirs) != {}
        assert found({**theirs, "": {"status_quo": None, "note": 1}}, theirs=theirs) == {}


@pytest.mark.parametrize("body", [None, [], "text", {"records": None}, {"records": ["text"]}, {"generator_runs": 1}])
def test_no_shape_is_an_error(body):
    base, mine, theirs, target = ({"": body, "/trials/0": body, "/data/0": body} for _ in range(4))

    assert inconsistencies(Sides(base, mine, theirs), target, numbers={0: 0}, names={"a": "b"}) == {}
