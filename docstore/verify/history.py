"""Check the history of a document from the newest version back: each link of the chain, and each version rebuilt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from docstore.documents.canonical import ABSENT
from docstore.documents.history import GENESIS, NOT_KEPT, Parent, Version, chained, changes_from, lineage
from docstore.documents.kinds import HEAD
from docstore.documents.patch import Change
from docstore.errors import CodecError, DamagedDocumentError, DecodeError, PatchError
from docstore.sql.reader import version_metadata
from docstore.sql.rows import HeadRow
from docstore.verify.damage import Damage, Subject
from docstore.verify.rows import CurrentState, Decode, PartColumns, undecoded
from docstore.verify.statements import Unread

_MOST_MISSING: Final = 1_000
"""More missing versions in a row are reported as one damage: a damaged column ``version`` may have any number."""

_DIGEST: Final = re.compile("[0-9a-f]{64}")

_WHOLE: Final = (Change("add", HEAD),)
"""The changes of the oldest kept version."""


class History:
    """Checks the rows of the history of one document, newest first.

    Args:
        parents: of the versions that have one: versions from before a branch are chained under another id.
        now: the current state; without it, only the chain can be checked.
        watched: the versions that ``kept`` is to tell about.
    """

    def __init__(
        self,
        head: HeadRow,
        parents: Mapping[int, Parent],
        now: CurrentState,
        decode: Decode | None,
        watched: frozenset[int] = frozenset(),
    ) -> None:
        self._head, self._now, self._decode, self._watched = head, now, decode, watched
        self._subject = Subject(head.kind, head.name, head.id)
        self._saved_in = lineage(parents, head.id)
        self._state, now.state = now.state, None
        self._blame = now.blame  # for a state that is not what was saved, until it is rolled back to one that is
        self._written = LastWrites(now.parts)
        self._added = Additions({path: said for path, said in now.parts.items() if said.is_possible})
        self._expected = head.version
        self._newer: tuple[Version, str] | None = None  # with the text of its changes, until its link is checked
        self._pending: Version | None = None  # the last kept one, whose changes are to be undone next
        self._folded: list[Version] = []  # the versions that were folded into it
        self._doubted: set[int] = set()  # versions whose link to the one before is broken
        self.kept: dict[int, bool] = {}
        """For each watched version that has a row, whether it is kept."""

    def check(self, row: sa.Row[Any] | Unread) -> Iterator[Damage]:
        """Yield each damage that the next older row shows."""
        number = int(row.key) if isinstance(row, Unread) else row.version
        if not 1 <= number <= self._head.version:
            yield self._subject.version(number, f"the document is at version {self._head.version} only")
            return
        yield from self._missing(number)
        self._expected = number - 1
        if isinstance(row, Unread):
            yield self._subject.version(number, row.problem)
            self._lose()
            return
        try:
            version = version_metadata(self._head.name, row, is_kept=row.changes != NOT_KEPT)
        except DamagedDocumentError as error:
            yield self._subject.version(number, error.problem)
            self._lose()
            return
        if number in self._watched:
            self.kept[number] = version.is_kept
        yield from self._link(version)
        self._newer = version, row.changes
        yield from self._folding(version)
        yield from self._rebuilt(version, row.changes)
        yield from self._times(version)

    def end(self) -> Iterator[Damage]:
        """Yield the damage of versions that are missing before the oldest row, and of that row itself."""
        yield from self._missing(0)
        if self._newer is not None:
            yield from self._link(None)
        if self._state is not None and self._pending is not None:
            if self._pending.changes == _WHOLE:
                yield from self._wrote(self._pending, None, ())
            else:
                problem = "its changes are not the add of the whole document, and no version before it is kept"
                yield self._subject.version(self._pending.number, problem)

    def unexplained(self) -> Iterator[Damage]:
        """Yield that the document is not what was saved, if the history did not show which of its rows are damaged."""
        if self._blame is not None:
            yield from self._blame.end()

    def _missing(self, number: int) -> Iterator[Damage]:
        """Yield the versions without a row, down to the one after version *number*."""
        first, last = number + 1, self._expected
        if first > last:
            return
        self._lose()
        if last - first < _MOST_MISSING:
            for each in range(last, first - 1, -1):
                yield self._subject.version(each, "its row is missing; no older version can be rebuilt")
        else:
            problem = "their rows are missing; no older version can be rebuilt"
            yield self._subject.rows("versions", problem, f"versions {first} to {last}")

    def _lose(self) -> None:
        """Give up rebuilding older versions, as a row is missing or unreadable."""
        self._newer = self._state = self._pending = None
        self._written.lose()
        if self._blame is not None:
            self._blame.lose()

    # --- the chain, and folded versions ------------------------------------------------------------------------------

    def _link(self, older: Version | None) -> Iterator[Damage]:
        """Yield the damage of the newer version's row if its chain does not continue that of *older*."""
        if self._newer is None:
            return
        version, changes = self._newer
        previous = older.chain if older else GENESIS
        if chained(previous, self._saved_in(version.number), version, changes) != version.chain:
            yield self._subject.version(version.number, "its row, or the chain before it, was changed")
            self._doubted.add(version.number)
            if self._blame is not None:  # a changed version is no evidence against rows
                self._blame.lose()
                self._state = None

    def _folding(self, version: Version) -> Iterator[Damage]:
        if version.folded and not _DIGEST.fullmatch(version.folded):
            yield self._subject.version(version.number, f"the column folded says {version.folded!r:.100}, no digest")
        if version.is_kept and version.number == 1 and version.folded:
            yield self._subject.version(1, "it says that others were folded into it, and there are none before it")
        if version.is_kept:
            return
        if not version.folded:
            yield self._subject.version(
                version.number, "it is not kept, and the column folded does not say what it was"
            )
        if version.number == self._head.version:
            yield self._subject.version(version.number, "it is not kept, though it is the current version")

    # --- versions rebuilt --------------------------------------------------------------------------------------------

    def _rebuilt(self, version: Version, text: str) -> Iterator[Damage]:
        """Yield the damage of a rebuilt state that is not what was saved, and of changes that are invalid."""
        if not version.is_kept:
            self._folded.append(version)
            if version.number == self._head.version:
                self._state = None
            return
        if self._state is not None and self._pending is not None:
            yield from self._back_to(version, self._pending)
        try:
            changes = changes_from(text)
        except (DecodeError, PatchError) as error:
            yield self._subject.version(version.number, str(error), error.pointer)
            self._state = None
            self._written.lose()
            return
        self._pending, self._folded = replace(version, changes=changes), []

    def _back_to(self, version: Version, newer: Version) -> Iterator[Damage]:
        assert self._state is not None  # checked by the caller
        touched = self._state.touched(newer.changes)
        if self._blame is not None:
            undone = yield from self._blame.back(version, newer)
            self._added.forget(self._blame.blamed)
            if self._blame.is_lost:
                self._state = None
                return
            if self._blame.is_over:
                self._blame = None
        else:
            try:
                undone = self._state.undo(newer.changes)
            except (PatchError, CodecError) as error:
                problem = f"it cannot be rebuilt, as the changes of version {newer.number} do not fit: {error}"
                yield self._subject.version(version.number, problem, error.pointer)
                self._state = None
                return
        if newer.number not in self._doubted or self._state.digest() == version.digest:
            added = [path for path, body in undone.items() if body is not ABSENT and path not in self._state.pieces]
            yield from self._wrote(newer, touched, added)
        else:
            self._written.lose()
            self._added.lose()
        if self._blame is None:
            yield from self._as_saved(version, newer)

    def _as_saved(self, version: Version, newer: Version) -> Iterator[Damage]:
        assert self._state is not None  # checked by the caller
        if self._state.digest() != version.digest:
            problem = f"what is rebuilt by the changes of version {newer.number} has another digest"
            yield self._subject.version(version.number, problem)
        elif self._decode is not None and (refused := undecoded(self._decode, self._state.document)):
            yield self._subject.version(version.number, *refused)

    def _wrote(self, version: Version, touched: set[str] | None, added: Iterable[str]) -> Iterator[Damage]:
        """Yield parts whose columns contradict that *version*, or one folded into it, *touched* and *added* them."""
        for path, problem in self._written.touched(version, touched):
            yield self._subject.piece(path, problem)
        versions = (version, *self._folded)
        if any(each.number in self._doubted for each in versions):  # they may not be what was saved
            self._added.lose()
        for path, problem in self._added.by(versions, added):
            yield self._subject.piece(path, problem)

    # --- times -------------------------------------------------------------------------------------------------------

    def _times(self, version: Version) -> Iterator[Damage]:
        if version.folded:
            self._written.folded(version)
        if version.number == 1 and self._now.created_at not in (None, version.created_at):
            yield self._subject.head("the column created_at is not the time of the first version")
        if version.number == self._head.version and self._head.updated_at != version.created_at:
            yield self._subject.head("the column updated_at is not the time of the current version")


# --- the columns of parts compared with the history -------------------------------------------------------------------


class LastWrites:
    """Compares the last write of each part, as its columns have it, with the history, from the newest version back."""

    def __init__(self, parts: Mapping[str, PartColumns]) -> None:
        """Shapes: parts: by path."""
        self._open = {path: said.version for path, said in parts.items()}
        self._by: dict[int, list[str]] = {}
        for path, number in self._open.items():
            self._by.setdefault(number, []).append(path)

    def folded(self, version: Version) -> None:
        """Leave out the parts that *version* wrote by their columns: whether it touched them is not known any more."""
        for path in self._by.get(version.number, ()):
            self._open.pop(path, None)

    def touched(self, version: Version, paths: set[str] | None) -> Iterator[tuple[str, str]]:
        """Yield the parts whose column ``version`` contradicts *version*, which touched *paths* (None: not known)."""
        wrote_all = _begins(version)
        if paths is None and not wrote_all:
            self._open.clear()  # it may have written any of these
            return
        for path in list(self._open) if wrote_all or paths is None else paths & self._open.keys():
            said = self._open.pop(path)
            # The versions that were folded into it may have touched the part instead.
            if said != version.number and not version.folded:
                yield path, f"the column version says {said}, and version {version.number} wrote it last"
        for path in self._by.get(version.number, ()) if not version.folded else ():
            if self._open.pop(path, None) is not None:
                yield path, f"the column version says {version.number}, and that version did not write it"

    def lose(self) -> None:
        """Give up, as versions are missing or unreadable, and what they wrote is not known."""
        self._open.clear()


class Additions:
    """Compares the column ``added`` of each part with the history, from the newest version back."""

    def __init__(self, parts: Mapping[str, PartColumns]) -> None:
        """Shapes: parts: by path; the column is not NULL."""
        self._open = {path: said.added for path, said in parts.items()}
        self._by: dict[int | None, list[str]] = {}
        for path, number in self._open.items():
            self._by.setdefault(number, []).append(path)

    def by(self, versions: Sequence[Version], paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield the parts at *paths*, which one of *versions* added, whose column says another version.

        Shapes:
            versions: a kept one, then those that were folded into it, newest first
        """
        first = next((index for index, version in enumerate(versions) if _begins(version)), None)
        if first is not None:
            versions, paths = versions[: first + 1], list(self._open)
        numbers = {version.number for version in versions}
        if len(versions) > 1:  # one of them may have removed a part, and another added it again
            for path in [path for number in numbers for path in self._by.get(number, ())]:
                self._open.pop(path, None)
        newest, oldest = versions[0].number, versions[-1].number
        which = f"version {newest}" if newest == oldest else f"one of the versions {oldest} to {newest}"
        for path in paths:
            said = self._open.pop(path, None)
            if said is not None and said not in numbers:
                yield path, f"the column added says {said}, and {which} added it"

    def lose(self) -> None:
        """Give up, as versions are missing or unreliable, and what they added is not known."""
        self._open.clear()

    def forget(self, paths: Iterable[str]) -> None:
        """Leave out the parts at *paths*, whose rows are known to be damaged."""
        for path in paths:
            self._open.pop(path, None)


def _begins(version: Version) -> bool:
    """Return whether *version* wrote its whole document."""
    return version.number == 1 or (version.parent is not None and version.parent.how == "branch")
