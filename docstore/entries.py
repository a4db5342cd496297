"""Which class is written under which tag, and how.

A ``Registry`` is a value: adding entries gives a new one. It answers two questions, "how is an instance of this class
written?" and "which class does this tag name?", and knows nothing of JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeAlias

from docstore.errors import RegistryError

Encoder: TypeAlias = Callable[[Any], "dict[str, Any]"]
"""Gives an object's members by key; their values are encoded in turn."""

Decoder: TypeAlias = Callable[[dict[str, Any]], Any]
"""Takes the members, already decoded, without the tag, and gives the object."""


def by_fields(value: Any) -> dict[str, Any]:
    """Stand for "this class is written by its stored fields" in a table of encoders; the codec never calls it."""
    raise RegistryError(f"{type(value).__qualname__} is written by its stored fields: the codec reads them itself.")


@dataclass(frozen=True, slots=True)
class Entry:
    """How one class is written.

    ``encode`` and ``decode`` are None where the class's own fields say it all. ``restore`` rebuilds an object field by
    field without calling its constructor, so that what was once stored always loads; otherwise the constructor is
    called. ``kind`` names the kind of document that an instance is by itself, if it is one.
    """

    cls: type
    tag: str
    encode: Encoder | None = None
    decode: Decoder | None = None
    restore: bool = False
    kind: str | None = None
    model: str = "user"


class Registry:
    """Entries by class and by tag. One class has one tag, and one tag one class."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_class: dict[type, Entry] = {}
        self._by_tag: dict[str, Entry] = {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        for known in (self._by_class.get(entry.cls), self._by_tag.get(entry.tag)):
            if known is not None and (known.cls is not entry.cls or known.tag != entry.tag):
                raise RegistryError(
                    f"{_name(entry.cls)} cannot be written under the tag {entry.tag!r}: {_name(known.cls)} has the tag "
                    f"{known.tag!r}. Give one of them another tag."
                )
        if entry.kind is None:
            # A subclass of a document is a document of the same kind.
            bases = (self._by_class.get(base) for base in entry.cls.__mro__[1:])
            entry = replace(entry, kind=next((base.kind for base in bases if base and base.kind), None))
        self._by_class[entry.cls] = entry
        self._by_tag[entry.tag] = entry

    def with_entries(self, entries: Iterable[Entry]) -> Registry:
        """Return a registry that has *entries* too; an entry for a class that is here already takes its place."""
        return Registry((*self.entries, *entries))

    def with_encoders(self, encoders: Mapping[type, Encoder]) -> Registry:
        """Return a registry in which *encoders* write their classes; ``by_fields`` stands for a class's fields."""
        return self.with_entries(self._writing(cls, encode) for cls, encode in encoders.items())

    def with_decoders(self, decoders: Mapping[str, type | Decoder]) -> Registry:
        """Return a registry in which *decoders*, each a class or a function, read their tags."""
        return self.with_entries(self._reading(tag, decoder) for tag, decoder in decoders.items())

    def _writing(self, cls: type, encode: Encoder) -> Entry:
        known = self._by_class.get(cls) or Entry(cls, cls.__name__)
        return known if encode is by_fields else replace(known, encode=encode)

    def _reading(self, tag: str, decoder: type | Decoder) -> Entry:
        if isinstance(decoder, type):
            known = self._by_class.get(decoder)
            return known if known is not None and known.tag == tag else Entry(decoder, tag)
        # A function reads the tag: where no class is known for it, a stand-in is, of which no object is an instance.
        known = self._by_tag.get(tag) or Entry(type(tag, (), {}), tag)
        return replace(known, decode=decoder)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order they were added."""
        return tuple(self._by_class.values())

    def of_class(self, cls: type) -> Entry | None:
        """Return the entry of exactly *cls*; a subclass is another class."""
        return self._by_class.get(cls)

    def of_tag(self, tag: str) -> Entry | None:
        """Return the entry that *tag* names."""
        return self._by_tag.get(tag)

    def remedy(self, cls: type) -> str:
        """Return what to write so that an instance of *cls* can be saved."""
        bases = [base.__name__ for base in cls.__mro__[1:] if base in self._by_class]
        argument = {"Metric": "metric_clss={%s: None}", "Runner": "runner_clss={%s: None}"}
        for base in bases:
            if base in argument:
                return f"Pass bundle=RegistryBundle({argument[base] % cls.__name__})."
        what = "an Enum" if issubclass(cls, Enum) else "a class"
        return f"It is {what} that no registry knows. Pass bundle=RegistryBundle(classes=[{cls.__name__}])."


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
