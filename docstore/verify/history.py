"""What a document was: every link of its chain, and each version that is kept rebuilt, from the newest back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from docstore.documents.canonical import ABSENT
from docstore.documents.history import GENESIS, NOT_KEPT, Parent, Version, chained, changes_from, lineage
from docstore.documents.kinds import HEAD
from docstore.documents.patch import Change
from docstore.errors import CodecError, DamagedDocumentError, DecodeError, PatchError
from docstore.sql.reader import version_told
from docstore.sql.rows import HeadRow
from docstore.verify.report import Damage, Subject
from docstore.verify.rows import Added, Decode, Now, Written, undecoded
from docstore.verify.statements import Unread

_MANY: Final = 1_000
"""Of more missing versions in a row, not each is told: the column that says how many there are may say any number."""

_DIGEST: Final = re.compile("[0-9a-f]{64}")

_WHOLE: Final = (Change("add", HEAD),)
"""The changes of the oldest version that is kept."""


class History:
    """Looks at the rows of history of one document, newest first.

    Args:
        parents: of its versions that have one: what was saved before a branch is chained under another id.
        now: what the document is; without its state, only the chain can be checked.
        watched: versions of which is asked, in the end, whether they are kept.
    """

    def __init__(
        self,
        head: HeadRow,
        parents: Mapping[int, Parent],
        now: Now,
        decode: Decode | None,
        watched: frozenset[int] = frozenset(),
    ) -> None:
        self._head, self._now, self._decode, self._watched = head, now, decode, watched
        self._subject = Subject(head.kind, head.name, head.id)
        self._saved_in = lineage(parents, head.id)
        self._state, now.state = now.state, None
        self._trace = now.trace  # of a state that is not what was saved, until it is taken to where it is
        self._written = Written(now.parts)
        self._added = Added({path: said for path, said in now.parts.items() if said.created_at <= said.updated_at})
        self._expected = head.version
        self._newer: tuple[Version, str] | None = None  # with the text of its changes, until its link is checked
        self._pending: Version | None = None  # the last one kept, whose changes lead on
        self._folded: list[Version] = []  # those that were folded into it
        self._doubted: set[int] = set()  # those that do not follow on the ones before them
        self.kept: dict[int, bool] = {}
        """Of those watched that have a row, whether they are kept."""

    def look(self, row: sa.Row[Any] | Unread) -> Iterator[Damage]:
        """Yield each damage that the next older row tells of."""
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
            version = version_told(self._head.name, row, is_kept=row.changes != NOT_KEPT)
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
        """Yield the damage of what is missing before the oldest row, and of that one itself."""
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
        """Yield that the document is not what was saved, where no version told which of its rows are not."""
        if self._trace is not None:
            yield from self._trace.end()

    def _missing(self, number: int) -> Iterator[Damage]:
        """Yield which versions there are no rows of, down to the one after version *number*."""
        first, last = number + 1, self._expected
        if first > last:
            return
        self._lose()
        if last - first < _MANY:
            for each in range(last, first - 1, -1):
                yield self._subject.version(each, "its row is missing; no older version can be rebuilt")
        else:
            problem = "their rows are missing; no older version can be rebuilt"
            yield self._subject.rows("versions", problem, f"versions {first} to {last}")

    def _lose(self) -> None:
        """Take notice of a row that is missing or cannot be read: what it would lead to cannot be told."""
        self._newer = self._state = self._pending = None
        self._written.lose()
        if self._trace is not None:
            self._trace.lose()

    # --- the chain, and what is folded --------------------------------------------------------------------------------

    def _link(self, older: Version | None) -> Iterator[Damage]:
        """Yield the damage of the newer version's row, if that does not follow on *older*."""
        if self._newer is None:
            return
        version, changes = self._newer
        previous = older.chain if older else GENESIS
        if chained(previous, self._saved_in(version.number), version, changes) != version.chain:
            yield self._subject.version(version.number, "its row, or the chain before it, was changed")
            self._doubted.add(version.number)
            if self._trace is not None:  # by what was changed, no row is to blame
                self._trace.lose()
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

    # --- what it was --------------------------------------------------------------------------------------------------

    def _rebuilt(self, version: Version, text: str) -> Iterator[Damage]:
        """Yield the damage of a state that is not what was saved, and of changes that lead to none."""
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
        assert self._state is not None  # who calls has looked
        touched = self._state.touched(newer.changes)
        if self._trace is not None:
            undone = yield from self._trace.back(version, newer)
            self._added.forget(self._trace.blamed)
            if self._trace.is_lost:
                self._state = None
                return
            if self._trace.is_over:
                self._trace = None
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
        if self._trace is None:
            yield from self._as_saved(version, newer)

    def _as_saved(self, version: Version, newer: Version) -> Iterator[Damage]:
        assert self._state is not None  # who calls has looked
        if self._state.digest() != version.digest:
            problem = f"what is rebuilt by the changes of version {newer.number} has another digest"
            yield self._subject.version(version.number, problem)
        elif self._decode is not None and (refused := undecoded(self._decode, self._state.document)):
            yield self._subject.version(version.number, *refused)

    def _wrote(self, version: Version, touched: set[str] | None, added: Iterable[str]) -> Iterator[Damage]:
        """Yield which parts say other than that *version*, with those folded into it, *touched* and *added* these."""
        for path, problem in self._written.touched(version, touched):
            yield self._subject.piece(path, problem)
        versions = (version, *self._folded)
        if any(each.number in self._doubted for each in versions):  # when it was is not sure
            self._added.lose()
        for path, problem in self._added.by(versions, added):
            yield self._subject.piece(path, problem)

    # --- what the rows of the document say of it ---------------------------------------------------------------------

    def _times(self, version: Version) -> Iterator[Damage]:
        for path, problem in self._written.times(version):
            yield self._subject.piece(path, problem)
        if version.number == 1 and self._now.created_at not in (None, version.created_at):
            yield self._subject.head("the column created_at is not the time of the first version")
        if version.number == self._head.version and self._head.updated_at != version.created_at:
            yield self._subject.head("the column updated_at is not the time of the current version")
