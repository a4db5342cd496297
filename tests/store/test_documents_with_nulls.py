"""Documents that a program wrote with a null for each field that is None: loaded, and saved as they are or changed."""

from __future__ import annotations

import pytest
from stored_forms import every_member, save_as

from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment

pytest_plugins = ["ready"]

pytestmark = pytest.mark.usefixtures("forgotten")


@pytest.fixture
def state():
    return lambda store: save_as(store, new_experiment(trials=2), every_member)


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def loaded(store):
    return store.load("cakes")


class TestADocumentWithNulls:
    def test_loads_as_one_without(self, store, loaded):
        assert store.get("cakes", pointer="/trials/0")["ttl_seconds"] is None
        assert (loaded.description, loaded.trials[0].ttl_seconds) == (None, None)

    def test_that_was_not_touched_gets_no_version(self, store, loaded):
        before = store.history("cakes")

        version = store.save(loaded)

        assert version.number == 1
        assert store.history("cakes") == before
        assert store.save(loaded).number == 1

    def test_of_which_a_trial_was_not_touched_gets_no_version(self, store, loaded):
        assert store.save_trial(loaded, loaded.trials[1]).number == 1

    def test_that_was_changed_gets_a_version_of_the_pieces_that_were(self, store, loaded):
        loaded.trials[1].ttl_seconds = 60

        version = store.save(loaded)

        assert all(each.path.startswith("/trials/1/") for each in version.changes)
        assert identity(store.load("cakes")) == identity(loaded)
        assert store.verify() == []
        assert store.save(loaded).number == 2

    def test_that_another_changed_takes_what_was_changed_here(self, store, loaded):
        theirs = store.load("cakes")
        theirs.trials[0].ttl_seconds = 60
        store.save(theirs)
        loaded.trials[1].ttl_seconds = 90

        store.save(loaded)

        assert [each.ttl_seconds for each in store.load("cakes").trials.values()] == [60, 90]
        assert store.verify() == []
