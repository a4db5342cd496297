"""PartDict: a dict as any other, which notes whose items were handed out, added, replaced or removed."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from docstore.model.part_dict import PartDict, marks_of, peek, peek_pairs, renew_marks

LETTERS = {1: "a", 2: "b", 3: "c"}


@pytest.fixture
def letters() -> PartDict[int, Any]:
    """A dict of three letters that nobody has touched since they were saved."""
    made: PartDict[int, Any] = PartDict(LETTERS)
    marks = renew_marks(made)
    marks.begin()
    marks.end("a state")
    return made


class TestAnyDict:
    @pytest.mark.parametrize(
        "use",
        [
            dict,
            list,
            len,
            repr,
            bool,
            json.dumps,
            copy.copy,
            copy.deepcopy,
            lambda d: d.copy(),
            lambda d: {**d},
            lambda d: d | {4: "d"},
            lambda d: {4: "d"} | d,
            lambda d: d == LETTERS,
            lambda d: operator.eq(LETTERS, d),
            lambda d: d != {},
            lambda d: (operator.ne(d, LETTERS), operator.ne(LETTERS, d), d != []),
            lambda d: d == [],
            lambda d: (1 in d, 4 in d, "a" in d.values(), (1, "a") in d.items()),
            lambda d: (list(d.keys()), list(d.values()), list(d.items())),
            lambda d: (list(reversed(d)), list(reversed(d.values())), list(reversed(d.items()))),
            lambda d: (len(d.values()), len(d.items()), d.items() == LETTERS.items(), d.items() & {(1, "a")}),
            lambda d: (repr(d.values()), repr(d.items())),
            lambda d: (d.values().mapping == LETTERS, d.items().mapping == LETTERS),
            lambda d: (d[1], d.get(1), d.get(4), d.get(4, "?")),
            lambda d: (d.pop(1), d.pop(4, "?"), d.popitem(), dict(d)),
            lambda d: (d.setdefault(1, "?"), d.setdefault(4, "d"), d.setdefault(5), dict(d)),
            lambda d: (d.update({4: "d"}), d.update([(5, "e")]), d.update(), dict(d)),
            lambda d: (d.__ior__({4: "d"}), dict(d)),
            lambda d: (d.__delitem__(1), d.__setitem__(2, "?"), dict(d)),
            lambda d: (d.clear(), dict(d)),
        ],
    )
    def test_gives_the_same(self, letters, use):
        assert use(letters) == use(dict(LETTERS))

    @pytest.mark.parametrize("use", [lambda d: d[4], lambda d: d.pop(4), hash, lambda d: d | [], lambda d: d[[]]])
    def test_raises_the_same(self, letters, use):
        with pytest.raises((KeyError, TypeError)) as raised:
            use(letters)

        with pytest.raises(type(raised.value)):
            use(dict(LETTERS))


class TestALoop:
    def test_goes_over_what_there_was_when_it_began(self, letters):
        for key, letter in letters.items():
            letters[key + 3] = letter
            letters.pop(key)

        assert letters == {4: "a", 5: "b", 6: "c"}

    def test_over_the_keys_refuses_a_change_of_their_number(self, letters):
        keys = iter(letters)
        letters[next(keys) + 3] = "d"

        with pytest.raises(RuntimeError, match="changed size"):
            next(keys)


class TestANotebook:
    def test_shows_it_as_it_shows_a_dict(self):
        pretty = pytest.importorskip("IPython.lib.pretty").pretty
        long = {1: ["a"] * 20, 2: ["b"] * 20}

        assert pretty(PartDict(long)) == pretty(long)


class TestWhatIsTouched:
    @pytest.mark.parametrize(
        ("use", "keys"),
        [
            (lambda d: d[1], {1}),
            (lambda d: d.get(1), {1}),
            (lambda d: d.get(4), set()),
            (lambda d: d.pop(1), {1}),
            (lambda d: d.pop(4, None), set()),
            (lambda d: d.popitem(), {3}),
            (lambda d: d.setdefault(1), {1}),
            (lambda d: d.__setitem__(4, "d"), {4}),
            (lambda d: d.__delitem__(1), {1}),
            (lambda d: d.update({1: "?"}), {1}),
            (lambda d: d.clear(), {1, 2, 3}),
            (lambda d: next(iter(d.values())), {1}),
            (lambda d: next(iter(d.items())), {1}),
            (lambda d: next(reversed(d.values())), {3}),
            (lambda d: dict(d), {1, 2, 3}),
            (lambda d: {**d}, {1, 2, 3}),
            (lambda d: {}.update(d), {1, 2, 3}),
            (lambda d: {} | d, {1, 2, 3}),
            (lambda d: d | {}, {1, 2, 3}),
            (lambda d: d.copy(), {1, 2, 3}),
            (copy.copy, {1, 2, 3}),
            (pickle.dumps, {1, 2, 3}),
            (lambda d: d == {}, {1, 2, 3}),
            (repr, {1, 2, 3}),
            (lambda d: (list(d), len(d), 1 in d, d.keys(), d.values(), d.items()), set()),
            (lambda d: (peek(d, 1), peek_pairs(d)), set()),
        ],
    )
    def test_is_what_was_handed_out_added_replaced_or_removed(self, letters, use: Callable[..., Any], keys):
        use(letters)

        assert marks_of(letters).touched == keys

    def test_stays_so_until_a_save_that_succeeds(self, letters):
        letters[1] = "A"

        assert marks_of(letters).begin() == {1}
        assert marks_of(letters).begin() == {1}
        marks_of(letters).end("another state")
        assert marks_of(letters).begin() == set()

    def test_is_noted_during_a_save_too(self, letters):
        letters[1] = "A"
        marks_of(letters).begin()
        letters[1] = "B"
        marks_of(letters).end("another state")

        assert marks_of(letters).begin() == {1}


class TestACopy:
    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
    def test_is_of_the_same_type_and_was_never_saved(self, letters, copied):
        made = copied(letters)

        assert type(made) is PartDict
        assert marks_of(made).base != marks_of(letters).base
