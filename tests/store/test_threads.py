"""One object that several threads of a program have: each saves it, or adds to it while another saves it."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, ClassVar

import pytest
from backends import REMOTES
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore.codec import Codec, locking
from docstore.codec.live.parts import Parts
from docstore.codec.locking import locked
from docstore.errors import ConflictError, EncodeError, InvalidValueError, ObjectBusyError
from docstore.registry import registered
from docstore.testing.contract.setting import together
from docstore.testing.experiments import new_experiment, observe


class Gate:
    """Part of a document; when one is encoded, whichever it is, the next thing happens that a test wants to happen."""

    happens: ClassVar[list[Callable[[], object]]] = []


def _opened(gate: Gate) -> str:
    if gate.happens:
        gate.happens.pop(0)()
    return "gate"


@dataclass
class Box:
    """A document: ``first`` is encoded before the gate, ``last`` after it."""

    name: str
    first: dict[str, Any] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    last: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def _registered(forgotten):
    Gate.happens.clear()
    docstore.register(Gate, tag="gate", encode=_opened, decode=lambda _: Gate())
    docstore.document(kind="box", name="name", parts=["/parts/*"])(Box)


@pytest.fixture
def box(store):
    box = Box("b", first={"a": 1}, parts={"p": {"a": 1}})
    store.save(box)
    return box


@pytest.fixture
def in_a_thread() -> Iterator[Callable[..., Future[Any]]]:
    """Starts a call in another thread, and returns when that has finished, or waits for an object's lock."""
    with ThreadPoolExecutor() as pool:

        def start(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
            ids: list[int] = []

            def run() -> Any:
                ids.append(threading.get_ident())
                return work(*arguments)

            future = pool.submit(run)
            while not (future.done() or (ids and _is_at_a_lock(ids[0]))):
                os.sched_yield()
            return future

        yield start


def _is_at_a_lock(thread: int) -> bool:
    frame = sys._current_frames().get(thread)
    return frame is not None and frame.f_globals["__name__"] == locking.__name__


def stored(store: docstore.Store, name: str = "b") -> Any:
    return store.load(name, kind="box")


SAVES: dict[str, Callable[[docstore.Store, Any], Any]] = {
    "save": lambda store, box: store.save(box),
    "save_many": lambda store, box: store.save_many([box]),
}


class TestTwoThreadsThatSaveOneObject:
    """The second begins to save while the first encodes the object, and has changed what is encoded already."""

    @pytest.mark.parametrize("second", SAVES.values(), ids=SAVES)
    @pytest.mark.parametrize("first", SAVES.values(), ids=SAVES)
    def test_both_changes_are_saved(self, store, box, in_a_thread, first, second):
        def other() -> None:
            box.first["theirs"] = 2
            second(store, box)

        box.last["mine"] = 2
        Gate.happens.append(lambda: futures.append(in_a_thread(other)))
        futures: list[Future[Any]] = []

        first(store, box)

        futures[0].result()
        assert (stored(store).first, stored(store).last) == ({"a": 1, "theirs": 2}, {"mine": 2})
        assert (box.first, box.last) == ({"a": 1, "theirs": 2}, {"mine": 2})

    @pytest.mark.parametrize("second", SAVES.values(), ids=SAVES)
    @pytest.mark.parametrize("first", SAVES.values(), ids=SAVES)
    def test_a_new_one_becomes_one_document(self, store, in_a_thread, first, second):
        box = Box("b")

        def other() -> None:
            box.first["theirs"] = 2
            second(store, box)

        Gate.happens.append(lambda: futures.append(in_a_thread(other)))
        futures: list[Future[Any]] = []

        first(store, box)

        futures[0].result()
        assert [info.name for info in store.find(kind="box")] == ["b"]
        assert stored(store).first == {"theirs": 2}

    def test_one_that_waits_in_a_batch_is_saved_as_it_is_by_then(self, store):
        """Another thread saves the first of a batch while the program makes the second."""
        first, second = Box("first"), Box("second")

        def made() -> Iterator[Box]:
            yield first
            first.first["theirs"] = 2
            with ThreadPoolExecutor() as pool:
                pool.submit(store.save, first).result()
            first.last["mine"] = 2
            yield second

        assert store.save_many(made()) == 2
        assert (stored(store, "first").first, stored(store, "first").last) == ({"theirs": 2}, {"mine": 2})
        assert store.status(first).changes == ()

    def test_status_is_of_a_moment_between_saves(self, store, box, in_a_thread):
        def other() -> None:
            box.first["theirs"] = 2
            store.save(box)

        Gate.happens.append(lambda: futures.append(in_a_thread(other)))
        futures: list[Future[Any]] = []

        assert store.status(box).changes == ()

        futures[0].result()
        assert store.status(box).changes == ()

    def test_a_trial_is_saved_beside_the_whole_experiment(self, store, in_a_thread):
        experiment = new_experiment(trials=2)
        store.save(experiment)

        def other() -> None:
            experiment.trials[0].run_metadata["theirs"] = 2
            store.save_trial(experiment, experiment.trials[0])

        experiment.trials[1].run_metadata["gate"] = Gate()
        Gate.happens.append(lambda: futures.append(in_a_thread(other)))
        futures: list[Future[Any]] = []

        store.save(experiment)

        futures[0].result()
        assert store.load("cakes").trials[0].run_metadata == {"theirs": 2}


class TestALockThatIsTaken:
    @pytest.mark.parametrize("call", [set.add, id], ids=["taken", "released"])
    def test_is_free_after_an_interrupt(self, call):
        """Ctrl-C shows after any call: here after the one that notes that this thread has it, or looks for the note."""
        box = Gate()
        held = locking._THREAD.__dict__.setdefault("held", set())

        def interrupt(frame: types.FrameType, event: str, called: Any) -> None:
            if event == "c_return" and called.__name__ == call.__name__ and frame.f_code is code and id(box) in held:
                raise KeyboardInterrupt

        code = locking._locked.__wrapped__.__code__
        with suppress(KeyboardInterrupt):
            sys.setprofile(interrupt)
            try:
                with locked(box):
                    pass
            finally:
                sys.setprofile(None)

        with locked(box):
            assert id(box) in held


class TestAnOnConflictFunction:
    """It runs inside a save, which holds the object."""

    @pytest.fixture
    def conflict(self, ada, bob):
        """Saves a box of Ada's, of which Bob changed the same place; a function decides, and what it made is given."""

        def conflict(decide: Callable[[Box], Any]) -> Box:
            hers = Box("b", first={"a": 1})
            ada.save(hers)
            his = stored(bob)
            his.first["a"] = 2
            bob.save(his)
            hers.first["a"] = 3
            ada.save(hers, on_conflict=lambda conflict: decide(hers))
            return hers

        return conflict

    @pytest.mark.parametrize("use", [*SAVES.values(), lambda store, box: store.status(box)], ids=[*SAVES, "status"])
    def test_cannot_save_the_object_itself(self, ada, conflict, use):
        with pytest.raises(ObjectBusyError, match="this Box is being saved by this thread") as raised:
            conflict(partial(use, ada))

        assert raised.value.by_this_thread

    def test_can_save_another_object_elsewhere(self, conflict, connect, tmp_path):
        log = connect(f"sqlite:///{tmp_path / 'log.db'}")

        def decide(hers: Box) -> int:
            log.save(Box("conflict", first=hers.first))
            return 4

        assert conflict(decide).first == {"a": 4}
        assert stored(log, "conflict").first == {"a": 3}

    def test_never_waits_for_an_object_that_another_thread_saves(self, ada, conflict, connect, tmp_path, in_a_thread):
        """The other thread may be waiting for this one, in a function of its own."""
        log = connect(f"sqlite:///{tmp_path / 'log.db'}")
        other, is_saving, may_go_on = Box("other"), threading.Event(), threading.Event()

        def decide(hers: Box) -> int:
            Gate.happens.append(lambda: (is_saving.set(), may_go_on.wait()))
            saving = threading.Thread(target=log.save, args=[other])
            saving.start()
            is_saving.wait()
            try:
                log.save(other)
            finally:
                may_go_on.set()
                saving.join()
            return 4

        with pytest.raises(ObjectBusyError, match="this Box is being saved by another thread") as raised:
            conflict(decide)

        assert not raised.value.by_this_thread
        assert stored(log, "other").first == {}

    def test_that_fails_leaves_the_object_to_other_threads(self, ada, conflict, in_a_thread):
        boxes: list[Box] = []

        def decide(hers: Box) -> None:
            boxes.append(hers)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            conflict(decide)

        assert in_a_thread(ada.status, boxes[0]).result().version == 1


# --- one saves, another only adds -------------------------------------------------------------------------------------

MOMENTS = range(6)
"""How often the gate is encoded in a save that merges: before anything is written, and when the object is brought up
to what others saved."""


def at_each(moments: range) -> pytest.MarkDecorator:
    """Mark a test to run at each of *moments*: on a server at the last alone, as objects are the same there."""
    on_servers = [(backend, moments[-1]) for backend in REMOTES]
    return pytest.mark.parametrize(("backend", "moment"), [*(("sqlite", each) for each in moments), *on_servers])


Change = Callable[[Any], object]


@pytest.fixture
def meanwhile(ada, bob):
    """Saves a document of Ada's that Bob changed since; at a moment inside the save, another thread changes it too."""

    def meanwhile(document: Any, theirs: Change, mine: Change, others: Change, moment: int) -> Any:
        kind = "box" if isinstance(document, Box) else "experiment"
        ada.save(document)
        his = bob.load(document.name, kind=kind)
        theirs(his)
        bob.save(his)
        mine(document)
        Gate.happens += [lambda: None] * moment
        Gate.happens.append(lambda: others(document))
        ada.save(document)
        assert Gate.happens == []
        return document

    return meanwhile


def new_box() -> Box:
    return Box(
        "b", first={"a": 1, "gate": Gate(), "in": {"a": 1}}, parts={"p": {"a": 1, "gate": Gate(), "in": {"a": 1}}}
    )


BOTH_PLACES: dict[str, Callable[[Box], dict[str, Any]]] = {
    "a dict": lambda box: box.first,
    "a dict in a dict": lambda box: box.first["in"],
    "a part": lambda box: box.parts["p"],
    "a dict in a part": lambda box: box.parts["p"]["in"],
    "the parts": lambda box: box.parts,
    "a dict that is encoded later": lambda box: box.last,
}


REPLACED: dict[str, tuple[Callable[[Box], dict[str, Any]], str]] = {
    "a dict in a dict": (lambda box: box.first, "in"),
    "a part": (lambda box: box.parts, "p"),
    "a dict in a part": (lambda box: box.parts["p"], "in"),
}


class TestAThreadThatAddsWhileAnotherSaves:
    """Others saved the document since, so that the save merges and brings the object up to both."""

    @at_each(MOMENTS[:3])
    @pytest.mark.parametrize("place", BOTH_PLACES.values(), ids=BOTH_PLACES)
    def test_what_it_added_stays_in_the_object_beside_theirs_and_mine(self, ada, bob, meanwhile, place, moment):
        box = meanwhile(
            new_box(),
            theirs=lambda box: place(box).update(theirs=[1]),
            mine=lambda box: place(box).update(mine=[2]),
            others=lambda box: place(box).update(others=[3]),
            moment=moment,
        )
        all_three = {"theirs": [1], "mine": [2], "others": [3]}

        assert {key: place(box).get(key) for key in all_three} == all_three
        ada.save(box)
        assert {key: place(stored(bob)).get(key) for key in all_three} == all_three
        assert ada.status(box).changes == ()

    @at_each(MOMENTS)
    def test_what_it_took_out_stays_out(self, ada, bob, meanwhile, moment):
        box = meanwhile(
            new_box(),
            theirs=lambda box: box.first.update(a=2),
            mine=lambda box: box.last.update(mine=2),
            others=lambda box: box.first.pop("in"),
            moment=moment,
        )

        assert (box.first["a"], "in" in box.first) == (2, False)
        ada.save(box)
        assert "in" not in stored(bob).first

    @at_each(MOMENTS)
    def test_a_place_that_mine_changed_and_it_changed_again_is_its(self, ada, bob, meanwhile, moment):
        """As a counter, which goes on while it is saved."""
        box = meanwhile(
            new_box(),
            theirs=lambda box: box.first.update(theirs=1),
            mine=lambda box: box.first.update(a=2),
            others=lambda box: box.first.update(a=3),
            moment=moment,
        )

        assert (box.first["a"], box.first["theirs"]) == (3, 1)
        ada.save(box)
        assert stored(bob).first["a"] == 3

    @at_each(MOMENTS)
    def test_a_place_that_others_changed_too_is_a_conflict_of_the_next_save(self, ada, bob, meanwhile, moment):
        box = meanwhile(
            new_box(),
            theirs=lambda box: box.first.update(a=2, theirs=1),
            mine=lambda box: box.first.update(mine=1),
            others=lambda box: box.first.update(a=3),
            moment=moment,
        )

        assert box.first["a"] == 3
        with pytest.raises(ConflictError) as raised:
            ada.save(box)
        assert [(each.pointer, each.base, each.mine, each.theirs) for each in raised.value.places] == [
            ("/first/a", 1, 3, 2)
        ]
        assert [each.pointer for each in ada.status(box).conflicts] == ["/first/a"]
        ada.save(box, on_conflict=lambda conflict: conflict.mine + conflict.theirs)
        assert [[each[key] for key in ("a", "mine", "theirs")] for each in (box.first, stored(bob).first)] == [
            [5, 1, 1]
        ] * 2

    @at_each(MOMENTS)
    @pytest.mark.parametrize("place", REPLACED)
    def test_what_others_changed_in_a_dict_that_it_replaced_is_not_lost(self, ada, bob, meanwhile, place, moment):
        """It puts a new dict in the place of one that is about to be changed in place."""
        holder, key = REPLACED[place]

        def replace(box: Box) -> None:
            holder(box)[key] = {**holder(box)[key], "others": 1}

        box = meanwhile(
            new_box(),
            lambda box: holder(box)[key].update(theirs=1),
            lambda box: holder(box).update(mine={}),
            replace,
            moment,
        )
        ada.save(box)
        box.last["later"] = 1
        ada.save(box)

        found = holder(stored(bob))
        assert (found[key]["theirs"], found[key]["others"], found["mine"]) == (1, 1, {})
        assert docstore.dumps(stored(bob)) == docstore.dumps(box)

    @at_each(MOMENTS[1:])
    def test_a_list_to_which_both_append_is_a_conflict_of_the_next_save(self, ada, bob, meanwhile, moment):
        """Where its items have no key, nothing tells in which order they come."""
        document = new_box()
        document.first["list"] = [1]
        box = meanwhile(
            document,
            theirs=lambda box: box.first["list"].append(2),
            mine=lambda box: box.last.update(mine=1),
            others=lambda box: box.first["list"].append(3),
            moment=moment,
        )

        assert box.first["list"] == [1, 3]
        with pytest.raises(ConflictError):
            ada.save(box)
        ada.save(box, on_conflict=lambda conflict: [1, 2, 3])
        assert box.first["list"] == stored(bob).first["list"] == [1, 2, 3]

    @at_each(MOMENTS[2:4])
    def test_what_others_took_out_and_it_changed_is_a_conflict_of_the_next_save(self, ada, meanwhile, moment):
        box = meanwhile(
            new_box(),
            theirs=lambda box: box.parts.pop("p"),
            mine=lambda box: box.last.update(mine=1),
            others=lambda box: box.parts["p"].update(others=3),
            moment=moment,
        )

        assert box.parts["p"]["others"] == 3
        with pytest.raises(ConflictError, match="/parts/p"):
            ada.save(box)
        ada.save(box, on_conflict=lambda conflict: conflict.theirs)
        assert box.parts == {}


class TestAThreadThatAddsToAnExperimentWhileAnotherSavesIt:
    """Others saved it since, with a trial of their own under the next number."""

    @pytest.fixture
    def experiment(self):
        experiment = new_experiment(trials=2)
        experiment.properties["gate"] = Gate()
        experiment.trials[1].run_metadata["gate"] = Gate()
        return experiment

    def marks(self, experiment: docstore.Experiment) -> dict[Any, list[Any]]:
        """Return, by the mark of each trial that has one, where it stands and how its number and arm are called."""
        return {
            trial.run_metadata["mark"]: [index, trial.index, trial.arm.name, experiment.lookup_data([index]).records]
            for index, trial in experiment.trials.items()
            if "mark" in trial.run_metadata
        }

    @staticmethod
    def adding(mark: str, x: float) -> Change:
        def add(experiment: docstore.Experiment) -> None:
            trial = experiment.new_trial(parameters={"x": x, "flour": "rye"})
            trial.run_metadata["mark"] = mark
            observe(experiment, trial.index, x)

        return add

    @at_each(MOMENTS[:2])
    @pytest.mark.parametrize("mine", ["a trial", "a property"])
    def test_trials_of_all_three_are_kept_with_their_data(self, ada, bob, meanwhile, experiment, mine, moment):
        """What another thread makes meanwhile under a number that mine is given makes room."""
        add_mine = self.adding("mine", 0.25) if mine == "a trial" else lambda e: e.properties.update(mine=1)

        meanwhile(experiment, self.adding("theirs", 0.125), add_mine, self.adding("others", 0.5), moment)
        ada.save(experiment)

        marks = self.marks(experiment)
        assert marks.keys() == {"theirs", "others", *(["mine"] if mine == "a trial" else [])}
        for mark, (index, number, arm, records) in marks.items():
            x = {"theirs": 0.125, "mine": 0.25, "others": 0.5}[mark]
            assert (number, arm) == (index, f"{index}_0")
            assert [(each["trial_index"], each["arm_name"], each["mean"]) for each in records] == [(index, arm, x)]
        assert marks["theirs"][0] == 2
        assert docstore.dumps(bob.load("cakes")) == docstore.dumps(experiment)
        assert ada.verify(decode=True) == []

    @at_each(MOMENTS[:2])
    def test_data_of_all_three_are_kept(self, ada, bob, meanwhile, experiment, moment):
        def observing(metric: str) -> Change:
            return lambda experiment: observe(experiment, 1, 0.5, metric)

        meanwhile(experiment, observing("theirs"), observing("mine"), observing("others"), moment)
        ada.save(experiment)

        metrics = {record["metric_name"] for record in experiment.lookup_data([1]).records}
        assert {"theirs", "mine", "others"} <= metrics
        assert docstore.dumps(bob.load("cakes")) == docstore.dumps(experiment)

    @at_each(range(8))
    @pytest.mark.parametrize("change", ["a record", "all data"])
    def test_data_of_a_trial_that_gets_another_number_get_it_too(self, ada, bob, meanwhile, experiment, change, moment):
        """Mine gets the number 3, as theirs is 2; meanwhile the other thread measures mine again."""

        def add_mine(experiment: docstore.Experiment) -> None:
            self.adding("mine", 0.25)(experiment)
            experiment.trials[2].run_metadata["gate"] = Gate()

        def measure(experiment: docstore.Experiment) -> None:
            [index] = [i for i, trial in experiment.trials.items() if trial.run_metadata.get("mark") == "mine"]
            if change == "a record":
                experiment._data[index].records[0]["mean"] = 0.75
            else:
                experiment._data[index] = copy.deepcopy(experiment._data[index])

        meanwhile(experiment, self.adding("theirs", 0.125), add_mine, measure, moment)
        ada.save(experiment)
        experiment.description = "later"
        ada.save(experiment)

        for mark, (index, number, arm, records) in self.marks(experiment).items():
            assert (index, number, arm) == (2 + (mark == "mine"), index, f"{index}_0")
            assert [(each["trial_index"], each["arm_name"]) for each in records] == [(index, arm)]
        assert docstore.dumps(bob.load("cakes")) == docstore.dumps(experiment)
        assert ada.verify(decode=True) == []

    def test_a_trial_that_is_added_under_a_number_that_another_is_to_get_makes_room(self, experiment):
        parts, trials = Parts(Codec(registered())), dict(experiment.trials)

        assert parts.move(experiment, "trials", {0: 1}, count(2)) == {1: 2}
        assert experiment.trials == {1: trials[0], 2: trials[1]}

    def test_its_new_trial_looks_at_the_others_while_one_comes_in(self, experiment):
        class Incoming(docstore.Trial):
            @property
            def arms(self):
                if 9 not in experiment.trials:
                    experiment.trials[9] = docstore.Trial(experiment, 9)
                return []

        experiment.trials[2] = Incoming(experiment, 2)

        experiment.new_trial(parameters={"x": 0.5, "flour": "rye"})

        assert sorted(experiment.trials) == [0, 1, 2, 3, 9]

    def test_trials_change_places_in_a_circle(self, experiment):
        parts, trials = Parts(Codec(registered())), dict(experiment.trials)

        assert parts.move(experiment, "trials", {0: 1, 1: 0}, count(2)) == {}
        assert experiment.trials == {1: trials[0], 0: trials[1]}

    def test_a_trial_made_by_two_threads_at_once_is_refused_to_one(self, experiment):
        """None takes the place of the other."""

        class Slow(dict):  # type: ignore[type-arg]
            """Parameters; while they are read, another thread makes a trial."""

            def items(self) -> Any:
                if happens:
                    happens.pop()(experiment)
                return super().items()

        happens = [self.adding("others", 0.5)]

        with pytest.raises(InvalidValueError, match="Another thread added a trial of this index"):
            experiment.new_trial(parameters=Slow(x=0.25, flour="rye"))

        assert [trial.run_metadata.get("mark") for trial in experiment.trials.values()] == [None, None, "others"]


class TestAnObjectThatIsChangedByItsOwnEncoder:
    def test_is_tried_again_a_few_times_and_then_refused(self, store):
        class Growing:
            def __init__(self) -> None:
                self.items: dict[int, int] = {0: 0}

        def encode(value: Growing) -> list[int]:
            return [value.items.setdefault(len(value.items), key) for key in value.items]

        docstore.register(Growing, tag="growing", encode=encode, decode=lambda _: Growing())

        with pytest.raises(EncodeError, match="it was changed while it was written, 20 times in a row"):
            store.save(Box("b", first={"a": Growing()}))


class TestTheLockOfAnObject:
    def test_is_in_no_copy_and_no_pickle(self, store, in_a_thread):
        """Both can be made while the object is saved, and be saved then."""
        experiment = new_experiment()
        made: list[docstore.Experiment] = []

        def use() -> None:
            made.append(copy.deepcopy(experiment))
            made.append(pickle.loads(pickle.dumps(experiment)))
            for each in made:
                each.name = "copy"

        experiment.properties["gate"] = Gate()
        Gate.happens.append(use)

        store.save(experiment)

        for each in made:
            each.properties.clear()
        assert store.save(made[0]).number == 1

    def test_lives_no_longer_than_the_object(self):
        box = Box("b")
        with locked(box):
            pass
        known = len(locking._LOCKS[os.getpid()])

        del box

        assert len(locking._LOCKS[os.getpid()]) == known - 1

    def test_several_are_taken_in_one_order(self):
        """Two threads that lock the same ones, each in an order of its own, never wait for each other."""
        boxes = [Box("a"), Box("b"), Box("c")]
        done: list[int] = []

        def lock(order: list[Box]) -> None:
            for _ in range(200):
                with locked(*order):
                    done.append(1)

        together(partial(lock, boxes), partial(lock, boxes[::-1]), partial(lock, [boxes[1], boxes[0], boxes[1]]))

        assert len(done) == 600

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_that_another_thread_holds_is_free_in_a_process_forked_meanwhile(self, in_a_thread):
        box = Box("b")
        is_held, may_go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with locked(box):
                is_held.set()
                may_go_on.wait()

        holder = threading.Thread(target=hold)
        holder.start()
        is_held.wait()

        child = os.fork()
        if not child:
            with locked(box):
                os._exit(7)
        _, code = os.waitpid(child, 0)

        may_go_on.set()
        holder.join()
        assert os.waitstatus_to_exitcode(code) == 7


# --- real races -------------------------------------------------------------------------------------------------------


def race(ada: docstore.Store, bob: docstore.Store, savers: int, turns: int) -> None:
    """Let *savers* threads change and save one experiment, one add to it, and another store save the document."""
    experiment = new_experiment("race", trials=1)
    ada.save(experiment)
    theirs = bob.load("race")
    is_over = threading.Event()

    def save(number: int) -> list[str]:
        for turn in range(turns):
            experiment.properties[f"saver {number}: {turn}"] = turn
            experiment.trials[0].run_metadata[str(number)] = turn
            ada.save_trial(experiment, experiment.trials[0]) if turn % 3 == 2 else ada.save(experiment)
        return [f"saver {number}: {turn}" for turn in range(turns)]

    def add() -> list[str]:
        added = []
        while not is_over.is_set() and len(added) < 20 * savers * turns:
            added.append(f"added {len(added)}")
            experiment.properties[added[-1]] = len(added)
            os.sched_yield()
        return added

    def others() -> list[str]:
        turn = 0
        while not is_over.is_set() and turn < savers * turns:
            theirs.properties[f"theirs {turn}"] = turn
            bob.save(theirs)
            turn += 1
        return [f"theirs {each}" for each in range(turn)]

    with ThreadPoolExecutor() as pool:
        beside = [pool.submit(add), pool.submit(others)]
        try:
            saving = [pool.submit(save, number) for number in range(savers)]
            made = [key for future in saving for key in future.result()]
        finally:
            is_over.set()
        made += [key for future in beside for key in future.result()]
    experiment.properties["last"] = 1  # of an object without changes, a save leaves alone what others saved
    ada.save(experiment)

    assert [key for key in made if key not in experiment.properties] == []
    assert [key for key in made if key not in bob.load("race").properties] == []
    assert docstore.dumps(bob.load("race")) == docstore.dumps(experiment)
    assert ada.verify(decode=True) == []
    ada.purge("race")


class TestARace:
    def test_loses_nothing(self, ada, bob):
        race(ada, bob, savers=4, turns=5)

    @pytest.mark.fuzz
    def test_loses_nothing_however_long_it_goes_on(self, ada, bob):
        fuzz(partial(race, ada, bob), st.integers(1, 6), st.integers(1, 30), in_ci=1)
