"""The arms of an experiment with what was measured on them, its objectives and its constraints: for pages and plots.

An experiment is read by its JSON, whose members have the same names for docstore's own model and for Ax's classes. One
that is stored needs no class of a user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

from docstore.documents.canonical import JSON
from docstore.errors import InvalidValueError
from docstore.search.experiments.best import (
    Bound,
    Observations,
    abandoned_arms,
    bound_of,
    by_trial_and_arm,
    condition,
    counted_observations,
    objectives_of,
    weighted,
    weighted_sem,
)
from docstore.search.experiments.read import (
    Decode,
    StoredExperiment,
    arms_of,
    at,
    decoded,
    in_order,
    items,
    parameter_types,
)

Measurement: TypeAlias = tuple[float, float | None]
"""The mean of a metric, and its standard error; None if that is not known."""

Condition: TypeAlias = Callable[[Mapping[str, float]], bool]
"""Says of the metrics of an arm whether a constraint is known to hold."""


def is_drawable(value: float) -> bool:
    """Return whether *value* is finite, and not so large that the width of an axis would overflow."""
    return abs(value) < 1e300


@dataclass(frozen=True)
class TriedArm:
    """One arm in one trial, with what was measured last on it there.

    Attributes:
        status: of the trial; ABANDONED, too, for an abandoned arm of a batch.
        measured: by metric; empty for a trial or an arm whose observations do not count.
        is_feasible: whether each outcome constraint is known to hold.
        is_alone: whether it is the only arm of the trial.
        given: the JSON of its parameters, which *read* decodes.
    """

    trial_index: int
    name: str
    status: str
    measured: Mapping[str, Measurement]
    is_feasible: bool
    is_alone: bool
    given: JSON
    read: Callable[[JSON], Mapping[str, Any]] = field(compare=False, repr=False)

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters, in the order of the search space; decoded when they are first asked for."""
        return self.read(self.given)

    @property
    def label(self) -> str:
        """``trial 3``; of a batch, ``trial 3, arm 3_1``."""
        return f"trial {self.trial_index}" + ("" if self.is_alone else f", arm {self.name}")


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked at: a metric, or a weighted sum of metrics.

    Attributes:
        label: with the unit, if it is known.
        minimize: whether less is better; None if nothing says so.
    """

    weights: Mapping[str, float]
    label: str
    minimize: bool | None

    @property
    def directed_label(self) -> str:
        """The label with the direction: ``loss (minimized)``."""
        return self.label if self.minimize is None else f"{self.label} ({'min' if self.minimize else 'max'}imized)"

    def measured_on(self, arm: TriedArm) -> Measurement | None:
        """Return the value on *arm* and its standard error; None if a metric is missing, or the value is NaN.

        The standard error of a sum is that of independent metrics.
        """
        if not self.weights.keys() <= arm.measured.keys():
            return None
        value = weighted(self.weights, {metric: arm.measured[metric][0] for metric in self.weights})
        if value is None:
            return None
        return value, weighted_sem(self.weights, {metric: arm.measured[metric][1] for metric in self.weights})

    def drawable_on(self, arm: TriedArm) -> Measurement | None:
        """Return what ``measured_on`` does; None if it cannot be drawn."""
        found = self.measured_on(arm)
        if found is None or not is_drawable(found[0]):
            return None
        value, sem = found
        return value, sem if sem is not None and is_drawable(sem) else None

    def is_better(self, value: float, other: float) -> bool:
        """Return whether *value* is better than *other*."""
        return value < other if self.minimize else value > other


@dataclass(frozen=True)
class ExperimentData:
    """An experiment as pages and plots read it."""

    stored: StoredExperiment
    decode: Decode

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.stored.name

    @cached_property
    def observations(self) -> Observations:
        """The observation that counts of each arm, metric and trial, but for those that were given up."""
        return counted_observations(self.stored, self.decode)

    @cached_property
    def arms(self) -> tuple[TriedArm, ...]:
        """Each arm of each trial, by trial; and after these the status quo, if it was measured in a trial of others.

        Raises:
            InvalidValueError: a constraint has not the members that docstore writes.
        """
        measured = by_trial_and_arm(self.observations)
        names, conditions = parameter_types(self.stored.head), self._conditions(measured)
        decode = self.decode

        def read(given: JSON) -> Mapping[str, Any]:
            return in_order(decoded(given, decode), names)  # without self: the arms keep no part of the document alive

        found = []
        for index, arms in self._given(measured).items():
            body = self.stored.trials[index]
            status, gone = str(at(body, "status")), abandoned_arms(body) or ()
            for arm, given in arms.items():
                metrics = measured.get((index, arm), {})
                means = {metric: mean for metric, (mean, _) in metrics.items()} if conditions else {}
                is_feasible = all(holds(means) for holds in conditions)
                its_status = "ABANDONED" if arm in gone else status
                found.append(TriedArm(index, arm, its_status, metrics, is_feasible, len(arms) == 1, given, read))
        return tuple(found)

    def _given(self, measured: Iterable[tuple[int, str]]) -> dict[int, dict[str, JSON]]:
        """Return the JSON of the parameters of each arm, by its name and by trial."""
        given = {index: dict(arms_of(body)) for index, body in self.stored.trials.items()}
        status_quo = at(self.stored.head, "status_quo")
        for index, arm in measured:
            given[index].setdefault(arm, at(status_quo, "parameters") if at(status_quo, "name") == arm else None)
        return given

    def _conditions(self, measured: Mapping[tuple[int, str], Mapping[str, Measurement]]) -> list[Condition]:
        """Return what says whether each constraint holds; *measured* has the metrics by trial and arm."""
        if not self.constraints:
            return []
        status_quo = at(self.stored.head, "status_quo", "name")
        grouped: dict[str, list[float]] = {}
        for (_, arm), metrics in measured.items():
            if arm == status_quo:
                for metric, (mean, _) in metrics.items():
                    grouped.setdefault(metric, []).append(mean)
        baseline = {metric: sum(means) / len(means) for metric, means in grouped.items()}
        return [_condition(bound, baseline) for bound in self.constraints]

    def unconstrained(self) -> ExperimentData:
        """Return the experiment without its outcome constraints and thresholds."""
        config = at(self.stored.head, "optimization_config")
        head = dict(self.stored.head) if isinstance(self.stored.head, dict) else {}
        if isinstance(config, dict):
            head["optimization_config"] = {**config, "outcome_constraints": [], "objective_thresholds": []}
        return replace(self, stored=replace(self.stored, head=head))

    @cached_property
    def _config(self) -> Any:
        return self.decode(at(self.stored.head, "optimization_config"))

    @cached_property
    def constraints(self) -> tuple[Bound, ...]:
        """The outcome constraints."""
        return tuple(map(bound_of, items(self._config, "outcome_constraints")))

    @cached_property
    def thresholds(self) -> tuple[Bound, ...]:
        """The thresholds of several objectives: what is worse than one is of no use."""
        return tuple(map(bound_of, items(self._config, "objective_thresholds")))

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The objectives; several, if there are several at once."""
        if self._config is None:
            return ()
        parts = objectives_of(at(self._config, "objective"))
        return tuple(Target(weights, self._label(weights), minimize) for weights, minimize in parts)

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """The name of each metric that was measured, or is declared."""
        measured = [metric for arm in self.arms for metric in arm.measured]
        aimed_at = [metric for target in self.targets for metric in target.weights]
        return tuple(dict.fromkeys([*aimed_at, *self._metrics, *measured]))

    @cached_property
    def _metrics(self) -> dict[str, Any]:
        """The members of each metric that is declared, by its name."""
        config, head = self._config, self.stored.head
        listed = [*items(head, "tracking_metrics"), *items(at(config, "objective"), "metrics")]
        listed += [each for bound in items(config, "outcome_constraints") for each in items(bound, "metrics")]
        return {str(at(each, "name")): each for each in listed}

    def _label(self, weights: Mapping[str, float]) -> str:
        if len(weights) > 1:
            return " + ".join(f"{weight:.4g}·{name}" for name, weight in weights.items()).replace("+ -", "- ")
        [name] = weights
        unit = at(self._metrics.get(name), "properties", "unit")
        return f"{name} [{unit}]" if isinstance(unit, str) and unit else name

    def target(self, metric: str | None, *, otherwise: str) -> Target:
        """Return the objective; or, if it is given, the *metric*.

        Args:
            otherwise: what to do if there are several objectives, as a sentence.

        Raises:
            InvalidValueError: no such metric was measured or declared; or, without *metric*, there is no objective, or
                there are several.
        """
        known = ", ".join(map(repr, self.metric_names)) or "none"
        if metric is not None:
            if metric not in self.metric_names:
                raise InvalidValueError("metric", metric, f"Experiment {self.name!r} has these: {known}.")
            alone = [each for each in self.targets if [*each.weights] == [metric]]
            lower = at(self._metrics.get(metric), "lower_is_better")
            plain = Target({metric: 1.0}, self._label({metric: 1.0}), lower if isinstance(lower, bool) else None)
            return alone[0] if alone else plain
        if len(self.targets) != 1:
            shown = [target.label for target in self.targets] or None
            raise InvalidValueError(f"objective of {self.name!r}", shown, f"{otherwise} Its metrics: {known}.")
        return self.targets[0]


def _condition(bound: Bound, baseline: Mapping[str, float]) -> Condition:
    try:
        return condition(bound, baseline)
    except InvalidValueError:  # relative to a status quo that was not measured: it is not known to hold
        return lambda means: False
