"""Trial identity in a merge: trials that two writers made under one number get new numbers, and their arms new names.

Only the JSON of an experiment's pieces is examined, by path. Trials of another shape than the model's stay as they are.
The generator runs of a strategy, which are numbered too, get new numbers in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import count
from typing import Final, TypeAlias

from docstore.documents.canonical import JSON, dumps, join_pointer, same_json
from docstore.documents.kinds import EXPERIMENT, GENERATION_STRATEGY, HEAD, PartRule, in_order, position_of, split_path
from docstore.documents.merge_keys import ANY

Pieces: TypeAlias = Mapping[str, JSON]
Place: TypeAlias = "tuple[str | int, ...]"
"""A place in a piece: keys and indices; ``ANY`` is each item of a list."""

TRIALS, DATA = EXPERIMENT.parts
(RUNS,) = GENERATION_STRATEGY.parts

_NUMBERED: Final = (TRIALS, DATA, RUNS)
"""The parts whose key is a number that the program gave."""

_RUNS: Final[tuple[Place, ...]] = (("generator_run",), ("generator_runs", ANY))

_NUMBERS: Final[dict[str, tuple[Place, ...]]] = {
    TRIALS.field: (("index",),),
    DATA.field: (("records", ANY, "trial_index"),),
}
"""The places of trial numbers in the pieces of each field. Numbers that a user notes in metadata are left alone."""

_OTHER_NUMBERS: Final[dict[str, tuple[Place, ...]]] = {DATA.field: (("records", ANY, "row_place", 0),)}
"""The places of other trials' numbers: among the rows of which trial an observation of Ax was attached."""

_ARMS: Final[dict[str, tuple[Place, ...]]] = {
    HEAD: (("status_quo",),),
    TRIALS.field: tuple((*run, "arms", ANY) for run in _RUNS),
}
"""The places of the experiment's arms, whose names are unique. Auxiliary experiments have arms of their own."""

_NAMES: Final[dict[str, tuple[Place, ...]]] = {
    HEAD: (("status_quo", "name"),),
    TRIALS.field: (
        *((*arm, "name") for arm in _ARMS[TRIALS.field]),
        *((*run, "best_arm_predictions", 0, "name") for run in _RUNS),
        ("abandoned_arms_metadata", ANY, "name"),
    ),
    DATA.field: (("records", ANY, "arm_name"),),
}
"""The places of arm names."""

_OPTIONAL: Final = frozenset({"best_arm_predictions"})
"""Members of these places that a generator run is written without where they are None."""

_NAMED_AFTER_A_TRIAL: Final = re.compile("(0|[1-9][0-9]{0,8})_(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Renumbering:
    """The new numbers of trials of a live object, and the new names of its arms.

    Attributes:
        pieces: the pieces that contain them, as they were before.
    """

    numbers: Mapping[int, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    pieces: Pieces = field(default_factory=dict)


# --- new numbers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TakenNumbers:
    """The numbers that a trial of mine cannot get, beside those in the pieces that are merged.

    Attributes:
        held: of trials of the live object that are not in mine, and must not be overwritten.
        is_stored: whether a number is taken by a stored piece that is not merged; called only if something collides.
    """

    held: Collection[int] = ()
    is_stored: Callable[[int], bool] = lambda number: False


NONE_TAKEN: Final = TakenNumbers()


def collisions(base: AbstractSet[str], mine: Pieces, theirs: Pieces, rule: PartRule = TRIALS) -> list[int]:
    """Return, in order, the numbers under which *mine* added a trial and *theirs* has another one.

    The text of a trial contains the microsecond at which it was made: two trials with one text are one trial that was
    saved twice. Data of *theirs* without a trial collide too: they belong to a trial that was removed.

    Shapes:
        base: the paths of the pieces that both sides were made from
        mine, theirs: the pieces that each side changed since, or more
        rule: ``RUNS`` for the generator runs of a strategy in place of trials; here and below
    """
    added = [(number, rule.path(number), DATA.path(number)) for number in _added(base, mine, rule)]
    return [
        number
        for number, trial, data in added
        if (not same_json(mine[trial], theirs[trial]) if trial in theirs else data in theirs and data not in base)
    ]


def new_numbers(
    base: AbstractSet[str],
    mine: Pieces,
    theirs: Pieces,
    *,
    taken: TakenNumbers = NONE_TAKEN,
    rule: PartRule = TRIALS,
) -> dict[int, int]:
    """Return the new number of each trial of *mine* that has to move; empty if nothing collides.

    From the first collision on, each trial that *mine* added takes the next free number, its own or a higher one, so
    that they stay in the order in which they were made. A trial that *theirs* has already, except for its number and
    the names of its arms, gets the number that it has there: an earlier save wrote it, and was interrupted before the
    live object was updated. If a trial to move is not written as the model's are, but by a user's function, say, none
    is moved: it would keep its old number somewhere inside.

    Shapes:
        base, mine, theirs: as in ``collisions``
    """
    colliding = collisions(base, mine, theirs, rule)
    if not colliding:
        return {}
    kept = set(taken.held)
    occupied = {*kept, *numbers_in(base), *numbers_in(theirs)}
    saved = {_anonymous(theirs[rule.path(number)]): number for number in _added(base, theirs, rule)}
    saved = {text: number for text, number in saved.items() if number not in kept}
    numbers: dict[int, int] = {}
    above = colliding[0]
    for number in (each for each in _added(base, mine, rule) if each >= colliding[0]):
        new = saved.pop(_anonymous(mine[rule.path(number)]), None)
        if new is None:
            new = next(free for free in count(max(number, above)) if free not in occupied and not taken.is_stored(free))
        above = max(above, new + 1)
        if new != number:
            numbers[number] = new
    is_movable = rule is RUNS or all(_is_readable(mine, number) for number in numbers)
    return numbers if is_movable else {}


def numbers_in(paths: Iterable[str]) -> set[int]:
    """Return the numbers of the trials, of the data of trials, or of the runs of a strategy, at *paths*."""
    return {number for path in paths for rule in _NUMBERED if (number := _number(rule, path)) is not None}


def trials_in(paths: Iterable[str]) -> set[int]:
    """Return the numbers of the trials at *paths*."""
    return {number for path in paths if (number := _number(TRIALS, path)) is not None}


def _added(base: AbstractSet[str], pieces: Pieces, rule: PartRule) -> list[int]:
    numbers = (_number(rule, path) for path in pieces if path not in base)
    return sorted({number for number in numbers if number is not None})


def _number(rule: PartRule, path: str) -> int | None:
    number = position_of(path)
    return number if number is not None and rule.path(number) == path else None


def _is_readable(pieces: Pieces, number: int) -> bool:
    """Return whether the trial and its data have their number and arm names where the model has them."""
    trial, data = pieces[TRIALS.path(number)], pieces.get(DATA.path(number), {"records": []})
    if not isinstance(trial, dict) or trial.keys().isdisjoint(place[0] for place in _RUNS):
        return False
    found = [*_values_at(data, _NUMBERS[DATA.field][0], ""), ("", trial.get("index"))]
    return (
        all(type(index) is int and index == number for _, index in found)
        and all(_has_place(trial, place) for place in _NAMES[TRIALS.field] if place[0] in trial)
        and all(_has_place(data, place) for place in (*_NUMBERS[DATA.field], *_NAMES[DATA.field]))
    )


def _anonymous(trial: JSON) -> bytes:
    """Return the text of a trial without its number and the names of its arms."""
    for place in (*_NUMBERS[TRIALS.field], *_NAMES[TRIALS.field]):
        trial = _replaced_at(trial, place, lambda _: None)
    return dumps(trial)


# --- new names --------------------------------------------------------------------------------------------------------


def new_arm_names(base: Pieces, mine: Pieces, theirs: Pieces, numbers: Mapping[int, int]) -> dict[str, str]:
    """Return the new names of the arms that the trials of *mine* in *numbers* added.

    An arm whose parameters *theirs* has too gets the name that it has there. Otherwise an arm that was named after its
    trial is named after it again: when trial 12 becomes 14, ``12_0`` becomes ``14_0`` or the next free name; also in a
    trial that keeps its number, if *theirs* gave the name to another arm. Names in *base*, and names that a user chose,
    stay; but a new arm that has the name of another one in *base* is renamed: the live object got that other one by a
    save of some of its trials.

    Shapes:
        base, mine, theirs: pieces; all known pieces of *base*, since a name in them is not free
    """
    old, known = names_in(base), _known_names(mine, theirs)
    to_rename = {
        name: text
        for name, text in _to_rename(mine, theirs, numbers, known).items()
        if name not in old or _is_another(name, text, base, mine)
    }
    if not to_rename:
        return {}
    occupied = (names_in(mine) - to_rename.keys()) | old | names_in(theirs)
    names: dict[str, str] = {}
    for name, parameters in to_rename.items():
        number, _, place = name.partition("_")
        free = (f"{numbers[int(number)]}_{each}" for each in count(int(place)))
        names[name] = known.get(parameters) or next(each for each in free if each not in occupied)
        occupied.add(names[name])
    return names


def _is_another(name: str, parameters: bytes, base: Pieces, mine: Pieces) -> bool:
    """Return whether the arm of a trial that *mine* added is another than that of this *name* in *base*.

    It is not, if *mine* has the name in other pieces too: there it may be that of *base*.
    """
    number = int(name.partition("_")[0])
    trial, data = TRIALS.path(number), DATA.path(number)
    if trial in base or (name, parameters) in {arm.identity for arm in arms_in(base)}:
        return False
    return name not in names_in({path: body for path, body in mine.items() if path not in (trial, data)})


def _known_names(mine: Pieces, theirs: Pieces) -> dict[bytes, str]:
    """Return the first name in *theirs* for each set of parameters, unless *mine* uses the same name for it."""
    own = {arm.identity for arm in arms_in(mine)}
    known: dict[bytes, str] = {}
    for arm in arms_in(theirs):
        if arm.identity not in own:
            known.setdefault(arm.parameters, arm.name)
    return known


def _to_rename(
    mine: Pieces, theirs: Pieces, numbers: Mapping[int, int], known: Mapping[bytes, str]
) -> dict[str, bytes]:
    """Return the parameters of the arms of *mine* that need another name, by the name that they have."""
    stored = {arm.identity for arm in arms_in(theirs)}
    taken = {name for name, _ in stored}
    moved = {TRIALS.path(number) for number, new in numbers.items() if new != number}
    staying = {TRIALS.path(number) for number in numbers if TRIALS.path(number) in mine and _is_readable(mine, number)}
    found: dict[str, bytes] = {}
    for arm in arms_in({path: body for path, body in mine.items() if path in moved | staying}):
        is_affected = arm.path in moved or arm.name in taken or arm.parameters in known
        if is_affected and arm.is_named_after(arm.path) and arm.identity not in stored:
            found.setdefault(arm.name, arm.parameters)
    return found


# --- pieces with other numbers and names ------------------------------------------------------------------------------


def renumbered(pieces: Pieces, numbers: Mapping[int, int], names: Mapping[str, str]) -> dict[str, JSON]:
    """Return *pieces* with other numbers of trials and other names of arms, all replaced at once.

    A piece, and a container in one, that has none of them is the same object as before.
    """

    def number(value: JSON) -> JSON:
        return numbers.get(value, value) if type(value) is int else value

    def name(value: JSON) -> JSON:
        return names.get(value, value) if isinstance(value, str) else value

    if not numbers and not names:
        return dict(pieces)
    moved: dict[str, JSON] = {}
    for path, body in pieces.items():
        for place in (*_NUMBERS.get(_field(path), ()), *_OTHER_NUMBERS.get(_field(path), ())):
            body = _replaced_at(body, place, number)
        for place in _NAMES.get(_field(path), ()):
            body = _replaced_at(body, place, name)
        moved[moved_path(path, numbers)] = body
    return moved


def moved_path(path: str, numbers: Mapping[int, int]) -> str:
    """Return the path of the piece at *path* under the new *numbers*."""
    for rule in _NUMBERED:
        number = _number(rule, path)
        if number is not None:
            return rule.path(numbers.get(number, number))
    return path


# --- arms and observations in a piece ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm at *pointer*, in the piece at *path*; *parameters* are in canonical text."""

    path: str
    pointer: str
    name: str
    parameters: bytes
    json: JSON

    @property
    def identity(self) -> tuple[str, bytes]:
        """Name and parameters: two arms with the same are one."""
        return self.name, self.parameters

    def is_named_after(self, path: str) -> bool:
        """Return whether its name is one that the model gives to arms of the trial at *path*."""
        return is_named_after_a_trial(self.name) and TRIALS.path(self.name.partition("_")[0]) == path


def is_named_after_a_trial(name: str) -> bool:
    """Return whether *name* is one that the model gives to an arm, after its trial: ``12_0``."""
    return _NAMED_AFTER_A_TRIAL.fullmatch(name) is not None


def arms_in(pieces: Pieces) -> Iterator[Arm]:
    """Yield the arms in *pieces*, those of the head first, then trial by trial."""
    for path in sorted(pieces, key=in_order):
        for place in _ARMS.get(_field(path), ()):
            for pointer, found in _values_at(pieces[path], place, path):
                name = found.get("name") if isinstance(found, dict) else None
                parameters = found.get("parameters") if isinstance(found, dict) else None
                if isinstance(name, str) and isinstance(parameters, dict):
                    yield Arm(path, pointer, name, dumps(parameters), found)


def names_in(pieces: Pieces) -> set[str]:
    """Return the names of arms in *pieces*."""
    found = (
        name
        for path, body in pieces.items()
        for place in _NAMES.get(_field(path), ())
        for _, name in _values_at(body, place, path)
    )
    return {name for name in found if isinstance(name, str)}


def records_in(data: JSON | None) -> Iterator[dict[str, JSON]]:
    """Yield the observations in the *data* of a trial."""
    for _, record in _values_at(data, ("records", ANY), ""):
        if isinstance(record, dict):
            yield record


def _field(path: str) -> str:
    return HEAD if path == HEAD else split_path(path)[0]


# --- places -----------------------------------------------------------------------------------------------------------


def _values_at(value: JSON, place: Place, at: str) -> Iterator[tuple[str, JSON]]:
    """Yield the values at *place* in *value*, whose pointer is *at*, each with its pointer."""
    if not place:
        yield at, value
        return
    for key, item in _items(value, place[0]):
        yield from _values_at(item, place[1:], at + join_pointer((key,)))


def _has_place(value: JSON, place: Place) -> bool:
    """Return whether *place* is in every branch of *value*; a null is no branch, nor is an absent optional member."""
    if not place or value is None or (isinstance(value, dict) and place[0] in _OPTIONAL - value.keys()):
        return True
    has_it = isinstance(value, dict) and place[0] in value if place[0] not in (ANY, 0) else isinstance(value, list)
    return has_it and all(_has_place(item, place[1:]) for _, item in _items(value, place[0]))


def _replaced_at(value: JSON, place: Place, replace: Callable[[JSON], JSON]) -> JSON:
    """Return *value* with the values at *place* replaced; *value* itself if each is replaced by itself."""
    if not place:
        return replace(value)
    items = _items(value, place[0])
    changed = {key: new for key, item in items if (new := _replaced_at(item, place[1:], replace)) is not item}
    if isinstance(value, list) and changed:
        return [changed.get(index, item) for index, item in enumerate(value)]
    return {**value, **changed} if isinstance(value, dict) and changed else value  # type: ignore[dict-item]  # its keys


def _items(value: JSON, token: str | int) -> Iterable[tuple[str | int, JSON]]:
    if isinstance(value, list):
        return [(index, item) for index, item in enumerate(value) if token in (index, ANY)]
    return [(token, value[token])] if isinstance(value, dict) and isinstance(token, str) and token in value else []
