"""What a save of an object in hand would write: its difference from what is stored, together with what others saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlalchemy.engine import Connection

from docstore.codec.mapper import Mapper
from docstore.documents.canonical import ABSENT, JSON, MaybeJSON
from docstore.documents.changeset import same_layout
from docstore.documents.diff.diff import Diff, difference
from docstore.documents.diff.lines import Line, line
from docstore.documents.digests import Piece, piece
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD, join
from docstore.documents.merge.resolve import Resolution
from docstore.documents.patch import Change
from docstore.errors import Conflict
from docstore.sql.reader import Divergence, State, has_version, read
from docstore.sql.rows import HeadRow
from docstore.store.local_changes import LocalChanges, local_changes_of
from docstore.store.saving import (
    RESTORED,
    Both,
    Nonsense,
    changed_by_both,
    divergence,
    nonsense,
    refused,
    resolved,
    senseless,
)
from docstore.store.tracking import LoadedState


@dataclass(frozen=True, slots=True)
class Status(Diff):
    """What ``save`` would write now, as the difference from the newest version to the one that it would make.

    Its lines tell of conflicts and of new numbers, too.

    Attributes:
        version: the one that the object stands on; None if it was never saved.
        newest: the newest that is stored; None if there is none.
        conflicts: the places that others changed too, or in which both make no sense together; ``save`` refuses then.
            The object's stand in the difference.
        numbers: the trials that would get other numbers, since others took theirs.
        problem: what is wrong with the conflicts, where their places alone do not say it.
    """

    version: int | None = None
    newest: int | None = None
    conflicts: tuple[Conflict, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)
    problem: str = ""


def status_of_new(document: Document) -> Status:
    """Return the status of an object that makes *document* and was never saved."""
    whole = join({path: piece.body for path, piece in document.pieces.items()})
    added = Line(f"{document.kind.name} {document.name}", "", None, "as version 1")
    forth: dict[str, JSON] = {"op": "add", "path": HEAD, "value": whole}
    back: dict[str, JSON] = {"op": "replace", "path": HEAD, "value": None}
    return Status((Change("add", HEAD),), (forth,), (back,), (added,))


def status_of(
    connection: Connection, head: HeadRow, documents: Mapper, obj: Any, document: Document, origin: LoadedState
) -> Status:
    """Return the status of *obj*, which makes *document* and stands on *origin*.

    Raises:
        ConflictError: the version that it stands on was folded, so that nothing can be merged; or the database does not
            hold it, since it was put back to an older state.
        DecodeError: what others saved, and the object changed too, cannot be read here.

    Cost:
        A read of the whole document.
    """
    if not has_version(connection, head, origin.version, origin.digests.digest()):
        raise refused(head, origin.version, RESTORED)
    now = read(connection, head)
    settled, problem = _settled(connection, head, now, document, origin, lambda both: nonsense(documents, obj, both))
    unequal = {path for path, each in settled.target.items() if now.digests.get(path) != each.digest}
    unequal |= now.pieces.keys() - settled.target.keys()
    new = {path: each.body for path, each in settled.target.items()}
    made = difference(document.kind, now.pieces, new, unequal)
    lines = (*made.lines, *_lines(settled))
    told = (made.changes, made.patch, made.undo, lines)
    return Status(*told, origin.version, head.version, settled.conflicts, settled.numbers, problem)


def _settled(
    connection: Connection,
    head: HeadRow,
    now: State,
    document: Document,
    origin: LoadedState,
    check: Callable[[Mapping[str, Both]], Nonsense | None],
) -> tuple[Resolution, str]:
    """Return the whole document that a save would make, and what is wrong with it that the conflicts do not say."""
    mine = local_changes_of(document, origin)
    if head.version == origin.version and not origin.behind:
        return Resolution(document.pieces), ""
    if not mine.paths and not origin.behind:
        return Resolution({path: piece(path, body) for path, body in now.pieces.items()}), ""
    seen = divergence(connection, head, origin, mine)
    if seen.laid_out_anew or not same_layout(document.kind, now.pieces[HEAD], document.pieces[HEAD].body):
        own = join({path: each.body for path, each in document.pieces.items()})
        return Resolution(document.pieces, (Conflict(HEAD, ABSENT, own, join(now.pieces)),)), ""
    settled = resolved(origin, mine, "merge", seen)
    touched = {*seen.base, *seen.theirs, *mine.paths, *map(settled.moved, mine.paths)}
    kept = {path: piece(path, body) for path, body in now.pieces.items() if path not in touched}
    whole = replace(settled, target={**kept, **_only(settled.target, touched)})
    found = None if settled.conflicts else check(_merged(now, document, mine, seen, settled))
    if found is None:
        return whole, settled.problem
    error, places = found
    return replace(whole, conflicts=places), senseless(error)


def _merged(
    now: State, document: Document, mine: LocalChanges, seen: Divergence, settled: Resolution
) -> dict[str, Both]:
    """Return the pieces that neither the object nor the database has as they would be."""
    own = {settled.moved(path): each.digest for path, each in document.pieces.items()}
    made = {path: each.digest for path, each in settled.target.items()}
    paths = [path for path, digest in made.items() if digest not in (own.get(path), now.digests.get(path))]
    return changed_by_both(mine, seen, settled, paths)


def _lines(settled: Resolution) -> Iterator[Line]:
    for old, new in sorted(settled.numbers.items()):
        yield Line(f"trial {old}", "number", str(old), str(new))
    for each in settled.conflicts:
        place = each.pointer.removeprefix("/") or "all of it"
        yield line("conflict", place, cast(MaybeJSON, each.theirs), cast(MaybeJSON, each.mine))


def _only(pieces: Mapping[str, Piece], paths: set[str]) -> dict[str, Piece]:
    return {path: each for path, each in pieces.items() if path in paths}
