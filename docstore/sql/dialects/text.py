"""Text columns compared with patterns, upper and lower case apart, in each database's SQL; or with no index on them."""

from __future__ import annotations

import re
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from docstore.documents.canonical import is_plain

_PIECE: Final = re.compile(r"\\(.)|(.)", re.DOTALL)

_GLOB: Final = {"%": "*", "_": "?"}


def like(dialect: str, column: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that *column* is as *pattern*: ``%`` is any text, ``_`` any character, a backslash escapes.

    Args:
        dialect: SQLAlchemy's name of it. SQLite's LIKE takes no notice of case, so there it is GLOB.
    """
    if not is_plain(pattern):
        return sa.false()
    if dialect != "sqlite":
        return column.like(pattern, escape="\\")
    return column.op("GLOB", is_comparison=True, return_type=sa.Boolean())(_glob(pattern))


def unindexed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the same value on SQLite, where no index on *column* serves it."""
    return sa.type_coerce(UnaryExpression(column, operator=custom_op("+"), type_=column.type), column.type)


def _glob(pattern: str) -> str:
    """Return *pattern* as GLOB has it: what is special there stands in brackets."""
    pieces = ((escaped, plain) for escaped, plain in _PIECE.findall(pattern))
    return "".join(
        _GLOB[plain] if plain in _GLOB else re.sub(r"[*?[]", r"[\g<0>]", escaped or plain) for escaped, plain in pieces
    )
