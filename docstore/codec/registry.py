"""Which class is written under which tag, and how.

A ``Registry`` is a value: adding entries gives a new one. It answers two questions, "how is an instance of this class
written?" and "which class does this tag name?", and knows nothing of JSON.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Self, TypeAlias

from docstore.documents.canonical import JSON
from docstore.documents.kinds import Kind
from docstore.errors import RegistryError

Encoder: TypeAlias = Callable[[Any], "dict[str, Any]"]
"""Gives an object's members by key; their values are encoded in turn."""

Decoder: TypeAlias = Callable[[dict[str, Any]], Any]
"""Takes the members, already decoded, without the tag, and gives the object."""

Upcast: TypeAlias = "Callable[[dict[str, JSON]], dict[str, JSON]]"
"""Takes the JSON members of an object of one schema, without tag and number, and gives those of the next."""


def by_fields(value: Any) -> dict[str, Any]:
    """Stand for "this class is written by its stored fields" in a table of encoders; the codec never calls it."""
    raise RegistryError(f"{type(value).__qualname__} is written by its stored fields: the codec reads them itself.")


@dataclass(frozen=True, slots=True)
class Entry:
    """How one class is written.

    ``encode`` and ``decode`` are None where the class's own fields say it all. ``restore`` rebuilds an object field by
    field without calling its constructor, so that what was once stored always loads; otherwise the constructor is
    called.

    Attributes:
        kind: the kind of document that an instance is by itself, if it is one.
        schema: counts the shapes that the class's JSON has had, from 1.
        compatible_from: the oldest schema whose readers may read what is written today, if any older may.
        aliases: the tags that older documents name the class by.
        renamed: of an enum, the present name of each member that older documents know under another.
        implied: whether it is here only because an annotation names it; what the user says of the class goes first.
        flaw: why its objects can be neither written nor read yet; told whenever one is.
    """

    cls: type
    tag: str
    encode: Encoder | None = None
    decode: Decoder | None = None
    restore: bool = False
    kind: Kind | None = None
    model: str = "user"
    schema: int = 1
    compatible_from: int | None = None
    aliases: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    implied: bool = False
    flaw: RegistryError | None = field(default=None, compare=False)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag that is written, and all others that are read."""
        return (self.tag, *self.aliases)

    def check(self) -> None:
        """Raise the flaw, if it has one that the user's functions don't make good."""
        if self.flaw is not None and (self.encode is None or self.decode is None):
            raise type(self.flaw)(*self.flaw.args)  # anew: one that is raised again and again gathers tracebacks


@dataclass(frozen=True)
class _Tables:
    """What a registry holds beside its entries."""

    upcasts: Mapping[tuple[str, int], Upcast] = field(default_factory=dict)
    class_encoders: Mapping[type, Encoder] = field(default_factory=dict)
    class_decoders: Mapping[str, Decoder] = field(default_factory=dict)


class Registry:
    """Entries by class and by tag. One class has one tag, and one tag one class."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_class: dict[type, Entry] = {}
        self._by_tag: dict[str, Entry] = {}
        self._tables = _Tables()
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        for tag in entry.tags:
            for known in (self._by_class.get(entry.cls), self._by_tag.get(tag)):
                if known is not None and (known.cls is not entry.cls or known.tag != entry.tag):
                    raise RegistryError(_taken(entry, tag, known))
        if entry.kind is None:
            # A subclass of a document is a document of the same kind.
            bases = (self._by_class.get(base) for base in entry.cls.__mro__[1:])
            entry = replace(entry, kind=next((base.kind for base in bases if base and base.kind), None))
        former = self._by_class.get(entry.cls)
        for tag in former.aliases if former else ():
            self._by_tag.pop(tag, None)
        self._by_class[entry.cls] = entry
        self._by_tag.update(dict.fromkeys(entry.tags, entry))

    def _like(self, entries: Iterable[Entry], **tables: Any) -> Self:
        made = type(self)(entries)
        made._tables = dataclasses.replace(self._tables, **tables)
        return made

    def with_entries(self, entries: Iterable[Entry]) -> Self:
        """Return a registry that has *entries* too; an entry for a class that is here already takes its place."""
        return self._like((*self.entries, *entries))

    def without(self, *classes: type) -> Self:
        """Return a registry that does not have *classes*."""
        return self._like(entry for entry in self.entries if entry.cls not in classes)

    def with_class(self, entry: Entry) -> Self:
        """Return a registry that has *entry*, and nothing that it takes the place of.

        A class that was defined again, as in a notebook, takes its own place; the subclasses of the former go with it.
        One that is here only because an annotation names it may get another tag. A document stays one.

        Raises:
            RegistryError: the tag is another class's, or the class has another tag, or its kind is laid out otherwise.
        """
        former = [known.cls for known in self.entries if _is_former(known, entry)]
        gone = [known.cls for known in self.entries if not set(former).isdisjoint(known.cls.__mro__)]
        made = self.without(*(cls for cls in gone if cls is not entry.cls))
        known = made.of_class(entry.cls)
        if known is not None:
            entry = replace(entry, kind=entry.kind or known.kind)
            made = made.without(known.cls) if known.implied else made
        others = made.without(entry.cls)
        other = others.kind_named(entry.kind.name) if entry.kind else None
        if entry.kind and other and other != entry.kind:
            raise RegistryError(
                f"{entry.cls.__name__}: another class is of kind {entry.kind.name!r}, and laid out otherwise. Choose "
                f"another kind."
            )
        return made.with_entries([entry])

    def with_flaw(self, cls: type, flaw: RegistryError | None) -> Self:
        """Return a registry in which objects of *cls* can be neither written nor read because of *flaw*."""
        return self.with_entries([replace(self._by_class[cls], flaw=flaw)])

    def with_encoders(self, encoders: Mapping[type, Encoder]) -> Self:
        """Return a registry in which *encoders* write their classes; ``by_fields`` stands for a class's fields."""
        return self.with_entries(self._writing(cls, encode) for cls, encode in encoders.items())

    def with_decoders(self, decoders: Mapping[str, type | Decoder]) -> Self:
        """Return a registry in which *decoders*, each a class or a function, read their tags."""
        made = self.with_entries(())
        for tag, decoder in decoders.items():
            # One by one: several tags may lead to one class.
            made._add(made._reading(tag, decoder))
        return made

    def with_upcast(self, tag: str, from_: int, lift: Upcast) -> Self:
        """Return a registry in which *lift* makes JSON of schema *from_* + 1 of what *tag* had at *from_*."""
        known = self._tables.upcasts.get((tag, from_))
        if known is not None and _name(known) != _name(lift):
            raise RegistryError(
                f"{_name(known)} lifts {tag!r} from schema {from_} already, and {_name(lift)} would too: keep one of "
                f"them."
            )
        return self._like(self.entries, upcasts={**self._tables.upcasts, (tag, from_): lift})

    def with_class_encoders(self, encoders: Mapping[type, Encoder]) -> Self:
        """Return a registry in which *encoders* write values that are classes: each its own and its subclasses."""
        return self._like(self.entries, class_encoders={**self.class_encoders, **encoders})

    def with_class_decoders(self, decoders: Mapping[str, Decoder]) -> Self:
        """Return a registry in which *decoders* find the class that a tag such as ``Type[Metric]`` stands for."""
        for tag in decoders:
            if tag in self._by_tag:
                raise RegistryError(
                    f"the tag {tag!r} cannot stand for classes: it is that of {_name(self._by_tag[tag].cls)}. Name the "
                    f"tag 'Type[...]', after the class that json_class_encoder_registry has."
                )
        return self._like(self.entries, class_decoders={**self.class_decoders, **decoders})

    def _writing(self, cls: type, encode: Encoder) -> Entry:
        known = self._by_class.get(cls) or Entry(cls, cls.__name__)
        return known if encode is by_fields else replace(known, encode=encode)

    def _reading(self, tag: str, decoder: type | Decoder) -> Entry:
        if isinstance(decoder, type):
            # A class is written under its own tag; it is read from others too, such as a name that it once had.
            known = self._by_class.get(decoder) or Entry(decoder, decoder.__name__)
            return known if tag in known.tags else replace(known, aliases=(*known.aliases, tag))
        # A function reads the tag: where no class is known for it, a stand-in is, of which no object is an instance.
        known = self._by_tag.get(tag) or Entry(type(tag, (), {}), tag)
        return replace(known, decode=decoder)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order they were added."""
        return tuple(self._by_class.values())

    @property
    def class_encoders(self) -> Mapping[type, Encoder]:
        """What writes values that are classes, by a class that they are or inherit."""
        return self._tables.class_encoders

    @property
    def class_decoders(self) -> Mapping[str, Decoder]:
        """What reads values that are classes, by tag."""
        return self._tables.class_decoders

    def of_class(self, cls: type) -> Entry | None:
        """Return the entry of exactly *cls*; a subclass is another class."""
        return self._by_class.get(cls)

    def of_tag(self, tag: str) -> Entry | None:
        """Return the entry that *tag*, today's or a former one, names."""
        return self._by_tag.get(tag)

    def kind_named(self, name: str) -> Kind | None:
        """Return the kind of document of this name that a class here has."""
        return next((entry.kind for entry in self.entries if entry.kind and entry.kind.name == name), None)

    def upcasts_of(self, entry: Entry) -> dict[int, Upcast]:
        """Return, by schema, what lifts the JSON of *entry* from it to the next."""
        found = self._tables.upcasts
        return {from_: lift for (tag, from_), lift in found.items() if self._by_tag.get(tag) is entry}

    def check_upcasts(self) -> None:
        """Raise a RegistryError if there is a schema that nothing lifts from, or an upcast that nothing needs."""
        found: dict[tuple[str, int], tuple[str, Upcast]] = {}
        for (tag, from_), lift in self._tables.upcasts.items():
            entry = self._by_tag.get(tag)
            if entry is None:
                raise RegistryError(f"an upcast lifts {tag!r} from schema {from_}, and no class has that tag.")
            if not 1 <= from_ < entry.schema:
                raise RegistryError(
                    f"an upcast lifts {tag!r} from schema {from_} to {from_ + 1}, and {_name(entry.cls)} is at schema "
                    f"{entry.schema}. Say version={from_ + 1} where the class is registered."
                )
            other, known = found.setdefault((entry.tag, from_), (tag, lift))
            if known is not lift:
                raise RegistryError(
                    f"{_name(known)} lifts {other!r} from schema {from_}, and {_name(lift)} lifts {tag!r}: both are "
                    f"tags of {_name(entry.cls)}, and one step serves for both. Keep one of them."
                )
        for entry in self.entries:
            missing = sorted(set(range(1, entry.schema)) - self.upcasts_of(entry).keys())
            if missing:
                raise RegistryError(
                    f"{_name(entry.cls)} is at schema {entry.schema}, and nothing lifts it from {missing[0]}. Write: "
                    f"@registry.upcast({entry.tag!r}, from_={missing[0]}), on a function that takes the members of "
                    f"schema {missing[0]} and gives those of {missing[0] + 1}."
                )

    def remedy(self, cls: type) -> str:
        """Return what to write so that an instance of *cls* can be saved."""
        present = {_name(entry.cls): entry.cls for entry in self.entries}
        if _name(cls) in present:
            return _remedy_of_one_defined_again(cls, present[_name(cls)])
        for base in cls.__mro__[1:]:
            if present.get(_name(base), base) is not base:
                return (
                    f"{base.__name__}, from which it inherits, was defined again: define {cls.__name__} again too, and "
                    f"make the object anew."
                )
        bases = [base.__name__ for base in cls.__mro__[1:] if base in self._by_class]
        argument = {"Metric": "metric_clss={%s: None}", "Runner": "runner_clss={%s: None}"}
        for name in bases:
            if name in argument:
                return f"Pass bundle=RegistryBundle({argument[name] % cls.__name__})."
        what = "an Enum" if issubclass(cls, Enum) else f"a subclass of {bases[0]}" if bases else "a class"
        return (
            f"It is {what} that no registry knows. Call docstore.register({cls.__name__}), or pass "
            f"bundle=RegistryBundle(classes=[{cls.__name__}])."
        )


def _name(thing: Any) -> str:
    if not hasattr(thing, "__qualname__"):
        # A functools.partial, or an object that can be called: it goes by what it is made of.
        return f"{_name(type(thing))} of {_name(thing.func)}" if hasattr(thing, "func") else _name(type(thing))
    return f"{thing.__module__}.{thing.__qualname__}"


def _is_former(known: Entry, entry: Entry) -> bool:
    """Return whether *entry*'s class is that of *known*, defined again: what a function makes of it may be several."""
    again = known.cls is not entry.cls and _name(known.cls) == _name(entry.cls)
    return again and not set(known.tags).isdisjoint(entry.tags)


def _taken(entry: Entry, tag: str, known: Entry) -> str:
    name = _name(entry.cls)
    if known.cls is entry.cls:
        return (
            f"{name} cannot be written under the tag {entry.tag!r}: it is registered under {known.tag!r} already, and "
            f"a class has one tag. Say tag={known.tag!r} here too, or take one of the two out; to read {entry.tag!r} "
            f"as well, give aliases=[{entry.tag!r}]."
        )
    return (
        f"{name} cannot be written under the tag {tag!r}: {_name(known.cls)} has the tag {known.tag!r}. Give one of "
        f"them another tag."
    )


def _remedy_of_one_defined_again(cls: type, known: type) -> str:
    register = "run again what registers it (the document that names it, docstore.register or the bundle)"
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is known:
        return "Its class was defined again since this object was made: make the object anew."
    if found is cls:
        return f"Its class was defined again since it was registered: {register}, and make the object anew."
    return f"Its class was defined again: {register}, if that was not done yet, and make the object anew."
