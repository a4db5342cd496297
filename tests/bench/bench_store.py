"""What docstore costs beside the bare driver: ratios of one run on this machine, never a test.

Each operation is timed in turn with its floor, several times; the table gives the medians, and the median of the
ratios.
The floor writes and reads the same rows and bytes with ``sqlite3`` and orjson, in one transaction, with the same
durability, and loads them into dataclasses.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import orjson

import docstore
from docstore import Data, Experiment, Metric, ParameterType, RangeParameter, SearchSpace, TrialStatus
from docstore.documents import documents_of

JSON: TypeAlias = Any
COLUMNS = (
    "id, path, project, kind, name, owner, position, type, status, model, version, created_at, updated_at, deleted_at, "
    "digest, body"
)
SCHEMA = f"""
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE documents ({COLUMNS}, PRIMARY KEY (id, path));
    CREATE UNIQUE INDEX documents_name ON documents (name, kind, project) WHERE path = '';
    CREATE INDEX documents_type ON documents (kind, type);
    CREATE INDEX documents_status ON documents (kind, status);
    CREATE INDEX documents_owner ON documents (owner);
    CREATE TABLE versions (id, version, created_at, author, message, changes, digest, chain, PRIMARY KEY (id, version));
"""


def experiment(trials: int) -> Experiment:
    """Return an experiment of *trials*, each with 6 parameters, a metric and metadata."""
    parameters = [RangeParameter(f"x{i}", ParameterType.FLOAT, 0.0, 1.0) for i in range(6)]
    made = Experiment(name="bench", search_space=SearchSpace(parameters), tracking_metrics=[Metric("accuracy")])
    for index in range(trials):
        add_trial(made, index)
    return made


def add_trial(made: Experiment, index: int) -> object:
    """Return a new completed trial of *made*."""
    trial = made.new_trial(parameters={f"x{i}": (index * 7 + i) % 1000 / 1000 for i in range(6)})
    trial.mark_running(no_runner_required=True)
    trial.run_metadata = {"job": f"job-{index}", "attempt": 1, "host": "node-7"}
    trial.mark_completed()
    record = {"trial_index": index, "arm_name": trial.arm.name, "metric_name": "accuracy", "mean": index / 3}
    made.attach_data(Data.from_records([record | {"sem": 0.1}]))
    return trial


class Floor:
    """The bare driver, on the same rows."""

    def __init__(self, path: Path, sample: dict[str, JSON]) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(SCHEMA)
        trial, data = sample["/trials/1"], sample["/data/1"]
        self.trial, self.data = record_class("Trial", trial), record_class("Data", data)
        self.run = record_class("GeneratorRun", trial["generator_run"])
        self.arm = record_class("Arm", trial["generator_run"]["arms"][0])

    def save(self, id: str, pieces: dict[str, JSON], version: int) -> None:
        """Write *pieces*, already JSON values, and a row of history."""
        now, digest = datetime.now(UTC).isoformat(), "0" * 64
        shared = (1, 1, 1, "docstore", version, now, now, None, digest)
        rows = [
            (id, path, "default", "trial", None if path else id, None, *shared, orjson.dumps(body).decode())
            for path, body in pieces.items()
        ]
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany(f"INSERT OR REPLACE INTO documents VALUES ({', '.join('?' * len(rows[0]))})", rows)
        version_row = (id, version, now, "me", "", "[]", digest, digest)
        self.db.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", version_row)
        self.db.execute("COMMIT")

    def load(self, id: str) -> list[object]:
        """Read the rows back into dataclasses, as one would write it by hand for these classes."""
        rows = self.db.execute("SELECT path, body FROM documents WHERE id = ?", (id,)).fetchall()
        return [self.read(path, orjson.loads(body)) for path, body in rows]

    def read(self, path: str, body: JSON) -> object:
        """Return the object of one row."""
        if path.startswith("/data/"):
            return self.data(**body)
        if not path:
            return body
        run = body["generator_run"]
        run["arms"] = [self.arm(**arm) for arm in run["arms"]]
        run["time_created"] = datetime.fromisoformat(run["time_created"])
        for key in ("time_created", "time_run_started", "time_completed"):
            body[key] = datetime.fromisoformat(body[key])
        body["generator_run"], body["status"] = self.run(**run), TrialStatus[body["status"]]
        return self.trial(**body)


def record_class(name: str, sample: JSON) -> type:
    """Return a plain dataclass with the keys of *sample* as its fields."""
    return dataclasses.make_dataclass(name, [(key, object) for key in sample])


def timed(work: Callable[[], object]) -> float:
    """Return how long *work* took, in milliseconds."""
    gc.collect()
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


Work = Callable[[], object]


def compare(what: str, ours: Callable[[int], Work], floor: Callable[[int], Work], runs: int) -> None:
    """Print the medians of both and of their ratio; each is made ready before its time starts, the first left out."""
    pairs = [(timed(ours(run)), timed(floor(run))) for run in range(runs + 1)][1:]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{what:52} {mine:10.2f} {theirs:10.2f} {ratio:8.2f} x", flush=True)


def bench(trials: int, folder: Path, runs: int) -> None:
    """Print the table for one size."""
    made = experiment(trials)
    pieces = documents_of().kind_of(made).split(documents_of().encode(made))
    store, floor = docstore.connect(f"sqlite:///{folder}/ours-{trials}.db"), Floor(folder / f"{trials}.db", pieces)

    def save_all(run: int) -> Work:
        made.name = f"bench-{run}"
        return lambda: store.save(made)

    compare(f"save all, n = {trials}", save_all, lambda run: lambda: floor.save(f"{run}", pieces, 1), runs)
    compare(
        f"load all, n = {trials}", lambda run: lambda: store.load("bench-1"), lambda run: lambda: floor.load("1"), runs
    )
    loaded = store.load("bench-1")
    some = {path: pieces[path] for path in ("", "/trials/1", "/data/1")}

    def one_more(run: int) -> Work:
        trial = add_trial(loaded, len(loaded.trials))
        return lambda: store.save_trial(loaded, trial)

    compare(f"save_trial, a new one, n = {trials}", one_more, lambda run: lambda: floor.save("0", some, run + 2), 40)

    def save_again(run: int) -> Work:
        loaded.trials[3].run_metadata = {"run": run}
        return lambda: store.save(loaded)

    def encode_and_write(run: int) -> Work:
        return lambda: (documents_of().encode(loaded), floor.save("0", some, run + 100))

    compare(f"save again, one changed; encode + floor, n = {trials}", save_again, encode_and_write, runs)
    store.close()


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    print(f"{'median ms':52} {'docstore':>10} {'floor':>10} {'ratio':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for trials in arguments.trials:
            bench(trials, Path(folder), arguments.runs)


if __name__ == "__main__":
    main()
