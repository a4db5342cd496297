"""Two people's edits of one value: what is merged, what is a conflict, and that nothing is lost."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from edits import pairs, triples, unhurried
from hypothesis import given
from hypothesis import strategies as st

import docstore
from docstore import ConflictError, GenerationNode, GenerationStrategy, registry
from docstore.documents import patch
from docstore.documents.canonical import (
    ABSENT,
    FIELDS_SET,
    JSON,
    TAG,
    dumps,
    join_pointer,
    loads,
    same_json,
    split_pointer,
    value_at_pointer,
)
from docstore.documents.kinds import EXPERIMENT, GENERATION_STRATEGY, Kind
from docstore.documents.merge import three_way as merging
from docstore.documents.merge.resolve import merged as merged_pieces
from docstore.documents.merge.three_way import Sides, changed_places, merge, merge_sparse
from docstore.documents.merge_keys import NO_KEYS, Keyed, MergeKeys
from docstore.errors import Conflict, DecodeError, InvalidValueError
from docstore.testing.experiments import new_experiment, observe


class TestMergingAnyTwoEdits:
    @unhurried
    @given(pairs())
    def test_two_equal_edits_are_one(self, pair):
        base, edit = pair

        merged, conflicts = merge(base, edit, copy.deepcopy(edit))

        assert (dumps(merged), conflicts) == (dumps(edit), ())

    @unhurried
    @given(pairs())
    def test_a_side_that_changed_nothing_gives_way(self, pair):
        base, edit = pair

        assert same_json(merge(base, edit, base)[0], edit)
        assert same_json(merge(base, base, edit)[0], edit)
        assert merge(base, edit, base)[1] == merge(base, base, edit)[1] == ()

    @unhurried
    @given(triples())
    def test_it_does_not_matter_whose_edit_is_whose(self, triple):
        base, mine, theirs = triple
        merged, conflicts = merge(base, mine, theirs)

        turned, turned_conflicts = merge(base, theirs, mine)

        assert [(c.pointer, c.base, c.mine, c.theirs) for c in conflicts] == [
            (c.pointer, c.base, c.theirs, c.mine) for c in turned_conflicts
        ]
        assert conflicts or same_json(merged, turned)

    @unhurried
    @given(triples())
    def test_a_conflict_shows_what_each_has_there_and_mine_stands(self, triple):
        sides = dict(zip(("base", "mine", "theirs"), triple, strict=True))

        merged, conflicts = merge(*triple)

        shown = [(c.pointer, side, getattr(c, side)) for c in conflicts for side in sides]
        assert all(
            value is ABSENT or same_json(value, value_at_pointer(sides[side], place)) for place, side, value in shown
        )
        assert all(c.mine is ABSENT or same_json(c.mine, value_at_pointer(merged, c.pointer)) for c in conflicts)

    @unhurried
    @given(triples())
    def test_an_edit_of_mine_is_never_lost(self, triple):
        base, mine, theirs = triple

        merged, _ = merge(base, mine, theirs)

        edits = leaves(mine).items() - leaves(base).items()
        assert edits <= leaves(merged).items()


def leaves(value: JSON, at: str = "") -> dict[str, bytes]:
    """Every scalar outside lists, by its pointer."""
    if isinstance(value, list):
        return {}
    if isinstance(value, dict):
        return {
            place: text
            for key, member in value.items()
            for place, text in leaves(member, at + join_pointer([key])).items()
        }
    return {at: dumps(value)}


class TestTwoEditsOfOneDocument:
    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "merged"),
        [
            ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}),
            ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 1}}, {"a": {"x": 1}}, {"a": {"x": 2}}),
            ({}, {"a": 1}, {"b": None}, {"a": 1, "b": None}),
            ({}, {"a": {"x": 1}}, {"a": {"x": 1}}, {"a": {"x": 1}}),
            ({"a": 1}, {}, {}, {}),
            ({"a": 1}, {"a": 1.0}, {"a": 1}, {"a": 1.0}),
            ([1, 2, 3], [9, 2, 3], [1, 2, 8], [9, 2, 8]),
            ([1, 2, 3], [9, 2, 7], [1, 8, 7], [9, 8, 7]),
            ([1], [1, 2], [1, 2], [1, 2]),
            ([1], [1], [], []),
            ([None, 1], [0, 1], [None, None], [0, None]),
        ],
    )
    def test_in_different_places_both_are_kept(self, base, mine, theirs, merged):
        result, conflicts = merge(base, mine, theirs)

        assert (dumps(result), conflicts) == (dumps(merged), ())

    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "conflict"),
        [
            (1, 2, 3, Conflict("", 1, 2, 3)),
            ({"a": 0}, {"a": 1}, {"a": True}, Conflict("/a", 0, 1, True)),
            ({"a": {"b~": 1}}, {"a": {"b~": 2}}, {"a": {}}, Conflict("/a/b~0", 1, 2, ABSENT)),
            ({"a": {"x": 1}}, {}, {"a": {"x": 2}}, Conflict("/a", {"x": 1}, ABSENT, {"x": 2})),
            ({}, {"a": {"x": 1}}, {"a": {"y": 1}}, Conflict("/a", ABSENT, {"x": 1}, {"y": 1})),
            ({"a": [1]}, {"a": [1, 2]}, {"a": [3]}, Conflict("/a", [1], [1, 2], [3])),
            ([1, 2], [0, 2], [9, 3], Conflict("", [1, 2], [0, 2], [9, 3])),
            ({"a": 1}, {"a": []}, {"a": {}}, Conflict("/a", 1, [], {})),
        ],
    )
    def test_in_one_place_they_are_a_conflict_and_mine_stands(self, base, mine, theirs, conflict):
        result, conflicts = merge(base, mine, theirs)

        assert repr(conflicts) == repr((conflict,))
        assert same_json(result, mine)

    def test_what_is_not_in_conflict_is_merged_beside_it(self):
        result, conflicts = merge({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 3})

        assert result == {"a": 2, "b": 3}
        assert [conflict.pointer for conflict in conflicts] == ["/a"]

    def test_a_whole_document_cannot_be_decided_away(self):
        with pytest.raises(InvalidValueError, match="a document cannot be absent"):
            merge(1, 2, 3, decide=lambda conflict: ABSENT)

    @pytest.mark.parametrize("absent", [patch.ABSENT, merging.ABSENT])
    def test_what_was_absent_says_so_and_stays_the_one_it_is(self, absent):
        assert repr(absent) == "ABSENT"
        assert pickle.loads(pickle.dumps(absent)) is absent
        assert copy.deepcopy(absent) is absent


class TestThePlacesThatEitherSideChanged:
    @given(triples())
    @unhurried
    def test_are_those_and_no_others_with_what_each_has_there(self, triple):
        base, *sides = triple

        places = list(changed_places(*triple))

        assert bool(places) is any(not same_json(base, side) for side in sides)
        for place in places:
            values = place.base, place.mine, place.theirs
            assert [at(side, place.pointer) for side in triple] == list(map(dumped, values))
            assert not all(same_json(place.base, value) for value in values)

    @given(triples())
    @unhurried
    def test_put_into_the_base_make_each_side(self, triple):
        base, *sides = triple
        places = list(changed_places(*triple))

        for side, values in zip(sides, zip(*((each.mine, each.theirs) for each in places), strict=True), strict=False):
            made = base
            for place, value in zip(places, values, strict=True):
                made = with_place(made, split_pointer(place.pointer), value)
            assert same_json(made, side)

    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "pointers"),
        [
            ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, ["/a", "/b"]),
            ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": {}}, ["/a/b"]),
            ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": 1}, ["/a"]),
            ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [0, 2]}, ["/a/0", "/a/1"]),
            ({"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": [0, 2]}, ["/a"]),
            ({"a": 1}, {"a": True}, {"a": 1.0}, ["/a"]),
            ({}, {"a/b": 1}, {}, ["/a~1b"]),
            (1, 2, 1, [""]),
            (1, 1, 1, []),
        ],
    )
    def test_are_as_small_as_can_be_told(self, base, mine, theirs, pointers):
        assert [place.pointer for place in changed_places(base, mine, theirs)] == pointers

    def test_have_the_pointer_of_their_document(self):
        assert [place.pointer for place in changed_places({}, {"a": 1}, {}, at="/trials/3")] == ["/trials/3/a"]


def at(value, pointer):
    """The text of what stands at a pointer, or ABSENT."""
    try:
        return dumps(value_at_pointer(value, pointer))
    except DecodeError:
        return ABSENT


def dumped(value):
    return value if value is ABSENT else dumps(value)


def with_place(value, tokens, new):
    """The value with *new* at a place, or without it, if *new* is ABSENT."""
    if not tokens:
        return new
    first, *rest = tokens
    if isinstance(value, list):
        return [with_place(item, rest, new) if str(i) == first else item for i, item in enumerate(value)]
    inner = with_place(value.get(first), rest, new)
    others = {key: item for key, item in value.items() if key != first}
    return others if inner is ABSENT else {**others, first: inner}


class TestTwoEditsOfAnObjectOfAClass:
    """Its tag and its schema number say what its members mean."""

    BASE: ClassVar = {"__type": "A", "x": 1, "y": {"k": 1}}

    @pytest.mark.parametrize(
        "mine",
        [{"__type": "B", "x": 1, "y": {"k": 1}}, {"__type": "A", "__schema": 2, "x": 1, "y": {"k": 1}}],
        ids=["another class", "another schema"],
    )
    @pytest.mark.parametrize("theirs", [{"__type": "A", "x": 2, "y": {"k": 1}}, {"__type": "A", "x": 1, "y": {"k": 2}}])
    def test_are_not_merged_where_one_made_it_another(self, mine, theirs):
        merged, conflicts = merge({"a": [], "o": self.BASE}, {"a": [], "o": mine}, {"a": [], "o": theirs})

        assert [conflict.pointer for conflict in conflicts] == ["/o"]
        assert merged == {"a": [], "o": mine}

    def test_are_merged_where_both_left_it_what_it_is(self):
        merged, conflicts = merge(self.BASE, {**self.BASE, "x": 2}, {**self.BASE, "y": {"k": 2}})

        assert (merged, conflicts) == ({"__type": "A", "x": 2, "y": {"k": 2}}, ())


class TestWhichFieldsWereSet:
    """A Pydantic model lists the fields that were set, or nothing if all were. They are a set, and never a conflict."""

    @staticmethod
    def model(were_set: set[str], *, extra: set[str] = frozenset(), **values: JSON) -> JSON:
        """Return a model of the fields a, b and c, with *extra* members, as the codec writes it."""
        members: dict[str, JSON] = {TAG: "M", "a": 0, "b": 0, "c": 0, **values}
        if extra:
            members["__extra"] = dict.fromkeys(sorted(extra), 1)
        return members if were_set == {"a", "b", "c", *extra} else {**members, FIELDS_SET: [*sorted(were_set)]}

    @staticmethod
    def asked(conflict: Conflict) -> JSON:
        raise AssertionError(conflict)

    @unhurried
    @given(*[st.sets(st.sampled_from("abc"))] * 3)
    def test_are_those_of_both_whoever_comes_first(self, base, mine, theirs):
        three = [self.model(each) for each in (base, mine, theirs)]

        merged, conflicts = merge(*three, decide=self.asked)

        both = ((base | (mine - base) | (theirs - base)) - (base - mine)) - (base - theirs)
        assert (merged, conflicts) == (self.model(both), ())
        assert merge(three[0], three[2], three[1])[0] == merged

    def test_in_an_item_of_a_keyed_list(self):
        three = ([self.model(each)] for each in (set(), {"a"}, {"b"}))

        merged, conflicts = merge(*three, keys=MergeKeys([Keyed((), ("c",))]), decide=self.asked)

        assert (merged, conflicts) == ([self.model({"a", "b"})], ())

    def test_with_a_member_that_is_no_field(self):
        base, mine, theirs = self.model({"a"}), self.model({"a", "b"}), self.model({"a", "x"}, extra={"x"})

        merged, conflicts = merge(base, mine, theirs, decide=self.asked)
        all_merged, _ = merge(base, self.model({"a", "b", "c"}), theirs, decide=self.asked)

        assert (merged, conflicts) == (self.model({"a", "b", "x"}, extra={"x"}), ())
        assert all_merged == self.model({"a", "b", "c", "x"}, extra={"x"})

    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "both"),
        [("", "x", "y", "xy"), ("xy", "x", "y", ""), ("x", "", "xy", "y"), ("x", "xy", "xz", "xyz")],
        ids=["added", "removed", "removed and added", "added to one"],
    )
    def test_with_members_beside_the_fields_that_each_changed(self, base, mine, theirs, both):
        three = [self.model({"a", *extra}, extra=set(extra)) for extra in (base, mine, theirs)]

        assert merge(*three, decide=self.asked) == (self.model({"a", *both}, extra=set(both)), ())

    def test_stay_beside_a_conflict_of_values(self):
        merged, conflicts = merge(self.model(set()), self.model({"a", "b"}, a=1), self.model({"a"}, a=2))

        assert [each.pointer for each in conflicts] == ["/a"]
        assert merged == self.model({"a", "b"}, a=1)

    def test_are_a_list_like_any_other_in_a_dict_of_the_users_own(self):
        _, conflicts = merge({FIELDS_SET: []}, {FIELDS_SET: ["a"]}, {FIELDS_SET: ["b"]})

        assert [each.pointer for each in conflicts] == [f"/{FIELDS_SET}"]


class TestTwoEditsOfAListOfWhichItemsAreLeftOut:
    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "merged"),
        [
            ({"1": "b"}, {"1": "B"}, {"1": "b"}, {"1": "B"}),
            ({"0": "a", "1": "b"}, {"0": "A", "1": "b"}, {"0": "a", "1": "B"}, {"0": "A", "1": "B"}),
            ({"0": "a"}, {"0": "A"}, {"0": "a", "1": "b"}, {"0": "A", "1": "b"}),
            ({"0": "a", "1": "b"}, {"0": "A", "1": "b"}, {"0": "a"}, {"0": "A"}),
            ({"1": "b"}, {}, {}, {}),
            ({}, {"1": "x"}, {"1": "x"}, {"1": "x"}),
            ({"0": "a", "1": "b"}, {"0": "b"}, {"0": "b"}, {"0": "b"}),
        ],
    )
    def test_are_both_kept_at_their_places(self, base, mine, theirs, merged):
        assert merge_sparse(base, mine, theirs, at="/l") == (merged, ())

    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "pointers"),
        [
            ({"1": "b"}, {"1": "B"}, {"1": "c"}, ["/l/1"]),
            ({}, {"1": "x"}, {"1": "y"}, ["/l/1"]),
            ({"1": "b"}, {"1": "B"}, {}, ["/l/1"]),
            ({"0": "a", "1": "b"}, {"0": "b"}, {"0": "a", "1": "B"}, ["/l"]),
            ({"0": "a"}, {"0": "A"}, {"0": "z", "1": "a"}, ["/l"]),
            ({"2": "c"}, {"2": "c", "3": "d"}, {}, ["/l"]),
            ({"2": "c", "10": "k"}, {"2": "C", "10": "K"}, {"2": "d", "10": "l"}, ["/l/2", "/l/10"]),
        ],
    )
    def test_are_a_conflict_where_an_index_does_not_say_which_item_is_meant(self, base, mine, theirs, pointers):
        _, conflicts = merge_sparse(base, mine, theirs, at="/l")

        assert [conflict.pointer for conflict in conflicts] == pointers


# --- lists whose items are known by a key ----------------------------------------------------------------------------

BY_K = (Keyed(("l",), ("k",)),)


def merged_lists(base: Any, mine: Any, theirs: Any, keyed: Sequence[Keyed] = BY_K) -> tuple[Any, tuple[Conflict, ...]]:
    """What becomes of ``/l``, and the conflicts."""
    document, conflicts = merge({"l": base}, {"l": mine}, {"l": theirs}, keys=MergeKeys(keyed))
    assert isinstance(document, dict)
    return document["l"], conflicts


def items(keys: str, **values: Any) -> list[Any]:
    """An item for each letter, in order; of one that is named, with a value: ``items("abc", b=2)``."""
    return [{"k": key, **({"v": values[key]} if key in values else {})} for key in keys]


def spelled(merged: list[Any]) -> str:
    return "".join(item["k"] for item in merged)


class TestTwoEditsOfAKeyedList:
    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "merged"),
        [
            ("ab", "abx", "aby", "abxy"),
            ("ab", "aby", "abx", "abxy"),
            ("ab", "xab", "aby", "xaby"),
            ("ab", "axb", "ayb", "axyb"),
            ("ab", "azyb", "axb", "axzyb"),
            ("ab", "azyb", "axzb", "axzyb"),
            ("", "xz", "yw", "xywz"),
            ("ab", "b", "abx", "bx"),
            ("abc", "ac", "bc", "c"),
            ("ab", "", "", ""),
            ("ab", "abx", "abx", "abx"),
            ("abc", "axb", "abyc", "axby"),
            ("abc", "cba", "abc", "cba"),
            ("abc", "cxb", "abc", "cxb"),
            ("abc", "cba", "cba", "cba"),
        ],
    )
    def test_that_added_removed_or_moved_different_items_are_both_kept(self, base, mine, theirs, merged):
        result, conflicts = merged_lists(items(base), items(mine), items(theirs))

        assert (spelled(result), conflicts) == (merged, ())

    def test_that_changed_different_members_of_one_item_are_both_kept(self):
        base, mine, theirs = ([{"k": "a", "v": v, "w": w}] for v, w in ((1, 1), (2, 1), (1, 2)))

        assert merged_lists(base, mine, theirs) == ([{"k": "a", "v": 2, "w": 2}], ())

    def test_one_of_which_changed_an_item_that_the_other_moved_are_both_kept(self):
        result, conflicts = merged_lists(items("abc"), items("cab"), items("abc", a=2))

        assert (result, conflicts) == (items("cab", a=2), ())

    def test_that_moved_them_alike_and_changed_different_ones_are_both_kept(self):
        result, conflicts = merged_lists(items("abc"), items("cab", a=1), items("cab", b=2))

        assert (result, conflicts) == (items("cab", a=1, b=2), ())

    @pytest.mark.parametrize(
        ("base", "mine", "theirs"),
        [
            ("abc", "bac", "abcx"),
            ("abc", "bac", "ab"),
            ("abc", "bac", "c"),
            ("abc", "bac", "acb"),
            ("abc", "bacx", "bac"),
            ("ab", "abxy", "abyx"),
            ("ab", "xab", "abx"),
        ],
        ids=[
            "added",
            "removed",
            "removed what was moved",
            "moved",
            "moved alike and added",
            "added in two orders",
            "added at two places",
        ],
    )
    @pytest.mark.parametrize("turned", [False, True])
    def test_of_which_no_order_is_both_are_a_conflict_of_the_list(self, base, mine, theirs, turned):
        base, mine, theirs = items(base), items(mine), items(theirs)
        mine, theirs = (theirs, mine) if turned else (mine, theirs)

        result, conflicts = merged_lists(base, mine, theirs)

        assert conflicts == (Conflict("/l", base, mine, theirs),)
        assert result == mine

    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "conflict"),
        [
            (
                items("ab", b=0),
                items("xab", b=1),
                items("ab", b=2),
                Conflict("/l/2/v", 0, 1, 2),
            ),
            (
                items("ab", b=0),
                items("xa"),
                items("ab", b=2),
                Conflict("/l/1", *items("b", b=0), ABSENT, *items("b", b=2)),
            ),
            (
                items("ab", b=0),
                items("xab", b=1),
                items("a"),
                Conflict("/l/2", *items("b", b=0), *items("b", b=1), ABSENT),
            ),
            (
                items("a"),
                items("axb", b=1),
                items("ab", b=2),
                Conflict("/l/2", ABSENT, *items("b", b=1), *items("b", b=2)),
            ),
            (items("b", b=0), items("b", b=1), items("b"), Conflict("/l/0/v", 0, 1, ABSENT)),
            (
                [{"k": "a", "__type": "A", "v": 1}],
                [{"k": "a", "__type": "B", "v": 1}],
                [{"k": "a", "__type": "A", "v": 2}],
                Conflict(
                    "/l/0",
                    {"k": "a", "__type": "A", "v": 1},
                    {"k": "a", "__type": "B", "v": 1},
                    {"k": "a", "__type": "A", "v": 2},
                ),
            ),
        ],
        ids=[
            "changed by both",
            "removed, and changed by them",
            "changed, and removed by them",
            "added by both",
            "a member",
            "another class",
        ],
    )
    def test_that_made_two_things_of_one_item_are_a_conflict_there_and_mine_stands(self, base, mine, theirs, conflict):
        result, conflicts = merged_lists(base, mine, theirs)

        assert repr(conflicts) == repr((conflict,))
        assert same_json(result, mine)

    @pytest.mark.parametrize("mine_moved", [False, True])
    def test_one_of_which_moved_items_and_removed_what_the_other_changed_are_a_conflict_there(self, mine_moved):
        moved, changed = items("cb"), items("abc", a=1)
        mine, theirs = (moved, changed) if mine_moved else (changed, moved)

        result, conflicts = merged_lists(items("abc"), mine, theirs)

        assert [conflict.pointer for conflict in conflicts] == ["/l/0"]
        assert result == (moved if mine_moved else items("acb", a=1))

    @pytest.mark.parametrize("mine_moved", [False, True])
    def test_of_which_it_is_decided_that_an_item_stands_have_it_beside_those_that_were_moved(self, mine_moved):
        moved, changed = items("cb"), items("abc", a=1)
        sides = (moved, changed) if mine_moved else (changed, moved)

        document, conflicts = merge(
            {"l": items("abc")},
            *({"l": side} for side in sides),
            keys=MergeKeys(BY_K),
            decide=lambda conflict: conflict.theirs if mine_moved else conflict.mine,
        )

        assert (document, conflicts) == ({"l": items("acb", a=1)}, ())

    def test_a_conflict_beside_items_that_merge_leaves_those_merged(self):
        result, conflicts = merged_lists(items("ab", b=0), items("abx", b=1), items("aby", b=2))

        assert result == items("abxy", b=1)
        assert [conflict.pointer for conflict in conflicts] == ["/l/1/v"]


class TestTheKeyOfAnItem:
    @pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0, False), (0.0, -0.0), ("1", 1), (None, 0)])
    def test_is_compared_exactly(self, one, other):
        result, conflicts = merged_lists([], [{"k": one}], [{"k": other}])

        assert conflicts == ()
        assert len(result) == 2

    def test_is_all_of_its_members_together(self):
        keyed = (Keyed(("l",), ("k", "n")),)
        base, mine, theirs = [{"k": "a", "n": 1}], [{"k": "a", "n": 1}, {"k": "a", "n": 2}], [{"k": "b", "n": 1}]

        assert merged_lists(base, mine, theirs, keyed) == ([{"k": "a", "n": 2}, {"k": "b", "n": 1}], ())

    def test_has_a_null_for_a_member_that_is_missing(self):
        keyed = (Keyed(("l",), ("k", "n")),)

        result, conflicts = merged_lists([{"k": "a"}], [{"k": "a", "n": None}], [{"k": "a", "v": 1}], keyed)

        assert (result, conflicts) == ([{"k": "a", "n": None, "v": 1}], ())

    def test_sorts_null_booleans_numbers_by_value_texts_and_what_is_none_of_these(self):
        ordered: list[Any] = [
            None,
            False,
            True,
            -1.5,
            1,
            1.0,
            2,
            2.5,
            2**62,
            2.0**63,
            "",
            "10",
            "2",
            "a",
            [1],
            {"x": 1},
        ]

        result, conflicts = merged_lists([], [{"k": k} for k in ordered[::2]], [{"k": k} for k in ordered[1::2]])

        assert conflicts == ()
        assert dumps([item["k"] for item in result]) == dumps(ordered)

    @pytest.mark.parametrize(
        "without",
        [
            [{"k": "a"}, {"v": 2}],
            [{"k": "a"}, {"k": "a", "v": 2}],
            [{"k": "a"}, "b"],
            [{"k": "a"}, None],
        ],
        ids=["missing", "twice", "a text", "null"],
    )
    @pytest.mark.parametrize("side", [0, 1, 2])
    def test_if_any_has_none_of_its_own_the_list_merges_by_index(self, without, side):
        three = [items("ab"), items("ab", a=1), items("ab", b=1)]
        three[side] = without

        assert merged_lists(*three) == merged_lists(*three, keyed=())


def keys_at(pointer: str, pattern: Sequence[str]) -> MergeKeys:
    keys = MergeKeys([Keyed(tuple(pattern), ("k",))])
    for token in split_pointer(pointer):
        keys = keys.at(token)
    return keys


class TestWhichListsAreKeyed:
    @pytest.mark.parametrize(
        ("pattern", "at"),
        [
            (("l",), ""),
            (("*",), ""),
            (("data", "3", "l"), "/data/3"),
            (("data", "*", "l"), "/data/3"),
            (("a/b", "*", "l"), "/a~1b/~0"),
        ],
    )
    def test_a_pattern_is_matched_with_the_pointer_in_the_document(self, pattern, at):
        result, conflicts = merge({"l": []}, {"l": items("a")}, {"l": items("b")}, keys=keys_at(at, pattern))

        assert (result, conflicts) == ({"l": items("ab")}, ())

    @pytest.mark.parametrize(
        ("pattern", "at"), [(("l",), "/data"), (("data", "*", "l"), ""), (("data", "4", "l"), "/data/3"), ((), "")]
    )
    def test_others_merge_by_index(self, pattern, at):
        _, conflicts = merge({"l": []}, {"l": items("a")}, {"l": items("b")}, keys=keys_at(at, pattern))

        assert [conflict.pointer for conflict in conflicts] == ["/l"]

    def test_a_value_that_is_keyed_itself_merges(self):
        assert merge([], items("a"), items("b"), keys=keys_at("", ())) == (items("ab"), ())

    @pytest.mark.parametrize("pattern", [("a", "b"), ("*", "b"), ("a", "*"), ("*", "*")])
    def test_an_exact_token_and_an_asterisk_both_match(self, pattern):
        others = [Keyed(("a", "c"), ("x",)), Keyed(("*", "c"), ("x",)), Keyed(("a",), ("x",))]

        keyed = MergeKeys([*others, Keyed(pattern, ("k",))]).at("a").at("b").here

        assert keyed is not None
        assert keyed.members == ("k",)

    def test_of_two_patterns_that_match_the_first_counts(self):
        lists = [Keyed(("a", "*"), ("x",)), Keyed(("*", "b"), ("y",)), Keyed(("a", "b"), ("z",))]

        found = [MergeKeys(each).at("a").at("b").here for each in (lists, lists[::-1])]

        assert found == [lists[0], lists[2]]

    def test_below_the_last_there_is_none(self):
        assert MergeKeys(BY_K).at("l").at("*").at("l") is NO_KEYS

    def test_one_in_items_of_another_merges_wherever_the_item_stands(self):
        keyed = (*BY_K, Keyed(("l", "*", "in"), ("k",)))
        base = [{"k": "a", "in": []}]
        mine = [{"k": "0", "in": []}, {"k": "a", "in": items("x")}]
        theirs = [{"k": "a", "in": items("y")}]

        assert merged_lists(base, mine, theirs, keyed) == ([{"k": "0", "in": []}, {"k": "a", "in": items("xy")}], ())

    def test_an_index_in_a_pattern_means_no_item_of_a_keyed_list(self):
        """Which would it be? Each side may have another there."""
        keyed = (*BY_K, Keyed(("l", "0", "in"), ("k",)))
        three = ([{"k": "a", "in": items(each)}] for each in ("", "x", "y"))

        assert [c.pointer for c in merged_lists(*three, keyed)[1]] == ["/l/0/in"]


class TestTwoWhoAddTheSameObject:
    """Which is nothing but a list of items, such as the data of a trial."""

    KEYED: ClassVar = (Keyed(("data", "*", "records"), ("k",)),)

    def added(self, mine, theirs):
        return merge({"data": {}}, {"data": {"3": mine}}, {"data": {"3": theirs}}, keys=MergeKeys(self.KEYED))

    @pytest.mark.parametrize("beside", [{}, {"__type": "Data"}, {"__type": "Data", "__schema": 2}])
    def test_have_all_items_in_it(self, beside):
        result, conflicts = self.added({**beside, "records": items("xz")}, {**beside, "records": items("yz")})

        assert (result, conflicts) == ({"data": {"3": {**beside, "records": items("xyz")}}}, ())

    def test_and_one_item_in_two_ways_have_a_conflict_there(self):
        _, conflicts = self.added({"records": items("ab", b=1)}, {"records": items("b", b=2)})

        assert conflicts == (Conflict("/data/3/records/1", ABSENT, *items("b", b=1), *items("b", b=2)),)

    @pytest.mark.parametrize(
        "other",
        [
            {"records": items("y"), "by": "me"},
            {"records": items("y"), "__type": "Data"},
            {"records": None},
            {"records": {}},
            {},
        ],
        ids=["with a member", "of a class", "without items", "of another sort", "empty"],
    )
    @pytest.mark.parametrize("turned", [False, True])
    def test_that_differs_in_more_have_a_conflict(self, other, turned):
        one = {"records": items("x")}

        _, conflicts = self.added(*((other, one) if turned else (one, other)))

        assert [conflict.pointer for conflict in conflicts] == ["/data/3"]

    def test_which_holds_other_things_too_have_a_conflict_though_those_are_alike(self):
        """Two trials that happen to have one index are not one trial."""
        _, conflicts = self.added({"records": items("x"), "of": 1}, {"records": items("y"), "of": 1})

        assert [conflict.pointer for conflict in conflicts] == ["/data/3"]


class TestAKeyedListThatWasNotThere:
    @pytest.mark.parametrize("beside", [{}, {"__type": "A", "x": 1}])
    def test_had_no_items(self, beside):
        assert merge(beside, {**beside, "l": items("ac")}, {**beside, "l": items("bc")}, keys=MergeKeys(BY_K)) == (
            {**beside, "l": items("abc")},
            (),
        )

    def test_and_has_no_one_order_is_a_conflict_with_nothing(self):
        _, conflicts = merge({}, {"l": items("ab")}, {"l": items("ba")}, keys=MergeKeys(BY_K))

        assert conflicts == (Conflict("/l", ABSENT, items("ab"), items("ba")),)

    def test_is_a_conflict_where_its_items_have_no_keys(self):
        _, conflicts = merge({}, {"l": [1]}, {"l": [2]}, keys=MergeKeys(BY_K))

        assert conflicts == (Conflict("/l", ABSENT, [1], [2]),)

    def test_for_there_was_another_value_is_a_conflict(self):
        _, conflicts = merge({"l": None}, {"l": items("a")}, {"l": items("b")}, keys=MergeKeys(BY_K))

        assert conflicts == (Conflict("/l", None, items("a"), items("b")),)


class TestNamesThatStandInItems:
    """Two people who each add an arm may both have got the same free name for it."""

    KEYED: ClassVar = (Keyed(("l",), ("k",), names=("arms", "*", "name")),)

    def run(self, key, *arms):
        return {"k": key, "arms": [{"name": name, "x": x} for name, x in arms]}

    def test_given_to_two_things_make_the_list_a_conflict(self):
        base, mine, theirs = [self.run("a")], [self.run("a"), self.run("b", ("n", 1))], [self.run("c", ("n", 2))]

        result, conflicts = merged_lists(base, mine, theirs, self.KEYED)

        assert (result, conflicts) == (mine, (Conflict("/l", base, mine, theirs),))

    @pytest.mark.parametrize("other", [("n", 1), ("m", 2), (None, 1)])
    def test_given_to_one_thing_or_to_none_do_not(self, other):
        mine, theirs = [self.run("b", ("n", 1), (None, 2))], [self.run("c", other)]

        assert merged_lists([], mine, theirs, self.KEYED) == ([*mine, *theirs], ())

    def test_that_were_given_to_two_things_already_do_not(self):
        twice = self.run("a", ("n", 1), ("n", 2))

        assert merged_lists([twice], [twice, self.run("b")], [twice, self.run("c")], self.KEYED)[1] == ()


# --- what holds for any keyed lists ----------------------------------------------------------------------------------

NESTED = (
    Keyed(("data", "*", "records"), ("name", "step")),
    Keyed(("data", "*", "records", "*", "notes"), ("id",)),
)
NESTED_KEYS = MergeKeys(NESTED)
small = st.sampled_from([0, 1, 1.0, True, None, "x"])
notes = st.fixed_dictionaries({"id": st.sampled_from("pqr")}, optional={"text": small})
records = st.fixed_dictionaries(
    {"name": st.sampled_from("mno"), "notes": st.lists(notes, max_size=3, unique_by=NESTED[1].key_of)},
    optional={"step": st.sampled_from([0, 1, 1.0, True]), "mean": small, "sem": small},
)
lists = st.lists(records, max_size=5, unique_by=NESTED[0].key_of)
keyed_documents = st.fixed_dictionaries(
    {"data": st.fixed_dictionaries({"0": st.fixed_dictionaries({"records": lists})}), "beside": small}
)


@st.composite
def edited_list(draw: st.DrawFn, given: list[Any], depth: int = 0) -> list[Any]:
    """The list with items removed, added, moved and changed, each with a key of its own."""
    known, fresh = NESTED[depth], (records, notes)[depth]
    found = [item for item in given if draw(st.integers(0, 4))]
    if not draw(st.integers(0, 4)):
        found = draw(st.permutations(found))
    found = [draw(edited_item(item, depth)) for item in found]
    for _ in range(draw(st.integers(0, 2))):
        new = draw(fresh)
        if all(known.key_of(item) != known.key_of(new) for item in found):
            found.insert(draw(st.integers(0, len(found))), new)
    return found


@st.composite
def edited_item(draw: st.DrawFn, item: dict[str, Any], depth: int) -> dict[str, Any]:
    """The item with a member of it changed, or none; its key stays."""
    member = draw(st.sampled_from((("mean", "sem", "notes", ""), ("text", "", "", ""))[depth]))
    if member == "notes":
        return {**item, "notes": draw(edited_list(item["notes"], 1))}
    others = {key: value for key, value in item.items() if key != member}
    return item if member == "" else draw(st.just(others) | small.map(lambda value: {**others, member: value}))


def edited_document(document: Any) -> st.SearchStrategy[Any]:
    return edited_list(document["data"]["0"]["records"]).flatmap(
        lambda edited: st.sampled_from([document["beside"], 7]).map(
            lambda beside: {"data": {"0": {"records": edited}}, "beside": beside}
        )
    )


@st.composite
def keyed_triples(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    base = draw(keyed_documents)
    return base, draw(edited_document(base)), draw(edited_document(base))


def by_key(value: Any, keys: MergeKeys = NESTED_KEYS) -> Any:
    """The document with each keyed list as a dict, in which an item's place is its key: what has no order."""
    if isinstance(value, list) and keys.here is not None:
        return {repr(keys.here.key_of(item)): by_key(item, keys.at("*")) for item in value}
    if isinstance(value, dict):
        return {key: by_key(member, keys.at(key)) for key, member in value.items()}
    return value


def orders(value: Any, keys: MergeKeys = NESTED_KEYS, at: str = "") -> dict[str, list[str]]:
    """The keys of each keyed list, in order, by a pointer in which keys stand for indices."""
    if isinstance(value, list) and keys.here is not None:
        texts = [repr(keys.here.key_of(item)) for item in value]
        inside = [orders(item, keys.at("*"), f"{at}/{text}") for text, item in zip(texts, value, strict=True)]
        return {at: texts} | {place: order for each in inside for place, order in each.items()}
    members = value.items() if isinstance(value, dict) else ()
    found = [orders(member, keys.at(key), f"{at}/{key}") for key, member in members]
    return {place: order for each in found for place, order in each.items()}


def three_of(conflicts: Sequence[Conflict], *sides: str) -> list[str]:
    """What each has at each conflict, in whatever order the conflicts come."""
    return sorted(repr([getattr(conflict, side) for side in sides]) for conflict in conflicts)


def is_of_order(conflict: Conflict) -> bool:
    """Whether it is of a list as a whole, or of an item of which one side changed no more than the order of a list."""
    texts = [unordered(value) for value in (conflict.base, conflict.mine, conflict.theirs) if value is not ABSENT]
    return isinstance(conflict.mine, list) or len(set(texts)) < len(texts)


def unordered(value: Any) -> str:
    if isinstance(value, list):
        return f"[{sorted(map(unordered, value))}]"
    if isinstance(value, dict):
        return f"{[(key, unordered(value[key])) for key in sorted(value)]}"
    return repr(value)


def place_by_key(conflict: Conflict, mine: Any, theirs: Any) -> list[str]:
    """The tokens of a conflict's pointer, with keys for indices: mine's, or theirs of an item that mine has not."""
    tokens, place, keys = split_pointer(conflict.pointer), list[str](), NESTED_KEYS
    for number, token in enumerate(tokens):
        known = keys.here
        if known is not None:
            is_theirs = conflict.mine is ABSENT and number == len(tokens) - 1
            key = known.key_of((theirs if is_theirs else mine)[int(token)])
            mine, theirs = (next((i for i in side if known.key_of(i) == key), None) for side in (mine, theirs))
            place.append(repr(key))
        else:
            mine, theirs = (side.get(token) if isinstance(side, dict) else None for side in (mine, theirs))
            place.append(token)
        keys = keys.at("*" if known else token)
    return place


def there(document: Any, place: Sequence[str]) -> Any:
    """The canonical text of what stands at a place by keys, or ABSENT."""
    found = by_key(document)
    for token in place:
        if token not in found:
            return ABSENT
        found = found[token]
    return dumps(found)


def in_keys(value: Any, place: Sequence[str]) -> bytes:
    keys = NESTED_KEYS
    for token in place:
        keys = keys.at("*" if token.startswith("(") else token)
    return dumps(by_key(value, keys))


class TestMergingAnyTwoEditsOfKeyedLists:
    @unhurried
    @given(keyed_triples())
    def test_two_equal_edits_are_one(self, triple):
        base, edit, _ = triple

        merged, conflicts = merge(base, edit, copy.deepcopy(edit), keys=NESTED_KEYS)

        assert (dumps(merged), conflicts) == (dumps(edit), ())

    @unhurried
    @given(keyed_triples())
    def test_a_side_that_changed_nothing_gives_way(self, triple):
        base, edit, _ = triple

        results = [merge(base, *sides, keys=NESTED_KEYS) for sides in ((edit, base), (base, edit), (base, base))]

        assert [dumps(merged) for merged, _ in results] == [dumps(edit), dumps(edit), dumps(base)]
        assert [conflicts for _, conflicts in results] == [(), (), ()]

    @unhurried
    @given(keyed_triples())
    def test_it_does_not_matter_whose_edit_is_whose(self, triple):
        base, mine, theirs = triple

        merged, conflicts = merge(base, mine, theirs, keys=NESTED_KEYS)
        turned, turned_conflicts = merge(base, theirs, mine, keys=NESTED_KEYS)

        assert three_of(conflicts, "base", "mine", "theirs") == three_of(turned_conflicts, "base", "theirs", "mine")
        assert conflicts or dumps(merged) == dumps(turned)

    @unhurried
    @given(keyed_triples())
    def test_but_for_the_order_it_is_the_merge_of_dicts_by_key(self, triple):
        """So no key that a side added or changed is lost: it stands in the result, or in a conflict."""
        merged, conflicts = merge(*triple, keys=NESTED_KEYS)
        expected, expected_conflicts = merge(*map(by_key, triple))

        if not any(map(is_of_order, conflicts)):
            assert dumps(by_key(merged)) == dumps(expected)
            assert len(conflicts) == len(expected_conflicts)

    @unhurried
    @given(keyed_triples())
    def test_what_stands_is_in_the_order_of_both(self, triple):
        """Where one side moved items, in its own."""
        merged, conflicts = merge(*triple, keys=NESTED_KEYS)
        was, ours, others = map(orders, triple)

        for place, order in () if conflicts else orders(merged).items():
            base, mine, theirs = was.get(place, []), ours.get(place, []), others.get(place, [])
            moved = [side for side in (mine, theirs) if shared(side, base) != shared(base, side)]
            assert all(shared(order, side) == shared(side, order) for side in moved or (mine, theirs))

    @unhurried
    @given(keyed_triples())
    def test_a_conflict_shows_what_each_has_there_and_mine_stands(self, triple):
        """In the result, mine may stand at another index: by its key it is found in all."""
        merged, conflicts = merge(*triple, keys=NESTED_KEYS)

        base, mine, theirs = triple
        for conflict in conflicts:
            place = place_by_key(conflict, mine, theirs)
            assert conflict.mine is ABSENT or same_json(conflict.mine, value_at_pointer(mine, conflict.pointer))
            for side, value in ((base, conflict.base), (mine, conflict.mine), (theirs, conflict.theirs)):
                assert there(side, place) == (ABSENT if value is ABSENT else in_keys(value, place))
            assert there(merged, place) == there(mine, place)

    @unhurried
    @given(keyed_triples())
    def test_nothing_that_was_given_is_changed(self, triple):
        before = dumps(list(triple))

        merge(*triple, keys=NESTED_KEYS)

        assert dumps(list(triple)) == before


def shared(some: list[str], others: list[str]) -> list[str]:
    return [key for key in some if key in others]


# --- in a store ------------------------------------------------------------------------------------------------------

JULY = datetime(2026, 7, 1, tzinfo=UTC)


def run_of(day: int, *arms: docstore.Arm) -> docstore.GeneratorRun:
    return docstore.GeneratorRun(arms, time_created=JULY.replace(day=day))


def arm(x: float, name: str | None = None) -> docstore.Arm:
    return docstore.Arm({"x": x, "flour": "rye"}, name)


def json_of(made: Any) -> Any:
    return loads(docstore.dumps(made))


NAN = "nan"


def observed(experiment: docstore.Experiment, index: int) -> dict[str, Any]:
    """The mean of each metric of a trial; of one that could not be measured, a text that equals itself."""
    means = {record["metric_name"]: record["mean"] for record in experiment._data[index].records}
    return {name: NAN if mean != mean else mean for name, mean in means.items()}


class TestTwoPeopleWhoEditTheListsOfOneExperiment:
    """Both read version 1. Both change it. One saves, then the other."""

    @pytest.fixture
    def made(self):
        experiment = new_experiment(trials=4)
        experiment.new_trial(parameters={"x": 0.75, "flour": "spelt"})
        experiment.new_batch_trial(run_of(2, arm(0.5, "half"), arm(0.25, "quarter")))
        return experiment

    @pytest.fixture
    def two(self, store, made):
        store.save(made)
        return store.load("cakes"), store.load("cakes")

    def observe_two_metrics(self, mine, theirs):
        observe(mine, 3, 0.5, "crust")
        observe(theirs, 3, 0.75, "crumb")

    def observe_two_metrics_of_a_trial_without_data(self, mine, theirs):
        observe(mine, 4, 0.5, "crust")
        observe(theirs, 4, 0.75, "crumb")

    def observe_one_metric_anew_and_another(self, mine, theirs):
        observe(mine, 3, 0.5)
        observe(theirs, 3, 0.75, "crumb")

    def change_two_columns_of_one_observation(self, mine, theirs):
        mine._data[3].records[0]["mean"] = 0.5
        theirs._data[3].records[0]["sem"] = 0.125

    def add_two_generator_runs(self, mine, theirs):
        mine.trials[5].add_generator_run(run_of(4, arm(0.1, "tenth")))
        theirs.trials[5].add_generator_run(run_of(3, arm(0.2, "fifth")))

    def abandon_two_arms(self, mine, theirs):
        mine.trials[5].mark_arm_abandoned("half")
        theirs.trials[5].mark_arm_abandoned("quarter")

    def track_and_untrack(self, mine, theirs):
        mine.add_tracking_metric(docstore.Metric("crust"))
        theirs.remove_tracking_metric("taste")

    def add_two_parameters(self, mine, theirs):
        mine.search_space.add_parameter(docstore.RangeParameter("y", docstore.ParameterType.INT, 0, 9))
        theirs.search_space.add_parameter(docstore.RangeParameter("z", docstore.ParameterType.INT, 0, 9))

    @pytest.fixture(
        params=[
            (observe_two_metrics, lambda e: observed(e, 3), {"taste": NAN, "crust": 0.5, "crumb": 0.75}),
            (observe_two_metrics_of_a_trial_without_data, lambda e: observed(e, 4), {"crust": 0.5, "crumb": 0.75}),
            (observe_one_metric_anew_and_another, lambda e: observed(e, 3), {"taste": 0.5, "crumb": 0.75}),
            (change_two_columns_of_one_observation, lambda e: e._data[3].records[0]["sem"], 0.125),
            (add_two_generator_runs, lambda e: [r.time_created.day for r in e.trials[5].generator_runs], [2, 3, 4]),
            (abandon_two_arms, lambda e: e.trials[5].abandoned_arm_names, {"half", "quarter"}),
            (track_and_untrack, lambda e: list(e.metrics), ["crust"]),
            (add_two_parameters, lambda e: list(e.parameters), ["x", "flour", "y", "z"]),
        ],
        ids=lambda param: param[0].__name__.replace("_", " "),
    )
    def apart(self, request, two):
        edit, seen, expected = request.param
        edit(self, *two)
        return two, seen, expected

    def test_have_both_kept(self, store, apart):
        (mine, theirs), seen, expected = apart
        store.save(theirs)

        store.save(mine)

        assert seen(store.load("cakes")) == expected
        assert docstore.dumps(mine) == docstore.dumps(store.load("cakes"))
        assert store.verify() == []

    def test_have_the_same_bytes_whoever_saves_first(self, store, apart):
        (mine, theirs), *_ = apart
        merged, conflicts = merge(
            *(json_of(each) for each in (store.load("cakes"), theirs, mine)), keys=EXPERIMENT.merge_keys
        )
        store.save(theirs)

        version = store.save(mine)

        assert conflicts == ()
        assert docstore.dumps(mine) == dumps(merged)
        assert version.digest == docstore.digest(mine)

    def test_that_observe_two_metrics_have_them_in_order(self, store, two):
        mine, theirs = two
        observe(mine, 3, 0.5, "crust")
        observe(theirs, 3, 0.75, "crumb")
        store.save(theirs)

        store.save(mine)

        found = [(record["metric_name"], record["mean"]) for record in store.load("cakes")._data[3].records[1:]]
        assert found == [("crumb", 0.75), ("crust", 0.5)]

    def test_that_save_a_trial_alone_have_both_kept(self, store, two):
        mine, theirs = two
        observe(mine, 3, 0.5, "crust")
        observe(theirs, 3, 0.75, "crumb")
        store.save_trial(theirs, theirs.trials[3])

        store.save_trial(mine, mine.trials[3])

        assert store.load("cakes").data.metric_names == {"taste", "crust", "crumb"}
        assert docstore.dumps(mine) == docstore.dumps(store.load("cakes"))

    def test_that_observe_one_metric_differently_are_told_all_three_means(self, store, two):
        mine, theirs = two
        observe(mine, 3, 0.5, "taste")
        observe(theirs, 3, 0.75, "taste")
        store.save(theirs)

        with pytest.raises(ConflictError) as caught:
            store.save(mine)

        [place] = caught.value.places
        assert place == Conflict("/data/3/records/0/mean", {"__type": "float", "value": "nan"}, 0.5, 0.75)

    def test_that_observe_one_metric_first_are_told_both_observations(self, store, two):
        mine, theirs = two
        observe(mine, 4, 0.5, "taste")
        observe(theirs, 4, 0.75, "taste")
        store.save(theirs)

        with pytest.raises(ConflictError) as caught:
            store.save(mine)

        [place] = caught.value.places
        assert (place.pointer, place.base) == ("/data/4/records/0", ABSENT)
        assert (place.mine["mean"], place.theirs["mean"]) == (0.5, 0.75)

    def test_that_give_two_arms_of_one_trial_the_same_name_are_told(self, store, two):
        """Merged, observations of the one would be taken for observations of the other."""
        mine, theirs = two
        mine.trials[5].add_generator_run(run_of(3, arm(0.1, "best")))
        theirs.trials[5].add_generator_run(run_of(4, arm(0.2, "best")))
        store.save(theirs)

        with pytest.raises(ConflictError) as caught:
            store.save(mine)

        assert [place.pointer for place in caught.value.places] == ["/trials/5/generator_runs"]


class TestTwoPeopleWhoEditTheListsOfOneStrategy:
    @pytest.fixture
    def two(self, store):
        store.save(GenerationStrategy([GenerationNode("sobol"), GenerationNode("gp")], "s"))
        return tuple(store.load("s", kind="generation_strategy") for _ in range(2))

    def test_have_both_their_runs_oldest_first(self, store, two):
        mine, theirs = two
        mine.add_generator_run(run_of(2, arm(0.5)))
        theirs.add_generator_run(run_of(1, arm(0.25)))
        store.save(theirs)

        store.save(mine)

        found = store.load("s", kind="generation_strategy")
        assert [run.time_created.day for run in found.generator_runs] == [1, 2]

    def test_have_both_their_changes_of_a_node(self, store, two):
        mine, theirs = two
        mine.nodes[1].should_deduplicate = True
        theirs.nodes[1].properties["a"] = 1
        store.save(theirs)

        store.save(mine)

        node = store.load("s", kind="generation_strategy").nodes_by_name["gp"]
        assert (node.should_deduplicate, node.properties) == (True, {"a": 1})


@pytest.mark.parametrize("keyed", [*EXPERIMENT.keyed, *GENERATION_STRATEGY.keyed], ids=lambda keyed: keyed.pointer)
def test_each_keyed_list_of_docstores_own_kinds_is_one_that_its_documents_have(keyed):
    """A field that is renamed would else lose its key, and nobody would know."""
    constraints = ([docstore.OutcomeConstraint("crumb <= 3")], [docstore.OutcomeConstraint("taste >= 1")])
    config = docstore.MultiObjectiveOptimizationConfig(docstore.Objective("taste, -cost"), *constraints)
    experiment = new_experiment(trials=1, optimization_config=config)
    experiment.new_batch_trial(run_of(1, arm(0.5))).mark_arm_abandoned("1_0")
    strategy = GenerationStrategy([GenerationNode("sobol")], "s")
    strategy.add_generator_run(run_of(1, arm(0.5, "half")))

    found = [list_at(json_of(each), keyed.pattern) for each in (experiment, strategy)]

    [stored] = [each for each in found if each is not None]
    assert all(set(keyed.members) - {"step"} <= item.keys() for item in stored)
    assert not keyed.names or keyed.named_in(stored)


def list_at(document: Any, pattern: Sequence[str]) -> list[Any] | None:
    for token in pattern:
        members = list(document.values()) if token == "*" else [document.get(token)]
        document = members[-1] if members else None
        if document is None:
            return None
    return document if isinstance(document, list) else None


@dataclass
class Reading:
    time: int
    celsius: float = 20.0


@dataclass
class Step:
    name: str
    readings: list[Reading] = field(default_factory=list)


@dataclass
class Brew:
    name: str
    steps: dict[str, Step] = field(default_factory=dict)
    tasks: list[Step] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)


KEYED_BREW = {
    "/readings": "time",
    "/steps/*/readings": ("time",),
    "/tasks": ("name",),
    "/tasks/*/readings": ["time"],
}


class TestTwoPeopleWhoEditTheListsOfADocumentOfAUsersKind:
    @pytest.fixture(autouse=True)
    def _forgotten(self):
        with registry.scope():
            yield

    @pytest.fixture(params=[[], ["/steps/*", "/tasks/*"]], ids=["whole", "in parts"])
    def two(self, request, store):
        docstore.document(kind="brew", parts=request.param, keyed=KEYED_BREW)(Brew)
        store.save(Brew("b", {"boil": Step("boil")}, [Step("stir"), Step("rest")], [Reading(1)]))
        return tuple(store.load("b", kind="brew") for _ in range(2))

    @pytest.mark.parametrize(
        "list_of",
        [lambda brew: brew.readings, lambda brew: brew.steps["boil"].readings, lambda brew: brew.tasks[1].readings],
        ids=["at the top", "in a dict", "in a list"],
    )
    def test_have_both_kept(self, store, two, list_of: Callable[[Brew], list[Reading]]):
        mine, theirs = two
        list_of(mine).append(Reading(3))
        list_of(theirs).append(Reading(2))
        store.save(theirs)

        store.save(mine)

        assert [reading.time for reading in list_of(store.load("b", kind="brew"))][-2:] == [2, 3]
        assert docstore.dumps(mine) == docstore.dumps(store.load("b", kind="brew"))


class TestTwoReleasesOfAClassOfWhichOneSaysThatAListIsKeyed:
    """The document is merged as it says itself; a class that says more says so in it when it saves next."""

    def pieces(self, keys: str, said: dict[str, Any]) -> dict[str, Any]:
        return {"": {"__type": "Brew", "__format": 1, "__document": said, "l": items(keys)}}

    def test_have_it_merged_where_the_document_says_so(self):
        three = [self.pieces(keys, {"keyed": {"/l": ["k"]}}) for keys in ("", "a", "b")]

        merged, conflicts = merged_pieces(Kind("brew"), Sides(*three))

        assert (spelled(merged[""].body["l"]), conflicts) == ("ab", ())

    def test_have_a_conflict_where_it_does_not(self):
        three = [self.pieces(keys, {}) for keys in ("", "a", "b")]

        _, conflicts = merged_pieces(Kind("brew", keyed=BY_K), Sides(*three))

        assert [conflict.pointer for conflict in conflicts] == ["/l"]


class TestTwoEditsOfAKeyedListOfWhichItemsAreLeftOut:
    KEYED: ClassVar = (Keyed(("l",), ("k",)), Keyed(("l", "*", "in"), ("k",)))

    def item(self, key, inside, **members):
        return {"k": key, "in": items(inside), **members}

    @pytest.mark.parametrize(
        ("mine", "theirs", "merged"),
        [
            (("a", "x", {}), ("a", "y", {}), ("a", "xy", {})),
            (("a", "x", {}), ("a", "", {"v": 1}), ("a", "x", {"v": 1})),
            (("a", "", {"v": 1}), ("a", "", {"w": 1}), ("a", "", {"v": 1, "w": 1})),
        ],
    )
    def test_are_merged_inside_one_item(self, mine, theirs, merged):
        base, mine, theirs, merged = (
            self.item(key, inside, **more) for key, inside, more in (("a", "", {}), mine, theirs, merged)
        )

        result, conflicts = merge_sparse(
            {"12": base}, {"12": mine}, {"12": theirs}, at="/l", keys=MergeKeys(self.KEYED).at("l")
        )

        assert (result, conflicts) == ({"12": merged}, ())

    @pytest.mark.parametrize("keyed", [KEYED, KEYED[1:]], ids=["another item", "nobody knows which item"])
    def test_are_a_conflict_where_the_index_has_another_item_now(self, keyed):
        """As after a swap, of which the rest is left out."""
        base, mine, theirs = (
            self.item("a", ""),
            self.item("b" if keyed is self.KEYED else "a", "x"),
            self.item("a", "y"),
        )

        result, conflicts = merge_sparse(
            {"2": base}, {"2": mine}, {"2": theirs}, at="/l", keys=MergeKeys(keyed).at("l")
        )

        assert (result, conflicts) == ({"2": mine}, (Conflict("/l/2", base, mine, theirs),))

    def test_have_a_conflict_inside_an_item_at_its_pointer(self):
        base, mine, theirs = ({str(n): self.item("a", "", v=v) for n in (2, 10)} for v in (0, 1, 2))

        _, conflicts = merge_sparse(base, mine, theirs, at="/l", keys=MergeKeys(self.KEYED).at("l"))

        assert conflicts == (Conflict("/l/2/v", 0, 1, 2), Conflict("/l/10/v", 0, 1, 2))
