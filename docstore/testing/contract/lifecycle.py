"""Promises of rename, delete, undelete and purge."""

from __future__ import annotations

import copy

import pytest

import docstore
from docstore.errors import DocumentExistsError, DocumentNotFoundError
from docstore.testing.contract.setting import Setting, stored
from docstore.testing.experiments import add_trial, new_experiment


class LifecyclePromises(Setting):
    """An experiment was saved twice, then deleted."""

    @pytest.fixture
    def deleted(self, store: docstore.Store) -> docstore.Experiment:
        """The experiment."""
        experiment = new_experiment(trials=1)
        store.save(experiment)
        add_trial(experiment)
        store.save(experiment)
        store.delete("cakes")
        return experiment

    @pytest.mark.parametrize("call", ["load", "get", "history", "delete"])
    def test_a_deleted_document_is_not_read_and_the_error_names_undelete(
        self, store: docstore.Store, deleted: docstore.Experiment, call: str
    ) -> None:
        with pytest.raises(DocumentNotFoundError, match=r"undelete\('cakes'\) brings it back"):
            getattr(store, call)("cakes")

    def test_a_deleted_document_is_found_among_the_deleted_only(
        self, store: docstore.Store, deleted: docstore.Experiment
    ) -> None:
        [info] = store.find(deleted=True)

        assert (list(store.find()), info.name, info.version) == ([], "cakes", 2)
        assert info.deleted_at is not None
        assert info.deleted_at >= info.updated_at

    def test_a_deleted_document_is_not_saved_to(self, store: docstore.Store, deleted: docstore.Experiment) -> None:
        deleted.description = "with salt"

        with pytest.raises(DocumentNotFoundError, match="deleted after you read it"):
            store.save(deleted)

    def test_a_deleted_document_comes_back_with_its_history(
        self, store: docstore.Store, deleted: docstore.Experiment
    ) -> None:
        store.undelete("cakes")

        assert stored(store) == docstore.dumps(deleted)
        assert [version.number for version in store.history("cakes")] == [2, 1]

    def test_an_undeleted_document_can_be_saved_on(self, store: docstore.Store, deleted: docstore.Experiment) -> None:
        store.undelete("cakes")
        add_trial(deleted)

        assert store.save(deleted).number == 3

    def test_a_deleted_document_frees_its_name(self, store: docstore.Store, deleted: docstore.Experiment) -> None:
        assert store.save(new_experiment(description="another")).number == 1
        assert store.load("cakes").description == "another"

    def test_a_deleted_document_does_not_come_back_where_its_name_is_taken(
        self, store: docstore.Store, deleted: docstore.Experiment
    ) -> None:
        store.save(new_experiment(description="another"))

        with pytest.raises(DocumentExistsError, match=r"rename\('cakes', \.\.\.\) or delete\('cakes'\) it"):
            store.undelete("cakes")
        assert store.load("cakes").description == "another"

    def test_undelete_restores_the_one_deleted_last(self, store: docstore.Store, deleted: docstore.Experiment) -> None:
        store.save(new_experiment(description="another"))
        store.delete("cakes")

        store.undelete("cakes")

        assert store.load("cakes").description == "another"

    def test_a_purged_document_is_gone_for_good(self, store: docstore.Store, deleted: docstore.Experiment) -> None:
        store.purge("cakes")

        assert (list(store.find()), list(store.find(deleted=True)), store.verify()) == ([], [], [])
        with pytest.raises(DocumentNotFoundError, match="No document of that name was deleted"):
            store.undelete("cakes")

    def test_a_purge_of_the_living_leaves_the_deleted(
        self, store: docstore.Store, deleted: docstore.Experiment
    ) -> None:
        store.save(new_experiment(description="another"))

        store.purge("cakes")
        store.undelete("cakes")

        assert stored(store) == docstore.dumps(deleted)

    def test_a_purge_touches_no_other_document(self, store: docstore.Store, deleted: docstore.Experiment) -> None:
        store.save(new_experiment("bread", trials=2))
        before = docstore.dumps(store.load("bread"))

        store.purge("cakes")

        assert docstore.dumps(store.load("bread")) == before
        assert store.verify() == []

    def test_an_object_whose_document_was_purged_is_saved_anew_from_a_copy(
        self, store: docstore.Store, deleted: docstore.Experiment
    ) -> None:
        store.purge("cakes")
        with pytest.raises(DocumentNotFoundError, match="purged after you read it"):
            store.save(deleted)

        assert store.save(copy.copy(deleted)).number == 1

    @pytest.mark.parametrize("call", ["load", "get", "history", "delete", "undelete", "purge"])
    def test_an_unknown_document_is_an_error(self, store: docstore.Store, call: str) -> None:
        with pytest.raises(DocumentNotFoundError, match="there is no experiment named 'cakes'"):
            getattr(store, call)("cakes")

    # --- another name -------------------------------------------------------------------------------------------------

    def test_a_renamed_document_keeps_its_past_and_its_tags(self, store: docstore.Store) -> None:
        store.save(new_experiment(trials=2))
        store.tag("cakes", "first")

        version = store.rename("cakes", "bread", message="no sugar", author="ada")

        assert (version.number, version.places, version.author) == (2, ("/name",), "ada")
        assert [each.number for each in store.history("bread")] == [2, 1]
        assert (store.load("bread").name, store.load("bread", tag="first").name) == ("bread", "cakes")
        assert ([info.name for info in store.find()], store.verify(decode=True)) == (["bread"], [])
        with pytest.raises(DocumentNotFoundError):
            store.load("cakes")

    def test_a_document_is_not_renamed_to_a_name_that_is_taken(self, store: docstore.Store) -> None:
        store.save(new_experiment())
        store.save(new_experiment("bread"))

        with pytest.raises(DocumentExistsError, match="'bread' is stored already"):
            store.rename("cakes", "bread")

        assert [info.name for info in store.find()] == ["bread", "cakes"]

    def test_what_was_read_before_a_rename_is_saved_to_the_same_document(
        self, ada: docstore.Store, bob: docstore.Store, two_readers: tuple[docstore.Experiment, docstore.Experiment]
    ) -> None:
        hers, his = two_readers
        bob.rename("cakes", "bread")
        hers.properties["a"] = 2
        add_trial(his)

        ada.save(hers)
        bob.save_trial(his, his.trials[4])

        stored = bob.load("bread")
        assert (hers.name, stored.properties["a"], stored.num_trials) == ("bread", 2, 5)
        assert ([info.name for info in bob.find()], bob.verify(decode=True)) == (["bread"], [])
