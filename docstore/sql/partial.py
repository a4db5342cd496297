"""Partial reads: the value at one pointer of a stored document, now or at a version, without reading all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON
from docstore.documents.digests import DigestTree, piece
from docstore.documents.history import Version, piece_at, pieces_touched, rebuild
from docstore.documents.kinds import HEAD, Kind, join
from docstore.documents.patch import Change
from docstore.errors import DamagedDocumentError, PatchError
from docstore.sql import paging
from docstore.sql.reader import missing_history, read, read_pieces, read_version, stored_kind, versions_back_to
from docstore.sql.rows import HeadRow


def read_place(connection: Connection, head: HeadRow, pointer: str, number: int | None = None) -> JSON:
    """Return as much of a document, now or at version *number*, as contains the value at *pointer*, if there is one.

    Shapes:
        a list whose items are parts may have only some of them: a dict by index, as of ``join(..., sparse=)``

    Raises:
        DecodeError: *pointer* is not a JSON Pointer.
        VersionNotFoundError, DamagedDocumentError: as ``read_version``.

    Cost:
        Reads the digests of all pieces, the piece at *pointer*, and those that were changed since. Reads all pieces if
        *pointer* leads to several, or if the document was split into other parts since.
    """
    history = [] if number is None else versions_back_to(connection, head, number)
    newer = [version.changes for version in history[:-1]]
    kind = stored_kind(connection, head)
    path, is_whole = piece_at(kind, pointer)
    if is_whole or any(change.path == HEAD for changes in newer for change in changes):
        state = read(connection, head) if number is None else read_version(connection, head, kind, number)
        return join(state.pieces)
    pieces, digests = _read_some(
        connection, head, {path, *pieces_touched(kind, (change for changes in newer for change in changes))}
    )
    if newer:
        pieces = _rebuilt(head, kind, pieces, newer, history[-1], digests)
    return _joined(kind, {each: pieces[each] for each in {HEAD, path} & pieces.keys()})


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
    pieces, _ = _read_some(connection, head, {path})
    return kind, _joined(kind, pieces)


def _read_some(connection: Connection, head: HeadRow, paths: Collection[str]) -> tuple[dict[str, JSON], dict[str, str]]:
    """Return the head and the existing parts at *paths*, and the digests of all pieces, checked together."""
    if not head.digest:
        raise missing_history(head, head.version)
    pieces, _ = read_pieces(connection, head, {HEAD, *paths})
    digests = {path: key.digest for path, key in paging.keys(connection, head.id).items()}
    _check_tree(head, digests, head.digest, head.version)
    return pieces, digests


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
