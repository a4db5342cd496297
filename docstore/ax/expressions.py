"""Objectives and constraints on outcomes: their expressions, and what Ax parsed of them.

Ax parses an expression with SymPy whenever it makes such an object, which takes milliseconds. What it parsed is stored
beside the expression, number by number as it is: some weights are ints beside floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ax.core.objective import MultiObjective, Objective, ScalarizedObjective
from ax.core.outcome_constraint import ObjectiveThreshold, OutcomeConstraint, ScalarizedOutcomeConstraint
from ax.core.types import ComparisonOp

from docstore.ax.entries import entry, in_order
from docstore.codec.classes.field_tables import Field
from docstore.codec.registry import Entry

EXPRESSION = Field("_expression_str", str, key="expression")
SIGNATURES = Field("_metric_name_to_signature", dict[str, str])
PARSED = Field("_parsed", stored=False)


def _terms(objective: Any) -> list[list[tuple[str, float]]] | None:
    """Return the metrics and their weights in each of the objectives; None if Ax did not parse the expression yet."""
    parsed = vars(objective).get("_parsed")
    return None if parsed is None else parsed[1]


def _restore_objective(objective: Any, terms: list[list[tuple[str, float]]] | None) -> None:
    if terms is not None:
        objective.__dict__["_parsed"] = ([name for each in terms for name, _ in each], terms)


def _part_of_constraint(place: int) -> Callable[[Any], Any]:
    """Return a function that returns what Ax parsed of a constraint at *place*; None if it did not parse it yet."""

    def part(constraint: Any) -> Any:
        parsed = vars(constraint).get("_parsed")
        return None if parsed is None else parsed[place]

    return part


def _weights(constraint: Any) -> dict[str, float] | None:
    """Return the weight of each metric, by its name; None if Ax did not parse the expression yet.

    Or if a metric has several: then Ax parses the expression again, and adds them up.
    """
    terms = _part_of_constraint(0)(constraint) or []
    weights = dict(terms)
    return weights if terms and len(weights) == len(terms) else None


def _order(constraint: Any) -> list[str] | None:
    """Return the names of the metrics in the order of their terms, unless they are sorted."""
    names = [*(_weights(constraint) or ())]
    return None if names == sorted(names) else names


def _restore_constraint(
    constraint: Any, weights: Mapping[str, float] | None, order: list[str] | None, op: Any, bound: Any, relative: Any
) -> None:
    if weights is not None:
        constraint.__dict__["_parsed"] = ([*in_order(weights, order).items()], op, bound, relative)


def _objective(cls: type) -> Entry:
    terms = Field("terms", list[list[tuple[str, float]]], get=_terms, omits_none=True)
    return entry(cls, EXPRESSION, SIGNATURES, PARSED, terms, restored=_restore_objective)


def _constraint(cls: type) -> Entry:
    return entry(
        cls,
        EXPRESSION,
        SIGNATURES,
        PARSED,
        Field("weights", dict[str, float], get=_weights, omits_none=True),
        Field("order", list[str], get=_order, omits_none=True),
        Field("op", ComparisonOp, get=_part_of_constraint(1), omits_none=True),
        Field("bound", float, get=_part_of_constraint(2), omits_none=True),
        Field("relative", bool, get=_part_of_constraint(3), omits_none=True),
        restored=_restore_constraint,
    )


ENTRIES = (
    *map(_objective, (Objective, MultiObjective, ScalarizedObjective)),
    *map(_constraint, (OutcomeConstraint, ObjectiveThreshold, ScalarizedOutcomeConstraint)),
)
