"""A program that optimizes in processes which kill themselves; run as ``python killed_client.py URL TRIALS KILLS``.

Each process is forked, as to import Ax takes seconds. It ends by SIGKILL after a random number of calls of functions,
wherever that is: in Ax, in docstore, or in a transaction. The last one may end by itself.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from itertools import count

import torch
from clients import NAME, new_client, run

import docstore
from docstore.ax import Client

LONGEST = 700_000
"""Calls of functions that a process makes at most."""


def optimize(url: str, trials: int) -> None:
    with docstore.connect(url) as store:
        client = Client.load(NAME, storage=store, random_seed=1) if store.exists(NAME) else new_client(store)
        run(client, trials)


def die_after(calls: int) -> None:
    counted = count(1)

    def note(*_: object) -> None:
        if next(counted) == calls:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(note)


def main(url: str, trials: int, kills: int) -> None:
    torch.set_num_threads(1)  # a fork has no threads but its own
    chance, killed = random.Random(11), 0
    while True:
        calls = chance.randint(1, LONGEST)
        process = os.fork()
        if process == 0:
            if killed < kills:
                die_after(calls)
            optimize(url, trials)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    print(killed, status)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
