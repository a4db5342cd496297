"""What was: a document at a version, a time or a tag, one place in it, its history, who changed what, differences."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from counting import rows_of

import docstore
from docstore import registry
from docstore.documents.canonical import ABSENT, join_pointer, loads
from docstore.documents.diff.diff import of_documents
from docstore.documents.kinds import kind_named
from docstore.errors import (
    DamagedDocumentError,
    DecodeError,
    DocstoreError,
    DocumentNotFoundError,
    InvalidValueError,
    VersionNotFoundError,
)
from docstore.registry.model_classes import optional_members
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]

pytestmark = pytest.mark.usefixtures("forgotten")


@pytest.fixture
def database(ready):
    return ready.url


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def ada(ready):
    return ready.store(author="ada")


@pytest.fixture
def bob(ready):
    return ready.store(author="bob")


@dataclass
class Dish:
    """A document of a user's own: its courses are parts by index, its guests by name."""

    id: str
    courses: list[str] = field(default_factory=list)
    guests: dict[str, str] = field(default_factory=dict)
    note: str = ""


def declared(*parts):
    """Register ``Dish`` with these parts."""
    docstore.document(kind="dish", name="id", parts=list(parts))(Dish)


def query_of(store, call):
    """What *call* gives, the number of SELECTs that it makes, and of the bodies that they read."""
    selects, paths = [], []

    def note(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("SELECT"):
            selects.append(statement)
        plain = statement.replace("`", "")
        if plain.startswith("SELECT documents.path") and "documents.body" in plain:
            cursor.execute(statement, parameters)
            paths.extend(row[0] for row in cursor.fetchall())

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        given = call()
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)
    return given, len(selects), sorted(paths)


def is_parsed(version):
    """Whether the changes of a version were asked for: the slot is empty before."""
    try:
        return bool(type(version).__dict__["changes"].__get__(version))
    except AttributeError:
        return False


def numbers(versions):
    return [version.number for version in versions]


def as_text(value):
    """The canonical text: 1, 1.0 and True differ in it."""
    return ABSENT if value is ABSENT else docstore.dumps(value)


def member(value, *keys):
    """What stands at these keys, or ABSENT."""
    for key in keys:
        try:
            value = ABSENT if isinstance(value, str) else value[key]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return value


def at_each_version(store, name, pointer, **options):
    """The text of what stands at *pointer* at each version of a document, and now."""
    versions = [*range(1, len(store.history(name, **options)) + 1), None]
    return {version: as_text(got(store, name, pointer, version=version, **options)) for version in versions}


def within_each_version(store, name, *keys, **options):
    """The same by way of the whole document."""
    versions = [*range(1, len(store.history(name, **options)) + 1), None]
    return {version: as_text(member(store.get(name, version=version, **options), *keys)) for version in versions}


def got(store, name, pointer, **options):
    try:
        return store.get(name, pointer=pointer, **options)
    except DecodeError:
        return ABSENT


def break_row(store, table, change, **where):
    """Change a row by raw SQL."""
    reflected = sa.Table(table, sa.MetaData(), autoload_with=store.engine)
    with store.engine.begin() as connection:
        query = reflected.update() if change else reflected.delete()
        for column, value in where.items():
            query = query.where(reflected.c[column] == value)
        connection.execute(query.values(**change) if change else query)


IN_AN_EXPERIMENT = {
    "": (),
    "/trials": ("trials",),
    "/data": ("data",),
    "/trials/0": ("trials", "0"),
    "/trials/2": ("trials", "2"),
    "/data/1": ("data", "1"),
    "/trials/1/status": ("trials", "1", "status"),
    "/trials/0/run_metadata/x~1~0y/~01": ("trials", "0", "run_metadata", "x/~y", "~1"),
    "/trials/1/run_metadata/n/1/k": ("trials", "1", "run_metadata", "n", 1, "k"),
    "/properties/a~1b/~0": ("properties", "a/b", "~"),
    "/properties//1": ("properties", "", 1),
    "/name": ("name",),
    "/trials/9": ("trials", "9"),
    "/trials/0/nothing": ("trials", "0", "nothing"),
    "/nothing": ("nothing",),
}


def six_versions(store):
    """Trials come, change and go; keys with slashes and tildes are in a trial and in the head."""
    experiment = new_experiment(trials=2, properties={"a/b": {"~": 1}, "": [1, 2]})
    store.save(experiment)
    experiment.trials[0].run_metadata["x/~y"] = {"~1": True}
    store.save(experiment)
    add_trial(experiment, 0.5)
    store.save(experiment)
    experiment.description = "rye"
    experiment.properties["a/b"] = {"~": 1.0}
    store.save(experiment)
    del experiment._data[1]
    store.save(experiment)
    experiment.trials[1].run_metadata["n"] = [1, {"k": None}]
    store.save(experiment)


class TestAPlaceInAnExperiment:
    """Six versions: trials come, change and go; keys with slashes and tildes are in a trial and in the head."""

    @pytest.fixture
    def state(self):
        return six_versions

    @pytest.mark.parametrize("pointer", IN_AN_EXPERIMENT, ids=lambda pointer: pointer or "root")
    def test_is_what_stands_there_in_the_whole_document(self, store, pointer):
        expected = within_each_version(store, "cakes", *IN_AN_EXPERIMENT[pointer])

        assert at_each_version(store, "cakes", pointer) == expected

    @pytest.mark.parametrize(("pointer", "path"), [("/trials/2/index", "/trials/2"), ("/description", "")])
    def test_takes_two_statements_and_one_body(self, store, pointer, path):
        _, selects, paths = query_of(store, lambda: store.get("cakes", pointer=pointer))

        assert (selects, paths) == (2, [path])

    def test_of_one_part_at_a_version_reads_what_was_changed_since_too(self, store):
        found, _, paths = query_of(store, lambda: store.get("cakes", pointer="/trials/0/index", version=5))

        assert (found, paths) == (0, ["", "/trials/0", "/trials/1"])

    def test_says_what_is_not_there(self, store):
        with pytest.raises(DecodeError, match="/trials/9"):
            store.get("cakes", pointer="/trials/9")

    @pytest.mark.parametrize("pointer", ["trials", "trials/0"])
    def test_a_text_that_is_no_pointer_is_refused(self, store, pointer):
        with pytest.raises(DecodeError):
            store.get("cakes", pointer=pointer)

    @pytest.mark.parametrize("version", [None, 1, 5])
    def test_a_damaged_part_is_told(self, store, version):
        break_row(store, "documents", {"digest": "0" * 64}, path="/trials/1")

        with pytest.raises(DamagedDocumentError):
            store.get("cakes", pointer="/trials/1/status", version=version)

    @pytest.mark.parametrize("pointer", ["/trials/1", "/trials/1/status", "/trials"])
    def test_a_missing_part_is_reported_where_it_is_looked_for(self, store, pointer):
        break_row(store, "documents", None, path="/trials/1")

        with pytest.raises(DamagedDocumentError):
            store.get("cakes", pointer=pointer, default=None)

    @pytest.mark.parametrize("pointer", ["/trials/0", "/description"])
    def test_a_place_is_read_from_its_own_piece_whatever_became_of_the_others(self, store, pointer):
        expected = store.get("cakes", pointer=pointer)
        break_row(store, "documents", None, path="/trials/1")

        assert store.get("cakes", pointer=pointer) == expected

    def test_a_changed_history_is_told(self, store):
        [change] = store.history("cakes")[0].changes
        forged = json.dumps([{"op": change.op, "path": change.path.replace("/1/", "/0/")}])
        break_row(store, "versions", {"changes": forged}, version=6)

        with pytest.raises(DamagedDocumentError):
            store.get("cakes", pointer="/trials/1/status", version=5)

    @pytest.mark.parametrize("pointer", ["", "/description"])
    def test_a_malformed_change_is_told_though_an_older_one_says_what_was_there(self, store, pointer):
        experiment = store.load("cakes")
        for description in ("wheat", "oat"):
            experiment.description = description
            store.save(experiment)
        break_row(store, "versions", {"changes": '[{"op":"move","path":"/description"}]'}, version=8)

        with pytest.raises(DamagedDocumentError, match="version 8"):
            store.get("cakes", pointer=pointer, version=6)


IN_A_DISH = {
    "/courses": ("courses",),
    "/courses/0": ("courses", 0),
    "/courses/1": ("courses", 1),
    "/courses/2": ("courses", 2),
    "/guests": ("guests",),
    "/guests/a~1b": ("guests", "a/b"),
    "/guests/~0": ("guests", "~"),
    "/note": ("note",),
    "": (),
}


def supper(store):
    """Courses are parts of a list, guests of a dict; then it is laid out anew, and once more."""
    dish = Dish("supper", ["soup", "fish"], {"a/b": "Ann", "~": "Bo"})
    store.save(dish)
    dish.courses.append("cake")
    dish.guests["c"] = "Cy"
    store.save(dish)
    dish.courses[0] = "broth"
    store.save(dish)
    del dish.courses[1:], dish.guests["~"]
    store.save(dish)
    with registry.scope():
        declared("/guests/*")
        again = store.load("supper", kind="dish")
        again.courses.append("cheese")
        store.save(again)
        again.guests["a/b"] = "Abe"
        store.save(again)


class TestAPlaceInADocumentOfOnesOwn:
    """Its courses are parts of a list, its guests of a dict; then it is laid out anew, and once more."""

    @pytest.fixture
    def state(self):
        declared("/courses/*", "/guests/*")
        return supper

    @pytest.mark.parametrize("pointer", IN_A_DISH, ids=lambda pointer: pointer or "root")
    def test_is_what_stands_there_in_the_whole_document(self, store, pointer):
        expected = within_each_version(store, "supper", *IN_A_DISH[pointer], kind="dish")

        assert at_each_version(store, "supper", pointer, kind="dish") == expected

    @pytest.mark.parametrize("pointer", IN_A_DISH, ids=lambda pointer: pointer or "root")
    def test_its_past_is_what_each_version_says(self, store, pointer):
        found = store.blame("supper", pointer, kind="dish")

        assert told(found) == told_by_versions(store, "supper", pointer, kind="dish")


def told(blames):
    """The number, and the texts before and since, of each."""
    return [(each.number, as_text(each.old), as_text(each.new)) for each in blames]


def told_by_versions(store, name, pointer, **options):
    """What ``blame`` says, by the slow way: what stands there in each version."""
    found, before = [], ABSENT
    for number in range(1, len(store.history(name, **options)) + 1):
        now = got(store, name, pointer, version=number, **options)
        if as_text(now) != as_text(before):
            found.append((number, as_text(before), as_text(now)))
        before = now
    return found[::-1]


def five_values(store):
    for value in ({"a": [1, {"b": 2}]}, [1, 2], {"a": [True]}, "text", {"a": [1.0]}):
        store.put("note", "n", value)


class TestAPlaceInANote:
    @pytest.fixture
    def state(self):
        return five_values

    @pytest.mark.parametrize("pointer", ["", "/a", "/a/0", "/a/1/b", "/0", "/1"])
    def test_is_what_stands_there_in_the_whole_note(self, store, pointer):
        keys = [int(key) if key.isdigit() else key for key in pointer.split("/")[1:]]

        assert at_each_version(store, "n", pointer, kind="note") == within_each_version(store, "n", *keys, kind="note")

    @pytest.mark.parametrize("pointer", ["", "/a", "/a/0", "/a/1/b", "/0"])
    def test_its_past_is_what_each_version_says(self, store, pointer):
        assert told(store.blame("n", pointer, kind="note")) == told_by_versions(store, "n", pointer, kind="note")


def three_versions(store):
    """An experiment of three versions, of which the second is tagged; returns when that was saved."""
    experiment = new_experiment()
    made = [store.save(experiment)]
    for text in ("two", "three"):
        experiment.description = text
        made.append(store.save(experiment))
    store.tag("cakes", "best", version=2)
    return made[1].created_at


class TestAVersionIsNamed:
    """An experiment of three versions, of which the second is tagged."""

    @pytest.fixture
    def state(self):
        return three_versions

    @pytest.mark.parametrize("call", ["load", "get"])
    @pytest.mark.parametrize("by", ["version", "at", "tag"])
    def test_by_a_number_a_time_or_a_tag(self, store, ready, call, by):
        options = {"version": 2, "at": ready.made, "tag": "best"}

        found = getattr(store, call)("cakes", **{by: options[by]})

        assert (found["description"] if call == "get" else found.description) == "two"

    @pytest.mark.parametrize("call", ["load", "get"])
    @pytest.mark.parametrize("given", [("version", "at"), ("version", "tag"), ("at", "tag"), ("version", "at", "tag")])
    def test_not_by_several_at_once(self, store, ready, call, given):
        options = {"version": 2, "at": ready.made, "tag": "best"}

        with pytest.raises(InvalidValueError, match="not both"):
            getattr(store, call)("cakes", **{key: options[key] for key in given})

    @pytest.mark.parametrize(
        "call",
        [
            lambda store, when: store.load("cakes", at=when),
            lambda store, when: store.get("cakes", at=when, pointer="/name"),
            lambda store, when: store.diff("cakes", when),
            lambda store, when: store.revert("cakes", when),
            lambda store, when: store.tag("cakes", "t", when),
            lambda store, when: store.branch("cakes", "b", when),
            lambda store, when: store.version("cakes", when),
        ],
        ids=["load", "get", "diff", "revert", "tag", "branch", "version"],
    )
    class TestByATime:
        def test_without_a_zone_is_refused(self, store, call):
            with pytest.raises(InvalidValueError, match="zone"):
                call(store, datetime(2026, 1, 1))

        def test_before_the_first_version_is_refused(self, store, call):
            with pytest.raises(VersionNotFoundError, match="1999-12-31T23:00:00"):
                call(store, datetime(1999, 12, 31, 23, tzinfo=UTC))

    @pytest.mark.parametrize("version", [True, 2.0, "best", datetime(2026, 1, 1, tzinfo=UTC)])
    @pytest.mark.parametrize("call", ["load", "get"])
    def test_by_what_is_no_number_is_told_what_takes_it(self, store, call, version):
        with pytest.raises(InvalidValueError, match="tag= takes a tag, and at= a time"):
            getattr(store, call)("cakes", version=version)

    @pytest.mark.parametrize("call", ["history", "blame", "get"])
    def test_a_pointer_that_is_no_text_is_told(self, store, call):
        with pytest.raises(DecodeError, match="3 is not a pointer"):
            list(getattr(store, call)("cakes", pointer=3))

    def test_alone_with_who_saved_it(self, store, ready):
        assert [store.version("cakes", which) for which in (2, "best", ready.made)] == [store.history("cakes")[1]] * 3
        assert store.version("cakes") == store.history("cakes")[0]

    @pytest.mark.parametrize("version", [0, 4, -1])
    @pytest.mark.parametrize("call", ["diff", "revert", "version"])
    def test_that_is_not_there_is_refused_everywhere(self, store, call, version):
        with pytest.raises(VersionNotFoundError, match="it has 1 to 3"):
            getattr(store, call)("cakes", version)

    @pytest.mark.parametrize("version", [True, 2.0, None, b"best"])
    def test_what_can_name_none_is_refused(self, store, version):
        with pytest.raises(InvalidValueError, match="number, a tag, or a time"):
            store.diff("cakes", version)

    def test_an_unknown_tag_names_those_that_there_are(self, store):
        with pytest.raises(VersionNotFoundError, match="tagged 'worst'; its tags: 'best'"):
            store.load("cakes", tag="worst")


LENGTH = 250


def long_history(store):
    for number in range(LENGTH):
        store.put("note", "n", {"n": number, "even": number % 2 == 0}, author="ada", message=f"the {number + 1}th")


class TestHistory:
    """250 versions: more than are read at once."""

    @pytest.fixture
    def state(self):
        return long_history

    @pytest.fixture
    def history(self, ada):
        return ada.history("n", kind="note")

    def test_has_a_length_for_which_no_version_is_read(self, ada, history):
        length, selects, _ = query_of(ada, lambda: len(history))

        assert (length, selects) == (LENGTH, 0)

    @pytest.mark.parametrize(("index", "number"), [(0, 250), (99, 151), (100, 150), (249, 1), (-1, 1), (-250, 250)])
    def test_gives_each_by_its_index_newest_first(self, ada, history, index, number):
        version, selects, _ = query_of(ada, lambda: history[index])

        assert version.number == number
        assert selects == (0 if number > 150 else 1)

    @pytest.mark.parametrize("index", [250, -251])
    def test_has_no_others(self, history, index):
        with pytest.raises(IndexError):
            history[index]

    @pytest.mark.parametrize(
        "part",
        [
            slice(None, 3),
            slice(98, 103),
            slice(-2, None),
            slice(None, None, 50),
            slice(None, None, -100),
            slice(5, 5),
            slice(9, 2),
            slice(240, 999),
        ],
        ids=str,
    )
    def test_gives_parts_as_a_list_does(self, history, part):
        assert numbers(history[part]) == list(range(LENGTH, 0, -1))[part]

    def test_can_be_gone_through_as_often_as_one_likes(self, history):
        expected = list(range(LENGTH, 0, -1))

        assert numbers(history) == numbers(history) == expected
        assert numbers(reversed(history)) == expected[::-1]

    def test_is_equal_to_a_list_of_the_same(self, ada, history):
        assert history == list(history)
        assert history == ada.history("n", kind="note")
        assert history != list(history)[1:]
        assert history != "n"

    def test_knows_what_is_in_it(self, ada, history):
        assert history[200] in history
        assert ada.put("note", "other", 1) not in history

    def test_reads_a_hundred_at_once_as_far_as_one_looks(self, ada):
        def first_of_the_second_page():
            return next(version for version in ada.history("n", kind="note") if version.number <= 150)

        version, selects, _ = query_of(ada, first_of_the_second_page)

        assert version.number == 150
        assert selects == 3  # the head, and two pages

    def test_parses_the_changes_of_a_version_when_they_are_first_asked_for(self, ada, history):
        """A list that shows who, when and what for needs none."""
        listed = list(history)
        assert all(version.author == "ada" and version.created_at for version in listed)
        assert not any(is_parsed(version) for version in listed)

        assert (listed[1].places, is_parsed(listed[1])) == (("/even", "/n"), True)

    def test_stays_as_it_was_when_it_was_asked_for(self, ada, history):
        versions = iter(history)
        next(versions)

        ada.put("note", "n", "one more")

        assert (len(history), numbers(versions)) == (LENGTH, list(range(LENGTH - 1, 0, -1)))

    @pytest.mark.parametrize("recreated", [False, True])
    def test_of_a_document_that_is_purged_says_so(self, ada, history, recreated):
        versions = iter(history)
        next(versions)

        ada.purge("n", kind="note")
        if recreated:
            ada.put("note", "n", 1)

        with pytest.raises(DocumentNotFoundError, match="purged"):
            list(versions)

    def test_can_be_read_of_a_document_that_is_deleted_meanwhile(self, ada, history):
        ada.delete("n", kind="note")

        assert len(list(history)) == LENGTH

    @pytest.mark.parametrize("change", [None, {"changes": '"none"'}], ids=["missing", "unreadable"])
    def test_a_damaged_version_is_told_when_one_comes_to_it(self, ada, history, change):
        break_row(ada, "versions", change, version=120)
        versions = iter(history)

        assert [next(versions).number for _ in range(100)] == list(range(250, 150, -1))
        with pytest.raises(DamagedDocumentError, match="version 120"):
            next(versions)

    def test_tells_who_when_and_what(self, ada):
        ada.put("note", "n", {"n": 250, "even": True}, message="one more")

        version = ada.history("n", kind="note")[0]

        assert (version.author, version.message, version.places) == ("ada", "one more", ("/even", "/n"))
        assert version.counts == {"add": 0, "remove": 0, "replace": 2}
        assert timedelta(0) <= datetime.now(UTC) - version.created_at < timedelta(minutes=5)
        assert str(version).endswith(", ada, 2 changes: one more")

    class TestOfAPlace:
        def test_has_the_versions_that_changed_it(self, ada):
            ada.put("note", "n", {"n": 7, "even": False})

            found = ada.history("n", kind="note", pointer="/even")

            assert numbers(found) == list(range(250, 0, -1))

        def test_is_read_as_far_as_one_looks(self, ada):
            found = ada.history("n", kind="note", pointer="/n")

            (first, some), selects, _ = query_of(ada, lambda: (found[0], found[:50]))
            (far, _), more, _ = query_of(ada, lambda: (found[150], bool(found)))

            assert (first.number, numbers(some), selects) == (250, list(range(250, 200, -1)), 0)
            assert (far.number, more) == (100, 3)

        def test_is_a_sequence(self, ada):
            found = ada.history("n", kind="note", pointer="/n")

            assert (len(found), found[-1].number, numbers(found[-2:])) == (250, 1, [2, 1])
            assert numbers(found) == numbers(found) == numbers(reversed(found))[::-1]
            assert found == list(found)
            assert found == ada.history("n", kind="note", pointer="/n")
            assert found[7] in found
            with pytest.raises(IndexError):
                found[250]

        def test_of_a_place_that_never_was_is_empty(self, ada):
            found = ada.history("n", kind="note", pointer="/nothing")

            assert (len(found), list(found), bool(found)) == (0, [], False)

        @pytest.mark.parametrize("call", ["history", "blame"])
        def test_a_text_that_is_no_pointer_is_refused_at_once(self, ada, call):
            with pytest.raises(DecodeError):
                getattr(ada, call)("n", pointer="even", kind="note")

        @pytest.mark.parametrize("call", ["history", "blame"])
        def test_damage_is_told_each_time(self, ada, call):
            break_row(ada, "versions", None, version=120)
            found = getattr(ada, call)("n", pointer="/n", kind="note")

            assert found[0].number == 250
            for _ in range(2):
                with pytest.raises(DamagedDocumentError, match="version 120"):
                    len(found)

        def test_of_a_document_that_is_purged_meanwhile_says_so(self, ada):
            found = ada.blame("n", "/n", kind="note")

            ada.purge("n", kind="note")

            with pytest.raises(DocumentNotFoundError, match="purged"):
                len(found)

        def test_what_is_saved_meanwhile_is_not_in_it(self, ada):
            found = ada.blame("n", "/n", kind="note")

            ada.put("note", "n", {"n": -1})

            assert (len(found), found[0].new) == (250, 249)

        def test_versions_that_are_folded_meanwhile_are_not_misread(self, ada):
            """What was read leads to a state that is no longer there."""
            found = ada.blame("n", "/n", kind="note")
            assert found[0].number == 250

            ada.compact("n", keep=20, kind="note")

            with pytest.raises(DocstoreError, match="folded"):
                len(found)


WRITING = {
    "save": lambda store, **who: store.save(changed(store), **who),
    "save_trial": lambda store, **who: store.save_trial(*with_trial(store), **who),
    "save_trials": lambda store, **who: store.save_trials(*with_trials(store), **who),
    "put": lambda store, **who: store.put("note", "n", 1, **who),
    "revert": lambda store, **who: store.revert("cakes", 1, **who),
    "branch": lambda store, **who: store.branch("cakes", "b", **who),
    "merge": lambda store, **who: merged(store, **who),
}


def described(store):
    experiment = new_experiment(trials=1)
    store.save(experiment)
    experiment.description = "two"
    store.save(experiment)


class TestWhoSaidIt:
    """The author is that of the store, unless the call says another."""

    @pytest.fixture
    def state(self):
        return described

    @pytest.mark.parametrize("call", WRITING)
    def test_is_the_stores_author(self, ada, call):
        assert WRITING[call](ada).author == "ada"

    @pytest.mark.parametrize("call", WRITING)
    def test_is_whom_the_call_names(self, ada, call):
        version = WRITING[call](ada, author="Grace", message="by hand")

        assert (version.author, version.message) == ("Grace", "by hand")

    def test_is_the_user_of_the_operating_system_else(self, store, monkeypatch, database, connect):
        monkeypatch.setattr("getpass.getuser", lambda: "linus")

        assert connect(database).put("note", "n", 1).author == "linus"

    def test_of_a_tag_is_kept_too(self, ada):
        ada.tag("cakes", "a")
        ada.tag("cakes", "b", author="Grace")

        table = sa.Table("tags", sa.MetaData(), autoload_with=ada.engine)
        with ada.engine.connect() as connection:
            assert dict(tuple(row) for row in connection.execute(sa.select(table.c.tag, table.c.author))) == {
                "a": "ada",
                "b": "Grace",
            }

    @pytest.mark.parametrize("call", WRITING)
    def test_cannot_be_longer_than_its_column(self, ada, call):
        with pytest.raises(InvalidValueError, match="author"):
            WRITING[call](ada, author="x" * 256)


def changed(store):
    experiment = store.load("cakes")
    experiment.description = "changed"
    return experiment


def with_trial(store):
    experiment = store.load("cakes")
    return experiment, add_trial(experiment)


def with_trials(store):
    experiment, trial = with_trial(store)
    return experiment, [trial]


def merged(store, **who):
    store.branch("cakes", "b")
    branch = store.load("b")
    branch.description = "b"
    store.save(branch)
    return store.merge("b", into="cakes", **who)


PASTS = {
    "made": [{"c": 1}, {"a": {"b": [1]}, "c": 1}],
    "there and back": [{"a": {"b": [1]}}, {"a": {"b": [2]}}, {"a": {"b": [1]}}],
    "removed and put back": [{"a": {"b": [1]}}, {"a": 1}, {}, {"a": {"b": [1]}}],
    "parent replaced": [{"a": {"b": [1, 2]}}, {"a": [9]}, {"a": {"b": [1, 2]}, "c": 0}],
    "items moved": [{"a": {"b": [1, 2, 3]}}, {"a": {"b": [2, 3]}}, {"a": {"b": [0, 2, 3]}}],
    "other types": [{"a": 1}, {"a": True}, {"a": 1.0}, {"a": "1"}],
    "elsewhere": [{"a": {"b": [1]}, "c": n % 3} for n in range(7)],
}


def notes_with_pasts(store):
    for name, values in PASTS.items():
        for value in values:
            store.put("note", name, value)


class TestBlameOfANote:
    """Places that were made, changed, removed and put back."""

    @pytest.fixture
    def state(self):
        return notes_with_pasts

    @pytest.mark.parametrize("pointer", ["/a", "/a/b", "/a/b/0", "/a/b/1", "/c", "", "/nothing", "/a/b/-"])
    @pytest.mark.parametrize("name", PASTS)
    def test_says_what_each_version_says(self, store, pointer, name):
        assert told(store.blame(name, pointer, kind="note")) == told_by_versions(store, name, pointer, kind="note")


def parts_that_come_change_and_go(store):
    experiment = new_experiment(trials=1)
    store.save(experiment)
    add_trial(experiment, 0.5)
    store.save(experiment)
    experiment.trials[1]._status = docstore.TrialStatus.FAILED
    experiment.description = "d"
    store.save(experiment)
    store.revert("cakes", 1)
    store.revert("cakes", 3)


class TestBlameOfAnExperiment:
    """Trials and their data were added, changed, taken away and brought back."""

    @pytest.fixture
    def state(self):
        return parts_that_come_change_and_go

    @pytest.mark.parametrize("pointer", ["", "/trials", "/trials/1", "/trials/1/status", "/data/1", "/description"])
    def test_says_what_each_version_says(self, store, pointer):
        assert told(store.blame("cakes", pointer)) == told_by_versions(store, "cakes", pointer)


class TestBlame:
    """Places that were made, changed, removed and put back."""

    def test_tells_who_changed_a_status(self, ada, bob):
        experiment = new_experiment()
        trial = experiment.new_trial(parameters={"x": 0.5, "flour": "rye"})
        ada.save(experiment, message="planned")
        theirs = bob.load("cakes")
        theirs.trials[0].mark_running(no_runner_required=True)
        bob.save_trial(theirs, theirs.trials[0], message="in the oven")
        assert trial.index == 0

        now, then = ada.blame("cakes", "/trials/0/status")

        assert (now.number, now.author, now.message, now.old, now.new) == (
            2,
            "bob",
            "in the oven",
            "CANDIDATE",
            "RUNNING",
        )
        assert (then.number, then.author, then.old, then.new) == (1, "ada", ABSENT, "CANDIDATE")
        assert now.created_at == ada.history("cakes")[0].created_at

    def test_gives_values_as_get_does(self, store):
        moment = datetime(2026, 11, 25, tzinfo=UTC)
        for value in ({"t": moment}, {"t": (1, 2)}):
            store.put("note", "n", value)

        newest, first = store.blame("n", "/t", kind="note")

        assert (newest.old, newest.new, first.new) == (moment, (1, 2), moment)

    def test_is_as_a_list(self, store):
        for value in (1, 2, 3):
            store.put("note", "n", value)
        blames = store.blame("n", "", kind="note")
        read = list(blames)

        assert (blames[np.int64(1)], blames[-1], blames[::-1]) == (read[1], read[2], read[::-1])
        assert (blames[: 10**30], blames[-2 : 10**30]) == (read, read[1:])
        for index in (3, -4, 10**30, -(10**30)):
            with pytest.raises(IndexError):
                blames[index]
        with pytest.raises(TypeError, match="integer"):
            blames["x"]

    def test_a_value_given_is_the_callers_own(self, store):
        store.put("note", "n", {"a": [1]})
        [blame] = store.blame("n", "/a", kind="note")

        blame.new.append(2)

        assert blame.new == [1]

    def test_reads_one_part_alone(self, store):
        store.save(new_experiment(trials=3))

        _, _, paths = query_of(store, lambda: store.blame("cakes", "/trials/1/status")[0])

        assert paths == ["", "/trials/1"]

    @pytest.mark.parametrize("call", ["blame", "history"])
    def test_reads_the_versions_that_may_have_changed_it_and_no_others(self, store, call):
        experiment = new_experiment(trials=12)
        store.save(experiment)
        for number in range(12):
            experiment.trials[number].run_metadata["n"] = number
            store.save(experiment)

        rows = rows_of(
            store.engine,
            "SELECT versions.id",
            lambda: list(getattr(store, call)("cakes", pointer="/trials/1/run_metadata/n")),
        )

        # Those that changed trial 1, a trial whose number begins with 1, or the whole; and the newest, which proves it.
        assert sorted({row[1] for row in rows}) == [1, 3, 12, 13]

    def test_goes_on_behind_a_version_that_replaced_the_whole(self, store):
        """From there on, the place may have been in any change."""
        for value in ({"a": {"b": 1}}, [{"b": 1}, {"b": 2}], [{"b": 2}], {"a": {"b": 3}, "c": 1}, {"a": {"b": 3}}):
            store.put("note", "n", value)

        found = store.blame("n", "/a/b", kind="note")

        assert [(each.number, each.old, each.new) for each in found] == [(4, ABSENT, 3), (2, 1, ABSENT), (1, ABSENT, 1)]

    @pytest.mark.parametrize("key", ["a%b_c", 'quote"d', "\u00fc\u2603", "a/b~c", "back\\slash", "", "\x01", "x" * 300])
    def test_finds_a_member_of_any_name(self, store, key):
        for number in range(3):
            store.put("note", "n", {key: number, "other": number // 2})

        found = store.blame("n", join_pointer((key,)), kind="note")

        assert [(each.number, each.new) for each in found] == [(3, 2), (2, 1), (1, 0)]

    def test_a_damaged_document_is_told(self, store):
        store.save(new_experiment(trials=2))
        break_row(store, "documents", {"digest": "0" * 64}, path="/trials/1")

        with pytest.raises(DamagedDocumentError):
            store.blame("cakes", "/trials/1/status")

    def test_of_no_document_says_so(self, store):
        with pytest.raises(DocumentNotFoundError):
            store.blame("cakes", "/trials")


def two_pages(store):
    for number in range(150):
        store.put("note", "n", {"n": number}, message="as before")


class TestAVersionThatSqlChanged:
    """Of 150 versions of a note, the chain tells that one is not as it was saved."""

    @pytest.fixture
    def state(self):
        return two_pages

    @pytest.mark.parametrize("change", [{"author": "eve"}, {"message": "another"}, {"digest": "0" * 64}])
    @pytest.mark.parametrize("number", [1, 50, 51, 150])
    @pytest.mark.parametrize("call", [lambda s: s.history("n", kind="note"), lambda s: s.blame("n", "/n", kind="note")])
    def test_is_told_when_one_comes_to_it(self, ada, call, number, change):
        break_row(ada, "versions", change, version=number)

        with pytest.raises(DamagedDocumentError, match=f"version {number}: its row, or the chain"):
            list(call(ada))

    def test_is_told_where_one_looks_at_it_alone(self, ada):
        break_row(ada, "versions", {"author": "eve"}, version=20)

        assert ada.history("n", kind="note")[-19].number == 19
        with pytest.raises(DamagedDocumentError, match="version 20"):
            ada.history("n", kind="note")[-20]

    def test_is_told_in_the_past_of_a_branch(self, ada):
        ada.branch("n", "b", 120, kind="note")
        ada.put("note", "b", 1)
        assert numbers(ada.history("b", kind="note")) == list(range(122, 0, -1))
        ada.purge("n", kind="note")

        break_row(ada, "versions", {"author": "eve"}, version=7)

        with pytest.raises(DamagedDocumentError, match="version 7"):
            list(ada.history("b", kind="note"))

    def test_is_told_with_no_other_statement(self, ada):
        _, selects, _ = query_of(ada, lambda: list(ada.history("n", kind="note")))

        assert selects == 3  # the head, and two pages


def four_versions(store):
    """The first and the last are the same but for a time; returns when the third was saved."""
    experiment = new_experiment()
    made = [store.save(experiment)]
    for text in ("two", "three", None):
        experiment.description = text
        made.append(store.save(experiment))
    store.tag("cakes", "second", version=2)
    return made[2].created_at


class TestDiff:
    """Four versions; the first and the last are the same but for a time."""

    @pytest.fixture
    def state(self):
        return four_versions

    def test_of_one_argument_is_to_the_newest(self, store):
        assert store.diff("cakes", 2) == store.diff("cakes", 2, 4)

    def test_takes_tags_and_times(self, store, ready):
        expected = store.diff("cakes", 2, 3)

        assert store.diff("cakes", "second", ready.made) == expected
        assert str(expected) == "description: two -> three"

    @pytest.mark.parametrize(("a", "b"), [(1, 4), (3, 3), ("second", 2)])
    def test_of_equal_states_is_empty(self, store, a, b):
        found = store.diff("cakes", a, b)

        assert (bool(found), found.patch, str(found)) == (False, (), "no difference")

    @pytest.mark.parametrize(("b", "text"), [(None, "now"), (1, "then"), ("first", "then")])
    def test_to_another_document(self, store, b, text):
        other = new_experiment("pies", description="then")
        store.save(other)
        store.tag("pies", "first")
        other.description = "now"
        store.save(other)

        found = store.diff("cakes", 2, b, other="pies")

        assert f"description: two -> {text}" in found.words
        assert "name: cakes -> pies" in found.words

    def test_reads_the_pieces_that_changed_and_no_others(self, store):
        experiment = store.load("cakes")
        for _ in range(20):
            add_trial(experiment, 0.5)
        store.save(experiment)
        experiment.trials[7].run_metadata["oven"] = 3
        store.save(experiment)

        found, _, paths = query_of(store, lambda: store.diff("cakes", 5))

        assert str(found) == "trial 7: run_metadata/oven 3 added"
        assert paths == ["", "/data/7", "/trials/7"]

    def test_of_a_document_that_sql_changed_says_where(self, store):
        break_row(store, "documents", {"parts_digest": "1:AAAA"}, path="")

        with pytest.raises(DamagedDocumentError, match="parts_digest"):
            store.diff("cakes", 2)

    def test_leads_there_and_back(self, store):
        found = store.diff("cakes", 2, 3)

        assert [dict(step) for step in found.patch] == [{"op": "replace", "path": "/description", "value": "three"}]
        assert [dict(step) for step in found.undo] == [{"op": "replace", "path": "/description", "value": "two"}]

    def test_to_a_document_that_is_not_there_names_it(self, store):
        with pytest.raises(DocumentNotFoundError, match="'pies'"):
            store.diff("cakes", 1, other="pies")

    def test_a_tag_of_one_document_is_none_of_another(self, store):
        store.save(new_experiment("pies"))

        with pytest.raises(VersionNotFoundError, match=r"document 'pies'.*tagged 'second'"):
            store.diff("cakes", 1, "second", other="pies")


def saved_by_two(store):
    """An experiment: trials, data and text changed; a tagged branch; and a dish of parts, which were others once."""
    four_versions(store)
    experiment = store.load("cakes")
    trial = add_trial(experiment, 0.5)
    store.save(experiment)
    experiment.attach_data(
        docstore.Data.from_records(
            [{"trial_index": 0, "arm_name": trial.arms[0].name, "metric_name": "taste", "mean": 0.7}]
        )
    )
    store.save(experiment)
    declared("/courses/*")
    dish = Dish("d", ["soup", "fish"])
    store.save(dish)
    dish.courses.pop(0)
    store.save(dish)
    declared("/courses/*", "/guests/*")
    dish.guests = {"ada": "by the door"}
    store.save(dish)


class TestDiffsOfAllVersions:
    @pytest.fixture
    def state(self):
        return saved_by_two

    @pytest.mark.parametrize(("name", "kind", "newest"), [("cakes", "experiment", 6), ("d", "dish", 3)])
    def test_are_those_of_each_version_and_the_one_before(self, store, name, kind, newest):
        found = list(store.diffs(name, kind=kind))

        assert [version.number for version, _ in found] == list(range(newest, 1, -1))
        for version, diff in found:
            assert version == store.version(name, version.number, kind=kind)
            assert diff == store.diff(name, version.number - 1, version.number, kind=kind)

    @pytest.mark.parametrize(("name", "kind", "newest"), [("cakes", "experiment", 6), ("d", "dish", 3)])
    def test_between_any_two_are_those_of_their_json(self, store, name, kind, newest):
        texts = [store.get_json(name, kind=kind, version=each + 1) for each in range(newest)]

        for a, b in itertools.product(range(newest), repeat=2):
            old, new = loads(texts[a]), loads(texts[b])
            expected = of_documents(kind_named(kind), old, new, optional_members())
            found = store.diff(name, a + 1, b + 1, kind=kind)
            assert (found.patch, found.lines) == (expected.patch, expected.lines), (a, b)

    def test_lead_over_versions_that_were_folded(self, store):
        store.compact("cakes", keep=2)

        found = list(store.diffs("cakes"))

        assert [version.number for version, _ in found] == [6, 5]  # 2 has a tag, and is the oldest now
        assert found[1][1] == store.diff("cakes", 2, 5)

    def test_a_version_that_sql_changed_is_told(self, ada):
        break_row(ada, "versions", {"digest": "0" * 64}, version=4)

        with pytest.raises(DamagedDocumentError, match="version 4"):
            list(ada.diffs("cakes"))

    def test_of_no_document_says_so_at_once(self, store):
        with pytest.raises(DocumentNotFoundError, match="'pie'"):
            store.diffs("pie")


class TestRevert:
    @pytest.mark.parametrize("by", ["number", "tag", "time"])
    def test_makes_an_old_state_the_newest_version(self, store, by):
        experiment = new_experiment(trials=1)
        first = store.save(experiment)
        add_trial(experiment)
        store.save(experiment)
        store.tag("cakes", "good", version=1)

        version = store.revert("cakes", {"number": 1, "tag": "good", "time": first.created_at}[by])

        assert (version.number, version.digest, version.message) == (3, first.digest, "revert to version 1")
        assert numbers(store.history("cakes")) == [3, 2, 1]
        assert store.verify() == []

    def test_of_a_document_named_by_a_large_number(self, store):
        @docstore.document(kind="lot", name="id")
        @dataclass
        class Lot:
            id: int
            n: int = 0

        lot = Lot(2**70)
        store.save(lot)
        lot.n = 1
        store.save(lot)

        store.revert(str(2**70), 1, kind="lot")

        assert store.load(str(2**70), kind="lot") == Lot(2**70)
