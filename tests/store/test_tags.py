"""Names for versions: set, moved, taken away, and asked for."""

from __future__ import annotations

import threading

import pytest

from docstore.errors import (
    DocumentNotFoundError,
    InvalidValueError,
    TagExistsError,
    VersionNotFoundError,
)
from docstore.testing.experiments import new_experiment

pytest_plugins = ["ready"]


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


@pytest.fixture
def store(ada):
    """Ada's store, with an experiment of three versions."""
    experiment = new_experiment(description="one")
    ada.save(experiment)
    for text in ("two", "three"):
        experiment.description = text
        ada.save(experiment)
    return ada


class TestATag:
    def test_names_the_newest_version_of_now(self, store):
        assert store.tag("cakes", "published") == 3

        later = store.load("cakes")
        later.description = "four"
        store.save(later)
        assert store.load("cakes", tag="published").description == "three"

    @pytest.mark.parametrize("by", ["number", "time", "tag"])
    def test_names_the_version_that_is_asked_for(self, store, by):
        store.tag("cakes", "first", version=1)

        number = store.tag(
            "cakes", "t", {"number": 1, "time": store.history("cakes")[2].created_at, "tag": "first"}[by]
        )

        assert (number, store.tags("cakes")) == (1, {"first": 1, "t": 1})

    def test_is_one_of_several_of_a_version(self, store):
        for tag in ("a", "b", "c"):
            store.tag("cakes", tag, version=2)

        assert store.tags("cakes") == {"a": 2, "b": 2, "c": 2}

    def test_makes_no_version(self, store):
        before = list(store.history("cakes"))

        store.tag("cakes", "published")

        assert list(store.history("cakes")) == before

    def test_set_again_on_its_version_stays(self, store):
        store.tag("cakes", "published", version=2)

        assert store.tag("cakes", "published", version=2) == 2

    def test_of_another_version_is_not_moved_unless_asked(self, store):
        store.tag("cakes", "published", version=2)

        with pytest.raises(TagExistsError, match=r"'published'.*version 2, not 3.*tag\(\.\.\., move=True\)"):
            store.tag("cakes", "published")

        assert store.tags("cakes") == {"published": 2}

    def test_is_moved_if_asked(self, store):
        store.tag("cakes", "published", version=2)

        store.tag("cakes", "published", version=1, move=True)

        assert store.tags("cakes") == {"published": 1}
        assert store.load("cakes", tag="published").description == "one"

    def test_is_taken_away_and_the_version_stays(self, store):
        store.tag("cakes", "published", version=2)

        store.untag("cakes", "published")

        assert store.tags("cakes") == {}
        assert store.load("cakes", version=2).description == "two"
        with pytest.raises(VersionNotFoundError, match="tagged 'published'; it has no tags"):
            store.load("cakes", tag="published")

    def test_that_is_not_there_is_not_taken_away(self, store):
        store.tag("cakes", "published")

        with pytest.raises(InvalidValueError, match=r"'publshed'.*The tags of 'cakes' are: 'published'"):
            store.untag("cakes", "publshed")

    def test_of_another_kind_is_another(self, store):
        store.put("note", "cakes", 1)
        store.tag("cakes", "t", kind="note")

        assert (store.tags("cakes"), store.tags("cakes", kind="note")) == ({}, {"t": 1})

    @pytest.mark.parametrize("call", ["tag", "untag"])
    def test_of_no_document_says_so(self, store, call):
        with pytest.raises(DocumentNotFoundError, match="'pies'"):
            getattr(store, call)("pies", "t")

    @pytest.mark.parametrize("version", [0, 4, -1, "nothing"])
    def test_of_no_version_is_refused(self, store, version):
        with pytest.raises(VersionNotFoundError):
            store.tag("cakes", "t", version=version)

        assert store.tags("cakes") == {}


class TestTheTextOfATag:
    @pytest.mark.parametrize(
        "tag",
        ["x" * 255, "3", " ", "a ", "Ünï 🍞", "e\u0301", "\u00e9", "'\"; --", "a/b", "%", "\n", "None"],
        ids=ascii,
    )
    def test_may_be_any(self, store, tag):
        store.tag("cakes", tag, version=2)

        assert store.tags("cakes") == {tag: 2}
        assert store.load("cakes", tag=tag).description == "two"
        assert store.diff("cakes", tag, 2).changes == ()
        store.untag("cakes", tag)
        assert store.tags("cakes") == {}

    @pytest.mark.parametrize("tag", ["", "x" * 256, "a\0b", "\ud800", None, 3, b"t"])
    @pytest.mark.parametrize("version", [None, 2])
    def test_of_another_sort_is_refused(self, store, tag, version):
        with pytest.raises(InvalidValueError, match=r"tag: .* 1 to 255 characters"):
            store.tag("cakes", tag, version)

    @pytest.mark.parametrize("tag", ["", "a\0b", "\ud800", 3, b"t", "x" * 256], ids=ascii)
    def test_of_another_sort_is_of_no_version(self, store, tag):
        with pytest.raises(VersionNotFoundError):
            store.load("cakes", tag=tag)

    @pytest.mark.parametrize("other", ["Published", "published ", "pùblished", "PUBLISHED"])
    def test_counts_to_the_letter(self, store, other):
        store.tag("cakes", "published", version=1)

        store.tag("cakes", other, version=2)

        assert store.tags("cakes") == {"published": 1, other: 2}
        assert store.load("cakes", tag="published").description == "one"

    def test_a_number_as_text_is_a_tag(self, store):
        store.tag("cakes", "3", version=1)

        assert store.diff("cakes", "3", 3).words == ("description: one -> three",)


class TestTwoTaggers:
    def test_at_once_are_not_both_right(self, store, bob):
        outcomes = []

        def tag(its, version):
            try:
                outcomes.append(its.tag("cakes", "published", version))
            except TagExistsError as error:
                outcomes.append(error.wanted)

        threads = [threading.Thread(target=tag, args=each) for each in ((store, 1), (bob, 2))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == [1, 2]
        assert list(store.tags("cakes")) == ["published"]

    def test_who_both_move_it_leave_one(self, store, bob):
        store.tag("cakes", "published", version=3)
        threads = [
            threading.Thread(target=its.tag, args=("cakes", "published", version), kwargs={"move": True})
            for its, version in ((store, 1), (bob, 2))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert store.tags("cakes") in ({"published": 1}, {"published": 2})

    def test_see_each_others(self, store, bob):
        store.tag("cakes", "published", version=2)

        assert bob.load("cakes", tag="published").description == "two"


class TestTheDocumentGoes:
    @pytest.fixture
    def tagged(self, store):
        store.tag("cakes", "published", version=2)
        return store

    def test_deleted_its_tags_cannot_be_asked_for(self, tagged):
        tagged.delete("cakes")

        with pytest.raises(DocumentNotFoundError, match="undelete"):
            tagged.tags("cakes")

    def test_brought_back_it_has_them(self, tagged):
        tagged.delete("cakes")
        tagged.undelete("cakes")

        assert tagged.tags("cakes") == {"published": 2}

    def test_purged_they_are_gone_for_good(self, tagged):
        tagged.purge("cakes")
        tagged.save(new_experiment())

        assert tagged.tags("cakes") == {}

    def test_another_of_its_name_has_none_of_them(self, tagged):
        tagged.delete("cakes")
        tagged.save(new_experiment())

        assert tagged.tags("cakes") == {}

    def test_what_was_folded_cannot_be_tagged(self, tagged):
        tagged.compact("cakes", keep=1)

        assert tagged.load("cakes", tag="published").description == "two"
        with pytest.raises(VersionNotFoundError, match="version 1 was folded"):
            tagged.tag("cakes", "first", version=1)
