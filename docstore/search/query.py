"""What is asked of a search, checked: each thing that is no question is an error that lists what there is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, TypeAlias, TypedDict, TypeGuard

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from docstore.codec.by_annotation import without_none
from docstore.codec.registry import Registry
from docstore.codec.stored_fields import stored_fields
from docstore.documents.arguments import checked_number
from docstore.documents.canonical import JSON, is_plain, loads
from docstore.documents.kinds import KINDS, Code, Kind, PartRule, kind_named, part_kind
from docstore.errors import InvalidValueError
from docstore.search.conditions import Condition, Place, checked_pointer, checked_where, q
from docstore.search.info import DocumentInfo, PartInfo
from docstore.sql.context import StoreContext
from docstore.sql.dialects import checked_moment
from docstore.sql.enum_codes import EnumCodes, Wanted
from docstore.sql.tables import IS_HEAD, documents

# What the classes of this process say of names: which kinds there are, whose enum a name is of, what it was before.


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


Moments: TypeAlias = tuple[datetime | None, datetime | None]

Where: TypeAlias = Condition | Mapping[str, object] | None


class Criteria(TypedDict, total=False):
    """What ``Store.find`` takes beside the kind and the part; there it says what each means."""

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


FIELDS: Final = ("kind", "part", *Criteria.__annotations__)


@dataclass(frozen=True, slots=True)
class Order:
    """A column, or a pointer, by which rows come."""

    by: str
    descending: bool = False

    @property
    def is_pointer(self) -> bool:
        """Whether it is a place in what is stored."""
        return self.by.startswith("/")


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for, with the integers of types and statuses."""

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
    """What is known where a search is asked for: the project, the classes, and what integers mean."""

    access: StoreContext
    registry: Registry
    codes: EnumCodes
    encode: Callable[[Any], JSON]


def checked(known: SearchContext, kind: object, part: object, given: Criteria) -> Query:
    """Return what is sought.

    Raises:
        InvalidValueError: something is none that can be asked for; lists what can.
        UnknownCodeError: the enum has no such name; lists those that it has.

    Cost:
        A transaction with a SELECT for each of these: a kind that no class here is of; a user's kind, if there is a
        look inside its documents; a type or a status that no search has seen yet.
    """
    if isinstance(given.get("name_like"), str):
        q("").like(given["name_like"] or "")  # a pattern that is none is told as of a place
    texts = {field: _text(field, given.get(field)) for field in ("name", "name_prefix", "name_like", "owner", "model")}
    created, updated = (_moments(field, given.get(field)) for field in ("created", "updated"))
    where, order = checked_where(given.get("where"), known.encode), _orders(given.get("order_by"), part is not None)
    looks_inside = where is not None or any(each.is_pointer for each in order)
    sought_kind, sought_part = _kind_and_part(known, _text("kind", kind), _text("part", part), looks_inside)
    deleted = given.get("deleted", False)
    if not isinstance(deleted, bool):
        raise InvalidValueError("deleted", deleted, "Use True for documents that were deleted, False for the others.")
    types, statuses = _integers(known, sought_kind, sought_part, given.get("type"), given.get("status"))
    return Query(
        projects=_projects(known.access.project, given.get("project")),
        kind=sought_kind,
        part=sought_part,
        name=texts["name"],
        prefix=texts["name_prefix"],
        like=texts["name_like"],
        types=types,
        statuses=statuses,
        owner=texts["owner"],
        model=texts["model"],
        created=created,
        updated=updated,
        deleted=deleted,
        where=where,
        order=order,
        limit=None if given.get("limit") is None else checked_number("limit", given["limit"], least=0),
    )


def unknown_fields(given: Mapping[str, object]) -> InvalidValueError:
    """Return the error of arguments that no search has."""
    remedy = f"Documents are found by {', '.join(FIELDS)}; by what stands in them with where={{'/a/pointer': value}}."
    return InvalidValueError("find", ", ".join(given), remedy)


# --- texts, numbers and times ----------------------------------------------------------------------------------------


def _text(field: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidValueError(field, value, "Give a text, or None for any.")


def _moments(field: str, value: object) -> Moments:
    if value is None:
        return None, None
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise InvalidValueError(field, value, "Give two times, from and before, of which each may be None.")
    start, end = (None if each is None else checked_moment(f"{field}_at", each) for each in value)
    return start, end


def _projects(own: str, wanted: object) -> tuple[str, ...]:
    if wanted is None:
        return (own,)
    several: list[str] = []
    for each in wanted if _is_several(wanted) else [wanted]:
        if not isinstance(each, str):
            raise InvalidValueError("project", each, "Give the name of a project, or several names.")
        several.append(each)
    return tuple(dict.fromkeys(several))


def _is_several(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, Place))


# --- kinds and parts -------------------------------------------------------------------------------------------------


def _kind_and_part(
    known: SearchContext, kind: str | None, part: str | None, looks_inside: bool
) -> tuple[Kind | None, PartRule | None]:
    if kind is None and part is None:
        return None, None
    kind = kind if kind is not None else _kind_of_part(part or "")
    found = KINDS.get(kind) or known.registry.kind_named(kind)
    looks_inside = looks_inside or part is not None
    if found is None or (looks_inside and kind not in KINDS):
        with known.access.reading() as connection:
            found = found or _stored_kind(connection, known.registry, kind)
            found = _with_stored_parts(connection, found) if looks_inside else found
    return found, None if part is None else _part(found, part)


def _with_stored_parts(connection: Connection, kind: Kind) -> Kind:
    """Return *kind* with the parts, too, that some of its documents have, whose class was declared otherwise then."""
    stored = stored_parts(connection, kind.name) if is_plain(kind.name) else []
    others = [rule for rule in stored if all(rule.field != declared.field for declared in kind.parts)]
    return replace(kind, parts=(*kind.parts, *others)) if others else kind


def _kind_of_part(part: str) -> str:
    """Return the kind of the documents that have parts of this name."""
    rules = [(kind.name, rule) for kind in KINDS.values() for rule in kind.parts]
    found = next((name for name, rule in rules if part in (rule.name, rule.field)), part.partition(".")[0])
    if found == part:
        there = ", ".join(repr(rule.name) for _, rule in rules)
        raise InvalidValueError("part", part, f"There are {there}; of a kind of your own, say kind= too.")
    return found


def _part(kind: Kind, part: str) -> PartRule:
    for rule in kind.parts:
        if part in (rule.name, rule.field):
            return rule
    there = ", ".join(repr(rule.name) for rule in kind.parts)
    raise InvalidValueError(
        f"part of {kind.name}", part, f"It has {there}." if there else "Its documents have none: leave it out."
    )


def _stored_kind(connection: Connection, registry: Registry, name: str) -> Kind:
    """Return the kind of the documents of this name that are stored, laid out as one of them says.

    Raises:
        InvalidValueError: there are none; lists the kinds that there are.
    """
    c = documents.c
    if is_plain(name):
        one = sa.select(c.body).where(IS_HEAD, c.kind == name).limit(1)
        found = connection.execute(one).scalar()
        if found is not None:
            return kind_named(name).of(loads(found))
    check_kind(connection, registry, name)
    return kind_named(name)  # one that somebody stored just now


# --- types and statuses ----------------------------------------------------------------------------------------------


def _integers(
    known: SearchContext, kind: Kind | None, part: PartRule | None, type: object, status: object
) -> tuple[Collection[int] | None, Collection[int] | None]:
    rule = part or kind or Kind("")
    return _integers_of(known, "type", rule, type), _integers_of(known, "status", rule, status)


def _integers_of(
    known: SearchContext, field: Literal["type", "status"], rule: Kind | PartRule, wanted: object
) -> Collection[int] | None:
    if wanted is None:
        return None
    several = _coded(field, wanted)
    code = rule.type if field == "type" else rule.status
    enum = None if code is None else known.codes.enum(code.column) or enum_of(known.registry, rule, code)
    former = [old for each in several for old in former_names(known.registry, each, enum)]
    found = known.codes.seen(field, rule, several, former=former)
    if found is not None:
        return found
    with known.access.reading() as connection:
        return known.codes.integers(connection, field, rule, several, enum=enum, former=former)


def _coded(field: str, wanted: object) -> list[Enum | str | int]:
    """Return *wanted*, or each of it if it is several, as what names an integer."""
    several = wanted if not isinstance(wanted, Enum) and _is_several(wanted) else [wanted]
    found: list[Enum | str | int] = []
    for each in several:
        if not isinstance(each, (Enum, str, int)) or isinstance(each, bool):
            raise InvalidValueError(field, each, "Give a member, its name or its integer, or several of them.")
        found.append(each)
    return found


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
        f"Rows come by {', '.join(columns)}, or by a pointer such as '/properties/budget'; with '-' before it, "
        f"the largest come first.",
    )
