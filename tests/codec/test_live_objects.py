"""An object in memory, looked into part by part and changed in place, where something unusual is found."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

import docstore
from docstore import registry
from docstore.codec.classes.class_fields import MISSING
from docstore.codec.live import edits
from docstore.codec.live.adopt import adopt
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.parts import Parts
from docstore.documents.kinds import HEAD
from docstore.errors import InvalidValueError, RegistryError
from docstore.registry.bundle import mapper_of
from docstore.testing.exact import identity


class Size(Enum):
    SMALL = 1
    LARGE = 2


@dataclass
class Box:
    name: str
    items: dict[str, Any] = field(default_factory=dict)
    layers: list[Any] = field(default_factory=list)
    by_size: dict[Size, int] = field(default_factory=dict)
    note: Any = None


@dataclass
class Sealed:
    """Written and read by functions."""

    name: str
    items: dict[str, Any] = field(default_factory=dict)


class Crate(BaseModel):
    name: str
    weight: int = 0
    height: int = 0


@pytest.fixture(autouse=True)
def _registered():
    with registry.scope():
        docstore.document(kind="box", parts=["/items/*", "/layers/*", "/by_size/*"])(Box)
        docstore.document(kind="crate")(Crate)
        docstore.document(kind="sealed", parts=["/items/*"])(Sealed)
        docstore.register(Sealed, encode=vars, decode=lambda members: Sealed(**members))
        yield


def live(obj: Any) -> LiveObject:
    return LiveObject(mapper_of(), obj)


def bring_up(obj: Any, changed: Any, saved: Any = None) -> set[str]:
    """Bring *obj* up to the head of *changed*, *saved* as the head of another object; return what was left."""
    mapper = mapper_of()
    heads = [mapper.document(each).pieces[HEAD].body for each in (changed, saved or obj)]
    return adopt(LiveObject(mapper, obj), {HEAD: heads[0]}, {HEAD: heads[1]})


class TestAPart:
    @pytest.mark.parametrize("pointer", ["/layers/-1", "/layers/01"])
    def test_of_a_list_is_not_counted_from_its_end(self, pointer):
        with pytest.raises(ValueError, match=pointer.rpartition("/")[2]):
            live(Box("b", layers=[1])).part(pointer)

    def test_of_a_field_without_parts_is_refused(self):
        with pytest.raises(RegistryError, match="no dict or list field stored as 'note'"):
            live(Box("b")).part("/note/0")

    def test_is_put_into_a_list_at_its_end_only(self):
        box = Box("b", layers=["first"])
        parts = Parts(mapper_of().codec)

        assert not parts.replace(box, "/layers/2", MISSING, "third")
        assert not parts.replace(box, "/layers/0", MISSING, "second")
        assert box.layers == ["first"]
        assert parts.replace(box, "/layers/1", MISSING, "second")

    def test_has_no_former_name_that_is_not_stored(self):
        box = Box("b", by_size={Size.SMALL: 1})

        assert live(box).stored_path("/by_size/SMALL", lambda: ["", "/by_size/LARGE", "/by_size/GIANT"]) is None

    def test_is_moved_in_a_dict_only(self):
        assert Parts(mapper_of().codec).move(Box("b", layers=[1]), "layers", {0: 1}, iter([2])) == {}


class TestAnObjectThatAFunctionEncodes:
    def test_has_parts_in_what_the_function_returns(self):
        assert set(live(Sealed("s", {"a": 1})).parts(["/items/a", "/items/b"])) == {"/items/a"}

    def test_has_the_head_that_the_function_returns(self):
        assert live(Sealed("s", {"a": 1})).frame(["/items/a"])["name"] == "s"

    def test_is_left_as_it_is_if_a_piece_cannot_be_decoded(self):
        sealed = Sealed("s", {"a": 1})

        left = adopt(live(sealed), {"/items/a": {"__type": "Unknown"}, "/items/b": {"__type": "date"}})

        assert (left, sealed) == ({"/items/a", "/items/b"}, Sealed("s", {"a": 1}))


class TestAnObjectThatIsBroughtUpToDate:
    def test_is_left_where_what_was_saved_cannot_be_decoded(self):
        box = Box("b", {"a": 1})

        left = adopt(live(box), {"/items/a": 2}, {"/items/a": {"__type": "date"}})

        assert (left, box.items) == ({"/items/a"}, {"a": 1})

    def test_knows_which_fields_of_a_pydantic_model_were_set(self):
        crate = Crate(name="c", weight=1)
        bring_up(crate, Crate(name="c", weight=1, height=2))

        assert identity(crate) == identity(Crate(name="c", weight=1, height=2))

    def test_takes_a_deeply_nested_value(self):
        def nested(depth: int, value: int) -> list[Any]:
            made: list[Any] = [value]
            for _ in range(depth):
                made = [made]
            return made

        box = Box("b", note=nested(150, 1))
        bring_up(box, Box("b", note=nested(150, 2)))

        assert box.note == nested(150, 2)

    def test_keeps_a_dict_whose_keys_cannot_be_told_apart(self):
        keys = [float("nan"), float("nan")]
        box = Box("b", note={keys[0]: 1, keys[1]: 2})
        bring_up(box, Box("b", note={math.nan: 3}))

        assert len(box.note) == 1

    def test_is_left_where_keys_that_cannot_be_told_apart_have_changed(self):
        box = Box("b", note={float("nan"): 1, math.nan: 5})

        left = bring_up(box, Box("b", note={math.nan: 3}), saved=Box("b", note={math.nan: 1}))

        assert (left, len(box.note)) == ({HEAD}, 2)


class TestAnEditOfWhatAnotherThreadChanged:
    """Each edit says from what to what; what is there by now is something else."""

    def test_leaves_the_item_of_a_dict(self):
        items = {"a": "theirs"}

        assert not edits.edit_dict(items, [("a", "old")], [("a", "new")])
        assert items == {"a": "theirs"}

    def test_leaves_a_dict_without_the_item(self):
        had, items = OrderedDict(a=1, b=2), OrderedDict(b=2)

        assert not edits.edit_dict(items, list(had.items()), [("b", had["b"]), ("a", 3)])
        assert items == OrderedDict(b=2)

    def test_leaves_the_items_of_a_list(self):
        items = ["theirs", "same"]

        assert not edits.edit_list(items, ["old", "same"], ["new", "same"])
        assert not edits.edit_list(items, ["old", "same"], ["same"])
        assert items == ["theirs", "same"]

    def test_leaves_the_attribute_of_an_object(self):
        box = Box("theirs")

        assert not edits.edit_object(box, {"name": "old"}, {"name": "new"}, ["name"])
        assert box.name == "theirs"

    def test_removes_an_attribute_with_and_without_slots(self):
        @dataclass(slots=True)
        class Tight:
            name: str

        for thing in (Box("b"), Tight("b")):
            assert edits.edit_object(thing, {"name": thing.name}, {}, ())
            assert edits.attribute(thing, "name") in (MISSING,)

    def test_finds_no_attribute_that_was_never_set(self):
        assert edits.attribute(Box("b"), "_cache") is MISSING


def test_a_part_of_a_document_that_holds_none_is_refused():
    with pytest.raises(InvalidValueError, match="Give one that Box holds"):
        live(Box("b")).paths_of(1)
