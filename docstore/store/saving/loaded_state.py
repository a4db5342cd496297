"""The loaded state of an object to be saved: remembered, said by the object itself, or by its caller.

An ``Origin`` is what the object itself says that it came from.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from docstore.documents.digests import Digests
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, Kind, kind_named
from docstore.errors import ConflictError, InvalidValueError, NameChangedError, VersionNotFoundError
from docstore.sql.paging import project_of
from docstore.sql.reader import State, has_version, read_version
from docstore.sql.rows import HeadRow, head_of
from docstore.store.context import StoreContext
from docstore.store.saving.divergence import FOLDED, INCOMPLETE, RESTORED, refused
from docstore.store.tracking import LoadedState, Origin, origins_in


def loaded_state_of(
    context: StoreContext,
    obj: Any,
    kind: Kind,
    name: str,
    *,
    based_on: int | Version | None = None,
    overwrite: bool = False,
) -> LoadedState | None:
    """Return where *obj* came from, or None if it makes a new document.

    A copy, or an object that another store loaded, says it itself; it is proved by what is stored, and remembered.

    Args:
        based_on: the version that the caller says it came from; see ``state_based_on``.
        overwrite: return a state without pieces, in place of an error, if what *obj* says cannot be proved.

    Raises:
        NameChangedError: *name* is not that of the document that *obj*, or the object it is a copy of, came from.
        DocumentNotFoundError: the document that a copy came from was deleted.
        ConflictError: the version that a copy came from is not in the database as the copy has it, or was folded.

    Cost:
        A SELECT if the name was changed. For a copy, a read of the whole document, once.
    """
    if based_on is not None:
        return state_based_on(context, obj, kind, name, based_on)
    state = context.tracker.get(obj)
    if state is None or state.name != name:
        state = _interrupted_first_save(context, obj, state) or state
    if state is None:
        return _state_of_copy(context, obj, kind, name, overwrite=overwrite)
    state = _renewed(context, obj, state, overwrite=overwrite)
    if state.name == name:
        return state
    with context.transactions.reading() as connection:
        head = head_of(connection, state.id)
    _check_name(kind, name, state.name, head)
    return state


def _check_name(kind: Kind, name: str, loaded: str, head: HeadRow | None) -> None:
    """Refuse an object that has neither the name that it had in its document, nor the one that the document has now."""
    called = loaded if head is None else head.name
    if name not in (loaded, called):
        owner_kind = (kind.owner_kind or "") if kind.is_named_by_owner else ""
        raise NameChangedError(called, name, kind=kind.name, owner_kind=owner_kind)


# --- what an object says itself --------------------------------------------------------------------------------------


def _state_of_copy(context: StoreContext, obj: Any, kind: Kind, name: str, *, overwrite: bool) -> LoadedState | None:
    """Return what *obj* says that it came from; None if that is not in this database and project."""
    for origin in origins_in(obj):
        with context.transactions.reading() as connection:
            head = head_of(connection, origin.id)
            if head is None or head.kind != kind.name or project_of(connection, origin.id) != context.project:
                continue
            _check_name(kind, name, origin.name, head)
            head = context.transactions.live_head(connection, origin.id, kind, name)
            try:
                state = _proved(connection, head, origin)
            except ConflictError:
                if not overwrite:
                    raise
                return LoadedState.at(origin, Digests.of({}))
        context.tracker.set(obj, state)
        return state
    return None


def _renewed(context: StoreContext, obj: Any, known: LoadedState, *, overwrite: bool) -> LoadedState:
    """Return what *obj* came from: *known*, or what another store on this database has made of it since.

    Raises:
        ConflictError: another store saved it, and that version was folded; or the object has what no version has.
            Based on *known*, what it has from that store would be taken for its own changes.
    """
    said = next((origin for origin in origins_in(obj) if origin.id == known.id), known.origin)
    if said is None or said is known.origin:
        return known
    with context.transactions.reading() as connection:
        head = head_of(connection, known.id)
        if head is None or not has_version(connection, head, said.version, said.digest):
            return known  # it was saved to another database, which has a document with this id too
        try:
            state = _proved(connection, head, said)
        except ConflictError:
            if not overwrite:
                raise
            return LoadedState.at(said, Digests.of({}))
    context.tracker.set(obj, state)
    return state


def _proved(connection: Connection, head: HeadRow, origin: Origin) -> LoadedState:
    """Return the loaded state of an object that says that it came from *origin*.

    Raises:
        ConflictError: the database does not have that version with that digest, or it was folded; or the object has
            something that no version has.
    """
    if not origin.is_complete:
        raise refused(head, origin.version, INCOMPLETE)
    if not has_version(connection, head, origin.version, origin.digest):
        raise refused(head, origin.version, RESTORED)
    try:
        stored = read_version(connection, head, kind_named(head.kind), origin.version)
    except VersionNotFoundError as error:
        raise refused(head, origin.version, FOLDED) from error
    return LoadedState.at(origin, stored.digests)


# --- what the caller says --------------------------------------------------------------------------------------------


def read_base(connection: Connection, head: HeadRow, based_on: int | Version) -> State:
    """Return the state of the version that a caller says its object, value or text was made from.

    Raises:
        VersionNotFoundError: there is no such version, or it was folded.
        InvalidValueError: *based_on* is a version of another document, or neither a number nor a version.
    """
    number = based_on.number if isinstance(based_on, Version) else based_on
    if type(number) is not int:
        raise InvalidValueError("based_on", based_on, "Give the number of a version, or what a save returned.")
    state = read_version(connection, head, kind_named(head.kind), number)
    if isinstance(based_on, Version) and based_on.digest != state.digests.digest():
        remedy = f"Version {number} of {head.name!r} is another one here. Give its number, if you mean it."
        raise InvalidValueError("based_on", based_on.digest, remedy)
    return state


def state_based_on(
    context: StoreContext, obj: Any, kind: Kind, name: str, based_on: int | Version
) -> LoadedState | None:
    """Return the loaded state of *obj*, which was made from a version of the document *name*, as the caller says.

    Raises:
        DocumentNotFoundError, VersionNotFoundError: there is no such document or version, or it was folded.
        InvalidValueError: as ``read_base``; or *obj* is known to be based on another version of the document.
        ConflictError: *obj* knows that it is based on that version, but no version is what it was made from.
    """
    with context.transactions.reading() as connection:
        head = context.transactions.head(connection, kind.name, name)
        base = read_base(connection, head, based_on)
    number, digests = base.version, base.digests
    known = _known_origin(context, obj, head.id)
    if known is not None and known.version != number:
        remedy = f"This object is based on version {known.version} of {name!r}, and knows it: leave based_on out."
        raise InvalidValueError("based_on", number, remedy)
    if known is not None and known.digest == digests.digest():
        # It also knows which pieces of that version it does not have yet, after a save of some of its parts.
        return loaded_state_of(context, obj, kind, name)
    return LoadedState(head.id, name, number, digests, unknown=context.unknown)


def _known_origin(context: StoreContext, obj: Any, id: str) -> Origin | None:
    """Return the version of the document *id* that *obj* is known to be based on, or None."""
    tracked = context.tracker.get(obj)
    said = [origin for origin in origins_in(obj) if origin.id == id]
    if said:
        return said[0]
    return tracked.as_origin() if tracked is not None and tracked.id == id else None


# --- a first save that was interrupted -------------------------------------------------------------------------------


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
