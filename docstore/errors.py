"""Every error that docstore raises on purpose: each names the thing, shows the value, and says what to do next.

::

    DocstoreError
    ├── InvalidValueError             a value that the model or a call does not accept   (also a ValueError)
    │   └── InvalidTransitionError    a status that cannot follow the present one
    ├── CodecError                    an object cannot be written, or its JSON not read; has a .pointer
    │   ├── EncodeError               the object cannot be written
    │   └── DecodeError               the JSON cannot be read
    │       ├── UnknownTagError       it names a class that the registry lacks
    │       └── NewerSchemaError      a later release of its class wrote it
    ├── RegistryError                 a class, tag or enum is registered wrongly
    │   └── UnresolvedError           an annotation names an unknown class
    ├── MissingDependencyError        an optional package is needed                      (also an ImportError)
    ├── FileAccessError               a file that cannot be read or written              (also an OSError)
    │   └── MissingFileError          no such file                                       (also a FileNotFoundError)
    ├── FileFormatError               a file that is not a docstore document, or damaged
    │   └── NewerFormatError          it was written by a later docstore
    ├── PatchError                    changes that do not fit the document
    ├── OverwriteWarning              a save took out what others had saved          (a UserWarning, not raised)
    └── StoreError                    an error of a store in a database
        ├── DatabaseError             an error of the driver, translated
        │   ├── UnreadableError       a stored value that docstore never writes
        │   ├── NotAllowedError       the database's user may not do this
        │   ├── ReadOnlyError         the store, or its database, may only be read
        │   ├── RaceLostError         other writers were first, each time
        │   ├── FileReplacedError     the SQLite file was deleted or replaced while open
        │   └── ConnectionLostError   the connection was lost
        ├── StoreClosedError          the store was closed
        ├── TooLargeError             a value that is larger than the database takes
        ├── TablesError               tables missing, or made by a later docstore
        ├── UnknownCodeError          a type or status without an integer
        ├── DocumentNotFoundError     no such name                                       (also a LookupError)
        ├── DocumentExistsError       the name is taken
        ├── NameChangedError          an object has another name than its document
        ├── VersionNotFoundError      no such version                                    (also a LookupError)
        ├── TagExistsError            the tag names another version
        ├── ConflictError             two writers changed the same place
        ├── ObjectBusyError           an object is saved inside a save, and is locked
        ├── DivergedError             two stores have different histories of one document
        └── DamagedDocumentError      stored bytes do not match their digest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final

_SHOWN: Final = 120
"""Characters of a value that a message shows."""
_POINTERS: Final = 5
"""Places that a warning shows."""

_PLAIN: Final = frozenset({"builtins", "datetime", "decimal", "pathlib", "re", "uuid", "docstore.search.conditions"})
"""Modules of classes whose repr is quick, and reads as a person wrote it."""
_BRACKETS: Final[dict[type, str]] = {dict: "{}", list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def short_repr(value: object, levels: int = 3) -> str:
    """Return *value* as a message shows it, on one line: its repr, cut where long or deep; the class of an object.

    ``repr`` would build the whole text of a large container first, and may never end for an invalid object.
    """
    cls = type(value)
    if isinstance(value, (str, bytes, bytearray)):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}..."
    if cls in _BRACKETS and value:
        return _members_short(value, levels - 1)
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"  # Python may refuse to write its digits
    text = repr(value) if cls.__module__ in _PLAIN or isinstance(value, Enum) else f"<{cls.__qualname__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _members_short(value: Any, levels: int) -> str:
    members = value.items() if type(value) is dict else ((item,) for item in value)
    texts = [": ".join(short_repr(part, levels) for part in each) for each in islice(members, 4 * levels)]
    return ", ".join([*texts, *["..."] * (len(value) > len(texts))]).join(_BRACKETS[type(value)])


def _rebuild(cls: type[DocstoreError], message: str, state: dict[str, Any]) -> DocstoreError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class DocstoreError(Exception):
    """The root of all errors that docstore raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross processes, and the default calls cls(*args), which fails for constructors with keywords.
        return _rebuild, (type(self), str(self), dict(self.__dict__))


class InvalidValueError(DocstoreError, ValueError):
    """A value that the model or a call does not accept; the message names the thing, the value and the remedy."""

    def __init__(self, thing: str, value: object, remedy: str) -> None:
        self.thing, self.value, self.remedy = thing, short_repr(value), remedy
        super().__init__(f"{thing}: {self.value} cannot be used. {remedy}")


class InvalidTransitionError(InvalidValueError):
    """A status that cannot follow the present one; the message lists those that can."""

    def __init__(self, thing: str, *, present: str, wanted: str, possible: Sequence[str]) -> None:
        self.present, self.wanted, self.possible = present, wanted, tuple(possible)
        allowed = f"From {present} it can become {', '.join(possible)}." if possible else f"{present} is final."
        super().__init__(f"{thing} is {present}", wanted, allowed)


class CodecError(DocstoreError):
    """An object cannot be written as JSON, or read from it; ``pointer`` is the place, from the outermost object.

    If several things are wrong, ``errors`` has each, and ``pointer`` is the innermost place that contains them all.
    """

    looping = False
    """Whether the object contains itself, or is nested too deeply: a search for more errors in it would not end."""

    _each: tuple[CodecError, ...] = ()

    def __init__(self, problem: str, *, pointer: str = "") -> None:
        self.problem, self.pointer = problem, pointer
        super().__init__(_at(pointer, problem))

    @property
    def errors(self) -> tuple[CodecError, ...]:
        """Each thing that is wrong, with its own pointer and problem; the error itself if there is only one."""
        return self._each or (self,)

    @staticmethod
    def together(errors: Sequence[CodecError]) -> CodecError:
        """Return one error that contains all of *errors*, at least one; a single error is returned as it is.

        Its class is the closest one that all belong to.
        """
        if len(errors) == 1:
            return errors[0]
        each = tuple(single for error in errors for single in error.errors)
        bases = [base for base in type(each[0]).__mro__ if issubclass(base, CodecError)]
        cls = next(base for base in bases if all(isinstance(error, base) for error in each))
        whole = cls.__new__(cls)
        if cls is type(each[0]):
            whole.__dict__.update(each[0].__dict__)  # attributes of the class, such as the tag of the first
        CodecError.__init__(whole, f"{len(each)} things are wrong")
        whole._each, whole.looping = each, any(error.looping for error in errors)
        return whole

    def inside(self, token: str) -> None:
        """Prefix the pointer with *token*; each level adds its own on the way out, so that a success costs nothing."""
        prefix = f"/{token.replace('~', '~0').replace('/', '~1')}"
        if self._each:
            # A thousand errors under a key of a megabyte would each have the key in the pointer: the first are kept.
            longest = len(prefix) + max(len(error.pointer) for error in self._each)
            self._each = self._each[: max(1, 1_000_000 // longest)]
        for error in {self, *self._each}:
            error.pointer = f"{prefix}{error.pointer}"
            error.args = (_at(error.pointer, error.problem),)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args[0], dict(self.__dict__))

    def __str__(self) -> str:
        told: dict[str, str] = {}
        lines = []
        for error in self._each[:20]:  # the attribute has them all
            first = told.setdefault(error.problem, error.pointer)
            problem = error.problem if first == error.pointer else f"the same as at {_place(first)}"
            lines.append(f"- {_at(error.pointer, problem)}".replace("\n", " "))
        more = [f"and {len(self._each) - 20} more"] if len(self._each) > 20 else []
        return "\n".join([super().__str__(), *lines, *more])


def _at(pointer: str, problem: str) -> str:
    return f"at {_place(pointer)}: {problem}"


def _place(pointer: str) -> str:
    # The pointer of a cycle has hundreds of tokens: the message shows its beginning, the attribute has it whole.
    shown = pointer if len(pointer) <= 200 else f"{pointer[:160]}/... ({pointer.count('/')} levels)"
    return shown or "the root"


class EncodeError(CodecError):
    """The object cannot be written; nothing was written."""


class DecodeError(CodecError):
    """The JSON cannot be read as an object."""


class UnknownTagError(DecodeError):
    """The JSON has a tag that no registered class has. Decoding never imports a class that a document names."""

    def __init__(self, tag: str, *, pointer: str = "") -> None:
        self.tag = tag
        super().__init__(
            f"no class is registered for the tag {short_repr(tag)}. Register the class that was saved: "
            f"docstore.register(cls), or bundle=RegistryBundle(...) with metric_clss, runner_clss or classes. Or pass "
            f"unknown='keep' to keep its JSON unread.",
            pointer=pointer,
        )


class NewerSchemaError(DecodeError):
    """The object was written by a later release of its class, which this one cannot read; ``reason`` may say why."""

    def __init__(self, tag: str, *, found: int, known: int, reason: str = "", pointer: str = "") -> None:
        self.tag, self.found, self.known, self.reason = tag, found, known, reason
        super().__init__(
            f"this {tag} has schema {found}, and the class here has schema {known}{reason and f', {reason}'}. Load it "
            f"with a release of the program that has schema {found}, or unknown='keep' to keep its JSON unread.",
            pointer=pointer,
        )


class RegistryError(DocstoreError):
    """A class, tag or enum is registered wrongly."""


class UnresolvedError(RegistryError):
    """An annotation names a class that does not exist at run time, or not yet, so that its values cannot be written."""


class MissingDependencyError(DocstoreError, ImportError):
    """An optional package is missing; the message says how to install it."""

    def __init__(self, package: str, *, purpose: str, extra: str = "", otherwise: str = "") -> None:
        self.package, self.extra = package, extra
        install = f"'docstore[{extra}]'" if extra else package
        super().__init__(f"{purpose} needs {package}. Install it with: pip install {install}{otherwise}")


class FileAccessError(DocstoreError, OSError):
    """A file cannot be read or written; an existing file is unchanged."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class MissingFileError(FileAccessError, FileNotFoundError):
    """The file does not exist."""


class FileFormatError(DocstoreError):
    """A file is not a docstore document, or is damaged."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class NewerFormatError(FileFormatError):
    """A file was written by a later docstore, in a format that this one cannot read."""

    def __init__(self, path: str, *, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            path, f"it has format {found}, and this docstore reads up to {known}. Upgrade with: pip install -U docstore"
        )


class PatchError(DocstoreError):
    """Changes do not fit the document that they are applied to; the document is unchanged."""

    def __init__(self, problem: str, *, pointer: str) -> None:
        self.problem, self.pointer = problem, pointer
        super().__init__(_at(pointer, problem))


def with_article(noun: str) -> str:
    """Return *noun*, such as the name of a kind or a class, after "a" or "an"."""
    has_vowel = noun[:1].lower() in tuple("aeiou") and not noun.lower().startswith(("eu", "one", "uni", "use"))
    return f"{'an' if has_vowel else 'a'} {noun}"


def called(name: object, kind: str) -> str:
    """Return the arguments of a call such as load() for a document, as a message shows them."""
    return repr(name) if kind == "experiment" else f"{name!r}, kind={kind!r}"


class StoreError(DocstoreError):
    """An error of a store in a database."""


NOTHING_CHANGED: Final = "Nothing was changed."
CHANGES_KEPT: Final = "Your changes were kept."
CHANGES_UNKNOWN: Final = "It is not known whether your changes were kept: look at history(), or load() again."


class DatabaseError(StoreError):
    """The database returned an error; the driver's error is the ``__cause__``.

    Attributes:
        problem: what went wrong, and what to do.
        changes: the last sentence of the message: whether the changes were kept; empty if there were none.
    """

    def __init__(self, problem: str, *, changes: str = "") -> None:
        self.problem, self.changes = problem, changes
        super().__init__(f"{problem} {changes}".strip())

    @property
    def committing(self) -> bool:
        """Whether the COMMIT was not answered, so that it is not known whether the changes were kept."""
        return self.changes == CHANGES_UNKNOWN


class UnreadableError(DatabaseError):
    """A stored value is one that docstore never writes, so that not even its digest can be checked."""


class NotAllowedError(DatabaseError):
    """The database's user lacks a right; an administrator can grant it."""


class ReadOnlyError(DatabaseError):
    """The store was opened to be read only, or its database cannot be written to; nothing was changed."""


class RaceLostError(DatabaseError):
    """Other writers were first each time: a save is retried several times before it gives up."""


class FileReplacedError(DatabaseError):
    """The SQLite file at ``path``, or its log, was deleted, moved or replaced while the store had it open.

    ``committing`` says whether this was noticed after a COMMIT; if not, nothing was changed.
    """

    def __init__(self, path: str, problem: str, *, changes: str = NOTHING_CHANGED) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}", changes=changes)


class ConnectionLostError(DatabaseError):
    """The connection was lost; ``committing`` says whether during a COMMIT."""


class StoreClosedError(StoreError):
    """The store was closed; ``store`` says which, without the password of its URL."""

    def __init__(self, store: str) -> None:
        self.store = store
        super().__init__(f"{store} is closed. Open the database again: store = docstore.connect(...).")


class TooLargeError(StoreError):
    """A head, a part or the changes are larger than the database takes in one value; nothing was written."""

    def __init__(self, name: str, *, pointer: str, size: int, limit: int, places: int = 1) -> None:
        self.name, self.pointer, self.size, self.limit, self.places = name, pointer, size, limit, places
        super().__init__(
            f"document {name!r}, at {pointer or 'its head'}: {size:,} bytes are more than the {limit:,} that this "
            f"database takes at once{_together(places)}. Nothing was written. Keep such large values in documents or "
            f"files of their own, save in smaller steps (save_trials), or raise the limit of the database."
        )


def _together(places: int) -> str:
    return f" (the old values of {places} places together; this is the largest)" if places > 1 else ""


class TablesError(StoreError):
    """The tables are missing, or were made by another release of docstore."""


class UnknownCodeError(StoreError):
    """A type or status has no integer in the table ``codes``."""

    def __init__(self, column: str, name: object, problem: str) -> None:
        self.column, self.name = column, str(name)
        super().__init__(f"{column} {name!r} is not known: {problem}")


class DocumentNotFoundError(StoreError, LookupError):
    """No document has this name; or the one that an object came from is gone, whichever has its name now."""

    def __init__(self, name: str, *, kind: str, near: Sequence[str] = (), hint: str = "", problem: str = "") -> None:
        self.name, self.kind, self.near = name, kind, tuple(near)
        problem = problem or f"there is no {kind} named {name!r}"
        similar = f" Names like it: {', '.join(map(repr, near))}." if near else ""
        super().__init__(f"{problem}.{similar} {hint or 'find() lists what is stored.'}")


class DocumentExistsError(StoreError):
    """The name belongs to a document that this object was not loaded from."""

    def __init__(self, name: str, *, kind: str, head: int, remedy: str = "") -> None:
        self.name, self.kind, self.head = name, kind, head
        taken = f"{with_article(kind)} named {name!r} is stored already, at version {head}"
        others = (
            f", and this object did not come from it. Call load({called(name, kind)}) and change that object; or "
            f"choose another name; or, if this object was made from version N of it, save(..., based_on=N). "
            f"save(..., on_conflict='overwrite') makes this object its newest version, whatever others saved."
        )
        super().__init__(taken + (f". {remedy}" if remedy else others))


class NameChangedError(StoreError):
    """An object, or the object that it is a copy of, was loaded from or saved to a document of another name.

    The caller must say whether to rename that document or to make a new one.
    """

    def __init__(self, old: str, new: str, *, kind: str, owner_kind: str = "") -> None:
        """Make the error.

        Args:
            owner_kind: the kind of the document that this one is named after, if it is, and so is not renamed itself.
        """
        self.old, self.new, self.kind = old, new, kind
        given = "" if kind == "experiment" else f", kind={kind!r}"
        rename, as_new = f"rename({old!r}, {new!r}{given})", "save(..., as_new=True)"
        keep = f"To rename that document, with its history, call {rename} first"
        if owner_kind:
            keep = f"A {kind} of an {owner_kind} is named after it: give the object its former {owner_kind} again"
        super().__init__(
            f"this {kind} came from the document {old!r}, and has the name {new!r}. {keep}; to make this a new "
            f"document, without that history, call {as_new}."
        )


class VersionNotFoundError(StoreError, LookupError):
    """The document has no version of this number, time or tag; or ``compact`` folded it, if ``is_folded``.

    Args:
        tags: those that the document has, if the version was wanted by its tag.
    """

    def __init__(
        self,
        name: str,
        *,
        wanted: object,
        head: int,
        kind: str = "experiment",
        is_folded: bool = False,
        tags: Sequence[str] | None = None,
    ) -> None:
        wanted = wanted if isinstance(wanted, str) else short_repr(wanted)
        self.name, self.wanted, self.head, self.kind, self.is_folded = name, wanted, head, kind, is_folded
        lists = f"history({called(name, kind)}) lists the versions."
        if is_folded:
            text = f"document {name!r}: version {wanted} was folded by compact() and is not kept."
        elif tags is None:
            text = f"document {name!r} has no version {wanted} (it has 1 to {head})."
        else:
            its_tags = f"its tags: {', '.join(map(repr, tags))}" if tags else "it has no tags"
            text = f"document {name!r} has no version {wanted}; {its_tags}."
        super().__init__(f"{text} {lists}")


class TagExistsError(StoreError):
    """The tag belongs to another version of the document."""

    def __init__(self, name: str, tag: str, *, version: int, wanted: int) -> None:
        self.name, self.tag, self.version, self.wanted = name, tag, version, wanted
        super().__init__(
            f"document {name!r} has the tag {tag!r} at version {version}, not {wanted}. Choose another tag, or "
            f"tag(..., move=True) to move it to version {wanted}."
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place that two writers changed: its pointer and its three values, ``ABSENT`` where there is none."""

    pointer: str
    base: object
    mine: object
    theirs: object


class ConflictError(StoreError):
    """Someone else changed the same places after you read the document; ``places`` has each, with its three values.

    ``problem`` is what is wrong if the places alone do not say it; otherwise it is empty.
    """

    def __init__(
        self,
        name: str,
        *,
        yours: int,
        head: int,
        places: Sequence[Conflict],
        problem: str = "",
        kind: str = "experiment",
        source: str = "",
        remedy: str = "",
    ) -> None:
        self.name, self.kind, self.yours, self.head, self.places = name, kind, yours, head, tuple(places)
        self.source, self.problem = source, problem
        what = problem or f"both changed {', '.join(place.pointer or 'all of it' for place in places)}"
        remedy = remedy or (
            f"{source!r} was changed since version {yours}, which both have in common, and {what}. Change one of them, "
            f"or call merge(..., on_conflict=) with a function that decides, or 'overwrite' to take all of {source!r}."
            if source
            else f"you changed version {yours}, and {what}. Call load({called(name, kind)}), make your change again "
            f"and save it, or save(..., on_conflict='overwrite') to make yours the newest version."
        )
        super().__init__(f"document {name!r} is at version {head}; {remedy}")


class ObjectBusyError(StoreError):
    """An object cannot be saved inside a save: it is locked, and waiting could be a deadlock."""

    def __init__(self, cls: type, *, by_this_thread: bool) -> None:
        self.by_this_thread = by_this_thread
        name = cls.__qualname__
        super().__init__(
            f"this {name} is being saved by this thread: code that runs inside a save, such as an on_conflict "
            f"function or an encoder, cannot save the same object. Save it afterwards."
            if by_this_thread
            else f"this {name} is being saved by another thread, and this thread is inside a save of another object: "
            f"two threads could wait for each other. Save the {name} after that save, not in its on_conflict function."
        )


class OverwriteWarning(DocstoreError, UserWarning):
    """``on_conflict="overwrite"`` took something out of the newest version that the object was not based on.

    It is a warning: the save is done. ``places`` has the pointers of what others had saved there.
    """

    def __init__(self, name: str, *, kind: str, version: int, places: Sequence[str]) -> None:
        self.name, self.kind, self.version, self.places = name, kind, version, tuple(places)
        shown = ", ".join(place or "all of it" for place in places[:_POINTERS])
        more = f" and {len(places) - _POINTERS:,} more" if len(places) > _POINTERS else ""
        count = f"{len(places):,} place{'s' if len(places) > 1 else ''}"
        given = "" if kind == "experiment" else f", kind={kind!r}"
        super().__init__(
            f"version {version} of {name!r}, saved with on_conflict='overwrite', replaces or lacks what version "
            f"{version - 1} had at {count} that the object was not based on: {shown}{more}. "
            f"diff({name!r}, {version - 1}, {version}{given}) shows it all, and revert({name!r}, {version - 1}{given}) "
            f"brings it back."
        )


class DivergedError(StoreError):
    """The target's history of a document is not the beginning of the source's; the document there is unchanged."""

    def __init__(self, name: str, *, kind: str, source: int, target: int) -> None:
        self.name, self.kind, self.source, self.target = name, kind, source, target
        super().__init__(
            f"{kind} {name!r} is at version {source}, and at version {target} in the target, whose history is not the "
            f"beginning of this one. Nothing of it was changed. Copy it the other way if it was saved in the target "
            f"alone. If it was saved in both, put_json(..., based_on=N) merges it there, with the last version N that "
            f"both have; or purge({name!r}, kind={kind!r}) it in the target and copy again, which loses what was saved "
            f"there."
        )


class DamagedDocumentError(StoreError):
    """Stored bytes do not match their digest: something other than docstore changed them."""

    def __init__(self, name: str, *, where: str, problem: str) -> None:
        self.name, self.where, self.problem = name, where, problem
        super().__init__(f"document {name!r} is damaged at {where}: {problem}. verify() lists what is damaged.")
