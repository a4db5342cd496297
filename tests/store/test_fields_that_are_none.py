"""Fields of docstore's own objects that are None, which are not stored, are None wherever a store is asked for them."""

from __future__ import annotations

import pytest
from stored_forms import every_member, no_nulls, save_as

from docstore.documents.canonical import ABSENT
from docstore.errors import DecodeError
from docstore.testing.experiments import new_experiment

pytest_plugins = ["ready"]

pytestmark = pytest.mark.usefixtures("forgotten")


@pytest.fixture
def store(ready):
    return ready.store()


def four_versions(store):
    """The first has nulls, as of an older program; the others do not. The third alone has values."""
    experiment = new_experiment(trials=1)
    save_as(store, experiment, every_member)
    save_as(store, experiment, no_nulls)
    experiment.description, experiment.trials[0].ttl_seconds = "rye", 60
    save_as(store, experiment, no_nulls)
    experiment.description, experiment.trials[0].ttl_seconds = None, None
    save_as(store, experiment, no_nulls)


class TestADocumentThatHadNulls:
    """Version 1 has nulls, versions 2 and 4 lack these members, version 3 has values there."""

    @pytest.fixture
    def state(self):
        return four_versions

    @pytest.mark.parametrize(("pointer", "value"), [("/description", "rye"), ("/trials/0/ttl_seconds", 60)])
    def test_has_none_there_at_each_version_and_whatever_the_default(self, store, pointer, value):
        got = [store.get("cakes", pointer=pointer, version=version, default=5) for version in (1, 2, 3, 4, None)]

        assert got == [None, None, value, None, None]

    def test_has_none_deep_inside_a_trial(self, store):
        assert store.get("cakes", pointer="/trials/0/generator_run/fit_time") is None

    @pytest.mark.parametrize("pointer", ["/trials/0/ttl_second", "/properties/description", "/trials/1/ttl_seconds"])
    def test_has_nothing_elsewhere(self, store, pointer):
        with pytest.raises(DecodeError, match=pointer.removesuffix("/ttl_seconds")):
            store.get("cakes", pointer=pointer)
        assert store.get("cakes", pointer=pointer, default=5) == 5

    def test_is_got_whole_as_it_is_stored(self, store):
        assert ["description" in store.get("cakes", version=version) for version in (1, 2)] == [True, False]

    @pytest.mark.parametrize(("pointer", "value"), [("/description", "rye"), ("/trials/0/ttl_seconds", 60)])
    def test_changed_from_none_and_to_none_and_not_when_its_nulls_were_left_out(self, store, pointer, value):
        changes = [(change.number, change.old, change.new) for change in store.blame("cakes", pointer)]

        assert changes == [(4, value, None), (3, None, value), (1, ABSENT, None)]
        assert [version.number for version in store.history("cakes", pointer=pointer)] == [4, 3, 1]

    def test_has_a_trial_that_did_not_change_when_its_nulls_were_left_out(self, store):
        assert [change.number for change in store.blame("cakes", "/trials/0")] == [4, 3, 1]

    def test_differs_in_words_by_its_values_alone(self, store):
        assert str(store.diff("cakes", 1, 2)) == "no difference"
        assert store.diff("cakes", 1, 3).words == ("description: null -> rye", "trial 0: ttl_seconds null -> 60")
        assert store.diff("cakes", 3).words == ("description: rye -> null", "trial 0: ttl_seconds 60 -> null")

    def test_is_at_no_version_damaged(self, store):
        assert store.verify() == []
