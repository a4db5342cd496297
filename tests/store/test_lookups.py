"""Documents looked up by their class in place of its kind; and a default for what is not there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import docstore
from docstore import Experiment, MultiTypeExperiment, registry
from docstore.errors import DecodeError, InvalidValueError, VersionNotFoundError
from docstore.testing.experiments import new_experiment


@dataclass
class Campaign:
    name: str
    goal: str = "sales"


@pytest.fixture(autouse=True)
def _registered():
    with registry.scope():
        docstore.document(kind="campaign")(Campaign)
        yield


class TestAClassInPlaceOfItsKind:
    """The kind of Campaign is ``campaign``."""

    @pytest.fixture
    def store(self, store):
        store.save(Campaign("spring"))
        return store

    def test_loads_an_object_of_it(self, store):
        assert store.load("spring", kind=Campaign) == Campaign("spring")

    def test_finds_the_documents_made_of_it(self, store):
        store.save(new_experiment("cakes"))

        found = store.find(kind=Campaign)

        assert (found.names(), list(found.load())) == (["spring"], [Campaign("spring")])

    def test_is_taken_by_every_call_that_takes_a_kind(self, store):
        store.tag("spring", "draft", kind=Campaign)
        store.branch("spring", "summer", kind=Campaign)
        store.merge("summer", "spring", kind=Campaign)
        store.rename("summer", "autumn", kind=Campaign)
        store.create_index("/goal", kind=Campaign)
        store.drop_index("/goal", kind=Campaign)

        assert store.tags("spring", kind=Campaign) == {"draft": 1}
        assert store.get("spring", kind=Campaign, pointer="/goal") == "sales"
        assert store.get_json("spring", kind=Campaign, pointer="/goal") == b'"sales"'
        assert store.history("spring", kind=Campaign)[-1].number == 1
        assert store.version("spring", 1, kind=Campaign).number == 1
        assert len(store.blame("spring", "/goal", kind=Campaign)) == 1
        assert not store.diff("spring", 1, 1, kind=Campaign)
        assert store.compact("spring", keep=9, kind=Campaign).kept[0] == 1
        assert store.verify(kind=Campaign) == []
        store.untag("spring", "draft", kind=Campaign)
        store.revert("spring", 1, kind=Campaign)
        store.delete("autumn", kind=Campaign)
        store.undelete("autumn", kind=Campaign)
        store.purge("autumn", kind=Campaign)
        assert store.find(Campaign).names() == ["spring"]

    def test_is_refused_if_no_documents_are_made_of_it(self, store):
        class Poster: ...

        with pytest.raises(InvalidValueError, match=r"Poster.*@docstore\.document\(kind=\.\.\.\)"):
            store.load("spring", kind=Poster)

    def test_is_refused_for_a_document_of_another_class_of_the_kind(self, store):
        store.save(new_experiment("cakes"))

        with pytest.raises(InvalidValueError, match="experiment 'cakes' is of the class Experiment"):
            store.load("cakes", kind=MultiTypeExperiment)
        with pytest.raises(InvalidValueError, match="experiment 'cakes' is of the class Experiment"):
            list(store.find(kind=MultiTypeExperiment).load())
        assert store.load("cakes", kind=Experiment).name == "cakes"


def test_documents_of_a_class_are_copied_to_another_store(store):
    store.save_many([Campaign("spring"), new_experiment("cakes")])

    with docstore.connect("sqlite://") as other:
        assert [copied.name for copied in store.copy_to(other, kind=Campaign)] == ["spring"]


def test_a_document_exists_under_its_class(store):
    """Under its name and kind too: the contract says so."""
    store.save(Campaign("spring"))

    assert store.exists("spring", kind=Campaign)
    assert store.names(kind=Campaign) == ["spring"]


class TestTheTextOfADocument:
    """As it is stored, in place of what it stands for."""

    def test_is_that_of_its_object(self, store):
        experiment = new_experiment("cakes", trials=2)
        store.save(experiment)

        assert store.get_json("cakes") == docstore.dumps(experiment)
        assert store.get_json("cakes", indent=True) == docstore.dumps(experiment, indent=True)

    def test_has_the_tags_of_what_json_lacks(self, store):
        store.put("note", "n1", {"a": 1, "d": (1, 2)})
        store.put("note", "n1", {})

        assert store.get_json("n1", kind="note", pointer="/d", version=1) == b'{"__type":"tuple","items":[1,2]}'

    def test_is_an_error_where_there_is_none(self, store):
        store.put("note", "n1", {"a": 1})

        with pytest.raises(DecodeError, match="/b"):
            store.get_json("n1", kind="note", pointer="/b")


class TestADefault:
    @pytest.fixture
    def store(self, store):
        store.put("note", "n1", {"a": None, "d": (1, 2)})
        return store

    def test_is_returned_for_a_document_that_is_not_there(self, store):
        assert store.get("n2", kind="note", default=None) is None

    def test_is_returned_for_a_place_where_nothing_is(self, store):
        assert store.get("n1", kind="note", pointer="/b/c", default=docstore.ABSENT) is docstore.ABSENT

    def test_is_not_returned_in_place_of_what_is_there(self, store):
        assert store.get("n1", kind="note", pointer="/a", default=1) is None
        assert store.get("n1", kind="note", pointer="/d", default=1) == (1, 2)

    def test_hides_no_version_that_is_missing(self, store):
        with pytest.raises(VersionNotFoundError):
            store.get("n1", kind="note", version=2, default=None)

    def test_hides_no_pointer_that_is_none(self, store):
        with pytest.raises(DecodeError, match="'b' is not a pointer"):
            store.get("n1", kind="note", pointer="b", default=None)
