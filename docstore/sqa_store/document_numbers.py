"""The document that an object came from: its name, and an integer that stands for the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docstore.documents.document import id_numbered, number_of
from docstore.errors import DocumentNotFoundError
from docstore.sql.rows import head_of, id_named

if TYPE_CHECKING:
    from docstore.store.store import Store


def name_of_document(store: Store, obj: Any) -> str | None:
    """Return the name that the document of *obj* has now; None if *obj* was neither saved nor loaded, or it is gone."""
    state = store._context.tracker.get(obj)
    if state is None:
        return None
    with store._context.transactions.reading() as connection:
        head = head_of(connection, state.id)
    return None if head is None or head.deleted_at is not None else head.name


def number_of_document(store: Store, obj: Any) -> int:
    """Return the integer that stands for the document of *obj*, which was saved or loaded."""
    state = store._context.tracker.get(obj)
    assert state is not None  # the caller saved it
    return number_of(state.id)


def name_of_number(store: Store, kind: str, number: int) -> str:
    """Return the name of the document that this integer stands for.

    Raises:
        DocumentNotFoundError: there is none of this kind in the project, or it was deleted.
    """
    id = id_numbered(number) if type(number) is int else None
    if id is not None:
        with store._context.transactions.reading() as connection:
            head = head_of(connection, id)
            if head is not None and id_named(connection, store.project, kind, head.name) == id:
                return head.name
    raise DocumentNotFoundError(str(number), kind=kind, problem=f"no {kind} has the number {number!r}")
