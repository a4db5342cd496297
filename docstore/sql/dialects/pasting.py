"""A SELECT as text with its values in it, to be pasted into the database's own shell; docstore itself runs none."""

from __future__ import annotations

import copy
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine

from docstore.sql.dialects.transactions import translated


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
