"""What a store tells and keeps of the past: versions compared, brought back, named, branched and merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Connection

from docstore import branching, tagging
from docstore.base import Base
from docstore.blame import Blame
from docstore.difference import Diff, difference
from docstore.digests import piece
from docstore.documents import Document
from docstore.history import Version
from docstore.kinds import HEAD, kind_named
from docstore.reader import When, numbered, read, read_version
from docstore.timeline import Lazily, Timeline
from docstore.values import ABSENT, MaybeJSON
from docstore.verification import Damage, verify_project
from docstore.writer import Saved


class Past(Base):
    """The versions of a store's documents. Where a *version* is asked for, a number, a tag or a time names it."""

    # --- what was ------------------------------------------------------------------------------------------------

    def history(self, name: str, *, kind: str = "experiment", pointer: str | None = None) -> Sequence[Version]:
        """Return the versions of a document, newest first; each is read when it is looked at.

        Args:
            pointer: only those that changed what stands there; ``blame`` also says what it was and became.

        Cost:
            A SELECT for every 100 versions that one looks at.
        """
        with self._access.reading() as connection:
            timeline = Timeline(self._access, connection, self._access.head(connection, kind, name))
        if pointer is None:
            return timeline
        return Lazily(version for version, *_ in timeline.at(pointer))

    def blame(self, name: str, pointer: str, *, kind: str = "experiment") -> Sequence[Blame]:
        """Return when the place at *pointer* changed and who did it, newest first, with the values before and since.

        An item of a list is meant by its index, as it was at each version. Of versions that were folded into a later
        one, that one has the changes.

        Raises:
            DamagedDocumentError: the history does not lead back.
        """
        with self._access.reading() as connection:
            timeline = Timeline(self._access, connection, self._access.head(connection, kind, name))
        return Lazily(self._blamed(timeline, pointer))

    def _blamed(self, timeline: Timeline, pointer: str) -> Iterator[Blame]:
        for version, old, new in timeline.at(pointer):
            yield Blame(version, self._shown(old), self._shown(new))

    def _shown(self, value: MaybeJSON) -> object:
        return value if value is ABSENT else self._raw.decode(value)

    def diff(self, name: str, a: When, b: When | None = None, *, kind: str = "experiment", other: str = "") -> Diff:
        """Return what changed from version *a* to version *b*, which may be the older; by default, the newest.

        Args:
            other: the name of another document of the *kind*, of which *b* is a version then.
        """
        which = kind_named(kind)
        with self._access.reading() as connection:
            head = self._access.head(connection, kind, name)
            target = self._access.head(connection, kind, other) if other else head
            old = read_version(connection, head, which, numbered(connection, head, a))
            new = (
                read(connection, target)
                if b is None
                else read_version(connection, target, which, numbered(connection, target, b))
            )
        return difference(which, old.pieces, new.pieces, old.digests.unequal(new.digests))

    # --- an older state made the newest, and names for states ---------------------------------------------------------

    def revert(
        self, name: str, version: When, *, kind: str = "experiment", message: str = "", author: str | None = None
    ) -> Version:
        """Make the state of *version* the newest version; the history stays as it is.

        Raises:
            VersionNotFoundError: there is no such version, or it was folded.
        """
        which = kind_named(kind)

        def revert(connection: Connection) -> Saved:
            head = self._access.head(connection, kind, name)
            number = numbered(connection, head, version)
            pieces = read_version(connection, head, which, number).pieces
            # A branch had its parent's name before it was one.
            then = which.of(pieces[HEAD])
            pieces[HEAD] = branching.renamed(then, pieces[HEAD], name)
            target = {path: piece(path, body) for path, body in pieces.items()}
            note = self._note(message or f"revert to version {number}", author)
            return self._writer.replace(connection, head, Document(then, name, head.model, target), note)

        return self._write(revert).version

    def tag(
        self,
        name: str,
        tag: str,
        version: When | None = None,
        *,
        kind: str = "experiment",
        author: str | None = None,
        move: bool = False,
    ) -> int:
        """Let *tag* name a version, by default the newest, and return its number; ``load(name, tag=tag)`` gives it.

        Args:
            move: let it name this version from now on, also if it names another one.

        Raises:
            TagExistsError: it names another version.
        """
        who = self._note("", author).author
        return tagging.tag(self._access, kind, name, tag, version, who, move=move)

    def untag(self, name: str, tag: str, *, kind: str = "experiment") -> None:
        """Take a tag away; the version that it named stays."""
        tagging.untag(self._access, kind, name, tag)

    def tags(self, name: str, *, kind: str = "experiment") -> dict[str, int]:
        """Return the number of the version that each tag of a document names."""
        return tagging.tags(self._access, kind, name)

    # --- several documents with one past ---------------------------------------------------------------------------

    def branch(
        self,
        name: str,
        new_name: str,
        version: When | None = None,
        *,
        kind: str = "experiment",
        message: str = "",
        author: str | None = None,
    ) -> Version:
        """Start the document *new_name* from a version of *name*, the newest by default; return its first own version.

        The versions before are its past, too. ``merge`` brings back what is changed in it.

        Raises:
            DocumentExistsError: the new name is taken.
            DocumentNotFoundError, VersionNotFoundError: there is no such document, or no such version.

        Cost:
            A copy of the document, and of its history.
        """
        note = self._note(message, author)
        return branching.branch(self._access, self._writer, kind, name, new_name, version, note)

    def verify(self) -> list[Damage]:
        """Return every damage of every document of the project: with none, each version is as it was saved.

        Each digest is computed again, each history is walked back to version 1, each chain is checked.

        Cost:
            A read of everything, and a rebuild of each document's past.
        """
        with self._access.reading() as connection:
            return list(verify_project(connection, self.project))
