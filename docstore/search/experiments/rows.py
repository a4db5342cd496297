"""The trials of an experiment as rows, without pandas: of any version, from its JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docstore.search.experiments.best import by_trial_and_arm, last_observations
from docstore.search.experiments.read import StoredExperiment, arms_of, at, by_index, in_order, parameter_types


@dataclass(frozen=True, slots=True)
class TrialRow:
    """An arm of a trial; a trial without arms is a row too.

    Attributes:
        status: its name, ``COMPLETED``.
        arm: its name; None without one.
        metrics: the mean of each metric that was measured on the arm in this trial: at the largest step, the last one.
    """

    trial: int
    status: str | None
    arm: str | None
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]


def trial_rows(document: Any) -> list[TrialRow]:
    """Return a row for each arm of each trial of an experiment, by trial.

    Args:
        document: the JSON of the experiment, as ``Store.get`` gives it.
    """
    trials, data = (by_index(at(document, field)) for field in ("trials", "data"))
    stored = StoredExperiment("", "", document, trials, data)
    names = parameter_types(document)
    measured = by_trial_and_arm(last_observations(stored, decode=_as_it_is))
    return [
        TrialRow(index, status, arm, in_order(parameters, names), _means(measured.get((index, arm), {})))
        for index, trial in trials.items()
        for status in [_text(at(trial, "status"))]
        for arm, parameters in [*arms_of(trial)] or _NO_ARM
    ]


_NO_ARM: Final[Sequence[tuple[Any, Any]]] = [(None, {})]


def _as_it_is(value: Any) -> Any:
    """Return a value of a document that is decoded already."""
    return value


def _means(measured: Mapping[str, tuple[float, float | None]]) -> dict[str, float]:
    return {metric: mean for metric, (mean, _) in measured.items()}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
