"""Statements that SQLAlchemy compiled once for all engines of a test run, not for each engine anew.

A test opens stores of its own, each with an engine; to compile their statements was a quarter of a test's time.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, MutableMapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

_SIMPLE = (bool, int, float, str, bytes, tuple, type(None))

_OF_ONE_DATABASE = {"default_schema_name"}
"""What a dialect knows of where it is connected to, and compiles nothing by."""


class Compiled(MutableMapping[Any, Any]):
    """What was compiled for dialects that are set up in the same way: the cache of an engine, shared with others.

    SQLAlchemy's keys begin with the dialect, of which each engine has its own.
    """

    def __init__(self, shared: LRUCache[Any, Any], setup: frozenset[Any]) -> None:
        self._shared, self._setup = shared, setup

    def _key(self, key: Any) -> Any:
        return (self._setup, *key[1:])

    def __getitem__(self, key: Any) -> Any:
        return self._shared[self._key(key)]

    def __setitem__(self, key: Any, compiled: Any) -> None:
        self._shared[self._key(key)] = compiled

    def __delitem__(self, key: Any) -> None:
        del self._shared[self._key(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._shared)

    def __len__(self) -> int:
        return len(self._shared)


def share() -> None:
    """Let all engines of this process share what is compiled, as far as their dialects are set up alike."""
    shared: LRUCache[Any, Any] = LRUCache(5000)
    of_dialects: weakref.WeakKeyDictionary[sa.Dialect, Compiled] = weakref.WeakKeyDictionary()

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def use_it(connection: sa.Connection) -> None:
        # Once it is connected, as only then the dialect knows the server's version and settings.
        if (compiled := of_dialects.get(connection.dialect)) is None:
            compiled = of_dialects[connection.dialect] = Compiled(shared, _setup(connection.dialect))
        if "compiled_cache" not in connection.get_execution_options():
            connection.execution_options(compiled_cache=compiled)


def _setup(dialect: sa.Dialect) -> frozenset[Any]:
    """All that two dialects that compile alike have in common: their class, and what they were told or learned."""
    known = vars(dialect).items()
    return frozenset(
        [type(dialect), *((name, value) for name, value in known if name not in _OF_ONE_DATABASE and _tells(value))]
    )


def _tells(value: Any) -> bool:
    return isinstance(value, _SIMPLE) or callable(value)
