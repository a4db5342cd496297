"""How a changed object becomes the next version: on what it stands on, or together with what others saved since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy.engine import Connection

from docstore.codec.mapper import Mapper
from docstore.documents.canonical import ABSENT, JSON, SCHEMA, Absent
from docstore.documents.changeset import Changeset, changeset_of, refuse_downgrade, same_layout
from docstore.documents.digests import DigestTree, Piece
from docstore.documents.document import with_name
from docstore.documents.history import Version
from docstore.documents.kinds import EXPERIMENT, HEAD, KINDS, gap, in_order, kind_named
from docstore.documents.merge.resolve import OnConflict, Resolution, all_places, checked, resolve
from docstore.documents.merge.three_way import changed_places
from docstore.documents.merge.trial_conflicts import adds_arms, arm_conflicts
from docstore.documents.merge.trials import (
    Renumbering,
    numbers_in,
    renumbered,
    trials_in,
)
from docstore.errors import (
    Conflict,
    ConflictError,
    DamagedDocumentError,
    DecodeError,
    InvalidValueError,
    VersionNotFoundError,
)
from docstore.sql.enum_codes import Name
from docstore.sql.reader import Divergence, has_version, read_divergence, read_pieces, read_version, version_numbered
from docstore.sql.rows import HeadRow, head_of
from docstore.sql.writer import Note, Saved, Writer
from docstore.store.local_changes import LocalChanges
from docstore.store.tracking import LoadedState

T = TypeVar("T")

RESTORED: Final = (
    "this database does not hold that version as you read it: it was put back to an older state "
    "(to overwrite it, save a copy.copy() of the object)"
)
_ELSEWHERE: Final = "others saved since, in other places than yours: on_conflict='merge' would keep both"
_FOLDED: Final = "that version was folded since, so that what others changed cannot be told from what you did"
_LAID_OUT: Final = "it has another schema than this object, or keeps its parts otherwise"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a save wrote, and what the object and its origin are to learn from it once it is committed.

    Attributes:
        id: of the document.
        version: the newest now; where others had saved the same, it is theirs.
        codes: the integers of names that were new.
        digests: of every piece that changed since the newest version that the origin had seen.
        kept: the paths in which the object now is as stored.
        adopted: the pieces that the object is to take on; ABSENT for one to drop.
        merged: those of them that neither the object nor the database had as they are now.
        renumbering: the new numbers of the object's trials that had a taken one, and the new names of its arms.
        saved: what was saved of the object at the paths of *adopted*, under those numbers and names.
    """

    id: str
    version: Version
    codes: Mapping[Name, int]
    digests: Mapping[str, str | None]
    kept: frozenset[str]
    adopted: Mapping[str, JSON | Absent]
    merged: Mapping[str, Both] = field(default_factory=dict)
    renumbering: Renumbering = field(default_factory=Renumbering)
    saved: Mapping[str, JSON | Absent] = field(default_factory=dict)


def made_unseen(connection: Connection, id: str) -> LoadedState | None:
    """Return version 1 of a document that was made by a save which was interrupted before it knew; if it was made."""
    head = head_of(connection, id)
    if head is None:
        return None
    first = read_version(connection, head, kind_named(head.kind), 1)
    name = kind_named(head.kind).of(first.pieces[HEAD]).name_in(first.pieces[HEAD]) or head.name
    return LoadedState(id, name, 1, first.digests)


def save_on(
    connection: Connection,
    writer: Writer,
    head: HeadRow,
    origin: LoadedState,
    mine: LocalChanges,
    policy: OnConflict,
    note: Note,
) -> Outcome:
    """Write *mine* as the version after *head*, of an object that stands on *origin*.

    Raises:
        ConflictError: others changed the same place since, or (``"error"``) anything at all; or the version that the
            object stands on is not in the database, which was put back to an older state.
    """
    if not has_version(connection, head, origin.version, origin.digests.digest()):
        raise refused(head, origin.version, RESTORED)
    if head.version == origin.version and not (origin.behind if mine.whole else origin.behind.keys() & mine.about):
        current = _known_pieces(connection, head, origin, mine)
        if not _fits(mine, current):
            return _write_whole(connection, writer, head, origin, mine, note)
        if policy == "overwrite" or not _may_clash(connection, head, origin, mine, current):
            return _write_alone(connection, writer, head, origin, mine, current, policy, note)
    try:
        seen = divergence(connection, head, origin, mine)
    except ConflictError:
        if policy == "overwrite" and mine.whole:
            return _write_whole(connection, writer, head, origin, mine, note)
        raise
    if seen.laid_out_anew or not (_stands_alike(mine, seen.base) and _stands_alike(mine, seen.theirs)):
        if policy != "overwrite":
            raise _laid_out_otherwise(head, origin, mine)
        return _write_whole(connection, writer, head, origin, mine, note)
    revision, settled = _settled(head, origin, mine, policy, seen)
    if policy != "overwrite":
        refuse_downgrade(revision)
    return _write_on(connection, writer, head, origin, mine, seen, revision, settled, note)


def senseless(error: Exception) -> str:
    """Return what is told of the *error* that both sides' changes make together."""
    return f"what you and others made of it makes no sense together: {str(error).removesuffix('.')}"


def divergence(connection: Connection, head: HeadRow, origin: LoadedState, mine: LocalChanges) -> Divergence:
    """Return what others saved since *origin*, beside what it was, and what *mine* is about.

    Raises:
        ConflictError: a version that the object stands on was folded, so that it cannot be told.
    """
    try:
        seen = read_divergence(connection, head, origin.version, origin.since(), mine.about)
        return replace(seen, base=origin.base_pieces(seen.base))
    except VersionNotFoundError as error:
        raise refused(head, int(error.wanted), _FOLDED) from error


def check_readable(documents: Mapper, obj: Any, head: HeadRow, origin: LoadedState, outcome: Outcome) -> None:
    """Refuse an outcome that *obj* could not be brought up to, while nothing is committed.

    Raises:
        ConflictError: what both sides' changes make together cannot be read, or makes no sense.
        DecodeError: what others saved cannot be read here.
    """
    if not outcome.adopted:
        return
    others = {path: body for path, body in outcome.adopted.items() if path not in outcome.merged}
    documents.check(obj, others)
    found = nonsense(documents, obj, outcome.merged)
    if found is not None:
        error, places = found
        raise refused(head, origin.version, senseless(error), places) from error


def learn(documents: Mapper, obj: Any, origin: LoadedState, mine: LocalChanges, outcome: Outcome) -> None:
    """Update *obj* to the *outcome* of *mine*, which is committed, and *origin* to the version *obj* is based on now.

    What another thread changed in *obj* since it was encoded stays in it, not saved yet. A piece in which others
    changed the same place is left as it is: the next save merges both, or raises a conflict.
    """
    unread = documents.renumber(obj, outcome.renumbering, numbers_in(outcome.adopted))
    left = documents.adopt(obj, outcome.adopted, {p: body for p, body in outcome.saved.items() if p not in unread})
    left_as_saved = {path: body for path, body in outcome.saved.items() if path in left}
    origin.advance(outcome.version.number, outcome.digests, outcome.kept, left_as_saved)
    # Not the name that it has now: another thread may have changed that since.
    head = outcome.adopted.get(HEAD, ABSENT)
    renamed = None if HEAD in left or isinstance(head, Absent) else mine.document.kind.name_in(head)
    origin.name = renamed or mine.document.name


def _may_clash(
    connection: Connection, head: HeadRow, origin: LoadedState, mine: LocalChanges, current: Mapping[str, JSON]
) -> bool:
    """Return whether parts bring in an arm whose name one may have that others saved, and the object has not taken on.

    Cost:
        Where an arm is new, a read of the trials that the object is behind in.
    """
    bodies = {path: each.body for path, each in mine.changed.items()}
    if mine.whole or mine.document.kind.name != EXPERIMENT.name or not adds_arms(current, bodies):
        return False
    behind = {path for path in origin.behind if path == HEAD or trials_in([path])}
    return bool(behind) and bool(arm_conflicts(current, bodies, read_pieces(connection, head, behind)[0]))


def _write_alone(
    connection: Connection,
    writer: Writer,
    head: HeadRow,
    origin: LoadedState,
    mine: LocalChanges,
    current: Mapping[str, JSON],
    policy: OnConflict,
    note: Note,
) -> Outcome:
    """Write what changed in place of *current*, which nobody changed since."""
    revision = changeset_of(mine.document.kind, _only(current, mine.paths), mine.changed)
    _check_lists(head, mine.document.kind.lists(_head(mine.changed, current)), revision, origin.digests)
    if policy != "overwrite":
        refuse_downgrade(revision)
    saved = _written(connection, writer, head, mine, revision, origin.digests, note)
    return Outcome(saved.id, saved.version, saved.codes, revision.digests, frozenset(mine.paths), {})


def _known_pieces(connection: Connection, head: HeadRow, origin: LoadedState, mine: LocalChanges) -> dict[str, JSON]:
    """Return the stored pieces that *mine* replaces, and the head of a document of a user's kind.

    Raises:
        DamagedDocumentError: one is not what was last saved.
    """
    # Its head says which pieces are parts: it may have been saved by another release of the class.
    known = {path: digest for path in mine.paths if (digest := origin.digest(path)) is not None}
    if head.kind not in KINDS and HEAD not in mine.paths:
        known[HEAD] = origin.digests.get(HEAD) or ""
    current, digests = read_pieces(connection, head, known.keys())
    if digests != known:
        damaged = min(path for path in known if digests.get(path) != known[path])
        raise DamagedDocumentError(head.name, where=damaged or "its head", problem="it is not the one last saved")
    return current


def _head(target: Mapping[str, Piece], stored: Mapping[str, JSON]) -> JSON:
    return target[HEAD].body if HEAD in target else stored.get(HEAD)


def _fits(mine: LocalChanges, stored: Mapping[str, JSON]) -> bool:
    """Return whether the pieces that *mine* has can stand beside the other ones that are stored."""
    kind, head = mine.document.kind, stored.get(HEAD)
    if kind.name in KINDS or head is None or (mine.whole and same_layout(kind, head, mine.frame)):
        return True
    return not mine.whole and _stands_alike(mine, stored)


def _stands_alike(mine: LocalChanges, stored: Mapping[str, JSON]) -> bool:
    """Return whether *mine* and what is stored can be compared piece by piece.

    They are of one schema then, and a field whose items are parts is in both a dict, or in both a list.
    """
    kind, head, frame = mine.document.kind, stored.get(HEAD), mine.frame
    if kind.name in KINDS or not isinstance(head, dict) or not isinstance(frame, dict):
        return True
    there, fields = kind.of(head), {rule.field for rule in kind.parts if rule.field in frame}
    return (
        there.parts == kind.parts
        and head.get(SCHEMA) == frame.get(SCHEMA)
        and there.lists(head) & fields == kind.lists(frame) & fields
        and there.dicts(head) & fields == kind.dicts(frame) & fields
    )


def _write_whole(
    connection: Connection, writer: Writer, head: HeadRow, origin: LoadedState, mine: LocalChanges, note: Note
) -> Outcome:
    """Write all of *mine* in the place of a document that is cut into other parts."""
    if not mine.whole:
        raise _laid_out_otherwise(head, origin, mine)
    document = with_name(mine.document, head.name)
    saved = writer.replace(connection, head, document, note)
    digests: dict[str, str | None] = dict.fromkeys(origin.paths())
    digests.update({path: piece.digest for path, piece in document.pieces.items()})
    adopted = {HEAD: document.pieces[HEAD].body} if document is not mine.document else {}
    return Outcome(saved.id, saved.version, saved.codes, digests, frozenset(digests), adopted)


def _laid_out_otherwise(head: HeadRow, origin: LoadedState, mine: LocalChanges) -> ConflictError:
    return refused(head, origin.version, _LAID_OUT if mine.whole else f"{_LAID_OUT} (save the whole of it first)")


def refused(head: HeadRow, yours: int, problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
    """Return the error of a save that is refused, of an object that stands on version *yours*."""
    return ConflictError(head.name, yours=yours, head=head.version, places=places, problem=problem, kind=head.kind)


def _settled(
    head: HeadRow, origin: LoadedState, mine: LocalChanges, policy: OnConflict, seen: Divergence
) -> tuple[Changeset, Resolution]:
    """Return what to write over *theirs*, and the pieces that it makes, by the policy."""
    paths = _paths(mine, seen)
    if policy == "overwrite":
        target = {path: piece for path, piece in with_name(mine.document, head.name).pieces.items() if path in paths}
        return changeset_of(mine.document.kind, _only(seen.theirs, paths), target), Resolution(target)
    settled = resolved(origin, mine, policy, seen)
    if settled.conflicts or policy == "error":
        stands_on = min(origin.since().get(path, origin.version) for path in paths) if paths else origin.version
        if settled.conflicts:
            raise refused(head, stands_on, settled.problem, settled.conflicts)
        raise refused(head, stands_on, _ELSEWHERE, all_places(seen.base, mine.pieces_beside(seen.base), seen.theirs))
    paths = {*paths, *map(settled.moved, paths)}
    return changeset_of(mine.document.kind, _only(seen.theirs, paths), _only(settled.target, paths)), settled


def _paths(mine: LocalChanges, seen: Divergence) -> set[str]:
    """Return the paths of the pieces that a save of *mine* is about."""
    return {*seen.base, *seen.theirs, *mine.paths} if mine.whole else mine.about


def resolved(origin: LoadedState, mine: LocalChanges, policy: OnConflict, seen: Divergence) -> Resolution:
    """Return what *mine* and what others saved since make together, with the conflicts that there are."""

    def stored() -> Iterator[int]:
        # Of all that is stored, and gone through only where numbers collide.
        yield from numbers_in({*origin.digests.paths(), *seen.theirs})

    kind, pieces = mine.document.kind, mine.pieces_beside(seen.base)
    settled = resolve(
        kind,
        seen.base,
        pieces,
        seen.theirs,
        policy=policy,
        paths=None if mine.whole else mine.about,
        stored=stored(),
        held=() if mine.whole else mine.held(),
    )
    if kind.name != EXPERIMENT.name:
        return settled
    return checked(settled, seen.base, pieces, seen.theirs, numbers=settled.numbers, names=settled.names)


def _write_on(
    connection: Connection,
    writer: Writer,
    head: HeadRow,
    origin: LoadedState,
    mine: LocalChanges,
    seen: Divergence,
    revision: Changeset,
    settled: Resolution,
    note: Note,
) -> Outcome:
    digests = origin.digests.copy()
    digests.update(seen.digests)
    _check_lists(head, mine.document.kind.lists(_head(settled.target, seen.theirs)), revision, digests)
    saved = _written(connection, writer, head, mine, revision, digests, note)
    after = {**seen.digests, **revision.digests}
    paths = {*after, *origin.behind, *mine.paths} if mine.whole else {*mine.about, *map(settled.moved, mine.about)}
    adopted = _adopted(origin, mine, settled, paths)
    both = changed_by_both(mine, seen, settled, adopted.keys() & revision.written.keys())
    # After a save of parts: pieces that are not saved yet, in which arms are renamed, too.
    naming = mine.naming(settled.names) if settled.names else {}
    adopted |= renumbered(naming, {}, settled.names)
    own = {**naming, **{path: each.body for path, each in mine.changed.items()}}
    kept = {path: body for path, body in seen.base.items() if path not in mine.paths}
    as_saved = {**kept, **renumbered(own, settled.numbers, settled.names)}
    return Outcome(
        saved.id,
        saved.version,
        saved.codes,
        after,
        frozenset(paths),
        adopted,
        both,
        Renumbering(settled.numbers, settled.names, own),
        {path: as_saved.get(path, ABSENT) for path in adopted},
    )


def _adopted(
    origin: LoadedState, mine: LocalChanges, settled: Resolution, paths: Collection[str]
) -> dict[str, JSON | Absent]:
    """Return the pieces at *paths* to update in the object, as the database has others than it saved."""
    target = settled.target
    held = {
        **{path: origin.digest(path) for path in paths},
        **dict.fromkeys(mine.paths),
        **{settled.moved(path): piece.digest for path, piece in mine.changed.items()},
    }
    adopted = {
        path: target[path].body if path in target else ABSENT
        for path in paths
        if (target[path].digest if path in target else None) != held.get(path)
    }
    # Where nothing took the place of a part that moved, an encoder of the user's own is to find nothing.
    return adopted | {path: ABSENT for path in mine.paths if settled.moved(path) != path and path not in target}


def changed_by_both(mine: LocalChanges, seen: Divergence, settled: Resolution, paths: Iterable[str]) -> dict[str, Both]:
    """Return what became of the pieces at *paths*, which are as neither side has them."""
    own = {settled.moved(path): body for path, body in mine.pieces_beside(seen.base).items()}
    made = {path: piece.body for path, piece in settled.target.items()}
    return {path: Both(*(each.get(path, ABSENT) for each in (seen.base, own, seen.theirs, made))) for path in paths}


def _written(
    connection: Connection,
    writer: Writer,
    head: HeadRow,
    mine: LocalChanges,
    revision: Changeset,
    digests: DigestTree,
    note: Note,
) -> Saved:
    if not revision.changes:
        return Saved(head.id, version_numbered(connection, head, head.version), {})
    return writer.write(connection, head, replace(mine.document, name=head.name), revision, digests, note)


def _check_lists(head: HeadRow, lists: Collection[str], revision: Changeset, digests: DigestTree) -> None:
    """Refuse a save after which a list whose items are parts would lack one in the middle.

    Raises:
        ConflictError: others made the list shorter, or the items before a new one are not saved.
    """
    for each in lists:
        missing = gap({*digests.paths(), *revision.written} - revision.removed, each)
        if missing is not None:
            problem = f"the list would lack the item {missing} (save the whole object)"
            raise ConflictError(
                head.name, yours=head.version, head=head.version, places=(), problem=problem, kind=head.kind
            )


def _only(pieces: Mapping[str, T], paths: set[str]) -> dict[str, T]:
    return {path: piece for path, piece in pieces.items() if path in paths}


@dataclass(frozen=True, slots=True)
class Both:
    """A piece that both sides changed: as it was, as each has it, and as it is to be; ABSENT where there is none."""

    base: JSON | Absent
    mine: JSON | Absent
    theirs: JSON | Absent
    made: JSON | Absent


Nonsense: TypeAlias = tuple[Exception, tuple[Conflict, ...]]
"""Why pieces make no sense together, and the places that either side changed in them."""


def nonsense(documents: Mapper, obj: Any, pieces: Mapping[str, Both]) -> Nonsense | None:
    """Return why *obj* cannot be brought up to what both sides made of *pieces*, and all that they changed in them.

    Raises:
        DecodeError: what others saved cannot be read here, whatever was made of it.
    """

    def problem_with(paths: Iterable[str]) -> Exception | None:
        try:
            documents.check(obj, {path: pieces[path].made for path in paths}, merged=True)
        except (DecodeError, InvalidValueError) as error:
            return error
        return None

    problem = problem_with(pieces)
    if problem is None:
        return None
    documents.check(obj, {path: each.theirs for path, each in pieces.items()})
    wrong = [path for path in pieces if problem_with([path])] or list(pieces)
    three = {path: (pieces[path].base, pieces[path].mine, pieces[path].theirs) for path in sorted(wrong, key=in_order)}
    return problem, tuple(place for path, each in three.items() for place in changed_places(*each, at=path))
