"""The reader: a stored document, or some of its pieces, now or at a version, checked against the digests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, loads
from docstore.documents.digests import Digests, Piece
from docstore.documents.growth import before_growth
from docstore.documents.history import (
    GENESIS,
    NOT_KEPT,
    Parent,
    Rollback,
    Version,
    chained,
    changes_of,
    lineage,
    piece_of,
    pieces_touched,
    rebuild,
    unparsed,
)
from docstore.documents.kinds import FIXED_LAYOUT, HEAD, KINDS, Kind, kind_named
from docstore.documents.patch import Change
from docstore.errors import CodecError, DamagedDocumentError, DecodeError, PatchError, VersionNotFoundError
from docstore.sql import full_states, rows
from docstore.sql.rows import HeadRow

_NONE: Final[Mapping[str, Piece]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class State:
    """A document at one version: the JSON of its head and parts by path, and their digests."""

    version: int
    pieces: dict[str, JSON]
    digests: Digests


def read(connection: Connection, head: HeadRow) -> State:
    """Return the current state of a document.

    Raises:
        DamagedDocumentError: a piece is not what was saved, or one is missing or surplus.
    """
    return state_of(head, rows.pieces(connection, head.id))


def state_of(head: HeadRow, found: Sequence[rows.PieceRow]) -> State:
    """Return the current state of a document, as ``read`` does, from all its rows."""
    if not head.digest:
        raise missing_history(head, head.version)
    pieces, by_path = _checked(head, found)
    digests = Digests.of(by_path)
    check_digests(head, digests)
    return State(head.version, pieces, digests)


def check_digests(head: HeadRow, digests: Digests) -> None:
    """Check the *digests* of all rows of a document: that the version has these, and that its head says so.

    Raises:
        DamagedDocumentError: they are others.
    """
    if digests.digest() != head.digest:
        raise DamagedDocumentError(head.name, where="its rows", problem="they are not the ones that version has")
    if digests.parts_digest != head.parts_digest:
        problem = "the column parts_digest is not the number and the sum of the parts"
        raise DamagedDocumentError(head.name, where="its head", problem=problem)


def read_pieces(
    connection: Connection, head: HeadRow, paths: Collection[str] | None, newer: Mapping[str, Piece] = _NONE
) -> tuple[dict[str, JSON], dict[str, str]]:
    """Return the current JSON and digests of the existing pieces at *paths*; with None, of all pieces.

    Args:
        newer: pieces that may have grown from the stored ones, which share items of lists with them then.
    """
    return _checked(head, rows.pieces(connection, head.id, paths), newer=newer)


def _checked(
    head: HeadRow, found: Sequence[rows.PieceRow], within: str = "", newer: Mapping[str, Piece] = _NONE
) -> tuple[dict[str, JSON], dict[str, str]]:
    pieces = {row.path: checked_body(head.name, row, within, newer.get(row.path)) for row in found}
    return pieces, {path: known for path, known, _ in found}


def checked_body(name: str, row: rows.PieceRow, within: str = "", newer: Piece | None = None) -> JSON:
    """Return the JSON of a head or part of the document *name*, checked against its digest.

    Args:
        within: what the error adds to the path of the row.
        newer: the piece that may have grown from this one; see ``before_growth``.

    Raises:
        DamagedDocumentError: the body is not what was saved.
    """
    path, known, text = row
    problem = rows.body_problem(known, text)
    older = before_growth(newer, text, known) if problem is None and newer is not None else None
    if older is not None:
        return older
    try:
        body = loads(text)
    except DecodeError as error:
        raise DamagedDocumentError(name, where=f"{path or 'its head'}{within}", problem=str(error)) from error
    if problem is not None:
        raise DamagedDocumentError(name, where=f"{path or 'its head'}{within}", problem=problem)
    return body


def read_version(connection: Connection, head: HeadRow, kind: Kind, number: int) -> State:
    """Return the state of a document at version *number*, rebuilt from the next full state or from the current one.

    Raises:
        VersionNotFoundError: there is no such version.
        DamagedDocumentError: the rebuilt state is not what was saved then.

    Cost:
        A read of the whole document, then time in proportion to the changes that are undone and the pieces that they
        touch; ``full_states`` says how many these are.
    """
    past = read_past(connection, head, number)
    return read(connection, head) if past is None else rebuilt(past, kind)


def rebuilt(past: Past, kind: Kind) -> State:
    """Return the state of the version of *past*; as ``read_version``."""
    pieces, digests = past.pieces()
    document = rolled_back(past, kind, pieces, Digests.of(digests))
    return State(past.number, dict(document.pieces), document.digests)


def rolled_back(past: Past, kind: Kind, pieces: Mapping[str, JSON], digests: Digests) -> Rollback:
    """Return the document at the version of *past*, checked.

    Shapes:
        kind: as ``kind_named`` gives it, without the layout in the document
        pieces: the stored pieces: all of them, or at least the head and those that changed since
        digests: the digests of all stored pieces

    Raises:
        DamagedDocumentError: the stored state, or the rebuilt one, is not what was saved.
    """
    name, then = past.head.name, f"version {past.number}"
    if HEAD not in pieces:
        raise DamagedDocumentError(name, where=past.where, problem="the row of the head is missing")
    document = Rollback(kind, pieces, digests)
    if document.digest() != past.base_digest:
        raise DamagedDocumentError(name, where=past.where, problem="they are not the ones that version has")
    try:
        document.undo_versions(past.newer)
    except (PatchError, CodecError) as error:
        raise DamagedDocumentError(name, where=then, problem=str(error)) from error
    if document.digest() != past.digest:
        raise DamagedDocumentError(name, where=then, problem="the rebuilt state has another digest")
    return document


@dataclass(frozen=True, slots=True)
class Past:
    """What an old version is rebuilt from: a later state that is stored whole, and the changes since.

    Attributes:
        number, digest: the version, and the digest of the document at that version.
        base, base_digest: the version of the stored state, and the digest of the document at that version.
        newer: the changes of versions *base*, *base* - 1, ..., *number* + 1.
    """

    connection: Connection
    head: HeadRow
    number: int
    digest: str
    base: int
    base_digest: str
    newer: Sequence[Sequence[Change]]

    @property
    def is_full_state(self) -> bool:
        """Whether the stored state is an older one, and not the current one."""
        return self.base != self.head.version

    @property
    def where(self) -> str:
        """The stored state, as errors name it."""
        return f"the full state of version {self.base}" if self.is_full_state else "its rows"

    def pieces(self, paths: Collection[str] | None = None) -> tuple[dict[str, JSON], dict[str, str]]:
        """Return the JSON and digests of the stored pieces at *paths*, checked; with None, of all pieces."""
        if not self.is_full_state:
            return read_pieces(self.connection, self.head, paths)
        found = full_states.pieces(self.connection, self.head.id, self.base, paths)
        return _checked(self.head, found, f" in {self.where}")

    def kind(self) -> Kind:
        """Return the kind of the stored state; a user's document may be split into other parts now."""
        if self.head.kind in FIXED_LAYOUT:
            return KINDS[self.head.kind]
        pieces, _ = self.pieces({HEAD})
        return kind_named(self.head.kind).of(pieces.get(HEAD))

    def digests(self) -> dict[str, str]:
        """Return the digests of all stored pieces, by path; no body is read."""
        if self.is_full_state:
            return full_states.digests(self.connection, self.head.id, self.base)
        return rows.digests_of(self.connection, self.head.id)


def read_past(connection: Connection, head: HeadRow, number: int) -> Past | None:
    """Return what version *number* is rebuilt from, or None if that is the current one.

    Raises:
        VersionNotFoundError: there is no such version, or it was folded.
        DamagedDocumentError: a version is missing, or its changes cannot be read.
    """
    if type(number) is not int or not 1 <= number <= head.version:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind)
    if not head.digest:
        raise missing_history(head, head.version)
    if number == head.version:
        return None
    found = rows.past_rows(connection, head.id, number, head.version)
    base = found[0].version if found else head.version
    for expected, row in zip_longest(range(base, number - 1, -1), found):
        if row is None or row.version != expected:
            raise missing_history(head, expected)
    if found[-1].changes == NOT_KEPT:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind, is_folded=True)
    newer = [changes_of(head.name, row.version, row.changes) for row in found[:-1] if row.changes != NOT_KEPT]
    return Past(connection, head, number, found[-1].digest, base, found[0].digest, newer)


@dataclass(frozen=True, slots=True)
class Divergence:
    """How a document moved on since an object was loaded: some pieces as the object has loaded them, and as stored now.

    Attributes:
        base: each piece at the version from which the object has it.
        theirs: each piece now.
        digests: the current digest of each piece that others changed since the newest version that the object has
            seen; None for a deleted one.
        has_new_layout: whether the document was split into other parts since; then base and theirs cannot be compared
            piece by piece.
    """

    base: dict[str, JSON]
    theirs: dict[str, JSON]
    digests: dict[str, str | None]
    has_new_layout: bool


def read_divergence(
    connection: Connection, head: HeadRow, seen: int, behind: Mapping[str, int], mine: Collection[str]
) -> Divergence:
    """Return the divergence in the pieces that others changed and those in *mine*.

    Shapes:
        seen: the newest version that the object has seen
        behind: the pieces that the object has from an older version, with that version

    Raises:
        VersionNotFoundError: a version from which the object has a piece was folded.

    Cost:
        In proportion to those pieces and the changes since; not to the document.
    """
    bases = {seen, *behind.values()}
    history = history_of(connection, head, after=min(bases) - 1)
    for version in history:
        if version.number in bases and not version.is_kept:
            raise VersionNotFoundError(
                head.name, wanted=version.number, head=head.version, kind=head.kind, is_folded=True
            )
    history.pop()
    kind = stored_kind(connection, head)
    touched = {path for each in history if each.number > seen for path in pieces_touched(kind, each.changes)}
    theirs, digests = read_pieces(connection, head, {HEAD, *touched, *behind, *mine})
    changes = [
        [change for change in each.changes if each.number > behind.get(piece_of(kind, change), seen)]
        for each in history
    ]
    base = rebuild(theirs, kind, changes, partial=True)
    has_new_layout = any(change.path == HEAD for each in history for change in each.changes)
    return Divergence(base, theirs, {path: digests.get(path) for path in touched}, has_new_layout)


def stored_kind(connection: Connection, head: HeadRow) -> Kind:
    """Return the kind of a stored document; the head of a user's document declares it.

    Raises:
        DamagedDocumentError: the head is not what was saved.
    """
    if head.kind in FIXED_LAYOUT:
        return KINDS[head.kind]
    pieces, _ = read_pieces(connection, head, {HEAD})
    return kind_named(head.kind).of(pieces.get(HEAD))


def history_of(connection: Connection, head: HeadRow, *, after: int = 0) -> list[Version]:
    """Return the versions after *after*, newest first.

    Raises:
        DamagedDocumentError: one is missing, or cannot be read.
    """
    found = [version_of(head.name, row) for row in rows.version_rows(connection, head.id, after=after)]
    numbers, number = {version.number for version in found}, head.version
    while number in numbers:  # from the newest, as a damaged column may contain any number
        number -= 1
    if number > after:
        raise missing_history(head, number)
    return [version for version in found if version.number <= head.version]


def history_page(connection: Connection, head: HeadRow, before: int | None, size: int) -> list[Version]:
    """Return at most *size* versions before version *before*, newest first; as ``history_rows``, without the rows."""
    return [version for _, version in history_rows(connection, head, before, size)]


def history_rows(
    connection: Connection, head: HeadRow, before: int | None, size: int
) -> list[tuple[sa.Row[Any], Version]]:
    """Return at most *size* rows of history before version *before*, newest first, checked against the chain.

    Args:
        before: None for the newest versions.

    Raises:
        DamagedDocumentError: one is missing, cannot be read, or its chain does not fit the one before it; or the
            history has a later version than the head.

    Cost:
        One SELECT, of the page and the row before it; two for the past that a branch shares with its parent.
    """
    found = rows.version_rows(connection, head.id, before=before, limit=size + 1)
    if found and before is None and found[0].version > head.version:
        problem = f"its column version says {head.version}, and there is a later version in its history"
        raise DamagedDocumentError(head.name, where="its head", problem=problem)
    before = head.version + 1 if before is None else before
    page = [(row, version_of(head.name, row)) for row in found[:size]]
    for expected, row in zip(range(before - 1, 0, -1), found, strict=False):
        if row.version != expected:
            raise missing_history(head, expected)
    if len(found) < min(size + 1, before - 1):
        raise missing_history(head, before - 1 - len(found))
    chains = [*(row.chain for row in found[1:]), GENESIS]
    check_links(connection, head, ((version, row, chain) for (row, version), chain in zip(page, chains, strict=False)))
    return page


def check_links(connection: Connection, head: HeadRow, links: Iterable[tuple[Version, sa.Row[Any], str]]) -> None:
    """Check the chain of each version: its row, chained to the chain of the one before it.

    Raises:
        DamagedDocumentError: one is not what was saved, or does not follow on the one before it.
    """
    saved_in: Callable[[int], str] | None = None
    for version, row, previous in links:
        if chained(previous, head.id, version, row.changes) == version.chain:
            continue
        # Only a branch has versions that were saved in another document, so only a mismatch is looked up.
        saved_in = saved_in or lineage(parents_of(connection, head), head.id)
        if chained(previous, saved_in(version.number), version, row.changes) != version.chain:
            problem = "its row, or the chain before it, was changed"
            raise DamagedDocumentError(head.name, where=f"version {version.number}", problem=problem)


def touching_page(connection: Connection, head: HeadRow, before: int, size: int, texts: Sequence[str]) -> list[Version]:
    """Return at most *size* versions before version *before* whose changes contain one of *texts*, newest first.

    Folded versions, and those with the changes of folded ones, are always among them. With no *texts*, all are.

    Raises:
        DamagedDocumentError: as ``history_rows``; a version that is not returned is only checked to be there.
    """
    found = rows.versions_touching(connection, head.id, before, size, texts)
    low = found[-1].version if len(found) == size else 1
    if rows.count_versions(connection, head.id, low, before - 1) != before - low:
        history_page(connection, head, before, before - low)  # raises the error of the one that is missing
    page = [version_of(head.name, row) for row in found]
    check_links(connection, head, zip(page, found, (row.previous or GENESIS for row in found), strict=True))
    return page


def version_numbered(connection: Connection, head: HeadRow, number: int) -> Version:
    """Return one version of a document.

    Raises:
        DamagedDocumentError: its row of history is missing, or cannot be read.
    """
    row = rows.version_row(connection, head.id, number)
    if row is None:
        raise missing_history(head, number)
    return version_of(head.name, row)


def versions_numbered(connection: Connection, head: HeadRow, numbers: Collection[int]) -> list[Version]:
    """Return some versions of a document, in any order, checked against the chain.

    Raises:
        DamagedDocumentError: as ``history_rows``.

    Cost:
        One SELECT.
    """
    found = rows.version_rows_numbered(connection, head.id, numbers)
    if missing := {*numbers}.difference(row.version for row in found):
        raise missing_history(head, max(missing))
    some = [version_of(head.name, row) for row in found]
    check_links(connection, head, zip(some, found, (row.previous or GENESIS for row in found), strict=True))
    return some


def newest_versions(connection: Connection, ids: Collection[str]) -> dict[str, Version]:
    """Return the newest version of each of several documents, by id, checked against the chain.

    One that is not as it was saved is left out, as is one of a branch that was not saved since: ``history_page`` says
    what is wrong, or finds that nothing is.

    Cost:
        One SELECT.
    """
    found: dict[str, Version] = {}
    for id, group in groupby(rows.newest_version_rows(connection, ids), key=lambda row: row.id):
        row, *before = group
        previous = before[0].chain if before else GENESIS
        try:
            version = version_of(id, row)
            if chained(previous, id, version, row.changes) == version.chain:
                found[id] = version
        except DamagedDocumentError:
            continue
    return found


def has_version(connection: Connection, head: HeadRow, number: int, digest: str) -> bool:
    """Return whether version *number* exists with that digest; after a restored backup it may not."""
    if not head.digest:
        raise missing_history(head, head.version)
    if number == head.version:
        return head.digest == digest
    return number < head.version and version_numbered(connection, head, number).digest == digest


def missing_history(head: HeadRow, number: int) -> DamagedDocumentError:
    """Return the error for a version whose row of history is missing."""
    return DamagedDocumentError(head.name, where=f"version {number}", problem="its row of history is missing")


def version_of(name: str, row: sa.Row[Any]) -> Version:
    """Return the version in a row of history, with its changes, which are parsed when they are first asked for."""
    is_kept = row.changes != NOT_KEPT
    version = version_metadata(name, row, is_kept=is_kept)
    return unparsed(version, name, row.changes) if is_kept else version


def version_metadata(name: str, row: sa.Row[Any], *, is_kept: bool = True) -> Version:
    """Return the version in a row of history without its changes, which are not read."""
    try:
        parent = Parent.from_json(loads(row.parent)) if row.parent is not None else None
    except (DecodeError, PatchError) as error:
        raise DamagedDocumentError(name, where=f"version {row.version}", problem=str(error)) from error
    return Version(
        row.version,
        row.created_at,
        row.author,
        row.message,
        (),
        row.digest,
        row.chain,
        parent,
        row.folded or "",
        is_kept,
    )


def parents_of(connection: Connection, head: HeadRow) -> dict[int, Parent]:
    """Return the parents of the versions that have one, by number."""
    versions = [version_metadata(head.name, row) for row in rows.rows_with_parent(connection, head.id)]
    return {version.number: version.parent for version in versions if version.parent is not None}
