"""The memory that saving and loading wide or long documents takes, beside the objects themselves.

Each figure is the peak of a process of its own, less what the process had before; of the objects, it is what they take
once they are made. ``python bench_memory.py trials 100000 load lab.db`` is such a process.
"""

from __future__ import annotations

import gc
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
STEPS = {"make": "the objects", "save": "make and save", "load": "load", "add": "load, one more, save"}
SIZES = {"trials": 100_000, "observations": 1_000_000}


def observed(number: int) -> Experiment:
    """Return an experiment of one trial with so many observations."""
    made = experiment(0)
    add_trial(made)
    observe(made, range(number))
    return made


def observe(made: Experiment, steps: range) -> None:
    """Attach an observation of the first trial for each step."""
    record = {"trial_index": 0, "arm_name": "0_0", "metric_name": METRIC, "sem": 0.1}
    made.attach_data(Data.from_records([record | {"mean": step / 7, "step": float(step)} for step in steps]))


def observe_once(made: Experiment) -> None:
    """Attach an observation of another step than all others."""
    observe(made, range(-1, 0))


MAKERS: dict[str, Callable[[int], Experiment]] = {"trials": experiment, "observations": observed}
ONE_MORE: dict[str, Callable[[Experiment], object]] = {"trials": add_trial, "observations": observe_once}


def memory(which: str) -> int:
    """Return the bytes of this process now, ``VmRSS``, or at most so far, ``VmHWM``, as Linux counts them.

    ``getrusage`` would count the process that started this one, before it became Python.
    """
    return int(STATUS.read_text().partition(f"{which}:")[2].split()[0]) * 1024


def taken(what: str, number: int, step: str, file: Path) -> int:
    """Do one of ``STEPS`` with an experiment; return the bytes that it took at most, or that the objects take."""
    with docstore.connect(file) as store:
        before = memory("VmHWM")
        kept = store.load("bench") if step in ("load", "add") else MAKERS[what](number)
        if step == "make":
            gc.collect()
            return memory("VmRSS") - before
        if step == "add":
            ONE_MORE[what](kept)
        if step in ("save", "add"):
            store.save(kept)
        return memory("VmHWM") - before


def rows(sizes: dict[str, int]) -> Iterator[Row]:
    """Yield the rows of each size, each step in a process of its own."""
    for what, number in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "lab.db")
            objects = _of_process(what, number, "make", file)
            for step, title in list(STEPS.items())[1:]:
                bytes_ = _of_process(what, number, step, file)
                title = f"{title}, {number:,} {what}"
                yield figure(title, bytes_ / 1e6, STEPS["make"], objects / 1e6, Goal(3), "MB")


def _of_process(what: str, number: int, step: str, file: Path) -> int:
    command = [sys.executable, __file__, what, str(number), step, str(file)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    what, number, step, file = sys.argv[1:]
    print(taken(what, int(number), step, Path(file)))
