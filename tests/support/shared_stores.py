"""Databases that many tests use, one after another: emptied after each test, or filled once and only read.

To connect to a database of its own, and to look afterwards whether only its rows have changed, takes longer than most
tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from backends import Backends

import docstore
from docstore.sql.dialects import transaction
from docstore.sql.tables import documents, metadata


class SharedStores:
    """Open stores on such databases, until ``close``.

    Args:
        folder: where SQLite has its files.
    """

    def __init__(self, backends: Backends, folder: Path) -> None:
        self._backends = backends
        self._folder = folder
        self._count = 0
        self._databases = contextlib.ExitStack()
        self._idle: dict[tuple[str, str], docstore.Store] = {}
        """By backend and by what is in them. One that a test did not leave as it was is not put back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._databases.close()

    @contextlib.contextmanager
    def emptied(self, backend: str) -> Iterator[docstore.Store]:
        """A new store on a database in which nothing is; rows, and indexes on places, are removed at the end.

        A test that changes the tables in other ways, or asks how a query is planned, needs a ``fresh_database``.
        """
        opened = self._idle.pop((backend, ""), None) or self._opened(backend)
        # An engine of the test's own on the same connections: what listens to it ends with the test.
        yield docstore.Store(opened.engine.execution_options())
        _empty(opened)
        self._idle[backend, ""] = opened

    @contextlib.contextmanager
    def filled(
        self, backend: str, name: str, fill: Callable[[docstore.Store], object], **options: Any
    ) -> Iterator[docstore.Store]:
        """The store that *fill* has saved to, once for all who ask for this *name*; ``connect`` got the *options*.

        Raises:
            AssertionError: the test has changed a document.
        """
        store = self._idle.pop((backend, name), None)
        if store is None:
            store = self._opened(backend, **options)
            fill(store)
        before = _pieces(store)
        yield store
        assert _pieces(store) == before, "others read what this test has changed"
        self._idle[backend, name] = store

    def _opened(self, backend: str, **options: Any) -> docstore.Store:
        self._count += 1
        file = self._folder / f"ready{self._count}.db"
        url = self._databases.enter_context(self._backends.fresh(backend, file))
        return self._databases.enter_context(docstore.connect(url, **options))


def _empty(store: docstore.Store) -> None:
    """Remove all rows, and the indexes on places."""
    for index in store.indexes():
        store.drop_index(index.pointer, kind=index.kind, part=index.part)
    with transaction(store.engine, write=True) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


def _pieces(store: docstore.Store) -> list[Any]:
    """Each head and part, with what a save, a tag or a deletion changes in it."""
    columns = (documents.c[name] for name in ("id", "path", "version", "digest", "seal", "deleted_at"))
    with transaction(store.engine, write=False) as connection:
        return list(connection.execute(sa.select(*columns).order_by(documents.c.id, documents.c.path)))
