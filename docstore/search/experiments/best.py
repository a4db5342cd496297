"""The best arms of an experiment by its observations, its objective and its outcome constraints."""

from __future__ import annotations

import functools
import heapq
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from docstore.documents.canonical import JSON
from docstore.documents.display import Row, html_table
from docstore.errors import InvalidValueError, short_repr
from docstore.model import expressions
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


Observations: TypeAlias = Mapping[tuple[str, str, int], tuple[float, float, float | None]]
"""The step, mean and sem of an observation by arm, metric and trial."""


def best_arms(
    stored: StoredExperiment, goal: Goal, decode: Decode, n: int, counted: Observations | None = None
) -> list[BestArm]:
    """Return the best *n* of the arms on which the objective was measured, the best first.

    Args:
        counted: what ``counted_observations`` gives, if the caller has it.

    Raises:
        InvalidValueError: a constraint is relative to a status quo that was not measured.
    """
    by_trial = _by_trial(counted_observations(stored, decode) if counted is None else counted)
    means = _means_over_trials(by_trial)
    baseline = means.get(str(at(stored.head, "status_quo", "name")), {})
    holds = [condition(bound, baseline) for bound in goal.bounds]
    parameters = _parameters(stored)
    sign = 1.0 if goal.minimize else -1.0
    found = []
    for arm, metrics in means.items():
        value = weighted(goal.weights, metrics)
        if arm in parameters and value is not None:
            index = max(max(by_trial[arm, metric]) for metric in goal.weights)
            feasible = all(each(metrics) for each in holds)
            found.append(((not feasible, sign * value, index, arm), value))
    names = parameter_types(stored.head)
    return [
        BestArm(arm, index, in_order(decode(parameters[arm]), names), value, dict(means[arm]), not is_infeasible)
        for (is_infeasible, _, index, arm), value in heapq.nsmallest(n, found)
    ]


def condition(bound: Bound, baseline: Mapping[str, float]) -> Callable[[Mapping[str, float]], bool]:
    """Return a function that says of the metrics of an arm whether they are known to be within *bound*.

    Args:
        baseline: the metrics of the status quo.

    Raises:
        InvalidValueError: the bound is relative, and *baseline* lacks its metrics.
    """
    limit = bound.limit
    if bound.is_relative:
        base = weighted(bound.weights, baseline)
        if base is None:
            remedy = (
                "It is relative to the status quo, on which its metrics were not measured: measure them in a trial."
            )
            raise InvalidValueError("outcome constraint", bound.expression, remedy)
        # As in Ax: 5 percent more than -10 is -9.5.
        limit = round(1 + math.copysign(1.0, base) * limit / 100, 12) * base

    def holds(metrics: Mapping[str, float]) -> bool:
        value = weighted(bound.weights, metrics)
        return value is not None and (value <= limit if bound.is_upper else value >= limit)

    return holds


def weighted(weights: Mapping[str, float], metrics: Mapping[str, float]) -> float | None:
    """Return the weighted sum of *metrics*; None if one is missing or the sum is NaN."""
    if len(weights) == 1:  # as in most experiments, for each of very many arms
        ((name, weight),) = weights.items()
        total = weight * metrics[name] + 0.0 if name in metrics else math.nan  # with + 0.0, -0.0 is 0.0, as in a sum
    elif weights.keys() <= metrics.keys():
        total = _sum(weight * metrics[name] for name, weight in weights.items())
    else:
        return None
    return None if math.isnan(total) else total


def weighted_sem(weights: Mapping[str, float], sems: Mapping[str, float | None]) -> float | None:
    """Return the standard error of the weighted sum of independent metrics; None if that of one is not known."""
    known = [weight * sem for name, weight in weights.items() if (sem := sems.get(name)) is not None]
    return math.hypot(*known) if len(known) == len(weights) else None


def _sum(values: Iterable[float]) -> float:
    """Return the sum of *values*, rounded once, whatever their order."""
    numbers = list(values)
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # the sum is infinite, or NaN
        return sum(numbers)


# --- observations ----------------------------------------------------------------------------------------------------

IGNORED_STATUSES: Final = frozenset({"FAILED", "ABANDONED", "STALE"})
"""The statuses of trials whose observations do not count."""


def counted_observations(
    stored: StoredExperiment, decode: Decode
) -> dict[tuple[str, str, int], tuple[float, float, float | None]]:
    """Return what ``last_observations`` gives, without failed and abandoned trials and abandoned arms."""
    abandoned = {index: abandoned_arms(body) for index, body in stored.trials.items()}
    return {
        (arm, metric, index): observed
        for (arm, metric, index), observed in last_observations(stored, decode).items()
        if (gone := abandoned.get(index)) is not None and arm not in gone
    }


def last_observations(
    stored: StoredExperiment, decode: Decode
) -> dict[tuple[str, str, int], tuple[float, float, float | None]]:
    """Return the step, mean and sem of the observation that counts of each (arm, metric, trial).

    It is that with the largest step, of equal ones the last. A mean that is NaN does not count.
    """
    last: dict[tuple[str, str, int], tuple[float, float, float | None]] = {}
    for index, record in records_of(stored, decode):
        arm, metric = record.get("arm_name"), record.get("metric_name")
        mean, step = number(record.get("mean")), record.get("step")
        if mean is None or not isinstance(arm, str) or not isinstance(metric, str):
            continue
        # An observation without a step was made at the end of the trial.
        step = None if step is None else number(step)
        at_step = step if step is not None and math.isfinite(step) else math.inf
        if at_step >= last.get((arm, metric, index), (-math.inf, 0.0))[0]:
            last[arm, metric, index] = at_step, mean, number(record.get("sem"))
    return last


def by_trial_and_arm(last: Observations) -> dict[tuple[int, str], dict[str, tuple[float, float | None]]]:
    """Return the mean and the standard error of each metric by trial and arm."""
    found: dict[tuple[int, str], dict[str, tuple[float, float | None]]] = {}
    for (arm, metric, index), (_, mean, sem) in last.items():
        found.setdefault((index, arm), {})[metric] = mean, sem
    return found


def _by_trial(last: Observations) -> dict[tuple[str, str], dict[int, float]]:
    """Return the mean of each metric on each arm, by the index of the trial."""
    grouped: dict[tuple[str, str], dict[int, float]] = {}
    for (arm, metric, index), (_, mean, _) in last.items():
        grouped.setdefault((arm, metric), {})[index] = mean
    return grouped


def _means_over_trials(grouped: Mapping[tuple[str, str], Mapping[int, float]]) -> dict[str, dict[str, float]]:
    means: dict[str, dict[str, float]] = {}
    for (arm, metric), by_trial in grouped.items():
        means.setdefault(arm, {})[metric] = _mean(by_trial)
    return means


def _mean(by_trial: Mapping[int, float]) -> float:
    """Return the mean over the trials, summed in their order without compensation, as the views do."""
    if len(by_trial) == 1:
        return next(iter(by_trial.values()))
    return functools.reduce(operator.add, (by_trial[index] for index in sorted(by_trial))) / len(by_trial)


_NO_ARMS: Final[frozenset[str]] = frozenset()


def abandoned_arms(trial: JSON) -> frozenset[str] | None:
    """Return the abandoned arms of a trial; None if the whole trial is ignored."""
    if at(trial, "status") in IGNORED_STATUSES:
        return None
    found = items(trial, "abandoned_arms_metadata")
    return frozenset(str(at(each, "name")) for each in found) if found else _NO_ARMS


def number(value: object) -> float | None:
    """Return *value* as a float; None if it is not a number, or is NaN."""
    if type(value) is float:  # as almost all are
        return value if value == value else None
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


# --- the objective and the outcome constraints -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound on a weighted sum of metrics; a relative one is in percent above or below the status quo."""

    weights: Mapping[str, float]
    limit: float
    is_upper: bool
    is_relative: bool

    @property
    def expression(self) -> str:
        """The constraint as text."""
        factor = f"{round(1 + self.limit / 100, 12)!r} * baseline"
        limit = factor if self.is_relative else repr(self.limit)
        return f"{expressions.build(self.weights)} {'<=' if self.is_upper else '>='} {limit}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What an arm is ranked by: a weighted sum of metrics, and the bounds that hold for a feasible arm."""

    weights: Mapping[str, float]
    minimize: bool
    bounds: tuple[Bound, ...]


def goal_of(stored: StoredExperiment, decode: Decode) -> Goal:
    """Return the goal by the JSON of the optimization config, so that no class in it has to be registered.

    Args:
        decode: returns the value of JSON, with an object as a dict of its members.

    Raises:
        InvalidValueError: the experiment has no objective, or several at once; or the members of the objective or of a
            constraint are not those that docstore writes.
    """
    config = decode(at(stored.head, "optimization_config"))
    if config is None:
        raise InvalidValueError(
            "optimization_config", None, f"Experiment {stored.name!r} has no objective: set it, and save() it."
        )
    constraints = [*items(config, "outcome_constraints"), *items(config, "objective_thresholds")]
    return Goal(*_objective(at(config, "objective")), tuple(map(bound_of, constraints)))


def _objective(objective: Any) -> tuple[dict[str, float], bool]:
    """Return the weight of each metric in the objective, and whether less is better."""
    parts = objectives_of(objective)
    if len(parts) > 1:
        remedy = "best() ranks by one value, and this has several. Compare them by observations()."
        raise InvalidValueError("objective", at(objective, "expression"), remedy)
    return parts[0]


def objectives_of(objective: Any) -> list[tuple[dict[str, float], bool]]:
    """Return, for each of several objectives, the weight of each metric in it, and whether less is better.

    Raises:
        InvalidValueError: its members are not those that docstore writes.
    """
    expression = at(objective, "expression")
    if not isinstance(expression, str):
        raise InvalidValueError("objective", objective, "best() reads its expression, and it was saved without one.")
    parts = _parts_of(objective, expression)
    # A scalarized objective says that its sum is minimized; the weights in its expression have the other sign then.
    if len(parts) == 1 and len(parts[0]) > 1 and at(objective, "minimize") is True:
        return [({name: -weight for name, weight in parts[0].items()}, True)]
    return [_directed(weights) for weights in parts]


def _directed(weights: dict[str, float]) -> tuple[dict[str, float], bool]:
    if len(weights) == 1:
        return dict.fromkeys(weights, 1.0), min(weights.values()) < 0
    return weights, False


def _parts_of(objective: Any, expression: str) -> list[dict[str, float]]:
    """Return the weights of each objective in the *expression*: as Ax parsed it, if it did."""
    terms: Any = at(objective, "terms")
    if isinstance(terms, list):
        return [dict(each) for each in terms]
    known = [name for each in items(objective, "metrics") if isinstance(name := at(each, "name"), str)]
    return [part.weights for part in expressions.parse(expression, thing="objective", known=known)]


def bound_of(constraint: Any) -> Bound:
    """Return the bound of an outcome constraint, or of an objective's threshold.

    Raises:
        InvalidValueError: its members are not those that docstore writes.
    """
    weights, limit, op = (at(constraint, key) for key in ("weights", "bound", "op"))
    is_sum = isinstance(weights, dict) and weights and all(number(weight) is not None for weight in weights.values())
    if not is_sum or number(limit) is None or op not in ("LEQ", "GEQ"):
        remedy = "best() reads its weights, bound and op, and it was saved without them."
        raise InvalidValueError("outcome constraint", constraint, remedy)
    return Bound(weights, limit, op == "LEQ", at(constraint, "relative") is True)  # type: ignore[arg-type]  # checked above
