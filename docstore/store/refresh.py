"""Refresh: an object in memory brought up to the newest version, with its local changes, which are not saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docstore.documents.history import Version
from docstore.documents.kinds import HEAD
from docstore.sql.reader import version_numbered
from docstore.store.context import StoreContext
from docstore.store.lazy import reading_by
from docstore.store.saving.after_commit import saved_name, seal_parts, updating
from docstore.store.saving.divergence import check_not_restored, is_current
from docstore.store.saving.local_changes import Save
from docstore.store.saving.object_update import ObjectUpdate, check_readable
from docstore.store.saving.pipeline import planned, whole_to_save


def refresh(context: StoreContext, obj: Any) -> Version:
    """Bring *obj* up to the newest version, and return that; as ``Store.refresh``."""
    with context.locked(obj):
        document, save = whole_to_save(context, obj, "merge")
        with context.transactions.reading() as connection:
            if save is None:
                raise context.transactions.unsaved_error(connection, document.kind, document.name)
            head = context.transactions.live_head(connection, save.state.id, document.kind, document.name)
            check_not_restored(connection, head, save.state)
            version = version_numbered(connection, head, head.version)
            if is_current(head, save):
                return version
            with reading_by(connection, save.live):
                plan = planned(connection, head, save)
                stored = {path: plan.digests.get(path) for path in plan.update.digests}
                check_readable(save, head, plan.update)
        _catch_up(context, save, plan.update, version, stored)
    return version


def _catch_up(
    context: StoreContext, save: Save, update: ObjectUpdate, version: Version, stored: Mapping[str, str | None]
) -> None:
    """Give the object what others saved; it is based on *version* then, beside which it has the same local changes.

    A piece that another thread changed since it was encoded, in a place that others changed too, is left as it is, and
    is still based on the older version.

    Args:
        stored: the digests that the pieces have in *version*.
    """
    state = save.state
    with updating(save, update) as left:
        state.advance(version.number, stored, update.kept - left)
    state.name = saved_name(save, update, is_head_left=HEAD in left)
    context.remember(save.live.obj, state, save.live.mapper)
    if save.changes.paths or left:
        state.seal = None  # what was not saved is not as this version has it
    else:
        seal_parts(save)
