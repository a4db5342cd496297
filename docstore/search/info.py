"""What is told of a document or a part that was found, without reading what stands in it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class DocumentInfo(NamedTuple):
    """A stored document's columns, in a tuple; ``type`` and ``status`` are the names of their integers."""

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
    """The columns of a part of a stored document, in a tuple; ``type`` and ``status`` are the names of their integers.

    Attributes:
        id: the document's.
        document_kind, name: those of the document that it is a part of, as is ``deleted_at``.
        path: its pointer in the document, ``/trials/12``.
        index: its number among its siblings, where they have numbers.
        kind: its own, ``trial``.
        version: the one of the document that changed it last.
    """

    id: str
    project: str
    document_kind: str
    name: str
    path: str
    index: int | None  # type: ignore[assignment]  # a tuple of one row has no use for its own
    kind: str
    type: str | None
    status: str | None
    model: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
