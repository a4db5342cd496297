"""The goal, the constraints and the parameters of an experiment as text, by the JSON of its head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from docstore.documents.canonical import JSON, TAG
from docstore.documents.diff.experiment import constraint_text
from docstore.documents.diff.format import read_in_full, read_one
from docstore.errors import InvalidValueError
from docstore.search.experiments.best import objectives_of
from docstore.search.experiments.read import at, items

_CHOICES: Final = 20
"""Values of a parameter that its text has."""


def goal_text(head: Mapping[str, JSON]) -> str:
    """Return ``minimize loss``, or ``minimize loss, maximize taste``; the expression if it cannot be read; or ""."""
    if goals := _objectives(head):
        return ", ".join(direction_text(weights, minimize=is_min) for weights, is_min in goals)
    expression = at(head.get("optimization_config"), "objective", "expression")
    return expression if isinstance(expression, str) else ""


def _objectives(head: Mapping[str, JSON]) -> list[tuple[dict[str, float], bool]]:
    """Return the objectives as ``objectives_of``; none if they cannot be read."""
    try:
        return objectives_of(at(head.get("optimization_config"), "objective"))
    except InvalidValueError:
        return []


def direction_text(weights: Mapping[str, float], *, minimize: bool) -> str:
    """Return ``minimize loss``, or ``maximize a - 0.5 b`` for a weighted sum of metrics."""
    text = " + ".join(name if weight == 1 else f"{weight:g} {name}" for name, weight in weights.items())
    return f"{'min' if minimize else 'max'}imize {text}".replace("+ -", "- ")


def constraints_text(head: Mapping[str, JSON]) -> list[str]:
    """Return the outcome constraints, the thresholds of objectives, and the constraints of parameters."""
    config, space = head.get("optimization_config"), head.get("search_space")
    places = ((config, "outcome_constraints"), (config, "objective_thresholds"), (space, "parameter_constraints"))
    return [constraint_text(each) for place, field in places for each in items(place, field)]


def tracking_metrics(head: Mapping[str, JSON]) -> list[str]:
    """Return the names of the experiment's metrics that no objective and no constraint has."""
    config = head.get("optimization_config")
    bounds = [*items(config, "outcome_constraints"), *items(config, "objective_thresholds")]
    used = {name for weights, _ in _objectives(head) for name in weights}
    used |= {name for each in bounds if isinstance(weights := at(each, "weights"), dict) for name in weights}
    names = (at(metric, "name") for metric in items(head.get("tracking_metrics")))
    return [name for name in names if isinstance(name, str) and name not in used]


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter of the search space: its name, its class in words, its type, and what it may be."""

    name: str
    form: str
    type: str
    values: str
    note: str


def parameter_rows(head: Mapping[str, JSON]) -> list[ParameterRow]:
    """Return the parameters of the search space, in its order."""
    return [_parameter(each) for each in items(head.get("search_space"), "parameters")]


def _parameter(parameter: JSON) -> ParameterRow:
    form = str(at(parameter, TAG)).rpartition(".")[2].removesuffix("Parameter").lower()
    lower, upper = at(parameter, "lower"), at(parameter, "upper")
    values = f"{read_in_full(lower)} to {read_in_full(upper)}" if lower is not None else _choices(parameter)
    notes = ("log_scale", "logit_scale", "is_fidelity", "is_ordered", "is_task")
    note = ", ".join(each.removeprefix("is_").replace("_", " ") for each in notes if at(parameter, each) is True)
    return ParameterRow(str(at(parameter, "name")), form, str(at(parameter, "parameter_type")).lower(), values, note)


def _choices(parameter: JSON) -> str:
    values = items(parameter, "values")
    if values:
        more = f" and {len(values) - _CHOICES:,} more" if len(values) > _CHOICES else ""
        return ", ".join(map(read_one, values[:_CHOICES])) + more
    known = (at(parameter, key) for key in ("value", "expression_str"))
    return ", ".join(read_one(each) for each in known if each is not None)
