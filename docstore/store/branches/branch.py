"""A document that starts from a version of another, and shares its past."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from docstore.codec.mapper import Mapper
from docstore.documents.digests import piece
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD, kind_named
from docstore.errors import DocumentExistsError
from docstore.sql import rows
from docstore.sql.context import Transactions
from docstore.sql.reader import read_version
from docstore.sql.version_names import When, numbered
from docstore.sql.writer import Note, Saved, Writer


class Branching:
    """Starts documents of one project from others.

    Args:
        documents: decodes them; a class that is not registered is left unread.
    """

    def __init__(self, access: Transactions, writer: Writer, documents: Mapper) -> None:
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
        pieces = {**state.pieces, HEAD: which.renamed(state.pieces[HEAD], new_name, argument="new_name")}
        self._documents.check_renamed(which, state.pieces, pieces[HEAD], "new_name", new_name)
        document = Document(which, new_name, head.model, {path: piece(path, body) for path, body in pieces.items()})
        rows.copy_versions(connection, head.id, id, upto=number)
        said = Note(note.author, note.message or f"branch of {name!r} at version {number}")
        return self._writer.branch(connection, id, head, state, document, said)
