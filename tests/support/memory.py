"""Stores in memory, whose tables are copied: to make them takes longer than most tests."""

from __future__ import annotations

import functools
import sqlite3

import docstore


def in_memory() -> docstore.Store:
    """Return a store like ``docstore.connect("sqlite://")``, in which nothing is."""
    return docstore.connect(creator=_copied)


def _copied() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.deserialize(_tables())
    return connection


@functools.cache
def _tables() -> bytes:
    connection = sqlite3.connect(":memory:")
    with docstore.connect(creator=lambda: connection):
        return connection.serialize()
