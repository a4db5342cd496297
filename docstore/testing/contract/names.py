"""Promises of names: any 1 to 255 characters, never a pattern, each unique in its kind and project."""

from __future__ import annotations

from typing import Final

import pytest

import docstore
from docstore.errors import DocumentNotFoundError, EncodeError, InvalidValueError
from docstore.testing.contract.setting import OpenStore, Setting
from docstore.testing.experiments import new_experiment

NAMES: Final = {
    "a space": " ",
    "spaces around": "  cakes  ",
    "a tab": "\t",
    "a line break": "a\r\nb\t",
    "single quotes": "it's",
    "double quotes": '"best"',
    "backslashes": "a\\b\\\\",
    "a percent sign": "100%s",
    "an underscore": "a_b",
    "slashes and tildes": "a/b~c~1",
    "SQL": "'; DROP TABLE documents; --",
    "a placeholder": ":name ? %(name)s",
    "other scripts": "\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \u03ba\u03b1\u03bb\u03cc",
    "an emoji of several code points": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "nothing to see": "\u200b",
    "a joiner": "\u200d",
    "no character": "\uffff\U0010ffff",
    "255 letters": "x" * 255,
    "255 characters of four bytes": "\U0001f370" * 255,
}
ALIKE: Final = {
    "in capitals": ("cakes", "CAKES"),
    "with a space behind": ("cakes", "cakes "),
    "with a space before": ("cakes", " cakes"),
    "with a tab behind": ("cakes", "cakes\t"),
    "in another normal form": ("caf\u00e9", "cafe\u0301"),
    "without its accent": ("caf\u00e9", "cafe"),
    "spelt out": ("stra\u00dfe", "strasse"),
    "in wide letters": ("cakes", "\uff43\uff41\uff4b\uff45\uff53"),
    "with a dotless i": ("kiwi", "k\u0131w\u0131"),
    "with a dotted capital": ("\u0130", "i"),
    "with something unseen": ("cakes", "cakes\u200b"),
    "with a joiner behind": ("x", "x\u200d"),
    "with another emoji": ("\U0001f370", "\U0001f382"),
    "after 254 equal letters": ("x" * 254 + "a", "x" * 254 + "b"),
    "with the 255th letter": ("x" * 254, "x" * 255),
}


class NamePromises(Setting):
    """Documents are saved under names."""

    @pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
    def test_a_document_lives_under_any_name(self, store: docstore.Store, name: str) -> None:
        experiment = new_experiment(name)
        store.save(experiment)
        store.delete(name)
        store.undelete(name)
        experiment.description = "undeleted"
        store.save(experiment)

        assert [version.number for version in store.history(name)] == [2, 1]
        assert (store.load(name).name, store.get(name, pointer="/name")) == (name, name)
        assert [info.name for info in store.find()] == [info.name for info in store.find(name=name)] == [name]
        assert store.verify() == []

    @pytest.mark.parametrize("pair", ALIKE.values(), ids=ALIKE)
    def test_a_name_is_not_taken_for_another(self, store: docstore.Store, pair: tuple[str, str]) -> None:
        first, second = pair
        store.save(new_experiment(first, description="first"))
        with pytest.raises(DocumentNotFoundError):
            store.load(second)

        store.save(new_experiment(second, description="second"))

        assert [store.load(name).description for name in pair] == ["first", "second"]
        assert [[info.name for info in store.find(name=name)] for name in pair] == [[first], [second]]
        store.purge(first)
        assert [info.name for info in store.find()] == [second]

    @pytest.mark.parametrize("pattern", ["%", "_____", "c*", "[a-z]*", ".*"])
    def test_a_name_is_never_a_pattern(self, store: docstore.Store, pattern: str) -> None:
        store.save(new_experiment("cakes"))

        assert store.find(name=pattern) == []

    def test_an_unknown_name_is_an_error_that_lists_names_like_it(self, store: docstore.Store) -> None:
        store.save(new_experiment("cakes"))

        with pytest.raises(DocumentNotFoundError, match=r"named 'cake'\. Names like it: 'cakes'") as caught:
            store.load("cake")

        assert (caught.value.name, caught.value.kind, caught.value.near) == ("cake", "experiment", ("cakes",))

    @pytest.mark.parametrize("name", [None, "x" * 256, "a\x00", "\ud800"], ids=ascii)
    def test_an_experiment_without_a_name_that_fits_is_refused(self, store: docstore.Store, name: str | None) -> None:
        with pytest.raises(EncodeError, match=r"at /name: .* 1 to 255 characters"):
            store.save(new_experiment(name))

        assert store.find() == []

    @pytest.mark.parametrize(
        ("kind", "name"),
        [("", "n"), ("note", ""), ("x" * 65, "n"), ("note", "x" * 256), ("note", "a\0"), ("\udfff", "n")],
    )
    def test_a_value_needs_a_kind_and_a_name_that_fit(self, store: docstore.Store, kind: str, name: str) -> None:
        with pytest.raises(InvalidValueError, match="Give a text of 1 to"):
            store.put(kind, name, 1)

        assert store.find() == []

    def test_one_name_may_be_used_in_several_kinds(self, store: docstore.Store) -> None:
        store.save(new_experiment("n1"))
        for kind in ("note", "Note", "note ", "n\u00f6te"):
            store.put(kind, "n1", kind)

        assert [store.get("n1", kind=kind) for kind in ("note", "Note", "note ", "n\u00f6te")] == [
            "note",
            "Note",
            "note ",
            "n\u00f6te",
        ]
        assert len(store.find(name="n1")) == 5

    def test_one_name_may_be_used_in_several_projects(self, open_store: OpenStore) -> None:
        projects = ("ours", "Ours", "ours ", "\u00f6urs")
        stores = [open_store(project=project) for project in projects]
        for project, store in zip(projects, stores, strict=True):
            store.save(new_experiment(description=project))

        assert tuple(store.load("cakes").description for store in stores) == projects

    def test_what_is_stored_is_listed_by_name_by_kind_and_by_project(self, open_store: OpenStore) -> None:
        ours, theirs = open_store(project="ours"), open_store(project="theirs")
        ours.save_many([new_experiment(name) for name in ("rolls", "cakes", "gone")])
        ours.put("note", "n1", 1)
        ours.delete("gone")
        theirs.put("letter", "l1", 1)

        assert (ours.names(), ours.names(kind="note"), ours.names(kind="letter")) == (["cakes", "rolls"], ["n1"], [])
        assert (ours.kinds(), theirs.kinds()) == (["experiment", "note"], ["letter"])
        assert ours.projects() == theirs.projects() == ["ours", "theirs"]

    def test_a_document_exists_under_its_very_name_and_kind_until_it_is_deleted(self, open_store: OpenStore) -> None:
        store = open_store()
        store.save(new_experiment())

        assert store.exists("cakes")
        assert not any([store.exists("CAKES"), store.exists("cakes "), store.exists("cakes", kind="note")])
        assert not open_store(project="theirs").exists("cakes")
        store.delete("cakes")
        assert not store.exists("cakes")

    def test_a_project_knows_nothing_of_another(self, open_store: OpenStore) -> None:
        ours, theirs = open_store(project="ours"), open_store(project="theirs")
        ours.save(new_experiment())

        assert (list(theirs.find()), theirs.verify()) == ([], [])
        for call in (theirs.load, theirs.history, theirs.delete, theirs.purge):
            with pytest.raises(DocumentNotFoundError):
                call("cakes")
        assert len(ours.find()) == 1
