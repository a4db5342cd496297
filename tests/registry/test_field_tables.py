"""A class that declares no fields, such as one of a library, is stored by a table of its attributes."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from typing import Any

import pytest

import docstore
from docstore import registry
from docstore.errors import DecodeError, EncodeError, RegistryError
from docstore.registry import Field
from docstore.testing.exact import identity


@pytest.fixture(autouse=True)
def _forgotten(forgotten):
    """What a test registers is forgotten at its end."""


class Stage(Enum):
    MASH = 1
    BOIL = 2


class Vessel:
    """As a library writes it: private attributes behind properties, and a constructor that checks and works out."""

    def __init__(self, name: str) -> None:
        raise AssertionError("an object is read without its constructor")

    @property
    def name(self) -> str:
        return self._name.upper()

    @property
    def status(self) -> Stage:
        return self.__status

    @cached_property
    def longest(self) -> int:
        return max(map(len, self._hops))


def vessel(**attributes: Any) -> Vessel:
    made = object.__new__(Vessel)
    vars(made).update({"_name": "tun", "_Vessel__status": Stage.BOIL} | attributes)
    return made


def again(value: Any) -> Any:
    return docstore.loads(docstore.dumps(value))


def written(value: Any) -> Any:
    """Return the JSON of *value*, with every tag."""
    return json.loads(docstore.dumps(value))


STATUS = Field("_Vessel__status", Stage)


class TestAClassOfALibrary:
    @pytest.fixture(autouse=True)
    def _registered(self):
        docstore.register(Vessel, tag="lib.Vessel", fields=["_name", STATUS, "volume", Field("_memo", stored=False)])

    def test_comes_back_without_its_constructor(self):
        one = vessel(volume=(1, 2.0), _memo=object())

        loaded = again(one)

        assert vars(loaded) == {"_name": "tun", "_Vessel__status": Stage.BOIL, "volume": (1, 2.0)}

    def test_has_keys_without_what_marks_an_attribute_as_private(self):
        """A value whose attribute has no annotation is written by its own type, with a tag."""
        assert written(vessel(volume=(1,))) == {
            "__type": "lib.Vessel",
            "name": "tun",
            "status": "BOIL",
            "volume": {"__type": "tuple", "items": [1]},
        }

    def test_is_written_from_its_attributes_not_from_properties(self):
        assert written(vessel())["name"] == "tun"

    def test_lacks_afterwards_what_it_lacked_before(self):
        one = vessel()
        del one._name

        assert vars(again(one)) == {"_Vessel__status": Stage.BOIL}

    def test_is_refused_with_an_attribute_that_the_table_lacks(self):
        with pytest.raises(EncodeError) as raised:
            docstore.dumps({"tuns": [vessel(_lid=1, _tap=2)]})

        assert [error.pointer for error in raised.value.errors] == ["/tuns/0", "/tuns/0"]
        assert (
            "this Vessel has the attribute '_lid', which is not one of its fields and would be lost. Name it where its "
            "class is registered: register(..., fields=[..., '_lid']), or Field('_lid', stored=False)"
        ) in str(raised.value)

    def test_may_have_a_cached_property(self):
        one = vessel(_hops=["a", "bcd"])
        one.longest  # noqa: B018  # computed, and kept in the object
        del one._hops

        assert vars(again(one)) == vars(vessel())

    def test_is_refused_with_a_member_that_the_table_lacks(self):
        with pytest.raises(DecodeError, match=r"lib\.Vessel has the member 'lid', which Vessel lacks here"):
            docstore.loads(b'{"__type":"lib.Vessel","lid":1}')

    def test_names_each_place_that_cannot_be_written(self):
        with pytest.raises(EncodeError) as raised:
            docstore.dumps(vessel(_name=object(), volume=[1, object()]))

        assert [error.pointer for error in raised.value.errors] == ["/name", "/volume/1"]

    def test_is_proved(self):
        registry.prove(Vessel, vessel(volume=7))

    def test_has_an_upcast(self):
        docstore.register(
            Vessel, tag="lib.Vessel", fields=["_name", STATUS, Field("volume", factory=lambda: 5)], version=2
        )

        @registry.upcast("lib.Vessel", from_=1)
        def _(members: dict[str, Any]) -> dict[str, Any]:
            return {**members, "name": "old"}

        loaded = docstore.loads(b'{"__type":"lib.Vessel","name":"tun","status":"MASH"}')

        assert vars(loaded) == {"_name": "old", "_Vessel__status": Stage.MASH, "volume": 5}


class TestOptionalValues:
    @pytest.fixture(autouse=True)
    def _registered(self):
        docstore.register(Vessel, fields=["_name", STATUS, Field("_note", str | None, omits_none=True)])

    def test_none_is_not_written_where_the_table_says_so(self):
        one = vessel(_note=None)

        assert "note" not in written(one)
        assert vars(again(one)) == vars(one)

    def test_every_object_has_the_attribute_then(self):
        """As a document that lacks the key means None, it cannot mean a missing attribute too."""
        with pytest.raises(EncodeError, match="this Vessel has no attribute '_note', and its Field says"):
            docstore.dumps(vessel())

    def test_a_difference_counts_from_none(self):
        assert str(docstore.diff(vessel(_note=None), vessel(_note="x"))) == "note: null -> x"


class Keg:
    """Its index is worked out of a list, and refers to the list's items."""

    def __init__(self, taps: list[str]) -> None:
        self._by_name = OrderedDict((name, number) for number, name in enumerate(taps))
        self._memo: Any = None
        self._full = len(taps) > 1


def restore_keg(keg: Keg, taps: list[str]) -> None:
    keg._by_name = OrderedDict((name, number) for number, name in enumerate(taps))
    keg._full = len(taps) > 1


KEG = [
    Field("taps", list[str], get=lambda keg: list(keg._by_name)),
    Field("_by_name", stored=False),
    Field("_full", stored=False),
    Field("_memo", stored=False, factory=lambda: None),
]


class TestAttributesThatAreWorkedOut:
    def test_are_not_written_and_made_again_by_the_hook(self):
        docstore.register(Keg, fields=KEG, restored=restore_keg)
        keg = Keg(["b", "a"])
        keg._memo = object()

        loaded = again(keg)

        assert written(keg) == {"__type": "Keg", "taps": ["b", "a"]}
        assert vars(loaded) == vars(Keg(["b", "a"]))

    def test_a_hook_that_changes_what_is_stored_is_found_at_the_save(self):
        docstore.register(Keg, fields=KEG, restored=lambda keg, taps: restore_keg(keg, sorted(taps)))

        with pytest.raises(EncodeError, match=r"Keg\.taps: 'b' would come back as 'a'"):
            docstore.dumps(Keg(["b", "a"]))

    def test_a_hook_that_fails_says_whose_it_is(self):
        docstore.register(Keg, fields=KEG, restored=lambda keg, taps: keg.no_such)

        with pytest.raises(DecodeError, match="Keg cannot be made of what was stored: 'Keg' object has no attribute"):
            docstore.loads(b'{"__type":"Keg","taps":[]}')


class Slotted:
    __slots__ = ("_a", "b")


class Guarded:
    """Setting an attribute runs code of the class."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError("no code of the class is called")


class TestAnyLayoutOfAttributes:
    def test_slots_are_attributes_too(self):
        docstore.register(Slotted, fields=["_a", "b"])
        one = Slotted()
        one._a = 1

        loaded = again(one)

        assert (loaded._a, hasattr(loaded, "b")) == (1, False)

    def test_a_slot_that_the_table_lacks_is_refused(self):
        docstore.register(Slotted, fields=["_a"])
        one = Slotted()
        one.b = 1

        with pytest.raises(EncodeError, match="this Slotted has the attribute 'b'"):
            docstore.dumps(one)

    def test_code_that_guards_attributes_is_not_called(self):
        docstore.register(Guarded, fields=["x"])
        one = Guarded()
        vars(one)["x"] = 1

        assert vars(again(one)) == {"x": 1}


class TestTheOrderOfADict:
    """Plain JSON text has sorted keys; the order of a dict is stored where its field says that it matters."""

    @pytest.fixture(autouse=True)
    def _registered(self):
        docstore.register(Vessel, fields=["_name", STATUS, Field("steps", dict[str, Any] | None, keeps_order=True)])

    def test_is_kept(self):
        steps = {"mash": (66, 1.0), "boil": {"z": 1}, "cool": None}

        loaded = again(vessel(steps=steps))

        assert list(loaded.steps) == ["mash", "boil", "cool"]
        assert identity(loaded.steps) == identity(steps)

    @pytest.mark.parametrize("steps", [None, {}, {2: "b", 1: "a"}, OrderedDict(b=1, a=2), [1]], ids=repr)
    def test_of_any_other_value_comes_back_as_it_was(self, steps):
        loaded = again(vessel(steps=steps)).steps

        assert identity(loaded) == identity(steps)
        assert list(loaded or ()) == list(steps or ())

    def test_makes_another_document(self):
        assert docstore.dumps(vessel(steps={"a": 1, "b": 2})) != docstore.dumps(vessel(steps={"b": 2, "a": 1}))

    def test_a_dict_stored_before_without_its_order_is_read(self):
        text = b'{"__type":"Vessel","name":"tun","status":"BOIL","steps":{"b":1,"a":2}}'

        assert docstore.loads(text).steps == {"b": 1, "a": 2}

    def test_an_error_names_the_place(self):
        with pytest.raises(EncodeError) as raised:
            docstore.dumps(vessel(steps={"mash": object()}))

        assert raised.value.pointer == "/steps/mash"


class TestTimes:
    @pytest.mark.parametrize(
        "moment",
        [datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 10, 25, 2, fold=1)],
        ids=repr,
    )
    def test_keep_their_zone_or_have_none(self, moment):
        docstore.register(Vessel, fields=["_name", STATUS, Field("_filled", datetime | None)])

        assert identity(again(vessel(_filled=moment))._filled) == identity(moment)


class TestADocument:
    """A table and a kind together: the fields go by their keys."""

    @pytest.fixture(autouse=True)
    def _registered(self):
        docstore.register(Vessel, fields=["_name", STATUS, Field("_logs", dict[int, str], key="logs")])
        docstore.document(kind="vessel", status="status", parts=["/logs/*"])(Vessel)

    def test_is_saved_found_and_loaded(self, store):
        store.save(vessel(_logs={1: "full"}))

        assert store.find(kind="vessel", status="BOIL").names() == ["tun"]
        assert vars(store.load("tun", kind="vessel")) == vars(vessel(_logs={1: "full"}))

    def test_is_updated_in_place_by_what_others_changed(self, store):
        mine = vessel(_logs={1: "full"})
        store.save(mine)
        yours = store.load("tun", kind="vessel")
        yours._logs[2] = "hot"
        vars(yours)["_Vessel__status"] = Stage.MASH
        store.save(yours)
        mine._logs[3] = "cold"

        store.save(mine)

        assert vars(mine) == vars(vessel(_logs={1: "full", 2: "hot", 3: "cold"}, _Vessel__status=Stage.MASH))

    def test_has_an_index_of_what_it_holds_itself_after_an_update_in_place(self, store):
        """What a hook worked out of another person's object refers to that object's parts."""

        class Rack:
            pass

        def restore(rack: Any) -> None:
            rack._by_name = {keg["name"]: keg for keg in rack.kegs}

        fields = ["name", Field("kegs", list[dict[str, Any]]), Field("_by_name", stored=False)]
        docstore.register(Rack, fields=fields, restored=restore)
        docstore.document(kind="rack", keyed={"/kegs": "name"})(Rack)
        mine = Rack()
        vars(mine).update(name="r", kegs=[{"name": "a", "litres": 1}])
        restore(mine)
        store.save(mine)
        yours: Any = store.load("r", kind="rack")
        yours.kegs.append({"name": "b", "litres": 2})
        restore(yours)
        store.save(yours)
        mine._by_name["a"]["litres"] = 5

        store.save(mine)

        assert mine.kegs == [{"name": "a", "litres": 5}, {"name": "b", "litres": 2}]
        assert [mine._by_name[name] for name in ("a", "b")] == mine.kegs
        assert all(mine._by_name[keg["name"]] is keg for keg in mine.kegs)

    def test_has_no_field_by_a_private_name(self):
        with pytest.raises(
            RegistryError, match="Vessel has no stored field '_name' for name=; it has name, status, log"
        ):
            docstore.document(kind="vessel", name="_name")(Vessel)


class Kettle(Vessel):
    def __init__(self, name: str, power: int, **options: Any) -> None:
        self._name = name
        self.power = power


class TestASubclassOfAClassWithATable:
    @pytest.fixture(autouse=True)
    def _registered(self):
        docstore.register(Vessel, fields=["_name", STATUS, Field("_memo", stored=False)])

    def test_has_its_fields_and_the_arguments_of_its_own_constructor(self):
        docstore.register(Kettle)
        kettle = Kettle("k", 2000)

        assert written(kettle) == {"__type": "Kettle", "name": "k", "power": 2000}
        assert vars(again(kettle)) == {"_name": "k", "power": 2000}

    def test_has_its_fields_and_those_that_it_gives(self):
        docstore.register(Kettle, fields=["power", "litres"])
        kettle = Kettle("k", 2000)
        kettle.litres = 1.5

        assert vars(again(kettle)) == {"_name": "k", "power": 2000, "litres": 1.5}

    def test_may_store_a_field_otherwise(self):
        docstore.register(Kettle, fields=["power", Field("_name", key="label")])

        assert written(Kettle("k", 1)) == {"__type": "Kettle", "label": "k", "power": 1}

    def test_may_be_written_by_functions(self):
        docstore.register(Kettle, encode=lambda kettle: kettle._name, decode=lambda name: Kettle(name, 0))

        assert vars(again(Kettle("k", 1))) == {"_name": "k", "power": 0}

    def test_is_refused_with_an_attribute_that_is_no_argument(self):
        docstore.register(Kettle)
        kettle = Kettle("k", 1)
        kettle.litres = 1.5

        with pytest.raises(EncodeError, match="'litres', which is not one of its fields"):
            docstore.dumps(kettle)


class TestATableThatContradictsItself:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ("_name", "fields='_name': give a list of names and Fields"),
            ({"_name": "name"}, "fields={'_name': 'name'}: give a list of names and Fields"),
            (["_name", "name"], "the fields '_name' and 'name' share the key 'name'"),
            (["_name", "_name"], "the fields '_name' and '_name' share the key 'name'"),
            ([Field("x", key="__type")], "the field 'x' cannot be stored under the key '__type'"),
            ([Field("x", "int")], r"Field\('x'\) is annotated 'int', a text. Give the type itself"),
            ([Field("x", stored=False, omits_none=True)], r"Field\('x'\) is not stored, and so has no key"),
            ([Field("x", factory=int, omits_none=True)], "means None, or what factory= makes"),
            ([Field("x", list, keeps_order=True)], "keeps_order= is for a dict"),
            ([Field("x", get=len)], "fields with get= need restored="),
            ([Field("x", set[list[int]])], "a list can be no item of a set"),
            ([Field("x", memoryview)], "memoryview cannot be stored"),
            ([7], "7 is no field"),
        ],
        ids=repr,
    )
    def test_is_refused_with_the_remedy(self, fields, message):
        with pytest.raises(RegistryError, match=message):
            docstore.register(Vessel, fields=fields)

    def test_goes_with_no_functions(self):
        with pytest.raises(RegistryError, match="give fields=, or encode= and decode=, and not both"):
            docstore.register(Vessel, fields=["_name"], encode=str, decode=str)

    def test_is_needed_for_a_hook(self):
        with pytest.raises(RegistryError, match="restored= goes with fields="):
            docstore.register(Vessel, restored=print)

    def test_is_not_for_a_class_that_says_itself_what_is_stored(self):
        with pytest.raises(RegistryError, match="the class says itself what is stored"):
            docstore.register(Stage, fields=["value"])
