"""``make bench``: what docstore costs, each operation beside the least that it could cost, timed in turn in one run.

A line has docstore's median, the floor's, the median of their ratios with its quartiles, the goal, and whether it is
met. ``--write`` puts the tables, the date and the machine into docs/explanation/performance.md, and the plot beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # the servers of the tests

import bench_codec
import bench_find
import bench_history
import bench_import
import bench_many
import bench_memory
import bench_races
import bench_store
import plot
from backends import BACKENDS, Backends, SwitchedOff
from harness import Patience, Row, print_rows, summary
from report import ROOT, Copied, machine, write_into

PAGE = ROOT / "docs" / "explanation" / "performance.md"
PICTURE = ROOT / "docs" / "pictures" / "cost.svg"
TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
SECTIONS = ("import", "codec", "store", "many", "history", "find", "races", "memory")


def without_database(wanted: Iterable[str], patience: Patience) -> Iterator[Row]:
    """Print the tables that need no database, or one of their own; yield the rows."""
    if "import" in wanted:
        yield from print_rows("CPU time of a process", bench_import.rows(patience))
    if "codec" in wanted:
        yield from print_rows("one trial with its data, 1,000 of them", bench_codec.rows(1_000, patience))
    if "memory" in wanted:
        yield from print_rows("peak memory, SQLite", bench_memory.rows(bench_memory.SIZES))


Fresh = Callable[[], str]
"""Makes a database and returns its URL."""


def on_database(backend: str, fresh: Fresh, chosen: argparse.Namespace) -> tuple[list[Row], plot.Curves]:
    """Print the tables of one database; return the rows, and the curves of the plot."""
    patience, rows = chosen.patience, []
    tables: dict[int, list[Row]] = {}
    if "store" in chosen.only:
        for size in chosen.trials:
            found = bench_store.rows(backend, fresh, size, patience, few=size > 10_000)
            tables[size] = print_rows(f"{backend}, n = {size:,} trials", found)
            rows += tables[size]
        if len(tables) > 1:
            rows += print_rows(f"{backend}, as the work grows", bench_store.grown(tables))
    if "many" in chosen.only:
        rows += print_rows(f"{backend}, many small", bench_many.rows(backend, fresh, chosen.documents // 4, patience))
    if "history" in chosen.only:
        title = f"{backend}, {chosen.versions:,} versions"
        rows += print_rows(title, bench_history.rows(backend, fresh, chosen.versions, patience))
    if "find" in chosen.only:
        title = f"{backend}, find among {chosen.documents:,} experiments"
        rows += print_rows(title, bench_find.rows_with_growth(backend, fresh, chosen.documents, patience))
    return rows, bench_store.curves(tables)


def is_there(backends: Backends, backend: str) -> bool:
    """Return whether this machine has the database; if not, print how to get it."""
    try:
        backends.require(backend)
    except SwitchedOff as missing:
        print(f"{missing}\n")
        return False
    return True


def run(chosen: argparse.Namespace) -> dict[str, plot.Curves]:
    """Print all tables; return the curves of each database."""
    rows = list(without_database(chosen.only, chosen.patience))
    curves: dict[str, plot.Curves] = {}
    with ExitStack() as used:
        folder = Path(used.enter_context(tempfile.TemporaryDirectory()))
        backends = Backends(os.environ)
        used.callback(backends.close)
        numbers = count()
        there = [backend for backend in chosen.database if is_there(backends, backend)]
        for backend in there:

            def fresh(backend: str = backend) -> str:
                return used.enter_context(backends.fresh(backend, folder / f"{next(numbers)}.db"))

            found, curves[backend] = on_database(backend, fresh, chosen)
            rows += found
        if "races" in chosen.only:
            bench_races.print_table(backends, folder, there)
    print(summary(rows))
    return curves


def main() -> None:
    """Read the arguments, print the tables, and write the page if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", nargs="*", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--trials", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--versions", type=int, default=5_000)
    parser.add_argument(
        "--documents", type=int, default=2_000, help="at least 1,000, for find; a quarter, for save_many"
    )
    parser.add_argument("--seconds", type=float, default=0.7, help="for which each operation is repeated")
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=[each for each in SECTIONS if each != "memory"])
    parser.add_argument("--cpu", action="store_true", help="time by the CPU time of this process: for a busy machine")
    parser.add_argument("--large", action="store_true", help="100,000 trials and versions too, and memory")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and {PICTURE.name}")
    chosen = parser.parse_args()
    if chosen.large:
        chosen.trials, chosen.versions, chosen.only = [*chosen.trials, 100_000], 100_000, list(SECTIONS)
    chosen.patience = Patience(chosen.seconds, clock=time.process_time if chosen.cpu else time.perf_counter)
    printed = Copied()
    with contextlib.redirect_stdout(printed):
        print(f"{machine()}{', CPU time of this process' if chosen.cpu else ''}\n")
        curves = run(chosen)
    if chosen.write and any(curves.values()):
        write_into(PAGE, "bench", printed.getvalue())
        panels = {TITLES[backend]: drawn for backend, drawn in curves.items()}
        plot.write(PICTURE, panels, f"Median of one run, {machine()}. Both axes are logarithmic.")


if __name__ == "__main__":
    main()
