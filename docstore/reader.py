"""A stored document read: its pieces checked against their digests, as they are now or as they stood at a version."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore import paging, rows
from docstore.dialect import checked_moment
from docstore.digests import DigestTree, piece
from docstore.errors import (
    DamagedDocumentError,
    DecodeError,
    InvalidValueError,
    PatchError,
    VersionNotFoundError,
    abridged,
)
from docstore.history import NOT_KEPT, Parent, Version, changes_from, piece_at, piece_of, pieces_touched, rebuild
from docstore.kinds import HEAD, KINDS, Kind, join, kind_named
from docstore.patch import Change
from docstore.rows import HeadRow
from docstore.values import JSON, digest, loads, resolve

When: TypeAlias = int | str | datetime
"""What names a version: its number, a tag, or a time at which it was current."""


@dataclass(frozen=True, slots=True)
class State:
    """A document at one version: the JSON of its head and parts by path, and their digests."""

    version: int
    pieces: dict[str, JSON]
    digests: DigestTree


def read(connection: Connection, head: HeadRow) -> State:
    """Return the current state of a document.

    Raises:
        DamagedDocumentError: a piece, or the set of them, is not what was saved.
    """
    if not head.digest:
        raise _without_history(head, head.version)
    pieces, digests = read_pieces(connection, head, None)
    tree = DigestTree(digests)
    if tree.digest() != head.digest:
        raise DamagedDocumentError(head.name, where="its rows", problem="they are not the ones that version has")
    return State(head.version, pieces, tree)


def read_pieces(
    connection: Connection, head: HeadRow, paths: Collection[str] | None
) -> tuple[dict[str, JSON], dict[str, str]]:
    """Return the current JSON and digest of the pieces at *paths*, those that there are, or of all."""
    pieces: dict[str, JSON] = {}
    digests: dict[str, str] = {}
    for row in rows.pieces(connection, head.id, paths):
        pieces[row.path] = _checked(head.name, row)
        digests[row.path] = row.digest
    return pieces, digests


def _checked(name: str, row: rows.PieceRow) -> JSON:
    try:
        body = loads(row.body)
    except DecodeError as error:
        raise DamagedDocumentError(name, where=row.path or "its head", problem=str(error)) from error
    if digest(row.body.encode()) != row.digest:
        raise DamagedDocumentError(
            name, where=row.path or "its head", problem="its body is not what was saved: the digest is another"
        )
    return body


def read_version(connection: Connection, head: HeadRow, kind: Kind, number: int) -> State:
    """Return the state of a document at version *number*, rebuilt from the current one.

    Raises:
        VersionNotFoundError: there is no such version.
        DamagedDocumentError: what is rebuilt is not what was saved then.

    Cost:
        A whole read, and time in proportion to the changes since.
    """
    history = _back_to(connection, head, number)
    state = read(connection, head)
    if not history:
        return state
    then = history.pop()
    try:
        pieces = rebuild(state.pieces, kind, [version.changes for version in history])
    except PatchError as error:
        raise DamagedDocumentError(head.name, where=f"version {number}", problem=str(error)) from error
    tree = DigestTree({path: piece(path, body).digest for path, body in pieces.items()})
    if tree.digest() != then.digest:
        raise DamagedDocumentError(head.name, where=f"version {number}", problem="what is rebuilt has another digest")
    return State(number, pieces, tree)


def _back_to(connection: Connection, head: HeadRow, number: int) -> list[Version]:
    """Return the versions from the current one back to *number*; none if that is the current one.

    Raises:
        VersionNotFoundError: there is no such version, or it is not kept.
    """
    if type(number) is not int or not 1 <= number <= head.version:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind)
    if number == head.version:
        return []
    history = history_of(connection, head, after=number - 1)
    if not history[-1].is_kept:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind, is_folded=True)
    return history


def read_place(connection: Connection, head: HeadRow, pointer: str, number: int | None = None) -> JSON:
    """Return what stands at *pointer* in a document, now or at version *number*.

    Raises:
        DecodeError: nothing stands there.
        VersionNotFoundError, DamagedDocumentError: as ``read_version``.

    Cost:
        The digests of all pieces are read; of the pieces, the one at *pointer* and those that were changed since.
    """
    history = [] if number is None else _back_to(connection, head, number)
    kind = stored_kind(connection, head)
    path, is_whole = piece_at(kind, pointer)
    if is_whole or any(change.path == HEAD for version in history[:-1] for change in version.changes):
        # All parts of a field are wanted; or it was cut into other parts in between.
        state = read(connection, head) if number is None else read_version(connection, head, kind, number)
        return resolve(join(state.pieces), pointer)
    newer = [version.changes for version in history[:-1]]
    touched = pieces_touched(kind, (change for changes in newer for change in changes))
    pieces, _ = read_pieces(connection, head, {HEAD, path, *touched})
    digests = {path: key.digest for path, key in paging.keys(connection, head.id).items()}
    _check_tree(head, digests, head.digest, head.version)
    if newer:
        then = _undone(head, kind, pieces, newer, history[-1].number)
        digests = {path: each for path, each in digests.items() if path not in pieces}
        digests.update({path: piece(path, body).digest for path, body in then.items()})
        _check_tree(head, digests, history[-1].digest, history[-1].number)
        pieces = then
    lists = kind.of(pieces[HEAD]).lists(pieces[HEAD])
    return resolve(join({each: pieces[each] for each in {HEAD, path} & pieces.keys()}, sparse=lists), pointer)


def _undone(
    head: HeadRow, kind: Kind, pieces: Mapping[str, JSON], newer: list[tuple[Change, ...]], number: int
) -> dict[str, JSON]:
    try:
        return rebuild(pieces, kind, newer, partial=True)
    except PatchError as error:
        raise DamagedDocumentError(head.name, where=f"version {number}", problem=str(error)) from error


def _check_tree(head: HeadRow, digests: Mapping[str, str], digest: str, number: int) -> None:
    if DigestTree(digests).digest() != digest:
        raise DamagedDocumentError(head.name, where=f"version {number}", problem="its pieces have other digests")


@dataclass(frozen=True, slots=True)
class Divergence:
    """Some pieces of a document as they stood at the versions that an object stands on, and as they stand now."""

    base: dict[str, JSON]
    theirs: dict[str, JSON]
    digests: dict[str, str | None]
    """The current digest of each piece that others touched since the newest version seen; None for one that is gone."""
    laid_out_anew: bool
    """Whether other pieces of it are parts since: then base and theirs cannot be compared piece by piece."""


def read_divergence(
    connection: Connection, head: HeadRow, seen: int, behind: Mapping[str, int], mine: Collection[str]
) -> Divergence:
    """Return how the pieces that others changed, and those in *mine*, stood and stand.

    Shapes:
        seen: the newest version that the object's origin knows
        behind: the version that the object stands on, for each piece where that is an older one

    Raises:
        VersionNotFoundError: a version that it stands on was folded.

    Cost:
        In proportion to those pieces and the changes since; not to the document.
    """
    stood_on = {seen, *behind.values()}
    history = history_of(connection, head, after=min(stood_on) - 1)
    for version in history:
        if version.number in stood_on and not version.is_kept:
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
    anew = any(change.path == HEAD for each in history for change in each.changes)
    return Divergence(base, theirs, {path: digests.get(path) for path in touched}, anew)


def stored_kind(connection: Connection, head: HeadRow) -> Kind:
    """Return the kind of a stored document: of a user's own, as its head says.

    Raises:
        DamagedDocumentError: the head is not what was saved.
    """
    if head.kind in KINDS:
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
    while number in numbers:  # from the newest: a column that something else wrote to may say any number of versions
        number -= 1
    if number > after:
        raise _without_history(head, number)
    return [version for version in found if version.number <= head.version]


def history_page(connection: Connection, head: HeadRow, before: int, size: int) -> list[Version]:
    """Return the *size* versions before version *before*, newest first, or those that there are.

    Raises:
        DamagedDocumentError: one is missing, or cannot be read.
    """
    found = [version_of(head.name, row) for row in rows.version_rows(connection, head.id, before=before, limit=size)]
    for expected, version in zip(range(before - 1, 0, -1), found, strict=False):
        if version.number != expected:
            raise _without_history(head, expected)
    if len(found) < min(size, before - 1):
        raise _without_history(head, before - 1 - len(found))
    return found


def version_numbered(connection: Connection, head: HeadRow, number: int) -> Version:
    """Return one version of a document.

    Raises:
        DamagedDocumentError: its row of history is missing, or cannot be read.
    """
    row = rows.version_row(connection, head.id, number)
    if row is None:
        raise _without_history(head, number)
    return version_of(head.name, row)


def has_version(connection: Connection, head: HeadRow, number: int, digest: str) -> bool:
    """Return whether version *number* is there with that digest: in a database put back from a backup it may not be."""
    if not head.digest:
        raise _without_history(head, head.version)
    if number == head.version:
        return head.digest == digest
    return number < head.version and version_numbered(connection, head, number).digest == digest


def _without_history(head: HeadRow, number: int) -> DamagedDocumentError:
    return DamagedDocumentError(head.name, where=f"version {number}", problem="its row of history is missing")


def version_of(name: str, row: sa.Row[Any]) -> Version:
    """Return the version that a row of history tells of."""
    is_kept = row.changes != NOT_KEPT
    try:
        return version_told(name, row, changes_from(row.changes) if is_kept else (), is_kept=is_kept)
    except (DecodeError, PatchError) as error:
        raise DamagedDocumentError(name, where=f"version {row.version}", problem=str(error)) from error


def version_told(name: str, row: sa.Row[Any], changes: tuple[Change, ...] = (), *, is_kept: bool = True) -> Version:
    """Return what a row of history tells of a version beside its changes, which are not read."""
    try:
        parent = Parent.from_json(loads(row.parent)) if row.parent is not None else None
    except (DecodeError, PatchError) as error:
        raise DamagedDocumentError(name, where=f"version {row.version}", problem=str(error)) from error
    return Version(
        row.version,
        row.created_at,
        row.author,
        row.message,
        changes,
        row.digest,
        row.chain,
        parent,
        row.folded or "",
        is_kept,
    )


def parents_of(connection: Connection, head: HeadRow) -> dict[int, Parent]:
    """Return the parents of the versions that have one, by number."""
    versions = [version_told(head.name, row) for row in rows.rows_with_parent(connection, head.id)]
    return {version.number: version.parent for version in versions if version.parent is not None}


def number_of(
    connection: Connection, head: HeadRow, version: int | None, at: datetime | None, tag: str | None
) -> int | None:
    """Return the version that one of these names, or None for the current one; as ``number_named``.

    Raises:
        InvalidValueError: several are given, or the time has no zone.
    """
    given = [(key, value) for key, value in (("version", version), ("at", at), ("tag", tag)) if value is not None]
    if len(given) > 1:
        (first, its), *_, (last, value) = given
        raise InvalidValueError(last, value, f"Give it or {first}={its!r}, not both.")
    if at is not None:
        return _number_at(connection, head, at)
    return version if tag is None else _tagged(connection, head, tag)


def number_named(connection: Connection, head: HeadRow, when: When) -> int:
    """Return the version that *when* names: by its number, by a tag, or by a time at which it was current.

    Raises:
        InvalidValueError: it is none of these, or a time without a zone.
        VersionNotFoundError: there is no such tag, or the time is before the first version. Of a number, it is not
            asked whether there is such a version.
    """
    if type(when) is int:
        return when
    if isinstance(when, datetime):
        return _number_at(connection, head, when)
    if isinstance(when, str):
        return _tagged(connection, head, when)
    raise InvalidValueError("version", when, "Give its number, a tag, or a time with a zone.")


def _tagged(connection: Connection, head: HeadRow, tag: str) -> int:
    number = rows.tagged(connection, head.id, tag)
    if number is None:
        known = ", ".join(repr(row.tag) for row in rows.tag_rows(connection, head.id)) or "none"
        wanted = f"tagged {abridged(tag)} (its tags: {known})"
        raise VersionNotFoundError(head.name, wanted=wanted, head=head.version, kind=head.kind)
    return number


def numbered(connection: Connection, head: HeadRow, when: When) -> int:
    """Return the number of the version that *when* names, one that is kept.

    Raises:
        InvalidValueError, VersionNotFoundError: as ``number_named``; or there is no such version, or it was folded.
    """
    number = number_named(connection, head, when)
    if type(number) is not int or not 1 <= number <= head.version:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind)
    if not version_numbered(connection, head, number).is_kept:
        raise VersionNotFoundError(head.name, wanted=number, head=head.version, kind=head.kind, is_folded=True)
    return number


def _number_at(connection: Connection, head: HeadRow, moment: datetime) -> int:
    """Return the version that was current at *moment*.

    Raises:
        InvalidValueError: *moment* has no time zone.
        VersionNotFoundError: it is before the first version.
    """
    number = rows.version_at(connection, head.id, checked_moment("at", moment))
    if number is None:
        raise VersionNotFoundError(
            head.name, wanted=f"from {moment.isoformat()} or before", head=head.version, kind=head.kind
        )
    return number
