"""Fixtures of the tests of Optuna: storages of its own, and a store on SQLite for what no backend changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

import docstore

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture
def lab(fresh_database: Callable[..., str], connect: Callable[..., docstore.Store]) -> docstore.Store:
    """A store on SQLite in which nothing is."""
    return connect(fresh_database("sqlite"))


@pytest.fixture
def new_storage(tmp_path: Path) -> Iterator[Callable[[str], BaseStorage]]:
    """Makes a storage of Optuna, another at each call: ``new_storage("journal")``, ``"rdb"`` or ``"memory"``."""
    made: list[BaseStorage] = []

    def new_storage(kind: str) -> BaseStorage:
        file = str(tmp_path / f"optuna{len(made)}")
        if kind == "memory":
            made.append(InMemoryStorage())
        else:
            is_journal = kind == "journal"
            made.append(JournalStorage(JournalFileBackend(file)) if is_journal else RDBStorage(f"sqlite:///{file}"))
        return made[-1]

    yield new_storage
    for storage in made:
        if isinstance(storage, RDBStorage):
            storage.remove_session()
            storage.engine.dispose()


@pytest.fixture
def memory(new_storage: Callable[[str], BaseStorage]) -> BaseStorage:
    """A storage of Optuna in memory."""
    return new_storage("memory")


@pytest.fixture
def rdb(new_storage: Callable[[str], BaseStorage]) -> BaseStorage:
    """A database of Optuna, on SQLite."""
    return new_storage("rdb")
