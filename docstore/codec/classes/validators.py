"""Ask a class's own validators whether they accept an object's values, before it is written, as at a load."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from docstore.codec.classes import class_fields, pydantic_objects, stored_fields
from docstore.codec.classes.construct import preserving
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.errors_at import REFUSALS
from docstore.documents.canonical import join_pointer
from docstore.errors import CodecError, EncodeError, short_repr

Check: TypeAlias = "Callable[[Any], None]"
"""Takes an object, and raises an EncodeError if it could be written but not read."""


def accepting(cls: type, stored: tuple[StoredField, ...]) -> Check | None:
    """Return a function that refuses an instance that *cls* would not accept at a load; None without validators.

    An assignment or ``model_construct`` can give an object values that its class does not accept. Pydantic validates as
    it does at a load, ``model_post_init`` included; for an attrs class, the validators of the fields are called. So
    each error has the pointer of its field. ``round_trip`` finds what other code of a class refuses.

    Raises, when it is called:
        EncodeError: the class refuses the object; has each error, with its pointer. The object is left as it was,
            whatever its class did with it; another thread should not change it meanwhile.

    Cost:
        That of the validation; for a class with code of its own, also that of ``preserving``.
    """
    if class_fields.is_validated(cls):
        check = pydantic_objects.revalidating(cls, stored)
    else:
        attributes = _validated_fields(cls, stored)
        if not attributes:
            return None
        check = _attrs_check(attributes)
    if not stored_fields.runs_own_code(cls):
        return check
    guarded = preserving(lambda state: check(state["value"]))
    return lambda value: guarded({"value": value})


def _validated_fields(cls: type, stored: tuple[StoredField, ...]) -> list[tuple[StoredField, Any]]:
    """Return the fields of an attrs class that its constructor validates, each with its attribute."""
    author = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if not class_fields.wrote_init(author):
        return []
    attributes = {attribute.name: attribute for attribute in vars(author).get("__attrs_attrs__", ())}
    known = [(field, attributes[field.name]) for field in stored if field.argument and field.name in attributes]
    return [(field, attribute) for field, attribute in known if attribute.validator is not None]


def _attrs_check(attributes: list[tuple[StoredField, Any]]) -> Check:
    def errors_in(value: Any) -> Iterator[EncodeError]:
        for field, attribute in attributes:
            item = getattr(value, attribute.name)
            error = _error_of(value, attribute, item)
            if error is not None:
                yield EncodeError(
                    f"{type(value).__qualname__}(...) will refuse {short_repr(item)} when it is loaded: {error}. Set "
                    f"what its validator takes, or change the validator.",
                    pointer=join_pointer((field.key,)),
                )

    def check(value: Any) -> None:
        if sys.modules["attr"].get_run_validators() and (errors := list(errors_in(value))):
            raise CodecError.together(errors)

    return check


def _error_of(value: Any, attribute: Any, item: Any) -> Exception | None:
    """Return why *item* cannot be read as *attribute* of *value*, or None; a constructor would convert it first."""
    try:
        attribute.validator(value, attribute, item)
    except REFUSALS as error:
        if attribute.converter is None:
            return error
    else:
        return None
    try:
        attribute.validator(value, attribute, _converted(value, attribute, item))
    except REFUSALS as error:
        return error
    return None


def _converted(value: Any, attribute: Any, item: Any) -> Any:
    converter = attribute.converter
    if isinstance(converter, sys.modules["attr"].Converter):
        given = [value] * converter.takes_self + [attribute] * converter.takes_field
        return converter.converter(item, *given)
    return converter(item)
