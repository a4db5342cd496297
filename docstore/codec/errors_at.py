"""All errors of an object at once, each with its pointer: after the first error, the remaining values are tried too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, NoReturn, TypeAlias

from docstore.errors import CodecError, EncodeError

Convert: TypeAlias = "Callable[[Any], Any]"
"""Encodes or decodes a value."""

Step: TypeAlias = "tuple[str | None, Convert, Any]"
"""A value to try: its token in the current value (None: the current value itself), the function, and the value."""

ENOUGH: Final = 1000
"""The most errors that are collected: JSON of another program may be wrong in millions of places."""


REFUSALS: Final = Exception
"""What a class, or a user's encoder or decoder, raises for a value that it does not accept: it may be anything."""


def inside(error: CodecError | RecursionError, token: str) -> CodecError:
    """Return *error* with *token* put before its pointer."""
    if isinstance(error, RecursionError):
        error = EncodeError("it contains itself, or is nested too deeply to be written")
        error.looping = True
    error.inside(token)
    return error


def with_the_rest(first: CodecError, rest: Iterable[Step]) -> CodecError:
    """Return *first* together with every error of *rest*, the steps that remained when it was raised.

    Cost:
        No step is done twice, so that an error deep inside costs no more than a shallow one.
    """
    found = [first] if first.looping else [first, *errors_of(rest, len(first.errors))]
    return CodecError.together(found)


def errors_of(steps: Iterable[Step], known: int = 0) -> Iterator[CodecError]:
    """Yield the errors of *steps*, each at its token, until there are ``ENOUGH`` including the *known* ones."""
    for token, convert, value in steps:
        if known >= ENOUGH:
            return
        try:
            convert(value)
        except CodecError as error:
            known += len(error.errors)
            yield error if token is None else inside(error, token)
            if error.looping:
                return


def fail(error: CodecError) -> None:
    """Raise *error*: for a step that is known to fail."""
    raise error


def raise_in_list(error: CodecError | RecursionError, values: Iterable[Any], index: int, convert: Convert) -> NoReturn:
    """Raise *error*, from the item at *index* of *values*, together with the errors of the later items."""
    rest = enumerate(islice(values, index + 1, None), index + 1)
    every = with_the_rest(inside(error, str(index)), ((str(number), convert, value) for number, value in rest))
    raise every from every.__cause__


def raise_in_dict(
    error: CodecError | RecursionError, values: dict[Any, Any], index: int, token: str, convert: Convert
) -> NoReturn:
    """Raise *error*, from the item at *index* of *values*, together with the errors of the later items.

    Args:
        token: that of the item.
        convert: takes a dict of one item; its errors have the item's token.
    """
    rest = islice(values.items(), index + 1, None)
    every = with_the_rest(inside(error, token), ((None, convert, {key: value}) for key, value in rest))
    raise every from every.__cause__
