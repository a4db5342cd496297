"""Promises of find, by kind, name, type, status and time; and of the integers that stand for types."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

import docstore
from docstore.errors import InvalidValueError, UnknownCodeError
from docstore.testing.contract.setting import OpenStore, Setting
from docstore.testing.experiments import new_experiment


class ExperimentType(Enum):
    """The types of experiments of a user."""

    DEFAULT = 0
    BAKING = 7


def names(store: docstore.Store, **criteria: Any) -> list[str]:
    """Return the names of what is found."""
    return [info.name for info in store.find(**criteria)]


class SearchPromises(Setting):
    """There are a completed experiment that bakes, a draft of the default type, and a note."""

    @pytest.fixture
    def shelf(self, open_store: OpenStore) -> docstore.Store:
        """The store with the three."""
        store = open_store(experiment_type_enum=ExperimentType)
        done = new_experiment("cakes", experiment_type=ExperimentType.BAKING)
        done.status = docstore.ExperimentStatus.COMPLETED
        store.save(done)
        store.save(new_experiment("bread", experiment_type="DEFAULT"))
        store.put("note", "n1", 1)
        return store

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            ({}, ["bread", "cakes", "n1"]),
            ({"kind": "experiment"}, ["bread", "cakes"]),
            ({"kind": "note"}, ["n1"]),
            ({"name": "cakes"}, ["cakes"]),
            ({"kind": "note", "name": "cakes"}, []),
            ({"kind": "experiment", "type": ExperimentType.BAKING}, ["cakes"]),
            ({"kind": "experiment", "type": "BAKING"}, ["cakes"]),
            ({"kind": "experiment", "type": 7}, ["cakes"]),
            ({"kind": "experiment", "type": 0}, ["bread"]),
            ({"kind": "experiment", "type": 99}, []),
            ({"kind": "experiment", "status": docstore.ExperimentStatus.COMPLETED}, ["cakes"]),
            ({"kind": "experiment", "status": "DRAFT"}, ["bread"]),
            ({"kind": "experiment", "status": ["DRAFT", docstore.ExperimentStatus.COMPLETED]}, ["bread", "cakes"]),
            ({"kind": "experiment", "status": 0}, ["bread"]),
            ({"kind": "experiment", "status": "OPTIMIZATION"}, []),
            ({"kind": "experiment", "status": []}, []),
            ({"kind": "experiment", "type": "BAKING", "status": "DRAFT"}, []),
            ({"deleted": True}, []),
        ],
        ids=str,
    )
    def test_documents_are_found_by(self, shelf: docstore.Store, criteria: dict[str, Any], found: list[str]) -> None:
        assert sorted(names(shelf, **criteria)) == found

    def test_a_found_document_has_what_its_columns_say(self, shelf: docstore.Store) -> None:
        [info] = shelf.find(name="cakes")
        [version] = shelf.history("cakes")

        assert (info.project, info.kind, info.name, info.owner) == ("default", "experiment", "cakes", None)
        assert (info.type, info.status, info.version, info.model) == ("BAKING", "COMPLETED", 1, "docstore")
        assert (info.created_at, info.updated_at, info.deleted_at) == (version.created_at, version.created_at, None)

    @pytest.mark.parametrize("column", ["created", "updated"])
    def test_documents_are_found_by_time_from_the_first_to_before_the_second(
        self, shelf: docstore.Store, column: str
    ) -> None:
        first, second = (shelf.history(name)[0].created_at for name in ("cakes", "bread"))

        assert names(shelf, kind="experiment", **{column: (first, second)}) == ["cakes"]
        assert names(shelf, kind="experiment", **{column: (second, None)}) == ["bread"]
        assert names(shelf, kind="experiment", **{column: (None, first)}) == []

    def test_a_document_is_found_by_what_it_is_now(self, shelf: docstore.Store) -> None:
        experiment = shelf.load("cakes")
        experiment.experiment_type, experiment.status = "DEFAULT", docstore.ExperimentStatus.DRAFT
        moment = shelf.save(experiment).created_at

        assert names(shelf, kind="experiment", type="BAKING") == []
        assert sorted(names(shelf, kind="experiment", type="DEFAULT", status="DRAFT")) == ["bread", "cakes"]
        assert names(shelf, updated=(moment, None)) == ["cakes"]
        assert names(shelf, created=(moment, None)) == []

    @pytest.mark.parametrize("criteria", [{"type": "DEFAULT"}, {"kind": "note", "status": "DRAFT"}], ids=str)
    def test_a_type_or_status_needs_a_kind_that_has_one(self, shelf: docstore.Store, criteria: dict[str, Any]) -> None:
        with pytest.raises(InvalidValueError, match="Say kind='experiment'"):
            shelf.find(**criteria)

    def test_a_document_names_its_owner(self, store: docstore.Store) -> None:
        store.save(new_experiment())
        store.save(docstore.GenerationStrategy([docstore.GenerationNode("sobol")], "gs", experiment_name="cakes"))

        assert store.find(kind="generation_strategy")[0].owner == store.find("experiment")[0].id

    def test_strategies_of_one_name_are_found_by_their_experiments(self, store: docstore.Store) -> None:
        for name in ("cakes", "bread"):
            store.save(new_experiment(name))
            node = docstore.GenerationNode(f"sobol of {name}")
            store.save(docstore.GenerationStrategy([node], "gs", experiment_name=name))

        for name in ("cakes", "bread"):
            assert [info.name for info in store.find(kind="generation_strategy", owner=name)] == [name]
            assert store.load(name, kind="generation_strategy").nodes[0].name == f"sobol of {name}"

    # --- the integers of types ----------------------------------------------------------------------------------------

    def test_a_type_missing_from_the_enum_is_an_error_with_the_line_to_add(self, shelf: docstore.Store) -> None:
        with pytest.raises(UnknownCodeError, match=r"ExperimentType has DEFAULT, BAKING.*BREWING = 8"):
            shelf.save(new_experiment("beer", experiment_type="BREWING"))

        assert names(shelf, name="beer") == []

    def test_a_type_whose_integer_means_another_is_refused(self, open_store: OpenStore) -> None:
        open_store().save(new_experiment("bread", experiment_type="OTHER"))

        with pytest.raises(UnknownCodeError, match="which this database knows as 'OTHER'"):
            open_store(experiment_type_enum=ExperimentType).save(new_experiment(experiment_type="DEFAULT"))

    def test_types_without_an_enum_get_the_next_integers(self, store: docstore.Store) -> None:
        for name, experiment_type in (("a", "CAKE"), ("b", "BREAD"), ("c", "CAKE"), ("d", None)):
            store.save(new_experiment(name, experiment_type=experiment_type))

        assert [names(store, kind="experiment", type=integer) for integer in (0, 1, 2)] == [["a", "c"], ["b"], []]

    def test_types_without_an_enum_are_known_to_the_next_store(self, open_store: OpenStore) -> None:
        open_store().save(new_experiment("a", experiment_type="CAKE"))
        later = open_store()
        later.save(new_experiment("b", experiment_type="BREAD"))
        later.save(new_experiment("c", experiment_type="CAKE"))

        assert [info.type for info in later.find()] == ["CAKE", "BREAD", "CAKE"]
        assert names(later, kind="experiment", type=0) == ["a", "c"]

    def test_types_that_differ_little_are_apart(self, store: docstore.Store) -> None:
        types = ("cake", "CAKE", "cake ", "caf\u00e9", "cafe\u0301", "cafe", "\U0001f370", "\U0001f382")
        for number, experiment_type in enumerate(types):
            store.save(new_experiment(f"e{number}", experiment_type=experiment_type))

        assert tuple(info.type for info in store.find()) == types
        assert [names(store, kind="experiment", type=each) for each in types] == [[f"e{n}"] for n in range(len(types))]

    # --- indexes, and experiments that share parameters ---------------------------------------------------------------

    def test_an_index_finds_the_same_until_it_is_dropped(self, shelf: docstore.Store) -> None:
        where = {"/name": "cakes"}
        before = names(shelf, kind="experiment", where=where)

        shelf.create_index("/name")
        indexed = names(shelf, kind="experiment", where=where), [index.pointer for index in shelf.indexes()]
        shelf.drop_index("/name")

        assert (before, indexed) == (["cakes"], (["cakes"], ["/name"]))
        assert (names(shelf, kind="experiment", where=where), shelf.indexes()) == (["cakes"], [])

    def test_similar_finds_the_experiments_that_share_parameters(self, shelf: docstore.Store) -> None:
        assert sorted(each.name for each in shelf.similar(new_experiment("new"))) == ["bread", "cakes"]

    def test_no_trial_runs_in_a_storage_where_there_is_none(self, shelf: docstore.Store) -> None:
        assert shelf.running_trials("cakes") == []

    def test_stats_counts_what_there_is(self, store: docstore.Store) -> None:
        assert (store.stats().documents, store.stats().versions) == ({}, 0)
        store.save(new_experiment(trials=2))
        for number in (1, 2):
            store.put("note", "n1", number)
        store.put("note", "n2", 1)
        store.delete("n2", kind="note")

        found = store.stats()

        assert (found.documents, found.parts) == ({"experiment": 1, "note": 1}, {"data": 2, "trial": 2})
        assert (found.deleted, found.versions) == (1, 4)
        assert found.bytes > 0
