"""Bring an object in memory up to newer pieces of its document: checked beforehand, planned whole, written in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from docstore.codec.classes.class_fields import MISSING
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.parts import Parts
from docstore.codec.live.update_in_place import InPlaceUpdate
from docstore.documents.canonical import JSON, Absent
from docstore.documents.kinds import HEAD, in_order, split_path
from docstore.errors import CodecError, InvalidValueError


def check_adoptable(live: LiveObject, pieces: Mapping[str, JSON | Absent], *, merged: bool) -> None:
    """Check that ``adopt`` can decode *pieces*, while nothing has been written yet.

    Args:
        merged: whether the head was merged from two writers' changes, and must make sense to its class.

    Raises:
        DecodeError: a piece cannot be decoded.
        InvalidValueError: the merged head is invalid.
    """
    if pieces and live.by_function:
        live.with_pieces(pieces)
        return
    for path, body in pieces.items():
        decoded = live.decoded(path, body)
        if path == HEAD and merged and decoded is not MISSING:
            check_merged_object(decoded, live.obj)


def check_merged_object(merged: Any, mine: Any) -> None:
    """Check that the object *merged* from two writers' changes is valid, by the class's ``__docstore_check_merged__``.

    Raises:
        InvalidValueError: it is invalid, and *mine* is not. A version stored before the class had this check may fail
            it too; then nothing is refused.
    """
    for each in (mine, merged):
        # The name of the method cannot clash with one of a user's class.
        check = getattr(type(each), "__docstore_check_merged__", None)
        try:
            if check is not None:
                check(each)
        except InvalidValueError:
            if each is merged:
                raise
            return


def adopt(
    live: LiveObject, pieces: Mapping[str, JSON | Absent], saved: Mapping[str, JSON | Absent] | None = None
) -> set[str]:
    """Bring the object up to *pieces*, in place: the head's fields, and parts added, updated or (ABSENT) removed.

    What the user holds a reference to (a trial, its metadata, a parameter) stays the same object wherever that is
    possible: see ``InPlaceUpdate``. Everything is planned before anything is changed.

    Args:
        saved: what was saved of the object at the paths of *pieces*; what another thread changed since stays. A path
            that is missing here means that the object has not changed there.

    Returns:
        The paths of the pieces that were left as they are, since the object was changed in places that others changed
        too.

    Raises:
        DecodeError: a piece cannot be decoded; ``check_adoptable`` finds it beforehand. Nothing is changed.
    """
    if not pieces:
        return set()
    update = InPlaceUpdate(live.mapper.codec.uncompared, live.obj, live.kind)
    plan = _plan_whole if live.by_function else _plan_pieces
    plan(live, pieces, saved or {}, update)
    left = update.write()
    update.finish()
    return left


def _plan_pieces(
    live: LiveObject, pieces: Mapping[str, JSON | Absent], saved: Mapping[str, JSON | Absent], update: InPlaceUpdate
) -> None:
    fields_of_parts = [rule.field for rule in live.kind.parts]
    gone = {path for path, body in pieces.items() if isinstance(body, Absent)}
    # Items of a list are appended in order, and removed from the end.
    for path in (*_in_turn(live, pieces.keys() - gone), *sorted(gone, key=in_order, reverse=True)):
        fresh = live.decoded(path, pieces[path])
        try:
            base = live.decoded(path, saved[path]) if path in saved else _present(live, path)
        except CodecError:  # it cannot be decoded, so what changed in it is not known
            update.leave(path)
            continue
        if path != HEAD:
            update.part(path, base, fresh)
        elif fresh is not MISSING:
            update.become(base, fresh, fields_of_parts)


def _in_turn(live: LiveObject, paths: Iterable[str]) -> list[str]:
    """Return the *paths* in the order in which the pieces are put into the object."""
    parts, owner = Parts(live.mapper.codec), type(live.obj)
    backwards = {rule.field for rule in live.kind.parts if parts.are_filled_backwards(owner, rule.field)}
    ordered = sorted(paths, key=in_order)
    last = [path for path in ordered if path != HEAD and split_path(path)[0] in backwards]
    return [*(path for path in ordered if path not in last), *reversed(last)]


def _present(live: LiveObject, path: str) -> Any:
    """Return the object at *path* now, or MISSING."""
    return live.obj if path == HEAD else live.part(path, MISSING)


def _plan_whole(
    live: LiveObject, pieces: Mapping[str, JSON | Absent], saved: Mapping[str, JSON | Absent], update: InPlaceUpdate
) -> None:
    """Plan the update of an object that a user's function encodes: only the whole says what a piece means."""
    try:
        base, fresh = live.with_pieces(saved, pieces)
    except CodecError:  # another thread added what cannot be encoded, or a piece cannot be decoded
        for path in pieces:
            update.leave(path)
        return
    kept = []
    for rule in live.kind.parts:
        attribute = live.mapper.codec.attribute(type(live.obj), rule.field)
        present, was, becomes = (getattr(each, attribute) for each in (live.obj, base, fresh))
        if isinstance(present, dict) and isinstance(was, dict) and isinstance(becomes, dict):
            kept.append(rule.field)
            for key in {**present, **becomes}:
                update.part(rule.path(key), was.get(key, MISSING), becomes.get(key, MISSING))
    update.become(base, fresh, kept)
