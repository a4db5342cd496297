"""What a store tells and keeps of the past: versions compared, brought back, named, branched and merged."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.engine import Connection

from docstore.documents.arguments import LONGEST_NAME, checked_flag, checked_key, checked_text
from docstore.documents.canonical import JSON
from docstore.documents.diff.diff import Diff, difference
from docstore.documents.digests import piece
from docstore.documents.document import Document
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, is_document, kind_named
from docstore.documents.merge.resolve import OnConflict, check_policy
from docstore.errors import DocumentExistsError
from docstore.search.query import check_kind
from docstore.sql import rows
from docstore.sql.dialects import long_read_timeout
from docstore.sql.reader import read, read_version
from docstore.sql.version_names import When, numbered
from docstore.sql.writer import Note, Saved
from docstore.store import lifecycle, tags
from docstore.store.base import Base
from docstore.store.branches.branch import Branching
from docstore.store.branches.merge import Merger
from docstore.store.compaction import Compacted, compact
from docstore.store.status import Status, status_of, status_of_new
from docstore.store.timeline import Blame, Lazily, Timeline
from docstore.verify import Damage, Report, VerifyOptions, find_damage, find_id, reporting


class Past(Base):
    """The versions of a store's documents. Where a *version* is asked for, a number, a tag or a time names it."""

    # --- what was ------------------------------------------------------------------------------------------------

    def history(self, name: str, *, kind: str = "experiment", pointer: str | None = None) -> Sequence[Version]:
        """Return the versions of a document, newest first; each is read when it is looked at.

        Args:
            pointer: only those that changed what stands there; ``blame`` also says what it was and became.

        Raises:
            DecodeError: *pointer* is none.
            DamagedDocumentError: a version is missing, cannot be read, or is not as it was saved; when one comes to it.
            DocumentNotFoundError: there is no such document; or it was purged before one came to an older version.

        Cost:
            A SELECT for every 100 versions that one looks at.
        """
        with self._access.reading() as connection:
            timeline = Timeline(self._access, connection, self._access.head(connection, kind, name))
        if pointer is None:
            return timeline
        return Lazily(blame.version for blame in timeline.at(pointer, self._raw.decode))

    def blame(self, name: str, pointer: str, *, kind: str = "experiment") -> Sequence[Blame]:
        """Return when the place at *pointer* changed and who did it, newest first, with the values before and since.

        An item of a list is meant by its index, as it was at each version. A change of versions that ``compact`` folded
        is told of the next that is kept, with who and which it may have been: ``Blame.authors``, ``first``.

        Raises:
            DecodeError: *pointer* is none.
            DamagedDocumentError: the history is not as it was saved, or does not lead back.

        Cost:
            The part that *pointer* leads into is read, and each version as one comes to it. Values are kept as JSON: of
            a large place that changed often, look at them one after the other, with ``iter``, or at ``history``.
        """
        with self._access.reading() as connection:
            timeline = Timeline(self._access, connection, self._access.head(connection, kind, name))
        return Lazily(timeline.at(pointer, self._raw.decode))

    def diff(self, name: str, a: When, b: When | None = None, *, kind: str = "experiment", other: str = "") -> Diff:
        """Return what changed from version *a* to version *b*, which may be the older; by default, the newest.

        Args:
            other: the name of another document of the *kind*, of which *b* is a version then.
        """
        checked_key("other", other)
        with self._access.reading() as connection:
            head = self._access.head(connection, kind, name)
            target = self._access.head(connection, kind, other, argument="other") if other else head
            which = kind_named(head.kind)
            old = read_version(connection, head, which, numbered(connection, head, a))
            new = (
                read(connection, target)
                if b is None
                else read_version(connection, target, which, numbered(connection, target, b))
            )
        return difference(which, old.pieces, new.pieces, old.digests.unequal(new.digests))

    def status(self, obj: Any) -> Status:
        """Return what ``save(obj)`` would write now: the difference from what is stored, with what others saved merged.

        Raises:
            DocumentExistsError: the name is taken by a document that *obj* did not come from.
            NameChangedError: the name of *obj* was changed, but its document was not renamed.
            DocumentNotFoundError: the document was deleted since.
            ConflictError: the version that *obj* stands on was folded since, or is not in the database.
            EncodeError: *obj* cannot be saved.
            DecodeError: what others saved, and *obj* changed too, cannot be read here.

        Cost:
            One encoding of *obj*, and a read of the whole document. Nothing is written.
        """
        with self._locked(obj):
            document = self._documents().document(obj)
            origin = self._origin_of(obj, document.kind, document.name)
            with self._access.reading() as connection:
                if origin is not None:
                    head = self._access.living(connection, origin.id, document.kind, document.name)
                    return status_of(connection, head, self._documents(origin.unknown), obj, document, origin)
                taken = rows.head_named(connection, self.project, document.kind.name, document.name)
        if taken is not None:
            raise DocumentExistsError(document.name, kind=document.kind.name, head=taken.version)
        return status_of_new(document)

    # --- an older state made the newest, and names for states ---------------------------------------------------------

    def revert(
        self, name: str, version: When, *, kind: str = "experiment", message: str = "", author: str | None = None
    ) -> Version:
        """Make the state of *version* the newest version; the history stays as it is.

        Raises:
            VersionNotFoundError: there is no such version, or it was folded.
        """
        given = self._note(message, author)

        def revert(connection: Connection) -> Saved:
            head = self._access.head(connection, kind, name)
            which = kind_named(head.kind)
            number = numbered(connection, head, version)
            pieces = read_version(connection, head, which, number).pieces
            # A branch had its parent's name before it was one.
            then = which.of(pieces[HEAD])
            pieces[HEAD] = then.renamed(pieces[HEAD], name)
            target = {path: piece(path, body) for path, body in pieces.items()}
            note = Note(given.author, given.message or f"revert to version {number}")
            return self._writer.replace(connection, head, Document(then, name, head.model, target), note)

        return self._write(revert).version

    def rename(
        self, old: str, new: str, *, kind: str = "experiment", message: str = "", author: str | None = None
    ) -> Version:
        """Rename a document, and return its new version; renamed to its own name, its current one.

        The document keeps its id, its history and its tags; earlier versions still contain the old name, and are
        loaded by the new one. An object that was loaded under the old name is still saved to this document, and the
        save gives it the new name. Documents that contain the name as their owner's, such as an experiment's generation
        strategies, get a new version too. The old name becomes free.

        Raises:
            DocumentNotFoundError: no document has the *old* name, or it is deleted.
            DocumentExistsError: another document, which is not deleted, has the *new* name.
            InvalidValueError: *new* is not a str of 1 to 255 characters, or the class does not accept it.

        Cost:
            A read of the document and of those that belong to it; the head of each is written.
        """
        checked_text("new", new, LONGEST_NAME)
        note = self._note(message, author)
        rename = lifecycle.Renaming(self._access, self._writer, self._documents("keep")).rename
        return self._write(lambda connection: rename(connection, kind, old, new, note)).version

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
        checked_flag("move", move)
        return tags.tag(self._access, kind, name, tag, version, who, move=move)

    def untag(self, name: str, tag: str, *, kind: str = "experiment") -> None:
        """Take a tag away; the version that it named stays."""
        tags.untag(self._access, kind, name, tag)

    def tags(self, name: str, *, kind: str = "experiment") -> dict[str, int]:
        """Return the number of the version that each tag of a document names."""
        return tags.tags(self._access, kind, name)

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
        checked_text("new_name", new_name, LONGEST_NAME)
        id, note = uuid.uuid4().hex, self._note(message, author)
        start = Branching(self._access, self._writer, self._documents("keep")).start
        return self._write(lambda connection: start(connection, id, kind, name, new_name, version, note)).version

    def merge(
        self,
        name: str,
        into: str,
        *,
        kind: str = "experiment",
        on_conflict: OnConflict = "merge",
        message: str = "",
        author: str | None = None,
    ) -> Version:
        """Take what was changed in *name* into *into*, as its next version, and return that.

        Both have a version in common: one is a branch of the other, say. What was changed in *name* since is "mine",
        what was changed in *into* is "theirs"; they are put together as in ``save``. *name* stays as it is. A trial
        that got another number in *into* is known there by the next merge.

        Args:
            on_conflict: as for ``save``; ``"overwrite"`` makes *into* what *name* is.

        Raises:
            ConflictError: both changed the same place; names the places.
            InvalidValueError: they have no version in common, or none that is kept.

        Cost:
            Both documents and the version that they have in common, whole.
        """
        check_policy(on_conflict)
        note = self._note(message, author)
        merger = Merger(self._access, self._writer, self._documents("keep"))
        return self._write(lambda connection: merger.merge(connection, kind, name, into, on_conflict, note)).version

    def verify(
        self, name: str | None = None, *, kind: str | None = None, decode: bool = False, progress: bool | Report = False
    ) -> list[Damage]:
        """Return every damage of a document, of all of a *kind*, or of the project: without any, all is as saved.

        Each digest is computed again, each history is walked back to version 1, each chain, each column and each tag is
        checked. Deleted documents are verified, too; a *name* means the live one, if there is one. A row that is gone,
        or was changed with its digest, is named where the history tells which; else, the damage is of ``its rows``.
        Without *name* and *kind*, the database's own integrity check runs as well, since an index that lacks a row
        hides a document: SQLite's ``integrity_check``, ``CHECK TABLE`` on MariaDB, ``amcheck`` where PostgreSQL has it.
        Its findings have the kind ``"unknown"``.

        Args:
            name: of a document of *kind*, or of an experiment; None for all.
            decode: make objects of each version as well, with the classes that are registered now.
            progress: True draws a bar on stderr (``docstore[rich]``); or a function, to be told how far it is.

        Raises:
            DocumentNotFoundError: there is no such document, and was none.
            InvalidValueError: there is no such kind; lists those that there are.
            MissingDependencyError: there is no ``rich`` to draw a bar with.

        Cost:
            A read of everything, and of each version time in proportion to what it changed; memory for a document and
            a page of rows. To decode takes a load of each version. The database's own check covers all projects.
        """
        name = None if name is None else checked_key("name", name)
        kind = None if kind is None else checked_key("kind", kind)
        documents = self._documents() if checked_flag("decode", decode) else None

        def decoded(value: JSON) -> object:
            # What was put as a JSON value came from no object.
            return documents.decode(value) if documents and is_document(value) else self._raw.decode(value)

        with reporting(progress) as report, self._access.reading() as connection, long_read_timeout(connection):
            if kind is not None and name is None:
                check_kind(connection, self._documents().codec.registry, kind)
            id = None if name is None else find_id(connection, self.project, kind or "experiment", name)
            if name is not None and id is None:
                self._access.head(connection, kind or "experiment", name)  # tells what there is instead
            options = VerifyOptions(decoded if decode else None, report)
            return list(find_damage(connection, self.project, id, kind, options))

    def compact(self, name: str, *, keep: int | timedelta, kind: str = "experiment") -> Compacted:
        """Fold old versions of a document, and return which are kept.

        Kept are the newest *keep* versions, or those that were current at any time in the last *keep*; each one that a
        tag names; and each that another document branched from or has merged, since a merge goes back to it. They load
        as they were saved, to the byte. Of the others the log stays (``history``: who, when, the message, the digest),
        and the chain can still be proved. Their changes go, and cannot be brought back: ``load``, ``diff``, ``revert``,
        ``branch`` and ``tag`` of one raise. What they did is told as done by the next version that is kept.

        The history is proved first. Compacted again it can be further; a version that was folded once stays folded.

        Args:
            keep: so many versions, 1 or more; or for so long: ``timedelta(days=90)``.

        Raises:
            InvalidValueError: *keep* is neither.
            DocumentNotFoundError: there is no such document.
            DamagedDocumentError: its history is not what was saved. Folding would destroy the evidence: nothing was
                changed.
            TooLargeError: what is between two versions that are kept is larger than the database takes at once.
                Nothing was changed: keep more, or tag some in between.

        Cost:
            A walk through the whole history, in which each version is rebuilt, and a look for the parents of all
            versions in the database; memory for the document, for what of it changed between two kept versions, and for
            100 versions. Other writers wait. What is freed is the old values: a digest stands in the place of each
            folded version's changes, so that a history of small ones needs as much room as before. SQLite uses the room
            again; its file gets smaller by VACUUM only. As of ``purge``, nothing of what was folded is left in it; a
            server removes it in its own time.
        """
        return compact(self._access, kind, name, keep)
