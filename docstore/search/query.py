"""Validate the arguments of ``find``; an unknown value raises an error that lists the valid ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeAlias, TypedDict, TypeGuard

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.codec.registry import Registry
from docstore.codec.values.by_annotation import without_none
from docstore.documents.arguments import checked_number
from docstore.documents.canonical import JSON, is_plain
from docstore.documents.kinds import KINDS, Code, Kind, PartRule
from docstore.documents.optional_members import OptionalMembers
from docstore.errors import InvalidValueError
from docstore.search.conditions import Condition, Place, Where, checked_pointer, checked_where, q
from docstore.search.info import DocumentInfo, PartInfo
from docstore.search.kinds import declared, kind_with_part, part_of, resolve
from docstore.sql.dialects import checked_moment
from docstore.sql.enum_codes import EnumCodes, Wanted
from docstore.sql.rows import kinds_in_use
from docstore.sql.tables import names
from docstore.sql.transactions import Transactions

Moments: TypeAlias = tuple[datetime | None, datetime | None]


class Criteria(TypedDict, total=False):
    """The arguments of ``Store.find``, which documents them, except for the kind and the part."""

    name: str | None
    name_prefix: str | None
    name_like: str | None
    project: str | Iterable[str] | None
    type: Wanted
    status: Wanted
    owner: str | None
    model: str | None
    created: Moments | None
    updated: Moments | None
    deleted: bool
    where: Where
    order_by: str | Iterable[str] | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """A column, or a pointer, that orders rows."""

    by: str
    descending: bool = False

    @property
    def is_pointer(self) -> bool:
        """Whether it is a place in a body."""
        return self.by.startswith("/")


@dataclass(frozen=True, slots=True)
class Query:
    """The validated arguments of ``find``; types and statuses as integers."""

    projects: tuple[str, ...]
    kind: Kind | None
    part: PartRule | None
    name: str | None
    prefix: str | None
    like: str | None
    types: Collection[int] | None
    statuses: Collection[int] | None
    owner: str | None
    model: str | None
    created: Moments
    updated: Moments
    deleted: bool
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class SearchContext:
    """What the arguments are validated against: the database and project, the classes, and the enums' integers.

    Attributes:
        encode: returns the JSON of a value.
        optional: the members that are None where an object lacks them.
    """

    transactions: Transactions
    registry: Registry
    codes: EnumCodes
    encode: Callable[[Any], JSON]
    optional: OptionalMembers

    def tags_omitting(self, member: str) -> tuple[str, ...]:
        """Return the tags of the objects that are stored without *member* if it is None."""
        return tuple(sorted(tag for tag, members in self.optional.items() if member in members))


def checked_query(context: SearchContext, kind: object, part: object, given: Criteria) -> Query:
    """Validate the arguments of ``find`` and return them as a query.

    Raises:
        InvalidValueError: an argument is invalid or unknown; lists what is valid.
        UnknownCodeError: the enum has no such name; lists its names.

    Cost:
        A transaction with a SELECT for each of these: a kind without a registered class; a user's kind, if the query
        looks into bodies; a type or a status that no search has used before; each project but the store's own.
    """
    if isinstance(given.get("name_like"), str):
        q("").like(given["name_like"] or "")  # raises the error of an invalid pattern
    texts = {field: _text(field, given.get(field)) for field in ("name", "name_prefix", "name_like", "owner", "model")}
    created, updated = (_moments(field, given.get(field)) for field in ("created", "updated"))
    where = checked_where(given.get("where"), context.encode, context.tags_omitting)
    order = _orders(given.get("order_by"), part is not None)
    looks_inside = where is not None or any(each.is_pointer for each in order)
    found_kind, found_part = _kind_and_part(context, _text("kind", kind), _text("part", part), looks_inside)
    deleted = _deleted(given.get("deleted", False))
    rule = found_part or found_kind or Kind("")
    return Query(
        projects=_projects(context.transactions, given.get("project")),
        kind=found_kind,
        part=found_part,
        name=texts["name"],
        prefix=texts["name_prefix"],
        like=texts["name_like"],
        types=_integers(context, "type", rule, given.get("type")),
        statuses=_integers(context, "status", rule, given.get("status")),
        owner=texts["owner"],
        model=texts["model"],
        created=created,
        updated=updated,
        deleted=deleted,
        where=where,
        order=order,
        limit=None if given.get("limit") is None else checked_number("limit", given["limit"], least=0),
    )


# --- texts, numbers and times ----------------------------------------------------------------------------------------


def _text(field: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidValueError(field, value, "Give a text, or None for any.")


def _deleted(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidValueError("deleted", value, "Use True for documents that were deleted, False for the others.")


def _moments(field: str, value: object) -> Moments:
    if value is None:
        return None, None
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise InvalidValueError(field, value, "Give two times, from and before; each may be None.")
    start, end = (None if each is None else checked_moment(f"{field}_at", each) for each in value)
    return start, end


def _projects(transactions: Transactions, wanted: object) -> tuple[str, ...]:
    if wanted is None:
        return (transactions.project,)
    several: list[str] = []
    for each in wanted if _is_several(wanted) else [wanted]:
        if not isinstance(each, str):
            raise InvalidValueError("project", each, "Give the name of a project, or several names.")
        several.append(each)
    projects = tuple(dict.fromkeys(several))
    others = [each for each in projects if each != transactions.project]
    if others:
        with transactions.reading() as connection:
            _check_projects(connection, others)
    return projects


def _check_projects(connection: Connection, projects: Iterable[str]) -> None:
    """Refuse a project that has no documents, not even deleted ones.

    Raises:
        InvalidValueError: there are none; lists the projects that have some.

    Cost:
        A SELECT by an index for each; for one without live documents, also what ``kinds_in_use`` takes.
    """
    for each in projects:
        live = sa.select(names.c.id).where(names.c.project == each).limit(1)
        if is_plain(each) and connection.execute(live).scalar() is not None:
            continue
        stored = sorted({project for project, _ in kinds_in_use(connection, deleted=True)})
        if each not in stored:
            known = f"Known projects: {', '.join(map(repr, stored))}." if stored else "The database has no documents."
            raise InvalidValueError("project", each, known)


def _is_several(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, Place))


# --- kinds and parts -------------------------------------------------------------------------------------------------


def _kind_and_part(
    context: SearchContext, kind: str | None, part: str | None, looks_inside: bool
) -> tuple[Kind | None, PartRule | None]:
    if part is None and kind is None:
        return None, None
    if kind is None:
        kind = kind_with_part(part or "")
    known, with_parts = declared(context.registry, kind), looks_inside or part is not None
    if known is not None and (kind in KINDS or not with_parts):
        return known, None if part is None else part_of(known, part)
    with context.transactions.reading() as connection:
        return resolve(connection, context.registry, kind, part, with_parts=with_parts)


# --- types and statuses ----------------------------------------------------------------------------------------------


def _integers(
    context: SearchContext, field: Literal["type", "status"], rule: Kind | PartRule, wanted: object
) -> Collection[int] | None:
    if wanted is None:
        return None
    several = _members(field, wanted)
    code = rule.type if field == "type" else rule.status
    enum = None if code is None else context.codes.enum(code.column) or _enum_of(context.registry, rule, code)
    former = [old for each in several for old in _former_names(context.registry, each, enum)]
    found = context.codes.cached_integers(field, rule, several, former=former)
    if found is not None:
        return found
    with context.transactions.reading() as connection:
        return context.codes.integers(connection, field, rule, several, enum=enum, former=former)


def _members(field: str, wanted: object) -> list[Enum | str | int]:
    """Validate one or several enum members, given as such or by name or integer, and return them as a list."""
    several = wanted if not isinstance(wanted, Enum) and _is_several(wanted) else [wanted]
    found: list[Enum | str | int] = []
    for each in several:
        if not isinstance(each, (Enum, str, int)) or isinstance(each, bool):
            raise InvalidValueError(field, each, "Give a member, its name or its integer, or several of them.")
        found.append(each)
    return found


def _enum_of(registry: Registry, rule: Kind | PartRule, code: Code) -> type[Enum] | None:
    """Return the enum that annotates the field of *code* in the class of a user's kind, if there is one."""
    if isinstance(rule, PartRule) or rule.name in KINDS:
        return None
    entry = next((each for each in registry.entries if each.kind and each.kind.name == rule.name), None)
    if entry is None or entry.encode is not None:
        return None
    annotated = {field.key: without_none(field.annotation) for field in entry.stored_fields}
    found = annotated.get(code.field)
    return found if isinstance(found, type) and issubclass(found, Enum) else None


def _former_names(registry: Registry, wanted: Enum | str | int, enum: type[Enum] | None) -> list[str]:
    """Return the former names of the member *wanted*, which older documents have.

    Args:
        enum: of a name, where it is known.
    """
    cls, name = (type(wanted), wanted.name) if isinstance(wanted, Enum) else (enum, wanted)
    entry = None if cls is None else registry.of_class(cls)
    return [old for old, new in entry.renamed.items() if new == name] if entry else []


# --- order -----------------------------------------------------------------------------------------------------------


def _orders(wanted: object, of_parts: bool) -> tuple[Order, ...]:
    if wanted is None:
        return ()
    if isinstance(wanted, str):
        wanted = [wanted]
    if not _is_several(wanted):
        raise InvalidValueError("order_by", wanted, "Give a column or a pointer, or several of them.")
    info = PartInfo if of_parts else DocumentInfo
    columns = info._fields
    return tuple(_order(each, columns) for each in wanted)


def _order(wanted: object, columns: Collection[str]) -> Order:
    if isinstance(wanted, str):
        order = Order(wanted.removeprefix("-"), wanted.startswith("-"))
        if order.is_pointer:
            checked_pointer(order.by)
            return order
        if order.by in columns:
            return order
    raise InvalidValueError(
        "order_by",
        wanted,
        f"Order rows by {', '.join(columns)}, or by a pointer such as '/properties/budget'; with '-' before it, "
        f"the largest come first.",
    )
