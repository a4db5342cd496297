"""Where these tests have a store, it is on SQLite: what is tested knows no SQL, and does the same on each database.

That a document is the same on each of them is held by the contract, by the stores' own tests and by test_exactness.
"""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the backend that ``database`` and ``store`` are on."""
    name: str = request.param
    return name
