"""Rename, soft delete, undelete and purge a document, and with it those that belong to it.

An experiment's generation strategy and analysis cards belong to it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.history import Version
from docstore.documents.kinds import EXPERIMENT, HEAD, KINDS, kind_named
from docstore.errors import DocumentExistsError, InvalidValueError, called
from docstore.sql import optuna_tables, rows
from docstore.sql.dialects import backend_of, forget
from docstore.sql.enum_codes import Name
from docstore.sql.reader import read, read_pieces, version_numbered
from docstore.sql.rows import HeadRow, live_documents_named
from docstore.sql.transactions import Transactions
from docstore.sql.writer import Note, Saved
from docstore.store.context import StoreContext


def rename(context: StoreContext, kind: str, old: str, new: str, note: Note) -> Version:
    """Rename a document, as its next version, and the owner in the documents that belong to it.

    Raises:
        DocumentNotFoundError: no document has the *old* name.
        DocumentExistsError: another has the *new* name.
        InvalidValueError: its class does not accept the *new* name; or it is named after one that it belongs to, which
            is stored.
    """
    checked_text("new", new, LONGEST_NAME)
    mapper = context.mapper("keep")  # documents of unregistered classes are not checked

    def work(connection: Connection) -> Saved:
        head = context.transactions.head(connection, kind, old, argument="old")
        if new == old:
            return Saved(head.id, version_numbered(connection, head, head.version), {})
        # Not locked: two renames that swap names would wait for each other. The primary key of names decides.
        taken = live_documents_named(connection, context.project, kind, [new]).get(new)
        if taken is not None:
            remedy = f"Choose another name, or rename({new!r}, ...) or delete({called(new, kind)}) it first."
            raise DocumentExistsError(new, kind=kind, head=taken[1], remedy=remedy)
        now = read(connection, head)
        which = kind_named(kind).of(now.pieces[HEAD])
        owner = which.owner_in(now.pieces[HEAD]) if which.is_named_by_owner else None
        # A branch of a strategy has the name of an experiment that is not there.
        if owner is not None and rows.id_named(connection, context.project, str(which.owner_kind), owner) is not None:
            remedy = f"A {kind} is named after its {which.owner_kind}: call rename({old!r}, {new!r}) for that."
            raise InvalidValueError("new", new, remedy)
        body = which.renamed(now.pieces[HEAD], new, argument="new")
        mapper.check_renamed(which, now.pieces, body, "new", new)
        own = Note(note.author, note.message or f"renamed from {old!r}")
        saved = context.writer.replace_head(connection, head, now, new, body, own)
        owned = Note(note.author, f"its {kind} was renamed from {old!r}{note.message and f': {note.message}'}")
        return Saved(saved.id, saved.version, {**saved.codes, **_rename_owner(connection, context, head, new, owned)})

    return context.committed(work)


def _rename_owner(
    connection: Connection, context: StoreContext, owner: HeadRow, name: str, note: Note
) -> dict[Name, int]:
    """Write the new *name* of *owner* into the documents that belong to it; return the codes that are new."""
    codes: dict[Name, int] = {}
    for head in belonging(connection, context.project, owner):
        kind, now = kind_named(head.kind), read(connection, head)
        body = now.pieces[HEAD]
        assert isinstance(body, dict)  # its head names the owner
        assert kind.owner_field is not None
        is_named_so = kind.is_named_by_owner and head.name == owner.name
        if is_named_so and head.deleted_at is None:
            _check_free(connection, context.project, head, name)
        new = name if is_named_so else head.name
        codes |= context.writer.replace_head(connection, head, now, new, {**body, kind.owner_field: name}, note).codes
    return codes


def _check_free(connection: Connection, project: str, head: HeadRow, name: str) -> None:
    """Check that *name* is free for the document at *head*, which changes its name, or comes back.

    Raises:
        DocumentExistsError: another live document has it.
    """
    taken = live_documents_named(connection, project, head.kind, [name]).get(name)
    if taken is not None and taken[0] != head.id:
        remedy = f"rename({name!r}, ...) or delete({called(name, head.kind)}) it first."
        raise DocumentExistsError(name, kind=head.kind, head=taken[1], remedy=remedy)


def belonging(connection: Connection, project: str, owner: HeadRow) -> list[HeadRow]:
    """Return the documents that belong to the one at *owner*, deleted ones too.

    One that was saved before its owner has NULL in the column ``owner``; if it is named after it, it is found by name.
    """
    heads = [rows.head_of(connection, id) for id in rows.owned(connection, owner.id)]
    named_after = [kind.name for kind in KINDS.values() if kind.owner_kind == owner.kind and kind.is_named_by_owner]
    for kind in named_after:
        id = rows.id_named(connection, project, kind, owner.name)
        if id is not None and all(head is None or head.id != id for head in heads):
            head = rows.head_of(connection, id)
            heads += [head] if head is not None and names_owner(connection, head, owner.name) else []
    return [head for head in heads if head is not None]


def names_owner(connection: Connection, head: HeadRow, name: str) -> bool:
    """Return whether the body of the document at *head* says that it belongs to the one of this *name*."""
    return kind_named(head.kind).owner_in(read_pieces(connection, head, {HEAD})[0][HEAD]) == name


def delete(transactions: Transactions, kind: str, name: str, author: str) -> None:
    """Mark a document, and those that belong to it, as deleted by *author*; others may take their names.

    Raises:
        DocumentNotFoundError: there is none.
    """
    moment = datetime.now(UTC)

    def work(connection: Connection) -> str:
        head = transactions.head(connection, kind, name)
        owned = belonging(connection, transactions.project, head)
        for each in (head, *(each for each in owned if each.deleted_at is None)):
            rows.mark_deleted(connection, each.id, moment, author)
            rows.delete_name(connection, transactions.project, each)
        # By its name, no deleted one would be found again.
        rows.set_owner(connection, [each.id for each in owned if each.deleted_at is None], head.id)
        return head.id

    transactions.writing(work, lambda connection, id: rows.deleted_at(connection, id) == moment)


def undelete(transactions: Transactions, kind: str, name: str) -> None:
    """Bring back the document of this name that was deleted last, and those that were deleted with it.

    Raises:
        DocumentNotFoundError: none was deleted.
        DocumentExistsError: another has the name now.
    """

    def work(connection: Connection) -> str:
        gone = transactions.deleted(connection, kind, name)
        taken = rows.head_named(connection, transactions.project, kind, name)
        if taken is not None:
            remedy = f"rename({name!r}, ...) or delete({called(name, kind)}) it before undelete()."
            raise DocumentExistsError(name, kind=kind, head=taken.version, remedy=remedy)
        owned = belonging(connection, transactions.project, gone)
        back = [gone, *(each for each in owned if each.deleted_at == gone.deleted_at)]
        for each in back:
            _check_free(connection, transactions.project, each, each.name)
            rows.mark_deleted(connection, each.id, None, None)
        rows.insert_names(connection, transactions.project, [(each.kind, each.name, each.id) for each in back])
        return gone.id

    transactions.writing(work, lambda connection, id: rows.deleted_at(connection, id) is None)


def purge(transactions: Transactions, kind: str, name: str) -> None:
    """Delete every row of a document, its history, its tags and its running trials; also of one marked as deleted.

    Documents that belong to it are purged with it, deleted ones too.

    Branches keep their own copy of its past.

    On SQLite nothing of it is left in the database's files: free pages are overwritten, and the write-ahead log is
    emptied. There are two exceptions: the log, while someone reads an older state; and what was replaced by a
    connection with ``secure_delete`` off (an Engine that the user set up), which ``VACUUM`` removes. Servers do it in
    their own time: PostgreSQL keeps deleted rows until VACUUM, which autovacuum runs, MariaDB until its purge thread
    comes to them; both have logs, as do backups.

    Raises:
        DocumentNotFoundError: there is none.

    Cost:
        On SQLite, all that other writers have in the write-ahead log is written into the database, too.
    """

    def work(connection: Connection) -> str:
        head = rows.head_named(connection, transactions.project, kind, name)
        found = head or transactions.deleted(connection, kind, name)
        owned = belonging(connection, transactions.project, found)
        with backend_of(connection).erasing(connection):
            for each in (*owned, found):
                rows.delete_name(connection, transactions.project, each)
                rows.purge(connection, each.id)
            if found.kind == EXPERIMENT.name:
                optuna_tables.purge(connection, found.id)
        return found.id

    transactions.writing(work, lambda connection, id: rows.head_of(connection, id) is None)
    forget(transactions.engine)
