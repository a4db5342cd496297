"""Stores for tests that need no database of their own: what they save is removed afterwards, or is only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shared_stores import SharedStores

import docstore


@pytest.fixture
def store(shared_stores: SharedStores, backend: str) -> Iterator[docstore.Store]:
    """A store in which nothing is."""
    with shared_stores.emptied(backend) as store:
        yield store


@pytest.fixture
def database(store: docstore.Store) -> str:
    """The URL of the database of ``store``, with the password."""
    return store.engine.url.render_as_string(hide_password=False)
