"""Upgrade: write every document as its class is now, so that searches and views see today's form."""

from __future__ import annotations

from typing import Final

from docstore.documents.kinds import HEAD, is_document
from docstore.errors import ConflictError, DocumentNotFoundError, InvalidValueError
from docstore.progress import Progress, Report, reporting
from docstore.sql.reader import read
from docstore.sql.rows import head_of, live_documents
from docstore.sql.writer import Note
from docstore.store.context import StoreContext
from docstore.store.reading import object_of
from docstore.store.saving.pipeline import save

_TRIES: Final = 20
"""How often a document is loaded and saved that others save at the same time."""


def upgrade(context: StoreContext, kind: str | None, note: Note, progress: bool | Report) -> int:
    """Save every document whose class writes it otherwise now, and return how many; as ``Store.upgrade``."""
    wanted = _kinds_with_a_class(context, kind)
    with reporting(progress, "documents") as report:
        with context.transactions.reading() as connection:
            found = [each for each in live_documents(connection, context.project) if each[0] in wanted]
        upgraded = 0
        for done, (its_kind, name, id) in enumerate(found, start=1):
            try:
                upgraded += _is_upgraded(context, id, note)
            except BaseException as error:
                error.add_note(f"upgrade stopped at {its_kind} {name!r}; documents upgraded before it: {upgraded:,}")
                raise
            report(Progress(done, len(found), name))
        return upgraded


def _kinds_with_a_class(context: StoreContext, kind: str | None) -> set[str]:
    """Return the kinds that have a class here: all of them, or *kind* alone.

    Raises:
        InvalidValueError: *kind* has none; lists those that have one.
    """
    known = {entry.kind.name for entry in context.mapper().codec.registry.entries if entry.kind is not None}
    if kind is None:
        return known
    if not isinstance(kind, str) or kind not in known:
        raise InvalidValueError("kind", kind, f"It has no class here. Kinds that have one: {', '.join(sorted(known))}.")
    return {kind}


def _is_upgraded(context: StoreContext, id: str, note: Note) -> bool:
    """Load a document and save it, and return whether that made a version."""
    for attempt in range(_TRIES):
        with context.transactions.reading() as connection:
            head = head_of(connection, id)
            state = read(connection, head) if head is not None and head.deleted_at is None else None
        if head is None or state is None or not is_document(state.pieces[HEAD]):
            return False  # it was deleted meanwhile; or it is a JSON value that was put
        obj = object_of(context, head, state, context.unknown)
        try:
            return save(context, obj, note, "merge").number > state.version
        except DocumentNotFoundError:
            return False  # it was deleted just now
        except ConflictError:
            # Others saved since, in another form. This object has nothing of its own: it is loaded again.
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("the loop returns or raises")
