"""What a save of an object in hand would write: its difference from what is stored, together with what others saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from docstore.difference import Diff, difference
from docstore.documents import Document
from docstore.errors import Conflict
from docstore.kinds import HEAD, join
from docstore.origins import Origin
from docstore.patch import Change
from docstore.reader import read, read_divergence
from docstore.revision import laid_out_alike
from docstore.rows import HeadRow
from docstore.saving import both_settled, mine_whole
from docstore.settling import Settled
from docstore.telling.lines import Line
from docstore.values import JSON


@dataclass(frozen=True, slots=True)
class Status(Diff):
    """What ``save`` would write now, as the difference from the newest version to the one that it would make.

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

    def describe(self) -> str:
        """Return in words what would be written, and what stands in the way."""
        told = [Diff.describe(self)]
        told += [f"trial {old}: would become trial {new}" for old, new in sorted(self.numbers.items())]
        told += [f"conflict: others changed {each.pointer or 'all of it'} too" for each in self.conflicts]
        return "\n".join(told)

    __str__ = describe


def status_of_new(document: Document) -> Status:
    """Return the status of an object that makes *document* and was never saved."""
    whole = join({path: piece.body for path, piece in document.pieces.items()})
    line = Line(f"{document.kind.name} {document.name}", "", None, "as version 1")
    forth: dict[str, JSON] = {"op": "add", "path": HEAD, "value": whole}
    back: dict[str, JSON] = {"op": "replace", "path": HEAD, "value": None}
    return Status((Change("add", HEAD),), (forth,), (back,), (line,))


def status_of(connection: Connection, head: HeadRow, document: Document, origin: Origin) -> Status:
    """Return the status of an object that makes *document* and stands on *origin*.

    Raises:
        VersionNotFoundError: the version that it stands on was folded, so that nothing can be merged.

    Cost:
        A read of the whole document.
    """
    now, mine = read(connection, head), mine_whole(document, origin)
    settled = Settled(document.pieces)
    touched = {*now.pieces, *document.pieces}
    is_ahead = head.version != origin.version or bool(origin.behind)
    if is_ahead and laid_out_alike(document.kind, now.pieces[HEAD], document.pieces[HEAD].body):
        seen = read_divergence(connection, head, origin.version, origin.since(), mine.paths)
        settled = both_settled(origin, mine, "merge", seen)
        touched = {*seen.base, *seen.theirs, *mine.paths, *map(settled.moved, mine.paths)}
    target = {path: piece for path, piece in settled.target.items() if path in touched}
    digests = {path: piece.digest for path, piece in target.items()}
    unequal = {path for path in touched if (now.digests.get(path) or None) != digests.get(path)}
    kept = {path: body for path, body in now.pieces.items() if path not in touched}
    new = {**kept, **{path: piece.body for path, piece in target.items()}}
    made = difference(document.kind, now.pieces, new, unequal)
    told = (made.changes, made.patch, made.undo, made.lines)
    return Status(*told, origin.version, head.version, settled.conflicts, settled.numbers)
