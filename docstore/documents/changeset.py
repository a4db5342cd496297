"""What a save writes: the pieces that changed, the changes that lead back, and how two writers' changes are merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from docstore.documents.canonical import JSON, SCHEMA, TAG, join_pointer, resolve
from docstore.documents.digests import Piece, piece
from docstore.documents.kinds import HEAD, Kind, in_order, join
from docstore.documents.merge.three_way import Decide, merge, merge_sparse
from docstore.documents.patch import Change, checked_diff
from docstore.errors import Conflict, EncodeError, PatchError


@dataclass(frozen=True, slots=True)
class Changeset:
    """The pieces to write and to remove, and the changes that lead back to what they replace."""

    written: Mapping[str, Piece]
    removed: frozenset[str]
    changes: tuple[Change, ...]

    @property
    def digests(self) -> dict[str, str | None]:
        """The new digest of each piece touched; None for one that is removed."""
        return {**{path: each.digest for path, each in self.written.items()}, **dict.fromkeys(self.removed)}


def changeset_of(kind: Kind, current: Mapping[str, JSON], target: Mapping[str, Piece]) -> Changeset:
    """Return what makes *target* of *current*.

    Shapes:
        current, target: pieces by path. Where only some changed, only those, and both of a piece that is in both.

    Raises:
        PatchError: no change leads back from the target exactly; then nothing may be written.
    """
    removed = frozenset(current.keys() - target.keys())
    if HEAD in current and HEAD in target and not same_layout(kind, current[HEAD], target[HEAD].body):
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
    return Changeset(written, removed, tuple(changes))


def same_layout(kind: Kind, a: JSON, b: JSON) -> bool:
    """Return whether documents with these heads are cut into the same parts, and no dict of them became a list."""
    one, other = kind.of(a), kind.of(b)
    return one.parts == other.parts and not (one.lists(a) & other.dicts(b) or one.dicts(a) & other.lists(b))


def _laid_out_anew(current: Mapping[str, JSON], target: Mapping[str, Piece], removed: frozenset[str]) -> Changeset:
    """Return what makes *target*, all of it, of all of *current*, of which other pieces are parts."""
    before = {path: piece(path, body).digest for path, body in current.items()}
    written = {path: each for path, each in target.items() if before.get(path) != each.digest}
    return Changeset(written, removed, (Change("replace", "", join(current)),))


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


def refuse_downgrade(revision: Changeset) -> None:
    """Refuse a revision in which an object of an older schema takes the place of a newer one of its class.

    It was made anew by a program that has no fields for what is new: by ``dataclasses.replace``, say.

    Raises:
        EncodeError: names the place.
    """
    changed = {change.path for change in revision.changes}
    for change in revision.changes:
        parent, _, key = change.path.rpartition("/")
        if key != SCHEMA or change.op == "add" or type(change.old) is not int or f"{parent}/{TAG}" in changed:
            continue
        now = _schema_at(revision.written, parent)
        if now is not None and now < change.old:
            raise EncodeError(
                f"what is stored here has schema {change.old}, and this object of its class, made anew, has schema "
                f"{now}: what is new in the other would be lost. Change the object that was loaded, or save(..., "
                f"on_conflict='overwrite')",
                pointer=parent,
            )


def _schema_at(written: Mapping[str, Piece], pointer: str) -> int | None:
    """Return the schema of the object at *pointer*, in one of the pieces *written*; None if it is no object."""
    path = max((path for path in written if f"{pointer}/".startswith(f"{path}/")), key=len)
    found = resolve(written[path].body, pointer.removeprefix(path))
    if not isinstance(found, dict) or TAG not in found:
        return None  # a dict of the user's own, in which the number's key is a key as any other
    number = found.get(SCHEMA, 1)
    return number if type(number) is int else None


def merged(
    kind: Kind,
    base: Mapping[str, JSON],
    mine: Mapping[str, JSON],
    theirs: Mapping[str, JSON],
    *,
    decide: Decide | None = None,
) -> tuple[dict[str, Piece], tuple[Conflict, ...]]:
    """Return the pieces with both my changes and theirs since *base*, and the places that both changed.

    Which lists are keyed is what the document of *theirs* says.
    """
    keys = kind.of(theirs[HEAD]).merge_keys
    lists = sorted(kind.lists(theirs[HEAD]))
    documents = [join(pieces, sparse=lists) for pieces in (base, mine, theirs)]
    items = {field: [_taken(document, field) for document in documents] for field in lists}
    document, conflicts = merge(*documents, keys=keys, decide=decide)
    for field, sides in items.items():
        merged_items, more = merge_sparse(*sides, at=join_pointer((field,)), keys=keys.at(field), decide=decide)
        conflicts += more
        if isinstance(document, dict):
            document = {**document, field: cast(JSON, merged_items)}
    return {path: piece(path, body) for path, body in kind.split(document, lists=lists).items()}, conflicts


def _taken(document: JSON, field: str) -> dict[str, JSON]:
    """Return the items of a sparse list, taken out of *document*."""
    assert isinstance(document, dict)  # it has fields, and join made it anew
    return cast("dict[str, JSON]", document.pop(field))
