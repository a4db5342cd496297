"""What two writers made of an experiment that belongs together, and does not fit: arms of one name, data of no trial.

It looks at nothing but the JSON of an experiment's pieces, by path, as ``renumbering`` does.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from docstore.errors import Conflict
from docstore.renumbering import DATA, TRIALS, Arm, Pieces, arms_in, numbers_in, trials_in
from docstore.values import ABSENT, JSON, Absent, alike


def arm_clashes(base: Pieces, mine: Pieces, theirs: Pieces) -> tuple[Conflict, ...]:
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


def brings_arms(base: Pieces, mine: Pieces) -> bool:
    """Return whether *mine* has an arm that is not in *base*."""
    old = {(arm.name, arm.parameters) for arm in arms_in(base)}
    return any((arm.name, arm.parameters) not in old for arm in arms_in(mine))


def data_clashes(base: Pieces, mine: Pieces, theirs: Pieces) -> tuple[Conflict, ...]:
    """Return a conflict for each trial that one side took away, or put another in the place of, and the other measured.

    So it is if one side made the trial, and the other has data under its number that are of no trial of its own. The
    data would be told of arms that they are not of. So it is, too, if one side put another trial in the place of one
    that the other changed: merged, it would be neither. The conflict stands at the trial.
    """
    sides = ((mine, theirs), (theirs, mine))
    clashing = {
        number
        for number in sorted(numbers_in({*base, *mine, *theirs}))
        for side, other in sides
        if (_is_measured(number, base, other) and _is_another(TRIALS.path(number), base, side, other))
        or _is_remade(TRIALS.path(number), base, side, other)
    }
    at = [TRIALS.path(number) for number in sorted(clashing)]
    return tuple(Conflict(path, *(each.get(path, ABSENT) for each in (base, mine, theirs))) for path in at)


def _is_measured(number: int, base: Pieces, side: Pieces) -> bool:
    """Return whether a *side* has data of a trial that are not those of the base."""
    path = DATA.path(number)
    return path in side and not alike(side[path], base.get(path, ABSENT))


def _is_another(path: str, base: Pieces, side: Pieces, other: Pieces) -> bool:
    """Return whether the trial at *path* of a *side* is not the one that the *other* side has data of."""
    if path not in base:
        return path in side and path not in other
    if path not in other or alike(side.get(path, ABSENT), base[path]):
        return False
    arms = [{(arm.name, arm.parameters) for arm in arms_in(_only(each, path))} for each in (base, side)]
    return path not in side or not arms[0] <= arms[1]


def _is_remade(path: str, base: Pieces, side: Pieces, other: Pieces) -> bool:
    """Return whether a *side* has a trial at *path* that was made later than the base's, which the *other* changed."""
    if path not in base or path not in side or path not in other:
        return False
    was, now = (each[path] for each in (base, side))
    if not isinstance(was, dict) or not isinstance(now, dict) or was.get("time_created") == now.get("time_created"):
        return False
    return not alike(other[path], base[path]) and not alike(other[path], now)


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
        is_disputed = data in base and not any(alike(*pair) for pair in combinations(three, 2))
        if is_disputed and all(alike(its, base[data]) or (has is its is ABSENT) for has, its in sides):
            decided[data] = base[data] if trial in target else ABSENT
    return decided


def _only(pieces: Pieces, path: str) -> Pieces:
    return {path: pieces[path]} if path in pieces else {}
