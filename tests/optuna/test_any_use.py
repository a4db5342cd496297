"""Any use of two storages on one store, as Hypothesis makes it: together they are what Optuna's own in memory is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fuzzing import fuzz
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from optuna_samples import attributes, trial

from docstore.optuna import Storage

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "add", "enqueue", "param", "report", "attr", "take", "end", "study attr"]),
        st.booleans(),  # by the one storage, or by the other
        st.integers(0, 3),  # of the trials, which one
        st.integers(0, 2),  # of what it can do, what
    ),
    min_size=3,
    max_size=14,
)

DISTRIBUTIONS = [FloatDistribution(0.0, 3.0), FloatDistribution(0.0, 9.0), CategoricalDistribution([None, True, "x"])]


def act(storage: BaseStorage, study_id: int, ids: list[int], step: tuple[str, bool, int, int]) -> Any:
    """Do one step, and return what came of it: what was returned, or the class of what was raised."""
    what, _, which, how = step
    if what in ("begin", "add", "enqueue"):
        states = {"begin": None, "add": TrialState.COMPLETE, "enqueue": TrialState.WAITING}
        state = states[what]
        ids.append(storage.create_new_trial(study_id, None if state is None else trial(0, state)))
        return None
    if what == "study attr":
        return storage.set_study_user_attr(study_id, f"key{which}", how)
    if which >= len(ids):
        return None
    calls: dict[str, Callable[[], Any]] = {
        "param": lambda: storage.set_trial_param(ids[which], f"p{how}", 1.0, DISTRIBUTIONS[how]),
        "report": lambda: storage.set_trial_intermediate_value(ids[which], how, how / 2),
        "attr": lambda: storage.set_trial_user_attr(ids[which], f"key{how}", [how]),
        "take": lambda: storage.set_trial_state_values(ids[which], TrialState.RUNNING),
        "end": lambda: storage.set_trial_state_values(
            ids[which], [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL][how], [0.5] if how < 2 else None
        ),
    }
    try:
        return calls[what]()
    except RuntimeError as error:
        return type(error)


def seen(storage: BaseStorage, study_id: int) -> tuple[Any, ...]:
    """Return what a storage has, but for times, which no two runs have in common."""
    trials: list[FrozenTrial] = storage.get_all_trials(study_id, deepcopy=False)
    times = {"datetime_start", "datetime_complete"}
    shown = [{key: value for key, value in attributes(each).items() if key not in times} for each in trials]
    return sorted(storage.get_study_user_attrs(study_id).items()), shown


@pytest.mark.fuzz
def test_two_storages_are_one(lab, connect):
    stores = lab, connect(lab.engine.url)

    def law(steps: list[tuple[str, bool, int, int]]) -> None:
        expected, two = InMemoryStorage(), [Storage(each, visible_every=0) for each in stores]
        directions = [StudyDirection.MINIMIZE]
        plain, study_id = expected.create_new_study(directions), two[0].create_new_study(directions)
        plain_ids: list[int] = []
        ids: list[int] = []
        runs_in: dict[int, Storage] = {}
        for step in steps:
            what, by_second, which, _ = step
            chosen = two[by_second]
            # A trial that runs is worked on by one process, that which began it or took it.
            by = chosen if what == "begin" else runs_in.get(which, chosen)
            assert act(by, study_id, ids, step) == act(expected, plain, plain_ids, step)
            if what == "begin" or (what == "take" and which < len(ids)):
                runs_in.setdefault(len(ids) - 1 if what == "begin" else which, by)

        assert seen(two[0], study_id) == seen(two[1], study_id) == seen(expected, plain)
        assert seen(Storage(lab), study_id) == seen(expected, plain)

    fuzz(law, STEPS, in_ci=25)
