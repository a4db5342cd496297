"""Validate the arguments of public calls: one function for each kind of argument.

Each returns the argument, or raises an InvalidValueError that names it, shows the value, and says what to give.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Any, Final

from docstore.documents.canonical import is_plain
from docstore.errors import InvalidValueError


class NoDefault(Enum):
    """The type of ``NO_DEFAULT``, which says that no default is given: what is missing is an error."""

    NO_DEFAULT = "no default"

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Final = NoDefault.NO_DEFAULT

LONGEST_NAME: Final = 255
"""Characters that the name of a document, of a tag or of an author may have."""


def checked_text(argument: str, value: object, longest: int | None = None, *, shortest: int = 1) -> str:
    """Return *value* if it is a str of at most *longest* characters that every database can store.

    Raises:
        InvalidValueError: it is not; names the *argument*.
    """
    if isinstance(value, str) and shortest <= len(value) <= (longest or len(value)) and is_plain(value):
        return str.__str__(value)
    length = f" of {shortest} to {longest} characters" if longest else ""
    raise InvalidValueError(argument, value, f"Give a text{length}, without NUL or lone surrogates.")


def checked_key(argument: str, value: object) -> str:
    """Return *value*, the name or the kind of a document to look up, if it is a str; the document need not exist.

    Raises:
        InvalidValueError: it is not; an int is not converted.
    """
    if isinstance(value, str):
        return str.__str__(value)  # drivers refuse subclasses of str
    raise InvalidValueError(argument, value, "Give a text (str).")


def checked_path(argument: str, value: object) -> str:
    """Return the path of a file as a str, if a system call can take it.

    Raises:
        InvalidValueError: *value* is not a path, or contains NUL or what is not UTF-8.
    """
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if isinstance(path, str) and path and is_plain(path):
        return str.__str__(path)
    raise InvalidValueError(argument, value, "Give the path of a file, as a str or a Path, in UTF-8 and without NUL.")


def checked_flag(argument: str, value: object) -> bool:
    """Return *value* if it is True or False.

    Raises:
        InvalidValueError: it is neither; other truthy and falsy values are refused too.
    """
    if isinstance(value, bool):
        return value
    raise InvalidValueError(argument, value, "Give True or False.")


def checked_choice(argument: str, value: object, choices: Collection[str], remedy: str = "") -> str:
    """Return *value* if it is one of *choices*.

    Raises:
        InvalidValueError: it is not; lists them.
    """
    # The type is checked first: an array would be compared with each choice item by item.
    if isinstance(value, str) and value in choices:
        return str.__str__(value)
    raise InvalidValueError(argument, value, remedy or f"Use one of {', '.join(map(repr, choices))}.")


def checked_number(argument: str, value: object, *, least: int, most: int = 2**31 - 1) -> int:
    """Return *value* if it is a whole number from *least* to *most*.

    Raises:
        InvalidValueError: it is not.
    """
    if type(value) is int and least <= value <= most:
        return value
    raise InvalidValueError(argument, value, f"Give a whole number from {least} to {most:,}.")


def checked_iterable(argument: str, value: Any, example: str) -> Iterable[Any]:
    """Return *value* if it is iterable; a str, bytes or a class (such as an Enum) is refused.

    Raises:
        InvalidValueError: it is not.
    """
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, type)):
        return value
    raise InvalidValueError(argument, value, f"Give several, as in {example}.")


def checked_enum(enum: type[Enum], argument: str) -> type[Enum]:
    """Return *enum* if the value of each member is an integer.

    Raises:
        InvalidValueError: it has no members, or one whose value is not an integer; shows what to write.
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
    """Return whether *integer* fits into an integer column of 32 bits."""
    return -(2**31) <= integer < 2**31
