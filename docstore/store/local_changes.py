"""What an object in hand holds that the version it stands on does not: of all of it, or of some of its parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from docstore.codec.mapper import Mapper
from docstore.documents.canonical import JSON
from docstore.documents.digests import Piece
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD, split_path
from docstore.documents.merge.trials import DATA, TRIALS, numbers_in
from docstore.errors import InvalidValueError
from docstore.store.tracking import LoadedState


@dataclass(frozen=True, slots=True)
class LocalChanges:
    """What an object holds that the version it stands on does not.

    Attributes:
        document: all of the object's pieces, or those that were asked for.
        changed: the pieces that differ from what the object stands on.
        gone: the paths of pieces that the object no longer has.
        asked: the paths of the pieces to save, whether the object has them or not: of a part save, those that belong
            together, a trial and its data; of a whole one, it does not matter.
        whole: whether the document is all of the object.
        frame: what the object's head says of its schema and its parts; of a part save, the rest is not encoded.
        held: gives the numbers of the trials that the object has.
        naming: gives those of the pieces not asked for in which the object uses one of some arms, by their names.
    """

    document: Document
    changed: Mapping[str, Piece]
    gone: frozenset[str]
    asked: frozenset[str]
    whole: bool
    frame: JSON
    held: Callable[[], Iterable[int]] = tuple
    naming: Callable[[Collection[str]], Mapping[str, JSON]] = lambda names: {}

    @property
    def paths(self) -> set[str]:
        """The paths of what changed."""
        return {*self.changed, *self.gone}

    @property
    def about(self) -> set[str]:
        """The paths of what changed, and of what belongs to it."""
        return {*self.paths, *self.asked}

    def pieces_beside(self, base: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return what changed beside the pieces of *base*, which the object came from and has as they were."""
        kept = {path: body for path, body in base.items() if path not in self.gone}
        return {**kept, **{path: piece.body for path, piece in self.changed.items()}}


def local_changes_of(document: Document, origin: LoadedState) -> LocalChanges:
    """Return what an object that makes *document* holds beyond *origin*."""
    changed = {path: each for path, each in document.pieces.items() if origin.digest(path) != each.digest}
    gone = frozenset(origin.paths() - document.pieces.keys())
    return LocalChanges(document, changed, gone, frozenset(), whole=True, frame=document.pieces[HEAD].body)


def local_changes_in(documents: Mapper, obj: Any, paths: Collection[str], origin: LoadedState) -> LocalChanges:
    """Return what *obj* holds at *paths* beyond *origin*, without encoding the rest of it.

    Raises:
        InvalidValueError: the parts could not be put beside the other ones: *obj* is to be saved as a whole.
    """
    kind, name, model = documents.identify(obj)
    pieces = documents.parts(obj, paths)
    changed = {path: each for path, each in pieces.items() if origin.digest(path) != each.digest}
    for path in changed:
        other = documents.path_by_former_name(obj, path, origin.paths) if origin.digest(path) is None else None
        if other is not None:
            raise InvalidValueError("part", path, f"It is stored as {other!r}, by a former name. Use save().")
    gone = frozenset(path for path in paths if path not in pieces and origin.digest(path) is not None)
    frame = documents.frame(obj, paths)
    for listed in kind.lists(frame):
        _refuse_shifted(listed, documents.item_count(obj, listed), changed, origin)
    made = Document(kind, name, model, pieces)
    return LocalChanges(
        made,
        changed,
        gone,
        frozenset(paths),
        whole=False,
        frame=frame,
        held=lambda: documents.numbers(obj),
        naming=lambda names: _naming(documents, obj, frozenset(paths), names),
    )


def _naming(documents: Mapper, obj: Any, asked: Collection[str], names: Collection[str]) -> dict[str, JSON]:
    """Return the pieces of an experiment, but for those *asked* for, in which it uses arms of these *names*.

    Cost:
        A look at each trial; an encoding of those that are found, and of the whole, if the status quo is one.
    """

    def uses(arms: Iterable[Any]) -> bool:
        return any(getattr(arm, "name", None) in names for arm in arms)

    numbers = sorted(documents.numbers(obj) - numbers_in(asked))
    using = [each for each in numbers if uses(getattr(documents.part(obj, TRIALS.path(each)), "arms", ()))]
    found = documents.parts(obj, [rule.path(number) for number in using for rule in (TRIALS, DATA)])
    if uses([getattr(obj, "status_quo", None)]):
        found |= {HEAD: documents.document(obj).pieces[HEAD]}
    return {path: piece.body for path, piece in found.items()}


def _refuse_shifted(field: str, length: int, changed: Collection[str], origin: LoadedState) -> None:
    """Refuse an item of a list that has another length now: under its index, another item may be stored."""
    stored = {path for path in origin.paths() if path != HEAD and split_path(path)[0] == field}
    for path in stored & set(changed) if length != len(stored) else ():
        raise InvalidValueError("part", path, f"The list has {length} items, and {len(stored)} are stored. Use save().")
