"""An error as a page: what went wrong, which names are near, and what verify says of a damaged document."""

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
from docstore.web.source import EXPERIMENT, Source

_FINDINGS: Final = 50
"""Findings of verify that a page lists."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, for a page.

    Attributes:
        status: of HTTP.
        title: what went wrong, in a few words.
        message: the error's own.
        near: names that are like the one that was asked for, of documents of *kind*.
        findings: what verify says.
    """

    status: int
    title: str
    message: str
    kind: str = EXPERIMENT
    near: Sequence[str] = ()
    findings: Sequence[str] = ()


def failure(source: Source, error: DocstoreError, kind: str) -> Failure:
    """Return the page of an error that came up for a document of *kind*."""
    match error:
        case DocumentNotFoundError():
            return Failure(404, "No such document", str(error), error.kind, error.near)
        case VersionNotFoundError():
            return Failure(404, "No such version", str(error), error.kind)
        case DamagedDocumentError():
            findings = _findings(source, error, kind)
            return Failure(500, "The document is damaged", str(error), kind, findings=findings)
        case MissingFileError():
            return Failure(404, "The file is missing", str(error), kind)
        case FileAccessError() | FileFormatError():
            return Failure(500, "The file cannot be read", str(error), kind)
        case DecodeError():
            return Failure(404, "Nothing there", str(error), kind)
        case ReadOnlyError() | NotAllowedError():
            return Failure(403, "Not allowed", str(error), kind)
        case TagExistsError() | DocumentExistsError():
            return Failure(409, "Taken", str(error), kind)
        case DatabaseError() | StoreClosedError():
            return Failure(
                503, "The database does not answer", f"{error} This page will work again when it does.", kind
            )
        case InvalidValueError() | UnknownCodeError():
            return Failure(400, "That is not possible", str(error), kind)
    return Failure(500, "It went wrong", str(error), kind)


def _findings(source: Source, error: DamagedDocumentError, kind: str) -> list[str]:
    try:
        return [str(each) for each in islice(source.store.verify(error.name, kind=kind), _FINDINGS)]
    except DocstoreError as other:
        return [f"verify() itself failed: {other}"]
