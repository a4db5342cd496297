"""A program that optimizes with two clients on one experiment, each in a process of its own, at the same time.

Run as ``python two_clients.py TRIALS``. It reads the URL of a database from stdin, in which the experiment is. Each
process loads it, and begins when both have; it asks for so many trials, and completes each. For each trial it writes a
line of JSON to stdout: the number and the parameters that it was given.
"""

from __future__ import annotations

import json
import os
import sys

import torch
from clients import NAME, loss

import docstore
from docstore.ax import Client


def optimize(url: str, trials: int, ready: int, start: int) -> None:
    with docstore.connect(url) as store:
        client = Client.load(NAME, storage=store, random_seed=1)
        os.write(ready, b".")
        os.read(start, 1)
        for _ in range(trials):
            [(index, parameters)] = client.get_next_trials(1).items()
            os.write(sys.stdout.fileno(), f"{json.dumps([index, parameters])}\n".encode())
            client.complete_trial(index, {"loss": loss(parameters)})


def main(trials: int) -> None:
    url = sys.stdin.readline().strip()
    torch.set_num_threads(1)  # a fork has no threads but its own
    (ready, tell_ready), (start, tell_start) = os.pipe(), os.pipe()
    processes = []
    for _ in range(2):
        process = os.fork()
        if process == 0:
            optimize(url, trials, tell_ready, start)
            os._exit(0)
        processes.append(process)
    for _ in processes:
        os.read(ready, 1)
    os.write(tell_start, b"..")
    statuses = [os.waitpid(process, 0)[1] for process in processes]
    sys.exit(any(statuses))


if __name__ == "__main__":
    main(int(sys.argv[1]))
