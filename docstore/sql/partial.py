"""Partial reads: the value at one pointer of a stored document, now or at a version, without reading all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON
from docstore.documents.digests import DigestTree, piece
from docstore.documents.history import Version, piece_at, pieces_touched, rebuild
from docstore.documents.kinds import HEAD, Kind, join, split_path
from docstore.documents.patch import Change
from docstore.errors import DamagedDocumentError, PatchError
from docstore.sql.reader import (
    checked_body,
    missing_history,
    read,
    read_pieces,
    read_version,
    stored_kind,
    versions_back_to,
)
from docstore.sql.rows import HeadRow, digests_of, pieces_in


def read_place(connection: Connection, head: HeadRow, pointer: str, number: int | None = None) -> JSON:
    """Return as much of a document, now or at version *number*, as contains the value at *pointer*, if there is one.

    Now, a piece that is there is read alone, and checked by its own digest, not by the document's: that another part
    is missing or surplus, or that a row was replaced by another with its digest, is seen by ``read`` and by ``verify``.
    That a part is not there, and every older version, is checked by the document's digest.

    Shapes:
        a list whose items are parts may have only some of them: a dict by index, as of ``join(..., sparse=)``

    Raises:
        DecodeError: *pointer* is not a JSON Pointer.
        VersionNotFoundError, DamagedDocumentError: as ``read_version``.

    Cost:
        Reads the piece at *pointer*; the digests of all pieces, if there is none; all pieces, if *pointer* leads to
        several. At an older version, also the digests and what was changed since, or all pieces if the document was
        split into other parts since.
    """
    history = [] if number is None else versions_back_to(connection, head, number)
    kind = stored_kind(connection, head)
    path, is_whole = piece_at(kind, pointer)
    if history:
        return _place_at_version(connection, head, kind, None if is_whole else path, history)
    if is_whole:
        return join(read(connection, head).pieces)
    if path != HEAD and (found := _read_alone(connection, head, {path})):
        field, key = split_path(path)
        return {field: {key: found[path]}}
    return _read_alone(connection, head, {HEAD})[HEAD]


def read_around(connection: Connection, head: HeadRow, pointer: str) -> tuple[Kind, JSON]:
    """Return the kind of a document, and as much of its current JSON as contains the value at *pointer*.

    Shapes:
        a list whose items are parts has only some of them: a dict by index, as of ``join(..., sparse=)``

    Raises:
        DecodeError: *pointer* is not a JSON Pointer.
        DamagedDocumentError: the stored bytes are not what was saved.

    Cost:
        As ``read_place``.
    """
    kind = stored_kind(connection, head)
    path, is_whole = piece_at(kind, pointer)
    if is_whole:
        return kind, join(read(connection, head).pieces)
    return kind, _joined(kind, _read_alone(connection, head, {HEAD, path}))


def read_fields(connection: Connection, head: HeadRow, fields: Collection[str]) -> dict[str, JSON]:
    """Return the current head of a document and its parts in *fields*; of the other parts, only the digests are read.

    Raises:
        DamagedDocumentError: a piece is not what was saved, or one is missing or surplus, also of the other parts.
    """
    if not head.digest:
        raise missing_history(head, head.version)
    pieces = {row.path: checked_body(head.name, row) for row in pieces_in(connection, head.id, fields)}
    if DigestTree(digests_of(connection, head.id)).digest() != head.digest:
        return read(connection, head).pieces  # an error, which names the piece where one can be named
    return pieces


def _read_alone(connection: Connection, head: HeadRow, paths: Collection[str]) -> dict[str, JSON]:
    """Return the existing pieces at *paths*, each checked by its digest; and all digests, if one is not there."""
    if not head.digest:
        raise missing_history(head, head.version)
    pieces, _ = read_pieces(connection, head, paths)
    if len(pieces) < len(paths):
        _check_tree(head, digests_of(connection, head.id), head.digest, head.version)
    return pieces


def _place_at_version(
    connection: Connection, head: HeadRow, kind: Kind, path: str | None, history: Sequence[Version]
) -> JSON:
    """Return the document at the last version of *history*, or as much of it as has the piece at *path*.

    Shapes:
        history: the versions from the current one back to that one
    """
    newer, then = [version.changes for version in history[:-1]], history[-1]
    if path is None or any(change.path == HEAD for changes in newer for change in changes):
        return join(read_version(connection, head, kind, then.number).pieces)
    touched = pieces_touched(kind, (change for changes in newer for change in changes))
    pieces, _ = read_pieces(connection, head, {HEAD, path, *touched})
    digests = digests_of(connection, head.id)
    _check_tree(head, digests, head.digest, head.version)
    pieces = _rebuilt(head, kind, pieces, newer, then, digests)
    return _joined(kind, {each: pieces[each] for each in {HEAD, path} & pieces.keys()})


def _joined(kind: Kind, pieces: Mapping[str, JSON]) -> JSON:
    return join(pieces, sparse=kind.of(pieces[HEAD]).lists(pieces[HEAD]))


def _rebuilt(
    head: HeadRow,
    kind: Kind,
    pieces: Mapping[str, JSON],
    newer: Sequence[Sequence[Change]],
    then: Version,
    digests: Mapping[str, str],
) -> dict[str, JSON]:
    """Return *pieces*, all that changed since among them, as of version *then*; digests are checked."""
    try:
        old = rebuild(pieces, kind, newer, partial=True)
    except PatchError as error:
        raise DamagedDocumentError(head.name, where=f"version {then.number}", problem=str(error)) from error
    untouched = {path: each for path, each in digests.items() if path not in pieces}
    rebuilt = {path: piece(path, body).digest for path, body in old.items()}
    _check_tree(head, {**untouched, **rebuilt}, then.digest, then.number)
    return old


def _check_tree(head: HeadRow, digests: Mapping[str, str], digest: str, number: int) -> None:
    if DigestTree(digests).digest() != digest:
        raise DamagedDocumentError(head.name, where=f"version {number}", problem="its pieces have other digests")
