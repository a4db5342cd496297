"""Two objects in memory compared, as they would be stored."""

from __future__ import annotations

from typing import Any

from docstore.codec.mapper import Documents, documents_of
from docstore.documents.diff.diff import Diff, of_documents
from docstore.documents.kinds import Kind
from docstore.errors import EncodeError
from docstore.registry.bundle import RegistryBundle


def diff(a: Any, b: Any, bundle: RegistryBundle | None = None) -> Diff:
    """Return what changed from *a* to *b*, two documents or any other objects that can be stored.

    Raises:
        EncodeError: something in one of them cannot be written; with its pointer.

    Cost:
        One encoding of each.
    """
    documents = documents_of(bundle)
    kinds = {_kind(documents, each) for each in (a, b)}
    kind = kinds.pop() if len(kinds) == 1 else Kind("value")
    return of_documents(kind, documents.encode(a), documents.encode(b))


def _kind(documents: Documents, obj: Any) -> Kind:
    try:
        return documents.kind_of(obj)
    except EncodeError:
        return Kind("value")  # no document by itself, so it has no parts
