"""An object and the document it makes: its kind, its head and parts, their canonical text and digests; and back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any, Final
from uuid import UUID

from docstore.codec import Codec, UnknownObject
from docstore.codec.classes import stored_fields
from docstore.codec.classes.class_fields import MISSING, ORIGIN, declares
from docstore.codec.core import Unknown, retry_if_changed
from docstore.codec.live.parts import Parts
from docstore.codec.live.update_in_place import InPlaceUpdate
from docstore.codec.registry import Entry, Registry
from docstore.codec.values.by_annotation import without_none
from docstore.documents import canonical
from docstore.documents.arguments import LONGEST_NAME
from docstore.documents.canonical import ABSENT, JSON, TAG, Absent, join_pointer
from docstore.documents.digests import Piece, piece
from docstore.documents.document import Document
from docstore.documents.kinds import FORMAT_KEY, HEAD, KINDS, LAYOUT_KEY, Kind, in_order, is_document, join, split_path
from docstore.documents.merge.trials import DATA, TRIALS, Renumbering, arms_in, moved_path, numbers_in, renumbered
from docstore.errors import CodecError, DecodeError, EncodeError, InvalidValueError, short_repr

FORMAT: Final = 1
"""The stored form's number; a document of a later one is refused, not guessed at."""

_TRIES: Final = 20
"""How often the numbers of trials are written that another thread changes meanwhile."""


class Mapper:
    """Makes documents of objects, and objects of documents, by one registry."""

    def __init__(self, registry: Registry, *, unknown: Unknown = "error") -> None:
        self.codec = Codec(registry, unknown=unknown)
        self._parts = Parts(self.codec)

    # --- objects -------------------------------------------------------------------------------------------------

    def kind_of(self, obj: Any) -> Kind:
        """Return the kind of document that *obj* is.

        Raises:
            EncodeError: it is none by itself; says what to do.
        """
        kind = self._entry(obj).kind
        assert kind is not None  # or there were no entry
        return kind

    def kind_named(self, name: str) -> Kind | None:
        """Return the kind of this name, if it is one that objects are documents of."""
        return self.codec.registry.kind_named(name)

    def encode(self, obj: Any) -> JSON:
        """Return the JSON of *obj*; a document's says which format it has and, of a user's kind, how it is laid out."""
        value = self.codec.encode(obj)
        entry = self.codec.registry.of_class(type(obj))
        if entry is not None and entry.kind is not None and isinstance(value, dict):
            value[FORMAT_KEY] = FORMAT
            if entry.kind.name not in KINDS:
                value[LAYOUT_KEY] = entry.kind.layout
        return value

    def decode(self, value: JSON) -> Any:
        """Return the object that *value* was encoded from.

        Raises:
            DecodeError: it has a later format, or is not what this registry writes.
        """
        if not isinstance(value, dict) or not is_document(value):
            return self.codec.decode(value)
        found = value[FORMAT_KEY]
        if type(found) is not int or found != FORMAT:
            raise DecodeError(
                f"the document has format {short_repr(found)}, and this docstore reads {FORMAT}: upgrade it",
                pointer=f"/{FORMAT_KEY}",
            )
        if self.codec.registry.of_tag(str(value[TAG])) is None:
            return self.codec.decode(value)  # of a document that is kept unread, nothing may be missing
        made = self.codec.decode({key: member for key, member in value.items() if key not in (FORMAT_KEY, LAYOUT_KEY)})
        return UnknownObject(made.tag, value) if isinstance(made, UnknownObject) else made

    def document(self, obj: Any) -> Document:
        """Return the document of *obj*, encoded whole.

        Raises:
            EncodeError: it is no document, has no name, or holds something that cannot be written; with the pointer.
        """
        entry = self._entry(obj)
        kind = self.kind_of(obj)
        pieces, name = kind.split(self.encode(obj)), self._name(obj, kind)
        if self._by_function(obj) and kind.name_in(pieces[HEAD]) != name:
            raise EncodeError(
                f"a {kind.name}'s name stands in its document too: the encoder of {type(obj).__qualname__} should give "
                f"{kind.name_field!r}: {name!r} with the other members",
                pointer=join_pointer((kind.name_field,)),
            )
        return Document(kind, name, entry.model, {path: piece(path, body) for path, body in pieces.items()})

    def identify(self, obj: Any) -> tuple[Kind, str, str]:
        """Return the kind, the name and the model of the document that *obj* is, without encoding it.

        Raises:
            EncodeError: it is none, or has no name.
        """
        entry, kind = self._entry(obj), self.kind_of(obj)
        return kind, self._name(obj, kind), entry.model

    def _name(self, obj: Any, kind: Kind) -> str:
        name = stored_fields.value_of(obj, self.codec.attribute(type(obj), kind.name_field))
        if type(name) in (int, UUID):
            # Stored as it is where the class declares it so, with its text in the column; else it is refused.
            stored = stored_fields.stored_fields(type(obj))
            declared = {field.key: without_none(field.annotation) for field in stored}.get(kind.name_field)
            name = str(name) if declared is type(name) else name
        return _named(kind, name)

    def parts(self, obj: Any, paths: Iterable[str]) -> dict[str, Piece]:
        """Return the parts of *obj* at *paths*, those that it has, without encoding anything else of it.

        Raises:
            InvalidValueError: a user's function writes *obj*, and makes no parts.

        Cost:
            Where a user's function writes *obj*, an encoding of all of it.
        """
        if self._by_function(obj):
            return self._parts_written(obj, list(paths))
        found: dict[str, Piece] = {}
        for path in paths:
            try:
                found[path] = piece(path, retry_if_changed(partial(self._parts.encode, obj, path)))
            except LookupError:
                continue
        return found

    def paths_of(self, obj: Any, part: Any) -> list[str]:
        """Return the path of *part* in *obj*, and of all that is stored under the same key: a trial's, and its data's.

        Raises:
            InvalidValueError: *part* is not in *obj*.

        Cost:
            Of a user's kind, whose parts don't say under which key they stand, a look at every part.
        """
        kind = self.kind_of(obj)
        if kind.part_key is None:
            paths = [path for rule in kind.parts for path in self._parts.pointers_of(obj, rule.field, part)]
        else:
            key = getattr(part, kind.part_key, None)
            # An object that is not a part may have anything there: str.index is a method.
            paths = [rule.path(key) for rule in kind.parts] if type(key) is int else []
            paths = paths if paths and self._parts.get(obj, paths[0]) is part else []
        if not paths:
            raise InvalidValueError(
                f"part of {kind.name}",
                part,
                f"Give one that {type(obj).__name__} holds; a part is saved with what holds it.",
            )
        return paths

    def part(self, obj: Any, path: str) -> Any:
        """Return the object that *obj* holds at *path*, the pointer of a part; None where there is none."""
        return self._parts.get(obj, path)

    def frame(self, obj: Any, paths: Iterable[str]) -> JSON:
        """Return what the head of *obj* says of the parts at *paths*: their schema, and what holds them.

        Raises:
            InvalidValueError: they are no parts now: their field is not stored as an object or a list.

        Cost:
            A look at every key of their fields; nothing for docstore's own kinds, whose head is always the same.
        """
        kind = self.kind_of(obj)
        if kind.name in KINDS:
            return None
        if self._by_function(obj):
            return self.document(obj).pieces[HEAD].body
        said = self.codec.frame(obj)
        held = {field: self._parts.container(obj, field) for field in {split_path(path)[0] for path in paths}}
        return {**said, FORMAT_KEY: FORMAT, LAYOUT_KEY: kind.layout, **held}

    def items_in(self, obj: Any, field: str) -> int:
        """Return how many items *field* of *obj* holds, a list or a dict."""
        return len(stored_fields.value_of(obj, self.codec.attribute(type(obj), field)))

    def numbers(self, obj: Any) -> set[int]:
        """Return the numbers under which *obj* has parts, of whichever field."""
        kind = self.kind_of(obj)
        held = [stored_fields.value_of(obj, self.codec.attribute(type(obj), rule.field)) for rule in kind.parts]
        return {key for items in held if isinstance(items, dict) for key in list(items) if type(key) is int}

    def spelled_otherwise(self, obj: Any, path: str, known: Callable[[], Iterable[str]]) -> str | None:
        """Return the one of the paths *known* under which the part at *path* is stored: by its enum's former name.

        Cost:
            Of a user's kind, a look at every path that is known; of docstore's own, none.
        """
        if self.kind_of(obj).name in KINDS or self._by_function(obj):
            return None
        field = split_path(path)[0]
        others = (other for other in known() if other not in (HEAD, path) and split_path(other)[0] == field)
        return self._parts.other_spelling(type(obj), path, others)

    def check(self, obj: Any, pieces: Mapping[str, JSON | Absent], *, merged: bool = False) -> None:
        """Raise the DecodeError that ``adopt`` would end in, while there is time to write nothing.

        Args:
            merged: also the InvalidValueError of a head that makes no sense: two writers changed it.
        """
        if pieces and self._by_function(obj):
            self._with_pieces(obj, pieces)
            return
        for path, body in pieces.items():
            if path == HEAD and not isinstance(body, Absent):
                head = self.decode(body)
                if merged:
                    check_sense(head, obj)
            elif not isinstance(body, Absent):
                self._parts.decode(type(obj), path, body)

    def check_renamed(self, kind: Kind, old: Mapping[str, JSON], head: JSON, argument: str, name: str) -> None:
        """Refuse a *name*, as in the new *head* of the pieces *old*, that the document's class does not accept.

        Raises:
            InvalidValueError: the class refuses it; names the *argument*. A document that cannot be decoded as it is
                is not checked.
        """
        if kind.name in KINDS or not is_document(old[HEAD]):
            return
        try:
            self.decode(join(old))
        except DecodeError:
            return
        try:
            self.decode(join({**old, HEAD: head}))
        except DecodeError as error:
            remedy = f"Give a name that a {kind.name} can have: {error}."
            raise InvalidValueError(argument, name, remedy) from error

    def adopt(
        self, obj: Any, pieces: Mapping[str, JSON | Absent], saved: Mapping[str, JSON | Absent] | None = None
    ) -> set[str]:
        """Bring *obj* up to *pieces*, in place: a head's fields, parts put in, taken on or (ABSENT) taken out.

        What the user holds a reference to (a trial, its metadata, a parameter) stays the same object; where it cannot,
        says ``InPlaceUpdate``. Everything is worked out before anything is changed.

        Args:
            saved: what was saved of *obj* at the paths of *pieces*; what another thread changed in it since stays. A
                path that is missing here means that *obj* has not changed there.

        Returns:
            The paths of the pieces that were left as they are, as *obj* was changed in places that others changed too.

        Raises:
            DecodeError: a piece cannot be read; ``check`` tells it beforehand. Nothing is changed.
        """
        return self._update(obj, pieces, saved or {})

    def _update(self, obj: Any, pieces: Mapping[str, JSON | Absent], saved: Mapping[str, JSON | Absent]) -> set[str]:
        if not pieces:
            return set()
        adoption = InPlaceUpdate(self.codec.uncompared, obj, self.kind_of(obj))
        (self._plan_whole if self._by_function(obj) else self._plan_pieces)(obj, pieces, saved, adoption)
        left = adoption.write()
        adoption.finish()
        return left

    def renumber(self, obj: Any, wanted: Renumbering, taken: Collection[int] = ()) -> set[str]:
        """Renumber trials of *obj*, all at once, and rename arms; each stays the same object.

        A trial that another thread made meanwhile under one of the new numbers moves to the next free one.

        Args:
            taken: further numbers that are not free.

        Returns:
            The paths of pieces that ``adopt`` has to update instead, if a user's function encodes *obj*.
        """
        if not wanted.numbers and not wanted.names:
            return set()
        room = self._room(obj, wanted.numbers, taken)
        for rule in self.kind_of(obj).parts:
            free = self._free(obj, wanted.numbers, {*taken, *room.values()})
            room |= self._parts.move(obj, rule.field, {**wanted.numbers, **room}, free)
        numbers = {**wanted.numbers, **room}
        # Another thread may have added data, too.
        paths = {*wanted.pieces, *(rule.path(number) for rule in (TRIALS, DATA) for number in numbers)}
        if self._by_function(obj):
            return {moved_path(path, numbers) for path in paths}
        self._write_numbers(obj, wanted, numbers, room, paths)
        return set()

    def _write_numbers(
        self,
        obj: Any,
        wanted: Renumbering,
        numbers: Mapping[int, int],
        room: Mapping[int, int],
        paths: Collection[str],
    ) -> None:
        """Write the *numbers* that trials have got, and the names of arms, into the pieces that were at *paths*."""
        had, names = dict(wanted.pieces), dict(wanted.names)
        for _ in range(_TRIES):
            # As they are now: another thread may have added to them.
            now = {path: self._body(obj, moved_path(path, numbers)) for path in paths}
            had |= {path: body for path, body in now.items() if not isinstance(body, Absent)}
            names |= _names_after(had, room)
            becomes: dict[str, JSON] = {}
            for path, body in had.items():
                # Its own number alone: in a row of trials that moved up by one, that of the next is another's.
                own = {number: numbers[number] for number in numbers_in([path]) & numbers.keys()}
                becomes |= renumbered({path: body}, own, names)
            changed = {there: had[path] for path in had if becomes[there := moved_path(path, numbers)] is not had[path]}
            left = self._update(obj, {path: becomes[path] for path in changed}, changed)
            # One that the other thread changed just then still says its former number, and nothing else would tell.
            paths = {path for path in paths if moved_path(path, numbers) in left}
            had, room = {}, {}
            if not paths:
                return

    def _room(self, obj: Any, numbers: Mapping[int, int], taken: Collection[int]) -> dict[int, int]:
        in_the_way = sorted(self.numbers(obj).intersection(numbers.values()) - numbers.keys())
        return dict(zip(in_the_way, self._free(obj, numbers, taken), strict=False))

    def _free(self, obj: Any, numbers: Mapping[int, int], taken: Collection[int]) -> Iterator[int]:
        return count(max({*self.numbers(obj), *taken, *numbers.values()}, default=-1) + 1)

    def _body(self, obj: Any, path: str) -> JSON | Absent:
        """Return the JSON of a piece of *obj* as it is now; ABSENT if there is none, or it cannot be encoded."""
        try:
            pieces = self.document(obj).pieces if path == HEAD else self.parts(obj, [path])
        except CodecError:
            return ABSENT
        return pieces[path].body if path in pieces else ABSENT

    def _plan_pieces(
        self,
        obj: Any,
        pieces: Mapping[str, JSON | Absent],
        saved: Mapping[str, JSON | Absent],
        adoption: InPlaceUpdate,
    ) -> None:
        fields_of_parts = [rule.field for rule in self.kind_of(obj).parts]
        gone = {path for path, body in pieces.items() if isinstance(body, Absent)}
        # Items of a list are appended in order, and removed from the end.
        for path in (*sorted(pieces.keys() - gone, key=in_order), *sorted(gone, key=in_order, reverse=True)):
            fresh = self._made(obj, path, pieces[path])
            try:
                base = self._made(obj, path, saved[path]) if path in saved else self._held(obj, path)
            except CodecError:  # it cannot be decoded, so what changed in it is not known
                adoption.leave(path)
                continue
            if path != HEAD:
                adoption.part(path, base, fresh)
            elif fresh is not MISSING:
                adoption.become(base, fresh, fields_of_parts)

    def _made(self, obj: Any, path: str, body: JSON | Absent) -> Any:
        """Return the object that the *body* of a piece decodes to, or MISSING."""
        if isinstance(body, Absent):
            return MISSING
        return self.decode(body) if path == HEAD else self._parts.decode(type(obj), path, body)

    def _held(self, obj: Any, path: str) -> Any:
        """Return the object that *obj* has at *path*, or MISSING."""
        return obj if path == HEAD else self._parts.get(obj, path, MISSING)

    def mark_origin(self, obj: Any, id: str) -> None:
        """Note in *obj* that it came from the document *id*, for its copies and pickles: see ``origin_mark``.

        Not where the user's code may encode or compare all attributes: a registered function, or a class that declares
        no fields. An object without a ``__dict__`` (slots, a Struct) has no place for the mark.
        """
        if hasattr(obj, "__dict__") and any(map(declares, type(obj).__mro__)) and not self._by_function(obj):
            # Not by setattr: the class may be frozen, or have code of its own there.
            obj.__dict__[ORIGIN] = id

    # --- objects that a user's function writes or reads: of their parts only the whole says what they mean ---------

    def _by_function(self, obj: Any) -> bool:
        entry = self._entry(obj)
        return entry.encode is not None or entry.decode is not None

    def _parts_written(self, obj: Any, paths: Collection[str]) -> dict[str, Piece]:
        written = self.document(obj).pieces
        found = {path: written[path] for path in paths if path in written}
        if paths and not found:
            raise InvalidValueError(
                "part",
                next(iter(paths)),
                f"The encoder of {type(obj).__qualname__} writes no such part, so it is saved as a whole. Use save().",
            )
        return found

    def _with_pieces(self, obj: Any, *changes: Mapping[str, JSON | Absent]) -> list[Any]:
        """Return new objects, each like *obj* with some pieces replaced."""
        own = self.kind_of(obj).split(self.encode(obj))
        together = [
            {path: body for path, body in {**own, **pieces}.items() if body is not ABSENT} for pieces in changes
        ]
        return [self.decode(join(pieces)) for pieces in together]

    def _plan_whole(
        self,
        obj: Any,
        pieces: Mapping[str, JSON | Absent],
        saved: Mapping[str, JSON | Absent],
        adoption: InPlaceUpdate,
    ) -> None:
        try:
            base, fresh = self._with_pieces(obj, saved, pieces)
        except CodecError:  # another thread added what cannot be encoded, or a piece cannot be decoded
            for path in pieces:
                adoption.leave(path)
            return
        kept = []
        for rule in self.kind_of(obj).parts:
            attribute = self.codec.attribute(type(obj), rule.field)
            present, was, becomes = (getattr(each, attribute) for each in (obj, base, fresh))
            if isinstance(present, dict) and isinstance(was, dict) and isinstance(becomes, dict):
                kept.append(rule.field)
                for key in {**present, **becomes}:
                    adoption.part(rule.path(key), was.get(key, MISSING), becomes.get(key, MISSING))
        adoption.become(base, fresh, kept)

    def _entry(self, obj: Any) -> Entry:
        entry = self.codec.registry.of_class(type(obj))
        if isinstance(obj, UnknownObject):
            raise EncodeError(
                f"this object is kept unread, as no class is registered here for its tag {obj.tag!r}, or only one of "
                f"an older schema. Register the class that has the tag, and load it again."
            )
        if entry is None:
            raise EncodeError(f"{type(obj).__qualname__} is not registered. {self.codec.registry.remedy(type(obj))}")
        if entry.kind is None:
            raise EncodeError(
                f"a {type(obj).__qualname__} is no document by itself. Save what holds it, or "
                f"use put(kind, name, value)."
            )
        return entry


def origin_mark(obj: Any) -> str | None:
    """Return the id of the document that *obj*, or the object it is a copy of, came from; None without a mark."""
    found = getattr(obj, "__dict__", {}).get(ORIGIN)
    return found if isinstance(found, str) else None


def check_sense(merged: Any, mine: Any) -> None:
    """Refuse what two writers made together, where the class can tell that no one could have made it alone.

    Raises:
        InvalidValueError: so it is. Where *mine*, stored before that was checked, makes no more sense, all is taken.
    """
    for each in (mine, merged):
        try:
            _check_merged(each)
        except InvalidValueError:
            if each is merged:
                raise
            return


def _check_merged(obj: Any) -> None:
    # The name cannot clash with a method of a user's class.
    check = getattr(type(obj), "__docstore_check_merged__", None)
    if check is not None:
        check(obj)


def _names_after(pieces: Mapping[str, JSON], numbers: Mapping[int, int]) -> dict[str, str]:
    """Return the new names of the arms that are named after the trials in *numbers*."""
    goals = {TRIALS.path(number): goal for number, goal in numbers.items()}
    arms = [arm for arm in arms_in(pieces) if arm.path in goals and arm.is_named_after(arm.path)]
    return {arm.name: f"{goals[arm.path]}_{arm.name.partition('_')[2]}" for arm in arms}


def _named(kind: Kind, name: object) -> str:
    # A subclass of str is refused: it would be stored as another type than the column has.
    if type(name) is not str or not 1 <= len(name) <= LONGEST_NAME or not canonical.is_plain(name):
        raise EncodeError(
            f"this {kind.name} needs a name of 1 to {LONGEST_NAME} characters (str), without NUL or lone surrogates, "
            f"to be stored in a database, and has {short_repr(name)}",
            pointer=join_pointer((kind.name_field,)),
        )
    return name
