"""Promises of concurrent calls: no work is lost, and no reader sees half of a save."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import DocumentExistsError
from docstore.testing.contract.setting import OpenStore, Setting, stored, together
from docstore.testing.experiments import add_trial, new_experiment

PEOPLE: Final = 6
TURNS: Final = 5


def retried(store: docstore.Store, edit: Callable[[docstore.Experiment], object], **options: Any) -> None:
    """Load ``cakes``, change and save it, and again if others were first: as often as all of them save at most."""
    for _ in range(PEOPLE * TURNS):
        experiment = store.load("cakes")
        edit(experiment)
        try:
            store.save(experiment, **options)
        except docstore.ConflictError:
            continue
        return
    pytest.fail("it was refused more often than there were saves of others")


class ConcurrencyPromises(Setting):
    """Several threads, each with a store of its own, as several processes would have."""

    def test_one_of_several_who_create_a_name_at_once_wins(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(PEOPLE)]

        def create(number: int) -> str:
            try:
                return f"version {stores[number].save(new_experiment(description=str(number))).number}"
            except DocumentExistsError:
                return "taken"

        outcomes = together(*(partial(create, number) for number in range(PEOPLE)))

        assert sorted(outcomes) == [*["taken"] * (PEOPLE - 1), "version 1"]
        assert stores[0].load("cakes").description == str(outcomes.index("version 1"))
        assert (len(stores[0].find()), stores[0].verify()) == (1, [])

    def test_of_several_who_load_or_create_a_name_at_once_one_creates_it(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(PEOPLE)]
        all_are_making = threading.Barrier(PEOPLE, timeout=60)

        def start(number: int) -> str | None:
            def make() -> docstore.Experiment:
                all_are_making.wait()
                return new_experiment(description=str(number))

            return stores[number].load_or_create("cakes", make).description

        found = together(*(partial(start, number) for number in range(PEOPLE)))

        assert found == [stores[0].load("cakes").description] * PEOPLE
        assert (len(stores[0].history("cakes")), stores[0].verify()) == (1, [])

    def test_concurrent_puts_of_one_name_each_make_a_version(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(PEOPLE)]

        versions = together(*(partial(store.put, "note", "n1", number) for number, store in enumerate(stores)))

        assert sorted(version.number for version in versions) == list(range(1, PEOPLE + 1))
        for number, version in enumerate(versions):
            assert stores[0].get("n1", kind="note", version=version.number) == number
        assert stores[0].verify() == []

    def test_concurrent_increments_of_a_counter_all_count(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(PEOPLE)]
        stores[0].save(new_experiment(properties={"n": 0}))

        def raise_it(experiment: docstore.Experiment) -> None:
            experiment.properties["n"] += 1

        def work(store: docstore.Store) -> None:
            for _ in range(TURNS):
                retried(store, raise_it, on_conflict="error")

        together(*(partial(work, store) for store in stores))

        assert stores[0].load("cakes").properties == {"n": PEOPLE * TURNS}
        assert len(stores[0].history("cakes")) == PEOPLE * TURNS + 1

    def test_trials_added_concurrently_are_all_kept(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(PEOPLE)]
        stores[0].save(new_experiment())

        def add_one(by: tuple[int, int], experiment: docstore.Experiment) -> None:
            add_trial(experiment).run_metadata["by"] = by

        def add(number: int) -> None:
            for turn in range(TURNS):
                retried(stores[number], partial(add_one, (number, turn)))

        together(*(partial(add, number) for number in range(PEOPLE)))

        added = [trial.run_metadata["by"] for trial in stores[0].load("cakes").trials.values()]
        assert sorted(added) == [(number, turn) for number in range(PEOPLE) for turn in range(TURNS)]
        assert stores[0].verify() == []

    def test_concurrent_saves_of_different_trials_are_never_refused(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(PEOPLE)]
        stores[0].save(new_experiment(trials=PEOPLE))
        loaded = [store.load("cakes") for store in stores]

        def save(number: int) -> None:
            for turn in range(TURNS):
                loaded[number].trials[number].run_metadata[str(turn)] = number
                stores[number].save_trial(loaded[number], loaded[number].trials[number])
            loaded[number].properties[str(number)] = "done"
            stores[number].save(loaded[number])

        together(*(partial(save, number) for number in range(PEOPLE)))

        experiment = stores[0].load("cakes")
        saved = [trial.run_metadata for trial in experiment.trials.values()]
        assert saved == [{str(turn): number for turn in range(TURNS)} for number in range(PEOPLE)]
        assert experiment.properties == {str(number): "done" for number in range(PEOPLE)}
        assert stores[0].verify() == []

    def test_one_store_serves_several_threads(self, store: docstore.Store) -> None:
        def save(number: int) -> None:
            experiment = new_experiment(f"e{number}", experiment_type=f"TYPE_{number % 3}")
            for _ in range(TURNS):
                add_trial(experiment)
                store.save(experiment)

        together(*(partial(save, number) for number in range(PEOPLE)))

        assert [(info.name, info.version) for info in store.find()] == [(f"e{n}", TURNS) for n in range(PEOPLE)]
        assert {info.name: info.type for info in store.find()} == {f"e{n}": f"TYPE_{n % 3}" for n in range(PEOPLE)}
        assert store.verify() == []

    def test_concurrent_connects_to_an_empty_database_find_its_tables(self, open_store: OpenStore) -> None:
        def connect(number: int) -> Any:
            store = open_store()
            store.put("note", f"n{number}", number)
            return store.get(f"n{number}", kind="note")

        assert together(*(partial(connect, number) for number in range(PEOPLE))) == list(range(PEOPLE))

    # --- readers ------------------------------------------------------------------------------------------------------

    def test_a_load_sees_one_state_while_another_saves(self, ada: docstore.Store, bob: docstore.Store) -> None:
        """Bob saves after the first SELECT of Ada's load, and changes every piece of what she is reading.

        A SQLite database that is not in WAL mode, which is how docstore opens them, lets Bob wait for Ada.
        """
        theirs = new_experiment(trials=3)
        bob.save(theirs)
        before = docstore.dumps(theirs)
        for trial in theirs.trials.values():
            trial.run_metadata["oven"] = 3
        theirs.description = "with salt"

        unsaved = [theirs]

        @sa.event.listens_for(ada.engine, "after_cursor_execute")
        def save_meanwhile(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if unsaved and statement.lstrip().upper().startswith("SELECT"):
                bob.save(unsaved.pop())

        assert stored(ada) == before
        assert stored(ada) == docstore.dumps(theirs)

    def test_a_reader_never_sees_half_of_a_save(self, ada: docstore.Store, bob: docstore.Store) -> None:
        """All trials say the same turn, in every state that was saved."""
        theirs = new_experiment(trials=20)
        for trial in theirs.trials.values():
            trial.run_metadata["turn"] = 0
        bob.save(theirs)
        seen: list[set[int]] = []
        written = threading.Event()

        def write() -> None:
            try:
                for turn in range(1, TURNS + 1):
                    for trial in theirs.trials.values():
                        trial.run_metadata["turn"] = turn
                    bob.save(theirs)
            finally:
                written.set()

        def read() -> None:
            while not written.is_set():
                seen.append({trial.run_metadata["turn"] for trial in ada.load("cakes").trials.values()})

        together(write, read)

        assert [turns for turns in seen if len(turns) != 1] == []
