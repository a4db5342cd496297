"""``make bench-ax``: what docstore costs for Ax's own objects, beside Ax's store of them, timed in turn in one run.

Ax's store is on SQLite throughout, as it works on nothing else. Where the goal is "at least", the ratio says how many
times as long as docstore it takes. The floor is what docstore takes for its own model: an experiment of as many trials,
whose runs hold no search space, no goals and no predictions. ``--write`` puts the tables into
docs/explanation/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # the servers of the tests

import workload
from ax.core.experiment import Experiment
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.storage.sqa_store.db import create_all_tables, get_engine, init_engine_and_session_factory
from ax.storage.sqa_store.load import load_experiment
from ax.storage.sqa_store.save import save_experiment, save_or_update_trial
from ax_workload import add_trial, experiment, run, strategy
from backends import BACKENDS, Backends, SwitchedOff
from harness import (
    Goal,
    Operation,
    Patience,
    Row,
    TimesFaster,
    Work,
    always,
    growth,
    measured,
    print_rows,
    row_of,
    summary,
    timed,
)
from report import ROOT, Copied, machine, write_into

import docstore
from docstore import Store

PAGE = ROOT / "docs" / "explanation" / "performance.md"

SAVE_ALL, LOAD = TimesFaster(200), TimesFaster(35)
ONE_TRIAL, ONE_RUN = TimesFaster(20), Goal(3)
MOST_REPEATED, FEW = 500, 5
"""The largest experiment that is saved and loaded whole in several rounds, and in how many."""

FLAT = ("save_trial, a new one", "save(parts=[trial]), a new one", "save, a strategy's new run")
"""What must cost the same however many trials there are."""

OWN = "the same, docstore's model"


@dataclass(frozen=True)
class Subject:
    """An experiment and its strategy in a store, one like it in Ax's store, and one of docstore's own model."""

    store: Store
    bench: Experiment
    strategy: GenerationStrategy
    in_ax: Experiment
    own: docstore.Experiment

    @property
    def trials(self) -> int:
        return len(self.bench.trials)


def whole(subject: Subject) -> Iterator[Operation]:
    """Yield the first save and the load of an experiment."""
    trials = subject.trials

    def new(first: Experiment, number: int) -> Experiment:
        return experiment(trials, f"again-{number}") if number else first

    def ours(number: int) -> Work:
        made = new(subject.bench, number)
        return lambda: subject.store.save(made)

    def theirs(number: int) -> Work:
        made = new(subject.in_ax, number)
        return lambda: save_experiment(made)

    def own(number: int) -> Work:
        made = workload.experiment(trials, f"own-{number}") if number else subject.own
        return lambda: subject.store.save(made)

    yield Operation("save all, new", ours, "Ax, save_experiment", theirs, SAVE_ALL, FEW)
    yield Operation("save all, new, once more", lambda number: ours(number + FEW + 1), OWN, own, most=FEW)
    load = always(lambda: subject.store.load("bench"))
    yield Operation("load", load, "Ax, load_experiment", always(lambda: load_experiment("bench")), LOAD, FEW)
    yield Operation("load, once more", load, OWN, always(lambda: subject.store.load(subject.own.name)), most=FEW)


def once(operation: Operation, clock: Callable[[], float]) -> Row:
    """Return the row of one round: Ax takes many seconds for it."""
    assert operation.floor is not None  # each operation of ``whole`` has one
    return row_of(operation, [timed(operation.ours(0), clock)], [timed(operation.floor(0), clock)])


def one_more(subject: Subject) -> Iterator[Operation]:
    """Yield the saves of one more trial, and of one more run of the strategy."""
    store, bench, in_ax, made = subject.store, subject.bench, subject.in_ax, subject.strategy

    def save_trial(number: int) -> Work:
        trial = add_trial(bench)
        return lambda: store.save_trial(bench, trial)

    def ax_trial(number: int) -> Work:
        trial = add_trial(in_ax)
        return lambda: save_or_update_trial(in_ax, trial)

    def own_trial(number: int) -> Work:
        trial = workload.add_trial(subject.own)
        return lambda: store.save_trial(subject.own, trial)

    def save_head_and_trial(number: int) -> Work:
        trial = add_trial(bench)
        return lambda: store.save(bench, parts=[trial])

    def save_whole(number: int) -> Work:
        add_trial(bench)
        return lambda: store.save(bench)

    def save_run(number: int) -> Work:
        added = run(bench, len(made._generator_runs))
        made._generator_runs.append(added)
        return lambda: store.save(made, parts=[added])

    yield Operation(FLAT[0], save_trial, "Ax, save_or_update_trial", ax_trial, ONE_TRIAL)
    yield Operation("save_trial, once more", save_trial, OWN, own_trial)
    yield Operation(FLAT[1], save_head_and_trial, "save_trial", save_trial)
    yield Operation("save(experiment), one more trial", save_whole, "save_trial", save_trial)
    yield Operation(FLAT[2], save_run, "save_trial", save_trial, ONE_RUN)


def rows(url: str, ax_url: str, trials: int, patience: Patience) -> Iterator[Row]:
    """Yield each row for an experiment of so many trials."""
    init_engine_and_session_factory(url=ax_url, force_init=True)
    create_all_tables(get_engine())
    with docstore.connect(url) as store:
        bench, in_ax = experiment(trials), experiment(trials)
        subject = Subject(store, bench, strategy(trials, bench), in_ax, workload.experiment(trials, "own"))
        for operation in whole(subject):
            is_slow = trials > MOST_REPEATED and operation.beside != OWN
            yield once(operation, patience.clock) if is_slow else measured(operation, patience)
        store.save(subject.strategy)
        for operation in one_more(subject):
            yield measured(operation, patience)


def grown(tables: dict[int, list[Row]]) -> list[Row]:
    """Return how much each operation that should be flat grows from the smallest to the largest size."""
    least, most = min(tables), max(tables)
    by_title = [{row.title: row for row in tables[size]} for size in (least, most)]
    return [growth(by_title[0][title], by_title[1][title], (least, most), Goal(1.3)) for title in FLAT]


def on_database(backend: str, fresh: Callable[[], str], chosen: argparse.Namespace, folder: Path) -> list[Row]:
    """Print the tables of one database, and return their rows."""
    tables = {
        size: print_rows(
            f"{backend} (Ax: sqlite), n = {size:,} trials of Ax's",
            rows(fresh(), f"sqlite:///{folder}/ax-{backend}-{size}.db", size, chosen.patience),
        )
        for size in chosen.trials
    }
    more = print_rows(f"{backend}, as the work grows", grown(tables)) if len(tables) > 1 else []
    return [*(row for table in tables.values() for row in table), *more]


def print_tables(chosen: argparse.Namespace) -> None:
    """Print the tables."""
    print(f"{machine()}{', CPU time of this process' if chosen.cpu else ''}\n")
    found: list[Row] = []
    with ExitStack() as used:
        folder = Path(used.enter_context(tempfile.TemporaryDirectory()))
        backends = Backends(os.environ)
        used.callback(backends.close)
        numbers = count()
        for backend in chosen.database:

            def fresh(backend: str = backend) -> str:
                return used.enter_context(backends.fresh(backend, folder / f"{next(numbers)}.db"))

            try:
                found += on_database(backend, fresh, chosen, folder)
            except SwitchedOff as missing:
                print(f"{missing}\n")
    print(summary(found))


def main() -> None:
    """Read the arguments, print the tables, and write the page if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", nargs="*", choices=BACKENDS, default=["sqlite", "postgresql"])
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1_000, 3_000])
    parser.add_argument("--seconds", type=float, default=0.7, help="for which each operation is repeated")
    parser.add_argument("--cpu", action="store_true", help="time by the CPU time of this process: for a busy machine")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    chosen = parser.parse_args()
    chosen.patience = Patience(chosen.seconds, clock=time.process_time if chosen.cpu else time.perf_counter)
    warnings.simplefilter("ignore")  # Ax's
    logging.getLogger("ax").setLevel(logging.CRITICAL)
    printed = Copied()
    with contextlib.redirect_stdout(printed):
        print_tables(chosen)
    if chosen.write:
        write_into(PAGE, "bench-ax", printed.getvalue())


if __name__ == "__main__":
    main()
