"""A document that is not found: the error says where the name is, or what there is instead."""

from __future__ import annotations

import pytest
from counting import rows_of

from docstore.errors import DocumentNotFoundError, VersionNotFoundError
from docstore.sql.tables import names
from docstore.testing.experiments import new_experiment

CALLS = {
    "load": lambda store: store.load("spring"),
    "history": lambda store: store.history("spring"),
    "purge": lambda store: store.purge("spring"),
    "undelete": lambda store: store.undelete("spring"),
    "verify": lambda store: store.verify("spring"),
}


def problem(call):
    with pytest.raises(DocumentNotFoundError) as caught:
        call()
    return str(caught.value)


class TestANameOfAnotherKind:
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_is_told_with_the_argument_that_is_missing(self, store, call):
        store.put("campaign", "spring", {})

        assert problem(lambda: call(store)) == (
            "there is no experiment named 'spring'. A campaign has this name: kind='campaign'."
        )

    def test_is_told_of_each_kind(self, store):
        store.put("campaign", "spring", {})
        store.put("idea", "spring", {})

        assert "Documents of other kinds have this name: kind='campaign' or kind='idea'." in problem(
            lambda: store.load("spring")
        )

    def test_is_told_of_a_deleted_document_to_who_brings_it_back(self, store):
        store.put("campaign", "spring", {})
        store.delete("spring", kind="campaign")

        assert "A campaign has this name: kind='campaign'." in problem(lambda: store.undelete("spring"))
        assert "campaign" not in problem(lambda: store.load("spring"))


class TestANameOfAnotherProject:
    def test_is_told_with_the_project(self, store, connect):
        store.save(new_experiment())
        store.save(new_experiment("bread"))
        other = connect(store.engine, project="other")
        other.save(new_experiment("rolls"))

        assert problem(lambda: other.load("cakes")) == (
            "there is no experiment named 'cakes'. Project 'default' has one: connect(..., project='default')."
        )

    def test_is_told_also_if_the_kind_is_another(self, store, connect):
        store.save(new_experiment())
        store.put("campaign", "spring", {})

        assert "Project 'default' has a campaign of this name: connect(..., project='default')." in problem(
            lambda: connect(store.engine, project="other").load("spring")
        )


class TestAProjectWithoutDocuments:
    def test_is_told_with_those_that_have_some(self, store, connect):
        store.save(new_experiment())

        assert problem(lambda: connect(store.engine, project="typo").load("bread")) == (
            "there is no experiment named 'bread'. Project 'typo' has no documents; projects here: 'default'."
        )

    def test_is_told_with_the_database_if_that_is_empty(self, store):
        assert "There are no documents in " in problem(lambda: store.load("cakes"))


def test_a_kind_without_documents_is_told_with_those_that_have_some(store):
    store.save(new_experiment())
    store.put("note", "n1", {})

    assert problem(lambda: store.load("n2", kind="notes")) == (
        "there is no notes named 'n2'. No document here is of kind 'notes'; kinds here: 'experiment', 'note'."
    )


class TestNamesLikeIt:
    def test_are_those_of_documents_alone(self, store):
        store.save(new_experiment("bread"))
        with store.engine.begin() as connection:  # as something other than docstore may do
            surplus = [{"name": name, "id": name} for name in ("bred", "breads")]
            connection.execute(names.insert(), [{"project": "default", "kind": "experiment", **row} for row in surplus])

        with pytest.raises(DocumentNotFoundError) as caught:
            store.load("bred")

        assert caught.value.near == ("bread",)

    def test_are_looked_for_among_the_names_beside_it(self, store):
        for name in ("run-0712", "run-0731"):
            store.save(new_experiment(name))
        with store.engine.begin() as connection:
            others = [{"project": "default", "kind": "experiment", "name": f"a {i}", "id": f"{i}"} for i in range(5000)]
            connection.execute(names.insert(), others)
        found = []

        def look():
            with pytest.raises(DocumentNotFoundError) as caught:
                store.load("run-0713")
            found.extend(caught.value.near)

        rows = rows_of(store.engine, "SELECT names.name", look)

        assert set(found) == {"run-0712", "run-0731"}
        assert len(rows) <= 1_000


def test_a_document_that_is_not_deleted_is_told_to_who_brings_it_back(store):
    store.save(new_experiment())

    assert problem(lambda: store.undelete("cakes")).endswith("It is stored, and not deleted.")


class TestATagThatTheDocumentLacks:
    def test_is_told_with_those_that_it_has(self, store):
        store.save(new_experiment())
        store.tag("cakes", "best")

        with pytest.raises(VersionNotFoundError) as caught:
            store.load("cakes", tag="worst")

        assert str(caught.value) == (
            "document 'cakes' has no version tagged 'worst'; its tags: 'best'. history('cakes') lists the versions."
        )

    def test_is_told_if_it_has_none(self, store):
        store.save(new_experiment())

        with pytest.raises(VersionNotFoundError, match="no version tagged 'worst'; it has no tags"):
            store.load("cakes", tag="worst")


def test_a_kind_and_a_name_that_were_swapped_are_told(store):
    store.put("n1", "note", {})

    assert problem(lambda: store.get("n1", kind="note")).endswith(
        " Kind 'n1' has a document named 'note': in put(kind, name, value), the kind is first."
    )
