"""What is asked of the places of a document: comparisons and what combines them, as data that know no SQL."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import Enum, Flag
from numbers import Real
from typing import Any, Final, NoReturn, TypeAlias

from docstore.codec.values.tags import BARE, float_encode, int_encode
from docstore.documents.canonical import JSON, is_plain, same_json
from docstore.errors import InvalidValueError, short_repr

# The JSON that a value may be stored as: what a search for it looks for.

_LARGEST: Final = int(math.ldexp(2 - 2**-52, 1023))


def forms_of(value: Any, encode: Callable[[Any], JSON]) -> list[JSON]:
    """Return each JSON value that *value* may be stored as; no two of them have the same text."""
    if type(value) is int or type(value) is float:
        return _number_forms(value)
    forms = [encode(value)]
    number = plain_number(value)
    if number is not value:
        # A NumPy number looks for those of its own type, and for all that equal it.
        return [*forms, *(_number_forms(number) if type(number) is not bool else [number])]
    bare = _bare(value)
    if bare is not None and not any(same_json(bare, form) for form in forms):
        forms.append(encode(bare))
    return forms


def plain_number(value: Any) -> Any:
    """Return the number, or the bool, of Python that equals a NumPy number; anything else as it is."""
    cls = type(value)
    if cls.__module__ != "numpy" or not (isinstance(value, Real) or cls.__name__ in ("bool", "bool_")):
        return value
    number = value.item()
    return number if type(number) in (int, float, bool) else value


def _bare(value: Any) -> str | None:
    """Return the text that a field of its own type has *value* as, if it is such a one."""
    if isinstance(value, Enum) and not isinstance(value, Flag):
        return value.name
    return BARE[type(value)][0](value) if type(value) in BARE else None


def _number_forms(number: int | float) -> list[JSON]:
    """Return the JSON of the integer and of the float that equal *number*, as far as there are."""
    forms: list[JSON] = []
    if type(number) is int or float(number).is_integer():
        forms.append(int_encode(int(number)))
        if number == 0:
            forms.append(float_encode(-0.0))
    if type(number) is float or (abs(number) <= _LARGEST and float(number) == number):
        forms.append(float_encode(abs(float(number)) if number == 0 else float(number)))
    return forms


OPERATORS: Final = "==, !=, <, <=, >, >=, in_(), contains(), exists() and like()"

_COMBINE: Final = "Combine conditions with & | ~ and parentheses, as in (q('/a') > 1) & ~(q('/b') == 'x')."

_LONGEST_PATTERN: Final = 10_000
"""Characters of a pattern; SQLite takes 50,000 bytes, in which some characters take several."""

_ESCAPE: Final = re.compile(r"(?:[^\\]|\\.)*", re.DOTALL)
_MOST: Final = 250
"""Comparisons in one condition: SQLite takes an expression of 1,000 levels, and some take several."""

_DEEPEST: Final = 252
"""Levels of a document."""

_INDICES: Final = 8
"""Tokens of a pointer that may be an index: each is looked for as a key too, and so each doubles the work."""

_INDEX: Final = re.compile(r"/(?:0|[1-9][0-9]{0,8})(?=/|$)")
_STRAY_TILDE: Final = re.compile("~(?![01])")


class Condition:
    """Something that holds for a document or does not. Combine several with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def __and__(self, other: object) -> Condition:
        return All((*_in_one(self, All), *_in_one(_condition(other), All)))

    def __or__(self, other: object) -> Condition:
        return AnyOf((*_in_one(self, AnyOf), *_in_one(_condition(other), AnyOf)))

    def __rand__(self, other: object) -> Condition:
        return _condition(other) & self

    def __ror__(self, other: object) -> Condition:
        return _condition(other) | self

    def __invert__(self) -> Condition:
        return self.condition if isinstance(self, Not) else Not(self)

    def __bool__(self) -> NoReturn:
        """Refuse: ``and``, ``or``, ``not`` and ``1 < q("/a") < 5`` ask for this, and would drop a condition.

        Raises:
            InvalidValueError: always.
        """
        raise InvalidValueError("condition", self, f"It has no truth value before the database is asked. {_COMBINE}")

    def __repr__(self) -> str:
        return _written(self, levels=3)

    @abstractmethod
    def encoded(self, encode: Callable[[Any], JSON]) -> Condition:
        """Return the same of values as they are stored, which *encode* gives."""


@dataclass(frozen=True, slots=True, repr=False)
class All(Condition):
    """Every one of *conditions* holds; of none, always."""

    conditions: tuple[Condition, ...]

    def encoded(self, encode: Callable[[Any], JSON]) -> Condition:
        return All(tuple(each.encoded(encode) for each in self.conditions))


@dataclass(frozen=True, slots=True, repr=False)
class AnyOf(Condition):
    """One of *conditions* holds, or several."""

    conditions: tuple[Condition, ...]

    def encoded(self, encode: Callable[[Any], JSON]) -> Condition:
        return AnyOf(tuple(each.encoded(encode) for each in self.conditions))


@dataclass(frozen=True, slots=True, repr=False)
class Not(Condition):
    """*condition* does not hold: also where nothing stands at its place."""

    condition: Condition

    def encoded(self, encode: Callable[[Any], JSON]) -> Condition:
        return Not(self.condition.encoded(encode))


@dataclass(frozen=True, slots=True, repr=False)
class Compared(Condition):
    """What stands at *pointer*, compared with *values* as the user gave them.

    Attributes:
        operator: ``in``, ``contains``, ``exists``, ``like``, ``<``, ``<=``, ``>`` or ``>=``; the last six have one
            value at most. An ``==`` is an ``in`` of one.
    """

    pointer: str
    operator: str
    values: tuple[Any, ...] = ()

    def encoded(self, encode: Callable[[Any], JSON]) -> Condition:
        if self.operator not in ("in", "contains"):
            return Stored(self.pointer, self.operator, self.values)
        forms: list[JSON] = []
        for value in self.values:
            forms += forms_of(value, encode)
        return Stored(self.pointer, self.operator, tuple(forms))


@dataclass(frozen=True, slots=True, repr=False)
class Stored(Condition):
    """What stands at *pointer*, compared with JSON *values* as documents have them.

    Attributes:
        operator: as of ``Compared``. Values of ``in`` and ``contains`` are alternatives, by their canonical text.
    """

    pointer: str
    operator: str
    values: tuple[JSON, ...] = ()

    def encoded(self, encode: Callable[[Any], JSON]) -> Condition:
        return self


Where: TypeAlias = "Mapping[str, Any] | Condition | None"


class Place:
    """A place in documents; what is compared with it gives a ``Condition``. ``q`` makes one."""

    __slots__ = ("pointer",)

    pointer: str

    def __init__(self, pointer: str) -> None:
        object.__setattr__(self, "pointer", checked_pointer(pointer))

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # a condition, as SQLAlchemy's columns give
        return Compared(self.pointer, "in", (_value(value),))

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # as above
        return ~(self == value)

    __hash__ = None  # type: ignore[assignment]  # what == gives is no bool

    def __lt__(self, value: Any) -> Condition:
        return self._ordered("<", value)

    def __le__(self, value: Any) -> Condition:
        return self._ordered("<=", value)

    def __gt__(self, value: Any) -> Condition:
        return self._ordered(">", value)

    def __ge__(self, value: Any) -> Condition:
        return self._ordered(">=", value)

    def in_(self, values: Iterable[Any]) -> Condition:
        """Return the condition that what stands there is ``==`` one of *values*; of none, that never holds.

        Raises:
            InvalidValueError: *values* is a text, a mapping, or nothing that can be looped over.
        """
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise InvalidValueError("in_", values, "Give a list of values, as in q('/a').in_([1, 2]).")
        return Compared(self.pointer, "in", tuple(map(_value, values)))

    def contains(self, value: Any) -> Condition:
        """Return the condition that a list has an item ``==`` *value*, or that a text has the text *value* in it."""
        return Compared(self.pointer, "contains", (_value(value),))

    def exists(self) -> Condition:
        """Return the condition that something stands there, be it null."""
        return Compared(self.pointer, "exists")

    def like(self, pattern: str) -> Condition:
        r"""Return the condition that a text is as *pattern*: ``%`` is any text, ``_`` any character, ``\`` escapes.

        Upper and lower case differ, on every database.

        Raises:
            InvalidValueError: *pattern* is no text, is longer than 10,000 characters, or ends with a lone backslash.
        """
        if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN or not _ESCAPE.fullmatch(pattern):
            remedy = f"Give a text of at most {_LONGEST_PATTERN:,} characters; a backslash escapes what follows it."
            raise InvalidValueError("like", pattern, remedy)
        return Compared(self.pointer, "like", (str(pattern),))

    def _ordered(self, operator: str, value: Any) -> Condition:
        value = plain_number(value)
        is_number = type(value) is int or (type(value) is float and not math.isnan(value))
        if not is_number and type(value) is not str:
            remedy = "Only numbers and texts have an order: compare with an int, a float or a str."
            if isinstance(value, (date, time)):
                remedy += f" A time among other values is an object, whose text is in {self.pointer + '/value'!r}."
            raise InvalidValueError(f"q({self.pointer!r}) {operator}", value, remedy)
        return Compared(self.pointer, operator, (value,))

    def __repr__(self) -> str:
        return f"q({self.pointer!r})"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # copy and pickle ask for what may not be there
        raise InvalidValueError("operator", name, f"A place has {OPERATORS}.")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise InvalidValueError("attribute", name, f"A place cannot be changed. It has {OPERATORS}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return Place, (self.pointer,)

    def _refuse(self, *other: object) -> NoReturn:
        raise InvalidValueError(
            "place", self, f"It is no condition before it is compared; mind the parentheses. {_COMBINE}"
        )

    __and__ = __or__ = __rand__ = __ror__ = __invert__ = __bool__ = _refuse
    __contains__ = __iter__ = __getitem__ = __len__ = _refuse


def q(pointer: str) -> Place:
    """Return the place *pointer* of documents, to be compared: ``store.find(where=q("/properties/budget") >= 10)``.

    It leads into the JSON of a document, as it is stored: ``/trials/0/status``. A token is a key of an object, or an
    index of a list, from 0. Compare it with ``== != < <= > >=``, ``in_()``, ``contains()``, ``exists()`` or
    ``like()``, and combine what comes of that with ``& | ~``, in parentheses.

    What is compared are JSON values, with their types: ``1`` equals ``1.0``, and neither ``True`` nor ``"1"``. A list
    or an object equals one of the same canonical text, so ``[1]`` is not ``[1.0]``. ``==`` takes what a document can
    hold: an enum's member is found as its bare name and with its tag, and so are a date, a time, a Decimal and a UUID;
    a NumPy number is found as the number that it equals, too. A moment is found in the zone that it was written in.
    ``!=`` is all that is not ``==``, with the documents that have nothing there.

    Order is among numbers, of any size, with infinities and without NaN; and among texts, by code points. A time in a
    field of its own type is an ISO text; elsewhere it is an object, with that text in ``/value``. A text with NUL or a
    lone surrogate is stored tagged: it is found by ``==``, and has no order, no pattern and no text in it.

    Raises:
        InvalidValueError: *pointer* is none.

    Cost:
        Nothing is read. Without an index (``create_index``), the database looks into each document of the kind.
    """
    return Place(pointer)


def checked_pointer(pointer: object) -> str:
    """Return *pointer*, if it is one.

    Raises:
        InvalidValueError: it is not.
    """
    remedy = "Write a JSON pointer, as in '/properties/budget': each token after a slash, with ~1 for / and ~0 for ~."
    if isinstance(pointer, str) and (not pointer or pointer[0] == "/") and not _STRAY_TILDE.search(pointer):
        if pointer.count("/") <= _DEEPEST and len(_INDEX.findall(pointer)) <= _INDICES:
            return str(pointer)
        remedy = f"It may have {_DEEPEST} tokens, as deep as a document nests, and {_INDICES} of them that are numbers."
    raise InvalidValueError("pointer", pointer, remedy)


def checked_pointer_of_column(pointer: object) -> str:
    """Return *pointer* if it can be the name of a column.

    Raises:
        InvalidValueError: it cannot: databases and Arrow store no NUL and no lone surrogates.
    """
    found = checked_pointer(pointer)
    if is_plain(found):
        return found
    raise InvalidValueError("pointer", pointer, "A column name has no NUL or lone surrogate: read documents() instead.")


def checked_where(where: Where, encode: Callable[[Any], JSON]) -> Condition | None:
    """Return the condition that *where* is, of values as they are stored: all of a mapping's, each by ``==``.

    Args:
        encode: gives the JSON of a value, as ``Codec.encode``.

    Raises:
        InvalidValueError: it is nothing of the kind, or a key of the mapping is no pointer.
        EncodeError: one of the values cannot be stored, and so can be found nowhere.
    """
    if where is None:
        return None
    if isinstance(where, Mapping):
        where = All(tuple(q(pointer) == value for pointer, value in where.items()))
    if not isinstance(where, Condition):
        remedy = "Give {pointer: value}, or a condition as in docstore.q('/properties/budget') >= 10."
        raise InvalidValueError("where", where, remedy)
    if _count(where) > _MOST:
        remedy = f"Compare at most {_MOST} times; in_() asks for many values of one place."
        raise InvalidValueError("where", f"a condition of {_count(where)} comparisons", remedy)
    return where.encoded(encode)


def _count(condition: Condition) -> int:
    """Return how many comparisons there are; of many levels, more than too many."""
    pending, found, levels = [(condition, 0)], 0, 0
    while pending:
        each, level = pending.pop()
        levels = max(level, levels)
        inner = (
            (each.condition,) if isinstance(each, Not) else each.conditions if isinstance(each, (All, AnyOf)) else ()
        )
        pending += [(other, level + 1) for other in inner]
        found += not inner
    return found if levels <= _MOST // 2 else max(found, _MOST + 1)


def _in_one(condition: Condition, cls: type[All] | type[AnyOf]) -> tuple[Condition, ...]:
    """Return what *condition* is made of, if it is of *cls*: a long chain makes no deep tree."""
    return condition.conditions if isinstance(condition, cls) and condition.conditions else (condition,)


def _condition(other: object) -> Condition:
    if isinstance(other, Condition):
        return other
    raise InvalidValueError("condition", other, f"It is none; mind the parentheses. {_COMBINE}")


def _written(condition: Condition, levels: int) -> str:
    """Return *condition* about as one writes it, three levels of it, and values as a message shows them."""
    if isinstance(condition, (Compared, Stored)):
        place, operator, values = f"q({condition.pointer!r})", condition.operator, condition.values
        if operator.isalpha():
            alone = operator == "in" and len(values) == 1
            return f"{place} == {short_repr(values[0])}" if alone else _called(place, operator, values)
        return f"{place} {operator} {short_repr(values[0])}"
    if levels == 0:
        return "..."
    if isinstance(condition, Not):
        return f"~({_written(condition.condition, levels - 1)})"
    assert isinstance(condition, (All, AnyOf))  # there are no others
    shown = [f"({_written(each, levels - 1)})" for each in condition.conditions[: 4 * levels]]
    shown += ["..."] * (len(shown) < len(condition.conditions))
    return (" & " if isinstance(condition, All) else " | ").join(shown)


def _called(place: str, operator: str, values: tuple[Any, ...]) -> str:
    if operator == "in":
        return f"{place}.in_({short_repr(list(values))})"
    return f"{place}.{operator}({', '.join(map(short_repr, values))})"


def _value(value: Any) -> Any:
    if isinstance(value, (Place, Condition)):
        raise InvalidValueError("value", value, "Compare a place with a value; two places cannot be compared.")
    return value
