"""Who changed what, and when: a version in words, which every page begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from docstore.documents.canonical import MaybeJSON, split_pointer
from docstore.documents.diff.format import read_both, read_name
from docstore.documents.display import counted
from docstore.documents.history import Version
from docstore.documents.kinds import EXPERIMENT, KINDS
from docstore.documents.patch import Change
from docstore.errors import DocstoreError
from docstore.web.formats import cut, read_number
from docstore.web.source import Source

_PHRASES: Final = 4
"""Phrases about one version; the rest is counted."""

_MESSAGE: Final = 300
"""Characters of a message, and of a phrase."""

_TAGS: Final = 20
"""Tags of a version that are shown."""

_VALUES: Final = 3
"""Places whose new value is looked up, for a version that changed no more."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A version of a document, in words.

    Attributes:
        words: what it changed: ``trials 4 to 6 added``, ``status OPTIMIZATION -> COMPLETED``.
        places: how many places it changed; None if ``compact`` folded it.
        origin: ``branch of version 2 of 'bread'``, if it came from another document.
    """

    kind: str
    name: str
    number: int
    created_at: datetime
    author: str
    message: str
    words: tuple[str, ...]
    places: int | None
    tags: tuple[str, ...]
    origin: str
    digest: str
    chain: str

    @property
    def sentence(self) -> str:
        """The words as one text."""
        return "; ".join(self.words)


@dataclass(frozen=True, slots=True)
class Shown:
    """The version of a document that a page shows.

    Attributes:
        timeline: all versions, newest first; *newest* is the first one in words.
    """

    timeline: Sequence[Version]
    version: Version
    newest: ChangeRow

    @property
    def head(self) -> int:
        """The number of the newest version."""
        return len(self.timeline)

    @property
    def newer(self) -> int:
        """How many versions are newer than the one that is shown."""
        return self.head - self.version.number

    @property
    def number_if_old(self) -> int | None:
        """The number of the version; None for the newest, which is read without its history."""
        return self.version.number if self.newer else None


def shown_version(source: Source, name: str, kind: str, wanted: str) -> Shown:
    """Return the version of a document that a number or a tag names; for "", the newest.

    Raises:
        VersionNotFoundError: there is none; for a tag, has those that there are.
        DocumentNotFoundError, DamagedDocumentError: as ``Store.history``.
    """
    version = version_named(source, name, kind, wanted) if wanted else None  # first: the timeline has it, as it grows
    timeline = source.store.history(name, kind=kind)
    return Shown(timeline, version or timeline[0], newest_change(source, name, kind, timeline[0]))


def version_named(source: Source, name: str, kind: str, wanted: str) -> Version:
    """Return the version of a document that a number or a tag names."""
    number = read_number(wanted)
    return source.store.version(name, wanted if number is None else number, kind=kind)


def newest_change(source: Source, name: str, kind: str, version: Version) -> ChangeRow:
    """Return the newest version of a document in words, with the new values where it changed few places."""

    def value_now(pointer: str) -> MaybeJSON:
        return source.stored(name, pointer, kind, version.number)

    places = change_row(source, name, kind, version).places
    is_small = places is not None and places <= _VALUES
    return change_row(source, name, kind, version, value_now=value_now if is_small else None)


def change_row(
    source: Source,
    name: str,
    kind: str,
    version: Version,
    tags: Mapping[str, int] | None = None,
    value_now: Callable[[str], MaybeJSON] | None = None,
) -> ChangeRow:
    """Return a version in words.

    Args:
        tags: of the document.
        value_now: gives the value at a pointer in this version.
    """

    def make() -> tuple[tuple[str, ...], int | None]:
        return words_of(version, kind, value_now), len(version.places) if version.is_kept else None

    what = f"words for {kind}" if value_now is None else f"words for {kind} with values"
    if not version.is_kept:
        what = "words for a folded version"  # before compact(), the same version had others
    words, places = source.by_chain(version, what, make, lambda made: 1)
    return ChangeRow(
        kind,
        name,
        version.number,
        version.created_at,
        version.author,
        cut(version.message, _MESSAGE),
        words,
        places,
        tuple(sorted(tag for tag, number in (tags or {}).items() if number == version.number)[:_TAGS]),
        origin_of(source, version),
        version.digest,
        version.chain,
    )


def origin_of(source: Source, version: Version) -> str:
    """Return where a version came from, in words; "" for a save."""
    if version.parent is None:
        return ""
    name = source.name_of(version.parent.id)
    other = "a document that was purged" if name is None else repr(name)
    return f"{version.parent.how} of version {version.parent.version} of {other}"


# --- words -----------------------------------------------------------------------------------------------------------

_VERBS: Final = {"add": "added", "remove": "removed", "replace": "changed"}


def words_of(version: Version, kind: str, value_now: Callable[[str], MaybeJSON] | None = None) -> tuple[str, ...]:
    """Return what a version changed, in a few phrases, by the pointers that it changed.

    Cost:
        None but a parse of its changes: the document is not read, unless *value_now* does.
    """
    if not version.is_kept:
        return ("folded: which places it changed is not kept",)
    if version.number == 1:
        return ("created",)
    shown = set(version.places)
    changes = [change for change in version.changes if change.path in shown]
    phrases = [cut(phrase, _MESSAGE) for phrase in _phrases(changes, kind, value_now)]
    rest = len(phrases) - _PHRASES
    return (*phrases[:_PHRASES], *([f"{rest:,} more"] if rest > 0 else []))


def _phrases(changes: Sequence[Change], kind: str, value_now: Callable[[str], MaybeJSON] | None) -> Iterator[str]:
    rules = {rule.field: rule.name for rule in KINDS[kind].parts} if kind in KINDS else {}
    parts: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        field, *way = split_pointer(change.path) or [""]
        if field in rules and len(way) == 1:
            parts.setdefault((field, _VERBS[change.op]), []).append(way[0])
    for (field, verb), keys in parts.items():
        if not (field == "data" and parts.get(("trials", verb)) and set(keys) <= set(parts["trials", verb])):
            # The data of new trials came with them.
            yield f"{_part_names(kind, field, rules[field], keys)} {verb}"
    for change in changes:
        tokens = split_pointer(change.path)
        if not (tokens and tokens[0] in rules and len(tokens) == 2):
            yield _phrase(change, tokens, rules, value_now)


def _part_names(kind: str, field: str, noun: str, keys: Sequence[str]) -> str:
    """Return ``trial 7``, ``trials 4 to 6``, ``data of 12 trials (1 to 40)``."""
    of, noun = ("data of ", "trial") if kind == EXPERIMENT.name and field == "data" else ("", noun.replace("_", " "))
    if len(keys) == 1:
        return f"{of}{noun} {read_name(keys[0])}"
    if not all(key.isdigit() for key in keys):
        return of + counted(len(keys), noun)
    numbers = sorted(map(int, keys))
    first, last = numbers[0], numbers[-1]
    if last - first + 1 == len(numbers):
        return f"{of}{noun}s {first:,} to {last:,}"
    return f"{of}{counted(len(numbers), noun)} ({first:,} to {last:,})"


def _phrase(
    change: Change, tokens: Sequence[str], rules: Mapping[str, str], value_now: Callable[[str], MaybeJSON] | None
) -> str:
    """Return ``trial 7: status RUNNING -> COMPLETED`` for a change inside a part, else ``description changed``."""
    subject = ""
    if tokens and tokens[0] in rules and len(tokens) > 2:
        noun = "data of trial" if tokens[0] == "data" else rules[tokens[0]].replace("_", " ")
        subject, tokens = f"{noun} {read_name(tokens[1])}: ", tokens[2:]
    place = "/".join(map(read_name, tokens)) or "all of it"
    if value_now is None or change.op != "replace" or isinstance(change.old, (dict, list)):
        return f"{subject}{place} {_VERBS[change.op]}"
    try:
        was, now = read_both(change.old, value_now(change.path))
    except DocstoreError:  # a list was changed before this place: its index is another one now
        return f"{subject}{place} {_VERBS[change.op]}"
    return f"{subject}{place} {was} \N{RIGHTWARDS ARROW} {now}"
