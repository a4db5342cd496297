"""Column types that differ between databases: JSON as canonical text, exact texts, checked integers, times in UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from docstore.documents.canonical import dumps, loads
from docstore.errors import CodecError, InvalidValueError, UnreadableError, short_repr

# --- JSON ------------------------------------------------------------------------------------------------------------


class JsonText(UserDefinedType[str]):
    """A JSON column that takes and returns canonical text: no driver parses or serializes it.

    Args:
        required: as in ``ExactText``.
    """

    cache_ok = True

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the column as text, where the database would give a parsed value."""
        return sa.type_coerce(AsText(colexpr), _Canonical if self.required else _CanonicalOrNone)


class _CanonicalUnchecked(UserDefinedType[str]):
    """The result type of a JSON column; text from JSONB is made canonical again.

    No ``sa.Text``, in whose place SQLAlchemy puts a type of its own for psycopg 3, with another result processor.
    """

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _canonical if dialect.name == "postgresql" else None


class _CanonicalOrNone(_CanonicalUnchecked):
    cache_ok = True
    required = False

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        process = super().result_processor(dialect, coltype)
        return process or checking(dialect, str, required=self.required)


class _Canonical(_CanonicalOrNone):
    cache_ok = True
    required = True


def _canonical(text: str | None) -> str | None:
    try:
        return text and dumps(loads(text)).decode()
    except CodecError:
        return text  # not written by docstore: the reader reports the damage, with its place


class AsText(sa.sql.expression.ColumnElement[str]):
    """The text of a JSON column."""

    inherit_cache = True
    _traverse_internals = [("column", sa.sql.visitors.InternalTraversal.dp_clauseelement)]  # noqa: RUF012  # SQLAlchemy's own form

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.column = column
        self.type = sa.Text()


@compiles(AsText)
def _as_text(element: AsText, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.column, **options))


@compiles(AsText, "postgresql")
def _as_text_postgresql(element: AsText, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.column, **options)} AS TEXT)"


@compiles(JsonText)
def _json_text(type_: JsonText, compiler: Any, **options: Any) -> str:
    # Not JSON: in SQLite such a column has numeric affinity, which makes the document 1.50 a 1.5.
    return "TEXT"


@compiles(JsonText, "postgresql")
def _json_text_postgresql(type_: JsonText, compiler: Any, **options: Any) -> str:
    return "JSONB"


_EXACT: Final = " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
"""The collation that compares code points; ``utf8mb4_bin`` would ignore trailing blanks."""


@compiles(JsonText, "mysql", "mariadb")
def _json_text_mysql(type_: JsonText, compiler: Any, **options: Any) -> str:
    # Not JSON either: MariaDB would refuse documents deeper than 31 levels.
    return f"LONGTEXT{_EXACT}"


# --- texts -----------------------------------------------------------------------------------------------------------


class ExactText(sa.String):
    """A text that equals only itself and sorts by code points: case, accents and trailing blanks count.

    Args:
        required: the column is never NULL, not even by an outer join. (Positional here and below, as SQLAlchemy's
            statement cache ignores keyword-only arguments.)
    """

    def __init__(self, length: int, required: bool = False) -> None:
        super().__init__(length)
        self.required = required

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return checking(dialect, str, required=self.required)


class LongText(sa.Text):
    """An exact text of any length."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return checking(dialect, str, required=True)


@compiles(ExactText, "postgresql")
def _exact_text_postgresql(type_: ExactText, compiler: Any, **options: Any) -> str:
    return f'VARCHAR({type_.length}) COLLATE "C"'


@compiles(ExactText, "mysql", "mariadb")
def _exact_text_mysql(type_: ExactText, compiler: Any, **options: Any) -> str:
    return f"VARCHAR({type_.length}){_EXACT}"


@compiles(LongText, "mysql", "mariadb")
def _long_text_mysql(type_: LongText, compiler: Any, **options: Any) -> str:
    return f"LONGTEXT{_EXACT}"


# --- values checked, as SQLite stores any value in any column --------------------------------------------------------


class Whole(sa.Integer):
    """An integer; *required* as in ``ExactText``."""

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return checking(dialect, int, required=self.required)


def checking(dialect: Dialect, cls: type, *, required: bool) -> Callable[[Any], Any] | None:
    """Return a result processor that refuses values not of *cls* on SQLite, where another program may write any value.

    Raises:
        UnreadableError: by the processor.
    """
    if dialect.name != "sqlite":
        return None

    def check(value: Any) -> Any:
        if type(value) is not cls and (required or value is not None):
            raise _foreign(value, cls)
        return value

    return check


def unchecked(column: sa.Column[str]) -> sa.ColumnElement[str]:
    """Return *column*, whose values are texts, for a SELECT of many rows that ``text_rows`` reads and checks."""
    if isinstance(column.type, JsonText):
        return sa.type_coerce(AsText(column), _CanonicalUnchecked())
    return sa.type_coerce(column, sa.String())


def text_rows(found: sa.CursorResult[*tuple[Any, ...]]) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """Return all rows of a SELECT of ``unchecked`` columns: a call for each value takes longer than to read it.

    Raises:
        UnreadableError: a value is no text.
    """
    rows = found.all()
    if not {*map(type, chain.from_iterable(rows))} <= {str}:
        raise _foreign(next(value for row in rows for value in row if type(value) is not str), str)
    return rows


def _foreign(value: object, cls: type) -> UnreadableError:
    problem = f"the database has {short_repr(value)} where docstore writes {cls.__name__}"
    return UnreadableError(f"{problem}: another program wrote it. verify() says where.")


# --- times -----------------------------------------------------------------------------------------------------------


def checked_moment(argument: str, moment: object) -> datetime:
    """Validate a time with a zone and return it in UTC.

    Raises:
        InvalidValueError: it is not a datetime, has no zone, or is outside the years 1 to 9999 in UTC; names the
            *argument*.
    """
    example = "datetime(2026, 1, 31, tzinfo=UTC)"
    if not isinstance(moment, datetime):
        raise InvalidValueError(argument, moment, f"Give a time with a zone, as {example}.")
    if moment.tzinfo is None:
        raise InvalidValueError(argument, moment, f"Give it a time zone, as in {example}.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValueError(argument, moment, "Give a time in the years 1 to 9999 in UTC.") from error


@contextmanager
def reading_times() -> Iterator[None]:
    """Raise UnreadableError for a time that Python cannot represent.

    psycopg2 raises ValueError, and psycopg 3 a DataError of its own, without a code of the server's.
    """
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"a time in the database is invalid: {error}. verify() says where.") from error
    except sa.exc.DataError as error:
        if not str(error.orig).startswith("timestamp too"):
            raise
        raise UnreadableError(f"a time in the database is invalid: {error.orig}. verify() says where.") from error


class UtcTime(TypeDecorator[datetime]):
    """A time, to the microsecond: with a zone in Python, UTC in the database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def __init__(self, required: bool = False) -> None:
        """Args: required as in ``ExactText``."""
        super().__init__()
        self.required = required

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column's type; MariaDB's keeps whole seconds by default."""
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects.mysql import DATETIME

            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(self.impl_instance)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        process = super().result_processor(dialect, coltype)

        def read(value: Any) -> datetime | None:
            if value is None and self.required:
                raise UnreadableError("a time is missing in the database. verify() says where.")
            try:
                return process(value) if process is not None else value
            except (TypeError, ValueError, AttributeError) as error:
                # SQLite stores a time as text, and any text with it; MariaDB's driver returns an invalid one as text.
                problem = f"the time {short_repr(value)} in the database is invalid"
                raise UnreadableError(f"{problem}. verify() says where.") from error

        return read

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
