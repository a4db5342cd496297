"""Upgrade: after a class has changed, every document is written in the new form, once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import docstore
from docstore import Progress, registry
from docstore.errors import DecodeError, InvalidValueError
from docstore.testing.experiments import new_experiment


@pytest.fixture(autouse=True)
def _forgotten():
    with registry.scope():
        yield


def first_release():
    """Return the class of the first release."""

    @dataclass
    class Oven:
        name: str
        fahrenheit: float = 212.0
        note: str = ""

    return docstore.document(kind="oven")(Oven)


def second_release(reading=lambda members: None):
    """Return the class of the second release, which has other units; *reading* is called when an older one is read."""

    @dataclass
    class Oven:
        name: str
        celsius: float = 0.0
        note: str = ""

    docstore.document(kind="oven", version=2)(Oven)

    @registry.upcast("Oven", from_=1)
    def _(members):
        reading(members)
        return {"name": members["name"], "celsius": (members["fahrenheit"] - 32) / 1.8, "note": members["note"]}

    return Oven


@pytest.fixture
def store(store):
    """A store with three ovens of the first release, and others."""
    with registry.scope():
        Oven = first_release()
        store.save_many([Oven("a"), Oven("b"), Oven("c"), Oven("gone"), new_experiment("cakes")])
    store.delete("gone", kind="oven")
    store.put("note", "n1", {"fahrenheit": 212.0})
    return store


def versions(store):
    return {f"{info.kind} {info.name}": info.version for info in store.find()}


AT_FIRST = {"experiment cakes": 1, "note n1": 1, "oven a": 1, "oven b": 1, "oven c": 1}


class TestAfterAClassHasChanged:
    @pytest.fixture(autouse=True)
    def Oven(self, store):
        return second_release()

    def test_searches_see_the_new_form(self, store):
        before = store.find("oven", where={"/celsius": 100.0}).names()

        assert store.upgrade("oven") == 3

        assert (before, store.find("oven", where={"/celsius": 100.0}).names()) == ([], ["a", "b", "c"])

    def test_each_document_has_one_version_more_that_says_so(self, store, Oven):
        store.upgrade(Oven, author="ada")

        [last, _] = store.history("a", kind="oven")
        assert (last.number, last.message, last.author) == (2, "upgrade", "ada")
        assert store.verify(decode=True) == []

    def test_a_second_call_changes_nothing(self, store):
        store.upgrade()
        before = versions(store)

        assert (store.upgrade(), versions(store)) == (0, before)

    def test_what_did_not_change_and_what_has_no_class_stays_as_it_is(self, store):
        assert store.upgrade() == 3

        assert versions(store) == AT_FIRST | {"oven a": 2, "oven b": 2, "oven c": 2}

    def test_a_deleted_document_stays_as_it_is(self, store):
        store.upgrade()
        store.undelete("gone", kind="oven")

        assert store.find("oven", name="gone")[0].version == 1

    def test_progress_is_told_after_each_document(self, store):
        told = []

        store.upgrade("oven", progress=told.append)

        assert told == [Progress(1, 3, "a"), Progress(2, 3, "b"), Progress(3, 3, "c")]

    def test_a_call_that_was_stopped_goes_on_where_it_stopped(self, store):
        def stop(progress):
            if progress.name == "b":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.upgrade(progress=stop)

        assert store.upgrade() == 1


class TestWhileOthersWork:
    """They save after a document was read, and before it is written."""

    @pytest.fixture
    def meanwhile(self, store):
        """What happens when a document is next read, a list of functions; version 2 of ``a`` has a note."""
        with registry.scope():
            Oven = first_release()
            oven = store.load("a", kind=Oven)
            oven.note = "theirs"
            store.save(oven)
            store.revert("a", 1, kind=Oven)
        meanwhile = []
        second_release(lambda members: meanwhile and meanwhile.pop()())
        return meanwhile

    def test_what_they_changed_is_merged(self, store, database, connect, meanwhile):
        meanwhile.append(lambda: connect(database).revert("a", 2, kind="oven"))

        assert store.upgrade() == 3

        oven = store.load("a", kind="oven")
        assert (oven.celsius, oven.note, store.history("a", kind="oven")[0].number) == (100.0, "theirs", 5)

    def test_what_they_deleted_stays_deleted(self, store, database, connect, meanwhile):
        meanwhile.append(lambda: connect(database).delete("a", kind="oven"))

        assert store.upgrade() == 2

        assert store.names(kind="oven") == ["b", "c"]


class TestADocumentThatCannotBeUpgraded:
    def test_stops_it_and_is_named_with_how_many_came_before(self, store):
        def refuse(members):
            if members["name"] == "b":
                raise ValueError("too hot")

        second_release(refuse)

        with pytest.raises(DecodeError, match="too hot") as raised:
            store.upgrade()

        assert raised.value.__notes__ == ["upgrade stopped at oven 'b'; documents upgraded before it: 1"]
        assert versions(store) == AT_FIRST | {"oven a": 2}


@pytest.mark.parametrize("kind", ["note", "ofen", 3])
def test_a_kind_without_a_class_is_refused_with_those_that_have_one(store, kind):
    second_release()

    with pytest.raises(InvalidValueError, match=r"Kinds that have one: analysis_card, experiment, .*oven"):
        store.upgrade(kind)
