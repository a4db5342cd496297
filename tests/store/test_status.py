"""What a save would write, told without writing it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import jsonpatch
import pytest
import sqlalchemy as sa
from rich.console import Console
from stored_forms import every_member, save_as

import docstore
from docstore import ConflictError
from docstore.documents.diff.diff import Diff
from docstore.errors import (
    DocstoreError,
    DocumentExistsError,
    DocumentNotFoundError,
    EncodeError,
)
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]

pytestmark = pytest.mark.usefixtures("forgotten")


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


@pytest.fixture
def mine(ada):
    """An experiment of two trials, saved by Ada."""
    experiment = new_experiment(properties={"a": 1})
    for mean in (0.25, 0.5):
        add_trial(experiment, mean)
    ada.save(experiment)
    return experiment


@pytest.fixture
def others_save(bob, mine):
    """Lets Bob change and save the experiment: ``others_save(lambda theirs: ...)``."""

    def others_save(change):
        theirs = bob.load("cakes")
        change(theirs)
        return bob.save(theirs)

    return others_save


def describe(text):
    return lambda experiment: setattr(experiment, "description", text)


def rendered(status):
    """What a terminal shows."""
    console = Console(width=200)
    with console.capture() as capture:
        console.print(status)
    return capture.get()


CHANGES = {
    "nothing": lambda experiment: None,
    "head": describe("mine"),
    "trial": lambda experiment: experiment.trials[1].run_metadata.update(n=1),
    "new trial": lambda experiment: add_trial(experiment, 0.75),
    "trial gone": lambda experiment: (experiment._data.pop(1), experiment._trials.pop(1)),
    "many": lambda experiment: (describe("mine")(experiment), add_trial(experiment, 0.75), experiment._data.pop(0)),
}

OTHERS = {
    "nobody": None,
    "head": lambda theirs: theirs.properties.update(b=2),
    "trial": lambda theirs: theirs.trials[0].run_metadata.update(m=1),
    "new trial": lambda theirs: theirs.new_trial(parameters={"x": 0.9, "flour": "spelt"}),
}


class TestItIsWhatSaveWrites:
    """Whatever was changed here, and whatever others saved since elsewhere."""

    @pytest.mark.parametrize("other", OTHERS)
    @pytest.mark.parametrize("change", CHANGES)
    def test_as_a_patch(self, ada, mine, others_save, change, other):
        if OTHERS[other]:
            others_save(OTHERS[other])
        CHANGES[change](mine)
        newest = len(ada.history("cakes"))

        status = ada.status(mine)

        assert (status.version, status.newest, status.conflicts) == (1, newest, ())
        ada.save(mine)
        written = ada.diff("cakes", newest)
        assert (status.changes, status.patch, status.undo) == (written.changes, written.patch, written.undo)
        assert bool(status) is (len(ada.history("cakes")) > newest)

    @pytest.mark.parametrize("other", OTHERS)
    def test_after_a_save_of_one_trial(self, ada, mine, others_save, other):
        if OTHERS[other]:
            others_save(OTHERS[other])
        mine.trials[1].run_metadata["n"] = 1
        mine.description = "mine"
        ada.save_trial(mine, mine.trials[1])
        newest = len(ada.history("cakes"))

        status = ada.status(mine)

        ada.save(mine)
        assert status.patch == ada.diff("cakes", newest).patch
        assert status.words == ("description: null -> mine",)

    def test_of_an_object_that_was_loaded_at_an_old_version(self, ada, mine):
        mine.description = "two"
        ada.save(mine)
        old = ada.load("cakes", version=1)
        old.properties["a"] = 2

        status = ada.status(old)

        assert (status.version, status.newest, status.words) == (1, 2, ("properties/a: 1 -> 2",))


class TestNothingChanged:
    def test_it_is_false_and_says_so(self, ada, mine):
        status = ada.status(mine)

        assert (bool(status), status.patch, str(status), status.describe()) == (False, (), *["no difference"] * 2)
        assert isinstance(status, Diff)

    def test_what_others_saved_is_no_change_of_mine(self, ada, mine, others_save):
        others_save(describe("theirs"))

        assert (str(ada.status(mine)), ada.status(mine).newest) == ("no difference", 2)


class TestNeverSaved:
    def test_it_is_a_first_version(self, ada):
        experiment = new_experiment()

        status = ada.status(experiment)

        assert (bool(status), status.version, status.newest) == (True, None, None)
        assert str(status) == "experiment cakes: added, as version 1"
        [step] = status.patch
        assert (step["op"], step["path"]) == ("add", "")
        ada.save(experiment)
        assert docstore.dumps(experiment) == docstore.dumps(ada.load("cakes"))

    def test_a_name_that_is_taken_is_told(self, ada, mine):
        with pytest.raises(DocumentExistsError, match="'cakes' is stored already, at version 1"):
            ada.status(new_experiment())

    def test_what_cannot_be_saved_is_told_with_its_place(self, ada, mine):
        mine.properties["a"] = object()

        with pytest.raises(EncodeError, match="/properties/a"):
            ada.status(mine)

    def test_by_this_store_it_is_what_another_store_loaded(self, ada, bob, mine):
        mine.description = "with salt"

        assert [change.path for change in bob.status(mine).changes] == ["/description"]


class TestGoneSince:
    @pytest.mark.parametrize(("call", "hint"), [("delete", r"undelete\('cakes'\)"), ("purge", "purged")])
    def test_is_told_with_what_to_do(self, ada, mine, call, hint):
        getattr(ada, call)("cakes")

        with pytest.raises(DocumentNotFoundError, match=hint):
            ada.status(mine)

    def test_a_version_that_was_folded_is_told(self, ada, mine, others_save):
        others_save(describe("two"))
        others_save(describe("three"))
        ada.compact("cakes", keep=1)
        mine.properties["a"] = 2

        with pytest.raises(ConflictError, match="you changed version 1, and that version was folded"):
            ada.status(mine)

    def test_a_version_that_was_folded_is_told_as_save_tells_it_though_parts_were_saved_since(
        self, ada, mine, others_save
    ):
        others_save(describe("theirs"))
        mine.trials[0].run_metadata["n"] = 1
        ada.save_trial(mine, mine.trials[0])
        ada.compact("cakes", keep=1)
        mine.properties["a"] = 2

        messages = []
        for call in (ada.status, ada.save):
            with pytest.raises(ConflictError) as caught:
                call(mine)
            messages.append(str(caught.value))

        assert messages[0] == messages[1]
        assert "is at version 3; you changed version 1, and that version was folded" in messages[0]

    def test_a_database_that_was_put_back_is_told_as_save_tells_it(self, ada, mine):
        backup = rows_of(ada)
        mine.description = "two"
        ada.save(mine)
        put_back(ada, backup)
        mine.description = "three"

        messages = []
        for call in (ada.status, ada.save):
            with pytest.raises(ConflictError, match="put back to an older state") as caught:
                call(mine)
            messages.append(str(caught.value))

        assert messages[0] == messages[1]


def tables(store):
    reflected = sa.MetaData()
    reflected.reflect(store.engine, only=["documents", "versions"])
    return reflected.tables.values()


def rows_of(store):
    """All rows, as a backup has them."""
    with store.engine.connect() as connection:
        return {table.name: connection.execute(sa.select(table)).mappings().all() for table in tables(store)}


def put_back(store, backup):
    """Make the database what it was."""
    with store.engine.begin() as connection:
        for table in tables(store):
            connection.execute(table.delete())
            stored = [{key: row[key] for key in row if key != "live"} for row in backup[table.name]]
            connection.execute(table.insert(), stored)


class TestOthersSavedTheSamePlace:
    """Both changed the description; Ada changed a property too."""

    @pytest.fixture
    def status(self, ada, mine, others_save):
        others_save(describe("theirs"))
        mine.description = "mine"
        mine.properties["a"] = 2
        return ada.status(mine)

    def test_the_conflicts_are_those_that_save_raises(self, ada, mine, status):
        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        assert status.conflicts == caught.value.places
        [place] = status.conflicts
        assert (place.pointer, place.mine, place.theirs) == ("/description", "mine", "theirs")

    def test_mine_stands_in_the_difference(self, status):
        assert [step["value"] for step in status.patch] == ["mine", 2]

    def test_what_they_saved_elsewhere_stays_in_it(self, ada, mine, others_save):
        others_save(lambda theirs: (describe("theirs")(theirs), OTHERS["head"](theirs), OTHERS["new trial"](theirs)))
        mine.description = "mine"
        add_trial(mine, 0.75)

        status = ada.status(mine)

        assert status.numbers == {2: 3}
        assert [step["path"] for step in status.patch] == ["/description", "/data/3", "/trials/3"]

    def test_it_is_told_in_words(self, status):
        assert str(status) == (
            "description: theirs -> mine\nproperties/a: 1 -> 2\nconflict: description theirs -> mine"
        )
        assert status.words[-1] == "conflict: description theirs -> mine"

    def test_it_is_shown_in_a_terminal_and_in_a_notebook(self, status):
        assert "conflict" in rendered(status)
        assert "conflict" in status._repr_html_()


class TestOthersSavedWhatMakesNoSenseWithMine:
    """One raised a lower bound, the other lowered the upper one."""

    @pytest.fixture
    def status(self, ada, mine, others_save):
        others_save(lambda theirs: theirs.search_space.parameters["x"].update_range(lower=0.75))
        mine.search_space.parameters["x"].update_range(upper=0.5)
        return ada.status(mine)

    def test_the_conflicts_are_those_that_save_raises(self, ada, mine, status):
        with pytest.raises(ConflictError) as caught:
            ada.save(mine)

        assert status.conflicts == caught.value.places
        assert [place.pointer.rpartition("/")[2] for place in status.conflicts] == ["lower", "upper"]
        assert status.problem in str(caught.value)

    def test_it_says_why(self, status):
        assert "the merged document is invalid: upper bound of parameter 'x'" in status.problem

    def test_it_is_told_in_words(self, status):
        assert "conflict: search_space/parameters/0/lower 0.75 -> 0.0" in status.words

    def test_of_a_users_class_they_are_too(self, ada, bob):
        @docstore.document(kind="budget")
        @dataclass
        class Budget:
            name: str
            flour: int = 1
            butter: int = 1

            def __post_init__(self):
                if self.flour + self.butter > 10:
                    raise ValueError("too dear")

        ada.save(Budget("b"))
        mine, theirs = ada.load("b", kind="budget"), bob.load("b", kind="budget")
        theirs.flour = 8
        bob.save(theirs)
        mine.butter = 8

        status = ada.status(mine)

        assert [place.pointer for place in status.conflicts] == ["/butter", "/flour"]
        assert "too dear" in status.problem


class TestTrialsOfOneNumber:
    @pytest.fixture
    def status(self, ada, mine, others_save):
        others_save(OTHERS["new trial"])
        add_trial(mine, 0.75)
        return ada.status(mine)

    def test_it_says_which_number_mine_would_get(self, status):
        assert status.numbers == {2: 3}
        assert "trial 2: number 2 -> 3" in status.words
        assert "trial 3: added, COMPLETED, arm 3_0" in str(status)

    def test_the_object_keeps_its_own(self, mine, status):
        assert list(mine.trials) == [0, 1, 2]

    def test_it_is_shown_in_a_terminal_and_in_a_notebook(self, status):
        assert "number" in rendered(status)
        assert "number" in status._repr_html_()


class TestItOnlyLooks:
    @pytest.mark.parametrize("other", OTHERS)
    def test_no_row_is_written_and_the_object_is_untouched(self, ada, mine, others_save, other):
        if OTHERS[other]:
            others_save(OTHERS[other])
        add_trial(mine, 0.75)
        before, statements = docstore.dumps(mine), []
        sa.event.listen(ada.engine, "before_cursor_execute", lambda *event: statements.append(event[2]))

        ada.status(mine)

        assert [each for each in statements if each.startswith(("INSERT", "UPDATE", "DELETE"))] == []
        assert docstore.dumps(mine) == before

    def test_asked_again_it_is_the_same(self, ada, mine, others_save):
        others_save(OTHERS["new trial"])
        add_trial(mine, 0.75)

        assert ada.status(mine) == ada.status(mine)

    def test_its_patch_leads_there_and_its_undo_back(self, ada, mine, others_save):
        others_save(OTHERS["trial"])
        CHANGES["many"](mine)
        before = ada.get("cakes")

        status = ada.status(mine)

        ada.save(mine)
        assert jsonpatch.apply_patch(before, list(status.patch)) == ada.get("cakes")
        assert jsonpatch.apply_patch(ada.get("cakes"), list(status.undo)) == before


class TestAClassLaidOutAnew:
    """Its steps were parts, and are not."""

    @pytest.fixture
    def lots(self, ada):
        @dataclass
        class Lot:
            id: str
            steps: list[int] = field(default_factory=list)

        docstore.document(kind="lot", name="id", parts=["/steps/*"])(Lot)
        ada.save(Lot("a", [1, 2]))
        docstore.document(kind="lot", name="id")(Lot)
        return ada

    def test_is_what_save_writes(self, lots):
        lot = lots.load("a", kind="lot")
        lot.steps.append(3)

        status = lots.status(lot)

        lots.save(lot)
        assert status.patch == lots.diff("a", 1, kind="lot").patch

    def test_together_with_what_others_saved_it_is_a_conflict_as_a_whole(self, lots):
        lot, other = (lots.load("a", kind="lot") for _ in range(2))
        for each, number in ((other, 3), (lot, 4)):
            each.steps.append(number)
        lots.save(other)

        status = lots.status(lot)

        with pytest.raises(DocstoreError):
            lots.save(lot)
        assert [place.pointer for place in status.conflicts] == [""]
        assert "conflict: all of it" in str(status)


@contextlib.contextmanager
def newer_program(tag):
    """What is registered in the block is of a program that writes schema 2 of *tag*."""
    with docstore.registry.scope():
        docstore.registry.upcast(tag, from_=1)(lambda members: members)
        yield


class TestSaveDoesOtherwise:
    """Not because others changed the same place: the status is what ``save`` does, all the same."""

    def test_an_object_made_anew_by_an_older_program_is_refused(self, ada):
        @dataclass
        class Leaf:
            n: int

        @dataclass
        class Page:
            name: str
            leaf: Leaf

        docstore.register(tag="leaf")(Leaf)
        docstore.document(kind="page")(Page)
        with newer_program("leaf"):
            docstore.register(tag="leaf", version=2, compatible_from=1)(Leaf)
            ada.save(Page("p", Leaf(1)))
        page = ada.load("p", kind="page")
        page.leaf = Leaf(7)

        for call in (ada.status, ada.save):
            with pytest.raises(EncodeError, match="the stored object has schema 2") as caught:
                call(page)
            assert caught.value.pointer == "/leaf"

    def test_with_what_a_newer_program_saved_since_it_is_a_conflict_as_a_whole(self, ada, bob):
        @dataclass
        class Page:
            name: str
            lines: int = 1
            words: int = 1

        docstore.document(kind="page", tag="page")(Page)
        ada.save(Page("p"))
        mine = ada.load("p", kind="page")
        mine.lines = 2
        with newer_program("page"):
            docstore.document(kind="page", tag="page", version=2, compatible_from=1)(Page)
            theirs = bob.load("p", kind="page")
            theirs.words = 2
            bob.save(theirs)

        status = ada.status(mine)

        with pytest.raises(ConflictError) as caught:
            ada.save(mine)
        assert [place.pointer for place in status.conflicts] == [""]
        assert "its schema is not that of this object" in status.problem
        assert status.problem in str(caught.value)

    def test_nulls_of_another_program_are_no_change(self, ada):
        save_as(ada, new_experiment(trials=1), every_member)
        experiment = ada.load("cakes")

        assert (bool(ada.status(experiment)), ada.save(experiment).number) == (False, 1)
