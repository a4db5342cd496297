"""Kinds of document: where the name, type and status are, which members are parts, and how a document is split.

``KINDS`` lists docstore's own. A kind knows the JSON of its documents, not their classes. A document of a user's own
kind contains its layout, under ``__document``, so that it can be read without its class.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, TypeVar
from uuid import UUID

from docstore.documents.canonical import (
    COMPATIBLE,
    FIELDS_SET,
    JSON,
    SCHEMA,
    TAG,
    UNSAFE_TEXT,
    dumps,
    escaped,
    join_pointer,
    loads,
    split_pointer,
)
from docstore.documents.merge_keys import (
    ANY,
    Keyed,
    KeyedBy,
    MergeKeys,
    keyed_declared,
    keyed_from_json,
    keyed_to_json,
)
from docstore.errors import DecodeError, InvalidValueError, RegistryError, short_repr

T = TypeVar("T")

HEAD: Final = ""
"""The path of the head: a document without its parts."""

FORMAT_KEY: Final = "__format"
"""The key of the number of the stored form, at the top of each document that was made from an object."""

LAYOUT_KEY: Final = "__document"
"""The key of the layout of a document of a user's kind: where its name and enums are, its parts and keyed lists."""

RESERVED_KEYS: Final = frozenset({TAG, SCHEMA, COMPATIBLE, FORMAT_KEY, LAYOUT_KEY})
"""Keys of an object's members that are reserved: no field is stored under one."""

BOOKKEEPING: Final = {
    FIELDS_SET: "fields that were set",
    SCHEMA: "schema number",
    COMPATIBLE: "oldest compatible schema",
    FORMAT_KEY: "format number",
    LAYOUT_KEY: "layout",
}
"""Members of an object that say how it is stored, each with a name to show; its tag is none, as it names the class."""

LONGEST: Final = 64
"""Characters that the column of a kind holds."""

AX: Final = "ax."
"""How the tags of Ax's classes begin. Their objects have the members of docstore's own classes of the same names."""

_PATTERN: Final = re.compile(r"(/[^/*]+)/\*")


@dataclass(frozen=True, slots=True)
class Code:
    """A small enum of a document: its ``column`` in the table ``codes``, and the ``places`` where its name may be."""

    column: str
    places: tuple[tuple[str | int, ...], ...]

    @property
    def field(self) -> str:
        """The member of the document that holds it, in a user's kind."""
        return str(self.places[0][0])

    def names_in(self, body: JSON) -> set[str]:
        """Return every name of the enum in *body*: in a batch trial, the type of each generator run."""
        return {name for place in self.places for name in _texts_at(body, place)}

    def name_in(self, body: JSON) -> str | None:
        """Return the enum's name in *body*, the first of several, or None if it has none."""
        for place in self.places:
            name = _text_at(body, place)
            if name is not None:
                return name
        return None


@dataclass(frozen=True, slots=True)
class PartRule:
    """A field of a document whose members are parts: each is stored as a row of the kind *name*."""

    field: str
    name: str
    type: Code | None = None
    status: Code | None = None
    has_arms: bool = False
    """Whether the members are trials, whose rows say what their arm is: see ``arm_columns``."""

    def path(self, key: str | int) -> str:
        """Return the pointer of the part under *key*: ``/trials/12``."""
        return join_pointer((self.field, key))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: where its name and enums are, which field names its owner, and which members are parts."""

    name: str
    type: Code | None = None
    status: Code | None = None
    owner_kind: str | None = None
    owner_field: str | None = None
    parts: tuple[PartRule, ...] = ()
    part_key: str | None = None
    """The attribute of a part's object that holds its key; if None, the object itself is searched for."""
    name_field: str = "name"
    named_by: str | None = None
    """A field that names the document in place of ``name_field``, unless it is null: an experiment's strategy is named
    after the experiment, as the strategies of many experiments have one name."""
    keyed: tuple[Keyed, ...] = ()
    """The lists whose items have merge keys, so that two people's changes of a list merge item by item."""
    merge_keys: MergeKeys = field(init=False, repr=False, compare=False)
    """The same lists, compiled."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "merge_keys", MergeKeys(self.keyed))

    def of(self, head: JSON) -> Kind:
        """Return this kind with the layout that *head* contains, if it is a user's kind.

        A strategy whose runs are a list was stored before its runs were parts: it has none.

        Raises:
            DecodeError: the layout is malformed.
        """
        if self.name in FIXED_LAYOUT or not is_document(head):
            return self
        assert isinstance(head, dict)  # a document is
        by_name = kind_named(self.name)  # this one may have the layout of another head
        if self.name in KINDS:
            return _IN_ONE_PIECE if any(isinstance(head.get(rule.field), list) for rule in by_name.parts) else by_name
        return by_name if LAYOUT_KEY not in head else _kind_from_text(self.name, dumps(head[LAYOUT_KEY]))

    @property
    def layout(self) -> dict[str, JSON]:
        """The layout that a document of this kind, if it is a user's, contains."""
        parts: list[JSON] = [f"{join_pointer((rule.field,))}/*" for rule in self.parts]
        layout: dict[str, JSON | None] = {
            "name": self.name_field,
            "type": self.type.field if self.type else None,
            "status": self.status.field if self.status else None,
            "parts": parts or None,
            "keyed": keyed_to_json(self.keyed) or None,
        }
        return {key: value for key, value in layout.items() if value is not None}

    def name_in(self, head: JSON) -> str | None:
        """Return the document's name."""
        return _name_at(head, self._naming_field(head))

    def names_in(self, head: JSON) -> set[str]:
        """Return the names that the document may be stored under: before ``named_by``, it was ``name_field`` alone."""
        found = (self.name_in(head), _name_at(head, self.name_field))
        return {name for name in found if name is not None}

    @property
    def is_named_by_owner(self) -> bool:
        """Whether a document that belongs to another has the name of that one."""
        return self.named_by is not None and self.named_by == self.owner_field

    def renamed(self, head: JSON, name: str, *, argument: str = "name") -> JSON:
        """Return the *head* of a document with another name, if the head contains the name.

        Raises:
            InvalidValueError: the name is an integer or a UUID, and *name* is not the text of one; has the *argument*.
        """
        if not isinstance(head, dict) or not is_document(head) or self.name_in(head) == name:
            return head
        field = self._naming_field(head)
        return {**head, field: _name_like(head.get(field), name, self.name, argument)}

    def kept_under(self, head: JSON, name: str) -> JSON:
        """Return the *head* of a document that is stored under *name*: unchanged, if it may be, or ``renamed``."""
        return head if name in self.names_in(head) else self.renamed(head, name)

    def _naming_field(self, head: JSON) -> str:
        return self.named_by if self.named_by and _text_at(head, (self.named_by,)) else self.name_field

    def owner_in(self, head: JSON) -> str | None:
        """Return the name of the document, of kind ``owner_kind``, that this one belongs to."""
        return _text_at(head, (self.owner_field,)) if self.owner_field else None

    def rule(self, path: str) -> PartRule | None:
        """Return the rule that makes *path* a part, or None for the head."""
        if path != HEAD:
            field = path[1:].partition("/")[0]
            for rule in self.parts:
                if rule.field == field:
                    return rule
        return None

    def split(self, document: JSON, *, lists: Collection[str] = ()) -> dict[str, JSON]:
        """Return the head and the parts of *document*, by path, in new dicts; ``join`` is the inverse.

        Args:
            lists: the fields that are lists, but dicts by index in *document*, as a sparse ``join`` makes them.
        """
        if not isinstance(document, dict):
            return {HEAD: document}
        head = dict(document)
        pieces: dict[str, JSON] = {HEAD: head}
        for rule in self.of(document).parts:
            members = head.get(rule.field)
            if isinstance(members, dict) and TAG not in members:
                head[rule.field] = [] if rule.field in lists else {}
                within = rule.path("")
                pieces.update({within + escaped(key): body for key, body in members.items()})
            elif isinstance(members, list) and self.name not in KINDS:
                head[rule.field] = []
                within = rule.path("")
                pieces.update({f"{within}{index}": body for index, body in enumerate(members)})
        return pieces

    def lists(self, head: JSON) -> frozenset[str]:
        """Return the fields of *head* whose parts are the items of a list."""
        if not isinstance(head, dict) or self.name in KINDS:
            return frozenset()
        return frozenset(rule.field for rule in self.parts if isinstance(head.get(rule.field), list))

    def dicts(self, head: JSON) -> frozenset[str]:
        """Return the fields of *head* whose parts are the members of a dict."""
        if not isinstance(head, dict):
            return frozenset()
        members = {rule.field: head.get(rule.field) for rule in self.parts}
        return frozenset(field for field, each in members.items() if isinstance(each, dict) and TAG not in each)


def class_name(tag: str) -> str:
    """Return the name of the class that *tag* stands for, which is the same for Ax's class and docstore's own."""
    return tag.removeprefix(AX)


def is_document(head: JSON) -> bool:
    """Return whether the document with *head* was made from an object, and not put as a JSON value."""
    return isinstance(head, dict) and TAG in head and FORMAT_KEY in head


def join(pieces: Mapping[str, JSON], *, sparse: Collection[str] = ()) -> JSON:
    """Return the whole document of a head and its parts.

    Args:
        sparse: list fields with some items left out. Each becomes a dict of its items by index, so that pointers lead
            to the same items as in the list.

    Cost:
        The head's outer level and its part fields are new; the bodies are shared.

    Raises:
        DecodeError: the head lacks the field of a part, or an item of a list is missing.
    """
    head = pieces[HEAD]
    if not isinstance(head, dict):
        return head
    document = {**head, **{field: {} for field in sparse}}
    fields: dict[str, dict[str, JSON]] = {}
    for path, body in pieces.items():
        if path != HEAD:
            field, key = split_path(path)
            members = fields.get(field)
            if members is None:
                place = document.get(field)
                if not isinstance(place, (dict, list)) or place:
                    raise DecodeError("the head has no place for this part", pointer=path)
                members = fields[field] = {}
            members[key] = body
    for field, members in fields.items():
        document[field] = _items(field, members) if isinstance(document[field], list) else members
    return document


def _items(field: str, members: Mapping[str, JSON]) -> list[JSON]:
    missing = gap([join_pointer((field, key)) for key in members], field)
    if missing is not None:
        raise DecodeError("this item of the list is missing", pointer=missing)
    return [members[str(index)] for index in range(len(members))]


def gap(paths: Collection[str], field: str) -> str | None:
    """Return the path of the first item of the list *field* that is missing in *paths*, though a later one is there."""
    keys = {key for start, key in map(split_path, filter(None, paths)) if start == field}
    return next((join_pointer((field, i)) for i in range(len(keys)) if str(i) not in keys), None)


def split_path(path: str) -> tuple[str, str]:
    """Return the field and the key of a part's path: ``("trials", "12")`` for ``/trials/12``."""
    if "~" in path:
        field, key = split_pointer(path)
        return field, key
    field, _, key = path[1:].partition("/")
    return field, key


def with_siblings(kind: Kind, paths: Iterable[str]) -> set[str]:
    """Return the head, *paths*, and the parts with the same keys: with that of a trial, the one of its data."""
    keys = {split_path(path)[1] for path in paths if path != HEAD}
    return {HEAD, *paths, *(join_pointer((rule.field, key)) for rule in kind.parts for key in keys)}


def position_of(path: str) -> int | None:
    """Return the key of a part as a number, if it is one: 12 for ``/trials/12``."""
    key = path.rpartition("/")[2]
    return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else None


def in_order(path: str) -> tuple[bool, str, int, str]:
    """Return a sort key: the head first, then field by field, numbers by size."""
    if path == HEAD:
        return False, "", 0, ""
    position = position_of(path)
    return True, split_path(path)[0], -1 if position is None else position, path


def is_bookkeeping(pointer: str) -> bool:
    """Return whether *pointer* leads to the bookkeeping of an object, by its keys alone, or into it."""
    return "/__" in pointer and not BOOKKEEPING.keys().isdisjoint(split_pointer(pointer))


def without_bookkeeping(places: Iterable[T], pointer: Callable[[T], str]) -> tuple[T, ...]:
    """Return the *places* that a person looks for: all but bookkeeping, unless nothing else changed."""
    places = tuple(places)
    return tuple(each for each in places if not is_bookkeeping(pointer(each))) or places


def _texts_at(body: JSON, tokens: tuple[str | int, ...]) -> list[str]:
    """Return the texts at a place; a number in *tokens* stands for every item of a list."""
    found: list[JSON] = [body]
    for token in tokens:
        if isinstance(token, str):
            found = [item[token] for item in found if isinstance(item, dict) and token in item]
        else:
            found = [each for item in found if isinstance(item, list) for each in item]
    return [text for text in found if isinstance(text, str)]


def _name_at(head: JSON, field: str) -> str | None:
    """Return the name as the column has it: of an integer or a UUID, its text."""
    found = head.get(field) if isinstance(head, dict) else None
    if isinstance(found, dict) and found.get(TAG) in ("int", "UUID"):
        found = found.get("value")
    return str(found) if type(found) is int else found if isinstance(found, str) else None


def _name_like(present: JSON, name: str, kind: str, argument: str) -> JSON:
    """Return the JSON of *name* in the type of the *present* name."""
    tag = present.get(TAG) if isinstance(present, dict) else None
    if (type(present) is int or tag == "int") and _is_whole_number(name):
        number = int(name)
        return number if -(2**63) <= number < 2**63 else {TAG: "int", "value": name}
    if tag == "UUID" and _is_uuid(name):
        return {TAG: "UUID", "value": name}
    if type(present) is int or tag in ("int", "UUID"):
        raise InvalidValueError(argument, name, f"The name of this {kind} is {present!r}: give the text of one.")
    return name


def _is_whole_number(text: str) -> bool:
    """Return whether *text* is an integer as ``str`` writes it."""
    return len(text) <= 255 and text.removeprefix("-").isdecimal() and str(int(text)) == text


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _text_at(body: JSON, tokens: tuple[str | int, ...]) -> str | None:
    found: JSON = body
    for token in tokens:
        if isinstance(found, dict) and isinstance(token, str):
            found = found.get(token)
        elif isinstance(found, list) and isinstance(token, int) and token < len(found):
            found = found[token]
        else:
            return None
    return found if isinstance(found, str) else None


ARM_NAMES: Final = ("arms", ANY, "name")
"""Where a generator run names its arms. Two people who add an arm each may both get the same free name."""

EXPERIMENT: Final = Kind(
    "experiment",
    type=Code("experiment_type", (("experiment_type",),)),
    status=Code("experiment_status", (("status",),)),
    parts=(
        PartRule(
            "trials",
            "trial",
            type=Code(
                "generator_run_type",
                (
                    ("generator_run", "generator_run_type"),
                    ("generator_runs", 0, "generator_run_type"),
                ),
            ),
            status=Code("trial_status", (("status",),)),
            has_arms=True,
        ),
        PartRule("data", "data"),
    ),
    part_key="index",
    # Not the arms of a generator run: their weights are a second list, by index.
    keyed=(
        Keyed(("data", ANY, "records"), ("trial_index", "arm_name", "metric_name", "step")),
        Keyed(("optimization_config", "objective", "metrics"), ("name",)),
        # By their left sides, as a diff shows them: ``2*cost + time <=``.
        Keyed(("optimization_config", "objective_thresholds"), ("op", "weights")),
        Keyed(("optimization_config", "outcome_constraints"), ("op", "weights")),
        Keyed(("search_space", "parameters"), ("name",)),
        Keyed(("tracking_metrics",), ("name",)),
        Keyed(("trials", ANY, "abandoned_arms_metadata"), ("name",)),
        Keyed(("trials", ANY, "generator_runs"), ("time_created",), names=ARM_NAMES),
    ),
)
GENERATION_STRATEGY: Final = Kind(
    "generation_strategy",
    owner_kind="experiment",
    owner_field="experiment_name",
    named_by="experiment_name",
    parts=(PartRule("generator_runs", "generator_run", type=Code("generator_run_type", (("generator_run_type",),))),),
    keyed=(Keyed(("nodes",), ("name",)),),
)
ANALYSIS_CARD: Final = Kind(
    "analysis_card", owner_kind="experiment", owner_field="experiment_name", named_by="document_name"
)

RESERVED: Final = frozenset(
    name
    for kind in (EXPERIMENT, GENERATION_STRATEGY, ANALYSIS_CARD)
    for name in (kind.name, *(p.name for p in kind.parts))
)
"""The kinds of docstore's own documents and parts, which the views show."""

KINDS: Final = {kind.name: kind for kind in (EXPERIMENT, GENERATION_STRATEGY, ANALYSIS_CARD)}

FIXED_LAYOUT: Final = frozenset({EXPERIMENT.name, ANALYSIS_CARD.name})
"""The kinds whose documents always had the same parts."""

_IN_ONE_PIECE: Final = replace(GENERATION_STRATEGY, parts=())


@lru_cache(maxsize=256)
def kind_named(name: str) -> Kind:
    """Return the kind *name*; the layout of a user's kind is in its documents: see ``Kind.of``."""
    return KINDS.get(name) or Kind(name)


def kind_declared(
    name: str,
    *,
    name_field: str,
    type: str | None = None,
    status: str | None = None,
    parts: Collection[str] = (),
    keyed: KeyedBy | None = None,
) -> Kind:
    """Return a user's kind.

    Args:
        name_field, type, status: members of the document's JSON.
        parts: patterns like ``/steps/*``: each item of that dict or list is a part.
        keyed: by patterns like ``/steps/*/readings``, the members that identify the items of that list.

    Raises:
        RegistryError: *name* is reserved or too long, or a pattern is malformed.
    """
    # The columns of its codes are named after it.
    longest = LONGEST - len("_status")
    taken = {*RESERVED, "generator_run"}
    if name in taken or not 1 <= len(name) <= longest or UNSAFE_TEXT.search(name):
        raise RegistryError(
            f"kind {short_repr(name)} cannot be a document's. Choose another, of 1 to {longest} characters and none of "
            f"{', '.join(sorted(taken))}."
        )
    if isinstance(parts, str):
        raise RegistryError(f"parts={short_repr(parts)}: give several, as in parts=[{short_repr(parts)}].")
    return Kind(
        name,
        type=Code(f"{name}_type", ((type,),)) if type else None,
        status=Code(f"{name}_status", ((status,),)) if status else None,
        parts=tuple(PartRule(_part_field(pattern), part_kind(name, _part_field(pattern))) for pattern in parts),
        name_field=name_field,
        keyed=keyed_declared({} if keyed is None else keyed),
    )


def part_kind(name: str, field: str) -> str:
    """Return the kind in the rows of the parts in *field* of a document of the user's kind *name*."""
    return f"{name}.{field}"[:LONGEST]


def _part_field(pattern: str) -> str:
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        raise RegistryError(
            f"parts: {short_repr(pattern)} is not a pattern of parts. Write '/field/*', for a field of the document."
        )
    return split_pointer(found[1])[0]


@lru_cache(maxsize=256)
def _kind_from_text(name: str, layout: bytes) -> Kind:
    """Return the kind of a *layout*, made once for all documents that have it."""
    return _kind_from_json(name, loads(layout))


def _kind_from_json(name: str, layout: JSON) -> Kind:
    def text(key: str) -> str | None:
        value = layout.get(key) if isinstance(layout, dict) else None
        if value is not None and not isinstance(value, str):
            raise DecodeError("should be a text", pointer=join_pointer((LAYOUT_KEY, key)))
        return value

    parts, keyed = (layout.get("parts", []), layout.get("keyed", {})) if isinstance(layout, dict) else (None, None)
    if not isinstance(parts, list) or not all(isinstance(each, str) and _PATTERN.fullmatch(each) for each in parts):
        raise DecodeError("should be an object with name and parts", pointer=join_pointer((LAYOUT_KEY,)))
    return kind_declared(
        name,
        name_field=text("name") or "name",
        type=text("type"),
        status=text("status"),
        parts=[str(each) for each in parts],
        keyed=keyed_from_json(keyed, at=join_pointer((LAYOUT_KEY, "keyed"))),
    )
