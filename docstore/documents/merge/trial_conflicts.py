"""Semantic conflicts of a merged experiment: two arms of one name, data of another arm.

It looks at nothing but the JSON of an experiment's pieces, by path, as ``renumbering`` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import TypeAlias

from docstore.documents.canonical import ABSENT, JSON, Absent, dumps, same_json
from docstore.documents.kinds import HEAD
from docstore.documents.merge.trials import (
    DATA,
    TRIALS,
    Arm,
    Pieces,
    arms_in,
    numbers_in,
    records_in,
    renumbered,
    trials_in,
)
from docstore.errors import Conflict

_Key: TypeAlias = "tuple[frozenset[bytes] | str, bytes, bytes]"
"""The key of an observation: the parameters of its arm (or the name of a missing one), the metric, the step."""


def arm_conflicts(base: Pieces, mine: Pieces, theirs: Pieces) -> tuple[Conflict, ...]:
    """Return a conflict for each name under which both sides brought in an arm, of other parameters each.

    Each has the pointer of the arm in *mine*, and the JSON of both. Of two arms in one piece the merge of that piece
    decides. What *base* has already is no news of either side, though it may have two arms of one name.
    """
    old = {(arm.name, arm.parameters) for arm in arms_in(base)}
    theirs_by_name: dict[str, list[Arm]] = {}
    for arm in arms_in(theirs):
        if (arm.name, arm.parameters) not in old:
            theirs_by_name.setdefault(arm.name, []).append(arm)
    clashes: dict[str, Conflict] = {}
    for arm in arms_in(mine):
        others = theirs_by_name.get(arm.name, ()) if (arm.name, arm.parameters) not in old else ()
        for other in others:
            if other.path != arm.path and other.parameters != arm.parameters:
                clashes.setdefault(arm.name, Conflict(arm.pointer, ABSENT, arm.json, other.json))
    return tuple(clashes.values())


def adds_arms(base: Pieces, mine: Pieces) -> bool:
    """Return whether *mine* has an arm that is not in *base*."""
    old = {(arm.name, arm.parameters) for arm in arms_in(base)}
    return any((arm.name, arm.parameters) not in old for arm in arms_in(mine))


def inconsistencies(
    base: Pieces,
    mine: Pieces,
    theirs: Pieces,
    target: Pieces,
    *,
    numbers: Mapping[int, int],
    names: Mapping[str, str],
) -> dict[int, str]:
    """Return, by number, why a trial of the merged *target* is inconsistent, in words; empty if none is.

    A trial is inconsistent if one name stands for arms of several parameters; if an observation belongs to another arm
    than on the side that it came from; or if it mixes a trial with another one that one side put in its place. An
    inconsistency that one side already had is accepted.

    Shapes:
        base, mine, theirs: the three states that were merged into *target*; *mine* with its own numbers and names
        numbers, names: of trials and arms of *mine* that have another number or name in *target*

    Cost:
        A visit of each arm, and of the observations of the trials in which *target* differs from *theirs*.
    """
    own, moved = renumbered(mine, numbers, {}), renumbered(mine, numbers, names)
    found = dict(_named_twice(own, theirs, target, names))
    for number in sorted(numbers_in(target) - found.keys()):
        paths = TRIALS.path(number), DATA.path(number)
        if any(not same_json(target.get(path, ABSENT), theirs.get(path, ABSENT)) for path in paths):
            problem = _mixed(number, (base, own, theirs), target, names)
            if not problem and _is_of_two(paths[0], base, moved, theirs, target):
                problem = f"trial {number} would be half of a trial and half of another that was put in its place"
            if problem:
                found[number] = problem
    return found


def _named_twice(own: Pieces, theirs: Pieces, target: Pieces, names: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the trials of *target* with an arm whose name also stands for other parameters, which neither side had."""
    known, mine = _parameters(theirs), _parameters(own)
    had = {name: len(each) for name, each in known.items()}
    for name, each in mine.items():
        called = names.get(name, name)
        had[called] = max(had.get(called, 0), len(each))
    crowded = {name for name, each in _parameters(target).items() if len(each) > max(1, had.get(name, 0))}
    for arm in arms_in(target) if crowded else ():
        for number in trials_in([arm.path]) if arm.name in crowded else ():
            yield number, f"trial {number} would have an arm {arm.name!r} whose name another arm has, too"


def _parameters(pieces: Pieces) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = {}
    for arm in arms_in(pieces):
        found.setdefault(arm.name, set()).add(arm.parameters)
    return found


def _mixed(number: int, sides: tuple[Pieces, Pieces, Pieces], target: Pieces, names: Mapping[str, str]) -> str:
    """Return in words which observation of a trial in *target* belongs to that arm on no side; empty if none."""
    base, mine, theirs = (_observed(each, number, own) for each, own in zip(sides, ({}, names, {}), strict=True))
    for key, contents in _observed(target, number, {}).items():
        was, ours, other = (each.get(key, set()) for each in (base, mine, theirs))
        # A user's function may have decided on any content for an observation that both sides changed.
        is_decided = ours != other and was not in (ours, other) and [was, ours, other].count(set()) < 2
        if not is_decided and not contents <= was | ours | other:
            arm, metric, _ = key
            whose = f"an arm {arm!r} that is missing" if isinstance(arm, str) else "an arm of other parameters"
            return f"trial {number} would have {metric.decode()} of {whose}"
    return ""


def _observed(pieces: Pieces, number: int, names: Mapping[str, str]) -> dict[_Key, set[bytes]]:
    """Return the observations of a trial by their key, each without its trial number and arm name."""
    path = TRIALS.path(number)
    # Where the trial is not among the pieces, no side changed it, and the names of its arms mean the same on each.
    arms = _parameters({HEAD: pieces.get(HEAD)}) | _parameters({path: pieces[path]}) if path in pieces else {}
    found: dict[_Key, set[bytes]] = {}
    for record in records_in(pieces.get(DATA.path(number))):
        name = str(record.get("arm_name"))
        arm = frozenset(arms[name]) if name in arms else names.get(name, name)
        key = arm, dumps(record.get("metric_name")), dumps(record.get("step"))
        content = {column: value for column, value in record.items() if column not in ("trial_index", "arm_name")}
        found.setdefault(key, set()).add(dumps(content))
    return found


def _is_of_two(path: str, base: Pieces, mine: Pieces, theirs: Pieces, target: Pieces) -> bool:
    """Return whether the trial at *path* equals neither side's, though one side replaced it by another trial."""
    sides = mine, theirs
    if not all(path in each for each in (base, mine, theirs, target)):
        return False
    created = [body.get("time_created") if isinstance(body := each[path], dict) else None for each in (base, *sides)]
    return len({dumps(each) for each in created}) > 1 and not any(same_json(target[path], each[path]) for each in sides)


def data_decided(base: Pieces, mine: Pieces, theirs: Pieces, target: Collection[str]) -> dict[str, JSON | Absent]:
    """Return the data that go where their trial went, of which the sides made different things and one stands.

    The data are those of the base, which neither side changed but by taking them away with the trial. Where the trial
    is not in *target*, they are ABSENT.
    """
    decided: dict[str, JSON | Absent] = {}
    for number in sorted(trials_in(base)):
        trial, data = TRIALS.path(number), DATA.path(number)
        sides = [(each.get(trial, ABSENT), each.get(data, ABSENT)) for each in (mine, theirs)]
        three = (base[trial], sides[0][0], sides[1][0])
        is_disputed = data in base and not any(same_json(*pair) for pair in combinations(three, 2))
        if is_disputed and all(same_json(its, base[data]) or (has is its is ABSENT) for has, its in sides):
            decided[data] = base[data] if trial in target else ABSENT
    return decided
