"""What docstore costs beside the bare driver: ratios of one run on this machine, never a test.

Each operation is timed in turn with its floor, several times; the table gives the medians, and the median of the
ratios.
The floor writes and reads the same rows and bytes with the bare driver and orjson, in one transaction, with the same
durability, and loads them into dataclasses.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import docstore
from docstore import Data, Experiment, Metric, ParameterType, RangeParameter, SearchSpace
from docstore.registry.bundle import mapper_of

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # the servers of the tests
from backends import BACKENDS, Backends
from floors import FLOORS, Floor


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


def bench(trials: int, backend: str, empty: Callable[[], str], runs: int) -> None:
    """Print the table for one size on one database."""
    print(f"{backend + ', median ms':52} {'docstore':>10} {'floor':>10} {'ratio':>10}")
    made = experiment(trials)
    pieces = mapper_of().kind_of(made).split(mapper_of().encode(made))
    store = docstore.connect(empty())
    floor: Floor = FLOORS[backend](empty(), pieces)

    def save_all(run: int) -> Work:
        made.name = f"bench-{run}"
        return lambda: store.save(made, as_new=True)

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
        return lambda: (mapper_of().encode(loaded), floor.save("0", some, run + 100))

    compare(f"save again, one changed; encode + floor, n = {trials}", save_again, encode_and_write, runs)
    store.close()


def main() -> None:
    """Print a table for each database and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", nargs="*", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with ExitStack() as used:
        folder = Path(used.enter_context(tempfile.TemporaryDirectory()))
        backends = Backends(os.environ)
        used.callback(backends.close)
        made = iter(range(1_000))
        for backend in arguments.database:

            def empty(backend: str = backend) -> str:
                return used.enter_context(backends.empty(backend, folder / f"{next(made)}.db"))

            for trials in arguments.trials:
                bench(trials, backend, empty, arguments.runs)


if __name__ == "__main__":
    main()
