"""Objectives: one metric, a weighted sum of metrics, or several objectives at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from docstore.errors import InvalidValueError
from docstore.model import expressions
from docstore.model.checks import NOT_STORED, check_finite, check_instances, check_unique
from docstore.model.metric import Metric


@dataclass(init=False, repr=False)
class Objective:
    """An expression over names of metrics, to be maximized.

    ``"accuracy"`` maximizes, ``"-loss"`` minimizes, ``"2*accuracy + recall"`` is a weighted sum, and
    ``"accuracy, -loss"`` means both at once. Objective(metric=..., minimize=...) makes the expression from a metric.
    """

    expression: str
    metrics: list[Metric] = field(default_factory=list)
    metric_name_to_signature: dict[str, str] = field(default_factory=dict)
    _parts: list[expressions.Linear] = field(default_factory=list, compare=False, metadata=NOT_STORED)

    def __init__(
        self,
        expression: str | None = None,
        *,
        metric_name_to_signature: Mapping[str, str] | None = None,
        metric: Metric | None = None,
        minimize: bool | None = None,
    ) -> None:
        if (expression is None) == (metric is None):
            raise InvalidValueError(
                "Objective", (expression, metric), "Give an expression such as '-loss', or a metric."
            )
        if isinstance(expression, Metric):
            raise InvalidValueError("Objective", expression, "Name the argument: Objective(metric=..., minimize=True).")
        if metric is not None:
            check_instances("metric of an Objective", [metric], Metric)
            expression = expressions.build({metric.name: -1.0 if _minimizes(metric, minimize) else 1.0})
        self._set(expression or "", [] if metric is None else [metric], metric_name_to_signature)
        if minimize is not None and (not self.is_single_objective or self.minimize != minimize):
            remedy = f"The expression {expression!r} says what is minimized, by a minus sign: '-loss'. Leave this out."
            raise InvalidValueError("minimize of an Objective", minimize, remedy)

    def _set(self, expression: str, metrics: Sequence[Metric], signatures: Mapping[str, str] | None = None) -> None:
        self.expression, self.metrics = expression, list(metrics)
        self.metric_name_to_signature = dict(signatures or {})
        self.__docstore_restored__()
        for part in self._parts:
            if not any(part.weights.values()) or part.constant:
                remedy = "Name a metric in each part, with a weight other than 0, and add no constant."
                raise InvalidValueError("Objective", expression, remedy)
        remedy = "Name each metric once, with the sum of its weights."
        check_unique("metric of an Objective", self.metric_names, remedy)

    def __docstore_restored__(self) -> None:
        # The names of given metrics are known, so they may contain operators: "val-loss, mean".
        names = [metric.name for metric in self.metrics]
        self._parts = expressions.parse(self.expression, thing="Objective", known=names)

    @property
    def metric(self) -> Metric:
        """The one metric."""
        if len(self.metric_names) != 1:
            raise InvalidValueError("metric of an Objective", self.expression, "It has several: use metric_names.")
        return self.metrics[0] if self.metrics else Metric(self.metric_names[0])

    @property
    def metric_names(self) -> list[str]:
        """The name of each metric, in order."""
        return [name for part in self._parts for name in part.weights]

    @property
    def metric_weights(self) -> list[tuple[str, float]]:
        """The name and weight of each metric, in order; a weight below 0 minimizes."""
        return [pair for part in self._parts for pair in part.weights.items()]

    @property
    def is_multi_objective(self) -> bool:
        """Whether there are several objectives."""
        return len(self._parts) > 1

    @property
    def is_scalarized_objective(self) -> bool:
        """Whether it is one weighted sum of several metrics."""
        return not self.is_multi_objective and len(self.metric_names) > 1

    @property
    def is_single_objective(self) -> bool:
        """Whether it is one metric."""
        return len(self.metric_names) == 1

    @property
    def minimize(self) -> bool:
        """Whether the one metric is minimized."""
        if not self.is_single_objective:
            raise InvalidValueError(
                "minimize of an Objective", self.expression, "It has several metrics: use metric_weights."
            )
        return self.metric_weights[0][1] < 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(expression={self.expression!r})"


@dataclass(init=False, repr=False)
class MultiObjective(Objective):
    """Several objectives at once; the same as one Objective with commas."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        given = check_instances("objective of a MultiObjective", objectives, Objective)
        for objective in given:
            if not objective.is_single_objective:
                raise InvalidValueError(
                    "objective of a MultiObjective", objective, "Give objectives of one metric each."
                )
        names = [name for objective in given for name in objective.metric_names]
        check_unique("metric of a MultiObjective", names, "Give each objective a metric of its own.")
        signatures = {k: v for objective in given for k, v in objective.metric_name_to_signature.items()}
        metrics = [metric for objective in given for metric in objective.metrics]
        self._set(", ".join(objective.expression for objective in given), metrics, signatures)

    @property
    def objectives(self) -> list[Objective]:
        """The objectives, one for each metric."""
        by_name = {metric.name: metric for metric in self.metrics}
        return [
            Objective(metric=by_name[name], minimize=weight < 0)
            if name in by_name
            else Objective(expressions.build({name: weight}))
            for name, weight in self.metric_weights
        ]


@dataclass(init=False, repr=False)
class ScalarizedObjective(Objective):
    """A weighted sum of metrics, to be maximized unless *minimize* is given."""

    _minimize: bool = False

    def __init__(
        self, metrics: Sequence[Metric], weights: Sequence[float] | None = None, minimize: bool = False
    ) -> None:
        summed = check_instances("metric of a ScalarizedObjective", metrics, Metric)
        given = [1.0] * len(summed) if weights is None else list(weights)
        if not summed or len(given) != len(summed):
            raise InvalidValueError(
                "weights of a ScalarizedObjective", given, f"Give one for each of {len(summed)} metrics."
            )
        names = [metric.name for metric in summed]
        check_unique("metric of a ScalarizedObjective", names, "Give each metric once, with one weight.")
        self._minimize = bool(minimize)
        sign = -1.0 if minimize else 1.0
        signed = {
            name: sign * check_finite(f"weight of metric {name!r}", w) for name, w in zip(names, given, strict=True)
        }
        for metric, weight in zip(summed, signed.values(), strict=True):
            _minimizes(metric, weight < 0)
        self._set(expressions.build(signed), summed)

    @property
    def minimize(self) -> bool:
        """Whether the sum is minimized."""
        return self._minimize

    @property
    def weights(self) -> list[float]:
        """The weight of each metric, as it was given."""
        return [-weight if self._minimize else weight for _, weight in self.metric_weights]


def _minimizes(metric: Metric, minimize: bool | None) -> bool:
    """Return whether *metric* is minimized; refuse a contradiction of its ``lower_is_better``, or no answer at all."""
    if minimize is None and metric.lower_is_better is None:
        raise InvalidValueError(f"minimize of metric {metric.name!r}", None, "Give minimize=True or minimize=False.")
    if minimize is not None and metric.lower_is_better not in (None, minimize):
        raise InvalidValueError(
            f"direction of metric {metric.name!r}",
            "minimize" if minimize else "maximize",
            f"The metric has lower_is_better={metric.lower_is_better}: change one of them.",
        )
    return bool(metric.lower_is_better if minimize is None else minimize)
