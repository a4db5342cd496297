"""A document gets another name, or another document is made of what was loaded: which of the two is always said."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field
from functools import partial

import pytest
from memory import in_memory

import docstore
from docstore import GenerationNode, GenerationStrategy
from docstore.errors import (
    ConflictError,
    DocumentExistsError,
    DocumentNotFoundError,
    EncodeError,
    InvalidValueError,
    NameChangedError,
    OverwriteWarning,
    RegistryError,
)
from docstore.testing.contract.setting import together
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]


@pytest.fixture
def database(ready):
    return ready.url


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


DUPLICATES = {
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": lambda obj: pickle.loads(pickle.dumps(obj)),
    "copy of a copy": lambda obj: copy.deepcopy(copy.copy(obj)),
}


@pytest.fixture
def cakes(store):
    """An experiment of two trials, saved as ``cakes``."""
    experiment = new_experiment(trials=2)
    store.save(experiment)
    return experiment


class Name(str):
    """A text of a class of its own."""


def names(store, kind="experiment"):
    return [info.name for info in store.find(kind)]


SAVES = {
    "save": lambda store, obj: store.save(obj),
    "save over what others saved": lambda store, obj: store.save(obj, on_conflict="overwrite"),
    "save_trial": lambda store, obj: store.save_trial(obj, obj.trials[0]),
    "save_many": lambda store, obj: store.save_many([obj]),
    "status": lambda store, obj: store.status(obj),
}


class TestAnObjectWhoseNameWasChanged:
    """It was loaded, or saved, and its name was changed since: that may mean two things, and neither is guessed."""

    @pytest.mark.parametrize("call", SAVES.values(), ids=SAVES)
    @pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "saved"])
    def test_is_refused_and_both_ways_are_named(self, store, cakes, call, is_loaded):
        obj = store.load("cakes") if is_loaded else cakes
        obj.name = "bread"

        with pytest.raises(
            NameChangedError, match=r"rename\('cakes', 'bread'\).*save\(\.\.\., as_new=True\)"
        ) as caught:
            call(store, obj)

        assert (caught.value.old, caught.value.new, caught.value.kind) == ("cakes", "bread", "experiment")
        assert names(store) == ["cakes"]
        assert len(store.history("cakes")) == 1

    @pytest.mark.parametrize("duplicate", DUPLICATES.values(), ids=DUPLICATES)
    @pytest.mark.parametrize("is_known", [True, False], ids=["this store", "another store"])
    def test_is_refused_of_a_copy_too(self, store, bob, cakes, duplicate, is_known):
        twin = duplicate(cakes)
        twin.name = "bread"

        with pytest.raises(NameChangedError, match=r"rename\('cakes', 'bread'\).*as_new=True"):
            (store if is_known else bob).save(twin)

        assert names(store) == ["cakes"]

    def test_is_saved_under_its_old_name_as_ever(self, store, cakes):
        cakes.name = "bread"
        with pytest.raises(NameChangedError):
            store.save(cakes)
        cakes.name = "cakes"
        cakes.description = "with salt"

        assert store.save(cakes).number == 2

    def test_is_refused_where_it_was_changed_inside_a_save(self, ada, bob):
        ada.save(new_experiment())
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        theirs.description, mine.description = "theirs", "mine"
        bob.save(theirs)

        def decide(conflict):
            mine.name = "bread"
            return conflict.mine

        assert ada.save(mine, on_conflict=decide).number == 3
        mine.description = "later"
        with pytest.raises(NameChangedError, match=r"rename\('cakes', 'bread'\)"):
            ada.save(mine)

        assert (names(bob), bob.load("cakes").name, bob.load("cakes").description) == (["cakes"], "cakes", "mine")
        assert bob.verify(decode=True) == []

    def test_is_refused_though_its_document_was_deleted(self, store, cakes):
        store.delete("cakes")
        cakes.name = "bread"

        with pytest.raises(NameChangedError):
            store.save(cakes)

        assert names(store) == []

    def test_of_one_that_another_database_has_is_new_here(self, store, cakes):
        other = in_memory()
        cakes.name = "bread"

        assert other.save(cakes).number == 1
        assert other.save(copy.deepcopy(store.load("cakes"))).number == 1

    def test_of_one_that_another_project_has_is_new_here(self, store, database, connect, cakes):
        other = connect(database, project="other")
        cakes.name = "bread"

        assert other.save(cakes).number == 1

    def test_in_save_many_tells_how_many_are_saved(self, store, cakes):
        cakes.name = "bread"

        with pytest.raises(NameChangedError) as caught:
            store.save_many([new_experiment("a"), cakes], batch=1)

        assert caught.value.saved == 1
        assert names(store) == ["a", "cakes"]

    @pytest.mark.parametrize("is_by_function", [True, False])
    def test_is_not_marked_where_code_of_its_own_may_see_it(self, store, forgotten, is_by_function):
        class Memo:
            def __init__(self, title):
                self.title = title

        if is_by_function:
            Memo = dataclass(type("Memo", (), {"__annotations__": {"title": str}}))  # a class
            docstore.register(Memo, encode=vars, decode=lambda members: Memo(**members))
        docstore.document(kind="memo", name="title")(Memo)
        memo = Memo("n1")
        store.save(memo)

        assert vars(memo) == vars(store.load("n1", kind="memo")) == {"title": "n1"}
        assert store.save(memo).number == store.save(store.load("n1", kind="memo")).number == 1

    def test_keeps_nothing_that_a_program_sees_but_its_fields(self, store, cakes):
        loaded = store.load("cakes")

        assert identity(loaded) == identity(cakes) == identity(docstore.loads(docstore.dumps(cakes)))
        assert docstore.dumps(copy.deepcopy(loaded)) == docstore.dumps(cakes)


class TestSavedAsNew:
    @pytest.mark.parametrize("obj", ["saved", "loaded", "copied", "new"])
    def test_makes_a_document_without_a_past_and_leaves_the_old_one(self, store, cakes, obj):
        given = {
            "saved": cakes,
            "loaded": store.load("cakes"),
            "copied": copy.deepcopy(cakes),
            "new": new_experiment(trials=2),
        }[obj]
        before = docstore.dumps(store.load("cakes"))
        given.name, given.description = "bread", "no cake"

        version = store.save(given, as_new=True, message="from cakes", author="ada")

        assert (version.number, version.message, version.author) == (1, "from cakes", "ada")
        assert identity(store.load("bread")) == identity(given)
        assert docstore.dumps(store.load("cakes")) == before
        assert store.verify(decode=True) == []

    def test_is_known_as_the_new_one_from_then_on(self, store, cakes):
        cakes.name = "bread"
        store.save(cakes, as_new=True)
        add_trial(cakes)

        assert store.save_trial(cakes, cakes.trials[2]).number == 2
        cakes.description = "bread"
        assert store.save(cakes).number == 3
        assert [len(store.history(name)) for name in ("bread", "cakes")] == [3, 1]

    @pytest.mark.parametrize("name", ["cakes", "pies"])
    def test_a_name_that_is_taken_is_refused_and_the_object_keeps_its_document(self, store, cakes, name):
        store.save(new_experiment("pies"))
        cakes.name = name

        with pytest.raises(DocumentExistsError, match=f"'{name}' is stored already.*Choose another name"):
            store.save(cakes, as_new=True)

        cakes.name, cakes.description = "cakes", "with salt"
        assert store.save(cakes).number == 2

    @pytest.mark.parametrize("end", ["delete", "purge"])
    def test_takes_the_name_that_its_document_gave_free(self, store, cakes, end):
        getattr(store, end)("cakes")

        assert store.save(cakes, as_new=True).number == 1
        assert identity(store.load("cakes")) == identity(cakes)

    def test_to_overwrite_at_once_is_refused(self, store, cakes):
        with pytest.raises(InvalidValueError, match=r"on_conflict.*as_new"):
            store.save(cakes, as_new=True, on_conflict="overwrite")

    def test_of_one_that_others_changed_takes_nothing_from_them(self, ada, bob):
        ada.save(new_experiment())
        mine = ada.load("cakes")
        theirs = bob.load("cakes")
        theirs.description = "theirs"
        bob.save(theirs)
        mine.name = "bread"

        ada.save(mine, as_new=True)

        assert ada.load("bread").description is None

    def test_twice_makes_two(self, store, cakes):
        for name in ("a", "b"):
            cakes.name = name
            store.save(cakes, as_new=True)

        assert names(store) == ["a", "b", "cakes"]


class TestRename:
    """``cakes`` becomes ``bread``."""

    def test_is_the_next_version_and_says_who_and_why(self, store, cakes):
        version = store.rename("cakes", "bread", message="no sugar", author="ada")

        assert (version.number, version.message, version.author) == (2, "no sugar", "ada")
        assert version.places == ("/name",)
        assert [each.number for each in store.history("bread")] == [2, 1]
        assert identity(store.load("bread")) == identity(_named(cakes, "bread"))
        assert store.verify(decode=True) == []

    def test_says_what_it_was_called_where_nobody_says_more(self, store, cakes):
        assert store.rename("cakes", "bread").message == "renamed from 'cakes'"

    def test_keeps_the_id_the_past_and_the_tags(self, store, cakes):
        store.tag("cakes", "published")
        [before] = store.find(name="cakes")
        past = store.load("cakes")

        store.rename("cakes", "bread")

        [after] = store.find()
        assert (after.id, after.name, after.created_at) == (before.id, "bread", before.created_at)
        assert store.tags("bread") == {"published": 1}
        for earlier in (store.load("bread", tag="published"), store.load("bread", version=1)):
            assert identity(earlier) == identity(past)
        assert store.get("bread", version=1, pointer="/name") == "cakes"

    def test_the_old_name_is_free(self, store, cakes):
        store.rename("cakes", "bread")

        with pytest.raises(DocumentNotFoundError):
            store.load("cakes")
        assert store.save(new_experiment()).number == 1

    def test_to_its_own_name_makes_no_version(self, store, cakes):
        first = store.history("cakes")[0]

        assert store.rename("cakes", "cakes") == first
        assert len(store.history("cakes")) == 1

    def test_to_a_name_that_is_taken_is_refused(self, store, cakes):
        store.save(new_experiment("bread"))

        with pytest.raises(DocumentExistsError, match=r"'bread' is stored already.*Choose another name"):
            store.rename("cakes", "bread")

        assert names(store) == ["bread", "cakes"]
        assert len(store.history("cakes")) == 1

    def test_to_the_name_of_one_of_another_kind_is_free(self, store, cakes):
        store.put("note", "bread", 1)

        store.rename("cakes", "bread")

        assert len(store.find(name="bread")) == 2

    def test_to_the_name_of_a_deleted_one_keeps_that_from_coming_back_until_the_name_is_free(self, store, cakes):
        store.save(new_experiment("bread", description="first"))
        store.delete("bread")
        store.rename("cakes", "bread")

        with pytest.raises(DocumentExistsError, match=r"rename\('bread', \.\.\.\) or delete\('bread'\)"):
            store.undelete("bread")
        store.rename("bread", "rolls")
        store.undelete("bread")

        assert (store.load("bread").description, names(store)) == ("first", ["bread", "rolls"])

    def test_a_deleted_one_is_not_renamed_and_comes_back_under_its_last_name(self, store, cakes):
        store.rename("cakes", "bread")
        store.delete("bread")

        with pytest.raises(DocumentNotFoundError, match=r"undelete\('bread'\)"):
            store.rename("bread", "rolls")
        with pytest.raises(DocumentNotFoundError):
            store.undelete("cakes")
        store.undelete("bread")

        assert store.load("bread").num_trials == 2

    @pytest.mark.parametrize("new", ["", "x" * 256, "a\0", "\ud800", 5, None, ["a"]], ids=ascii)
    def test_to_what_is_no_name_is_refused(self, store, cakes, new):
        with pytest.raises(InvalidValueError, match="new"):
            store.rename("cakes", new)

        assert names(store) == ["cakes"]

    def test_of_one_that_is_not_there_is_refused(self, store):
        with pytest.raises(DocumentNotFoundError, match="'cakes'"):
            store.rename("cakes", "bread")

    def test_of_a_value_that_was_put(self, store):
        store.put("note", "n1", [1, 2])

        version = store.rename("n1", "n2", kind="note")

        assert (version.number, store.get("n2", kind="note"), names(store, "note")) == (2, [1, 2], ["n2"])
        assert store.put("note", "n2", [3]).number == 3
        assert store.get("n2", kind="note", version=1) == [1, 2]
        assert store.verify() == []

    def test_takes_the_documents_that_belong_to_it_along(self, store, cakes):
        strategy = GenerationStrategy([GenerationNode("n")], "sobol", "cakes")
        store.save(strategy)
        store.delete("cakes", kind="generation_strategy")
        strategy = GenerationStrategy([GenerationNode("n")], "sobol", "cakes")
        store.save(strategy)

        store.rename("cakes", "bread", message="no sugar", author="ada")

        assert [info.name for info in store.find("generation_strategy", owner="bread")] == ["bread"]
        said = store.history("bread", kind="generation_strategy")[0]
        assert (said.places, said.author) == (("/experiment_name",), "ada")
        assert "no sugar" in said.message
        store.save(strategy)
        strategy._nodes.append(GenerationNode("m"))
        store.save(strategy)
        assert store.load("bread", kind="generation_strategy").experiment_name == "bread"
        store.delete("bread", kind="generation_strategy")
        store.undelete("bread", kind="generation_strategy")
        assert store.load("bread", kind="generation_strategy").nodes_by_name.keys() == {"n", "m"}
        assert store.verify(decode=True) == []

    def test_of_a_strategy_is_that_of_its_experiment(self, store, cakes):
        store.save(GenerationStrategy([GenerationNode("n")], "sobol", "cakes"))

        with pytest.raises(InvalidValueError, match=r"named after its experiment: call rename\('cakes', 'bread'\)"):
            store.rename("cakes", "bread", kind="generation_strategy")

    def test_of_the_branch_of_a_strategy_finds_its_experiment(self, store, cakes):
        store.save(GenerationStrategy([GenerationNode("n")], "sobol", "cakes"))
        store.save(new_experiment("bread"))
        store.branch("cakes", "cakes 2", kind="generation_strategy")

        store.rename("cakes 2", "bread", kind="generation_strategy")

        assert store.load("bread", kind="generation_strategy").experiment_name == "bread"
        assert store.find("generation_strategy", owner="bread").names() == ["bread"]
        assert store.verify(decode=True) == []

    def test_to_the_name_of_another_strategy_is_refused(self, store, cakes):
        store.save(GenerationStrategy([GenerationNode("n")], "sobol", "cakes"))
        store.save(GenerationStrategy([GenerationNode("n")], "bread"))

        with pytest.raises(DocumentExistsError, match=r"delete\('bread', kind='generation_strategy'\)"):
            store.rename("cakes", "bread")

        assert names(store) == ["cakes"]

    def test_swaps_two_names_by_a_third(self, store, cakes):
        store.save(new_experiment("bread", description="bread"))
        for old, new in (("cakes", "x"), ("bread", "cakes"), ("x", "bread")):
            store.rename(old, new)

        assert (store.load("cakes").description, store.load("bread").num_trials) == ("bread", 2)
        assert store.verify(decode=True) == []

    def test_can_be_compacted_and_proved(self, store, cakes):
        store.rename("cakes", "bread")
        store.rename("bread", "rolls")
        store.compact("rolls", keep=1)

        assert store.load("rolls").name == "rolls"
        assert store.verify(decode=True) == []


class TestAnObjectThatWasReadBeforeTheRename:
    """Ada has it under the old name; Bob renames the document."""

    @pytest.fixture
    def mine(self, ada, bob):
        ada.save(new_experiment(trials=2))
        mine = ada.load("cakes")
        bob.rename("cakes", "bread")
        return mine

    def test_is_saved_to_the_renamed_document_and_gets_its_name(self, ada, bob, mine):
        mine.description = "with salt"

        assert ada.save(mine).number == 3
        assert (mine.name, names(bob)) == ("bread", ["bread"])
        assert identity(bob.load("bread")) == identity(mine)
        mine.description = "with more"
        assert ada.save(mine).number == 4
        assert bob.verify(decode=True) == []

    def test_a_trial_of_it_is_saved_to_the_renamed_document(self, ada, bob, mine):
        add_trial(mine)

        assert ada.save_trial(mine, mine.trials[2]).number == 3
        assert ada.save(mine).number == 3
        assert (mine.name, bob.load("bread").num_trials) == ("bread", 3)

    @pytest.mark.parametrize("is_whole", [True, False])
    def test_a_trial_of_it_overwrites_that_of_the_renamed_document(self, ada, bob, mine, is_whole):
        mine.trials[0].mark_abandoned("burnt", unsafe=True)

        version = ada.save_trial(mine, mine.trials[0], on_conflict="overwrite")

        assert (version.number, mine.name, bob.load("bread").trials[0].status.name) == (3, "cakes", "ABANDONED")
        assert ada.save(mine, on_conflict="overwrite" if is_whole else "merge").number == 3
        assert (mine.name, bob.verify(decode=True)) == ("bread", [])

    @pytest.mark.parametrize("is_first_known", [True, False])
    def test_may_be_given_the_new_name_by_hand(self, ada, bob, mine, is_first_known):
        if is_first_known:
            mine.description = "with salt"
            ada.save(mine)
        mine.name = "bread"
        mine.description = "with butter"

        ada.save(mine)

        assert (names(bob), bob.load("bread").description) == (["bread"], "with butter")

    def test_overwrites_all_but_the_name(self, ada, bob, mine):
        theirs = bob.load("bread")
        theirs.description = "theirs"
        bob.save(theirs)
        mine.properties["mine"] = True

        with pytest.warns(OverwriteWarning):
            ada.save(mine, on_conflict="overwrite")

        stored = bob.load("bread")
        assert (names(bob), stored.description, stored.properties) == (["bread"], None, {"mine": True})
        assert identity(stored) == identity(mine)
        assert bob.verify(decode=True) == []

    def test_is_refused_where_nobody_may_save_between(self, ada, mine):
        mine.description = "with salt"

        with pytest.raises(ConflictError):
            ada.save(mine, on_conflict="error")

    def test_is_refused_under_a_third_name(self, ada, mine):
        mine.name = "rolls"

        with pytest.raises(NameChangedError, match=r"rename\('bread', 'rolls'\)"):
            ada.save(mine)

    def test_is_not_saved_to_a_new_document_of_the_old_name(self, ada, bob, mine):
        bob.save(new_experiment(description="another"))
        mine.description = "with salt"

        ada.save(mine)

        assert (bob.load("bread").description, bob.load("cakes").description) == ("with salt", "another")

    def test_a_copy_of_it_makes_no_second_document(self, ada, bob, mine):
        twin = copy.deepcopy(mine)
        twin.description = "with salt"

        ada.save(twin)

        assert (names(bob), twin.name, bob.load("bread").description) == (["bread"], "bread", "with salt")

    def test_is_saved_by_save_many(self, ada, bob, mine):
        mine.description = "with salt"

        ada.save_many([mine])

        assert (names(bob), bob.load("bread").description) == (["bread"], "with salt")

    def test_an_old_version_is_saved_to_the_renamed_document(self, ada, bob, mine):
        old = bob.load("bread", version=1)
        old.description = "from the past"

        bob.save(old)

        assert (old.name, names(bob), bob.load("bread").description) == ("bread", ["bread"], "from the past")

    def test_what_it_would_write_is_told(self, ada, mine):
        mine.description = "with salt"

        assert [change.path for change in ada.status(mine).changes] == ["/description"]


class TestARenamedDocumentAndItsBranches:
    @pytest.fixture
    def pies(self, store, cakes):
        store.branch("cakes", "pies")
        return store

    @pytest.mark.parametrize("renamed", ["cakes", "pies"])
    def test_are_merged_and_keep_their_names(self, pies, renamed):
        theirs = pies.load("pies")
        theirs.description = "pie"
        pies.save(theirs)
        pies.rename(renamed, "bread")
        source, target = ("bread", "cakes") if renamed == "pies" else ("pies", "bread")

        pies.merge(source, into=target)

        assert (pies.load(target).description, names(pies)) == ("pie", sorted([source, target]))
        assert pies.verify(decode=True) == []

    def test_start_from_a_version_before_it(self, store, cakes):
        store.rename("cakes", "bread")
        store.branch("bread", "pies", version=1)
        store.revert("bread", 1)

        assert [store.load(name).name for name in ("bread", "pies")] == ["bread", "pies"]
        assert store.verify(decode=True) == []


class TestARenamedDocumentThatIsCopied:
    """To a store that has it under its old name."""

    @pytest.fixture
    def other(self, store, cakes):
        other = in_memory()
        store.copy_to(other)
        yield other
        other.close()

    def test_is_renamed_there(self, store, other):
        store.rename("cakes", "bread")

        [copied] = store.copy_to(other)

        assert (copied.status, names(other), other.load("bread").num_trials) == ("updated", ["bread"], 2)
        assert other.verify(decode=True) == []

    def test_makes_room_for_the_one_that_has_its_old_name_now(self, store, other):
        store.rename("cakes", "tarts")
        store.save(new_experiment(description="another"))

        store.copy_to(other)

        assert (names(other), other.load("cakes").description) == (["cakes", "tarts"], "another")
        assert other.verify(decode=True) == []


class TestRenameOfAUsersDocument:
    @pytest.fixture
    def note_class(self, forgotten):
        @docstore.document(kind="memo", name="title", parts=["/lines/*"])
        @dataclass
        class Memo:
            title: str
            lines: list[str] = field(default_factory=lambda: ["a", "b"])

        return Memo

    def test_is_renamed_in_the_field_that_names_it(self, store, note_class):
        mine = note_class("n1")
        store.save(mine)
        store.rename("n1", "n2", kind="memo")
        mine.lines[0] = "c"

        store.save(mine)

        assert store.load("n2", kind="memo") == mine == note_class("n2", ["c", "b"])
        assert store.verify(decode=True) == []

    def test_is_refused_by_its_kind(self, store, note_class):
        mine = note_class("n1")
        store.save(mine)
        mine.title = "n2"

        with pytest.raises(NameChangedError, match=r"rename\('n1', 'n2', kind='memo'\)"):
            store.save(mine)

    def test_may_be_cut_into_other_parts_and_overwritten(self, store, forgotten):
        @docstore.document(kind="memo", name="title")
        @dataclass
        class Memo:
            title: str
            lines: list[str] = field(default_factory=lambda: ["a", "b"])

        mine = Memo("n1")
        store.save(mine)
        store.rename("n1", "n2", kind="memo")
        docstore.document(kind="memo", name="title", parts=["/lines/*"])(Memo)

        with pytest.warns(OverwriteWarning):
            store.save(mine, on_conflict="overwrite")

        assert store.load("n2", kind="memo") == mine == Memo("n2")
        assert store.verify(decode=True) == []


CALLS = {
    "load": lambda store, name: store.load(name),
    "get": lambda store, name: store.get(name),
    "history": lambda store, name: store.history(name),
    "blame": lambda store, name: store.blame(name, "/name"),
    "diff": lambda store, name: store.diff(name, 1),
    "revert": lambda store, name: store.revert(name, 1),
    "tag": lambda store, name: store.tag(name, "t"),
    "untag": lambda store, name: store.untag(name, "t"),
    "tags": lambda store, name: store.tags(name),
    "branch": lambda store, name: store.branch(name, "pies"),
    "branch to it": lambda store, name: store.branch("cakes", name),
    "merge": lambda store, name: store.merge(name, "cakes"),
    "merge into it": lambda store, name: store.merge("cakes", name),
    "rename": lambda store, name: store.rename(name, "bread"),
    "delete": lambda store, name: store.delete(name),
    "undelete": lambda store, name: store.undelete(name),
    "purge": lambda store, name: store.purge(name),
    "compact": lambda store, name: store.compact(name, keep=1),
    "verify": lambda store, name: store.verify(name),
    "trials": lambda store, name: store.trials(name),
    "observations": lambda store, name: store.observations(name),
    "running_trials": lambda store, name: store.running_trials(name),
    "best": lambda store, name: store.best(name),
    "put": lambda store, name: store.put("note", name, 1),
}


class TestANameThatIsNoText:
    @pytest.mark.parametrize(
        "name", [5, 5.0, True, b"cakes", ["cakes"], Name("cakes")], ids=lambda name: type(name).__name__
    )
    def test_of_an_object_is_refused(self, store, name):
        experiment = new_experiment()
        experiment.name = name

        with pytest.raises(EncodeError, match="at /name: "):
            store.save(experiment)

        assert names(store) == []

    @pytest.mark.parametrize("name", [5, b"5", ["5"]], ids=ascii)
    def test_is_refused_by_every_call(self, store, cakes, name):
        def is_refused(call):
            try:
                call(store, name)
            except InvalidValueError as error:
                return "Give a text" in str(error)
            return False

        assert [title for title, call in CALLS.items() if not is_refused(call)] == []
        assert names(store) == ["cakes"]

    @pytest.mark.parametrize("annotation", [bool, float, bytes])
    def test_of_a_class_is_refused_when_it_is_registered(self, forgotten, annotation):
        @dataclass
        class Run:
            id: annotation

        Run.__annotations__["id"] = annotation

        with pytest.raises(RegistryError, match=r"Run.id is annotated .* name= it should be str, int or UUID"):
            docstore.document(kind="run", name="id")(Run)


def _named(experiment, name):
    twin = docstore.loads(docstore.dumps(experiment))
    twin.name = name
    return twin


class TestRenamesAtOnce:
    """Several people rename, and others save, at one time."""

    def outcomes(self, connect, database, works):
        def outcome(work):
            store = connect(database)

            def run():
                try:
                    work(store)
                except docstore.DocstoreError as error:
                    return type(error)
                return None

            return run

        return together(*map(outcome, works))

    def test_of_one_document_the_first_wins(self, store, cakes, database, connect):
        works = [partial(_rename, "cakes", f"n{number}") for number in range(4)]

        outcomes = self.outcomes(connect, database, works)

        assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[DocumentNotFoundError] * 3]))
        assert len(store.history(*names(store))) == 2
        assert store.verify() == []

    def test_of_several_to_one_name_one_gets_it(self, store, database, connect):
        for number in range(4):
            store.save(new_experiment(f"n{number}"))
        works = [partial(_rename, f"n{number}", "best") for number in range(4)]

        outcomes = self.outcomes(connect, database, works)

        assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[DocumentExistsError] * 3]))
        assert (len(names(store)), names(store)[0]) == (4, "best")
        assert store.verify() == []

    def test_two_that_want_each_others_name_are_refused(self, store, database, connect):
        for name in ("a", "b"):
            store.save(new_experiment(name, description=name))

        outcomes = self.outcomes(connect, database, [partial(_rename, "a", "b"), partial(_rename, "b", "a")])

        assert outcomes == [DocumentExistsError] * 2
        assert [store.load(name).description for name in ("a", "b")] == ["a", "b"]

    def test_no_save_between_is_lost(self, store, cakes, database, connect):
        stores = [connect(database) for _ in range(3)]
        read = [each.load("cakes") for each in stores]

        def save(number):
            for turn in range(3):
                read[number].properties[f"{number} {turn}"] = turn
                stores[number].save(read[number])

        def rename(other):
            for turn in range(3):
                [name] = names(other)
                other.rename(name, f"n{turn}")

        together(*(partial(save, number) for number in range(3)), partial(rename, connect(database)))

        assert names(store) == ["n2"]
        assert store.load("n2").properties == {f"{number} {turn}": turn for number in range(3) for turn in range(3)}
        assert len(store.history("n2")) == 13
        assert store.verify(decode=True) == []


def _rename(old, new, store):
    store.rename(old, new)
