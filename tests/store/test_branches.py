"""Documents that share a past: branched from one another, changed on both sides, and merged."""

from __future__ import annotations

import copy
import itertools
import threading
import uuid
import zlib
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest

import docstore
from docstore import ConflictError, Metric, RegistryBundle, registry
from docstore.documents.canonical import ABSENT
from docstore.errors import (
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
    VersionNotFoundError,
)
from docstore.sql import rows
from docstore.sql.dialects import transaction
from docstore.testing.experiments import add_trial, new_experiment, observe

pytest_plugins = ["ready"]

pytestmark = pytest.mark.usefixtures("forgotten")


@pytest.fixture
def database(ready):
    return ready.url


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


@pytest.fixture
def store(ada):
    """Ada's store, in which the experiment ``cakes`` has two versions and two trials."""
    experiment = new_experiment(properties={"x": 1})
    add_trial(experiment, 0.5)
    ada.save(experiment)
    add_trial(experiment, 0.25)
    ada.save(experiment)
    return ada


def edit(store, name, *, by="", x=None, text=None, **options):
    """Save a change of an experiment: a property ``x``, a description, or a trial made *by* someone."""
    experiment = store.load(name)
    if x is not None:
        experiment.properties["x"] = x
    if text is not None:
        experiment.description = text
    if by:
        bake(experiment, by)
    return store.save(experiment, **options)


def bake(experiment, by):
    """Add a trial of someone, with data; nobody else's has its parameters."""
    trial = experiment.new_trial(parameters={"x": zlib.crc32(by.encode()) / 2**32, "flour": "spelt"})
    trial.run_metadata["by"] = by
    observe(experiment, trial.index, 0.5)


def note_on_trial(store, name, number, key, value):
    """Save a note in the metadata of one trial."""
    experiment = store.load(name)
    experiment.trials[number].run_metadata[key] = value
    return store.save(experiment)


def makers(store, name):
    """Who made each trial, by number."""
    return {index: trial.run_metadata.get("by") for index, trial in store.load(name).trials.items() if index > 1}


def head(store, name, *fields):
    """Some properties of an experiment."""
    value = store.get(name)
    return tuple(value["properties"].get(field, value.get(field)) for field in fields)


def past(store, name, **options):
    """What a history says of each version, oldest first."""
    return [
        (each.number, each.digest, each.chain, each.created_at, each.author, each.message)
        for each in reversed(store.history(name, **options))
    ]


class TestBranch:
    def test_has_the_past_of_its_parent_and_goes_on_by_itself(self, store):
        version = store.branch("cakes", "pies")

        assert (version.number, version.message, version.places) == (3, "branch of 'cakes' at version 2", ("/name",))
        assert past(store, "pies")[:2] == past(store, "cakes")
        assert (version.parent.how, version.parent.version) == ("branch", 2)
        assert store.history("pies")[0] == version
        assert version.created_at > store.history("cakes")[0].created_at

    def test_is_the_same_document_under_another_name(self, store):
        store.branch("cakes", "pies")

        parent, branch = store.load("cakes"), store.load("pies")
        assert branch.name == "pies"
        parent.name = "pies"
        assert docstore.dumps(branch) == docstore.dumps(parent)
        assert [found.name for found in store.find(kind="experiment")] == ["cakes", "pies"]

    def test_leaves_its_parent_as_it_was(self, store):
        before = store.get("cakes"), past(store, "cakes")

        store.branch("cakes", "pies")
        edit(store, "pies", by="bob", text="pie")

        assert (store.get("cakes"), past(store, "cakes")) == before
        assert store.verify() == []

    @pytest.mark.parametrize("by", ["number", "tag", "time"])
    def test_starts_from_an_older_version(self, store, by):
        first = store.history("cakes")[1]
        store.tag("cakes", "first", version=1)

        version = store.branch("cakes", "pies", {"number": 1, "tag": "first", "time": first.created_at}[by])

        assert (version.number, store.load("pies").num_trials) == (2, 1)
        assert past(store, "pies")[:1] == past(store, "cakes")[:1]
        assert store.tags("pies") == {}
        assert store.verify() == []

    @pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
    def test_of_a_branch_from_any_version_of_it(self, store, version):
        """Version 3 is the branch's first own; those before are its parent's."""
        store.branch("cakes", "pies")
        edit(store, "pies", text="four")
        edit(store, "pies", text="five")

        store.branch("pies", "tarts", version)

        assert past(store, "tarts")[:version] == past(store, "pies")[:version]
        assert store.load("tarts").description == {4: "four", 5: "five"}.get(version)
        assert store.verify() == []

    def test_of_what_was_reverted(self, store):
        store.revert("cakes", 1)

        store.branch("cakes", "pies")

        assert store.load("pies").num_trials == 1
        assert store.load("pies", version=2).num_trials == 2
        assert store.verify() == []

    def test_is_found_by_the_times_of_its_parent(self, store):
        second = store.history("cakes")[0]
        store.branch("cakes", "pies")
        edit(store, "pies", text="pie")

        assert store.get("pies", at=second.created_at) == store.get("cakes")

    def test_its_blame_goes_on_into_its_parents_past(self, ada, bob, store):
        edit(ada, "cakes", text="by ada")
        bob.branch("cakes", "pies")
        edit(bob, "pies", text="by bob")

        assert [(each.author, each.new) for each in store.blame("pies", "/description")] == [
            ("bob", "by bob"),
            ("ada", "by ada"),
            ("ada", None),
        ]
        assert [(each.number, each.new) for each in store.blame("pies", "/name")] == [(4, "pies"), (1, "cakes")]

    def test_reverted_to_before_it_was_one_keeps_its_name(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", text="pie")

        store.revert("pies", 1)

        assert (store.load("pies").name, store.load("pies").num_trials) == ("pies", 1)
        assert store.load("cakes").num_trials == 2
        assert store.verify() == []

    def test_a_name_that_is_taken_is_refused(self, store):
        store.save(new_experiment("pies"))

        with pytest.raises(DocumentExistsError, match=r"'pies'.*Choose another name for the branch"):
            store.branch("cakes", "pies")

    # On SQLite every writer waits for the other.
    @pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
    def test_a_name_is_refused_without_a_wait_for_who_writes_to_its_document(self, store, backend):
        """Two branches, each under the name of the other's source, would wait for each other."""
        store.save(new_experiment("pies"))

        with transaction(store.engine, write=True) as connection:
            rows.head_named(connection, "default", "experiment", "pies")
            with pytest.raises(DocumentExistsError):
                store.branch("cakes", "pies")

    def test_its_parents_own_name_is_refused(self, store):
        with pytest.raises(DocumentExistsError):
            store.branch("cakes", "cakes")

    def test_the_name_of_a_deleted_document_is_free(self, store):
        store.save(new_experiment("pies"))
        store.delete("pies")

        store.branch("cakes", "pies")

        assert store.load("pies").num_trials == 2
        with pytest.raises(DocumentExistsError):
            store.undelete("pies")

    @pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", None, 3])
    def test_what_can_be_no_name_is_refused(self, store, name):
        with pytest.raises(InvalidValueError, match="new_name"):
            store.branch("cakes", name)

    @pytest.mark.parametrize("name", ["x" * 255, "Ünïcode 🍞", "a/b", "'; --"])
    def test_an_odd_name_is_taken(self, store, name):
        store.branch("cakes", name)

        assert store.load(name).name == name

    @pytest.mark.parametrize("version", [0, 3, "none"])
    def test_a_version_that_is_not_there_is_refused(self, store, version):
        with pytest.raises(VersionNotFoundError):
            store.branch("cakes", "pies", version)

        assert [found.name for found in store.find()] == ["cakes"]

    def test_of_two_at_once_one_gets_the_name(self, store, bob):
        outcomes = []

        def branch(its):
            try:
                outcomes.append(its.branch("cakes", "pies").number)
            except DocumentExistsError:
                outcomes.append("taken")

        threads = [threading.Thread(target=branch, args=(its,)) for its in (store, bob)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes, key=str) == [3, "taken"]
        assert store.verify() == []

    def test_stays_whole_when_its_parent_is_purged(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", text="pie")
        before = past(store, "pies")

        store.purge("cakes")

        assert past(store, "pies") == before
        assert store.load("pies", version=1).num_trials == 1
        assert store.verify() == []

    def test_is_purged_without_its_parent(self, store):
        store.branch("cakes", "pies")

        store.purge("pies")

        assert (len(store.history("cakes")), store.load("cakes", version=1).num_trials) == (2, 1)
        assert store.verify() == []


class TestABranchAsItWasBeforeItWasOne:
    """It has its parent's name: to save it would be to save its parent."""

    @pytest.fixture
    def old(self, store):
        store.branch("cakes", "pies")
        old = store.load("pies", version=1)
        old.description = "from the past"
        return old

    def test_is_as_it_was_saved(self, store, old):
        assert old.name == "cakes"
        assert store.get("pies", version=1) == store.get("cakes", version=1)

    @pytest.mark.parametrize("save", ["all", "a trial"])
    def test_is_saved_in_the_branch_and_not_over_its_parent(self, store, old, save):
        old.trials[0].run_metadata["by"] = "old"
        if save == "all":
            store.save(old)
        else:
            store.save_trial(old, old.trials[0])

        assert store.load("pies").trials[0].run_metadata["by"] == "old"
        assert (store.load("cakes").description, "by" in store.load("cakes").trials[0].run_metadata) == (None, False)
        assert store.verify(decode=True) == []

    def test_gets_the_branchs_name_when_it_is_saved(self, store, old):
        store.save(old)

        assert (old.name, store.load("pies").description) == ("pies", "from the past")

    def test_is_saved_in_the_branch_under_the_branchs_name(self, store, old):
        old.name = "pies"

        store.save(old)

        assert store.load("pies").description == "from the past"
        assert store.load("pies").num_trials == 2  # what was saved since is kept


class TestABranchOfAUsersKind:
    @pytest.fixture
    def by(self, ada):
        """Declares a class that is named by a value, saves one of that name, and gives a caller of the store."""

        def by(annotation, value):
            @docstore.document(kind="lot", name="id", parts=["/steps/*"])
            @dataclass
            class Lot:
                id: annotation
                steps: list[int] = field(default_factory=lambda: [1, 2])

            Lot.__annotations__["id"] = annotation
            ada.save(Lot(value))
            return Lot

        return by

    @pytest.mark.parametrize(
        ("annotation", "value", "new"),
        [
            (str, "a", "b"),
            (int, 7, 8),
            (int, 7, -8),
            (int, 7, 2**70),
            (int, 2**70, 7),
            (UUID, uuid.uuid4(), uuid.uuid4()),
        ],
        ids=["text", "number", "negative", "to a large number", "from a large number", "uuid"],
    )
    def test_has_its_name_in_the_type_of_the_other(self, ada, by, annotation, value, new):
        cls = by(annotation, value)

        ada.branch(str(value), str(new), kind="lot")

        assert ada.load(str(new), kind="lot") == cls(new)
        assert ada.load(str(value), kind="lot") == cls(value)
        assert ada.verify() == []

    @pytest.mark.parametrize(
        ("annotation", "value", "new"),
        [(int, 7, "x"), (int, 7, "08"), (int, 7, "٣"), (UUID, uuid.uuid4(), "x")],
    )
    def test_a_name_of_another_type_is_refused(self, ada, by, annotation, value, new):
        by(annotation, value)

        with pytest.raises(InvalidValueError, match="new_name"):
            ada.branch(str(value), new, kind="lot")

        assert [found.name for found in ada.find(kind="lot")] == [str(value)]

    @pytest.mark.parametrize("call", ["branch", "rename"])
    def test_a_name_that_its_class_does_not_take_is_refused(self, ada, forgotten, call):
        @docstore.document(kind="lot", name="id")
        @dataclass
        class Lot:
            id: str

            def __post_init__(self):
                if not self.id.islower():
                    raise ValueError("small letters")

        ada.save(Lot("a"))

        with pytest.raises(InvalidValueError, match=r"new.*: 'B' cannot be used.*small letters"):
            getattr(ada, call)("a", "B", kind="lot")

        assert [found.name for found in ada.find(kind="lot")] == ["a"]

    def test_is_merged_part_by_part(self, ada, by):
        by(str, "a")
        ada.branch("a", "b", kind="lot")
        for name, index in (("a", 0), ("b", 1)):
            lot = ada.load(name, kind="lot")
            lot.steps[index] = 9
            ada.save(lot)

        ada.merge("b", into="a", kind="lot")

        assert (ada.load("a", kind="lot").id, ada.load("a", kind="lot").steps) == ("a", [9, 9])

    def test_needs_no_class(self, ada, by):
        with registry.scope():
            by(str, "a")
        ada.branch("a", "b", kind="lot")

        assert ada.get("b", kind="lot")["id"] == "b"

    def test_of_a_generation_strategy_is_that_of_the_branch_of_its_experiment(self, store):
        store.save(docstore.GenerationStrategy([docstore.GenerationNode("sobol")], "sobol", experiment_name="cakes"))
        store.branch("cakes", "cakes 2")

        store.branch("cakes", "cakes 2", kind="generation_strategy")

        found = store.load("cakes 2", kind="generation_strategy")
        assert (found.name, found.experiment_name) == ("sobol", "cakes 2")
        owners = {each.name: each.owner for each in store.find(kind="generation_strategy")}
        assert owners == {each.name: each.id for each in store.find(kind="experiment")}
        assert store.verify() == []


class TestANote:
    @pytest.fixture
    def notes(self, ada):
        ada.put("note", "n", {"a": 1, "b": [1], "name": "n"})
        ada.branch("n", "m", kind="note")
        return ada

    def test_is_branched_as_it_is(self, notes):
        assert notes.get("m", kind="note") == {"a": 1, "b": [1], "name": "n"}
        assert [each.number for each in notes.history("m", kind="note")] == [2, 1]

    def test_is_merged(self, notes):
        notes.put("note", "m", {"a": 2, "b": [1], "name": "n"})
        notes.put("note", "n", {"a": 1, "b": [1, 2], "name": "n"})

        notes.merge("m", into="n", kind="note")

        assert notes.get("n", kind="note") == {"a": 2, "b": [1, 2], "name": "n"}
        assert notes.verify() == []

    @pytest.mark.parametrize("value", [[1], "text", {"a": {"b": 1}}])
    def test_that_became_something_else_is_taken_whole(self, notes, value):
        notes.put("note", "m", value)

        notes.merge("m", into="n", kind="note")

        assert notes.get("n", kind="note") == value

    def test_that_both_made_something_else_is_a_conflict(self, notes):
        notes.put("note", "m", [1])
        notes.put("note", "n", "text")

        with pytest.raises(ConflictError) as caught:
            notes.merge("m", into="n", kind="note")

        [place] = caught.value.places
        assert (place.pointer, place.mine, place.theirs) == ("", [1], "text")


class TestMerge:
    """``pies`` is a branch of ``cakes``."""

    @pytest.fixture
    def store(self, store):
        store.branch("cakes", "pies")
        return store

    def test_of_one_side_takes_what_was_changed(self, store):
        edit(store, "pies", by="bob", text="pie", x=2)

        version = store.merge("pies", into="cakes")

        cakes, pies = store.load("cakes"), store.load("pies")
        assert (version.number, version.message) == (3, "merge of 'pies' at version 4")
        assert (cakes.name, version.places) == ("cakes", ("/description", "/properties/x", "/data/2", "/trials/2"))
        pies.name = "cakes"
        assert docstore.dumps(cakes) == docstore.dumps(pies)
        assert store.verify() == []

    def test_of_both_sides_keeps_both(self, store):
        edit(store, "pies", by="bob", text="pie")
        edit(store, "cakes", x=2)
        note_on_trial(store, "cakes", 0, "seen", True)

        store.merge("pies", into="cakes")

        assert head(store, "cakes", "name", "description", "x") == ("cakes", "pie", 2)
        assert makers(store, "cakes") == {2: "bob"}
        assert store.load("cakes").trials[0].run_metadata == {"seen": True}

    def test_leaves_what_it_takes_from_as_it_is(self, store):
        edit(store, "pies", text="pie")
        edit(store, "cakes", x=2)
        before = past(store, "pies")

        store.merge("pies", into="cakes")

        assert past(store, "pies") == before

    def test_the_other_way_round_brings_a_branch_up_to_date(self, store):
        edit(store, "pies", text="pie")
        edit(store, "cakes", x=2)

        store.merge("cakes", into="pies")

        assert head(store, "pies", "name", "description", "x") == ("pies", "pie", 2)
        assert head(store, "cakes", "name", "description", "x") == ("cakes", None, 2)

    def test_of_an_untouched_branch_makes_no_version(self, store):
        edit(store, "cakes", x=2)

        assert store.merge("pies", into="cakes").number == 3
        assert len(store.history("cakes")) == 3

    def test_done_twice_makes_no_second_version(self, store):
        edit(store, "pies", text="pie")
        first = store.merge("pies", into="cakes")

        assert store.merge("pies", into="cakes") == first
        assert store.merge("cakes", into="pies").number == len(store.history("pies"))

    def test_of_a_change_that_was_taken_back_makes_no_version(self, store):
        edit(store, "pies", text="pie")
        store.revert("pies", 3)

        store.merge("pies", into="cakes")

        assert len(store.history("cakes")) == 2

    def test_of_what_both_did_alike_is_noted_and_changes_nothing(self, store):
        for name in ("cakes", "pies"):
            edit(store, name, text="the same")

        version = store.merge("pies", into="cakes")

        assert (version.number, version.places, version.parent.how) == (4, (), "merge")
        assert store.verify() == []

    def test_tells_who_merged_what(self, store, bob):
        edit(store, "pies", text="pie")

        version = bob.merge("pies", into="cakes", message="it rose")

        assert (version.author, version.message) == ("bob", "it rose")

    def test_a_trial_that_was_deleted_stays_deleted(self, store):
        pies = store.load("pies")
        del pies._data[1], pies._trials[1]
        store.save(pies)
        edit(store, "cakes", text="cake")

        store.merge("pies", into="cakes")

        assert list(store.load("cakes").trials) == [0]
        edit(store, "cakes", text="again")
        store.merge("cakes", into="pies")
        assert list(store.load("pies").trials) == [0]

    def test_a_trial_deleted_here_and_changed_there_is_a_conflict(self, store):
        pies = store.load("pies")
        del pies._data[1], pies._trials[1]
        store.save(pies)
        note_on_trial(store, "cakes", 1, "seen", True)

        with pytest.raises(ConflictError) as caught:
            store.merge("pies", into="cakes")

        [place] = caught.value.places
        assert (place.pointer, place.mine) == ("/trials/1", ABSENT)

    @pytest.mark.parametrize(("name", "into"), [("pies", "tarts"), ("tarts", "cakes")])
    def test_of_or_into_what_is_not_there_names_it(self, store, name, into):
        with pytest.raises(DocumentNotFoundError, match="'tarts'"):
            store.merge(name, into=into)

    def test_into_itself_is_refused(self, store):
        with pytest.raises(InvalidValueError, match=r"into: 'pies' cannot be used. It is the document itself"):
            store.merge("pies", into="pies")

    @pytest.mark.parametrize("gone", ["cakes", "pies"])
    def test_with_a_deleted_one_says_how_to_bring_it_back(self, store, gone):
        edit(store, "pies", text="pie")
        store.delete(gone)

        with pytest.raises(DocumentNotFoundError, match=r"undelete\("):
            store.merge("pies", into="cakes")

    def test_of_strangers_is_refused(self, store):
        store.save(new_experiment("bread"))

        with pytest.raises(InvalidValueError, match="in common with 'bread'"):
            store.merge("bread", into="cakes")

    def test_an_unknown_policy_is_refused(self, store):
        with pytest.raises(InvalidValueError, match="on_conflict"):
            store.merge("pies", into="cakes", on_conflict="mine")

    def test_of_classes_that_are_not_registered_here(self, database, connect, store):
        class Taste(Metric):
            pass

        known = connect(database, bundle=RegistryBundle({Taste: None}))
        known.save(new_experiment("bread", tracking_metrics=[Taste("taste")]))
        known.branch("bread", "rolls")
        with_text = known.load("rolls")
        with_text.description = "roll"
        known.save(with_text)
        other = known.load("bread")
        other.properties["x"] = 1
        known.save(other)

        store.merge("rolls", into="bread")

        merged = known.load("bread")
        assert (merged.description, merged.properties, type(merged.tracking_metrics[0])) == ("roll", {"x": 1}, Taste)


class TestAMergeThatIsDisputed:
    """Both sides changed the description, and each something else."""

    @pytest.fixture
    def store(self, store):
        edit(store, "cakes", text="dough")
        store.branch("cakes", "pies")
        edit(store, "pies", text="pie", x=2)
        edit(store, "cakes", text="cake", by="ada")
        return store

    def test_is_refused_with_the_values_of_each(self, store):
        with pytest.raises(ConflictError) as caught:
            store.merge("pies", into="cakes")

        error = caught.value
        assert [(each.pointer, each.base, each.mine, each.theirs) for each in error.places] == [
            ("/description", "dough", "pie", "cake")
        ]
        assert (error.name, error.source, error.head) == ("cakes", "pies", 4)
        assert "both changed /description" in str(error)
        assert "on_conflict=" in str(error)

    def test_refused_it_changes_nothing(self, store):
        before = past(store, "cakes"), past(store, "pies")

        with pytest.raises(ConflictError):
            store.merge("pies", into="cakes")

        assert (past(store, "cakes"), past(store, "pies")) == before

    @pytest.mark.parametrize("side", ["base", "mine", "theirs"])
    def test_a_function_decides_and_all_else_is_kept(self, store, side):
        store.merge("pies", into="cakes", on_conflict=lambda place: getattr(place, side))

        expected = {"base": "dough", "mine": "pie", "theirs": "cake"}[side]
        assert head(store, "cakes", "description", "x") == (expected, 2)
        assert makers(store, "cakes") == {2: "ada"}

    def test_decided_once_it_is_not_asked_again(self, store):
        store.merge("pies", into="cakes", on_conflict=lambda place: "both")
        edit(store, "pies", x=3)

        store.merge("pies", into="cakes")

        assert head(store, "cakes", "description", "x") == ("both", 3)

    def test_error_refuses_it_even_without_a_dispute(self, store):
        edit(store, "pies", text="cake")

        with pytest.raises(ConflictError, match="'merge' would keep both"):
            store.merge("pies", into="cakes", on_conflict="error")

    def test_error_takes_what_only_one_side_changed(self, store):
        store.branch("cakes", "tarts")
        edit(store, "tarts", text="tart")

        store.merge("tarts", into="cakes", on_conflict="error")

        assert store.load("cakes").description == "tart"

    def test_overwrite_makes_it_what_the_other_is(self, store):
        store.merge("pies", into="cakes", on_conflict="overwrite")

        cakes, pies = store.load("cakes"), store.load("pies")
        assert cakes.name == "cakes"
        pies.name = "cakes"
        assert docstore.dumps(cakes) == docstore.dumps(pies)
        assert len(store.history("cakes")) == 5

    def test_what_makes_no_sense_together_is_refused(self, store):
        """One narrows a range, the other widens the same from its other end, so that it is none."""
        for name, change in (("cakes", {"lower": 0.75}), ("pies", {"upper": 0.5})):
            experiment = store.load(name)
            experiment.description = "the same"
            experiment.search_space.parameters["x"].update_range(**change)
            store.save(experiment)

        with pytest.raises(ConflictError, match="merged document is invalid"):
            store.merge("pies", into="cakes")


class TestOtherLayouts:
    """A class had its steps as parts, and then not."""

    @pytest.fixture
    def lots(self, ada):
        @dataclass
        class Lot:
            id: str
            steps: list[int]
            text: str = ""

        docstore.document(kind="lot", name="id", parts=["/steps/*"])(Lot)
        ada.save(Lot("a", [1, 2]))
        ada.branch("a", "b", kind="lot")
        docstore.document(kind="lot", name="id")(Lot)
        lot = ada.load("b", kind="lot")
        lot.steps.append(3)
        ada.save(lot)
        return ada

    def test_what_only_one_side_changed_is_taken(self, lots):
        lots.merge("b", into="a", kind="lot")

        assert (lots.load("a", kind="lot").id, lots.load("a", kind="lot").steps) == ("a", [1, 2, 3])
        assert lots.get("a", kind="lot", version=1)["steps"] == [1, 2]
        assert lots.verify() == []

    def change_the_other(self, lots):
        with registry.scope():
            value = lots.get("a", kind="lot")
            assert value["steps"] == [1, 2]
        cls = type(lots.load("a", kind="lot"))
        docstore.document(kind="lot", name="id", parts=["/steps/*"])(cls)
        lot = lots.load("a", kind="lot")
        lot.text = "theirs"
        lots.save(lot)

    def test_what_both_changed_is_refused(self, lots):
        self.change_the_other(lots)

        with pytest.raises(
            ConflictError, match="its parts are stored otherwise there, so that only on_conflict='overwrite'"
        ):
            lots.merge("b", into="a", kind="lot")

    def test_overwrite_takes_it_all_the_same(self, lots):
        self.change_the_other(lots)

        lots.merge("b", into="a", kind="lot", on_conflict="overwrite")

        assert lots.load("a", kind="lot").steps == [1, 2, 3]
        assert lots.verify() == []


class TestTrialsOfOneNumber:
    """Both sides make a trial 2."""

    @pytest.fixture
    def store(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", by="bob")
        edit(store, "cakes", by="ada")
        return store

    def test_are_both_kept(self, store):
        version = store.merge("pies", into="cakes")

        assert makers(store, "cakes") == {2: "ada", 3: "bob"}
        assert (version.parent.numbers, version.parent.names) == ({2: 3}, {"2_0": "3_0"})

    def test_the_one_that_moved_has_its_arms_and_data(self, store):
        store.merge("pies", into="cakes")

        trial = store.load("cakes").trials[3]
        assert [arm.name for arm in trial.arms] == ["3_0"]
        assert [(each["trial_index"], each["arm_name"]) for each in trial.lookup_data().records] == [(3, "3_0")]

    def test_later_changes_of_it_arrive_at_its_number(self, store):
        store.merge("pies", into="cakes")
        note_on_trial(store, "pies", 2, "baked", True)
        pies = store.load("pies")
        observe(pies, 2, 0.75, metric="crust")
        store.save(pies)

        store.merge("pies", into="cakes")

        trials = store.load("cakes").trials
        assert (trials[3].run_metadata, trials[2].run_metadata) == ({"by": "bob", "baked": True}, {"by": "ada"})
        assert {each["metric_name"]: each["trial_index"] for each in trials[3].lookup_data().records} == {
            "taste": 3,
            "crust": 3,
        }

    def test_and_the_other_way_round(self, store):
        store.merge("pies", into="cakes")
        note_on_trial(store, "cakes", 3, "baked", True)

        store.merge("cakes", into="pies")

        assert makers(store, "pies") == {2: "bob", 3: "ada"}
        assert store.load("pies").trials[2].run_metadata == {"by": "bob", "baked": True}

    def test_one_made_since_under_a_number_that_another_has_there_moves_too(self, store):
        """Bob's trial 2 is trial 3 of the cakes; then he makes a trial 3 of his own."""
        store.merge("pies", into="cakes")
        edit(store, "pies", by="bob again")

        store.merge("pies", into="cakes")

        assert makers(store, "cakes") == {2: "ada", 3: "bob", 4: "bob again"}
        assert [arm.name for arm in store.load("cakes").trials[4].arms] == ["4_0"]

    def test_one_that_moves_twice_in_one_merge_is_known_by_the_next(self, store):
        store.merge("pies", into="cakes")
        for name in ("bob 3", "bob 4"):
            edit(store, "pies", by=name)
        edit(store, "cakes", by="ada 4")

        store.merge("pies", into="cakes")
        for number in (3, 4):
            note_on_trial(store, "pies", number, "late", number)
        store.merge("pies", into="cakes")

        found = makers(store, "cakes")
        assert sorted(found.values()) == ["ada", "ada 4", "bob", "bob 3", "bob 4"]
        late = {by: store.load("cakes").trials[index].run_metadata.get("late") for index, by in found.items()}
        assert late == {"ada": None, "bob": None, "ada 4": None, "bob 3": 3, "bob 4": 4}

    def test_over_many_rounds_either_way_each_is_there_once(self, store):
        for number in range(4):
            edit(store, "pies", by=f"b{number}")
            edit(store, "cakes", by=f"a{number}")
            source, target = ("pies", "cakes") if number % 2 else ("cakes", "pies")
            store.merge(source, into=target)
        store.merge("pies", into="cakes")
        store.merge("cakes", into="pies")

        expected = sorted(["ada", "bob", *(f"{who}{number}" for who in "ab" for number in range(4))])
        assert sorted(makers(store, "cakes").values()) == expected
        assert sorted(makers(store, "pies").values()) == expected
        assert store.verify() == []

    def test_each_has_its_own_data_after_many_rounds(self, store):
        for number in range(3):
            edit(store, "pies", by=f"b{number}")
            edit(store, "cakes", by=f"a{number}")
            store.merge("pies", into="cakes")
            store.merge("cakes", into="pies")

        for name in ("cakes", "pies"):
            for index, trial in store.load(name).trials.items():
                records = trial.lookup_data().records
                assert {(each["trial_index"], each["arm_name"]) for each in records} == {(index, trial.arms[0].name)}
            names = [arm.name for trial in store.load(name).trials.values() for arm in trial.arms]
            assert len(names) == len(set(names))

    def test_a_conflict_in_it_is_told_at_its_number_there(self, store):
        store.merge("pies", into="cakes")
        note_on_trial(store, "cakes", 3, "by", "carl")
        note_on_trial(store, "pies", 2, "by", "dan")

        with pytest.raises(ConflictError) as caught:
            store.merge("pies", into="cakes")

        assert [(each.pointer, each.base, each.mine, each.theirs) for each in caught.value.places] == [
            ("/trials/3/run_metadata/by", "bob", "dan", "carl")
        ]


class TestWhatTheyHaveInCommon:
    """The base of a merge is the newest version that both have taken in, by whatever way."""

    def test_after_a_merge_it_is_what_was_merged(self, store):
        """With the fork as base, the second change of x would be a conflict."""
        store.branch("cakes", "pies")
        edit(store, "pies", x=2)
        store.merge("pies", into="cakes")
        edit(store, "cakes", x=3)
        edit(store, "pies", text="pie")

        store.merge("pies", into="cakes")

        assert head(store, "cakes", "description", "x") == ("pie", 3)

    def test_a_change_taken_back_after_a_merge_stays_taken_back(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", x=2)
        store.merge("pies", into="cakes")
        edit(store, "cakes", x=1)
        edit(store, "pies", text="pie")

        store.merge("pies", into="cakes")

        assert head(store, "cakes", "description", "x") == ("pie", 1)

    def test_by_turns_over_many_rounds_nothing_is_lost_or_disputed(self, store):
        store.branch("cakes", "pies")
        for number in range(2, 8):
            edit(store, "pies", x=number)
            store.merge("pies", into="cakes")
            edit(store, "cakes", text=f"round {number}")
            store.merge("cakes", into="pies")

        assert head(store, "cakes", "description", "x") == head(store, "pies", "description", "x") == ("round 7", 7)

    @pytest.mark.parametrize("first", ["cakes", "pies"])
    def test_merged_crosswise_a_change_taken_back_stays_taken_back(self, store, first):
        """Each has taken in the other as it was before: with either state alone, one change would seem undone."""
        store.branch("cakes", "pies")
        edit(store, "cakes", x=2)
        edit(store, "pies", text="pie")
        store.branch("cakes", "cakes before")
        store.branch("pies", "pies before")
        store.merge("pies before", into="cakes")
        store.merge("cakes before", into="pies")
        edit(store, "cakes", x=1, text="pie")
        edit(store, "pies", x=2, text="dough")

        second = {"cakes": "pies", "pies": "cakes"}[first]
        store.merge(first, into=second)

        assert head(store, second, "description", "x") == ("dough", 1)

    def test_merged_crosswise_what_each_decided_otherwise_is_a_conflict(self, store):
        store.branch("cakes", "pies")
        edit(store, "cakes", x=2)
        edit(store, "pies", x=3)
        store.branch("cakes", "cakes before")
        store.branch("pies", "pies before")
        store.merge("pies before", into="cakes", on_conflict=lambda place: 2)
        store.merge("cakes before", into="pies", on_conflict=lambda place: 3)

        with pytest.raises(ConflictError) as caught:
            store.merge("pies", into="cakes")

        assert [(each.pointer, each.base, each.mine, each.theirs) for each in caught.value.places] == [
            ("/properties/x", ABSENT, 3, 2)
        ]
        store.merge("pies", into="cakes", on_conflict=lambda place: 4 if place.base is ABSENT else 5)
        assert head(store, "cakes", "x") == (4,)

    def test_a_branch_of_a_branch_merges_into_its_grandparent(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", text="pie")
        store.branch("pies", "tarts")
        edit(store, "tarts", x=2)
        edit(store, "cakes", by="ada")

        store.merge("tarts", into="cakes")

        assert head(store, "cakes", "name", "description", "x") == ("cakes", "pie", 2)
        assert makers(store, "cakes") == {2: "ada"}

    def test_then_its_parent_brings_nothing_twice(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", text="pie")
        store.branch("pies", "tarts")
        edit(store, "tarts", x=2)
        store.merge("tarts", into="cakes")
        edit(store, "cakes", text="cake")

        store.merge("pies", into="cakes")

        assert head(store, "cakes", "description", "x") == ("cake", 2)

    def test_a_branch_of_a_branch_from_before_that_was_one(self, store):
        """It comes from the grandparent: what both have in common is the grandparent's version."""
        store.branch("cakes", "pies")
        store.branch("pies", "tarts", version=1)
        edit(store, "tarts", x=2)
        edit(store, "cakes", text="cake")

        store.merge("tarts", into="cakes")

        assert head(store, "cakes", "description", "x") == ("cake", 2)
        assert store.verify() == []

    def test_siblings_merge(self, store):
        store.branch("cakes", "pies")
        store.branch("cakes", "tarts")
        edit(store, "pies", text="pie", by="bob")
        edit(store, "tarts", x=2, by="carl")

        store.merge("tarts", into="pies")

        assert head(store, "pies", "name", "description", "x") == ("pies", "pie", 2)
        assert makers(store, "pies") == {2: "bob", 3: "carl"}
        assert makers(store, "cakes") == {}

    def test_siblings_know_what_came_by_way_of_their_parent(self, store):
        """With the fork as base, a change of x on both sides would be disputed."""
        store.branch("cakes", "pies")
        store.branch("cakes", "tarts")
        edit(store, "pies", x=2)
        store.merge("pies", into="cakes")
        store.merge("cakes", into="tarts")
        edit(store, "tarts", x=3)
        edit(store, "pies", text="pie")

        store.merge("pies", into="tarts")

        assert head(store, "tarts", "description", "x") == ("pie", 3)

    def test_a_trial_that_came_by_several_ways_is_there_once(self, store):
        """Bob's and Carl's trials have other numbers in each document, and meet by way of the parent and directly."""
        store.branch("cakes", "pies")
        store.branch("cakes", "tarts")
        edit(store, "pies", by="bob")
        edit(store, "tarts", by="carl")
        for source, target in (("pies", "cakes"), ("tarts", "cakes"), ("pies", "tarts"), ("cakes", "tarts")):
            store.merge(source, into=target)

        assert makers(store, "cakes") == {2: "bob", 3: "carl"}
        assert makers(store, "tarts") == {2: "carl", 3: "bob"}

    def test_a_change_of_it_arrives_by_way_of_another_document(self, store):
        store.branch("cakes", "pies")
        store.branch("cakes", "tarts")
        edit(store, "pies", by="bob")
        edit(store, "tarts", by="carl")
        edit(store, "cakes", by="ada")
        for source, target in (("pies", "cakes"), ("tarts", "cakes"), ("pies", "tarts")):
            store.merge(source, into=target)
        assert makers(store, "cakes") == {2: "ada", 3: "bob", 4: "carl"}
        note_on_trial(store, "pies", 2, "late", "pie")

        store.merge("pies", into="cakes")
        store.merge("cakes", into="tarts")

        assert makers(store, "tarts") == {2: "carl", 3: "bob", 4: "ada"}
        assert store.load("tarts").trials[3].run_metadata == {"by": "bob", "late": "pie"}
        assert store.verify() == []

    def test_siblings_of_a_purged_parent_merge(self, store):
        store.branch("cakes", "pies")
        store.branch("cakes", "tarts")
        store.purge("cakes")
        edit(store, "pies", text="pie", by="bob")
        edit(store, "tarts", x=2, by="carl")

        store.merge("tarts", into="pies")

        assert head(store, "pies", "description", "x") == ("pie", 2)
        assert makers(store, "pies") == {2: "bob", 3: "carl"}

    def test_by_way_of_a_deleted_document(self, store):
        store.branch("cakes", "pies")
        edit(store, "pies", x=2)
        store.branch("pies", "tarts")
        edit(store, "tarts", text="tart")
        store.delete("pies")

        store.merge("tarts", into="cakes")

        assert head(store, "cakes", "description", "x") == ("tart", 2)

    def test_after_a_revert_to_before_the_merge_it_is_merged_all_the_same(self, store):
        """What was reverted was taken in, and taken out again on purpose: only what came since is news."""
        store.branch("cakes", "pies")
        edit(store, "pies", x=2)
        store.merge("pies", into="cakes")
        store.revert("cakes", 2)
        edit(store, "pies", text="pie")

        store.merge("pies", into="cakes")

        assert head(store, "cakes", "description", "x") == ("pie", 1)

    def test_of_a_compacted_history(self, store):
        store.branch("cakes", "pies")
        for number in range(2, 6):
            edit(store, "cakes", x=number)
        edit(store, "pies", by="bob")
        edit(store, "cakes", by="ada")
        store.merge("pies", into="cakes")
        for name in ("cakes", "pies"):
            store.compact(name, keep=1)
        note_on_trial(store, "pies", 2, "late", True)

        store.merge("pies", into="cakes")

        assert makers(store, "cakes") == {2: "ada", 3: "bob"}
        assert store.load("cakes").trials[3].run_metadata == {"by": "bob", "late": True}


class TestManyDocuments:
    """Trials and notes are made at random in up to five documents, which branch from and merge into each other.

    Nothing is disputed, so that each document is to have all that was made in it and in what it took in: once.
    """

    class Plan:
        """What each document is to have: the notes on each trial, by who made it."""

        def __init__(self, store, random):
            self.store, self.random, self.made = store, random, itertools.count(1)
            experiment = new_experiment("0")
            bake(experiment, "trial 0")
            store.save(experiment)
            self.expected = {"0": {"trial 0": set()}}
            self.past = {}
            self.remember("0")

        def remember(self, name):
            self.past[name, len(self.store.history(name))] = copy.deepcopy(self.expected[name])

        def step(self):
            name = self.random.choice(list(self.expected))
            self.remember(self.random.choice([self.bake, self.note, self.branch, self.merge, self.merge])(name))

        def bake(self, name):
            by = f"trial {next(self.made)}"
            edit(self.store, name, by=by)
            self.expected[name][by] = set()
            return name

        def note(self, name):
            number, trial = self.random.choice(list(self.store.load(name).trials.items()))
            key = f"note {next(self.made)}"
            note_on_trial(self.store, name, number, key, True)
            self.expected[name][trial.run_metadata["by"]].add(key)
            return name

        def branch(self, name):
            if len(self.expected) == 5:
                return self.merge(name)
            version = self.random.choice([version for other, version in self.past if other == name])
            new = str(len(self.expected))
            self.store.branch(name, new, version)
            self.expected[new] = copy.deepcopy(self.past[name, version])
            return new

        def merge(self, name):
            source = self.random.choice(list(self.expected))
            if source != name:
                self.store.merge(source, into=name)
                for by, notes in self.expected[source].items():
                    self.expected[name].setdefault(by, set()).update(notes)
            return name

        def found(self):
            """What each document has."""
            return {
                name: {
                    trial.run_metadata["by"]: trial.run_metadata.keys() - {"by"}
                    for trial in self.store.load(name).trials.values()
                }
                for name in self.expected
            }

        def trials(self):
            return [trial for name in self.expected for trial in self.store.load(name).trials.values()]

    # What is merged with what is found in JSON, whatever the database: SQLite, which is quick, has most of the seeds.
    @pytest.mark.parametrize(
        ("backend", "seed"),
        [
            *(("sqlite", seed) for seed in range(8)),
            *(("postgresql", seed) for seed in (0, 1)),
            ("mariadb", 2),
            ("mariadb", 3),
        ],
        indirect=["backend"],
    )
    def test_have_each_trial_once_with_its_notes_and_its_data(self, ada, seed):
        plan = self.Plan(ada, Random(seed))
        for _ in range(30):
            plan.step()

        assert plan.found() == plan.expected
        assert sum(map(len, plan.expected.values())) == len(plan.trials())
        assert [(trial.lookup_data().records[0]["trial_index"], len(trial.arms)) for trial in plan.trials()] == [
            (trial.index, 1) for trial in plan.trials()
        ]
        assert plan.store.verify() == []
