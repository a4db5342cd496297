"""A view of an object in memory that is a document: its parts by path, read and encoded without the rest of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any

from docstore.codec.classes.class_fields import MISSING, ORIGIN, declares
from docstore.codec.classes.stored_fields import value_of
from docstore.codec.core import retry_if_changed
from docstore.codec.live.parts import Parts
from docstore.codec.mapper import Mapper
from docstore.codec.side_data import note, noted
from docstore.documents.canonical import ABSENT, JSON, Absent
from docstore.documents.digests import Piece, piece
from docstore.documents.kinds import FIXED_LAYOUT, HEAD, KINDS, Kind, join, split_path
from docstore.errors import InvalidValueError
from docstore.model.lazy_part_dict import is_unread
from docstore.model.part_dict import PartDict


class LiveObject:
    """An object in memory, seen as the document that it is; nothing of it is copied or remembered.

    Where a user's function encodes or decodes the object, its parts can only be found in an encoding of all of it.
    """

    def __init__(self, mapper: Mapper, obj: Any) -> None:
        self.mapper, self.obj = mapper, obj
        self._parts = Parts(mapper.codec)

    @cached_property
    def kind(self) -> Kind:
        """The kind of document that the object is."""
        return self.mapper.kind_of(self.obj)

    @cached_property
    def by_function(self) -> bool:
        """Whether a user's function encodes or decodes the object."""
        return self.mapper.has_own_functions(self.obj)

    # --- parts -------------------------------------------------------------------------------------------------------

    def part(self, path: str, default: Any = None) -> Any:
        """Return the object at *path*, the pointer of a part, or *default* if there is none."""
        return self._parts.get(self.obj, path, default)

    def pieces(self, paths: Iterable[str]) -> dict[str, Piece]:
        """Return the encoded pieces at *paths*: the head, and those parts that exist; as ``parts``."""
        paths = list(paths)
        found = self.parts(path for path in paths if path != HEAD)
        return {HEAD: self.head(), **found} if HEAD in paths else found

    def parts(self, paths: Iterable[str]) -> dict[str, Piece]:
        """Return the encoded parts at *paths*, those that exist.

        Raises:
            InvalidValueError: a user's function encodes the object and makes none of these parts.

        Cost:
            The encoding of these parts; where a user's function encodes the object, of all of it.
        """
        if self.by_function:
            return self._parts_by_function(list(paths))
        found: dict[str, Piece] = {}
        for path in paths:
            try:
                found[path] = piece(path, retry_if_changed(partial(self._parts.encode, self.obj, path)))
            except LookupError:
                continue
        return found

    def _parts_by_function(self, paths: list[str]) -> dict[str, Piece]:
        written = self.mapper.document(self.obj).pieces
        found = {path: written[path] for path in paths if path in written}
        if paths and not found:
            raise InvalidValueError(
                "part",
                paths[0],
                f"The encoder of {type(self.obj).__qualname__} writes no such part, so it is saved as a whole. Use "
                f"save().",
            )
        return found

    def part_dicts(self) -> dict[str, PartDict[Any, Any]] | None:
        """Return the dicts of the parts by field; None unless all of them note what is touched.

        It is None for a user's class too: its head may be computed from the parts.
        """
        entry = self.mapper.codec.registry.of_class(type(self.obj))
        if entry is None or entry.model != "docstore" or self.by_function:
            return None
        dicts = {rule.field: self.field(rule.field) for rule in self.kind.parts}
        return dicts if all(isinstance(items, PartDict) for items in dicts.values()) else None

    def in_memory(self, paths: Iterable[str]) -> list[str]:
        """Return *paths* without those of parts that were not read into memory yet, and so are as they are stored."""
        dicts = self.part_dicts() or {}
        places = [(path, *(split_path(path) if path != HEAD else ("", ""))) for path in paths]
        return [
            path
            for path, field, key in places
            if field not in dicts or not key.isdecimal() or not is_unread(dicts[field], int(key))
        ]

    def head(self) -> Piece:
        """Return the encoded head.

        Cost:
            Without ``part_dicts``, and without a table of fields, an encoding of the whole object: its head may be
            computed from the parts.
        """
        entry = self.mapper.codec.registry.of_class(type(self.obj))
        has_table = entry is not None and entry.fields is not None
        head = self.mapper.head(self.obj) if has_table or self.part_dicts() is not None else None
        return self.mapper.document(self.obj).pieces[HEAD] if head is None else piece(HEAD, head)

    def paths_of(self, part: Any) -> list[str]:
        """Return the path of *part*, and of everything stored under the same key: a trial's path and its data's.

        Raises:
            InvalidValueError: *part* is not in the object.

        Cost:
            A look at every part if the parts of the kind do not hold their own key.
        """
        kind = self.kind
        if kind.part_key is None:
            paths = [path for rule in kind.parts for path in self._parts.pointers_of(self.obj, rule.field, part)]
        else:
            key = getattr(part, kind.part_key, None)
            # An object that is not a part may have anything there: str.index is a method.
            paths = [rule.path(key) for rule in kind.parts] if type(key) is int else []
            paths = paths if paths and self.part(paths[0]) is part else []
        if not paths:
            raise InvalidValueError(
                f"part of {kind.name}",
                part,
                f"Give one that {type(self.obj).__name__} holds; a part is saved with what holds it.",
            )
        return paths

    def stored_path(self, path: str, known: Callable[[], Iterable[str]]) -> str | None:
        """Return the one of the *known* paths under which the part at *path* is stored: by its enum's former name.

        Cost:
            A look at every known path for a user's kind; nothing for docstore's own.
        """
        if self.kind.name in KINDS or self.by_function:
            return None
        field = split_path(path)[0]
        others = (other for other in known() if other not in (HEAD, path) and split_path(other)[0] == field)
        return self._parts.alias_among(type(self.obj), path, others)

    def frame(self, paths: Iterable[str]) -> JSON:
        """Return what the head says about the parts at *paths*: the schema, and the empty containers that hold them.

        It is None for docstore's kinds whose heads all say the same.

        Raises:
            InvalidValueError: they are no parts now: their field is not stored as an object or a list.

        Cost:
            A look at every key of their fields, without ``part_dicts``.
        """
        if self.kind.name in FIXED_LAYOUT:
            return None
        if self.by_function:
            return self.mapper.document(self.obj).pieces[HEAD].body
        own = self.mapper.codec.frame(self.obj)
        fields = {split_path(path)[0] for path in paths if path != HEAD}
        is_dict = self.part_dicts() is not None
        held = {field: {} if is_dict else self._parts.container(self.obj, field) for field in fields}
        return {**own, **self.mapper.document_members(self.kind), **held}

    # --- fields ------------------------------------------------------------------------------------------------------

    def field(self, field: str) -> Any:
        """Return the value of the stored *field*."""
        return value_of(self.obj, self.mapper.codec.attribute(type(self.obj), field))

    def numbers(self) -> set[int]:
        """Return the integers under which there are parts, in any field."""
        return {number for rule in self.kind.parts for number in self._parts.numbers(self.obj, rule.field)}

    # --- the object with other pieces --------------------------------------------------------------------------------

    def decoded(self, path: str, body: JSON | Absent) -> Any:
        """Return the object that *body* decodes to as the piece at *path*; MISSING for ABSENT.

        Raises:
            DecodeError: it cannot be decoded.
        """
        if isinstance(body, Absent):
            return MISSING
        return self.mapper.decode(body) if path == HEAD else self._parts.decode(type(self.obj), path, body)

    def with_pieces(self, *changes: Mapping[str, JSON | Absent]) -> list[Any]:
        """Return a new object like this one for each of *changes*: pieces to replace, or to remove (ABSENT).

        Cost:
            One encoding of the whole object, and a decoding for each of *changes*.
        """
        own = self.kind.split(self.mapper.encode(self.obj))
        together = [
            {path: body for path, body in {**own, **pieces}.items() if body is not ABSENT} for pieces in changes
        ]
        return [self.mapper.decode(join(pieces)) for pieces in together]

    # --- where it came from ------------------------------------------------------------------------------------------

    def mark_origin(self, origin: object) -> None:
        """Note in the object what it came from, an immutable value; copies and pickles keep the note.

        Beside an object whose fields are in a table, it is noted without touching it: its library may compare all
        attributes. It is left out where code of the user's may encode or compare them (a registered function, a class
        that declares no fields), and where there is no ``__dict__`` to hold it (slots, a Struct).

        It is the first attribute, so that a copy that another thread makes while the object is brought up to date has
        the note first: then its content may be newer than the note says, and never older.
        """
        if self.by_function:
            return
        entry = self.mapper.codec.registry.of_class(type(self.obj))
        if entry is not None and entry.fields is not None:
            note(self.obj, ORIGIN, origin)
            return
        if not hasattr(self.obj, "__dict__") or not any(map(declares, type(self.obj).__mro__)):
            return
        held = self.obj.__dict__
        if ORIGIN in held:
            held[ORIGIN] = origin
        else:
            # By object: the class may be frozen, or have code of its own there. In one expression, in which Python does
            # not change threads, so that no attribute that another one sets is lost.
            object.__setattr__(self.obj, "__dict__", {ORIGIN: origin, **held})


def origin_mark(obj: Any) -> object:
    """Return what ``LiveObject.mark_origin`` noted in *obj*, or in the object that it is a copy of; None without it."""
    return getattr(obj, "__dict__", {}).get(ORIGIN) or noted(obj, ORIGIN)
