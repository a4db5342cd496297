"""A document that starts from a version of another, and shares its past."""

from __future__ import annotations

import uuid

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.access import Access
from docstore.digests import piece
from docstore.documents import Document
from docstore.errors import DocumentExistsError, InvalidValueError
from docstore.kinds import HEAD, Kind, is_document, kind_named
from docstore.reader import When, numbered, read_version
from docstore.values import JSON, TAG
from docstore.writer import Note, Saved, Writer


class Branching:
    """Starts documents of one project from others."""

    def __init__(self, access: Access, writer: Writer) -> None:
        self._access = access
        self._writer = writer

    def start(
        self, connection: Connection, id: str, kind: str, name: str, new_name: str, version: When | None, note: Note
    ) -> Saved:
        """Start the document *new_name*, under the new *id*, from a version of *name*; as ``Past.branch``."""
        head = self._access.head(connection, kind, name)
        taken = rows.head_named(connection, self._access.project, kind, new_name)
        if taken is not None:
            remedy = "Choose another name for the branch."
            raise DocumentExistsError(new_name, kind=kind, head=taken.version, remedy=remedy)
        number = head.version if version is None else numbered(connection, head, version)
        state = read_version(connection, head, kind_named(kind), number)
        which = kind_named(kind).of(state.pieces[HEAD])
        pieces = {**state.pieces, HEAD: renamed(which, state.pieces[HEAD], new_name)}
        document = Document(which, new_name, head.model, {path: piece(path, body) for path, body in pieces.items()})
        rows.copy_versions(connection, head.id, id, upto=number)
        said = Note(note.author, note.message or f"branch of {name!r} at version {number}")
        return self._writer.branch(connection, id, head, state, document, said)


def renamed(kind: Kind, head: JSON, name: str) -> JSON:
    """Return the *head* of a document of *kind* under another name, where the name stands in it.

    Raises:
        InvalidValueError: its class names it by a number or a UUID, and *name* spells none.
    """
    if not isinstance(head, dict) or not is_document(head):
        return head
    present = head.get(kind.name_field)
    if isinstance(present, str):
        return {**head, kind.name_field: name}
    other: JSON = None
    if type(present) is int and name.removeprefix("-").isdecimal() and str(int(name)) == name:
        other = int(name)
    elif isinstance(present, dict) and present.get(TAG) == "UUID" and _is_uuid(name):
        other = {**present, "value": name}
    if other is None:
        raise InvalidValueError("new_name", name, f"A {kind.name} is named by {present!r}: give one of that type.")
    return {**head, kind.name_field: other}


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
