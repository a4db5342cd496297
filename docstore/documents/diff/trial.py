"""The difference of two states of one trial, in its own terms: its status, its arms, and what was measured on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, same_json
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
    line,
    member,
    one_by_one,
    plain_lines,
    tell_members,
    text_of,
    whole,
)

# What changed of the data of one trial: each observation is known by its arm, metric and step.

_FEW: Final = 5
"""Observations of one metric on one arm, new or gone, that are told one by one."""


def data_lines(subject: str, was: MaybeJSON, now: MaybeJSON, *, key: str, with_arm: bool) -> list[Line]:
    """Return what changed of the data of the trial *key*, *with_arm* where it has to be said which one is meant."""
    tells: dict[str, Tell] = {"records": ListOf("observations", _known_by(with_arm), _Observations(key, with_arm))}
    sides = [{} if side is ABSENT else side for side in (was, now)]
    is_whole = ABSENT in (was, now)
    members = [_filled(side) if is_whole else side for side in sides if isinstance(side, dict)]
    if len(members) < 2:
        return plain_lines(subject, ("data",), was, now)
    lines = tell_members(subject, ("data",), members[0], members[1], tells)
    return lines or [Line(subject, "data", *Pair("", was, now, ()).read(lambda side: ""))]


def _filled(data: Members) -> Members:
    return {key: value for key, value in data.items() if key != TAG and value != []}


def _known_by(with_arm: bool) -> Callable[[JSON], str | None]:
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
    """Return the step of an observation, or nothing: a NaN is a table's way to say that there is none."""
    step = member(record, "step")
    text = "" if step is None or step is ABSENT else read_one(step)
    return "" if text == "nan" else text


@dataclass(frozen=True, slots=True)
class _Observations:
    """Tells of observations of the trial *key*: many new ones of one metric on one arm in one line, else one by one."""

    key: str
    with_arm: bool

    def __call__(self, subject: str, pairs: Sequence[Pair]) -> list[Line]:
        groups: dict[tuple[bool, bool, str], list[Pair]] = {}
        for pair in pairs:
            label = _label(pair.either, with_arm=self.with_arm)
            groups.setdefault((pair.was is ABSENT, pair.now is ABSENT, label), []).append(pair)
        return [line for (*_, label), group in groups.items() for line in self._group(subject, label, group)]

    def _group(self, subject: str, label: str, pairs: Sequence[Pair]) -> Iterator[Line]:
        one = pairs[0]
        if len(pairs) > _FEW and ABSENT in (one.was, one.now):
            several = _several(pairs)
            yield Line(subject, label, *one.read(lambda record: several))
            return
        for pair in pairs:
            what = label + _at_step(pair.either)
            if pair.was is ABSENT or pair.now is ABSENT:
                yield Line(subject, what, *pair.read(self._measured))
            else:
                yield from plain_lines(subject, (), pair.was, pair.now, of=what)

    def _measured(self, record: JSON) -> str:
        """Return ``0.31 (sem 0.02)``, and what else is known; its trial goes without saying, unless it is another."""
        assert isinstance(record, dict)  # it has a metric
        hidden = {"arm_name", "metric_name", "mean", "step"}
        if str(record.get("trial_index")) == self.key:
            hidden.add("trial_index")
        mean = read_one(record["mean"]) if "mean" in record else ""
        return f"{mean} {in_brackets(record, hidden)}".strip()


def _several(pairs: Sequence[Pair]) -> str:
    steps = [_step(pair.either) for pair in pairs]
    return f"at {len(steps)} steps ({steps[0]} to {steps[-1]})" if all(steps) else f"{len(steps)} times"


_Sides: TypeAlias = "tuple[MaybeJSON, MaybeJSON]"


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial and its data, each as it was and as it is; *order* is that of the parameters in the search space."""

    key: str
    trial: _Sides
    data: _Sides
    order: Sequence[str]

    @property
    def subject(self) -> str:
        """``trial 7``."""
        return f"trial {read_name(self.key)}"

    @property
    def has_several_arms(self) -> bool:
        """Whether it does not go without saying which arm is meant."""
        named = {text_of(arm, "name") for side in self.trial for arm in _arms_of(side)}
        measured = {text_of(record, "arm_name") for side in self.data for record in items(member(side, "records"))}
        return len(named | measured) > 1


def trial_lines(trial: Trial) -> list[Line]:
    """Return what changed of a trial and of its data."""
    subject = trial.subject
    lines = [] if same_json(*trial.trial) else _of_trial(subject, *trial.trial, trial.order)
    if not same_json(*trial.data):
        lines += data_lines(subject, *trial.data, key=trial.key, with_arm=trial.has_several_arms)
    return lines


def _arms_of(trial: MaybeJSON) -> Iterator[JSON]:
    for run in (member(trial, "generator_run"), *items(member(trial, "generator_runs"))):
        yield from items(member(run, "arms"))


# --- the trial -------------------------------------------------------------------------------------------------------


def _of_trial(subject: str, was: MaybeJSON, now: MaybeJSON, order: Sequence[str]) -> list[Line]:
    if isinstance(was, dict) and isinstance(now, dict):
        return tell_members(subject, (), was, now, _trial_tells(order))
    if was is not ABSENT and now is not ABSENT:
        return plain_lines(subject, (), was, now)
    pair = Pair("", was, now, ())
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
    """Return what changed of an arm: ``x of arm 7_0 0.3 -> 0.4``, where *of* is ``arm 7_0``."""
    was, now = pair.was, pair.now
    settings = [member(side, "parameters") for side in (was, now)]
    if not isinstance(was, dict) or not isinstance(now, dict) or not all(isinstance(each, dict) for each in settings):
        return plain_lines(subject, (), was, now, of=of)
    rest = ({key: side[key] for key in side if key != "parameters"} for side in (was, now))
    inside = [] if same_json(*settings) else plain_lines(subject, (), *settings, of=of)
    return inside + plain_lines(subject, (), *rest, of=of)


def _trial_tells(order: Sequence[str]) -> Mapping[str, Tell]:
    """Return what tells of each member of a trial."""

    def arm(subject: str, pair: Pair) -> list[Line]:
        label = f"arm {pair.key}"
        if pair.was is ABSENT or pair.now is ABSENT:
            return [Line(subject, label, *pair.read(lambda each: _setting(each, order)))]
        return arm_lines(subject, pair, of=label)

    def run(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
        if isinstance(was, dict) and isinstance(now, dict):
            return tell_members(subject, way, *_with_named_weights(was, now), tells)
        if ABSENT in (was, now) or None in (was, now):
            return arms(subject, way, member(was, "arms"), member(now, "arms"))
        return []

    def each_run(subject: str, pair: Pair) -> list[Line]:
        return run(subject, pair.way, pair.was, pair.now) or plain_lines(subject, pair.way, pair.was, pair.now)

    arms = ListOf("arms", by("name"), one_by_one(arm))
    tells: dict[str, Tell] = {"arms": arms, "weights": _weights}
    return {
        "status": plain_lines,
        "generator_run": run,
        "generator_runs": ListOf("generator runs", _first_arm, one_by_one(each_run)),
        "abandoned_arms_metadata": ListOf("abandoned arms", by("name"), one_by_one(_abandoned)),
    }


def _first_arm(run: JSON) -> str | None:
    """Return what a generator run is known by: it has no name of its own, and those of a batch have other arms."""
    arms = items(member(run, "arms"))
    return by("name")(arms[0]) if arms else None


def _with_named_weights(was: Members, now: Members) -> tuple[Members, Members]:
    """Return two generator runs with their weights by arm, if those of both can be told apart."""
    sides = [(_by_arm(side), side) for side in (was, now)]
    if any(named is None for named, _ in sides):
        return was, now
    one, other = ({**side, "weights": dict(named or {})} for named, side in sides)
    return one, other


def _by_arm(run: Members) -> Members | None:
    names = [text_of(arm, "name") for arm in items(run.get("arms"))]
    weights = items(run.get("weights"))
    named = {name: weight for name, weight in zip(names, weights, strict=False) if name is not None}
    return named if len(named) == len(names) == len(weights) else None


def _weights(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON) -> list[Line]:
    if not isinstance(was, dict) or not isinstance(now, dict):
        return []
    sides = ((name, was.get(name, ABSENT), now.get(name, ABSENT)) for name in {**was, **now})
    return [line(subject, f"weight of arm {read_name(name)}", *pair) for name, *pair in sides if not same_json(*pair)]


def _abandonment(abandoned: JSON) -> str:
    return in_brackets(abandoned, {TAG, "name"}) if isinstance(abandoned, dict) else ""


def _abandoned(subject: str, pair: Pair) -> list[Line]:
    label = f"abandoned arm {pair.key}"
    if pair.was is ABSENT or pair.now is ABSENT:
        return [Line(subject, label, *pair.read(lambda each: _abandonment(each)))]
    return plain_lines(subject, (), pair.was, pair.now, of=label)
