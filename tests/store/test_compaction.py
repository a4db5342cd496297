"""What folding old versions promises: those that stay are as they were saved, the others are gone, the chain holds."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from administration import administrator
from backends import REMOTES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import docstore
from docstore import registry
from docstore.documents import canonical, kinds
from docstore.documents.canonical import dumps
from docstore.errors import (
    ConflictError,
    ConnectionLostError,
    DamagedDocumentError,
    DatabaseError,
    DocumentNotFoundError,
    InvalidValueError,
    TooLargeError,
    VersionNotFoundError,
)
from docstore.sql.tables import documents, metadata, names, versions
from docstore.store.compaction import Compacted
from docstore.testing.experiments import add_trial, new_experiment

pytest_plugins = ["ready"]

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"])


# --- what is seen of a store ------------------------------------------------------------------------------------------


def text(store, name="cakes", number=None, kind="experiment"):
    """The canonical text of a document at a version, tagged values and all."""
    with store._context.transactions.reading() as connection:
        _, state = store._context.transactions.state(connection, kind, name, version=number)
    return dumps(kinds.join(state.pieces))


def rows_of(store, *tables):
    """Every row of these tables, or of all."""
    with store.engine.connect() as connection:
        return [
            [row._asdict() for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in tables or metadata.sorted_tables
        ]


def changes_in(store):
    """The text of every change in the database."""
    return [row["changes"] for row in rows_of(store, versions)[0]]


def proved(store, name="cakes", kind="experiment"):
    """Whether the chain can be followed from version 1 to the newest, computed here by its definition."""
    [info] = store.find(name=name, kind=kind)
    history = list(store.history(name, kind=kind))[::-1]
    forks = [
        (version.number, version.parent.id) for version in history if version.parent and version.parent.how == "branch"
    ]
    chain, links = "0" * 64, []
    for version in history:
        saved = version.folded or hashlib.sha256(dumps([each.to_json() for each in version.changes])).hexdigest()
        row = [
            next((id for fork, id in forks if version.number < fork), info.id),
            version.number,
            version.created_at.isoformat(timespec="microseconds"),
            version.author,
            version.message,
            version.digest,
            version.parent.to_json() if version.parent else None,
            saved,
        ]
        chain = hashlib.sha256(chain.encode() + b"\n" + dumps(row)).hexdigest()
        links.append(chain)
    return [version.number for version in history] == [*range(1, len(history) + 1)] and links == [
        version.chain for version in history
    ]


def kept(store, name="cakes", kind="experiment"):
    """The numbers of the versions that the history calls kept, oldest first."""
    return [version.number for version in store.history(name, kind=kind) if version.is_kept][::-1]


# --- what is folded ---------------------------------------------------------------------------------------------------


def nine_versions(store):
    """An experiment: trials come, change and go, and so does what stands in its head. Returns the text of each."""
    experiment, saves = new_experiment("cakes", trials=2), {}

    def save(message=""):
        number = store.save(experiment, message=message).number
        saves[number] = text(store)

    save("first")
    experiment.description = "old and secret"
    save("described")
    add_trial(experiment)
    save("a third")
    experiment.description = "as it is now"
    experiment.properties["numbers"] = [1, 1.0, True, -0.0, 1e300, 2**64, {"a\0b": "\ud800"}]
    save("described otherwise")
    experiment.trials[0].run_metadata["oven"] = "hidden one"
    save("an oven")
    del experiment._trials[1], experiment._data[1]
    save("one less")
    experiment.trials[0].run_metadata["oven"] = "two"
    add_trial(experiment)
    save("another oven, and a trial")
    experiment.trials[0].run_metadata.clear()
    save("no oven")
    experiment.properties["numbers"].reverse()
    save("reversed")
    return saves


@pytest.fixture
def state(request):
    """Nothing, or the nine versions, if a test takes ``saves`` or the experiment."""
    return nine_versions if "saves" in request.fixturenames else None


@pytest.fixture
def database(ready):
    return ready.url


@pytest.fixture
def store(ready):
    return ready.store()


@pytest.fixture
def saves(ready):
    """The text of each version that was saved of the cakes, by number."""
    return ready.made


@pytest.fixture
def cakes(store, saves):
    """The experiment at its ninth version."""
    return store.load("cakes")


def assert_kept(store, saves, numbers, name="cakes", kind="experiment"):
    """Those load as they were saved, each other one raises, the chain holds, and no damage is found."""
    assert kept(store, name, kind) == sorted(numbers)
    for number, saved in saves.items():
        if number in numbers:
            assert text(store, name, number, kind) == saved
        else:
            with pytest.raises(VersionNotFoundError) as caught:
                store.get(name, kind=kind, version=number)
            assert caught.value.is_folded
    assert proved(store, name, kind)
    assert store.verify() == []


class TestKeepingSoMany:
    @pytest.mark.parametrize("keep", range(1, 10))
    def test_keeps_the_newest_as_they_were_saved_and_no_other(self, store, saves, keep):
        store.compact("cakes", keep=keep)

        assert_kept(store, saves, range(10 - keep, 10))

    def test_of_more_than_there_are_changes_nothing(self, store, saves):
        before = rows_of(store)

        assert store.compact("cakes", keep=10) == Compacted("experiment", "cakes", 9, tuple(range(1, 10)), 0, 0)
        assert rows_of(store) == before

    def test_is_told(self, store, saves):
        before = sum(map(len, changes_in(store)))

        compacted = store.compact("cakes", keep=2)

        assert compacted == Compacted("experiment", "cakes", 9, (8, 9), 7, before - sum(map(len, changes_in(store))))
        assert compacted.freed > 0

    def test_that_frees_nothing_says_so(self, store):
        """A merge of what was there already has no changes: their text is shorter than what stands for folded ones."""
        store.put("note", "n", 1)
        store.branch("n", "b", kind="note")
        for number in (2, 3):
            store.put("note", "b", number)
            store.tag("n", f"{number}", store.put("note", "n", number).number, kind="note")
            store.merge("b", "n", kind="note")
        store.put("note", "n", 4)

        compacted = store.compact("n", keep=1, kind="note")

        assert (compacted.kept, compacted.folded, compacted.freed) == ((1, 2, 4, 6), 2, 0)

    @pytest.mark.parametrize("keep", [0, -1, True, False, 1.0, "3", None, timedelta(0), timedelta(days=-1)])
    def test_of_anything_else_is_refused(self, store, saves, keep):
        before = rows_of(store)

        with pytest.raises(InvalidValueError, match=r"keep: .* Give how many .* timedelta\(days=90\)"):
            store.compact("cakes", keep=keep)

        assert rows_of(store) == before

    def test_of_a_document_that_is_not_there_is_told(self, store, saves):
        with pytest.raises(DocumentNotFoundError):
            store.compact("cake", keep=1)

    def test_of_a_document_that_is_deleted_is_told(self, store, saves):
        store.delete("cakes")

        with pytest.raises(DocumentNotFoundError, match="undelete"):
            store.compact("cakes", keep=1)


class TestKeepingForSoLong:
    """The nine versions were saved an hour apart, the last of them half an hour ago."""

    @pytest.fixture(autouse=True)
    def spread(self, store, saves, monkeypatch):
        newest = store.history("cakes")[0].created_at

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return newest + timedelta(minutes=30)

        monkeypatch.setattr("docstore.store.compaction.datetime", Clock)
        chain = "0" * 64
        with store.engine.begin() as connection:
            for version in reversed(store.history("cakes")):
                moment = newest - timedelta(hours=9 - version.number)
                row = connection.execute(sa.select(versions).where(versions.c.version == version.number)).one()
                told = docstore.documents.history.Version(
                    version.number, moment, version.author, version.message, (), version.digest, ""
                )
                chain = docstore.documents.history.chained(chain, row.id, told, row.changes)
                at = versions.c.version == version.number
                connection.execute(versions.update().where(at).values(created_at=moment, chain=chain))
            first = newest - timedelta(hours=8)
            connection.execute(documents.update().where(documents.c.path == "").values(created_at=first))

    @pytest.mark.parametrize(
        ("keep", "first"),
        [
            (timedelta(minutes=1), 9),
            (timedelta(minutes=29), 9),
            (timedelta(minutes=31), 8),
            (timedelta(hours=3), 6),
            (timedelta(hours=8, minutes=29), 1),
            (timedelta(days=90), 1),
            (timedelta.max, 1),
        ],
    )
    def test_keeps_what_was_current_since(self, store, saves, keep, first):
        """Also the version that was current when that time began, and is older itself."""
        store.compact("cakes", keep=keep)

        assert kept(store) == [*range(first, 10)]
        assert proved(store)


class TestTags:
    @pytest.fixture(autouse=True)
    def tagged(self, store, saves):
        store.tag("cakes", "published", 3)
        store.tag("cakes", "again", 3)
        store.tag("cakes", "oven", 6)

    def test_keep_their_versions(self, store, saves):
        store.compact("cakes", keep=1)

        assert_kept(store, saves, {3, 6, 9})
        assert text(store, number=3) == saves[3]
        assert store.tags("cakes") == {"published": 3, "again": 3, "oven": 6}

    def test_that_are_taken_away_let_them_go(self, store, saves):
        store.compact("cakes", keep=1)
        store.untag("cakes", "oven")
        store.untag("cakes", "again")

        store.compact("cakes", keep=1)

        assert_kept(store, saves, {3, 9})

    def test_of_other_documents_keep_nothing(self, store, saves):
        store.put("experiment notes", "cakes", 1)
        store.put("experiment notes", "cakes", 2)
        store.tag("cakes", "second", 2, kind="experiment notes")

        store.compact("cakes", keep=1)

        assert 2 not in kept(store)


class TestBranches:
    """Of version 4 there is a branch, which went on."""

    @pytest.fixture
    def branched(self, store, saves):
        store.branch("cakes", "pies", 4)
        pies = store.load("pies")
        pies.description = "pies"
        store.save(pies)
        return {number: text(store, "pies", number) for number in range(1, 7)}

    def test_keep_the_version_they_began_at(self, store, saves, branched):
        store.compact("cakes", keep=1)

        assert_kept(store, saves, {4, 9})
        assert_kept(store, branched, range(1, 7), "pies")

    def test_are_compacted_by_themselves(self, store, saves, branched):
        store.compact("pies", keep=2)

        assert_kept(store, branched, {5, 6}, "pies")
        assert_kept(store, saves, range(1, 10))

    def test_of_another_project_keep_it_too(self, store, database, connect, saves, branched):
        with store.engine.begin() as connection:
            pies = connection.execute(sa.select(documents.c.id).where(documents.c.name == "pies")).scalar_one()
            for table in (documents, names):
                connection.execute(table.update().where(table.c.id == pies).values(project="theirs"))

        store.compact("cakes", keep=1)

        assert_kept(store, saves, {4, 9})

    def test_stand_for_their_parent_once_that_is_purged(self, store, branched):
        """Two branches of one version: to merge one with the other, a version that both have is needed."""
        store.branch("cakes", "tarts", 4)
        store.purge("cakes")

        store.compact("pies", keep=1)

        assert_kept(store, branched, {4, 6}, "pies")

    def test_keep_nothing_for_themselves(self, store, branched):
        store.purge("cakes")

        store.compact("pies", keep=1)

        assert_kept(store, branched, {6}, "pies")

    def test_keep_nothing_for_one_another_while_their_parent_is_there(self, store, branched):
        store.branch("cakes", "tarts", 4)

        store.compact("pies", keep=1)

        assert_kept(store, branched, {6}, "pies")

    def test_are_whole_once_their_parent_was_purged(self, store, branched):
        store.purge("cakes")

        assert_kept(store, branched, range(1, 7), "pies")

    def test_can_be_made_of_a_compacted_document(self, store, saves, branched):
        store.compact("cakes", keep=2)

        store.branch("cakes", "tarts")

        assert kept(store, "tarts") == [4, 8, 9, 10]
        assert text(store, "tarts", 8) == saves[8]
        assert proved(store, "tarts")


def nine_versions_of_which_four_are_kept(store):
    """Of the nine, the last three, and the second, which is tagged. Returns the text of each, and the log before."""
    saves = nine_versions(store)
    before = list(store.history("cakes"))
    store.tag("cakes", "published", 2)
    store.compact("cakes", keep=3)
    return saves, before


class TestAFoldedVersion:
    """Of the nine, the last three are kept, and the second, which is tagged."""

    @pytest.fixture
    def state(self):
        return nine_versions_of_which_four_are_kept

    @pytest.fixture
    def saves(self, ready):
        return ready.made[0]

    def test_stays_in_the_log(self, store, ready):
        before, after = ready.made[1], store.history("cakes")

        def told(v):
            return v.number, v.created_at, v.author, v.message, v.digest, v.chain, v.parent

        assert [told(version) for version in after] == [told(version) for version in before]
        assert [version.is_kept for version in after] == [True] * 3 + [False] * 4 + [True, False]

    def test_is_called_folded(self, store):
        assert str(store.history("cakes")[3]).endswith("folded: one less")

    @pytest.mark.parametrize("number", [1, 3, 6])
    @pytest.mark.parametrize(
        "call",
        [
            lambda store, number: store.load("cakes", version=number),
            lambda store, number: store.get("cakes", version=number, pointer="/name"),
            lambda store, number: store.load("cakes", at=store.history("cakes")[9 - number].created_at),
            lambda store, number: store.diff("cakes", number, 9),
            lambda store, number: store.diff("cakes", 9, number),
            lambda store, number: store.revert("cakes", number),
            lambda store, number: store.branch("cakes", "pies", number),
            lambda store, number: store.tag("cakes", "late", number),
        ],
        ids=["load", "get", "at", "diff from", "diff to", "revert", "branch", "tag"],
    )
    def test_is_not_found_by(self, store, number, call):
        before = rows_of(store)

        with pytest.raises(VersionNotFoundError, match=f"version {number} was folded by compact") as caught:
            call(store, number)

        assert (caught.value.is_folded, caught.value.wanted) == (True, str(number))
        assert rows_of(store) == before

    def test_leaves_no_old_value_in_the_history(self, store):
        assert not [each for each in changes_in(store) if "hidden one" in each]
        assert [each for each in changes_in(store) if each == "null"] == ["null"] * 5

    def test_is_blamed_with_the_next_that_is_kept(self, store):
        blames = store.blame("cakes", "/description")

        assert [(each.first, each.number, each.old, each.new) for each in blames] == [
            (3, 7, "old and secret", "as it is now"),
            (1, 2, canonical.ABSENT, "old and secret"),
        ]

    def test_is_no_change_of_a_place(self, store):
        assert [version.number for version in store.history("cakes", pointer="/trials/0/run_metadata")] == [8, 7, 2]

    def test_can_be_passed_over_by_a_difference(self, store):
        assert "/description" in {step["path"] for step in store.diff("cakes", 2, 9).patch}

    def test_lets_the_document_go_on(self, store, cakes, saves):
        add_trial(cakes)

        assert store.save(cakes).number == 10
        assert_kept(store, {**saves, 10: text(store)}, {2, 7, 8, 9, 10})

    def test_lets_a_kept_one_be_brought_back(self, store, saves):
        assert store.revert("cakes", 2).number == 10
        assert text(store) == saves[2]
        assert proved(store)


class TestBlameOfFoldedVersions:
    """Ada saved version 1, bob described it in version 2, carl and dora changed what stands elsewhere; 4 is kept."""

    @pytest.fixture
    def described(self, store):
        experiment = new_experiment()
        store.save(experiment, author="ada")
        experiment.description = "dark"
        store.save(experiment, author="bob")
        for author in ("carl", "dora"):
            experiment.properties["by"] = author
            store.save(experiment, author=author)
        return experiment

    def blamed(self, store, pointer="/description"):
        return [(each.first, each.number, each.authors, each.new) for each in store.blame("cakes", pointer)]

    def test_names_everyone_who_may_have_made_the_change(self, store, described):
        store.tag("cakes", "begun", 1)
        store.compact("cakes", keep=1)

        [change, made] = store.blame("cakes", "/description")

        assert (change.first, change.number, change.authors) == (2, 4, ("bob", "carl", "dora"))
        assert (change.author, change.is_exact) == (None, False)
        assert str(change).startswith("None -> 'dark', one of versions 2 to 4, by bob or carl or dora, 2")
        assert (made.first, made.number, made.author, made.is_exact) == (1, 1, "ada", True)

    def test_reaches_back_to_the_first_where_that_was_folded(self, store, described):
        store.compact("cakes", keep=1)

        assert self.blamed(store) == [(1, 4, ("ada", "bob", "carl", "dora"), "dark")]

    def test_names_the_author_where_there_was_only_one(self, store, described):
        store.tag("cakes", "begun", 1)
        store.tag("cakes", "dark", 2)
        described.properties["by"] = "dora again"
        store.save(described, author="dora")
        store.tag("cakes", "by carl", 3)

        store.compact("cakes", keep=1)

        change, *_ = store.blame("cakes", "/properties/by")
        assert (change.first, change.number, change.author, change.is_exact) == (4, 5, "dora", False)
        assert str(change).startswith("'carl' -> 'dora again', one of versions 4 to 5, by dora, 2")

    def test_is_exact_for_versions_that_are_kept(self, store, described):
        store.compact("cakes", keep=3)

        assert self.blamed(store) == [(1, 2, ("ada", "bob"), "dark")]
        assert self.blamed(store, "/properties/by") == [(4, 4, ("dora",), "dora"), (3, 3, ("carl",), "carl")]

    def test_is_told_over_pages_of_the_history(self, store):
        for number in range(250):
            store.put("note", "n", {"n": number}, author=f"a{number // 50}")
        store.compact("n", keep=120, kind="note")

        *_, first = store.blame("n", "/n", kind="note")

        assert (first.first, first.number, first.authors) == (1, 131, ("a0", "a1", "a2"))

    def test_is_told_of_a_copy_that_kept_what_the_source_folded(self, store, described, fresh_database, connect):
        other = connect(fresh_database("sqlite"))
        store.copy_to(other)
        described.description = "light"
        store.save(described, author="eve")
        store.compact("cakes", keep=1)

        store.copy_to(other)

        [change, *_] = other.blame("cakes", "/description")
        assert (change.first, change.number, change.author, change.is_exact) == (5, 5, "eve", True)


class TestCompactingAgain:
    @pytest.fixture(autouse=True)
    def compacted(self, store, saves):
        store.tag("cakes", "published", 3)
        store.compact("cakes", keep=4)

    def test_changes_nothing(self, store):
        before = rows_of(store)

        assert store.compact("cakes", keep=4) == Compacted("experiment", "cakes", 9, (3, 6, 7, 8, 9), 0, 0)
        assert rows_of(store) == before

    def test_to_more_brings_nothing_back(self, store, saves):
        assert store.compact("cakes", keep=9).kept == (3, 6, 7, 8, 9)
        assert_kept(store, saves, {3, 6, 7, 8, 9})

    def test_goes_further(self, store, saves):
        assert store.compact("cakes", keep=2).folded == 2
        assert_kept(store, saves, {3, 8, 9})

    def test_folds_the_oldest_too(self, store, saves):
        store.untag("cakes", "published")

        store.compact("cakes", keep=4)

        assert_kept(store, saves, {6, 7, 8, 9})

    def test_keeps_the_digest_of_what_was_saved_first(self, store):
        before = {version.number: version.folded for version in store.history("cakes")}

        store.compact("cakes", keep=1)

        after = {version.number: version.folded for version in store.history("cakes")}
        assert {number: folded for number, folded in before.items() if folded} == {
            number: after[number] for number in (1, 2, 3, 4, 5, 6)
        }


# --- documents of every sort ------------------------------------------------------------------------------------------


JSON = (
    {"a": 1},
    {"a": 1.0},
    [1, True, 1.0],
    "text",
    None,
    {"steps": {"0": 1}},
    [0.0, {"b": [1, 2, 3]}],
    [-0.0, {"b": [3, 1]}],
    [],
)


def a_note_of_any_json(store):
    return {store.put("note", "n", value).number: dumps(value) for value in JSON}


class TestADocumentOfAnyJson:
    @pytest.fixture
    def state(self):
        return a_note_of_any_json

    @pytest.mark.parametrize("tagged", [(), (1,), (2, 5), (1, 3, 5, 7), (4, 6)])
    def test_is_kept_as_it_was_saved(self, store, saves, tagged):
        for number in tagged:
            store.tag("n", f"t{number}", number, kind="note")

        store.compact("n", keep=1, kind="note")

        assert_kept(store, saves, {*tagged, 9}, "n", "note")


def a_plan_whose_field_of_parts_changes(store):
    """It was a dict, then none, then a list. Returns the text of each version."""
    saves, states = {}, [{"a": 1, "b": 2}, None, ["a", "b", "c"], ["a", "d"], None, {"0": "a"}, None, ["x"]]
    for before, steps in pairwise([None, *states]):
        cls = list[str] if list in (type(before), type(steps)) else dict[str, Any]
        with registry.scope():

            @docstore.document(kind="plan", parts=["/steps/*", "/notes/*"])
            @dataclass
            class Plan:
                name: str
                steps: cls | None = None  # resolved at once
                notes: dict[str, Any] = field(default_factory=dict)

            plan = store.load("p", kind="plan") if saves else Plan("p", notes={"stays": 1})
            plan.steps = steps
            number = store.save(plan).number
            saves[number] = text(store, "p", kind="plan")
    return saves


class TestADocumentWhoseFieldOfPartsChanges:
    """Of two states that differ so, a whole one is kept."""

    @pytest.fixture
    def state(self):
        return a_plan_whose_field_of_parts_changes

    @pytest.mark.parametrize("tagged", [(), (1,), (2,), (1, 3), (3, 6), (4, 6), (1, 2, 5)])
    def test_is_kept_as_it_was_saved(self, store, saves, tagged):
        for number in tagged:
            store.tag("p", f"t{number}", number, kind="plan")

        store.compact("p", keep=1, kind="plan")

        assert_kept(store, saves, {*tagged, 8}, "p", "plan")


def a_plan_of_several_releases(store):
    """Each has other parts. Returns the text of each version."""
    saves = {}
    for turn, parts in enumerate([["/steps/*"], [], ["/notes/*"], ["/steps/*", "/notes/*"]]):
        with registry.scope():

            @docstore.document(kind="plan", parts=parts)
            @dataclass
            class Plan:
                name: str
                steps: list[str] = field(default_factory=list)
                notes: dict[str, Any] = field(default_factory=dict)

            plan = store.load("p", kind="plan") if turn else Plan("p", ["a"], {"n": 0})
            for edit in range(2):
                plan.steps[-1:] = [f"s{turn}", f"e{edit}"]
                plan.notes["n"] = turn
                number = store.save(plan).number
                saves[number] = text(store, "p", kind="plan")
    return saves


class TestADocumentOfSeveralReleases:
    @pytest.fixture
    def state(self):
        return a_plan_of_several_releases

    @pytest.mark.parametrize("tagged", [(), (1, 5), (2, 4, 6), (1, 2, 3, 4, 5, 6, 7)])
    def test_is_kept_as_it_was_saved(self, store, saves, tagged):
        for number in tagged:
            store.tag("p", f"t{number}", number, kind="plan")

        store.compact("p", keep=1, kind="plan")

        assert_kept(store, saves, {*tagged, 8}, "p", "plan")


class TestAVersionOfLess:
    def test_than_the_changes_that_led_to_it_is_kept_in_no_more_room(self, store):
        for number in range(20):
            store.put("note", "n", {"value": f"{number}" * 100, "same": "x" * 1000})
        store.tag("n", "first", 1, kind="note")

        compacted = store.compact("n", keep=1, kind="note")

        assert compacted.freed > 1_500
        assert sum(map(len, changes_in(store))) < 500

    def test_that_came_back_to_what_it_was_has_no_changes(self, store):
        for value in ("a", "b", "a"):
            store.put("note", "n", value)
        store.tag("n", "first", 1, kind="note")

        store.compact("n", keep=1, kind="note")

        assert changes_in(store) == ['[{"op":"add","path":""}]', "null", "[]"]
        assert store.get("n", kind="note", version=1) == "a"


@ON_SQLITE
class TestTooMuchBetweenTwoVersions:
    def test_for_the_database_is_told_and_nothing_is_changed(self, store, database, connect):
        experiment = new_experiment("cakes", trials=3)
        for index in (None, 0, 1, 2):
            for trial in experiment.trials.values():
                trial.run_metadata["text"] = "x" * 60_000 if index is None or trial.index > index else "short"
            store.save(experiment)
        store.tag("cakes", "first", 1)
        before = rows_of(store)
        small = connect(database)
        small.engine.dispose()
        sa.event.listen(small.engine, "connect", lambda c, _: c.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 154_096))

        with pytest.raises(TooLargeError, match="at version 4"):
            small.compact("cakes", keep=1)

        assert rows_of(store) == before


# --- nothing is lost on the way ---------------------------------------------------------------------------------------


class TestAHistoryThatIsDamaged:
    """Folding would destroy the evidence."""

    @pytest.mark.parametrize(
        ("number", "values", "where"),
        [
            (2, {"message": "forged"}, "version 2"),
            (4, {"author": "eve"}, "version 4"),
            (3, {"changes": "[]"}, "version 3"),
            (3, {"changes": "null"}, "version 3"),
            (9, {"changes": "null"}, "version 9"),
            (1, {"changes": "[]"}, "version 1"),
            (5, {"digest": "0" * 64}, "version 5"),
            (5, {"chain": "0" * 64}, "version 6"),
            (6, {"folded": "0" * 64}, "version 6"),
            (3, {"parent": '{"how":"branch","id":"x","version":1}'}, "version 3"),
            (3, {"parent": '{"how":"none"}'}, "version 3"),
            (4, {}, "version 4"),
            (1, {}, "version 1"),
        ],
    )
    def test_is_told_and_left_as_it_is(self, store, saves, number, values, where):
        with store.engine.begin() as connection:
            at = versions.c.version == number
            connection.execute(versions.update().where(at).values(**values) if values else versions.delete().where(at))
        before = rows_of(store)

        with pytest.raises(DamagedDocumentError) as caught:
            store.compact("cakes", keep=2)

        assert (caught.value.name, caught.value.where) == ("cakes", where)
        assert rows_of(store) == before

    @pytest.mark.parametrize("number", [3, 7])
    @pytest.mark.parametrize(
        "changes",
        [
            "[]",
            '[{"op":"add","path":""}]',
            "null",
            "{}",
            '[{"op":"remove","path":"/x","old":1}]',
            '[{"op":"add","path":"/x"}]',
        ],
    )
    def test_where_the_chain_does_not_look_is_found_by_what_is_rebuilt(self, store, saves, number, changes):
        """Of changes that took the place of others, the chain knows nothing."""
        store.tag("cakes", "published", 3)
        store.compact("cakes", keep=3)
        if (number, changes) == (3, '[{"op":"add","path":""}]'):
            changes = '[{"op":"add","path":"/y"}]'  # that is what stands there
        with store.engine.begin() as connection:
            connection.execute(versions.update().where(versions.c.version == number).values(changes=changes))
        before = rows_of(store)

        with pytest.raises(DamagedDocumentError):
            store.compact("cakes", keep=1)

        assert rows_of(store) == before

    def test_in_its_current_state_is_told(self, store, saves):
        with store.engine.begin() as connection:
            connection.execute(documents.update().where(documents.c.path == "/trials/0").values(body='{"a":1}'))

        with pytest.raises(DamagedDocumentError, match="/trials/0"):
            store.compact("cakes", keep=1)

        assert kept(store) == [*range(1, 10)]

    def test_by_a_version_too_many_is_told(self, store, saves):
        row = {**rows_of(store, versions)[0][-1], "version": 10}
        with store.engine.begin() as connection:
            connection.execute(versions.insert(), row)

        with pytest.raises(DamagedDocumentError, match="its column version says 9, and there is a later"):
            store.compact("cakes", keep=1)

    def test_of_another_document_is_no_hindrance(self, store, saves):
        store.put("note", "n", 1)
        with store.engine.begin() as connection:
            other = versions.c.id != sa.select(documents.c.id).where(documents.c.name == "cakes").scalar_subquery()
            connection.execute(versions.update().where(other).values(parent='{"how":"none"}'))

        store.compact("cakes", keep=1)

        assert kept(store) == [9]


class TestAnInterruptedCompaction:
    @pytest.fixture
    def interrupt(self, store):
        """Makes the statement after so many updates of history fail."""

        def interrupt(error, skip):
            left = [skip]

            @sa.event.listens_for(store.engine, "before_cursor_execute", named=True)
            def fail(conn, statement, **other):
                if statement.startswith("UPDATE versions"):
                    left[0] -= 1
                    if left[0] < 0:
                        error(conn)

        return interrupt

    @pytest.mark.parametrize("skip", [0, 1, 2])
    def test_leaves_all_as_it_was_and_can_be_made_again(self, store, saves, interrupt, skip):
        store.tag("cakes", "published", 3)
        store.tag("cakes", "oven", 6)
        before = rows_of(store)

        def ctrl_c(conn):
            raise KeyboardInterrupt

        interrupt(ctrl_c, skip)
        with pytest.raises(KeyboardInterrupt):
            store.compact("cakes", keep=1)

        assert rows_of(store) == before
        store.engine.dispose()

    def test_by_a_connection_that_is_lost_each_time_leaves_all_as_it_was(self, store, saves, interrupt):
        before = rows_of(store)
        interrupt(lambda conn: conn.connection.driver_connection.close(), 0)

        with pytest.raises(DatabaseError):
            store.compact("cakes", keep=1)

        assert rows_of(store) == before


@pytest.mark.parametrize("backend", list(REMOTES))
class TestAConnectionLostToAServer:
    @pytest.fixture
    def kill(self, database):
        with administrator(database) as connection:

            def kill(lost):
                driver = lost.connection.driver_connection
                if lost.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SELECT pg_terminate_backend({driver.info.backend_pid}, 10000)")
                else:
                    connection.exec_driver_sql(f"KILL CONNECTION {driver.thread_id()}")

            yield kill

    def lose(self, store, kill, event, times):
        killed = []

        def lose(connection, *rest):
            if len(killed) < times and (not rest or rest[1].startswith("UPDATE versions")):
                killed.append(connection)
                kill(connection)

        sa.event.listen(store.engine, event, lose)
        return killed

    @pytest.mark.parametrize("event", ["before_cursor_execute", "commit"])
    def test_once_is_not_noticed(self, store, saves, kill, event):
        killed = self.lose(store, kill, event, 1)

        assert store.compact("cakes", keep=2).folded == 7
        assert killed
        assert_kept(store, saves, {8, 9})

    def test_twice_is_told_and_leaves_all_as_it_was(self, store, saves, kill):
        before = rows_of(store)
        killed = self.lose(store, kill, "before_cursor_execute", 2)

        with pytest.raises(ConnectionLostError, match=r"Nothing was changed\.$"):
            store.compact("cakes", keep=2)

        assert len(killed) == 2
        assert rows_of(store) == before


class TestASaveBesideACompaction:
    """It came while the rows of history were written."""

    def test_waits_and_is_not_lost(self, store, database, connect, saves):
        other = connect(database)
        theirs = other.load("cakes")
        add_trial(theirs)
        made = []

        @sa.event.listens_for(store.engine, "before_cursor_execute", named=True)
        def save(statement, **rest):
            if statement.startswith("UPDATE versions") and not made:
                made.append(threading.Thread(target=other.save, args=(theirs,)))
                made[0].start()

        store.compact("cakes", keep=2)
        made[0].join()

        assert_kept(store, {**saves, 10: text(store)}, {8, 9, 10})
        assert len(store.load("cakes").trials) == len(theirs.trials)

    def test_of_many_loses_none(self, store, database, connect, saves):
        """Who stands on a version that was folded since is told so, and does it again."""

        def save(mine, key):
            experiment = mine.load("cakes")
            experiment.properties[key] = True
            mine.save(experiment)

        def save_all(who):
            with docstore.connect(database) as mine:
                for number in range(10):
                    try:
                        save(mine, f"{who} {number}")
                    except (ConflictError, VersionNotFoundError):
                        again.append((who, number))

        again = []
        threads = [threading.Thread(target=save_all, args=(who,)) for who in ("ada", "bob")]
        for thread in threads:
            thread.start()
        for keep in (3, 2, 1) * 3:
            store.compact("cakes", keep=keep)
        for thread in threads:
            thread.join()

        keys = {f"{who} {number}" for who in ("ada", "bob") for number in range(10) if (who, number) not in again}
        assert set(store.load("cakes").properties) == {"numbers", *keys}
        assert proved(store)
        assert store.verify() == []


# --- by any sequence --------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.sampled_from([0, 1, 1.0, -0.0, 0.0, "", "a"]), st.integers(-(2**65), 2**65)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("ab0"), inner, max_size=3),
    max_leaves=8,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), VALUES),
        st.tuples(st.just("trial"), st.none()),
        st.tuples(st.just("edit"), st.integers(0, 3), VALUES),
        st.tuples(st.just("remove"), st.integers(0, 3)),
        st.tuples(st.just("property"), VALUES),
        st.tuples(st.just("revert"), st.integers(1, 9)),
        st.tuples(st.just("tag"), st.sampled_from("ab"), st.integers(1, 9)),
        st.tuples(st.just("untag"), st.sampled_from("ab")),
        st.tuples(st.just("branch"), st.integers(1, 9)),
        st.tuples(st.just("compact"), st.integers(1, 5)),
        st.tuples(st.just("compact"), st.integers(1, 5)),
    ),
    min_size=5,
    max_size=30,
)


class Mapper:
    """What should be found in a store: of each document, the text of each version, and the numbers of those kept."""

    def __init__(self, store):
        self.store = store
        self.saves: dict[tuple[str, str], dict[int, bytes]] = {}
        self.kept: dict[tuple[str, str], set[int]] = {}
        self.parents: dict[tuple[str, str], set[int]] = {}

    def saved(self, kind, name, version):
        saves = self.saves.setdefault((kind, name), {})
        if version.number not in saves:
            saves[version.number] = text(self.store, name, kind=kind)
            self.kept.setdefault((kind, name), set()).add(version.number)

    def compact(self, kind, name, keep):
        of = kind, name
        newest = sorted(self.saves[of])[-keep:]
        named = set(self.store.tags(name, kind=kind).values()) | self.parents.get(of, set())
        before = len(self.kept[of])
        self.kept[of] &= {*newest, *named}
        compacted = self.store.compact(name, kind=kind, keep=keep)
        assert compacted.kept == tuple(sorted(self.kept[of]))
        assert compacted.folded == before - len(self.kept[of])

    def branch(self, kind, name, new_name, number):
        self.store.branch(name, new_name, number, kind=kind)
        self.parents.setdefault((kind, name), set()).add(number)
        self.saves[kind, new_name] = {n: each for n, each in self.saves[kind, name].items() if n <= number}
        self.kept[kind, new_name] = {n for n in self.kept[kind, name] if n <= number}
        self.saved(kind, new_name, self.store.history(new_name, kind=kind)[0])

    def check(self):
        for (kind, name), saves in self.saves.items():
            assert_kept(self.store, saves, self.kept[kind, name], name, kind)


class Editing:
    """Does the steps to one experiment and one note, and to their branches."""

    def __init__(self, store):
        self.store, self.found = store, Mapper(store)
        self.experiment = new_experiment("cakes", trials=1)
        self.found.saved("experiment", "cakes", store.save(self.experiment))
        self.found.saved("note", "n", store.put("note", "n", None))
        self.of, self.branches = [("experiment", "cakes"), ("note", "n")], count()

    def step(self, what, *arguments):
        getattr(self, what)(*arguments)

    def put(self, value):
        self.found.saved("note", "n", self.store.put("note", "n", value))

    def trial(self, _):
        if all(index < self.experiment.num_trials for index in self.experiment.trials):
            add_trial(self.experiment)
        self.save()

    def edit(self, index, value):
        if index in self.experiment.trials:
            self.experiment.trials[index].run_metadata["value"] = value
        self.save()

    def remove(self, index):
        self.experiment._trials.pop(index, None)
        self.experiment._data.pop(index, None)
        self.save()

    def property(self, value):
        self.experiment.properties["value"] = value
        self.save()

    def save(self):
        self.found.saved("experiment", "cakes", self.store.save(self.experiment))

    def revert(self, number):
        for kind, name in self.of[:2]:
            if number in self.found.kept[kind, name]:
                self.found.saved(kind, name, self.store.revert(name, number, kind=kind))
        self.experiment = self.store.load("cakes")

    def tag(self, tag, number):
        for kind, name in self.of:
            if number in self.found.kept[kind, name]:
                self.store.tag(name, tag, number, kind=kind, move=True)

    def untag(self, tag):
        for kind, name in self.of:
            if tag in self.store.tags(name, kind=kind):
                self.store.untag(name, tag, kind=kind)

    def branch(self, number):
        kind, name = self.of[next(self.branches) % 2]
        new_name = f"{name} {len(self.of)}"
        if number in self.found.kept[kind, name]:
            self.found.branch(kind, name, new_name, number)
            self.of.append((kind, new_name))

    def compact(self, keep):
        for kind, name in self.of:
            self.found.compact(kind, name, keep)


def test_what_is_kept_is_what_was_saved_whatever_was_done(backend, database, connect):
    runs, engine = count(), connect(database).engine

    @settings(max_examples={"sqlite": 60}.get(backend, 20), suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(steps=STEPS)
    def whatever(steps):
        editing = Editing(docstore.Store(engine, project=f"run {next(runs)}"))
        for step in steps:
            editing.step(*step)
        editing.compact(2)
        editing.found.check()

    whatever()


# --- nothing is left in the file --------------------------------------------------------------------------------------

MARK = "a secret that nobody is to find again"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lab.db"


@pytest.fixture
def careless(file, connect):
    """A store on a file, by a driver that, as most builds, overwrites what is deleted only if it is told to."""

    def creator():
        connection = sqlite3.connect(file, check_same_thread=False)
        connection.execute("PRAGMA secure_delete = OFF")
        return connection

    return connect(creator=creator)


def their_engine(file):
    """An Engine on the file that a user set up, not to overwrite what is deleted."""
    engine = sa.create_engine(f"sqlite:///{file}")
    sa.event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA secure_delete = OFF"))
    sa.event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA journal_mode = WAL"))
    return engine


def marks(file):
    """How often the mark stands in the bytes of the database and of its log."""
    paths = [path for path in (file, Path(f"{file}-wal")) if path.exists()]
    return sum(path.read_bytes().count(MARK.encode()) for path in paths)


class TestAPurgedDocument:
    """The mark stood in its name, its head, a trial, an old value of the history, a message and a tag."""

    @pytest.fixture
    def marked(self):
        experiment = new_experiment(f"{MARK}: its name", trials=3)
        experiment.description = MARK
        experiment.trials[1].run_metadata["note"] = MARK
        experiment.trials[2].run_metadata["long"] = MARK * 1_000
        return experiment

    def save(self, store, experiment):
        store.save(new_experiment("stays", trials=3))
        store.save(experiment, message=MARK)
        experiment.trials[0].run_metadata["note"] = MARK
        experiment.trials[2].run_metadata["long"] = "short"
        store.save(experiment)
        experiment.trials[0].run_metadata.clear()
        store.save(experiment)
        store.tag(experiment.name, MARK)

    def test_is_nowhere_in_the_file(self, careless, file, marked):
        self.save(careless, marked)
        before = marks(file)

        careless.purge(marked.name)

        assert before > 6
        assert marks(file) == 0
        assert careless.load("stays").name == "stays"

    def test_is_nowhere_in_the_file_though_it_was_deleted_first(self, careless, file, marked):
        self.save(careless, marked)
        careless.delete(marked.name)

        careless.purge(marked.name)

        assert marks(file) == 0

    def test_of_an_engine_that_the_user_set_up_too(self, file, connect, marked):
        """Of what was moved within the file before, its free room held something: so here it was vacuumed."""
        engine = their_engine(file)
        store = connect(engine)
        store.save(marked, message=MARK)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert marks(file) > 900

        store.purge(marked.name)

        assert marks(file) == 0
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 0
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 5_000

    def test_does_not_wait_for_a_reader_without_end(self, careless, file, marked):
        self.save(careless, marked)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            before = reader.execute("SELECT count(*) FROM documents").fetchone()

            careless.purge(marked.name)

            assert reader.execute("SELECT count(*) FROM documents").fetchone() == before
        careless.purge("stays")
        assert marks(file) == 0

    @pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables if table.name != "codes"])
    def test_has_no_row_on_any_backend(self, store, marked, table):
        self.save(store, marked)
        store.purge("stays")

        store.purge(marked.name)

        assert rows_of(store, metadata.tables[table]) == [[]]

    def test_leaves_its_branches_whole(self, store, saves):
        store.branch("cakes", "pies", 4)
        store.compact("pies", keep=3)

        store.purge("cakes")

        assert kept(store, "pies") == [3, 4, 5]
        assert text(store, "pies", 3) == saves[3]
        assert proved(store, "pies")
        assert store.verify() == []


class TestAFoldedValue:
    def test_is_nowhere_in_the_file(self, careless, file):
        experiment = new_experiment("cakes", trials=2)
        careless.save(experiment)
        for value in (MARK, MARK * 1_000, "harmless"):
            experiment.trials[1].run_metadata["note"] = experiment.description = value
            careless.save(experiment)
        assert marks(file) > 900

        careless.compact("cakes", keep=1)

        assert marks(file) == 0

    def test_of_an_engine_that_the_user_set_up_too(self, file, connect):
        """Of what was replaced before, its free room held something: so here it was vacuumed."""
        store = connect(their_engine(file))
        for value in (MARK, MARK * 1_000, "harmless"):
            store.put("note", "n", value)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert marks(file) > 900

        store.compact("n", keep=1, kind="note")

        assert marks(file) == 0

    def test_stays_where_its_version_does(self, careless, file):
        for value in (MARK, "harmless"):
            careless.put("note", "n", value)

        careless.compact("n", keep=2, kind="note")

        assert marks(file) > 0
        assert careless.get("n", kind="note", version=1) == MARK
