"""A class changes over the years; what was stored by each of its releases still loads, and is not rewritten by that."""

from __future__ import annotations

import functools
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any

import pytest

import docstore
from docstore import registry
from docstore.errors import DecodeError, NewerSchemaError, RegistryError
from docstore.registry.bundle import mapper_of
from docstore.testing.exact import identity


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


@dataclass
class Leaf:
    """As every release had it."""

    size: float = 0.0


def first_release() -> type:
    """Return the class of release 1, registered."""

    @docstore.document(kind="tree", tag="Tree")
    @dataclass
    class Tree:
        name: str
        inches: int = 1
        leaves: list[Leaf] = field(default_factory=list)
        beside: Any = None

    return Tree


def third_release(*, compatible_from: int | None = None) -> type:
    """Return the class of release 3, registered with what lifts the documents of both others."""

    @docstore.document(kind="tree", tag="Tree", version=3, compatible_from=compatible_from)
    @dataclass
    class Tree:
        name: str
        centimetres: float = 2.54
        species: str = "oak"
        leaves: list[Leaf] = field(default_factory=list)
        beside: Any = None

    @registry.upcast("Tree", from_=1)
    def to_centimetres(members):
        members["centimetres"] = members.pop("inches") * 2.54
        return members

    @registry.upcast("Tree", from_=2)
    def with_species(members):
        return {**members, "species": "unknown"}

    return Tree


def tree(**members: Any) -> str:
    """Return the text of a tree of any release."""
    document = {"__type": "Tree", "__format": 1, "__document": {"name": "name"}, "leaves": [], "beside": None}
    return json.dumps({**document, **members})


FIRST = tree(name="t", inches=10)
SECOND = tree(name="t", centimetres=25.4, __schema=2)


class TestADocumentOfAnOlderSchema:
    def test_is_lifted_step_by_step(self):
        cls = third_release()

        assert identity(docstore.loads(FIRST)) == identity(cls("t", 25.4, "unknown"))

    def test_is_lifted_from_where_it_is(self):
        cls = third_release()

        assert identity(docstore.loads(SECOND)) == identity(cls("t", 25.4, "unknown"))

    def test_of_today_is_not_lifted(self):
        cls = third_release()

        assert identity(docstore.loads(docstore.dumps(cls("t")))) == identity(cls("t"))

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda inner: [inner],
            lambda inner: {"key": {"deeper": [inner]}},
            lambda inner: (inner, inner),
            lambda inner: OrderedDict(a=inner),
            lambda inner: {1: inner},
        ],
        ids=["list", "dict", "tuple", "OrderedDict", "pairs"],
    )
    def test_is_lifted_wherever_it_stands(self, wrap):
        with registry.scope():
            old = docstore.dumps(wrap(first_release()("t", 10)))
        cls = third_release()

        assert identity(docstore.loads(old)) == identity(wrap(cls("t", 25.4, "unknown")))

    def test_is_lifted_inside_one_of_its_own_class(self):
        with registry.scope():
            old_class = first_release()
            old = docstore.dumps(old_class("outer", 1, beside=old_class("inner", 10)))
        cls = third_release()

        assert identity(docstore.loads(old).beside) == identity(cls("inner", 25.4, "unknown"))

    def test_says_its_schema_once_it_is_saved_again(self):
        third_release()

        assert json.loads(docstore.dumps(docstore.loads(FIRST)))["__schema"] == 3

    def test_of_the_first_schema_says_none(self):
        assert "__schema" not in json.loads(docstore.dumps(first_release()("t")))

    def test_cannot_be_changed_by_what_lifts_it(self):
        """The same JSON may be read twice: by a check before a save, and by the save."""
        docstore.register(Leaf, version=2)

        @registry.upcast("Leaf", from_=1)
        def doubled(members):
            members["size"]["of"].append(2)
            return {"size": members.pop("size")["of"][0]}

        documents = mapper_of()
        value = {"__type": "Leaf", "size": {"of": [1.0]}}

        assert identity(documents.decode(value)) == identity(Leaf(1.0))
        assert value == {"__type": "Leaf", "size": {"of": [1.0]}}


class TestAStoredDocumentOfAnOlderSchema:
    def test_is_lifted_and_not_rewritten_by_loading(self, store):
        with registry.scope():
            store.save(first_release()("t", 10, [Leaf(1.0)]))
        third_release()

        store.load("t", kind="tree")

        assert [version.number for version in store.history("t", kind="tree")] == [1]
        assert store.get("t", kind="tree", pointer="/inches") == 10

    def test_is_of_todays_schema_once_saved_and_of_its_own_before(self, store):
        with registry.scope():
            store.save(first_release()("t", 10))
        cls = third_release()
        loaded = store.load("t", kind="tree")
        loaded.species = "elm"

        store.save(loaded)

        assert identity(store.load("t", kind="tree")) == identity(cls("t", 25.4, "elm"))
        assert identity(store.load("t", kind="tree", version=1)) == identity(cls("t", 25.4, "unknown"))
        assert store.get("t", kind="tree", version=1, pointer="/inches") == 10
        assert store.verify() == []

    def test_is_lifted_in_each_of_its_parts(self, store):
        with registry.scope():

            @dataclass
            class Step:
                seconds: int

            @docstore.document(kind="plan", tag="Plan", parts=["/steps/*"])
            @dataclass
            class Plan:
                name: str
                steps: dict[int, Step]

            store.save(Plan("p", {1: Step(60), 2: Step(120)}))

        @docstore.register(tag="Step", version=2)
        @dataclass
        class Stage:
            minutes: float

        @docstore.document(kind="plan", tag="Plan", parts=["/steps/*"])
        @dataclass
        class Today:
            name: str
            steps: dict[int, Stage]

        @registry.upcast("Step", from_=1)
        def to_minutes(members):
            return {"minutes": members["seconds"] / 60}

        assert identity(store.load("p", kind="plan")) == identity(Today("p", {1: Stage(1.0), 2: Stage(2.0)}))


class TestAStepThatIsMissing:
    @pytest.mark.parametrize(
        "use", [lambda: docstore.connect("sqlite://"), lambda: docstore.dumps(1), lambda: docstore.loads("1")]
    )
    def test_is_told_at_the_start(self, use):
        docstore.register(type("Tree", (), {}), version=3)
        registry.upcast("Tree", from_=1)(lambda members: members)

        with pytest.raises(RegistryError, match=r"Tree is at schema 3, and has no upcast from 2.*upcast\('Tree', fr"):
            use()

    def test_of_a_schema_that_is_not_there_yet_is_told_too(self):
        docstore.register(type("Tree", (), {}), version=2)
        registry.upcast("Tree", from_=1)(lambda members: members)
        registry.upcast("Tree", from_=2)(lambda members: members)

        with pytest.raises(RegistryError, match=r"from schema 2 to 3, and .*Tree is at schema 2.*version=3"):
            docstore.loads("1")

    def test_of_a_tag_that_no_class_has_is_told_too(self):
        registry.upcast("Tre", from_=1)(lambda members: members)

        with pytest.raises(RegistryError, match="'Tre' from schema 1, and no class"):
            docstore.loads("1")

    def test_that_two_functions_lift_is_told(self):
        registry.upcast("Tree", from_=1)(third_release)

        with pytest.raises(RegistryError, match=r"two upcasts from schema .*first_release"):
            registry.upcast("Tree", from_=1)(first_release)

    def test_that_functions_without_a_name_lift_is_told_too(self):
        registry.upcast("Tree", from_=1)(functools.partial(third_release))

        with pytest.raises(RegistryError, match=r"two upcasts from schema .*partial of .*first_release"):
            registry.upcast("Tree", from_=1)(functools.partial(first_release))

    def test_that_two_functions_lift_by_two_of_its_tags_is_told(self):
        docstore.register(Leaf, version=2, aliases=["Petal"])
        registry.upcast("Leaf", from_=1)(first_release)
        registry.upcast("Petal", from_=1)(third_release)

        with pytest.raises(RegistryError, match=r"the upcast of 'Leaf' from schema 1, and .* that of 'Petal'"):
            docstore.connect("sqlite://")

    @pytest.mark.parametrize("lift", [None, {"size": 1.0}, "lift"])
    def test_is_not_filled_by_what_is_no_function(self, lift):
        with pytest.raises(RegistryError, match="is no function"):
            registry.upcast("Tree", from_=1)(lift)

    @pytest.mark.parametrize("tag", [5, None, Leaf])
    def test_of_no_tag_is_refused(self, tag):
        with pytest.raises(RegistryError, match="the tag should be a text"):
            registry.upcast(tag, from_=1)

    @pytest.mark.parametrize("from_", [0, -1, True, 1.0, "1"])
    def test_from_no_schema_is_refused(self, from_):
        with pytest.raises(RegistryError, match="counted from 1"):
            registry.upcast("Tree", from_=from_)

    @pytest.mark.parametrize("version", [0, True, 2.0, "2"])
    def test_and_a_class_at_no_schema_is_refused(self, version):
        with pytest.raises(RegistryError, match="counted from 1"):
            docstore.register(Leaf, version=version)


class TestAStepThatFails:
    def test_names_the_place_the_step_and_the_members(self):
        third_release()

        with pytest.raises(DecodeError, match=r"Tree from schema 1 failed: KeyError: 'inches'.*name") as caught:
            docstore.loads(json.dumps({"in": [json.loads(tree(name="t"))]}))

        assert caught.value.pointer == "/in/0"

    def test_by_giving_no_dict_is_named(self):
        docstore.register(Leaf, version=2)
        registry.upcast("Leaf", from_=1)(lambda members: list(members))

        with pytest.raises(DecodeError, match="should give a dict"):
            docstore.loads('{"__type": "Leaf", "size": 1.0}')

    @pytest.mark.parametrize("schema", ["1", 0, -1, True, None, 1.0, [1]])
    def test_on_a_number_that_is_none_is_told(self, schema):
        third_release()

        with pytest.raises(DecodeError, match="number of a schema"):
            docstore.loads(tree(name="t", __schema=schema))


class TestADocumentOfANewerSchema:
    NEWER = tree(name="t", inches=10, colour="green", __schema=3)

    def test_is_refused_with_both_numbers(self):
        first_release()

        with pytest.raises(NewerSchemaError, match="Tree has schema 3, and the class here has schema 1") as caught:
            docstore.loads(self.NEWER)

        assert (caught.value.tag, caught.value.found, caught.value.known) == ("Tree", 3, 1)

    def test_that_says_so_is_read_by_an_older_class(self):
        cls = first_release()

        loaded = docstore.loads(tree(name="t", inches=10, colour="green", __schema=3, __compatible_from=1))

        assert (type(loaded), loaded.name, loaded.inches) == (cls, "t", 10)

    def test_that_says_a_later_schema_may_read_it_is_refused_by_an_earlier(self):
        first_release()

        with pytest.raises(NewerSchemaError, match="schema 3"):
            docstore.loads(tree(name="t", inches=10, __schema=3, __compatible_from=2))

    def test_is_written_back_with_all_that_is_new_in_it(self):
        first_release()
        newer = tree(name="t", inches=10, colour={"a": [1.0]}, __schema=3, __compatible_from=1)
        loaded = docstore.loads(newer)
        loaded.inches = 11

        assert json.loads(docstore.dumps(loaded)) == {**json.loads(newer), "inches": 11}

    def test_is_written_as_the_class_says(self):
        cls = third_release(compatible_from=2)

        written = json.loads(docstore.dumps(cls("t")))

        assert (written["__schema"], written["__compatible_from"]) == (3, 2)

    def test_of_a_class_that_has_no_place_for_what_is_new_is_refused(self):
        @docstore.register
        @dataclass(slots=True)
        class Twig:
            length: float

        newer = {"__type": "Twig", "length": 1.0, "bent": True, "__schema": 2, "__compatible_from": 1}

        with pytest.raises(NewerSchemaError, match="schema 2"):
            docstore.loads(json.dumps(newer))

    def test_can_be_kept_unread_as_a_whole(self):
        first_release()

        kept = docstore.loads(self.NEWER, unknown="keep")

        assert json.loads(docstore.dumps(kept)) == json.loads(self.NEWER)

    def test_can_be_kept_unread(self):
        first_release()
        data = json.dumps({"in": [json.loads(self.NEWER)]})

        kept = docstore.loads(data, unknown="keep")

        assert type(kept["in"][0]) is docstore.UnknownObject
        assert json.loads(docstore.dumps(kept)) == json.loads(data)

    @pytest.mark.parametrize("compatible_from", [0, 4, True, "1"])
    def test_cannot_say_that_it_is_for_readers_that_are_not_older(self, compatible_from):
        with pytest.raises(RegistryError, match="compatible_from"):
            docstore.register(Leaf, version=3, compatible_from=compatible_from)


class TestAClassThatIsWrittenAsOneValue:
    def test_is_lifted_from_the_member_that_holds_it(self):
        docstore.register(Fraction, tag="fraction", version=2, encode=str, decode=Fraction)

        @registry.upcast("fraction", from_=1)
        def with_a_slash(members):
            return {"__value": members["__value"].replace(":", "/")}

        assert docstore.loads('{"__type": "fraction", "__value": "1:3"}') == Fraction(1, 3)
        assert docstore.loads(docstore.dumps(Fraction(1, 3))) == Fraction(1, 3)


class TestAClassThatWasRenamed:
    def test_is_found_by_its_former_tag_and_written_under_the_new(self):
        @docstore.register(tag="Blade", aliases=["Leaf", "Petal"])
        @dataclass
        class Blade:
            size: float

        loaded = docstore.loads('[{"__type": "Leaf", "size": 1.0}, {"__type": "Petal", "size": 2.0}]')

        assert identity(loaded) == identity([Blade(1.0), Blade(2.0)])
        assert [each["__type"] for each in json.loads(docstore.dumps(loaded))] == ["Blade", "Blade"]

    def test_is_lifted_too(self):
        @docstore.register(tag="Blade", aliases=["Leaf"], version=2)
        @dataclass
        class Blade:
            area: float

        @registry.upcast("Leaf", from_=1)
        def to_area(members):
            return {"area": members["size"] ** 2}

        assert identity(docstore.loads('{"__type": "Leaf", "size": 3.0}')) == identity(Blade(9.0))

    def test_gives_its_former_tag_to_no_other_class(self):
        docstore.register(Leaf, tag="Blade", aliases=["Leaf"])

        with pytest.raises(RegistryError, match=r"cannot be written under the tag 'Leaf'"):
            docstore.register(type("Other", (), {}), tag="Leaf")

    def test_takes_several_and_not_one_text(self):
        with pytest.raises(RegistryError, match=r"aliases=\['Leaf'\]"):
            docstore.register(Leaf, tag="Blade", aliases="Leaf")


class TestAMemberThatWasRenamed:
    def colour(self) -> Any:
        class Colour(Enum):
            RED = "r"
            BLUE = "b"

        return docstore.register(Colour, aliases={"CRIMSON": "RED"})

    def test_is_found_where_its_tag_stands(self):
        colour = self.colour()

        assert docstore.loads('[{"__type": "Colour", "name": "CRIMSON"}]')[0] is colour.RED

    def test_is_found_where_the_annotation_says_what_it_is(self):
        colour = self.colour()

        @docstore.register(tag="Paint")
        @dataclass
        class Paint:
            colour: colour
            mixed: dict[colour, list[colour]]

        loaded = docstore.loads('{"__type": "Paint", "colour": "CRIMSON", "mixed": {"CRIMSON": ["BLUE", "CRIMSON"]}}')

        assert identity(loaded) == identity(Paint(colour.RED, {colour.RED: [colour.BLUE, colour.RED]}))

    def test_of_a_renamed_enum_is_found(self):
        class Hue(Enum):
            RED = 1

        docstore.register(Hue, aliases={"Colour": "Hue", "CRIMSON": "RED"})

        assert docstore.loads('{"__type": "Colour", "name": "CRIMSON"}') is Hue.RED

    @pytest.mark.parametrize("aliases", [{"CRIMSON": "REED"}, {"BLUE": "RED"}])
    def test_to_what_is_no_member_or_from_what_is_one_is_refused(self, aliases):
        class Colour(Enum):
            RED = "r"
            BLUE = "b"

        with pytest.raises(RegistryError, match="it has RED, BLUE"):
            docstore.register(Colour, aliases=aliases)

    def test_is_found_by_its_present_name_in_older_documents(self, store):
        with registry.scope():

            class Colour(Enum):
                CRIMSON = 1

            @docstore.document(kind="paint", tag="Paint", type="colour")
            @dataclass
            class Paint:
                name: str
                colour: Colour

            store.save(Paint("old", Colour.CRIMSON))
        today = self.colour()

        @docstore.document(kind="paint", tag="Paint", type="colour")
        @dataclass
        class Today:
            name: str
            colour: today

        store.save(Today("new", today.RED))

        assert [found.name for found in store.find(kind="paint", type=today.RED)] == ["new", "old"]
