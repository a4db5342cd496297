"""A database of the first migration, brought up to date: every version is there, and its chain holds where it held."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from formats import classes_0_1_0, of_store

from docstore import migrations, registry
from docstore.sql.dialects import make_engine, migrating, transaction
from docstore.sql.tables import codes, documents, versions

HERE = Path(__file__).parents[1] / "formats"
VERSIONS = json.loads((HERE / "0.1.0" / "digests.json").read_bytes())["versions"]
LATER = {"rolls", "rolls, sweet"}
"""Documents of the kept database that the first migration's has not."""
NEW = {"parent", "folded"}


def rows_of(connection, table):
    """The rows of a table as the first migration had it."""
    columns = [column for column in table.c if column.name not in NEW]
    return [dict(row._mapping) for row in connection.execute(sa.select(*columns))]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """What stood in a database of the first migration, by table."""
    path = tmp_path_factory.mktemp("first") / "first.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "migration_0001.sql").read_text(encoding="utf-8"))
    engine = make_engine(path)
    with engine.connect() as connection:
        found = {table: rows_of(connection, table) for table in (documents, versions, codes)}
    engine.dispose()
    return found


@pytest.fixture
def first(empty_database, rows):
    """The URL of a database on each backend, as the first migration made it, with these rows."""
    from alembic import command
    from alembic.config import Config

    engine = make_engine(empty_database)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with migrating(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, found in rows.items():
            older = sa.table(table.name, *(sa.column(c.name, c.type) for c in table.c if c.name not in NEW))
            connection.execute(older.insert(), found)
    engine.dispose()
    return empty_database


@pytest.fixture(autouse=True)
def _classes():
    with registry.scope():
        classes_0_1_0.register()
        yield


def set_in_versions(url, name, number, **values):
    """Write something into the row of one version, as something else than docstore would."""
    c = documents.c
    id = sa.select(c.id).where(c.name == name, c.project == "default", c.path == "", c.deleted_at.is_(None))
    engine = make_engine(url)
    with transaction(engine, write=True) as connection:
        which = (versions.c.id == id.scalar_subquery()) & (versions.c.version == number)
        connection.execute(versions.update().where(which).values(values))
    engine.dispose()


class TestADatabaseOfTheFirstMigration:
    @pytest.mark.parametrize("project", of_store.PROJECTS)
    def test_is_whole_once_it_is_up_to_date(self, first, connect, project):
        assert connect(first, project=project, **of_store.OPTIONS).verify() == []

    def test_has_every_version_that_it_had(self, first, connect):
        stores = {project: connect(first, project=project, **of_store.OPTIONS) for project in of_store.PROJECTS}
        living = [saved for saved in VERSIONS if not saved["is_deleted"] and saved["name"] not in LATER]

        found = [
            stores[saved["project"]].history(saved["name"], kind=saved["kind"])[-saved["version"]].digest
            for saved in living
        ]

        assert found == [saved["digest"] for saved in living]

    def test_goes_on(self, first, connect):
        store = connect(first, **of_store.OPTIONS)
        bread = store.load("bread")
        bread.description = "since"
        before = len(store.history("bread"))

        version = store.save(bread)

        assert version.number == before + 1
        assert store.verify() == []

    @pytest.mark.parametrize("values", [{"message": "another"}, {"author": "another"}, {"digest": "0" * 64}])
    def test_that_was_edited_unseen_is_still_found_to_be(self, first, connect, values):
        set_in_versions(first, "bread", 2, **values)

        damages = connect(first, **of_store.OPTIONS).verify()

        assert {(damage.name, damage.where) for damage in damages} >= {("bread", "version 2")}
        assert {damage.name for damage in damages} == {"bread"}

    @pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
    def test_that_cannot_be_read_in_one_place_is_brought_up_to_date_all_the_same(self, first, connect):
        set_in_versions(first, "bread", 2, message="at noon")
        with closing(sqlite3.connect(first.removeprefix("sqlite:///"))) as connection:
            connection.execute("UPDATE versions SET created_at = 'noon' WHERE message = 'at noon'")
            connection.commit()

        store = connect(first, **of_store.OPTIONS)

        assert {damage.name for damage in store.verify()} == {"bread"}
        assert store.load("pea soup", kind="recipe").id == "pea soup"
