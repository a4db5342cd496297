"""The interface of one place in a JSON column. No SQL of it raises an error, whatever a document contains.

A condition may be NULL where it does not hold; the caller makes it two-valued before negating it.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, dumps, is_plain
from docstore.sql.dialects.json_path.bounds import Bound

INDEX: Final = re.compile("0|[1-9][0-9]{0,8}")
"""A token that can be a list's index: as in RFC 6901, with no more digits than the servers take."""

SHORT: Final = 191
"""Characters of canonical text that every database's index takes."""


def literal(text: str) -> sa.ColumnElement[str]:
    """Return *text* as a literal in the statement, quoted by SQLAlchemy: an index serves only the very same SQL."""
    return sa.bindparam(None, text, type_=sa.String(), unique=True, literal_execute=True)


def constant(value: bool) -> sa.ColumnElement[bool]:
    """Return a condition that always holds, or never."""
    return sa.true() if value else sa.false()


def is_bare(value: JSON) -> bool:
    """Return whether *value* is a text that is not the canonical text of any list or object."""
    return isinstance(value, str) and not value.startswith(("[", "{"))


def text_of(value: JSON) -> str:
    """Return the canonical text of *value*."""
    return dumps(value).decode()


class Spot(ABC):
    """One place in a JSON column, in one database's SQL."""

    @abstractmethod
    def exists(self) -> sa.ColumnElement[bool]:
        """Return whether there is a value; null counts."""

    @abstractmethod
    def equals(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        """Return whether the value is one of *values* (at least one), by canonical text."""

    @abstractmethod
    def is_one_of(self, texts: Sequence[sa.ColumnElement[str]], *, are_bare: bool) -> sa.ColumnElement[bool]:
        """Return the same for canonical *texts* of scalars other than null, no longer than ``SHORT``.

        Args:
            are_bare: whether each is of a value that ``is_bare``.
        """

    @abstractmethod
    def within(self, bounds: Sequence[Bound]) -> list[sa.ColumnElement[bool]]:
        """Return alternatives, each served by an index, one of which holds if the value is a number in all ranges."""

    @abstractmethod
    def text_within(self, operator: str, text: str) -> sa.ColumnElement[bool]:
        """Return whether the value is a text that is *operator* (``<``, ...) *text* by code points."""

    @abstractmethod
    def like(self, pattern: str) -> sa.ColumnElement[bool]:
        """Return whether the value is a text that matches *pattern*, with ``%``, ``_`` and a backslash special."""

    @abstractmethod
    def has_text(self, text: str) -> sa.ColumnElement[bool]:
        """Return whether the value is a text that contains *text*."""

    @abstractmethod
    def has_item(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        """Return whether the value is a list with an item among *values*, by canonical text."""

    @abstractmethod
    def order(self) -> list[sa.ColumnElement[Any]]:
        """Return the rank of the value's type, its number as a double, and its text; none of them NULL."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """The members of a number that is stored as a tagged object: its tag, and its digits as text."""

    tag: sa.ColumnElement[str]
    value: sa.ColumnElement[str]
    hexadecimal: sa.ColumnElement[str]

    def within(self, bound: Bound, finite: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        """Return whether it is a number in the range; *finite* is that condition for a finite float."""
        infinite = self.value.in_(bound.infinite) if bound.infinite else sa.false()
        as_float = sa.or_(infinite, self.value.not_in(["inf", "-inf", "nan"]) & finite)
        as_int = bound.digits(self.value, self.hexadecimal)
        return sa.or_((self.tag == "float") & as_float, (self.tag == "int") & as_int)

    @property
    def is_number(self) -> sa.ColumnElement[bool]:
        """Whether it is a number, and not NaN."""
        is_float = (self.tag == "float") & (self.value != "nan")
        return sa.func.coalesce(sa.or_(self.tag == "int", is_float), sa.false())

    def double(self, cast: Callable[[sa.ColumnElement[str]], sa.ColumnElement[float]]) -> sa.ColumnElement[float]:
        """Return it as a double, by *cast* of a decimal text; as the largest double for all beyond ``HUGE``."""
        digits = sa.func.coalesce(self.value, self.hexadecimal)
        is_modest = sa.case(
            (self.tag == "float", self.value.not_like("%inf") & self.value.not_like("%e+3__")),
            else_=sa.func.coalesce(sa.func.length(self.value) <= _DIGITS, sa.false()),
        )
        is_negative = sa.func.substr(digits, 1, 1) == "-"
        largest = sa.case((is_negative, sa.literal(-LARGEST)), else_=sa.literal(LARGEST))
        return sa.case((is_modest, cast(self.value)), else_=largest)


LARGEST: Final = sys.float_info.max
HUGE: Final = 1e299
"""A number below this is certainly a finite double; in ``order``, numbers ten times as large count as ``LARGEST``."""

_DIGITS: Final = 300
"""Digits of an integer that is cast to a double."""


def rank_of(
    tagged: Tagged, type_: sa.ColumnElement[str], names: Sequence[str | Sequence[str]]
) -> sa.ColumnElement[int]:
    """Return the rank of a value's type: 0 without a value, then 1 for the first of *names* and so on; numbers are 4.

    Args:
        names: the database's names of null, false, true, numbers, texts, lists and objects.
    """
    ranks = [(type_.in_([name] if isinstance(name, str) else name), rank) for rank, name in enumerate(names, 1)]
    return sa.case((tagged.is_number, 4), *ranks, else_=0)


class Places(ABC):
    """The places of a JSON column in one database, and their indexes.

    Attributes:
        reads_indexes: whether an index on a place is used only by SQL that is written for it, so that the caller must
            know which exist.
        indexes_have_columns: whether such SQL names columns of the index, and so fails once the index is dropped.
        prefers_lists: whether the planner prefers an index that lists the rows of a kind in their order, and then
            looks into each body, even where the place has an index. Then the condition on the kind is given only beside
            the place.
    """

    reads_indexes: ClassVar[bool] = False
    indexes_have_columns: ClassVar[bool] = False
    prefers_lists: ClassVar[bool] = False

    @abstractmethod
    def spot(self, row: sa.FromClause, tokens: Sequence[str], index: str | None = None) -> Spot:
        """Return the place at *tokens* in the column ``body`` of *row*; ``can_stand(tokens)`` holds.

        Args:
            index: the name of an index on the place.
        """

    @abstractmethod
    def create_index(
        self, connection: Connection, table: sa.Table, name: str, tokens: Sequence[str], *, of_parts: bool
    ) -> None:
        """Make an index of the parts, or heads, in *table* by their kind and the value at *tokens*."""

    @abstractmethod
    def drop_index(self, connection: Connection, table: sa.Table, name: str) -> None:
        """Drop the index *name*, if it exists."""


def can_stand(tokens: Sequence[str]) -> bool:
    """Return whether a document can have *tokens* as keys: one with NUL or a lone surrogate is stored otherwise."""
    return all(map(is_plain, tokens))
