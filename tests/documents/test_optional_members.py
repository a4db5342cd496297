"""Members that objects of docstore's own classes are written without where they are None, and that read as None."""

from __future__ import annotations

from typing import Any

import pytest
from stored_forms import OPTIONAL

from docstore.documents.canonical import dumps
from docstore.documents.diff.diff import of_documents
from docstore.documents.kinds import Kind, kind_declared
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
