"""Experiments and trials: their fields, the parts of their documents, and the indexes that Ax keeps beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from operator import attrgetter, methodcaller
from typing import Any

from ax.core.auxiliary import AuxiliaryExperiment, AuxiliaryExperimentPurpose
from ax.core.batch_trial import AbandonedArm, BatchTrial
from ax.core.experiment import Experiment
from ax.core.experiment_status import ExperimentStatus
from ax.core.metric import Metric
from ax.core.multi_type_experiment import MultiTypeExperiment
from ax.core.runner import Runner
from ax.core.trial import Trial
from ax.core.trial_status import TrialStatus

from docstore.ax.data import DataHolder, by_trial, data_of, rows_of, together
from docstore.ax.entries import Fields, cache, entry, optional
from docstore.codec.classes.field_tables import Field
from docstore.codec.registry import Entry
from docstore.documents.kinds import EXPERIMENT

# --- trials ----------------------------------------------------------------------------------------------------------

TRIAL: Fields = (
    Field("_experiment", stored=False),
    "_index",
    Field("_BaseTrial__status", TrialStatus),
    Field("_time_created", datetime),
    *(optional(name, datetime) for name in ("_time_staged", "_time_run_started", "_time_completed")),
    *map(optional, ("_trial_type", "_ttl_seconds", "_status_reason")),
    "_run_metadata",
    "_stop_metadata",
    "_properties",
    "_num_arms_created",
)


def _abandoned(trial: Any) -> list[Any]:
    return list(trial._abandoned_arms_metadata.values())


def _restore_batch(trial: Any, abandoned_arms_metadata: list[Any]) -> None:
    trial._abandoned_arms_metadata = {each.name: each for each in abandoned_arms_metadata}
    trial._arms_by_name = {arm._name: arm for arm in trial.arms}


TRIALS = (
    entry(Trial, *TRIAL, optional("_generator_run")),
    entry(
        BatchTrial,
        *TRIAL,
        Field("_generator_runs", list[Any]),
        "should_add_status_quo_arm",
        Field("_abandoned_arms_metadata", stored=False),
        Field("abandoned_arms_metadata", list[Any], get=_abandoned),
        Field("_arms_by_name", stored=False),
        *map(cache, ("_status_quo_generator_run_db_id", "_status_quo_arm_db_id")),
        restored=_restore_batch,
    ),
    entry(AbandonedArm, "name", Field("time", datetime), optional("reason")),
)

# --- auxiliary experiments -------------------------------------------------------------------------------------------


def _own_data(auxiliary: Any) -> Any:
    """Return the data of an auxiliary experiment, or None if it is the experiment's."""
    return None if auxiliary.data is auxiliary.experiment.data else auxiliary.data


def _restore_auxiliary(auxiliary: Any, own_data: Any) -> None:
    auxiliary.data = auxiliary.experiment.data if own_data is None else own_data


def _initial(experiment: Any) -> dict[str, list[Any]] | None:
    """Return the auxiliary experiments that it had at first, by purpose; None if they are those that it has now.

    One that it still has is given as its place among those.
    """
    now = experiment.auxiliary_experiments_by_purpose
    found: dict[str, list[Any]] = {}
    for purpose, initial in experiment._initial_auxiliary_experiments_by_purpose.items():
        places = {id(each): place for place, each in enumerate(now.get(purpose, ()))}
        found[purpose.name] = [places.get(id(each), each) for each in initial]
    same = {purpose.name: list(range(len(each))) for purpose, each in now.items()}
    return None if found == same else found


def _restored_initial(experiment: Any, initial: Mapping[str, list[Any]] | None) -> dict[Any, list[Any]]:
    now = experiment.auxiliary_experiments_by_purpose
    if initial is None:
        return {purpose: list(each) for purpose, each in now.items()}
    found: dict[Any, list[Any]] = {}
    for name, each in initial.items():
        purpose = AuxiliaryExperimentPurpose[name]
        found[purpose] = [now[purpose][item] if type(item) is int else item for item in each]
    return found


AUXILIARY = (
    entry(
        AuxiliaryExperiment,
        "experiment",
        "is_active",
        Field("data", stored=False),
        Field("own_data", key="data", get=_own_data, omits_none=True),
        restored=_restore_auxiliary,
    ),
)

# --- experiments -----------------------------------------------------------------------------------------------------


def _metrics(experiment: Any) -> list[Any]:
    return list(experiment._metrics.values())


def _data(experiment: Any) -> dict[int, Any]:
    return by_trial(rows_of(experiment))


def _other_runners(experiment: Any) -> dict[str | None, Any] | None:
    """Return the runners by trial type, without the experiment's own runner, if there are others."""
    own, runner = experiment._default_trial_type, experiment._runner
    found = {
        type_: each for type_, each in experiment._trial_type_to_runner.items() if type_ != own or each is not runner
    }
    return found or None


def _arms_in_trials(experiment: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arms of the experiment, each after its signature: that of the status quo, and then trial by trial."""
    if experiment._status_quo is not None:
        yield experiment._status_quo.signature, experiment._status_quo
    for trial in experiment._trials.values():
        for run in trial.generator_runs:
            for signature, row in run._arm_weight_table.items():
                yield signature, row.arm


def _other_arms(experiment: Any) -> list[Any] | None:
    """Return the arms that Ax keeps by their names, and that no trial has; None if there are none.

    All arms are looked at when the head of an experiment is saved: no function in Python is called for each of them.
    """
    trials = experiment._trials.values()
    runs = [trial._generator_run for trial in trials if type(trial) is Trial]
    runs += [run for trial in trials if type(trial) is not Trial for run in trial.generator_runs]
    tables = map(attrgetter("_arm_weight_table"), [run for run in runs if run is not None])
    rows = chain.from_iterable(map(methodcaller("values"), tables))
    known = {id(experiment._status_quo), *map(id, map(attrgetter("arm"), rows))}
    arms = experiment._arms_by_name.values()
    return None if known.issuperset(map(id, arms)) else [arm for arm in arms if id(arm) not in known]


def _restore_experiment(
    experiment: Any,
    tracking_metrics: list[Any],
    data_by_trial: Mapping[int, Any],
    trial_type_to_runner: Mapping[str | None, Any] | None,
    other_arms: list[Any] | None,
    initial_auxiliary_experiments: Mapping[str, list[Any]] | None,
) -> None:
    experiment._metrics = {metric.name: metric for metric in tracking_metrics}
    experiment._trials = dict(sorted(experiment._trials.items()))
    experiment.data = data_of(together(data_by_trial))
    own = {experiment._default_trial_type: experiment._runner}
    experiment._trial_type_to_runner = own | dict(trial_type_to_runner or {})
    initial = _restored_initial(experiment, initial_auxiliary_experiments)
    experiment._initial_auxiliary_experiments_by_purpose = initial
    _index(experiment, other_arms or [])


def _index(experiment: Any, other_arms: list[Any]) -> None:
    """Make again what Ax derives from the trials: indexes by status and of arms, and each trial's experiment."""
    by_status: dict[Any, set[int]] = {status: set() for status in TrialStatus}
    for index, trial in experiment._trials.items():
        trial._experiment = experiment
        by_status[trial._BaseTrial__status].add(index)
    experiment._trial_indices_by_status = by_status
    experiment._trials_have_ttl = any(trial._ttl_seconds is not None for trial in experiment._trials.values())
    by_signature: dict[str, Any] = {}
    by_name: dict[str, Any] = {}
    for signature, arm in (*_arms_in_trials(experiment), *((arm.signature, arm) for arm in other_arms)):
        if by_signature.setdefault(signature, arm) is arm:
            by_name[arm._name] = arm
    experiment._arms_by_signature, experiment._arms_by_name = by_signature, by_name


FIELDS: Fields = (
    "_search_space",
    optional("_name", str),
    optional("description"),
    optional("_experiment_type"),
    optional("_status", ExperimentStatus),
    "is_test",
    Field("_time_created", datetime),
    optional("_optimization_config"),
    Field("_metrics", stored=False),
    Field("tracking_metrics", list[Metric], get=_metrics),
    optional("_runner", Runner),
    *map(optional, ("_status_quo", "_default_trial_type")),
    "_properties",
    Field("auxiliary_experiments_by_purpose", dict[AuxiliaryExperimentPurpose, list[Any]]),
    Field("_initial_auxiliary_experiments_by_purpose", stored=False),
    Field("initial_auxiliary_experiments", dict[str, list[Any]], get=_initial, omits_none=True),
    Field("_trials", dict[int, Any]),
    Field("data", stored=False),
    Field("data_by_trial", dict[int, Any], key="data", get=_data),
    Field("_trial_type_to_runner", stored=False),
    Field("trial_type_to_runner", dict[Any, Runner | None], get=_other_runners, omits_none=True),
    "_metric_fetching_errors",
    Field("other_arms", list[Any], get=_other_arms, omits_none=True),
    *(
        Field(name, stored=False)
        for name in ("_trials_have_ttl", "_trial_indices_by_status", "_arms_by_signature", "_arms_by_name")
    ),
)


def _experiment(cls: type, *fields: str) -> Entry:
    holders = {"data": DataHolder()}
    return entry(cls, *FIELDS, *fields, kind=EXPERIMENT, restored=_restore_experiment, part_holders=holders)


EXPERIMENTS = (
    _experiment(Experiment),
    _experiment(MultiTypeExperiment, "_metric_to_trial_type", "_metric_to_canonical_name"),
)

ENTRIES = (*TRIALS, *AUXILIARY, *EXPERIMENTS)
