"""A store held against a plain dict of saves, by any sequence of calls that Hypothesis thinks of.

What two writers make together is worked out here by ``merge``, on what the model knows of the past, and by what belongs
together of a trial and its data. Where trials may have other numbers on one side, they are known by a mark that each
has in its metadata, and not by numbers: so it is seen whether a trial keeps its data, its arm and everyone's changes,
whatever number it goes to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, ClassVar

import pytest
from fuzzing import rounds
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

import docstore
from docstore import ConflictError
from docstore.documents.canonical import TAG, dumps, join_pointer, loads, value_at_pointer
from docstore.documents.digests import digest_of
from docstore.documents.kinds import EXPERIMENT, kind_named
from docstore.documents.merge.three_way import merge
from docstore.documents.patch import apply
from docstore.errors import (
    Conflict,
    DecodeError,
    DocumentExistsError,
    DocumentNotFoundError,
    InvalidValueError,
    TagExistsError,
    VersionNotFoundError,
)
from docstore.testing.experiments import new_experiment, observe


def mine_stands(conflict: Conflict) -> Any:
    return conflict.mine


def theirs_stands(conflict: Conflict) -> Any:
    return conflict.theirs


def nothing_is_decided(conflict: Conflict) -> Any:
    return NotImplemented


KINDS = st.sampled_from(["experiment", "experiment", "note"])
NAMES = st.sampled_from(["cakes", "bread"])
BRANCHES = st.sampled_from(["cakes", "bread", "rolls", "pies"])
TAGS = st.sampled_from(["best", "sent"])
WRITERS = st.integers(0, 1)
INDEX = st.integers(0, 5)
POLICIES = st.sampled_from(
    ["merge", "merge", "merge", "error", "overwrite", mine_stands, theirs_stands, nothing_is_decided]
)
VALUES = st.sampled_from(
    [
        None,
        False,
        1,
        1.0,
        True,
        -0.0,
        2**65,
        float("nan"),
        "",
        "\x00",
        [1, 2],
        [1, 3],
        [],
        {},
        {"a": 1},
        {"b": {"c": []}},
    ]
)
WHAT = WHAT = st.sampled_from(
    ["add", "add", "add", "metadata", "metadata", "taste", "crust", "remove", "property", "description"]
)
EDITS = st.lists(
    st.tuples(WHAT, INDEX, VALUES, st.sampled_from([0.5, 0.25, -0.0, float("nan"), float("inf")])), max_size=3
)
PAST = st.sampled_from(["history", "diff", "get", "tag", "tag", "untag", "revert", "revert"])
SAVED = st.sampled_from([None, "all", "all", 0, 1, 2, 3])

# --- the model -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class State:
    """A version as the model knows it; a branch and its parent have the same ones, up to where they part."""

    text: bytes
    past: frozenset[State]
    """Each version that it came from, of whatever document."""
    how: str | None = None

    @property
    def json(self) -> Any:
        return loads(self.text)


@dataclass(eq=False)
class Saves:
    """What the model knows of one document: the state of each version, oldest first, and which its tags name."""

    kind: str
    name: str
    states: list[State] = field(default_factory=list, repr=False)
    tags: dict[str, int] = field(default_factory=dict)
    forked: int = 1
    """The number of the first version that is its own, and not of a past that it shares."""
    partners: set[Saves] = field(default_factory=set, repr=False)
    """The documents that it has been merged with or came from, and theirs."""
    is_unclear: bool = False
    """Whether it is no longer known which trial is which; see ``Merging.is_clear``."""

    @property
    def texts(self) -> list[bytes]:
        return [state.text for state in self.states]

    def number(self, which: int | str | None) -> int:
        """Return the number of a version that may be named by a tag; None is the newest."""
        return self.tags[which] if isinstance(which, str) else which or len(self.states)

    def note(self, text: bytes, *, came_from: State | None = None, how: str | None = None) -> None:
        """Note a new version, which came from another document's too."""
        before = [*self.states[-1:], *([came_from] if came_from else [])]
        self.states.append(State(text, frozenset(before).union(*(each.past for each in before)), how))

    def note_if_new(self, text: bytes) -> None:
        if not self.states or self.states[-1].text != text:
            self.note(text)


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


def versions_of(saves: Saves, first: int = 1) -> st.SearchStrategy[int | str | None]:
    """Draw what names one of the versions from *first* on: a number, a tag, or None for the newest."""
    tags = sorted(tag for tag, number in saves.tags.items() if number >= first)
    return st.none() | st.sampled_from([*range(first, len(saves.states) + 1), *tags])


def in_common(one: State, other: State) -> list[State]:
    """Return the newest states that both came from: of documents that were merged crosswise there are several."""
    shared = {one, *one.past} & {other, *other.past}
    return [state for state in shared if not any(state in later.past for later in shared)]


def renamed(kind: str, text: bytes, name: str) -> bytes:
    """Return the text of a document as one under another name has it."""
    return dumps({**loads(text), "name": name}) if kind == "experiment" else text


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


# --- trials by their marks -------------------------------------------------------------------------------------------


def marks_in(document: Any) -> dict[str, str]:
    """Return the mark of each trial, by its number."""
    return {number: str(trial["run_metadata"]["mark"]) for number, trial in document["trials"].items()}


def by_mark(kind: str, document: Any) -> Any:
    """Return a document without its name, and with each trial and its data under its mark, without number or names."""
    if kind != "experiment":
        return document
    marks = marks_in(document)
    data = {marks[number]: body for number, body in document["data"].items()}
    trials = {marks[number]: body for number, body in document["trials"].items()}
    return {
        **document,
        "name": None,
        "trials": {mark: {**body, "index": None, **unnamed(body)} for mark, body in trials.items()},
        "data": {
            mark: {**body, "records": [{**each, "trial_index": None, "arm_name": None} for each in body["records"]]}
            for mark, body in data.items()
        },
    }


def unnamed(trial: Any) -> Any:
    run = trial["generator_run"]
    return {"generator_run": {**run, "arms": [{**arm, "name": None} for arm in run["arms"]]}}


def are_clear(documents: Iterable[Any]) -> bool:
    """Return whether one mark has one number in all the documents, one number one mark, and no data lack a trial."""
    found = set()
    for document in documents:
        if not document["data"].keys() <= document["trials"].keys():
            return False
        found |= set(marks_in(document).items())
    return len({number for number, _ in found}) == len({mark for _, mark in found}) == len(found)


def check_sound(document: Any) -> None:
    """Each trial and its data agree on its number and its arm's name; a name has one arm, a mark one trial."""
    named: dict[str, bytes] = {}
    for number, trial in document["trials"].items():
        [arm] = trial["generator_run"]["arms"]
        records = document["data"].get(number, {"records": []})["records"]
        assert {record["trial_index"] for record in records} <= {int(number)} == {trial["index"]}
        assert {record["arm_name"] for record in records} <= {arm["name"]}
        assert named.setdefault(arm["name"], dumps(arm["parameters"])) == dumps(arm["parameters"])
    marks = marks_in(document).values()
    assert len(set(marks)) == len(marks)


def is_kept(theirs: Any, merged: Any) -> bool:
    """Return whether each trial of theirs that is there still has its number and its arm's name."""
    both = theirs["trials"].keys() & merged["trials"].keys()
    both_sides = ([side["trials"][number] for number in sorted(both)] for side in (theirs, merged))
    was, now = ([(each["run_metadata"]["mark"], each["generator_run"]["arms"]) for each in side] for side in both_sides)
    return was == now


def merged(three: tuple[Any, Any, Any], decide: Callable[[Conflict], Any] | None = None) -> tuple[Any, list[str]]:
    """Return what both sides made of an experiment, and the pointers of its conflicts.

    A trial and its data belong together: where a function decided whether a trial stands, its data do as the trial. If
    no place is in dispute, but the data of one trial would be another's, or two trials made into one, it is a conflict
    at the trial.
    """
    result, left = merge(*three, keys=EXPERIMENT.merge_keys, decide=decide)
    result = with_data_of_decided(three, result)
    return result, pointers(left) or [f"/trials/{number}" for number in mixed_up(three, result)]


def with_data_of_decided(three: tuple[Any, Any, Any], result: Any) -> Any:
    """*result* with the data of each trial that was in dispute and whose data were not, if it stands, else without."""
    data = dict(result["data"])
    for number in three[0]["trials"]:
        trials = [side["trials"].get(number) for side in three]
        measured = [side["data"].get(number) for side in three]
        is_disputed = len({dumps(trial) for trial in trials}) == 3 and measured[0] is not None
        sides = zip(trials[1:], measured[1:], strict=True)
        if is_disputed and all(dumps(own) == dumps(measured[0]) or trial is own is None for trial, own in sides):
            data.pop(number, None)
            if number in result["trials"]:
                data[number] = measured[0]
    return {**result, "data": data}


def mixed_up(three: tuple[Any, Any, Any], result: Any) -> list[str]:
    """Return the numbers of the trials that have data of another trial, or of which two were made into one."""
    return [
        number
        for number in sorted({*result["trials"], *result["data"]}, key=int)
        if not observed(result, number) <= set().union(*(observed(side, number) for side in three))
        or is_two_in_one(three, result, number)
    ]


def observed(document: Any, number: str) -> set[tuple[str | None, bytes]]:
    """Return what was measured under a number, each with the mark of the trial that is there."""
    mark, records = marks_in(document).get(number), document["data"].get(number, {"records": []})["records"]
    return {(mark, dumps({**record, "trial_index": None, "arm_name": None})) for record in records}


def is_two_in_one(three: tuple[Any, Any, Any], result: Any, number: str) -> bool:
    found = [document["trials"].get(number) for document in (*three, result)]
    if None in found:
        return False
    marks = {marks_in(side)[number] for side in three}
    return len(marks) > 1 and dumps(found[3]) not in (dumps(found[1]), dumps(found[2]))


def places_in(value: Any, at: str = "") -> Iterator[str]:
    """Yield the pointer of each value that is no part of a tagged one."""
    yield at
    if isinstance(value, dict) and TAG not in value:
        for key, member in value.items():
            yield from places_in(member, at + join_pointer((key,)))
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from places_in(item, f"{at}/{index}")


def colliding(base: Any, mine: Any, theirs: Any) -> list[str]:
    """Return the numbers under which both added a trial, each another one."""
    both = (mine["trials"].keys() & theirs["trials"].keys()) - base["trials"].keys()
    return sorted(number for number in both if dumps(mine["trials"][number]) != dumps(theirs["trials"][number]))


def is_clear_save(base: Any, mine: Any, theirs: Any) -> bool:
    """Return whether a number means one trial on all sides, but for those that *mine* added."""
    kept = {field: {n: mine[field][n] for n in base["trials"] if n in mine[field]} for field in ("trials", "data")}
    added = {mark for number, mark in marks_in(mine).items() if number not in base["trials"]}
    known = {*marks_in(base).values(), *marks_in(theirs).values()}
    return mine["data"].keys() <= mine["trials"].keys() and added.isdisjoint(known) and are_clear([base, kept, theirs])


class StoreAgainstADict(RuleBasedStateMachine):
    """Two stores on one database are two people; ``live`` and ``deleted`` are what they should find."""

    people: ClassVar[tuple[docstore.Store, ...]]
    """Stores on the database; a run has its own on their engines, in a project that no run before it had."""
    runs: ClassVar[count[int]]

    objects = Bundle("objects")

    @initialize(target=objects, trials=st.integers(0, 2))
    def open(self, trials):
        """Both people have read an experiment of a few trials."""
        project = f"run {next(self.runs)}"
        self.stores = [docstore.Store(each.engine, author=each.author, project=project) for each in self.people]
        self.live: dict[tuple[str, str], Saves] = {}
        self.deleted: list[Saves] = []
        self.marks = count(1)
        self.looked_at: list[object] = []
        made = self._made(0, "cakes", trials)
        self._saved(made, None, self.stores[0].save(made.experiment), made.text)
        return multiple(made, self._loaded(1, made.saves, None))

    def one_of(self, data: st.DataObject, saves: Iterable[Saves] | None = None) -> Saves:
        return data.draw(st.sampled_from(list(self.live.values() if saves is None else saves)))

    # --- objects ---------------------------------------------------------------------------------------------------

    @rule(target=objects, writer=WRITERS, name=NAMES, trials=st.integers(0, 3), data=st.data())
    def hold(self, writer, name, trials, data):
        """Take an object into one's hands: any version of any experiment, or a new one."""
        saves = data.draw(st.sampled_from([None, *self.experiments(), *self.experiments()]))
        if saves is None:
            return self._made(writer, name, trials)
        return self._loaded(writer, saves, data.draw(versions_of(saves)))

    def _made(self, writer, name, trials):
        held = Held(writer, new_experiment(name), None)
        for _ in range(trials):
            self._add_trial(held.experiment)
        return held

    def experiments(self) -> list[Saves]:
        return [saves for saves in self.live.values() if saves.kind == "experiment"]

    def _loaded(self, writer, saves, which):
        options = {"tag": which} if isinstance(which, str) else {"version": which}
        state = saves.states[saves.number(which) - 1]
        loaded = self.stores[writer].load(saves.name, **options)
        assert docstore.dumps(loaded) == state.text
        # A branch had its parent's name before it was one: what is loaded from there is another document's.
        return Held(writer, loaded, saves if loaded.name == saves.name else None, state.json)

    # --- edits -----------------------------------------------------------------------------------------------------

    def edited(self, held, edits):
        for what, index, value, mean in edits:
            self._edit(held.experiment, what, index, value, mean)

    def _edit(self, experiment, what, index, value, mean):
        if what == "add":
            self._add_trial(experiment)
        elif what == "remove":
            experiment._trials.pop(index, None)
            experiment._data.pop(index, None)
        elif what == "property":
            experiment.properties["ab"[index % 2]] = value
        elif what == "description":
            experiment.description = repr(mean)
        elif index in experiment.trials and what == "metadata":
            experiment.trials[index].run_metadata["value"] = value
        elif index in experiment.trials:
            observe(experiment, index, mean, what)

    def _add_trial(self, experiment):
        mark = next(self.marks)
        trial = experiment.new_trial(parameters={"x": mark / 2**20, "flour": "rye"})
        trial.mark_running(no_runner_required=True).mark_completed()
        trial.run_metadata["mark"] = mark
        observe(experiment, trial.index, mark / 2**20)

    @precondition(lambda self: self.experiments())
    @rule(target=objects, writer=WRITERS, edits=EDITS, data=st.data())
    def work_on(self, writer, edits, data):
        """Load, edit and save, with nobody else between: the way in which most versions are made."""
        return self._worked_on(writer, data.draw(st.sampled_from(self.experiments())), edits)

    def _worked_on(self, writer, saves, edits):
        held = self._loaded(writer, saves, None)
        self.edited(held, edits)
        self._saved(held, saves, self.stores[writer].save(held.experiment), held.text)
        return held

    # --- saves -----------------------------------------------------------------------------------------------------

    @rule(held=objects, edits=EDITS, what=SAVED, policy=POLICIES)
    def edit(self, held, edits, what, policy):
        """Change an object that may be old, and save it, or a trial of it, or nothing yet."""
        self.edited(held, edits)
        if what == "all":
            self.save(held, policy)
        elif what is not None:
            self.save_trial(held, what, policy)

    def save(self, held, policy):
        there = self.live.get(("experiment", held.experiment.name))
        call = partial(self.stores[held.writer].save, held.experiment, on_conflict=policy)
        if held.saves is None and there is not None and policy != "overwrite":
            self._refused(DocumentExistsError, held, call)
        elif held.saves is None:
            self._saved(held, there, call(), held.text)
        elif held.saves is not there:
            self._refused(DocumentNotFoundError, held, call)
        elif dumps(held.json) == dumps(held.base) and policy != "overwrite":
            self._save_unchanged(held, there, policy, call)
        else:
            self._save_changed(held, there, policy, call)

    def _refused(self, error, held, call):
        for each in (call, partial(self.stores[held.writer].status, held.experiment)):
            with pytest.raises(error):
                each()

    def _save_unchanged(self, held, there, policy, call):
        """It changed nothing itself: no version is made, and what others did is taken on or left, all or nothing."""
        before, status = held.text, self.stores[held.writer].status(held.experiment)
        assert (status.patch, status.conflicts, status.newest) == ((), (), len(there.states))
        try:
            version = call()
        except ConflictError:
            assert policy == "error"
            return
        assert held.text in (before, there.texts[version.number - 1])
        held.base = held.json

    def _save_changed(self, held, there, policy, call):
        mine, theirs = held.json, there.states[-1].json
        status = self.stores[held.writer].status(held.experiment)
        assert (status.newest, bool(status.numbers)) == (len(there.states), bool(colliding(held.base, mine, theirs)))
        if policy == "overwrite":
            self._saved(held, there, call(), dumps(mine))
            return
        three, by_number = (held.base, mine, theirs), not status.numbers
        if not by_number and is_clear_save(*three):
            three = tuple(by_mark("experiment", each) for each in three)
        elif not by_number:
            self._save_unclear(held, there, call)
            return
        expected, left = merged(three, policy if callable(policy) else None)
        _, undecided = merged(three)
        assert len(status.conflicts) == len(undecided)
        version, places = outcome(call)
        if version is None:
            assert policy == "error" or left
            assert policy == "error" or len(places) == len(left)
            assert policy == "error" or not by_number or places == left
            assert held.text == dumps(mine)
            return
        assert not left
        stored = loads(dumps_of(self.stores[0], there))
        self._compare(expected, stored, theirs, by_number)
        self._saved(held, there, version, dumps(stored))
        if not status.conflicts:
            self._check_told(status, held, there, theirs, mine)

    def _compare(self, expected, stored, theirs, by_number):
        assert dumps(stored if by_number else by_mark("experiment", stored)) == dumps(expected)
        if not by_number:
            check_sound(stored)
            assert is_kept(theirs, stored)

    def _check_told(self, status, held, there, theirs, mine):
        """What was saved is what the status had told."""
        stored, store = there.states[-1].json, self.stores[held.writer]
        if dumps(stored) == dumps(theirs):
            assert status.patch == ()
            return
        assert status.patch == store.diff(there.name, len(there.states) - 1).patch
        assert dumps(apply(theirs, status.patch)) == dumps(stored)
        was, now = marks_in(mine), marks_in(stored)
        assert [was[str(old)] for old in status.numbers] == [now[str(new)] for new in status.numbers.values()]

    def _save_unclear(self, held, there, call):
        """Which trial is which cannot be told: of what is merged, only that it is one version and in hand."""
        try:
            version = call()
        except ConflictError:
            return
        text = dumps_of(self.stores[0], there)
        self._saved(held, there, version, text)

    def _saved(self, held, there, version, text):
        """Note a save of all, and check that it is, and gave, the one that was asked for."""
        if there is None:
            there = self.live["experiment", held.experiment.name] = Saves("experiment", held.experiment.name)
        there.note_if_new(text)
        assert (version.number, held.text) == (len(there.states), text)
        assert version.digest == docstore.digest(held.experiment)
        held.saves, held.base = there, loads(text)

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
        elif policy not in ("error", "overwrite") and self._collides(held, there, index):
            self._save_colliding_trial(held, there, call, index, trial)
        else:
            self._save_trial(held, there, policy, call, index)

    def _collides(self, held, there, index):
        three = (narrowed(each, index) for each in (held.base, held.json, there.states[-1].json))
        return bool(colliding(*three))

    def _save_colliding_trial(self, held, there, call, index, trial):
        """It goes to a number that is free here and there, and the one that others made is in its place."""
        theirs, before = there.states[-1].json, held.json
        version = call()
        moved, stored = trial.index, loads(dumps_of(self.stores[0], there))
        key, part = str(moved), narrowed(stored, moved)
        assert key not in {*theirs["trials"], *theirs["data"], *before["trials"], *before["data"]}
        assert dumps(with_trial(stored, narrowed(theirs, moved), moved)) == dumps(theirs)
        alone = [
            by_mark("experiment", {**whole, **narrowed(whole, at)}) for whole, at in ((stored, moved), (before, index))
        ]
        assert [dumps(alone[0][field]) for field in ("trials", "data")] == [
            dumps(alone[1][field]) for field in ("trials", "data")
        ]
        there.note(dumps(stored))
        assert version.number == len(there.states)
        assert held.text == dumps(with_trial(with_trial(before, narrowed(theirs, index), index), part, moved))
        held.base = with_trial(with_trial(held.base, narrowed(theirs, index), index), part, moved)

    def _save_trial(self, held, there, policy, call, index):
        theirs, before = there.states[-1].json, held.json
        was, mine, other = (narrowed(each, index) for each in (held.base, before, theirs))
        decide = policy if callable(policy) else None
        result, conflicts = (mine, []) if policy == "overwrite" else merged((was, mine, other), decide)
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
        there.note_if_new(dumps(with_trial(theirs, result, index)))
        assert version.number == len(there.states)
        assert held.text == dumps(with_trial(before, result, index))
        held.base = with_trial(held.base, result, index)

    @rule(writer=WRITERS, name=NAMES, value=VALUES)
    def put(self, writer, name, value):
        saves = self.live.setdefault(("note", name), Saves("note", name))
        version = self.stores[writer].put("note", name, value)
        saves.note_if_new(docstore.dumps(value))
        assert version.number == len(saves.states)

    # --- what was --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.live)
    @rule(writer=WRITERS, what=PAST, data=st.data())
    def look_back(self, writer, what, data):
        """Ask for something of the past of a document, or make it the present, or give it a name."""
        getattr(self, f"_{what}")(self.stores[writer], self.one_of(data), data)

    def _revert(self, store, saves, data):
        when = data.draw(versions_of(saves).filter(bool))
        version = store.revert(saves.name, when, kind=saves.kind)
        text = saves.texts[saves.number(when) - 1]
        saves.note_if_new(renamed(saves.kind, text, saves.name))
        assert version.number == len(saves.states)

    def _tag(self, store, saves, data):
        tag, move = data.draw(TAGS), data.draw(st.booleans())
        number = data.draw(st.none() | st.integers(1, len(saves.states)))
        wanted = number or len(saves.states)
        call = partial(store.tag, saves.name, tag, number, kind=saves.kind, move=move)
        if saves.tags.get(tag, wanted) != wanted and not move:
            with pytest.raises(TagExistsError):
                call()
        else:
            assert call() == wanted
            saves.tags[tag] = wanted

    def _untag(self, store, saves, data):
        tag = data.draw(TAGS)
        if saves.tags.pop(tag, None) is None:
            with pytest.raises(InvalidValueError):
                store.untag(saves.name, tag, kind=saves.kind)
            with pytest.raises(VersionNotFoundError):
                store.load(saves.name, kind=saves.kind, tag=tag)
        else:
            store.untag(saves.name, tag, kind=saves.kind)

    def _history(self, store, saves, data):
        """The log has each version, with its digest, and says which came from another document."""
        history = store.history(saves.name, kind=saves.kind)
        assert len(history) == len(saves.states)
        for version, number in zip(history, range(len(saves.states), 0, -1), strict=True):
            state = saves.states[number - 1]
            assert (version.number, version.digest) == (number, digest_of(kind_named(saves.kind), state.json))
            assert (version.parent and version.parent.how) == state.how

    def _diff(self, store, saves, data):
        one, other = (data.draw(st.integers(1, len(saves.states))) for _ in range(2))
        found = store.diff(saves.name, one, other, kind=saves.kind)
        old, new = (saves.states[number - 1] for number in (one, other))
        assert dumps(apply(old.json, found.patch)) == new.text
        assert dumps(apply(new.json, found.undo)) == old.text
        assert bool(found) == (old.text != new.text)

    def _get(self, store, saves, data):
        number = data.draw(st.none() | st.integers(1, len(saves.states)))
        document = saves.states[(number or len(saves.states)) - 1].json
        roots = ["", "/7"]
        if saves.kind == "experiment":
            roots = ["/properties", "/description", "/trials/7"]
            roots += [f"/trials/{each}/run_metadata" for each in document["trials"]]
            roots += [f"/data/{each}/records" for each in document["data"]]
        root = data.draw(st.sampled_from(roots))
        call = partial(store.get, saves.name, kind=saves.kind, version=number)
        try:
            pointer = data.draw(st.sampled_from(list(places_in(value_at_pointer(document, root), root))))
        except DecodeError:
            with pytest.raises(DecodeError):
                call(pointer=root)
        else:
            assert docstore.dumps(call(pointer=pointer)) == dumps(value_at_pointer(document, pointer))

    # --- several documents with one past -----------------------------------------------------------------------------

    @precondition(lambda self: self.live)
    @rule(writer=WRITERS, name=BRANCHES, data=st.data())
    def branch(self, writer, name, data):
        saves = self.one_of(data)
        # Not from a past that it shares: with whom it does is not known of its branches.
        when = data.draw(versions_of(saves, saves.forked))
        call = partial(self.stores[writer].branch, saves.name, name, when, kind=saves.kind)
        if (saves.kind, name) in self.live:
            with pytest.raises(DocumentExistsError):
                call()
            return
        states = saves.states[: saves.number(when)]
        made = Saves(saves.kind, name, states, {}, len(states) + 1, {saves, *saves.partners}, saves.is_unclear)
        made.note(renamed(saves.kind, states[-1].text, name), how="branch")
        assert call().number == len(made.states)
        self.live[saves.kind, name] = made

    @precondition(lambda self: self.pairs())
    @rule(writer=WRITERS, policy=POLICIES, both=st.tuples(EDITS, EDITS), data=st.data())
    def merge(self, writer, policy, both, data):
        source, target = data.draw(st.sampled_from(self.pairs()))
        for saves, edits in zip((source, target), both, strict=True):
            if edits and saves.kind == "experiment":
                self._worked_on(writer, saves, edits)
        call = partial(self.stores[writer].merge, source.name, target.name, kind=source.kind, on_conflict=policy)
        mine, theirs = source.states[-1], target.states[-1]
        commons = in_common(mine, theirs)
        if not commons:
            with pytest.raises(InvalidValueError):
                call()
        elif mine in commons:
            assert call().number == len(target.states)
        elif not self.is_clear(source, target, commons):
            self._merge_unclear(source, target, call)
        else:
            self._merge(source, target, policy, call, commons[0])

    def pairs(self) -> list[tuple[Saves, Saves]]:
        """Return which documents could be merged into which."""
        live = self.live.values()
        return [(one, other) for one in live for other in live if one.kind == other.kind and one is not other]

    def _merge(self, source, target, policy, call, common):
        kind, theirs = source.kind, target.states[-1].json
        decide = policy if callable(policy) else None
        three = tuple(by_mark(kind, each.json) for each in (common, source.states[-1], target.states[-1]))
        expected, conflicts = merged(three, decide) if kind == "experiment" else merge(*three, decide=decide)
        if dumps(three[0]) == dumps(three[1]):
            assert call().number == len(target.states)
            return
        if policy == "overwrite":
            expected, conflicts = three[1], []
        version, places = outcome(call)
        if version is None:
            assert conflicts or (policy == "error" and dumps(three[0]) != dumps(three[2]))
            assert policy == "error" or len(places) == len(conflicts)
            return
        assert not conflicts
        assert policy != "error" or dumps(three[0]) == dumps(three[2])
        stored = loads(dumps_of(self.stores[0], target))
        assert dumps(by_mark(kind, stored)) == dumps(expected)
        if kind == "experiment":
            check_sound(stored)
            assert policy == "overwrite" or is_kept(theirs, stored)
            assert stored["name"] == target.name
        self._merged(source, target, version, dumps(stored))

    def _merge_unclear(self, source, target, call):
        """Of what is merged, only that it is one version, or a conflict."""
        source.is_unclear = target.is_unclear = True
        try:
            version = call()
        except ConflictError:
            return
        if version.number > len(target.states):
            self._merged(source, target, version, dumps_of(self.stores[0], target))

    def _merged(self, source, target, version, text):
        target.note(text, came_from=source.states[-1], how="merge")
        assert version.number == len(target.states)
        source.partners.add(target)
        target.partners |= {source, *source.partners}

    def is_clear(self, source: Saves, target: Saves, commons: list[State]) -> bool:
        """Return whether it is known which trial of one document is which of the other."""
        if len(commons) > 1:
            return False
        if source.kind != "experiment":
            return True
        if source.is_unclear or target.is_unclear:
            return False
        if not all(are_clear(state.json for state in each.states) for each in (source, target)):
            return False
        return not is_moved(source, target, commons[0])

    # --- the whole life of a document --------------------------------------------------------------------------------

    @rule(writer=WRITERS, what=st.sampled_from(["delete", "undelete", "purge"]), kind=KINDS, name=BRANCHES)
    def live_on(self, writer, what, kind, name):
        getattr(self, f"_{what}")(self.stores[writer], kind, name)

    def _delete(self, store, kind, name):
        if (kind, name) in self.live:
            store.delete(name, kind=kind)
            self.deleted.append(self.live.pop((kind, name)))
        else:
            with pytest.raises(DocumentNotFoundError):
                store.delete(name, kind=kind)

    def _undelete(self, store, kind, name):
        gone = [saves for saves in self.deleted if (saves.kind, saves.name) == (kind, name)]
        if gone and (kind, name) not in self.live:
            store.undelete(name, kind=kind)
            self.deleted.remove(gone[-1])
            self.live[kind, name] = gone[-1]
        else:
            with pytest.raises(DocumentExistsError if gone else DocumentNotFoundError):
                store.undelete(name, kind=kind)

    def _purge(self, store, kind, name):
        gone = [saves for saves in self.deleted if (saves.kind, saves.name) == (kind, name)]
        found = self.live.get((kind, name)) or (gone[-1] if gone else None)
        if found is None:
            with pytest.raises(DocumentNotFoundError):
                store.purge(name, kind=kind)
        elif any(found in each.partners and is_merged(each) for each in (*self.live.values(), *self.deleted)):
            pass  # what came from it by way of others is not known any more
        else:
            store.purge(name, kind=kind)
            if found in self.deleted:
                self.deleted.remove(found)
            else:
                del self.live[kind, name]

    # --- what must be so after each step -----------------------------------------------------------------------------

    @invariant()
    def there_is_what_there_should_be(self):
        """Also after what was refused."""
        for saves, found in (
            (self.live.values(), self.stores[1].find()),
            (self.deleted, self.stores[1].find(deleted=True)),
        ):
            assert sorted((info.kind, info.name, info.version) for info in found) == sorted(
                (each.kind, each.name, len(each.states)) for each in saves
            )

    @invariant()
    def every_version_is_as_it_was_saved(self):
        state = [(saves.kind, saves.name, *saves.states, *sorted(saves.tags.items())) for saves in self.live.values()]
        if state != self.looked_at:
            self.looked_at = state
            for saves in self.live.values():
                assert [dumps_of(self.stores[0], saves, n + 1) for n in range(len(saves.states))] == saves.texts
                assert self.stores[1].tags(saves.name, kind=saves.kind) == saves.tags
            assert self.stores[0].verify() == []


def is_merged(saves: Saves) -> bool:
    return any(state.how == "merge" for state in saves.states)


def is_moved(source: Saves, target: Saves, common: State) -> bool:
    """Return whether trials have other numbers on one side than on the other, in a way that is not followed yet."""
    mine, theirs, base = (marks_in(each.json) for each in (source.states[-1], target.states[-1], common))
    numbers: dict[str, set[str]] = {}
    for number, mark in (*mine.items(), *theirs.items(), *base.items()):
        numbers.setdefault(mark, set()).add(number)
    elsewhere = {number for several in numbers.values() if len(several) > 1 for number in several}
    others = (source.partners | target.partners) - {source, target}
    news = {number for number, mark in mine.items() if mark not in theirs.values() and mark not in base.values()}
    return bool(elsewhere) and bool(others or news & elsewhere)


def outcome(call: Callable[[], docstore.Version]) -> tuple[docstore.Version | None, list[str]]:
    """Return the version that a call made, or the pointers of its conflicts."""
    try:
        return call(), []
    except ConflictError as error:
        return None, pointers(error.places)


def pointers(places: Iterable[Conflict]) -> list[str]:
    return [place.pointer for place in places]


def dumps_of(store, saves: Saves, number: int | None = None) -> bytes:
    """The text of a version as the store has it."""
    loaded = store.load(saves.name, kind=saves.kind, version=number)
    return dumps(loads(docstore.dumps(loaded)))


# A step makes dozens of calls, to look at everything there is; each takes longer where a server is asked.
EXAMPLES = {"sqlite": 30, "postgresql": 10, "mariadb": 10}
"""In CI; ``make fuzz`` goes on for as many minutes as asked."""


@pytest.fixture
def machine(database, connect):
    """The state machine on this database, for two people."""

    class OnThisDatabase(StoreAgainstADict):
        people = tuple(connect(database, author=author, synchronous="NORMAL") for author in ("ada", "bob"))
        runs = count()

    return OnThisDatabase


@pytest.mark.fuzz
@pytest.mark.filterwarnings("ignore::docstore.errors.OverwriteWarning")
def test_a_store_does_what_a_dict_of_saves_does(backend, machine):
    for of_a_round in rounds(EXAMPLES[backend], each=200, stateful_step_count=25):
        run_state_machine_as_test(machine, settings=of_a_round)


class TestOneTookTrial0AwayAndTheOtherMeasuresIt:
    """Found by random search: both have read trial 0 with its data. Ada saves more data first."""

    @pytest.fixture
    def state(self, machine):
        return machine()

    @pytest.fixture
    def hers(self, state):
        return state.open(trials=1)

    def edit(self, state, held, *what, saved=None, policy="merge"):
        state.edit(held=held, edits=[(each, 0, None, 0.5) for each in what], what=saved, policy=policy)
        state.there_is_what_there_should_be()
        state.every_version_is_as_it_was_saved()

    @pytest.mark.parametrize("metric", ["taste", "crust"])
    @pytest.mark.parametrize("policy", ["merge", mine_stands, theirs_stands], ids=["merge", "mine", "theirs"])
    def test_it_is_one_conflict_unless_it_is_decided_that_the_data_go(self, state, hers, metric, policy):
        her, his = hers
        self.edit(state, her, metric, saved="all")
        self.edit(state, his, "remove")

        self.edit(state, his, saved="all", policy=policy)

        stored = state.stores[0].get("cakes")
        assert stored["trials"].keys() == stored["data"].keys()

    @pytest.mark.parametrize("metric", ["taste", "crust"])
    @pytest.mark.parametrize("policy", ["merge", mine_stands, theirs_stands], ids=["merge", "mine", "theirs"])
    @pytest.mark.parametrize("saved", ["all", 0], ids=["whole", "part"])
    def test_another_trial_in_its_place_gets_none_of_the_data(self, state, hers, metric, policy, saved):
        her, his = hers
        self.edit(state, her, metric, saved="all")
        self.edit(state, his, "remove", "add")

        self.edit(state, his, saved=saved, policy=policy)
