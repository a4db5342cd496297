"""A store held against a plain dict of saves, by any sequence of calls that Hypothesis thinks of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import docstore
from docstore import ConflictError
from docstore.errors import DocumentExistsError, DocumentNotFoundError
from docstore.merge import merge
from docstore.testing.experiments import add_trial, new_experiment, observe
from docstore.values import dumps, loads

NAMES = st.sampled_from(["cakes", "bread"])
WRITERS = st.integers(0, 1)
INDEX = st.integers(0, 5)
POLICIES = st.sampled_from(["merge", "merge", "merge", "error", "overwrite"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(-(2**65), 2**65), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)


@dataclass
class Saves:
    """What the model knows of one document: the text of each version, oldest first."""

    kind: str
    name: str
    texts: list[bytes] = field(default_factory=list)


@dataclass
class Held:
    """An object in someone's hands: by whose store, of which document, and the JSON it stands on."""

    writer: int
    experiment: docstore.Experiment
    saves: Saves | None
    """None until its first save."""
    base: Any = None

    @property
    def text(self) -> bytes:
        return docstore.dumps(self.experiment)

    @property
    def json(self) -> Any:
        return loads(self.text)


def narrowed(document, index):
    """What a save of one trial is about: that trial, and its data."""
    key = str(index)
    return {field: {key: document[field][key]} if key in document[field] else {} for field in ("trials", "data")}


def with_trial(document, part, index):
    """*document* with a trial and its data as in *part*, or without them where it has none."""
    key = str(index)
    others = {
        field: {other: body for other, body in document[field].items() if other != key} for field in ("trials", "data")
    }
    return {**document, **{field: others[field] | part[field] for field in others}}


class StoreAgainstADict(RuleBasedStateMachine):
    """Two stores on one database are two people; ``live`` and ``deleted`` are what they should find."""

    people: ClassVar[tuple[docstore.Store, ...]]
    """Stores on the database; a run has its own on their engines, in a project that no run before it had."""
    runs: ClassVar[count[int]]

    objects = Bundle("objects")

    @initialize()
    def open(self):
        project = f"run {next(self.runs)}"
        self.stores = [docstore.Store(each.engine, author=each.author, project=project) for each in self.people]
        self.live: dict[tuple[str, str], Saves] = {}
        self.deleted: list[Saves] = []

    # --- objects ---------------------------------------------------------------------------------------------------

    @rule(target=objects, writer=WRITERS, name=NAMES, trials=st.integers(0, 3))
    def make(self, writer, name, trials):
        return Held(writer, new_experiment(name, trials=trials), None)

    @precondition(lambda self: any(kind == "experiment" for kind, _ in self.live))
    @rule(target=objects, writer=WRITERS, data=st.data())
    def load(self, writer, data):
        saves = data.draw(st.sampled_from([s for s in self.live.values() if s.kind == "experiment"]))
        number = data.draw(st.integers(1, len(saves.texts)))
        loaded = self.stores[writer].load(saves.name, version=number)
        assert docstore.dumps(loaded) == saves.texts[number - 1]
        return Held(writer, loaded, saves, loads(saves.texts[number - 1]))

    @rule(held=consumes(objects))
    def forget(self, held):
        pass

    # --- edits -----------------------------------------------------------------------------------------------------

    @rule(held=objects)
    def add_trial(self, held):
        # A trial of an index that was taken out may have these parameters already, under another name.
        if all(index < held.experiment.num_trials for index in held.experiment.trials):
            add_trial(held.experiment)

    @rule(held=objects, index=INDEX, value=VALUES)
    def edit_a_trial(self, held, index, value):
        if index in held.experiment.trials:
            held.experiment.trials[index].run_metadata["value"] = value

    @rule(held=objects, index=INDEX, mean=st.floats())
    def observe(self, held, index, mean):
        if index in held.experiment.trials:
            observe(held.experiment, index, mean)

    @rule(held=objects, index=INDEX)
    def remove_a_trial(self, held, index):
        held.experiment._trials.pop(index, None)
        held.experiment._data.pop(index, None)

    @rule(held=objects, key=st.sampled_from("ab"), value=VALUES)
    def set_a_property(self, held, key, value):
        held.experiment.properties[key] = value

    @rule(held=objects, text=st.text(max_size=3))
    def describe(self, held, text):
        held.experiment.description = text

    # --- saves -----------------------------------------------------------------------------------------------------

    @rule(held=objects, policy=POLICIES)
    def save(self, held, policy):
        there = self.live.get(("experiment", held.experiment.name))
        mine, call = held.json, partial(self.stores[held.writer].save, held.experiment, on_conflict=policy)
        if held.saves is None and there is not None and policy != "overwrite":
            with pytest.raises(DocumentExistsError):
                call()
        elif held.saves is None:
            self._saved(held, there, call(), held.text)
        elif held.saves is not there:
            with pytest.raises(DocumentNotFoundError):
                call()
        elif dumps(mine) == dumps(held.base) and policy != "overwrite":
            self._save_unchanged(held, there, policy, call)
        else:
            theirs = loads(there.texts[-1])
            self._save_changed(held, there, policy, call, mine, merge(held.base, mine, theirs))

    def _save_unchanged(self, held, there, policy, call):
        """It changed nothing itself: no version is made, and what others did is taken on or left, all or nothing."""
        before = held.text
        try:
            version = call()
        except ConflictError:
            assert policy == "error"
            return
        assert held.text in (before, there.texts[version.number - 1])
        held.base = held.json

    def _save_changed(self, held, there, policy, call, mine, merged):
        result, conflicts = merged
        try:
            version = call()
        except ConflictError as refused:
            error = refused
        else:
            assert policy != "merge" or not conflicts
            self._saved(held, there, version, dumps(result if policy == "merge" else mine))
            return
        assert policy == "error" or (policy == "merge" and conflicts)
        if policy == "merge":
            assert [place.pointer for place in error.places] == [place.pointer for place in conflicts]
        assert held.text == dumps(mine)

    def _saved(self, held, there, version, text):
        """Note a save of all, and check that it is, and gave, the one that was asked for."""
        if there is None:
            there = self.live["experiment", held.experiment.name] = Saves("experiment", held.experiment.name)
        if not there.texts or there.texts[-1] != text:
            there.texts.append(text)
        assert (version.number, held.text) == (len(there.texts), text)
        assert version.digest == docstore.digest(held.experiment)
        held.saves, held.base = there, loads(text)

    @rule(held=objects, index=INDEX, policy=POLICIES)
    def save_trial(self, held, index, policy):
        trial = held.experiment.trials.get(index)
        there = self.live.get(("experiment", held.experiment.name))
        if trial is None:
            return
        call = partial(self.stores[held.writer].save_trial, held.experiment, trial, on_conflict=policy)
        if held.saves is None:
            with pytest.raises(DocumentExistsError if there else DocumentNotFoundError):
                call()
        elif held.saves is not there:
            with pytest.raises(DocumentNotFoundError):
                call()
        else:
            self._save_trial(held, there, policy, call, index)

    def _save_trial(self, held, there, policy, call, index):
        theirs, before = loads(there.texts[-1]), held.json
        was, mine, other = (narrowed(each, index) for each in (held.base, before, theirs))
        result, conflicts = (mine, ()) if policy == "overwrite" else merge(was, mine, other)
        try:
            version = call()
        except ConflictError:
            assert policy == "error" or conflicts
            assert held.text == dumps(before)
            return
        assert policy == "overwrite" or not conflicts
        if dumps(mine) == dumps(was):
            assert held.text == dumps(before)
            return
        text = dumps(with_trial(theirs, result, index))
        if text != there.texts[-1]:
            there.texts.append(text)
        assert version.number == len(there.texts)
        assert held.text == dumps(with_trial(before, result, index))
        held.base = with_trial(held.base, result, index)

    @rule(writer=WRITERS, name=NAMES, value=VALUES)
    def put(self, writer, name, value):
        saves = self.live.setdefault(("note", name), Saves("note", name))
        version = self.stores[writer].put("note", name, value)
        text = docstore.dumps(value)
        if not saves.texts or saves.texts[-1] != text:
            saves.texts.append(text)
        assert version.number == len(saves.texts)

    @precondition(lambda self: self.live)
    @rule(writer=WRITERS, data=st.data())
    def revert(self, writer, data):
        saves = data.draw(st.sampled_from(list(self.live.values())))
        number = data.draw(st.integers(1, len(saves.texts)))
        version = self.stores[writer].revert(saves.name, number, kind=saves.kind)
        if saves.texts[number - 1] != saves.texts[-1]:
            saves.texts.append(saves.texts[number - 1])
        assert version.number == len(saves.texts)

    # --- the whole life of a document --------------------------------------------------------------------------------

    @rule(writer=WRITERS, kind=st.sampled_from(["experiment", "note"]), name=NAMES)
    def delete(self, writer, kind, name):
        if (kind, name) in self.live:
            self.stores[writer].delete(name, kind=kind)
            self.deleted.append(self.live.pop((kind, name)))
        else:
            with pytest.raises(DocumentNotFoundError):
                self.stores[writer].delete(name, kind=kind)

    @rule(writer=WRITERS, kind=st.sampled_from(["experiment", "note"]), name=NAMES)
    def undelete(self, writer, kind, name):
        gone = [saves for saves in self.deleted if (saves.kind, saves.name) == (kind, name)]
        if gone and (kind, name) not in self.live:
            self.stores[writer].undelete(name, kind=kind)
            self.deleted.remove(gone[-1])
            self.live[kind, name] = gone[-1]
        else:
            with pytest.raises(DocumentExistsError if gone else DocumentNotFoundError):
                self.stores[writer].undelete(name, kind=kind)

    @rule(writer=WRITERS, kind=st.sampled_from(["experiment", "note"]), name=NAMES)
    def purge(self, writer, kind, name):
        gone = [saves for saves in self.deleted if (saves.kind, saves.name) == (kind, name)]
        if (kind, name) in self.live:
            self.stores[writer].purge(name, kind=kind)
            del self.live[kind, name]
        elif gone:
            self.stores[writer].purge(name, kind=kind)
            self.deleted.remove(gone[-1])
        else:
            with pytest.raises(DocumentNotFoundError):
                self.stores[writer].purge(name, kind=kind)

    # --- what must be so after each step -----------------------------------------------------------------------------

    @invariant()
    def every_version_is_as_it_was_saved(self):
        for saves in getattr(self, "live", {}).values():
            for number, text in enumerate(saves.texts, 1):
                assert dumps_of(self.stores[0], saves, number) == text

    @invariant()
    def there_is_what_there_should_be(self):
        if hasattr(self, "live"):
            found = [(info.kind, info.name, info.version) for info in self.stores[1].find()]
            assert found == sorted((saves.kind, saves.name, len(saves.texts)) for saves in self.live.values())
            gone = [(info.kind, info.name, info.version) for info in self.stores[1].find(deleted=True)]
            assert sorted(gone) == sorted((saves.kind, saves.name, len(saves.texts)) for saves in self.deleted)

    @invariant()
    def nothing_is_damaged(self):
        if hasattr(self, "stores"):
            assert self.stores[0].verify() == []


def dumps_of(store, saves: Saves, number: int | None = None) -> bytes:
    """The text of a version as the store has it."""
    loaded = store.load(saves.name, kind=saves.kind, version=number)
    return dumps(loads(docstore.dumps(loaded)))


# A step makes dozens of calls, to look at everything there is; each takes longer where a server is asked.
EXAMPLES = {"sqlite": 40, "postgresql": 25, "mariadb": 25}


def test_a_store_does_what_a_dict_of_saves_does(backend, database, connect):
    class OnThisDatabase(StoreAgainstADict):
        people = tuple(connect(database, author=author, synchronous="NORMAL") for author in ("ada", "bob"))
        runs = count()

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=EXAMPLES[backend], stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
