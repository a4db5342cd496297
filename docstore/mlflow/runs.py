"""A run: of MLflow, or the trial of an experiment with its data; each made from the other.

What the model has no place for is in ``properties["mlflow"]`` of the trial:

- ``tags``: those that MLflow sets, ``mlflow.runName`` and so on; the user's are properties themselves
- ``run_id``, ``artifact_uri``: of the run that was imported, and ``user_id`` if it is not that of the tags
- ``lifecycle_stage``: ``deleted``, if the run was deleted after it was imported
- ``inputs``: the datasets, each with its tags
- ``start_time``, ``end_time``: if they are no times that Python has
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mlflow.entities import LifecycleStage, Metric, Run

from docstore.errors import InvalidValueError
from docstore.json_store.functions import dumps
from docstore.mlflow.parameters import text_of, value_of
from docstore.model import Arm, Data, Experiment, GeneratorRun, ParameterType, Trial, TrialStatus

KEY: Final = "mlflow"
"""The key in ``properties`` of an experiment and of a trial under which is what the model has no place for."""

_STATUS: Final = {
    "SCHEDULED": TrialStatus.STAGED,
    "RUNNING": TrialStatus.RUNNING,
    "FINISHED": TrialStatus.COMPLETED,
    "FAILED": TrialStatus.FAILED,
    "KILLED": TrialStatus.ABANDONED,
}
_NAME: Final = {status: name for name, status in _STATUS.items()} | {
    TrialStatus.CANDIDATE: "SCHEDULED",
    TrialStatus.DISPATCHED: "RUNNING",
    TrialStatus.EARLY_STOPPED: "KILLED",
    TrialStatus.STALE: "KILLED",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_ORIGIN: Final = ("run_id", "artifact_uri", "user_id", "lifecycle_stage")
_OF_A_METRIC: Final = ("model_id", "dataset_name", "dataset_digest")
"""What a metric may have beside its value, its step and its time."""


@dataclass(frozen=True)
class RunContent:
    """All that a run has, in MLflow's terms.

    Attributes:
        start_time, end_time: in milliseconds since 1970.
        tags: the user's and MLflow's own.
        metrics: the whole history of each.
        inputs: the datasets, each as ``{"dataset": {...}, "tags": {...}}``.
        origin: its ``run_id``, ``artifact_uri``, ``user_id`` and ``lifecycle_stage``, if it is or was in MLflow.
    """

    status: str
    start_time: int | None
    end_time: int | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[Metric]
    inputs: Sequence[Mapping[str, Any]] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)


def content_of_run(run: Run, metrics: Sequence[Metric]) -> RunContent:
    """Return what *run* has; *metrics* is the whole history of each."""
    info = run.info
    given = [] if run.inputs is None else run.inputs.dataset_inputs
    origin = {name: getattr(info, name) for name in ("run_id", "artifact_uri")}
    if info.user_id != run.data.tags.get("mlflow.user", "unknown"):
        origin["user_id"] = info.user_id
    if info.lifecycle_stage == LifecycleStage.DELETED:
        origin["lifecycle_stage"] = info.lifecycle_stage
    return RunContent(
        status=info.status,
        start_time=info.start_time,
        end_time=info.end_time,
        params=run.data.params,
        tags=run.data.tags,
        metrics=metrics,
        inputs=[{"dataset": dict(each.dataset), "tags": {tag.key: tag.value for tag in each.tags}} for each in given],
        origin=origin,
    )


# --- as a trial ------------------------------------------------------------------------------------------------------


def put_trials(experiment: Experiment, contents: Mapping[int, RunContent], types: Mapping[str, ParameterType]) -> None:
    """Add a trial to *experiment* for each of *contents*, by their indices; *types* are those of the parameters.

    As everywhere in an experiment, arms with equal parameters have one name: that of the first one.
    """
    names: dict[str, str] = {}
    for index, content in sorted(contents.items()):
        arm = Arm({name: value_of(types[name], text) for name, text in content.params.items()})
        arm.name = names.setdefault(arm.signature, f"{index}_0")
        _put_trial(experiment, index, content, arm)


def _put_trial(experiment: Experiment, index: int, content: RunContent, arm: Arm) -> None:
    trial = Trial(experiment, index)
    trial.generator_run = GeneratorRun([arm])
    trial.time_run_started, trial.time_completed = moment(content.start_time), moment(content.end_time)
    trial.generator_run.time_created = trial.time_created = trial.time_run_started or experiment.time_created
    trial._status = _STATUS[content.status]
    trial.properties = _properties(content)
    experiment.trials[index] = trial
    if content.metrics:
        experiment._data[index] = Data(_record(index, arm.name, metric) for metric in content.metrics)


def _record(index: int, arm_name: str, metric: Metric) -> dict[str, Any]:
    record = {
        "trial_index": index,
        "arm_name": arm_name,
        "metric_name": metric.key,
        "mean": metric.value,
        "step": metric.step,
        "timestamp": metric.timestamp,
    }
    return record | {name: value for name in _OF_A_METRIC if (value := getattr(metric, name, None)) is not None}


def _properties(content: RunContent) -> dict[str, Any]:
    properties, own_tags = divided(content.tags)
    times = {"start_time": content.start_time, "end_time": content.end_time}
    own = {**content.origin, "tags": own_tags}
    own |= {name: time for name, time in times.items() if milliseconds(moment(time)) != time}
    if content.inputs:
        own["inputs"] = [*content.inputs]
    return {**properties, KEY: own}


def content_of_trial(experiment: Experiment, trial: Trial) -> RunContent:
    """Return what a run is to have for *trial* of *experiment*.

    Raises:
        InvalidValueError: it is a batch of several arms, or a step is no whole number.
    """
    if not isinstance(trial, Trial):
        remedy = "A run of MLflow has one set of parameters: make a Trial of each arm."
        raise InvalidValueError(f"trial {trial.index}", type(trial).__name__, remedy)
    own = own_of(trial.properties)
    return RunContent(
        status=_NAME[trial.status],
        start_time=own.get("start_time", milliseconds(trial.time_run_started or trial.time_created)),
        end_time=own.get("end_time", milliseconds(trial.time_completed)),
        params={} if trial.arm is None else {name: text_of(value) for name, value in trial.arm.parameters.items()},
        tags={"mlflow.runName": f"{experiment.name} {trial.index}"} | all_tags(trial.properties),
        metrics=list(_metrics(experiment._data.get(trial.index), trial)),
        inputs=own.get("inputs", ()),
        origin={name: own[name] for name in _ORIGIN if name in own},
    )


def _metrics(data: Data | None, trial: Trial) -> Iterator[Metric]:
    """Yield each observation; a standard error is a metric of its own, ``loss.sem`` beside ``loss``."""
    when = (trial.time_completed or trial.time_run_started or trial.time_created) - _EPOCH
    for record in [] if data is None else data.records:
        name, step, time = record["metric_name"], record.get("step") or 0, record.get("timestamp", when // _MILLISECOND)
        if step % 1:
            remedy = f"A step of MLflow is a whole number: change those of {name!r}."
            raise InvalidValueError(f"step in the data of trial {trial.index}", step, remedy)
        others = {key: record[key] for key in _OF_A_METRIC if key in record}
        yield Metric(name, float(record["mean"]), time, int(step), **others)
        if record.get("sem") is not None:
            yield Metric(f"{name}.sem", float(record["sem"]), time, int(step))


# --- tags, times -----------------------------------------------------------------------------------------------------


def divided(tags: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the tags that users set, and those that MLflow sets."""
    own = {key: value for key, value in tags.items() if key == KEY or key.startswith("mlflow.")}
    return {key: value for key, value in tags.items() if key not in own}, own


def own_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the model has no place for; of what was not imported from MLflow, an empty dict."""
    own = properties.get(KEY)
    return own if isinstance(own, dict) else {}


def all_tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags for *properties*: texts are themselves, and other values their JSON."""
    users = {key: value for key, value in properties.items() if key != KEY}
    texts = {key: value if isinstance(value, str) else dumps(value).decode() for key, value in users.items()}
    own: dict[str, str] = own_of(properties).get("tags", {})
    return texts | own


def moment(time: int | None) -> datetime | None:
    """Return the time that MLflow has in milliseconds; None if Python has no such time."""
    try:
        return None if time is None else _EPOCH + time * _MILLISECOND
    except OverflowError:
        return None


def milliseconds(time: datetime | None) -> int | None:
    """Return *time* as MLflow has it, in milliseconds since 1970, rounded down."""
    return None if time is None else (time - _EPOCH) // _MILLISECOND
