"""Canonical JSON: dumps, loads and digest of a value, and JSON Pointer.

The only importer of orjson. Values that JSON lacks (tuples, NaN, dates, ...) were tagged before they get here, by the
codec.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias, cast

import orjson

from docstore.errors import DecodeError, EncodeError, short_repr

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

TAG: Final = "__type"
"""The key under which an object, or a value that JSON lacks, carries its tag."""

SCHEMA: Final = "__schema"
"""The key of an object's schema number, if that is not 1."""

COMPATIBLE: Final = "__compatible_from"
"""The key of the oldest schema whose readers can read the object, if an older one than its own can."""

FIELDS_SET: Final = "__set"
"""The key of the names of the fields that were set, of an object that Pydantic made; without it, all of them were."""

EXTRA: Final = "__extra"
"""The key of the members that are no fields, of an object that Pydantic made."""

UNSAFE_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
"""NUL, which JSONB refuses, and lone surrogates, which are not UTF-8."""


def is_plain(value: object) -> bool:
    """Return whether *value* is a text that every database can store, as a document's name must be."""
    return isinstance(value, str) and ((value.isascii() and "\0" not in value) or not UNSAFE_TEXT.search(value))


class Absent(Enum):
    """The type of ``ABSENT``; an enum, so that a pickle or a copy is the same object."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"

    __str__ = __repr__


ABSENT: Final = Absent.ABSENT

MaybeJSON: TypeAlias = "JSON | Absent"
"""A JSON value, or ABSENT where there is none; a JSON null is ``None``."""

MAX_DEPTH: Final = 254
"""Levels of nesting that orjson writes; it reads 1024."""

CHANGE_DEPTH: Final = 2
"""Levels that a version's changes add above an old value, and that a document must leave free."""

DOCUMENT_DEPTH: Final = MAX_DEPTH - CHANGE_DEPTH
"""Levels of nesting that a document may have."""

_INDEX: Final = re.compile("0|[1-9][0-9]{0,17}")
"""A list's index by RFC 6901, which has no leading zeros."""

_SHORT: Final = 64 << 10
"""Bytes of a text that is copied, so that it takes no more memory than its length."""

_CHUNK: Final = 1 << 20
"""Characters of a text that are encoded at once."""

_CANONICAL: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME


def dumps(value: JSON, *, indent: bool = False, within: int = 0) -> bytes:
    """Return the canonical text of *value*: UTF-8, sorted keys, no spaces (or two-space indents for people).

    Units:
        within: levels that the whole document adds above *value*, so that a part that fits here fits there.

    Raises:
        EncodeError: nested deeper than ``MAX_DEPTH``, or not a JSON value; with the pointer.
    """
    wrapped = value
    for _ in range(within):
        wrapped = [wrapped]
    try:
        data = orjson.dumps(wrapped, option=_CANONICAL)
        if indent:
            return orjson.dumps(value, option=_CANONICAL | orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError as error:
        deep = _first_too_deep(value, MAX_DEPTH - within)
        if deep is not None:
            raise EncodeError(
                f"nested deeper than {MAX_DEPTH - within} levels, the most that can be written", pointer=deep
            ) from error
        raise EncodeError(str(error)) from error
    if within:
        return data[within:-within]
    # Beside a text, orjson allocates 4 KiB or more that live as long as the text; beside a copy, nothing.
    return b"%b" % data if len(data) < _SHORT else data


def moment_text(moment: datetime) -> str:
    """Return the ISO text of *moment*, which has no time zone or is in UTC, as ``isoformat`` in a third of the time."""
    return orjson.dumps(moment)[1:-1].decode()


def loads(data: bytes | str) -> JSON:
    """Return the JSON value of the text *data*.

    Raises:
        DecodeError: it is not JSON; names the line and column.
    """
    try:
        value: JSON = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    return value


def loads_strict(data: bytes | str) -> JSON:
    """Return the JSON value of the text *data*, which a person or another program may have written: nothing is lost.

    An integer that 64 bits cannot hold is tagged, as the encoder writes it; ``loads`` would make a float of it.

    Raises:
        DecodeError: it is not JSON, or an object has a key twice, so that one value would be lost; names the line.

    Cost:
        That of ``loads``, and one writing; if the text is not canonical, a search of it.
    """
    value = loads(data)
    text = data.encode() if isinstance(data, str) else data
    if not _is_compact(value, text):
        # The value, and the search, can each take many times the memory of the text: not both at once.
        del value
        value = loads(_without_loss(text))
    return value


def _is_compact(value: JSON, data: bytes) -> bool:
    """Return whether *data* is the text of *value* without spaces: then nothing of it was lost."""
    try:
        return orjson.dumps(value) == data.rstrip()
    except orjson.JSONEncodeError:
        return False


_TOKENS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"(\s*+:)?|[{}]|(?<![\d.eE+-])-?\d{19,}+(?![.eE])', re.DOTALL)
"""Strings, braces, and integers that may have more digits than 64 bits hold."""


def _without_loss(data: bytes) -> bytes:
    """Return the JSON text *data* with a tag on each integer that 64 bits cannot hold.

    Raises:
        DecodeError: an object has a key twice.
    """
    seen: list[set[bytes]] = []
    pieces, done = [], 0
    for match in _TOKENS.finditer(data):
        token = match[0]
        if token == b"{":
            seen.append(set())
        elif token == b"}":
            seen.pop()
        elif match[1] is not None:
            string = token[: token.rindex(b'"') + 1]
            key = orjson.loads(string).encode() if b"\\" in string else string[1:-1]
            if key in seen[-1]:
                shown, line = short_repr(key.decode()), data.count(b"\n", 0, match.start()) + 1
                raise DecodeError(f"an object has the key {shown} twice (line {line}). Remove one of the two")
            seen[-1].add(key)
        elif token[-1:].isdigit() and not -(2**63) <= int(token) < 2**63:
            pieces += [data[done : match.start()], b'{"%b":"int","value":"%b"}' % (TAG.encode(), token)]
            done = match.end()
    return b"".join([*pieces, data[done:]]) if done else data


def digest(data: bytes) -> str:
    """Return the SHA-256 of *data*, in 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest_of(texts: Iterable[bytes | memoryview]) -> str:
    """Return the ``digest`` of *texts*, one after another, without joining them."""
    found = hashlib.sha256()
    for text in texts:
        found.update(text)
    return found.hexdigest()


def text_digest(text: str) -> str:
    """Return the ``digest`` of *text*, without a copy of all of it if it is long."""
    if len(text) <= _CHUNK:
        return digest(text.encode())
    return digest_of(text[start : start + _CHUNK].encode() for start in range(0, len(text), _CHUNK))


def same_json(a: JSON | Absent, b: JSON | Absent) -> bool:
    """Return whether both have the same canonical text: 1, 1.0 and True differ, and so do 0.0 and -0.0.

    Cost:
        Texts are written only if the values are equal by ``==``.
    """
    return a is b or (a == b and dumps(cast(JSON, a)) == dumps(cast(JSON, b)))


def join_pointer(tokens: Iterable[str | int]) -> str:
    """Return the RFC 6901 pointer of *tokens*: ``("trials", 12)`` is ``/trials/12``."""
    return "".join([f"/{escaped(str(token))}" for token in tokens])


def escaped(token: str) -> str:
    """Return *token* as a pointer has it between two slashes."""
    return token.replace("~", "~0").replace("/", "~1")


def token_order(token: str) -> tuple[bool, int, str]:
    """Return a key that sorts numbers by size, before words."""
    number = token.isascii() and token.isdigit() and len(token) < 19
    return not number, int(token) if number else 0, token


def split_pointer(pointer: str) -> list[str]:
    """Return the tokens of an RFC 6901 pointer; the root's pointer is the empty string.

    Raises:
        DecodeError: it is not a text that starts with a slash.
    """
    if isinstance(pointer, str) and not pointer:
        return []
    if not isinstance(pointer, str) or pointer[0] != "/":
        raise DecodeError(f"{short_repr(pointer)} is not a pointer; one starts with a slash, as in '/trials/12/status'")
    tokens = pointer[1:].split("/")
    return tokens if "~" not in pointer else [token.replace("~1", "/").replace("~0", "~") for token in tokens]


def value_at_pointer(value: JSON, pointer: str) -> JSON:
    """Return the value at *pointer* in *value*.

    Raises:
        DecodeError: there is none; has the pointer up to the first token that leads nowhere.
    """
    tokens = split_pointer(pointer)
    for depth, token in enumerate(tokens):
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            raise DecodeError("there is no value here", pointer=join_pointer(tokens[: depth + 1]))
    return value


def _first_too_deep(value: JSON, limit: int) -> str | None:
    """Return the pointer of the first container below *limit* levels; without recursion, as Python has a limit too."""
    pending: list[tuple[JSON, tuple[str | int, ...]]] = [(value, ())]
    while pending:
        item, tokens = pending.pop()
        if isinstance(item, (dict, list)):
            if len(tokens) >= limit:
                return join_pointer(tokens)
            members = item.items() if isinstance(item, dict) else enumerate(item)
            pending.extend((member, (*tokens, key)) for key, member in members)
    return None
