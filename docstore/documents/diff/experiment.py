"""The diff of an experiment in its own terms: the search space, the objective and constraints, and its trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, join_pointer, token_order
from docstore.documents.diff.format import read_in_full, read_name, read_one, short
from docstore.documents.diff.lines import (
    Describe,
    Line,
    ListOf,
    Members,
    Pair,
    by,
    in_brackets,
    items,
    member,
    member_lines,
    one_by_one,
    plain_lines,
    text_of,
    whole,
    without_tag,
)
from docstore.documents.diff.trial import TrialPair, arm_lines, arm_text, trial_lines
from docstore.documents.kinds import HEAD, class_name, split_path


def experiment_lines(old: Mapping[str, JSON], new: Mapping[str, JSON], unequal: set[str]) -> list[Line]:
    """Return the lines of two states of an experiment: at least one for each piece that differs.

    Values of another shape than an experiment's are described by their pointer.

    Shapes:
        old, new: the head and parts, by path: those that differ, and the trials whose arms name the data
        unequal: the paths of those that are not the same in both
    """
    order = [*_parameter_names(new[HEAD]), *_parameter_names(old[HEAD])]
    head = Pair(old[HEAD], new[HEAD])
    plain = Pair(_without_plain_signatures(head.was), _without_plain_signatures(head.now))
    lines = (_head_lines(plain, order) or _head_lines(head, order)) if HEAD in unequal else []
    for key in sorted({split_path(path)[1] for path in unequal if path != HEAD}, key=token_order):
        paths = [join_pointer((field, key)) for field in ("trials", "data")]
        trial, data = (_part(old, new, path, path in unequal) for path in paths)
        lines += trial_lines(TrialPair(key, trial, data, order))
    return lines


def _part(old: Mapping[str, JSON], new: Mapping[str, JSON], path: str, differs: bool) -> Pair:
    """Return a part before and after; one that is the same in both may be left out of either."""
    was, now = old.get(path, ABSENT), new.get(path, ABSENT)
    either = was if now is ABSENT else now
    return Pair(was, now) if differs else Pair(either, either)


def _parameter_names(head: JSON) -> list[str]:
    parameters = member(member(head, "search_space"), "parameters")
    names = [text_of(parameter, "name") for parameter in items(parameters)]
    return [name for name in names if name is not None]


def _without_plain_signatures(head: MaybeJSON) -> MaybeJSON:
    """Return the head without the signatures of metrics that are their names.

    Ax writes those of all metrics in the objective and in each constraint.
    """

    def shown(value: JSON) -> JSON:
        if isinstance(value, list):
            return [*map(shown, value)]
        signatures = member(value, "metric_name_to_signature")
        if not isinstance(value, dict) or not isinstance(signatures, dict):
            return value
        others = {name: signature for name, signature in signatures.items() if name != signature}
        return {**value, "metric_name_to_signature": others}

    config = member(head, "optimization_config")
    if not isinstance(head, dict) or not isinstance(config, dict):
        return head
    return {**head, "optimization_config": {key: shown(value) for key, value in config.items()}}


def _head_lines(head: Pair, order: Sequence[str]) -> list[Line]:
    """Return the lines of the head; *order* is the order of the parameters in the search space."""
    space: dict[str, Describe] = {
        "parameters": ListOf("parameters", by("name"), one_by_one(_parameter_lines)),
        "parameter_constraints": _constraints("parameter constraint"),
    }
    config: dict[str, Describe] = {
        "objective": _objective,
        "outcome_constraints": _constraints("outcome constraint"),
        "objective_thresholds": _constraints("objective threshold"),
    }
    members: dict[str, Describe] = {
        "search_space": _object_of(space),
        "optimization_config": _object_of(config),
        "tracking_metrics": ListOf("metrics", by("name"), one_by_one(_metric_lines)),
        "runner": _runner,
        "status_quo": _status_quo(order),
    }
    return member_lines("", head, members)


def _object_of(described: Mapping[str, Describe]) -> Describe:
    """Return a function that describes an object by its members, also one that was added or removed."""

    def describe(subject: str, pair: Pair) -> list[Line]:
        was, now = pair.was, pair.now
        if pair.dicts is not None:
            return member_lines(subject, pair, described)
        if isinstance(now, dict) and was in (None, ABSENT):
            return member_lines(subject, Pair({}, without_tag(now, None, [], {}), pair.way), described)
        if isinstance(was, dict) and now in (None, ABSENT):
            return member_lines(subject, Pair(without_tag(was, None, [], {}), {}, pair.way), described)
        return []

    return describe


def _whole_or_members(
    subject: str, pair: Pair, text: Callable[[JSON], str], described: Mapping[str, Describe]
) -> list[Line]:
    """Return the lines of an object that is a subject; if its class changed, first the *text* of each."""
    texts = pair.read(text)
    if pair.dicts is None:
        return [whole(subject, *texts)]
    was, now = pair.dicts
    if was.get(TAG) == now.get(TAG) or texts[0] == texts[1] or not all(texts):
        return member_lines(subject, pair.alone, described)
    shared = pair.without(was.keys() ^ now.keys())
    return [whole(subject, *texts), *member_lines(subject, shared, described)]


def _null_as_absent(pair: Pair) -> Pair:
    return Pair(ABSENT if pair.was is None else pair.was, ABSENT if pair.now is None else pair.now)


# --- parameters, metrics, the runner, the status quo ------------------------------------------------------------------


def _value_lines(subject: str, pair: Pair) -> list[Line]:
    return [Line(subject, "value", *pair.read(read_one))]


def _parameter_lines(subject: str, pair: Pair) -> list[Line]:
    values = ListOf("values", read_one, one_by_one(_value_lines))
    return _whole_or_members(f"parameter {pair.key}", pair, _parameter_text, {"values": values})


def _parameter_text(parameter: JSON) -> str:
    """Return ``FLOAT from 0.0 to 1.0``, or the class and its other members."""
    assert isinstance(parameter, dict)  # it has a name
    kind = [read_in_full(parameter[key]) for key in ("parameter_type",) if key in parameter]
    scale = ["log scale" for key in ("log_scale",) if parameter.get(key) is True]
    extent = short(", ".join([" ".join([*kind, _extent(parameter)]), *scale]))
    rest = in_brackets({key: value for key, value in parameter.items() if value is not False}, _IN_PARAMETER_TEXT)
    return f"{extent} {rest}".rstrip()


_IN_PARAMETER_TEXT: Final = frozenset(
    {
        *(TAG, "name", "parameter_type", "log_scale", "lower", "upper", "values", "value", "expression_str"),
        *("is_ordered", "sort_values"),
    }
)
"""Members of a parameter that are in its text, or follow from its values."""


def _extent(parameter: Members) -> str:
    values = parameter.get("values")
    if "lower" in parameter and "upper" in parameter:
        return f"from {read_in_full(parameter['lower'])} to {read_in_full(parameter['upper'])}"
    if isinstance(values, list):
        return f"of {', '.join(map(read_in_full, values))}"
    if "value" in parameter:
        return f"fixed at {read_in_full(parameter['value'])}"
    if isinstance(expression := parameter.get("expression_str"), str):
        return f"derived from {expression}"
    tag = parameter.get(TAG)
    return read_in_full(class_name(tag) if isinstance(tag, str) else tag)


def _metric_lines(subject: str, pair: Pair) -> list[Line]:
    return _whole_or_members(f"metric {pair.key}", pair, _metric_text, {})


def _metric_of_objective(subject: str, pair: Pair) -> list[Line]:
    label = f"metric {pair.key}"
    if ABSENT in (pair.was, pair.now):
        return [Line(subject, label, *pair.read(lambda metric: f"({text})" if (text := _metric_text(metric)) else ""))]
    return plain_lines(subject, pair.alone, of=label)


def _metric_text(metric: JSON) -> str:
    name, lower = class_name(text_of(metric, TAG) or ""), member(metric, "lower_is_better")
    better = {True: "lower is better", False: "higher is better"}.get(lower) if isinstance(lower, bool) else None
    return short(", ".join(filter(None, (name if name != "Metric" else None, better))))


def _runner(subject: str, pair: Pair) -> list[Line]:
    pair = _null_as_absent(pair)
    present = [side for side in (pair.was, pair.now) if side is not ABSENT]
    is_object = present and all(isinstance(side, dict) and TAG in side for side in present)
    return _whole_or_members("runner", pair, read_one, {}) if is_object else []


def _status_quo(order: Sequence[str]) -> Describe:
    def describe(subject: str, pair: Pair) -> list[Line]:
        pair = _null_as_absent(pair)
        if pair.dicts is not None:
            return arm_lines("status quo", pair)
        present = [side for side in (pair.was, pair.now) if side is not ABSENT]
        is_arm = len(present) == 1 and isinstance(present[0], dict)
        return [whole("status quo", *pair.read(lambda arm: arm_text(arm, order)))] if is_arm else []

    return describe


# --- the objective, and constraints ----------------------------------------------------------------------------------


def _objective(subject: str, pair: Pair) -> list[Line]:
    texts = [objective_text(side) for side in (pair.was, pair.now)]
    if pair.dicts is not None:
        metrics: dict[str, Describe] = {"metrics": ListOf("metrics", by("name"), one_by_one(_metric_of_objective))}
        changed = [whole("objective", *texts)] if None not in texts and texts[0] != texts[1] else []
        return changed + member_lines("objective", pair.without(_IN_OBJECTIVE_TEXT if changed else set()), metrics)
    is_one = pair.was in (None, ABSENT) or pair.now in (None, ABSENT)
    return [whole("objective", *texts)] if is_one and texts != [None, None] else []


def objective_text(objective: MaybeJSON) -> str | None:
    """Return ``minimize loss`` for ``-loss``, and ``maximize a + b`` for a sum."""
    expression, metrics = text_of(objective, "expression"), member(objective, "metrics")
    names = {text_of(metric, "name") for metric in items(metrics)} | _parsed_names(objective)
    if expression is None:
        return None
    parts = [expression] if expression.removeprefix("-") in names else expression.split(", ")
    return short(" and ".join(_goal(part, names) for part in parts))


def _parsed_names(objective: MaybeJSON) -> set[str | None]:
    """Return the names of metrics that Ax parsed of an objective."""
    terms = [term for each in items(member(objective, "terms")) for term in items(each)]
    return {term[0] for term in terms if isinstance(term, list) and term and isinstance(term[0], str)}


def _goal(part: str, names: Collection[str | None]) -> str:
    rest = part.removeprefix("-")
    return f"minimize {rest}" if rest != part and (rest in names or _PLAIN.fullmatch(rest)) else f"maximize {part}"


_PLAIN: Final = re.compile(r"[^\W\d]\w*([./:][^\W\d]\w*)*")
_SIGNS: Final = {"LEQ": "<=", "GEQ": ">="}
_IN_OBJECTIVE_TEXT: Final = frozenset({"expression", "terms"})
_IN_CONSTRAINT_TEXT: Final = frozenset(
    {"expression", "constraint_str", "order", "weights", "constraint_dict", "op", "is_equality", "bound", "relative"}
)


def _constraints(thing: str) -> ListOf:
    def describe(subject: str, pair: Pair) -> list[Line]:
        texts, weighted_sum = pair.read(constraint_text), pair.key.rpartition(" ")[0]
        if pair.dicts is None:
            return [whole(thing, *texts)]
        if texts[0] == texts[1]:
            return plain_lines(thing, pair.alone, of=weighted_sum)
        return [whole(thing, *texts), *plain_lines(thing, pair.without(_IN_CONSTRAINT_TEXT), of=weighted_sum)]

    return ListOf(f"{thing}s", _left_side, one_by_one(describe))


def _left_side(constraint: JSON) -> str | None:
    """Return ``x + 2.0*y <=``, or None if it is not a constraint."""
    if not isinstance(constraint, dict) or "bound" not in constraint:
        return None
    weights = constraint.get("weights", constraint.get("constraint_dict"))
    op = constraint.get("op", "LEQ")
    sign = "==" if constraint.get("is_equality") is True else _SIGNS.get(op) if isinstance(op, str) else None
    if sign is None or not isinstance(weights, dict) or not weights or TAG in weights:
        return None
    return f"{' + '.join(_term(name, weight) for name, weight in weights.items()).replace(' + -', ' - ')} {sign}"


def _term(name: str, weight: JSON) -> str:
    text = read_in_full(weight)
    return {"1.0": "", "-1.0": "-"}.get(text, f"{text}*") + read_name(name)


def constraint_text(constraint: JSON) -> str:
    """Return a constraint as ``x + 2.0*y <= 3.0``; any other JSON as its text."""
    left = _left_side(constraint)
    if left is None or not isinstance(constraint, dict):
        return read_one(constraint)
    relative = " % (relative)" if constraint.get("relative") is True else ""
    return short(f"{left} {read_in_full(constraint['bound'])}{relative}")
