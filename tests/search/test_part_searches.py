"""Searches for the parts of many documents: what they cost the database, counted, and that each row comes once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from counting import steps_of
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore import TrialStatus, q
from docstore.errors import DatabaseError
from docstore.testing.experiments import new_experiment

MANY = 150
STATUSES = [TrialStatus.CANDIDATE, TrialStatus.RUNNING, TrialStatus.COMPLETED, TrialStatus.FAILED]


def experiments(statuses: list[list[TrialStatus]]) -> list[docstore.Experiment]:
    """An experiment for each list, with a trial of each status in it; their names come in another order."""
    found = []
    for number, several in enumerate(statuses):
        experiment = new_experiment(f"e{number * 7919 % len(statuses):04}")
        for index, status in enumerate(several):
            trial = experiment.new_trial(parameters={"x": (number * 10 + index) / 2**14, "flour": "rye"})
            trial._status = status
        found.append(experiment)
    return found


def fill(store: docstore.Store) -> None:
    store.save_many(experiments([STATUSES] * MANY))
    docstore.connect(store.engine, project="other").put("note", "n", 1)


def pages(found: Any, size: int) -> list[Any]:
    """All pages of *found*, each asked for by the cursor of the one before."""
    read = [found.page(size)]
    while read[-1].cursor is not None:
        read.append(found.page(size, after=read[-1].cursor))
    return read


SEARCHES = [
    {"status": "RUNNING"},
    {"status": ["COMPLETED", "FAILED"]},
    {"status": "RUNNING", "order_by": "-name"},
    {"status": "RUNNING", "order_by": "-updated_at"},
    {"status": "RUNNING", "name_like": "e%"},
    {"status": "RUNNING", "name_prefix": "e0"},
    {"status": "RUNNING", "where": q("/index") >= 1},
    {"status": "RUNNING", "project": ["default", "other"]},
    {"where": {"/index": 1}},
    {"updated": (datetime(2020, 1, 1, tzinfo=UTC), None)},
    {},
]


@pytest.mark.parametrize("criteria", SEARCHES, ids=str)
class TestOnSQLiteAllPagesOfTrials:
    """Without statistics, its planner would read all trials of a status once for each experiment."""

    @pytest.fixture
    def found(self, fresh_database, connect, criteria):
        store = connect(fresh_database("sqlite"))
        fill(store)
        return store, store.find(part="trial", **criteria)

    def test_take_steps_in_proportion_to_the_trials(self, found):
        store, found = found
        size = len(found) // 2

        steps = steps_of(store.engine, lambda: pages(found, size))

        assert steps < 150 * MANY * len(STATUSES)


class TestOnPostgreSQLBeforeItHasStatistics:
    @pytest.mark.parametrize("criteria", [each for each in SEARCHES if each.keys() == {"status"}], ids=str)
    def test_the_head_of_each_trial_is_looked_up_by_its_id(self, postgresql, connect, criteria):
        store = connect(postgresql)
        fill(store)

        statement = store.find(part="trial", **criteria).sql()
        with store.engine.connect() as connection:
            plan = "\n".join(row[0] for row in connection.execute(sa.text(f"EXPLAIN {statement}".replace(":", r"\:"))))

        assert "Index Scan using documents_pkey on documents heads" in plan
        assert "documents_listed" not in plan


CRITERIA = st.fixed_dictionaries(
    {},
    optional={
        "status": st.lists(st.sampled_from([each.name for each in STATUSES]), min_size=1, max_size=2),
        "name": st.sampled_from(["e0001", "nobody"]),
        "name_prefix": st.sampled_from(["e", "e000", "x"]),
        "name_like": st.sampled_from(["%1", "e%", "_"]),
        "where": st.sampled_from([q("/index") >= 1, ~(q("/index") == 1), q("/nowhere").exists()]),
        "project": st.sampled_from([["default"], ["default", "other"], ["other"]]),
        "deleted": st.booleans(),
        "kind": st.just("experiment"),
        "limit": st.integers(0, 9),
    },
)
ORDERS = st.sampled_from([None, "-name", ["-index", "name"], ["status", "-name"], "-/index"])


class TestAnyPages:
    """Against a look at each row, in Python."""

    @pytest.mark.fuzz
    def test_have_the_rows_that_a_look_at_each_gives_in_their_order(self, store, database, connect):
        statuses = [STATUSES[:n] + STATUSES[n + 1 :] for n in range(4)] * 3
        all_of = experiments(statuses)
        store.save_many(all_of[:8])
        connect(database, project="other").save_many(all_of[8:])
        store.delete("e0000")
        everything = [row for deleted in (False, True) for row in self.rows(store, deleted)]

        def law(criteria: dict[str, Any], order: Any, size: int) -> None:
            found = store.find(part="trial", order_by=order, **criteria)

            wanted = sorted((row for row in everything if is_wanted(row, criteria)), key=lambda row: by(row, order))
            assert [info for page in pages(found, size) for info in page] == wanted[: criteria.get("limit")]
            assert found.count() == len(wanted[: criteria.get("limit")])

        fuzz(law, CRITERIA, ORDERS, st.integers(1, 7), in_ci=40)

    def rows(self, store, deleted):
        return [
            row
            for project in ("default", "other")
            for row in store.find(part="trial", project=project, deleted=deleted)
        ]


def is_wanted(row: Any, criteria: dict[str, Any]) -> bool:
    """Whether a search by *criteria* is to find *row*."""
    like = {"%1": row.name.endswith("1"), "e%": row.name.startswith("e"), "_": len(row.name) == 1}
    where = str(criteria.get("where"))
    return (
        (row.deleted_at is not None) == criteria.get("deleted", False)
        and row.project in criteria.get("project", ["default"])
        and row.status in criteria.get("status", [row.status])
        and row.name == criteria.get("name", row.name)
        and row.name.startswith(criteria.get("name_prefix", ""))
        and like.get(criteria.get("name_like"), True)
        and (">= 1" not in where or row.index >= 1)
        and (not where.startswith("~") or row.index != 1)
        and "exists" not in where
    )


def by(row: Any, order: Any) -> tuple[Any, ...]:
    """Where *row* stands in *order*, of which each ends with the name, the project, the id and the index."""
    reversed_name = tuple(-ord(each) for each in row.name)
    first: dict[str, tuple[Any, ...]] = {
        "None": (row.name,),
        "-name": (reversed_name,),
        "['-index', 'name']": (-row.index, row.name),
        "['status', '-name']": (row.status, reversed_name),
        "-/index": (-row.index, row.name),
    }
    return (*first[str(order)], row.project, row.id, row.index)


class TestAPageThatDoesNotGoOn:
    """A database, or a driver, that gives the row again after which the page was to begin."""

    @pytest.fixture
    def found(self, store):
        store.save_many(experiments([STATUSES] * 3))

        def confused(connection, cursor, statement, parameters, context, executemany):
            return statement.replace("path >", "path >="), parameters

        sa.event.listen(store.engine, "before_cursor_execute", confused, retval=True)
        return store.find(part="trial")

    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_is_an_error(self, found, size):
        with pytest.raises(DatabaseError, match="returned that row again, so the pages would never end"):
            pages(found, size)
