"""Constraints on outcomes: a bound on a metric, or on a weighted sum of metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from docstore.errors import InvalidValueError
from docstore.model import expressions
from docstore.model.checks import check_finite, check_instances, check_unique
from docstore.model.metric import Metric

_HOW = "Write OutcomeConstraint('qps >= 700'), or give metric=, op= and bound=."
_BASELINE = "baseline"
_HOW_RELATIVE = (
    "A constraint may compare metrics with the status quo times a factor: 'latency <= 0.95 * baseline', without a "
    "constant, and by no other name than 'baseline'."
)


class ComparisonOp(Enum):
    """The side of a bound that is allowed."""

    GEQ = 0
    LEQ = 1

    @property
    def symbol(self) -> str:
        """The operator as text."""
        return ">=" if self is ComparisonOp.GEQ else "<="


@dataclass(init=False, repr=False)
class OutcomeConstraint:
    """A bound on a metric, or on a weighted sum of metrics.

    Units:
        A *relative* bound is in percent of the status quo's value: -5 means 5 percent less. In an expression it is
        written as the factor: ``"latency <= 0.95 * baseline"``. As in Ax, less than a negative value is further from
        zero: for a status quo of -10, the bound is -10.5.
    """

    # Not the expression: percents are factors in it, and not every float survives that conversion.
    _weights: dict[str, float]
    op: ComparisonOp = ComparisonOp.LEQ
    bound: float = 0.0
    relative: bool = False
    metrics: list[Metric] = field(default_factory=list)
    metric_name_to_signature: dict[str, str] = field(default_factory=dict)

    def __init__(
        self,
        expression: str | None = None,
        *,
        metric_name_to_signature: Mapping[str, str] | None = None,
        relative: bool | None = None,
        metric: Metric | None = None,
        op: ComparisonOp | None = None,
        bound: float | None = None,
    ) -> None:
        if (expression is None) == (metric is None):
            raise InvalidValueError("OutcomeConstraint", (expression, metric), _HOW)
        if metric is not None:
            check_instances("metric of a constraint", [metric], Metric)
            self._set([metric], [1.0], op, bound, relative)
        else:
            self._read(expression or "", relative)
        self.metric_name_to_signature = dict(metric_name_to_signature or {})

    def _set(
        self,
        metrics: Sequence[Metric],
        weights: Sequence[float],
        op: ComparisonOp | None,
        bound: float | None,
        relative: bool | None,
    ) -> None:
        names = [metric.name for metric in metrics]
        check_unique("metric of a constraint", names, "Give each metric once.")
        label = ", ".join(names)
        if not isinstance(op, ComparisonOp):
            raise InvalidValueError(
                f"op of the constraint on {label}", op, "Give ComparisonOp.GEQ or ComparisonOp.LEQ."
            )
        self._weights = {
            name: check_finite(f"weight of metric {name!r}", weight)
            for name, weight in zip(names, weights, strict=True)
        }
        self.op, self.relative, self.metrics = op, bool(relative), list(metrics)
        self.bound = check_finite(f"bound of the constraint on {label}", bound)
        self.metric_name_to_signature = {}

    def _read(self, expression: str, relative: bool | None) -> None:
        difference, operator = expressions.parse_comparison(expression, thing="OutcomeConstraint")
        weights = dict(difference.weights)
        baseline = weights.pop(_BASELINE, None)
        if operator == "==" or not weights:
            raise InvalidValueError("OutcomeConstraint", expression, _HOW)
        is_mixed = baseline is not None and (baseline == 0 or difference.constant != 0)
        if is_mixed or any(_BASELINE in re.split("[./:]", name) for name in weights):
            raise InvalidValueError("OutcomeConstraint", expression, _HOW_RELATIVE)
        if baseline is not None and relative is False:
            remedy = f"{expression!r} is relative: leave this out, or write the bound as a number."
            raise InvalidValueError("relative of an OutcomeConstraint", relative, remedy)
        scale = self._scaled(expression, weights, operator)
        if baseline is None:
            self.bound = check_finite(f"bound of {expression!r}", -difference.constant / scale + 0.0)
        else:
            factor = check_finite(f"factor of baseline in {expression!r}", -baseline / scale)
            self.bound = round((factor - 1) * 100, 10) + 0.0
        self.relative = baseline is not None or bool(relative)
        self.metrics = []

    def _scaled(self, expression: str, weights: Mapping[str, float], operator: str) -> float:
        """Set the weights and the operator; return the number by which both sides were divided."""
        several = list(weights.values())
        # "2*loss <= 1" bounds loss by 0.5, and "700 <= qps" is "qps >= 700".
        scale = several[0] if len(several) == 1 else -1.0 if all(weight < 0 for weight in several) else 1.0
        if scale == 0:
            raise InvalidValueError("OutcomeConstraint", expression, "The metric cancels out: name it once.")
        op = ComparisonOp.GEQ if operator == ">=" else ComparisonOp.LEQ
        self._weights = {
            name: check_finite(f"weight of metric {name!r}", weight / scale) for name, weight in weights.items()
        }
        self.op = op if scale > 0 else _OPPOSITE[op]
        return scale

    @property
    def metric(self) -> Metric:
        """The one metric."""
        if len(self._weights) != 1:
            raise InvalidValueError("metric of a constraint", self.expression, "It has several: use metric_names.")
        return self.metrics[0] if self.metrics else Metric(self.metric_names[0])

    @property
    def metric_names(self) -> list[str]:
        """The name of each metric."""
        return list(self._weights)

    @property
    def metric_weights(self) -> list[tuple[str, float]]:
        """The name and weight of each metric."""
        return list(self._weights.items())

    @property
    def expression(self) -> str:
        """The constraint as text."""
        bound = f"{round(1 + self.bound / 100, 12)!r} * baseline" if self.relative else repr(self.bound)
        return f"{expressions.build(self._weights)} {self.op.symbol} {bound}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expression})"


_OPPOSITE = {ComparisonOp.GEQ: ComparisonOp.LEQ, ComparisonOp.LEQ: ComparisonOp.GEQ}


@dataclass(init=False, repr=False)
class ObjectiveThreshold(OutcomeConstraint):
    """The bound that an objective's metric must pass to count for the Pareto front; *op* follows from the metric."""

    def __init__(self, metric: Metric, bound: float, relative: bool = True, op: ComparisonOp | None = None) -> None:
        check_instances("metric of an ObjectiveThreshold", [metric], Metric)
        if op is None and metric.lower_is_better is None:
            raise InvalidValueError(
                f"op of the threshold on {metric.name!r}",
                None,
                "Give op=ComparisonOp.GEQ or LEQ, or Metric(lower_is_better=).",
            )
        inferred = ComparisonOp.LEQ if metric.lower_is_better else ComparisonOp.GEQ
        self._set([metric], [1.0], op or inferred, bound, relative)


@dataclass(init=False, repr=False)
class ScalarizedOutcomeConstraint(OutcomeConstraint):
    """A bound on a weighted sum of metrics; without weights, on their mean."""

    def __init__(
        self,
        metrics: Sequence[Metric],
        op: ComparisonOp,
        bound: float,
        relative: bool = True,
        weights: Sequence[float] | None = None,
    ) -> None:
        summed = check_instances("metric of a constraint", metrics, Metric)
        given = [1.0 / len(summed) for _ in summed] if weights is None else list(weights)
        if not summed or len(given) != len(summed):
            raise InvalidValueError("weights of a constraint", given, f"Give one for each of {len(summed)} metrics.")
        self._set(summed, given, op, bound, relative)
