"""A database of the second migration, brought up to date: its rows stay, its views are today's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from formats import make, of_store

from docstore import migrations
from docstore.errors import TablesError
from docstore.migrations.views_0001 import views as older_views
from docstore.migrations.views_0003 import views
from docstore.migrations.views_0003.comments import LIVE, TABLES, VIEWS
from docstore.sql.dialects import make_engine, migrating, transaction
from docstore.sql.tables import metadata

OLDER = [name for name in metadata.tables if name != "place_indexes"]


def made_by(url, revision):
    """Run the migrations up to *revision* on an empty database."""
    from alembic import command
    from alembic.config import Config

    engine = make_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with migrating(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def rows_of(url):
    """Every row of every table, as text."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in OLDER}
    engine.dispose()
    return {name: sorted(map(repr, rows)) for name, rows in found.items()}


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """The stores, by project, of a database of everything."""
    path = tmp_path_factory.mktemp("filled") / "lab.db"
    with make.filled(path) as stores:
        yield stores


@pytest.fixture
def database(empty_database):
    """The tables are made here."""
    return empty_database


@pytest.fixture
def second(database, everything):
    """The URL of a database on each backend, as the second migration made it, with everything in it."""
    made_by(database, "0002")
    [store, *_] = everything.values()
    engine = make_engine(database)
    with transaction(store.engine, write=False) as source, transaction(engine, write=True) as target:
        for name in OLDER:
            rows = [dict(row._mapping) for row in source.execute(sa.select(metadata.tables[name]))]
            target.execute(metadata.tables[name].insert(), rows)
    engine.dispose()
    return database


@pytest.fixture
def plain(database):
    """An engine that knows nothing of docstore."""
    engine = sa.create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def look(plain):
    """Reads what a statement gives."""

    def look(statement):
        with plain.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    return look


class TestADatabaseOfTheSecondMigration:
    def test_keeps_every_row(self, second, connect):
        before = rows_of(second)

        connect(second)

        assert rows_of(second) == before

    @pytest.mark.parametrize("project", of_store.PROJECTS)
    def test_is_whole(self, second, connect, project):
        assert connect(second, project=project, **of_store.OPTIONS).verify() == []

    def test_has_the_views_of_today(self, second, connect, look, plain):
        connect(second)

        assert sorted(sa.inspect(plain).get_view_names()) == sorted(views("sqlite"))
        assert look("SELECT trials, objective FROM experiments WHERE name = 'bread' AND project = 'default'") == [
            (1, None)
        ]

    def test_has_the_table_of_indexed_places_which_is_empty(self, second, connect, look):
        connect(second)

        assert look("SELECT * FROM place_indexes") == []

    def test_goes_on(self, second, connect):
        store = connect(second, **of_store.OPTIONS)
        bread = store.load("bread")
        bread.description = "since"

        store.save(bread)

        assert store.verify() == []

    @pytest.mark.parametrize(
        "sign", [r"CREATE TABLE .*place_indexes", r"CREATE .*VIEW observations", r"UPDATE docstore_schema"]
    )
    def test_is_brought_up_to_date_by_the_next_where_one_was_interrupted(self, second, plain, connect, sign):
        engine = make_engine(second)

        def interrupt(connection, cursor, statement, parameters, context, executemany):
            if re.match(sign, statement.strip()):
                raise KeyboardInterrupt

        sa.event.listen(engine, "before_cursor_execute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            migrations.ensure(engine)
        engine.dispose()

        assert connect(second, **of_store.OPTIONS).verify() == []
        assert sorted(sa.inspect(plain).get_view_names()) == sorted(views("sqlite"))

    @pytest.mark.parametrize("name", sorted({*views("sqlite")} - {*older_views("sqlite")}))
    @pytest.mark.parametrize("thing", ["TABLE {} (mine INTEGER)", "VIEW {} AS SELECT 7 AS mine"])
    def test_is_not_brought_up_to_date_over_what_is_of_others(self, second, plain, connect, look, name, thing):
        with plain.begin() as connection:
            connection.exec_driver_sql(f"CREATE {thing.format(name)}")

        with pytest.raises(TablesError, match=rf"{name}.*not docstore's"):
            connect(second)

        assert look(f"SELECT * FROM {name}") == ([] if "TABLE" in thing else [(7,)])

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_lets_those_read_the_views_who_could(self, second, plain, connect, look):
        with plain.begin() as connection:
            connection.exec_driver_sql("GRANT SELECT ON experiments TO PUBLIC")

        connect(second)

        rights = "SELECT grantee FROM information_schema.role_table_grants WHERE privilege_type = 'SELECT' AND "
        rights += "table_schema = current_schema() AND grantee = 'PUBLIC' AND table_name = "
        assert look(f"{rights} 'experiments'") == [("PUBLIC",)]
        assert look(f"{rights} 'trials'") == []


ON_BOTH = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)


class TestComments:
    """What a tool shows beside a table, a view and a column."""

    @pytest.mark.parametrize("name", TABLES)
    def test_are_there_for_each_column_of_each_table(self, name):
        columns = (
            {column.name for column in metadata.tables[name].columns} if name in metadata.tables else {"version_num"}
        )

        assert set(TABLES[name].columns) == columns

    @pytest.mark.parametrize("name", VIEWS)
    def test_are_there_for_each_column_of_each_view(self, store, plain, name):
        with plain.connect() as connection:
            columns = list(connection.exec_driver_sql(f"SELECT * FROM {name}").keys())

        assert list(VIEWS[name].columns) == columns

    def test_are_there_for_all(self):
        assert set(TABLES) == {*metadata.tables, "docstore_schema"}
        assert list(VIEWS) == list(views("sqlite"))

    def test_are_texts_that_any_driver_takes(self):
        for said in (*TABLES.values(), *VIEWS.values()):
            for text in (said.text, *said.columns.values(), LIVE):
                assert not {"'", '"', "\\", "%", "\n"} & set(text)
                assert 10 < len(text) <= 1024

    @ON_BOTH
    @pytest.mark.parametrize("name", TABLES)
    def test_stand_beside_tables_in_the_database(self, store, plain, name):
        inspector = sa.inspect(plain)

        assert inspector.get_table_comment(name)["text"] == TABLES[name].text
        found = {
            column["name"]: column["comment"] for column in inspector.get_columns(name) if column["name"] != "live"
        }
        assert found == TABLES[name].columns

    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_stand_beside_the_computed_column_too(self, store, plain):
        comments = {column["name"]: column["comment"] for column in sa.inspect(plain).get_columns("documents")}

        assert comments["live"] == LIVE

    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_leave_the_computed_column_as_it_was(self, store, look):
        [(_, made)] = look("SHOW CREATE TABLE documents")

        live = "GENERATED ALWAYS AS (case when `path` = '' and `deleted_at` is null then 1 end) VIRTUAL COMMENT"
        assert f"`live` smallint(6) {live}" in made
        assert "UNIQUE KEY `documents_name` (`name`,`kind`,`project`,`live`)" in made

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    @pytest.mark.parametrize("name", VIEWS)
    def test_stand_beside_views_in_the_database(self, store, plain, look, name):
        inspector = sa.inspect(plain)

        assert look(f"SELECT obj_description('{name}'::regclass)") == [(VIEWS[name].text,)]
        assert {column["name"]: column["comment"] for column in inspector.get_columns(name)} == VIEWS[name].columns

    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    @pytest.mark.parametrize("name", OLDER)
    def test_change_nothing_else_of_a_table(self, second, connect, look, name):
        """Not its columns, types, collations, defaults, computed columns or indexes; nor is a row written again."""
        [(_, before)] = look(f"SHOW CREATE TABLE {name}")
        table = f"SELECT table_id FROM information_schema.innodb_sys_tables WHERE name = concat(database(), '/{name}')"
        id_before = look(table)

        connect(second)

        [(_, after)] = look(f"SHOW CREATE TABLE {name}")
        assert re.sub(r" COMMENT[ =]'[^']*'", "", after) == re.sub(r" COMMENT[ =]'[^']*'", "", before)
        assert " COMMENT=" in after
        assert look(table) == id_before != []
