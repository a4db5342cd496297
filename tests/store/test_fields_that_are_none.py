"""Fields of docstore's own objects that are None, which are not stored, are None wherever a store is asked for them."""

from __future__ import annotations

import pytest
from stored_forms import every_member, no_nulls, save_as

import docstore
from docstore import ConflictError
from docstore.documents.canonical import ABSENT
from docstore.errors import DecodeError, OverwriteWarning
from docstore.testing.experiments import new_experiment

pytest_plugins = ["ready"]

pytestmark = pytest.mark.usefixtures("forgotten")


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


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


@pytest.mark.parametrize("form", [every_member, no_nulls], ids=["with nulls", "without nulls"])
class TestTwoPeopleAndAFieldThatIsNone:
    """Ada and Bob loaded an experiment without a description. Bob saves first."""

    @pytest.fixture
    def readers(self, form, ada, bob):
        save_as(ada, new_experiment(trials=1), form)
        return ada.load("cakes"), bob.load("cakes")

    def test_who_sets_it_beside_other_changes_is_merged(self, ada, bob, readers):
        mine, theirs = readers
        mine.trials[0].ttl_seconds = 60
        theirs.trials[0].status_reason = "burnt"
        bob.save(theirs)

        ada.save(mine)

        assert (mine.trials[0].ttl_seconds, mine.trials[0].status_reason) == (60, "burnt")
        assert docstore.dumps(bob.load("cakes")) == docstore.dumps(mine)

    def test_two_values_are_a_conflict_with_none_as_base(self, ada, bob, readers):
        mine, theirs = readers
        mine.description, theirs.description = "rye", "spelt"
        bob.save(theirs)

        assert [str(line) for line in ada.status(mine).lines][-1] == "conflict: description spelt -> rye"
        with pytest.raises(ConflictError) as raised:
            ada.save(mine)
        [place] = raised.value.places
        assert (place.pointer, place.base, place.mine, place.theirs) == ("/description", None, "rye", "spelt")

    def test_a_refused_save_lists_it_with_none(self, ada, bob, readers):
        mine, theirs = readers
        mine.properties["a"], theirs.trials[0].ttl_seconds = 1, 60
        bob.save_trial(theirs, theirs.trials[0])

        with pytest.raises(ConflictError) as raised:
            ada.save(mine, on_conflict="error")

        places = {place.pointer: (place.base, place.mine, place.theirs) for place in raised.value.places}
        assert places["/trials/0/ttl_seconds"] == (None, None, 60)

    def test_a_metric_that_one_removes_while_the_other_saves_the_rest_is_removed(self, ada, bob, form):
        experiment = new_experiment()
        experiment.add_tracking_metric(docstore.Metric("crumb"))
        save_as(ada, experiment, form)
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        theirs.remove_tracking_metric("crumb")
        bob.save(theirs)
        mine.description = "rye"

        ada.save(mine)

        assert (mine.description, sorted(mine.metrics)) == ("rye", ["taste"])

    def test_who_overwrites_none_by_a_value_is_warned(self, ada, bob, readers):
        mine = new_experiment(trials=1, description="rye")

        with pytest.warns(OverwriteWarning) as caught:
            ada.save(mine, on_conflict="overwrite")

        assert "/description" in caught[0].message.places


class TestABranchAndAFieldThatIsNone:
    """An experiment of an older program, with nulls, and a branch of it."""

    @pytest.fixture
    def branched(self, ada):
        save_as(ada, new_experiment(trials=1), every_member)
        ada.branch("cakes", "buns")
        return ada.load("cakes"), ada.load("buns")

    def test_what_each_sets_is_merged(self, ada, branched):
        cakes, buns = branched
        cakes.description, buns.trials[0].ttl_seconds = "rye", 60
        ada.save(cakes)
        ada.save(buns)

        ada.merge("buns", "cakes")

        loaded = ada.load("cakes")
        assert (loaded.description, loaded.trials[0].ttl_seconds) == ("rye", 60)

    def test_two_values_are_a_conflict_with_none_as_base(self, ada, branched):
        for experiment, description in zip(branched, ("rye", "spelt"), strict=True):
            experiment.description = description
            ada.save(experiment)

        with pytest.raises(ConflictError) as raised:
            ada.merge("buns", "cakes")

        [place] = raised.value.places
        assert (place.pointer, place.base, place.mine, place.theirs) == ("/description", None, "spelt", "rye")
