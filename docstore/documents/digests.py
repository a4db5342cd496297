"""Digests: a piece with its text and digest, and the digest of a whole document.

The parts of a document are digested by a sum: each gives a number of 1344 bits, SHAKE-128 of its path and digest, and
the numbers are added modulo 2**1344. So a change of one part costs two short hashes, however many there are, and needs
the old digest of that part alone. A document's digest is a SHA-256 over the digest of its head, the number of its parts
and their sum. It is the same wherever the document is stored.

Sources:
    The sum is AdHash: Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing: Incrementality at Reduced
    Cost", EUROCRYPT 1997. LtHash (Lewi et al., "Securing Update Propagation with Homomorphic Hashing", 2019) is its
    relative. The best known attack is Wagner, "A Generalized Birthday Problem", CRYPTO 2002: it needs as many parts
    of the attacker's choice as it has lists, and with 2**17 parts some 2**90 work; 168 bytes are one block of
    SHAKE-128, and for a sum of 256 bits it would be 2**31. The chain of a document's history is plain SHA-256.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import shake_128
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from docstore.documents.canonical import CHANGE_DEPTH, JSON, digest, dumps, split_pointer
from docstore.documents.kinds import HEAD, Kind
from docstore.errors import EncodeError

LONGEST_PATH: Final = 255
"""Characters that the column of a part's path holds."""


class Piece(NamedTuple):
    """The head or a part of a document: its JSON, canonical text and digest. A tuple: a save makes thousands."""

    body: JSON
    text: bytes
    digest: str


def piece(path: str, body: JSON) -> Piece:
    """Return *body* with its text and digest, after a check that it can be at *path* of a document.

    Raises:
        EncodeError: nested too deeply for the whole document, or under a key that is too long; with the pointer.
    """
    if len(path) > LONGEST_PATH:
        raise EncodeError(
            f"a part's path has at most {LONGEST_PATH} characters, and this has {len(path)}. Give it a shorter key",
            pointer=path,
        )
    try:
        text = dumps(body, within=CHANGE_DEPTH + path.count("/"))
    except EncodeError as error:
        for token in reversed(split_pointer(path)):
            error.inside(token)
        raise
    return Piece(body, text, digest(text))


def pieces_of(bodies: Mapping[str, JSON]) -> dict[str, Piece]:
    """Return the pieces with these bodies, by path.

    Raises:
        EncodeError: as ``piece``.
    """
    return {path: piece(path, body) for path, body in bodies.items()}


def bodies_of(pieces: Mapping[str, Piece]) -> dict[str, JSON]:
    """Return the JSON of *pieces*, by path."""
    return {path: each.body for path, each in pieces.items()}


def digest_of(kind: Kind, document: JSON) -> str:
    """Return the digest of a whole document of *kind*."""
    return Digests.of({path: piece(path, body).digest for path, body in kind.split(document).items()}).digest()


def whole_digest(head: str, parts_digest: str | None) -> str:
    """Return the digest of a document by the digest of its head and ``Digests.parts_digest``."""
    return digest(f"{head}{parts_digest or ''}".encode())


class DigestsByPath(Protocol):
    """What gives the digests of pieces: ``Digests``, or what reads them from a database when they are asked for."""

    def get(self, path: str, /) -> str | None:
        """Return the digest of the piece at *path*, or None if there is no such piece."""

    def paths(self) -> Iterable[str]:
        """Return the paths of all pieces."""

    def look_up(self, paths: Collection[str], /) -> None:
        """Read the digests at *paths* at once, so that ``get`` has them."""


_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Digests:
    """The digests of a document's head and parts, by path, and the digest of the whole document.

    Those of other parts may be in the database (``stored``), or in other ``Digests``, of which these are the next state
    (``with_changed``). A save has up to three states, one above the other: the loaded one, what others made of it, and
    what the save makes of that. Only the loaded one outlives the save, and is brought up to date by ``update``.

    Args:
        parts: digests of parts; None for a part that there is not. Taken over, and changed by ``update``.
        count, total: the number of all parts, and their sum.
        others: gives the digests of the parts that are not in *parts*; None if there are no others.
    """

    __slots__ = ("_count", "_head", "_others", "_parts", "_total")

    def __init__(
        self, head: str, parts: dict[str, str | None], count: int, total: int, others: DigestsByPath | None = None
    ) -> None:
        self._head, self._parts, self._count, self._total, self._others = head, parts, count, total, others

    @classmethod
    def of(cls, digests: Mapping[str, str]) -> Digests:
        """Return those of a document by the digests of its head and of all parts."""
        parts: dict[str, str | None] = {**digests}
        head = parts.pop(HEAD, None)
        return cls(head or "", parts, len(parts), _sum(parts))

    @classmethod
    def stored(
        cls,
        head: str,
        parts_digest: str | None,
        others: DigestsByPath | None = None,
        *,
        known: Mapping[str, str] = _NONE,
    ) -> Digests:
        """Return those of a document by the digest of its head and its ``parts_digest``.

        Args:
            others: gives the digests of parts that are not *known*; None if no other part is asked for.

        Shapes:
            parts_digest: correct, as ``whole_digest`` shows
        """
        count, _, total = (parts_digest or "0:").partition(":")
        parts: dict[str, str | None] = {path: each for path, each in known.items() if path != HEAD}
        return cls(head, parts, int(count), int.from_bytes(b64decode(total), "little"), others)

    @property
    def count(self) -> int:
        """The number of parts."""
        return self._count

    @property
    def parts_digest(self) -> str | None:
        """The number and the sum of the parts, as a text: ``"20000:mX3...="``; None without parts."""
        if not self._count:
            return None
        return f"{self._count}:{b64encode(self._total.to_bytes(_BYTES, 'little')).decode()}"

    def digest(self) -> str:
        """Return the document's digest."""
        return whole_digest(self._head, self.parts_digest)

    def get(self, path: str) -> str | None:
        """Return the digest of the part at *path*, or of the head, or None if there is no such part."""
        if path == HEAD:
            return self._head
        if path in self._parts or self._others is None:
            return self._parts.get(path)
        return self._others.get(path)

    def look_up(self, paths: Collection[str]) -> None:
        """Read the digests at *paths*, if they are not known, at once, so that ``get`` has them."""
        if self._others is not None:
            self._others.look_up([path for path in paths if path != HEAD and path not in self._parts])

    def paths(self) -> Iterator[str]:
        """Yield the path of the head and of every part."""
        yield HEAD
        for path, known in self._parts.items():
            if known is not None:
                yield path
        if self._others is not None:
            yield from (path for path in self._others.paths() if path != HEAD and path not in self._parts)

    def unequal(self, other: Digests) -> set[str]:
        """Return the paths of the pieces that differ, or that only one of the two has."""
        return {path for path in {*self.paths(), *other.paths()} if self.get(path) != other.get(path)}

    def with_changed(self, changed: Mapping[str, str | None]) -> Digests:
        """Return the digests with *changed* pieces in place of these; None is a part that is removed.

        All others are read from these, so these must not be updated while the result is in use, and the result is not
        to be kept: each further change would look them up through one more level.

        Cost:
            In proportion to *changed*.
        """
        changed_digests = Digests(self._head, {}, self._count, self._total, self)
        changed_digests.update(changed)
        return changed_digests

    def update(self, changed: Mapping[str, str | None]) -> None:
        """Replace the digests of *changed* pieces; None removes a part.

        Cost:
            In proportion to *changed*.
        """
        self._head = changed.get(HEAD) or self._head
        new = {path: each for path, each in changed.items() if path != HEAD}
        self.look_up(new)
        old = {path: self.get(path) for path in new}
        self._count += sum(each is not None for each in new.values()) - sum(each is not None for each in old.values())
        self._total = (self._total + _sum(new) - _sum(old)) % _MODULUS
        self._parts.update(new)

    def copy(self) -> Digests:
        """Return digests that can be updated independently.

        Cost:
            In proportion to the parts.
        """
        return Digests(self._head, dict(self._parts), self._count, self._total, self._others)


_BYTES: Final = 168
"""One block of SHAKE-128: more bytes would take another round of it, fewer would save nothing."""

_MODULUS: Final = 1 << (8 * _BYTES)


def _sum(parts: Mapping[str, str | None]) -> int:
    """Return the sum of the parts with a digest."""
    shake, number, size, total = shake_128, int.from_bytes, _BYTES, 0
    for path, known in parts.items():
        if known is not None:
            total += number(shake(f"{path}\0{known}".encode()).digest(size), "little")
    return total % _MODULUS
