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


def checked(content: JSON, kind: str, name: str, before: JSON = None) -> Checked:
    """Return the document *name* of *kind* that *content* is.

    Args:
        before: what it was before it was edited. If the class's check of merged documents refuses that too, *content*
            need not pass it.

    Raises:
        DecodeError, EncodeError: its class refuses it.
        InvalidValueError: it is of another kind, has another name, or makes no sense, such as a lower bound above the
            upper one.
    """
    from docstore.codec import UnknownObject
    from docstore.codec.live.adopt import check_merged_object
    from docstore.documents.canonical import dumps
    from docstore.registry.bundle import mapper_of

    mapper = mapper_of(unknown="keep")
    obj = mapper.decode(content)
    check_merged_object(obj, mapper.decode(before))
    text = dumps(mapper.encode(obj))
    mapper.document_of_json(kind, name, text)
    return Checked(text, obj.tag if isinstance(obj, UnknownObject) else "")
