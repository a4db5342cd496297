"""What a test may rely on that begins with a database in a ready state."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

import docstore
from docstore.sql.tables import metadata
from docstore.testing.experiments import new_experiment

pytest_plugins = ["ready"]

ODD = {
    "a\0b": "\ud800",
    "": "☃ \U0001f370",
    "quoted": "it's \"good\" \\ \\' \n %s %(a)s :a ?",
    "numbers": [1, 1.0, -0.0],
}


def odd(store):
    """Rows in every table, with texts that each database quotes in another way."""
    experiment = new_experiment(trials=2, properties=ODD, experiment_type="it's")
    store.save(experiment, author="O'Hara", message="100 % \\ \\\\ '")
    experiment.description = "☃"
    store.save(experiment)
    store.tag("cakes", "☃'\\", 1)
    store.branch("cakes", "b")
    store.put("note", "gone", 1)
    store.delete("gone", kind="note")
    return rows_of(store)


def rows_of(store):
    with store.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


class TestADatabaseInAReadyState:
    @pytest.fixture
    def state(self):
        return odd

    def test_has_the_rows_that_were_saved(self, ready):
        store = ready.store()

        assert rows_of(store) == ready.made
        assert store.verify(decode=True) == []
        assert store.load("cakes").properties == ODD

    @pytest.mark.parametrize("time", [1, 2])
    def test_has_them_again_whatever_a_test_before_did(self, ready, time):
        store = ready.store()
        assert rows_of(store) == ready.made

        store.purge("cakes")
        store.put("note", "n", 1)

    @pytest.mark.parametrize("time", [1, 2])
    def test_has_them_again_whatever_was_done_by_its_url(self, ready, time):
        with docstore.connect(ready.url) as store:
            assert rows_of(store) == ready.made
            store.purge("cakes")

    @pytest.mark.parametrize("time", [1, 2])
    def test_has_its_own_tables_again(self, ready, time):
        store = ready.store()
        assert set(sa.inspect(store.engine).get_table_names()) >= {*metadata.tables}

        with store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE tags RENAME TO labels")

    def test_is_not_the_one_to_which_a_test_kept_a_connection(self, ready_databases, backend):
        before = ready_databases.ready(backend).store().engine

        with before.connect() as connection:
            after = ready_databases.ready(backend).store().engine
            connection.invalidate()

        assert after.dialect is not before.dialect

    def test_has_stores_that_know_nothing_of_one_another(self, ready):
        seen = []
        one, other = ready.store(author="ada"), ready.store(author="bob")
        sa.event.listen(one.engine, "before_cursor_execute", lambda *call: seen.append(call))

        assert other.put("note", "n", 1).author == "bob"
        assert one.get("n", kind="note") == 1
        assert {"INSERT"}.isdisjoint(call[2].split()[0] for call in seen)


def test_without_a_state_nothing_is_in_it(ready):
    assert ready.store().find().first() is None
