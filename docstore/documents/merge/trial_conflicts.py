"""Semantic conflicts of a merged experiment: what does not fit together though no place was changed by both sides.

Two arms of one name, data of another arm, half a trial. Only the JSON of an experiment's pieces is examined, by path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import TypeAlias

from docstore.documents.canonical import ABSENT, JSON, Absent, dumps, same_json
from docstore.documents.kinds import HEAD
from docstore.documents.merge.three_way import Sides
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

_Observation: TypeAlias = "tuple[frozenset[bytes] | str, bytes, bytes]"
"""What identifies an observation: the parameters of its arm (or the name of a missing one), the metric, the step."""


def arm_conflicts(base: Pieces, mine: Pieces, theirs: Pieces) -> tuple[Conflict, ...]:
    """Return a conflict for each arm name that both sides added, with different parameters.

    Each has the pointer of the arm in *mine*, and the JSON of both. Two arms in one piece are left to the merge of that
    piece. An arm of *base* was added by neither side, though *base* may have two arms of one name.
    """
    old = {arm.identity for arm in arms_in(base)}
    theirs_by_name: dict[str, list[Arm]] = {}
    for arm in arms_in(theirs):
        if arm.identity not in old:
            theirs_by_name.setdefault(arm.name, []).append(arm)
    conflicts: dict[str, Conflict] = {}
    for arm in arms_in(mine):
        for other in theirs_by_name.get(arm.name, ()) if arm.identity not in old else ():
            if other.path != arm.path and other.parameters != arm.parameters:
                conflicts.setdefault(arm.name, Conflict(arm.pointer, ABSENT, arm.json, other.json))
    return tuple(conflicts.values())


def shared_name_conflicts(base: Pieces, mine: Pieces, theirs: Pieces, names: Mapping[str, str]) -> tuple[Conflict, ...]:
    """Return a conflict for each arm that *mine* added under a name that *mine* also uses for another arm.

    The live object has both after a save of some of its trials: one of these got the name of an arm that others saved,
    and a trial that is not saved yet has an arm of that name. A new name would go to both.

    Shapes:
        mine: the pieces that *mine* changed
        names: the new names of arms of *mine*
    """
    others = [*arms_in(base), *arms_in(theirs)]
    stored = {arm.identity for arm in others}
    former, own = _parameters(base), _parameters(mine)
    conflicts: dict[str, Conflict] = {}
    for arm in arms_in(mine):
        if arm.path in base or arm.identity in stored or not arm.is_named_after(arm.path):
            continue
        if len(own[arm.name]) > 1 if arm.name in names else arm.name in former:
            other = next((each.json for each in others if each.name == arm.name), ABSENT)
            conflicts.setdefault(arm.name, Conflict(arm.pointer, ABSENT, arm.json, other))
    return tuple(conflicts.values())


def adds_arms(base: Pieces, mine: Pieces) -> bool:
    """Return whether *mine* has an arm that is not in *base*."""
    old = {arm.identity for arm in arms_in(base)}
    return any(arm.identity not in old for arm in arms_in(mine))


def data_of_disputed_trials(sides: Sides[Pieces], target: Collection[str]) -> dict[str, JSON | Absent]:
    """Return the data that must stay or go with their trial, if the two sides changed it differently; by path.

    A function decided whether the trial is in *target*. Neither side changed the data in *base*, except that one may
    have removed them with the trial. If the trial is not in *target*, its data are ABSENT.
    """
    base = sides.base
    decided: dict[str, JSON | Absent] = {}
    for number in sorted(trials_in(base)):
        trial, data = TRIALS.path(number), DATA.path(number)
        made = [(each.get(trial, ABSENT), each.get(data, ABSENT)) for each in (sides.mine, sides.theirs)]
        trials = (base[trial], made[0][0], made[1][0])
        is_disputed = data in base and not any(same_json(*pair) for pair in combinations(trials, 2))
        if is_disputed and all(same_json(own, base[data]) or (of is own is ABSENT) for of, own in made):
            decided[data] = base[data] if trial in target else ABSENT
    return decided


def inconsistencies(
    sides: Sides[Pieces], target: Pieces, *, numbers: Mapping[int, int], names: Mapping[str, str]
) -> dict[int, str]:
    """Return, by number, why a trial of the merged *target* is inconsistent; empty if none is.

    A trial is inconsistent if one name stands for arms of several parameters; if an observation belongs to another arm
    than on the side that it came from; or if it mixes a trial with another one that one side put in its place. An
    inconsistency that one side already had is accepted.

    Shapes:
        sides: the three states that were merged into *target*; *mine* with its own numbers and names
        numbers, names: of trials and arms of *mine* that have another number or name in *target*

    Cost:
        A visit of each arm, and of the observations of the trials in which *target* differs from *theirs*.
    """
    theirs = sides.theirs
    own = sides._replace(mine=renumbered(sides.mine, numbers, {}))
    moved = sides._replace(mine=renumbered(sides.mine, numbers, names))
    found = dict(_ambiguous_names(own, target, names))
    for number in sorted(numbers_in(target) - found.keys()):
        paths = TRIALS.path(number), DATA.path(number)
        if any(not same_json(target.get(path, ABSENT), theirs.get(path, ABSENT)) for path in paths):
            problem = _foreign_observation(number, own, target, names)
            if not problem and _is_mixed(paths[0], moved, target):
                problem = f"trial {number} would be half of one trial and half of another"
            if problem:
                found[number] = problem
    return found


def _ambiguous_names(own: Sides[Pieces], target: Pieces, names: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the trials of *target* with an arm whose name stands for several parameters, as it did on neither side."""
    known = {name: len(each) for name, each in _parameters(own.theirs).items()}
    for name, each in _parameters(own.mine).items():
        now = names.get(name, name)
        known[now] = max(known.get(now, 0), len(each))
    ambiguous = {name for name, each in _parameters(target).items() if len(each) > max(1, known.get(name, 0))}
    for arm in arms_in(target) if ambiguous else ():
        for number in trials_in([arm.path]) if arm.name in ambiguous else ():
            yield number, f"trial {number} would have an arm {arm.name!r}, and another arm has that name"


def _parameters(pieces: Pieces) -> dict[str, set[bytes]]:
    """Return the parameters of the arms of each name."""
    found: dict[str, set[bytes]] = {}
    for arm in arms_in(pieces):
        found.setdefault(arm.name, set()).add(arm.parameters)
    return found


def _foreign_observation(number: int, own: Sides[Pieces], target: Pieces, names: Mapping[str, str]) -> str:
    """Return which observation of a trial in *target* belongs to that arm on no side, as a text; empty if none."""
    observed = [_observed(each, number, called) for each, called in zip(own, ({}, names, {}), strict=True)]
    for key, contents in _observed(target, number, {}).items():
        base, mine, theirs = (each.get(key, set()) for each in observed)
        # A user's function may have decided on any content for an observation that both sides changed.
        is_decided = mine != theirs and base not in (mine, theirs) and [base, mine, theirs].count(set()) < 2
        if not is_decided and not contents <= base | mine | theirs:
            arm, metric, _ = key
            whose = f"arm {arm!r}, which is missing" if isinstance(arm, str) else "an arm with different parameters"
            return f"trial {number} would have {metric.decode()} of {whose}"
    return ""


def _observed(pieces: Pieces, number: int, names: Mapping[str, str]) -> dict[_Observation, set[bytes]]:
    """Return the observations of a trial by their identity, each without its trial number and arm name."""
    path = TRIALS.path(number)
    # Where the trial is not among the pieces, no side changed it, and the names of its arms mean the same on each.
    arms = _parameters({HEAD: pieces.get(HEAD)}) | _parameters({path: pieces[path]}) if path in pieces else {}
    found: dict[_Observation, set[bytes]] = {}
    for record in records_in(pieces.get(DATA.path(number))):
        name = str(record.get("arm_name"))
        arm = frozenset(arms[name]) if name in arms else names.get(name, name)
        key = arm, dumps(record.get("metric_name")), dumps(record.get("step"))
        content = {column: value for column, value in record.items() if column not in ("trial_index", "arm_name")}
        found.setdefault(key, set()).add(dumps(content))
    return found


def _is_mixed(path: str, sides: Sides[Pieces], target: Pieces) -> bool:
    """Return whether the trial at *path* equals neither side's, though one side replaced it by another trial."""
    if not all(path in each for each in (*sides, target)):
        return False
    created = [body.get("time_created") if isinstance(body := each[path], dict) else None for each in sides]
    made = sides.mine, sides.theirs
    return len({dumps(each) for each in created}) > 1 and not any(same_json(target[path], each[path]) for each in made)
