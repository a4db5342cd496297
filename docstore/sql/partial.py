"""Partial reads: the value at one pointer of a stored document, now or at a version, without reading all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON
from docstore.documents.digests import Digests, whole_digest
from docstore.documents.history import Rollback, piece_at, pieces_changed
from docstore.documents.kinds import HEAD, Kind, join, kind_named, split_path, with_siblings
from docstore.errors import CodecError, DamagedDocumentError, PatchError
from docstore.sql.reader import (
    Past,
    checked_body,
    missing_history,
    read,
    read_past,
    read_pieces,
    rebuilt,
    rolled_back,
    stored_kind,
)
from docstore.sql.rows import HeadRow, digests_of, pieces_in


def read_place(connection: Connection, head: HeadRow, pointer: str, number: int | None = None) -> JSON:
    """Return as much of a document, now or at version *number*, as contains the value at *pointer*, if there is one.

    In the current version, a piece is read alone, and checked by its own digest. Only ``read`` and ``verify`` notice
    that another part is missing or surplus, or that a row was replaced by another with its digest. If there is no such
    piece, and in every older version, the document's digest is checked. A piece that changed since an older version is
    checked by that version's digest and the sum of all parts that the head has, and the other parts are not looked at.

    Shapes:
        a list whose items are parts may have only some of them: a dict by index, as of ``join(..., sparse=)``

    Raises:
        DecodeError: *pointer* is not a JSON Pointer.
        VersionNotFoundError, DamagedDocumentError: as ``read_version``.

    Cost:
        Reads the piece at *pointer*; if there is none, the digests of all pieces; if *pointer* leads to several, all
        pieces. At an older version, also the pieces that changed since, or all pieces if the document was split into
        other parts since; and the digests of all pieces, if it is rebuilt from a full state or the piece at *pointer*
        did not change.
    """
    past = None if number is None else read_past(connection, head, number)
    if past is not None:
        return _read_past_place(past, pointer)
    kind = stored_kind(connection, head)
    path, is_whole = piece_at(kind, pointer)
    if is_whole:
        return join(read(connection, head).pieces)
    if path != HEAD and (found := _read_alone(connection, head, {path})):
        field, key = split_path(path)
        return {field: {key: found[path]}}
    return _read_alone(connection, head, {HEAD})[HEAD]


def _read_past_place(past: Past, pointer: str) -> JSON:
    named = kind_named(past.head.kind)
    if pointer == HEAD:
        return join(rebuilt(past, named).pieces)
    kind = past.kind()
    path, is_whole = piece_at(kind, pointer)
    changed = pieces_changed(kind, past.newer)
    if is_whole or changed is None:
        return join(rebuilt(past, named).pieces)
    pieces, known = past.pieces({HEAD, path, *changed})
    # The sum says nothing of a piece that did not change since.
    is_in_sum = path in {HEAD, *changed} and not past.is_full_state
    digests = _current_digests(past.head, known) if is_in_sum else None
    then = rolled_back(past, named, pieces, digests or Digests.of(past.digests())).pieces
    return _joined(kind, {each: then[each] for each in {HEAD, path} & then.keys()})


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
    """Return the current head of a document and its parts in *fields*; only the digests of other parts are read.

    Raises:
        DamagedDocumentError: a piece is not what was saved; or a piece in any field is missing or surplus.
    """
    if not head.digest:
        raise missing_history(head, head.version)
    pieces = {row.path: checked_body(head.name, row) for row in pieces_in(connection, head.id, fields)}
    if Digests.of(digests_of(connection, head.id)).digest() != head.digest:
        return read(connection, head).pieces  # an error, which names the piece where one can be named
    return pieces


def _read_alone(connection: Connection, head: HeadRow, paths: Collection[str]) -> dict[str, JSON]:
    """Return the existing pieces at *paths*, each checked by its digest; if one is absent, all digests are checked."""
    if not head.digest:
        raise missing_history(head, head.version)
    pieces, _ = read_pieces(connection, head, paths)
    if len(pieces) < len(paths) and Digests.of(digests_of(connection, head.id)).digest() != head.digest:
        problem = "its pieces have other digests"
        raise DamagedDocumentError(head.name, where=f"version {head.version}", problem=problem)
    return pieces


def _joined(kind: Kind, pieces: Mapping[str, JSON]) -> JSON:
    return join(pieces, sparse=kind.of(pieces[HEAD]).lists(pieces[HEAD]))


# --- two versions of one document ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changed:
    """The pieces at ``with_siblings`` in each of two versions, and the paths of those that differ."""

    old: Mapping[str, JSON]
    new: Mapping[str, JSON]
    unequal: set[str]


def read_changed(connection: Connection, head: HeadRow, old: int, new: int) -> Changed | None:
    """Return what differs between two versions of a document; only the pieces that changed since the older are read.

    The digests of both versions are checked, by those pieces and the sum of the others that the head has. None if one
    of the versions is not rebuilt from the current state, or other pieces were parts, or something is not as it was
    saved: ``read_version`` says what.

    Raises:
        VersionNotFoundError, DamagedDocumentError: as ``read_past``.

    Cost:
        In proportion to the changes since the older version, and to the pieces that they touch.
    """
    past, later = (read_past(connection, head, number) for number in sorted((old, new)))
    if past is None:
        return Changed(*2 * (_read_alone(connection, head, {HEAD}),), set())
    kind = past.kind()
    touched = pieces_changed(kind, past.newer)
    if past.is_full_state or touched is None:
        return None
    pieces, known = past.pieces(with_siblings(kind, touched))
    now = _current_digests(head, known)
    if now is None:
        return None
    document = Rollback(kind_named(head.kind), pieces, now)
    since = len(later.newer) if later is not None else 0
    try:
        document.undo_versions(past.newer[:since])
        after, its_digests = dict(document.pieces), document.digests.copy()
        document.undo_versions(past.newer[since:])
    except (PatchError, CodecError):
        return None
    if document.digest() != past.digest or its_digests.digest() != (head.digest if later is None else later.digest):
        return None
    unequal = {path for path in touched if its_digests.get(path) != document.digests.get(path)}
    before = document.pieces
    return Changed(before, after, unequal) if old < new else Changed(after, before, unequal)


def _current_digests(head: HeadRow, known: Mapping[str, str]) -> Digests | None:
    """Return the digests of a document by those of its head and some parts, and the sum that the head has of all parts.

    None if they do not give the document's digest.
    """
    if HEAD not in known or whole_digest(known[HEAD], head.parts_digest) != head.digest:
        return None
    return Digests.stored(known[HEAD], head.parts_digest, known=known)
