"""What the columns beside a body say, held against the body and against the history, wherever these are certain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from docstore.documents.history import Version
from docstore.sql.columns import _shown


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
