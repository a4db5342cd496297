"""After the COMMIT of a save: objects remember the version that they are now, and get what others changed.

Ctrl-C waits until this is done, so that no object is saved without knowing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from docstore.codec.live.adopt import adopt
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.renumber import renumber
from docstore.codec.live.sealing import is_sealed
from docstore.codec.mapper import Mapper
from docstore.documents.canonical import ABSENT, Absent
from docstore.documents.document import Document
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD
from docstore.documents.merge.trials import numbers_in
from docstore.sql.writer import New, Saved, SavedMany
from docstore.store.context import StoreContext
from docstore.store.lazy import advancing, to_adopt
from docstore.store.saving.local_changes import Save
from docstore.store.saving.object_update import ObjectUpdate
from docstore.store.tracking import LoadedState


def remember_new(context: StoreContext, obj: Any, document: Document, saved: Saved) -> None:
    """Remember that *obj*, encoded as *document*, came from the version that was *saved*."""
    digests = saved.digests or document.digests()
    context.remember(obj, LoadedState(saved.id, document.name, saved.version.number, digests), context.mapper())


def seal_parts(save: Save) -> None:
    """Seal the parts that a save has looked at, now that they are stored.

    A save of parts that its caller named, or with ``based_on``, leaves the seals alone. But if the object has
    other dicts of parts by now, the seals are dropped: the former dicts may come back, and have no note of this save.
    """
    state = save.state
    if save.sealing is not None:
        state.seal = save.sealing.end()
    elif state.seal is not None and not is_sealed(LiveObject(state.seal.mapper, save.live.obj), state.seal):
        state.seal = None


def remember_unchanged(context: StoreContext, save: Save) -> None:
    """Remember that an object with nothing to save is as the version that it came from."""
    if context.tracker.get(save.live.obj) is not save.state:
        context.remember(save.live.obj, save.state, save.live.mapper)
    seal_parts(save)


def remember_many(context: StoreContext, mapper: Mapper, new: Iterable[tuple[Any, New]], saved: SavedMany) -> None:
    """Remember that each object of *new* came from the first version of its document."""
    for obj, each in new:
        context.remember(obj, LoadedState(each.id, each.name, 1, each.digests), mapper)
    context.codes.learn(saved.codes)


def bring_up_to_date(context: StoreContext, save: Save, version: Version, update: ObjectUpdate) -> None:
    """Update the saved object in place, and make its loaded state the *version* that the save made.

    What another thread changed in the object since it was encoded stays in it, not saved yet. A piece in which others
    changed the same place is left as it is: the next save merges both, or raises a conflict.
    """
    state = save.state
    with updating(save, update) as left:
        left_as_saved = {path: body for path, body in update.saved.items() if path in left}
        state.advance(version.number, update.digests, update.kept, left_as_saved)
    state.name = saved_name(save, update, is_head_left=HEAD in left)
    context.remember(save.live.obj, state, save.live.mapper)
    seal_parts(save)


@contextmanager
def updating(save: Save, update: ObjectUpdate) -> Iterator[set[str]]:
    """Give the object new numbers of trials, and what others changed; yield the paths that were left as they are.

    Until the block ends, in which the loaded state is advanced, other threads put no part into the object that they
    have read.
    """
    unread = renumber(save.live, update.renumbering, numbers_in(update.pieces))
    saved = {path: body for path, body in update.saved.items() if path not in unread}
    with advancing(save.live):
        yield adopt(save.live, to_adopt(save.live, update.pieces), saved)


def saved_name(save: Save, update: ObjectUpdate, *, is_head_left: bool) -> str:
    """Return the name under which the object was saved: not the one it has now, which another thread may have set."""
    head = update.pieces.get(HEAD, ABSENT)
    renamed = None if is_head_left or isinstance(head, Absent) else save.changes.document.kind.name_in(head)
    return renamed or save.changes.document.name
