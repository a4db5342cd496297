"""The save of an object: the steps of the pipeline in their order, up to the COMMIT and after it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

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
from docstore.sql.transactions import is_stored
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext
from docstore.store.lazy import read_for_another, reading_by
from docstore.store.saving.after_commit import bring_up_to_date, remember_new, remember_unchanged
from docstore.store.saving.divergence import (
    check_not_restored,
    has_base,
    is_current,
    may_take_a_name,
    mergeable,
    other_layout,
    read_replaced,
    refused,
    writable_by_piece,
)
from docstore.store.saving.loaded_state import loaded_state_of
from docstore.store.saving.local_changes import Encoding, Save, local_changes_in, local_changes_of
from docstore.store.saving.object_update import ObjectUpdate, check_readable, update_after_merge
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
class Outcome:
    """What the save of one object wrote, and what follows.

    Attributes:
        finish: brings the object up to date; called after the COMMIT.
        warn: warns of what was overwritten; called after that.
    """

    saved: Saved
    finish: Callable[[], None]
    warn: Callable[[], None] = lambda: None


Step: TypeAlias = Callable[[Connection], Outcome]
"""Saves one object, in a transaction of its own or together with others; called again if another writer was first."""


def run(context: StoreContext, steps: Sequence[Step]) -> list[Version]:
    """Save objects in one transaction, and return their versions."""

    def work(connection: Connection) -> list[Outcome]:
        return [step(connection) for step in steps]

    def is_committed(connection: Connection, done: list[Outcome]) -> bool:
        return all(is_stored(connection, each.saved) for each in done)

    with context.transactions.committed(work, is_committed) as done:
        for each in done:
            context.codes.learn(each.saved.codes)
            each.finish()
    for each in done:
        each.warn()
    return [each.saved.version for each in done]


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
            document = context.mapper().document(obj)
            return run(context, [step_of_first(context, obj, document, policy, note, as_new=True)])[0]
        document, changed = whole_to_save(context, obj, policy, based_on)
        if changed is None:
            return run(context, [step_of_first(context, obj, document, policy, note)])[0]
        return save_changes(context, changed, note)


def whole_to_save(
    context: StoreContext, obj: Any, policy: OnConflict, based_on: int | Version | None = None
) -> tuple[Document, Save | None]:
    """Return the save of the whole of *obj*, whose lock the caller holds; None if it came from no stored version.

    The document is what *obj* is encoded as: all of it, if there is no save.
    """
    known = None if based_on is not None else context.tracker.get(obj)
    encoding = _encoded(context, obj, known, policy)
    document = encoding.document
    overwrite = policy == "overwrite"
    state = loaded_state_of(context, obj, document.kind, document.name, based_on=based_on, overwrite=overwrite)
    if encoding.touched is not None and state is not known:
        # The parts that were not touched are as in the known state, and not as in another.
        encoding = replace(encoding, document=context.mapper().document(obj), touched=None)
    save = None if state is None else save_of(context, obj, encoding, state, policy)
    return encoding.document, save


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
        return save_changes(context, parts_to_save(context, obj, parts, policy, head=head, based_on=based_on), note)


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
    state = loaded_state_of(context, obj, kind, name, based_on=based_on)
    if state is None:
        with context.transactions.reading() as connection:
            raise context.transactions.unsaved_error(connection, kind, name)
    live = LiveObject(mapper, obj)
    paths = [path for part in parts for path in live.paths_of(part)]
    read_for_another(live, state, paths)
    changes = local_changes_in(live, [HEAD, *paths] if head else paths, state)
    return Save(LiveObject(context.mapper(state.unknown), obj), state, changes, policy)


def save_of(context: StoreContext, obj: Any, encoding: Encoding, state: LoadedState, policy: OnConflict) -> Save:
    """Return the save of the whole of *obj*, which came from *state*, by its *encoding*."""
    changes = local_changes_of(encoding.document, state, encoding.touched)
    return Save(LiveObject(context.mapper(state.unknown), obj), state, changes, policy, encoding.sealing)


# --- a new document --------------------------------------------------------------------------------------------------


def step_of_first(
    context: StoreContext, obj: Any, document: Document, policy: OnConflict, note: Note, *, as_new: bool = False
) -> Step:
    """Return the save of an object that did not come from a stored version, or is to be a new document (*as_new*)."""
    id = context.tracker.try_first(obj, document.name, as_new=as_new)

    def step(connection: Connection) -> Outcome:
        if policy == "overwrite":
            saved = context.writer.overwrite(connection, id, document, note)
        else:
            remedy = "Choose another name for the new document." if as_new else ""
            saved = context.writer.create(connection, id, document, note, remedy)
        optional = context.mapper().codec.optional_members
        return Outcome(
            saved,
            lambda: remember_new(context, obj, document, saved),
            lambda: warn_of_replaced(document, saved, id, optional),
        )

    return step


# --- local changes, of an object that came from a stored version -----------------------------------------------------


def save_changes(context: StoreContext, save: Save, note: Note) -> Version:
    """Write the local changes as the next version, and bring the object, whose lock is held, up to date with it."""
    if is_nothing_to_save(save):
        with context.transactions.reading() as connection:
            version = saved_before(connection, context, save).version
        remember_unchanged(context, save)
        return version
    return run(context, [step_of_changes(context, save, note)])[0]


def step_of_changes(context: StoreContext, save: Save, note: Note) -> Step:
    """Return the save of an object that has local changes."""
    kind = save.changes.document.kind.name

    def step(connection: Connection) -> Outcome:
        head = _head(connection, context, save)
        with reading_by(connection, save.live):
            plan = planned(connection, head, save)
            saved = _written(connection, context, head, save, plan, note)
        check_readable(save, head, plan.update)
        return Outcome(
            saved,
            lambda: bring_up_to_date(context, save, saved.version, plan.update),
            lambda: warn_of_overwritten(head.name, kind, saved.version.number, plan.overwritten),
        )

    return step


def _written(connection: Connection, context: StoreContext, head: HeadRow, save: Save, plan: Plan, note: Note) -> Saved:
    """Write the next version as planned; return the newest one, if it is the same."""
    if not plan.changeset.changes:
        return Saved(head.id, version_numbered(connection, head, head.version), {}, is_new=False)
    document = replace(save.changes.document, name=head.name)
    return context.writer.write(connection, head, document, plan.changeset, plan.digests, note)


def is_nothing_to_save(save: Save) -> bool:
    """Return whether the object is unchanged, so that what others saved since does not matter.

    It does, if the unchanged object, or its unchanged parts, are to replace it, or if the object lacks some of it.
    """
    if save.changes.paths or save.policy == "overwrite":
        return False
    return not (save.changes.whole and save.state.behind)


def saved_before(connection: Connection, context: StoreContext, save: Save) -> Saved:
    """Return the version that an object with nothing to save came from; its document must still be there."""
    head = _head(connection, context, save)
    return Saved(head.id, version_numbered(connection, head, save.state.version), {}, is_new=False)


def _head(connection: Connection, context: StoreContext, save: Save) -> HeadRow:
    document = save.changes.document
    return context.transactions.live_head(connection, save.state.id, document.kind, document.name)


def planned(connection: Connection, head: HeadRow, save: Save) -> Plan:
    """Return what the save writes as the version after *head*.

    - The object has all of the newest version: its local changes are written; or the whole object, if it is split into
      other parts now. Of parts that are saved alone, a new arm may have the name of one that the object does not have
      yet: then both are merged.
    - Others saved since: both are merged, or the save is refused; with ``"overwrite"``, what is to be saved is written
      as the object has it.
    - Others saved since, and what they saved is split into other parts or has another schema; or the version that the
      object is based on was folded; or the database, put back to an older state, does not have it: the save is refused;
      with ``"overwrite"``, the whole object is written.

    Raises:
        ConflictError: the save is refused, as the policy says.
        EncodeError: an object would be replaced by one with an older schema.
    """
    if save.policy == "overwrite" and save.changes.whole and not has_base(connection, head, save.state):
        return _plan_whole(connection, head, save, is_based=False)
    check_not_restored(connection, head, save.state)
    if is_current(head, save):
        stored = read_replaced(connection, head, save)
        if not writable_by_piece(save.changes, stored):
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
    changes, digests = save.changes, save.state.digests
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
    digests = save.state.digests.with_changed(divergence.digests)
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
    digests: dict[str, str | None] = dict.fromkeys(save.state.paths())
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
