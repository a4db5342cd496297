"""The JSON of a document that a person wrote: checked by its class, and in the form in which the class writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from docstore.cli import exits

if TYPE_CHECKING:
    from docstore.documents.canonical import JSON


class Checked(NamedTuple):
    """The text of a document that can be saved.

    Attributes:
        unread: the tag of its class, if that is not known here: then the text is as it was written.
    """

    text: bytes
    unread: str

    def say_unread(self) -> None:
        """Say on stderr that no class has checked the document, if none has."""
        if self.unread:
            exits.say(f"the class {self.unread!r} is not known here: what you wrote is not checked by it")


def checked(content: JSON, kind: str, name: str) -> Checked:
    """Return the document *name* of *kind* that *content* is.

    Raises:
        DecodeError, EncodeError: its class refuses it.
        InvalidValueError: it is of another kind, or has another name.
    """
    from docstore.codec import UnknownObject
    from docstore.documents.canonical import dumps
    from docstore.registry.bundle import mapper_of

    mapper = mapper_of(unknown="keep")
    obj = mapper.decode(content)
    text = dumps(mapper.encode(obj))
    mapper.document_of_json(kind, name, text)
    return Checked(text, obj.tag if isinstance(obj, UnknownObject) else "")
