"""``record`` saves each trial of a study as it finishes: one version a trial."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from counting import statements_of
from optuna.trial import TrialState
from optuna_samples import DIVERSE, everything, fill, trial

from docstore.errors import DocumentExistsError, EncodeError
from docstore.optuna import export_study, import_studies, record

WORKER = Path(__file__).with_name("recorded_study.py")


def objective(trial: optuna.Trial) -> float:
    """Return a value; one trial in four is pruned, one fails, and a parameter is there only sometimes."""
    x = trial.suggest_float("x", -1.0, 1.0)
    trial.report(x, 0)
    if trial.number % 4 == 1:
        raise optuna.TrialPruned
    if trial.number % 4 == 2:
        raise ZeroDivisionError
    trial.set_user_attr("half", x / 2)
    return trial.suggest_float("late", 0.0, 1.0) if trial.number == 3 else x


def new_study(storage: optuna.storages.BaseStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="branin", sampler=optuna.samplers.RandomSampler(seed=1))


def optimize(study: optuna.Study, callback: Callable[..., None], n_trials: int, **options: int) -> None:
    study.optimize(objective, n_trials, callbacks=[callback], catch=ZeroDivisionError, **options)


def back(store, name="branin"):
    return everything(export_study(store, name, optuna.storages.InMemoryStorage()))


class TestAStudyThatIsRecorded:
    def test_has_one_version_a_trial(self, store, memory):
        study = new_study(memory)

        optimize(study, record(store, author="ada"), 5)

        assert [(each.number, each.author, each.message) for each in store.history("branin")] == [
            (5, "ada", "trial 4: COMPLETE"),
            (4, "ada", "trial 3: COMPLETE"),
            (3, "ada", "trial 2: FAIL"),
            (2, "ada", "trial 1: PRUNED"),
            (1, "ada", "trial 0: COMPLETE"),
        ]
        assert back(store) == everything(study)

    def test_is_the_experiment_that_an_import_makes(self, lab, memory):
        study = new_study(memory)
        optimize(study, record(lab), 8)

        import_studies(lab, memory, prefix="imported ")

        recorded, imported = lab.load("branin"), lab.load("imported branin")
        assert recorded.trials == imported.trials
        assert recorded.lookup_data().records == imported.lookup_data().records
        assert recorded.search_space == imported.search_space

    def test_has_the_attributes_that_the_study_gets_meanwhile(self, lab, memory):
        study = new_study(memory)
        callback = record(lab)
        optimize(study, callback, 1)
        study.set_user_attr("team", "vision")

        optimize(study, callback, 1)

        assert lab.load("branin").properties["team"] == "vision"

    def test_may_have_a_name_and_a_message_of_its_own(self, lab, memory):
        optimize(new_study(memory), record(lab, "cakes", message="oven 2"), 1)

        assert lab.history("cakes")[0].message == "oven 2"

    def test_takes_as_many_statements_for_a_late_trial_as_for_an_early_one(self, lab, memory):
        study = new_study(memory)
        callback = record(lab)
        optimize(study, callback, 8)
        early = statements_of(lab.engine, optimize, study, callback, 4)
        optimize(study, callback, 60)

        late = statements_of(lab.engine, optimize, study, callback, 4)

        assert len(late) == len(early)

    def test_may_run_trials_in_threads(self, store, memory):
        study = new_study(memory)

        optimize(study, record(store), 24, n_jobs=4)

        assert len(store.history("branin")) <= 24
        assert back(store) == everything(study)
        assert store.verify("branin") == []


class TestARunThatWasInterrupted:
    """Its trials are in Optuna's storage; only some of them are recorded."""

    def test_is_recorded_with_the_next_trial_that_finishes(self, lab, memory):
        study = new_study(memory)
        optimize(study, record(lab), 2)
        study.optimize(objective, 3, catch=ZeroDivisionError)

        optimize(study, record(lab), 1)

        assert lab.history("branin")[0].message == "trial 5: PRUNED, and 3 before it"
        assert back(lab) == everything(study)

    def test_may_have_been_imported_while_a_trial_ran(self, lab, memory):
        study = fill(memory, [trial(0, TrialState.RUNNING), trial(1, TrialState.RUNNING)])
        import_studies(lab, memory)
        study.tell(0, 0.5)
        study.tell(1, 0.25)

        record(lab)(study, study.trials[1])

        assert back(lab) == everything(study)

    def test_goes_on_after_a_save_that_failed(self, lab, memory):
        study = new_study(memory)
        callback = record(lab)
        optimize(study, callback, 2)
        study.enqueue_trial({"x": 0.5}, user_attrs={"model": object()})
        with pytest.raises(EncodeError):
            optimize(study, callback, 1)
        memory._studies[0].trials[2].user_attrs["model"] = "linear"

        optimize(study, callback, 1)

        assert len(lab.history("branin")) == 3
        assert back(lab) == everything(study)


class TestAnExperimentOfAnotherStudy:
    """It has the name of the study that is recorded."""

    def test_is_not_overwritten(self, lab, memory, new_storage):
        fill(new_storage("memory"), DIVERSE)
        optimize(new_study(memory), record(lab), 3)
        before = lab.history("branin")

        with pytest.raises(DocumentExistsError, match="another name"):
            optimize(new_study(new_storage("memory")), record(lab), 1)

        assert list(lab.history("branin")) == list(before)

    def test_is_not_overwritten_if_it_is_of_none(self, lab, memory, new_experiment):
        lab.save(new_experiment("branin"))

        with pytest.raises(DocumentExistsError, match="another name"):
            optimize(new_study(memory), record(lab), 1)


class TestTwoProcessesOnOneStudy:
    def test_record_each_trial_once(self, store, database, new_storage, tmp_path):
        study = new_study(new_storage("journal"))
        arguments = [sys.executable, str(WORKER), database, str(tmp_path / "optuna0"), "6"]

        workers = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(2)]

        assert [(worker.communicate()[1][-500:], worker.returncode)[1] for worker in workers] == [0, 0]
        assert back(store) == everything(study)
        assert len(store.history("branin")) <= 12
        assert store.verify("branin") == []

    def test_may_record_one_trial_both(self, ada, bob, memory):
        """One of them saves what the other one has just finished, as it finds it in Optuna's storage."""
        study = fill(memory, [trial(0), trial(1)])
        first, second = record(ada), record(bob)
        first(study, study.trials[0])
        second(study, study.trials[1])
        study.add_trials([trial(2), trial(3)])
        third = record(bob)

        third(study, study.trials[3])  # and trial 2 with it
        first(study, study.trials[2])

        assert back(ada) == everything(study)
        assert len(ada.history("branin")) == 3
        assert [each.state for each in study.trials] == [TrialState.COMPLETE] * 4

    def test_may_add_one_parameter_with_two_ranges(self, ada, bob, memory):
        study = fill(memory, [trial(0)])
        first, second = record(ada), record(bob)
        first(study, study.trials[0])
        second(study, study.trials[0])
        wide, wider = (optuna.distributions.FloatDistribution(0.0, high) for high in (1.0, 2.0))
        study.add_trials([trial(params={"w": 0.5}, distributions={"w": each}) for each in (wide, wider)])

        first(study, study.trials[1])
        second(study, study.trials[2])

        assert back(ada) == everything(study)
