"""DocumentInfo and PartInfo: the columns of a found document or part, read without its body."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from docstore.documents.display import Row, shown_time
from docstore.errors import short_repr


class DocumentInfo(NamedTuple):
    """The columns of a stored document; ``type`` and ``status`` as names."""

    id: str
    project: str
    kind: str
    name: str
    type: str | None
    status: str | None
    owner: str | None
    model: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    def __repr__(self) -> str:
        return _repr(self, self.name, self.kind)

    def _row(self) -> Row:
        return {"name": self.name, "kind": self.kind, **_state(self)}


class PartInfo(NamedTuple):
    """The columns of a part of a stored document; ``type`` and ``status`` as names.

    Attributes:
        id, project, document_kind, name, deleted_at: of the document.
        path: the pointer of the part in the document, ``/trials/12``.
        index: the number of the part, for kinds whose parts are numbered; else None.
        kind: of the part, ``trial``.
        version: the version of the document that changed the part last.
    """

    id: str
    project: str
    document_kind: str
    name: str
    path: str
    index: int | None  # type: ignore[assignment]  # tuple.index is of no use here
    kind: str
    type: str | None
    status: str | None
    model: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    def __repr__(self) -> str:
        return _repr(self, self.name, self.path)

    def _row(self) -> Row:
        return {"name": self.name, "path": self.path, **_state(self)}


def _state(info: DocumentInfo | PartInfo) -> dict[str, object]:
    """Return the columns that both have and that a person looks for; the rest are ids, and the same for most rows."""
    return {
        "type": info.type,
        "status": info.status,
        "version": info.version,
        "updated_at": shown_time(info.updated_at),
        "deleted_at": shown_time(info.deleted_at) if info.deleted_at else None,
    }


def _repr(info: DocumentInfo | PartInfo, name: str, place: str) -> str:
    facts = [place, info.type, info.status, f"version {info.version}", shown_time(info.updated_at)]
    deleted = "deleted" if info.deleted_at is not None else None
    return f"{type(info).__name__}({', '.join(filter(None, [short_repr(name), *facts, deleted]))})"
