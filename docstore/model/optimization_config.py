"""An optimization config: an objective, and constraints on outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from docstore.errors import InvalidValueError
from docstore.model.checks import check_instances
from docstore.model.metric import Metric
from docstore.model.objective import Objective
from docstore.model.outcome_constraint import ComparisonOp, OutcomeConstraint


@dataclass(init=False)
class OptimizationConfig:
    """An objective, and constraints on other metrics."""

    objective: Objective
    outcome_constraints: list[OutcomeConstraint] = field(default_factory=list)

    def __init__(self, objective: Objective, outcome_constraints: Sequence[OutcomeConstraint] | None = None) -> None:
        check_instances("objective", [objective], Objective)
        constraints = check_instances("outcome constraint", outcome_constraints or [], OutcomeConstraint)
        if objective.is_multi_objective and not isinstance(self, MultiObjectiveOptimizationConfig):
            raise InvalidValueError(
                "objective", objective, "Several objectives need a MultiObjectiveOptimizationConfig."
            )
        self.objective, self.outcome_constraints = objective, constraints
        self._check_constraints()

    def _check_constraints(self) -> None:
        objective_names = [] if self.objective.is_multi_objective else self.objective.metric_names
        seen: dict[tuple[str, ...], list[OutcomeConstraint]] = {}
        for constraint in self.outcome_constraints:
            names = tuple(sorted(constraint.metric_names))
            if len(names) == 1 and names[0] in objective_names:
                raise InvalidValueError(
                    "outcome constraint", constraint, "Its metric is the objective: leave one of them out."
                )
            for other in seen.setdefault(names, []):
                if other.op is constraint.op and other.metric_weights == constraint.metric_weights:
                    raise InvalidValueError(
                        "outcome constraint", constraint, f"{other!r} is there: leave one of them out."
                    )
            seen[names].append(constraint)

    @property
    def all_constraints(self) -> list[OutcomeConstraint]:
        """Every constraint and threshold."""
        return list(self.outcome_constraints)

    @property
    def metric_names(self) -> set[str]:
        """The names of all metrics in it."""
        return set(self.metrics)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Each metric in it by name, the objective's first; a metric given by name only is a plain Metric."""
        parts: list[Objective | OutcomeConstraint] = [self.objective, *self.all_constraints]
        given = {metric.name: metric for part in reversed(parts) for metric in part.metrics}
        names = dict.fromkeys(name for part in parts for name in part.metric_names)
        return {name: given.get(name) or Metric(name) for name in names}

    @property
    def is_moo_problem(self) -> bool:
        """Whether there are several objectives."""
        return self.objective.is_multi_objective


@dataclass(init=False)
class MultiObjectiveOptimizationConfig(OptimizationConfig):
    """Several objectives, constraints, and the thresholds that the objectives must pass."""

    objective_thresholds: list[OutcomeConstraint] = field(default_factory=list)

    def __init__(
        self,
        objective: Objective,
        outcome_constraints: Sequence[OutcomeConstraint] | None = None,
        objective_thresholds: Sequence[OutcomeConstraint] | None = None,
    ) -> None:
        self.objective_thresholds = []
        super().__init__(objective, outcome_constraints)
        thresholds = check_instances("objective threshold", objective_thresholds or [], OutcomeConstraint)
        if not objective.is_multi_objective:
            raise InvalidValueError("objective", objective, "One objective needs an OptimizationConfig.")
        self._check_thresholds(thresholds)
        self.objective_thresholds = thresholds

    def _check_thresholds(self, thresholds: Sequence[OutcomeConstraint]) -> None:
        weights = dict(self.objective.metric_weights)
        seen: set[str] = set()
        for threshold in thresholds:
            name = threshold.metric_names[0]
            if len(threshold.metric_names) > 1 or name not in weights or name in seen:
                raise InvalidValueError(
                    "objective threshold", threshold, f"Give one for each of {', '.join(map(repr, weights))} at most."
                )
            if (weights[name] < 0) != (threshold.op is ComparisonOp.LEQ):
                raise InvalidValueError(
                    "objective threshold", threshold, "Bound what is minimized by <=, the rest by >=."
                )
            seen.add(name)

    @property
    def all_constraints(self) -> list[OutcomeConstraint]:
        """Every constraint and threshold."""
        return [*self.outcome_constraints, *self.objective_thresholds]

    @property
    def objective_thresholds_dict(self) -> dict[str, OutcomeConstraint]:
        """The threshold of each metric that has one."""
        return {threshold.metric_names[0]: threshold for threshold in self.objective_thresholds}
