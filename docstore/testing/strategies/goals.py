"""Strategies for what an experiment is after: metrics, objectives of every sort, and constraints on outcomes."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from docstore.model import (
    ComparisonOp,
    MapMetric,
    Metric,
    MultiObjective,
    MultiObjectiveOptimizationConfig,
    Objective,
    ObjectiveThreshold,
    OptimizationConfig,
    OutcomeConstraint,
    ScalarizedObjective,
    ScalarizedOutcomeConstraint,
)
from docstore.testing.strategies.values import INSIDE, json_documents, keys, texts

_NAMES: Final = ("accuracy", "train/loss", "\u00e9tat", "e\u0301tat", "val-loss, mean", "qps ", "QPS", "\U0001f370 (%)")
_FINITE: Final = st.floats(allow_nan=False, allow_infinity=False)
_WEIGHTS: Final = _FINITE | st.integers(-(2**70), 2**70)


def metric_names() -> SearchStrategy[str]:
    """Draw the name of a metric, often one that an expression needs care with."""
    return st.sampled_from(_NAMES)


def metrics(named: SearchStrategy[str]) -> SearchStrategy[Metric]:
    """Draw a metric of one of these names, measured once or at several steps."""
    better, properties = (
        st.sampled_from([None, True, False]),
        st.dictionaries(keys(), json_documents(INSIDE), max_size=1),
    )
    return st.one_of(*(st.builds(cls, named, better, properties, st.none() | texts()) for cls in (Metric, MapMetric)))


@st.composite
def optimization_configs(draw: st.DrawFn) -> OptimizationConfig:
    """Draw one objective or several, with constraints on other metrics."""
    unused = iter(draw(st.permutations(_NAMES)))

    def two() -> list[Metric]:
        return [draw(metrics(st.just(next(unused)))) for _ in range(2)]

    objective = draw(st.sampled_from([_single, _expression, _weighted, _multiple]))(draw, two())
    constraints = [draw(_CONSTRAINTS)(draw, two()) for _ in range(draw(st.integers(0, 2)))]
    objective.metric_name_to_signature = draw(st.dictionaries(texts(), texts(), max_size=1))
    if not objective.is_multi_objective:
        return OptimizationConfig(objective, constraints)
    return MultiObjectiveOptimizationConfig(objective, constraints, draw(_thresholds(objective)))


# --- objectives ------------------------------------------------------------------------------------------------------


def _direction(draw: st.DrawFn, metric: Metric) -> bool:
    return draw(st.booleans()) if metric.lower_is_better is None else metric.lower_is_better


def _single(draw: st.DrawFn, several: list[Metric]) -> Objective:
    return Objective(metric=several[0], minimize=_direction(draw, several[0]))


def _expression(draw: st.DrawFn, several: list[Metric]) -> Objective:
    return Objective(draw(st.sampled_from(["-loss", "2*recall + 1e-300*test/loss", "\u00fcber, -5e-324*loss"])))


def _weighted(draw: st.DrawFn, several: list[Metric]) -> Objective:
    minimize = draw(st.booleans())
    for metric in several:
        metric.lower_is_better = None
    return ScalarizedObjective(several, draw(st.lists(_WEIGHTS, min_size=2, max_size=2)), minimize)


def _multiple(draw: st.DrawFn, several: list[Metric]) -> Objective:
    return MultiObjective([Objective(metric=metric, minimize=_direction(draw, metric)) for metric in several])


@st.composite
def _thresholds(draw: st.DrawFn, objective: Objective) -> list[OutcomeConstraint]:
    found: list[OutcomeConstraint] = []
    for name, weight in objective.metric_weights:
        if draw(st.booleans()):
            op = ComparisonOp.LEQ if weight < 0 else ComparisonOp.GEQ
            found.append(ObjectiveThreshold(Metric(name), draw(_FINITE), draw(st.booleans()), op))
    return found


# --- constraints on outcomes -----------------------------------------------------------------------------------------


def _bound(draw: st.DrawFn, several: list[Metric]) -> OutcomeConstraint:
    options: dict[str, Any] = {"op": draw(st.sampled_from(ComparisonOp)), "bound": draw(_FINITE)}
    return OutcomeConstraint(metric=several[0], relative=draw(st.booleans()), **options)


def _weighted_bound(draw: st.DrawFn, several: list[Metric]) -> OutcomeConstraint:
    weights = draw(st.none() | st.lists(_WEIGHTS, min_size=len(several), max_size=len(several)))
    op, bound = draw(st.sampled_from(ComparisonOp)), draw(_FINITE)
    return ScalarizedOutcomeConstraint(several, op, bound, draw(st.booleans()), weights)


_CONSTRAINTS: Final = st.sampled_from([_bound, _weighted_bound])
