"""Everything that a ``Store`` promises on any database, as tests: a class to inherit from, and a fixture to give.

::

    class TestOurs(StoreContract):
        @pytest.fixture
        def database(self):
            ...  # yield the URL, or a ready Engine, of an empty database; drop it afterwards

The fixture ``database`` is called for each test, and must give an empty one each time, to which several connections can
be open at once. Its URL may hold a password. Where stores need options, override ``open_store`` too: see ``Setting``.
Nothing is timed, nothing waits, and only public calls are made, beside some SQL that damages a row on purpose.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import pytest
from sqlalchemy import Engine

import docstore
from docstore.testing.contract.concurrency import ConcurrencyPromises
from docstore.testing.contract.conflicts import ConflictPromises
from docstore.testing.contract.connecting import ConnectingPromises
from docstore.testing.contract.copying import CopyPromises
from docstore.testing.contract.damage import DamagePromises
from docstore.testing.contract.exactness import ExactnessPromises
from docstore.testing.contract.failures import FailurePromises
from docstore.testing.contract.lifecycle import LifePromises
from docstore.testing.contract.names import NamePromises
from docstore.testing.contract.saving import SavingPromises
from docstore.testing.contract.search import FindingPromises
from docstore.testing.contract.versions import VersionPromises
from docstore.testing.experiments import new_experiment

# What the promises are tried in: one database, and the stores of the people who use it.

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
    """Return all that a store tells of its experiments: which there are, how each came about, and what it is now."""
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


try:
    import pytest  # asked for here, so that its absence is told in our words
except ImportError as error:
    from docstore.errors import MissingDependencyError

    raise MissingDependencyError("pytest", extra="testing", purpose="docstore.testing.contract") from error


__all__ = ["OpenStore", "Setting", "StoreContract"]


class StoreContract(
    SavingPromises,
    ExactnessPromises,
    NamePromises,
    VersionPromises,
    FindingPromises,
    LifePromises,
    ConflictPromises,
    ConcurrencyPromises,
    FailurePromises,
    DamagePromises,
    ConnectingPromises,
    CopyPromises,
):
    """Every promise, by theme: inherit from it, in a class whose name begins with ``Test``, and give ``database``."""
