"""The stored version that an object in memory came from.

A store keeps all of it beside the object, for as long as the object lives (``LoadedState``). The object itself has as
much as any store needs to find it again (``Origin``), and so have its copies and pickles.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from docstore.codec.core import Unknown
from docstore.codec.live.live_object import origin_mark
from docstore.codec.live.sealing import Seal
from docstore.codec.side_data import WeakIdentityMap
from docstore.documents.canonical import JSON, Absent
from docstore.documents.digests import Digests, piece
from docstore.documents.document import new_id


@dataclass(frozen=True, slots=True)
class Origin:
    """What an object came from, as the object itself has it: a stored version, which any store can look up and prove.

    It is never changed, only replaced, as shallow copies share it. What it says was true of the object at some time:
    the object may have changed since, by its user's hand or by what others saved. Pickles name this class.

    Attributes:
        id, name, version, behind, unknown: as of the ``LoadedState``.
        digest: that of the whole document at that version.
        is_complete: whether this is all. A part of the object may be what no version contains (``LoadedState.saved``).
    """

    id: str
    name: str
    version: int
    digest: str
    behind: Mapping[str, tuple[int, str | None]] = field(default_factory=dict, repr=False)
    unknown: Unknown = "error"
    is_complete: bool = True

    def __deepcopy__(self, memo: object) -> Origin:
        return self


def origins_in(obj: Any) -> tuple[Origin, ...]:
    """Return what *obj*, or the object it is a copy of, came from in each database, as it says itself, newest first."""
    mark = origin_mark(obj)
    return mark if isinstance(mark, tuple) and all(type(each) is Origin for each in mark) else ()


@dataclass(slots=True)
class LoadedState:
    """The stored state that an object in memory is based on.

    Attributes:
        id: that of its document.
        name: the name of the object when it was loaded or saved last; its document may have been renamed since.
        version: the newest version of its document that was seen.
        digests: those of that version.
        behind: the pieces that others changed by then and the object does not have yet: the version and the digest of
            those that it has.
        saved: what was saved of the object in those of *behind* that were merged with others' changes, and could not be
            brought up to the result since the object changed meanwhile. No version contains it.
        unknown: how classes that are not registered were loaded, and are read in others' changes.
        origin: what the object was made to say of this last; another one, if another store has saved it since.
        seal: the seal of the object's untouched parts, each of which is as this state has it.
    """

    id: str
    name: str
    version: int
    digests: Digests
    behind: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    saved: dict[str, JSON | Absent] = field(default_factory=dict)
    unknown: Unknown = "error"
    origin: Origin | None = None
    seal: Seal | None = None

    @classmethod
    def at(cls, origin: Origin, digests: Digests) -> LoadedState:
        """Return the loaded state of an object that came from *origin*; *digests* are those of that version."""
        behind = dict(origin.behind)
        return cls(origin.id, origin.name, origin.version, digests, behind, unknown=origin.unknown, origin=origin)

    def as_origin(self) -> Origin:
        """Return what the object is to say of this.

        Cost:
            In proportion to the pieces that the object is behind in.
        """
        behind, is_complete = dict(self.behind), not self.saved
        return Origin(self.id, self.name, self.version, self.digests.digest(), behind, self.unknown, is_complete)

    def digest(self, path: str) -> str | None:
        """Return the digest of the piece that the object is based on, or None if there was none."""
        return self.behind[path][1] if path in self.behind else self.digests.get(path)

    def paths(self) -> set[str]:
        """Return the paths of the pieces that the object is based on."""
        paths = {*self.digests.paths(), *self.behind}
        return {path for path in paths if self.digest(path) is not None}

    def since(self) -> dict[str, int]:
        """Return, for each piece that the object is behind in, the version that it is based on."""
        return {path: version for path, (version, _) in self.behind.items()}

    def base_pieces(self, base: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return the merge base of the object: the pieces of *base*, as stored, with ``saved`` in place of those."""
        pieces = {**base, **self.saved}
        return {path: body for path, body in pieces.items() if not isinstance(body, Absent)}

    def advance(
        self,
        version: int,
        digests: Mapping[str, str | None],
        kept: Collection[str],
        left: Mapping[str, JSON | Absent] = MappingProxyType({}),
    ) -> None:
        """Make a newer version the one that the object is based on.

        Shapes:
            digests: those of every piece that changed since the newest version that was seen
            kept: the paths at which the object is as stored, or was when it was saved
            left: what was saved of the object at those of *kept* that were left as they are, as it changed meanwhile
        """
        for path in digests.keys() - set(kept):
            self.behind.setdefault(path, (self.version, self.digests.get(path)))
        for path in left.keys() & set(kept):
            since, _ = self.behind.get(path, (self.version, None))
            body = left[path]
            self.behind[path] = since, None if isinstance(body, Absent) else piece(path, body).digest
            self.saved[path] = body
        for path in set(kept) - left.keys():
            self.behind.pop(path, None)
            self.saved.pop(path, None)
        self.digests.update(digests)
        self.version = version


class Tracker:
    """The loaded states of objects, for as long as the objects live."""

    def __init__(self) -> None:
        self._states: WeakIdentityMap[LoadedState] = WeakIdentityMap()
        self._first: WeakIdentityMap[tuple[str, str]] = WeakIdentityMap()

    def get(self, obj: Any) -> LoadedState | None:
        """Return the loaded state of *obj*, or None if it was neither loaded nor saved."""
        return self._states.get(obj)

    def set(self, obj: Any, state: LoadedState) -> None:
        """Remember the loaded state of *obj* until it is garbage."""
        self._states.set(obj, state)

    def try_first(self, obj: Any, name: str, *, as_new: bool = False) -> str:
        """Return the id under which *obj* is to be saved for the first time; the same at each try, under one name.

        Args:
            as_new: give a new id even if one was tried.
        """
        tried = None if as_new else self.tried(obj)
        id = tried[1] if tried is not None and tried[0] == name else new_id()
        self._first.set(obj, (name, id))
        return id

    def tried(self, obj: Any) -> tuple[str, str] | None:
        """Return the name and the id of an earlier try, which may have been committed without its caller knowing."""
        return self._first.get(obj)
