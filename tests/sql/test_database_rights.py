"""A database in which something may not be done: the tables made, or anything written. What is said, and what helps."""

from __future__ import annotations

import contextlib
import os
import shlex
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from actions import ACTIONS, fill, held
from administration import administrator, new_user, run, schema_of
from backends import REMOTES

import docstore
from docstore.errors import DatabaseError, ReadOnlyError, TablesError
from docstore.migrations.views import views
from docstore.sql.dialects import make_engine
from docstore.testing.experiments import add_trial, new_experiment

ROOT = Path(__file__).parents[2]

on_each_server = pytest.mark.parametrize("backend", list(REMOTES))

PASSWORD = "p@ss/w:rd%&\"' x"

FEW = {"postgresql": "USAGE", "mariadb": "SELECT, INSERT, UPDATE, DELETE"}
"""The rights of a user who may not make tables."""


@pytest.fixture
def database(empty_database):
    """The tables are made here."""
    return empty_database


@pytest.fixture
def login():
    """Makes users: ``login(url, password, ...)`` gives the URL of one; they are gone when the test ends."""
    with contextlib.ExitStack() as users:
        yield lambda *arguments, **options: users.enter_context(new_user(*arguments, **options))


def refusal(user, **options):
    """What a user is told who may not make the tables."""
    with pytest.raises(TablesError) as caught:
        docstore.connect(user, **options)
    return str(caught.value)


def run_in_a_shell(told, database):
    """Run the command of a message as it stands, with an administrator's name and password put in."""
    administrator = sa.make_url(database)
    command = told.partition("An administrator runs once: python ")[2]
    command = command.replace("ADMIN", administrator.username).replace("PASSWORD", quote(administrator.password, ""))
    return subprocess.run(
        ["sh", "-c", f"{shlex.quote(sys.executable)} {command}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def works(store):
    """Whether all can be done that a user does with documents."""
    experiment = new_experiment("cakes", trials=30)  # so many rows are copied to PostgreSQL
    store.save(experiment)
    add_trial(experiment)
    store.save(experiment)
    store.delete("cakes")
    store.undelete("cakes")
    store.purge("cakes")
    store.put("note", "n1", 1)
    return store.load("n1", kind="note"), [info.name for info in store.find()], store.verify()


WORKED = (1, ["n1"], [])


class TestADatabaseWithoutTables:
    def test_is_told_what_to_call(self, database):
        engine = make_engine(database)
        store = docstore.Store(engine)

        with pytest.raises(TablesError, match=r"Call create_all_tables\(engine\), or docstore\.connect\(url\)"):
            store.find().first()
        engine.dispose()

    @pytest.mark.parametrize("action", ["save a new one", "put a new one"])
    def test_is_told_to_who_saves(self, database, action):
        engine = make_engine(database)

        with pytest.raises(TablesError, match=r"docstore\.connect\(url\), which makes them"):
            ACTIONS[action](docstore.Store(engine))()
        engine.dispose()


@on_each_server
class TestAUserWhoMayNotMakeTables:
    """An administrator makes them, by the command that the user is told; then the user may work with documents."""

    def test_is_told_the_command(self, database, backend, login):
        user = login(database, PASSWORD, rights=FEW[backend])

        told = refusal(user)

        who = user.username if backend == "postgresql" else f"{user.username}@%"
        assert " denied " in told
        assert "An administrator runs once: python -m docstore.migrations " in told
        assert f"{user.drivername}://ADMIN:PASSWORD@{user.host}:{user.port}/{user.database}" in told
        assert told.endswith(f" --grant '{who}'")

    def test_may_work_when_it_was_run(self, database, backend, login, connect):
        user = login(database, PASSWORD, rights=FEW[backend])

        done = run_in_a_shell(refusal(user), database)

        assert (done.returncode, done.stderr) == (0, "")
        assert works(connect(user)) == WORKED

    def test_may_read_the_views_when_it_was_run(self, database, backend, login, connect):
        user = login(database, PASSWORD, rights=FEW[backend])
        run_in_a_shell(refusal(user), database)
        store = connect(user)
        fill(store)

        with store.engine.connect() as connection:
            counts = {
                view: connection.exec_driver_sql(f"SELECT count(*) FROM {view}").scalar_one()
                for view in views(connection.dialect.name)
            }

        assert counts["trials"] == 2
        assert (counts["experiments"], counts["arms"], counts["versions_log"]) == (1, 2, 3)

    def test_is_told_the_command_of_tables_that_others_made(self, database, backend, login, connect):
        others = connect(database)
        fill(others)
        user = login(database, PASSWORD)

        done = run_in_a_shell(refusal(user), database)

        assert (done.returncode, done.stderr) == (0, "")
        assert held(connect(user)) == held(others)

    def test_is_told_by_the_seeds_name_too(self, database, backend, login, monkeypatch):
        from docstore.sqa_store import db

        monkeypatch.setattr(db, "_database", None)
        db.init_engine_and_session_factory(url=login(database, PASSWORD, rights=FEW[backend]))

        with pytest.raises(TablesError, match=r"An administrator runs once: "):
            db.create_all_tables(db.get_engine())

    def test_may_not_do_more_than_work(self, database, backend, login, connect):
        user = login(database, PASSWORD, rights=FEW[backend])
        run_in_a_shell(refusal(user), database)

        store = connect(user)
        with pytest.raises(sa.exc.DBAPIError, match=r"denied"), store.engine.connect() as connection:
            connection.exec_driver_sql("TRUNCATE TABLE versions")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
class TestAUserWhoseRowsAPolicyChooses:
    """Row security of PostgreSQL's, under which the server refuses COPY."""

    def test_saves_many_rows(self, database, login, connect):
        user = login(database, PASSWORD, rights=FEW["postgresql"])
        run_in_a_shell(refusal(user), database)
        with administrator(database) as connection:
            connection.exec_driver_sql("ALTER TABLE documents ENABLE ROW LEVEL SECURITY")
            connection.exec_driver_sql("CREATE POLICY everything ON documents USING (true)")

        version = connect(user).save(new_experiment(trials=30))

        assert version.number == 1


class TestTheCommandForAnAdministrator:
    @pytest.mark.parametrize("schema", ["lab", 'My lab\'s "100%" & co; $HOME'])
    def test_makes_a_schema_of_any_name_on_postgresql(self, postgresql, login, connect, schema):
        quoted = schema.replace('"', '""')
        user = login(postgresql, PASSWORD)
        with administrator(postgresql) as connection:
            run(connection, f'DROP SCHEMA IF EXISTS "{quoted}" CASCADE')
            try:
                done = run_in_a_shell(refusal(user, schema=schema), postgresql)

                assert (done.returncode, done.stderr) == (0, "")
                assert works(connect(user, schema=schema)) == WORKED
                assert sa.inspect(connection).has_table("versions", schema=schema)
            finally:
                run(connection, f'DROP SCHEMA "{quoted}" CASCADE')

    def test_names_the_schema_that_a_role_is_set_to_on_postgresql(self, postgresql, login, connect):
        """The URL does not say it: the administrator's own would be another."""
        user = login(postgresql, PASSWORD, rights="USAGE")
        with administrator(postgresql) as connection:
            schema = schema_of(connection)
            run(connection, f'ALTER ROLE "{user.username}" SET search_path = {schema}')
        plain = user.difference_update_query(["options"])

        told = refusal(plain)

        assert f" --schema {schema} --grant " in told
        assert run_in_a_shell(told, postgresql).returncode == 0
        assert works(connect(plain)) == WORKED

    def test_names_the_host_that_a_user_is_known_at_on_mariadb(self, mariadb, login, connect):
        with administrator(mariadb) as connection:
            host = connection.exec_driver_sql("SELECT USER()").scalar_one().rpartition("@")[2]
        user = login(mariadb, PASSWORD, host=host, rights="SELECT")

        told = refusal(user)

        assert told.endswith(f"--grant '{user.username}@{host}'")
        assert run_in_a_shell(told, mariadb).returncode == 0
        assert works(connect(user)) == WORKED

    def test_makes_the_index_of_bodies_that_was_asked_for_on_postgresql(self, postgresql, login, connect):
        user = login(postgresql, PASSWORD, rights="USAGE")

        done = run_in_a_shell(refusal(user, body_index=True), postgresql)

        assert (done.returncode, done.stderr) == (0, "")
        assert works(connect(user, body_index=True)) == WORKED

    def test_names_the_user_of_a_creator(self, postgresql, login):
        user = login(postgresql, PASSWORD, rights="USAGE")
        engine = sa.create_engine(user)
        arguments, options = engine.dialect.create_connect_args(user)

        with pytest.raises(TablesError, match=rf" --grant '{user.username}'$"):
            docstore.connect(creator=lambda: engine.dialect.connect(*arguments, **options))

    @on_each_server
    def test_says_that_there_is_no_such_user(self, database, backend):
        done = run_in_a_shell(
            f"An administrator runs once: python -m docstore.migrations {shlex.quote(database)} --grant 'no body'",
            database,
        )

        assert (done.returncode, done.stdout) == (1, "")
        assert "CREATE USER" in done.stderr or "CREATE ROLE" in done.stderr
        assert sa.make_url(database).password not in done.stderr


def for_reading(url):
    """The arguments of ``connect`` for the same database, which lets each transaction read only."""
    if url.startswith("sqlite"):
        file = f"file:{sa.make_url(url).database}?mode=ro"
        return {"creator": partial(sqlite3.connect, file, uri=True, check_same_thread=False)}
    if url.startswith("postgresql"):
        return {"url": url + quote(" -cdefault_transaction_read_only=on")}
    return {"url": f"{url}?init_command={quote('SET SESSION TRANSACTION READ ONLY')}"}


class TestADatabaseThatMayOnlyBeRead:
    READ_ONLY = (
        r"(readonly database|read-only transaction|READ ONLY transaction).*(may only be read|Nothing can be saved)"
    )

    @pytest.fixture
    def filled(self, store):
        fill(store)
        return store

    @pytest.fixture
    def reader(self, filled, database, connect):
        return connect(**for_reading(database))

    def test_is_read(self, filled, reader):
        assert held(reader) == held(filled)
        assert reader.load("cakes").num_trials == 2
        assert reader.get("n1", kind="note", version=1) == {"a": 1}

    @pytest.mark.parametrize("action", ["save a changed one", "put a new one", "delete", "undelete", "purge"])
    def test_is_not_written_to(self, filled, reader, action):
        before = held(filled)
        act = ACTIONS[action](reader)

        with pytest.raises(ReadOnlyError, match=self.READ_ONLY) as caught:
            act()

        assert isinstance(caught.value.__cause__, sa.exc.DBAPIError)
        assert held(filled) == before

    def test_is_saved_to_when_it_may_be_written_again(self, filled, reader, database, connect):
        experiment = reader.load("cakes")
        experiment.description = "changed"
        with pytest.raises(DatabaseError, match=self.READ_ONLY):
            reader.save(experiment)

        assert filled.save(experiment, on_conflict="overwrite").number == 2

    def test_is_told_where_there_are_no_tables(self, database):
        if_there_is_a_file = make_engine(database)
        if_there_is_a_file.connect().close()
        if_there_is_a_file.dispose()

        with pytest.raises(DatabaseError, match=self.READ_ONLY):
            docstore.connect(**for_reading(database))
