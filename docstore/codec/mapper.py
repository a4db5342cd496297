"""The mapper: an object to the document that it is (kind, name, head and parts with their digests), and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from docstore.codec import Codec, UnknownObject
from docstore.codec.classes import stored_fields
from docstore.codec.classes.storable import TAKE_OUT, is_stored_as_it_is, why_not_restorable
from docstore.codec.collector import collector_paused
from docstore.codec.core import Unknown
from docstore.codec.registry import Entry, Registry
from docstore.codec.values.by_annotation import without_none
from docstore.codec.values.tags import tagged_where_unsafe
from docstore.documents.arguments import LONGEST_NAME, checked_text
from docstore.documents.canonical import JSON, TAG, is_plain, join_pointer, loads_strict
from docstore.documents.digests import piece
from docstore.documents.document import Document
from docstore.documents.kinds import (
    AX,
    FORMAT_KEY,
    HEAD,
    KINDS,
    LAYOUT_KEY,
    LONGEST,
    RESERVED,
    Kind,
    class_name,
    is_document,
    join,
    kind_named,
)
from docstore.errors import DecodeError, EncodeError, InvalidValueError, short_repr, with_article

FORMAT: Final = 1
"""The stored form's number; a document of a later one is refused, not guessed at."""


class Mapper:
    """Maps objects to documents, and documents to objects, by one registry.

    ``codec/live`` reads parts of an object in memory, and updates one in place.
    """

    def __init__(self, registry: Registry, *, unknown: Unknown = "error") -> None:
        self.codec = Codec(registry, unknown=unknown)

    # --- JSON --------------------------------------------------------------------------------------------------------

    def encode(self, obj: Any) -> JSON:
        """Return the JSON of *obj*; a document's JSON has its format number and, for a user's kind, its layout."""
        value = self.codec.encode(obj)
        entry = self.codec.registry.of_class(type(obj))
        if entry is not None and entry.kind is not None and isinstance(value, dict):
            value |= self.document_members(entry.kind)
        return value

    def head(self, obj: Any) -> JSON | None:
        """Return the JSON of the head of *obj*, without encoding a part; None if the head may depend on the parts.

        It may where the kind is a user's own, or where a user's function encodes the object.
        """
        entry = self._entry(obj)
        if entry.kind is None or entry.kind.name not in KINDS or entry.form == "functions":
            return None
        head = self.codec.encode_without(obj, [rule.field for rule in entry.kind.parts])
        return {**head, **self.document_members(entry.kind)}

    def document_members(self, kind: Kind) -> dict[str, JSON]:
        """Return the members that a document of *kind* has beside those of its object: the format, and its layout."""
        return {FORMAT_KEY: FORMAT} if kind.name in KINDS else {FORMAT_KEY: FORMAT, LAYOUT_KEY: kind.layout}

    def decode(self, value: JSON) -> Any:
        """Return the object that *value* was encoded from.

        Raises:
            DecodeError: it has a later format, or is not what this registry writes.
        """
        if not isinstance(value, dict) or not is_document(value):
            return self.codec.decode(value)
        found = value[FORMAT_KEY]
        if type(found) is not int or found != FORMAT:
            raise DecodeError(
                f"the document has format {short_repr(found)}, and this docstore reads {FORMAT}: upgrade it",
                pointer=f"/{FORMAT_KEY}",
            )
        if self.codec.registry.of_tag(str(value[TAG])) is None:
            return self.codec.decode(value)  # an object that is kept unread keeps all members
        made = self.codec.decode({key: member for key, member in value.items() if key not in (FORMAT_KEY, LAYOUT_KEY)})
        return UnknownObject(made.tag, value) if isinstance(made, UnknownObject) else made

    # --- documents ---------------------------------------------------------------------------------------------------

    def kind_of(self, obj: Any) -> Kind:
        """Return the kind of document that *obj* is.

        Raises:
            EncodeError: it is none by itself; says what to do.
        """
        return _kind(self._entry(obj))

    def kind_named(self, name: str) -> Kind | None:
        """Return the kind of this name, if some class is a document of it."""
        return self.codec.registry.kind_named(name)

    @collector_paused()
    def document(self, obj: Any) -> Document:
        """Return the document of *obj*, encoded whole.

        Raises:
            EncodeError: it is no document, has no name, or holds something that cannot be written; with the pointer.
        """
        entry = self._entry(obj)
        kind = _kind(entry)
        pieces = kind.split(self.encode(obj))
        name = self._name(obj, kind)
        if entry.form == "functions" and kind.name_in(pieces[HEAD]) != name:
            raise EncodeError(
                f"a {kind.name}'s document holds its name too: the encoder of {type(obj).__qualname__} should give "
                f"{kind.name_field!r}: {name!r} with the other members",
                pointer=join_pointer((kind.name_field,)),
            )
        return Document(kind, name, entry.model, {path: piece(path, body) for path, body in pieces.items()})

    def document_of_json(self, kind: str, name: str, text: bytes | str) -> Document:
        """Return the document whose JSON text is *text*, as it stands there; its object is made to check it.

        A value that some database would change, as -0.0, is tagged, as the encoder of its class would have done.

        Raises:
            DecodeError: it is not JSON, or no object can be made of it.
            InvalidValueError: it is of another kind, or has another name.
        """
        kind, name = checked_text("kind", kind, LONGEST), checked_text("name", name, LONGEST_NAME)
        value = tagged_where_unsafe(loads_strict(text))
        self.decode(value)
        if not isinstance(value, dict) or not is_document(value):
            if kind in RESERVED or self.kind_named(kind) is not None:
                raise InvalidValueError("kind", kind, f"Its documents are made of objects; {name!r} is another value.")
            return Document(Kind(kind), name, "user", {HEAD: piece(HEAD, value)})
        tag = str(value[TAG])
        entry = self.codec.registry.of_tag(tag)
        found = entry.kind.name if entry is not None and entry.kind is not None else None
        if (entry is not None and found != kind) or kind in RESERVED - KINDS.keys():
            raise InvalidValueError("kind", kind, f"The document has the tag {tag!r}: its kind is {found!r}.")
        which = kind_named(kind).of(value)
        if name not in which.names_in(value):
            remedy = f"The document itself has the name {which.name_in(value)!r}; rename() gives a stored one another."
            raise InvalidValueError("name", name, remedy)
        pieces = {path: piece(path, body) for path, body in which.split(value).items()}
        model = entry.model if entry is not None else "ax" if tag.startswith(AX) else "user"
        return Document(which, name, model, pieces)

    def named_in_json(self, document: JSON, kind: str | None = None) -> tuple[str, str] | None:
        """Return the kind and the name that a document itself says; None if it says none.

        The kinds of Ax's documents are those of docstore's own classes: Ax is not imported.

        Args:
            kind: of a document whose class is not known here.
        """
        if not isinstance(document, dict) or not is_document(document):
            return None
        tag = str(document[TAG])
        entry = self.codec.registry.of_tag(class_name(tag))
        if entry is None or entry.model != "docstore":
            entry = self.codec.registry.of_tag(tag)
        if entry is not None:
            kind = None if entry.kind is None else entry.kind.name
        name = None if kind is None else kind_named(kind).of(document).name_in(document)
        return None if kind is None or name is None else (kind, name)

    def identify(self, obj: Any) -> tuple[Kind, str, str]:
        """Return the kind, the name and the model of the document that *obj* is, without encoding it.

        Raises:
            EncodeError: it is none, or has no name.
        """
        entry = self._entry(obj)
        kind = _kind(entry)
        return kind, self._name(obj, kind), entry.model

    def _name(self, obj: Any, kind: Kind) -> str:
        field = kind.name_field
        if kind.named_by and self._member(obj, kind.named_by) is not None:
            field = kind.named_by
        name = self._member(obj, field)
        if type(name) in (int, UUID):
            # Stored as it is where the class declares that type, and as text in the column; otherwise refused.
            stored = self._entry(obj).stored_fields
            declared = {each.key: without_none(each.annotation) for each in stored}.get(field)
            name = str(name) if declared is type(name) else name
        return _checked_name(kind, field, name)

    def _member(self, obj: Any, key: str) -> Any:
        attribute, table = self.codec.attribute(type(obj), key), self._entry(obj).fields
        given = [field for field in (table.given() if table is not None else ()) if field.name == attribute]
        return given[0].read(obj) if given else stored_fields.value_of(obj, attribute)

    def has_own_functions(self, obj: Any) -> bool:
        """Return whether a user's registered function encodes or decodes *obj*.

        Raises:
            EncodeError: *obj* is no document.
        """
        return self._entry(obj).form == "functions"

    def _entry(self, obj: Any) -> Entry:
        entry = self.codec.registry.of_class(type(obj))
        if isinstance(obj, UnknownObject):
            raise EncodeError(
                f"this object is kept unread, as no class is registered here for its tag {obj.tag!r}, or only one of "
                f"an older schema. Register the class that has the tag, and load it again."
            )
        if entry is None:
            raise self._no_document(type(obj))
        if entry.kind is None:
            remedy = _SAVE_TRIAL if class_name(entry.tag) in _TRIALS else f"Save what holds it, or use {_PUT}."
            raise _no_document(type(obj), remedy)
        return entry

    def _no_document(self, cls: type) -> EncodeError:
        """Return the error for an object of a class that is not registered."""
        if is_stored_as_it_is(cls):
            return _no_document(cls, f"Use {_PUT}.")
        refused = why_not_restorable(cls)
        if refused is not None:
            return EncodeError(f"{refused.problem}. {refused.remedy or TAKE_OUT}.")
        return _no_document(cls, self.codec.registry.remedy(cls, by_itself=True))

    def check_renamed(self, kind: Kind, old: Mapping[str, JSON], head: JSON, argument: str, name: str) -> None:
        """Check that a document's class accepts its new *name*: the pieces *old* are decoded with the new *head*.

        A document that cannot be decoded with the old head is not checked.

        Raises:
            InvalidValueError: the class refuses the name; names the *argument*.
        """
        if kind.name in KINDS or not is_document(old[HEAD]):
            return
        try:
            self.decode(join(old))
        except DecodeError:
            return
        try:
            self.decode(join({**old, HEAD: head}))
        except DecodeError as error:
            remedy = f"Give a name that a {kind.name} can have: {error}."
            raise InvalidValueError(argument, name, remedy) from error


def _kind(entry: Entry) -> Kind:
    assert entry.kind is not None  # Mapper._entry refuses it
    return entry.kind


_PUT: Final = "store.put(kind, name, value)"
_TRIALS: Final = ("Trial", "BatchTrial")
_SAVE_TRIAL: Final = "Save it in its experiment: store.save_trial(experiment, trial)."


def _no_document(cls: type, remedy: str) -> EncodeError:
    return EncodeError(f"{with_article(cls.__qualname__)} is no document by itself. {remedy}")


def _checked_name(kind: Kind, field: str, name: object) -> str:
    # A subclass of str is refused: it would be stored as another type than the column has.
    if type(name) is not str or not 1 <= len(name) <= LONGEST_NAME or not is_plain(name):
        raise EncodeError(
            f"this {kind.name} needs a name of 1 to {LONGEST_NAME} characters (str), without NUL or lone surrogates, "
            f"to be stored in a database, and has {short_repr(name)}",
            pointer=join_pointer((field,)),
        )
    return name
