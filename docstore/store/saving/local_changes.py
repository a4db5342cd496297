"""The local changes of an object, or of some of its parts: what differs from the version it was loaded from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.sealing import Sealing
from docstore.documents.canonical import JSON, dumps, same_json
from docstore.documents.digests import Piece, bodies_of
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD, split_path
from docstore.documents.merge.resolve import OnConflict
from docstore.documents.merge.trials import DATA, TRIALS, numbers_in
from docstore.documents.optional_members import OptionalMembers, without_nulls
from docstore.errors import InvalidValueError
from docstore.store.tracking import LoadedState


@dataclass(frozen=True, slots=True)
class LocalChanges:
    """What differs in an object from the version it was loaded from.

    Attributes:
        document: all pieces of the object; or those that may have changed; or those that are to be saved.
        changed: the pieces that are new or have another digest.
        gone: the paths of pieces that the object no longer has.
        asked: when only some pieces are saved: the paths of all of them, whether the object has them or not. Those that
            belong together are saved together, a trial and its data.
        whole: whether all of the object is saved.
        frame: what the object's head says of its schema and its parts; when parts are saved, the rest is not encoded.
    """

    document: Document
    changed: Mapping[str, Piece]
    gone: frozenset[str]
    asked: frozenset[str]
    whole: bool
    frame: JSON

    @property
    def paths(self) -> set[str]:
        """The paths of the pieces that changed or are gone."""
        return {*self.changed, *self.gone}

    @property
    def about(self) -> set[str]:
        """The paths of what changed, and of the parts that are to be saved."""
        return {*self.paths, *self.asked}

    def changed_from(self, stored: Mapping[str, JSON], optional: OptionalMembers) -> dict[str, Piece]:
        """Return the changed pieces, except those that differ from *stored* only by its nulls of *optional* members.

        Another program wrote these nulls; a version without them would contain no change.

        Cost:
            A writing of the stored pieces, and a visit of each container of those with the longer text.
        """
        replaced = {path: body for path, body in stored.items() if path in self.changed}
        longer = {path: body for path, body in replaced.items() if len(dumps(body)) > len(self.changed[path].text)}
        bare = {path: without_nulls(body, optional) for path, body in longer.items()}
        same = {path for path, body in bare.items() if same_json(body, self.changed[path].body)}
        return {path: each for path, each in self.changed.items() if path not in same}

    def pieces_beside(self, base: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return the object's pieces: the changed ones, and those of *base*, its merge base, that did not change."""
        kept = {path: body for path, body in base.items() if path not in self.gone}
        return {**kept, **bodies_of(self.changed)}


@dataclass(frozen=True, slots=True)
class Encoding:
    """An object as it is encoded for a save.

    Attributes:
        document: all pieces; or the head, and those of the parts *touched* that the object has.
        touched: the paths of all parts that may have changed, if only those are encoded; otherwise None.
        sealing: seals the parts once the save is committed.
    """

    document: Document
    touched: Collection[str] | None = None
    sealing: Sealing | None = None


@dataclass(frozen=True, slots=True)
class Save:
    """One save of an object that came from a stored version.

    Attributes:
        live: the object, whose lock the caller holds; its mapper decodes others' changes as the object was loaded.
        state: the version that it came from.
        changes: its local changes.
        policy: what to do if others saved since.
        sealing: seals the parts once the save is committed.
    """

    live: LiveObject
    state: LoadedState
    changes: LocalChanges
    policy: OnConflict
    sealing: Sealing | None = None


def local_changes_of(document: Document, state: LoadedState, touched: Collection[str] | None = None) -> LocalChanges:
    """Return the local changes of an object that is encoded as *document* and came from *state*.

    Args:
        touched: the paths of all parts that may have changed, if *document* has only those; with None, it has all.
    """
    state.digests.look_up({*document.pieces, *(touched or ())})
    changed = {path: each for path, each in document.pieces.items() if state.digest(path) != each.digest}
    if touched is None:
        gone = frozenset(state.paths() - document.pieces.keys())
    else:
        gone = frozenset(path for path in touched if path not in document.pieces and state.digest(path) is not None)
    return LocalChanges(document, changed, gone, frozenset(), whole=True, frame=document.pieces[HEAD].body)


def local_changes_in(live: LiveObject, paths: Collection[str], state: LoadedState) -> LocalChanges:
    """Return the local changes of an object at *paths*, without encoding the rest of it.

    Raises:
        InvalidValueError: the parts could not be stored beside the others: the object is to be saved whole.
    """
    kind, name, model = live.mapper.identify(live.obj)
    read = live.in_memory(paths)
    pieces = live.pieces(read)
    state.digests.look_up(read)
    changed = {path: each for path, each in pieces.items() if state.digest(path) != each.digest}
    for path in changed.keys() - {HEAD}:
        other = live.stored_path(path, state.paths) if state.digest(path) is None else None
        if other is not None:
            raise InvalidValueError("part", path, f"It is stored as {other!r}, by a former name. Use save().")
    gone = frozenset(path for path in read if path not in pieces and state.digest(path) is not None)
    frame = live.frame(paths)
    for listed in kind.lists(frame):
        _refuse_shifted(listed, len(live.field(listed)), changed, state)
    document = Document(kind, name, model, pieces)
    return LocalChanges(document, changed, gone, frozenset(paths), whole=False, frame=frame)


def pieces_naming(live: LiveObject, asked: Collection[str], names: Collection[str]) -> dict[str, JSON]:
    """Return the pieces of an experiment, except those *asked* for, in which it uses arms of these *names*.

    A trial that was not read yet uses none: the names are of arms that were added since.

    Cost:
        A look at each trial in memory; an encoding of those that are found, and of the whole, if the status quo is one.
    """

    def uses(arms: Iterable[Any]) -> bool:
        return any(getattr(arm, "name", None) in names for arm in arms)

    numbers = sorted(live.numbers() - numbers_in(asked))
    trials = live.in_memory(map(TRIALS.path, numbers))
    using = numbers_in(path for path in trials if uses(getattr(live.part(path), "arms", ())))
    found = live.parts([rule.path(number) for number in sorted(using) for rule in (TRIALS, DATA)])
    if uses([getattr(live.obj, "status_quo", None)]):
        found |= {HEAD: live.mapper.document(live.obj).pieces[HEAD]}
    return bodies_of(found)


def _refuse_shifted(field: str, length: int, changed: Collection[str], state: LoadedState) -> None:
    """Refuse an item of a list that has another length now: another item may be stored under its index."""
    stored = {path for path in state.paths() if path != HEAD and split_path(path)[0] == field}
    for path in stored & set(changed) if length != len(stored) else ():
        raise InvalidValueError("part", path, f"The list has {length} items, and {len(stored)} are stored. Use save().")
