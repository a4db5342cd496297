"""What is common to the values of NumPy, pandas and PyTorch: shapes, and the errors of these libraries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from docstore.codec.values.tags import Members, member
from docstore.errors import CodecError, DecodeError, short_repr

READABLE_ITEMS: Final = 1_000
"""The most items that are written as a readable list."""

_MAX_DIMENSIONS: Final = 64
"""NumPy's own limit."""

REFUSALS: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, OSError),
    *(AssertionError, MemoryError, Warning),
)
"""What the libraries raise for arguments that they do not accept; Warning, if a program turns it into an error."""


@contextmanager
def inside(*tokens: str) -> Iterator[None]:
    """Put *tokens* before the pointer of a CodecError that leaves the block."""
    try:
        yield
    except CodecError as error:
        for token in reversed(tokens):
            error.inside(token)
        raise


@contextmanager
def refusing(thing: str) -> Iterator[None]:
    """Turn an error that a library raises in the block into a DecodeError about *thing*."""
    try:
        yield
    except (CodecError, RecursionError):
        raise
    except REFUSALS as error:
        raise DecodeError(f"not a {thing}: {error!s:.200}") from error


def shape_of(members: Members, key: str = "shape") -> tuple[int, ...]:
    """Return the shape that is the member *key*.

    Raises:
        DecodeError: it is none that an array can have.
    """
    sizes = member(members, key, list)
    if len(sizes) > _MAX_DIMENSIONS or not all(type(size) is int and size >= 0 for size in sizes):
        raise DecodeError(f"not a shape: {short_repr(sizes)}")
    return tuple(sizes)
