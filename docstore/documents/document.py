"""A document: its kind, its name, and its head and parts by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from docstore.documents.digests import Piece, piece
from docstore.documents.kinds import HEAD, Kind


@dataclass(frozen=True, slots=True)
class Document:
    """What an object is stored as: ``pieces`` are its head and parts by path, ``model`` says whose classes it is of."""

    kind: Kind
    name: str
    model: str
    pieces: Mapping[str, Piece]


def with_name(document: Document, name: str) -> Document:
    """Return *document* under another *name*: that of the stored one, which may have been renamed."""
    if document.name == name:
        return document
    pieces = dict(document.pieces)
    if HEAD in pieces:  # a save of parts has none
        pieces[HEAD] = piece(HEAD, document.kind.renamed(pieces[HEAD].body, name))
    return replace(document, name=name, pieces=pieces)
