"""What ``verify`` finds: anything in a document or its history that is not as it was saved, by table and place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa

import docstore
from docstore.errors import DamagedDocumentError, DatabaseError
from docstore.tables import codes, documents, versions
from docstore.testing.experiments import add_trial, new_experiment

# JSONB takes JSON alone, and a column of times takes times: what is neither can only be where columns are texts.
where_json_is_text = pytest.mark.parametrize("backend", ["sqlite", "mariadb"], indirect=True)
where_times_are_text = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def saved(store):
    """An experiment at version 3: made with one trial, described, and given a second trial."""
    experiment = new_experiment(trials=1, experiment_type="CAKE")
    store.save(experiment, message="first", author="ada")
    experiment.description = "with salt"
    store.save(experiment, message="second", author="ada")
    add_trial(experiment)
    store.save(experiment, message="third", author="ada")
    store.put("note", "n1", {"a": 1})
    return experiment


@dataclass(frozen=True)
class Intruder:
    """Changes what is stored of one document behind the store's back, by SQL that every database takes."""

    engine: sa.Engine
    id: str

    def set(self, column: sa.Column[Any], to: object, **where: object) -> None:
        """Give *column* another value in the rows where others are as told; a function makes it of what is there."""
        if callable(to):
            old = self.get(column, **where)
            to = to(old)
            assert to != old
        self._run(column.table.update().values({column: to}), column.table, where)

    def get(self, column: sa.Column[Any], **where: object) -> Any:
        """What stands in the one row where others are as told."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(column).where(*self._those(column.table, where))).scalar_one()

    def delete(self, table: sa.Table, **where: object) -> None:
        """Delete the rows where columns are as told."""
        self._run(table.delete(), table, where)

    def copy(self, table: sa.Table, other: dict[str, object], **where: object) -> None:
        """Put in a copy of the row where columns are as told, with *other* values in some."""
        with self.engine.begin() as connection:
            row = connection.execute(sa.select(table).where(*self._those(table, where))).mappings().one()
            connection.execute(table.insert(), {**row, **other})

    def _run(self, change: sa.Update | sa.Delete, table: sa.Table, where: dict[str, object]) -> None:
        with self.engine.begin() as connection:
            assert connection.execute(change.where(*self._those(table, where))).rowcount > 0

    def _those(self, table: sa.Table, where: dict[str, object]) -> list[sa.ColumnElement[bool]]:
        of_document = {"id": self.id} if "id" in table.c else {}
        return [table.c[name] == value for name, value in {**of_document, **where}.items()]


@pytest.fixture
def intruder(store, saved):
    """Someone who changes the rows of the experiment."""
    [info] = store.find(name="cakes")
    return Intruder(store.engine, info.id)


@pytest.fixture
def intruder_of_note(store, saved):
    """Someone who changes the rows of the note beside it."""
    [info] = store.find(name="n1")
    return Intruder(store.engine, info.id)


def flipped(value: str | datetime) -> str | datetime:
    """A text with its last letter or digit changed into another, or a time a microsecond later.

    Of JSON it is the last one next to a quotation mark, so that JSON it stays.
    """
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    before, last, after = re.fullmatch(r'(.*)([0-9a-zA-Z])("[^"]*|)', value).groups()
    return f"{before}{'2' if last == '1' else '1'}{after}"


def instead(old: str, new: str) -> Callable[[str], str]:
    """Makes a text with *new* in place of *old*."""
    return lambda text: text.replace(old, new)


def spelt(text: str) -> sa.ColumnElement[Any]:
    """A value as SQL spells it, whatever the column's type makes of others."""
    return sa.literal_column(f"'{text}'")


def places(store):
    return [(each.name, each.table, each.where) for each in store.verify()]


class TestAnUntouchedDatabase:
    def test_has_no_damage(self, store, saved):
        assert store.verify() == []

    def test_has_none_when_it_is_empty(self, store):
        assert store.verify() == []

    def test_has_none_in_deleted_documents(self, store, saved):
        store.delete("cakes")

        assert store.verify() == []

    def test_is_not_changed_by_it(self, store, saved):
        store.verify()

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(saved)


class TestOneByteChanged:
    @pytest.mark.parametrize(("path", "where"), [("", "its head"), ("/trials/0", "/trials/0"), ("/data/1", "/data/1")])
    def test_in_a_body_is_found_there(self, store, intruder, path, where):
        intruder.set(documents.c.body, flipped, path=path)

        assert places(store) == [("cakes", "documents", where)]

    @pytest.mark.parametrize(("path", "where"), [("", "its head"), ("/trials/0", "/trials/0"), ("/data/1", "/data/1")])
    @where_json_is_text
    def test_in_a_body_that_is_no_json_any_more_is_found_there(self, store, intruder, path, where):
        intruder.set(documents.c.body, lambda body: f"{body[:-1]}]", path=path)

        assert places(store) == [("cakes", "documents", where)]

    @pytest.mark.parametrize(
        "body",
        ["null", "{}", '{"a":1.0}', '{"a":1e400}', '{"a":123456789012345678901234567890}', "[" * 2000 + "]" * 2000],
        ids=["null", "empty", "another type", "1e400", "a large integer", "nested too deep to be read"],
    )
    def test_that_leaves_a_body_of_other_json_is_found_there(self, store, intruder_of_note, body):
        intruder_of_note.set(documents.c.body, body)

        assert places(store) == [("n1", "documents", "its head")]

    @pytest.mark.parametrize(
        "backend",
        ["sqlite", "postgresql", "mariadb"],
        indirect=True,
    )
    def test_that_leaves_a_body_nested_too_deep_to_be_written_is_found_there(self, store, intruder_of_note):
        intruder_of_note.set(documents.c.body, "[" * 300 + "]" * 300)

        assert places(store) == [("n1", "documents", "its head")]

    @pytest.mark.parametrize(("path", "where"), [("", "its head"), ("/trials/0", "/trials/0"), ("/data/1", "/data/1")])
    def test_in_a_pieces_digest_is_found_there(self, store, intruder, path, where):
        intruder.set(documents.c.digest, flipped, path=path)

        assert places(store) == [("cakes", "documents", where)]

    @pytest.mark.parametrize("number", [1, 2, 3])
    @pytest.mark.parametrize("column", ["message", "author", "created_at", "chain", "digest"])
    def test_in_a_version_is_found_there(self, store, intruder, column, number):
        intruder.set(versions.c[column], flipped, version=number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_in_the_changes_of_a_version_is_found_there(self, store, intruder, number):
        intruder.set(versions.c.changes, instead('"path":"', '"path":"/x'), version=number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    def test_in_an_old_value_is_found_in_its_version_and_in_what_cannot_be_rebuilt(self, store, intruder):
        intruder.set(versions.c.changes, instead("null", "1"), version=2)

        assert places(store) == [("cakes", "versions", "version 2"), ("cakes", "versions", "version 1")]

    @pytest.mark.parametrize("text", ["{}", "[1]", '[{"op":"move","path":"/a"}]', '[{"op":"add"}]'])
    def test_that_leaves_no_changes_at_all_is_found_there(self, store, intruder, text):
        intruder.set(versions.c.changes, text, version=2)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize("text", ["", "["])
    @where_json_is_text
    def test_that_leaves_no_json_of_changes_is_found_there(self, store, intruder, text):
        intruder.set(versions.c.changes, text, version=2)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize("text", ["", "x", "2026-99-01 00:00:00", "2026"])
    @where_times_are_text
    def test_that_leaves_no_time_of_a_version_is_found_there(self, store, intruder, text):
        intruder.set(versions.c.created_at, spelt(text), version=2)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize("backend", ["mariadb"], indirect=True)
    def test_that_leaves_the_time_that_stands_for_none_is_found_there(self, store, intruder):
        intruder.set(versions.c.created_at, spelt("0000-00-00 00:00:00"), version=2)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize(
        "text",
        [
            "infinity",
            "-infinity",
            "20000-01-01",
            "0044-03-15 BC",
        ],
    )
    @pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
    def test_that_leaves_a_time_beyond_pythons_is_found_there(self, store, intruder, text):
        intruder.set(versions.c.created_at, spelt(text), version=2)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize("column", ["created_at", "updated_at"])
    def test_in_a_time_of_the_document_is_found_at_its_head(self, store, intruder, column):
        intruder.set(documents.c[column], datetime(2026, 1, 1, tzinfo=UTC), path="")

        assert places(store) == [("cakes", "documents", "its head")]

    @pytest.mark.parametrize(
        ("backend", "text"), [("sqlite", "x"), ("mariadb", "0000-00-00 00:00:00")], indirect=["backend"]
    )
    @pytest.mark.parametrize("column", ["created_at", "updated_at"])
    def test_that_leaves_no_time_of_the_document_is_found_there(self, store, intruder, column, text):
        intruder.set(documents.c[column], spelt(text), path="")

        assert places(store) in ([("cakes", "documents", "its head")], [("cakes", "documents", "its rows")])

    def test_in_one_document_is_not_found_in_another(self, store, intruder_of_note):
        intruder_of_note.set(documents.c.body, flipped)

        assert places(store) == [("n1", "documents", "its head")]


class TestAColumnThatDocumentsAreFoundBy:
    """It says other than the body."""

    @pytest.mark.parametrize(
        ("path", "column", "where", "problem"),
        [
            ("", "type", "its head", "the column type says None, and the body 'CAKE'"),
            ("", "status", "its head", "the column status says None, and the body 'DRAFT'"),
            ("/trials/0", "status", "/trials/0", "the column status says None, and the body 'COMPLETED'"),
            ("/data/0", "type", "/data/0", "the column type says 99, and the body None"),
        ],
    )
    def test_is_found(self, store, intruder, path, column, where, problem):
        intruder.set(documents.c[column], 99, path=path)

        [found] = store.verify()

        assert (found.table, found.where, found.problem) == ("documents", where, problem)

    def test_is_found_where_a_code_has_another_name(self, store, intruder):
        intruder.set(codes.c.name, "BREAD", name="CAKE")

        assert places(store) == [("cakes", "documents", "its head")]

    def test_is_found_where_the_name_is_another(self, store, intruder):
        intruder.set(documents.c.name, "bread", path="")

        assert places(store) == [("bread", "documents", "its head")]

    def test_is_found_where_the_version_is_another(self, store, intruder):
        intruder.set(documents.c.version, 2, path="")

        assert ("cakes", "versions", "version 3") in places(store)


class TestARowThatIsGone:
    @pytest.mark.parametrize("path", ["/trials/0", "/data/1"])
    def test_of_a_part_is_found_among_the_rows(self, store, intruder, path):
        intruder.delete(documents, path=path)

        assert places(store) == [("cakes", "documents", "its rows")]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_of_a_version_is_found_there(self, store, intruder, number):
        intruder.delete(versions, version=number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    @pytest.mark.parametrize("whose", ["intruder", "intruder_of_note"])
    def test_of_a_head_is_found_by_the_id_that_is_left(self, request, store, whose):
        intruder = request.getfixturevalue(whose)
        intruder.delete(documents, path="")

        assert places(store) == [(intruder.id, "documents", "its head")]

    def test_of_a_whole_history_is_found(self, store, intruder):
        intruder.delete(versions)

        assert {place for _, table, place in places(store) if table == "versions"} == {
            "version 1",
            "version 2",
            "version 3",
        }

    def test_of_a_whole_document_leaves_nothing_that_could_be_found(self, store, intruder):
        intruder.delete(versions)
        intruder.delete(documents)

        assert places(store) == []


class TestARowThatWasPutIn:
    def test_as_a_part_is_found_among_the_rows(self, store, intruder):
        intruder.copy(documents, {"path": "/trials/9"}, path="/trials/0")

        assert places(store) == [("cakes", "documents", "its rows")]

    def test_as_a_part_of_no_document_is_found_by_its_id(self, store, intruder):
        intruder.copy(documents, {"id": "stray", "path": "/trials/9"}, path="/trials/0")

        assert places(store) == [("stray", "documents", "its head")]

    def test_as_a_version_that_never_was_is_found_there(self, store, intruder):
        intruder.copy(versions, {"version": 4}, version=3)

        assert ("cakes", "versions", "version 4") in places(store)


class TestRowsThatChangedPlaces:
    def test_of_two_versions_are_both_found(self, store, intruder):
        for old, new in ((1, 99), (2, 1), (99, 2)):
            intruder.set(versions.c.version, new, version=old)

        assert {("cakes", "versions", f"version {number}") for number in (1, 2)} <= set(places(store))

    def test_of_two_parts_are_found(self, store, intruder):
        for old, new in (("/trials/0", "x"), ("/trials/1", "/trials/0"), ("x", "/trials/1")):
            intruder.set(documents.c.path, new, path=old)

        assert places(store) == [("cakes", "documents", "its rows")]

    def test_of_a_part_and_its_older_self_are_found(self, store, intruder, saved):
        columns = (documents.c.digest, documents.c.body)
        older = [intruder.get(column, path="/trials/0") for column in columns]
        saved.trials[0].run_metadata["a"] = 1
        store.save(saved)
        for column, value in zip(columns, older, strict=True):
            intruder.set(column, value, path="/trials/0")

        assert ("cakes", "documents", "its rows") in places(store)


class TestADamagedDocument:
    """It is never given for what was saved."""

    @pytest.mark.parametrize("call", ["load", "get"])
    @pytest.mark.parametrize(
        ("damage", "where"),
        [
            (lambda i: i.set(documents.c.body, flipped, path="/trials/0"), "/trials/0"),
            (lambda i: i.set(documents.c.body, "null", path=""), "its head"),
            (lambda i: i.delete(documents, path="/trials/0"), "its rows"),
            (lambda i: i.delete(versions, version=3), "version 3"),
            (lambda i: i.set(versions.c.digest, flipped, version=3), "its rows"),
        ],
        ids=["changed", "null", "a part is missing", "its version is missing", "its digest is another"],
    )
    def test_is_not_given(self, store, intruder, call, damage, where):
        damage(intruder)

        with pytest.raises(DamagedDocumentError, match=r"verify\(\) lists every damaged row") as caught:
            getattr(store, call)("cakes")

        assert (caught.value.name, caught.value.where) == ("cakes", where)

    @pytest.mark.parametrize("call", ["load", "get"])
    @pytest.mark.parametrize(("body", "path", "where"), [("{", "/trials/0", "/trials/0"), ("", "", "its head")])
    @where_json_is_text
    def test_is_not_given_where_it_is_no_json(self, store, intruder, call, body, path, where):
        intruder.set(documents.c.body, body, path=path)

        with pytest.raises(DamagedDocumentError, match=r"verify\(\) lists every damaged row") as caught:
            getattr(store, call)("cakes")

        assert (caught.value.name, caught.value.where) == ("cakes", where)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda i: i.set(versions.c.changes, instead("null", "1"), version=2),
            lambda i: i.set(versions.c.changes, instead("/description", "/x"), version=2),
            lambda i: i.delete(versions, version=2),
            lambda i: i.set(versions.c.digest, flipped, version=1),
        ],
        ids=["an old value", "a path", "a version missing", "its digest"],
    )
    def test_is_not_given_as_it_was(self, store, intruder, damage):
        damage(intruder)

        with pytest.raises(DamagedDocumentError):
            store.load("cakes", version=1)

    def test_is_given_as_it_is_where_only_its_past_is_damaged(self, store, intruder, saved):
        intruder.set(versions.c.changes, "[]", version=2)

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(saved)

    @pytest.mark.parametrize("call", ["history", "find"])
    @pytest.mark.parametrize(
        ("backend", "text"), [("sqlite", "noon"), ("mariadb", "0000-00-00 00:00:00")], indirect=["backend"]
    )
    def test_with_a_time_that_is_none_is_an_error_that_says_so(self, store, intruder, call, text):
        intruder.set(versions.c.created_at, spelt(text))
        intruder.set(documents.c.created_at, spelt(text))

        with pytest.raises(DatabaseError, match=rf"the time '{text}.*' in the database is none. verify\(\) says where"):
            store.history("cakes") if call == "history" else store.find()

    @pytest.mark.parametrize(
        "damage",
        [
            lambda i: i.set(documents.c.body, flipped, path="/trials/0"),
            lambda i: (
                i.set(documents.c.body, "1", path="/trials/0"),
                i.set(documents.c.digest, sha256(b"1").hexdigest(), path="/trials/0"),
            ),
            lambda i: i.delete(documents, path="/trials/0"),
            lambda i: i.delete(versions, version=3),
        ],
        ids=["changed", "changed with its digest", "a part is missing", "its version is missing"],
    )
    @pytest.mark.parametrize("whole", [True, False])
    def test_is_not_saved_over(self, store, intruder, saved, damage, whole):
        damage(intruder)
        saved.trials[0].run_metadata["a"] = 1

        with pytest.raises(DamagedDocumentError):
            store.save(saved) if whole else store.save_trial(saved, saved.trials[0])

    def test_can_be_purged(self, store, intruder):
        intruder.delete(versions)

        store.purge("cakes")

        assert places(store) == []

    def test_is_told_to_a_person(self, store, intruder):
        intruder.set(documents.c.body, instead("rye", "spelt"), path="/trials/0")

        [line] = map(str, store.verify())

        assert line.startswith("experiment 'cakes': table documents, /trials/0: its ")
