"""A document that starts from a version of another, and shares its past."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.access import Access
from docstore.digests import piece
from docstore.documents import Document, Documents
from docstore.errors import DecodeError, DocumentExistsError, InvalidValueError
from docstore.kinds import HEAD, KINDS, Kind, is_document, join, kind_named
from docstore.reader import read_version
from docstore.values import JSON, TAG
from docstore.when import When, numbered
from docstore.writer import Note, Saved, Writer


class Branching:
    """Starts documents of one project from others.

    Args:
        documents: decodes them; a class that is not registered is left unread.
    """

    def __init__(self, access: Access, writer: Writer, documents: Documents) -> None:
        self._access = access
        self._writer = writer
        self._documents = documents

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
        self._check_readable(which, state.pieces, pieces, new_name)
        document = Document(which, new_name, head.model, {path: piece(path, body) for path, body in pieces.items()})
        rows.copy_versions(connection, head.id, id, upto=number)
        said = Note(note.author, note.message or f"branch of {name!r} at version {number}")
        return self._writer.branch(connection, id, head, state, document, said)

    def _check_readable(self, kind: Kind, old: Mapping[str, JSON], new: Mapping[str, JSON], name: str) -> None:
        """Refuse a name that the class cannot take: it may be one that is spelled as text, such as a UUID."""
        if kind.name in KINDS or not is_document(old[HEAD]):
            return
        try:
            self._documents.decode(join(old))
        except DecodeError:
            return
        try:
            self._documents.decode(join(new))
        except DecodeError as error:
            remedy = f"Give a name that a {kind.name} can have: {error}."
            raise InvalidValueError("new_name", name, remedy) from error


def renamed(kind: Kind, head: JSON, name: str) -> JSON:
    """Return the *head* of a document of *kind* under another name, where the name stands in it.

    Raises:
        InvalidValueError: its class names it by a number or a UUID, and *name* spells none.
    """
    if not isinstance(head, dict) or not is_document(head) or kind.name_in(head) == name:
        return head
    present = head.get(kind.name_field)
    if isinstance(present, str):
        return {**head, kind.name_field: name}
    other: JSON = None
    if _is_number(present) and _is_whole_number(name):
        number = int(name)
        is_plain = -(2**63) <= number < 2**63
        other = number if is_plain else {TAG: "int", "value": name}
    elif isinstance(present, dict) and present.get(TAG) == "UUID" and _is_uuid(name):
        other = {**present, "value": name}
    if other is None:
        raise InvalidValueError("new_name", name, f"A {kind.name} is named by {present!r}: give one of that type.")
    return {**head, kind.name_field: other}


def _is_number(value: JSON) -> bool:
    return type(value) is int or (isinstance(value, dict) and value.get(TAG) == "int")


def _is_whole_number(text: str) -> bool:
    """Return whether *text* is what ``str`` gives of an integer."""
    return len(text) <= 255 and text.removeprefix("-").isdecimal() and str(int(text)) == text


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False
