"""``docstore show``: a document in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from docstore.documents.canonical import JSON
    from docstore.documents.history import Version
    from docstore.search.experiments.running import RunningTrial
    from docstore.search.experiments.summary import ParameterRow
    from docstore.store.store import Store


@command("show")
@options.name
@options.kind
@options.revision
@options.output()
def show(settings: Settings, output: Output, *, name: str, kind: str, revision: options.Revision | None) -> None:
    """Show a document in a few lines.

    Who saved it last, and what it is; of an experiment, its objective, its metrics, its parameters, its trials by
    status and its best arm.

    Examples:
        docstore show cakes
        docstore show cakes -r published    as it was in the version with this tag
        docstore show n1 -k note -o json
    """
    from docstore.documents.canonical import loads

    with settings.open() as store:
        running = store.running_trials(name) if kind == "experiment" and revision is None else []
        version = store.version(name, revision, kind=kind)
        document = loads(store.get_json(name, kind=kind, version=version.number))
        facts = _saved(store, name, kind, version)
        if kind == "experiment":
            assert isinstance(document, dict)  # whatever else is no experiment
            facts |= _experiment(document, running)
            facts["best"] = _best(store, name, version.number)
    output.record(facts)


def _saved(store: Store, name: str, kind: str, version: Version) -> dict[str, object]:
    """Return what is known of a document beside its contents, and who saved the version."""
    [info] = store.find(kind, name=name)
    tags = store.tags(name, kind=kind)
    return {
        "name": name,
        "kind": kind,
        "project": info.project,
        "model": info.model,
        "owner": info.owner,
        "version": version.number,
        "newest": info.version,
        "saved": version.created_at,
        "by": version.author,
        "message": version.message,
        "tags": [tag for tag, number in tags.items() if number == version.number],
        "created": info.created_at,
        "digest": version.digest,
    }


# --- an experiment ---------------------------------------------------------------------------------------------------


def _experiment(document: Mapping[str, JSON], running: Sequence[RunningTrial]) -> dict[str, object]:
    """Return what a person asks first of an experiment, from its JSON.

    Args:
        running: the trials that run in an Optuna storage, as they were before the JSON was read.
    """
    from docstore.search.experiments.read import at, by_index
    from docstore.search.experiments.running import still_running
    from docstore.search.experiments.summary import constraints_text, goal_text, parameter_rows, tracking_metrics

    statuses = {index: at(trial, "status") for index, trial in by_index(document.get("trials")).items()}
    statuses |= dict.fromkeys((each.trial for each in still_running(running, statuses)), "RUNNING")
    counts = Counter(statuses.values())
    return {
        "description": document.get("description"),
        "type": document.get("experiment_type"),
        "status": document.get("status"),
        "objective": goal_text(document) or None,
        "constraints": constraints_text(document),
        "tracking_metrics": tracking_metrics(document),
        "parameters": {each.name: _range(each) for each in parameter_rows(document)},
        "trials": dict(sorted((str(status), count) for status, count in counts.items())),
    }


def _range(row: ParameterRow) -> str:
    """Return the type and the values of a parameter, and in parentheses its scale and whether it is ordered."""
    return f"{row.type} {row.values}" + (f" ({row.note})" if row.note else "")


def _best(store: Store, name: str, version: int) -> Mapping[str, object] | None:
    """Return the best arm; None if the experiment has no single objective, or nothing was measured."""
    from docstore.errors import InvalidValueError

    try:
        arms = store.best(name, version=version)
    except InvalidValueError:
        return None  # `docstore best` says why not
    return {"value": arms[0].value, "arm": arms[0].arm_name, **arms[0].parameters} if arms else None
