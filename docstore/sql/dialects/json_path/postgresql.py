"""Places in JSONB, in PostgreSQL's SQL.

An index is on the expression ``short``: the JSONB of a value, if it is short. Each condition that the index can serve
has the very same expression. JSONB orders values by type: null, texts, numbers, booleans, lists, objects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import Grouping

from docstore.documents.canonical import JSON, TAG
from docstore.sql.dialects.json_path.base import INDEX, LARGEST, Places, Spot, Tagged, literal, rank_of, text_of
from docstore.sql.dialects.json_path.bounds import Bound

_LONGEST: Final = 300
"""Characters of JSON that an index takes. A B-tree takes 2,704 bytes, and a character takes up to 8 in JSONB."""

_LONG_INTEGER: Final = text_of({TAG: "int"})
"""The value in the index for a larger integer; any object would do, as all come after ``true``."""

_READ_AS_NUMBER: Final = re.compile(r"\s*[+-]?[0-9]+")
"""Tokens that PostgreSQL may take for an index, such as -1, which counts from the end."""

_DIGITS: Final = "^-?[0-9]+([.][0-9]{1,20})?(e[+][0-9]{1,3})?$"
"""The text of a finite float beyond 1e16, or of a larger integer."""

_NONE_BEYOND: Final = 10**20
"""Beyond every number that is stored as a JSON number: integers have 64 bits."""


def _json(text: str | sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(text, sa.Text()) if isinstance(text, str) else text, _JsonOfText())


class _JsonOfText(sa.types.UserDefinedType[str]):
    """JSONB, bound as text that is JSON already."""

    cache_ok = True

    def get_col_spec(self, **options: Any) -> str:
        return "JSONB"


def _text(json: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.cast(json, sa.Text())


def _exact(text: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.collate(sa.type_coerce(text, sa.Text()), "C")


class _Spot(Spot):
    def __init__(self, body: sa.ColumnElement[Any], tokens: Sequence[str]) -> None:
        self.json = _at(body, tokens)
        self.type = sa.func.jsonb_typeof(self.json)
        self.tagged = Tagged(self._member(TAG), self._member("value"), self._member("hex"))
        self.text = _exact(self.json.op("#>>")(sa.cast(literal("{}"), sa.ARRAY(sa.Text()))))

    @property
    def short(self) -> sa.ColumnElement[Any]:
        """The expression of an index: all numbers, and other values if they are short."""
        is_short = sa.func.length(_text(self.json)) <= sa.literal_column(str(_LONGEST))
        is_number = self.type == literal("number")
        is_integer = self.tagged.tag == literal("int")
        larger = sa.cast(literal(_LONG_INTEGER), _JsonOfText())
        return sa.case((sa.or_(is_number, is_short), self.json), (is_integer, larger))

    def exists(self) -> sa.ColumnElement[bool]:
        return self.json.is_not(None)

    def equals(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        texts = [text_of(each) for each in values if not isinstance(each, (list, dict))]
        short = [_json(text) for text in texts if len(text) <= _LONGEST]
        long = [_json(text) for text in texts if len(text) > _LONGEST]
        conditions: list[sa.ColumnElement[bool]] = [self.short.in_(short)] if short else []
        conditions += [self.json.in_(long)] if long else []
        conditions += [_is_container(self.json, each) for each in values if isinstance(each, (list, dict))]
        return sa.or_(sa.false(), *conditions)

    def is_one_of(self, texts: Sequence[sa.ColumnElement[str]], *, are_bare: bool) -> sa.ColumnElement[bool]:
        return self.short.in_(list(map(_json, texts)))

    def within(self, bounds: Sequence[Bound]) -> list[sa.ColumnElement[bool]]:
        tagged = sa.and_(self.short > _json("true"), *map(self._tagged_within, bounds))
        return [sa.and_(*map(self._plain_within, bounds)), tagged]

    def _plain_within(self, bound: Bound) -> sa.ColumnElement[bool]:
        end = bound.applied(self.short, _json(_decimal(bound.number)))
        # Booleans come next after numbers. Texts come before, and there is no last text to compare with.
        return end & (self.short < _json("false")) if bound.is_lower else end & (self.type == "number")

    def _tagged_within(self, bound: Bound) -> sa.ColumnElement[bool]:
        real = bound.real
        if isinstance(real, bool):
            return self.tagged.within(bound, sa.true() if real else sa.false())
        end = sa.cast(sa.literal(repr(real), sa.Text()), sa.Numeric())
        return self.tagged.within(bound, bound.applied(_number(self.tagged.value), end))

    def _member(self, key: str) -> sa.ColumnElement[str]:
        return _exact(self.json.op("->>")(literal(key)))

    def text_within(self, operator: str, text: str) -> sa.ColumnElement[bool]:
        return (self.type == "string") & self.text.bool_op(operator)(text)

    def like(self, pattern: str) -> sa.ColumnElement[bool]:
        return (self.type == "string") & self.text.like(pattern, escape="\\")

    def has_text(self, text: str) -> sa.ColumnElement[bool]:
        return (self.type == "string") & (sa.func.strpos(self.text, text) > 0)

    def has_item(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        items = sa.case((self.type == "array", self.json), else_=_json("[]"))
        rows = (
            sa.func.jsonb_array_elements(items)
            .table_valued(sa.column("item", _JsonOfText()), name="items")
            .render_derived()
        )
        item = rows.c.item
        found = [_is_container(item, v) if isinstance(v, (list, dict)) else item == _json(text_of(v)) for v in values]
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows)
        return sa.exists(query.where(sa.or_(sa.false(), *found)).correlate_except(rows))

    def order(self) -> list[sa.ColumnElement[Any]]:
        # The type of a boolean does not say which it is.
        name = sa.case((self.type == "boolean", _text(self.json)), else_=self.type)
        rank = rank_of(self.tagged, name, ["null", "false", "true", "number", "string", "array", "object"])
        plain: sa.ColumnElement[Any] = sa.cast(sa.case((self.type == "number", self.text)), sa.Double())
        number = sa.case((self.tagged.is_number, self.tagged.double(_double)), else_=sa.func.coalesce(plain, 0.0))
        return [rank, number, sa.func.coalesce(sa.case((self.type == "string", self.text)), _exact(sa.literal("")))]


def _number(text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """Return a text of digits as a number; NULL for any other text, whose cast would be an error."""
    is_modest = text.bool_op("~")(_DIGITS) & (sa.func.length(text) <= 400)
    return sa.case((is_modest, sa.cast(text, sa.Numeric())))


def _double(text: sa.ColumnElement[str]) -> sa.ColumnElement[float]:
    """Return the same as a double."""
    largest = sa.cast(sa.literal(repr(LARGEST), sa.Text()), sa.Numeric())
    return sa.cast(sa.func.greatest(sa.func.least(_number(text), largest), -largest), sa.Double())


def _is_container(json: sa.ColumnElement[Any], container: JSON) -> sa.ColumnElement[bool]:
    """Return whether *json* is *container*, also by text, as 1.0 equals 1 in JSONB."""
    wanted = _json(text_of(container))
    return (json == wanted) & (_text(json) == _text(wanted))


def _at(body: sa.ColumnElement[Any], tokens: Sequence[str]) -> sa.ColumnElement[Any]:
    found: sa.ColumnElement[Any] = body
    pending: list[str] = []
    for token in tokens:
        if INDEX.fullmatch(token) or not _READ_AS_NUMBER.match(token):
            pending.append(token)
        else:
            found, pending = _path(found, pending).op("->")(literal(token)), []
    return sa.type_coerce(_path(found, pending), _JsonOfText())


def _path(json: sa.ColumnElement[Any], tokens: Sequence[str]) -> sa.ColumnElement[Any]:
    if not tokens:
        return json
    quoted = ",".join('"' + token.replace("\\", "\\\\").replace('"', '\\"') + '"' for token in tokens)
    return json.op("#>")(sa.cast(literal("{" + quoted + "}"), sa.ARRAY(sa.Text())))


def _decimal(number: int | float) -> str:
    """Return JSON that compares with every stored number as *number* does."""
    if not -_NONE_BEYOND < number < _NONE_BEYOND:
        return str(_NONE_BEYOND if number > 0 else -_NONE_BEYOND)
    return str(int(number)) if int(number) == number else repr(number)


class PostgreSQL(Places):
    """PostgreSQL 12 or later."""

    def spot(self, row: sa.FromClause, tokens: Sequence[str], index: str | None = None) -> Spot:
        return _Spot(row.c.body, tokens)

    def create_index(
        self, connection: Connection, table: sa.Table, name: str, tokens: Sequence[str], *, of_parts: bool
    ) -> None:
        which = table.c.path != literal("") if of_parts else table.c.path == literal("")
        # CREATE INDEX needs parentheses around an expression that is not a call.
        short = Grouping(_Spot(table.c.body, tokens).short)
        index = sa.Index(name, table.c.kind, short, postgresql_where=which, _table=table)
        connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))
        # Without statistics, the planner assumes that each value is in many rows, and does not use the index.
        connection.exec_driver_sql(f"ANALYZE {connection.dialect.identifier_preparer.format_table(table)}")

    def drop_index(self, connection: Connection, table: sa.Table, name: str) -> None:
        connection.execute(sa.schema.DropIndex(sa.Index(name, table.c.kind), if_exists=True))
