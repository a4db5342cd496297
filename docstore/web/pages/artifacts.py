"""The artifacts that a document refers to: files beside the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from docstore.documents.canonical import JSON, TAG, join_pointer
from docstore.errors import DecodeError, DocstoreError
from docstore.model.artifact import Artifact
from docstore.web.source import Source

_TAG: Final = Artifact.__name__

MOST: Final = 200
"""Artifacts that a page lists."""


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """A file that a document refers to at *pointer*."""

    pointer: str
    name: str
    size: int
    media_type: str
    digest: str


def artifacts_in(source: Source, value: JSON, pointer: str) -> Iterator[ArtifactRow]:
    """Yield each artifact in the JSON *value*, which is at *pointer* of a document."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from artifacts_in(source, item, f"{pointer}/{index}")
    elif isinstance(value, dict) and value.get(TAG) == _TAG:
        found = _artifact(source, value)
        if found is not None:
            yield ArtifactRow(pointer, found.name or "", found.size, found.media_type or "", found.digest)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from artifacts_in(source, item, f"{pointer}{join_pointer((key,))}")


def _artifact(source: Source, value: dict[str, JSON]) -> Artifact | None:
    """Return the artifact of JSON; None if it is malformed, as one that another program wrote may be."""
    try:
        known = source.decode(value)
        return Artifact(*map(known.get, ("digest", "size", "media_type", "name")))
    except DocstoreError:
        return None


def open_artifact(source: Source, name: str, kind: str, pointer: str, number: int | None) -> tuple[Artifact, BinaryIO]:
    """Return the artifact at *pointer* of a document, now or at version *number*, and its file, checked and open.

    Only what a document of this store refers to is opened.

    Raises:
        DecodeError: there is no artifact at *pointer*.
        InvalidValueError: the store was opened without ``artifacts=``.
        MissingFileError, FileAccessError, FileFormatError: the file is not there, cannot be read, or is another one.
    """
    value = source.stored(name, pointer, kind, number)
    found = _artifact(source, value) if isinstance(value, dict) and value.get(TAG) == _TAG else None
    if found is None:
        raise DecodeError(f"{kind} {name!r} has no artifact there", pointer=pointer)
    return found, source.store.artifacts.open(found)
