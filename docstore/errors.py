"""Every error that docstore raises on purpose, and what its reader should do next.

::

    DocstoreError
    ├── InvalidValueError             a value that the model or a call cannot take   (also a ValueError)
    │   └── InvalidTransitionError    a status that cannot follow the present one
    ├── CodecError                    an object and its JSON do not meet; has a .pointer
    │   ├── EncodeError               the object cannot be written
    │   └── DecodeError               the JSON cannot be read
    │       ├── UnknownTagError       it names a class that the registry lacks
    │       └── NewerSchemaError      a later release of its class wrote it
    ├── RegistryError                 a class, tag or enum is registered wrongly
    │   └── UnresolvedError           an annotation names what is not there, or not yet
    ├── MissingDependencyError        an optional package is needed                  (also an ImportError)
    ├── FileAccessError               a file that cannot be read or written          (also an OSError)
    │   └── MissingFileError          there is none                                  (also a FileNotFoundError)
    ├── FileFormatError               a file that is not a document of ours
    │   └── NewerFormatError          it was written by a later docstore
    ├── PatchError                    changes that do not fit the document they are applied to
    └── StoreError                    what a database holds, or cannot do
        ├── DatabaseError             the driver's own complaint, translated
        │   ├── UnreadableError       a value that docstore does not write there
        │   ├── NotAllowedError       the database's user may not do this
        │   ├── RaceLostError         other writers were first, each time
        │   ├── FileReplacedError     the SQLite file was deleted or replaced while open
        │   └── ConnectionLostError   the connection was lost
        ├── TooLargeError             a text that is larger than the database takes
        ├── TablesError               tables missing, or made by a later docstore
        ├── UnknownCodeError          a type or status without an integer
        ├── DocumentNotFoundError     no such name                                   (also a LookupError)
        ├── DocumentExistsError       the name is taken
        ├── NameChangedError          an object has another name than its document
        ├── VersionNotFoundError      no such version, or none so early              (also a LookupError)
        ├── TagExistsError            the tag names another version
        ├── ConflictError             two writers changed the same place
        ├── ObjectBusyError           an object is saved inside a save, and its lock is taken
        ├── DivergedError             two stores have different histories of one document
        └── DamagedDocumentError      stored bytes do not match their digest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final

# A value as a message shows it: whatever it is, in one line.

_SHOWN: Final = 120  # characters of a text that a message shows
_PLAIN: Final = frozenset({"builtins", "datetime", "decimal", "pathlib", "uuid", "docstore.search.conditions"})
"""Modules of classes whose repr is made at once, and says what a person wrote."""
_BRACKETS: Final[dict[type, str]] = {dict: "{}", list: "[]", tuple: "()", set: "{}", frozenset: "{}"}


def short_repr(value: object, levels: int = 3) -> str:
    """Return *value* as a message shows it: its repr, cut where it is long or deep; of an object, its class.

    A repr would be made whole before it could be cut; of an object with fields of wrong types, it may never end.
    """
    cls = type(value)
    if isinstance(value, (str, bytes, bytearray)):
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r}..."
    if cls in _BRACKETS and value:
        return _members_short(value, levels - 1)
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"  # Python may refuse to spell it
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
    """The root: catch it to catch everything that docstore raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls cls(*args), which no constructor with keywords of its own survives: errors cross processes.
        return _rebuild, (type(self), str(self), dict(self.__dict__))


class InvalidValueError(DocstoreError, ValueError):
    """A value that cannot be taken; the message names the thing, the value and the remedy."""

    def __init__(self, thing: str, value: object, remedy: str) -> None:
        self.thing, self.value, self.remedy = thing, short_repr(value), remedy
        super().__init__(f"{thing}: {self.value} cannot be used. {remedy}")


class InvalidTransitionError(InvalidValueError):
    """A status that cannot follow the present one."""

    def __init__(self, thing: str, *, present: str, wanted: str, possible: Sequence[str]) -> None:
        self.present, self.wanted, self.possible = present, wanted, tuple(possible)
        allowed = f"From {present} it can become {', '.join(possible)}." if possible else f"{present} is final."
        super().__init__(f"{thing} is {present}", wanted, allowed)


class CodecError(DocstoreError):
    """An object and its JSON do not meet; ``pointer`` says where, from the outermost object.

    Where several things are wrong with it, ``errors`` has each, and ``pointer`` leads to what holds them all.
    """

    looping = False
    """Whether the object contains itself, or is nested too deeply: looking for more errors in it would not end."""

    _each: tuple[CodecError, ...] = ()

    def __init__(self, problem: str, *, pointer: str = "") -> None:
        self.problem, self.pointer = problem, pointer
        super().__init__(_at(pointer, problem))

    @property
    def errors(self) -> tuple[CodecError, ...]:
        """Every single thing that is wrong, each with its own pointer and problem; of one, the error itself."""
        return self._each or (self,)

    @staticmethod
    def together(errors: Sequence[CodecError]) -> CodecError:
        """Return one error that has all of *errors*, of which there is at least one; a single one is returned as it is.

        It is of their class; of errors of several classes, of the closest that all belong to.
        """
        if len(errors) == 1:
            return errors[0]
        each = tuple(single for error in errors for single in error.errors)
        bases = [base for base in type(each[0]).__mro__ if issubclass(base, CodecError)]
        cls = next(base for base in bases if all(isinstance(error, base) for error in each))
        whole = cls.__new__(cls)
        if cls is type(each[0]):
            whole.__dict__.update(each[0].__dict__)  # what the class has beside: the tag of the first, say
        CodecError.__init__(whole, f"{len(each)} things are wrong")
        whole._each, whole.looping = each, any(error.looping for error in errors)
        return whole

    def inside(self, token: str) -> None:
        """Prefix *token*: each level that the error leaves adds its own, so the way in costs nothing."""
        prefix = f"/{token.replace('~', '~0').replace('/', '~1')}"
        if self._each:
            # Of a thousand errors under a key of a megabyte, the first are kept: each has the key in its pointer.
            longest = len(prefix) + max(len(error.pointer) for error in self._each)
            self._each = self._each[: max(1, 1_000_000 // longest)]
        for error in {self, *self._each}:
            error.pointer = f"{prefix}{error.pointer}"
            error.args = (_at(error.pointer, error.problem),)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args[0], dict(self.__dict__))

    def __str__(self) -> str:
        lines = [f"- {error}".replace("\n", " ") for error in self._each[:20]]  # the attribute has them all
        more = [f"and {len(self._each) - 20} more"] if len(self._each) > 20 else []
        return "\n".join([super().__str__(), *lines, *more])


def _at(pointer: str, problem: str) -> str:
    # A cycle's pointer runs to hundreds of tokens: the message shows where it starts, the attribute has all of it.
    shown = pointer if len(pointer) <= 200 else f"{pointer[:160]}/... ({pointer.count('/')} levels)"
    return f"at {shown or 'the root'}: {problem}"


class EncodeError(CodecError):
    """The object cannot be written as it is; nothing has been written."""


class DecodeError(CodecError):
    """The JSON cannot be read as an object."""


class UnknownTagError(DecodeError):
    """The JSON names a class that the registry lacks. Nothing is ever imported because a document names it."""

    def __init__(self, tag: str, *, pointer: str = "") -> None:
        self.tag = tag
        super().__init__(
            f"no class is registered for the tag {short_repr(tag)}. Register the class that was saved: "
            f"docstore.register(cls), or bundle=RegistryBundle(...) with metric_clss, runner_clss or classes. Or pass "
            f"unknown='keep', to carry its JSON along unread.",
            pointer=pointer,
        )


class NewerSchemaError(DecodeError):
    """The object was written by a later release of its class; this one may not read it, or ``reason`` says why not."""

    def __init__(self, tag: str, *, found: int, known: int, reason: str = "", pointer: str = "") -> None:
        self.tag, self.found, self.known, self.reason = tag, found, known, reason
        super().__init__(
            f"this {tag} has schema {found}, and the class here has schema {known}{reason and f', {reason}'}. Load it "
            f"with a release of the program that has schema {found}, or unknown='keep' to carry its JSON along unread.",
            pointer=pointer,
        )


class RegistryError(DocstoreError):
    """A class, tag or enum is registered wrongly."""


class UnresolvedError(RegistryError):
    """An annotation names what is not there at run time, or not yet: how its values are written cannot be told."""


class MissingDependencyError(DocstoreError, ImportError):
    """An optional package is needed; where an ``extra`` of docstore brings it, the message names it."""

    def __init__(self, package: str, *, purpose: str, extra: str = "", otherwise: str = "") -> None:
        self.package, self.extra = package, extra
        install = f"'docstore[{extra}]'" if extra else package
        super().__init__(f"{purpose} needs {package}. Install it with: pip install {install}{otherwise}")


class FileAccessError(DocstoreError, OSError):
    """A file that cannot be read or written; a file that was there is as it was."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class MissingFileError(FileAccessError, FileNotFoundError):
    """There is no such file."""


class FileFormatError(DocstoreError):
    """A file that is not a document of ours, or no longer whole."""

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}")


class NewerFormatError(FileFormatError):
    """A document written by a later docstore, in a format that this one cannot read."""

    def __init__(self, path: str, *, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            path, f"it has format {found}, and this docstore reads up to {known}. Upgrade with: pip install -U docstore"
        )


class PatchError(DocstoreError):
    """Changes that do not fit the document they are applied to; the document is untouched."""

    def __init__(self, problem: str, *, pointer: str) -> None:
        self.problem, self.pointer = problem, pointer
        super().__init__(_at(pointer, problem))


def called(name: object, kind: str) -> str:
    """Return the arguments by which a store is asked for a document."""
    return repr(name) if kind == "experiment" else f"{name!r}, kind={kind!r}"


class StoreError(DocstoreError):
    """What a database holds, or cannot do."""


NOTHING_CHANGED: Final = "Nothing was changed."
CHANGES_KEPT: Final = "Your changes were kept."
CHANGES_UNKNOWN: Final = "It is not known whether your changes were kept: look at history(), or load() again."


class DatabaseError(StoreError):
    """The database refused; the driver's own error is the ``__cause__``.

    Attributes:
        problem: what went wrong, and what to do.
        changes: the last sentence of the message, which says what became of the changes; empty if there were none.
    """

    def __init__(self, problem: str, *, changes: str = "") -> None:
        self.problem, self.changes = problem, changes
        super().__init__(f"{problem} {changes}".strip())

    @property
    def committing(self) -> bool:
        """Whether the answer to the COMMIT is missing, so that it is not known whether the changes were kept."""
        return self.changes == CHANGES_UNKNOWN


class UnreadableError(DatabaseError):
    """What stands in a row is nothing that docstore writes there, so that not even its digest can be looked at."""


class NotAllowedError(DatabaseError):
    """The database's user may not do this; an administrator can allow it."""


class RaceLostError(DatabaseError):
    """Another writer was first. A save tries again by itself; this tells that it lost each time."""


class FileReplacedError(DatabaseError):
    """The SQLite file at ``path``, or its log, was deleted, moved or replaced while the store had it open.

    ``committing`` says whether this was noticed after a COMMIT; if not, the call did nothing.
    """

    def __init__(self, path: str, problem: str, *, changes: str = NOTHING_CHANGED) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}", changes=changes)


class ConnectionLostError(DatabaseError):
    """The connection was lost. ``committing`` says whether that was while the database was told to keep the changes."""


class TooLargeError(StoreError):
    """A head, a part or a change has more text than the database takes in one value; nothing was written."""

    def __init__(self, name: str, *, pointer: str, size: int, limit: int, places: int = 1) -> None:
        self.name, self.pointer, self.size, self.limit, self.places = name, pointer, size, limit, places
        super().__init__(
            f"document {name!r}, at {pointer or 'its head'}: {size:,} bytes are more than the {limit:,} that this "
            f"database takes at once{_together(places)}. Nothing was written. Keep such large things in documents or "
            f"files of their own, save in smaller steps (save_trials), or let the database take more."
        )


def _together(places: int) -> str:
    return f": the old values of {places} places together, of which that is the largest" if places > 1 else ""


class TablesError(StoreError):
    """The tables are missing, or were made by a later docstore."""


class UnknownCodeError(StoreError):
    """A type or status for which no integer is known."""

    def __init__(self, column: str, name: object, problem: str) -> None:
        self.column, self.name = column, str(name)
        super().__init__(f"{column} {name!r} is not known: {problem}")


class DocumentNotFoundError(StoreError, LookupError):
    """No document has this name."""

    def __init__(self, name: str, *, kind: str, near: Sequence[str] = (), hint: str = "") -> None:
        self.name, self.kind, self.near = name, kind, tuple(near)
        did_you_mean = f" Names like it: {', '.join(map(repr, near))}." if near else ""
        super().__init__(f"there is no {kind} named {name!r}.{did_you_mean} {hint or 'find() lists what there is.'}")


class DocumentExistsError(StoreError):
    """The name is taken by a document that this object did not come from."""

    def __init__(self, name: str, *, kind: str, head: int, remedy: str = "") -> None:
        self.name, self.kind, self.head = name, kind, head
        taken = f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind} named {name!r} is stored already, at version {head}"
        others = (
            f", and this object did not come from it. Call load({called(name, kind)}) and change what it gives, choose "
            f"another name, or save(..., on_conflict='overwrite') to make this object its newest version."
        )
        super().__init__(taken + (f". {remedy}" if remedy else others))


class NameChangedError(StoreError):
    """An object, or the object it is a copy of, was loaded from or saved to a document of another name.

    Either the document is to be renamed, or the object is to become a new one: the caller has to say which.
    """

    def __init__(self, old: str, new: str, *, kind: str, may_be_copy: bool = False) -> None:
        self.old, self.new, self.kind, self.may_be_copy = old, new, kind, may_be_copy
        given = "" if kind == "experiment" else f", kind={kind!r}"
        rename, as_new = f"rename({old!r}, {new!r}{given})", "save(..., as_new=True)"
        super().__init__(
            f"this {kind}, or the object that it is a copy of, came from the document {old!r}, and has the name "
            f"{new!r}. To rename that document, call {rename} and save the object that this store loaded or saved: a "
            f"copy makes no version of it. To make a new document of this, without that history, call {as_new}."
            if may_be_copy
            else f"this {kind} came from the document {old!r}, and has the name {new!r}. To rename that document, with "
            f"its history, call {rename} first; to make this a new document, without that history, call {as_new}."
        )


class VersionNotFoundError(StoreError, LookupError):
    """The document has no such version, none so early or of that tag, or it was folded: ``is_folded`` says whether."""

    def __init__(
        self, name: str, *, wanted: object, head: int, kind: str = "experiment", is_folded: bool = False
    ) -> None:
        wanted = wanted if isinstance(wanted, str) else short_repr(wanted)
        self.name, self.wanted, self.head, self.kind, self.is_folded = name, wanted, head, kind, is_folded
        what = f"version {wanted} was folded by compact() and is not kept" if is_folded else f"none is {wanted}"
        super().__init__(
            f"document {name!r} has versions 1 to {head}, and {what}. history({called(name, kind)}) lists them."
        )


class TagExistsError(StoreError):
    """The tag names another version."""

    def __init__(self, name: str, tag: str, *, version: int, wanted: int) -> None:
        self.name, self.tag, self.version, self.wanted = name, tag, version, wanted
        super().__init__(
            f"the tag {tag!r} of document {name!r} names version {version}, and not {wanted}. Choose another tag, or "
            f"tag(..., move=True) to let it name version {wanted}."
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place that two writers changed: its pointer and, where it stands, its value at each."""

    pointer: str
    base: object
    mine: object
    theirs: object


class ConflictError(StoreError):
    """Someone else changed the same place after you read the document; ``places`` has each, with all three values."""

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
    ) -> None:
        self.name, self.kind, self.yours, self.head, self.places = name, kind, yours, head, tuple(places)
        self.source = source
        what = problem or f"both changed {', '.join(place.pointer or 'all of it' for place in places)}"
        told = (
            f"{source!r} was changed since version {yours}, which both have in common, and {what}. Change one of them, "
            f"or merge(..., on_conflict=) with a function that decides, or 'overwrite' for {source!r} as it is."
            if source
            else f"you changed version {yours}, and {what}. Call load({called(name, kind)}), make your change again "
            f"and save it, or save(..., on_conflict='overwrite') to make yours the newest version."
        )
        super().__init__(f"document {name!r} is at version {head}; {told}")


class ObjectBusyError(StoreError):
    """An object cannot be saved inside a save, since its lock is taken and waiting could be a deadlock."""

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


class DivergedError(StoreError):
    """The target's history of a document is not the beginning of the source's; nothing of it was changed there."""

    def __init__(self, name: str, *, kind: str, source: int, target: int) -> None:
        self.name, self.kind, self.source, self.target = name, kind, source, target
        super().__init__(
            f"{kind} {name!r} is at version {source}, and at version {target} in the target, whose history is not the "
            f"beginning of this one. Nothing of it was changed. Copy it the other way if the target has the newer, or "
            f"purge({name!r}, kind={kind!r}) it in the target and copy again."
        )


class DamagedDocumentError(StoreError):
    """Stored bytes do not match their digest: they were changed by something other than docstore."""

    def __init__(self, name: str, *, where: str, problem: str) -> None:
        self.name, self.where, self.problem = name, where, problem
        super().__init__(f"document {name!r} is damaged at {where}: {problem}. verify() lists every damaged row.")
