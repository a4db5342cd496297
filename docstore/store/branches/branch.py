"""Start a document from a version of another one, with whose past its own begins."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.digests import pieces_of
from docstore.documents.document import Document, new_id
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, kind_named
from docstore.errors import DocumentExistsError
from docstore.sql import full_states, rows
from docstore.sql.reader import parents_of, read_version
from docstore.sql.rows import live_documents_named
from docstore.sql.transactions import Transactions
from docstore.sql.version_names import When, kept_version_number
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext


def branch(context: StoreContext, kind: str, name: str, new_name: str, version: When | None, note: Note) -> Version:
    """Start the document *new_name* from a version of *name*; as ``Store.branch``."""
    checked_text("new_name", new_name, LONGEST_NAME)
    id, transactions, mapper = new_id(), context.transactions, context.mapper("keep")

    def work(connection: Connection) -> Saved:
        head = transactions.head(connection, kind, name)
        # Not locked: two branches, each under the name of the other's source, would wait for each other.
        taken = live_documents_named(connection, context.project, kind, [new_name]).get(new_name)
        if taken is not None:
            remedy = "Choose another name for the branch."
            raise DocumentExistsError(new_name, kind=kind, head=taken[1], remedy=remedy)
        number = head.version if version is None else kept_version_number(connection, head, version)
        state = read_version(connection, head, kind_named(kind), number)
        which = kind_named(kind).of(state.pieces[HEAD])
        pieces = {**state.pieces, HEAD: which.renamed(state.pieces[HEAD], new_name, argument="new_name")}
        mapper.check_renamed(which, state.pieces, pieces[HEAD], "new_name", new_name)
        document = Document(which, new_name, head.model, pieces_of(pieces))
        rows.copy_versions(connection, head.id, id, upto=number)
        full_states.copy(connection, head.id, id, upto=number)
        said = Note(note.author, note.message or f"branch of {name!r} at version {number}")
        return context.writer.branch(connection, id, head, state, document, said)

    return context.committed(work)


def branches(transactions: Transactions, kind: str, name: str) -> dict[str, int]:
    """Return the live branches of *name*, each with the version that it began from; as ``Store.branches``."""
    with transactions.reading() as connection:
        id = transactions.head(connection, kind, name).id
        found: dict[str, int] = {}
        for other in rows.ids_with_parent(connection, id):
            head = rows.head_of(connection, other)
            if head is None or head.deleted_at is not None:
                continue
            # A branch of a branch has the rows of both, since the past is copied: the last one is its own.
            own = [each for each in parents_of(connection, head).values() if each.how == "branch"]
            if own and own[-1].id == id:
                found[head.name] = own[-1].version
    return dict(sorted(found.items(), key=lambda each: (each[1], each[0])))
