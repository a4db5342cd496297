"""Experiments of MLflow for the tests, with all that runs can have, and what it means that two are the same."""

from __future__ import annotations

import math
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType

STARTED = 1_774_742_399_999
"""In milliseconds: the last one of a day."""


def run(client: MlflowClient, experiment_id: str, number: int = 0, **given: Any) -> str:
    """Add a run with *given*, and for the rest what a short one of one parameter has; return its id."""
    params, metrics = given.get("params", {"lr": "0.001"}), given.get("metrics", [Metric("loss", 0.5, STARTED, 0)])
    tags = {"mlflow.runName": f"run {number}"} | given.get("tags", {})
    run_id = client.create_run(experiment_id, STARTED + number, tags).info.run_id
    client.log_batch(run_id, metrics, [Param(key, value) for key, value in params.items()])
    if (status := given.get("status", "FINISHED")) in ("RUNNING", "SCHEDULED"):
        client.update_run(run_id, status=status)
    else:
        client.set_terminated(run_id, status, STARTED + number + 61_001)
    return str(run_id)


def diverse(client: MlflowClient, name: str) -> str:
    """Add an experiment that has each status, nested and deleted runs, odd values; return its id."""
    tags = {"mlflow.note.content": "all *kinds*", "team": "vision", "mlflow.experimentKind": "custom"}
    experiment_id = client.create_experiment(name, tags=tags)
    values = [1.0, math.nan, math.inf, -math.inf, 5e-324, 0.1 + 0.2, -1e308, 1e16]
    curve = [Metric("loss", value, STARTED + 7 * step, step) for step, value in enumerate(values)]
    again = [Metric("loss", 0.25, STARTED, 3), Metric("loss", 0.25, STARTED + 1, 3), Metric("acc/top 1", 1, 0, -5)]
    parent = run(client, experiment_id, 0, metrics=curve + again, params={"lr": "1e-05", "depth": "8", "on": "True"})
    for number, status in enumerate(("RUNNING", "SCHEDULED", "FAILED", "KILLED"), 1):
        nested = {"mlflow.parentRunId": parent, "mlflow.user": "ada", "fold": str(number)}
        run(client, experiment_id, number, status=status, tags=nested, params={"lr": "0.5", "depth": "auto"})
    run(client, experiment_id, 5, params={"path": "a b\n'c' ü", "empty": "", "zeros": "007", "on": "False"}, metrics=[])
    client.delete_run(run(client, experiment_id, 6))
    data = Dataset("digits", "d1", "http", '{"url": "https://example.org"}', '{"x": "float"}', '{"rows": 3}')
    client.log_inputs(parent, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    return str(experiment_id)


def everything(client: MlflowClient, name: str) -> dict[str, Any]:
    """Return all that an experiment has but the ids and the places that MLflow gives, so that == is exact.

    The parent of a run is told by its name. A float is told by its repr.
    """
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ACTIVE_ONLY)
    names = {run.info.run_id: run.info.run_name for run in runs}
    return {"tags": experiment.tags, "runs": {run.info.run_name: _attributes(client, run, names) for run in runs}}


def _attributes(client: MlflowClient, run: Any, names: dict[str, str]) -> dict[str, Any]:
    info = {key: getattr(run.info, key) for key in ("status", "start_time", "end_time", "user_id", "lifecycle_stage")}
    history = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    return info | {
        "params": run.data.params,
        "tags": {key: names.get(value, value) for key, value in run.data.tags.items()},
        "metrics": {key: [(repr(m.value), m.step, m.timestamp) for m in each] for key, each in history.items()},
        "latest": repr(sorted(run.data.metrics.items())),
        "inputs": [(dict(each.dataset), [dict(tag) for tag in each.tags]) for each in run.inputs.dataset_inputs],
    }


def tag(client: MlflowClient, run_id: str, key: str, value: str) -> None:
    """Set a tag of a run."""
    client.log_batch(run_id, tags=[RunTag(key, value)])
