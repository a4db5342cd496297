"""The rest of a document's life: deleted so that it can be brought back, brought back, purged for good."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from docstore import rows
from docstore.access import Access
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
    """Delete every row of a document and of its history; also of one that is marked as deleted.

    Raises:
        DocumentNotFoundError: there is none.
    """

    def work(connection: Connection) -> str:
        head = rows.head_named(connection, access.project, kind, name)
        id = (head or access.deleted(connection, kind, name)).id
        rows.purge(connection, id)
        return id

    access.writing(work, lambda connection, id: rows.head_of(connection, id) is None)
