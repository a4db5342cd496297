"""The changeset of a save: the pieces to write, and the changes that lead back to the version before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docstore.documents.canonical import JSON, SCHEMA, TAG, value_at_pointer
from docstore.documents.digests import Piece, piece
from docstore.documents.kinds import HEAD, Kind, in_order, join
from docstore.documents.patch import Change, checked_diff
from docstore.errors import EncodeError, PatchError


@dataclass(frozen=True, slots=True)
class Changeset:
    """The pieces to write and the paths to remove, and the changes that lead back to the version before."""

    written: Mapping[str, Piece]
    removed: frozenset[str]
    changes: tuple[Change, ...]

    @property
    def digests(self) -> dict[str, str | None]:
        """The new digest of each changed piece; None for one that is removed."""
        return {**{path: each.digest for path, each in self.written.items()}, **dict.fromkeys(self.removed)}


def changeset_of(kind: Kind, current: Mapping[str, JSON], target: Mapping[str, Piece]) -> Changeset:
    """Return the changeset that makes *target* of *current*.

    Shapes:
        current, target: pieces by path; at least those that differ. A piece that both documents have is in both.

    Raises:
        PatchError: no change leads back from the target exactly, so that nothing may be written.
    """
    removed = frozenset(current.keys() - target.keys())
    if HEAD in current and HEAD in target and not same_layout(kind, current[HEAD], target[HEAD].body):
        return _with_other_layout(current, target, removed)
    changes: list[Change] = []
    written: dict[str, Piece] = {}
    # The last item of a list is removed first; a part is added after its place in the head.
    for path in (*sorted(removed, key=in_order, reverse=True), *sorted(target, key=in_order)):
        new = target.get(path)
        steps = tuple(_steps(kind, path, current, new))
        if steps and new is not None:
            written[path] = new
        changes += steps
    return Changeset(written, removed, tuple(changes))


def same_layout(kind: Kind, a: JSON, b: JSON) -> bool:
    """Return whether documents with these heads have the same parts, none as a dict in one and as a list in the other.

    True also if one of them lacks a field of parts, or has neither a dict nor a list there: a changeset from one to the
    other then changes the head, and adds or removes each of these parts.
    """
    one, other = kind.of(a), kind.of(b)
    return one.parts == other.parts and not (one.lists(a) & other.dicts(b) or one.dicts(a) & other.lists(b))


def _with_other_layout(current: Mapping[str, JSON], target: Mapping[str, Piece], removed: frozenset[str]) -> Changeset:
    """Return the changeset between two whole documents that are split into different parts: one change replaces all."""
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
            # Undone on the whole document, it would put the head in place of the head and all parts.
            raise PatchError("the head of a document with parts cannot be replaced by another value", pointer=HEAD)
        yield from steps


def refuse_downgrade(changeset: Changeset) -> None:
    """Check that no object is replaced by one of its class with an older schema.

    Such an object was made by an older program, by ``dataclasses.replace``, say, and lacks the newer fields.

    Raises:
        EncodeError: it would be; has the pointer.
    """
    changed = {change.path for change in changeset.changes}
    for change in changeset.changes:
        parent, _, key = change.path.rpartition("/")
        if key != SCHEMA or change.op == "add" or type(change.old) is not int or f"{parent}/{TAG}" in changed:
            continue
        now = _schema_at(changeset.written, parent)
        if now is not None and now < change.old:
            raise EncodeError(
                f"the stored object has schema {change.old}, and this object of its class, made anew, has schema "
                f"{now}: the newer fields would be lost. Change the object that was loaded, or save(..., "
                f"on_conflict='overwrite')",
                pointer=parent,
            )


def _schema_at(written: Mapping[str, Piece], pointer: str) -> int | None:
    """Return the schema of the object at *pointer*, in one of the pieces *written*; None if it is not an object."""
    path = max((path for path in written if f"{pointer}/".startswith(f"{path}/")), key=len)
    found = value_at_pointer(written[path].body, pointer.removeprefix(path))
    if not isinstance(found, dict) or TAG not in found:
        return None  # a dict of the user's own, in which the number's key is a key like any other
    number = found.get(SCHEMA, 1)
    return number if type(number) is int else None
