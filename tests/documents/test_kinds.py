"""A kind knows where the name, type and status of a document are, and which members are parts."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore import registry
from docstore.codec.live.parts import Parts
from docstore.documents.canonical import dumps, join_pointer, loads, value_at_pointer
from docstore.documents.changeset import changeset_of, same_layout
from docstore.documents.digests import piece
from docstore.documents.kinds import (
    EXPERIMENT,
    HEAD,
    KINDS,
    Code,
    Kind,
    PartRule,
    join,
    kind_declared,
    kind_named,
    position_of,
)
from docstore.documents.merge.resolve import merged
from docstore.documents.merge.three_way import Sides
from docstore.documents.merge_keys import Keyed
from docstore.errors import DecodeError, EncodeError, InvalidValueError, PatchError, RegistryError
from docstore.registry.bundle import mapper_of

NUMBERS = Code("number", (("first",), ("list", 0, "second"), ("deep", "er")))
BOXED = Kind("boxed", parts=(PartRule("boxes", "box"), PartRule("lids", "lid")))

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
INTEGERS = st.integers(-(2**63), 2**63 - 1)
BODIES = st.none() | INTEGERS | TEXT | st.dictionaries(TEXT, INTEGERS)
MEMBERS = st.dictionaries(TEXT | st.sampled_from(["", "/", "~", "~1", "a/b", "0", "12"]), BODIES)
DOCUMENTS = st.fixed_dictionaries({"name": TEXT}, optional={"boxes": MEMBERS, "lids": MEMBERS, "other": BODIES})


def experiment() -> docstore.Experiment:
    space = docstore.SearchSpace([docstore.RangeParameter("x", docstore.ParameterType.FLOAT, 0, 1)])
    made = docstore.Experiment(space, "e", experiment_type="TUNING")
    made.new_trial(docstore.GeneratorRun([docstore.Arm({"x": 0.25})], type="GRID")).mark_running()
    made.new_batch_trial(docstore.GeneratorRun([docstore.Arm({"x": 0.5}), docstore.Arm({"x": 0.75})], type="SOBOL"))
    made.attach_data(
        docstore.Data.from_records([{"trial_index": 0, "arm_name": "0_0", "metric_name": "m", "mean": 1.0}])
    )
    return made


class TestACode:
    @pytest.mark.parametrize(
        ("body", "name"),
        [
            ({"first": "A"}, "A"),
            ({"first": "A", "list": [{"second": "B"}]}, "A"),
            ({"list": [{"second": "B"}, {"second": "C"}], "deep": {"er": "D"}}, "B"),
            ({"first": None, "list": [], "deep": {"er": "D"}}, "D"),
            ({"first": {"__type": "str", "value": "A"}, "deep": {"er": "D"}}, "D"),
        ],
    )
    def test_is_the_text_at_the_first_of_its_places_that_has_one(self, body, name):
        assert NUMBERS.name_in(body) == name

    @pytest.mark.parametrize(
        "body", [{}, [], None, "first", 3, {"first": 1}, {"list": {"0": {"second": "B"}}}, {"deep": ["er"]}]
    )
    def test_is_none_where_there_is_no_text(self, body):
        assert NUMBERS.name_in(body) is None


class TestTheKindOfAnExperiment:
    def test_finds_name_type_and_status_in_the_head(self):
        head = mapper_of().encode(experiment())

        assert EXPERIMENT.name_in(head) == "e"
        assert EXPERIMENT.type.name_in(head) == "TUNING"
        assert EXPERIMENT.status.name_in(head) == "DRAFT"

    @pytest.mark.parametrize(
        ("path", "type_", "status"), [("/trials/0", "GRID", "RUNNING"), ("/trials/1", "SOBOL", "CANDIDATE")]
    )
    def test_finds_type_and_status_of_a_trial_and_of_a_batch_trial(self, path, type_, status):
        trial = EXPERIMENT.split(mapper_of().encode(experiment()))[path]

        assert EXPERIMENT.rule(path).type.name_in(trial) == type_
        assert EXPERIMENT.rule(path).status.name_in(trial) == status

    def test_makes_parts_of_trials_and_data(self):
        pieces = EXPERIMENT.split(mapper_of().encode(experiment()))

        assert pieces.keys() == {HEAD, "/trials/0", "/trials/1", "/data/0"}
        assert pieces[HEAD]["trials"] == pieces[HEAD]["data"] == {}

    def test_gives_parts_that_are_written_alone_as_they_are_in_the_whole(self):
        made, documents = experiment(), mapper_of()
        pieces = EXPERIMENT.split(documents.encode(made))

        alone = {path: Parts(documents.codec).encode(made, path) for path in pieces if path != HEAD}

        assert alone == {path: body for path, body in pieces.items() if path != HEAD}

    @pytest.mark.parametrize(
        ("path", "rule"),
        [("", None), ("/name", None), ("/trials/1", "trial"), ("/trials", "trial"), ("/data/7", "data")],
    )
    def test_names_the_rule_of_a_path(self, path, rule):
        found = EXPERIMENT.rule(path)

        assert (found.name if found else None) == rule


class TestSplittingADocument:
    @given(DOCUMENTS)
    def test_is_undone_by_joining(self, document):
        assert join(BOXED.split(document)) == document

    @given(DOCUMENTS)
    def test_gives_each_part_under_its_pointer(self, document):
        pieces = BOXED.split(document)

        assert all(value_at_pointer(document, path) == body for path, body in pieces.items() if path != HEAD)

    @given(DOCUMENTS)
    def test_does_not_change_it(self, document):
        before = deepcopy(document)

        BOXED.split(document)

        assert document == before

    @given(DOCUMENTS)
    def test_is_not_changed_by_joining(self, document):
        pieces = BOXED.split(document)
        before = deepcopy(pieces)

        join(pieces)

        assert pieces == before

    @given(DOCUMENTS)
    def test_and_joining_in_another_order_gives_the_same_text(self, document):
        pieces = BOXED.split(document)

        assert dumps(join(dict(reversed(pieces.items())))) == dumps(document)

    @pytest.mark.parametrize("document", [None, 1, "text", [1, {"boxes": {"a": 1}}]])
    def test_that_is_no_object_gives_a_head_alone(self, document):
        assert BOXED.split(document) == {HEAD: document}
        assert join({HEAD: document}) == document

    @pytest.mark.parametrize("boxes", [None, 1, "a", {"__type": "dict", "items": [[1, 2]]}])
    def test_leaves_in_the_head_what_is_no_plain_object(self, boxes):
        assert BOXED.split({"boxes": boxes}) == {HEAD: {"boxes": boxes}}

    def test_makes_parts_of_the_items_of_a_list_too(self):
        pieces = BOXED.split({"boxes": ["a", None]})

        assert pieces == {HEAD: {"boxes": []}, "/boxes/0": "a", "/boxes/1": None}
        assert join(dict(reversed(pieces.items()))) == {"boxes": ["a", None]}

    def test_cannot_be_undone_where_an_item_of_a_list_is_missing(self):
        with pytest.raises(DecodeError, match="missing") as caught:
            join({HEAD: {"boxes": []}, "/boxes/0": "a", "/boxes/2": "c"})

        assert caught.value.pointer == "/boxes/1"

    @pytest.mark.parametrize("head", [{}, {"boxes": None}, {"boxes": [1]}, {"boxes": {"b": 1}}])
    def test_cannot_be_undone_where_the_head_has_no_place_for_a_part(self, head):
        with pytest.raises(DecodeError, match="no place") as caught:
            join({HEAD: head, "/boxes/a": 1})

        assert caught.value.pointer == "/boxes/a"


class TestAPart:
    @pytest.mark.parametrize(
        ("key", "path"), [(12, "/boxes/12"), ("a/b", "/boxes/a~1b"), ("~", "/boxes/~0"), ("", "/boxes/")]
    )
    def test_has_the_pointer_of_its_key(self, key, path):
        assert BOXED.parts[0].path(key) == path

    @pytest.mark.parametrize(
        ("path", "position"),
        [
            ("/trials/0", 0),
            ("/trials/12", 12),
            ("/trials/999999999", 999_999_999),
            ("/trials/9999999999", None),
            ("/trials/-1", None),
            ("/trials/a", None),
            ("/trials/", None),
            ("/trials/\u0661", None),
            ("/trials/a~14", None),
            (HEAD, None),
        ],
    )
    def test_has_a_position_where_its_key_is_a_number_that_a_column_holds(self, path, position):
        assert position_of(path) == position


class TestAKindByName:
    @pytest.mark.parametrize("name", ["experiment", "generation_strategy", "analysis_card"])
    def test_is_the_one_of_docstore(self, name):
        assert kind_named(name) is KINDS[name]

    def test_of_the_users_own_has_no_parts_and_no_enums(self):
        assert kind_named("note") == Kind("note")

    @pytest.mark.parametrize(
        ("head", "owner"), [({"experiment_name": "e"}, "e"), ({"experiment_name": None}, None), ({}, None), ([], None)]
    )
    def test_tells_the_owner(self, head, owner):
        assert kind_named("generation_strategy").owner_in(head) == owner

    def test_without_an_owner_tells_none(self):
        assert kind_named("note").owner_in({"experiment_name": "e", "": "f"}) is None

    @pytest.mark.parametrize(
        ("head", "name"), [({"name": "n"}, "n"), ({"name": 1}, "1"), ({"name": True}, None), ({}, None), (None, None)]
    )
    def test_tells_the_name(self, head: Any, name):
        assert kind_named("note").name_in(head) == name


def test_every_part_of_a_document_can_be_found_in_its_text():
    made = experiment()
    document = loads(docstore.dumps(made))

    assert value_at_pointer(document, join_pointer(("trials", 1, "generator_runs", 0, "generator_run_type"))) == "SOBOL"


@dataclass
class Reading:
    time: int
    place: str = ""
    celsius: float = 20.0


@dataclass
class Step:
    readings: list[Reading] = field(default_factory=list)


@dataclass
class Brew:
    name: str
    steps: dict[str, Step] = field(default_factory=dict)
    tasks: list[Step] | None = None
    readings: list[Reading] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    pairs: Sequence[Reading] = ()
    anything: Any = None
    later: dict[str, list[Late]] = field(default_factory=dict)


@dataclass
class Late:
    key: str


@pytest.fixture
def _forgotten():
    with registry.scope():
        yield


@pytest.mark.usefixtures("_forgotten")
class TestAKindThatDeclaresKeyedLists:
    KEYED: ClassVar = {"/steps/*/readings": ("time", "place"), "/readings": "time"}

    def declare(self, keyed: Any) -> Kind:
        docstore.document(kind="brew", keyed=keyed)(Brew)
        found = registry.registered().kind_named("brew")
        assert found is not None
        return found

    def test_has_them_by_their_patterns(self):
        assert self.declare(self.KEYED).keyed == (
            Keyed(("readings",), ("time",)),
            Keyed(("steps", "*", "readings"), ("time", "place")),
        )

    def test_is_the_same_in_whatever_order_they_are_declared(self):
        assert self.declare(self.KEYED) == self.declare(dict(reversed(self.KEYED.items())))

    def test_says_so_in_each_document_and_is_read_from_it(self):
        kind = self.declare(self.KEYED)
        head = loads(docstore.dumps(Brew("b")))

        assert head["__document"] == {
            "name": "name",
            "keyed": {"/readings": ["time"], "/steps/*/readings": ["time", "place"]},
        }
        assert kind_named("brew").of(head) == kind

    def test_of_a_name_with_a_slash_says_so_by_its_pointer(self):
        kind = kind_declared("k", name_field="name", keyed={"/a~1b/*/~0": ("c/d",)})

        assert kind.keyed == (Keyed(("a/b", "*", "~"), ("c/d",)),)
        assert kind.layout["keyed"] == {"/a~1b/*/~0": ["c/d"]}

    @pytest.mark.parametrize("keyed", [None, {}])
    def test_that_are_none_says_nothing(self, keyed):
        self.declare(keyed)

        assert loads(docstore.dumps(Brew("b")))["__document"] == {"name": "name"}

    def test_is_not_laid_out_otherwise_for_that(self):
        one, other = ({"__type": "Brew", "__format": 1, "__document": said} for said in ({}, {"keyed": {"/a": ["b"]}}))

        assert same_layout(kind_named("brew"), one, other)

    @pytest.mark.parametrize(
        "keyed",
        [
            {"/tasks": ("readings",), "/tasks/*/readings": ("time",)},
            {"/anything": ("time",)},
            {"/anything/*/x": ("time",)},
            {"/pairs": ["time"]},
            {"/later/*": "key"},
            {"/later/a": "key"},
        ],
        ids=str,
    )
    def test_may_have_any_list_whose_items_have_the_key_as_far_as_annotations_tell(self, keyed):
        self.declare(keyed)

        registry.check()

    @pytest.mark.parametrize(
        ("keyed", "complaint"),
        [
            ("/readings", r"keyed='/readings' is not a dict by pattern. Write it as in keyed=\{'/steps/\*/readings'"),
            (["/readings"], r"keyed=\['/readings'\] is not a dict"),
            (3, r"keyed=3 is not a dict"),
            ({3: "time"}, r"keyed: 3 is not a pattern of a list's pointer"),
            ({"readings": "time"}, r"keyed: 'readings' is not a pattern"),
            ({"": "time"}, r"keyed: '' is not a pattern"),
            ({"/": "time"}, r"keyed: '/' is not a pattern"),
            ({"/readings/": "time"}, r"'/readings/' is not a pattern"),
            ({"/steps/a*/readings": "time"}, r"'/steps/a\*/readings' is not a pattern"),
            ({"/steps/~/readings": "time"}, r"'/steps/~/readings' is not a pattern"),
            ({"/steps/\0/readings": "time"}, r"is not a pattern"),
            ({"/*": "time"}, r"'/\*' should begin with a field"),
            ({"/*/readings": "time"}, r"'/\*/readings' should begin with a field"),
            ({"/readings": ()}, r"\(\) names no members of the items of '/readings'"),
            ({"/readings": None}, r"None names no members"),
            ({"/readings": {"time"}}, r"\{'time'\} names no members"),
            ({"/readings": b"time"}, r"b'time' names no members"),
            ({"/readings": ""}, r"'' is not a name of a member of the items of '/readings'"),
            ({"/readings": ("time", 3)}, r"3 is not a name of a member"),
            ({"/readings": ("\0",)}, r"is not a name of a member"),
            ({"/readings": ("time", "place", "time")}, r"the key of the items of '/readings' has 'time' twice"),
            ({"/reedings": "time"}, r"Brew has no stored field 'reedings' where keyed= has '/reedings'"),
            ({"/steps": "time"}, r"Brew: keyed: '/steps' is annotated dict\[.*which is no list"),
            ({"/name": "time"}, r"'/name' is annotated <class 'str'>, which is no list"),
            ({"/steps/*": "time"}, r"'/steps/\*' is annotated .*Step'>, which is no list"),
            ({"/readings": "tme"}, r"of '/readings' has no stored field 'tme'; a Reading has time, place, celsius"),
            ({"/steps/*/readings": "tme"}, r"of '/steps/\*/readings' has no stored field 'tme'"),
            (
                {"/tasks/*/readings": "time"},
                r"is in items of the list '/tasks'.*keyed=\{'/tasks': \(...\), '/tasks/\*",
            ),
            (
                {"/tasks": "readings", "/tasks/0/readings": "time"},
                r"'/tasks/0/readings' is in items.*Write '\*' for it",
            ),
        ],
        ids=str,
    )
    def test_that_make_no_sense_is_refused(self, keyed, complaint):
        with pytest.raises(RegistryError, match=complaint):
            self.declare(keyed)

    @pytest.mark.parametrize(
        ("said", "pointer", "complaint"),
        [
            (None, "/__document/keyed", "should be an object: by the pattern of a list, the members"),
            (["/readings"], "/__document/keyed", "should be an object: by the pattern of a list, the members"),
            ({"readings": ["time"]}, "/__document/keyed/readings", "'readings' is not a pattern"),
            ({"/*/a": ["time"]}, "/__document/keyed/~1*~1a", "should begin with a field"),
            ({"/readings": "time"}, "/__document/keyed/~1readings", "'time' is not a list"),
            ({"/readings": []}, "/__document/keyed/~1readings", "names no members"),
            ({"/readings": [1]}, "/__document/keyed/~1readings", "1 is not a name of a member"),
            ({"/readings": ["a", "a"]}, "/__document/keyed/~1readings", "has 'a' twice"),
        ],
        ids=str,
    )
    def test_is_not_read_from_what_makes_no_sense(self, said, pointer, complaint):
        head = {"__type": "Brew", "__format": 1, "__document": {"keyed": said}}

        with pytest.raises(DecodeError, match=complaint) as caught:
            kind_named("brew").of(head)

        assert caught.value.pointer == pointer


UUIDS = ["5e0e6b0e-9f0a-4b5e-8d2c-000000000001", "5e0e6b0e-9f0a-4b5e-8d2c-000000000002"]


class TestADocumentUnderAnotherName:
    @pytest.mark.parametrize(
        ("old", "new", "stored"),
        [
            ("a", "b", "b"),
            (1, "-2", -2),
            (1, str(2**63), {"__type": "int", "value": str(2**63)}),
            ({"__type": "int", "value": str(2**63)}, "3", 3),
            ({"__type": "UUID", "value": UUIDS[0]}, UUIDS[1], {"__type": "UUID", "value": UUIDS[1]}),
        ],
    )
    def test_has_it_in_the_type_of_the_former(self, old, new, stored):
        head = {"__type": "Note", "__format": 1, "id": old}

        assert Kind("note", name_field="id").renamed(head, new) == {**head, "id": stored}

    @pytest.mark.parametrize("old", [1, {"__type": "int", "value": str(2**63)}, {"__type": "UUID", "value": UUIDS[0]}])
    @pytest.mark.parametrize("new", ["a", "01", "1.0", "\u0663", UUIDS[0].upper(), "9" * 256])
    def test_that_is_not_of_the_type_of_the_former_is_refused(self, old, new):
        head = {"__type": "Note", "__format": 1, "name": old}

        with pytest.raises(InvalidValueError, match=r"new: .*The name of this note is .*: give the text of one"):
            Kind("note").renamed(head, new, argument="new")

    @pytest.mark.parametrize("head", [{"name": "a"}, [], {"__type": "Note", "__format": 1, "name": "b"}])
    def test_is_as_it_was_if_it_contains_none_or_has_it_already(self, head):
        assert Kind("note").renamed(head, "b") is head


def test_parts_are_declared_as_several_patterns():
    with pytest.raises(RegistryError, match=r"parts='/steps/\*': give several, as in parts=\['/steps/\*'\]"):
        kind_declared("recipe", name_field="name", parts="/steps/*")


def test_a_layout_is_read_once_for_all_documents_that_have_it():
    one, other = ({"__type": "B", "__format": 1, "__document": {"name": "id"}, "id": each} for each in ("x", "y"))

    assert kind_named("brewage").of(one) is kind_named("brewage").of(other)
    assert kind_named("brewage").of({**one, "__document": {"name": "title"}}).name_field == "title"


class TestAPieceThatDoesNotFit:
    def test_is_named_from_the_root_of_its_document(self):
        deep: Any = 1
        for _ in range(300):
            deep = [deep]

        with pytest.raises(EncodeError) as caught:
            piece("/steps/a~1b", {"x": deep})

        assert caught.value.pointer.startswith("/steps/a~1b/x/0/0/")

    def test_under_too_long_a_key_is_refused(self):
        with pytest.raises(EncodeError, match="at most 255 characters, and this has 307"):
            piece(f"/steps/{'k' * 300}", 1)


class TestAHeadThatIsNoObjectAnyMore:
    def test_cannot_take_the_place_of_one_with_parts(self):
        current = EXPERIMENT.split({"trials": {"0": {}}})

        with pytest.raises(PatchError, match="the head of a document with parts"):
            changeset_of(EXPERIMENT, {"": current[""]}, {"": piece("", [])})

    def test_takes_the_place_of_one_with_lists_of_parts_where_a_function_decided_so(self):
        kind = kind_declared("recipe", name_field="name", parts=["/steps/*"])
        three = [{"": {"__type": tag, "steps": []}} for tag in "abc"]

        pieces, conflicts = merged(kind, Sides(*three), decide=lambda conflict: "eaten")

        assert ({path: each.body for path, each in pieces.items()}, conflicts) == ({"": "eaten"}, ())
