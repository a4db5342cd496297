"""Analysis cards of an experiment: many of one name, each a document of its own, in the order of their first saves."""

from __future__ import annotations

import dataclasses

import pytest

from docstore.errors import DocumentExistsError, InvalidValueError, NameChangedError
from docstore.model import AnalysisCard, AnalysisCardGroup
from docstore.testing.exact import identity
from docstore.testing.experiments import new_experiment

KIND = "analysis_card"


def cards_of(store, experiment):
    return list(store.find(KIND, owner=experiment, order_by="created_at").load())


class TestTheCardsOfAnExperiment:
    @pytest.fixture(autouse=True)
    def cards(self, store):
        """Two of one name, and one of another experiment with that name too."""
        for name in ("cakes", "bread"):
            store.save(new_experiment(name))
        cards = [AnalysisCard("effects", title, experiment_name="cakes") for title in ("first", "second")]
        for card in (*cards, AnalysisCard("effects", "other", experiment_name="bread")):
            store.save(card)
        return cards

    def test_may_have_one_name_and_are_loaded_in_their_order(self, store, cards):
        group = AnalysisCardGroup("all", "third", children=[AnalysisCard("effects")], experiment_name="cakes")
        store.save(group)

        assert list(map(identity, cards_of(store, "cakes"))) == list(map(identity, [*cards, group]))
        assert [card.title for card in cards_of(store, "bread")] == ["other"]
        assert store.verify(decode=True) == []

    def test_keep_their_order_when_an_older_one_is_saved_again(self, store, cards):
        cards[0].title = "changed"

        assert store.save(cards[0]).number == 2
        assert [card.title for card in cards_of(store, "cakes")] == ["changed", "second"]

    def test_can_be_loaded_changed_and_saved(self, store):
        card = cards_of(store, "cakes")[1]
        card.blob = "# better"

        assert store.save(card).number == 2

    def test_have_names_by_which_they_are_found_and_read(self, store):
        names = store.find(KIND, owner="cakes", name_prefix="effects").names()

        assert len({*names}) == 2
        assert store.load(names[0], kind=KIND).name == "effects"

    def test_are_new_documents_if_made_anew(self, store, cards):
        store.save(dataclasses.replace(cards[0], document_name=None), as_new=True)

        assert len(cards_of(store, "cakes")) == 3

    def test_are_not_moved_to_another_experiment(self, store, cards):
        cards[0].belong_to("bread")

        with pytest.raises(NameChangedError):
            store.save(cards[0])

    def test_are_renamed_with_the_experiment(self, store):
        store.rename("cakes", "tarts")

        assert [card.experiment_name for card in cards_of(store, "tarts")] == ["tarts", "tarts"]
        assert store.verify(decode=True) == []

    def test_are_deleted_and_brought_back_with_it(self, store):
        store.delete("cakes")
        gone = [info.kind for info in store.find(deleted=True)]
        store.undelete("cakes")

        assert gone == [KIND, KIND, "experiment"]
        assert len(cards_of(store, "cakes")) == 2
        assert store.verify() == []

    def test_are_purged_with_it(self, store):
        store.purge("cakes")

        assert [info.name for info in store.find(deleted=True)] == []
        assert [card.title for card in store.find(KIND).load()] == ["other"]

    def test_are_copied_with_it(self, store, connect, tmp_path):
        other = connect(f"sqlite:///{tmp_path}/other.db")

        store.copy_to(other, ["cakes"])

        assert list(map(identity, cards_of(other, "cakes"))) == list(map(identity, cards_of(store, "cakes")))
        assert other.verify() == []

    def test_are_not_those_of_its_branch(self, store):
        store.branch("cakes", "cakes 2")

        assert cards_of(store, "cakes 2") == []

    def test_are_saved_with_it_in_one_transaction(self, store):
        card = AnalysisCard("effects", experiment_name="rolls")

        store.save_together([new_experiment("rolls"), card])

        assert list(map(identity, cards_of(store, "rolls"))) == [identity(card)]


class TestACardWithoutAnExperiment:
    def test_is_stored_under_its_own_name(self, store):
        store.save(AnalysisCard("effects", "first"))

        with pytest.raises(DocumentExistsError, match="'effects'"):
            store.save(AnalysisCard("effects", "second"))
        assert store.load("effects", kind=KIND).title == "first"

    def test_is_a_new_document_as_a_card_of_an_experiment(self, store):
        store.save(new_experiment("cakes"))
        card = AnalysisCard("effects" * 40)

        store.save(card.belong_to("cakes"))

        assert store.find(KIND, owner="cakes").names() == [card.document_name]

    @pytest.mark.parametrize("name", ["", 3])
    def test_does_not_belong_to_what_is_no_name(self, name):
        with pytest.raises(InvalidValueError, match="name of an experiment"):
            AnalysisCard("effects").belong_to(name)
