"""Columns and tables that no digest covers, changed by something other than docstore: who reads them refuses."""

from __future__ import annotations

import contextlib

import pytest
import sqlalchemy as sa
from pandas.testing import assert_frame_equal

import docstore
from docstore.errors import DamagedDocumentError, UnknownCodeError
from docstore.sql.tables import IS_HEAD, codes, documents
from docstore.testing.experiments import add_trial, new_experiment

FRAMES = ["trials", "observations"]


@pytest.fixture
def saved(store):
    """An experiment with three trials, saved three times."""
    experiment = new_experiment(trials=2)
    store.save(experiment)
    for mean in (1.0, 2.0):
        add_trial(experiment, mean)
        store.save(experiment)
    return experiment


@pytest.fixture
def change(store):
    """Changes one row by SQL."""

    def change(*statements):
        with store.engine.begin() as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount == 1

    return change


def code(integer, **new):
    """The statement that gives a status of trials another name or integer."""
    return sa.update(codes).where(codes.c.column == "trial_status", codes.c.value == integer).values(**new)


SWAPPED = (code(3, value=99), code(2, value=3), code(99, value=2))
RENAMED = (code(3, name="DONE"),)


@pytest.mark.parametrize("damage", [SWAPPED, RENAMED], ids=["swapped", "renamed"])
class TestCodes:
    def test_are_told_by_the_frame_that_shows_them(self, store, saved, change, damage):
        change(*damage)

        with pytest.raises(
            DamagedDocumentError, match=r"/trials/0: the column status says .*, and the body 'COMPLETED'"
        ):
            store.trials("cakes")

    @pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "RUNNING", ["RUNNING", "FAILED"], 3])
    def test_are_told_by_a_search_for_a_status(self, database, connect, saved, change, status, damage):
        change(*damage)

        with pytest.raises(UnknownCodeError, match=r"the table codes gives it .*COMPLETED = 3.*verify\(\)"):
            connect(database).find(part="trial", status=status)

    @pytest.mark.parametrize("before", [{"part": "trial", "status": "COMPLETED"}, {"status": "COMPLETED"}], ids=str)
    def test_are_told_by_each_search_whatever_was_searched_before(
        self, database, connect, saved, change, before, damage
    ):
        change(*damage)
        other = connect(database)
        with contextlib.suppress(UnknownCodeError):
            other.find("experiment", **before)

        with pytest.raises(UnknownCodeError, match=r"the table codes gives it .*COMPLETED = 3.*verify\(\)"):
            other.find(part="trial", status="FAILED")

    def test_are_told_by_verify(self, store, saved, change, damage):
        change(*damage)

        assert {each.where for each in store.verify()} >= {"/trials/0", "/trials/1", "/trials/2", "/trials/3"}


class TestANameOfALaterDocstore:
    def test_is_none_that_a_search_refuses(self, store, saved):
        with store.engine.begin() as connection:
            connection.execute(codes.insert().values(column="trial_status", value=77, name="PAUSED"))

        assert store.find(part="trial", status="COMPLETED").count() == 4


class TestAColumnOfATrial:
    @pytest.mark.parametrize(
        ("path", "column", "value"),
        [
            ("/trials/0", "status", 2),
            ("/trials/0", "status", 99),
            ("/trials/0", "status", None),
            ("/trials/3", "version", 1),
            ("/trials/3", "version", 2),
            ("/trials/3", "version", 0),
            ("/trials/3", "version", 4),
            ("/trials/3", "added", None),
        ],
    )
    def test_is_told_by_the_frame_that_shows_it(self, store, saved, change, path, column, value):
        change(sa.update(documents).where(documents.c.path == path).values({column: value}))

        with pytest.raises(DamagedDocumentError, match=f"{path}: .*{column}"):
            store.trials("cakes")

    def test_is_told_by_verify_where_only_the_history_shows_it(self, store, saved, change):
        change(sa.update(documents).where(documents.c.path == "/trials/0").values(version=3))

        assert {each.where for each in store.verify()} == {"/trials/0"}

    @pytest.mark.parametrize(
        ("call", "path", "column", "value"),
        [
            ("observations", "/trials/0", "status", 2),
            ("observations", "/data/3", "version", 2),
            ("trials", "/data/3", "version", 2),
            ("trials", "/trials/1", "position", 0),
            ("trials", "/trials/1", "arm", "0_0"),
            ("trials", "/trials/1", "signature", None),
        ],
    )
    def test_changes_no_frame_that_does_not_show_it(self, store, saved, change, call, path, column, value):
        expected = getattr(store, call)("cakes")
        change(sa.update(documents).where(documents.c.path == path).values({column: value}))

        assert_frame_equal(getattr(store, call)("cakes"), expected)
        assert path in {each.where for each in store.verify()}


READ = {
    "documents": lambda found: list(found.documents()),
    "load": lambda found: list(found.load()),
    "to_frame": lambda found: found.to_frame("/name"),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
class TestARowThatASearchFindsByADamagedColumn:
    @pytest.mark.parametrize("value", [2, None])
    def test_of_a_trial_is_told_by_who_reads_it(self, store, saved, change, read, value):
        change(sa.update(documents).where(documents.c.path == "/trials/1").values(status=value))

        with pytest.raises(
            DamagedDocumentError, match=r"/trials/1: the column status says .*, and the body 'COMPLETED'"
        ):
            read(store.find(part="trial"))

    @pytest.mark.parametrize("value", [3, None])
    def test_of_an_experiment_is_told_by_who_reads_it(self, store, saved, change, read, value):
        change(sa.update(documents).where(documents.c.path == "").values(status=value))

        with pytest.raises(DamagedDocumentError, match=r"its head: the column status says .*, and the body 'DRAFT'"):
            read(store.find("experiment"))

    @pytest.mark.parametrize("damage", [SWAPPED, RENAMED], ids=["swapped", "renamed"])
    def test_is_told_where_the_codes_were_changed_after_a_search(self, store, saved, change, read, damage):
        found = store.find(part="trial", status="COMPLETED")
        assert len(found) == 4
        change(*damage)

        with pytest.raises(DamagedDocumentError, match=r"/trials/0: the column status says"):
            read(found)


class TestTheVersionOfTheHead:
    """Lowered: as if what was saved since had not been."""

    @pytest.fixture(autouse=True)
    def lowered(self, saved, change):
        change(sa.update(documents).where(documents.c.path == "").values(version=2))

    @pytest.mark.parametrize("pointer", [None, "/trials/0"])
    def test_is_told_by_its_history(self, store, pointer):
        with pytest.raises(DamagedDocumentError, match=r"its head: .*version says 2, and there is a later version"):
            list(store.history("cakes", pointer=pointer))

    def test_is_told_by_a_blame(self, store):
        with pytest.raises(DamagedDocumentError, match=r"its head: .*version says 2"):
            store.blame("cakes", "/trials/0")

    @pytest.mark.parametrize("call", ["load", "get", *FRAMES])
    def test_is_told_by_who_reads_all_of_it(self, store, call):
        with pytest.raises(DamagedDocumentError):
            getattr(store, call)("cakes")


class TestWhatIsWhole:
    """After all that writes rows, no column is taken for damaged."""

    def test_is_read(self, store, saved):
        saved.trials[1].run_metadata["a"] = 1
        store.save_trial(saved, saved.trials[1])
        store.branch("cakes", "pies")
        store.merge("pies", into="cakes")
        store.revert("cakes", 2)
        store.delete("cakes")
        store.undelete("cakes")
        store.compact("cakes", keep=1)
        assert store.verify() == []

        for name in ("cakes", "pies"):
            assert len(store.trials(name)) == len(docstore.connect(store.engine).load(name).trials)
            assert len(store.history(name)) == store.find(name=name).first().version


class TestTheDigestOfTheParts:
    def test_is_refused_by_a_load_if_it_is_another(self, store, saved, change):
        change(sa.update(documents).where(IS_HEAD).values(parts_digest=None))

        with pytest.raises(DamagedDocumentError, match="at its head: the column parts_digest is not the number"):
            store.load("cakes")
