"""Where a trial goes that two writers made under one number, and what else changes with its number.

It looks at nothing but the JSON of an experiment's pieces, by path. What has another shape than the model's stays as
it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Final, TypeAlias

from docstore.documents.canonical import JSON, dumps, join_pointer, same_json
from docstore.documents.kinds import EXPERIMENT, HEAD, PartRule, in_order, position_of, split_path

Pieces: TypeAlias = Mapping[str, JSON]
Place: TypeAlias = "tuple[str | int, ...]"
"""Where something stands in a piece: the keys that lead there, and the indices; ``ANY`` is each item of a list."""

ANY: Final = "*"

TRIALS, DATA = EXPERIMENT.parts

_RUNS: Final[tuple[Place, ...]] = (("generator_run",), ("generator_runs", ANY))

_NUMBERS: Final[dict[str, tuple[Place, ...]]] = {
    TRIALS.field: (("index",),),
    DATA.field: (("records", ANY, "trial_index"),),
}
"""Where a piece of each field has the number of a trial. What a user notes in metadata is the user's own affair."""

_ARMS: Final[dict[str, tuple[Place, ...]]] = {
    HEAD: (("status_quo",),),
    TRIALS.field: tuple((*run, "arms", ANY) for run in _RUNS),
}
"""Where a piece has arms of the experiment, which has one under each name. Its auxiliary experiments have their own."""

_NAMES: Final[dict[str, tuple[Place, ...]]] = {
    HEAD: (("status_quo", "name"),),
    TRIALS.field: (
        *((*arm, "name") for arm in _ARMS[TRIALS.field]),
        *((*run, "best_arm_predictions", 0, "name") for run in _RUNS),
        ("abandoned_arms_metadata", ANY, "name"),
    ),
    DATA.field: (("records", ANY, "arm_name"),),
}
"""Where a piece has the name of an arm."""

_NAMED_AFTER_A_TRIAL: Final = re.compile("(0|[1-9][0-9]{0,8})_(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Renumbering:
    """The new numbers of trials of a live object, and the new names of its arms.

    Attributes:
        pieces: those that contain them, as they were before.
    """

    numbers: Mapping[int, int] = MappingProxyType({})
    names: Mapping[str, str] = MappingProxyType({})
    pieces: Pieces = MappingProxyType({})


# --- which trials move, and where to ---------------------------------------------------------------------------------


def collisions(base: AbstractSet[str], mine: Pieces, theirs: Pieces) -> list[int]:
    """Return the numbers under which mine added a trial that is not theirs, where they have something, in order.

    The text of a trial has the microsecond in which it was made: of one text, it is one trial that was saved twice.
    Of theirs, data alone are in the way, too: they are of a trial that was taken away.

    Shapes:
        base: the paths of the pieces that both sides came from
        mine, theirs: the pieces that each side changed since; it does no harm if there are more
    """
    added = [(number, TRIALS.path(number), DATA.path(number)) for number in _added(base, mine)]
    return [
        number
        for number, trial, data in added
        if (not same_json(mine[trial], theirs[trial]) if trial in theirs else data in theirs and data not in base)
    ]


def numbers_for(
    base: AbstractSet[str], mine: Pieces, theirs: Pieces, *, stored: Iterable[int] = (), held: Iterable[int] = ()
) -> dict[int, int]:
    """Return the new number of each trial of *mine* that has to move; of none, if nothing collides.

    From the first collision on, each that *mine* added takes the next free number, its own or one above it, so that
    they stay in the order in which they were made. One that *theirs* has already, but for its number and the names of
    its arms, goes to where it is: an earlier save wrote it, and was interrupted before the object in hand learned it.
    If one is not written as the model's trials are, by a user's function say, none is moved: it would keep its number
    somewhere inside.

    Shapes:
        base, mine, theirs: as in ``collisions``
        stored: more numbers that are not free: of all that is stored, where *base* and *theirs* are a part of it
        held: those of what the object in hand has beside *mine*, where nothing may be put over it
    """
    colliding = collisions(base, mine, theirs)
    if not colliding:
        return {}
    in_hand = set(held)
    occupied = {*stored, *in_hand, *numbers_in(base), *numbers_in(theirs)}
    saved = {_anonymous(theirs[TRIALS.path(number)]): number for number in _added(base, theirs)}
    saved = {text: number for text, number in saved.items() if number not in in_hand}
    numbers: dict[int, int] = {}
    above = colliding[0]
    for number in (each for each in _added(base, mine) if each >= colliding[0]):
        goal = saved.pop(_anonymous(mine[TRIALS.path(number)]), None)
        if goal is None:
            goal = next(free for free in count(max(number, above)) if free not in occupied)
        above = max(above, goal + 1)
        if goal != number:
            numbers[number] = goal
    return numbers if all(_is_readable(mine, number) for number in numbers) else {}


def numbers_in(paths: Iterable[str]) -> set[int]:
    """Return the numbers of the trials at *paths*, and of the trials whose data are there."""
    return {number for path in paths for rule in (TRIALS, DATA) if (number := _number(rule, path)) is not None}


def trials_in(paths: Iterable[str]) -> set[int]:
    """Return the numbers of the trials at *paths*."""
    return {number for path in paths if (number := _number(TRIALS, path)) is not None}


def _added(base: AbstractSet[str], pieces: Pieces) -> list[int]:
    found = (_number(TRIALS, path) for path in pieces if path not in base)
    return sorted(number for number in found if number is not None)


def _number(rule: PartRule, path: str) -> int | None:
    number = position_of(path)
    return number if number is not None and rule.path(number) == path else None


def _is_readable(pieces: Pieces, number: int) -> bool:
    """Return whether the trial and its data have the number, and the names of arms, where the model has them."""
    trial, data = pieces[TRIALS.path(number)], pieces.get(DATA.path(number), {"records": []})
    if not isinstance(trial, dict) or trial.keys().isdisjoint(place[0] for place in _RUNS):
        return False
    found = [*_found(data, _NUMBERS[DATA.field][0], ""), ("", trial.get("index"))]
    return (
        all(type(index) is int and index == number for _, index in found)
        and all(_leads_on(trial, place) for place in _NAMES[TRIALS.field] if place[0] in trial)
        and all(_leads_on(data, place) for place in (*_NUMBERS[DATA.field], *_NAMES[DATA.field]))
    )


def _leads_on(value: JSON, place: Place) -> bool:
    """Return whether *place* leads to something in each branch of *value*; a null is no branch."""
    if not place or value is None:
        return True
    has_it = isinstance(value, dict) and place[0] in value if place[0] not in (ANY, 0) else isinstance(value, list)
    return has_it and all(_leads_on(item, place[1:]) for _, item in _items(value, place[0]))


def _anonymous(trial: JSON) -> bytes:
    """Return the text of a trial without its number and the names of its arms."""
    for place in (*_NUMBERS[TRIALS.field], *_NAMES[TRIALS.field]):
        trial = _replaced(trial, place, lambda _: None)
    return dumps(trial)


# --- what changes with a number --------------------------------------------------------------------------------------


def names_for(
    base: Pieces,
    mine: Pieces,
    theirs: Pieces,
    numbers: Mapping[int, int],
) -> dict[str, str]:
    """Return the new names of the arms that the trials of *mine* in *numbers* brought in.

    An arm whose parameters *theirs* has, too, gets the name that it has there. Otherwise an arm that was named after
    its trial is named after it again: when trial 12 moves to 14, ``12_0`` becomes ``14_0`` or the next free name; also
    in a trial that keeps its number, if *theirs* gave the name to another arm. Names in *base*, and those that a user
    chose, stay.

    Shapes:
        base, mine, theirs: pieces; of *base*, all that are known, since a name in them is not free
    """
    old, known = names_in(base), _known(mine, theirs)
    brought = {name: text for name, text in _brought(mine, theirs, numbers, known).items() if name not in old}
    if not brought:
        return {}
    occupied = (names_in(mine) - brought.keys()) | old | names_in(theirs)
    names: dict[str, str] = {}
    for name, parameters in brought.items():
        number, _, place = name.partition("_")
        free = (f"{numbers[int(number)]}_{each}" for each in count(int(place)))
        names[name] = known.get(parameters) or next(each for each in free if each not in occupied)
        occupied.add(names[name])
    return names


def _known(mine: Pieces, theirs: Pieces) -> dict[bytes, str]:
    """Return the first name in *theirs* for each set of parameters, unless *mine* uses the same name for it."""
    own = {(arm.name, arm.parameters) for arm in arms_in(mine)}
    known: dict[bytes, str] = {}
    for arm in arms_in(theirs):
        if (arm.name, arm.parameters) not in own:
            known.setdefault(arm.parameters, arm.name)
    return known


def _brought(mine: Pieces, theirs: Pieces, numbers: Mapping[int, int], known: Mapping[bytes, str]) -> dict[str, bytes]:
    """Return the parameters of the arms of *mine* that need another name, by the name that they have."""
    stored = {(arm.name, arm.parameters) for arm in arms_in(theirs)}
    taken = {name for name, _ in stored}
    moved = {TRIALS.path(number) for number, goal in numbers.items() if goal != number}
    staying = {TRIALS.path(number) for number in numbers if TRIALS.path(number) in mine and _is_readable(mine, number)}
    brought: dict[str, bytes] = {}
    for arm in arms_in({path: body for path, body in mine.items() if path in moved | staying}):
        is_wanted = arm.path in moved or arm.name in taken or arm.parameters in known
        if is_wanted and arm.is_named_after(arm.path) and (arm.name, arm.parameters) not in stored:
            brought.setdefault(arm.name, arm.parameters)
    return brought


def renumbered(pieces: Pieces, numbers: Mapping[int, int], names: Mapping[str, str]) -> dict[str, JSON]:
    """Return *pieces* with other numbers of trials, and other names of arms, each put in at once, wherever they stand.

    What has none of them is the same object as before; so is each container that holds none.
    """

    def number(value: JSON) -> JSON:
        return numbers.get(value, value) if type(value) is int else value

    def name(value: JSON) -> JSON:
        return names.get(value, value) if isinstance(value, str) else value

    moved: dict[str, JSON] = {}
    for path, body in pieces.items():
        for place in _NUMBERS.get(_field(path), ()):
            body = _replaced(body, place, number)
        for place in _NAMES.get(_field(path), ()):
            body = _replaced(body, place, name)
        moved[moved_path(path, numbers)] = body
    return moved


def moved_path(path: str, numbers: Mapping[int, int]) -> str:
    """Return where the piece at *path* stands under the new *numbers*."""
    for rule in (TRIALS, DATA):
        number = _number(rule, path)
        if number is not None:
            return rule.path(numbers.get(number, number))
    return path


# --- the arms in a piece, and how it is changed ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm that stands at *pointer*, in the piece at *path*; *parameters* are in canonical text."""

    path: str
    pointer: str
    name: str
    parameters: bytes
    json: JSON

    def is_named_after(self, path: str) -> bool:
        """Return whether its name is one that the trial at *path* gives."""
        return is_named_after_a_trial(self.name) and TRIALS.path(self.name.partition("_")[0]) == path


def is_named_after_a_trial(name: str) -> bool:
    """Return whether *name* is one that the model gives to an arm, after its trial."""
    return _NAMED_AFTER_A_TRIAL.fullmatch(name) is not None


def arms_in(pieces: Pieces) -> Iterator[Arm]:
    """Yield the arms in *pieces*, those of the head first, then trial by trial."""
    for path in sorted(pieces, key=in_order):
        for place in _ARMS.get(_field(path), ()):
            for pointer, found in _found(pieces[path], place, path):
                name = found.get("name") if isinstance(found, dict) else None
                parameters = found.get("parameters") if isinstance(found, dict) else None
                if isinstance(name, str) and isinstance(parameters, dict):
                    yield Arm(path, pointer, name, dumps(parameters), found)


def names_in(pieces: Pieces) -> set[str]:
    """Return the names of the arms in *pieces*."""
    found = (
        name
        for path, body in pieces.items()
        for place in _NAMES.get(_field(path), ())
        for _, name in _found(body, place, path)
    )
    return {name for name in found if isinstance(name, str)}


def records_in(data: JSON | None) -> Iterator[dict[str, JSON]]:
    """Yield the observations in the *data* of a trial."""
    for _, record in _found(data, ("records", ANY), ""):
        if isinstance(record, dict):
            yield record


def _field(path: str) -> str:
    return HEAD if path == HEAD else split_path(path)[0]


def _found(value: JSON, place: Place, at: str) -> Iterator[tuple[str, JSON]]:
    """Yield what stands at *place* of *value*, which stands at the pointer *at*, each with its pointer."""
    if not place:
        yield at, value
        return
    for key, item in _items(value, place[0]):
        yield from _found(item, place[1:], at + join_pointer((key,)))


def _replaced(value: JSON, place: Place, replace: Callable[[JSON], JSON]) -> JSON:
    """Return *value* with what stands at *place* replaced; *value* itself if it is replaced by itself."""
    if not place:
        return replace(value)
    items = _items(value, place[0])
    changed = {key: new for key, item in items if (new := _replaced(item, place[1:], replace)) is not item}
    if isinstance(value, list) and changed:
        return [changed.get(index, item) for index, item in enumerate(value)]
    return {**value, **changed} if isinstance(value, dict) and changed else value  # type: ignore[dict-item]  # its keys


def _items(value: JSON, token: str | int) -> Iterable[tuple[str | int, JSON]]:
    if isinstance(value, list):
        return [(index, item) for index, item in enumerate(value) if token in (index, ANY)]
    return [(token, value[token])] if isinstance(value, dict) and isinstance(token, str) and token in value else []
