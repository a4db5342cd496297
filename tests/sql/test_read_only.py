"""A store that is opened to be read only, and a SQLite file that its reader may not write to."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from actions import fill, held
from administration import administrator, new_user, run, schema_of
from backends import REMOTES

import docstore
from docstore import migrations
from docstore.errors import DatabaseError, InvalidValueError, NotAllowedError, ReadOnlyError, TablesError
from docstore.sql.dialects import transaction

NOBODY = 65534

WRITES = {
    *("save", "save_trial", "save_trials", "save_many", "put", "create_index", "drop_index", "revert", "tag", "untag"),
    *("compact", "branch", "merge", "rename", "delete", "undelete", "purge"),
}

ARGUMENTS = {"objects": (), "trials": (), "pointer": "/description", "version": 1, "keep": 1}
"""Of the arguments that have to be given, those that are no text."""


@pytest.fixture
def filled(store):
    fill(store)
    return store


@pytest.fixture
def reader(filled, database, connect):
    return connect(database, read_only=True)


class TestAStoreThatIsOpenedToBeRead:
    def test_is_read(self, filled, reader):
        assert held(reader) == held(filled)
        assert reader.load("cakes").num_trials == 2
        assert reader.get("n1", kind="note", version=1) == {"a": 1}

    def test_is_not_written_to(self, filled, reader):
        before = held(filled)

        with pytest.raises(ReadOnlyError, match=r"opened to be read only.*connect without read_only=True") as caught:
            reader.put("note", "n2", 1)

        assert held(filled) == before
        assert caught.value.changes == "Nothing was changed."

    def test_loads_or_creates_what_is_there(self, reader):
        def never():
            raise AssertionError("nothing can be saved here")

        assert reader.load_or_create("cakes", never).num_trials == 2
        with pytest.raises(ReadOnlyError):
            reader.load_or_create("bread", never)

    def test_is_not_written_to_by_its_engine_either(self, filled, reader):
        before = held(filled)

        with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read-?\s?only"), reader.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM documents")

        assert held(filled) == before

    def test_leaves_other_stores_as_they_are(self, filled, reader):
        reader.load("cakes")

        assert filled.put("note", "n2", 1).number == 1
        assert reader.get("n2", kind="note") == 1

    def test_is_told_that_there_are_no_tables(self, empty_database):
        engine = sa.create_engine(empty_database)
        engine.connect().close()  # makes a file, without anything in it

        with pytest.raises(TablesError, match=r"has no tables of docstore.*without read_only=True"):
            docstore.connect(empty_database, read_only=True)

        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()

    def test_is_told_that_the_tables_are_older(self, database, monkeypatch):
        monkeypatch.setattr(migrations, "_KNOWN", {migrations.HEAD, "0002_later"})
        monkeypatch.setattr(migrations, "HEAD", "0002_later")

        with pytest.raises(TablesError, match=r"are at '0001_initial', and not '0002_later', .*Whoever may write"):
            docstore.connect(database, read_only=True)


class TestACallThatWrites:
    @pytest.fixture
    def backend(self):
        return "sqlite"

    @pytest.fixture
    def reader(self, database, connect):
        return connect(database, read_only=True)

    @pytest.mark.parametrize("method", sorted(WRITES))
    def test_is_refused_before_anything_is_read(self, reader, method):
        call = getattr(reader, method)
        required = [each.name for each in inspect.signature(call).parameters.values() if each.default is each.empty]

        with pytest.raises(ReadOnlyError):
            call(**{name: ARGUMENTS.get(name, "experiment" if name == "kind" else "x") for name in required})

    def test_is_refused_as_the_target_of_a_copy(self, reader, connect):
        with pytest.raises(ReadOnlyError):
            connect("sqlite://").copy_to(reader)


@pytest.mark.parametrize("backend", list(REMOTES))
class TestAUserWhoMayOnlyRead:
    @pytest.fixture
    def user(self, filled, database, backend):
        with new_user(database, "secret", rights="USAGE" if backend == "postgresql" else "SELECT") as user:
            if backend == "postgresql":
                with administrator(database) as connection:
                    run(
                        connection,
                        f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema_of(connection)}" TO "{user.username}"',
                    )
            yield user

    @pytest.mark.parametrize("read_only", [True, False])
    def test_reads_everything(self, filled, user, connect, read_only):
        theirs = connect(user, read_only=read_only)

        assert held(theirs) == held(filled)
        assert theirs.load("cakes").num_trials == 2
        assert len(theirs.find(where={"/a": 2})) == 1

    def test_is_told_by_the_database_that_nothing_else_is_allowed(self, user, connect):
        with pytest.raises(NotAllowedError):
            connect(user).put("note", "n2", 1)


class TestWhatIsOpened:
    """On SQLite."""

    @pytest.fixture
    def backend(self):
        return "sqlite"

    @pytest.mark.parametrize("url", ["{}?mode=ro", "{file}?mode=ro&uri=true", "{file}?uri=true&mode=ro&cache=private"])
    def test_may_be_a_url_that_says_so(self, filled, database, connect, url):
        reader = connect(url.format(database, file=database.replace("sqlite:///", "sqlite:///file:")))

        assert held(reader) == held(filled)
        with pytest.raises(ReadOnlyError, match="opened to be read only"):
            reader.put("note", "n2", 1)

    @pytest.mark.parametrize("url", ["sqlite:///lab.db?mode=ro", "sqlite:///file:lab.db?mode=ro&uri=true"])
    def test_may_be_a_relative_one(self, filled, tmp_path, monkeypatch, connect, url):
        monkeypatch.chdir(tmp_path)

        assert connect(url).load("cakes").num_trials == 2

    def test_may_be_an_engine_which_others_write_by(self, filled, database, connect):
        engine = sa.create_engine(database)
        reader = connect(engine, read_only=True)

        assert reader.load("cakes").num_trials == 2
        with pytest.raises(ReadOnlyError):
            reader.put("note", "n2", 1)
        assert connect(engine).put("note", "n2", 1).number == 1

    def test_may_be_what_a_creator_gives(self, filled, database, connect):
        path = sa.make_url(database).database
        reader = connect(creator=lambda: sqlite3.connect(path, check_same_thread=False), read_only=True)

        assert reader.load("cakes").num_trials == 2
        with pytest.raises(ReadOnlyError):
            reader.put("note", "n2", 1)
        with pytest.raises(sa.exc.DBAPIError, match="readonly"), reader.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM documents")

    def test_is_not_put_in_wal_mode(self, filled, database, connect):
        path = sa.make_url(database).database
        filled.engine.dispose()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")

        connect(creator=lambda: sqlite3.connect(path, check_same_thread=False), read_only=True).load("cakes")

        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)

    def test_is_copied_to_another_store(self, filled, database, connect):
        copied = connect(database, read_only=True).copy_to(connect("sqlite://"))

        assert [each.name for each in copied] == ["pies", "cakes", "n1"]

    def test_may_have_a_name_that_a_uri_escapes(self, tmp_path, connect):
        path = tmp_path / "100% sure? #1 & caf\u00e9.db"
        with docstore.connect(path) as store:
            store.put("note", "n1", 1)

        assert connect(path, read_only=True).get("n1", kind="note") == 1

    def test_has_to_be_there(self, tmp_path):
        with pytest.raises(DatabaseError, match=r"lab\.db: there is no such file\. .*without read_only=True"):
            docstore.connect(tmp_path / "lab.db", read_only=True)

        assert os.listdir(tmp_path) == []

    def test_gets_no_index_of_its_bodies(self, postgresql):
        with pytest.raises(InvalidValueError, match="body_index"):
            docstore.connect(postgresql, read_only=True, body_index=True)

    @pytest.mark.parametrize("value", [1, None, "yes"])
    def test_is_said_by_true_or_false(self, value):
        with pytest.raises(InvalidValueError, match=r"read_only: .*True or False"):
            docstore.connect("sqlite://", read_only=value)


@contextlib.contextmanager
def without_rights():
    """Let the block run as a user whom permissions bind: the tests may be run by root."""
    if os.geteuid() != 0:
        yield
        return
    group = os.getegid()
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


class TestAFileThatItsReaderMayNotWriteTo:
    """In WAL mode a reader makes files beside it, or needs those of whoever has it open."""

    @pytest.fixture
    def folder(self):
        # Everybody may look into it; nobody but its owner into those of pytest.
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            yield folder
            folder.chmod(0o755)

    @pytest.fixture
    def path(self, folder, fresh_database):
        path = folder / "lab.db"
        shutil.copy(sa.make_url(fresh_database("sqlite")).database, path)
        with docstore.connect(path) as store:
            fill(store)
            held(store)  # all modules are imported that the reader needs
        return path

    @pytest.mark.parametrize(("file", "folder_mode"), [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)])
    @pytest.mark.parametrize("read_only", [True, False])
    def test_is_read_and_nothing_is_made_beside_it(self, path, connect, file, folder_mode, read_only):
        path.chmod(file)
        path.parent.chmod(folder_mode)

        with without_rights():
            store = connect(path, read_only=read_only)
            found = held(store)

        assert [name for _, name, _ in found[0]] == ["cakes", "n1"]
        assert os.listdir(path.parent) == ["lab.db"]

    @pytest.mark.parametrize("read_only", [True, False])
    def test_has_nothing_beside_it_that_another_user_made(self, path, read_only, monkeypatch):
        path.chmod(0o666)
        path.parent.chmod(0o777)
        if os.geteuid() != 0:  # who cannot become another user is taken for one
            monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)

        with without_rights(), docstore.connect(path, read_only=read_only) as store:
            held(store)

        assert os.listdir(path.parent) == ["lab.db"]

    @pytest.mark.parametrize("read_only", [True, False])
    def test_is_read_in_another_mode_too(self, path, connect, read_only):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        path.chmod(0o444)
        path.parent.chmod(0o555)

        with without_rights():
            assert connect(path, read_only=read_only).get("n1", kind="note") == {"a": 2}

    def test_is_read_by_a_link_that_is_in_a_folder_of_the_reader(self, path, folder, connect):
        data = folder / "data"
        data.mkdir()
        path.rename(data / "lab.db")
        path.symlink_to(data / "lab.db")
        (data / "lab.db").chmod(0o666)
        data.chmod(0o555)
        folder.chmod(0o777)

        with without_rights():
            assert connect(path).get("n1", kind="note") == {"a": 2}

        assert os.listdir(data) == ["lab.db"]
        data.chmod(0o755)

    def test_is_not_saved_to(self, path, connect):
        path.chmod(0o444)
        path.parent.chmod(0o555)

        with without_rights(), pytest.raises(ReadOnlyError, match=r"readonly database\. Nothing can be saved here"):
            connect(path).put("note", "n2", 1)

    @pytest.mark.parametrize("read_only", [True, False])
    def test_is_read_again_when_its_owner_has_saved(self, path, connect, read_only):
        path.parent.chmod(0o555)
        with without_rights():
            reader = connect(path, read_only=read_only)
            assert reader.get("n1", kind="note") == {"a": 2}
        path.parent.chmod(0o755)
        owner = connect(path)

        owner.put("note", "n1", {"a": 3})

        path.parent.chmod(0o555)
        with without_rights():
            assert reader.get("n1", kind="note") == {"a": 3}
        owner.put("note", "n1", {"a": 4})
        with without_rights():
            assert reader.get("n1", kind="note") == {"a": 4}
        owner.close()
        with without_rights():
            assert reader.get("n1", kind="note") == {"a": 4}

    def test_is_refused_if_its_owner_saved_while_it_was_read(self, path, connect):
        path.parent.chmod(0o555)
        with without_rights():
            reader = connect(path, read_only=True)
        path.parent.chmod(0o755)

        with (  # noqa: PT012  # what was read is refused at the end
            pytest.raises(DatabaseError, match=r"another program wrote to the file while it was read\. Read again\."),
            transaction(reader.engine, write=False) as connection,
        ):
            connection.exec_driver_sql("SELECT count(*) FROM documents")
            with docstore.connect(path) as owner:
                owner.put("note", "n1", {"a": 3})

    def test_is_not_read_without_its_last_saves(self, path, folder, connect):
        owner = connect(path)
        owner.put("note", "n1", {"a": 3})
        copy = folder / "copy"
        copy.mkdir()
        for end in ("", "-wal"):
            shutil.copy(f"{path}{end}", f"{copy}/lab.db{end}")
        copy.chmod(0o555)

        with without_rights(), pytest.raises(DatabaseError, match=r"its last saves are in a file .* copy both files"):
            docstore.connect(copy / "lab.db", read_only=True)

        copy.chmod(0o755)
