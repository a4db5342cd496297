"""What ``verify`` finds: anything in a document or its history that is not as it was saved, by table and place."""

from __future__ import annotations

from hashlib import sha256

import pytest

import docstore
from docstore.errors import DamagedDocumentError, DatabaseError
from docstore.testing.experiments import add_trial, new_experiment


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


@pytest.fixture
def damage(store, saved):
    """Runs SQL on the database behind the store's back."""

    def damage(statement, *parameters):
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql(statement, parameters).rowcount > 0
            connection.commit()

    return damage


def flip(column: str, table: str, where: str) -> str:
    """The SQL that changes the last byte but one of a text, a letter or digit into another."""
    return (
        f"UPDATE {table} SET {column} = substr({column}, 1, length({column}) - 2) || "
        f"CASE substr({column}, -2, 1) WHEN '1' THEN '2' ELSE '1' END || substr({column}, -1) WHERE {where}"
    )


EXPERIMENT = "id = (SELECT id FROM documents WHERE name = 'cakes')"


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
    def test_in_a_body_is_found_there(self, store, damage, path, where):
        damage(flip("body", "documents", f"{EXPERIMENT} AND path = ?"), path)

        assert places(store) == [("cakes", "documents", where)]

    @pytest.mark.parametrize(("path", "where"), [("", "its head"), ("/trials/0", "/trials/0"), ("/data/1", "/data/1")])
    def test_in_a_pieces_digest_is_found_there(self, store, damage, path, where):
        damage(flip("digest", "documents", f"{EXPERIMENT} AND path = ?"), path)

        assert places(store) == [("cakes", "documents", where)]

    @pytest.mark.parametrize("number", [1, 2, 3])
    @pytest.mark.parametrize("column", ["message", "author", "created_at", "chain", "digest"])
    def test_in_a_version_is_found_there(self, store, damage, column, number):
        damage(flip(column, "versions", f"{EXPERIMENT} AND version = ?"), number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_in_the_changes_of_a_version_is_found_there(self, store, damage, number):
        damage(
            f'UPDATE versions SET changes = replace(changes, \'"path":"\', \'"path":"/x\') WHERE {EXPERIMENT} '
            f"AND version = ?",
            number,
        )

        assert ("cakes", "versions", f"version {number}") in places(store)

    def test_in_an_old_value_is_found_in_its_version_and_in_what_cannot_be_rebuilt(self, store, damage):
        damage(f"UPDATE versions SET changes = replace(changes, 'null', '1') WHERE {EXPERIMENT} AND version = 2")

        assert places(store) == [("cakes", "versions", "version 2"), ("cakes", "versions", "version 1")]

    @pytest.mark.parametrize("text", ["", "[", "{}", "[1]", '[{"op":"move","path":"/a"}]', '[{"op":"add"}]'])
    def test_that_leaves_no_changes_at_all_is_found_there(self, store, damage, text):
        damage(f"UPDATE versions SET changes = ? WHERE {EXPERIMENT} AND version = 2", text)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize("text", ["", "x", "2026-99-01 00:00:00", "2026"])
    def test_that_leaves_no_time_of_a_version_is_found_there(self, store, damage, text):
        damage(f"UPDATE versions SET created_at = ? WHERE {EXPERIMENT} AND version = 2", text)

        assert ("cakes", "versions", "version 2") in places(store)

    @pytest.mark.parametrize("column", ["created_at", "updated_at"])
    @pytest.mark.parametrize("text", ["x", "2026-01-01 00:00:00.000000"])
    def test_in_a_time_of_the_document_is_found_at_its_head(self, store, damage, column, text):
        damage(f"UPDATE documents SET {column} = ? WHERE {EXPERIMENT} AND path = ''", text)

        assert places(store) in ([("cakes", "documents", "its head")], [("cakes", "documents", "its rows")])

    def test_in_one_document_is_not_found_in_another(self, store, damage):
        damage(flip("body", "documents", "name = 'n1'"))

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
    def test_is_found(self, store, damage, path, column, where, problem):
        damage(f"UPDATE documents SET {column} = 99 WHERE {EXPERIMENT} AND path = ?", path)

        [found] = store.verify()

        assert (found.table, found.where, found.problem) == ("documents", where, problem)

    def test_is_found_where_a_code_has_another_name(self, store, damage):
        damage("UPDATE codes SET name = 'BREAD' WHERE name = 'CAKE'")

        assert places(store) == [("cakes", "documents", "its head")]

    def test_is_found_where_the_name_is_another(self, store, damage):
        damage("UPDATE documents SET name = 'bread' WHERE name = 'cakes'")

        assert places(store) == [("bread", "documents", "its head")]

    def test_is_found_where_the_version_is_another(self, store, damage):
        damage(f"UPDATE documents SET version = 2 WHERE {EXPERIMENT} AND path = ''")

        assert ("cakes", "versions", "version 3") in places(store)


class TestARowThatIsGone:
    @pytest.mark.parametrize("path", ["/trials/0", "/data/1"])
    def test_of_a_part_is_found_among_the_rows(self, store, damage, path):
        damage(f"DELETE FROM documents WHERE {EXPERIMENT} AND path = ?", path)

        assert places(store) == [("cakes", "documents", "its rows")]

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_of_a_version_is_found_there(self, store, damage, number):
        damage(f"DELETE FROM versions WHERE {EXPERIMENT} AND version = ?", number)

        assert ("cakes", "versions", f"version {number}") in places(store)

    @pytest.mark.parametrize("name", ["cakes", "n1"])
    def test_of_a_head_is_found_by_the_id_that_is_left(self, store, damage, name):
        [info] = store.find(name=name)
        damage("DELETE FROM documents WHERE name = ?", name)

        assert places(store) == [(info.id, "documents", "its head")]

    def test_of_a_whole_history_is_found(self, store, damage):
        damage(f"DELETE FROM versions WHERE {EXPERIMENT}")

        assert {place for _, table, place in places(store) if table == "versions"} == {
            "version 1",
            "version 2",
            "version 3",
        }

    def test_of_a_whole_document_leaves_nothing_that_could_be_found(self, store, damage):
        damage(f"DELETE FROM versions WHERE {EXPERIMENT}")
        damage(f"DELETE FROM documents WHERE {EXPERIMENT}")

        assert places(store) == []


class TestARowThatWasPutIn:
    COLUMNS = "project, kind, model, version, created_at, updated_at, digest, body"

    def test_as_a_part_is_found_among_the_rows(self, store, damage):
        damage(
            f"INSERT INTO documents (id, path, {self.COLUMNS}) SELECT id, '/trials/9', {self.COLUMNS} FROM documents "
            f"WHERE {EXPERIMENT} AND path = '/trials/0'"
        )

        assert places(store) == [("cakes", "documents", "its rows")]

    def test_as_a_part_of_no_document_is_found_by_its_id(self, store, damage):
        damage(
            f"INSERT INTO documents (id, path, {self.COLUMNS}) SELECT 'stray', '/trials/9', {self.COLUMNS} "
            f"FROM documents WHERE {EXPERIMENT} AND path = '/trials/0'"
        )

        assert places(store) == [("stray", "documents", "its head")]

    def test_as_a_version_that_never_was_is_found_there(self, store, damage):
        damage(
            "INSERT INTO versions (id, version, created_at, author, message, changes, digest, chain) "
            f"SELECT id, 4, created_at, author, message, changes, digest, chain FROM versions WHERE {EXPERIMENT} "
            f"AND version = 3"
        )

        assert ("cakes", "versions", "version 4") in places(store)


class TestRowsThatChangedPlaces:
    def test_of_two_versions_are_both_found(self, store, damage):
        for old, new in ((1, 99), (2, 1), (99, 2)):
            damage(f"UPDATE versions SET version = ? WHERE {EXPERIMENT} AND version = ?", new, old)

        assert {("cakes", "versions", f"version {number}") for number in (1, 2)} <= set(places(store))

    def test_of_two_parts_are_found(self, store, damage):
        for old, new in (("/trials/0", "x"), ("/trials/1", "/trials/0"), ("x", "/trials/1")):
            damage(f"UPDATE documents SET path = ? WHERE {EXPERIMENT} AND path = ?", new, old)

        assert places(store) == [("cakes", "documents", "its rows")]

    def test_of_a_part_and_its_older_self_are_found(self, store, damage, saved):
        with store.engine.connect() as connection:
            query = f"SELECT digest, body FROM documents WHERE {EXPERIMENT} AND path = '/trials/0'"
            older = tuple(connection.exec_driver_sql(query).one())
        saved.trials[0].run_metadata["a"] = 1
        store.save(saved)
        damage(f"UPDATE documents SET digest = ?, body = ? WHERE {EXPERIMENT} AND path = '/trials/0'", *older)

        assert ("cakes", "documents", "its rows") in places(store)


class TestADamagedDocument:
    """It is never given for what was saved."""

    @pytest.mark.parametrize("call", ["load", "get"])
    @pytest.mark.parametrize(
        ("statement", "where"),
        [
            (flip("body", "documents", f"{EXPERIMENT} AND path = '/trials/0'"), "/trials/0"),
            (f"UPDATE documents SET body = '{{' WHERE {EXPERIMENT} AND path = '/trials/0'", "/trials/0"),
            (f"UPDATE documents SET body = '' WHERE {EXPERIMENT} AND path = ''", "its head"),
            (f"DELETE FROM documents WHERE {EXPERIMENT} AND path = '/trials/0'", "its rows"),
            (f"DELETE FROM versions WHERE {EXPERIMENT} AND version = 3", "version 3"),
            (flip("digest", "versions", f"{EXPERIMENT} AND version = 3"), "its rows"),
        ],
        ids=["changed", "cut off", "empty", "a part is missing", "its version is missing", "its digest is another"],
    )
    def test_is_not_given(self, store, damage, call, statement, where):
        damage(statement)

        with pytest.raises(DamagedDocumentError, match=r"verify\(\) lists every damaged row") as caught:
            getattr(store, call)("cakes")

        assert (caught.value.name, caught.value.where) == ("cakes", where)

    @pytest.mark.parametrize(
        "statement",
        [
            f"UPDATE versions SET changes = replace(changes, 'null', '1') WHERE {EXPERIMENT} AND version = 2",
            f"UPDATE versions SET changes = replace(changes, '/description', '/x') WHERE {EXPERIMENT} AND version = 2",
            f"DELETE FROM versions WHERE {EXPERIMENT} AND version = 2",
            flip("digest", "versions", f"{EXPERIMENT} AND version = 1"),
        ],
        ids=["an old value", "a path", "a version missing", "its digest"],
    )
    def test_is_not_given_as_it_was(self, store, damage, statement):
        damage(statement)

        with pytest.raises(DamagedDocumentError):
            store.load("cakes", version=1)

    def test_is_given_as_it_is_where_only_its_past_is_damaged(self, store, damage, saved):
        damage(f"UPDATE versions SET changes = '[]' WHERE {EXPERIMENT} AND version = 2")

        assert docstore.dumps(store.load("cakes")) == docstore.dumps(saved)

    @pytest.mark.parametrize("call", ["history", "find"])
    def test_with_a_time_that_is_none_is_an_error_that_says_so(self, store, damage, call):
        damage(f"UPDATE versions SET created_at = 'noon' WHERE {EXPERIMENT}")
        damage(f"UPDATE documents SET created_at = 'noon' WHERE {EXPERIMENT}")

        with pytest.raises(DatabaseError, match=r"the time 'noon' in the database is none. verify\(\) says where"):
            store.history("cakes") if call == "history" else store.find()

    @pytest.mark.parametrize(
        "statement",
        [
            flip("body", "documents", f"{EXPERIMENT} AND path = '/trials/0'"),
            f"UPDATE documents SET body = '1', digest = '{sha256(b'1').hexdigest()}' "
            f"WHERE {EXPERIMENT} AND path = '/trials/0'",
            f"DELETE FROM documents WHERE {EXPERIMENT} AND path = '/trials/0'",
            f"DELETE FROM versions WHERE {EXPERIMENT} AND version = 3",
        ],
        ids=["changed", "changed with its digest", "a part is missing", "its version is missing"],
    )
    @pytest.mark.parametrize("whole", [True, False])
    def test_is_not_saved_over(self, store, damage, saved, statement, whole):
        damage(statement)
        saved.trials[0].run_metadata["a"] = 1

        with pytest.raises(DamagedDocumentError):
            store.save(saved) if whole else store.save_trial(saved, saved.trials[0])

    def test_can_be_purged(self, store, damage):
        damage(f"DELETE FROM versions WHERE {EXPERIMENT}")

        store.purge("cakes")

        assert places(store) == []

    def test_is_told_to_a_person(self, store, damage):
        damage(f"UPDATE documents SET body = replace(body, 'rye', 'spelt') WHERE {EXPERIMENT} AND path = '/trials/0'")

        [line] = map(str, store.verify())

        assert line.startswith("experiment 'cakes': table documents, /trials/0: its ")
