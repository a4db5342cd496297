"""The store: save and load objects as versioned documents in a database."""

from docstore.store.connect import connect
from docstore.store.store import Store

__all__ = ["Store", "connect"]
