"""Which rows are to blame where a document is not what was saved, as far as its history tells.

The last version that touched a part tells whether there is a row of it. The newest version at which the document is
right tells that what the next one touched is wrong. Of parts that none touched since the first, and of which of several
that one wrote, no digest is kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

from docstore.documents.canonical import ABSENT, MaybeJSON
from docstore.documents.history import Rollback, Version
from docstore.documents.kinds import HEAD
from docstore.documents.patch import Change
from docstore.errors import CodecError, PatchError
from docstore.verify.report import Damage, Subject

_UNLIKE: Final = "they are not the ones that version has"
_MANY: Final = 10
"""Of more rows, not each is named where it is not known which of them it is."""


class Trace:
    """Takes a document back to a version at which it is right: what is wrong in it was written since.

    Args:
        state: of the parts whose rows are not damaged by themselves; it is taken back.
        lost: the pieces whose rows are. What they held is known again before the version that added them, or from the
            old value that one has kept.
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
        """The pieces whose rows are known to be wrong."""
        self.is_over = self.is_lost = False
        """Whether it is right at the version that it was taken to; whether it cannot be taken back any further."""

    def back(self, version: Version, newer: Version) -> Generator[Damage, None, dict[str, MaybeJSON]]:
        """Yield the damage of rows that *newer* tells of; return what it touched, as ``Rollback.undo``."""
        touched = self._state.touched(newer.changes)
        if touched is None:
            self._is_laid_out = False  # what was a part before, no row stands for now
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
        """Take notice of a version that is missing, or was changed: what is older tells nothing of what is now."""
        self.is_lost = True

    def end(self) -> Iterator[Damage]:
        """Yield that rows are wrong, if that is known, and of none which."""
        if self._is_unlike or not self.blamed:
            yield self._subject.rows("documents", _UNLIKE)

    # --- what there should be ----------------------------------------------------------------------------------------

    def _present(self, newer: Version) -> Iterator[Damage]:
        """Yield which rows there should be, and should not, by the last version that touched each."""
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
        self._is_unlike = False  # what was not alike until here is explained
        self.blamed.add(path)
        if path != HEAD and path in self._state.pieces:
            self._state.drop(path)
        self._lost.add(path)
        return self._subject.piece(path, problem)

    def _among(self, newer: Version, paths: list[str]) -> Damage:
        """Return the damage of what is right before *newer*, which touched *paths*, and wrong since."""
        if len(paths) == 1:
            return self._subject.piece(paths[0], f"it is not what version {newer.number} made of it")
        if not paths:
            return self._subject.rows("documents", _UNLIKE)
        more = f" and {len(paths) - _MANY} more" if len(paths) > _MANY else ""
        those = f"one or more of {', '.join(paths[:_MANY])}{more} are not what version {newer.number} made of them"
        return self._subject.rows("documents", f"{_UNLIKE}: {those}")

    # --- the way back ------------------------------------------------------------------------------------------------

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
        """Yield the changes of pieces that are known, and those that put a lost one back."""
        for change in newer.changes:
            path = self._piece(change)
            if path not in self._lost:
                yield change
            elif change.path == path and change.old is not ABSENT:
                yield Change("remove", path, change.old)

    def _restore(self, change: Change) -> None:
        """Take notice of a part that is as it was before *change*, whatever its row says."""
        path = self._piece(change)
        if change.path == path:
            self._lost.discard(path)
            self._restored.add(path)

    def _wrong(self, error: PatchError | CodecError, changes: list[Change]) -> str | None:
        """Return the piece that *changes* do not fit, if it is one."""
        if HEAD in self._lost:  # it has the places of parts
            return None
        pieces = {self._piece(change) for change in changes if isinstance(error, PatchError)}
        found = [path for path in pieces - self._lost if f"{error.pointer}/".startswith(f"{path}/")]
        return max(found, key=len, default=None)
