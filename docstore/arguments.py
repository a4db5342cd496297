"""Validate the arguments of public calls: one function for each kind of argument.

Each returns the argument, or raises an InvalidValueError that names it, shows the value, and says what to give.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from docstore.errors import InvalidValueError
from docstore.values import is_plain

LONGEST_NAME: Final = 255
"""Characters that the name of a document, of a tag or of an author may have."""


def checked_text(argument: str, value: object, longest: int | None = None, *, shortest: int = 1) -> str:
    """Return *value* if it is a text that every database takes, of no more than *longest* characters.

    Raises:
        InvalidValueError: it is not; names the *argument*.
    """
    if isinstance(value, str) and shortest <= len(value) <= (longest or len(value)) and is_plain(value):
        return str.__str__(value)
    length = f" of {shortest} to {longest} characters" if longest else ""
    raise InvalidValueError(argument, value, f"Give a text{length}, without NUL or lone surrogates.")


def checked_key(argument: str, value: object) -> str:
    """Return *value*, the name or the kind of a document to look up, if it is a text; one that nothing has is allowed.

    Raises:
        InvalidValueError: it is not: 5 does not stand for '5'.
    """
    if isinstance(value, str):
        return str.__str__(value)  # drivers refuse subclasses of str
    raise InvalidValueError(argument, value, "Give a text (str).")


def checked_flag(argument: str, value: object) -> bool:
    """Return *value* if it is True or False.

    Raises:
        InvalidValueError: it is not; what Python takes for either is refused too.
    """
    if isinstance(value, bool):
        return value
    raise InvalidValueError(argument, value, "Give True or False.")


def checked_number(argument: str, value: object, *, least: int, most: int) -> int:
    """Return *value* if it is a whole number from *least* to *most*.

    Raises:
        InvalidValueError: it is not.
    """
    if type(value) is int and least <= value <= most:
        return value
    raise InvalidValueError(argument, value, f"Give a whole number from {least} to {most:,}.")


def checked_several(argument: str, value: Any, example: str) -> Iterable[Any]:
    """Return *value* if it can be iterated over; a single text cannot, nor a class: an Enum's members are not meant.

    Raises:
        InvalidValueError: it cannot.
    """
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, type)):
        return value
    raise InvalidValueError(argument, value, f"Give several, as in {example}.")
