"""Versions and their chain, and documents taken back: by themselves, without a store."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docstore.documents.canonical import ABSENT, dumps
from docstore.documents.changeset import changeset_of
from docstore.documents.digests import Digests, digest_of, piece
from docstore.documents.history import (
    GENESIS,
    Parent,
    Rollback,
    Version,
    chained,
    changes_from,
    changes_text,
    last_changed,
    lineage,
    next_moment,
    piece_at,
    piece_of,
    rebuild,
    unparsed,
)
from docstore.documents.kinds import EXPERIMENT, Kind, kind_declared
from docstore.documents.patch import Change
from docstore.errors import DamagedDocumentError, PatchError, UnreadableError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class TestAParent:
    @pytest.mark.parametrize(
        "parent",
        [
            Parent("branch", "a", 3),
            Parent("merge", "a", 3, {12: 14}, {"12_0": "14_0"}),
            Parent("merge", "a", 3, {0: 1}),
        ],
    )
    def test_comes_back_from_its_json(self, parent):
        assert Parent.from_json(parent.to_json()) == parent

    @pytest.mark.parametrize(
        "more",
        [
            {"how": "fork"},
            {"id": 1},
            {"version": "3"},
            {"note": ""},
            {"numbers": {}},
            {"numbers": [[12]]},
            {"numbers": [[12, 14.0]]},
            {"numbers": [[12, True]]},
            {"names": [["12_0", 14]]},
            {"names": ["ab"]},
        ],
        ids=str,
    )
    def test_that_is_malformed_is_an_error(self, more):
        with pytest.raises(PatchError, match="a parent has how, id and version"):
            Parent.from_json({"how": "merge", "id": "a", "version": 3, **more})

    def test_is_where_the_versions_before_a_branch_were_saved(self):
        saved_in = lineage(
            {3: Parent("branch", "a", 2), 5: Parent("merge", "b", 1), 7: Parent("branch", "c", 6)}, "own"
        )

        assert [saved_in(number) for number in (1, 2, 3, 6, 7)] == ["a", "a", "c", "c", "own"]


class TestTheTimeOfASave:
    def test_is_now(self):
        before = datetime.now(UTC)

        assert before <= next_moment(None) <= datetime.now(UTC)

    def test_is_after_the_version_before_whatever_the_clock_says(self):
        ahead = datetime.now(UTC) + timedelta(days=1)

        assert next_moment(ahead) == ahead + timedelta(microseconds=1)

    def test_after_the_last_time_that_python_has_is_an_error(self):
        with pytest.raises(UnreadableError, match="no later time exists"):
            next_moment(datetime.max.replace(tzinfo=UTC))


class TestTheChain:
    def version(self, **changed: Any) -> Version:
        values: dict[str, Any] = {
            "number": 1,
            "created_at": NOON,
            "author": "ada",
            "message": "first",
            "changes": (Change("add", ""),),
            "digest": "d",
            "chain": "",
        }
        return Version(**{**values, **changed})

    def chain(self, previous: str = GENESIS, document: str = "a", changes: str = "[]", **changed: Any) -> str:
        return chained(previous, document, self.version(**changed), changes)

    @pytest.mark.parametrize(
        "changed",
        [
            {"previous": "1" * 64},
            {"document": "b"},
            {"changes": "[1]"},
            {"number": 2},
            {"created_at": NOON + timedelta(microseconds=1)},
            {"author": "bob"},
            {"message": ""},
            {"digest": "e"},
            {"parent": Parent("branch", "b", 1)},
            {"folded": "f"},
        ],
        ids=lambda changed: next(iter(changed)),
    )
    def test_is_another_for_any_other_row(self, changed):
        assert self.chain(**changed) != self.chain()

    def test_is_the_same_for_one_moment_in_another_zone(self):
        there = NOON.astimezone(tz=None)

        assert self.chain(created_at=there) == self.chain()

    def test_contains_the_changes_that_were_saved_after_others_took_their_place(self):
        digest = "9" * 64

        assert self.chain(changes="null", folded=digest) == self.chain(changes="[]", folded=digest)


@pytest.mark.parametrize("text", ["{}", "null", "3"])
def test_changes_that_are_not_a_list_are_an_error(text):
    with pytest.raises(PatchError, match="are a list"):
        changes_from(text)


def test_changes_come_back_from_their_text():
    changes = (Change("add", "/a"), Change("remove", "/b", None), Change("replace", "/c", [1.0]))

    assert changes_from(changes_text(changes)) == changes


class TestAVersionWhoseChangesAreParsedLate:
    """A list of versions has such ones: they keep the text of their changes until these are asked for."""

    CHANGES = (Change("replace", "/a", 1), Change("add", "/b"))

    def version(self, text=None):
        made = Version(3, datetime(2026, 1, 2, tzinfo=UTC), "ada", "", (), "d", "c")
        return unparsed(made, "cakes", changes_text(self.CHANGES) if text is None else text)

    def test_is_the_same_as_one_that_has_them(self):
        version = self.version()

        assert version == replace(self.version(), changes=self.CHANGES)
        assert version.changes is version.changes
        assert (version.places, version.counts["add"]) == (("/a", "/b"), 1)

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
    def test_is_copied_with_them(self, copied):
        assert copied(self.version()).changes == self.CHANGES

    @pytest.mark.parametrize("text", ["{}", "[1]", '[{"op":"add"}]', "["])
    def test_says_where_they_are_malformed(self, text):
        version = self.version(text)

        assert version.author == "ada"
        with pytest.raises(DamagedDocumentError, match="'cakes' is damaged at version 3"):
            _ = version.changes

    def test_has_no_other_attribute(self):
        with pytest.raises(AttributeError, match="nothing"):
            _ = self.version().nothing


class TestThePieceOfAPlace:
    @pytest.mark.parametrize(
        ("pointer", "path"),
        [("", ""), ("/name", ""), ("/trials", ""), ("/trials/1", "/trials/1"), ("/data/1/a", "/data/1")],
    )
    def test_contains_it(self, pointer, path):
        assert piece_of(EXPERIMENT, Change("add", pointer)) == path

    @pytest.mark.parametrize(
        ("pointer", "found"),
        [
            ("", ("", True)),
            ("/name", ("", False)),
            ("/trials", ("", True)),
            ("/trials/1", ("/trials/1", False)),
            ("/data/1/a", ("/data/1", False)),
        ],
    )
    def test_is_not_all_of_a_field_of_parts(self, pointer, found):
        assert piece_at(EXPERIMENT, pointer) == found


RECIPE = kind_declared("recipe", name_field="name", parts=["/steps/*"])
HISTORY: list[Any] = [
    {"name": "pea", "steps": [], "note": {"a": 1}},
    {"name": "pea", "steps": [{"do": "boil"}], "note": {"a": 1}},
    {"name": "pea", "steps": [{"do": "boil"}, {"do": "stir"}], "note": {"a": 2}},
    {"name": "pea", "steps": {"x": {"do": "stir"}}, "note": {"a": 2}},
    {"name": "pea", "steps": {"x": {"do": "rest"}}, "note": {"a": 2}},
    {"name": "pea", "note": {"a": 2}},
]


def changes_between(kind: Kind, old: Any, new: Any) -> tuple[Change, ...]:
    target = {path: piece(path, body) for path, body in kind.split(new).items()}
    return changeset_of(kind, kind.split(old), target).changes


def rollback(kind: Kind, document: Any) -> Rollback:
    pieces = kind.split(document)
    return Rollback(kind, pieces, Digests.of({path: piece(path, body).digest for path, body in pieces.items()}))


class TestADocumentTakenBack:
    @pytest.fixture
    def steps(self) -> list[tuple[Change, ...]]:
        return [changes_between(RECIPE, *pair) for pair in pairwise(HISTORY)]

    def test_passes_each_version_with_its_digest(self, steps):
        document = rollback(RECIPE, HISTORY[-1])

        for older, changes in zip(HISTORY[-2::-1], steps[::-1], strict=True):
            document.undo(changes)
            assert dumps(document.document()) == dumps(older)
            assert document.digest() == digest_of(RECIPE, older)

    def test_is_at_once_where_it_is_after_each(self, steps):
        pieces = rebuild(RECIPE.split(HISTORY[-1]), RECIPE, steps[::-1])

        assert dumps(pieces) == dumps(RECIPE.split(HISTORY[0]))

    @pytest.mark.parametrize(("old", "new"), [(0, -1), (0, 2), (1, 3), (3, 4), (3, 5)])
    def test_goes_over_several_versions_at_once(self, steps, old, new):
        """Also over one that made other members parts."""
        new %= len(HISTORY)
        document = rollback(RECIPE, HISTORY[new])

        document.undo_versions(steps[old:new][::-1])

        assert dumps(document.document()) == dumps(HISTORY[old])
        assert document.digest() == digest_of(RECIPE, HISTORY[old])

    def test_gives_the_pieces_that_changed_as_they_were(self, steps):
        document = rollback(RECIPE, HISTORY[2])

        touched = document.undo(steps[1])

        assert touched == {"": {**HISTORY[2], "steps": []}, "/steps/1": {"do": "stir"}}

    def test_gives_absent_for_a_piece_that_was_removed(self):
        old, new = ({"name": "pea", "steps": steps} for steps in ({"x": 1, "y": 2}, {"x": 1}))

        assert rollback(RECIPE, new).undo(changes_between(RECIPE, old, new)) == {"/steps/y": ABSENT}

    def test_knows_no_pieces_before_a_change_of_its_layout(self, steps):
        document = rollback(RECIPE, HISTORY[4])

        assert document.touched(steps[3]) == {"/steps/x"}
        assert document.touched(steps[2]) is None

    def test_can_lose_a_part(self):
        document = rollback(RECIPE, HISTORY[4])

        document.drop("/steps/x")

        assert document.digest() == digest_of(RECIPE, {**HISTORY[4], "steps": {}})
        assert list(document.pieces) == [""]
        assert list(document.digests.paths()) == [""]


def _adding(path: str, *, number: int) -> Version:
    """Return a version that added the value at *path*."""
    return Version(number, NOON, "ada", "", (Change("add", path),), "d", "c")


POINTERS = st.lists(st.sampled_from(["a", "b", "ab", ""]), max_size=4).map(
    lambda way: "".join(f"/{each}" for each in way)
)


class TestTheVersionThatChangedAPlaceLast:
    def test_is_one_that_changed_it_or_what_is_in_it_or_what_contains_it(self):
        second, first = _adding("/a/b/c", number=2), _adding("", number=1)

        found = last_changed([second, first], ["/a", "/a/b/c/d", "/ab"])

        assert {pointer: each.number for pointer, each in found.items()} == {"/a": 2, "/a/b/c/d": 2, "/ab": 1}

    @settings(max_examples=30)
    @given(st.lists(POINTERS, unique=True), st.lists(st.lists(POINTERS, max_size=3), max_size=8))
    def test_is_the_first_whose_change_contains_it_or_is_in_it(self, pointers, paths):
        versions = [
            replace(_adding("", number=number), changes=tuple(Change("add", path) for path in each))
            for number, each in enumerate(paths)
        ]

        def touches(path, pointer):
            return path == pointer or path.startswith(f"{pointer}/") or pointer.startswith(f"{path}/")

        expected = {
            pointer: next((v for v in versions if any(touches(c.path, pointer) for c in v.changes)), None)
            for pointer in pointers
        }
        assert last_changed(versions, pointers) == {each: v for each, v in expected.items() if v is not None}

    def test_is_missing_if_no_version_that_was_looked_at_changed_it(self):
        assert last_changed([_adding("/a", number=1)], ["/b"]) == {}
