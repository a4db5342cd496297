"""Databases that tests use one after another are as new for the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from backends import Backends
from shared_stores import SharedStores

import docstore
from docstore.sql.tables import metadata
from docstore.testing.experiments import new_experiment


@pytest.fixture
def shared_stores(backends: Backends, tmp_path: Path) -> Iterator[SharedStores]:
    with SharedStores(backends, tmp_path) as shared_stores:
        yield shared_stores


def rows(store: docstore.Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def index_names(store: docstore.Store) -> set[str]:
    return {str(index["name"]) for index in sa.inspect(store.engine).get_indexes("documents")}


class TestOneThatIsEmptied:
    def test_has_nothing_of_the_test_before(self, shared_stores: SharedStores, backend: str) -> None:
        with shared_stores.emptied(backend) as store:
            new = index_names(store)
            store.save(new_experiment(trials=1, experiment_type="CAKE"))
            store.tag("cakes", "first", 1)
            store.create_index("/a", kind="experiment")
            store.create_index("/b", kind="experiment", part="trial")
            for number in range(8):  # then there is a full state
                store.put("note", "n1", number)
            assert 0 not in rows(store).values()

        with shared_stores.emptied(backend) as store:
            assert set(rows(store).values()) == {0}
            assert index_names(store) == new

    def test_is_another_while_one_is_in_use(self, shared_stores: SharedStores) -> None:
        with shared_stores.emptied("sqlite") as one, shared_stores.emptied("sqlite") as other:
            one.put("note", "n1", 1)

            assert list(other.find()) == []

    def test_does_not_hear_what_listened_in_the_test_before(self, shared_stores: SharedStores) -> None:
        with shared_stores.emptied("sqlite") as store:

            @sa.event.listens_for(store.engine, "before_cursor_execute")
            def refuse(*arguments: object) -> None:
                pytest.fail("it is still there")

        with shared_stores.emptied("sqlite") as store:
            store.put("note", "n1", 1)


class TestOneThatIsFilled:
    def fill(self, store: docstore.Store) -> None:
        store.put("note", "n1", 1)

    def test_is_filled_once(self, shared_stores: SharedStores) -> None:
        with shared_stores.filled("sqlite", "note", self.fill) as store:
            before = store.find()[0]

        with shared_stores.filled("sqlite", "note", self.fill) as store:
            assert list(store.find()) == [before]

    @pytest.mark.parametrize("call", ["put", "tag", "delete"])
    def test_tells_the_test_that_changes_it_and_no_other(self, shared_stores: SharedStores, call: str) -> None:
        arguments = {"put": ("note", "n1", 2), "tag": ("n1", "first", 1), "delete": ("n1",)}[call]
        options = {} if call == "put" else {"kind": "note"}

        with (
            pytest.raises(AssertionError, match="others read what this test has changed"),
            shared_stores.filled("sqlite", "note", self.fill) as store,
        ):
            getattr(store, call)(*arguments, **options)

        with shared_stores.filled("sqlite", "note", self.fill) as store:
            assert store.load("n1", kind="note") == 1
            assert store.tags("n1", kind="note") == {}
