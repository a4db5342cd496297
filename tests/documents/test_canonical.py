"""JSON values have one canonical text, and each place in them has one pointer."""

from __future__ import annotations

import hashlib
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore.documents.canonical import (
    MAX_DEPTH,
    digest,
    dumps,
    join_pointer,
    loads,
    loads_strict,
    moment_text,
    same_json,
    split_pointer,
    text_digest,
    value_at_pointer,
)
from docstore.errors import DecodeError, EncodeError
from docstore.testing.exact import identity

PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | PLAIN_TEXT
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(PLAIN_TEXT, inner), max_leaves=20)

RFC_6901 = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
"""The document of section 5."""


def nested(levels: int, bottom: Any = 0) -> Any:
    """Return *bottom* within that many lists."""
    value = bottom
    for _ in range(levels):
        value = [value]
    return value


class TestTheCanonicalText:
    @given(JSON)
    def test_comes_back_exactly(self, value):
        assert identity(loads(dumps(value))) == identity(value)

    @given(JSON)
    def test_of_what_was_read_is_the_same(self, value):
        assert dumps(loads(dumps(value))) == dumps(value)

    @given(st.dictionaries(PLAIN_TEXT, SCALARS), st.randoms())
    def test_does_not_depend_on_the_order_of_keys(self, value, random):
        items = list(value.items())
        random.shuffle(items)

        assert dumps(dict(items)) == dumps(value)

    def test_is_compact_sorted_and_utf_8(self):
        assert dumps({"b": [1, 2.0, None], "a": "ü"}) == '{"a":"ü","b":[1,2.0,null]}'.encode()

    def test_for_people_has_lines_and_says_the_same(self):
        value = {"b": [1, {}], "a": None}

        assert dumps(value, indent=True) == b'{\n  "a": null,\n  "b": [\n    1,\n    {}\n  ]\n}'
        assert loads(dumps(value, indent=True)) == value

    @pytest.mark.parametrize(("a", "b"), [(1, 1.0), (1, True), (0.0, -0.0), ("1", 1), ([], {}), (None, False)])
    def test_tells_values_apart_that_python_may_not(self, a, b):
        assert not same_json([a], [b])

    @given(JSON)
    def test_tells_that_a_value_is_the_same_as_itself(self, value):
        assert same_json(value, loads(dumps(value, indent=True)))

    def test_has_its_sha_256_as_digest(self):
        assert digest(b"[1]") == hashlib.sha256(b"[1]").hexdigest()


class TestTheTextOfAMoment:
    @given(st.datetimes(timezones=st.sampled_from([None, UTC])))
    def test_is_its_iso_text(self, moment):
        assert moment_text(moment) == moment.isoformat()

    @pytest.mark.parametrize("microsecond", [0, 1, 10, 999_000, 999_999])
    @pytest.mark.parametrize("year", [1, 999, 1969, 9999])
    def test_is_its_iso_text_in_any_year(self, year, microsecond):
        moment = datetime(year, 1, 2, 3, 4, 5, microsecond, tzinfo=UTC)

        assert moment_text(moment) == moment.isoformat()


class TestANestedValue:
    def test_is_written_up_to_the_limit(self):
        assert dumps(nested(MAX_DEPTH)) == b"[" * 254 + b"0" + b"]" * 254

    @pytest.mark.parametrize("levels", [255, 300, 1000, 100_000])
    def test_is_refused_beyond_it_with_the_first_pointer_that_is_too_deep(self, levels):
        with pytest.raises(EncodeError, match="deeper than 254") as caught:
            dumps(nested(levels))

        assert caught.value.pointer == "/0" * 254

    def test_is_refused_with_the_keys_on_the_way(self):
        with pytest.raises(EncodeError) as caught:
            dumps({"fine": nested(250), "a/b": [nested(300)]})

        assert caught.value.pointer == "/a~1b/0" + "/0" * 252

    @pytest.mark.parametrize("within", [1, 2, 100, 253])
    def test_fits_as_a_part_if_the_whole_fits(self, within):
        part = nested(MAX_DEPTH - within)

        assert dumps(part, within=within) == dumps(part)

    @pytest.mark.parametrize("within", [1, 2, 100, 253])
    def test_does_not_fit_as_a_part_if_the_whole_is_too_deep(self, within):
        with pytest.raises(EncodeError) as caught:
            dumps(nested(MAX_DEPTH - within + 1), within=within)

        assert caught.value.pointer == "/0" * (MAX_DEPTH - within)

    def test_is_not_taken_for_deep_because_it_is_wide(self):
        part = [[{}]] * 1000

        assert dumps(part, within=2) == dumps(part)

    def test_is_not_taken_for_deep_because_of_brackets_in_its_text(self):
        assert dumps("[{" * 1000, within=2) == dumps("[{" * 1000)


class TestWhatIsNoJson:
    @pytest.mark.parametrize("value", [object(), {1: 2}, {"a": [1, {2}]}, 2**64, "\ud800", b"", range(3)])
    def test_is_refused_when_written(self, value):
        with pytest.raises(EncodeError):
            dumps(value)

    @pytest.mark.parametrize(
        "text", ["", "{", "[1,]", "NaN", "Infinity", "'a'", '"\\ud800"', b"\xff", "1 2", "[" * 100_000]
    )
    def test_is_refused_when_read(self, text):
        with pytest.raises(DecodeError, match="not JSON"):
            loads(text)

    def test_is_refused_with_line_and_column(self):
        with pytest.raises(DecodeError, match=r"\(line 2, column 6\)"):
            loads('{\n "a" 1}')


class TestAPointer:
    @pytest.mark.parametrize(
        ("pointer", "value"),
        [
            ("", RFC_6901),
            ("/foo", ["bar", "baz"]),
            ("/foo/0", "bar"),
            ("/", 0),
            ("/a~1b", 1),
            ("/c%d", 2),
            ("/e^f", 3),
            ("/g|h", 4),
            ("/i\\j", 5),
            ('/k"l', 6),
            ("/ ", 7),
            ("/m~0n", 8),
        ],
    )
    def test_leads_where_rfc_6901_says(self, pointer, value):
        assert value_at_pointer(RFC_6901, pointer) == value

    @given(st.lists(st.text()))
    def test_of_tokens_splits_into_them(self, tokens):
        assert split_pointer(join_pointer(tokens)) == tokens

    @given(st.lists(st.text(alphabet="~01/a")))
    def test_of_tokens_full_of_escapes_splits_into_them(self, tokens):
        assert split_pointer(join_pointer(tokens)) == tokens

    def test_takes_an_index_as_a_token(self):
        assert join_pointer(("trials", 12, "status")) == "/trials/12/status"

    def test_of_nothing_is_the_root(self):
        assert join_pointer([]) == ""

    def test_with_an_escaped_tilde_before_a_one_is_no_slash(self):
        assert split_pointer("/~01") == ["~1"]

    @pytest.mark.parametrize("pointer", ["a", "trials/12", " /a", "~1"])
    def test_starts_with_a_slash(self, pointer):
        with pytest.raises(DecodeError, match="starts with a slash"):
            split_pointer(pointer)

    @pytest.mark.parametrize(
        ("pointer", "missing"),
        [
            ("/bar", "/bar"),
            ("/foo/2", "/foo/2"),
            ("/foo/-1", "/foo/-1"),
            ("/foo/-", "/foo/-"),
            ("/foo/01", "/foo/01"),
            ("/foo/+1", "/foo/+1"),
            ("/foo/\u0661", "/foo/\u0661"),
            ("/foo/\u00b2", "/foo/\u00b2"),
            ("/foo/1_0", "/foo/1_0"),
            ("/foo/0/1/2", "/foo/0/1"),
            ("/a~1b/c~0d/e", "/a~1b/c~0d"),
            pytest.param("/foo/" + "9" * 5000, "/foo/" + "9" * 5000, id="5000 digits"),
        ],
    )
    def test_that_leads_nowhere_is_refused_with_the_first_token_that_does(self, pointer, missing):
        with pytest.raises(DecodeError, match="there is no value here") as caught:
            value_at_pointer(RFC_6901, pointer)

        assert caught.value.pointer == missing


class TestATextThatAPersonMayHaveEdited:
    @pytest.mark.parametrize(
        "text", ['{"a":1,"b":{"a":2}}', '{ "a": [{"b": 1}, {"b": 2}] }', "[" * 300 + "]" * 300, "1"]
    )
    def test_has_its_value(self, text):
        assert same_json(loads_strict(text), loads(text)) if len(text) < 300 else loads_strict(text) == loads(text)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ('{"a":1,"a":1}', r"has the key 'a' twice \(line 1\)"),
            ('{"x": "{",\n "\\u0061": 1,\n "a": 2}', r"has the key 'a' twice \(line 3\)"),
            ('[{"a": 1}, {"b": {"c": 1, "c": 1}}]', r"has the key 'c' twice"),
            pytest.param('{"a":1,"a":1e9   }', "has the key 'a' twice", id="as long as the text of its value"),
        ],
    )
    def test_with_a_key_twice_in_one_object_is_an_error(self, text, complaint):
        with pytest.raises(DecodeError, match=complaint):
            loads_strict(text.encode())

    @pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 184467440737095516161])
    def test_keeps_an_integer_that_64_bits_cannot_hold(self, number):
        """The third is as long as the text of the float that a reader of JSON makes of it."""
        assert loads_strict(f'{{"a":{number}}}') == {"a": {"__type": "int", "value": str(number)}}
        assert loads_strict(f'[ 1,{number} , "{number}"]')[1:] == [{"__type": "int", "value": str(number)}, str(number)]

    @pytest.mark.parametrize(
        "number", [str(2**63 - 1), str(-(2**63)), "0." + "1" * 30, "1" * 30 + ".5", "1e-" + "0" * 30]
    )
    def test_keeps_any_other_number_as_it_is_read(self, number):
        assert same_json(loads_strict(f"[ {number} ]"), loads(f"[{number}]"))


@pytest.mark.parametrize("value", [None, {"a": [1.5]}, "x" * 3_000])
def test_a_text_that_is_kept_takes_the_memory_of_its_length(value):
    tracemalloc.start()
    kept = [dumps(value) for _ in range(100)]
    each = tracemalloc.get_traced_memory()[0] / 100
    tracemalloc.stop()

    assert each < len(kept[0]) + 100


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 2**21 + 3])
def test_the_digest_of_a_text_is_that_of_its_bytes(size):
    text = "°" * size

    assert text_digest(text) == digest(text.encode())
