"""The versions of a stored document, newest first, each read when it is looked at; and the past of one place in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar, overload

from sqlalchemy.engine import Connection

from docstore.access import Access
from docstore.blame import changes_at
from docstore.errors import DamagedDocumentError, PatchError
from docstore.history import Version, piece_at
from docstore.kinds import HEAD, join
from docstore.reader import history_page, read, read_pieces, stored_kind
from docstore.rows import HeadRow
from docstore.values import MaybeJSON

_PAGE: Final = 100
"""Versions that are read at once; each has the old values of a save."""


class Timeline(Sequence[Version]):
    """The versions of one document as it stood when it was asked for: ``timeline[0]`` is the newest.

    Cost:
        The newest 100 are read at once, so that damage is told early. To go on, a SELECT for every 100; for one by its
        index, one; the length is known.
    """

    def __init__(self, access: Access, connection: Connection, head: HeadRow) -> None:
        self._access = access
        self._head = head
        self._newest = history_page(connection, head, head.version + 1, _PAGE)

    def __len__(self) -> int:
        return self._head.version

    def __iter__(self) -> Iterator[Version]:
        yield from self._newest
        yield from self._before(self._newest[-1].number, _PAGE)

    @overload
    def __getitem__(self, index: int) -> Version: ...
    @overload
    def __getitem__(self, index: slice) -> list[Version]: ...
    def __getitem__(self, index: int | slice) -> Version | list[Version]:
        indices = range(len(self))[index]
        if isinstance(indices, int):
            is_read = indices < len(self._newest)
            return self._newest[indices] if is_read else next(self._before(len(self) - indices + 1, 1))
        if not indices:
            return []
        first, last = min(indices), max(indices)
        found = list(islice(self._before(len(self) - first + 1, min(_PAGE, last - first + 1)), last - first + 1))
        return [found[each - first] for each in indices]

    def __repr__(self) -> str:
        return f"Timeline({self._head.name!r}, {len(self)} versions)"

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Timeline, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def _before(self, number: int, size: int) -> Iterator[Version]:
        while number > 1:
            with self._access.reading() as connection:
                page = history_page(connection, self._head, number, size)
            yield from page
            number = page[-1].number

    def at(self, pointer: str) -> Iterator[tuple[Version, MaybeJSON, MaybeJSON]]:
        """Yield each version that changed what stands at *pointer*, with the values before and after, newest first.

        Raises:
            DamagedDocumentError: the history does not lead back.
        """
        with self._access.reading() as connection:
            # As it is now, with its pieces: what was saved since the timeline was made is to be undone, too.
            head = self._access.again(connection, self._head)
            kind = stored_kind(connection, head)
            path, is_whole = piece_at(kind, pointer)
            pieces = read(connection, head).pieces if is_whole else read_pieces(connection, head, {HEAD, path})[0]
            versions = iter(Timeline(self._access, connection, head))
        lists = () if is_whole else kind.of(pieces[HEAD]).lists(pieces[HEAD])
        try:
            yield from changes_at(kind.of(pieces[HEAD]), join(pieces, sparse=lists), pointer, versions)
        except PatchError as error:
            raise DamagedDocumentError(head.name, where=error.pointer, problem=str(error)) from error


T = TypeVar("T", covariant=True)


class Lazily(Sequence[T]):
    """What an iterator gives, read as far as one looks, and kept."""

    def __init__(self, iterator: Iterator[T]) -> None:
        self._rest = iterator
        self._read: list[T] = []

    def __iter__(self) -> Iterator[T]:
        index = 0
        while self._has(index):
            yield self._read[index]
            index += 1

    def _has(self, index: int) -> bool:
        self._read.extend(islice(self._rest, max(0, index + 1 - len(self._read))))
        return index < len(self._read)

    def _all(self) -> list[T]:
        self._read.extend(self._rest)
        return self._read

    def __len__(self) -> int:
        return len(self._all())

    def __bool__(self) -> bool:
        return self._has(0)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, int) and index >= 0 and self._has(index):
            return self._read[index]
        return self._all()[index]

    def __eq__(self, other: object) -> bool:
        return self._all() == list(other) if isinstance(other, (Lazily, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def __repr__(self) -> str:
        return repr(self._all())
