"""``Store.refresh``: an object in hand is brought up to the newest version; its local changes stay, unsaved."""

from __future__ import annotations

import copy

import pytest
import sqlalchemy as sa
from counting import encoded_by, statements_of

from docstore.errors import ConflictError, DocumentExistsError, DocumentNotFoundError, NameChangedError
from docstore.model import GenerationNode, GenerationStrategy
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment


@pytest.fixture
def mine(ada):
    """An experiment of three trials, saved by Ada."""
    made = new_experiment(trials=3)
    ada.save(made)
    return made


@pytest.fixture
def bob_saves(bob, mine):
    """Lets Bob change the experiment, and save it: ``bob_saves(lambda theirs: ...)``."""

    def bob_saves(change):
        theirs = bob.load("cakes")
        change(theirs)
        bob.save(theirs)

    return bob_saves


def note(index, **noted):
    return lambda experiment: experiment.trials[index].run_metadata.update(noted)


def describe(text):
    return lambda experiment: setattr(experiment, "description", text)


class TestOthersHaveSaved:
    def test_their_changes_come_and_mine_stay_to_be_saved(self, ada, mine, bob_saves):
        trial = mine.trials[0]
        bob_saves(note(0, by="bob"))
        note(1, by="ada")(mine)

        assert ada.refresh(mine).number == 2

        assert mine.trials[0] is trial
        assert [each.run_metadata for each in mine.trials.values()] == [{"by": "bob"}, {"by": "ada"}, {}]
        assert len(ada.history("cakes")) == 2
        assert [change.path for change in ada.save(mine).changes] == ["/trials/1/run_metadata/by"]
        assert identity(ada.load("cakes")) == identity(mine)

    def test_an_object_without_changes_is_the_newest_version_then(self, ada, mine, bob_saves):
        bob_saves(lambda theirs: (describe("theirs")(theirs), add_trial(theirs, 0.5)))

        ada.refresh(mine)

        assert identity(ada.load("cakes")) == identity(mine)
        assert ada.save(mine).number == 2

    def test_a_new_trial_of_mine_gets_the_next_free_number(self, ada, mine, bob_saves):
        bob_saves(lambda theirs: add_trial(theirs, 0.5))
        trial = mine.new_trial(parameters={"x": 0.75, "flour": "spelt"})

        ada.refresh(mine)

        assert (mine.trials[4], trial.index, trial.arm.name, mine.num_trials) == (trial, 4, "4_0", 5)
        assert ada.load("cakes").num_trials == 4
        assert ada.save_trial(mine, trial).number == 3
        assert identity(ada.load("cakes")) == identity(mine)

    def test_one_place_that_both_changed_is_refused_and_the_object_is_as_it_was(self, ada, mine, bob_saves):
        bob_saves(lambda theirs: (describe("theirs")(theirs), note(0, by="bob")(theirs)))
        describe("mine")(mine)

        with pytest.raises(ConflictError, match="both changed /description"):
            ada.refresh(mine)

        assert (mine.description, mine.trials[0].run_metadata) == ("mine", {})

    def test_what_was_not_saved_of_the_object_stays_so(self, ada, mine, bob_saves):
        note(1, by="ada")(mine)
        describe("mine")(mine)
        bob_saves(note(0, by="bob"))
        ada.save_trial(mine, mine.trials[1])

        ada.refresh(mine)

        assert [each.run_metadata for each in mine.trials.values()] == [{"by": "bob"}, {"by": "ada"}, {}]
        assert [change.path for change in ada.save(mine).changes] == ["/description"]

    def test_the_object_has_the_name_that_they_gave(self, ada, bob, mine):
        bob.rename("cakes", "buns")

        ada.refresh(mine)

        assert mine.name == "buns"
        describe("mine")(mine)
        assert ada.save(mine).number == 3

    def test_a_copy_and_an_object_of_another_store_too(self, ada, bob, mine, bob_saves):
        twin = copy.deepcopy(mine)
        bob_saves(note(0, by="bob"))

        assert (bob.refresh(twin).number, bob.refresh(mine).number) == (2, 2)

        assert twin.trials[0].run_metadata == mine.trials[0].run_metadata == {"by": "bob"}
        note(1, by="ada")(twin)
        assert ada.save(twin).number == 3

    def test_trials_that_were_not_read_are_read_as_they_are_now(self, ada, mine, bob_saves):
        lazy = ada.load("cakes", lazy=True)
        note(1, by="ada")(lazy)
        bob_saves(note(0, by="bob"))

        ada.refresh(lazy)

        assert [each.run_metadata for each in lazy.trials.values()] == [{"by": "bob"}, {"by": "ada"}, {}]
        assert [change.path for change in ada.save(lazy).changes] == ["/trials/1/run_metadata/by"]

    def test_a_place_that_the_program_changes_meanwhile_is_in_conflict_at_the_save(self, ada, mine, bob_saves):
        bob_saves(describe("theirs"))

        def meanwhile(*_):
            mine.description = "mine"

        sa.event.listen(ada.engine, "before_cursor_execute", meanwhile)
        ada.refresh(mine)
        sa.event.remove(ada.engine, "before_cursor_execute", meanwhile)

        assert mine.description == "mine"
        with pytest.raises(ConflictError, match="you changed version 1, and both changed /description"):
            ada.save(mine)

    def test_a_node_of_a_strategy_has_the_changes_of_both(self, ada, bob):
        ada.save(GenerationStrategy([GenerationNode("sobol")], "s"))
        mine, theirs = (store.load("s", kind="generation_strategy") for store in (ada, bob))
        theirs.nodes[0].properties["a"] = 1
        bob.save(theirs)
        mine.nodes[0].should_deduplicate = True

        ada.refresh(mine)

        assert (mine.nodes[0].properties, mine.nodes[0].should_deduplicate) == ({"a": 1}, True)


class TestNobodyHasSaved:
    def test_nothing_is_written_or_changed(self, ada, mine):
        describe("mine")(mine)

        sent = statements_of(ada.engine, ada.refresh, mine)

        assert all(each.lstrip().startswith("SELECT") for each in sent)
        assert (mine.description, ada.load("cakes").description) == ("mine", None)
        assert ada.save(mine).number == 2

    def test_a_store_that_only_reads_does_it_too(self, mine, database, connect):
        reader = connect(database, read_only=True)
        loaded = reader.load("cakes")

        assert reader.refresh(loaded).number == 1


class TestTheNextSave:
    def test_looks_at_few_trials_if_the_object_had_no_changes(self, ada, mine, bob_saves):
        ada.save(mine)  # now the trials are known to be untouched
        bob_saves(note(0, by="bob"))
        ada.refresh(mine)
        note(1, by="ada")(mine)

        encoded = encoded_by(lambda: ada.save(mine))

        assert "/trials/1" in encoded
        assert "/trials/2" not in encoded


class TestThereIsNothingToRefreshFrom:
    def test_an_object_that_was_never_saved_is_refused(self, ada):
        with pytest.raises(DocumentNotFoundError, match="cakes"):
            ada.refresh(new_experiment())

    def test_an_object_that_was_made_anew_is_refused(self, ada, mine):
        with pytest.raises(DocumentExistsError, match="cakes"):
            ada.refresh(new_experiment())

    def test_a_document_that_was_deleted_is_missed(self, ada, mine):
        ada.delete("cakes")

        with pytest.raises(DocumentNotFoundError, match="cakes"):
            ada.refresh(mine)

    def test_an_object_with_another_name_is_refused(self, ada, mine):
        mine.name = "buns"

        with pytest.raises(NameChangedError):
            ada.refresh(mine)
