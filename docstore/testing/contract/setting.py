"""The fixtures of the contract: one database, and the stores of the people who use it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import pytest
from sqlalchemy import Engine

import docstore
from docstore.testing.experiments import new_experiment

T = TypeVar("T")

OpenStore: TypeAlias = Callable[..., docstore.Store]


class Setting:
    """The fixtures that all themes share; ``database`` is the one that is missing, and yours to give."""

    @pytest.fixture
    def open_store(self, database: str | Engine) -> Iterator[OpenStore]:
        """Gives another store on the database, as another process would have it: ``open_store(author="ada")``.

        Override it where your stores need more than the database; it takes the options of ``docstore.connect``.
        """
        opened: list[docstore.Store] = []

        def open_store(**options: Any) -> docstore.Store:
            opened.append(docstore.connect(database, **options))
            return opened[-1]

        yield open_store
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, open_store: OpenStore) -> docstore.Store:
        """A store on the empty database."""
        return open_store()

    @pytest.fixture
    def ada(self, open_store: OpenStore) -> docstore.Store:
        """Ada's store."""
        return open_store(author="ada")

    @pytest.fixture
    def bob(self, open_store: OpenStore) -> docstore.Store:
        """Bob's store on the same database; it knows nothing of what Ada's remembers."""
        return open_store(author="bob")

    @pytest.fixture
    def two_readers(self, ada: docstore.Store, bob: docstore.Store) -> tuple[docstore.Experiment, docstore.Experiment]:
        """An experiment of four trials at version 1, as Ada and Bob have loaded it."""
        ada.save(new_experiment(trials=4, properties={"a": 1, "b": 1, "list": [1, 2]}))
        return ada.load("cakes"), bob.load("cakes")


def stored(store: docstore.Store, **options: Any) -> bytes:
    """Return the text of the experiment ``cakes`` as a store has it."""
    return docstore.dumps(store.load("cakes", **options))


def contents(store: docstore.Store) -> Any:
    """Return all that a store returns about its experiments: which there are, their histories and their contents."""
    live = [(info, store.history(info.name), stored_as(store, info.name)) for info in store.find(kind="experiment")]
    return live, list(store.find(deleted=True)), store.verify()


def stored_as(store: docstore.Store, name: str) -> bytes:
    """Return the text of the experiment *name*."""
    return docstore.dumps(store.load(name))


def together(*works: Callable[[], T]) -> list[T]:
    """Run all *works* at once, each in a thread of its own, and return what each gave; the first error is raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]
