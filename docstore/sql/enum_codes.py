"""The integers that stand for types and statuses: those of an enum, or else the next free one in the table codes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

from sqlalchemy.engine import Connection

from docstore.documents.arguments import fits_column
from docstore.documents.arm_columns import NO_ARM, ArmColumns, arm_columns
from docstore.documents.canonical import JSON, is_plain
from docstore.documents.kinds import Code, Kind, PartRule
from docstore.errors import InvalidValueError, UnknownCodeError, short_repr
from docstore.sql.rows import code_rows, insert_codes

Name: TypeAlias = tuple[str, str]
"""A column of ``codes``, and a name in it."""

Wanted: TypeAlias = Enum | str | int | Iterable[Enum | str | int] | None
"""What a search accepts as type or status: an enum member, its name or its integer, or several of these."""


class Coded(NamedTuple):
    """What the columns of a piece say of its body; a tuple, since one save makes thousands.

    Attributes:
        type, status: the names of its type and status.
        names: all names in the piece that need an integer.
        arm: the columns arm and signature.
    """

    type: Name | None
    status: Name | None
    names: tuple[Name, ...]
    arm: ArmColumns = NO_ARM


_LONGEST: Final = 255

_NOTHING: Final = Coded(None, None, ())


def coded_in(rule: Kind | PartRule, body: JSON) -> Coded:
    """Return what the columns say of *body*, a head or part that *rule* describes."""
    if rule.type is None and rule.status is None:
        return _NOTHING
    type, status = _name_in(rule.type, body), _name_in(rule.status, body)
    # A batch has several generator runs, each with its own type.
    types = [(rule.type.column, name) for name in rule.type.names_in(body)] if rule.type and type else []
    names = (*types, status) if status else tuple(types)
    return Coded(type, status, names, columns_of_arm(rule, body))


def columns_of_arm(rule: Kind | PartRule, body: JSON) -> ArmColumns:
    """Return the columns arm and signature of a head or part that *rule* describes."""
    return arm_columns(body) if isinstance(rule, PartRule) and rule.has_arms else NO_ARM


def _name_in(code: Code | None, body: JSON) -> Name | None:
    name = code.name_in(body) if code else None
    return None if code is None or name is None else (code.column, name)


def _stored(connection: Connection) -> dict[Name, int]:
    return {(column, name): value for column, value, name in code_rows(connection)}


def _is_own(enum: type[Enum]) -> bool:
    """Return whether *enum* is docstore's own."""
    return enum.__module__.startswith("docstore.model.")


def _column(argument: Literal["type", "status"], rule: Kind | PartRule) -> tuple[Code | None, str]:
    code: Code | None = getattr(rule, argument)
    return code, code.column if code else f"{rule.name}_{argument}"


class EnumCodes:
    """The names and integers of one database, column by column.

    Args:
        enums: the enum that defines the integers of a column; in other columns, a new name gets the next free integer.
    """

    def __init__(self, enums: Mapping[str, type[Enum]]) -> None:
        self._enums = dict(enums)
        self._known: dict[Name, int] = {}
        """Rows of the table that are committed, and so stay; replaced by a larger dict, as other threads read it."""

    def resolve(self, connection: Connection, names: Collection[Name]) -> dict[Name, int]:
        """Return the integer of each name; names that the table lacks are inserted.

        Raises:
            UnknownCodeError: the column's enum lacks the name, or the database has another name for its integer.
        """
        known, wanted = self._known, set(names)
        if not wanted <= known.keys():
            known = {**_stored(connection), **known}
        new: dict[Name, int] = {}
        for column, name in sorted(wanted - known.keys()):
            new[column, name] = self._integer(column, name, {**known, **new})
        for column, name in wanted & known.keys():
            self._check(column, name, known[column, name])
        if new:
            new = {**self._other_members({**known, **new}), **new}
            insert_codes(connection, [(column, value, name) for (column, name), value in new.items()])
        return {name: new[name] if name in new else known[name] for name in names}

    def _other_members(self, known: Mapping[Name, int]) -> dict[Name, int]:
        """Return the members of the enums that the table lacks, except those whose integer has another name there.

        All members are written with the first one: a person who reads the table sees the whole enum, and no later save
        writes one more row because a status occurs for the first time.
        """
        taken = {(column, value) for (column, _), value in known.items()}
        members = (
            (column, name, int(m.value)) for column, enum in self._enums.items() for name, m in enum.__members__.items()
        )
        return {
            (column, name): value
            for column, name, value in members
            if (column, name) not in known and (column, value) not in taken
        }

    def learn(self, codes: Mapping[Name, int]) -> None:
        """Cache *codes*, which are committed, for later saves and searches."""
        if not codes.keys() <= self._known.keys():
            self._known = {**self._known, **codes}

    def enum(self, column: str) -> type[Enum] | None:
        """Return the enum that defines the integers of *column*, or None."""
        return self._enums.get(column)

    def integers(
        self,
        connection: Connection,
        argument: Literal["type", "status"],
        rule: Kind | PartRule,
        wanted: Iterable[Enum | str | int],
        *,
        enum: type[Enum] | None = None,
        former: Iterable[str] = (),
    ) -> list[int]:
        """Return the integers to search for, from the *argument* type or status of a search.

        Args:
            enum: the enum of the names, if it is known; otherwise any name is valid, and may match nothing.
            former: earlier names of the same, which older documents may have.

        Raises:
            InvalidValueError: documents or parts of this *rule* have no type or status.
            UnknownCodeError: the enum has no such name or, for statuses, no such integer; or the table contradicts
                docstore's own enum.
        """
        several = list(wanted)
        stored = _stored(connection)
        code, column = _column(argument, rule)
        # A user's kind may have one though its class is not registered here: then the table has names for it.
        if code is None and all(known != column for known, _ in stored):
            none = f"{rule.name!r} has none: leave it out. " if rule.name else ""
            raise InvalidValueError(argument, several, f"{none}Say kind='experiment', or another kind that has one.")
        for each in self._enums:
            self._check_own(each, stored)
        self.learn(stored)
        if argument == "status":
            self._check_integers(column, several, stored, self._enums.get(column, enum))
        found = [self._integer_to_find(column, each, stored, enum) for each in several]
        found += [stored[column, old] for old in former if (column, old) in stored]
        return [integer for integer in found if integer is not None and fits_column(integer)]

    def cached_integers(
        self,
        argument: Literal["type", "status"],
        rule: Kind | PartRule,
        wanted: Iterable[Enum | str | int],
        *,
        former: Iterable[str] = (),
    ) -> list[int] | None:
        """Return the result of ``integers`` without reading the table, or None if that takes a read.

        A name that is known stays valid; one that is not may be in the table by now.
        """
        code, column = _column(argument, rule)
        integers: dict[str | int, int] = {
            name: value for (other, name), value in self._known.items() if other == column
        }
        if code is None and not integers:
            return None
        names = [*(each.name if isinstance(each, Enum) else each for each in wanted), *former]
        numbers = [name for name in names if isinstance(name, int) and fits_column(name)]
        valid = integers.values() if argument == "status" else numbers
        integers |= {integer: integer for integer in valid}
        return [integers[name] for name in names] if all(name in integers for name in names) else None

    def _integer_to_find(
        self, column: str, wanted: Enum | str | int, stored: Mapping[Name, int], enum: type[Enum] | None
    ) -> int | None:
        """Return the integer to search for; None for a name that is valid and that no stored row has."""
        name = wanted.name if isinstance(wanted, Enum) else wanted
        if isinstance(name, int):
            return name
        if (column, name) in stored:
            return stored[column, name]
        if enum is None or column in self._enums:
            return self._integer(column, name, stored)
        if name not in enum.__members__:
            raise UnknownCodeError(column, name[:40], f"{enum.__name__} has {', '.join(enum.__members__)}.")
        return None

    def _check_integers(
        self, column: str, wanted: Iterable[object], stored: Mapping[Name, int], enum: type[Enum] | None
    ) -> None:
        """Refuse an integer that neither *enum* nor the table has; without an enum, any integer is valid.

        If *enum* has names only, the integers are those that the table has for them.
        """
        if enum is None:
            return
        members = {name: m.value for name, m in enum.__members__.items()} if column in self._enums else {}
        known = {**members, **{name: value for (other, name), value in stored.items() if other == column}}
        for each in wanted:
            if isinstance(each, int) and not isinstance(each, Enum) and each not in known.values():
                listed = ", ".join(f"{name} = {value}" for name, value in known.items()) or "no integers yet"
                shown = each if fits_column(each) else short_repr(each)
                raise UnknownCodeError(column, shown, f"{enum.__name__} has {listed}.")

    def _check_own(self, column: str, stored: Mapping[Name, int]) -> None:
        """Refuse a table ``codes`` that contradicts docstore's own enum: a search would find the wrong rows."""
        enum = self._enums.get(column)
        if enum is None or not _is_own(enum):
            return
        members = {name: member.value for name, member in enum.__members__.items()}
        for (other, name), value in stored.items():
            # A later docstore may have added a name, but never under the integer of another name.
            if other != column:
                continue
            if members.get(name, value) != value or (name not in members and value in members.values()):
                raise UnknownCodeError(
                    column,
                    name,
                    f"the table codes gives it {value}, and {enum.__name__} has "
                    f"{', '.join(f'{each} = {number}' for each, number in members.items())}. Something other than "
                    f"docstore wrote to that table: verify() lists what is damaged.",
                )

    def _integer(self, column: str, name: str, taken: Mapping[Name, int]) -> int:
        if len(name) > _LONGEST or not is_plain(name):
            problem = f"a name has at most {_LONGEST} characters, without NUL or lone surrogates."
            raise UnknownCodeError(column, name[:40], problem)
        used = {value: known for (other, known), value in taken.items() if other == column}
        enum = self._enums.get(column)
        if enum is None:
            return max(used, default=-1) + 1
        if name not in enum.__members__:
            free = max(member.value for member in enum) + 1
            write = f" Write: class {enum.__name__}(Enum): ... {name} = {free}"
            problem = f"{enum.__name__} has {', '.join(enum.__members__)}.{'' if _is_own(enum) else write}"
            raise UnknownCodeError(column, name, problem)
        value = int(enum[name].value)
        if value in used:
            raise UnknownCodeError(
                column, name, f"{enum.__name__} gives it {value}, which this database knows as {used[value]!r}."
            )
        return value

    def _check(self, column: str, name: str, stored: int) -> None:
        enum = self._enums.get(column)
        if enum is None:
            return
        member = enum.__members__.get(name)
        if member is None:
            self._integer(column, name, {})
        elif member.value != stored:
            raise UnknownCodeError(
                column,
                name,
                f"{enum.__name__} gives it {member.value}, and this database has it as {stored}. "
                f"Write: {name} = {stored}",
            )
