"""Document: what the mapper makes of an object, and what a store writes; new ids."""

from __future__ import annotations

from base64 import b32hexencode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from secrets import token_bytes

from docstore.documents.digests import Digests, Piece, piece
from docstore.documents.kinds import HEAD, Kind


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is stored.

    Attributes:
        model: the family of classes that it was made from: ``docstore``, ``ax``, ``user``.
        pieces: the head and the parts, by path; without the head, if only parts are saved.
    """

    kind: Kind
    name: str
    model: str
    pieces: Mapping[str, Piece]

    def digests(self) -> Digests:
        """Return the digests of its pieces, which give that of the whole document."""
        return Digests.of({path: each.digest for path, each in self.pieces.items()})


def with_name(document: Document, name: str) -> Document:
    """Return *document* with another *name*: the stored document may have been renamed."""
    if document.name == name:
        return document
    pieces = dict(document.pieces)
    if HEAD in pieces:
        pieces[HEAD] = piece(HEAD, document.kind.kept_under(pieces[HEAD].body, name))
    return replace(document, name=name, pieces=pieces)


def new_id() -> str:
    """Return an id for a new document: 80 random bits, as 16 digits and letters.

    Short, since every row and most indexes have it. Two of a million documents get one id with a probability of 4e-13,
    and the second is not written then: the id is in the primary key.
    """
    return b32hexencode(token_bytes(10)).decode().lower()


def number_of(id: str) -> int:
    """Return the integer that stands for an id, where a caller needs an integer: of up to 80 bits."""
    return int(id, 32)


def id_numbered(number: int) -> str | None:
    """Return the id that ``number_of`` gives this integer, or None if there can be no such id."""
    if not 0 <= number < 2**80:
        return None
    return b32hexencode(number.to_bytes(10, "big")).decode().lower()
