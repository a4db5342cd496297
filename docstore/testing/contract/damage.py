"""Promises of damage: rows that something else changed are refused when read, and located by verify."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import DamagedDocumentError
from docstore.testing.contract.setting import OpenStore, Setting
from docstore.testing.experiments import new_experiment


def run(store: docstore.Store, statement: str) -> None:
    """Run *statement* behind the store's back, on one row."""
    with store.engine.begin() as connection:
        assert connection.execute(sa.text(statement)).rowcount == 1


def places(store: docstore.Store) -> set[tuple[str, str, str]]:
    """Return where there is damage."""
    return {(each.name, each.table, each.where) for each in store.verify()}


OF_NOTE = "id = (SELECT id FROM (SELECT id FROM documents WHERE name = 'n1') AS note)"


class DamagePromises(Setting):
    """A note was put twice, beside an experiment."""

    @pytest.fixture
    def kept(self, store: docstore.Store) -> docstore.Store:
        """The store with both."""
        store.put("note", "n1", {"n": 1}, message="first")
        store.put("note", "n1", {"n": 2}, message="second")
        store.save(new_experiment(trials=2, experiment_type="CAKE"))
        return store

    def test_what_only_docstore_wrote_has_no_damage(self, kept: docstore.Store) -> None:
        kept.revert("n1", 1, kind="note")
        kept.delete("cakes")

        assert kept.verify() == []

    def test_an_empty_database_has_no_damage(self, store: docstore.Store) -> None:
        assert store.verify() == []

    def test_a_body_that_sql_changed_is_found(self, kept: docstore.Store) -> None:
        run(kept, f"""UPDATE documents SET body = '{{"n": 3}}' WHERE {OF_NOTE}""")

        assert places(kept) == {("n1", "documents", "its head")}

    def test_a_body_that_sql_changed_is_not_loaded(self, kept: docstore.Store) -> None:
        run(kept, f"""UPDATE documents SET body = '{{"n": 3}}' WHERE {OF_NOTE}""")

        with pytest.raises(DamagedDocumentError, match="its head"):
            kept.get("n1", kind="note")

    def test_a_body_that_differs_by_type_alone_is_found(self, kept: docstore.Store) -> None:
        run(kept, f"""UPDATE documents SET body = '{{"n": 2.0}}' WHERE {OF_NOTE}""")

        assert places(kept) == {("n1", "documents", "its head")}

    def test_a_part_that_sql_changed_is_found(self, kept: docstore.Store) -> None:
        run(kept, "UPDATE documents SET body = '{}' WHERE path = '/trials/1'")

        assert places(kept) == {("cakes", "documents", "/trials/1")}

    def test_a_part_that_sql_deleted_is_found(self, kept: docstore.Store) -> None:
        run(kept, "DELETE FROM documents WHERE path = '/trials/1'")

        assert places(kept) == {("cakes", "documents", "its rows")}

    def test_a_status_that_sql_changed_is_found(self, kept: docstore.Store) -> None:
        run(kept, "UPDATE documents SET status = 0 WHERE path = '/trials/1'")

        assert places(kept) == {("cakes", "documents", "/trials/1")}

    @pytest.mark.parametrize("column", ["message", "author", "digest"])
    def test_a_version_that_sql_changed_is_found(self, kept: docstore.Store, column: str) -> None:
        run(kept, f"UPDATE versions SET {column} = 'another' WHERE version = 1 AND {OF_NOTE}")

        assert ("n1", "versions", "version 1") in places(kept)

    def test_an_old_value_that_sql_changed_is_found(self, kept: docstore.Store) -> None:
        changes = '[{"op": "replace", "path": "/n", "old": 7}]'
        run(kept, f"UPDATE versions SET changes = '{changes}' WHERE version = 2 AND {OF_NOTE}")

        assert places(kept) == {("n1", "versions", "version 2"), ("n1", "versions", "version 1")}
        with pytest.raises(DamagedDocumentError, match="version 1"):
            kept.get("n1", kind="note", version=1)

    def test_a_version_that_sql_deleted_is_found(self, kept: docstore.Store) -> None:
        run(kept, f"DELETE FROM versions WHERE version = 1 AND {OF_NOTE}")

        assert ("n1", "versions", "version 1") in places(kept)

    def test_damage_of_one_document_does_not_keep_others_from_being_read(self, kept: docstore.Store) -> None:
        run(kept, f"""UPDATE documents SET body = '{{"n": 3}}' WHERE {OF_NOTE}""")

        assert kept.load("cakes").num_trials == 2

    def test_an_artifact_that_only_an_old_version_has_is_kept_and_its_loss_is_found(
        self, open_store: OpenStore, tmp_path: Path
    ) -> None:
        store = open_store(artifacts=tmp_path / "files")
        old, new = store.artifacts.put(b"old"), store.artifacts.put(b"new")
        store.put("note", "n1", {"of": [old]})
        store.put("note", "n1", {"of": [new]})

        assert store.artifacts.collect(grace=timedelta(0)).digests == ()
        store.artifacts.path(old).unlink()

        assert places(store) == {("n1", "versions", "version 2")}
