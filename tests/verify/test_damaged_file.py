"""Damage below the rows, which digests cannot show: a SQLite file with bits flipped, a server's index or table."""

from __future__ import annotations

import itertools
import os
import sqlite3
from contextlib import closing

import pytest
from counting import statements_of
from fuzzing import fuzz
from hypothesis import strategies as st

import docstore
from docstore.documents import document
from docstore.errors import DocstoreError, DocumentNotFoundError, UnreadableError
from docstore.testing.experiments import new_experiment

CAKES = [f"cakes {number}" for number in range(4)]
NOTES = [f"note {number}" for number in range(3)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a database with documents of two kinds, versions, tags and a deleted document."""
    path = tmp_path_factory.mktemp("whole") / "lab.db"
    numbers = itertools.count(1)
    with pytest.MonkeyPatch.context() as patched, docstore.connect(path, author="ada") as store:
        # Where a row stands in an index is the same in every run.
        patched.setattr(
            document, "token_bytes", lambda size: (next(numbers) * 0x9E3779B97F4A7C15F39D % 2**80).to_bytes(size)
        )
        for name in CAKES:
            experiment = new_experiment(name, trials=3, experiment_type="CAKE")
            store.save(experiment)
            experiment.description = "with cherries"
            store.save(experiment)
        for name in NOTES:
            store.put("note", name, {"of": name})
            store.tag(name, "first", kind="note")
        store.delete(NOTES[-1], kind="note")
    return path.read_bytes()


@pytest.fixture
def path(whole, tmp_path):
    """A copy of it."""
    path = tmp_path / "lab.db"
    path.write_bytes(whole)
    return path


def version_told(version):
    changes = [change.to_json() for change in version.changes]
    return version.number, version.created_at, version.author, version.digest, changes


def everything(store):
    """Return all that a user reads, as text."""
    read = [
        repr([tuple(info) for info in store.find(**criteria)])
        for criteria in ({}, {"deleted": True}, {"kind": "note"}, {"kind": "experiment", "type": "CAKE"})
    ]
    read += [repr(tuple(store.find(name=name)[0])) for name in CAKES]
    for name in CAKES:
        read += [docstore.dumps(store.load(name, version=version)).decode() for version in (None, 1)]
        read += [repr(version_told(version)) for version in store.history(name)]
    for name in NOTES[:-1]:
        read += [repr(store.get(name, kind="note")), repr(store.tags(name, kind="note"))]
    return read


def page_of(path, name):
    """Return where the first page of a table or an index begins, and how long a page is."""
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        [(root,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchall()
    return (root - 1) * size, size


def flip(path, at, bit=0):
    """Flip one bit of the byte at *at*."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def flip_in(path, name, text):
    """Flip the last bit of *text* on the first page of an index or a table, where it stands once."""
    start, size = page_of(path, name)
    page = path.read_bytes()[start : start + size]
    assert page.count(text) == 1
    flip(path, start + page.index(text) + len(text) - 1)


class TestAnIndexWithAFlippedBit:
    """What is looked for by it is not found, while its row and its digest are as they were."""

    def test_loses_a_name_and_is_named(self, path, connect):
        flip_in(path, "documents_listed", b"cakes 2")
        store = connect(path)

        with pytest.raises(DocumentNotFoundError):
            store.load("cakes 2")
        damages = [damage for damage in store.verify() if damage.where == "index documents_listed"]

        assert {damage.table for damage in damages} == {"documents"}
        assert any("missing from index documents_listed" in damage.problem for damage in damages)

    def test_gives_two_documents_of_one_name_and_is_named(self, path, connect):
        start, size = page_of(path, "documents_listed")
        flip(path, start + path.read_bytes()[start : start + size].index(b"note 1") + 5)
        store = connect(path)

        with pytest.raises(UnreadableError, match="two rows were found where there can be one: an index is damaged"):
            store.get("note 0", kind="note")

        assert "index documents_listed" in {damage.where for damage in store.verify()}

    def test_is_named_in_the_form_of_every_damage(self, path, connect):
        flip_in(path, "documents_listed", b"cakes 2")

        damage = next(each for each in connect(path).verify() if "missing" in each.problem)

        assert (damage.kind, damage.name, dict(damage.key), damage.pointer) == ("unknown", "default", {}, "")
        assert str(damage).startswith("unknown 'default': table documents, index documents_listed: row ")

    def test_is_not_looked_at_where_less_is_asked_for(self, path, connect):
        flip_in(path, "documents_listed", b"cakes 2")
        store = connect(path)

        assert store.verify("cakes 1") == store.verify(kind="note") == []

    def test_is_no_damage_of_the_whole(self, path, connect):
        assert connect(path).verify() == []


class TestAPageThatIsNone:
    """The driver says that the file is malformed: an error of docstore's, and to ``verify`` a damage."""

    @pytest.fixture(params=["documents", "versions", "codes", "tags", "documents_name", "sqlite_autoindex_versions_1"])
    def page(self, request, path):
        start, _ = page_of(path, request.param)
        flip(path, start, bit=4)  # which sort of page it is
        return request.param

    def test_is_named_by_verify(self, page, path, connect):
        damages = connect(path).verify()

        assert any(page in f"{damage.table} {damage.where}" or "malformed" in damage.problem for damage in damages)

    def test_is_told_to_who_reads_it(self, path, connect):
        start, _ = page_of(path, "documents")
        flip(path, start, bit=4)

        with pytest.raises(UnreadableError, match=r"malformed\. The file is damaged\. verify\(\) lists"):
            connect(path).load("cakes 1")


SENT = {"sqlite": "PRAGMA integrity_check", "postgresql": "amcheck", "mariadb": "CHECK TABLE"}


class TestTheCheckThatADatabaseHasOfItsOwn:
    def test_is_made_of_a_whole_store(self, backend, store):
        store.save(new_experiment("cakes"))

        sent = statements_of(store.engine, store.verify)

        assert len([each for each in sent if SENT[backend] in each]) == 1

    @pytest.mark.parametrize("which", [{"name": "cakes"}, {"kind": "experiment"}])
    def test_is_not_made_of_less(self, backend, store, which):
        store.save(new_experiment("cakes"))

        sent = statements_of(store.engine, store.verify, **which)

        assert [each for each in sent if SENT[backend] in each] == []

    def test_names_a_damaged_index_on_postgresql_where_amcheck_is_installed(self, postgresql, connect):
        store = connect(postgresql)
        store.save(new_experiment("cakes", trials=2))
        function = "CREATE OR REPLACE FUNCTION turned(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT {}'"
        with store.engine.begin() as connection:
            available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'"
            if is_installed := bool(connection.exec_driver_sql(available).scalar()):
                connection.exec_driver_sql("CREATE EXTENSION amcheck")
            connection.exec_driver_sql(function.format("t"))
            connection.exec_driver_sql("CREATE INDEX by_turned ON documents (turned(path::text))")
            connection.exec_driver_sql(function.format("reverse(t)"))

        damages = store.verify()

        assert [(each.table, each.where) for each in damages] == [("documents", "index by_turned")] * is_installed

    def test_names_a_table_on_mariadb(self, mariadb, connect):
        store = connect(mariadb)
        with store.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE place_indexes")

        damages = store.verify()

        assert {(each.table, each.where) for each in damages} == {("place_indexes", "its rows and indexes")}
        assert any("doesn't exist" in each.problem for each in damages)


@pytest.mark.fuzz
def test_a_flipped_bit_is_harmless_or_an_error_or_named(whole, path):
    good = None

    def law(at):
        nonlocal good
        for end in ("-wal", "-shm"):
            if os.path.exists(f"{path}{end}"):
                os.unlink(f"{path}{end}")
        path.write_bytes(whole)
        if good is None:
            with docstore.connect(path) as store:
                good = everything(store)
        flip(path, at // 8, at % 8)

        try:
            with docstore.connect(path) as store:
                damages = store.verify()
                is_same = everything(store) == good
        except DocstoreError:
            return

        assert is_same or damages

    fuzz(law, st.integers(0, len(whole) * 8 - 1), in_ci=20)
