"""Check the columns type and status of a row against its body."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from docstore.documents.canonical import JSON
from docstore.documents.kinds import Kind, PartRule

CodeNames: TypeAlias = Mapping[tuple[str, int], str]
"""The name that an integer stands for, by the column of ``codes`` and the integer."""


def wrong_codes(rule: Kind | PartRule, row: Any, body: JSON, names: CodeNames | None) -> Iterator[str]:
    """Yield a problem for each of the columns type and status of a *row* that contradicts its *body*."""
    if names is None:  # the table codes cannot be read
        return
    for column, code, value in (("type", rule.type, row.type), ("status", rule.status, row.status)):
        said, name = (names.get((code.column, value)), code.name_in(body)) if code else (value, None)
        if said != name or (name is None and value is not None):
            yield f"the column {column} says {value if said == name else said!r}, and the body {name!r}"
