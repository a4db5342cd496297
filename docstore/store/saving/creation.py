"""Load a document, or create it: what a script calls that is run again after it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from docstore.errors import DocumentExistsError, DocumentNotFoundError, InvalidValueError
from docstore.sql.dialects import check_writable
from docstore.sql.writer import Note
from docstore.store.context import StoreContext
from docstore.store.reading import VersionChoice, load
from docstore.store.saving.pipeline import save

_NEWEST = VersionChoice()


def load_or_create(context: StoreContext, kind: str | type, name: str, make: Callable[[], Any], note: Note) -> Any:
    """Return the object of a document, which *make* makes if there is none; as ``Store.load_or_create``."""
    if not callable(make):
        raise InvalidValueError("make", make, "Give a function that returns the object, without calling it.")
    try:
        return load(context, kind, name, _NEWEST)
    except DocumentNotFoundError:
        pass
    check_writable(context.transactions.engine)
    # No transaction is open meanwhile: it may take hours, and use the store.
    obj = _checked(context, make(), context.kind_name(kind), name)
    try:
        save(context, obj, note, "merge")
    except DocumentExistsError:
        # Another program created it since. Its document stands, and what was made here is dropped.
        return load(context, kind, name, _NEWEST)
    return obj


def _checked(context: StoreContext, obj: Any, kind: str, name: str) -> Any:
    """Return *obj*, which was made to be the document *name* of *kind*.

    Raises:
        InvalidValueError: it is another one.
        EncodeError: it is no document.
    """
    if obj is None:
        raise InvalidValueError("make", obj, f"It should return the {kind} {name!r}, and returned None.")
    made, named, _ = context.mapper().identify(obj)
    if (made.name, named) != (kind, name):
        raise InvalidValueError(
            "make", obj, f"It should return the {kind} {name!r}, and returned {made.name} {named!r}."
        )
    return obj
