"""Renumber trials of an experiment, or runs of a strategy, in memory, after others saved some under these numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import Final

from docstore.codec.live.adopt import adopt
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.parts import Parts
from docstore.documents.canonical import ABSENT, JSON, Absent
from docstore.documents.kinds import HEAD
from docstore.documents.merge.trials import TRIALS, Renumbering, arms_in, moved_path, numbers_in, renumbered
from docstore.errors import CodecError

_TRIES: Final = 20
"""How often the pieces of trials are rewritten if another thread changes them meanwhile."""


def renumber(live: LiveObject, wanted: Renumbering, taken: Collection[int] = ()) -> set[str]:
    """Renumber trials of the object, all at once, and rename arms; each stays the same object.

    A trial that another thread made meanwhile under one of the new numbers moves to the next free one.

    Args:
        taken: further numbers that are not free.

    Returns:
        The paths of pieces that ``adopt`` has to update instead, if a user's function encodes the object.
    """
    if not wanted.numbers and not wanted.names:
        return set()
    parts = Parts(live.mapper.codec)
    in_the_way = sorted(live.numbers().intersection(wanted.numbers.values()) - wanted.numbers.keys())
    room = dict(zip(in_the_way, _free(live, wanted.numbers, taken), strict=False))
    for rule in live.kind.parts:
        free = _free(live, wanted.numbers, {*taken, *room.values()})
        room |= parts.move(live.obj, rule.field, {**wanted.numbers, **room}, free)
    numbers = {**wanted.numbers, **room}
    # Another thread may have added data, too.
    paths = {*wanted.pieces, *(rule.path(number) for rule in live.kind.parts for number in numbers)}
    if live.by_function:
        return {moved_path(path, numbers) for path in paths}
    _write_numbers(live, wanted, numbers, room, paths)
    return set()


def _free(live: LiveObject, numbers: Mapping[int, int], taken: Collection[int]) -> Iterator[int]:
    return count(max({*live.numbers(), *taken, *numbers.values()}, default=-1) + 1)


def _write_numbers(
    live: LiveObject,
    wanted: Renumbering,
    numbers: Mapping[int, int],
    room: Mapping[int, int],
    paths: Collection[str],
) -> None:
    """Write the new *numbers* of trials, and the new names of arms, into the pieces that were at *paths*.

    Args:
        room: which of the *numbers* are of trials that only made room for others.
    """
    had, names = dict(wanted.pieces), dict(wanted.names)
    for _ in range(_TRIES):
        # As they are now: another thread may have added to them.
        now = {path: _body(live, moved_path(path, numbers)) for path in paths}
        had |= {path: body for path, body in now.items() if not isinstance(body, Absent)}
        names |= _new_names(had, room)
        becomes: dict[str, JSON] = {}
        for path, body in had.items():
            # Its own number only: in a row of trials that moved up by one, the next one's number is another trial's.
            own = {number: numbers[number] for number in numbers_in([path]) & numbers.keys()}
            becomes |= renumbered({path: body}, own, names)
        changed = {there: had[path] for path in had if becomes[there := moved_path(path, numbers)] is not had[path]}
        left = adopt(live, {path: becomes[path] for path in changed}, changed)
        # A piece that the other thread changed just then still holds its former number, and nothing else would notice.
        paths = {path for path in paths if moved_path(path, numbers) in left}
        had, room = {}, {}
        if not paths:
            return


def _body(live: LiveObject, path: str) -> JSON | Absent:
    """Return the JSON of a piece as it is now; ABSENT if there is none, or it cannot be encoded."""
    try:
        pieces = live.mapper.document(live.obj).pieces if path == HEAD else live.parts([path])
    except CodecError:
        return ABSENT
    return pieces[path].body if path in pieces else ABSENT


def _new_names(pieces: Mapping[str, JSON], numbers: Mapping[int, int]) -> dict[str, str]:
    """Return the new names of the arms that are named after the trials in *numbers*."""
    goals = {TRIALS.path(number): goal for number, goal in numbers.items()}
    arms = [arm for arm in arms_in(pieces) if arm.path in goals and arm.is_named_after(arm.path)]
    return {arm.name: f"{goals[arm.path]}_{arm.name.partition('_')[2]}" for arm in arms}
