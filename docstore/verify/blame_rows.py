"""Find the damaged rows of a document that is not what was saved, as far as its history shows them.

The last version that touched a part shows whether it should have a row. If the document is right at one version and
wrong at the next, a piece that the next version touched is damaged. No digest is kept of each part of an old version,
so the history does not show which of several touched pieces it is, nor whether a part is damaged that was not touched
since the first version.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from docstore.documents.canonical import ABSENT, MaybeJSON
from docstore.documents.history import Rollback, Version
from docstore.documents.kinds import HEAD
from docstore.documents.patch import Change
from docstore.errors import CodecError, PatchError
from docstore.verify.damage import Damage, Subject

_UNLIKE: Final = "they are not the ones that version has"
_MOST_NAMED: Final = 10
"""The most rows that one damage names, if it is not known which of them is damaged."""


class RowBlame:
    """Rolls a document back to a version at which it is right: the damage is in what was written since.

    Args:
        state: of the pieces whose rows are not known to be damaged; it is rolled back.
        lost: the pieces whose rows are. Their bodies are known again before the version that added them, or from an
            old value in the changes.
        rows: the paths of all rows.
    """

    def __init__(self, subject: Subject, state: Rollback, lost: frozenset[str], rows: frozenset[str]) -> None:
        self._subject, self._state = subject, state
        self._rows, self._lost = rows, set(lost)
        self._named: set[str] = set()
        self._restored: set[str] = set()
        self._is_laid_out = True
        self._is_unlike = not lost
        self.blamed = set(lost)
        """The pieces whose rows are known to be damaged."""
        self.is_over = self.is_lost = False
        """Whether the state is right at the version it was rolled back to; whether it can be rolled back no further."""

    def back(self, version: Version, newer: Version) -> Generator[Damage, None, dict[str, MaybeJSON]]:
        """Roll *newer* back to *version*; yield the damaged rows that this shows, return as ``Rollback.undo``."""
        touched = self._state.touched(newer.changes)
        if touched is None:
            self._is_laid_out = False  # before it, other places were parts: rows cannot be compared
            if newer.changes[0].path == HEAD:
                self._lost.clear()  # its old value is the whole document
        if self._is_laid_out:
            yield from self._present(newer)
        suspects = sorted((touched or set()) - self._restored) if self._is_laid_out else []
        undone = yield from self._undo(newer)
        if self.is_lost or self._lost:
            return undone
        self.is_over = self._state.digest() == version.digest
        if not self.is_over:
            self._is_unlike = True
        elif self._is_unlike:
            yield self._among(newer, suspects)
        return undone

    def lose(self) -> None:
        """Give up, as a version is missing or was changed, and older ones show nothing about the current state."""
        self.is_lost = True

    def end(self) -> Iterator[Damage]:
        """Yield the damage of rows that are not known one by one, if there is any."""
        if self._is_unlike or not self.blamed:
            yield self._subject.rows("documents", _UNLIKE)

    # --- missing, unexpected and wrong rows --------------------------------------------------------------------------

    def _present(self, newer: Version) -> Iterator[Damage]:
        """Yield the missing and the unexpected rows, by the last version that touched each part."""
        for change in newer.changes:
            path = self._piece(change)
            if path == HEAD or path in self._named:
                continue
            self._named.add(path)
            is_gone = change.op == "remove" and change.path == path
            if is_gone and path in self._rows:
                yield self._blame(path, f"there is a row, and version {newer.number} removed it")
                self._lost.discard(path)
            elif not is_gone and path not in self._rows:
                yield self._blame(path, f"its row is missing, and version {newer.number} wrote it")

    def _piece(self, change: Change) -> str:
        return next(iter(self._state.touched((change,)) or {HEAD}))

    def _blame(self, path: str, problem: str) -> Damage:
        self._is_unlike = False  # this explains the difference so far
        self.blamed.add(path)
        if path != HEAD and path in self._state.pieces:
            self._state.drop(path)
        self._lost.add(path)
        return self._subject.piece(path, problem)

    def _among(self, newer: Version, paths: list[str]) -> Damage:
        """Return the damage of a document that is right before *newer*, which touched *paths*, and wrong since."""
        if len(paths) == 1:
            return self._subject.piece(paths[0], f"it is not what version {newer.number} made of it")
        if not paths:
            return self._subject.rows("documents", _UNLIKE)
        more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
        those = (
            f"one or more of {', '.join(paths[:_MOST_NAMED])}{more} are not what version {newer.number} made of them"
        )
        return self._subject.rows("documents", f"{_UNLIKE}: {those}")

    # --- undoing a version -------------------------------------------------------------------------------------------

    def _undo(self, newer: Version) -> Generator[Damage, None, dict[str, MaybeJSON]]:
        while True:
            changes = list(self._known(newer))
            try:
                undone = self._state.undo(changes)
            except (PatchError, CodecError) as error:
                path = self._wrong(error, changes)
                if path is None:
                    self.lose()
                    return {}
                yield self._blame(path, f"it is not what version {newer.number} made of it: {error}")
                continue
            for change in newer.changes:
                self._restore(change)
            return undone

    def _known(self, newer: Version) -> Iterator[Change]:
        """Yield the changes of known pieces, and those that bring a lost piece back."""
        for change in newer.changes:
            path = self._piece(change)
            if path not in self._lost:
                yield change
            elif change.path == path and change.old is not ABSENT:
                yield Change("remove", path, change.old)

    def _restore(self, change: Change) -> None:
        """Note that the part of *change* is known again, whatever its row has."""
        path = self._piece(change)
        if change.path == path:
            self._lost.discard(path)
            self._restored.add(path)

    def _wrong(self, error: PatchError | CodecError, changes: list[Change]) -> str | None:
        """Return the piece that *changes* do not fit, if it is a single one."""
        if HEAD in self._lost:  # it says which places are parts
            return None
        pieces = {self._piece(change) for change in changes if isinstance(error, PatchError)}
        found = [path for path in pieces - self._lost if f"{error.pointer}/".startswith(f"{path}/")]
        return max(found, key=len, default=None)
