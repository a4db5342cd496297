"""The integers that types and statuses are stored as: from an enum where there is one, else from ``codes``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from sqlalchemy.engine import Connection

from docstore.documents.arguments import fits_column
from docstore.documents.canonical import JSON, is_plain
from docstore.documents.kinds import Code, Kind, PartRule
from docstore.errors import InvalidValueError, UnknownCodeError, short_repr
from docstore.sql.rows import code_rows, insert_codes

Name: TypeAlias = tuple[str, str]
"""The column of ``codes``, and the name."""

Wanted: TypeAlias = Enum | str | int | Iterable[Enum | str | int] | None
"""What a search asks for: a member, its name or its integer, or several."""


@dataclass(frozen=True, slots=True)
class Coded:
    """The names of a piece's type and status, and every name of it that needs an integer."""

    type: Name | None
    status: Name | None
    names: frozenset[Name]


_LONGEST: Final = 255

_NOTHING: Final = Coded(None, None, frozenset())


def coded_in(rule: Kind | PartRule, body: JSON) -> Coded:
    """Return what *body*, a head or part of that *rule*, says of type and status."""
    if rule.type is None and rule.status is None:
        return _NOTHING
    type, status = _name_in(rule.type, body), _name_in(rule.status, body)
    # Of a batch, each generator run has a type of its own.
    others = [(rule.type.column, name) for name in rule.type.names_in(body)] if rule.type and type else []
    return Coded(type, status, frozenset({*others, *filter(None, (type, status))}))


def _name_in(code: Code | None, body: JSON) -> Name | None:
    name = code.name_in(body) if code else None
    return None if code is None or name is None else (code.column, name)


def _is_own(enum: type[Enum]) -> bool:
    """Return whether *enum* is docstore's own."""
    return enum.__module__.startswith("docstore.model.")


def _column(argument: Literal["type", "status"], rule: Kind | PartRule) -> tuple[Code | None, str]:
    code: Code | None = getattr(rule, argument)
    return code, code.column if code else f"{rule.name}_{argument}"


class EnumCodes:
    """Names and integers of one database, column by column.

    Args:
        enums: by column, the enum that gives the integers; without one, a new name gets the next free integer.
    """

    def __init__(self, enums: Mapping[str, type[Enum]]) -> None:
        self._enums = dict(enums)
        self._known: dict[Name, int] = {}
        self._checked: dict[Name, int] = {}
        """Those that a search checked: the next need not ask, but a save looks whether the enum still says the same."""

    def resolve(self, connection: Connection, names: Collection[Name]) -> dict[Name, int]:
        """Return the integer of each name, and put into the table those that it lacks.

        Raises:
            UnknownCodeError: the column's enum lacks the name, or the database means something else by its integer.
        """
        wanted = {name for name in names if name not in self._known}
        if wanted:
            stored = {(column, name): value for column, value, name in code_rows(connection)}
            new: dict[Name, int] = {}
            for column, name in sorted(wanted - stored.keys()):
                new[column, name] = self._integer(column, name, {**stored, **new})
            for column, name in wanted & stored.keys():
                self._check(column, name, stored[column, name])
            if new:
                new = {**self._other_members({**stored, **new}), **new}
            insert_codes(connection, [(column, value, name) for (column, name), value in new.items()])
            found = {**stored, **new}
        return {name: self._known[name] if name in self._known else found[name] for name in names}

    def _other_members(self, known: Mapping[Name, int]) -> dict[Name, int]:
        """Return the members of the enums that the table lacks, but for those whose integer means something else there.

        Once one is written, all are: a person who reads the table sees the whole enum, and no later save is larger by a
        row because a status occurs for the first time.
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
        """Remember *codes*, once they are committed, and ask no more."""
        self._known.update(codes)

    def enum(self, column: str) -> type[Enum] | None:
        """Return the enum that gives the integers of *column*, if one does."""
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
        """Return the integers of what *argument* of a search asks for.

        Args:
            enum: the one whose names they are, where it is known; else any name is one that nothing may have yet.
            former: names under which older documents may have the same.

        Raises:
            InvalidValueError: what is searched has no such enum.
            UnknownCodeError: the enum has no such name or, for statuses, no such integer; or the table contradicts
                docstore's own enum.
        """
        several = list(wanted)
        stored = {(column, name): value for column, value, name in code_rows(connection)}
        code, column = _column(argument, rule)
        # A kind of the user's own may have one though its class is not here: then something was stored.
        if code is None and all(known != column for known, _ in stored):
            none = f"{rule.name!r} has none: leave it out. " if rule.name else ""
            raise InvalidValueError(argument, several, f"{none}Say kind='experiment', or another kind that has one.")
        for each in self._enums:
            self._check_own(each, stored)
        self._checked.update(stored)
        if argument == "status":
            self._check_integers(column, several, stored, self._enums.get(column, enum))
        found = [self._sought(column, each, stored, enum) for each in several]
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
        """Return the same without a look at the table, where all of it was there in an earlier one; else None.

        What stands in the table stays; what does not may stand there by now.
        """
        code, column = _column(argument, rule)
        if code is None and all(known != column for known, _ in self._checked):
            return None
        names = [*(each.name if isinstance(each, Enum) else each for each in wanted), *former]
        seen: dict[str | int, int] = {name: value for (other, name), value in self._checked.items() if other == column}
        numbers = [name for name in names if isinstance(name, int) and fits_column(name)]
        integers = seen.values() if argument == "status" else numbers
        seen |= {integer: integer for integer in integers}
        return [seen[name] for name in names] if all(name in seen for name in names) else None

    def _sought(
        self, column: str, wanted: Enum | str | int, stored: Mapping[Name, int], enum: type[Enum] | None
    ) -> int | None:
        """Return the integer to look for: of a name that the enum has and nothing was stored as, the enum's own."""
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
        """Refuse an integer that *enum* lacks and nothing was stored as; without an enum, it may be any.

        Of an enum that gives no integers of its own, those count that were given to names.
        """
        if enum is None:
            return
        members = {name: m.value for name, m in enum.__members__.items()} if column in self._enums else {}
        known = {**members, **{name: value for (other, name), value in stored.items() if other == column}}
        for each in wanted:
            if isinstance(each, int) and not isinstance(each, Enum) and each not in known.values():
                listed = ", ".join(f"{name} = {value}" for name, value in known.items()) or "no integers yet"
                told = each if fits_column(each) else short_repr(each)
                raise UnknownCodeError(column, told, f"{enum.__name__} has {listed}.")

    def _check_own(self, column: str, stored: Mapping[Name, int]) -> None:
        """Refuse a table ``codes`` that contradicts docstore's own enum: a search would return the wrong rows."""
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
