"""Copies of objects that were loaded or saved: each says what it came from, and its save loses nothing of others'."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import attrs
import forked
import hypothesis.strategies as st
import msgspec
import pydantic
import pytest
import sqlalchemy as sa
from fuzzing import fuzz
from memory import in_memory

import docstore
from docstore.errors import (
    ConflictError,
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
    OverwriteWarning,
    VersionNotFoundError,
)
from docstore.store.tracking import origins_in
from docstore.testing.exact import identity
from docstore.testing.experiments import add_trial, new_experiment

COPIES = {
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": lambda obj: pickle.loads(pickle.dumps(obj)),
    "old pickle": lambda obj: pickle.loads(pickle.dumps(obj, 2)),
    "copy of a copy": lambda obj: copy.deepcopy(copy.copy(obj)),
}


@pytest.fixture
def cakes(store):
    """An experiment of three trials, saved as ``cakes``."""
    experiment = new_experiment(trials=3)
    store.save(experiment)
    return experiment


def note_at(experiment, index, **noted):
    experiment.trials[index].run_metadata.update(noted)


def noted(store, name="cakes"):
    """Return what is noted in each trial of the stored experiment."""
    return {index: trial.run_metadata for index, trial in store.load(name).trials.items()}


class TestACopyThatWasChanged:
    """Of an object that was loaded or saved; somebody else saved since."""

    @pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
    @pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "saved"])
    def test_is_merged_with_what_was_saved_since(self, bob, cakes, duplicate, is_loaded):
        theirs = bob.load("cakes")
        twin = duplicate(bob.load("cakes") if is_loaded else cakes)
        note_at(theirs, 0, by="theirs")
        bob.save(theirs)
        note_at(twin, 1, by="mine")

        assert bob.save(twin).number == 3

        assert noted(bob) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {}}
        assert identity(twin) == identity(bob.load("cakes"))
        assert bob.verify(decode=True) == []

    def test_is_refused_where_both_changed_one_place(self, store, cakes):
        twin = copy.deepcopy(cakes)
        cakes.description, twin.description = "theirs", "mine"
        store.save(cakes)

        with pytest.raises(ConflictError, match=r"you changed version 1, and both changed /description"):
            store.save(twin)

        assert (store.load("cakes").description, len(store.history("cakes"))) == ("theirs", 2)

    def test_saves_a_trial_of_it(self, store, cakes):
        twin = copy.deepcopy(cakes)
        note_at(cakes, 0, by="theirs")
        store.save(cakes)
        note_at(twin, 1, by="mine")

        assert store.save_trial(twin, twin.trials[1]).number == 3
        assert noted(store) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {}}

    def test_is_saved_by_save_many_and_shown_by_status(self, store, cakes):
        twin = copy.deepcopy(cakes)
        note_at(cakes, 0, by="theirs")
        store.save(cakes)
        note_at(twin, 1, by="mine")

        assert [change.path for change in store.status(twin).changes] == ["/trials/1/run_metadata/by"]
        assert store.save_many([twin, copy.deepcopy(cakes)]) == 2
        assert noted(store) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {}}

    def test_gives_its_new_trial_the_next_free_number(self, store, cakes):
        twin = copy.deepcopy(cakes)
        add_trial(cakes, 0.25)
        store.save(cakes)
        twin.new_trial(parameters={"x": 0.75, "flour": "spelt"})

        store.save(twin)

        assert store.load("cakes").num_trials == 5
        assert twin.trials[4].arm.parameters["x"] == 0.75

    def test_unchanged_it_makes_no_version(self, store, cakes):
        twin = copy.deepcopy(cakes)

        assert store.save(twin).number == store.save_trial(twin, twin.trials[0]).number == 1

    def test_is_looked_up_once(self, store, cakes):
        twin = copy.deepcopy(cakes)
        store.save(twin)
        read = []
        sa.event.listen(store.engine, "before_cursor_execute", lambda *call: read.append(call[2]))

        store.save(twin)
        once, _ = len(read), read.clear()
        store.save(cakes)

        assert len(read) == once

    def test_of_a_purged_document_makes_a_new_one(self, store, cakes):
        twin = copy.deepcopy(cakes)
        store.purge("cakes")

        assert store.save(twin).number == 1

    def test_of_a_deleted_document_is_refused(self, store, cakes):
        twin = copy.deepcopy(cakes)
        store.delete("cakes")

        with pytest.raises(DocumentNotFoundError, match=r"undelete\('cakes'\) brings it back"):
            store.save(twin)

    def test_of_a_document_whose_name_another_one_has_is_told_so_as_the_object_itself_is(self, store, cakes):
        twin = copy.deepcopy(cakes)
        store.delete("cakes")
        store.save(new_experiment("cakes"))

        for obj in (cakes, twin):
            note_at(obj, 0, by="mine")
            with pytest.raises(DocumentNotFoundError, match=r"^the experiment 'cakes' .* was deleted, and another one"):
                store.save(obj)

    def test_of_a_folded_version_is_refused(self, store, cakes):
        twin = copy.deepcopy(cakes)
        cakes.description = "two"
        store.save(cakes)
        store.compact("cakes", keep=1)
        note_at(twin, 1, by="mine")

        with pytest.raises(ConflictError, match=r"you changed version 1, and that version was folded.*load\('cakes'\)"):
            store.save(twin)


class TestACopyOfAnObjectThatIsBehind:
    """Others changed a trial; the object saved another one alone, and does not have theirs yet."""

    @pytest.fixture
    def behind(self, bob, cakes, store):
        theirs = bob.load("cakes")
        note_at(theirs, 0, by="theirs")
        bob.save(theirs)
        note_at(cakes, 1, by="mine")
        store.save_trial(cakes, cakes.trials[1])
        return cakes

    def test_keeps_what_it_does_not_have(self, bob, behind):
        twin = pickle.loads(pickle.dumps(behind))
        note_at(twin, 2, by="copy")

        bob.save(twin)

        assert noted(bob) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {"by": "copy"}}
        assert identity(twin) == identity(bob.load("cakes"))

    def test_is_refused_where_it_changes_that(self, store, behind):
        twin = copy.deepcopy(behind)
        note_at(twin, 0, by="copy")

        with pytest.raises(ConflictError, match=r"both changed /trials/0/run_metadata/by"):
            store.save(twin)

    def test_may_change_again_what_was_saved(self, store, behind):
        twin = copy.deepcopy(behind)
        note_at(twin, 1, by="copy")

        store.save(twin)

        assert noted(store)[1] == {"by": "copy"}


class TestWhatTravelsIsNewAfterEachSave:
    """So that a copy changes again what was saved before it was made, and nobody is in conflict with himself."""

    @pytest.fixture(params=["save", "save_trial", "merge", "load"])
    def renewed(self, request, store, bob, cakes):
        if request.param == "merge":
            theirs = bob.load("cakes")
            note_at(theirs, 1, by="theirs")
            bob.save(theirs)
        note_at(cakes, 0, by="first")
        version = store.save_trial(cakes, cakes.trials[0]) if request.param == "save_trial" else store.save(cakes)
        return (store.load("cakes") if request.param == "load" else cakes), version

    def test_it_is_that_version(self, renewed):
        experiment, version = renewed

        [origin] = origins_in(pickle.loads(pickle.dumps(experiment)))

        assert (origin.version, origin.digest, dict(origin.behind)) == (version.number, version.digest, {})

    def test_a_copy_changes_the_place_again(self, store, renewed):
        twin = copy.deepcopy(renewed[0])
        note_at(twin, 0, by="second")

        store.save(twin)

        assert noted(store)[0] == {"by": "second"}

    def test_after_a_revert_a_loaded_object_is_the_newest(self, store, renewed):
        reverted = store.revert("cakes", 1)

        [origin] = origins_in(store.load("cakes"))

        assert (origin.version, origin.digest) == (reverted.number, reverted.digest)


class TestAnObjectOfAnotherStore:
    """On the same database, by another ``connect``."""

    def test_is_saved_by_both_in_turn_without_a_conflict(self, store, bob, cakes):
        for number in range(4):
            note_at(cakes, 0, number=number)
            (store, bob)[number % 2].save(cakes)

        assert (noted(store)[0], len(store.history("cakes"))) == ({"number": 3}, 5)

    def test_is_known_to_the_other_from_then_on(self, store, bob, cakes):
        note_at(cakes, 0, by="mine")
        assert bob.save(cakes).number == 2
        note_at(cakes, 0, by="mine again")
        assert bob.save_trial(cakes, cakes.trials[0]).number == 3

    def test_is_refused_where_the_version_that_the_other_made_of_it_was_folded(self, store, bob, cakes):
        """Its trials would count as new ones beside those that are stored, if it were based on version 1."""
        store.tag("cakes", "kept", 1)
        add_trial(cakes)
        bob.save(cakes)
        theirs = store.load("cakes")
        note_at(theirs, 0, by="theirs")
        store.save(theirs)
        store.compact("cakes", keep=1)
        note_at(cakes, 3, by="mine")

        with pytest.raises(ConflictError, match="folded"):
            store.save(cakes)

        assert noted(store) == {0: {"by": "theirs"}, 1: {}, 2: {}, 3: {}}
        with pytest.warns(OverwriteWarning):
            store.save(cakes, on_conflict="overwrite")
        assert noted(store) == {0: {}, 1: {}, 2: {}, 3: {"by": "mine"}}

    def test_in_another_project_makes_a_new_document(self, cakes, store, database, connect):
        other = connect(database, project="other")

        assert (other.save(cakes).number, other.save(copy.deepcopy(cakes)).number) == (1, 1)
        note_at(cakes, 0, by="mine")
        assert [each.save(copy.deepcopy(cakes)).number for each in (store, other)] == [2, 2]


class TestACopyOfTheDatabase:
    """A file copied from another, with the same documents under the same ids; or a store that was copied to."""

    @pytest.fixture
    def primary(self, connect, tmp_path):
        return connect(f"sqlite:///{tmp_path / 'lab.db'}")

    @pytest.fixture
    def copied(self, primary, connect, tmp_path):
        experiment = new_experiment(trials=2)
        primary.save(experiment)
        file = Path(tmp_path / "replica.db")
        with primary.engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM INTO '{file}'")
        return connect(f"sqlite:///{file}")

    def test_what_was_loaded_from_it_is_saved_to_the_first(self, primary, copied):
        mine, theirs = copied.load("cakes"), primary.load("cakes")
        note_at(theirs, 0, by="theirs")
        primary.save(theirs)
        note_at(mine, 1, by="mine")

        assert primary.save(mine).number == 3
        assert noted(primary) == {0: {"by": "theirs"}, 1: {"by": "mine"}}

    def test_behind_the_first_it_refuses_what_it_has_not_got(self, primary, copied):
        mine = primary.load("cakes")
        note_at(mine, 0, by="mine")
        primary.save(mine)

        with pytest.raises(ConflictError, match=r"is at version 1; you changed version 2, and this database does not"):
            copied.save(mine)

        assert noted(copied)[0] == {}

    def test_saved_to_by_itself_it_refuses_and_is_refused(self, primary, copied):
        here, there = primary.load("cakes"), copied.load("cakes")
        note_at(here, 0, by="here")
        note_at(there, 0, by="there")
        primary.save(here)
        copied.save(there)

        for store, obj in ((primary, there), (copied, here)):
            note_at(obj, 1, more=1)
            with pytest.raises(ConflictError, match=r"was saved to by itself.*load\('cakes'\)"):
                store.save(copy.deepcopy(obj))
        assert (noted(primary)[0], noted(copied)[0]) == ({"by": "here"}, {"by": "there"})

    def test_an_object_that_both_know_is_saved_to_both(self, primary, copied):
        mine = primary.load("cakes")
        copied.save(mine)
        for number in range(2):
            note_at(mine, 0, number=number)
            assert {store.save(mine).number for store in (primary, copied)} == {number + 2}

    def test_what_copy_to_made_takes_objects_of_the_source(self, primary, copied):
        other = in_memory()
        primary.copy_to(other)
        mine = primary.load("cakes")
        note_at(mine, 0, by="mine")

        assert other.save(mine).number == 2

    def test_another_database_gets_a_new_document_and_each_copy_goes_to_its_own(self, primary, copied):
        other, mine = in_memory(), primary.load("cakes")
        other.save(mine)
        twin = copy.deepcopy(mine)
        note_at(twin, 0, by="copy")

        assert (primary.save(twin).number, other.save(twin).number) == (2, 2)


class TestABranch:
    """It shares the past of its source, and is a document of its own."""

    @pytest.fixture
    def branched(self, store, cakes):
        store.branch("cakes", "pies")
        return cakes

    def test_is_not_what_an_object_of_its_source_came_from(self, store, branched):
        twin = copy.deepcopy(branched)
        note_at(twin, 0, by="mine")
        store.save(twin)

        assert (noted(store)[0], noted(store, "pies")[0]) == ({"by": "mine"}, {})

    def test_takes_an_object_of_its_source_if_it_is_told(self, store, branched):
        branched.name = "pies"
        note_at(branched, 0, by="mine")

        store.save(branched, based_on=1)

        assert (noted(store)[0], noted(store, "pies")[0]) == ({}, {"by": "mine"})


WORKER = """
import pickle, sys
index, experiment = pickle.load(sys.stdin.buffer)
experiment.trials[index].run_metadata["by"] = f"worker {index}"
sys.stdout.buffer.write(pickle.dumps(experiment))
"""


class TestWorkersThatReturnCopies:
    """Each changes another trial of what it was sent, in a process of its own."""

    def worked(self, tmp_path, experiment, index):
        given, made, said = (tmp_path / f"{name} {index}" for name in ("given", "made", "said"))
        given.write_bytes(pickle.dumps((index, experiment)))
        with given.open() as stdin, made.open("w") as stdout, said.open("w") as stderr:
            files = {"stdin": stdin.fileno(), "stdout": stdout.fileno(), "stderr": stderr.fileno()}
            process = forked.start(WORKER, **files)
        process.join()
        assert (process.exitcode, said.read_text()) == (0, "")
        return pickle.loads(made.read_bytes())

    def test_all_that_they_changed_is_kept(self, store, cakes, tmp_path):
        copies = [self.worked(tmp_path, cakes, index) for index in (0, 1)]
        note_at(cakes, 2, by="parent")
        store.save(cakes)

        store.save(copies[0])
        store.save_trial(copies[1], copies[1].trials[1])

        assert noted(store) == {0: {"by": "worker 0"}, 1: {"by": "worker 1"}, 2: {"by": "parent"}}
        assert store.verify(decode=True) == []


# --- classes of the user's own ----------------------------------------------------------------------------------------


@dataclass
class Plain:
    title: str
    lines: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frozen:
    title: str
    lines: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, weakref_slot=True)
class Slotted:
    title: str
    lines: dict[str, str] = field(default_factory=dict)


@attrs.define(slots=False)
class Attrs:
    title: str
    lines: dict[str, str] = attrs.field(factory=dict)


class Model(pydantic.BaseModel):
    title: str
    lines: dict[str, str] = {}


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    title: str


class Struct(msgspec.Struct, weakref=True):
    title: str
    lines: dict[str, str] = {}


MARKED = {
    "dataclass": (Plain, copy.deepcopy),
    "frozen": (Frozen, copy.deepcopy),
    "attrs": (Attrs, copy.deepcopy),
    "model_copy": (Model, lambda obj: obj.model_copy(deep=True)),
    "pickled model": (Model, lambda obj: pickle.loads(pickle.dumps(obj))),
}
UNMARKED = {
    "replace": (Plain, dataclasses.replace),
    "replace of frozen": (Frozen, dataclasses.replace),
    "slots": (Slotted, copy.deepcopy),
    "evolve": (Attrs, attrs.evolve),
    "Struct": (Struct, copy.deepcopy),
    "JSON": (Model, lambda obj: docstore.loads(docstore.dumps(obj))),
}


def lines_of(store):
    return store.load("n1", kind="memo").lines


class TestADocumentOfAUsersClass:
    def saved(self, store, cls):
        docstore.document(kind="memo", name="title")(cls)
        memo = cls("n1", {"a": "1"}) if cls is not Model else cls(title="n1", lines={"a": "1"})
        store.save(memo)
        theirs = store.load("n1", kind="memo")
        theirs.lines["theirs"] = "2"
        return memo, theirs

    @pytest.mark.parametrize(("cls", "duplicate"), MARKED.values(), ids=MARKED)
    def test_is_merged_if_it_can_say_what_it_came_from(self, store, forgotten, cls, duplicate):
        memo, theirs = self.saved(store, cls)
        twin = duplicate(memo)
        twin.lines["mine"] = "3"
        store.save(theirs)

        store.save(twin)

        assert lines_of(store) == {"a": "1", "theirs": "2", "mine": "3"}

    @pytest.mark.parametrize(("cls", "duplicate"), UNMARKED.values(), ids=UNMARKED)
    def test_is_merged_if_it_cannot_and_the_save_says_it(self, store, forgotten, cls, duplicate):
        memo, theirs = self.saved(store, cls)
        twin = duplicate(memo)
        change = setattr if cls is Struct else object.__setattr__  # Python 3.11 has no other way for a Struct
        change(twin, "lines", {"a": "1", "mine": "3"})
        store.save(theirs)

        with pytest.raises(DocumentExistsError, match=r"load\('n1', kind='memo'\).*another name.*based_on=N"):
            store.save(twin)
        store.save(twin, based_on=1)

        assert lines_of(store) == {"a": "1", "theirs": "2", "mine": "3"}

    def test_says_it_nowhere_that_a_program_looks(self, store, forgotten):
        plain, _ = self.saved(store, Plain)
        twin = dataclasses.replace(plain)

        assert (plain, repr(plain), dataclasses.asdict(plain)) == (twin, repr(twin), dataclasses.asdict(twin))
        assert docstore.dumps(plain) == docstore.dumps(twin)

    def test_made_of_the_attributes_of_another_it_is_saved_without_what_that_one_says(self, store, forgotten):
        docstore.document(kind="memo", name="title")(Open)
        memo = Open(title="n1", page=1)
        store.save(memo)

        store.save(Open(**{**memo.__dict__, **memo.__pydantic_extra__, "title": "n2"}))

        assert docstore.dumps(store.load("n2", kind="memo")) == docstore.dumps(Open(title="n2", page=1))

    def test_says_it_in_no_dump_of_a_model(self, store, forgotten):
        model, _ = self.saved(store, Model)
        twin = Model(title="n1", lines={"a": "1"})

        assert (model, repr(model), model.model_dump_json()) == (twin, repr(twin), twin.model_dump_json())
        assert docstore.dumps(model) == docstore.dumps(twin)


class TestASaveThatSaysWhatItIsBasedOn:
    @pytest.fixture
    def anew(self, store, cakes):
        """Made of the JSON of version 1; version 2 was saved since."""
        anew = docstore.loads(docstore.dumps(cakes))
        note_at(cakes, 0, by="theirs")
        store.save(cakes)
        note_at(anew, 1, by="mine")
        return anew

    @pytest.mark.parametrize("is_number", [True, False], ids=["number", "Version"])
    def test_is_merged_from_that_version(self, store, anew, is_number):
        first = store.history("cakes")[-1]

        assert store.save(anew, based_on=1 if is_number else first).number == 3

        assert noted(store) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {}}
        assert identity(anew) == identity(store.load("cakes"))

    def test_is_known_from_then_on(self, store, anew):
        store.save(anew, based_on=1)
        note_at(anew, 1, by="mine again")

        assert (store.save(anew).number, store.save(copy.deepcopy(anew)).number) == (4, 4)

    def test_is_known_though_it_was_unchanged(self, store, cakes):
        anew = docstore.loads(docstore.dumps(cakes))

        assert (store.save(anew, based_on=1).number, store.save(anew).number) == (1, 1)

    def test_saves_a_trial(self, store, anew):
        other = docstore.loads(docstore.dumps(anew))
        store.save_trial(anew, anew.trials[1], based_on=1)
        with pytest.warns(OverwriteWarning, match="/trials/0"):
            store.save_trials(other, [other.trials[0]], based_on=1, on_conflict="overwrite")

        assert noted(store) == {0: {}, 1: {"by": "mine"}, 2: {}}

    @pytest.mark.parametrize("make", [lambda obj: obj, copy.deepcopy], ids=["itself", "a copy"])
    def test_of_another_version_than_the_object_came_from_is_refused(self, store, cakes, make):
        """Others' changes in between would be taken for its own, and undone."""
        mine = make(cakes)
        theirs = store.load("cakes")
        note_at(theirs, 0, by="theirs")
        store.save(theirs)
        note_at(mine, 1, by="mine")

        with pytest.raises(InvalidValueError, match=r"based_on.*2.*based on version 1 of 'cakes'.*leave based_on out"):
            store.save(mine, based_on=2)

        store.save(mine, based_on=1)
        assert noted(store) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {}}

    @pytest.mark.parametrize("make", [lambda obj: obj, copy.deepcopy], ids=["itself", "a copy"])
    def test_keeps_what_others_saved_in_that_version_and_the_object_does_not_have_yet(self, store, cakes, make):
        theirs = store.load("cakes")
        note_at(theirs, 0, by="theirs")
        store.save(theirs)
        note_at(cakes, 1, by="mine")
        version = store.save_trial(cakes, cakes.trials[1])

        mine = make(cakes)
        mine.description = "mine"
        store.save(mine, based_on=version)

        assert noted(store) == {0: {"by": "theirs"}, 1: {"by": "mine"}, 2: {}}
        assert identity(mine) == identity(store.load("cakes"))

    def test_is_refused_of_what_changed_since_then(self, store, anew):
        note_at(anew, 0, by="mine")

        with pytest.raises(ConflictError, match=r"you changed version 1, and both changed /trials/0/run_metadata/by"):
            store.save(anew, based_on=1)

        with pytest.raises(DocumentExistsError):
            store.save(anew)

    @pytest.mark.parametrize("number", [0, 3, -1])
    def test_of_a_version_that_is_not_there_is_refused(self, store, anew, number):
        with pytest.raises(VersionNotFoundError, match=rf"no version {number} "):
            store.save(anew, based_on=number)

    @pytest.mark.parametrize("wrong", ["1", 1.0, True])
    def test_of_no_version_is_refused(self, store, anew, wrong):
        with pytest.raises(InvalidValueError, match="based_on"):
            store.save(anew, based_on=wrong)

    def test_of_a_version_of_another_document_is_refused(self, store, anew):
        other = store.save(new_experiment("pies"))

        with pytest.raises(InvalidValueError, match=r"based_on.*Version 1 of 'cakes' is another one here"):
            store.save(anew, based_on=other)

    def test_of_a_document_that_is_not_there_is_refused(self, store):
        with pytest.raises(DocumentNotFoundError):
            store.save(new_experiment(), based_on=1)

    def test_as_a_new_document_is_refused(self, store, anew):
        with pytest.raises(InvalidValueError, match=r"based_on.*as_new"):
            store.save(anew, based_on=1, as_new=True)


class TestOverwriting:
    """What the object was not based on, and is not in it, is taken out of the newest version."""

    def overwritten(self, call):
        with pytest.warns(OverwriteWarning) as caught:
            call()
        [warning] = caught
        return warning

    def test_warns_of_what_others_saved_and_how_to_get_it_back(self, store, bob, cakes):
        theirs = bob.load("cakes")
        add_trial(theirs, 0.5)
        theirs.description = "theirs"
        bob.save(theirs)

        warning = self.overwritten(lambda: store.save(cakes, on_conflict="overwrite"))

        assert warning.message.places == ("/description", "/data/3", "/trials/3")
        assert "at 3 places that the object was not based on: /description, /data/3, /trials/3." in str(warning.message)
        assert "diff('cakes', 2, 3)" in str(warning.message)
        assert "revert('cakes', 2)" in str(warning.message)
        assert warning.filename == __file__
        store.revert("cakes", 2)
        assert identity(store.load("cakes")) == identity(theirs)

    def test_warns_of_a_trial_of_others(self, store, bob, cakes):
        theirs = bob.load("cakes")
        for index in (0, 1):
            note_at(theirs, index, by="theirs")
        bob.save(theirs)
        note_at(cakes, 0, by="mine")

        warning = self.overwritten(lambda: store.save_trial(cakes, cakes.trials[0], on_conflict="overwrite"))

        assert warning.message.places == ("/trials/0/run_metadata/by",)
        assert warning.filename == __file__

    def test_warns_of_all_that_an_object_made_anew_lacks(self, store, cakes):
        anew = docstore.loads(docstore.dumps(cakes))
        for index in (1, 2):
            del anew._trials[index], anew._data[index]

        warning = self.overwritten(lambda: store.save(anew, on_conflict="overwrite"))

        assert set(warning.message.places) == {"/data/1", "/data/2", "/trials/1", "/trials/2"}

    def test_warns_of_nothing_where_nobody_saved_since(self, store, cakes):
        cakes.description = "mine"
        cakes.trials[0].mark_abandoned("burnt", unsafe=True)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert store.save(cakes, on_conflict="overwrite").number == 2

    def test_warns_of_nothing_where_both_have_all(self, store, bob, cakes):
        theirs = bob.load("cakes")
        theirs.description = cakes.description = "both"
        bob.save(theirs)
        note_at(cakes, 0, by="mine")

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            store.save(cakes, on_conflict="overwrite")
            store.save(docstore.loads(docstore.dumps(cakes)), on_conflict="overwrite")

        assert len(store.history("cakes")) == 3

    def test_of_a_copy_knows_what_the_copy_had(self, store, cakes):
        twin = copy.deepcopy(cakes)
        cakes.description = "theirs"
        store.save(cakes)
        del twin._trials[2], twin._data[2]

        warning = self.overwritten(lambda: store.save(twin, on_conflict="overwrite"))

        assert warning.message.places == ("/description",)

    def test_of_a_copy_of_a_folded_version_warns_of_all_that_it_replaces(self, store, cakes):
        twin = copy.deepcopy(cakes)
        cakes.description = "two"
        store.save(cakes)
        store.compact("cakes", keep=1)
        note_at(twin, 0, by="mine")

        warning = self.overwritten(lambda: store.save(twin, on_conflict="overwrite"))

        assert warning.message.places == ("/description",)
        assert identity(store.load("cakes")) == identity(twin)
        note_at(twin, 0, by="mine again")
        assert store.save(twin).number == 4


class TestWhatTravels:
    def test_is_small_however_large_the_experiment_is(self, store):
        large = new_experiment()
        for _ in range(500):
            large.new_trial(parameters={"x": large.num_trials / 2**20, "flour": "rye"})
        bare = len(pickle.dumps(large))
        store.save(large)

        assert len(pickle.dumps(large)) - bare < 400

    def test_is_the_first_attribute_so_that_a_copy_made_meanwhile_is_never_taken_for_newer(self, store, bob, cakes):
        """A thread may copy attribute by attribute while another merges: content may be newer than the note."""
        theirs = bob.load("cakes")
        theirs.description = "theirs"
        bob.save(theirs)
        for experiment in (cakes, theirs, copy.deepcopy(cakes), pickle.loads(pickle.dumps(theirs))):
            assert next(iter(vars(experiment))) == "_docstore_origin"
        store.save(cakes, on_conflict="merge")
        cakes.properties["a"] = 1
        store.save(cakes)
        assert next(iter(vars(cakes))) == "_docstore_origin"

    def test_a_copy_torn_by_a_merge_loses_nothing(self, store, bob, cakes):
        """Its first attributes were copied before the merge, its last after it."""
        cakes.description = "before"
        store.save(cakes)
        theirs = bob.load("cakes")
        theirs.description = "theirs"
        note_at(theirs, 0, by="theirs")
        bob.save(theirs)
        note_at(cakes, 1, by="mine")
        before = list(vars(copy.deepcopy(cakes)).items())
        store.save(cakes)
        after = list(vars(copy.deepcopy(cakes)).items())

        for cut in range(1, len(before)):
            twin = copy.copy(cakes)
            vars(twin).update(dict(before[:cut] + after[cut:]))
            twin = copy.deepcopy(twin)
            store.save(twin)
            assert (store.load("cakes").description, noted(store)[0]) == ("theirs", {"by": "theirs"})

    def test_of_another_kind_is_not_taken(self, store, cakes, forgotten):
        docstore.document(kind="memo", name="title")(Plain)
        memo = Plain("cakes")
        vars(memo)["_docstore_origin"] = origins_in(cakes)

        assert store.save(memo).number == 1
        assert store.load("cakes").num_trials == 3

    def test_is_not_taken_from_what_nobody_here_wrote(self, store, cakes):
        twin = copy.deepcopy(cakes)
        vars(twin)["_docstore_origin"] = "7"

        with pytest.raises(DocumentExistsError):
            store.save(twin)

    def test_a_copy_of_what_was_changed_while_it_was_saved_is_refused_until_the_next_save(self, store, bob, cakes):
        theirs = bob.load("cakes")
        theirs.description, cakes.description = "theirs", "mine"
        bob.save(theirs)

        def decide(conflict):
            cakes.description = "meanwhile"  # as another thread might
            return "both"

        store.save(cakes, on_conflict=decide)
        twin = copy.deepcopy(cakes)

        with pytest.raises(ConflictError, match=r"it is a copy of, was changed while it was saved.*load\('cakes'\)"):
            store.save(twin)
        store.save(cakes, on_conflict=lambda conflict: conflict.mine)
        assert (store.load("cakes").description, store.save(copy.deepcopy(cakes)).number) == ("meanwhile", 4)

    def test_says_of_eight_databases_at_most(self, cakes):
        others = [in_memory() for _ in range(9)]
        for each in others:
            each.save(cakes)

        assert len(origins_in(cakes)) == 8
        assert [each.save(copy.deepcopy(cakes)).number for each in others[1:]] == [1] * 8


# --- any order --------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["copy", "pickle", "load", "edit", "edit", "trial", "save", "save_trial", "other store"]),
        st.integers(0, 4),
        st.integers(0, 2),
    ),
    min_size=8,
    max_size=40,
)


@pytest.mark.fuzz
class TestCopiesSavedInAnyOrder:
    """Each edit is noted under a key of its own, so that there is no conflict, and none may be lost."""

    def test_lose_nothing(self):
        fuzz(self.law, STEPS, in_ci=25, each=200)

    def law(self, steps):
        with in_memory() as one, docstore.Store(one.engine, author="other") as other:
            first = new_experiment(trials=3)
            one.save(first)
            held, unsaved, saved = [first], [set()], set()
            for step, (what, which, index) in enumerate(steps):
                which %= len(held)
                obj, key = held[which], f"e{step}"
                if what in ("copy", "pickle"):
                    held.append(copy.deepcopy(obj) if what == "copy" else pickle.loads(pickle.dumps(obj)))
                    unsaved.append(set(unsaved[which]))
                elif what == "load":
                    held.append(one.load("cakes"))
                    unsaved.append(set())
                elif what == "edit":
                    note_at(obj, index, **{key: step})
                    unsaved[which].add((index, key))
                elif what == "trial":
                    obj.properties[key] = step
                    unsaved[which].add((None, key))
                elif what == "save_trial":
                    one.save_trial(obj, obj.trials[index])
                    done = {edit for edit in unsaved[which] if edit[0] == index}
                    saved |= done
                    unsaved[which] -= done
                else:
                    (one if what == "save" else other).save(obj)
                    saved |= unsaved[which]
                    unsaved[which] = set()
                self.check(one, saved)
            assert one.verify(decode=True) == []

    def check(self, store, saved):
        now = store.load("cakes")
        found = {(index, key) for index, trial in now.trials.items() for key in trial.run_metadata}
        found |= {(None, key) for key in now.properties}
        assert found == saved
