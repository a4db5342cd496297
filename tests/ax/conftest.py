"""Tests with Ax itself, in an environment of their own: `make test-ax`. Without Ax, they are not collected."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from shared_stores import SharedStores

import docstore

# Ax brings BoTorch; as "ax", Python might find this folder.
collect_ignore_glob = [] if find_spec("botorch") else ["test_*.py"]

# Ax says much while its stubs are made.
logging.getLogger("ax").setLevel(logging.CRITICAL)


@pytest.fixture
def store(shared_stores: SharedStores, backend: str) -> Iterator[docstore.Store]:
    """A store in which nothing is; what a test saves is removed afterwards."""
    with shared_stores.emptied(backend) as store:
        yield store


@pytest.fixture
def another_store() -> Iterator[docstore.Store]:
    """A second store in which nothing is."""
    with docstore.connect("sqlite://") as store:
        yield store


@pytest.fixture
def database(store: docstore.Store) -> str:
    """The URL of the database of ``store``, with the password."""
    return store.engine.url.render_as_string(hide_password=False)
