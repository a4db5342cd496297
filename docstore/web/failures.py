"""An error as a page: what went wrong, which documents there are instead, and what verify says of a damaged one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from docstore.errors import (
    DamagedDocumentError,
    DatabaseError,
    DecodeError,
    DocstoreError,
    DocumentExistsError,
    DocumentNotFoundError,
    FileAccessError,
    FileFormatError,
    InvalidValueError,
    MissingFileError,
    NotAllowedError,
    ReadOnlyError,
    StoreClosedError,
    TagExistsError,
    UnknownCodeError,
    VersionNotFoundError,
)
from docstore.web.source import Source

_SAME: Final = 5
"""Documents of other kinds with the name that was asked for, which a page lists."""

_FINDINGS: Final = 50
"""Findings of verify that a page lists."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, for a page.

    Attributes:
        status: of HTTP.
        title: what went wrong, in a few words.
        message: the error's own.
        instead: kind and name of documents that may be meant.
        findings: what verify says.
    """

    status: int
    title: str
    message: str
    instead: Sequence[tuple[str, str]] = ()
    findings: Sequence[str] = ()


def failure(source: Source, error: DocstoreError, kind: str) -> Failure:
    """Return the page of an error that came up for a document of *kind*."""
    match error:
        case DocumentNotFoundError():
            return Failure(404, "No such document", str(error), _instead(source, error))
        case VersionNotFoundError():
            return Failure(404, "No such version", str(error), [(error.kind, error.name)])
        case DamagedDocumentError():
            findings = _findings(source, error, kind)
            return Failure(500, "The document is damaged", str(error), findings=findings)
        case MissingFileError():
            return Failure(404, "The file is missing", str(error))
        case FileAccessError() | FileFormatError():
            return Failure(500, "The file cannot be read", str(error))
        case DecodeError():
            return Failure(404, "Nothing there", str(error))
        case ReadOnlyError() | NotAllowedError():
            return Failure(403, "Not allowed", str(error))
        case TagExistsError() | DocumentExistsError():
            return Failure(409, "Taken", str(error))
        case DatabaseError() | StoreClosedError():
            return Failure(503, "The database does not answer", f"{error} This page will work again when it does.")
        case InvalidValueError() | UnknownCodeError():
            return Failure(400, "That is not possible", str(error))
    return Failure(500, "It went wrong", str(error))


def _instead(source: Source, error: DocumentNotFoundError) -> list[tuple[str, str]]:
    same = source.store.find(name=error.name, limit=_SAME)
    return [*((error.kind, name) for name in error.near), *((each.kind, each.name) for each in same)]


def _findings(source: Source, error: DamagedDocumentError, kind: str) -> list[str]:
    try:
        return [str(each) for each in islice(source.store.verify(error.name, kind=kind), _FINDINGS)]
    except DocstoreError as other:
        return [f"verify() itself failed: {other}"]
