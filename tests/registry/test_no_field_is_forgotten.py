"""No field is forgotten: in every class that can be stored, a change of any one field survives a round trip.

The samples below are made from the annotations. A field whose annotation the filler does not know, or a class that no
document holds, fails here until someone says what a value of it looks like.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from functools import cache
from typing import Any

import pytest
from samples import CLASSES, Filler, default_of, sample

import docstore
from docstore import model
from docstore.codec import Codec
from docstore.codec.classes import stored_fields as fields
from docstore.codec.registry import Entry
from docstore.codec.values.by_annotation import shape_of
from docstore.documents.canonical import TAG, dumps, loads
from docstore.errors import DecodeError, EncodeError
from docstore.registry.model_classes import model_registry
from docstore.testing.exact import identity

CODEC = Codec(model_registry())

NOT_STORED = {
    ("BaseTrial", "_experiment"): "points back at the owner",
    ("Experiment", "_arm_index"): "is worked out from the trials",
    ("Objective", "_parts"): "is worked out from the expression",
}
"""By the class that declares it, each field that is left out on purpose, and why nothing is lost."""

IN_NO_DOCUMENT: dict[type, str] = {model.Artifact: "no field is declared to have one: it stands where any value may"}
"""Each class that is in no document, and why."""


# --- samples: a value in every field that is not its default ---------------------------------------------------------


def stored(cls: type) -> list[str]:
    """Return what must survive, from the class itself: the codec's own list is what is under test."""
    return [field.name for field in dataclasses.fields(cls) if field.metadata.get("stored", True)]


def with_another(name: str, original: Any) -> Any:
    """Return a copy of *original* in which the field *name*, and nothing else, has another value."""
    filler = Filler()
    filler._inside.append(type(original))
    changed = copy(original)
    present = getattr(original, name)
    setattr_raw(changed, name, filler.unlike(present, type(original), name, typing.get_type_hints(type(original))))
    return changed


def setattr_raw(instance: Any, name: str, value: Any) -> None:
    vars(instance)[name] = value


FIELDS = [pytest.param(cls, name, id=f"{cls.__name__}.{name}") for cls in CLASSES for name in (stored(cls) or ())]


READ_WHEN_LOADED = {
    ("Experiment", "_data"),
    ("Experiment", "_trials"),
    ("Experiment", "search_space"),
    ("MultiTypeExperiment", "_data"),
    ("MultiTypeExperiment", "_trials"),
    ("MultiTypeExperiment", "search_space"),
    ("MultiObjective", "expression"),
    ("MultiObjective", "metrics"),
    ("Objective", "expression"),
    ("Objective", "metrics"),
    ("ScalarizedObjective", "expression"),
    ("ScalarizedObjective", "metrics"),
}
"""From these something is worked out on loading: None, which the model never puts there, is refused."""


def set_apart(keep: Callable[[type, str], bool]) -> list[Any]:
    """Return the cases of FIELDS, each a class and a field's name, that *keep* approves of."""
    return [case for case in FIELDS if keep(*case.values)]


# --- the promise -----------------------------------------------------------------------------------------------------


def check_survives(codec: Codec, original: Any, changed: Any) -> None:
    """Fail unless the difference of the two is written, and both come back exactly."""
    assert dumps(codec.encode(changed)) != dumps(codec.encode(original))
    for each in (original, changed):
        assert identity(codec.decode(loads(dumps(codec.encode(each))))) == identity(each)


class TestAFieldOfAnObject:
    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_is_written_and_comes_back_as_every_other(self, cls, name):
        original = sample(cls)

        check_survives(CODEC, original, with_another(name, original))

    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_is_written_as_one_member_and_changes_no_other(self, cls, name):
        original = sample(cls)
        changed = with_another(name, original)

        before, after = loads(docstore.dumps(original)), loads(docstore.dumps(changed))

        key = name.removeprefix("_")
        assert before.keys() - {key} == after.keys() - {key}
        assert [each for each in before.keys() | after.keys() if before.get(each) != after.get(each)] == [key]

    @pytest.mark.parametrize(("cls", "name"), set_apart(lambda cls, name: (cls.__name__, name) not in READ_WHEN_LOADED))
    def test_of_none_comes_back_as_none(self, cls, name):
        """Whatever the annotation says: what a user has put there is kept."""
        changed = copy(sample(cls))
        setattr_raw(changed, name, None)

        assert identity(docstore.loads(docstore.dumps(changed))) == identity(changed)

    @pytest.mark.parametrize(("cls", "name"), set_apart(lambda cls, name: (cls.__name__, name) in READ_WHEN_LOADED))
    def test_of_none_is_refused_where_something_is_worked_out_from_it(self, cls, name):
        changed = copy(sample(cls))
        setattr_raw(changed, name, None)

        with pytest.raises(DecodeError, match=f"{cls.__name__}|at /{name.removeprefix('_')}: "):
            docstore.loads(docstore.dumps(changed))

    @pytest.mark.parametrize("cls", CLASSES)
    def test_all_are_members_of_the_json_beside_the_tag(self, cls):
        members = loads(docstore.dumps(sample(cls)))

        assert members.keys() - {TAG, "__format"} == {name.removeprefix("_") for name in stored(cls)}


# --- in a whole document ---------------------------------------------------------------------------------------------


DOCUMENTS = [entry.cls for entry in model_registry().entries if entry.kind is not None]


def objects(value: Any) -> Iterator[Any]:
    """Yield every object of the model in *value*, itself first; the way back to an owner is not taken."""
    if type(value) in CLASSES:
        yield value
        for name in stored(type(value)):
            yield from objects(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from objects(item)


@cache
def some_documents() -> list[Any]:
    """Return several documents of each kind, as what stands in a field that allows several classes differs."""
    filler = Filler()
    return [filler.instance(kind) for _ in range(8) for kind in DOCUMENTS]


@cache
def document_with(cls: type) -> Any:
    """Return a document that holds an instance of *cls*, itself or further in; None if there is none."""
    return next((each for each in some_documents() if any(type(inner) is cls for inner in objects(each))), None)


@cache
def text_with(cls: type) -> bytes:
    """The text of ``document_with``."""
    return docstore.dumps(document_with(cls))


def inner_of(document: Any, cls: type) -> Any:
    """Return the last of the instances of *cls* in *document*: the one that lies deepest, or furthest behind."""
    return [each for each in objects(document) if type(each) is cls][-1]


class TestAFieldInsideADocument:
    @pytest.mark.parametrize(("cls", "name"), set_apart(lambda cls, name: cls not in IN_NO_DOCUMENT))
    def test_comes_back_with_the_whole_document(self, cls, name):
        changed = deepcopy(document_with(cls))
        inner = inner_of(changed, cls)
        setattr_raw(inner, name, getattr(with_another(name, inner), name))

        text = docstore.dumps(changed)

        assert text != text_with(cls)
        assert identity(docstore.loads(text)) == identity(changed)

    @pytest.mark.parametrize("cls", DOCUMENTS)
    def test_is_in_the_digest_of_the_document(self, cls):
        original = sample(cls)

        digests = {docstore.digest(with_another(name, original)) for name in stored(cls) if name != "name"}

        assert len({*digests, docstore.digest(original)}) == len(stored(cls))

    @pytest.mark.parametrize(
        "cls",
        [
            model.AbandonedArm,
            model.Arm,
            model.AuxiliaryExperiment,
            model.BatchTrial,
            model.Data,
            model.GeneratorRun,
            model.MapMetric,
            model.Metric,
            model.Runner,
            model.SearchSpace,
            model.Trial,
        ],
    )
    @pytest.mark.parametrize("document", [model.Experiment, model.MultiTypeExperiment])
    def test_stands_in_an_experiment_and_in_one_of_several_types(self, document, cls):
        """That the cases above do go through trials, batch trials, data and auxiliary experiments."""
        assert any(type(each) is cls for each in objects(sample(document)))


# --- what keeps the test complete ------------------------------------------------------------------------------------


class TestWhoeverAddsAFieldOrAClass:
    def test_finds_every_class_of_the_model_here(self):
        assert set(CLASSES) == set(model.CLASSES)

    @pytest.mark.parametrize("cls", CLASSES)
    def test_finds_a_document_that_holds_it(self, cls):
        assert (document_with(cls) is None) == (cls in IN_NO_DOCUMENT)

    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_finds_no_default_in_a_sample(self, cls, name):
        field = next(field for field in dataclasses.fields(cls) if field.name == name)

        assert identity(getattr(sample(cls), name)) != identity(default_of(field))

    @pytest.mark.parametrize("cls", CLASSES)
    def test_has_said_why_a_field_is_not_stored(self, cls):
        unstored = {name for name in fields.unstored_names(cls) if name in {f.name for f in dataclasses.fields(cls)}}

        assert unstored == {name for owner, name in NOT_STORED if owner in {base.__name__ for base in cls.__mro__}}

    @pytest.mark.parametrize("enum", model.ENUMS)
    def test_finds_every_member_of_an_enum_come_back(self, enum):
        members = list(enum)

        assert identity(docstore.loads(docstore.dumps(members))) == identity(members)

    def test_is_told_when_no_sample_is_known_for_an_annotation(self):
        @dataclasses.dataclass
        class Newcomer:
            wheel: bytes = b""

        with pytest.raises(LookupError, match=r"Newcomer\.wheel: no sample of <class 'bytes'>"):
            Filler().field(Newcomer, "wheel", bytes)


# --- what shows that the test has teeth ------------------------------------------------------------------------------


STORED_FIELDS = cache(fields.stored_fields)
"""They are found by reading constructors, for each codec; here is one for each case."""


@pytest.fixture
def forget(monkeypatch):
    """Give a function that makes the codec leave out one field of one class, as if it had never been thought of."""

    def leave_out(cls: type, name: str, *, on_purpose: bool) -> None:
        unstored_names = fields.unstored_names
        monkeypatch.setattr(
            fields,
            "stored_fields",
            lambda c: tuple(field for field in STORED_FIELDS(c) if c is not cls or field.name != name),
        )
        if on_purpose:
            monkeypatch.setattr(
                fields, "unstored_names", lambda c: unstored_names(c) | ({name} if c is cls else frozenset())
            )

    return leave_out


class TestAnEncoderThatForgetsAField:
    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_is_reported_by_the_check_above(self, forget, cls, name):
        """As ``metadata=NOT_STORED`` would do it: nothing is refused, the field is just not there."""
        original = sample(cls)
        changed = with_another(name, original)
        forget(cls, name, on_purpose=True)

        with pytest.raises(AssertionError):
            check_survives(Codec(model_registry()), original, changed)

    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_is_refused_by_the_codec_itself_if_the_class_does_not_say_so(self, forget, cls, name):
        original = sample(cls)
        forget(cls, name, on_purpose=False)

        with pytest.raises(EncodeError, match=f"'{name}'"):
            Codec(model_registry()).encode(original)


class TestADecoderThatForgetsAField:
    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_is_reported(self, cls, name):
        original = sample(cls)
        members = loads(docstore.dumps(original))
        members.pop(name.removeprefix("_"))

        assert identity(_loaded_or_none(members)) != identity(original)

    @pytest.mark.parametrize(("cls", "name"), FIELDS)
    def test_is_reported_where_two_fields_are_exchanged(self, cls, name):
        """No two fields of a sample have the same value, or a decoder that mixes them up would pass."""
        original = sample(cls)
        others = [other for other in stored(cls) if other != name and type(getattr(original, other)) is not bool]

        assert identity(getattr(original, name)) not in [identity(getattr(original, other)) for other in others]


def _loaded_or_none(members: Any) -> Any:
    try:
        return docstore.loads(dumps(members))
    except DecodeError:
        return None


def test_an_entry_that_writes_a_class_by_hand_is_held_to_the_same():
    """An encoder with a field missing beside a decoder that knows them all."""
    whole = model.Arm({"x": 0.5}, "0_0")
    entry = Entry(
        model.Arm,
        "Arm",
        encode=lambda arm: {"parameters": arm.parameters},
        decode=lambda members: model.Arm(members["parameters"], members.get("name")),
    )
    codec = Codec(model_registry().with_entries([entry]))

    with pytest.raises(AssertionError):
        check_survives(codec, whole, model.Arm({"x": 0.5}, "0_1"))


def test_a_field_of_no_known_shape_is_still_written():
    """The shapes are a shorthand; none of them decides whether a value is stored."""
    codec = Codec(model_registry())

    assert shape_of(Any, codec._plain) is codec._plain
