"""Members of docstore's own objects that are not written if they are None, and are read as None."""

from __future__ import annotations

from typing import Any

import pytest
from stored_forms import OPTIONAL

from docstore import ABSENT
from docstore.documents.canonical import dumps
from docstore.documents.diff.diff import of_documents
from docstore.documents.kinds import Kind, kind_declared
from docstore.documents.merge.resolve import all_places, merged, resolve
from docstore.documents.merge.three_way import Sides
from docstore.documents.optional_members import is_optional, value_at, with_nulls, without_nulls
from docstore.errors import DecodeError
from docstore.model import CLASSES

NOTE = Kind("note")
RECIPE = kind_declared("recipe", name_field="name", parts=["/steps/*"])

ARM: dict[str, Any] = {"__type": "Arm", "parameters": {"x": 1}}
"""An arm as it is written; its name is None."""

LOAF: dict[str, Any] = {"__type": "Loaf", "crust": None, "arms": [ARM, {"arm": {**ARM, "name": "0_0"}}]}
"""An object of a user's class, with arms in it."""


def loaf(**arm: Any) -> dict[str, Any]:
    """The loaf, with other members of its first arm."""
    return {**LOAF, "arms": [{**ARM, **arm}, LOAF["arms"][1]]}


class TestTheValueAtAPointer:
    @pytest.mark.parametrize("pointer", ["/arms/0/name", "/crust"])
    def test_is_none_for_an_optional_member_that_is_left_out_and_for_one_that_is_null(self, pointer):
        assert value_at(LOAF, pointer, OPTIONAL) is None

    @pytest.mark.parametrize(
        ("pointer", "where"),
        [
            ("/arms/0/nmae", "/arms/0/nmae"),
            ("/name", "/name"),
            ("/arms/0/parameters/name", "/arms/0/parameters/name"),
            ("/arms/1/name", "/arms/1/name"),
            ("/arms/0/name/0", "/arms/0/name"),
            ("/arms/7/name", "/arms/7"),
            ("arms", ""),
        ],
        ids=[
            "misspelt",
            "of a user's class",
            "of a dict",
            "of another dict",
            "below None",
            "of no object",
            "no pointer",
        ],
    )
    def test_is_an_error_for_whatever_else_is_not_there(self, pointer, where):
        with pytest.raises(DecodeError) as raised:
            value_at(LOAF, pointer, OPTIONAL)

        assert raised.value.pointer == where
        assert not is_optional(LOAF, pointer, OPTIONAL)


class TestNulls:
    """The same document with every member, and without those that are None."""

    def test_are_put_where_an_object_of_docstores_own_lacks_a_member(self):
        assert with_nulls(LOAF, OPTIONAL) == loaf(name=None)

    def test_are_taken_out_of_objects_of_docstores_own_alone(self):
        assert dumps(without_nulls(loaf(name=None), OPTIONAL)) == dumps(LOAF)

    def test_no_argument_is_changed_and_what_stays_is_shared(self):
        before = dumps(LOAF)
        filled: Any = with_nulls(LOAF, OPTIONAL)

        assert dumps(LOAF) == before
        assert filled["arms"][1] is LOAF["arms"][1]
        assert with_nulls(filled, OPTIONAL) is filled
        assert without_nulls(LOAF, OPTIONAL) is LOAF

    @pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
    def test_of_any_class_are_put_in_and_taken_out_again(self, cls):
        empty = {"__type": cls.__name__}

        assert without_nulls(with_nulls(empty, OPTIONAL), OPTIONAL) == empty


class TestADifference:
    """In words, a member that is left out was None; the patch has what is stored."""

    @pytest.mark.parametrize("was", [ARM, {**ARM, "name": None}], ids=["left out", "null"])
    def test_of_a_member_that_gets_a_value_reads_as_a_change_of_none(self, was):
        diff = of_documents(NOTE, {"a": was}, {"a": {**ARM, "name": "1_0"}}, OPTIONAL)

        assert diff.words == ('a/name: null -> "1_0"',)

    def test_of_a_member_that_is_left_out_now_reads_as_a_change_to_none(self):
        diff = of_documents(NOTE, {"a": {**ARM, "name": "1_0"}}, {"a": ARM}, OPTIONAL)

        assert diff.words == ('a/name: "1_0" -> null',)
        assert diff.patch == ({"op": "remove", "path": "/a/name"},)

    def test_of_a_null_that_is_left_out_now_has_a_patch_and_no_words(self):
        diff = of_documents(NOTE, {"a": {**ARM, "name": None}}, {"a": ARM}, OPTIONAL)

        assert (str(diff), bool(diff)) == ("no difference", True)

    def test_of_documents_that_are_split_otherwise_reads_the_same(self):
        """Such are compared as wholes."""
        listed, named = {"steps": [], "a": {**ARM, "name": None}}, {"steps": {}, "a": ARM}

        diff = of_documents(RECIPE, listed, named, OPTIONAL)

        assert diff.words == ("steps: [] -> {}",)


class TestAMerge:
    """Both people's changes, where some members are null and others are left out."""

    @staticmethod
    def merge(base: Any, mine: Any, theirs: Any) -> Any:
        pieces, conflicts = merged(
            NOTE, Sides(*({"": {"a": each}} for each in (base, mine, theirs))), optional=OPTIONAL
        )
        return pieces[""].body["a"], [(each.pointer, each.base, each.mine, each.theirs) for each in conflicts]

    @pytest.mark.parametrize("base", [ARM, {**ARM, "name": None}], ids=["left out", "null"])
    def test_keeps_what_one_set_and_the_other_left_alone(self, base):
        mine = {**ARM, "name": "1_0"}

        assert self.merge(base, mine, base) == self.merge(base, ARM, mine) == (mine, [])

    @pytest.mark.parametrize("base", [ARM, {**ARM, "name": None}], ids=["left out", "null"])
    def test_of_two_values_is_a_conflict_whose_base_is_none(self, base):
        _, conflicts = self.merge(base, {**ARM, "name": "1_0"}, {**ARM, "name": "2_0"})

        assert conflicts == [("/a/name", None, "1_0", "2_0")]

    def test_of_a_value_and_none_is_a_conflict_with_none(self):
        _, conflicts = self.merge({**ARM, "name": "1_0"}, ARM, {**ARM, "name": "2_0"})

        assert conflicts == [("/a/name", "1_0", None, "2_0")]

    def test_of_an_object_that_is_written_anew_and_removed_is_no_conflict(self):
        """A null that is left out now is no change."""
        old = {**ARM, "name": None}
        sides = Sides({"": {"a": old, "b": 1}}, {"": {"a": ARM, "b": 2}}, {"": {"b": 1}})

        pieces, conflicts = merged(NOTE, sides, optional=OPTIONAL)

        assert (pieces[""].body, conflicts) == ({"b": 2}, ())

    def test_writes_no_nulls_of_optional_members(self):
        old = {**ARM, "name": None}
        three = ({"": {"a": old, **values}} for values in ({}, {"b": 1}, {"c": 1}))

        pieces, _ = merged(NOTE, Sides(*three), optional=OPTIONAL)

        assert pieces[""].body == {"a": ARM, "b": 1, "c": 1}

    def test_leaves_a_piece_as_it_is_stored_that_only_the_other_side_changed(self):
        base, theirs = ({"": {"steps": {}}, "/steps/0": {**loaf(name=None), "n": n}} for n in (1, 2))

        target = resolve(RECIPE, Sides(base, base, theirs), optional=OPTIONAL).target

        assert target["/steps/0"].body == theirs["/steps/0"]

    def test_gives_a_function_that_decides_none_and_takes_it(self):
        asked = []

        def decide(conflict):
            asked.append(conflict.base)
            return None

        three = ({"": {"a": each}} for each in (ARM, {**ARM, "name": "1_0"}, {**ARM, "name": "2_0"}))
        resolution = resolve(NOTE, Sides(*three), policy=decide, optional=OPTIONAL)

        assert (asked, resolution.target[""].body) == ([None], {"a": ARM})

    def test_of_a_users_class_knows_absent_and_null(self):
        crust, none = {**LOAF, "crust": "thin"}, {key: value for key, value in LOAF.items() if key != "crust"}

        assert self.merge(LOAF, none, crust)[1] == [("/a/crust", None, ABSENT, "thin")]

    def test_that_is_refused_lists_places_with_none(self):
        three = ({"": {"a": each}} for each in (ARM, ARM, {**ARM, "name": "2_0"}))

        [place] = all_places(Sides(*three), OPTIONAL)

        assert (place.pointer, place.base, place.mine, place.theirs) == ("/a/name", None, None, "2_0")
