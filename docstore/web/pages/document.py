"""The JSON of a document, and beside each place the version that changed it last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from docstore.documents.canonical import JSON, Absent, join_pointer, split_pointer
from docstore.documents.diff.format import read_in_full, read_one
from docstore.documents.history import last_changed
from docstore.documents.kinds import KINDS, PartRule
from docstore.errors import VersionNotFoundError
from docstore.web.formats import Stamp, Table, cut
from docstore.web.pages.changes import ChangeRow, Shown, change_row, shown_version
from docstore.web.source import EXPERIMENT, Source

PAGE: Final = 200
"""Places of a page, if their pointers are not long."""

_IN_PARTS: Final = "each stored by itself: open the place"
"""Shown at the root for a field whose members are parts."""

_LONGEST: Final = 100_000
"""Characters of a text that is shown whole."""

_MEMBERS: Final = 5_000
"""Members of a value beyond which its text is not made."""

_WALKED: Final = 2_000
"""Versions that are looked through for who changed what."""


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A member or an item of a value, with the version that changed it last.

    Attributes:
        text: of the value, on one line.
        inside: how many members or items it has; None for a value without any.
        by: that version, which may be folded by now; None if it is older than all that were looked through.
    """

    pointer: str
    key: str
    text: str
    inside: int | None
    by: ChangeRow | None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """The value at a pointer, at a version, one row for each member.

    Attributes:
        version: the one that is shown.
        way: the pointers from the root to this value, each with its last token.
        start: how many places come before this page, of *total*; each page has *size* of them.
        text: the value as JSON; "" if it is long.
        unread_before: the number of the version before which no version was looked through; None if it needed none.
    """

    kind: str
    name: str
    pointer: str
    version: ChangeRow
    head: int
    way: list[tuple[str, str]]
    places: list[PlaceRow]
    start: int
    size: int
    total: int
    unread_before: int | None
    text: str
    newest: ChangeRow
    stamp: Stamp

    @property
    def table(self) -> Table:
        """The places as a table."""
        columns = ("pointer", "value", "version", "changed_at", "author")
        return Table(
            columns,
            [
                (
                    each.pointer,
                    each.text,
                    *((each.by.number, each.by.created_at, each.by.author) if each.by else ("", "", "")),
                )
                for each in self.places
            ],
        )


@dataclass(frozen=True, slots=True)
class Look:
    """Which value of which document to show.

    Attributes:
        version: a number or a tag; "" for the newest.
        start: how many places come before the page.
        seal: the beginning of the version's chain, as the page links itself: then it is this version forever.
    """

    name: str
    kind: str = EXPERIMENT
    pointer: str = ""
    version: str = ""
    start: int = 0
    seal: str = ""


def document_page(source: Source, look: Look) -> DocumentPage:
    """Return the value at a pointer of a document at a version.

    Raises:
        DecodeError: there is nothing at the pointer.
        VersionNotFoundError: there is no such version; or it has another chain than the seal says.

    Cost:
        As ``Store.get``, but that at the root the parts are left out; and the changes of versions, from this one back,
        until each place was met, at most 2,000.
    """
    name, kind = look.name, look.kind
    shown = shown_version(source, name, kind, look.version)
    is_fixed = look.seal == shown.version.chain[:12]
    if look.seal and not is_fixed:
        wanted = f"{look.version} with the seal {look.seal}"
        raise VersionNotFoundError(name, wanted=wanted, head=shown.head, kind=kind)
    what = f"places of {kind} {name} at {look.pointer} from {look.start}"
    found = source.by_chain(shown.version, what, lambda: _places(source, look, shown), _weight)
    places = _blamed(source, look, found)
    version = change_row(source, name, kind, shown.version)
    newest = version if is_fixed else shown.newest
    made_of = shown.version.chain if is_fixed else repr((version, newest, places))
    return DocumentPage(
        kind,
        name,
        look.pointer,
        version,
        newest.number,
        _way(look.pointer),
        places,
        look.start,
        _size(look.pointer),
        found.total,
        max(1, shown.version.number - _WALKED) if any(each.by is None for each in places) else None,
        found.text,
        newest,
        Stamp(f"{made_of} {look.pointer} {look.start}", is_fixed),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A page of places, of *total*, and the text of the whole value.

    Attributes:
        blamed: by pointer the number of the version that changed the place last.
    """

    places: list[PlaceRow]
    blamed: Mapping[str, int]
    total: int
    text: str


def _blamed(source: Source, look: Look, found: _Found) -> list[PlaceRow]:
    """Return the places, each with the version that changed it last, as that one is kept now."""
    versions = source.versions(look.name, look.kind, set(found.blamed.values()))
    rows = {each.number: change_row(source, look.name, look.kind, each) for each in versions}
    return [replace(each, by=rows.get(found.blamed.get(each.pointer, 0))) for each in found.places]


def _weight(found: _Found) -> int:
    return 8 * len(found.places) + len(found.text) // 50 + 1


def _places(source: Source, look: Look, shown: Shown) -> _Found:
    """Return a page of places in the version *shown*, each with the version that changed it last."""
    rules = {rule.path("")[:-1]: rule for rule in KINDS[look.kind].parts} if look.kind in KINDS else {}
    if not shown.newer and look.pointer in rules:
        return _parts(source, look, rules[look.pointer])
    value = _value(source, look.name, look.kind, look.pointer, shown.number_if_old)
    parts = {rule.field for rule in rules.values()} if look.pointer == "" else set()
    found = list(_members(value, look.pointer))
    page = [
        replace(each, text=_IN_PARTS, inside=0) if each.key in parts else each
        for each in found[look.start : look.start + _size(look.pointer)]
    ]
    blamed = last_changed(
        islice(iter(shown.timeline), shown.newer, shown.newer + _WALKED), [each.pointer for each in page]
    )
    numbers = {pointer: version.number for pointer, version in blamed.items()}
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) if len(found) < _MEMBERS else ""
    return _Found(page, numbers, len(found), text if len(text) <= _LONGEST else "")


def _parts(source: Source, look: Look, rule: PartRule) -> _Found:
    """Return a page of the parts of a field in the newest version, by their columns: their bodies are not read."""
    found = source.store.find(look.kind, part=rule.name, name=look.name)
    page = list(islice(found, look.start, look.start + PAGE))
    places = [
        PlaceRow(part.path, split_pointer(part.path)[-1], part.status or "open the place", 0, None) for part in page
    ]
    return _Found(places, {part.path: part.version for part in page}, found.count(), "")


def _size(pointer: str) -> int:
    """Return how many places a page has; each has links with *pointer* in them."""
    return min(PAGE, max(10, 100_000 // (3 * len(pointer) + 1)))


def _value(source: Source, name: str, kind: str, pointer: str, number: int | None) -> JSON:
    if pointer == "" and kind in KINDS and KINDS[kind].parts:
        return dict(source.head(name, kind, number))
    found = source.stored(name, pointer, kind, number)
    return None if isinstance(found, Absent) else found


def _members(value: JSON, pointer: str) -> Iterator[PlaceRow]:
    """Yield a row for each member or item; for a value without any, a row of itself."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield _row(f"{pointer}{join_pointer((key,))}", key, value[key])
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield _row(f"{pointer}/{index}", str(index), item)
    else:
        key = (split_pointer(pointer) or ["the document"])[-1]
        yield PlaceRow(pointer, key, cut(read_in_full(value), _LONGEST), None, None)


def _row(pointer: str, key: str, value: JSON) -> PlaceRow:
    inside = len(value) if isinstance(value, (dict, list)) and value else None
    return PlaceRow(pointer, key, read_one(value), inside, None)


def _way(pointer: str) -> list[tuple[str, str]]:
    tokens = split_pointer(pointer)
    return [(join_pointer(tokens[: end + 1]), token) for end, token in enumerate(tokens)]
