"""One thing that changed, as a row of a description: of what, what of it, what was there, and what is there now."""

from __future__ import annotations

from dataclasses import dataclass

from docstore.documents.canonical import ABSENT, MaybeJSON, join_pointer
from docstore.documents.diff.format import Way, on_one_line, unlike_places
from docstore.documents.diff.reading import read_both


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that changed; ``str`` makes a sentence of it: ``trial 7: mean of accuracy 0.31 -> 0.33``.

    Attributes:
        subject: ``trial 7``, ``parameter x``; empty for a place that stands for itself.
        what: ``mean of accuracy``, or a place: ``properties/team``; empty if it is the subject as a whole.
        was, now: how the values read, on one line; None where nothing was, or is; empty where there is no more to say.
    """

    subject: str
    what: str
    was: str | None
    now: str | None

    @property
    def verb(self) -> str:
        """``added``, ``removed``, or nothing for a change."""
        return "added" if self.was is None else "removed" if self.now is None else ""

    def __str__(self) -> str:
        value = " -> ".join(text for text in (self.was, self.now) if text is not None)
        if self.subject and self.what:
            rest = _spaced(self.what, value, self.verb)
        elif self.subject:
            rest = ", ".join(filter(None, (self.verb, value)))
        else:
            return f"{self.what}: {_spaced(self.verb, value)}"
        return f"{self.subject}: {rest}"


def _spaced(*texts: str) -> str:
    return " ".join(filter(None, texts))


def line(subject: str, what: str, was: MaybeJSON, now: MaybeJSON) -> Line:
    """Return the line of two values."""
    return Line(subject, on_one_line(what), *read_both(was, now))


def plain_lines(subject: str, way: Way, was: MaybeJSON, now: MaybeJSON, *, of: str = "") -> list[Line]:
    """Return a line for each place in which the two values differ, at the end of *way*: at least one, if they do.

    Args:
        of: what the places are of: ``accuracy``, for ``mean of accuracy``.
    """
    places = [((), was, now)] if was is ABSENT or now is ABSENT else unlike_places(was, now)
    return [line(subject, _what(subject, (*way, *rest), of), *pair) for rest, *pair in places]


def _what(subject: str, way: Way, of: str) -> str:
    pointer = join_pointer(way)
    # Without its slash, the pointer of an empty key would be no text at all.
    place = pointer.removeprefix("/") or pointer
    if of:
        return f"{place} of {of}" if place else of
    return place if place or subject else "the root"


def whole(subject: str, was: str | None, now: str | None) -> Line:
    """Return the line of a subject that came, went, or became another, with what there is to say of it."""
    return Line(subject, "", was, now)
