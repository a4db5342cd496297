"""Versions that are written without an object: a JSON value put, an older state restored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.digests import Digests, piece
from docstore.documents.document import Document, new_id
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, RESERVED, Kind, kind_named
from docstore.documents.merge.resolve import resolve
from docstore.errors import DecodeError, InvalidValueError
from docstore.sql import rows
from docstore.sql.reader import read, read_version, version_numbered
from docstore.sql.version_names import When, kept_version_number
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext
from docstore.store.saving.divergence import refused


def write_version(context: StoreContext, work: Callable[[Connection], Saved]) -> Version:
    """Return the version that *work* writes in a transaction of its own."""
    with context.transactions.saved(work) as saved:
        context.codes.learn(saved.codes)
    return saved.version


def put(context: StoreContext, kind: str, name: str, value: Any, note: Note, based_on: int | None = None) -> Version:
    """Save a JSON value as the newest version of a document; as ``Store.put``."""
    mapper = context.mapper()
    kind = checked_text("kind", kind, 64)
    if kind in RESERVED or mapper.kind_named(kind) is not None:
        raise InvalidValueError("kind", kind, "Its documents are made of objects: use save(). Choose another kind.")
    body = mapper.codec.encode(value)
    name = checked_text("name", name, LONGEST_NAME)
    document = Document(Kind(kind), name, "user", {HEAD: piece(HEAD, body)})
    if based_on is not None:
        return write_version(context, lambda connection: _put_on(connection, context, document, note, based_on))
    id = new_id()
    return write_version(context, lambda connection: context.writer.overwrite(connection, id, document, note))


def _put_on(connection: Connection, context: StoreContext, document: Document, note: Note, based_on: int) -> Saved:
    """Write a JSON value that was made from the version *based_on*, merged with what others saved since.

    Raises:
        ConflictError: both changed the same place, or what both made together cannot be decoded.
    """
    head = context.transactions.head(connection, document.kind.name, document.name)
    number = kept_version_number(connection, head, based_on)
    base = read_version(connection, head, document.kind, number).pieces
    mine = {path: each.body for path, each in document.pieces.items()}
    resolution = resolve(document.kind, base, mine, read(connection, head).pieces)
    if resolution.conflicts:
        raise refused(head, number, resolution.problem, resolution.conflicts)
    try:
        context.raw.decode(resolution.target[HEAD].body)
    except DecodeError as error:
        raise refused(head, number, f"the merged document is invalid: {error}") from error
    return context.writer.replace(connection, head, replace(document, pieces=resolution.target), note)


def put_json(
    context: StoreContext, kind: str, name: str, text: bytes | str, note: Note, *, overwrites: bool
) -> Version:
    """Save the JSON text of a document; as ``Store.put_json``."""
    document = context.mapper("keep").document_of_json(kind, name, text)
    id = new_id()

    def work(connection: Connection) -> Saved:
        if overwrites:
            return context.writer.overwrite(connection, id, document, note)
        head = rows.head_named(connection, context.project, document.kind.name, name)
        if head is not None:
            version = version_numbered(connection, head, head.version)
            if version.digest == Digests.of({path: each.digest for path, each in document.pieces.items()}).digest():
                return Saved(head.id, version, {}, is_new=False)
        remedy = "It has other contents: with on_conflict='overwrite' these become its next version."
        return context.writer.create(connection, id, document, note, remedy)

    return write_version(context, work)


def revert(context: StoreContext, kind: str, name: str, version: When, note: Note) -> Version:
    """Make an older state the newest version; as ``Store.revert``."""

    def work(connection: Connection) -> Saved:
        head = context.transactions.head(connection, kind, name)
        which = kind_named(head.kind)
        number = kept_version_number(connection, head, version)
        pieces = read_version(connection, head, which, number).pieces
        # A branch had its parent's name before it was one.
        then = which.of(pieces[HEAD])
        pieces[HEAD] = then.kept_under(pieces[HEAD], name)
        target = {path: piece(path, body) for path, body in pieces.items()}
        said = Note(note.author, note.message or f"revert to version {number}")
        return context.writer.replace(connection, head, Document(then, name, head.model, target), said)

    return write_version(context, work)
