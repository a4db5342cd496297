"""What a browser that has the token may change: set and remove a tag, bring a version back, edit a note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from docstore.errors import InvalidValueError
from docstore.web.formats import read_number
from docstore.web.pages.note import NoteConflict, save_note
from docstore.web.source import EXPERIMENT, Source

Action: TypeAlias = Callable[[Source, Mapping[str, str]], NoteConflict | None]
"""Does what a form asks for; returns what stood in its way, if a person has to decide."""


def set_tag(source: Source, form: Mapping[str, str]) -> None:
    """Let a tag name a version; it may name another one until now, if the form says ``move``."""
    version = _number(form)
    source.store.tag(form["name"], form["tag"].strip(), version, kind=form["kind"], move=form.get("move") == "yes")


def remove_tag(source: Source, form: Mapping[str, str]) -> None:
    """Remove a tag."""
    source.store.untag(form["name"], form["tag"], kind=form["kind"])


def revert(source: Source, form: Mapping[str, str]) -> None:
    """Make the state of a version the newest version, with the message of the form."""
    number = _number(form)
    message = form.get("message", "").strip() or f"back to version {number}"
    source.store.revert(form["name"], number, kind=form["kind"], message=message, author=_author(form))


def edit_note(source: Source, form: Mapping[str, str]) -> NoteConflict | None:
    """Change the description of an experiment, if it is still the one that the form was made from."""
    if form["kind"] != EXPERIMENT:
        raise InvalidValueError("kind", form["kind"], "Only experiments have a description.")
    message = form.get("message", "").strip() or "description edited"
    return save_note(source, form["name"], form.get("note", ""), form.get("mark", ""), message, _author(form))


def _author(form: Mapping[str, str]) -> str | None:
    """Return who changes something; None for the author of the store, if nobody said who they are."""
    return form.get("author", "").strip() or None


def _number(form: Mapping[str, str]) -> int:
    text = form.get("version", "")
    number = read_number(text)
    if number is None:
        raise InvalidValueError("version", text, "Give the number of a version.")
    return number


ACTIONS: Final[Mapping[str, Action]] = {
    "/tag": set_tag,
    "/untag": remove_tag,
    "/revert": revert,
    "/note": edit_note,
}
"""By path. Each form has the ``kind`` and the ``name`` of a document."""
