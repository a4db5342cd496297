"""A head and some parts of an object, saved without looking at the rest; and several objects saved together."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from counting import encoded_by, statements_of

import docstore
from docstore.errors import ConflictError, DocumentExistsError, DocumentNotFoundError, EncodeError, InvalidValueError
from docstore.model import ExperimentStatus, GenerationNode, GenerationStrategy
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment, observe


@pytest.fixture
def cakes(store):
    cakes = new_experiment("cakes", trials=3)
    store.save(cakes)
    return cakes


class TestAHeadAndSomeParts:
    """``save(experiment, parts=[trial])``."""

    def test_are_saved_and_the_rest_is_not(self, store, cakes):
        cakes.description, cakes.status = "of rye", ExperimentStatus.OPTIMIZATION
        for trial in cakes.trials.values():
            trial.run_metadata["oven"] = 3

        version = store.save(cakes, parts=[cakes.trials[1]])

        found = store.load("cakes")
        assert (found.description, found.status) == ("of rye", ExperimentStatus.OPTIMIZATION)
        assert [trial.run_metadata for trial in found.trials.values()] == [{}, {"oven": 3}, {}]
        assert version.places == ("/description", "/status", "/trials/1/run_metadata/oven")

    def test_take_the_data_of_a_trial_along(self, store, cakes):
        observe(cakes, 2, 0.5)

        store.save(cakes, parts=[cakes.trials[2]])

        assert identity(store.load("cakes").data) == identity(cakes.data)

    def test_are_all_that_is_encoded(self, store, cakes):
        held = list(cakes.trials.values())  # so that each may have changed

        assert encoded_by(lambda: store.save(cakes, parts=[held[1]])) == ["", "/data/1", "/trials/1"]

    def test_may_be_the_head_alone(self, store, cakes):
        cakes.properties["team"] = "vision"
        cakes.trials[0].run_metadata["oven"] = 3

        assert store.save(cakes, parts=[]).places == ("/properties/team",)

    def test_make_no_version_if_they_are_unchanged(self, store, cakes):
        cakes.trials[0].run_metadata["oven"] = 3

        assert store.save(cakes, parts=[cakes.trials[1]]).number == 1

    def test_leave_the_rest_to_a_later_save(self, store, cakes):
        cakes.description = "of rye"
        cakes.trials[0].run_metadata["oven"] = 3
        store.save(cakes, parts=[])

        store.save(cakes)

        assert identity(store.load("cakes")) == identity(cakes)

    def test_are_merged_with_what_others_saved(self, store, cakes):
        theirs = store.load("cakes")
        theirs.properties["team"] = "vision"
        theirs.trials[1].run_metadata["oven"] = 3
        add_trial(theirs)
        store.save(theirs)
        cakes.description = "of rye"
        added = add_trial(cakes)

        store.save(cakes, parts=[added])

        assert (cakes.properties, added.index) == ({"team": "vision"}, 4)
        assert cakes.trials[1].run_metadata == {}  # not asked for
        found = store.load("cakes")
        assert (found.description, found.properties, found.num_trials) == ("of rye", {"team": "vision"}, 5)
        store.save(cakes)
        assert identity(cakes) == identity(store.load("cakes"))

    def test_conflict_where_others_changed_the_head_in_one_place(self, store, cakes):
        theirs = store.load("cakes")
        theirs.description = "of wheat"
        store.save(theirs)
        cakes.description = "of rye"

        with pytest.raises(ConflictError) as caught:
            store.save(cakes, parts=[])

        assert [place.pointer for place in caught.value.places] == ["/description"]

    def test_may_overwrite_the_head(self, store, cakes):
        theirs = store.load("cakes")
        theirs.description = "of wheat"
        store.save(theirs)
        cakes.description = "of rye"

        with pytest.warns(docstore.OverwriteWarning, match="/description"):
            store.save(cakes, parts=[], on_conflict="overwrite")

        assert store.load("cakes").description == "of rye"

    def test_of_a_lazily_loaded_experiment_are_saved_too(self, store, cakes):
        lazy = store.load("cakes", lazy=True)
        lazy.description = "of rye"
        lazy.trials[1].run_metadata["oven"] = 3

        assert store.save(lazy, parts=[lazy.trials[1]]).places == ("/description", "/trials/1/run_metadata/oven")

    def test_of_what_was_never_saved_are_refused(self, store):
        experiment = new_experiment("new", trials=1)

        with pytest.raises(DocumentNotFoundError, match="whole once"):
            store.save(experiment, parts=[experiment.trials[0]])

    def test_of_another_object_are_refused(self, store, cakes):
        with pytest.raises(InvalidValueError, match="part of experiment"):
            store.save(cakes, parts=[new_experiment("other", trials=1).trials[0]])

    def test_make_no_new_document(self, store, cakes):
        with pytest.raises(InvalidValueError, match="leave parts out"):
            store.save(cakes, parts=[], as_new=True)


@pytest.fixture
def strategy():
    return GenerationStrategy([GenerationNode("sobol"), GenerationNode("gp")], "gs", experiment_name="cakes")


def stored(store):
    """The versions of each document."""
    return {(info.kind, info.name): info.version for info in store.find()}


class TestSeveralObjectsSavedTogether:
    """An experiment's new trial, and the strategy that made it."""

    @pytest.fixture
    def changed(self, store, cakes, strategy):
        store.save(strategy)
        strategy.current_node_name = "gp"
        return (cakes, [add_trial(cakes)]), strategy

    def test_have_a_version_each(self, store, changed):
        experiment, strategy = store.save_together(changed, message="trial 3", author="ada")

        assert (experiment.places, strategy.places) == (("/data/3", "/trials/3"), ("/current_node_name",))
        assert {(each.number, each.message, each.author) for each in (experiment, strategy)} == {(2, "trial 3", "ada")}

    def test_are_exactly_what_is_loaded(self, store, changed, cakes, strategy):
        store.save_together(changed)

        assert identity(store.load("cakes")) == identity(cakes)
        assert store.save(cakes).number == store.save(strategy).number == 2

    def test_may_all_be_new(self, store, strategy):
        store.save_together([new_experiment("cakes", trials=1), strategy])

        [found] = store.find(kind="generation_strategy", owner="cakes")
        assert found.version == 1
        assert store.verify() == []

    def test_may_be_unchanged(self, store, changed):
        store.save_together(changed)

        assert [version.number for version in store.save_together(changed)] == [2, 2]

    def test_are_committed_once(self, store, changed):
        commits = []
        sa.event.listen(store.engine, "commit", commits.append)

        store.save_together(changed)

        assert len(commits) == 1

    def test_are_all_merged_with_what_others_saved(self, store, changed, cakes):
        theirs = store.load("cakes")
        add_trial(theirs)
        store.save(theirs)

        store.save_together(changed)

        assert (sorted(cakes.trials), store.load("cakes").num_trials) == ([0, 1, 2, 3, 4], 5)

    def test_are_none_of_them_saved_if_one_conflicts(self, store, changed, cakes, strategy):
        [found] = store.find(kind="generation_strategy")
        theirs = store.load(found.name, kind="generation_strategy")
        theirs.current_node_name = "sobol"
        theirs.nodes[0].properties["a"] = 1
        store.save(theirs)
        strategy.nodes[0].properties["a"] = 2
        before = stored(store)

        with pytest.raises(ConflictError, match=r"/nodes/0/properties/a"):
            store.save_together(changed)

        assert stored(store) == before
        assert store.save_trial(cakes, cakes.trials[3]).number == 2

    def test_are_none_of_them_saved_if_a_name_is_taken(self, store, changed):
        before = stored(store)

        with pytest.raises(DocumentExistsError):
            store.save_together([*changed, new_experiment("cakes")])

        assert stored(store) == before

    def test_are_none_of_them_saved_if_one_cannot_be_encoded(self, store, changed, strategy):
        strategy.nodes[0].properties["a"] = object()
        before = stored(store)

        with pytest.raises(EncodeError, match="object"):
            store.save_together(changed)

        assert stored(store) == before

    def test_are_refused_twice(self, store, cakes):
        with pytest.raises(InvalidValueError, match="there twice"):
            store.save_together([cakes, (cakes, [])])

    @pytest.mark.parametrize("wrong", [(), ("cakes", [], None)], ids=repr)
    def test_are_objects_or_pairs(self, store, wrong):
        with pytest.raises(InvalidValueError, match="a pair of an object and a list of its parts"):
            store.save_together([wrong])

    def test_are_saved_whole_after_a_crash_at_any_statement(self, store, changed, cakes, strategy):
        """Whichever statement fails, nothing is written, and the same objects can be saved again."""
        before, failed = stored(store), 0
        for number in range(100):
            if not _fails_at(store, number, changed):
                break
            failed += 1
            assert stored(store) == before

        assert failed >= 4  # of each document a row and a version at least, or one statement for both
        assert stored(store) == dict.fromkeys(before, 2)
        assert identity(store.load("cakes")) == identity(cakes)
        assert store.verify() == []


def _fails_at(store, number, saves):
    """Save with an error at the statement of that number; return whether there was such a one."""

    class Crash(Exception):
        pass

    sent = []

    def crash(connection, cursor, statement, *rest):
        sent.append(statement)
        if len(sent) > number:
            raise Crash

    sa.event.listen(store.engine, "before_cursor_execute", crash)
    try:
        store.save_together(saves)
    except Crash:
        return True
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", crash)
    return False


def test_one_more_trial_and_the_head_cost_no_more_statements_than_the_trial(store, cakes):
    add_trial(cakes)
    alone = statements_of(store.engine, store.save_trial, cakes, cakes.trials[3])
    add_trial(cakes)
    cakes.description = "of rye"

    assert len(statements_of(store.engine, store.save, cakes, parts=[cakes.trials[4]])) <= len(alone) + 1
