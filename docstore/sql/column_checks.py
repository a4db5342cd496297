"""The columns of a row compared with its body: what each must say, wherever that is certain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from docstore.documents.canonical import JSON, loads
from docstore.documents.kinds import Kind, PartRule, is_document, position_of
from docstore.errors import DecodeError, short_repr
from docstore.sql.rows import HeadRow, seal_of

_MODELS: Final = ("docstore", "ax", "user")


_ID: Final = re.compile("[0-9a-f]{32}")


Names = Mapping[tuple[str, int], str]
"""What the integers mean: by the column of ``codes`` and the value."""


Called = Callable[[str], "tuple[str, str] | None"]
"""Gives the kind and the name of the document with an id, if it is there."""


def tags_in(row: sa.Row[Any]) -> dict[str, JSON]:
    """Return what the row of a head says of its tags, by tag.

    Raises:
        DecodeError: it is not what docstore writes there.
    """
    told = loads(row.tags) if row.tags is not None else {}
    if not isinstance(told, dict):
        raise DecodeError(f"the tags of a head are an object, and this is {short_repr(told)}", pointer="")
    return told


def missing_codes(
    rule: Kind | PartRule, row: sa.Row[Any], body: JSON, names: Names | None
) -> Iterator[tuple[str, int, str]]:
    """Yield which integers of *row* the table ``codes`` has no row of, with what they mean: column, value, name."""
    for code, value in ((rule.type, row.type), (rule.status, row.status)):
        name = code.name_in(body) if code else None
        if names is None or code is None or name is None or value is None or (code.column, value) in names:
            continue
        # If the name has another integer, it is the row of the document that is wrong.
        if all((column, known) != (code.column, name) for (column, _), known in names.items()):
            yield code.column, value, name


def wrong_head_columns(
    kind: Kind, head: HeadRow, row: sa.Row[Any], body: JSON, names: Names | None, called: Called
) -> Iterator[str]:
    """Yield which columns of a head's row say other than its *body*."""
    yield from _unlike_codes(kind, row, body, names)
    if is_document(body):
        name = kind.name_in(body)
        if head.name != name:
            yield f"the column name says {head.name!r}, and the body {name!r}"
        yield from _unlike_model(row, _MODELS)
    else:
        yield from _unlike_model(row, ("user",))  # whatever was put as JSON
    yield from _unlike_seal(row)
    if row.position is not None:
        yield f"the column position says {row.position}, and a head has none"
    owner = kind.owner_in(body)
    # Without one, there was no such document when this one was saved.
    if row.owner is not None:
        yield from _unlike_owner(kind, row.owner, owner, called)


def wrong_part_columns(
    kind: Kind, head: HeadRow, project: str, row: sa.Row[Any], body: JSON, names: Names | None
) -> Iterator[str]:
    """Yield which columns of a part's row say other than its *body*, its path and the row of the head."""
    rule = kind.rule(row.path)
    if rule is None:
        yield f"a {kind.name} like this one has no such part"
        return
    yield from _unlike_codes(rule, row, body, names)
    yield from _unlike_model(row, _MODELS)
    wanted: dict[str, object] = {
        "project": project,
        "kind": rule.name,
        "name": None,
        "owner": None,
        "position": position_of(row.path),
        **dict.fromkeys(("deleted_at", "deleted_by", "tags", "seal")),
    }
    for column, right in wanted.items():
        said = getattr(row, column)
        if said != right:
            yield f"the column {column} says {shown_value(said)}, and of this part it is {shown_value(right)}"
    if not 1 <= row.version <= head.version:
        yield f"the column version says {row.version}, and the document is at version {head.version}"
    if row.created_at > row.updated_at:
        yield "the column created_at says a later time than updated_at"


def _unlike_codes(rule: Kind | PartRule, row: sa.Row[Any], body: JSON, names: Names | None) -> Iterator[str]:
    if names is None:  # what the integers mean cannot be read
        return
    for column, code, value in (("type", rule.type, row.type), ("status", rule.status, row.status)):
        said, name = (names.get((code.column, value)), code.name_in(body)) if code else (value, None)
        if said != name or (name is None and value is not None):
            yield f"the column {column} says {value if said == name else said!r}, and the body {name!r}"


def _unlike_seal(row: sa.Row[Any]) -> Iterator[str]:
    try:
        if row.seal == seal_of(row.id, row.deleted_at, row.deleted_by, tags_in(row)):
            return
    except DecodeError:
        pass
    yield "the columns deleted_at, deleted_by and tags are not what the column seal says: docstore did not write them"


def _unlike_model(row: sa.Row[Any], possible: tuple[str, ...]) -> Iterator[str]:
    if row.model not in possible:
        yield f"the column model says {short_repr(row.model)}, and it is {' or '.join(map(repr, possible))}"


def _unlike_owner(kind: Kind, id: str, name: str | None, called: Called) -> Iterator[str]:
    if name is None:
        yield f"the column owner says {short_repr(id)}, and the body names none"
    elif not _ID.fullmatch(id):
        yield f"the column owner says {short_repr(id)}, which is no id"
    elif (found := called(id)) not in (None, (kind.owner_kind, name)):
        yield f"the column owner is the id of {' '.join(map(short_repr, found or ()))}, and the body names {name!r}"


def shown_value(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else short_repr(value)
