"""Ctrl-C at a save: before the COMMIT nothing is saved; after it, the object in hand knows what was."""

from __future__ import annotations

import signal
import threading

import pytest
import sqlalchemy as sa

import docstore
from docstore.sql.interrupts import Deferral, deferring
from docstore.store.saving import after_commit
from docstore.testing.experiments import add_trial, new_experiment, observe


def press():
    signal.raise_signal(signal.SIGINT)


pytestmark = pytest.mark.usefixtures("interruptible")


class TestADeferral:
    def test_puts_it_off_until_its_end(self):
        done = []

        def work(begin):
            with deferring() as interrupts:
                if begin:
                    interrupts.begin()
                press()
                done.append(begin)

        for begin in (True, False):
            with pytest.raises(KeyboardInterrupt):
                work(begin)

        assert done == [True]

    def test_lets_a_second_one_through_at_once_and_only_that(self):
        done = []

        with deferring() as interrupts:
            interrupts.begin()
            press()
            with pytest.raises(KeyboardInterrupt):
                press()
            done.append(True)

        assert done == [True]

    def test_may_begin_and_end_several_times(self):
        interrupts = Deferral()
        interrupts.begin()
        interrupts.begin()
        interrupts.end()
        interrupts.end()

        with pytest.raises(KeyboardInterrupt):
            press()

    @pytest.mark.parametrize("other", [signal.SIG_IGN, signal.SIG_DFL])
    def test_leaves_alone_what_is_not_pythons_to_handle(self, other):
        signal.signal(signal.SIGINT, other)

        with deferring() as interrupts:
            interrupts.begin()
            assert signal.getsignal(signal.SIGINT) is other

        signal.signal(signal.SIGINT, signal.default_int_handler)

    def test_calls_a_handler_of_the_programs_own(self):
        calls = []
        signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))

        with deferring() as interrupts:
            interrupts.begin()
            press()
            assert calls == []

        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert calls == [signal.SIGINT]

    def test_does_nothing_in_another_thread(self):
        failed = []

        def work():
            with deferring() as interrupts:
                interrupts.begin()
                failed.append(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

        assert failed == [False]


class TestASaveThatIsInterruptedInTheCommit:
    @pytest.fixture
    def experiment(self, store):
        experiment, written = new_experiment(trials=1), []

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def note(connection, cursor, statement, *others):
            written.append(statement.startswith("INSERT INTO versions"))

        @sa.event.listens_for(store.engine, "commit")
        def interrupt(connection):
            if any(written):
                written.clear()
                press()

        with pytest.raises(KeyboardInterrupt):
            store.save(experiment)
        sa.event.remove(store.engine, "commit", interrupt)
        return experiment

    def test_is_saved_and_known(self, store, experiment):
        assert [version.number for version in store.history("cakes")] == [1]
        assert store.save(experiment).number == 1

    def test_is_gone_on_from(self, store, experiment):
        trial = experiment.trials[0]
        trial.run_metadata["note"] = "warm"

        assert store.save(experiment).number == 2
        assert docstore.dumps(store.load("cakes")) == docstore.dumps(experiment)


class TestASaveThatIsInterruptedBeforeTheCommit:
    def test_is_not_made(self, store):
        experiment = new_experiment(trials=1)

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def interrupt(connection, cursor, statement, *others):
            if statement.startswith("INSERT INTO versions"):
                sa.event.remove(store.engine, "before_cursor_execute", interrupt)
                press()

        with pytest.raises(KeyboardInterrupt):
            store.save(experiment)

        assert store.find() == []
        assert store.save(experiment).number == 1


class TestASaveThatIsInterruptedWhileTheObjectLearns:
    """Bob and Ada both made a trial 2; Ada's takes the number 3."""

    @pytest.fixture(params=["renumber", "adopt"])
    def experiment(self, request, ada, bob, monkeypatch):
        ada.save(new_experiment(trials=2))
        mine, theirs = ada.load("cakes"), bob.load("cakes")
        for experiment, x in ((mine, 0.5), (theirs, 0.25)):
            trial = experiment.new_trial(parameters={"x": x, "flour": "rye"})
            observe(experiment, trial.index, x)
        bob.save(theirs)
        learn = getattr(after_commit, request.param)

        def interrupted(*arguments):
            press()
            return learn(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(after_commit, request.param, interrupted)
            with pytest.raises(KeyboardInterrupt):
                ada.save(mine)
        return mine

    def test_has_learned_all_of_it(self, ada, experiment):
        assert {index: trial.index for index, trial in experiment.trials.items()} == {0: 0, 1: 1, 2: 2, 3: 3}
        assert docstore.dumps(experiment) == docstore.dumps(ada.load("cakes"))
        assert ada.save(experiment).number == 3

    def test_is_gone_on_from(self, ada, experiment):
        experiment.trials[3].run_metadata["note"] = "warm"
        add_trial(experiment, 0.75)

        assert ada.save(experiment).number == 4
        assert docstore.dumps(experiment) == docstore.dumps(ada.load("cakes"))
