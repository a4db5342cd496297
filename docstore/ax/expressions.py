"""Objectives and constraints on outcomes: their expressions, and what Ax parsed of them.

Ax parses an expression with SymPy whenever it makes such an object, which takes milliseconds. What it parsed is stored
beside the expression, number by number as it is: some weights are ints beside floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ax.core.objective import MultiObjective, Objective, ScalarizedObjective
from ax.core.outcome_constraint import ObjectiveThreshold, OutcomeConstraint, ScalarizedOutcomeConstraint
from ax.core.types import ComparisonOp

from docstore.ax.entries import entry
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


def _restore_constraint(constraint: Any, weights: Any, op: Any, bound: Any, relative: Any) -> None:
    if weights is not None:
        constraint.__dict__["_parsed"] = (weights, op, bound, relative)


def _objective(cls: type) -> Entry:
    terms = Field("terms", list[list[tuple[str, float]]], get=_terms, omits_none=True)
    return entry(cls, EXPRESSION, SIGNATURES, PARSED, terms, restored=_restore_objective)


def _constraint(cls: type) -> Entry:
    return entry(
        cls,
        EXPRESSION,
        SIGNATURES,
        PARSED,
        Field("weights", list[tuple[str, float]], get=_part_of_constraint(0), omits_none=True),
        Field("op", ComparisonOp, get=_part_of_constraint(1), omits_none=True),
        Field("bound", float, get=_part_of_constraint(2), omits_none=True),
        Field("relative", bool, get=_part_of_constraint(3), omits_none=True),
        restored=_restore_constraint,
    )


ENTRIES = (
    *map(_objective, (Objective, MultiObjective, ScalarizedObjective)),
    *map(_constraint, (OutcomeConstraint, ObjectiveThreshold, ScalarizedOutcomeConstraint)),
)
