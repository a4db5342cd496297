"""A user's own class is a document: with a kind, name, type and status of its own, and parts in rows of their own."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest
import sqlalchemy as sa

import docstore
from docstore import registry
from docstore.documents import kinds
from docstore.errors import (
    ConflictError,
    DamagedDocumentError,
    DocumentNotFoundError,
    InvalidValueError,
    OverwriteWarning,
    RegistryError,
    UnknownTagError,
)
from docstore.sql.tables import documents
from docstore.testing.exact import identity


class Course(Enum):
    SOUP = "s"
    CAKE = "c"


@dataclass
class Step:
    text: str
    minutes: float = 0.0


@dataclass
class Recipe:
    id: str
    category: Course = Course.SOUP
    state: str = "draft"
    steps: list[Step] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    rest: Any = None


def declare(cls: type = Recipe, **options: Any) -> type:
    """Return *cls*, made a document of the kind ``recipe``."""
    usual = {"kind": "recipe", "name": "id", "type": "category", "status": "state", "parts": ["/steps/*", "/notes/*"]}
    return docstore.document(**{**usual, **options})(cls)


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


@pytest.fixture
def store(shared_stores, backend):
    """A store in which nothing is; what is saved there is removed when the test ends."""
    with shared_stores.emptied(backend) as store:
        yield store


@pytest.fixture
def soup():
    declare()
    return Recipe("pea", steps=[Step("cut", 3.0), Step("boil", 40.0), Step("eat")], notes={"by": "Ann", "n": (1, 1.0)})


def rows(store, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of every row, by path."""
    select = sa.select(*(documents.c[column] for column in columns)).order_by(documents.c.path)
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select)]


class TestADocumentOfAUsersClass:
    def test_comes_back_exactly(self, store, soup):
        store.save(soup)

        assert identity(store.load("pea", kind="recipe")) == identity(soup)

    def test_has_the_text_and_digest_of_a_file(self, store, soup):
        version = store.save(soup)

        assert version.digest == docstore.digest(soup)
        assert identity(docstore.loads(docstore.dumps(soup))) == identity(soup)

    def test_says_itself_what_it_is(self, soup):
        written = json.loads(docstore.dumps(soup))

        assert (written["__type"], written["__format"]) == ("Recipe", 1)
        assert written["__document"] == {
            "name": "id",
            "type": "category",
            "status": "state",
            "parts": ["/steps/*", "/notes/*"],
        }

    def test_is_found_by_its_kind_name_type_and_status(self, store, soup):
        store.save(soup)
        store.save(Recipe("plum", Course.CAKE, "done"))

        [found] = store.find(kind="recipe", type=Course.SOUP, status="draft")

        assert (found.name, found.type, found.status, found.model) == ("pea", "SOUP", "draft", "user")
        assert [each.name for each in store.find(kind="recipe", type="CAKE")] == ["plum"]
        assert [each.name for each in store.find(kind="recipe", status=["draft", "done"])] == ["pea", "plum"]
        assert store.find(kind="recipe", type="CAKE", status="draft") == []

    def test_has_a_row_for_each_part(self, store, soup):
        store.save(soup)

        assert rows(store, "path", "kind", "name", "position") == [
            ("", "recipe", "pea", None),
            ("/notes/by", "recipe.notes", None, None),
            ("/notes/n", "recipe.notes", None, None),
            ("/steps/0", "recipe.steps", None, 0),
            ("/steps/1", "recipe.steps", None, 1),
            ("/steps/2", "recipe.steps", None, 2),
        ]

    def test_keeps_its_names_apart_from_those_of_other_kinds(self, store, soup):
        store.save(soup)
        store.put("note", "pea", 1)

        assert store.load("pea", kind="note") == 1
        assert identity(store.load("pea", kind="recipe")) == identity(soup)

    def test_is_not_put_as_a_value(self, store, soup):
        with pytest.raises(InvalidValueError, match="use save"):
            store.put("recipe", "pea", {})

    def test_of_another_name_is_another_document_where_that_is_said(self, store, soup):
        store.save(soup)
        soup.id = "bean"

        store.save(soup, as_new=True)

        assert [found.name for found in store.find(kind="recipe")] == ["bean", "pea"]

    @pytest.mark.parametrize(
        ("annotation", "id", "name"), [(int, 12, "12"), (int, 2**70, str(2**70)), (UUID, UUID(int=7), str(UUID(int=7)))]
    )
    def test_may_be_named_by_a_number_or_a_uuid(self, store, annotation, id, name):
        @docstore.document(kind="run", name="id")
        @dataclass
        class Run:
            id: annotation

        store.save(Run(id))

        assert identity(store.load(name, kind="run")) == identity(Run(id))
        assert store.verify() == []

    @pytest.mark.parametrize("id", ["", "x" * 256, "a\0", None, 1, 1.0, True, UUID(int=7)])
    def test_without_a_name_that_a_column_takes_is_refused(self, store, soup, id):
        soup.id = id

        with pytest.raises(docstore.DocstoreError, match="this recipe needs a name") as caught:
            store.save(soup)

        assert caught.value.pointer == "/id"

    def test_deleted_comes_back(self, store, soup):
        store.save(soup)
        store.delete("pea", kind="recipe")

        with pytest.raises(DocumentNotFoundError, match=r"undelete\('pea', kind='recipe'\)"):
            store.load("pea", kind="recipe")
        store.undelete("pea", kind="recipe")

        assert identity(store.load("pea", kind="recipe")) == identity(soup)

    def test_is_copied_with_its_columns_to_where_its_class_is_unknown(self, store, soup):
        store.save(soup)
        soup.steps.pop()
        soup.state = "done"
        store.save(soup)
        other = docstore.connect("sqlite://")

        with registry.scope():
            registry._registrations._registry = registry.model_registry()
            store.copy_to(other)
            [found] = other.find(kind="recipe", type="SOUP", status="done")

            assert (found.name, found.version) == ("pea", 2)
            assert other.verify() == []
            assert other.get("pea", kind="recipe", version=1, pointer="/steps/2/text") == "eat"
        assert identity(other.load("pea", kind="recipe")) == identity(soup)


class TestAnEditOfSuchADocument:
    def test_writes_the_parts_that_changed_and_nothing_else(self, store, soup):
        store.save(soup)
        soup.steps[1].minutes = 50.0

        version = store.save(soup)

        assert version.places == ("/steps/1/minutes",)
        assert [path for path, number in rows(store, "path", "version") if number == 2] == ["", "/steps/1"]

    def test_of_a_part_alone_does_not_look_at_the_rest(self, store, soup):
        store.save(soup)
        soup.steps[0].minutes, soup.state = 4.0, "done"

        version = store.save_trial(soup, soup.steps[0])

        assert version.places == ("/steps/0/minutes",)
        assert store.get("pea", kind="recipe", pointer="/state") == "draft"

    @pytest.mark.parametrize(
        "edit",
        [
            lambda steps: steps.append(Step("wash")),
            lambda steps: steps.pop(),
            lambda steps: steps.pop(0),
            lambda steps: steps.insert(1, Step("peel")),
            lambda steps: steps.clear(),
            lambda steps: steps.reverse(),
            lambda steps: steps.extend([Step(str(n)) for n in range(12)]),
        ],
        ids=["append", "pop", "pop first", "insert", "clear", "reverse", "extend"],
    )
    def test_of_a_list_is_exact_now_and_before(self, store, soup, edit):
        store.save(soup)
        before = identity(soup)
        edit(soup.steps)

        store.save(soup)

        assert identity(store.load("pea", kind="recipe")) == identity(soup)
        assert identity(store.load("pea", kind="recipe", version=1)) == before
        assert store.verify() == []

    def test_and_back_is_as_it_was(self, store, soup):
        first = store.save(soup)
        soup.steps[:] = [Step("order")]
        soup.notes.clear()
        store.save(soup)

        reverted = store.revert("pea", 1, kind="recipe")

        assert reverted.digest == first.digest
        assert store.find(kind="recipe", type="SOUP", status="draft") != []

    def test_is_told_as_a_patch_and_in_words(self, store, soup):
        store.save(soup)
        soup.steps.append(Step("wash"))
        del soup.notes["by"]
        store.save(soup)

        diff = store.diff("pea", 1, 2, kind="recipe")

        assert diff.words == ("recipe.notes by: removed", "recipe.steps 3: added")
        assert [(step["op"], step["path"]) for step in diff.patch] == [("remove", "/notes/by"), ("add", "/steps/3")]

    def test_that_makes_a_field_none_and_a_list_again_is_exact(self, store):
        @docstore.document(kind="plan", parts=["/steps/*"])
        @dataclass
        class Plan:
            name: str
            steps: list[Step] | None = None

        plan, states = Plan("p"), []
        for steps in (None, [Step("a"), Step("b")], [], [Step("c")], None):
            plan.steps = steps
            store.save(plan)
            states.append(identity(plan))

        assert [identity(store.load("p", kind="plan", version=n)) for n in range(1, 6)] == states
        assert store.verify() == []


class TestTwoPeopleEditOneSuchDocument:
    @pytest.fixture
    def readers(self, store, soup):
        store.save(soup)
        return store.load("pea", kind="recipe"), store.load("pea", kind="recipe")

    def test_in_different_parts_and_both_are_kept(self, store, readers):
        mine, theirs = readers
        step = mine.steps[1]
        theirs.steps[1].minutes = 41.0
        theirs.notes["c"] = "d"
        store.save(theirs)
        mine.steps[0].minutes = 5.0

        store.save(mine)

        assert [each.minutes for each in mine.steps] == [5.0, 41.0, 0.0]
        assert mine.steps[1] is step
        assert identity(store.load("pea", kind="recipe")) == identity(mine)

    def test_one_makes_the_list_longer_and_the_other_changes_an_item(self, store, readers):
        mine, theirs = readers
        theirs.steps += [Step("wash"), Step("dry")]
        store.save(theirs)
        mine.steps[0].minutes = 5.0

        store.save(mine)

        assert [each.text for each in mine.steps] == ["cut", "boil", "eat", "wash", "dry"]
        assert store.verify() == []

    def test_both_add_an_item_and_are_told_where(self, store, readers):
        mine, theirs = readers
        theirs.steps.append(Step("wash"))
        store.save(theirs)
        mine.steps.append(Step("sleep"))

        with pytest.raises(ConflictError, match=r"load\('pea', kind='recipe'\)") as caught:
            store.save(mine)

        assert [place.pointer for place in caught.value.places] == ["/steps/3"]

    def test_one_makes_the_list_shorter_than_where_the_other_adds_and_is_told(self, store, readers):
        mine, theirs = readers
        theirs.steps.pop()
        store.save(theirs)
        mine.steps.append(Step("sleep"))

        with pytest.raises(ConflictError, match="both changed /steps"):
            store.save(mine)

        assert identity(store.load("pea", kind="recipe")) == identity(theirs)

    def test_both_make_the_list_shorter_and_agree(self, store, readers):
        mine, theirs = readers
        theirs.steps.pop()
        store.save(theirs)
        mine.steps.pop()
        mine.state = "done"

        store.save(mine)

        assert [each.text for each in mine.steps] == ["cut", "boil"]
        assert identity(store.load("pea", kind="recipe")) == identity(mine)

    def test_a_part_saved_before_the_ones_in_front_of_it_is_refused(self, store, soup):
        store.save(soup)
        soup.steps += [Step("wash"), Step("dry")]

        with pytest.raises(ConflictError, match="would lack the item /steps/3"):
            store.save_trial(soup, soup.steps[4])


class TestADocumentWithAMethodThatIsNamedLikeAHook:
    def test_has_it_not_called_by_a_merge(self, store):
        called: list[str] = []

        @docstore.document(kind="plan", name="id")
        @dataclass
        class Plan:
            id: str
            here: int = 0
            there: int = 0

            def _restored(self) -> None:
                called.append("restored")

            def _check_merged(self) -> None:
                called.append("merged")

        store.save(Plan("p"))
        mine, theirs = store.load("p", kind="plan"), store.load("p", kind="plan")
        mine.here, theirs.there = 1, 2
        store.save(theirs)

        store.save(mine)

        assert store.load("p", kind="plan") == mine == Plan("p", 1, 2)
        assert called == []


class TestAReleaseWithOtherParts:
    """The stored document says which pieces are its parts: each release lays it out in its own way."""

    LAYOUTS = ([], ["/steps/*"], ["/notes/*"], ["/steps/*", "/notes/*"])

    @pytest.mark.parametrize("before", LAYOUTS, ids=str)
    @pytest.mark.parametrize("after", LAYOUTS, ids=str)
    def test_loads_it_and_saves_it_as_its_own(self, store, before, after):
        soup = Recipe("pea", steps=[Step("cut"), Step("boil")], notes={"by": "Ann", "no": None})
        with registry.scope():
            declare(parts=before)
            store.save(soup)
        declare(parts=after)
        loaded = store.load("pea", kind="recipe")
        assert identity(loaded) == identity(soup)
        loaded.steps.append(Step("eat"))
        loaded.notes["by"] = "Bob"

        store.save(loaded)

        assert identity(store.load("pea", kind="recipe")) == identity(loaded)
        assert identity(store.load("pea", kind="recipe", version=1)) == identity(soup)
        assert store.verify() == []
        assert store.history("pea", kind="recipe")[0].digest == docstore.digest(loaded)

    def test_is_told_in_words_what_else_changed(self, store):
        soup = Recipe("pea", steps=[Step("cut")])
        with registry.scope():
            declare(parts=[])
            store.save(soup)
        declare(parts=["/steps/*"])
        loaded = store.load("pea", kind="recipe")
        loaded.state = "done"
        store.save(loaded)

        diff = store.diff("pea", 1, 2, kind="recipe")

        assert "state: draft -> done" in diff.words
        assert not any(word.startswith("steps") for word in diff.words)

    def test_does_not_save_a_part_alone_into_the_old_layout(self, store):
        with registry.scope():
            declare(parts=[])
            store.save(Recipe("pea", steps=[Step("cut")]))
        declare(parts=["/steps/*"])
        loaded = store.load("pea", kind="recipe")

        with pytest.raises(ConflictError, match="its parts are stored otherwise"):
            store.save_trial(loaded, loaded.steps[0])

    def test_meets_another_writer_and_is_told(self, store):
        soup = Recipe("pea", steps=[Step("cut")])
        with registry.scope():
            declare(parts=[])
            store.save(soup)
            theirs = store.load("pea", kind="recipe")
        with registry.scope():
            declare(parts=["/steps/*"])
            mine = store.load("pea", kind="recipe")
        with registry.scope():
            declare(parts=[])
            theirs.state = "theirs"
            store.save(theirs)
        declare(parts=["/steps/*"])
        mine.category = Course.CAKE

        with pytest.raises(ConflictError, match="its parts are stored otherwise"):
            store.save(mine)
        with pytest.warns(OverwriteWarning):
            store.save(mine, on_conflict="overwrite")

        assert identity(store.load("pea", kind="recipe")) == identity(mine)
        assert store.verify() == []

    def test_and_back_again_meets_another_writer_and_is_told(self, store):
        """Piece by piece, what they began with and what is there now cannot be compared."""
        store_as = {}
        for name, parts in (("one", []), ("other", ["/steps/*"])):
            with registry.scope():
                declare(parts=parts)
                store_as[name] = registry.registered()
        with registry.scope():
            registry._registrations._registry = store_as["other"]
            store.save(Recipe("pea", steps=[Step("cut"), Step("boil")]))
            mine, theirs = store.load("pea", kind="recipe"), store.load("pea", kind="recipe")
            registry._registrations._registry = store_as["one"]
            theirs.state = "flat"
            store.save(theirs)
            registry._registrations._registry = store_as["other"]
            theirs.state = "parted"
            store.save(theirs)
            mine.category = Course.CAKE

            with pytest.raises(ConflictError, match="its parts are stored otherwise"):
                store.save(mine)

            assert identity(store.load("pea", kind="recipe")) == identity(theirs)


class TestAStoreThatDoesNotKnowTheClass:
    @pytest.fixture
    def stored(self, store):
        with registry.scope():
            declare()
            soup = Recipe("pea", steps=[Step("cut"), Step("boil")])
            store.save(soup)
            soup.steps.pop()
            store.save(soup)
        return store

    def test_says_what_to_register(self, stored):
        with pytest.raises(UnknownTagError, match="'Recipe'"):
            stored.load("pea", kind="recipe")

    def test_reads_the_json_of_every_version(self, stored):
        assert stored.get("pea", kind="recipe", pointer="/steps") == [{"__type": "Step", "minutes": 0.0, "text": "cut"}]
        assert stored.get("pea", kind="recipe", version=1, pointer="/steps/1/text") == "boil"

    def test_finds_verifies_compares_and_reverts(self, stored):
        assert [found.name for found in stored.find(kind="recipe", type="SOUP", status="draft")] == ["pea"]
        assert stored.verify() == []
        assert stored.diff("pea", 1, 2, kind="recipe").words == ("recipe.steps 1: removed",)
        assert stored.revert("pea", 1, kind="recipe").number == 3
        assert [found.version for found in stored.find(kind="recipe", type="SOUP")] == [3]

    def test_keeps_it_unread(self, stored):
        kept = stored.load("pea", kind="recipe", unknown="keep")

        assert (type(kept), kept.tag, kept.id) == (docstore.UnknownObject, "Recipe", "pea")


class TestADocumentThatHoldsAnUnknownClass:
    @pytest.fixture
    def stored(self, store):
        with registry.scope():

            @docstore.register(tag="Secret")
            @dataclass
            class Secret:
                payload: Any

            declare()
            store.save(Recipe("pea", rest=[Secret({"a": (1, 1.0, -0.0), "b": {1: 2}})], notes={"s": Secret("x")}))
        declare()
        return store

    def test_is_refused_with_the_place(self, stored):
        with pytest.raises(UnknownTagError) as caught:
            stored.load("pea", kind="recipe")

        assert caught.value.tag == "Secret"

    def test_is_kept_edited_and_saved_with_the_same_bytes(self, stored):
        before = dict(rows(stored, "path", "body"))
        kept = stored.load("pea", kind="recipe", unknown="keep")
        kept.state = "done"

        version = stored.save(kept)

        assert version.places == ("/state",)
        after = dict(rows(stored, "path", "body"))
        assert after["/notes/s"] == before["/notes/s"]
        assert after[""] == before[""].replace('"draft"', '"done"')

    def test_takes_on_what_others_saved_unread_too(self, stored):
        mine = stored.load("pea", kind="recipe", unknown="keep")
        theirs = stored.load("pea", kind="recipe", unknown="keep")
        theirs.notes["t"] = theirs.notes["s"]
        stored.save(theirs)
        mine.state = "done"

        stored.save(mine)

        assert mine.notes["t"] == mine.notes["s"]

    def test_is_kept_by_a_store_that_is_told_to(self, stored):
        keeping = docstore.Store(stored.engine, project=stored.project, unknown="keep")

        assert type(keeping.load("pea", kind="recipe").rest[0]) is docstore.UnknownObject

    @pytest.mark.parametrize("unknown", ["kepe", "members", True, 1])
    def test_is_not_kept_by_a_policy_that_there_is_not(self, stored, unknown):
        with pytest.raises(InvalidValueError, match="'error' or 'keep'"):
            stored.load("pea", kind="recipe", unknown=unknown)


class TestWhatADocumentSaysOfItself:
    """Someone edited the head, and made its digest fit."""

    @pytest.mark.parametrize(
        "said",
        [
            None,
            1,
            [],
            "x",
            {"parts": "/steps/*"},
            {"parts": ["steps"]},
            {"parts": [1]},
            {"parts": ["/a/b/*"]},
            {"name": 1},
        ],
        ids=str,
    )
    def test_that_makes_no_sense_is_an_error(self, said):
        head = {"__type": "Recipe", "__format": 1, "__document": said}

        with pytest.raises(docstore.DocstoreError, match="/__document"):
            kinds.kind_named("recipe").split(head)

    def test_is_the_users_own_in_a_value_that_was_put(self, store):
        value = {"__document": {"parts": ["/a/*"]}, "a": {"b": 1}, "__format": 1}

        store.put("note", "n", value)

        assert store.get("n", kind="note") == value
        assert [path for (path,) in rows(store, "path")] == [""]

    def test_with_an_item_of_a_list_missing_is_damage(self, store, soup):
        store.save(soup)
        with store.engine.begin() as connection:
            connection.execute(sa.delete(documents).where(documents.c.path == "/steps/1"))

        with pytest.raises(DamagedDocumentError):
            store.load("pea", kind="recipe")


class TestADeclarationThatDoesNotFit:
    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"name": "idd"}, r"no stored field 'idd' for name=; it has id, category, state, steps, notes, rest"),
            ({"type": "categorie"}, r"no stored field 'categorie' for type="),
            ({"status": "stat"}, r"no stored field 'stat' for status="),
            ({"name": "steps"}, r"Recipe.steps is annotated .* name= it should be str"),
            ({"type": "rest"}, r"Recipe.rest .* type= it should be an Enum, str"),
            ({"status": "steps"}, r"Recipe.steps .* status= it should be an Enum, str"),
            ({"parts": ["/stepps/*"]}, r"no stored field 'stepps' to take parts from"),
            ({"parts": ["/rest/*"]}, r"Recipe.rest .* parts= it should be dict"),
            ({"parts": ["steps"]}, r"'steps' is not a pattern of parts. Write '/field/\*'"),
            ({"parts": ["/steps/*/x"]}, r"not a pattern of parts"),
            ({"parts": "/steps/*"}, r"give several, as in parts=\['/steps/\*'\]"),
            ({"kind": "experiment"}, r"kind 'experiment' cannot be a document's"),
            ({"kind": "trial"}, r"kind 'trial' cannot be"),
            ({"kind": "generator_run"}, r"kind 'generator_run' cannot be"),
            ({"kind": ""}, r"of 1 to 57 characters"),
            ({"kind": "x" * 58}, r"of 1 to 57 characters"),
            ({"kind": "a\0"}, r"cannot be a document's"),
            ({"tag": "Experiment"}, r"tag 'Experiment'"),
            ({"tag": "tuple"}, r"docstore's own"),
        ],
        ids=str,
    )
    def test_is_refused_at_once(self, options, complaint):
        with pytest.raises(RegistryError, match=complaint):
            declare(**options)

    def test_leaves_nothing_registered(self):
        with pytest.raises(RegistryError):
            declare(tag="Experiment")

        with pytest.raises(UnknownTagError):
            docstore.loads('{"__type": "Recipe"}')

    def test_because_an_object_could_not_be_known_again_says_how_to_mend_it(self):
        @dataclass(slots=True)
        class Slim:
            name: str

        with pytest.raises(RegistryError, match="weakref_slot=True"):
            docstore.document(kind="slim")(Slim)

    def test_because_another_class_has_the_kind_is_told(self):
        declare()

        with pytest.raises(
            RegistryError, match=r"Other: .*Recipe is of kind 'recipe', with other fields.*Choose another"
        ):

            @docstore.document(kind="recipe")
            @dataclass
            class Other:
                name: str

    def test_below_another_decorator_says_in_which_order(self):
        class Other:
            name: str

        with pytest.raises(RegistryError, match=r"Other declares no fields.*@docstore\.document above @dataclass"):
            docstore.document(kind="other")(Other)

    def test_without_a_kind_says_how_to_give_one(self):
        @dataclass
        class BakingDay:
            name: str

        with pytest.raises(RegistryError, match=r"@docstore\.document\(kind='baking_day'\)"):
            docstore.document(BakingDay)

    def test_of_a_literal_as_a_type_fits(self, store):
        @docstore.document(kind="ticket", type="level", status="open")
        @dataclass
        class Ticket:
            name: str
            level: Literal["high", "low"] = "low"
            open: Literal["yes", "no"] | None = None

        store.save(Ticket("t", "high"))

        assert [found.status for found in store.find(kind="ticket", type="high")] == [None]


class TestAClassThatIsDefinedAgain:
    """As when a notebook's cell is run again."""

    def make(self) -> type:
        @docstore.document(kind="cell")
        @dataclass
        class Cell:
            name: str

        return Cell

    def test_takes_the_place_of_the_former(self, store):
        store.save(self.make()("c"))

        again = self.make()

        assert identity(store.load("c", kind="cell")) == identity(again("c"))

    def test_says_so_of_an_object_of_the_former(self, store):
        former = self.make()
        self.make()

        with pytest.raises(docstore.DocstoreError, match="defined again"):
            store.save(former("c"))

    def test_is_known_to_a_store_that_was_opened_before(self, store):
        assert store.find() == []

        store.save(self.make()("c"))

        assert store.load("c", kind="cell").name == "c"


class TestASaveThatCouldNotBeReadAgain:
    """A part is written beside others, and under a head, that may be of another form or release."""

    @pytest.fixture
    def plan(self):
        @docstore.document(kind="plan", parts=["/steps/*"])
        @dataclass
        class Plan:
            name: str
            steps: Any = field(default_factory=dict)
            note: str = ""

            __annotations__["steps"] = "dict[str, Step]"

        return Plan

    @pytest.mark.parametrize(
        "steps",
        [
            {"a": Step("x"), 1: Step("y")},
            {"a": Step("x"), "__type": Step("y")},
            {"a": Step("x"), "\0": Step("y")},
            OrderedDict(a=Step("x")),
        ],
        ids=repr,
    )
    def test_of_a_part_alone_where_there_are_none_is_refused(self, store, plan, steps):
        made = plan("p", steps)
        store.save(made)
        made.steps["a"].minutes = 5.0

        with pytest.raises(InvalidValueError, match=r"Plan\.steps.*Use save\(\)"):
            store.save_trial(made, made.steps["a"])

        store.save(made)
        assert identity(store.load("p", kind="plan")) == identity(made)

    @pytest.mark.parametrize("before", [None, [Step("x")], OrderedDict(a=Step("x"))], ids=repr)
    def test_of_a_part_alone_where_the_field_was_something_else_is_refused(self, store, plan, before):
        made = plan("p", before)
        store.save(made)
        made.steps = {"a": Step("z")}

        with pytest.raises(ConflictError, match="save the whole of it first"):
            store.save_trial(made, made.steps["a"])

        store.save(made)
        assert identity(store.load("p", kind="plan")) == identity(made)
        assert identity(store.load("p", kind="plan", version=1).steps) == identity(before)

    def test_of_an_item_alone_where_there_was_no_list_is_refused(self, store):
        @docstore.document(kind="list", parts=["/steps/*"])
        @dataclass
        class Listed:
            name: str
            steps: list[Step] | None = None

        made = Listed("p")
        store.save(made)
        made.steps = [Step("z")]

        with pytest.raises(ConflictError, match="save the whole of it first"):
            store.save_trial(made, made.steps[0])

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"0": Step("a"), "1": Step("b")}, [Step("b"), Step("a")]),
            ([Step("a"), Step("b")], {"0": Step("a"), "1": Step("c")}),
            ({"0": Step("a")}, OrderedDict({"0": Step("a")})),
            ([Step("a")], None),
            (None, {"0": Step("a")}),
        ],
        ids=repr,
    )
    def test_of_a_field_that_holds_its_items_otherwise_keeps_its_past(self, store, plan, before, after):
        made = plan("p", before)
        store.save(made)
        made.steps = after

        store.save(made)

        assert identity(store.load("p", kind="plan").steps) == identity(after)
        assert identity(store.load("p", kind="plan", version=1).steps) == identity(before)
        assert store.verify() == []
        store.diff("p", 1, 2, kind="plan")
        store.revert("p", 1, kind="plan")
        assert identity(store.load("p", kind="plan").steps) == identity(before)

    @pytest.mark.parametrize("theirs", [None, [], OrderedDict(a=Step("x")), {"a": Step("x"), 1: Step("y")}], ids=repr)
    @pytest.mark.parametrize("mine", ["a note", "a part"])
    def test_of_what_others_hold_otherwise_now_is_a_conflict(self, store, plan, theirs, mine):
        store.save(plan("p", {"a": Step("x")}))
        other, own = store.load("p", kind="plan"), store.load("p", kind="plan")
        other.steps = theirs
        store.save(other)
        if mine == "a note":
            own.note = "n"
        else:
            own.steps["z"] = Step("z")

        with pytest.raises(ConflictError):
            store.save(own)

        assert identity(store.load("p", kind="plan")) == identity(other)

    @pytest.mark.parametrize("edit", [lambda steps: steps.insert(0, Step("new")), lambda steps: steps.pop(0)])
    def test_of_an_item_alone_of_a_list_that_has_another_length_is_refused(self, store, soup, edit):
        """Under its index, another item may be stored: that one would be gone."""
        store.save(soup)
        edit(soup.steps)

        with pytest.raises(InvalidValueError, match=r"3 are stored. Use save\(\)"):
            store.save_trial(soup, soup.steps[0])

    def test_of_an_enums_key_stored_by_its_former_name_is_refused(self, store):
        with registry.scope():

            class Grain(Enum):
                WHITE = 1

            @docstore.document(kind="mill", tag="Mill", parts=["/sacks/*"])
            @dataclass
            class Mill:
                name: str
                sacks: dict[Grain, Step]

            store.save(Mill("m", {Grain.WHITE: Step("old")}))

        class Grain2(Enum):
            WHEAT = 1

        docstore.register(Grain2, tag="Grain", aliases={"WHITE": "WHEAT"})

        @docstore.document(kind="mill", tag="Mill", parts=["/sacks/*"])
        @dataclass
        class Today:
            name: str
            sacks: dict[Grain2, Step]

        mill = store.load("m", kind="mill")
        mill.sacks[Grain2.WHEAT].text = "new"

        with pytest.raises(InvalidValueError, match=r"former name. Use save\(\)"):
            store.save_trial(mill, mill.sacks[Grain2.WHEAT])

        store.save(mill)
        assert identity(store.load("m", kind="mill")) == identity(mill)

    @pytest.mark.parametrize("key", ["x" * 300, "/" * 200])
    def test_under_a_key_that_a_column_does_not_hold_is_refused(self, store, plan, key):
        with pytest.raises(docstore.DocstoreError, match="at most 255 characters") as caught:
            store.save(plan("p", {key: Step("x")}))

        assert caught.value.pointer.startswith("/steps/")

    def test_of_a_value_in_the_place_of_an_object_is_refused(self, store, soup):
        store.save(soup)

        with registry.scope():
            registry._registrations._registry = registry.model_registry()
            with pytest.raises(InvalidValueError, match="made of an object"):
                store.put("recipe", "pea", {"a": 1})

        assert identity(store.load("pea", kind="recipe")) == identity(soup)


class TestAMergeThatTakesOnWhatOthersSaved:
    @pytest.fixture
    def values(self, store):
        @docstore.document(kind="values", parts=["/list/*", "/dict/*"])
        @dataclass
        class Values:
            name: str
            list: list[Any]
            dict: dict[str, Any]
            note: str = ""

        made = Values("v", [1, 2, 3], {"a": 1, "b": 2})
        store.save(made)
        return store.load("v", kind="values"), store.load("v", kind="values")

    def test_takes_none_for_a_value_and_not_for_nothing(self, store, values):
        mine, theirs = values
        theirs.list[1] = theirs.dict["a"] = None
        store.save(theirs)
        mine.note = "n"

        store.save(mine)

        assert (mine.list, mine.dict) == ([1, None, 3], {"a": None, "b": 2})
        assert identity(store.load("v", kind="values")) == identity(mine)

    def test_takes_the_end_off_a_list(self, store, values):
        mine, theirs = values
        del theirs.list[1:], theirs.dict["b"]
        store.save(theirs)
        mine.note = "n"

        store.save(mine)

        assert (mine.list, mine.dict) == ([1], {"a": 1})

    @pytest.mark.parametrize(
        "edit", [lambda items: items.pop(0), lambda items: items.insert(0, 9)], ids=["pop", "insert"]
    )
    def test_does_not_put_an_edit_on_the_item_that_moved_there(self, store, values, edit):
        mine, theirs = values
        edit(theirs.list)
        store.save(theirs)
        mine.list[0] = 100

        with pytest.raises(ConflictError) as caught:
            store.save(mine)

        assert [place.pointer for place in caught.value.places] == ["/list"]

    def test_does_not_merge_inside_an_item_that_both_changed(self, store, soup):
        store.save(soup)
        mine, theirs = store.load("pea", kind="recipe"), store.load("pea", kind="recipe")
        theirs.steps[0].minutes = 9.0
        store.save(theirs)
        mine.steps[0].text = "chop"

        with pytest.raises(ConflictError) as caught:
            store.save(mine)

        assert [place.pointer for place in caught.value.places] == ["/steps/0"]

    def test_takes_the_same_edit_of_both_for_one(self, store, values):
        mine, theirs = values
        del theirs.list[0], mine.list[0]
        store.save(theirs)
        mine.note = "n"

        store.save(mine)

        assert identity(store.load("v", kind="values")) == identity(mine)

    def test_leaves_a_frozen_object_and_a_shared_one_as_they_are(self, store):
        @dataclass(frozen=True)
        class Fixed:
            n: int

        @docstore.document(kind="shelf", parts=["/a/*", "/b/*"])
        @dataclass
        class Shelf:
            name: str
            a: dict[str, Fixed]
            b: dict[str, Step]

        fixed, step = Fixed(1), Step("s")
        shelf = Shelf("s", {"p": fixed}, {"q": step, "r": step})
        store.save(shelf)
        theirs = store.load("s", kind="shelf")
        theirs.a["p"] = Fixed(2)
        theirs.b["q"].minutes = 7.0
        store.save(theirs)
        shelf.name, shelf.a["z"] = "s", Fixed(3)

        store.save(shelf)

        assert (fixed.n, step.minutes) == (1, 0.0)
        assert (shelf.a["p"].n, shelf.b["q"].minutes, shelf.b["r"].minutes) == (2, 7.0, 0.0)


class TestAPartSavedAloneTwiceBesideAChangeOfAnotherToTheHead:
    def test_is_not_taken_for_damage(self, store, soup):
        store.save(soup)
        theirs = store.load("pea", kind="recipe")
        theirs.state = "theirs"
        store.save(theirs)
        soup.steps[0].minutes = 1.5
        store.save_trial(soup, soup.steps[0])
        soup.steps[0].minutes = 2.5

        version = store.save_trial(soup, soup.steps[0])

        assert (version.number, version.places) == (4, ("/steps/0/minutes",))
        assert store.load("pea", kind="recipe").state == "theirs"
        assert store.verify() == []


class TestTwoReleasesThatWriteOneDocument:
    """The same member means degrees Fahrenheit in the first schema, and Celsius in the second."""

    def release(self, number: int) -> type:
        @docstore.document(kind="oven", tag="Oven", parts=["/heats/*"], version=number)
        @dataclass
        class Oven:
            name: str
            heats: dict[str, float]
            settings: dict[str, float] = field(default_factory=dict)

        if number == 2:

            @registry.upcast("Oven", from_=1)
            def to_celsius(members):
                heats = {key: (value - 32) / 1.8 for key, value in members["heats"].items()}
                return {**members, "heats": heats}

        return Oven

    @pytest.fixture
    def releases(self):
        """By its number, what is registered in the process of each release."""
        found = {}
        for number in (1, 2):
            with registry.scope():
                self.release(number)
                found[number] = registry.registered()
        return found

    @pytest.fixture
    def run(self, monkeypatch, releases):
        """Make this the process of a release."""
        return lambda number: monkeypatch.setattr(registry._registrations, "_registry", releases[number])

    @pytest.fixture
    def objects(self, store, releases, run):
        """The same document, loaded by each release."""
        run(1)
        [first_class] = [entry.cls for entry in releases[1].entries if entry.tag == "Oven"]
        store.save(first_class("o", {"top": 212.0}))
        first = store.load("o", kind="oven")
        run(2)
        return first, store.load("o", kind="oven")

    def test_part_by_part_are_not_mixed(self, store, objects):
        second = objects[1]
        second.heats["low"] = 50.0
        with pytest.raises(ConflictError, match="save the whole of it first"):
            store.save_trial(second, second.heats["low"])

        store.save(second)

        assert identity(store.load("o", kind="oven")) == identity(second)
        assert store.verify() == []

    def test_are_not_mixed_by_the_older_one_either(self, store, objects, run):
        first, second = objects
        store.save(second)
        run(1)
        first.heats["low"] = 122.0

        with pytest.raises(ConflictError):
            store.save_trial(first, first.heats["low"])
        with pytest.raises(ConflictError):
            store.save(first)

    def test_are_not_merged(self, store, objects, run):
        first, second = objects
        run(1)
        first.heats["low"] = 122.0
        store.save(first)
        run(2)
        second.settings["fan"] = 1.0

        with pytest.raises(ConflictError):
            store.save(second)


class TestAnObjectMadeAnew:
    """A program that has no field for what is new in a newer object makes another in its place."""

    def test_does_not_drop_what_is_new(self, store):
        with registry.scope():

            @docstore.register(tag="Part", version=2, compatible_from=1)
            @dataclass(frozen=True)
            class Newer:
                a: int
                b: int = 0

            registry.upcast("Part", from_=1)(lambda members: members)
            declare()
            store.save(Recipe("pea", rest=Newer(1, 7)))

        @docstore.register(tag="Part")
        @dataclass(frozen=True)
        class Older:
            a: int

        declare()
        loaded = store.load("pea", kind="recipe")
        loaded.rest = replace(loaded.rest, a=5)

        with pytest.raises(docstore.DocstoreError, match=r"schema 2.*made anew") as caught:
            store.save(loaded)

        assert caught.value.pointer == "/rest"
        store.save(loaded, on_conflict="overwrite")
        assert store.get("pea", kind="recipe", pointer="/rest") == {"__type": "Part", "a": 5}

    def test_may_be_of_another_class(self, store):
        @docstore.register(version=2)
        @dataclass
        class Newer:
            a: int

        @docstore.register
        @dataclass
        class Plain:
            a: int

        registry.upcast("Newer", from_=1)(lambda members: members)
        declare()
        soup = Recipe("pea", rest=Newer(1))
        store.save(soup)
        soup.rest = Plain(1)

        store.save(soup)

        assert identity(store.load("pea", kind="recipe")) == identity(soup)


class TestAPlainDictWithAKeyThatObjectsHave:
    """``__schema`` is an object's number where there is a tag; in a dict of the user's own it is a key as any other."""

    def test_may_have_a_smaller_number_or_none(self, store):
        declare()
        soup = Recipe("pea", rest={"__schema": 5, "other": 1})
        store.save(soup)
        soup.rest["__schema"] = 3
        store.save(soup)
        del soup.rest["__schema"]

        store.save(soup)

        assert identity(store.load("pea", kind="recipe")) == identity(soup)

    def test_is_merged_as_any_other(self, store):
        declare()
        store.save(Recipe("pea", rest={"__schema": 5, "other": 1}))
        mine, theirs = store.load("pea", kind="recipe"), store.load("pea", kind="recipe")
        theirs.rest["__schema"] = 6
        store.save(theirs)
        mine.rest["other"] = 2

        store.save(mine)

        assert mine.rest == {"__schema": 6, "other": 2}
