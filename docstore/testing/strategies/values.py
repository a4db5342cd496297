"""Strategies for values: all that JSON holds, and all that docstore tags, down to the bits that ``==`` does not see."""

from __future__ import annotations

import itertools
import re
import struct
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final, TypeVar
from uuid import UUID, SafeUUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from docstore.documents.canonical import JSON, TAG, is_plain
from docstore.registry.bundle import mapper_of

_ODD_TEXTS: Final = (
    "",
    TAG,
    "__class__",
    "__format",
    "__dict__",
    "/",
    "a/b",
    "~0~1",
    ".",
    "a.b",
    "$.a[0]",
    '"',
    "'",
    "\\u0000",
    "0",
    "-1",
    "null",
    "\ud83d\ude00",  # two halves of a pair, which is not the character they would spell
    "e\u0301",
    "\u00e9",
    "\ufeff",
    " ",
)

_ANY_CHARACTER: Final = st.characters(exclude_categories=[])
_TEXTS: Final = (
    st.text(_ANY_CHARACTER, max_size=20)
    | st.text(alphabet="\x00\ud83d\ude00\\u0/~_a\"'.% ", max_size=10)
    | st.sampled_from(_ODD_TEXTS)
)


def texts() -> SearchStrategy[str]:
    """Draw text of any code points: NUL, lone surrogates, quotes, escapes, what a pointer or a tag is written with."""
    return _TEXTS


def keys() -> SearchStrategy[str]:
    """Draw the key of a dict: any text, and often one that a path, a tag or a method's name could be taken for."""
    return _TEXTS


def names() -> SearchStrategy[str]:
    """Draw the name of a document: 1 to 255 characters of any kind but NUL and lone surrogates."""
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    odd = ["%", "_", "a", "A", "a ", " a", "\u00e9", "e\u0301", "'", '"', "\\", "\U0001f370", "x" * 255, "\u0130" * 255]
    return st.text(characters, min_size=1, max_size=30) | st.sampled_from(odd)


def _double(bits: int) -> float:
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    return float(value)


def floats() -> SearchStrategy[float]:
    """Draw any float by its bits: every NaN, both zeros, subnormals, many near 1e16, where some JSON turns to int."""
    return st.floats() | st.integers(0, 2**64 - 1).map(_double) | st.floats(9e15, 1.1e16)


def integers() -> SearchStrategy[int]:
    """Draw integers to 10**40 on both sides, and many at the edges of 53 and of 64 bits."""
    edges = [sign * 2**bits + step for sign in (1, -1) for bits in (53, 63, 64) for step in (-1, 0, 1)]
    return st.integers() | st.integers(-(10**40), 10**40) | st.sampled_from(edges)


def decimals() -> SearchStrategy[Decimal]:
    """Draw decimals that can be hashed: with trailing zeros, exponents, signed zeros, and NaN with what it carries."""
    return st.decimals(allow_nan=False) | st.sampled_from([Decimal("NaN"), Decimal("-NaN9"), Decimal("-0E+5")])


_LONGEST_OFFSET: Final = timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)
_OFFSETS: Final = st.timedeltas(-_LONGEST_OFFSET, _LONGEST_OFFSET) | st.sampled_from(
    [timedelta(0), timedelta(microseconds=-1), timedelta(hours=5, minutes=45)]
)
_ZONES: Final[SearchStrategy[tzinfo | None]] = st.one_of(
    st.none(),
    st.just(UTC),
    st.timezones(),
    st.builds(timezone, _OFFSETS),
    st.builds(timezone, _OFFSETS, _TEXTS),
)


def moments() -> SearchStrategy[datetime]:
    """Draw datetimes to the microsecond: with and without a zone, of either fold, also those that no clock showed."""
    return st.builds(_in_zone, st.datetimes(), _ZONES, _FOLDS)


_Moment = TypeVar("_Moment", datetime, time)
_FOLDS: Final = st.integers(0, 1)


def _in_zone(moment: _Moment, zone: tzinfo | None, fold: int) -> _Moment:
    return moment.replace(tzinfo=zone, fold=fold)


@st.composite
def scalars(draw: st.DrawFn) -> Any:
    """Draw a value without others in it, one that can be a key of a dict or an item of a set."""
    return draw(_SCALARS)


_SCALARS: Final[SearchStrategy[Any]] = st.one_of(
    st.none(),
    st.booleans(),
    integers(),
    floats(),
    _TEXTS,
    st.binary(max_size=20),
    st.builds(complex, floats(), floats()),
    decimals(),
    moments(),
    st.builds(_in_zone, st.times(), _ZONES, _FOLDS),
    st.dates(),
    st.timedeltas(),
    st.builds(UUID, int=st.integers(0, 2**128 - 1), is_safe=st.sampled_from(SafeUUID)),
    st.builds(range, integers(), integers(), st.sampled_from([1, -1, 2**70])),
    st.builds(re.compile, _TEXTS.map(re.escape), st.sampled_from([re.NOFLAG, re.IGNORECASE, re.ASCII | re.DOTALL])),
    st.builds(re.compile, st.binary(max_size=20).map(re.escape), st.sampled_from([re.NOFLAG, re.LOCALE])),
    st.builds(Path, _TEXTS),
    st.builds(PurePosixPath, _TEXTS),
    st.builds(PureWindowsPath, _TEXTS),
)


@st.composite
def _hashables(draw: st.DrawFn) -> Any:
    return draw(_HASHABLES)


_HASHABLES: Final[SearchStrategy[Any]] = st.recursive(
    scalars(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)


@st.composite
def json_documents(draw: st.DrawFn, deepest: int = 250) -> Any:
    """Draw any value that ``store.put`` takes: JSON, and all that docstore tags; nested, some of them *deepest* levels.

    Each tag's own levels are counted; 252 is what a whole document may have. Of NumPy's and pandas' values there are
    none, so that neither is needed.
    """
    value = draw(_DOCUMENTS)
    # One in four is wrapped, in lists and in dicts of these keys by turns.
    room = max(0, deepest - _depth(mapper_of().encode(value)))
    levels = draw(st.just(0) | st.just(0) | st.just(0) | st.integers(0, room))
    for key in itertools.cycle(draw(st.lists(st.none() | keys(), min_size=1, max_size=3)) if levels else []):
        levels -= 1 if key is None or (is_plain(key) and key != TAG) else 3  # a tagged dict has a list of pairs
        if levels < 0:
            break
        value = [value] if key is None else {key: value}
    return value


INSIDE: Final = 150
"""How deep a value may be inside an object, which has levels of its own; in an auxiliary experiment, twice."""


def _depth(value: JSON) -> int:
    """Return how many levels *value* nests."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if items is None else 1 + max(map(_depth, items), default=0)


_DOCUMENTS: Final[SearchStrategy[Any]] = st.recursive(
    st.one_of(_hashables(), st.binary(max_size=20).map(bytearray), st.just(Decimal("sNaN"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys(), inner, max_size=4),
        st.dictionaries(_hashables(), inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.builds(slice, inner, inner, inner),
        st.sets(_hashables(), max_size=3),
        st.lists(st.tuples(_hashables(), inner), max_size=3).map(OrderedDict),
        st.builds(defaultdict, st.sampled_from([None, int, list]), st.dictionaries(_hashables(), inner, max_size=3)),
    ),
    max_leaves=10,
)
