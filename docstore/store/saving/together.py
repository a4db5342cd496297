"""Save several objects in one transaction: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from docstore.codec.locking import locked
from docstore.documents.arguments import checked_iterable
from docstore.documents.history import Version
from docstore.documents.merge.resolve import OnConflict
from docstore.errors import InvalidValueError
from docstore.sql.writer import Note
from docstore.store.context import StoreContext
from docstore.store.saving.after_commit import remember_unchanged
from docstore.store.saving.local_changes import Save
from docstore.store.saving.pipeline import (
    Outcome,
    Step,
    is_nothing_to_save,
    parts_to_save,
    run,
    saved_before,
    step_of_changes,
    step_of_first,
    whole_to_save,
)

Wanted: TypeAlias = "tuple[Any, list[Any] | None]"
"""An object to save, and the parts of it that are saved with its head; None to save all of it."""


def save_together(context: StoreContext, saves: Iterable[Any], note: Note, policy: OnConflict) -> list[Version]:
    """Save each of *saves* in one transaction; as ``Store.save_together``."""
    wanted = _checked(context, saves)
    with locked(*(obj for obj, _ in wanted)):
        return run(context, [_step(context, obj, parts, note, policy) for obj, parts in wanted])


def _checked(context: StoreContext, saves: Iterable[Any]) -> list[Wanted]:
    """Return what to save, with the parts as lists.

    Raises:
        InvalidValueError: one is neither an object nor a pair, or an object is there twice.
    """
    wanted: list[Wanted] = []
    for each in checked_iterable("saves", saves, "save_together([experiment, (strategy, [run])])"):
        is_pair = type(each) is tuple  # an object of a user's class may be a tuple, too
        if is_pair and len(each) != 2:
            raise InvalidValueError("saves", each, "Give an object, or a pair of an object and a list of its parts.")
        obj, parts = each if is_pair else (each, None)
        if parts is not None:
            parts = list(checked_iterable("parts", parts, "save_together([(experiment, [trial])])"))
        context.mapper().kind_of(obj)
        if any(obj is other for other, _ in wanted):
            raise InvalidValueError("saves", type(obj), "This object is there twice. Give all its parts in one pair.")
        wanted.append((obj, parts))
    return wanted


def _step(context: StoreContext, obj: Any, parts: Sequence[Any] | None, note: Note, policy: OnConflict) -> Step:
    if parts is not None:
        return _step_if_changed(context, parts_to_save(context, obj, parts, policy, head=True), note)
    document, save = whole_to_save(context, obj, policy)
    return (
        step_of_first(context, obj, document, policy, note) if save is None else _step_if_changed(context, save, note)
    )


def _step_if_changed(context: StoreContext, save: Save, note: Note) -> Step:
    if not is_nothing_to_save(save):
        return step_of_changes(context, save, note)
    return lambda connection: Outcome(
        saved_before(connection, context, save), lambda: remember_unchanged(context, save)
    )
