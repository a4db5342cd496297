"""``load(name, lazy=True)``: the same experiment, whose trials are read only when they are first asked for."""

from __future__ import annotations

import copy
import operator
import pickle
import re
import sys
import threading
import types
from typing import Any

import pytest
import sqlalchemy as sa
from counting import rows_of, statements_of, steps_of

from docstore.codec.live.live_object import LiveObject
from docstore.errors import (
    ConflictError,
    DamagedDocumentError,
    DocumentNotFoundError,
    InvalidValueError,
    StoreClosedError,
    VersionNotFoundError,
)
from docstore.model import Arm, BatchTrial, GenerationNode, GenerationStrategy
from docstore.model.lazy_part_dict import LazyPartDict
from docstore.model.part_dict import PartDict, in_memory
from docstore.registry.bundle import mapper_of
from docstore.sql.tables import versions
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment, new_multi_type_experiment, observe


def change(experiment: Any, index: int, value: Any = 1) -> None:
    experiment.trials[index].run_metadata["changed"] = value


def content(experiment: Any) -> Any:
    return identity(mapper_of().encode(experiment))


def bodies_read(store: Any, function: Any, *arguments: Any) -> int:
    """Return how many statements *function* sends that read the bodies of parts."""
    sent = statements_of(store.engine, function, *arguments)
    reads = [each for each in sent if each.lstrip().startswith("SELECT") and re.search(r"\bbody\b", each)]
    return len(reads)


@pytest.fixture
def ada(ada: Any) -> Any:
    """Ada's store, in which an experiment of four trials is."""
    experiment = new_experiment()
    for mean in range(4):
        add_trial(experiment, mean)
    ada.save(experiment)
    return ada


@pytest.fixture
def lazy(ada: Any) -> Any:
    return ada.load("cakes", lazy=True)


class TestAnExperimentThatIsLoadedLazily:
    def test_is_exactly_the_one_that_was_saved(self, ada, lazy):
        assert identity(lazy) == identity(ada.load("cakes"))

    def test_equals_the_one_that_was_saved(self, ada, lazy):
        assert ada.load("cakes") == lazy

    def test_has_dicts_that_are_not_unequal(self, ada, lazy):
        whole = ada.load("cakes")

        assert not operator.ne(lazy.trials, whole.trials)
        assert not operator.ne(dict(whole._data), lazy._data)

    @pytest.mark.parametrize("key", [1, True, 1.0])
    def test_gives_up_a_trial_by_any_equal_key(self, ada, lazy, key):
        assert lazy.trials.pop(key).index == 1

        ada.save(lazy)
        assert list(ada.load("cakes").trials) == [0, 2, 3]

    def test_of_several_types_is_too(self, store):
        store.save(new_multi_type_experiment())

        assert identity(store.load("cakes", lazy=True)) == identity(store.load("cakes"))

    def test_gives_the_same_trial_each_time(self, lazy):
        assert lazy.trials[1] is lazy.trials[1]
        assert lazy.trials.get(1) is list(lazy.trials.values())[1]

    def test_has_trials_that_know_it_and_parameters_in_their_order(self, lazy):
        assert lazy.trials[1].experiment is lazy
        assert list(lazy.trials[1].arm.parameters) == ["x", "flour"]

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
    def test_is_copied_whole(self, ada, lazy, copied):
        made = copied(lazy)

        assert type(copied(lazy._trials)) is PartDict
        assert identity(type(lazy._trials)(lazy._trials)) == identity(made._trials)
        assert identity(made) == identity(ada.load("cakes"))
        change(made, 1)
        ada.save(made)
        assert content(ada.load("cakes")) == content(made)

    def test_needs_no_store_once_all_is_read(self, ada, lazy):
        list(lazy.trials.values()), lazy.data  # reads all
        ada.close()

        assert lazy.trials[3].index == 3

    def test_gives_one_trial_to_threads_that_ask_at_once(self, lazy):
        found: list[Any] = []
        threads = [threading.Thread(target=lambda: found.append(lazy.trials[2])) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [trial is lazy.trials[2] for trial in found] == [True] * 4

    @pytest.mark.parametrize("read", [lambda lazy: lazy.arms_by_name, lambda lazy: lazy.new_trial()])
    def test_is_read_while_another_thread_adds_trials(self, lazy, read):
        """A thread may be interrupted after any call: here a trial is added after each that goes over the keys."""
        del lazy.trials[3]  # so that a new trial needs the keys
        added: list[int] = []

        def add(frame: types.FrameType, event: str, _: Any) -> None:
            if event == "return" and frame.f_code in (LazyPartDict.__iter__.__code__, LazyPartDict.__len__.__code__):
                added.append(100 + len(added))
                dict.__setitem__(lazy._trials, added[-1], lazy._trials[0])

        sys.setprofile(add)
        try:
            read(lazy)
        finally:
            sys.setprofile(None)

        assert {*lazy.trials} >= {0, 1, 2, *added}


class TestWhatIsRead:
    def test_is_no_other_trial_to_save_one_whose_number_others_took(self, ada, bob, lazy):
        others = bob.load("cakes")
        others.new_trial(parameters={"x": 0.75, "flour": "rye"})
        bob.save(others)
        trial = lazy.new_trial(parameters={"x": 0.875, "flour": "rye"})

        sent = statements_of(ada.engine, ada.save_trial, lazy, trial)

        assert not any("documents.digest" in each for each in sent if "path != ''" in each)  # which are of all trials
        assert (trial.index, trial.arm.name) == (5, "5_0")
        assert [index for index, _ in in_memory(lazy.trials)] == [4, 5]  # 4 is that of theirs

    def test_is_no_body_for_the_number_of_trials_and_their_keys(self, ada, lazy):
        def ask() -> None:
            assert (len(lazy.trials), list(lazy.trials), 3 in lazy.trials) == (4, [0, 1, 2, 3], True)

        assert bodies_read(ada, ask) == 0
        assert statements_of(ada.engine, ask) == []

    def test_is_one_trial_by_itself(self, ada, lazy):
        assert bodies_read(ada, lambda: lazy.trials[1]) == 1
        assert bodies_read(ada, lambda: lazy.trials[1]) == 0

    @pytest.mark.parametrize(
        "ask",
        [
            lambda e: list(e.trials.values()),
            lambda e: e.arms_by_name,
            lambda e: e.trials_by_status,
            lambda e: e.data,
            lambda e: list(reversed(e.trials.items())),
            lambda e: None in e.trials.values(),
        ],
    )
    def test_is_all_of_them_together(self, ada, lazy, ask):
        assert bodies_read(ada, ask, lazy) == 1
        assert bodies_read(ada, ask, lazy) == 0

    @pytest.mark.parametrize(
        "ask", [lambda e: dict(e.trials), lambda e: {**e.trials}, lambda e: [e.trials[key] for key in e.trials]]
    )
    def test_is_more_each_time_if_one_after_another_is_asked_for(self, ada, ask):
        experiment = ada.load("cakes")
        for _ in range(12):
            add_trial(experiment)
        ada.save(experiment)

        assert bodies_read(ada, ask, ada.load("cakes", lazy=True)) == 5  # 1, 2, 4, 8 and 1 of 16

    def test_is_only_the_head_of_what_a_save_replaces(self, ada, lazy):
        lazy.description = "new"

        assert bodies_read(ada, ada.save, lazy) == 1
        assert ada.load("cakes") == lazy

    def test_is_no_trial_in_a_save_of_a_new_one(self, ada, lazy):
        trial = lazy.new_trial(parameters={"x": 0.5, "flour": "rye"})

        assert bodies_read(ada, ada.save, lazy) == 0
        change(lazy, 4)
        assert bodies_read(ada, ada.save_trial, lazy, trial) == 1  # the one that it replaces

    def test_is_one_trial_in_a_save_of_it(self, ada, lazy):
        trial = lazy.trials[1]
        trial.run_metadata["changed"] = True

        assert bodies_read(ada, ada.save_trial, lazy, trial) == 1
        assert content(ada.load("cakes")) == content(lazy)


class TestAProgramThatWasJustStarted:
    """It loads an experiment, adds a trial and saves it, which costs the same whatever trials there are."""

    @staticmethod
    def resume(store: Any, name: str) -> None:
        experiment = store.load(name, lazy=True)
        trial = experiment.new_trial(parameters={"x": 0.875, "flour": "rye"})
        trial.complete({"taste": 0.5})
        store.save(experiment)

    @pytest.fixture
    def sizes(self, ada: Any) -> dict[str, int]:
        """The names of experiments, and how many trials they have."""
        sizes = {"few": 30, "many": 300}
        for name, trials in sizes.items():
            ada.save(new_experiment(name, trials=trials))
        return sizes

    def test_sends_as_many_statements(self, ada, sizes):
        few, many = (len(statements_of(ada.engine, self.resume, ada, name)) for name in sizes)

        assert few == many <= 11

    def test_reads_as_many_rows(self, ada, sizes):
        few, many = (len(rows_of(ada.engine, "SELECT", lambda name=name: self.resume(ada, name))) for name in sizes)

        assert few == many <= 6

    @pytest.mark.parametrize("backend", ["sqlite"])
    def test_lets_the_database_look_at_no_other_trial(self, ada, sizes):
        self.resume(ada, "few")
        few, many = (steps_of(ada.engine, lambda name=name: self.resume(ada, name)) for name in sizes)

        assert many < 1.1 * few

    def test_has_saved_it(self, ada, sizes):
        for name in sizes:
            self.resume(ada, name)

        assert [ada.load(name).num_trials for name in sizes] == [31, 301]
        assert ada.load("many").trials[300].arm.name == "300_0"
        assert ada.verify() == []


class TestANewTrial:
    def test_gets_the_name_of_a_known_arm(self, lazy):
        known = {"x": 2 / 2**20, "flour": "rye"}

        assert lazy.new_trial(parameters=known).arm.name == "2_0"

    def test_gets_the_name_of_a_known_arm_of_a_batch(self, ada):
        experiment = ada.load("cakes")
        batch = experiment.new_batch_trial().add_arm(Arm({"x": 0.75, "flour": "spelt"}))
        ada.save(experiment)
        assert isinstance(batch, BatchTrial)

        trial = ada.load("cakes", lazy=True).new_trial(parameters={"x": 0.75, "flour": "spelt"})

        assert trial.arm.name == "4_0"

    def test_may_not_have_a_name_that_is_taken(self, lazy):
        with pytest.raises(InvalidValueError, match="Other parameters have it"):
            lazy.new_trial().add_arm(Arm({"x": 0.5, "flour": "rye"}, name="2_0"))

    def test_gets_the_next_number(self, lazy):
        assert add_trial(lazy).index == 4

    def test_knows_the_arms_as_they_were_loaded(self, ada, bob, lazy):
        his = bob.load("cakes")
        his.trials[2].generator_run.arms[0]._name = "other"
        his._data.pop(2)
        bob.save(his)

        trial = lazy.new_trial(parameters={"x": 2 / 2**20, "flour": "rye"})

        assert trial.arm.name == "2_0"


class TestWhatOthersSavedSince:
    def test_does_not_show_in_what_is_read_later(self, ada, bob, lazy):
        before = ada.load("cakes")
        his = bob.load("cakes")
        change(his, 1)
        his.trials.pop(3), his._data.pop(3)
        add_trial(his)
        bob.save(his)

        assert identity(lazy) == identity(before)

    def test_comes_in_by_a_merge_and_is_read_as_it_is_then(self, ada, bob, lazy):
        his = bob.load("cakes")
        change(his, 1)
        add_trial(his)
        bob.save(his)
        lazy.description = "hers"

        assert bodies_read(ada, ada.save, lazy) > 0

        change(his, 1, "after the merge")
        bob.save(his)
        assert lazy.trials[1].run_metadata == {"changed": 1}
        assert lazy.num_trials == 5

    @pytest.mark.parametrize("lazy", [True, False])
    def test_puts_the_trials_in_order(self, ada, bob, lazy):
        hers = ada.load("cakes", lazy=lazy)
        hers.trials[1] = hers.trials.pop(1)
        his = bob.load("cakes")
        change(his, 2)
        bob.save(his)
        hers.description = "hers"
        ada.save(hers)

        assert list(hers.trials) == [0, 1, 2, 3]

    @pytest.mark.parametrize("lazy", [True, False])
    def test_leaves_trials_in_their_order_until_it_comes_in(self, ada, lazy):
        hers = ada.load("cakes", lazy=lazy)
        hers.trials[1] = hers.trials.pop(1)
        hers.trials[2] = hers.trials[2]

        assert list(hers.trials) == [0, 2, 3, 1]

    def test_is_removed_by_a_merge(self, ada, bob, lazy):
        his = bob.load("cakes")
        his.trials.pop(1), his._data.pop(1)
        bob.save(his)
        lazy.description = "hers"
        ada.save(lazy)

        assert list(lazy.trials) == [0, 2, 3]
        assert identity(ada.load("cakes")) == identity(lazy)

    def test_under_the_number_of_a_new_trial_moves_it(self, ada, bob, lazy):
        his = bob.load("cakes")
        his.new_trial(parameters={"x": 0.25, "flour": "rye"})
        bob.save(his)
        mine = lazy.new_trial(parameters={"x": 0.5, "flour": "rye"})

        ada.save_trial(lazy, mine)

        assert (mine.index, mine.arm.name) == (5, "5_0")
        ada.save(lazy)
        assert content(ada.load("cakes")) == content(lazy)

    def test_and_is_merged_while_a_trial_is_read_is_read_again(self, ada, bob, lazy):
        his = bob.load("cakes")
        change(his, 1)
        bob.save(his)
        lazy.description = "hers"
        saved: list[Any] = []

        def save(frame: types.FrameType, event: str, argument: Any) -> None:
            if event == "call" and frame.f_code is LiveObject.decoded.__code__ and not saved:
                saved.append(True)
                ada.save(lazy)

        sys.setprofile(save)
        try:
            trial = lazy.trials[1]
        finally:
            sys.setprofile(None)

        assert saved
        assert trial.run_metadata == {"changed": 1}
        assert content(ada.load("cakes")) == content(lazy)

    def test_in_the_same_place_is_a_conflict(self, ada, bob, lazy):
        his = bob.load("cakes")
        change(his, 1, "his")
        bob.save(his)
        change(lazy, 1, "hers")

        with pytest.raises(ConflictError, match="/trials/1/run_metadata/changed"):
            ada.save(lazy)

    def test_gives_its_arms_their_names_after_a_merge(self, ada, bob, lazy):
        known = lazy.new_batch_trial().index
        ada.save(lazy)
        lazy = ada.load("cakes", lazy=True)
        add_trial(lazy)
        his = bob.load("cakes")
        his.trials[known].add_arm(Arm({"x": 0.5, "flour": "rye"}))
        bob.save(his)
        ada.save(lazy)

        assert lazy.new_trial(parameters={"x": 0.5, "flour": "rye"}).arm.name == f"{known}_0"

    def test_is_overwritten_if_asked_for(self, ada, bob, lazy):
        his = bob.load("cakes")
        change(his, 1, "his")
        bob.save(his)

        with pytest.warns(UserWarning, match="overwrite"):
            ada.save(lazy, on_conflict="overwrite")

        assert content(ada.load("cakes")) == content(lazy)
        assert lazy.trials[1].run_metadata == {}

    def test_by_another_store_with_the_same_object_is_kept(self, ada, bob, lazy):
        his = bob.load("cakes")
        change(his, 1, "his")
        bob.save(his)
        lazy.description = "hers"
        bob.save(lazy)
        change(lazy, 2)
        ada.save(lazy)

        assert content(ada.load("cakes")) == content(lazy)
        assert lazy.trials[1].run_metadata == {"changed": "his"}


class TestWhatCannotBeReadAnyMore:
    def test_as_the_store_is_closed(self, ada, lazy):
        ada.close()

        with pytest.raises(StoreClosedError) as raised:
            lazy.trials[1]  # reads it

        assert "lazy=True" in raised.value.__notes__[0]

    def test_is_noticed_before_another_store_saves_a_trial(self, ada, bob, lazy):
        trial = lazy.trials[1]
        his = bob.load("cakes")
        observe(his, 1, 7.0, "crust")
        bob.save(his)
        ada.close()
        trial.run_metadata["changed"] = "hers"

        with pytest.raises(StoreClosedError, match="is closed"):
            bob.save_trial(lazy, trial)

        assert bob.load("cakes").trials[1].run_metadata == {}

    def test_as_the_document_was_purged(self, ada, bob, lazy):
        bob.purge("cakes")

        with pytest.raises(DocumentNotFoundError, match="purged since it was loaded"):
            lazy.trials[1]  # as above

    def test_as_the_version_was_folded(self, ada, bob, lazy):
        his = bob.load("cakes")
        for value in range(3):
            change(his, 1, value)
            bob.save(his)
        bob.compact("cakes", keep=1)

        assert lazy.trials[2].index == 2
        with pytest.raises(VersionNotFoundError, match="folded"):
            lazy.trials[1]  # as above

    def test_as_it_is_damaged(self, ada, lazy):
        with ada.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE documents SET body = '{}' WHERE path = '/trials/1'")

        with pytest.raises(DamagedDocumentError, match="/trials/1"):
            lazy.trials[1]  # as above

    @pytest.mark.parametrize("ask", [lambda e: len(e.trials), lambda e: list(e.data.records), copy.deepcopy])
    def test_is_noticed_by_who_asks_for_all_if_a_row_is_missing(self, ada, lazy, ask):
        with ada.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM documents WHERE path = '/trials/1'")

        with pytest.raises(DamagedDocumentError, match="its rows"):
            ask(lazy)

    @pytest.mark.parametrize(("column", "value"), [("body", "{}"), ("digest", "0" * 64), ("parts_digest", "1:AAAA")])
    def test_is_noticed_at_once_if_the_head_is_damaged(self, ada, column, value):
        with ada.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE documents SET {column} = '{value}' WHERE path = ''")

        with pytest.raises(DamagedDocumentError, match="its head"):
            ada.load("cakes", lazy=True)

    def test_as_the_history_was_edited(self, ada, bob):
        his = bob.load("cakes")
        change(his, 1, "first")
        bob.save(his)
        lazy = ada.load("cakes", lazy=True)
        change(his, 1, "second")
        bob.save(his)
        edited = '[{"old":"edited","op":"replace","path":"/trials/1/run_metadata/changed"}]'
        with ada.engine.begin() as connection:
            connection.execute(sa.update(versions).where(versions.c.version == 3).values(changes=edited))

        with pytest.raises(DamagedDocumentError, match="another digest"):
            lazy.trials[1]  # as above

    def test_as_the_database_was_put_back(self, ada, bob, lazy):
        lazy.description = "hers"
        ada.save(lazy)
        with ada.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE versions SET digest = chain")

        with pytest.raises(DamagedDocumentError, match=r"version 2.*put back"):
            lazy.trials[1]  # as above

    def test_is_read_from_a_document_that_was_deleted(self, ada, bob, lazy):
        bob.delete("cakes")

        assert lazy.trials[1].index == 1


class TestWhatIsLoadedAtOnce:
    def test_is_an_older_version(self, ada):
        experiment = ada.load("cakes")
        change(experiment, 1)
        ada.save(experiment)

        assert ada.load("cakes", version=1, lazy=True).trials[1].run_metadata == {}

    def test_is_another_kind(self, ada):
        strategy = GenerationStrategy([GenerationNode("sobol")], "sobol")
        ada.save(strategy)

        assert identity(ada.load("sobol", kind="generation_strategy", lazy=True)) == identity(strategy)

    def test_needs_true_or_false(self, ada):
        with pytest.raises(InvalidValueError, match="lazy"):
            ada.load("cakes", lazy="yes")
