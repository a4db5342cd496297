"""Generation strategies: named after their experiment, each run a part, and deleted, copied and renamed with it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import orjson
import pytest
import sqlalchemy as sa
from counting import encoded_by, statements_of

import docstore
from docstore.errors import ConflictError, DocumentExistsError, DocumentNotFoundError, NameChangedError
from docstore.model import Arm, GenerationNode, GenerationStrategy, GeneratorRun
from docstore.sql.tables import documents
from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment

KIND = "generation_strategy"


def run(number):
    """Return a run with a time of its own."""
    made = datetime(2026, 1, 1, tzinfo=UTC).replace(microsecond=number)
    return GeneratorRun([Arm({"x": number / 1000})], generator_key="Sobol", time_created=made)


def strategy_of(experiment, runs=0, name="Sobol+BoTorch"):
    strategy = GenerationStrategy([GenerationNode("Sobol"), GenerationNode("BoTorch")], name, experiment)
    for number in range(runs):
        strategy.add_generator_run(run(number))
    return strategy


def keys(strategy):
    """The arms of its runs, as numbers."""
    return [round(each.arms[0].parameters["x"] * 1000) for each in strategy.generator_runs]


class TestTheStrategiesOfTwoExperiments:
    """Both have one name, as those that a program makes for each experiment."""

    @pytest.fixture(autouse=True)
    def both(self, store):
        for number, name in enumerate(("cakes", "bread")):
            store.save(new_experiment(name))
            store.save(strategy_of(name, runs=number))

    def test_stand_side_by_side_under_the_names_of_the_experiments(self, store):
        found = {name: store.load(name, kind=GenerationStrategy) for name in ("cakes", "bread")}

        assert {name: (each.name, len(each.generator_runs)) for name, each in found.items()} == {
            "cakes": ("Sobol+BoTorch", 0),
            "bread": ("Sobol+BoTorch", 1),
        }
        assert store.verify(decode=True) == []

    def test_are_one_for_each_experiment(self, store):
        with pytest.raises(DocumentExistsError, match="'cakes'"):
            store.save(strategy_of("cakes", name="another"))

    def test_leave_their_own_name_to_one_without_an_experiment(self, store):
        store.save(strategy_of(None, runs=3))

        assert len(store.load("Sobol+BoTorch", kind=KIND).generator_runs) == 3

    @pytest.mark.parametrize("other", ["bread", "rolls", None])
    def test_are_not_moved_to_another_experiment_by_a_save(self, store, other):
        strategy = store.load("cakes", kind=KIND)
        strategy.experiment_name = other

        with pytest.raises(NameChangedError, match="is named after it: give the object its former experiment again"):
            store.save(strategy)

    def test_may_be_made_anew_for_another_experiment(self, store):
        copied = copy.deepcopy(store.load("bread", kind=KIND))
        copied.experiment_name = "rolls"

        store.save(copied, as_new=True)

        assert len(store.load("rolls", kind=KIND).generator_runs) == 1
        assert store.load("bread", kind=KIND).experiment_name == "bread"

    def test_are_each_in_a_history_of_its_own(self, store):
        strategy = store.load("bread", kind=KIND)
        strategy.add_generator_run(run(7))
        store.save(strategy)

        assert [version.places for version in store.history("bread", kind=KIND)] == [("/generator_runs/1",), ("",)]
        assert len(store.history("cakes", kind=KIND)) == 1
        assert str(store.diff("bread", 1, 2, kind=KIND)) == "generator_run 1: added"
        assert [each.version.number for each in store.blame("bread", "/generator_runs/1", kind=KIND)] == [2]


class TestOneMoreRun:
    @pytest.fixture
    def strategy(self, store, request):
        strategy = strategy_of("cakes", runs=request.param)
        store.save(strategy)
        return strategy

    @pytest.mark.parametrize("strategy", [10, 100], indirect=True, ids=str)
    def test_writes_itself_and_the_head_row_however_many_there_are(self, store, strategy):
        strategy.add_generator_run(run(500))

        version = store.save(strategy)

        added = f"/generator_runs/{len(keys(strategy)) - 1}"
        written = sa.select(documents.c.path, documents.c.body).where(documents.c.version == version.number)
        with store.engine.connect() as connection:
            bodies = {path: str(body) for path, body in connection.execute(written)}
        assert bodies.keys() == {"", added}
        assert sum(map(len, bodies.values())) < 2000
        assert version.places == (added,)

    @pytest.mark.parametrize("strategy", [10, 100], indirect=True, ids=str)
    def test_sends_as_many_statements_as_ever(self, store, strategy):
        strategy.add_generator_run(run(500))

        assert len(statements_of(store.engine, store.save, strategy)) <= 5

    @pytest.mark.parametrize("strategy", [10], indirect=True, ids=str)
    def test_may_be_saved_with_the_head_alone(self, store, strategy):
        strategy.add_generator_run(added := run(500))
        strategy.current_node_name = "BoTorch"
        strategy.generator_runs[3].gen_time = 5.0

        version = store.save(strategy, parts=[added])

        assert version.places == ("/current_node_name", "/generator_runs/10")

    @pytest.mark.parametrize("strategy", [10, 100], indirect=True, ids=str)
    def test_is_all_that_is_encoded_also_after_one_that_was_saved_with_the_head_alone(self, store, strategy):
        strategy.add_generator_run(run(499))
        store.save(strategy)  # the second save of an object knows what it has looked at
        strategy.add_generator_run(added := run(500))
        store.save(strategy, parts=[added])
        del added
        strategy.add_generator_run(run(501))

        newest = len(strategy._generator_runs) - 1
        paths = ["", f"/generator_runs/{newest - 1}", f"/generator_runs/{newest}"]
        assert encoded_by(lambda: store.save(strategy)) == paths

    @pytest.mark.parametrize("strategy", [3], indirect=True, ids=str)
    def test_is_loaded_exactly_in_its_order(self, store, strategy):
        for number in range(100, 110):
            strategy.add_generator_run(run(number))
            store.save(strategy)

        found = store.load("cakes", kind=KIND)
        assert identity(found) == identity(strategy)
        assert keys(found) == [0, 1, 2, *range(100, 110)]
        assert keys(store.load("cakes", kind=KIND, version=3)) == [0, 1, 2, 100, 101]


class TestTwoProcessesThatAddRuns:
    """Both loaded the strategy with two runs."""

    @pytest.fixture
    def two(self, ada, bob):
        ada.save(new_experiment("cakes"))
        ada.save(strategy_of("cakes", runs=2))
        return ada.load("cakes", kind=KIND), bob.load("cakes", kind=KIND)

    def test_keep_all_of_them_as_trials_under_one_number(self, ada, bob, two):
        adas, bobs = two
        adas.add_generator_run(run(10))
        ada.save(adas)
        bobs.add_generator_run(mine := run(20))
        bobs.add_generator_run(run(21))

        bob.save(bobs)

        assert keys(bobs) == keys(ada.load("cakes", kind=KIND)) == [0, 1, 10, 20, 21]
        assert bobs.generator_runs[3] is mine
        assert identity(bobs) == identity(ada.load("cakes", kind=KIND))
        assert bob.save(bobs).number == 3

    def test_keep_all_of_them_if_only_the_new_ones_are_saved(self, ada, bob, two):
        adas, bobs = two
        adas.add_generator_run(run(10))
        ada.save(adas, parts=adas.generator_runs[2:])
        bobs.add_generator_run(run(20))

        bob.save(bobs, parts=bobs.generator_runs[2:])

        assert keys(ada.load("cakes", kind=KIND)) == [0, 1, 10, 20]
        assert keys(bobs) == [0, 1, 10, 20]

    def test_have_one_run_that_both_have(self, ada, bob, two):
        adas, bobs = two
        for each in two:
            each.add_generator_run(run(10))
        ada.save(adas)
        bobs.add_generator_run(run(11))

        bob.save(bobs)

        assert keys(bobs) == [0, 1, 10, 11]

    def test_conflict_where_both_change_one_run(self, ada, bob, two):
        for number, each in enumerate(two):
            each.generator_runs[1].gen_time = float(number)
        ada.save(two[0])

        with pytest.raises(ConflictError) as caught:
            bob.save(two[1])

        assert [place.pointer for place in caught.value.places] == ["/generator_runs/1/gen_time"]

    def test_add_each_to_a_branch_and_merge_them(self, ada, two):
        ada.branch("cakes", "cakes 2", kind=KIND)
        for name, number in (("cakes", 10), ("cakes 2", 20)):
            strategy = ada.load(name, kind=KIND)
            strategy.add_generator_run(run(number))
            ada.save(strategy)

        ada.merge("cakes 2", into="cakes", kind=KIND)

        found = ada.load("cakes", kind=KIND)
        assert (keys(found), found.experiment_name) == ([0, 1, 10, 20], "cakes")


class TestAnExperimentWithAStrategy:
    @pytest.fixture(autouse=True)
    def saved(self, store):
        store.save_together([new_experiment("cakes", trials=2), strategy_of("cakes", runs=2)])

    def test_is_deleted_and_brought_back_with_it(self, store):
        store.delete("cakes")

        assert list(store.find()) == []
        store.undelete("cakes")

        assert [(info.kind, info.name) for info in store.find()] == [("experiment", "cakes"), (KIND, "cakes")]
        assert store.verify() == []

    def test_comes_back_without_one_that_was_deleted_before(self, store):
        store.delete("cakes", kind=KIND)
        store.delete("cakes")

        store.undelete("cakes")

        assert [info.kind for info in store.find()] == ["experiment"]

    def test_does_not_come_back_beside_another_strategy_of_its_name(self, store):
        store.delete("cakes")
        store.save(strategy_of("cakes"))

        with pytest.raises(DocumentExistsError, match=r"delete\('cakes', kind='generation_strategy'\)"):
            store.undelete("cakes")

        assert [info.kind for info in store.find()] == [KIND]

    def test_makes_room_for_another_with_another_strategy(self, store):
        store.delete("cakes")
        store.save_together([new_experiment("cakes"), strategy_of("cakes", runs=5)])

        assert len(store.load("cakes", kind=KIND).generator_runs) == 5
        assert store.verify() == []

    def test_is_purged_with_it(self, store):
        store.delete("cakes", kind=KIND)
        store.save(strategy_of("cakes"))

        store.purge("cakes")

        assert [*store.find(), *store.find(deleted=True)] == []
        with pytest.raises(DocumentNotFoundError):
            store.undelete("cakes", kind=KIND)

    def test_is_branched_without_it(self, store):
        store.branch("cakes", "cakes 2")

        with pytest.raises(DocumentNotFoundError):
            store.load("cakes 2", kind=KIND)

    def test_is_copied_with_it(self, store, connect, tmp_path):
        other = connect(f"sqlite:///{tmp_path}/other.db")

        copied = store.copy_to(other, ["cakes"])

        assert [(each.kind, each.status) for each in copied] == [("experiment", "copied"), (KIND, "copied")]
        assert identity(other.load("cakes", kind=KIND)) == identity(store.load("cakes", kind=KIND))
        assert [info.kind for info in other.find(owner="cakes")] == [KIND]

    @pytest.mark.parametrize(("end", "left"), [("purge", [(KIND, "cakes")]), ("delete", [])])
    def test_is_copied_under_another_name_without_the_strategy(self, store, connect, tmp_path, end, left):
        other = connect(f"sqlite:///{tmp_path}/other.db")
        store.copy_to(other, ["cakes"])
        getattr(store, end)("cakes", kind=KIND)
        store.rename("cakes", "bread")

        store.copy_to(other, ["bread"])

        assert [(info.kind, info.name) for info in other.find()] == [("experiment", "bread"), *left]
        assert other.verify() == []

    def test_has_its_own_generator_runs_in_the_view_once(self, store):
        with store.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT trial_index FROM generator_runs ORDER BY trial_index").all()

        assert [index for (index,) in found] == [0, 1]

    def test_finds_the_runs_of_strategies_as_parts(self, store):
        found = store.find(part="generator_run", name="cakes")

        assert sorted(info.path for info in found) == ["/generator_runs/0", "/generator_runs/1"]


class TestAStrategyThatWasSavedBeforeItsExperiment:
    @pytest.fixture(autouse=True)
    def saved(self, store):
        store.save(strategy_of("cakes", runs=2))
        store.save(new_experiment("cakes"))

    def test_is_deleted_with_it(self, store):
        store.delete("cakes")

        assert list(store.find()) == []

    def test_is_brought_back_with_it(self, store):
        store.delete("cakes")

        store.undelete("cakes")

        assert [info.kind for info in store.find(owner="cakes")] == [KIND]
        assert store.verify() == []

    def test_is_purged_with_it_after_both_were_deleted(self, store):
        store.delete("cakes")

        store.purge("cakes")

        assert list(store.find(deleted=True)) == []

    def test_is_renamed_with_it(self, store):
        store.rename("cakes", "bread")

        assert keys(store.load("bread", kind=KIND)) == [0, 1]
        assert [info.name for info in store.find(KIND, owner="bread")] == ["bread"]

    def test_is_purged_with_it(self, store):
        store.purge("cakes")

        assert [*store.find(), *store.find(deleted=True)] == []

    def test_is_not_taken_for_one_without_an_experiment_that_has_its_name(self, store):
        store.save(strategy_of(None, name="bread"))
        store.save(new_experiment("bread"))

        store.delete("bread")

        assert [info.name for info in store.find(KIND)] == ["bread", "cakes"]


class TestAStrategyWithoutAnExperiment:
    def test_is_renamed_as_any_document(self, store):
        store.save(strategy_of(None, name="gs"))

        store.rename("gs", "other", kind=KIND)

        assert store.load("other", kind=KIND).name == "other"

    def test_needs_a_new_document_for_its_experiment(self, store):
        strategy = strategy_of(None, runs=1, name="gs")
        store.save(strategy)
        strategy.experiment_name = "cakes"
        with pytest.raises(NameChangedError):
            store.save(strategy)

        store.save(strategy, as_new=True)

        assert [info.name for info in store.find(KIND)] == ["cakes", "gs"]


def test_runs_that_were_stored_as_a_list_are_read():
    """As they were before each was a part."""
    strategy = strategy_of("cakes", runs=12)
    value = orjson.loads(docstore.dumps(strategy))
    value["generator_runs"] = [value["generator_runs"][str(number)] for number in range(12)]

    assert identity(docstore.loads(orjson.dumps(value))) == identity(strategy)
