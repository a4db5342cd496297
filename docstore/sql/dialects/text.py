"""Text columns compared with patterns, upper and lower case apart, in each database's SQL; or with no index on them."""

from __future__ import annotations

import copy
import re
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from docstore.documents.canonical import is_plain
from docstore.sql.dialects.transactions import translated

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


# A SELECT as text with its values in it, to be pasted into the database's own shell; docstore itself runs none.


def pasteable(engine: Engine, statement: sa.Select[Any]) -> str:
    """Return *statement* as the database of *engine* takes it from a person: each value stands in it as a literal."""
    schemas = engine.get_execution_options().get("schema_translate_map")
    options: dict[str, Any] = {"compile_kwargs": {"literal_binds": True}}
    if schemas:
        options |= {"schema_translate_map": schemas, "render_schema_translate": True}
    return str(statement.compile(dialect=_of_people(engine), **options))


def _of_people(engine: Engine) -> Dialect:
    """Return the dialect of *engine* without what its driver needs: if it binds by ``%s``, each % is doubled."""
    with translated(engine), engine.connect():
        pass  # whether a backslash escapes in a literal, the server is asked when it is first connected to
    made = copy.copy(engine.dialect)
    made.__dict__.pop("_type_memos", None)  # how values become literals, as the driver's dialect knows it
    made.paramstyle, made.positional = "named", False
    made.identifier_preparer = made.preparer(made)
    return made
