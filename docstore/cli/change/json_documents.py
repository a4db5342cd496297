"""Documents as JSON text, as ``docstore get`` prints them: checked by decoding, and saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from docstore.documents.canonical import JSON
    from docstore.documents.history import Version
    from docstore.store.store import Store


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """A document that was read from JSON.

    Attributes:
        value: an object whose class is known here, or else a JSON value.
        is_object: whether *value* is saved as an object, and not put as a value.
    """

    kind: str
    name: str
    value: Any
    is_object: bool

    def save(self, store: Store, *, message: str, based_on: int | None, overwrite: bool = False) -> Version:
        """Save it as the newest version of its document, or as a new one."""
        if not self.is_object:
            return store.put(self.kind, self.name, self.value, message=message, based_on=based_on)
        policy: Any = "overwrite" if overwrite else "merge"
        return store.save(self.value, message=message, based_on=based_on, on_conflict=policy)


def json_document(content: JSON, kind: str | None = None, name: str | None = None) -> JsonDocument:
    """Return the document that *content* is; of a plain JSON value, with the *kind* and *name* that it gets.

    Raises:
        DecodeError: it cannot be decoded.
        click.UsageError: it is a plain value, and *kind* or *name* is missing; or it has another kind or name.
        click.ClickException: its class is not known to the program.
    """
    import docstore
    from docstore.documents.canonical import dumps
    from docstore.documents.kinds import is_document

    if is_document(content):
        return _object(docstore.loads(dumps(content), unknown="keep"), kind, name)
    if kind is None or name is None:
        missing = "Its kind and its name are needed: docstore save FILE NAME -k KIND."
        raise click.UsageError(f"this is JSON, but no document of docstore: it has no __type and __format. {missing}")
    return JsonDocument(kind, name, docstore.loads(dumps(content), unknown="keep"), is_object=False)


def _object(obj: Any, kind: str | None, name: str | None) -> JsonDocument:
    """Return the document that *obj* is.

    Raises:
        click.UsageError, click.ClickException: as ``json_document``.
    """
    from docstore.codec import UnknownObject
    from docstore.registry.bundle import mapper_of

    if isinstance(obj, UnknownObject):
        remedy = "Change it in a program that has the class."
        raise click.ClickException(f"the class {obj.tag!r} of this document is not known here. {remedy}")
    found, its_name, _ = mapper_of(None).identify(obj)
    for what, wanted, present in (("kind", kind, found.name), ("name", name, its_name)):
        if wanted is not None and wanted != present:
            remedy = "`docstore rename` gives a stored document another name." if what == "name" else "Leave it out."
            raise click.UsageError(f"the {what} of this document is {present!r}, not {wanted!r}. {remedy}")
    return JsonDocument(found.name, its_name, obj, is_object=True)
