"""Check the columns of a row against its body: list those that contradict it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from docstore.documents.canonical import JSON
from docstore.documents.kinds import Kind, PartRule, is_document, position_of
from docstore.errors import DecodeError, short_repr
from docstore.sql.column_checks import CodeNames, wrong_codes
from docstore.sql.enum_codes import columns_of_arm
from docstore.sql.rows import HeadRow
from docstore.sql.tagging import seal_of, tags_in

_MODELS: Final = ("docstore", "ax", "user")

_OF_HEADS: Final = (
    "name",
    "owner",
    "model",
    "created_at",
    "updated_at",
    "deleted_at",
    "deleted_by",
    "tags",
    "seal",
    "parts_digest",
)
"""The columns that are NULL for parts."""

_ID: Final = re.compile("[0-9a-v]{16}")

FindById: TypeAlias = "Callable[[str], tuple[str, str] | None]"
"""Returns the kind and the name of the document with an id, or None where there is none."""


def missing_codes(
    rule: Kind | PartRule, row: sa.Row[Any], body: JSON, names: CodeNames | None
) -> Iterator[tuple[str, int, str]]:
    """Yield the integers of *row* that have no row in the table ``codes``: column, integer, name."""
    for code, value in ((rule.type, row.type), (rule.status, row.status)):
        name = code.name_in(body) if code else None
        if names is None or code is None or name is None or value is None or (code.column, value) in names:
            continue
        # If codes has another integer for the name, the row of the document is wrong, not codes.
        if all((column, known) != (code.column, name) for (column, _), known in names.items()):
            yield code.column, value, name


def wrong_head_columns(
    kind: Kind, head: HeadRow, row: sa.Row[Any], body: JSON, names: CodeNames | None, find: FindById
) -> Iterator[str]:
    """Yield a problem for each column of a head's row that contradicts its *body*."""
    yield from wrong_codes(kind, row, body, names)
    if is_document(body):
        if head.name not in kind.names_in(body):
            yield f"the column name says {head.name!r}, and the body {kind.name_in(body)!r}"
        yield from _wrong_model(row, _MODELS)
    else:
        yield from _wrong_model(row, ("user",))  # a JSON value that was put
    yield from _wrong_seal(row)
    for column in ("position", "added", "arm", "signature"):
        if getattr(row, column) is not None:
            yield f"the column {column} says {short_repr(getattr(row, column))}, and a head has none"
    owner = kind.owner_in(body)
    # It is NULL if the owner did not exist when this document was saved.
    if row.owner is not None:
        yield from _wrong_owner(kind, row.owner, owner, find)


def wrong_part_columns(
    kind: Kind, head: HeadRow, project: str, row: sa.Row[Any], body: JSON, names: CodeNames | None
) -> Iterator[str]:
    """Yield a problem for each column of a part's row that contradicts its *body*, its path or the head's row."""
    rule = kind.rule(row.path)
    if rule is None:
        yield f"a {kind.name} like this one has no such part"
        return
    yield from wrong_codes(rule, row, body, names)
    expected: dict[str, object] = {
        "project": project,
        "kind": rule.name,
        "position": position_of(row.path),
        **columns_of_arm(rule, body)._asdict(),
        **dict.fromkeys(_OF_HEADS),
    }
    for column, right in expected.items():
        said = getattr(row, column)
        if said != right:
            yield f"the column {column} says {_shown(said)}, and of this part it must be {_shown(right)}"
    if not 1 <= row.version <= head.version:
        yield f"the column version says {row.version}, and the document is at version {head.version}"
    if row.added is None or not 1 <= row.added <= row.version:
        yield f"the column added says {row.added}, and this part was changed by version {row.version}"


def _wrong_seal(row: sa.Row[Any]) -> Iterator[str]:
    try:
        if row.seal == seal_of(row.id, row.deleted_at, row.deleted_by, tags_in(row.tags)):
            return
    except DecodeError:
        pass
    yield "the columns deleted_at, deleted_by and tags do not match the column seal: docstore did not write them"


def _wrong_model(row: sa.Row[Any], possible: tuple[str, ...]) -> Iterator[str]:
    if row.model not in possible:
        yield f"the column model says {short_repr(row.model)}, and it must be {' or '.join(map(repr, possible))}"


def _wrong_owner(kind: Kind, id: str, name: str | None, find: FindById) -> Iterator[str]:
    if name is None:
        yield f"the column owner says {short_repr(id)}, and the body names none"
    elif not _ID.fullmatch(id):
        yield f"the column owner says {short_repr(id)}, which is no id"
    elif (found := find(id)) not in (None, (kind.owner_kind, name)):
        yield f"the column owner is the id of {' '.join(map(short_repr, found or ()))}, and the body names {name!r}"


def _shown(value: object) -> str:
    """Return *value* as an error message shows it."""
    return value.isoformat() if isinstance(value, datetime) else short_repr(value)
