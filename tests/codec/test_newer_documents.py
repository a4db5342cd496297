"""A program reads what a newer one wrote: all of it comes through a load and a save, or the load is refused."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, Flag
from typing import Any, NamedTuple

import attr
import attrs
import msgspec
import pydantic
import pytest
from pydantic import BaseModel, ConfigDict

import docstore
from docstore import registry
from docstore.codec import side_data
from docstore.codec.classes import stored_fields
from docstore.errors import DecodeError, NewerSchemaError


@pytest.fixture(autouse=True)
def _forgotten():
    """What a test registers is forgotten at its end."""
    with registry.scope():
        yield


@dataclass
class AsDataclass:
    a: int = 0


@dataclass(frozen=True)
class AsFrozen:
    a: int = 0


@dataclass(slots=True, weakref_slot=True)
class AsSlots:
    a: int = 0


@attrs.define
class AsAttrs:
    a: int = 0


@attrs.frozen(slots=False)
class AsFrozenAttrs:
    a: int = 0


class AsStruct(msgspec.Struct, weakref=True):
    a: int = 0


class AsStructWithDict(msgspec.Struct, dict=True):
    a: int = 0


class AsModel(BaseModel):
    a: int = 0


class AsFrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")
    a: int = 0


@pydantic.dataclasses.dataclass
class AsCheckedDataclass:
    a: int = 0


class ByHand:
    def __init__(self, a: int = 0) -> None:
        self.a = a


CLASSES = [
    *(AsDataclass, AsFrozen, AsSlots, AsAttrs, AsFrozenAttrs, AsStruct, AsStructWithDict, AsModel, AsFrozenModel),
    *(AsCheckedDataclass, ByHand),
]


@dataclass(slots=True)
class TightDataclass:
    a: int = 0


class TightStruct(msgspec.Struct):
    a: int = 0


@attr.s(slots=True, weakref_slot=False)
class TightAttrs:
    a = attr.ib(default=0, type=int)


class Pair(NamedTuple):
    a: int
    b: int = 0


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Right(Flag):
    READ = 1
    WRITE = 2


def newer(cls: type, *, compatible_from: Any = 1, **members: Any) -> dict[str, Any]:
    """Return the JSON of an object of *cls* that a program at schema 3 wrote."""
    tagged = {"__type": cls.__name__, "__schema": 3, **members}
    return tagged if compatible_from is None else {**tagged, "__compatible_from": compatible_from}


def loaded(json_: Any, **options: Any) -> Any:
    return docstore.loads(json.dumps(json_), **options)


def written(value: Any) -> Any:
    return json.loads(docstore.dumps(value))


class TestADocumentThatOlderProgramsMayRead:
    @pytest.mark.parametrize("cls", CLASSES)
    def test_is_an_object_of_the_class_here(self, cls):
        docstore.register(cls)

        read = loaded(newer(cls, a=1, colour="green"))

        assert (type(read), read.a) == (cls, 1)
        assert not isinstance(read, BaseModel) or read == cls(a=1)

    @pytest.mark.parametrize("cls", CLASSES)
    def test_is_written_back_with_all_that_is_new_in_it(self, cls):
        docstore.register(cls)
        document = {"in": [newer(cls, a=1, colour={"deep": [1.0]}), newer(cls, a=2, colour=None)]}

        assert written(loaded(document)) == document

    @pytest.mark.parametrize("cls", CLASSES)
    def test_is_written_back_with_what_was_changed_here(self, cls):
        docstore.register(cls)
        read = loaded(newer(cls, a=1, colour="green"))

        stored_fields.assign(read, "a", 7)

        assert written(read) == newer(cls, a=7, colour="green")

    @pytest.mark.parametrize("cls", CLASSES)
    def test_leaves_other_objects_of_the_class_as_they_are(self, cls):
        docstore.register(cls)
        _kept = loaded(newer(cls, a=1, colour="green"))

        assert written(cls(a=1)) == {"__type": cls.__name__, "a": 1}

    @pytest.mark.parametrize("cls", CLASSES)
    def test_is_taken_on_whole_by_an_object_of_the_class(self, cls):
        docstore.register(cls)
        document = newer(cls, a=1, colour="green")
        target = cls(a=5)

        stored_fields.replace_attributes(target, loaded(document))

        assert written(target) == document

    @pytest.mark.parametrize("cls", CLASSES)
    def test_gives_way_whole_to_an_object_that_is_not_newer(self, cls):
        docstore.register(cls)
        target = loaded(newer(cls, a=1, colour="green"))

        stored_fields.replace_attributes(target, cls(a=5))

        assert written(target) == {"__type": cls.__name__, "a": 5}

    def test_keeps_what_was_not_set_of_a_model(self):
        docstore.register(AsModel)
        document = newer(AsModel, a=1, colour="green", __set=["colour"])

        assert written(loaded(document)) == document

    @pytest.mark.parametrize("cls", [AsSlots, AsAttrs, AsStruct, AsModel])
    def test_is_forgotten_with_its_object(self, cls):
        docstore.register(cls)
        gc.collect()
        before = len(side_data.BESIDE)
        read = loaded(newer(cls, a=1, colour="green"))
        assert len(side_data.BESIDE) == before + 1

        del read
        gc.collect()

        assert len(side_data.BESIDE) == before

    @pytest.mark.parametrize("cls", [AsDataclass, AsAttrs, AsModel])
    def test_with_a_known_field_that_cannot_be_read_is_wrong_as_any_other(self, cls):
        docstore.register(cls)

        with pytest.raises(DecodeError) as caught:
            loaded({"in": newer(cls, a={"__type": "datetime", "value": "x"}, colour="green")})

        assert type(caught.value) is DecodeError
        assert caught.value.pointer == "/in/a"

    def test_without_a_field_that_is_needed_here_is_wrong_as_any_other(self):
        @docstore.register
        @dataclass
        class Needs:
            a: int

        with pytest.raises(DecodeError, match="it is missing") as caught:
            loaded(newer(Needs, colour="green"))

        assert caught.value.pointer == "/a"


class TestWhatHasNoPlaceForWhatIsNew:
    @pytest.mark.parametrize(
        ("cls", "reason"),
        [
            (TightDataclass, r"slots only.* weakref_slot=True"),
            (TightStruct, r"slots only.* weakref=True of a Struct"),
            (TightAttrs, r"slots only"),
            (Pair, r"a tuple, which has no place"),
        ],
    )
    def test_is_refused_with_both_numbers_and_the_reason(self, cls, reason):
        docstore.register(cls)

        with pytest.raises(
            NewerSchemaError, match=rf"has schema 3, and the class here has schema 1, .*{reason}"
        ) as caught:
            loaded(newer(cls, a=1, colour="green"))

        assert (caught.value.found, caught.value.known, caught.value.pointer) == (3, 1, "")

    def test_is_refused_where_a_function_of_the_class_reads_it(self):
        docstore.register(ByHand, encode=lambda value: {"a": value.a}, decode=lambda members: ByHand(members["a"]))

        with pytest.raises(NewerSchemaError, match=r"schema 1, whose own function reads it"):
            loaded(newer(ByHand, a=1, colour="green"))

    @pytest.mark.parametrize("cls", [TightDataclass, Pair, Colour])
    def test_can_be_kept_unread(self, cls):
        docstore.register(cls)
        document = {"in": [newer(cls, a=1, colour="green")]}

        kept = loaded(document, unknown="keep")

        assert type(kept["in"][0]) is docstore.UnknownObject
        assert written(kept) == document


class TestAMemberOfANewerEnum:
    def test_that_is_known_here_is_read(self):
        docstore.register(Colour)
        docstore.register(Right)

        assert loaded([newer(Colour, name="RED"), newer(Right, value=3)]) == [Colour.RED, Right.READ | Right.WRITE]

    @pytest.mark.parametrize(
        ("document", "reason"),
        [
            (newer(Colour, name="GREEN"), "and Colour has no such member: 'GREEN'"),
            (newer(Colour, name="RED", shade=3), "an enum, which has no place"),
            (newer(Colour, name="RED", compatible_from=None), ""),
            (newer(Colour, name="RED", compatible_from=2), ""),
        ],
    )
    def test_that_is_not_or_that_says_more_is_refused_with_both_numbers(self, document, reason):
        docstore.register(Colour)

        with pytest.raises(NewerSchemaError, match=f"Colour has schema 3, and the class here has schema 1.*{reason}"):
            loaded(document)


class TestADocumentThatOlderProgramsMayNotRead:
    MAKERS: tuple[Callable[[type], Any], ...] = (
        lambda cls: newer(cls, a=1, compatible_from=None),
        lambda cls: newer(cls, a=1, compatible_from=2),
        lambda cls: newer(cls, a=1, compatible_from="1"),
    )

    @pytest.mark.parametrize("cls", [*CLASSES, TightDataclass, Pair, Colour])
    @pytest.mark.parametrize("document", MAKERS)
    def test_is_refused_with_both_numbers_and_no_other_reason(self, cls, document):
        docstore.register(cls)

        with pytest.raises(NewerSchemaError, match=r"the class here has schema 1\. Load it") as caught:
            loaded(document(cls))

        assert (caught.value.found, caught.value.known, caught.value.reason) == (3, 1, "")
