"""What the classes of this process say of names: which kinds there are, whose enum a name is of, what it was before."""

from __future__ import annotations

from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.codec.by_annotation import without_none
from docstore.codec.registry import Registry
from docstore.codec.stored_fields import stored_fields
from docstore.documents.kinds import KINDS, Code, Kind, PartRule, part_kind
from docstore.errors import InvalidValueError
from docstore.sql.tables import IS_HEAD, documents


def declared_kinds(registry: Registry) -> set[str]:
    """Return the names of the kinds that objects are documents of."""
    return {entry.kind.name for entry in registry.entries if entry.kind}


def check_kind(connection: Connection, registry: Registry, kind: object) -> None:
    """Refuse a kind that is neither declared here nor stored.

    Raises:
        InvalidValueError: so it is; lists those that there are.
    """
    stored = connection.execute(sa.select(documents.c.kind).where(IS_HEAD).distinct()).scalars()
    kinds = {*KINDS, *declared_kinds(registry), *stored}
    if kind not in kinds:
        raise InvalidValueError("kind", kind, f"There are {', '.join(map(repr, sorted(kinds)))}.")


def stored_parts(connection: Connection, kind: str) -> list[PartRule]:
    """Return the parts that documents of a user's *kind* have: one may be stored as a class no longer says, or not yet.

    Cost:
        A SELECT by an index for each, and one more; however many rows they have.
    """
    c, start, found = documents.c, part_kind(kind, ""), list[PartRule]()
    end = f"{start[:-1]}{chr(ord(start[-1]) + 1)}"
    last: str | None = start
    while last is not None:
        following = sa.select(c.kind).where(c.kind > last, c.kind < end, ~IS_HEAD).order_by(c.kind).limit(1)
        last = connection.execute(following).scalar()
        if last is not None:
            found.append(PartRule(last.removeprefix(start), last))
    return found


def enum_of(registry: Registry, rule: Kind | PartRule, code: Code) -> type[Enum] | None:
    """Return the enum that the class of a user's kind is annotated with where *code* stands, if it is one."""
    if isinstance(rule, PartRule) or rule.name in KINDS:
        return None
    entry = next((each for each in registry.entries if each.kind and each.kind.name == rule.name), None)
    if entry is None or entry.encode is not None:
        return None
    annotated = {field.key: without_none(field.annotation) for field in stored_fields(entry.cls)}
    found = annotated.get(code.field)
    return found if isinstance(found, type) and issubclass(found, Enum) else None


def former_names(registry: Registry, wanted: Enum | str | int, enum: type[Enum] | None) -> list[str]:
    """Return the names by which older documents know the member *wanted*.

    Args:
        enum: the one that a name is of, where it is known.
    """
    cls, name = (type(wanted), wanted.name) if isinstance(wanted, Enum) else (enum, wanted)
    entry = None if cls is None else registry.of_class(cls)
    return [old for old, new in entry.renamed.items() if new == name] if entry else []
