"""Two people edit one experiment at random: with Ax's classes they get what they would get with docstore's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from ax.exceptions.core import AxError
from families import AX, FAMILIES, START, Family, set_times
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore.documents.canonical import split_pointer
from docstore.errors import ConflictError

Edit = tuple[str, int]

EDITS: Final[dict[str, Callable[[Family, Any, int], Any]]] = {
    "describe": lambda family, each, n: setattr(each, "description", f"text {n}"),
    "add a trial": lambda family, each, n: family.add_trial(each, n % 8 / 10, taste=float(n)),
    "add a batch": lambda family, each, n: family.add_batch(each, n % 8 / 10, n % 8 / 20 + 0.01),
    "observe": lambda family, each, n: family.observe(each, n % 2, float(n), "crumb"),
    "measure again": lambda family, each, n: family.observe(each, n % 2, 10.0 + n),
    "note": lambda family, each, n: each.trials[n % 3].update_run_metadata({f"note {n % 4}": n}),
    "end": lambda family, each, n: set_times(each.trials[2].mark_completed(), time_completed=START),
    "abandon": lambda family, each, n: abandon(each, f"2_{n % 2}", f"reason {n}"),
    "add a metric": lambda family, each, n: each.add_tracking_metric(family.Metric(f"metric {n}")),
    "widen the space": lambda family, each, n: each.search_space.update_parameter(
        family.RangeParameter("x", family.ParameterType.FLOAT, lower=0.0, upper=1.0 + n)
    ),
    "set a property": lambda family, each, n: properties_of(each).update({f"key {n % 3}": n}),
    "have a runner": lambda family, each, n: setattr(each, "runner", runner(family)),
    "bound": lambda family, each, n: setattr(
        each,
        "optimization_config",
        family.goals(family.Metric("taste", lower_is_better=False), family.Metric("cost"), bound=float(n)),
    ),
}


NEW_TRIALS: Final = ("add a trial", "add a batch")


def edits_of(numbers: range) -> st.SearchStrategy[list[Edit]]:
    """Return a strategy for what one person does; no two people have the same *numbers*."""
    return st.lists(st.tuples(st.sampled_from(sorted(EDITS)), st.sampled_from(numbers)), max_size=4)


def runner(family: Family) -> Any:
    return family.SyntheticRunner() if family is AX else family.Runner()


def abandon(experiment: Any, arm: str, reason: str) -> None:
    trial = experiment.trials[2]
    trial.mark_arm_abandoned(arm, reason)
    for each in dict(vars(trial)).values():
        for abandoned in each.values() if isinstance(each, dict) else each if isinstance(each, list) else ():
            if type(abandoned).__name__ == "AbandonedArm":
                abandoned.time = START


def properties_of(experiment: Any) -> dict[str, Any]:
    state = vars(experiment)
    found: dict[str, Any] = state["_properties" if "_properties" in state else "properties"]
    return found


def change(family: Family, experiment: Any, edits: Sequence[Edit]) -> None:
    """Edit the experiment; what its classes refuse is left out.

    Two people make a trial at two times, as it would be: otherwise it may be one that was saved twice. New trials come
    last: Ax keeps the order of all rows of data, and a trial that gets another number leaves its place in it.
    """
    for name, number in sorted(edits, key=lambda edit: edit[0] in NEW_TRIALS):
        try:
            made = EDITS[name](family, experiment, number)
        except (AxError, ValueError):
            continue
        if name in NEW_TRIALS:
            set_times(made, time_created=START + timedelta(microseconds=number))


def seen(family: Family, experiment: Any) -> dict[str, Any]:
    """Return what both families have of an experiment."""
    config = experiment.optimization_config
    return {
        "description": experiment.description,
        "trials": {
            index: (
                trial.status.name,
                [(arm.name, arm.parameters["x"]) for arm in trial.arms],
                trial.run_metadata,
                sorted(arm.name for arm in trial.abandoned_arms),
            )
            for index, trial in experiment.trials.items()
        },
        "means": family.means(experiment),
        "metrics": sorted(experiment.metrics),
        "widest": experiment.search_space.parameters["x"].upper,
        "properties": properties_of(experiment),
        "runner": experiment.runner is not None,
        "bounds": [each.bound for each in config.outcome_constraints],
    }


def places(error: ConflictError) -> set[tuple[str, ...]]:
    """Return the parts and the members of the head that are in conflict."""
    return {tuple(split_pointer(each.pointer)[:2]) for each in error.places}


@pytest.mark.fuzz
def test_both_families_merge_alike():
    numbers, store = count(), docstore.connect("sqlite://")

    def merged(family: Family, hers: Sequence[Edit], his: Sequence[Edit]) -> Any:
        project = f"project {next(numbers)}"
        ada, bob = (docstore.Store(store.engine, project=project, author=name) for name in ("ada", "bob"))
        made = family.experiment(trials=2)
        family.add_batch(made, 0.25, 0.375)
        ada.save(made)
        theirs, mine = ada.load("cakes"), bob.load("cakes")
        change(family, theirs, hers)
        change(family, mine, his)
        ada.save(theirs)
        try:
            version = bob.save(mine)
        except ConflictError as error:
            return places(error)
        if bob.status(mine).newest == version.number:
            assert family.differences(ada.load("cakes"), mine) == []
        assert bob.save(mine).number == version.number
        assert bob.verify("cakes", decode=True) == []
        return seen(family, ada.load("cakes"))

    def law(hers: Sequence[Edit], his: Sequence[Edit]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            light, ax = (merged(family, hers, his) for family in FAMILIES)
        assert ax == light

    fuzz(law, edits_of(range(8)), edits_of(range(8, 16)), in_ci=20)
