"""What it costs to find among many experiments, beside the same SELECT by the bare driver, written by hand.

Each search is made among all of them and among a tenth of them. Where the answer is larger among all, there is a star.
The driver gives tuples; docstore makes a ``DocumentInfo`` of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from floors import DRIVERS, Driver
from harness import Operation, Patience, Row, always, growth, measured
from workload import experiment

import docstore
from docstore import DocumentInfo, Found, Store

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
"""How one who knows this database would write the two places in SQL, and index them."""

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
    values: list[Any]


def made(number: int) -> Iterator[docstore.Experiment]:
    """Yield so many experiments: of a team for each 20, of the rare type 20 of all, of seven other types the rest."""
    for index in range(number):
        each = experiment(TRIALS, f"experiment-{index:07}")
        each.properties = {"team": f"team-{index // FEW}", "rank": index}
        each.experiment_type = "RARE" if index % (number // FEW) == 0 else f"TYPE_{index % 7}"
        yield each


def fill(store: Store, driver: Driver, backend: str, number: int) -> None:
    """Save so many experiments, with indexes of team and rank, and the same indexes by hand."""
    store.save_many(made(number), batch=1_000)
    store.create_index("/properties/team")
    store.create_index("/properties/rank")
    heads = "" if backend == "mariadb" else "WHERE path = ''"
    indexes = [
        f"CREATE INDEX {name}_by_hand_index ON documents ({place[backend].format('')}) {heads}"
        for name, place in (("team", TEAMS), ("rank", RANKS))
    ]
    cursor = driver.db.cursor()
    for statement in [*(COLUMNS_BY_HAND if backend == "mariadb" else []), *indexes]:
        cursor.execute(statement)
    cursor.execute("ANALYZE TABLE documents" if backend == "mariadb" else "ANALYZE")
    cursor.close()
    driver.db.commit()


def searches(store: Store, driver: Driver, backend: str, number: int) -> list[Search]:
    """Return the searches, each to be made again and again."""
    select = f"SELECT {COLUMNS} FROM {JOINED.format(column=driver.name('column'))} WHERE {LIVE}"
    count, order = f"SELECT count(*) FROM documents d WHERE {LIVE}", "ORDER BY d.name"
    codes = dict(driver.select("SELECT name, value FROM codes WHERE name IN ('RARE', 'DRAFT')"))
    rare = [codes["RARE"], codes["DRAFT"]]
    name, pages = f"experiment-{number // 2:07}", store.find("experiment")
    cursor, before = to_last_page(pages)
    by_type = "AND d.type = ? AND d.status = ?"
    by_place = f"AND {TEAMS[backend].format('d.')} = ?"
    rank = RANKS[backend].format("d.")
    between = f"AND {rank} >= ? AND {rank} < ?"
    low, high = number // 2, number // 2 + FEW
    place = docstore.q("/properties/rank")

    def find(**conditions: Any) -> Found[DocumentInfo]:
        return store.find("experiment", **conditions)

    def of_rare() -> Found[DocumentInfo]:
        return find(type="RARE", status="DRAFT")

    def between_ranks() -> Found[DocumentInfo]:
        return find(where=(place >= low) & (place < high))

    return [
        Search("by name", lambda: list(find(name=name)), f"{select} AND d.name = ?", [name]),
        Search(f"by type and status: {FEW}", lambda: list(of_rare()), f"{select} {by_type} {order}", rare),
        Search(
            f"by an indexed place: {FEW}",
            lambda: list(find(where={"/properties/team": "team-0"})),
            f"{select} {by_place} {order}",
            ["team-0"],
        ),
        Search(
            f"between, of an indexed place: {FEW}",
            lambda: list(between_ranks()),
            f"{select} {between} {order}",
            [low, high],
        ),
        Search(f"count by type and status: {FEW}", lambda: of_rare().count(), f"{count} {by_type}", rare),
        Search("count of all *", lambda: find().count(), count, []),
        Search(f"first page of {PAGE}", lambda: pages.page(PAGE), f"{select} {order} LIMIT {PAGE}", []),
        Search(
            f"last page of {PAGE}",
            lambda: pages.page(PAGE, after=cursor),
            f"{select} AND d.name > ? {order} LIMIT {PAGE}",
            [before],
        ),
    ]


def to_last_page(found: Found[DocumentInfo]) -> tuple[str | None, str]:
    """Return the cursor of the page before the last, and the last name on it."""
    cursor, before = None, ""
    while (page := found.page(PAGE, after=cursor)).cursor is not None:
        cursor, before = page.cursor, page[-1].name
    return cursor, before


def rows(backend: str, fresh: Callable[[], str], number: int, patience: Patience) -> Iterator[Row]:
    """Yield the row of each search among so many experiments."""
    url = fresh()
    with docstore.connect(url) as store, closing(DRIVERS[backend](url)) as driver:
        fill(store, driver, backend, number)
        for search in searches(store, driver, backend, number):
            by_hand = always(lambda search=search: driver.select(search.sql, search.values))
            yield measured(Operation(search.title, always(search.ours), "the driver, by hand", by_hand), patience)


def rows_with_growth(backend: str, fresh: Callable[[], str], number: int, patience: Patience) -> Iterator[Row]:
    """Yield the row of each search among so many experiments, and then how it grows from a tenth of them."""
    few = list(rows(backend, fresh, number // 10, patience))
    many = []
    for row in rows(backend, fresh, number, patience):
        many.append(row)
        yield row
    for before, after in zip(few, many, strict=True):
        yield growth(before, after, (number // 10, number))
