"""A program that optimizes in processes which kill themselves; run as ``python killed_client.py PROGRAM TRIALS KILLS``.

It reads the URL of a database from stdin. Its last line says how many processes were killed and how the last one ended.

Each process is forked, as to import Ax takes seconds. It ends by SIGKILL at a random moment: of the moments at which
any function is called, most of which are in Ax's models; and, in every second process, of those right before and after
a statement or a COMMIT. The last process may end by itself.
"""

from __future__ import annotations

import os
import random
import runpy
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Final

import torch
from clients import NAME, new_client, run

import docstore
from docstore.ax import Client

EXAMPLE: Final = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "ax_client.py"))


def bowl(store: docstore.Store, trials: int) -> None:
    """Optimize by the points of a Sobol sequence."""
    client = Client.load(NAME, storage=store, random_seed=1) if store.exists(NAME) else new_client(store)
    run(client, trials)


def hartmann6(store: docstore.Store, trials: int) -> None:
    """Optimize by BoTorch's models, as the example does."""
    name = EXAMPLE["NAME"]
    client = Client.load(name, storage=store) if store.exists(name) else EXAMPLE["plan"](store)
    EXAMPLE["optimize"](client, trials)


PROGRAMS: Final[dict[str, tuple[Callable[[docstore.Store, int], None], int]]] = {
    "bowl": (bowl, 700_000),
    "hartmann6": (hartmann6, 2_500_000),
}
"""What to run, and how many calls of functions a process makes at most."""

MOST_STATEMENTS: Final = 400
"""How many moments beside a statement a process lives through at most: a load has 70 of them, a trial a hundred."""


def die_after(moments: int, *, beside_statements: bool) -> None:
    """Kill this process at the moment of this number: a call, a return, or one of those in SQLAlchemy's calls."""
    counted = count(1)

    def note(frame: FrameType, *_: object) -> None:
        is_statement = frame.f_code.co_name in ("do_execute", "do_executemany", "do_commit")
        if (is_statement or not beside_statements) and next(counted) == moments:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(note)


def main(program: str, trials: int, kills: int) -> None:
    url = sys.stdin.readline().strip()
    optimize, most_calls = PROGRAMS[program]
    torch.set_num_threads(1)  # a fork has no threads but its own
    torch.manual_seed(0)
    chance, killed = random.Random(11), 0
    while True:
        beside_statements = killed % 2 == 1
        moments = chance.randint(1, MOST_STATEMENTS if beside_statements else most_calls)
        process = os.fork()
        if process == 0:
            if killed < kills:
                die_after(moments, beside_statements=beside_statements)
            with docstore.connect(url) as store:
                optimize(store, trials)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    print(killed, status)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
