"""Batch trials of documents that are merged in all directions: an arm is its parameters, whatever its name is."""

from __future__ import annotations

from typing import Any

import pytest

from docstore import Arm, ConflictError, Data, GeneratorRun
from docstore.testing.experiments import new_experiment


def parameters(x: float) -> dict[str, Any]:
    return {"x": x, "flour": "rye"}


def add(store, name, x, *, trial=0, called=None):
    """Save one more arm of a batch trial, at *x*, which is what is measured, too."""
    experiment = store.load(name)
    arm = Arm(parameters(x), called)
    experiment.trials[trial].add_generator_run(GeneratorRun([arm]))
    record = {"trial_index": trial, "arm_name": arm.name, "metric_name": "taste", "mean": x, "sem": 0.25}
    experiment.attach_data(Data.from_records([record]))
    store.save(experiment)
    return arm.name


def arms(store, name, trial=0):
    """The arms of a trial, by name: where each is, and what was measured of it."""
    found = store.load(name).trials[trial]
    means = {record["arm_name"]: record["mean"] for record in found.lookup_data().records}
    pairs = [(arm.name, arm.parameters["x"]) for run in found.generator_runs for arm in run.arms]
    assert len(dict(pairs)) == len(set(pairs))
    return {name: (x, means.get(name)) for name, x in pairs}


@pytest.fixture
def store(ada):
    """Ada's store, with an experiment ``main`` of one batch trial, and its branch ``side``."""
    experiment = new_experiment("main")
    experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.125))]))
    ada.save(experiment)
    ada.branch("main", "side")
    return ada


class TestBothBranchesAddAnArmOfOneName:
    """``0_1`` is at 0.75 in ``main``, and at 0.5 in ``side``."""

    @pytest.fixture
    def store(self, store):
        add(store, "main", 0.75)
        add(store, "side", 0.5)
        return store

    def test_the_target_keeps_its_names(self, store):
        store.merge("side", into="main")

        assert arms(store, "main") == {"0_0": (0.125, None), "0_1": (0.75, 0.75), "0_2": (0.5, 0.5)}

    def test_so_does_the_other_when_it_is_merged_back(self, store):
        store.merge("side", into="main")

        store.merge("main", into="side")

        assert arms(store, "side") == {"0_0": (0.125, None), "0_1": (0.5, 0.5), "0_2": (0.75, 0.75)}
        assert store.verify(decode=True) == []

    def test_merged_again_nothing_is_mixed_up(self, store):
        store.merge("side", into="main")
        store.merge("main", into="side")
        add(store, "side", 0.25)

        store.merge("side", into="main")

        assert arms(store, "main") == {
            "0_0": (0.125, None),
            "0_1": (0.75, 0.75),
            "0_2": (0.5, 0.5),
            "0_3": (0.25, 0.25),
        }
        assert store.verify(decode=True) == []

    def test_later_data_of_each_arrive_at_their_arm(self, store):
        store.merge("side", into="main")
        store.merge("main", into="side")
        for name, mean in (("0_1", 5.0), ("0_2", 7.5)):
            experiment = store.load("side")
            record = {"trial_index": 0, "arm_name": name, "metric_name": "taste", "mean": mean, "sem": 0.25}
            experiment.attach_data(Data.from_records([record]))
            store.save(experiment)

        store.merge("side", into="main")

        assert arms(store, "main") == {"0_0": (0.125, None), "0_1": (0.75, 7.5), "0_2": (0.5, 5.0)}

    def test_the_data_that_come_back_are_not_those_of_the_other_arm(self, store):
        """Main measured its own arm anew, under the name that the other arm has in the branch."""
        store.merge("side", into="main")
        experiment = store.load("main")
        record = {"trial_index": 0, "arm_name": "0_1", "metric_name": "crust", "mean": 7.5, "sem": 0.25}
        experiment.attach_data(Data.from_records([record]))
        store.save(experiment)

        store.merge("main", into="side")

        records = store.load("side").trials[0].lookup_data().records
        assert {(each["arm_name"], each["metric_name"]): each["mean"] for each in records} == {
            ("0_1", "taste"): 0.5,
            ("0_2", "taste"): 0.75,
            ("0_2", "crust"): 7.5,
        }

    def test_a_third_document_gets_each_once_by_whatever_way(self, store):
        store.branch("main", "spur", version=1)
        add(store, "spur", 0.25)
        for source, target in (
            ("side", "spur"),
            ("main", "spur"),
            ("spur", "side"),
            ("side", "main"),
            ("main", "spur"),
        ):
            store.merge(source, into=target)

        for name in ("main", "side", "spur"):
            found = arms(store, name)
            assert sorted(found.values(), key=lambda each: each[0]) == [
                (0.125, None),
                (0.25, 0.25),
                (0.5, 0.5),
                (0.75, 0.75),
            ]
        assert store.verify(decode=True) == []


class TestAnArmThatGetsAnotherName:
    """``0_1`` of ``main`` is called ``0_2`` in ``side``, and is named in many places."""

    @pytest.fixture
    def side(self, store):
        add(store, "side", 0.5)
        experiment = store.load("main")
        arm = Arm(parameters(0.75))
        trial = experiment.trials[0].add_generator_run(GeneratorRun([arm], best_arm_predictions=(arm, None)))
        trial.mark_arm_abandoned("0_1", "burnt")
        experiment.new_batch_trial(GeneratorRun([arm]))
        record = {"trial_index": 1, "arm_name": "0_1", "metric_name": "taste", "mean": 7.5, "sem": 0.25}
        experiment.attach_data(Data.from_records([record]))
        experiment.status_quo = arm
        store.save(experiment)
        store.merge("side", into="main")
        store.merge("main", into="side")
        return store.load("side")

    def test_has_it_in_its_generator_run_and_as_the_best_one(self, side):
        run = next(run for run in side.trials[0].generator_runs if run.best_arm_predictions)

        assert run.arms[0].name == run.best_arm_predictions[0].name == "0_2"
        assert run.arms[0].parameters["x"] == run.best_arm_predictions[0].parameters["x"] == 0.75

    def test_has_it_among_the_abandoned(self, side):
        assert side.trials[0].abandoned_arm_names == {"0_2"}

    def test_has_it_in_other_trials_with_its_data(self, side):
        assert [arm.name for arm in side.trials[1].arms] == ["0_2"]
        assert [(each["arm_name"], each["mean"]) for each in side.trials[1].lookup_data().records] == [("0_2", 7.5)]

    def test_has_it_as_the_status_quo(self, side):
        assert (side.status_quo.name, side.status_quo.parameters["x"]) == ("0_2", 0.75)


class TestBothBranchesAddTheSameArm:
    def test_it_is_one_with_the_data_of_both(self, store):
        add(store, "main", 0.75)
        for x in (0.5, 0.75):
            add(store, "side", x)

        for source, target in (("side", "main"), ("main", "side"), ("side", "main")):
            store.merge(source, into=target)

        assert arms(store, "main") == {"0_0": (0.125, None), "0_1": (0.75, 0.75), "0_2": (0.5, 0.5)}
        assert arms(store, "side") == {"0_0": (0.125, None), "0_1": (0.5, 0.5), "0_2": (0.75, 0.75)}


class TestANameThatUsersGaveToTwoArms:
    """``best`` is at 0.75 in ``main``, and at 0.5 in ``side``: it is known to people, so no merge may change it."""

    @pytest.fixture(params=["in one trial", "in two trials"])
    def store(self, request, store):
        add(store, "main", 0.75, called="best")
        if request.param == "in two trials":
            experiment = store.load("side")
            experiment.new_batch_trial()
            store.save(experiment)
        add(store, "side", 0.5, trial=0 if request.param == "in one trial" else 1, called="best")
        return store

    @pytest.mark.parametrize(("source", "target"), [("main", "side"), ("side", "main")])
    def test_is_a_conflict_and_changes_nothing(self, store, source, target):
        before = store.get("main"), store.get("side")

        with pytest.raises(ConflictError):
            store.merge(source, into=target)

        assert (store.get("main"), store.get("side")) == before
