"""Promises of a save that fails: nothing is changed, and the next save succeeds."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import EncodeError
from docstore.testing.contract.setting import OpenStore, Setting, contents
from docstore.testing.experiments import add_trial, new_experiment


class Interruption(Exception):
    """Something that docstore knows nothing of happens in the middle of a save."""


def interrupt_statement(engine: sa.Engine, verb: str) -> None:
    """Let the next statement with *verb* in it fail, after the database has run it; one statement may write all."""

    @sa.event.listens_for(engine, "after_cursor_execute")
    def interrupt(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if verb in statement.upper():
            sa.event.remove(engine, "after_cursor_execute", interrupt)
            raise Interruption(verb)


def interrupt_commit(engine: sa.Engine) -> None:
    """Let the next transaction fail where all is written and nothing is committed."""

    @sa.event.listens_for(engine, "commit")
    def interrupt(connection: Any) -> None:
        sa.event.remove(engine, "commit", interrupt)
        raise Interruption("COMMIT")


WRITES: Final = ("INSERT INTO VERSIONS", "UPDATE DOCUMENTS", "DELETE FROM DOCUMENTS", "COMMIT")


def interrupt(engine: sa.Engine, write: str) -> None:
    """Let the next save fail at *write*."""
    if write == "COMMIT":
        interrupt_commit(engine)
    else:
        interrupt_statement(engine, write)


class FailurePromises(Setting):
    """An experiment at version 1 has a new trial, a changed one and one less; its save fails."""

    @pytest.fixture
    def changed(self, store: docstore.Store) -> docstore.Experiment:
        """The experiment."""
        experiment = new_experiment(trials=3)
        store.save(experiment)
        add_trial(experiment)
        experiment.trials[0].run_metadata["a"] = 1
        del experiment.trials[2]
        return experiment

    @pytest.mark.parametrize("write", WRITES)
    def test_a_save_that_fails_leaves_everything_as_it_was(
        self, store: docstore.Store, changed: docstore.Experiment, write: str
    ) -> None:
        before = contents(store)
        interrupt(store.engine, write)

        with pytest.raises(Interruption):
            store.save(changed)

        assert contents(store) == before

    @pytest.mark.parametrize("write", ["INSERT INTO VERSIONS", "COMMIT"])
    def test_the_save_after_a_failed_one_succeeds(
        self, store: docstore.Store, changed: docstore.Experiment, write: str
    ) -> None:
        interrupt(store.engine, write)
        with pytest.raises(Interruption):
            store.save(changed)

        version = store.save(changed)

        assert (version.number, version.digest) == (2, docstore.digest(changed))
        assert store.verify() == []

    @pytest.mark.parametrize("write", ["INSERT INTO VERSIONS", "COMMIT"])
    def test_a_failed_save_releases_its_locks(
        self, store: docstore.Store, open_store: OpenStore, changed: docstore.Experiment, write: str
    ) -> None:
        """What it had locked is free again, at once."""
        other = open_store()
        theirs = other.load("cakes")
        theirs.description = "with salt"
        interrupt(store.engine, write)
        with pytest.raises(Interruption):
            store.save(changed)

        assert other.save(theirs).number == 2

    @pytest.mark.parametrize("write", ["INSERT INTO VERSIONS", "COMMIT"])
    def test_a_first_save_that_fails_leaves_no_document_and_no_type(self, store: docstore.Store, write: str) -> None:
        interrupt(store.engine, write)
        with pytest.raises(Interruption):
            store.save(new_experiment("bread", trials=2, experiment_type="BREAD"))
        assert contents(store) == ([], [], [])

        store.save(new_experiment("cakes", experiment_type="CAKE"))

        assert [info.name for info in store.find(kind="experiment", type=0)] == ["cakes"]
        store.save(new_experiment("bread", experiment_type="BREAD"))
        assert [info.name for info in store.find(kind="experiment", type=1)] == ["bread"]

    def test_an_object_that_cannot_be_written_leaves_everything_as_it_was(
        self, store: docstore.Store, changed: docstore.Experiment
    ) -> None:
        before = contents(store)
        changed.trials[0].run_metadata["handle"] = object()

        with pytest.raises(EncodeError, match=r"at /trials/0/run_metadata/handle: builtins\.object"):
            store.save(changed)

        assert contents(store) == before

    @pytest.mark.parametrize("call", ["delete", "purge"])
    def test_a_delete_or_purge_that_fails_leaves_everything_as_it_was(
        self, store: docstore.Store, changed: docstore.Experiment, call: str
    ) -> None:
        before = contents(store)
        interrupt_commit(store.engine)

        with pytest.raises(Interruption):
            getattr(store, call)("cakes")

        assert contents(store) == before
