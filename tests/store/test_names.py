"""The table of names has those of live documents, whatever was done to them; a deletion says who made it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from docstore.errors import DamagedDocumentError, UnreadableError
from docstore.sql.tables import IS_HEAD, documents, names
from docstore.testing.experiments import new_experiment


def registered(store):
    """Who has which name, as the table of names says."""
    with store.engine.connect() as connection:
        query = sa.select(names.c.project, names.c.kind, names.c.name, names.c.id)
        return {tuple(row) for row in connection.execute(query)}


def live(store):
    """The same, as the rows of documents say."""
    c = documents.c
    with store.engine.connect() as connection:
        query = sa.select(c.project, c.kind, c.name, c.id).where(IS_HEAD, c.deleted_at.is_(None))
        return {tuple(row) for row in connection.execute(query)}


def rename_and_reuse(store):
    store.rename("cakes", "pies")
    store.save(new_experiment())


def delete_and_reuse(store):
    store.delete("cakes")
    store.save(new_experiment())


def delete_and_undelete(store):
    store.delete("cakes")
    store.undelete("cakes")


def delete_and_purge(store):
    store.delete("cakes")
    store.purge("cakes")


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.save(new_experiment("bread")),
        lambda store: store.save_many([new_experiment("bread"), new_experiment("rolls")]),
        lambda store: store.put("note", "n1", 1),
        lambda store: store.branch("cakes", "buns"),
        lambda store: store.delete("cakes"),
        lambda store: store.purge("cakes"),
        rename_and_reuse,
        delete_and_reuse,
        delete_and_undelete,
        delete_and_purge,
    ],
    ids=["save", "save_many", "put", "branch", "delete", "purge", "rename", "reuse", "undelete", "purge the deleted"],
)
def test_the_table_of_names_has_those_of_live_documents(store, change):
    store.save(new_experiment())

    change(store)

    assert registered(store) == live(store)
    assert store.verify() == []


@pytest.mark.parametrize("change", [rename_and_reuse, delete_and_reuse, delete_and_undelete, delete_and_purge])
def test_a_copy_made_again_knows_the_names_as_they_are_now(store, fresh_database, connect, change):
    copy = connect(fresh_database("sqlite"))
    store.save(new_experiment())
    store.copy_to(copy)

    change(store)
    store.copy_to(copy)

    assert registered(store) <= registered(copy) == live(copy)
    assert copy.verify() == []


class TestADeletedDocument:
    @pytest.fixture
    def deleted_by(self, store):
        """Reads who deleted the document."""

        def deleted_by():
            with store.engine.connect() as connection:
                return connection.execute(sa.select(documents.c.deleted_by).where(IS_HEAD)).scalar_one()

        store.save(new_experiment())
        return deleted_by

    def test_says_who_deleted_it(self, store, connect, deleted_by):
        connect(store.engine, author="ada").delete("cakes")

        assert deleted_by() == "ada"

    def test_does_not_say_so_any_more_when_it_is_brought_back(self, store, deleted_by):
        store.delete("cakes")
        store.undelete("cakes")

        assert deleted_by() is None


def put_surplus(store, name):
    """Insert a row that gives *name* to no document, as something other than docstore may do."""
    with store.engine.begin() as connection:
        connection.execute(names.insert(), {"project": "default", "kind": "experiment", "name": name, "id": "0" * 32})


@pytest.mark.usefixtures("no_backoff")
class TestANameThatNoDocumentHas:
    @pytest.mark.parametrize(
        "take",
        [
            lambda store: store.save(new_experiment("bread")),
            lambda store: store.save_many([new_experiment("rolls"), new_experiment("bread")]),
            lambda store: store.branch("cakes", "bread"),
            lambda store: store.rename("cakes", "bread"),
        ],
        ids=["save", "save_many", "branch", "rename"],
    )
    def test_is_named_as_damage_to_who_takes_it(self, store, take):
        store.save(new_experiment())
        put_surplus(store, "bread")

        with pytest.raises(DamagedDocumentError, match=r"'bread' is damaged at its name.*verify\(\)") as caught:
            take(store)

        assert caught.value.name == "bread"
        assert [each.name for each in store.find()] == ["cakes"]

    def test_is_named_also_to_who_brings_a_document_back(self, store):
        store.save(new_experiment("bread"))
        store.delete("bread")
        put_surplus(store, "bread")

        with pytest.raises(DamagedDocumentError, match="'bread' is damaged at its name"):
            store.undelete("bread")

    def test_keeps_nobody_from_another_name(self, store):
        put_surplus(store, "bread")

        store.save(new_experiment())

        assert [each.name for each in store.verify()] == ["bread"]

    def test_is_one_damage_for_each(self, store):
        put_surplus(store, "bread")
        put_surplus(store, "rolls")

        assert [each.name for each in store.verify()] == ["bread", "rolls"]


def test_two_live_documents_of_one_name_are_named_to_who_asks_for_it(store):
    store.save_many([new_experiment("bread"), new_experiment("cakes")])
    with store.engine.begin() as connection:
        connection.execute(documents.update().where(documents.c.name == "bread").values(name="cakes"))

    with pytest.raises(UnreadableError, match="something other than docstore wrote one of them"):
        store.load("cakes")

    assert [(each.name, each.table) for each in store.verify() if each.table == "names"] == [
        ("cakes", "names"),
        ("bread", "names"),
    ]
