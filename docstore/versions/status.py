"""What a save of an object in hand would write: its difference from what is stored, together with what others saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from sqlalchemy.engine import Connection

from docstore.difference import Diff, difference
from docstore.digests import Piece, piece
from docstore.documents import Document
from docstore.errors import Conflict, ConflictError
from docstore.kinds import HEAD, join
from docstore.origins import Origin
from docstore.patch import Change
from docstore.reader import State, has_version, read, read_divergence
from docstore.revision import laid_out_alike
from docstore.rows import HeadRow
from docstore.saving import RESTORED, both_settled, mine_whole
from docstore.settling import Settled
from docstore.telling.lines import Line, line
from docstore.values import ABSENT, JSON, MaybeJSON


@dataclass(frozen=True, slots=True)
class Status(Diff):
    """What ``save`` would write now, as the difference from the newest version to the one that it would make.

    Its lines tell of conflicts and of new numbers, too.

    Attributes:
        version: the one that the object stands on; None if it was never saved.
        newest: the newest that is stored; None if there is none.
        conflicts: the places that others changed too; ``save`` refuses then. The object's stand in the difference.
        numbers: the trials that would get other numbers, since others took theirs.
    """

    version: int | None = None
    newest: int | None = None
    conflicts: tuple[Conflict, ...] = ()
    numbers: Mapping[int, int] = field(default_factory=dict)


def status_of_new(document: Document) -> Status:
    """Return the status of an object that makes *document* and was never saved."""
    whole = join({path: piece.body for path, piece in document.pieces.items()})
    added = Line(f"{document.kind.name} {document.name}", "", None, "as version 1")
    forth: dict[str, JSON] = {"op": "add", "path": HEAD, "value": whole}
    back: dict[str, JSON] = {"op": "replace", "path": HEAD, "value": None}
    return Status((Change("add", HEAD),), (forth,), (back,), (added,))


def status_of(connection: Connection, head: HeadRow, document: Document, origin: Origin) -> Status:
    """Return the status of an object that makes *document* and stands on *origin*.

    Raises:
        VersionNotFoundError: the version that it stands on was folded, so that nothing can be merged.
        ConflictError: the database does not hold that version, since it was put back to an older state.

    Cost:
        A read of the whole document.
    """
    if not has_version(connection, head, origin.version, origin.digests.digest()):
        raise ConflictError(
            head.name, yours=origin.version, head=head.version, places=(), problem=RESTORED, kind=head.kind
        )
    now = read(connection, head)
    settled = _settled(connection, head, now, document, origin)
    unequal = {path for path, each in settled.target.items() if now.digests.get(path) != each.digest}
    unequal |= now.pieces.keys() - settled.target.keys()
    new = {path: each.body for path, each in settled.target.items()}
    made = difference(document.kind, now.pieces, new, unequal)
    lines = (*made.lines, *_lines(settled))
    told = (made.changes, made.patch, made.undo, lines)
    return Status(*told, origin.version, head.version, settled.conflicts, settled.numbers)


def _settled(connection: Connection, head: HeadRow, now: State, document: Document, origin: Origin) -> Settled:
    """Return the whole document that a save would make."""
    mine = mine_whole(document, origin)
    if head.version == origin.version and not origin.behind:
        return Settled(document.pieces)
    if not mine.paths and not origin.behind:
        return Settled({path: piece(path, body) for path, body in now.pieces.items()})
    seen = read_divergence(connection, head, origin.version, origin.since(), mine.paths)
    if seen.laid_out_anew or not laid_out_alike(document.kind, now.pieces[HEAD], document.pieces[HEAD].body):
        own = join({path: each.body for path, each in document.pieces.items()})
        return Settled(document.pieces, (Conflict(HEAD, ABSENT, own, join(now.pieces)),))
    settled = both_settled(origin, mine, "merge", seen)
    touched = {*seen.base, *seen.theirs, *mine.paths, *map(settled.moved, mine.paths)}
    kept = {path: piece(path, body) for path, body in now.pieces.items() if path not in touched}
    return replace(settled, target={**kept, **_only(settled.target, touched)})


def _lines(settled: Settled) -> Iterator[Line]:
    for old, new in sorted(settled.numbers.items()):
        yield Line(f"trial {old}", "number", str(old), str(new))
    for each in settled.conflicts:
        place = each.pointer.removeprefix("/") or "all of it"
        yield line("conflict", place, cast(MaybeJSON, each.theirs), cast(MaybeJSON, each.mine))


def _only(pieces: Mapping[str, Piece], paths: set[str]) -> dict[str, Piece]:
    return {path: each for path, each in pieces.items() if path in paths}
