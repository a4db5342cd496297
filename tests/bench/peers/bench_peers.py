"""``make bench-peers``: docstore beside others that keep experiments: save all, one more trial, load all.

Each peer runs in a process of its own, on a database or a file of its own, on SQLite where it takes a SQL database.
Times are wall times, medians of a few; what takes long is done once. ``--write`` puts the tables into
docs/explanation/comparison.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).parents[1]))
from harness import Patience, timed
from peers import PEERS
from report import ROOT, Copied, machine, write_into

Clock: TypeAlias = Callable[[], float]

PAGE = ROOT / "docs" / "explanation" / "comparison.md"
PACKAGES = ("ax-platform", "optuna", "tinydb", "ZODB", "SQLAlchemy", "SQLAlchemy-Continuum", "mlflow")


def measured(name: str, trials: int, clock: Clock) -> dict[str, float]:
    """Return the milliseconds of each task of a peer: of the first save, and medians of the others."""
    patience = Patience(seconds=5.0, least=1, most=15)
    with tempfile.TemporaryDirectory() as folder:
        peer = PEERS[name](Path(folder))
        peer.make(trials)
        found = {"save": timed(peer.save_all, clock)}
        for task, prepare in (("more", peer.one_more), ("load", peer.load_all)):
            found[task] = statistics.median([timed(prepare(), clock) for _ in patience.rounds(15)][1:])
    return found


def in_process(name: str, trials: int, options: Sequence[str]) -> dict[str, float]:
    """Return what ``measured`` returns in a process of its own.

    Raises:
        RuntimeError: the peer failed; with the last line that it wrote.
    """
    command = [sys.executable, __file__, "--peer", name, "--trials", str(trials), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(names: list[str], trials: int, options: Sequence[str]) -> None:
    """Print the table of one size."""
    print(f"{f'n = {trials:,}, ms':30} {'save all':>10} {'one more':>10} {'load all':>10}  keeps; reached the disk")
    for name in names:
        peer = PEERS[name]
        try:
            runs = [in_process(name, trials, options)]
            while len(runs) < 3 and runs[0]["save"] < 500:
                runs.append(in_process(name, trials, options))
        except RuntimeError as error:
            print(f"{peer.title:30} failed: {error}", flush=True)
            continue
        found = {task: statistics.median(run[task] for run in runs) for task in runs[0]}
        figures = " ".join(f"{found[each]:10,.{1 if found[each] < 100 else 0}f}" for each in found)
        print(f"{peer.title:30} {figures}  {peer.keeps}; {peer.safe}", flush=True)
    print()


def main() -> None:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1_000])
    parser.add_argument("--peer", choices=PEERS, help="measure this one here, and print JSON")
    parser.add_argument("--cpu", action="store_true", help="time by CPU time, without waits: for a busy machine")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.name}")
    chosen = parser.parse_args()
    clock = time.process_time if chosen.cpu else time.perf_counter
    if chosen.peer:
        print(json.dumps(measured(chosen.peer, chosen.trials[0], clock)))
        return
    printed = Copied()
    with contextlib.redirect_stdout(printed):
        print(f"{machine()}{', CPU time' if chosen.cpu else ''}")
        print(*(f"{each} {metadata.version(each)}" for each in PACKAGES), sep=", ", end="\n\n")
        for trials in chosen.trials:
            table(chosen.only, trials, ["--cpu"] if chosen.cpu else [])
    if chosen.write:
        write_into(PAGE, "peers", printed.getvalue())


if __name__ == "__main__":
    main()
