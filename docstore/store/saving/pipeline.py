"""The save of an object: the steps of the pipeline in their order, up to the COMMIT and after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.sealing import Sealing
from docstore.documents.canonical import JSON
from docstore.documents.changeset import Changeset, changeset_of, refuse_downgrade
from docstore.documents.digests import Digests, Piece
from docstore.documents.document import Document, with_name
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, gap
from docstore.documents.merge.resolve import OnConflict
from docstore.sql.reader import Divergence, read, version_numbered
from docstore.sql.rows import HeadRow
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext
from docstore.store.lazy import read_for_another, reading_by
from docstore.store.saving.after_commit import bring_up_to_date, remember_new, remember_unchanged
from docstore.store.saving.divergence import (
    check_not_restored,
    fits,
    has_base,
    is_current,
    may_take_a_name,
    mergeable,
    other_layout,
    read_replaced,
    refused,
)
from docstore.store.saving.local_changes import Encoding, Save, local_changes_in, local_changes_of
from docstore.store.saving.object_update import ObjectUpdate, Outcome, check_readable, update_after_merge
from docstore.store.saving.origins import origin_of, stated_origin
from docstore.store.saving.overwriting import (
    overwritten_changes,
    overwritten_values,
    warn_of_overwritten,
    warn_of_replaced,
)
from docstore.store.saving.resolution import paths_to_save, resolution_by_policy
from docstore.store.tracking import LoadedState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save writes over the newest version, and what its object gets once that is committed.

    Attributes:
        digests: of the newest version, over which *changeset* is written.
        overwritten: the pointers of what it takes out of that version that the object was not based on.
    """

    changeset: Changeset
    digests: Digests
    update: ObjectUpdate
    overwritten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """The save of one object, in a transaction of its own or together with others.

    Attributes:
        write: writes it, in the transaction; called again if another writer was first.
        finish: brings the object up to date with what was written, after the COMMIT.
        warn: warns of what it overwrote.
    """

    write: Callable[[Connection], Any]
    finish: Callable[[Any], None]
    warn: Callable[[Any], None] = lambda _: None


def _run(context: StoreContext, step: Step) -> Version:
    with context.transactions.saved(step.write) as saved:
        step.finish(saved)
    step.warn(saved)
    version: Version = saved.version
    return version


# --- the calls of a store --------------------------------------------------------------------------------------------


def save(
    context: StoreContext,
    obj: Any,
    note: Note,
    policy: OnConflict,
    *,
    as_new: bool = False,
    based_on: int | Version | None = None,
) -> Version:
    """Save *obj* whole; as ``Store.save``."""
    with context.locked(obj):
        if as_new:
            return _save_as_new(context, obj, _encoded(context, obj, None, policy).document, note)
        encoding, origin = encoded_for_save(context, obj, policy, based_on)
        return save_encoded(context, obj, encoding, origin, policy, note)


def encoded_for_save(
    context: StoreContext, obj: Any, policy: OnConflict, based_on: int | Version | None = None
) -> tuple[Encoding, LoadedState | None]:
    """Return the encoding of *obj*, whose lock the caller holds, and the version that it came from, if any."""
    known = None if based_on is not None else context.tracker.get(obj)
    encoding = _encoded(context, obj, known, policy)
    document = encoding.document
    if based_on is not None:
        origin: LoadedState | None = stated_origin(context, obj, document.kind, document.name, based_on)
    else:
        origin = origin_of(context, obj, document.kind, document.name, overwrite=policy == "overwrite")
    if encoding.touched is not None and origin is not known:
        # The parts that were not touched are as in the known state, and not as in another.
        encoding = replace(encoding, document=context.mapper().document(obj), touched=None)
    return encoding, origin


def _encoded(context: StoreContext, obj: Any, known: LoadedState | None, policy: OnConflict) -> Encoding:
    """Return the encoding of *obj*, which came from *known*; if possible, only of parts that may have changed."""
    mapper = context.mapper()
    if known is None:
        return Encoding(mapper.document(obj))
    # All pieces are needed to overwrite what others saved.
    sealing = Sealing.begin(LiveObject(mapper, obj), None if policy == "overwrite" else known.seal)
    part = None if sealing is None else sealing.document()
    if sealing is None or part is None:
        return Encoding(mapper.document(obj), sealing=sealing)
    return Encoding(part, sealing.touched, sealing)


def save_parts(
    context: StoreContext,
    obj: Any,
    parts: Iterable[Any],
    note: Note,
    policy: OnConflict,
    *,
    head: bool,
    based_on: int | Version | None = None,
) -> Version:
    """Save some parts of *obj*, of an experiment some trials and their data; and its head, if *head* is true."""
    # Exhausted before the object is locked: a generator may run any code.
    parts = list(parts)
    with context.locked(obj):
        return _save_changes(context, parts_to_save(context, obj, parts, policy, head=head, based_on=based_on), note)


def parts_to_save(
    context: StoreContext,
    obj: Any,
    parts: Iterable[Any],
    policy: OnConflict,
    *,
    head: bool,
    based_on: int | Version | None = None,
) -> Save:
    """Return the save of some parts of *obj*, whose lock the caller holds, and of its head, if *head* is true.

    Raises:
        DocumentNotFoundError, DocumentExistsError: *obj* did not come from a stored version.
    """
    mapper = context.mapper()
    kind, name, _ = mapper.identify(obj)
    if based_on is not None:
        origin: LoadedState | None = stated_origin(context, obj, kind, name, based_on)
    else:
        origin = origin_of(context, obj, kind, name)
    if origin is None:
        with context.transactions.reading() as connection:
            raise context.transactions.unsaved_error(connection, kind, name)
    live = LiveObject(mapper, obj)
    paths = [path for part in parts for path in live.paths_of(part)]
    read_for_another(live, origin, paths)
    changes = local_changes_in(live, [HEAD, *paths] if head else paths, origin)
    return Save(LiveObject(context.mapper(origin.unknown), obj), origin, changes, policy)


def save_encoded(
    context: StoreContext, obj: Any, encoding: Encoding, origin: LoadedState | None, policy: OnConflict, note: Note
) -> Version:
    """Save *obj*, which was loaded from *origin*, by its *encoding*; the caller holds its lock."""
    if origin is None:
        return _run(context, step_of_first(context, obj, encoding.document, policy, note))
    return _save_changes(context, save_of(context, obj, encoding, origin, policy), note)


def save_of(context: StoreContext, obj: Any, encoding: Encoding, origin: LoadedState, policy: OnConflict) -> Save:
    """Return the save of the whole of *obj*, which came from *origin*, by its *encoding*."""
    changes = local_changes_of(encoding.document, origin, encoding.touched)
    return Save(LiveObject(context.mapper(origin.unknown), obj), origin, changes, policy, encoding.sealing)


# --- a new document --------------------------------------------------------------------------------------------------


def step_of_first(context: StoreContext, obj: Any, document: Document, policy: OnConflict, note: Note) -> Step:
    """Return the save of an object that did not come from a stored version."""
    id = context.tracker.try_first(obj, document.name)
    write = context.writer.overwrite if policy == "overwrite" else context.writer.create
    return Step(
        lambda connection: write(connection, id, document, note),
        lambda saved: remember_new(context, obj, document, saved),
        lambda saved: warn_of_replaced(document, saved, id, context.mapper().codec.optional_members),
    )


def _save_as_new(context: StoreContext, obj: Any, document: Document, note: Note) -> Version:
    id, remedy = context.tracker.try_first(obj, document.name, as_new=True), "Choose another name for the new document."
    create = context.writer.create
    with context.transactions.saved(lambda connection: create(connection, id, document, note, remedy)) as saved:
        remember_new(context, obj, document, saved)
    return saved.version


# --- local changes, of an object that came from a stored version -----------------------------------------------------


def _save_changes(context: StoreContext, save: Save, note: Note) -> Version:
    """Write the local changes as the next version, and bring the object up to date with it."""
    if is_nothing_to_save(save):
        with context.transactions.reading() as connection:
            version = saved_before(connection, context, save).version
        remember_unchanged(context, save)
        return version
    return _run(context, step_of_changes(context, save, note))


def step_of_changes(context: StoreContext, save: Save, note: Note) -> Step:
    """Return the save of an object that has local changes."""
    kind = save.changes.document.kind.name
    return Step(
        lambda connection: _write_changes(connection, context, save, note),
        lambda outcome: bring_up_to_date(context, save, outcome),
        lambda outcome: warn_of_overwritten(outcome.name, kind, outcome.version.number, outcome.overwritten),
    )


def is_nothing_to_save(save: Save) -> bool:
    """Return whether the object is unchanged, so that what others saved since does not matter.

    It does, if the unchanged object, or its unchanged parts, are to replace it, or if the object lacks some of it.
    """
    if save.changes.paths or save.policy == "overwrite":
        return False
    return not (save.changes.whole and save.origin.behind)


def saved_before(connection: Connection, context: StoreContext, save: Save) -> Saved:
    """Return the version that an object with nothing to save came from; its document must still be there."""
    head = _head(connection, context, save)
    return Saved(head.id, version_numbered(connection, head, save.origin.version), {}, is_new=False)


def _head(connection: Connection, context: StoreContext, save: Save) -> HeadRow:
    document = save.changes.document
    return context.transactions.live_head(connection, save.origin.id, document.kind, document.name)


def _write_changes(connection: Connection, context: StoreContext, save: Save, note: Note) -> Outcome:
    """Write the local changes as the next version, in a transaction that has begun; return what the object gets."""
    head = _head(connection, context, save)
    with reading_by(connection, save.live):
        plan = planned(connection, head, save)
        if plan.changeset.changes:
            document = replace(save.changes.document, name=head.name)
            saved = context.writer.write(connection, head, document, plan.changeset, plan.digests, note)
        else:
            saved = Saved(head.id, version_numbered(connection, head, head.version), {}, is_new=False)
    check_readable(save, head, plan.update)
    written = (saved.id, saved.version, saved.codes, saved.is_new)
    return Outcome(*written, name=head.name, update=plan.update, overwritten=plan.overwritten)


def planned(connection: Connection, head: HeadRow, save: Save) -> Plan:
    """Return what the save writes as the version after *head*.

    Raises:
        ConflictError: others changed the same place since, or (``"error"``) anything at all; or the version that the
            object is based on is not in the database, which was put back to an older state.
    """
    if save.policy == "overwrite" and save.changes.whole and not has_base(connection, head, save.origin):
        return _plan_whole(connection, head, save, is_based=False)
    check_not_restored(connection, head, save.origin)
    if is_current(head, save):
        stored = read_replaced(connection, head, save)
        if not fits(save.changes, stored):
            return _plan_whole(connection, head, save, is_based=True)
        if save.policy == "overwrite" or not may_take_a_name(connection, head, save, stored):
            return _plan_undisputed(head, save, stored)
    divergence = mergeable(connection, head, save)
    if divergence is None:
        if save.policy != "overwrite":
            raise other_layout(head, save)
        return _plan_whole(connection, head, save, is_based=False)
    return _plan_merged(head, save, divergence)


def _plan_undisputed(head: HeadRow, save: Save, stored: Mapping[str, JSON]) -> Plan:
    """Plan to write the local changes over *stored*, the pieces that they replace and that nobody changed since."""
    changes, digests = save.changes, save.origin.digests
    changed = changes.changed_from(stored, save.live.mapper.codec.optional_members)
    changeset = changeset_of(changes.document.kind, _only(stored, {*changed, *changes.gone}), changed)
    _check_lists(head, changes.document.kind.lists(_head_of(changes.changed, stored)), changeset, digests)
    if save.policy != "overwrite":
        refuse_downgrade(changeset)
    return Plan(changeset, digests, ObjectUpdate(changeset.digests, frozenset(changes.paths)))


def _plan_merged(head: HeadRow, save: Save, divergence: Divergence) -> Plan:
    """Plan to write the local changes together with what others saved since.

    Raises:
        ConflictError: both changed the same place, or the policy refuses.
    """
    kind = save.changes.document.kind
    resolution = resolution_by_policy(head, save, divergence)
    paths = paths_to_save(save, divergence)
    paths |= set(map(resolution.moved, paths))
    changeset = changeset_of(kind, _only(divergence.theirs, paths), _only(resolution.target, paths))
    overwritten: tuple[str, ...] = ()
    if save.policy == "overwrite":
        base, theirs = _only(divergence.base, paths), _only(divergence.theirs, paths)
        overwritten = overwritten_changes(base, theirs, resolution.target)
    else:
        refuse_downgrade(changeset)
    digests = save.origin.digests.with_changed(divergence.digests)
    _check_lists(head, kind.lists(_head_of(resolution.target, divergence.theirs)), changeset, digests)
    return Plan(changeset, digests, update_after_merge(save, divergence, resolution, changeset), overwritten)


def _plan_whole(connection: Connection, head: HeadRow, save: Save, *, is_based: bool) -> Plan:
    """Plan to write the whole object in place of a document that cannot be compared with it piece by piece.

    Args:
        is_based: whether the object has all that is stored, and whatever it lacks was taken out of it.

    Raises:
        ConflictError: only parts of the object are saved.
    """
    if not save.changes.whole:
        raise other_layout(head, save)
    document = with_name(save.changes.document, head.name)
    now = read(connection, head)
    changeset = changeset_of(document.kind, now.pieces, document.pieces)
    digests: dict[str, str | None] = dict.fromkeys(save.origin.paths())
    digests.update({path: piece.digest for path, piece in document.pieces.items()})
    renamed = {HEAD: document.pieces[HEAD].body} if document is not save.changes.document else {}
    optional = save.live.mapper.codec.optional_members
    overwritten = () if is_based else overwritten_values(changeset.changes, document.pieces, optional)
    return Plan(changeset, now.digests, ObjectUpdate(digests, frozenset(digests), renamed), overwritten)


def _head_of(target: Mapping[str, Piece], stored: Mapping[str, JSON]) -> JSON:
    return target[HEAD].body if HEAD in target else stored.get(HEAD)


def _check_lists(head: HeadRow, lists: Collection[str], changeset: Changeset, digests: Digests) -> None:
    """Refuse a save after which a list whose items are parts would lack one in the middle.

    Raises:
        ConflictError: others made the list shorter, or the items before a new one are not saved.
    """
    for each in lists:
        missing = gap({*digests.paths(), *changeset.written} - changeset.removed, each)
        if missing is not None:
            raise refused(head, head.version, f"the list would lack the item {missing} (save the whole object)")


def _only(pieces: Mapping[str, T], paths: set[str]) -> dict[str, T]:
    return {path: piece for path, piece in pieces.items() if path in paths}
