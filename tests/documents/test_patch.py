"""Changes between two JSON values: undone, applied forward, and described in lines."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jsonpatch
import pytest
from deepdiff import DeepDiff
from edits import AWKWARD_KEYS, documents, histories, keys, pairs, unhurried
from hypothesis import given
from hypothesis import strategies as st

from docstore.documents import patch as patching
from docstore.documents.canonical import JSON, MAX_DEPTH, dumps, join_pointer, loads, same_json
from docstore.documents.diff.lines import Pair, plain_lines
from docstore.documents.merge.three_way import merge
from docstore.documents.patch import Change, apply, checked_diff, diff, forward, undo, undo_all
from docstore.errors import PatchError


def in_bytes(newest_first: Sequence[Sequence[Change]]) -> bytes:
    return dumps([[change.to_json() for change in changes] for changes in newest_first])


def same_changes(some: Sequence[Change], others: Sequence[Change]) -> bool:
    """Equal in type too, which ``==`` does not see."""
    return in_bytes([some]) == in_bytes([others])


def in_texts(value: JSON) -> Any:
    """The value with each scalar as its canonical text, so that == is exact."""
    if isinstance(value, dict):
        return {key: in_texts(member) for key, member in value.items()}
    return [in_texts(item) for item in value] if isinstance(value, list) else dumps(value).decode()


def records(count: int) -> list[JSON]:
    return [{"id": number, "mean": number / 7, "tags": ["a", "b"], "meta": {"ok": True}} for number in range(count)]


def nested(levels: int, leaf: JSON) -> JSON:
    for level in range(levels):
        leaf = {"x": leaf} if level % 2 else [leaf]
    return leaf


class TestAnyTwoDocuments:
    """What holds for every pair of JSON values, related or not."""

    @unhurried
    @given(pairs())
    def test_undoing_the_difference_gives_the_old_bytes(self, pair):
        old, new = pair

        assert dumps(undo(new, diff(old, new))) == dumps(old)

    @unhurried
    @given(pairs())
    def test_the_forward_patch_gives_the_new_bytes(self, pair):
        old, new = pair

        assert dumps(apply(old, forward(new, diff(old, new)))) == dumps(new)

    @unhurried
    @given(pairs())
    def test_an_independent_program_can_apply_the_forward_patch(self, pair):
        old, new = pair

        assert dumps(jsonpatch.apply_patch(old, forward(new, diff(old, new)))) == dumps(new)

    @unhurried
    @given(pairs())
    def test_a_checked_difference_is_the_difference(self, pair):
        assert same_changes(checked_diff(*pair), diff(*pair))

    @unhurried
    @given(documents)
    def test_a_document_does_not_differ_from_its_copy(self, document):
        assert diff(document, copy.deepcopy(document)) == ()

    @unhurried
    @given(pairs())
    def test_an_independent_program_sees_a_difference_exactly_when_there_is_one(self, pair):
        seen = DeepDiff(*map(in_texts, pair), ignore_private_variables=False, threshold_to_diff_deeper=0)

        assert bool(seen) == bool(diff(*pair))

    @unhurried
    @given(pairs())
    def test_nothing_that_was_given_is_changed(self, pair):
        old, new = pair
        changes = diff(old, new)
        before = dumps([old, new]), in_bytes([changes])

        apply(undo(new, changes), forward(new, changes))
        merge(old, new, [])
        lines_of(old, new)

        assert (dumps([old, new]), in_bytes([changes])) == before

    @unhurried
    @given(pairs())
    def test_changes_come_back_from_their_text(self, pair):
        changes = diff(*pair)

        text = dumps([change.to_json() for change in changes])

        assert same_changes([Change.from_json(record) for record in loads(text)], changes)

    @unhurried
    @given(pairs(), st.lists(keys, max_size=3).map(join_pointer))
    def test_a_part_of_a_document_has_the_same_changes_under_its_pointer(self, pair, pointer):
        moved = checked_diff(*pair, at=pointer)

        assert same_changes(moved, [Change(c.op, pointer + c.path, c.old) for c in diff(*pair)])

    @unhurried
    @given(histories())
    def test_a_whole_history_can_be_undone_at_once(self, versions):
        newest_first = [diff(*pair) for pair in pairwise(versions)][::-1]
        before = in_bytes(newest_first)

        oldest = undo_all(versions[-1], newest_first)

        assert dumps(oldest) == dumps(versions[0])
        assert in_bytes(newest_first) == before


class TestValuesThatPythonTakesForEqual:
    @pytest.mark.parametrize(
        ("old", "new"),
        [(1, True), (1, 1.0), (0, False), (0.0, -0.0), (0, -0.0), (1.0, True), ([], {}), (None, False), ("1", 1)],
    )
    @pytest.mark.parametrize("around", [lambda x: x, lambda x: [x], lambda x: {"k": x}, lambda x: [{"k": [x, x]}, 2]])
    def test_they_differ(self, around, old, new):
        changes = diff(around(old), around(new))

        assert changes
        assert dumps(undo(around(new), changes)) == dumps(around(old))
        assert lines_of(around(old), around(new))


class TestOneSmallEdit:
    """A small edit makes a small change, wherever it is."""

    def test_a_member_is_named_by_its_pointer(self):
        old, new = {"a/b": {"~": 1, "same": 2}}, {"a/b": {"~": 5, "same": 2}}

        assert diff(old, new) == (Change("replace", "/a~1b/~0", 1),)

    def test_members_come_in_sorted_order(self):
        changes = diff({"b": 1, "c": {"x": 1}, "d": 1}, {"a": 1, "b": 2, "c": {"x": 2}})

        assert [(change.op, change.path) for change in changes] == [
            ("add", "/a"),
            ("replace", "/b"),
            ("replace", "/c/x"),
            ("remove", "/d"),
        ]

    def test_a_null_that_was_there_is_kept(self):
        assert diff({"a": None}, {})[0].to_json() == {"op": "remove", "path": "/a", "old": None}

    def test_what_was_not_there_has_no_old_value(self):
        assert diff({}, {"a": None})[0].to_json() == {"op": "add", "path": "/a"}

    @pytest.mark.parametrize("size", [3, 100, 10_000])
    @pytest.mark.parametrize("item", [{"id": -1}, "new", 0])
    def test_an_item_inserted_in_the_middle_is_one_change(self, size, item):
        old = records(size)
        new = [*old[: size // 2], item, *old[size // 2 :]]

        assert diff(old, new) == (Change("add", f"/{size // 2}"),)

    @pytest.mark.parametrize("size", [3, 100, 10_000])
    def test_an_item_deleted_from_the_middle_is_one_change(self, size):
        old = records(size)
        new = [*old[: size // 2], *old[size // 2 + 1 :]]

        assert diff(old, new) == (Change("remove", f"/{size // 2}", old[size // 2]),)

    @pytest.mark.parametrize("size", [100, 10_000])
    def test_edits_far_apart_in_a_list_stay_apart(self, size):
        old = records(size)
        new = copy.deepcopy(old)
        new[size // 2]["mean"] = -1.0
        new.insert(size - 5, "inserted")
        del new[5]

        assert [(change.op, change.path) for change in diff(old, new)] == [
            ("remove", "/5"),
            ("add", f"/{size - 6}"),
            ("replace", f"/{size // 2 - 1}/mean"),
        ]

    def test_edits_among_equal_items_stay_apart(self):
        old = ["RUNNING", "COMPLETED"] * 30
        new = [*old[:10], "FAILED", *old[10:50], *old[51:]]

        assert [(change.op, change.path) for change in diff(old, new)] == [("add", "/10"), ("remove", "/51")]

    def test_one_field_in_a_list_of_10_000_records_is_one_short_change(self):
        old = records(10_000)
        new = copy.deepcopy(old)
        new[5_000]["meta"]["ok"] = False

        assert diff(old, new) == (Change("replace", "/5000/meta/ok", True),)

    def test_the_deepest_document_that_can_be_stored_has_a_difference(self):
        old, new = nested(MAX_DEPTH, 1), nested(MAX_DEPTH, 2)

        changes = checked_diff(old, new)

        assert [(change.op, change.old) for change in changes] == [("replace", 1)]


class TestAListThatChangedThroughout:
    """A change for each item would take more room than the old list."""

    @pytest.mark.parametrize("old", [list(range(1_000)), [], [[number, number + 1] for number in range(100)]])
    def test_it_is_replaced_whole(self, old):
        new = [number / 2 - 1 for number in range(1_000)]

        assert diff({"a": old}, {"a": new}) == (Change("replace", "/a", old),)

    def test_big_items_keep_their_own_changes(self):
        old = [{"text": "x" * 200, "n": number} for number in range(100)]
        new = [{"text": "x" * 200, "n": -1 - number} for number in range(100)]

        assert [change.path for change in diff(old, new)] == [f"/{number}/n" for number in range(100)]

    @pytest.mark.parametrize("size", [20, 1_000])
    def test_a_reversed_list_comes_back(self, size):
        old = records(size)

        assert dumps(undo(old[::-1], diff(old, old[::-1]))) == dumps(old)


class TestALongListWithManyEdits:
    """Too long to be aligned item by item; many items are equal, or equal to Python."""

    @unhurried
    @given(st.randoms(use_true_random=False), st.integers(0, 40))
    def test_it_comes_back(self, random, edits):
        old = [random.choice([0, 1, True, 0.0, -0.0, {"n": index}, [index], index]) for index in range(200)]
        new = copy.deepcopy(old)
        for _ in range(edits):
            new.insert(random.randrange(200), new.pop(random.randrange(200)))

        changes = diff(old, new)

        assert dumps(undo(new, changes)) == dumps(old)
        assert dumps(apply(old, forward(new, changes))) == dumps(new)


class TestUndoing:
    def test_only_the_containers_on_the_way_are_copied(self):
        new = {"touched": {"x": 2}, "left": {"big": [1, 2, 3]}}

        old = undo(new, [Change("replace", "/touched/x", 1)])

        assert old == {"touched": {"x": 1}, "left": {"big": [1, 2, 3]}}
        assert old["left"] is new["left"]

    def test_a_value_put_back_can_be_changed_by_an_older_change(self):
        put_back = {"x": 2}
        newest_first = [[Change("remove", "/a", put_back)], [Change("replace", "/a/x", 1)]]

        oldest = undo_all({}, newest_first)

        assert oldest == {"a": {"x": 1}}
        assert put_back == {"x": 2}

    def test_values_that_come_one_at_a_time_are_left_as_they_came(self):
        given = []

        def newest_first():
            for number in range(100):
                # The copy that was made of the value before is gone by now: this value may get its address.
                given.append({"x": number})
                yield [Change("replace", "/a/x", -1), Change("replace", "/a", given[-1])]
                yield [Change("replace", "/a", None)]

        oldest = undo_all({"a": {"x": "newest"}}, newest_first())

        assert oldest == {"a": None}
        assert given == [{"x": number} for number in range(100)]

    def test_one_container_in_two_places_is_changed_in_one(self):
        shared = {"x": 2}

        assert undo({"a": shared, "b": shared}, [Change("replace", "/a/x", 1)]) == {"a": {"x": 1}, "b": {"x": 2}}

    def test_later_changes_are_undone_first(self):
        changes = [Change("remove", "/0", "a"), Change("remove", "/0", "b")]

        assert undo(["c"], changes) == ["a", "b", "c"]


MISFITS = [
    Change("add", ""),
    Change("add", "/missing"),
    Change("replace", "/missing", 1),
    Change("replace", "/missing/deeper", 1),
    Change("remove", "/list", 1),
    Change("remove", "/list/4", 1),
    Change("replace", "/list/3", 1),
    Change("add", "/list/3"),
    Change("add", "/list/-"),
    Change("remove", "/list/-", 1),
    Change("replace", "/list/-1", 1),
    Change("replace", "/list/01", 1),
    Change("replace", "/list/²", 1),
    Change("replace", "/list/x", 1),
    Change("replace", "/list/" + "9" * 5_000, 1),
    Change("replace", "/list/0/x", 1),
    Change("replace", "/text/0", 1),
]


class TestChangesThatDoNotFit:
    @pytest.mark.parametrize("misfit", MISFITS, ids=lambda change: f"{change.op} {change.path:.20}")
    @pytest.mark.parametrize("take_back", [undo, forward])
    def test_they_are_refused_by_their_pointer_and_nothing_is_changed(self, take_back, misfit):
        document = {"list": [1, 2, 3], "text": "abc", "fits": 2}
        before = dumps(document)

        with pytest.raises(PatchError) as refused:
            take_back(document, [misfit, Change("replace", "/fits", 1)])

        assert refused.value.pointer == misfit.path
        assert dumps(document) == before


class TestAJsonPatch:
    """RFC 6902, from wherever it comes."""

    def test_each_value_is_the_one_of_its_turn(self):
        changes = [Change("replace", "/a", 1), Change("replace", "/a", {"x": 2}), Change("remove", "/a/x", 3)]

        assert forward({"a": {}}, changes) == [
            {"op": "replace", "path": "/a", "value": {"x": 2}},
            {"op": "replace", "path": "/a", "value": {"x": 3}},
            {"op": "remove", "path": "/a/x"},
        ]

    @pytest.mark.parametrize(
        ("step", "expected"),
        [
            ({"op": "add", "path": "/list/-", "value": 3}, {"list": [1, 2, 3]}),
            ({"op": "add", "path": "/list/2", "value": 3}, {"list": [1, 2, 3]}),
            ({"op": "add", "path": "/list", "value": None}, {"list": None}),
            ({"op": "add", "path": "", "value": 1}, 1),
            ({"op": "replace", "path": "", "value": None}, None),
            ({"op": "remove", "path": "/list/0"}, {"list": [2]}),
        ],
    )
    def test_it_is_applied_as_the_standard_says(self, step, expected):
        assert same_json(apply({"list": [1, 2]}, [step]), expected)

    def test_a_value_used_twice_is_two_values(self):
        value = {"x": 1}
        steps = [{"op": "add", "path": f"/{key}", "value": value} for key in "ab"]

        after = apply({}, [*steps, {"op": "replace", "path": "/a/x", "value": 2}])

        assert after == {"a": {"x": 2}, "b": {"x": 1}}
        assert value == {"x": 1}

    @pytest.mark.parametrize(
        "step",
        [
            {},
            {"op": "add", "path": "/a"},
            {"op": "replace", "path": "/list/0"},
            {"op": "test", "path": "/list", "value": [1, 2]},
            {"op": "remove", "path": "list"},
            {"op": "remove", "path": 3},
            {"op": "remove", "path": ""},
            {"op": "remove", "path": "/a"},
            {"op": "add", "path": "/list/3", "value": 1},
            {"op": "add", "path": "/a/b", "value": 1},
            {"op": "replace", "path": "/list/-", "value": 1},
        ],
    )
    def test_what_does_not_fit_is_refused_and_nothing_is_changed(self, step):
        document = {"list": [1, 2]}

        with pytest.raises(PatchError):
            apply(document, [{"op": "replace", "path": "/list/1", "value": 9}, step])

        assert document == {"list": [1, 2]}


class TestChangesReadFromADatabase:
    @pytest.mark.parametrize(
        "record",
        [
            None,
            [],
            "add",
            {},
            {"op": "add"},
            {"path": "/a"},
            {"op": "move", "path": "/a"},
            {"op": ["add"], "path": "/a"},
            {"op": "add", "path": None},
            {"op": "add", "path": "a"},
            {"op": "add", "path": "/~2"},
            {"op": "add", "path": "/a", "old": None},
            {"op": "remove", "path": "/a"},
            {"op": "replace", "path": "/a"},
            {"op": "replace", "path": "/a", "old": 1, "value": 2},
        ],
    )
    def test_a_malformed_one_is_refused(self, record):
        with pytest.raises(PatchError):
            Change.from_json(record)

    def test_a_removal_without_its_old_value_cannot_even_be_made(self):
        with pytest.raises(PatchError, match="needs an old value"):
            Change("remove", "/trials/3")


class TestTwoLongListsOfWhichNoItemIsUnique:
    def test_are_paired_in_order_and_equal_pairs_are_left_out(self):
        old, new = [0, *[7] * 200, 0], [1, *[7] * 200, 1]

        assert diff(old, new) == (Change("replace", "/0", 0), Change("replace", "/201", 0))


class TestADifferenceThatWouldNotRestoreTheOldVersion:
    """A fault of our own, put in on purpose."""

    @pytest.mark.parametrize("wrong", [(), (Change("replace", "/a", 7),), (Change("add", "/missing"),)])
    def test_the_whole_value_is_kept_instead(self, monkeypatch, wrong):
        monkeypatch.setattr(patching, "diff", lambda old, new: wrong)

        assert checked_diff({"a": 1}, {"a": 2}, at="/p") == (Change("replace", "/p", {"a": 1}),)

    def test_if_that_fails_too_nothing_is_returned(self, monkeypatch):
        monkeypatch.setattr(patching, "undo", lambda new, changes: new)

        with pytest.raises(PatchError, match="at /p"):
            checked_diff({"a": 1}, {"a": 2}, at="/p")


def lines_of(old: JSON, new: JSON) -> list[str]:
    return list(map(str, plain_lines("", Pair(old, new)) if diff(old, new) else []))


class TestTheLinesOfTwoValues:
    @unhurried
    @given(pairs())
    def test_there_are_some_exactly_when_there_is_a_difference(self, pair):
        assert bool(lines_of(*pair)) == bool(diff(*pair))

    @unhurried
    @given(pairs())
    def test_a_place_is_one_line(self, pair):
        assert all(len(line.splitlines()) == 1 for line in lines_of(*pair))

    @pytest.mark.parametrize(
        ("old", "new", "lines"),
        [
            ({"status": "RUNNING"}, {"status": "COMPLETED"}, ["status: RUNNING -> COMPLETED"]),
            ({"x": 3}, {}, ["x: removed 3"]),
            ({}, {"x": None}, ["x: added null"]),
            (1, True, ["the root: 1 -> true"]),
            ([1], [True], ["0: 1 -> true"]),
            ([0.0], [-0.0], ["0: 0.0 -> -0.0"]),
            ([], {}, ["the root: [] -> {}"]),
            ({"a": "1"}, {"a": 1}, ['a: "1" -> 1']),
            ({"a": [1, 2, 3]}, {"a": [1, 3]}, ["a/1: removed 2"]),
            ([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 7], ["0: removed 1", "4: 6 -> 7"]),
            ([{"k": 1}, {"k": 2}], [{"k": 1}, {"k": 5}, {"k": 3}], ["1/k: 2 -> 5", "2: added {k: 3}"]),
            ({"b": {"y": 1}, "a": 1}, {"b": {"y": 2}, "c": 1}, ["a: removed 1", "b/y: 1 -> 2", "c: added 1"]),
            ({"line\nbreak": "\u2028"}, {}, ['line\\nbreak: removed "\\u2028"']),
        ],
    )
    def test_a_line_names_the_place_and_both_values(self, old, new, lines):
        assert lines_of(old, new) == lines

    @pytest.mark.parametrize("key", [key for key in AWKWARD_KEYS if key != "\n"])
    def test_an_awkward_key_is_named_by_its_pointer(self, key):
        place = join_pointer(["outer", key])[1:]

        assert lines_of({"outer": {key: [1]}}, {"outer": {key: [2]}}) == [f"{place}/0: 1 -> 2"]
        assert lines_of({"outer": {}}, {"outer": {key: 1}}) == [f"{place}: added 1"]

    def test_an_edit_in_an_item_after_an_insertion_is_named_by_where_it_is_now(self):
        old = records(1_000)
        new = copy.deepcopy(old)
        new[800]["meta"]["ok"] = None
        new.insert(5, "new")

        assert lines_of(old, new) == ["5: added new", "801/meta/ok: true -> null"]

    def test_a_list_too_repetitive_to_align_is_compared_by_index(self):
        zeros, ones = [0] * 300, [1] * 300

        assert lines_of([*zeros, *ones], [*zeros, 5, *ones]) == ["300: 1 -> 5", "600: added 1"]

    def test_numbers_come_in_numeric_order(self):
        old = {"trials": dict.fromkeys(["2", "10", "1", "x"], 0)}

        lines = lines_of(old, {"trials": {}})

        assert [line.split(":")[0] for line in lines] == [f"trials/{key}" for key in ("1", "2", "10", "x")]

    def test_a_long_value_is_shortened_and_shows_that_it_is(self):
        (line,) = lines_of({}, {"x": list(range(100))})

        assert line.startswith("x: added [0, 1, 2, 3,")
        assert line.endswith("…")
        assert len(line) < 80

    def test_two_long_values_are_shown_where_they_part(self):
        (line,) = lines_of("a" * 500 + "mine" + "b" * 500, "a" * 500 + "yours" + "b" * 500)

        before, after = line.split(" -> ")
        assert "amineb" in before
        assert "ayoursb" in after
        assert len(line) < 150

    def test_the_deepest_document_that_can_be_stored_has_one(self):
        (line,) = lines_of(nested(MAX_DEPTH, 1), nested(MAX_DEPTH, 2))

        assert line.endswith(": 1 -> 2")

    def test_deepdiff_is_not_imported_before_it_is_needed(self):
        modules = "docstore.documents.patch, docstore.documents.merge.three_way"
        code = f"import sys, {modules}; sys.exit('deepdiff' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
