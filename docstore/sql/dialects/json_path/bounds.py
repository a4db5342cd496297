"""One end of a range of numbers, computed exactly for each form in which a number may be stored.

A number is stored in one of four forms: as a JSON integer of 64 bits; as a JSON float below 1e16; tagged as a float,
which may be infinite; or tagged as a larger integer, in decimal or hexadecimal digits. No database compares an integer
with a float of as many digits exactly, so each form has an end of its own kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa

Operator: TypeAlias = Literal["<", "<=", ">", ">="]

_MIN: Final = -(2**63)
_MAX: Final = 2**63 - 1
_DECIMAL_BITS: Final = 2048
"""An integer of more bits is stored in hexadecimal digits: see ``int_encode``."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A range of numbers: all that are *operator* (less than, ...) *number*, which is not NaN."""

    operator: Operator
    number: int | float

    @property
    def is_lower(self) -> bool:
        """Whether the range goes up from the number."""
        return self.operator[0] == ">"

    @property
    def _takes_floor(self) -> bool:
        # For integers, s > 2.5 is s > 2, and s >= 2.5 is s >= 3.
        return self.operator in (">", "<=")

    @property
    def whole(self) -> int | bool:
        """The integer to compare a stored 64-bit integer with; or a bool: whether all of them are in the range."""
        if self.number in (math.inf, -math.inf):
            return (self.number < 0) == self.is_lower
        end = math.floor(self.number) if self._takes_floor else math.ceil(self.number)
        return end if _MIN <= end <= _MAX else (end < 0) == self.is_lower

    @property
    def real(self) -> float | bool:
        """The finite float to compare a stored float with; or a bool: whether all finite ones are in the range."""
        end = self._nearest
        return end if math.isfinite(end) else (end < 0) == self.is_lower

    @property
    def _nearest(self) -> float:
        try:
            end = float(self.number)
        except OverflowError:
            end = math.inf if self.number > 0 else -math.inf
        if self._takes_floor and end > self.number:
            return math.nextafter(end, -math.inf)
        if not self._takes_floor and end < self.number:
            return math.nextafter(end, math.inf)
        return end

    @property
    def infinite(self) -> list[str]:
        """The texts of the infinities that are in the range."""
        return [text for text in ("-inf", "inf") if self.has(float(text))]

    def has(self, number: int | float) -> bool:
        """Return whether *number* is in the range."""
        match self.operator:
            case "<":
                return number < self.number
            case "<=":
                return number <= self.number
            case ">":
                return number > self.number
            case ">=":
                return number >= self.number

    def applied(self, left: sa.ColumnElement[Any], right: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Return the SQL of *left* operator *right*."""
        return left.bool_op(self.operator)(right)

    def near(self, steps: int) -> tuple[float, float, list[float]]:
        """Return the floats *steps* below and above ``real``, and the floats of the range within twice that distance.

        If a database reads each of two numbers wrong by up to half of *steps*, only numbers between the first two can
        be compared wrongly.
        """
        assert not isinstance(self.real, bool)  # checked by the caller
        ladder = [self.real]
        for _ in range(2 * steps):
            ladder.insert(0, math.nextafter(ladder[0], -math.inf))
            ladder.append(math.nextafter(ladder[-1], math.inf))
        inside = [each for each in ladder if math.isfinite(each) and self.has(each)]
        return ladder[steps], ladder[-1 - steps], inside

    def digits(self, decimal: sa.ColumnElement[str], hexadecimal: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        """Return the SQL of an integer beyond 64 bits being in the range, by its *decimal* or *hexadecimal* digits.

        One of the two is NULL.
        """
        if self.number in (math.inf, -math.inf):
            return sa.true() if self.whole is True else sa.false()
        end = math.floor(self.number) if self._takes_floor else math.ceil(self.number)
        if end.bit_length() > _DECIMAL_BITS:
            all_decimal = sa.true() if (end < 0) == self.is_lower else sa.false()
            return sa.or_(decimal.is_not(None) & all_decimal, self._compared(hexadecimal, f"{end:x}"))
        if _MIN <= end <= _MAX:
            return sa.or_(self._signed(decimal), self._signed(hexadecimal))
        return sa.or_(self._compared(decimal, str(end)), self._signed(hexadecimal))

    def _signed(self, digits: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        """Return the SQL of a number of many digits being in the range, if the end of the range is nearer to 0."""
        negative = sa.func.substr(digits, 1, 1) == "-"
        return digits.is_not(None) & (~negative if self.is_lower else negative)

    def _compared(self, digits: sa.ColumnElement[str], end: str) -> sa.ColumnElement[bool]:
        """Return the SQL of a number being in the range, by the number of its digits, then by the digits."""
        size, negative = sa.func.length(digits), end[0] == "-"
        # A longer negative number is smaller.
        operator = self.operator if not negative else self.operator.translate(str.maketrans("<>", "><"))
        longer = size.bool_op(operator[0])(len(end))
        compared = sa.or_(longer, (size == len(end)) & digits.bool_op(operator)(end))
        sign = sa.func.substr(digits, 1, 1)
        same_sign = sign == "-" if negative else sign != "-"
        other_sign = ~same_sign if self.is_lower == negative else sa.false()
        return digits.is_not(None) & sa.or_(other_sign, same_sign & compared)
