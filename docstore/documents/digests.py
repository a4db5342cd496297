"""Digests: a piece with its text and digest, and the Merkle tree over the pieces of a document.

A document's digest is a SHA-256 over the digests of its head and parts, in a tree of two levels: 256 leaves, each with
the parts whose path has one CRC-32 modulo 256. A change of one part of 10,000 costs two short hashes, not the hash of
the whole text. The digest is the same wherever the document is stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from docstore.documents.canonical import CHANGE_DEPTH, JSON, digest, dumps, split_pointer
from docstore.documents.kinds import HEAD, Kind
from docstore.errors import EncodeError

LEAVES: Final = 256

LONGEST_PATH: Final = 255
"""Characters that the column of a part's path holds."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The head or a part of a document: its JSON, canonical text and digest."""

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


def digest_of(kind: Kind, document: JSON) -> str:
    """Return the digest of a whole document of *kind*."""
    return DigestTree({path: piece(path, body).digest for path, body in kind.split(document).items()}).digest()


_NO_LEAVES: Final[list[dict[str, str]]] = [{}] * LEAVES
_NO_HASHES: Final = [b""] * LEAVES
"""The leaves of a document without parts, as most small ones are, and their hashes."""


class DigestTree:
    """The digests of a document's head and parts, by path.

    Leaves and the lists of them are replaced, never changed, so that trees share them.
    """

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._head = digests.get(HEAD, "")
        self._whole: str | None = None
        self._leaves, self._hashes = _NO_LEAVES, _NO_HASHES
        leaves: dict[int, dict[str, str]] = {}
        for path, known in digests.items():
            if path != HEAD:
                leaves.setdefault(_leaf(path), {})[path] = known
        if leaves:
            self._replace(leaves)

    def copy(self) -> DigestTree:
        """Return a tree that can be updated independently."""
        twin = DigestTree.__new__(DigestTree)
        twin._head, twin._leaves, twin._hashes = self._head, self._leaves, self._hashes
        twin._whole = self._whole
        return twin

    @property
    def count(self) -> int:
        """The number of parts."""
        return sum(map(len, self._leaves))

    def get(self, path: str) -> str | None:
        """Return the digest of the part at *path*, or of the head, or None if there is no such part."""
        return self._head if path == HEAD else self._leaves[_leaf(path)].get(path)

    def paths(self) -> Iterator[str]:
        """Yield the path of the head and of every part."""
        yield HEAD
        for leaf in self._leaves:
            yield from leaf

    def unequal(self, other: DigestTree) -> set[str]:
        """Return the paths of the pieces that differ, or that only one of the two has."""
        return {path for path in {*self.paths(), *other.paths()} if self.get(path) != other.get(path)}

    def digest(self, changed: Mapping[str, str | None] | None = None) -> str:
        """Return the document's digest as it would be with *changed* pieces; None is a part that is removed.

        Cost:
            In proportion to the changed parts and the 1/256 of all that share a leaf with each; without *changed*,
            nothing from the second call on.
        """
        if not changed:
            self._whole = self._whole or _root(self._head, self._hashes)
            return self._whole
        hashes = list(self._hashes)
        for number, leaf in self._changed_leaves(changed).items():
            hashes[number] = _hash_leaf(number, leaf)
        return _root(changed.get(HEAD) or self._head, hashes)

    def update(self, changed: Mapping[str, str | None]) -> None:
        """Replace the digests of *changed* pieces; None removes a part."""
        self._head = changed.get(HEAD) or self._head
        self._whole = None
        self._replace(self._changed_leaves(changed))

    def _replace(self, leaves: Mapping[int, dict[str, str]]) -> None:
        self._leaves, self._hashes = list(self._leaves), list(self._hashes)
        for number, leaf in leaves.items():
            self._leaves[number] = leaf
            self._hashes[number] = _hash_leaf(number, leaf)

    def _changed_leaves(self, changed: Mapping[str, str | None]) -> dict[int, dict[str, str]]:
        leaves: dict[int, dict[str, str]] = {}
        for path, new in changed.items():
            if path == HEAD:
                continue
            number = _leaf(path)
            if number not in leaves:
                leaves[number] = dict(self._leaves[number])
            leaf = leaves[number]
            if new is None:
                leaf.pop(path, None)
            else:
                leaf[path] = new
        return leaves


def _leaf(path: str) -> int:
    return crc32(path.encode()) % LEAVES


def _hash_leaf(number: int, leaf: Mapping[str, str]) -> bytes:
    """Return the leaf's number and hash, in 33 bytes, or nothing for an empty one."""
    if not leaf:
        return b""
    text = "".join([f"{path}\0{leaf[path]}\n" for path in sorted(leaf)])
    return number.to_bytes(1, "big") + hashlib.sha256(text.encode()).digest()


def _root(head: str, hashes: list[bytes]) -> str:
    return digest(head.encode() if hashes is _NO_HASHES else head.encode() + b"".join(hashes))
