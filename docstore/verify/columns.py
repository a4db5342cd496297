"""What the columns beside a body say, held against the body and against the history, wherever these are certain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from docstore.abridging import abridged
from docstore.documents.canonical import JSON
from docstore.documents.history import Version
from docstore.documents.kinds import Kind, PartRule, is_document, position_of
from docstore.sql.rows import HeadRow

_MODELS: Final = ("docstore", "ax", "user")
_ID: Final = re.compile("[0-9a-f]{32}")

Names = Mapping[tuple[str, int], str]
"""What the integers mean: by the column of ``codes`` and the value."""

Called = Callable[[str], "tuple[str, str] | None"]
"""Gives the kind and the name of the document with an id, if it is there."""


def unlike_head(
    kind: Kind, head: HeadRow, row: sa.Row[Any], body: JSON, names: Names | None, called: Called
) -> Iterator[str]:
    """Yield which columns of a head's row say other than its *body*."""
    yield from _unlike_codes(kind, row, body, names)
    if is_document(body):
        name = kind.name_in(body)
        if head.name != name:
            yield f"the column name says {head.name!r}, and the body {name!r}"
        yield from _unlike_model(row, _MODELS)
    else:
        yield from _unlike_model(row, ("user",))  # whatever was put as JSON
    if row.position is not None:
        yield f"the column position says {row.position}, and a head has none"
    owner = kind.owner_in(body)
    # Without one, there was no such document when this one was saved.
    if row.owner is not None:
        yield from _unlike_owner(kind, row.owner, owner, called)


def unlike_part(
    kind: Kind, head: HeadRow, project: str, row: sa.Row[Any], body: JSON, names: Names | None
) -> Iterator[str]:
    """Yield which columns of a part's row say other than its *body*, its path and the row of the head."""
    rule = kind.rule(row.path)
    if rule is None:
        yield f"a {kind.name} like this one has no such part"
        return
    yield from _unlike_codes(rule, row, body, names)
    yield from _unlike_model(row, _MODELS)
    wanted = {
        "project": project,
        "kind": rule.name,
        "name": None,
        "owner": None,
        "position": position_of(row.path),
        "deleted_at": None,
    }
    for column, right in wanted.items():
        said = getattr(row, column)
        if said != right:
            yield f"the column {column} says {_shown(said)}, and of this part it is {_shown(right)}"
    if not 1 <= row.version <= head.version:
        yield f"the column version says {row.version}, and the document is at version {head.version}"
    if row.created_at > row.updated_at:
        yield "the column created_at says a later time than updated_at"


def _unlike_codes(rule: Kind | PartRule, row: sa.Row[Any], body: JSON, names: Names | None) -> Iterator[str]:
    if names is None:  # what the integers mean cannot be read
        return
    for column, code, value in (("type", rule.type, row.type), ("status", rule.status, row.status)):
        said, name = (names.get((code.column, value)), code.name_in(body)) if code else (value, None)
        if said != name or (name is None and value is not None):
            yield f"the column {column} says {value if said == name else said!r}, and the body {name!r}"


def _unlike_model(row: sa.Row[Any], possible: tuple[str, ...]) -> Iterator[str]:
    if row.model not in possible:
        yield f"the column model says {abridged(row.model)}, and it is {' or '.join(map(repr, possible))}"


def _unlike_owner(kind: Kind, id: str, name: str | None, called: Called) -> Iterator[str]:
    if name is None:
        yield f"the column owner says {abridged(id)}, and the body names none"
    elif not _ID.fullmatch(id):
        yield f"the column owner says {abridged(id)}, which is no id"
    elif (found := called(id)) not in (None, (kind.owner_kind, name)):
        yield f"the column owner is the id of {' '.join(map(abridged, found or ()))}, and the body names {name!r}"


def _shown(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else abridged(value)


@dataclass(frozen=True, slots=True)
class Said:
    """What the row of a part says of its past: the version that wrote it last, when that was, and when it was added."""

    version: int
    created_at: datetime
    updated_at: datetime


class Written:
    """When each part was written last, as its row says, held against the history, from the newest version back."""

    def __init__(self, parts: Mapping[str, Said]) -> None:
        """Shapes: parts: by path."""
        self._moments: dict[int, dict[str, datetime]] = {}
        for path, said in parts.items():
            self._moments.setdefault(said.version, {})[path] = said.updated_at
        self._open = {path: said.version for path, said in parts.items()}

    def times(self, version: Version) -> Iterator[tuple[str, str]]:
        """Yield what a part says other than the time of *version*, which it says wrote it."""
        for path, moment in self._moments.get(version.number, {}).items():
            if moment != version.created_at:
                yield path, f"the column updated_at says other than version {version.number}, which it says wrote it"
            if version.folded:  # that it touched this part cannot be told any more
                self._open.pop(path, None)

    def touched(self, version: Version, paths: set[str] | None) -> Iterator[tuple[str, str]]:
        """Yield what a part says other than *version*, which touched the pieces at *paths*, or, if None, any."""
        wrote_all = _begins(version)
        if paths is None and not wrote_all:
            self._open.clear()  # of these, not each was written
            return
        for path in list(self._open) if wrote_all or paths is None else paths & self._open.keys():
            said = self._open.pop(path)
            # What others touched that were folded into it is not told apart.
            if said != version.number and not version.folded:
                yield path, f"the column version says {said}, and version {version.number} wrote it last"
        for path in self._moments.get(version.number, ()) if not version.folded else ():
            if self._open.pop(path, None) is not None:
                yield path, f"the column version says {version.number}, and that version did not write it"

    def lose(self) -> None:
        """Take notice of versions that are missing, or cannot be read: what they wrote is not known."""
        self._open.clear()


class Added:
    """When each part was added, as its row says, held against the history, from the newest version back."""

    def __init__(self, parts: Mapping[str, Said]) -> None:
        """Shapes: parts: by path."""
        self._open = {path: said.created_at for path, said in parts.items()}
        self._at: dict[datetime, list[str]] = {}
        for path, moment in self._open.items():
            self._at.setdefault(moment, []).append(path)

    def by(self, versions: Sequence[Version], paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield what a part says other than the time of one of *versions*, which added the parts at *paths*.

        Shapes:
            versions: one that is kept, then those that were folded into it, newest first
        """
        first = next((index for index, version in enumerate(versions) if _begins(version)), None)
        if first is not None:
            versions, paths = versions[: first + 1], list(self._open)
        moments = {version.created_at for version in versions}
        if len(versions) > 1:  # one of them may have removed a part, and another added it again
            for path in [path for moment in moments for path in self._at.get(moment, ())]:
                self._open.pop(path, None)
        newest, oldest = versions[0].number, versions[-1].number
        which = f"version {newest}" if newest == oldest else f"one of the versions {oldest} to {newest}"
        for path in paths:
            said = self._open.pop(path, None)
            if said is not None and said not in moments:
                yield path, f"the column created_at says {_shown(said)}, and {which} added it at another time"

    def lose(self) -> None:
        """Take notice of versions that are missing, or cannot be relied on: what they added is not known."""
        self._open.clear()

    def forget(self, paths: Iterable[str]) -> None:
        """Take notice of parts whose rows are damaged otherwise: the history is not held against them."""
        for path in paths:
            self._open.pop(path, None)


def _begins(version: Version) -> bool:
    """Return whether *version* wrote all of its document anew."""
    return version.number == 1 or (version.parent is not None and version.parent.how == "branch")
