"""What holds of any documents and any edits: of versions, of differences, and of what several people make together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import jsonpatch
import pytest
from edits import histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_store_state_machine import by_mark, check_sound

import docstore
from docstore import ConflictError, registry
from docstore.documents.canonical import ABSENT, dumps, loads, same_json, split_pointer
from docstore.documents.kinds import EXPERIMENT
from docstore.documents.merge.three_way import merge
from docstore.documents.merge_keys import ANY, Keyed, MergeKeys
from docstore.errors import Conflict
from docstore.testing.experiments import new_experiment, observe
from docstore.testing.strategies import experiments

# --- experiments, notes and documents of a user's kind, and edits of each --------------------------------------------

pytestmark = pytest.mark.fuzz

EXAMPLES = {"sqlite": 20, "postgresql": 5, "mariadb": 5}
"""In CI; in ``make fuzz`` a hundred times as many, and not the same."""
SMALL = st.sampled_from([None, False, 0, 1, 1.0, True, -0.0, 2**65, "", "x", [1], [1.0], {"a": 1}, {"a": 2, "b": None}])
NUMBERS = st.integers(0, 3)


@dataclass
class Reading:
    time: int
    celsius: Any = None


@dataclass
class Step:
    readings: list[Reading] = field(default_factory=list)
    note: Any = None


@dataclass
class Brew:
    name: str
    steps: dict[str, Step] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """One thing that a person does to an object."""

    what: str
    at: int
    value: Any

    def __call__(self, obj: Any) -> None:
        getattr(self, self.what)(obj)

    # Of an experiment.

    def add_trial(self, experiment):
        mark = next(MARKS)
        trial = experiment.new_trial(parameters={"x": mark % 2**20 / 2**20, "flour": "rye"})
        trial.run_metadata["mark"] = mark
        observe(experiment, trial.index, mark % 2**20 / 2**20)

    def note_of_a_trial(self, experiment):
        if self.at in experiment.trials:
            experiment.trials[self.at].run_metadata["note"] = self.value

    def measure(self, experiment):
        if self.at in experiment.trials:
            observe(experiment, self.at, self.at / 4, "crust")

    def measure_again(self, experiment):
        if self.at in experiment.trials:
            observe(experiment, self.at, len(repr(self.value)) / 4)

    def property(self, experiment):
        experiment.properties["abcd"[self.at]] = self.value

    def lose_a_property(self, experiment):
        experiment.properties.pop("abcd"[self.at], None)

    def track(self, experiment):
        name = f"metric {self.at}"
        if name not in experiment.metrics:
            experiment.add_tracking_metric(docstore.Metric(name))

    # Of a brew.

    def step(self, brew):
        brew.steps.setdefault("/~ab"[self.at], Step()).note = self.value

    def lose_a_step(self, brew):
        brew.steps.pop("/~ab"[self.at], None)

    def read(self, brew):
        self._read(brew.readings)

    def read_in_a_step(self, brew):
        for step in brew.steps.values():
            self._read(step.readings)

    def _read(self, readings):
        for reading in readings:
            if reading.time == self.at:
                reading.celsius = self.value
                return
        readings.append(Reading(self.at, self.value))

    def lose_a_reading(self, brew):
        brew.readings = [reading for reading in brew.readings if reading.time != self.at]

    def note(self, brew):
        brew.notes["abcd"[self.at]] = self.value


MARKS = count(1)
"""A trial is known by its mark, whatever number it has."""


def edits_of(*what: str) -> st.SearchStrategy[list[Edit]]:
    return st.lists(st.builds(Edit, st.sampled_from(what), NUMBERS, SMALL), min_size=1, max_size=4)


OF_AN_EXPERIMENT = edits_of(
    "add_trial", "note_of_a_trial", "measure", "measure_again", "property", "lose_a_property", "track"
)
OF_A_BREW = edits_of("step", "lose_a_step", "read", "read_in_a_step", "lose_a_reading", "note")


@dataclass(frozen=True)
class Sort:
    """A sort of document: how one is made, what edits there are of it, and which of its lists are keyed."""

    kind: str
    make: Callable[[str], Any]
    edits: st.SearchStrategy[list[Edit]]
    keys: MergeKeys

    def form(self, document: Any) -> Any:
        """The document without its name and, of trials, numbers: what two orders of saves have alike."""
        return by_mark(self.kind, {**document, "name": None})


def bread(name: str) -> docstore.Experiment:
    experiment = new_experiment(name)
    for _ in range(2):
        Edit("add_trial", 0, None)(experiment)
    return experiment


def brew(name: str) -> Brew:
    return Brew(name, {"a": Step([Reading(0)])}, [Reading(1), Reading(2)])


BREW_KEYED = (Keyed(("readings",), ("time",)), Keyed(("steps", ANY, "readings"), ("time",)))
SORTS = {
    "experiment": Sort("experiment", bread, OF_AN_EXPERIMENT, EXPERIMENT.merge_keys),
    "brew": Sort("brew", brew, OF_A_BREW, MergeKeys(BREW_KEYED)),
}


@pytest.fixture(autouse=True)
def _brews() -> Iterator[None]:
    with registry.scope():
        docstore.document(kind="brew", parts=["/steps/*"], keyed={each.pointer: each.members for each in BREW_KEYED})(
            Brew
        )
        yield


@pytest.fixture(params=SORTS)
def sort(request) -> Sort:
    return SORTS[request.param]


@pytest.fixture
def two(ada, bob) -> Callable[[], tuple[docstore.Store, docstore.Store]]:
    """Gives Ada's store and Bob's, in a project that nothing is in yet: an example of Hypothesis needs its own."""
    numbers = count()

    def two() -> tuple[docstore.Store, docstore.Store]:
        project = f"project {next(numbers)}"
        stores = [docstore.Store(each.engine, author=each.author, project=project) for each in (ada, bob)]
        return stores[0], stores[1]

    return two


def on(backend: str, share: float = 1) -> settings:
    """How often a law is looked at on a backend; a server takes longer."""
    return settings(
        max_examples=max(2, int(EXAMPLES[backend] * share)) * (1 if settings().derandomize else 100),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )


def looked_at(backend: str, law: Callable[..., None], *drawn: st.SearchStrategy[Any], share: float = 1) -> None:
    """Look whether *law* holds of what is drawn."""
    on(backend, share)(given(*drawn)(law))()


def text_of(store: docstore.Store, sort: Sort, name: str = "a", **options: Any) -> bytes:
    return docstore.dumps(store.load(name, kind=sort.kind, **options))


def edited(store: docstore.Store, sort: Sort, name: str, edits: Sequence[Edit]) -> Any:
    """Load a document, change it, and save it."""
    obj = store.load(name, kind=sort.kind)
    change(obj, edits)
    store.save(obj)
    return obj


def change(obj: Any, edits: Sequence[Edit]) -> None:
    for edit in edits:
        edit(obj)


def copy_of(obj: Any) -> Any:
    return docstore.loads(docstore.dumps(obj))


def renamed(obj: Any, name: str) -> Any:
    return docstore.loads(dumps({**loads(docstore.dumps(obj)), "name": name}))


# --- versions and their differences ----------------------------------------------------------------------------------


class TestAnyVersion:
    def test_equals_what_was_saved_then(self, backend, sort, two):
        def law(rounds):
            store, _ = two()
            obj = sort.make("a")
            saved = []
            for edits in rounds:
                version = store.save(obj)
                saved[version.number - 1 :] = [docstore.dumps(obj)]
                change(obj, edits)

            assert [text_of(store, sort, version=n + 1) for n in range(len(saved))] == saved

        looked_at(backend, law, st.lists(sort.edits, min_size=2, max_size=6))

    def test_of_a_note_equals_what_was_put_then(self, backend, two):
        def law(values):
            store, _ = two()
            numbers = [store.put("note", "n", value).number for value in values]

            for number, value in zip(numbers, values, strict=True):
                assert docstore.dumps(store.get("n", kind="note", version=number)) == docstore.dumps(value)

        looked_at(backend, law, histories())

    @pytest.mark.filterwarnings("ignore::docstore.errors.OverwriteWarning")
    def test_equals_the_experiment_that_was_saved_then_whatever_stood_there(self, backend, two):
        def law(several):
            store, _ = two()
            for experiment in several:
                experiment.name = "a"
            texts = [(store.save(each, on_conflict="overwrite").number, docstore.dumps(each)) for each in several]

            assert [docstore.dumps(store.load("a", version=number)) for number, _ in texts] == [t for _, t in texts]

        looked_at(backend, law, st.lists(experiments(), min_size=2, max_size=3), share=0.3)


class TestTheDifferenceOfAnyTwoVersions:
    def check(self, store, kind, texts):
        """*texts* are those of all versions."""
        for a in range(len(texts)):
            for b in range(len(texts)):
                diff = store.diff("a", a + 1, b + 1, kind=kind)
                there = jsonpatch.JsonPatch(copy.deepcopy(list(diff.patch))).apply(loads(texts[a]))
                back = jsonpatch.JsonPatch(copy.deepcopy(list(diff.undo))).apply(loads(texts[b]))
                assert (dumps(there), dumps(back)) == (texts[b], texts[a])
                assert bool(diff) == (texts[a] != texts[b])

    def test_leads_from_one_to_the_other_and_back(self, backend, sort, two):
        def law(rounds):
            store, _ = two()
            store.save(sort.make("a"))
            for edits in rounds:
                edited(store, sort, "a", edits)
            count = len(store.history("a", kind=sort.kind))

            self.check(store, sort.kind, [text_of(store, sort, version=n + 1) for n in range(count)])

        looked_at(backend, law, st.lists(sort.edits, min_size=1, max_size=3))

    def test_of_notes_leads_from_one_to_the_other_and_back(self, backend, two):
        def law(values):
            store, _ = two()
            texts = []
            for value in values:
                texts[store.put("note", "a", value).number - 1 :] = [docstore.dumps(value)]

            self.check(store, "note", texts)

        looked_at(backend, law, histories())


# --- what two people make together -----------------------------------------------------------------------------------


class TestTwoEditsOfOneDocument:
    """In memory: what is merged of its JSON."""

    def three(self, sort, mine, theirs):
        base = sort.make("a")
        sides = [copy_of(base) for _ in range(2)]
        change(sides[0], mine)
        change(sides[1], theirs)
        return [loads(docstore.dumps(each)) for each in (base, *sides)]

    @pytest.mark.parametrize("turned", [False, True])
    def test_of_which_one_changed_nothing_give_the_other(self, sort, turned):
        def law(edits):
            base, edit, _ = self.three(sort, edits, [])

            merged, conflicts = merge(base, *((base, edit) if turned else (edit, base)), keys=sort.keys)

            assert (dumps(merged), conflicts) == (dumps(edit), ())

        looked_at("sqlite", law, sort.edits)

    def test_that_are_the_same_are_one(self, sort):
        def law(edits):
            base, edit, _ = self.three(sort, edits, [])

            merged, conflicts = merge(base, edit, copy.deepcopy(edit), keys=sort.keys)

            assert (dumps(merged), conflicts) == (dumps(edit), ())

        looked_at("sqlite", law, sort.edits)


def leaves(value: Any, keys: MergeKeys, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], bytes]:
    """Return the text of each value that is merged as a whole, by its place; an empty container is one, too.

    An item of a keyed list has its key in the place of its index.
    """
    known = keys.here
    if isinstance(value, dict) and value:
        members = [(key, member, keys.at(key)) for key, member in value.items()]
    elif isinstance(value, list) and value and known is not None and known.places(value) is not None:
        members = [(repr(known.key_of(item)), item, keys.at(ANY)) for item in value]
    else:
        return {at: dumps(value)}
    return {
        place: text for key, member, inside in members for place, text in leaves(member, inside, (*at, key)).items()
    }


def changed(base: dict[Any, bytes], side: dict[Any, bytes]) -> dict[Any, bytes | None]:
    """Return what a side made of each place of which it made something else; None where nothing is now."""
    return {place: side.get(place) for place in base.keys() | side.keys() if base.get(place) != side.get(place)}


def check_nothing_is_lost(
    sort: Sort, base: Any, mine: Any, theirs: Any, merged: Any, decided: Sequence[Conflict] = ()
) -> None:
    """Each place that a side changed is now as one that changed it had it; all others are as they were.

    Where something was *decided*, all that stands there is of one side.
    """
    was, ours, others, now = (leaves(sort.form(each), sort.keys) for each in (base, mine, theirs, merged))
    by_me, by_them = changed(was, ours), changed(was, others)
    for place in was.keys() | ours.keys() | others.keys() | now.keys():
        wanted = {side[place] for side in (by_me, by_them) if place in side} or {was.get(place)}
        if any(is_below(place, each.pointer) for each in decided):
            wanted = {ours.get(place), others.get(place)}
        assert now.get(place) in wanted or is_of_members(place, was, now), place


def is_below(place: tuple[str, ...], pointer: str) -> bool:
    """Return whether *place* may be at *pointer* or below, of which an index may be a key or a mark in the other."""
    tokens = split_pointer(pointer)
    return len(tokens) <= len(place) and all(
        token in (at, "-") or token.isdecimal() for token, at in zip(tokens, place, strict=False)
    )


def is_of_members(place: tuple[str, ...], was: dict[Any, bytes], now: dict[Any, bytes]) -> bool:
    """Return whether there is a container at *place*, which one side may have emptied and both may have filled."""
    has_members, had_members = (
        any(other != place and other[: len(place)] == place for other in side) for side in (now, was)
    )
    return has_members or (had_members and now.get(place) in (b"{}", b"[]"))


class TestTwoPeopleSaveOneDocument:
    """Both read version 1. Both change it. Ada saves, then Bob does."""

    def saved(self, stores, sort, hers, his):
        """Return version 1, what Ada made of it, and Bob's object, which he has not saved yet."""
        ada, bob = stores
        ada.save(sort.make("a"))
        base, mine, theirs = text_of(ada, sort), bob.load("a", kind=sort.kind), ada.load("a", kind=sort.kind)
        change(theirs, hers)
        change(mine, his)
        ada.save(theirs)
        return base, docstore.dumps(theirs), mine

    def test_and_no_change_of_either_is_lost(self, backend, sort, two):
        def law(hers, his):
            stores = two()
            base, theirs, mine = self.saved(stores, sort, hers, his)
            before = docstore.dumps(mine)

            try:
                stores[1].save(mine)
            except ConflictError:
                assert (text_of(stores[0], sort), docstore.dumps(mine)) == (theirs, before)
                return

            merged = text_of(stores[0], sort)
            check_nothing_is_lost(sort, *map(loads, (base, before, theirs, merged)))
            # Of one who changed nothing, nothing is saved, and nothing is merged.
            assert docstore.dumps(mine) == (before if before == base else merged)
            if sort.kind == "experiment":
                check_sound(loads(merged))

        looked_at(backend, law, sort.edits, sort.edits)

    def test_and_what_is_decided_stands_and_nothing_else_is_lost(self, backend, sort, two):
        def law(hers, his, stands):
            stores = two()
            base, theirs, mine = self.saved(stores, sort, hers, his)
            before = docstore.dumps(mine)
            asked: list[Conflict] = []

            def decide(conflict):
                asked.append(conflict)
                return getattr(conflict, stands)

            stores[1].save(mine, on_conflict=decide)

            check_nothing_is_lost(sort, *map(loads, (base, before, theirs, text_of(stores[0], sort))), decided=asked)
            assert all(each.mine is ABSENT or not same_json(each.mine, each.theirs) for each in asked)

        looked_at(backend, law, sort.edits, sort.edits, st.sampled_from(["mine", "theirs"]))

    def test_and_a_refresh_before_the_save_makes_what_the_save_alone_would(self, backend, sort, two):
        def law(hers, his):
            made = sort.make("a")
            sides = [copy_of(made) for _ in range(2)]
            for side, edits in zip(sides, (hers, his), strict=True):
                change(side, edits)

            assert self.refreshed(two(), sort, made, *sides) == self.merged_text(two(), sort, made, *sides)

        looked_at(backend, law, sort.edits, sort.edits)

    def refreshed(self, stores, sort, made, hers, his):
        """Return what becomes of it if Bob refreshes his object, and then saves it; None where that is refused."""
        ada, bob = stores
        ada.save(copy_of(made))
        mine, theirs = bob.load("a", kind=sort.kind), ada.load("a", kind=sort.kind)
        become(mine, his)
        become(theirs, hers)
        newest = ada.save(theirs).number
        try:
            assert bob.refresh(mine).number == newest == len(bob.history("a", kind=sort.kind))
        except ConflictError:
            assert docstore.dumps(mine) == docstore.dumps(his)
            return None
        refreshed = docstore.dumps(mine)
        bob.save(mine)
        assert docstore.dumps(mine) == text_of(ada, sort) == refreshed
        return refreshed

    def test_and_it_does_not_matter_who_is_first(self, backend, sort, two):
        def law(hers, his):
            results = []
            made = sort.make("a")
            sides = [copy_of(made) for _ in range(2)]
            for side, edits in zip(sides, (hers, his), strict=True):
                change(side, edits)
            for order in (sides, sides[::-1]):
                results.append(self.merged(two(), sort, made, *order))

            forms = [sort.form(each) if each is not None else None for each in results]
            assert dumps(forms[0]) == dumps(forms[1])

        looked_at(backend, law, sort.edits, sort.edits)

    def merged_text(self, *arguments):
        merged = self.merged(*arguments)
        return None if merged is None else dumps(merged)

    def merged(self, stores, sort, made, first, second):
        """Return what becomes of it if the one is saved first, then the other; None where that is refused."""
        ada, bob = stores
        ada.save(copy_of(made))
        readers = [store.load("a", kind=sort.kind) for store in stores]
        for store, reader, side in zip((ada, bob), readers, (first, second), strict=True):
            become(reader, side)
            try:
                store.save(reader)
            except ConflictError:
                return None
        return loads(text_of(ada, sort))


def become(obj: Any, other: Any) -> None:
    """Make *obj* as *other* is, and still the object that was read."""
    fresh = copy_of(other)
    vars(obj).update(vars(fresh))
    assert docstore.dumps(obj) == docstore.dumps(other)


# --- branches --------------------------------------------------------------------------------------------------------


class TestABranchThatNobodyElseCrosses:
    """One person works in branches, and merges them back: as if all had been done in place."""

    def test_is_the_same_as_editing_in_place(self, backend, sort, two):
        def law(rounds):
            store, _ = two()
            store.save(sort.make("a"))
            for number, edits in enumerate(rounds):
                store.branch("a", f"b{number}", kind=sort.kind)
                mine = edited(store, sort, f"b{number}", edits)
                store.merge(f"b{number}", "a", kind=sort.kind)

                assert text_of(store, sort) == docstore.dumps(renamed(mine, "a"))
            assert store.verify() == []

        looked_at(backend, law, st.lists(sort.edits, min_size=1, max_size=4))

    def test_and_its_own_branch_merged_into_either_is_the_same(self, backend, sort, two):
        def law(one, other, straight):
            store, _ = two()
            store.save(sort.make("a"))
            store.branch("a", "b", kind=sort.kind)
            edited(store, sort, "b", one)
            store.branch("b", "c", kind=sort.kind)
            last = edited(store, sort, "c", other)

            for name, into in [("c", "a")] if straight else [("c", "b"), ("b", "a")]:
                store.merge(name, into, kind=sort.kind)

            assert text_of(store, sort) == docstore.dumps(renamed(last, "a"))

        looked_at(backend, law, sort.edits, sort.edits, st.booleans())

    def test_edited_again_after_each_merge_is_the_same(self, backend, sort, two):
        def law(rounds):
            store, _ = two()
            store.save(sort.make("a"))
            store.branch("a", "b", kind=sort.kind)
            for edits in rounds:
                mine = edited(store, sort, "b", edits)
                store.merge("b", "a", kind=sort.kind)

                assert text_of(store, sort) == docstore.dumps(renamed(mine, "a"))

        looked_at(backend, law, st.lists(sort.edits, min_size=1, max_size=4))

    def test_to_and_fro_is_the_same(self, backend, sort, two):
        """Each edits in turn, and the other takes it over."""

        def law(rounds):
            store, _ = two()
            store.save(sort.make("a"))
            store.branch("a", "b", kind=sort.kind)
            for (name, into), edits in zip([("a", "b"), ("b", "a")] * len(rounds), rounds, strict=False):
                mine = edited(store, sort, name, edits)
                store.merge(name, into, kind=sort.kind)

                assert text_of(store, sort, into) == docstore.dumps(renamed(mine, into))

        looked_at(backend, law, st.lists(sort.edits, min_size=1, max_size=5))


class TestABranchBesideOthers:
    def made(self, store, sort, here, there):
        """Return the texts of what was branched from, of the branch, and of what others made meanwhile."""
        store.save(sort.make("a"))
        base = text_of(store, sort)
        store.branch("a", "b", kind=sort.kind)
        edited(store, sort, "b", there)
        edited(store, sort, "a", here)
        return base, text_of(store, sort, "b"), text_of(store, sort)

    def test_loses_no_change_of_either_side(self, backend, sort, two):
        def law(here, there):
            store, _ = two()
            three = self.made(store, sort, here, there)

            try:
                store.merge("b", "a", kind=sort.kind)
            except ConflictError:
                assert text_of(store, sort) == three[2]
                return

            check_nothing_is_lost(sort, *map(loads, (*three, text_of(store, sort))))

        looked_at(backend, law, sort.edits, sort.edits)

    def test_that_takes_over_the_others_first_gives_back_what_a_merge_would(self, backend, sort, two):
        def law(here, there):
            made = sort.make("a")
            sides = {"a": copy_of(made), "b": copy_of(made)}
            change(sides["a"], here)
            change(sides["b"], there)
            results = [
                self.merged(two()[0], sort, made, sides, way) for way in ([("a", "b"), ("b", "a")], [("b", "a")])
            ]

            assert dumps(results[0]) == dumps(results[1])

        looked_at(backend, law, sort.edits, sort.edits)

    def merged(self, store, sort, made, sides, way):
        """Return what becomes of two sides that are merged in a way, but for numbers; None where that is refused."""
        store.save(copy_of(made))
        store.branch("a", "b", kind=sort.kind)
        for name, side in sides.items():
            reader = store.load(name, kind=sort.kind)
            become(reader, renamed(side, name))
            store.save(reader)
        try:
            for name, into in way:
                store.merge(name, into, kind=sort.kind)
        except ConflictError:
            return None
        return sort.form(loads(text_of(store, sort)))


class TestAMergeOfNothing:
    def test_of_an_unchanged_branch_makes_no_version(self, backend, sort, two):
        def law(before, after):
            store, _ = two()
            self.branched(store, sort, before)
            edited(store, sort, "a", after)
            number = len(store.history("a", kind=sort.kind))

            assert store.merge("b", "a", kind=sort.kind).number == number

        looked_at(backend, law, sort.edits, sort.edits, share=0.5)

    def test_that_was_merged_already_makes_no_version(self, backend, sort, two):
        def law(before, after):
            store, _ = two()
            self.branched(store, sort, before)
            edited(store, sort, "b", after)
            first = store.merge("b", "a", kind=sort.kind)

            assert store.merge("b", "a", kind=sort.kind) == first
            assert store.merge("a", "b", kind=sort.kind).number == len(store.history("b", kind=sort.kind))

        looked_at(backend, law, sort.edits, sort.edits, share=0.5)

    def branched(self, store, sort, edits):
        store.save(sort.make("a"))
        edited(store, sort, "a", edits)
        store.branch("a", "b", kind=sort.kind)
