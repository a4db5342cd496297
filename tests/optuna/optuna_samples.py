"""Studies of Optuna for the tests, with all that trials can have, and what it means that two are the same."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

STARTED = datetime(2026, 3, 28, 23, 59, 59, 999_999)

X = FloatDistribution(-1.0, 1.0)
MIXED = CategoricalDistribution([None, True, 1, 1.0, "1", "None", "", -0.0, 0.0])


def trial(number: int = 0, state: TrialState = TrialState.COMPLETE, **given: Any) -> FrozenTrial:
    """Return a trial that has *given*, and for the rest what a short one of one parameter has."""
    has_ended = state.is_finished()
    attributes: dict[str, Any] = {
        "value": None,
        "values": [0.5] if state is TrialState.COMPLETE else None,
        "datetime_start": STARTED + timedelta(seconds=number),
        "datetime_complete": STARTED + timedelta(seconds=number, microseconds=1) if has_ended else None,
        "params": {"x": 0.25},
        "distributions": {"x": X},
        "user_attrs": {},
        "system_attrs": {},
        "intermediate_values": {},
        "trial_id": number,
    }
    return FrozenTrial(number=number, state=state, **attributes | given)


def _with(distributions: dict[str, BaseDistribution], **params: Any) -> dict[str, Any]:
    return {"params": params, "distributions": distributions}


DIVERSE = [
    trial(params={"x": 0.1}),
    trial(state=TrialState.WAITING, datetime_start=None, params={}, distributions={}),
    trial(state=TrialState.RUNNING, intermediate_values={0: 1.0}),
    trial(state=TrialState.PRUNED, intermediate_values={0: 1.0, 5: 0.5}, values=[0.5]),
    trial(state=TrialState.FAIL, user_attrs={"why": "CUDA", "optuna": [1]}, system_attrs={"fail_reason": "CUDA"}),
    trial(values=[math.inf], intermediate_values={3: math.nan, 1: -math.inf, 2: -0.0}),
    *(trial(**_with({"c": MIXED}, c=choice)) for choice in MIXED.choices),
    trial(**_with({"late": IntDistribution(1, 1024, log=True), "x": X}, late=8, x=-1.0)),
    trial(**_with({"x": X, "late": IntDistribution(1, 99, log=True)}, x=1.0, late=3)),
    trial(**_with({"x": FloatDistribution(0.0, 2.0, step=0.5)}, x=1.5)),
    trial(**_with({"one": FloatDistribution(2.0, 2.0), "only": CategoricalDistribution(["a"])}, one=2.0, only="a")),
    trial(**_with({"half": CategoricalDistribution([1, 1.5]), "far": FloatDistribution(0, math.inf)}, half=1, far=9.0)),
    trial(datetime_start=datetime(2026, 3, 29, 2, 30), datetime_complete=datetime(2026, 10, 25, 2, 30, fold=1)),
    trial(user_attrs={"deep": {"list": [1, 1.0, True, None, math.nan]}}, system_attrs={"constraints": [0.1, -1]}),
]
"""Trials of one study: each state, choices that equal each other, ranges that change, times that do not exist."""


def fill(storage: BaseStorage, trials: list[FrozenTrial], name: str = "branin", directions: int = 1) -> Study:
    """Add a study of *trials*, whose numbers do not matter, to *storage*."""
    study = optuna.create_study(
        storage=storage, study_name=name, directions=[("minimize", "maximize")[n % 2] for n in range(directions)]
    )
    study.set_user_attr("team", {"vision": [1, None]})
    for each in trials:
        storage.create_new_trial(study._study_id, each)
    return study


def everything(study: Study) -> dict[str, Any]:
    """Return all that a study has, so that two can be compared by ==: 1, 1.0 and True differ, and NaN is NaN.

    The order of parameters and of intermediate values counts; that of attributes does not.
    """
    storage, study_id = study._storage, study._study_id
    return {
        "directions": study.directions,
        "user_attrs": repr(sorted(study.user_attrs.items())),
        "system_attrs": repr(sorted(storage.get_study_system_attrs(study_id).items())),
        "trials": [attributes(each) for each in storage.get_all_trials(study_id, deepcopy=False)],
    }


def attributes(trial: FrozenTrial) -> dict[str, str]:
    """Return the attributes of one trial, as ``everything``."""
    attrs = {key: repr(sorted(getattr(trial, key).items())) for key in ("user_attrs", "system_attrs")}
    others = ("number", "state", "values", "datetime_start", "datetime_complete", "params", "distributions")
    return attrs | {key: repr(getattr(trial, key)) for key in (*others, "intermediate_values")}
