"""The tables of a ``Storage`` beside the documents: who makes them, and what becomes of their rows."""

from __future__ import annotations

import optuna
import pytest
import sqlalchemy as sa
from administration import new_user
from backends import REMOTES

from docstore.errors import TablesError
from docstore.migrations.__main__ import main
from docstore.optuna import Storage
from docstore.sql.dialects import backend_of, transaction
from docstore.sql.optuna_tables import running
from docstore.sql.tables import VERSION_TABLE, metadata
from docstore.store.store import Store
from docstore.testing.experiments import new_experiment

FEW = {"postgresql": "USAGE", "mariadb": ""}
"""The rights of a user who may not make tables."""


def objective(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", -1.0, 1.0)


def new_study(store: Store, name: str = "branin") -> optuna.Study:
    return optuna.create_study(
        storage=Storage(store, visible_every=0), study_name=name, sampler=optuna.samplers.RandomSampler(seed=1)
    )


@pytest.fixture
def study(lab):
    """A study with a trial that has ended and one that runs."""
    study = new_study(lab)
    study.optimize(objective, 1)
    study.ask().suggest_float("x", -1.0, 1.0)
    return study


def rows_of_running_trials(store):
    with store.engine.connect() as connection:
        return connection.execute(sa.select(running)).all()


@pytest.mark.parametrize("backend", list(REMOTES))
class TestAUserWhoMayNotMakeTables:
    @pytest.fixture
    def clerk(self, store, database, backend):
        """The URL of one who may use docstore's own tables."""
        with new_user(database, "secret", rights=FEW[backend]) as user:
            with transaction(store.engine, write=True) as connection:
                backend_of(connection).grant(
                    connection, user.username, write=list(metadata.tables), read=[VERSION_TABLE]
                )
            yield user

    def test_is_told_the_command_of_an_administrator(self, connect, clerk):
        with pytest.raises(TablesError, match=r"An administrator runs once: python -m docstore\.migrations .* --grant"):
            Storage(connect(clerk))

    def test_is_told_it_of_tables_that_others_made(self, store, connect, clerk):
        Storage(store)

        with pytest.raises(TablesError, match=r"An administrator runs once: python -m docstore\.migrations .* --grant"):
            Storage(connect(clerk))

    def test_sees_no_running_trials_of_a_study(self, store, connect, clerk):
        new_study(store).ask()
        clerks = connect(clerk)

        assert clerks.running_trials("branin") == []

    def test_may_purge_an_experiment_as_before(self, store, connect, clerk):
        Storage(store)
        clerks = connect(clerk)
        clerks.save(new_experiment("cakes"))

        clerks.purge("cakes")

        assert not clerks.exists("cakes")

    def test_may_work_on_a_study_when_it_was_run(self, database, connect, clerk):
        assert main([database, "--grant", clerk.username]) == 0

        study = new_study(connect(clerk))
        study.optimize(objective, 2)

        assert [trial.number for trial in study.trials] == [0, 1]


class TestAStudyWithARunningTrial:
    def test_loses_the_trial_when_it_is_purged(self, lab, study):
        lab.purge("branin")

        assert rows_of_running_trials(lab) == []
        with pytest.raises(KeyError):
            _ = study.trials

    def test_leaves_the_trials_of_other_studies_when_it_is_purged(self, lab, study):
        other = new_study(lab, "ackley")
        other.ask()

        lab.purge("branin")

        assert len(rows_of_running_trials(lab)) == 1
        assert len(other.trials) == 1

    def test_keeps_the_trial_when_it_is_deleted_and_brought_back(self, lab, study):
        lab.delete("branin")
        lab.undelete("branin")

        assert [each.state.name for each in study.trials] == ["COMPLETE", "RUNNING"]

    def test_is_copied_without_it(self, lab, study, connect, fresh_database):
        there = connect(fresh_database("sqlite"))
        lab.copy_to(there)

        copied = optuna.load_study(study_name="branin", storage=Storage(there))

        assert [each.state.name for each in copied.trials] == ["COMPLETE"]
        assert there.verify() == []

    def test_is_branched_without_it(self, lab, study):
        lab.branch("branin", "branin 2")

        branch = optuna.load_study(study_name="branin 2", storage=Storage(lab))
        branch.optimize(objective, 1)

        assert [each.state.name for each in branch.trials] == ["COMPLETE", "COMPLETE"]
        assert [each.state.name for each in study.trials] == ["COMPLETE", "RUNNING"]


def test_a_name_that_was_purged_may_be_that_of_another_study(lab, study):
    lab.purge("branin")

    again = new_study(lab)

    assert again.trials == []
    assert again._study_id != study._study_id
