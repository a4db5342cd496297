"""Which document a save of an object goes to: the one that it, or the object it is a copy of, came from."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from docstore.codec.live.live_object import origin_mark
from docstore.documents.kinds import HEAD, Kind, kind_named
from docstore.errors import NameChangedError
from docstore.sql.paging import project_of
from docstore.sql.reader import read_version
from docstore.sql.rows import head_of
from docstore.store.context import StoreContext
from docstore.store.tracking import LoadedState


def origin_of(context: StoreContext, obj: Any, kind: Kind, name: str) -> LoadedState | None:
    """Return where *obj* came from, or None if it makes a new document.

    Raises:
        NameChangedError: *name* is not that of the document that *obj*, or the object it is a copy of, came from.

    Cost:
        A SELECT if the name was changed, or *obj* is a copy.
    """
    origin = context.tracker.get(obj)
    if origin is None or origin.name != name:
        origin = _interrupted_first_save(context, obj, origin) or origin
    if origin is not None and origin.name == name:
        return origin
    id = origin_mark(obj) if origin is None else origin.id
    if id is None:
        return None
    with context.transactions.reading() as connection:
        head = head_of(connection, id)
        if origin is None and (head is None or head.deleted_at or project_of(connection, id) != context.project):
            return None  # a copy of an object of another database or project
    called = head.name if head is not None else name if origin is None else origin.name
    if called != name:
        raise NameChangedError(called, name, kind=kind.name, may_be_copy=origin is None)
    return origin


def _interrupted_first_save(context: StoreContext, obj: Any, known: LoadedState | None) -> LoadedState | None:
    """Return where *obj* was saved by a call that was interrupted after its COMMIT; None if there was none.

    Args:
        known: where *obj* came from before that call, which made a new document of it.
    """
    tried = context.tracker.tried(obj)
    if tried is None or (known is not None and known.id == tried[1]):
        return None
    with context.transactions.reading() as connection:
        first = _first_version(connection, tried[1])
    if first is not None:
        context.remember(obj, first, context.mapper())
    return first


def _first_version(connection: Connection, id: str) -> LoadedState | None:
    """Return version 1 of the document with this *id*, or None if there is none."""
    head = head_of(connection, id)
    if head is None:
        return None
    first = read_version(connection, head, kind_named(head.kind), 1)
    name = kind_named(head.kind).of(first.pieces[HEAD]).name_in(first.pieces[HEAD]) or head.name
    return LoadedState(id, name, 1, first.digests)
