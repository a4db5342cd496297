"""What writers cost each other: saves a second of eight processes beside those of one, on this machine, never a test.

Both races make the same number of saves of one experiment, one by one: each loads it, changes it and saves it. What
eight gain is what they load and encode beside each other; the saves themselves take turns.

again: of the trials, those that another writer's save had to be merged with, so that their index was another in the
end; of the counter, the tries that were refused. Both as a share of all saves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from backends import Backends
from racing import NAME, Race, Report

import docstore
from docstore.testing.experiments import new_experiment

WRITERS = (1, 8)

RACES: dict[str, tuple[dict[str, Any], Callable[[Report], int]]] = {
    "add_trials": ({}, lambda report: report["index"] != report["made"]),
    "count": ({"on_conflict": "error"}, lambda report: report["retries"]),
}
"""The options of each task, and how often a save had to be made again or merged."""


def bench(what: str, backend: str, database: str, writers: int, saves: int) -> None:
    """Print one line: *saves* made by so many *writers*."""
    options, again = RACES[what]
    with docstore.connect(database) as store, Race(database) as race:
        store.save(new_experiment(NAME, properties={"count": 0}))
        race.enter(what, racers=writers, turns=saves // writers, **options)
        race.begin()
        start = time.perf_counter()
        reports = [report for reports in race.reports() for report in reports]
        seconds = time.perf_counter() - start
    share = sum(map(again, reports)) / len(reports)
    worst = max(report["wait"] for report in reports)
    print(
        f"{backend:12} {what:12} {writers:8} {len(reports) / seconds:12.0f} {share:11.0%} {worst * 1000:12.1f}",
        flush=True,
    )


def print_table(backends: Backends, folder: Path, names: Sequence[str], saves: int = 200) -> None:
    """Print the table of the databases with these *names*."""
    print(f"{'database':12} {'task':12} {'writers':>8} {'saves/s':>12} {'again':>11} {'longest, ms':>12}")
    for backend in names:
        for what in RACES:
            for writers in WRITERS:
                with backends.fresh(backend, folder / f"{what}-{writers}.db") as database:
                    bench(what, backend, database, writers, saves)
    print(flush=True)
