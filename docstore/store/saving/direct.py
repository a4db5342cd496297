"""Versions that are written without an object: a JSON value or text put, an older state restored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.changeset import refuse_downgrade
from docstore.documents.digests import bodies_of, piece, pieces_of
from docstore.documents.document import Document, new_id
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, RESERVED, Kind, is_document, kind_named
from docstore.documents.merge.resolve import OnConflict
from docstore.documents.merge.three_way import Sides
from docstore.errors import InvalidValueError
from docstore.sql import rows
from docstore.sql.reader import read, read_version, version_numbered
from docstore.sql.version_names import When, kept_version_number
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext
from docstore.store.saving.loaded_state import read_base
from docstore.store.saving.overwriting import warn_of_replaced
from docstore.store.saving.whole_states import WholeStates, changeset_to, resolution_of


def put(
    context: StoreContext, kind: str, name: str, value: Any, note: Note, based_on: int | Version | None = None
) -> Version:
    """Save a JSON value as the newest version of a document; as ``Store.put``."""
    mapper = context.mapper()
    kind = checked_text("kind", kind, 64)
    if kind in RESERVED or mapper.kind_named(kind) is not None:
        raise InvalidValueError("kind", kind, "Its documents are made of objects: use save(). Choose another kind.")
    body = mapper.codec.encode(value)
    name = checked_text("name", name, LONGEST_NAME)
    document = Document(Kind(kind), name, "user", {HEAD: piece(HEAD, body)})
    return put_document(context, document, note, "overwrite" if based_on is None else "merge", based_on)


def put_document(
    context: StoreContext, document: Document, note: Note, policy: OnConflict, based_on: int | Version | None = None
) -> Version:
    """Save a document that was made of JSON text; as ``Store.put_json``."""
    kind, name, id = document.kind.name, document.name, new_id()

    def work(connection: Connection) -> Saved:
        if based_on is not None:
            return _write_on(connection, context, document, note, based_on, policy)
        if policy == "overwrite":
            return context.writer.overwrite(connection, id, document, note)
        head = rows.head_named(connection, context.project, kind, name)
        if head is not None:
            version = version_numbered(connection, head, head.version)
            if version.digest == document.digests().digest():
                return Saved(head.id, version, {}, is_new=False)
        remedy = (
            "It has other contents: based_on= merges these, which were made from one of its versions; with "
            "on_conflict='overwrite' they become its next version."
        )
        return context.writer.create(connection, id, document, note, remedy)

    with context.transactions.saved(work) as saved:
        context.codes.learn(saved.codes)
    if policy == "overwrite" and is_document(document.pieces[HEAD].body):
        warn_of_replaced(document, saved, id, context.mapper().codec.optional_members)
    return saved.version


def _write_on(
    connection: Connection,
    context: StoreContext,
    document: Document,
    note: Note,
    based_on: int | Version,
    policy: OnConflict,
) -> Saved:
    """Write a document that was made from the version *based_on*, merged with what others saved since.

    Raises:
        ConflictError: both changed the same place, or what both made together cannot be decoded; or the policy refuses.
        EncodeError: the stored document has a newer schema.
        VersionNotFoundError, InvalidValueError: as ``read_base``.
    """
    head = context.transactions.head(connection, document.kind.name, document.name)
    base, theirs = read_base(connection, head, based_on), read(connection, head).pieces
    kind, mapper = kind_named(head.kind), context.mapper("keep")
    mine = bodies_of(document.pieces)
    sides, optional = Sides(base.pieces, mine, theirs), mapper.codec.optional_members
    states = WholeStates(kind.of(theirs[HEAD]), base.version, sides, mine, optional)
    resolution = resolution_of(mapper, head, states, policy)
    if policy != "overwrite":
        refuse_downgrade(changeset_to(states, resolution))
    target = resolution.target
    merged = replace(document, kind=kind.of(target[HEAD].body), pieces=target)
    return context.writer.replace(connection, head, merged, note)


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
        said = Note(note.author, note.message or f"revert to version {number}")
        return context.writer.replace(connection, head, Document(then, name, head.model, pieces_of(pieces)), said)

    return context.committed(work)
