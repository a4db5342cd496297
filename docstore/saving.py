"""How a changed object becomes the next version: on what it stands on, or together with what others saved since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy.engine import Connection

from docstore.coding import Name
from docstore.digests import DigestTree, Piece
from docstore.documents import Document, Documents
from docstore.errors import (
    Conflict,
    ConflictError,
    DamagedDocumentError,
    DecodeError,
    InvalidValueError,
    VersionNotFoundError,
)
from docstore.history import Version
from docstore.kinds import HEAD, KINDS, gap, kind_named, split_path
from docstore.origins import Origin
from docstore.reader import Divergence, has_version, read_divergence, read_pieces, read_version, version_numbered
from docstore.renumbering import numbers_in
from docstore.revision import Revision, laid_out_alike, refuse_downgrade, revise
from docstore.rows import HeadRow, head_of
from docstore.settling import OnConflict, Settled, settle
from docstore.values import ABSENT, JSON, SCHEMA, Absent
from docstore.writer import Note, Saved, Writer

T = TypeVar("T")

RESTORED: Final = (
    "this database does not hold that version as you read it: it was put back to an older state "
    "(to overwrite it, save a copy.copy() of the object)"
)
_ELSEWHERE: Final = "others saved since, in other places than yours: on_conflict='merge' would keep both"
_FOLDED: Final = "that version was folded since, so that what others changed cannot be told from what you did"
_LAID_OUT: Final = "it has another schema than this object, or keeps its parts otherwise"


@dataclass(frozen=True, slots=True)
class Mine:
    """What an object holds that the version it stands on does not.

    Attributes:
        document: all of the object's pieces, or those that were asked for.
        changed: the pieces that differ from what the object stands on.
        gone: the paths of pieces that the object no longer has.
        whole: whether the document is all of the object.
        frame: what the object's head says of its schema and its parts; of a part save, the rest is not encoded.
        held: gives the numbers of the trials that the object has.
    """

    document: Document
    changed: Mapping[str, Piece]
    gone: frozenset[str]
    whole: bool
    frame: JSON
    held: Callable[[], Iterable[int]] = tuple

    @property
    def paths(self) -> set[str]:
        """The paths of what changed."""
        return {*self.changed, *self.gone}


def mine_whole(document: Document, origin: Origin) -> Mine:
    """Return what an object that makes *document* holds beyond *origin*."""
    changed = {path: each for path, each in document.pieces.items() if origin.digest(path) != each.digest}
    gone = frozenset(origin.paths() - document.pieces.keys())
    return Mine(document, changed, gone, whole=True, frame=document.pieces[HEAD].body)


def mine_in_part(documents: Documents, obj: Any, paths: Collection[str], origin: Origin) -> Mine:
    """Return what *obj* holds at *paths* beyond *origin*, without encoding the rest of it.

    Raises:
        InvalidValueError: the parts could not be put beside the other ones: *obj* is to be saved as a whole.
    """
    kind, name, model = documents.identify(obj)
    pieces = documents.parts(obj, paths)
    changed = {path: each for path, each in pieces.items() if origin.digest(path) != each.digest}
    for path in changed:
        other = documents.spelled_otherwise(obj, path, origin.paths) if origin.digest(path) is None else None
        if other is not None:
            raise InvalidValueError("part", path, f"It is stored as {other!r}, by a former name. Use save().")
    gone = frozenset(path for path in paths if path not in pieces and origin.digest(path) is not None)
    frame = documents.frame(obj, paths)
    for listed in kind.lists(frame):
        _refuse_shifted(listed, documents.items_in(obj, listed), changed, origin)
    return Mine(Document(kind, name, model, pieces), changed, gone, False, frame, lambda: documents.numbers(obj))


def _refuse_shifted(field: str, length: int, changed: Collection[str], origin: Origin) -> None:
    """Refuse an item of a list that has another length now: under its index, another item may be stored."""
    stored = {path for path in origin.paths() if path != HEAD and split_path(path)[0] == field}
    for path in stored & set(changed) if length != len(stored) else ():
        raise InvalidValueError("part", path, f"The list has {length} items, and {len(stored)} are stored. Use save().")


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
        merged: those of them that neither the object nor the database had as they are now, as others had saved them.
        numbers: where trials of the object went that had the number of another one.
    """

    id: str
    version: Version
    codes: Mapping[Name, int]
    digests: Mapping[str, str | None]
    kept: frozenset[str]
    adopted: Mapping[str, JSON | Absent]
    merged: Mapping[str, JSON | Absent] = field(default_factory=dict)
    numbers: Mapping[int, int] = field(default_factory=dict)


def made_unseen(connection: Connection, id: str) -> Origin | None:
    """Return version 1 of a document that was made by a save which was interrupted before it knew; if it was made."""
    head = head_of(connection, id)
    if head is None:
        return None
    return Origin(id, head.name, 1, read_version(connection, head, kind_named(head.kind), 1).digests)


def save_on(
    connection: Connection, writer: Writer, head: HeadRow, origin: Origin, mine: Mine, policy: OnConflict, note: Note
) -> Outcome:
    """Write *mine* as the version after *head*, of an object that stands on *origin*.

    Raises:
        ConflictError: others changed the same place since, or (``"error"``) anything at all; or the version that the
            object stands on is not in the database, which was put back to an older state.
    """
    if not has_version(connection, head, origin.version, origin.digests.digest()):
        raise _refused(head, origin.version, mine, RESTORED)
    if head.version == origin.version and not (origin.behind.keys() & mine.paths if not mine.whole else origin.behind):
        current = _known_pieces(connection, head, origin, mine)
        if not _fits(mine, current):
            return _write_whole(connection, writer, head, origin, mine, note)
        revision = revise(mine.document.kind, _only(current, mine.paths), mine.changed)
        _check_lists(head, mine.document.kind.lists(_head(mine.changed, current)), revision, origin.digests)
        if policy != "overwrite":
            refuse_downgrade(revision)
        saved = _written(connection, writer, head, mine, revision, origin.digests, note)
        return Outcome(saved.id, saved.version, saved.codes, revision.digests, frozenset(mine.paths), {})
    try:
        seen = read_divergence(connection, head, origin.version, origin.since(), mine.paths)
    except VersionNotFoundError as error:
        if policy == "overwrite" and mine.whole:
            return _write_whole(connection, writer, head, origin, mine, note)
        raise _refused(head, origin.version, mine, _FOLDED) from error
    if seen.laid_out_anew or not (_stands_alike(mine, seen.base) and _stands_alike(mine, seen.theirs)):
        if policy != "overwrite":
            raise _laid_out_otherwise(head, origin, mine)
        return _write_whole(connection, writer, head, origin, mine, note)
    revision, settled = _settled(head, origin, mine, policy, seen)
    if policy != "overwrite":
        refuse_downgrade(revision)
    return _write_on(connection, writer, head, origin, mine, seen, revision, settled, note)


def check_readable(documents: Documents, obj: Any, head: HeadRow, origin: Origin, outcome: Outcome) -> None:
    """Refuse an outcome that *obj* could not be brought up to, while nothing is committed.

    Raises:
        ConflictError: what both sides' changes make together cannot be read, or makes no sense.
        DecodeError: what others saved cannot be read here.
    """
    if not outcome.adopted:
        return
    others = {path: body for path, body in outcome.adopted.items() if path not in outcome.merged}
    documents.check(obj, others)
    try:
        documents.check(obj, {path: outcome.adopted[path] for path in outcome.merged}, merged=True)
    except (DecodeError, InvalidValueError) as error:
        documents.check(obj, outcome.merged)  # what is theirs alone may be what cannot be read here
        problem = f"what you and others made of it makes no sense together: {error}"
        raise ConflictError(
            head.name, yours=origin.version, head=head.version, places=(), problem=problem, kind=head.kind
        ) from error


def _known_pieces(connection: Connection, head: HeadRow, origin: Origin, mine: Mine) -> dict[str, JSON]:
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


def _fits(mine: Mine, stored: Mapping[str, JSON]) -> bool:
    """Return whether the pieces that *mine* has can stand beside the other ones that are stored."""
    kind, head = mine.document.kind, stored.get(HEAD)
    if kind.name in KINDS or head is None or (mine.whole and laid_out_alike(kind, head, mine.frame)):
        return True
    return not mine.whole and _stands_alike(mine, stored)


def _stands_alike(mine: Mine, stored: Mapping[str, JSON]) -> bool:
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
    connection: Connection, writer: Writer, head: HeadRow, origin: Origin, mine: Mine, note: Note
) -> Outcome:
    """Write all of *mine* in the place of a document that is cut into other parts."""
    if not mine.whole:
        raise _laid_out_otherwise(head, origin, mine)
    saved = writer.replace(connection, head, mine.document, note)
    digests: dict[str, str | None] = dict.fromkeys(origin.paths())
    digests.update({path: piece.digest for path, piece in mine.document.pieces.items()})
    return Outcome(saved.id, saved.version, saved.codes, digests, frozenset(digests), {})


def _laid_out_otherwise(head: HeadRow, origin: Origin, mine: Mine) -> ConflictError:
    return _refused(
        head, origin.version, mine, _LAID_OUT if mine.whole else f"{_LAID_OUT} (save the whole of it first)"
    )


def _refused(head: HeadRow, yours: int, mine: Mine, problem: str, places: Sequence[Conflict] = ()) -> ConflictError:
    name = mine.document.name
    return ConflictError(name, yours=yours, head=head.version, places=places, problem=problem, kind=head.kind)


def _settled(
    head: HeadRow, origin: Origin, mine: Mine, policy: OnConflict, seen: Divergence
) -> tuple[Revision, Settled]:
    """Return what to write over *theirs*, and the pieces that it makes, by the policy."""
    theirs, paths = _theirs(mine, seen)
    if policy == "overwrite":
        target = {path: piece for path, piece in mine.document.pieces.items() if path in paths}
        return revise(mine.document.kind, _only(theirs, paths), target), Settled(target)
    settled = both_settled(origin, mine, policy, seen)
    if settled.conflicts or policy == "error":
        stands_on = min(origin.since().get(path, origin.version) for path in paths) if paths else origin.version
        raise _refused(head, stands_on, mine, "" if settled.conflicts else _ELSEWHERE, settled.conflicts)
    paths = {*paths, *map(settled.moved, paths)}
    return revise(mine.document.kind, _only(theirs, paths), _only(settled.target, paths)), settled


def _theirs(mine: Mine, seen: Divergence) -> tuple[dict[str, JSON], set[str]]:
    """Return the pieces that a save of *mine* is about, as they are stored, and their paths."""
    paths = {*seen.base, *seen.theirs, *mine.paths} if mine.whole else mine.paths
    # A save of parts leaves the head as others left it, whatever they did to it.
    return {**_only(seen.theirs, paths), **({} if mine.whole else {HEAD: seen.theirs[HEAD]})}, paths


def both_settled(origin: Origin, mine: Mine, policy: OnConflict, seen: Divergence) -> Settled:
    """Return what *mine* and what others saved since make together, with the conflicts that there are."""
    theirs, paths = _theirs(mine, seen)
    base = {**_only(seen.base, paths), **({} if mine.whole else {HEAD: seen.theirs[HEAD]})}
    own = {path: body for path, body in base.items() if path not in mine.gone}
    own.update({path: piece.body for path, piece in mine.changed.items()})
    stored = numbers_in({*origin.digests.paths(), *seen.theirs})
    held = () if mine.whole else mine.held()
    return settle(mine.document.kind, base, own, theirs, policy=policy, stored=stored, held=held)


def _write_on(
    connection: Connection,
    writer: Writer,
    head: HeadRow,
    origin: Origin,
    mine: Mine,
    seen: Divergence,
    revision: Revision,
    settled: Settled,
    note: Note,
) -> Outcome:
    target = settled.target
    digests = origin.digests.copy()
    digests.update(seen.digests)
    _check_lists(head, mine.document.kind.lists(_head(target, seen.theirs)), revision, digests)
    saved = _written(connection, writer, head, mine, revision, digests, note)
    after = {**seen.digests, **revision.digests}
    paths = {*after, *origin.behind} if mine.whole else {*mine.paths, *map(settled.moved, mine.paths)}
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
    adopted |= {path: ABSENT for path in mine.paths if settled.moved(path) != path and path not in target}
    both = {path: seen.theirs.get(path, ABSENT) for path in adopted if path in revision.written}
    return Outcome(saved.id, saved.version, saved.codes, after, frozenset(paths), adopted, both, settled.numbers)


def _written(
    connection: Connection,
    writer: Writer,
    head: HeadRow,
    mine: Mine,
    revision: Revision,
    digests: DigestTree,
    note: Note,
) -> Saved:
    if not revision.changes:
        return Saved(head.id, version_numbered(connection, head, head.version), {})
    return writer.write(connection, head, mine.document, revision, digests, note)


def _check_lists(head: HeadRow, lists: Collection[str], revision: Revision, digests: DigestTree) -> None:
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
