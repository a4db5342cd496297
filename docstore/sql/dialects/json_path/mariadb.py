"""Places in JSON text, in MariaDB's SQL.

Its JSON functions read no more than 31 levels: nothing is found in a head or part that nests deeper. Its paths treat a
value that is not a list as a list of itself, so lists are checked first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles

from docstore.documents.canonical import JSON, TAG
from docstore.sql.dialects.json_path.base import (
    HUGE,
    INDEX,
    SHORT,
    Places,
    Spot,
    Tagged,
    constant,
    literal,
    rank_of,
    text_of,
)
from docstore.sql.dialects.json_path.bounds import Bound
from docstore.sql.dialects.patterns import pieces_of
from docstore.sql.dialects.types import ExactText

_PREFIX: Final = SHORT
"""Characters of JSON that an index takes; an index of 3,072 bytes holds four times as many."""

_NUMBERS: Final = ("INTEGER", "DOUBLE")
_WHOLE: Final = "^-?[0-9]+$"
_DIGITS: Final = "^-?[0-9]{1,300}([.][0-9]{1,20})?(e[+][0-2]?[0-9]{1,2})?$"
"""The text of a finite float beyond 1e16, or of a larger integer; casting any other would be an error in a save."""


class _Spot(Spot):
    def __init__(
        self, body: sa.ColumnElement[Any], tokens: Sequence[str], index: tuple[sa.ColumnElement[Any], ...] = ()
    ) -> None:
        find = _finder(body, tokens)
        self.extracted = find("JSON_EXTRACT")
        self.type: sa.ColumnElement[str] = sa.func.json_type(self.extracted, type_=sa.String())
        self.container = find("JSON_QUERY")
        self.json: sa.ColumnElement[str] = sa.func.coalesce(self.container, self.extracted, type_=sa.Text())
        self.text = find("JSON_VALUE")
        members = (_call("JSON_VALUE", self.container, f'$."{key}"') for key in (TAG, "value", "hex"))
        self.tagged = Tagged(*members)
        self.index = index
        self.is_readable: sa.ColumnElement[bool] = sa.func.json_valid(body, type_=sa.Boolean())

    def exists(self) -> sa.ColumnElement[bool]:
        return self.json.is_not(None) & self.is_readable

    def equals(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        texts = [text_of(each) for each in values]
        return self._has_prefix(texts) & self.json.in_(texts) & self.is_readable

    def is_one_of(self, texts: Sequence[sa.ColumnElement[str]], *, are_bare: bool) -> sa.ColumnElement[bool]:
        has_prefix = self.index[0].in_(texts) if self.index else sa.true()
        return has_prefix & self.json.in_(texts) & self.is_readable

    def _has_prefix(self, texts: Sequence[str]) -> sa.ColumnElement[bool]:
        """Return the same for the index's column, which has a prefix of the text."""
        return self.index[0].in_(sorted({text[:_PREFIX] for text in texts})) if self.index else sa.true()

    def within(self, bounds: Sequence[Bound]) -> list[sa.ColumnElement[bool]]:
        return [sa.and_(*map(self._within, bounds))]

    def _within(self, bound: Bound) -> sa.ColumnElement[bool]:
        whole = bound.whole
        as_integer = sa.cast(sa.case((self.text.regexp_match(_WHOLE), self.text)), sa.BigInteger())
        integer = constant(whole) if isinstance(whole, bool) else bound.applied(as_integer, sa.literal(whole))
        exact = sa.case((self.text.regexp_match(_WHOLE), integer), else_=_real_within(bound, self.text))
        plain = self.type.in_(_NUMBERS) & exact
        tagged = (self.type == "OBJECT") & self.tagged.within(bound, _real_within(bound, self.tagged.value))
        return self._roughly(bound) & sa.or_(plain, tagged) & self.is_readable

    def _roughly(self, bound: Bound) -> sa.ColumnElement[bool]:
        """Return a wider range for the index's column, which is a double and not exact."""
        if not self.index:
            return sa.true()
        number = self.index[1]
        if isinstance(bound.real, bool) or abs(bound.real) > HUGE:
            return number.is_not(None)
        low, high, _ = bound.near(1)
        return number >= low if bound.is_lower else number <= high

    @property
    def number(self) -> sa.ColumnElement[float]:
        """The number as a double; NULL for other values."""
        plain = (self.type.in_(_NUMBERS), _double(self.text))
        return sa.case(plain, (self.tagged.is_number, self.tagged.double(_guarded)))

    @property
    def _is_text(self) -> sa.ColumnElement[bool]:
        return (self.type == "STRING") & self.is_readable

    def text_within(self, operator: str, text: str) -> sa.ColumnElement[bool]:
        return self._is_text & self.text.bool_op(operator)(text)

    def like(self, pattern: str) -> sa.ColumnElement[bool]:
        # A backslash would have to be escaped or not, by sql_mode.
        pieces = pieces_of(pattern)
        marked = "".join(f"|{piece}" if piece in "%_|" and not special else piece for piece, special in pieces)
        return self._is_text & self.text.like(marked, escape="|")

    def has_text(self, text: str) -> sa.ColumnElement[bool]:
        return self._is_text & (sa.func.locate(text, self.text) > 0)

    def has_item(self, values: Sequence[JSON]) -> sa.ColumnElement[bool]:
        items = sa.case((self.type == "ARRAY", self.container))
        item = _Items(items)
        texts = [text_of(each) for each in values]
        found = sa.literal_column("items.item", sa.Text()).in_(texts)
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(item).where(found, self.is_readable)
        return sa.exists(query.correlate_except(item))

    def order(self) -> list[sa.ColumnElement[Any]]:
        name = sa.case((self.type == "BOOLEAN", self.extracted), else_=self.type)
        rank = rank_of(self.tagged, name, ["NULL", "false", "true", _NUMBERS, "STRING", "ARRAY", "OBJECT"])
        text = sa.case((self.type == "STRING", self.text), else_="")
        return [rank, sa.func.coalesce(self.number, 0.0), text]


class _Items(sa.sql.expression.FromClause):
    """The items of a JSON list as rows of a table ``items``, which SQLAlchemy cannot express."""

    inherit_cache = True
    named_with_column = True
    _traverse_internals = [("json", sa.sql.visitors.InternalTraversal.dp_clauseelement)]  # noqa: RUF012  # SQLAlchemy's own form

    def __init__(self, json: sa.ColumnElement[Any]) -> None:
        self.json = json
        self.name = "items"


@compiles(_Items)
def _items(element: _Items, compiler: Any, **options: Any) -> str:
    options.pop("asfrom", None)
    return f"json_table({compiler.process(element.json, **options)}, '$[*]' COLUMNS (item JSON PATH '$')) items"


def _finder(body: sa.ColumnElement[Any], tokens: Sequence[str]) -> Callable[[str], sa.ColumnElement[Any]]:
    """Return a function that returns the SQL of a JSON function at *tokens*, each a key or an index."""
    container, path = body, "$"
    for token in tokens[:-1]:
        if INDEX.fullmatch(token):
            container, path = _either(container, path, token, "JSON_QUERY"), "$"
        elif token.startswith("-"):
            container, path = _call("JSON_QUERY", container, path + _key(token)), "$"
        else:
            path += _key(token)

    def find(function: str) -> sa.ColumnElement[Any]:
        if tokens and tokens[-1].startswith("-") and function == "JSON_EXTRACT":
            return _Member(
                container if path == "$" else _call("JSON_QUERY", container, path), literal(text_of(tokens[-1]))
            )
        if tokens and INDEX.fullmatch(tokens[-1]):
            return _either(container, path, tokens[-1], function)
        return _call(function, container, path + _key(tokens[-1]) if tokens else path)

    return find


def _either(json: sa.ColumnElement[Any], path: str, index: str, function: str) -> sa.ColumnElement[Any]:
    owner = json if path == "$" else _call("JSON_QUERY", json, path)
    item = sa.case((sa.func.substr(owner, 1, 1) == "[", _call(function, owner, f"$[{index}]")))
    return sa.func.coalesce(_call(function, json, path + _key(index)), item, type_=sa.Text())


def _key(token: str) -> str:
    # As in the text of a document. A path with a leading hyphen is refused, in quotes or not; escaped like this,
    # JSON_QUERY and JSON_VALUE take it, and JSON_EXTRACT does not.
    return "." + (f'"\\u002d{text_of(token)[2:]}' if token.startswith("-") else text_of(token))


class _Member(sa.sql.expression.ColumnElement[str]):
    """The member of a JSON object under a key that no path can express: the value at the position of the key."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012  # SQLAlchemy's own form
        ("json", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("member", sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, json: sa.ColumnElement[Any], member: sa.ColumnElement[str]) -> None:
        self.json, self.member, self.type = json, member, sa.Text()


@compiles(_Member)
def _member(element: _Member, compiler: Any, **options: Any) -> str:
    json, key = (compiler.process(each, **options) for each in (element.json, element.member))
    return (
        f"(SELECT member_values.item COLLATE utf8mb4_nopad_bin FROM "
        f"json_table({json}, '$.*' COLUMNS (nth FOR ORDINALITY, item JSON PATH '$')) member_values JOIN "
        f"json_table(json_keys({json}), '$[*]' COLUMNS (nth FOR ORDINALITY, item JSON PATH '$')) member_keys "
        f"ON member_values.nth = member_keys.nth WHERE member_keys.item = {key})"
    )


def _call(function: str, json: sa.ColumnElement[Any], path: str) -> sa.ColumnElement[Any]:
    return getattr(sa.func, function.lower())(json, literal(path), type_=sa.Text())  # type: ignore[no-any-return]  # SQLAlchemy's


def _real_within(bound: Bound, text: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    real = bound.real
    return constant(real) if isinstance(real, bool) else bound.applied(_double(text), sa.literal(real))


def _double(text: sa.ColumnElement[str]) -> sa.ColumnElement[float]:
    return sa.cast(text, sa.Double())


def _guarded(text: sa.ColumnElement[str]) -> sa.ColumnElement[float]:
    return _double(sa.case((text.regexp_match(_DIGITS), text)))


class MariaDB(Places):
    """MariaDB 10.6 or later. An index has two columns of its own, which the database computes from a body."""

    reads_indexes: ClassVar[bool] = True
    indexes_have_columns: ClassVar[bool] = True

    def spot(self, row: sa.FromClause, tokens: Sequence[str], index: str | None = None) -> Spot:
        # These columns come and go with the index, and so are not declared in the table.
        columns: list[sa.ColumnElement[Any]] = (
            [sa.column(name, _selectable=row) for name in _columns(index)] if index else []
        )
        return _Spot(row.c.body, tokens, tuple(columns))

    def create_index(
        self, connection: Connection, table: sa.Table, name: str, tokens: Sequence[str], *, of_parts: bool
    ) -> None:
        body: sa.ColumnElement[Any] = sa.column("body", sa.Text())
        # A body that the functions cannot read would be an error in a save; NULL is not.
        readable = sa.case((sa.func.json_valid(body, type_=sa.Boolean()), body))
        spot, (json, number) = _Spot(readable, tokens), _columns(name)
        prefix: sa.ColumnElement[Any] = sa.func.left(spot.json, _PREFIX)
        added = [
            _added(connection, json, ExactText(_PREFIX), prefix),
            _added(connection, number, sa.Double(), spot.number),
        ]
        # One statement is one transaction: a failure leaves nothing behind.
        connection.exec_driver_sql(f"ALTER TABLE {_quoted(connection, table)} {', '.join(added)}")

    def drop_index(self, connection: Connection, table: sa.Table, name: str) -> None:
        dropped = [f"DROP INDEX IF EXISTS {each}, DROP COLUMN IF EXISTS {each}" for each in _columns(name)]
        connection.exec_driver_sql(f"ALTER TABLE {_quoted(connection, table)} {', '.join(dropped)}")


def _added(connection: Connection, name: str, type_: Any, computed: sa.ColumnElement[Any]) -> str:
    """Return the clauses of ALTER TABLE for a column that is *computed*, and an index on it."""
    sql = computed.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    column = f"{name} {type_.compile(dialect=connection.dialect)} GENERATED ALWAYS AS ({sql}) VIRTUAL"
    return f"ADD COLUMN IF NOT EXISTS {column}, ADD INDEX IF NOT EXISTS {name} (kind, {name})"


def _quoted(connection: Connection, table: sa.Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


def _columns(index: str) -> tuple[str, str]:
    """Return the names of an index's columns: for a prefix of the JSON, and for the number."""
    return f"{index}_json", f"{index}_number"
