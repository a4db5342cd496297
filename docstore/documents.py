"""An object and the document it makes: its kind, its head and parts, their canonical text and digests; and back."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from docstore import model, values
from docstore.codec import Codec
from docstore.codec.core import Unknown
from docstore.digests import Piece, digest_of, piece
from docstore.entries import Entry, Registry
from docstore.errors import DecodeError, EncodeError, InvalidValueError
from docstore.kinds import HEAD, KINDS, Kind
from docstore.registry_bundle import RegistryBundle
from docstore.values import JSON, TAG

FORMAT: Final = 1
"""The stored form's number; a document of a later one is refused, not guessed at."""

FORMAT_KEY: Final = "__format"


@dataclass(frozen=True, slots=True)
class Document:
    """What an object is stored as: ``pieces`` are its head and parts by path, ``model`` says whose classes it is of."""

    kind: Kind
    name: str
    model: str
    pieces: Mapping[str, Piece]


class Documents:
    """Makes documents of objects, and objects of documents, by one registry."""

    def __init__(self, registry: Registry, *, unknown: Unknown = "error") -> None:
        self.codec = Codec(registry, unknown=unknown)

    # --- objects -------------------------------------------------------------------------------------------------

    def kind_of(self, obj: Any) -> Kind:
        """Return the kind of document that *obj* is.

        Raises:
            EncodeError: it is none by itself; says what to do.
        """
        return KINDS[self._entry(obj).kind or ""]

    def encode(self, obj: Any) -> JSON:
        """Return the JSON of *obj*; a document's says which format it has."""
        value = self.codec.encode(obj)
        entry = self.codec.registry.of_class(type(obj))
        if entry is not None and entry.kind is not None and isinstance(value, dict):
            value[FORMAT_KEY] = FORMAT
        return value

    def decode(self, value: JSON) -> Any:
        """Return the object that *value* was encoded from.

        Raises:
            DecodeError: it has a later format, or is not what this registry writes.
        """
        if not isinstance(value, dict) or FORMAT_KEY not in value or TAG not in value:
            return self.codec.decode(value)
        found = value[FORMAT_KEY]
        if found != FORMAT:
            raise DecodeError(
                f"the document has format {found!r:.20}, and this docstore reads {FORMAT}: upgrade it",
                pointer=f"/{FORMAT_KEY}",
            )
        if self.codec.registry.of_tag(str(value[TAG])) is None:
            return self.codec.decode(value)  # of a document that is kept unread, nothing may be missing
        return self.codec.decode({key: member for key, member in value.items() if key != FORMAT_KEY})

    def document(self, obj: Any) -> Document:
        """Return the document of *obj*, encoded whole.

        Raises:
            EncodeError: it is no document, has no name, or holds something that cannot be written; with the pointer.
        """
        entry = self._entry(obj)
        kind = self.kind_of(obj)
        pieces = kind.split(self.encode(obj))
        name = _named(kind, getattr(obj, self.codec.attribute(type(obj), "name")))
        return Document(kind, name, entry.model, {path: piece(path, body) for path, body in pieces.items()})

    def identify(self, obj: Any) -> tuple[Kind, str, str]:
        """Return the kind, the name and the model of the document that *obj* is, without encoding it.

        Raises:
            EncodeError: it is none, or has no name.
        """
        entry, kind = self._entry(obj), self.kind_of(obj)
        return kind, _named(kind, getattr(obj, self.codec.attribute(type(obj), "name"))), entry.model

    def parts(self, obj: Any, paths: Iterable[str]) -> dict[str, Piece]:
        """Return the parts of *obj* at *paths*, those that it has, without encoding anything else of it."""
        found: dict[str, Piece] = {}
        for path in paths:
            try:
                found[path] = piece(path, self.codec.encode_part(obj, path))
            except KeyError:
                continue
        return found

    def paths_of(self, obj: Any, part: Any) -> list[str]:
        """Return the path of *part* in *obj*, and of all that is stored under the same key: a trial's, and its data's.

        Raises:
            InvalidValueError: *part* is not in *obj*.
        """
        kind = self.kind_of(obj)
        key = getattr(part, kind.part_key or "", None)
        paths = [rule.path(key) for rule in kind.parts] if key is not None else []
        if not paths or self.codec.part(obj, paths[0]) is not part:
            raise InvalidValueError(
                f"part of {kind.name}",
                part,
                f"Give one that {type(obj).__name__} holds; a part is saved with what holds it.",
            )
        return paths

    def check(self, obj: Any, path: str, body: JSON) -> None:
        """Raise the DecodeError that ``adopt`` would end in, while there is time to write nothing."""
        if path == HEAD:
            self.decode(body)
        elif body is not None:
            self.codec.decode_part(type(obj), path, body)

    def adopt(self, obj: Any, pieces: Mapping[str, JSON | None]) -> None:
        """Bring *obj* up to *pieces*, in place: a head's fields, parts put in, taken on or (None) taken out.

        What the user holds a reference to (a trial, say) stays the same object.
        """
        if not pieces:
            return
        for path, body in pieces.items():
            if path == HEAD:
                self._adopt_head(obj, body)
            elif body is None:
                self.codec.drop_part(obj, path)
            else:
                self.codec.set_part(obj, path, self.codec.decode_part(type(obj), path, body))
        restored = getattr(obj, "_restored", None)
        if restored is not None:
            restored()

    def _adopt_head(self, obj: Any, body: JSON) -> None:
        fresh = self.decode(body)
        kept = {self.codec.attribute(type(obj), rule.field) for rule in self.kind_of(obj).parts}
        obj.__dict__.update({name: value for name, value in vars(fresh).items() if name not in kept})

    def _entry(self, obj: Any) -> Entry:
        entry = self.codec.registry.of_class(type(obj))
        if entry is None:
            raise EncodeError(f"{type(obj).__qualname__} is not registered. {self.codec.registry.remedy(type(obj))}")
        if entry.kind is None:
            raise EncodeError(
                f"a {type(obj).__qualname__} is no document by itself. Save what holds it, or "
                f"use put(kind, name, value)."
            )
        return entry


def _named(kind: Kind, name: object) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= 255 or not values.is_plain(name):
        raise EncodeError(
            f"a {kind.name} needs a name of 1 to 255 characters, without NUL or lone surrogates, to be stored in a "
            f"database; this is {name!r:.80}",
            pointer="/name",
        )
    return name


@functools.cache
def model_registry() -> Registry:
    """Return the registry of the light model: a value that never changes, made once."""
    kinds: dict[type, str] = {
        model.Experiment: "experiment",
        model.MultiTypeExperiment: "experiment",
        model.GenerationStrategy: "generation_strategy",
        model.AnalysisCard: "analysis_card",
        model.AnalysisCardGroup: "analysis_card",
    }
    classes = [Entry(cls, cls.__name__, restore=True, kind=kinds.get(cls), model="docstore") for cls in model.CLASSES]
    enums = [Entry(cls, cls.__name__, model="docstore") for cls in model.ENUMS]
    return Registry((*classes, *enums))


def documents_of(bundle: RegistryBundle | None = None, *, unknown: Unknown = "error") -> Documents:
    """Return the maker of documents of the light model and, with a *bundle*, the user's own classes."""
    if bundle is None:
        return _model_documents(unknown)
    return Documents(bundle.extend(model_registry()), unknown=unknown)


def dumps(obj: Any, bundle: RegistryBundle | None = None, indent: bool = False) -> bytes:
    """Return the canonical JSON text of *obj*, UTF-8; with *indent*, in lines for people.

    Raises:
        EncodeError: something in *obj* cannot be written exactly; with its pointer, and what to do.
    """
    return values.dumps(documents_of(bundle).encode(obj), indent=indent, within=values.CHANGE_DEPTH)


def loads(data: bytes | str, bundle: RegistryBundle | None = None, unknown: Unknown = "error") -> Any:
    """Return the object that *data* spells, exactly as it was given to ``dumps``.

    Args:
        unknown: ``"keep"`` gives an ``UnknownObject`` where a class is not registered, which is written back unchanged.

    Raises:
        DecodeError: it is not JSON, or not what docstore writes; with the place.
        UnknownTagError: it names a class that is not registered.
    """
    return documents_of(bundle, unknown=unknown).decode(values.loads(data))


def digest(obj: Any, bundle: RegistryBundle | None = None) -> str:
    """Return the digest of the document that *obj* makes: the ``digest`` of its version in every database.

    Raises:
        EncodeError: *obj* makes no document.
    """
    documents = documents_of(bundle)
    return digest_of(documents.kind_of(obj), documents.encode(obj))


@functools.cache
def _model_documents(unknown: Unknown) -> Documents:
    # Made once: its codec plans how to write each class when it first meets it, and nothing else of it ever changes.
    return Documents(model_registry(), unknown=unknown)
