"""``docstore show``: a document in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from docstore.cli import options
from docstore.cli.command import command
from docstore.cli.output import Output
from docstore.cli.settings import Settings

if TYPE_CHECKING:
    from docstore.documents.history import Version
    from docstore.store.store import Store


@command("show")
@options.name
@options.kind
@options.revision
@options.output()
def show(settings: Settings, output: Output, *, name: str, kind: str, revision: options.Revision | None) -> None:
    """Show a document in a few lines.

    Who saved it last, and what it is; of an experiment, its parameters, its objective, its trials by status and its
    best arm.

    Examples:
        docstore show cakes
        docstore show cakes -r published    as it was in the version with this tag
        docstore show n1 -k note -o json
    """
    with settings.open() as store:
        version = store.version(name, revision, kind=kind)
        document = store.get(name, kind=kind, version=version.number)
        facts = _saved(store, name, kind, version)
        if kind == "experiment":
            facts |= _experiment(document, running=_running(store, name) if revision is None else set())
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


def _experiment(document: Any, running: set[str]) -> dict[str, object]:
    """Return what a person asks first of an experiment, from its JSON.

    Args:
        running: the trials that run in an Optuna storage, whatever the JSON says of them.
    """
    from docstore.documents.diff.experiment import constraint_text, objective_text

    config = _member(document, "optimization_config")
    found = _member(document, "trials")
    trials = {**(found if isinstance(found, Mapping) else {}), **{index: {"status": "RUNNING"} for index in running}}
    statuses = Counter(_member(trial, "status") for trial in trials.values())
    parameters = _items(_member(document, "search_space"), "parameters")
    return {
        "description": _member(document, "description"),
        "type": _member(document, "experiment_type"),
        "status": _member(document, "status"),
        "objective": objective_text(_member(config, "objective")),
        "constraints": list(map(constraint_text, _items(config, "outcome_constraints"))),
        "parameters": {str(_member(each, "name")): _range(each) for each in parameters},
        "trials": dict(sorted((str(status), count) for status, count in statuses.items())),
    }


def _running(store: Store, name: str) -> set[str]:
    """Return the numbers of the trials that run in an Optuna storage, as the JSON has numbers of trials."""
    return {str(each.trial) for each in store.running_trials(name)}


def _range(parameter: Any) -> str:
    """Return the type and the values of a parameter, in words."""
    if values := _items(parameter, "values"):
        values_text = " | ".join(map(str, values))
    elif "lower" in parameter:
        values_text = f"{parameter['lower']} to {parameter.get('upper')}"
        values_text += ", logarithmic" if parameter.get("log_scale") else ""
    else:
        values_text = str(_member(parameter, "value"))
    return f"{_member(parameter, 'parameter_type')} {values_text}"


def _best(store: Store, name: str, version: int) -> Mapping[str, object] | None:
    """Return the best arm; None if the experiment has no single objective, or nothing was measured."""
    from docstore.errors import InvalidValueError

    try:
        arms = store.best(name, version=version)
    except InvalidValueError:
        return None  # `docstore best` says why not
    return {"value": arms[0].value, "arm": arms[0].arm_name, **arms[0].parameters} if arms else None


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _items(value: Any, key: str) -> list[Any]:
    found = _member(value, key)
    return list(found) if isinstance(found, (list, tuple)) else []
