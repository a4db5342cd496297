"""The status of an object: what a save would write now, merged with what others saved, and where it would conflict."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from sqlalchemy.engine import Connection

from docstore.documents.canonical import ABSENT, JSON, MaybeJSON
from docstore.documents.diff.diff import Diff, of_documents
from docstore.documents.diff.lines import Line, line
from docstore.documents.digests import Piece, bodies_of
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD, join
from docstore.documents.patch import Change
from docstore.errors import Conflict, ConflictError, DocumentExistsError
from docstore.sql.reader import read
from docstore.sql.rows import HeadRow, head_named
from docstore.store.context import StoreContext
from docstore.store.lazy import reading_by
from docstore.store.saving.divergence import check_not_restored, mergeable
from docstore.store.saving.loaded_state import loaded_state_of
from docstore.store.saving.local_changes import Encoding, Save
from docstore.store.saving.object_update import check_readable
from docstore.store.saving.pipeline import is_nothing_to_save, planned, save_of
from docstore.store.saving.resolution import merged_changes, paths_to_save

_Pieces: TypeAlias = "dict[str, JSON]"


@dataclass(frozen=True, slots=True, repr=False)
class Status(Diff):
    """What ``save`` would write now, as the difference from the newest version to the one that it would make.

    Its lines include conflicts and new numbers.

    Attributes:
        version: the one that the object is based on; None if it was never saved.
        newest: the newest that is stored; None if there is none.
        conflicts: the places that others changed too, or at which the merged document is invalid; ``save`` would
            refuse. The difference shows the object's own values there. The place is the whole document, if the two
            cannot be merged.
        numbers: the trials that would get other numbers, since others took theirs.
        problem: what is wrong with the conflicts, if their places alone do not say it.
    """

    version: int | None = None
    newest: int | None = None
    conflicts: tuple[Conflict, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)
    problem: str = ""


def status(context: StoreContext, obj: Any) -> Status:
    """Return what a save of *obj* would write; as ``Store.status``."""
    with context.locked(obj):
        document = context.mapper().document(obj)
        state = loaded_state_of(context, obj, document.kind, document.name)
        with context.transactions.reading() as connection:
            if state is not None:
                head = context.transactions.live_head(connection, state.id, document.kind, document.name)
                save = save_of(context, obj, Encoding(document), state, "merge")
                with reading_by(connection, save.live):
                    return _status_of(connection, head, save)
            taken = head_named(connection, context.project, document.kind.name, document.name)
    if taken is not None:
        raise DocumentExistsError(document.name, kind=document.kind.name, head=taken.version)
    return _status_of_new(document)


def _status_of_new(document: Document) -> Status:
    """Return the status of an object that was never saved."""
    whole = join(bodies_of(document.pieces))
    added = Line(f"{document.kind.name} {document.name}", "", None, "as version 1")
    forth: dict[str, JSON] = {"op": "add", "path": HEAD, "value": whole}
    back: dict[str, JSON] = {"op": "replace", "path": HEAD, "value": None}
    return Status((Change("add", HEAD),), (forth,), (back,), (added,))


def _status_of(connection: Connection, head: HeadRow, save: Save) -> Status:
    """Return the status of an object that came from a stored version.

    Raises:
        ConflictError: the version that it is based on was folded, so that nothing can be merged; or the database does
            not hold it, since it was restored from a backup.
        DecodeError: what others saved, and the object changed too, cannot be read here.
        EncodeError: part of the stored document has a newer schema.

    Cost:
        A read of the whole document.
    """
    check_not_restored(connection, head, save.state)
    now = read(connection, head).pieces
    conflicts: tuple[Conflict, ...] = ()
    problem = ""
    try:
        made, numbers = _made(connection, head, save, now)
    except ConflictError as error:
        made, numbers = _made_with_mine(connection, head, save, now)
        conflicts = error.places or (Conflict(HEAD, ABSENT, join(made), join(now)),)
        problem = error.problem
    diff = of_documents(save.changes.document.kind, join(now), join(made), save.live.mapper.codec.optional_members)
    lines = (*diff.lines, *_lines(numbers, conflicts))
    shown = (diff.changes, diff.patch, diff.undo, lines)
    return Status(*shown, save.state.version, head.version, conflicts, numbers, problem)


def _made(connection: Connection, head: HeadRow, save: Save, now: _Pieces) -> tuple[_Pieces, Mapping[int, int]]:
    """Return the document that the save makes of *now*, and the new numbers of trials.

    Raises:
        ConflictError, DecodeError, EncodeError: as the save does.
    """
    if is_nothing_to_save(save):
        return now, {}
    plan = planned(connection, head, save)
    check_readable(save, head, plan.update)
    written, removed = plan.changeset.written, plan.changeset.removed
    return _with(now, written, removed), plan.update.renumbering.numbers


def _made_with_mine(
    connection: Connection, head: HeadRow, save: Save, now: _Pieces
) -> tuple[_Pieces, Mapping[int, int]]:
    """Return as ``_made``, with the object's own values where it conflicts with *now*; all of them, if no merge can be.

    Raises:
        ConflictError: the version that the object is based on was folded.
    """
    divergence = mergeable(connection, head, save)
    if divergence is None:
        return _with(now, save.changes.document.pieces, now), {}
    resolution = merged_changes(save, divergence)
    return _with(now, resolution.target, paths_to_save(save, divergence)), resolution.numbers


def _with(now: _Pieces, new: Mapping[str, Piece], replaced: Collection[str]) -> _Pieces:
    """Return the pieces of *now* with *new* ones, which take the place of those at the paths *replaced*."""
    kept = {path: body for path, body in now.items() if path not in replaced}
    return {**kept, **bodies_of(new)}


def _lines(numbers: Mapping[int, int], conflicts: Iterable[Conflict]) -> Iterator[Line]:
    for old, new in sorted(numbers.items()):
        yield Line(f"trial {old}", "number", str(old), str(new))
    for each in conflicts:
        place = each.pointer.removeprefix("/") or "all of it"
        yield line("conflict", place, cast(MaybeJSON, each.theirs), cast(MaybeJSON, each.mine))
