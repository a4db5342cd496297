"""The file of a SQLite database is deleted, moved or replaced while a store has it open."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import CHANGES_UNKNOWN, NOTHING_CHANGED, DatabaseError, FileReplacedError
from docstore.sql.dialects import transaction


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lab.db"


@pytest.fixture
def lab(path, connect):
    """A store that has its file open, with a note in the log."""
    store = connect(path)
    store.put("note", "old", "of the first file")
    return store


@pytest.fixture
def other(tmp_path):
    """Another database of docstore's, closed: with a note of its own, and many more pages."""
    path = tmp_path / "other.db"
    with docstore.connect(path) as store:
        for number in range(20):
            store.put("note", f"new {number}", "of the second file" * 100)
    assert not os.path.exists(f"{path}-wal")
    return path


def names(path):
    """Return the names of all documents that a fresh store finds, after SQLite's own check and docstore's."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with docstore.connect(path) as store:
        assert store.verify() == []
        return {found.name for found in store.find()}


SAVE = {"put": lambda store: store.put("note", "lost", 1), "delete": lambda store: store.delete("old", kind="note")}
READ = {
    "get": lambda store: store.get("old", kind="note"),
    "find": lambda store: list(store.find()),
    "history": lambda store: store.history("old", kind="note"),
    "verify": lambda store: store.verify(),
}
CALLS = pytest.mark.parametrize("call", [*SAVE.values(), *READ.values()], ids=[*SAVE, *READ])

NEW = {f"new {number}" for number in range(20)}


class TestAFileThatAnotherTakesThePlaceOf:
    """As rsync, git checkout, a sync program or an editor put a file there: by renaming."""

    @CALLS
    def test_is_not_used_any_more(self, lab, path, other, call):
        os.replace(other, path)

        with pytest.raises(FileReplacedError, match="another file has taken the place") as caught:
            call(lab)

        assert (caught.value.path, caught.value.committing) == (str(path), False)
        assert str(path) in str(caught.value)
        assert "call store.close()" in str(caught.value)
        assert str(caught.value).endswith("Nothing was changed.")

    def test_is_refused_each_time_until_the_store_is_closed(self, lab, path, other):
        os.replace(other, path)

        for call in [*SAVE.values(), *READ.values()] * 2:
            with pytest.raises(FileReplacedError):
                call(lab)

    def test_leaves_nothing_of_itself_in_the_new_one(self, lab, path, other):
        before = other.read_bytes()
        os.replace(other, path)

        with pytest.raises(FileReplacedError):
            lab.put("note", "lost", 1)

        assert path.read_bytes() == before
        assert names(path) == NEW

    def test_lets_another_store_go_on_with_the_new_one(self, lab, path, other, connect):
        os.replace(other, path)
        with pytest.raises(FileReplacedError):
            lab.put("note", "lost", 1)

        lab.close()
        with connect(path) as again:
            again.put("note", "later", 1)

        assert names(path) == NEW | {"later"}

    def test_leaves_nothing_of_itself_in_the_new_one_where_the_store_is_only_closed(self, lab, path, other):
        for number in range(20):
            lab.put("note", f"old {number}", "of the first file" * 100)
        before = other.read_bytes()
        os.replace(other, path)

        lab.close()

        assert path.read_bytes() == before
        assert names(path) == NEW

    def test_is_told_to_a_transaction_that_was_under_way(self, lab, path, other):
        @sa.event.listens_for(lab.engine, "commit")
        def replace(connection):
            if other.exists():
                os.replace(other, path)

        with pytest.raises(FileReplacedError, match="It is not known whether your changes were kept") as caught:
            lab.put("note", "lost", 1)

        assert caught.value.committing
        assert names(path) == NEW

    def test_is_told_to_a_verify_that_was_under_way(self, lab, path, other):
        def replace(progress):
            if other.exists():
                os.replace(other, path)

        with pytest.raises(FileReplacedError, match="Nothing was changed"):
            lab.verify(progress=replace)

    def test_is_told_to_a_second_connection_before_it_opens_the_new_one(self, lab, path, other):
        with (  # noqa: PT012  # the transaction that is under way is told so as well, at its end
            pytest.raises(FileReplacedError),
            transaction(lab.engine, write=False) as connection,
        ):
            connection.exec_driver_sql("SELECT count(*) FROM documents")
            before = other.read_bytes()
            os.replace(other, path)

            with pytest.raises(FileReplacedError, match="another file has taken the place"):
                lab.get("old", kind="note")

        assert lab.engine.pool.checkedin() == 1
        assert path.read_bytes() == before

    def test_is_told_to_a_store_whose_engine_was_disposed_and_opened_the_new_one(self, lab, path, other, tmp_path):
        lab.engine.dispose()
        os.replace(other, path)
        assert {found.name for found in lab.find()} == NEW
        shutil.copy(path, tmp_path / "third.db")
        os.replace(tmp_path / "third.db", path)

        with pytest.raises(FileReplacedError):
            list(lab.find())

    def test_is_whole_under_the_name_that_it_was_moved_to(self, lab, path, other, tmp_path):
        os.rename(path, tmp_path / "moved.db")
        os.replace(other, path)

        with pytest.raises(FileReplacedError):
            lab.put("note", "lost", 1)

        assert names(tmp_path / "moved.db") == {"old"}
        assert names(path) == NEW

    def test_lets_other_programs_be_that_hold_its_log(self, lab, path, other):
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM documents").fetchall()
            lab.put("note", "newer", 1)
            os.replace(other, path)

            with pytest.raises(
                FileReplacedError, match=r"First move .*lab\.db-wal away, and .*lab\.db-shm: they belong"
            ):
                lab.put("note", "lost", 1)

    def test_may_have_a_log_of_its_own(self, lab, path, other):
        with docstore.connect(other) as theirs:
            theirs.put("note", "in the log", 1)
            for end in ("-wal", "-shm", ""):
                os.replace(f"{other}{end}", f"{path}{end}")
            log = os.path.getsize(f"{path}-wal")

            with pytest.raises(FileReplacedError, match="another file has taken the place"):
                lab.put("note", "lost", 1)

            assert os.path.getsize(f"{path}-wal") == log > 0


class TestAFileThatIsDeleted:
    @CALLS
    def test_is_not_used_any_more(self, lab, path, call):
        path.unlink()

        with pytest.raises(FileReplacedError, match="was deleted or moved away while the store had it open") as caught:
            call(lab)

        assert (caught.value.path, caught.value.committing) == (str(path), False)

    def test_is_not_made_again(self, lab, path):
        path.unlink()

        with pytest.raises(FileReplacedError), transaction(lab.engine, write=False):
            pass
        with pytest.raises(FileReplacedError):
            lab.put("note", "lost", 1)

        assert not path.exists()

    def test_is_told_in_the_commit(self, lab, path):
        sa.event.listen(lab.engine, "commit", lambda connection: path.unlink())

        with pytest.raises(FileReplacedError, match="It is not known whether your changes were kept") as caught:
            lab.put("note", "lost", 1)

        assert caught.value.committing

    def test_leaves_a_new_file_alone(self, lab, path, connect):
        path.unlink()
        with pytest.raises(FileReplacedError, match=r"call store\.close\(\) .*, and connect\(\) to begin"):
            lab.put("note", "lost", 1)
        lab.close()

        connect(path).put("note", "first", 1)

        assert {found.name for found in connect(path).find()} == {"first"}
        assert connect(path).verify() == []

    def test_with_its_folder_is_told(self, connect, tmp_path):
        folder = tmp_path / "folder"
        folder.mkdir()
        store = connect(folder / "lab.db")
        shutil.rmtree(folder)

        with pytest.raises(FileReplacedError, match="was deleted or moved away"):
            store.put("note", "lost", 1)

    def test_with_its_folder_in_whose_place_is_a_link_to_itself_is_told(self, connect, tmp_path):
        folder = tmp_path / "folder"
        folder.mkdir()
        store = connect(folder / "lab.db")
        folder.rename(tmp_path / "moved")
        folder.symlink_to(folder)

        with pytest.raises(
            DatabaseError, match=r"folder/lab\.db: the file cannot be looked at: Too many levels"
        ) as told:
            store.put("note", "lost", 1)

        assert told.value.changes == NOTHING_CHANGED
        assert "known" not in str(told.value)

    def test_with_its_folder_in_whose_place_is_a_link_to_itself_is_told_in_the_commit(self, connect, tmp_path):
        folder = tmp_path / "folder"
        folder.mkdir()
        store = connect(folder / "lab.db")

        def replace(connection):
            folder.rename(tmp_path / "moved")
            folder.symlink_to(folder)

        sa.event.listen(store.engine, "commit", replace)

        with pytest.raises(DatabaseError, match="cannot be looked at: Too many levels") as told:
            store.put("note", "lost", 1)

        assert NOTHING_CHANGED not in str(told.value)
        assert told.value.changes == CHANGES_UNKNOWN

    def test_and_put_back_is_used_again(self, lab, path, tmp_path):
        os.rename(path, tmp_path / "aside.db")
        with pytest.raises(FileReplacedError):
            lab.put("note", "lost", 1)
        os.rename(tmp_path / "aside.db", path)

        lab.put("note", "later", 1)

        lab.close()
        assert names(path) == {"old", "later"}


class TestALogThatIsDeleted:
    """As ``git clean`` or ``rm lab.db-*`` does: what was saved last stands in it alone."""

    @CALLS
    def test_is_told(self, lab, path, call):
        os.unlink(f"{path}-wal")

        with pytest.raises(FileReplacedError, match=r"its log .*lab\.db-wal, .* was deleted or moved away"):
            call(lab)

    def test_or_replaced_is_told(self, lab, path, tmp_path):
        shutil.copy(f"{path}-wal", tmp_path / "copy")
        os.replace(tmp_path / "copy", f"{path}-wal")

        with pytest.raises(FileReplacedError, match=r"its log .*lab\.db-wal, .* was replaced by another"):
            lab.put("note", "lost", 1)

    def test_is_told_in_the_commit(self, lab, path):
        sa.event.listen(lab.engine, "commit", lambda connection: os.unlink(f"{path}-wal"))

        with pytest.raises(FileReplacedError, match="It is not known whether your changes were kept") as caught:
            lab.put("note", "lost", 1)

        assert caught.value.committing

    def test_is_written_into_the_file_when_the_last_store_is_closed(self, lab, path):
        with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as without_log:
            assert without_log.execute("SELECT * FROM sqlite_master WHERE name = 'documents'").fetchall() == []
        os.unlink(f"{path}-wal")
        with pytest.raises(FileReplacedError, match=r"In each process .*, call store\.close\(\)"):
            lab.put("note", "lost", 1)

        lab.close()

        assert names(path) == {"old"}

    def test_is_none_where_the_journal_is_set_to_another(self, lab):
        with lab.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = DELETE")

        lab.put("note", "later", 1)

        assert {found.name for found in lab.find()} == {"old", "later"}


class TestAStoreThatWasOpenedInAnotherWay:
    @CALLS
    @pytest.mark.parametrize("pool", [sa.QueuePool, sa.NullPool])
    def test_by_an_engine_refuses_as_well(self, path, other, connect, pool, call):
        engine = sa.create_engine(f"sqlite:///{path}", poolclass=pool)
        store = connect(engine)
        store.put("note", "old", 1)
        before = other.read_bytes()
        os.replace(other, path)

        with pytest.raises(FileReplacedError):
            call(store)

        engine.dispose()
        assert path.read_bytes() == before

    def test_by_a_creator_refuses_as_well(self, path, other, connect):
        store = connect(creator=lambda: sqlite3.connect(path, check_same_thread=False))
        store.put("note", "old", 1)
        os.replace(other, path)

        with pytest.raises(FileReplacedError) as caught:
            store.put("note", "lost", 1)

        assert caught.value.path == str(path)

    def test_by_a_relative_path_stays_with_its_file_wherever_the_process_goes(
        self, path, connect, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        store = connect("sqlite:///lab.db")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")

        store.put("note", "old", 1)

        assert os.listdir(".") == []
        os.unlink(path)
        with pytest.raises(FileReplacedError):
            store.put("note", "lost", 1)

    def test_by_a_uri_refuses_as_well(self, path, connect):
        store = connect(f"sqlite:///file:{path}?uri=true&cache=private")
        store.put("note", "old", 1)
        path.unlink()

        with pytest.raises(FileReplacedError):
            store.put("note", "lost", 1)

    def test_by_a_name_that_is_not_utf_8_refuses_as_well(self, tmp_path, connect):
        name = os.fsencode(tmp_path) + b"/caf\xe9.db"
        store = connect(creator=lambda: sqlite3.connect(name, check_same_thread=False))
        store.put("note", "old", 1)
        os.unlink(name)

        with pytest.raises(FileReplacedError, match=r"caf\\xe9\.db: the file was deleted"):
            store.put("note", "lost", 1)

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///file:shared?mode=memory&cache=shared&uri=true"])
    def test_in_memory_has_no_file_to_look_at(self, url, connect, stats):
        store = connect(url)
        store.put("note", "old", 1)
        stats.clear()

        store.put("note", "later", 1)

        assert len(list(store.find())) == 2
        assert stats == []


class TestAFileThatALinkLeadsTo:
    @pytest.fixture
    def link(self, tmp_path, path):
        path.touch()
        link = tmp_path / "link.db"
        link.symlink_to(path)
        return link

    def test_is_the_one_that_is_looked_at(self, connect, link, path, other):
        store = connect(link)
        os.replace(other, path)

        with pytest.raises(FileReplacedError) as caught:
            store.put("note", "lost", 1)

        assert caught.value.path == str(path)

    def test_is_kept_to_when_the_link_leads_elsewhere(self, connect, link, path, other):
        store = connect(link)
        link.unlink()
        link.symlink_to(other)

        store.put("note", "later", 1)

        assert {found.name for found in connect(path).find()} == {"later"}

    def test_and_another_are_never_open_in_one_store(self, connect, link, path, other):
        store = connect(link)
        with transaction(store.engine, write=False):
            link.unlink()
            link.symlink_to(other)

            with pytest.raises(FileReplacedError, match="another file has taken the place") as caught:
                store.put("note", "lost", 1)

        assert caught.value.path == str(other)
        assert names(other) == NEW


@pytest.fixture
def stats(monkeypatch):
    """The paths that the process asks the system about."""
    asked = []
    stat = os.stat
    monkeypatch.setattr(
        os, "stat", lambda path, *rest, **options: (asked.append(path), stat(path, *rest, **options))[1]
    )
    return asked


class TestWhatTheLookCosts:
    """A system call for the file and for its log, before each transaction and after it."""

    def test_is_the_same_for_every_reader(self, lab, path, stats):
        lab.get("old", kind="note")

        assert stats == [os.fsencode(path), os.fsencode(f"{path}-wal")] * 2

    def test_is_the_same_for_every_writer(self, lab, path, stats):
        lab.put("note", "old", 2)

        assert stats == [os.fsencode(path), os.fsencode(f"{path}-wal")] * 2


class TestAFileThatIsWrittenOver:
    """As ``cp backup.db lab.db`` does: its name and its inode stay, so that nothing tells."""

    def test_is_found_by_verify_or_refuses_to_be_read(self, lab, path, other):
        before = {found.name for found in lab.find()}
        # In another process: one that closes a file loses its own locks on it.
        subprocess.run(
            [sys.executable, "-c", "import shutil, sys; shutil.copyfile(*sys.argv[1:])", other, path], check=True
        )
        lab.engine.dispose()

        try:
            found = {found.name for found in lab.find()}
            damages = lab.verify()
        except DatabaseError as error:
            damages = [error]

        assert damages or found in (before, NEW)
