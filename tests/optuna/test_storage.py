"""A study in a ``Storage``: what a trial costs, who sees what of it, and what a killed process loses.

Optuna's own tests of a storage are in ``test_storage_contract.py``.
"""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy as sa
from counting import statements_of
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState
from optuna_samples import DIVERSE, everything, fill, trial

import docstore
from docstore import (
    Experiment,
    Metric,
    Objective,
    OptimizationConfig,
    ParameterType,
    RangeParameter,
    SearchSpace,
    TrialStatus,
)
from docstore.errors import EncodeError, InvalidValueError, ReadOnlyError, StoreError
from docstore.optuna import Storage, export_study, import_studies
from docstore.optuna.storage import UpdateFinishedTrialError
from docstore.optuna.trials import as_text
from docstore.sql.optuna_tables import RunningRow, insert, rows_of, running

WORKER = Path(__file__).with_name("stored_study.py")


def objective(trial: optuna.Trial) -> float:
    """Return a value after some reports; one trial in four is pruned."""
    x = trial.suggest_float("x", -1.0, 1.0)
    for step in range(5):
        trial.report(x * step, step)
    trial.set_user_attr("half", x / 2)
    if trial.number % 4 == 1:
        raise optuna.TrialPruned
    return x


def new_study(storage: Storage, name: str = "branin") -> optuna.Study:
    return optuna.create_study(storage=storage, study_name=name, sampler=optuna.samplers.RandomSampler(seed=1))


def load_study(storage: Storage) -> optuna.Study:
    return optuna.load_study(study_name="branin", storage=storage, sampler=optuna.samplers.RandomSampler(seed=2))


class TestATrialThatFinishes:
    def test_is_one_version(self, store):
        study = new_study(Storage(store, author="ada"))

        study.optimize(objective, 3)

        assert [(each.number, each.author, each.message) for each in store.history("branin")] == [
            (4, "ada", "trial 2: COMPLETE"),
            (3, "ada", "trial 1: PRUNED"),
            (2, "ada", "trial 0: COMPLETE"),
            (1, "ada", "a new study"),
        ]

    def test_leaves_nothing_beside_its_version(self, lab):
        storage = Storage(lab)

        new_study(storage).optimize(objective, 3)

        with lab.engine.connect() as connection:
            assert connection.execute(sa.select(running)).all() == []

    def test_takes_as_many_statements_late_as_early(self, lab):
        study = new_study(Storage(lab))
        study.optimize(objective, 5)
        early = statements_of(lab.engine, study.optimize, objective, 4)
        study.optimize(objective, 50)

        late = statements_of(lab.engine, study.optimize, objective, 4)

        assert len(late) == len(early)

    def test_takes_two_writes_and_one_when_the_run_ends(self, lab):
        study = new_study(Storage(lab))
        study.optimize(objective, 2)
        commits = []
        sa.event.listen(lab.engine, "commit", commits.append)

        sent = statements_of(lab.engine, study.optimize, objective, 4)

        assert sum(each.startswith("INSERT INTO versions") for each in sent) == 4
        assert sum(each.startswith(("UPDATE optuna_studies", "DELETE FROM optuna_running")) for each in sent) == 8


class TestTheExperimentOfAStoredStudy:
    def test_is_the_one_that_an_import_of_the_study_makes(self, lab, memory):
        study = fill(Storage(lab), DIVERSE)
        same = fill(memory, study.get_trials())
        import_studies(lab, memory, prefix="imported ")

        stored, imported = lab.load("branin"), lab.load("imported branin")

        assert everything(study) == everything(same)
        assert [number for number in range(len(DIVERSE)) if number not in stored.trials] == [2]  # it runs
        properties = {number: repr(imported.trials[number].properties) for number in stored.trials}
        assert {number: repr(trial.properties) for number, trial in stored.trials.items()} == properties
        assert repr(stored.lookup_data().records) == repr(imported.lookup_data(stored.trials).records)
        assert stored.search_space == imported.search_space
        assert stored.optimization_config == imported.optimization_config

    def test_is_exported_with_each_attribute(self, lab):
        study = new_study(Storage(lab))
        study.optimize(objective, 6)

        assert everything(export_study(lab, "branin", optuna.storages.InMemoryStorage())) == everything(study)

    def test_has_the_best_trial_of_the_study(self, lab):
        study = new_study(Storage(lab))
        study.optimize(objective, 8)

        [best] = lab.best("branin")

        assert (best.trial_index, best.value) == (study.best_trial.number, study.best_value)

    def test_may_be_changed_while_the_study_goes_on(self, lab):
        study = new_study(Storage(lab))
        study.optimize(objective, 1)
        experiment = lab.load("branin")
        experiment.description = "the first one"
        experiment.properties["team"] = "vision"
        lab.save(experiment)

        study.optimize(objective, 1)

        assert lab.load("branin").description == "the first one"
        assert study.user_attrs == {"team": "vision"}

    def test_may_be_renamed_while_the_study_goes_on(self, lab):
        study = new_study(Storage(lab))
        study.optimize(objective, 1)
        lab.rename("branin", "branin 2")

        study.optimize(objective, 1)

        assert study.study_name == "branin"  # Optuna reads it once
        assert [each.study_name for each in study._storage.get_all_studies()] == ["branin 2"]
        assert len(lab.load("branin 2").trials) == 2

    def test_may_be_deleted_and_brought_back(self, lab):
        storage = Storage(lab)
        study = new_study(storage)
        study.optimize(objective, 2)
        optuna.delete_study(study_name="branin", storage=storage)
        with pytest.raises(KeyError):
            load_study(storage)

        lab.undelete("branin")

        assert len(load_study(storage).trials) == 2

    def test_may_be_an_imported_one_that_goes_on(self, lab, memory):
        fill(memory, DIVERSE)
        import_studies(lab, memory)

        study = load_study(Storage(lab))
        study.optimize(lambda trial: 1.0, 2)

        assert study.trials[1].state is TrialState.COMPLETE  # it was waiting
        assert [each.number for each in study.trials] == list(range(len(DIVERSE) + 1))

    def test_may_have_been_made_by_docstore(self, lab):
        space = SearchSpace([RangeParameter("x", ParameterType.FLOAT, -1.0, 1.0)])
        config = OptimizationConfig(Objective(metric=Metric("loss"), minimize=True))
        experiment = Experiment(space, "branin", optimization_config=config)
        experiment.new_trial(parameters={"x": 0.5}).complete({"loss": 0.25})
        lab.save(experiment)

        study = load_study(Storage(lab))
        study.optimize(lambda trial: trial.suggest_float("x", -1.0, 1.0) ** 2, 1)

        assert study.trials[0].values == [0.25]
        assert lab.load("branin").lookup_data([1]).metric_names == {"loss"}


class TestARunningTrial:
    """One storage runs it, another one looks."""

    @pytest.fixture
    def other(self, bob):
        return Storage(bob)

    def test_is_seen_by_others_with_what_it_reported(self, ada, other):
        study = new_study(Storage(ada, visible_every=0))
        running_one = study.ask()
        running_one.suggest_float("x", 0.0, 1.0)
        running_one.report(math.nan, 3)
        running_one.set_user_attr("gpu", 1)

        [seen] = load_study(other).get_trials()

        assert everything(study)["trials"] == everything(load_study(other))["trials"]
        assert (seen.state, list(seen.intermediate_values), seen.user_attrs) == (TrialState.RUNNING, [3], {"gpu": 1})

    def test_is_seen_as_it_was_written_last(self, lab):
        study = new_study(Storage(lab, visible_every=3600))
        study.ask().report(0.5, 0)

        [seen] = load_study(Storage(lab)).get_trials()

        assert (seen.state, seen.intermediate_values) == (TrialState.RUNNING, {})

    def test_is_written_when_the_run_ends(self, lab):
        study = new_study(Storage(lab, visible_every=3600))
        study.ask().report(0.5, 0)

        study.optimize(objective, 1)

        assert load_study(Storage(lab)).trials[0].intermediate_values == {0: 0.5}

    def test_may_be_told_by_another_process(self, lab):
        study = new_study(Storage(lab, visible_every=0))
        study.ask().suggest_float("x", 0.0, 1.0)

        load_study(Storage(lab)).tell(0, 0.25)

        assert study.trials[0].values == [0.25]
        assert study.trials[0].params.keys() == {"x"}

    def test_ends_once_if_two_processes_end_it(self, ada, other):
        first = new_study(Storage(ada))
        first.ask()
        second = load_study(other)
        second.get_trials()
        trial_id = first.trials[0]._trial_id
        second._storage.set_trial_state_values(trial_id, TrialState.FAIL)

        with pytest.raises(UpdateFinishedTrialError):
            first._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])

        assert [each.state for each in first.trials] == [TrialState.FAIL]
        assert len(ada.history("branin")) == 2

    def test_refuses_an_attribute_that_cannot_be_stored_at_once(self, lab):
        running_one = new_study(Storage(lab)).ask()

        with pytest.raises(EncodeError):
            running_one.set_user_attr("model", object())

        assert running_one.user_attrs == {}


class TestAWaitingTrial:
    def test_is_a_candidate_of_the_experiment(self, lab):
        study = new_study(Storage(lab))

        study.enqueue_trial({"x": 0.5})

        assert lab.load("branin").trials[0].status is TrialStatus.CANDIDATE

    def test_is_taken_by_one_process_only(self, ada, bob):
        first, second = Storage(ada), Storage(bob)
        study = new_study(first)
        study.enqueue_trial({"x": 0.5})
        [waiting] = study.get_trials()
        assert second.get_trial(waiting._trial_id).state is TrialState.WAITING

        taken = [each.set_trial_state_values(waiting._trial_id, TrialState.RUNNING) for each in (first, second)]

        assert taken == [True, False]
        assert [each.state for each in load_study(second).trials] == [TrialState.RUNNING]

    def test_is_not_taken_if_it_was_taken_and_has_ended_just_before(self, lab, connect):
        """The one process has seen it wait; the other one runs it, and begins the next, before the first takes it."""
        study = new_study(Storage(lab))
        study.enqueue_trial({"x": 0.5})
        [waiting] = study.get_trials()
        slow = Storage(connect(lab.engine.url))
        slow.get_all_trials(study._study_id)
        ahead = [lambda: study.optimize(lambda trial: 1.0, 2)]

        def run_ahead(connection, cursor, statement, *rest):
            if statement == "BEGIN IMMEDIATE" and ahead:
                ahead.pop()()

        sa.event.listen(slow._store.engine, "before_cursor_execute", run_ahead)

        assert slow.set_trial_state_values(waiting._trial_id, TrialState.RUNNING) is False
        assert [each.state for each in load_study(slow).trials] == [TrialState.COMPLETE] * 2


class TestTwoProcessesOnOneStudy:
    def test_lose_and_double_no_trial(self, store, database):
        study = new_study(Storage(store))
        arguments = [sys.executable, str(WORKER), database, "6"]

        workers = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(2)]

        ended = [(worker.communicate()[1].decode()[-500:], worker.returncode) for worker in workers]
        assert [code for _, code in ended] == [0, 0], ended
        assert [each.number for each in study.trials] == list(range(12))
        assert all(each.state is TrialState.COMPLETE for each in study.trials)
        assert len(store.history("branin")) == 13
        assert store.verify("branin") == []

    def test_may_set_one_attribute_of_the_study_both(self, ada, bob):
        first, second = Storage(ada), Storage(bob)
        study_id = new_study(first)._study_id
        first.set_study_user_attr(study_id, "team", "vision")

        second.set_study_user_attr(study_id, "team", "audio")
        first.set_study_system_attr(study_id, "seen", True)

        assert first.get_study_user_attrs(study_id) == {"team": "audio"}
        assert second.get_study_system_attrs(study_id) == {"seen": True}

    def test_may_add_one_parameter_with_two_ranges(self, ada, bob):
        first = new_study(Storage(ada))
        second = load_study(Storage(bob))
        one, two = first.ask(), second.ask()
        one.suggest_float("w", 0.0, 1.0)
        two.suggest_float("w", 0.0, 2.0)

        first.tell(one, 1.0)
        second.tell(two, 2.0)

        assert [each.distributions["w"].high for each in first.trials] == [1.0, 2.0]


class TestAProcessThatIsKilled:
    """It has begun trial 0, and reported a value."""

    @pytest.fixture
    def killed(self, store, database):
        study = new_study(Storage(store))
        arguments = [sys.executable, str(WORKER), database, "hang"]
        worker = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert worker.stdout.readline() == b"reported\n"
        worker.kill()
        worker.communicate()
        return study

    def test_leaves_what_was_written_of_its_trial_and_does_not_stop_the_others(self, killed, store):
        killed.optimize(lambda trial: trial.suggest_float("x", -1.0, 1.0), 1)

        assert [each.state for each in killed.trials] == [TrialState.RUNNING, TrialState.COMPLETE]
        assert killed.trials[0].intermediate_values == {0: 0.5}
        assert store.verify("branin") == []


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")  # of heartbeats, as Optuna has them
class TestATrialWhoseProcessIsNotHeardOf:
    @pytest.fixture
    def storage(self, store):
        return Storage(
            store,
            heartbeat_interval=60,
            heartbeat_stale_trial_callback=lambda study, trial: study.enqueue_trial(trial.params),
        )

    def test_fails_and_is_tried_again(self, storage, store):
        study = new_study(storage)
        lost = Storage(store, visible_every=0)
        trial_id = lost.create_new_trial(study._study_id)
        lost.set_trial_param(trial_id, "x", 0.5, FloatDistribution(-1.0, 1.0))
        lost.record_heartbeat(trial_id)
        with store.engine.begin() as connection:
            connection.execute(running.update().values(heard_of=running.c.heard_of - 121))

        study.optimize(lambda trial: trial.suggest_float("x", -1.0, 1.0), 1)

        failed, again = study.trials
        assert (failed.state, again.state) == (TrialState.FAIL, TrialState.COMPLETE)
        assert again.params == failed.params == {"x": 0.5}

    def test_goes_on_within_the_grace_period(self, storage):
        study = new_study(storage)
        storage.record_heartbeat(storage.create_new_trial(study._study_id))

        study.optimize(lambda trial: 1.0, 1)

        assert study.trials[0].state is TrialState.RUNNING


def test_a_trial_that_was_added_but_not_saved_is_saved_by_the_next_process(lab):
    study = new_study(Storage(lab))
    left = trial(user_attrs={"half": 0.5})
    with lab.engine.begin() as connection:
        insert(connection, RunningRow(study._study_id, 0, "killed", as_text(left)))

    assert everything(load_study(Storage(lab)))["trials"][0]["user_attrs"] == "[('half', 0.5)]"
    assert lab.load("branin").trials[0].status is TrialStatus.COMPLETED
    with lab.engine.connect() as connection:
        assert rows_of(connection, study._study_id)[0].owner == "killed"


def test_threads_may_share_a_storage(store):
    study = new_study(Storage(store))

    study.optimize(objective, 16, n_jobs=4)

    assert [each.number for each in study.trials] == list(range(16))
    assert len(store.history("branin")) == 17
    assert store.verify("branin") == []


class TestAPickledStorage:
    def test_goes_on_with_the_study(self, lab):
        storage = Storage(lab, visible_every=5.0)
        new_study(storage)

        again = pickle.loads(pickle.dumps(storage))

        load_study(again).optimize(objective, 1)
        assert len(lab.load("branin").trials) == 1

    def test_is_refused_if_it_would_hold_the_password(self, lab, monkeypatch):
        engine = sa.create_engine("postgresql+psycopg2://ada:secret@host/lab")
        storage = Storage(lab)
        monkeypatch.setattr(storage, "_store", docstore.Store(engine))

        with pytest.raises(StoreError, match="Make it by its URL") as caught:
            pickle.dumps(storage)

        assert "secret" not in str(caught.value)


def test_a_study_may_have_a_name_that_is_too_long_for_a_document(lab):
    name = "lr=0.1, " * 60
    new_study(Storage(lab), name).optimize(objective, 1)

    study = optuna.load_study(study_name=name, storage=Storage(lab))

    assert (study.study_name, len(study.trials)) == (name, 1)


def test_a_store_that_is_only_read_is_refused(fresh_database, connect):
    with pytest.raises(ReadOnlyError):
        Storage(connect(fresh_database("sqlite"), read_only=True))


@pytest.mark.parametrize("setting", ["heartbeat_interval", "grace_period"])
def test_a_time_of_no_seconds_is_refused(lab, setting):
    with pytest.raises(InvalidValueError, match=setting):
        Storage(lab, **{setting: 0})
