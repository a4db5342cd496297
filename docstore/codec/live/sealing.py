"""Seal the parts of an object that a save has looked at: until somebody touches one, it cannot have changed.

A part is sealed only if nothing outside of the object refers into it. This is checked before the part is encoded:
whoever takes it later touches it. ``PartDict`` notes what is touched, and ``Sharing`` counts the references.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from docstore.codec.classes import stored_fields
from docstore.codec.live.live_object import LiveObject
from docstore.codec.live.sharing import Sharing
from docstore.codec.mapper import Mapper
from docstore.codec.registry import Registry
from docstore.codec.values.tags import INT_MAX, INT_MIN
from docstore.documents.document import Document
from docstore.documents.kinds import HEAD
from docstore.errors import CodecError
from docstore.model.lazy_part_dict import is_in_memory
from docstore.model.part_dict import Marks, PartDict, marks_of, peek, renew_marks


@dataclass(frozen=True, slots=True, eq=False)
class Seal:
    """Identifies a saved state of an object, encoded by *mapper*: what is sealed is as that state has it."""

    mapper: Mapper


@dataclass(frozen=True, slots=True)
class Sealing:
    """The parts of an object that a save looks at, to be sealed once it is committed.

    Attributes:
        touched: the paths of the parts that may have changed; None if any of them may.
    """

    live: LiveObject
    touched: frozenset[str] | None
    _marks: tuple[Marks, ...] = field(repr=False)

    @classmethod
    def begin(cls, live: LiveObject, seal: Seal | None) -> Sealing | None:
        """Begin a save of the object, before any of it is encoded; None if parts of its kind are not sealed.

        Args:
            seal: the seal of the state that the object came from; parts with another seal may have changed.

        Cost:
            A visit of every object in the parts that may have changed.
        """
        dicts = live.part_dicts()
        if not dicts:
            return None
        is_known = is_sealed(live, seal)
        sharing = Sharing(live.obj, *_unchanging(live.mapper.codec.registry))
        marks, touched = [], set[str]()
        for name, items in dicts.items():
            of_field = marks_of(items) if is_known else renew_marks(items)
            marks.append(of_field)
            for key in of_field.begin():
                if is_in_memory(items, key) and _is_shared(sharing, items, key):
                    of_field.touched.add(key)
                # The dict is written in another form, not as parts, if one of its keys is another value.
                is_known = is_known and type(key) is int and INT_MIN <= key <= INT_MAX
                touched.add(f"/{name}/{key}")
        return cls(live, frozenset(touched) if is_known else None, tuple(marks))

    def document(self) -> Document | None:
        """Return the document of the object with only those parts that may have changed.

        It is None if any part may have changed, or if something cannot be encoded: encoding the whole object reports
        everything that is wrong.
        """
        if self.touched is None:
            return None
        try:
            kind, name, model = self.live.mapper.identify(self.live.obj)
            head = self.live.head()
            return Document(kind, name, model, {HEAD: head, **self.live.parts(sorted(self.touched))})
        except (CodecError, RecursionError):
            return None

    def end(self) -> Seal:
        """Seal the parts, now that they are saved, except those that were touched meanwhile; return the seal."""
        seal = Seal(self.live.mapper)
        for marks in self._marks:
            marks.end(seal)
        return seal


def sealed(live: LiveObject) -> Seal:
    """Seal all parts of a new object, which nobody else has yet; return the seal."""
    seal = Seal(live.mapper)
    for items in (live.part_dicts() or {}).values():
        marks = renew_marks(items)
        marks.begin()
        marks.end(seal)
    return seal


def is_sealed(live: LiveObject, seal: Seal | None) -> bool:
    """Return whether the untouched parts of the object are as they were sealed by *seal*."""
    dicts = live.part_dicts()
    if seal is None or seal.mapper is not live.mapper or not dicts:
        return False
    return all(marks_of(items).base is seal for items in dicts.values())


def _is_shared(sharing: Sharing, items: PartDict[Any, Any], key: Any) -> bool:
    try:
        return sharing.is_shared(partial(peek, items, key))
    except KeyError:  # another thread removed it
        return True


@lru_cache(maxsize=16)
def _unchanging(registry: Registry) -> tuple[frozenset[type], frozenset[type]]:
    """Return the classes whose objects are encoded as their attributes are, and the enums that are encoded by name.

    Users' classes are left out: their code may encode an object differently each time.
    """
    enums = frozenset(entry.cls for entry in registry.entries if entry.form == "enum")
    written = [entry for entry in registry.entries if entry.form == "fields"]
    own = [entry.cls for entry in written if entry.model == "docstore" and entry.kind is None]
    records = frozenset(cls for cls in own if not stored_fields.computed(cls, stored_fields.stored_fields(cls)))
    return records, enums
