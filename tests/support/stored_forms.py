"""Documents as other releases write them: with every member, or without members of docstore's own that are None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import docstore
from docstore.documents.canonical import JSON
from docstore.documents.digests import piece
from docstore.documents.document import Document, new_id
from docstore.documents.optional_members import with_nulls, without_nulls
from docstore.registry.model_classes import optional_members

OPTIONAL: Final = optional_members()
"""The members that docstore's own classes are written without where they are None."""

Form = Callable[[JSON], JSON]


def every_member(value: JSON) -> JSON:
    """Return *value* as written by a program that writes null for None."""
    return with_nulls(value, OPTIONAL)


def no_nulls(value: JSON) -> JSON:
    """Return *value* as written by a program that leaves out fields that are None."""
    return without_nulls(value, OPTIONAL)


def save_as(store: docstore.Store, obj: Any, form: Form) -> None:
    """Save *obj*, which does not know of it, as the newest version of its document, in this form."""
    context = store._context
    made = context.mapper().document(obj)
    pieces = {path: piece(path, form(each.body)) for path, each in made.pieces.items()}
    document, note = Document(made.kind, made.name, made.model, pieces), context.note("", None)
    with context.transactions.saved(lambda connection: context.writer.overwrite(connection, new_id(), document, note)):
        pass
