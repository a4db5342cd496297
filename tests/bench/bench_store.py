"""The cost of saving and loading an experiment, beside the bare driver on the same rows, or beside ``save_trial``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
from floors import Driver, Loader, Mirror, one_body, parsed
from harness import Goal, Operation, Patience, Prepare, Row, Work, always, figure, growth, measured
from workload import add_trial, experiment

import docstore
from docstore import Experiment, Store

SAME_ROWS = "the driver, same rows"
DATACLASSES = "the driver, dataclasses"
PARSED = "the driver, rows parsed"
FLAT = ("save_trial, a new one", "save(experiment), one more trial", "fresh store: load, one trial, save")
"""What must cost the same however many trials there are."""


@dataclass(frozen=True)
class Subject:
    """A store with the experiments ``bench``, which this process holds, and ``other``; and the driver on their rows."""

    url: str
    store: Store
    mirror: Mirror
    bench: Experiment
    trials: int

    @property
    def driver(self) -> Driver:
        return self.mirror.second


def first_saves(subject: Subject) -> Iterator[Operation]:
    """Yield the save of an experiment that was never saved before."""

    def save(number: int) -> Work:
        made = experiment(subject.trials, f"again-{number}")
        return lambda: subject.store.save(made)

    yield Operation("save all, new", save, SAME_ROWS, subject.mirror.next, Goal(3))


def later_saves(subject: Subject) -> Iterator[Operation]:
    """Yield what is done after each trial of an experiment that is saved."""
    store, bench = subject.store, subject.bench

    def save_trial(number: int) -> Work:
        trial = add_trial(bench)
        return lambda: store.save_trial(bench, trial)

    def save_whole(number: int) -> Work:
        add_trial(bench)
        return lambda: store.save(bench)

    subject.mirror.written()
    yield Operation(FLAT[0], save_trial, SAME_ROWS, subject.mirror.next, Goal(2))
    yield Operation(FLAT[1], save_whole, "save_trial", save_trial, Goal(3))
    with ExitStack() as opened:
        yield Operation(FLAT[2], resuming(subject, opened), "save_trial", save_trial, Goal(3))
    subject.mirror.next()()


def resuming(subject: Subject, opened: ExitStack) -> Prepare:
    """Return what a program does that was just started: it loads the experiment, makes a trial and saves it.

    Its store is new, and connecting is not timed. The stores of earlier rounds are closed by *opened*.
    """

    def resume(number: int) -> Work:
        opened.close()
        store = opened.enter_context(docstore.connect(subject.url))

        def work() -> object:
            loaded = store.load("other", lazy=True)
            add_trial(loaded)
            return store.save(loaded)

        return work

    return resume


def loads(subject: Subject) -> Iterator[Operation]:
    """Yield the load of all trials."""
    bodies = dict(parsed(subject.driver, "bench"))
    loader = Loader(subject.driver, bodies)
    ours = always(lambda: subject.store.load("bench"))
    yield Operation("load", ours, DATACLASSES, always(lambda: loader.load("bench")), Goal(2))


def reads(subject: Subject) -> Iterator[Operation]:
    """Yield what reads one place, or makes a result of all rows; each time of another version than the last."""
    store, driver, bench = subject.store, subject.driver, subject.bench
    path = f"/trials/{subject.trials // 2}"

    def ours(work: Work) -> Prepare:
        def prepare(number: int) -> Work:
            store.save_trial(bench, add_trial(bench))
            return work

        return prepare

    def theirs(work: Work) -> Prepare:
        def prepare(number: int) -> Work:
            subject.mirror.next()()
            return work

        return prepare

    status = ours(lambda: store.get("bench", pointer=f"{path}/status"))
    one_row = theirs(lambda: one_body(driver, "bench", path)["status"])
    yield Operation("get, one place", status, PARSED, one_row, Goal(2, "ms"))
    all_rows = theirs(lambda: parsed(driver, "bench"))
    yield Operation("best", ours(lambda: store.best("bench")), PARSED, all_rows, Goal(3))
    yield Operation("observations", ours(lambda: store.observations("bench")), PARSED, all_rows, Goal(3))
    yield Operation("trials", ours(lambda: store.trials("bench")), PARSED, all_rows, Goal(3))


def disk(subject: Subject, before: int) -> Row:
    """Return the bytes that the first save added to SQLite's file, beside those of the canonical JSON."""
    size, json = file_size(subject.store) - before, len(docstore.dumps(subject.bench))
    return figure("file, what one save adds", size / 1e6, "canonical JSON", json / 1e6, Goal(1.3), "MB")


def file_size(store: Store) -> int:
    """Return the bytes of SQLite's file, with all of its log in it; 0 on a server."""
    if store.engine.dialect.name != "sqlite":
        return 0
    with store.engine.connect() as connection:
        connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return Path(store.engine.url.database or "").stat().st_size


def rows(backend: str, fresh: Callable[[], str], trials: int, patience: Patience, *, few: bool) -> Iterator[Row]:
    """Yield each row for an experiment of so many trials.

    Args:
        few: leave out what reads all of it without an object, and do the rest in fewer rounds.
    """
    patience = replace(patience, least=2) if few else patience
    url = fresh()
    with docstore.connect(url) as store, closing(Mirror(backend, url, fresh())) as mirror:
        before, bench = file_size(store), experiment(trials)
        store.save(bench)
        subject = Subject(url, store, mirror, bench, trials)
        if backend == "sqlite":
            yield disk(subject, before)
        store.save(experiment(trials, "other"))
        mirror.next()()
        for operations in (first_saves, later_saves, loads, *([] if few else [reads])):
            for operation in operations(subject):
                yield measured(operation, patience)


def grown(tables: dict[int, list[Row]]) -> list[Row]:
    """Return how much each operation that should be flat grows from the smallest to the largest size."""
    least, most = min(tables), max(tables)
    by_title = [{row.title: row for row in tables[size]} for size in (least, most)]
    return [growth(by_title[0][title], by_title[1][title], (least, most), Goal(1.3)) for title in FLAT]


def curves(tables: dict[int, list[Row]]) -> dict[str, list[tuple[int, float]]]:
    """Return the median of each operation that the plot shows, at each size."""
    shown = ("save all, new", "load", *FLAT)
    return {
        title: [(size, row.ours.median) for size, rows in tables.items() for row in rows if row.title == title]
        for title in (shown if tables else ())
    }
