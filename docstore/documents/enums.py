"""The integers of a user's enum, checked."""

from __future__ import annotations

from enum import Enum

from docstore.errors import InvalidValueError


def checked_enum(enum: type[Enum], argument: str) -> type[Enum]:
    """Return *enum* if each member has an integer.

    Raises:
        InvalidValueError: it has no members, or one whose value is no integer; shows what to write.
    """
    if not isinstance(enum, type) or not issubclass(enum, Enum):
        raise InvalidValueError(argument, enum, "Give an Enum: class Kinds(Enum): DEFAULT = 0")
    members = list(enum.__members__.items())
    if not members:
        annotated = [f"{name} = {value}" for name, value in getattr(enum, "__annotations__", {}).items()]
        name = getattr(enum, "__name__", repr(enum))
        lines = "; ".join(annotated) or "DEFAULT = 0"
        raise InvalidValueError(
            argument,
            enum,
            f"{name} has no members"
            + (": a colon only annotates a name, an equals sign gives it a value" if annotated else "")
            + f". Write: class {name}(Enum): {lines}",
        )
    for name, member in members:
        if type(member.value) is not int or not fits_column(member.value):
            raise InvalidValueError(
                f"{argument}: {enum.__name__}.{name}",
                member.value,
                f"Give it an integer, as in {name} = 0, of 32 bits.",
            )
    return enum


def fits_column(integer: int) -> bool:
    """Return whether a column takes *integer*: of any other, a search finds nothing."""
    return -(2**31) <= integer < 2**31
