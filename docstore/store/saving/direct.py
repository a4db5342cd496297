"""Versions that are written without an object: a JSON value put, an older state restored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import Connection

from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.digests import piece
from docstore.documents.document import Document, new_id
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, RESERVED, Kind, kind_named
from docstore.errors import InvalidValueError
from docstore.sql.reader import read_version
from docstore.sql.version_names import When, kept_version_number
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext


def write_version(context: StoreContext, work: Callable[[Connection], Saved]) -> Version:
    """Return the version that *work* writes in a transaction of its own."""
    with context.transactions.saved(work) as saved:
        context.codes.learn(saved.codes)
    return saved.version


def put(context: StoreContext, kind: str, name: str, value: Any, note: Note) -> Version:
    """Save a JSON value as the newest version of a document; as ``Store.put``."""
    mapper = context.mapper()
    kind = checked_text("kind", kind, 64)
    if kind in RESERVED or mapper.kind_named(kind) is not None:
        raise InvalidValueError("kind", kind, "Its documents are made of objects: use save(). Choose another kind.")
    body = mapper.codec.encode(value)
    name = checked_text("name", name, LONGEST_NAME)
    document = Document(Kind(kind), name, "user", {HEAD: piece(HEAD, body)})
    id = new_id()
    return write_version(context, lambda connection: context.writer.overwrite(connection, id, document, note))


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
