"""A join with a fixed order: the left table is read first, the right one is looked up by the ON clause."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Join


class OrderedJoin(Join):
    """``left JOIN right ON ...``, where each row of *left* is looked up in *right* by the ON clause.

    Without statistics (SQLite; PostgreSQL before its first ANALYZE), a planner may read all of one table once for each
    row of the other. MariaDB and MySQL always have statistics: they get a plain join.
    """

    inherit_cache = True


@compiles(OrderedJoin)
def _plain(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    return cast(str, cast(Any, compiler).visit_join(join, **options))


@compiles(OrderedJoin, "sqlite")
def _of_sqlite(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    left, right, condition = _compiled(join, compiler, options)
    return f"{left} CROSS JOIN {right} ON {condition}"  # SQLite's syntax for a fixed order


@compiles(OrderedJoin, "postgresql")
def _of_postgresql(join: OrderedJoin, compiler: SQLCompiler, **options: Any) -> str:
    left, right, condition = _compiled(join, compiler, options)
    name = compiler.preparer.format_alias(cast(Any, join.right))
    # OFFSET is an optimization fence: no other condition on the right table can make the planner read it first.
    return f"{left} JOIN LATERAL (SELECT * FROM {right} WHERE {condition} OFFSET 0) AS {name} ON true"


def _compiled(join: OrderedJoin, compiler: SQLCompiler, options: dict[str, Any]) -> tuple[str, str, str]:
    rest = {key: value for key, value in options.items() if key not in ("asfrom", "from_linter")}
    left, right = (each._compiler_dispatch(compiler, asfrom=True, **rest) for each in (join.left, join.right))
    return left, right, cast(Any, join.onclause)._compiler_dispatch(compiler, **rest)
