"""The rest of a document's life: deleted so that it can be brought back, brought back, purged for good."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.access import Access
from docstore.dialect import erasing, forget
from docstore.errors import DocumentExistsError


def delete(access: Access, kind: str, name: str) -> None:
    """Mark a document as deleted.

    Raises:
        DocumentNotFoundError: there is none.
    """
    moment = datetime.now(UTC)

    def work(connection: Connection) -> str:
        head = access.head(connection, kind, name)
        rows.mark_deleted(connection, head.id, moment)
        return head.id

    access.writing(work, lambda connection, id: rows.deleted_at(connection, id) == moment)


def undelete(access: Access, kind: str, name: str) -> None:
    """Bring back the document of this name that was deleted last.

    Raises:
        DocumentNotFoundError: none was deleted.
        DocumentExistsError: another has the name now.
    """

    def work(connection: Connection) -> str:
        gone = access.deleted(connection, kind, name)
        taken = rows.head_named(connection, access.project, kind, name)
        if taken is not None:
            remedy = f"delete({name!r}) it, or save it under another name, before undelete()."
            raise DocumentExistsError(name, kind=kind, head=taken.version, remedy=remedy)
        rows.mark_deleted(connection, gone.id, None)
        return gone.id

    access.writing(work, lambda connection, id: rows.deleted_at(connection, id) is None)


def purge(access: Access, kind: str, name: str) -> None:
    """Delete every row of a document, of its history and of its tags; also of one that is marked as deleted.

    What branches of it have of its past is their own, and stays.

    On SQLite nothing of it is left in the database's files: neither in free room, which is overwritten, nor in the
    log of writes, which is emptied; but for the log while someone reads an older state, and for what was replaced by a
    connection with ``secure_delete`` off: an Engine that the user set up, or docstore before it turned that on.
    ``VACUUM`` removes the latter. Servers do it in their own time: PostgreSQL keeps deleted rows until VACUUM, which
    autovacuum runs, MariaDB until its purge thread comes to them; both have logs, as do backups.

    Raises:
        DocumentNotFoundError: there is none.

    Cost:
        On SQLite, all that other writers have in the log of writes is written into the database, too.
    """

    def work(connection: Connection) -> str:
        head = rows.head_named(connection, access.project, kind, name)
        id = (head or access.deleted(connection, kind, name)).id
        with erasing(connection):
            rows.purge(connection, id)
        return id

    access.writing(work, lambda connection, id: rows.head_of(connection, id) is None)
    forget(access.engine)
