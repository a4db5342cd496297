"""Documents in a database: saved as versions, loaded as they are or were, found by what they are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from docstore.codec.core import Unknown
from docstore.documents.arguments import LONGEST_NAME, checked_flag, checked_iterable, checked_text
from docstore.documents.digests import DigestTree, piece
from docstore.documents.document import Document
from docstore.documents.history import Version
from docstore.documents.kinds import HEAD, RESERVED, Kind
from docstore.documents.merge.resolve import OnConflict, check_policy
from docstore.errors import InvalidValueError
from docstore.sql.partial import read_place
from docstore.sql.reader import version_numbered
from docstore.sql.version_names import number_of
from docstore.sql.writer import Note, Saved
from docstore.store import lifecycle
from docstore.store.bulk import Bulk
from docstore.store.copying import Copied, copy_documents
from docstore.store.experiments_base import Experiments
from docstore.store.local_changes import LocalChanges, local_changes_in, local_changes_of
from docstore.store.saving import Outcome, check_readable, learn, save_on
from docstore.store.tracking import LoadedState


class Store(Experiments):
    """Documents of one project in one database. ``connect`` makes one; it holds no state but what objects came from.

    Args:
        engine: where the tables are.
        project: names are unique within it and a kind.
        bundle: the user's own classes.
        experiment_type_enum, generator_run_type_enum: the integers of the types in the indexed columns. Without one,
            a new type gets the next free integer.
        author: who saves, unless a call says so; by default the user of the operating system.
        unknown: what ``load`` does with a class that is not registered, unless a call says so.
        origins: what objects came from, where several stores on one database are to share it.
    """

    # --- saving --------------------------------------------------------------------------------------------------

    def save(
        self,
        obj: Any,
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
        as_new: bool = False,
    ) -> Version:
        """Save *obj* whole, and return the version it now is; where nothing changed, that is the one it was.

        Threads that save one object take turns.

        Args:
            as_new: make a new document, whichever document *obj*, or the object it is a copy of, came from. That one
                stays as it is, and later saves of *obj* go to the new one.
            on_conflict: when others saved since: ``"merge"`` puts both changes together where no place was changed by
                both, and brings *obj* up to the result: a trial of *obj* that was made under the number of another one
                gets the next that is free. ``"error"`` refuses; ``"overwrite"`` makes *obj* the newest version as it
                is, and theirs stays in the history. A function merges as well, and decides where both changed a place:
                it is given each ``Conflict``, and returns the JSON value that shall stand there, ``ABSENT`` for none,
                or ``NotImplemented``. It may be called again, on other values, if others save meanwhile. It is not
                asked where no value would do: of two arms of one name, of a trial that one took away and the other
                measured, and of one that the other changed while another took its place. Where it decides whether a
                trial stands, the data of that trial do as the trial. It must not use the store, which waits for it, nor
                wait for a thread that saves *obj*. It may save other objects in another store.

        Raises:
            ConflictError: both changed the same place; names the places.
            DocumentExistsError: the name is taken by a document that *obj* did not come from; or, *as_new*, by any.
            NameChangedError: *obj*, or the object it is a copy of, came from a document of another name. Call
                ``rename`` to rename that document, or give *as_new*. A copy of an object without a ``__dict__``
                (slots, a Struct), of a class that declares no fields, or of one that a function of the user's own
                writes or reads is taken for a new object.
            EncodeError: something in *obj* cannot be written; with its pointer. Nothing has been.
            ObjectBusyError: code inside the save, such as an *on_conflict* function, saves *obj*, or an object that
                another thread is saving.

        Cost:
            One encoding of *obj*; of rows, only those that changed.
        """
        check_policy(on_conflict)
        if checked_flag("as_new", as_new) and on_conflict == "overwrite":
            raise InvalidValueError("on_conflict", on_conflict, "With as_new=True there is nothing to overwrite.")
        note = self._note(message, author)
        with self._locked(obj):
            document = self._documents().document(obj)
            if as_new:
                return self._save_as_new(obj, document, note)
            return self._save(obj, document, self._origin_of(obj, document.kind, document.name), on_conflict, note)

    def save_trial(self, experiment: Any, trial: Any, **options: Any) -> Version:
        """Save one trial of *experiment* and its data, and nothing else; as ``save_trials``."""
        return self.save_trials(experiment, [trial], **options)

    def save_trials(
        self,
        experiment: Any,
        trials: Iterable[Any],
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
    ) -> Version:
        """Save the given trials of *experiment* and their data, and nothing else; return the version.

        What others saved since is looked at as by ``save``, so that no data come under another trial, and no two arms
        have one name. *experiment* takes on what they changed in these trials and their data.

        Args:
            on_conflict: as for ``save``; ``"overwrite"`` makes these trials and their data what *experiment* has.

        Raises:
            DocumentNotFoundError: the experiment itself was never saved.
            ConflictError, NameChangedError, EncodeError: as ``save``.

        Cost:
            In proportion to the trials given, and to what others changed that *experiment* has not taken on; however
            many trials it has.
        """
        check_policy(on_conflict)
        checked_iterable("trials", trials, "save_trials(experiment, [trial]); save_trial() takes one")
        # Exhausted before the experiment is locked: a generator may run any code.
        trials, documents, note = list(trials), self._documents(), self._note(message, author)
        with self._locked(experiment):
            kind, name, _ = documents.identify(experiment)
            origin = self._origin_of(experiment, kind, name)
            if origin is None:
                with self._access.reading() as connection:
                    raise self._access.unsaved(connection, kind, name)
            paths = [path for trial in trials for path in documents.paths_of(experiment, trial)]
            mine = local_changes_in(documents, experiment, paths, origin)
            return self._save_known(experiment, origin, mine, on_conflict, note)

    def save_many(
        self, objects: Iterable[Any], *, message: str = "", author: str | None = None, batch: int = 500
    ) -> int:
        """Save many documents, of any kinds, as ``save`` would one after the other; return how many there were.

        New ones are inserted together, a batch in one transaction. One that is as it was saved makes no version; one
        that was changed since is saved by itself, after the batch before it. Of two with one name in a batch, the
        second begins the next.

        Args:
            objects: an iterable, read as they are saved: a batch of them stands in memory.
            batch: how many to save in one transaction, at most 10,000; fewer, where they hold 32 MiB of text.

        Raises:
            DocumentExistsError: the name of one is taken by a document that it did not come from; names it.
            ConflictError, NameChangedError, EncodeError: as ``save``.
            InvalidValueError: *objects* are not several, or *batch* is no such number.

            Whatever error it is, Ctrl-C or one of *objects* itself: batches before it are kept, and nothing of its own.
            ``error.saved`` is how many of the objects, the first ones, are saved; its notes tell. To go on, give all
            that are there still, or of a generator, ``itertools.islice(objects, error.saved, None)``.

        Cost:
            One encoding of each. A batch is looked up by one statement for each kind, and inserted by two (more where
            the database takes rows in pieces), and two for each document whose type no other had.
        """
        bulk = Bulk(
            self._access,
            self._writer,
            self._codes,
            self._origins,
            self._documents(),
            self._note(message, author),
            origin_of=self._origin_of,
            save=lambda obj, document, origin, note: self._save(obj, document, origin, "merge", note),
        )
        return bulk.save(objects, batch)

    def put(self, kind: str, name: str, value: Any, *, message: str = "", author: str | None = None) -> Version:
        """Save *value*, any JSON value with what docstore tags, as the newest version of the document *name* of *kind*.

        Raises:
            InvalidValueError: *kind* is one whose documents are saved as objects.
            EncodeError: something in *value* cannot be written.
        """
        documents = self._documents()
        kind = checked_text("kind", kind, 64)
        if kind in RESERVED or documents.kind_named(kind) is not None:
            raise InvalidValueError("kind", kind, "Its documents are made of objects: use save(). Choose another kind.")
        body = documents.codec.encode(value)
        name = checked_text("name", name, LONGEST_NAME)
        document = Document(Kind(kind), name, "user", {HEAD: piece(HEAD, body)})
        id, note = uuid.uuid4().hex, self._note(message, author)
        return self._write(lambda connection: self._writer.overwrite(connection, id, document, note)).version

    # --- reading -------------------------------------------------------------------------------------------------

    def load(
        self,
        name: str,
        *,
        kind: str = "experiment",
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        unknown: Unknown | None = None,
    ) -> Any:
        """Return the object as it was saved last, as *version*, as it stood *at* a time, or as the version of a *tag*.

        Args:
            unknown: ``"keep"`` gives an ``UnknownObject`` where a class is not registered; saving writes it back
                unchanged. By default as the store was made.

        Raises:
            DocumentNotFoundError: there is no such document; names some like it.
            VersionNotFoundError: it has no such version or tag, none so early, or the version was folded.
            InvalidValueError: more than one of *version*, *at* and *tag* is given, or *at* has no time zone.
            DecodeError: a class that it needs is not registered, or is another now.
            DamagedDocumentError: what is stored is not what was saved.
        """
        with self._access.reading() as connection:
            head, state = self._access.state(connection, kind, name, version=version, at=at, tag=tag)
        return self._loaded(head, state, self._unknown if unknown is None else unknown)

    def get(
        self,
        name: str,
        *,
        kind: str = "experiment",
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        pointer: str = "",
    ) -> Any:
        """Return the JSON of a document, or what is at *pointer* in it, tagged values decoded; no class is needed.

        Raises:
            DecodeError: nothing stands at *pointer*.
            DocumentNotFoundError, VersionNotFoundError, InvalidValueError, DamagedDocumentError: as ``load``.

        Cost:
            With a *pointer* into one part, that part and what was changed since; without, as ``load``.
        """
        with self._access.reading() as connection:
            head = self._access.head(connection, kind, name)
            place = read_place(connection, head, pointer, number_of(connection, head, version, at, tag))
        return self._raw.decode(place)

    # --- the whole life of a document ----------------------------------------------------------------------------

    def delete(self, name: str, *, kind: str = "experiment") -> None:
        """Delete a document, so that ``undelete`` can bring it back; its name is free for another."""

        lifecycle.delete(self._access, kind, name, self.author)

    def undelete(self, name: str, *, kind: str = "experiment") -> None:
        """Bring back the document of this name that was deleted last, with its history.

        Raises:
            DocumentNotFoundError: none was deleted.
            DocumentExistsError: another has the name now.
        """

        lifecycle.undelete(self._access, kind, name)

    def purge(self, name: str, *, kind: str = "experiment") -> None:
        """Delete a document for good, with its whole history and its tags; if none is live, the one deleted last.

        Of versions that were folded, the log goes too. Branches keep their copy of the past that they shared with it,
        and can still be merged with one another.

        Raises:
            DocumentNotFoundError: there is none of this name, and none was deleted.

        Cost:
            On SQLite, nothing of it is left in the file: freed room is overwritten, and the log of writes, with what
            others have in it, is written into the database; ``lives.purge`` says what keeps some of it. Servers remove
            deleted rows in their own time.
        """

        lifecycle.purge(self._access, kind, name)

    def copy_to(self, other: Store, names: Iterable[str] | None = None, *, kind: str | None = None) -> list[Copied]:
        """Copy documents to another store with their whole history, and return what became of each.

        They keep their ids, versions, times, digests and chain; each is verified before it is committed. Interrupted, a
        second call goes on where the first was; a document that went on in the meantime is brought up to date.

        Tags become those of this store, but for one of a version that *other* folded itself. Versions that were folded
        here are copied as they are, without what they changed. Those that *other* has and can load it keeps, though
        they were folded here since; none that it folded itself is brought back.

        Args:
            names: of live documents of *kind*, or of experiments; None for all documents, deleted ones too.
            kind: without names, that of the documents to copy.

        Raises:
            InvalidValueError: *other* is on this very database; or *names* is a single text.
            DocumentNotFoundError: one of *names* is missing. Nothing was copied.
            DocumentExistsError, DivergedError: *other* has another document of that name, or a later state of this one.
            DamagedDocumentError: one is not what was saved. Of it nothing was copied. Whether changes lead back that
                took the place of folded ones is not looked at: ``verify`` tells.
            UnknownCodeError, TooLargeError: one has a type that the enum of *other* lacks, or a text too large for it.

        Cost:
            One transaction for each document; memory for a page of rows, however many there are.
        """
        if not isinstance(other, Store):
            # Not shown: a URL may have a password in it.
            raise InvalidValueError("other", type(other), "Give a store, as docstore.connect(url) returns one.")
        return copy_documents(self._access, other._access, other._codes, names=names, kind=kind)

    # --- how a save is made --------------------------------------------------------------------------------------

    def _save(
        self, obj: Any, document: Document, origin: LoadedState | None, policy: OnConflict, note: Note
    ) -> Version:
        """Save *obj*, encoded as *document* and loaded from *origin*; the caller holds its lock."""
        if origin is None:
            return self._save_first(obj, document, note, policy)
        return self._save_known(obj, origin, local_changes_of(document, origin), policy, note)

    def _save_first(self, obj: Any, document: Document, note: Note, policy: OnConflict) -> Version:
        write = self._writer.overwrite if policy == "overwrite" else self._writer.create
        return self._insert(obj, document, self._origins.try_first(obj, document.name), write, note)

    def _save_as_new(self, obj: Any, document: Document, note: Note) -> Version:
        write = partial(self._writer.create, remedy="Choose another name for the new document.")
        id = self._origins.try_first(obj, document.name, as_new=True)
        return self._insert(obj, document, id, write, note)

    def _insert(
        self,
        obj: Any,
        document: Document,
        id: str,
        write: Callable[[Connection, str, Document, Note], Saved],
        note: Note,
    ) -> Version:
        digests = DigestTree({path: each.digest for path, each in document.pieces.items()})

        def learn(saved: Saved) -> None:
            origin = LoadedState(saved.id, document.name, saved.version.number, digests)
            self._remember(obj, origin, self._documents())

        return self._write(lambda connection: write(connection, id, document, note), learn).version

    def _save_known(self, obj: Any, origin: LoadedState, mine: LocalChanges, policy: OnConflict, note: Note) -> Version:
        kind, name = mine.document.kind, mine.document.name
        # An unchanged object says nothing about what others saved; unless it is to stand in their place.
        if not mine.paths and not (mine.whole and (policy == "overwrite" or origin.behind)):
            with self._access.reading() as connection:
                head = self._access.living(connection, origin.id, kind, name)
                return version_numbered(connection, head, origin.version)

        documents = self._documents(origin.unknown)

        def save(connection: Connection) -> Outcome:
            head = self._access.living(connection, origin.id, kind, name)
            outcome = save_on(connection, self._writer, head, origin, mine, policy, note)
            check_readable(documents, obj, head, origin, outcome)
            return outcome

        outcome = self._access.saving(save, lambda outcome: learn(documents, obj, origin, mine, outcome))
        self._codes.learn(outcome.codes)
        return outcome.version
