"""The diff of a trial in its own terms: its status, its arms, and the observations on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON
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
    line,
    member,
    member_lines,
    one_by_one,
    plain_lines,
    text_of,
    whole,
    without_tag,
)


@dataclass(frozen=True, slots=True)
class TrialPair:
    """A trial and its data, before and after; *order* is the order of the parameters in the search space."""

    key: str
    trial: Pair
    data: Pair
    order: Sequence[str]

    @property
    def subject(self) -> str:
        """``trial 7``."""
        return f"trial {read_name(self.key)}"

    @property
    def has_several_arms(self) -> bool:
        """Whether a line must say which arm it is about."""
        named = {text_of(arm, "name") for side in (self.trial.was, self.trial.now) for arm in _arms_of(side)}
        records = [each for side in (self.data.was, self.data.now) for each in items(member(side, "records"))]
        return len(named | {text_of(record, "arm_name") for record in records}) > 1


def trial_lines(pair: TrialPair) -> list[Line]:
    """Return the lines of a trial and of its data."""
    lines = _lines_of_trial(pair.subject, pair.trial, pair.order) if pair.trial.differs else []
    return lines + (_data_lines(pair) if pair.data.differs else [])


def _arms_of(trial: MaybeJSON) -> Iterator[JSON]:
    for run in (member(trial, "generator_run"), *items(member(trial, "generator_runs"))):
        yield from items(member(run, "arms"))


def _lines_of_trial(subject: str, pair: Pair, order: Sequence[str]) -> list[Line]:
    if pair.dicts is not None:
        return member_lines(subject, pair, _members_of_trial(order))
    if ABSENT not in (pair.was, pair.now):
        return plain_lines(subject, pair)
    return [whole(subject, *pair.read(lambda each: _trial_text(each, order)))]


def _trial_text(trial: JSON, order: Sequence[str]) -> str:
    """Return ``RUNNING, arm 7_0 (x 0.3, flour rye)``; of several arms, only their names."""
    if not isinstance(trial, dict):
        return read_one(trial)
    arms = list(_arms_of(trial))
    status = [read_one(trial[key]) for key in ("status",) if trial.get(key) is not None]
    if len(arms) == 1:
        return ", ".join([*status, arm_text(arms[0], order)])
    names = short(", ".join(read_name(text_of(arm, "name") or "") for arm in arms))
    return ", ".join([*status, *([f"{len(arms)} arms: {names}"] if arms else [])])


def _members_of_trial(order: Sequence[str]) -> Mapping[str, Describe]:
    """Return the functions that describe the members of a trial."""

    def arm(subject: str, pair: Pair) -> list[Line]:
        label = f"arm {pair.key}"
        if ABSENT in (pair.was, pair.now):
            return [Line(subject, label, *pair.read(lambda each: _setting(each, order)))]
        return arm_lines(subject, pair, of=label)

    def run(subject: str, pair: Pair) -> list[Line]:
        if pair.dicts is not None:
            return member_lines(subject, _with_named_weights(pair), {"arms": arms, "weights": _weights})
        if ABSENT in (pair.was, pair.now) or None in (pair.was, pair.now):
            return arms(subject, pair.member("arms"))
        return []

    def each_run(subject: str, pair: Pair) -> list[Line]:
        return run(subject, pair) or plain_lines(subject, pair)

    arms = ListOf("arms", by("name"), one_by_one(arm))
    return {
        "status": plain_lines,
        "generator_run": run,
        "generator_runs": ListOf("generator runs", _first_arm, one_by_one(each_run)),
        "abandoned_arms_metadata": ListOf("abandoned arms", by("name"), one_by_one(_abandoned)),
    }


def _first_arm(run: JSON) -> str | None:
    """Return the name of the first arm: a generator run has no name, and those of a batch have different arms."""
    arms = items(member(run, "arms"))
    return by("name")(arms[0]) if arms else None


def _abandoned(subject: str, pair: Pair) -> list[Line]:
    label = f"abandoned arm {pair.key}"
    if ABSENT in (pair.was, pair.now):
        return [Line(subject, label, *pair.read(_abandonment))]
    return plain_lines(subject, pair.alone, of=label)


def _abandonment(abandoned: JSON) -> str:
    return in_brackets(abandoned, {TAG, "name"}) if isinstance(abandoned, dict) else ""


# --- arms and their weights -------------------------------------------------------------------------------------------


def arm_text(arm: JSON, order: Sequence[str]) -> str:
    """Return ``arm 7_0 (x 0.3, flour rye)``, its parameters in *order*."""
    name = text_of(arm, "name")
    label = "arm" if name is None else f"arm {read_name(name)}"
    return f"{label} {_setting(arm, order)}".rstrip()


def _setting(arm: JSON, order: Sequence[str]) -> str:
    parameters = member(arm, "parameters")
    if not isinstance(parameters, dict) or not parameters:
        return ""
    names = [name for name in dict.fromkeys(order) if name in parameters]
    names += sorted(parameters.keys() - set(names))
    return f"({short(', '.join(f'{read_name(name)} {read_in_full(parameters[name])}' for name in names))})"


def arm_lines(subject: str, pair: Pair, *, of: str = "") -> list[Line]:
    """Return the lines of an arm: ``x of arm 7_0 0.3 -> 0.4``, where *of* is ``arm 7_0``."""
    parameters = pair.member("parameters")
    if pair.dicts is None or parameters.dicts is None:
        return plain_lines(subject, pair.alone, of=of)
    others = pair.without({"parameters"})
    return plain_lines(subject, parameters.alone, of=of) + plain_lines(subject, others, of=of)


def _with_named_weights(run: Pair) -> Pair:
    """Return two generator runs with their weights by arm, if the names of the arms of both are unique."""
    assert run.dicts is not None  # its caller has looked
    was, now = run.dicts
    before, after = _weights_by_arm(was), _weights_by_arm(now)
    if before is None or after is None:
        return run
    return Pair({**was, "weights": before}, {**now, "weights": after}, run.way)


def _weights_by_arm(run: Members) -> Members | None:
    names = [text_of(arm, "name") for arm in items(run.get("arms"))]
    weights = items(run.get("weights"))
    named = {name: weight for name, weight in zip(names, weights, strict=False) if name is not None}
    return named if len(named) == len(names) == len(weights) else None


def _weights(subject: str, pair: Pair) -> list[Line]:
    if pair.dicts is None:
        return []
    was, now = pair.dicts
    each = [(name, pair.member(name)) for name in {**was, **now}]
    return [line(subject, f"weight of arm {read_name(name)}", one.was, one.now) for name, one in each if one.differs]


# --- data: each observation is identified by its arm, metric and step -------------------------------------------------

_FEW: Final = 5
"""New or removed observations of one metric on one arm that get a line each."""


def _data_lines(trial: TrialPair) -> list[Line]:
    pair, with_arm = trial.data, trial.has_several_arms
    is_partial = ABSENT not in (pair.was, pair.now)
    sides = [{} if side is ABSENT else side for side in (pair.was, pair.now)]
    filled = [side if is_partial else without_tag(side, []) for side in sides if isinstance(side, dict)]
    if len(filled) < 2:
        return plain_lines(trial.subject, Pair(pair.was, pair.now, ("data",)))
    records = ListOf("observations", _identified(with_arm), _Observations(trial.key, with_arm))
    lines = member_lines(trial.subject, Pair(filled[0], filled[1], ("data",)), {"records": records})
    return lines or [Line(trial.subject, "data", *pair.read(lambda side: ""))]


def _identified(with_arm: bool) -> Callable[[JSON], str | None]:
    def label(record: JSON) -> str | None:
        is_known = None not in (text_of(record, "arm_name"), text_of(record, "metric_name"))
        return _label(record, with_arm=with_arm) + _at_step(record) if is_known else None

    return label


def _label(record: JSON, *, with_arm: bool) -> str:
    """Return ``accuracy on arm 7_1``."""
    arm, metric = (read_name(text_of(record, key) or "") for key in ("arm_name", "metric_name"))
    return f"{metric} on arm {arm}" if with_arm else metric


def _at_step(record: JSON) -> str:
    step = _step(record)
    return f" at step {step}" if step else ""


def _step(record: JSON) -> str:
    """Return the step of an observation, empty if it has none: in a table, a NaN stands for none."""
    step = member(record, "step")
    text = "" if step is None or step is ABSENT else read_one(step)
    return "" if text == "nan" else text


@dataclass(frozen=True, slots=True)
class _Observations:
    """Describes observations of the trial *key*: one by one, or many new ones of a metric on an arm by one line."""

    key: str
    with_arm: bool

    def __call__(self, subject: str, pairs: Sequence[Pair]) -> list[Line]:
        groups: dict[tuple[bool, bool, str], list[Pair]] = {}
        for pair in pairs:
            label = _label(pair.either, with_arm=self.with_arm)
            groups.setdefault((pair.was is ABSENT, pair.now is ABSENT, label), []).append(pair)
        return [line for (*_, label), group in groups.items() for line in self._group(subject, label, group)]

    def _group(self, subject: str, label: str, pairs: Sequence[Pair]) -> Iterator[Line]:
        first = pairs[0]
        if len(pairs) > _FEW and ABSENT in (first.was, first.now):
            several = _several(pairs)
            yield Line(subject, label, *first.read(lambda record: several))
            return
        for pair in pairs:
            what = label + _at_step(pair.either)
            if ABSENT in (pair.was, pair.now):
                yield Line(subject, what, *pair.read(self._measured))
            else:
                yield from plain_lines(subject, pair.alone, of=what)

    def _measured(self, record: JSON) -> str:
        """Return ``0.31 (sem 0.02)``, and all other members; the trial's number only if it is another trial's.

        Ax's signature of a metric is left out if it is the name.
        """
        assert isinstance(record, dict)  # it has a metric
        hidden = {"arm_name", "metric_name", "mean", "step"}
        if str(record.get("trial_index")) == self.key:
            hidden.add("trial_index")
        if record.get("metric_signature") == record["metric_name"]:
            hidden.add("metric_signature")
        mean = read_one(record["mean"]) if "mean" in record else ""
        return f"{mean} {in_brackets(record, hidden)}".strip()


def _several(pairs: Sequence[Pair]) -> str:
    steps = [_step(pair.either) for pair in pairs]
    return f"at {len(steps)} steps ({steps[0]} to {steps[-1]})" if all(steps) else f"{len(steps)} times"
