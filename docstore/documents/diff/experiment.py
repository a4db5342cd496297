"""The difference of two states of an experiment in its own terms: the search space, what is sought, and its trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, join_pointer, token_order
from docstore.documents.diff.format import Way, read_in_full, read_name, read_one, short
from docstore.documents.diff.lines import (
    Line,
    ListOf,
    Members,
    Pair,
    Tell,
    by,
    in_brackets,
    items,
    member,
    one_by_one,
    plain_lines,
    tell_members,
    text_of,
    whole,
)
from docstore.documents.diff.trial import Trial, arm_lines, arm_text, trial_lines
from docstore.documents.kinds import HEAD, split_path


def experiment_lines(old: Mapping[str, JSON], new: Mapping[str, JSON], unequal: set[str]) -> list[Line]:
    """Return what changed from one state of an experiment to another: at least one line of each piece that did.

    It looks at JSON only. What has another shape than an experiment's is told by its place.

    Shapes:
        old, new: the head and parts, by path: those that differ, and the trials by whose arms data are told
        unequal: the paths of those that are not the same in both
    """
    order = [*_parameter_names(new[HEAD]), *_parameter_names(old[HEAD])]
    lines = _head_lines(old[HEAD], new[HEAD], order) if HEAD in unequal else []
    for key in sorted({split_path(path)[1] for path in unequal if path != HEAD}, key=token_order):
        paths = [join_pointer((field, key)) for field in ("trials", "data")]
        trial, data = (_sides(old, new, path, path in unequal) for path in paths)
        lines += trial_lines(Trial(key, trial, data, order))
    return lines


def _sides(old: Mapping[str, JSON], new: Mapping[str, JSON], path: str, differ: bool) -> tuple[MaybeJSON, MaybeJSON]:
    """Return a part as it was and as it is; one that is the same in both may be left out of either."""
    was, now = old.get(path, ABSENT), new.get(path, ABSENT)
    return (was, now) if differ else (was if now is ABSENT else now,) * 2


def _parameter_names(head: JSON) -> list[str]:
    parameters = member(member(head, "search_space"), "parameters")
    names = [text_of(parameter, "name") for parameter in items(parameters)]
    return [name for name in names if name is not None]


def _head_lines(was: JSON, now: JSON, order: Sequence[str]) -> list[Line]:
    if not isinstance(was, dict) or not isinstance(now, dict):
        return plain_lines("", (), was, now)
    return tell_members("", (), was, now, _head_tells(order))


def _of_members(tells: Mapping[str, Tell]) -> Tell:
    """Return what tells of an object by its members; and so too of one that stands where there was none, or was."""

    def tell(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
        if isinstance(was, dict) and isinstance(now, dict):
            return tell_members(subject, way, was, now, tells)
        if isinstance(now, dict) and was in (None, ABSENT):
            return tell_members(subject, way, {}, _filled(now), tells)
        if isinstance(was, dict) and now in (None, ABSENT):
            return tell_members(subject, way, _filled(was), {}, tells)
        return []

    return tell


def _filled(members: Members) -> Members:
    return {key: value for key, value in members.items() if key != TAG and value not in (None, [], {})}


def _whole_or_members(subject: str, pair: Pair, text: Callable[[JSON], str], tells: Mapping[str, Tell]) -> list[Line]:
    """Return the lines of what is a subject by itself: of one of another class, first what each of the two is."""
    was, now, texts = pair.was, pair.now, pair.read(text)
    if not isinstance(was, dict) or not isinstance(now, dict):
        return [whole(subject, *texts)]
    if was.get(TAG) == now.get(TAG) or texts[0] == texts[1] or not all(texts):
        return tell_members(subject, (), was, now, tells)
    shared = was.keys() & now.keys()
    one, other = ({key: side[key] for key in shared} for side in (was, now))
    return [whole(subject, *texts), *tell_members(subject, (), one, other, tells)]


# --- parameters, metrics, the runner, the status quo ------------------------------------------------------------------


def _value_lines(subject: str, pair: Pair) -> list[Line]:
    return [Line(subject, "value", *pair.read(read_one))]


def _parameter_lines(subject: str, pair: Pair) -> list[Line]:
    values = ListOf("values", read_one, one_by_one(_value_lines))
    return _whole_or_members(f"parameter {pair.key}", pair, _parameter_text, {"values": values})


def _parameter_text(parameter: JSON) -> str:
    """Return ``FLOAT from 0.0 to 1.0``, or what there is to say of another class."""
    assert isinstance(parameter, dict)  # it has a name
    kind = [read_in_full(parameter[key]) for key in ("parameter_type",) if key in parameter]
    scale = ["log scale" for key in ("log_scale",) if parameter.get(key) is True]
    extent = short(", ".join([" ".join([*kind, _extent(parameter)]), *scale]))
    rest = in_brackets({key: value for key, value in parameter.items() if value is not False}, _TOLD)
    return f"{extent} {rest}".rstrip()


_TOLD: Final = frozenset(
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
    return read_in_full(parameter.get(TAG))


def _metric_lines(subject: str, pair: Pair) -> list[Line]:
    return _whole_or_members(f"metric {pair.key}", pair, _metric_text, {})


def _metric_of_objective(subject: str, pair: Pair) -> list[Line]:
    label = f"metric {pair.key}"
    if pair.was is ABSENT or pair.now is ABSENT:
        return [Line(subject, label, *pair.read(lambda metric: f"({text})" if (text := _metric_text(metric)) else ""))]
    return plain_lines(subject, (), pair.was, pair.now, of=label)


def _metric_text(metric: JSON) -> str:
    tag, lower = text_of(metric, TAG), member(metric, "lower_is_better")
    better = {True: "lower is better", False: "higher is better"}.get(lower) if isinstance(lower, bool) else None
    return short(", ".join(filter(None, (tag if tag != "Metric" else None, better))))


def _runner(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
    pair = Pair("runner", ABSENT if was is None else was, ABSENT if now is None else now, way)
    there = [side for side in (pair.was, pair.now) if side is not ABSENT]
    is_object = there and all(isinstance(side, dict) and TAG in side for side in there)
    return _whole_or_members("runner", pair, read_one, {}) if is_object else []


def _status_quo(order: Sequence[str]) -> Tell:
    def tell(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
        pair = Pair("status quo", ABSENT if was is None else was, ABSENT if now is None else now, way)
        if isinstance(was, dict) and isinstance(now, dict):
            return arm_lines("status quo", pair)
        is_arm = isinstance(was if pair.now is ABSENT else now, dict) and ABSENT in (pair.was, pair.now)
        return [whole("status quo", *pair.read(lambda arm: arm_text(arm, order)))] if is_arm else []

    return tell


# --- the objective, and constraints ----------------------------------------------------------------------------------


def _objective(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
    texts = [_objective_text(side) for side in (was, now)]
    if isinstance(was, dict) and isinstance(now, dict):
        metrics: dict[str, Tell] = {"metrics": ListOf("metrics", by("name"), one_by_one(_metric_of_objective))}
        changed = [whole("objective", *texts)] if None not in texts and texts[0] != texts[1] else []
        sides = [{key: side[key] for key in side if key != "expression" or not changed} for side in (was, now)]
        return changed + tell_members("objective", (), sides[0], sides[1], metrics)
    is_one = was in (None, ABSENT) or now in (None, ABSENT)
    return [whole("objective", *texts)] if is_one and texts != [None, None] else []


def _objective_text(objective: MaybeJSON) -> str | None:
    """Return ``minimize loss`` of ``-loss``, and of a sum that it is to be as large as can be."""
    expression, metrics = text_of(objective, "expression"), member(objective, "metrics")
    names = {text_of(metric, "name") for metric in items(metrics)}
    if expression is None:
        return None
    parts = [expression] if expression.removeprefix("-") in names else expression.split(", ")
    return short(" and ".join(_goal(part, names) for part in parts))


def _goal(part: str, names: Collection[str | None]) -> str:
    rest = part.removeprefix("-")
    return f"minimize {rest}" if rest != part and (rest in names or _PLAIN.fullmatch(rest)) else f"maximize {part}"


_PLAIN: Final = re.compile(r"[^\W\d]\w*([./:][^\W\d]\w*)*")
_SIGNS: Final = {"LEQ": "<=", "GEQ": ">="}
_SAID: Final = frozenset({"weights", "constraint_dict", "op", "is_equality", "bound", "relative"})
"""Members of a constraint that its text says."""


def _constraints(thing: str) -> ListOf:
    def tell(subject: str, pair: Pair) -> list[Line]:
        texts, sum_of = pair.read(_constraint_text), pair.key.rpartition(" ")[0]
        if not isinstance(pair.was, dict) or not isinstance(pair.now, dict):
            return [whole(thing, *texts)]
        if texts[0] == texts[1]:
            return plain_lines(thing, (), pair.was, pair.now, of=sum_of)
        sides = [{key: side[key] for key in side.keys() - _SAID} for side in (pair.was, pair.now)]
        return [whole(thing, *texts), *plain_lines(thing, (), *sides, of=sum_of)]

    return ListOf(f"{thing}s", _left_side, one_by_one(tell))


def _left_side(constraint: JSON) -> str | None:
    """Return ``x + 2.0*y <=``, or None where it is no constraint."""
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


def _constraint_text(constraint: JSON) -> str:
    assert isinstance(constraint, dict)  # it has a left side
    relative = " % (relative)" if constraint.get("relative") is True else ""
    return short(f"{_left_side(constraint)} {read_in_full(constraint['bound'])}{relative}")


def _head_tells(order: Sequence[str]) -> Mapping[str, Tell]:
    """Return what tells of each member of an experiment's head."""
    space = {
        "parameters": ListOf("parameters", by("name"), one_by_one(_parameter_lines)),
        "parameter_constraints": _constraints("parameter constraint"),
    }
    config: dict[str, Tell] = {
        "objective": _objective,
        "outcome_constraints": _constraints("outcome constraint"),
        "objective_thresholds": _constraints("objective threshold"),
    }
    return {
        "search_space": _of_members(space),
        "optimization_config": _of_members(config),
        "tracking_metrics": ListOf("metrics", by("name"), one_by_one(_metric_lines)),
        "runner": _runner,
        "status_quo": _status_quo(order),
    }
