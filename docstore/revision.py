"""What a save writes: the pieces that changed, the changes that lead back, and how two writers' changes are merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docstore.digests import Piece, piece
from docstore.errors import Conflict, PatchError
from docstore.kinds import HEAD, Kind, in_order, join
from docstore.merge import merge
from docstore.patch import Change, checked_diff
from docstore.values import JSON


@dataclass(frozen=True, slots=True)
class Revision:
    """The pieces to write and to remove, and the changes that lead back to what they replace."""

    written: Mapping[str, Piece]
    removed: frozenset[str]
    changes: tuple[Change, ...]

    @property
    def digests(self) -> dict[str, str | None]:
        """The new digest of each piece touched; None for one that is removed."""
        return {**{path: each.digest for path, each in self.written.items()}, **dict.fromkeys(self.removed)}


def revise(kind: Kind, current: Mapping[str, JSON], target: Mapping[str, Piece]) -> Revision:
    """Return what makes *target* of *current*.

    Shapes:
        current, target: pieces by path. Where only some changed, only those, and both of a piece that is in both.

    Raises:
        PatchError: no change leads back from the target exactly; then nothing may be written.
    """
    removed = frozenset(current.keys() - target.keys())
    if HEAD in current and HEAD in target and not laid_out_alike(kind, current[HEAD], target[HEAD].body):
        return _laid_out_anew(current, target, removed)
    changes: list[Change] = []
    written: dict[str, Piece] = {}
    # A list loses its last item first, and a part comes once its place in the head is there.
    for path in (*sorted(removed, key=in_order, reverse=True), *sorted(target, key=in_order)):
        new = target.get(path)
        steps = tuple(_steps(kind, path, current, new))
        if steps and new is not None:
            written[path] = new
        changes += steps
    return Revision(written, removed, tuple(changes))


def laid_out_alike(kind: Kind, a: JSON, b: JSON) -> bool:
    """Return whether documents with these heads are cut into the same parts."""
    return kind.of(a).parts == kind.of(b).parts


def _laid_out_anew(current: Mapping[str, JSON], target: Mapping[str, Piece], removed: frozenset[str]) -> Revision:
    """Return what makes *target*, all of it, of all of *current*, of which other pieces are parts."""
    before = {path: piece(path, body).digest for path, body in current.items()}
    written = {path: each for path, each in target.items() if before.get(path) != each.digest}
    return Revision(written, removed, (Change("replace", "", join(current)),))


def _steps(kind: Kind, path: str, current: Mapping[str, JSON], new: Piece | None) -> Iterator[Change]:
    if path not in current:
        yield Change("add", path)
    elif new is None:
        yield Change("remove", path, current[path])
    else:
        steps = checked_diff(current[path], new.body, at=path)
        if path == HEAD and kind.parts and any(step.path == HEAD for step in steps):
            # Undone on the whole document, it would put the head in the place of all parts.
            raise PatchError("the head of a document with parts cannot be replaced by another value", pointer=HEAD)
        yield from steps


def merged(
    kind: Kind, base: Mapping[str, JSON], mine: Mapping[str, JSON], theirs: Mapping[str, JSON]
) -> tuple[dict[str, Piece], tuple[Conflict, ...]]:
    """Return the pieces with both my changes and theirs since *base*, and the places that both changed."""
    lists = kind.lists(theirs[HEAD])
    document, conflicts = merge(*(join(pieces, sparse=lists) for pieces in (base, mine, theirs)))
    return {path: piece(path, body) for path, body in kind.split(document, lists=lists).items()}, conflicts
