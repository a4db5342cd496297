"""Batch trials of documents that are merged in all directions: an arm is its parameters, whatever its name is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore import Arm, BatchTrial, ConflictError, Data, Experiment, GeneratorRun
from docstore.errors import Conflict
from docstore.testing.experiments import new_experiment

pytest_plugins = ["ready"]


@pytest.fixture
def database(ready):
    return ready.url


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


def parameters(x: float) -> dict[str, Any]:
    return {"x": x, "flour": "rye"}


def add(store, name, x, *, trial=0, called=None):
    """Save one more arm of a batch trial, at *x*, which is what is measured, too."""
    experiment = store.load(name)
    arm = Arm(parameters(x), called)
    experiment.trials[trial].add_generator_run(GeneratorRun([arm]))
    record = {"trial_index": trial, "arm_name": arm.name, "metric_name": "taste", "mean": x, "sem": 0.25}
    experiment.attach_data(Data.from_records([record]))
    store.save(experiment)
    return arm.name


def arms(store, name, trial=0):
    """The arms of a trial, by name: where each is, and what was measured of it."""
    found = store.load(name).trials[trial]
    means = {record["arm_name"]: record["mean"] for record in found.lookup_data().records}
    pairs = [(arm.name, arm.parameters["x"]) for run in found.generator_runs for arm in run.arms]
    assert len(dict(pairs)) == len(set(pairs))
    return {name: (x, means.get(name)) for name, x in pairs}


@pytest.fixture
def store(ada):
    """Ada's store, with an experiment ``main`` of one batch trial, and its branch ``side``."""
    experiment = new_experiment("main")
    experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.125))]))
    ada.save(experiment)
    ada.branch("main", "side")
    return ada


class TestBothBranchesAddAnArmOfOneName:
    """``0_1`` is at 0.75 in ``main``, and at 0.5 in ``side``."""

    @pytest.fixture
    def store(self, store):
        add(store, "main", 0.75)
        add(store, "side", 0.5)
        return store

    def test_the_target_keeps_its_names(self, store):
        store.merge("side", into="main")

        assert arms(store, "main") == {"0_0": (0.125, None), "0_1": (0.75, 0.75), "0_2": (0.5, 0.5)}

    def test_so_does_the_other_when_it_is_merged_back(self, store):
        store.merge("side", into="main")

        store.merge("main", into="side")

        assert arms(store, "side") == {"0_0": (0.125, None), "0_1": (0.5, 0.5), "0_2": (0.75, 0.75)}
        assert store.verify(decode=True) == []

    def test_merged_again_nothing_is_mixed_up(self, store):
        store.merge("side", into="main")
        store.merge("main", into="side")
        add(store, "side", 0.25)

        store.merge("side", into="main")

        assert arms(store, "main") == {
            "0_0": (0.125, None),
            "0_1": (0.75, 0.75),
            "0_2": (0.5, 0.5),
            "0_3": (0.25, 0.25),
        }
        assert store.verify(decode=True) == []

    def test_later_data_of_each_arrive_at_their_arm(self, store):
        store.merge("side", into="main")
        store.merge("main", into="side")
        for name, mean in (("0_1", 5.0), ("0_2", 7.5)):
            experiment = store.load("side")
            record = {"trial_index": 0, "arm_name": name, "metric_name": "taste", "mean": mean, "sem": 0.25}
            experiment.attach_data(Data.from_records([record]))
            store.save(experiment)

        store.merge("side", into="main")

        assert arms(store, "main") == {"0_0": (0.125, None), "0_1": (0.75, 7.5), "0_2": (0.5, 5.0)}

    def test_the_data_that_come_back_are_not_those_of_the_other_arm(self, store):
        """Main measured its own arm anew, under the name that the other arm has in the branch."""
        store.merge("side", into="main")
        experiment = store.load("main")
        record = {"trial_index": 0, "arm_name": "0_1", "metric_name": "crust", "mean": 7.5, "sem": 0.25}
        experiment.attach_data(Data.from_records([record]))
        store.save(experiment)

        store.merge("main", into="side")

        records = store.load("side").trials[0].lookup_data().records
        assert {(each["arm_name"], each["metric_name"]): each["mean"] for each in records} == {
            ("0_1", "taste"): 0.5,
            ("0_2", "taste"): 0.75,
            ("0_2", "crust"): 7.5,
        }

    def test_a_third_document_gets_each_once_by_whatever_way(self, store):
        store.branch("main", "spur", version=1)
        add(store, "spur", 0.25)
        for source, target in (
            ("side", "spur"),
            ("main", "spur"),
            ("spur", "side"),
            ("side", "main"),
            ("main", "spur"),
        ):
            store.merge(source, into=target)

        for name in ("main", "side", "spur"):
            found = arms(store, name)
            assert sorted(found.values(), key=lambda each: each[0]) == [
                (0.125, None),
                (0.25, 0.25),
                (0.5, 0.5),
                (0.75, 0.75),
            ]
        assert store.verify(decode=True) == []


class TestAnArmThatGetsAnotherName:
    """``0_1`` of ``main`` is called ``0_2`` in ``side``, and is named in many places."""

    @pytest.fixture
    def side(self, store):
        add(store, "side", 0.5)
        experiment = store.load("main")
        arm = Arm(parameters(0.75))
        trial = experiment.trials[0].add_generator_run(GeneratorRun([arm], best_arm_predictions=(arm, None)))
        trial.mark_arm_abandoned("0_1", "burnt")
        experiment.new_batch_trial(GeneratorRun([arm]))
        record = {"trial_index": 1, "arm_name": "0_1", "metric_name": "taste", "mean": 7.5, "sem": 0.25}
        experiment.attach_data(Data.from_records([record]))
        experiment.status_quo = arm
        store.save(experiment)
        store.merge("side", into="main")
        store.merge("main", into="side")
        return store.load("side")

    def test_has_it_in_its_generator_run_and_as_the_best_one(self, side):
        run = next(run for run in side.trials[0].generator_runs if run.best_arm_predictions)

        assert run.arms[0].name == run.best_arm_predictions[0].name == "0_2"
        assert run.arms[0].parameters["x"] == run.best_arm_predictions[0].parameters["x"] == 0.75

    def test_has_it_among_the_abandoned(self, side):
        assert side.trials[0].abandoned_arm_names == {"0_2"}

    def test_has_it_in_other_trials_with_its_data(self, side):
        assert [arm.name for arm in side.trials[1].arms] == ["0_2"]
        assert [(each["arm_name"], each["mean"]) for each in side.trials[1].lookup_data().records] == [("0_2", 7.5)]

    def test_has_it_as_the_status_quo(self, side):
        assert (side.status_quo.name, side.status_quo.parameters["x"]) == ("0_2", 0.75)


class TestBothBranchesAddTheSameArm:
    def test_it_is_one_with_the_data_of_both(self, store):
        add(store, "main", 0.75)
        for x in (0.5, 0.75):
            add(store, "side", x)

        for source, target in (("side", "main"), ("main", "side"), ("side", "main")):
            store.merge(source, into=target)

        assert arms(store, "main") == {"0_0": (0.125, None), "0_1": (0.75, 0.75), "0_2": (0.5, 0.5)}
        assert arms(store, "side") == {"0_0": (0.125, None), "0_1": (0.5, 0.5), "0_2": (0.75, 0.75)}


class TestANameThatUsersGaveToTwoArms:
    """``best`` is at 0.75 in ``main``, and at 0.5 in ``side``: it is known to people, so no merge may change it."""

    @pytest.fixture(params=["in one trial", "in two trials"])
    def store(self, request, store):
        add(store, "main", 0.75, called="best")
        if request.param == "in two trials":
            experiment = store.load("side")
            experiment.new_batch_trial()
            store.save(experiment)
        add(store, "side", 0.5, trial=0 if request.param == "in one trial" else 1, called="best")
        return store

    @pytest.mark.parametrize(("source", "target"), [("main", "side"), ("side", "main")])
    def test_is_a_conflict_and_changes_nothing(self, store, source, target):
        before = store.get("main"), store.get("side")

        with pytest.raises(ConflictError):
            store.merge(source, into=target)

        assert (store.get("main"), store.get("side")) == before


# --- whatever is merged into whatever ---------------------------------------------------------------------------------

DOCUMENTS = ("main", "side", "spur")
PLACES = [number / 16 for number in range(1, 9)]
"""Few, so that several documents add the same arm."""
METRICS = ("taste", "crust")

_index = st.integers(0, 7)
_place = st.sampled_from(PLACES)
_person = st.tuples(st.sampled_from(DOCUMENTS), st.integers(0, 1))
_policy = st.sampled_from(["merge", "merge", "merge", "mine", "theirs"])
_merge = st.tuples(st.just("merge"), st.sampled_from(DOCUMENTS), st.sampled_from(DOCUMENTS), _policy)
_step = st.one_of(
    _merge,
    _merge,
    _merge,
    st.tuples(st.just("add_run"), _person, _index, st.lists(_place, min_size=1, max_size=2), st.booleans()),
    st.tuples(st.just("add_run"), _person, _index, st.lists(_place, min_size=1, max_size=2), st.booleans()),
    st.tuples(st.just("add_trial"), _person, st.lists(_place, min_size=1, max_size=2), st.booleans()),
    st.tuples(st.just("measure"), _person, _index, _index, st.sampled_from(METRICS), st.booleans()),
    st.tuples(st.just("abandon"), _person, _index, _index),
    st.tuples(st.just("compare_with"), _person, _place),
    st.tuples(st.just("give_name"), _person, _index, st.sampled_from([0.875, 0.9375])),
    st.tuples(st.just("load"), _person),
)

Cell = tuple[Any, ...]
"""What one of two writers may change: what was measured of an arm of a trial, by its parameters; and the like."""


@dataclass(frozen=True)
class Event:
    """Something that was done once: *value* was put in *cell*, in the place of what *over* had put there."""

    id: int
    cell: Cell
    value: Any
    over: frozenset[Event] = frozenset()


@dataclass
class Held:
    """An experiment in someone's hands, and all that was ever done of which it knows."""

    experiment: Experiment
    events: set[Event]


def newest(events: set[Event]) -> dict[Cell, list[Event]]:
    """The events that no other one took the place of, by cell: where there are several, they are in dispute."""
    over = {each for event in events for each in event.over}
    found: dict[Cell, list[Event]] = {}
    for event in sorted(events - over, key=lambda each: each.id):
        found.setdefault(event.cell, []).append(event)
    return found


def disputed(events: set[Event]) -> set[Cell]:
    """The cells that several changed, though it may be to the same value, in a list that has another order by it."""
    return {cell for cell, several in newest(events).items() if len(several) > 1}


def one_side(policy: str) -> Callable[[Conflict], Any]:
    """Decide for one side at each place, but for a list: in the other side's is more than what is in dispute."""

    def decide(place: Conflict) -> Any:
        value = getattr(place, policy)
        return NotImplemented if isinstance(value, list) else value

    return decide


def contents(experiment: Experiment) -> dict[Cell, Any]:
    """What an experiment has in each cell. An arm is known by its place, whatever it is called."""
    names: dict[str, float] = {}

    def place_of(arm: Arm) -> float:
        x = float(arm.parameters["x"])
        assert names.setdefault(arm.name, x) == x, f"{arm.name!r} is at {names[arm.name]} and at {x}"
        return x

    found: dict[Cell, Any] = {}
    if experiment.status_quo is not None:
        found["status quo",] = place_of(experiment.status_quo)
    for index, trial in experiment.trials.items():
        mark = trial.run_metadata["mark"]
        assert (trial.index, ("trial", mark) in found) == (index, False)
        found["trial", mark] = type(trial).__name__
        for run in trial.generator_runs:
            places = tuple(place_of(arm) for arm in run.arms)
            assert ("run", mark, run.gen_metadata["run"]) not in found
            found["run", mark, run.gen_metadata["run"]] = places
            if run.best_arm_predictions is not None:
                assert place_of(run.best_arm_predictions[0]) == places[0]
        assert len({arm.parameters["x"] for arm in trial.arms}) == len(trial.arms)
        for abandoned in getattr(trial, "abandoned_arms_metadata", ()):
            found["abandoned", mark, names[abandoned.name]] = abandoned.reason
    for index, trial in experiment.trials.items():
        for record in experiment.lookup_data([index]).records:
            assert record["trial_index"] == index
            cell = ("data", trial.run_metadata["mark"], names[record["arm_name"]], record["metric_name"])
            assert cell not in found
            found[cell] = record["mean"]
    assert len(set(names.values())) == len(names), f"one arm of two names: {names}"
    for name, x in names.items():
        if name == "best":
            found["named",] = x
    return found


class Mapper:
    """Three documents of one past, two people who each hold every one of them, and all that was done in each."""

    def __init__(self, ada: docstore.Store, bob: docstore.Store) -> None:
        self.people, self.ids = (ada, bob), count(1)
        experiment = new_experiment("main")
        trial = experiment.new_batch_trial(GeneratorRun([Arm(parameters(0.0))], gen_metadata={"run": 0}))
        trial.run_metadata["mark"] = 0
        ada.save(experiment)
        for name in DOCUMENTS[1:]:
            ada.branch("main", name)
        first = {self.event(cell, value) for cell, value in contents(experiment).items()}
        self.events = {name: set(first) for name in DOCUMENTS}
        self.held: dict[tuple[str, int], Held] = {}

    def event(self, cell: Cell, value: Any, over: Any = ()) -> Event:
        return Event(next(self.ids), cell, value, frozenset(over))

    def step(self, what: str, *how: Any) -> None:
        getattr(self, what)(*how)

    # --- what people do ----------------------------------------------------------------------------------------------

    def load(self, person: tuple[str, int]) -> Held:
        """Read the newest version; until then, a person works on with what they have."""
        name, which = person
        self.held[person] = Held(self.people[which].load(name), set(self.events[name]))
        return self.held[person]

    def save(self, person: tuple[str, int], done: dict[Cell, Any]) -> None:
        """Save what a person has *done* in hand: with all that others saved, or it is in dispute with that."""
        name, which = person
        held, store = self.held[person], self.people[which]
        now = newest(held.events)
        done = {cell: value for cell, value in done.items() if [each.value for each in now.get(cell, ())] != [value]}
        if not done:
            return
        held.events |= {self.event(cell, value, now.get(cell, ())) for cell, value in done.items()}
        events = held.events | self.events[name]
        try:
            store.save(held.experiment)
        except ConflictError:
            assert disputed(events)
            self.load(person)
        else:
            self.learned(name, events, held.experiment)
            held.events = set(self.events[name])
            assert docstore.dumps(held.experiment) == docstore.dumps(store.load(name))

    def merge(self, source: str, target: str, policy: str) -> None:
        if source == target:
            return
        store, before = self.people[0], self.state()
        events = self.events[source] | self.events[target]
        try:
            store.merge(source, into=target, on_conflict=policy if policy == "merge" else one_side(policy))
        except ConflictError:
            assert disputed(events)
            assert self.state() == before
        else:
            self.learned(target, events, store.load(target))

    def learned(self, name: str, events: set[Event], experiment: Experiment) -> None:
        """Note that a document has all that these events made. What was in dispute is what somebody made of it."""
        expected, found = newest(events), contents(experiment)
        assert found.keys() == expected.keys()
        for cell, several in expected.items():
            assert found[cell] in [each.value for each in several], cell
        events |= {self.event(cell, found[cell], expected[cell]) for cell in disputed(events)}
        self.events[name] = events

    def state(self) -> Any:
        return [(self.people[0].get(name), len(self.people[0].history(name))) for name in DOCUMENTS]

    # --- changes -----------------------------------------------------------------------------------------------------

    def take(self, person: tuple[str, int], index: int) -> tuple[Experiment, Any]:
        experiment = (self.held.get(person) or self.load(person)).experiment
        batches = [trial for trial in experiment.trials.values() if isinstance(trial, BatchTrial)]
        return experiment, batches[index % len(batches)]

    def add_run(self, person: tuple[str, int], index: int, places: list[float], predicts: bool) -> None:
        """Add arms to a batch, each with data."""
        experiment, trial = self.take(person, index)
        self.save(person, self.run_of(experiment, trial, [Arm(parameters(x)) for x in places], predicts))

    def run_of(self, experiment: Experiment, trial: Any, arms: list[Arm], predicts: bool = False) -> dict[Cell, Any]:
        number, mark = next(self.ids), trial.run_metadata["mark"]
        best = (arms[0], None) if predicts else None
        run = GeneratorRun(arms, gen_metadata={"run": number}, best_arm_predictions=best)
        trial.add_generator_run(run)
        done = {("run", mark, number): tuple(arm.parameters["x"] for arm in run.arms)}
        for arm in run.arms:
            done |= self.record(experiment, trial, arm, "taste", next(self.ids))
        return done

    def record(self, experiment: Experiment, trial: Any, arm: Arm, metric: str, mean: float) -> dict[Cell, Any]:
        record = {"trial_index": trial.index, "arm_name": arm.name, "metric_name": metric, "mean": mean, "sem": 0.25}
        experiment.attach_data(Data.from_records([record]))
        return {("data", trial.run_metadata["mark"], arm.parameters["x"], metric): mean}

    def add_trial(self, person: tuple[str, int], places: list[float], is_batch: bool) -> None:
        experiment, _ = self.take(person, 0)
        trial: Any = experiment.new_batch_trial() if is_batch else experiment.new_trial()
        mark = trial.run_metadata["mark"] = next(self.ids)
        arms = [Arm(parameters(x)) for x in (places if is_batch else places[:1])]
        self.save(person, {("trial", mark): type(trial).__name__, **self.run_of(experiment, trial, arms)})

    def measure(self, person: tuple[str, int], index: int, arm: int, metric: str, same_json: bool) -> None:
        """Measure an arm anew: what nobody else has measured, or what others may have measured as well."""
        experiment, _ = self.take(person, 0)
        trial = list(experiment.trials.values())[index % len(experiment.trials)]
        mean = 0.5 if same_json else next(self.ids)
        found = trial.arms[arm % len(trial.arms)]
        self.save(person, self.record(experiment, trial, found, metric, mean))

    def abandon(self, person: tuple[str, int], index: int, arm: int) -> None:
        _, trial = self.take(person, index)
        found = trial.arms[arm % len(trial.arms)]
        if found.name not in trial.abandoned_arm_names:
            reason = str(next(self.ids))
            trial.mark_arm_abandoned(found.name, reason)
            self.save(person, {("abandoned", trial.run_metadata["mark"], found.parameters["x"]): reason})

    def compare_with(self, person: tuple[str, int], place: float) -> None:
        """Give the experiment a status quo that it has as an arm, if it has none yet."""
        experiment, _ = self.take(person, 0)
        arm = next((arm for arm in experiment.arms_by_name.values() if arm.parameters["x"] == place), None)
        if experiment.status_quo is None and arm is not None:
            experiment.status_quo = arm.clone()
            self.save(person, {("status quo",): place})

    def give_name(self, person: tuple[str, int], index: int, place: float) -> None:
        """Add the one arm that has a name which a user chose."""
        experiment, trial = self.take(person, index)
        if "best" not in experiment.arms_by_name:
            done = self.run_of(experiment, trial, [Arm(parameters(place), "best")])
            self.save(person, {("named",): place, **done})


@pytest.mark.fuzz
def test_each_arm_is_there_once_with_its_own_data_whatever_was_merged_into_what(database, connect):
    people = tuple(connect(database, author=author, synchronous="NORMAL") for author in ("ada", "bob"))
    runs = count()

    def law(steps: list[tuple[Any, ...]]) -> None:
        project = f"run {next(runs)}"
        documents = Mapper(*(docstore.Store(each.engine, author=each.author, project=project) for each in people))
        for step in steps:
            documents.step(*step)
        for name in DOCUMENTS:
            documents.learned(name, documents.events[name], documents.people[1].load(name))
            assert documents.people[1].verify(name, decode=True) == []

    fuzz(law, st.lists(_step, min_size=8, max_size=30), in_ci=8, each=200)
