"""The best arms of an experiment by its observations, its objective and its outcome constraints."""

from __future__ import annotations

import functools
import heapq
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from docstore.documents.canonical import JSON, TAG
from docstore.documents.display import Row, html_table
from docstore.errors import InvalidValueError, short_repr
from docstore.model import ComparisonOp, Objective, OptimizationConfig, OutcomeConstraint, ScalarizedObjective
from docstore.search.experiments.read import (
    Decode,
    StoredExperiment,
    arms_of,
    at,
    in_order,
    items,
    parameter_types,
    records_of,
)


@dataclass(frozen=True, slots=True)
class BestArm:
    """An arm on which the objective was measured.

    Attributes:
        trial_index: the last trial that measured the objective on it.
        value: of the objective; for a weighted sum of metrics, the sum.
        metrics: the mean of each metric that was measured on it.
        is_feasible: whether each outcome constraint is known to hold.
    """

    arm_name: str
    trial_index: int
    parameters: Mapping[str, Any]
    value: float
    metrics: Mapping[str, float]
    is_feasible: bool

    def __repr__(self) -> str:
        facts = [f"{self.value!r}, arm {self.arm_name!r}, trial {self.trial_index}", short_repr(dict(self.parameters))]
        return f"BestArm({', '.join([*facts, *([] if self.is_feasible else ['not feasible'])])})"

    def _row(self) -> Row:
        parameters = {("parameter", name): value for name, value in self.parameters.items()}
        metrics = {("metric", name): mean for name, mean in self.metrics.items()}
        known = {"value": self.value, "arm": self.arm_name, "trial": self.trial_index, "feasible": self.is_feasible}
        return {**known, **parameters, **metrics}

    def _repr_html_(self) -> str:
        return html_table([self._row()])


def best_arms(stored: StoredExperiment, config: OptimizationConfig, decode: Decode, n: int) -> list[BestArm]:
    """Return the best *n* of the arms on which the objective was measured, the best first.

    Raises:
        InvalidValueError: there are several objectives; or a constraint is relative to a status quo that was not
            measured.
    """
    objective = config.objective
    if objective.is_multi_objective:
        remedy = "best() ranks by one value, and this has several. Compare them by observations()."
        raise InvalidValueError("objective", objective.expression, remedy)
    weights, minimize = _goal(objective)
    means, trials = _observed(stored, decode)
    baseline = means.get(str(at(stored.head, "status_quo", "name")), {})
    holds = [_condition(constraint, baseline) for constraint in config.all_constraints]
    parameters = _parameters(stored)
    sign = 1.0 if minimize else -1.0
    found = []
    for arm, metrics in means.items():
        value = _weighted(weights, metrics)
        if arm in parameters and value is not None:
            index = max(trials[arm, metric] for metric in weights)
            feasible = all(each(metrics) for each in holds)
            found.append(((not feasible, sign * value, index, arm), value))
    names = parameter_types(stored.head)
    return [
        BestArm(arm, index, in_order(decode(parameters[arm]), names), value, dict(means[arm]), not is_infeasible)
        for (is_infeasible, _, index, arm), value in heapq.nsmallest(n, found)
    ]


def _goal(objective: Objective) -> tuple[dict[str, float], bool]:
    """Return the weight of each metric in the objective, and whether less is better."""
    if objective.is_single_objective:
        return {objective.metric_names[0]: 1.0}, objective.minimize
    weights = dict(objective.metric_weights)
    if isinstance(objective, ScalarizedObjective):
        return dict(zip(weights, objective.weights, strict=True)), objective.minimize
    return weights, False


def _condition(constraint: OutcomeConstraint, baseline: Mapping[str, float]) -> Callable[[Mapping[str, float]], bool]:
    weights, bound = dict(constraint.metric_weights), constraint.bound
    if constraint.relative:
        base = _weighted(weights, baseline)
        if base is None:
            remedy = (
                "It is relative to the status quo, on which its metrics were not measured: measure them in a trial."
            )
            raise InvalidValueError("outcome constraint", constraint.expression, remedy)
        # As in Ax: 5 percent more than -10 is -9.5.
        bound = round(1 + math.copysign(1.0, base) * bound / 100, 12) * base

    def holds(metrics: Mapping[str, float]) -> bool:
        value = _weighted(weights, metrics)
        return value is not None and (value >= bound if constraint.op is ComparisonOp.GEQ else value <= bound)

    return holds


def _weighted(weights: Mapping[str, float], metrics: Mapping[str, float]) -> float | None:
    """Return the weighted sum of *metrics*; None if one is missing or the sum is NaN."""
    if not weights.keys() <= metrics.keys():
        return None
    total = _sum(weight * metrics[name] for name, weight in weights.items())
    return None if math.isnan(total) else total


def _sum(values: Iterable[float]) -> float:
    """Return the sum of *values*, rounded once, whatever their order."""
    numbers = list(values)
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # the sum is infinite, or NaN
        return sum(numbers)


# --- observations ----------------------------------------------------------------------------------------------------

_IGNORED_STATUSES: Final = frozenset({"FAILED", "ABANDONED", "STALE"})


def _observed(
    stored: StoredExperiment, decode: Decode
) -> tuple[dict[str, dict[str, float]], dict[tuple[str, str], int]]:
    """Return the mean of each metric of each arm, and the last trial that measured each (arm, metric)."""
    last: dict[tuple[str, str, int], tuple[float, float]] = {}
    given_up = {index: _given_up(body) for index, body in stored.trials.items()}
    for index, record in records_of(stored, decode):
        arm, metric = record.get("arm_name"), record.get("metric_name")
        mean, step = _number(record.get("mean")), _number(record.get("step"))
        gone = given_up.get(index)
        if gone is None or arm in gone or mean is None or not isinstance(arm, str) or not isinstance(metric, str):
            continue
        # An observation without a step was made at the end of the trial.
        at_step = step if step is not None and math.isfinite(step) else math.inf
        if at_step >= last.get((arm, metric, index), (-math.inf, 0.0))[0]:
            last[arm, metric, index] = at_step, mean
    return _means_over_trials(last)


def _means_over_trials(
    last: Mapping[tuple[str, str, int], tuple[float, float]],
) -> tuple[dict[str, dict[str, float]], dict[tuple[str, str], int]]:
    grouped: dict[tuple[str, str], dict[int, float]] = {}
    for (arm, metric, index), (_, mean) in last.items():
        grouped.setdefault((arm, metric), {})[index] = mean
    means: dict[str, dict[str, float]] = {}
    for (arm, metric), by_trial in grouped.items():
        means.setdefault(arm, {})[metric] = _mean(by_trial)
    return means, {key: max(by_trial) for key, by_trial in grouped.items()}


def _mean(by_trial: Mapping[int, float]) -> float:
    """Return the mean over the trials, summed in their order without compensation, as the views do."""
    return functools.reduce(operator.add, (by_trial[index] for index in sorted(by_trial))) / len(by_trial)


def _given_up(trial: JSON) -> frozenset[str] | None:
    """Return the abandoned arms of a trial; None if the whole trial is ignored."""
    if at(trial, "status") in _IGNORED_STATUSES:
        return None
    return frozenset(str(at(each, "name")) for each in items(trial, "abandoned_arms_metadata"))


def _number(value: object) -> float | None:
    """Return *value* as a float; None if it is not a number, or is NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _parameters(stored: StoredExperiment) -> dict[str, JSON]:
    """Return the JSON of the parameters of each arm, by its name."""
    status_quo = at(stored.head, "status_quo")
    arms = [(str(at(status_quo, "name")), at(status_quo, "parameters"))] if isinstance(status_quo, dict) else []
    return dict([*arms, *(arm for body in stored.trials.values() for arm in arms_of(body))])


# --- the objective ---------------------------------------------------------------------------------------------------


def config_of(stored: StoredExperiment, decode: Decode) -> OptimizationConfig:
    """Return the optimization config of the experiment, with plain metrics: the metrics' classes are not needed.

    Args:
        decode: returns the object of a JSON value.

    Raises:
        InvalidValueError: the experiment has none.
        DecodeError: it is of a user's class that is not registered.
    """
    body = at(stored.head, "optimization_config")
    if body is None:
        raise InvalidValueError(
            "optimization_config", None, f"Experiment {stored.name!r} has no objective: set it, and save() it."
        )
    config = decode(_with_plain_metrics(body))
    if not isinstance(config, OptimizationConfig):
        raise InvalidValueError(
            "optimization_config", config, "best() takes an OptimizationConfig of docstore, or a subclass."
        )
    return config


def _with_plain_metrics(body: JSON) -> JSON:
    if isinstance(body, list):
        return [_with_plain_metrics(each) for each in body]
    if not isinstance(body, dict):
        return body
    return {
        key: [{TAG: "Metric", "name": at(each, "name")} for each in member]
        if key == "metrics" and isinstance(member, list)
        else _with_plain_metrics(member)
        for key, member in body.items()
    }
