"""DocumentInfo and PartInfo: the columns of a found document or part, read without its body."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


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
