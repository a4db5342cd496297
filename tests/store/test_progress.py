"""What save_many, copy_to, compact and work on artifacts tell of their progress; verify is in ``tests/verify``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from docstore import Progress
from docstore.errors import InvalidValueError
from docstore.sql.paging import PageSize
from docstore.store import copying
from docstore.testing.experiments import new_experiment


@pytest.fixture
def store(fresh_database, connect):
    """A store on SQLite: what is told does not depend on the database."""
    return connect(fresh_database("sqlite"))


@pytest.fixture
def other(fresh_database, connect):
    return connect(fresh_database("sqlite"))


@pytest.fixture
def told():
    """What a callback, ``told.append``, was told."""
    return []


def put(store, name, versions):
    """Put a note with so many versions."""
    for number in range(versions):
        store.put("note", name, number)


class TestSavingMany:
    def test_tells_after_each_batch_how_many_are_saved(self, store, told):
        store.save_many([new_experiment(f"n{number}") for number in range(5)], batch=2, progress=told.append)

        assert told == [Progress(2, 5, "n1"), Progress(4, 5, "n3"), Progress(5, 5, "n4")]

    def test_tells_of_one_that_is_saved_by_itself(self, store, told):
        experiment = new_experiment("cakes")
        store.save(experiment)
        experiment.description = "changed"

        store.save_many([new_experiment("pies"), experiment], progress=told.append)

        assert told == [Progress(1, 2, "pies"), Progress(2, 2, "cakes")]

    def test_tells_no_total_of_an_iterator(self, store, told):
        store.save_many((new_experiment(f"n{number}") for number in range(2)), progress=told.append)

        assert told == [Progress(2, None, "n1")]

    def test_counts_what_is_saved_though_the_function_fails(self, store):
        def fail(progress):
            raise RuntimeError

        with pytest.raises(RuntimeError) as raised:
            store.save_many([new_experiment("cakes"), new_experiment("pies")], batch=1, progress=fail)

        assert (raised.value.saved, store.names()) == (1, ["cakes"])

    def test_draws_a_bar_of_documents(self, store, capsys):
        store.save_many([new_experiment("cakes")], progress=True)

        assert "1/1 documents" in capsys.readouterr().err


class TestCopying:
    @pytest.fixture(autouse=True)
    def _notes(self, store):
        put(store, "n1", 3)
        put(store, "n2", 2)

    def test_tells_how_many_versions_are_copied(self, store, other, told):
        store.copy_to(other, progress=told.append)

        assert told == [Progress(0, 5, "n1"), Progress(3, 5, "n1"), Progress(5, 5, "n2")]

    def test_tells_after_each_page_of_a_long_history(self, store, other, told, monkeypatch):
        monkeypatch.setattr(copying, "_SIZE", PageSize(rows=1))

        store.copy_to(other, progress=told.append)

        assert [each.done for each in told] == [0, 1, 2, 3, 4, 5]

    def test_counts_what_was_copied_before(self, store, other, told):
        store.copy_to(other, ["n1"], kind="note")

        store.copy_to(other, progress=told.append)

        assert [each.done for each in told] == [0, 3, 5]


class TestArtifacts:
    @pytest.fixture
    def here(self, fresh_database, connect, tmp_path):
        """A store with two documents that refer to one artifact each, and three artifacts that none refers to."""
        store = connect(fresh_database("sqlite"), artifacts=tmp_path / "artifacts")
        for name in ("n1", "n2"):
            store.put("note", name, store.artifacts.put(name.encode()))
        for number in range(3):
            store.artifacts.put(bytes([number]))
        return store

    def test_are_told_by_verify_after_the_versions(self, here, told):
        here.verify(progress=told.append)

        assert sorted(each.name for each in told[-2:]) == ["n1", "n2"]
        assert [(each.done, each.total) for each in told] == [(0, 2), (1, 2), (2, 2), (1, 2), (2, 2)]

    def test_are_told_by_collect_as_they_are_deleted(self, here, told):
        here.artifacts.collect(grace=timedelta(0), progress=told.append)

        assert told == [Progress(1, 3, ""), Progress(2, 3, ""), Progress(3, 3, "")]

    def test_are_told_by_no_dry_run(self, here, told):
        here.artifacts.collect(grace=timedelta(0), dry_run=True, progress=told.append)

        assert told == []


class TestCompacting:
    def test_tells_how_many_versions_were_walked_through(self, store, told):
        put(store, "n1", 101)

        store.compact("n1", kind="note", keep=1, progress=told.append)

        assert told == [Progress(0, 101, "n1"), Progress(100, 101, "n1"), Progress(101, 101, "n1")]

    def test_changes_nothing_if_the_function_fails(self, store):
        put(store, "n1", 3)

        def fail(progress):
            raise RuntimeError

        with pytest.raises(RuntimeError):
            store.compact("n1", kind="note", keep=1, progress=fail)

        assert store.get("n1", kind="note", version=1) == 0


@pytest.mark.parametrize("call", ["save_many", "copy_to", "compact"])
def test_progress_to_what_cannot_be_told_is_an_error(store, other, call):
    put(store, "n1", 1)
    calls = {
        "save_many": lambda: store.save_many([], progress="yes"),
        "copy_to": lambda: store.copy_to(other, progress="yes"),
        "compact": lambda: store.compact("n1", kind="note", keep=1, progress="yes"),
    }

    with pytest.raises(InvalidValueError, match="True for a bar"):
        calls[call]()
