"""What sorts of document there are, which pieces of one are stored in rows of their own, and what its columns say.

It looks at JSON only: a kind knows where in a document its name, type and status stand, not which class wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from docstore.errors import DecodeError
from docstore.values import JSON, TAG, join_pointer, split_pointer

HEAD: Final = ""
"""The path of the head: what of a document is not in a part."""


@dataclass(frozen=True, slots=True)
class Code:
    """A small enum of a document: ``column`` names it in the table ``codes``; it stands at the first of ``places``."""

    column: str
    places: tuple[tuple[str | int, ...], ...]

    def names_in(self, body: JSON) -> set[str]:
        """Return every name of the enum in *body*: of a batch, the type of each generator run."""
        return {name for place in self.places for name in _texts_at(body, place)}

    def name_in(self, body: JSON) -> str | None:
        """Return the enum's name in *body*, the first of several, or None where it has none."""
        for place in self.places:
            name = _text_at(body, place)
            if name is not None:
                return name
        return None


@dataclass(frozen=True, slots=True)
class PartRule:
    """Each member of the document's object *field* is a part, a row of the kind *name*."""

    field: str
    name: str
    type: Code | None = None
    status: Code | None = None

    def path(self, key: str | int) -> str:
        """Return the pointer of the part under *key*: ``/trials/12``."""
        return join_pointer((self.field, key))


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of document: where its name and enums stand, which field names its owner, and what its parts are."""

    name: str
    type: Code | None = None
    status: Code | None = None
    owner_kind: str | None = None
    owner_field: str | None = None
    parts: tuple[PartRule, ...] = ()
    part_key: str | None = None
    """The attribute of a part's object that holds its key."""

    def name_in(self, head: JSON) -> str | None:
        """Return the document's name."""
        return _text_at(head, ("name",))

    def owner_in(self, head: JSON) -> str | None:
        """Return the name of the document that this one belongs to, of kind ``owner_kind``."""
        return _text_at(head, (self.owner_field,)) if self.owner_field else None

    def rule(self, path: str) -> PartRule | None:
        """Return the rule that makes *path* a part, or None for the head."""
        field = path[1:].partition("/")[0]
        return next((rule for rule in self.parts if rule.field == field), None)

    def split(self, document: JSON) -> dict[str, JSON]:
        """Return the head and the parts of *document*, by path, in new dicts; ``join`` is the inverse."""
        if not isinstance(document, dict):
            return {HEAD: document}
        head = dict(document)
        pieces: dict[str, JSON] = {HEAD: head}
        for rule in self.parts:
            members = head.get(rule.field)
            if isinstance(members, dict) and TAG not in members:
                head[rule.field] = {}
                pieces.update((rule.path(key), body) for key, body in members.items())
        return pieces


def join(pieces: Mapping[str, JSON]) -> JSON:
    """Return the whole document of a head and its parts.

    Cost:
        The head's outer level and its part fields are new; the bodies are the ones given.

    Raises:
        DecodeError: a part has no place in the head.
    """
    head = pieces[HEAD]
    if not isinstance(head, dict):
        return head
    document = dict(head)
    for path, body in pieces.items():
        if path != HEAD:
            field, key = split_path(path)
            members = document.get(field)
            if not isinstance(members, dict):
                raise DecodeError("the head has no place for this part", pointer=path)
            if members is head[field]:
                members = document[field] = {}
            members[key] = body
    return document


def split_path(path: str) -> tuple[str, str]:
    """Return the field and the key of a part's path: ``("trials", "12")`` for ``/trials/12``."""
    if "~" in path:
        field, key = split_pointer(path)
        return field, key
    field, _, key = path[1:].partition("/")
    return field, key


def position_of(path: str) -> int | None:
    """Return a part's place among its siblings, where its key is a number: 12 for ``/trials/12``."""
    key = path.rpartition("/")[2]
    return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else None


def _texts_at(body: JSON, tokens: tuple[str | int, ...]) -> list[str]:
    """Return the texts at a place in which a number stands for each item of a list."""
    found: list[JSON] = [body]
    for token in tokens:
        if isinstance(token, str):
            found = [item[token] for item in found if isinstance(item, dict) and token in item]
        else:
            found = [each for item in found if isinstance(item, list) for each in item]
    return [text for text in found if isinstance(text, str)]


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
        ),
        PartRule("data", "data"),
    ),
    part_key="index",
)
GENERATION_STRATEGY: Final = Kind("generation_strategy", owner_kind="experiment", owner_field="experiment_name")
ANALYSIS_CARD: Final = Kind("analysis_card")

RESERVED: Final = frozenset(
    name
    for kind in (EXPERIMENT, GENERATION_STRATEGY, ANALYSIS_CARD)
    for name in (kind.name, *(p.name for p in kind.parts))
)
"""The kinds of docstore's own documents and parts; the views for people show what has them."""

KINDS: Final = {kind.name: kind for kind in (EXPERIMENT, GENERATION_STRATEGY, ANALYSIS_CARD)}


def kind_named(name: str) -> Kind:
    """Return the kind *name*; a kind of the user's own has no parts and no enums."""
    return KINDS.get(name) or Kind(name)
