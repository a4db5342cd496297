"""Everything that is wrong with an object at once: after the first error, the rest of its values is looked through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, NoReturn, TypeAlias

from docstore.errors import CodecError, EncodeError

Convert: TypeAlias = "Callable[[Any], Any]"
"""Encodes or decodes a value."""

Step: TypeAlias = "tuple[str | None, Convert, Any]"
"""The token of a value within the one in hand (None is that one itself), what encodes or decodes it, and the value."""

ENOUGH: Final = 1000
"""So many errors are looked for: JSON of another program may be wrong in millions of places."""


REFUSALS: Final = Exception
"""What a class, or a user's encoder or decoder, raises when a value is not what it takes: it may be anything."""


def inside(error: CodecError | RecursionError, token: str) -> CodecError:
    """Return *error* as one that happened at *token* of the value in hand."""
    if isinstance(error, RecursionError):
        error = EncodeError("it contains itself, or is nested too deeply to be written")
        error.looping = True
    error.inside(token)
    return error


def with_the_rest(first: CodecError, rest: Iterable[Step]) -> CodecError:
    """Return *first* together with every error of *rest*, the steps that were still to come when it was raised.

    Cost:
        Nothing that succeeds or fails is done twice, so that an error deep inside costs no more than a shallow one.
    """
    found = [first] if first.looping else [first, *errors_of(rest, len(first.errors))]
    return CodecError.together(found)


def errors_of(steps: Iterable[Step], known: int = 0) -> Iterator[CodecError]:
    """Yield the errors of *steps*, each at its token, until there are ``ENOUGH`` with the *known* ones."""
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
    """Raise *error*: the step of what is known to be wrong."""
    raise error


def raise_in_list(error: CodecError | RecursionError, values: Iterable[Any], index: int, convert: Convert) -> NoReturn:
    """Raise *error*, of the item at *index* of *values*, with those of the items after it."""
    rest = enumerate(islice(values, index + 1, None), index + 1)
    every = with_the_rest(inside(error, str(index)), ((str(number), convert, value) for number, value in rest))
    raise every from every.__cause__


def raise_in_dict(
    error: CodecError | RecursionError, values: dict[Any, Any], index: int, token: str, convert: Convert
) -> NoReturn:
    """Raise *error*, at *token* for the item at *index* of *values*, with those of the items after it.

    Args:
        convert: takes a dict of one item, and puts its errors at the token of that.
    """
    rest = islice(values.items(), index + 1, None)
    every = with_the_rest(inside(error, token), ((None, convert, {key: value}) for key, value in rest))
    raise every from every.__cause__
