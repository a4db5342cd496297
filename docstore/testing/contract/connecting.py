"""Promises of connect: by a URL, an Engine or a creator, as often as needed, it finds what was saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

import docstore
from docstore.errors import InvalidValueError, StoreClosedError
from docstore.testing.contract.setting import OpenStore, Setting, contents, stored
from docstore.testing.experiments import add_trial, new_experiment


class ConnectingPromises(Setting):
    """A database is opened, by whatever there is to open it."""

    @pytest.fixture
    def ready(self, database: str | Engine) -> Iterator[Engine]:
        """A ready Engine, as SQLAlchemy makes it."""
        if isinstance(database, Engine):
            yield database
            return
        engine = sa.create_engine(database)
        yield engine
        engine.dispose()

    def test_a_database_that_is_opened_again_has_everything(self, open_store: OpenStore) -> None:
        first = open_store()
        experiment = new_experiment(trials=2, experiment_type="CAKE")
        first.save(experiment)
        add_trial(experiment)
        first.save(experiment)
        first.put("note", "n1", 1)
        first.delete("n1", kind="note")
        before = contents(first)
        first.close()

        assert contents(open_store()) == before

    def test_a_store_that_was_closed_refuses_every_call(self, store: docstore.Store) -> None:
        store.save(new_experiment())
        store.close()

        with pytest.raises(StoreClosedError, match="is closed"):
            store.load("cakes")

    def test_a_store_that_was_closed_leaves_other_stores_open(self, open_store: OpenStore) -> None:
        other = open_store()
        with open_store() as store:
            store.save(new_experiment())

        assert other.load("cakes").name == "cakes"

    def test_a_with_block_gives_the_store(self, open_store: OpenStore) -> None:
        with open_store() as store:
            assert store.save(new_experiment()).number == 1

    def test_a_ready_engine_is_used_as_it_is_set_up(self, ready: Engine) -> None:
        store = docstore.connect(ready)
        experiment = new_experiment(trials=2)
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)

        assert store.engine is ready
        assert (stored(store), store.verify()) == (docstore.dumps(experiment), [])

    def test_what_a_ready_engine_saved_is_there_for_the_others(self, ready: Engine, open_store: OpenStore) -> None:
        docstore.connect(ready).save(new_experiment(trials=2))

        assert open_store().load("cakes").num_trials == 2

    def test_a_function_that_makes_connections_does_for_a_url(self, ready: Engine) -> None:
        def connection() -> Any:
            pooled = ready.raw_connection()
            pooled.detach()
            return pooled.dbapi_connection

        with docstore.connect(creator=connection) as store:
            experiment = new_experiment(trials=2)
            store.save(experiment)

            assert (stored(store), store.verify()) == (docstore.dumps(experiment), [])

    def test_objects_of_one_project_are_new_in_another(self, open_store: OpenStore) -> None:
        experiment = new_experiment()
        open_store(project="ours").save(experiment)

        assert open_store(project="theirs").save(experiment).number == 1

    @pytest.mark.parametrize("project", ["", "x" * 101, "a\0", None], ids=ascii)
    def test_a_project_needs_a_name_that_fits(self, open_store: OpenStore, project: Any) -> None:
        with pytest.raises(InvalidValueError, match=r"project: .*1 to 100 characters"):
            open_store(project=project)

    def test_a_store_never_shows_a_password(self, store: docstore.Store) -> None:
        password = store.engine.url.password

        assert not password or str(password) not in repr(store)
