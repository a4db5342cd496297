"""Which indexes the database uses for what a store asks: its own statements are explained, not ones like them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import docstore
from docstore import ExperimentStatus
from docstore.errors import DocumentNotFoundError, InvalidValueError
from docstore.sql.dialects import backend_of, transaction
from docstore.sql.tables import LISTED, documents
from docstore.testing.experiments import new_experiment

CROWD = 2_000
BY_NAME = ({"documents_name"}, {"documents_changed"}, *({name} for name in LISTED))
"""All have the kind and the project: where there are few of a kind, any is as good."""
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN", "mariadb": "EXPLAIN"}
ANALYZE = {"sqlite": "ANALYZE", "postgresql": "ANALYZE documents", "mariadb": "ANALYZE TABLE documents"}
PRIMARY = {"sqlite": "sqlite_autoindex_documents_1", "postgresql": "documents_pkey", "mariadb": "PRIMARY"}


def rows_of_a_crowd() -> Iterator[dict[str, Any]]:
    """Experiments of a hundred types, one in a hundred a draft, each with a trial."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    same = {"project": "default", "owner": None, "version": 1, "deleted_at": None, "digest": "0" * 64}
    times = {"created_at": moment, "updated_at": moment}
    head = {"path": "", "kind": "experiment", "position": None, "model": "docstore", "added": None, **times}
    no = dict.fromkeys(("model", "name", "type", *times))
    trial = {**no, "path": "/trials/0", "kind": "trial", "position": 0, "status": 3, "added": 1}
    for number in range(CROWD):
        id, body = f"{number:032x}", f'{{"number":{number}}}'
        status = ExperimentStatus.COMPLETED if number % 100 else ExperimentStatus.DRAFT
        codes = {"type": number % 100, "status": status.value}
        changed = {"updated_at": moment + timedelta(seconds=number)}
        yield {**same, **head, **codes, **changed, "id": id, "name": f"e{number}", "body": body}
        yield {**same, **trial, "id": id, "body": body}


@pytest.fixture
def crowded(shared_stores, backend):
    """A store with two thousand experiments, whose database knows what there is; it may only be read."""
    with shared_stores.filled(backend, "crowd", crowd) as store:
        yield store


@pytest.fixture
def own_crowded(fresh_database, connect, backend):
    """Such a store of the test's own."""
    store = connect(fresh_database(backend))
    crowd(store)
    return store


def crowd(store: docstore.Store) -> None:
    store.save(new_experiment(trials=2, experiment_type="CAKE"))
    store.put("note", "n1", 1)
    fill(store)


def fill(store: docstore.Store) -> None:
    with transaction(store.engine, write=True) as connection:
        backend_of(connection).insert_many(connection, documents, list(rows_of_a_crowd()))
    with store.engine.connect() as connection:
        connection.exec_driver_sql(ANALYZE[store.engine.dialect.name]).close()
        connection.commit()


def indexes_used(store: docstore.Store, call: str, *arguments: Any, **options: Any) -> list[set[str]]:
    """The indexes on documents that the database uses, for each SELECT from that table that a call makes."""
    issued: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if re.match(r"SELECT\s.*\sFROM documents\b", statement, re.DOTALL):
            issued.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        with contextlib.suppress(DocumentNotFoundError):
            found = getattr(store, call)(*arguments, **options)
            list(found) if call == "find" else found
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    return [explained(store, *each) for each in issued]


def explained(store: docstore.Store, statement: str, parameters: Any = ()) -> set[str]:
    """The indexes on documents that the database uses for a statement."""
    dialect = store.engine.dialect.name
    with store.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"{EXPLAIN[dialect]} {statement}", parameters or None).mappings().all()
    if dialect == "mariadb":
        return {step["key"] for step in plan if step["table"] == "documents" and step["key"]}
    used = (
        r"(?:INDEX|Index (?:Only )?Scan (?:Backward )?using|Bitmap Index Scan on) ((?:sqlite_autoindex_)?documents_\w+)"
    )
    return set(re.findall(used, "\n".join(str(value) for step in plan for value in step.values())))


class TestFind:
    """Among two thousand experiments."""

    @pytest.mark.parametrize(
        ("criteria", "index"),
        [
            ({"type": 7}, "type"),
            ({"type": 7, "deleted": True}, "deleted"),
            ({"status": ExperimentStatus.DRAFT}, "status"),
            ({"status": ["DRAFT", "OPTIMIZATION"]}, "status"),
            ({"type": 7, "status": "COMPLETED"}, "type_status"),
        ],
        ids=["type", "type of the deleted", "status", "statuses", "both"],
    )
    def test_uses_the_index_of_what_it_finds_by(self, crowded, backend, criteria, index):
        (used,) = indexes_used(crowded, "find", kind="experiment", **criteria)

        # Of several statuses, SQLite would rather walk in the order of names than sort.
        walks = {"documents_listed"} if isinstance(criteria.get("status"), list) else set()
        # MariaDB has no index of deleted documents.
        walks |= {"documents_type"} if criteria.get("deleted") and backend == "mariadb" else set()
        assert used <= {f"documents_{each}" for each in index.split("_")} | {f"documents_listed_{index}"} | walks
        assert used

    @pytest.mark.parametrize("criteria", [{"name": "e7"}, {"name": "e7", "kind": "experiment"}], ids=["name", "kind"])
    def test_uses_an_index_of_names(self, crowded, criteria):
        (used,) = indexes_used(crowded, "find", **criteria)

        assert used in BY_NAME

    @pytest.mark.parametrize(
        ("criteria", "index"),
        [
            ({}, "documents_listed"),
            ({"type": 7}, "documents_listed_type"),
            ({"status": "DRAFT"}, "documents_listed_status"),
            ({"type": 7, "status": "COMPLETED"}, "documents_listed_type_status"),
        ],
        ids=["all", "type", "status", "both"],
    )
    def test_lists_documents_in_the_order_of_an_index(self, crowded, backend, criteria, index):
        (used,) = indexes_used(crowded, "find", kind="experiment", limit=3, **criteria)

        # MariaDB sorts those that an index finds.
        assert used == {index} or (backend == "mariadb" and not used & LISTED.keys())

    @pytest.mark.parametrize(
        ("backend", "kind"),
        # Of 2,000 of one kind that it has counted, SQLite would rather sort.
        [("sqlite", None), ("postgresql", None), ("postgresql", "experiment")],
        indirect=["backend"],
    )
    def test_lists_what_changed_last_in_the_order_of_an_index(self, crowded, kind):
        (used,) = indexes_used(crowded, "find", kind=kind, order_by="-updated_at", limit=3)

        assert used == {"documents_changed"}

    @pytest.mark.parametrize("kind", ["experiment", None])
    @pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
    def test_lists_deleted_documents_by_their_index(self, crowded, kind):
        (used,) = indexes_used(crowded, "find", kind=kind, deleted=True)

        assert used == {"documents_deleted"}


class TestAWrongName:
    """Among two thousand experiments."""

    @pytest.mark.parametrize("call", ["load", "undelete"])
    def test_is_looked_for_by_indexes_of_names_alone(self, crowded, call):
        used = indexes_used(crowded, call, "caks")

        assert used
        assert all(each in (*BY_NAME, {"documents_deleted"}) for each in used)


@pytest.mark.parametrize("kind", ["generation_strategy", None])
def test_sqlite_finds_what_is_owned_by_the_index_of_owners(fresh_database, connect, kind):
    """Of a thousand experiments with a generation strategy each; SQLite has looked at none of them."""
    store = connect(fresh_database("sqlite"))
    heads = [row for row in rows_of_a_crowd() if not row["path"]][:1_000]
    owned = {"kind": "generation_strategy", "type": None, "status": None}
    strategies = [{**row, **owned, "id": f"{row['name']:f>32}", "owner": row["id"]} for row in heads]
    with transaction(store.engine, write=True) as connection:
        backend_of(connection).insert_many(connection, documents, heads + strategies)

    (used,) = indexes_used(store, "find", kind=kind, owner="e7")

    assert "documents_owner" in used
    assert store.find(kind, owner="e7").names() == ["e7"]


class TestADocumentOfItsName:
    """Among two thousand experiments."""

    @pytest.mark.parametrize("call", ["load", "get"])
    def test_is_read_by_the_index_of_names_and_its_rows_by_their_key(self, crowded, backend, call):
        named, *others = indexes_used(crowded, call, "cakes")

        assert named in BY_NAME
        assert others == [{PRIMARY[backend]}]

    def test_has_its_history_read_by_the_index_of_names(self, crowded):
        (used,) = indexes_used(crowded, "history", "cakes")

        assert used in BY_NAME

    def test_is_saved_by_its_key_alone(self, own_crowded, backend):
        loaded = own_crowded.load("cakes")
        loaded.description = "with salt"

        used = indexes_used(own_crowded, "save", loaded)

        assert len(used) > 1
        assert all(each == {PRIMARY[backend]} for each in used)

    def test_is_put_by_the_index_of_names_and_its_key(self, own_crowded, backend):
        used = indexes_used(own_crowded, "put", "note", "n1", 2)

        assert used[0] in BY_NAME
        assert all(each in (*BY_NAME, {PRIMARY[backend]}) for each in used)

    def test_is_deleted_by_the_indexes_of_names_and_owners_and_its_key(self, own_crowded, backend):
        named, *others = indexes_used(own_crowded, "delete", "cakes")

        assert named in BY_NAME
        # What belongs to it is found by its owner.
        assert all(each in (*BY_NAME, {PRIMARY[backend]}, {"documents_owner"}) for each in others)


@pytest.mark.parametrize("columns", ["id, trial_index", "experiment, trial_index"])
@pytest.mark.parametrize("views", ["parameters_long JOIN observations", "trials JOIN observations"])
def test_sqlite_joins_views_of_parts_by_the_index_of_positions(fresh_database, connect, views, columns):
    """SQLite has looked at none of them, and would compare each trial with all data."""
    store = connect(fresh_database("sqlite"))
    query = f"EXPLAIN QUERY PLAN SELECT count(*) FROM {views} USING ({columns})"

    with store.engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(query)]

    assert "SEARCH p USING INDEX documents_position (id=? AND position=?)" in plan


def body_indexes(store: docstore.Store) -> list[str]:
    """How the index of bodies was made, if it was."""
    query = sa.text(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'documents_body' AND schemaname = current_schema()"
    )
    with store.engine.connect() as connection:
        return list(connection.execute(query).scalars())


class TestTheIndexOfBodies:
    """PostgreSQL's, for who asks for it."""

    CONTAINS = """SELECT name FROM documents WHERE body @> '{"number": 7}'"""

    def test_is_there_where_it_is_asked_for(self, postgresql, connect):
        [made] = body_indexes(connect(postgresql, body_index=True))

        assert "USING gin (body jsonb_path_ops)" in made

    def test_is_not_there_otherwise(self, postgresql, connect):
        assert body_indexes(connect(postgresql)) == []

    def test_is_made_where_there_are_tables_and_documents_already(self, postgresql, connect):
        connect(postgresql).save(new_experiment(trials=1))

        store = connect(postgresql, body_index=True)

        assert len(body_indexes(store)) == 1
        assert (store.load("cakes").num_trials, store.verify()) == (1, [])

    def test_is_made_once(self, postgresql, connect):
        for _ in range(2):
            store = connect(postgresql, body_index=True)

        assert len(body_indexes(store)) == 1

    def test_stays_where_it_is_not_asked_for_again(self, postgresql, connect):
        connect(postgresql, body_index=True)

        assert len(body_indexes(connect(postgresql))) == 1

    def test_serves_a_search_for_what_a_body_contains(self, postgresql, connect):
        store = connect(postgresql, body_index=True)
        fill(store)

        assert explained(store, self.CONTAINS) == {"documents_body"}

    def test_is_missed_by_that_search_where_it_is_not(self, postgresql, connect):
        store = connect(postgresql)
        fill(store)

        assert explained(store, self.CONTAINS) == set()

    def test_takes_bodies_that_are_changed_and_deleted(self, postgresql, connect):
        store = connect(postgresql, body_index=True)
        experiment = new_experiment(trials=2)
        store.save(experiment)
        experiment.description = "with salt"
        del experiment._trials[1], experiment._data[1]
        store.save(experiment)

        assert (docstore.dumps(store.load("cakes")), store.verify()) == (docstore.dumps(experiment), [])

    @pytest.mark.parametrize("backend", ["sqlite", "mariadb"], indirect=True)
    def test_is_refused_elsewhere(self, database):
        with pytest.raises(InvalidValueError, match=r"body_index: True cannot be used. Only PostgreSQL has one"):
            docstore.connect(database, body_index=True)
