"""Arguments of public calls: each wrong one is an error that names it, shows the value and says what to give."""

from __future__ import annotations

from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import pytest

from docstore.documents import arguments
from docstore.errors import InvalidValueError


class Text(str):
    __slots__ = ()


class Small(Enum):
    A = 0
    B = -(2**31)


class Annotated(Enum):
    A: int


class TestAnArgumentThatFits:
    @pytest.mark.parametrize(
        ("value", "given"),
        [
            (arguments.checked_text("name", Text("a"), 3), "a"),
            (arguments.checked_text("message", "", shortest=0), ""),
            (arguments.checked_key("name", Text("a")), "a"),
            (arguments.checked_path("path", Path("a.json")), "a.json"),
            (arguments.checked_choice("how", Text("b"), ["a", "b"]), "b"),
            (arguments.checked_number("n", 7, least=7, most=7), 7),
            (arguments.checked_flag("flag", value=False), False),
        ],
    )
    def test_is_returned_as_a_plain_one(self, value, given):
        assert (type(value), value) == (type(given), given)

    @pytest.mark.parametrize("enum", [Small, IntEnum("Level", {"LOW": 1, "HIGH": 2})])
    def test_is_an_enum_of_integers(self, enum):
        assert arguments.checked_enum(enum, "type") is enum

    @pytest.mark.parametrize("several", [[], ("a",), {"a": 1}, iter(())])
    def test_is_anything_iterable(self, several):
        assert arguments.checked_iterable("names", several, "['a']") is several


@pytest.mark.parametrize(
    ("check", "value", "remedy"),
    [
        (lambda v: arguments.checked_text("x", v, 3), "long", "of 1 to 3 characters"),
        (lambda v: arguments.checked_text("x", v), "", "Give a text, without NUL"),
        (lambda v: arguments.checked_text("x", v), "\0", "without NUL"),
        (lambda v: arguments.checked_key("x", v), 3, "Give a text"),
        (lambda v: arguments.checked_path("x", v), b"a.json", "as a str or a Path"),
        (lambda v: arguments.checked_path("x", v), "", "Give the path of a file"),
        (lambda v: arguments.checked_path("x", v), "a\0", "without NUL"),
        (lambda v: arguments.checked_flag("x", v), 1, "Give True or False"),
        (lambda v: arguments.checked_choice("x", v, ["a", "b"]), "c", "Use one of 'a', 'b'"),
        (lambda v: arguments.checked_choice("x", v, ["a"], "Only a."), [], "Only a."),
        (lambda v: arguments.checked_number("x", v, least=1, most=2), 3, "from 1 to 2"),
        (lambda v: arguments.checked_number("x", v, least=0), True, "Give a whole number"),
        (lambda v: arguments.checked_iterable("x", v, "['a']"), "a", r"as in \['a'\]"),
        (lambda v: arguments.checked_iterable("x", v, "['a']"), Small, r"as in \['a'\]"),
        (lambda v: arguments.checked_enum(v, "x"), int, "Give an Enum"),
        (lambda v: arguments.checked_enum(v, "x"), Annotated, r"an equals sign gives it a value\. .*A = "),
        (lambda v: arguments.checked_enum(v, "x"), Enum("Empty", {}), "Empty has no members. Write"),
        (lambda v: arguments.checked_enum(v, "x"), Enum("Words", {"A": "a"}), "as in A = 0"),
        (lambda v: arguments.checked_enum(v, "x"), Enum("Large", {"A": 2**31}), "of 32 bits"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_a_remedy(check: Any, value: Any, remedy: str):
    with pytest.raises(InvalidValueError, match=f"^x.*: .* cannot be used. .*{remedy}"):
        check(value)
