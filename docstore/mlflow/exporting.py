"""Export an experiment to MLflow, run by run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LifecycleStage, Param, RunTag
from mlflow.entities import Experiment as MlflowExperiment
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import (
    MAX_ENTITIES_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_TAG_VAL_LENGTH,
)

from docstore.errors import InvalidValueError
from docstore.mlflow.importing import NOTE
from docstore.mlflow.runs import RunContent, all_tags, content_of_trial, own_of
from docstore.model import Experiment
from docstore.progress import Progress, Report, reporting

if TYPE_CHECKING:
    from docstore.store.store import Store

PARENT: Final = "mlflow.parentRunId"
"""The tag of a nested run with the id of the run that it is in."""

_TEXTS: Final = 50
"""Parameters, and tags, in one request: MLflow takes 100 of each, but a server no more than a megabyte in all."""

_ENDED: Final = {"FINISHED", "FAILED", "KILLED"}

Each = TypeVar("Each")


def export_experiment(
    store: Store,
    name: str,
    target: str | MlflowClient,
    *,
    experiment_name: str | None = None,
    progress: bool | Report = False,
) -> MlflowExperiment:
    """Write an experiment into MLflow as a new one, each trial as a run, and return that.

    An experiment that was imported comes back with each value of each metric, its step and its time, the parameters,
    tags, datasets, status and times of each run, and runs in runs. MLflow gives new ids, and with them new places for
    artifacts. Of any other experiment, the trials have one arm. Properties become tags, texts as they are and other
    values as JSON; a standard error becomes a metric, ``loss.sem`` beside ``loss``; the search space and the
    objective are left out.

    Args:
        target: a tracking URI, of a database, which is made if it is missing, or of a server; or an MlflowClient.
        experiment_name: by default that of the experiment which was imported, or else the name in the store.
        progress: as for ``Store.verify``: told after each run.

    Raises:
        InvalidValueError: *target* has an experiment of this name; or MLflow cannot express the experiment: it refuses
            the name of a metric, a parameter or a tag, or would cut a value that is too long.
        DocumentNotFoundError, DamagedDocumentError: as ``Store.load``.

    Cost:
        A load, and at least three requests to MLflow for each run: it is made, gets its values in batches of some 900,
        and ends. If that fails, the new experiment is deleted.
    """
    experiment = store.load(name)
    if not isinstance(experiment, Experiment):
        raise InvalidValueError("name", name, "It is an experiment of Ax's own classes: make one of docstore's of it.")
    contents = [content_of_trial(experiment, trial) for trial in experiment.trials.values()]
    for content in contents:
        _check_lengths(content)
    client = target if isinstance(target, MlflowClient) else MlflowClient(tracking_uri=target)
    own_name: str = own_of(experiment.properties).get("name", name)
    new_name = own_name if experiment_name is None else experiment_name
    with (
        reporting(progress, "runs") as tell,
        _new_experiment(client, experiment, new_name) as experiment_id,
    ):
        _write(client, experiment_id, contents, lambda done: tell(Progress(done, len(contents), name)))
    return client.get_experiment(experiment_id)


@contextmanager
def _new_experiment(client: MlflowClient, experiment: Experiment, name: str) -> Iterator[str]:
    """Make an experiment of MLflow for *experiment*, without runs, and delete it if the block fails.

    Raises:
        InvalidValueError: MLflow refused something, in the block or before.
    """
    experiment_id = _create(client, experiment, name)
    try:
        yield experiment_id
    except BaseException as error:
        # The name of a deleted experiment stays taken in MLflow.
        client.rename_experiment(experiment_id, f"{name} (failed export {experiment_id})")
        client.delete_experiment(experiment_id)
        if isinstance(error, MlflowException):
            raise InvalidValueError(f"experiment {experiment.name!r}", name, f"MLflow refuses it: {error}") from error
        raise


def _check_lengths(content: RunContent) -> None:
    """Check that MLflow, which cuts values that are too long, keeps all of these."""
    for what, values, most in (
        ("parameter", content.params, MAX_PARAM_VAL_LENGTH),
        ("tag", content.tags, MAX_TAG_VAL_LENGTH),
    ):
        for key, value in values.items():
            if len(value) > most:
                raise InvalidValueError(
                    f"{what} {key!r}", value, f"MLflow keeps {most:,} characters of it: shorten it."
                )


def _create(client: MlflowClient, experiment: Experiment, name: str) -> str:
    tags = all_tags(experiment.properties)
    if experiment.description is not None:
        tags[NOTE] = experiment.description
    try:
        return str(client.create_experiment(name, tags=tags))
    except MlflowException as error:
        remedy = f"MLflow refuses it: {error}. If the target has such an experiment, give experiment_name=."
        raise InvalidValueError("name of the experiment", name, remedy) from error


def _write(
    client: MlflowClient, experiment_id: str, contents: Sequence[RunContent], told: Callable[[int], None]
) -> None:
    """Make all runs, since one may be nested in another, then fill and end one after the other."""
    ids = [_start(client, experiment_id, content) for content in contents]
    new_ids = {
        content.origin["run_id"]: run_id for content, run_id in zip(contents, ids, strict=True) if content.origin
    }
    for done, (run_id, content) in enumerate(zip(ids, contents, strict=True), 1):
        _fill(client, run_id, content, new_ids)
        _end(client, run_id, content)
        told(done)


def _start(client: MlflowClient, experiment_id: str, content: RunContent) -> str:
    # The tag of the user is what MLflow takes the user of the run from.
    first = {key: content.tags[key] for key in ("mlflow.runName", "mlflow.user") if key in content.tags}
    return str(client.create_run(experiment_id, content.start_time, tags=first).info.run_id)


def _fill(client: MlflowClient, run_id: str, content: RunContent, new_ids: Mapping[str, str]) -> None:
    tags = dict(content.tags)
    if tags.get(PARENT) in new_ids:
        tags[PARENT] = new_ids[tags[PARENT]]
    params = [Param(key, value) for key, value in content.params.items()]
    batches = (
        _batches(content.metrics, MAX_ENTITIES_PER_BATCH - 2 * _TEXTS),
        _batches(params, _TEXTS),
        _batches([RunTag(key, value) for key, value in tags.items()], _TEXTS),
    )
    for batch in zip_longest(*batches, fillvalue=()):
        client.log_batch(run_id, *batch)
    if content.inputs:
        client.log_inputs(run_id, [_dataset_input(each) for each in content.inputs])


def _dataset_input(given: Mapping[str, Any]) -> DatasetInput:
    return DatasetInput(Dataset(**given["dataset"]), [InputTag(key, value) for key, value in given["tags"].items()])


def _end(client: MlflowClient, run_id: str, content: RunContent) -> None:
    """Give the run its end, its status, and delete it if it was deleted."""
    if content.end_time is not None:
        # A run that goes on again has the end of its first part.
        status = content.status if content.status in _ENDED else "FINISHED"
        client.set_terminated(run_id, status, content.end_time)
    if content.end_time is None or content.status not in _ENDED:
        client.update_run(run_id, status=content.status)
    if content.origin.get("lifecycle_stage") == LifecycleStage.DELETED:
        client.delete_run(run_id)


def _batches(values: Sequence[Each], size: int) -> Iterator[Sequence[Each]]:
    return (values[start : start + size] for start in range(0, len(values), size))
