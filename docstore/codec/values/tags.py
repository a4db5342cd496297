"""The types that JSON, or some database's JSON, would lose: the tag of each, its encoder and its decoder.

A ``Tagged`` is the row of one type in ``TABLE``. A value that JSON holds exactly has no tag. A type that is written as
one string also has a bare form (``BARE``), for fields whose annotation names the type.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import (
    MAX_EMAX,
    MAX_PREC,
    MIN_EMIN,
    Clamped,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    Underflow,
)
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, Final, TypeAlias, TypeGuard, TypeVar
from uuid import UUID, SafeUUID
from zoneinfo import ZoneInfo

from docstore.documents.canonical import JSON, TAG, UNSAFE_TEXT, dumps
from docstore.errors import CodecError, DecodeError, EncodeError, short_repr

T = TypeVar("T")

Encode: TypeAlias = Callable[[Any], JSON]
Decode: TypeAlias = Callable[[JSON], Any]
Members: TypeAlias = "dict[str, JSON]"

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
FLOAT_LIMIT: Final = 1e16
"""From here on repr drops the ``.0``, and PostgreSQL's JSONB gives an integer back."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A type that JSON lacks: ``encode`` returns the members beside the tag, ``decode`` takes them.

    Args:
        members: the names of all members that ``encode`` may return, in one text; of ``a|b``, it returns one.
    """

    tag: str
    type: type
    members: str
    encode: Callable[[Any, Encode], Members]
    decode: Callable[[Members, Decode], Any]


def tag(name: str, members: Members) -> Members:
    """Return *members* as a tagged value."""
    return {TAG: name, **members}


def member(members: Members, key: str, *types: type) -> Any:
    """Return the member *key*, which has to be of one of the JSON *types*.

    Raises:
        DecodeError: it is missing, or of another type.
    """
    value = members.get(key)
    if type(value) not in types:
        raise DecodeError(f"{key!r} should be {' or '.join(t.__name__ for t in types)}, and is {short_repr(value)}")
    return value


# --- numbers and text that are plain in Python and not in every JSON -------------------------------------------------

# What is plain is decided here. For speed, ``core`` and ``classes/generated`` have the same conditions without a call.


def int_encode(value: int) -> JSON:
    """Return *value*; tagged if 64 signed bits cannot hold it."""
    return value if INT_MIN <= value <= INT_MAX else {TAG: "int", **_int_text(value)}


_DECIMAL_BITS: Final = 2048
"""Python can be configured to refuse decimal texts of 640 digits (2126 bits) or more, but never hexadecimal ones."""


def _int_text(value: int) -> Members:
    return {"value": str(value)} if value.bit_length() <= _DECIMAL_BITS else {"hex": f"{value:x}"}


def _int_decode(members: Members, decode: Decode) -> int:
    key, base, is_integer = ("hex", 16, _HEX) if "hex" in members else ("value", 10, _DECIMAL)
    text = member(members, key, str)
    if not is_integer(text):
        raise DecodeError(f"{short_repr(text)} is not an integer in base {base}")
    return int(text, base)


_HEX: Final = re.compile("-?[0-9a-f]+").fullmatch
_DECIMAL: Final = re.compile("-?[0-9]{1,640}").fullmatch


def float_encode(value: float) -> JSON:
    """Return *value*; tagged if it is not finite, is -0.0, or is too large for JSONB to keep it a float."""
    if -FLOAT_LIMIT < value < FLOAT_LIMIT and (value or math.copysign(1.0, value) > 0):
        return value
    bits = struct.pack(">d", value)
    if value != value and bits != _NAN_BITS:
        return {TAG: "float", "bits": bits.hex()}
    return {TAG: "float", "value": repr(value)}


_NAN_BITS: Final = struct.pack(">d", math.nan)


def _float_decode(members: Members, decode: Decode) -> float:
    if "bits" in members:
        text = member(members, "bits", str)
        if not _BITS(text):
            raise DecodeError(f"not a float: {short_repr(text)} should be 16 hexadecimal digits")
        (value,) = struct.unpack(">d", bytes.fromhex(text))
        return float(value)
    text = member(members, "value", str)
    try:
        # Python also takes "1_0", spaces and the digits of other scripts, which docstore never writes.
        return float(text if _NUMBER(text) else "")
    except ValueError as error:
        raise DecodeError(f"{short_repr(text)} is not a float") from error


_BITS: Final = re.compile("[0-9a-f]{16}").fullmatch
_NUMBER: Final = re.compile("[0-9A-Za-z.+-]+").fullmatch


def str_encode(value: str) -> JSON:
    r"""Return *value*; tagged, with ``\uXXXX`` escapes, if it holds NUL or a lone surrogate."""
    if not UNSAFE_TEXT.search(value):
        return value
    escaped = UNSAFE_TEXT.sub(lambda match: f"\\u{ord(match[0]):04x}", value.replace("\\", "\\\\"))
    return {TAG: "str", "escaped": escaped}


def _str_decode(members: Members, decode: Decode) -> str:
    if "value" in members:
        return str(member(members, "value", str))
    return re.sub(
        r"\\(?:\\|u([0-9a-f]{4}))",
        lambda match: chr(int(match[1], 16)) if match[1] else "\\",
        member(members, "escaped", str),
    )


_MAY_BE_UNSAFE: Final = re.compile(rb"[,:\[]-?(?:(?<=-)0\.0[,\]}]|\d[\d.]*e\+?\d|\d{19})")
"""What a canonical text in brackets has in it where a number needs a tag; elsewhere perhaps too."""


def tagged_where_unsafe(value: JSON) -> JSON:
    """Return the JSON *value*, which a person may have written, with a tag on what some database would change.

    These are numbers as -0.0 and 1e300, and texts and keys with NUL.

    Raises:
        DecodeError: a tagged object has a member with NUL in its name.

    Cost:
        A writing of it; a visit of every value only if there may be such a one.
    """
    text = b"[%b]" % dumps(value)
    return _tagged(value) if b"\\u0000" in text or _MAY_BE_UNSAFE.search(text) else value


def tagged_if_json(value: Any) -> Any:
    """Return *value* as ``tagged_where_unsafe`` does; unchanged if it is not JSON, for the caller to refuse."""
    try:
        return tagged_where_unsafe(value)
    except EncodeError:
        return value


def _tagged(value: JSON) -> JSON:
    if isinstance(value, dict):
        members = {key: _tagged(each) for key, each in value.items()}
        unsafe = next(filter(UNSAFE_TEXT.search, members), None)
        if unsafe is None:
            return members
        if TAG in members:
            raise DecodeError(
                f"a member of a tagged object has the name {short_repr(unsafe)}, and cannot have NUL in it"
            )
        return {TAG: "dict", "items": canonical_order([str_encode(key), each] for key, each in members.items())}
    if isinstance(value, list):
        return [_tagged(each) for each in value]
    if isinstance(value, str):
        return str_encode(value)
    if isinstance(value, float):
        return float_encode(value)
    return int_encode(value) if type(value) is int else value


# --- containers ------------------------------------------------------------------------------------------------------


def canonical_order(items: Iterable[JSON]) -> list[JSON]:
    """Return *items* sorted by their canonical text, so that equal sets have the same text."""
    return sorted(items, key=dumps)


# The pointer of an error leads through the object (index, key) when it is encoded, through the JSON when it is decoded.


def _items(value: Iterable[Any], convert: Callable[[Any], T]) -> list[T]:
    items: list[T] = []
    try:
        for item in value:
            items.append(convert(item))
    except CodecError as error:
        error.inside(str(len(items)))
        raise
    return items


def _unordered(value: Iterable[Any], encode: Encode) -> list[JSON]:
    return canonical_order([encode(item) for item in list(value)])


def _listed(members: Members, decode: Decode) -> list[Any]:
    items = member(members, "items", list)
    try:
        return _items(items, decode)
    except CodecError as error:
        error.inside("items")
        raise


def _pairs(members: Members, decode: Decode) -> list[Any]:
    def pair(item: JSON) -> Any:
        if type(item) is not list or len(item) != 2:
            raise DecodeError(f"an item should be a [key, value] pair, and is {short_repr(item)}")
        return _items(item, decode)

    return _listed(members, pair)


def _encoded_pairs(value: dict[Any, Any], encode: Encode, done: Members) -> list[JSON]:
    pairs: list[JSON] = []
    key: Any = ""
    try:
        for key, item in list(value.items()):  # copied first, since another thread may add to it
            known = type(key) is str and key in done
            pairs.append([key, done[key]] if known else [encode(key), encode(item)])
    except CodecError as error:
        error.inside(key if type(key) is str else short_repr(key))
        raise
    return pairs


def dict_encode(value: dict[Any, Any], encode: Encode, done: Members | None = None) -> Members:
    """Return a dict as pairs in canonical order: for one whose keys are not all plain text, or that has the tag's key.

    Args:
        done: members that are encoded already; to encode them again would double the time for each level of nesting.
    """
    return {TAG: "dict", "items": canonical_order(_encoded_pairs(value, encode, done or {}))}


def ordered_members(value: dict[Any, Any], encode: Encode) -> Members:
    """Return the members of a dict as pairs in its own order."""
    return {"items": _encoded_pairs(value, encode, {})}


MOST_ALIKE: Final = 1_000
"""The most keys of one hash in a dict or set. The hash of a number is no secret: a document made to harm could hold a
million keys of one hash, each of which Python compares with all before it."""


def hashed(make: Callable[[list[Any]], T], items: list[Any], keys: Iterable[Any] | None = None) -> T:
    """Return the dict or set that *make* makes of *items*; *keys* are its keys, by default the items themselves.

    Raises:
        DecodeError: a key cannot be hashed, two are equal, or so many share a hash that it would take quadratic time.
    """
    try:
        if len(items) > MOST_ALIKE:
            [(_, same_hash)] = Counter(map(hash, items if keys is None else keys)).most_common(1)
            if same_hash > MOST_ALIKE:
                text = f"{same_hash} keys of a dict, or items of a set, have one hash; {MOST_ALIKE} may have"
                raise DecodeError(text)
        made = make(items)
        if len(made) != len(items):  # type: ignore[arg-type]  # a dict or a set
            raise DecodeError("two keys of a dict, or two items of a set, are one here, and one would be lost")
        return made
    except DecodeError:
        raise
    except Exception as error:
        # Objects of a registered class are hashed and compared by its own methods, whatever the document put in them.
        raise DecodeError(f"a key or a set's item cannot be hashed: {error!s:.200}") from error


def _mapped(make: Callable[[list[Any]], T]) -> Callable[[Members, Decode], T]:
    def decode_mapped(members: Members, decode: Decode) -> T:
        pairs = _pairs(members, decode)
        return hashed(make, pairs, (key for key, _ in pairs))

    return decode_mapped


_FACTORIES: Final[dict[str, Callable[[], Any]]] = {cls.__name__: cls for cls in (int, float, list, dict, set, str)}
"""What may make the items that a defaultdict lacks, by name."""


def _defaultdict_encode(value: defaultdict[Any, Any], encode: Encode) -> Members:
    factory = value.default_factory
    name = None if factory is None else getattr(factory, "__name__", "")
    if name is not None and _FACTORIES.get(name) is not factory:
        raise EncodeError(
            f"a defaultdict with the factory {short_repr(factory)} cannot be written. Use {', '.join(_FACTORIES)} or "
            f"None, or keep a dict."
        )
    return {"factory": name, "items": canonical_order(_encoded_pairs(value, encode, {}))}


def _defaultdict_decode(members: Members, decode: Decode) -> defaultdict[Any, Any]:
    name = member(members, "factory", str, type(None))
    if name is not None and name not in _FACTORIES:
        raise DecodeError(f"{short_repr(name)} is no factory of a defaultdict; there are {', '.join(_FACTORIES)}")
    pairs = _pairs(members, decode)
    factory = None if name is None else _FACTORIES[name]
    return hashed(lambda items: defaultdict(factory, items), pairs, (key for key, _ in pairs))


# --- dates and times -------------------------------------------------------------------------------------------------


# zoneinfo looks a key up as a file, and as a module of the package tzdata, which it would import.
_ZONE_KEY: Final = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")


def is_zone(zone: tzinfo | None) -> TypeGuard[ZoneInfo]:
    """Return whether *zone* is a ``ZoneInfo`` that ``zone_of`` finds by its key."""
    return type(zone) is ZoneInfo and zone.key is not None and _ZONE_KEY.fullmatch(zone.key) is not None


def zone_of(key: str) -> ZoneInfo:
    """Return the time zone *key*, such as ``"Europe/Paris"``.

    Raises:
        ValueError: it does not look like the name of a time zone.
        LookupError, OSError: there is no time zone of that name.
    """
    if not _ZONE_KEY.fullmatch(key):
        raise ValueError(f"{short_repr(key)} is not the name of a time zone")
    return ZoneInfo(key)


def _zone_encode(zone: tzinfo | None, encode: Encode) -> Members:
    """Return what the ISO text lacks of *zone*: its key, or its name; no members for None and a plain offset."""
    if zone is None:
        return {}
    if type(zone) is timezone:
        arguments = zone.__getinitargs__()  # type: ignore[attr-defined]  # (offset,) or (offset, name); not in typeshed
        name: Members = {"zone_name": encode(arguments[1])} if len(arguments) > 1 else {}
        # datetime.fromisoformat takes an offset of less than a second for UTC.
        microseconds = arguments[0] // timedelta(microseconds=1)
        return {**name, "zone_microseconds": microseconds} if 0 < abs(microseconds) < 1_000_000 else name
    if is_zone(zone):
        return {"zone": zone.key}
    raise EncodeError(
        f"the time zone {zone!r} is of type {type(zone).__module__}.{type(zone).__qualname__}, which cannot be written "
        f"exactly. Use zoneinfo.ZoneInfo(key) or datetime.timezone."
    )


def _zoned(value: Any, members: Members, decode: Decode) -> Any:
    """Return the datetime or time *value* with the zone and fold that its text lacks."""
    if "zone" in members:
        value = value.replace(tzinfo=zone_of(member(members, "zone", str)))
    if "zone_microseconds" in members:
        offset = timedelta(microseconds=member(members, "zone_microseconds", int))
        value = value.replace(tzinfo=timezone(offset))
    if "zone_name" in members:
        name = decode(members["zone_name"])
        if type(value.tzinfo) is not timezone or type(name) is not str:
            raise DecodeError("a zone_name needs an offset and a text")
        value = value.replace(tzinfo=timezone(value.tzinfo.utcoffset(None), name))
    return value.replace(fold=member(members, "fold", int)) if "fold" in members else value


def _moment_encode(value: datetime | time, encode: Encode) -> Members:
    fold: Members = {"fold": 1} if value.fold else {}
    return {"value": value.isoformat(), **_zone_encode(value.tzinfo, encode), **fold}


def _moment_decoder(cls: type[datetime] | type[time]) -> Callable[[Members, Decode], Any]:
    def decode_moment(members: Members, decode: Decode) -> Any:
        return _parsed(lambda: _zoned(cls.fromisoformat(member(members, "value", str)), members, decode))

    return decode_moment


def _parsed(parse: Callable[[], T]) -> T:
    """Return the result of *parse*; an error of the standard library becomes a DecodeError."""
    try:
        return parse()
    except (ValueError, ArithmeticError, LookupError, OSError, binascii.Error) as error:
        raise DecodeError(f"not a value of its type: {error!s:.200}") from error


def datetime_encode(value: datetime) -> str | None:
    """Return the bare ISO text of *value*, or None if that would lose its zone or fold."""
    zone = value.tzinfo
    if value.fold or not (zone is None or zone is UTC or (type(zone) is timezone and not _zone_encode(zone, repr))):
        return None
    return value.isoformat()


def _timedelta_decode(members: Members, decode: Decode) -> timedelta:
    days, seconds, microseconds = (member(members, key, int) for key in ("days", "seconds", "microseconds"))
    return _parsed(lambda: timedelta(days, seconds, microseconds))


# --- paths, bytes, complex numbers, UUIDs ----------------------------------------------------------------------------

_PATHS: Final = {cls.__name__: cls for cls in (PurePosixPath, PureWindowsPath, PosixPath, WindowsPath)}


def _path_decode(members: Members, decode: Decode) -> PurePath:
    cls = _PATHS.get(member(members, "class", str))
    text = decode(members.get("value"))
    if cls is None or type(text) is not str:
        raise DecodeError(f"not a path: {short_repr(members)}")
    try:
        return cls(text)
    except (NotImplementedError, ValueError) as error:
        raise DecodeError(f"{error!s:.200}: a path of another system cannot be opened here") from error


def _bytes_encode(value: bytes | bytearray, encode: Encode) -> Members:
    return {"base64": base64.b64encode(value).decode("ascii")}


def _bytes_decode(members: Members, decode: Decode) -> bytes:
    text = member(members, "base64", str)
    return _parsed(lambda: base64.b64decode(text, validate=True))


def _complex_decode(members: Members, decode: Decode) -> complex:
    real, imag = decode(members.get("real")), decode(members.get("imag"))
    if type(real) is not float or type(imag) is not float:
        raise DecodeError("the real and imaginary parts should be floats")
    return complex(real, imag)


def _uuid_encode(value: UUID, encode: Encode) -> Members:
    # uuid1() records whether two processes could have made the same UUID; == ignores it.
    safety: Members = {} if value.is_safe is SafeUUID.unknown else {"is_safe": value.is_safe.name}
    return {"value": str(value), **safety}


def _uuid_decode(members: Members, decode: Decode) -> UUID:
    safety = member(members, "is_safe", str) if "is_safe" in members else SafeUUID.unknown.name
    return _parsed(lambda: UUID(member(members, "value", str), is_safe=SafeUUID[safety]))


# --- ranges, slices, regular expressions -----------------------------------------------------------------------------

_BOUNDS: Final = ("start", "stop", "step")


def _bounds_encode(value: range | slice, encode: Encode) -> Members:
    return dict(zip(_BOUNDS, _each_bound({key: getattr(value, key) for key in _BOUNDS}, encode), strict=True))


def _bounds(members: Members, decode: Decode) -> list[Any]:
    if not members.keys() >= set(_BOUNDS):
        raise DecodeError(f"should have {', '.join(_BOUNDS)}, and is {short_repr(members)}")
    return _each_bound(members, decode)


def _each_bound(members: Mapping[str, Any], convert: Callable[[Any], T]) -> list[T]:
    bounds: list[T] = []
    try:
        for key in _BOUNDS:
            bounds.append(convert(members[key]))
    except CodecError as error:
        error.inside(_BOUNDS[len(bounds)])
        raise
    return bounds


def _range_decode(members: Members, decode: Decode) -> range:
    bounds = _bounds(members, decode)
    if any(type(bound) is not int for bound in bounds):
        raise DecodeError(f"the bounds of a range should be integers, and are {short_repr(bounds)}")
    return _parsed(lambda: range(*bounds))


_FLAGS: Final[dict[str, int]] = {
    "a": re.ASCII,
    "i": re.IGNORECASE,
    "L": re.LOCALE,
    "m": re.MULTILINE,
    "s": re.DOTALL,
    "u": re.UNICODE,
    "x": re.VERBOSE,
}
"""By the letter that stands for the flag in a pattern, as in ``(?i)``. re.DEBUG has none: it would print."""


def _pattern_encode(value: re.Pattern[Any], encode: Encode) -> Members:
    letters = [letter for letter, flag in _FLAGS.items() if value.flags & flag]
    if type(value.pattern) not in (str, bytes) or sum(_FLAGS[letter] for letter in letters) != value.flags:
        raise EncodeError(
            f"{short_repr(value)} cannot be written exactly. Compile plain str or bytes without re.DEBUG."
        )
    return {"pattern": encode(value.pattern), "flags": "".join(letters)}


def _pattern_decode(members: Members, decode: Decode) -> re.Pattern[Any]:
    pattern, letters = decode(members.get("pattern")), member(members, "flags", str)
    flags = sum(_FLAGS.get(letter, re.DEBUG) for letter in set(letters))
    if type(pattern) not in (str, bytes) or flags & re.DEBUG:
        raise DecodeError(f"not a regular expression: {short_repr(members)}")
    try:
        made = re.compile(pattern, flags)
    except (re.error, RecursionError, ArithmeticError, ValueError, Warning) as error:
        raise DecodeError(f"not a regular expression of this Python: {error!s:.200}") from error
    if made.flags != flags:
        raise DecodeError(f"{made.pattern!r:.200} has other flags than {letters!r}")
    return made


# --- the table -------------------------------------------------------------------------------------------------------


def _text(tag_name: str, cls: type, parse: Callable[[str], Any]) -> Tagged:
    """Return the row of a type whose ``str`` is exact."""
    return Tagged(
        tag_name,
        cls,
        "value",
        lambda value, encode: {"value": str(value)},
        lambda members, decode: _parsed(lambda: parse(member(members, "value", str))),
    )


_EXACT: Final = Context(
    MAX_PREC,
    Emin=MIN_EMIN,
    Emax=MAX_EMAX,
    traps=[InvalidOperation, Inexact, Rounded, Clamped, Overflow, Underflow],
)


def _decimal(text: str) -> Decimal:
    """Return ``Decimal(text)``, but not for ``"1_0"``, spaces and the digits of other scripts."""
    try:
        return _EXACT.create_decimal(text if text.isascii() else "")
    except ArithmeticError as error:
        raise DecodeError(f"{short_repr(text)} is not a Decimal") from error


BARE: Final[dict[type, tuple[Callable[[Any], str | None], Callable[[str], Any]]]] = {
    datetime: (datetime_encode, datetime.fromisoformat),
    date: (str, date.fromisoformat),
    Decimal: (str, _decimal),
    UUID: (lambda value: str(value) if value.is_safe is SafeUUID.unknown else None, UUID),
}
"""How a field annotated with one of these types writes it as one string; None from the encoder: not this value."""

TABLE: Final = (
    Tagged("int", int, "value|hex", lambda value, encode: _int_text(value), _int_decode),
    Tagged("float", float, "value|bits", lambda value, encode: {"value": repr(value)}, _float_decode),
    Tagged("str", str, "value|escaped", lambda value, encode: {"value": value}, _str_decode),
    Tagged("list", list, "items", lambda value, encode: {"items": _items(value, encode)}, _listed),
    Tagged("dict", dict, "items", dict_encode, _mapped(dict)),
    Tagged(
        "tuple",
        tuple,
        "items",
        lambda value, encode: {"items": _items(value, encode)},
        lambda m, d: tuple(_listed(m, d)),
    ),
    Tagged(
        "set",
        set,
        "items",
        lambda value, encode: {"items": _unordered(value, encode)},
        lambda m, d: hashed(set, _listed(m, d)),
    ),
    Tagged(
        "frozenset",
        frozenset,
        "items",
        lambda value, encode: {"items": _unordered(value, encode)},
        lambda m, d: hashed(frozenset, _listed(m, d)),
    ),
    Tagged(
        "OrderedDict",
        OrderedDict,
        "items",
        ordered_members,
        _mapped(OrderedDict),
    ),
    Tagged("defaultdict", defaultdict, "factory items", _defaultdict_encode, _defaultdict_decode),
    Tagged("bytes", bytes, "base64", _bytes_encode, _bytes_decode),
    Tagged("bytearray", bytearray, "base64", _bytes_encode, lambda m, d: bytearray(_bytes_decode(m, d))),
    Tagged(
        "complex",
        complex,
        "real imag",
        lambda value, encode: {"real": encode(value.real), "imag": encode(value.imag)},
        _complex_decode,
    ),
    Tagged(
        "datetime", datetime, "value zone zone_name zone_microseconds fold", _moment_encode, _moment_decoder(datetime)
    ),
    Tagged("time", time, "value zone zone_name zone_microseconds fold", _moment_encode, _moment_decoder(time)),
    Tagged(
        "timedelta",
        timedelta,
        "days seconds microseconds",
        lambda value, encode: {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds},
        _timedelta_decode,
    ),
    Tagged("range", range, "start stop step", _bounds_encode, _range_decode),
    Tagged("slice", slice, "start stop step", _bounds_encode, lambda m, d: slice(*_bounds(m, d))),
    Tagged("re.Pattern", re.Pattern, "pattern flags", _pattern_encode, _pattern_decode),
    _text("date", date, date.fromisoformat),
    _text("Decimal", Decimal, _decimal),
    Tagged("UUID", UUID, "value is_safe", _uuid_encode, _uuid_decode),
    *(
        Tagged(
            "Path",
            cls,
            "class value",
            lambda value, encode: {"class": type(value).__name__, "value": encode(str(value))},
            _path_decode,
        )
        for cls in (type(Path()), PurePosixPath, PureWindowsPath)
    ),
)

BY_TYPE: Final = {row.type: row for row in TABLE}
BY_TAG: Final = {row.tag: row for row in TABLE}
