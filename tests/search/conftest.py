"""Stores for tests that need no database of their own: what they save is removed afterwards, or is only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backends import Backends
from shared_stores import SharedStores

import docstore


@pytest.fixture(scope="session")
def shared_stores(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStores]:
    """Databases that tests use one after another."""
    with SharedStores(backends, tmp_path_factory.mktemp("shared")) as stores:
        yield stores


@pytest.fixture
def store(shared_stores: SharedStores, backend: str) -> Iterator[docstore.Store]:
    """A store in which nothing is."""
    with shared_stores.emptied(backend) as store:
        yield store


@pytest.fixture
def database(store: docstore.Store) -> str:
    """The URL of the database of ``store``, with the password."""
    return store.engine.url.render_as_string(hide_password=False)
