"""One object that several threads of a program have: each saves it, or adds to it while another saves it."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

import docstore
from docstore import locking
from docstore.errors import ObjectBusyError
from docstore.locking import holding
from docstore.testing.contract.setting import together
from docstore.testing.experiments import new_experiment


class Gate:
    """Part of a document; while it is encoded, what a test gives happens: once, and in the thread that saves."""

    def __init__(self) -> None:
        self.happens: list[Callable[[], object]] = []


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
        box.gate.happens.append(lambda: futures.append(in_a_thread(other)))
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

        box.gate.happens.append(lambda: futures.append(in_a_thread(other)))
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

        box.gate.happens.append(lambda: futures.append(in_a_thread(other)))
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

        experiment.trials[1].run_metadata["gate"] = gate = Gate()
        gate.happens.append(lambda: futures.append(in_a_thread(other)))
        futures: list[Future[Any]] = []

        store.save(experiment)

        futures[0].result()
        assert store.load("cakes").trials[0].run_metadata == {"theirs": 2}


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
        with pytest.raises(ObjectBusyError, match="this Box is being saved by this very thread") as raised:
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
        other.gate.happens.append(lambda: (is_saving.set(), may_go_on.wait()))

        def decide(hers: Box) -> int:
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

        experiment.properties["gate"] = gate = Gate()
        gate.happens.append(use)

        store.save(experiment)

        for each in made:
            each.properties.clear()
        assert store.save(made[0]).number == 1

    def test_lives_no_longer_than_the_object(self):
        box = Box("b")
        with holding(box):
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
                with holding(*order):
                    done.append(1)

        together(partial(lock, boxes), partial(lock, boxes[::-1]), partial(lock, [boxes[1], boxes[0], boxes[1]]))

        assert len(done) == 600

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_that_another_thread_holds_is_free_in_a_process_forked_meanwhile(self, in_a_thread):
        box = Box("b")
        is_held, may_go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with holding(box):
                is_held.set()
                may_go_on.wait()

        holder = threading.Thread(target=hold)
        holder.start()
        is_held.wait()

        child = os.fork()
        if not child:
            with holding(box):
                os._exit(7)
        _, code = os.waitpid(child, 0)

        may_go_on.set()
        holder.join()
        assert os.waitstatus_to_exitcode(code) == 7
