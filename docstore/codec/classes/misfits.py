"""The places of an object whose values have another type than its classes say, as an edit of JSON may leave them.

A value of any type is stored and loaded, so this is asked only where an object could not be made of its values.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Final

from docstore.codec.classes.class_fields import declares
from docstore.codec.classes.stored_fields import stored_fields
from docstore.codec.errors_at import REFUSALS
from docstore.codec.values.by_annotation import members_of
from docstore.documents.canonical import join_pointer
from docstore.errors import DecodeError, RegistryError, short_repr, with_article


def misfits(value: Any, annotation: Any, tokens: tuple[str, ...] = ()) -> Iterator[DecodeError]:
    """Yield an error for each place in *value*, which is at *tokens*, that does not have the type *annotation* says.

    Looks into lists, tuples, dicts and objects of classes that declare their fields.
    """
    allowed = members_of([annotation])
    if value is None and (not allowed or type(None) in typing.get_args(annotation)):
        return
    fitting = next((each for each in allowed if _is_of(value, each)), None)
    if fitting is None:
        expected = " or ".join(map(_called, allowed))
        yield DecodeError(f"should be {expected}, and is {short_repr(value)}", pointer=join_pointer(tokens))
        return
    for token, item, inner in _members(value, fitting):
        yield from misfits(item, inner, (*tokens, token))


def _members(value: Any, annotation: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the token, the value and the annotation of each thing in *value*, which is of the type *annotation*."""
    arguments = typing.get_args(annotation)
    if isinstance(value, Mapping) and len(arguments) == 2:
        yield from (
            (key.name if isinstance(key, Enum) else str(key), item, arguments[1]) for key, item in value.items()
        )
    elif isinstance(value, tuple) and arguments and arguments[-1] is not ...:
        yield from zip(map(str, range(len(value))), value, arguments, strict=False)
    elif isinstance(value, (list, tuple)) and arguments:
        yield from ((str(index), item, arguments[0]) for index, item in enumerate(value))
    elif declares(type(value)):
        with suppress(RegistryError):  # only a user's functions know what is stored
            for field in stored_fields(type(value)):
                with suppress(REFUSALS):  # a property may raise anything
                    yield field.key, field.read(value), field.annotation


def _is_of(value: Any, annotation: Any) -> bool:
    """Return whether *value* is of the type *annotation*, as far as a class can tell."""
    cls = typing.get_origin(annotation) or annotation
    if not isinstance(cls, type) or cls is Any:
        return True
    try:
        return isinstance(value, (int, float) if cls is float else cls)
    except REFUSALS:  # a TypedDict and most Protocols cannot tell; one with a property calls it
        return True


def _called(annotation: Any) -> str:
    cls = typing.get_origin(annotation) or annotation
    return _IN_JSON.get(cls) or with_article(getattr(cls, "__name__", str(cls)))


_IN_JSON: Final = {
    dict: "a JSON object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "an integer",
    float: "a number",
}
