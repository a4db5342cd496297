"""The status of an object: what a save would write now, merged with what others saved, and where it would conflict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlalchemy.engine import Connection

from docstore.codec.live.live_object import LiveObject
from docstore.documents.canonical import ABSENT, JSON, MaybeJSON
from docstore.documents.changeset import same_layout
from docstore.documents.diff.diff import Diff, difference
from docstore.documents.diff.lines import Line, line
from docstore.documents.digests import Piece, piece
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD, join
from docstore.documents.merge.resolve import Resolution
from docstore.documents.patch import Change
from docstore.errors import Conflict, DocumentExistsError
from docstore.sql.reader import Divergence, State, read
from docstore.sql.rows import HeadRow, head_named
from docstore.store.context import StoreContext
from docstore.store.saving.divergence import check_not_restored, read_since
from docstore.store.saving.local_changes import Save, local_changes_of
from docstore.store.saving.origins import origin_of
from docstore.store.saving.resolution import MergedPiece, invalid_merge, merged_changes, merged_pieces


@dataclass(frozen=True, slots=True, repr=False)
class Status(Diff):
    """What ``save`` would write now, as the difference from the newest version to the one that it would make.

    Its lines include conflicts and new numbers.

    Attributes:
        version: the one that the object is based on; None if it was never saved.
        newest: the newest that is stored; None if there is none.
        conflicts: the places that others changed too, or at which the merged document is invalid; ``save`` would
            refuse. The difference shows the object's own values there.
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
        origin = origin_of(context, obj, document.kind, document.name)
        with context.transactions.reading() as connection:
            if origin is not None:
                head = context.transactions.live_head(connection, origin.id, document.kind, document.name)
                changes = local_changes_of(document, origin)
                live = LiveObject(context.mapper(origin.unknown), obj)
                return _status_of(connection, head, Save(live, origin, changes, "merge"))
            taken = head_named(connection, context.project, document.kind.name, document.name)
    if taken is not None:
        raise DocumentExistsError(document.name, kind=document.kind.name, head=taken.version)
    return _status_of_new(document)


def _status_of_new(document: Document) -> Status:
    """Return the status of an object that was never saved."""
    whole = join({path: piece.body for path, piece in document.pieces.items()})
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

    Cost:
        A read of the whole document.
    """
    check_not_restored(connection, head, save.origin)
    now = read(connection, head)
    resolution, problem = _resolution(connection, head, now, save)
    unequal = {path for path, each in resolution.target.items() if now.digests.get(path) != each.digest}
    unequal |= now.pieces.keys() - resolution.target.keys()
    new = {path: each.body for path, each in resolution.target.items()}
    optional = save.live.mapper.codec.optional_members
    made = difference(save.changes.document.kind, now.pieces, new, unequal, optional)
    lines = (*made.lines, *_lines(resolution))
    diff = (made.changes, made.patch, made.undo, lines)
    return Status(*diff, save.origin.version, head.version, resolution.conflicts, resolution.numbers, problem)


def _resolution(connection: Connection, head: HeadRow, now: State, save: Save) -> tuple[Resolution, str]:
    """Return the whole document that a save would make, and what is wrong with it that the conflicts do not say."""
    origin, changes, document = save.origin, save.changes, save.changes.document
    if head.version == origin.version and not origin.behind:
        return Resolution(document.pieces), ""
    if not changes.paths and not origin.behind:
        return Resolution({path: piece(path, body) for path, body in now.pieces.items()}), ""
    divergence = read_since(connection, head, save)
    if divergence.has_new_layout or not same_layout(document.kind, now.pieces[HEAD], document.pieces[HEAD].body):
        own = join({path: each.body for path, each in document.pieces.items()})
        return Resolution(document.pieces, (Conflict(HEAD, ABSENT, own, join(now.pieces)),)), ""
    merged = merged_changes(save, divergence)
    touched = {*divergence.base, *divergence.theirs, *changes.paths, *map(merged.moved, changes.paths)}
    untouched = {path: piece(path, body) for path, body in now.pieces.items() if path not in touched}
    whole = replace(merged, target={**untouched, **_only(merged.target, touched)})
    if merged.conflicts:
        return whole, merged.problem
    invalid = invalid_merge(save.live, _merged_pieces(now, save, divergence, merged))
    return (whole, merged.problem) if invalid is None else (replace(whole, conflicts=invalid.places), invalid.problem)


def _merged_pieces(now: State, save: Save, divergence: Divergence, merged: Resolution) -> dict[str, MergedPiece]:
    """Return the merged pieces that neither the object nor the database has as they would be."""
    own = {merged.moved(path): each.digest for path, each in save.changes.document.pieces.items()}
    made = {path: each.digest for path, each in merged.target.items()}
    paths = [path for path, digest in made.items() if digest not in (own.get(path), now.digests.get(path))]
    return merged_pieces(save, divergence, merged, paths)


def _lines(resolution: Resolution) -> Iterator[Line]:
    for old, new in sorted(resolution.numbers.items()):
        yield Line(f"trial {old}", "number", str(old), str(new))
    for each in resolution.conflicts:
        place = each.pointer.removeprefix("/") or "all of it"
        yield line("conflict", place, cast(MaybeJSON, each.theirs), cast(MaybeJSON, each.mine))


def _only(pieces: Mapping[str, Piece], paths: set[str]) -> dict[str, Piece]:
    return {path: each for path, each in pieces.items() if path in paths}
