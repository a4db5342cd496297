"""A search finds fields of docstore's own objects that are None, which are not stored, as those that are null."""

from __future__ import annotations

import pytest
from stored_forms import every_member, no_nulls, save_as

import docstore
from docstore import q
from docstore.search.conditions import All
from docstore.testing.experiments import new_experiment


@pytest.fixture
def shelf(shared_stores, backend):
    """A store which may only be read, with indexes on some of the places."""
    with shared_stores.filled(backend, "shelf of nulls", fill) as store:
        yield store


def fill(store: docstore.Store) -> None:
    """Save an experiment with nulls, one without, and one with values; and notes, which are dicts."""
    save_as(store, new_experiment("old", trials=1), every_member)
    save_as(store, new_experiment("new", trials=1), no_nulls)
    told = new_experiment("told", trials=1, description="rye", properties={"team": None})
    told.trials[0].ttl_seconds = 60
    save_as(store, told, no_nulls)
    store.put("note", "with null", {"description": None})
    store.put("note", "without", {"name": "description"})
    store.create_index("/description")
    store.create_index("/ttl_seconds", part="trial")


NONE, DEEP = q("/description") == None, q("/trials/0/generator_run/fit_time") == None  # noqa: E711  # places are compared


class TestExperiments:
    """One is stored with nulls, one without; the third has a description, and a trial that is dead after 60 seconds."""

    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({"/description": None}, ["new", "old"]),
            (~NONE, ["told"]),
            (q("/description").in_(["rye", None]), ["new", "old", "told"]),
            (q("/description") == "rye", ["told"]),
            (q("/description") != "rye", ["new", "old"]),
            (q("/description").exists(), ["new", "old", "told"]),
            (~q("/description").exists(), []),
            ({"/trials/0/ttl_seconds": None}, ["new", "old"]),
            ({"/trials/1/ttl_seconds": None}, []),
            (q("/trials/0/ttl_seconds").exists(), ["new", "old", "told"]),
            (q("/trials/1/ttl_seconds").exists(), []),
            (DEEP, ["new", "old", "told"]),
            (NONE & DEEP & ~(q("/name") == "old"), ["new"]),
            pytest.param(All((NONE,) * 250), ["new", "old"], id="as often as a condition may have"),
            ({"/search_space/parameters/0/description": None}, []),
            ({"/properties/description": None}, []),
            ({"/properties/team": None}, ["told"]),
        ],
        ids=repr,
    )
    def test_are_found_by(self, shelf, where, found):
        assert shelf.find("experiment", where=where).names() == found

    def test_are_found_among_all_kinds(self, shelf):
        assert shelf.find(where={"/description": None}).names() == ["new", "old", "with null"]

    def test_have_trials_that_are_found(self, shelf):
        assert shelf.find(part="trial", where={"/ttl_seconds": None}).names() == ["new", "old"]
        assert shelf.find(part="trial", where=q("/ttl_seconds") >= 60).names() == ["told"]

    def test_are_in_a_frame_with_none(self, shelf):
        frame = shelf.find("experiment").to_frame("/description")

        assert frame["/description"].tolist() == [None, None, "rye"]


class TestDicts:
    """One has null at the place, and the other has nothing there."""

    def test_are_found_by_what_is_stored(self, shelf):
        assert shelf.find("note", where={"/description": None}).names() == ["with null"]
        assert shelf.find("note", where=~q("/description").exists()).names() == ["without"]
