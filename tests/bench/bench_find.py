"""What it costs to find among many experiments, beside SQL that is written by hand: ratios of one run, never a test.

The experiments have 10 trials each, with data; ``save_many`` saves them, and its rate is told. Each search is made
among all of them and among a tenth of them; *grows* is the ratio of the two. Where the answer is larger, there is a
star.

By hand: the same SELECT as a text, and ``execute(text(...)).all()`` in a transaction of SQLAlchemy's. By the driver:
the same on the bare driver's connection. Both give tuples; docstore makes a ``DocumentInfo`` of each row.

A hundred thousand of them: ``python tests/bench/bench_find.py --experiments 100000``; it takes half an hour.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import docstore
from docstore import DocumentInfo, Found

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # the servers of the tests
from backends import BACKENDS, Backends
from bench_store import experiment, timed

TRIALS = 10
FEW = 20
"""Experiments of one team, and of the rare type: as many among all as among a tenth."""

PAGE = 100

COLUMNS = """d.id, d.project, d.kind, d.name, t.name, s.name, d.owner, d.model, d.version, d.created_at, d.updated_at,
    d.deleted_at"""
JOINED = """documents d LEFT JOIN codes t ON t.{column} = 'experiment_type' AND t.value = d.type
    LEFT JOIN codes s ON s.{column} = 'experiment_status' AND s.value = d.status"""
LIVE = "d.path = '' AND d.deleted_at IS NULL AND d.project = 'default' AND d.kind = 'experiment'"

TEAMS = {
    "sqlite": "json_extract({}body, '$.properties.team')",
    "postgresql": "({}body #>> '{{properties,team}}')",
    "mariadb": "{}team_by_hand",
}
RANKS = {
    "sqlite": "json_extract({}body, '$.properties.rank')",
    "postgresql": "(({}body #>> '{{properties,rank}}')::bigint)",
    "mariadb": "{}rank_by_hand",
}
"""How one who knows this database would spell the two places, and index them."""

COLUMNS_BY_HAND = [
    "ALTER TABLE documents ADD team_by_hand VARCHAR(191) AS (json_value(body, '$.properties.team'))",
    "ALTER TABLE documents ADD rank_by_hand BIGINT AS (json_value(body, '$.properties.rank'))",
]
"""Of MariaDB, which has no indexes on expressions."""


@dataclass(frozen=True)
class Search:
    """A search by the store, and the SELECT that one would write by hand."""

    title: str
    ours: Callable[[], object]
    sql: str
    values: dict[str, Any]


def made(number: int) -> Iterator[docstore.Experiment]:
    """Yield so many experiments: of a team for each 20, of the rare type 20 of all, of seven other types the rest."""
    for index in range(number):
        each = experiment(TRIALS)
        each.name = f"experiment-{index:07}"
        each.properties = {"team": f"team-{index // FEW}", "rank": index}
        each.experiment_type = "RARE" if index % (number // FEW) == 0 else f"TYPE_{index % 7}"
        yield each


def filled(url: str, number: int) -> docstore.Store:
    """Return a store of so many experiments, with indexes of team and rank, and the same by hand; tell the rate."""
    store = docstore.connect(url)
    start, saving, objects = time.perf_counter(), 0.0, made(number)
    while batch := [each for _, each in zip(range(1_000), objects, strict=False)]:
        saving += timed(lambda batch=batch: store.save_many(batch)) / 1_000
    rate = number / saving
    taken = time.perf_counter() - start
    print(f"# saved {number:,}: {rate:,.0f} a second, made and saved in {taken:,.0f} s", flush=True)
    store.create_index("/properties/team")
    store.create_index("/properties/rank")
    dialect = store.engine.dialect.name
    heads = "" if dialect == "mariadb" else "WHERE path = ''"
    with store.engine.connect() as connection:
        for statement in COLUMNS_BY_HAND if dialect == "mariadb" else []:
            connection.exec_driver_sql(statement)
        for name, place in (("of_team_by_hand", TEAMS[dialect]), ("of_rank_by_hand", RANKS[dialect])):
            connection.exec_driver_sql(f"CREATE INDEX {name} ON documents ({place.format('')}) {heads}")
        connection.exec_driver_sql("ANALYZE TABLE documents" if dialect == "mariadb" else "ANALYZE")
        connection.commit()
    return store


def searches(store: docstore.Store, number: int) -> list[Search]:
    """Return the searches, each to be made again and again."""
    dialect = store.engine.dialect
    column = dialect.identifier_preparer.quote_identifier("column")
    select = f"SELECT {COLUMNS} FROM {JOINED.format(column=column)} WHERE {LIVE}"
    count, order = f"SELECT count(*) FROM documents d WHERE {LIVE}", "ORDER BY d.name"
    with store.engine.connect() as connection:
        known = sa.text("SELECT name, value FROM codes WHERE name IN ('RARE', 'DRAFT')")
        codes = dict(map(tuple, connection.execute(known)))
    rare = {"type": codes["RARE"], "status": codes["DRAFT"]}
    name, pages = f"experiment-{number // 2:07}", store.find("experiment")
    cursor, before = to_last_page(pages)
    by_type = "AND d.type = :type AND d.status = :status"
    by_place = f"AND {TEAMS[dialect.name].format('d.')} = :team"
    rank = RANKS[dialect.name].format("d.")
    between = f"AND {rank} >= :low AND {rank} < :high"

    def named() -> Found[DocumentInfo]:
        return store.find("experiment", name=name)

    def rarely() -> Found[DocumentInfo]:
        return store.find("experiment", type="RARE", status="DRAFT")

    def of_team() -> Found[DocumentInfo]:
        return store.find("experiment", where={"/properties/team": "team-7"})

    def of_ranks() -> Found[DocumentInfo]:
        place = docstore.q("/properties/rank")
        return store.find("experiment", where=(place >= 100) & (place < 100 + FEW))

    return [
        Search("by name", lambda: list(named()), f"{select} AND d.name = :name", {"name": name}),
        Search(f"by type and status: {FEW}", lambda: list(rarely()), f"{select} {by_type} {order}", rare),
        Search(
            f"by an indexed place: {FEW}", lambda: list(of_team()), f"{select} {by_place} {order}", {"team": "team-7"}
        ),
        Search(
            f"between, of an indexed place: {FEW}",
            lambda: list(of_ranks()),
            f"{select} {between} {order}",
            {"low": 100, "high": 100 + FEW},
        ),
        Search(f"count by type and status: {FEW}", lambda: rarely().count(), f"{count} {by_type}", rare),
        Search("count of all *", lambda: store.find("experiment").count(), count, {}),
        Search(f"first page of {PAGE}", lambda: pages.page(PAGE), f"{select} {order} LIMIT {PAGE}", {}),
        Search(
            f"last page of {PAGE}",
            lambda: pages.page(PAGE, after=cursor),
            f"{select} AND d.name > :before {order} LIMIT {PAGE}",
            {"before": before},
        ),
    ]


def to_last_page(found: Found[DocumentInfo]) -> tuple[str | None, str]:
    """Return the cursor of the page before the last, and the last name on it."""
    cursor, before = None, ""
    while (page := found.page(PAGE, after=cursor)).cursor is not None:
        cursor, before = page.cursor, page[-1].name
    return cursor, before


def by_hand(store: docstore.Store, search: Search) -> Callable[[], object]:
    """Return what makes the search by SQLAlchemy."""
    statement = sa.text(search.sql)

    def work() -> object:
        with store.engine.connect() as connection:
            return connection.execute(statement, search.values).all()

    return work


def by_driver(store: docstore.Store, search: Search) -> Callable[[], object]:
    """Return what makes the search by the bare driver, on a connection of its own."""
    compiled = sa.text(search.sql).bindparams(**search.values).compile(dialect=store.engine.dialect)
    names = compiled.positiontup if compiled.positional else None
    values = compiled.params if names is None else [compiled.params[name] for name in names]
    driver = store.engine.raw_connection().driver_connection

    def work() -> object:
        cursor = driver.cursor()
        cursor.execute(str(compiled), values)
        found = cursor.fetchall()
        driver.commit()
        return found

    return work


def medians(works: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Return the median of each, in milliseconds, made in turn, and each time twice: the second is timed."""
    rounds = [[(work(), timed_alone(work))[1] for work in works] for _ in range(runs)]
    return [statistics.median(each) for each in zip(*rounds, strict=True)]


def timed_alone(work: Callable[[], object]) -> float:
    """Return how long *work* took, in milliseconds; a search is over before garbage would be collected."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def bench(backend: str, fresh: Callable[[], str], number: int, runs: int) -> None:
    """Print the table of one database."""
    sizes = number // 10, number
    stores = [filled(fresh(), size) for size in sizes]
    both = [searches(store, size) for store, size in zip(stores, sizes, strict=True)]
    title = f"{backend}, {number:,} experiments, median ms"
    print(f"{title:46} {'docstore':>9} {'by hand':>9} {'driver':>9} {'ratio':>9} {'grows':>9}")
    for few, many in zip(*both, strict=True):
        works = [many.ours, by_hand(stores[1], many), by_driver(stores[1], many), few.ours]
        ours, hand, driver, ours_of_few = medians(works, runs)
        ratio, grows = ours / hand, ours / ours_of_few
        print(f"{many.title:46} {ours:9.2f} {hand:9.2f} {driver:9.2f} {ratio:7.2f} x {grows:7.2f} x", flush=True)
    for store in stores:
        store.close()


def main() -> None:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", nargs="*", choices=BACKENDS, default=["sqlite", "postgresql"])
    parser.add_argument("--experiments", type=int, default=2_000, help="at least 1,000; among all, and a tenth of them")
    parser.add_argument("--runs", type=int, default=21)
    arguments = parser.parse_args()
    with ExitStack() as used:
        folder = Path(used.enter_context(tempfile.TemporaryDirectory()))
        backends = Backends(os.environ)
        used.callback(backends.close)
        made_so_far = iter(range(1_000))
        for backend in arguments.database:

            def fresh(backend: str = backend) -> str:
                return used.enter_context(backends.fresh(backend, folder / f"{next(made_so_far)}.db"))

            bench(backend, fresh, arguments.experiments, arguments.runs)


if __name__ == "__main__":
    main()
