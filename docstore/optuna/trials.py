"""A trial of Optuna as a trial of an experiment with its data, and back, exactly.

What the model has no place for is in ``properties["optuna"]`` of the trial: the system attributes, and each attribute
of the FrozenTrial that the rest does not give back, such as the values of a pruned trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from docstore.errors import InvalidValueError
from docstore.json_store.functions import dumps, loads
from docstore.model import Arm, Data, Experiment, GeneratorRun, Trial, TrialStatus
from docstore.model.checks import is_number
from docstore.optuna.parameters import as_members, of_members, stored_value, value_of
from docstore.optuna.studies import INTERMEDIATE, KEY, Layout, add_intermediate_metric, add_parameters

_STATUS: Final = {
    TrialState.WAITING: TrialStatus.CANDIDATE,
    TrialState.RUNNING: TrialStatus.RUNNING,
    TrialState.COMPLETE: TrialStatus.COMPLETED,
    TrialState.PRUNED: TrialStatus.EARLY_STOPPED,
    TrialState.FAIL: TrialStatus.FAILED,
}
_STATE: Final = {status: state for state, status in _STATUS.items()} | {
    TrialStatus.STAGED: TrialState.WAITING,
    TrialStatus.DISPATCHED: TrialState.RUNNING,
    TrialStatus.ABANDONED: TrialState.FAIL,
    TrialStatus.STALE: TrialState.FAIL,
}


def put_trial(experiment: Experiment, frozen: FrozenTrial, zone: tzinfo | None = None) -> bool:
    """Add *frozen* to *experiment*, or replace the trial with its number; return whether the head changed with it.

    Args:
        zone: of the times, which are naive in Optuna; None for that of this machine.

    Cost:
        In proportion to *frozen*; no other trial is looked at.
    """
    has_new_head = add_parameters(experiment, frozen.distributions)
    if frozen.intermediate_values:
        has_new_head |= add_intermediate_metric(experiment)
    layout = Layout.of(experiment)
    put_encoded(experiment, frozen, layout, zone)
    return has_new_head


def put_encoded(
    experiment: Experiment, frozen: FrozenTrial, layout: Layout, zone: tzinfo | None, arm_name: str = ""
) -> None:
    """As ``put_trial``, of an experiment whose head has all that *frozen* needs, and which has the *layout*.

    Args:
        arm_name: by default that after the number of the trial, ``7_0``.
    """
    arm = Arm(
        {name: _stored(frozen.distributions.get(name), value) for name, value in frozen.params.items()},
        name=arm_name or f"{frozen.number}_0",
    )
    trial = Trial(experiment, frozen.number)
    trial.generator_run = GeneratorRun([arm])
    trial.generator_run.time_created = trial.time_created = (
        experiment.time_created if frozen.datetime_start is None else _aware(frozen.datetime_start, zone)
    )
    trial._status = _STATUS[frozen.state]
    trial.time_run_started = None if frozen.datetime_start is None else _aware(frozen.datetime_start, zone)
    trial.time_completed = None if frozen.datetime_complete is None else _aware(frozen.datetime_complete, zone)
    data = Data(_records(frozen, layout, arm.name))
    trial.properties = _properties(frozen, trial, data, layout)
    experiment.trials[frozen.number] = trial
    if data.records:
        experiment._data[frozen.number] = data
    else:
        experiment._data.pop(frozen.number, None)


def frozen_trial(trial: Trial, data: Data | None, layout: Layout, trial_id: int) -> FrozenTrial:
    """Return the FrozenTrial of *trial*, whose observations are *data*.

    Raises:
        InvalidValueError: it is a batch of several arms, which Optuna lacks.
    """
    if not isinstance(trial, Trial):
        remedy = "A trial of Optuna has one arm: make a Trial of each arm."
        raise InvalidValueError(f"trial {trial.index}", type(trial).__name__, remedy)
    own = trial.properties.get(KEY, {})
    user_attrs = {key: value for key, value in trial.properties.items() if key != KEY}
    values = {
        name: _KEPT[name][1](own[name]) if name in own else derive(trial, data, layout)
        for name, derive in _DERIVED.items()
    }
    return FrozenTrial(
        number=trial.index,
        state=_STATE[trial.status],
        value=None,
        user_attrs=own.get("user_attrs", user_attrs),
        system_attrs=own.get("system_attrs", {}),
        trial_id=trial_id,
        **values,
    )


def began(trial: Trial) -> datetime | None:
    """Return when *trial* began, as the clock showed it: as Optuna has it, whatever the zone is said to be."""
    return _datetime_start(trial)


def observed(experiment: Experiment, index: int) -> Data | None:
    """Return the data of one trial, or None."""
    return experiment._data.get(index)


# --- what is derived, and what is kept because it cannot be -----------------------------------------------------------


def _values(trial: Trial, data: Data | None, layout: Layout) -> list[float] | None:
    if data is None or trial.status is not TrialStatus.COMPLETED:
        return None
    final = {record["metric_name"]: record["mean"] for record in data.records if record.get("step") is None}
    return [final[name] for name in layout.metrics] if final.keys() >= {*layout.metrics} else None


def _intermediate_values(trial: Trial, data: Data | None, layout: Layout) -> dict[int, float]:
    records = [] if data is None else data.records
    return {record["step"]: record["mean"] for record in records if record["metric_name"] == INTERMEDIATE}


def _params(trial: Trial, data: Data | None, layout: Layout) -> dict[str, Any]:
    return {
        name: value_of(layout.distributions[name], value)
        for name, value in _stored_parameters(trial, layout).items()
        if name in layout.distributions
    }


def _distributions(trial: Trial, data: Data | None, layout: Layout) -> dict[str, BaseDistribution]:
    return {
        name: layout.distributions[name] for name in _stored_parameters(trial, layout) if name in layout.distributions
    }


def _stored_parameters(trial: Trial, layout: Layout) -> dict[str, Any]:
    """Return the parameters of the arm, in the order of the search space: a stored dict has no order of its own."""
    stored = {} if trial.arm is None else trial.arm._parameters
    return {name: stored[name] for name in layout.distributions if name in stored}


def _datetime_start(trial: Trial, *_: object) -> datetime | None:
    return None if trial.time_run_started is None else trial.time_run_started.replace(tzinfo=None)


def _datetime_complete(trial: Trial, data: Data | None, layout: Layout) -> datetime | None:
    return None if trial.time_completed is None else trial.time_completed.replace(tzinfo=None)


_DERIVED: Final[Mapping[str, Callable[[Trial, Data | None, Layout], Any]]] = {
    "values": _values,
    "intermediate_values": _intermediate_values,
    "params": _params,
    "distributions": _distributions,
    "datetime_start": _datetime_start,
    "datetime_complete": _datetime_complete,
}
"""The attributes of a FrozenTrial that the model has a place for, with what the model gives back."""


def _same(value: Any) -> Any:
    return value


def _pairs(members: Mapping[Any, Any]) -> list[list[Any]]:
    """Return *members* with their order, which a stored dict does not keep."""
    return [[key, value] for key, value in members.items()]


_KEPT: Final[Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    "values": (_same, _same),
    "intermediate_values": (_pairs, dict),
    "params": (_pairs, dict),
    "distributions": (
        lambda members: [[name, as_members(each)] for name, each in members.items()],
        lambda pairs: {name: of_members(each) for name, each in pairs},
    ),
    "datetime_start": (_same, _same),
    "datetime_complete": (_same, _same),
}
"""How each of them is stored where the model gives back something else, and how it is read."""


def _properties(frozen: FrozenTrial, trial: Trial, data: Data, layout: Layout) -> dict[str, Any]:
    """Return the user attributes, and under ``KEY`` what the model has no place for."""
    own: dict[str, Any] = {"system_attrs": dict(frozen.system_attrs)} if frozen.system_attrs else {}
    properties = dict(frozen.user_attrs)
    if KEY in properties:
        own["user_attrs"], properties = properties, {}
    for name, derive in _DERIVED.items():
        value = getattr(frozen, name)
        # By repr, which tells apart 1, 1.0 and True, 0.0 and -0.0, and is one for all NaN.
        if repr(derive(trial, data, layout)) != repr(value):
            own[name] = _KEPT[name][0](value)
    return {**properties, KEY: own} if own else properties


# --- a trial that runs, as text ---------------------------------------------------------------------------------------


def as_text(frozen: FrozenTrial) -> str:
    """Return all that *frozen* has, but its number and its id, as JSON.

    Raises:
        EncodeError: an attribute cannot be written.
    """
    members = {name: encode(getattr(frozen, name)) for name, (encode, _) in _KEPT.items()}
    attrs = {"user_attrs": _pairs(frozen.user_attrs), "system_attrs": _pairs(frozen.system_attrs)}
    return dumps({"state": frozen.state.name, **members, **attrs}).decode()


def of_text(text: str, number: int, trial_id: int) -> FrozenTrial:
    """Return the trial of ``as_text``."""
    members = loads(text)
    values = {name: decode(members[name]) for name, (_, decode) in _KEPT.items()}
    return FrozenTrial(
        number=number,
        state=TrialState[members["state"]],
        value=None,
        user_attrs=dict(members["user_attrs"]),
        system_attrs=dict(members["system_attrs"]),
        trial_id=trial_id,
        **values,
    )


# --- from Optuna -----------------------------------------------------------------------------------------------------


def _records(frozen: FrozenTrial, layout: Layout, arm_name: str) -> list[dict[str, Any]]:
    """Return the observations: each intermediate value, and what a completed trial returned."""
    common = {"trial_index": frozen.number, "arm_name": arm_name}
    records = [
        {**common, "metric_name": INTERMEDIATE, "mean": value, "step": step}
        for step, value in frozen.intermediate_values.items()
        if is_number(value) and is_number(step)
    ]
    values = frozen.values or []
    if frozen.state is TrialState.COMPLETE and len(values) == len(layout.metrics) and all(map(is_number, values)):
        records += [
            {**common, "metric_name": name, "mean": value} for name, value in zip(layout.metrics, values, strict=True)
        ]
    return records


def _stored(distribution: BaseDistribution | None, value: Any) -> Any:
    """Return what an arm has for *value*; its repr, if it is none of the choices, or no plain value."""
    try:
        stored = value if distribution is None else stored_value(distribution, value)
    except ValueError:
        return repr(value)
    return stored if stored is None or isinstance(stored, str | bool | int | float) else repr(stored)


def _aware(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return *moment* with its distance from UTC in *zone*, or on this machine; what the clock showed stays."""
    if moment.tzinfo is not None:
        return moment
    try:
        offset = (moment.astimezone() if zone is None else moment.replace(tzinfo=zone)).utcoffset()
    except (OverflowError, ValueError, OSError):
        return moment.replace(tzinfo=UTC)  # a year that the system's calendar lacks
    return moment.replace(tzinfo=timezone(offset or timedelta()))
