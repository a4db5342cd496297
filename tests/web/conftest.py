"""Stores with a bakery's experiments in them, and a client that asks for the pages about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from web_lab import Client, fill

import docstore
from docstore import web


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docstore.Store]:
    """A store that is only read."""
    with closing(docstore.connect(tmp_path_factory.mktemp("web") / "lab.db")) as store:
        fill(store)
        yield store


@pytest.fixture(scope="module")
def client(lab: docstore.Store) -> Client:
    """Asks for the pages of ``lab``."""
    return Client(web.app(lab))


@pytest.fixture
def own(connect: Callable[..., docstore.Store], fresh_database: Callable[..., str]) -> docstore.Store:
    """A store of the test's own on SQLite, with the bakery's experiments in it."""
    store = connect(fresh_database("sqlite"), author="ada")
    fill(store)
    return store
