"""What an object gets from a save: worked out in the transaction, checked before the COMMIT, written after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from docstore.codec.live.adopt import check_adoptable
from docstore.documents.canonical import ABSENT, JSON, Absent
from docstore.documents.changeset import Changeset
from docstore.documents.digests import bodies_of
from docstore.documents.merge.resolve import Resolution
from docstore.documents.merge.trials import Renumbering, renumbered
from docstore.sql.reader import Divergence
from docstore.sql.rows import HeadRow
from docstore.store.saving.divergence import refused
from docstore.store.saving.local_changes import Save, pieces_naming
from docstore.store.saving.resolution import MergedPiece, invalid_merge, merged_pieces


@dataclass(frozen=True, slots=True)
class ObjectUpdate:
    """How an object and its loaded state change by a save.

    Attributes:
        digests: those of every piece that changed since the newest version that the loaded state had seen.
        kept: the paths at which the object is as stored, once it has *pieces*.
        pieces: what others changed, for the object to get; ABSENT for a piece that is removed.
        merged: those of *pieces* that neither the object nor the database had as they are now.
        renumbering: the new numbers of the object's trials whose number was taken, and the new names of its arms.
        saved: what was saved of the object at the paths of *pieces*, under those numbers and names.
    """

    digests: Mapping[str, str | None]
    kept: frozenset[str]
    pieces: Mapping[str, JSON | Absent] = field(default_factory=dict)
    merged: Mapping[str, MergedPiece] = field(default_factory=dict)
    renumbering: Renumbering = field(default_factory=Renumbering)
    saved: Mapping[str, JSON | Absent] = field(default_factory=dict)


def update_after_merge(
    save: Save, divergence: Divergence, resolution: Resolution, changeset: Changeset
) -> ObjectUpdate:
    """Return what the object gets from the *resolution*, which *changeset* writes."""
    changes, numbers, names = save.changes, resolution.numbers, resolution.names
    digests = {**divergence.digests, **changeset.digests}
    if changes.whole:
        paths = {*digests, *save.state.behind, *changes.paths}
    else:
        paths = {*changes.about, *map(resolution.moved, changes.about)}
    pieces = _pieces_to_get(save, resolution, paths)
    merged = merged_pieces(save, divergence, resolution, pieces.keys() & changeset.written.keys())
    # After a save of parts: pieces that are not saved yet, and use arms that are renamed.
    using = pieces_naming(save.live, changes.asked, names) if names and not changes.whole else {}
    pieces |= renumbered(using, {}, names)
    own = {**using, **bodies_of(changes.changed)}
    unchanged = {path: body for path, body in divergence.base.items() if path not in changes.paths}
    as_saved = {**unchanged, **renumbered(own, numbers, names)}
    saved = {path: as_saved.get(path, ABSENT) for path in pieces}
    return ObjectUpdate(digests, frozenset(paths), pieces, merged, Renumbering(numbers, names, own), saved)


def _pieces_to_get(save: Save, resolution: Resolution, paths: Collection[str]) -> dict[str, JSON | Absent]:
    """Return the pieces at *paths* that are stored otherwise than the object has them."""
    changes, target = save.changes, resolution.target
    own = {
        **{path: save.state.digest(path) for path in paths},
        **dict.fromkeys(changes.paths),
        **{resolution.moved(path): piece.digest for path, piece in changes.changed.items()},
    }
    pieces: dict[str, JSON | Absent] = {
        path: target[path].body if path in target else ABSENT
        for path in paths
        if (target[path].digest if path in target else None) != own.get(path)
    }
    # A part that moved leaves nothing behind, if no other took its place: an object that a user's own function makes
    # would have it twice.
    left = (path for path in changes.paths if resolution.moved(path) != path and path not in target)
    return pieces | dict.fromkeys(left, ABSENT)


def check_readable(save: Save, head: HeadRow, update: ObjectUpdate) -> None:
    """Refuse an update that the object could not get, while nothing is committed.

    Raises:
        ConflictError: the merged document cannot be read, or its class says that it is invalid.
        DecodeError: what others saved cannot be read here.
    """
    if not update.pieces:
        return
    others = {path: body for path, body in update.pieces.items() if path not in update.merged}
    check_adoptable(save.live, others, merged=False)
    invalid = invalid_merge(save.live, update.merged)
    if invalid is not None:
        raise refused(head, save.state.version, invalid.problem, invalid.places) from invalid.error
