"""The memory that saving and loading wide or long documents takes, beside the objects themselves.

Each figure is the peak of a process of its own, less what the process had before. ``python bench_memory.py trials
100000 load lab.db`` is such a process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Goal, Row, figure
from workload import METRIC, add_trial, experiment

import docstore
from docstore import Data, Experiment

STATUS = Path("/proc/self/status")
STEPS = ("make", "save", "load")
SIZES = {"trials": 100_000, "observations": 1_000_000}


def observed(number: int) -> Experiment:
    """Return an experiment of one trial with so many observations."""
    made = experiment(0)
    trial = add_trial(made)
    record = {"trial_index": trial.index, "arm_name": "0_0", "metric_name": METRIC, "sem": 0.1}
    made.attach_data(Data.from_records([record | {"mean": step / 7, "step": float(step)} for step in range(number)]))
    return made


MAKERS: dict[str, Callable[[int], Experiment]] = {"trials": experiment, "observations": observed}


def peak() -> int:
    """Return the most memory that this process has had, in bytes, as Linux counts it.

    ``getrusage`` would count the process that started this one, before it became Python.
    """
    status = STATUS.read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def taken(what: str, number: int, step: str, file: Path) -> int:
    """Make the experiment, make and save it, or load it; return the bytes that it took at most."""
    with docstore.connect(file) as store:
        before = peak()
        if step == "load":
            kept = store.load("bench")
        else:
            kept = MAKERS[what](number)
            if step == "save":
                store.save(kept)
        return peak() - before


def rows(sizes: dict[str, int]) -> Iterator[Row]:
    """Yield the rows of each size, each step in a process of its own."""
    for what, number in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            objects, save, load = (_of_process(what, number, step, Path(folder, "lab.db")) for step in STEPS)
        for title, bytes_ in (("make and save", save), ("load", load)):
            yield figure(f"{title}, {number:,} {what}", bytes_ / 1e6, "the objects", objects / 1e6, Goal(3), "MB")


def _of_process(what: str, number: int, step: str, file: Path) -> int:
    command = [sys.executable, __file__, what, str(number), step, str(file)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    what, number, step, file = sys.argv[1:]
    print(taken(what, int(number), step, Path(file)))
