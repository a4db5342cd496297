"""Places in JSON text, in SQLite's SQL.

SQLite may read a number of many digits wrong in the last bit. Where it must be exact, the text of a number is compared:
each float has one canonical text.

A key with a quote, a backslash or a control character cannot be written in a path that all releases read alike: there
all members of the object are searched. Floats are then as SQLite reads them, and no index is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.documents.canonical import JSON, TAG
from docstore.sql.dialects.json_path.base import (
    INDEX,
    LARGEST,
    Places,
    Spot,
    Tagged,
    constant,
    is_bare,
    rank_of,
    text_of,
)
from docstore.sql.dialects.json_path.bounds import Bound
from docstore.sql.dialects.patterns import glob_of

_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*')
"""A key that is the same in a path, in quotes, as in the text of a document."""

_WRONG: Final = 2
"""How many floats SQLite may be off in reading one; among a million, none was off by more than one."""

_TAGGED: Final = (f'{{"{TAG}":"float"', f'{{"{TAG}":"int#')
"""The texts of numbers that are stored as objects are between these two."""

_NUMBERS: Final = ("integer", "real")


def quoted(text: str) -> sa.ColumnElement[str]:
    """Return *text* in quotes, as the statement has it; ``base.literal`` would be rendered at each execution."""
    doubled = text.replace("'", "''")
    return sa.literal_column(f"'{doubled}'", sa.String())


class _Spot(Spot):
    """One value: its type, its SQL value, its JSON, and its members if it is an object."""

    def __init__(self, body: sa.ColumnElement[Any], tokens: Sequence[str]) -> None:
        at = _Walked(body, tokens) if not all(map(_PLAIN.fullmatch, tokens)) else _Reached(body, tokens)
        self.type: sa.ColumnElement[str] = at.type
        self.value: sa.ColumnElement[Any] = at.value
        self.json: sa.ColumnElement[str] = at.json
        self.has_digits = isinstance(at, _Reached)
        members = sa.case((self.type == "object", self.json))
        self.tagged = Tagged(*(_extract(members, quoted(f'$."{key}"')) for key in (TAG, "value", "hex")))

    def exists(self) -> sa.ColumnElement[bool]:
        return self.type.is_not(None)

    def equals(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        if not self.has_digits:
            return _is_one(self.type, self.value, values)
        texts = [text_of(each) for each in values if each is not None]
        are_bare = all(each is None or is_bare(each) for each in values)
        found = self.is_one_of([sa.literal(text) for text in texts], are_bare=are_bare) if texts else sa.false()
        return sa.or_(found, self.type == "null") if None in values else found

    def is_one_of(self, texts: Sequence[sa.ColumnElement[str]], *, are_bare: bool) -> sa.ColumnElement[bool]:
        if not self.has_digits:
            is_it = [(self.type == sa.func.json_type(text)) & (self.value == _read(text)) for text in texts]
            return sa.or_(sa.false(), *is_it)
        # SQLite reads both from the same text, and so as the same number, even if it is wrong.
        found = self.value.in_(list(map(_read, texts)))
        # The index has such a text itself, so no document is read.
        return found if are_bare else found & self.json.in_(texts)

    def within(self, bounds: Sequence[Bound]) -> list[sa.ColumnElement[bool]]:
        first, last = _TAGGED
        is_tagged = (self.type == "object") & (self.value >= first) & (self.value < last)
        plain = sa.and_(self._roughly(bounds), *map(self._plain_within, bounds))
        return [plain, sa.and_(is_tagged, *map(self._tagged_within, bounds))]

    def _tagged_within(self, bound: Bound) -> sa.ColumnElement[bool]:
        value = self.tagged.value
        return self.tagged.within(bound, self._real_within(bound, _real(value), value, repr))

    def _plain_within(self, bound: Bound) -> sa.ColumnElement[bool]:
        whole = bound.whole
        integer = constant(whole) if isinstance(whole, bool) else bound.applied(self.value, sa.literal(whole))
        real = self._real_within(bound, self.value, self.json if self.has_digits else None, text_of)
        return sa.or_((self.type == "integer") & integer, (self.type == "real") & real)

    def _roughly(self, bounds: Sequence[Bound]) -> sa.ColumnElement[bool]:
        """Return a wider range that an index can serve: numbers come before texts, and true and false are numbers.

        SQLite uses only the first end of each side.
        """
        if any(bound.real is False for bound in bounds):
            return sa.false()
        ends = [(bound.is_lower, bound.near(_WRONG)) for bound in bounds if bound.real is not True]
        lows = [low for is_lower, (low, _, _) in ends if is_lower]
        highs = [high for is_lower, (_, high, _) in ends if not is_lower]
        below = self.value <= min(*highs, LARGEST) if highs else self.value < ""
        return sa.and_(self.value >= max(*lows, -LARGEST), below) if lows else below

    def _real_within(
        self, bound: Bound, number: sa.ColumnElement[Any], text: sa.ColumnElement[str] | None, text_of_number: Any
    ) -> sa.ColumnElement[bool]:
        """Return whether a float is in the range; near the end, where SQLite may be wrong, by its *text*."""
        if isinstance(bound.real, bool):
            return constant(bound.real)
        if text is None:
            return bound.applied(number, sa.literal(bound.real))
        low, high, inside = bound.near(_WRONG)
        low, high = max(low, -LARGEST), min(high, LARGEST)
        surely = number > high if bound.is_lower else number < low
        both_zeros = [0.0, -0.0] if 0.0 in inside else []
        texts = [text_of_number(each) for each in (*inside, *both_zeros)]
        return sa.or_(surely, (number >= low) & (number <= high) & text.in_(texts))

    def text_within(self, operator: str, text: str) -> sa.ColumnElement[bool]:
        return (self.type == "text") & self.value.bool_op(operator)(text)

    def like(self, pattern: str) -> sa.ColumnElement[bool]:
        return (self.type == "text") & self.value.bool_op("GLOB")(glob_of(pattern))

    def has_text(self, text: str) -> sa.ColumnElement[bool]:
        return (self.type == "text") & (sa.func.instr(self.value, text) > 0)

    def has_item(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        items = _each(sa.case((self.type == "array", self.json)), "item")
        return sa.exists(
            sa.select(sa.literal_column("1"))
            .select_from(items)
            .where(_is_one(items.c.type, items.c.value, values))
            .correlate_except(items)
        )

    def order(self) -> list[sa.ColumnElement[Any]]:
        rank = rank_of(self.tagged, self.type, ["null", "false", "true", _NUMBERS, "text", "array", "object"])
        plain = sa.case((self.type.in_(_NUMBERS), sa.cast(self.value, sa.REAL())), else_=0.0)
        number = sa.case((self.tagged.is_number, self.tagged.double(_real)), else_=plain)
        return [rank, sa.type_coerce(number, sa.Double()), sa.case((self.type == "text", self.value), else_="")]


class _Reached:
    """A place reached by a path; a numeric token is tried both as a key and as an index."""

    def __init__(self, body: sa.ColumnElement[Any], tokens: Sequence[str]) -> None:
        container, path = body, "$"
        for token in tokens[:-1]:
            if INDEX.fullmatch(token):
                container, path = sa.func.coalesce(*(_arrow(container, quoted(p)) for p in _either(path, token))), "$"
            else:
                path += f'."{token}"'
        last = tokens[-1] if tokens else None
        paths = [path] if last is None else _either(path, last) if INDEX.fullmatch(last) else [f'{path}."{last}"']
        self.type: sa.ColumnElement[str] = _first(sa.func.json_type(container, quoted(p)) for p in paths)
        self.value: sa.ColumnElement[Any] = _first(_extract(container, quoted(p)) for p in paths)
        self.json: sa.ColumnElement[str] = _first(_arrow(container, quoted(p)) for p in paths)


class _Walked:
    """The same, found by comparing the key of each member of an object."""

    def __init__(self, body: sa.ColumnElement[Any], tokens: Sequence[str]) -> None:
        value, levels, conditions = body, [], []
        for number, token in enumerate(tokens):
            level = _each(value, f"level_{number}")
            levels.append(level)
            is_index = level.c.key == sa.literal(int(token)) if INDEX.fullmatch(token) else sa.false()
            conditions.append(sa.or_(level.c.key == sa.literal(token), is_index))
            value = sa.case((level.c.type.in_(["array", "object"]), level.c.value))
        last = levels[-1]

        def found(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
            query = sa.select(column).select_from(*levels).where(*conditions).correlate_except(*levels)
            return sa.type_coerce(query.scalar_subquery(), column.type)

        self.type: sa.ColumnElement[str] = found(last.c.type)
        self.value: sa.ColumnElement[Any] = found(last.c.value)
        self.json: sa.ColumnElement[str] = self.value


def _either(path: str, index: str) -> list[str]:
    return [f'{path}."{index}"', f"{path}[{index}]"]


def _first(found: Any) -> sa.ColumnElement[Any]:
    each = list(found)
    return sa.func.coalesce(*each) if len(each) > 1 else each[0]


def _extract(json: sa.ColumnElement[Any], path: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    return sa.func.json_extract(json, path, type_=sa.types.NullType())


def _arrow(json: sa.ColumnElement[Any], path: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.type_coerce(json.op("->")(path).self_group(), sa.Text())


def _read(text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    return _extract(text, sa.literal_column("'$'"))


def _each(json: sa.ColumnElement[Any], name: str) -> sa.TableValuedAlias:
    return sa.func.json_each(json).table_valued("key", "value", "type", name=name, joins_implicitly=True)


def _real(text: sa.ColumnElement[str]) -> sa.ColumnElement[float]:
    return sa.type_coerce(sa.cast(text, sa.REAL()), sa.Double())


def _is_one(
    type_: sa.ColumnElement[str], value: sa.ColumnElement[Any], values: Sequence[JSON]
) -> sa.ColumnElement[bool]:
    """Return whether a row of ``json_each`` has one of *values*."""

    def is_it(wanted: JSON) -> sa.ColumnElement[bool]:
        if wanted is None or isinstance(wanted, bool):
            return type_ == text_of(wanted)
        if isinstance(wanted, str):
            return (type_ == "text") & (value == wanted)
        if isinstance(wanted, (list, dict)):
            return type_.in_(["array", "object"]) & (value == text_of(wanted))
        return type_.in_(_NUMBERS) & (value == _read(sa.literal(text_of(wanted))))

    return sa.or_(sa.false(), *map(is_it, values))


class SQLite(Places):
    """SQLite 3.38 or later."""

    reads_indexes = True
    prefers_lists = True

    def spot(self, row: sa.FromClause, tokens: Sequence[str], index: str | None = None) -> Spot:
        return _Spot(row.c.body, tokens)

    def create_index(
        self, connection: Connection, table: sa.Table, name: str, tokens: Sequence[str], *, of_parts: bool
    ) -> None:
        which = table.c.path != quoted("") if of_parts else table.c.path == quoted("")
        index = sa.Index(name, table.c.kind, _Spot(table.c.body, tokens).value, sqlite_where=which, _table=table)
        connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))

    def drop_index(self, connection: Connection, table: sa.Table, name: str) -> None:
        connection.execute(sa.schema.DropIndex(sa.Index(name, table.c.kind), if_exists=True))
