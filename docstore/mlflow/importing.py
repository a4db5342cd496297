"""Import experiments of MLflow: of its databases, its servers, or whatever an MlflowClient reads."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlflow import MlflowClient
from mlflow.entities import Experiment as MlflowExperiment
from mlflow.entities import LifecycleStage, Run, ViewType
from mlflow.exceptions import MlflowException

from docstore.documents.display import counted
from docstore.errors import DatabaseError, InvalidValueError, MissingFileError
from docstore.mlflow.parameters import parameters_of, types_of
from docstore.mlflow.runs import (
    KEY,
    RunContent,
    content_of_run,
    content_of_trial,
    divided,
    moment,
    own_of,
    put_trials,
)
from docstore.model import Experiment, MapMetric, SearchSpace
from docstore.progress import Progress, Report, reporting
from docstore.sql.dialects.urls import parse, redacted, without_password
from docstore.store.importing import Importer, ImportReport, check_database, chosen, name_here

if TYPE_CHECKING:
    from docstore.store.store import Store

MESSAGE: Final = "imported from MLflow"
"""The message of the versions that ``import_experiments`` saves, by which it knows them again."""

_REMEDY: Final = "It is not this experiment of MLflow as it was imported before. Give prefix="

NOTE: Final = "mlflow.note.content"
"""The tag of the description of an experiment."""

_DEFAULT_ID: Final = "0"
"""The id of the experiment that MLflow makes in each database."""


def import_experiments(
    store: Store,
    source: str | MlflowClient,
    *,
    names: Iterable[str] | None = None,
    prefix: str = "",
    author: str | None = None,
    progress: bool | Report = False,
) -> ImportReport:
    """Save experiments of MLflow in *store*, each as an experiment of the light model, and report what became of each.

    Called again, after an interruption or while runs go on, it saves what is new as one further version, merged with
    what was saved in the store meanwhile; if nothing is new, there is none. An experiment that fails is reported, and
    the next one follows. Runs that were deleted are left out; if a run was deleted after it was imported, its trial
    stays, marked as such.

    Args:
        source: a tracking URI, ``"sqlite:///mlflow.db"`` or ``"http://127.0.0.1:5000"``, or an MlflowClient.
        names: of the experiments; None for all that are not deleted. The one that MLflow makes by itself is left out
            as long as it has no runs.
        prefix: what the names in the store begin with, for experiments that have one name in two sources.
        author: of the versions.
        progress: as for ``Store.verify``: told after each experiment.

    Raises:
        MissingFileError: there is no such file or folder.
        DatabaseError: the source, or the store, cannot be read; or the source is none of MLflow.
        InvalidValueError: there is no experiment of one of *names*.

    Cost:
        A question to MLflow for each metric of each run, an encoding of all trials, and a read of the experiment if
        there is one.
    """
    client = open_source(source)
    with _errors_of(client):
        experiments = {each.name: each for each in _pages(client.search_experiments)}
        wanted = [each for each in chosen(names, experiments, "experiments") if names or not _is_unused(client, each)]
    # A run is known again by its id.
    importer = Importer(store, MESSAGE, _REMEDY, author, keeps_numbers=False)
    with reporting(progress, "experiments") as tell:
        for number, each in enumerate(wanted, 1):
            name = name_here(f"{prefix}{each.name}")
            reader = _Reader(client, each, name)
            if importer.add(name, each.name, reader.read) and reader.left_out:
                importer.report.left_out[name] = [*reader.left_out]
            tell(Progress(number, len(wanted), name))
    return importer.report


def open_source(source: str | MlflowClient) -> MlflowClient:
    """Return a client of the tracking URI *source*, where there has to be something; a client as it is.

    Raises:
        MissingFileError: there is no such file or folder.
        InvalidValueError: it is no URL of a database.
        DatabaseError: it cannot be read, or is none of MLflow.
    """
    if isinstance(source, MlflowClient):
        return source
    address = urlsplit(source)
    url = None
    try:
        if address.scheme in ("", "file"):
            folder = Path(url2pathname(address.path) if address.scheme else source)
            if not folder.is_dir():
                raise MissingFileError(
                    str(folder), "there is no such folder. A database has '://', as in sqlite:///a.db"
                )
        elif address.scheme.partition("+")[0] in ("sqlite", "postgresql", "mysql", "mssql"):
            url = parse(source)
            check_database(url, "latest_metrics")
        return MlflowClient(tracking_uri=source)
    except (MissingFileError, InvalidValueError):
        raise
    except Exception as error:  # of SQLAlchemy, of its drivers, and MLflow's own for another schema
        said = str(error) if url is None else without_password(str(error), url)
        # The driver's own error may quote the password.
        raise DatabaseError(f"{redacted(source)}: MLflow cannot read it: {said}") from None


@contextmanager
def _errors_of(client: MlflowClient) -> Iterator[None]:
    """Raise DatabaseError for an error of MLflow."""
    try:
        yield
    except MlflowException as error:
        raise DatabaseError(f"{client.tracking_uri}: MLflow cannot read it: {error}") from error


def _pages(search: Callable[..., Any], **question: Any) -> list[Any]:
    """Return all that *search* finds, page by page."""
    page = search(**question)
    found = list(page)
    while page.token:
        page = search(page_token=page.token, **question)
        found += page
    return found


def _is_unused(client: MlflowClient, experiment: MlflowExperiment) -> bool:
    return experiment.experiment_id == _DEFAULT_ID and not client.search_runs([_DEFAULT_ID], max_results=1)


# --- one experiment --------------------------------------------------------------------------------------------------


@dataclass
class _Reader:
    """Reads one experiment of MLflow.

    Attributes:
        name: of the experiment in the store.
        left_out: in words what was not read.
    """

    client: MlflowClient
    source: MlflowExperiment
    name: str
    left_out: Sequence[str] = ()

    def read(self, before: Experiment | None) -> Experiment | None:
        """Return the experiment as it is in MLflow now, with the trials of runs that were purged since *before*.

        None if *before* is another experiment.
        """
        if before is not None and not self._is_same(before):
            return None
        with _errors_of(self.client):
            contents = self._contents(before)
        params = [content.params for content in contents.values()]
        types = types_of(params)
        metrics = {metric.key for content in contents.values() for metric in content.metrics}
        experiment = self._head(before, SearchSpace(parameters_of(params, types)), metrics)
        put_trials(experiment, contents, types)
        return experiment

    def _is_same(self, before: Experiment) -> bool:
        own, source = own_of(before.properties), self.source
        return (own.get("experiment_id"), own.get("creation_time")) == (source.experiment_id, source.creation_time)

    def _contents(self, before: Experiment | None) -> dict[int, RunContent]:
        """Return what each run has that has a trial or gets one, by the index of the trial.

        A run keeps its index; new ones are numbered by the time when they began.
        """
        trials = {} if before is None else dict(before.trials)
        indices = {own_of(trial.properties)["run_id"]: index for index, trial in trials.items()}
        question = {"experiment_ids": [self.source.experiment_id], "run_view_type": ViewType.ALL}
        runs = {run.info.run_id: run for run in _pages(self.client.search_runs, **question)}
        new = [run for run_id, run in runs.items() if run_id not in indices and not _is_deleted(run)]
        new.sort(key=lambda run: (run.info.start_time or 0, run.info.run_id))
        indices |= {run.info.run_id: index for index, run in enumerate(new, max(trials, default=-1) + 1)}
        self.left_out = _left_out(runs.values(), indices)
        return {
            index: self._content(runs[run_id]) if run_id in runs else _purged(before, trials[index])
            for run_id, index in indices.items()
        }

    def _content(self, run: Run) -> RunContent:
        run_id, keys = run.info.run_id, sorted(run.data.metrics)
        history = [metric for key in keys for metric in self.client.get_metric_history(run_id, key)]
        return content_of_run(run, history)

    def _head(self, before: Experiment | None, space: SearchSpace, metrics: Iterable[str]) -> Experiment:
        """Return the experiment without trials."""
        source = self.source
        properties, own_tags = divided(source.tags)
        tracking = [MapMetric(name) for name in sorted(metrics)]
        made = Experiment(space, self.name, description=own_tags.pop(NOTE, None), tracking_metrics=tracking)
        made.status = None
        earlier = datetime.now(UTC) if before is None else before.time_created
        made.time_created = moment(source.creation_time) or earlier
        origin = {name: getattr(source, name) for name in ("experiment_id", "creation_time", "artifact_location")}
        own = {**origin, "tags": own_tags}
        if self.name != source.name:
            own["name"] = source.name
        made.properties = {**properties, KEY: own}
        return made


def _is_deleted(run: Run) -> bool:
    return bool(run.info.lifecycle_stage == LifecycleStage.DELETED)


def _left_out(runs: Iterable[Run], imported: Container[str]) -> list[str]:
    """Return in words what is not imported of *runs*."""
    deleted = sum(run.info.run_id not in imported for run in runs)
    models = sum(run.info.run_id in imported and bool(run.outputs and run.outputs.model_outputs) for run in runs)
    said = {counted(deleted, "deleted run"): deleted, f"the logged models of {counted(models, 'run')}": models}
    return [words for words, number in said.items() if number]


def _purged(before: Experiment | None, trial: Any) -> RunContent:
    """Return what a run had that MLflow has no longer, marked as deleted."""
    assert before is not None  # it has the trial
    content = content_of_trial(before, trial)
    return replace(content, origin={**content.origin, "lifecycle_stage": LifecycleStage.DELETED})
