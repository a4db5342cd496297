"""A document taken back version by version: only what the changes of a version touched is digested anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from docstore.documents.canonical import ABSENT, JSON, TAG, MaybeJSON, split_pointer
from docstore.documents.digests import DigestTree, piece
from docstore.documents.history import pieces_touched, rebuild
from docstore.documents.kinds import FORMAT_KEY, HEAD, LAYOUT_KEY, Kind, join
from docstore.documents.patch import Change

_LAYOUT: Final = frozenset({TAG, FORMAT_KEY, LAYOUT_KEY})
"""Members of a head that say, of a user's kind, which pieces are parts."""


class Rewound:
    """A document as it stood at a version, from the current one back."""

    def __init__(self, kind: Kind, pieces: Mapping[str, JSON], digests: DigestTree) -> None:
        """Args: kind as it is named: what the document says of itself may have been another at each version."""
        self._named = kind
        self._kind = kind.of(pieces[HEAD])
        self._pieces = dict(pieces)
        self._digests = digests.copy()

    @property
    def pieces(self) -> Mapping[str, JSON]:
        """The head and the parts by path; not to be changed."""
        return self._pieces

    @property
    def digests(self) -> DigestTree:
        """Their digests; not to be changed."""
        return self._digests

    def digest(self) -> str:
        """Return the digest of the whole document."""
        return self._digests.digest()

    def document(self) -> JSON:
        """Return the whole document."""
        return join(self._pieces)

    def drop(self, path: str) -> None:
        """Go on without the part at *path*."""
        del self._pieces[path]
        self._digests.update({path: None})

    def touched(self, changes: Iterable[Change]) -> set[str] | None:
        """Return the paths of the pieces that *changes* are within, or None where other pieces may have been parts."""
        changes = tuple(changes)
        if any(self._lays_out_anew(change.path) for change in changes):
            return None
        return pieces_touched(self._kind, changes)

    def undo(self, changes: Sequence[Change]) -> dict[str, MaybeJSON]:
        """Take the document back to before *changes*, and return what stood at each piece that they touched.

        Raises:
            PatchError, CodecError: they do not fit; it is of no use any more.

        Cost:
            In proportion to the changes and the pieces touched, and a look at each member of the head.
        """
        touched = self.touched(changes)
        if touched is None:
            now: dict[str, MaybeJSON] = dict(self._pieces)
            self._pieces = rebuild(self._pieces, self._named, [changes])
            self._kind = self._named.of(self._pieces[HEAD])
            self._digests = DigestTree({path: piece(path, body).digest for path, body in self._pieces.items()})
            return {path: now.get(path, ABSENT) for path in now.keys() | self._pieces.keys()}
        before = {path: self._pieces[path] for path in {HEAD, *touched} if path in self._pieces}
        after = rebuild(before, self._named, [changes], partial=True)
        changed: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
        for path, body in after.items():
            if path != HEAD or not _is_same(before[HEAD], body):
                changed[path] = piece(path, body).digest
        for path in before:
            del self._pieces[path]
        self._pieces.update(after)
        self._digests.update(changed)
        return {path: before.get(path, ABSENT) for path in changed}

    def _lays_out_anew(self, path: str) -> bool:
        tokens = split_pointer(path)
        return not tokens or tokens[0] in _LAYOUT or (len(tokens) == 1 and self._kind.rule(path) is not None)


def _is_same(old: JSON, new: JSON) -> bool:
    """Return whether a head is as it was, at the cost of a look at each member.

    What no change led through is the same object still; but for the fields of parts, which are emptied anew each time.
    """
    if not isinstance(old, dict) or not isinstance(new, dict) or old.keys() != new.keys():
        return False
    return all(value is old[key] or _are_empty(value, old[key]) for key, value in new.items())


def _are_empty(a: JSON, b: JSON) -> bool:
    return isinstance(a, (dict, list)) and type(a) is type(b) and not a and not b
