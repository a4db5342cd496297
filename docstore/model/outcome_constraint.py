"""Which outcomes will do: a bound on a metric, or on a weighted sum of some."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from docstore.errors import InvalidValueError
from docstore.model import linear
from docstore.model.checks import check_finite, check_instances, check_unique
from docstore.model.metric import Metric

_HOW = "Write OutcomeConstraint('qps >= 700'), or give metric=, op= and bound=."
_BASELINE = re.compile(r"\bbaseline\b")


class ComparisonOp(Enum):
    """Which side of the bound is allowed."""

    GEQ = 0
    LEQ = 1

    @property
    def symbol(self) -> str:
        """The operator as one writes it."""
        return ">=" if self is ComparisonOp.GEQ else "<="


@dataclass(init=False, repr=False)
class OutcomeConstraint:
    """A bound on a metric, or on a weighted sum of metrics.

    Units:
        A *relative* bound is in percent of what the status quo has: -5 means 0.95 times that. In an expression it is
        written as the factor: ``"latency <= 0.95 * baseline"``.
    """

    # Structured, and not the expression: percents become factors in it, and some floats do not come back.
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
            self._set([metric], [1.0], op, bound, bool(relative))
        else:
            self._read(expression or "", relative)
        self.metric_name_to_signature = dict(metric_name_to_signature or {})

    def _set(
        self,
        metrics: Sequence[Metric],
        weights: Sequence[float],
        op: ComparisonOp | None,
        bound: float | None,
        relative: bool,
    ) -> None:
        check_instances("metric of a constraint", metrics, Metric)
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
        self.op, self.relative, self.metrics = op, relative, list(metrics)
        self.bound = check_finite(f"bound of the constraint on {label}", bound)
        self.metric_name_to_signature = {}

    def _read(self, expression: str, relative: bool | None) -> None:
        difference, operator = linear.parse_comparison(_without_baseline(expression), thing="OutcomeConstraint")
        if operator == "==" or not difference.weights:
            raise InvalidValueError("OutcomeConstraint", expression, _HOW)
        is_factor = _BASELINE.search(expression) is not None
        bound = -difference.constant
        op = ComparisonOp.GEQ if operator == ">=" else ComparisonOp.LEQ
        weights = list(difference.weights.values())
        # "2*loss <= 1" bounds loss by 0.5, and "700 <= qps" is "qps >= 700".
        scale = weights[0] if len(weights) == 1 else -1.0 if all(weight < 0 for weight in weights) else 1.0
        if scale == 0:
            raise InvalidValueError("OutcomeConstraint", expression, "The metric cancels out: name it once.")
        self._weights = {name: weight / scale for name, weight in difference.weights.items()}
        self.op = op if scale > 0 else _OPPOSITE[op]
        bound = bound / scale + 0.0
        self.bound = round((bound - 1) * 100, 10) + 0.0 if is_factor else bound
        self.relative = is_factor if relative is None else relative
        self.metrics = []

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
        return f"{linear.build(self._weights)} {self.op.symbol} {bound}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expression})"


_OPPOSITE = {ComparisonOp.GEQ: ComparisonOp.LEQ, ComparisonOp.LEQ: ComparisonOp.GEQ}


def _without_baseline(expression: str) -> str:
    """Return *expression* with the factor of the baseline as its bound."""
    return _BASELINE.sub("1", expression) if isinstance(expression, str) else expression


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
        given = [1.0 / len(metrics) for _ in metrics] if weights is None else list(weights)
        if not metrics or len(given) != len(metrics):
            raise InvalidValueError("weights of a constraint", given, f"Give one for each of {len(metrics)} metrics.")
        self._set(metrics, given, op, bound, relative)
