"""Optuna's own tests of a storage, on each database."""

from __future__ import annotations

import pytest
from optuna.testing.pytest_storages import StorageTestCase

from docstore.optuna import Storage


class TestStorageOnEachDatabase(StorageTestCase):
    """Its tests are those of Optuna, as installed."""

    @pytest.fixture
    def storage(self, database: str) -> Storage:
        """A storage in which nothing is; made by its URL, as it is pickled with a password."""
        return Storage(database)
