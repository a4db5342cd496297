"""What ``verify`` finds: anything in a document or its history that is not as it was saved, by table and place."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from counting import calls_of
from intrusion import without_foreign_keys

import docstore
from docstore import Change, GenerationNode, GenerationStrategy, RegistryBundle, registry
from docstore.documents.digests import Digests
from docstore.documents.history import changes_from, changes_text
from docstore.errors import (
    DamagedDocumentError,
    DatabaseError,
    DocumentNotFoundError,
    InvalidValueError,
    MissingDependencyError,
    OverwriteWarning,
)
from docstore.progress import Progress
from docstore.sql.tables import codes, documents, names, tags, versions
from docstore.testing.experiments import add_trial, new_experiment

# JSONB takes JSON alone, and a column of times takes times: what is neither can only be where columns are texts.
where_json_is_text = pytest.mark.parametrize("backend", ["sqlite", "mariadb"], indirect=True)
where_times_are_text = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


pytest_plugins = ["ready"]


def an_experiment_and_a_note(store):
    """An experiment at version 3: made with one trial, described, and given a second trial; returns its text."""
    experiment = new_experiment(trials=1, experiment_type="CAKE", description="plain")
    store.save(experiment, message="first", author="ada")
    experiment.description = "with salt"
    store.save(experiment, message="second", author="ada")
    add_trial(experiment)
    store.save(experiment, message="third", author="ada")
    store.put("note", "n1", {"a": 1})
    return docstore.dumps(experiment)


@pytest.fixture
def state(request):
    """Nothing, or what a test is about that takes ``saved``, or a fixture that does."""
    return an_experiment_and_a_note if "saved" in request.fixturenames else None


@pytest.fixture
def database(ready):
    return ready.url


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def saved(ready):
    """The text of the experiment; beside it there is a note."""
    return ready.made


@pytest.fixture
def loaded(store, saved):
    return store.load("cakes")


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
        change = change.where(*self._those(table, where))
        try:
            with self.engine.begin() as connection:
                assert connection.execute(change).rowcount > 0
        except sa.exc.IntegrityError:
            with without_foreign_keys(self.engine) as connection:
                assert connection.execute(change).rowcount > 0

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


@pytest.fixture
def of_branch(store, saved):
    """Someone who changes the rows of a branch of the experiment's version 2: at version 4, its second own."""
    store.branch("cakes", "buns", 2)
    buns = store.load("buns")
    buns.description = "with raisins"
    store.save(buns)
    [info] = store.find(name="buns")
    return Intruder(store.engine, info.id)


@pytest.fixture
def of_tagged(store, intruder):
    """Someone who changes the rows of the experiment, of which the tag "published" names version 2."""
    store.tag("cakes", "published", 2)
    return intruder


def fold(intruder: Intruder, newer: int, *gone: int) -> None:
    """Fold versions into *newer*, which follows on them; where the first is *gone*, it becomes the add of the whole."""
    texts = {number: intruder.get(versions.c.changes, version=number) for number in (*gone, newer)}
    changes = (
        (Change("add", ""),) if 1 in gone else tuple(each for text in texts.values() for each in changes_from(text))
    )
    for number, text in texts.items():
        intruder.set(versions.c.folded, sha256(text.encode()).hexdigest(), version=number)
        intruder.set(versions.c.changes, changes_text(changes) if number == newer else "null", version=number)


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

        assert docstore.dumps(store.load("cakes")) == saved


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
        intruder.set(versions.c.changes, instead('"plain"', "1"), version=2)

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

        assert places(store) == [
            ("bread", "names", "its name"),
            ("bread", "documents", "its head"),
            ("cakes", "names", "its name"),
        ]

    def test_is_found_where_the_version_is_another(self, store, intruder):
        intruder.set(documents.c.version, 2, path="")

        assert ("cakes", "versions", "version 3") in places(store)


class TestARowThatIsGone:
    def test_of_a_part_that_no_later_version_touched_is_found_among_the_rows(self, store, intruder):
        intruder.delete(documents, path="/trials/0")

        assert places(store) == [("cakes", "documents", "its rows")]

    def test_of_a_part_that_a_later_version_added_is_found_there(self, store, intruder):
        intruder.delete(documents, path="/data/1")

        assert places(store) == [("cakes", "documents", "/data/1")]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_of_a_version_is_found_there(self, store, intruder, number):
        intruder.delete(versions, version=number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    @pytest.mark.parametrize(("whose", "name"), [("intruder", "cakes"), ("intruder_of_note", "n1")])
    def test_of_a_head_is_found_by_the_name_that_is_left(self, request, store, saved, whose, name):
        request.getfixturevalue(whose).delete(documents, path="")

        assert places(store) == [(name, "documents", "its head")]

    def test_of_a_head_of_a_deleted_document_is_found_by_the_id_that_is_left(self, store, intruder):
        store.delete("cakes")
        intruder.delete(documents, path="")

        assert places(store) == [(intruder.id, "documents", "its head")]

    def test_of_a_whole_history_is_found(self, store, intruder):
        intruder.delete(versions)

        assert {place for _, table, place in places(store) if table == "versions"} == {
            "version 1",
            "version 2",
            "version 3",
        }

    def test_of_a_whole_document_is_found_by_its_name(self, store, intruder):
        intruder.delete(versions)
        intruder.delete(documents)

        assert places(store) == [("cakes", "names", "its name")]

    def test_of_a_name_is_found_there(self, store, intruder):
        intruder.delete(names)

        [found] = store.verify()

        assert (found.name, found.table, found.where) == ("cakes", "names", "its name")
        assert found.key == {"project": "default", "kind": "experiment", "name": "cakes"}
        assert "missing" in found.problem

    def test_of_a_name_is_found_too_where_that_document_alone_is_verified(self, store, intruder):
        intruder.delete(names)

        assert [each.table for each in store.verify("cakes")] == ["names"]

    def test_of_a_tag_is_found_with_what_it_was(self, store, of_tagged):
        of_tagged.delete(tags)

        [found] = store.verify()

        assert (found.name, found.table, found.where) == ("cakes", "tags", "tag 'published'")
        assert found.problem.startswith("its row is missing: the head says version 2, given at 20")

    @pytest.mark.parametrize(
        "change",
        [
            lambda store: store.tag("cakes", "first", 1),
            lambda store: store.untag("cakes", "newest"),
            lambda store: store.delete("cakes"),
        ],
        ids=["tag", "untag", "delete"],
    )
    def test_of_a_tag_is_found_also_after_docstore_wrote_the_head_again(self, store, of_tagged, change):
        store.tag("cakes", "newest")
        of_tagged.delete(tags, tag="published")

        change(store)

        assert places(store) == [("cakes", "tags", "tag 'published'")]

    def test_of_a_tag_is_named_to_who_deletes_where_the_head_says_no_tags_at_all(self, store, of_tagged):
        of_tagged.set(documents.c.tags, "[]", path="")

        with pytest.raises(DamagedDocumentError, match="the tags of a head are an object"):
            store.delete("cakes")

    def test_of_a_tag_is_mended_by_giving_it_again(self, store, of_tagged):
        of_tagged.delete(tags)

        store.tag("cakes", "published", 2)

        assert store.verify() == []

    def test_of_a_code_is_found_there_and_where_it_was_used(self, store, saved):
        with store.engine.begin() as connection:
            connection.execute(codes.delete().where(codes.c.name == "COMPLETED", codes.c.column == "trial_status"))

        found = store.verify()

        [code] = [each for each in found if each.table == "codes"]
        assert (code.where, code.key) == ("trial_status 3", {"column": "trial_status", "value": 3})
        assert code.problem == "its row is missing: documents have the integer for 'COMPLETED'"
        assert {each.where for each in found if each.table == "documents"} == {"/trials/0", "/trials/1"}


class TestARowThatWasPutIn:
    @pytest.mark.parametrize("other", [{"position": 9}, {}], ids=["in its place", "in another's"])
    def test_as_a_part_is_found_there(self, store, intruder, other):
        intruder.copy(documents, {"path": "/trials/9", **other}, path="/trials/0")

        assert set(places(store)) == {("cakes", "documents", "/trials/9")}
        assert any("the document has no such part" in each.problem for each in store.verify())

    def test_as_one_of_several_parts_is_found_where_its_version_did_not_write_it(self, store, intruder):
        for path in ("/trials/8", "/trials/9"):
            intruder.copy(documents, {"path": path, "position": int(path[-1])}, path="/trials/1")

        assert set(places(store)) == {
            ("cakes", "documents", "/trials/8"),
            ("cakes", "documents", "/trials/9"),
            ("cakes", "documents", "its rows"),
        }

    def test_as_parts_that_were_removed_is_found_there(self, store, intruder, loaded):
        del loaded._trials[1], loaded._data[1]
        store.save(loaded)
        for field in ("trials", "data"):
            intruder.copy(documents, {"path": f"/{field}/1", "position": 1}, path=f"/{field}/0")

        found = store.verify()

        assert {each.key["path"] for each in found} == {"/data/1", "/trials/1"}
        assert any("version 4 removed it" in each.problem for each in found)

    def test_as_a_part_of_what_has_none_is_found_there(self, store, intruder, intruder_of_note):
        intruder.copy(documents, {"id": intruder_of_note.id}, path="/trials/0")

        assert set(places(store)) == {("n1", "documents", "/trials/0")}

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

        assert set(places(store)) == {
            ("cakes", "documents", "/trials/0"),
            ("cakes", "documents", "/trials/1"),
            ("cakes", "documents", "its rows"),
        }

    def test_of_a_part_and_its_older_self_are_found(self, store, intruder, loaded):
        columns = (documents.c.digest, documents.c.body)
        older = [intruder.get(column, path="/trials/0") for column in columns]
        loaded.trials[0].run_metadata["a"] = 1
        store.save(loaded)
        for column, value in zip(columns, older, strict=True):
            intruder.set(column, value, path="/trials/0")

        [found] = store.verify()

        assert (found.key, found.pointer) == ({"id": intruder.id, "path": "/trials/0"}, "/trials/0")
        assert found.problem.startswith("it is not what version 4 made of it: ")


def forge(intruder: Intruder, path: str, to: Callable[[str], str] = lambda body: f'{body[:-1]},"zz":1}}') -> None:
    """Change a piece so that it is as its own digest says."""
    intruder.set(documents.c.body, to, path=path)
    intruder.set(documents.c.digest, sha256(intruder.get(documents.c.body, path=path).encode()).hexdigest(), path=path)


class TestAPartThatTheHistoryTellsOf:
    """Its row is gone, or was changed with its digest; what versions did to it says that it was this one."""

    @pytest.fixture
    def more(self, store, loaded):
        """The experiment at version 6: two trials were added, and a note was made of each in a version of its own."""
        add_trial(loaded), add_trial(loaded)
        store.save(loaded)
        for index in (0, 3):
            loaded.trials[index].run_metadata["note"] = index
            store.save(loaded)
        return loaded

    def told(self, store):
        """What is told of each row: where it is, by table, key and pointer."""
        return [(each.table, each.where, each.key.get("path"), each.pointer) for each in store.verify()]

    @pytest.mark.parametrize("path", ["/trials/0", "/trials/1", "/data/3"])
    def test_is_told_where_it_was_deleted(self, store, intruder, more, path):
        intruder.delete(documents, path=path)

        assert self.told(store) == [("documents", path, path, path)]

    def test_is_told_of_each_that_was_deleted(self, store, intruder, more):
        gone = ["/data/1", "/data/2", "/trials/0", "/trials/3"]
        for path in gone:
            intruder.delete(documents, path=path)

        assert sorted(self.told(store)) == [("documents", path, path, path) for path in gone]

    def test_says_by_which_version(self, store, intruder, more):
        intruder.delete(documents, path="/trials/3")

        assert [each.problem for each in store.verify()] == ["its row is missing, and version 6 wrote it"]

    def test_is_told_beside_rows_that_are_damaged_by_themselves(self, store, intruder, more):
        intruder.delete(documents, path="/data/2")
        intruder.set(documents.c.body, flipped, path="/trials/1")
        intruder.set(documents.c.body, flipped, path="")

        assert {where for _, where, *_ in self.told(store)} == {"its head", "/data/2", "/trials/1"}

    def test_is_told_with_the_other_rows_where_those_are_wrong_too(self, store, intruder, more):
        intruder.delete(documents, path="/data/2")
        intruder.delete(documents, path="/data/0")

        assert [where for _, where, *_ in self.told(store)] == ["/data/2", "its rows"]

    @pytest.mark.parametrize("path", ["/trials/0", "/trials/3"])
    def test_is_told_where_it_was_changed_since_another_version(self, store, intruder, more, path):
        forge(intruder, path, instead('"note":', '"nota":'))

        assert self.told(store) == [("documents", path, path, path)]

    def test_is_told_where_one_version_wrote_it_alone(self, store, intruder, more):
        more._data.pop(3)
        store.save(more)
        trial = add_trial(more)
        more._data.pop(trial.index)
        store.save_trial(more, trial)

        forge(intruder, "/trials/4")

        [found] = store.verify()
        assert (found.key, found.pointer) == ({"id": intruder.id, "path": "/trials/4"}, "/trials/4")
        assert found.problem == "it is not what version 8 made of it"

    def test_is_one_of_those_that_a_version_wrote(self, store, intruder, more):
        forge(intruder, "/trials/1")

        [found] = store.verify()

        assert (found.where, found.key, found.pointer) == ("its rows", {"id": intruder.id}, "")
        assert found.problem.endswith("one or more of /data/1, /trials/1 are not what version 3 made of them")

    def test_is_none_of_those_where_it_was_there_from_the_first(self, store, intruder, more):
        forge(intruder, "/data/0")

        assert self.told(store) == [("documents", "its rows", None, "")]

    def test_is_not_one_that_a_version_kept_whole(self, store, intruder, more):
        """Of two that one version added, one was removed since: what it was then is in the history."""
        store.save(more)
        more._data.pop(1)
        store.save(more)

        forge(intruder, "/trials/1")

        assert self.told(store) == [("documents", "/trials/1", "/trials/1", "/trials/1")]

    def test_is_told_where_versions_were_folded(self, store, intruder, more):
        store.tag("cakes", "described", 2)
        store.compact("cakes", keep=1)
        for path in ("/data/1", "/trials/3"):
            intruder.delete(documents, path=path)

        assert {where for _, where, *_ in self.told(store)} == {"/data/1", "/trials/3"}

    def test_is_not_told_by_a_version_that_was_changed_too(self, store, intruder, more):
        intruder.delete(documents, path="/data/1")
        intruder.set(versions.c.changes, instead("/data/1", "/data/0"), version=3)

        assert [(table, where) for table, where, *_ in self.told(store)] == [
            ("versions", "version 3"),
            ("documents", "its rows"),
        ]

    def test_is_told_as_is_what_is_older(self, store, intruder, more):
        """Before the version that wrote the part, the document is right, and its past is proved."""
        intruder.delete(documents, path="/data/1")
        intruder.set(versions.c.digest, "0" * 64, version=1)

        problems = [(each.where, each.problem) for each in store.verify()]

        assert [where for where, _ in problems] == ["/data/1", "version 1", "version 1"]
        assert "has another digest" in problems[1][1]

    def test_is_told_of_a_users_list(self, store):
        with registry.scope():

            @docstore.document(kind="recipe", parts=["/steps/*"])
            @dataclass
            class Recipe:
                name: str
                steps: list[str]

            soup = Recipe("soup", ["boil"])
            store.save(soup)
            for step in ("stir", "salt", "eat"):
                soup.steps.append(step)
                store.save(soup)
        intruder = Intruder(store.engine, store.find(kind="recipe")[0].id)
        for path in ("/steps/1", "/steps/2"):
            intruder.delete(documents, path=path)

        assert {where for _, where, *_ in self.told(store)} == {"/steps/1", "/steps/2"}

    def test_is_not_told_by_what_was_before_parts_were_laid_out_anew(self, store):
        """A step that an older version wrote was removed with all of them: its row is not missing."""
        with registry.scope():

            @docstore.document(kind="recipe", parts=["/steps/*", "/notes/*"])
            @dataclass
            class Recipe:
                name: str
                steps: dict[str, str] | None
                notes: dict[str, str]

            soup = Recipe("soup", {"a": "boil"}, {"a": "hot"})
            store.save(soup)
            for steps in ({"a": "boil", "b": "stir"}, None):
                soup.steps = steps
                store.save(soup)
        intruder = Intruder(store.engine, store.find(kind="recipe")[0].id)
        forge(intruder, "/notes/a", instead("hot", "cold"))

        assert self.told(store) == [("documents", "its rows", None, "")]

    def test_is_not_told_where_the_head_has_no_place_for_it(self, store):
        """The head was changed, too: it is to blame, and the parts that have no place in it are not."""
        with registry.scope():

            @docstore.document(kind="recipe", parts=["/steps/*"])
            @dataclass
            class Recipe:
                name: str
                steps: list[str] | None = None
                n: int = 0

            soup = Recipe("soup", [])
            store.save(soup)
            soup.steps.append("boil")
            store.save(soup)
            soup.n = 1
            store.save(soup)
            soup.steps, soup.n = None, 2
            store.save(soup)
        intruder = Intruder(store.engine, store.find(kind="recipe")[0].id)
        forge(intruder, "", instead('"n":2', '"m":2'))

        assert {where for _, where, *_ in self.told(store)} <= {"its head", "its rows"}


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

        with pytest.raises(DamagedDocumentError, match=r"verify\(\) lists what is damaged") as caught:
            getattr(store, call)("cakes")

        assert (caught.value.name, caught.value.where) == ("cakes", where)

    @pytest.mark.parametrize("call", ["load", "get"])
    @pytest.mark.parametrize(("body", "path", "where"), [("{", "/trials/0", "/trials/0"), ("", "", "its head")])
    @where_json_is_text
    def test_is_not_given_where_it_is_no_json(self, store, intruder, call, body, path, where):
        intruder.set(documents.c.body, body, path=path)

        with pytest.raises(DamagedDocumentError, match=r"verify\(\) lists what is damaged") as caught:
            getattr(store, call)("cakes")

        assert (caught.value.name, caught.value.where) == ("cakes", where)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda i: i.set(versions.c.changes, instead('"plain"', "1"), version=2),
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

        assert docstore.dumps(store.load("cakes")) == saved

    @pytest.mark.parametrize("call", ["history", "find"])
    @pytest.mark.parametrize(
        ("backend", "text"), [("sqlite", "noon"), ("mariadb", "0000-00-00 00:00:00")], indirect=["backend"]
    )
    def test_with_a_time_that_is_none_is_an_error_that_says_so(self, store, intruder, call, text):
        intruder.set(versions.c.created_at, spelt(text))
        intruder.set(documents.c.created_at, spelt(text))

        with pytest.raises(
            DatabaseError, match=rf"the time '{text}.*' in the database is invalid. verify\(\) says where"
        ):
            store.history("cakes") if call == "history" else store.find().first()

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
    def test_is_not_saved_over(self, store, intruder, loaded, damage, whole):
        damage(intruder)
        loaded.trials[0].run_metadata["a"] = 1

        with pytest.raises(DamagedDocumentError):
            store.save(loaded) if whole else store.save_trial(loaded, loaded.trials[0])

    def test_can_be_purged(self, store, intruder):
        intruder.delete(versions)

        store.purge("cakes")

        assert places(store) == []

    def test_is_told_to_a_person(self, store, intruder):
        intruder.set(documents.c.body, instead("rye", "spelt"), path="/trials/0")

        [line] = map(str, store.verify())

        assert line.startswith("experiment 'cakes': table documents, /trials/0: its ")


class TestADamage:
    """It says of which document it is, which row that is, and where in the document."""

    @pytest.mark.parametrize(
        ("damage", "table", "key", "pointer"),
        [
            (
                lambda i: i.set(documents.c.body, flipped, path="/trials/0"),
                "documents",
                {"path": "/trials/0"},
                "/trials/0",
            ),
            (lambda i: i.set(documents.c.body, flipped, path=""), "documents", {"path": ""}, ""),
            (lambda i: i.set(documents.c.status, 9, path="/trials/1"), "documents", {"path": "/trials/1"}, "/trials/1"),
            (lambda i: i.delete(documents, path="/trials/0"), "documents", {}, ""),
            (lambda i: i.delete(versions, version=1), "versions", {"version": 1}, ""),
            (lambda i: i.set(versions.c.author, "eve", version=3), "versions", {"version": 3}, ""),
            (lambda i: i.set(versions.c.digest, "0" * 64, version=1), "versions", {"version": 1}, ""),
        ],
        ids=["a part", "the head", "a column", "a part gone", "a version gone", "a version", "its digest"],
    )
    def test_has_the_table_the_key_and_the_pointer(self, store, intruder, damage, table, key, pointer):
        damage(intruder)

        found = store.verify()[0]

        assert (found.kind, found.name, found.table) == ("experiment", "cakes", table)
        assert (found.key, found.pointer) == ({"id": intruder.id, **key}, pointer)
        assert len(found.key) == 1 + len(key)

    def test_of_each_damaged_row_is_told(self, store, intruder):
        for path in ("/data/1", "/trials/0"):
            intruder.set(documents.c.body, flipped, path=path)

        assert [each.key["path"] for each in store.verify()] == ["/data/1", "/trials/0"]

    def test_of_each_row_that_cannot_be_read_is_told(self, fresh_database, connect):
        store = connect(fresh_database("sqlite"))
        store.save(new_experiment(trials=3))
        intruder = Intruder(store.engine, store.find()[0].id)
        for path in ("/data/1", "/trials/0"):
            intruder.set(documents.c.created_at, spelt("noon"), path=path)

        assert [each.key["path"] for each in store.verify()] == ["/data/1", "/trials/0"]

    def test_of_changes_that_do_not_fit_has_the_pointer_of_the_first(self, store, intruder):
        intruder.set(versions.c.changes, instead("/description", "/runner/x"), version=2)

        *_, found = store.verify()

        assert (found.where, found.pointer) == ("version 1", "/runner/x")
        assert found.problem.startswith("it cannot be rebuilt, as the changes of version 2 do not fit: at /runner/x")

    def test_of_what_is_no_change_has_its_pointer(self, store, intruder):
        intruder.set(versions.c.changes, '[{"op":"move","path":"/a"}]', version=2)

        assert ("version 2", "/a") in [(each.where, each.pointer) for each in store.verify()]

    def test_of_a_document_without_a_head_has_its_id(self, store, intruder):
        intruder.delete(documents, path="")

        [found] = store.verify()

        assert (found.kind, found.name, found.key) == ("experiment", "cakes", {"id": intruder.id, "path": ""})

    def test_finds_its_row(self, store, intruder):
        intruder.set(documents.c.body, flipped, path="/trials/0")
        [found] = store.verify()

        assert intruder.get(documents.c.position, **found.key) == 0

    def test_can_be_pickled_and_compared(self, store, intruder):
        intruder.set(documents.c.body, flipped, path="/trials/0")

        [found] = store.verify()

        assert pickle.loads(pickle.dumps(found)) == found
        assert len({found, *store.verify()}) == 1
        assert repr(found.key) == repr({"id": intruder.id, "path": "/trials/0"})


OTHER = "f" * 16
LATER = datetime(2027, 1, 1, tzinfo=UTC)
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)
TOLD = [
    *(("documents", "", column, to) for column, to in {
        "id": OTHER,
        "path": "/x",
        "project": "other",
        "kind": "note",
        "name": "bread",
        "owner": OTHER,
        "position": 1,
        "type": None,
        "status": None,
        "arm": "0_0",
        "signature": "0" * 16,
        "model": "another",
        "version": 2,
        "added": 1,
        "created_at": LATER,
        "updated_at": LATER,
        "deleted_at": LATER,
        "deleted_by": "eve",
        "tags": "{}",
        "seal": None,
        "digest": "0" * 64,
        "parts_digest": None,
        "body": "{}",
    }.items()),
    *(("documents", "/trials/0", column, to) for column, to in {
        "id": OTHER,
        "path": "/trials/7",
        "project": "other",
        "kind": "data",
        "name": "bread",
        "owner": OTHER,
        "position": 1,
        "type": 0,
        "status": None,
        "arm": "other",
        "signature": None,
        "model": "another",
        "version": 2,
        "added": 2,
        "created_at": EARLIER,
        "updated_at": LATER,
        "deleted_at": LATER,
        "deleted_by": "eve",
        "tags": "{}",
        "seal": "0" * 64,
        "digest": "0" * 64,
        "parts_digest": "1:",
        "body": "{}",
    }.items()),
    *(("versions", 2, column, to) for column, to in {
        "id": OTHER,
        "version": 7,
        "created_at": LATER,
        "author": "eve",
        "message": "another",
        "changes": "[]",
        "digest": "0" * 64,
        "chain": "0" * 64,
        "parent": '{"how":"merge","id":"x","version":1}',
        "folded": "0" * 64,
    }.items()),
    *(("tags", "published", column, to) for column, to in {
        "id": OTHER,
        "tag": "final",
        "version": 1,
        "created_at": LATER,
        "author": "eve",
    }.items()),
    *(("names", "cakes", column, to) for column, to in {
        "project": "other",
        "kind": "note",
        "name": "bread",
        "id": OTHER,
    }.items()),
]  # fmt: skip
UNTOLD = [
    # Classes of one model may take the place of another's.
    ("documents", "", "model", "user"),
]
FINDS = {"documents": documents.c.path, "versions": versions.c.version, "tags": tags.c.tag, "names": names.c.name}


class TestAColumnThatSaysSomethingElse:
    @pytest.mark.parametrize(("table", "row", "column", "to"), TOLD)
    def test_is_told(self, store, of_tagged, table, row, column, to):
        key = FINDS[table]
        of_tagged.set(key.table.c[column], to, **{key.name: row})

        assert store.verify() != []

    @pytest.mark.parametrize(("table", "row", "column", "to"), UNTOLD)
    def test_is_not_told_where_nothing_else_says_what_it_was(self, store, of_tagged, table, row, column, to):
        key = FINDS[table]
        of_tagged.set(key.table.c[column], to, **{key.name: row})

        assert store.verify() == []

    @pytest.mark.parametrize("table", [documents, versions, tags, names], ids=str)
    def test_is_of_one_of_these(self, table):
        assert {name for of, _, name, _ in [*TOLD, *UNTOLD] if of == table.name} == {*table.c.keys()}

    @pytest.mark.parametrize(
        "column",
        ["version", "added", "created_at", "updated_at", "kind", "position", "owner", "name", "project", "model"],
    )
    def test_of_a_part_is_told_at_its_row_and_nowhere_else(self, store, intruder, column):
        to = {"version": 2, "added": 2, "created_at": EARLIER, "updated_at": LATER, "position": 5}.get(
            column, "another"
        )
        intruder.set(documents.c[column], to, path="/trials/0")

        found = store.verify()

        assert {each.key["path"] for each in found} == {"/trials/0"}
        assert any(f"the column {column} says" in each.problem for each in found)

    @pytest.mark.parametrize("to", [0, 4])
    def test_of_a_version_that_a_part_cannot_have_is_told(self, store, intruder, to):
        intruder.set(documents.c.version, to, path="/trials/0")

        assert any("the document is at version 3" in each.problem for each in store.verify())

    def test_of_parts_that_stay_where_the_head_went_to_another_project_is_told_in_both(self, store, intruder, connect):
        intruder.set(documents.c.project, "other", path="")

        name, found = store.verify()

        assert (found.key, found.problem.count("project 'other'")) == ({"id": intruder.id, "path": ""}, 1)
        assert (name.table, name.name) == ("names", "cakes")
        assert connect(store.engine, project="other").verify() != []

    def test_of_the_model_of_what_was_put_as_json_is_told(self, store, intruder_of_note):
        intruder_of_note.set(documents.c.model, "docstore")

        assert places(store) == [("n1", "documents", "its head")]


class TestWhichVersionAddedAPart:
    """The column ``added`` of a part says it; each part of three versions has one of them there."""

    def problems(self, store, name=None):
        return [(each.where, each.problem) for each in store.verify(name)]

    @pytest.mark.parametrize("path", ["/trials/0", "/data/1"])
    @pytest.mark.parametrize("to", [None, 0, 1, 2, 3, 4])
    def test_is_found_where_it_is_another(self, store, intruder, path, to):
        added = {"/trials/0": 1, "/data/1": 3}[path]
        intruder.set(documents.c.added, to, path=path)

        assert {each.where for each in store.verify()} == (set() if to == added else {path})

    def test_names_the_version_that_added_it(self, store, intruder):
        intruder.set(documents.c.added, 1, path="/trials/1")

        assert self.problems(store) == [("/trials/1", "the column added says 1, and version 3 added it")]

    def test_is_that_of_its_last_life(self, store, intruder, loaded):
        removed = loaded._data.pop(1)
        store.save(loaded)
        loaded._data[1] = removed
        store.save(loaded)
        assert store.verify() == []

        intruder.set(documents.c.added, 3, path="/data/1")

        assert self.problems(store) == [("/data/1", "the column added says 3, and version 5 added it")]

    def test_is_that_of_the_branch_of_what_came_with_it(self, store, of_branch):
        assert store.verify() == []

        of_branch.set(documents.c.added, 1, path="/trials/0")

        assert self.problems(store) == [("/trials/0", "the column added says 1, and version 3 added it")]

    def test_is_one_of_those_that_were_folded(self, store, intruder, saved):
        store.compact("cakes", keep=1)
        assert store.verify() == []

        intruder.set(documents.c.added, 2, path="/data/1")

        assert store.verify() == []

    def test_may_be_between_versions_that_were_folded(self, store, intruder, loaded):
        """It was there before, was removed, and added again: the versions that are kept have it all the same."""
        store.tag("cakes", "begun", 3)
        removed = loaded._data.pop(1)
        store.save(loaded)
        loaded._data[1] = removed
        store.save(loaded)
        loaded.description = "again"
        store.save(loaded)

        store.compact("cakes", keep=1)

        assert store.verify() == []

    def test_is_that_of_a_branch_that_was_folded(self, store, of_branch):
        buns = store.load("buns")
        add_trial(buns)
        store.save(buns)
        store.purge("cakes")
        store.compact("buns", keep=1)
        assert store.verify() == []

        of_branch.set(documents.c.added, 2, path="/trials/0")

        assert self.problems(store) == [
            ("/trials/0", "the column added says 2, and one of the versions 3 to 5 added it")
        ]


class TestAnOwner:
    """A generation strategy belongs to an experiment: its row has the id."""

    @pytest.fixture
    def of_strategy(self, store, saved):
        store.save(GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="cakes"))
        [info] = store.find(kind="generation_strategy")
        assert info.owner is not None
        return Intruder(store.engine, info.id)

    def test_that_is_there_is_no_damage(self, store, of_strategy):
        assert store.verify() == []

    def test_that_is_gone_is_no_damage(self, store, of_strategy):
        store.purge("cakes")

        assert store.verify() == []

    def test_that_was_not_there_is_no_damage(self, store, of_strategy):
        of_strategy.set(documents.c.owner, None)

        assert store.verify() == []

    def test_that_is_no_id_is_told(self, store, of_strategy):
        of_strategy.set(documents.c.owner, "cakes")

        assert [(each.where, "no id" in each.problem) for each in store.verify()] == [("its head", True)]

    def test_that_is_another_document_is_told(self, store, of_strategy, intruder_of_note):
        of_strategy.set(documents.c.owner, intruder_of_note.id)

        assert [(each.where, "'n1'" in each.problem) for each in store.verify()] == [("its head", True)]


class TestTheChain:
    @pytest.mark.parametrize("number", [1, 2, 3])
    @pytest.mark.parametrize(
        ("column", "to"),
        [
            *(("created_at", flipped), ("author", "eve"), ("message", "another"), ("digest", "0" * 64)),
            *(("chain", "0" * 64), ("parent", '{"how":"merge","id":"x","version":1}'), ("folded", "0" * 64)),
            ("changes", '[{"op":"replace","path":"/name","old":1}]'),
        ],
    )
    def test_breaks_where_any_one_field_is_edited(self, store, intruder, column, to, number):
        intruder.set(versions.c[column], to, version=number)

        assert {"id": intruder.id, "version": number} in [each.key for each in store.verify()]

    @pytest.mark.parametrize("older", [1, 2])
    def test_breaks_where_two_rows_are_swapped(self, store, intruder, older):
        for old, new in ((older, 99), (older + 1, older), (99, older + 1)):
            intruder.set(versions.c.version, new, version=old)

        assert ("cakes", "versions", f"version {older}") in places(store)

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_breaks_where_a_row_is_put_in_before_those_that_follow(self, store, intruder, number):
        for old in range(3, number - 1, -1):
            intruder.set(versions.c.version, old + 1, version=old)
        intruder.copy(versions, {"version": number}, version=number + 1)

        assert ("cakes", "versions", f"version {number + 1}") in places(store)

    def test_is_one_of_its_document(self, store, intruder, intruder_of_note):
        intruder_of_note.set(versions.c.version, 4)
        intruder_of_note.set(versions.c.id, intruder.id)
        intruder.delete(versions, version=3)
        intruder.set(versions.c.version, 3, version=4)

        assert ("cakes", "versions", "version 3") in places(store)

    def test_goes_on_after_a_row_that_cannot_be_read(self, store, intruder):
        intruder.set(versions.c.changes, "{}", version=2)
        intruder.set(versions.c.author, "eve", version=1)

        assert ("cakes", "versions", "version 1") in places(store)


class TestABranch:
    """Its versions before the fork were saved in the other document, and are its own all the same."""

    def test_is_no_damage(self, store, of_branch):
        assert store.verify("buns") == []

    def test_is_no_damage_where_the_other_document_is_gone(self, store, of_branch):
        store.purge("cakes")

        assert store.verify() == []

    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    @pytest.mark.parametrize("column", ["author", "digest"])
    def test_is_found_where_it_is_damaged(self, store, of_branch, column, number):
        of_branch.set(versions.c[column], "0" * 64, version=number)

        assert ("buns", "versions", f"version {number}") in places(store)

    @pytest.mark.parametrize("to", [None, '{"how":"branch","id":"x","version":2}', '{"how":"branch"}', "[]"])
    def test_is_found_where_its_parent_is_another(self, store, of_branch, to):
        of_branch.set(versions.c.parent, to, version=3)

        assert ("buns", "versions", "version 3") in places(store)

    def test_is_not_given_as_it_was_then(self, store, of_branch):
        of_branch.set(versions.c.digest, "0" * 64, version=2)

        with pytest.raises(DamagedDocumentError):
            store.load("buns", version=2)


class TestATag:
    def test_of_a_version_is_no_damage(self, store, of_tagged):
        assert store.verify() == []

    @pytest.mark.parametrize("to", [0, 4, -1])
    def test_of_a_version_that_never_was_is_found(self, store, of_tagged, to):
        of_tagged.set(tags.c.version, to)

        [found] = store.verify()

        assert (found.table, found.where) == ("tags", "tag 'published'")
        assert found.key == {"id": of_tagged.id, "tag": "published"}

    def test_of_a_version_that_is_gone_is_found(self, store, of_tagged):
        of_tagged.delete(versions, version=2)

        assert ("cakes", "tags", "tag 'published'") in places(store)

    def test_of_a_version_that_was_folded_is_found(self, store, of_tagged):
        fold(of_tagged, 3, 2)

        assert [(each.table, "folded" in each.problem) for each in store.verify()] == [("tags", True)]

    def test_of_no_document_is_found(self, store, of_tagged):
        of_tagged.set(tags.c.id, OTHER)

        _, found = store.verify()

        assert (found.name, found.table, found.key) == (OTHER, "tags", {"id": OTHER, "tag": "published"})

    def test_names_no_state_that_is_damaged(self, store, of_tagged):
        of_tagged.set(versions.c.digest, "0" * 64, version=2)

        with pytest.raises(DamagedDocumentError):
            store.load("cakes", tag="published")


class TestVersionsThatWereFolded:
    """Their changes are in those of the next that is kept; of the ones that were saved there is the digest."""

    @pytest.mark.parametrize(("newer", "gone"), [(2, [1]), (3, [2]), (3, [1, 2])])
    def test_are_no_damage(self, store, intruder, newer, gone):
        fold(intruder, newer, *gone)

        assert store.verify() == []

    @pytest.mark.parametrize("keep", [1, 2])
    def test_are_none_where_the_store_folded_them(self, store, of_tagged, keep):
        store.branch("cakes", "buns")

        for name in ("cakes", "buns"):
            store.compact(name, keep=keep)

        assert store.verify(decode=True) == []

    @pytest.mark.parametrize("number", [1, 2, 3])
    @pytest.mark.parametrize("column", ["author", "chain", "folded", "digest"])
    def test_are_found_where_one_is_edited(self, store, intruder, column, number):
        fold(intruder, 3, 2)
        intruder.set(versions.c[column], "0" * 64, version=number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    def test_are_found_where_what_they_were_folded_into_leads_elsewhere(self, store, intruder):
        fold(intruder, 3, 2)
        intruder.set(versions.c.changes, instead('"plain"', "1"), version=3)

        assert places(store) == [("cakes", "versions", "version 1")]

    def test_are_found_where_the_oldest_kept_says_less_than_all(self, store, intruder):
        fold(intruder, 2, 1)
        intruder.set(versions.c.changes, '[{"op":"add","path":"/name"}]', version=2)

        assert places(store) == [("cakes", "versions", "version 2")]

    def test_are_found_where_they_do_not_say_what_they_were(self, store, intruder):
        fold(intruder, 3, 2)
        intruder.set(versions.c.folded, None, version=2)

        assert any("does not say what it was" in each.problem for each in store.verify())

    def test_are_found_where_what_they_say_is_no_digest(self, store, intruder):
        fold(intruder, 3, 2)
        intruder.set(versions.c.folded, "another", version=2)

        assert any("no digest" in each.problem for each in store.verify())

    def test_are_not_said_to_be_in_the_first(self, store, intruder):
        text = intruder.get(versions.c.changes, version=1)
        intruder.set(versions.c.folded, sha256(text.encode()).hexdigest(), version=1)

        assert places(store) == [("cakes", "versions", "version 1")]

    def test_may_be_in_one_that_follows_on_one_kept(self, store, intruder):
        """As in a copy that was there before they were folded in the source."""
        text = intruder.get(versions.c.changes, version=3)
        intruder.set(versions.c.folded, sha256(text.encode()).hexdigest(), version=3)

        assert store.verify() == []

    def test_may_have_written_a_part_that_was_as_it_is_before(self, store, intruder, loaded):
        for number in ({"a": 1}, {}, {"b": 1}, {}):
            loaded.trials[0].run_metadata.clear()
            loaded.trials[0].run_metadata.update(number)
            store.save(loaded)
        fold(intruder, 5, 4)
        fold(intruder, 7, 6)
        for number in (5, 7):
            intruder.set(versions.c.changes, "[]", version=number)

        assert store.verify() == []

    def test_are_never_the_current_one(self, store, intruder):
        text = intruder.get(versions.c.changes, version=3)
        intruder.set(versions.c.folded, sha256(text.encode()).hexdigest(), version=3)
        intruder.set(versions.c.changes, "null", version=3)

        assert places(store) == [("cakes", "versions", "version 3")]


class TestPartsThatWereLaidOutAnew:
    """A value was put first, an object of a class with parts took its place; later its parts were in another field."""

    def test_are_no_damage(self, store):
        store.put("recipe", "soup", {"name": "soup", "steps": ["boil", "eat"]})
        with registry.scope():

            @docstore.document(kind="recipe", parts=["/steps/*"])
            @dataclass
            class Recipe:
                name: str
                steps: list[str]

            with pytest.warns(OverwriteWarning):
                store.save(Recipe("soup", ["boil", "stir"]), on_conflict="overwrite")
            soup = store.load("soup", kind="recipe")
            soup.steps = ["stir", "boil", "eat"]
            store.save(soup)
            del soup.steps[1:]
            store.save(soup)

            @docstore.document(kind="recipe", parts=["/notes/*"])
            @dataclass
            class Recipe:  # the next release of it
                name: str
                steps: list[str]
                notes: dict[str, str] | None = None

            soup = store.load("soup", kind="recipe")
            for notes in ({"a": "hot"}, None, {"b": "cold", "c": "sour"}):
                soup.notes = notes
                store.save(soup)

        assert (len(store.history("soup", kind="recipe")) > 5, store.verify()) == (True, [])


class TestADamagedHeadOfADocumentWithParts:
    """It says which of its places are parts."""

    @pytest.fixture
    def soup(self, store):
        """Someone who changes the rows of a recipe, whose steps are parts."""
        with registry.scope():

            @docstore.document(kind="recipe", parts=["/steps/*"])
            @dataclass
            class Recipe:
                name: str
                steps: list[str]

            store.save(Recipe("soup", ["boil", "stir"]))
        [info] = store.find("recipe")
        return Intruder(store.engine, info.id)

    def test_is_named_if_what_it_says_is_invalid(self, store, soup):
        forge(soup, "", instead('["/steps/*"]', "5"))

        found = store.verify()[0]

        assert (found.where, found.key, found.pointer) == ("its head", {"id": soup.id, "path": ""}, "/__document")

    @where_json_is_text
    def test_is_named_alone_if_it_is_unreadable(self, store, soup):
        soup.set(documents.c.body, "soup", path="")
        soup.set(documents.c.model, "none", path="/steps/0")  # a contradiction that cannot be seen without the head

        assert {each.where for each in store.verify() if each.table == "documents"} == {"its head"}

    def test_is_found_where_every_digest_fits_and_a_part_has_no_place(self, store, soup):
        forge(soup, "", instead('"steps":[]', '"steps":["cut"]'))
        digests = {path: soup.get(documents.c.digest, path=path) for path in ("", "/steps/0", "/steps/1")}
        soup.set(versions.c.digest, Digests.of(digests).digest(), version=1)

        found = store.verify()[0]

        assert (found.where, found.problem) == ("/steps/0", "at /steps/0: the head has no place for this part")


class TestOneOfSeveralDocuments:
    @pytest.fixture
    def damaged(self, intruder, intruder_of_note):
        for each in (intruder, intruder_of_note):
            each.set(documents.c.body, flipped, path="")

    @pytest.mark.parametrize(
        ("arguments", "found"),
        [
            ({}, ["cakes", "n1"]),
            ({"name": "cakes"}, ["cakes"]),
            ({"name": "n1", "kind": "note"}, ["n1"]),
            ({"kind": "note"}, ["n1"]),
            ({"kind": "generation_strategy"}, []),
        ],
    )
    def test_is_verified_by_its_name_and_kind(self, store, damaged, arguments, found):
        assert [each.name for each in store.verify(**arguments)] == found

    @pytest.mark.parametrize("arguments", [{"name": "bread"}, {"name": "n1"}, {"name": "cakes", "kind": "note"}])
    def test_that_is_not_there_is_an_error(self, store, saved, arguments):
        with pytest.raises(DocumentNotFoundError):
            store.verify(**arguments)

    def test_is_verified_though_it_was_deleted(self, store, damaged):
        store.delete("cakes")

        assert [each.name for each in store.verify("cakes")] == ["cakes"]

    def test_is_the_live_one_of_two_of_a_name(self, store, damaged):
        store.delete("cakes")
        store.save(new_experiment())

        assert store.verify("cakes") == []
        assert [each.name for each in store.verify(kind="experiment")] == ["cakes"]

    def test_of_no_kind_that_there_is_is_refused(self, store):
        store.put("note", "n1", 1)

        with pytest.raises(InvalidValueError, match=r"kind: 'experimnt' .*'experiment', .*'note'"):
            store.verify(kind="experimnt")
        assert store.verify(kind="note") == store.verify(kind="generation_strategy") == []

    def test_is_verified_though_its_head_cannot_be_read(self, fresh_database, connect):
        store = connect(fresh_database("sqlite"))
        store.put("note", "n1", 1)
        Intruder(store.engine, store.find()[0].id).set(documents.c.updated_at, spelt("noon"))

        assert [each.name for each in store.verify("n1", kind="note")] == ["n1"]


class TestANameThatNoDatabaseStores:
    @pytest.mark.parametrize(("name", "kind"), [("a\0b", "note"), ("\ud800", "note"), ("n1", "no\0te")])
    def test_is_not_found(self, store, saved, name, kind):
        with pytest.raises(DocumentNotFoundError):
            store.verify(name, kind=kind)


class TestAHistoryLargerThanAPage:
    def test_is_verified_whole(self, store):
        for letter in "abc":
            store.put("note", "large", {"text": letter * 5_000_000})
        assert store.verify() == []

        [info] = store.find(name="large")
        Intruder(store.engine, info.id).set(versions.c.author, "eve", version=2)

        assert [each.where for each in store.verify()] == ["version 2"]


def a_thousand_and_one_versions(store):
    for number in range(1_001):
        store.put("note", "n1", {"number": number})


class TestAThousandVersions:
    @pytest.fixture
    def state(self):
        return a_thousand_and_one_versions

    def test_are_verified_by_a_few_dozen_statements(self, store):
        statements = []
        sa.event.listen(store.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

        assert store.verify() == []
        assert len([each for each in statements if each.lstrip().startswith("SELECT")]) <= 24

    def test_are_told_to_a_callback_after_each_page(self, store):
        told = []

        store.verify(progress=told.append)

        assert [each.done for each in told] == [0, 500, 1_000, 1_001]


class TestItsCost:
    def test_for_a_version_does_not_grow_with_the_parts(self, fresh_database, connect):
        def of_versions(trials: int) -> int:
            store = connect(fresh_database("sqlite"))
            experiment = new_experiment(trials=trials)
            store.save(experiment)
            before = calls_of(store.verify)
            for number in range(30):
                experiment.trials[number % 10].run_metadata["number"] = number
                store.save_trial(experiment, experiment.trials[number % 10])
            return calls_of(store.verify) - before

        of_versions(10)  # what is made once is made

        assert of_versions(300) < 1.5 * of_versions(10)


class Oven(docstore.Metric):
    """A metric whose class the bundle has."""


class TestDecoding:
    """Each version is made an object, too, by the classes of the store."""

    @pytest.fixture
    def with_bundle(self, database, connect):
        return connect(database, bundle=RegistryBundle(metric_clss={Oven: 1}))

    @pytest.fixture
    def of_ovens(self, with_bundle):
        """An experiment with a metric of the bundle's in versions 1 and 2, and without it in version 3."""
        experiment = new_experiment(tracking_metrics=[Oven("heat"), docstore.Metric("taste")])
        with_bundle.save(experiment)
        experiment.description = "hot"
        with_bundle.save(experiment)
        experiment.remove_tracking_metric("heat")
        with_bundle.save(experiment)

    def test_finds_nothing_where_all_classes_are_there(self, with_bundle, of_ovens):
        assert with_bundle.verify(decode=True) == []

    def test_needs_no_class_where_it_is_not_asked_for(self, store, of_ovens):
        assert store.verify() == []

    def test_tells_of_a_class_that_is_not_registered_once_for_each_version(self, store, of_ovens):
        found = store.verify("cakes", decode=True)

        assert [(each.table, each.where, each.key["version"]) for each in found] == [
            ("versions", "version 2", 2),
            ("versions", "version 1", 1),
        ]
        assert all("no class is registered for the tag 'Oven'" in each.problem for each in found)
        assert {each.pointer for each in found} == {"/tracking_metrics/0"}

    def test_tells_of_the_current_one_at_the_piece(self, store, with_bundle):
        experiment = new_experiment(trials=1)
        experiment.trials[0].run_metadata["oven"] = Oven("heat")
        with_bundle.save(experiment)

        [found] = store.verify(decode=True)

        assert (found.table, found.key["path"]) == ("documents", "/trials/0")
        assert found.pointer.startswith("/trials/0/")

    def test_tells_of_a_library_that_is_not_installed_and_goes_on(self, store, of_ovens, monkeypatch):
        monkeypatch.setitem(sys.modules, "docstore.ax", None)
        store.put_json("experiment", "a", '{"__format":1,"__type":"ax.Experiment","name":"a"}')

        found = {(each.name, each.where): each.problem for each in store.verify(decode=True)}

        assert len(found) == 3
        assert found["a", "its head"].startswith("it does not decode here: reading ax.Experiment needs ax")

    def test_takes_what_was_put_as_json_for_what_it_is(self, with_bundle, store):
        with_bundle.put("note", "n1", {"a": (1, {2}), "oven": Oven("heat")})
        with_bundle.put("note", "n1", {"a": [float("nan")]})

        assert store.verify(decode=True) == []


class TestProgress:
    @pytest.fixture
    def told(self, store, intruder_of_note):
        """What a callback is told, of 4 versions of two documents."""
        told = []
        store.verify(progress=told.append)
        return told

    def test_rises_to_the_total(self, told):
        assert [each.done for each in told] == sorted({each.done for each in told})
        assert (told[0].done, told[-1].done, {each.total for each in told}) == (0, 4, {4})

    def test_names_the_document(self, told):
        assert [(each.name, each.done) for each in told] == [("cakes", 0), ("cakes", 3), ("n1", 4)]

    def test_is_told_after_each_version_that_is_decoded(self, store, saved):
        told = []

        store.verify("cakes", decode=True, progress=told.append)

        assert [each.done for each in told] == [0, 1, 2, 3]

    def test_rises_to_the_total_though_a_history_cannot_be_read(self, store, intruder):
        intruder.delete(versions, version=3)
        told = []

        store.verify(progress=told.append)

        assert told[-1] == Progress(3, 3, "n1")

    def test_is_not_told_where_there_is_nothing_to_do(self, store):
        told = []

        store.verify(progress=told.append)

        assert told == []

    @pytest.mark.parametrize("progress", ["yes", 1, None])
    def test_to_what_cannot_be_told_is_an_error(self, store, progress):
        with pytest.raises(InvalidValueError, match="True for a bar"):
            store.verify(progress=progress)


class TestABar:
    def test_is_drawn_on_stderr(self, store, saved, capsys):
        store.verify(progress=True)

        drawn = capsys.readouterr()

        assert ("4/4 versions" in drawn.err, drawn.out) == (True, "")

    def test_is_not_drawn_where_there_is_nothing_to_do(self, store, capsys):
        store.verify(progress=True)

        assert capsys.readouterr() == ("", "")

    def test_leaves_the_terminal_as_it_was_after_an_interrupt(self, store, saved, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal has it
        monkeypatch.setattr(store._context.raw, "decode", interrupted)

        with pytest.raises(KeyboardInterrupt):
            store.verify(decode=True, progress=True)

        assert re.findall(r"\x1b\[\?25([hl])", capsys.readouterr().err) == ["l", "h"]

    def test_without_rich_is_an_error_before_anything_is_read(self, store, saved, monkeypatch):
        monkeypatch.setitem(sys.modules, "rich.console", None)
        statements = []
        sa.event.listen(store.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

        with pytest.raises(MissingDependencyError, match=r"pip install 'docstore\[rich\]'"):
            store.verify(progress=True)

        assert statements == []


def interrupted(value: object) -> None:
    raise KeyboardInterrupt
