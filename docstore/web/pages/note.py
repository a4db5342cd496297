"""The note on an experiment, its description: how pages show it, and how a form changes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Final

from docstore.codec import UnknownObject
from docstore.documents.canonical import JSON
from docstore.errors import ConflictError, InvalidValueError
from docstore.web.pages.changes import ChangeRow, change_row
from docstore.web.source import EXPERIMENT, Source

_LONGEST: Final = 50_000
"""Characters of a note that a page shows, and of one that its form takes."""


_LOST_BY_FORMS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]|\r(?!\n)")
"""Characters that a browser cannot show in a form, or sends as others."""


@dataclass(frozen=True, slots=True)
class Note:
    """The description of an experiment.

    Attributes:
        text: the first 50,000 characters.
        mark: a digest of the whole text, by which a form says what it was made from.
        is_editable: whether a form gives back each character as it is; a browser changes control characters.
    """

    text: str
    mark: str
    is_editable: bool

    @property
    def is_whole(self) -> bool:
        """Whether *text* is all of it."""
        return len(self.text) < _LONGEST


def note_of(text: str | None) -> Note:
    """Return the note with this text."""
    text = text or ""
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Note(text[:_LONGEST], mark, len(text) < _LONGEST and not _LOST_BY_FORMS.search(text))


def note_in(source: Source, head: Mapping[str, JSON]) -> Note:
    """Return the note that the head of an experiment has."""
    text = source.decode(head.get("description"))
    return note_of(text if isinstance(text, str) else None)


@dataclass(frozen=True, slots=True)
class NoteConflict:
    """A note that was not saved, because somebody else changed it meanwhile.

    Attributes:
        theirs: the note as it is now, and *change*, the version that made it so.
        yours: the text that was not saved, with its *message* and its *author*.
    """

    name: str
    theirs: Note
    change: ChangeRow
    yours: str
    message: str
    author: str


def save_note(
    source: Source, name: str, text: str, mark: str, message: str, author: str | None = None
) -> NoteConflict | None:
    """Save *text* as the note on an experiment, if the note is still the one that *mark* is of; else return both.

    Raises:
        DocumentNotFoundError: there is no such experiment.
        InvalidValueError: the text is too long, or the class of the experiment is not registered.
        ReadOnlyError, NotAllowedError, DecodeError: as ``Store.load`` and ``Store.save``.

    Cost:
        The head of the experiment is read and written; of one that Ax or a class of the user's own made, all of it.
    """
    text = text.replace("\r\n", "\n")  # as a browser sends each line
    if len(text) >= _LONGEST:
        raise InvalidValueError("note", text, f"Give less than {_LONGEST:,} characters: it has {len(text):,}.")
    experiment = source.store.load(name, lazy=True, unknown="keep")
    if isinstance(experiment, UnknownObject) or not isinstance(getattr(experiment, "description", 0), (str, NoneType)):
        remedy = "Its class has no description, or is not installed where these pages run: start them where it is."
        raise InvalidValueError("experiment", name, remedy)
    if note_of(experiment.description).mark != mark:
        return _conflict(source, name, text, message, author)
    if text == (experiment.description or "").replace("\r\n", "\n"):
        return None
    experiment.description = text or None
    try:
        source.store.save(experiment, parts=[], message=message, author=author)
    except ConflictError:
        return _conflict(source, name, text, message, author)
    return None


def _conflict(source: Source, name: str, text: str, message: str, author: str | None) -> NoteConflict:
    theirs = note_in(source, source.head(name))
    version = next(iter(source.store.history(name, pointer="/description")), source.newest_version(name))
    return NoteConflict(name, theirs, change_row(source, name, EXPERIMENT, version), text, message, author or "")
