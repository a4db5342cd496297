"""When a place in a document changed, and who did it: the past of one pointer, found in the changes of each version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from docstore.errors import DecodeError
from docstore.history import Version, piece_at, piece_of
from docstore.kinds import HEAD, Kind
from docstore.patch import undo
from docstore.values import ABSENT, JSON, MaybeJSON, alike, resolve


@dataclass(frozen=True, slots=True)
class Blame:
    """One change of a place: the version that made it, and what stood there before and since.

    Attributes:
        was, became: the JSON as stored; ``ABSENT`` where nothing stood there.
        decode: makes values of what is tagged in it.
    """

    version: Version
    was: MaybeJSON
    became: MaybeJSON
    decode: Callable[[JSON], Any] = field(compare=False, repr=False)

    @property
    def old(self) -> Any:
        """What stood there before, as ``get`` gives it, made at each call; ``ABSENT`` for nothing."""
        return ABSENT if self.was is ABSENT else self.decode(self.was)

    @property
    def new(self) -> Any:
        """What stands there since, as ``get`` gives it, made at each call; ``ABSENT`` for nothing."""
        return ABSENT if self.became is ABSENT else self.decode(self.became)

    @property
    def number(self) -> int:
        """The number of the version."""
        return self.version.number

    @property
    def created_at(self) -> datetime:
        """When it was saved."""
        return self.version.created_at

    @property
    def author(self) -> str:
        """Who saved it."""
        return self.version.author

    @property
    def message(self) -> str:
        """What was said of it."""
        return self.version.message


def changes_at(
    kind: Kind, document: JSON, pointer: str, newest_first: Iterable[Version]
) -> Iterator[tuple[Version, MaybeJSON, MaybeJSON]]:
    """Yield each version that changed what stands at *pointer*, and the values before and after; newest first.

    A list's item is meant by its index as it was at each version.

    Shapes:
        document: the current one; of its parts, at least the one that *pointer* leads into, or all, if it leads to
            several; items of a list that are parts by their index
        newest_first: the versions from the current one on

    Raises:
        PatchError: the changes do not fit: the history, or the document, is damaged.

    Cost:
        In proportion to the changes of the piece.
    """
    now = _at(document, pointer)
    piece, is_whole = piece_at(kind, pointer)
    for version in newest_first:
        if any(change.path == HEAD and change.old is ABSENT for change in version.changes):
            if now is not ABSENT:
                yield version, ABSENT, now
            return
        is_whole_since = is_whole or any(change.path == HEAD for change in version.changes)
        ours = [change for change in version.changes if is_whole_since or piece_of(kind, change) == piece]
        if not ours:
            continue
        document = undo(document, ours)
        is_whole = is_whole_since
        before = _at(document, pointer)
        if not alike(before, now):
            yield version, before, now
        now = before


def _at(document: JSON, pointer: str) -> MaybeJSON:
    try:
        return resolve(document, pointer)
    except DecodeError:
        return ABSENT
