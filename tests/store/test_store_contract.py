"""docstore's own backends keep every promise that ``docstore.testing`` holds others to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backends import Backends
from ready import Ready

from docstore.testing.contract import StoreContract


@pytest.fixture(scope="module")
def databases(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """Databases that tests use one after another."""
    with Ready(backends, tmp_path_factory.mktemp("ready")) as databases:
        yield databases


class TestTheContract(StoreContract):
    """On each backend."""

    @pytest.fixture
    def database(self, databases: Ready, backend: str) -> Iterator[str]:
        """The URL of a database in which nothing is."""
        with databases.emptied(backend) as store:
            yield store.engine.url.render_as_string(hide_password=False)
