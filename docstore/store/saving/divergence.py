"""The divergence of an object and its stored document: what others saved since the object was loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, SCHEMA
from docstore.documents.changeset import same_layout
from docstore.documents.digests import bodies_of
from docstore.documents.kinds import EXPERIMENT, FIXED_LAYOUT, HEAD
from docstore.documents.merge.trial_conflicts import adds_arms, arm_conflicts
from docstore.documents.merge.trials import trials_in
from docstore.errors import Conflict, ConflictError, DamagedDocumentError, VersionNotFoundError
from docstore.sql.reader import Divergence, has_version, read_divergence, read_pieces
from docstore.sql.rows import HeadRow
from docstore.store.saving.local_changes import LocalChanges, Save
from docstore.store.tracking import LoadedState

RESTORED: Final = (
    "this database does not have that version as you read it: it was put back to an older state, or is a copy that is "
    "behind or was saved to by itself"
)
INCOMPLETE: Final = (
    "this object, or the one that it is a copy of, was changed while it was saved, so that no version is what it was "
    "made from"
)
FOLDED: Final = "that version was folded since, so that it is not known what others changed and what you changed"
_LAYOUT: Final = "its schema is not that of this object, or its parts are stored otherwise"


def refused(head: HeadRow, yours: int, problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
    """Return the error of a refused save of an object that is based on version *yours*."""
    return ConflictError(head.name, yours=yours, head=head.version, places=places, problem=problem, kind=head.kind)


def check_not_restored(connection: Connection, head: HeadRow, state: LoadedState) -> None:
    """Refuse to save an object whose version the database does not hold, as it was restored from a backup.

    Raises:
        ConflictError: the version is missing, or has another digest.
    """
    if not has_base(connection, head, state):
        raise refused(head, state.version, RESTORED)


def has_base(connection: Connection, head: HeadRow, state: LoadedState) -> bool:
    """Return whether the database has the version that an object came from, as the object has it."""
    return has_version(connection, head, state.version, state.digests.digest())


def is_current(head: HeadRow, save: Save) -> bool:
    """Return whether the newest version is the newest that was seen, and the object has all of it.

    Of parts, only those that are to be saved count.
    """
    state, changes = save.state, save.changes
    behind = state.behind if changes.whole else state.behind.keys() & changes.about
    return head.version == state.version and not behind


def read_replaced(connection: Connection, head: HeadRow, save: Save) -> dict[str, JSON]:
    """Return the stored pieces that the local changes replace, and the head of a document of a user's kind.

    Raises:
        DamagedDocumentError: one is not what was last saved.
    """
    state, changes = save.state, save.changes
    known = {path: digest for path in changes.paths if (digest := state.digest(path)) is not None}
    # The head says which pieces are parts: it may have been saved by another release of the class.
    if head.kind not in FIXED_LAYOUT and HEAD not in changes.paths:
        known[HEAD] = state.digests.get(HEAD) or ""
    stored, digests = read_pieces(connection, head, known.keys(), changes.changed)
    if digests != known:
        damaged = min(path for path in known if digests.get(path) != known[path])
        raise DamagedDocumentError(head.name, where=damaged or "its head", problem="it is not the one last saved")
    return stored


def read_since(connection: Connection, head: HeadRow, save: Save) -> Divergence:
    """Return the pieces that others saved since, and those of the local changes: as they were, and as they are now.

    Raises:
        ConflictError: a version that the object is based on was folded, so that the merge base is lost.
    """
    state = save.state
    try:
        found = read_divergence(connection, head, state.version, state.since(), save.changes.about)
        return replace(found, base=state.base_pieces(found.base))
    except VersionNotFoundError as error:
        raise refused(head, int(error.wanted), FOLDED) from error


def mergeable(connection: Connection, head: HeadRow, save: Save) -> Divergence | None:
    """Return what others saved since; None if it cannot be compared piece by piece, or is lost and to be overwritten.

    Raises:
        ConflictError: a version that the object is based on was folded, and the policy is not to overwrite all.
    """
    try:
        divergence = read_since(connection, head, save)
    except ConflictError:
        if save.policy == "overwrite" and save.changes.whole:
            return None
        raise
    has_same_layout = not divergence.has_new_layout and all(
        comparable_by_piece(save.changes, stored) for stored in (divergence.base, divergence.theirs)
    )
    return divergence if has_same_layout else None


def other_layout(head: HeadRow, save: Save) -> ConflictError:
    """Return the error of a document that is split into other parts than the object."""
    problem = _LAYOUT if save.changes.whole else f"{_LAYOUT} (save the whole of it first)"
    return refused(head, save.state.version, problem)


def writable_by_piece(changes: LocalChanges, stored: Mapping[str, JSON]) -> bool:
    """Return whether the changed pieces can replace some of the *stored* ones, and the others can stay.

    Nobody else changed these. So a whole object, whose head is written too, only has to be split into the same parts.
    """
    kind, head = changes.document.kind, stored.get(HEAD)
    if kind.name in FIXED_LAYOUT or head is None:
        return True
    return same_layout(kind, head, changes.frame) if changes.whole else comparable_by_piece(changes, stored)


def comparable_by_piece(changes: LocalChanges, stored: Mapping[str, JSON]) -> bool:
    """Return whether the local changes and the *stored* document can be compared piece by piece.

    They have one schema then, and a field whose items are parts is a dict in both, or a list in both. That one of them
    has no such field, as ``same_layout`` allows, will not do: parts that are saved alone do not bring it.
    """
    kind, head, frame = changes.document.kind, stored.get(HEAD), changes.frame
    if kind.name in FIXED_LAYOUT or not isinstance(head, dict) or not isinstance(frame, dict):
        return True
    there, fields = kind.of(head), {rule.field for rule in kind.parts if rule.field in frame}
    return (
        there.parts == kind.parts
        and head.get(SCHEMA) == frame.get(SCHEMA)
        and there.lists(head) & fields == kind.lists(frame) & fields
        and there.dicts(head) & fields == kind.dicts(frame) & fields
    )


def may_take_a_name(connection: Connection, head: HeadRow, save: Save, stored: Mapping[str, JSON]) -> bool:
    """Return whether saved parts bring an arm with the name of one that others saved and the object does not have yet.

    Cost:
        If an arm is new, a read of the trials that the object is behind in.
    """
    is_experiment = save.changes.document.kind.name == EXPERIMENT.name
    if save.changes.whole or not is_experiment or not save.state.behind:
        return False
    bodies = bodies_of(save.changes.changed)
    behind = {path for path in save.state.behind if path == HEAD or trials_in([path])}
    if not behind or not adds_arms(stored, bodies):
        return False
    return bool(arm_conflicts(stored, bodies, read_pieces(connection, head, behind)[0]))
