"""What pages read from: a store, a cache of what was derived from versions, and the documents that changed last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

# find() and history() import these when they are first called: a browser shall not wait for that.
import docstore.search.results
import docstore.store.timeline  # noqa: F401
from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.canonical import JSON, MaybeJSON
from docstore.documents.history import Version
from docstore.documents.optional_members import value_at
from docstore.errors import DocumentNotFoundError, InvalidValueError
from docstore.registry.model_classes import optional_members
from docstore.search.info import DocumentInfo
from docstore.sql.partial import read_place
from docstore.sql.reader import newest_versions, versions_numbered
from docstore.sql.rows import count_parts, head_of, positions_beside
from docstore.sql.transactions import Transactions
from docstore.sql.version_names import kept_version_number
from docstore.web.caching import BoundedCache, Shared

if TYPE_CHECKING:
    from docstore.store.store import Store

T = TypeVar("T")

EXPERIMENT: Final = "experiment"

_CELLS: Final = 2_000_000
"""Cells of tables, and lines of differences, that the cache keeps: some 200 MB."""

_LATELY: Final = 100
"""Documents that the answer to "what changed" has."""


class Source:
    """The store that pages show, and what they share.

    Attributes:
        transactions: for what pages read of the database with no call of the store.
        writable: whether there are forms that change something.
        has_files: whether the store was opened with ``artifacts=``.
    """

    def __init__(self, store: Store, *, writable: bool = False) -> None:
        self.store = store
        self.transactions = Transactions(store.engine, store.project)
        self.writable = writable
        self.has_files = _has_files(store)
        self._codec = Codec(Registry(), unknown="members")
        self._cache = BoundedCache(_CELLS)
        self._kinds = Shared(store.kinds, 30.0)
        self._newest = Shared(self._ask_newest, 1.0)

    def kinds(self) -> list[str]:
        """Return the kinds that have documents, at most 30 seconds old."""
        return self._kinds.get()

    def first_kind(self) -> str:
        """Return the kind that is shown first: experiments, unless there are only documents of other kinds."""
        kinds = self.kinds()
        return EXPERIMENT if EXPERIMENT in kinds or not kinds else kinds[0]

    def newest(self) -> list[DocumentInfo]:
        """Return the documents that changed last, the newest first, at most a second old.

        Cost:
            However many browsers ask, a SELECT a second.
        """
        return self._newest.get()

    def seen(self) -> str:
        """Return the time of the newest change of any document, as text; "" if there is none."""
        found = self.newest()
        return found[0].updated_at.isoformat(timespec="microseconds") if found else ""

    def _ask_newest(self) -> list[DocumentInfo]:
        return list(self.store.find(order_by="-updated_at", limit=_LATELY))

    def info(self, name: str) -> DocumentInfo:
        """Return the columns of an experiment.

        Raises:
            DocumentNotFoundError: there is none; has the near names.
        """
        found = self.store.find(EXPERIMENT, name=name).first()
        if found is None:
            self.store.history(name)  # raises the error that says which names are near
            raise DocumentNotFoundError(name, kind=EXPERIMENT)
        return found

    def newest_version(self, name: str, kind: str = EXPERIMENT) -> Version:
        """Return the newest version of a document."""
        return self.store.history(name, kind=kind)[0]

    # --- what is derived, kept in the cache by the key that the method is named by ------------------------------------

    def by_digest(self, version: Version, what: str, make: Callable[[], T], weigh: Callable[[T], int]) -> T:
        """Return *what* is derived from the state at a version, made by *make* if it is not in the cache."""
        return self._cache.get((version.digest, what), make, weigh)

    def by_chain(self, version: Version, what: str, make: Callable[[], T], weigh: Callable[[T], int]) -> T:
        """Return *what* is derived from a version and those before it, which no other version has in common."""
        return self._cache.get((version.chain, what), make, weigh)

    def by_columns(self, info: DocumentInfo, what: str, make: Callable[[], T]) -> T:
        """Return *what* is derived from the newest state of a document, known by its columns alone."""
        return self._cache.get(_state(info, what), make)

    def known_by_columns(self, info: DocumentInfo, what: str) -> Any:
        """Return *what* is derived from the newest state of a document, if it is in the cache; else None."""
        return self._cache.peek(_state(info, what))

    def unknown_by_columns(self, infos: Iterable[DocumentInfo], what: str) -> list[DocumentInfo]:
        """Return those of *infos* of whose newest state the cache has no *what*."""
        return [info for info in infos if self.known_by_columns(info, what) is None]

    # --- what the database has, read without a call of the store ------------------------------------------------------

    def newest_versions(self, infos: Sequence[DocumentInfo]) -> dict[str, Version]:
        """Return the newest version of each document by its id, if it is as it was saved and *infos* are about it.

        Cost:
            One SELECT, however many.
        """
        if not infos:
            return {}
        with self.transactions.reading() as connection:
            found = newest_versions(connection, [info.id for info in infos])
        numbers = {info.id: info.version for info in infos}
        return {id: version for id, version in found.items() if version.number == numbers[id]}

    def versions(self, name: str, kind: str, numbers: Collection[int]) -> list[Version]:
        """Return the versions of a document with these numbers, in any order.

        Raises:
            DocumentNotFoundError, DamagedDocumentError: as ``Store.history``.

        Cost:
            Two SELECTs, however many.
        """
        with self.transactions.reading() as connection:
            return versions_numbered(connection, self.transactions.head(connection, kind, name), numbers)

    def trial_counts(self, infos: Sequence[DocumentInfo]) -> dict[str, int]:
        """Return how many trials each experiment has, by its id; as ``newest_versions``."""
        if not infos:
            return {}
        with self.transactions.reading() as connection:
            return count_parts(connection, [info.id for info in infos], "trials")

    def trials_beside(self, name: str, index: int) -> tuple[int | None, int | None]:
        """Return the trials of an experiment before and after *index*; None where there is none.

        Cost:
            Three SELECTs, however many trials there are.
        """
        with self.transactions.reading() as connection:
            head = self.transactions.head(connection, EXPERIMENT, name)
            return positions_beside(connection, head.id, "trials", index)

    def name_of(self, id: str) -> str | None:
        """Return the name of the document with this id; None if it was purged."""
        with self.transactions.reading() as connection:
            found = head_of(connection, id)
        return None if found is None else found.name

    def stored(self, name: str, pointer: str, kind: str = EXPERIMENT, version: int | None = None) -> MaybeJSON:
        """Return the JSON at *pointer*, with its tags, now or at a version.

        Raises:
            DecodeError: there is nothing.
            VersionNotFoundError, DocumentNotFoundError, DamagedDocumentError: as ``Store.get``.
        """
        return value_at(self._around(name, pointer, kind, version), pointer, optional_members())

    def head(self, name: str, kind: str = EXPERIMENT, version: int | None = None) -> Mapping[str, JSON]:
        """Return the JSON of a document without its parts, whose fields are empty; {} if it is no object.

        Cost:
            A read of the head, however many parts there are.
        """
        # This pointer leads to the head's own piece, which is read alone; "" would lead to the parts as well.
        found = self._around(name, "/__type", kind, version)
        return found if isinstance(found, dict) else {}

    def _around(self, name: str, pointer: str, kind: str, version: int | None) -> JSON:
        with self.transactions.reading() as connection:
            head = self.transactions.head(connection, kind, name)
            number = None if version is None else kept_version_number(connection, head, version)
            return read_place(connection, head, pointer, number)

    def decode(self, value: JSON) -> Any:
        """Return the value of tagged JSON, with an object of a class as a dict of its members."""
        return self._codec.decode(value)


def _has_files(store: Store) -> bool:
    try:
        return store.artifacts is not None
    except InvalidValueError:
        return False


def _state(info: DocumentInfo, what: str) -> Hashable:
    """Return the key of *what* was derived from the newest state of a document."""
    return info.id, info.version, info.updated_at, what
