"""What changed of the data of one trial: each observation is known by its arm, metric and step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON
from docstore.documents.diff.lines import Line, plain_lines
from docstore.documents.diff.matching import ListOf, Members, Pair, Tell, in_brackets, member, tell_members, text_of
from docstore.documents.diff.reading import read_name, read_one

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
