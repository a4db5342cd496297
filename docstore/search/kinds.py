"""The kind and the part that a caller names: as a class declares them, or as stored documents have them."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.codec.registry import Registry
from docstore.documents.canonical import is_plain, loads
from docstore.documents.kinds import KINDS, Kind, PartRule, kind_named, part_kind
from docstore.errors import InvalidValueError
from docstore.sql.rows import kinds_in_use
from docstore.sql.tables import IS_HEAD, documents


def resolve(
    connection: Connection, registry: Registry, kind: object, part: object, *, with_parts: bool = True
) -> tuple[Kind, PartRule | None]:
    """Return the kind of this name and, if *part* is given, the rule of its part of this kind or in this field.

    Args:
        with_parts: whether the kind has the parts, too, that stored documents have though its class does not declare
            them now.

    Raises:
        InvalidValueError: there is no such kind or part; lists the known ones.

    Cost:
        For a kind of docstore's own, none; for another, a SELECT if no class is registered, and those of its parts.
    """
    found = declared(registry, kind) or _stored(connection, kind)
    if found is None:
        raise _unknown(connection, registry, kind)
    if with_parts and found.name not in KINDS:
        stored = stored_parts(connection, found.name)
        others = [rule for rule in stored if all(rule.field != known.field for known in found.parts)]
        found = replace(found, parts=(*found.parts, *others)) if others else found
    return found, None if part is None else part_of(found, part)


def declared(registry: Registry, kind: object) -> Kind | None:
    """Return the kind of this name that docstore or a registered class declares; None if none does."""
    return (KINDS.get(kind) or registry.kind_named(kind)) if isinstance(kind, str) else None


def part_of(kind: Kind, part: object) -> PartRule:
    """Return the rule of the parts that *part* names, by their kind or their field.

    Raises:
        InvalidValueError: there are none; lists the known ones.
    """
    for rule in kind.parts:
        if part in (rule.name, rule.field):
            return rule
    known = ", ".join(repr(rule.name) for rule in kind.parts)
    remedy = f"Known parts: {known}." if known else "Its documents have none: leave it out."
    raise InvalidValueError(f"part of {kind.name}", part, remedy)


def kind_with_part(part: str) -> str:
    """Return the name of the kind whose documents have parts of this name."""
    rules = [(kind.name, rule) for kind in KINDS.values() for rule in kind.parts]
    found = next((name for name, rule in rules if part in (rule.name, rule.field)), part.partition(".")[0])
    if found == part:
        known = ", ".join(repr(rule.name) for _, rule in rules)
        raise InvalidValueError("part", part, f"Known parts: {known}; for a kind of your own, give kind= too.")
    return found


def check_kind(connection: Connection, registry: Registry, kind: str) -> None:
    """Refuse a kind that is neither declared nor stored; no document is parsed, as it may be damaged.

    Raises:
        InvalidValueError: the kind is unknown; lists the known ones.
    """
    if declared(registry, kind) is None and _any_body(connection, kind) is None:
        raise _unknown(connection, registry, kind)


def stored_parts(connection: Connection, kind: str) -> list[PartRule]:
    """Return the parts that stored documents of a user's *kind* have, also those that its class does not declare.

    Cost:
        A SELECT by an index for each, and one more, however many rows there are.
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


def _stored(connection: Connection, kind: object) -> Kind | None:
    """Return the kind as one of its stored documents describes it; None if there are none."""
    body = _any_body(connection, kind)
    return None if body is None else kind_named(str(kind)).of(loads(body))


def _any_body(connection: Connection, kind: object) -> str | None:
    """Return the body of the head of any document of *kind*, deleted or not; None if there is none."""
    if not is_plain(kind):
        return None
    return connection.execute(sa.select(documents.c.body).where(IS_HEAD, documents.c.kind == kind).limit(1)).scalar()


def _unknown(connection: Connection, registry: Registry, kind: object) -> InvalidValueError:
    stored = {its_kind for _, its_kind in kinds_in_use(connection, deleted=True)}
    known = sorted({*KINDS, *(entry.kind.name for entry in registry.entries if entry.kind), *stored})
    return InvalidValueError("kind", kind, f"Known kinds: {', '.join(map(repr, known))}.")
