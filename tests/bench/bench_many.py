"""Many small experiments saved and loaded at once, beside the bare driver on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

from floors import Loader, Mirror, parsed
from harness import Goal, Operation, Patience, Row, Work, always, measured
from workload import experiment

import docstore
from docstore import Experiment, Store

TRIALS = 10
RATE = Goal(1 / 0.7)
"""70 % of the driver's rate."""


def operations(store: Store, mirror: Mirror, number: int) -> Iterator[Operation]:
    """Yield saving so many new experiments, and loading them."""
    names = count()

    def many() -> list[Experiment]:
        return [experiment(TRIALS, f"many-{next(names):07}") for _ in range(number)]

    def save(round_: int) -> Work:
        objects = many()
        return lambda: store.save_many(objects)

    yield Operation(f"save_many, {number:,} of {TRIALS} trials", save, "the driver, same rows", mirror.next, RATE)
    first, last = "many-0000000", f"many-{number - 1:07}"
    loader = Loader(mirror.second, dict(parsed(mirror.second, first)))
    found = store.find("experiment", name_prefix="many-", order_by="name", limit=number)
    yield Operation(
        f"find().load(), {number:,} of {TRIALS} trials",
        always(lambda: list(found.load())),
        "the driver, dataclasses",
        always(lambda: loader.load_many(first, last)),
        RATE,
    )


def rows(backend: str, fresh: Callable[[], str], number: int, patience: Patience) -> Iterator[Row]:
    """Yield each row for so many experiments at once."""
    url = fresh()
    with docstore.connect(url) as store, closing(Mirror(backend, url, fresh())) as mirror:
        for operation in operations(store, mirror, number):
            yield measured(operation, patience)
