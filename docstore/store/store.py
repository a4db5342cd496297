"""``Store``: every call of a store on a database. Each is its documentation and one call of what does it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, TypeVar, overload

from sqlalchemy.engine import Engine

from docstore import model, registry
from docstore.codec import Codec
from docstore.codec.core import Unknown
from docstore.codec.registry import Registry
from docstore.documents.arguments import (
    LONGEST_NAME,
    NO_DEFAULT,
    checked_enum,
    checked_flag,
    checked_iterable,
    checked_text,
)
from docstore.documents.history import Version
from docstore.documents.merge.resolve import OnConflict, check_policy
from docstore.errors import InvalidValueError, StoreError
from docstore.model import Experiment, SearchSpace
from docstore.registry.bundle import RegistryBundle
from docstore.sql.dialects import check_writable, checked_engine, shown
from docstore.sql.enum_codes import EnumCodes, Wanted
from docstore.sql.transactions import Transactions, os_user
from docstore.sql.version_names import When
from docstore.sql.writer import Writer
from docstore.store import lifecycle, reading, tags
from docstore.store.artifact_files import artifact_files
from docstore.store.context import StoreContext
from docstore.store.reading import VersionChoice
from docstore.store.saving import creation, direct, pipeline, together
from docstore.store.tags import NewTag
from docstore.store.tracking import Tracker

if TYPE_CHECKING:
    import pandas

    from docstore.documents.diff.diff import Diff
    from docstore.progress import Report
    from docstore.search.conditions import Where
    from docstore.search.experiments.best import BestArm
    from docstore.search.experiments.running import RunningTrial
    from docstore.search.experiments.similar import Similar
    from docstore.search.indexes import PlaceIndex
    from docstore.search.info import DocumentInfo, PartInfo
    from docstore.search.query import Moments
    from docstore.search.results import Found
    from docstore.search.stats import Stats
    from docstore.store.artifacts import Artifacts
    from docstore.store.compaction import Compacted
    from docstore.store.copying import Copied
    from docstore.store.status import Status
    from docstore.store.timeline import Blame
    from docstore.verify import Damage

D = TypeVar("D")


class Store:
    """Documents of one project in one database. ``connect`` makes a store; it knows only what objects came from.

    Args:
        engine: where the tables are.
        project: names are unique within it and a kind.
        bundle: the user's own classes.
        experiment_type_enum, generator_run_type_enum: the integers of the types in the indexed columns. Without one,
            a new type gets the next free integer.
        author: who saves, unless a call says so; by default the user of the operating system.
        unknown: what ``load`` does with a class that is not registered, unless a call says so.
        origins: what objects came from, for several stores on one database that share it.
        artifacts: the folder or URL of the files that documents refer to.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        project: str = "default",
        bundle: RegistryBundle | None = None,
        experiment_type_enum: type[Enum] | None = None,
        generator_run_type_enum: type[Enum] | None = None,
        author: str | None = None,
        unknown: Unknown = "error",
        origins: Tracker | None = None,
        artifacts: str | PathLike[str] | None = None,
    ) -> None:
        enums: dict[str, type[Enum]] = {"trial_status": model.TrialStatus, "experiment_status": model.ExperimentStatus}
        if experiment_type_enum is not None:
            enums["experiment_type"] = checked_enum(experiment_type_enum, "experiment_type_enum")
        if generator_run_type_enum is not None:
            enums["generator_run_type"] = checked_enum(generator_run_type_enum, "generator_run_type_enum")
        self.engine: Final = checked_engine(engine)
        self.project: Final = checked_text("project", project, 100)
        self.author: Final = checked_text("author", os_user() if author is None else author, LONGEST_NAME)
        codes = EnumCodes(enums)
        self._opened: Final = StoreContext(
            transactions=Transactions(engine, self.project),
            writer=Writer(self.project, codes),
            codes=codes,
            tracker=origins or Tracker(),
            raw=Codec(Registry(), unknown="members"),
            bundle=bundle,
            unknown=unknown,
            author=self.author,
        )
        self._artifact_files: Final = None if artifacts is None else artifact_files(artifacts)
        self._opened.mapper(unknown)  # a class that is registered wrongly raises now
        self._disconnect: Callable[[], object] | None = None
        registry.check()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.engine.url)!r}, project={self.project!r})"

    def __reduce__(self) -> NoReturn:
        # Not by its URL: the pickle would hold the password, and reading it would open, or make, a database.
        call = f"docstore.connect({shown(self.engine.url)!r}, project={self.project!r})"
        raise StoreError(f"a store cannot be pickled, as it holds connections. Open it in each process: {call}")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    @property
    def _context(self) -> StoreContext:
        """The context, for each call.

        Raises:
            StoreClosedError: the store was closed.
        """
        self._opened.transactions.check_open()
        return self._opened

    @property
    def _writing(self) -> StoreContext:
        """The context, for a call that writes.

        Raises:
            StoreClosedError: the store was closed.
            ReadOnlyError: it was opened to be read only.
        """
        context = self._context
        check_writable(context.transactions.engine)
        return context

    def _own_engine(self) -> None:
        """Close the connections of the engine when this store is closed or neither it nor a search of it is in use."""
        self._disconnect = weakref.finalize(self._opened, self.engine.dispose)

    def close(self) -> None:
        """Close the store, as a ``with`` block does at its end; a later call, of its searches too, raises.

        Its connections are closed, but those of an Engine that was given, which is left as it is. What another thread
        has begun to read or save ends as usual. To close a store twice does nothing more.
        """
        self._opened.transactions.close()
        if self._disconnect is not None:
            self._disconnect()

    def __enter__(self) -> Self:
        self._opened.transactions.check_open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- saving --------------------------------------------------------------------------------------------------

    def save(
        self,
        obj: Any,
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
        as_new: bool = False,
        based_on: int | Version | None = None,
        parts: Iterable[Any] | None = None,
    ) -> Version:
        """Save *obj* whole, and return its version; if nothing changed, the version that it already was.

        Threads that save one object take turns. A copy of an object that was loaded or saved (by ``copy``, pickle, a
        process pool, Pydantic's ``model_copy``), and an object of another store on the same database, or on a copy of
        it, are saved as the object itself would be: what others saved since is merged.

        Args:
            based_on: the version of the document of its kind and name that *obj* was made from, if neither *obj* nor
                this store knows it: *obj* was made by ``dataclasses.replace``, ``attrs.evolve`` or of JSON, or is a
                copy of an object without a ``__dict__`` (slots, a Struct). It is a number, or the ``Version`` that a
                save returned. Whatever differs from that version counts as a change of yours, so it must be the
                version whose state *obj* was made from, not simply the newest.
            as_new: make a new document, whichever document *obj*, or the object it is a copy of, came from. That
                document stays as it is, and later saves of *obj* go to the new one.
            parts: save only the head of *obj* (all of it but its parts) and these parts: some trials of an experiment,
                with their data, or some generator runs of a strategy. ``[]`` saves the head alone. The rest is neither
                encoded nor looked at, as by ``save_trials``; *obj* itself was saved before.
            on_conflict: what to do if others saved since. ``"merge"`` keeps both changes where no place was changed by
                both, and brings *obj* up to the result: a trial of *obj* that was made under the number of another one
                gets the next free number. ``"error"`` refuses. ``"overwrite"`` makes *obj* the newest version as it
                is; theirs stays in the history. A function merges as well, and decides where both changed a place: it
                is given each ``Conflict`` and returns the JSON value for that place, ``ABSENT`` for none, or
                ``NotImplemented``. It may be called again, on other values, if others save meanwhile. It is not asked
                where no value would do: two arms of one name, a trial that one side removed and the other measured, or
                a trial that one side changed while another took its place. Where it decides whether a trial stays, the
                data of that trial follow. It must not use the store, which waits for it, nor wait for a thread that
                saves *obj*. It may save other objects in another store.

        Raises:
            ConflictError: both changed the same place; names the places.
            DocumentExistsError: the name is taken by a document that *obj* did not come from; or, *as_new*, by any.
            DocumentNotFoundError: the document that *obj* came from was deleted; or, *based_on*, there is none.
            VersionNotFoundError: there is no version *based_on*, or it was folded.
            InvalidValueError: *based_on* is a version of another document; or *obj* is known to be based on another.
            NameChangedError: *obj*, or the object it is a copy of, came from a document of another name. Call
                ``rename`` to rename that document, or give *as_new*. A copy of an object without a ``__dict__``
                (slots, a Struct), of a class that declares no fields and has no table of them, or of one that a
                function of the user's own writes or reads is taken for a new object.
            EncodeError: something in *obj* cannot be written; with its pointer. Nothing was written.
            ObjectBusyError: code inside the save, such as an *on_conflict* function, saves *obj*, or an object that
                another thread is saving.

        Cost:
            One encoding of *obj*. If it is an experiment that was saved before, only its head and those trials and data
            that may have changed are encoded, however many there are. Only rows that changed are written. For a copy,
            and with *based_on*, the document is read once.
        """
        check_policy(on_conflict)
        if checked_flag("as_new", as_new) and on_conflict == "overwrite":
            raise InvalidValueError("on_conflict", on_conflict, "With as_new=True there is nothing to overwrite.")
        if as_new and based_on is not None:
            raise InvalidValueError("based_on", based_on, "With as_new=True the document has no version before it.")
        note = self._context.note(message, author)
        if parts is not None:
            if as_new:
                raise InvalidValueError("parts", parts, "With as_new=True the whole object is saved: leave parts out.")
            checked_iterable("parts", parts, "save(experiment, parts=[trial])")
            return pipeline.save_parts(self._writing, obj, parts, note, on_conflict, head=True, based_on=based_on)
        return pipeline.save(self._writing, obj, note, on_conflict, as_new=as_new, based_on=based_on)

    def save_trial(
        self,
        experiment: Any,
        trial: Any,
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
        based_on: int | Version | None = None,
    ) -> Version:
        """Save one trial of *experiment* and its data, and nothing else; as ``save_trials``."""
        return self.save_trials(
            experiment, [trial], message=message, author=author, on_conflict=on_conflict, based_on=based_on
        )

    def save_trials(
        self,
        experiment: Any,
        trials: Iterable[Any],
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
        based_on: int | Version | None = None,
    ) -> Version:
        """Save the given trials of *experiment* and their data, and nothing else; return the version.

        Changes that others saved since are merged as by ``save``, so that no data come under another trial, and no two
        arms have one name. *experiment* is brought up to what they changed in these trials and their data.

        Args:
            on_conflict: as for ``save``; ``"overwrite"`` makes these trials and their data what *experiment* has.
            based_on: as for ``save``.

        Raises:
            DocumentNotFoundError: the experiment itself was never saved.
            DocumentExistsError: *experiment* did not come from the document of its name: it was made anew, of JSON say.
                Give *based_on*.
            ConflictError, NameChangedError, VersionNotFoundError, EncodeError: as ``save``.

        Cost:
            In proportion to the trials given, and to what others changed that *experiment* does not have yet; however
            many trials it has. For a copy, and with *based_on*, the document is read once.
        """
        check_policy(on_conflict)
        checked_iterable("trials", trials, "save_trials(experiment, [trial]); save_trial() takes one")
        note = self._context.note(message, author)
        return pipeline.save_parts(self._writing, experiment, trials, note, on_conflict, head=False, based_on=based_on)

    def save_together(
        self,
        saves: Iterable[Any],
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
    ) -> list[Version]:
        """Save several objects in one transaction, all of them or none, and return the version of each.

        ``save_together([(experiment, [trial]), (strategy, [run])])`` saves a trial and the generator run that made it.

        Args:
            saves: objects, each saved whole, as by ``save``; or pairs of an object and some of its parts, each saved as
                by ``save(obj, parts=parts)``. An object that others belong to comes before them.
            on_conflict: as for ``save``.

        Raises:
            InvalidValueError: one is neither an object nor such a pair, or an object is there twice.
            ConflictError, DocumentExistsError, DocumentNotFoundError, NameChangedError, EncodeError: as ``save``, for
                one of them. Nothing was written then, and no object was changed.

        Cost:
            That of the saves one by one, with one COMMIT.
        """
        check_policy(on_conflict)
        note = self._context.note(message, author)
        return together.save_together(self._writing, saves, note, on_conflict)

    def save_many(
        self,
        objects: Iterable[Any],
        *,
        message: str = "",
        author: str | None = None,
        batch: int = 500,
        progress: bool | Report = False,
    ) -> int:
        """Save many documents, of any kinds, as ``save`` would one after the other; return how many there were.

        New ones are inserted together, a batch in one transaction. One that is unchanged makes no version; one that was
        changed is saved by itself, after the batch before it. If two in a batch have one name, the second begins the
        next.

        Args:
            objects: an iterable, read as they are saved: a batch of them is in memory. A dict,
                which would give its keys, is refused.
            batch: how many to save in one transaction, at most 10,000; fewer, if they hold 32 MiB of text.
            progress: as for ``verify``: told after each batch how many are saved.

        Raises:
            DocumentExistsError: the name of one is taken by a document that it did not come from; names it.
            ConflictError, NameChangedError, EncodeError: as ``save``.
            InvalidValueError: *objects* is not an iterable of objects, or *batch* is out of range.

            Whatever the error, Ctrl-C and those that *objects* itself raises included: earlier batches are kept, and
            nothing of its own. ``error.saved`` is how many of the objects, the first ones, are saved; its notes say it
            too. To go on, give the remaining ones, or of a generator, ``itertools.islice(objects, error.saved, None)``.

        Cost:
            That of ``save`` for each that was saved or loaded before, and another encoding of a changed one if a batch
            is written before it; one encoding of each new one. A batch is looked up by one statement for each kind, and
            one for all that are unchanged, and inserted by two (more where the database takes rows in pieces), and two
            for each document whose type no other had.
        """
        from docstore.store.saving.bulk import save_many

        return save_many(self._writing, objects, self._context.note(message, author), batch, progress)

    def upgrade(
        self,
        kind: str | type | None = None,
        *,
        message: str = "upgrade",
        author: str | None = None,
        progress: bool | Report = False,
    ) -> int:
        """Save every document whose class would write it otherwise now, and return how many these were.

        After a class has changed (new fields, an ``upcast``), documents load in its new form at once, but searches,
        indexes and views see the stored form: that of the last save. This loads and saves each document, so that it is
        stored in the new form, as a version of its own. Others may save meanwhile; their changes are merged.

        It can be stopped and called again: a document that is upgraded makes no further version. Documents whose kind
        has no class here, and deleted ones, are left as they are.

        Args:
            kind: of the documents; None for all kinds that have a class here.
            progress: as for ``verify``: told after each document.

        Raises:
            InvalidValueError: *kind* has no class here; lists those that have one.
            DecodeError, DamagedDocumentError: as ``load``. ``verify(decode=True)`` lists all such documents beforehand.
            EncodeError: as ``save``.

            Whatever the error, those before it stay upgraded; its notes name the document that it stopped at.

        Cost:
            A load and an encoding of each document; of rows, those that changed are written, each document in a
            transaction of its own. Memory for one document, and for the names of all.
        """
        from docstore.store.saving.upgrade import upgrade

        which = None if kind is None else self._context.kind_name(kind)
        return upgrade(self._writing, which, self._context.note(message, author), progress)

    def put(
        self,
        kind: str,
        name: str,
        value: Any,
        *,
        message: str = "",
        author: str | None = None,
        based_on: int | Version | None = None,
    ) -> Version:
        """Save *value*, any JSON value with what docstore tags, as the newest version of the document *name* of *kind*.

        The kind comes first. Any text may be a new kind, so that a name in its place is not refused; the error of
        ``get`` says then that the two were swapped.

        Args:
            based_on: the version that *value* was made from: its number, or the ``Version`` that a save returned. What
                others saved since is kept; without it, *value* replaces it.

        Raises:
            InvalidValueError: *kind* is one whose documents are saved as objects.
            EncodeError: something in *value* cannot be written.
            ConflictError: *based_on*, and others changed a place since that *value* changes too; names the places.
            DocumentNotFoundError, VersionNotFoundError: *based_on*, and there is no such document or version, or it
                was folded.
        """
        return direct.put(self._writing, kind, name, value, self._context.note(message, author), based_on)

    def put_json(
        self,
        kind: str,
        name: str,
        text: bytes | str,
        *,
        message: str = "",
        author: str | None = None,
        on_conflict: OnConflict = "merge",
        based_on: int | Version | None = None,
    ) -> Version:
        """Save a document by its JSON text, as ``get_json`` gives it; if it is there with these contents, do nothing.

        It is stored as it stands: the digest is the same as where it came from, and classes that are not registered
        here are kept. Only a value that some database would change, as -0.0 or 2**64, gets a tag, as ``save`` gives it.
        An object is made of it, to see that it loads, with those classes left unread.

        Args:
            on_conflict: as for ``save``. ``"overwrite"`` makes *text* the newest version, with *based_on* or without.
            based_on: the version that *text* was made from, as for ``put``, of the document that has the name now: a
                text does not say which document it came from. What others saved since is kept; without it, *text* is
                taken for a new document.

        Raises:
            DocumentExistsError: there is such a document with other contents, and no *based_on*.
            ConflictError: *based_on*, and others changed a place since that *text* changes too; names the places.
            DocumentNotFoundError, VersionNotFoundError: *based_on*, and there is no such document or version, or it
                was folded.
            DecodeError: *text* is not JSON, or no object can be made of it; with the place.
            EncodeError: *based_on*, and what is stored has a newer schema.
            InvalidValueError: the document in *text* is of another kind, or has another name.

        Cost:
            One decoding; with *based_on*, a read of that version and of the newest. A document that others belong to
            comes before them.
        """
        check_policy(on_conflict)
        note = self._context.note(message, author)
        context = self._writing
        document = context.mapper("keep").document_of_json(kind, name, text)
        return direct.put_document(context, document, note, on_conflict, based_on)

    def status(self, obj: Any) -> Status:
        """Return what ``save(obj)`` would write now: the difference from what is stored, with others' changes merged.

        Raises:
            DocumentExistsError: the name is taken by a document that *obj* did not come from.
            NameChangedError: the name of *obj* was changed, but its document was not renamed.
            DocumentNotFoundError: the document was deleted since.
            ConflictError: the version that *obj* is based on was folded since, or is not in the database.
            EncodeError: *obj* cannot be saved.
            DecodeError: what others saved, and *obj* changed too, cannot be read here.

        Cost:
            One encoding of *obj*, and a read of the whole document. Nothing is written.
        """
        from docstore.store.status import status

        return status(self._context, obj)

    def refresh(self, obj: Any) -> Version:
        """Bring *obj* up to the newest version of its document, in place, and return that version. Nothing is written.

        What others saved since is merged into *obj* as by ``save``: its trials and parameters stay the same objects,
        its local changes stay, to be saved later, and a trial of *obj* that was made under the number of another one
        gets the next free number.

        Raises:
            ConflictError: others changed a place that *obj* changed too; names the places. *obj* is as it was.
            DocumentNotFoundError, DocumentExistsError: *obj* was never saved; or its document was deleted since.
            NameChangedError, EncodeError, DecodeError, ObjectBusyError: as ``save``.

        Cost:
            As a ``save`` that merges, without its writes. If *obj* has local changes, the next save looks at all of it.
        """
        from docstore.store.refresh import refresh

        return refresh(self._context, obj)

    # --- reading -------------------------------------------------------------------------------------------------

    @overload
    def load(
        self,
        name: str,
        *,
        kind: Literal["experiment"] = "experiment",
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        unknown: Unknown | None = None,
        lazy: bool = False,
    ) -> Experiment: ...
    @overload
    def load(
        self,
        name: str,
        *,
        kind: type[D],
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        unknown: Unknown | None = None,
        lazy: bool = False,
    ) -> D: ...
    @overload
    def load(
        self,
        name: str,
        *,
        kind: str,
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        unknown: Unknown | None = None,
        lazy: bool = False,
    ) -> Any: ...
    def load(
        self,
        name: str,
        *,
        kind: str | type = "experiment",
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        unknown: Unknown | None = None,
        lazy: bool = False,
    ) -> Any:
        """Return the object as it was saved last, as *version*, as it was *at* a time, or as the version of a *tag*.

        Types and bits are those that were saved. The order of a plain dict's keys is not kept.

        Args:
            kind: of the document; or its class, as in every call that takes a kind: the object is one of that class.
            unknown: ``"keep"`` gives an ``UnknownObject`` for a class that is not registered, for a metric or a runner
                an ``UnknownMetric`` or ``UnknownRunner``; saving writes it back unchanged. By default as the store was
                made.
            lazy: read an experiment's trials and data only when they are first asked for: a single one alone, all of
                them by one statement. The experiment is the same: each is read as of the version that was loaded,
                whatever others saved since. The store must stay open until all that you need was read. Experiments of
                Ax or of a class of your own, other kinds and older versions are read at once.

        Raises:
            DocumentNotFoundError: there is no such document; names similar ones.
            VersionNotFoundError: it has no such version or tag, none so early, or the version was folded.
            InvalidValueError: more than one of *version*, *at* and *tag* is given, or *at* has no time zone; or the
                object is of another class than *kind*, or documents are made of no such class.
            DecodeError: a class that it needs is not registered, or has changed.
            DamagedDocumentError: what is stored is not what was saved.

        Cost:
            A read of the whole document; with *lazy*, of the experiment's head. Then saves read no trial, ``len`` and a
            loop read the keys, and ``new_trial`` reads the trials of its arm, and at first those of several arms.
        """
        return reading.load(self._context, kind, name, VersionChoice(version, at, tag), unknown, lazy=lazy)

    def load_or_create(
        self,
        name: str,
        make: Callable[[], D],
        *,
        kind: str | type = "experiment",
        message: str = "",
        author: str | None = None,
    ) -> D:
        """Return the object of a document; if there is none, the object that *make* returns, saved.

        For a script that is run again after it was stopped, and for several that start at once: of two that make an
        object, one saves its own, and the other loads that one. The document is saved once *make* has returned; if it
        is interrupted, there is none.

        Args:
            make: takes nothing and returns an object whose document has this *name* and *kind*.
            message, author: of version 1.

        Raises:
            InvalidValueError: *make* returned an object of another name or kind; nothing was saved.
            DecodeError, DamagedDocumentError: as ``load``, of a document that is there.
            EncodeError: as ``save``, of the object that was made.
            ReadOnlyError: there is no such document, and the store was opened to be read only; *make* was not called.

        Cost:
            As ``load``; of a new document, as ``save``.
        """
        made: D = creation.load_or_create(self._context, kind, name, make, self._context.note(message, author))
        return made

    def get(
        self,
        name: str,
        *,
        kind: str | type = "experiment",
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        pointer: str = "",
        default: Any = NO_DEFAULT,
    ) -> Any:
        """Return the JSON of a document, or the value at *pointer*, tagged values decoded; no class is needed.

        A field of docstore's own objects that is None is not stored: its *pointer* gives None, and the JSON of the
        object lacks it.

        Args:
            default: returned if there is no such document, or nothing at *pointer*; without one, that is an error. A
                version, a time or a tag that the document lacks is an error in any case.

        Raises:
            DecodeError: there is nothing at *pointer*; or it is no pointer.
            DocumentNotFoundError, VersionNotFoundError, InvalidValueError, DamagedDocumentError: as ``load``.

        Cost:
            With a *pointer* into one part, that part alone is read, and checked by its own digest (``load`` and
            ``verify`` check the whole document's); for an older version, also what changed since. If nothing is there,
            the digests of all parts are read. Without a *pointer*, as ``load``.
        """
        choice = VersionChoice(version, at, tag)
        return reading.get(self._context, self._context.kind_name(kind), name, choice, pointer, default)

    def get_json(
        self,
        name: str,
        *,
        kind: str | type = "experiment",
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
        pointer: str = "",
        indent: bool = False,
    ) -> bytes:
        """Return the JSON text of a document, or of the value at *pointer*, as it is stored: canonical, UTF-8.

        Values that JSON lacks are tagged in it, and objects have their tags: ``docstore.loads`` makes the value or the
        object of it, and the text of a whole document is what ``docstore.dumps`` gives for its object.

        Args:
            indent: write it in lines, for people.

        Raises:
            DecodeError: there is nothing at *pointer*; or it is no pointer.
            DocumentNotFoundError, VersionNotFoundError, InvalidValueError, DamagedDocumentError: as ``load``.

        Cost:
            As ``get``.
        """
        choice = VersionChoice(version, at, tag)
        return reading.get_json(self._context, self._context.kind_name(kind), name, choice, pointer, indent=indent)

    def exists(self, name: str, *, kind: str | type = "experiment") -> bool:
        """Return whether there is a document of this name and kind that is not deleted.

        Another program may save or delete it right afterwards: ``load_or_create`` is one step.

        Cost:
            A SELECT by an index.
        """
        return reading.exists(self._context, self._context.kind_name(kind), name)

    def names(self, *, kind: str | type = "experiment") -> list[str]:
        """Return the names of the documents of a kind, sorted; of a kind that has none, an empty list.

        Cost:
            A SELECT by an index; memory for all names. ``find`` gives them in pages, with their columns.
        """
        return reading.names(self._context, self._context.kind_name(kind))

    def kinds(self) -> list[str]:
        """Return the kinds that have documents in this project, sorted.

        Cost:
            A SELECT, in which the database goes through the names of the project.
        """
        return reading.kinds(self._context)

    def projects(self) -> list[str]:
        """Return the projects that have documents in this database, sorted.

        Cost:
            A SELECT, in which the database goes through all names.
        """
        return reading.projects(self._context)

    def stats(self) -> Stats:
        """Return how much there is: documents and parts by kind, versions, and the bytes on disk.

        Cost:
            Two SELECTs, in which the database counts the rows of all documents and parts.
        """
        from docstore.search.stats import stats

        return stats(self._context.transactions)

    # --- experiments -----------------------------------------------------------------------------------------------

    def trials(self, name: str) -> pandas.DataFrame:
        """Return a pandas frame with a row for each trial of an experiment, by its index, with its first arm.

        Its columns are those of the view ``trials``, but for ``parameters``: each parameter has a column, in the order
        of the search space. A parameter with the name of another column is ``parameters.NAME``; with one more
        ``parameters.`` before it, if a parameter has that name. The experiment is read as it is stored, and no class of
        the user's is needed.

        Units:
            ``trial_index``, ``changed_in_version``: int64. ``status``, ``generator_run_type``: Int64. ``time_*``:
            datetime64[us, UTC]; of objects, if one has no zone. ``run_time``: seconds, float64. A parameter: FLOAT
            float64, INT Int64, BOOL boolean; of objects, if a value is of another type, or too large. All others are
            of objects: texts, and in ``arms`` the list of their names. What is missing is NaN, NaT, NA or None.

        Raises:
            MissingDependencyError: pandas is not installed.
            DocumentNotFoundError: as ``load``.
            DamagedDocumentError: as ``load``; or the status, type or version in the columns of a trial, or the table
                ``codes``, contradict the trial or the history.

        Cost:
            Five SELECTs, which read each trial, and only the digests of the data.
        """
        return reading.trials(self._context, name)

    def observations(self, name: str) -> pandas.DataFrame:
        """Return a pandas frame with a row for each observation of an experiment, by trial and as they were attached.

        Its columns are those of the view ``observations``.

        Units:
            ``trial_index``: int64. ``step``, ``mean``, ``sem``: float64, of objects if one is no number or an
            integer beyond 64 bits. All others are of objects: texts, and ``start_time`` and ``end_time`` as they were
            attached. What is missing is NaN or None.

        Raises:
            MissingDependencyError: pandas is not installed.
            DocumentNotFoundError, DamagedDocumentError: as ``load``.

        Cost:
            Three SELECTs, which read the data of each trial, and only the digests of the trials.
        """
        return reading.observations(self._context, name)

    def running_trials(self, name: str) -> list[RunningTrial]:
        """Return the trials of an experiment that run now in a ``docstore.optuna.Storage``, by number.

        While a trial runs there, it is no part of the experiment: no version has it, nor ``trials``.

        Raises:
            DocumentNotFoundError: there is no experiment of that name.
            InvalidValueError: *name* is not a str.

        Cost:
            Where nothing runs, at most four SELECTs by keys, however many trials there are.
        """
        from docstore.search.experiments.running import running_trials

        return running_trials(self._context.transactions, name)

    def best(
        self,
        name: str,
        n: int = 1,
        *,
        version: int | None = None,
        at: datetime | None = None,
        tag: str | None = None,
    ) -> list[BestArm]:
        """Return the *n* best arms of an experiment by its objective: first those that fulfil its outcome constraints.

        Among equally good arms, the one that was tried earlier comes first. There are fewer if the objective
        was measured on fewer, and none if it was measured on none.

        An arm's value of a metric is found as follows. Trials that failed, were abandoned or are stale do not count,
        nor do arms that were abandoned, nor a mean that is NaN. Among an arm's observations of a metric in one trial,
        the one with the largest step counts, the last of equal ones; one without a step comes after all steps. For an
        arm in several trials, it is the unweighted mean of these, summed in the order of the trials. (The view
        ``experiments`` computes the same; its ``best_value`` is the best of all arms, whatever the constraints.) The
        objective is that of its metric; or the weighted sum of those of its metrics.

        A constraint holds if its metrics were measured, and their (weighted) mean is within the bound. The bound of a
        relative one is that much above or below the status quo: -5 percent is 9.5 for 10, and -10.5 for -10.

        Args:
            version, at, tag: which version of the experiment, as for ``load``; without any, the newest.

        Raises:
            InvalidValueError: the experiment has no objective, or several at once; a constraint is relative to a status
                quo that does not exist or was not measured; a function of the user's own wrote the objective or a
                constraint with other members than docstore; or *n* is not an integer of 1 or more.
            DocumentNotFoundError, VersionNotFoundError, DamagedDocumentError: as ``load``.

        Cost:
            Two SELECTs, which read each trial and its data. An older version: as ``load``.
        """
        return reading.best(self._context, name, n, VersionChoice(version, at, tag))

    def similar(
        self,
        like: SearchSpace | Experiment,
        *,
        n: int = 10,
        overlap: float = 0.0,
        types: Enum | str | int | Iterable[Enum | str | int] | None = None,
        since: datetime | None = None,
    ) -> list[Similar]:
        """Return the *n* experiments that share the most parameters with a search space, the newest first of equals.

        As Ax's ``identify_transferable_experiments``: which earlier experiments a new one can learn from, and by which
        parameters. A parameter is shared that has the same name and the same type (FLOAT, INT, ...), whatever its
        bounds or choices. ``load`` gives the experiments themselves.

        Args:
            like: a search space; or an experiment, which is not in the result.
            overlap: the least share of the parameters of *like*; an experiment that shares none is never returned.
            types: only experiments of this type, or of one of several, as for ``find``.
            since: only those that were saved at this time or later.

        Raises:
            InvalidValueError: *like* is neither, or has no parameters; *overlap* is not between 0 and 1; *n* is not an
                integer of 1 or more; or *since* has no time zone.
            UnknownCodeError: there is no such type.

        Cost:
            Two SELECTs (and one for *types*), in which the database looks into the search space of each experiment.
        """
        return reading.similar(self._context, like, n, overlap, types, since)

    # --- finding -------------------------------------------------------------------------------------------------

    # Each overload repeats the keywords: of ``Unpack[Criteria]``, the pages of the reference would show none, and an
    # editor that completes by Jedi would offer none.
    @overload
    def find(
        self,
        kind: type[D],
        *,
        part: None = None,
        name: str | None = None,
        name_prefix: str | None = None,
        name_like: str | None = None,
        project: str | Iterable[str] | None = None,
        type: Wanted = None,
        status: Wanted = None,
        owner: str | None = None,
        model: str | None = None,
        created: Moments | None = None,
        updated: Moments | None = None,
        deleted: bool = False,
        where: Where = None,
        order_by: str | Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Found[DocumentInfo, D]: ...
    @overload
    def find(
        self,
        kind: Literal["experiment"],
        *,
        part: None = None,
        name: str | None = None,
        name_prefix: str | None = None,
        name_like: str | None = None,
        project: str | Iterable[str] | None = None,
        type: Wanted = None,
        status: Wanted = None,
        owner: str | None = None,
        model: str | None = None,
        created: Moments | None = None,
        updated: Moments | None = None,
        deleted: bool = False,
        where: Where = None,
        order_by: str | Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Found[DocumentInfo, Experiment]: ...
    @overload
    def find(
        self,
        kind: str | None = None,
        *,
        part: None = None,
        name: str | None = None,
        name_prefix: str | None = None,
        name_like: str | None = None,
        project: str | Iterable[str] | None = None,
        type: Wanted = None,
        status: Wanted = None,
        owner: str | None = None,
        model: str | None = None,
        created: Moments | None = None,
        updated: Moments | None = None,
        deleted: bool = False,
        where: Where = None,
        order_by: str | Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Found[DocumentInfo, Any]: ...
    @overload
    def find(
        self,
        kind: str | type | None = None,
        *,
        part: str,
        name: str | None = None,
        name_prefix: str | None = None,
        name_like: str | None = None,
        project: str | Iterable[str] | None = None,
        type: Wanted = None,
        status: Wanted = None,
        owner: str | None = None,
        model: str | None = None,
        created: Moments | None = None,
        updated: Moments | None = None,
        deleted: bool = False,
        where: Where = None,
        order_by: str | Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Found[PartInfo, Any]: ...
    def find(
        self,
        kind: str | type | None = None,
        *,
        part: str | None = None,
        name: str | None = None,
        name_prefix: str | None = None,
        name_like: str | None = None,
        project: str | Iterable[str] | None = None,
        type: Wanted = None,
        status: Wanted = None,
        owner: str | None = None,
        model: str | None = None,
        created: Moments | None = None,
        updated: Moments | None = None,
        deleted: bool = False,
        where: Where = None,
        order_by: str | Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Found[Any, Any]:
        """Return the documents, or the parts, that fulfil all criteria, as a sequence that is read as one looks at it.

        Args:
            kind: of the documents, or their class; None for all kinds.
            part: ``"trial"``: the parts of that kind in place of the documents; name, owner and project stay those of
                the document, and type, status, times and *where* are the part's own.
            name, name_prefix, name_like: the name, how it begins, or a pattern: ``%`` is any text, ``_`` any character,
                a backslash escapes; upper and lower case differ.
            project: another project that has documents, or several; by default, this store's, which may have none.
            type, status: a member, its name or its integer, or several of them; a former name of a member counts too.
            owner: the name of the experiment that the documents belong to.
            model: whose classes they are of: ``docstore``, ``ax`` or ``user``.
            created, updated: from the first time (included) to the second (not included); None leaves an end open.
            deleted: those that are deleted, in place of those that are not.
            where: ``{pointer: value}``, or conditions of ``docstore.q``, on the JSON of a document or part.
            order_by: columns (the fields of the result) or pointers, one or several, ``-`` before one for the largest
                first; by default kind and name, and parts by their index. Rows without a value come first.
            limit: at most so many.

        Raises:
            InvalidValueError: an argument is invalid, or there is no such kind, project, part or column: it lists those
                that there are; or *type* or *status* without a kind that has one, or a time without a zone.
            UnknownCodeError: a name that the enum lacks; or, of statuses, an integer.

        Cost:
            The call itself costs nothing, or a SELECT for each kind that has no class here, for each project but this
            store's, and for each type or status that no search has seen yet.
        """
        return reading.find(
            self._context,
            kind,
            part,
            {
                "name": name,
                "name_prefix": name_prefix,
                "name_like": name_like,
                "project": project,
                "type": type,
                "status": status,
                "owner": owner,
                "model": model,
                "created": created,
                "updated": updated,
                "deleted": deleted,
                "where": where,
                "order_by": order_by,
                "limit": limit,
            },
        )

    def create_index(self, pointer: str, *, kind: str | type = "experiment", part: str | None = None) -> str:
        """Make an index that makes ``find`` by the value at *pointer* quick, unless there is one; return its name.

        It is the database's own, of the documents of all projects, and is kept up to date by every save. Comparing with
        ``==``, ``in_`` and ``< <= > >=`` uses it, if the kind is given; ``contains`` and ``exists`` do not.

        Args:
            kind: of the documents.
            part: ``"trial"``: *pointer* leads into those parts.

        Raises:
            InvalidValueError: there is no such kind, or part; or *pointer* is invalid, or cannot be indexed.
            NotAllowedError: the database's user may make none.
            DatabaseError: MariaDB has no room for more: its 64 indexes of a table are enough for 29 of these.

        Cost:
            One look at all documents. On PostgreSQL and SQLite nothing is saved meanwhile.
        """
        from docstore.search import indexes

        kind, known = self._context.kind_name(kind), self._context.mapper().codec.registry
        return indexes.create_index(self._writing.transactions, known, kind, pointer, part).name

    def indexes(self) -> list[PlaceIndex]:
        """Return the indexes that ``create_index`` made, by kind, part and pointer."""
        from docstore.search import indexes

        return indexes.indexes(self._context.transactions)

    def drop_index(self, pointer: str, *, kind: str | type = "experiment", part: str | None = None) -> None:
        """Drop the index on *pointer*; searches find the same as before.

        Raises:
            InvalidValueError: there is none; lists those that there are.
        """
        from docstore.search import indexes

        indexes.drop_index(self._writing.transactions, self._context.kind_name(kind), pointer, part)

    # --- the past ------------------------------------------------------------------------------------------------

    def history(self, name: str, *, kind: str | type = "experiment", pointer: str | None = None) -> Sequence[Version]:
        """Return the versions of a document, newest first; each is read when it is looked at.

        Args:
            pointer: only those that changed the value there; ``blame`` also says what it was before and after.

        Raises:
            DecodeError: *pointer* is invalid.
            DamagedDocumentError: a version is missing, cannot be read, or is not as it was saved; raised when one comes
                to it.
            DocumentNotFoundError: there is no such document; or it was purged before one came to an older version.

        Cost:
            A SELECT for every 100 versions that one looks at. The changes of a version are parsed when they are first
            asked for. With a *pointer*, as ``blame``.
        """
        from docstore.store import timeline

        return timeline.history(self._context, self._context.kind_name(kind), name, pointer)

    def version(self, name: str, version: When | None = None, *, kind: str | type = "experiment") -> Version:
        """Return one version of a document, by default the newest; as ``history`` has it.

        Args:
            version: a number, a tag, or a time at which the version was current. It may be folded.

        Raises:
            VersionNotFoundError: there is no such version.
            DocumentNotFoundError: there is no such document.
            DamagedDocumentError: the version is missing, or cannot be read.

        Cost:
            A SELECT by the primary key, and one to find the version of a tag or a time.
        """
        from docstore.store import timeline

        return timeline.version(self._context, self._context.kind_name(kind), name, version)

    def blame(self, name: str, pointer: str, *, kind: str | type = "experiment") -> Sequence[Blame]:
        """Return when the value at *pointer* changed and by whom, newest first, with the values before and after.

        An item of a list is meant by its index, as it was at each version. A change in versions that ``compact`` folded
        is reported with the next version that is kept, and with who and which it may have been: ``Blame.authors``,
        ``first``.

        Raises:
            DecodeError: *pointer* is invalid.
            DamagedDocumentError: the history is not as it was saved, or does not lead back.

        Cost:
            The part that *pointer* leads into is read, and the versions that may have changed it, as one comes to them.
            The database searches the changes; the other versions are only checked to be there, and not by the chain
            (``verify`` checks all). Values are kept as JSON: if a large value changed often, look at its changes one
            after the other, with ``iter``, or at ``history``.
        """
        from docstore.store import timeline

        return timeline.blame(self._context, self._context.kind_name(kind), name, pointer)

    def diff(
        self, name: str, a: When, b: When | None = None, *, kind: str | type = "experiment", other: str = ""
    ) -> Diff:
        """Return what changed from version *a* to version *b*, which may be the older; by default, the newest.

        Args:
            a, b: a number, a tag, or a time at which the version was current.
            other: the name of another document of the *kind*, of which *b* is a version then.
        """
        from docstore.store import timeline

        return timeline.diff(self._context, self._context.kind_name(kind), name, a, b, other)

    def diffs(self, name: str, *, kind: str | type = "experiment") -> Iterator[tuple[Version, Diff]]:
        """Yield each version of a document with what it changed, newest first, as ``diff`` from the one before it.

        The first version is left out, as are those that ``compact`` folded: what they changed is in the next one that
        is kept.

        Raises:
            DocumentNotFoundError: there is no such document.
            DamagedDocumentError: the history is not as it was saved, or does not lead back; raised when one comes to
                that version.

        Cost:
            The document is read once; then time in proportion to the changes, as one comes to them.
        """
        from docstore.store import timeline

        return timeline.diffs(self._context, self._context.kind_name(kind), name)

    def revert(
        self, name: str, version: When, *, kind: str | type = "experiment", message: str = "", author: str | None = None
    ) -> Version:
        """Make the state of *version* the newest version; the history stays as it is.

        Args:
            version: a number, a tag, or a time at which the version was current.

        Raises:
            VersionNotFoundError: there is no such version, or it was folded.
        """
        return direct.revert(
            self._writing, self._context.kind_name(kind), name, version, self._context.note(message, author)
        )

    def tag(
        self,
        name: str,
        tag: str,
        version: When | None = None,
        *,
        kind: str | type = "experiment",
        author: str | None = None,
        move: bool = False,
    ) -> int:
        """Let *tag* name a version, by default the newest, and return its number; ``load(name, tag=tag)`` gives it.

        Args:
            version: a number, another tag, or a time at which the version was current.
            move: let the tag name this version from now on, also if it names another one.

        Raises:
            TagExistsError: it names another version.
        """
        new = NewTag(tag, version, self._context.note("", author).author, checked_flag("move", move))
        return tags.tag(self._writing.transactions, self._context.kind_name(kind), name, new)

    def untag(self, name: str, tag: str, *, kind: str | type = "experiment") -> None:
        """Remove a tag; the version that it named stays."""
        tags.untag(self._writing.transactions, self._context.kind_name(kind), name, tag)

    def tags(self, name: str, *, kind: str | type = "experiment") -> dict[str, int]:
        """Return the number of the version that each tag of a document names."""
        return tags.tags(self._context.transactions, self._context.kind_name(kind), name)

    def compact(
        self, name: str, *, keep: int | timedelta, kind: str | type = "experiment", progress: bool | Report = False
    ) -> Compacted:
        """Fold old versions of a document, and return which are kept.

        Kept are the newest *keep* versions, or those that were current at any time in the last *keep*; each one that a
        tag names; and each that another document branched from or has merged, since a merge goes back to it. They load
        as they were saved, to the byte. Of the others the log stays (``history``: who, when, the message, the digest),
        and the chain can still be proved. Their changes go, and cannot be brought back: ``load``, ``diff``, ``revert``,
        ``branch`` and ``tag`` of one raise. Their changes count as made by the next version that is kept.

        The history is proved first. It can be compacted again, further; a version that was folded once stays folded.

        Args:
            keep: so many versions, 1 or more; or for so long: ``timedelta(days=90)``.
            progress: as for ``verify``: told how many versions were walked through.

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
            100 versions. Other writers wait. What is freed is the old values: each folded version keeps a digest in
            place of its changes, so that a history of small ones needs as much room as before. SQLite uses the room
            again; its file gets smaller by VACUUM only. As with ``purge``, nothing of what was folded is left in it; a
            server removes it in its own time.
        """
        from docstore.store.compaction import compact

        return compact(self._writing.transactions, self._context.kind_name(kind), name, keep, progress)

    def verify(
        self,
        name: str | None = None,
        *,
        kind: str | type | None = None,
        decode: bool = False,
        progress: bool | Report = False,
    ) -> list[Damage]:
        """Return every damage of a document, of all of a *kind*, or of the project; an empty list if all is as saved.

        Each digest is computed again, each history is walked back to version 1, each chain, each column and each tag is
        checked. Deleted documents are verified, too; a *name* means the live one, if there is one. A row that is gone,
        or was changed with its digest, is named if the history tells which; else, the damage is of ``its rows``.
        Without *name* and *kind*, the database's own integrity check runs as well, since an index that lacks a row
        hides a document: SQLite's ``integrity_check``, ``CHECK TABLE`` on MariaDB, ``amcheck`` where PostgreSQL has it.
        Its findings have the kind ``"unknown"``. If the store has ``artifacts=``, those that any version refers to are
        read and checked, too.

        Args:
            name: of a document of *kind*, or of an experiment; None for all.
            decode: make objects of each version as well, with the classes that are registered, and the libraries that
                are installed, now.
            progress: True draws a bar on stderr (``docstore[rich]``); or a function that is told how far it is, first
                in versions, then in artifacts.

        Raises:
            DocumentNotFoundError: there is no such document, and was none.
            InvalidValueError: there is no such kind; lists those that there are.
            MissingDependencyError: there is no ``rich`` to draw a bar with.

        Cost:
            A read of everything, and of each version time in proportion to what it changed; memory for a document and
            a page of rows. To decode takes a load of each version. The database's own check covers all projects.
        """
        kind = None if kind is None else self._context.kind_name(kind)
        damages = reading.verify(self._context, name, kind, decode=decode, progress=progress)
        if self._artifact_files is None:
            return damages
        from docstore.store.artifacts import damaged_artifacts

        return damages + damaged_artifacts(self._context, self._artifact_files, name, kind, progress)

    @property
    def artifacts(self) -> Artifacts:
        """The files beside this store that documents refer to: put, open, read and collect them.

        Raises:
            InvalidValueError: the store was opened without ``artifacts=``.
            StoreClosedError: the store was closed.
        """
        from docstore.store.artifacts import Artifacts

        if self._artifact_files is None:
            remedy = 'Say where they are: docstore.connect(..., artifacts="lab-artifacts"), a folder or a URL.'
            raise InvalidValueError("artifacts", None, remedy)
        return Artifacts(self._context, self._artifact_files)

    # --- branches ------------------------------------------------------------------------------------------------

    def branch(
        self,
        name: str,
        new_name: str,
        version: When | None = None,
        *,
        kind: str | type = "experiment",
        message: str = "",
        author: str | None = None,
    ) -> Version:
        """Start the document *new_name* from a version of *name*, the newest by default; return its first own version.

        The versions before are its past, too. ``merge`` brings its changes back.

        Args:
            version: a number, a tag, or a time at which the version was current.

        Raises:
            DocumentExistsError: the new name is taken.
            DocumentNotFoundError, VersionNotFoundError: there is no such document, or no such version.

        Cost:
            A copy of the document, and of its history.
        """
        from docstore.store.branches.branch import branch

        return branch(
            self._writing, self._context.kind_name(kind), name, new_name, version, self._context.note(message, author)
        )

    def branches(self, name: str, *, kind: str | type = "experiment") -> dict[str, int]:
        """Return the names of the documents that were branched from this one, each with the version it began from.

        Only its own branches, by their present names; not those of its branches, and none that is deleted.

        Cost:
            Every row of history in the database is looked at, and the branches and merges of those that are found.
        """
        from docstore.store.branches.branch import branches

        return branches(self._context.transactions, self._context.kind_name(kind), name)

    def merge(
        self,
        name: str,
        into: str,
        *,
        kind: str | type = "experiment",
        on_conflict: OnConflict = "merge",
        message: str = "",
        author: str | None = None,
    ) -> Version:
        """Merge what was changed in *name* into *into*, as its next version, and return that.

        Both have a version in common: one is a branch of the other, say. What was changed in *name* since is "mine",
        what was changed in *into* is "theirs"; they are merged as by ``save``. *name* stays as it is. The next merge
        recognizes a trial that got another number in *into*.

        Args:
            on_conflict: as for ``save``; ``"overwrite"`` makes *into* what *name* is.

        Raises:
            ConflictError: both changed the same place; names the places.
            InvalidValueError: they have no version in common, or none that is kept.

        Cost:
            Both documents and the version that they have in common, whole.
        """
        from docstore.store.branches.merge import merge

        check_policy(on_conflict)
        return merge(
            self._writing, self._context.kind_name(kind), name, into, on_conflict, self._context.note(message, author)
        )

    # --- rename, delete, copy ------------------------------------------------------------------------------------

    def rename(
        self, old: str, new: str, *, kind: str | type = "experiment", message: str = "", author: str | None = None
    ) -> Version:
        """Rename a document, and return its new version; renamed to its own name, its current one.

        The document keeps its id, its history and its tags; earlier versions still contain the old name, and are
        loaded by the new one. An object that was loaded under the old name is still saved to this document, and the
        save gives it the new name. Documents that belong to it, an experiment's generation strategy and analysis cards,
        get a new version too; its strategy has the new name, as it is named after the experiment. The old name becomes
        free.

        Raises:
            DocumentNotFoundError: no document has the *old* name, or it is deleted.
            DocumentExistsError: another document, which is not deleted, has the *new* name.
            InvalidValueError: *new* is not a str of 1 to 255 characters, or the class does not accept it; or it is the
                strategy of a stored experiment, which is renamed with the experiment.

        Cost:
            A read of the document and of those that belong to it; the head of each is written.
        """
        return lifecycle.rename(
            self._writing, self._context.kind_name(kind), old, new, self._context.note(message, author)
        )

    def delete(self, name: str, *, kind: str | type = "experiment") -> None:
        """Delete a document, so that ``undelete`` can bring it back; its name is free for another.

        With an experiment, its generation strategy and analysis cards are deleted.
        """
        lifecycle.delete(self._writing.transactions, self._context.kind_name(kind), name, self.author)

    def undelete(self, name: str, *, kind: str | type = "experiment") -> None:
        """Bring back the document of this name that was deleted last, with its history, and what was deleted with it.

        Raises:
            DocumentNotFoundError: none was deleted.
            DocumentExistsError: another has the name now; or that of a document that was deleted with it.
        """
        lifecycle.undelete(self._writing.transactions, self._context.kind_name(kind), name)

    def purge(self, name: str, *, kind: str | type = "experiment") -> None:
        """Delete a document for good, with its whole history and its tags; if none is live, the one deleted last.

        With an experiment, its generation strategy and analysis cards are purged, also those that were deleted before.
        The log of folded versions goes too. Branches keep their copy of the past that they shared with it, and can
        still be merged with one another.

        Raises:
            DocumentNotFoundError: there is none of this name, and none was deleted.

        Cost:
            On SQLite, nothing of it is left in the file: freed room is overwritten, and the write-ahead log, with what
            others have in it, is written into the database; ``lifecycle.purge`` says what may stay. Servers remove
            deleted rows in their own time.
        """
        lifecycle.purge(self._writing.transactions, self._context.kind_name(kind), name)

    def copy_to(
        self,
        other: Store,
        names: Iterable[str] | None = None,
        *,
        kind: str | type | None = None,
        dry_run: bool = False,
        progress: bool | Report = False,
    ) -> list[Copied]:
        """Copy documents to another store with their whole history, and return what was done for each.

        They keep their ids, versions, times, digests and chain; each is verified before it is committed. After an
        interruption, a second call continues where the first stopped; a document that was saved in the meantime is
        brought up to date.

        Tags become those of this store, but for one of a version that *other* folded itself. Versions that were folded
        here are copied as they are, without their changes. *other* keeps versions that it can load, though they were
        folded here since; a version that it folded itself is not brought back. The files of artifacts are not copied.

        Args:
            names: of live documents of *kind*, or of experiments, which are copied with their strategy and cards,
                deleted ones too; None for all documents, deleted ones too.
            kind: without names, that of the documents to copy.
            dry_run: only say what would be done. Histories and contents are not read: damage in them is not found.
            progress: as for ``verify``: told how many versions are copied.

        Raises:
            InvalidValueError: *other* is on this very database; or *names* is a single text.
            DocumentNotFoundError: one of *names* is missing. Nothing was copied.
            DocumentExistsError, DivergedError: *other* has another document of that name, or a later state of this one.
            DamagedDocumentError: one is not what was saved. Of it nothing was copied. Whether changes lead back that
                took the place of folded ones is not checked: ``verify`` does.
            UnknownCodeError, TooLargeError: one has a type that the enum of *other* lacks, or a text too large for it.

        Cost:
            One transaction for each document; memory for a page of rows, however many there are.
        """
        from docstore.store.copying import copy_documents, planned_copies

        if not isinstance(other, Store):
            # Not shown: a URL may have a password in it.
            raise InvalidValueError("other", type(other), "Give a store, as docstore.connect(url) returns one.")
        which = None if kind is None else self._context.kind_name(kind)
        source = self._context.transactions
        if checked_flag("dry_run", dry_run):
            return planned_copies(source, other._context, names=names, kind=which)
        return copy_documents(source, other._writing, names=names, kind=which, progress=progress)
