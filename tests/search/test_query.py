"""What a search finds, in which order and by which pages; and what is no question, told with what there is."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, make_dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from typing import Any

import pytest
import sqlalchemy as sa
from counting import statements_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import docstore
from docstore import DocumentInfo, ExperimentStatus, GenerationNode, GenerationStrategy, PartInfo, TrialStatus, q
from docstore.codec import Codec
from docstore.codec.registry import Registry
from docstore.documents.canonical import join_pointer, same_json, value_at_pointer
from docstore.errors import DecodeError, InvalidValueError, UnknownCodeError, short_repr
from docstore.testing.experiments import new_experiment


class Baking(Enum):
    """The types of experiments of a user."""

    BREAD = 1
    CAKE = 2


@pytest.fixture
def shelf(shared_stores, backend):
    """A store with a shelf, which may only be read."""
    with shared_stores.filled(backend, "shelf", fill, experiment_type_enum=Baking) as store:
        yield store


@pytest.fixture
def own_shelf(database, connect):
    """A store with a shelf of the test's own."""
    store = connect(database, experiment_type_enum=Baking)
    fill(store)
    return store


def fill(store: docstore.Store) -> None:
    """Save four experiments, three with trials, a strategy, two notes, two deleted documents, and a note elsewhere."""
    for name, kind, trials, budget in (
        ("bread", Baking.BREAD, 1, 10),
        ("Bread", Baking.BREAD, 0, 20.5),
        ("cake", Baking.CAKE, 2, None),
        ("cake_2", None, 3, "much"),
    ):
        experiment = new_experiment(name, trials=trials, experiment_type=kind, properties={"budget": budget})
        if name == "cake":
            experiment.status = ExperimentStatus.COMPLETED
            experiment.trials[1]._status = TrialStatus.FAILED
        store.save(experiment)
    store.save(GenerationStrategy([GenerationNode("sobol")], "gs", experiment_name="cake"))
    for name in ("n1", "n2", "gone"):
        store.put("note", name, {"budget": len(name)})
    store.save(new_experiment("stale"))
    store.delete("gone", kind="note")
    store.delete("stale")
    docstore.connect(store.engine, project="other").put("note", "elsewhere", 1)


def names(found: Any) -> list[str]:
    return [info.name for info in found]


class TestDocuments:
    """Are found by what they are, and by what stands in them."""

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            ({}, ["Bread", "bread", "cake", "cake_2", "cake", "n1", "n2"]),
            ({"kind": "experiment"}, ["Bread", "bread", "cake", "cake_2"]),
            ({"kind": "analysis_card"}, []),
            ({"name": "cake"}, ["cake", "cake"]),
            ({"name": "CAKE"}, []),
            ({"name": ""}, []),
            ({"name_prefix": "cake"}, ["cake", "cake_2", "cake"]),
            ({"name_prefix": "b"}, ["bread"]),
            ({"name_prefix": "n"}, ["n1", "n2"]),
            ({"name_prefix": ""}, ["Bread", "bread", "cake", "cake_2", "cake", "n1", "n2"]),
            ({"name_prefix": "\U0010ffff"}, []),
            ({"name_prefix": "cake_2\ud7ff"}, []),
            ({"name_like": "%r%a_"}, ["Bread", "bread"]),
            ({"name_like": "b%"}, ["bread"]),
            ({"name_like": r"cake\_%"}, ["cake_2"]),
            ({"name_like": "n_"}, ["n1", "n2"]),
            ({"name_like": ""}, []),
            ({"project": "other"}, ["elsewhere"]),
            ({"project": ["other", "default"], "kind": "note"}, ["elsewhere", "n1", "n2"]),
            ({"project": []}, []),
            ({"kind": "experiment", "type": Baking.BREAD}, ["Bread", "bread"]),
            ({"kind": "experiment", "type": ["CAKE", 1]}, ["Bread", "bread", "cake"]),
            ({"kind": "experiment", "status": {ExperimentStatus.COMPLETED}}, ["cake"]),
            ({"kind": "experiment", "status": ()}, []),
            ({"owner": "cake"}, ["cake"]),
            ({"owner": "bread"}, []),
            ({"model": "user"}, ["n1", "n2"]),
            ({"model": "docstore", "kind": "note"}, []),
            ({"created": (datetime(9000, 1, 1, tzinfo=UTC), None)}, []),
            ({"created": None, "updated": [None, None], "name": "n1"}, ["n1"]),
            ({"deleted": True}, ["stale", "gone"]),
            ({"deleted": True, "kind": "note"}, ["gone"]),
            ({"where": {"/properties/budget": 10.0}}, ["bread"]),
            ({"where": q("/properties/budget") > 10, "kind": "experiment"}, ["Bread"]),
            ({"where": {}, "kind": "note"}, ["n1", "n2"]),
            ({"where": {"/budget": 2}}, ["n1", "n2"]),
            ({"where": q("/nowhere/at/all").exists()}, []),
            ({"where": {"/trials/1/status": TrialStatus.FAILED}, "kind": "experiment"}, ["cake"]),
            ({"where": q("/trials/2").exists(), "kind": "experiment"}, ["cake_2"]),
            ({"kind": "experiment", "name_prefix": "cake", "type": "CAKE", "limit": 5}, ["cake"]),
            ({"kind": "experiment", "limit": 2}, ["Bread", "bread"]),
            ({"limit": 0}, []),
        ],
        ids=str,
    )
    def test_are_found_by(self, shelf, criteria, found):
        assert names(shelf.find(**criteria)) == found

    def test_of_a_kind_need_no_keyword(self, shelf):
        assert names(shelf.find("note")) == ["n1", "n2"]

    def test_of_another_project_are_not_this_ones(self, own_shelf, connect):
        connect(own_shelf.engine.url, project="other").put("note", "n1", 3)

        assert [info.project for info in own_shelf.find("note", name="n1")] == ["default"]
        assert [info.project for info in own_shelf.find("note", name="n1", project="other")] == ["other"]
        both = own_shelf.find("note", name_prefix="n", project=["other", "default"])
        assert [(info.name, info.project) for info in both] == [("n1", "default"), ("n1", "other"), ("n2", "default")]

    def test_of_a_project_that_has_none_are_refused_unless_it_is_this_ones(self, own_shelf, connect):
        past = connect(own_shelf.engine.url, project="past")
        past.put("note", "n1", 3)
        past.delete("n1", kind="note")

        with pytest.raises(InvalidValueError, match=r"'typo'.*Known projects: 'default', 'other', 'past'\.$"):
            own_shelf.find(project=["default", "typo"])

        assert [info.name for info in own_shelf.find(project="past", deleted=True)] == ["n1"]
        assert len(connect(own_shelf.engine.url, project="typo").find(project="typo")) == 0

    def test_that_were_deleted_may_share_a_name(self, store):
        for value in (1, 2):
            store.put("note", "n", value)
            store.delete("n", kind="note")

        assert len(set(store.find("note", deleted=True).page(1))) + store.find("note", deleted=True).count() == 3
        assert {info.id for page in pages(store.find(deleted=True), 1) for info in page} == {
            info.id for info in store.find(deleted=True)
        }

    def test_have_the_owner_that_is_there(self, own_shelf):
        own_shelf.delete("cake")
        own_shelf.save(new_experiment("cake"))

        assert own_shelf.find(owner="cake") == []


class TestParts:
    """Trials are found as documents are, by what they are themselves, and by the document that they are in."""

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            ({}, [("bread", 0), ("cake", 0), ("cake", 1), ("cake_2", 0), ("cake_2", 1), ("cake_2", 2)]),
            ({"kind": "experiment", "name": "cake"}, [("cake", 0), ("cake", 1)]),
            ({"name_like": r"%\__"}, [("cake_2", 0), ("cake_2", 1), ("cake_2", 2)]),
            ({"status": "FAILED"}, [("cake", 1)]),
            ({"status": [TrialStatus.FAILED, TrialStatus.RUNNING]}, [("cake", 1)]),
            ({"where": q("/index") >= 1}, [("cake", 1), ("cake_2", 1), ("cake_2", 2)]),
            ({"where": {"/status": "FAILED"}, "name": "bread"}, []),
            ({"order_by": ["-index", "-name"], "limit": 2}, [("cake_2", 2), ("cake_2", 1)]),
            ({"order_by": "-/index", "name": "cake"}, [("cake", 1), ("cake", 0)]),
            ({"project": "other"}, []),
            ({"deleted": True}, []),
        ],
        ids=str,
    )
    def test_are_found_by(self, shelf, criteria, found):
        assert [(info.name, info.index) for info in shelf.find(part="trial", **criteria)] == found

    def test_tell_what_they_are(self, shelf):
        [info] = shelf.find(part="trial", status="FAILED")
        [owner] = shelf.find("experiment", name="cake")

        assert type(info) is PartInfo
        assert (info.id, info.project, info.document_kind, info.name) == (owner.id, "default", "experiment", "cake")
        assert (info.path, info.index, info.kind, info.status) == ("/trials/1", 1, "trial", "FAILED")
        assert (info.version, info.created_at, info.deleted_at) == (1, owner.created_at, None)

    def test_have_the_times_of_the_versions_that_added_and_changed_them(self, own_shelf):
        cake = own_shelf.load("cake")
        added = own_shelf.save_trial(cake, cake.new_trial()).created_at
        cake.trials[2].run_metadata["oven"] = 1
        changed = own_shelf.save_trial(cake, cake.trials[2]).created_at

        [info] = own_shelf.find(part="trial", name="cake", where={"/index": 2})

        assert (info.created_at, info.updated_at) == (added, changed)
        for times in ({"created": (added, changed)}, {"updated": (changed, None)}, {"order_by": "-updated_at"}):
            assert own_shelf.find(part="trial", name="cake", **times)[0].index == 2, times
        assert own_shelf.find(part="trial", created=(changed, None)).count() == 0
        assert own_shelf.find(part="trial", updated=(added, changed)).count() == 0

    def test_of_a_deleted_document_are_deleted(self, own_shelf):
        own_shelf.delete("cake_2")

        assert own_shelf.find(part="trial").names() == ["bread", "cake"]
        assert {info.name for info in own_shelf.find(part="trial", deleted=True)} == {"cake_2"}

    def test_may_be_named_as_the_field_that_they_stand_in(self, shelf):
        assert shelf.find("experiment", part="trials") == shelf.find(part="trial")

    @pytest.mark.parametrize("part", ["steps", "recipe.steps"])
    def test_of_a_kind_of_ones_own_need_no_class(self, store, part):
        with docstore.registry.scope():
            Recipe = make_dataclass("Recipe", [("name", str), ("steps", dict[str, int])])
            docstore.document(kind="recipe", parts=["/steps/*"])(Recipe)
            store.save(Recipe("soup", {"a": 1, "b": 2}))

        found = list(store.find("recipe", part=part, where=q("") >= 2))

        assert [(info.path, info.index, info.kind) for info in found] == [("/steps/b", None, "recipe.steps")]


def pages(found: Any, size: int) -> list[Any]:
    """Return all pages of *found*, each asked for by the cursor of the one before."""
    read = [found.page(size)]
    while read[-1].cursor is not None:
        read.append(found.page(size, after=read[-1].cursor))
    return read


ORDERS = [
    None,
    "name",
    "-name",
    ["kind", "-name"],
    ["type", "name"],
    ["-type", "-status"],
    ["-updated_at", "id"],
    ["owner", "version", "deleted_at"],
    "/properties/budget",
    ["-/properties/budget"],
    ["/budget", "-kind"],
    "/nowhere",
    "/a\0b",
]


class TestOrderAndPages:
    @pytest.mark.parametrize(
        ("order", "found"),
        [
            ("-name", ["n2", "n1", "cake_2", "cake", "cake", "bread", "Bread"]),
            (["type", "-name"], ["n2", "n1", "cake_2", "cake", "bread", "Bread", "cake"]),
            (["-type", "name"], ["cake", "Bread", "bread", "cake", "cake_2", "n1", "n2"]),
            (["/properties/budget", "-name"], ["n2", "n1", "cake", "cake", "bread", "Bread", "cake_2"]),
            (["-/properties/budget", "name"], ["cake_2", "Bread", "bread", "cake", "cake", "n1", "n2"]),
        ],
        ids=str,
    )
    def test_rows_come_as_asked(self, shelf, order, found):
        assert names(shelf.find(order_by=order)) == found

    @pytest.mark.parametrize("size", [1, 3, 100])
    @pytest.mark.parametrize("order", ORDERS, ids=repr)
    def test_pages_have_every_row_once_in_the_same_order(self, shelf, order, size):
        found = shelf.find(order_by=order)

        read = pages(found, size)

        assert [info for page in read for info in page] == list(found)
        assert [len(page) for page in read[:-1]] == [size] * (len(read) - 1)
        assert read[-1]

    @pytest.mark.parametrize("order", [None, ["-index", "name"], ["/status", "-path"], ["-status", "index"]], ids=repr)
    def test_pages_of_parts_too(self, shelf, order):
        found = shelf.find(part="trial", order_by=order)

        assert [info for page in pages(found, 2) for info in page] == list(found)

    def test_a_limit_is_one_of_all_pages_together(self, shelf):
        assert [names(page) for page in pages(shelf.find(limit=5), 2)] == [
            ["Bread", "bread"],
            ["cake", "cake_2"],
            ["cake"],
        ]

    def test_a_cursor_leads_on_though_rows_before_it_are_gone(self, own_shelf):
        first = own_shelf.find("experiment").page(2)
        own_shelf.delete("Bread")
        own_shelf.delete("bread")
        own_shelf.save(new_experiment("a new one"))

        assert names(own_shelf.find("experiment").page(2, after=first.cursor)) == ["cake", "cake_2"]

    def test_a_cursor_is_a_text_for_a_link(self, shelf):
        assert re.fullmatch(r"[\w-]+", shelf.find(order_by=["-/properties/budget"]).page(1).cursor)

    def test_a_page_is_a_sequence(self, shelf):
        page = shelf.find("note").page(1)

        assert (len(page), names(page), page[0], page[:1]) == (1, ["n1"], page[-1], list(page))
        assert page == shelf.find("note", limit=1) == [page[0]]
        assert "cursor=" in repr(page)

    @pytest.mark.parametrize("cursor", ["", "x", "!", 5, "bnVsbA", "eyJhIjoxfQ", "\ud800", "é"], ids=ascii)
    def test_another_text_is_no_cursor(self, shelf, cursor):
        with pytest.raises(InvalidValueError, match=r"cursor: .* Give the cursor of a page of this very search"):
            shelf.find().page(1, after=cursor)

    def test_a_text_with_values_of_another_type_is_no_cursor(self, shelf):
        cursor = shelf.find("experiment").page(1).cursor
        inside = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        forged = re.sub(rb'"values":\[[^]]*\]', b'"values":[5]', inside)
        assert forged != inside

        with pytest.raises(InvalidValueError, match=r"cursor: .* Give the cursor of a page of this very search"):
            shelf.find("experiment").page(1, after=base64.urlsafe_b64encode(forged).decode().rstrip("="))

    @pytest.mark.parametrize("other", [{"order_by": "-name"}, {"kind": "note"}, {"part": "trial"}], ids=str)
    def test_a_cursor_is_of_one_order(self, shelf, other):
        cursor = shelf.find().page(1).cursor

        with pytest.raises(InvalidValueError, match=r"cursor"):
            shelf.find(**other).page(1, after=cursor)

    @pytest.mark.parametrize("size", [0, -1, True, 1.0, None, "1", 2**80], ids=repr)
    def test_a_page_has_a_size(self, shelf, size):
        with pytest.raises(InvalidValueError, match=r"size: .* Give a whole number from 1 to 2,147,483,647"):
            shelf.find().page(size)


class TestInvalidArguments:
    """Raise an error at the call, which lists what is valid."""

    @pytest.mark.parametrize(
        ("criteria", "message"),
        [
            (
                {"kind": "experimnt"},
                r"'experimnt' .* Known kinds: 'analysis_card', 'experiment', .*'note'",
            ),
            ({"kind": 5}, r"kind: 5 .* Give a text"),
            ({"kind": "experiment", "part": "trail"}, r"part of experiment: 'trail' .* Known parts: 'trial', 'data'"),
            ({"part": "trail"}, r"part: 'trail' .* Known parts: 'trial', 'data'"),
            ({"kind": "note", "part": "trial"}, r"part of note: 'trial' .* have none"),
            ({"kind": "experiment", "status": "RUNING"}, r"'RUNING' .*ExperimentStatus has DRAFT, "),
            ({"part": "trial", "status": ["FAILED", "RUNING"]}, r"'RUNING' .*TrialStatus has CANDIDATE, .*RUNNING"),
            ({"kind": "experiment", "type": "BRAED"}, r"'BRAED' .*Baking has BREAD, CAKE"),
            ({"kind": "experiment", "type": 1.5}, r"type: 1.5 .* Give a member, its name or its integer"),
            ({"kind": "experiment", "type": [True]}, r"type: True"),
            ({"kind": "experiment", "status": b"DRAFT"}, r"status: b'DRAFT'"),
            ({"type": "BREAD"}, r"Say kind='experiment'"),
            ({"part": "data", "status": "FAILED"}, r"status: \['FAILED'\] .* 'data' has none: leave it out"),
            ({"kind": "experiment", "status": 99}, r"experiment_status 99 .* has DRAFT = 0, .*COMPLETED = "),
            ({"kind": "experiment", "status": ["DRAFT", 2**80]}, r"experiment_status '1208925819614629174706176'"),
            ({"kind": "experiment", "status": 10**5000}, r"experiment_status 'an integer of 16610 bits'"),
            ({"part": "trial", "status": 99}, r"trial_status 99 .* TrialStatus has CANDIDATE = "),
            ({"name": 5}, r"name: 5 .* Give a text"),
            ({"name": ["a"]}, r"name: \['a'\] .* Give a text"),
            ({"name_like": "a\\"}, r"like: .* a backslash escapes"),
            ({"project": 5}, r"project: 5 .* several names"),
            ({"project": ["a", None]}, r"project: None"),
            ({"deleted": "yes"}, r"deleted: 'yes' .* True"),
            ({"deleted": None}, r"deleted: None"),
            ({"created": datetime(2026, 1, 1, tzinfo=UTC)}, r"created: .* two times"),
            ({"updated": (None, datetime(2026, 1, 1))}, r"updated_at: .* zone"),
            ({"updated": ("2026", None)}, r"updated_at: '2026'"),
            (
                {"order_by": "nam"},
                r"order_by: 'nam' .* Order rows by id, project, .*deleted_at, or by a pointer",
            ),
            ({"order_by": "-"}, r"order_by: '-'"),
            ({"order_by": [5]}, r"order_by: 5"),
            ({"order_by": 5}, r"order_by: 5"),
            ({"order_by": docstore.q("/a")}, r"order_by: q\('/a'\) .* Give a column or a pointer"),
            ({"order_by": "/a~b"}, r"pointer: '/a~b'"),
            ({"part": "trial", "order_by": "owner"}, r"order_by: 'owner' .* Order rows by id, .*index"),
            ({"limit": -1}, r"limit: -1 .* from 0 to 2,147,483,647"),
            ({"limit": 2**31}, r"limit: 2147483648 .* from 0 to 2,147,483,647"),
            ({"limit": "5"}, r"limit: '5'"),
            ({"limit": True}, r"limit: True"),
            ({"where": "budget > 10"}, r"where: 'budget > 10' .*docstore.q"),
            ({"where": {"budget": 10}}, r"pointer: 'budget'"),
            ({"kind": "experiment", "where": {"/trials": {}}}, r"name a place inside, as in '/trials/0/status'\.$"),
            ({"where": {"/trials": {}}}, r"/trials.*; or say kind= of documents that have no such parts\.$"),
            ({"kind": "experiment", "order_by": "/trials"}, r"/trials"),
        ],
        ids=short_repr,
    )
    def test_are_named(self, shelf, criteria, message):
        with pytest.raises((InvalidValueError, UnknownCodeError), match=message):
            shelf.find(**criteria)


class TestDocumentsOfOneKind:
    """Were laid out otherwise, some of them, by what their class said when they were saved."""

    @pytest.fixture
    def brews(self, store):
        """A store with a document whose steps are in its head, and one whose steps are parts; no class is here."""
        for name, parts in (("whole", ()), ("in parts", ["/steps/*"])):
            with docstore.registry.scope():

                @docstore.document(kind="brew", tag="Brew", parts=parts)
                @dataclass
                class Brew:
                    name: str
                    steps: dict[str, Any]

                store.save(Brew(name, {"mash": {"x": 1}, "boil": {"x": 2}}))
        store.put("brew", "another", {"steps": {"mash": {"x": 5}}})
        return store

    @pytest.fixture(params=[None, (), ["/steps/*"]], ids=["no class", "a class of heads", "a class of parts"])
    def declared(self, request, brews):
        with docstore.registry.scope():
            if request.param is not None:

                @docstore.document(kind="brew", tag="Brew", parts=request.param)
                @dataclass
                class Brew:
                    name: str
                    steps: dict[str, Any]

            yield brews

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ({"/steps/mash/x": 1}, ["in parts", "whole"]),
            (docstore.q("/steps/boil/x") > 1, ["in parts", "whole"]),
            (~(docstore.q("/steps/mash/x") == 1), ["another"]),
            (docstore.q("/steps/mash").exists(), ["another", "in parts", "whole"]),
        ],
    )
    def test_are_all_looked_into(self, declared, where, expected):
        assert names(declared.find("brew", where=where)) == expected

    def test_come_in_order(self, declared):
        assert names(declared.find("brew", order_by=["-/steps/mash/x", "name"])) == ["another", "in parts", "whole"]

    def test_have_parts_some_of_them(self, declared):
        assert names(declared.find("brew", part="steps", where={"/x": 2})) == ["in parts"]

    def test_have_no_place_that_holds_parts(self, declared):
        with pytest.raises(InvalidValueError, match=r"'/steps' has rows of its own: .* as in '/steps/0'\."):
            declared.find("brew", where={"/steps": {}})

    def test_are_looked_through_for_what_there_is_by_one_more_statement_each(self, declared):
        ask = lambda: declared.find("brew", where={"/steps/mash/x": 1})  # noqa: E731
        ask()

        assert len([each for each in statements_of(declared.engine, ask) if "ORDER BY documents.kind" in each]) == 2


class TestNamesOfMembers:
    """A member that was renamed is found by its name as by itself, where the enum is known."""

    @pytest.fixture
    def paints(self, store):
        """A store with a document of a release in which RED was CRIMSON, and one of today; and today's enum."""
        with docstore.registry.scope():

            class Colour(Enum):
                CRIMSON = 1
                GREEN = 2

            docstore.register(Colour, tag="Colour")

            @docstore.document(kind="paint", tag="Paint", type="colour")
            @dataclass
            class Paint:
                name: str
                colour: Colour

            store.save(Paint("old", Colour.CRIMSON))
        with docstore.registry.scope():
            today = Enum("Colour", {"RED": 1, "GREEN": 2, "BLUE": 3})
            docstore.register(today, tag="Colour", aliases={"CRIMSON": "RED"})

            @docstore.document(kind="paint", tag="Paint", type="colour")
            @dataclass
            class Today:
                name: str
                colour: today

            store.save(Today("new", today.RED))
            yield store, today

    @pytest.mark.parametrize("spelled", ["member", "name", "several"])
    def test_are_found_by(self, paints, spelled):
        store, colour = paints
        wanted = {"member": colour.RED, "name": "RED", "several": ["RED", "GREEN"]}[spelled]

        assert names(store.find("paint", type=wanted)) == ["new", "old"]

    def test_that_nothing_has_yet_find_nothing(self, paints):
        assert paints[0].find("paint", type="BLUE") == []

    def test_that_there_are_not_are_told(self, paints):
        with pytest.raises(UnknownCodeError, match=r"'PURPLE'.*Colour has RED, GREEN, BLUE"):
            paints[0].find("paint", type="PURPLE")

    def test_a_type_of_experiments_that_was_renamed(self, database, connect):
        connect(database).save(new_experiment("old", experiment_type="TART"))
        with docstore.registry.scope():
            today = IntEnum("Baking", {"PIE": 1})
            docstore.register(today, aliases={"TART": "PIE"})
            store = connect(database, experiment_type_enum=today)

            assert names(store.find("experiment", type="PIE")) == ["old"]
            assert names(store.find("experiment", type=today.PIE)) == ["old"]


class TestCodes:
    """The integers of types and statuses are read once."""

    def test_are_read_by_the_first_search(self, shelf):
        store = docstore.Store(shelf.engine, experiment_type_enum=Baking)
        ask = lambda: store.find("experiment", type="CAKE", status=["COMPLETED", 0])  # noqa: E731  # asked twice

        assert len(statements_of(store.engine, ask)) == 1
        assert statements_of(store.engine, ask) == []
        assert names(ask()) == ["cake"]

    def test_of_a_member_that_another_saves_later_are_found(self, store, database, connect):
        store.save(new_experiment("first", experiment_type="BREAD"))
        assert store.find("experiment", type="BREAD").count() == 1
        assert store.find("experiment", type="CAKE").count() == 0
        connect(database).save(new_experiment("second", experiment_type="CAKE"))

        assert names(store.find("experiment", type="CAKE")) == ["second"]
        assert names(store.find("experiment", type=["CAKE", "BREAD"])) == ["first", "second"]

    def test_that_a_search_saw_are_checked_by_a_save(self, database, connect):
        connect(database, experiment_type_enum=Baking).save(new_experiment("cake", experiment_type="CAKE"))
        store = connect(database, experiment_type_enum=Enum("Other", {"CAKE": 7}))
        assert names(store.find("experiment", type="CAKE")) == ["cake"]

        with pytest.raises(UnknownCodeError, match=r"gives it 7, and this database has it as 2"):
            store.save(new_experiment("other", experiment_type="CAKE"))


class TestForms:
    """Searches of one form have one statement, and each its own values."""

    def test_have_their_own_values(self, store):
        for name, value in (("int", 1), ("true", True), ("text", "1"), ("list", [1]), ("text_of_list", "[1]")):
            store.put("note", name, {"a": value, "b": name})
        ask = lambda value: names(store.find("note", where={"/a": value}))  # noqa: E731  # asked again and again
        expected = {"int": 1, "true": True, "text": "1", "list": [1], "text_of_list": "[1]"}

        assert {name: ask(value) for name, value in expected.items()} == {name: [name] for name in expected}
        both = store.find("note", where=(q("/a") == 1) | (q("/b") == "text"))
        assert (names(both), both.count(), names(both.page(1)), both.exists()) == (["int", "text"], 2, ["int"], True)
        assert names(both.page(1, after=both.page(1).cursor)) == ["text"]

    def test_are_each_a_select_of_their_own(self, store):
        store.put("note", "x", {"a": "x"})
        store.put("note", "y", {"a": "y"})
        one, other = (store.find("note", where={"/a": text}) for text in "xy")

        with store.engine.connect() as connection:
            union = sa.union_all(one.select().order_by(None), other.select().order_by(None))
            assert sorted(row.name for row in connection.execute(union)) == ["x", "y"]
            assert [row.name for row in connection.execute(sa.text(one.sql().replace(":", "\\:")))] == ["x"]

    @pytest.mark.parametrize("order", ["/a", "-/a", "-owner", "updated_at"])
    def test_go_on_after_what_has_nothing_there(self, store, order):
        for number in range(6):
            store.put("note", f"n{number}", {"a": number} if number % 2 else {})
        found = store.find("note", order_by=order, where=q("").exists())
        pages, cursor = [], None
        while len(pages) < 4:
            page = found.page(2, after=cursor)
            pages += [names(page)]
            cursor = page.cursor
            if cursor is None:
                break

        assert [name for page in pages for name in page] == names(found)
        assert sorted(names(found)) == [f"n{number}" for number in range(6)]


class TestLooking:
    """What was found is a sequence that is read as one looks at it."""

    def test_nothing_is_read_before(self, shelf):
        assert statements_of(shelf.engine, lambda: shelf.find("experiment", where={"/a": 1}, order_by="name")) == []

    @pytest.mark.parametrize(
        ("look", "statements"),
        [
            (list, 1),
            (len, 1),
            (bool, 1),
            (repr, 1),
            (lambda found: found == [], 1),
            (lambda found: (found[0], found[-1], found[1:3], len(found), list(found)), 1),
            (lambda found: found.count(), 1),
            (lambda found: found.exists(), 1),
            (lambda found: found.names(), 1),
            (lambda found: found.first(), 1),
            (lambda found: found.page(2), 1),
            (lambda found: found.select(), 0),
        ],
        ids=["list", "len", "bool", "repr", "==", "again", "count", "exists", "names", "first", "page", "select"],
    )
    def test_takes_a_statement(self, shelf, look, statements):
        found = shelf.find("experiment")

        assert len(statements_of(shelf.engine, look, found)) == statements

    def test_it_is_as_a_list(self, shelf):
        found = shelf.find("experiment")
        read = list(found)

        assert [type(info) for info in read] == [DocumentInfo] * 4
        assert (found == read, found == shelf.find("experiment"), found != read[:1], read == found) == (True,) * 4
        assert (found[0], found[-1], found[1:], found[::-1], found[-2:]) == (
            read[0],
            read[-1],
            read[1:],
            read[::-1],
            read[-2:],
        )
        assert (len(found), bool(found), read[1] in found, found.index(read[2])) == (4, True, True, 2)
        assert repr(found) == repr(read)
        assert found[: 10**30] == read
        for index in (4, -5, 10**30, -(10**30)):
            with pytest.raises(IndexError):
                found[index]
        for index in ("x", 1.0, None):
            with pytest.raises(TypeError, match="integer"):
                found[index]

    @pytest.mark.parametrize(
        ("criteria", "number"), [({}, 4), ({"limit": 3}, 3), ({"limit": 9}, 4), ({"limit": 0}, 0), ({"name": "x"}, 0)]
    )
    def test_it_is_counted(self, shelf, criteria, number):
        found = shelf.find("experiment", **criteria)

        assert (found.count(), found.exists(), len(found.names()), len(found), bool(found)) == (
            number,
            number > 0,
            number,
            number,
            number > 0,
        )
        assert (found.first() is None) == (number == 0)

    def test_names_come_as_the_rows_do(self, shelf):
        for order in (["-type", "-name"], ["/properties/budget", "-type"], ["-type", "-/budget"]):
            assert shelf.find(order_by=order).names() == names(shelf.find(order_by=order))
        assert shelf.find(part="trial", order_by="-name").names() == ["cake_2", "cake", "bread"]

    def test_others_may_save_between_two_pages(self, store):
        for number in range(502):
            store.put("note", f"n{number:03}", 1)
        found = iter(store.find("note"))

        first = next(found)
        store.put("note", "n000", 2)
        store.delete("n501", kind="note")
        store.put("note", "n999", 1)

        assert names([first, *found]) == [*(f"n{number:03}" for number in range(501)), "n999"]
        assert len(statements_of(store.engine, list, store.find("note"))) == 3  # two pages, and how many there are


# --- whatever is asked is data ---------------------------------------------------------------------------------------

TEXTS = [
    "",
    "a",
    "A",
    "'",
    '"',
    "%",
    "_",
    ";",
    "\\",
    "\\%",
    "*",
    "?",
    "[a]",
    "--",
    "/*",
    "\n",
    "é",
    "e\u0301",
    "\U0001f370",
]
UNSAFE = ["\0", "a\0", "\ud800", ":x", "%(x)s", "{}", "~1", "' OR ''='"]
NAMES = [text for text in TEXTS if text]

texts = st.sampled_from([*TEXTS, *UNSAFE]) | st.text(st.sampled_from([*"aA'\"%_;\\*?[]\0\ud800\n"]), max_size=3)
values = st.sampled_from([*TEXTS, *UNSAFE, 1, True, None, 0, False])


def like(pattern: str) -> re.Pattern[str]:
    """The meaning of a pattern, by Python's own."""
    pieces = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    special = {"%": ".*", "_": "."}
    return re.compile("".join(special.get(plain, re.escape(escaped or plain)) for escaped, plain in pieces), re.DOTALL)


def told(value: Any, pointer: str, wanted: Any) -> bool:
    """Whether *wanted* stands at *pointer* in what *value* is stored as."""
    codec = Codec(Registry())
    try:
        return same_json(value_at_pointer(codec.encode(value), pointer), codec.encode(wanted))
    except DecodeError:
        return False


def is_so(name: str, value: Any, criteria: dict[str, Any]) -> bool:
    """Whether a document of this name and value is as asked, by a filter in Python."""
    asked = {
        "name": lambda text: name == text,
        "name_prefix": name.startswith,
        "name_like": lambda text: like(text).fullmatch(name) is not None,
        "project": lambda text: True,
        "model": lambda text: text == "user",
        "owner": lambda text: False,
        "where": lambda pairs: all(told(value, pointer, wanted) for pointer, wanted in pairs.items()),
    }
    return all(asked[field](each) for field, each in criteria.items())


def keys(texts: list[str]) -> str:
    return join_pointer(texts)


criteria = st.fixed_dictionaries(
    {},
    optional={
        "name": texts,
        "name_prefix": texts,
        "name_like": texts,
        "project": st.just("default") | texts,
        "model": st.just("user") | texts,
        "owner": texts,
        "where": st.dictionaries(st.lists(texts, min_size=1, max_size=2).map(keys), values, max_size=2),
    },
)
orders = st.lists(st.lists(texts, min_size=1, max_size=2).map(keys) | st.just("-name"), max_size=2)


VALUES = [{text: other, "b": {text: [other]}} for text, other in zip(NAMES, [*TEXTS, *UNSAFE], strict=False)]


def test_quotes_and_all_else_in_every_argument_are_data(store):
    """A search finds exactly what a filter in Python does; in any order, on any page."""
    documents = dict(zip(NAMES, VALUES, strict=True))
    for name, value in documents.items():
        store.put("note", name, value)

    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(criteria, orders)
    def finds(asked: dict[str, Any], order: list[str]) -> None:
        if asked.get("name_like", "").replace("\\\\", "").endswith("\\"):
            with pytest.raises(InvalidValueError, match="like"):
                store.find("note", **asked)
            return

        if asked.get("project", "default") != "default":
            with pytest.raises(InvalidValueError, match="Known projects: 'default'"):
                store.find("note", **asked)
            return

        found = store.find("note", order_by=order, **asked)

        expected = {name for name, value in documents.items() if is_so(name, value, asked)}
        assert (set(found.names()), found.count(), found.exists()) == (expected, len(expected), bool(expected))
        assert [info.name for page in pages(found, 3) for info in page] == found.names()

    finds()
