"""Conditions on what documents contain: ``q(pointer)``, its comparisons, and ``&``, ``|``, ``~``; no SQL yet."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import Enum, Flag
from numbers import Real
from typing import Any, Final, NoReturn, TypeAlias

from docstore.codec.values.tags import BARE, float_encode, int_encode
from docstore.documents.canonical import JSON, TAG, is_plain, join_pointer, same_json, split_pointer
from docstore.errors import InvalidValueError, short_repr

_OPERATORS: Final = "==, !=, <, <=, >, >=, in_(), contains(), exists() and like()"

_COMBINE: Final = "Combine conditions with & | ~ and parentheses, as in (q('/a') > 1) & ~(q('/b') == 'x')."

_LONGEST_PATTERN: Final = 10_000
"""Characters of a pattern. SQLite takes 50,000 bytes, and a character may take several."""

_ESCAPE: Final = re.compile(r"(?:[^\\]|\\.)*", re.DOTALL)
_MOST: Final = 250
"""Comparisons in one condition. SQLite takes an expression of 1,000 levels, and a comparison may take several."""

_DEEPEST: Final = 252
"""Levels of nesting in a document."""

_INDICES: Final = 8
"""Numeric tokens of a pointer. Each is looked for both as an index and as a key, and so doubles the work."""

_INDEX: Final = re.compile(r"/(?:0|[1-9][0-9]{0,8})(?=/|$)")
_STRAY_TILDE: Final = re.compile("~(?![01])")

Encode: TypeAlias = Callable[[Any], JSON]
"""Returns the JSON of a value, as ``Codec.encode``."""

Omitting: TypeAlias = Callable[[str], tuple[str, ...]]
"""Returns, for the name of a member, the tags of the objects that are stored without it if it is None."""


class Condition:
    """A condition on a document. Combine several with ``&``, ``|`` and ``~``."""

    __slots__ = ()

    def __and__(self, other: object) -> Condition:
        return All((*_operands(self, All), *_operands(_checked_condition(other), All)))

    def __or__(self, other: object) -> Condition:
        return AnyOf((*_operands(self, AnyOf), *_operands(_checked_condition(other), AnyOf)))

    def __rand__(self, other: object) -> Condition:
        return _checked_condition(other) & self

    def __ror__(self, other: object) -> Condition:
        return _checked_condition(other) | self

    def __invert__(self) -> Condition:
        return self.condition if isinstance(self, Not) else Not(self)

    def __bool__(self) -> NoReturn:
        """Refuse ``and``, ``or``, ``not`` and ``1 < q("/a") < 5``, which call this and would drop a condition.

        Raises:
            InvalidValueError: always.
        """
        raise InvalidValueError("condition", self, f"It has no truth value before the database is asked. {_COMBINE}")

    def __repr__(self) -> str:
        return _repr(self, levels=3)

    @abstractmethod
    def encoded(self, encode: Encode, omitting: Omitting) -> Condition:
        """Return the same condition on stored JSON, which *encode* makes of each value.

        A member that an object lacks because it is None counts as null.
        """


@dataclass(frozen=True, slots=True, repr=False)
class All(Condition):
    """All of *conditions* hold; true if there are none."""

    conditions: tuple[Condition, ...]

    def encoded(self, encode: Encode, omitting: Omitting) -> Condition:
        return All(tuple(each.encoded(encode, omitting) for each in self.conditions))


@dataclass(frozen=True, slots=True, repr=False)
class AnyOf(Condition):
    """At least one of *conditions* holds; false if there are none."""

    conditions: tuple[Condition, ...]

    def encoded(self, encode: Encode, omitting: Omitting) -> Condition:
        return AnyOf(tuple(each.encoded(encode, omitting) for each in self.conditions))


@dataclass(frozen=True, slots=True, repr=False)
class Not(Condition):
    """*condition* does not hold; true also where its pointer leads to nothing."""

    condition: Condition

    def encoded(self, encode: Encode, omitting: Omitting) -> Condition:
        return Not(self.condition.encoded(encode, omitting))


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Condition):
    """The value at *pointer* compared with Python *values*, as the user gave them.

    Attributes:
        operator: ``in``, ``contains``, ``exists``, ``like``, ``<``, ``<=``, ``>`` or ``>=``; the last six have one
            value at most. An ``==`` is an ``in`` of one.
    """

    pointer: str
    operator: str
    values: tuple[Any, ...] = ()

    def encoded(self, encode: Encode, omitting: Omitting) -> Condition:
        values = self.values
        if self.operator in ("in", "contains"):
            values = tuple(form for value in values for form in _stored_forms(value, encode))
        stored = EncodedComparison(self.pointer, self.operator, values)
        holds_for_none = self.operator == "exists" or (self.operator == "in" and None in values)
        tags = omitting(split_pointer(self.pointer)[-1]) if holds_for_none and self.pointer else ()
        return AnyOf((stored, self._is_omitted(tags))) if tags else stored

    def _is_omitted(self, tags: tuple[str, ...]) -> Condition:
        """Return the condition that the member at the pointer is absent from an object with one of *tags*."""
        owner, _, _ = self.pointer.rpartition("/")
        has_tag = EncodedComparison(owner + join_pointer((TAG,)), "in", tags)
        return All((Not(EncodedComparison(self.pointer, "exists")), has_tag))


@dataclass(frozen=True, slots=True, repr=False)
class EncodedComparison(Condition):
    """The value at *pointer* compared with JSON *values*, as documents store them.

    Attributes:
        operator: as in ``Comparison``. Values of ``in`` and ``contains`` are alternatives, by their canonical text.
    """

    pointer: str
    operator: str
    values: tuple[JSON, ...] = ()

    def encoded(self, encode: Encode, omitting: Omitting) -> Condition:
        return self


def _operands(condition: Condition, cls: type[All] | type[AnyOf]) -> tuple[Condition, ...]:
    """Return the operands of *condition* if it is a *cls*, else itself: a long chain of ``&`` is one flat ``All``."""
    return condition.conditions if isinstance(condition, cls) and condition.conditions else (condition,)


def _checked_condition(other: object) -> Condition:
    if isinstance(other, Condition):
        return other
    raise InvalidValueError("condition", other, f"It is not a condition; mind the parentheses. {_COMBINE}")


# --- places ----------------------------------------------------------------------------------------------------------


class Place:
    """A place in documents, made by ``q``. Comparing it gives a ``Condition``."""

    __slots__ = ("pointer",)

    pointer: str

    def __init__(self, pointer: str) -> None:
        object.__setattr__(self, "pointer", checked_pointer(pointer))

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # a condition, as SQLAlchemy's columns give
        return Comparison(self.pointer, "in", (_checked_value(value),))

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # as above
        return ~(self == value)

    __hash__ = None  # type: ignore[assignment]  # == gives no bool

    def __lt__(self, value: Any) -> Condition:
        return self._ordered("<", value)

    def __le__(self, value: Any) -> Condition:
        return self._ordered("<=", value)

    def __gt__(self, value: Any) -> Condition:
        return self._ordered(">", value)

    def __ge__(self, value: Any) -> Condition:
        return self._ordered(">=", value)

    def in_(self, values: Iterable[Any]) -> Condition:
        """Return the condition that the value is ``==`` one of *values*; it never holds if there are none.

        Raises:
            InvalidValueError: *values* is a text, a mapping, or not iterable.
        """
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise InvalidValueError("in_", values, "Give a list of values, as in q('/a').in_([1, 2]).")
        return Comparison(self.pointer, "in", tuple(map(_checked_value, values)))

    def contains(self, value: Any) -> Condition:
        """Return the condition that a list has an item ``==`` *value*, or that a text contains the text *value*."""
        return Comparison(self.pointer, "contains", (_checked_value(value),))

    def exists(self) -> Condition:
        """Return the condition that there is a value; null counts, as does a field of docstore's own that is None."""
        return Comparison(self.pointer, "exists")

    def like(self, pattern: str) -> Condition:
        r"""Return the condition that a text matches *pattern*: ``%`` is any text, ``_`` any character, ``\`` escapes.

        Upper and lower case differ, on every database.

        Raises:
            InvalidValueError: *pattern* is not a str, is longer than 10,000 characters, or ends with a lone backslash.
        """
        if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN or not _ESCAPE.fullmatch(pattern):
            remedy = f"Give a text of at most {_LONGEST_PATTERN:,} characters; a backslash escapes what follows it."
            raise InvalidValueError("like", pattern, remedy)
        return Comparison(self.pointer, "like", (str(pattern),))

    def _ordered(self, operator: str, value: Any) -> Condition:
        value = _python_number(value)
        is_number = type(value) is int or (type(value) is float and not math.isnan(value))
        if not is_number and type(value) is not str:
            remedy = "Only numbers and texts have an order: compare with an int, a float or a str."
            if isinstance(value, (date, time)):
                remedy += (
                    f" A time in a field of several types is an object, whose text is in {self.pointer + '/value'!r}."
                )
            raise InvalidValueError(f"q({self.pointer!r}) {operator}", value, remedy)
        return Comparison(self.pointer, operator, (value,))

    def __repr__(self) -> str:
        return f"q({self.pointer!r})"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # copy and pickle look for optional methods
        raise InvalidValueError("operator", name, f"A place has {_OPERATORS}.")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise InvalidValueError("attribute", name, f"A place cannot be changed. It has {_OPERATORS}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return Place, (self.pointer,)

    def _refuse(self, *other: object) -> NoReturn:
        raise InvalidValueError("place", self, f"Compare it first to get a condition; mind the parentheses. {_COMBINE}")

    __and__ = __or__ = __rand__ = __ror__ = __invert__ = __bool__ = _refuse
    __contains__ = __iter__ = __getitem__ = __len__ = _refuse


def q(pointer: str) -> Place:
    """Return a place in documents to compare, as in ``store.find(where=q("/properties/budget") >= 10)``.

    The pointer leads into a document's JSON as it is stored: ``/trials/0/status``. A token is a key of an object, or an
    index of a list, from 0. Compare the place by ``== != < <= > >=``, ``in_()``, ``contains()``, ``exists()`` or
    ``like()``, and combine conditions by ``& | ~``, in parentheses.

    JSON values are compared with their types: ``1`` equals ``1.0``, but neither ``True`` nor ``"1"``. Lists and objects
    are equal if their canonical texts are, so ``[1]`` is not ``[1.0]``. ``==`` takes any value that a document can
    hold: an enum member is found as its bare name and with its tag, and so are a date, a time, a Decimal and a UUID; a
    NumPy number is found as the equal Python number, too. A datetime is found only in the zone that it was written in.
    ``!=`` is the opposite of ``==``, and so holds for documents that have nothing there. A field of docstore's own
    objects that is None is not stored: it is found by ``== None``, and it ``exists()``.

    Numbers are ordered whatever their size, with infinities and without NaN; texts are ordered by code points. A time
    in a field of its own type is an ISO text; elsewhere it is an object, with that text in ``/value``. A text with NUL
    or a lone surrogate is stored tagged: ``==`` finds it, and order, ``like`` and ``contains`` do not.

    Raises:
        InvalidValueError: *pointer* is not a JSON pointer.

    Cost:
        None. A search without an index (``create_index``) looks into each document of the kind.
    """
    return Place(pointer)


def _checked_value(value: Any) -> Any:
    if isinstance(value, (Place, Condition)):
        raise InvalidValueError("value", value, "Compare a place with a value; two places cannot be compared.")
    return value


# --- checks ----------------------------------------------------------------------------------------------------------

Where: TypeAlias = Condition | Mapping[str, object] | None
"""What a search accepts as condition; a mapping means ``==`` for each of its items."""


def checked_pointer(pointer: object) -> str:
    """Validate a JSON pointer and return it.

    Raises:
        InvalidValueError: it is not one, or has too many tokens.
    """
    remedy = "Write a JSON pointer, as in '/properties/budget': each token after a slash, with ~1 for / and ~0 for ~."
    if isinstance(pointer, str) and (not pointer or pointer[0] == "/") and not _STRAY_TILDE.search(pointer):
        if pointer.count("/") <= _DEEPEST and len(_INDEX.findall(pointer)) <= _INDICES:
            return str(pointer)
        remedy = f"It may have {_DEEPEST} tokens, as deep as a document nests, and {_INDICES} of them that are numbers."
    raise InvalidValueError("pointer", pointer, remedy)


def checked_pointer_of_column(pointer: object) -> str:
    """Validate a JSON pointer that names a column of a frame, and return it.

    Raises:
        InvalidValueError: it is not one, or has a NUL or a lone surrogate, which databases and Arrow do not store.
    """
    found = checked_pointer(pointer)
    if is_plain(found):
        return found
    raise InvalidValueError("pointer", pointer, "A column name has no NUL or lone surrogate: read documents() instead.")


def checked_where(where: Where, encode: Encode, omitting: Omitting) -> Condition | None:
    """Validate *where* and return it as a condition on stored JSON.

    Raises:
        InvalidValueError: *where* is neither a condition nor a mapping, or has too many comparisons, or a key of the
            mapping is not a pointer.
        EncodeError: one of the values cannot be stored.
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
    return where.encoded(encode, omitting)


def _count(condition: Condition) -> int:
    """Return the number of comparisons; more than ``_MOST`` if they are nested too deeply."""
    pending, found, levels = [(condition, 0)], 0, 0
    while pending:
        each, level = pending.pop()
        levels = max(level, levels)
        inner = _inner(each)
        pending += [(other, level + 1) for other in inner]
        found += not inner
    return found if levels <= _MOST // 2 else max(found, _MOST + 1)


def pointers_in(condition: Condition | None) -> Iterator[str]:
    """Yield the pointer of each comparison in *condition*."""
    if isinstance(condition, (Comparison, EncodedComparison)):
        yield condition.pointer
    for inner in () if condition is None else _inner(condition):
        yield from pointers_in(inner)


def _inner(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, (All, AnyOf)):
        return condition.conditions
    return (condition.condition,) if isinstance(condition, Not) else ()


# --- the JSON that a value may be stored as --------------------------------------------------------------------------

_LARGEST: Final = int(math.ldexp(2 - 2**-52, 1023))
"""The largest finite float."""


def _stored_forms(value: Any, encode: Callable[[Any], JSON]) -> list[JSON]:
    """Return each JSON value that *value* may be stored as; no two have the same canonical text."""
    if type(value) is int or type(value) is float:
        return _number_forms(value)
    forms = [encode(value)]
    number = _python_number(value)
    if number is not value:
        # A NumPy number is found as itself, and as each equal Python number.
        return [*forms, *(_number_forms(number) if type(number) is not bool else [number])]
    bare = _bare_form(value)
    if bare is not None and not any(same_json(bare, form) for form in forms):
        forms.append(encode(bare))
    return forms


def _python_number(value: Any) -> Any:
    """Return the Python number or bool that equals a NumPy number; any other value unchanged."""
    cls = type(value)
    if cls.__module__ != "numpy" or not (isinstance(value, Real) or cls.__name__ in ("bool", "bool_")):
        return value
    number = value.item()
    return number if type(number) in (int, float, bool) else value


def _bare_form(value: Any) -> str | None:
    """Return the text as which a field annotated with the type of *value* stores it; None for other types."""
    if isinstance(value, Enum) and not isinstance(value, Flag):
        return value.name
    return BARE[type(value)][0](value) if type(value) in BARE else None


def _number_forms(number: int | float) -> list[JSON]:
    """Return the JSON of the integer and of the float that equal *number*, where they exist."""
    forms: list[JSON] = []
    if type(number) is int or float(number).is_integer():
        forms.append(int_encode(int(number)))
        if number == 0:
            forms.append(float_encode(-0.0))
    if type(number) is float or (abs(number) <= _LARGEST and float(number) == number):
        forms.append(float_encode(abs(float(number)) if number == 0 else float(number)))
    return forms


# --- repr ------------------------------------------------------------------------------------------------------------


def _repr(condition: Condition, levels: int) -> str:
    """Return *condition* roughly as source code, down to so many *levels*."""
    if isinstance(condition, (Comparison, EncodedComparison)):
        place, operator, values = f"q({condition.pointer!r})", condition.operator, condition.values
        if operator.isalpha():
            alone = operator == "in" and len(values) == 1
            return f"{place} == {short_repr(values[0])}" if alone else _repr_of_call(place, operator, values)
        return f"{place} {operator} {short_repr(values[0])}"
    if levels == 0:
        return "..."
    if isinstance(condition, Not):
        return f"~({_repr(condition.condition, levels - 1)})"
    assert isinstance(condition, (All, AnyOf))  # there are no others
    shown = [f"({_repr(each, levels - 1)})" for each in condition.conditions[: 4 * levels]]
    shown += ["..."] * (len(shown) < len(condition.conditions))
    return (" & " if isinstance(condition, All) else " | ").join(shown)


def _repr_of_call(place: str, operator: str, values: tuple[Any, ...]) -> str:
    if operator == "in":
        return f"{place}.in_({short_repr(list(values))})"
    return f"{place}.{operator}({', '.join(map(short_repr, values))})"
