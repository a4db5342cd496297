"""How the tables come to be: by migrations, once, also when many ask for them at once."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from administration import administrator
from counting import statements_of

import docstore
from docstore import migrations
from docstore.errors import RaceLostError, TablesError
from docstore.migrations.views import create_views, drop_views, views
from docstore.migrations.views.comments import TABLES
from docstore.sqa_store.db import create_all_tables
from docstore.sql import tables
from docstore.sql.dialects import make_engine, migrating, transaction
from docstore.sql.tables import VERSION_TABLE
from docstore.testing.experiments import new_experiment

VIEWS = sorted(views("sqlite"))

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(empty_database):
    """The tables are made here."""
    return empty_database


@pytest.fixture
def engine(database):
    engine = make_engine(database)
    yield engine
    engine.dispose()


def schema(engine):
    """What an inspector tells of each table but Alembic's own."""
    inspector = sa.inspect(engine)
    names = sorted(set(inspector.get_table_names()) - {tables.VERSION_TABLE})
    return {
        name: {
            "columns": [
                {key: str(value) for key, value in column.items() if key != "comment"}
                for column in inspector.get_columns(name)
            ],
            "primary key": inspector.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(str(each) for each in inspector.get_unique_constraints(name)),
            "foreign keys": sorted(str(each) for each in inspector.get_foreign_keys(name)),
            "indexes": sorted(
                (
                    index["name"],
                    index["column_names"],
                    bool(index["unique"]),
                    sorted((key, str(value)) for key, value in index.get("dialect_options", {}).items()),
                )
                for index in inspector.get_indexes(name)
            ),
        }
        for name in names
    }


READING = ("SELECT", "SHOW", "PRAGMA", "DESCRIBE", "BEGIN", "START TRANSACTION", "SET TRANSACTION")


def written(engine, call):
    """The statements of *call* that are no SELECT, PRAGMA or part of a transaction."""
    statements = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if not statement.lstrip().upper().startswith(READING):
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    call()
    sa.event.remove(engine, "before_cursor_execute", note)
    return statements


class TestTheMigrations:
    def test_in_order_make_the_tables_that_the_code_knows(self, engine, backend, fresh_database):
        fresh = make_engine(fresh_database(backend, tables=False))
        tables.metadata.create_all(fresh)

        migrations.ensure(engine)

        assert schema(engine) == schema(fresh)
        fresh.dispose()

    def test_keep_a_live_name_unique_and_a_deleted_one_not(self, engine, store):
        for _ in range(2):
            store.save(new_experiment())
            store.delete("cakes")
        store.save(new_experiment())

        again = tables.names.insert().values(project="default", kind="experiment", name="cakes", id="0")
        with pytest.raises(RaceLostError), transaction(engine, write=True) as connection:
            connection.execute(again)

    @pytest.mark.parametrize("name", ["documents", "versions", "states"])
    def test_have_no_unique_key_without_the_id(self, engine, store, name):
        """So that a database can partition or distribute these tables by it."""
        inspector = sa.inspect(engine)
        keys = [inspector.get_pk_constraint(name)["constrained_columns"]]
        keys += [each["column_names"] for each in inspector.get_unique_constraints(name)]
        keys += [each["column_names"] for each in inspector.get_indexes(name) if each["unique"]]

        assert keys
        assert all("id" in key for key in keys)

    def test_make_the_views(self, engine):
        migrations.ensure(engine)

        assert sorted(sa.inspect(engine).get_view_names()) == VIEWS

    def test_note_where_they_are_in_a_table_of_our_own(self, engine):
        migrations.ensure(engine)

        ours = {"documents", "names", "versions", "states", "tags", "codes", "place_indexes"}
        assert set(sa.inspect(engine).get_table_names()) == {*ours, tables.VERSION_TABLE}

    def test_are_known_to_the_last(self):
        files = sorted(path.stem for path in (ROOT / "docstore/migrations/versions").glob("[0-9]*.py"))

        assert files[-1] == migrations.HEAD
        assert len(files) == len(migrations._KNOWN)

    def test_leave_a_users_own_alembic_alone(self, engine):
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('abc')")
            connection.commit()

        migrations.ensure(engine)

        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "abc"


class TestConnectingAgain:
    def test_writes_nothing(self, engine):
        migrations.ensure(engine)

        assert written(engine, lambda: migrations.ensure(engine)) == []

    def test_writes_nothing_by_the_seeds_name_either(self, engine):
        create_all_tables(engine)

        assert written(engine, lambda: create_all_tables(engine)) == []

    def test_reads_the_settings_of_the_connection_and_the_number_of_the_migration(self, engine, backend):
        migrations.ensure(engine)

        sent = statements_of(engine, migrations.ensure, engine)

        assert [bool(re.search(VERSION_TABLE, each)) for each in sent] == [*([False] * (backend != "sqlite")), True]

    def test_does_not_need_to_be_allowed_to_write(self, tmp_path, connect):
        connect(f"sqlite:///{tmp_path}/lab.db").save(new_experiment())

        reader = connect(f"sqlite:///file:{tmp_path}/lab.db?mode=ro&uri=true")

        assert reader.load("cakes").name == "cakes"


class TestTablesOfALaterDocstore:
    @pytest.fixture
    def newer(self, engine):
        migrations.ensure(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"UPDATE {tables.VERSION_TABLE} SET version_num = '9999'")
            connection.commit()
        return engine

    def test_are_refused(self, newer):
        with pytest.raises(TablesError, match=r"'9999', .* knows up to '0001_initial'. Upgrade with: pip install -U"):
            docstore.connect(newer)

    def test_are_left_as_they_are(self, newer):
        def connect():
            with pytest.raises(TablesError):
                docstore.connect(newer)

        assert written(newer, connect) == []


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
class TestTablesOfACheckoutFromBeforeTheFirstRelease:
    @pytest.fixture
    def older(self, engine, revision):
        migrations.ensure(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql(f"UPDATE {tables.VERSION_TABLE} SET version_num = '{revision}'")
            connection.commit()
        return engine

    def test_are_refused_with_a_way_out(self, older, revision):
        with pytest.raises(TablesError, match=rf"'{revision}'.* before its first release.*save_experiment\(.*new dat"):
            docstore.connect(older)

    def test_are_left_as_they_are(self, older):
        def connect():
            with pytest.raises(TablesError):
                docstore.connect(older)

        assert written(older, connect) == []


class TestALaterMigration:
    """It drops the views, changes the tables, and makes the views anew."""

    @pytest.fixture
    def migrated(self, engine):
        migrations.ensure(engine)

        def migrate():
            with migrating(engine) as connection:
                rights = drop_views(connection)
                assert sa.inspect(connection).get_view_names() == []
                create_views(connection, rights)

        return migrate

    def test_has_all_views_again(self, engine, migrated):
        migrated()

        assert sorted(sa.inspect(engine).get_view_names()) == VIEWS

    @pytest.mark.parametrize("backend", ["postgresql"])
    def test_lets_those_read_the_views_who_could(self, engine, migrated):
        with engine.begin() as connection:
            connection.exec_driver_sql("GRANT SELECT ON experiments TO PUBLIC")

        migrated()

        rights = sa.text(
            "SELECT table_name FROM information_schema.role_table_grants "
            "WHERE privilege_type = 'SELECT' AND table_schema = current_schema() AND grantee = 'PUBLIC'"
        )
        with engine.connect() as connection:
            assert connection.execute(rights).scalars().all() == ["experiments"]

    @pytest.mark.parametrize("backend", ["mariadb"])
    @pytest.mark.parametrize("name", sorted({*TABLES} - {tables.VERSION_TABLE}))
    def test_changes_nothing_of_a_table(self, engine, migrated, name):
        """Comments are put on the columns again: not a row is written again for that."""
        docstore.Store(engine).save(new_experiment())
        look = sa.text(
            f"SELECT table_id FROM information_schema.innodb_sys_tables WHERE name = concat(database(), '/{name}')"
        )

        def seen():
            with engine.connect() as connection:
                return connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").all(), connection.execute(look).all()

        before = seen()
        migrated()

        assert seen() == before


class TestAMigrationThatIsInterrupted:
    @pytest.mark.parametrize(
        "sign", [r"CREATE TABLE .*versions", r"CREATE .*VIEW trials", r"CREATE INDEX", r"INSERT INTO docstore_schema"]
    )
    def test_is_made_good_by_the_next(self, engine, sign):
        def interrupt(connection, cursor, statement, parameters, context, executemany):
            if re.match(sign, statement.strip()):
                raise KeyboardInterrupt

        sa.event.listen(engine, "before_cursor_execute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            migrations.ensure(engine)
        sa.event.remove(engine, "before_cursor_execute", interrupt)

        # MariaDB commits each table by itself.
        assert engine.dialect.name == "mariadb" or sa.inspect(engine).get_table_names() == []
        store = docstore.Store(engine)
        migrations.ensure(engine)
        assert store.save(new_experiment()).number == 1
        assert sorted(sa.inspect(engine).get_view_names()) == VIEWS


class TestATableOfSomeoneElse:
    """It has the name of one of ours."""

    @pytest.mark.parametrize("name", [*sorted({*TABLES} - {tables.VERSION_TABLE}), *VIEWS])
    def test_is_refused_and_left_alone(self, engine, name):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE {name} (mine INTEGER)")
            connection.exec_driver_sql(f"INSERT INTO {name} VALUES (7)")

        with pytest.raises(TablesError, match=rf"{name}.*not docstore's"):
            docstore.connect(engine)

        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT * FROM {name}").all() == [(7,)]

    @pytest.mark.parametrize("name", VIEWS)
    def test_is_refused_too_where_it_is_a_view(self, engine, name):
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE VIEW {name} AS SELECT 7 AS mine")

        with pytest.raises(TablesError, match=rf"{name}.*not docstore's"):
            docstore.connect(engine)

        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT * FROM {name}").all() == [(7,)]


class TestTwoThatMakeTheTablesAtOnce:
    def test_both_have_them(self, database):
        engines = [make_engine(database) for _ in range(4)]
        errors = []

        def ensure(engine):
            try:
                migrations.ensure(engine)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=ensure, args=(engine,)) for engine in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        for engine in engines:
            engine.dispose()

    def test_the_second_finds_what_the_first_made(self, database, engine):
        """The second has looked, found no tables, and waits for its turn to write when the first makes them."""
        waiting = threading.Event()
        second = make_engine(database)

        @sa.event.listens_for(second, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, context, executemany):
            if statement == "BEGIN IMMEDIATE" or "lock(" in statement.lower():
                waiting.set()

        with migrating(engine) as connection:
            thread = threading.Thread(target=migrations.ensure, args=(second,))
            thread.start()
            assert waiting.wait(30)
            migrations.upgrade(connection)
        thread.join()

        assert written(second, lambda: migrations.ensure(second)) == []
        second.dispose()


@pytest.mark.parametrize("backend", ["mariadb"])
class TestTablesThatAnotherNodeMakesMeanwhile:
    """The lock of migrations is of one node of a cluster: here who makes the tables too takes none."""

    @pytest.mark.parametrize(
        "sign",
        [
            "CREATE TABLE IF NOT EXISTS names",
            "CREATE INDEX documents_type",
            "CREATE TABLE IF NOT EXISTS tags",
            "INSERT INTO docstore_schema",
        ],
    )
    def test_are_taken_as_they_are(self, engine, database, sign):
        done = []

        @sa.event.listens_for(engine, "before_cursor_execute")
        def be_second(connection, cursor, statement, parameters, context, executemany):
            if not done and re.match(sign, statement.strip()):
                done.append(statement)
                with administrator(database) as other, contextlib.closing(other.connection.cursor()) as its:
                    its.execute(statement, parameters)

        migrations.ensure(engine)

        assert len(done) == 1
        assert docstore.Store(engine).save(new_experiment()).number == 1
        assert sorted(sa.inspect(engine).get_view_names()) == VIEWS

    def test_are_looked_at_again_after_a_deadlock(self, engine):
        """Of two nodes that note a migration at once, one is told of a deadlock at its COMMIT."""
        failed = []

        @sa.event.listens_for(engine, "do_execute")
        def fail(cursor, statement, parameters, context):
            if not failed and "INSERT INTO docstore_schema" in statement:
                failed.append(statement)
                cursor.execute("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found'")

        migrations.ensure(engine)

        assert len(failed) == 1
        assert docstore.Store(engine).save(new_experiment()).number == 1


class TestTheAlembicCommand:
    """For who would rather run migrations by hand."""

    @pytest.fixture
    def alembic(self, tmp_path):
        (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = docstore:migrations\n")

        def run(*arguments):
            return subprocess.run(
                [sys.executable, "-m", "alembic.config", *arguments],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
            )

        return run

    def test_makes_the_tables(self, alembic, database, connect):
        done = alembic("-x", f"url={database}", "upgrade", "head")

        assert (done.returncode, done.stderr) == (0, "")
        store = connect(database)
        assert store.save(new_experiment()).number == 1

    def test_tells_where_they_are(self, alembic, database, store):
        done = alembic("-x", f"url={database}", "current")

        assert done.stdout.strip() == f"{migrations.HEAD} (head)"

    def test_finds_them_as_the_code_says(self, alembic, database, store):
        done = alembic("-x", f"url={database}", "check")

        assert "No new upgrade operations detected." in done.stdout

    def test_says_what_it_lacks_without_a_url(self, alembic):
        done = alembic("upgrade", "head")

        assert "alembic -x url=sqlite:///lab.db upgrade head" in done.stderr

    def test_does_not_drop_every_document(self, alembic, database, store):
        store.save(new_experiment())

        done = alembic("-x", f"url={database}", "downgrade", "base")

        assert done.returncode != 0
        assert "cannot be undone" in done.stderr
        assert store.load("cakes").name == "cakes"


class TestImportingDocstore:
    def test_does_not_import_what_is_used_later_or_not_at_all(self):
        unwanted = ("alembic", "deepdiff", "numpy", "pandas", "torch", "ax", "psycopg2", "pymysql")
        script = f"""
import sys, docstore, docstore.sqa_store.save, docstore.json_store.save
print(sorted(sys.modules.keys() & {set(unwanted)!r}))
"""

        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == "[]\n"

    def test_and_saving_to_tables_that_are_there_does_not_import_alembic(self, store, database):
        script = f"""
import sys, docstore
store = docstore.connect({database!r})
store.put("note", "n1", 1)
store.load("n1", kind="note")
print(sorted({{"alembic", "deepdiff", "numpy", "pandas"}} & sys.modules.keys()))
"""
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == "[]\n"


class TestADatabaseWithoutTables:
    def test_is_told_what_to_call(self, engine):
        store = docstore.Store(engine)

        with pytest.raises(TablesError, match=r"documents.*create_all_tables\(engine\)"):
            store.find().first()

    def test_may_hold_tables_of_others(self, tmp_path, connect):
        with sqlite3.connect(tmp_path / "lab.db") as connection:
            connection.execute("CREATE TABLE mine (a)")
        connection.close()

        assert connect(f"sqlite:///{tmp_path}/lab.db").save(new_experiment()).number == 1
