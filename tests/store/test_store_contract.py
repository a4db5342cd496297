"""docstore's own backends keep every promise that ``docstore.testing`` holds others to."""

from __future__ import annotations

from docstore.testing.contract import StoreContract


class TestTheContract(StoreContract):
    """On each backend, as ``database`` gives it."""
