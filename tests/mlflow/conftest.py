"""Fixtures of the tests of MLflow: databases of its own, and a store on SQLite for what no backend changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from mlflow import MlflowClient

import docstore


@pytest.fixture
def lab(fresh_database: Callable[..., str], connect: Callable[..., docstore.Store]) -> docstore.Store:
    """A store on SQLite in which nothing is."""
    return connect(fresh_database("sqlite"))


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Gives the tracking URI of another database of MLflow at each call: a copy, as to make one takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    first = folder / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{first}")
    numbers = count()

    def new_database() -> str:
        return f"sqlite:///{shutil.copy(first, folder / f'mlflow{next(numbers)}.db')}"

    yield new_database
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # it warns when it is imported

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()


@pytest.fixture(scope="session")
def uri(new_database: Callable[[], str]) -> str:
    """The tracking URI of a database that tests share: each has an experiment of its own in it."""
    return new_database()


@pytest.fixture(scope="session")
def other_uri(new_database: Callable[[], str]) -> str:
    """The tracking URI of a second such database."""
    return new_database()


@pytest.fixture(scope="session")
def client(uri: str) -> MlflowClient:
    """A client of the first database."""
    return MlflowClient(tracking_uri=uri)
