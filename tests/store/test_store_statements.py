"""What a save and a load cost in SQL statements and in rows: they follow what changed, not how much there is."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from counting import BEGINNINGS, calls_of, statements_of

import docstore
from docstore import Metric, RegistryBundle
from docstore.sql.rows import id_named, pieces
from docstore.testing.experiments import add_trial, new_experiment

PARTS_OF_A_LARGE_ONE = 1_000


@dataclass
class Log:
    """The statements of one call, and the rows that they wrote, by verb and table."""

    statements: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def note(self, connection, cursor, statement, parameters, context, executemany):
        if not statement.startswith(BEGINNINGS):
            self.statements.append(statement)
        # On PostgreSQL one statement may have several in it, each of one row.
        for verb, table in re.findall(r"(?:^|\(|\) )(INSERT INTO|COPY|UPDATE|DELETE FROM) (\w+)", statement):
            verb = verb.split()[0].replace("COPY", "INSERT")
            self.rows[f"{verb} {table}"] += rows_of(statement, parameters) if executemany else 1

    @property
    def is_silent(self) -> bool:
        """Whether nothing was written."""
        return not self.rows


def rows_of(statement, parameters) -> int:
    """How many rows the parameters are of: of each, or (PostgreSQL's way) all values of all rows together."""
    columns = statement.partition("VALUES")[0].count(",") + 1
    return len(parameters) // columns if isinstance(parameters, dict) else len(parameters)


class Taste(Metric):
    """A metric whose encoder counts its calls."""

    encoded = 0


def count(metric: Taste) -> dict[str, object]:
    Taste.encoded += 1
    return {"name": metric.name}


class Logging:
    """Logs the statements of one call at a time."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def of(self, call, *arguments, **options) -> Log:
        """Return the log of one call."""
        log = Log()
        sa.event.listen(self.engine, "before_cursor_execute", log.note)
        try:
            call(*arguments, **options)
        finally:
            sa.event.remove(self.engine, "before_cursor_execute", log.note)
        return log


@pytest.fixture
def store(shared_stores, backend):
    """A store in which nothing is; what is saved there is removed when the test ends."""
    with shared_stores.emptied(backend) as store:
        yield store


@pytest.fixture
def database(store):
    """The URL of the database of ``store``, with the password."""
    return store.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def log(store):
    return Logging(store.engine)


class TestSavedAgain:
    """An experiment of three trials was saved."""

    @pytest.fixture
    def experiment(self, store):
        experiment = new_experiment(trials=3)
        store.save(experiment)
        return experiment

    def test_after_one_more_trial_it_writes_that_part_the_heads_row_and_a_version(self, store, log, experiment):
        experiment.new_trial(parameters={"x": 0.5, "flour": "rye"})

        log = log.of(store.save, experiment)

        assert log.rows == {"INSERT documents": 1, "UPDATE documents": 1, "INSERT versions": 1}

    def test_after_one_more_trial_with_data_it_writes_both_parts(self, store, log, experiment):
        add_trial(experiment)

        log = log.of(store.save, experiment)

        assert log.rows == {"INSERT documents": 2, "UPDATE documents": 1, "INSERT versions": 1}

    def test_after_a_change_in_one_trial_it_writes_that_row_the_heads_and_a_version(self, store, log, experiment):
        experiment.trials[1].run_metadata["a"] = 1

        log = log.of(store.save, experiment)

        assert log.rows == {"UPDATE documents": 2, "INSERT versions": 1}

    def test_after_a_change_in_the_head_it_writes_that_row_and_a_version(self, store, log, experiment):
        experiment.description = "with salt"

        log = log.of(store.save, experiment)

        assert log.rows == {"UPDATE documents": 1, "INSERT versions": 1}

    def test_after_a_trial_was_removed_it_deletes_its_row(self, store, log, experiment):
        del experiment._data[1]

        log = log.of(store.save, experiment)

        assert log.rows == {"DELETE documents": 1, "UPDATE documents": 1, "INSERT versions": 1}

    @pytest.mark.parametrize("on_conflict", ["merge", "error", "overwrite"])
    def test_unchanged_it_writes_nothing_and_makes_no_version(self, store, log, experiment, on_conflict):
        log = log.of(store.save, experiment, on_conflict=on_conflict)

        assert log.is_silent
        assert len(store.history("cakes")) == 1

    def test_loaded_and_unchanged_it_writes_nothing(self, store, log, experiment):
        loaded = store.load("cakes")

        assert log.of(store.save, loaded).is_silent

    def test_loaded_at_an_old_version_and_unchanged_it_writes_nothing(self, store, log, experiment):
        add_trial(experiment)
        store.save(experiment)
        loaded = store.load("cakes", version=1)

        assert log.of(store.save, loaded).is_silent

    def test_together_with_the_change_of_another_it_writes_my_part_alone(self, store, log, experiment):
        other = store.load("cakes")
        other.trials[0].run_metadata["a"] = 1
        store.save(other)
        experiment.trials[1].run_metadata["a"] = 1

        log = log.of(store.save, experiment)

        assert log.rows == {"UPDATE documents": 2, "INSERT versions": 1}

    def test_with_what_another_saved_already_it_writes_nothing(self, store, log, experiment):
        other = store.load("cakes")
        other.description = experiment.description = "with salt"
        store.save(other)

        assert log.of(store.save, experiment).is_silent

    @pytest.mark.parametrize("call", ["load", "get", "history", "delete and undelete"])
    def test_no_reading_writes(self, store, log, experiment, call):
        if call == "delete and undelete":
            store.delete("cakes")
            log = log.of(store.undelete, "cakes")
            assert log.rows == {"UPDATE documents": 2, "INSERT names": 1}
        else:
            assert log.of(getattr(store, call), "cakes").is_silent


class TestALargeExperiment:
    """It has 1,000 trials, each with data."""

    @pytest.fixture
    def experiment(self):
        return new_experiment(trials=PARTS_OF_A_LARGE_ONE)

    def test_is_saved_by_ten_statements_at_most(self, store, log, experiment):
        log = log.of(store.save, experiment)

        assert len(log.statements) <= 10
        assert log.rows["INSERT documents"] == 1 + 2 * PARTS_OF_A_LARGE_ONE

    def test_is_saved_by_ten_statements_when_all_of_it_changed(self, store, log, experiment):
        store.save(experiment)
        for trial in experiment.trials.values():
            trial.run_metadata["a"] = 1

        log = log.of(store.save, experiment)

        assert len(log.statements) <= 10
        assert log.rows == {"UPDATE documents": 1 + PARTS_OF_A_LARGE_ONE, "INSERT versions": 1}

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_is_copied_to_postgresql_and_a_small_one_is_inserted(self, store, log, experiment):
        large, small = (log.of(store.save, each) for each in (experiment, new_experiment("small", trials=3)))

        writes = [[line for line in each.statements if "documents (" in line] for each in (large, small)]
        assert [[line.split()[0] for line in lines] for lines in writes] == [["COPY"], ["INSERT"]]

    @pytest.fixture
    def saved(self, shared_stores, backend):
        """A store with two versions of it, and of a small one."""
        with shared_stores.filled(backend, "large and small", self.fill) as store:
            yield store

    @staticmethod
    def fill(store):
        for name, trials in (("cakes", PARTS_OF_A_LARGE_ONE), ("small", 1)):
            experiment = new_experiment(name, trials=trials)
            store.save(experiment)
            experiment.description = "with salt"
            store.save(experiment)

    @pytest.mark.parametrize("version", [None, 1], ids=["the newest", "an old one"])
    def test_is_loaded_by_as_many_statements_as_a_small_one(self, saved, version):
        log = Logging(saved.engine)

        large, small = (log.of(saved.load, name, version=version) for name in ("cakes", "small"))

        assert len(large.statements) == len(small.statements)

    @pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
    def test_is_read_with_one_call_in_python_for_each_row(self, saved):
        with saved.engine.connect() as connection:
            id = id_named(connection, "default", "experiment", "cakes")
            pieces(connection, id)

            calls = calls_of(pieces, connection, id, of=["call"])

        assert calls < 1.5 * (1 + 2 * PARTS_OF_A_LARGE_ONE)


class TestSaveTrial:
    """Its cost does not grow with the experiment."""

    @pytest.fixture(params=["mine alone", "beside another's"])
    def prepared(self, request, store):
        """A maker of experiments that were saved, changed in trial 1 and perhaps by another in trial 2."""

        def prepare(name, trials):
            experiment = new_experiment(name, trials=trials)
            store.save(experiment)
            if request.param == "beside another's":
                other = store.load(name)
                other.trials[2].run_metadata["a"] = 1
                store.save_trial(other, other.trials[2])
            experiment.trials[1].run_metadata["a"] = 1
            return experiment

        return prepare

    def test_sends_as_many_statements_and_rows_for_ten_trials_as_for_a_thousand(self, log, store, prepared):
        small, large = prepared("small", 10), prepared("large", PARTS_OF_A_LARGE_ONE)

        of_small, of_large = (log.of(store.save_trial, each, each.trials[1]) for each in (small, large))

        assert len(of_large.statements) == len(of_small.statements) <= 7
        assert of_large.rows == of_small.rows == {"UPDATE documents": 2, "INSERT versions": 1}

    @pytest.mark.parametrize("prepared", ["mine alone"], indirect=True)
    @pytest.mark.parametrize(
        ("backend", "writes"), [("sqlite", 3), ("postgresql", 1), ("mariadb", 3)], indirect=["backend"]
    )
    def test_writes_by_one_statement_where_the_database_can(self, log, store, prepared, writes):
        experiment = prepared("small", 10)

        log = log.of(store.save_trial, experiment, experiment.trials[1])

        assert len([line for line in log.statements if not line.startswith("SELECT")]) == writes

    def test_reads_as_many_rows_for_ten_trials_as_for_a_thousand(self, store, prepared):
        small, large = prepared("small", 10), prepared("large", PARTS_OF_A_LARGE_ONE)

        of_small, of_large = (bodies_read(store, each) for each in (small, large))

        assert of_large == of_small <= 4

    def test_reads_no_more_of_a_new_trial_the_more_were_saved_since_another_changed_one(self, store):
        """What another changed and this object has not taken on is looked at each time; the history is not."""
        experiment = new_experiment(trials=10)
        store.save(experiment)
        other = store.load("cakes")
        other.trials[2].run_metadata["a"] = 1
        store.save_trial(other, other.trials[2])
        store.save_trial(experiment, add_trial(experiment))

        calls = [calls_of(store.save_trial, experiment, add_trial(experiment)) for _ in range(12)]

        assert calls[-1] < 1.1 * calls[0]

    def test_makes_as_many_calls_for_ten_trials_as_for_a_thousand(self, store):
        """A part that is new is the case in which what is known of all the others might be gone through."""
        small, large = new_experiment("small", trials=10), new_experiment("large", trials=PARTS_OF_A_LARGE_ONE)
        for each in (small, large):
            store.save(each)
            store.save_trial(each, add_trial(each))

        of_small, of_large = (calls_of(store.save_trial, each, add_trial(each)) for each in (small, large))

        assert of_large < 1.1 * of_small

    def test_encodes_that_trial_alone(self, database, connect):
        store = connect(database, bundle=RegistryBundle({Taste: None}, json_encoder_registry={Taste: count}))
        experiment = new_experiment(tracking_metrics=[Taste("taste")], trials=10)
        for trial in experiment.trials.values():
            trial.run_metadata["metric"] = Taste("sweet")
        store.save(experiment)
        experiment.trials[3].run_metadata["a"] = 1
        Taste.encoded = 0

        store.save_trial(experiment, experiment.trials[3])

        assert Taste.encoded == 1


class TestAWriter:
    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_locks_its_document_by_the_index_of_names(self, store):
        """By another one, which the server may choose for a small table, it would lock others' documents as well."""
        store.save(new_experiment())

        sent = statements_of(store.engine, store.delete, "cakes")

        locks = [statement for statement in sent if "FOR UPDATE" in statement]
        assert locks
        assert all("FORCE INDEX (documents_name)" in statement for statement in locks)

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_that_waited_for_another_reads_the_version_that_the_other_wrote(self, store, connect, database):
        """PostgreSQL reads the head anew after the wait, and the history as it was when the statement began."""
        mine, theirs, other = new_experiment(trials=2), connect(database), connect(database)
        store.save(mine)
        loaded, locks = theirs.load("cakes"), []
        waiting = threading.Thread(target=lambda: theirs.save_trial(loaded, add_trial(loaded)))

        @sa.event.listens_for(theirs.engine, "before_cursor_execute")
        def note(connection, cursor, statement, *rest):
            if "FOR UPDATE" in statement:
                locks.append(connection.connection.driver_connection.info.backend_pid)

        @sa.event.listens_for(store.engine, "before_cursor_execute")
        def let_the_other_wait(connection, cursor, statement, *rest):
            if "INSERT INTO versions" in statement:
                waiting.start()
                while not locks or not is_blocked(other, locks[0]):
                    pass

        store.save_trial(mine, add_trial(mine))
        waiting.join()
        sa.event.remove(store.engine, "before_cursor_execute", let_the_other_wait)

        assert len(locks) == 1
        assert [version.number for version in store.history("cakes")] == [3, 2, 1]
        assert store.verify() == []


def is_blocked(store: docstore.Store, pid: int) -> bool:
    """Return whether a session of PostgreSQL's waits for another's lock."""
    with store.engine.connect() as connection:
        return bool(connection.exec_driver_sql("SELECT pg_blocking_pids(%(pid)s)", {"pid": pid}).scalar())


def bodies_read(store: docstore.Store, experiment: docstore.Experiment) -> int:
    """Save trial 1 of *experiment*, and return how many bodies of the table documents were read."""
    paths = set()

    def note(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("SELECT documents.path"):
            cursor.execute(statement, parameters)
            paths.update(row[0] for row in cursor.fetchall())

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        store.save_trial(experiment, experiment.trials[1])
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    return len(paths)
