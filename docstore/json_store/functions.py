"""JSON text, digests and differences of objects in memory, without a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docstore.codec.core import Unknown
from docstore.codec.mapper import Mapper
from docstore.documents import canonical
from docstore.documents.arguments import checked_flag
from docstore.documents.digests import digest_of
from docstore.documents.kinds import Kind
from docstore.errors import EncodeError
from docstore.registry.bundle import RegistryBundle, mapper_of

if TYPE_CHECKING:
    from docstore.documents.diff.diff import Diff


def diff(a: Any, b: Any, bundle: RegistryBundle | None = None) -> Diff:
    """Return the difference from *a* to *b*, two documents or any other objects that can be stored.

    Raises:
        EncodeError: something in one of them cannot be written; with its pointer.

    Cost:
        One encoding of each.
    """
    from docstore.documents.diff.diff import of_documents

    mapper = mapper_of(bundle)
    kinds = {_kind(mapper, each) for each in (a, b)}
    kind = kinds.pop() if len(kinds) == 1 else Kind("value")
    return of_documents(kind, mapper.encode(a), mapper.encode(b), mapper.codec.optional_members)


def _kind(mapper: Mapper, obj: Any) -> Kind:
    try:
        return mapper.kind_of(obj)
    except EncodeError:
        return Kind("value")  # not a document, so it has no parts


def dumps(obj: Any, bundle: RegistryBundle | None = None, indent: bool = False) -> bytes:
    """Return the canonical JSON text of *obj*, UTF-8; with *indent*, in lines for people.

    Raises:
        EncodeError: something in *obj* cannot be written exactly; with its pointer, and what to do.
    """
    return canonical.dumps(
        mapper_of(bundle).encode(obj), indent=checked_flag("indent", indent), within=canonical.CHANGE_DEPTH
    )


def loads(data: bytes | str, bundle: RegistryBundle | None = None, unknown: Unknown = "error") -> Any:
    """Return the object whose JSON text is *data*, exactly as it was given to ``dumps``.

    Types and bits are the same. The order of a plain dict's keys is not kept; an ``OrderedDict`` keeps its own.

    Args:
        unknown: ``"keep"`` gives an ``UnknownObject`` for a class that is not registered, in an experiment an
            ``UnknownMetric`` or ``UnknownRunner``; it is written back unchanged.

    Raises:
        DecodeError: it is not JSON, or not what docstore writes; with the place.
        UnknownTagError: it names a class that is not registered.
    """
    return mapper_of(bundle, unknown=unknown).decode(canonical.loads_strict(data))


def digest(obj: Any, bundle: RegistryBundle | None = None) -> str:
    """Return the digest of the document that *obj* makes: the ``digest`` of its version in every database.

    Raises:
        EncodeError: *obj* makes no document.
    """
    mapper = mapper_of(bundle)
    return digest_of(mapper.kind_of(obj), mapper.encode(obj))
