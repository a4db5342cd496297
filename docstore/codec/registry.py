"""The registry: which class has which tag, and the functions, schema and aliases registered with it.

A ``Registry`` is a value: adding entries returns a new one. It answers two questions, "how is an instance of this class
written?" and "which class does this tag name?", and encodes nothing itself.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal, Self, TypeAlias

from docstore.codec.classes import stored_fields
from docstore.codec.classes.field_tables import FieldTable, subclass_table
from docstore.codec.classes.part_holders import PartHolder
from docstore.codec.classes.stored_fields import StoredField
from docstore.codec.values.optional_types import known_by, root_of
from docstore.documents.canonical import JSON
from docstore.documents.kinds import Kind
from docstore.errors import MissingDependencyError, RegistryError

Encoder: TypeAlias = Callable[[Any], "dict[str, Any]"]
"""Returns an object's members by key; their values are encoded in turn."""

Decoder: TypeAlias = Callable[[dict[str, Any]], Any]
"""Takes the decoded members, without the tag, and returns the object."""

StandIn: TypeAlias = "Callable[[str, dict[str, JSON], dict[str, Any]], Any]"
"""Takes a tag, an object's JSON, and its decoded members by attribute, and returns what stands for the object."""

Upcast: TypeAlias = "Callable[[dict[str, JSON]], dict[str, JSON]]"
"""Takes the JSON members of an object of one schema, without tag and number, and returns those of the next schema."""


def by_fields(value: Any) -> dict[str, Any]:
    """Mark, in a table of encoders, a class that is written by its stored fields; the codec never calls this."""
    raise RegistryError(f"{type(value).__qualname__} is written by its stored fields: the codec reads them itself.")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is registered for one class.

    Attributes:
        encode, decode: a user's functions; None if the class is written by its fields.
        fields: the table of its fields, if it does not declare them; then its constructor is never called.
        restore: whether an object is rebuilt field by field without its constructor, so that what was once stored
            always loads.
        kind: the kind of document that an instance is by itself, if it is one.
        part_holders: what finds the parts in a field of such a document, by the field's key, where they are no dict or
            list in one attribute.
        schema: counts the shapes that the class's JSON has had, from 1.
        compatible_from: the oldest schema whose readers may read what is written today, if any older may.
        aliases: the tags that the class has in older documents.
        renamed: for an enum, the present name of each member by its former name.
        implied: whether the class is registered only because an annotation names it; a user's registration replaces it.
        flaw: why its objects can be neither written nor read yet; raised whenever one is.
        stand_in: makes what is kept, where an annotation names the class, in place of an object of a subclass that is
            not registered: a subclass of both ``UnknownObject`` and the class. It is called with the tag, the JSON and
            the decoded members that the class itself has.
    """

    cls: type
    tag: str
    encode: Encoder | None = None
    decode: Decoder | None = None
    fields: FieldTable | None = None
    restore: bool = False
    kind: Kind | None = None
    part_holders: Mapping[str, PartHolder] = field(default_factory=dict)
    model: str = "user"
    schema: int = 1
    compatible_from: int | None = None
    aliases: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    implied: bool = False
    flaw: RegistryError | None = field(default=None, compare=False)
    stand_in: StandIn | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag that is written, and then the other tags that are read."""
        return (self.tag, *self.aliases)

    @property
    def form(self) -> Literal["functions", "enum", "namedtuple", "fields"]:
        """How its objects are written and read: by a user's functions, one of the two at least, or as the class is."""
        if self.encode is not None or self.decode is not None:
            return "functions"
        if issubclass(self.cls, Enum):
            return "enum"
        return "namedtuple" if issubclass(self.cls, tuple) else "fields"

    @property
    def omits_none(self) -> bool:
        """Whether fields that are None, and have None as default, are not written: not in a user's class."""
        return self.model != "user" and self.form == "fields"

    @property
    def optional_keys(self) -> frozenset[str]:
        """The keys of the fields that are not written if they are None."""
        if self.fields is not None:
            return self.fields.omitted
        return stored_fields.none_by_default(self.cls) if self.omits_none else frozenset()

    @property
    def stored_fields(self) -> tuple[StoredField, ...]:
        """The stored fields: those of the table, or else those that the class itself declares.

        Raises:
            RegistryError: the class does not say which they are; see ``stored_fields.stored_fields``.
        """
        return stored_fields.stored_fields(self.cls) if self.fields is None else self.fields.stored

    @property
    def unstored_names(self) -> frozenset[str]:
        """The attributes, beside the stored fields, that an object may have without a save losing anything."""
        known = stored_fields.unstored_names(self.cls)
        return known if self.fields is None else known | self.fields.unstored

    @property
    def unstored_defaults(self) -> Mapping[str, Callable[[], Any]]:
        """What makes the values of attributes that are not stored, when an object is read without its constructor."""
        return stored_fields.unstored_defaults(self.cls) if self.fields is None else self.fields.defaults

    @property
    def skips_constructor(self) -> bool:
        """Whether objects are made without the constructor, unless only their library can make one."""
        return self.restore or self.fields is not None

    def check(self) -> None:
        """Raise the flaw, if there is one and no functions of the user replace the fields."""
        if self.flaw is not None and (self.encode is None or self.decode is None):
            raise type(self.flaw)(*self.flaw.args)  # a new error each time: one that is raised again gathers tracebacks


@dataclass(frozen=True)
class _Tables:
    """What a registry holds beside its entries: upcasts, and functions for values that are classes."""

    upcasts: Mapping[tuple[str, int], Upcast] = field(default_factory=dict)
    class_encoders: Mapping[type, Encoder] = field(default_factory=dict)
    class_decoders: Mapping[str, Decoder] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)


class Registry:
    """Entries by class and by tag: each class has one tag that is written, and each tag names one class.

    A registry ``with_adapters`` finds the classes of some libraries besides; they are not among its ``entries``.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_class: dict[type, Entry] = {}
        self._by_tag: dict[str, Entry] = {}
        self._of_libraries: dict[type, Entry] = {}
        self._tables = _Tables()
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        for tag in entry.tags:
            for known in (self._by_class.get(entry.cls), self._by_tag.get(tag)):
                if known is not None and (known.cls is not entry.cls or known.tag != entry.tag):
                    raise RegistryError(_taken(entry, tag, known))
        entry = _inheriting(entry, [base for cls in entry.cls.__mro__[1:] if (base := self.of_class(cls))])
        former = self._by_class.get(entry.cls)
        for tag in former.aliases if former else ():
            self._by_tag.pop(tag, None)
        self._by_class[entry.cls] = entry
        self._by_tag.update(dict.fromkeys(entry.tags, entry))

    def _like(self, entries: Iterable[Entry], **tables: Any) -> Self:
        made = type(self)()
        made._tables = dataclasses.replace(self._tables, **tables)
        for entry in entries:
            made._add(entry)
        return made

    def with_entries(self, entries: Iterable[Entry]) -> Self:
        """Return a registry with *entries* added; each replaces the entry of its class, if there is one."""
        return self._like((*self.entries, *entries))

    def without(self, *classes: type) -> Self:
        """Return a registry without *classes*."""
        return self._like(entry for entry in self.entries if entry.cls not in classes)

    def with_class(self, entry: Entry) -> Self:
        """Return a registry with *entry*, and without the entries that it replaces.

        A class that was defined again, as in a notebook, replaces its former self, and the subclasses of that are
        removed too. A class that is registered only because an annotation names it may get another tag. A class that
        is a document stays one.

        Raises:
            RegistryError: another class has the tag, or the class has another tag, or another class of the kind has a
                different layout.
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
                f"{entry.cls.__name__}: {_name(others.of_kind(other.name))} is of kind {other.name!r}, with other "
                f"fields for the name, type, status or parts. Choose another kind."
            )
        return made.with_entries([entry])

    def with_flaw(self, cls: type, flaw: RegistryError | None) -> Self:
        """Return a registry in which *cls* has *flaw*, so that its objects can be neither written nor read."""
        return self.with_entries([replace(self._by_class[cls], flaw=flaw)])

    def with_encoders(self, encoders: Mapping[type, Encoder]) -> Self:
        """Return a registry with *encoders* for their classes; ``by_fields`` stands for no function."""
        return self.with_entries(self._writing(cls, encode) for cls, encode in encoders.items())

    def with_decoders(self, decoders: Mapping[str, type | Decoder]) -> Self:
        """Return a registry with *decoders* for their tags; a decoder is a class or a function."""
        made = self.with_entries(())
        for tag, decoder in decoders.items():
            # One by one: several tags may lead to one class.
            made._add(made._reading(tag, decoder))
        return made

    def with_upcast(self, tag: str, from_: int, function: Upcast) -> Self:
        """Return a registry with the upcast *function*, from schema *from_* of *tag* to the next."""
        known = self._tables.upcasts.get((tag, from_))
        if known is not None and _name(known) != _name(function):
            raise RegistryError(
                f"{tag!r} has two upcasts from schema {from_}, {_name(known)} and {_name(function)}: keep one of them."
            )
        return self._like(self.entries, upcasts={**self._tables.upcasts, (tag, from_): function})

    def with_class_encoders(self, encoders: Mapping[type, Encoder]) -> Self:
        """Return a registry with *encoders* of values that are classes: each encodes its class and the subclasses."""
        return self._like(self.entries, class_encoders={**self.class_encoders, **encoders})

    def with_class_decoders(self, decoders: Mapping[str, Decoder]) -> Self:
        """Return a registry with *decoders* that find the class for a tag such as ``Type[Metric]``."""
        for tag in decoders:
            if tag in self._by_tag:
                raise RegistryError(
                    f"the tag {tag!r} cannot stand for classes: it is that of {_name(self._by_tag[tag].cls)}. Name the "
                    f"tag 'Type[...]', after the class that json_class_encoder_registry has."
                )
        return self._like(self.entries, class_decoders={**self.class_decoders, **decoders})

    def with_adapters(self, adapters: Mapping[str, str]) -> Self:
        """Return a registry that also has the classes of libraries, by root package the module with their ``REGISTRY``.

        The module is imported when an object of the library, or a tag that begins with its name, is first met.
        """
        return self._like(self.entries, adapters=adapters)

    def _writing(self, cls: type, encode: Encoder) -> Entry:
        known = self.of_class(cls) or Entry(cls, cls.__name__)
        return known if encode is by_fields else replace(known, encode=encode)

    def _reading(self, tag: str, decoder: type | Decoder) -> Entry:
        if isinstance(decoder, type):
            # A class is written under its own tag, and read from this one too, such as its former name.
            known = self.of_class(decoder) or Entry(decoder, decoder.__name__)
            return known if tag in known.tags else replace(known, aliases=(*known.aliases, tag))
        # A function reads the tag: if no class has it, the entry gets a new class that has no instances.
        known = self._by_tag.get(tag) or Entry(type(tag, (), {}), tag)
        return replace(known, decode=decoder)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order they were added."""
        return tuple(self._by_class.values())

    @property
    def class_encoders(self) -> Mapping[type, Encoder]:
        """The encoders of values that are classes, by the class that they are or inherit from."""
        return self._tables.class_encoders

    @property
    def class_decoders(self) -> Mapping[str, Decoder]:
        """The decoders of values that are classes, by tag."""
        return self._tables.class_decoders

    def of_class(self, cls: type) -> Entry | None:
        """Return the entry of exactly *cls*; a subclass is another class."""
        found = self._by_class.get(cls) or self._of_libraries.get(cls)
        if found is None and (library := self._library_of(cls)):
            found = library.of_class(cls)
            if found is not None:
                self._of_libraries[cls] = found
        return found

    def of_tag(self, tag: str) -> Entry | None:
        """Return the entry with *tag*, its present one or a former one; None if the tag's library is not installed."""
        found = self._by_tag.get(tag)
        if found is None:
            with suppress(MissingDependencyError):
                library = self.library_of_tag(tag)
                return None if library is None else library.of_tag(tag)
        return found

    def class_encoder(self, cls: type) -> tuple[type, Encoder] | None:
        """Return the encoder of *cls*, a class that is a value, and the base that it is for: the closest with one."""
        for base in cls.__mro__:
            for registry in filter(None, (self, self._library_of(base))):
                if base in registry.class_encoders:
                    return base, registry.class_encoders[base]
        return None

    def class_decoder(self, tag: str) -> Decoder | None:
        """Return the decoder of values that are classes with this *tag*; None if its library is not installed."""
        found = self.class_decoders.get(tag)
        if found is None:
            with suppress(MissingDependencyError):
                library = self.library_of_tag(tag)
                return None if library is None else library.class_decoder(tag)
        return found

    # --- the libraries that are found by themselves ------------------------------------------------------------------

    def library_of_tag(self, tag: str) -> Registry | None:
        """Return the registry of the library that *tag* begins with the name of, if there is an adapter for it.

        Raises:
            MissingDependencyError: the library is not installed.
        """
        return self._library(tag.partition(".")[0], f"reading {tag}")

    def _library_of(self, cls: type) -> Registry | None:
        return self._library(root_of(cls), f"writing {cls.__module__}.{cls.__qualname__}")

    def _library(self, root: str, purpose: str) -> Registry | None:
        adapters = self._tables.adapters
        found: Registry | None = known_by(adapters, root, purpose).REGISTRY if root in adapters else None
        return found

    # --- kinds and upcasts -------------------------------------------------------------------------------------------

    def kind_named(self, name: str) -> Kind | None:
        """Return the kind of document of this name, if a class is one."""
        return next((entry.kind for entry in self.entries if entry.kind and entry.kind.name == name), None)

    def of_kind(self, name: str) -> type:
        """Return the first class whose instances are documents of this kind, which has one."""
        return next(entry.cls for entry in self.entries if entry.kind and entry.kind.name == name)

    def upcasts_of(self, entry: Entry) -> dict[int, Upcast]:
        """Return the upcasts of *entry*, by the schema that they start from."""
        if entry.cls not in self._by_class and (library := self._library_of(entry.cls)):
            return library.upcasts_of(entry)
        found = self._tables.upcasts
        return {from_: function for (tag, from_), function in found.items() if self._by_tag.get(tag) is entry}

    def check_upcasts(self) -> None:
        """Raise a RegistryError if a class lacks an upcast from an older schema, or if no class needs an upcast."""
        found: dict[tuple[str, int], tuple[str, Upcast]] = {}
        for (tag, from_), function in self._tables.upcasts.items():
            entry = self._by_tag.get(tag)
            if entry is None:
                raise RegistryError(f"there is an upcast of {tag!r} from schema {from_}, and no class has that tag.")
            if not 1 <= from_ < entry.schema:
                raise RegistryError(
                    f"there is an upcast of {tag!r} from schema {from_} to {from_ + 1}, and {_name(entry.cls)} is at "
                    f"schema {entry.schema}. Say version={from_ + 1} where the class is registered."
                )
            other, known = found.setdefault((entry.tag, from_), (tag, function))
            if known is not function:
                raise RegistryError(
                    f"{_name(known)} is the upcast of {other!r} from schema {from_}, and {_name(function)} that of "
                    f"{tag!r}: both are tags of {_name(entry.cls)}, which needs one of them. Keep one."
                )
        for entry in self.entries:
            missing = sorted(set(range(1, entry.schema)) - self.upcasts_of(entry).keys())
            if missing:
                raise RegistryError(
                    f"{_name(entry.cls)} is at schema {entry.schema}, and has no upcast from {missing[0]}. Write: "
                    f"@registry.upcast({entry.tag!r}, from_={missing[0]}), on a function that takes the members of "
                    f"schema {missing[0]} and returns those of {missing[0] + 1}."
                )

    def remedy(self, cls: type, *, by_itself: bool = False) -> str:
        """Return what to write so that an instance of *cls* can be saved; *by_itself*, as a document."""
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
        if by_itself and not bases and not issubclass(cls, Enum):
            return (
                f"Make its class one: @docstore.document(kind={suggested_kind(cls)!r}). Or call "
                f"docstore.register({cls.__name__}), and save what holds it."
            )
        what = "an Enum" if issubclass(cls, Enum) else f"a subclass of {bases[0]}" if bases else "a class"
        document = "" if bases or issubclass(cls, Enum) else " (or docstore.document, to save it by itself)"
        return (
            f"It is {what} that no registry knows. Call docstore.register({cls.__name__}){document}, or pass "
            f"bundle=RegistryBundle(classes=[{cls.__name__}])."
        )


def suggested_kind(cls: type) -> str:
    """Return the name of *cls* as one would name a kind: ``baking_day`` for ``BakingDay``."""
    return re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


def _name(thing: Any) -> str:
    if not hasattr(thing, "__qualname__"):
        # A functools.partial, or another callable object: named after the function, or its class.
        return f"{_name(type(thing))} of {_name(thing.func)}" if hasattr(thing, "func") else _name(type(thing))
    return f"{thing.__module__}.{thing.__qualname__}"


def _inheriting(entry: Entry, bases: Sequence[Entry]) -> Entry:
    """Return *entry* with what a subclass has of its *bases*: the kind of document, its parts, the table of fields."""
    if entry.kind is None:
        entry = replace(entry, kind=next((base.kind for base in bases if base.kind), None))
    tabled = next((base for base in bases if base.fields is not None), None)
    if tabled is None or tabled.fields is None or entry.form == "functions":
        return entry
    table = subclass_table(entry.cls, tabled.fields, entry.fields)
    return replace(entry, fields=table, part_holders={**tabled.part_holders, **entry.part_holders})


def _is_former(known: Entry, entry: Entry) -> bool:
    """Return whether *entry*'s class is *known*'s, defined again; a shared tag, as a function may define several."""
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
