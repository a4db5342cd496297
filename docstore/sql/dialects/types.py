"""The column types whose form differs between databases: JSON as canonical text, exact texts, moments in UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from docstore.documents.canonical import dumps, loads
from docstore.errors import CodecError, InvalidValueError, UnreadableError, short_repr

# --- JSON ------------------------------------------------------------------------------------------------------------


class JsonText(UserDefinedType[str]):
    """A JSON column that takes and gives the canonical text itself: no driver parses it or writes it again.

    Args:
        required: as in ``ExactText``.
    """

    cache_ok = True

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def column_expression(self, colexpr: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the column as text, where the database would give a parsed value."""
        return sa.type_coerce(_AsText(colexpr), _Canonical if self.required else _CanonicalOrNone)


class _CanonicalOrNone(sa.Text):
    """What is read of a JSON column. JSONB gives the same value in a spelling of its own, which is made ours again."""

    required = False

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _canonical if dialect.name == "postgresql" else checking(dialect, str, required=self.required)


class _Canonical(_CanonicalOrNone):
    required = True


def _canonical(text: str | None) -> str | None:
    try:
        return text and dumps(loads(text)).decode()
    except CodecError:
        return text  # not ours: who reads it tells the damage, with its place


class _AsText(sa.sql.expression.ColumnElement[str]):
    """The text of a JSON column."""

    inherit_cache = True
    _traverse_internals = [("column", sa.sql.visitors.InternalTraversal.dp_clauseelement)]  # noqa: RUF012  # SQLAlchemy's own form

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.column = column
        self.type = sa.Text()


@compiles(_AsText)
def _as_text(element: _AsText, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.column, **options))


@compiles(_AsText, "postgresql")
def _as_text_postgresql(element: _AsText, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.column, **options)} AS TEXT)"


@compiles(JsonText)
def _json_text(type_: JsonText, compiler: Any, **options: Any) -> str:
    # Not JSON: a column declared so has numeric affinity in SQLite, which makes the document 1.50 a 1.5.
    return "TEXT"


@compiles(JsonText, "postgresql")
def _json_text_postgresql(type_: JsonText, compiler: Any, **options: Any) -> str:
    return str(compiler.process(postgresql.JSONB(), **options))


@compiles(JsonText, "mysql", "mariadb")
def _json_text_mysql(type_: JsonText, compiler: Any, **options: Any) -> str:
    # Not JSON either: MariaDB then checks that no document nests deeper than 31 levels, and MySQL writes numbers anew.
    return f"LONGTEXT{_exact(compiler)}"


# --- texts -----------------------------------------------------------------------------------------------------------


class ExactText(sa.String):
    """A text that equals only itself and sorts by code points: case, accents and blanks at its end count.

    Args:
        required: it is never NULL, nor joined where there may be none. (Here and below it has a position: of arguments
            that have only a name, SQLAlchemy's cache of statements takes no notice.)
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
    return f"VARCHAR({type_.length}){_exact(compiler)}"


@compiles(LongText, "mysql", "mariadb")
def _long_text_mysql(type_: LongText, compiler: Any, **options: Any) -> str:
    return f"LONGTEXT{_exact(compiler)}"


def _exact(compiler: Any) -> str:
    """Return the collation that compares code points; ``utf8mb4_bin`` would take no notice of blanks at the end."""
    collation = "utf8mb4_nopad_bin" if compiler.dialect.is_mariadb else "utf8mb4_0900_bin"
    return f" CHARACTER SET utf8mb4 COLLATE {collation}"


# --- what SQLite keeps in a column, whatever its type ----------------------------------------------------------------


class Whole(sa.Integer):
    """An integer; *required* as in ``ExactText``."""

    def __init__(self, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return checking(dialect, int, required=self.required)


def checking(dialect: Dialect, cls: type, *, required: bool) -> Callable[[Any], Any] | None:
    """Return what refuses a value that is not of *cls*: SQLite takes any into any column, and its file may be anyone's.

    Raises:
        UnreadableError: from what is returned.
    """
    if dialect.name != "sqlite":
        return None

    def check(value: Any) -> Any:
        if type(value) is not cls and (required or value is not None):
            problem = f"{short_repr(value)} stands in the database where {cls.__name__} does"
            raise UnreadableError(f"{problem}: something else wrote it. verify() says where.")
        return value

    return check


# --- times -----------------------------------------------------------------------------------------------------------


def checked_moment(argument: str, moment: object) -> datetime:
    """Return *moment* in UTC.

    Raises:
        InvalidValueError: it is no time, has no zone, or is none of the years 1 to 9999 in UTC; names the *argument*.
    """
    example = "datetime(2026, 1, 31, tzinfo=UTC)"
    if not isinstance(moment, datetime):
        raise InvalidValueError(argument, moment, f"Give a time with a zone, as {example}.")
    if moment.tzinfo is None:
        raise InvalidValueError(argument, moment, f"Give it a time zone, as in {example}.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValueError(argument, moment, "Give one of the years 1 to 9999 in UTC.") from error


@contextmanager
def reading_times() -> Iterator[None]:
    """Tell of a time in the database that Python has not: PostgreSQL's driver does so with a ValueError."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"a time in the database is none: {error}. verify() says where.") from error


class UtcTime(TypeDecorator[datetime]):
    """A moment, to the microsecond: aware in Python, UTC in the database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def __init__(self, required: bool = False) -> None:
        """Args: required as in ``ExactText``."""
        super().__init__()
        self.required = required

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column's type; MySQL's keeps whole seconds unless told otherwise."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
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
                # SQLite keeps a time as text, and takes any text for one; MySQL's driver gives such a one as text.
                raise UnreadableError(
                    f"the time {short_repr(value)} in the database is none. verify() says where."
                ) from error

        return read

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
