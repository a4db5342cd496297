"""What it costs to read the past of an experiment that was saved thousands of times, beside a plain history table.

Each version changes one of ten trials. The plain table has a row for each version, with the whole trial, as one would
write it by hand, without authors, messages, digests and changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import orjson
from bench_store import file_size
from floors import DRIVERS, Driver
from harness import Goal, Operation, Patience, Row, Work, always, figure, measured
from workload import experiment

import docstore
from docstore import Store

TRIALS = 10
PAGE = 20
PLAIN_TABLE = "a plain history table"
NAME = "bench"


@dataclass(frozen=True)
class Past:
    """A store with the experiment ``bench``, a plain table of its history in another database, and their drivers."""

    store: Store
    first: Driver
    second: Driver
    versions: int


def save_often(store: Store, versions: int) -> list[tuple[int, str, str]]:
    """Save an experiment so many times; return the rows of a plain history table."""
    bench, rows = experiment(TRIALS, NAME), []
    store.save(bench)
    for number in range(2, versions + 1):
        trial = bench.trials[number % TRIALS]
        trial.run_metadata = {**trial.run_metadata, "attempt": number}
        store.save_trial(bench, trial)
        rows.append((number, f"/trials/{trial.index}", docstore.dumps(trial).decode()))
    return rows


def write_plainly(driver: Driver, rows: list[tuple[int, str, str]]) -> None:
    """Make the plain table, of which the key is the version."""
    cursor = driver.db.cursor()
    cursor.execute("CREATE TABLE plain_history (version INTEGER PRIMARY KEY, path VARCHAR(255), body TEXT)")
    cursor.executemany(f"INSERT INTO plain_history VALUES ({', '.join([driver.mark] * 3)})", rows)
    driver.db.commit()


def operations(past: Past) -> Iterator[Operation]:
    """Yield what reads older versions, and who changed what."""
    store, versions, chance = past.store, past.versions, random.Random(7)
    place = "/trials/3/run_metadata"

    def old(pointer: str) -> Callable[[int], Work]:
        def prepare(number: int) -> Work:
            version = chance.randint(1, versions)
            return lambda: store.get(NAME, version=version, pointer=pointer)

        return prepare

    def plain(number: int) -> Work:
        query = "SELECT body FROM plain_history WHERE version = ?"
        version = chance.randint(2, versions)
        return lambda: orjson.loads(past.second.select(query, [version])[0][0])

    def changes() -> object:
        cast = past.first.as_text.format("changes")
        return [orjson.loads(text) for (text,) in past.first.select(f"SELECT {cast} FROM versions")]

    def page(first: int) -> Work:
        return lambda: list(islice(store.history(NAME), first, first + PAGE))

    def columns() -> object:
        # By the document's id, as the primary key begins with it.
        of_name = "WHERE id = (SELECT id FROM documents WHERE name = ?)"
        query = f"SELECT version, created_at, author, message FROM versions {of_name} ORDER BY version DESC LIMIT ?"
        return past.first.select(query, [NAME, PAGE])

    newest = always(lambda: store.get(NAME))
    yield Operation("any version, whole", old(""), "the newest, whole", newest, Goal(2))
    newest_trial = always(lambda: store.get(NAME, pointer="/trials/3"))
    yield Operation("any version, one trial", old("/trials/3"), "the newest, one trial", newest_trial, Goal(2))
    yield Operation("any version, one trial", old("/trials/3"), PLAIN_TABLE, plain)
    yield Operation(f"history, the newest {PAGE}", always(page(0)), "the driver, columns", always(columns))
    yield Operation(
        "blame, one place", always(lambda: list(store.blame(NAME, place))), "changes, parsed", always(changes)
    )
    middle = versions // 2
    yield Operation("diff of two in the middle", always(lambda: store.diff(NAME, middle, middle + 1)))


def rows(backend: str, fresh: Callable[[], str], versions: int, patience: Patience) -> Iterator[Row]:
    """Yield each row for so many versions, and on SQLite the bytes that they take."""
    first, second = fresh(), fresh()
    with (
        docstore.connect(first) as store,
        docstore.connect(second) as beside,
        closing(DRIVERS[backend](first)) as ours,
        closing(DRIVERS[backend](second)) as plain,
    ):
        before = file_size(store), file_size(beside)
        write_plainly(plain, save_often(store, versions))
        for operation in operations(Past(store, ours, plain, versions)):
            yield measured(operation, patience)
        if backend == "sqlite":
            sizes = [
                (now - then) / 1e6 for now, then in zip((file_size(store), file_size(beside)), before, strict=True)
            ]
            yield figure("file, what the versions add", sizes[0], PLAIN_TABLE, sizes[1], Goal(1), "MB")
