"""The model in a notebook: an experiment, a trial, data and a search space, each as an HTML table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from docstore.documents.display import ENDS, Row, counted, first_and_last, html_table, shown_time
from docstore.model.checks import chosen_fields

if TYPE_CHECKING:
    from docstore.model.arm import Arm
    from docstore.model.data import Data
    from docstore.model.experiment import Experiment
    from docstore.model.parameter import Parameter
    from docstore.model.search_space import SearchSpace
    from docstore.model.trial import BaseTrial

_NAMED: Final = 3
"""Arms of a trial that the table of an experiment names."""


def experiment_html(experiment: Experiment) -> str:
    """Return the trials, each with its status and its arm; of several arms, the names only."""

    def row(trial: BaseTrial) -> Row:
        arms = trial.arms
        cells = _cells(arms[0], _means(trial)) if len(arms) == 1 else {"arm": _names(arms)}
        return {"trial": trial.index, "status": trial.status.name, **cells}

    status, config = experiment.status, experiment.optimization_config
    # A config of a class that is not registered is kept as its JSON.
    objective = getattr(getattr(config, "objective", None), "expression", None)
    facts = [
        f"{type(experiment).__name__} {experiment.name or 'without a name'}",
        status.name if status else None,
        counted(experiment.num_trials, "trial"),
        f"objective {objective}" if objective else None,
        experiment.description,
    ]
    return html_table(first_and_last(list(experiment.trials.values()), row), title=_title(facts))


def trial_html(trial: BaseTrial) -> str:
    """Return the arms, with their parameters and means, and when the trial was made, run and completed."""
    means = _means(trial)
    times = {"created": trial.time_created, "run": trial.time_run_started, "completed": trial.time_completed}
    facts = [
        f"{type(trial).__name__} {trial.index}",
        trial.status.name,
        *(f"{word} {shown_time(time)}" for word, time in times.items() if time),
        trial.status_reason,
    ]
    return html_table(first_and_last(trial.arms, lambda arm: _cells(arm, means)), title=_title(facts))


def data_html(data: Data) -> str:
    """Return the observations, a column for each key of the records that are shown."""
    first = ("trial_index", "arm_name", "metric_name", "mean", "sem")

    def row(record: Mapping[str, object]) -> Row:
        return {**{column: record.get(column) for column in first}, **record}

    return html_table(first_and_last(data.records, row), title=f"Data · {counted(len(data), 'observation')}")


def search_space_html(space: SearchSpace) -> str:
    """Return the parameters, a column for each field that some parameter has; below, the constraints."""

    def row(parameter: Parameter) -> Row:
        others = {name: text for name, text in chosen_fields(parameter).items() if name != "name"}
        return {"name": parameter.name, "class": type(parameter).__name__, **others}

    parameters, constraints = list(space.parameters.values()), space.parameter_constraints
    facts = ["SearchSpace", counted(len(parameters), "parameter"), *map(repr, constraints[:ENDS])]
    more = len(constraints) - ENDS
    return html_table(first_and_last(parameters, row), title=_title([*facts, f"… {more:,} more" if more > 0 else None]))


def _title(facts: Sequence[str | None]) -> str:
    return " · ".join(filter(None, facts))


def _names(arms: Sequence[Arm]) -> str:
    more = len(arms) - _NAMED
    return ", ".join([*(arm.name for arm in arms[:_NAMED]), *([f"… {more:,} more"] if more > 0 else [])])


def _cells(arm: Arm, means: Mapping[tuple[str, str], object]) -> Row:
    """Return the arm's name, its parameters, and its mean of each metric."""
    parameters = {("parameter", name): value for name, value in arm.parameters.items()}
    metrics = {("metric", metric): mean for (name, metric), mean in means.items() if name == arm.name}
    return {"arm": arm.name, **parameters, **metrics}


def _means(trial: BaseTrial) -> dict[tuple[str, str], object]:
    """Return the mean of each arm and metric of *trial*; of several steps, the last observation's."""
    records = [] if trial._experiment is None else trial.lookup_data().records
    return {(record["arm_name"], record["metric_name"]): record["mean"] for record in records}
