"""The SQL of one member of a JSON column, read without the rest of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from docstore.sql.dialects.types import JsonText


class JsonMember(sa.sql.expression.ColumnElement[str]):
    """The JSON of the member at *keys* of a JSON column, as text; NULL or ``null`` if there is none.

    Args:
        keys: letters and underscores only: they are written into the statement.
    """

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012  # SQLAlchemy's own form
        ("column", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("keys_of", sa.sql.visitors.InternalTraversal.dp_plain_obj),
    ]

    def __init__(self, column: sa.ColumnElement[Any], keys: Sequence[str]) -> None:
        self.column, self.keys_of, self.type = column, tuple(keys), JsonText()


@compiles(JsonMember)
def _member(element: JsonMember, compiler: Any, **options: Any) -> str:
    # Only the column is compiled: its type would turn it into text.
    return f"JSON_EXTRACT({compiler.process(element.column, **options)}, '$.{'.'.join(element.keys_of)}')"


@compiles(JsonMember, "postgresql")
def _member_postgresql(element: JsonMember, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.column, **options)} #> '{{{','.join(element.keys_of)}}}')"
