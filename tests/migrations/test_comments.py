"""What a database tool shows beside a table, a view and a column: the comments in a database that keeps them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from docstore.migrations.views import views
from docstore.migrations.views.comments import TABLES, VIEWS
from docstore.sql.tables import metadata


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
            for text in (said.text, *said.columns.values()):
                assert not {"'", '"', "\\", "%", "\n"} & set(text)
                assert 10 < len(text) <= 1024

    @ON_BOTH
    @pytest.mark.parametrize("name", TABLES)
    def test_stand_beside_tables_in_the_database(self, store, plain, name):
        inspector = sa.inspect(plain)

        assert inspector.get_table_comment(name)["text"] == TABLES[name].text
        found = {column["name"]: column["comment"] for column in inspector.get_columns(name)}
        assert found == TABLES[name].columns

    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    @pytest.mark.parametrize("name", VIEWS)
    def test_stand_beside_views_in_the_database(self, store, plain, look, name):
        inspector = sa.inspect(plain)

        assert look(f"SELECT obj_description('{name}'::regclass)") == [(VIEWS[name].text,)]
        assert {column["name"]: column["comment"] for column in inspector.get_columns(name)} == VIEWS[name].columns
