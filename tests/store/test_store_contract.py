"""docstore's own backends keep every promise that ``docstore.testing`` holds others to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shared_stores import SharedStores

from docstore.testing.contract import StoreContract


class TestTheContract(StoreContract):
    """On each backend."""

    @pytest.fixture
    def database(self, shared_stores: SharedStores, backend: str) -> Iterator[str]:
        """The URL of a database in which nothing is."""
        with shared_stores.emptied(backend) as store:
            yield store.engine.url.render_as_string(hide_password=False)


class TestTheContractByPsycopg3(StoreContract):
    """On PostgreSQL by the newer driver, which binds values on the server and names its errors otherwise."""

    @pytest.fixture
    def database(self, shared_stores: SharedStores) -> Iterator[str]:
        """The URL of a database in which nothing is."""
        with shared_stores.emptied("postgresql") as store:
            yield store.engine.url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
