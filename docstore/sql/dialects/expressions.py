"""SQL that SQLAlchemy cannot express: joins in a fixed order, case-sensitive patterns, columns without their index.

Also ``pasteable``: a SELECT with its values in it, for the database's own shell.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op
from sqlalchemy.sql.selectable import Join

from docstore.documents.canonical import is_plain
from docstore.sql.dialects.patterns import glob_of
from docstore.sql.dialects.transactions import translated

# --- joins -----------------------------------------------------------------------------------------------------------


class OrderedJoin(Join):
    """``left JOIN right ON ...``, where each row of *left* is looked up in *right* by the ON clause.

    Without statistics (SQLite; PostgreSQL before its first ANALYZE), a planner may read all of one table once for each
    row of the other. MariaDB always has statistics: it gets a plain join.
    """

    inherit_cache = True


@compiles(OrderedJoin)
def _join(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    return cast(str, cast(Any, compiler).visit_join(join, **options))


@compiles(OrderedJoin, "sqlite")
def _join_sqlite(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    left, right, condition = _compiled(join, compiler, options)
    return f"{left} CROSS JOIN {right} ON {condition}"  # SQLite's syntax for a fixed order


@compiles(OrderedJoin, "postgresql")
def _join_postgresql(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    left, right, condition = _compiled(join, compiler, options)
    name = compiler.preparer.format_alias(cast(Any, join.right))
    # OFFSET is an optimization fence: no other condition on the right table can make the planner read it first.
    return f"{left} JOIN LATERAL (SELECT * FROM {right} WHERE {condition} OFFSET 0) AS {name} ON true"


def _compiled(join: OrderedJoin, compiler: SQLCompiler, options: dict[str, Any]) -> tuple[str, str, str]:
    """Return the SQL of the left table, the right table and the ON clause."""
    rest = {key: value for key, value in options.items() if key not in ("asfrom", "from_linter")}
    left, right = (each._compiler_dispatch(compiler, asfrom=True, **rest) for each in (join.left, join.right))
    return left, right, cast(Any, join.onclause)._compiler_dispatch(compiler, **rest)


# --- columns ---------------------------------------------------------------------------------------------------------


def like(dialect: str, column: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that *column* matches *pattern*: ``%`` is any text, ``_`` any character, ``\\`` escapes.

    Upper and lower case differ.

    Args:
        dialect: the name of SQLAlchemy's dialect. SQLite's LIKE ignores case, so GLOB is used there.
    """
    if not is_plain(pattern):
        return sa.false()
    if dialect != "sqlite":
        return column.like(pattern, escape="\\")
    return column.op("GLOB", is_comparison=True, return_type=sa.Boolean())(glob_of(pattern))


def unindexed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return ``+column``: the same value, for which SQLite uses no index on *column*."""
    return sa.type_coerce(UnaryExpression(column, operator=custom_op("+"), type_=column.type), column.type)


# --- statements as text ----------------------------------------------------------------------------------------------


def pasteable(engine: Engine, statement: sa.Select[Any]) -> str:
    """Return *statement* with its values as literals, to be pasted into the shell of the database of *engine*.

    docstore itself executes no such text.
    """
    schemas = engine.get_execution_options().get("schema_translate_map")
    options: dict[str, Any] = {"compile_kwargs": {"literal_binds": True}}
    if schemas:
        options |= {"schema_translate_map": schemas, "render_schema_translate": True}
    return str(statement.compile(dialect=_without_driver(engine), **options))


def _without_driver(engine: Engine) -> Dialect:
    """Return the dialect of *engine* without what its driver needs: one that binds by ``%s`` has each % doubled."""
    with translated(engine), engine.connect():
        pass  # the first connection asks the server whether a backslash escapes in a literal
    made = copy.copy(engine.dialect)
    made.__dict__.pop("_type_memos", None)  # how values become literals, as the driver's dialect knows it
    made.paramstyle, made.positional = "named", False
    made.identifier_preparer = made.preparer(made)
    return made
